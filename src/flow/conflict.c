// conflict.c -- paths of one rule that hold different values: counted while mapping, a finding when
// they are more than a share of what a run publishes of a source, and that is new: in the baseline
// they are no more than that, or a tenth of it now. What they were from the first run on somebody
// wrote so on purpose. Nothing waits: which of them wins is what the file says.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "contract/propose.h"
#include "flow/judge.h"

// So many times what was usual is new.
#define GROWTH 10

typedef struct conflicts {
    uint64_t rows;        // of the run
    pl_map_conflict seen; // of them in conflict, and the first
    int64_t received_us;  // of its object
} conflicts;

static conflicts count(const run_state *run, const verdict *v, uint32_t column)
{
    conflicts c = {0};
    for (uint32_t t = 0; t < run->task_count; t++) {
        const run_task *task = &run->tasks[t];
        if (task->source != v->source) continue;
        for (uint32_t i = 0; i < task->result.window_count; i++) {
            const pl_map_tally *tally = &task->result.windows[i].tally;
            c.rows += tally->rows;
            pl_map_conflict_add(&c.seen, &tally->conflicts[column]);
        }
        for (uint32_t i = 0; i < task->work.object_count; i++)
            if (pl_span_is(task->work.objects[i].id, c.seen.object))
                c.received_us = task->work.objects[i].received_us;
    }
    return c;
}

// A term as findings name paths; what is none, as it is written.
static const char *term_text(const pl_mapping *mapping, const pl_rule *rule, uint32_t term,
                             pl_arena *arena)
{
    pl_rule_path *paths;
    uint32_t count;
    pl_rule_shape_paths(mapping, rule, arena, &paths, &count);
    for (uint32_t i = 0; i < count; i++)
        if (paths[i].term == term) return pl_arena_cstr(arena, paths[i].path);
    return term < rule->term_count ? pl_arena_cstr(arena, rule->terms[term].text) : "";
}

static pl_finding_doc describe(run_state *run, const pl_mapping *mapping, const char *column,
                               const pl_rule *rule, const conflicts *c)
{
    const pl_map_conflict *seen = &c->seen;
    pl_arena *arena = run->arena;
    pl_finding_doc doc = {.fingerprint = pl_arena_printf(arena, "conflict %s", column),
                          .class = PL_DRIFT_CONFLICT,
                          .strength = PL_DRIFT_CERTAIN,
                          .before = term_text(mapping, rule, seen->won, arena),
                          .after = term_text(mapping, rule, seen->other, arena),
                          .root = true,
                          .confidence = 1,
                          .factor = 1,
                          .against = "",
                          .before_values = pl_arena_cstr(arena, pl_span_of(seen->won_text)),
                          .after_values = pl_arena_cstr(arena, pl_span_of(seen->other_text)),
                          .proposal = "",
                          .type = ""};
    doc.why = pl_arena_printf(
        arena,
        "%s and %s hold different values in %llu of %llu rows of column '%s' (%.3g %%): in record "
        "%llu of raw object %s %s and %s",
        doc.before, doc.after, (unsigned long long)seen->rows, (unsigned long long)c->rows, column,
        100 * (double)seen->rows / (double)c->rows, (unsigned long long)seen->record, seen->object,
        doc.before_values, doc.after_values);
    return doc;
}

static plumb_status told(run_state *run, verdict *v, const pl_rule *rule, const conflicts *c,
                         plumb_error *err)
{
    const pl_mapping *mapping = v->source->mapping;
    const pl_contract_column *column = &mapping->contract->columns[rule->column];
    const char *name = pl_arena_cstr(run->arena, column->field.name);
    pl_finding_doc doc = describe(run, mapping, name, rule, c);
    pl_baseline seen = {.shape = {.records = c->seen.rows, .first_us = c->received_us}};
    return pl_verdict__put(run, v, &doc, name, column->critical, PL_FINDING_OPEN, &seen,
                           pl_arena_cstr(run->arena, pl_span_of(c->seen.object)), NULL, err);
}

// Was it otherwise before this run? Or somebody was told already, and it goes on.
static plumb_status is_new(run_state *run, const verdict *v, pl_span column, const conflicts *c,
                           double share, bool *ret_new, plumb_error *err)
{
    pl_finding_row was;
    uint64_t rows = pl_baseline_counts(&v->base, column).rows - c->rows;
    uint64_t before = pl_baseline_conflicts(&v->base, column) - c->seen.rows;
    double usual = rows ? (double)before / (double)rows : 0;
    *ret_new = v->had_base && rows >= v->options.baseline_min &&
               (usual <= share || (double)c->seen.rows > GROWTH * usual * (double)c->rows);
    if (*ret_new || !v->had_base) return PLUMB_OK;
    const char *fingerprint = pl_arena_printf(run->arena, "conflict %.*s", PL_FMT(column));
    return pl_registry_finding_by(run->options->registry, v->name, v->table, fingerprint,
                                  run->arena, &was, ret_new, err);
}

// Those that were told and are not so many any more.
static plumb_status settle(run_state *run, verdict *v, const bool *many, uint64_t rows,
                           plumb_error *err)
{
    pl_finding_list list = {0};
    const pl_contract *contract = v->source->mapping->contract;
    plumb_status st = PLUMB_OK;
    if (rows >= v->options.baseline_min)
        st = pl_run__findings(run, v->name, v->table, PL_FINDING_IN(PL_FINDING_OPEN), &list, err);
    for (uint32_t i = 0; i < list.count && st == PLUMB_OK; i++) {
        const pl_finding_row *row = &list.items[i];
        int column = pl_contract_find(contract, pl_span_of(row->column));
        if (strcmp(row->class, "conflict") == 0 && (column < 0 || !many[column]))
            pl_verdict__change(run, v, row, PL_FINDING_RESOLVED, "the paths agree");
    }
    free(list.items);
    return st;
}

plumb_status pl_verdict__conflicts(run_state *run, verdict *v, plumb_error *err)
{
    const pl_mapping *mapping = v->source->mapping;
    bool *many = PL_TAKE(run->arena, bool, mapping->contract->column_count);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < mapping->rule_count; i++) {
        const pl_rule *rule = &mapping->rules[i];
        conflicts c = count(run, v, rule->column);
        double share =
            pl_project_drift_column(run->options->project, mapping, rule->column).conflict_share;
        rows = c.rows;
        if ((double)c.seen.rows <= share * (double)c.rows) continue;
        many[rule->column] = true;
        bool new;
        pl_span name = mapping->contract->columns[rule->column].field.name;
        PL_TRY(is_new(run, v, name, &c, share, &new, err));
        if (new) PL_TRY(told(run, v, rule, &c, err));
    }
    return settle(run, v, many, rows, err);
}
