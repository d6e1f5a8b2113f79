// SPDX-License-Identifier: Apache-2.0
#include "flow/relocate.h"

#include <stdlib.h>

#include "flow/transaction.h"
#include "iceberg/relocate.h"
#include "os/os.h"

typedef struct moved_table {
    char *name, *key, *location;
    const char *source;
    pl_ice_relocation made;
} moved_table;

typedef struct search {
    pl_store *store;
    pl_arena *arena;
    const char *only;   // source prefix, NULL: any
    const char *target; // prefix
    moved_table *tables;
    uint32_t count, capacity;
} search;

static const char *store_prefix(const pl_store *store, pl_arena *arena)
{
    char *uri = pl_store_uri(store, "x", arena);
    uri[strlen(uri) - 1] = '\0';
    return uri;
}

// The store key a metadata location ends with, if the file is here; NULL if not. Where "tables/"
// begins is not certain: the old place may have had that in its own name.
static const char *key_here(const search *s, const char *location)
{
    uint64_t bytes;
    plumb_error ignored;
    static const char folder[] = "/tables/";
    for (const char *at = strstr(location, folder); at; at = strstr(at + 1, folder))
        if (pl_store_size(s->store, at + 1, &bytes, &ignored) == PLUMB_OK) return at + 1;
    return NULL;
}

static bool find_moved(void *context, const pl_table_row *row)
{
    search *s = context;
    // A table elsewhere is another program's business, unless its files are here.
    const char *file = key_here(s, row->metadata_location);
    const char *name = file ? strrchr(file, '/') : NULL;
    if (!name) return true;
    pl_span before = {row->metadata_location, (size_t)(file - row->metadata_location)};
    const char *source = pl_arena_cstr(s->arena, before);
    static const char folder[] = "/metadata";
    size_t folder_bytes = sizeof folder - 1;
    pl_span key = {file, (size_t)(name - file)};
    if (key.bytes <= folder_bytes ||
        memcmp(key.data + key.bytes - folder_bytes, folder, folder_bytes) != 0)
        return true;
    key.bytes -= folder_bytes;
    if (strcmp(source, s->target) == 0 || (s->only && strcmp(source, s->only) != 0)) return true;
    PL_GROW(s->tables, s->count, s->capacity);
    s->tables[s->count++] =
        (moved_table){.name = pl_arena_cstr(s->arena, pl_span_of(row->name)),
                      .key = pl_arena_cstr(s->arena, key),
                      .location = pl_arena_cstr(s->arena, pl_span_of(row->metadata_location)),
                      .source = source};
    return true;
}

plumb_status pl_moved_from(pl_store *store, pl_registry *registry, pl_arena *arena,
                           const char **ret_source, plumb_error *err)
{
    search s = {.store = store, .arena = arena, .target = store_prefix(store, arena)};
    plumb_status st = pl_registry_tables(registry, find_moved, &s, err);
    *ret_source = st == PLUMB_OK && s.count ? s.tables[0].source : NULL;
    free(s.tables);
    return st;
}

plumb_status pl_check_place(pl_store *store, pl_registry *registry, plumb_error *err)
{
    pl_arena scratch = {0};
    const char *source;
    plumb_status st = pl_moved_from(store, registry, &scratch, &source, err);
    if (st == PLUMB_OK && source) {
        st = pl_fail(err, PLUMB_E_CONFIG,
                     "cannot use the tables of lake '%s': it was moved, they still name '%s'",
                     store_prefix(store, &scratch), source);
        pl_hint(err, "'plumb relocate' makes them name this place.");
    }
    pl_arena_done(&scratch);
    return st;
}

// "/old/lake", "file:///old/lake/": a prefix with scheme, and one slash at its end.
static const char *prefix_of(const char *place, pl_arena *arena)
{
    const char *path = strncmp(place, "file://", 7) == 0 ? place + 7 : place;
    size_t bytes = strlen(path);
    while (bytes && path[bytes - 1] == '/') bytes--;
    return pl_arena_printf(arena, "file://%.*s/", (int)bytes, path);
}

static plumb_status rewrite(const pl_relocate_options *o, const search *s, int64_t now_us,
                            plumb_error *err)
{
    for (uint32_t i = 0; i < s->count; i++) {
        moved_table *table = &s->tables[i];
        table->made = (pl_ice_relocation){.source = table->source,
                                          .target = s->target,
                                          .key = table->key,
                                          .now_ms = now_us / 1000,
                                          .dry = o->dry};
        pl_entropy(table->made.uuid, sizeof table->made.uuid);
        PL_TRY(pl_ice_relocate(o->store, table->location, s->arena, &table->made, err));
    }
    return PLUMB_OK;
}

