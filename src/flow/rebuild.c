// rebuild.c -- plumb.db again, from what the lake holds.
//
//     log entries, oldest first    runs, ledger, states, files, the objects in them
//     raw zone                     objects no entry knows: they are new
//     tables                       the head is the newest that log or version-hint.text names
//
//     expired files                those that are there still; the others were deleted since
//
// Metadata written and not committed is named by neither, so it is not taken.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "flow/doc.h"
#include "flow/follow.h"
#include "flow/ingest.h"
#include "flow/log.h"
#include "iceberg/relocate.h"

typedef struct table_head {
    char *table, *file; // "00012-<uuid>.metadata.json"
} table_head;

typedef struct rebuilding {
    pl_store *store;
    pl_registry *registry;
    pl_arena *arena; // of what stays
    pl_arena entry;  // of the log entry that is read
    pl_rebuilt *out;
    plumb_error *err;
    plumb_status status; // of a visit
    char **logs;
    uint32_t log_count, log_capacity;
    table_head *heads;
    uint32_t head_count, head_capacity;
    const char **places; // prefixes the entries name files by
    uint32_t place_count, place_capacity;
    pl_map known, runs;
} rebuilding;

// ---- log ---------------------------------------------------------------------------------------
static bool collect_log(void *context, const char *key, uint64_t bytes)
{
    rebuilding *r = context;
    (void)bytes;
    if (strncmp(key, "log/texts/", 10) == 0) return true;
    PL_GROW(r->logs, r->log_count, r->log_capacity);
    r->logs[r->log_count++] = pl_arena_cstr(r->arena, pl_span_of(key));
    return true;
}

static plumb_status get_text(void *context, pl_span name, pl_span *ret_text, plumb_error *err)
{
    rebuilding *r = context;
    bool whole = memchr(name.data, '.', name.bytes) != NULL;
    char *key = pl_arena_printf(&r->entry, "log/texts/%.*s%s", PL_FMT(name), whole ? "" : ".yml");
    return pl_store_get(r->store, key, PL_DOC_BYTES_MAX, &r->entry, ret_text, err);
}

// Names begin with the number of the version: the later one is the greater.
static void take_head(rebuilding *r, pl_span table, const char *file)
{
    table_head *at = NULL;
    for (uint32_t i = 0; i < r->head_count && !at; i++)
        if (pl_span_is(table, r->heads[i].table)) at = &r->heads[i];
    if (at && strtol(at->file, NULL, 10) >= strtol(file, NULL, 10)) return;
    if (!at) {
        PL_GROW(r->heads, r->head_count, r->head_capacity);
        at = &r->heads[r->head_count++];
        at->table = pl_arena_cstr(r->arena, table);
    }
    at->file = pl_arena_cstr(r->arena, pl_span_of(file));
}

// Entries written before the lake was moved name its files at the place it had then.
static void take_place(rebuilding *r, pl_span table, const char *location)
{
    char *key = pl_arena_printf(r->arena, "tables/%.*s", PL_FMT(table));
    const char *place = pl_ice_prefix(location, key, r->arena);
    for (uint32_t i = 0; i < r->place_count && place; i++)
        if (strcmp(r->places[i], place) == 0) return;
    if (!place) return;
    PL_GROW(r->places, r->place_count, r->place_capacity);
    r->places[r->place_count++] = place;
}

static plumb_status read_heads(rebuilding *r, const pl_doc *doc, const pl_json *root)
{
    const pl_json *item;
    uint32_t count;
    PL_TRY(pl_doc_array(doc, root, "heads", &item, &count));
    for (; item; item = item->next) {
        pl_span table;
        char *location;
        PL_TRY(pl_doc_text(doc, item, "table_name", &table));
        PL_TRY(pl_doc_cstr(doc, item, "metadata_location", false, &location));
        const char *slash = strrchr(location, '/');
        take_place(r, table, location);
        take_head(r, table, slash ? slash + 1 : location);
    }
    return PLUMB_OK;
}

