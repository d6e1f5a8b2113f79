// SPDX-License-Identifier: Apache-2.0
#include "drill/drill.h"

#include <stdatomic.h>

#include "base/time.h"
#include "drill/cases.h"
#include "drill/rows.h"
#include "flow/ingest.h"
#include "flow/run.h"
#include "os/file.h"
#include "os/os.h"
#include "registry/drift.h"

// The sample in raw objects an hour apart: so many before the upgrade, so many after it.
enum { BEFORE = 6, AFTER = 3, OBJECTS = BEFORE + AFTER, BEFORE_PERCENT = 60 };

typedef struct drill {
    const pl_drill_options *options;
    pl_arena *arena;     // of the report
    pl_project *project; // the source's mappings and their contracts
    pl_drill_sample sample;
    uint32_t ends[OBJECTS]; // units before the end of each object
    pl_rows *truth;         // [mapping_count]
    uint64_t *quarantined;  // [mapping_count] records of the truth that are no rows
} drill;

// A lake of its own, while a case is played.
typedef struct scene {
    const char *folder, *lock_path;
    bool blind; // runs do not look for drift
    pl_store *store;
    pl_registry *registry;
    pl_ulids ulids;
    const char *objects[OBJECTS]; // ids, in order
    pl_arena arena;               // of the case
} scene;

const char *pl_drill_verdict_name(pl_drill_verdict verdict)
{
    static const char *const names[PL_DRILL_VERDICTS] = {
        "published", "healed", "held", "quarantined", "missed", "false alarm",
    };
    return names[verdict];
}

// ---- the scene ---------------------------------------------------------------------------------

static plumb_status open_scene(scene *s, const drill *d, uint32_t number, plumb_error *err)
{
    uint8_t seed[32];
    *s = (scene){.folder = NULL};
    s->folder = pl_arena_printf(&s->arena, "%s/%u", d->options->scratch, number);
    s->lock_path = pl_arena_printf(&s->arena, "%s/.plumb/run.lock", s->folder);
    pl_entropy(seed, sizeof seed);
    s->ulids = pl_ulids_make(seed);
    PL_TRY(pl_store_open_local(s->folder, true, &s->store, err));
    return pl_registry_open(pl_arena_printf(&s->arena, "%s/plumb.db", s->folder),
                            PL_REGISTRY_CREATE, &s->registry, err);
}

// It is removed also when the case failed or was stopped; the first mistake is what is told.
static plumb_status close_scene(scene *s, plumb_status st, plumb_error *err)
{
    plumb_error ignored;
    pl_registry_close(s->registry);
    pl_store_close(s->store);
    plumb_status removed = pl_path_remove_all(s->folder, st == PLUMB_OK ? err : &ignored);
    pl_arena_done(&s->arena);
    return st == PLUMB_OK ? removed : st;
}

// Of a hundred records of an object, so many are changed.
static uint32_t changed_share(const pl_drill_case *upgrade, uint32_t object)
{
    static const uint32_t gradual[AFTER] = {30, 70, 100};
    if (!upgrade || object < BEFORE) return 0;
    return upgrade->gradual ? gradual[object - BEFORE] : 100;
}

// One raw object's content, changed from the upgrade on.
static void write_content(const drill *d, uint32_t object, const pl_drill_case *upgrade,
                          pl_buf *out)
{
    pl_arena arena = {0};
    uint32_t first = object ? d->ends[object - 1] : 0, share = changed_share(upgrade, object);
    if (d->sample.items) pl_buf_char(out, '[');
    for (uint32_t i = first; i < d->ends[object]; i++) {
        pl_json *document = d->sample.units[i].document;
        if (share) {
            document = pl_mutate_copy(document, &arena);
            pl_drill_change(upgrade, document, share, &arena);
        }
        pl_mutate_write(out, document);
        if (!d->sample.items)
            pl_buf_char(out, '\n');
        else if (i + 1 < d->ends[object])
            pl_buf_text(out, ",\n");
        pl_arena_reset(&arena);
    }
    if (d->sample.items) pl_buf_char(out, ']');
    pl_arena_done(&arena);
}

