// recover.c -- what dead runs left behind.
//
// A run is dead when its row says working and nobody holds the run lock. What it made is found by
// its id: data files by the prefix of their names, documents in .plumb/runs/<id>/. A run made by
// `plumb plan` waits for `plumb commit` and is not dead, unless it is a day old or stale.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/ulid.h"
#include "flow/run_int.h"
#include "flow/taskdoc.h"

#define PLANNED_MAX_US (INT64_C(24) * 3600 * 1000000)

typedef struct texts {
    pl_arena arena;
    char **items;
    uint32_t count, capacity;
} texts;

static void texts_add(texts *list, const char *text)
{
    PL_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = pl_arena_cstr(&list->arena, pl_span_of(text));
}

static void texts_done(texts *list)
{
    pl_arena_done(&list->arena);
    free(list->items);
    *list = (texts){0};
}

// ---- files and documents of one run ------------------------------------------------------------
typedef struct file_search {
    const char *run;
    pl_map published; // names: a lake that moved has them under other addresses
    texts names;
    texts doomed;
} file_search;

static bool known_file(void *context, const pl_file_row *row)
{
    file_search *search = context;
    const char *slash = strrchr(row->path, '/');
    if (strcmp(row->run, search->run) != 0) return true;
    texts_add(&search->names, slash ? slash + 1 : row->path);
    pl_map_add(&search->published, pl_span_of(search->names.items[search->names.count - 1]), 0);
    return true;
}

static bool found_file(void *context, const char *key, uint64_t bytes)
{
    file_search *search = context;
    const char *slash = strrchr(key, '/'), *name = slash ? slash + 1 : key;
    size_t prefix = strlen(search->run);
    (void)bytes;
    if (strncmp(name, search->run, prefix) == 0 && name[prefix] == '-' &&
        pl_map_get(&search->published, pl_span_of(name)) == PL_MAP_NONE)
        texts_add(&search->doomed, key);
    return true;
}

static plumb_status clear_files(pl_store *store, pl_registry *registry, const char *run,
                                plumb_error *err)
{
    file_search search = {.run = run};
    plumb_status st = pl_registry_files(registry, NULL, known_file, &search, err);
    if (st == PLUMB_OK) st = pl_store_list(store, "tables", found_file, &search, err);
    for (uint32_t i = 0; i < search.doomed.count && st == PLUMB_OK; i++)
        st = pl_store_delete(store, search.doomed.items[i], err);
    pl_map_done(&search.published);
    texts_done(&search.names);
    texts_done(&search.doomed);
    return st;
}

plumb_status pl_run__clear(pl_store *store, pl_registry *registry, const char *run, bool files,
                           plumb_error *err)
{
    char folder[64];
    if (files) PL_TRY(clear_files(store, registry, run, err));
    snprintf(folder, sizeof folder, ".plumb/runs/%s", run);
    return pl_store_delete_all(store, folder, err);
}

plumb_status pl_run__drop(pl_store *store, pl_registry *registry, const char *run, int64_t now_us,
                          plumb_error *err)
{
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = pl_registry_run_finish(registry, run, "failed", now_us, "", err);
    if (st == PLUMB_OK)
        st = pl_registry_commit(registry, err);
    else
        pl_registry_rollback(registry);
    // Already ended, by whoever took it over: what counts of it is in the registry.
    if (st != PLUMB_OK && st != PLUMB_E_CONFLICT) return st;
    return pl_run__clear(store, registry, run, true, err);
}

// ---- every run ---------------------------------------------------------------------------------
typedef struct run_list {
    texts dead, planned, working;
    int64_t now_us;
    texts old; // planned, a day ago
} run_list;

static bool collect_run(void *context, const pl_run_row *row)
{
    run_list *list = context;
    bool planned = strcmp(row->command, "plan") == 0;
    texts_add(&list->working, row->id);
    texts_add(!planned                                          ? &list->dead
              : list->now_us - row->started_us > PLANNED_MAX_US ? &list->old
                                                                : &list->planned,
              row->id);
    return true;
}

static bool has(const texts *list, pl_span text)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (pl_span_is(text, list->items[i])) return true;
    return false;
}

typedef struct ended {
    const run_list *runs;
    texts found;
} ended;

