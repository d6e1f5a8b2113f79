// SPDX-License-Identifier: Apache-2.0
#include "iceberg/expire.h"

#include <stdlib.h>

#include "base/map.h"
#include "iceberg/table_int.h"

// URIs, each once, in the table's arena.
typedef struct uris {
    pl_map map;
    pl_buf list; // pl_span
} uris;

typedef struct aging {
    const pl_ice_table *table;
    pl_ice_expiry *out;
    pl_arena *arena;
    int64_t *left_ms;             // per snapshot: when it stopped being the head
    bool *kept;                   // per snapshot
    bool *dropped;                // per ref
    uris lists, manifests, live;  // what kept snapshots lead to
    uris old_manifests, old_data; // and what only removed ones do
    plumb_error *err;
} aging;

// ---- which snapshots ---------------------------------------------------------------------------
static uint32_t index_of(const pl_ice_metadata *m, int64_t id)
{
    const pl_ice_snapshot *s = pl_ice_snapshot_by_id(m, id);
    return s ? (uint32_t)(s - m->snapshots) : UINT32_MAX;
}

static void find_left(aging *a)
{
    const pl_ice_metadata *m = a->table->metadata;
    for (uint32_t i = 0; i < m->snapshot_count; i++) a->left_ms[i] = m->snapshots[i].timestamp_ms;
    for (uint32_t i = 0; i < m->snapshot_log.count; i++) {
        uint32_t at = index_of(m, m->snapshot_log.items[i].id);
        bool last = i + 1 == m->snapshot_log.count;
        if (at != UINT32_MAX)
            a->left_ms[at] = last ? INT64_MAX : m->snapshot_log.items[i + 1].timestamp_ms;
    }
}

static bool young(const aging *a, uint32_t snapshot, int64_t max_ms)
{
    int64_t left = a->left_ms[snapshot];
    return left == INT64_MAX || a->out->now_ms - left < max_ms;
}

// The newest `least` snapshots of a line, and the young ones behind them.
static void keep_line(aging *a, int64_t head, int64_t least)
{
    const pl_ice_metadata *m = a->table->metadata;
    uint32_t steps = 0;
    for (uint32_t at = index_of(m, head); at != UINT32_MAX && steps < m->snapshot_count; steps++) {
        if ((int64_t)steps < least || young(a, at, a->out->older_than_ms)) a->kept[at] = true;
        at = index_of(m, m->snapshots[at].parent_id);
    }
}

static void keep_ref(aging *a, uint32_t i, int64_t least)
{
    const pl_ice_item *ref = &a->table->metadata->refs.items[i];
    uint32_t at = index_of(a->table->metadata, ref->id);
    pl_json *json;
    pl_span type = PL_SPAN("branch");
    int64_t age = INT64_MAX;
    if (pl_json_parse(ref->raw, a->arena, &json, NULL) == PLUMB_OK) {
        (void)pl_json_get_text(json, "type", &type);
        (void)pl_json_get_long(json, "max-ref-age-ms", &age);
        (void)pl_json_get_long(json, "min-snapshots-to-keep", &least);
    }
    if (at == UINT32_MAX) return;
    bool tag = pl_span_is(type, "tag");
    a->dropped[i] = tag && !young(a, at, age);
    if (a->dropped[i]) return;
    a->kept[at] = true;
    if (!tag) keep_line(a, ref->id, least);
}

static void choose(aging *a)
{
    const pl_ice_metadata *m = a->table->metadata;
    pl_ice_expiry *out = a->out;
    int64_t least = pl_iceberg__property(m, "history.expire.min-snapshots-to-keep", 1);
    find_left(a);
    keep_line(a, m->current_snapshot_id, least);
    for (uint32_t i = 0; i < m->refs.count; i++)
        if (!pl_span_is(m->refs.items[i].name, "main")) keep_ref(a, i, least);
    for (uint32_t i = 0; i < m->snapshot_count; i++) {
        a->kept[i] |= young(a, i, out->older_than_ms);
        if (!a->kept[i]) out->snapshots[out->snapshot_count++] = m->snapshots[i].id;
    }
    for (uint32_t i = 0; i < m->refs.count; i++)
        if (a->dropped[i]) out->tags[out->tag_count++] = m->refs.items[i].name;
}

