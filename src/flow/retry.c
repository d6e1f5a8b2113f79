// SPDX-License-Identifier: Apache-2.0
#include "flow/retry.h"

#include <stdlib.h>

#include "flow/mappings.h"
#include "flow/run_int.h"
#include "os/os.h"

// One object in one table with everything of it that stands in quarantine.
typedef struct group {
    pl_object_row raw;
    const char *table;
    const pl_mapping *mapping;
    pl_ledger_row ledger;
    pl_quarantine_row *entries; // by record
    bool *asked;
    uint32_t count, capacity, asked_count;
    pl_work_retry retry;
    bool out; // refused, or nothing changes
} group;

typedef struct retrying {
    const pl_retry_options *options;
    pl_arena *arena;
    pl_retry_report *report;
    group **groups;
    uint32_t count, capacity;
    pl_map by_name; // "table/object"
    uint32_t refusal_capacity;
    plumb_status status; // of a visit
    plumb_error *err;
} retrying;

// ---- what was asked for ------------------------------------------------------------------------
static bool visit_asked(void *context, const pl_quarantine_row *row)
{
    retrying *r = context;
    if (++r->report->entries > PL_RETRY_MAX) {
        r->status = pl_fail(r->err, PLUMB_E_LIMIT, "cannot retry more than %d entries at once",
                            PL_RETRY_MAX);
        pl_hint(r->err, "Take fewer: --source, --table and --object select.");
        return false;
    }
    char *name = pl_arena_printf(r->arena, "%s/%s", row->table, row->object);
    if (pl_map_get(&r->by_name, pl_span_of(name)) != PL_MAP_NONE) return true;
    pl_map_add(&r->by_name, pl_span_of(name), r->count);
    group *made = PL_TAKE(r->arena, group, 1);
    made->raw.id = pl_arena_cstr(r->arena, pl_span_of(row->object));
    made->table = pl_arena_cstr(r->arena, pl_span_of(row->table));
    PL_GROW(r->groups, r->count, r->capacity);
    r->groups[r->count++] = made;
    return true;
}

static plumb_status find_asked(retrying *r)
{
    pl_quarantine_filter only = r->options->only;
    pl_registry *registry = r->options->run.registry;
    only.limit = only.id = 0;
    if (!r->options->ids) return pl_registry_quarantine(registry, &only, visit_asked, r, r->err);
    int64_t *gone = PL_TAKE(r->arena, int64_t, r->options->id_count);
    r->report->gone = gone;
    for (uint32_t i = 0; i < r->options->id_count && r->status == PLUMB_OK; i++) {
        uint64_t before = r->report->entries;
        only.id = r->options->ids[i];
        PL_TRY(pl_registry_quarantine(registry, &only, visit_asked, r, r->err));
        if (r->report->entries == before) gone[r->report->gone_count++] = only.id;
    }
    return PLUMB_OK;
}

static bool is_asked(const retrying *r, int64_t id)
{
    for (uint32_t i = 0; i < r->options->id_count; i++)
        if (r->options->ids[i] == id) return true;
    return !r->options->ids;
}

// ---- the entries of one object -----------------------------------------------------------------
typedef struct entry_list {
    pl_arena *arena;
    pl_quarantine_row *items;
    uint32_t count, capacity;
} entry_list;

static bool visit_entry(void *context, const pl_quarantine_row *row)
{
    entry_list *list = context;
    PL_GROW(list->items, list->count, list->capacity);
    pl_quarantine_row *entry = &list->items[list->count++];
    *entry = *row;
    const char **texts[] = {&entry->object, &entry->source, &entry->table, &entry->run,
                            &entry->column, &entry->reason, &entry->sample};
    for (size_t i = 0; i < PL_COUNT(texts); i++)
        *texts[i] = pl_arena_cstr(list->arena, pl_span_of(*texts[i]));
    return true;
}

