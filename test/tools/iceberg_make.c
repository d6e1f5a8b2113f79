// iceberg_make.c -- the iceberg folder behind one JSON request, for the tests in test/readers.
//
//     echo '{"do": "create", "store": DIR, "key": "tables/t", "schema": [...], ...}' | iceberg_make
//
// Requests (members beside "do" and "store"):
//     create   key, schema, partition, seed, now     -> location
//     append   location, files, seed, now, [schema: evolve first], [summary], [removed: paths],
//              [operation]                           -> location, changed
//     files    location, [snapshot]                  -> files
//     hint     location
//     lint     location                              -> findings: texts
//     parse    path of a metadata.json               -> text: the same written by us
//
// A schema is [{"name", "type", "required", "doc"}], a partition [{"name", "source", "transform"}],
// a file {"path", "partition": [...], "rows", "bytes", "leaves": [...], "splits": [...]} with
// bounds in hex. A failure prints {"error", "hint"} and exits with 1.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "iceberg/lint.h"
#include "iceberg/table.h"

static pl_arena arena;
static plumb_error err;
static pl_json_writer out;
static pl_buf text;

static void finish(int code)
{
    pl_json_end(&out, '}');
    pl_buf_char(&text, '\n');
    fwrite(text.data, 1, text.count, stdout);
    exit(code);
}

static void must(plumb_status st)
{
    if (st == PLUMB_OK) return;
    pl_json_key(&out, "error"), pl_json_cstr(&out, err.message);
    pl_json_key(&out, "hint"), pl_json_cstr(&out, err.hint);
    finish(1);
}

static pl_span get_text(const pl_json *json, const char *key)
{
    pl_span value = PL_SPAN("");
    pl_json_get_text(json, key, &value);
    return value;
}

static const char *get_cstr(const pl_json *json, const char *key)
{
    return pl_arena_cstr(&arena, get_text(json, key));
}

static int64_t get_long(const pl_json *json, const char *key, int64_t otherwise)
{
    int64_t value = otherwise;
    pl_json_get_long(json, key, &value);
    return value;
}

static pl_schema schema_of(const pl_json *list)
{
    pl_schema schema = {.fields = PL_TAKE(&arena, pl_field, list->count)};
    for (const pl_json *item = list->first; item; item = item->next) {
        pl_field *field = &schema.fields[schema.count++];
        const char *reason;
        const pl_json *required = pl_json_get(item, "required");
        field->name = get_text(item, "name");
        field->doc = get_text(item, "doc");
        field->required = required && required->kind == PL_JSON_TRUE;
        if (!pl_type_parse(get_text(item, "type"), &arena, &field->type, &reason))
            must(pl_fail(&err, PLUMB_E_CONFIG, "%s", reason));
    }
    return schema;
}

static pl_partition_spec spec_of(const pl_json *list)
{
    pl_partition_spec spec = {.fields = PL_TAKE(&arena, pl_partition_field, list->count)};
    for (const pl_json *item = list->first; item; item = item->next) {
        pl_partition_field *field = &spec.fields[spec.count++];
        field->name = get_text(item, "name");
        field->source = get_text(item, "source");
        if (!pl_transform_parse(get_text(item, "transform"), &field->transform))
            must(pl_fail(&err, PLUMB_E_CONFIG, "unknown transform"));
    }
    return spec;
}

static pl_span from_hex(pl_span hex)
{
    char *bytes = pl_arena_take(&arena, hex.bytes / 2 + 1);
    for (size_t i = 0; i + 1 < hex.bytes; i += 2) {
        const char digits[3] = {hex.data[i], hex.data[i + 1], 0};
        bytes[i / 2] = (char)strtol(digits, NULL, 16);
    }
    return (pl_span){bytes, hex.bytes / 2};
}

