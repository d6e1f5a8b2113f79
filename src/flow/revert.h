// revert.h -- what was decided about drift, and the rows of another snapshot.
//
// What a person or a rule decided holds for the rows that came of it. Where a rollback goes back
// behind the decision, the finding is reverted: its change is not in use any more, and should the
// drift show once more, it is found, and waits, as the first time. Going forward again, or taking
// the mapping file again, gives the decision back.
//
//     accepted, auto, provisional,        ── rollback behind it ──►  reverted
//     parallel, promoted, deprecated,     ◄── forward, --use file ──
//     retired
//
// A finding that is only known, waits, or was rejected stays: nothing of the mapping came of it.
// The events say what it was and when that was decided; a reverted finding whose muting is 0 was
// not reverted by hand.
//
// Threads: flow.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_REVERT_H
#define PL_FLOW_REVERT_H

#include "registry/drift.h"

typedef struct pl_reverted {
    pl_finding_row row; // as it was; its texts in arena
    pl_finding_state to;
} pl_reverted;

// The findings of a table, of `source` or of all (NULL), that change when its rows are as they were
// at `at_ms`; INT64_MAX: as everything decided makes them.
PL_MUST_USE plumb_status pl_revert_look(pl_registry *registry, const char *source,
                                        const char *table, int64_t at_ms, pl_arena *arena,
                                        pl_reverted **ret_list, uint32_t *ret_count,
                                        plumb_error *err);
// Needs an open transaction.
PL_MUST_USE plumb_status pl_revert_record(pl_registry *registry, const pl_reverted *list,
                                          uint32_t count, const char *who, const char *note,
                                          int64_t now_us, plumb_error *err);

#endif
