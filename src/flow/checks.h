// checks.h -- is it good enough to be published? The contract's checks, asked of what a source is
// about to add to a table.
//
//     check         measured / total                       allowed
//     nulls         rows in which the column is NULL / rows          share, by column
//     range         values outside of its bounds / its values        share, by column with bounds
//     unique        rows that repeat a key / rows                    share
//     rows          rows of the run / its raw objects                least and most rows
//     change        the same                                         least and most rows an object
//     freshness     age of the newest object published / 0           at most so old
//     conservation  records that are nothing / records               none, always
//     score         records that are right / all there could be      is told, and never fails
//
// All but `unique` are counted while mapping, so they cost no other look at the rows. A column that
// the source's mapping has no rule for is not asked for NULLs: that is what its mapping says.
// `unique` reads the keys back: of all rows of the run, and of rows of the table that may have the
// same (flow/unique.h); of objects that land behind a hold it knows each one's own. `change`
// compares with the usual, the median rows an object of the last PL_CHECK_HISTORY runs; before
// PL_CHECK_HISTORY_MIN of them it is skipped, so the first runs of a table are never held by it.
//
// A critical check that fails holds all that the source has in the run before the table, as drift
// does (flow/judge.h): staged together, exit code 3, every other source is published. It goes on
// when the checks pass over all that waits, later objects included, when mapping or contract was
// edited, or when a person says so (flow/accept.h). Freshness never holds, and is asked elsewhere
// (flow/freshness.h). Records that are mapped once
// more are asked, too, but for `rows` and `change`, which are of runs: a retry or a replay is
// refused as a whole if a critical check fails, and nothing was changed. That a person can
// overrule.
//
// Score: a record is right if it became a row, the row lost no value and has none outside of the
// bounds of its column, and no check that failed is about it: that it is NULL in a column that may
// not be so often, that it repeats a key. All there could be are the records that `where` keeps. A
// row that two failed checks are about is taken off twice, so that the score is a least one then.
//
// Threads: any; pure.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_CHECKS_H
#define PL_FLOW_CHECKS_H

#include "contract/mapping.h"
#include "flow/baseline.h"
#include "registry/checks.h"

#define PL_CHECK_HISTORY     20
#define PL_CHECK_HISTORY_MIN 3

typedef struct pl_check_subject {
    const pl_mapping *mapping;
    const pl_baseline *found; // its counts; the shape is not looked at
    uint64_t repeated;        // rows whose key an earlier row has (flow/unique.h)
    bool accepted;            // a person has agreed to what fails
    bool again;               // of records mapped once more: no `rows` and no `change`
    // Rows an object of earlier runs, newest first.
    double history[PL_CHECK_HISTORY];
    uint32_t history_count;
    int64_t now_us; // when this is asked
} pl_check_subject;

// One row for each check the contract asks for, and the score; run, table and source are the
// caller's to fill. Texts are in the arena.
uint32_t pl_checks_ask(const pl_check_subject *subject, pl_arena *arena, pl_check_row **ret_rows);

// Freshness, of which no other check knows. False: the contract does not ask for it, or nothing was
// published yet.
bool pl_check_freshness(const pl_contract *contract, int64_t newest_us, int64_t now_us,
                        pl_arena *arena, pl_check_row *ret_row);

// Does the contract ask something critical of columns, so that they have to be counted?
bool pl_checks_hold_columns(const pl_contract *contract);

// Does it keep what it is about from being published?
bool pl_check_holds(const pl_check_row *row);

// What a row says: "likes is NULL in 12 of 400 rows (3%), allowed are 2%".
const char *pl_check_text(const pl_check_row *row, pl_arena *arena);
// The same as the reason for which something waits: where not one is allowed, also which setting
// would allow some.
const char *pl_check_why(const pl_check_row *row, pl_arena *arena);

#endif
