// verify.c -- plumb verify: tables, raw objects, ledger, and the registry against the lake.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/map.h"
#include "base/time.h"
#include "cli/look.h"
#include "contract/project.h"
#include "flow/raw.h"
#include "flow/relocate.h"
#include "iceberg/lint.h"
#include "iceberg/table.h"
#include "os/os.h"
#include "parquet/reader.h"
#include "registry/drift.h"
#include "registry/lineage.h"

typedef struct finding {
    const char *area, *table, *rule, *place, *what; // table NULL: about none
} finding;

typedef struct table_counts {
    const char *name;
    uint32_t snapshots, manifests, files;
} table_counts;

typedef struct verifying {
    pl_cli *cli;
    pl_lake lake;
    plumb_error *err;
    pl_buf findings, tables; // owned; finding, table_counts
    uint64_t dropped;
    int64_t objects;
    uint64_t raw_bytes, raw_bytes_all;
    bool watched;
    int64_t begun_us, shown_us;
    // of the table looked at
    const char *table;
    const pl_ice_metadata *metadata;
    int64_t curated;
    pl_map keys; // owned: raw objects the registry knows
} verifying;

static void add(verifying *v, const char *area, const char *rule, const char *place,
                const char *fmt, ...) PL_PRINTF(5, 6);
static void add(verifying *v, const char *area, const char *rule, const char *place,
                const char *fmt, ...)
{
    char text[800];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    pl_arena *arena = &v->cli->arena;
    finding f = {area, v->table, rule, pl_arena_cstr(arena, pl_span_of(place)),
                 pl_arena_cstr(arena, pl_span_of(text))};
    pl_buf_append(&v->findings, &f, sizeof f);
}

static uint32_t finding_count(const verifying *v)
{
    return (uint32_t)(v->findings.count / sizeof(finding));
}

static void progress(verifying *v)
{
    pl_human done, all;
    int64_t now = pl_clock_monotonic();
    if (!v->watched || now - v->begun_us < PL_MICROS_PER_SECOND || now - v->shown_us < 200000)
        return;
    v->shown_us = now;
    fprintf(stderr, "\r\033[Kraw: %s of %s", pl_human_bytes(done, (int64_t)v->raw_bytes),
            pl_human_bytes(all, (int64_t)v->raw_bytes_all));
    fflush(stderr);
}

// ---- raw objects -------------------------------------------------------------------------------
static bool sum_raw(void *context, const pl_object_row *row, pl_object_state state)
{
    verifying *v = context;
    (void)state;
    v->raw_bytes_all += (uint64_t)row->stored_bytes;
    return true;
}

// What the object says about itself against its row.
static const char *head_differs(verifying *v, const pl_object_row *row)
{
    pl_raw *raw;
    const char *what = NULL;
    if (pl_raw_open(v->lake.store, row->key, &raw, NULL) != PLUMB_OK) return "head";
    const pl_raw_head *head = pl_raw_head_of(raw);
    if (strcmp(head->id, row->id) != 0) what = "id";
    if (!pl_span_is(head->source, row->source)) what = "source";
    if (!pl_span_is(head->name, row->name)) what = "name";
    if (head->received_us != row->received_us) what = "receipt time";
    pl_raw_close(raw);
    return what;
}

static bool verify_object(void *context, const pl_object_row *row, pl_object_state state)
{
    verifying *v = context;
    plumb_error err = {0};
    pl_raw_info info;
    uint64_t bytes;
    const char *differs = NULL;
    (void)state;
    v->objects++;
    pl_map_add(&v->keys, pl_arena_copy(&v->cli->arena, pl_span_of(row->key)), 0);
    progress(v);
    plumb_status st = pl_store_size(v->lake.store, row->key, &bytes, &err);
    if (st != PLUMB_OK)
        add(v, "raw", "raw-exists", row->key, "%s", err.message);
    else if ((int64_t)bytes != row->stored_bytes)
        add(v, "raw", "raw-size", row->key, "it has %llu bytes, and the registry says %lld",
            (unsigned long long)bytes, (long long)row->stored_bytes);
    else if (pl_raw_verify(v->lake.store, row->key, &info, &err) != PLUMB_OK)
        add(v, "raw", "raw-content", row->key, "%s", err.message);
    else if (strcmp(info.identity, row->sha256) != 0 || info.broken != row->broken)
        add(v, "raw", "raw-identity", row->key,
            "its content has the SHA-256 %s, and the registry says %s", info.identity, row->sha256);
    else if ((differs = head_differs(v, row)) != NULL)
        add(v, "raw", "raw-head", row->key, "its %s is not the one in the registry", differs);
    v->raw_bytes += (uint64_t)row->stored_bytes;
    return true;
}

