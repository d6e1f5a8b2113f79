// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "registry/registry_int.h"

#define OBJECT_COLUMNS                                                                             \
    "o.id, o.source, o.key, o.format, o.name, o.sha256, o.received_us, o.landed_us,"               \
    " o.stored_bytes, o.content_bytes, o.broken, o.again"

static pl_object_row object_of(sqlite3_stmt *stmt)
{
    return (pl_object_row){
        .id = pl_registry__text(stmt, 0),
        .source = pl_registry__text(stmt, 1),
        .key = pl_registry__text(stmt, 2),
        .format = pl_registry__text(stmt, 3),
        .name = pl_registry__text(stmt, 4),
        .sha256 = pl_registry__text(stmt, 5),
        .received_us = pl_registry__int(stmt, 6),
        .landed_us = pl_registry__int(stmt, 7),
        .stored_bytes = pl_registry__int(stmt, 8),
        .content_bytes = pl_registry__int(stmt, 9),
        .broken = pl_registry__int(stmt, 10) != 0,
        .again = pl_registry__int(stmt, 11),
    };
}

static const char *const state_names[] = {"new", "staged", "published", "withdrawn"};

const char *pl_object_state_name(pl_object_state state)
{
    return state_names[state];
}

pl_object_state pl_registry__state_of(const char *name)
{
    for (int i = 1; name && i < (int)PL_COUNT(state_names); i++)
        if (strcmp(name, state_names[i]) == 0) return (pl_object_state)i;
    return PL_STATE_NEW;
}

plumb_status pl_registry_intent_add(pl_registry *registry, const char *id, const char *key,
                                    int64_t at_us, plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("record intent", id),
                              "INSERT INTO intents(id, key, at_us) VALUES (?, ?, ?)", NULL, err,
                              "tti", id, key, at_us);
}

// Such a commit need not be synced. A power loss may take it from the log, and leave one that was
// written behind it. Were it made once more with the very same bytes, SQLite's sums of the log
// would fit again, and who opens it next would find what stands behind it committed, long after
// everybody was told otherwise. So no two attempts are alike.
plumb_status pl_registry_intent_remove(pl_registry *registry, const char *id, plumb_error *err)
{
    pl_doing doing = PL_DOING("remove intent", id);
    PL_TRY(pl_registry__write(registry, doing, "DELETE FROM intents WHERE id = ?", NULL, err, "t",
                              id));
    return pl_registry__write(registry, doing,
                              "INSERT OR REPLACE INTO attempts(id, mark) VALUES (1, random())",
                              NULL, err, "");
}

typedef struct intent_walk {
    pl_intent_visit visit;
    void *context;
} intent_walk;

static bool intent_row(void *context, sqlite3_stmt *stmt)
{
    intent_walk *walk = context;
    return walk->visit(walk->context, pl_registry__text(stmt, 0), pl_registry__text(stmt, 1),
                       pl_registry__int(stmt, 2));
}

plumb_status pl_registry_intents(pl_registry *registry, pl_intent_visit visit, void *context,
                                 plumb_error *err)
{
    pl_doing doing = PL_DOING("list intents of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, "SELECT id, key, at_us FROM intents ORDER BY id",
                              &stmt, err, ""));
    intent_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, intent_row, &walk, err);
}

