// rewind.h -- what is usual for a source, as the rows of another snapshot had made it.
//
// Every run that publishes leaves a version of its sources' baselines (flow/baseline.h), and the
// newest few are kept one by one (registry/drift.h). When the head of a table moves, the baseline
// of each source that this concerns is that of the newest run that the new head descends from and
// that published records of the source; so does a replay of what was withdrawn, but no other one,
// no retry and no compaction.
//
//   exact     that run's version is there
//   nearly    it is not kept any more, or the run is not known: the newest kept one that is no
//   later none      no ancestor of the head has records of the source: the next run begins anew
//
// It becomes the newest version once more, so that going forward again finds all of them.
//
// Threads: flow.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_REWIND_H
#define PL_FLOW_REWIND_H

#include "contract/project.h"
#include "flow/follow.h"

typedef struct pl_rewound {
    const char *source;
    int64_t version; // 0: none
    int64_t at_us;   // when its run was
    bool exact;      // false with version 0: nothing is kept from then, the baseline stays
} pl_rewound;

typedef struct pl_rewinding {
    const pl_project *project;
    pl_registry *registry;
    const char *table;
    const pl_ice_metadata *metadata;
    const pl_ancestry *from, *target;
    pl_arena *arena;
    pl_rewound *sources; // set: those whose baseline changes
    uint32_t count;
} pl_rewinding;

PL_MUST_USE plumb_status pl_rewind_look(pl_rewinding *rewinding, plumb_error *err);
// Needs an open transaction.
PL_MUST_USE plumb_status pl_rewind_record(const pl_rewinding *rewinding, const char *run,
                                          int64_t now_us, plumb_error *err);

#endif
