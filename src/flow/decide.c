// SPDX-License-Identifier: Apache-2.0
#include "flow/decide_int.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "contract/edit.h"
#include "os/os.h"

static const char *verb(const deciding *d)
{
    static const char *const verbs[] = {"approve", "reject", "promote"};
    return verbs[d->options->word];
}

plumb_status pl_decide__refuse(const deciding *d, plumb_status status, plumb_error *err,
                               const char *fmt, ...)
{
    pl_buf text = {0};
    va_list args;
    va_start(args, fmt);
    pl_buf_vprintf(&text, fmt, args);
    va_end(args);
    pl_fail(err, status, "cannot %s finding '%lld': %s", verb(d), (long long)d->row.id,
            pl_buf_cstr(&text));
    pl_buf_done(&text);
    return status;
}

plumb_status pl_decide__refuse_state(const deciding *d, plumb_error *err)
{
    char at[40];
    pl_time_text(d->row.changed_us, at);
    return pl_decide__refuse(d, PLUMB_E_CONFLICT, err, "it is %s since %s",
                             pl_finding_state_name(d->row.state), at);
}

static bool is(const deciding *d, unsigned states)
{
    return (PL_FINDING_IN(d->row.state) & states) != 0;
}

// For a finding: what failed checks is none's, and waits for the contract or pl_checks_accept.
static bool waits(const deciding *d)
{
    return d->held && !d->hold.checks && !*d->hold.released && pl_finding_waits(&d->row, &d->hold);
}

// ---- yes ----------------------------------------------------------------------------------------
bool pl_decide__propose(deciding *d, bool file_only)
{
    pl_proposing with = {.file = d->file,
                         .now = file_only ? NULL : d->now.mapping,
                         .overlay = d->use.overlay,
                         .arena = d->arena};
    return pl_remedy(&d->row, &d->doc, &with, &d->change);
}

void pl_decide__no_change(deciding *d)
{
    pl_span none = PL_SPAN("");
    d->change = (pl_proposal){
        .overlay = none, .mapping_text = none, .contract_text = none, .diff = none, .added = none};
}

static plumb_status none_known(deciding *d, plumb_error *err)
{
    const char *why = d->change.why_not;
    if (!why)
        why = d->doc.class == PL_DRIFT_RETYPED ? "no parser is known that reads the new values"
                                               : "no rule turns the new values into what the old "
                                                 "ones were";
    pl_decide__refuse(d, PLUMB_E_FAILED, err, "%s", why);
    pl_hint(err,
            "'plumb drift show %lld' says what you can do by hand; 'plumb drift reject %lld' "
            "publishes rows as they come.",
            (long long)d->row.id, (long long)d->row.id);
    return PLUMB_E_FAILED;
}

static plumb_status approve_change(deciding *d, plumb_error *err)
{
    bool provisional = d->row.state == PL_FINDING_PROVISIONAL;
    pl_span column = pl_span_of(d->row.column);
    d->to = PL_FINDING_ACCEPTED;
    if (d->doc.class == PL_DRIFT_RETYPED && d->doc.strength == PL_DRIFT_LOSSLESS) return PLUMB_OK;
    if (d->doc.class == PL_DRIFT_RESCALED && pl_reads_any_unit(d->file, column, &d->doc))
        return PLUMB_OK;
    if (pl_decide__propose(d, provisional)) {
        d->overlay = d->change.overlay;
        if (d->change.added.bytes) PL_TRY(pl_decide__check_table(d, err));
        return pl_decide__is_gated(d) ? pl_decide__choose_form(d, err) : PLUMB_OK;
    }
    // Somebody has written it already.
    bool there = d->doc.class == PL_DRIFT_RENAMED
                     ? pl_reads_path(d->file, column, pl_span_of(d->row.after), d->arena)
                     : d->change.written;
    if (!there) return none_known(d, err);
    pl_decide__no_change(d);
    return pl_edit_overlay_set(d->file->file, d->overlay, column, PL_SPAN(""), d->arena,
                               &d->overlay, err); // as that is written, not as the rule had it
}

