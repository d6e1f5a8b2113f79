// SPDX-License-Identifier: Apache-2.0
#include "flow/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "codec/sha256.h"
#include "codec/xxh64.h"
#include "flow/doc.h"
#include "registry/drift.h"

#define REPAIR_RUNS 16 // a crash leaves out one; more only when the disk was full for long

// "log/20261122T030405Z-<run>.json"
static char *log_key(pl_arena *arena, const char *run, int64_t finished_us)
{
    char iso[40], *out = iso;
    pl_time_text(finished_us, iso);
    for (const char *p = iso; *p && *p != '.' && *p != 'Z' && *p != '+'; p++)
        if (*p != '-' && *p != ':') *out++ = *p == ' ' ? 'T' : *p;
    *out = '\0';
    return pl_arena_printf(arena, "log/%sZ-%s.json", iso, run);
}

typedef struct texts {
    pl_store *store;
    const char *run;
    bool shapes;                           // of them: a version began
    char last[PL_REGISTRY_TEXT_NAME + 32]; // the key of one of them, all in one directory
} texts;

// Not by content: so the registry can tell which of them it still has.
static void name_shape(const char *run, pl_span shape, char ret_name[PL_REGISTRY_TEXT_NAME])
{
    snprintf(ret_name, PL_REGISTRY_TEXT_NAME, "%s-%016llx.zst", run,
             (unsigned long long)pl_xxh64(shape));
}

static plumb_status put_text(void *context, pl_span text, const char *shape,
                             char ret_name[PL_REGISTRY_TEXT_NAME], plumb_error *err)
{
    texts *all = context;
    uint64_t bytes;
    if (shape) {
        name_shape(all->run, pl_span_of(shape), ret_name);
        all->shapes = true;
    } else {
        pl_sha256 *sha = pl_sha256_new();
        pl_sha256_add(sha, text);
        pl_sha256_hex(sha, ret_name);
        pl_sha256_free(sha);
    }
    snprintf(all->last, sizeof all->last, "log/texts/%s%s", ret_name, shape ? "" : ".yml");
    if (pl_store_size(all->store, all->last, &bytes, err) == PLUMB_OK) return PLUMB_OK;
    plumb_status st = pl_store_put_unsettled(all->store, all->last, text, err);
    return st == PLUMB_E_CONFLICT ? PLUMB_OK : st;
}

// ---- shapes that went --------------------------------------------------------------------------
typedef struct sweep {
    pl_arena arena;
    const char **keys; // owned
    uint32_t count, capacity;
    pl_map kept;
} sweep;

static bool find_text(void *context, const char *key, uint64_t bytes)
{
    sweep *all = context;
    char name[PL_REGISTRY_TEXT_NAME];
    (void)bytes;
    name_shape("01ARZ3NDEKTSV4RRFFQ69G5FAV", PL_SPAN(""), name); // as long as any
    size_t prefix = strlen("log/texts/"), length = strlen(key);
    if (length != prefix + strlen(name) || strcmp(key + length - 4, ".zst") != 0) return true;
    PL_GROW(all->keys, all->count, all->capacity);
    all->keys[all->count++] = pl_arena_cstr(&all->arena, pl_span_of(key));
    return true;
}

static bool keep_shape(void *context, const pl_shape_row *row)
{
    sweep *all = context;
    char name[PL_REGISTRY_TEXT_NAME];
    pl_span shape = pl_span_of(pl_arena_printf(&all->arena, "%s/%s", row->source, row->table));
    name_shape(row->logged, shape, name);
    pl_map_add(&all->kept, pl_span_of(pl_arena_printf(&all->arena, "log/texts/%s", name)), 0);
    return true;
}

// The files first: whoever writes one has its row in the books already.
static plumb_status sweep_shapes(pl_store *store, pl_registry *registry, plumb_error *err)
{
    sweep all = {0};
    plumb_status st = pl_store_list(store, "log/texts", find_text, &all, err);
    if (st == PLUMB_OK) st = pl_registry_shapes(registry, NULL, NULL, keep_shape, &all, err);
    for (uint32_t i = 0; i < all.count && st == PLUMB_OK; i++)
        if (pl_map_get(&all.kept, pl_span_of(all.keys[i])) == PL_MAP_NONE)
            st = pl_store_delete(store, all.keys[i], err);
    pl_map_done(&all.kept);
    pl_arena_done(&all.arena);
    free(all.keys);
    return st;
}

static plumb_status write_entry(pl_store *store, pl_registry *registry, const char *run,
                                const char *key, plumb_error *err)
{
    pl_buf text = {0};
    texts all = {.store = store, .run = run, .last = "log"};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_doc_begin(&w, "log");
    pl_json_key(&w, "run"), pl_json_cstr(&w, run);
    plumb_status st = pl_registry_dump(registry, run, &w, put_text, &all, err);
    if (st == PLUMB_OK) {
        pl_json_end(&w, '}');
        pl_buf_char(&text, '\n');
        // Before the entry names them. Those that were there may be of a run that died.
        st = pl_store_settle_way(store, all.last, err);
    }
    if (st == PLUMB_OK) st = pl_store_put(store, key, pl_buf_view(&text), err);
    pl_buf_done(&text);
    if (st == PLUMB_E_CONFLICT) st = PLUMB_OK;
    return st == PLUMB_OK && all.shapes ? sweep_shapes(store, registry, err) : st;
}

plumb_status pl_log_write(pl_store *store, pl_registry *registry, const char *run, plumb_error *err)
{
    pl_arena scratch = {0};
    pl_run_row row;
    bool found;
    plumb_status st = pl_registry_run(registry, run, &scratch, &row, &found, err);
    if (st == PLUMB_OK && found && strcmp(row.state, "done") == 0)
        st = write_entry(store, registry, run, log_key(&scratch, run, row.finished_us), err);
    pl_arena_done(&scratch);
    return st;
}

typedef struct repair {
    pl_store *store;
    pl_arena arena;
    const char *runs[REPAIR_RUNS], *keys[REPAIR_RUNS];
    uint32_t count;
} repair;

static bool find_missing(void *context, const pl_run_row *row)
{
    repair *all = context;
    uint64_t bytes;
    plumb_error ignored;
    char *key = log_key(&all->arena, row->id, row->finished_us);
    if (pl_store_size(all->store, key, &bytes, &ignored) != PLUMB_E_NOT_FOUND) return true;
    all->keys[all->count] = key;
    all->runs[all->count++] = pl_arena_cstr(&all->arena, pl_span_of(row->id));
    return true;
}

plumb_status pl_log_repair(pl_store *store, pl_registry *registry, plumb_error *err)
{
    repair all = {.store = store};
    plumb_status st = pl_registry_runs(registry, "done", REPAIR_RUNS, find_missing, &all, err);
    for (uint32_t i = all.count; i-- > 0 && st == PLUMB_OK;) // oldest first
        st = write_entry(store, registry, all.runs[i], all.keys[i], err);
    pl_arena_done(&all.arena);
    return st;
}
