// SPDX-License-Identifier: Apache-2.0
#include "flow/judge.h"

#include <stdlib.h>
#include <string.h>

#include "codec/xxh64.h"
#include "contract/propose.h"
#include "flow/decide.h"
#include "flow/remedy.h"
#include "flow/taskdoc.h"

uint64_t pl_judge_hash(const pl_mapping *mapping)
{
    return (pl_xxh64(mapping->text) ^ pl_xxh64(mapping->contract->text) * 3) | 1; // 0 is nobody
}

// ---- what is asked -----------------------------------------------------------------------------
static void take_words(run_state *run, const pl_rule *rule, pl_suspect_column *column)
{
    pl_span path, *words;
    uint32_t count = pl_rule_words(rule, run->arena, &path, &words);
    if (!count) return;
    uint64_t *hashes = PL_TAKE(run->arena, uint64_t, count);
    pl_buf text = {0};
    for (uint32_t i = 0; i < count; i++) {
        pl_buf_reset(&text);
        pl_json_quote(&text, words[i]);
        hashes[i] = pl_shape_scalar_of(pl_buf_view(&text)).hash;
    }
    pl_buf_done(&text);
    column->chooser = pl_arena_cstr(run->arena, path);
    column->words = hashes;
    column->word_count = count;
}

static void take_column(run_state *run, verdict *v, const pl_rule *rule)
{
    const pl_mapping *mapping = v->source->mapping;
    const pl_contract_column *column = &mapping->contract->columns[rule->column];
    pl_rule_path *paths;
    uint32_t count;
    pl_rule_shape_paths(mapping, rule, run->arena, &paths, &count);
    const char **texts = PL_TAKE(run->arena, const char *, count);
    for (uint32_t i = 0; i < count; i++) texts[i] = pl_arena_cstr(run->arena, paths[i].path);
    if (!count) return; // literals and built-ins are always there
    v->of_contract[v->column_count] = rule->column;
    v->columns[v->column_count++] = (pl_suspect_column){
        .name = column->field.name,
        .critical = column->critical,
        .epochs = pl_reads_by(rule, PL_PARSE_EPOCH),
        .lost_share =
            pl_project_drift_column(run->options->project, mapping, rule->column).lost_share,
        .paths = texts,
        .path_count = count};
    take_words(run, rule, &v->columns[v->column_count - 1]);
}

// Kinds of suspicion that a finding, once decided, is no more: the class says what it was about.
static uint32_t muted_kinds(const char *class)
{
    const uint32_t gone = 1u << PL_SUSPECT_ABSENT | 1u << PL_SUSPECT_CONTINUED;
    const uint32_t other = 1u << PL_SUSPECT_LOST | 1u << PL_SUSPECT_MEANING;
    if (strcmp(class, "removed") == 0 || strcmp(class, "renamed") == 0)
        return gone | 1u << PL_SUSPECT_LOST;      // a required one that is missing is lost
    if (strcmp(class, "conflict") == 0) return 0; // of no suspicion
    if (strcmp(class, "rescaled") == 0) return 1u << PL_SUSPECT_RESCALED;
    return other;
}

// Only what was let through mutes, and what waits is known. A removal that is merely open held
// nothing up. An accepted finding is one that the files, or a rule of them, have dealt with: it may
// come once more; but what waits when somebody says that other values, or another unit, are right
// goes on with them. Whoever says no means it for a while, and not of ten times as much.
static bool mutes(const verdict *v, const pl_finding_row *row)
{
    switch (row->state) {
    case PL_FINDING_HELD:
    case PL_FINDING_PROVISIONAL:
        return false;
    case PL_FINDING_OPEN:
        return strcmp(row->class, "removed") != 0;
    case PL_FINDING_REJECTED:
    case PL_FINDING_REVERTED:
        return v->now_us < row->muted_until_us &&
               row->records < row->muted_records * PL_MUTED_GROWTH;
    case PL_FINDING_ACCEPTED:
        return v->held && row->changed_us >= v->hold.since_us &&
               (strcmp(row->class, "meaning") == 0 || strcmp(row->class, "rescaled") == 0);
    default:
        return true;
    }
}

