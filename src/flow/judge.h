// judge.h -- may be published what a run mapped? Asked per (source, table), after the work and
// before the gate.
//
//     windows of the run, in landing order        the baseline
//     ──► suspect? ── no ──► part of the baseline ──► published with the run
//            │ yes: it and all later ones wait together
//            └─► suspect as a whole? ── no ──► published
//                   │ yes
//                   ├─► a rule resolves it (a strong rename): overlay, hold that is released
//                   └─► hold: its objects are staged, findings say why
//
// Staging takes one transaction (pl_run__stage); the run is given up as `held` and planned again
// without those objects, so that every other source and all earlier objects are published at once.
// Objects that land later join: they are only looked at (`joins`, a dry task), and what waits is
// judged again as a whole. Nothing else happens to them, so a hold costs no disk.
//
// A hold ends by being *released*: its row names the last object that may go. That object and all
// before it are planned again, judged as one window, and with their publish the row goes.
//
//     healed     what waits is not suspect any more
//     resolved   an overlay of the mapping reads the new key, too; what that leaves goes on waiting
//     edited     a person changed mapping or contract, or decided (flow/decide.h): judged anew
//     accepted   a person lets through what checks hold (flow/accept.h)
//     limit      the time is over, the policy is not strict, there are records, and no critical or
//                required column is concerned: published as it is; the columns are muted for this
//                kind of suspicion until they are well. What waits for a person is told again then.
//
// A finding that was resolved and comes back three times within a day flaps: one event says so. Its
// source waits each time as before, and goes on; but the row stays `flapping`, so there are no
// events and a run tells nobody, until it did not show for a day, the limit lets it through, or a
// person edits the files. If what waits for a person waits longer than the limit, they are told
// again.
//
// What drift lets pass is asked the contract's checks, all that a source has in the run at once; a
// critical one that fails holds it in the same way, without a finding (flow/checks.h).
//
// Findings of a hold are rows of the registry from the first suspicion on; those of what was
// published are noted with the publish.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_JUDGE_H
#define PL_FLOW_JUDGE_H

#include "flow/baseline.h"
#include "flow/run_int.h"
#include "registry/checks.h"
#include "registry/drift.h"
#include "shape/finding_doc.h"

// A finding to be put into the books.
typedef struct verdict_row {
    pl_finding_row row;
    const char *note; // why its state is what it is; may be NULL
} verdict_row;

// A finding about an object names one of the columns beneath it; the others are muted as long as
// the object is gone.
typedef struct pl_muted_beneath {
    const char *path; // NULL: there is none
    uint32_t muted;
} pl_muted_beneath;

typedef struct verdict {
    run_source *source;
    const char *name, *table; // of it
    int64_t now_us;           // of the run
    pl_arena *arena;          // of it
    pl_drift_policy policy;
    pl_suspect_options options;
    pl_suspect_column *columns; // of the contract those with a rule
    uint32_t *of_contract;      // their places there
    pl_muted_beneath *beneath;  // of each
    uint32_t column_count;
    bool empty_muted;
    bool observed;    // there are windows: else there is no verdict
    bool had_base;    // the registry had one
    pl_span document; // it, as it was
    bool edited;      // the hold was about other files than there are now
    pl_baseline base; // advanced by what passes
    pl_baseline passed;
    bool held; // a hold has a row
    pl_hold_row hold;
    pl_baseline wait;  // what waits, or is judged together
    pl_baseline whole; // what the hold was of, unless it is edited
    bool waits;        // it is, or stays, held
    const char *from;  // the first object to be staged by this run; NULL: none, or those that join
    const char *until; // the hold is released up to this object; NULL: it is not
    bool over;         // the hold's row goes with the publish
    const char *why;   // the first suspicion
    bool critical;
    bool by_checks;       // it waits because checks failed
    pl_check_row *checks; // what came of them; none were asked of what drift holds
    uint32_t check_count;
    pl_suspicion *suspicions;
    uint32_t suspicion_count;
    pl_finding *findings;
    uint32_t finding_count;
    bool has_overlay;
    pl_span overlay;  // of the mapping, to be set
    bool overlay_new; // it reads paths that no record had before the hold
    verdict_row *rows;
    uint32_t row_count, row_capacity;
} verdict;

// A hash of what a judgement depends on beside the data.
uint64_t pl_judge_hash(const pl_mapping *mapping);

// judge.c: run->verdicts, one per source of the run; *run->stages is set if one stages. Nothing is
// written.
plumb_status pl_run__judge(run_state *run, plumb_error *err);
void pl_run__verdicts_done(run_state *run);

