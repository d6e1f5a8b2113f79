// table.c -- load a table, create one, list its live files, point the hint.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table.h"

#include "iceberg/table_int.h"

#define METADATA_SUFFIX ".metadata.json"

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

plumb_status pl_iceberg__outside(const char *what, const char *uri, plumb_error *err)
{
    pl_fail(err, PLUMB_E_FAILED, "cannot read %s '%s': it is outside the lake", what, uri);
    pl_hint(err, "Table metadata holds absolute paths: if the lake was moved, 'plumb relocate' "
                 "rewrites them.");
    return PLUMB_E_FAILED;
}

plumb_status pl_ice_load(pl_store *store, const char *location, pl_arena *arena,
                         pl_ice_table **ret_table, plumb_error *err)
{
    const char *file = pl_store_key(store, location);
    pl_span text;
    if (!file) return pl_iceberg__outside("table metadata", location, err);
    PL_TRY(pl_store_get(store, file, PL_ICE_METADATA_BYTES_MAX, arena, &text, err));
    pl_ice_table *table = PL_TAKE(arena, pl_ice_table, 1);
    *table = (pl_ice_table){.store = store,
                            .arena = arena,
                            .metadata_location = pl_arena_cstr(arena, pl_span_of(location))};
    PL_TRY(pl_ice_metadata_parse(text, file, arena, &table->metadata, err));
    const char *uri = pl_arena_cstr(arena, table->metadata->location);
    const char *key = pl_store_key(store, uri);
    table->key = key ? pl_arena_cstr(arena, pl_span_of(key)) : NULL;
    table->name = last_part(uri);
    *ret_table = table;
    return PLUMB_OK;
}

