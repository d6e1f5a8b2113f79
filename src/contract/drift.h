// drift.h -- how drift is handled: what waits for a person, and from which numbers on.
//
//     policy: strict                    # plumb.yaml; a source may have its own
//     drift:
//       limit: 90m
//       added: auto
//       added_per_day: 20
//       removed_after: 1h
//       retyped_share: 1%
//       lost_share: 5%
//       lost_share_critical: 0.5%
//       conflict_share: 0.1%
//       auto_promote: false
//       columns:                        # sources only
//         likes: {policy: strict, lost_share: 2%}
//
// A key that a file does not have is taken from the next wider place: column, source, project,
// default. Which columns are critical the contract says.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_DRIFT_H
#define PL_CONTRACT_DRIFT_H

#include "base/base.h"

// What a new path comes to once it was seen often enough.
typedef enum pl_added_action {
    PL_ADDED_AUTO,   // a column of its own, by the run that finds it
    PL_ADDED_HOLD,   // a finding that waits for a person
    PL_ADDED_IGNORE, // nothing: _rest keeps the values
} pl_added_action;

typedef struct pl_drift_policy {
    // guarded: what is lossless and can be taken back needs nobody. strict: every class but added
    // and widened waits for a person.
    bool strict;
    pl_added_action added;
    int64_t limit_us;           // what waits and concerns no critical column is published then
    uint32_t added_per_day;     // new columns of a source; the next one waits for a person
    int64_t removed_after_us;   // a path is called removed when it was missing for so long
    double retyped_share;       // of a path's values, of another kind than before
    double lost_share;          // of a column's values that did not fit: its source is suspect
    double lost_share_critical; // the same of a critical column
    double conflict_share; // of a column's rows in which paths of its rule hold different values
    bool auto_promote; // a rule tried beside the old one takes its place once the gate is passed
    uint64_t auto_replay_bytes; // of raw that an approval maps again by itself
} pl_drift_policy;

// What one place says: bit i of `given` is the i-th key of drift.c's table.
typedef struct pl_drift_given {
    uint32_t given;
    pl_drift_policy values;
} pl_drift_given;

typedef struct pl_drift_column {
    uint32_t column; // index into the contract's
    pl_drift_given given;
} pl_drift_column;

pl_drift_policy pl_drift_policy_default(void);
void pl_drift_policy_apply(pl_drift_policy *policy, const pl_drift_given *given);

#endif
