// column.h -- typed column batches: what the mapper fills and the Parquet writer reads.
//
// A column holds `count` rows of one type, spaced: values[row] exists for NULL rows too (and is
// zero there), so that filling and transposing need no second index. Text rows are
// (offset, bytes) into one heap; a list row is a range of rows of the child column.
//
//     valid    1 0 1          one byte per row, 1 = not NULL
//     values   7 0 9          by physical kind: u8 / i32 / i64 / f32 / f64 / i128
//     offsets  0 3 3 5        text and list: row r is [offsets[r], offsets[r+1])
//
// Limits: 2^31 rows and 4 GiB of text per column batch; callers cut row groups long before.
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_COLUMN_COLUMN_H
#define PL_COLUMN_COLUMN_H

#include "base/buf.h"
#include "schema/schema.h"

typedef struct pl_column {
    pl_type type;
    uint32_t count; // rows
    uint32_t nulls; // rows that are NULL
    uint8_t *valid; // [count]
    union {         // [count]; unused for text and list
        void *values;
        uint8_t *u8;  // boolean
        int32_t *i32; // int, date
        int64_t *i64; // long, timestamp
        float *f32;
        double *f64;
        pl_i128 *i128; // decimal
    };
    uint32_t *offsets;       // [count + 1]; text and list
    pl_buf heap;             // text bytes
    struct pl_column *child; // list: its elements; owned
    uint32_t capacity;       // rows allocated
} pl_column;

void pl_column_init(pl_column *column, const pl_type *type); // type.element must outlive it
void pl_column_reset(pl_column *column);                     // zero rows, memory kept
void pl_column_done(pl_column *column);

// Bytes of one value in `values`; 0 for text and list, which have offsets instead.
size_t pl_column_width(pl_kind kind);

// Room for `rows` more, so that they can be written to the arrays in place.
void pl_column_reserve(pl_column *column, uint32_t rows);

void pl_column_null(pl_column *column);
// Append one scalar; value->kind must fit the type (or is_null).
void pl_column_append(pl_column *column, const pl_value *value);
void pl_column_text(pl_column *column, pl_span text);
// Close a list row whose elements were appended to column->child since the last row.
void pl_column_list(pl_column *column);

// One row as a value: scalars and text (borrowed until the next append); not for lists.
pl_value pl_column_value(const pl_column *column, uint32_t row);
static inline pl_span pl_column_span(const pl_column *column, uint32_t row)
{
    return (pl_span){column->heap.data + column->offsets[row],
                     column->offsets[row + 1] - column->offsets[row]};
}

// Bytes of memory the rows occupy, children included: for budgets.
size_t pl_column_bytes(const pl_column *column);

#endif