// A row with its texts in the arena.
pl_finding_row pl_finding_row_copy(const pl_finding_row *row, pl_arena *arena);

// Findings of a source and table in some states, newest change first. Texts are in the run's arena,
// the items on the heap, also after a failure.
typedef struct pl_finding_list {
    pl_arena *arena;
    pl_finding_row *items; // free() them
    uint32_t count, capacity;
} pl_finding_list;
plumb_status pl_run__findings(run_state *run, const char *source, const char *table,
                              uint32_t states, pl_finding_list *ret_list, plumb_error *err);

// What to put into the books about a source that waits (verdict.c), and about one that is published
// (passed.c).
plumb_status pl_verdict__holding(run_state *run, verdict *v, plumb_error *err);
plumb_status pl_verdict__passing(run_state *run, verdict *v, plumb_error *err);

// verdict.c: rows of v->rows. A finding in a state, unless it is decided or flaps, with what was
// seen of it; another state of one that is there; the same of all that wait. Each finding once.
#define PL_VERDICT_ROWS_MAX 64 // what is new beyond them is found by the next run
#define PL_FLIPS_WITHIN_US                                                                         \
    (INT64_C(24) * 3600 * 1000000) // what flaps did not show for so long: over
verdict_row *pl_verdict__row(verdict *v);
plumb_status pl_verdict__put(run_state *run, verdict *v, const pl_finding_doc *doc,
                             const char *column, bool critical, pl_finding_state state,
                             const pl_baseline *seen, const char *first_object, const char *note,
                             plumb_error *err);
void pl_verdict__change(run_state *run, verdict *v, const pl_finding_row *row,
                        pl_finding_state state, const char *note);
// The mapping's file, whatever lies over it; NULL: it was taken out since the plan.
const pl_mapping *pl_verdict__file(run_state *run, const verdict *v);
plumb_status pl_verdict__change_held(run_state *run, verdict *v, pl_finding_state state,
                                     const char *note, plumb_error *err);
const char *pl_verdict__document(run_state *run, const pl_finding_doc *doc);
// Which column a finding is about: the first that reads the path it was, or is now.
bool pl_verdict__column_of(run_state *run, const verdict *v, const pl_finding_doc *doc,
                           const char **ret_column, bool *ret_critical);
// conflict.c: columns of which paths hold different values too often.
plumb_status pl_verdict__conflicts(run_state *run, verdict *v, plumb_error *err);

// refused.c: a rename of the column that was refused and shows in what waits. It is asked about
// again, in so many records more or so much later; by now the baseline has both keys, so nothing
// proves it a second time.
plumb_status pl_verdict__refused(run_state *run, const verdict *v, const char *column,
                                 pl_finding_row *ret_row, bool *ret_found, plumb_error *err);

// quality.c: ask the contract's checks of what was found; v->by_checks says whether they hold it.
plumb_status pl_verdict__check(run_state *run, verdict *v, const pl_baseline *found,
                               plumb_error *err);
// Put what came of them into the books, in the transaction that publishes or stages.
plumb_status pl_verdict__put_checks(run_state *run, const verdict *v, plumb_error *err);
// An event about a hold by checks: "check.held", "check.passed" or "check.accepted". Its text is
//     {"source", "failed", "objects", "records", "first_object", "why"}
plumb_status pl_check_event(pl_registry *registry, const char *kind, const char *who,
                            const pl_hold_row *hold, const char *why, int64_t at_us,
                            plumb_error *err);
// Of a retry or a replay: PLUMB_E_FAILED if a critical one fails, unless a person agreed before.
plumb_status pl_run__check_again(run_state *run, plumb_error *err);
// Those that failed since then, for the report.
plumb_status pl_run__tell_checks(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                                 pl_run_report *report, plumb_error *err);

// holds.c, the writing. At plan time, in a transaction of its own: holds whose time is over, or
// whose mapping was edited, are released.
plumb_status pl_run__review(run_state *run, plumb_error *err);
// Stage what is to wait and end the run as held, in one transaction.
plumb_status pl_run__stage(run_state *run, plumb_error *err);
// Baselines, holds and findings, in the transaction of the publish.
plumb_status pl_run__record_verdicts(run_state *run, plumb_error *err);
// An object that joins those that wait.
plumb_status pl_run__join(run_state *run, const run_task *task, uint32_t object, plumb_error *err);
// What waits now, and findings whose state changed since then, for the report.
plumb_status pl_run__tell_drift(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                                pl_run_report *report, plumb_error *err);

#endif
