// verdict.c -- the rows that findings become, and what the books say of a source that waits.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "contract/propose.h"
#include "flow/judge.h"
#include "flow/mappings.h"
#include "flow/remedy.h"

// Comes back so often within a day: it flaps. A rename that is proven never does: both keys are
// read from the first time on. One that is not proven does not become so by coming again, because
// whatever changed with it comes and goes, too; it waits.
enum { FLIPS_MAX = 3 };

// ---- rows --------------------------------------------------------------------------------------
verdict_row *pl_verdict__row(verdict *v)
{
    PL_GROW(v->rows, v->row_count, v->row_capacity);
    verdict_row *row = &v->rows[v->row_count++];
    *row = (verdict_row){0};
    return row;
}

const char *pl_verdict__document(run_state *run, const pl_finding_doc *doc)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_finding_write(&w, doc);
    const char *copy = pl_arena_cstr(run->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

// By another key other rows are the same ones: nobody decides that but a person.
static bool is_key(const pl_contract *contract, uint32_t column)
{
    bool found = false;
    for (uint32_t i = 0; i < contract->key_count; i++) found |= contract->keys[i] == column;
    return found;
}

bool pl_verdict__column_of(run_state *run, const verdict *v, const pl_finding_doc *doc,
                           const char **ret_column, bool *ret_critical)
{
    const pl_mapping *mapping = v->source->mapping;
    const char *paths[] = {doc->before, doc->after};
    *ret_column = "";
    *ret_critical = false;
    for (size_t p = 0; p < PL_COUNT(paths) && !**ret_column; p++) {
        uint32_t *columns, count = 0;
        if (paths[p])
            pl_mapping_columns_of(mapping, pl_span_of(paths[p]), run->arena, &columns, &count);
        for (uint32_t i = 0; i < count; i++) {
            const pl_contract_column *column = &mapping->contract->columns[columns[i]];
            if (!i) *ret_column = pl_arena_cstr(run->arena, column->field.name);
            *ret_critical |= column->critical || is_key(mapping->contract, columns[i]);
        }
    }
    return **ret_column != '\0';
}

// What shows once more does not undo what was decided, or what a rule did.
static const uint32_t decided =
    PL_FINDING_IN(PL_FINDING_PROVISIONAL) | PL_FINDING_IN(PL_FINDING_ACCEPTED) |
    PL_FINDING_IN(PL_FINDING_REJECTED) | PL_FINDING_IN(PL_FINDING_REVERTED) |
    PL_FINDING_IN(PL_FINDING_PARALLEL) | PL_FINDING_IN(PL_FINDING_PROMOTED) |
    PL_FINDING_IN(PL_FINDING_DEPRECATED) | PL_FINDING_IN(PL_FINDING_RETIRED);
// What may come and go; the others are somebody's word, or a rule's.
static const uint32_t fickle = PL_FINDING_IN(PL_FINDING_SEEN) | PL_FINDING_IN(PL_FINDING_OPEN) |
                               PL_FINDING_IN(PL_FINDING_AUTO) | PL_FINDING_IN(PL_FINDING_HELD);

// Its state, and how often it came back, now that it shows once more.
static plumb_status state_again(run_state *run, const verdict *v, const pl_finding_row *was,
                                pl_finding_state *state, int64_t *ret_flips, plumb_error *err)
{
    int64_t returns = 0;
    bool flapping = was->state == PL_FINDING_FLAPPING, waits = *state == PL_FINDING_HELD;
    *ret_flips = was->flips;
    if (flapping) {
        *ret_flips += waits && !v->held; // another hold began
    } else if (was->state == PL_FINDING_RESOLVED && *state != PL_FINDING_RESOLVED) {
        PL_TRY(pl_registry_finding_returns(run->options->registry, was->id,
                                           run->now_us - PL_FLIPS_WITHIN_US, &returns, err));
        *ret_flips = returns + 1;
        flapping = *ret_flips >= FLIPS_MAX;
    }
    if (flapping && PL_FINDING_IN(*state) & fickle) *state = PL_FINDING_FLAPPING;
    // Reverted by a rollback, not by hand: nobody decides now, so it is found anew.
    bool anew = was->state == PL_FINDING_REVERTED && !was->muted_until_us;
    // A rule reads the key again, which a person took out of the file since.
    bool laid = v->has_overlay && *state == PL_FINDING_PROVISIONAL;
    if (PL_FINDING_IN(was->state) & decided && !waits && !anew && !laid) *state = was->state;
    return PLUMB_OK;
}

plumb_status pl_verdict__put(run_state *run, verdict *v, const pl_finding_doc *doc,
                             const char *column, bool critical, pl_finding_state state,
                             const pl_baseline *seen, const char *first_object, const char *note,
                             plumb_error *err)
{
    pl_finding_row was;
    bool found;
    int64_t now_us = run->now_us, flips = 0;
    for (uint32_t i = 0; i < v->row_count; i++) // said already
        if (strcmp(v->rows[i].row.fingerprint, doc->fingerprint) == 0) return PLUMB_OK;
    PL_TRY(pl_registry_finding_by(run->options->registry, v->name, v->table, doc->fingerprint,
                                  run->arena, &was, &found, err));
    bool waits = state == PL_FINDING_HELD;
    if (found) PL_TRY(state_again(run, v, &was, &state, &flips, err));
    if (found && state == PL_FINDING_RETIRED) column = was.column; // no rule reads it any more
    int64_t records = (int64_t)seen->shape.records;
    // What waits, and goes on together, is counted whole each time.
    if (found && !waits && !v->over) records += was.records;
    verdict_row *row = pl_verdict__row(v);
    row->note = note;
    row->row = (pl_finding_row){.source = v->name,
                                .table = v->table,
                                .fingerprint = doc->fingerprint,
                                .class = pl_drift_class_name(doc->class),
                                .strength = pl_drift_strength_name(doc->strength),
                                .before = doc->before ? doc->before : "",
                                .after = doc->after ? doc->after : "",
                                .column = column,
                                .critical = critical,
                                .state = state,
                                .first_us = seen->shape.first_us,
                                .opened_us = state == PL_FINDING_SEEN ? 0 : now_us,
                                .changed_us = now_us,
                                .first_object = first_object,
                                .run = run->run,
                                .records = records,
                                .flips = flips,
                                .document = pl_verdict__document(run, doc)};
    return PLUMB_OK;
}

// ---- rows that are there -----------------------------------------------------------------------
pl_finding_row pl_finding_row_copy(const pl_finding_row *row, pl_arena *arena)
{
    pl_finding_row copy = *row;
    const char **texts[] = {&copy.source,       &copy.table,  &copy.fingerprint, &copy.class,
                            &copy.strength,     &copy.before, &copy.after,       &copy.column,
                            &copy.first_object, &copy.run,    &copy.document};
    for (size_t i = 0; i < PL_COUNT(texts); i++)
        *texts[i] = pl_arena_cstr(arena, pl_span_of(*texts[i]));
    return copy;
}

static bool keep_row(void *context, const pl_finding_row *row)
{
    pl_finding_list *list = context;
    PL_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = pl_finding_row_copy(row, list->arena);
    return true;
}

plumb_status pl_run__findings(run_state *run, const char *source, const char *table,
                              uint32_t states, pl_finding_list *ret_list, plumb_error *err)
{
    pl_finding_filter filter = {.source = source, .table = table, .states = states};
    *ret_list = (pl_finding_list){.arena = run->arena};
    return pl_registry_findings(run->options->registry, &filter, keep_row, ret_list, err);
}

void pl_verdict__change(run_state *run, verdict *v, const pl_finding_row *row,
                        pl_finding_state state, const char *note)
{
    for (uint32_t i = 0; i < v->row_count; i++)
        if (strcmp(v->rows[i].row.fingerprint, row->fingerprint) == 0) return;
    verdict_row *changed = pl_verdict__row(v);
    *changed = (verdict_row){*row, note};
    changed->row.state = state;
    changed->row.changed_us = run->now_us;
    if (state != PL_FINDING_SEEN && !row->opened_us) changed->row.opened_us = run->now_us;
}

// One that flaps goes on doing so when it goes: only what a person did ends it at once.
plumb_status pl_verdict__change_held(run_state *run, verdict *v, pl_finding_state state,
                                     const char *note, plumb_error *err)
{
    pl_finding_list held = {0};
    uint32_t states = PL_FINDING_IN(PL_FINDING_HELD);
    if (state != PL_FINDING_RESOLVED) states |= PL_FINDING_IN(PL_FINDING_FLAPPING);
    plumb_status st = pl_run__findings(run, v->name, v->table, states, &held, err);
    for (uint32_t i = 0; i < held.count && st == PLUMB_OK; i++)
        pl_verdict__change(run, v, &held.items[i], state, note);
    free(held.items);
    return st;
}

// ---- what waits --------------------------------------------------------------------------------
typedef struct candidate {
    pl_finding_doc doc;
    const char *column;
    bool critical;
    bool covers;  // a suspicion
    bool by_rule; // its proposal is part of the overlay
} candidate;

static const pl_suspect_column *suspected(const verdict *v, const pl_suspicion *suspicion)
{
    return suspicion->column == PL_SHAPE_NONE ? NULL : &v->columns[suspicion->column];
}

// Whether what waits has values at some path of the column.
static bool has_values(const verdict *v, const pl_suspect_column *column)
{
    for (uint32_t i = 0; i < column->path_count; i++) {
        uint32_t at = pl_shape_named(&v->wait.shape, column->paths[i]);
        if (at == PL_SHAPE_NONE) continue;
        const pl_shape_path *path = &v->wait.shape.paths[at];
        if (pl_shape_seen(path) > path->kinds[PL_SHAPE_NULL]) return true;
    }
    return false;
}

// A path that is gone explains that there is no value, also of a column that must have one; it does
// not explain values at another of the column's paths.
static bool may_explain(const verdict *v, const pl_finding_doc *doc, const pl_suspicion *suspicion)
{
    if (doc->class != PL_DRIFT_REMOVED) return true;
    if (suspicion->kind == PL_SUSPECT_LOST) return !has_values(v, suspected(v, suspicion));
    return suspicion->kind == PL_SUSPECT_ABSENT || suspicion->kind == PL_SUSPECT_CONTINUED;
}

// Whether the finding explains the suspicion: it is about a path the column reads.
static bool explains(run_state *run, const verdict *v, const candidate *c,
                     const pl_suspicion *suspicion)
{
    uint32_t *columns, count = 0;
    if (suspicion->column == PL_SHAPE_NONE || !may_explain(v, &c->doc, suspicion)) return false;
    if (c->doc.before)
        pl_mapping_columns_of(v->source->mapping, pl_span_of(c->doc.before), run->arena, &columns,
                              &count);
    for (uint32_t i = 0; i < count; i++)
        if (columns[i] == v->of_contract[suspicion->column]) return true;
    return false;
}

static uint32_t take_candidates(run_state *run, verdict *v, candidate *list)
{
    uint32_t count = 0;
    pl_drift_findings(&v->base.shape, &v->wait.shape, &v->options.drift, run->arena, &v->findings,
                      &v->finding_count);
    for (uint32_t i = 0; i < v->finding_count && count < PL_VERDICT_ROWS_MAX; i++) {
        const pl_finding *finding = &v->findings[i];
        candidate *c = &list[count];
        if (!finding->root || finding->class == PL_DRIFT_WIDENED) continue;
        *c = (candidate){
            .doc = pl_finding_doc_of(finding, &v->base.shape, &v->wait.shape, run->arena)};
        if (!pl_verdict__column_of(run, v, &c->doc, &c->column, &c->critical) || !c->doc.before)
            continue;
        for (uint32_t s = 0; s < v->suspicion_count; s++)
            c->covers |= explains(run, v, c, &v->suspicions[s]);
        count++;
    }
    return count;
}

const pl_mapping *pl_verdict__file(run_state *run, const verdict *v)
{
    const pl_project *files = run->options->files ? run->options->files : run->options->project;
    return pl_project_mapping(files, v->source->mapping->source, v->source->mapping->table);
}

// Did somebody ever say that it is not so?
static plumb_status is_refused(run_state *run, const verdict *v, const candidate *c,
                               bool *ret_refused, plumb_error *err)
{
    pl_finding_row was;
    bool found;
    PL_TRY(pl_registry_finding_by(run->options->registry, v->name, v->table, c->doc.fingerprint,
                                  run->arena, &was, &found, err));
    *ret_refused = found && was.muted_until_us != 0;
    return PLUMB_OK;
}

// Findings that a rule may resolve go into the overlay.
static plumb_status resolve(run_state *run, verdict *v, candidate *list, uint32_t count,
                            plumb_error *err)
{
    pl_mapping_use use;
    const pl_mapping *file = pl_verdict__file(run, v);
    if (!file) return PLUMB_OK; // it was taken out since the plan
    PL_TRY(pl_mapping_use_get(run->options->registry, file, run->arena, &use, err));
    if (use.pinned) return PLUMB_OK; // somebody wants that version and no other
    pl_proposing with = {
        .file = file, .now = v->source->mapping, .overlay = use.overlay, .arena = run->arena};
    bool news = true;
    for (uint32_t i = 0; i < count; i++) {
        candidate *c = &list[i];
        pl_proposal proposal;
        bool refused;
        if (c->doc.class != PL_DRIFT_RENAMED || !c->covers) continue;
        PL_TRY(is_refused(run, v, c, &refused, err));
        bool proposed =
            pl_propose_rename(&with, pl_span_of(c->doc.before), pl_span_of(c->doc.after),
                              pl_span_of(c->doc.proposal), &proposal);
        if (proposal.written) c->covers = false; // both are read: it is not that
        if (refused || !proposed ||
            pl_drift_action_of(&c->doc, true, c->critical, v->policy.strict) !=
                PL_DRIFT_PROVISIONAL)
            continue;
        c->by_rule = true;
        if (pl_shape_named(&v->base.shape, c->doc.after) != PL_SHAPE_NONE) news = false;
        with.overlay = proposal.overlay;
    }
    // What is left is judged anew, and may go on waiting for somebody. The same once more would
    // change nothing: a rule has had its try.
    if (pl_span_equal(with.overlay, use.overlay)) return PLUMB_OK;
    v->has_overlay = true;
    v->overlay = with.overlay;
    v->overlay_new = news;
    v->until = v->source->last;
    return PLUMB_OK;
}

static const char *const suspicion_classes[PL_SUSPECT_KINDS] = {
    [PL_SUSPECT_ABSENT] = "removed",  [PL_SUSPECT_CONTINUED] = "removed",
    [PL_SUSPECT_LOST] = "retyped",    [PL_SUSPECT_RESCALED] = "rescaled",
    [PL_SUSPECT_MEANING] = "meaning", [PL_SUSPECT_EMPTY] = "removed",
};

// The path that filled the column, as far as is known: a rule for what waits may have put another
// one first.
static const char *path_of(const verdict *v, const pl_suspect_column *column)
{
    for (uint32_t i = 0; i < column->path_count; i++)
        if (pl_shape_named(&v->base.shape, column->paths[i]) != PL_SHAPE_NONE)
            return column->paths[i];
    return column->paths[0];
}

// A suspicion that nothing explains yet is a finding all the same: somebody must see why data
// waits.
static plumb_status put_suspicion(run_state *run, verdict *v, const pl_suspicion *suspicion,
                                  const char *first_object, plumb_error *err)
{
    const pl_suspect_column *column = suspected(v, suspicion);
    const char *name = column ? pl_arena_cstr(run->arena, column->name) : "";
    const char *class = suspicion_classes[suspicion->kind];
    const char *path = column && column->path_count ? path_of(v, column) : NULL;
    bool gone = path && strcmp(class, "removed") == 0 && !strstr(path, "[*]");
    pl_finding_doc doc = {
        // A path that is gone is one finding (columns may share one through an array), also while
        // some of what waits has it again.
        .fingerprint =
            pl_arena_printf(run->arena, "%s %s", gone ? class : pl_suspicion_name(suspicion->kind),
                            gone ? path : name),
        .strength = suspicion->kind == PL_SUSPECT_LOST ? PL_DRIFT_LOSSY : PL_DRIFT_CERTAIN,
        .before = path ? path : "$",
        .root = true,
        .confidence = 1 - suspicion->chance,
        .factor = 1,
        .why = suspicion->why,
        .against = "",
        .before_values = "",
        .after_values = "",
        .proposal = ""};
    for (int i = 0; i < PL_DRIFT_CLASSES; i++)
        if (strcmp(pl_drift_class_name((pl_drift_class)i), class) == 0)
            doc.class = (pl_drift_class)i;
    if (suspicion->path != PL_SHAPE_NONE) {
        pl_buf text = {0};
        pl_shape_path_write(&text, &v->wait.shape, suspicion->path);
        const char *other = pl_arena_cstr(run->arena, pl_buf_view(&text));
        pl_buf_done(&text);
        if (doc.class == PL_DRIFT_REMOVED)
            doc.rival = other;
        else
            doc.after = other;
    }
    return pl_verdict__put(run, v, &doc, name, !column || column->critical, PL_FINDING_HELD,
                           &v->wait, first_object, NULL, err);
}

// Whether the column goes on under another name: then a path it had before that one says nothing.
static bool goes_on(const candidate *list, uint32_t count, const char *column)
{
    bool found = false;
    for (uint32_t i = 0; i < count; i++)
        found |= list[i].covers && list[i].doc.class == PL_DRIFT_RENAMED &&
                 strcmp(list[i].column, column) == 0;
    return found;
}

plumb_status pl_verdict__holding(run_state *run, verdict *v, plumb_error *err)
{
    candidate *list = PL_TAKE(run->arena, candidate, PL_VERDICT_ROWS_MAX);
    uint32_t count = take_candidates(run, v, list);
    const char *first = v->source->joins ? v->hold.first_object : v->from;
    v->why = v->suspicions[0].why;
    for (uint32_t s = 0; s < v->suspicion_count; s++) {
        uint32_t at = v->suspicions[s].column;
        const pl_contract_column *column = v->source->mapping->contract->columns;
        if (at == PL_SHAPE_NONE) { // no array: no document of it can be a row
            v->critical = true;
            continue;
        }
        column += v->of_contract[at];
        v->critical |= column->critical || column->field.required; // else all would be quarantined
    }
    PL_TRY(resolve(run, v, list, count, err));
    for (uint32_t i = 0; i < count; i++) {
        const candidate *c = &list[i];
        pl_finding_state state =
            v->has_overlay && c->by_rule ? PL_FINDING_PROVISIONAL : PL_FINDING_HELD;
        bool asked = false;
        pl_finding_row refused;
        if (!c->covers) continue; // said when it is published
        if (c->doc.class == PL_DRIFT_REMOVED) {
            if (goes_on(list, count, c->column)) continue;
            PL_TRY(pl_verdict__refused(run, v, c->column, &refused, &asked, err));
        }
        if (asked) {
            pl_verdict__change(run, v, &refused, PL_FINDING_HELD,
                               "it was refused, and goes on: asked again");
            continue;
        }
        PL_TRY(pl_verdict__put(run, v, &c->doc, c->column, c->critical, state, &v->wait, first,
                               state == PL_FINDING_HELD ? v->why : "both keys are read from now on",
                               err));
    }
    for (uint32_t s = 0; s < v->suspicion_count; s++) {
        bool explained = false;
        for (uint32_t i = 0; i < count; i++)
            explained |= list[i].covers && explains(run, v, &list[i], &v->suspicions[s]);
        if (!explained) PL_TRY(put_suspicion(run, v, &v->suspicions[s], first, err));
    }
    if (!v->held) return PLUMB_OK;
    return pl_verdict__change_held(run, v, PL_FINDING_RESOLVED,
                                   "what waits shows something else by now", err);
}
