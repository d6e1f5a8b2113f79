// SPDX-License-Identifier: Apache-2.0
#include "registry/lineage.h"

#include <stdlib.h>

#include "registry/registry_int.h"

plumb_status pl_registry_head(pl_registry *registry, const char *table, pl_arena *arena,
                              pl_head_row *ret_row, bool *ret_found, plumb_error *err)
{
    pl_doing doing = PL_DOING("look up the head of table", table);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT snapshot, metadata_location FROM heads WHERE tbl = ?", &stmt,
                              err, "t", table));
    plumb_status st = pl_registry__step(registry, doing, stmt, ret_found, err);
    *ret_row = (pl_head_row){.metadata_location = ""};
    if (st == PLUMB_OK && *ret_found) {
        ret_row->snapshot = pl_registry__int(stmt, 0);
        ret_row->metadata_location = pl_arena_cstr(arena, pl_span_of(pl_registry__text(stmt, 1)));
    }
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_head_set(pl_registry *registry, const char *table, const pl_head_row *row,
                                  plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("record the head of table", table),
                              "INSERT OR REPLACE INTO heads(tbl, snapshot, metadata_location)"
                              " VALUES (?, ?, ?)",
                              NULL, err, "tit", table, row->snapshot, row->metadata_location);
}

plumb_status pl_registry_parent(pl_registry *registry, const char *table, int64_t snapshot,
                                int64_t *ret_parent, bool *ret_known, plumb_error *err)
{
    pl_doing doing = PL_DOING("look up a snapshot of table", table);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(
        registry, doing,
        "SELECT parent FROM snapshots WHERE tbl = ?1 AND snapshot_id = ?2 UNION ALL"
        " SELECT parent FROM lineage WHERE tbl = ?1 AND snapshot = ?2 LIMIT 1",
        &stmt, err, "ti", table, snapshot));
    plumb_status st = pl_registry__step(registry, doing, stmt, ret_known, err);
    *ret_parent = st == PLUMB_OK && *ret_known ? pl_registry__int(stmt, 0) : 0;
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_parent_add(pl_registry *registry, const char *table, int64_t snapshot,
                                    int64_t parent, plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("record a snapshot of table", table),
                              "INSERT OR IGNORE INTO lineage(tbl, snapshot, parent)"
                              " VALUES (?, ?, ?)",
                              NULL, err, "tii", table, snapshot, parent);
}

typedef struct published_walk {
    pl_published_visit visit;
    void *context;
} published_walk;

static bool published_row(void *context, sqlite3_stmt *stmt)
{
    published_walk *walk = context;
    return walk->visit(walk->context, pl_registry__int(stmt, 0));
}

plumb_status pl_registry_published(pl_registry *registry, const char *table,
                                   pl_published_visit visit, void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("list snapshots of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT DISTINCT snapshot FROM publications WHERE tbl = ?"
                              " AND snapshot <> 0",
                              &stmt, err, "t", table));
    published_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, published_row, &walk, err);
}

// ---- states ------------------------------------------------------------------------------------
typedef struct names {
    pl_arena arena;
    const char **items;
    uint32_t count, capacity;
} names;

static bool name_row(void *context, sqlite3_stmt *stmt)
{
    names *list = context;
    PL_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] =
        pl_arena_cstr(&list->arena, pl_span_of(pl_registry__text(stmt, 0)));
    return true;
}

typedef struct choosing {
    pl_snapshot_counts counts;
    void *context;
    char run[PL_ID_TEXT];
    int64_t snapshot, mapping;
    bool found, partly; // the newest one was a retry of some records: another made the rest
} choosing;

static bool choose_row(void *context, sqlite3_stmt *stmt)
{
    choosing *c = context;
    int64_t snapshot = pl_registry__int(stmt, 1);
    bool retry = pl_registry__int(stmt, 3) != 0, rows = pl_registry__int(stmt, 4) != 0;
    if (snapshot && !c->counts(c->context, snapshot)) return true;
    if (!c->found) {
        pl_span run = pl_span_of(pl_registry__text(stmt, 0));
        memcpy(c->run, run.data, PL_MIN(run.bytes, sizeof c->run - 1));
        c->snapshot = snapshot;
        c->mapping = pl_registry__int(stmt, 2);
    } else if (rows) {
        c->mapping = pl_registry__int(stmt, 2);
    }
    c->found = true;
    return retry;
}

// The newest publication that counts. Its mapping is that of the newest one that mapped all of the
// object: a retry appends rows of a few records.
static plumb_status choose(pl_registry *registry, const char *table, const char *object,
                           choosing *c, plumb_error *err)
{
    static const char sql[] =
        "SELECT p.run, p.snapshot, p.mapping, r.command = 'retry', l.curated + l.filtered > 0"
        " FROM publications p LEFT JOIN runs r ON r.id = p.run LEFT JOIN ledger l ON"
        " l.tbl = p.tbl AND l.object = p.object AND l.run = p.run"
        " WHERE p.tbl = ? AND p.object = ? ORDER BY p.run DESC";
    pl_doing doing = PL_DOING("look up publications of object", object);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "tt", table, object));
    return pl_registry__each(registry, doing, stmt, choose_row, c, err);
}

