// registry_int.h -- statements of one connection: prepared once, bound by a type string, and one
// way to say what went wrong. Private to registry/.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_REGISTRY_REGISTRY_INT_H
#define PL_REGISTRY_REGISTRY_INT_H

#include <sqlite3.h>

#include "registry/registry.h"

#define PL_REGISTRY_STATEMENTS_MAX 96

struct pl_registry {
    sqlite3 *db;      // owned
    char *path;       // owned
    bool transaction; // between begin and commit
    bool read_only;
    char done[PL_ID_TEXT]; // the run that the open transaction finished as done; "" if none
    struct {
        const char *sql; // a literal: compared by address
        sqlite3_stmt *stmt;
    } cache[PL_REGISTRY_STATEMENTS_MAX];
    int cached;
};

// What is being done, for messages: "record object" and its name, or NULL.
typedef struct pl_doing {
    const char *what;
    const char *name;
} pl_doing;
#define PL_DOING(what, name)                                                                       \
    (pl_doing)                                                                                     \
    {                                                                                              \
        (what), (name)                                                                             \
    }

// Turn an SQLite result code into a status and message.
plumb_status pl_registry__fail(pl_registry *registry, pl_doing doing, int rc, plumb_error *err);

// Prepare (or reuse) a statement and bind its parameters in order: t C string or NULL, i int64_t,
// s pl_span, b pl_span of any bytes.
PL_MUST_USE plumb_status pl_registry__start(pl_registry *registry, pl_doing doing, const char *sql,
                                            sqlite3_stmt **ret_stmt, plumb_error *err,
                                            const char *types, ...);
// *ret_row false at the end. After a failure or the end the statement still needs pl_registry__end.
PL_MUST_USE plumb_status pl_registry__step(pl_registry *registry, pl_doing doing,
                                           sqlite3_stmt *stmt, bool *ret_row, plumb_error *err);
void pl_registry__end(pl_registry *registry, sqlite3_stmt *stmt); // NULL is a no-op
// A statement that writes, start to end; *ret_changes (may be NULL) rows changed. Asserts an open
// transaction.
PL_MUST_USE plumb_status pl_registry__write(pl_registry *registry, pl_doing doing, const char *sql,
                                            int *ret_changes, plumb_error *err, const char *types,
                                            ...);
// Statements without parameters and results.
PL_MUST_USE plumb_status pl_registry__exec(pl_registry *registry, pl_doing doing, const char *sql,
                                           plumb_error *err);

// Walk rows: `row` is called for each one and returns false to stop. Used by every iterator.
typedef bool (*pl_registry__row)(void *context, sqlite3_stmt *stmt);
PL_MUST_USE plumb_status pl_registry__each(pl_registry *registry, pl_doing doing,
                                           sqlite3_stmt *stmt, pl_registry__row row, void *context,
                                           plumb_error *err);

static inline const char *pl_registry__text(sqlite3_stmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt, column);
}
static inline int64_t pl_registry__int(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt, column);
}
static inline pl_span pl_registry__bytes(sqlite3_stmt *stmt, int column)
{
    const void *data = sqlite3_column_blob(stmt, column); // before its length is asked for
    return pl_span_make(data ? data : "", (size_t)sqlite3_column_bytes(stmt, column));
}
static inline int64_t pl_registry__limit(int64_t limit)
{
    return limit > 0 ? limit : -1; // as SQL's LIMIT wants it
}

pl_object_state pl_registry__state_of(const char *name); // NULL: new

// What was found since the last run that was done goes into the log of registry->done.
PL_MUST_USE plumb_status pl_registry__log_found(pl_registry *registry, plumb_error *err);

// Bring a new or older file to this program's schema, inside its own transaction.
PL_MUST_USE plumb_status pl_registry__schema(pl_registry *registry, plumb_error *err);
// Is it ours, and not newer? *ret_version 0: an empty file.
PL_MUST_USE plumb_status pl_registry__version(pl_registry *registry, int64_t *ret_version,
                                              plumb_error *err);
// Refuse to read what only writing can bring up to date.
PL_MUST_USE plumb_status pl_registry__current(pl_registry *registry, int64_t version,
                                              plumb_error *err);

#endif