// The columns' rules go, and their declarations unless another source fills one of them.
static bool take_out(deciding *d, const pl_span *columns, uint32_t count)
{
    bool shared = false;
    for (uint32_t i = 0; i < count; i++)
        shared |= pl_fills_elsewhere(d->options->project, d->file, columns[i]);
    pl_proposing with = {.file = d->file, .overlay = d->use.overlay, .arena = d->arena};
    d->contract_last = true;
    if ((shared || !pl_propose_retired(&with, columns, count, true, &d->change)) &&
        !pl_propose_retired(&with, columns, count, false, &d->change))
        return false;
    d->overlay = d->change.overlay;
    return true;
}

static plumb_status retire(deciding *d, plumb_error *err)
{
    int64_t from_us = d->row.changed_us + PL_DEPRECATED_US;
    d->out->again = d->row.state == PL_FINDING_RETIRED; // and perhaps killed before it was written
    if (!d->out->again && d->now_us < from_us) {
        char at[40];
        pl_time_text(from_us, at);
        pl_decide__refuse(d, PLUMB_E_CONFLICT, err,
                          "column '%s' is deprecated, and goes not before %s", d->row.column, at);
        pl_hint(err,
                "Until then it is filled again should it come back; to take it out now, take "
                "its rule out of %s by hand.",
                d->file->file);
        return PLUMB_E_CONFLICT;
    }
    d->to = PL_FINDING_RETIRED;
    pl_span *columns;
    uint32_t count;
    pl_remedy_retiring(&d->row, d->now.mapping, d->arena, &columns, &count);
    if (!take_out(d, columns, count))
        return d->out->again ? pl_decide__refuse_state(d, err) : none_known(d, err);
    return PLUMB_OK;
}

static plumb_status approve_removed(deciding *d, plumb_error *err)
{
    d->to = PL_FINDING_DEPRECATED;
    if (strcmp(d->row.before, "$") == 0) {
        pl_decide__refuse(d, PLUMB_E_FAILED, err, "no column is gone, there were no records");
        pl_hint(err,
                "Write where they are now behind 'records:' in %s; 'plumb drift reject %lld' "
                "takes what came as it is.",
                d->file->file, (long long)d->row.id);
        return PLUMB_E_FAILED;
    }
    int at = pl_contract_find(d->file->contract, pl_span_of(d->row.column));
    if (at < 0 || !d->file->contract->columns[at].field.required) return PLUMB_OK;
    pl_decide__refuse(d, PLUMB_E_FAILED, err,
                      "column '%s' is required, so no record without it is a row", d->row.column);
    pl_hint(err, "Take the '!' off it in %s, and its rule out of %s.", d->file->contract->file,
            d->file->file);
    return PLUMB_E_FAILED;
}

plumb_status pl_decide__is_unfinished(deciding *d, bool *ret_unfinished, plumb_error *err)
{
    pl_stale stale;
    PL_TRY(pl_decision_stale(d->options->project, d->options->registry, &d->row, d->arena, &stale,
                             err));
    *ret_unfinished = stale.count || (d->held && *d->hold.released);
    return PLUMB_OK;
}

// A rule made it a column, and rows are being filled.
static bool is_by_rule(const deciding *d)
{
    return d->doc.class == PL_DRIFT_ADDED && d->row.state == PL_FINDING_AUTO;
}

// Approved before, and killed before the file was written, before its overlay went, or before all
// of it was mapped.
static plumb_status finish_approval(deciding *d, plumb_error *err)
{
    pl_span left;
    bool unfinished;
    d->out->again = true;
    d->to = d->row.state;
    bool unwritten = d->use.overlay.bytes && pl_decide__propose(d, true);
    PL_TRY(pl_edit_overlay_left(d->file->file, unwritten ? d->change.mapping_text : d->file->text,
                                d->use.overlay, d->arena, &left, err));
    if (left.bytes < d->use.overlay.bytes) return PLUMB_OK;
    pl_decide__no_change(d);
    PL_TRY(pl_decide__is_unfinished(d, &unfinished, err));
    return unfinished ? PLUMB_OK : pl_decide__refuse_state(d, err);
}

