// orphans.h -- files of a table that nothing leads to.
//
// They are left by what died before its commit, by expired snapshots of a lake whose plumb.db is
// lost, by other programs. One of them counts as an orphan if
//
//   - it is of a kind that tables are made of, in the table's data/ or metadata/
//   - no snapshot, statistics file or metadata leads to a file of its name
//   - it is not doomed (registry/lineage.h), which has a time of its own
//   - the run in its name does not work: a plan's tasks have their files before it is committed
//   - it was written long ago: another program may be about to commit it
//
// Threads: flow; the run lock is held, unless it is only a look.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_ORPHANS_H
#define PL_FLOW_ORPHANS_H

#include "iceberg/table.h"
#include "registry/registry.h"

typedef struct pl_orphans {
    char **uris;
    uint32_t count;
    uint64_t bytes;
} pl_orphans;

// Of the table loaded, which the registry knows as `name`; written before `before_us`. In arena.
PL_MUST_USE plumb_status pl_orphans_find(const pl_ice_table *table, const char *name,
                                         pl_registry *registry, int64_t before_us, pl_arena *arena,
                                         pl_orphans *ret_orphans, plumb_error *err);

#endif
