// manifest.h -- manifests (lists of data files) and manifest lists (lists of manifests).
//
// Both are Avro files. A manifest belongs to one partition spec; its new entries leave their
// sequence numbers empty and inherit them from their row in the list, so that a commit tried
// again needs only a new list.
//
// Reading goes by Iceberg field id, falls back to names (new and old ones of the file counts),
// and takes whatever order and unions the file's schema states.
//
// Threads: any; a writer, one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_MANIFEST_H
#define PL_ICEBERG_MANIFEST_H

#include "column/metrics.h"
#include "iceberg/avro.h"
#include "iceberg/metadata.h"

#define PL_ICE_MANIFEST_BYTES_TARGET (8u * 1024 * 1024) // a manifest is closed before it is larger
#define PL_ICE_MANIFEST_BYTES_MAX    (512u * 1024 * 1024) // largest file read

typedef enum pl_ice_status {
    PL_ICE_EXISTING = 0,
    PL_ICE_ADDED = 1,
    PL_ICE_DELETED = 2,
} pl_ice_status;

#define PL_ICE_INHERIT INT64_C(-1) // a sequence number taken from the manifest's row

// One entry of a manifest: a data file and what happened to it.
typedef struct pl_ice_entry {
    pl_ice_status status;
    int64_t snapshot_id;             // that added (or deleted) it
    int64_t sequence, file_sequence; // PL_ICE_INHERIT when added; resolved when read
    int32_t content;                 // 0 data, 1 position deletes, 2 equality deletes
    pl_span path;                    // URI
    pl_span format;                  // "PARQUET"
    const pl_value *partition;       // one per field of the manifest's spec
    pl_file_metrics metrics;         // counts a foreign writer left out are -1
    int32_t sort_order_id;           // -1 if none
} pl_ice_entry;

// What a list says about one partition field of a manifest. Bounds are single values, exact.
typedef struct pl_ice_summary {
    bool contains_null;
    int8_t contains_nan; // -1: not said
    bool has_lower, has_upper;
    pl_span lower, upper;
} pl_ice_summary;

// One row of a manifest list.
typedef struct pl_ice_manifest {
    pl_span path; // URI
    int64_t bytes;
    int32_t spec_id, content;       // content 0 data, 1 deletes
    int64_t sequence, min_sequence; // PL_ICE_INHERIT until the list is written
    int64_t snapshot_id;
    int32_t added_files, existing_files, deleted_files;
    int64_t added_rows, existing_rows, deleted_rows;
    bool has_partitions;
    uint32_t partition_count;
    pl_ice_summary *partitions;
    bool has_key_metadata;
    pl_span key_metadata;
} pl_ice_manifest;

// The manifest writer: begin, add, finish. It gathers the row as it goes.
typedef struct pl_ice_manifest_writer {
    const pl_schema *schema; // borrowed, as spec
    const pl_partition_spec *spec;
    pl_type *types;              // result type per partition field
    struct pl_ice_range *ranges; // min, max, null, NaN per partition field
    pl_avro_writer avro;
    pl_ice_manifest row;
    int64_t min_sequence; // of live entries with a number; INT64_MAX if none
    pl_arena *arena;
} pl_ice_manifest_writer;

// Begin a manifest of data files in `out`. Everything borrowed must outlive the finish; the row's
// path and snapshot are the caller's to fill.
void pl_ice_manifest_begin(pl_ice_manifest_writer *writer, pl_buf *out, const pl_ice_schema *schema,
                           const pl_partition_spec *spec, const uint8_t sync[16], pl_arena *arena);
void pl_ice_manifest_add(pl_ice_manifest_writer *writer, const pl_ice_entry *entry);
size_t pl_ice_manifest_size(const pl_ice_manifest_writer *writer); // at most, if closed now
// Close it; `ret_row` has everything but path and snapshot_id. Its memory is the arena's.
void pl_ice_manifest_finish(pl_ice_manifest_writer *writer, pl_ice_manifest *ret_row);

// Read all entries of a manifest given its row in the list (for inherited numbers). Partition
// values are typed by the spec of `metadata` the row names. `name` is for messages.
PL_MUST_USE plumb_status pl_ice_manifest_read(pl_span file, const char *name,
                                              const pl_ice_manifest *row,
                                              const pl_ice_metadata *metadata, pl_arena *arena,
                                              pl_ice_entry **ret_entries, uint32_t *ret_count,
                                              plumb_error *err);

typedef struct pl_ice_list_head {
    int64_t snapshot_id, parent_id; // parent PL_ICE_NO_SNAPSHOT if none
    int64_t sequence;               // given to rows that inherit
    uint8_t sync[16];
} pl_ice_list_head;

void pl_ice_list_write(pl_buf *out, const pl_ice_list_head *head, const pl_ice_manifest *rows,
                       uint32_t count);
PL_MUST_USE plumb_status pl_ice_list_read(pl_span file, const char *name, pl_arena *arena,
                                          pl_ice_manifest **ret_rows, uint32_t *ret_count,
                                          plumb_error *err);

// Type of a partition field's values: the transform's result on the source column.
bool pl_ice_partition_type(const pl_schema *schema, const pl_partition_field *field,
                           pl_type *ret_type);

// One value from its Iceberg single-value bytes (bounds); text borrows. Bytes written before a
// promotion (4 for a long, 4 for a double) are accepted. False if they cannot be a `type`.
bool pl_ice_value_read(pl_span bytes, const pl_type *type, pl_value *ret_value);

#endif
