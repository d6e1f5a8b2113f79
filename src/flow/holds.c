// holds.c -- what waits, in the registry.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/edit.h"
#include "flow/judge.h"
#include "os/os.h"

static const char actor[] = "plumb";
// Of findings for which a source may wait.
static const uint32_t may_wait =
    PL_FINDING_IN(PL_FINDING_HELD) | PL_FINDING_IN(PL_FINDING_FLAPPING);

// ---- reviewing: may something go by now? -------------------------------------------------------
typedef struct staged_search {
    char last[PL_ID_TEXT];
} staged_search;

static bool find_staged(void *context, const pl_object_row *row, pl_object_state state)
{
    staged_search *search = context;
    if (state == PL_STATE_STAGED) snprintf(search->last, sizeof search->last, "%s", row->id);
    return true;
}

// The time is over: findings are let through, so that what waits is not suspect for them any more.
static plumb_status let_through(run_state *run, const pl_hold_row *hold, plumb_error *err)
{
    pl_finding_list rows = {0};
    plumb_status st = pl_run__findings(run, hold->source, hold->table, may_wait, &rows, err);
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK; i++) {
        pl_finding_row *row = &rows.items[i];
        int64_t id;
        if (!pl_finding_waits(row, hold)) continue;
        row->state = strcmp(row->class, "removed") == 0 ? PL_FINDING_DEPRECATED : PL_FINDING_OPEN;
        row->changed_us = run->now_us;
        st = pl_registry_finding_put(run->options->registry, row, actor,
                                     "nobody decided within the limit, and no critical column is "
                                     "concerned: what waited is published as it is",
                                     &id, err);
    }
    free(rows.items);
    return st;
}