pl_span pl_iceberg__schema_text(pl_arena *arena, const pl_schema *schema, pl_span identifiers)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_ice_schema_write(&w, schema, identifiers);
    pl_span copy = pl_arena_copy(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

void pl_iceberg__assign_element_ids(pl_arena *arena, pl_type *type, int32_t *last_id)
{
    if (type->kind != PL_LIST) return;
    pl_type *element = PL_TAKE(arena, pl_type, 1);
    *element = *type->element;
    type->element_id = ++*last_id;
    type->element = element;
    pl_iceberg__assign_element_ids(arena, element, last_id);
}

static plumb_status new_spec(const pl_ice_table *table, const pl_schema *schema,
                             const pl_partition_spec *wanted, pl_ice_spec *ret_spec,
                             plumb_error *err)
{
    pl_partition_spec *spec = &ret_spec->spec;
    spec->count = wanted ? wanted->count : 0;
    spec->fields = PL_TAKE(table->arena, pl_partition_field, spec->count);
    for (uint32_t i = 0; i < spec->count; i++) {
        pl_partition_field *field = &spec->fields[i];
        const pl_partition_field *from = &wanted->fields[i];
        int source = pl_schema_find(schema, from->source);
        pl_kind kind;
        if (source < 0)
            return pl_fail(err, PLUMB_E_CONFIG,
                           "cannot create table '%s': partition field '%.*s' has no column '%.*s'",
                           table->name, PL_FMT(from->name), PL_FMT(from->source));
        if (!pl_transform_result(&from->transform, &schema->fields[source].type, &kind))
            return pl_fail(err, PLUMB_E_CONFIG,
                           "cannot create table '%s': partition field '%.*s' is not possible on a "
                           "column of type %s",
                           table->name, PL_FMT(from->name),
                           pl_kind_name(schema->fields[source].type.kind));
        *field = (pl_partition_field){.id = 1000 + (int32_t)i,
                                      .source_id = schema->fields[source].id,
                                      .source = schema->fields[source].name,
                                      .name = pl_arena_copy(table->arena, from->name),
                                      .transform = from->transform};
    }
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "spec-id"), pl_json_int(&w, 0);
    pl_json_key(&w, "fields"), pl_ice_spec_fields_write(&w, spec);
    pl_json_end(&w, '}');
    ret_spec->raw = pl_arena_copy(table->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return PLUMB_OK;
}

// plumb's own properties unless the caller sets them, then the caller's.
static void new_properties(pl_ice_metadata *m, pl_arena *arena, const pl_ice_new *options)
{
    static const struct {
        const char *key, *value;
    } own[] = {
        {"write.metadata.delete-after-commit.enabled", "true"},
        {"write.metadata.previous-versions-max", "100"},
    };
    pl_span ignored;
    m->properties = PL_TAKE(arena, pl_ice_pair, PL_COUNT(own) + options->property_count);
    for (size_t i = 0; i < PL_COUNT(own); i++)
        if (!pl_ice_pair_find(options->properties, options->property_count, own[i].key, &ignored))
            m->properties[m->property_count++] =
                (pl_ice_pair){pl_span_of(own[i].key), pl_span_of(own[i].value)};
    for (uint32_t i = 0; i < options->property_count; i++)
        m->properties[m->property_count++] =
            (pl_ice_pair){pl_arena_copy(arena, options->properties[i].key),
                          pl_arena_copy(arena, options->properties[i].value)};
}

plumb_status pl_ice_create(pl_store *store, const pl_ice_new *options, pl_arena *arena,
                           pl_ice_table **ret_table, plumb_error *err)
{
    char uuid[37];
    pl_ice_metadata *m = PL_TAKE(arena, pl_ice_metadata, 1);
    pl_ice_table *table = PL_TAKE(arena, pl_ice_table, 1);
    *table = (pl_ice_table){.store = store, .arena = arena, .metadata = m};
    table->key = pl_arena_cstr(arena, pl_span_of(options->key));
    table->name = last_part(table->key);
    pl_ice_uuid_text(options->uuid, uuid);
    m->uuid = pl_arena_copy(arena, pl_span_of(uuid));
    m->location = pl_span_of(pl_store_uri(store, table->key, arena));
    m->last_updated_ms = options->now_ms;
    m->current_snapshot_id = PL_ICE_NO_SNAPSHOT;

    pl_schema schema = pl_schema_copy(arena, options->schema);
    schema.id = 0;
    for (uint32_t i = 0; i < schema.count; i++) schema.fields[i].id = ++m->last_column_id;
    for (uint32_t i = 0; i < schema.count; i++)
        pl_iceberg__assign_element_ids(arena, &schema.fields[i].type, &m->last_column_id);
    m->schemas = PL_TAKE(arena, pl_ice_schema, 1);
    m->schema_count = 1;
    m->schemas[0] = (pl_ice_schema){.schema = schema,
                                    .raw = pl_iceberg__schema_text(arena, &schema, PL_SPAN(""))};

    m->specs = PL_TAKE(arena, pl_ice_spec, 1);
    m->spec_count = 1;
    PL_TRY(new_spec(table, &schema, options->spec, &m->specs[0], err));
    m->last_partition_id = 999 + (int32_t)m->specs[0].spec.count;
    m->sort_orders.items = PL_TAKE(arena, pl_ice_item, 1);
    m->sort_orders.items[0].raw = PL_SPAN("{\"order-id\":0,\"fields\":[]}");
    m->sort_orders.count = 1;
    new_properties(m, arena, options);
    *ret_table = table;
    return PLUMB_OK;
}

const pl_schema *pl_ice_current_schema(const pl_ice_table *table)
{
    const pl_ice_metadata *m = table->metadata;
    const pl_ice_schema *schema = pl_ice_schema_by_id(m, m->current_schema_id);
    return schema->foreign ? NULL : &schema->schema;
}

const pl_partition_spec *pl_ice_current_spec(const pl_ice_table *table)
{
    const pl_ice_spec *spec = pl_ice_spec_by_id(table->metadata, table->metadata->default_spec_id);
    return spec->foreign ? NULL : &spec->spec;
}

bool pl_ice_spec_matches(const pl_ice_table *table, const pl_partition_spec *wanted)
{
    const pl_partition_spec *spec = pl_ice_current_spec(table);
    if (!spec || spec->count != wanted->count) return false;
    for (uint32_t i = 0; i < spec->count; i++) {
        const pl_transform *a = &spec->fields[i].transform, *b = &wanted->fields[i].transform;
        bool sized = a->kind == PL_BUCKET || a->kind == PL_TRUNCATE;
        if (!pl_span_equal(spec->fields[i].source, wanted->fields[i].source) ||
            a->kind != b->kind || (sized && a->parameter != b->parameter))
            return false;
    }
    return true;
}

plumb_status pl_iceberg__list(const pl_ice_table *table, const pl_ice_snapshot *snapshot,
                              pl_arena *arena, pl_ice_manifest **ret_rows, uint32_t *ret_count,
                              plumb_error *err)
{
    const char *uri = pl_arena_cstr(arena, snapshot->manifest_list);
    const char *key = pl_store_key(table->store, uri);
    pl_span file;
    if (!key) return pl_iceberg__outside("manifest list", uri, err);
    PL_TRY(pl_store_get(table->store, key, PL_ICE_MANIFEST_BYTES_MAX, arena, &file, err));
    return pl_ice_list_read(file, key, arena, ret_rows, ret_count, err);
}

plumb_status pl_iceberg__entries(const pl_ice_table *table, const pl_ice_manifest *row,
                                 pl_arena *arena, pl_ice_entry **ret_entries, uint32_t *ret_count,
                                 plumb_error *err)
{
    pl_arena scratch = {0};
    const char *uri = pl_arena_cstr(&scratch, row->path);
    const char *key = pl_store_key(table->store, uri);
    pl_span bytes;
    plumb_status st =
        key ? pl_store_get(table->store, key, PL_ICE_MANIFEST_BYTES_MAX, &scratch, &bytes, err)
            : pl_iceberg__outside("manifest", uri, err);
    if (st == PLUMB_OK && (int64_t)bytes.bytes != row->bytes)
        st = pl_fail(err, PLUMB_E_MALFORMED,
                     "cannot read manifest '%s': expected %lld bytes, found %zu", key,
                     (long long)row->bytes, bytes.bytes);
    if (st == PLUMB_OK)
        st = pl_ice_manifest_read(bytes, key, row, table->metadata, arena, ret_entries, ret_count,
                                  err);
    pl_arena_done(&scratch);
    return st;
}

// The live entries of one manifest, appended to `files` as pl_ice_file.
static plumb_status manifest_files(const pl_ice_table *table, const pl_ice_manifest *row,
                                   pl_arena *arena, pl_buf *files, plumb_error *err)
{
    pl_ice_entry *entries;
    uint32_t count;
    PL_TRY(pl_iceberg__entries(table, row, arena, &entries, &count, err));
    const pl_partition_spec *spec = &pl_ice_spec_by_id(table->metadata, row->spec_id)->spec;
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].status == PL_ICE_DELETED) continue;
        pl_ice_file file = {.path = entries[i].path,
                            .spec = spec,
                            .partition = entries[i].partition,
                            .metrics = entries[i].metrics,
                            .snapshot_id = entries[i].snapshot_id,
                            .sequence = entries[i].sequence};
        pl_buf_append(files, &file, sizeof file);
    }
    return PLUMB_OK;
}

