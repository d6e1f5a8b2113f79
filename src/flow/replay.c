// SPDX-License-Identifier: Apache-2.0
#include "flow/replay.h"

#include <stdlib.h>

#include "flow/mappings.h"
#include "flow/run_int.h"
#include "os/os.h"

// What an object costs to map where nothing is known of this machine: records a second.
#define RECORDS_PER_SECOND 100000.0
// To copy a row costs so much of it: writing is most of both.
#define COPY_SHARE 0.8

// An object that may be chosen.
typedef struct candidate {
    pl_object_row raw;
    char *replaces; // run that made what stands
    const pl_mapping *mapping;
} candidate;

typedef struct replaying {
    const pl_replay_options *options;
    pl_arena *arena;
    pl_replay_report *report;
    const char *resumed; // run whose objects are done; NULL: none
    const char *first_object, *finding_source;
    pl_map in_partition; // objects with rows there
    candidate *chosen;
    uint32_t count, capacity, refusal_capacity;
    uint64_t records; // of the chosen, as they were counted
    bool *named;      // [object_count] was it found?
    const pl_mapping *picked;
    plumb_status status; // of a visit
    plumb_error *err;
} replaying;

static void refuse(replaying *r, const char *object, const char *source, const char *why)
{
    pl_replay_report *report = r->report;
    PL_GROW(report->refusals, report->refusal_count, r->refusal_capacity);
    report->refusals[report->refusal_count++] =
        (pl_replay_refusal){.object = pl_arena_cstr(r->arena, pl_span_of(object)),
                            .source = pl_arena_cstr(r->arena, pl_span_of(source)),
                            .why = why};
}

// ---- which objects -----------------------------------------------------------------------------
// The place in options->objects of the id or prefix that means this one; -1: none.
static int named_at(const replaying *r, const char *id)
{
    for (uint32_t i = 0; i < r->options->object_count; i++)
        if (strncmp(id, r->options->objects[i], strlen(r->options->objects[i])) == 0) return (int)i;
    return -1;
}

static bool wanted(const replaying *r, const pl_object_row *row, pl_object_state state)
{
    const pl_replay_options *o = r->options;
    bool published = state == PL_STATE_PUBLISHED;
    if (o->source && strcmp(o->source, row->source) != 0) return false;
    if (o->objects) return named_at(r, row->id) >= 0;
    if (o->withdrawn) return state == PL_STATE_WITHDRAWN;
    if (o->finding)
        return published && strcmp(row->source, r->finding_source) == 0 &&
               strcmp(row->id, r->first_object) >= 0;
    if (o->where)
        return published && pl_map_get(&r->in_partition, pl_span_of(row->id)) != PL_MAP_NONE;
    return published && (o->all || row->received_us >= o->since_us);
}

static const char *why_not(const replaying *r, pl_object_state state, const pl_mapping *mapping,
                           const plumb_error *unfit)
{
    if (unfit) return unfit->message;
    if (!mapping) return "no mapping in sources/ sends its source to the table";
    if (state == PL_STATE_STAGED) return "it waits before the table";
    if (state == PL_STATE_NEW) return "it is new: the next run publishes it";
    if (r->picked && mapping != r->picked && !pl_span_equal(mapping->source, r->picked->source))
        return "the version of the mapping is another source's";
    return NULL;
}

static bool visit_records(void *context, const pl_ledger_row *row)
{
    replaying *r = context;
    r->records += (uint64_t)row->records;
    return true;
}

