// apart.c -- plan, work and commit as processes of their own, for a cluster's scheduler.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/ulid.h"
#include "flow/freshness.h"
#include "flow/judge.h"
#include "flow/taskdoc.h"
#include "os/os.h"

// ---- plan --------------------------------------------------------------------------------------
static plumb_status plan_locked(const pl_run_options *options, pl_arena *arena, void *context,
                                plumb_error *err)
{
    pl_planned *planned = context;
    const pl_project *project = options->project;
    planned->unfit = PL_TAKE(arena, pl_unfit, project->unfit_count);
    for (uint32_t i = 0; i < project->unfit_count; i++)
        if (!options->source || pl_span_is(project->unfit[i].file->source, options->source))
            planned->unfit[planned->unfit_count++] = project->unfit[i];
    run_state *run = pl_run__new(options, NULL, arena);
    run->command = "plan";
    plumb_status st = pl_run__plan(run, err);
    if (st != PLUMB_OK) {
        plumb_error ignored;
        if (run->started)
            PL_IGNORE(
                pl_run__drop(options->store, options->registry, run->run, run->now_us, &ignored));
        return st;
    }
    if (!run->started) return PLUMB_OK;
    PL_TRY(pl_store_settle_way(options->store, pl_taskdoc_key(run->run, "plan", arena), err));
    planned->run = pl_arena_cstr(arena, pl_span_of(run->run));
    planned->tasks = PL_TAKE(arena, pl_planned_task, run->task_count);
    for (uint32_t t = 0; t < run->task_count; t++) {
        const run_task *task = &run->tasks[t];
        pl_planned_task *out = &planned->tasks[planned->task_count++];
        *out = (pl_planned_task){.task = task->work.id,
                                 .source = task->source->name,
                                 .table = task->source->table->name,
                                 .objects = task->work.object_count};
        for (uint32_t i = 0; i < task->work.object_count; i++)
            out->stored_bytes += task->work.objects[i].stored_bytes;
    }
    return PLUMB_OK;
}

plumb_status pl_run_plan(const pl_run_options *options, pl_arena *arena, pl_planned *ret_planned,
                         plumb_error *err)
{
    plumb_error local;
    *ret_planned = (pl_planned){0};
    return pl_run__with_lock(options, "plan", plan_locked, arena, ret_planned, err ? err : &local);
}

// ---- work --------------------------------------------------------------------------------------
// A run's id as a person may have typed it.
static plumb_status check_run(const char *verb, const char *run, plumb_error *err)
{
    if (pl_ulid_valid(pl_span_of(run))) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_NOT_FOUND, "cannot %s run '%s': it is no run's id", verb, run);
}

plumb_status pl_run_work(pl_store *store, const char *run, const char *task, pl_arena *arena,
                         pl_worked *ret_worked, plumb_error *err)
{
    pl_run_options options = {.store = store, .threads = 1};
    PL_TRY(check_run("work for", run, err));
    run_state *state = pl_run__new(&options, run, arena);
    plumb_status st = pl_run__plan_get(state, err);
    if (st == PLUMB_E_NOT_FOUND) {
        pl_fail(err, st, "cannot work for run '%s': the lake has no plan of it", run);
        pl_hint(err, "It was committed or given up; 'plumb plan' makes a new one.");
    }
    if (st != PLUMB_OK) return st;
    run_task *found = NULL;
    for (uint32_t t = 0; t < state->task_count; t++)
        if (strcmp(state->tasks[t].work.id, task) == 0) found = &state->tasks[t];
    if (!found)
        return pl_fail(err, PLUMB_E_NOT_FOUND,
                       "cannot work for run '%s': its plan has tasks t1 to t%u, not '%s'", run,
                       state->task_count, task);
    found->work.cancel = &pl_cancelled;
    PL_TRY(pl_taskdoc_do(&found->work, &found->result, err));
    // It may be the result of another, who died before he came to that.
    PL_TRY(pl_store_settle_way(store, pl_taskdoc_key(run, task, arena), err));
    pl_worked worked = {.files = found->result.file_count};
    for (uint32_t i = 0; i < found->result.object_count; i++) {
        const pl_object_result *object = &found->result.objects[i];
        worked.records += object->records;
        worked.rows += object->rows;
        worked.quarantined += object->quarantined;
        worked.filtered += object->filtered;
        worked.damaged += object->damaged != NULL;
    }
    pl_task_result_done(&found->result);
    *ret_worked = worked;
    return PLUMB_OK;
}