static int by_record(const void *a, const void *b)
{
    const pl_quarantine_row *left = a, *right = b;
    if (left->record_first != right->record_first)
        return left->record_first < right->record_first ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

// Everything that stands of the pair, by record. The list is to be freed.
static plumb_status entries_of(pl_registry *registry, const char *object, const char *table,
                               entry_list *list, plumb_error *err)
{
    pl_quarantine_filter filter = {.table = table, .object = object};
    PL_TRY(pl_registry_quarantine(registry, &filter, visit_entry, list, err));
    if (list->count) qsort(list->items, list->count, sizeof *list->items, by_record);
    return PLUMB_OK;
}

static bool visit_ledger(void *context, const pl_ledger_row *row)
{
    pl_ledger_row *out = context;
    *out = *row;
    out->object = out->source = out->table = out->run = NULL; // borrowed
    return false;
}

static bool is_overflow(const pl_quarantine_row *entry)
{
    return strcmp(entry->reason, pl_work_other_ranges) == 0;
}

static void refuse(retrying *r, group *g, const pl_quarantine_row *entry, const char *why)
{
    pl_retry_report *report = r->report;
    pl_retry_refusal refusal = {
        .object = g->raw.id, .source = g->raw.source, .table = g->table, .why = why};
    for (uint32_t i = 0; !entry && i < g->count; i++)
        if (g->asked[i]) refusal.records += (uint64_t)g->entries[i].record_count;
    if (entry) refusal.entry = entry->id, refusal.records = (uint64_t)entry->record_count;
    if (!entry) g->out = true;
    PL_GROW(report->refusals, report->refusal_count, r->refusal_capacity);
    report->refusals[report->refusal_count++] = refusal;
}

// The ranges to take. Entries that do not say which records they mean are refused.
static void take_ranges(retrying *r, group *g)
{
    uint32_t kept = 0;
    pl_work_range *ranges = PL_TAKE(r->arena, pl_work_range, g->asked_count);
    for (uint32_t i = 0; i < g->count; i++) {
        const pl_quarantine_row *entry = &g->entries[i];
        kept += !g->asked[i] && !is_overflow(entry);
        if (!g->asked[i]) continue;
        if (is_overflow(entry) || entry->record_first < 0) {
            refuse(r, g, entry, "it does not say which records it means");
            g->asked[i] = false;
            continue;
        }
        ranges[g->retry.range_count++] =
            (pl_work_range){(uint64_t)entry->record_first, (uint64_t)entry->record_count,
                            (uint64_t)entry->byte_first, (uint64_t)entry->byte_count};
    }
    g->retry.ranges = ranges;
    g->retry.room = PL_QUARANTINE_MAX - PL_MIN(kept, (uint32_t)PL_QUARANTINE_MAX);
    g->out = !g->retry.range_count;
}

static plumb_status judge(retrying *r, group *g)
{
    pl_state_row state;
    pl_registry *registry = r->options->run.registry;
    const pl_project *project = r->options->run.project;
    entry_list list = {.arena = r->arena};
    PL_TRY(pl_registry_object(registry, g->raw.id, r->arena, &g->raw, r->err));
    PL_TRY(pl_registry_state(registry, g->raw.id, g->table, r->arena, &state, r->err));
    PL_TRY(pl_registry_ledger(registry, g->raw.id, g->table, 1, visit_ledger, &g->ledger, r->err));
    plumb_status st = entries_of(registry, g->raw.id, g->table, &list, r->err);
    g->entries = PL_TAKE(r->arena, pl_quarantine_row, list.count);
    if (list.count) memcpy(g->entries, list.items, list.count * sizeof *list.items);
    free(list.items);
    PL_TRY(st);
    g->count = list.count;
    g->asked = PL_TAKE(r->arena, bool, g->count);
    for (uint32_t i = 0; i < g->count; i++) {
        g->asked[i] = is_asked(r, g->entries[i].id);
        g->asked_count += g->asked[i];
    }
    pl_span source = pl_span_of(g->raw.source), table = pl_span_of(g->table);
    g->mapping = pl_project_mapping(project, source, table);
    const plumb_error *unfit = pl_mapping_unfit(project, source, table);
    g->retry.run = pl_arena_cstr(r->arena, pl_span_of(state.run ? state.run : ""));
    g->retry.records = (uint64_t)g->ledger.records;
    if (state.state != PL_STATE_PUBLISHED)
        refuse(r, g, NULL,
               pl_arena_printf(r->arena, "the object is %s", pl_object_state_name(state.state)));
    else if (!g->mapping)
        refuse(r, g, NULL,
               unfit ? unfit->message : "no mapping in sources/ sends its source to the table");
    else if (g->asked_count == g->count && !g->ledger.curated && !g->ledger.filtered)
        g->retry.whole = true, g->retry.room = PL_QUARANTINE_MAX;
    else
        take_ranges(r, g);
    return PLUMB_OK;
}

// In landing order, table by table: tasks are cut along it.
static int by_table_and_object(const void *a, const void *b)
{
    const group *left = *(group *const *)a, *right = *(group *const *)b;
    int order = strcmp(left->table, right->table);
    return order ? order : strcmp(left->raw.id, right->raw.id);
}

static plumb_status select_all(retrying *r)
{
    PL_TRY(find_asked(r));
    PL_TRY(r->status);
    if (r->count) qsort(r->groups, r->count, sizeof *r->groups, by_table_and_object);
    pl_map_done(&r->by_name);
    for (uint32_t i = 0; i < r->count; i++) {
        group *g = r->groups[i];
        char *name = pl_arena_printf(r->arena, "%s/%s", g->table, g->raw.id);
        pl_map_add(&r->by_name, pl_span_of(name), i);
        PL_TRY(judge(r, g));
    }
    return PLUMB_OK;
}

// ---- the plan ----------------------------------------------------------------------------------
// run->find: the objects that are not out.
static plumb_status find_objects(run_state *run, void *context, plumb_error *err)
{
    retrying *r = context;
    const pl_project *project = run->options->project;
    (void)err;
    run->sources = PL_TAKE(run->arena, run_source, project->mapping_count);
    run->tables = PL_TAKE(run->arena, run_table, project->contract_count);
    for (uint32_t i = 0; i < r->count; i++) {
        group *g = r->groups[i];
        if (g->out) continue;
        run_source *source = NULL;
        for (uint32_t s = 0; s < run->source_count && !source; s++)
            if (run->sources[s].mapping == g->mapping) source = &run->sources[s];
        if (!source) {
            source = &run->sources[run->source_count++];
            *source = (run_source){.mapping = g->mapping,
                                   .name = pl_arena_cstr(run->arena, g->mapping->source),
                                   .table = pl_run__table(run, g->mapping->contract)};
        }
        pl_run__object(run, source, &g->raw)->retry = &g->retry;
    }
    return PLUMB_OK;
}

static run_state *new_run(retrying *r, bool dry)
{
    run_state *run = pl_run__new(&r->options->run, NULL, r->arena);
    run->command = "retry";
    run->find = find_objects;
    run->find_context = r;
    run->dry = dry;
    return run;
}

// ---- looking first -----------------------------------------------------------------------------
static bool same_entry(const pl_quarantine_row *entry, const pl_quarantine_range *range)
{
    return (uint64_t)entry->record_first == range->record_first &&
           (uint64_t)entry->record_count == range->record_count &&
           (uint64_t)entry->byte_first == range->byte_first &&
           (uint64_t)entry->byte_count == range->byte_count &&
           (uint64_t)entry->byte == range->error_at && pl_span_is(range->column, entry->column) &&
           strcmp(entry->reason, range->reason) == 0 && strcmp(entry->sample, range->sample) == 0;
}

static bool changes(const group *g, const pl_object_result *result)
{
    uint32_t at = 0;
    if (result->rows || result->filtered) return true;
    for (uint32_t i = 0; i < g->count; i++) {
        if (!g->asked[i]) continue;
        if (at == result->range_count || !same_entry(&g->entries[i], &result->ranges[at++]))
            return true;
    }
    return at != result->range_count;
}

static void judge_result(retrying *r, group *g, pl_object_result *result)
{
    if (result->recounted) {
        result->damaged = NULL;
        refuse(r, g, NULL, "today's mapping counts its records otherwise");
    } else if (result->damaged || !changes(g, result)) {
        g->out = true;
    }
}

// Map everything without writing; groups for which nothing changes are out afterwards.
static plumb_status look(retrying *r)
{
    run_state *run = new_run(r, true);
    PL_TRY(pl_run__plan(run, r->err));
    plumb_status st = pl_run__work(run, r->err);
    for (uint32_t t = 0; t < run->task_count && st == PLUMB_OK; t++) {
        const run_task *task = &run->tasks[t];
        for (uint32_t i = 0; i < task->result.object_count; i++) {
            char *name = pl_arena_printf(r->arena, "%s/%s", task->source->table->name,
                                         task->work.objects[i].id.data);
            uint32_t at = pl_map_get(&r->by_name, pl_span_of(name));
            judge_result(r, r->groups[at], &task->result.objects[i]);
        }
    }
    if (st == PLUMB_OK && run->task_count) pl_run__report(run, &r->report->run);
    r->report->run.run = "";
    r->report->run.nothing = true;
    for (uint32_t i = 0; i < r->count; i++)
        if (!r->groups[i]->out) r->report->run.nothing = false;
    pl_run__results_done(run);
    return st;
}

static plumb_status publish(retrying *r)
{
    pl_run_report *out = &r->report->run, made = {.run = "", .nothing = true};
    run_state *run = new_run(r, false);
    plumb_status st = pl_run__plan(run, r->err);
    if (run->started) {
        if (st == PLUMB_OK) st = pl_run__work(run, r->err);
        st = pl_run__finish(run, st, &made, r->err);
    }
    out->run = made.run;
    out->tables = made.tables;
    out->table_count = made.table_count;
    if (made.damage_count) out->damages = made.damages, out->damage_count = made.damage_count;
    return st;
}

static plumb_status retry_all(retrying *r)
{
    plumb_status st = select_all(r);
    if (st == PLUMB_OK && r->count) st = look(r);
    if (st == PLUMB_OK && !r->report->run.nothing && !r->options->dry) st = publish(r);
    free(r->groups);
    pl_map_done(&r->by_name);
    if (r->report->refusal_count) { // to the arena, as the rest of the report
        pl_retry_refusal *copy = PL_TAKE(r->arena, pl_retry_refusal, r->report->refusal_count);
        memcpy(copy, r->report->refusals, r->report->refusal_count * sizeof *copy);
        free(r->report->refusals);
        r->report->refusals = copy;
    }
    return st;
}

static plumb_status retry_locked(const pl_run_options *run, pl_arena *arena, void *context,
                                 plumb_error *err)
{
    retrying *r = context;
    pl_map skip = {0};
    pl_run_report resumed = {.run = "", .nothing = true};
    pl_retry_options options = *r->options;
    options.run = *run;
    r->options = &options;
    plumb_status st = pl_run__begin(run, arena, &skip, &resumed, err);
    pl_map_done(&skip);
    r->report->run.resumed = resumed.resumed;
    return st == PLUMB_OK ? retry_all(r) : st;
}

plumb_status pl_retry(const pl_retry_options *options, pl_arena *arena, pl_retry_report *ret_report,
                      plumb_error *err)
{
    int64_t began = pl_clock_monotonic();
    plumb_error local;
    plumb_status st;
    if (!err) err = &local;
    *ret_report = (pl_retry_report){.run = {.run = "", .nothing = true}};
    pl_retry_options own = *options;
    own.run.source = NULL;
    retrying r = {.options = &own, .arena = arena, .report = ret_report, .err = err};
    if (options->dry) {
        pl_project *project = NULL;
        if (!own.run.threads) own.run.threads = (uint32_t)pl_cpu_count();
        st = pl_mappings_in_use(own.run.project, own.run.registry, arena, &project, err);
        own.run.project = project;
        if (st == PLUMB_OK) st = retry_all(&r);
    } else {
        st = pl_run__with_lock(&own.run, "quarantine retry", retry_locked, arena, &r, err);
    }
    ret_report->run.micros = pl_clock_monotonic() - began;
    return st;
}

// ---- the books ---------------------------------------------------------------------------------
static plumb_status add_range(run_state *run, const pl_quarantine_row *pair,
                              const pl_quarantine_range *range, plumb_error *err)
{
    pl_quarantine_row row = *pair;
    row.record_first = (int64_t)range->record_first;
    row.record_count = (int64_t)range->record_count;
    row.byte_first = (int64_t)range->byte_first;
    row.byte_count = (int64_t)range->byte_count;
    row.byte = (int64_t)range->error_at;
    row.column = pl_arena_cstr(run->arena, range->column);
    row.reason = range->reason;
    row.sample = range->sample;
    return pl_registry_quarantine_add(run->options->registry, &row, err);
}

static bool was_taken(const pl_work_retry *retry, const pl_quarantine_row *entry)
{
    uint32_t low = 0, high = retry->range_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (retry->ranges[middle].record_first < (uint64_t)entry->record_first)
            low = middle + 1;
        else
            high = middle;
    }
    return retry->whole || (low < retry->range_count && !is_overflow(entry) &&
                            retry->ranges[low].record_first == (uint64_t)entry->record_first);
}

