// append.c -- prepare a commit of data files: manifests, manifest list, metadata.json.
//
// Everything is put once under a name no other commit has; what a commit that fails leaves behind
// is garbage nobody refers to.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/map.h"
#include "base/number.h"
#include "iceberg/table_int.h"

#define METADATA_LOG_DEFAULT 100

typedef struct appending {
    const pl_ice_table *table;
    const pl_ice_data_file *files;
    uint32_t file_count;
    pl_ice_commit *commit;
    const pl_ice_snapshot *parent; // NULL if none
    int64_t now_ms;
    pl_iceberg__removal removal;
    plumb_error *err;
} appending;

static char *metadata_key(const appending *a, const char *name)
{
    return pl_arena_printf(a->table->arena, "%s/metadata/%s", a->table->key, name);
}

// Put `bytes` at `key`; *ret_uri is its address. Settled with the metadata, which is in the same
// directory and put after everything it leads to.
static plumb_status put(const appending *a, const char *key, const pl_buf *bytes, pl_span *ret_uri)
{
    PL_TRY(pl_store_put_unsettled(a->table->store, key, pl_buf_view(bytes), a->err));
    *ret_uri = pl_span_of(pl_store_uri(a->table->store, key, a->table->arena));
    return PLUMB_OK;
}

// A sync marker unique to the file: the commit's uuid and a number.
static void sync_of(const pl_ice_commit *commit, uint32_t number, uint8_t sync[16])
{
    memcpy(sync, commit->uuid, 16);
    for (int i = 0; i < 4; i++) sync[i] ^= (uint8_t)(number >> (8 * i));
}

static void row_add(pl_ice_commit *commit, pl_arena *arena, const pl_ice_manifest *row)
{
    pl_ice_manifest *rows = PL_TAKE(arena, pl_ice_manifest, commit->manifest_count + 1);
    if (commit->manifest_count)
        memcpy(rows, commit->manifests, commit->manifest_count * sizeof *rows);
    rows[commit->manifest_count++] = *row;
    commit->manifests = rows;
}

// One manifest of files from *first on; *first moves behind the last one it holds.
static plumb_status write_manifest(const appending *a, const pl_ice_schema *schema,
                                   const pl_partition_spec *spec, pl_buf *out, uint32_t *first)
{
    pl_ice_commit *commit = a->commit;
    pl_arena *arena = a->table->arena;
    pl_ice_manifest_writer writer;
    pl_ice_manifest row;
    int32_t sort_id = a->table->metadata->default_sort_order_id;
    uint8_t sync[16];
    char uuid[37];
    sync_of(commit, commit->manifest_count + 1, sync);
    pl_ice_manifest_begin(&writer, out, schema, spec, sync, arena);
    while (*first < a->file_count && pl_ice_manifest_size(&writer) < PL_ICE_MANIFEST_BYTES_TARGET) {
        const pl_ice_data_file *file = &a->files[(*first)++];
        pl_ice_entry entry = {.status = PL_ICE_ADDED,
                              .snapshot_id = commit->snapshot_id,
                              .sequence = PL_ICE_INHERIT,
                              .file_sequence = PL_ICE_INHERIT,
                              .path = file->path,
                              .format = PL_SPAN("PARQUET"),
                              .partition = file->partition,
                              .metrics = file->metrics,
                              .sort_order_id = file->sorted ? sort_id : -1};
        pl_ice_manifest_add(&writer, &entry);
    }
    pl_ice_manifest_finish(&writer, &row);
    pl_ice_uuid_text(commit->uuid, uuid);
    const char *name = pl_arena_printf(arena, "%s-m%u.avro", uuid, commit->manifest_count);
    row.snapshot_id = commit->snapshot_id;
    PL_TRY(put(a, metadata_key(a, name), out, &row.path));
    row_add(commit, arena, &row);
    return PLUMB_OK;
}

