// value.h -- DuckDB's vectors as exact text.
//
// A reader is made once per result column from its type, bound to each chunk's vector, and then
// writes one row's value as the text that crosses the pipe (pipe/rows.h). Types: every one but
// UNION, BIGNUM, GEOMETRY, VARIANT and TIME_NS, which are refused by name of the column.
//
//   integers, decimals   every digit
//   float, double        shortest text that reads back the same
//   date, timestamps     ISO 8601; an instant (TIMESTAMPTZ) in UTC with Z, a local one without;
//                        years outside 0..9999 carry a sign
//   interval             ISO 8601 duration, P1Y2M3DT4H5M6.5S
//   blob                 \x and two hex digits per byte; bit: 0s and 1s
//   list, struct, map    JSON; a map is an object, its keys as text
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SQLWORKER_VALUE_H
#define PL_SQLWORKER_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "pipe/rows.h"
#include "sqlworker/duckdb_api.h"

typedef struct pl_reader {
    pl_duck_kind kind;
    pl_class text;        // what its text is
    int storage;          // decimal, enum: the integer kind that holds it
    uint8_t width, scale; // decimal
    uint64_t array_count; // array: values per row
    pl_span *words;       // enum: text by number
    uint32_t word_count;
    struct pl_reader *children; // list, array: 1; map: key and value; struct: its members
    pl_span *names;             // struct: of its members
    uint32_t child_count;

    const void *data; // of the chunk bound
    const uint64_t *validity;
} pl_reader;

// A reader for `type`. PLUMB_E_CONFIG for a type that has no text here; `column` is for the
// message.
PL_MUST_USE plumb_status pl_reader_make(const pl_duckdb *duckdb, pl_duck_type type,
                                        const char *column, pl_arena *arena, pl_reader *ret_reader,
                                        plumb_error *err);
// "DECIMAL(38,10)", "BIGINT[]", "STRUCT(a BIGINT, b VARCHAR)".
void pl_reader_type_text(const pl_reader *reader, pl_buf *out);

void pl_reader_bind(const pl_duckdb *duckdb, pl_reader *reader, pl_duck_vector vector);
bool pl_reader_is_null(const pl_reader *reader, uint64_t row);
// Append the value's text; not for NULL.
void pl_reader_text(const pl_reader *reader, uint64_t row, pl_buf *out);

#endif
