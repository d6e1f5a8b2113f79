// rollback.h -- a table as it was: data, schema and mapping version in one commit.
//
// A rollback is a run of its own kind. It moves the head of main to another snapshot that is still
// there, back or forward, and writes metadata alone: what it costs does not depend on the table.
// One transaction has the swap, the states of objects, the mappings and the event:
//
//   data      the rows of the snapshot; the head that is left is tagged ("before-rollback-1") for
//             PL_ROLLBACK_TAG_MS, so that `--to` that tag goes forward again. Going forward drops
//             the tag that is not needed any more
//   schema    the one the snapshot was written with. The contract still says what it says: the next
//             run adds to the schema again what the contract has more
//   objects   published if a snapshot the new head descends from published them, else withdrawn
//             (registry/lineage.h). `run` leaves withdrawn objects alone; a replay maps them again
//   mappings  per source, the version that made the newest rows of the snapshot is pinned, unless
//             it is what the file gives, or does not fit the contract as it is now: then the file
//             is used, and what was decided about drift of that source holds
//   baseline  that of the snapshot's rows is the newest again (flow/rewind.h), so that what comes
//             next is judged by what the table holds
//   findings  what was decided after the snapshot is reverted (flow/revert.h), or holds again
//   holds     stay: what waits before the table was never in it
//
// Threads: flow; one at a time (the run lock).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_ROLLBACK_H
#define PL_FLOW_ROLLBACK_H

#include "flow/revert.h"
#include "flow/rewind.h"
#include "store/store.h"

#define PL_ROLLBACK_TAG    "before-rollback-"
#define PL_ROLLBACK_TAG_MS (INT64_C(90) * 24 * 3600 * 1000)

typedef struct pl_rollback_options {
    const pl_project *project;
    pl_store *store;
    pl_registry *registry;
    const char *lock_path;
    int64_t wait_ms;
    const char *table;
    const char *to;  // a snapshot id, a tag, "previous" (the head's parent), or NULL: `at_us`
    int64_t at_us;   // what was the head then
    const char *who; // for the audit trail, as `why`
    const char *why; // "" none
    bool dry;
} pl_rollback_options;

// A snapshot that was undone, or came back.
typedef struct pl_rollback_step {
    int64_t snapshot, at_us;
    const char *operation;
    int64_t rows, files; // added less removed
    const char *run;     // "": another program's
} pl_rollback_step;

typedef struct pl_rollback_pin {
    const char *source, *file;
    int64_t version;
    bool pinned;         // false: runs use the file, which gives that version, or
    const char *why_not; // the version does not fit the contract; else NULL
} pl_rollback_pin;

typedef struct pl_rollback_report {
    const char *run; // "" when there was nothing to do, or with dry
    bool nothing;    // the head is there already
    int64_t from, to, to_us;
    const char *tag;                     // made for the head that was left; NULL: none
    const char *known_as;                // a tag or branch that names it already; NULL
    const char *untag;                   // dropped; NULL: none
    pl_rollback_step *undone, *returned; // newest first
    uint32_t undone_count, returned_count;
    int64_t rows, rows_before;                 // of the table; -1 unknown
    int64_t withdrawn, published_again, moved; // objects; unknown (0) with dry
    bool schema_changed;
    pl_rollback_pin *pins;
    uint32_t pin_count;
    pl_reverted *findings; // whose state changes
    uint32_t finding_count;
    const pl_rewound *baselines; // that change
    uint32_t baseline_count;
} pl_rollback_report;

// PLUMB_E_NOT_FOUND: no such table or snapshot, or it was expired; the hint says what there is.
PL_MUST_USE plumb_status pl_rollback(const pl_rollback_options *options, pl_arena *arena,
                                     pl_rollback_report *ret_report, plumb_error *err);

#endif