static plumb_status snapshot_files(const pl_ice_table *table, const pl_ice_snapshot *snapshot,
                                   pl_arena *arena, pl_buf *files, plumb_error *err)
{
    pl_ice_manifest *rows;
    uint32_t count;
    PL_TRY(pl_iceberg__list(table, snapshot, arena, &rows, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].added_files == 0 && rows[i].existing_files == 0) continue;
        if (rows[i].content != 0)
            return pl_fail(err, PLUMB_E_FAILED,
                           "cannot read table '%s': another writer deleted rows in it by delete "
                           "files, which plumb does not apply",
                           table->name);
        PL_TRY(manifest_files(table, &rows[i], arena, files, err));
    }
    return PLUMB_OK;
}

plumb_status pl_ice_files(pl_ice_table *table, int64_t snapshot_id, pl_arena *arena,
                          pl_ice_file **ret_files, uint32_t *ret_count, plumb_error *err)
{
    const pl_ice_metadata *m = table->metadata;
    int64_t id = snapshot_id ? snapshot_id : m->current_snapshot_id;
    const pl_ice_snapshot *snapshot = pl_ice_snapshot_by_id(m, id);
    pl_buf files = {0};
    if (!snapshot && id != PL_ICE_NO_SNAPSHOT)
        return pl_fail(err, PLUMB_E_NOT_FOUND, "cannot read table '%s': it has no snapshot %lld",
                       table->name, (long long)id);
    plumb_status st = snapshot ? snapshot_files(table, snapshot, arena, &files, err) : PLUMB_OK;
    if (st == PLUMB_OK) {
        *ret_count = (uint32_t)(files.count / sizeof(pl_ice_file));
        *ret_files = PL_TAKE(arena, pl_ice_file, *ret_count);
        if (files.count) memcpy(*ret_files, files.data, files.count);
    }
    pl_buf_done(&files);
    return st;
}

plumb_status pl_ice_write_hint(pl_store *store, const char *location, plumb_error *err)
{
    const char *key = pl_store_key(store, location);
    if (!key) return pl_iceberg__outside("table metadata", location, err);
    pl_span name = pl_span_of(last_part(key));
    pl_span directory = {key, strlen(key) - name.bytes};
    size_t suffix = strlen(METADATA_SUFFIX);
    if (name.bytes > suffix &&
        pl_span_is((pl_span){name.data + name.bytes - suffix, suffix}, METADATA_SUFFIX))
        name.bytes -= suffix;
    pl_buf hint = {0};
    pl_buf_span(&hint, directory);
    pl_buf_text(&hint, "version-hint.text");
    plumb_status st = pl_store_replace(store, pl_buf_cstr(&hint), name, err);
    pl_buf_done(&hint);
    return st;
}
