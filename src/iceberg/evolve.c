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
                            .name = pl_arena_copy(arena, wanted->name),
                            .type = with_ids(arena, &old->type, &wanted->type),
                            .required = wanted->required,
                            .doc = pl_arena_copy(arena, wanted->doc)};
    return PLUMB_OK;
}

// ---- columns that come back --------------------------------------------------------------------
static bool is_ancestor(const pl_ice_metadata *m, int64_t snapshot)
{
    int64_t at = m->current_snapshot_id;
    for (uint32_t steps = 0; steps <= m->snapshot_count; steps++) {
        const pl_ice_snapshot *s = pl_ice_snapshot_by_id(m, at);
        if (!s || at == snapshot) return s != NULL;
        at = s->parent_id;
    }
    return false;
}

static const pl_ice_schema *schema_of(const pl_ice_metadata *m, uint32_t snapshot)
{
    return pl_ice_schema_by_id(m, m->snapshots[snapshot].schema_id);
}

// May the id be given to the column again? Not if files of the head may hold values under it, which
// a person dropped: they would be back. Nor if values under it could not be read as this type.
static bool may_return(const change *c, const pl_field *old, const pl_field *wanted)
{
    const pl_ice_metadata *m = c->table->metadata;
    if (pl_schema_find_id(c->current, old->id) >= 0) return false;
    for (uint32_t i = 0; i < m->schema_count; i++) {
        int at = pl_schema_find_id(&m->schemas[i].schema, old->id);
        if (at >= 0 && !pl_type_promotes(&m->schemas[i].schema.fields[at].type, &wanted->type))
            return false;
    }
    for (uint32_t i = 0; i < m->snapshot_count; i++) {
        if (!is_ancestor(m, m->snapshots[i].id)) continue;
        const pl_ice_schema *then = schema_of(m, i);
        if (!then || then->foreign || pl_schema_find_id(&then->schema, old->id) >= 0) return false;
    }
    return true;
}

// The column of that name in the newest snapshot that the head does not descend from: one that a
// rollback left. With its id the rows of both heads have one column, whichever is read.
static const pl_field *find_left(const change *c, const pl_field *wanted)
{
    const pl_ice_metadata *m = c->table->metadata;
    for (uint32_t i = m->snapshot_count; i-- > 0;) {
        const pl_ice_schema *then = schema_of(m, i);
        int at = then && !then->foreign ? pl_schema_find(&then->schema, wanted->name) : -1;
        if (at >= 0 && !is_ancestor(m, m->snapshots[i].id) &&
            may_return(c, &then->schema.fields[at], wanted))
            return &then->schema.fields[at];
    }
    return NULL;
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
    const pl_field *left = find_left(c, wanted);
    ret_field->id = left ? left->id : ++c->last_id;
    if (left) ret_field->type = with_ids(c->table->arena, &left->type, &wanted->type);
    return PLUMB_OK;
}

// A partition field may share its name only with the column it takes unchanged.
static plumb_status check_name(const change *c, const pl_field *field)
{
    const pl_partition_spec *spec = pl_ice_current_spec(c->table);
    for (uint32_t i = 0; spec && i < spec->count; i++) {
        const pl_partition_field *part = &spec->fields[i];
        if (!pl_span_equal(part->name, field->name) ||
            (part->source_id == field->id && part->transform.kind == PL_IDENTITY))
            continue;
        pl_fail(c->err, PLUMB_E_CONFIG,
                "cannot name a column of table '%s' '%.*s': its partition has a field of that name",
                c->table->name, PL_FMT(field->name));
        pl_hint(c->err, "Choose another name for the column.");
        return PLUMB_E_CONFIG;
    }
    return PLUMB_OK;
}

// The column of the current schema that a wanted one is: by name, or by the name it had.
static plumb_status find_old(const change *c, const pl_field *field, pl_span was, int *ret_old)
{
    int old = was.bytes ? pl_schema_find(c->current, was) : -1;
    *ret_old = pl_schema_find(c->current, field->name);
    if (old < 0) return PLUMB_OK;
    if (*ret_old < 0) {
        *ret_old = old;
        return PLUMB_OK;
    }
    pl_fail(c->err, PLUMB_E_CONFIG,
            "cannot rename column '%.*s' of table '%s' to '%.*s': it has both columns, each with "
            "rows of its own",
            PL_FMT(was), c->table->name, PL_FMT(field->name));
    pl_hint(c->err, "Leave out was(%.*s), and read both columns in queries.", PL_FMT(was));
    return PLUMB_E_CONFIG;
}

