// SPDX-License-Identifier: Apache-2.0
#include "flow/rollback.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/time.h"
#include "contract/edit.h"
#include "flow/follow.h"
#include "flow/mappings.h"
#include "flow/remedy.h"
#include "flow/transaction.h"
#include "os/os.h"
#include "registry/drift.h"

enum { COMMIT_ATTEMPTS = 5 };

typedef struct rolling {
    const pl_rollback_options *options;
    pl_arena *arena;
    pl_rollback_report *report;
    pl_transaction transaction;
    int64_t now_us;
    char *location; // the catalog's
    pl_ice_table *table;
    const pl_ice_snapshot *to;
    pl_ancestry from, target;
    pl_rewinding rewinding;
    pl_ice_move move;
    pl_ice_commit commit;
    char *next;
    plumb_error *err;
} rolling;

// ---- where to ----------------------------------------------------------------------------------
static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static plumb_status gone(rolling *r, const char *what)
{
    const pl_ice_metadata *m = r->table->metadata;
    char time[40];
    int64_t parent;
    bool known = false;
    const pl_rollback_options *o = r->options;
    const pl_ice_snapshot *oldest = m->snapshot_count ? &m->snapshots[0] : NULL, *rounded = NULL;
    if (o->to && is_number(o->to)) {
        int64_t id = strtoll(o->to, NULL, 10);
        PL_TRY(pl_registry_parent(o->registry, o->table, id, &parent, &known, r->err));
        if (!known) rounded = pl_ice_snapshot_rounded(m, id);
    }
    pl_fail(r->err, PLUMB_E_NOT_FOUND, "cannot roll back table '%s': %s%s", o->table, what,
            known ? ", it was expired" : "");
    if (rounded) {
        pl_hint(r->err, PL_ICE_ROUNDED_HINT, (long long)rounded->id);
    } else if (oldest) {
        pl_time_text(oldest->timestamp_ms * 1000, time);
        pl_hint(r->err,
                "The oldest snapshot there is: %lld, of %s; 'plumb history %s' lists all. What is "
                "older is mapped again from raw: plumb replay %s --all --mapping N.",
                (long long)oldest->id, time, o->table, o->table);
    }
    return PLUMB_E_NOT_FOUND;
}

static plumb_status find_target(rolling *r)
{
    const pl_rollback_options *o = r->options;
    const pl_ice_metadata *m = r->table->metadata;
    const pl_ice_snapshot *head = pl_ice_snapshot_by_id(m, m->current_snapshot_id);
    char text[96], time[40];
    if (!head) return gone(r, "nothing was published in it");
    if (!o->to) {
        r->to = pl_ice_snapshot_at(m, pl_floor_div(o->at_us, 1000));
        pl_time_text(o->at_us, time);
        snprintf(text, sizeof text, "no snapshot of %s is left", time);
    } else if (strcmp(o->to, "previous") == 0) {
        r->to = pl_ice_snapshot_by_id(m, head->parent_id);
        snprintf(text, sizeof text, "%s",
                 head->parent_id == PL_ICE_NO_SNAPSHOT
                     ? "there is nothing before its first snapshot"
                     : "the snapshot before the current one was expired");
    } else if (is_number(o->to)) {
        r->to = pl_ice_snapshot_by_id(m, strtoll(o->to, NULL, 10));
        snprintf(text, sizeof text, "it has no snapshot %.40s", o->to);
    } else {
        for (uint32_t i = 0; i < m->refs.count; i++)
            if (pl_span_is(m->refs.items[i].name, o->to))
                r->to = pl_ice_snapshot_by_id(m, m->refs.items[i].id);
        snprintf(text, sizeof text, "it has no tag '%.40s'", o->to);
    }
    return r->to ? PLUMB_OK : gone(r, text);
}

// ---- what changes ------------------------------------------------------------------------------
static int64_t summary_number(const pl_ice_snapshot *s, const char *key, int64_t otherwise)
{
    pl_span text;
    pl_number number;
    int64_t value;
    if (!pl_ice_pair_find(s->summary, s->summary_count, key, &text) ||
        pl_number_parse(text, &number) != PL_NUMBER_OK ||
        pl_number_long(&number, 0, &value) != PL_NUMBER_OK)
        return otherwise;
    return value;
}

