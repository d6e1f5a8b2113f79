// format.h -- a query's result as text: table, csv, json or ndjson, streamed.
//
//   table   aligned columns for people; widths come from the first rows (at most 100), longer
//           values later push their line out, nothing is cut. Control bytes are shown as \n, \t or
//           \x1b, so a value cannot drive the terminal. NULL is written NULL. EXPLAIN's plan is
//           drawn as it is.
//   csv     RFC 4180 quoting, a header line, lines end in LF. NULL is an empty field, the empty
//           string is "".
//   json    one array of row objects, one row per line.
//   ndjson  one row object per line.
//
// In json and ndjson integers and decimals are JSON numbers with every digit; NaN, Infinity and
// -Infinity, which JSON numbers cannot say, are those words as strings; dates and instants are ISO
// strings; lists, structs and maps are inline JSON; columns of type json are strings, as stored. A
// second column of the same name is called name_2, a third name_3.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_QUERY_FORMAT_H
#define PL_QUERY_FORMAT_H

#include "query/query.h"

typedef enum pl_query_format_kind {
    PL_QUERY_FORMAT_TABLE,
    PL_QUERY_FORMAT_CSV,
    PL_QUERY_FORMAT_JSON,
    PL_QUERY_FORMAT_NDJSON,
} pl_query_format_kind;

// "table", "csv", "json", "ndjson"; false for any other word.
bool pl_query_format_parse(pl_span word, pl_query_format_kind *ret_kind);

typedef struct pl_query_format_options {
    pl_query_format_kind kind;
    uint64_t rows_max; // 0: all; one row more stops the query
    // Where the text goes; called with a few KiB at a time.
    plumb_status (*write)(void *context, pl_span text, plumb_error *err);
    void *context;
} pl_query_format_options;

typedef struct pl_query_format pl_query_format; // opaque

pl_query_format *pl_query_format_open(const pl_query_format_options *options);
// The sink to give to pl_query_run; borrowed from `format`.
pl_query_sink pl_query_format_sink(pl_query_format *format);
// Whether rows_max stopped the query: pl_query_run then failed with PLUMB_E_LIMIT, and the result
// is complete as far as it was asked for.
bool pl_query_format_cut(const pl_query_format *format);
// Write what is held back, and the end of the document. Only after a query that succeeded or was
// cut: a JSON array is left open after a failure, so no reader takes half a result for the whole.
PL_MUST_USE plumb_status pl_query_format_finish(pl_query_format *format, plumb_error *err);
uint64_t pl_query_format_rows(const pl_query_format *format); // written so far
void pl_query_format_close(pl_query_format *format);          // NULL is a no-op

#endif