static bool known_intent(void *context, const char *id, const char *key, int64_t at_us)
{
    verifying *v = context;
    (void)id;
    (void)at_us;
    pl_map_add(&v->keys, pl_arena_copy(&v->cli->arena, pl_span_of(key)), 0);
    return true;
}

static bool stray_object(void *context, const char *key, uint64_t bytes)
{
    verifying *v = context;
    pl_writer_state writer = PL_WRITER_NOTHING;
    if (pl_map_get(&v->keys, pl_span_of(key)) != PL_MAP_NONE) return true;
    if (pl_store_writer(v->lake.store, key, &writer, NULL) == PLUMB_OK && writer == PL_WRITER_ALIVE)
        return true;
    add(v, "raw", "raw-known", key, "the registry does not know this object of %llu bytes",
        (unsigned long long)bytes);
    return true;
}

static plumb_status verify_raw(verifying *v)
{
    pl_registry *registry = v->lake.registry;
    PL_TRY(pl_registry_objects(registry, NULL, NULL, sum_raw, v, v->err));
    v->begun_us = pl_clock_monotonic();
    plumb_status st = pl_registry_objects(registry, NULL, NULL, verify_object, v, v->err);
    if (v->shown_us) fprintf(stderr, "\r\033[K");
    PL_TRY(st);
    PL_TRY(pl_registry_intents(registry, known_intent, v, v->err));
    return pl_store_list(v->lake.store, "raw", stray_object, v, v->err);
}

// ---- ledger and states -------------------------------------------------------------------------
static bool verify_ledger_row(void *context, const pl_ledger_row *row)
{
    verifying *v = context;
    if (row->records != row->curated + row->quarantined + row->filtered)
        add(v, "ledger", "ledger-balance", row->object,
            "%lld records are not %lld rows, %lld quarantined and %lld filtered",
            (long long)row->records, (long long)row->curated, (long long)row->quarantined,
            (long long)row->filtered);
    if (row->state == PL_STATE_PUBLISHED) v->curated += row->curated;
    return true;
}

typedef struct hold_search {
    const pl_object_row *object;
    const char *table;
    bool found;
} hold_search;

static bool find_hold(void *context, const pl_hold_row *row)
{
    hold_search *search = context;
    search->found |= strcmp(row->source, search->object->source) == 0 &&
                     strcmp(row->table, search->table) == 0 &&
                     strcmp(row->first_object, search->object->id) <= 0;
    return !search->found;
}

// What is staged has no files and no ledger: that it waits is all there is to know of it.
static void verify_staged(verifying *v, const pl_object_row *row)
{
    hold_search search = {.object = row, .table = v->table};
    if (pl_registry_holds(v->lake.registry, find_hold, &search, NULL) == PLUMB_OK && !search.found)
        add(v, "registry", "state-hold", row->id,
            "it is staged, and nothing of source '%s' waits that begins with it or before it",
            row->source);
}

static bool verify_state(void *context, const pl_object_row *row, pl_object_state state)
{
    verifying *v = context;
    pl_state_row found;
    if (state == PL_STATE_STAGED) verify_staged(v, row);
    if (state != PL_STATE_PUBLISHED || pl_registry_state(v->lake.registry, row->id, v->table,
                                                         &v->cli->arena, &found, NULL) != PLUMB_OK)
        return true;
    // An expired one is remembered by its parent.
    int64_t parent;
    bool known = false;
    if (found.snapshot && !pl_ice_snapshot_by_id(v->metadata, found.snapshot) &&
        pl_registry_parent(v->lake.registry, v->table, found.snapshot, &parent, &known, NULL) ==
            PLUMB_OK &&
        !known)
        add(v, "registry", "state-snapshot", row->id,
            "it is published by snapshot %lld, which the table does not have",
            (long long)found.snapshot);
    return true;
}

typedef struct known_files {
    pl_arena *arena;
    pl_map map; // URI -> index
    pl_buf rows;
} known_files;

static bool know_file(void *context, const pl_file_row *row)
{
    known_files *known = context;
    pl_span path = pl_arena_copy(known->arena, pl_span_of(row->path));
    pl_map_add(&known->map, path, (uint32_t)(known->rows.count / sizeof *row));
    pl_buf_append(&known->rows, row, sizeof *row);
    return true;
}

