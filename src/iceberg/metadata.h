// metadata.h -- metadata.json of an Iceberg v2 table: parsed, checked, and written back.
//
// Every entry of a list (schemas, specs, snapshots, ...) keeps the JSON it was read from, and
// members we do not know are kept whole, so what another writer stored survives our commits. What
// we add is written in the member order of the Java library, which makes files easy to compare.
//
// Reading is as strict as that library: a table no engine could open is refused here too, with
// the reason.
//
// Types plumb has no kind for (map, struct, uuid, timestamp without zone, ...) do not stop a table
// from being loaded: the schema says `foreign`, and operations that need it refuse.
//
// Threads: any; metadata is immutable but through table.h.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_METADATA_H
#define PL_ICEBERG_METADATA_H

#include "base/arena.h"
#include "schema/partition.h"
#include "schema/schema.h"
#include "json/tree.h"
#include "json/writer.h"

#define PL_ICE_METADATA_BYTES_MAX (256u * 1024 * 1024)
#define PL_ICE_NO_SNAPSHOT        INT64_C(-1)

typedef struct pl_ice_pair {
    pl_span key, value;
} pl_ice_pair;

typedef struct pl_ice_schema {
    pl_schema schema;    // its id always; the fields only if not foreign
    const char *foreign; // NULL, or what plumb cannot hold: "column 'm' has type map"
    pl_span identifiers; // JSON of "identifier-field-ids", "" if none
    pl_span raw;         // the whole JSON object
} pl_ice_schema;

typedef struct pl_ice_spec {
    pl_partition_spec spec; // its id always; the fields only if not foreign
    const char *foreign;    // NULL, or what plumb cannot do: "unknown transform 'x'"
    pl_span raw;
} pl_ice_spec;

typedef struct pl_ice_snapshot {
    int64_t id, parent_id; // parent PL_ICE_NO_SNAPSHOT if none
    int64_t sequence, timestamp_ms;
    int32_t schema_id;     // -1 if the writer did not say
    pl_span manifest_list; // URI
    pl_span operation;
    pl_ice_pair *summary; // without operation
    uint32_t summary_count;
    pl_span raw;
} pl_ice_snapshot;

// A list element or member whose meaning is small: a few numbers and the JSON as it stood.
typedef struct pl_ice_item {
    int64_t id;           // ref, snapshot-log: snapshot id; sort-orders: order-id
    int64_t timestamp_ms; // logs
    pl_span name;         // ref, unknown member: its key; metadata-log: the file
    pl_span raw;
} pl_ice_item;

typedef struct pl_ice_items {
    pl_ice_item *items;
    uint32_t count;
} pl_ice_items;

typedef struct pl_ice_metadata {
    pl_span uuid, location; // location without a slash at its end
    int64_t last_sequence, last_updated_ms;
    int32_t last_column_id, last_partition_id;
    int32_t current_schema_id, default_spec_id, default_sort_order_id;
    int64_t current_snapshot_id; // PL_ICE_NO_SNAPSHOT if none
    pl_ice_schema *schemas;
    pl_ice_spec *specs;
    pl_ice_pair *properties;
    pl_ice_snapshot *snapshots;
    uint32_t schema_count, spec_count, property_count, snapshot_count;
    pl_ice_items sort_orders, refs, statistics, partition_statistics, snapshot_log, metadata_log;
    pl_ice_items unknown; // members of the object we do not know
} pl_ice_metadata;

// Parse and check. `text` must outlive the result. `name` is for messages:
// "cannot read table metadata '<name>': <reason>".
PL_MUST_USE plumb_status pl_ice_metadata_parse(pl_span text, const char *name, pl_arena *arena,
                                               pl_ice_metadata **ret_metadata, plumb_error *err);

// Append the JSON text, one line.
void pl_ice_metadata_write(pl_buf *out, const pl_ice_metadata *metadata);

// The pieces, each as one JSON object (a schema without identifiers if that span is empty).
void pl_ice_schema_write(pl_json_writer *writer, const pl_schema *schema, pl_span identifiers);
void pl_ice_spec_fields_write(pl_json_writer *writer, const pl_partition_spec *spec); // the array
void pl_ice_type_write(pl_json_writer *writer, const pl_type *type);

// Lookups; NULL if there is none.
const pl_ice_schema *pl_ice_schema_by_id(const pl_ice_metadata *metadata, int32_t id);
const pl_ice_spec *pl_ice_spec_by_id(const pl_ice_metadata *metadata, int32_t id);
const pl_ice_snapshot *pl_ice_snapshot_by_id(const pl_ice_metadata *metadata, int64_t id);
// The one whose id is `id` to who reads numbers as doubles, as many readers of JSON do; NULL if
// none is, or several are.
const pl_ice_snapshot *pl_ice_snapshot_rounded(const pl_ice_metadata *metadata, int64_t id);
#define PL_ICE_ROUNDED_HINT "Did you mean %lld? What read it from JSON has rounded it to a double."
// The snapshot that was the current one at a time, by the snapshot log; NULL if there was none yet.
const pl_ice_snapshot *pl_ice_snapshot_at(const pl_ice_metadata *metadata, int64_t time_ms);
// The value of a table property, or of a snapshot's summary; false if absent.
bool pl_ice_pair_find(const pl_ice_pair *pairs, uint32_t count, const char *key,
                      pl_span *ret_value);

// "9c12d441-03fe-4693-9a96-a0705ddf69c1" of 16 bytes.
void pl_ice_uuid_text(const uint8_t uuid[16], char out[37]);

#endif
