// replay.h -- raw objects mapped once more: their rows in a table go and come anew, in one
// snapshot.
//
// Every selector chooses raw *objects* that have been published into the table, whatever it is
// written like; all rows of a chosen object go, wherever they are, and those mapped from raw now
// come, wherever the mapping sends them. Same raw and same mapping: the same rows.
//
//     finding     objects of its source, from the first that showed it on
//     objects     these, by id or a prefix that only one has
//     since_us    received at or after it
//     where       that have a row in a partition: "platform=tiktok/year=2026/month=11/day=22", any
//                 of its elements; "day=2026-11-22" says three of them
//     withdrawn   un-published by a rollback
//     all
//
// It is a run of its own kind, as a retry is (flow/retry.h): plan, work, gate, publish, with the
// lock, the fence and the recovery of any run. When all is mapped, the data files that hold a
// chosen object are looked up: those that hold nothing else go, of the others the rest is copied
// (flow/copy.h). One commit removes and adds; a conflict with another writer looks again. A reader
// sees all as it was, or all as it is.
//
// Its ledger and quarantine rows count from then on: what maps now is a row, what does not any more
// is quarantined. It is not judged, and the baseline stays; what was withdrawn becomes part of it
// again, since the rollback took it out of there, too.
//
// Refused by name, with their rows as they are: objects of which the raw is gone or damaged, those
// no mapping of today sends to the table, and of `objects` those that are staged or new. All else
// but `withdrawn` passes over what is not published.
//
// Limits: PL_REPLAY_OBJECTS_MAX at once.   Memory: what a run has.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_REPLAY_H
#define PL_FLOW_REPLAY_H

#include "flow/run.h"
#include "flow/shadow.h"

#define PL_REPLAY_OBJECTS_MAX 100000

typedef struct pl_replay_options {
    pl_run_options run; // its source is not looked at
    const char *table;
    int64_t finding; // one of these:
    const char *const *objects;
    uint32_t object_count;
    int64_t since_us;
    const char *where;
    bool withdrawn, all;
    const char *source;     // narrows it; NULL: every source
    int64_t mapping;        // this version of the mapping, which needs one source; 0: what runs use
    bool dry;               // only look: needs neither lock nor write permission
    uint64_t compare_bytes; // of a dry one: so much content is mapped and compared with the rows
                            // that stand; 0: none, UINT64_MAX: all
} pl_replay_options;

typedef struct pl_replay_refusal {
    const char *object, *source, *why;
} pl_replay_refusal;

// Rows of a source as they stand and as they would be, of some objects.
typedef struct pl_replay_compared {
    const char *source;
    uint32_t objects, of; // compared, of all that take part
    uint64_t content_bytes;
    pl_shadow_report rows; // before: those that stand; quarantined and filtered are of after alone
} pl_replay_compared;

typedef struct pl_replay_report {
    // Counts of what was mapped; run.nothing: nothing was. run.mappings has those that are pinned.
    pl_run_report run;
    uint64_t objects;       // that take part
    uint64_t bytes;         // of them in raw, as they are stored
    uint64_t content_bytes; // and inflated
    uint64_t rows_before;   // of theirs in the table
    uint64_t rows_after;    // 0 of a dry one
    uint64_t files_removed; // that held nothing else
    uint64_t files_rewritten;
    uint64_t bytes_rewritten; // of those, as they were
    uint64_t rows_copied;     // in those, of other objects
    const char **partitions;  // of both, as folders ("" of a table without), by name
    uint32_t partition_count;
    pl_replay_refusal *refusals;
    uint32_t refusal_count;
    pl_replay_compared *compared; // of a dry one, by source
    uint32_t compared_count;
    int64_t estimate_us; // of a dry one: how long it may take, by what runs took here; 0: no idea
} pl_replay_report;

// PLUMB_E_NOT_FOUND: no such table, finding, object, partition or version. PLUMB_E_LIMIT: too many
// objects. PLUMB_E_CONFIG: the version of the mapping does not go with the contract of today. Else
// as pl_run. Nothing chosen is no failure: run.nothing.
PL_MUST_USE plumb_status pl_replay(const pl_replay_options *options, pl_arena *arena,
                                   pl_replay_report *ret_report, plumb_error *err);

#endif
