// freshness.h -- how old is what is published? A source that falls silent has no objects to judge,
// so it is not asked where the other checks are: every run asks it of all sources in the end, also
// one with nothing to do, and 'plumb checks' and 'plumb status' whenever somebody looks.
//
// It never holds: what is there is the freshest there is, and to keep it back would only make it
// older. It is told instead, by every run while it lasts, and once as an event when it begins
// ("check.stale") and when it is over ("check.fresh"). Results are kept as those of other checks
// are, one when the outcome changes and else one an hour; they are of no run.
//
// Threads: as the registry's.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_FRESHNESS_H
#define PL_FLOW_FRESHNESS_H

#include "flow/run.h"
#include "registry/checks.h"

// Age of the newest object of a source that is published, against what the contract allows.
// *ret_asked false: it says nothing of that, or nothing is published. Texts are in the arena.
PL_MUST_USE plumb_status pl_freshness(pl_registry *registry, const pl_mapping *mapping,
                                      int64_t now_us, pl_arena *arena, bool *ret_asked,
                                      pl_check_row *ret_row, plumb_error *err);

// Put into the books what is so now, under the run lock.
PL_MUST_USE plumb_status pl_freshness_record(const pl_run_options *options, int64_t now_us,
                                             plumb_error *err);

#endif
