// dump.c -- what the books hold of one run, as JSON members, and back: for the lake's log.
//
// SPDX-License-Identifier: Apache-2.0
#include "registry/registry_int.h"

// One member of the document: an array of rows, each an object of these columns. Of a column called
// "text" or "shape" a name is written ("text_id"), given by the caller.
typedef struct dump_part {
    const char *name;
    const char *columns[24]; // ends with NULL
    const char *select;      // ?1: the run
    const char *insert;      // columns in order
} dump_part;

#define OF_RUN " IN (SELECT object FROM publications WHERE run = ?1)"

static const dump_part parts[] = {
    {"runs",
     {"id", "state", "started_us", "finished_us", "pid", "command", "counts"},
     "SELECT id, state, started_us, finished_us, pid, command, counts FROM runs WHERE id = ?1",
     "INSERT OR IGNORE INTO runs(id, state, started_us, finished_us, pid, command, counts)"
     " VALUES (?, ?, ?, ?, ?, ?, ?)"},
    {"tasks",
     {"run", "task", "result"},
     "SELECT run, task, result FROM tasks WHERE run = ?1 ORDER BY task",
     "INSERT OR IGNORE INTO tasks(run, task, result) VALUES (?, ?, ?)"},
    {"objects",
     {"id", "source", "key", "format", "name", "sha256", "received_us", "landed_us", "stored_bytes",
      "content_bytes", "broken", "again"},
     "SELECT id, source, key, format, name, sha256, received_us, landed_us, stored_bytes,"
     " content_bytes, broken, again FROM objects WHERE id" OF_RUN " ORDER BY id",
     "INSERT OR IGNORE INTO objects(id, source, key, format, name, sha256, received_us, landed_us,"
     " stored_bytes, content_bytes, broken, again) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"states",
     {"tbl", "object", "state", "run", "snapshot", "mapping"},
     "SELECT tbl, object, state, run, snapshot, mapping FROM states WHERE run = ?1"
     " AND state <> 'staged' ORDER BY tbl, object",
     "INSERT INTO states(tbl, object, state, run, snapshot, mapping) VALUES (?, ?, ?, ?, ?, ?)"
     " ON CONFLICT(tbl, object) DO UPDATE SET state = excluded.state, run = excluded.run,"
     " snapshot = excluded.snapshot, mapping = excluded.mapping"},
    {"publications",
     {"tbl", "object", "run", "snapshot", "mapping"},
     "SELECT tbl, object, run, snapshot, mapping FROM publications WHERE run = ?1"
     " ORDER BY tbl, object",
     "INSERT OR IGNORE INTO publications(tbl, object, run, snapshot, mapping)"
     " VALUES (?, ?, ?, ?, ?)"},
    {"ledger",
     {"tbl", "object", "run", "records", "curated", "quarantined", "filtered", "duplicates", "lost",
      "coerced", "conflicts"},
     "SELECT tbl, object, run, records, curated, quarantined, filtered, duplicates, lost, coerced,"
     " conflicts FROM ledger WHERE run = ?1 ORDER BY tbl, object",
     "INSERT OR IGNORE INTO ledger(tbl, object, run, records, curated, quarantined, filtered,"
     " duplicates, lost, coerced, conflicts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"quarantine",
     {"id", "object", "tbl", "run", "record_first", "record_count", "byte_first", "byte_count",
      "col", "reason", "byte", "sample"},
     "SELECT id, object, tbl, run, record_first, record_count, byte_first, byte_count, col, reason,"
     " byte, sample FROM quarantine WHERE run = ?1 ORDER BY id",
     "INSERT OR IGNORE INTO quarantine(id, object, tbl, run, record_first, record_count,"
     " byte_first, byte_count, col, reason, byte, sample)"
     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"snapshots",
     {"tbl", "snapshot_id", "parent", "run", "metadata_location", "rows", "files", "created_us"},
     "SELECT tbl, snapshot_id, parent, run, metadata_location, rows, files, created_us"
     " FROM snapshots WHERE run = ?1",
     "INSERT OR IGNORE INTO snapshots(tbl, snapshot_id, parent, run, metadata_location, rows,"
     " files, created_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
    {"files",
     {"tbl", "path", "snapshot", "run", "rows", "bytes", "objects"},
     "SELECT tbl, path, snapshot, run, rows, bytes, objects FROM files WHERE run = ?1",
     "INSERT OR IGNORE INTO files(tbl, path, snapshot, run, rows, bytes, objects)"
     " VALUES (?, ?, ?, ?, ?, ?, ?)"},
    {"mappings",
     {"source", "tbl", "version", "text", "created_us", "since"},
     "SELECT source, tbl, version, text, created_us, since FROM mappings m WHERE EXISTS (SELECT 1 "
     "FROM"
     " publications p JOIN objects o ON o.id = p.object WHERE p.run = ?1 AND p.tbl = m.tbl AND"
     " p.mapping = m.version AND o.source = m.source)",
     "INSERT OR IGNORE INTO mappings(source, tbl, version, text, created_us, since)"
     " VALUES (?, ?, ?, ?, ?, ?)"},
    {"mapping_uses", // as they are now: a later run's replace them
     {"source", "tbl", "pinned", "overlay", "set_us"},
     "SELECT source, tbl, pinned, overlay, set_us FROM mapping_uses WHERE ?1 IS NOT NULL"
     " ORDER BY source, tbl",
     "INSERT OR REPLACE INTO mapping_uses(source, tbl, pinned, overlay, set_us)"
     " VALUES (?, ?, ?, ?, ?)"},
    {"contracts",
     {"tbl", "version", "text", "created_us"},
     "SELECT tbl, version, text, created_us FROM contracts WHERE created_us <="
     " (SELECT finished_us FROM runs WHERE id = ?1) ORDER BY tbl, version",
     "INSERT OR IGNORE INTO contracts(tbl, version, text, created_us) VALUES (?, ?, ?, ?)"},
    {"shapes",
     {"source", "tbl", "version", "run", "since_us", "until_us", "records", "logged", "shape"},
     "SELECT source, tbl, version, run, since_us, until_us, records, logged, document FROM shapes"
     " WHERE logged = ?1 ORDER BY id",
     "INSERT OR REPLACE INTO shapes(source, tbl, version, run, since_us, until_us, records, logged,"
     " document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"findings", // as they are now: a later run's replace them
     {"id",           "source",     "tbl",
      "fingerprint",  "class",      "strength",
      "before",       "after",      "col",
      "critical",     "state",      "first_us",
      "opened_us",    "changed_us", "first_object",
      "run",          "records",    "flips",
      "logged",       "document",   "muted_until_us",
      "muted_records"},
     "SELECT id, source, tbl, fingerprint, class, strength, before, after, col, critical, state,"
     " first_us, opened_us, changed_us, first_object, run, records, flips, logged, document,"
     " muted_until_us, muted_records"
     " FROM findings WHERE logged = ?1 ORDER BY id",
     "INSERT OR REPLACE INTO findings(id, source, tbl, fingerprint, class, strength, before, after,"
     " col, critical, state, first_us, opened_us, changed_us, first_object, run, records, flips,"
     " logged, document, muted_until_us, muted_records)"
     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"events",
     {"id", "at_us", "kind", "who", "tbl", "logged", "detail"},
     "SELECT id, at_us, kind, who, tbl, logged, text FROM events WHERE logged = ?1"
     " AND logged <> '' ORDER BY id",
     "INSERT OR IGNORE INTO events(id, at_us, kind, who, tbl, logged, text)"
     " VALUES (?, ?, ?, ?, ?, ?, ?)"},
    {"checks",
     {"id", "run", "tbl", "source", "name", "col", "critical", "outcome", "measured", "total",
      "allowed", "at_us", "logged"},
     "SELECT id, run, tbl, source, name, col, critical, outcome, measured, total, allowed, at_us,"
     " logged FROM checks WHERE logged = ?1 ORDER BY id",
     "INSERT OR IGNORE INTO checks(id, run, tbl, source, name, col, critical, outcome, measured,"
     " total, allowed, at_us, logged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"lineage",
     {"tbl", "snapshot", "parent"},
     "SELECT tbl, snapshot, parent FROM lineage WHERE ?1 IS NOT NULL ORDER BY tbl, snapshot",
     "INSERT OR IGNORE INTO lineage(tbl, snapshot, parent) VALUES (?, ?, ?)"},
    {"doomed", // by this run: an expire's files are doomed when it begins
     {"tbl", "path", "since_us"},
     "SELECT tbl, path, since_us FROM doomed WHERE since_us ="
     " (SELECT started_us FROM runs WHERE id = ?1 AND command = 'expire') ORDER BY tbl, path",
     "INSERT OR IGNORE INTO doomed(tbl, path, since_us) VALUES (?, ?, ?)"},
    {"heads",
     {"table_name", "metadata_location"},
     "SELECT table_name, metadata_location FROM iceberg_tables WHERE table_namespace ="
     " '" PL_CATALOG_NAMESPACE "' AND ?1 IS NOT NULL ORDER BY table_name",
     NULL},
};

typedef struct dump_walk {
    const dump_part *part;
    pl_json_writer *json;
    pl_registry_text_name name;
    void *context;
    plumb_status status;
    plumb_error *err;
} dump_walk;

static bool is_shape(const char *column)
{
    return strcmp(column, "shape") == 0;
}

static bool is_named(const char *column)
{
    return strcmp(column, "text") == 0 || is_shape(column);
}

static const char *member(const char *column)
{
    return is_shape(column) ? "shape_id" : is_named(column) ? "text_id" : column;
}

static plumb_status name_text(const dump_walk *walk, sqlite3_stmt *stmt, pl_span text,
                              const char *column, char ret_name[PL_REGISTRY_TEXT_NAME])
{
    pl_buf shape = {0};
    if (is_shape(column))
        pl_buf_printf(&shape, "%s/%s", pl_registry__text(stmt, 0), pl_registry__text(stmt, 1));
    plumb_status st = walk->name(walk->context, text, is_shape(column) ? pl_buf_cstr(&shape) : NULL,
                                 ret_name, walk->err);
    pl_buf_done(&shape);
    return st;
}

static bool dump_row(void *context, sqlite3_stmt *stmt)
{
    dump_walk *walk = context;
    pl_json_writer *json = walk->json;
    pl_json_begin(json, '{');
    for (int i = 0; walk->part->columns[i]; i++) {
        const char *column = walk->part->columns[i];
        pl_span text = pl_registry__bytes(stmt, i);
        char id[PL_REGISTRY_TEXT_NAME];
        if (is_named(column)) walk->status = name_text(walk, stmt, text, column, id);
        if (walk->status != PLUMB_OK) return false;
        pl_json_key(json, member(column));
        if (is_named(column))
            pl_json_cstr(json, id);
        else if (sqlite3_column_type(stmt, i) == SQLITE_INTEGER)
            pl_json_int(json, pl_registry__int(stmt, i));
        else if (sqlite3_column_type(stmt, i) == SQLITE_NULL)
            pl_json_null(json);
        else
            pl_json_text(json, text);
    }
    pl_json_end(json, '}');
    return true;
}

plumb_status pl_registry_dump(pl_registry *registry, const char *run, pl_json_writer *json,
                              pl_registry_text_name name, void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("write down run", run);
    for (size_t p = 0; p < PL_COUNT(parts); p++) {
        sqlite3_stmt *stmt = NULL;
        dump_walk walk = {&parts[p], json, name, context, PLUMB_OK, err};
        pl_json_key(json, parts[p].name);
        pl_json_begin(json, '[');
        PL_TRY(pl_registry__start(registry, doing, parts[p].select, &stmt, err, "t", run));
        PL_TRY(pl_registry__each(registry, doing, stmt, dump_row, &walk, err));
        PL_TRY(walk.status);
        pl_json_end(json, ']');
    }
    return PLUMB_OK;
}

static plumb_status bad(const dump_part *part, const char *column, plumb_error *err)
{
    return pl_fail(err, PLUMB_E_MALFORMED, "'%s' of '%s' is missing or of another type", column,
                   part->name);
}

static plumb_status bind_value(sqlite3_stmt *stmt, int at, const pl_json *value,
                               const dump_part *part, plumb_error *err)
{
    int64_t number;
    if (value->kind == PL_JSON_NULL) {
        sqlite3_bind_null(stmt, at);
    } else if (value->kind == PL_JSON_STRING) {
        sqlite3_bind_text64(stmt, at, value->text.bytes ? value->text.data : "", value->text.bytes,
                            SQLITE_TRANSIENT, SQLITE_UTF8);
    } else {
        if (!pl_json_long(value, &number)) return bad(part, part->columns[at - 1], err);
        sqlite3_bind_int64(stmt, at, number);
    }
    return PLUMB_OK;
}

static plumb_status restore_row(pl_registry *registry, const dump_part *part, const pl_json *row,
                                pl_registry_text_get get, void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("restore", part->name);
    sqlite3_stmt *stmt = NULL;
    bool more, thinned = false;
    PL_TRY(pl_registry__start(registry, doing, part->insert, &stmt, err, ""));
    plumb_status st = PLUMB_OK;
    for (int i = 0; part->columns[i] && st == PLUMB_OK; i++) {
        bool named = is_named(part->columns[i]);
        const pl_json *value = pl_json_get(row, member(part->columns[i]));
        pl_span text;
        if (!value && strncmp(part->columns[i], "muted_", 6) == 0) { // came later
            sqlite3_bind_int64(stmt, i + 1, 0);
        } else if (!value && strcmp(part->columns[i], "since") == 0) { // that, too
            sqlite3_bind_text(stmt, i + 1, "", 0, SQLITE_STATIC);
        } else if (!value || (named && value->kind != PL_JSON_STRING)) {
            st = bad(part, part->columns[i], err);
        } else if (named) {
            st = get(context, value->text, &text, err);
            thinned = st == PLUMB_E_NOT_FOUND && is_shape(part->columns[i]);
            if (st == PLUMB_OK && is_shape(part->columns[i]))
                sqlite3_bind_blob64(stmt, i + 1, text.bytes ? text.data : "", text.bytes,
                                    SQLITE_TRANSIENT);
            else if (st == PLUMB_OK)
                sqlite3_bind_text64(stmt, i + 1, text.bytes ? text.data : "", text.bytes,
                                    SQLITE_TRANSIENT, SQLITE_UTF8);
        } else {
            st = bind_value(stmt, i + 1, value, part, err);
        }
    }
    if (st == PLUMB_OK) st = pl_registry__step(registry, doing, stmt, &more, err);
    pl_registry__end(registry, stmt);
    return thinned ? PLUMB_OK : st;
}

// Documents of programs with an older schema do not have it.
static bool came_later(const dump_part *part)
{
    static const char *const names[] = {"mapping_uses", "shapes",  "findings", "events",
                                        "checks",       "lineage", "doomed"};
    for (size_t i = 0; i < PL_COUNT(names); i++)
        if (strcmp(part->name, names[i]) == 0) return true;
    return false;
}

plumb_status pl_registry_restore(pl_registry *registry, const pl_json *document,
                                 pl_registry_text_get get, void *context, plumb_error *err)
{
    for (size_t p = 0; p < PL_COUNT(parts); p++) {
        if (!parts[p].insert) continue;
        const pl_json *rows = pl_json_get(document, parts[p].name);
        if (!rows && came_later(&parts[p])) continue;
        if (!rows || rows->kind != PL_JSON_ARRAY) return bad(&parts[p], "rows", err);
        for (const pl_json *row = rows->first; row; row = row->next)
            PL_TRY(restore_row(registry, &parts[p], row, get, context, err));
    }
    return PLUMB_OK;
}