static bool made_by_plumb(const pl_ice_metadata *m, int64_t snapshot_id)
{
    pl_span run;
    const pl_ice_snapshot *s = pl_ice_snapshot_by_id(m, snapshot_id);
    return s && pl_ice_pair_find(s->summary, s->summary_count, "plumb.run", &run);
}

// --pages: every page of a file plumb made, its checksum and what is in it.
static void verify_pages(verifying *v, pl_ice_table *table, const char *path)
{
    plumb_error err = {0};
    pl_parquet_reader *reader;
    const pl_schema *schema = pl_ice_current_schema(table);
    const char *key = pl_store_key(v->lake.store, path);
    if (!schema || !key) return;
    plumb_status st = pl_parquet_reader_open(v->lake.store, key, schema, &reader, &err);
    if (st == PLUMB_OK) {
        for (uint32_t i = 0; i < schema->count && st == PLUMB_OK; i++) {
            pl_column column;
            pl_column_init(&column, &schema->fields[i].type);
            for (uint32_t g = 0; g < pl_parquet_reader_groups(reader) && st == PLUMB_OK; g++)
                st = pl_parquet_read_column(reader, g, i, &column, &err);
            pl_column_done(&column);
        }
        pl_parquet_reader_close(reader);
    }
    if (st != PLUMB_OK) add(v, "table", "file-pages", path, "%s", err.message);
}

// Every live file plumb made is in its books, as large as they say.
static plumb_status verify_files(verifying *v, pl_ice_table *table, const pl_ice_file *files,
                                 uint32_t count)
{
    known_files known = {.arena = &v->cli->arena};
    plumb_status st = pl_registry_files(v->lake.registry, v->table, know_file, &known, v->err);
    const pl_file_row *rows = (const pl_file_row *)known.rows.data;
    for (uint32_t i = 0; i < count && st == PLUMB_OK; i++) {
        const char *path = pl_arena_cstr(&v->cli->arena, files[i].path);
        uint32_t index = pl_map_get(&known.map, files[i].path);
        if (index == PL_MAP_NONE) {
            if (made_by_plumb(table->metadata, files[i].snapshot_id))
                add(v, "registry", "file-known", path, "the registry does not know this file");
            continue;
        }
        if (pl_cli_flag(v->cli, "pages")) verify_pages(v, table, path);
        if (rows[index].rows != (int64_t)files[i].metrics.rows ||
            rows[index].bytes != (int64_t)files[i].metrics.bytes) {
            add(v, "registry", "file-same", path,
                "its manifest says %llu rows and %llu bytes, the registry %lld and %lld",
                (unsigned long long)files[i].metrics.rows,
                (unsigned long long)files[i].metrics.bytes, (long long)rows[index].rows,
                (long long)rows[index].bytes);
        }
    }
    pl_map_done(&known.map);
    pl_buf_done(&known.rows);
    return st;
}

static plumb_status verify_books(verifying *v, pl_ice_table *table)
{
    pl_ice_file *files;
    uint32_t count;
    uint64_t rows = 0;
    bool ours = true;
    plumb_error err = {0};
    v->metadata = table->metadata;
    v->curated = 0;
    PL_TRY(pl_registry_objects(v->lake.registry, NULL, v->table, verify_state, v, v->err));
    PL_TRY(pl_registry_ledger(v->lake.registry, NULL, v->table, 0, verify_ledger_row, v, v->err));
    // What cannot be listed was found by the lint, or has deletes of another writer.
    if (pl_ice_files(table, 0, &v->cli->arena, &files, &count, &err) != PLUMB_OK) return PLUMB_OK;
    PL_TRY(verify_files(v, table, files, count));
    for (uint32_t i = 0; i < count; i++) rows += files[i].metrics.rows;
    for (uint32_t i = 0; i < v->metadata->snapshot_count; i++)
        ours &= made_by_plumb(v->metadata, v->metadata->snapshots[i].id);
    if (ours && v->metadata->snapshot_count && (int64_t)rows != v->curated)
        add(v, "ledger", "ledger-rows", table->metadata_location,
            "the table has %llu rows, and the ledger counts %lld published",
            (unsigned long long)rows, (long long)v->curated);
    return PLUMB_OK;
}

// ---- tables ------------------------------------------------------------------------------------
static plumb_status table_location(verifying *v, const char *name, char **ret_location)
{
    pl_catalog catalog = pl_registry_catalog(v->lake.registry);
    return catalog.load(catalog.self, name, &v->cli->arena, ret_location, v->err);
}

