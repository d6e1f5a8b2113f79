// SPDX-License-Identifier: Apache-2.0
#include "flow/revert.h"

#include <stdlib.h>

#include "base/time.h"
#include "json/tree.h"

static const uint32_t decided =
    PL_FINDING_IN(PL_FINDING_ACCEPTED) | PL_FINDING_IN(PL_FINDING_AUTO) |
    PL_FINDING_IN(PL_FINDING_PROVISIONAL) | PL_FINDING_IN(PL_FINDING_PARALLEL) |
    PL_FINDING_IN(PL_FINDING_PROMOTED) | PL_FINDING_IN(PL_FINDING_DEPRECATED) |
    PL_FINDING_IN(PL_FINDING_RETIRED);

typedef struct search {
    int64_t at_ms;
    pl_arena *arena;
    pl_reverted *items; // owned
    uint32_t count, capacity;
} search;

static void add(search *s, const pl_finding_row *row, pl_finding_state to)
{
    PL_GROW(s->items, s->count, s->capacity);
    pl_reverted *item = &s->items[s->count++];
    *item = (pl_reverted){.row = *row, .to = to};
    const char **texts[] = {&item->row.source,       &item->row.table,   &item->row.fingerprint,
                            &item->row.class,        &item->row.before,  &item->row.after,
                            &item->row.column,       &item->row.run,     &item->row.strength,
                            &item->row.first_object, &item->row.document};
    for (size_t i = 0; i < PL_COUNT(texts); i++)
        *texts[i] = pl_arena_cstr(s->arena, pl_span_of(*texts[i]));
}

// Times of snapshots are in milliseconds.
static bool find(void *context, const pl_finding_row *row)
{
    search *s = context;
    bool later = s->at_ms < INT64_MAX && pl_floor_div(row->changed_us, 1000) > s->at_ms;
    if (row->state == PL_FINDING_REVERTED)
        add(s, row, PL_FINDING_REVERTED); // to be looked up
    else if (later)
        add(s, row, PL_FINDING_REVERTED);
    return true;
}

// What the finding was before a rollback reverted it, by its events, newest first.
typedef struct before {
    int64_t finding;
    bool reverted, found;
    pl_finding_state was;
    int64_t at_us; // it became that
} before;

static bool find_before(void *context, const pl_event_row *event)
{
    before *b = context;
    pl_arena scratch = {0};
    pl_json *text;
    pl_span from, to;
    int64_t id;
    bool of_it = pl_json_parse(pl_span_of(event->text), &scratch, &text, NULL) == PLUMB_OK &&
                 pl_json_get_long(text, "finding", &id) && id == b->finding &&
                 pl_json_get_text(text, "to", &to);
    bool more = true;
    if (of_it && !b->reverted) {
        b->reverted = pl_span_is(to, "reverted") && pl_json_get_text(text, "from", &from) &&
                      pl_finding_state_parse(from, &b->was);
        more = b->reverted;
    } else if (of_it) {
        b->at_us = event->at_us;
        b->found = pl_span_is(to, pl_finding_state_name(b->was));
        more = false;
    }
    pl_arena_done(&scratch);
    return more;
}

// Of the reverted ones, those that a rollback reverted and that come back.
static plumb_status look_up(pl_registry *registry, search *s, plumb_error *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        pl_reverted item = s->items[i];
        if (item.row.state == PL_FINDING_REVERTED) {
            before b = {.finding = item.row.id};
            if (item.row.muted_until_us) continue; // by hand
            PL_TRY(pl_registry_events_like(registry, "drift.", 0, find_before, &b, err));
            if (!b.found || pl_floor_div(b.at_us, 1000) > s->at_ms) continue;
            item.to = b.was;
        }
        s->items[kept++] = item;
    }
    s->count = kept;
    return PLUMB_OK;
}

plumb_status pl_revert_look(pl_registry *registry, const char *source, const char *table,
                            int64_t at_ms, pl_arena *arena, pl_reverted **ret_list,
                            uint32_t *ret_count, plumb_error *err)
{
    search s = {.at_ms = at_ms, .arena = arena};
    pl_finding_filter filter = {
        .source = source, .table = table, .states = decided | PL_FINDING_IN(PL_FINDING_REVERTED)};
    plumb_status st = pl_registry_findings(registry, &filter, find, &s, err);
    if (st == PLUMB_OK) st = look_up(registry, &s, err);
    *ret_count = st == PLUMB_OK ? s.count : 0;
    *ret_list = PL_TAKE(arena, pl_reverted, *ret_count);
    for (uint32_t i = 0; i < *ret_count; i++) (*ret_list)[i] = s.items[i];
    free(s.items);
    return st;
}

plumb_status pl_revert_record(pl_registry *registry, const pl_reverted *list, uint32_t count,
                              const char *who, const char *note, int64_t now_us, plumb_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        PL_TRY(
            pl_registry_finding_move(registry, list[i].row.id, list[i].to, now_us, who, note, err));
    return PLUMB_OK;
}
