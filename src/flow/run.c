// SPDX-License-Identifier: Apache-2.0
#include "flow/run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "flow/follow.h"
#include "flow/freshness.h"
#include "flow/ingest.h"
#include "flow/judge.h"
#include "flow/log.h"
#include "flow/mappings.h"
#include "flow/relocate.h"
#include "flow/run_int.h"
#include "flow/taskdoc.h"
#include "flow/transaction.h"
#include "os/os.h"
#include "registry/lock.h"

enum { TICK_MICROS = 50 * 1000, TICKS_SHOWN = 5 };
// Each time a run holds objects it begins anew without them: so often in one command at most.
enum { HOLDS_MAX = 64 };

static void lead_tasks(run_state *run)
{
    for (;;) {
        pl_crew_begin(run->crew);
        uint32_t i = atomic_fetch_add(&run->next_task, 1);
        if (i >= run->task_count || atomic_load(&run->stop)) return;
        run_task *task = &run->tasks[i];
        task->status = (run->dry ? pl_work : pl_taskdoc_do)(&task->work, &task->result, &task->err);
        if (task->status == PLUMB_OK && !run->dry) pl_run__keep_shapes(run, task);
        pl_crew_end(run->crew);
        if (task->status != PLUMB_OK) atomic_store(&run->stop, true);
    }
}

// Wait for the last worker, but no longer than a tick. (To look every 10 ms instead was half a
// percent of a run's CPU, and 5 ms more until a short run knew that it was done.)
static void wait_tick(run_state *run)
{
    int64_t until = pl_clock_monotonic() + TICK_MICROS;
    struct timespec at = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    pthread_mutex_lock(&run->lock);
    if (atomic_load(&run->working)) pthread_cond_timedwait(&run->idle, &run->lock, &at);
    pthread_mutex_unlock(&run->lock);
}

// Thread 0 only watches: it passes the user's wish to stop on and reports progress.
static void watch(run_state *run)
{
    const pl_run_options *o = run->options;
    for (int64_t tick = 1; atomic_load(&run->working); tick++) {
        if (atomic_load(&pl_cancelled)) atomic_store(&run->stop, true);
        if (o->progress && tick % TICKS_SHOWN == 0)
            o->progress(o->progress_context, atomic_load(&run->progress.content_bytes),
                        run->content_total, atomic_load(&run->progress.records));
        wait_tick(run);
    }
}

static void worker(void *context, uint32_t index)
{
    run_state *run = context;
    if (index == 0) {
        watch(run);
    } else {
        pl_crew_enter(run->crew);
        lead_tasks(run);
        pl_crew_help(run->crew);
        pthread_mutex_lock(&run->lock);
        if (atomic_fetch_sub(&run->working, 1) == 1) pthread_cond_signal(&run->idle);
        pthread_mutex_unlock(&run->lock);
    }
}

plumb_status pl_run__work(run_state *run, plumb_error *err)
{
    uint32_t threads = run->task_count ? run->options->threads : 0;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&run->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&run->lock, NULL);
    run->crew = pl_crew_new();
    for (uint32_t i = 0; i < run->task_count; i++) {
        run->tasks[i].work.crew = run->crew;
        run->tasks[i].work.workers = threads;
    }
    atomic_store(&run->working, threads);
    if (threads) pl_threads_run(threads + 1, worker, run);
    pl_crew_free(run->crew);
    pthread_cond_destroy(&run->idle);
    pthread_mutex_destroy(&run->lock);
    bool cancelled = atomic_load(&pl_cancelled);
    for (uint32_t i = 0; i < run->task_count; i++) {
        if (run->tasks[i].status == PLUMB_OK || run->tasks[i].status == PLUMB_E_CANCELLED) continue;
        *err = run->tasks[i].err;
        return run->tasks[i].status;
    }
    if (cancelled)
        return pl_fail(err, PLUMB_E_CANCELLED, "stopped on request, nothing%s was published",
                       run->later ? " more" : "");
    return PLUMB_OK;
}

static char *told(run_state *run, const char *text)
{
    return pl_arena_cstr(run->report_arena, pl_span_of(text));
}

// The report's line of a (source, table), a new one if there is none.
static pl_run_source *source_line(run_state *run, pl_run_report *report, const run_source *source)
{
    for (uint32_t i = 0; i < report->source_count; i++)
        if (strcmp(report->sources[i].source, source->name) == 0 &&
            strcmp(report->sources[i].table, source->table->name) == 0)
            return &report->sources[i];
    pl_run_source *line = &report->sources[report->source_count++];
    *line =
        (pl_run_source){.source = told(run, source->name), .table = told(run, source->table->name)};
    return line;
}

