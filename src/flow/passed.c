// passed.c -- what the books say of a source that is published: what is new, what healed.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/ulid.h"
#include "contract/edit.h"
#include "flow/judge.h"
#include "flow/mappings.h"
#include "flow/remedy.h"

// An unseen path is a finding from so many values on, of so many raw objects or so far apart
// (drift: the first value must not fix a type).
enum { ADDED_RECORDS = 20, ADDED_OBJECTS = 3 };
#define ADDED_APART_US INT64_C(3600000000)

// Enough of an unseen path to speak of it?
static bool is_established(const pl_shape *shape, const char *path)
{
    uint32_t at = pl_shape_named(shape, path);
    if (at == PL_SHAPE_NONE) return false;
    const pl_shape_path *p = &shape->paths[at];
    return pl_shape_seen(p) >= ADDED_RECORDS &&
           (p->objects >= ADDED_OBJECTS || p->last_us - p->first_us >= ADDED_APART_US);
}

// Seconds for milliseconds, where parse(epoch) tells them apart by their size.
static bool reads_any_unit(const verdict *v, const pl_finding_doc *doc, const char *column)
{
    double unit = doc->factor >= 1 ? doc->factor : 1 / doc->factor;
    if (doc->class != PL_DRIFT_RESCALED || (unit != 1e3 && unit != 1e6)) return false;
    for (uint32_t i = 0; i < v->column_count; i++)
        if (pl_span_is(v->columns[i].name, column)) return v->columns[i].epochs;
    return false;
}

static pl_finding_state state_of_note(const verdict *v, const pl_finding_doc *doc, bool mapped,
                                      bool critical, const char *column)
{
    if (doc->class == PL_DRIFT_ADDED && !is_established(&v->base.shape, doc->after))
        return PL_FINDING_SEEN;
    if (reads_any_unit(v, doc, column)) return PL_FINDING_AUTO;
    switch (pl_drift_action_of(doc, mapped, critical, v->policy.strict)) {
    case PL_DRIFT_NOTE:
        return PL_FINDING_AUTO;
    case PL_DRIFT_AUTO:
        return doc->class == PL_DRIFT_ADDED ? PL_FINDING_OPEN : PL_FINDING_AUTO;
    case PL_DRIFT_PROVISIONAL:
        return PL_FINDING_PROVISIONAL;
    default:
        return PL_FINDING_OPEN;
    }
}

// A path is gone, but the column it fed is filled as before, by another path of its rule.
static bool is_filled(const verdict *v, const char *column)
{
    const double as_before = 0.95;
    pl_column_counts was = pl_baseline_counts(&v->base, pl_span_of(column));
    pl_column_counts now = pl_baseline_counts(&v->passed, pl_span_of(column));
    double share = was.rows ? (double)was.filled / (double)was.rows : 0;
    return now.filled && !now.lost && (double)now.filled >= as_before * share * (double)now.rows;
}

// A path is gone, and a person was asked whether another continues it and said no: that was the
// notice, and it says that the column is NULL.
static bool is_refused(const verdict *v, const pl_finding_list *refused, const pl_finding_doc *doc)
{
    for (uint32_t i = 0; doc->class == PL_DRIFT_REMOVED && i < refused->count; i++) {
        const pl_finding_row *row = &refused->items[i];
        if (strcmp(row->class, "renamed") == 0 && v->now_us < row->muted_until_us &&
            strcmp(row->before, doc->before) == 0)
            return true;
    }
    return false;
}

