// SPDX-License-Identifier: Apache-2.0
#include "registry/registry_int.h"

// Run a query for one number; *ret_value stays when it has no row or NULL.
static plumb_status one(pl_registry *registry, pl_doing doing, sqlite3_stmt *stmt,
                        int64_t *ret_value, plumb_error *err)
{
    bool row = false;
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK && row && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        *ret_value = pl_registry__int(stmt, 0);
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_mapping_number(pl_registry *registry, const char *source,
                                        const char *table, pl_span text, int64_t *ret_version,
                                        plumb_error *err)
{
    pl_doing doing = PL_DOING("look up mapping of source", source);
    sqlite3_stmt *stmt = NULL;
    *ret_version = 0;
    PL_TRY(pl_registry__start(
        registry, doing,
        "SELECT max(version) FROM mappings WHERE source = ? AND tbl = ? AND text = ?", &stmt, err,
        "tts", source, table, text));
    return one(registry, doing, stmt, ret_version, err);
}

plumb_status pl_registry_mapping_version(pl_registry *registry, const char *source,
                                         const char *table, pl_span text, int64_t at_us,
                                         int64_t *ret_version, plumb_error *err)
{
    pl_doing doing = PL_DOING("record mapping of source", source);
    sqlite3_stmt *stmt = NULL;
    int64_t version = 0;
    PL_TRY(pl_registry_mapping_number(registry, source, table, text, &version, err));
    if (!version) {
        PL_TRY(pl_registry__start(
            registry, doing,
            "SELECT coalesce(max(version), 0) + 1 FROM mappings WHERE source = ? AND tbl = ?",
            &stmt, err, "tt", source, table));
        PL_TRY(one(registry, doing, stmt, &version, err));
        PL_TRY(pl_registry__write(registry, doing,
                                  "INSERT INTO mappings(source, tbl, version, text, created_us)"
                                  " VALUES (?, ?, ?, ?, ?)",
                                  NULL, err, "ttisi", source, table, version, text, at_us));
    }
    *ret_version = version;
    return PLUMB_OK;
}

plumb_status pl_registry_mapping_since(pl_registry *registry, const char *source, const char *table,
                                       int64_t version, const char *object, plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("record mapping of source", source),
                              "UPDATE mappings SET since = ? WHERE source = ? AND tbl = ?"
                              " AND version = ?",
                              NULL, err, "ttti", object, source, table, version);
}

// Run a query for at most one row of a text and numbers; *ret_found false if it has none.
static plumb_status text_row(pl_registry *registry, pl_doing doing, sqlite3_stmt *stmt,
                             pl_arena *arena, pl_span *ret_text, int64_t *ret_number,
                             bool *ret_found, plumb_error *err)
{
    plumb_status st = pl_registry__step(registry, doing, stmt, ret_found, err);
    if (st == PLUMB_OK && *ret_found) {
        pl_span text = {pl_registry__text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0)};
        *ret_text = pl_arena_copy(arena, text);
        *ret_number = pl_registry__int(stmt, 1);
    }
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_mapping_text(pl_registry *registry, const char *source, const char *table,
                                      int64_t version, pl_arena *arena, pl_span *ret_text,
                                      plumb_error *err)
{
    pl_doing doing = PL_DOING("look up mapping of source", source);
    sqlite3_stmt *stmt = NULL;
    int64_t number;
    bool found = false;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT text, version FROM mappings WHERE source = ? AND tbl = ?"
                              " AND version = ?",
                              &stmt, err, "tti", source, table, version));
    PL_TRY(text_row(registry, doing, stmt, arena, ret_text, &number, &found, err));
    if (found) return PLUMB_OK;
    pl_fail(err, PLUMB_E_NOT_FOUND,
            "cannot find version %lld of the mapping of source '%s' into table '%s'",
            (long long)version, source, table);
    pl_hint(err, "'plumb mapping %s' lists the versions there are.", source);
    return PLUMB_E_NOT_FOUND;
}