static pl_value value_of(const pl_json *json, pl_type type)
{
    pl_value value = {.kind = type.kind, .is_null = json->kind == PL_JSON_NULL};
    pl_number number;
    int64_t integer = 0;
    if (value.is_null) return value;
    pl_json_long(json, &integer);
    switch (type.kind) {
    case PL_BOOLEAN:
        value.boolean = json->kind == PL_JSON_TRUE;
        break;
    case PL_INT:
    case PL_DATE:
        value.i32 = (int32_t)integer;
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        value.i64 = integer;
        break;
    case PL_FLOAT:
        value.f32 = strtof(pl_arena_cstr(&arena, json->text), NULL); // "nan" as well
        break;
    case PL_DOUBLE:
        value.f64 = strtod(pl_arena_cstr(&arena, json->text), NULL);
        break;
    case PL_DECIMAL:
        if (pl_number_parse(json->text, &number) ||
            pl_number_decimal(&number, 0, type.precision, type.scale, &value.i128))
            must(pl_fail(&err, PLUMB_E_CONFIG, "bad decimal"));
        break;
    default:
        value.text = json->text;
    }
    return value;
}

static void leaf_of(const pl_json *json, pl_leaf_metrics *leaf)
{
    pl_span hex;
    leaf->field_id = (int32_t)get_long(json, "id", 0);
    leaf->compressed_bytes = get_long(json, "size", -1);
    leaf->values = get_long(json, "values", -1);
    leaf->nulls = get_long(json, "nulls", -1);
    leaf->nans = get_long(json, "nans", -1);
    leaf->has_lower = pl_json_get_text(json, "lower", &hex);
    if (leaf->has_lower) leaf->lower = from_hex(hex);
    leaf->has_upper = pl_json_get_text(json, "upper", &hex);
    if (leaf->has_upper) leaf->upper = from_hex(hex);
}

static pl_ice_data_file file_of(const pl_ice_table *table, const pl_json *json)
{
    const pl_partition_spec *spec = pl_ice_current_spec(table);
    const pl_json *leaves = pl_json_get(json, "leaves"), *splits = pl_json_get(json, "splits");
    const pl_json *item = pl_json_get(json, "partition");
    pl_value *values = PL_TAKE(&arena, pl_value, spec->count);
    item = item ? item->first : NULL;
    for (uint32_t i = 0; i < spec->count; i++, item = item->next) {
        pl_type type;
        if (!pl_ice_partition_type(pl_ice_current_schema(table), &spec->fields[i], &type)) abort();
        values[i] = value_of(item, type);
    }
    pl_ice_data_file file = {.path = get_text(json, "path"), .partition = values};
    file.metrics.rows = (uint64_t)get_long(json, "rows", 0);
    file.metrics.bytes = (uint64_t)get_long(json, "bytes", 0);
    file.metrics.leaves = PL_TAKE(&arena, pl_leaf_metrics, leaves ? leaves->count : 0);
    for (const pl_json *l = leaves ? leaves->first : NULL; l; l = l->next)
        leaf_of(l, &file.metrics.leaves[file.metrics.leaf_count++]);
    file.metrics.splits = PL_TAKE(&arena, int64_t, splits ? splits->count : 0);
    for (const pl_json *s = splits ? splits->first : NULL; s; s = s->next)
        pl_json_long(s, &file.metrics.splits[file.metrics.split_count++]);
    return file;
}

static pl_ice_commit commit_of(const pl_json *request)
{
    int64_t seed = get_long(request, "seed", 1);
    pl_ice_commit commit = {.snapshot_id = INT64_C(1000000000000000000) + seed,
                            .now_ms = get_long(request, "now", 0)};
    memset(commit.uuid, (int)(seed & 0xff), sizeof commit.uuid);
    const pl_json *summary = pl_json_get(request, "summary");
    pl_ice_pair *pairs = PL_TAKE(&arena, pl_ice_pair, summary ? summary->count : 0);
    for (const pl_json *m = summary ? summary->first : NULL; m; m = m->next)
        pairs[commit.summary_count++] = (pl_ice_pair){m->key, m->text};
    commit.summary = pairs;
    const pl_json *removed = pl_json_get(request, "removed");
    pl_span *paths = PL_TAKE(&arena, pl_span, removed ? removed->count : 0);
    for (const pl_json *p = removed ? removed->first : NULL; p; p = p->next)
        paths[commit.removed_count++] = p->text;
    commit.removed = paths;
    if (pl_json_get(request, "operation")) commit.operation = get_cstr(request, "operation");
    return commit;
}

