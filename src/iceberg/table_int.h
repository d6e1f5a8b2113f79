// table_int.h -- what table.c, evolve.c and append.c share.
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

// Replace the small manifests among the `*count` rows of the parent's list by few, when there are
// enough of them. The rows that are left, and their number, come back in place.
PL_MUST_USE plumb_status pl_iceberg__merge(const pl_ice_table *table, pl_ice_commit *commit,
                                           pl_ice_manifest *rows, uint32_t *count,
                                           plumb_error *err);

// Write the table's metadata as the next version: its time and its metadata log go on.
PL_MUST_USE plumb_status pl_iceberg__commit_metadata(const pl_ice_table *table,
                                                     pl_ice_commit *commit, char **ret_location,
                                                     plumb_error *err);

// "cannot read <what> '<uri>': it is outside the lake", with the hint to relocate.
plumb_status pl_iceberg__outside(const char *what, const char *uri, plumb_error *err);

#endif
