// stale.c -- what is published by another mapping than the one in use, and shows a finding.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "flow/decide.h"
#include "flow/mappings.h"

typedef struct stale_search {
    pl_registry *registry;
    pl_arena *arena;
    const pl_finding_row *row;
    int64_t version;
    pl_stale *out;
    uint32_t capacity;
    plumb_status status;
    plumb_error *err;
} stale_search;

// Newest first, so that only what shows the finding is looked at.
static bool look_at_ledger(void *context, const pl_ledger_row *ledger)
{
    stale_search *s = context;
    pl_arena scratch = {0};
    pl_state_row state;
    pl_object_row object;
    if (strcmp(ledger->object, s->row->first_object) < 0) return false;
    if (ledger->state != PL_STATE_PUBLISHED || strcmp(ledger->source, s->row->source) != 0)
        return true;
    s->status =
        pl_registry_state(s->registry, ledger->object, s->row->table, &scratch, &state, s->err);
    if (s->status == PLUMB_OK)
        s->status = pl_registry_object(s->registry, ledger->object, &scratch, &object, s->err);
    if (s->status == PLUMB_OK && state.mapping != s->version) {
        PL_GROW(s->out->objects, s->out->count, s->capacity);
        s->out->objects[s->out->count++] = pl_arena_cstr(s->arena, pl_span_of(ledger->object));
        s->out->stored_bytes += object.stored_bytes;
        s->out->records += ledger->records;
    }
    pl_arena_done(&scratch);
    return s->status == PLUMB_OK;
}

plumb_status pl_decision_stale(const pl_project *project, pl_registry *registry,
                               const pl_finding_row *row, pl_arena *arena, pl_stale *ret_stale,
                               plumb_error *err)
{
    *ret_stale = (pl_stale){0};
    pl_stale found = {0};
    stale_search s = {.registry = registry, .arena = arena, .row = row, .out = &found, .err = err};
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *mapping = project->mappings[i];
        pl_mapping_now now;
        if (!pl_span_is(mapping->source, row->source) || !pl_span_is(mapping->table, row->table))
            continue;
        PL_TRY(pl_mapping_now_get(project, i, registry, arena, &now, err));
        s.version = now.version;
    }
    plumb_status st = pl_registry_ledger(registry, NULL, row->table, 0, look_at_ledger, &s, err);
    if (st == PLUMB_OK) st = s.status;
    const char **objects = PL_TAKE(arena, const char *, found.count);
    for (uint32_t i = 0; i < found.count; i++) objects[i] = found.objects[i];
    free(found.objects);
    found.objects = objects;
    if (st == PLUMB_OK) *ret_stale = found;
    return st;
}
