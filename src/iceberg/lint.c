// lint.c -- the lint of a table from its metadata down, and what its parts share.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "iceberg/lint_int.h"

void pl_iceberg__say(lint *l, const char *rule, const char *place, const char *fmt, ...)
{
    char text[600];
    uint32_t same = 0;
    va_list args;
    for (uint32_t i = 0; i < l->report->count; i++)
        same += strcmp(l->report->findings[i].rule, rule) == 0;
    if (same >= PL_ICE_FINDINGS_PER_RULE) {
        l->report->dropped++;
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    PL_GROW(l->report->findings, l->report->count, l->capacity);
    l->report->findings[l->report->count++] =
        (pl_ice_finding){rule, pl_arena_cstr(l->arena, pl_span_of(place)),
                         pl_arena_cstr(l->arena, pl_span_of(text))};
}

const lint_schema *pl_iceberg__schema(const lint *l, int64_t id)
{
    for (uint32_t i = 0; i < l->schema_count; i++)
        if (l->schemas[i].id == id) return &l->schemas[i];
    return NULL;
}

const lint_spec *pl_iceberg__spec(const lint *l, int64_t id)
{
    for (uint32_t i = 0; i < l->spec_count; i++)
        if (l->specs[i].id == id) return &l->specs[i];
    return NULL;
}

const lint_snapshot *pl_iceberg__snapshot(const lint *l, int64_t id)
{
    for (uint32_t i = 0; i < l->snapshot_count; i++)
        if (l->snapshots[i].id == id) return &l->snapshots[i];
    return NULL;
}

static const lint_column *column_in(const lint_schema *schema, int32_t id)
{
    for (uint32_t i = 0; schema && i < schema->count; i++)
        if (schema->columns[i].id == id) return &schema->columns[i];
    return NULL;
}

const lint_column *pl_iceberg__column(const lint *l, int32_t id)
{
    const lint_column *column = column_in(pl_iceberg__schema(l, l->current_schema_id), id);
    for (uint32_t i = l->schema_count; i > 0 && !column; i--)
        column = column_in(&l->schemas[i - 1], id);
    return column;
}

const char *pl_iceberg__uri_fault(pl_span uri)
{
    const char *end = uri.data + uri.bytes;
    const char *at = uri.data;
    while (at < end && ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                        (*at >= '0' && *at <= '9') || *at == '+' || *at == '-' || *at == '.'))
        at++;
    if (at == uri.data || end - at < 2 || at[0] != ':' || at[1] != '/')
        return "it is not an absolute URI with a scheme";
    at++;
    for (int slashes = 0; at < end && *at == '/' && slashes < 3; slashes++) at++;
    for (; at + 1 < end; at++)
        if (at[0] == '/' && at[1] == '/') return "it has a doubled slash";
    return NULL;
}

bool pl_iceberg__read(lint *l, const char *rule, const char *from, pl_span uri, pl_arena *arena,
                      const char **ret_place, pl_span *ret_bytes)
{
    plumb_error err = {0};
    const char *text = pl_arena_cstr(arena, uri);
    const char *key = pl_store_key(l->store, text);
    if (!key)
        pl_iceberg__say(l, rule, from, "'%s' is outside the lake", text);
    else if (pl_store_get(l->store, key, PL_ICE_MANIFEST_BYTES_MAX, arena, ret_bytes, &err) !=
             PLUMB_OK)
        pl_iceberg__say(l, rule, from, "%s", err.message);
    else {
        *ret_place = key;
        return true;
    }
    return false;
}

bool pl_iceberg__avro_value(const pl_avro_value *avro, const lint_column *column, pl_value *ret)
{
    int64_t number;
    pl_span bytes;
    *ret = (pl_value){.kind = column->type.kind, .is_null = !avro};
    if (!avro) return true;
    switch (column->type.kind) {
    case PL_BOOLEAN:
        if (!pl_avro_long(avro, &number)) return false;
        ret->boolean = number != 0;
        return true;
    case PL_INT:
    case PL_DATE:
        if (!pl_avro_long(avro, &number) || number < INT32_MIN || number > INT32_MAX) return false;
        ret->i32 = (int32_t)number;
        return true;
    case PL_LONG:
    case PL_TIMESTAMP:
        return pl_avro_long(avro, &ret->i64);
    case PL_FLOAT:
    case PL_DOUBLE:
        if (avro->type->kind != PL_AVRO_FLOAT && avro->type->kind != PL_AVRO_DOUBLE) return false;
        if (column->type.kind == PL_FLOAT)
            ret->f32 = (float)avro->f64;
        else
            ret->f64 = avro->f64;
        return true;
    default:
        return pl_avro_bytes(avro, &bytes) && pl_iceberg__bound(bytes, column, ret);
    }
}

