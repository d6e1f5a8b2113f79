// adopt.h -- new paths that came often enough become columns, without a person.
//
//     finding `open` ── pl_decide by rule: contract, books, mapping ──► `auto`
//                                  rows mapped before filled anew ──► `accepted`
//
// Only `added` ones, where `drift: {added: auto}` says so (the default) and nothing of their source
// waits before the table. A crash leaves one open or auto, and the next run goes on from there.
//
// Of those that were opened within a day of each other, a source's first `added_per_day` become
// columns; the others wait for a person, the next day as well: more would be data in keys.
//
// What cannot be done (files that may not be written, a pinned version, no rule that could read it)
// stays open, and whoever ran is told once. It never fails a run.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_ADOPT_H
#define PL_FLOW_ADOPT_H

#include "flow/run.h"

// After a run that began at since_us: ret_report->columns.
PL_MUST_USE plumb_status pl_adopt(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                                  pl_run_report *ret_report, plumb_error *err);

#endif
