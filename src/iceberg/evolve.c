// evolve.c -- the current schema made to say what a contract says, as far as Iceberg allows.
//
// Only changes that leave every data file readable are made: see "Schema Evolution" in the Iceberg
// specification. A schema that was current before gets its old id back.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_int.h"

#define COLUMN_ID_MAX 2147483447 // above are the ids of reserved columns

typedef struct change {
    pl_ice_table *table;
    const pl_schema *current;
    bool has_rows; // some snapshot may hold rows written under the current schema
    int32_t last_id;
    plumb_error *err;
} change;

// `to` with the ids of `from`, which it equals or promotes. Text and JSON text are one type.
static pl_type with_ids(pl_arena *arena, const pl_type *from, const pl_type *to)
{
    pl_type type = *to;
    if (type.kind == PL_JSON && from->kind == PL_STRING) type.kind = PL_STRING;
    if (type.kind != PL_LIST) return type;
    pl_type *element = PL_TAKE(arena, pl_type, 1);
    *element = with_ids(arena, from->element, to->element);
    type.element_id = from->element_id;
    type.element = element;
    return type;
}

static plumb_status refuse_type(const change *c, const pl_field *old, const pl_field *wanted)
{
    pl_buf from = {0}, to = {0};
    pl_type_text(&from, &old->type);
    pl_type_text(&to, &wanted->type);
    plumb_status st =
        pl_fail(c->err, PLUMB_E_CONFIG,
                "cannot change column '%.*s' of table '%s' from %s to %s: rows "
                "already written could not be read",
                PL_FMT(old->name), c->table->name, pl_buf_cstr(&from), pl_buf_cstr(&to));
    pl_hint(c->err,
            "Only int to long, float to double and more decimal digits are possible: keep %s, or "
            "give the new type a new column name.",
            pl_buf_cstr(&from));
    pl_buf_done(&from);
    pl_buf_done(&to);
    return st;
}

static plumb_status change_column(const change *c, const pl_field *old, const pl_field *wanted,
                                  pl_field *ret_field)
{
    if (!pl_type_promotes(&old->type, &wanted->type)) return refuse_type(c, old, wanted);
    if (wanted->required && !old->required && c->has_rows) {
        pl_fail(c->err, PLUMB_E_CONFIG,
                "cannot make column '%.*s' of table '%s' required: rows already written may have "
                "no value",
                PL_FMT(old->name), c->table->name);
        pl_hint(c->err, "Leave out the '!' after its type.");
        return PLUMB_E_CONFIG;
    }
    pl_arena *arena = c->table->arena;
    *ret_field = (pl_field){.id = old->id,
                            .name = old->name,
                            .type = with_ids(arena, &old->type, &wanted->type),
                            .required = wanted->required,
                            .doc = pl_arena_copy(arena, wanted->doc)};
    return PLUMB_OK;
}

static plumb_status add_column(change *c, const pl_field *wanted, pl_field *ret_field)
{
    if (wanted->required && c->has_rows) {
        pl_fail(c->err, PLUMB_E_CONFIG,
                "cannot add required column '%.*s' to table '%s': rows already written have no "
                "value",
                PL_FMT(wanted->name), c->table->name);
        pl_hint(c->err, "Leave out the '!' after its type.");
        return PLUMB_E_CONFIG;
    }
    if (c->last_id >= COLUMN_ID_MAX)
        return pl_fail(c->err, PLUMB_E_LIMIT,
                       "cannot add column '%.*s' to table '%s': it has no "
                       "column ids left",
                       PL_FMT(wanted->name), c->table->name);
    pl_schema one = {.count = 1, .fields = (pl_field *)(uintptr_t)wanted};
    *ret_field = pl_schema_copy(c->table->arena, &one).fields[0];
    ret_field->id = ++c->last_id;
    return PLUMB_OK;
}

static plumb_status build(change *c, const pl_schema *wanted, pl_schema *ret_schema)
{
    pl_arena *arena = c->table->arena;
    uint32_t count = 0, added = 0;
    pl_field *fields = PL_TAKE(arena, pl_field, wanted->count + c->current->count);
    pl_field **fresh = PL_TAKE(arena, pl_field *, wanted->count);
    for (uint32_t i = 0; i < wanted->count; i++) {
        const pl_field *field = &wanted->fields[i];
        int old = pl_schema_find(c->current, field->name);
        plumb_status st = old >= 0
                              ? change_column(c, &c->current->fields[old], field, &fields[count])
                              : add_column(c, field, &fields[count]);
        if (st != PLUMB_OK) {
            pl_place(c->err, "", i + 1, 0);
            return st;
        }
        if (old < 0) fresh[added++] = &fields[count];
        count++;
    }
    for (uint32_t i = 0; i < added; i++)
        pl_iceberg__assign_element_ids(arena, &fresh[i]->type, &c->last_id);
    for (uint32_t i = 0; i < c->current->count; i++) {
        if (pl_schema_find(wanted, c->current->fields[i].name) >= 0) continue;
        fields[count] = c->current->fields[i];
        fields[count++].required = false; // nobody fills it any more
    }
    *ret_schema = (pl_schema){.count = count, .fields = fields};
    return PLUMB_OK;
}

// Whether two schemas say the same, whatever their ids.
static bool same_schema(pl_arena *arena, const pl_ice_schema *a, pl_schema b, pl_span identifiers)
{
    if (a->foreign) return false;
    b.id = a->schema.id;
    return pl_span_equal(pl_iceberg__schema_text(arena, &a->schema, a->identifiers),
                         pl_iceberg__schema_text(arena, &b, identifiers));
}

static void use_schema(pl_ice_metadata *m, pl_arena *arena, pl_schema schema, pl_span identifiers)
{
    for (uint32_t i = 0; i < m->schema_count; i++) {
        if (!same_schema(arena, &m->schemas[i], schema, identifiers)) continue;
        m->current_schema_id = m->schemas[i].schema.id;
        return;
    }
    for (uint32_t i = 0; i < m->schema_count; i++)
        schema.id = PL_MAX(schema.id, m->schemas[i].schema.id + 1);
    pl_ice_schema *all = PL_TAKE(arena, pl_ice_schema, m->schema_count + 1);
    memcpy(all, m->schemas, m->schema_count * sizeof *all);
    all[m->schema_count] =
        (pl_ice_schema){.schema = schema,
                        .identifiers = identifiers,
                        .raw = pl_iceberg__schema_text(arena, &schema, identifiers)};
    m->schemas = all;
    m->schema_count++;
    m->current_schema_id = schema.id;
}

plumb_status pl_ice_evolve(pl_ice_table *table, const pl_schema *wanted, bool *ret_changed,
                           plumb_error *err)
{
    pl_ice_metadata *m = table->metadata;
    const pl_ice_schema *current = pl_ice_schema_by_id(m, m->current_schema_id);
    if (current->foreign)
        return pl_fail(err, PLUMB_E_CONFIG,
                       "cannot change table '%s': %s, which plumb does not write", table->name,
                       current->foreign);
    change c = {.table = table,
                .current = &current->schema,
                .has_rows = m->snapshot_count > 0,
                .last_id = m->last_column_id,
                .err = err};
    pl_schema schema;
    PL_TRY(build(&c, wanted, &schema));
    *ret_changed = !same_schema(table->arena, current, schema, current->identifiers);
    if (!*ret_changed) return PLUMB_OK;
    use_schema(m, table->arena, schema, current->identifiers);
    m->last_column_id = c.last_id;
    return PLUMB_OK;
}