// Documents of a run that is not working: it ended, and its process died before it cleared up.
static bool find_ended(void *context, const char *key, uint64_t bytes)
{
    ended *search = context;
    (void)bytes;
    pl_span name = pl_span_of(key + strlen(".plumb/runs/"));
    const char *slash = memchr(name.data, '/', name.bytes);
    if (!slash) return true;
    name.bytes = (size_t)(slash - name.data);
    if (!pl_ulid_valid(name) || has(&search->runs->working, name) || has(&search->found, name))
        return true;
    char id[PL_ID_TEXT];
    snprintf(id, sizeof id, "%.*s", PL_FMT(name));
    texts_add(&search->found, id);
    return true;
}

// A planned run whose objects another run published can never be committed.
static plumb_status drop_stale(pl_store *store, pl_registry *registry, const char *id,
                               int64_t now_us, plumb_error *err)
{
    pl_arena scratch = {0};
    pl_run_options options = {.store = store, .registry = registry, .threads = 1};
    run_state *run = PL_TAKE(&scratch, run_state, 1);
    *run = (run_state){.options = &options, .arena = &scratch, .now_us = now_us};
    snprintf(run->run, sizeof run->run, "%s", id);
    plumb_status st = pl_run__plan_get(run, err);
    if (st == PLUMB_OK) st = pl_run__holds(run, err);
    // Its files are left alone while it cannot be read for another reason than being no plan.
    if (st == PLUMB_E_CONFLICT || st == PLUMB_E_NOT_FOUND || st == PLUMB_E_MALFORMED)
        st = pl_run__drop(store, registry, id, now_us, err);
    pl_arena_done(&scratch);
    return st;
}

plumb_status pl_run__recover(pl_store *store, pl_registry *registry, int64_t now_us,
                             char *ret_resume, plumb_error *err)
{
    run_list runs = {.now_us = now_us};
    ended rest = {.runs = &runs};
    *ret_resume = '\0';
    plumb_status st = pl_registry_runs(registry, "working", 0, collect_run, &runs, err);
    if (st == PLUMB_OK) st = pl_store_list(store, ".plumb/runs", find_ended, &rest, err);
    for (uint32_t i = 0; i < rest.found.count && st == PLUMB_OK; i++)
        st = pl_run__clear(store, registry, rest.found.items[i], true, err);
    for (uint32_t i = 1; i < runs.dead.count && st == PLUMB_OK; i++) // newest first
        st = pl_run__drop(store, registry, runs.dead.items[i], now_us, err);
    for (uint32_t i = 0; i < runs.old.count && st == PLUMB_OK; i++)
        st = pl_run__drop(store, registry, runs.old.items[i], now_us, err);
    for (uint32_t i = 0; i < runs.planned.count && st == PLUMB_OK; i++)
        st = drop_stale(store, registry, runs.planned.items[i], now_us, err);
    if (st == PLUMB_OK && runs.dead.count)
        snprintf(ret_resume, PL_ID_TEXT, "%s", runs.dead.items[0]);
    texts_done(&runs.dead);
    texts_done(&runs.planned);
    texts_done(&runs.working);
    texts_done(&runs.old);
    texts_done(&rest.found);
    return st;
}

// ---- the hint -----------------------------------------------------------------------------------
typedef struct hint_repair {
    pl_store *store;
    pl_arena arena;
    plumb_status status;
    plumb_error *err;
} hint_repair;

// version-hint.text is written after the commit: a crash in between leaves it one behind.
static bool repair_hint(void *context, const pl_table_row *row)
{
    hint_repair *repair = context;
    char *key = pl_arena_printf(&repair->arena, "tables/%s/metadata/version-hint.text", row->name);
    const char *name = strrchr(row->metadata_location, '/');
    pl_span hint, suffix = PL_SPAN(".metadata.json"), want = pl_span_of(name ? name + 1 : "");
    if (want.bytes > suffix.bytes) want.bytes -= suffix.bytes;
    plumb_error ignored;
    // A table of a foreign writer may have no hint of ours, or live elsewhere.
    if (pl_store_get(repair->store, key, 4096, &repair->arena, &hint, &ignored) == PLUMB_OK &&
        pl_span_equal(hint, want))
        return true;
    if (!pl_store_key(repair->store, row->metadata_location)) return true;
    repair->status = pl_ice_write_hint(repair->store, row->metadata_location, repair->err);
    return repair->status == PLUMB_OK;
}

plumb_status pl_run__repair_hints(pl_store *store, pl_registry *registry, plumb_error *err)
{
    hint_repair repair = {.store = store, .err = err};
    plumb_status st = pl_registry_tables(registry, repair_hint, &repair, err);
    pl_arena_done(&repair.arena);
    return st == PLUMB_OK ? repair.status : st;
}