// The number the next landing of the same content gets: 0 for the first.
static plumb_status next_again(pl_registry *registry, const pl_object_row *row, int64_t *ret_again,
                               plumb_error *err)
{
    pl_doing doing = PL_DOING("record object", row->id);
    sqlite3_stmt *stmt = NULL;
    bool any = false;
    PL_TRY(pl_registry__start(
        registry, doing,
        "SELECT coalesce(max(again) + 1, 0) FROM objects WHERE source = ? AND sha256 = ?", &stmt,
        err, "tt", row->source, row->sha256));
    plumb_status st = pl_registry__step(registry, doing, stmt, &any, err);
    if (st == PLUMB_OK) *ret_again = pl_registry__int(stmt, 0);
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_object_add(pl_registry *registry, const pl_object_row *row, bool again,
                                    char *ret_winner, plumb_error *err)
{
    static const char sql[] =
        "INSERT INTO objects(id, source, key, format, name, sha256, received_us, landed_us,"
        " stored_bytes, content_bytes, broken, again) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(source, sha256, again) DO NOTHING";
    int64_t serial = 0;
    if (again) PL_TRY(next_again(registry, row, &serial, err));
    int changes = 0;
    PL_TRY(pl_registry__write(registry, PL_DOING("record object", row->id), sql, &changes, err,
                              "ttttttiiiiii", row->id, row->source, row->key, row->format,
                              row->name, row->sha256, row->received_us, row->landed_us,
                              row->stored_bytes, row->content_bytes, (int64_t)row->broken, serial));
    if (changes == 1) return PLUMB_OK;

    char winner[PL_ID_TEXT];
    PL_TRY(pl_registry_object_by_sha(registry, row->source, row->sha256, winner, err));
    if (ret_winner) memcpy(ret_winner, winner, sizeof winner);
    return pl_fail(err, PLUMB_E_CONFLICT, "cannot record object '%s': '%s' has the same content",
                   row->id, winner);
}

plumb_status pl_registry_object_by_sha(pl_registry *registry, const char *source,
                                       const char *sha256, char ret_id[PL_ID_TEXT],
                                       plumb_error *err)
{
    pl_doing doing = PL_DOING("find content", sha256);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    PL_TRY(pl_registry__start(
        registry, doing,
        "SELECT id FROM objects WHERE source = ? AND sha256 = ? ORDER BY again LIMIT 1", &stmt, err,
        "tt", source, sha256));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK) snprintf(ret_id, PL_ID_TEXT, "%s", row ? pl_registry__text(stmt, 0) : "");
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_object(pl_registry *registry, const char *id, pl_arena *arena,
                                pl_object_row *ret_row, plumb_error *err)
{
    pl_doing doing = PL_DOING("find object", id);
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT " OBJECT_COLUMNS " FROM objects o WHERE o.id = ?", &stmt, err,
                              "t", id));
    plumb_status st = pl_registry__step(registry, doing, stmt, &found, err);
    if (st == PLUMB_OK && !found)
        st =
            pl_fail(err, PLUMB_E_NOT_FOUND,
                    "cannot find object '%s' in registry '%s': no such object", id, registry->path);
    if (st == PLUMB_OK) {
        pl_object_row row = object_of(stmt);
        const char **texts[] = {&row.id,     &row.source, &row.key,
                                &row.format, &row.name,   &row.sha256};
        for (size_t i = 0; i < PL_COUNT(texts); i++)
            *texts[i] = pl_arena_cstr(arena, pl_span_of(*texts[i]));
        *ret_row = row;
    }
    pl_registry__end(registry, stmt);
    return st;
}

typedef struct object_walk {
    pl_object_visit visit;
    void *context;
} object_walk;

static bool object_row(void *context, sqlite3_stmt *stmt)
{
    object_walk *walk = context;
    pl_object_row row = object_of(stmt);
    return walk->visit(walk->context, &row, pl_registry__state_of(pl_registry__text(stmt, 12)));
}

// The id of the oldest of the `count` pending objects, found from the newest on: what is pending
// came late, and what is published is not looked through for it. "" if that is not so.
static plumb_status oldest_pending(pl_registry *registry, const char *source, const char *table,
                                   int64_t count, char ret_id[PL_ID_TEXT], plumb_error *err)
{
    static const char sql[] =
        "SELECT i.id FROM objects i LEFT JOIN states s ON s.object = i.id AND s.tbl = ?1"
        " WHERE i.source = ?2 AND (s.state IS NULL OR s.state = 'staged') ORDER BY i.id DESC"
        " LIMIT 1 OFFSET ?3";
    pl_doing doing = PL_DOING("list new objects of source", source);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "tti", table, source, count - 1));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK) snprintf(ret_id, PL_ID_TEXT, "%s", row ? pl_registry__text(stmt, 0) : "");
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_objects_pending(pl_registry *registry, const char *source,
                                         const char *table, const char *after,
                                         pl_object_visit visit, void *context, plumb_error *err)
{
    static const char sql[] =
        // Ids come from the index: rows of objects that are published are not read.
        "SELECT " OBJECT_COLUMNS ", s.state FROM objects i LEFT JOIN states s ON s.object = i.id"
        " AND s.tbl = ?1 CROSS JOIN objects o ON o.id = i.id WHERE i.source = ?2 AND i.id > ?3"
        " AND i.id >= ?4 AND (s.state IS NULL OR s.state = 'staged') ORDER BY i.id";
    pl_doing doing = PL_DOING("list new objects of source", source);
    sqlite3_stmt *stmt = NULL;
    pl_counts counts;
    char oldest[PL_ID_TEXT] = "";
    PL_TRY(pl_registry_counts(registry, source, table, &counts, err));
    int64_t pending = counts.fresh + counts.staged;
    if (!pending) return PLUMB_OK;
    if (!*after && pending < counts.objects)
        PL_TRY(oldest_pending(registry, source, table, pending, oldest, err));
    PL_TRY(
        pl_registry__start(registry, doing, sql, &stmt, err, "tttt", table, source, after, oldest));
    object_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, object_row, &walk, err);
}