static bool is_of_values(const char *class)
{
    return strcmp(class, "rescaled") == 0 || strcmp(class, "retyped") == 0;
}

// While a rule is tried in a column beside another, that one is as the old rule makes it, and
// other values are no reason to wait for the new one.
static void mute_tried(pl_suspect_column *column, const pl_finding_row *row)
{
    if (pl_span_is(column->name, row->column))
        column->muted = ~0u;
    else if (pl_is_beside(column->name, pl_span_of(row->column)))
        column->muted |=
            1u << PL_SUSPECT_LOST | 1u << PL_SUSPECT_MEANING | 1u << PL_SUSPECT_RESCALED;
}

static void mute_beneath(verdict *v, const pl_finding_row *row, uint32_t column)
{
    pl_span path = pl_span_of(row->before);
    if (*row->column && pl_reads_path(v->source->mapping, v->columns[column].name, path, v->arena))
        v->beneath[column] =
            (pl_muted_beneath){pl_arena_cstr(v->arena, path), muted_kinds(row->class)};
}

static bool mute(void *context, const pl_finding_row *row)
{
    verdict *v = context;
    // A rule for what waits says how it is read now, not that it is there again.
    bool ruled =
        row->state == PL_FINDING_PROVISIONAL && v->held && row->changed_us >= v->hold.since_us;
    bool waits = row->state == PL_FINDING_HELD || ruled, muted = mutes(v, row);
    if (!*row->column && strcmp(row->class, "removed") == 0) v->empty_muted |= muted;
    for (uint32_t i = 0; i < v->column_count; i++) {
        if (row->state == PL_FINDING_PARALLEL) mute_tried(&v->columns[i], row);
        if (muted) mute_beneath(v, row, i);
        if (!pl_span_is(v->columns[i].name, row->column)) continue;
        const pl_rule *rule = pl_mapping_rule(v->source->mapping, v->of_contract[i]);
        if (row->state == PL_FINDING_ACCEPTED && is_of_values(row->class))
            v->columns[i].percents = pl_reads_by(rule, PL_PARSE_PERCENT);
        v->columns[i].waits |= waits && muted_kinds(row->class) & 1u << PL_SUSPECT_CONTINUED;
        if (muted) v->columns[i].muted |= muted_kinds(row->class);
    }
    return true;
}

static plumb_status read_books(run_state *run, verdict *v, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    pl_shape_row shape;
    plumb_error none;
    plumb_status st = pl_registry_shape(registry, v->name, v->table, 0, run->arena, &shape, &none);
    if (st == PLUMB_OK) {
        pl_baseline_done(&v->base);
        st = pl_baseline_read(shape.document, v->name, &v->base, &none);
        v->had_base = st == PLUMB_OK;
        v->document = shape.document;
        if (!v->had_base) pl_baseline_init(&v->base);
    }
    // Of another version of plumb, or damaged: what is published from now on makes a new one.
    if (st != PLUMB_OK && st != PLUMB_E_NOT_FOUND && st != PLUMB_E_CONFLICT &&
        st != PLUMB_E_MALFORMED) {
        *err = none;
        return st;
    }
    PL_TRY(pl_registry_hold(registry, v->name, v->table, run->arena, &v->hold, &v->held, err));
    pl_baseline waiting;
    if (v->held && pl_baseline_read(v->hold.document, v->name, &waiting, &none) == PLUMB_OK) {
        v->edited = waiting.judged != pl_judge_hash(v->source->mapping);
        if (v->source->joins) pl_baseline_merge(&v->wait, &waiting);
        if (!v->edited) pl_baseline_merge(&v->whole, &waiting);
        pl_baseline_done(&waiting);
    }
    pl_finding_filter filter = {
        .source = v->name,
        .table = v->table,
        .states = PL_FINDING_IN(PL_FINDING_HELD) | PL_FINDING_IN(PL_FINDING_OPEN) |
                  PL_FINDING_IN(PL_FINDING_ACCEPTED) | PL_FINDING_IN(PL_FINDING_REJECTED) |
                  PL_FINDING_IN(PL_FINDING_REVERTED) | PL_FINDING_IN(PL_FINDING_DEPRECATED) |
                  PL_FINDING_IN(PL_FINDING_RETIRED) | PL_FINDING_IN(PL_FINDING_PARALLEL) |
                  PL_FINDING_IN(PL_FINDING_PROVISIONAL)};
    return pl_registry_findings(registry, &filter, mute, v, err);
}