// Changes that held nothing up.
static plumb_status note_changes(run_state *run, verdict *v, plumb_error *err)
{
    pl_baseline before;
    pl_finding_list refused;
    pl_drift_options options = v->options.drift;
    const char *first = v->source->first;
    options.added_min = 1; // counted on over runs: is_established
    plumb_error none;
    if (!v->had_base || pl_baseline_read(v->document, v->name, &before, &none) != PLUMB_OK)
        return PLUMB_OK;
    plumb_status st = pl_run__findings(
        run, v->name, v->table,
        PL_FINDING_IN(PL_FINDING_REJECTED) | PL_FINDING_IN(PL_FINDING_REVERTED), &refused, err);
    if (before.shape.records >= v->options.baseline_min)
        pl_drift_findings(&before.shape, &v->passed.shape, &options, run->arena, &v->findings,
                          &v->finding_count);
    for (uint32_t i = 0;
         i < v->finding_count && v->row_count < PL_VERDICT_ROWS_MAX && st == PLUMB_OK; i++) {
        const pl_finding *finding = &v->findings[i];
        const char *column;
        bool critical;
        if (!finding->root || finding->class == PL_DRIFT_WIDENED) continue;
        if (finding->class == PL_DRIFT_ADDED && v->policy.added == PL_ADDED_IGNORE) continue;
        pl_finding_doc doc =
            pl_finding_doc_of(finding, &before.shape, &v->passed.shape, run->arena);
        bool mapped = pl_verdict__column_of(run, v, &doc, &column, &critical);
        bool waited =
            mapped || pl_mapping_selects_by(v->source->mapping, pl_span_of(doc.after), run->arena);
        if (waited && finding->class == PL_DRIFT_ADDED) continue; // the files knew of it
        if (mapped && finding->class == PL_DRIFT_REMOVED && is_filled(v, column)) continue;
        bool told = is_refused(v, &refused, &doc);
        pl_finding_state state =
            told ? PL_FINDING_SEEN : state_of_note(v, &doc, mapped, critical, column);
        st = pl_verdict__put(run, v, &doc, column, critical, state, &v->passed, first,
                             told ? "it is known from the rename that was rejected" : NULL, err);
    }
    free(refused.items);
    pl_baseline_done(&before);
    return st;
}

// The least type that covers all there is by now: the first values must not fix it.
static void widen(run_state *run, const verdict *v, pl_finding_row *row)
{
    uint32_t at = pl_shape_named(&v->base.shape, row->after);
    if (at == PL_SHAPE_NONE) return;
    pl_buf type = {0};
    pl_shape_least_type(&type, &v->base.shape, at);
    pl_finding_doc doc = pl_drift_document(row, run->arena);
    if (!pl_span_is(pl_buf_view(&type), doc.type)) {
        doc.type = pl_arena_cstr(run->arena, pl_buf_view(&type));
        row->document = pl_verdict__document(run, &doc);
    }
    pl_buf_done(&type);
}

// New paths of earlier runs: have they come often enough, does a rule read them by now?
static plumb_status count_on(run_state *run, verdict *v, plumb_error *err)
{
    pl_finding_list rows = {0};
    plumb_status st = pl_run__findings(
        run, v->name, v->table, PL_FINDING_IN(PL_FINDING_SEEN) | PL_FINDING_IN(PL_FINDING_OPEN),
        &rows, err);
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK; i++) {
        pl_finding_row *row = &rows.items[i];
        uint32_t *columns, count = 0;
        if (strcmp(row->class, "added") != 0) continue;
        pl_mapping_columns_of(v->source->mapping, pl_span_of(row->after), run->arena, &columns,
                              &count);
        uint32_t now = pl_shape_named(&v->passed.shape, row->after);
        if (now != PL_SHAPE_NONE)
            row->records += (int64_t)pl_shape_seen(&v->passed.shape.paths[now]);
        if (now != PL_SHAPE_NONE) widen(run, v, row);
        if (count)
            pl_verdict__change(run, v, row, PL_FINDING_ACCEPTED, "a rule reads it");
        else if (row->state == PL_FINDING_SEEN && is_established(&v->base.shape, row->after))
            pl_verdict__change(run, v, row, PL_FINDING_OPEN, NULL);
        else if (now != PL_SHAPE_NONE)
            pl_verdict__change(run, v, row, row->state, NULL);
    }
    free(rows.items);
    return st;
}