static plumb_status approve(deciding *d, plumb_error *err)
{
    const unsigned undecided = PL_FINDING_IN(PL_FINDING_SEEN) | PL_FINDING_IN(PL_FINDING_OPEN) |
                               PL_FINDING_IN(PL_FINDING_PROVISIONAL) |
                               PL_FINDING_IN(PL_FINDING_HELD) | PL_FINDING_IN(PL_FINDING_FLAPPING) |
                               PL_FINDING_IN(PL_FINDING_REJECTED) |
                               PL_FINDING_IN(PL_FINDING_REVERTED);
    if (is(d, PL_FINDING_IN(PL_FINDING_DEPRECATED) | PL_FINDING_IN(PL_FINDING_RETIRED)))
        return retire(d, err);
    if (d->row.state == PL_FINDING_ACCEPTED || is_by_rule(d)) return finish_approval(d, err);
    if (d->row.state == PL_FINDING_PARALLEL) return pl_decide__finish_beside(d, err);
    if (!is(d, d->options->rule ? PL_FINDING_IN(PL_FINDING_OPEN) : undecided))
        return pl_decide__refuse_state(d, err);
    if (d->options->rule) {
        PL_TRY(approve_change(d, err));
        d->to = PL_FINDING_AUTO;
        return PLUMB_OK;
    }
    if (d->doc.class == PL_DRIFT_REMOVED) return approve_removed(d, err);
    d->to = PL_FINDING_ACCEPTED;
    bool as_it_is = d->doc.class == PL_DRIFT_MEANING || d->doc.class == PL_DRIFT_CONFLICT;
    return as_it_is ? PLUMB_OK : approve_change(d, err);
}

// ---- no -----------------------------------------------------------------------------------------
static bool has_term(const pl_rule *rule, pl_span text)
{
    for (uint32_t i = 0; rule && i < rule->term_count; i++)
        if (pl_span_equal(rule->terms[i].text, text)) return true;
    return false;
}

// The column's rule in use without what this change has put into it.
static plumb_status take_back(deciding *d, uint32_t column, plumb_error *err)
{
    pl_problems problems = {0};
    pl_contract *contract = PL_TAKE(d->arena, pl_contract, 1);
    *contract = *d->file->contract;
    const pl_mapping *made = pl_mapping_parse(d->file->file, d->change.mapping_text, &contract, 1,
                                              d->arena, &problems, NULL);
    pl_problems_done(&problems);
    const pl_rule *now = pl_mapping_rule(d->now.mapping, column);
    const pl_rule *own = pl_mapping_rule(d->file, column);
    const pl_rule *with = made ? pl_mapping_rule(made, column) : NULL;
    pl_buf rule = {0};
    bool more = false; // than the file's
    for (uint32_t i = 0; now && i < now->term_count; i++) {
        pl_span term = now->terms[i].text;
        if (has_term(with, term) && !has_term(own, term)) continue;
        more |= !has_term(own, term);
        pl_buf_printf(&rule, "%s%.*s", rule.count ? " | " : "", PL_FMT(term));
    }
    pl_span text = more ? pl_arena_copy(d->arena, pl_buf_view(&rule)) : PL_SPAN("");
    pl_buf_done(&rule);
    return pl_edit_overlay_set(d->file->file, d->overlay,
                               d->file->contract->columns[column].field.name, text, d->arena,
                               &d->overlay, err);
}

static plumb_status revert(deciding *d, plumb_error *err)
{
    pl_span before = d->overlay;
    d->to = PL_FINDING_REVERTED;
    if (before.bytes && pl_decide__propose(d, true))
        for (uint32_t i = 0; i < d->change.column_count; i++)
            PL_TRY(take_back(d, d->change.columns[i], err));
    pl_decide__no_change(d);
    if (!pl_span_equal(before, d->overlay)) return PLUMB_OK;
    bool reads = pl_reads_path(d->now.mapping, pl_span_of(d->row.column), pl_span_of(d->row.after),
                               d->arena);
    if (d->doc.class == PL_DRIFT_RENAMED && !reads) return PLUMB_OK; // it was taken out by hand
    pl_decide__refuse(d, PLUMB_E_FAILED, err, "no rule of ours lies over %s for it", d->file->file);
    pl_hint(err,
            "If column '%s' should not take such values, change its rule there and run 'plumb "
            "run'.",
            d->row.column);
    return PLUMB_E_FAILED;
}

