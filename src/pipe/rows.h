// rows.h -- the payloads of COLUMNS and ROWS frames: a result as exact text.
//
// Every value crosses as the text it will be shown as, and its column's class says how that text
// is meant. Text is exact where a binary double is not: 64- and 128-bit integers, decimals of 38
// digits and instants arrive digit for digit, and any writer (table, CSV, JSON) only copies.
//
//     COLUMNS  u32 columns, then per column: u8 class, u32 bytes name, u32 bytes type
//     ROWS     u32 rows, then row by row, per column: u32 bytes value (UINT32_MAX: NULL)
//
// `u32 bytes` is a little-endian size and that many bytes.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PIPE_ROWS_H
#define PL_PIPE_ROWS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

// What a column's text is.
typedef enum pl_class {
    PL_CLASS_TEXT = 0, // UTF-8, or whatever bytes the string had
    PL_CLASS_BOOLEAN,  // "true", "false"
    PL_CLASS_NUMBER,   // integer or decimal: a JSON number
    PL_CLASS_DOUBLE,   // shortest text that reads back the same; or NaN, Infinity, -Infinity
    PL_CLASS_TIME,     // dates, instants, times of day, intervals: ISO text
    PL_CLASS_NESTED,   // lists, structs, maps: valid JSON text
    PL_CLASSES
} pl_class;

typedef struct pl_result_column {
    pl_span name; // as the query named it; not necessarily unique
    pl_span type; // "BIGINT", "DECIMAL(38,10)": for people
    pl_class kind;
} pl_result_column;

#define PL_RESULT_COLUMNS_MAX 10000

void pl_columns_write(pl_buf *out, const pl_result_column *columns, uint32_t count);
// Columns borrow `payload`; the array is in `arena`.
PL_MUST_USE plumb_status pl_columns_read(pl_span payload, pl_arena *arena,
                                         pl_result_column **ret_columns, uint32_t *ret_count,
                                         plumb_error *err);

// One value; NULL has data NULL.
typedef struct pl_cell {
    pl_span text;
    bool is_null;
} pl_cell;

// Build a ROWS payload: begin, the cells row by row, end with how many rows there were.
size_t pl_rows_begin(pl_buf *out);
void pl_rows_end(pl_buf *out, size_t begun, uint32_t rows);
void pl_cell_write(pl_buf *out, pl_span text);
void pl_cell_write_null(pl_buf *out);
// A cell appended in place: begin, the bytes, end.
size_t pl_cell_begin(pl_buf *out);
void pl_cell_end(pl_buf *out, size_t begun);

// A cursor over one ROWS payload. Cells borrow the payload.
typedef struct pl_rows {
    pl_span rest;
    uint32_t columns;
    uint32_t rows_left;
} pl_rows;

PL_MUST_USE plumb_status pl_rows_open(pl_span payload, uint32_t columns, pl_rows *ret_rows,
                                      plumb_error *err);
// The next row into cells[columns]; *ret_found false after the last.
PL_MUST_USE plumb_status pl_rows_next(pl_rows *rows, pl_cell *cells, bool *ret_found,
                                      plumb_error *err);

#endif