static plumb_status choose(replaying *r, const pl_object_row *row, const pl_mapping *mapping)
{
    pl_state_row state;
    pl_registry *registry = r->options->run.registry;
    PL_TRY(pl_registry_state(registry, row->id, r->options->table, r->arena, &state, r->err));
    if (r->resumed && state.run && strcmp(state.run, r->resumed) == 0) return PLUMB_OK;
    if (r->count == PL_REPLAY_OBJECTS_MAX) {
        pl_fail(r->err, PLUMB_E_LIMIT, "cannot replay more than %d objects at once",
                PL_REPLAY_OBJECTS_MAX);
        pl_hint(r->err, "Take fewer: --source, --since and --where select.");
        return PLUMB_E_LIMIT;
    }
    PL_GROW(r->chosen, r->count, r->capacity);
    candidate *c = &r->chosen[r->count++];
    *c = (candidate){.raw = *row, .mapping = mapping};
    const char **texts[] = {&c->raw.id,     &c->raw.source, &c->raw.key,
                            &c->raw.format, &c->raw.name,   &c->raw.sha256};
    for (size_t i = 0; i < PL_COUNT(texts); i++)
        *texts[i] = pl_arena_cstr(r->arena, pl_span_of(*texts[i]));
    c->replaces = pl_arena_cstr(r->arena, pl_span_of(state.run ? state.run : ""));
    r->report->objects++;
    r->report->bytes += (uint64_t)row->stored_bytes;
    r->report->content_bytes += row->content_bytes > 0 ? (uint64_t)row->content_bytes : 0;
    return pl_registry_ledger(registry, row->id, r->options->table, 1, visit_records, r, r->err);
}

static bool visit_object(void *context, const pl_object_row *row, pl_object_state state)
{
    replaying *r = context;
    const pl_project *project = r->picked ? r->options->run.files : r->options->run.project;
    if (!wanted(r, row, state)) return true;
    if (r->options->objects) {
        bool *named = &r->named[named_at(r, row->id)];
        const char *prefix = r->options->objects[named_at(r, row->id)];
        if (*named && strlen(prefix) < PL_ID_TEXT - 1) {
            r->status = pl_fail(r->err, PLUMB_E_NOT_FOUND,
                                "cannot replay object '%s': more than one begins so", prefix);
            return false;
        }
        *named = true;
    }
    pl_span source = pl_span_of(row->source), table = pl_span_of(r->options->table);
    const pl_mapping *mapping = pl_project_mapping(project, source, table);
    const char *why = why_not(r, state, mapping, pl_mapping_unfit(project, source, table));
    if (why) {
        refuse(r, row->id, row->source, why);
        return true;
    }
    r->status = choose(r, row, r->picked ? r->picked : mapping);
    return r->status == PLUMB_OK;
}

static plumb_status find_finding(replaying *r)
{
    pl_finding_row row;
    int64_t id = r->options->finding;
    PL_TRY(pl_registry_finding(r->options->run.registry, id, r->arena, &row, r->err));
    if (strcmp(row.table, r->options->table) != 0)
        return pl_fail(r->err, PLUMB_E_NOT_FOUND,
                       "cannot replay finding %lld: it is of table '%s', not of '%s'",
                       (long long)id, row.table, r->options->table);
    r->first_object = row.first_object;
    r->finding_source = row.source;
    return PLUMB_OK;
}

// ---- a partition -------------------------------------------------------------------------------
static bool has_element(const char *path, pl_span element)
{
    for (const char *at = path; *at;) {
        const char *slash = strchr(at, '/');
        pl_span here = {at, slash ? (size_t)(slash - at) : strlen(at)};
        if (pl_span_equal(here, element)) return true;
        at += here.bytes + (slash != NULL);
    }
    return false;
}

// "day=2026-11-22" stands for year, month and day.
static bool has_day(const char *path, pl_span element, pl_arena *arena)
{
    static const char *const names[] = {"year=", "month=", "day="};
    pl_span value = {element.data + 4, element.bytes - 4};
    if (element.bytes != 14 || memcmp(element.data, "day=", 4) != 0 || value.data[4] != '-' ||
        value.data[7] != '-')
        return false;
    pl_span parts[] = {{value.data, 4}, {value.data + 5, 2}, {value.data + 8, 2}};
    for (int i = 0; i < 3; i++) {
        const char *wants = pl_arena_printf(arena, "%s%.*s", names[i], PL_FMT(parts[i]));
        if (!has_element(path, pl_span_of(wants))) return false;
    }
    return true;
}

