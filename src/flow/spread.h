// spread.h -- into how many partitions records go, by a look at a few of them.
//
// A task writes at least one file for each partition it meets. Whoever cuts tasks asks here first,
// so that partitions by the thousand do not have as many tiny files for each task.
//
//     objects     1 ......... 4 ......... 7 ......... 10      four of them, evenly apart,
//     records     512         512         512         512     the first ones of each
//
// It is a guess, and only ever costs speed. What cannot be read counts as nothing here; the run
// tells of it.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_SPREAD_H
#define PL_FLOW_SPREAD_H

#include "flow/work.h"

typedef struct pl_spread {
    uint64_t rows;       // of all objects, about
    uint32_t partitions; // that were seen: at least as many there are
} pl_spread;

// `task` needs its store, plan, schema, spec and objects.
pl_spread pl_spread_guess(const pl_work_task *task);

#endif