static void report_task(run_state *run, pl_run_report *report, const run_task *task)
{
    if (task->source->joins) return; // pl_run__tell_drift
    pl_run_source *out = source_line(run, report, task->source);
    for (uint32_t i = 0; i < task->result.object_count; i++) {
        const pl_object_result *object = &task->result.objects[i];
        out->objects += !object->damaged;
        out->damaged += object->damaged != NULL;
        out->records += object->records;
        out->rows += object->rows;
        out->quarantined += object->quarantined;
        out->filtered += object->filtered;
        out->lost += object->lost;
        out->coerced += object->coerced;
        out->conflicts += object->conflicts;
        report->records += object->records;
        report->rows += object->rows;
        report->quarantined += object->quarantined;
        report->filtered += object->filtered;
    }
}

static void report_damages(run_state *run, pl_run_report *report)
{
    for (uint32_t t = 0; t < run->task_count; t++)
        for (uint32_t i = 0; i < run->tasks[t].result.object_count; i++) {
            const char *why = run->tasks[t].result.objects[i].damaged;
            if (!why) continue;
            report->damages[report->damage_count++] =
                (pl_run_damage){told(run, run->tasks[t].work.objects[i].id.data),
                                told(run, run->tasks[t].source->name), told(run, why)};
        }
}

// Room for `more` items after the `count` there are.
static void *more_room(pl_arena *arena, const void *items, uint32_t count, uint32_t more,
                       size_t bytes)
{
    void *room = pl_arena_take(arena, (count + (size_t)more) * bytes);
    if (count) memcpy(room, items, count * bytes);
    return room;
}

// Add a run to the report; a run that was resumed and a new one are told together.
void pl_run__report(run_state *run, pl_run_report *report)
{
    uint32_t damages = 0;
    for (uint32_t t = 0; t < run->task_count; t++)
        for (uint32_t i = 0; i < run->tasks[t].result.object_count; i++)
            damages += run->tasks[t].result.objects[i].damaged != NULL;
    report->tables = more_room(run->report_arena, report->tables, report->table_count,
                               run->table_count, sizeof *report->tables);
    report->sources = more_room(run->report_arena, report->sources, report->source_count,
                                run->source_count, sizeof *report->sources);
    report->damages = more_room(run->report_arena, report->damages, report->damage_count, damages,
                                sizeof *report->damages);
    report->run = told(run, run->run);
    for (uint32_t i = 0; i < run->table_count; i++) {
        const run_table *table = &run->tables[i];
        if (!table->next) continue;
        report->tables[report->table_count++] = (pl_run_table){.table = told(run, table->name),
                                                               .snapshot = table->snapshot,
                                                               .rows = table->rows,
                                                               .files = table->files,
                                                               .created = !table->expected,
                                                               .evolved = table->evolved};
    }
    for (uint32_t t = 0; t < run->task_count; t++) report_task(run, report, &run->tasks[t]);
    report_damages(run, report);
    report->content_bytes += atomic_load(&run->progress.content_bytes);
    report->nothing = false;
}

// Files of a run that will not be published go at once; what cannot be deleted now is left to the
// next run's recovery, as after a crash.
static void give_up(run_state *run)
{
    if (!run->started) return;
    plumb_error ignored;
    PL_IGNORE(pl_run__drop(run->options->store, run->options->registry, run->run, pl_clock_micros(),
                           &ignored)); // the first error is the one to tell
}

void pl_run__results_done(run_state *run)
{
    for (uint32_t i = 0; i < run->task_count; i++) pl_task_result_done(&run->tasks[i].result);
}

plumb_status pl_run__finish(run_state *run, plumb_status st, pl_run_report *report,
                            plumb_error *err)
{
    pl_store *store = run->options->store;
    pl_registry *registry = run->options->registry;
    if (st == PLUMB_OK) st = pl_run__gate(run, err);
    if (st == PLUMB_OK) st = pl_run__judge(run, err);
    if (st == PLUMB_OK) st = run->stages ? pl_run__stage(run, err) : pl_run__publish(run, err);
    if (st == PLUMB_E_UNKNOWN) {
        st = pl_run_settle(registry, run->run, err);
        if (st == PLUMB_OK) pl_run__write_hints(run);
    }
    if (st == PLUMB_OK) {
        plumb_error ignored;
        if (!run->stages) pl_run__report(run, report);
        // Only housekeeping from here: the next run does what is left.
        PL_IGNORE(pl_run__clear(store, registry, run->run,
                                run->shared || run->stages || report->damage_count, &ignored));
    } else if (st != PLUMB_E_UNKNOWN) {
        give_up(run);
    }
    pl_run__verdicts_done(run);
    pl_run__results_done(run);
    return st;
}

