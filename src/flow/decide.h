// decide.h -- what a person says of a finding: yes, or no.
//
//     approve   renamed, rescaled, retyped, added, map   its change is written into the files
//               provisional                 the same, which changes no row: a rule made it before
//               meaning                     the values are right as they come: the files stay
//               removed                     it is gone: NULL from now on, deprecated; and once more
//                                           after PL_DEPRECATED_US: its rule goes, retired;
//                                           with all that have no values but from what is gone
//     promote   parallel                    its column takes the rule that was tried beside it
//     reject    parallel                    what was tried goes out of the files
//               held, open                  rows are published as they come; nothing waits for it
//                                           for PL_MUTED_US, or until it shows in ten times as many
//                                           records
//               provisional                 what a rule made of it is taken back: reverted
//               added, a column by now      its rule goes, and its declaration: reverted
//
// Approved values of another kind or unit are asked the gate first (flow/gate.h). Passed, or only
// too little there to tell: in one step, as everything else, since who is asked at night wants
// rows without NULL, and said yes. If raw speaks against the rule, or a person wants it so:
// *parallel*, the rule in a new column beside the old one, <column>__next, which keeps its own. A
// promotion asks once more, and wants all of it passed; its rows are mapped anew by whoever
// promotes, who settles it then: accepted.
//
// Only the mapping, the contract and the books change here. What waited may go on with the next
// run, by what the files say then; whoever decides runs it, and replays what is published already
// where the mapping is another one now (pl_decision_stale).
//
//     contract file ─ COMMIT ─ mapping file ─ COMMIT ─ log entry
//                     │                       └ the overlay goes: the file says the same
//                     └ finding, event, overlay with the change, what waits may go; a run's row
//
// The overlay is the change until the file says it, so a crash leaves the decision made or not
// made; what is missing then is done when it is made once more. A column that the contract has
// early is NULL; one that goes leaves the contract last, since the mapping may not name one that
// is not there.
//
// Files are written by a temporary name, whole and durable, where the project's links lead to. A
// file that is not what the project was read from is left alone, and the decision is refused.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_DECIDE_H
#define PL_FLOW_DECIDE_H

#include "contract/project.h"
#include "flow/gate.h"
#include "flow/remedy.h"
#include "store/store.h"

#define PL_DEPRECATED_US (INT64_C(30) * 24 * 3600 * 1000000)
#define PL_MUTED_US      (INT64_C(30) * 24 * 3600 * 1000000)
#define PL_MUTED_GROWTH  10

typedef enum pl_decision_word {
    PL_DECISION_APPROVE,
    PL_DECISION_REJECT,
    PL_DECISION_PROMOTE,
} pl_decision_word;

typedef enum pl_decision_form {
    PL_DECISION_ANY,      // as the gate says
    PL_DECISION_NOW,      // in one step, and the gate is not asked
    PL_DECISION_PARALLEL, // beside the old one, whatever the gate says
} pl_decision_form;

typedef struct pl_decision_options {
    const pl_project *project; // as its files are now
    pl_store *store;           // for the log
    pl_registry *registry;
    const char *lock_path; // of the run lock, which is held meanwhile
    int64_t wait_ms;
    int64_t finding;
    pl_decision_word word;
    pl_decision_form form; // of approve; promote has no PARALLEL
    const char *who, *why; // why: NULL if nothing was said
    bool dry;              // only say what would be done
    // Nobody decides: an open one that is new becomes a column, as with yes. It is `auto` until its
    // rows are filled (flow/adopt.h), and then settled; said once more, what is missing is done.
    bool rule;
    atomic_bool *cancel; // while raw is read; may be NULL
} pl_decision_options;

typedef struct pl_decision {
    pl_finding_row row;        // as it is now
    pl_finding_state from;     // what it was
    bool again;                // it was decided before: only what was missing was done
    const char *mapping_file;  // that was written; NULL: it stays
    const char *contract_file; // the same
    pl_span diff;              // of both
    bool released;             // what waited may go on
    bool changed;              // runs map otherwise from now on
    int64_t muted_until_us;    // rejected; 0: not
    int64_t retire_us;         // deprecated: it can be retired from then on; 0: not
    int64_t version;           // of the mapping in use; 0: no run has used it yet
    const pl_gate *gate;       // what raw said; NULL: it was not asked
    const char *beside;        // the column beside the finding's that comes or goes; NULL: none
} pl_decision;

// PLUMB_E_NOT_FOUND: no such finding. PLUMB_E_CONFLICT: it is decided, or a file was edited since
// the project was read. PLUMB_E_FAILED: there is nothing to be said yes or no to, or no change can
// be proposed; the hint says what can be done. PLUMB_E_UNAVAILABLE: another run has the lock.
PL_MUST_USE plumb_status pl_decide(const pl_decision_options *options, pl_arena *arena,
                                   pl_decision *ret_decision, plumb_error *err);

// How the gate of a parallel finding stands: NULL, it is not parallel. Of the options project,
// store, registry, finding and cancel are used, and nothing is written.
PL_MUST_USE plumb_status pl_decision_gate(const pl_decision_options *options, pl_arena *arena,
                                          const pl_gate **ret_gate, plumb_error *err);

// All rows of what was promoted, or became a column, are by its rule: it is accepted. Another
// finding stays as it is.
PL_MUST_USE plumb_status pl_decision_settle(const pl_decision_options *options, pl_arena *arena,
                                            pl_finding_row *ret_row, plumb_error *err);

// The same for every finding of a table that was promoted and of which no row is by another rule
// any more: somebody mapped them anew.
PL_MUST_USE plumb_status pl_decision_settle_filled(const pl_decision_options *options,
                                                   const char *table, pl_arena *arena,
                                                   plumb_error *err);

// Objects that show a finding and were published by another version of the mapping than the one in
// use: a replay would change their rows.
typedef struct pl_stale {
    const char **objects;
    uint32_t count;
    int64_t stored_bytes, records;
} pl_stale;
PL_MUST_USE plumb_status pl_decision_stale(const pl_project *project, pl_registry *registry,
                                           const pl_finding_row *row, pl_arena *arena,
                                           pl_stale *ret_stale, plumb_error *err);

#endif
