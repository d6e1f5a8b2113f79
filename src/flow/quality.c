// quality.c -- the contract's checks in a run: asked when drift lets a source pass, put into the
// books, told.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "flow/checks.h"
#include "flow/freshness.h"
#include "flow/judge.h"
#include "flow/unique.h"
#include "os/os.h"

static bool add_history(void *context, const pl_check_row *row)
{
    pl_check_subject *subject = context;
    if (!row->total || pl_check_holds(row)) return true; // that was not published
    subject->history[subject->history_count++] = (double)row->measured / (double)row->total;
    return subject->history_count < PL_CHECK_HISTORY;
}

// ---- records once more -------------------------------------------------------------------------
// All that the run made for a source; where nobody counted columns, their objects alone.
static void count_again(const run_state *run, const run_source *source, pl_baseline *all)
{
    uint32_t columns = source->mapping->contract->column_count;
    pl_map_tally none = {.filled = PL_TAKE(run->arena, uint64_t, columns),
                         .lost = PL_TAKE(run->arena, uint64_t, columns),
                         .outside = PL_TAKE(run->arena, uint64_t, columns),
                         .conflicts = PL_TAKE(run->arena, pl_map_conflict, columns)};
    for (uint32_t t = 0; t < run->task_count; t++) {
        const run_task *task = &run->tasks[t];
        const pl_task_result *result = &task->result;
        pl_task_window whole = {.count = result->object_count, .tally = none};
        if (task->source != source) continue;
        if (!result->window_count) pl_baseline_count(all, &task->work, result, &whole);
        for (uint32_t i = 0; i < result->window_count; i++)
            pl_baseline_count(all, &task->work, result, &result->windows[i]);
    }
}

static plumb_status refuse(run_state *run, const run_source *source, const pl_check_row *row,
                           plumb_error *err)
{
    pl_fail(err, PLUMB_E_FAILED, "cannot %s records of source '%s' in table '%s': %s", run->command,
            source->name, source->table->name, pl_check_why(row, run->arena));
    pl_hint(err,
            "Nothing was changed. Mend the mapping, or the check in %s; --accept-checks takes "
            "the rows as they are.",
            source->mapping->contract->file);
    return PLUMB_E_FAILED;
}

plumb_status pl_run__check_again(run_state *run, plumb_error *err)
{
    for (uint32_t i = 0; i < run->source_count && !run->accepts; i++) {
        const run_source *source = &run->sources[i];
        const pl_contract *contract = source->mapping->contract;
        uint64_t rows = 0;
        pl_baseline all;
        pl_check_row *checks;
        pl_check_subject subject = {
            .mapping = source->mapping, .found = &all, .again = true, .now_us = run->now_us};
        if (contract->checks.unique.asked &&
            contract->checks.unique.severity == PL_SEVERITY_CRITICAL)
            PL_TRY(pl_run__repeated(run, source, &rows, &subject.repeated, err));
        pl_baseline_init(&all);
        count_again(run, source, &all);
        uint32_t count = pl_checks_ask(&subject, run->arena, &checks);
        pl_baseline_done(&all);
        for (uint32_t c = 0; c < count; c++)
            if (pl_check_holds(&checks[c])) return refuse(run, source, &checks[c], err);
    }
    return PLUMB_OK;
}

// ---- a run -------------------------------------------------------------------------------------
// Of what is only looked at, or a part of what was judged whole, every object for itself.
static plumb_status count_repeated(run_state *run, const verdict *v, const pl_baseline *found,
                                   uint64_t *ret_repeated, plumb_error *err)
{
    uint64_t rows = 0, repeated;
    *ret_repeated = found->records.repeated;
    if (!v->source->mapping->contract->checks.unique.asked) return PLUMB_OK;
    PL_TRY(pl_run__repeated(run, v->source, &rows, &repeated, err));
    if (rows && rows == found->records.rows) *ret_repeated = repeated;
    return PLUMB_OK;
}

