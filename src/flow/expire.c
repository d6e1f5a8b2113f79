// SPDX-License-Identifier: Apache-2.0
#include "flow/expire.h"

#include "flow/follow.h"
#include "flow/orphans.h"
#include "flow/transaction.h"
#include "iceberg/expire.h"
#include "os/os.h"

enum { COMMIT_ATTEMPTS = 5, BATCH = 256 };

typedef struct expiring {
    const pl_expire_options *options;
    pl_arena *arena;
    pl_expire_report *report;
    pl_transaction transaction;
    int64_t now_us;
    char *location, *next;
    pl_ice_table *table;
    pl_ice_expiry expiry;
    pl_ice_commit commit;
    plumb_error *err;
} expiring;

// ---- files that go ------------------------------------------------------------------------------
// Deleted first, forgotten then: once more does no harm.
static plumb_status delete_some(expiring *e, char *const *paths, size_t count)
{
    const pl_expire_options *o = e->options;
    for (size_t i = 0; i < count; i++) {
        const char *key = pl_store_key(o->store, paths[i]);
        plumb_status st = key ? pl_store_delete(o->store, key, e->err) : PLUMB_OK;
        if (st != PLUMB_OK && st != PLUMB_E_NOT_FOUND) return st;
    }
    PL_TRY(pl_registry_begin(o->registry, e->err));
    plumb_status st = PLUMB_OK;
    for (size_t i = 0; i < count && st == PLUMB_OK; i++)
        st = pl_registry_file_deleted(o->registry, o->table, paths[i], e->err);
    if (st == PLUMB_OK) return pl_registry_commit(o->registry, e->err);
    pl_registry_rollback(o->registry);
    return st;
}

static plumb_status delete_all(expiring *e, char *const *paths, size_t count)
{
    plumb_status st = PLUMB_OK;
    for (size_t at = 0; at < count && st == PLUMB_OK && !e->options->dry; at += BATCH)
        st = delete_some(e, paths + at, PL_MIN(count - at, (size_t)BATCH));
    return st;
}

// Before anything changes: all files of the table as it was loaded are known by it.
static plumb_status delete_orphans(expiring *e)
{
    const pl_expire_options *o = e->options;
    pl_orphans orphans;
    if (!e->table) return PLUMB_OK;
    PL_TRY(pl_orphans_find(e->table, o->table, o->registry, e->now_us - o->orphan_us, e->arena,
                           &orphans, e->err));
    e->report->orphans = orphans.count;
    e->report->orphan_bytes = (int64_t)orphans.bytes;
    return delete_all(e, orphans.uris, orphans.count);
}

// ---- the snapshots -----------------------------------------------------------------------------
static plumb_status look(expiring *e)
{
    const pl_expire_options *o = e->options;
    pl_expire_report *report = e->report;
    pl_catalog catalog = pl_registry_catalog(o->registry);
    PL_TRY(catalog.load(catalog.self, o->table, e->arena, &e->location, e->err));
    e->expiry =
        (pl_ice_expiry){.now_ms = e->now_us / 1000, .older_than_ms = o->older_than_us / 1000};
    if (!e->location) return PLUMB_OK;
    PL_TRY(pl_ice_load(o->store, e->location, e->arena, &e->table, e->err));
    PL_TRY(pl_ice_expire_look(e->table, &e->expiry, e->err));
    report->snapshots = e->expiry.snapshot_count;
    report->snapshots_left = (int64_t)e->table->metadata->snapshot_count - report->snapshots;
    report->doomed_files = e->expiry.data_count;
    report->doomed_bytes = (int64_t)e->expiry.data_bytes;
    report->tags = PL_TAKE(e->arena, const char *, e->expiry.tag_count);
    report->tag_count = 0;
    for (uint32_t i = 0; i < e->expiry.tag_count; i++)
        report->tags[report->tag_count++] = pl_arena_cstr(e->arena, e->expiry.tags[i]);
    return PLUMB_OK;
}

// Those of ours are in the books already.
static plumb_status keep_parents(expiring *e)
{
    const pl_ice_metadata *m = e->table->metadata;
    for (uint32_t i = 0; i < e->expiry.snapshot_count; i++) {
        bool known;
        int64_t parent;
        const pl_ice_snapshot *s = pl_ice_snapshot_by_id(m, e->expiry.snapshots[i]);
        PL_TRY(pl_registry_parent(e->options->registry, e->options->table, s->id, &parent, &known,
                                  e->err));
        parent = s->parent_id == PL_ICE_NO_SNAPSHOT ? 0 : s->parent_id;
        if (!known)
            PL_TRY(pl_registry_parent_add(e->options->registry, e->options->table, s->id, parent,
                                          e->err));
    }
    return PLUMB_OK;
}