static plumb_status come_back(run_state *run, verdict *v, const pl_finding_row *row,
                              plumb_error *err)
{
    const pl_shape *shape = &v->passed.shape;
    pl_finding_row was;
    bool found;
    uint32_t *columns, count, at = pl_shape_named(shape, row->before);
    if (at == PL_SHAPE_NONE) return PLUMB_OK;
    uint64_t seen = pl_shape_seen(&shape->paths[at]);
    if (seen == shape->paths[at].kinds[PL_SHAPE_NULL]) return PLUMB_OK;
    pl_mapping_columns_of(v->source->mapping, pl_span_of(row->before), run->arena, &columns,
                          &count);
    const char *mark = pl_arena_printf(run->arena, "added %s", row->before);
    PL_TRY(pl_registry_finding_by(run->options->registry, v->name, v->table, mark, run->arena, &was,
                                  &found, err));
    if (count || (found && was.changed_us > row->changed_us)) return PLUMB_OK;
    pl_finding_doc doc = {.fingerprint = mark,
                          .class = PL_DRIFT_ADDED,
                          .after = row->before,
                          .root = true,
                          .confidence = 1,
                          .factor = 1,
                          .why = pl_arena_printf(run->arena, "%s is back; column %s was retired",
                                                 row->before, row->column),
                          .against = "",
                          .before_values = "",
                          .after_values = "",
                          .proposal = "",
                          .type = ""};
    verdict_row *back = pl_verdict__row(v);
    back->row = *row;
    back->row.fingerprint = mark;
    back->row.class = pl_drift_class_name(PL_DRIFT_ADDED);
    back->row.strength = pl_drift_strength_name(PL_DRIFT_CERTAIN);
    back->row.before = "";
    back->row.after = row->before;
    back->row.state = PL_FINDING_SEEN;
    back->row.first_us = v->passed.shape.first_us;
    back->row.opened_us = 0;
    back->row.changed_us = run->now_us;
    back->row.first_object = v->source->first;
    back->row.run = run->run;
    back->row.records = (int64_t)seen;
    back->row.flips = 0;
    back->row.document = pl_verdict__document(run, &doc);
    widen(run, v, &back->row);
    return PLUMB_OK;
}

// What was retired, and shows again: a new finding of the same column.
static plumb_status look_for_retired(run_state *run, verdict *v, plumb_error *err)
{
    pl_finding_list rows = {0};
    plumb_status st =
        pl_run__findings(run, v->name, v->table, PL_FINDING_IN(PL_FINDING_RETIRED), &rows, err);
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK; i++)
        st = come_back(run, v, &rows.items[i], err);
    free(rows.items);
    return st;
}

// Columns that were let through and are filled again as before.
static plumb_status heal(run_state *run, verdict *v, plumb_error *err)
{
    pl_finding_list rows = {0};
    plumb_status st = pl_run__findings(
        run, v->name, v->table,
        PL_FINDING_IN(PL_FINDING_OPEN) | PL_FINDING_IN(PL_FINDING_DEPRECATED), &rows, err);
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK; i++) {
        const pl_finding_row *row = &rows.items[i];
        bool about_absence =
            strcmp(row->class, "removed") == 0 || strcmp(row->class, "renamed") == 0;
        if (!*row->column || !about_absence) continue; // another unit fills a column as well
        uint64_t rows_now = pl_baseline_counts(&v->passed, pl_span_of(row->column)).rows;
        if (rows_now >= v->options.baseline_min && is_filled(v, row->column))
            pl_verdict__change(run, v, row, PL_FINDING_RESOLVED, "the column is filled as before");
    }
    free(rows.items);
    return st;
}

// What came and went, and did not show for a day: the run that saw it last says when.
static plumb_status calm(run_state *run, verdict *v, plumb_error *err)
{
    pl_finding_list rows = {0};
    plumb_status st =
        pl_run__findings(run, v->name, v->table, PL_FINDING_IN(PL_FINDING_FLAPPING), &rows, err);
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK; i++) {
        pl_finding_row *row = &rows.items[i];
        pl_span seen = pl_span_of(row->run);
        int64_t seen_us = pl_ulid_valid(seen) ? pl_ulid_micros(seen) : row->changed_us;
        if (run->now_us - PL_MAX(seen_us, row->changed_us) < PL_FLIPS_WITHIN_US) continue;
        pl_verdict__change(run, v, row, PL_FINDING_RESOLVED, "it did not show for a day");
    }
    free(rows.items);
    return st;
}

