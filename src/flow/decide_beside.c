// decide_beside.c -- a rule that is not proven is tried in a column beside the old one, until the
// gate says that it may take its place.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "contract/edit.h"
#include "flow/decide_int.h"
#include "flow/judge.h"

static pl_proposing of_file(const deciding *d)
{
    return (pl_proposing){.file = d->file, .overlay = d->use.overlay, .arena = d->arena};
}

// The finding's, or whichever reads it if that has another name by now.
static pl_span column_of(const deciding *d)
{
    uint32_t *columns, count;
    pl_span column = pl_span_of(d->row.column);
    if (pl_contract_find(d->file->contract, column) >= 0) return column;
    pl_mapping_columns_of(d->file, pl_remedy_path(&d->row), d->arena, &columns, &count);
    return count ? d->file->contract->columns[columns[0]].field.name : column;
}

static const char *beside(const deciding *d)
{
    return pl_beside_name(column_of(d), d->arena).data;
}

// ---- the gate -----------------------------------------------------------------------------------

// The mapping as the proposal writes it; a column that goes is still declared.
static plumb_status as_proposed(deciding *d, const pl_proposal *change,
                                const pl_mapping **ret_mapping, plumb_error *err)
{
    pl_problems problems = {0};
    pl_contract *contract = PL_TAKE(d->arena, pl_contract, 1);
    *contract = *d->file->contract;
    pl_span text = change->mapping_text;
    if (change->overlay.bytes)
        PL_TRY(pl_edit_overlay(d->file->file, text, change->overlay, d->arena, &text, err));
    *ret_mapping = pl_mapping_parse(d->file->file, text, &contract, 1, d->arena, &problems, NULL);
    plumb_status st = PLUMB_OK;
    if (!*ret_mapping)
        st = pl_fail(err, PLUMB_E_CONFIG, "cannot use mapping '%s': %s", d->file->file,
                     problems.items[0].message);
    pl_problems_done(&problems);
    return st;
}

static plumb_status ask(deciding *d, const pl_proposal *change, plumb_error *err)
{
    pl_gate_options options = {.store = d->options->store,
                               .registry = d->options->registry,
                               .before = d->now.mapping,
                               .first_object = d->row.first_object,
                               .column = column_of(d),
                               .other_unit = d->doc.class == PL_DRIFT_RESCALED,
                               .cancel = d->options->cancel};
    pl_gate *gate = PL_TAKE(d->arena, pl_gate, 1);
    PL_TRY(as_proposed(d, change, &options.after, err));
    plumb_status st = pl_gate_ask(&options, d->arena, gate, err);
    if (st == PLUMB_OK)
        d->out->gate = gate;
    else if (st != PLUMB_E_CANCELLED)
        pl_hint(err, "With --now nothing is asked of raw.");
    return st;
}

bool pl_decide__is_gated(const deciding *d)
{
    return d->doc.class == PL_DRIFT_RETYPED || d->doc.class == PL_DRIFT_RESCALED;
}

// Neither in one step nor beside.
static plumb_status refuse_both(deciding *d, const char *why_not, plumb_error *err)
{
    long long id = (long long)d->row.id;
    bool failed = d->out->gate->word == PL_GATE_FAILED;
    if (failed)
        pl_decide__refuse(d, PLUMB_E_FAILED, err, "raw speaks against its rule (%s)",
                          pl_gate_reasons(d->out->gate, false, d->arena));
    else
        pl_decide__refuse(d, PLUMB_E_FAILED, err, "%s", why_not);
    pl_hint(err,
            "%s%s%s'plumb drift approve %lld --now' takes the rule all the same; 'plumb drift "
            "reject %lld' publishes rows as they come.",
            failed ? "It cannot be tried beside the old one: " : "", failed ? why_not : "",
            failed ? ". " : "", id, id);
    return PLUMB_E_FAILED;
}

plumb_status pl_decide__choose_form(deciding *d, plumb_error *err)
{
    pl_decision_form form = d->options->form;
    if (form == PL_DECISION_NOW) return PLUMB_OK;
    PL_TRY(ask(d, &d->change, err));
    if (form == PL_DECISION_ANY && d->out->gate->word != PL_GATE_FAILED) return PLUMB_OK;
    pl_proposing with = of_file(d);
    pl_proposal made;
    if (!pl_propose_beside(&with, &d->change, &made)) return refuse_both(d, made.why_not, err);
    d->change = made;
    d->overlay = made.overlay;
    d->to = PL_FINDING_PARALLEL;
    d->out->beside = beside(d);
    return PLUMB_OK;
}

