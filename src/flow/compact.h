// compact.h -- many small data files of a partition as few large, sorted ones.
//
// Live files of less than PL_COMPACT_BYTES_MIN that share a partition are put together, up to
// PL_COMPACT_BYTES_MAX a file and as many rows as memory can put in order (flow/copy.h). The rows
// are the same, to the bit; which objects they are of is known of the new file as it was of the
// old ones, so a replay finds them. States, ledger and quarantine stay as they are. Files of other
// programs stay, too.
//
// It is a run with the lock, the fence and the recovery of any run, and one snapshot whose
// operation is "replace". Old files stay until their snapshots expire. A conflict with another
// writer looks again. A partition with one small file has nothing to put together: once more
// changes nothing.
//
// Memory: what a run has.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_COMPACT_H
#define PL_FLOW_COMPACT_H

#include "flow/run.h"

#define PL_COMPACT_BYTES_MIN (128u << 20)
#define PL_COMPACT_BYTES_MAX (512u << 20)

typedef struct pl_compact_options {
    pl_run_options run; // its source is not looked at
    const char *table;
    bool dry; // only look: needs neither lock nor write permission
} pl_compact_options;

typedef struct pl_compact_report {
    pl_run_report run; // run.nothing: there is nothing to put together
    uint64_t files_before, bytes_before, rows;
    uint64_t files_after, bytes_after; // bytes 0 of a dry one
    uint64_t files_live;               // of the table, before
    uint64_t files_foreign;            // small ones of other programs
    const char **partitions;           // as folders, by name
    uint32_t partition_count;
} pl_compact_report;

// PLUMB_E_NOT_FOUND: no contract names the table. Else as pl_run.
PL_MUST_USE plumb_status pl_compact(const pl_compact_options *options, pl_arena *arena,
                                    pl_compact_report *ret_report, plumb_error *err);

#endif