static plumb_status read_log(rebuilding *r, const char *key)
{
    pl_span text, run;
    const pl_json *root, *item;
    uint32_t count;
    PL_TRY(pl_store_get(r->store, key, PL_DOC_BYTES_MAX, &r->entry, &text, r->err));
    pl_doc doc = {"log entry", key, text, &r->entry, r->err};
    PL_TRY(pl_doc_parse(&doc, "log", &root));
    PL_TRY(pl_doc_text(&doc, root, "run", &run));
    plumb_status st = pl_registry_restore(r->registry, root, get_text, r, r->err);
    if (st != PLUMB_OK) pl_context(r->err, "cannot read log entry '%s'", key);
    PL_TRY(st);
    pl_map_add(&r->runs, pl_arena_copy(r->arena, run), 0);
    PL_TRY(pl_doc_array(&doc, root, "objects", &item, &count));
    for (; item; item = item->next) {
        PL_TRY(pl_doc_text(&doc, item, "key", &text));
        pl_map_add(&r->known, pl_arena_copy(r->arena, text), 0);
    }
    r->out->runs++;
    return read_heads(r, &doc, root);
}

// ---- raw ---------------------------------------------------------------------------------------
static bool adopt(void *context, const char *key, uint64_t bytes)
{
    rebuilding *r = context;
    (void)bytes;
    r->out->objects++;
    if (pl_map_get(&r->known, pl_span_of(key)) != PL_MAP_NONE) return true;
    plumb_status st = pl_ingest_adopt(r->store, r->registry, key, r->err);
    if (st == PLUMB_OK) {
        r->out->fresh++;
    } else if (st == PLUMB_E_CONFLICT) {
        r->out->repeated++;
    } else if (st == PLUMB_E_MALFORMED) {
        if (!r->out->first_unreadable)
            r->out->first_unreadable = pl_arena_cstr(r->arena, pl_span_of(key));
        r->out->unreadable++;
    } else {
        r->status = st;
    }
    return r->status == PLUMB_OK;
}

// ---- tables ------------------------------------------------------------------------------------
static bool read_hint(void *context, const char *key, uint64_t bytes)
{
    rebuilding *r = context;
    static const char suffix[] = "/metadata/version-hint.text";
    size_t length = strlen(key), end = sizeof suffix - 1, begin = strlen("tables/");
    pl_span hint;
    (void)bytes;
    if (length <= begin + end || strcmp(key + length - end, suffix) != 0) return true;
    pl_span table = {key + begin, length - begin - end};
    if (memchr(table.data, '/', table.bytes)) return true;
    r->status = pl_store_get(r->store, key, 4096, r->arena, &hint, r->err);
    hint = pl_span_trim(hint);
    if (r->status == PLUMB_OK)
        take_head(r, table, pl_arena_printf(r->arena, "%.*s.metadata.json", PL_FMT(hint)));
    return r->status == PLUMB_OK;
}

// The catalog and the books name the place that the table's own metadata names: if that is not this
// one, the lake was moved, and is to be relocated.
static plumb_status register_head(rebuilding *r, const table_head *head, const pl_ice_metadata *m)
{
    char *key = pl_arena_printf(r->arena, "tables/%s", head->table);
    char *file = pl_arena_printf(r->arena, "%s/metadata/%s", key, head->file);
    char *uri = pl_arena_printf(r->arena, "%.*s/metadata/%s", PL_FMT(m->location), head->file);
    const char *place = pl_ice_prefix(uri, key, r->arena);
    pl_catalog catalog = pl_registry_catalog(r->registry);
    pl_followed followed;
    if (!place) uri = pl_store_uri(r->store, file, r->arena);
    for (uint32_t i = 0; i < r->place_count && place; i++)
        if (strcmp(r->places[i], place) != 0)
            PL_TRY(pl_registry_relocate(r->registry, r->places[i], place, r->err));
    PL_TRY(catalog.swap(catalog.self, head->table, NULL, uri, r->err));
    // The log says what was published when it was; the head says what of it counts.
    return pl_follow_table(r->registry, head->table, m, uri, true, &followed, r->err);
}

typedef struct doomed_list {
    rebuilding *r;
    pl_buf gone; // char *
} doomed_list;

