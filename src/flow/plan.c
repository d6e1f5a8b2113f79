// plan.c -- what a run has to do: objects per (source, table), pending ones if nobody says others;
// tables, tasks.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "flow/judge.h"
#include "flow/spread.h"
#include "flow/taskdoc.h"
#include "os/os.h"

// A task is at least this much stored data, and a source has not more than so many tasks. Workers
// share a task whatever its size; it is a piece that is kept if the run dies, and memory holds its
// rows. The fewer there are, the fewer files each partition has: where partitions are thousands,
// files are most of the cost (0.7 ms of CPU each). Tasks for processes of their own have one worker
// each, so there are some for each.
enum { TASK_BYTES = 48 * 1024 * 1024, TASKS_MAX = 4, TASK_BYTES_APART = 8 * 1024 * 1024 };
// A data file should have as many, unless that makes one task of all.
enum { FILE_ROWS = 1024 };

static char *span_cstr(run_state *run, pl_span text)
{
    return pl_arena_cstr(run->arena, text);
}

pl_work_object *pl_run__object(run_state *run, run_source *source, const pl_object_row *row)
{
    pl_arena *arena = run->arena;
    pl_format format = PL_FORMAT_NDJSON;
    // Registered by ingest, so the name is one of ours; an unknown one is read line by line.
    if (!pl_format_parse(pl_span_of(row->format), &format)) format = PL_FORMAT_NDJSON;
    PL_GROW(source->objects, source->count, source->capacity);
    source->objects[source->count] =
        (pl_work_object){.id = pl_arena_copy(arena, pl_span_of(row->id)),
                         .key = pl_arena_cstr(arena, pl_span_of(row->key)),
                         .format = format,
                         .received_us = row->received_us,
                         .stored_bytes = row->stored_bytes,
                         .content_bytes = row->content_bytes,
                         .broken = row->broken,
                         .sha256 = pl_arena_cstr(arena, pl_span_of(row->sha256))};
    return &source->objects[source->count++];
}

typedef struct pending_visit {
    run_state *run;
    run_source *source;
    run_source *joining; // takes the objects from `held_from` on; NULL: nothing is held
    const char *held_from;
    const char *until; // a person lets objects up to here go: later ones are asked on their own
    uint32_t room;     // for so many objects
} pending_visit;

static bool pending_one(void *context, const pl_object_row *row, pl_object_state state)
{
    pending_visit *visit = context;
    run_state *run = visit->run;
    bool held = visit->joining && strcmp(row->id, visit->held_from) >= 0;
    if (held && state == PL_STATE_STAGED) return true; // it waits already
    if (visit->until && strcmp(row->id, visit->until) > 0) {
        run->releases |= visit->source->count > 0; // they are planned behind those
        return false;
    }
    if (run->skip && pl_map_get(run->skip, pl_span_of(row->id)) != PL_MAP_NONE) return true;
    run->more = !visit->room;
    if (run->more) return false;
    visit->room--;
    pl_run__object(run, held ? visit->joining : visit->source, row);
    snprintf(run->after, sizeof run->after, "%s", row->id);
    return true;
}

run_table *pl_run__table(run_state *run, const pl_contract *contract)
{
    for (uint32_t i = 0; i < run->table_count; i++)
        if (run->tables[i].contract == contract) return &run->tables[i];
    run_table *table = &run->tables[run->table_count++];
    *table = (run_table){.contract = contract, .name = span_cstr(run, contract->table)};
    table->key = pl_arena_printf(run->arena, "tables/%s", table->name);
    return table;
}

static run_source *add_source(run_state *run, const pl_mapping *mapping)
{
    run_source *source = &run->sources[run->source_count++];
    *source = (run_source){.mapping = mapping, .name = span_cstr(run, mapping->source)};
    source->table = pl_run__table(run, mapping->contract);
    return source;
}

