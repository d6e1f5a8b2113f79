// follow.h -- what is published follows the head of main, whoever moved it.
//
// A rollback, going forward again, or another program's set-current-snapshot changes which
// snapshots the head descends from, and with it which publications of objects count
// (registry/lineage.h). Looked at are the objects of the snapshots that came or went alone: between
// two heads that is the way to their common ancestor.
//
// Snapshots that were expired are followed through the parents the registry keeps. Where nobody
// knows a parent, whatever lies before is taken to be in the table still: no object is withdrawn
// because its snapshot was forgotten.
//
// Threads: flow.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_FOLLOW_H
#define PL_FLOW_FOLLOW_H

#include "iceberg/table.h"
#include "registry/lineage.h"

// A snapshot and all it descends from, newest first.
typedef struct pl_ancestry {
    int64_t *ids;
    uint32_t count;
    bool whole; // down to one without a parent
    int64_t *sorted;
} pl_ancestry;

// Of `snapshot` (0 or PL_ICE_NO_SNAPSHOT: none), in arena.
PL_MUST_USE plumb_status pl_ancestry_of(pl_registry *registry, const char *table,
                                        const pl_ice_metadata *metadata, int64_t snapshot,
                                        pl_arena *arena, pl_ancestry *ret_ancestry,
                                        plumb_error *err);
bool pl_ancestry_has(const pl_ancestry *ancestry, int64_t snapshot);

// Make the states of a table's objects follow the head of `metadata`, which is at `location`. With
// `all`, whatever head they followed before: after a rebuild. Needs an open transaction.
PL_MUST_USE plumb_status pl_follow_table(pl_registry *registry, const char *table,
                                         const pl_ice_metadata *metadata, const char *location,
                                         bool all, pl_followed *ret_followed, plumb_error *err);

// The same for a head that another program may have moved; if that changed anything, an event
// "follow" says so.
PL_MUST_USE plumb_status pl_follow_foreign(pl_registry *registry, const char *table,
                                           const pl_ice_metadata *metadata, const char *location,
                                           int64_t now_us, plumb_error *err);
// For every table of the catalog whose head another program moved, each in a transaction of its
// own.
PL_MUST_USE plumb_status pl_follow_catalog(pl_store *store, pl_registry *registry, int64_t now_us,
                                           plumb_error *err);

#endif
