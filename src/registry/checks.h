// checks.h -- what came of the contract's checks, over time.
//
//     checks   (table, source, check, column, run)    measured against allowed, and the outcome
//
// One row for each check of each run that was judged, also of one whose objects wait for it since.
// "score" is among them, the records that are right: measured is those, total all there could be.
// That of what was held is `failed`.
//
// Kept are all rows of two days, then the last of each hour, and after thirty days the last of each
// day, of every outcome its own. They are in the lake's log with the next run that is done.
//
// Statuses, transactions and visitors are as in registry.h. Threads: one connection, one thread.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_REGISTRY_CHECKS_H
#define PL_REGISTRY_CHECKS_H

#include "registry/registry.h"

typedef enum pl_check_outcome {
    PL_CHECK_PASSED,
    PL_CHECK_FAILED,
    PL_CHECK_ACCEPTED, // it failed, and a person said that it may be published
    PL_CHECK_SKIPPED,  // too little is known yet to say
    PL_CHECK_OUTCOMES
} pl_check_outcome;

const char *pl_check_outcome_name(pl_check_outcome outcome); // "passed", "failed", ...

typedef struct pl_check_row {
    int64_t id; // given by the registry; ignored by add
    const char *run, *table, *source;
    const char *check, *column; // "nulls", "range", ...; column "" if it is about none
    bool critical;
    pl_check_outcome outcome;
    int64_t measured, total; // 12 of 400 rows; microseconds of age, and 0
    const char *allowed;     // "2%", "10 to 500", "90m"; "" of a score
    int64_t at_us;
} pl_check_row;

PL_MUST_USE plumb_status pl_registry_check_add(pl_registry *registry, const pl_check_row *row,
                                               plumb_error *err);
// Drop what is too much by now, of one source and table; at most once an hour it does anything, and
// only before the first row of that hour is added.
PL_MUST_USE plumb_status pl_registry_checks_thin(pl_registry *registry, const char *source,
                                                 const char *table, int64_t now_us,
                                                 plumb_error *err);

typedef struct pl_check_filter {
    const char *table, *source, *check; // NULL: any
    int64_t since_us;                   // at_us at least
    bool latest;                        // only those of the newest run of a source and table
    int64_t limit;                      // 0: all
} pl_check_filter;
typedef bool (*pl_check_visit)(void *context, const pl_check_row *row);
// Newest first; the latest ones by table, source, check and column.
PL_MUST_USE plumb_status pl_registry_checks(pl_registry *registry, const pl_check_filter *filter,
                                            pl_check_visit visit, void *context, plumb_error *err);

#endif