// What waits is not well because its counters have meanwhile doubled.
#define GROWN 0.3

static plumb_status begin(run_state *run, run_source *source, verdict *v, plumb_error *err)
{
    const pl_mapping *mapping = source->mapping;
    *v = (verdict){.source = source,
                   .name = source->name,
                   .table = source->table->name,
                   .now_us = run->now_us,
                   .policy = pl_project_drift(run->options->project, mapping),
                   .options = pl_suspect_defaults(),
                   .arena = run->arena};
    v->options.lost_share = v->policy.lost_share;
    v->options.lost_share_critical = v->policy.lost_share_critical;
    v->options.drift.retyped_share = v->policy.retyped_share;
    if (source->joins) v->options.grown = GROWN;
    pl_baseline_init(&v->base);
    pl_baseline_init(&v->passed);
    pl_baseline_init(&v->wait);
    pl_baseline_init(&v->whole);
    v->columns = PL_TAKE(run->arena, pl_suspect_column, mapping->rule_count);
    v->of_contract = PL_TAKE(run->arena, uint32_t, mapping->rule_count);
    v->beneath = PL_TAKE(run->arena, pl_muted_beneath, mapping->rule_count);
    for (uint32_t i = 0; i < mapping->rule_count; i++) take_column(run, v, &mapping->rules[i]);
    return read_books(run, v, err);
}

static bool is_gone(const pl_shape *shape, const char *path)
{
    uint32_t at = pl_shape_named(shape, path);
    return at == PL_SHAPE_NONE ||
           pl_shape_seen(&shape->paths[at]) == shape->paths[at].kinds[PL_SHAPE_NULL];
}

static uint32_t suspects(run_state *run, verdict *v, const pl_baseline *now)
{
    pl_suspect_column *columns = PL_TAKE(run->arena, pl_suspect_column, v->column_count);
    for (uint32_t i = 0; i < v->column_count; i++) {
        columns[i] = v->columns[i];
        columns[i].before = pl_baseline_counts(&v->base, v->columns[i].name);
        columns[i].now = pl_baseline_counts(now, v->columns[i].name);
        if (v->beneath[i].path && is_gone(&now->shape, v->beneath[i].path))
            columns[i].muted |= v->beneath[i].muted;
    }
    pl_suspect_side before = {&v->base.shape, v->base.objects, v->base.empty, v->base.empty_last};
    pl_suspect_side after = {&now->shape, now->objects, now->empty, now->empty_last};
    uint32_t count = pl_drift_suspects(&before, &after, columns, v->column_count, &v->options,
                                       run->arena, &v->suspicions);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (v->suspicions[i].kind != PL_SUSPECT_EMPTY || !v->empty_muted)
            v->suspicions[kept++] = v->suspicions[i];
    return v->suspicion_count = kept;
}

// ---- windows in landing order ------------------------------------------------------------------
typedef struct window_at {
    run_task *task;
    const pl_task_window *window;
} window_at;

static uint32_t take_windows(run_state *run, const verdict *v, window_at **ret_windows)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < run->task_count; t++)
        if (run->tasks[t].source == v->source) count += run->tasks[t].result.window_count;
    *ret_windows = PL_TAKE(run->arena, window_at, count);
    count = 0;
    for (uint32_t t = 0; t < run->task_count; t++) {
        run_task *task = &run->tasks[t];
        for (uint32_t i = 0; task->source == v->source && i < task->result.window_count; i++)
            (*ret_windows)[count++] = (window_at){task, &task->result.windows[i]};
    }
    return count;
}