// ---- made one -----------------------------------------------------------------------------------

static bool together(deciding *d, bool take)
{
    pl_proposing with = of_file(d);
    d->contract_last = true;
    return pl_remedy_together(&d->row, d->options->project, &with, take, &d->change);
}

static plumb_status refuse_gone(deciding *d, plumb_error *err)
{
    pl_decide__refuse(d, PLUMB_E_FAILED, err, "%s does not fill column '%s'", d->file->file,
                      beside(d));
    pl_hint(err,
            "If it was not written yet, 'plumb drift approve %lld' does so; if you took it out, "
            "'plumb drift reject %lld' closes the finding, and %s stays as it is.",
            (long long)d->row.id, (long long)d->row.id, d->file->file);
    return PLUMB_E_FAILED;
}

static plumb_status finish_promotion(deciding *d, plumb_error *err)
{
    d->out->again = true;
    d->to = d->row.state;
    if (together(d, true)) {
        d->overlay = d->change.overlay;
        return PLUMB_OK;
    }
    pl_decide__no_change(d);
    (void)err;
    return PLUMB_OK;
}

plumb_status pl_decide__promote(deciding *d, plumb_error *err)
{
    uint32_t *columns, count;
    d->out->beside = beside(d);
    if (d->row.state == PL_FINDING_PROMOTED) return finish_promotion(d, err);
    if (d->row.state != PL_FINDING_PARALLEL) {
        pl_decide__refuse_state(d, err);
        if (d->row.state == PL_FINDING_HELD || d->row.state == PL_FINDING_OPEN)
            pl_hint(err, "First it is approved: 'plumb drift approve %lld'.", (long long)d->row.id);
        return PLUMB_E_CONFLICT;
    }
    d->to = PL_FINDING_PROMOTED;
    pl_mapping_beside(d->file, pl_remedy_path(&d->row), d->arena, &columns, &count);
    if (!count) return refuse_gone(d, err);
    if (!together(d, true))
        return pl_decide__refuse(d, PLUMB_E_FAILED, err, "%s", d->change.why_not);
    d->overlay = d->change.overlay;
    if (d->options->form == PL_DECISION_NOW) return PLUMB_OK;
    PL_TRY(ask(d, &d->change, err));
    if (d->out->gate->word == PL_GATE_PASSED) return PLUMB_OK;
    pl_decide__refuse(d, PLUMB_E_FAILED, err, "the gate is not passed: %s",
                      pl_gate_reasons(d->out->gate, true, d->arena));
    pl_hint(err,
            "'plumb drift show %lld' says how it stands; 'plumb drift promote %lld --now' does it "
            "all the same; 'plumb drift reject %lld' takes %s away.",
            (long long)d->row.id, (long long)d->row.id, (long long)d->row.id, beside(d));
    return PLUMB_E_FAILED;
}

// ---- taken away ---------------------------------------------------------------------------------

plumb_status pl_decide__reject_beside(deciding *d, plumb_error *err)
{
    uint32_t *columns, count;
    d->to = PL_FINDING_REJECTED;
    d->out->beside = beside(d);
    if (together(d, false)) {
        d->overlay = d->change.overlay;
        return PLUMB_OK;
    }
    pl_mapping_beside(d->file, pl_remedy_path(&d->row), d->arena, &columns, &count);
    if (count) return pl_decide__refuse(d, PLUMB_E_FAILED, err, "%s", d->change.why_not);
    pl_decide__no_change(d); // somebody has taken it out
    return PLUMB_OK;
}

// ---- said once more -----------------------------------------------------------------------------

typedef struct search {
    const deciding *d;
    bool found;
} search;

static bool find_other(void *context, const pl_finding_row *row)
{
    search *s = context;
    s->found |= row->id != s->d->row.id && strcmp(row->column, s->d->row.column) == 0;
    return true;
}

static bool find_own(void *context, const pl_event_row *row)
{
    search *s = context;
    pl_arena scratch = {0};
    pl_json *doc = NULL;
    int64_t id;
    if (pl_json_parse(pl_span_of(row->text), &scratch, &doc, NULL) == PLUMB_OK &&
        pl_json_get_long(doc, "finding", &id))
        s->found |= id == s->d->row.id;
    pl_arena_done(&scratch);
    return true;
}