static plumb_status write_manifests(const appending *a)
{
    const pl_ice_metadata *m = a->table->metadata;
    const pl_ice_schema *schema = pl_ice_schema_by_id(m, m->current_schema_id);
    const pl_partition_spec *spec = pl_ice_current_spec(a->table);
    if (a->commit->manifest_count && a->commit->spec_id == spec->id) return PLUMB_OK; // a retry
    uint32_t first = 0;
    pl_buf out = {0};
    plumb_status st = PLUMB_OK;
    a->commit->spec_id = spec->id;
    while (st == PLUMB_OK && first < a->file_count)
        st = write_manifest(a, schema, spec, &out, &first);
    pl_buf_done(&out);
    return st;
}

// New manifests, those written anew, then the parent's that still hold files. *ret_uri is the
// list's address.
static plumb_status write_list(appending *a, pl_span *ret_uri)
{
    pl_ice_commit *commit = a->commit;
    pl_arena *arena = a->table->arena;
    pl_ice_manifest *old = NULL;
    uint32_t old_count = 0, live = 0;
    if (a->parent) PL_TRY(pl_iceberg__list(a->table, a->parent, arena, &old, &old_count, a->err));
    for (uint32_t i = 0; i < old_count; i++)
        if (old[i].added_files > 0 || old[i].existing_files > 0) old[live++] = old[i];
    PL_TRY(pl_iceberg__remove(a->table, commit, old, &live, &a->removal, a->err));
    PL_TRY(pl_iceberg__merge(a->table, commit, old, &live, a->err));
    uint32_t added = commit->manifest_count, rewritten = a->removal.row_count;
    uint32_t count = added + rewritten + live;
    pl_ice_manifest *rows = PL_TAKE(arena, pl_ice_manifest, count);
    if (added) memcpy(rows, commit->manifests, added * sizeof *rows);
    if (rewritten) memcpy(rows + added, a->removal.manifests, rewritten * sizeof *rows);
    if (live) memcpy(rows + added + rewritten, old, live * sizeof *rows);
    pl_ice_list_head head = {.snapshot_id = commit->snapshot_id,
                             .parent_id = a->parent ? a->parent->id : PL_ICE_NO_SNAPSHOT,
                             .sequence = a->table->metadata->last_sequence + 1};
    char uuid[37];
    sync_of(commit, 0x80000000u | commit->attempt, head.sync);
    pl_ice_uuid_text(commit->uuid, uuid);
    const char *name = pl_arena_printf(arena, "snap-%lld-%u-%s.avro",
                                       (long long)commit->snapshot_id, commit->attempt, uuid);
    pl_buf out = {0};
    pl_ice_list_write(&out, &head, rows, count);
    plumb_status st = put(a, metadata_key(a, name), &out, ret_uri);
    pl_buf_done(&out);
    return st;
}

void pl_iceberg__partition_key(pl_buf *out, const pl_partition_spec *spec, const pl_value *values)
{
    pl_buf_printf(out, "%d", spec->id);
    for (uint32_t i = 0; i < spec->count; i++) {
        size_t before = out->count;
        pl_value_bytes(out, &values[i]);
        pl_buf_printf(out, "/%zu%c", out->count - before, values[i].is_null ? 'n' : 'v');
    }
}

static int64_t changed_partitions(const appending *a)
{
    const pl_partition_spec *spec = pl_ice_current_spec(a->table);
    pl_arena keys = {0};
    pl_map seen = {0};
    pl_buf key = {0};
    for (uint32_t i = 0; i < a->file_count; i++) {
        pl_buf_reset(&key);
        pl_iceberg__partition_key(&key, spec, a->files[i].partition);
        if (pl_map_get(&seen, pl_buf_view(&key)) == PL_MAP_NONE)
            pl_map_add(&seen, pl_arena_copy(&keys, pl_buf_view(&key)), 0);
    }
    for (uint32_t i = 0; i < a->removal.partition_count; i++)
        pl_map_add(&seen, a->removal.partitions[i], 0);
    int64_t count = seen.count;
    pl_map_done(&seen);
    pl_arena_done(&keys);
    pl_buf_done(&key);
    return count;
}

static void pair_int(pl_json_writer *w, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    pl_json_key(w, key), pl_json_cstr(w, text);
}