run_state *pl_run__new(const pl_run_options *options, const char *run, pl_arena *arena)
{
    run_state *state = PL_TAKE(arena, run_state, 1);
    *state = (run_state){.options = options,
                         .arena = arena,
                         .report_arena = arena,
                         .command = "run",
                         .now_us = pl_clock_micros(),
                         .only = options->source ? pl_arena_cstr(arena, pl_span_of(options->source))
                                                 : NULL};
    if (options->project) state->memory_bytes = options->project->settings.memory_bytes;
    if (run) {
        snprintf(state->run, sizeof state->run, "%s", run);
        state->started = state->shared = true;
    } else {
        pl_run_id(state->now_us, state->run);
    }
    return state;
}

// Is the plan what the project's files would give now?
static bool same_files(const run_state *run)
{
    const pl_project *project = run->options->project;
    for (uint32_t i = 0; i < run->table_count; i++) {
        const pl_contract *then = run->tables[i].contract;
        const pl_contract *now = pl_project_contract(project, then->table);
        if (!now || !pl_span_equal(now->text, then->text)) return false;
    }
    for (uint32_t i = 0; i < run->source_count; i++) {
        const pl_mapping *then = run->sources[i].mapping;
        const pl_mapping *now = pl_project_mapping(project, then->source, then->table);
        if (!run->sources[i].picked && (!now || !pl_span_equal(now->text, then->text)))
            return false;
    }
    return true;
}

// Go on with a dead run whose plan still holds: only tasks without a result are done again. What
// does not hold is given up. `skip` gets its objects.
static plumb_status resume(const pl_run_options *options, const char *dead, pl_arena *arena,
                           pl_map *skip, pl_run_report *report, plumb_error *err)
{
    run_state *run = pl_run__new(options, dead, arena);
    plumb_error why;
    plumb_status st = pl_run__plan_get(run, &why);
    if (st == PLUMB_OK) st = pl_run__holds(run, &why);
    bool asked = !options->source || (run->only && strcmp(run->only, options->source) == 0);
    if (st != PLUMB_OK || !asked || !same_files(run))
        return pl_run__drop(options->store, options->registry, dead, run->now_us, err);
    report->resumed = pl_arena_cstr(arena, pl_span_of(dead));
    PL_TRY(pl_run__finish(run, pl_run__work(run, err), report, err));
    for (uint32_t t = 0; t < run->task_count && !run->stages && !run->releases; t++)
        for (uint32_t i = 0; i < run->tasks[t].work.object_count; i++)
            if (!run->tasks[t].work.objects[i].retry &&
                !run->tasks[t].work.objects[i].replaces) // its object may be new for another table
                pl_map_add(skip, run->tasks[t].work.objects[i].id, 0);
    return PLUMB_OK;
}

plumb_status pl_run__begin(const pl_run_options *options, pl_arena *arena, pl_map *skip,
                           pl_run_report *report, plumb_error *err)
{
    pl_store *store = options->store;
    pl_registry *registry = options->registry;
    pl_ingest_recovery recovery;
    char dead[PL_ID_TEXT];
    int64_t now_us = pl_clock_micros();
    PL_TRY(pl_ingest_recover(store, registry, now_us, &recovery, err));
    PL_TRY(pl_run__recover(store, registry, now_us, dead, err));
    PL_TRY(pl_log_repair(store, registry, err));
    PL_TRY(pl_run__repair_hints(store, registry, err));
    PL_TRY(pl_follow_catalog(store, registry, now_us, err));
    return *dead ? resume(options, dead, arena, skip, report, err) : PLUMB_OK;
}

// One run, of what is pending behind `at`, which is where it ended afterwards.
static plumb_status run_some(const pl_run_options *options, const pl_map *skip, run_state *at,
                             pl_arena *arena, pl_run_report *report, plumb_error *err)
{
    pl_arena own = {0};
    run_state *run = pl_run__new(options, NULL, &own);
    run->report_arena = arena;
    run->skip = skip;
    run->first_mapping = at->first_mapping;
    run->later = !report->nothing;
    memcpy(run->after, at->after, sizeof run->after);
    plumb_status st = pl_run__plan(run, err);
    if (run->started)
        st = pl_run__finish(run, st == PLUMB_OK ? pl_run__work(run, err) : st, report, err);
    if (run->stages || run->releases) // from where it began; what may go lies anywhere
        *at = (run_state){
            .first_mapping = run->releases ? 0 : at->first_mapping, .more = true, .stages = true};
    else
        *at = (run_state){.first_mapping = run->first_mapping, .more = run->more};
    if (!at->stages) memcpy(at->after, run->after, sizeof at->after);
    pl_arena_done(&own);
    return st;
}

