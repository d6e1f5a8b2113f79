// lineage.h -- which publications count: those of snapshots that the head of main descends from.
//
// Another snapshot becomes the head by a commit, by a rollback, by going forward again, or by the
// hand of another program. An object is published for a table if it has a publication whose
// snapshot is the head or an ancestor of it; the newest one of those gives run, snapshot and
// mapping of its state, so that the ledger and the quarantine of that run count again. An object
// that was published and has none is withdrawn. A publication without a snapshot (0) changed no row
// of the table: no rollback undoes it.
//
//     heads      the head that the states of a table's objects follow, and its metadata
//     lineage    the parents of snapshots made by others; those of ours are in snapshots
//     doomed     files of expired snapshots, until they are deleted
//
// Parents are kept when a snapshot is expired: the rows it added are still there.
//
// Statuses, transactions and visitors are as in registry.h.
//
// Threads: flow; one connection is used by one thread at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_REGISTRY_LINEAGE_H
#define PL_REGISTRY_LINEAGE_H

#include "registry/registry.h"

typedef struct pl_head_row {
    int64_t snapshot;              // 0: the table has none yet
    const char *metadata_location; // the catalog's, then
} pl_head_row;

// In arena; *ret_found false if states were never made to follow one.
PL_MUST_USE plumb_status pl_registry_head(pl_registry *registry, const char *table, pl_arena *arena,
                                          pl_head_row *ret_row, bool *ret_found, plumb_error *err);
// Needs an open transaction.
PL_MUST_USE plumb_status pl_registry_head_set(pl_registry *registry, const char *table,
                                              const pl_head_row *row, plumb_error *err);

// The parent of a snapshot, 0 if it has none; *ret_known false if nobody wrote it down.
PL_MUST_USE plumb_status pl_registry_parent(pl_registry *registry, const char *table,
                                            int64_t snapshot, int64_t *ret_parent, bool *ret_known,
                                            plumb_error *err);
// Write it down, for a snapshot that is not in `snapshots`. Needs an open transaction.
PL_MUST_USE plumb_status pl_registry_parent_add(pl_registry *registry, const char *table,
                                                int64_t snapshot, int64_t parent, plumb_error *err);

// Every snapshot that publications of the table name, but 0.
typedef bool (*pl_published_visit)(void *context, int64_t snapshot);
PL_MUST_USE plumb_status pl_registry_published(pl_registry *registry, const char *table,
                                               pl_published_visit visit, void *context,
                                               plumb_error *err);

typedef struct pl_followed {
    int64_t withdrawn, returned; // objects that are published no longer, and again
    int64_t moved;               // published before and after, by another publication
} pl_followed;
// Set the state of every object that a publication of one of `snapshots` names. `counts` says which
// snapshots the head descends from. Staged objects and new ones stay. Needs an open transaction;
// the counts are added to *followed.
typedef bool (*pl_snapshot_counts)(void *context, int64_t snapshot);
PL_MUST_USE plumb_status pl_registry_follow(pl_registry *registry, const char *table,
                                            const int64_t *snapshots, uint32_t count,
                                            pl_snapshot_counts counts, void *context,
                                            pl_followed *followed, plumb_error *err);

// Of each source with objects published by a snapshot: the mapping version of its newest object.
typedef bool (*pl_made_visit)(void *context, const char *source, int64_t mapping);
PL_MUST_USE plumb_status pl_registry_made_by(pl_registry *registry, const char *table,
                                             int64_t snapshot, pl_made_visit visit, void *context,
                                             plumb_error *err);

// ---- files that go -----------------------------------------------------------------------------
// No snapshot leads to the file any more: it may be deleted once nobody reads an expired snapshot.
// Written in the transaction that expires it, so that a crash forgets none. Needs an open
// transaction.
PL_MUST_USE plumb_status pl_registry_doom(pl_registry *registry, const char *table,
                                          const char *path, int64_t since_us, plumb_error *err);
typedef bool (*pl_doomed_visit)(void *context, const char *path, int64_t since_us);
PL_MUST_USE plumb_status pl_registry_doomed(pl_registry *registry, const char *table,
                                            pl_doomed_visit visit, void *context, plumb_error *err);
// It was deleted: it leaves the books, `files` too. Needs an open transaction.
PL_MUST_USE plumb_status pl_registry_file_deleted(pl_registry *registry, const char *table,
                                                  const char *path, plumb_error *err);

#endif
