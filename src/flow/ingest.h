// ingest.h -- land input in the raw zone and in the registry, so that a kill at any point leaves
// nothing half and nothing twice.
//
//     hidden file, locked -> transaction: intent -> copy, inflate, hash -> fsync, final name, fsync
//       -> transaction: object row, unique by (source, identity); intent gone -> acknowledged
//
// Many small files go through these steps together, a group at a time: each step is done for all
// of them before the next one is.
//
// Any number of processes may ingest at once; there is no run lock. Who finds the content known
// removes its own file, which nobody was told about, and names the earlier object.
//
// What a killed process left is an intent: pl_ingest_recover takes the file's lock first. Held
// means alive: left alone. Free: finished if the final name exists, else removed and forgotten.
// Also removed if it is damaged: nobody was told that it landed.
//
// Threads: flow (the registry's connection).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_INGEST_H
#define PL_FLOW_INGEST_H

#include "base/time.h"
#include "flow/raw.h"
#include "registry/registry.h"

// No object was received later than this from now: clocks may differ, and what is landed stays.
#define PL_RECEIVED_AHEAD_US PL_MICROS_PER_DAY

typedef struct pl_ingest_options {
    pl_span source;
    int64_t now_us; // landing time, and the receipt time unless given otherwise
    bool has_received;
    int64_t received_us; // with has_received; not later than PL_RECEIVED_AHEAD_US from now
    bool received_mtime; // receipt time = modification time of the file
    bool has_format;
    pl_format format; // with has_format; else sniffed
    bool again;       // land content that is known once more
    int level;        // PL_RAW_LEVEL_DEFAULT
    // Called per chunk; may be NULL.
    void (*progress)(void *context, const char *path, uint64_t input_bytes);
    void *progress_context;
} pl_ingest_options;

typedef struct pl_ingest_result {
    bool known; // nothing was landed: `id` is the earlier object of the same content
    char id[PL_ULID_TEXT];
    const char *key;  // of that object; in arena
    const char *name; // what its input was called, "" if it had no name; in arena
    pl_format format;
    bool broken;        // the gzip input did not inflate to its end
    const char *reason; // why; static, NULL if not broken
    uint64_t broken_at; // byte of the input
    uint64_t stored_bytes, content_bytes;
    char sha256[PL_SHA256_TEXT]; // identity
    int64_t received_us;         // of the object named, as is landed_us
    int64_t landed_us;
} pl_ingest_result;

// What became of a file; all but the status is borrowed until it returns, and one of result and err
// says nothing.
typedef void (*pl_ingest_told)(void *context, const char *path, plumb_status status,
                               const pl_ingest_result *result, const plumb_error *err);
// Land files; "-" is standard input. Each is told of in its turn, once it is durable. Errors name
// the file. A file that changes while it is read is PLUMB_E_CONFLICT. On any error nothing of it is
// landed, except PLUMB_E_UNKNOWN (the registry's commit was not answered): recovery finds out.
// After that, PLUMB_E_CANCELLED and PLUMB_E_UNAVAILABLE no more files are tried, or told of: it
// would be the same with them.
void pl_ingest_files(pl_store *store, pl_registry *registry, pl_ulids *ulids,
                     const char *const *paths, uint32_t count, const pl_ingest_options *options,
                     pl_ingest_told told, void *context);
// The same for one; what the result refers to is in arena.
PL_MUST_USE plumb_status pl_ingest_file(pl_store *store, pl_registry *registry, pl_ulids *ulids,
                                        const char *path, const pl_ingest_options *options,
                                        pl_arena *arena, pl_ingest_result *ret_result,
                                        plumb_error *err);

typedef struct pl_ingest_recovery {
    uint32_t finished; // objects that were whole and had no row yet
    uint32_t removed;  // files that were not
} pl_ingest_recovery;
// Resolve what killed processes left, hidden files of every writer included. Call it before
// ingesting and at the start of a run.
PL_MUST_USE plumb_status pl_ingest_recover(pl_store *store, pl_registry *registry, int64_t now_us,
                                           pl_ingest_recovery *ret_recovery, plumb_error *err);

// A raw object that lies in its place and is not in the books, read and checked whole, gets its
// row; landed is the time in its id. In an open transaction. PLUMB_E_CONFLICT: its source has the
// same content already; PLUMB_E_MALFORMED: it is no raw object, or damaged.
PL_MUST_USE plumb_status pl_ingest_adopt(pl_store *store, pl_registry *registry, const char *key,
                                         plumb_error *err);

// "2026-11-22T03:00:00Z", "2026-11-22" (UTC), or a number: seconds, milliseconds, microseconds or
// nanoseconds since 1970 by its magnitude (seconds may have a fraction). NULL, or why not: text
// that completes "<value> ...".
const char *pl_ingest_parse_time(pl_span text, int64_t *ret_micros);

#endif
