// drift.h -- the books of drift: what records look like, what of them waits, and what was found.
//
//     shapes    (source, table, version)       what a table's mapping saw; the newest: the baseline
//     holds     (source, table)                the objects of a source that wait before a table
//     findings  (source, table, fingerprint)   one row however often it recurs; its state
//     events    kind "drift.<state>"           one for every change of a finding's state
//
// What waits is the objects that are staged for the table; a hold says why, since when, and what
// they look like together. Staged objects have no data files: they are mapped when they go on.
//
// In the lake's log: findings as they are, their events and the versions of shapes that are kept
// for good, with the next run that is done. So a rebuilt registry has findings as of the last
// publish. What no publish came after is not in the log: holds never are, nor is the finding of a
// hold before another source was published. After a rebuild staged objects are new, and the next
// run finds out again.
//
// Statuses, transactions and visitors are as in registry.h: every put and remove needs an open
// transaction.
//
// Threads: flow; one connection is used by one thread at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_REGISTRY_DRIFT_H
#define PL_REGISTRY_DRIFT_H

#include "registry/registry.h"

// ---- shapes ------------------------------------------------------------------------------------
// Every run that publishes leaves a version. The newest few are all kept, so that a rollback finds
// what a snapshot's rows had made. For good is kept the first one of an hour, one with twice the
// records of the last kept one, and one whose writer says so: these are in the lake's log, too, so
// a rebuilt registry has a shape that is at most an hour old, or has more than half the records.
// They are 24 a day however often plumb runs. Counted back from the newest, those of two days stay,
// then the last one of each day for 90 days, then the last one of each month (UTC); and whatever
// was the newest when a hold began or a finding was opened, which is what it was compared with. So
// a year costs some 150 versions, not 8,760.
#define PL_SHAPE_NEWEST     8
#define PL_SHAPE_VERSION_US INT64_C(3600000000)
#define PL_SHAPE_HOURLY_US  (2 * 24 * PL_SHAPE_VERSION_US)
#define PL_SHAPE_DAILY_US   (90 * 24 * PL_SHAPE_VERSION_US)

typedef struct pl_shape_row {
    const char *source, *table;
    int64_t version;            // from 1
    const char *run;            // that made it what it is
    int64_t since_us, until_us; // when that run was
    int64_t records;            // in it
    bool kept;                  // for good; put: however soon after another
    const char *logged;         // the run whose log entry has it, "" none yet, "-" none will
    pl_span document;           // zstd of pl_shape_write's; empty when listed
} pl_shape_row;

// The newest state of a shape. The row's version, since_us and logged are ignored; *ret_version is
// that of the new version. Those that are not kept any more go.
PL_MUST_USE plumb_status pl_registry_shape_put(pl_registry *registry, const pl_shape_row *row,
                                               int64_t *ret_version, plumb_error *err);
// One version, 0: the newest, in arena. PLUMB_E_NOT_FOUND.
PL_MUST_USE plumb_status pl_registry_shape(pl_registry *registry, const char *source,
                                           const char *table, int64_t version, pl_arena *arena,
                                           pl_shape_row *ret_row, plumb_error *err);
typedef bool (*pl_shape_visit)(void *context, const pl_shape_row *row);
// By source and table, newest first; source, table NULL: of every one.
PL_MUST_USE plumb_status pl_registry_shapes(pl_registry *registry, const char *source,
                                            const char *table, pl_shape_visit visit, void *context,
                                            plumb_error *err);

// ---- holds -------------------------------------------------------------------------------------
typedef struct pl_hold_row {
    const char *source, *table;
    const char *first_object; // ULID: it and every later one of the source
    int64_t since_us;         // when it began
    int64_t alerted_us;       // when somebody was told last; 0: never
    const char *run;          // that held, or joined objects last
    int64_t objects, records; // that wait, as the caller counted them
    bool critical;            // a critical or required column is concerned: waits for a person
    // "" or NULL: all of it waits. Else the last object that may be published: the hold is over
    // once it is. In arena or listed it is never NULL.
    const char *released;
    bool checks;      // checks of the contract failed (checks.h): there is no finding
    bool accepted;    // released by a person: checks may fail
    const char *why;  // one sentence
    pl_span document; // zstd: the shape and counts of what waits; empty when listed
} pl_hold_row;

// Insert, or replace the one there.
PL_MUST_USE plumb_status pl_registry_hold_put(pl_registry *registry, const pl_hold_row *row,
                                              plumb_error *err);
// In arena; *ret_found false if nothing of the source waits before the table.
PL_MUST_USE plumb_status pl_registry_hold(pl_registry *registry, const char *source,
                                          const char *table, pl_arena *arena, pl_hold_row *ret_row,
                                          bool *ret_found, plumb_error *err);
// Its objects keep their states. None there is fine.
PL_MUST_USE plumb_status pl_registry_hold_remove(pl_registry *registry, const char *source,
                                                 const char *table, plumb_error *err);
typedef bool (*pl_hold_visit)(void *context, const pl_hold_row *row);
PL_MUST_USE plumb_status pl_registry_holds(pl_registry *registry, pl_hold_visit visit,
                                           void *context, plumb_error *err); // by source and table

