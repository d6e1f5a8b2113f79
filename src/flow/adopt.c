// SPDX-License-Identifier: Apache-2.0
#include "flow/adopt.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "flow/decide.h"
#include "flow/judge.h"
#include "flow/replay.h"

static const char actor[] = "plumb";
#define DAY_US (24 * PL_MICROS_PER_HOUR)

typedef struct adopting {
    pl_run_options run; // its project is read again whenever files were written
    int64_t since_us;
    pl_arena *arena;
    pl_finding_row *rows; // open or auto, by number
    uint32_t row_count, row_capacity;
    pl_run_column *told;
    uint32_t told_count;
} adopting;

static bool keep_row(void *context, const pl_finding_row *row)
{
    adopting *a = context;
    const char *source = a->run.source;
    if (strcmp(row->class, pl_drift_class_name(PL_DRIFT_ADDED)) != 0) return true;
    if (source && strcmp(source, row->source) != 0) return true;
    PL_GROW(a->rows, a->row_count, a->row_capacity);
    a->rows[a->row_count++] = pl_finding_row_copy(row, a->arena);
    return true;
}

static int by_number(const void *a, const void *b)
{
    const pl_finding_row *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_finding(const void *a, const void *b)
{
    const pl_run_column *x = a, *y = b;
    return (x->finding > y->finding) - (x->finding < y->finding);
}

static plumb_status reload(adopting *a, plumb_error *err)
{
    pl_problems problems = {0}, warnings = {0};
    pl_project *project;
    plumb_status st =
        pl_project_load(a->run.project->dir, a->arena, &project, &problems, &warnings, err);
    if (st == PLUMB_OK) a->run.project = project;
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return st;
}

// ---- which ones ---------------------------------------------------------------------------------
typedef struct ranking {
    const pl_finding_row *row;
    uint32_t before; // opened before it, within a day
} ranking;

// A key of records becomes a column by itself. What is said about a page of them (its cursor, who
// asked for it) mostly is no data: a person may want it.
static bool is_of_records(const pl_finding_row *row)
{
    return !pl_span_starts(pl_span_of(row->after), PL_SPAN("$doc")) && !strstr(row->after, "[*]");
}

static bool rank(void *context, const pl_finding_row *row)
{
    ranking *r = context;
    int64_t apart_us = r->row->opened_us - row->opened_us;
    bool earlier = apart_us > 0 || (apart_us == 0 && row->id < r->row->id);
    r->before += strcmp(row->class, r->row->class) == 0 && row->opened_us && earlier &&
                 apart_us < DAY_US && is_of_records(row);
    return true;
}

// *ret_why_not "": nobody has to be told.
static plumb_status may_adopt(adopting *a, const pl_finding_row *row, bool *ret_may,
                              const char **ret_why_not, plumb_error *err)
{
    const pl_mapping *mapping =
        pl_project_mapping(a->run.project, pl_span_of(row->source), pl_span_of(row->table));
    ranking rank_of = {.row = row};
    pl_finding_filter filter = {.source = row->source};
    pl_hold_row hold;
    bool held;
    *ret_may = false;
    *ret_why_not = "";
    if (!mapping || pl_span_starts(pl_span_of(row->after), PL_SPAN("$doc"))) return PLUMB_OK;
    pl_drift_policy policy = pl_project_drift(a->run.project, mapping);
    if (policy.added != PL_ADDED_AUTO) return PLUMB_OK;
    PL_TRY(pl_registry_hold(a->run.registry, row->source, row->table, a->arena, &hold, &held, err));
    if (held) return PLUMB_OK; // another mapping would have it judged anew
    PL_TRY(pl_registry_findings(a->run.registry, &filter, rank, &rank_of, err));
    *ret_may = rank_of.before < policy.added_per_day;
    if (!*ret_may)
        *ret_why_not =
            pl_arena_printf(a->arena, "%u new columns a day of one source are the most (%s)",
                            policy.added_per_day, "drift: added_per_day");
    return PLUMB_OK;
}

// ---- one by one ---------------------------------------------------------------------------------
static pl_run_column *tell(adopting *a, const pl_finding_row *row)
{
    pl_run_column *column = &a->told[a->told_count++];
    *column = (pl_run_column){.finding = row->id,
                              .source = row->source,
                              .table = row->table,
                              .path = row->after,
                              .column = row->column,
                              .type = pl_drift_document(row, a->arena).type};
    return column;
}

// The sentence behind "cannot approve finding '7': ".
static const char *reason(adopting *a, const pl_finding_row *row, const plumb_error *err)
{
    const char *begin = pl_arena_printf(a->arena, "cannot approve finding '%lld': ", //
                                        (long long)row->id);
    size_t skip = strncmp(err->message, begin, strlen(begin)) == 0 ? strlen(begin) : 0;
    return pl_arena_cstr(a->arena, pl_span_of(err->message + skip));
}

static pl_decision_options options_of(const adopting *a, const pl_finding_row *row, const char *why)
{
    return (pl_decision_options){.project = a->run.project,
                                 .store = a->run.store,
                                 .registry = a->run.registry,
                                 .lock_path = a->run.lock_path,
                                 .wait_ms = a->run.wait_ms,
                                 .finding = row->id,
                                 .who = actor,
                                 .why = why,
                                 .rule = true};
}

static plumb_status adopt(adopting *a, pl_finding_row *row, plumb_error *err)
{
    bool may = row->state == PL_FINDING_AUTO; // killed since
    const char *why_not = "";
    if (!may) PL_TRY(may_adopt(a, row, &may, &why_not, err));
    pl_decision_options options = options_of(a, row, "policy: auto");
    pl_decision decision;
    plumb_error refusal;
    if (may && pl_decide(&options, a->arena, &decision, &refusal) == PLUMB_OK) {
        *row = decision.row;
        return reload(a, err);
    }
    if (may) why_not = reason(a, row, &refusal);
    if (row->state == PL_FINDING_OPEN && *why_not && row->changed_us >= a->since_us)
        tell(a, row)->why_not = why_not;
    return PLUMB_OK;
}

// ---- rows from before ---------------------------------------------------------------------------
static bool same_place(const pl_finding_row *a, const pl_finding_row *b)
{
    return strcmp(a->source, b->source) == 0 && strcmp(a->table, b->table) == 0;
}

// All new columns of a source in a table at once: from the first object on that has one of them.
static plumb_status fill(adopting *a, const pl_finding_row *first, plumb_error *err)
{
    pl_stale stale;
    const pl_mapping *mapping =
        pl_project_mapping(a->run.project, pl_span_of(first->source), pl_span_of(first->table));
    if (!mapping) return PLUMB_OK;
    pl_finding_row from = *first;
    for (uint32_t i = 0; i < a->row_count; i++)
        if (a->rows[i].state == PL_FINDING_AUTO && same_place(&a->rows[i], first) &&
            strcmp(a->rows[i].first_object, from.first_object) < 0)
            from = a->rows[i];
    PL_TRY(pl_decision_stale(a->run.project, a->run.registry, &from, a->arena, &stale, err));
    uint64_t most = pl_project_drift(a->run.project, mapping).auto_replay_bytes;
    bool unasked = (uint64_t)stale.stored_bytes <= most && stale.count <= PL_REPLAY_OBJECTS_MAX;
    pl_replay_options options = {.run = a->run,
                                 .table = first->table,
                                 .objects = stale.objects,
                                 .object_count = stale.count,
                                 .since_us = INT64_MIN};
    options.run.source = NULL;
    pl_replay_report report = {0};
    if (unasked && stale.count) PL_TRY(pl_replay(&options, a->arena, &report, err));
    const char *note = !stale.count ? "no row was published before"
                       : unasked    ? "rows from before have it as well"
                                    : "rows from before are NULL until somebody replays them";
    for (uint32_t i = 0; i < a->row_count; i++) {
        pl_finding_row *row = &a->rows[i];
        if (row->state != PL_FINDING_AUTO || !same_place(row, first)) continue;
        pl_run_column *column = tell(a, row);
        column->objects = report.objects;
        column->rows = report.rows_after;
        if (!unasked)
            column->replay = pl_arena_printf(a->arena, "plumb replay %s --finding %lld", row->table,
                                             (long long)from.id);
        pl_decision_options settled = options_of(a, row, note);
        PL_TRY(pl_decision_settle(&settled, a->arena, row, err));
    }
    return PLUMB_OK;
}

plumb_status pl_adopt(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                      pl_run_report *ret_report, plumb_error *err)
{
    adopting a = {.run = *options, .since_us = since_us, .arena = arena};
    pl_finding_filter filter = {.states = PL_FINDING_IN(PL_FINDING_OPEN) |
                                          PL_FINDING_IN(PL_FINDING_AUTO)};
    plumb_status st = pl_registry_findings(options->registry, &filter, keep_row, &a, err);
    if (a.row_count) qsort(a.rows, a.row_count, sizeof *a.rows, by_number);
    a.told = PL_TAKE(arena, pl_run_column, a.row_count);
    for (uint32_t i = 0; i < a.row_count && st == PLUMB_OK; i++) st = adopt(&a, &a.rows[i], err);
    for (uint32_t i = 0; i < a.row_count && st == PLUMB_OK; i++)
        if (a.rows[i].state == PL_FINDING_AUTO) st = fill(&a, &a.rows[i], err);
    if (a.told_count) qsort(a.told, a.told_count, sizeof *a.told, by_finding);
    ret_report->columns = a.told;
    ret_report->column_count = a.told_count;
    free(a.rows);
    return st;
}