plumb_status pl_decide__finish_reject(deciding *d, bool *ret_left, plumb_error *err)
{
    search was = {.d = d}, other = {.d = d};
    bool unfinished;
    pl_finding_filter filter = {d->row.source, d->row.table, PL_FINDING_IN(PL_FINDING_PARALLEL), 0};
    *ret_left = false;
    PL_TRY(pl_registry_events_like(d->options->registry, "drift.parallel", 0, find_own, &was, err));
    if (!was.found) return PLUMB_OK;
    PL_TRY(pl_registry_findings(d->options->registry, &filter, find_other, &other, err));
    *ret_left = !other.found && together(d, false);
    if (*ret_left)
        d->overlay = d->change.overlay;
    else
        pl_decide__no_change(d);
    PL_TRY(pl_decide__is_unfinished(d, &unfinished, err));
    *ret_left |= unfinished;
    return PLUMB_OK;
}

plumb_status pl_decide__finish_beside(deciding *d, plumb_error *err)
{
    pl_proposing with = of_file(d);
    pl_proposal made = {0};
    pl_span left;
    bool unfinished;
    d->out->again = true;
    d->out->beside = beside(d);
    d->to = d->row.state;
    bool unwritten = d->use.overlay.bytes && pl_decide__propose(d, true) &&
                     pl_propose_beside(&with, &d->change, &made);
    pl_decide__no_change(d);
    PL_TRY(pl_edit_overlay_left(d->file->file, unwritten ? made.mapping_text : d->file->text,
                                d->use.overlay, d->arena, &left, err));
    if (left.bytes < d->use.overlay.bytes) {
        if (unwritten) d->change = made;
        return PLUMB_OK;
    }
    PL_TRY(pl_decide__is_unfinished(d, &unfinished, err));
    if (unfinished) return PLUMB_OK;
    pl_decide__refuse_state(d, err);
    pl_hint(err,
            "'plumb drift promote %lld' puts %s in the place of %s once the gate is passed; "
            "'plumb drift show %lld' says how it stands.",
            (long long)d->row.id, beside(d), d->row.column, (long long)d->row.id);
    return PLUMB_E_CONFLICT;
}

// ---- how it stands ------------------------------------------------------------------------------

plumb_status pl_decision_gate(const pl_decision_options *options, pl_arena *arena,
                              const pl_gate **ret_gate, plumb_error *err)
{
    pl_decision said = {0};
    deciding d = {.options = options, .arena = arena, .out = &said};
    d.row.id = options->finding;
    *ret_gate = NULL;
    PL_TRY(pl_decide__look_up(&d, err));
    if (d.row.state != PL_FINDING_PARALLEL || !together(&d, true)) return PLUMB_OK;
    PL_TRY(ask(&d, &d.change, err));
    *ret_gate = said.gate;
    return PLUMB_OK;
}

// ---- rows from before ---------------------------------------------------------------------------

typedef struct promoted_list {
    pl_arena *arena;
    pl_finding_row *rows; // owned
    uint32_t count, capacity;
} promoted_list;

static bool keep_promoted(void *context, const pl_finding_row *row)
{
    promoted_list *list = context;
    PL_GROW(list->rows, list->count, list->capacity);
    list->rows[list->count++] = pl_finding_row_copy(row, list->arena);
    return true;
}

plumb_status pl_decision_settle_filled(const pl_decision_options *options, const char *table,
                                       pl_arena *arena, plumb_error *err)
{
    promoted_list list = {.arena = arena};
    pl_finding_filter filter = {.table = table, .states = PL_FINDING_IN(PL_FINDING_PROMOTED)};
    plumb_status st = pl_registry_findings(options->registry, &filter, keep_promoted, &list, err);
    for (uint32_t i = 0; i < list.count && st == PLUMB_OK; i++) {
        pl_finding_row row = list.rows[i];
        pl_decision_options one = *options;
        pl_stale stale;
        one.finding = row.id;
        st = pl_decision_stale(options->project, options->registry, &row, arena, &stale, err);
        if (st == PLUMB_OK && !stale.count) st = pl_decision_settle(&one, arena, &row, err);
    }
    free(list.rows);
    return st;
}