// Does a file's folder have all elements that were asked for?
static bool is_in(const char *path, const char *where, pl_arena *arena)
{
    for (const char *at = where; *at;) {
        const char *slash = strchr(at, '/');
        pl_span element = {at, slash ? (size_t)(slash - at) : strlen(at)};
        if (element.bytes && !has_element(path, element) && !has_day(path, element, arena))
            return false;
        at += element.bytes + (slash != NULL);
    }
    return true;
}

static void note_object(void *context, pl_span object, uint64_t rows)
{
    replaying *r = context;
    (void)rows;
    if (pl_map_get(&r->in_partition, object) == PL_MAP_NONE)
        pl_map_add(&r->in_partition, pl_arena_copy(r->arena, object), 0);
}

static plumb_status find_in_partition(replaying *r)
{
    const pl_run_options *o = &r->options->run;
    char *location;
    pl_ice_table *table;
    pl_ice_file *files;
    uint32_t count;
    pl_catalog catalog = pl_registry_catalog(o->registry);
    PL_TRY(catalog.load(catalog.self, r->options->table, r->arena, &location, r->err));
    if (!location) return PLUMB_OK;
    PL_TRY(pl_ice_load(o->store, location, r->arena, &table, r->err));
    PL_TRY(pl_ice_files(table, 0, r->arena, &files, &count, r->err));
    const pl_schema *schema = pl_ice_current_schema(table);
    const char *path = "";
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        path = pl_run__partition_path(schema, &files[i], r->arena);
        const char *key = pl_store_key(o->store, pl_arena_cstr(r->arena, files[i].path));
        if (!is_in(path, r->options->where, r->arena)) continue;
        any = true;
        if (key) PL_TRY(pl_copy_look(o->store, key, schema, note_object, r, r->err));
    }
    if (any || !count) return PLUMB_OK;
    pl_fail(r->err, PLUMB_E_NOT_FOUND, "cannot replay table '%s': it has no partition '%s'",
            r->options->table, r->options->where);
    pl_hint(r->err,
            *path ? "One that it has is '%s'; any of its elements will do."
                  : "It is not partitioned%s: say --all, --since or --object.",
            path);
    return PLUMB_E_NOT_FOUND;
}

// ---- the mapping -------------------------------------------------------------------------------
static plumb_status pick_mapping(replaying *r)
{
    const pl_project *project = r->options->run.files;
    const pl_mapping *found = NULL;
    pl_problems problems = {0}, warnings = {0};
    pl_span text;
    if (!r->options->mapping) return PLUMB_OK;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *mapping = project->mappings[i];
        if (!pl_span_is(mapping->table, r->options->table) ||
            (r->options->source && !pl_span_is(mapping->source, r->options->source)))
            continue;
        if (found) {
            pl_fail(r->err, PLUMB_E_MISUSE,
                    "cannot replay table '%s' by version %lld of its mapping: it has more than one",
                    r->options->table, (long long)r->options->mapping);
            pl_hint(r->err, "Say whose: --source.");
            return PLUMB_E_MISUSE;
        }
        found = mapping;
    }
    if (!found) return PLUMB_OK; // every object is refused
    const char *source = pl_arena_cstr(r->arena, found->source);
    PL_TRY(pl_registry_mapping_text(r->options->run.registry, source, r->options->table,
                                    r->options->mapping, r->arena, &text, r->err));
    const char *name =
        pl_arena_printf(r->arena, "%s (version %lld)", found->file, (long long)r->options->mapping);
    r->picked = pl_mapping_parse(name, text, project->contracts, project->contract_count, r->arena,
                                 &problems, &warnings);
    plumb_status st = PLUMB_OK;
    if (!r->picked)
        st = pl_fail(r->err, PLUMB_E_CONFIG, "cannot use mapping '%s': line %u: %s", name,
                     problems.items[0].line, problems.items[0].message);
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return st;
}

// In landing order, source by source: tasks are cut along it.
static int by_source_and_object(const void *a, const void *b)
{
    const candidate *left = a, *right = b;
    int order = strcmp(left->raw.source, right->raw.source);
    return order ? order : strcmp(left->raw.id, right->raw.id);
}