// The column that was made of a new path goes: a rule that reads that path and nothing else. The
// other way round, *ret_none: there is nothing of it in the files.
static plumb_status undo_added(deciding *d, bool *ret_none, plumb_error *err)
{
    uint32_t *columns, count;
    const pl_contract *contract = d->file->contract;
    pl_span column = pl_span_of(d->row.column);
    const pl_rule *rule = NULL;
    *ret_none = false;
    d->to = PL_FINDING_REVERTED;
    pl_mapping_columns_of(d->file, pl_span_of(d->row.after), d->arena, &columns, &count);
    if (!count && d->overlay.bytes) return revert(d, err); // the file was not written yet
    if (count == 1) rule = pl_mapping_rule(d->file, columns[0]);
    if (rule && rule->term_count == 1 && !contract->columns[columns[0]].field.required &&
        take_out(d, &contract->columns[columns[0]].field.name, 1))
        return PLUMB_OK;
    int at = pl_contract_find(contract, column);
    if (!count && at >= 0 && !pl_mapping_rule(d->file, (uint32_t)at) && take_out(d, &column, 1))
        return PLUMB_OK;
    pl_decide__no_change(d);
    *ret_none = !count;
    if (!count) return PLUMB_OK;
    pl_decide__refuse(d, PLUMB_E_FAILED, err, "the rule of %s that reads %s was changed since",
                      d->file->file, d->row.after);
    pl_hint(err, "Change it by hand and run 'plumb run'.");
    return PLUMB_E_FAILED;
}

static plumb_status reject(deciding *d, plumb_error *err)
{
    const unsigned undecided = PL_FINDING_IN(PL_FINDING_SEEN) | PL_FINDING_IN(PL_FINDING_OPEN) |
                               PL_FINDING_IN(PL_FINDING_HELD) | PL_FINDING_IN(PL_FINDING_FLAPPING);
    pl_stale stale;
    d->out->again = is(d, PL_FINDING_IN(PL_FINDING_REJECTED) | PL_FINDING_IN(PL_FINDING_REVERTED));
    if (d->out->again) {
        d->to = d->row.state;
        bool none = true;
        if (d->doc.class == PL_DRIFT_ADDED && d->to == PL_FINDING_REVERTED)
            PL_TRY(undo_added(d, &none, err));
        if (!none) return PLUMB_OK;
        PL_TRY(pl_decision_stale(d->options->project, d->options->registry, &d->row, d->arena,
                                 &stale, err));
        bool left = d->row.state == PL_FINDING_REVERTED && stale.count;
        if (d->row.state == PL_FINDING_REJECTED) PL_TRY(pl_decide__finish_reject(d, &left, err));
        return left || (d->held && *d->hold.released) ? PLUMB_OK : pl_decide__refuse_state(d, err);
    }
    if (d->row.state == PL_FINDING_PROVISIONAL) return revert(d, err);
    if (d->row.state == PL_FINDING_PARALLEL) return pl_decide__reject_beside(d, err);
    if (d->doc.class == PL_DRIFT_ADDED &&
        is(d, PL_FINDING_IN(PL_FINDING_AUTO) | PL_FINDING_IN(PL_FINDING_ACCEPTED))) {
        bool none;
        return undo_added(d, &none, err);
    }
    if (!is(d, undecided)) return pl_decide__refuse_state(d, err);
    d->to = PL_FINDING_REJECTED;
    return PLUMB_OK;
}

// ---- the books ----------------------------------------------------------------------------------
typedef struct staged_search {
    char last[PL_ID_TEXT];
} staged_search;

static bool find_staged(void *context, const pl_object_row *row, pl_object_state state)
{
    staged_search *search = context;
    if (state == PL_STATE_STAGED) snprintf(search->last, sizeof search->last, "%s", row->id);
    return true;
}

// All that waits may go; the next run judges it anew.
static plumb_status release(deciding *d, plumb_error *err)
{
    pl_registry *registry = d->options->registry;
    staged_search search = {.last = ""};
    PL_TRY(pl_registry_objects_pending(registry, d->row.source, d->row.table, "", find_staged,
                                       &search, err));
    if (!*search.last) return PLUMB_OK;
    d->hold.released = search.last;
    d->out->released = true;
    return pl_registry_hold_put(registry, &d->hold, err);
}

// The text that runs use once the decision stands.
static plumb_status text_then(deciding *d, pl_span *ret_text, plumb_error *err)
{
    pl_span text = d->change.mapping_text.bytes ? d->change.mapping_text : d->file->text;
    *ret_text = text;
    if (!d->overlay.bytes) return PLUMB_OK;
    return pl_edit_overlay(d->file->file, text, d->overlay, d->arena, ret_text, err);
}