// What is held of a source, and up to where it may go.
static plumb_status find_hold(run_state *run, const pl_mapping *mapping, pending_visit *visit,
                              plumb_error *err)
{
    pl_hold_row hold;
    bool held;
    run_source *source = visit->source;
    PL_TRY(pl_registry_hold(run->options->registry, source->name, source->table->name, run->arena,
                            &hold, &held, err));
    if (held && *hold.released) {
        source->released = pl_arena_cstr(run->arena, pl_span_of(hold.released));
        visit->until = hold.accepted ? source->released : NULL;
    } else if (held) {
        visit->joining = add_source(run, mapping);
        visit->joining->joins = true;
        visit->held_from = hold.first_object;
    }
    return PLUMB_OK;
}

// Pending objects of every mapping that is asked for, from where the run before this one stopped.
static plumb_status find_pending(run_state *run, plumb_error *err)
{
    const pl_project *project = run->options->project;
    bool apart = strcmp(run->command, "plan") == 0; // for other processes, in one document
    uint32_t room = apart                   ? UINT32_MAX
                    : run->options->objects ? run->options->objects
                                            : PL_RUN_OBJECTS_MAX;
    PL_TRY(pl_run__review(run, err));
    run->sources = PL_TAKE(run->arena, run_source, (size_t)project->mapping_count * 2);
    run->tables = PL_TAKE(run->arena, run_table, project->contract_count);
    for (uint32_t i = run->first_mapping; i < project->mapping_count && !run->more; i++) {
        const pl_mapping *mapping = project->mappings[i];
        if (run->only && !pl_span_is(mapping->source, run->only)) continue;
        run_source *source = add_source(run, mapping);
        pending_visit visit = {.run = run, .source = source, .room = room};
        PL_TRY(find_hold(run, mapping, &visit, err));
        if (i > run->first_mapping) run->after[0] = '\0';
        char after[PL_ID_TEXT];
        memcpy(after, run->after, sizeof after);
        PL_TRY(pl_registry_objects_pending(run->options->registry, source->name,
                                           source->table->name, after, pending_one, &visit, err));
        room = visit.room;
        if (run->more) run->first_mapping = i;
    }
    return PLUMB_OK;
}

static plumb_status create_table(run_state *run, run_table *table, const pl_schema *wanted,
                                 plumb_error *err)
{
    pl_ice_new new_table = {.key = table->key,
                            .schema = wanted,
                            .spec = &table->contract->partition,
                            .now_ms = run->now_us / 1000};
    pl_entropy(new_table.uuid, sizeof new_table.uuid);
    table->evolved = true;
    return pl_ice_create(run->options->store, &new_table, run->arena, &table->table, err);
}

// The place of a refused column: evolving says which one of the contract it is.
static void place_column(const pl_contract *contract, plumb_error *err)
{
    if (!err) return;
    uint32_t at = err->line;
    if (at && at <= contract->column_count)
        pl_place(err, contract->file, contract->columns[at - 1].line,
                 contract->columns[at - 1].column);
    else
        pl_place(err, contract->file, 1, 1);
}

static void lay_out(run_table *table)
{
    bool changed;
    pl_ice_lay_out(table->table, &table->contract->sort,
                   pl_compression_name(table->contract->compression), &changed);
    table->evolved |= changed;
}

plumb_status pl_run__load_table(run_state *run, run_table *table, plumb_error *err)
{
    pl_schema wanted = pl_map_schema(table->contract, run->arena);
    pl_catalog catalog = pl_registry_catalog(run->options->registry);
    PL_TRY(catalog.load(catalog.self, table->name, run->arena, &table->expected, err));
    table->evolved = false;
    if (!table->expected) {
        PL_TRY(create_table(run, table, &wanted, err));
        lay_out(table);
        return PLUMB_OK;
    }
    PL_TRY(pl_ice_load(run->options->store, table->expected, run->arena, &table->table, err));
    pl_span *was = PL_TAKE(run->arena, pl_span, wanted.count); // our own columns have no past
    for (uint32_t i = 0; i < table->contract->column_count && i < wanted.count; i++)
        was[i] = table->contract->columns[i].was;
    plumb_status st = pl_ice_evolve(table->table, &wanted, was, &table->evolved, err);
    if (st == PLUMB_E_CONFIG) place_column(table->contract, err);
    if (st != PLUMB_OK) return st;
    lay_out(table);
    return pl_run__check_edits(run, table, err);
}