static plumb_status verify_table(verifying *v, const char *name)
{
    pl_ice_lint lint;
    pl_ice_table *table;
    plumb_error err = {0};
    char *location, *after;
    v->table = name;
    PL_TRY(table_location(v, name, &location));
    if (!location) return PLUMB_OK; // declared, and nothing published yet
    pl_ice_lint_table(v->lake.store, location, &v->cli->arena, &lint);
    for (uint32_t i = 0; i < lint.count; i++)
        add(v, "table", lint.findings[i].rule, lint.findings[i].place, "%s", lint.findings[i].what);
    v->dropped += lint.dropped;
    table_counts counts = {name, lint.snapshots, lint.manifests, lint.files};
    pl_buf_append(&v->tables, &counts, sizeof counts);
    if (pl_ice_load(v->lake.store, location, &v->cli->arena, &table, &err) != PLUMB_OK)
        return PLUMB_OK; // said by the lint
    size_t before = v->findings.count;
    PL_TRY(verify_books(v, table));
    // Published meanwhile: the books are of another snapshot than the one looked at.
    PL_TRY(table_location(v, name, &after));
    if (!after || strcmp(after, location) != 0) v->findings.count = before;
    return PLUMB_OK;
}

typedef struct names {
    pl_arena *arena;
    pl_buf list; // owned; const char *
} names;

static bool add_name(void *context, const pl_table_row *row)
{
    names *all = context;
    const char *name = pl_arena_cstr(all->arena, pl_span_of(row->name));
    pl_buf_append(&all->list, &name, sizeof name);
    return true;
}

static plumb_status verify_tables(verifying *v)
{
    names all = {.arena = &v->cli->arena};
    plumb_status st = pl_registry_tables(v->lake.registry, add_name, &all, v->err);
    const char **list = (const char **)(void *)all.list.data;
    for (size_t i = 0; i < all.list.count / sizeof *list && st == PLUMB_OK; i++)
        st = verify_table(v, list[i]);
    pl_buf_done(&all.list);
    v->table = NULL;
    return st;
}

static plumb_status verify_place(verifying *v)
{
    const char *source;
    PL_TRY(pl_moved_from(v->lake.store, v->lake.registry, &v->cli->arena, &source, v->err));
    if (source)
        add(v, "registry", "moved", pl_registry_path(v->lake.registry),
            "the lake was moved, and its tables still name '%s': 'plumb relocate' rewrites them",
            source);
    return PLUMB_OK;
}

static plumb_status verify(verifying *v, const char *table)
{
    plumb_error err = {0};
    if (table) PL_TRY(pl_look_table(v->cli, &v->lake, table, v->err));
    if (!v->lake.registry || !v->lake.store) return PLUMB_OK;
    if (pl_registry_check(v->lake.registry, &err) != PLUMB_OK)
        add(v, "registry", "registry-file", pl_registry_path(v->lake.registry), "%s", err.message);
    PL_TRY(verify_place(v));
    if (table) return verify_table(v, table);
    PL_TRY(verify_tables(v));
    return verify_raw(v);
}

// ---- output ------------------------------------------------------------------------------------
static void print_json(const verifying *v)
{
    pl_json_writer json = pl_cli_json(v->cli);
    const finding *found = (const finding *)(const void *)v->findings.data;
    const table_counts *tables = (const table_counts *)(const void *)v->tables.data;
    pl_json_begin(&json, '{');
    pl_json_key(&json, "sound"), pl_json_bool(&json, !finding_count(v));
    pl_json_key(&json, "tables"), pl_json_begin(&json, '[');
    for (size_t i = 0; i < v->tables.count / sizeof *tables; i++) {
        pl_json_begin(&json, '{');
        pl_look_text(&json, "table", tables[i].name);
        pl_look_int(&json, "snapshots", tables[i].snapshots);
        pl_look_int(&json, "manifests", tables[i].manifests);
        pl_look_int(&json, "files", tables[i].files);
        pl_json_end(&json, '}');
    }
    pl_json_end(&json, ']');
    pl_json_key(&json, "raw"), pl_json_begin(&json, '{');
    pl_look_int(&json, "objects", v->objects);
    pl_look_int(&json, "bytes", (int64_t)v->raw_bytes);
    pl_json_end(&json, '}');
    pl_json_key(&json, "findings"), pl_json_begin(&json, '[');
    for (uint32_t i = 0; i < finding_count(v); i++) {
        pl_json_begin(&json, '{');
        pl_look_text(&json, "area", found[i].area);
        pl_look_text(&json, "table", found[i].table);
        pl_look_text(&json, "rule", found[i].rule);
        pl_look_text(&json, "place", found[i].place);
        pl_look_text(&json, "what", found[i].what);
        pl_json_end(&json, '}');
    }
    pl_json_end(&json, ']');
    pl_look_int(&json, "more", (int64_t)v->dropped);
    pl_json_end(&json, '}');
}