bool pl_iceberg__bound(pl_span bytes, const lint_column *column, pl_value *ret)
{
    if (column->width && bytes.bytes > column->width) return false; // may be cut short
    return pl_ice_value_read(bytes, &column->type, ret);
}

// version-hint.text is optional, and must lead to this metadata if it is there.
static void lint_hint(lint *l)
{
    plumb_error err = {0};
    pl_span hint, name = pl_span_of(l->place), suffix = PL_SPAN(".metadata.json");
    const char *slash = strrchr(l->place, '/');
    if (!slash) return;
    const char *key =
        pl_arena_printf(l->arena, "%.*s/version-hint.text", (int)(slash - l->place), l->place);
    plumb_status st = pl_store_get(l->store, key, 4096, l->arena, &hint, &err);
    if (st == PLUMB_E_NOT_FOUND) return;
    if (st != PLUMB_OK) {
        pl_iceberg__say(l, "version-hint", key, "%s", err.message);
        return;
    }
    name = pl_span_of(slash + 1);
    if (name.bytes > suffix.bytes) name.bytes -= suffix.bytes;
    bool same = pl_span_equal(hint, name);
    if (name.data[0] == 'v') same |= pl_span_equal(hint, (pl_span){name.data + 1, name.bytes - 1});
    if (!same)
        pl_iceberg__say(l, "version-hint", key,
                        "it says '%.*s', and the current metadata is '%.*s'", PL_FMT(hint),
                        PL_FMT(name));
}

static void lint_all(lint *l, const char *location)
{
    pl_span text;
    pl_json *json;
    plumb_error err = {0};
    const char *key = pl_store_key(l->store, location);
    l->place = key ? key : location;
    if (!key) {
        pl_iceberg__say(l, "metadata-exists", location, "it is outside the lake");
        return;
    }
    if (pl_store_get(l->store, key, PL_ICE_METADATA_BYTES_MAX, l->arena, &text, &err) != PLUMB_OK) {
        pl_iceberg__say(l, "metadata-exists", key, "%s", err.message);
        return;
    }
    if (pl_json_parse(text, l->arena, &json, &err) != PLUMB_OK || json->kind != PL_JSON_OBJECT) {
        pl_iceberg__say(l, "metadata-json", key, "%s",
                        err.message[0] ? err.message : "it is not an object");
        return;
    }
    l->root = json;
    if (!pl_iceberg__lint_metadata(l)) return;
    for (uint32_t i = 0; i < l->snapshot_count; i++) pl_iceberg__lint_list(l, i);
    lint_hint(l);
    pl_ice_metadata *metadata;
    if (!l->report->count && pl_ice_metadata_parse(text, key, l->arena, &metadata, &err))
        pl_iceberg__say(l, "metadata-loads", key, "%s", err.message);
}

void pl_ice_lint_table(pl_store *store, const char *location, pl_arena *arena,
                       pl_ice_lint *ret_lint)
{
    *ret_lint = (pl_ice_lint){0};
    lint l = {.store = store,
              .arena = arena,
              .report = ret_lint,
              .current_snapshot_id = PL_ICE_NO_SNAPSHOT};
    lint_all(&l, location);
    pl_ice_finding *copy = PL_TAKE(arena, pl_ice_finding, ret_lint->count);
    if (ret_lint->count) memcpy(copy, ret_lint->findings, ret_lint->count * sizeof *copy);
    free(ret_lint->findings);
    ret_lint->findings = copy;
    ret_lint->snapshots = l.snapshot_count;
    ret_lint->manifests = l.manifest_count;
    ret_lint->files = l.file_count;
    pl_map_done(&l.manifest_map);
    pl_map_done(&l.file_map);
    free(l.manifests);
    free(l.files);
}
