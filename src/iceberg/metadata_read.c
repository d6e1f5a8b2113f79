// metadata_read.c -- metadata.json in: parse, and refuse what no engine could open.
//
// The checks are those of the Java library's constructor, the strictest reader known.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/metadata.h"

#include <stdio.h>

#define LOG_TOLERANCE_MS 60000 // clocks of two writers may differ that much

typedef struct parser {
    const char *name;
    pl_arena *arena;
    plumb_error *err;
} parser;

static plumb_status bad(const parser *p, const char *fmt, ...) PL_PRINTF(2, 3);

static plumb_status bad(const parser *p, const char *fmt, ...)
{
    char reason[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    return pl_fail(p->err, PLUMB_E_MALFORMED, "cannot read table metadata '%s': %s", p->name,
                   reason);
}

static plumb_status need_long(const parser *p, const pl_json *json, const char *key, int64_t *ret)
{
    if (pl_json_get_long(json, key, ret)) return PLUMB_OK;
    return bad(p, pl_json_get(json, key) ? "'%s' is not an integer" : "it has no '%s'", key);
}

static plumb_status need_int(const parser *p, const pl_json *json, const char *key, int32_t *ret)
{
    int64_t value = 0;
    PL_TRY(need_long(p, json, key, &value));
    if (value < INT32_MIN || value > INT32_MAX) return bad(p, "'%s' is out of range", key);
    *ret = (int32_t)value;
    return PLUMB_OK;
}

// A time, a version or a sequence number: none is negative or near the end of its type.
static plumb_status need_count(const parser *p, const pl_json *json, const char *key, int64_t *ret)
{
    PL_TRY(need_long(p, json, key, ret));
    if (*ret < 0 || *ret > INT64_MAX / 2) return bad(p, "'%s' is out of range", key);
    return PLUMB_OK;
}

static plumb_status need_text(const parser *p, const pl_json *json, const char *key, pl_span *ret)
{
    if (pl_json_get_text(json, key, ret)) return PLUMB_OK;
    return bad(p, pl_json_get(json, key) ? "'%s' is not a string" : "it has no '%s'", key);
}

// An array member; absent is an empty one unless it is required.
static plumb_status get_array(const parser *p, const pl_json *json, const char *key, bool required,
                              const pl_json **ret_first, uint32_t *ret_count)
{
    const pl_json *array = pl_json_get(json, key);
    *ret_first = NULL;
    *ret_count = 0;
    if (!array && !required) return PLUMB_OK;
    if (!array) return bad(p, "it has no '%s'", key);
    if (array->kind != PL_JSON_ARRAY) return bad(p, "'%s' is not an array", key);
    *ret_first = array->first;
    *ret_count = array->count;
    return PLUMB_OK;
}

// "decimal(9, 2)" -> the type; the space is optional.
static bool read_decimal(pl_span text, pl_type *ret_type)
{
    int numbers[2] = {0, 0}, at = 0;
    pl_span head = PL_SPAN("decimal(");
    if (!pl_span_starts(text, head) || text.data[text.bytes - 1] != ')') return false;
    for (size_t i = head.bytes; i < text.bytes - 1; i++) {
        char c = text.data[i];
        if (c == ',' && at == 0)
            at = 1;
        else if (c >= '0' && c <= '9' && numbers[at] < 100)
            numbers[at] = numbers[at] * 10 + (c - '0');
        else if (c != ' ')
            return false;
    }
    if (at != 1 || numbers[0] < 1 || numbers[0] > 38 || numbers[1] > numbers[0]) return false;
    *ret_type = (pl_type){
        .kind = PL_DECIMAL, .precision = (uint8_t)numbers[0], .scale = (uint8_t)numbers[1]};
    return true;
}

static bool read_primitive(pl_span text, pl_type *ret_type)
{
    static const struct {
        const char *name;
        pl_kind kind;
    } names[] = {
        {"boolean", PL_BOOLEAN}, {"int", PL_INT},
        {"long", PL_LONG},       {"float", PL_FLOAT},
        {"double", PL_DOUBLE},   {"date", PL_DATE},
        {"string", PL_STRING},   {"timestamptz", PL_TIMESTAMP},
    };
    for (size_t i = 0; i < PL_COUNT(names); i++) {
        if (!pl_span_is(text, names[i].name)) continue;
        *ret_type = (pl_type){.kind = names[i].kind};
        return true;
    }
    return read_decimal(text, ret_type);
}

// The type, or what plumb has no kind for in *ret_foreign (a type's name).
static plumb_status read_type(const parser *p, const pl_json *json, int depth, pl_type *ret_type,
                              const char **ret_foreign)
{
    pl_span name;
    if (json && json->kind == PL_JSON_STRING) {
        if (!read_primitive(json->text, ret_type))
            *ret_foreign = pl_arena_cstr(p->arena, json->text);
        return PLUMB_OK;
    }
    if (!json || json->kind != PL_JSON_OBJECT) return bad(p, "a field has no type");
    PL_TRY(need_text(p, json, "type", &name));
    if (!pl_span_is(name, "list") || depth == PL_LIST_DEPTH_MAX) {
        *ret_foreign = pl_arena_cstr(p->arena, name);
        return PLUMB_OK;
    }
    pl_type *element = PL_TAKE(p->arena, pl_type, 1);
    *ret_type = (pl_type){.kind = PL_LIST, .element = element};
    PL_TRY(need_int(p, json, "element-id", &ret_type->element_id));
    const pl_json *required = pl_json_get(json, "element-required");
    if (required && required->kind == PL_JSON_TRUE) *ret_foreign = "list of required elements";
    return read_type(p, pl_json_get(json, "element"), depth + 1, element, ret_foreign);
}

static plumb_status read_field(const parser *p, const pl_json *json, pl_field *field,
                               const char **ret_foreign)
{
    const char *foreign = NULL;
    PL_TRY(need_int(p, json, "id", &field->id));
    PL_TRY(need_text(p, json, "name", &field->name));
    PL_TRY(read_type(p, pl_json_get(json, "type"), 0, &field->type, &foreign));
    const pl_json *required = pl_json_get(json, "required");
    if (!required || (required->kind != PL_JSON_TRUE && required->kind != PL_JSON_FALSE))
        return bad(p, "column '%.*s' does not say whether it is required", PL_FMT(field->name));
    field->required = required->kind == PL_JSON_TRUE;
    if (!pl_json_get_text(json, "doc", &field->doc)) field->doc = PL_SPAN("");
    if (foreign && !*ret_foreign)
        *ret_foreign =
            pl_arena_printf(p->arena, "column '%.*s' has type %s", PL_FMT(field->name), foreign);
    return PLUMB_OK;
}

static plumb_status read_schema(const parser *p, const pl_json *json, pl_ice_schema *schema)
{
    pl_span type;
    const pl_json *item;
    uint32_t count;
    PL_TRY(need_text(p, json, "type", &type));
    if (!pl_span_is(type, "struct")) return bad(p, "a schema is not a struct");
    PL_TRY(need_int(p, json, "schema-id", &schema->schema.id));
    PL_TRY(get_array(p, json, "fields", true, &item, &count));
    schema->raw = json->raw;
    const pl_json *identifiers = pl_json_get(json, "identifier-field-ids");
    schema->identifiers = PL_SPAN("");
    if (identifiers && identifiers->kind == PL_JSON_ARRAY && identifiers->count)
        schema->identifiers = identifiers->raw;
    schema->schema.fields = PL_TAKE(p->arena, pl_field, count);
    for (; item; item = item->next)
        PL_TRY(
            read_field(p, item, &schema->schema.fields[schema->schema.count++], &schema->foreign));
    return PLUMB_OK;
}

static plumb_status read_schemas(const parser *p, const pl_json *json, pl_ice_metadata *m)
{
    const pl_json *item;
    uint32_t count;
    PL_TRY(get_array(p, json, "schemas", true, &item, &count));
    m->schemas = PL_TAKE(p->arena, pl_ice_schema, count);
    for (; item; item = item->next) PL_TRY(read_schema(p, item, &m->schemas[m->schema_count++]));
    PL_TRY(need_int(p, json, "current-schema-id", &m->current_schema_id));
    if (!pl_ice_schema_by_id(m, m->current_schema_id))
        return bad(p, "the current schema %d does not exist", m->current_schema_id);
    return PLUMB_OK;
}

static plumb_status read_spec_field(const parser *p, const pl_json *json, const pl_schema *schema,
                                    pl_partition_field *field, const char **ret_foreign)
{
    pl_span transform;
    pl_kind kind;
    PL_TRY(need_text(p, json, "name", &field->name));
    PL_TRY(need_text(p, json, "transform", &transform));
    PL_TRY(need_int(p, json, "source-id", &field->source_id));
    PL_TRY(need_int(p, json, "field-id", &field->id));
    int source = pl_schema_find_id(schema, field->source_id);
    if (!pl_transform_parse(transform, &field->transform))
        *ret_foreign = pl_arena_printf(p->arena, "unknown transform '%.*s'", PL_FMT(transform));
    else if (source < 0)
        *ret_foreign = pl_arena_printf(p->arena, "the source of partition field '%.*s' is gone",
                                       PL_FMT(field->name));
    else if (!pl_transform_result(&field->transform, &schema->fields[source].type, &kind))
        *ret_foreign = pl_arena_printf(p->arena, "transform '%.*s' on column '%.*s'",
                                       PL_FMT(transform), PL_FMT(schema->fields[source].name));
    if (source >= 0) field->source = schema->fields[source].name;
    return PLUMB_OK;
}

static plumb_status read_specs(const parser *p, const pl_json *json, pl_ice_metadata *m)
{
    const pl_json *item, *field;
    uint32_t count;
    const pl_ice_schema *current = pl_ice_schema_by_id(m, m->current_schema_id);
    PL_TRY(get_array(p, json, "partition-specs", true, &item, &count));
    m->specs = PL_TAKE(p->arena, pl_ice_spec, count);
    for (; item; item = item->next) {
        pl_ice_spec *spec = &m->specs[m->spec_count++];
        PL_TRY(need_int(p, item, "spec-id", &spec->spec.id));
        PL_TRY(get_array(p, item, "fields", true, &field, &count));
        spec->raw = item->raw;
        spec->foreign = count ? current->foreign : NULL;
        spec->spec.fields = PL_TAKE(p->arena, pl_partition_field, count);
        for (; field; field = field->next)
            PL_TRY(read_spec_field(p, field, &current->schema,
                                   &spec->spec.fields[spec->spec.count++], &spec->foreign));
    }
    PL_TRY(need_int(p, json, "default-spec-id", &m->default_spec_id));
    PL_TRY(need_int(p, json, "last-partition-id", &m->last_partition_id));
    if (!pl_ice_spec_by_id(m, m->default_spec_id))
        return bad(p, "the default partition spec %d does not exist", m->default_spec_id);
    return PLUMB_OK;
}

static plumb_status read_sort_orders(const parser *p, const pl_json *json, pl_ice_metadata *m)
{
    const pl_json *item;
    uint32_t count;
    bool found = false;
    PL_TRY(get_array(p, json, "sort-orders", true, &item, &count));
    PL_TRY(need_int(p, json, "default-sort-order-id", &m->default_sort_order_id));
    m->sort_orders.items = PL_TAKE(p->arena, pl_ice_item, count);
    for (; item; item = item->next) {
        pl_ice_item *order = &m->sort_orders.items[m->sort_orders.count++];
        PL_TRY(need_long(p, item, "order-id", &order->id));
        order->raw = item->raw;
        found |= order->id == m->default_sort_order_id;
    }
    if (!found) return bad(p, "the default sort order %d does not exist", m->default_sort_order_id);
    return PLUMB_OK;
}

// An object of strings; members of `skip` are left out.
static plumb_status read_pairs(const parser *p, const pl_json *json, const char *what,
                               const char *skip, pl_ice_pair **ret_pairs, uint32_t *ret_count)
{
    *ret_count = 0;
    *ret_pairs = NULL;
    if (!json) return PLUMB_OK;
    if (json->kind != PL_JSON_OBJECT) return bad(p, "%s is not an object", what);
    *ret_pairs = PL_TAKE(p->arena, pl_ice_pair, json->count);
    for (const pl_json *m = json->first; m; m = m->next) {
        if (skip && pl_span_is(m->key, skip)) continue;
        if (m->kind != PL_JSON_STRING)
            return bad(p, "'%.*s' in %s is not a string", PL_FMT(m->key), what);
        (*ret_pairs)[(*ret_count)++] = (pl_ice_pair){m->key, m->text};
    }
    return PLUMB_OK;
}

static plumb_status read_snapshot(const parser *p, const pl_json *json, pl_ice_snapshot *s)
{
    const pl_json *summary = pl_json_get(json, "summary");
    PL_TRY(need_long(p, json, "snapshot-id", &s->id));
    PL_TRY(need_count(p, json, "timestamp-ms", &s->timestamp_ms));
    PL_TRY(need_text(p, json, "manifest-list", &s->manifest_list));
    s->parent_id = PL_ICE_NO_SNAPSHOT;
    s->schema_id = -1;
    if (pl_json_get(json, "sequence-number"))
        PL_TRY(need_count(p, json, "sequence-number", &s->sequence));
    if (pl_json_get(json, "parent-snapshot-id"))
        PL_TRY(need_long(p, json, "parent-snapshot-id", &s->parent_id));
    if (pl_json_get(json, "schema-id")) PL_TRY(need_int(p, json, "schema-id", &s->schema_id));
    s->operation = PL_SPAN("");
    if (summary) PL_TRY(need_text(p, summary, "operation", &s->operation));
    PL_TRY(read_pairs(p, summary, "a snapshot's summary", "operation", &s->summary,
                      &s->summary_count));
    s->raw = json->raw;
    return PLUMB_OK;
}

static plumb_status read_snapshots(const parser *p, const pl_json *json, pl_ice_metadata *m)
{
    const pl_json *item, *current = pl_json_get(json, "current-snapshot-id");
    uint32_t count;
    PL_TRY(get_array(p, json, "snapshots", false, &item, &count));
    m->snapshots = PL_TAKE(p->arena, pl_ice_snapshot, count);
    for (; item; item = item->next) {
        pl_ice_snapshot *snapshot = &m->snapshots[m->snapshot_count++];
        PL_TRY(read_snapshot(p, item, snapshot));
        if (snapshot->sequence > m->last_sequence)
            return bad(p, "snapshot %lld is newer than the table's last sequence number",
                       (long long)snapshot->id);
    }
    m->current_snapshot_id = PL_ICE_NO_SNAPSHOT;
    if (current && current->kind != PL_JSON_NULL)
        PL_TRY(need_long(p, json, "current-snapshot-id", &m->current_snapshot_id));
    if (m->current_snapshot_id != PL_ICE_NO_SNAPSHOT &&
        !pl_ice_snapshot_by_id(m, m->current_snapshot_id))
        return bad(p, "the current snapshot %lld does not exist",
                   (long long)m->current_snapshot_id);
    return PLUMB_OK;
}

static plumb_status read_refs(const parser *p, const pl_json *json, pl_ice_metadata *m)
{
    const pl_json *refs = pl_json_get(json, "refs");
    bool main_found = false, has_current = m->current_snapshot_id != PL_ICE_NO_SNAPSHOT;
    if (refs && refs->kind != PL_JSON_OBJECT) return bad(p, "'refs' is not an object");
    m->refs.items = PL_TAKE(p->arena, pl_ice_item, (refs ? refs->count : 0) + 1);
    for (const pl_json *r = refs ? refs->first : NULL; r; r = r->next) {
        pl_ice_item *ref = &m->refs.items[m->refs.count++];
        *ref = (pl_ice_item){.name = r->key, .raw = r->raw};
        PL_TRY(need_long(p, r, "snapshot-id", &ref->id));
        if (!pl_ice_snapshot_by_id(m, ref->id))
            return bad(p, "ref '%.*s' names snapshot %lld, which does not exist", PL_FMT(r->key),
                       (long long)ref->id);
        if (!pl_span_is(r->key, "main")) continue;
        main_found = true;
        if (ref->id != m->current_snapshot_id)
            return bad(p, "ref 'main' and the current snapshot differ");
    }
    if (main_found || !has_current) return PLUMB_OK;
    const char *raw = pl_arena_printf(p->arena, "{\"snapshot-id\":%lld,\"type\":\"branch\"}",
                                      (long long)m->current_snapshot_id);
    m->refs.items[m->refs.count++] = (pl_ice_item){
        .name = PL_SPAN("main"), .id = m->current_snapshot_id, .raw = pl_span_of(raw)};
    return PLUMB_OK;
}

static plumb_status read_log(const parser *p, const pl_json *json, const char *key, int64_t updated,
                             pl_ice_items *ret_log)
{
    const pl_json *item;
    uint32_t count;
    int64_t last = INT64_MIN;
    PL_TRY(get_array(p, json, key, false, &item, &count));
    ret_log->items = PL_TAKE(p->arena, pl_ice_item, count);
    for (; item; item = item->next) {
        pl_ice_item *entry = &ret_log->items[ret_log->count++];
        PL_TRY(need_count(p, item, "timestamp-ms", &entry->timestamp_ms));
        if (strcmp(key, "snapshot-log") == 0)
            PL_TRY(need_long(p, item, "snapshot-id", &entry->id));
        else
            PL_TRY(need_text(p, item, "metadata-file", &entry->name));
        entry->raw = item->raw;
        if (last != INT64_MIN && entry->timestamp_ms < last - LOG_TOLERANCE_MS)
            return bad(p, "'%s' is not in order of time", key);
        last = entry->timestamp_ms;
    }
    if (last != INT64_MIN && updated < last - LOG_TOLERANCE_MS)
        return bad(p, "'last-updated-ms' is before the end of '%s'", key);
    return PLUMB_OK;
}

static plumb_status read_raw(const parser *p, const pl_json *json, const char *key,
                             pl_ice_items *ret_items)
{
    const pl_json *item;
    uint32_t count;
    PL_TRY(get_array(p, json, key, false, &item, &count));
    ret_items->items = PL_TAKE(p->arena, pl_ice_item, count);
    for (; item; item = item->next)
        ret_items->items[ret_items->count++] = (pl_ice_item){.raw = item->raw};
    return PLUMB_OK;
}

// `schema` and `partition-spec` are the first version's; a second version's reader ignores them.
static const char *const known[] = {
    "format-version",
    "table-uuid",
    "location",
    "last-sequence-number",
    "last-updated-ms",
    "last-column-id",
    "current-schema-id",
    "schemas",
    "default-spec-id",
    "partition-specs",
    "last-partition-id",
    "default-sort-order-id",
    "sort-orders",
    "properties",
    "current-snapshot-id",
    "refs",
    "snapshots",
    "statistics",
    "partition-statistics",
    "snapshot-log",
    "metadata-log",
    "schema",
    "partition-spec",
};

static void read_unknown(const parser *p, const pl_json *json, pl_ice_items *ret_items)
{
    ret_items->items = PL_TAKE(p->arena, pl_ice_item, json->count);
    for (const pl_json *m = json->first; m; m = m->next) {
        bool found = false;
        for (size_t i = 0; i < PL_COUNT(known) && !found; i++) found = pl_span_is(m->key, known[i]);
        if (!found)
            ret_items->items[ret_items->count++] = (pl_ice_item){.name = m->key, .raw = m->raw};
    }
}

static plumb_status read_head(const parser *p, const pl_json *json, pl_ice_metadata *m)
{
    int64_t version = 0;
    PL_TRY(need_long(p, json, "format-version", &version));
    if (version != 2)
        return bad(p, "it has format version %lld, and plumb knows version 2", (long long)version);
    PL_TRY(need_text(p, json, "table-uuid", &m->uuid));
    PL_TRY(need_text(p, json, "location", &m->location));
    while (m->location.bytes && m->location.data[m->location.bytes - 1] == '/') m->location.bytes--;
    PL_TRY(need_count(p, json, "last-sequence-number", &m->last_sequence));
    PL_TRY(need_count(p, json, "last-updated-ms", &m->last_updated_ms));
    PL_TRY(need_int(p, json, "last-column-id", &m->last_column_id));
    if (m->last_column_id < 0) return bad(p, "'last-column-id' is out of range");
    return read_pairs(p, pl_json_get(json, "properties"), "'properties'", NULL, &m->properties,
                      &m->property_count);
}

plumb_status pl_ice_metadata_parse(pl_span text, const char *name, pl_arena *arena,
                                   pl_ice_metadata **ret_metadata, plumb_error *err)
{
    parser p = {name, arena, err};
    plumb_error inner = {0};
    pl_json *json;
    if (pl_json_parse(text, arena, &json, &inner) != PLUMB_OK) return bad(&p, "%s", inner.message);
    if (json->kind != PL_JSON_OBJECT) return bad(&p, "it is not an object");
    pl_ice_metadata *m = PL_TAKE(arena, pl_ice_metadata, 1);
    PL_TRY(read_head(&p, json, m));
    PL_TRY(read_schemas(&p, json, m));
    PL_TRY(read_specs(&p, json, m));
    PL_TRY(read_sort_orders(&p, json, m));
    PL_TRY(read_snapshots(&p, json, m));
    PL_TRY(read_refs(&p, json, m));
    PL_TRY(read_raw(&p, json, "statistics", &m->statistics));
    PL_TRY(read_raw(&p, json, "partition-statistics", &m->partition_statistics));
    PL_TRY(read_log(&p, json, "snapshot-log", m->last_updated_ms, &m->snapshot_log));
    PL_TRY(read_log(&p, json, "metadata-log", m->last_updated_ms, &m->metadata_log));
    read_unknown(&p, json, &m->unknown);
    *ret_metadata = m;
    return PLUMB_OK;
}
