// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "os/file.h"
#include "registry/registry_int.h"

#define BUSY_MS     30000
#define SYNCHRONOUS "PRAGMA synchronous = FULL;"

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static plumb_status check_place(const char *path, pl_registry_mode mode, plumb_error *err)
{
    char *folder = folder_of(path);
    plumb_status st = PLUMB_OK;
    if (mode == PL_REGISTRY_CREATE) st = pl_path_make_way(folder, err);
    // Before there is a registry to lose. Of the file's own name SQLite takes care.
    if (st == PLUMB_OK && mode == PL_REGISTRY_CREATE && !pl_path_exists(path))
        st = pl_path_sync_up(folder, err);
    if (st == PLUMB_OK && mode != PL_REGISTRY_CREATE && !pl_path_exists(path))
        st = pl_fail(err, PLUMB_E_NOT_FOUND, "cannot open registry '%s': no such file", path);
    const char *network = st == PLUMB_OK ? pl_path_network(folder) : NULL;
    if (network) {
        st = pl_fail(err, PLUMB_E_FAILED,
                     "cannot open registry '%s': it is on a network file system (%s)", path,
                     network);
        pl_hint(err, "Name a file on a local disk with 'state:' in plumb.yaml.");
    }
    free(folder);
    return st;
}

static plumb_status apply(pl_registry *registry, plumb_error *err)
{
    sqlite3_busy_timeout(registry->db, BUSY_MS);
    sqlite3_extended_result_codes(registry->db, 1);
    sqlite3_db_config(registry->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(registry->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (registry->read_only) return PLUMB_OK;
    PL_TRY(pl_registry__exec(registry, PL_DOING("open", NULL),
                             "PRAGMA foreign_keys = ON;" SYNCHRONOUS, err));
    // A commit folds the log back once it is 1000 pages long. At each close it would be the whole
    // log again and two fsyncs, since the next process takes none of it for folded.
    sqlite3_db_config(registry->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int on = 1; // without the -wal and -shm files a reader without write permission is shut out
    sqlite3_file_control(registry->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    return PLUMB_OK;
}

// Switching to WAL needs the file alone and does not wait for it, so two first writers may meet.
static plumb_status use_wal(pl_registry *registry, plumb_error *err)
{
    int rc = SQLITE_BUSY;
    for (int waited = 0; (rc & 0xff) == SQLITE_BUSY && waited < BUSY_MS; waited += 20) {
        if (waited) sqlite3_sleep(20);
        rc = sqlite3_exec(registry->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) return pl_registry__fail(registry, PL_DOING("open", NULL), rc, err);

    sqlite3_stmt *stmt = NULL;
    bool row = false;
    PL_TRY(pl_registry__start(registry, PL_DOING("open", NULL), "PRAGMA journal_mode", &stmt, err,
                              ""));
    plumb_status st = pl_registry__step(registry, PL_DOING("open", NULL), stmt, &row, err);
    if (st == PLUMB_OK && (!row || strcmp(pl_registry__text(stmt, 0), "wal") != 0))
        st = pl_fail(err, PLUMB_E_FAILED,
                     "cannot open registry '%s': its file system takes no write-ahead log",
                     registry->path);
    pl_registry__end(registry, stmt);
    return st;
}

static plumb_status connect(pl_registry *registry, const char *name, int flags, plumb_error *err)
{
    int rc = sqlite3_open_v2(name, &registry->db,
                             flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK) return apply(registry, err);
    plumb_status st = pl_registry__fail(registry, PL_DOING("open", NULL), rc, err);
    sqlite3_close(registry->db);
    registry->db = NULL;
    return st;
}

static void disconnect(pl_registry *registry)
{
    for (int i = 0; i < registry->cached; i++) sqlite3_finalize(registry->cache[i].stmt);
    registry->cached = 0;
    sqlite3_close(registry->db); // rolls back what is open
    registry->db = NULL;
}

// On a medium without -wal and -shm files where none can be made, the file alone is everything, so
// it may be read as one that never changes.
static plumb_status connect_immutable(pl_registry *registry, plumb_error *err)
{
    pl_buf uri = {0};
    pl_file_info info;
    pl_buf_printf(&uri, "%s-wal", registry->path);
    if (pl_path_info(pl_buf_cstr(&uri), &info, NULL) == PLUMB_OK && info.bytes > 0) {
        pl_buf_done(&uri);
        return pl_registry__fail(registry, PL_DOING("open", NULL), SQLITE_CANTOPEN, err);
    }
    disconnect(registry);
    pl_buf_reset(&uri);
    pl_buf_text(&uri, "file:");
    for (const char *p = registry->path; *p; p++) {
        if (strchr("?#%", *p))
            pl_buf_printf(&uri, "%%%02x", (unsigned)*p);
        else
            pl_buf_char(&uri, *p);
    }
    pl_buf_text(&uri, "?immutable=1");
    plumb_status st =
        connect(registry, pl_buf_cstr(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    pl_buf_done(&uri);
    return st;
}

static plumb_status open_read(pl_registry *registry, plumb_error *err)
{
    PL_TRY(connect(registry, registry->path, SQLITE_OPEN_READONLY, err));
    int rc = sqlite3_exec(registry->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY)
        PL_TRY(connect_immutable(registry, err));
    int64_t version = 0;
    PL_TRY(pl_registry__version(registry, &version, err));
    return pl_registry__current(registry, version, err);
}

static plumb_status open_write(pl_registry *registry, bool create, plumb_error *err)
{
    PL_TRY(connect(registry, registry->path,
                   SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), err));
    if (sqlite3_db_readonly(registry->db, "main") == 1) // SQLite falls back to that silently
        return pl_registry__fail(registry, PL_DOING("open", NULL), SQLITE_READONLY, err);
    int64_t version = 0; // before anything is changed: the file may be somebody else's
    PL_TRY(pl_registry__version(registry, &version, err));
    PL_TRY(use_wal(registry, err));
    return pl_registry__schema(registry, err);
}

plumb_status pl_registry_open(const char *path, pl_registry_mode mode, pl_registry **ret_registry,
                              plumb_error *err)
{
    PL_TRY(check_place(path, mode, err));
    pl_registry *registry = pl_zalloc(1, sizeof *registry);
    registry->path = strdup(path);
    registry->read_only = mode == PL_REGISTRY_READ;
    plumb_status st = registry->read_only ? open_read(registry, err)
                                          : open_write(registry, mode == PL_REGISTRY_CREATE, err);
    if (st != PLUMB_OK) {
        pl_registry_close(registry);
        return st;
    }
    *ret_registry = registry;
    return PLUMB_OK;
}

void pl_registry_close(pl_registry *registry)
{
    if (!registry) return;
    disconnect(registry);
    free(registry->path);
    free(registry);
}

plumb_status pl_registry_reopen(pl_registry *registry, plumb_error *err)
{
    assert(!registry->read_only);
    disconnect(registry);
    registry->transaction = false;
    return open_write(registry, false, err);
}

const char *pl_registry_path(const pl_registry *registry)
{
    return registry->path;
}

plumb_status pl_registry_begin(pl_registry *registry, plumb_error *err)
{
    assert(!registry->transaction && !registry->read_only);
    PL_TRY(pl_registry__exec(registry, PL_DOING("write to", NULL), SYNCHRONOUS "BEGIN IMMEDIATE",
                             err));
    registry->transaction = true;
    registry->done[0] = '\0';
    return PLUMB_OK;
}

plumb_status pl_registry_begin_unsynced(pl_registry *registry, plumb_error *err)
{
    assert(!registry->transaction && !registry->read_only);
    PL_TRY(pl_registry__exec(registry, PL_DOING("write to", NULL),
                             "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE", err));
    registry->transaction = true;
    registry->done[0] = '\0';
    return PLUMB_OK;
}

plumb_status pl_registry_commit(pl_registry *registry, plumb_error *err)
{
    assert(registry->transaction);
    plumb_error reason;
    plumb_status st = pl_registry__log_found(registry, err);
    if (st != PLUMB_OK) pl_registry_rollback(registry);
    PL_TRY(st);
    registry->transaction = false;
    if (pl_registry__exec(registry, PL_DOING("commit to", NULL), "COMMIT", &reason) == PLUMB_OK)
        return PLUMB_OK;
    // The log may hold the commit although the answer is no: nobody knows before the next open.
    if (err) *err = reason;
    if (err) err->status = PLUMB_E_UNKNOWN;
    bool full = reason.status == PLUMB_E_UNAVAILABLE && *reason.hint; // the disk, not a writer
    pl_hint(err, "%sIt is not known yet whether the commit happened; the next command finds out.",
            full ? "Make room on its disk. " : "");
    return PLUMB_E_UNKNOWN;
}

void pl_registry_rollback(pl_registry *registry)
{
    if (!registry->transaction) return;
    registry->transaction = false;
    sqlite3_exec(registry->db, "ROLLBACK", NULL, NULL, NULL); // only fails if SQLite already did it
}

static plumb_status check_tallies(pl_registry *registry, plumb_error *err)
{
    static const char sql[] =
        "SELECT tbl, source, state, count(*) FROM summands GROUP BY tbl, source, state"
        " EXCEPT SELECT tbl, source, state, objects FROM tallies";
    pl_doing doing = PL_DOING("check", NULL);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, ""));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK && row)
        st = pl_fail(
            err, PLUMB_E_MALFORMED,
            "registry '%s' is damaged: its count of objects of source '%s' for table '%s' is"
            " wrong",
            registry->path, pl_registry__text(stmt, 1), pl_registry__text(stmt, 0));
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_check(pl_registry *registry, plumb_error *err)
{
    pl_doing doing = PL_DOING("check", NULL);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    PL_TRY(pl_registry__start(registry, doing, "PRAGMA integrity_check(1)", &stmt, err, ""));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK && row && strcmp(pl_registry__text(stmt, 0), "ok") != 0)
        st = pl_fail(err, PLUMB_E_MALFORMED, "registry '%s' is damaged: %s", registry->path,
                     pl_registry__text(stmt, 0));
    pl_registry__end(registry, stmt);
    return st == PLUMB_OK ? check_tallies(registry, err) : st;
}

// VACUUM INTO writes where it is told to, so that is a name of which nobody reads. It is synced
// once, at the end: until then it is nobody's backup.
static plumb_status copy_to(pl_registry *registry, const char *path, plumb_error *err)
{
    pl_doing doing = PL_DOING("back up", NULL);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    if (pl_path_exists(path)) PL_TRY(pl_path_unlink(path, err)); // of one that died
    PL_TRY(pl_registry__exec(registry, doing, "PRAGMA synchronous = OFF", err));
    PL_TRY(pl_registry__start(registry, doing, "VACUUM INTO ?", &stmt, err, "t", path));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    pl_registry__end(registry, stmt);
    pl_file file = {.fd = -1};
    if (st == PLUMB_OK) st = pl_file_open(&file, path, PL_OPEN_READ, err);
    if (st == PLUMB_OK) st = pl_file_sync(&file, err);
    pl_file_close(&file);
    return st;
}

plumb_status pl_registry_backup(pl_registry *registry, const char *path, plumb_error *err)
{
    assert(!registry->transaction);
    if (pl_path_exists(path))
        return pl_fail(err, PLUMB_E_CONFLICT, "cannot write backup '%s': it exists already", path);
    char *folder = folder_of(path);
    if (!pl_path_writable(folder)) {
        free(folder);
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot write backup '%s': its folder is missing or may not be written to",
                       path);
    }
    pl_buf part = {0};
    pl_buf_printf(&part, "%s.part", path);
    plumb_status st = copy_to(registry, pl_buf_cstr(&part), err);
    if (st == PLUMB_OK) st = pl_path_rename_new(pl_buf_cstr(&part), path, err);
    if (st != PLUMB_OK) PL_IGNORE(pl_path_unlink(pl_buf_cstr(&part), NULL));
    pl_buf_done(&part);
    if (st == PLUMB_OK) st = pl_path_sync_directory(folder, err);
    free(folder);
    return st;
}

const char *pl_registry_sqlite(void)
{
    return sqlite3_libversion();
}
