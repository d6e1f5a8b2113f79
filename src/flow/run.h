// run.h -- plan, work, gate, publish: one pass over new raw objects.
//
//     lock ─ recover ─ plan ──► work ×N ──► gate ──► publish ─ log ─ hint ─ clear
//                      │         │           │        one SQLite transaction: the run is still
//                      │         │           │        working, objects still pending, swap of every
//                      │         │           │        table, states, ledger, quarantine
//                      │         │           └ conservation: framer = mapper = file footers
//                      │         └ data files nobody refers to yet
//                      └ (object, table) pairs that are new, cut into tasks by bytes
//
// Order on disk: run's row -> plan.json -> per task: data files (fsync), result document (fsync) ->
// manifests, list, metadata.json (fsync) -> COMMIT -> log entry -> hint. A crash anywhere leaves
// either the old state or the new one. The next run goes on with the dead one: tasks that have a
// result document are not done again. If its plan no longer holds (objects published meanwhile,
// contract or mapping edited), its data files are deleted by the run id in their names.
//
// A run with nothing to do writes nothing at all.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_RUN_H
#define PL_FLOW_RUN_H

#include "contract/project.h"
#include "flow/work.h"
#include "registry/checks.h"
#include "registry/drift.h"
#include "registry/registry.h"

// A run takes so many objects, and the next one of the same command goes on behind them: plan, task
// results, books and log entry are documents of all that a run takes, and memory holds them.
#define PL_RUN_OBJECTS_MAX 16384

typedef struct pl_run_options {
    const pl_project *project;
    const pl_project *files; // as people wrote it, without overlays; set by the run itself
    pl_store *store;         // the lake
    pl_registry *registry;   // open for writing
    const char *lock_path;   // of the run lock
    const char *source;      // only this one; NULL: all
    uint32_t threads;        // 0: the project's setting, else every core
    uint32_t tasks;          // per source; 0: by bytes
    uint32_t objects;        // of one run, the rest is the next one's; 0: PL_RUN_OBJECTS_MAX
    bool no_shape;           // do not observe: only to measure what observing costs
    bool accept_checks;      // of a retry or replay: whatever critical checks say
    int64_t wait_ms;         // for the run lock
    // Called from one thread about four times a second while tasks work; may be NULL.
    void (*progress)(void *context, uint64_t content_bytes, uint64_t content_bytes_total,
                     uint64_t records);
    void *progress_context;
} pl_run_options;

typedef struct pl_run_table {
    const char *table;
    int64_t snapshot; // 0: none was made
    uint64_t rows, files;
    bool created, evolved;
} pl_run_table;

typedef struct pl_run_source {
    const char *source, *table;
    uint64_t objects; // mapped and published
    uint64_t damaged; // left out: raw that no longer reads
    uint64_t records, rows, quarantined, filtered;
    uint64_t lost, coerced, conflicts;
} pl_run_source;

typedef struct pl_run_damage {
    const char *object, *source, *why;
} pl_run_damage;

// A mapping of which something is to be told: it is pinned, or other versions made rows.
typedef struct pl_run_mapping {
    const char *source, *table, *file;
    int64_t version; // in use; 0: no run has used it yet
    int64_t pinned;  // in use in place of the file; 0: none
    pl_span pinned_text, file_text;
    int64_t rows, objects; // published, and made by other versions
} pl_run_mapping;

// Objects of a source that wait before a table (flow/judge.h), after the run.
typedef struct pl_run_hold {
    const char *source, *table, *why;
    int64_t objects, records;
    int64_t since_us, until_us; // published as they are then; 0: not without a person
    bool released;              // they may go, but have not been planned again
    bool checks;                // the contract's checks hold them, not drift
} pl_run_hold;

// What changed in the data, as the books know it since this run (registry/drift.h).
typedef struct pl_run_finding {
    int64_t id;
    const char *source, *table, *column; // "" none
    const char *class, *before, *after;
    pl_finding_state state;
} pl_run_finding;

