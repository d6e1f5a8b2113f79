// SPDX-License-Identifier: Apache-2.0
#include "flow/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "codec/sha256.h"
#include "flow/doc.h"

#define REPAIR_RUNS 16 // a crash leaves out one; more only when the disk was full for long

typedef struct run_search {
    const char *run;
    pl_run_row row; // its time
    bool found;
} run_search;

static bool find_run(void *context, const pl_run_row *row)
{
    run_search *search = context;
    if (strcmp(row->id, search->run) != 0) return true;
    search->row.finished_us = row->finished_us;
    search->found = strcmp(row->state, "done") == 0;
    return false;
}

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
    char last[PL_REGISTRY_TEXT_NAME + 32]; // the key of one of them, all in one directory
} texts;

static plumb_status put_text(void *context, pl_span text, bool binary,
                             char ret_name[PL_REGISTRY_TEXT_NAME], plumb_error *err)
{
    texts *all = context;
    pl_sha256 *sha = pl_sha256_new();
    uint64_t bytes;
    pl_sha256_add(sha, text);
    pl_sha256_hex(sha, ret_name);
    pl_sha256_free(sha);
    if (binary) memcpy(ret_name + PL_SHA256_TEXT - 1, ".zst", sizeof ".zst");
    snprintf(all->last, sizeof all->last, "log/texts/%s%s", ret_name, binary ? "" : ".yml");
    if (pl_store_size(all->store, all->last, &bytes, err) == PLUMB_OK) return PLUMB_OK;
    plumb_status st = pl_store_put_unsettled(all->store, all->last, text, err);
    return st == PLUMB_E_CONFLICT ? PLUMB_OK : st;
}

static plumb_status write_entry(pl_store *store, pl_registry *registry, const char *run,
                                const char *key, plumb_error *err)
{
    pl_buf text = {0};
    texts all = {.store = store, .last = "log"};
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
    return st == PLUMB_E_CONFLICT ? PLUMB_OK : st;
}

plumb_status pl_log_write(pl_store *store, pl_registry *registry, const char *run, plumb_error *err)
{
    pl_arena scratch = {0};
    run_search search = {.run = run};
    plumb_status st = pl_registry_runs(registry, NULL, 0, find_run, &search, err);
    if (st == PLUMB_OK && search.found)
        st = write_entry(store, registry, run, log_key(&scratch, run, search.row.finished_us), err);
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
