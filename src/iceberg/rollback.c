// rollback.c -- the head of main moved to another snapshot: metadata alone, no manifest is read.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_int.h"

static bool knows(const pl_schema *schema, const pl_json *fields)
{
    int64_t id;
    for (const pl_json *f = fields ? fields->first : NULL; f; f = f->next)
        if (!pl_json_get_long(f, "source-id", &id) || pl_schema_find_id(schema, (int32_t)id) < 0)
            return false;
    return true;
}

// A sort order by columns that the schema lacks stops readers from opening the table: unsorted.
static void fit_sort_order(pl_ice_table *table, const pl_schema *schema)
{
    pl_ice_metadata *m = table->metadata;
    bool has_unsorted = false;
    pl_json *order;
    for (uint32_t i = 0; i < m->sort_orders.count; i++) {
        const pl_ice_item *item = &m->sort_orders.items[i];
        has_unsorted |= item->id == 0;
        if (item->id != m->default_sort_order_id ||
            pl_json_parse(item->raw, table->arena, &order, NULL) != PLUMB_OK ||
            knows(schema, pl_json_get(order, "fields")))
            continue;
        m->default_sort_order_id = 0;
    }
    if (has_unsorted || m->default_sort_order_id) return;
    pl_ice_item *items = PL_TAKE(table->arena, pl_ice_item, m->sort_orders.count + 1);
    if (m->sort_orders.count)
        memcpy(items + 1, m->sort_orders.items, m->sort_orders.count * sizeof *items);
    items[0] = (pl_ice_item){.raw = PL_SPAN("{\"order-id\":0,\"fields\":[]}")};
    m->sort_orders = (pl_ice_items){items, m->sort_orders.count + 1};
}

// So does a partition spec: the default, else the newest one that the schema has all columns of.
static plumb_status fit_spec(pl_ice_table *table, const pl_schema *schema, plumb_error *err)
{
    pl_ice_metadata *m = table->metadata;
    pl_json *spec;
    const pl_ice_spec *now = pl_ice_spec_by_id(m, m->default_spec_id);
    for (uint32_t i = m->spec_count + 1; i-- > 0;) {
        const pl_ice_spec *one = i == m->spec_count ? now : &m->specs[i];
        if (pl_json_parse(one->raw, table->arena, &spec, NULL) != PLUMB_OK ||
            !knows(schema, pl_json_get(spec, "fields")))
            continue;
        m->default_spec_id = one->spec.id;
        return PLUMB_OK;
    }
    return pl_fail(err, PLUMB_E_FAILED,
                   "cannot roll back table '%s': no partition spec fits the schema of then",
                   table->name);
}

static plumb_status move_schema(pl_ice_table *table, const pl_ice_snapshot *to, plumb_error *err)
{
    pl_ice_metadata *m = table->metadata;
    const pl_ice_schema *schema = pl_ice_schema_by_id(m, to->schema_id);
    if (!schema || schema->schema.id == m->current_schema_id) return PLUMB_OK;
    if (schema->foreign)
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot roll back table '%s': %s, which plumb does not write", table->name,
                       schema->foreign);
    m->current_schema_id = schema->schema.id;
    fit_sort_order(table, &schema->schema);
    return fit_spec(table, &schema->schema, err);
}

static void move_refs(pl_ice_table *table, const pl_ice_move *move, int64_t old)
{
    pl_arena *arena = table->arena;
    pl_ice_metadata *m = table->metadata;
    pl_ice_items refs = {PL_TAKE(arena, pl_ice_item, m->refs.count + 2), 1};
    const char *main_ref = pl_arena_printf(arena, "{\"snapshot-id\":%lld,\"type\":\"branch\"}",
                                           (long long)move->snapshot);
    refs.items[0] =
        (pl_ice_item){.id = move->snapshot, .name = PL_SPAN("main"), .raw = pl_span_of(main_ref)};
    for (uint32_t i = 0; i < m->refs.count; i++) {
        pl_span name = m->refs.items[i].name;
        if (pl_span_is(name, "main") || (move->untag && pl_span_is(name, move->untag))) continue;
        refs.items[refs.count++] = m->refs.items[i];
    }
    if (move->tag) {
        pl_buf text = {0};
        pl_json_writer w = pl_json_writer_on(&text, 0);
        pl_json_begin(&w, '{');
        pl_json_key(&w, "snapshot-id"), pl_json_int(&w, old);
        pl_json_key(&w, "type"), pl_json_cstr(&w, "tag");
        pl_json_key(&w, "max-ref-age-ms"), pl_json_int(&w, move->tag_age_ms);
        pl_json_end(&w, '}');
        refs.items[refs.count++] = (pl_ice_item){.id = old,
                                                 .name = pl_span_of(move->tag),
                                                 .raw = pl_arena_copy(arena, pl_buf_view(&text))};
        pl_buf_done(&text);
    }
    m->refs = refs;
}

plumb_status pl_ice_rollback(const pl_ice_table *table, const pl_ice_move *move,
                             pl_ice_commit *commit, char **ret_location, plumb_error *err)
{
    pl_ice_metadata m = *table->metadata;
    pl_ice_table moved = *table;
    moved.metadata = &m;
    const pl_ice_snapshot *to = pl_ice_snapshot_by_id(&m, move->snapshot);
    int64_t old = m.current_snapshot_id;
    if (!to)
        return pl_fail(err, PLUMB_E_NOT_FOUND,
                       "cannot roll back table '%s': it has no snapshot %lld", table->name,
                       (long long)move->snapshot);
    if (!table->key)
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot roll back table '%s': its location '%.*s' is outside the lake",
                       table->name, PL_FMT(m.location));
    PL_TRY(move_schema(&moved, to, err));
    move_refs(&moved, move, old);
    m.current_snapshot_id = to->id;
    pl_iceberg__log_head(&moved, commit->now_ms);
    return pl_iceberg__commit_metadata(&moved, commit, ret_location, err);
}