// The entries that stand from now on, by record: those not taken, as they were, and the new ones.
static plumb_status record_entries(run_state *run, const pl_quarantine_row *pair,
                                   const pl_work_retry *retry, const pl_object_result *result,
                                   const entry_list *old, plumb_error *err)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < old->count; i++) {
        if (was_taken(retry, &old->items[i])) continue;
        for (; at < result->range_count &&
               result->ranges[at].record_first <= (uint64_t)old->items[i].record_first;
             at++)
            PL_TRY(add_range(run, pair, &result->ranges[at], err));
        pl_quarantine_row row = old->items[i];
        row.run = pair->run;
        PL_TRY(pl_registry_quarantine_add(run->options->registry, &row, err));
    }
    for (; at < result->range_count; at++) PL_TRY(add_range(run, pair, &result->ranges[at], err));
    return PLUMB_OK;
}

static pl_ledger_row ledger_after(const pl_ledger_row *old, const pl_work_retry *retry,
                                  const pl_object_result *result)
{
    pl_ledger_row row = {.records = old->records,
                         .curated = old->curated + (int64_t)result->rows,
                         .quarantined =
                             old->quarantined - (int64_t)result->rows - (int64_t)result->filtered,
                         .filtered = old->filtered + (int64_t)result->filtered,
                         .duplicates = old->duplicates + (int64_t)result->duplicates,
                         .lost = old->lost + (int64_t)result->lost,
                         .coerced = old->coerced + (int64_t)result->coerced,
                         .conflicts = old->conflicts + (int64_t)result->conflicts};
    if (retry->whole) {
        row.records = (int64_t)result->records;
        row.quarantined = (int64_t)result->quarantined;
    }
    return row;
}

