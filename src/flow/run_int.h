// run_int.h -- shared by the steps of a run.
//
//     plan.c     what is there to do: project + registry -> the plan document
//     edits.c    what a contract may not change of a table with rows
//     plandoc.c  the plan document, written and read: everything later works from what it says
//     run.c      plan, work and commit in one process
//     apart.c    the same as three
//     judge.c    may it be published? verdict.c what is said of it, holds.c what waits (judge.h)
//     publish.c  the gate and the commit
//     swap.c     data files that go with a commit, and what comes in place of them
//     replay.c   objects once more: their rows go, and come anew
//     compact.c  small files as large ones
//     retry.c    quarantined records once more: another plan, other books, else the same path
//     recover.c  what dead runs left
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_RUN_INT_H
#define PL_FLOW_RUN_INT_H

#include <pthread.h>

#include "base/map.h"
#include "flow/copy.h"
#include "flow/run.h"
#include "iceberg/table.h"

// Rows of a live file that go on living in a new one.
typedef struct run_copy {
    pl_span from; // URI; of several files made one, the first
    pl_part_file made;
} run_copy;

// What goes of a table with the commit.
typedef struct run_swap {
    pl_span *removed; // URIs
    uint32_t removed_count;
    uint64_t rows;         // that go for good
    uint64_t whole, mixed; // files: of those rows alone, and those of which the rest is copied
    uint64_t mixed_bytes, rows_copied;
    const char **partitions; // of them, by name
    uint32_t partition_count;
} run_swap;

// A table that this run may commit to.
typedef struct run_table {
    const pl_contract *contract;
    char *name;
    char *key;                     // "tables/<name>"
    const pl_schema *schema;       // as planned, ids set: what tasks write
    const pl_partition_spec *spec; // as planned
    pl_sort_order sort;            // as planned
    pl_ice_metadata *planned;      // without its history
    // When committing:
    char *expected; // metadata location it was loaded from; NULL: it does not exist yet
    pl_ice_table *table;
    bool evolved; // schema differs from the head's: commit even without rows
    run_swap swap;
    run_copy *copies; // in place of files that go
    uint32_t copy_count;
    uint64_t rows, files;
    int64_t snapshot;
    char *next; // metadata location to commit
    pl_ice_commit commit;
} run_table;

// A (source, table) with objects to map.
typedef struct run_source {
    const pl_mapping *mapping;
    char *name;
    run_table *table;
    int64_t version; // of the mapping
    bool picked;     // by a person: whatever the file says now
    pl_map_plan *plan;
    // Objects land behind a hold: they are only looked at, and wait with the others.
    bool joins;
    char *released;           // last object of a hold that may go; NULL: there is none
    const char *first, *last; // objects of the plan's tasks
    pl_work_object *objects;  // while planning; owned
    uint32_t count, capacity;
} run_source;

typedef struct run_task {
    run_source *source;
    pl_work_task work;
    pl_task_result result;
    plumb_status status;
    plumb_error err;
} run_task;

typedef struct run_state run_state;

struct run_state {
    const pl_run_options *options;
    pl_arena *arena;
    pl_arena *report_arena; // what is told outlives the run
    char run[PL_ID_TEXT];
    const char *command; // "run", "plan", "retry", "replay" or "compact"
    char *only;          // source the plan was made for; NULL: all
    int64_t now_us;
    uint64_t memory_bytes;
    pl_quota quota;               // of bytes, for row groups being written
    _Atomic uint64_t shape_bytes; // of results, in memory
    run_task *recalled;           // whose shapes were set aside, and are there; NULL: none
    pl_crew *crew;                // of the threads, while they work
    // Fills tables and sources with what there is to do; NULL: what is pending.
    plumb_status (*find)(run_state *run, void *context, plumb_error *err);
    void *find_context;
    // Says which files of a table go, and makes what comes in place of them; NULL: none go.
    plumb_status (*swap)(run_state *run, run_table *table, plumb_error *err);
    bool observe; // the shapes of records, says the plan
    bool accepts; // whatever checks say, says the plan, too
    bool regains; // what a rollback took out comes back, says the plan: baselines learn from it
    bool dry;     // only find out: no row, no plan in the lake, no files
    bool started; // the run has its row
    bool shared;  // others may have worked for it: look for files that do not count
    run_table *tables;
    uint32_t table_count;
    run_source *sources;
    uint32_t source_count;
    run_task *tasks;
    uint32_t task_count;
    struct verdict *verdicts; // of the sources, once they are judged (judge.h)
    uint32_t verdict_count;
    bool stages;        // objects are to wait: the run is given up as held, and planned again
    bool releases;      // some may go by now: there is more to plan
    const pl_map *skip; // objects not to plan again; may be NULL
    // Where in the project's mappings, and after which object, what is pending is looked for; where
    // that ended, and whether there is more.
    uint32_t first_mapping;
    char after[PL_ID_TEXT];
    bool more;
    bool later; // another run of the same command has published
    _Atomic uint32_t next_task;
    _Atomic uint32_t working; // worker threads not finished yet
    pthread_mutex_t lock;     // of the last one's saying so:
    pthread_cond_t idle;
    atomic_bool stop; // a task failed, or the user asked
    uint64_t content_total;
    pl_work_progress progress;
};

