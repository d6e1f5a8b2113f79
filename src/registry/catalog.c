// SPDX-License-Identifier: Apache-2.0
#include "registry/registry_int.h"

static plumb_status load(void *self, const char *table, pl_arena *arena, char **ret_location,
                         plumb_error *err)
{
    static const char sql[] =
        "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = '" PL_CATALOG_NAME
        "' AND table_namespace = '" PL_CATALOG_NAMESPACE
        "' AND table_name = ? AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";
    pl_registry *registry = self;
    pl_doing doing = PL_DOING("find table", table);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "t", table));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    const char *location = st == PLUMB_OK && row ? pl_registry__text(stmt, 0) : NULL;
    if (st == PLUMB_OK)
        *ret_location = location ? pl_arena_cstr(arena, pl_span_of(location)) : NULL;
    pl_registry__end(registry, stmt);
    return st;
}

static plumb_status create(pl_registry *registry, const char *table, const char *next,
                           plumb_error *err)
{
    static const char sql[] =
        "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location,"
        " previous_metadata_location, iceberg_type) VALUES ('" PL_CATALOG_NAME
        "', '" PL_CATALOG_NAMESPACE "', ?, ?, NULL, 'TABLE') ON CONFLICT DO NOTHING";
    int changes = 0;
    PL_TRY(pl_registry__write(registry, PL_DOING("create table", table), sql, &changes, err, "tt",
                              table, next));
    if (changes == 1) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_CONFLICT,
                   "could not create table '%s' in registry '%s': it exists already", table,
                   registry->path);
}

static plumb_status swap(void *self, const char *table, const char *expected, const char *next,
                         plumb_error *err)
{
    static const char sql[] =
        "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?"
        " WHERE catalog_name = '" PL_CATALOG_NAME "' AND table_namespace = '" PL_CATALOG_NAMESPACE
        "' AND table_name = ? AND metadata_location = ?"
        " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";
    pl_registry *registry = self;
    if (!expected) return create(registry, table, next, err);
    int changes = 0;
    PL_TRY(pl_registry__write(registry, PL_DOING("commit table", table), sql, &changes, err, "tttt",
                              next, expected, table, expected));
    if (changes == 1) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_CONFLICT,
                   "could not commit table '%s' in registry '%s': another writer committed first",
                   table, registry->path);
}

pl_catalog pl_registry_catalog(pl_registry *registry)
{
    return (pl_catalog){.self = registry, .load = load, .swap = swap};
}

typedef struct table_walk {
    pl_table_visit visit;
    void *context;
} table_walk;

static bool table_row(void *context, sqlite3_stmt *stmt)
{
    table_walk *walk = context;
    pl_table_row row = {pl_registry__text(stmt, 0), pl_registry__text(stmt, 1),
                        pl_registry__text(stmt, 2)};
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_tables(pl_registry *registry, pl_table_visit visit, void *context,
                                plumb_error *err)
{
    static const char sql[] =
        "SELECT table_name, metadata_location, previous_metadata_location FROM iceberg_tables"
        " WHERE catalog_name = '" PL_CATALOG_NAME "' AND table_namespace = '" PL_CATALOG_NAMESPACE
        "' AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL) ORDER BY table_name";
    pl_doing doing = PL_DOING("list tables of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, ""));
    table_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, table_row, &walk, err);
}