typedef struct recording {
    pl_registry *registry;
    const search *found;
} recording;

static plumb_status record(void *context, plumb_error *err)
{
    const recording *r = context;
    pl_catalog catalog = pl_registry_catalog(r->registry);
    for (uint32_t i = 0; i < r->found->count; i++) {
        const moved_table *table = &r->found->tables[i];
        PL_TRY(catalog.swap(catalog.self, table->name, table->location, table->made.next, err));
        PL_TRY(pl_registry_relocate(r->registry, table->source, r->found->target, err));
    }
    return PLUMB_OK;
}

static plumb_status commit(pl_transaction *t, const search *s, plumb_error *err)
{
    recording r = {t->with.registry, s};
    plumb_status st = pl_transaction_commit(t, record, &r, err);
    if (st != PLUMB_E_CONFLICT) return st;
    err->status = PLUMB_E_UNAVAILABLE; // another program's commit; ours is for an old head
    pl_hint(err, "Nothing was changed; run 'plumb relocate' again.");
    return PLUMB_E_UNAVAILABLE;
}

// Where there were none, there are none now.
static void write_hints(pl_store *store, const search *s)
{
    plumb_error ignored;
    for (uint32_t i = 0; i < s->count; i++) {
        const pl_ice_relocation *made = &s->tables[i].made;
        // The hint names a file of its folder, wherever that is. A table without one keeps none.
        const char *here = pl_store_uri(store, made->next + strlen(s->target), s->arena);
        uint64_t bytes;
        const char *hint = pl_arena_printf(s->arena, "%s/metadata/version-hint.text", made->key);
        if (pl_store_size(store, hint, &bytes, &ignored) != PLUMB_OK) continue;
        if (pl_ice_write_hint(store, here, &ignored) != PLUMB_OK) continue;
        for (uint32_t k = 0; k < made->outdated_count; k++)
            PL_IGNORE(pl_store_delete(store, made->outdated[k], &ignored));
    }
}

static void tell(const search *s, pl_relocation *out)
{
    out->target = s->target;
    out->count = s->count;
    out->tables = PL_TAKE(s->arena, pl_relocated, s->count);
    for (uint32_t i = 0; i < s->count; i++)
        out->tables[i] = (pl_relocated){.table = s->tables[i].name,
                                        .source = s->tables[i].source,
                                        .snapshots = s->tables[i].made.snapshots,
                                        .manifests = s->tables[i].made.manifests,
                                        .files = s->tables[i].made.files,
                                        .metadata = s->tables[i].made.next};
}

static plumb_status relocate_all(const pl_relocate_options *o, pl_transaction *t, search *s,
                                 pl_relocation *out, plumb_error *err)
{
    PL_TRY(pl_registry_tables(o->registry, find_moved, s, err));
    if (s->only && !s->count && strcmp(s->only, s->target) != 0) {
        pl_fail(err, PLUMB_E_NOT_FOUND, "cannot relocate from '%s': no table names it", s->only);
        pl_hint(err, "Without --from, every table that was moved is relocated.");
        return PLUMB_E_NOT_FOUND;
    }
    PL_TRY(rewrite(o, s, t->now_us, err));
    tell(s, out);
    if (o->dry || !s->count) return PLUMB_OK;
    PL_TRY(commit(t, s, err));
    out->run = pl_arena_cstr(s->arena, pl_span_of(t->run));
    pl_transaction_follow(t, NULL, NULL);
    write_hints(o->store, s);
    return PLUMB_OK;
}

plumb_status pl_relocate(const pl_relocate_options *options, pl_arena *arena,
                         pl_relocation *ret_relocation, plumb_error *err)
{
    plumb_error local;
    if (!err) err = &local;
    *ret_relocation = (pl_relocation){0};
    search s = {.store = options->store, .arena = arena};
    if (options->source) s.only = prefix_of(options->source, arena);
    s.target =
        options->target ? prefix_of(options->target, arena) : store_prefix(options->store, arena);
    pl_transaction t;
    pl_transaction_options with = {.store = options->store,
                                   .registry = options->registry,
                                   .lock_path = options->lock_path,
                                   .wait_ms = options->wait_ms,
                                   .command = "relocate",
                                   .dry = options->dry,
                                   .anywhere = true};
    PL_TRY(pl_transaction_begin(&with, &t, err));
    plumb_status st = relocate_all(options, &t, &s, ret_relocation, err);
    pl_transaction_end(&t);
    free(s.tables);
    return st;
}