static plumb_status run_locked(const pl_run_options *options, pl_arena *arena, void *context,
                               plumb_error *err)
{
    pl_run_report *report = context;
    pl_map skip = {0};
    pl_run_options o = *options;
    plumb_status st = pl_run__begin(&o, arena, &skip, report, err);
    // What a dead run held, it may have laid an overlay for.
    run_state at = {.more = true, .stages = report->resumed != NULL};
    for (uint32_t holds = 0; at.more && st == PLUMB_OK; holds += at.stages) {
        pl_project *project; // a rule may have laid an overlay over a mapping
        if (at.stages) st = pl_mappings_in_use(o.files, o.registry, arena, &project, err);
        if (at.stages && st == PLUMB_OK) o.project = project;
        if (holds > HOLDS_MAX)
            st = pl_fail(err, PLUMB_E_FAILED, "cannot run: objects were held %u times, and freed",
                         holds);
        at.stages = false;
        if (st == PLUMB_OK) st = run_some(&o, &skip, &at, arena, report, err);
    }
    plumb_error ignored; // what is not in the books now is with the next run
    if (st == PLUMB_OK) PL_IGNORE(pl_freshness_record(&o, pl_clock_micros(), &ignored));
    pl_map_done(&skip);
    return st;
}

plumb_status pl_run__with_lock(const pl_run_options *options, const char *command,
                               pl_run__locked locked, pl_arena *arena, void *context,
                               plumb_error *err)
{
    pl_run_options o = *options;
    if (!o.threads) o.threads = o.project->settings.threads;
    if (!o.threads) o.threads = (uint32_t)pl_cpu_count();
    pl_lock_holder self = {
        .pid = pl_process_id(), .command = command, .since_us = pl_clock_micros()};
    pl_run_lock lock = {0};
    PL_TRY(pl_run_lock_take(o.lock_path, o.wait_ms, &self, &lock, err));
    pl_project *project = NULL; // as it is in use; only under the lock does it stay so
    plumb_status st = pl_check_place(o.store, o.registry, err);
    if (st == PLUMB_OK) st = pl_mappings_in_use(o.project, o.registry, arena, &project, err);
    o.files = o.project;
    o.project = project;
    if (st == PLUMB_OK) st = locked(&o, arena, context, err);
    pl_run_lock_release(&lock);
    return st;
}

void pl_run__tell_mappings(const pl_run_options *options, pl_arena *arena, pl_run_report *report)
{
    const pl_project *project = options->project;
    plumb_error why;
    report->mappings = PL_TAKE(arena, pl_run_mapping, project->mapping_count);
    report->unfit = PL_TAKE(arena, pl_unfit, project->mapping_count);
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        pl_mapping_now now;
        if (options->source && !pl_span_is(project->mappings[i]->source, options->source)) continue;
        plumb_status st = pl_mapping_now_get(project, i, options->registry, arena, &now, &why);
        if (st == PLUMB_E_CONFIG)
            report->unfit[report->unfit_count++] = (pl_unfit){project->mappings[i], why};
        if (st != PLUMB_OK || (!now.pinned && !now.rows)) continue;
        report->mappings[report->mapping_count++] =
            (pl_run_mapping){.source = now.source,
                             .table = now.table,
                             .file = now.file->file,
                             .version = now.version,
                             .pinned = now.pinned,
                             .pinned_text = now.mapping->text,
                             .file_text = now.file->text,
                             .rows = now.rows,
                             .objects = now.objects};
    }
}

void pl_run__tell_withdrawn(const pl_run_options *options, pl_arena *arena, pl_run_report *report)
{
    const pl_project *project = options->project;
    plumb_error ignored;
    report->withdrawn = PL_TAKE(arena, pl_run_withdrawn, project->contract_count);
    for (uint32_t i = 0; i < project->contract_count; i++) {
        const char *table = pl_arena_cstr(arena, project->contracts[i]->table);
        pl_counts counts;
        if (pl_registry_counts(options->registry, options->source, table, &counts, &ignored) ==
                PLUMB_OK &&
            counts.withdrawn)
            report->withdrawn[report->withdrawn_count++] =
                (pl_run_withdrawn){table, counts.withdrawn};
    }
}

plumb_status pl_run(const pl_run_options *options, pl_arena *arena, pl_run_report *ret_report,
                    plumb_error *err)
{
    int64_t began = pl_clock_monotonic(), since_us = pl_clock_micros();
    plumb_error local;
    *ret_report = (pl_run_report){.run = "", .nothing = true};
    plumb_status st =
        pl_run__with_lock(options, "run", run_locked, arena, ret_report, err ? err : &local);
    if (st == PLUMB_OK) pl_run__tell_mappings(options, arena, ret_report);
    if (st == PLUMB_OK) pl_run__tell_withdrawn(options, arena, ret_report);
    if (st == PLUMB_OK)
        st = pl_run__tell_drift(options, since_us, arena, ret_report, err ? err : &local);
    ret_report->micros = pl_clock_monotonic() - began;
    return st;
}
