// text.h -- strict RFC 8259 over bytes: skip a value, unescape a string, check UTF-8.
//
// This is the grammar of the whole program: the record scanner, the tree and the framer call it.
// Strict means: UTF-8 validated (no surrogates, no overlong forms), no control bytes in strings,
// no leading zeros, no trailing commas, lone \uD800-\uDFFF escapes refused, depth bounded by
// PL_DEPTH_MAX. Errors carry the exact byte.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_TEXT_H
#define PL_JSON_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "simd/string.h"

// What is wrong and where, as an offset into the text given.
typedef struct pl_json_error {
    const char *reason; // static, completes "not JSON at byte N: ..."; NULL = no error
    size_t offset;
} pl_json_error;

// Skip white space (space, tab, CR, LF) from `at`.
static inline size_t pl_json_space(pl_span text, size_t at)
{
    while (at < text.bytes && (uint8_t)text.data[at] <= ' ' && // mostly there is none
           (text.data[at] == ' ' || text.data[at] == '\n' || text.data[at] == '\r' ||
            text.data[at] == '\t'))
        at++;
    return at;
}

// Validate and skip one value that starts exactly at `at` (no white space before). Returns the
// offset after it, or SIZE_MAX with *ret_error filled. `depth` is how deep the value already is.
size_t pl_json_skip(pl_span text, size_t at, int depth, pl_json_error *ret_error);

// Skip the rest of a string, closing quote and all: `at` is inside, where a character or an escape
// begins. *ret_escaped tells whether that rest has a backslash.
size_t pl_json_skip_inside(pl_span text, size_t at, bool *ret_escaped, pl_json_error *ret_error);

// Skip one string (opening quote at `at`). *ret_escaped tells whether it has a backslash.
static inline size_t pl_json_skip_string(pl_span text, size_t at, bool *ret_escaped,
                                         pl_json_error *ret_error)
{
    at = pl_simd_string_plain(text, at + 1); // mostly that is all there is
    *ret_escaped = false;
    if (at < text.bytes && text.data[at] == '"') return at + 1;
    return pl_json_skip_inside(text, at, ret_escaped, ret_error);
}

// Skip one number. *ret_integer: no fraction and no exponent.
size_t pl_json_skip_number(pl_span text, size_t at, bool *ret_integer, pl_json_error *ret_error);

// The whole text is one value with white space around: NULL reason if so.
pl_json_error pl_json_check(pl_span text);

// Append the bytes a valid JSON string's inside (without its quotes) stands for.
void pl_json_unescape(pl_buf *out, pl_span inside);
// The same into an arena; returns `inside` itself when nothing is escaped.
pl_span pl_json_unescaped(pl_arena *arena, pl_span inside);

// Append `value` (valid JSON) without the white space between its tokens.
void pl_json_compact(pl_buf *out, pl_span value);

// Offset of the first byte that is not valid UTF-8, or SIZE_MAX.
size_t pl_utf8_check(pl_span text);

#endif
