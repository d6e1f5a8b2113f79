// run_int.h -- shared by the steps of a run: what plan makes and work, gate and publish fill.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_RUN_INT_H
#define PL_FLOW_RUN_INT_H

#include "flow/run.h"
#include "iceberg/table.h"

// A table that this run may commit to.
typedef struct run_table {
    const pl_contract *contract;
    char *name;
    char *key;      // "tables/<name>"
    char *expected; // metadata location it was loaded from; NULL: it does not exist yet
    pl_ice_table *table;
    bool evolved; // schema differs from the head's: commit even without rows
    uint64_t rows, files;
    int64_t snapshot;
    char *next; // metadata location to commit
    pl_ice_commit commit;
} run_table;

// A (source, table) with its pending objects.
typedef struct run_source {
    const pl_mapping *mapping;
    char *name;
    run_table *table;
    int64_t version; // of the mapping
    pl_map_plan *plan;
    pl_work_object *objects;
    uint32_t count, capacity;
} run_source;

typedef struct run_task {
    run_source *source;
    pl_work_task work;
    pl_task_result result;
    plumb_status status;
    plumb_error err;
} run_task;

typedef struct run_state {
    const pl_run_options *options;
    pl_arena *arena;
    pl_run_report *report;
    char run[27];
    int64_t now_us;
    bool started; // the run has its row
    run_table *tables;
    uint32_t table_count;
    run_source *sources;
    uint32_t source_count;
    run_task *tasks;
    uint32_t task_count;
    _Atomic uint32_t next_task;
    _Atomic uint32_t working; // worker threads not finished yet
    atomic_bool stop;         // a task failed, or the user asked
    uint64_t content_total;
    pl_work_progress progress;
} run_state;

// plan.c: what is there to do. Loads tables and evolves their schemas in memory.
plumb_status pl_run__plan(run_state *run, plumb_error *err);
plumb_status pl_run__load_table(run_state *run, run_table *table, plumb_error *err);
// publish.c: the gate and the commit.
plumb_status pl_run__gate(run_state *run, plumb_error *err);
plumb_status pl_run__publish(run_state *run, plumb_error *err);
void pl_run__write_hints(run_state *run);

#endif