static plumb_status release(run_state *run, pl_hold_row *hold, bool over_time, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    staged_search search = {.last = ""};
    PL_TRY(pl_registry_objects_pending(registry, hold->source, hold->table, "", find_staged,
                                       &search, err));
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = PLUMB_OK;
    hold->released = search.last;
    if (!*search.last) // a rebuilt registry has no staged objects
        st = pl_registry_hold_remove(registry, hold->source, hold->table, err);
    else
        st = pl_registry_hold_put(registry, hold, err);
    if (st == PLUMB_OK && over_time) st = let_through(run, hold, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

static void write_event(pl_buf *out, const pl_finding_row *row)
{
    pl_json_writer w = pl_json_writer_on(out, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "finding"), pl_json_int(&w, row->id);
    pl_json_key(&w, "source"), pl_json_cstr(&w, row->source);
    pl_json_key(&w, "class"), pl_json_cstr(&w, row->class);
    pl_json_key(&w, "before"), pl_json_cstr(&w, row->before);
    pl_json_key(&w, "after"), pl_json_cstr(&w, row->after);
    pl_json_key(&w, "column"), pl_json_cstr(&w, row->column);
    pl_json_key(&w, "from"), pl_json_cstr(&w, pl_finding_state_name(row->state));
    pl_json_key(&w, "to"), pl_json_cstr(&w, pl_finding_state_name(row->state));
    pl_json_key(&w, "note"), pl_json_cstr(&w, "it still waits for somebody to decide");
    pl_json_end(&w, '}');
}

// Nobody else lets it go: say so again, once in each limit.
static plumb_status remind(run_state *run, pl_hold_row *hold, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    pl_finding_list rows = {0};
    hold->alerted_us = run->now_us;
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = pl_run__findings(run, hold->source, hold->table, may_wait, &rows, err);
    if (st == PLUMB_OK) st = pl_registry_hold_put(registry, hold, err);
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK; i++) {
        pl_buf text = {0};
        const char *state = pl_finding_state_name(rows.items[i].state);
        if (!pl_finding_waits(&rows.items[i], hold)) continue;
        write_event(&text, &rows.items[i]);
        pl_event_row event = {.at_us = run->now_us,
                              .kind = pl_arena_printf(run->arena, "drift.%s", state),
                              .who = actor,
                              .table = hold->table,
                              .text = pl_buf_cstr(&text)};
        st = pl_registry_event_add(registry, &event, err);
        pl_buf_done(&text);
    }
    free(rows.items);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

static plumb_status review(run_state *run, const pl_mapping *mapping, plumb_error *err)
{
    pl_hold_row hold;
    bool found, edited = false;
    pl_baseline waiting;
    plumb_error none;
    const char *source = pl_arena_cstr(run->arena, mapping->source);
    const char *table = pl_arena_cstr(run->arena, mapping->contract->table);
    PL_TRY(pl_registry_hold(run->options->registry, source, table, run->arena, &hold, &found, err));
    if (!found || *hold.released) return PLUMB_OK;
    if (pl_baseline_read(hold.document, source, &waiting, &none) == PLUMB_OK) {
        edited = waiting.judged != pl_judge_hash(mapping);
        pl_baseline_done(&waiting);
    }
    pl_drift_policy policy = pl_project_drift(run->options->project, mapping);
    bool person = hold.critical || policy.strict;
    bool over_time = !person && run->now_us - hold.since_us >= policy.limit_us;
    if (edited || over_time) return release(run, &hold, over_time && !edited, err);
    bool again = person && run->now_us - hold.alerted_us >= policy.limit_us;
    return again ? remind(run, &hold, err) : PLUMB_OK;
}

plumb_status pl_run__review(run_state *run, plumb_error *err)
{
    const pl_project *project = run->options->project;
    for (uint32_t i = 0; i < project->mapping_count; i++)
        if (!run->only || pl_span_is(project->mappings[i]->source, run->only))
            PL_TRY(review(run, project->mappings[i], err));
    return PLUMB_OK;
}

// ---- writing a verdict -------------------------------------------------------------------------
static plumb_status put_rows(run_state *run, const verdict *v, plumb_error *err)
{
    int64_t id;
    for (uint32_t i = 0; i < v->row_count; i++) {
        const verdict_row *row = &v->rows[i];
        PL_TRY(
            pl_registry_finding_put(run->options->registry, &row->row, actor, row->note, &id, err));
    }
    return PLUMB_OK;
}

// The version that the overlay makes. Where it reads new paths first and goes on as before, objects
// from before the hold have nothing there: it would make the same rows of them.
static plumb_status put_version(run_state *run, const verdict *v, const char *first,
                                plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    const pl_mapping *file = pl_verdict__file(run, v);
    pl_span text;
    int64_t version;
    PL_TRY(pl_edit_overlay(file->file, file->text, v->overlay, run->arena, &text, err));
    PL_TRY(
        pl_registry_mapping_version(registry, v->name, v->table, text, run->now_us, &version, err));
    if (version != v->source->version + 1) return PLUMB_OK; // there was one before it
    return pl_registry_mapping_since(registry, v->name, v->table, version, first, err);
}

static plumb_status put_hold(run_state *run, verdict *v, plumb_error *err)
{
    pl_buf document = {0};
    pl_hold_row row = {.source = v->name,
                       .table = v->table,
                       .first_object = v->from ? v->from : v->hold.first_object,
                       .since_us = v->held ? v->hold.since_us : run->now_us,
                       .alerted_us = v->held ? v->hold.alerted_us : run->now_us,
                       .run = run->run,
                       .objects = (int64_t)v->wait.objects,
                       .records = (int64_t)v->wait.shape.records,
                       .critical = v->critical,
                       .why = v->why ? v->why : v->hold.why,
                       .checks = v->by_checks,
                       .released = v->until ? v->until : ""};
    v->wait.judged = pl_judge_hash(v->source->mapping);
    pl_baseline_write(&v->wait, &document);
    row.document = pl_buf_view(&document);
    plumb_status st = pl_registry_hold_put(run->options->registry, &row, err);
    pl_buf_done(&document);
    if (st == PLUMB_OK && v->by_checks && !(v->held && v->hold.checks))
        st =
            pl_check_event(run->options->registry, "check.held", actor, &row, "", run->now_us, err);
    if (st != PLUMB_OK || !v->has_overlay) return st;
    pl_mapping_use use = {.overlay = v->overlay};
    PL_TRY(pl_registry_mapping_use_set(run->options->registry, v->name, v->table, &use, run->now_us,
                                       err));
    return v->overlay_new ? put_version(run, v, row.first_object, err) : PLUMB_OK;
}

// The source's objects of this run from v->from on.
static plumb_status stage_objects(run_state *run, const verdict *v, plumb_error *err)
{
    for (uint32_t t = 0; t < run->task_count; t++) {
        const run_task *task = &run->tasks[t];
        for (uint32_t i = 0; task->source == v->source && i < task->work.object_count; i++) {
            const char *id = task->work.objects[i].id.data;
            if (strcmp(id, v->from) < 0 || task->result.objects[i].damaged) continue;
            PL_TRY(pl_run__join(run, task, i, err));
        }
    }
    return PLUMB_OK;
}

plumb_status pl_run__join(run_state *run, const run_task *task, uint32_t object, plumb_error *err)
{
    pl_state_row state = {.object = task->work.objects[object].id.data,
                          .table = task->source->table->name,
                          .state = PL_STATE_STAGED,
                          .run = run->run,
                          .mapping = task->source->version};
    return pl_registry_state_move(run->options->registry, &state, PL_FROM_PENDING, err);
}

plumb_status pl_run__stage(run_state *run, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st =
        pl_registry_run_finish(registry, run->run, "held", pl_clock_micros(), "", err);
    if (st == PLUMB_E_CONFLICT) // the fence: another process declared this run dead
        st = pl_fail(err, PLUMB_E_FAILED,
                     "cannot hold objects of run '%s': it is no longer working", run->run);
    for (uint32_t i = 0; i < run->verdict_count && st == PLUMB_OK; i++) {
        verdict *v = &run->verdicts[i];
        if (!v->waits || v->source->joins) continue;
        st = stage_objects(run, v, err);
        if (st == PLUMB_OK) st = put_hold(run, v, err);
        if (st == PLUMB_OK) st = put_rows(run, v, err);
        if (st == PLUMB_OK) st = pl_verdict__put_checks(run, v, err);
    }
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

static plumb_status put_baseline(run_state *run, verdict *v, plumb_error *err)
{
    pl_buf document = {0};
    int64_t version;
    v->base.judged = pl_judge_hash(v->source->mapping);
    pl_baseline_write(&v->base, &document);
    pl_shape_row row = {.source = v->name,
                        .table = v->table,
                        .run = run->run,
                        .until_us = run->now_us,
                        .records = (int64_t)v->base.shape.records,
                        .document = pl_buf_view(&document)};
    plumb_status st = pl_registry_shape_put(run->options->registry, &row, &version, err);
    pl_buf_done(&document);
    return st;
}

plumb_status pl_run__record_verdicts(run_state *run, plumb_error *err)
{
    for (uint32_t i = 0; i < run->verdict_count; i++) {
        verdict *v = &run->verdicts[i];
        if (v->waits)
            PL_TRY(put_hold(run, v, err));
        else if (v->observed)
            PL_TRY(put_baseline(run, v, err));
        if (v->over && v->hold.checks && !v->hold.accepted)
            PL_TRY(pl_check_event(run->options->registry, "check.passed", actor, &v->hold,
                                  v->edited ? "the files were edited" : "what waits passes by now",
                                  run->now_us, err));
        if (v->over)
            PL_TRY(pl_registry_hold_remove(run->options->registry, v->name, v->table, err));
        PL_TRY(put_rows(run, v, err));
        PL_TRY(pl_verdict__put_checks(run, v, err));
    }
    return PLUMB_OK;
}

// ---- telling -----------------------------------------------------------------------------------
typedef struct hold_list {
    const pl_run_options *options;
    pl_arena *arena;
    pl_run_report *report;
    uint32_t capacity;
} hold_list;

static bool tell_hold(void *context, const pl_hold_row *row)
{
    hold_list *list = context;
    const pl_run_options *o = list->options;
    if (o->source && strcmp(o->source, row->source) != 0) return true;
    pl_run_report *report = list->report;
    const pl_mapping *mapping =
        o->project ? pl_project_mapping(o->project, pl_span_of(row->source), pl_span_of(row->table))
                   : NULL;
    if (!mapping || report->hold_count == list->capacity) return true;
    pl_drift_policy policy = pl_project_drift(o->project, mapping);
    report->holds[report->hold_count++] = (pl_run_hold){
        .source = pl_arena_cstr(list->arena, pl_span_of(row->source)),
        .table = pl_arena_cstr(list->arena, pl_span_of(row->table)),
        .why = pl_arena_cstr(list->arena, pl_span_of(row->why)),
        .objects = row->objects,
        .records = row->records,
        .since_us = row->since_us,
        .released = *row->released != '\0',
        .checks = row->checks,
        .until_us = row->critical || policy.strict ? 0 : row->since_us + policy.limit_us};
    return true;
}

typedef struct finding_list {
    const pl_run_options *options;
    pl_arena *arena;
    pl_run_report *report;
    int64_t since_us;
    uint32_t capacity;
} finding_list;

static bool tell_finding(void *context, const pl_finding_row *row)
{
    finding_list *list = context;
    pl_run_report *report = list->report;
    const char *source = list->options->source;
    if (row->changed_us < list->since_us) return false; // newest change first
    if (source && strcmp(source, row->source) != 0) return true;
    pl_finding_row copy = pl_finding_row_copy(row, list->arena);
    PL_GROW(report->findings, report->finding_count, list->capacity);
    report->findings[report->finding_count++] = (pl_run_finding){.id = copy.id,
                                                                 .source = copy.source,
                                                                 .table = copy.table,
                                                                 .column = copy.column,
                                                                 .class = copy.class,
                                                                 .before = copy.before,
                                                                 .after = copy.after,
                                                                 .state = copy.state};
    return true;
}

// What is only counted yet is not told.
static plumb_status tell_findings(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                                  pl_run_report *report, plumb_error *err)
{
    finding_list list = {.options = options, .arena = arena, .since_us = since_us};
    pl_run_report found = {0};
    list.report = &found;
    pl_finding_filter filter = {.states = ~PL_FINDING_IN(PL_FINDING_SEEN)};
    plumb_status st = pl_registry_findings(options->registry, &filter, tell_finding, &list, err);
    report->finding_count = found.finding_count;
    report->findings = PL_TAKE(arena, pl_run_finding, found.finding_count);
    for (uint32_t i = 0; i < found.finding_count; i++) report->findings[i] = found.findings[i];
    free(found.findings);
    return st;
}

plumb_status pl_run__tell_drift(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                                pl_run_report *report, plumb_error *err)
{
    PL_TRY(tell_findings(options, since_us, arena, report, err));
    PL_TRY(pl_run__tell_checks(options, since_us, arena, report, err));
    hold_list list = {.options = options, .arena = arena, .report = report};
    list.capacity = options->project->mapping_count;
    report->holds = PL_TAKE(arena, pl_run_hold, list.capacity);
    report->hold_count = 0;
    return pl_registry_holds(options->registry, tell_hold, &list, err);
}