static plumb_status put_books(void *context, plumb_error *err)
{
    deciding *d = context;
    pl_registry *registry = d->options->registry;
    pl_span text;
    PL_TRY(text_then(d, &text, err));
    d->out->changed = !pl_span_equal(text, d->now.mapping->text);
    int64_t version = d->now.version;
    if (d->out->changed)
        PL_TRY(pl_registry_mapping_version(registry, d->row.source, d->row.table, text, d->now_us,
                                           &version, err));
    if (d->change.added.bytes && version == d->now.version + 1)
        PL_TRY(pl_registry_mapping_since(registry, d->row.source, d->row.table, version,
                                         d->row.first_object, err));
    d->out->version = version;
    if (!pl_span_equal(d->overlay, d->use.overlay)) {
        pl_mapping_use use = {.overlay = d->overlay};
        PL_TRY(pl_registry_mapping_use_set(registry, d->row.source, d->row.table, &use, d->now_us,
                                           err));
    }
    if (d->out->again) return PLUMB_OK;
    pl_finding_decision decision = {.who = d->options->who,
                                    .why = d->options->why,
                                    .word = verb(d),
                                    .before = d->now.version,
                                    .after = version,
                                    .diff = d->change.diff};
    PL_TRY(pl_registry_finding_decide(registry, &d->out->row, &decision, err));
    return waits(d) ? release(d, err) : PLUMB_OK;
}