plumb_status pl_verdict__check(run_state *run, verdict *v, const pl_baseline *found,
                               plumb_error *err)
{
    pl_check_subject subject = {.mapping = v->source->mapping,
                                .found = found,
                                .accepted = v->held && v->hold.accepted && !v->source->joins,
                                .now_us = run->now_us};
    pl_check_filter filter = {
        .table = v->table, .source = v->name, .check = "change", .limit = 200};
    PL_TRY(count_repeated(run, v, found, &subject.repeated, err));
    if (v->source->mapping->contract->checks.rows_change > 0)
        PL_TRY(pl_registry_checks(run->options->registry, &filter, add_history, &subject, err));
    v->check_count = pl_checks_ask(&subject, run->arena, &v->checks);
    v->by_checks = false;
    for (uint32_t i = 0; i < v->check_count; i++) {
        pl_check_row *row = &v->checks[i];
        row->run = run->run;
        row->table = v->table;
        row->source = v->name;
        if (!pl_check_holds(row) || v->by_checks) continue;
        v->by_checks = true;
        v->why = pl_check_why(row, run->arena);
    }
    for (uint32_t i = 0; i < v->check_count && v->by_checks; i++)
        if (strcmp(v->checks[i].check, "score") == 0) v->checks[i].outcome = PL_CHECK_FAILED;
    // Without a person, or data that passes, it never goes: somebody said that it is critical.
    if (v->by_checks) v->critical = true;
    return PLUMB_OK;
}

plumb_status pl_verdict__put_checks(run_state *run, const verdict *v, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    if (!v->check_count) return PLUMB_OK;
    PL_TRY(pl_registry_checks_thin(registry, v->name, v->table, run->now_us, err));
    for (uint32_t i = 0; i < v->check_count; i++)
        PL_TRY(pl_registry_check_add(registry, &v->checks[i], err));
    return PLUMB_OK;
}

plumb_status pl_check_event(pl_registry *registry, const char *kind, const char *who,
                            const pl_hold_row *hold, const char *why, int64_t at_us,
                            plumb_error *err)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "source"), pl_json_cstr(&w, hold->source);
    pl_json_key(&w, "failed"), pl_json_cstr(&w, hold->why);
    pl_json_key(&w, "objects"), pl_json_int(&w, hold->objects);
    pl_json_key(&w, "records"), pl_json_int(&w, hold->records);
    pl_json_key(&w, "first_object"), pl_json_cstr(&w, hold->first_object);
    pl_json_key(&w, "why"), pl_json_cstr(&w, why);
    pl_json_end(&w, '}');
    pl_event_row event = {
        .at_us = at_us, .kind = kind, .who = who, .table = hold->table, .text = pl_buf_cstr(&text)};
    plumb_status st = pl_registry_event_add(registry, &event, err);
    pl_buf_done(&text);
    return st;
}

// ---- telling -----------------------------------------------------------------------------------
typedef struct telling {
    const pl_run_options *options;
    pl_arena *arena;
    pl_check_row *rows;
    uint32_t count, capacity;
} telling;

static void add_row(telling *t, const pl_check_row *row)
{
    PL_GROW(t->rows, t->count, t->capacity);
    t->rows[t->count++] = *row;
}

static bool tell(void *context, const pl_check_row *row)
{
    telling *t = context;
    const char *source = t->options->source;
    if (strcmp(row->check, "freshness") == 0) return true; // is asked now
    bool bad = row->outcome == PL_CHECK_FAILED || row->outcome == PL_CHECK_ACCEPTED;
    if (!bad || strcmp(row->check, "score") == 0 || (source && strcmp(source, row->source) != 0))
        return true;
    pl_check_row copy = *row;
    const char **texts[] = {&copy.run,   &copy.table,  &copy.source,
                            &copy.check, &copy.column, &copy.allowed};
    for (size_t i = 0; i < PL_COUNT(texts); i++)
        *texts[i] = pl_arena_cstr(t->arena, pl_span_of(*texts[i]));
    add_row(t, &copy);
    return true;
}

static plumb_status tell_stale(telling *t, plumb_error *err)
{
    const pl_project *project = t->options->project;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *mapping = project->mappings[i];
        pl_check_row row;
        bool asked;
        if (t->options->source && !pl_span_is(mapping->source, t->options->source)) continue;
        PL_TRY(pl_freshness(t->options->registry, mapping, pl_clock_micros(), t->arena, &asked,
                            &row, err));
        if (asked && row.outcome == PL_CHECK_FAILED) add_row(t, &row);
    }
    return PLUMB_OK;
}

plumb_status pl_run__tell_checks(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                                 pl_run_report *report, plumb_error *err)
{
    telling t = {.options = options, .arena = arena};
    pl_check_filter filter = {.since_us = since_us};
    plumb_status st = pl_registry_checks(options->registry, &filter, tell, &t, err);
    if (st == PLUMB_OK) st = tell_stale(&t, err);
    report->check_count = t.count;
    report->checks = PL_TAKE(arena, pl_check_row, t.count);
    if (t.count) memcpy(report->checks, t.rows, t.count * sizeof *t.rows);
    free(t.rows);
    return st;
}