// ---- which files -------------------------------------------------------------------------------
static bool has(const uris *all, pl_span uri)
{
    return pl_map_get(&all->map, uri) != PL_MAP_NONE;
}

static void note(aging *a, uris *all, pl_span uri)
{
    if (has(all, uri)) return;
    uri = pl_arena_copy(a->arena, uri);
    pl_map_add(&all->map, uri, 0);
    pl_buf_append(&all->list, &uri, sizeof uri);
}

static void uris_done(uris *all)
{
    pl_map_done(&all->map);
    pl_buf_done(&all->list);
}

static plumb_status visit_manifest(aging *a, const pl_ice_manifest *row, bool kept)
{
    pl_arena scratch = {0};
    pl_ice_entry *entries;
    uint32_t count;
    plumb_status st = pl_iceberg__entries(a->table, row, &scratch, &entries, &count, a->err);
    for (uint32_t i = 0; st == PLUMB_OK && i < count; i++) {
        pl_span path = entries[i].path;
        if (kept && entries[i].status != PL_ICE_DELETED) note(a, &a->live, path);
        if (kept || has(&a->live, path) || has(&a->old_data, path)) continue;
        note(a, &a->old_data, path);
        a->out->data_bytes += entries[i].metrics.bytes;
    }
    pl_arena_done(&scratch);
    return st;
}

// Every manifest of a snapshot that was not seen. Those that stay come first.
static plumb_status visit_snapshot(aging *a, const pl_ice_snapshot *s, bool kept)
{
    pl_arena scratch = {0};
    pl_ice_manifest *rows;
    uint32_t count;
    uris *seen = kept ? &a->manifests : &a->old_manifests;
    plumb_status st = pl_iceberg__list(a->table, s, &scratch, &rows, &count, a->err);
    for (uint32_t i = 0; st == PLUMB_OK && i < count; i++) {
        if (has(&a->manifests, rows[i].path) || has(seen, rows[i].path)) continue;
        note(a, seen, rows[i].path);
        st = visit_manifest(a, &rows[i], kept);
    }
    pl_arena_done(&scratch);
    return st;
}

static bool ours(const aging *a, pl_span uri)
{
    pl_arena scratch = {0};
    const char *key = pl_store_key(a->table->store, pl_arena_cstr(&scratch, uri));
    size_t bytes = strlen(a->table->key);
    bool inside = key && strncmp(key, a->table->key, bytes) == 0 && key[bytes] == '/';
    pl_arena_done(&scratch);
    return inside;
}

static void take(aging *a, pl_buf *files, const pl_span *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].bytes && ours(a, list[i])) pl_buf_append(files, &list[i], sizeof *list);
}

static void take_all(aging *a, pl_buf *files, const uris *all)
{
    take(a, files, (const pl_span *)(const void *)all->list.data,
         all->list.count / sizeof(pl_span));
}

