// writer.h -- JSON text out, into a pl_buf: commas, quoting and indentation in one place.
//
//     pl_json_writer w = pl_json_writer_on(&buf, 0);
//     pl_json_begin(&w, '{');
//     pl_json_key(&w, "rows"); pl_json_int(&w, 3);
//     pl_json_end(&w, '}');
//
// Indent 0 writes one line; otherwise that many spaces per level. Strings must be valid UTF-8;
// invalid bytes are written as U+FFFD, so the output is always valid JSON.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_WRITER_H
#define PL_JSON_WRITER_H

#include "base/buf.h"

typedef struct pl_json_writer {
    pl_buf *out; // borrowed
    int indent;  // spaces per level; 0: one line
    int depth;
    bool comma; // a value stands before on this level
    bool after_key;
} pl_json_writer;

pl_json_writer pl_json_writer_on(pl_buf *out, int indent);
void pl_json_begin(pl_json_writer *writer, char bracket); // '{' or '['
void pl_json_end(pl_json_writer *writer, char bracket);   // '}' or ']'
void pl_json_key(pl_json_writer *writer, const char *key);
void pl_json_key_span(pl_json_writer *writer, pl_span key);
void pl_json_text(pl_json_writer *writer, pl_span text);
void pl_json_cstr(pl_json_writer *writer, const char *text); // NULL writes null
void pl_json_int(pl_json_writer *writer, int64_t value);
void pl_json_double(pl_json_writer *writer, double value); // not finite: null
void pl_json_bool(pl_json_writer *writer, bool value);
void pl_json_null(pl_json_writer *writer);
void pl_json_raw(pl_json_writer *writer, pl_span json); // already valid JSON

// Append `text` quoted and escaped as one JSON string.
void pl_json_quote(pl_buf *out, pl_span text);

#endif
