// avro.h -- Avro object container files: the little of Avro that Iceberg's manifests need.
//
//     "Obj" 1 | map of string -> bytes (avro.schema, avro.codec, ...) | 16 sync bytes
//     then blocks: record count | byte length | records (codec applied) | 16 sync bytes
//
// Writing: the caller encodes each record's fields into `writer.block` with the put functions and
// closes it with pl_avro_record; blocks are cut and deflated here.
//
// Reading: a file is decoded by its own schema into a tree of values, one record at a time, so
// any field order, union order, block sign and unknown field is met; the caller finds fields by
// Iceberg field id or by name. Codecs: null and deflate. Logical types are kept as text only.
//
// Limits: schemas nest 32 deep, references included; one block inflates to PL_AVRO_BLOCK_BYTES_MAX;
// one record has at most PL_AVRO_NODES_MAX values.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_AVRO_H
#define PL_ICEBERG_AVRO_H

#include "base/arena.h"
#include "base/buf.h"

#define PL_AVRO_BLOCK_BYTES_MAX (256u * 1024 * 1024)
#define PL_AVRO_NODES_MAX       (1024u * 1024)

// Encoders of single values, appended to `out`.
void pl_avro_put_long(pl_buf *out, int64_t value);  // int as well: zigzag varint
void pl_avro_put_bytes(pl_buf *out, pl_span bytes); // string as well
void pl_avro_put_boolean(pl_buf *out, bool value);
void pl_avro_put_float(pl_buf *out, float value);
void pl_avro_put_double(pl_buf *out, double value);

typedef struct pl_avro_meta {
    const char *key;
    pl_span value;
} pl_avro_meta;

typedef struct pl_avro_writer {
    pl_buf *out;     // borrowed: the file
    pl_buf block;    // records of the open block, not yet compressed; owned
    pl_buf packed;   // scratch; owned
    int64_t records; // in the open block
    uint8_t sync[16];
} pl_avro_writer;

// Start a file in `out` (emptied first) with these header entries; avro.codec (deflate) and
// avro.schema are added. `sync` should be unique to the file.
void pl_avro_begin(pl_avro_writer *writer, pl_buf *out, pl_span schema, const pl_avro_meta *meta,
                   uint32_t meta_count, const uint8_t sync[16]);
void pl_avro_record(pl_avro_writer *writer); // one record is complete in writer->block
void pl_avro_finish(pl_avro_writer *writer); // the last block; frees what the writer owns

typedef enum pl_avro_kind {
    PL_AVRO_NULL,
    PL_AVRO_BOOLEAN,
    PL_AVRO_INT,
    PL_AVRO_LONG,
    PL_AVRO_FLOAT,
    PL_AVRO_DOUBLE,
    PL_AVRO_BYTES,
    PL_AVRO_STRING,
    PL_AVRO_FIXED,
    PL_AVRO_ENUM,
    PL_AVRO_ARRAY,
    PL_AVRO_MAP,
    PL_AVRO_RECORD,
    PL_AVRO_UNION,
} pl_avro_kind;

typedef struct pl_avro_type {
    pl_avro_kind kind;
    pl_span name;                         // of a named type
    uint32_t count;                       // fields or branches
    struct pl_avro_field *fields;         // record
    const struct pl_avro_type **branches; // union
    const struct pl_avro_type *items;     // array: items, map: values
    uint32_t size;                        // fixed
    int height;                           // 0 for a leaf; bounds the decoder's recursion
} pl_avro_type;

typedef struct pl_avro_field {
    pl_span name;
    int32_t id; // "field-id", 0 if the file has none
    const pl_avro_type *type;
} pl_avro_field;

// One decoded value. Unions are resolved: the value is the branch's.
typedef struct pl_avro_value {
    const pl_avro_type *type; // what it is; never a union
    uint32_t count;           // record: fields; array, map: items
    union {
        int64_t i64;                 // boolean, int, long, enum
        double f64;                  // float, double
        pl_span bytes;               // bytes, string, fixed: borrowed from the block
        struct pl_avro_value *items; // record: in field order; array; map: key, value, key, ...
    };
} pl_avro_value;

// Encode a decoded value again, by the type it was read with.
void pl_avro_put_value(pl_buf *out, const pl_avro_type *type, const pl_avro_value *value);

typedef struct pl_avro_reader {
    pl_span file;    // borrowed
    pl_arena *arena; // header and schema live here
    const pl_avro_type *schema;
    pl_avro_meta *meta; // header entries, keys NUL-terminated
    uint32_t meta_count;
    bool deflate;
    uint8_t sync[16];
    size_t at;        // next block in `file`
    pl_buf inflated;  // owned
    pl_span block;    // records not read yet
    int64_t records;  // left in the block
    pl_arena scratch; // values of the current record
    uint32_t nodes;   // taken by the current record
} pl_avro_reader;

// Read header and schema. Both failures and success need pl_avro_close. Errors are
// PLUMB_E_MALFORMED or PLUMB_E_LIMIT with a bare reason: the caller adds which file.
PL_MUST_USE plumb_status pl_avro_open(pl_avro_reader *reader, pl_span file, pl_arena *arena,
                                      plumb_error *err);
// The next record, valid until the next call; *ret_record NULL at the end of the file.
PL_MUST_USE plumb_status pl_avro_next(pl_avro_reader *reader, const pl_avro_value **ret_record,
                                      plumb_error *err);
void pl_avro_close(pl_avro_reader *reader);

// A header entry, or false.
bool pl_avro_header(const pl_avro_reader *reader, const char *key, pl_span *ret_value);
// Field of a record by Iceberg id, else by name; NULL if there is none or it is null.
const pl_avro_value *pl_avro_field_of(const pl_avro_value *record, int32_t id, const char *name);
// Typed reads; false if `value` is NULL or of another kind. A long may be int, long or boolean.
bool pl_avro_long(const pl_avro_value *value, int64_t *ret_value);
bool pl_avro_bytes(const pl_avro_value *value, pl_span *ret_bytes);

#endif