// A new path that became a column by itself, or could not (flow/adopt.h).
typedef struct pl_run_column {
    int64_t finding;
    const char *source, *table, *path;
    const char *column, *type; // "" where it did not become one
    const char *why_not;       // NULL: it did
    uint64_t objects, rows;    // mapped anew to fill it
    const char *replay;        // what fills it where that is too much to be done unasked; or NULL
} pl_run_column;

// Objects that a rollback withdrew: runs leave them alone.
typedef struct pl_run_withdrawn {
    const char *table;
    int64_t objects;
} pl_run_withdrawn;

typedef struct pl_run_report {
    const char *run;     // "" when there was nothing to do
    const char *resumed; // a dead run that was finished first; NULL: none
    bool nothing;
    bool again; // of a plan that was committed: what it did not publish can be planned again
    pl_run_table *tables;
    uint32_t table_count;
    pl_run_source *sources;
    uint32_t source_count;
    pl_run_damage *damages;
    uint32_t damage_count;
    pl_run_mapping *mappings;
    uint32_t mapping_count;
    pl_unfit *unfit; // nothing of these was mapped
    uint32_t unfit_count;
    pl_run_hold *holds;
    uint32_t hold_count;
    pl_run_withdrawn *withdrawn;
    uint32_t withdrawn_count;
    pl_run_finding *findings; // those whose state this run changed, newest first
    uint32_t finding_count;
    pl_run_column *columns;
    uint32_t column_count;
    pl_check_row *checks; // that failed in this run, or would have if they were not accepted
    uint32_t check_count;
    uint64_t records, rows, quarantined, filtered;
    uint64_t content_bytes;
    int64_t micros;
} pl_run_report;

// Run. The report lives in `arena`, complete on success only. PLUMB_E_UNAVAILABLE: another run
// holds the lock. Whatever fails, nothing of this run is published.
PL_MUST_USE plumb_status pl_run(const pl_run_options *options, pl_arena *arena,
                                pl_run_report *ret_report, plumb_error *err);

// ---- the parts of a run, as processes of their own ---------------------------------------------
//
//     plan     registers the run and writes .plumb/runs/<run>/plan.json
//     work     does one task and puts its result; sees only the lake, touches nothing shared
//     commit   takes the results, gates, publishes
//
// It is the same path as pl_run's. A planned run waits: other runs leave it alone, unless they
// published its objects, which makes the plan stale, or it is a day old.
typedef struct pl_planned_task {
    const char *task, *source, *table;
    uint32_t objects;
    int64_t stored_bytes;
} pl_planned_task;

typedef struct pl_planned {
    const char *run; // NULL: there is nothing to do
    pl_planned_task *tasks;
    uint32_t task_count;
    pl_unfit *unfit; // nothing of these is planned
    uint32_t unfit_count;
} pl_planned;

PL_MUST_USE plumb_status pl_run_plan(const pl_run_options *options, pl_arena *arena,
                                     pl_planned *ret_planned, plumb_error *err);

typedef struct pl_worked {
    uint64_t records, rows, quarantined, filtered, files, damaged;
} pl_worked;

// Needs no registry, no lock and no project. PLUMB_E_NOT_FOUND: no such plan, or no such task.
PL_MUST_USE plumb_status pl_run_work(pl_store *store, const char *run, const char *task,
                                     pl_arena *arena, pl_worked *ret_worked, plumb_error *err);

// Where a source turns out to be suspect nothing of the plan is published: its objects are staged,
// ret_report->again says that all others want a new plan.
//
// PLUMB_E_NOT_FOUND: no such run, or results are missing (the message names them; they may still
// come). PLUMB_E_CONFLICT: the run has ended, or its plan is stale and was given up.
PL_MUST_USE plumb_status pl_run_commit(const pl_run_options *options, const char *run,
                                       pl_arena *arena, pl_run_report *ret_report,
                                       plumb_error *err);

#endif
