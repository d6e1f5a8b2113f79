// table.h -- what plumb does with an Iceberg table: load, create, evolve, append, list its files.
//
// A commit is prepared here and made elsewhere:
//
//     pl_ice_load (or _create)     the head, as the catalog names it
//     pl_ice_evolve                columns of the contract -> schema, in memory
//     pl_ice_append                manifests -> list -> NNNNN-<uuid>.metadata.json, each put once
//     and
//                                  durable; returns the location of the new metadata
//     catalog->swap(old, new)      the commit point, inside the caller's transaction
//     pl_ice_write_hint            version-hint.text, advisory, after the commit
//     commit.outdated              old metadata files, deleted after that
//
// A conflict at the swap: load again, evolve again, append again with the same pl_ice_commit; its
// manifests are reused.
//
// Nothing here deletes, reads a clock or makes random numbers: ids and times are parameters.
//
// Threads: one table by one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_TABLE_H
#define PL_ICEBERG_TABLE_H

#include "iceberg/manifest.h"
#include "iceberg/metadata.h"
#include "schema/sort.h"
#include "store/store.h"

typedef struct pl_ice_table {
    pl_store *store;         // borrowed
    pl_arena *arena;         // borrowed: metadata and everything made from it
    char *key;               // "tables/post_metrics"; NULL if the location is outside the store
    const char *name;        // last part of the location, for messages
    char *metadata_location; // URI of the metadata loaded; NULL for a table not committed yet
    pl_ice_metadata *metadata;
} pl_ice_table;

typedef struct pl_ice_new {
    const char *key;               // "tables/post_metrics"
    const pl_schema *schema;       // ids are assigned here, whatever they are
    const pl_partition_spec *spec; // sources by name; NULL: unpartitioned
    const pl_ice_pair *properties; // added to plumb's own
    uint32_t property_count;
    int64_t now_ms;
    uint8_t uuid[16];
} pl_ice_new;

typedef struct pl_ice_data_file {
    pl_span path;              // URI
    const pl_value *partition; // transform results, one per field of the default spec
    pl_file_metrics metrics;
    bool sorted; // all its rows are in the table's default sort order
} pl_ice_data_file;

// One commit. The caller fills the first part; the second is pl_ice_append's memory between
// attempts and starts as zero.
typedef struct pl_ice_commit {
    int64_t snapshot_id; // random, 1 .. 2^63-1
    uint8_t uuid[16];    // random
    int64_t now_ms;
    const pl_ice_pair *summary; // extra pairs of the snapshot's summary: plumb.run, ...
    uint32_t summary_count;
    const pl_span *removed; // URIs of live data files that go, as pl_ice_files gave them
    uint32_t removed_count;
    const char *operation; // NULL: "append", "overwrite" if files go too, "delete" if none come;
                           // "replace" is for the same rows in other files

    uint32_t attempt;
    pl_ice_manifest *manifests;
    uint32_t manifest_count;
    int32_t spec_id;

    // Set by pl_ice_append: keys of old metadata files that its metadata log no longer names. They
    // may be deleted when the commit stands and the hint is written, never before.
    const char **outdated;
    uint32_t outdated_count;
} pl_ice_commit;

// A live data file of a snapshot.
typedef struct pl_ice_file {
    pl_span path;                  // URI
    const pl_partition_spec *spec; // of its partition values
    const pl_value *partition;
    pl_file_metrics metrics;       // bounds by pl_ice_value_read; a leaf's missing counts are -1
    int64_t snapshot_id, sequence; // that added it
} pl_ice_file;

// Load the table whose current metadata is at `location` (what the catalog's load gave).
PL_MUST_USE plumb_status pl_ice_load(pl_store *store, const char *location, pl_arena *arena,
                                     pl_ice_table **ret_table, plumb_error *err);

// A new table in memory: column ids from 1 (top level first, then elements), partition ids from
// 1000. Nothing is written before pl_ice_append.
PL_MUST_USE plumb_status pl_ice_create(pl_store *store, const pl_ice_new *options, pl_arena *arena,
                                       pl_ice_table **ret_table, plumb_error *err);