// The parent's total plus what is added. A parent without that total, or with one that cannot be,
// leaves it unknown.
static void pair_total(const appending *a, pl_json_writer *w, const char *key, int64_t added)
{
    pl_number number;
    pl_span text;
    int64_t total = 0;
    if (a->parent && (!pl_ice_pair_find(a->parent->summary, a->parent->summary_count, key, &text) ||
                      pl_number_parse(text, &number) != PL_NUMBER_OK ||
                      pl_number_long(&number, 0, &total) != PL_NUMBER_OK || total < 0 ||
                      (added > 0 && total > INT64_MAX - added) || total + added < 0))
        return;
    pair_int(w, key, total + added);
}

static const char *operation(const appending *a)
{
    if (a->commit->operation) return a->commit->operation;
    if (!a->commit->removed_count) return "append";
    return a->file_count ? "overwrite" : "delete";
}

static void write_summary(const appending *a, pl_json_writer *w)
{
    const pl_iceberg__removal *gone = &a->removal;
    int64_t rows = 0, bytes = 0;
    for (uint32_t i = 0; i < a->file_count; i++) {
        rows += (int64_t)a->files[i].metrics.rows;
        bytes += (int64_t)a->files[i].metrics.bytes;
    }
    pl_json_begin(w, '{');
    pl_json_key(w, "operation"), pl_json_cstr(w, operation(a));
    pair_int(w, "added-data-files", a->file_count);
    pair_int(w, "deleted-data-files", gone->files);
    pair_int(w, "added-records", rows);
    pair_int(w, "deleted-records", gone->rows);
    pair_int(w, "added-files-size", bytes);
    pair_int(w, "removed-files-size", gone->bytes);
    pair_int(w, "changed-partition-count", changed_partitions(a));
    pair_total(a, w, "total-records", rows - gone->rows);
    pair_total(a, w, "total-files-size", bytes - gone->bytes);
    pair_total(a, w, "total-data-files", a->file_count - gone->files);
    pair_total(a, w, "total-delete-files", 0);
    pair_total(a, w, "total-position-deletes", 0);
    pair_total(a, w, "total-equality-deletes", 0);
    for (uint32_t i = 0; i < a->commit->summary_count; i++) {
        pl_json_key_span(w, a->commit->summary[i].key);
        pl_json_text(w, a->commit->summary[i].value);
    }
    pl_json_end(w, '}');
}

