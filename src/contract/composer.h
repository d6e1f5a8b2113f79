// composer.h -- YAML text to a tree in which every node knows its place in the file.
//
// The events come from libyaml; the tree is ours, because a mistake must be reported at its line
// and column and an edit must replace exactly the bytes of one node. The YAML that plumb reads is
// the plain part: scalars, lists and maps in block or flow style. Tags, anchors, aliases, second
// documents, keys that are not plain text and duplicate keys are mistakes, all collected in one
// pass. Scalars are text: nothing is resolved to a number or a boolean here.
//
// Invariants
//   - text[start..end) are the bytes of the node in the text given, a BOM included in the count.
//   - Lines and byte columns count from 1; libyaml counts characters, which is converted once.
//
// Limits: PL_CONFIG_BYTES_MAX, PL_YAML_DEPTH_MAX.   Threads: any; a tree is immutable.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_COMPOSER_H
#define PL_CONTRACT_COMPOSER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"

#define PL_YAML_DEPTH_MAX 32 // nested lists and maps

typedef enum pl_yaml_kind {
    PL_YAML_SCALAR,
    PL_YAML_LIST,
    PL_YAML_MAP,
} pl_yaml_kind;

typedef enum pl_yaml_style {
    PL_YAML_PLAIN,  // scalars
    PL_YAML_SINGLE, // 'quoted'
    PL_YAML_DOUBLE, // "quoted"
    PL_YAML_BLOCK,  // scalars: | and >; lists and maps: by indentation
    PL_YAML_FLOW,   // lists and maps in brackets
} pl_yaml_style;

typedef struct pl_yaml {
    pl_yaml_kind kind;
    pl_yaml_style style;
    uint32_t line, column; // of the first byte
    uint32_t start, end;   // byte range in the file
    uint32_t count;        // items or members
    pl_span text;          // scalar: its value, quotes and escapes undone
    pl_span file_text;     // the whole file, for pl_yaml_place
    struct pl_yaml *key;   // member of a map: its key, a scalar
    struct pl_yaml *first; // first item or member
    struct pl_yaml *next;  // linked by the parent's `first`
} pl_yaml;

// Compose one document. Mistakes are added to `problems` with `file` as their place. Returns the
// root, or NULL if the text is too broken to have one; the root may be there and mistakes too.
// An empty document is an empty map. `text` must outlive the tree.
pl_yaml *pl_yaml_compose(const char *file, pl_span text, pl_arena *arena, pl_problems *problems);

// Member of a map by key, or NULL (also when `map` is NULL or no map).
const pl_yaml *pl_yaml_get(const pl_yaml *map, const char *key);

// The line and column of byte `offset` of a scalar's text; the scalar's first byte when escapes or
// folded lines stand before it.
void pl_yaml_place(const pl_yaml *scalar, size_t offset, uint32_t *ret_line, uint32_t *ret_column);

// Append `text` as a scalar that reads back as itself: plain where that is safe in block and flow
// style and cannot be taken for a number, boolean or null by other tools; single-quoted otherwise.
// With `rule` set, text of a mapping rule or type (read as text by plumb) stays plain more often.
void pl_yaml_quote(pl_buf *out, pl_span text, bool rule);

// Append `text` for the place of a scalar of `style`, in its style wherever that can hold it;
// `flow` when the scalar stands inside brackets.
void pl_yaml_quote_like(pl_buf *out, pl_span text, pl_yaml_style style, bool flow);

#endif
