// SPDX-License-Identifier: Apache-2.0
#include "flow/follow.h"

#include <stdlib.h>

// ---- ancestors ---------------------------------------------------------------------------------
typedef struct link {
    int64_t id, parent;
} link;

static int by_id(const void *a, const void *b) // parents and bare ids, which come first in both
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static link *parents_of(const pl_ice_metadata *m, pl_arena *arena)
{
    link *all = PL_TAKE(arena, link, m->snapshot_count);
    for (uint32_t i = 0; i < m->snapshot_count; i++) {
        int64_t of = m->snapshots[i].parent_id;
        all[i] = (link){m->snapshots[i].id, of == PL_ICE_NO_SNAPSHOT ? 0 : of};
    }
    if (m->snapshot_count) qsort(all, m->snapshot_count, sizeof *all, by_id);
    return all;
}

plumb_status pl_ancestry_of(pl_registry *registry, const char *table, const pl_ice_metadata *m,
                            int64_t snapshot, pl_arena *arena, pl_ancestry *ret_ancestry,
                            plumb_error *err)
{
    pl_ancestry *out = ret_ancestry;
    const link *there = parents_of(m, arena);
    pl_buf ids = {0};
    plumb_status st = PLUMB_OK;
    *out = (pl_ancestry){0};
    for (int64_t at = snapshot == PL_ICE_NO_SNAPSHOT ? 0 : snapshot, next; at; at = next) {
        const link *known =
            m->snapshot_count ? bsearch(&at, there, m->snapshot_count, sizeof *there, by_id) : NULL;
        bool found = known != NULL;
        pl_buf_append(&ids, &at, sizeof at);
        next = known ? known->parent : 0;
        if (!known) st = pl_registry_parent(registry, table, at, &next, &found, err);
        if (st != PLUMB_OK || !found) break;
        out->whole = !next;
        // No snapshot is its own ancestor, whatever damaged metadata says.
        if (ids.count / sizeof at > (size_t)m->snapshot_count + UINT16_MAX * 16u) break;
    }
    out->count = (uint32_t)(ids.count / sizeof *out->ids);
    out->ids = PL_TAKE(arena, int64_t, out->count);
    out->sorted = PL_TAKE(arena, int64_t, out->count);
    if (out->count) {
        memcpy(out->ids, ids.data, ids.count);
        memcpy(out->sorted, ids.data, ids.count);
        qsort(out->sorted, out->count, sizeof *out->sorted, by_id);
    }
    pl_buf_done(&ids);
    if (!out->count) out->whole = true;
    return st;
}

bool pl_ancestry_has(const pl_ancestry *a, int64_t snapshot)
{
    return a->count && bsearch(&snapshot, a->sorted, a->count, sizeof *a->sorted, by_id);
}

// ---- one table ---------------------------------------------------------------------------------
typedef struct following {
    pl_registry *registry;
    const char *table;
    const pl_ice_metadata *metadata;
    pl_arena arena;
    pl_ancestry now;
    pl_buf changed; // int64_t: snapshots that came or went
    bool all;
} following;

// Does a publication of this snapshot count?
static bool counts(void *context, int64_t snapshot)
{
    const following *f = context;
    return pl_ancestry_has(&f->now, snapshot) ||
           (!f->now.whole && !pl_ice_snapshot_by_id(f->metadata, snapshot));
}

static bool published(void *context, int64_t snapshot)
{
    following *f = context;
    if (f->all || !counts(f, snapshot)) pl_buf_append(&f->changed, &snapshot, sizeof snapshot);
    return true;
}

// From the head before to the common ancestor, and from there to the head now.
static plumb_status find_changed(following *f, int64_t before, plumb_error *err)
{
    pl_ancestry old;
    PL_TRY(pl_ancestry_of(f->registry, f->table, f->metadata, before, &f->arena, &old, err));
    for (uint32_t i = 0; i < old.count && !pl_ancestry_has(&f->now, old.ids[i]); i++)
        pl_buf_append(&f->changed, &old.ids[i], sizeof *old.ids);
    for (uint32_t i = 0; i < f->now.count && !pl_ancestry_has(&old, f->now.ids[i]); i++)
        pl_buf_append(&f->changed, &f->now.ids[i], sizeof *f->now.ids);
    return PLUMB_OK;
}

// Snapshots of other programs may be expired by them before we look again.
static plumb_status keep_parents(following *f, int64_t before, plumb_error *err)
{
    for (uint32_t i = 0; i < f->now.count && f->now.ids[i] != before; i++) {
        bool known;
        int64_t parent;
        const pl_ice_snapshot *s = pl_ice_snapshot_by_id(f->metadata, f->now.ids[i]);
        if (!s) break; // known from here on
        PL_TRY(pl_registry_parent(f->registry, f->table, s->id, &parent, &known, err));
        if (known) continue;
        parent = s->parent_id == PL_ICE_NO_SNAPSHOT ? 0 : s->parent_id;
        PL_TRY(pl_registry_parent_add(f->registry, f->table, s->id, parent, err));
    }
    return PLUMB_OK;
}