static plumb_status select_all(replaying *r)
{
    const pl_replay_options *o = r->options;
    if (!pl_project_contract(o->run.project, pl_span_of(o->table)))
        return pl_fail(r->err, PLUMB_E_NOT_FOUND, "cannot replay table '%s': no contract names it",
                       o->table);
    PL_TRY(pick_mapping(r));
    if (o->finding) PL_TRY(find_finding(r));
    if (o->where) PL_TRY(find_in_partition(r));
    r->named = PL_TAKE(r->arena, bool, o->object_count);
    PL_TRY(pl_registry_objects(o->run.registry, o->source, o->table, visit_object, r, r->err));
    PL_TRY(r->status);
    for (uint32_t i = 0; i < o->object_count; i++)
        if (!r->named[i]) {
            pl_fail(r->err, PLUMB_E_NOT_FOUND, "cannot replay object '%s': there is none",
                    o->objects[i]);
            pl_hint(r->err, "'plumb ledger' lists the objects of every table.");
            return PLUMB_E_NOT_FOUND;
        }
    if (r->count) qsort(r->chosen, r->count, sizeof *r->chosen, by_source_and_object);
    return PLUMB_OK;
}

// ---- the run -----------------------------------------------------------------------------------
// run->find: the objects that were chosen.
static plumb_status find_objects(run_state *run, void *context, plumb_error *err)
{
    replaying *r = context;
    const pl_project *project = run->options->project;
    (void)err;
    run->sources = PL_TAKE(run->arena, run_source, run->options->files->mapping_count);
    run->tables = PL_TAKE(run->arena, run_table, project->contract_count);
    for (uint32_t i = 0; i < r->count; i++) {
        const candidate *c = &r->chosen[i];
        run_source *source = NULL;
        for (uint32_t s = 0; s < run->source_count && !source; s++)
            if (run->sources[s].mapping == c->mapping) source = &run->sources[s];
        if (!source) {
            source = &run->sources[run->source_count++];
            *source = (run_source){.mapping = c->mapping,
                                   .picked = r->picked != NULL,
                                   .name = pl_arena_cstr(run->arena, c->mapping->source),
                                   .table = pl_run__table(run, c->mapping->contract)};
        }
        pl_run__object(run, source, &c->raw)->replaces = c->replaces;
    }
    return PLUMB_OK;
}

static run_state *new_run(replaying *r)
{
    run_state *run = pl_run__new(&r->options->run, NULL, r->arena);
    run->command = "replay";
    run->find = find_objects;
    run->find_context = r;
    run->dry = r->options->dry;
    run->swap = pl_run__swap_objects;
    run->regains = r->options->withdrawn;
    return run;
}

static void tell_swap(replaying *r, const run_state *run)
{
    pl_replay_report *report = r->report;
    for (uint32_t i = 0; i < run->table_count; i++) {
        const run_swap *swap = &run->tables[i].swap;
        report->rows_before += swap->rows;
        report->files_removed += swap->whole;
        report->files_rewritten += swap->mixed;
        report->bytes_rewritten += swap->mixed_bytes;
        report->rows_copied += swap->rows_copied;
        report->partitions = swap->partitions;
        report->partition_count = swap->partition_count;
    }
    report->rows_after = report->run.rows;
}

// Records a second of the newest runs that had enough to tell.
typedef struct speed {
    double records, seconds;
    uint32_t runs;
} speed;

static bool visit_run(void *context, const pl_run_row *row)
{
    speed *s = context;
    pl_arena scratch = {0};
    pl_json *counts;
    int64_t records;
    plumb_error ignored;
    if (*row->counts &&
        pl_json_parse(pl_span_of(row->counts), &scratch, &counts, &ignored) == PLUMB_OK &&
        pl_json_get_long(counts, "raw", &records) && records > 0 &&
        row->finished_us > row->started_us) {
        s->records += (double)records;
        s->seconds += (double)(row->finished_us - row->started_us) / 1e6;
        s->runs++;
    }
    pl_arena_done(&scratch);
    return s->runs < 20;
}