static plumb_status record_event(expiring *e)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "run"), pl_json_cstr(&w, e->transaction.run);
    pl_json_key(&w, "snapshots"), pl_json_int(&w, e->report->snapshots);
    pl_json_key(&w, "files"), pl_json_int(&w, e->report->doomed_files);
    pl_json_key(&w, "bytes"), pl_json_int(&w, e->report->doomed_bytes);
    pl_json_key(&w, "tags"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < e->report->tag_count; i++) pl_json_cstr(&w, e->report->tags[i]);
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
    pl_event_row event = {.at_us = e->now_us,
                          .kind = "expire",
                          .who = e->options->who,
                          .table = e->options->table,
                          .text = pl_buf_cstr(&text)};
    plumb_status st = pl_registry_event_add(e->options->registry, &event, e->err);
    pl_buf_done(&text);
    return st;
}

static plumb_status record(void *context, plumb_error *err)
{
    expiring *e = context;
    pl_registry *registry = e->options->registry;
    const char *table = e->options->table;
    pl_catalog catalog = pl_registry_catalog(registry);
    const pl_ice_metadata *m = e->table->metadata;
    pl_head_row head = {.snapshot = m->current_snapshot_id, .metadata_location = e->next};
    PL_TRY(pl_follow_foreign(registry, table, m, e->location, e->now_us, err));
    PL_TRY(keep_parents(e));
    PL_TRY(catalog.swap(catalog.self, table, e->location, e->next, err));
    PL_TRY(pl_registry_head_set(registry, table, &head, err));
    for (uint32_t i = 0; i < e->expiry.file_count; i++)
        PL_TRY(pl_registry_doom(registry, table, pl_arena_cstr(e->arena, e->expiry.files[i]),
                                e->now_us, err));
    return record_event(e);
}

static plumb_status expire_snapshots(expiring *e)
{
    plumb_status st = PLUMB_E_CONFLICT;
    pl_entropy(e->commit.uuid, sizeof e->commit.uuid);
    e->commit.now_ms = e->now_us / 1000;
    for (int attempt = 0; attempt < COMMIT_ATTEMPTS && st == PLUMB_E_CONFLICT; attempt++) {
        st = look(e);
        if (st == PLUMB_OK && attempt == 0) st = delete_orphans(e);
        if (st != PLUMB_OK || e->options->dry) return st;
        if (!e->expiry.snapshot_count && !e->expiry.tag_count) return PLUMB_OK;
        st = pl_ice_expire(e->table, &e->expiry, &e->commit, &e->next, e->err);
        if (st == PLUMB_OK) st = pl_transaction_commit(&e->transaction, record, e, e->err);
    }
    if (st != PLUMB_OK) return st;
    e->report->run = pl_arena_cstr(e->arena, pl_span_of(e->transaction.run));
    pl_transaction_follow(&e->transaction, e->next, &e->commit);
    return PLUMB_OK;
}

// ---- what waited for its time
// ---------------------------------------------------------------------------------
typedef struct doomed_list {
    expiring *e;
    pl_buf due; // owned: char *, in the arena
} doomed_list;

static bool find_due(void *context, const char *path, int64_t since_us)
{
    doomed_list *list = context;
    expiring *e = list->e;
    if (e->now_us - since_us < e->options->grace_us) {
        e->report->waiting++;
        return true;
    }
    char *copy = pl_arena_cstr(e->arena, pl_span_of(path));
    pl_buf_append(&list->due, &copy, sizeof copy);
    return true;
}

static plumb_status delete_doomed(expiring *e)
{
    doomed_list list = {.e = e};
    plumb_status st =
        pl_registry_doomed(e->options->registry, e->options->table, find_due, &list, e->err);
    char *const *paths = (char *const *)(void *)list.due.data;
    size_t count = list.due.count / sizeof *paths;
    if (st == PLUMB_OK) st = delete_all(e, paths, count);
    e->report->deleted = (int64_t)count;
    pl_buf_done(&list.due);
    return st;
}

plumb_status pl_expire(const pl_expire_options *options, pl_arena *arena,
                       pl_expire_report *ret_report, plumb_error *err)
{
    plumb_error local;
    expiring e = {
        .options = options, .arena = arena, .report = ret_report, .err = err ? err : &local};
    pl_transaction_options with = {.store = options->store,
                                   .registry = options->registry,
                                   .lock_path = options->lock_path,
                                   .wait_ms = options->wait_ms,
                                   .command = "expire",
                                   .dry = options->dry};
    *ret_report = (pl_expire_report){.run = ""};
    PL_TRY(pl_transaction_begin(&with, &e.transaction, e.err));
    e.now_us = e.transaction.now_us;
    plumb_status st = expire_snapshots(&e);
    if (st == PLUMB_OK) st = delete_doomed(&e);
    pl_transaction_end(&e.transaction);
    return st;
}
