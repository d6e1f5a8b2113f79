// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdarg.h>

#include "registry/registry_int.h"

static plumb_status status_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_FULL:
        return PLUMB_E_UNAVAILABLE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return PLUMB_E_MALFORMED;
    default:
        return PLUMB_E_FAILED;
    }
}

static const char *reason_of(pl_registry *registry, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: // for ten seconds, while it opens or closes the file
        return "another process is writing to it";
    case SQLITE_FULL:
        return "the disk is full";
    case SQLITE_CORRUPT:
        return "the file is damaged";
    case SQLITE_NOTADB:
        return "the file is not a database";
    case SQLITE_READONLY:
        return "the file or its folder is read-only";
    case SQLITE_IOERR:
        return "the disk did not read or write it";
    case SQLITE_CANTOPEN:
        return "the file or its folder cannot be opened";
    default:
        return registry->db ? sqlite3_errmsg(registry->db) : sqlite3_errstr(rc);
    }
}

plumb_status pl_registry__fail(pl_registry *registry, pl_doing doing, int rc, plumb_error *err)
{
    plumb_status st = status_of(rc);
    const char *verb = st == PLUMB_E_UNAVAILABLE ? "could not" : "cannot";
    const char *reason = reason_of(registry, rc);
    if (doing.name)
        pl_fail(err, st, "%s %s '%s' in registry '%s': %s", verb, doing.what, doing.name,
                registry->path, reason);
    else
        pl_fail(err, st, "%s %s registry '%s': %s", verb, doing.what, registry->path, reason);
    if (st == PLUMB_E_MALFORMED)
        pl_hint(err,
                "Move the file away with its -wal and -shm neighbours; then 'plumb rebuild' makes "
                "it again from the lake.");
    if ((rc & 0xff) == SQLITE_FULL) pl_hint(err, PL_HINT_DISK_FULL);
    if (err && registry->db) err->os_errno = sqlite3_system_errno(registry->db);
    return st;
}

static int bind_all(sqlite3_stmt *stmt, const char *types, va_list args)
{
    int rc = SQLITE_OK;
    for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
        if (types[i] == 't') {
            rc = sqlite3_bind_text(stmt, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        } else if (types[i] == 's') {
            pl_span text = va_arg(args, pl_span);
            rc = sqlite3_bind_text64(stmt, i + 1, text.data ? text.data : "", text.bytes,
                                     SQLITE_TRANSIENT, SQLITE_UTF8);
        } else if (types[i] == 'b') {
            pl_span bytes = va_arg(args, pl_span);
            rc = sqlite3_bind_blob64(stmt, i + 1, bytes.data ? bytes.data : "", bytes.bytes,
                                     SQLITE_TRANSIENT);
        } else {
            assert(types[i] == 'i');
            rc = sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
        }
    }
    return rc;
}

// A cached statement that is not running, or a new one; new ones are cached while there is room.
static int statement(pl_registry *registry, const char *sql, sqlite3_stmt **ret_stmt)
{
    bool known = false;
    for (int i = 0; i < registry->cached; i++) {
        if (registry->cache[i].sql != sql) continue;
        known = true; // a visitor may run the statement it is called from: then use a second one
        if (sqlite3_stmt_busy(registry->cache[i].stmt)) break;
        *ret_stmt = registry->cache[i].stmt;
        return SQLITE_OK;
    }
    int rc = sqlite3_prepare_v3(registry->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_stmt, NULL);
    if (rc == SQLITE_OK && !known && registry->cached < PL_REGISTRY_STATEMENTS_MAX) {
        registry->cache[registry->cached].sql = sql;
        registry->cache[registry->cached++].stmt = *ret_stmt;
    }
    return rc;
}

static plumb_status start(pl_registry *registry, pl_doing doing, const char *sql,
                          sqlite3_stmt **ret_stmt, plumb_error *err, const char *types,
                          va_list args)
{
    int rc = statement(registry, sql, ret_stmt);
    if (rc != SQLITE_OK) return pl_registry__fail(registry, doing, rc, err);
    rc = bind_all(*ret_stmt, types, args);
    if (rc == SQLITE_OK) return PLUMB_OK;
    plumb_status st = pl_registry__fail(registry, doing, rc, err);
    pl_registry__end(registry, *ret_stmt);
    return st;
}

plumb_status pl_registry__start(pl_registry *registry, pl_doing doing, const char *sql,
                                sqlite3_stmt **ret_stmt, plumb_error *err, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    plumb_status st = start(registry, doing, sql, ret_stmt, err, types, args);
    va_end(args);
    return st;
}

plumb_status pl_registry__step(pl_registry *registry, pl_doing doing, sqlite3_stmt *stmt,
                               bool *ret_row, plumb_error *err)
{
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return pl_registry__fail(registry, doing, rc, err);
    *ret_row = rc == SQLITE_ROW;
    return PLUMB_OK;
}

void pl_registry__end(pl_registry *registry, sqlite3_stmt *stmt)
{
    if (!stmt) return;
    sqlite3_reset(stmt); // repeats the failure of step, which was reported there
    for (int i = 0; i < registry->cached; i++) {
        if (registry->cache[i].stmt == stmt) {
            sqlite3_clear_bindings(stmt);
            return;
        }
    }
    sqlite3_finalize(stmt);
}

plumb_status pl_registry__write(pl_registry *registry, pl_doing doing, const char *sql,
                                int *ret_changes, plumb_error *err, const char *types, ...)
{
    assert(registry->transaction);
    sqlite3_stmt *stmt = NULL;
    va_list args;
    va_start(args, types);
    plumb_status st = start(registry, doing, sql, &stmt, err, types, args);
    va_end(args);
    if (st != PLUMB_OK) return st;

    bool row = false;
    st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK && ret_changes) *ret_changes = sqlite3_changes(registry->db);
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry__exec(pl_registry *registry, pl_doing doing, const char *sql,
                               plumb_error *err)
{
    int rc = sqlite3_exec(registry->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? PLUMB_OK : pl_registry__fail(registry, doing, rc, err);
}

plumb_status pl_registry__each(pl_registry *registry, pl_doing doing, sqlite3_stmt *stmt,
                               pl_registry__row row, void *context, plumb_error *err)
{
    bool more = true;
    plumb_status st = pl_registry__step(registry, doing, stmt, &more, err);
    while (st == PLUMB_OK && more && row(context, stmt))
        st = pl_registry__step(registry, doing, stmt, &more, err);
    pl_registry__end(registry, stmt);
    return st;
}
