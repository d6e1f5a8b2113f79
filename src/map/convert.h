// convert.h -- from one JSON value to one typed value: exactly, or with a reason why not.
//
// Which JSON kinds fit a column, and how (product rule: "a value that converts exactly is accepted,
// flagged coerced; anything else is lost"):
//
//     column             natural                       exact, flagged `coerced`
//     boolean            true false                    "true" "false" 0 1
//     int long           5                             5.0 5e0 "5"
//     decimal(p,s)       5 5.25                        "5.25"
//     float double       5 5.25                        "5.25" "NaN" "Infinity" "-Infinity"
//     date               "2026-11-22"                  -
//     timestamp          "2026-11-22T03:04:05Z"        -   (JSON has no time type: ISO text is it)
//     string             "text"                        5 true
//     json               anything                      -
//     list(T)            [T, ...]                      elements by T's rules, T itself a list too
//
// A parser replaces the rules of its path: what it reads is natural. A value it cannot read is
// tried by the natural rules of the column and then flagged coerced (a source that moved from
// epoch seconds to ISO text keeps its meaning). Of a list it reads each innermost element.
//
// A list is taken whole or not at all: one element that does not fit, and the list is lost.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_MAP_CONVERT_H
#define PL_MAP_CONVERT_H

#include "contract/mapping.h"
#include "json/scanner.h"

// A converted value: a scalar, or a list of `count` elements.
typedef struct pl_cell {
    pl_value value;           // lists: kind PL_LIST, only is_null says something
    struct pl_cell *elements; // list: in the arena given
    uint32_t count;
} pl_cell;

// Convert a slot that is neither absent nor null. NULL on success; else a static text that
// completes
// "<value> ...": "is not a number", "is out of range". Text results live in `scratch` or in the
// record.
const char *pl_convert(const pl_slot *slot, const pl_type *type, const pl_parser *parser,
                       pl_arena *scratch, pl_cell *ret_cell, bool *ret_coerced);

// The value at `steps[0..count)` inside the array or object `value` (raw JSON), as a slot without
// node; kind PL_SLOT_ABSENT if there is none.
pl_slot pl_dig(pl_span value, const pl_step *steps, uint32_t count, pl_arena *scratch);

// A raw JSON value as a slot.
pl_slot pl_slot_of(pl_span value);

bool pl_cell_equal(const pl_cell *a, const pl_cell *b);

#endif