// The snapshots of one way that are not in the other.
static pl_rollback_step *steps(rolling *r, const pl_ancestry *of, const pl_ancestry *without,
                               uint32_t *ret_count)
{
    const pl_ice_metadata *m = r->table->metadata;
    pl_rollback_step *out = PL_TAKE(r->arena, pl_rollback_step, of->count);
    *ret_count = 0;
    for (uint32_t i = 0; i < of->count && !pl_ancestry_has(without, of->ids[i]); i++) {
        const pl_ice_snapshot *s = pl_ice_snapshot_by_id(m, of->ids[i]);
        pl_span run = PL_SPAN("");
        if (!s) break;
        (void)pl_ice_pair_find(s->summary, s->summary_count, "plumb.run", &run);
        out[(*ret_count)++] = (pl_rollback_step){
            .snapshot = s->id,
            .at_us = s->timestamp_ms * 1000,
            .operation = pl_arena_cstr(r->arena, s->operation),
            .rows = summary_number(s, "added-records", 0) - summary_number(s, "deleted-records", 0),
            .files = summary_number(s, "added-data-files", 0) -
                     summary_number(s, "deleted-data-files", 0),
            .run = pl_arena_cstr(r->arena, run)};
    }
    return out;
}

static bool is_ours(pl_span tag)
{
    size_t bytes = strlen(PL_ROLLBACK_TAG);
    return tag.bytes > bytes && memcmp(tag.data, PL_ROLLBACK_TAG, bytes) == 0;
}

typedef struct tag_search {
    const char *table;
    int64_t last;
} tag_search;

// Tags that were dropped are not given again: people remember them.
static bool past_tag(void *context, const pl_event_row *row)
{
    tag_search *search = context;
    pl_arena scratch = {0};
    pl_json *text;
    pl_span tag;
    if (strcmp(row->table, search->table) == 0 &&
        pl_json_parse(pl_span_of(row->text), &scratch, &text, NULL) == PLUMB_OK &&
        pl_json_get_text(text, "tag", &tag) && is_ours(tag))
        search->last = PL_MAX(search->last, strtoll(tag.data + strlen(PL_ROLLBACK_TAG), NULL, 10));
    pl_arena_done(&scratch);
    return true;
}

// The head that is left gets a tag unless it has a name, or is part of what comes; a tag of ours
// that names what comes is not needed any more.
static plumb_status choose_tags(rolling *r)
{
    const pl_ice_metadata *m = r->table->metadata;
    tag_search search = {.table = r->options->table};
    PL_TRY(pl_registry_events_like(r->options->registry, "rollback", 0, past_tag, &search, r->err));
    for (uint32_t i = 0; i < m->refs.count; i++) {
        const pl_ice_item *ref = &m->refs.items[i];
        const char *name = pl_arena_cstr(r->arena, ref->name);
        if (pl_span_is(ref->name, "main")) continue;
        if (ref->id == m->current_snapshot_id) r->report->known_as = name;
        if (!is_ours(ref->name)) continue;
        search.last = PL_MAX(search.last, strtoll(name + strlen(PL_ROLLBACK_TAG), NULL, 10));
        if (ref->id == r->to->id) r->move.untag = name;
    }
    if (!r->report->known_as && !pl_ancestry_has(&r->target, m->current_snapshot_id))
        r->move.tag = pl_arena_printf(r->arena, PL_ROLLBACK_TAG "%lld", (long long)search.last + 1);
    r->move.snapshot = r->to->id;
    r->move.tag_age_ms = PL_ROLLBACK_TAG_MS;
    r->report->tag = r->move.tag;
    r->report->untag = r->move.untag;
    return PLUMB_OK;
}

// ---- mappings ----------------------------------------------------------------------------------
typedef struct made_search {
    rolling *r;
    int64_t *versions; // per mapping of the project; 0: not found yet
    uint32_t missing;
} made_search;

static bool made(void *context, const char *source, int64_t mapping)
{
    made_search *search = context;
    const pl_project *project = search->r->options->project;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *m = project->mappings[i];
        if (search->versions[i] || !pl_span_is(m->source, source) ||
            !pl_span_is(m->table, search->r->options->table))
            continue;
        search->versions[i] = mapping;
        search->missing--;
    }
    return true;
}

// What the file gives, under its overlay.
static plumb_status file_text(rolling *r, const pl_mapping *mapping, const pl_mapping_use *use,
                              pl_span *ret_text)
{
    *ret_text = mapping->text;
    if (!use->overlay.bytes) return PLUMB_OK;
    return pl_edit_overlay(mapping->file, mapping->text, use->overlay, r->arena, ret_text, r->err);
}

