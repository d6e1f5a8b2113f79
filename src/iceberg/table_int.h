// table_int.h -- what table.c, evolve.c, append.c, rewrite.c and merge.c share.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_TABLE_INT_H
#define PL_ICEBERG_TABLE_INT_H

#include "iceberg/table.h"

// A schema's JSON, in arena.
pl_span pl_iceberg__schema_text(pl_arena *arena, const pl_schema *schema, pl_span identifiers);

// Give a list's element (and its elements) new ids after *last_id; elements are copied first.
void pl_iceberg__assign_element_ids(pl_arena *arena, pl_type *type, int32_t *last_id);

// The manifests of a snapshot.
PL_MUST_USE plumb_status pl_iceberg__list(const pl_ice_table *table,
                                          const pl_ice_snapshot *snapshot, pl_arena *arena,
                                          pl_ice_manifest **ret_rows, uint32_t *ret_count,
                                          plumb_error *err);

// All entries of one manifest of a list.
PL_MUST_USE plumb_status pl_iceberg__entries(const pl_ice_table *table, const pl_ice_manifest *row,
                                             pl_arena *arena, pl_ice_entry **ret_entries,
                                             uint32_t *ret_count, plumb_error *err);

// A table property that is a number from 1 to 2^31-1, or `fallback`.
int64_t pl_iceberg__property(const pl_ice_metadata *metadata, const char *key, int64_t fallback);

// Manifests of one attempt of a commit, written from entries of older ones, under the names
// <uuid>-a<attempt>-<letter><number>.avro. Zero but for the first members. Between two flushes
// `spec` must not change, and what the entries borrow (from `scratch`, usually) must live.
typedef struct pl_iceberg__rewriter {
    const pl_ice_table *table;
    pl_ice_commit *commit;
    const pl_partition_spec *spec; // of the entries
    char letter;                   // who writes: 'm' merges, 'r' removes
    uint32_t number;
    bool open;
    pl_ice_manifest_writer writer;
    pl_buf out;       // owned: the manifest being written
    pl_buf rows;      // owned: pl_ice_manifest of those written
    pl_arena scratch; // owned: forgotten at each flush
} pl_iceberg__rewriter;

void pl_iceberg__rewrite_entry(pl_iceberg__rewriter *writer, const pl_ice_entry *entry);
// Put the manifest under way if there is one of at least `bytes`.
PL_MUST_USE plumb_status pl_iceberg__rewrite_flush(pl_iceberg__rewriter *writer, int64_t bytes,
                                                   plumb_error *err);
void pl_iceberg__rewrite_done(pl_iceberg__rewriter *writer);

// What pl_iceberg__remove did. Memory is the table's.
typedef struct pl_iceberg__removal {
    pl_ice_manifest *manifests; // written anew
    uint32_t row_count;
    pl_span *partitions; // pl_iceberg__partition_key per file
    uint32_t partition_count;
    int64_t files, rows, bytes;
} pl_iceberg__removal;

// Take the files of commit->removed out of the `*count` manifests of the parent's list: those that
// name one leave `rows`, and what was written for them is in *ret_removal.
PL_MUST_USE plumb_status pl_iceberg__remove(const pl_ice_table *table, pl_ice_commit *commit,
                                            pl_ice_manifest *rows, uint32_t *count,
                                            pl_iceberg__removal *ret_removal, plumb_error *err);

// A partition as bytes: equal for equal values of the same spec.
void pl_iceberg__partition_key(pl_buf *out, const pl_partition_spec *spec, const pl_value *values);

// Replace the small manifests among the `*count` rows of the parent's list by few, when there are
// enough of them. The rows that are left, and their number, come back in place.
PL_MUST_USE plumb_status pl_iceberg__merge(const pl_ice_table *table, pl_ice_commit *commit,
                                           pl_ice_manifest *rows, uint32_t *count,
                                           plumb_error *err);

// The current snapshot is the head of main from now on: an entry of the snapshot log.
void pl_iceberg__log_head(pl_ice_table *table, int64_t now_ms);

// Write the table's metadata as the next version: its time and its metadata log go on.
PL_MUST_USE plumb_status pl_iceberg__commit_metadata(const pl_ice_table *table,
                                                     pl_ice_commit *commit, char **ret_location,
                                                     plumb_error *err);

// "cannot read <what> '<uri>': it is outside the lake", with the hint to relocate.
plumb_status pl_iceberg__outside(const char *what, const char *uri, plumb_error *err);

#endif
