// SPDX-License-Identifier: Apache-2.0
#include "flow/orphans.h"

#include "base/ulid.h"
#include "iceberg/expire.h"
#include "registry/lineage.h"

typedef struct search {
    pl_store *store;
    pl_arena *arena;
    pl_map names, working; // of files that stay; of runs
    int64_t before_us;
    pl_buf uris; // char *
    uint64_t bytes;
    plumb_status status;
    plumb_error *err;
} search;

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_doomed(void *context, const char *path, int64_t since_us)
{
    search *s = context;
    (void)since_us;
    pl_map_add(&s->names, pl_arena_copy(s->arena, pl_span_of(name_in(path))), 0);
    return true;
}

static bool is_working(void *context, const pl_run_row *row)
{
    search *s = context;
    pl_map_add(&s->working, pl_arena_copy(s->arena, pl_span_of(row->id)), 0);
    return true;
}

static bool ends_with(pl_span text, const char *end)
{
    size_t bytes = strlen(end);
    return text.bytes > bytes && memcmp(text.data + text.bytes - bytes, end, bytes) == 0;
}

static bool is_table_file(const char *path, pl_span name)
{
    static const char *const data[] = {".parquet", ".avro", ".orc", ".puffin"};
    static const char *const metadata[] = {".metadata.json", ".avro", ".stats", ".puffin"};
    for (size_t i = 0; i < PL_COUNT(data); i++)
        if (strncmp(path, "data/", 5) == 0 && ends_with(name, data[i])) return true;
    for (size_t i = 0; i < PL_COUNT(metadata); i++)
        if (strncmp(path, "metadata/", 9) == 0 && ends_with(name, metadata[i])) return true;
    return false;
}

typedef struct listing {
    search *s;
    size_t folder; // length of "tables/posts/"
} listing;

static bool look_at(void *context, const char *key, uint64_t bytes)
{
    listing *l = context;
    search *s = l->s;
    pl_span name = pl_span_of(name_in(key)), run = {name.data, PL_ULID_TEXT - 1};
    int64_t written_us;
    if (!is_table_file(key + l->folder, name) || pl_map_get(&s->names, name) != PL_MAP_NONE ||
        (name.bytes > run.bytes && pl_map_get(&s->working, run) != PL_MAP_NONE))
        return true;
    s->status = pl_store_written(s->store, key, &written_us, s->err);
    if (s->status != PLUMB_OK || written_us >= s->before_us) return s->status == PLUMB_OK;
    char *uri = pl_store_uri(s->store, key, s->arena);
    pl_buf_append(&s->uris, &uri, sizeof uri);
    s->bytes += bytes;
    return true;
}

static plumb_status find(search *s, const pl_ice_table *table, const char *name,
                         pl_registry *registry, plumb_error *err)
{
    listing l = {s, strlen(table->key) + 1};
    PL_TRY(pl_ice_names(table, s->arena, &s->names, err));
    PL_TRY(pl_registry_doomed(registry, name, is_doomed, s, err));
    PL_TRY(pl_registry_runs(registry, "working", 0, is_working, s, err));
    PL_TRY(pl_store_list(s->store, table->key, look_at, &l, err));
    return s->status;
}

plumb_status pl_orphans_find(const pl_ice_table *table, const char *name, pl_registry *registry,
                             int64_t before_us, pl_arena *arena, pl_orphans *ret_orphans,
                             plumb_error *err)
{
    search s = {.store = table->store, .arena = arena, .before_us = before_us, .err = err};
    *ret_orphans = (pl_orphans){0};
    plumb_status st = table->key ? find(&s, table, name, registry, err) : PLUMB_OK;
    ret_orphans->count = (uint32_t)(s.uris.count / sizeof *ret_orphans->uris);
    ret_orphans->uris = PL_TAKE(arena, char *, ret_orphans->count);
    if (s.uris.count) memcpy(ret_orphans->uris, s.uris.data, s.uris.count);
    ret_orphans->bytes = s.bytes;
    pl_buf_done(&s.uris);
    pl_map_done(&s.names);
    pl_map_done(&s.working);
    return st;
}