static plumb_status add_pin(rolling *r, const pl_mapping *mapping, int64_t version)
{
    pl_registry *registry = r->options->registry;
    const char *source = pl_arena_cstr(r->arena, mapping->source);
    pl_mapping_use use;
    pl_span then, file;
    plumb_error why;
    PL_TRY(pl_mapping_use_get(registry, mapping, r->arena, &use, r->err));
    PL_TRY(pl_registry_mapping_text(registry, source, r->options->table, version, r->arena, &then,
                                    r->err));
    PL_TRY(file_text(r, mapping, &use, &file));
    pl_rollback_pin pin = {source, mapping->file, version, !pl_span_equal(then, file), NULL};
    if (pin.pinned &&
        pl_mapping_fits(r->options->project, mapping, version, then, r->arena, &why)) {
        pin.pinned = false;
        pin.why_not = pl_arena_cstr(r->arena, pl_span_of(why.message));
    }
    if (use.pinned == (pin.pinned ? version : 0) && !pin.why_not) return PLUMB_OK; // as it is
    r->report->pins[r->report->pin_count++] = pin;
    return PLUMB_OK;
}

// Per source, newest snapshot first, until each one's version is known.
static plumb_status find_pins(rolling *r)
{
    const pl_project *project = r->options->project;
    made_search search = {.r = r, .versions = PL_TAKE(r->arena, int64_t, project->mapping_count)};
    r->report->pins = PL_TAKE(r->arena, pl_rollback_pin, project->mapping_count);
    for (uint32_t i = 0; i < project->mapping_count; i++)
        search.missing += pl_span_is(project->mappings[i]->table, r->options->table);
    for (uint32_t i = 0; i < r->target.count && search.missing; i++)
        PL_TRY(pl_registry_made_by(r->options->registry, r->options->table, r->target.ids[i], made,
                                   &search, r->err));
    for (uint32_t i = 0; i < project->mapping_count; i++)
        if (search.versions[i]) PL_TRY(add_pin(r, project->mappings[i], search.versions[i]));
    return PLUMB_OK;
}

static plumb_status record_pins(rolling *r)
{
    pl_registry *registry = r->options->registry;
    for (uint32_t i = 0; i < r->report->pin_count; i++) {
        const pl_rollback_pin *pin = &r->report->pins[i];
        pl_mapping_use use;
        PL_TRY(pl_registry_mapping_use(registry, pin->source, r->options->table, r->arena, &use,
                                       r->err));
        int64_t was = use.pinned;
        use.pinned = pin->pinned ? pin->version : 0;
        if (use.pinned == was) continue;
        PL_TRY(pl_registry_mapping_use_set(registry, pin->source, r->options->table, &use,
                                           r->now_us, r->err));
    }
    return PLUMB_OK;
}

static const pl_rollback_pin *pin_of(const rolling *r, const char *source)
{
    for (uint32_t i = 0; i < r->report->pin_count; i++)
        if (strcmp(r->report->pins[i].source, source) == 0) return &r->report->pins[i];
    return NULL;
}

static bool is_unfit(const rolling *r, const char *source)
{
    const pl_rollback_pin *pin = pin_of(r, source);
    return pin && pin->why_not;
}

// Rows of then were made as they are now: what reads the new key goes on doing so.
static plumb_status is_in_use(rolling *r, const pl_finding_row *row, bool *ret_in_use)
{
    const pl_project *project = r->options->project;
    const pl_mapping *file =
        pl_project_mapping(project, pl_span_of(row->source), pl_span_of(row->table));
    const pl_rollback_pin *pin = pin_of(r, row->source);
    pl_span without, column = pl_span_of(row->column);
    pl_mapping_use use;
    *ret_in_use = false;
    if (!file || strcmp(row->class, "renamed") != 0) return PLUMB_OK;
    PL_TRY(pl_mapping_use_get(r->options->registry, file, r->arena, &use, r->err));
    if (pin ? pin->pinned : use.pinned != 0) return PLUMB_OK;
    PL_TRY(pl_edit_overlay_set(file->file, use.overlay, column, PL_SPAN(""), r->arena, &without,
                               r->err));
    *ret_in_use = without.bytes < use.overlay.bytes ||
                  pl_reads_path(file, column, pl_span_of(row->after), r->arena);
    return PLUMB_OK;
}