static void do_create(pl_store *store, const pl_json *request)
{
    pl_schema schema = schema_of(pl_json_get(request, "schema"));
    pl_partition_spec spec = spec_of(pl_json_get(request, "partition"));
    pl_ice_commit commit = commit_of(request);
    pl_ice_new options = {
        .key = get_cstr(request, "key"), .schema = &schema, .spec = &spec, .now_ms = commit.now_ms};
    pl_ice_table *table;
    char *location;
    memset(options.uuid, 0xab, sizeof options.uuid);
    must(pl_ice_create(store, &options, &arena, &table, &err));
    must(pl_ice_append(table, NULL, 0, &commit, &location, &err));
    pl_json_key(&out, "location"), pl_json_cstr(&out, location);
}

static void do_append(pl_store *store, const pl_json *request)
{
    const pl_json *wanted = pl_json_get(request, "schema"), *list = pl_json_get(request, "files");
    pl_ice_commit commit = commit_of(request);
    pl_ice_table *table;
    char *location;
    bool changed = false;
    must(pl_ice_load(store, get_cstr(request, "location"), &arena, &table, &err));
    if (wanted) {
        pl_schema schema = schema_of(wanted);
        must(pl_ice_evolve(table, &schema, NULL, &changed, &err));
    }
    uint32_t count = 0;
    pl_ice_data_file *files = PL_TAKE(&arena, pl_ice_data_file, list ? list->count : 0);
    for (const pl_json *item = list ? list->first : NULL; item; item = item->next)
        files[count++] = file_of(table, item);
    must(pl_ice_append(table, files, count, &commit, &location, &err));
    pl_json_key(&out, "location"), pl_json_cstr(&out, location);
    pl_json_key(&out, "changed"), pl_json_bool(&out, changed);
}

static void write_hex(const char *key, bool present, pl_span bytes)
{
    pl_buf hex = {0};
    if (!present) return;
    for (size_t i = 0; i < bytes.bytes; i++)
        pl_buf_printf(&hex, "%02x", (unsigned)(uint8_t)bytes.data[i]);
    pl_json_key(&out, key), pl_json_text(&out, pl_buf_view(&hex));
    pl_buf_done(&hex);
}

static void write_file(const pl_ice_table *table, const pl_ice_file *file)
{
    pl_buf value = {0};
    pl_json_begin(&out, '{');
    pl_json_key(&out, "path"), pl_json_text(&out, file->path);
    pl_json_key(&out, "rows"), pl_json_int(&out, (int64_t)file->metrics.rows);
    pl_json_key(&out, "bytes"), pl_json_int(&out, (int64_t)file->metrics.bytes);
    pl_json_key(&out, "snapshot"), pl_json_int(&out, file->snapshot_id);
    pl_json_key(&out, "sequence"), pl_json_int(&out, file->sequence);
    pl_json_key(&out, "partition"), pl_json_begin(&out, '[');
    for (uint32_t i = 0; i < file->spec->count; i++) {
        pl_type type;
        pl_buf_reset(&value);
        if (!pl_ice_partition_type(pl_ice_current_schema(table), &file->spec->fields[i], &type))
            abort();
        pl_value_text(&value, &file->partition[i], &type);
        pl_json_text(&out, pl_buf_view(&value));
    }
    pl_json_end(&out, ']');
    pl_json_key(&out, "leaves"), pl_json_begin(&out, '[');
    for (uint32_t i = 0; i < file->metrics.leaf_count; i++) {
        const pl_leaf_metrics *leaf = &file->metrics.leaves[i];
        pl_json_begin(&out, '{');
        pl_json_key(&out, "id"), pl_json_int(&out, leaf->field_id);
        pl_json_key(&out, "size"), pl_json_int(&out, leaf->compressed_bytes);
        pl_json_key(&out, "values"), pl_json_int(&out, leaf->values);
        pl_json_key(&out, "nulls"), pl_json_int(&out, leaf->nulls);
        pl_json_key(&out, "nans"), pl_json_int(&out, leaf->nans);
        write_hex("lower", leaf->has_lower, leaf->lower);
        write_hex("upper", leaf->has_upper, leaf->upper);
        pl_json_end(&out, '}');
    }
    pl_json_end(&out, ']');
    pl_json_key(&out, "splits"), pl_json_begin(&out, '[');
    for (uint32_t i = 0; i < file->metrics.split_count; i++)
        pl_json_int(&out, file->metrics.splits[i]);
    pl_json_end(&out, ']');
    pl_json_end(&out, '}');
    pl_buf_done(&value);
}