static plumb_status follow_one(pl_registry *registry, const char *table, const char *object,
                               choosing *c, pl_followed *followed, plumb_error *err)
{
    pl_arena scratch = {0};
    pl_state_row old;
    plumb_status st = pl_registry_state(registry, object, table, &scratch, &old, err);
    bool was = old.state == PL_STATE_PUBLISHED;
    if (st != PLUMB_OK || (!was && old.state != PL_STATE_WITHDRAWN)) goto done;
    st = choose(registry, table, object, c, err);
    if (st != PLUMB_OK) goto done;
    if (c->found && was && strcmp(old.run, c->run) == 0) goto done;
    if (!c->found && !was) goto done;
    followed->withdrawn += was && !c->found;
    followed->returned += !was;
    followed->moved += was && c->found;
    // A withdrawn object keeps what it was, for those who ask.
    st =
        c->found
            ? pl_registry__write(registry, PL_DOING("move object", object),
                                 "UPDATE states SET state = 'published', run = ?, snapshot = ?,"
                                 " mapping = ? WHERE tbl = ? AND object = ?",
                                 NULL, err, "tiitt", c->run, c->snapshot, c->mapping, table, object)
            : pl_registry__write(
                  registry, PL_DOING("move object", object),
                  "UPDATE states SET state = 'withdrawn' WHERE tbl = ? AND object = ?", NULL, err,
                  "tt", table, object);
done:
    pl_arena_done(&scratch);
    return st;
}

plumb_status pl_registry_follow(pl_registry *registry, const char *table, const int64_t *snapshots,
                                uint32_t count, pl_snapshot_counts counts, void *context,
                                pl_followed *followed, plumb_error *err)
{
    plumb_status st = PLUMB_OK;
    for (uint32_t i = 0; i < count && st == PLUMB_OK; i++) {
        pl_doing doing = PL_DOING("list objects of table", table);
        sqlite3_stmt *stmt = NULL;
        names list = {0};
        st = pl_registry__start(registry, doing,
                                "SELECT object FROM publications WHERE tbl = ? AND snapshot = ?",
                                &stmt, err, "ti", table, snapshots[i]);
        if (st == PLUMB_OK) st = pl_registry__each(registry, doing, stmt, name_row, &list, err);
        for (uint32_t k = 0; k < list.count && st == PLUMB_OK; k++) {
            choosing c = {.counts = counts, .context = context};
            st = follow_one(registry, table, list.items[k], &c, followed, err);
        }
        free(list.items);
        pl_arena_done(&list.arena);
    }
    return st;
}

// ---- mappings, files ---------------------------------------------------------------------------
typedef struct made_walk {
    pl_made_visit visit;
    void *context;
} made_walk;

static bool made_row(void *context, sqlite3_stmt *stmt)
{
    made_walk *walk = context;
    return walk->visit(walk->context, pl_registry__text(stmt, 0), pl_registry__int(stmt, 1));
}

plumb_status pl_registry_made_by(pl_registry *registry, const char *table, int64_t snapshot,
                                 pl_made_visit visit, void *context, plumb_error *err)
{
    // Of the columns beside max(), SQLite takes the row that has it.
    static const char sql[] =
        "SELECT o.source, p.mapping, max(p.run || p.object) FROM publications p"
        " JOIN objects o ON o.id = p.object WHERE p.tbl = ? AND p.snapshot = ?"
        " GROUP BY o.source ORDER BY o.source";
    pl_doing doing = PL_DOING("look up mappings of table", table);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "ti", table, snapshot));
    made_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, made_row, &walk, err);
}

plumb_status pl_registry_doom(pl_registry *registry, const char *table, const char *path,
                              int64_t since_us, plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("expire file", path),
                              "INSERT OR IGNORE INTO doomed(tbl, path, since_us) VALUES (?, ?, ?)",
                              NULL, err, "tti", table, path, since_us);
}

typedef struct doomed_walk {
    pl_doomed_visit visit;
    void *context;
} doomed_walk;

static bool doomed_row(void *context, sqlite3_stmt *stmt)
{
    doomed_walk *walk = context;
    return walk->visit(walk->context, pl_registry__text(stmt, 0), pl_registry__int(stmt, 1));
}

plumb_status pl_registry_doomed(pl_registry *registry, const char *table, pl_doomed_visit visit,
                                void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("list expired files of table", table);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT path, since_us FROM doomed WHERE tbl = ? ORDER BY path",
                              &stmt, err, "t", table));
    doomed_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, doomed_row, &walk, err);
}

plumb_status pl_registry_file_deleted(pl_registry *registry, const char *table, const char *path,
                                      plumb_error *err)
{
    static const char *const sql[] = {"DELETE FROM files WHERE tbl = ? AND path = ?",
                                      "DELETE FROM doomed WHERE tbl = ? AND path = ?"};
    for (size_t i = 0; i < PL_COUNT(sql); i++)
        PL_TRY(pl_registry__write(registry, PL_DOING("forget file", path), sql[i], NULL, err, "tt",
                                  table, path));
    return PLUMB_OK;
}