// What was decided about a source goes with its mapping: where the file is used, all of it holds.
static plumb_status find_findings(rolling *r)
{
    const pl_rollback_options *o = r->options;
    pl_rollback_report *report = r->report;
    pl_reverted *then, *now;
    uint32_t then_count, now_count;
    PL_TRY(pl_revert_look(o->registry, NULL, o->table, r->to->timestamp_ms, r->arena, &then,
                          &then_count, r->err));
    PL_TRY(
        pl_revert_look(o->registry, NULL, o->table, INT64_MAX, r->arena, &now, &now_count, r->err));
    report->findings = PL_TAKE(r->arena, pl_reverted, then_count + now_count);
    for (uint32_t i = 0; i < then_count; i++) {
        bool in_use = false;
        if (is_unfit(r, then[i].row.source)) continue;
        if (then[i].to == PL_FINDING_REVERTED) PL_TRY(is_in_use(r, &then[i].row, &in_use));
        if (!in_use) report->findings[report->finding_count++] = then[i];
    }
    for (uint32_t i = 0; i < now_count; i++)
        if (is_unfit(r, now[i].row.source)) report->findings[report->finding_count++] = now[i];
    return PLUMB_OK;
}

// What was decided about drift since then, or is so again.
static plumb_status record_findings(rolling *r)
{
    const pl_rollback_report *report = r->report;
    const char *note = pl_arena_printf(r->arena, "table %s went to snapshot %lld",
                                       r->options->table, (long long)r->to->id);
    return pl_revert_record(r->options->registry, report->findings, report->finding_count,
                            r->options->who, note, r->now_us, r->err);
}

// ---- the commit --------------------------------------------------------------------------------
static plumb_status record_event(rolling *r, const pl_followed *followed)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    const pl_rollback_report *report = r->report;
    pl_json_begin(&w, '{');
    pl_json_key(&w, "run"), pl_json_cstr(&w, r->transaction.run);
    pl_json_key(&w, "from"), pl_json_int(&w, report->from);
    pl_json_key(&w, "to"), pl_json_int(&w, report->to);
    if (report->tag) pl_json_key(&w, "tag"), pl_json_cstr(&w, report->tag);
    pl_json_key(&w, "withdrawn"), pl_json_int(&w, followed->withdrawn);
    pl_json_key(&w, "returned"), pl_json_int(&w, followed->returned);
    pl_json_key(&w, "moved"), pl_json_int(&w, followed->moved);
    pl_json_key(&w, "mappings"), pl_json_begin(&w, '{');
    for (uint32_t i = 0; i < report->pin_count; i++) {
        if (report->pins[i].why_not) continue;
        pl_json_key(&w, report->pins[i].source);
        pl_json_int(&w, report->pins[i].version);
    }
    pl_json_end(&w, '}');
    pl_json_key(&w, "why"), pl_json_cstr(&w, r->options->why);
    pl_json_end(&w, '}');
    pl_event_row event = {.at_us = r->now_us,
                          .kind = "rollback",
                          .who = r->options->who,
                          .table = r->options->table,
                          .text = pl_buf_cstr(&text)};
    plumb_status st = pl_registry_event_add(r->options->registry, &event, r->err);
    pl_buf_done(&text);
    return st;
}

// What is left of `next` once it is the head: only refs and head differ from what was loaded.
static plumb_status record(void *context, plumb_error *err)
{
    rolling *r = context;
    pl_registry *registry = r->options->registry;
    pl_catalog catalog = pl_registry_catalog(registry);
    pl_ice_metadata then = *r->table->metadata;
    pl_followed foreign, followed;
    // First what others did; then what we do counts for itself.
    PL_TRY(pl_follow_table(registry, r->options->table, &then, r->location, false, &foreign, err));
    PL_TRY(catalog.swap(catalog.self, r->options->table, r->location, r->next, err));
    then.current_snapshot_id = r->to->id;
    PL_TRY(pl_follow_table(registry, r->options->table, &then, r->next, false, &followed, err));
    PL_TRY(record_pins(r));
    PL_TRY(record_findings(r));
    PL_TRY(pl_rewind_record(&r->rewinding, r->transaction.run, r->now_us, err));
    PL_TRY(record_event(r, &followed));
    r->report->withdrawn = followed.withdrawn;
    r->report->published_again = followed.returned;
    r->report->moved = followed.moved;
    return PLUMB_OK;
}