static plumb_status find_files(aging *a)
{
    const pl_ice_metadata *m = a->table->metadata;
    pl_ice_expiry *out = a->out;
    pl_buf files = {0};
    for (uint32_t i = 0; i < m->snapshot_count; i++) {
        if (!a->kept[i]) continue;
        note(a, &a->lists, m->snapshots[i].manifest_list);
        PL_TRY(visit_snapshot(a, &m->snapshots[i], true));
    }
    for (uint32_t i = 0; i < m->snapshot_count; i++)
        if (!a->kept[i]) PL_TRY(visit_snapshot(a, &m->snapshots[i], false));
    take_all(a, &files, &a->old_data);
    out->data_count = (uint32_t)(files.count / sizeof(pl_span));
    take_all(a, &files, &a->old_manifests);
    for (uint32_t i = 0; i < m->snapshot_count; i++)
        if (!a->kept[i] && !has(&a->lists, m->snapshots[i].manifest_list))
            take(a, &files, &m->snapshots[i].manifest_list, 1);
    out->file_count = (uint32_t)(files.count / sizeof(pl_span));
    out->files = PL_TAKE(a->arena, pl_span, out->file_count);
    if (files.count) memcpy(out->files, files.data, files.count);
    pl_buf_done(&files);
    return PLUMB_OK;
}

plumb_status pl_ice_expire_look(const pl_ice_table *table, pl_ice_expiry *expiry, plumb_error *err)
{
    const pl_ice_metadata *m = table->metadata;
    pl_span enabled;
    aging a = {.table = table, .out = expiry, .arena = table->arena, .err = err};
    if (pl_ice_pair_find(m->properties, m->property_count, "gc.enabled", &enabled) &&
        pl_span_is(enabled, "false")) {
        pl_fail(err, PLUMB_E_FAILED,
                "cannot expire snapshots of table '%s': its property gc.enabled is false",
                table->name);
        return PLUMB_E_FAILED;
    }
    if (!table->key)
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot expire snapshots of table '%s': its location '%.*s' is outside the "
                       "lake",
                       table->name, PL_FMT(m->location));
    a.left_ms = PL_TAKE(a.arena, int64_t, m->snapshot_count);
    a.kept = PL_TAKE(a.arena, bool, m->snapshot_count);
    a.dropped = PL_TAKE(a.arena, bool, m->refs.count);
    expiry->snapshots = PL_TAKE(a.arena, int64_t, m->snapshot_count);
    expiry->tags = PL_TAKE(a.arena, pl_span, m->refs.count);
    choose(&a);
    plumb_status st = expiry->snapshot_count ? find_files(&a) : PLUMB_OK;
    uris *const all[] = {&a.lists, &a.manifests, &a.live, &a.old_manifests, &a.old_data};
    for (size_t i = 0; i < PL_COUNT(all); i++) uris_done(all[i]);
    return st;
}

// ---- the metadata without them -----------------------------------------------------------------
static bool is_gone(const pl_ice_expiry *expiry, int64_t id)
{
    for (uint32_t i = 0; i < expiry->snapshot_count; i++)
        if (expiry->snapshots[i] == id) return true;
    return false;
}

static bool is_dropped(const pl_ice_expiry *expiry, pl_span tag)
{
    for (uint32_t i = 0; i < expiry->tag_count; i++)
        if (pl_span_equal(expiry->tags[i], tag)) return true;
    return false;
}

// Items that stay, in a new list; refs by name, statistics by their snapshot.
static pl_ice_items without(pl_arena *arena, const pl_ice_items *items, const pl_ice_expiry *expiry,
                            bool refs)
{
    pl_ice_items out = {PL_TAKE(arena, pl_ice_item, items->count), 0};
    for (uint32_t i = 0; i < items->count; i++) {
        const pl_ice_item *item = &items->items[i];
        int64_t id = item->id;
        pl_json *json;
        if (!refs && pl_json_parse(item->raw, arena, &json, NULL) == PLUMB_OK)
            (void)pl_json_get_long(json, "snapshot-id", &id);
        if (refs ? is_dropped(expiry, item->name) : is_gone(expiry, id)) continue;
        out.items[out.count++] = *item;
    }
    return out;
}