static plumb_status land(const drill *d, scene *s, uint32_t object, const pl_drill_case *upgrade,
                         plumb_error *err)
{
    const char *path = pl_arena_printf(&s->arena, "%s/in.json", d->options->scratch);
    int64_t received = d->options->now_us - (OBJECTS - 1 - object) * PL_MICROS_PER_HOUR;
    pl_ingest_options options = {.source = pl_span_of(d->options->source),
                                 .now_us = received,
                                 .has_received = true,
                                 .received_us = received,
                                 .has_format = true,
                                 .format = d->sample.items ? PL_FORMAT_ARRAY : PL_FORMAT_NDJSON,
                                 .again = true,
                                 .level = PL_RAW_LEVEL_DEFAULT};
    pl_ingest_result result;
    pl_buf content = {0};
    write_content(d, object, upgrade, &content);
    plumb_status st = pl_path_write(path, pl_buf_view(&content), err);
    pl_buf_done(&content);
    if (st == PLUMB_OK)
        st = pl_ingest_file(s->store, s->registry, &s->ulids, path, &options, &s->arena, &result,
                            err);
    if (st == PLUMB_OK) s->objects[object] = pl_arena_cstr(&s->arena, pl_span_of(result.id));
    if (st == PLUMB_OK) st = pl_path_unlink(path, err);
    return st;
}

static plumb_status run(const drill *d, scene *s, plumb_error *err)
{
    pl_run_options options = {.project = d->project,
                              .store = s->store,
                              .registry = s->registry,
                              .lock_path = s->lock_path,
                              .threads = 1,
                              .no_shape = s->blind};
    pl_run_report report;
    return pl_run(&options, &s->arena, &report, err);
}

static plumb_status play(const drill *d, scene *s, const pl_drill_case *upgrade, plumb_error *err)
{
    for (uint32_t i = 0; i < OBJECTS; i++) {
        PL_TRY(land(d, s, i, upgrade, err));
        if (i >= BEFORE - 1) PL_TRY(run(d, s, err));
    }
    return PLUMB_OK;
}

// ---- what came of it ---------------------------------------------------------------------------

static bool add_quarantined(void *context, const pl_ledger_row *row)
{
    *(uint64_t *)context += (uint64_t)row->quarantined;
    return true;
}

// Records of what came after the upgrade that are in quarantine.
static plumb_status count_quarantined(scene *s, const char *table, uint64_t *ret_count,
                                      plumb_error *err)
{
    *ret_count = 0;
    for (uint32_t i = BEFORE; i < OBJECTS; i++)
        PL_TRY(pl_registry_ledger(s->registry, s->objects[i], table, 0, add_quarantined, ret_count,
                                  err));
    return PLUMB_OK;
}

static uint64_t rows_of(const pl_rows *rows, uint32_t object)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < rows->count; i++) count += rows->ids[i].object == object;
    return count;
}

// Add to the result what became of one table.
static plumb_status judge_table(const drill *d, scene *s, uint32_t index, pl_drill_result *result,
                                bool *ret_healed, plumb_error *err)
{
    const pl_mapping *mapping = d->project->mappings[index];
    const char *table = pl_arena_cstr(&s->arena, mapping->table);
    const pl_rows *truth = &d->truth[index];
    pl_rows rows;
    uint64_t quarantined, absent = 0;
    pl_mapping_use use;
    PL_TRY(
        pl_rows_read(s->store, s->registry, mapping, s->objects, OBJECTS, &s->arena, &rows, err));
    PL_TRY(count_quarantined(s, table, &quarantined, err));
    for (uint32_t i = BEFORE; i < OBJECTS; i++) {
        pl_state_row state;
        PL_TRY(pl_registry_state(s->registry, s->objects[i], table, &s->arena, &state, err));
        uint64_t should = rows_of(truth, i);
        result->rows += should;
        if (state.state != PL_STATE_PUBLISHED) {
            result->held += should;
            continue;
        }
        pl_rows_difference difference = pl_rows_compare(truth, &rows, i);
        result->right += difference.same;
        result->wrong += difference.wrong;
        result->nulls += difference.nulls;
        absent += difference.absent;
    }
    quarantined -= PL_MIN(quarantined, d->quarantined[index]);
    result->quarantined += quarantined;
    result->absent += absent - PL_MIN(absent, quarantined);
    PL_TRY(pl_registry_mapping_use(s->registry, d->options->source, table, &s->arena, &use, err));
    *ret_healed |= use.overlay.bytes > 0;
    return PLUMB_OK;
}