static plumb_status look(rolling *r)
{
    const pl_rollback_options *o = r->options;
    pl_rollback_report *report = r->report;
    pl_catalog catalog = pl_registry_catalog(o->registry);
    *report = (pl_rollback_report){.run = ""};
    r->to = NULL;
    PL_TRY(catalog.load(catalog.self, o->table, r->arena, &r->location, r->err));
    if (!r->location) {
        pl_fail(r->err, PLUMB_E_NOT_FOUND,
                "cannot roll back table '%s': nothing was published in it", o->table);
        pl_hint(r->err, "'plumb tables' lists the tables there are.");
        return PLUMB_E_NOT_FOUND;
    }
    PL_TRY(pl_ice_load(o->store, r->location, r->arena, &r->table, r->err));
    PL_TRY(find_target(r));
    const pl_ice_metadata *m = r->table->metadata;
    const pl_ice_snapshot *head = pl_ice_snapshot_by_id(m, m->current_snapshot_id);
    report->from = head->id;
    report->to = r->to->id;
    report->to_us = r->to->timestamp_ms * 1000;
    report->rows_before = summary_number(head, "total-records", -1);
    report->rows = summary_number(r->to, "total-records", -1);
    report->nothing = head->id == r->to->id;
    if (report->nothing) return PLUMB_OK;
    report->schema_changed = r->to->schema_id >= 0 && r->to->schema_id != m->current_schema_id;
    PL_TRY(pl_ancestry_of(o->registry, o->table, m, head->id, r->arena, &r->from, r->err));
    PL_TRY(pl_ancestry_of(o->registry, o->table, m, r->to->id, r->arena, &r->target, r->err));
    report->undone = steps(r, &r->from, &r->target, &report->undone_count);
    report->returned = steps(r, &r->target, &r->from, &report->returned_count);
    PL_TRY(choose_tags(r));
    PL_TRY(find_pins(r));
    r->rewinding = (pl_rewinding){.project = o->project,
                                  .registry = o->registry,
                                  .table = o->table,
                                  .metadata = m,
                                  .from = &r->from,
                                  .target = &r->target,
                                  .arena = r->arena};
    PL_TRY(pl_rewind_look(&r->rewinding, r->err));
    PL_TRY(find_findings(r));
    report->baselines = r->rewinding.sources;
    report->baseline_count = r->rewinding.count;
    return PLUMB_OK;
}

static plumb_status roll_back(rolling *r)
{
    plumb_status st = PLUMB_E_CONFLICT;
    pl_entropy(r->commit.uuid, sizeof r->commit.uuid);
    r->commit.now_ms = r->now_us / 1000;
    for (int attempt = 0; attempt < COMMIT_ATTEMPTS && st == PLUMB_E_CONFLICT; attempt++) {
        r->move = (pl_ice_move){0};
        st = look(r);
        if (st != PLUMB_OK || r->report->nothing || r->options->dry) return st;
        st = pl_ice_rollback(r->table, &r->move, &r->commit, &r->next, r->err);
        if (st == PLUMB_OK) st = pl_transaction_commit(&r->transaction, record, r, r->err);
    }
    if (st != PLUMB_OK) return st;
    r->report->run = pl_arena_cstr(r->arena, pl_span_of(r->transaction.run));
    pl_transaction_follow(&r->transaction, r->next, &r->commit);
    return PLUMB_OK;
}

plumb_status pl_rollback(const pl_rollback_options *options, pl_arena *arena,
                         pl_rollback_report *ret_report, plumb_error *err)
{
    plumb_error local;
    rolling r = {
        .options = options, .arena = arena, .report = ret_report, .err = err ? err : &local};
    pl_transaction_options with = {.store = options->store,
                                   .registry = options->registry,
                                   .lock_path = options->lock_path,
                                   .wait_ms = options->wait_ms,
                                   .command = "rollback",
                                   .dry = options->dry};
    *ret_report = (pl_rollback_report){.run = ""};
    PL_TRY(pl_transaction_begin(&with, &r.transaction, r.err));
    r.now_us = r.transaction.now_us;
    plumb_status st = roll_back(&r);
    pl_transaction_end(&r.transaction);
    return st;
}