// ---- findings ----------------------------------------------------------------------------------
typedef enum pl_finding_state {
    PL_FINDING_SEEN,        // too little yet: only counted
    PL_FINDING_OPEN,        // found, nothing done about it
    PL_FINDING_AUTO,        // resolved by a rule
    PL_FINDING_PROVISIONAL, // the same, until a person agrees
    PL_FINDING_HELD,        // its source waits
    PL_FINDING_ACCEPTED,
    PL_FINDING_REJECTED,
    PL_FINDING_REVERTED,
    PL_FINDING_PARALLEL, // a second column is filled beside the old one
    PL_FINDING_PROMOTED,
    PL_FINDING_DEPRECATED, // its column is on the way out
    PL_FINDING_RETIRED,
    PL_FINDING_RESOLVED, // the source healed
    PL_FINDING_FLAPPING, // comes and goes; one event when that begins, none while it goes on
} pl_finding_state;
#define PL_FINDING_STATES (PL_FINDING_FLAPPING + 1)

const char *pl_finding_state_name(pl_finding_state state); // "seen", "open", ...
// False: no state is called that.
bool pl_finding_state_parse(pl_span name, pl_finding_state *ret_state);

typedef struct pl_finding_row {
    int64_t id; // given by the registry, stable; ignored by put
    const char *source, *table;
    const char *fingerprint;      // unique in source and table: "renamed $.likes $.like_count"
    const char *class, *strength; // as pl_drift_class_name and pl_drift_strength_name give them
    const char *before, *after;   // paths, "" none
    const char *column;           // that it feeds, "" none
    bool critical;                // the column is
    pl_finding_state state;
    int64_t first_us;         // received of the first object that shows it
    int64_t opened_us;        // 0: not yet
    int64_t changed_us;       // last change of state
    const char *first_object; // ULID
    const char *run;          // that found it, or counted on last
    int64_t records;          // in which it shows
    int64_t flips;            // how often it came back, within a day of each other
    // Somebody said no: until then, and in fewer than ten times so many records, nothing waits for
    // it. 0: nobody did, or not for long any more; put keeps what is there.
    int64_t muted_until_us, muted_records;
    const char *document; // JSON: evidence, samples, proposal, wording
} pl_finding_row;

// One row per (source, table, fingerprint). Of a row that is there the id, first_us and
// first_object stay, opened_us unless it is 0, and changed_us unless the state changes; all else is
// replaced. A new row, and a change of state, is an event of kind "drift.<state>" by `who`, at
// changed_us, whose text is
//     {"finding", "source", "class", "before", "after", "column", "from": state or null, "to",
//      "note": text or null}
PL_MUST_USE plumb_status pl_registry_finding_put(pl_registry *registry, const pl_finding_row *row,
                                                 const char *who, const char *note, int64_t *ret_id,
                                                 plumb_error *err);
// The same for what a person decided, which is always an event; its text has these members, too:
//     "decision": "approve" or "reject", "mapping": {"before": version, "after": version},
//     "diff": of the files, or null
typedef struct pl_finding_decision {
    const char *who, *why; // why: "" or NULL if nothing was said
    const char *word;      // "approve", ...
    int64_t before, after; // versions of the mapping; 0: none
    pl_span diff;
} pl_finding_decision;
PL_MUST_USE plumb_status pl_registry_finding_decide(pl_registry *registry,
                                                    const pl_finding_row *row,
                                                    const pl_finding_decision *decision,
                                                    plumb_error *err);
// Another state, and nothing mutes it any more; an event by `who`, with the note or NULL.
PL_MUST_USE plumb_status pl_registry_finding_move(pl_registry *registry, int64_t id,
                                                  pl_finding_state to, int64_t at_us,
                                                  const char *who, const char *note,
                                                  plumb_error *err);
// Does what the hold is about wait for this finding? One that flaps need not show in it.
bool pl_finding_waits(const pl_finding_row *row, const pl_hold_row *hold);
// One finding in arena. PLUMB_E_NOT_FOUND.
PL_MUST_USE plumb_status pl_registry_finding(pl_registry *registry, int64_t id, pl_arena *arena,
                                             pl_finding_row *ret_row, plumb_error *err);
// The same by what makes it one; *ret_found false if there is none.
PL_MUST_USE plumb_status pl_registry_finding_by(pl_registry *registry, const char *source,
                                                const char *table, const char *fingerprint,
                                                pl_arena *arena, pl_finding_row *ret_row,
                                                bool *ret_found, plumb_error *err);

// How often it came back since then: it was resolved, and then was something else. By the events.
PL_MUST_USE plumb_status pl_registry_finding_returns(pl_registry *registry, int64_t id,
                                                     int64_t since_us, int64_t *ret_count,
                                                     plumb_error *err);

#define PL_FINDING_IN(state) (1u << (state))
typedef struct pl_finding_filter {
    const char *source; // NULL: any
    const char *table;  // NULL: any
    uint32_t states;    // a set of PL_FINDING_IN; 0: any
    int64_t limit;      // 0: all
} pl_finding_filter;
typedef bool (*pl_finding_visit)(void *context, const pl_finding_row *row);
// Newest change first.
PL_MUST_USE plumb_status pl_registry_findings(pl_registry *registry,
                                              const pl_finding_filter *filter,
                                              pl_finding_visit visit, void *context,
                                              plumb_error *err);

// ---- events of a kind --------------------------------------------------------------------------
// Those whose kind begins with the prefix ("drift."), newest first; limit 0: all.
PL_MUST_USE plumb_status pl_registry_events_like(pl_registry *registry, const char *prefix,
                                                 int64_t limit, pl_event_visit visit, void *context,
                                                 plumb_error *err);

#endif
