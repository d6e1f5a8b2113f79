// relocate.h -- a table's metadata rewritten for another place.
//
// Iceberg names every file by its absolute URI: the table's location, manifest lists, manifests,
// data files, older metadata. When the files were moved or copied, each URI below the *source
// prefix* becomes the one below the *target prefix*:
//
//     manifest        <uuid>-m<n>.avro               once, however many snapshots share it
//     manifest list   snap-<id>-1-<uuid>.avro        of every snapshot: time travel stays
//     metadata.json   <next version>-<uuid>...       the previous one joins its metadata log
//
// All are new files; nothing is deleted or changed, and nobody refers to them before the catalog
// does. Everything else stays as it is, to the byte where it is JSON and to the value where it is
// Avro, whoever wrote it: ids of snapshots, fields and specs, sequence numbers, statistics.
//
// Refused by name: what lies below neither prefix; delete files and encrypted manifests, for they
// hold paths that are not seen here.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_RELOCATE_H
#define PL_ICEBERG_RELOCATE_H

#include "iceberg/table.h"

typedef struct pl_ice_relocation {
    const char *source, *target; // "file:///old/lake/", "file:///new/lake/": of the whole store
    const char *key;             // of the table: "tables/post_metrics"
    int64_t now_ms;
    uint8_t uuid[16]; // random
    bool dry;         // only count

    // What was done:
    uint32_t snapshots, manifests;
    uint64_t files;          // named by manifests; a file in two manifests counts twice
    const char *next;        // URI of the new metadata; NULL if dry
    const char **outdated;   // keys of metadata files the log no longer names, as of
    uint32_t outdated_count; // pl_ice_commit
} pl_ice_relocation;

// The prefix a table's metadata location has before its key, the slash at its end included; NULL
// if `location` is not <prefix><key>/metadata/<file>.
const char *pl_ice_prefix(const char *location, const char *key, pl_arena *arena);

// Rewrite the table whose metadata is at `location`, below either prefix.
PL_MUST_USE plumb_status pl_ice_relocate(pl_store *store, const char *location, pl_arena *arena,
                                         pl_ice_relocation *relocation, plumb_error *err);

#endif
