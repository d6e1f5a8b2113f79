// SPDX-License-Identifier: Apache-2.0
#include "flow/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ulid.h"
#include "flow/ingest.h"
#include "flow/run_int.h"
#include "os/os.h"
#include "registry/lock.h"

typedef struct dead_files {
    pl_store *store;
    pl_arena arena;
    char **runs;
    uint32_t run_count, run_capacity;
    plumb_status status;
    plumb_error *err;
} dead_files;

static bool collect_run(void *context, const pl_run_row *row)
{
    dead_files *dead = context;
    PL_GROW(dead->runs, dead->run_count, dead->run_capacity);
    dead->runs[dead->run_count++] = pl_arena_cstr(&dead->arena, pl_span_of(row->id));
    return true;
}

static bool delete_dead(void *context, const char *key, uint64_t bytes)
{
    dead_files *dead = context;
    const char *name = strrchr(key, '/');
    name = name ? name + 1 : key;
    (void)bytes;
    for (uint32_t i = 0; i < dead->run_count; i++)
        if (strncmp(name, dead->runs[i], strlen(dead->runs[i])) == 0 &&
            name[strlen(dead->runs[i])] == '-')
            dead->status = pl_store_delete(dead->store, key, dead->err);
    return dead->status == PLUMB_OK;
}