static bool find_gone(void *context, const char *path, int64_t since_us)
{
    doomed_list *list = context;
    rebuilding *r = list->r;
    const char *key = pl_store_key(r->store, path);
    uint64_t bytes;
    plumb_error ignored;
    (void)since_us;
    if (key && pl_store_size(r->store, key, &bytes, &ignored) == PLUMB_E_NOT_FOUND) {
        char *copy = pl_arena_cstr(r->arena, pl_span_of(path));
        pl_buf_append(&list->gone, &copy, sizeof copy);
    }
    return true;
}

static plumb_status forget_deleted(rebuilding *r, const char *table)
{
    doomed_list list = {.r = r};
    plumb_status st = pl_registry_doomed(r->registry, table, find_gone, &list, r->err);
    char *const *paths = (char *const *)(void *)list.gone.data;
    for (size_t i = 0; i < list.gone.count / sizeof *paths && st == PLUMB_OK; i++)
        st = pl_registry_file_deleted(r->registry, table, paths[i], r->err);
    pl_buf_done(&list.gone);
    return st;
}

static plumb_status restore_table(rebuilding *r, const table_head *head)
{
    pl_span run;
    pl_ice_table *table;
    char *key = pl_arena_printf(r->arena, "tables/%s/metadata/%s", head->table, head->file);
    char *uri = pl_store_uri(r->store, key, r->arena);
    PL_TRY(pl_ice_load(r->store, uri, r->arena, &table, r->err));
    const pl_ice_metadata *m = table->metadata;
    for (uint32_t i = 0; i < m->snapshot_count; i++) {
        const pl_ice_snapshot *snapshot = &m->snapshots[i];
        if (!pl_ice_pair_find(snapshot->summary, snapshot->summary_count, "plumb.run", &run) ||
            pl_map_get(&r->runs, run) != PL_MAP_NONE)
            continue;
        pl_fail(r->err, PLUMB_E_MALFORMED,
                "cannot rebuild: snapshot %lld of table '%s' was made by run %.*s, which log/ does "
                "not know",
                (long long)snapshot->id, head->table, PL_FMT(run));
        pl_hint(r->err, "Put back the missing files of log/, or a copy of plumb.db made with "
                        "'plumb doctor --backup'.");
        return PLUMB_E_MALFORMED;
    }
    r->out->tables++;
    PL_TRY(register_head(r, head, m));
    return forget_deleted(r, head->table);
}

static plumb_status restore_all(rebuilding *r)
{
    PL_TRY(pl_store_list(r->store, "log", collect_log, r, r->err));
    for (uint32_t i = 0; i < r->log_count; i++) {
        PL_TRY(read_log(r, r->logs[i]));
        pl_arena_reset(&r->entry);
    }
    pl_arena_done(&r->entry);
    PL_TRY(pl_store_list(r->store, "raw", adopt, r, r->err));
    PL_TRY(r->status);
    PL_TRY(pl_store_list(r->store, "tables", read_hint, r, r->err));
    PL_TRY(r->status);
    for (uint32_t i = 0; i < r->head_count; i++) PL_TRY(restore_table(r, &r->heads[i]));
    return PLUMB_OK;
}

plumb_status pl_rebuild(pl_store *store, pl_registry *registry, pl_arena *arena,
                        pl_rebuilt *ret_rebuilt, plumb_error *err)
{
    plumb_error local;
    if (!err) err = &local;
    *ret_rebuilt = (pl_rebuilt){0};
    rebuilding r = {
        .store = store, .registry = registry, .arena = arena, .out = ret_rebuilt, .err = err};
    PL_TRY(pl_registry_begin_unsynced(registry, err)); // nobody's before it is copied
    plumb_status st = restore_all(&r);
    if (st == PLUMB_OK)
        st = pl_registry_commit(registry, err);
    else
        pl_registry_rollback(registry);
    free(r.logs);
    free(r.heads);
    free(r.places);
    pl_arena_done(&r.entry);
    pl_map_done(&r.known);
    pl_map_done(&r.runs);
    return st;
}
