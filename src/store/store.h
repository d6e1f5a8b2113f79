// store.h -- objects by key: put once, get, list, delete. A local directory now, S3 later.
//
// Keys are relative paths with '/' ("tables/t/data/x.parquet"), no leading '/', no empty element,
// no "." or ".." (PLUMB_E_MISUSE). An object appears whole and durable, or not at all:
// pl_put_finish returns only when bytes, name and every directory made for it are fsynced. `put`
// never overwrites; `replace` is atomic and exists for version-hint.text alone.
//
// While it is written an object has a hidden name, ".tmp/<name>", and its writer holds a kernel
// lock on it. The lock goes with the file through the rename and with the process when it dies, so
// "locked" means "its writer lives" for both names; what a dead writer left is swept away.
//
// Threads: a store may be used by many threads; one pl_put by one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_STORE_STORE_H
#define PL_STORE_STORE_H

#include "base/arena.h"
#include "base/error.h"

typedef struct pl_store pl_store; // opaque
typedef struct pl_put pl_put;     // one object being written

// A store over a local directory, created if `create`. `path` is made absolute.
PL_MUST_USE plumb_status pl_store_open_local(const char *path, bool create, pl_store **ret_store,
                                             plumb_error *err);
void pl_store_close(pl_store *store); // NULL is a no-op

// "file:///abs/lake/tables/t/x" for a key: absolute URI, never a double slash inside, spaces and
// other odd bytes as they are (Iceberg paths are not percent-decoded by readers).
char *pl_store_uri(const pl_store *store, const char *key, pl_arena *arena);
// The key of a URI this store made, or NULL if it is not below this store.
const char *pl_store_key(const pl_store *store, const char *uri);
// From now on URIs below `prefix` ("file:///old/lake/") are this store's, too: its objects were
// moved here, and what names them was not rewritten yet.
void pl_store_moved_from(pl_store *store, const char *prefix);
// Local file system path of a key (for tools that need one), in arena.
char *pl_store_path(const pl_store *store, const char *key, pl_arena *arena);

// Begin an object. Bytes go to a hidden name (".tmp/…" inside the store) until finish.
PL_MUST_USE plumb_status pl_put_begin(pl_store *store, const char *key, pl_put **ret_put,
                                      plumb_error *err);
PL_MUST_USE plumb_status pl_put_write(pl_put *put, pl_span bytes, plumb_error *err);
uint64_t pl_put_bytes(const pl_put *put); // written so far
// Durable and visible. PLUMB_E_CONFLICT if the key exists. `mode` 0 = 0644. Frees `put` always.
PL_MUST_USE plumb_status pl_put_finish(pl_put *put, unsigned mode, plumb_error *err);
void pl_put_abort(pl_put *put); // forget it; NULL is a no-op

// For a caller who records the object elsewhere and must tell a dead writer from a live one:
// choose the hidden name (".tmp/<name>"; PLUMB_E_CONFLICT if taken), and finish in two steps.
// After publish the object is durable and visible and still locked; release closes and frees.
// Abort, also after publish, removes what is there under either name.
PL_MUST_USE plumb_status pl_put_begin_as(pl_store *store, const char *key, const char *name,
                                         pl_put **ret_put, plumb_error *err);
PL_MUST_USE plumb_status pl_put_publish(pl_put *put, unsigned mode, plumb_error *err);
void pl_put_release(pl_put *put); // NULL is a no-op

// Many objects at once: a few threads sync them while the caller goes on, and each directory only
// once (200 files in 200 new directories: 0.27 ms each instead of 12; the disk takes as long for
// one as for eight). An object that was added appears soon, and is durable with all others once
// pl_batch_settle says so. What fails is given up, and everything with it: settle tells the first
// failure, what was added and has its name stays.
#define PL_BATCH_AT_ONCE 8 // good size for the pool; each is an open file. Adding waits for room
struct pl_pool;
typedef struct pl_batch pl_batch; // opaque; any thread may add, the last one settles
pl_batch *pl_batch_new(pl_store *store, struct pl_pool *pool); // the pool is borrowed
void pl_batch_free(pl_batch *batch);             // waits for what is on the way; NULL is a no-op
void pl_batch_add(pl_batch *batch, pl_put *put); // all bytes were written; takes it over
PL_MUST_USE plumb_status pl_batch_settle(pl_batch *batch, plumb_error *err);