static void print_text(const verifying *v)
{
    pl_cli *cli = v->cli;
    pl_human n, bytes;
    const finding *found = (const finding *)(const void *)v->findings.data;
    const table_counts *tables = (const table_counts *)(const void *)v->tables.data;
    size_t count = v->tables.count / sizeof *tables;
    int64_t snapshots = 0, files = 0;
    pl_buf line = {0};
    for (uint32_t i = 0; i < finding_count(v); i++) {
        pl_buf_reset(&line);
        pl_cli_escape(&line, pl_span_of(found[i].place));
        pl_buf_text(&line, ": ");
        pl_cli_escape(&line, pl_span_of(found[i].what));
        pl_cli_print(cli, "%s%s%s  %s\n", pl_cli_color(cli, PL_COLOR_RED), found[i].rule,
                     pl_cli_color(cli, PL_COLOR_OFF), pl_buf_cstr(&line));
    }
    pl_buf_done(&line);
    for (size_t i = 0; i < count; i++) {
        snapshots += tables[i].snapshots;
        files += tables[i].files;
    }
    pl_cli_print(cli, "%s %s", pl_human_count(n, (int64_t)count),
                 pl_plural((int64_t)count, "table", "tables"));
    pl_cli_print(cli, ", %s %s", pl_human_count(n, snapshots),
                 pl_plural(snapshots, "snapshot", "snapshots"));
    pl_cli_print(cli, ", %s data %s", pl_human_count(n, files), pl_plural(files, "file", "files"));
    if (v->objects)
        pl_cli_print(cli, ", %s raw %s of %s", pl_human_count(n, v->objects),
                     pl_plural(v->objects, "object", "objects"),
                     pl_human_bytes(bytes, (int64_t)v->raw_bytes));
    int64_t all = finding_count(v) + (int64_t)v->dropped;
    if (all)
        pl_cli_print(cli, ": %s %s\n", pl_human_count(n, all),
                     pl_plural(all, "finding", "findings"));
    else
        pl_cli_print(cli, ": sound\n");
    if (v->dropped)
        pl_cli_print(cli, "Of each rule the first %d are shown.\n", PL_ICE_FINDINGS_PER_RULE);
}

static int run(pl_cli *cli)
{
    plumb_error err = {0};
    verifying v = {.cli = cli, .err = &err, .watched = pl_is_terminal(STDERR_FILENO)};
    if (pl_cli_open(cli, PL_CLI_READ, &v.lake, &err)) return pl_cli_fail(cli, &err);
    plumb_status st = verify(&v, cli->arg_count ? cli->args[0] : NULL);
    if (st == PLUMB_OK && cli->json) print_json(&v);
    if (st == PLUMB_OK && !cli->json) print_text(&v);
    bool sound = finding_count(&v) == 0;
    pl_buf_done(&v.findings);
    pl_buf_done(&v.tables);
    pl_map_done(&v.keys);
    pl_lake_close(&v.lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    return sound ? pl_cli_finish(cli) : pl_cli_finish_with(cli, PL_EXIT_FAILED);
}

static const pl_option options[] = {
    {.name = "pages", .help = "also read every page of the data files plumb made"},
    {0},
};

const pl_command pl_command_verify = {
    .name = "verify",
    .group = PL_GROUP_CARE,
    .usage = "[TABLE] [--pages] [--json]",
    .summary = "check tables, raw objects and books, byte by byte",
    .options = options,
    .help = "Every table is checked against the rules of Iceberg, down to each manifest and the\n"
            "footer of each data file; every raw object against its checksums; the ledger and the\n"
            "registry against both. With TABLE only that table. Nothing is changed.\n"
            "Exit code 0: sound; 1: there are findings, one line each.\n\n"
            "JSON: {\"sound\", \"tables\": [{\"table\", \"snapshots\", \"manifests\", \"files\"}], "
            "\"raw\": {\"objects\",\n"
            "\"bytes\"}, \"findings\": [{\"area\", \"table\", \"rule\", \"place\", \"what\"}], "
            "\"more\"}.\n"
            "\n"
            "Example:\n"
            "  $ plumb verify\n"
            "  1 table, 6 snapshots, 24 data files, 30 raw objects of 12.4 MiB: sound\n",
    .args_max = 1,
    .json = true,
    .run = run,
};
