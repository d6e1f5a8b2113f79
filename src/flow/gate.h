// gate.h -- may a column be read by another rule from now on? What real raw says.
//
//     rows        1,000 or more since the change
//     parse       99.5 % or more of the values since then are read by the new rule
//     NULL        its share moved by 0.5 points at most
//     continuity  98 % or more of 100 or more entities go on: the first value since then is no
//                 more than three times farther from the last one before it than such values used
//                 to be from each other, or not more than doubled or halved; or the distributions
//                 are the same (Kolmogorov-Smirnov: 0.05 or less)
//     agreement   where both rules have a value, it is the same
//
// A criterion that is not met is open as long as more of the same could still meet it (999 rows;
// two misses among ten entities), and failed once what was measured speaks against the rule.
//
// Before is what the old rule makes of objects from before the change, since what the new one makes
// of those that show it. Of another unit only rows from before can agree: what the old rule makes
// of new values is what is wrong.
//
// An entity is the contract's key without its times, by the values of its columns.
//
// Raw is read, nothing is written: of either side up to PL_GATE_OBJECTS and PL_GATE_BYTES as
// stored, those next to the change, and of those since then the newest, too. Memory: some 20 MB,
// and what two mappers have.
//
// Threads: one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_GATE_H
#define PL_FLOW_GATE_H

#include "flow/shadow.h"

#define PL_GATE_ROWS       1000
#define PL_GATE_PARSE      0.995
#define PL_GATE_NULLS      0.005
#define PL_GATE_ENTITIES   100
#define PL_GATE_CONTINUITY 0.98
#define PL_GATE_DISTANCE   0.05

#define PL_GATE_OBJECTS 1000
#define PL_GATE_BYTES   (UINT64_C(32) << 20)

// ---- judging: pure ------------------------------------------------------------------------------

typedef struct pl_gate_figures {
    uint64_t rows_before, nulls_before;
    uint64_t rows, nulls;             // since
    uint64_t values, unread;          // of them, those that the new rule cannot read
    uint64_t entities, broken;        // in both; of them, those that do not go on
    bool has_distance;                // there are 100 values or more on both sides
    double distance;                  // Kolmogorov-Smirnov
    uint64_t both, differ;            // rows in which both rules have a value; not the same one
    uint32_t objects, objects_before; // looked at
} pl_gate_figures;

typedef enum pl_gate_kind {
    PL_GATE_KIND_ROWS,
    PL_GATE_KIND_PARSE,
    PL_GATE_KIND_NULLS,
    PL_GATE_KIND_CONTINUITY,
    PL_GATE_KIND_AGREEMENT,
    PL_GATE_KINDS
} pl_gate_kind;

typedef enum pl_gate_word { PL_GATE_PASSED, PL_GATE_OPEN, PL_GATE_FAILED } pl_gate_word;

const char *pl_gate_word_name(pl_gate_word word); // "passed", "open", "failed"

typedef struct pl_gate_line {
    const char *name, *asked, *measured; // texts in the arena
    pl_gate_word word;
} pl_gate_line;

typedef struct pl_gate {
    pl_gate_figures figures;
    pl_gate_line lines[PL_GATE_KINDS];
    pl_gate_word word; // the worst of them
} pl_gate;

void pl_gate_judge(const pl_gate_figures *figures, pl_arena *arena, pl_gate *ret_gate);

// "parse 98 % of 400 values, asked 99.5 % or more; ...": the lines that failed, or with `open`
// those that are open, too.
const char *pl_gate_reasons(const pl_gate *gate, bool open, pl_arena *arena);

// ---- asking raw ---------------------------------------------------------------------------------

typedef struct pl_gate_options {
    pl_store *store;
    pl_registry *registry;
    const pl_mapping *before, *after; // of one contract; the old rule, the new one
    const char *first_object;         // that shows the change
    pl_span column;
    bool other_unit;     // the old rule reads new values, and wrongly
    atomic_bool *cancel; // may be NULL
} pl_gate_options;

// PLUMB_E_CANCELLED, and those of pl_shadow.
PL_MUST_USE plumb_status pl_gate_ask(const pl_gate_options *options, pl_arena *arena,
                                     pl_gate *ret_gate, plumb_error *err);

#endif
