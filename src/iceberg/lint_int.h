// lint_int.h -- what the lint*.c files share: the model of a table as far as it could be read.
//
// Models are built from the JSON itself and not by metadata_read.c, which refuses what the lint has
// to describe, and which has no kind for types plumb does not hold.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_LINT_INT_H
#define PL_ICEBERG_LINT_INT_H

#include "base/map.h"
#include "iceberg/lint.h"
#include "iceberg/manifest.h"

typedef struct lint_column {
    int32_t id;
    pl_span name;   // "" for elements, keys and values
    pl_span word;   // the type as it stands: "long"; "" when nested
    pl_type type;   // how its values are read: uuid, fixed and binary as PL_STRING, time as PL_LONG
    bool scalar;    // not a struct, list or map, and of a type we know
    bool text;      // string: bounds are UTF-8
    uint32_t width; // of fixed and uuid; 0: any
    bool required, top;
    bool repeated; // below a list or map
} lint_column;

typedef struct lint_schema {
    int32_t id;
    lint_column *columns; // every id in it, nested ones too
    uint32_t count;
} lint_schema;

typedef struct lint_part {
    int32_t id, source_id;
    pl_span name, word; // word: the transform
    pl_transform transform;
    bool known;                // transform and source are understood:
    const lint_column *source; //   in the current schema
    lint_column result;        //   type of its values
} lint_part;

typedef struct lint_spec {
    int32_t id;
    lint_part *parts;
    uint32_t count;
    bool known; // all parts are
} lint_spec;

typedef struct lint_snapshot {
    int64_t id, parent_id, sequence, timestamp_ms; // parent PL_ICE_NO_SNAPSHOT if none
    int32_t schema_id;
    pl_span list;
    const pl_json *summary;
} lint_snapshot;

// What the values of one partition field span.
typedef struct lint_range {
    bool has_null, has_nan, has_bounds;
    pl_value min, max;
} lint_range;

// A manifest, read once.
typedef struct lint_manifest {
    bool read;
    uint32_t seen;                       // index + 1 of the last snapshot whose list names it
    pl_ice_manifest row;                 // as the first list that names it describes it
    uint32_t list;                       // index of that list's snapshot
    int64_t files[3], rows[3], bytes[3]; // by status; of data or delete files
    int64_t min_sequence;                // of live entries; INT64_MAX if none
    lint_range *all, *live;              // per partition field
    uint32_t *live_files;                // indices into lint.files
    uint32_t live_count;
} lint_manifest;

typedef struct lint_file {
    pl_span path;
    int64_t bytes;
    uint32_t seen; // index + 1 of the last snapshot it was live in
} lint_file;

typedef struct lint {
    pl_store *store;
    pl_arena *arena;
    pl_ice_lint *report;
    uint32_t capacity; // of report->findings, which is owned until the end
    const char *place; // of the metadata file
    const pl_json *root;
    pl_span location;
    int64_t last_sequence, last_updated_ms, current_snapshot_id;
    int32_t current_schema_id;
    lint_schema *schemas;
    lint_spec *specs;
    lint_snapshot *snapshots;
    uint32_t schema_count, spec_count, snapshot_count;
    pl_map manifest_map, file_map; // by URI
    lint_manifest *manifests;      // owned
    lint_file *files;              // owned
    uint32_t manifest_count, manifest_capacity, file_count, file_capacity;
} lint;

void pl_iceberg__say(lint *l, const char *rule, const char *place, const char *fmt, ...)
    PL_PRINTF(4, 5);

// metadata.json; false when there is nothing below it to look at.
bool pl_iceberg__lint_metadata(lint *l);
void pl_iceberg__lint_logs(lint *l);    // refs, logs, statistics
void pl_iceberg__lint_schemas(lint *l); // schemas, specs, sort orders
void pl_iceberg__lint_snapshots(lint *l);
void pl_iceberg__lint_list(lint *l, uint32_t snapshot);
void pl_iceberg__lint_entries(lint *l, lint_manifest *manifest, const char *place, pl_span bytes);
void pl_iceberg__lint_metrics(lint *l, const char *place, const pl_avro_value *file,
                              const lint_spec *spec, const pl_value *partition);
// The footer of a Parquet data file, `bytes` at `at`, against its entry `file`.
void pl_iceberg__lint_footer(lint *l, const char *place, const char *key, uint64_t at,
                             uint32_t bytes, const pl_avro_value *file);
// The schema of an Avro file against what Iceberg prescribes; spec NULL: a manifest list.
void pl_iceberg__lint_avro(lint *l, const char *place, const pl_avro_reader *reader,
                           const lint_spec *spec);

// Members of JSON objects; what is missing or of another kind is said, with `of` as its owner.
const pl_json *pl_iceberg__member(lint *l, const pl_json *object, const char *of, const char *key,
                                  pl_json_kind kind);
bool pl_iceberg__member_long(lint *l, const pl_json *object, const char *of, const char *key,
                             int64_t min, int64_t max, int64_t *ret_value);
// A member that may be absent; *ret_value NULL then. False: it was of another kind, and said so.
bool pl_iceberg__maybe(lint *l, const pl_json *object, const char *of, const char *key,
                       pl_json_kind kind, const pl_json **ret_value);

const lint_schema *pl_iceberg__schema(const lint *l, int64_t id);
const lint_spec *pl_iceberg__spec(const lint *l, int64_t id);
const lint_snapshot *pl_iceberg__snapshot(const lint *l, int64_t id);
// The column with this id: of the current schema, else of the newest schema that has it; or NULL.
const lint_column *pl_iceberg__column(const lint *l, int32_t id);
// A value of an Avro file, or of Iceberg's single-value bytes, as a column's. False if it cannot
// be one. NULL is a value.
bool pl_iceberg__avro_value(const pl_avro_value *avro, const lint_column *column, pl_value *ret);
bool pl_iceberg__bound(pl_span bytes, const lint_column *column, pl_value *ret);
// The whole of a file named by a URI; false: said under `rule`.
bool pl_iceberg__read(lint *l, const char *rule, const char *from, pl_span uri, pl_arena *arena,
                      const char **ret_place, pl_span *ret_bytes);
// An absolute URI without a doubled slash: NULL, or what is wrong with it.
const char *pl_iceberg__uri_fault(pl_span uri);

#endif
