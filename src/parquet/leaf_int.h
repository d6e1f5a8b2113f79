// leaf_int.h -- what a field of the schema is in Parquet: physical type, annotations, levels, and
// its values in PLAIN form.
//
// Every field has exactly one leaf: itself, or the innermost element of a list. The mapping:
//
//     boolean BOOLEAN      int INT32      long INT64     float FLOAT    double DOUBLE
//     date    INT32 DATE   timestamp INT64 TIMESTAMP(micros, UTC)       string, json BYTE_ARRAY
//     STRING decimal INT32 (precision <= 9), INT64 (<= 18), else FIXED_LEN_BYTE_ARRAY of least
//     width
//
//     list    [optional|required] group <name> (LIST) { repeated group list { optional element } }
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_LEAF_INT_H
#define PL_PARQUET_LEAF_INT_H

#include "column/column.h"
#include "parquet/format_int.h"
#include "parquet/thrift_int.h"

typedef struct pl_leaf {
    const pl_field *field; // borrowed from the schema
    const pl_type *type;   // of the leaf: the innermost element of a list
    int32_t field_id;      // of the leaf
    pl_physical physical;
    uint8_t width;   // bytes of one PLAIN value; 0 for text and boolean
    uint8_t def_max; // 0: required, no definition levels
    uint8_t rep_max; // depth of lists; 0: no repetition levels
    bool bloom;      // when writing: chunks should have a bloom filter
} pl_leaf;

pl_leaf pl_leaf__make(const pl_field *field);

// The column whose rows are the leaf's values: `column` itself, or its innermost child.
const pl_column *pl_leaf__column(const pl_leaf *leaf, const pl_column *column);

static inline bool pl_leaf__is_text(const pl_leaf *leaf)
{
    return leaf->physical == PL_PHYSICAL_BYTES;
}

// Append the values of rows [first, end) that are not NULL.
void pl_leaf__plain(pl_buf *out, const pl_leaf *leaf, const pl_column *column, uint32_t first,
                    uint32_t end);
// Append the values of these rows, none of them NULL; not for booleans.
void pl_leaf__plain_rows(pl_buf *out, const pl_leaf *leaf, const pl_column *column,
                         const uint32_t *rows, uint32_t count);
// The delta encoding of a leaf: of values of 32 and 64 bits, of texts; PLAIN: it has none.
static inline int32_t pl_leaf__delta_encoding(const pl_leaf *leaf)
{
    bool integer = leaf->physical == PL_PHYSICAL_INT32 || leaf->physical == PL_PHYSICAL_INT64;
    return integer                  ? PL_DELTA_BINARY_PACKED
           : pl_leaf__is_text(leaf) ? PL_DELTA_LENGTH_BYTE_ARRAY
                                    : PL_PLAIN;
}
// The integers it stores: values, lengths of texts. Of rows [first, end) that are not NULL, to
// `to`, which has room for all rows; how many.
uint32_t pl_leaf__integers(const pl_leaf *leaf, const pl_column *column, uint32_t first,
                           uint32_t end, int64_t *to);
// Append the values of rows [first, end) that are not NULL in the leaf's delta encoding. `scratch`
// is room for their integers.
void pl_leaf__delta(pl_buf *out, const pl_leaf *leaf, const pl_column *column, uint32_t first,
                    uint32_t end, pl_buf *scratch);
// Append one value as statistics carry it: PLAIN, but text without its size, boolean as a byte.
void pl_leaf__statistic(pl_buf *out, const pl_leaf *leaf, const pl_value *value);

// The footer's schema elements of a field, in the tree's order, and how many they are.
uint32_t pl_leaf__schema_count(const pl_leaf *leaf);
void pl_leaf__schema(pl_thrift *t, const pl_leaf *leaf);
// The leaf's path: "a", or "a", "list", "element", as field `id` of the open struct.
void pl_leaf__path(pl_thrift *t, int16_t id, const pl_leaf *leaf);

// Append `count` PLAIN values that fill `in` exactly to `to`, whose type the leaf's type may be
// promoted to. The reason why not, or NULL; `to` may then hold some of them beyond its count.
const char *pl_leaf__read_plain(const pl_leaf *leaf, pl_span in, uint32_t count, pl_column *to);
// The same of values in the leaf's delta encoding.
const char *pl_leaf__read_delta(const pl_leaf *leaf, pl_span in, uint32_t count, pl_column *to);
// Append `count` rows: NULL where `valid` (NULL: all are) says so, else the next row of `from`, or
// with `rows` the row they name next. No lists.
void pl_leaf__scatter(pl_column *to, const pl_column *from, const uint32_t *rows,
                      const uint8_t *valid, uint32_t count);

#endif
