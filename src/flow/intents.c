// intents.c -- what killed ingests left, finished or removed; and the rows objects get.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "flow/ingest_int.h"

pl_object_row pl_ingest__row(const pl_raw_head *head, const char *source, const char *key,
                             const char *name, const pl_raw_info *info, int64_t landed_us)
{
    return (pl_object_row){
        .id = head->id,
        .source = source,
        .key = key,
        .format = pl_format_name(info->format),
        .name = name,
        .sha256 = info->identity,
        .received_us = head->received_us,
        .landed_us = landed_us,
        .stored_bytes = (int64_t)info->stored_bytes,
        .content_bytes = info->broken ? -1 : (int64_t)info->content_bytes,
        .broken = info->broken,
    };
}

// Should it come back with a power loss, recovery removes it once more.
static plumb_status intent_remove(pl_registry *registry, const char *id, plumb_error *err)
{
    PL_TRY(pl_registry_begin_unsynced(registry, err));
    plumb_status st = pl_registry_intent_remove(registry, id, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

typedef struct intents {
    pl_arena arena;
    struct {
        const char *id, *key; // in arena
    } * items;
    uint32_t count, capacity;
} intents;

static bool intent_collect(void *context, const char *id, const char *key, int64_t at_us)
{
    (void)at_us;
    intents *list = context;
    PL_GROW(list->items, list->count, list->capacity);
    list->items[list->count].id = pl_arena_cstr(&list->arena, pl_span_of(id));
    list->items[list->count].key = pl_arena_cstr(&list->arena, pl_span_of(key));
    list->count++;
    return true;
}

typedef struct intent_search {
    const char *id;
    bool found;
} intent_search;

static bool intent_find(void *context, const char *id, const char *key, int64_t at_us)
{
    (void)key, (void)at_us;
    intent_search *search = context;
    search->found = strcmp(id, search->id) == 0;
    return !search->found;
}

// The right to act on an intent is that it is still there: another recovery may have been faster.
// What is undone by a power loss is done again; a commit that acknowledges something syncs it, too.
static plumb_status intent_begin(pl_registry *registry, const char *id, bool *ret_ours,
                                 plumb_error *err)
{
    intent_search search = {.id = id};
    PL_TRY(pl_registry_begin_unsynced(registry, err));
    plumb_status st = pl_registry_intents(registry, intent_find, &search, err);
    *ret_ours = search.found;
    return st;
}

static plumb_status intent_end(pl_registry *registry, const char *id, plumb_status st,
                               plumb_error *err)
{
    if (st == PLUMB_OK) st = pl_registry_intent_remove(registry, id, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

// A whole object without a row: give it one, or remove it if its content was landed meanwhile.
static plumb_status finish(pl_store *store, pl_registry *registry, const char *id, const char *key,
                           const pl_raw_head *head, const pl_raw_info *info, int64_t now_us,
                           pl_ingest_recovery *recovery, plumb_error *err)
{
    pl_arena scratch = {0};
    const char *source = pl_arena_cstr(&scratch, head->source);
    const char *name = pl_arena_cstr(&scratch, head->name);
    pl_object_row row = pl_ingest__row(head, source, key, name, info, now_us);
    char winner[PL_ID_TEXT] = "";
    bool ours = false, lost = false;
    plumb_status st = intent_begin(registry, id, &ours, err);
    if (st == PLUMB_OK && ours) {
        st = pl_registry_object_add(registry, &row, head->again, winner, err);
        lost = st == PLUMB_E_CONFLICT && *winner;
        if (lost) st = strcmp(winner, id) == 0 ? PLUMB_OK : pl_store_delete(store, key, err);
    }
    st = intent_end(registry, id, st, err);
    if (st == PLUMB_OK && ours) (*(lost ? &recovery->removed : &recovery->finished))++;
    pl_arena_done(&scratch);
    return st;
}

// It was damaged before it was acknowledged: whoever sent it has not been told that it landed.
static plumb_status remove_damaged(pl_store *store, pl_registry *registry, const char *id,
                                   const char *key, pl_ingest_recovery *recovery, plumb_error *err)
{
    bool ours = false;
    plumb_status st = intent_begin(registry, id, &ours, err);
    if (st == PLUMB_OK && ours) st = pl_store_delete(store, key, err);
    st = intent_end(registry, id, st, err);
    if (st == PLUMB_OK && ours) recovery->removed++;
    return st;
}

static plumb_status resolve(pl_store *store, pl_registry *registry, const char *id, const char *key,
                            int64_t now_us, pl_ingest_recovery *recovery, plumb_error *err)
{
    char hidden[PL_ULID_TEXT + 8];
    pl_writer_state was, now;
    snprintf(hidden, sizeof hidden, ".tmp/%s", id);
    // Hidden name first: a living writer renames hidden to final, never back. After a crash the
    // file may have both names, then the final one counts.
    PL_TRY(pl_store_writer(store, hidden, &was, err));
    if (was == PL_WRITER_ALIVE) return PLUMB_OK;
    PL_TRY(pl_store_writer(store, key, &now, err));
    if (now == PL_WRITER_ALIVE) return PLUMB_OK;
    if (was == PL_WRITER_DEAD) PL_TRY(pl_store_delete(store, hidden, err));
    PL_TRY(pl_store_settle_way(store, key, err)); // it may have died before it did that
    if (now == PL_WRITER_NOTHING) {
        recovery->removed += was == PL_WRITER_DEAD;
        return intent_remove(registry, id, err);
    }
    pl_raw *raw = NULL;
    pl_raw_info info;
    plumb_status st = pl_raw_verify(store, key, &info, err);
    if (st == PLUMB_OK) st = pl_raw_open(store, key, &raw, err);
    if (st == PLUMB_E_NOT_FOUND) return intent_remove(registry, id, err); // removed meanwhile
    if (st == PLUMB_E_MALFORMED) return remove_damaged(store, registry, id, key, recovery, err);
    if (st == PLUMB_OK)
        st = finish(store, registry, id, key, pl_raw_head_of(raw), &info, now_us, recovery, err);
    else if (st != PLUMB_E_CANCELLED) // not readable now: for a later recovery
        st = PLUMB_OK;
    pl_raw_close(raw);
    return st;
}

plumb_status pl_ingest_recover(pl_store *store, pl_registry *registry, int64_t now_us,
                               pl_ingest_recovery *ret_recovery, plumb_error *err)
{
    intents list = {0};
    pl_ingest_recovery recovery = {0};
    plumb_status st = pl_registry_intents(registry, intent_collect, &list, err);
    for (uint32_t i = 0; i < list.count && st == PLUMB_OK; i++)
        st = resolve(store, registry, list.items[i].id, list.items[i].key, now_us, &recovery, err);
    uint32_t swept = 0;
    if (st == PLUMB_OK) st = pl_store_sweep(store, NULL, NULL, &swept, err);
    recovery.removed += swept;
    if (st == PLUMB_OK) *ret_recovery = recovery;
    pl_arena_done(&list.arena);
    free(list.items);
    return st;
}

plumb_status pl_ingest_adopt(pl_store *store, pl_registry *registry, const char *key,
                             plumb_error *err)
{
    pl_arena scratch = {0};
    pl_raw *raw = NULL;
    pl_raw_info info;
    PL_TRY(pl_raw_verify(store, key, &info, err));
    PL_TRY(pl_raw_open(store, key, &raw, err));
    const pl_raw_head *head = pl_raw_head_of(raw);
    pl_object_row row = pl_ingest__row(head, pl_arena_cstr(&scratch, head->source), key,
                                       pl_arena_cstr(&scratch, head->name), &info,
                                       pl_ulid_micros(pl_span_of(head->id)));
    plumb_status st = pl_registry_object_add(registry, &row, head->again, NULL, err);
    pl_raw_close(raw);
    pl_arena_done(&scratch);
    return st;
}