static pl_span snapshot_text(const appending *a, pl_span list)
{
    const pl_ice_metadata *m = a->table->metadata;
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "sequence-number"), pl_json_int(&w, m->last_sequence + 1);
    pl_json_key(&w, "snapshot-id"), pl_json_int(&w, a->commit->snapshot_id);
    if (a->parent) pl_json_key(&w, "parent-snapshot-id"), pl_json_int(&w, a->parent->id);
    pl_json_key(&w, "timestamp-ms"), pl_json_int(&w, a->now_ms);
    pl_json_key(&w, "summary"), write_summary(a, &w);
    pl_json_key(&w, "manifest-list"), pl_json_text(&w, list);
    pl_json_key(&w, "schema-id"), pl_json_int(&w, m->current_schema_id);
    pl_json_end(&w, '}');
    pl_span copy = pl_arena_copy(a->table->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

// `items` with one more at its end, the oldest dropped above `max`.
static void items_add(pl_arena *arena, pl_ice_items *items, pl_ice_item item, uint32_t max)
{
    uint32_t drop = items->count >= max ? items->count - max + 1 : 0;
    uint32_t keep = items->count - drop;
    pl_ice_item *all = PL_TAKE(arena, pl_ice_item, keep + 1);
    if (keep) memcpy(all, items->items + drop, keep * sizeof *all);
    all[keep] = item;
    *items = (pl_ice_items){all, keep + 1};
}

static int64_t latest(int64_t now_ms, const pl_ice_metadata *m)
{
    now_ms = PL_MAX(now_ms, m->last_updated_ms);
    if (m->snapshot_log.count)
        now_ms = PL_MAX(now_ms, m->snapshot_log.items[m->snapshot_log.count - 1].timestamp_ms);
    return now_ms;
}

void pl_iceberg__log_head(pl_ice_table *table, int64_t now_ms)
{
    pl_ice_metadata *m = table->metadata;
    int64_t id = m->current_snapshot_id, at = latest(now_ms, m);
    const char *entry = pl_arena_printf(
        table->arena, "{\"timestamp-ms\":%lld,\"snapshot-id\":%lld}", (long long)at, (long long)id);
    pl_ice_item item = {.id = id, .timestamp_ms = at, .raw = pl_span_of(entry)};
    items_add(table->arena, &m->snapshot_log, item, UINT32_MAX);
}

// Make the new snapshot the head of main in `m`, a copy of the table's metadata.
static void add_snapshot(const appending *a, pl_ice_metadata *m, pl_span list)
{
    pl_arena *arena = a->table->arena;
    int64_t id = a->commit->snapshot_id;
    pl_ice_snapshot *all = PL_TAKE(arena, pl_ice_snapshot, m->snapshot_count + 1);
    if (m->snapshot_count) memcpy(all, m->snapshots, m->snapshot_count * sizeof *all);
    all[m->snapshot_count++] = (pl_ice_snapshot){.id = id, .raw = snapshot_text(a, list)};
    m->snapshots = all;
    m->last_sequence++;
    m->current_snapshot_id = id;

    pl_ice_items refs = {PL_TAKE(arena, pl_ice_item, m->refs.count + 1), 1};
    const char *main_ref =
        pl_arena_printf(arena, "{\"snapshot-id\":%lld,\"type\":\"branch\"}", (long long)id);
    refs.items[0] = (pl_ice_item){.id = id, .name = PL_SPAN("main"), .raw = pl_span_of(main_ref)};
    for (uint32_t i = 0; i < m->refs.count; i++)
        if (!pl_span_is(m->refs.items[i].name, "main")) refs.items[refs.count++] = m->refs.items[i];
    m->refs = refs;
    pl_ice_table moved = *a->table;
    moved.metadata = m;
    pl_iceberg__log_head(&moved, a->now_ms);
}

// What the log forgets, for the caller to delete once the commit stands.
static void add_outdated(const appending *a, const pl_ice_items *log, int64_t max)
{
    const pl_ice_table *table = a->table;
    pl_ice_commit *commit = a->commit;
    pl_span enabled;
    const char *folder = metadata_key(a, "");
    uint32_t drop = log->count >= max ? log->count - (uint32_t)max + 1 : 0;
    commit->outdated = PL_TAKE(table->arena, const char *, drop);
    commit->outdated_count = 0;
    if (!pl_ice_pair_find(table->metadata->properties, table->metadata->property_count,
                          "write.metadata.delete-after-commit.enabled", &enabled) ||
        !pl_span_is(enabled, "true"))
        return;
    for (uint32_t i = 0; i < drop; i++) {
        const char *uri = pl_arena_cstr(table->arena, log->items[i].name);
        const char *key = pl_store_key(table->store, uri);
        bool kept = !key || strncmp(key, folder, strlen(folder)) != 0 ||
                    strcmp(uri, table->metadata_location) == 0;
        for (uint32_t k = drop; k < log->count && !kept; k++)
            kept = pl_span_equal(log->items[k].name, log->items[i].name);
        if (!kept) commit->outdated[commit->outdated_count++] = key;
    }
}

static void log_previous(const appending *a, pl_ice_metadata *m)
{
    const pl_ice_table *table = a->table;
    a->commit->outdated_count = 0;
    if (!table->metadata_location) return;
    int64_t max =
        pl_iceberg__property(m, "write.metadata.previous-versions-max", METADATA_LOG_DEFAULT);
    add_outdated(a, &m->metadata_log, max);
    pl_buf entry = {0};
    pl_json_writer w = pl_json_writer_on(&entry, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "timestamp-ms"), pl_json_int(&w, table->metadata->last_updated_ms);
    pl_json_key(&w, "metadata-file"), pl_json_cstr(&w, table->metadata_location);
    pl_json_end(&w, '}');
    pl_ice_item item = {.timestamp_ms = table->metadata->last_updated_ms,
                        .name = pl_span_of(table->metadata_location),
                        .raw = pl_arena_copy(table->arena, pl_buf_view(&entry))};
    items_add(table->arena, &m->metadata_log, item, (uint32_t)max);
    pl_buf_done(&entry);
}

// The number in front of the file's name, one more than that of the current file.
static uint32_t next_version(const pl_ice_table *table)
{
    if (!table->metadata_location) return 0;
    const char *slash = strrchr(table->metadata_location, '/');
    const char *name = slash ? slash + 1 : table->metadata_location;
    uint32_t version = 0;
    const char *at = name;
    for (; *at >= '0' && *at <= '9' && version < 100000000; at++)
        version = version * 10 + (uint32_t)(*at - '0');
    return at > name && *at == '-' ? version + 1 : table->metadata->metadata_log.count + 1;
}

static plumb_status write_metadata(const appending *a, const pl_ice_metadata *m,
                                   char **ret_location)
{
    uint8_t id[16];
    char uuid[37];
    memcpy(id, a->commit->uuid, 16);
    id[15] ^= (uint8_t)(a->commit->attempt - 1); // attempts never share a name
    pl_ice_uuid_text(id, uuid);
    const char *name =
        pl_arena_printf(a->table->arena, "%05u-%s.metadata.json", next_version(a->table), uuid);
    pl_buf text = {0};
    pl_ice_metadata_write(&text, m);
    const char *key = metadata_key(a, name);
    plumb_status st = pl_store_put(a->table->store, key, pl_buf_view(&text), a->err);
    pl_buf_done(&text);
    if (st == PLUMB_OK) *ret_location = pl_store_uri(a->table->store, key, a->table->arena);
    return st;
}

static plumb_status check(const pl_ice_table *table, const pl_ice_commit *commit, plumb_error *err)
{
    const pl_ice_metadata *m = table->metadata;
    const pl_ice_schema *schema = pl_ice_schema_by_id(m, m->current_schema_id);
    const pl_ice_spec *spec = pl_ice_spec_by_id(m, m->default_spec_id);
    const char *foreign = schema->foreign ? schema->foreign : spec->foreign;
    if (foreign)
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot append to table '%s': %s, which plumb does not write", table->name,
                       foreign);
    if (!table->key)
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot append to table '%s': its location '%.*s' is outside the lake",
                       table->name, PL_FMT(m->location));
    if (commit->snapshot_id <= 0 || pl_ice_snapshot_by_id(m, commit->snapshot_id))
        return pl_fail(err, PLUMB_E_MISUSE,
                       "cannot append to table '%s': snapshot id %lld is taken", table->name,
                       (long long)commit->snapshot_id);
    return PLUMB_OK;
}

