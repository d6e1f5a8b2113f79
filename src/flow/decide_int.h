// decide_int.h -- what the files of a decision share.
//
//     decide.c          yes and no, the books, and the order in which things are written
//     decide_files.c    the files of the project
//     decide_beside.c   a column beside another: approved as one, made one with it, or taken away
//     stale.c           what is published by another mapping
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_DECIDE_INT_H
#define PL_FLOW_DECIDE_INT_H

#include "flow/decide.h"
#include "flow/mappings.h"
#include "flow/transaction.h"

typedef struct deciding {
    const pl_decision_options *options;
    pl_arena *arena;
    pl_decision *out;
    pl_finding_row row; // as it was
    pl_finding_doc doc;
    const pl_mapping *file; // of the project
    pl_mapping_now now;     // in use
    pl_mapping_use use;
    pl_hold_row hold;
    bool held;
    pl_finding_state to;
    pl_proposal change; // of the files: mapping_text "" where they stay
    bool contract_last; // a column goes: the mapping may not name one that is not there
    pl_span overlay;    // from now on, until the file is written
    int64_t now_us;
    pl_transaction transaction;
} deciding;

// ---- decide.c
plumb_status pl_decide__refuse(const deciding *d, plumb_status status, plumb_error *err,
                               const char *fmt, ...) PL_PRINTF(4, 5);
plumb_status pl_decide__refuse_state(const deciding *d, plumb_error *err);
// The rules' proposal, made of the file alone where a rule of ours lies over it for this finding;
// else of what is in use, so that nothing that lies over the same column is lost.
bool pl_decide__propose(deciding *d, bool file_only);
void pl_decide__no_change(deciding *d);
// The source and table, its mapping, and what lies over it: everything before the decision.
plumb_status pl_decide__look_up(deciding *d, plumb_error *err);
// Whether rows are published by another mapping, or what waited is still to go.
plumb_status pl_decide__is_unfinished(deciding *d, bool *ret_unfinished, plumb_error *err);

// ---- decide_files.c
// It must be what the proposal was made from, and be there to be written.
plumb_status pl_decide__check_file(const deciding *d, const char *file, pl_span text,
                                   plumb_error *err);
plumb_status pl_decide__write_file(const deciding *d, const char *file, pl_span text,
                                   plumb_error *err);
// Would the table become what the contract says with the change? A column that was given up is
// still there, perhaps of another type.
plumb_status pl_decide__check_table(const deciding *d, plumb_error *err);
// Hidden files that a killed decision left beside those of the project; the lock is held.
plumb_status pl_decide__sweep(const deciding *d, plumb_error *err);

// ---- decide_beside.c
// Is this change asked the gate?
bool pl_decide__is_gated(const deciding *d);
// With d->change: it is as it is, the gate says so; or the rule is tried beside the old one.
plumb_status pl_decide__choose_form(deciding *d, plumb_error *err);
plumb_status pl_decide__promote(deciding *d, plumb_error *err);
plumb_status pl_decide__reject_beside(deciding *d, plumb_error *err);
// Approved or rejected before, and killed before all was written: what is left becomes d->change.
plumb_status pl_decide__finish_beside(deciding *d, plumb_error *err);
plumb_status pl_decide__finish_reject(deciding *d, bool *ret_left, plumb_error *err);

#endif