// The same for many that are recorded elsewhere: each as pl_put_publish does, several at once, and
// each directory once. All stay the caller's, locked. A directory that fails, fails all in it.
typedef struct pl_publishing {
    pl_put *put;
    unsigned mode;
    plumb_status status; // what became of it
    plumb_error err;
} pl_publishing;
void pl_put_publish_all(pl_store *store, struct pl_pool *pool, pl_publishing *items,
                        uint32_t count);

typedef enum pl_writer_state {
    PL_WRITER_ALIVE,   // locked: leave it
    PL_WRITER_DEAD,    // there, and its writer is gone
    PL_WRITER_NOTHING, // no such object
} pl_writer_state;
// Is the writer of a key (or of a hidden name, ".tmp/<name>") alive?
PL_MUST_USE plumb_status pl_store_writer(pl_store *store, const char *key,
                                         pl_writer_state *ret_state, plumb_error *err);
// Remove every hidden name whose writer is dead, except those `keep` says yes to (NULL: none).
PL_MUST_USE plumb_status pl_store_sweep(pl_store *store,
                                        bool (*keep)(void *context, const char *name),
                                        void *context, uint32_t *ret_removed, plumb_error *err);

// Make durable that `key`, an object or a directory, is there: it was put unsettled, or a process
// died between giving the name and its fsync, and who comes later sees the name. Only the directory
// that holds it is synced; settle_way also syncs those above it. What is not there is no error.
PL_MUST_USE plumb_status pl_store_settle(pl_store *store, const char *key, plumb_error *err);
PL_MUST_USE plumb_status pl_store_settle_way(pl_store *store, const char *key, plumb_error *err);

// Begin, write, finish in one call.
PL_MUST_USE plumb_status pl_store_put(pl_store *store, const char *key, pl_span bytes,
                                      plumb_error *err);
// The same, but only the bytes are durable: the name and the directories made for it are once they
// are settled. One settling does for many objects.
PL_MUST_USE plumb_status pl_store_put_unsettled(pl_store *store, const char *key, pl_span bytes,
                                                plumb_error *err);
PL_MUST_USE plumb_status pl_store_replace(pl_store *store, const char *key, pl_span bytes,
                                          plumb_error *err);

// The whole object, at most `bytes_max` (PLUMB_E_LIMIT above), into arena.
PL_MUST_USE plumb_status pl_store_get(pl_store *store, const char *key, uint64_t bytes_max,
                                      pl_arena *arena, pl_span *ret_bytes, plumb_error *err);
// Read up to `bytes` at `offset` into `buffer`; *ret_got is less only at the end.
PL_MUST_USE plumb_status pl_store_read(pl_store *store, const char *key, uint64_t offset,
                                       void *buffer, size_t bytes, size_t *ret_got,
                                       plumb_error *err);
PL_MUST_USE plumb_status pl_store_size(pl_store *store, const char *key, uint64_t *ret_bytes,
                                       plumb_error *err);
// When it was written, in microseconds since 1970, by the clock of whoever keeps it.
PL_MUST_USE plumb_status pl_store_written(pl_store *store, const char *key, int64_t *ret_us,
                                          plumb_error *err);

// Call `visit` for every object below the directory `prefix` ("" = all), in byte order of the keys.
// Hidden names are left out; a prefix that does not exist holds nothing.
// `visit` returns false to stop.
typedef bool (*pl_store_visit)(void *context, const char *key, uint64_t bytes);
PL_MUST_USE plumb_status pl_store_list(pl_store *store, const char *prefix, pl_store_visit visit,
                                       void *context, plumb_error *err);
// Deleting what does not exist is done already: PLUMB_OK.
PL_MUST_USE plumb_status pl_store_delete(pl_store *store, const char *key, plumb_error *err);
// Delete every object below the directory `prefix`, and the directories that held them.
PL_MUST_USE plumb_status pl_store_delete_all(pl_store *store, const char *prefix, plumb_error *err);

#endif