static plumb_status follow(following *f, const char *location, pl_followed *out, plumb_error *err)
{
    pl_head_row head, now = {.metadata_location = location};
    bool found;
    int64_t current = f->metadata->current_snapshot_id;
    now.snapshot = current == PL_ICE_NO_SNAPSHOT ? 0 : current;
    PL_TRY(pl_registry_head(f->registry, f->table, &f->arena, &head, &found, err));
    if (found && !f->all && strcmp(head.metadata_location, location) == 0) return PLUMB_OK;
    if (!found || f->all || head.snapshot != now.snapshot) {
        PL_TRY(pl_ancestry_of(f->registry, f->table, f->metadata, now.snapshot, &f->arena, &f->now,
                              err));
        PL_TRY(found && !f->all ? find_changed(f, head.snapshot, err)
                                : pl_registry_published(f->registry, f->table, published, f, err));
        PL_TRY(pl_registry_follow(f->registry, f->table, (const int64_t *)(void *)f->changed.data,
                                  (uint32_t)(f->changed.count / sizeof(int64_t)), counts, f, out,
                                  err));
        PL_TRY(keep_parents(f, found ? head.snapshot : 0, err));
    }
    return pl_registry_head_set(f->registry, f->table, &now, err);
}

plumb_status pl_follow_table(pl_registry *registry, const char *table,
                             const pl_ice_metadata *metadata, const char *location, bool all,
                             pl_followed *ret_followed, plumb_error *err)
{
    following f = {.registry = registry, .table = table, .metadata = metadata, .all = all};
    *ret_followed = (pl_followed){0};
    plumb_status st = follow(&f, location, ret_followed, err);
    pl_buf_done(&f.changed);
    pl_arena_done(&f.arena);
    return st;
}

plumb_status pl_follow_foreign(pl_registry *registry, const char *table,
                               const pl_ice_metadata *metadata, const char *location,
                               int64_t now_us, plumb_error *err)
{
    pl_followed done;
    PL_TRY(pl_follow_table(registry, table, metadata, location, false, &done, err));
    if (!done.withdrawn && !done.returned && !done.moved) return PLUMB_OK;
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "to"), pl_json_int(&w, metadata->current_snapshot_id);
    pl_json_key(&w, "withdrawn"), pl_json_int(&w, done.withdrawn);
    pl_json_key(&w, "returned"), pl_json_int(&w, done.returned);
    pl_json_key(&w, "moved"), pl_json_int(&w, done.moved);
    pl_json_end(&w, '}');
    pl_event_row event = {.at_us = now_us,
                          .kind = "follow",
                          .who = "another program",
                          .table = table,
                          .text = pl_buf_cstr(&text)};
    plumb_status st = pl_registry_event_add(registry, &event, err);
    pl_buf_done(&text);
    return st;
}

// ---- the catalog -------------------------------------------------------------------------------
typedef struct moved_list {
    pl_registry *registry;
    pl_arena arena;
    pl_buf tables; // owned; pl_table_row
    plumb_status status;
    plumb_error *err;
} moved_list;

static bool find_moved(void *context, const pl_table_row *row)
{
    moved_list *list = context;
    pl_head_row head;
    bool found;
    list->status =
        pl_registry_head(list->registry, row->name, &list->arena, &head, &found, list->err);
    if (list->status != PLUMB_OK) return false;
    if (found && strcmp(head.metadata_location, row->metadata_location) == 0) return true;
    pl_table_row copy = *row;
    copy.name = pl_arena_cstr(&list->arena, pl_span_of(row->name));
    copy.metadata_location = pl_arena_cstr(&list->arena, pl_span_of(row->metadata_location));
    pl_buf_append(&list->tables, &copy, sizeof copy);
    return true;
}

static plumb_status follow_head(pl_store *store, moved_list *list, const pl_table_row *row,
                                int64_t now_us, plumb_error *err)
{
    pl_ice_table *table;
    plumb_error ignored;
    // A table of others may be anything; of ours, who publishes into it says what is wrong.
    if (pl_ice_load(store, row->metadata_location, &list->arena, &table, &ignored) != PLUMB_OK)
        return PLUMB_OK;
    PL_TRY(pl_registry_begin(list->registry, err));
    plumb_status st = pl_follow_foreign(list->registry, row->name, table->metadata,
                                        row->metadata_location, now_us, err);
    if (st == PLUMB_OK) return pl_registry_commit(list->registry, err);
    pl_registry_rollback(list->registry);
    return st;
}

plumb_status pl_follow_catalog(pl_store *store, pl_registry *registry, int64_t now_us,
                               plumb_error *err)
{
    moved_list list = {.registry = registry, .err = err};
    plumb_status st = pl_registry_tables(registry, find_moved, &list, err);
    if (st == PLUMB_OK) st = list.status;
    for (size_t at = 0; at < list.tables.count && st == PLUMB_OK; at += sizeof(pl_table_row)) {
        pl_table_row row;
        memcpy(&row, list.tables.data + at, sizeof row);
        st = follow_head(store, &list, &row, now_us, err);
    }
    pl_buf_done(&list.tables);
    pl_arena_done(&list.arena);
    return st;
}
