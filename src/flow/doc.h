// doc.h -- strict reading of the JSON documents a lake keeps under .plumb/runs/ and log/.
//
// A document that is not ours, or not as we write it, is an error that names the file, the member
// and the byte. Every reader takes its answer or fails; nothing is guessed.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_DOC_H
#define PL_FLOW_DOC_H

#include "json/tree.h"
#include "json/writer.h"

#define PL_DOC_BYTES_MAX (256u * 1024 * 1024)
#define PL_DOC_VERSION   1

typedef struct pl_doc {
    const char *what, *name; // "task result", its store key: for messages
    pl_span text;            // the whole document
    pl_arena *arena;
    plumb_error *err;
} pl_doc;

// Begin a document: {"plumb": kind, "version": 1, and the rest is the caller's.
void pl_doc_begin(pl_json_writer *writer, const char *kind);

// Parse doc->text, and check its first two members.
PL_MUST_USE plumb_status pl_doc_parse(const pl_doc *doc, const char *kind,
                                      const pl_json **ret_root);
// The same, but what stands `levels` deep is not looked into (json/tree.h); then each such part as
// a tree in `arena`.
PL_MUST_USE plumb_status pl_doc_parse_top(const pl_doc *doc, const char *kind, uint32_t levels,
                                          const pl_json **ret_root);
PL_MUST_USE plumb_status pl_doc_part(const pl_doc *doc, const pl_json *part, pl_arena *arena,
                                     const pl_json **ret_part);

// "cannot read <what> '<name>': <reason> at byte N", N where `at` stands.
plumb_status pl_doc_fail(const pl_doc *doc, const pl_json *at, const char *fmt, ...)
    PL_PRINTF(3, 4);

PL_MUST_USE plumb_status pl_doc_text(const pl_doc *doc, const pl_json *object, const char *key,
                                     pl_span *ret_text);
// As above; NUL-terminated. A member that is null gives NULL if `nullable`.
PL_MUST_USE plumb_status pl_doc_cstr(const pl_doc *doc, const pl_json *object, const char *key,
                                     bool nullable, char **ret_text);
PL_MUST_USE plumb_status pl_doc_long(const pl_doc *doc, const pl_json *object, const char *key,
                                     int64_t *ret_value);
// A whole number from 0.
PL_MUST_USE plumb_status pl_doc_count(const pl_doc *doc, const pl_json *object, const char *key,
                                      uint64_t *ret_value);
PL_MUST_USE plumb_status pl_doc_bool(const pl_doc *doc, const pl_json *object, const char *key,
                                     bool *ret_value);
PL_MUST_USE plumb_status pl_doc_array(const pl_doc *doc, const pl_json *object, const char *key,
                                      const pl_json **ret_first, uint32_t *ret_count);
// Bytes as hex digits, or null (*ret_has false).
PL_MUST_USE plumb_status pl_doc_hex(const pl_doc *doc, const pl_json *value, bool *ret_has,
                                    pl_span *ret_bytes);
void pl_doc_write_hex(pl_json_writer *writer, pl_span bytes);

#endif
