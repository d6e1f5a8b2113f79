// expire.h -- old snapshots of a table go, then the files that only they needed.
//
// Two steps. First the metadata: the snapshots leave the table, and in the same transaction their
// files are written down as doomed. Then, here or in a later call, the files that have been doomed
// for a grace time are deleted: a reader that began on a snapshot before it was expired has that
// long to end. A crash leaves files in the list, and the next call goes on; the list is in the
// lake's log, too.
//
// Files that no snapshot ever led to, or none does that anybody remembers, are swept on the way:
// orphans.h.
//
// What is kept and how age counts is iceberg/expire.h's. Published objects stay published, and a
// rollback to what is left works as before; an expired snapshot is refused by its name.
//
// Threads: flow; one at a time (the run lock).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_EXPIRE_H
#define PL_FLOW_EXPIRE_H

#include "registry/registry.h"
#include "store/store.h"

#define PL_EXPIRE_AGE_US   (INT64_C(30) * 24 * 3600 * 1000000)
#define PL_EXPIRE_GRACE_US (INT64_C(3600) * 1000000)
// Other programs write data files first and commit them then: so long they have for it.
#define PL_EXPIRE_ORPHAN_US (INT64_C(3) * 24 * 3600 * 1000000)

typedef struct pl_expire_options {
    pl_store *store;
    pl_registry *registry;
    const char *lock_path;
    int64_t wait_ms;
    const char *table;
    int64_t older_than_us, grace_us;
    int64_t orphan_us; // how old an orphan is that goes
    const char *who;
    bool dry;
} pl_expire_options;

typedef struct pl_expire_report {
    const char *run; // "" when no snapshot went
    int64_t snapshots, snapshots_left;
    const char **tags; // dropped
    uint32_t tag_count;
    int64_t doomed_files, doomed_bytes; // of the data files that no snapshot needs from now on
    int64_t deleted, waiting;           // files of all kinds; waiting: within the grace time
    int64_t orphans, orphan_bytes;      // deleted, too
} pl_expire_report;

PL_MUST_USE plumb_status pl_expire(const pl_expire_options *options, pl_arena *arena,
                                   pl_expire_report *ret_report, plumb_error *err);

#endif