static plumb_status finish_dead(pl_registry *registry, const dead_files *dead, int64_t now_us,
                                plumb_error *err)
{
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = PLUMB_OK;
    for (uint32_t i = 0; i < dead->run_count && st == PLUMB_OK; i++)
        st = pl_registry_run_finish(registry, dead->runs[i], "failed", now_us, "", err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

plumb_status pl_run_recover(pl_store *store, pl_registry *registry, int64_t now_us,
                            plumb_error *err)
{
    dead_files dead = {.store = store, .err = err};
    plumb_status st = pl_registry_runs(registry, "working", 0, collect_run, &dead, err);
    if (st == PLUMB_OK && dead.run_count) {
        st = pl_store_list(store, "tables", delete_dead, &dead, err);
        if (st == PLUMB_OK) st = dead.status;
        if (st == PLUMB_OK) st = finish_dead(registry, &dead, now_us, err);
    }
    pl_arena_done(&dead.arena);
    free(dead.runs);
    return st;
}

typedef struct hint_repair {
    pl_store *store;
    pl_arena arena;
    plumb_status status;
    plumb_error *err;
} hint_repair;

// version-hint.text is written after the commit: a crash in between leaves it one behind.
static bool repair_hint(void *context, const pl_table_row *row)
{
    hint_repair *repair = context;
    char *key = pl_arena_printf(&repair->arena, "tables/%s/metadata/version-hint.text", row->name);
    const char *name = strrchr(row->metadata_location, '/');
    pl_span hint, suffix = PL_SPAN(".metadata.json"), want = pl_span_of(name ? name + 1 : "");
    if (want.bytes > suffix.bytes) want.bytes -= suffix.bytes;
    plumb_error ignored;
    // A table of a foreign writer may have no hint of ours, or live elsewhere.
    if (pl_store_get(repair->store, key, 4096, &repair->arena, &hint, &ignored) == PLUMB_OK &&
        pl_span_equal(hint, want))
        return true;
    if (!pl_store_key(repair->store, row->metadata_location)) return true;
    repair->status = pl_ice_write_hint(repair->store, row->metadata_location, repair->err);
    return repair->status == PLUMB_OK;
}

static plumb_status repair_hints(pl_store *store, pl_registry *registry, plumb_error *err)
{
    hint_repair repair = {.store = store, .err = err};
    plumb_status st = pl_registry_tables(registry, repair_hint, &repair, err);
    pl_arena_done(&repair.arena);
    return st == PLUMB_OK ? repair.status : st;
}

static void work_loop(run_state *run)
{
    for (;;) {
        uint32_t i = atomic_fetch_add(&run->next_task, 1);
        if (i >= run->task_count || atomic_load(&run->stop)) return;
        run_task *task = &run->tasks[i];
        task->status = pl_work(&task->work, &task->result, &task->err);
        if (task->status != PLUMB_OK) atomic_store(&run->stop, true);
    }
}

// Thread 0 only watches: it passes the user's wish to stop on and reports progress.
static void watch(run_state *run)
{
    const pl_run_options *o = run->options;
    for (int64_t tick = 1; atomic_load(&run->working); tick++) {
        if (atomic_load(&pl_cancelled)) atomic_store(&run->stop, true);
        if (o->progress && tick % 25 == 0)
            o->progress(o->progress_context, atomic_load(&run->progress.content_bytes),
                        run->content_total, atomic_load(&run->progress.records));
        pl_sleep_ms(10);
    }
}

static void worker(void *context, uint32_t index)
{
    run_state *run = context;
    if (index == 0) {
        watch(run);
    } else {
        work_loop(run);
        atomic_fetch_sub(&run->working, 1);
    }
}

static plumb_status work_all(run_state *run, plumb_error *err)
{
    uint32_t threads = PL_MIN(run->options->threads, run->task_count);
    atomic_store(&run->working, threads);
    if (threads) pl_threads_run(threads + 1, worker, run);
    bool cancelled = atomic_load(&pl_cancelled);
    for (uint32_t i = 0; i < run->task_count; i++) {
        if (run->tasks[i].status == PLUMB_OK || run->tasks[i].status == PLUMB_E_CANCELLED) continue;
        *err = run->tasks[i].err;
        return run->tasks[i].status;
    }
    if (cancelled)
        return pl_fail(err, PLUMB_E_CANCELLED, "stopped on request, nothing was published");
    return PLUMB_OK;
}

static void report_sources(run_state *run)
{
    pl_run_report *report = run->report;
    report->sources = PL_TAKE(run->arena, pl_run_source, run->source_count);
    for (uint32_t s = 0; s < run->source_count; s++) {
        const run_source *source = &run->sources[s];
        if (!source->count) continue;
        pl_run_source *out = &report->sources[report->source_count++];
        out->source = source->name;
        out->table = source->table->name;
        for (uint32_t t = 0; t < run->task_count; t++) {
            if (run->tasks[t].source != source) continue;
            for (uint32_t i = 0; i < run->tasks[t].result.object_count; i++) {
                const pl_object_result *object = &run->tasks[t].result.objects[i];
                out->objects += !object->damaged;
                out->damaged += object->damaged != NULL;
                out->records += object->records;
                out->rows += object->rows;
                out->quarantined += object->quarantined;
                out->filtered += object->filtered;
                out->lost += object->lost;
                out->coerced += object->coerced;
                out->conflicts += object->conflicts;
            }
        }
        report->records += out->records;
        report->rows += out->rows;
        report->quarantined += out->quarantined;
        report->filtered += out->filtered;
    }
}

static void report_damages(run_state *run)
{
    pl_run_report *report = run->report;
    uint32_t objects = 0;
    for (uint32_t t = 0; t < run->task_count; t++) objects += run->tasks[t].result.object_count;
    report->damages = PL_TAKE(run->arena, pl_run_damage, objects);
    for (uint32_t t = 0; t < run->task_count; t++)
        for (uint32_t i = 0; i < run->tasks[t].result.object_count; i++) {
            const char *why = run->tasks[t].result.objects[i].damaged;
            if (!why) continue;
            report->damages[report->damage_count++] =
                (pl_run_damage){run->tasks[t].work.objects[i].id.data, run->tasks[t].source->name,
                                pl_arena_cstr(run->arena, pl_span_of(why))};
        }
}

static void report_all(run_state *run)
{
    pl_run_report *report = run->report;
    report->run = pl_arena_cstr(run->arena, pl_span_of(run->run));
    report->tables = PL_TAKE(run->arena, pl_run_table, run->table_count);
    for (uint32_t i = 0; i < run->table_count; i++) {
        const run_table *table = &run->tables[i];
        if (!table->next) continue;
        report->tables[report->table_count++] = (pl_run_table){.table = table->name,
                                                               .snapshot = table->snapshot,
                                                               .rows = table->rows,
                                                               .files = table->files,
                                                               .created = !table->expected,
                                                               .evolved = table->evolved};
    }
    report_sources(run);
    report_damages(run);
    report->content_bytes = atomic_load(&run->progress.content_bytes);
}

// Files of a run that will not be published go at once; what cannot be deleted now is left to the
// next run's recovery, as after a crash.
static void give_up(run_state *run)
{
    if (!run->started) return;
    plumb_error ignored;
    PL_IGNORE(pl_run_recover(run->options->store, run->options->registry, pl_clock_micros(),
                             &ignored)); // the first error is the one to tell
}

typedef struct run_search {
    const char *id;
    bool done;
} run_search;

static bool find_run(void *context, const pl_run_row *row)
{
    run_search *search = context;
    if (strcmp(row->id, search->id) != 0) return true;
    search->done = strcmp(row->state, "done") == 0;
    return false;
}

// The commit's answer was lost: the run's own row says whether it happened. It stays unknown only
// if the registry cannot be read now; then the next run finds out.
static plumb_status settle(run_state *run, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    run_search search = {.id = run->run};
    plumb_error ignored;
    if (pl_registry_reopen(registry, &ignored) != PLUMB_OK ||
        pl_registry_runs(registry, NULL, 0, find_run, &search, &ignored) != PLUMB_OK)
        return PLUMB_E_UNKNOWN;
    if (search.done) {
        pl_run__write_hints(run);
        return PLUMB_OK;
    }
    err->status = PLUMB_E_UNAVAILABLE;
    pl_hint(err, "Nothing of this run was published; run it again once the cause is gone.");
    return PLUMB_E_UNAVAILABLE;
}

static plumb_status run_locked(run_state *run, plumb_error *err)
{
    pl_store *store = run->options->store;
    pl_registry *registry = run->options->registry;
    pl_ingest_recovery recovery;
    PL_TRY(pl_ingest_recover(store, registry, run->now_us, &recovery, err));
    PL_TRY(pl_run_recover(store, registry, run->now_us, err));
    PL_TRY(repair_hints(store, registry, err));
    PL_TRY(pl_run__plan(run, err));
    run->report->nothing = !run->started;
    if (!run->started) return PLUMB_OK;
    plumb_status st = work_all(run, err);
    if (st == PLUMB_OK) st = pl_run__gate(run, err);
    if (st == PLUMB_OK) st = pl_run__publish(run, err);
    if (st == PLUMB_E_UNKNOWN) st = settle(run, err);
    if (st == PLUMB_OK) {
        report_all(run);
        plumb_error ignored;
        // Only housekeeping: the log is folded back at the next chance.
        PL_IGNORE(pl_registry_checkpoint(run->options->registry, &ignored));
    } else if (st != PLUMB_E_UNKNOWN) {
        give_up(run);
    }
    for (uint32_t i = 0; i < run->task_count; i++) pl_task_result_done(&run->tasks[i].result);
    return st;
}

plumb_status pl_run(const pl_run_options *options, pl_arena *arena, pl_run_report *ret_report,
                    plumb_error *err)
{
    int64_t began = pl_clock_monotonic();
    pl_run_options o = *options;
    plumb_error local;
    if (!err) err = &local;
    if (!o.threads) o.threads = o.project->settings.threads;
    if (!o.threads) o.threads = (uint32_t)pl_cpu_count();
    *ret_report = (pl_run_report){.run = ""};
    run_state *run = PL_TAKE(arena, run_state, 1);
    *run = (run_state){
        .options = &o, .arena = arena, .report = ret_report, .now_us = pl_clock_micros()};
    uint8_t seed[32];
    pl_entropy(seed, sizeof seed);
    pl_ulids ulids = pl_ulids_make(seed);
    pl_ulid_next(&ulids, run->now_us, run->run);
    pl_lock_holder self = {.pid = pl_process_id(), .command = "run", .since_us = run->now_us};
    pl_run_lock lock = {0};
    PL_TRY(pl_run_lock_take(o.lock_path, o.wait_ms, &self, &lock, err));
    plumb_status st = run_locked(run, err);
    for (uint32_t i = 0; i < run->source_count; i++) free(run->sources[i].objects);
    pl_run_lock_release(&lock);
    ret_report->micros = pl_clock_monotonic() - began;
    return st;
}
