// schema.h -- logical types, fields and values; knows no YAML, no JSON, no Parquet.
//
// A table's schema is a list of fields, each with an id that lives as long as the table. Values
// travel as pl_value: one scalar, or NULL. Lists exist only as column types (column/column.h
// holds their values), never as partition values or bounds.
//
// The mapping to Iceberg: boolean int long float double decimal(p,s) date string are themselves;
// timestamp is an instant in UTC microseconds = Iceberg timestamptz; json is a string.
//
// Threads: any; a sealed schema is immutable.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SCHEMA_SCHEMA_H
#define PL_SCHEMA_SCHEMA_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/decimal.h"
#include "base/error.h"

typedef enum pl_kind {
    PL_BOOLEAN,
    PL_INT,  // 32 bit
    PL_LONG, // 64 bit
    PL_FLOAT,
    PL_DOUBLE,
    PL_DECIMAL,   // unscaled 128 bit, precision 1..38, scale 0..precision
    PL_DATE,      // days since 1970-01-01
    PL_TIMESTAMP, // UTC microseconds
    PL_STRING,    // UTF-8
    PL_JSON,      // JSON text, stored as string
    PL_LIST,
    PL_KINDS
} pl_kind;

typedef struct pl_type {
    pl_kind kind;
    uint8_t precision, scale;      // decimal only
    const struct pl_type *element; // list only; lives as long as the type
    int32_t element_id;            // list only: field id of the element, 0 until assigned
} pl_type;

typedef struct pl_field {
    int32_t id; // 1.., unique in the table over all time; 0 until assigned
    pl_span name;
    pl_type type;
    bool required;
    pl_span doc; // "" if none
} pl_field;

typedef struct pl_schema {
    int32_t id;
    uint32_t count;
    pl_field *fields; // owned by the arena the schema was built in
} pl_schema;

// One scalar. For PL_STRING and PL_JSON `text` is borrowed.
typedef struct pl_value {
    pl_kind kind;
    bool is_null;
    union {
        bool boolean;
        int32_t i32; // int, date
        int64_t i64; // long, timestamp
        float f32;
        double f64;
        pl_i128 i128; // decimal, unscaled
        pl_span text;
    };
} pl_value;

bool pl_type_equal(const pl_type *a, const pl_type *b); // ignores element ids

// Whether a column of type `from` may become `to` in an Iceberg v2 table without rewriting data:
// int->long, float->double, decimal(P,S)->decimal(P'>=P,S), string<->json, equal types; lists by
// their elements.
bool pl_type_promotes(const pl_type *from, const pl_type *to);

// "long", "decimal(9, 2)", "list(string)": appended as plumb's contracts write it.
void pl_type_text(pl_buf *out, const pl_type *type);

// Parse a type name as a contract writes it; decimal arguments and list elements included. On
// failure `ret_reason` is a static text ("unknown type", "decimal precision is 1 to 38", ...).
bool pl_type_parse(pl_span text, pl_arena *arena, pl_type *ret_type, const char **ret_reason);

const char *pl_kind_name(pl_kind kind);

// Index of the field with this name / id, or -1.
int pl_schema_find(const pl_schema *schema, pl_span name);
int pl_schema_find_id(const pl_schema *schema, int32_t id);

// Deep copy into `arena`.
pl_schema pl_schema_copy(pl_arena *arena, const pl_schema *schema);

// Order of two values of one kind, neither NULL: <0, 0, >0. Floats: -0 < +0, NaN above all.
int pl_value_compare(const pl_value *a, const pl_value *b);
bool pl_value_equal(const pl_value *a, const pl_value *b); // NULL equals NULL; floats by order

// Readable text: numbers exact, dates and timestamps ISO, strings as they are, NULL as "null".
void pl_value_text(pl_buf *out, const pl_value *value, const pl_type *type);

// Iceberg single-value serialisation (spec, Appendix D): little-endian fixed widths, decimal
// big-endian minimal, UTF-8 text. Nothing is appended for NULL.
void pl_value_bytes(pl_buf *out, const pl_value *value);

#endif