static plumb_status estimate(replaying *r)
{
    speed s = {0};
    PL_TRY(pl_registry_runs(r->options->run.registry, "done", 100, visit_run, &s, r->err));
    double rate = s.records > 0 ? s.records / s.seconds : RECORDS_PER_SECOND;
    double work = (double)r->records + COPY_SHARE * (double)r->report->rows_copied;
    r->report->estimate_us = (int64_t)(work / rate * 1e6);
    return PLUMB_OK;
}

static plumb_status look(replaying *r)
{
    run_state *run = new_run(r);
    PL_TRY(pl_run__plan(run, r->err));
    for (uint32_t i = 0; i < run->table_count; i++) {
        PL_TRY(pl_run__load_table(run, &run->tables[i], r->err));
        PL_TRY(run->swap(run, &run->tables[i], r->err));
    }
    tell_swap(r, run);
    PL_TRY(pl_replay__compare(run, r->options->compare_bytes, r->report, r->err));
    return estimate(r);
}

static plumb_status publish(replaying *r)
{
    run_state *run = new_run(r);
    plumb_status st = pl_run__plan(run, r->err);
    if (run->started) {
        if (st == PLUMB_OK) st = pl_run__work(run, r->err);
        st = pl_run__finish(run, st, &r->report->run, r->err);
    }
    if (st == PLUMB_OK) tell_swap(r, run);
    return st;
}

// What turned out not to read keeps its rows.
static void refuse_damaged(replaying *r)
{
    const pl_run_report *run = &r->report->run;
    for (uint32_t i = 0; i < run->damage_count; i++) {
        refuse(r, run->damages[i].object, run->damages[i].source, run->damages[i].why);
        r->report->objects--;
    }
}

static plumb_status replay_all(replaying *r)
{
    plumb_status st = select_all(r);
    r->report->run.nothing = !r->count;
    if (st == PLUMB_OK && r->count) st = r->options->dry ? look(r) : publish(r);
    if (st == PLUMB_OK) refuse_damaged(r);
    free(r->chosen);
    pl_map_done(&r->in_partition);
    if (r->report->refusal_count) { // to the arena, as the rest of the report
        pl_replay_refusal *copy = PL_TAKE(r->arena, pl_replay_refusal, r->report->refusal_count);
        memcpy(copy, r->report->refusals, r->report->refusal_count * sizeof *copy);
        free(r->report->refusals);
        r->report->refusals = copy;
    }
    return st;
}

static plumb_status replay_locked(const pl_run_options *run, pl_arena *arena, void *context,
                                  plumb_error *err)
{
    replaying *r = context;
    pl_map skip = {0};
    pl_run_report resumed = {.run = "", .nothing = true};
    pl_replay_options options = *r->options;
    options.run = *run;
    r->options = &options;
    plumb_status st = pl_run__begin(run, arena, &skip, &resumed, err);
    pl_map_done(&skip);
    r->report->run.resumed = r->resumed = resumed.resumed;
    return st == PLUMB_OK ? replay_all(r) : st;
}

plumb_status pl_replay(const pl_replay_options *options, pl_arena *arena,
                       pl_replay_report *ret_report, plumb_error *err)
{
    int64_t began = pl_clock_monotonic();
    plumb_error local;
    plumb_status st;
    if (!err) err = &local;
    *ret_report = (pl_replay_report){.run = {.run = "", .nothing = true}};
    pl_replay_options own = *options;
    own.run.source = NULL;
    replaying r = {.options = &own, .arena = arena, .report = ret_report, .err = err};
    if (options->dry) {
        pl_project *project = NULL;
        if (!own.run.threads) own.run.threads = (uint32_t)pl_cpu_count();
        st = pl_mappings_in_use(own.run.project, own.run.registry, arena, &project, err);
        own.run.files = options->run.project;
        own.run.project = project;
        if (st == PLUMB_OK) st = replay_all(&r);
    } else {
        st = pl_run__with_lock(&own.run, "replay", replay_locked, arena, &r, err);
    }
    // Who replays ought to know that it is not the file that says how.
    if (st == PLUMB_OK && !options->mapping)
        pl_run__tell_mappings(&options->run, arena, &ret_report->run);
    ret_report->run.micros = pl_clock_monotonic() - began;
    return st;
}