static void do_files(pl_store *store, const pl_json *request)
{
    pl_ice_table *table;
    pl_ice_file *files;
    uint32_t count;
    must(pl_ice_load(store, get_cstr(request, "location"), &arena, &table, &err));
    must(pl_ice_files(table, get_long(request, "snapshot", 0), &arena, &files, &count, &err));
    pl_json_key(&out, "files"), pl_json_begin(&out, '[');
    for (uint32_t i = 0; i < count; i++) write_file(table, &files[i]);
    pl_json_end(&out, ']');
}

static void do_lint(pl_store *store, const pl_json *request)
{
    pl_ice_lint lint;
    pl_ice_lint_table(store, get_cstr(request, "location"), &arena, &lint);
    pl_json_key(&out, "findings"), pl_json_begin(&out, '[');
    for (uint32_t i = 0; i < lint.count; i++)
        pl_json_cstr(&out, pl_arena_printf(&arena, "%s: %s: %s", lint.findings[i].rule,
                                           lint.findings[i].place, lint.findings[i].what));
    pl_json_end(&out, ']');
}

static void do_parse(const pl_json *request)
{
    const char *path = get_cstr(request, "path");
    pl_buf bytes = {0}, written = {0};
    FILE *file = fopen(path, "rb");
    if (!file) abort();
    for (size_t got = 1; got > 0;) {
        char *room = pl_buf_reserve(&bytes, 65536);
        got = fread(room, 1, 65536, file);
        bytes.count += got;
    }
    fclose(file);
    pl_ice_metadata *metadata;
    const char *slash = strrchr(path, '/');
    must(pl_ice_metadata_parse(pl_buf_view(&bytes), slash ? slash + 1 : path, &arena, &metadata,
                               &err));
    pl_ice_metadata_write(&written, metadata);
    pl_json_key(&out, "text"), pl_json_text(&out, pl_buf_view(&written));
}

int main(void)
{
    pl_buf input = {0};
    pl_json *request;
    pl_store *store = NULL;
    out = pl_json_writer_on(&text, 0);
    pl_json_begin(&out, '{');
    for (size_t got = 1; got > 0;) {
        char *room = pl_buf_reserve(&input, 65536);
        got = fread(room, 1, 65536, stdin);
        input.count += got;
    }
    must(pl_json_parse(pl_buf_view(&input), &arena, &request, &err));
    pl_span what = get_text(request, "do");
    if (pl_span_is(what, "parse")) {
        do_parse(request);
        finish(0);
    }
    must(pl_store_open_local(get_cstr(request, "store"), true, &store, &err));
    if (pl_span_is(what, "create")) do_create(store, request);
    if (pl_span_is(what, "append")) do_append(store, request);
    if (pl_span_is(what, "files")) do_files(store, request);
    if (pl_span_is(what, "lint")) do_lint(store, request);
    if (pl_span_is(what, "hint"))
        must(pl_ice_write_hint(store, get_cstr(request, "location"), &err));
    finish(0);
}