// A column that went with this very change. Those that went before stand behind all others and
// are optional.
static const pl_field *gone_now(const change *c, const bool *used)
{
    bool later = false;
    const pl_field *gone = NULL;
    for (uint32_t i = c->current->count; i > 0; i--) {
        const pl_field *field = &c->current->fields[i - 1];
        if (!used[i - 1] && (later || field->required)) gone = field;
        later |= used[i - 1];
    }
    return gone;
}

// One goes and another comes: a new name for the same, or two changes? Only a person knows.
static plumb_status refuse_guess(const change *c, const pl_field *gone, const pl_field *came)
{
    pl_fail(c->err, PLUMB_E_CONFIG,
            "cannot change table '%s': column '%.*s' is gone and '%.*s' is new, which may be one "
            "column renamed or two changes",
            c->table->name, PL_FMT(gone->name), PL_FMT(came->name));
    pl_hint(c->err,
            "If it is the same column, write was(%.*s) behind the type of '%.*s'; if not, remove "
            "'%.*s' first, run, and then add '%.*s'.",
            PL_FMT(gone->name), PL_FMT(came->name), PL_FMT(gone->name), PL_FMT(came->name));
    return PLUMB_E_CONFIG;
}

typedef struct building {
    pl_field *fields, **fresh;
    uint32_t count, added;
    bool *used; // columns of the current schema that are wanted
} building;

static plumb_status build_column(change *c, const pl_field *field, pl_span was, building *b)
{
    int old;
    pl_field *made = &b->fields[b->count];
    PL_TRY(find_old(c, field, was, &old));
    if (old >= 0)
        PL_TRY(change_column(c, &c->current->fields[old], field, made));
    else
        PL_TRY(add_column(c, field, made));
    bool renamed = old < 0 || !pl_span_equal(c->current->fields[old].name, field->name);
    if (renamed) PL_TRY(check_name(c, made));
    if (old >= 0)
        b->used[old] = true;
    else
        b->fresh[b->added++] = made;
    b->count++;
    return PLUMB_OK;
}

static plumb_status build(change *c, const pl_schema *wanted, const pl_span *was,
                          pl_schema *ret_schema)
{
    pl_arena *arena = c->table->arena;
    building b = {.fields = PL_TAKE(arena, pl_field, wanted->count + c->current->count),
                  .fresh = PL_TAKE(arena, pl_field *, wanted->count),
                  .used = PL_TAKE(arena, bool, c->current->count)};
    for (uint32_t i = 0; i < wanted->count; i++) {
        pl_span old = was ? was[i] : PL_SPAN("");
        plumb_status st = build_column(c, &wanted->fields[i], old, &b);
        if (st == PLUMB_OK) continue;
        pl_place(c->err, "", i + 1, 0);
        return st;
    }
    const pl_field *gone = gone_now(c, b.used);
    if (gone && b.added && c->has_rows) {
        plumb_status st = refuse_guess(c, gone, b.fresh[0]);
        pl_place(c->err, "", (uint32_t)pl_schema_find(wanted, b.fresh[0]->name) + 1, 0);
        return st;
    }
    for (uint32_t i = 0; i < b.added; i++)
        if (b.fresh[i]->id > c->table->metadata->last_column_id) // else as it was
            pl_iceberg__assign_element_ids(arena, &b.fresh[i]->type, &c->last_id);
    for (uint32_t i = 0; i < c->current->count; i++) {
        if (b.used[i]) continue;
        b.fields[b.count] = c->current->fields[i];
        b.fields[b.count++].required = false; // nobody fills it any more
    }
    *ret_schema = (pl_schema){.count = b.count, .fields = b.fields};
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

// Partition fields call their sources as the columns are called now.
static void name_sources(pl_ice_table *table)
{
    const pl_schema *schema = pl_ice_current_schema(table);
    pl_ice_metadata *m = table->metadata;
    for (uint32_t i = 0; i < m->spec_count; i++)
        for (uint32_t k = 0; k < m->specs[i].spec.count; k++) {
            pl_partition_field *field = &m->specs[i].spec.fields[k];
            int source = pl_schema_find_id(schema, field->source_id);
            if (source >= 0) field->source = schema->fields[source].name;
        }
}

plumb_status pl_ice_evolve(pl_ice_table *table, const pl_schema *wanted, const pl_span *was,
                           bool *ret_changed, plumb_error *err)
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
    PL_TRY(build(&c, wanted, was, &schema));
    *ret_changed = !same_schema(table->arena, current, schema, current->identifiers);
    if (!*ret_changed) return PLUMB_OK;
    use_schema(m, table->arena, schema, current->identifiers);
    m->last_column_id = c.last_id;
    name_sources(table);
    return PLUMB_OK;
}
