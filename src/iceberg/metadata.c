// metadata.c -- metadata.json out, in the Java library's member order, and lookups.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/metadata.h"

#include <stdio.h>

static const char *const type_names[PL_KINDS] = {
    [PL_BOOLEAN] = "boolean", [PL_INT] = "int",
    [PL_LONG] = "long",       [PL_FLOAT] = "float",
    [PL_DOUBLE] = "double",   [PL_DATE] = "date",
    [PL_STRING] = "string",   [PL_TIMESTAMP] = "timestamptz",
    [PL_JSON] = "string",
};

void pl_ice_type_write(pl_json_writer *w, const pl_type *type)
{
    char text[32];
    if (type->kind == PL_LIST) {
        pl_json_begin(w, '{');
        pl_json_key(w, "type"), pl_json_cstr(w, "list");
        pl_json_key(w, "element-id"), pl_json_int(w, type->element_id);
        pl_json_key(w, "element"), pl_ice_type_write(w, type->element);
        pl_json_key(w, "element-required"), pl_json_bool(w, false);
        pl_json_end(w, '}');
    } else if (type->kind == PL_DECIMAL) {
        snprintf(text, sizeof text, "decimal(%d, %d)", type->precision, type->scale);
        pl_json_cstr(w, text);
    } else {
        pl_json_cstr(w, type_names[type->kind]);
    }
}