static bool has_work(const run_state *run, const run_table *table)
{
    for (uint32_t i = 0; i < run->source_count; i++)
        if (run->sources[i].table == table && run->sources[i].count) return true;
    return false;
}

// Each task has its own files, so there are fewer where those would have few rows.
static uint32_t fewer_tasks(const run_state *run, const run_source *source, uint32_t pieces)
{
    const run_table *table = source->table;
    pl_arena arena = {0};
    pl_map_plan *plan;
    plumb_error ignored;
    pl_work_task task = {.store = run->options->store,
                         .schema = pl_ice_current_schema(table->table),
                         .spec = pl_ice_current_spec(table->table),
                         .objects = source->objects,
                         .object_count = source->count};
    if (task.schema && task.spec && task.spec->count &&
        pl_map_compile(source->mapping, task.schema, 0, &arena, &plan, &ignored) == PLUMB_OK) {
        task.plan = plan;
        pl_spread spread = pl_spread_guess(&task);
        uint64_t good = spread.rows / (FILE_ROWS * (uint64_t)PL_MAX(spread.partitions, 1u));
        if (spread.partitions) pieces = (uint32_t)PL_MIN((uint64_t)pieces, PL_MAX(good, 1u));
    }
    pl_arena_done(&arena);
    return pieces;
}

// Cut a source's objects into tasks of nearly equal size, in landing order.
static void cut_tasks(run_state *run, run_source *source)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < source->count; i++) total += source->objects[i].stored_bytes;
    bool apart = strcmp(run->command, "plan") == 0;
    uint32_t pieces = (uint32_t)PL_MIN(total / (apart ? TASK_BYTES_APART : TASK_BYTES) + 1,
                                       (int64_t)(apart ? run->options->threads * 2 : TASKS_MAX));
    if (run->options->tasks)
        pieces = run->options->tasks;
    else if (pieces > 1 && !apart)
        pieces = fewer_tasks(run, source, pieces);
    int64_t bytes = 0; // of the tasks so far
    for (uint32_t first = 0, piece = 1; first < source->count; piece++) {
        uint32_t last = first;
        double end = (double)total * piece / pieces;
        do bytes += source->objects[last++].stored_bytes;
        while (last < source->count && // the one in the middle goes where more of it is
               (double)bytes + (double)source->objects[last].stored_bytes / 2 < end);
        run_task *task = &run->tasks[run->task_count++];
        *task = (run_task){.source = source};
        task->work.objects = source->objects + first;
        task->work.object_count = last - first;
        task->work.id = pl_arena_printf(run->arena, "t%u", run->task_count);
        first = last;
    }
}

// Load every table; is there anything to commit?
static plumb_status load_tables(run_state *run, bool *ret_anything, plumb_error *err)
{
    *ret_anything = false;
    for (uint32_t i = 0; i < run->table_count; i++) {
        run_table *table = &run->tables[i];
        PL_TRY(pl_run__load_table(run, table, err));
        // A table that exists and gained or promoted a column is committed even without rows; one
        // that does not exist waits for its first objects.
        if (has_work(run, table) || (table->evolved && table->expected)) *ret_anything = true;
    }
    return PLUMB_OK;
}

// The run's row, its tasks and the versions of its mappings, in one transaction.
plumb_status pl_run__register(run_state *run, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    pl_run_row row = {.id = run->run,
                      .state = "working",
                      .started_us = run->now_us,
                      .pid = pl_process_id(),
                      .command = run->command,
                      .counts = ""};
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = pl_registry_run_start(registry, &row, err);
    for (uint32_t i = 0; i < run->source_count && st == PLUMB_OK; i++)
        st = pl_registry_mapping_version(registry, run->sources[i].name,
                                         run->sources[i].table->name, run->sources[i].mapping->text,
                                         run->now_us, &run->sources[i].version, err);
    for (uint32_t i = 0; i < run->task_count && st == PLUMB_OK; i++)
        st = pl_registry_task_add(registry, run->run, run->tasks[i].work.id, err);
    if (st == PLUMB_OK) st = pl_registry_commit(registry, err);
    if (st != PLUMB_OK) pl_registry_rollback(registry);
    run->started = st == PLUMB_OK;
    return st;
}