// What waited goes on by another mapping. Where that is the file, a person wrote it; what lies over
// the file a rule did, and a version that is pinned says nothing of the file.
static plumb_status is_laid(run_state *run, const pl_mapping *file, const pl_mapping_use *use,
                            const char *column, bool *ret_laid, plumb_error *err)
{
    pl_span without;
    PL_TRY(pl_edit_overlay_set(file->file, use->overlay, pl_span_of(column), PL_SPAN(""),
                               run->arena, &without, err));
    *ret_laid = without.bytes < use->overlay.bytes;
    return PLUMB_OK;
}

static plumb_status settle(run_state *run, verdict *v, const pl_mapping *file,
                           const pl_mapping_use *use, const pl_finding_row *row, plumb_error *err)
{
    bool laid;
    PL_TRY(is_laid(run, file, use, row->column, &laid, err));
    bool reads = strcmp(row->class, "renamed") == 0 &&
                 pl_reads_path(v->source->mapping, pl_span_of(row->column), pl_span_of(row->after),
                               run->arena);
    if (!use->pinned && !laid)
        pl_verdict__change(run, v, row, PL_FINDING_ACCEPTED,
                           "mapping or contract changed, and what waited is published");
    else if (!use->pinned && reads)
        pl_verdict__change(run, v, row, PL_FINDING_PROVISIONAL, "both keys are read again");
    else
        pl_verdict__change(run, v, row, PL_FINDING_RESOLVED,
                           "another mapping is in use, and it does not show by that");
    return PLUMB_OK;
}

static plumb_status settle_held(run_state *run, verdict *v, plumb_error *err)
{
    const pl_mapping *file = pl_verdict__file(run, v);
    pl_finding_list rows = {0};
    pl_mapping_use use = {0};
    uint32_t states = PL_FINDING_IN(PL_FINDING_HELD) | PL_FINDING_IN(PL_FINDING_FLAPPING);
    if (!file) file = v->source->mapping; // it was taken out since the plan
    PL_TRY(pl_mapping_use_get(run->options->registry, file, run->arena, &use, err));
    plumb_status st = pl_run__findings(run, v->name, v->table, states, &rows, err);
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK; i++)
        st = settle(run, v, file, &use, &rows.items[i], err);
    free(rows.items);
    return st;
}

// A rule that lies over the file waits for a yes or no, whatever became of its finding while a
// version was pinned.
static plumb_status own_rules(run_state *run, verdict *v, plumb_error *err)
{
    const pl_mapping *file = pl_verdict__file(run, v);
    pl_finding_list rows = {0};
    pl_mapping_use use;
    if (!file) return PLUMB_OK; // it was taken out since the plan
    PL_TRY(pl_mapping_use_get(run->options->registry, file, run->arena, &use, err));
    if (use.pinned || !use.overlay.bytes) return PLUMB_OK;
    plumb_status st =
        pl_run__findings(run, v->name, v->table, PL_FINDING_IN(PL_FINDING_RESOLVED), &rows, err);
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK; i++) {
        const pl_finding_row *row = &rows.items[i];
        pl_span column = pl_span_of(row->column), after = pl_span_of(row->after);
        bool laid = false;
        if (strcmp(row->class, "renamed") != 0) continue;
        st = is_laid(run, file, &use, row->column, &laid, err);
        if (laid && pl_reads_path(v->source->mapping, column, after, run->arena) &&
            !pl_reads_path(file, column, after, run->arena))
            pl_verdict__change(run, v, row, PL_FINDING_PROVISIONAL, "both keys are read again");
    }
    free(rows.items);
    return st;
}

plumb_status pl_verdict__passing(run_state *run, verdict *v, plumb_error *err)
{
    if (v->over && v->edited)
        PL_TRY(settle_held(run, v, err));
    else if (v->over)
        PL_TRY(
            pl_verdict__change_held(run, v, PL_FINDING_RESOLVED, "it does not show any more", err));
    if (!v->observed) return PLUMB_OK;
    PL_TRY(own_rules(run, v, err));
    PL_TRY(note_changes(run, v, err));
    PL_TRY(count_on(run, v, err));
    PL_TRY(look_for_retired(run, v, err));
    PL_TRY(calm(run, v, err));
    PL_TRY(pl_verdict__conflicts(run, v, err));
    return heal(run, v, err);
}