// Every record that was taken is accounted for: an independent count, from the books.
static plumb_status check_taken(const run_state *run, const char *object,
                                const pl_work_retry *retry, const pl_object_result *result,
                                plumb_error *err)
{
    uint64_t taken = 0;
    for (uint32_t i = 0; i < retry->range_count; i++) taken += retry->ranges[i].record_count;
    if (retry->whole || taken == result->records) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_FAILED,
                   "cannot publish run '%s': %llu records of object %s were asked for, %llu found",
                   run->run, (unsigned long long)taken, object,
                   (unsigned long long)result->records);
}

plumb_status pl_run__record_retry(run_state *run, const run_task *task, uint32_t object,
                                  plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    const pl_object_result *result = &task->result.objects[object];
    const pl_work_retry *retry = task->work.objects[object].retry;
    const char *id = task->work.objects[object].id.data, *table = task->source->table->name;
    pl_state_row old;
    pl_ledger_row before = {0};
    pl_arena scratch = {0};
    entry_list list = {.arena = &scratch};
    PL_TRY(check_taken(run, id, retry, result, err));
    PL_TRY(pl_registry_state(registry, id, table, run->arena, &old, err));
    if (!old.run || strcmp(old.run, retry->run) != 0)
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot publish run '%s': object %s was published anew meanwhile", run->run,
                       id);
    PL_TRY(pl_registry_ledger(registry, id, table, 1, visit_ledger, &before, err));
    plumb_status st = entries_of(registry, id, table, &list, err);
    int64_t snapshot = task->source->table->snapshot;
    pl_state_row state = {.object = id,
                          .table = table,
                          .state = PL_STATE_PUBLISHED,
                          .run = run->run,
                          .snapshot = snapshot ? snapshot : old.snapshot,
                          .mapping = task->source->version,
                          .appends = !retry->whole};
    if (st == PLUMB_OK)
        st = pl_registry_state_move(registry, &state, PL_FROM(PL_STATE_PUBLISHED), err);
    pl_ledger_row ledger = ledger_after(&before, retry, result);
    ledger.object = id, ledger.table = table, ledger.run = run->run;
    if (st == PLUMB_OK) st = pl_registry_ledger_add(registry, &ledger, err);
    pl_quarantine_row pair = {.object = id, .table = table, .run = run->run};
    // The state speaks of this run now; `list` is what stood before.
    if (st == PLUMB_OK) st = record_entries(run, &pair, retry, result, &list, err);
    free(list.items);
    pl_arena_done(&scratch);
    return st;
}