// ---- commit ------------------------------------------------------------------------------------
typedef struct commit_call {
    const char *run;
    pl_run_report *report;
} commit_call;

static plumb_status check_working(const pl_run_options *options, const char *run, plumb_error *err)
{
    pl_run_row row;
    bool found;
    pl_arena scratch = {0};
    plumb_status st = pl_registry_run(options->registry, run, &scratch, &row, &found, err);
    if (st == PLUMB_OK && !found) {
        st = pl_fail(err, PLUMB_E_NOT_FOUND, "cannot commit run '%s': there is no such run", run);
    } else if (st == PLUMB_OK && strcmp(row.state, "working") != 0) {
        st = pl_fail(err, PLUMB_E_CONFLICT, "cannot commit run '%s': it is %s already", run,
                     row.state);
        if (strcmp(row.state, "done") != 0) pl_hint(err, "Make a new plan with 'plumb plan'.");
    }
    pl_arena_done(&scratch);
    return st;
}

// Take every result, or say which are missing.
static plumb_status take_results(run_state *run, plumb_error *err)
{
    pl_buf missing = {0};
    uint32_t count = 0;
    const char *first = NULL;
    plumb_status st = PLUMB_OK;
    for (uint32_t t = 0; t < run->task_count && st == PLUMB_OK; t++) {
        run_task *task = &run->tasks[t];
        st = pl_taskdoc_get(&task->work, &task->result, err);
        if (st == PLUMB_OK) pl_run__keep_shapes(run, task);
        if (st != PLUMB_E_NOT_FOUND) continue;
        st = PLUMB_OK;
        if (!first) first = task->work.id;
        if (++count <= 20) pl_buf_printf(&missing, "%s%s", count > 1 ? ", " : "", task->work.id);
    }
    if (st == PLUMB_OK && count) {
        st = pl_fail(err, PLUMB_E_NOT_FOUND, "cannot commit run '%s': no result of %s %s%s",
                     run->run, count == 1 ? "task" : "tasks", pl_buf_cstr(&missing),
                     count > 20 ? ", ..." : "");
        pl_hint(err, "Do the work first: plumb work %s %s", run->run, first);
    }
    pl_buf_done(&missing);
    return st;
}

static plumb_status commit_locked(const pl_run_options *options, pl_arena *arena, void *context,
                                  plumb_error *err)
{
    commit_call *call = context;
    PL_TRY(check_working(options, call->run, err));
    run_state *run = pl_run__new(options, call->run, arena);
    PL_TRY(pl_run__plan_get(run, err));
    plumb_status st = pl_run__holds(run, err);
    if (st == PLUMB_E_CONFLICT) {
        plumb_error ignored;
        PL_IGNORE(pl_run__drop(options->store, options->registry, run->run, run->now_us, &ignored));
    }
    if (st != PLUMB_OK) return st;
    st = take_results(run, err);
    if (st == PLUMB_E_NOT_FOUND) { // the others stay where they are
        for (uint32_t t = 0; t < run->task_count; t++) pl_task_result_done(&run->tasks[t].result);
        return st;
    }
    PL_TRY(pl_run__finish(run, st, call->report, err));
    call->report->again = run->stages || run->releases;
    plumb_error ignored;
    PL_IGNORE(pl_freshness_record(options, pl_clock_micros(), &ignored)); // else with the next run
    return PLUMB_OK;
}

plumb_status pl_run_commit(const pl_run_options *options, const char *run, pl_arena *arena,
                           pl_run_report *ret_report, plumb_error *err)
{
    int64_t began = pl_clock_monotonic(), since_us = pl_clock_micros();
    plumb_error local;
    commit_call call = {run, ret_report};
    if (!err) err = &local;
    *ret_report = (pl_run_report){.run = "", .nothing = true};
    PL_TRY(check_run("commit", run, err));
    plumb_status st = pl_run__with_lock(options, "commit", commit_locked, arena, &call, err);
    if (st == PLUMB_OK) pl_run__tell_mappings(options, arena, ret_report);
    if (st == PLUMB_OK) pl_run__tell_withdrawn(options, arena, ret_report);
    if (st == PLUMB_OK) st = pl_run__tell_drift(options, since_us, arena, ret_report, err);
    ret_report->micros = pl_clock_monotonic() - began;
    return st;
}
