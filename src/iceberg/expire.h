// expire.h -- old snapshots leave a table, and with them the files nothing else needs.
//
// The order is what keeps readers safe: first the metadata without the snapshots is committed, then
// files are deleted, by the caller and not before every reader of an expired snapshot is done. A
// crash in between leaves files that nobody refers to, which the caller wrote down in the commit.
//
// A snapshot's age counts from when it stopped being the head of main (the snapshot log says when),
// so what was replaced a minute ago stays, however old it is. Kept are
//
//   - the head, every snapshot it descends from that is young enough, and the newest of them
//     (history.expire.min-snapshots-to-keep)
//   - what a branch or tag names. A tag with max-ref-age-ms goes when its snapshot has not been the
//     head for so long; branches never go, and their ancestors count as those of main do
//   - of what no ref reaches, what is young enough
//
// Files: every data file, manifest and list that a removed snapshot leads to and no kept one does.
//
// Threads: one table by one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_EXPIRE_H
#define PL_ICEBERG_EXPIRE_H

#include "base/map.h"
#include "iceberg/table.h"

typedef struct pl_ice_expiry {
    int64_t now_ms, older_than_ms; // given
    // What goes, in the table's arena:
    int64_t *snapshots;
    uint32_t snapshot_count;
    pl_span *tags;
    uint32_t tag_count;
    pl_span *files; // URIs; below the table's folder only
    uint32_t file_count;
    uint32_t data_count; // of them, at the front: data files
    uint64_t data_bytes; // of those
} pl_ice_expiry;

// Find out. PLUMB_E_FAILED if the table forbids it (gc.enabled=false).
PL_MUST_USE plumb_status pl_ice_expire_look(const pl_ice_table *table, pl_ice_expiry *expiry,
                                            plumb_error *err);
// Write the metadata without them, as the next version; *ret_location is to be committed.
PL_MUST_USE plumb_status pl_ice_expire(const pl_ice_table *table, const pl_ice_expiry *expiry,
                                       pl_ice_commit *commit, char **ret_location,
                                       plumb_error *err);

// The names, behind the last slash, of all files that the metadata loaded leads to: its own, those
// of its log, and of every snapshot the list, manifests, data and delete files and statistics.
// Names alone, since another program may write an address otherwise ("/x", "file:/x"). Keys in
// arena.
PL_MUST_USE plumb_status pl_ice_names(const pl_ice_table *table, pl_arena *arena, pl_map *ret_names,
                                      plumb_error *err);

#endif
