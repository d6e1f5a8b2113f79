// SPDX-License-Identifier: Apache-2.0
#include "registry/drift.h"
#include "registry/registry_int.h"

plumb_status pl_registry_snapshot_add(pl_registry *registry, const pl_snapshot_row *row,
                                      plumb_error *err)
{
    static const char sql[] =
        "INSERT INTO snapshots(tbl, snapshot_id, parent, run, metadata_location, rows, files,"
        " created_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    return pl_registry__write(registry, PL_DOING("record snapshot of table", row->table), sql, NULL,
                              err, "tiittiii", row->table, row->snapshot_id, row->parent, row->run,
                              row->metadata_location, row->rows, row->files, row->created_us);
}

typedef struct snapshot_walk {
    pl_snapshot_visit visit;
    void *context;
} snapshot_walk;

static bool snapshot_row(void *context, sqlite3_stmt *stmt)
{
    snapshot_walk *walk = context;
    pl_snapshot_row row = {
        .table = pl_registry__text(stmt, 0),
        .snapshot_id = pl_registry__int(stmt, 1),
        .parent = pl_registry__int(stmt, 2),
        .run = pl_registry__text(stmt, 3),
        .metadata_location = pl_registry__text(stmt, 4),
        .rows = pl_registry__int(stmt, 5),
        .files = pl_registry__int(stmt, 6),
        .created_us = pl_registry__int(stmt, 7),
    };
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_snapshots(pl_registry *registry, const char *table, int64_t limit,
                                   pl_snapshot_visit visit, void *context, plumb_error *err)
{
    static const char sql[] =
        "SELECT tbl, snapshot_id, parent, run, metadata_location, rows, files, created_us"
        " FROM snapshots WHERE ?1 IS NULL OR tbl = ?1 ORDER BY created_us DESC, run DESC LIMIT ?2";
    pl_doing doing = PL_DOING("list snapshots of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "ti", table,
                              pl_registry__limit(limit)));
    snapshot_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, snapshot_row, &walk, err);
}

plumb_status pl_registry_file_add(pl_registry *registry, const pl_file_row *row, plumb_error *err)
{
    static const char sql[] = "INSERT INTO files(tbl, path, snapshot, run, rows, bytes, objects)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?)";
    return pl_registry__write(registry, PL_DOING("record data file", row->path), sql, NULL, err,
                              "ttitiit", row->table, row->path, row->snapshot, row->run, row->rows,
                              row->bytes, row->objects);
}

typedef struct file_walk {
    pl_file_visit visit;
    void *context;
} file_walk;

static bool file_row(void *context, sqlite3_stmt *stmt)
{
    file_walk *walk = context;
    pl_file_row row = {
        .table = pl_registry__text(stmt, 0),
        .path = pl_registry__text(stmt, 1),
        .snapshot = pl_registry__int(stmt, 2),
        .run = pl_registry__text(stmt, 3),
        .rows = pl_registry__int(stmt, 4),
        .bytes = pl_registry__int(stmt, 5),
        .objects = pl_registry__text(stmt, 6),
    };
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_files(pl_registry *registry, const char *table, pl_file_visit visit,
                               void *context, plumb_error *err)
{
    static const char sql[] = "SELECT tbl, path, snapshot, run, rows, bytes, objects FROM files"
                              " WHERE ?1 IS NULL OR tbl = ?1 ORDER BY path";
    pl_doing doing = PL_DOING("list files of table", table);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "t", table));
    file_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, file_row, &walk, err);
}

plumb_status pl_registry_relocate(pl_registry *registry, const char *source, const char *target,
                                  plumb_error *err)
{
    static const char *const sql[] = {
        "UPDATE files SET path = ?2 || substr(path, length(?1) + 1)"
        " WHERE substr(path, 1, length(?1)) = ?1",
        "UPDATE doomed SET path = ?2 || substr(path, length(?1) + 1)"
        " WHERE substr(path, 1, length(?1)) = ?1",
        "UPDATE snapshots SET metadata_location = ?2 || substr(metadata_location, length(?1) + 1)"
        " WHERE substr(metadata_location, 1, length(?1)) = ?1",
        "UPDATE iceberg_tables SET previous_metadata_location = ?2 ||"
        " substr(previous_metadata_location, length(?1) + 1)"
        " WHERE substr(previous_metadata_location, 1, length(?1)) = ?1"};
    for (size_t i = 0; i < PL_COUNT(sql); i++)
        PL_TRY(pl_registry__write(registry, PL_DOING("relocate files of", source), sql[i], NULL,
                                  err, "tt", source, target));
    return PLUMB_OK;
}

plumb_status pl_registry_event_add(pl_registry *registry, const pl_event_row *row, plumb_error *err)
{
    return pl_registry__write(
        registry, PL_DOING("record event", row->kind),
        "INSERT INTO events(at_us, kind, who, tbl, text) VALUES (?, ?, ?, ?, ?)", NULL, err,
        "itttt", row->at_us, row->kind, row->who, row->table, row->text);
}

typedef struct event_walk {
    pl_event_visit visit;
    void *context;
} event_walk;

static bool event_row(void *context, sqlite3_stmt *stmt)
{
    event_walk *walk = context;
    pl_event_row row = {
        .id = pl_registry__int(stmt, 0),
        .at_us = pl_registry__int(stmt, 1),
        .kind = pl_registry__text(stmt, 2),
        .who = pl_registry__text(stmt, 3),
        .table = pl_registry__text(stmt, 4),
        .text = pl_registry__text(stmt, 5),
    };
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_events(pl_registry *registry, int64_t limit, pl_event_visit visit,
                                void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("list events of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(
        registry, doing,
        "SELECT id, at_us, kind, who, tbl, text FROM events ORDER BY id DESC LIMIT ?", &stmt, err,
        "i", pl_registry__limit(limit)));
    event_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, event_row, &walk, err);
}

plumb_status pl_registry_events_like(pl_registry *registry, const char *prefix, int64_t limit,
                                     pl_event_visit visit, void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("list events of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT id, at_us, kind, who, tbl, text FROM events WHERE kind >= ?1"
                              " AND kind < ?1 || char(1114111) ORDER BY id DESC LIMIT ?2",
                              &stmt, err, "ti", prefix, pl_registry__limit(limit)));
    event_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, event_row, &walk, err);
}
