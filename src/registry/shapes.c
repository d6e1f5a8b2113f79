// SPDX-License-Identifier: Apache-2.0
#include "registry/drift.h"
#include "registry/registry_int.h"

static pl_shape_row row_of(sqlite3_stmt *stmt)
{
    return (pl_shape_row){.source = pl_registry__text(stmt, 0),
                          .table = pl_registry__text(stmt, 1),
                          .version = pl_registry__int(stmt, 2),
                          .run = pl_registry__text(stmt, 3),
                          .since_us = pl_registry__int(stmt, 4),
                          .until_us = pl_registry__int(stmt, 5),
                          .records = pl_registry__int(stmt, 6),
                          .logged = pl_registry__text(stmt, 7),
                          .kept = strcmp(pl_registry__text(stmt, 7), "-") != 0,
                          .document = PL_SPAN("")};
}

// The newest version, 0: none; of the newest one that is kept for good since when, and its records.
static plumb_status newest(pl_registry *registry, const char *source, const char *table,
                           pl_shape_row *ret_row, plumb_error *err)
{
    pl_doing doing = PL_DOING("look up shape of source", source);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    *ret_row = (pl_shape_row){0};
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT (SELECT max(version) FROM shapes WHERE source = ?1 AND"
                              " tbl = ?2), since_us, records FROM shapes WHERE source = ?1"
                              " AND tbl = ?2 AND logged <> '-' ORDER BY version DESC LIMIT 1",
                              &stmt, err, "tt", source, table));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK && row) {
        ret_row->version = pl_registry__int(stmt, 0);
        ret_row->since_us = pl_registry__int(stmt, 1);
        ret_row->records = pl_registry__int(stmt, 2);
    }
    pl_registry__end(registry, stmt);
    return st;
}

// What a hold or a finding was compared with.
#define NOT_COMPARED                                                                               \
    " AND version NOT IN (SELECT (SELECT max(version) FROM shapes b WHERE b.source = ?1"           \
    "  AND b.tbl = ?2 AND b.since_us < at_us) AS version FROM"                                     \
    "  (SELECT since_us AS at_us FROM holds WHERE source = ?1 AND tbl = ?2"                        \
    "   UNION SELECT opened_us FROM findings WHERE source = ?1 AND tbl = ?2)"                      \
    "  WHERE version NOT NULL)"

// What is older than two days before the newest version, and not the last of its day or month. Once
// an hour, over some 150 rows.
static plumb_status thin(pl_registry *registry, const pl_shape_row *newest, plumb_error *err)
{
    static const char sql[] =
        "DELETE FROM shapes AS s WHERE source = ?1 AND tbl = ?2 AND since_us < ?3"
        " AND EXISTS (SELECT 1 FROM shapes l WHERE l.source = ?1 AND l.tbl = ?2"
        "  AND l.version > s.version AND l.logged <> '-' AND l.since_us < ?3 AND iif(s.since_us < "
        "?4,"
        "  strftime('%Y-%m', l.since_us / 1000000, 'unixepoch') ="
        "  strftime('%Y-%m', s.since_us / 1000000, 'unixepoch'),"
        "  l.since_us / 86400000000 = s.since_us / 86400000000))" NOT_COMPARED;
    return pl_registry__write(registry, PL_DOING("thin shapes of source", newest->source), sql,
                              NULL, err, "ttii", newest->source, newest->table,
                              newest->until_us - PL_SHAPE_HOURLY_US,
                              newest->until_us - PL_SHAPE_DAILY_US);
}

static plumb_status drop_recent(pl_registry *registry, const pl_shape_row *row, int64_t version,
                                plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("thin shapes of source", row->source),
                              "DELETE FROM shapes WHERE source = ?1 AND tbl = ?2 AND version <= ?3"
                              " AND logged = '-'" NOT_COMPARED,
                              NULL, err, "tti", row->source, row->table, version - PL_SHAPE_NEWEST);
}

plumb_status pl_registry_shape_put(pl_registry *registry, const pl_shape_row *row,
                                   int64_t *ret_version, plumb_error *err)
{
    pl_shape_row last;
    PL_TRY(newest(registry, row->source, row->table, &last, err));
    bool kept = row->kept || !last.version ||
                row->until_us - last.since_us >= PL_SHAPE_VERSION_US ||
                row->records / 2 >= last.records;
    *ret_version = last.version + 1;
    PL_TRY(pl_registry__write(registry, PL_DOING("record shape of source", row->source),
                              "INSERT INTO shapes(source, tbl, version, run, since_us, until_us,"
                              " records, document, logged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              NULL, err, "ttitiiibt", row->source, row->table, *ret_version,
                              row->run, row->until_us, row->until_us, row->records, row->document,
                              kept ? "" : "-"));
    PL_TRY(drop_recent(registry, row, *ret_version, err));
    return kept ? thin(registry, row, err) : PLUMB_OK;
}

plumb_status pl_registry_shape(pl_registry *registry, const char *source, const char *table,
                               int64_t version, pl_arena *arena, pl_shape_row *ret_row,
                               plumb_error *err)
{
    pl_doing doing = PL_DOING("look up shape of source", source);
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT source, tbl, version, run, since_us, until_us, records,"
                              " logged, document FROM shapes WHERE source = ?1 AND tbl = ?2"
                              " AND (?3 = 0 OR version = ?3) ORDER BY version DESC LIMIT 1",
                              &stmt, err, "tti", source, table, version));
    plumb_status st = pl_registry__step(registry, doing, stmt, &found, err);
    if (st == PLUMB_OK && found) {
        *ret_row = row_of(stmt);
        ret_row->source = pl_arena_cstr(arena, pl_span_of(ret_row->source));
        ret_row->table = pl_arena_cstr(arena, pl_span_of(ret_row->table));
        ret_row->run = pl_arena_cstr(arena, pl_span_of(ret_row->run));
        ret_row->logged = pl_arena_cstr(arena, pl_span_of(ret_row->logged));
        ret_row->document = pl_arena_copy(arena, pl_registry__bytes(stmt, 8));
    }
    pl_registry__end(registry, stmt);
    if (st != PLUMB_OK || found) return st;
    if (version)
        return pl_fail(err, PLUMB_E_NOT_FOUND,
                       "cannot find version %lld of the shape of source '%s' for table '%s'",
                       (long long)version, source, table);
    pl_fail(err, PLUMB_E_NOT_FOUND,
            "cannot find the shape of source '%s' for table '%s': no run has seen it", source,
            table);
    pl_hint(err, "'plumb run' looks at every record that it maps.");
    return PLUMB_E_NOT_FOUND;
}

typedef struct shape_walk {
    pl_shape_visit visit;
    void *context;
} shape_walk;

static bool shape_row(void *context, sqlite3_stmt *stmt)
{
    shape_walk *walk = context;
    pl_shape_row row = row_of(stmt);
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_shapes(pl_registry *registry, const char *source, const char *table,
                                pl_shape_visit visit, void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("list shapes of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT source, tbl, version, run, since_us, until_us, records,"
                              " logged FROM shapes WHERE (?1 IS NULL OR source = ?1)"
                              " AND (?2 IS NULL OR tbl = ?2) ORDER BY source, tbl, version DESC",
                              &stmt, err, "tt", source, table));
    shape_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, shape_row, &walk, err);
}
