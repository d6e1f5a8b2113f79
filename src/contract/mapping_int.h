// mapping_int.h -- the words of a rule, read from text; shared by path.c, rule.c and mapping.c.
//
// The readers below move *at behind what they took. A failure is PLUMB_E_CONFIG with err->column =
// the byte of the text (from 1) where it is; the caller turns that into a place in the file.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_MAPPING_INT_H
#define PL_CONTRACT_MAPPING_INT_H

#include "contract/mapping.h"
#include "contract/words_int.h"

// A failure at byte `at` of the text being read.
plumb_status pl_contract__at(plumb_error *err, size_t at, const char *fmt, ...) PL_PRINTF(3, 4);

static inline size_t pl_contract__space(pl_span text, size_t at)
{
    while (at < text.bytes &&
           (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '\n'))
        at++;
    return at;
}

PL_MUST_USE plumb_status pl_contract__path(pl_span text, size_t *at, pl_arena *arena,
                                           pl_path *ret_path, plumb_error *err);
// What stands between the brackets of parse(): "epoch(ms)".
PL_MUST_USE plumb_status pl_contract__parser(pl_span text, size_t *at, pl_arena *arena,
                                             pl_parser *ret_parser, plumb_error *err);

// "UTC", "Z", "+hh:mm", "+hhmm", "+hh", or a file of the zone database in `folder`. `at` is where
// the name stands.
PL_MUST_USE plumb_status pl_contract__zone(const char *folder, pl_span name, size_t at,
                                           pl_arena *arena, const pl_zone **ret_zone,
                                           plumb_error *err);

// Read the rule of one column; `column` is NULL when its contract could not be read, then only the
// words are checked. false after a mistake.
bool pl_contract__rule(const pl_reading *reading, const pl_yaml *node,
                       const pl_contract_column *column, pl_rule *ret_rule);

// "table 't' has no column 'x'" at a key.
void pl_contract__no_column(const pl_reading *reading, const pl_yaml *key,
                            const pl_contract *contract);

// Read `policy:` and `drift:` of plumb.yaml, or with `mapping` (its contract may be missing) those
// of a mapping and its columns.
void pl_contract__drift(const pl_reading *reading, const pl_yaml *root, pl_drift_given *ret_given,
                        pl_mapping *mapping);

// Read `where:`; *ret_tests is how many tests it has. NULL after a mistake.
const pl_where *pl_contract__where(const pl_reading *reading, const pl_yaml *node,
                                   uint32_t *ret_tests);

// pl_mapping_parse; with `lenient` an unknown table is no mistake (its contract has some already).
pl_mapping *pl_contract__mapping(const pl_reading *reading, pl_span text,
                                 pl_contract *const *contracts, uint32_t contract_count,
                                 bool lenient);

// How a path that is read reaches a path of a shape.
typedef enum pl_reach {
    PL_REACH_NONE,
    PL_REACH_AROUND, // it takes an array or object that path is in, whole
    PL_REACH_HERE,   // it is that path, or below it
    PL_REACH_KEY,    // it finds an element by it
} pl_reach;

#define PL_STEP_ANY (-1) // index of "[*]": any element

// "$.data[*].value" as a path, false if it is none; and back.
bool pl_contract__shape_path(pl_span text, pl_arena *arena, pl_path *ret_path);
void pl_contract__shape_text(pl_buf *out, const pl_path *path);

// The path from the document to the objects in the array: "$doc.data.list[*]".
pl_path pl_contract__records_path(const pl_mapping *mapping, pl_arena *arena);
// A path that starts at $parent as it starts at $doc; any other as it is. And back, if it leads
// through the object that $parent is.
pl_path pl_contract__absolute(const pl_mapping *mapping, const pl_path *path, pl_arena *arena);
pl_path pl_contract__from_parent(const pl_mapping *mapping, const pl_path *path, pl_arena *arena);

// Of two paths, absolute or of a record.
pl_reach pl_contract__reach(const pl_path *read, const pl_path *path);
// Whether the mapping's `where`, if there is one, does.
bool pl_contract__where_reads(const pl_mapping *mapping, const pl_path *path, pl_arena *arena);

#endif