void pl_ice_schema_write(pl_json_writer *w, const pl_schema *schema, pl_span identifiers)
{
    pl_json_begin(w, '{');
    pl_json_key(w, "type"), pl_json_cstr(w, "struct");
    pl_json_key(w, "schema-id"), pl_json_int(w, schema->id);
    if (identifiers.bytes) pl_json_key(w, "identifier-field-ids"), pl_json_raw(w, identifiers);
    pl_json_key(w, "fields");
    pl_json_begin(w, '[');
    for (uint32_t i = 0; i < schema->count; i++) {
        const pl_field *field = &schema->fields[i];
        pl_json_begin(w, '{');
        pl_json_key(w, "id"), pl_json_int(w, field->id);
        pl_json_key(w, "name"), pl_json_text(w, field->name);
        pl_json_key(w, "required"), pl_json_bool(w, field->required);
        pl_json_key(w, "type"), pl_ice_type_write(w, &field->type);
        if (field->doc.bytes) pl_json_key(w, "doc"), pl_json_text(w, field->doc);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
    pl_json_end(w, '}');
}

void pl_ice_spec_fields_write(pl_json_writer *w, const pl_partition_spec *spec)
{
    pl_buf transform = {0};
    pl_json_begin(w, '[');
    for (uint32_t i = 0; i < spec->count; i++) {
        const pl_partition_field *field = &spec->fields[i];
        pl_buf_reset(&transform);
        pl_transform_text(&transform, &field->transform);
        pl_json_begin(w, '{');
        pl_json_key(w, "name"), pl_json_text(w, field->name);
        pl_json_key(w, "transform"), pl_json_text(w, pl_buf_view(&transform));
        pl_json_key(w, "source-id"), pl_json_int(w, field->source_id);
        pl_json_key(w, "field-id"), pl_json_int(w, field->id);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
    pl_buf_done(&transform);
}

typedef struct output {
    pl_json_writer w;
    pl_buf compact; // owned scratch
} output;

// What another writer laid out over lines is written without its white space.
static void write_raw(output *o, pl_span raw)
{
    pl_buf_reset(&o->compact);
    pl_json_compact(&o->compact, raw);
    pl_json_raw(&o->w, pl_buf_view(&o->compact));
}

static void write_items(output *o, const char *key, const pl_ice_items *items)
{
    pl_json_key(&o->w, key);
    pl_json_begin(&o->w, '[');
    for (uint32_t i = 0; i < items->count; i++) write_raw(o, items->items[i].raw);
    pl_json_end(&o->w, ']');
}

static void write_members(output *o, const pl_ice_items *items)
{
    for (uint32_t i = 0; i < items->count; i++) {
        pl_json_key_span(&o->w, items->items[i].name);
        write_raw(o, items->items[i].raw);
    }
}

static void write_properties(output *o, const pl_ice_metadata *m)
{
    pl_json_key(&o->w, "properties");
    pl_json_begin(&o->w, '{');
    for (uint32_t i = 0; i < m->property_count; i++) {
        pl_json_key_span(&o->w, m->properties[i].key);
        pl_json_text(&o->w, m->properties[i].value);
    }
    pl_json_end(&o->w, '}');
}

static void write_layout(output *o, const pl_ice_metadata *m)
{
    pl_json_writer *w = &o->w;
    pl_json_key(w, "last-column-id"), pl_json_int(w, m->last_column_id);
    pl_json_key(w, "current-schema-id"), pl_json_int(w, m->current_schema_id);
    pl_json_key(w, "schemas");
    pl_json_begin(w, '[');
    for (uint32_t i = 0; i < m->schema_count; i++) write_raw(o, m->schemas[i].raw);
    pl_json_end(w, ']');
    pl_json_key(w, "default-spec-id"), pl_json_int(w, m->default_spec_id);
    pl_json_key(w, "partition-specs");
    pl_json_begin(w, '[');
    for (uint32_t i = 0; i < m->spec_count; i++) write_raw(o, m->specs[i].raw);
    pl_json_end(w, ']');
    pl_json_key(w, "last-partition-id"), pl_json_int(w, m->last_partition_id);
    pl_json_key(w, "default-sort-order-id"), pl_json_int(w, m->default_sort_order_id);
    write_items(o, "sort-orders", &m->sort_orders);
}

void pl_ice_metadata_write(pl_buf *out, const pl_ice_metadata *m)
{
    output o = {.w = pl_json_writer_on(out, 0)};
    pl_json_writer *w = &o.w;
    pl_json_begin(w, '{');
    pl_json_key(w, "format-version"), pl_json_int(w, 2);
    pl_json_key(w, "table-uuid"), pl_json_text(w, m->uuid);
    pl_json_key(w, "location"), pl_json_text(w, m->location);
    pl_json_key(w, "last-sequence-number"), pl_json_int(w, m->last_sequence);
    pl_json_key(w, "last-updated-ms"), pl_json_int(w, m->last_updated_ms);
    write_layout(&o, m);
    write_properties(&o, m);
    pl_json_key(w, "current-snapshot-id"), pl_json_int(w, m->current_snapshot_id);
    pl_json_key(w, "refs");
    pl_json_begin(w, '{');
    write_members(&o, &m->refs);
    pl_json_end(w, '}');
    pl_json_key(w, "snapshots");
    pl_json_begin(w, '[');
    for (uint32_t i = 0; i < m->snapshot_count; i++) write_raw(&o, m->snapshots[i].raw);
    pl_json_end(w, ']');
    write_items(&o, "statistics", &m->statistics);
    write_items(&o, "partition-statistics", &m->partition_statistics);
    write_items(&o, "snapshot-log", &m->snapshot_log);
    write_items(&o, "metadata-log", &m->metadata_log);
    write_members(&o, &m->unknown);
    pl_json_end(w, '}');
    pl_buf_done(&o.compact);
}

const pl_ice_schema *pl_ice_schema_by_id(const pl_ice_metadata *m, int32_t id)
{
    for (uint32_t i = 0; i < m->schema_count; i++)
        if (m->schemas[i].schema.id == id) return &m->schemas[i];
    return NULL;
}

const pl_ice_spec *pl_ice_spec_by_id(const pl_ice_metadata *m, int32_t id)
{
    for (uint32_t i = 0; i < m->spec_count; i++)
        if (m->specs[i].spec.id == id) return &m->specs[i];
    return NULL;
}

const pl_ice_snapshot *pl_ice_snapshot_by_id(const pl_ice_metadata *m, int64_t id)
{
    for (uint32_t i = 0; i < m->snapshot_count; i++)
        if (m->snapshots[i].id == id) return &m->snapshots[i];
    return NULL;
}

const pl_ice_snapshot *pl_ice_snapshot_rounded(const pl_ice_metadata *m, int64_t id)
{
    const pl_ice_snapshot *found = NULL;
    for (uint32_t i = 0; i < m->snapshot_count; i++) {
        if ((double)m->snapshots[i].id != (double)id) continue;
        if (found) return NULL;
        found = &m->snapshots[i];
    }
    return found;
}

const pl_ice_snapshot *pl_ice_snapshot_at(const pl_ice_metadata *m, int64_t time_ms)
{
    const pl_ice_snapshot *found = NULL;
    for (uint32_t i = 0; i < m->snapshot_log.count; i++)
        if (m->snapshot_log.items[i].timestamp_ms <= time_ms)
            found = pl_ice_snapshot_by_id(m, m->snapshot_log.items[i].id);
    return found;
}

bool pl_ice_pair_find(const pl_ice_pair *pairs, uint32_t count, const char *key, pl_span *ret_value)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!pl_span_is(pairs[i].key, key)) continue;
        *ret_value = pairs[i].value;
        return true;
    }
    return false;
}

void pl_ice_uuid_text(const uint8_t uuid[16], char out[37])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = digits[uuid[i] >> 4];
        *at++ = digits[uuid[i] & 15];
    }
    *at = 0;
}
