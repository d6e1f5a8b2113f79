// tree.h -- a small JSON tree in an arena: for metadata, task results and samples, not for records.
//
// Object members keep their order; a duplicate key is kept as a second member and lookups find
// the last. Numbers stay text. Strings are unescaped UTF-8.
//
// Threads: any; a tree is immutable.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_TREE_H
#define PL_JSON_TREE_H

#include "base/arena.h"
#include "json/text.h"

typedef enum pl_json_kind {
    PL_JSON_NULL,
    PL_JSON_FALSE,
    PL_JSON_TRUE,
    PL_JSON_NUMBER,
    PL_JSON_STRING,
    PL_JSON_ARRAY,
    PL_JSON_OBJECT,
} pl_json_kind;

typedef struct pl_json {
    pl_json_kind kind;
    uint32_t count;        // items or members
    pl_span text;          // string: unescaped; number: its literal
    pl_span raw;           // the value as it stood in the input (borrowed from the input)
    pl_span key;           // member of an object: its unescaped key
    struct pl_json *first; // first item or member
    struct pl_json *next;  // linked by the parent's `first`
} pl_json;

// Parse one document. Fails with PLUMB_E_MALFORMED, err->offset set, message
// "not JSON at byte N: <reason>". The input must outlive the tree (raw spans).
PL_MUST_USE plumb_status pl_json_parse(pl_span text, pl_arena *arena, pl_json **ret_root,
                                       plumb_error *err);

// The same, but what stands `levels` deep is not looked into: it has `raw`, and no items (the
// document itself is level 0). For large documents, whose parts are parsed one by one.
PL_MUST_USE plumb_status pl_json_parse_top(pl_span text, uint32_t levels, pl_arena *arena,
                                           pl_json **ret_root, plumb_error *err);

// Member by key, or NULL if absent or `object` is NULL or not an object.
const pl_json *pl_json_get(const pl_json *object, const char *key);
// Typed lookups for metadata: false if absent or of another kind; long must be exact.
bool pl_json_get_long(const pl_json *object, const char *key, int64_t *ret_value);
bool pl_json_get_text(const pl_json *object, const char *key, pl_span *ret_value);
bool pl_json_long(const pl_json *value, int64_t *ret_value);

#endif