// plan.c: what is there to do. Registers the run, writes its plan and reads it back into `run`;
// run->started stays false, and there are no tasks, when there is nothing.
plumb_status pl_run__plan(run_state *run, plumb_error *err);
// The run's row, its tasks and the versions of its mappings, in one transaction.
plumb_status pl_run__register(run_state *run, plumb_error *err);
// For run->find: the run's table of a contract, and one more object for a source. Room for tables
// and sources is the finder's business.
run_table *pl_run__table(run_state *run, const pl_contract *contract);
pl_work_object *pl_run__object(run_state *run, run_source *source, const pl_object_row *row);
// The head of a table, its schema as the contract wants it.
plumb_status pl_run__load_table(run_state *run, run_table *table, plumb_error *err);
// edits.c: PLUMB_E_CONFIG if the contract asks for another partition or key than the table's rows
// were written with.
plumb_status pl_run__check_edits(run_state *run, const run_table *table, plumb_error *err);
// Is the plan still true? PLUMB_E_CONFLICT says why not.
plumb_status pl_run__holds(run_state *run, plumb_error *err);

// run.c
run_state *pl_run__new(const pl_run_options *options, const char *run, pl_arena *arena);
// What the last command left: dead runs, the log, hints. A run whose plan still holds is finished
// and told in `report`; `skip` gets its objects.
plumb_status pl_run__begin(const pl_run_options *options, pl_arena *arena, pl_map *skip,
                           pl_run_report *report, plumb_error *err);
// Do the tasks, on threads.
plumb_status pl_run__work(run_state *run, plumb_error *err);
void pl_run__results_done(run_state *run);
// Add what came of the tasks to the report.
void pl_run__report(run_state *run, pl_run_report *report);
// All results are there (or `st` says why not): gate, publish, tell; or give the run up.
plumb_status pl_run__finish(run_state *run, plumb_status st, pl_run_report *report,
                            plumb_error *err);
// Defaults of the options, and the run lock around `locked`.
typedef plumb_status (*pl_run__locked)(const pl_run_options *options, pl_arena *arena,
                                       void *context, plumb_error *err);
plumb_status pl_run__with_lock(const pl_run_options *options, const char *command,
                               pl_run__locked locked, pl_arena *arena, void *context,
                               plumb_error *err);

// What is to be told of the mappings, and of withdrawn objects, after a run. Failures are no one's
// business by then.
void pl_run__tell_withdrawn(const pl_run_options *options, pl_arena *arena, pl_run_report *report);
void pl_run__tell_mappings(const pl_run_options *options, pl_arena *arena, pl_run_report *report);

// plandoc.c
void pl_run__plan_write(const run_state *run, pl_buf *out);
// Fill `run` from a plan's text, which must outlive it. Needs options->store and threads only.
plumb_status pl_run__plan_parse(run_state *run, pl_span text, const char *name, plumb_error *err);
plumb_status pl_run__plan_get(run_state *run, plumb_error *err); // of run->run, from the store
size_t pl_run__half_of_memory(const run_state *run);
// A task of the run has a result, which stands in its document: its shapes stay in memory as long
// as there is room for them.
void pl_run__keep_shapes(run_state *run, run_task *task);

// publish.c: the gate and the commit.
plumb_status pl_run__gate(run_state *run, plumb_error *err);
plumb_status pl_run__publish(run_state *run, plumb_error *err);
void pl_run__write_hints(run_state *run);

// swap.c: rows of the run's objects go. A dry run only finds out.
plumb_status pl_run__swap_objects(run_state *run, run_table *table, plumb_error *err);
// All but file_number and batch.
void pl_run__copy_options(run_state *run, const run_table *table, pl_parts_options *ret_options);
const char *pl_run__partition_path(const pl_schema *schema, const pl_ice_file *file,
                                   pl_arena *arena);

// replay_look.c: which rows a dry replay would change, of so much content.
struct pl_replay_report;
plumb_status pl_replay__compare(run_state *run, uint64_t budget, struct pl_replay_report *report,
                                plumb_error *err);

// retry.c: the books of an object that was retried.
plumb_status pl_run__record_retry(run_state *run, const run_task *task, uint32_t object,
                                  plumb_error *err);

// recover.c
// Give a run up: its row says failed, its files go, but for those that were published.
plumb_status pl_run__drop(pl_store *store, pl_registry *registry, const char *run, int64_t now_us,
                          plumb_error *err);
// Delete data files of a run that the registry does not know, then its documents.
plumb_status pl_run__clear(pl_store *store, pl_registry *registry, const char *run, bool files,
                           plumb_error *err);
// Dead runs but the newest, what ended runs left, stale plans; *ret_resume (PL_ID_TEXT bytes) is
// the dead run that may be resumed, or "".
plumb_status pl_run__recover(pl_store *store, pl_registry *registry, int64_t now_us,
                             char *ret_resume, plumb_error *err);
// version-hint.text of every table, as the registry says.
plumb_status pl_run__repair_hints(pl_store *store, pl_registry *registry, plumb_error *err);

#endif
