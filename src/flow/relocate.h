// relocate.h -- a lake that was moved or copied: its tables still name the place it had.
//
// Raw objects, the ledger and runs are named by keys and do not care. Table metadata and the
// catalog hold absolute URIs, as every Iceberg table does. A table has moved when the catalog names
// its metadata elsewhere, and the file of that name lies here.
//
//     rewrite every moved table (iceberg/relocate.h): new files, nobody refers to them yet
//     one transaction: heads, files and snapshots of the books, a run called "relocate"
//     log entry, version-hint.text
//
// A crash before the transaction leaves the old state and files that nobody refers to; one after it
// the new state, of which the next run repairs log and hint. Raw and data files are not touched.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_RELOCATE_H
#define PL_FLOW_RELOCATE_H

#include "registry/registry.h"
#include "store/store.h"

typedef struct pl_relocate_options {
    pl_store *store;
    pl_registry *registry; // open for writing, unless dry
    const char *lock_path;
    int64_t wait_ms;
    const char *source; // only tables that name this place, a folder; NULL: all that moved
    const char *target; // the place to name; NULL: that of the store
    bool dry;
} pl_relocate_options;

typedef struct pl_relocated {
    const char *table;
    const char *source; // prefix it had: "file:///old/lake/"
    uint32_t snapshots, manifests;
    uint64_t files;
    const char *metadata; // its new head; NULL if dry
} pl_relocated;

typedef struct pl_relocation {
    const char *run; // NULL: nothing was done
    const char *target;
    pl_relocated *tables;
    uint32_t count;
} pl_relocation;

// PLUMB_E_NOT_FOUND: no table names `source`.
PL_MUST_USE plumb_status pl_relocate(const pl_relocate_options *options, pl_arena *arena,
                                     pl_relocation *ret_relocation, plumb_error *err);

// The prefix that the first moved table names; *ret_source NULL when none has moved.
PL_MUST_USE plumb_status pl_moved_from(pl_store *store, pl_registry *registry, pl_arena *arena,
                                       const char **ret_source, plumb_error *err);
// PLUMB_E_CONFIG, saying so, when a table has moved: nothing may be added to it there.
PL_MUST_USE plumb_status pl_check_place(pl_store *store, pl_registry *registry, plumb_error *err);

#endif
