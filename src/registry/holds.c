// SPDX-License-Identifier: Apache-2.0
#include "registry/drift.h"
#include "registry/registry_int.h"

#define HOLD_COLUMNS                                                                               \
    "source, tbl, first_object, since_us, alerted_us, run, objects, records, critical, released, " \
    "why, checks, accepted"

static pl_hold_row row_of(sqlite3_stmt *stmt)
{
    return (pl_hold_row){.source = pl_registry__text(stmt, 0),
                         .table = pl_registry__text(stmt, 1),
                         .first_object = pl_registry__text(stmt, 2),
                         .since_us = pl_registry__int(stmt, 3),
                         .alerted_us = pl_registry__int(stmt, 4),
                         .run = pl_registry__text(stmt, 5),
                         .objects = pl_registry__int(stmt, 6),
                         .records = pl_registry__int(stmt, 7),
                         .critical = pl_registry__int(stmt, 8) != 0,
                         .released = pl_registry__text(stmt, 9),
                         .why = pl_registry__text(stmt, 10),
                         .checks = pl_registry__int(stmt, 11) != 0,
                         .accepted = pl_registry__int(stmt, 12) != 0,
                         .document = PL_SPAN("")};
}

plumb_status pl_registry_hold_put(pl_registry *registry, const pl_hold_row *row, plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("hold source", row->source),
                              "INSERT OR REPLACE INTO holds(" HOLD_COLUMNS ", document)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              NULL, err, "tttiitiiittiib", row->source, row->table,
                              row->first_object, row->since_us, row->alerted_us, row->run,
                              row->objects, row->records, (int64_t)row->critical,
                              row->released ? row->released : "", row->why, (int64_t)row->checks,
                              (int64_t)row->accepted, row->document);
}

plumb_status pl_registry_hold(pl_registry *registry, const char *source, const char *table,
                              pl_arena *arena, pl_hold_row *ret_row, bool *ret_found,
                              plumb_error *err)
{
    pl_doing doing = PL_DOING("look up what is held of source", source);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT " HOLD_COLUMNS ", document FROM holds WHERE source = ?"
                              " AND tbl = ?",
                              &stmt, err, "tt", source, table));
    plumb_status st = pl_registry__step(registry, doing, stmt, ret_found, err);
    if (st == PLUMB_OK && *ret_found) {
        pl_hold_row row = row_of(stmt);
        const char **texts[] = {&row.source, &row.table,    &row.first_object,
                                &row.run,    &row.released, &row.why};
        for (size_t i = 0; i < PL_COUNT(texts); i++)
            *texts[i] = pl_arena_cstr(arena, pl_span_of(*texts[i]));
        row.document = pl_arena_copy(arena, pl_registry__bytes(stmt, 13));
        *ret_row = row;
    }
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_hold_remove(pl_registry *registry, const char *source, const char *table,
                                     plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("release source", source),
                              "DELETE FROM holds WHERE source = ? AND tbl = ?", NULL, err, "tt",
                              source, table);
}

typedef struct hold_walk {
    pl_hold_visit visit;
    void *context;
} hold_walk;

static bool hold_row(void *context, sqlite3_stmt *stmt)
{
    hold_walk *walk = context;
    pl_hold_row row = row_of(stmt);
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_holds(pl_registry *registry, pl_hold_visit visit, void *context,
                               plumb_error *err)
{
    pl_doing doing = PL_DOING("list what is held in", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT " HOLD_COLUMNS " FROM holds ORDER BY source, tbl", &stmt, err,
                              ""));
    hold_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, hold_row, &walk, err);
}