typedef struct found {
    pl_arena *arena;
    pl_drill_finding *items;
    uint32_t count;
} found;
enum { FINDINGS_MAX = 64 };

static bool note_finding(void *context, const pl_finding_row *row)
{
    found *f = context;
    f->items[f->count++] =
        (pl_drill_finding){.class = pl_arena_cstr(f->arena, pl_span_of(row->class)),
                           .state = pl_finding_state_name(row->state),
                           .path = pl_arena_cstr(f->arena, pl_span_of(row->before)),
                           .to_path = pl_arena_cstr(f->arena, pl_span_of(row->after))};
    return f->count < FINDINGS_MAX;
}

static plumb_status find_findings(const drill *d, scene *s, pl_drill_result *result,
                                  plumb_error *err)
{
    found f = {.arena = d->arena, .items = PL_TAKE(d->arena, pl_drill_finding, FINDINGS_MAX)};
    pl_finding_filter filter = {.source = d->options->source};
    PL_TRY(pl_registry_findings(s->registry, &filter, note_finding, &f, err));
    result->findings = f.items;
    result->finding_count = f.count;
    return PLUMB_OK;
}

static plumb_status judge(const drill *d, scene *s, const pl_drill_case *upgrade,
                          pl_drill_result *result, plumb_error *err)
{
    bool healed = false;
    for (uint32_t i = 0; i < d->project->mapping_count; i++)
        PL_TRY(judge_table(d, s, i, result, &healed, err));
    result->verdict = result->wrong || result->nulls || result->absent ? PL_DRILL_MISSED
                      : result->held && !upgrade                       ? PL_DRILL_ALARM
                      : result->held                                   ? PL_DRILL_HELD
                      : healed                                         ? PL_DRILL_HEALED
                      : result->quarantined                            ? PL_DRILL_QUARANTINED
                                                                       : PL_DRILL_PUBLISHED;
    return find_findings(d, s, result, err);
}

// What the unchanged rest becomes where nobody looks for drift.
static plumb_status learn(const drill *d, scene *s, plumb_error *err)
{
    for (uint32_t i = 0; i < d->project->mapping_count; i++) {
        const pl_mapping *mapping = d->project->mappings[i];
        PL_TRY(pl_rows_read(s->store, s->registry, mapping, s->objects, OBJECTS, d->arena,
                            &d->truth[i], err));
        PL_TRY(count_quarantined(s, pl_arena_cstr(&s->arena, mapping->table), &d->quarantined[i],
                                 err));
    }
    return PLUMB_OK;
}

static plumb_status play_case(drill *d, uint32_t number, const pl_drill_case *upgrade, bool truth,
                              pl_drill_result *result, plumb_error *err)
{
    scene s;
    plumb_status st = open_scene(&s, d, number, err);
    s.blind = truth || d->options->blind;
    if (st == PLUMB_OK) st = play(d, &s, upgrade, err);
    if (st == PLUMB_OK) st = truth ? learn(d, &s, err) : judge(d, &s, upgrade, result, err);
    return close_scene(&s, st, err);
}

// ---- all of them -------------------------------------------------------------------------------