// Cut what is pending into tasks and register the run, in memory and in the registry.
static plumb_status make_plan(run_state *run, plumb_error *err)
{
    bool anything;
    uint32_t objects = 0, kept = 0;
    PL_TRY(run->find ? run->find(run, run->find_context, err) : find_pending(run, err));
    PL_TRY(load_tables(run, &anything, err));
    if (!anything) return PLUMB_OK;
    for (uint32_t i = 0; i < run->source_count; i++) {
        objects += run->sources[i].count;
        if (run->sources[i].count) run->sources[kept++] = run->sources[i];
    }
    run->source_count = kept;
    run->tasks = PL_TAKE(run->arena, run_task, objects);
    for (uint32_t i = 0; i < run->source_count; i++) cut_tasks(run, &run->sources[i]);
    return run->dry ? PLUMB_OK : pl_run__register(run, err);
}

plumb_status pl_run__plan(run_state *run, plumb_error *err)
{
    pl_buf text = {0};
    plumb_status st = make_plan(run, err);
    bool planned = st == PLUMB_OK && (run->dry ? run->task_count > 0 : run->started);
    if (planned) pl_run__plan_write(run, &text);
    for (uint32_t i = 0; i < run->source_count; i++) free(run->sources[i].objects);
    if (!planned) return st;
    pl_span copy = pl_arena_copy(run->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    const char *key = pl_taskdoc_key(run->run, "plan", run->arena);
    if (!run->dry) PL_TRY(pl_store_put_unsettled(run->options->store, key, copy, err));
    return pl_run__plan_parse(run, copy, key, err);
}

static plumb_status stale(plumb_error *err)
{
    pl_hint(err, "Make a new plan with 'plumb plan'; nothing of this one was published.");
    return PLUMB_E_CONFLICT;
}

// May an object still be published by this plan? `held_from`: NULL, or the first that waits.
static plumb_status check_object(run_state *run, const run_task *task, uint32_t i,
                                 const char *held_from, plumb_error *err)
{
    pl_state_row state;
    const char *id = task->work.objects[i].id.data, *table = task->source->table->name;
    const pl_work_retry *retry = task->work.objects[i].retry;
    const char *replaces = task->work.objects[i].replaces;
    PL_TRY(pl_registry_state(run->options->registry, id, table, run->arena, &state, err));
    bool stands = state.run && replaces && strcmp(state.run, replaces) == 0 &&
                  (state.state == PL_STATE_PUBLISHED || state.state == PL_STATE_WITHDRAWN);
    if (stands) return PLUMB_OK;
    bool pending =
        state.state == PL_STATE_NEW || (state.state == PL_STATE_STAGED && !task->source->joins);
    if (retry      ? state.state == PL_STATE_PUBLISHED && strcmp(state.run, retry->run) == 0
        : replaces ? false
                   : pending) {
        bool waits = held_from && strcmp(id, held_from) >= 0;
        if (retry || waits == task->source->joins) return PLUMB_OK;
        pl_fail(err, PLUMB_E_CONFLICT,
                "cannot publish run '%s': its plan is stale, source '%s' %s table '%s'", run->run,
                task->source->name, waits ? "waits before" : "does not wait any more before",
                table);
        return stale(err);
    }
    pl_fail(err, PLUMB_E_CONFLICT,
            "cannot publish run '%s': its plan is stale, object %s is %s in table '%s' already",
            run->run, id, pl_object_state_name(state.state), table);
    return stale(err);
}

plumb_status pl_run__holds(run_state *run, plumb_error *err)
{
    for (uint32_t t = 0; t < run->task_count; t++) {
        const run_task *task = &run->tasks[t];
        pl_hold_row hold;
        bool held;
        PL_TRY(pl_registry_hold(run->options->registry, task->source->name,
                                task->source->table->name, run->arena, &hold, &held, err));
        const char *held_from = held && !*hold.released ? hold.first_object : NULL;
        for (uint32_t i = 0; i < task->work.object_count; i++)
            PL_TRY(check_object(run, task, i, held_from, err));
    }
    return PLUMB_OK;
}
