// drift_decide.h -- what is known of decisions while they are made (drift_decide.c), and told
// (drift_told.c).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_DRIFT_DECIDE_H
#define PL_CLI_DRIFT_DECIDE_H

#include "cli/drift.h"

// What became of the rows that were published before.
typedef enum refill_kind {
    REFILL_NONE,    // the mapping stays, or all rows are of the one in use
    REFILL_DONE,    //
    REFILL_PENDING, // too much to be done without being asked, or not wanted now
    REFILL_REFUSED, // a critical check fails
} refill_kind;

typedef struct decided {
    pl_decision decision;
    pl_drift_reads reads; // before it was decided
    refill_kind refill;
    pl_stale stale;
    uint64_t rows;       // filled anew
    const char *refused; // why
} decided;

typedef struct deciding {
    pl_cli *cli;
    pl_lake lake;
    pl_decision_word word;
    pl_decision_form form;
    bool dry, no_replay;
    const char *why; // NULL: nothing was said
    char who[PL_USER_NAME];
    int64_t wait_ms;
    decided *done;
    uint32_t count;
    bool ran;
    pl_run_report report;
    bool failed, refused;
} deciding;

// Print the decisions and what came of them; returns the exit code.
int pl_drift__tell(deciding *d);

#endif
