// layout.c -- the sort order and the compression of a table's files, as its metadata declares them.
//
// See "Sorting" in the Iceberg specification, and "Write properties" of its configuration.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_int.h"

#define CODEC "write.parquet.compression-codec"

// One field of an order's JSON; false: not one plumb sorts by.
static bool read_field(const pl_schema *schema, const pl_json *json, pl_sort_field *ret)
{
    pl_span transform, direction, nulls;
    int64_t source;
    if (!pl_json_get_text(json, "transform", &transform) || !pl_span_is(transform, "identity") ||
        !pl_json_get_long(json, "source-id", &source) ||
        !pl_json_get_text(json, "direction", &direction) ||
        !pl_json_get_text(json, "null-order", &nulls))
        return false;
    int at = pl_schema_find_id(schema, (int32_t)source);
    if (at < 0 || schema->fields[at].type.kind == PL_LIST) return false;
    *ret = (pl_sort_field){.source_id = (int32_t)source,
                           .source = schema->fields[at].name,
                           .descending = pl_span_is(direction, "desc"),
                           .nulls_last = pl_span_is(nulls, "nulls-last")};
    return ret->descending == ret->nulls_last;
}

static pl_sort_order read_order(const pl_ice_table *table, const pl_ice_item *item)
{
    pl_json *json;
    pl_sort_order order = {.id = (int32_t)item->id};
    const pl_schema *schema = pl_ice_current_schema(table);
    if (!schema || pl_json_parse(item->raw, table->arena, &json, NULL) != PLUMB_OK) return order;
    const pl_json *fields = pl_json_get(json, "fields");
    if (!fields || fields->kind != PL_JSON_ARRAY) return order;
    order.fields = PL_TAKE(table->arena, pl_sort_field, fields->count);
    for (const pl_json *f = fields->first; f; f = f->next)
        if (!read_field(schema, f, &order.fields[order.count++]))
            return (pl_sort_order){.id = order.id};
    return order;
}

pl_sort_order pl_ice_current_sort(const pl_ice_table *table)
{
    const pl_ice_metadata *m = table->metadata;
    for (uint32_t i = 0; i < m->sort_orders.count; i++)
        if (m->sort_orders.items[i].id == m->default_sort_order_id)
            return read_order(table, &m->sort_orders.items[i]);
    return (pl_sort_order){0};
}

static pl_span order_text(pl_arena *arena, const pl_schema *schema, const pl_sort_order *order,
                          int64_t id)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "order-id"), pl_json_int(&w, id);
    pl_json_key(&w, "fields"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < order->count; i++) {
        const pl_sort_field *field = &order->fields[i];
        int at = pl_schema_find(schema, field->source);
        pl_json_begin(&w, '{');
        pl_json_key(&w, "transform"), pl_json_cstr(&w, "identity");
        pl_json_key(&w, "source-id"), pl_json_int(&w, schema->fields[at].id);
        pl_json_key(&w, "direction"), pl_json_cstr(&w, field->descending ? "desc" : "asc");
        pl_json_key(&w, "null-order");
        pl_json_cstr(&w, field->nulls_last ? "nulls-last" : "nulls-first");
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
    pl_span copy = pl_arena_copy(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

static bool same_order(const pl_sort_order *a, const pl_sort_order *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = pl_span_equal(a->fields[i].source, b->fields[i].source) &&
               a->fields[i].descending == b->fields[i].descending &&
               a->fields[i].nulls_last == b->fields[i].nulls_last;
    return same;
}

// The id of an order that says the same; a new one is added.
static int32_t find_order(pl_ice_table *table, const pl_sort_order *wanted)
{
    pl_ice_items *orders = &table->metadata->sort_orders;
    int64_t id = 1;
    if (!wanted->count) id = 0; // the one unsorted order, by specification
    for (uint32_t i = 0; i < orders->count; i++) {
        pl_sort_order have = read_order(table, &orders->items[i]);
        if (have.count == 0 ? have.id == 0 && !wanted->count : same_order(&have, wanted))
            return have.id;
        if (wanted->count) id = PL_MAX(id, orders->items[i].id + 1);
    }
    pl_ice_item *all = PL_TAKE(table->arena, pl_ice_item, orders->count + 1);
    if (orders->count) memcpy(all, orders->items, orders->count * sizeof *all);
    all[orders->count] = (pl_ice_item){
        .id = id, .raw = order_text(table->arena, pl_ice_current_schema(table), wanted, id)};
    *orders = (pl_ice_items){all, orders->count + 1};
    return (int32_t)id;
}

static bool set_codec(pl_ice_table *table, const char *codec)
{
    pl_ice_metadata *m = table->metadata;
    pl_ice_pair *all = PL_TAKE(table->arena, pl_ice_pair, m->property_count + 1);
    uint32_t at = 0;
    if (m->property_count) memcpy(all, m->properties, m->property_count * sizeof *all);
    while (at < m->property_count && !pl_span_is(all[at].key, CODEC)) at++;
    bool there = at < m->property_count;
    if (there ? pl_span_is(all[at].value, codec) : strcmp(codec, "snappy") == 0) return false;
    all[at] = (pl_ice_pair){PL_SPAN(CODEC), pl_arena_copy(table->arena, pl_span_of(codec))};
    m->properties = all;
    m->property_count += !there;
    return true;
}

void pl_ice_lay_out(pl_ice_table *table, const pl_sort_order *sort, const char *codec,
                    bool *ret_changed)
{
    pl_ice_metadata *m = table->metadata;
    int32_t id = find_order(table, sort);
    *ret_changed = id != m->default_sort_order_id;
    m->default_sort_order_id = id;
    *ret_changed |= set_codec(table, codec);
}