plumb_status pl_ice_append(pl_ice_table *table, const pl_ice_data_file *files, uint32_t count,
                           pl_ice_commit *commit, char **ret_location, plumb_error *err)
{
    pl_ice_metadata next = *table->metadata;
    appending a = {.table = table,
                   .files = files,
                   .file_count = count,
                   .commit = commit,
                   .parent = pl_ice_snapshot_by_id(&next, next.current_snapshot_id),
                   .now_ms = latest(commit->now_ms, &next),
                   .err = err};
    PL_TRY(check(table, commit, err));
    commit->attempt++;
    if (count > 0 || commit->removed_count > 0) {
        pl_span list;
        PL_TRY(write_manifests(&a));
        PL_TRY(write_list(&a, &list));
        add_snapshot(&a, &next, list);
    }
    log_previous(&a, &next);
    next.last_updated_ms = a.now_ms;
    return write_metadata(&a, &next, ret_location);
}

plumb_status pl_iceberg__commit_metadata(const pl_ice_table *table, pl_ice_commit *commit,
                                         char **ret_location, plumb_error *err)
{
    pl_ice_metadata next = *table->metadata;
    appending a = {
        .table = table, .commit = commit, .now_ms = latest(commit->now_ms, &next), .err = err};
    commit->attempt++;
    log_previous(&a, &next);
    next.last_updated_ms = a.now_ms;
    return write_metadata(&a, &next, ret_location);
}
