// SPDX-License-Identifier: Apache-2.0
#include "registry/checks.h"
#include "registry/registry_int.h"

static const int64_t hour_us = INT64_C(3600) * 1000000, day_us = INT64_C(86400) * 1000000;

static const char *const outcome_names[PL_CHECK_OUTCOMES] = {"passed", "failed", "accepted",
                                                             "skipped"};

const char *pl_check_outcome_name(pl_check_outcome outcome)
{
    return outcome_names[outcome];
}

plumb_status pl_registry_check_add(pl_registry *registry, const pl_check_row *row, plumb_error *err)
{
    return pl_registry__write(
        registry, PL_DOING("note checks of source", row->source),
        "INSERT INTO checks(run, tbl, source, name, col, critical, outcome, measured, total,"
        " allowed, at_us, logged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
        NULL, err, "tttttitiiti", row->run, row->table, row->source, row->check, row->column,
        (int64_t)row->critical, outcome_names[row->outcome], row->measured, row->total,
        row->allowed, row->at_us);
}

plumb_status pl_registry_checks_thin(pl_registry *registry, const char *source, const char *table,
                                     int64_t now_us, plumb_error *err)
{
    // A row goes when a later one of its kind stands in the same hour, or day.
    static const char sql[] =
        "WITH c AS (SELECT id, tbl, source, name, col, outcome, at_us,"
        " CASE WHEN at_us < ?4 THEN ?6 ELSE ?5 END AS step FROM checks"
        " WHERE tbl = ?1 AND source = ?2 AND at_us < ?3)"
        " DELETE FROM checks WHERE id IN (SELECT c.id FROM c WHERE EXISTS (SELECT 1 FROM checks n"
        " WHERE n.tbl = c.tbl AND n.source = c.source AND n.name = c.name AND n.col = c.col"
        " AND n.at_us >= c.at_us AND n.at_us < (c.at_us / c.step + 1) * c.step"
        " AND n.outcome = c.outcome AND n.id > c.id))";
    pl_doing doing = PL_DOING("note checks of source", source);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    int64_t last_us = 0;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT at_us FROM checks WHERE tbl = ? AND source = ?"
                              " AND name = 'score' ORDER BY at_us DESC LIMIT 1",
                              &stmt, err, "tt", table, source));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK && row) last_us = pl_registry__int(stmt, 0);
    pl_registry__end(registry, stmt);
    if (st != PLUMB_OK || !row || last_us / hour_us == now_us / hour_us) return st;
    return pl_registry__write(registry, doing, sql, NULL, err, "ttiiii", table, source,
                              now_us - 2 * day_us, now_us - 30 * day_us, hour_us, day_us);
}

typedef struct check_walk {
    pl_check_visit visit;
    void *context;
} check_walk;

static bool check_row(void *context, sqlite3_stmt *stmt)
{
    check_walk *walk = context;
    pl_check_row row = {.id = pl_registry__int(stmt, 0),
                        .run = pl_registry__text(stmt, 1),
                        .table = pl_registry__text(stmt, 2),
                        .source = pl_registry__text(stmt, 3),
                        .check = pl_registry__text(stmt, 4),
                        .column = pl_registry__text(stmt, 5),
                        .critical = pl_registry__int(stmt, 6) != 0,
                        .measured = pl_registry__int(stmt, 8),
                        .total = pl_registry__int(stmt, 9),
                        .allowed = pl_registry__text(stmt, 10),
                        .at_us = pl_registry__int(stmt, 11)};
    const char *outcome = pl_registry__text(stmt, 7);
    for (int i = 0; i < PL_CHECK_OUTCOMES; i++)
        if (strcmp(outcome, outcome_names[i]) == 0) row.outcome = (pl_check_outcome)i;
    return walk->visit(walk->context, &row);
}

#define CHECK_SELECT                                                                               \
    "SELECT id, run, tbl, source, name, col, critical, outcome, measured, total, allowed, at_us"   \
    " FROM checks WHERE (?1 IS NULL OR tbl = ?1) AND (?2 IS NULL OR source = ?2)"                  \
    " AND (?3 IS NULL OR name = ?3) AND at_us >= ?4"

plumb_status pl_registry_checks(pl_registry *registry, const pl_check_filter *filter,
                                pl_check_visit visit, void *context, plumb_error *err)
{
    static const char every[] = CHECK_SELECT " ORDER BY id DESC LIMIT ?5";
    // What many ask at once and often: by the index.
    static const char one[] =
        "SELECT id, run, tbl, source, name, col, critical, outcome, measured, total, allowed, at_us"
        " FROM checks WHERE tbl = ?1 AND source = ?2 AND name = ?3 AND at_us >= ?4"
        " ORDER BY at_us DESC, id DESC LIMIT ?5";
    static const char latest[] = CHECK_SELECT
        " AND id IN (SELECT max(id) FROM checks GROUP BY tbl, source, name, col)"
        " AND EXISTS (SELECT 1 FROM checks s WHERE s.id IN (SELECT max(id) FROM checks WHERE"
        " name = 'score' GROUP BY tbl, source) AND s.tbl = checks.tbl AND s.source = checks.source"
        " AND s.run = checks.run)"
        " ORDER BY tbl, source, name, col LIMIT ?5";
    pl_doing doing = PL_DOING("list checks of", NULL);
    sqlite3_stmt *stmt = NULL;
    bool narrow = filter->table && filter->source && filter->check;
    PL_TRY(pl_registry__start(registry, doing,
                              filter->latest ? latest
                              : narrow       ? one
                                             : every,
                              &stmt, err, "tttii", filter->table, filter->source, filter->check,
                              filter->since_us, pl_registry__limit(filter->limit)));
    check_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, check_row, &walk, err);
}