// The current schema and the default spec, ids included; NULL if plumb cannot hold them.
const pl_schema *pl_ice_current_schema(const pl_ice_table *table);
const pl_partition_spec *pl_ice_current_spec(const pl_ice_table *table);

// Whether a contract's spec (by source name and transform, in order) is the table's default spec.
bool pl_ice_spec_matches(const pl_ice_table *table, const pl_partition_spec *wanted);

// Make the current schema say what `wanted` says; columns are matched by name, ids in `wanted` are
// ignored. New columns get new ids, but a column that a rollback left in snapshots which the head
// does not descend from gets the id it has there, if its type allows it. Types are promoted where
// Iceberg allows it, required may become optional, docs and order follow `wanted`. A column that
// it does not have is kept, after the others, and becomes optional. `was` (NULL: none) has a former
// name or "" per column of `wanted`: a column of that name is renamed and keeps its id.
//
// Anything else is refused with PLUMB_E_CONFIG and a hint, also that one column goes while another
// comes without `was`, which may be a rename. err->line is then which column of `wanted` it is
// about, counted from 1 (0: none).
PL_MUST_USE plumb_status pl_ice_evolve(pl_ice_table *table, const pl_schema *wanted,
                                       const pl_span *was, bool *ret_changed, plumb_error *err);

// The default sort order, its columns by id and name; without fields when there is none, or one
// plumb does not sort by (a transform, NULLs the other way round). Memory is the table's.
pl_sort_order pl_ice_current_sort(const pl_ice_table *table);

// Make the default sort order and the property write.parquet.compression-codec say what a contract
// says: `sort` by column names (no fields: unsorted), `codec` "snappy" or "zstd". Sort orders that
// files were written in stay. A table that never had the property goes without it for snappy.
void pl_ice_lay_out(pl_ice_table *table, const pl_sort_order *sort, const char *codec,
                    bool *ret_changed);

// Write everything a commit of `files` needs; *ret_location (in the table's arena) is the new
// metadata. No files, and none removed: a commit of the schema alone, without a snapshot. `table`
// is not changed.
//
// Manifests that name a removed file are written anew: what stays keeps its snapshot and sequence
// numbers. All files may go. PLUMB_E_CONFLICT if one of them is not live in the table's head:
// somebody else took it, and the caller looks again. Between attempts `removed` may change, `files`
// may not.
//
// When small manifests have gathered (table properties commit.manifest.min-count-to-merge, 100,
// and commit.manifest.target-size-bytes, 8 MiB), they are rewritten into few.
PL_MUST_USE plumb_status pl_ice_append(pl_ice_table *table, const pl_ice_data_file *files,
                                       uint32_t count, pl_ice_commit *commit, char **ret_location,
                                       plumb_error *err);

// Where the head of main goes, and what is named so that the one before it is not lost.
typedef struct pl_ice_move {
    int64_t snapshot;   // any of the table's
    const char *tag;    // new, for the head that is left; NULL: none
    int64_t tag_age_ms; // after which the tag may be dropped
    const char *untag;  // a tag that goes; NULL: none
} pl_ice_move;

// Make another snapshot the head of main, back or forward: the metadata alone, as the next version.
// The current schema is the one the snapshot was written with; default spec and sort order change
// only if that schema lacks a column of theirs. Column ids and sequence numbers never go back. Of
// `commit` only uuid and now_ms are read, and attempts and outdated metadata kept, as by
// pl_ice_append.
PL_MUST_USE plumb_status pl_ice_rollback(const pl_ice_table *table, const pl_ice_move *move,
                                         pl_ice_commit *commit, char **ret_location,
                                         plumb_error *err);

// Live data files of a snapshot (0: the current one; none has no files). Refuses a table with
// row-level deletes, which plumb does not apply.
PL_MUST_USE plumb_status pl_ice_files(pl_ice_table *table, int64_t snapshot_id, pl_arena *arena,
                                      pl_ice_file **ret_files, uint32_t *ret_count,
                                      plumb_error *err);

// Point version-hint.text at `location`, for readers without a catalog.
PL_MUST_USE plumb_status pl_ice_write_hint(pl_store *store, const char *location, plumb_error *err);

#endif
