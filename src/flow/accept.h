// accept.h -- a person lets through what checks of the contract hold.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_ACCEPT_H
#define PL_FLOW_ACCEPT_H

#include "flow/run.h"

typedef struct pl_accepting {
    const char *source, *table;
    const char *who, *why; // for the books; why may be ""
} pl_accepting;

typedef struct pl_accepted {
    int64_t objects, records; // that waited
    const char *failed;       // what they waited for
} pl_accepted;

// What is staged of the source before the table may go: the next run maps it, says that its checks
// failed and were accepted, and publishes it. What lands later is asked again. The hold, and an
// event of kind "check.accepted", change in one transaction, under the run lock.
//
// PLUMB_E_NOT_FOUND: nothing of it waits. PLUMB_E_CONFLICT: it waits for another reason, and a
// finding has to be decided (message and hint say so).
PL_MUST_USE plumb_status pl_accept(const pl_run_options *options, const pl_accepting *accepting,
                                   pl_arena *arena, pl_accepted *ret_accepted, plumb_error *err);

#endif