plumb_status pl_ice_expire(const pl_ice_table *table, const pl_ice_expiry *expiry,
                           pl_ice_commit *commit, char **ret_location, plumb_error *err)
{
    pl_arena *arena = table->arena;
    pl_ice_metadata m = *table->metadata;
    pl_ice_table next = *table;
    next.metadata = &m;
    pl_ice_snapshot *kept = PL_TAKE(arena, pl_ice_snapshot, m.snapshot_count);
    uint32_t count = 0, first = 0;
    for (uint32_t i = 0; i < m.snapshot_count; i++)
        if (!is_gone(expiry, m.snapshots[i].id)) kept[count++] = m.snapshots[i];
    m.snapshots = kept;
    m.snapshot_count = count;
    // What was current then cannot be told across an entry that is gone.
    for (uint32_t i = 0; i < m.snapshot_log.count; i++)
        if (is_gone(expiry, m.snapshot_log.items[i].id)) first = i + 1;
    m.snapshot_log = (pl_ice_items){m.snapshot_log.items + first, m.snapshot_log.count - first};
    m.refs = without(arena, &m.refs, expiry, true);
    m.statistics = without(arena, &m.statistics, expiry, false);
    m.partition_statistics = without(arena, &m.partition_statistics, expiry, false);
    return pl_iceberg__commit_metadata(&next, commit, ret_location, err);
}

// ---- all names ---------------------------------------------------------------------------------
static pl_span name_of(pl_span uri)
{
    size_t at = uri.bytes;
    while (at && uri.data[at - 1] != '/') at--;
    return (pl_span){uri.data + at, uri.bytes - at};
}

static void add_name(pl_map *names, pl_span uri, pl_arena *arena)
{
    pl_span name = name_of(uri);
    if (name.bytes && pl_map_get(names, name) == PL_MAP_NONE)
        pl_map_add(names, pl_arena_copy(arena, name), 0);
}

static void name_items(pl_map *names, const pl_ice_items *items, const char *key, pl_arena *arena)
{
    for (uint32_t i = 0; i < items->count; i++) {
        pl_json *json;
        pl_span uri;
        if (pl_json_parse(items->items[i].raw, arena, &json, NULL) == PLUMB_OK &&
            pl_json_get_text(json, key, &uri))
            add_name(names, uri, arena);
    }
}

static plumb_status name_entries(const pl_ice_table *table, const pl_ice_manifest *row,
                                 pl_map *names, pl_arena *arena, plumb_error *err)
{
    pl_arena scratch = {0};
    pl_ice_entry *entries;
    uint32_t count;
    plumb_status st = pl_iceberg__entries(table, row, &scratch, &entries, &count, err);
    for (uint32_t i = 0; st == PLUMB_OK && i < count; i++)
        if (entries[i].status != PL_ICE_DELETED) add_name(names, entries[i].path, arena);
    pl_arena_done(&scratch);
    return st;
}

plumb_status pl_ice_names(const pl_ice_table *table, pl_arena *arena, pl_map *ret_names,
                          plumb_error *err)
{
    const pl_ice_metadata *m = table->metadata;
    plumb_status st = PLUMB_OK;
    add_name(ret_names, pl_span_of(table->metadata_location), arena);
    name_items(ret_names, &m->metadata_log, "metadata-file", arena);
    name_items(ret_names, &m->statistics, "statistics-path", arena);
    name_items(ret_names, &m->partition_statistics, "statistics-path", arena);
    for (uint32_t i = 0; i < m->snapshot_count && st == PLUMB_OK; i++) {
        pl_arena scratch = {0};
        pl_ice_manifest *rows;
        uint32_t count;
        add_name(ret_names, m->snapshots[i].manifest_list, arena);
        st = pl_iceberg__list(table, &m->snapshots[i], &scratch, &rows, &count, err);
        for (uint32_t k = 0; st == PLUMB_OK && k < count; k++) {
            if (pl_map_get(ret_names, name_of(rows[k].path)) != PL_MAP_NONE) continue;
            add_name(ret_names, rows[k].path, arena);
            st = name_entries(table, &rows[k], ret_names, arena, err);
        }
        pl_arena_done(&scratch);
    }
    return st;
}