// The file says by now what lay over it.
static plumb_status drop_overlay(deciding *d, plumb_error *err)
{
    pl_registry *registry = d->options->registry;
    pl_mapping_use use = {0};
    pl_span text = d->change.mapping_text.bytes ? d->change.mapping_text : d->file->text;
    PL_TRY(pl_edit_overlay_left(d->file->file, text, d->overlay, d->arena, &use.overlay, err));
    if (pl_span_equal(use.overlay, d->overlay)) return PLUMB_OK;
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st =
        pl_registry_mapping_use_set(registry, d->row.source, d->row.table, &use, d->now_us, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

// ---- deciding -----------------------------------------------------------------------------------
plumb_status pl_decide__look_up(deciding *d, plumb_error *err)
{
    const pl_project *project = d->options->project;
    pl_registry *registry = d->options->registry;
    PL_TRY(pl_registry_finding(registry, d->options->finding, d->arena, &d->row, err));
    d->doc = pl_drift_document(&d->row, d->arena);
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *mapping = project->mappings[i];
        if (!pl_span_is(mapping->source, d->row.source) ||
            !pl_span_is(mapping->table, d->row.table))
            continue;
        d->file = mapping;
        PL_TRY(pl_mapping_now_get(project, i, registry, d->arena, &d->now, err));
    }
    if (!d->file)
        return pl_decide__refuse(d, PLUMB_E_FAILED, err,
                                 "no file in sources/ sends source '%s' to table '%s' any more",
                                 d->row.source, d->row.table);
    PL_TRY(pl_mapping_use_get(registry, d->file, d->arena, &d->use, err));
    d->overlay = d->use.overlay;
    if (d->use.pinned) {
        pl_decide__refuse(d, PLUMB_E_FAILED, err,
                          "version %lld of %s is pinned, so runs do not use the file",
                          (long long)d->use.pinned, d->file->file);
        pl_hint(err, "Let go of it first: plumb mapping %s --table %s --use file", d->row.source,
                d->row.table);
        return PLUMB_E_FAILED;
    }
    return pl_registry_hold(registry, d->row.source, d->row.table, d->arena, &d->hold, &d->held,
                            err);
}

static void say(deciding *d)
{
    pl_decision *out = d->out;
    out->from = d->row.state;
    out->row = d->row;
    out->row.state = d->to;
    if (d->change.added.bytes) out->row.column = pl_arena_cstr(d->arena, d->change.added);
    if (!out->again) {
        out->row.changed_us = d->now_us;
        if (!out->row.opened_us) out->row.opened_us = d->now_us;
    }
    out->diff = d->change.diff;
    if (d->change.mapping_text.bytes) out->mapping_file = d->file->file;
    if (d->change.contract_text.bytes) out->contract_file = d->file->contract->file;
    if (d->to == PL_FINDING_DEPRECATED) out->retire_us = out->row.changed_us + PL_DEPRECATED_US;
    if (d->to == PL_FINDING_REJECTED || d->to == PL_FINDING_REVERTED) {
        if (!out->again) {
            out->row.muted_until_us = d->now_us + PL_MUTED_US;
            out->row.muted_records = PL_MAX(d->row.records, 1);
        }
        out->muted_until_us = out->row.muted_until_us;
    }
    out->released = waits(d);
    out->version = d->now.version;
}

static plumb_status write_contract(const deciding *d, plumb_error *err)
{
    if (!d->out->contract_file) return PLUMB_OK;
    return pl_decide__write_file(d, d->out->contract_file, d->change.contract_text, err);
}

static plumb_status carry_out(deciding *d, plumb_error *err)
{
    const pl_decision *out = d->out;
    if (out->contract_file)
        PL_TRY(pl_decide__check_file(d, out->contract_file, d->file->contract->text, err));
    if (out->mapping_file) PL_TRY(pl_decide__check_file(d, out->mapping_file, d->file->text, err));
    if (d->options->dry) return PLUMB_OK;
    PL_TRY(pl_decide__sweep(d, err));
    if (out->again && !out->mapping_file && !out->contract_file) return drop_overlay(d, err);
    if (!d->contract_last) PL_TRY(write_contract(d, err));
    PL_TRY(pl_transaction_commit(&d->transaction, put_books, d, err));
    if (out->mapping_file)
        PL_TRY(pl_decide__write_file(d, out->mapping_file, d->change.mapping_text, err));
    if (d->contract_last) PL_TRY(write_contract(d, err));
    PL_TRY(drop_overlay(d, err));
    pl_transaction_follow(&d->transaction, NULL, NULL);
    return PLUMB_OK;
}

static plumb_status decide(deciding *d, plumb_error *err)
{
    PL_TRY(pl_decide__look_up(d, err));
    plumb_status st = d->options->word == PL_DECISION_APPROVE  ? approve(d, err)
                      : d->options->word == PL_DECISION_REJECT ? reject(d, err)
                                                               : pl_decide__promote(d, err);
    if (st != PLUMB_OK) return st;
    say(d);
    return carry_out(d, err);
}

static plumb_status with_lock(deciding *d, plumb_status (*act)(deciding *, plumb_error *),
                              plumb_error *err)
{
    const pl_decision_options *options = d->options;
    pl_transaction_options with = {.store = options->store,
                                   .registry = options->registry,
                                   .lock_path = options->lock_path,
                                   .wait_ms = options->wait_ms,
                                   .command = verb(d),
                                   .dry = options->dry};
    PL_TRY(pl_transaction_begin(&with, &d->transaction, err));
    d->now_us = d->transaction.now_us;
    plumb_status st = act(d, err);
    pl_transaction_end(&d->transaction);
    return st;
}

plumb_status pl_decide(const pl_decision_options *options, pl_arena *arena,
                       pl_decision *ret_decision, plumb_error *err)
{
    pl_span none = PL_SPAN("");
    *ret_decision = (pl_decision){.diff = none};
    deciding d = {.options = options, .arena = arena, .out = ret_decision};
    d.row.id = options->finding;
    pl_decide__no_change(&d);
    return with_lock(&d, decide, err);
}

static plumb_status settle(deciding *d, plumb_error *err)
{
    pl_registry *registry = d->options->registry;
    const char *note = d->options->why;
    int64_t id;
    if (!note) note = "rows since the change have the rule's values";
    PL_TRY(pl_registry_finding(registry, d->options->finding, d->arena, &d->row, err));
    d->out->row = d->row;
    d->doc = pl_drift_document(&d->row, d->arena);
    if (d->row.state != PL_FINDING_PROMOTED && !is_by_rule(d)) return PLUMB_OK;
    d->out->row.state = PL_FINDING_ACCEPTED;
    d->out->row.changed_us = d->now_us;
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st =
        pl_registry_finding_put(registry, &d->out->row, d->options->who, note, &id, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

plumb_status pl_decision_settle(const pl_decision_options *options, pl_arena *arena,
                                pl_finding_row *ret_row, plumb_error *err)
{
    pl_decision said = {0};
    deciding d = {.options = options, .arena = arena, .out = &said};
    PL_TRY(with_lock(&d, settle, err));
    *ret_row = said.row;
    return PLUMB_OK;
}