plumb_status pl_registry_mapping_others(pl_registry *registry, const char *source,
                                        const char *table, int64_t version, int64_t *ret_rows,
                                        int64_t *ret_objects, plumb_error *err)
{
    // What an object has is of the last run that mapped all of it, and of retries since; the entry
    // of a retry in the ledger counts the rows that were there before, too.
    static const char sql[] =
        "SELECT coalesce(sum(made), 0), count(DISTINCT object) FROM"
        " (SELECT p.object, p.mapping, l.curated - lag(l.curated, 1, 0)"
        "   OVER (PARTITION BY p.object ORDER BY p.run) AS made"
        "  FROM states s JOIN objects o ON o.id = s.object"
        "  JOIN publications p ON p.tbl = s.tbl AND p.object = s.object AND p.run <= s.run"
        "   AND p.run >= (SELECT max(b.run) FROM publications b JOIN runs r ON r.id = b.run"
        "    WHERE b.tbl = s.tbl AND b.object = s.object AND b.run <= s.run"
        "    AND b.mapping = s.mapping AND r.command <> 'retry')"
        "  JOIN ledger l ON l.tbl = p.tbl AND l.object = p.object AND l.run = p.run"
        "  WHERE s.tbl = ?1 AND s.state = 'published' AND o.source = ?2"
        // Objects from before the first change of any version, and those that only this one mapped,
        // are not looked at one by one.
        "  AND s.object >= (SELECT iif(max(version) > ?3, '',"
        "    coalesce(min(iif(version > 1, since, NULL)), ''))"
        "   FROM mappings WHERE source = ?2 AND tbl = ?1)"
        "  AND (s.mapping <> ?3 OR EXISTS (SELECT 1 FROM publications q WHERE q.tbl = s.tbl"
        "   AND q.object = s.object AND q.mapping <> ?3))"
        // Nobody made any: then no row is read.
        "  AND EXISTS (SELECT 1 FROM mappings WHERE source = ?2 AND tbl = ?1 AND version <> ?3))"
        // By an older version, and no version since then maps its object otherwise: the same rows.
        " AS x WHERE made > 0 AND mapping <> ?3 AND (mapping > ?3 OR EXISTS"
        "  (SELECT 1 FROM mappings v WHERE v.source = ?2 AND v.tbl = ?1 AND v.version > x.mapping"
        "   AND v.version <= ?3 AND v.since <= x.object))";
    pl_doing doing = PL_DOING("count rows of source", source);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "tti", table, source, version));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    *ret_rows = st == PLUMB_OK && row ? pl_registry__int(stmt, 0) : 0;
    *ret_objects = st == PLUMB_OK && row ? pl_registry__int(stmt, 1) : 0;
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_mapping_use(pl_registry *registry, const char *source, const char *table,
                                     pl_arena *arena, pl_mapping_use *ret_use, plumb_error *err)
{
    pl_doing doing = PL_DOING("look up mapping of source", source);
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    *ret_use = (pl_mapping_use){.overlay = PL_SPAN("")};
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT overlay, pinned FROM mapping_uses WHERE source = ?"
                              " AND tbl = ?",
                              &stmt, err, "tt", source, table));
    return text_row(registry, doing, stmt, arena, &ret_use->overlay, &ret_use->pinned, &found, err);
}

plumb_status pl_registry_mapping_use_set(pl_registry *registry, const char *source,
                                         const char *table, const pl_mapping_use *use,
                                         int64_t at_us, plumb_error *err)
{
    if (use->pinned) {
        pl_arena arena = {0};
        pl_span text;
        plumb_status st =
            pl_registry_mapping_text(registry, source, table, use->pinned, &arena, &text, err);
        pl_arena_done(&arena);
        PL_TRY(st);
    }
    return pl_registry__write(registry, PL_DOING("record mapping of source", source),
                              "INSERT OR REPLACE INTO mapping_uses(source, tbl, pinned, overlay,"
                              " set_us) VALUES (?, ?, ?, ?, ?)",
                              NULL, err, "ttisi", source, table, use->pinned, use->overlay, at_us);
}

plumb_status pl_registry_contract_version(pl_registry *registry, const char *table, pl_span text,
                                          int64_t at_us, int64_t *ret_version, plumb_error *err)
{
    pl_doing doing = PL_DOING("record contract of table", table);
    sqlite3_stmt *stmt = NULL;
    int64_t version = 0;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT max(version) FROM contracts WHERE tbl = ? AND text = ?",
                              &stmt, err, "ts", table, text));
    PL_TRY(one(registry, doing, stmt, &version, err));
    if (!version) {
        PL_TRY(pl_registry__start(registry, doing,
                                  "SELECT coalesce(max(version), 0) + 1 FROM contracts"
                                  " WHERE tbl = ?",
                                  &stmt, err, "t", table));
        PL_TRY(one(registry, doing, stmt, &version, err));
        PL_TRY(pl_registry__write(
            registry, doing,
            "INSERT INTO contracts(tbl, version, text, created_us) VALUES (?, ?, ?, ?)", NULL, err,
            "tisi", table, version, text, at_us));
    }
    *ret_version = version;
    return PLUMB_OK;
}

typedef struct version_walk {
    pl_version_visit visit;
    void *context;
} version_walk;

static bool version_row(void *context, sqlite3_stmt *stmt)
{
    version_walk *walk = context;
    const char *text = pl_registry__text(stmt, 3);
    pl_version_row row = {
        .source = pl_registry__text(stmt, 0),
        .table = pl_registry__text(stmt, 1),
        .version = pl_registry__int(stmt, 2),
        .text = pl_span_make(text, (size_t)sqlite3_column_bytes(stmt, 3)),
        .created_us = pl_registry__int(stmt, 4),
        .objects = pl_registry__int(stmt, 5),
    };
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_mappings(pl_registry *registry, const char *source, const char *table,
                                  pl_version_visit visit, void *context, plumb_error *err)
{
    static const char sql[] =
        "SELECT m.source, m.tbl, m.version, m.text, m.created_us,"
        " (SELECT count(*) FROM states s JOIN objects o ON o.id = s.object WHERE s.tbl = m.tbl AND"
        "  s.state = 'published' AND s.mapping = m.version AND o.source = m.source)"
        " FROM mappings m WHERE m.source = ?1 AND (?2 IS NULL OR m.tbl = ?2)"
        " ORDER BY m.tbl, m.version";
    pl_doing doing = PL_DOING("list mappings of source", source);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "tt", source, table));
    version_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, version_row, &walk, err);
}

plumb_status pl_registry_contracts(pl_registry *registry, const char *table, pl_version_visit visit,
                                   void *context, plumb_error *err)
{
    static const char sql[] = "SELECT '', tbl, version, text, created_us, 0 FROM contracts"
                              " WHERE tbl = ? ORDER BY version";
    pl_doing doing = PL_DOING("list contracts of table", table);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "t", table));
    version_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, version_row, &walk, err);
}