static const char *first_object(const window_at *at)
{
    return at->task->work.objects[at->window->first].id.data;
}

// Shapes that were set aside are there of one task at a time.
static plumb_status add(run_state *run, pl_baseline *into, const window_at *at, plumb_error *err)
{
    if (at->window->aside) {
        if (run->recalled) pl_taskdoc_set_aside(&run->recalled->result);
        PL_TRY(pl_taskdoc_recall(&at->task->work, &at->task->result, err));
        run->recalled = at->task;
    }
    pl_baseline_add(into, &at->task->work, &at->task->result, at->window);
    return PLUMB_OK;
}

// What was judged together is as usual.
static void pass(verdict *v)
{
    pl_baseline_merge(&v->base, &v->wait);
    if (v->had_base) pl_baseline_merge(&v->passed, &v->wait);
    pl_baseline_done(&v->wait);
    pl_baseline_init(&v->wait);
}

// What waits, as a whole.
static plumb_status judge_whole(run_state *run, verdict *v, plumb_error *err)
{
    if (suspects(run, v, &v->wait)) {
        v->waits = true;
        return pl_verdict__holding(run, v, err);
    }
    if (v->source->joins) {
        v->waits = true;
        PL_TRY(pl_verdict__check(run, v, &v->wait, err));
        if (v->by_checks) return PLUMB_OK;
        v->check_count = 0;                       // they are asked once more when it is published
        v->by_checks = v->held && v->hold.checks; // it was, and is until then
        v->until = v->source->last;
        return PLUMB_OK;
    }
    v->from = NULL;
    pass(v);
    return PLUMB_OK;
}

// From window `first` on everything waits together, behind what is in v->wait already. What was
// missing there is looked for as in what waits: the next window does not let the gap through.
static plumb_status hold_from(run_state *run, verdict *v, const window_at *windows, uint32_t first,
                              uint32_t count, plumb_error *err)
{
    for (uint32_t s = 0; s < v->suspicion_count; s++) {
        const pl_suspicion *suspicion = &v->suspicions[s];
        bool missed =
            suspicion->kind == PL_SUSPECT_ABSENT || suspicion->kind == PL_SUSPECT_CONTINUED;
        if (missed) v->columns[suspicion->column].waits = true;
    }
    for (uint32_t i = first; i < count; i++) PL_TRY(add(run, &v->wait, &windows[i], err));
    return judge_whole(run, v, err);
}

// More was released than one run takes, and it was judged as a whole: a part of it may look worse.
static bool is_part(const verdict *v)
{
    return v->held && !v->edited &&
           (strcmp(v->source->last, v->source->released) < 0 ||
            strcmp(v->source->first, v->hold.first_object) > 0);
}

static plumb_status judge_windows(run_state *run, verdict *v, const window_at *windows,
                                  uint32_t count, plumb_error *err)
{
    const char *released = v->source->released;
    uint32_t at = 0;
    if (v->source->joins) return hold_from(run, v, windows, 0, count, err);
    for (; released && at < count && strcmp(first_object(&windows[at]), released) <= 0; at++)
        PL_TRY(add(run, &v->wait, &windows[at], err));
    if (at) {
        v->from = first_object(&windows[0]);
        if (suspects(run, v, is_part(v) ? &v->whole : &v->wait))
            return hold_from(run, v, windows, at, count, err);
        v->from = NULL;
        pass(v);
    }
    for (; at < count; at++) {
        PL_TRY(add(run, &v->wait, &windows[at], err));
        v->from = first_object(&windows[at]);
        if (suspects(run, v, &v->wait)) {
            PL_TRY(hold_from(run, v, windows, at + 1, count, err));
            break;
        }
        v->from = NULL;
        pass(v);
    }
    return PLUMB_OK;
}