// The project as far as one source goes.
static plumb_status take_project(drill *d, plumb_error *err)
{
    const pl_project *all = d->options->project;
    pl_project *own = d->project = PL_TAKE(d->arena, pl_project, 1);
    *own = *all;
    own->mapping_count = own->contract_count = 0;
    own->mappings = PL_TAKE(d->arena, pl_mapping *, all->mapping_count + 1);
    own->contracts = PL_TAKE(d->arena, pl_contract *, all->contract_count + 1);
    for (uint32_t i = 0; i < all->mapping_count; i++)
        if (pl_span_is(all->mappings[i]->source, d->options->source))
            own->mappings[own->mapping_count++] = all->mappings[i];
    for (uint32_t i = 0; i < all->contract_count; i++) {
        bool used = false;
        for (uint32_t m = 0; m < own->mapping_count; m++)
            used |= own->mappings[m]->contract == all->contracts[i];
        if (used) own->contracts[own->contract_count++] = all->contracts[i];
    }
    if (own->mapping_count) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_NOT_FOUND,
                   "cannot drill source '%s': no mapping in sources/ has it", d->options->source);
}

// Where each raw object ends: by records, and each has some.
static void divide(drill *d)
{
    uint64_t records = 0;
    uint32_t object = 0;
    for (uint32_t i = 0; i < d->sample.count && object < OBJECTS - 1; i++) {
        uint64_t before = d->sample.records * BEFORE_PERCENT / 100;
        uint64_t goal = object < BEFORE
                            ? before * (object + 1) / BEFORE
                            : before + (d->sample.records - before) * (object + 1 - BEFORE) / AFTER;
        records += d->sample.units[i].records;
        if (records >= goal || d->sample.count - i <= OBJECTS - object) d->ends[object++] = i + 1;
    }
    while (object < OBJECTS) d->ends[object++] = d->sample.count;
}

static void tell(const drill *d, uint32_t done, uint32_t all)
{
    if (d->options->progress)
        d->options->progress(d->options->progress_context, d->options->source, done, all);
}

static plumb_status play_all(drill *d, pl_drill_report *report, plumb_error *err)
{
    const pl_drill_options *o = d->options;
    pl_drill_case *cases;
    uint32_t count;
    pl_drill_cases(&d->sample, d->project->mappings, d->project->mapping_count, o->seed, o->cases,
                   d->arena, &cases, &count);
    tell(d, 0, count + 2);
    PL_TRY(play_case(d, 0, NULL, true, NULL, err));
    report->results = PL_TAKE(d->arena, pl_drill_result, count + 1);
    for (uint32_t i = 0; i <= count; i++) {
        const pl_drill_case *upgrade = i ? &cases[i - 1] : NULL;
        pl_drill_result *result = &report->results[report->count];
        const pl_mapping *of = upgrade ? upgrade->mapping : d->project->mappings[0];
        *result = (pl_drill_result){.table = pl_arena_cstr(d->arena, of->table),
                                    .kind = upgrade ? upgrade->kind : "unchanged",
                                    .what = upgrade ? upgrade->what : "nothing changed"};
        tell(d, i + 1, count + 2);
        PL_TRY(play_case(d, i + 1, upgrade, false, result, err));
        report->count++;
        report->missed += result->verdict == PL_DRILL_MISSED;
        report->alarms += result->verdict == PL_DRILL_ALARM;
    }
    return PLUMB_OK;
}

plumb_status pl_drill(const pl_drill_options *options, pl_arena *arena, pl_drill_report *ret_report,
                      plumb_error *err)
{
    *ret_report = (pl_drill_report){.source = pl_arena_cstr(arena, pl_span_of(options->source))};
    drill d = {.options = options, .arena = arena};
    PL_TRY(take_project(&d, err));
    d.truth = PL_TAKE(arena, pl_rows, d.project->mapping_count);
    d.quarantined = PL_TAKE(arena, uint64_t, d.project->mapping_count);
    PL_TRY(pl_drill_sample_read(options->store, options->registry, d.project->mappings,
                                d.project->mapping_count, arena, &d.sample, err));
    ret_report->records = d.sample.records;
    ret_report->objects = d.sample.objects;
    divide(&d);
    return play_all(&d, ret_report, err);
}