plumb_status pl_registry_objects(pl_registry *registry, const char *source, const char *table,
                                 pl_object_visit visit, void *context, plumb_error *err)
{
    static const char sql[] =
        "SELECT " OBJECT_COLUMNS ", s.state FROM objects o LEFT JOIN states s ON s.object = o.id"
        " AND s.tbl = ?1 WHERE ?2 IS NULL OR o.source = ?2 ORDER BY o.id";
    pl_doing doing = PL_DOING("list objects of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "tt", table, source));
    object_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, object_row, &walk, err);
}

// The state of a pair and, if `arena` is given, all of its row.
plumb_status pl_registry_state(pl_registry *registry, const char *object, const char *table,
                               pl_arena *arena, pl_state_row *ret_row, plumb_error *err)
{
    static const char sql[] =
        "SELECT state, run, snapshot, mapping FROM states WHERE tbl = ? AND object = ?";
    pl_doing doing = PL_DOING("find the state of object", object);
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "tt", table, object));
    plumb_status st = pl_registry__step(registry, doing, stmt, &found, err);
    if (st == PLUMB_OK) {
        *ret_row = (pl_state_row){.object = object, .table = table, .state = PL_STATE_NEW};
        if (found) {
            ret_row->state = pl_registry__state_of(pl_registry__text(stmt, 0));
            ret_row->run = pl_arena_cstr(arena, pl_span_of(pl_registry__text(stmt, 1)));
            ret_row->snapshot = pl_registry__int(stmt, 2);
            ret_row->mapping = pl_registry__int(stmt, 3);
        }
    }
    pl_registry__end(registry, stmt);
    return st;
}

static plumb_status publication_add(pl_registry *registry, const pl_state_row *row, const char *run,
                                    plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("publish object", row->object),
                              "INSERT INTO publications(object, tbl, snapshot, mapping, run)"
                              " VALUES (?, ?, ?, ?, ?)",
                              NULL, err, "ttiit", row->object, row->table, row->snapshot,
                              row->mapping, run);
}

plumb_status pl_registry_state_move(pl_registry *registry, const pl_state_row *row, unsigned from,
                                    plumb_error *err)
{
    static const char sql[] =
        "INSERT INTO states(object, tbl, state, run, snapshot, mapping) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(tbl, object) DO UPDATE SET state = excluded.state, run = excluded.run,"
        " snapshot = excluded.snapshot, mapping = excluded.mapping";
    pl_arena scratch = {0};
    pl_state_row old;
    plumb_status st = pl_registry_state(registry, row->object, row->table, &scratch, &old, err);
    if (st == PLUMB_OK && !(from & PL_FROM(old.state)))
        st = pl_fail(err, PLUMB_E_CONFLICT,
                     "could not move object '%s' to %s for table '%s': it is %s", row->object,
                     state_names[row->state], row->table, state_names[old.state]);
    const char *run = row->run ? row->run : old.run;
    if (st == PLUMB_OK)
        st = pl_registry__write(registry, PL_DOING("move object", row->object), sql, NULL, err,
                                "ttttii", row->object, row->table, state_names[row->state], run,
                                row->snapshot, row->appends ? old.mapping : row->mapping);
    if (st == PLUMB_OK && row->state == PL_STATE_PUBLISHED)
        st = publication_add(registry, row, run, err);
    pl_arena_done(&scratch);
    return st;
}