// The checks, of all that the source has in the run.
static plumb_status check_source(run_state *run, verdict *v, const window_at *windows,
                                 uint32_t count, plumb_error *err)
{
    pl_baseline all;
    pl_baseline_init(&all);
    for (uint32_t i = 0; i < count; i++)
        pl_baseline_count(&all, &windows[i].task->work, &windows[i].task->result,
                          windows[i].window);
    bool part = v->source->released && is_part(v);
    plumb_status st = pl_verdict__check(run, v, part ? &v->whole : &all, err);
    pl_baseline_done(&all);
    if (st != PLUMB_OK || !v->by_checks) return st;
    for (uint32_t i = 0; i < count; i++) PL_TRY(add(run, &v->wait, &windows[i], err));
    v->waits = true;
    v->from = first_object(&windows[0]);
    return PLUMB_OK;
}

// Nobody looked: what lands behind a hold is counted, and what was released goes by.
static plumb_status unobserved(run_state *run, verdict *v, plumb_error *err)
{
    v->waits = v->held && v->source->joins;
    for (uint32_t t = 0; t < run->task_count && v->waits; t++) {
        const run_task *task = &run->tasks[t];
        for (uint32_t i = 0; task->source == v->source && i < task->result.object_count; i++)
            v->wait.objects += !task->result.objects[i].damaged;
    }
    v->critical = v->waits && v->hold.critical;
    v->by_checks = v->waits && v->hold.checks;
    return v->over ? pl_verdict__passing(run, v, err) : PLUMB_OK;
}

static plumb_status judge_source(run_state *run, run_source *source, verdict *v, plumb_error *err)
{
    window_at *windows;
    PL_TRY(begin(run, source, v, err));
    uint32_t count = take_windows(run, v, &windows);
    v->observed = count > 0;
    v->over = v->held && source->released && !source->joins &&
              strcmp(source->last, source->released) >= 0;
    if (!count) return unobserved(run, v, err);
    PL_TRY(judge_windows(run, v, windows, count, err));
    if (!v->waits) PL_TRY(check_source(run, v, windows, count, err));
    v->over &= !v->waits;
    return v->waits ? PLUMB_OK : pl_verdict__passing(run, v, err);
}

// What a rollback took out comes back. It was judged when it came first, and a person wants it; but
// the baseline went back with the table, and is to know it again.
static plumb_status regain(run_state *run, plumb_error *err)
{
    for (uint32_t i = 0; i < run->source_count; i++) {
        window_at *windows;
        verdict *v = &run->verdicts[run->verdict_count++];
        PL_TRY(begin(run, &run->sources[i], v, err));
        uint32_t count = take_windows(run, v, &windows);
        for (uint32_t k = 0; k < count; k++) PL_TRY(add(run, &v->base, &windows[k], err));
        v->observed = count > 0;
    }
    return PLUMB_OK;
}

plumb_status pl_run__judge(run_state *run, plumb_error *err)
{
    run->verdicts = PL_TAKE(run->arena, verdict, run->source_count);
    // Of quarantined records, and objects once more: these were judged.
    if (run->find || run->swap || strcmp(run->command, "retry") == 0) {
        PL_TRY(pl_run__check_again(run, err));
        return run->regains ? regain(run, err) : PLUMB_OK;
    }
    for (uint32_t i = 0; i < run->source_count; i++) {
        verdict *v = &run->verdicts[i];
        run->verdict_count++;
        PL_TRY(judge_source(run, &run->sources[i], v, err));
        if (v->waits && !v->source->joins) run->stages = true;
        if (v->waits && v->source->joins && v->until) run->releases = true;
    }
    return PLUMB_OK;
}

void pl_run__verdicts_done(run_state *run)
{
    for (uint32_t i = 0; i < run->verdict_count; i++) {
        pl_baseline_done(&run->verdicts[i].base);
        pl_baseline_done(&run->verdicts[i].passed);
        pl_baseline_done(&run->verdicts[i].wait);
        free(run->verdicts[i].rows);
        pl_baseline_done(&run->verdicts[i].whole);
    }
    run->verdict_count = 0;
}
