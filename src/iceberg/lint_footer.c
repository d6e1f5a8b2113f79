// lint_footer.c -- the rules of a data file's footer against its entry in the manifest.
//
// What a manifest says decides which files are read, what a footer says which parts of them: where
// the two disagree, one of them loses rows.
//
// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "iceberg/lint_int.h"
#include "parquet/facts.h"

enum { INT32 = 1, INT64 = 2, FIXED = 7, FOOTER_BYTES_MAX = 256 * 1024 * 1024 };

typedef struct footer {
    lint *l;
    const char *place, *key; // of the manifest, of the file
    const pl_avro_value *file;
    pl_parquet_facts facts;
} footer;

// The value of one column in one of the entry's maps; NULL if there is none.
static const pl_avro_value *metric(const footer *f, int32_t map_id, int32_t key_id, int32_t column)
{
    int64_t id;
    const pl_avro_value *map = pl_avro_field_of(f->file, map_id, "");
    if (!map || map->type->kind != PL_AVRO_ARRAY) return NULL;
    for (uint32_t i = 0; i < map->count; i++)
        if (pl_avro_long(pl_avro_field_of(&map->items[i], key_id, "key"), &id) && id == column)
            return pl_avro_field_of(&map->items[i], key_id + 1, "value");
    return NULL;
}

static void lint_rows(const footer *f)
{
    int64_t rows = 0, entry;
    for (uint32_t i = 0; i < f->facts.group_count; i++) rows += f->facts.groups[i].rows;
    if (rows != f->facts.rows)
        pl_iceberg__say(f->l, "parquet-rows", f->key,
                        "its footer says %lld rows, and its row groups have %lld",
                        (long long)f->facts.rows, (long long)rows);
    else if (pl_avro_long(pl_avro_field_of(f->file, 103, "record_count"), &entry) && entry != rows)
        pl_iceberg__say(f->l, "parquet-rows", f->place,
                        "'%s' has %lld rows, and its entry says %lld", f->key, (long long)rows,
                        (long long)entry);
}

static void lint_splits(const footer *f)
{
    int64_t at;
    const pl_avro_value *splits = pl_avro_field_of(f->file, 132, "split_offsets");
    if (!splits || splits->type->kind != PL_AVRO_ARRAY || !f->facts.leaf_count) return;
    bool same = splits->count == f->facts.group_count;
    for (uint32_t i = 0; same && i < splits->count; i++)
        same = pl_avro_long(&splits->items[i], &at) && at == f->facts.groups[i].chunks[0].offset;
    if (!same)
        pl_iceberg__say(f->l, "parquet-splits", f->place,
                        "the split offsets of '%s' are not where its %u row groups begin", f->key,
                        f->facts.group_count);
}

// Files of other systems may go without ids when the table maps names to them.
static void lint_ids(const footer *f)
{
    const pl_json *properties = pl_json_get(f->l->root, "properties");
    if (properties && pl_json_get(properties, "schema.name-mapping.default")) return;
    for (uint32_t i = 0; i < f->facts.leaf_count; i++) {
        const pl_parquet_leaf *leaf = &f->facts.leaves[i];
        if (leaf->field_id < 0)
            pl_iceberg__say(f->l, "parquet-field-id", f->key, "its column '%.*s' has no field id",
                            PL_FMT(leaf->name));
        else if (!pl_iceberg__column(f->l, leaf->field_id))
            pl_iceberg__say(f->l, "parquet-field-id", f->key,
                            "its column '%.*s' has the field id %d, which is in no schema",
                            PL_FMT(leaf->name), leaf->field_id);
    }
}

static void lint_counts(const footer *f, uint32_t leaf, const lint_column *c)
{
    int64_t values = 0, nulls = 0, entry;
    bool known = true;
    for (uint32_t g = 0; g < f->facts.group_count; g++) {
        const pl_parquet_chunk *chunk = &f->facts.groups[g].chunks[leaf];
        values += chunk->values;
        nulls += chunk->nulls;
        known &= chunk->nulls >= 0;
    }
    if (pl_avro_long(metric(f, 109, 119, c->id), &entry) && entry != values)
        pl_iceberg__say(f->l, "parquet-values", f->place,
                        "'%s': column '%.*s' has %lld values, and its entry says %lld", f->key,
                        PL_FMT(c->name), (long long)values, (long long)entry);
    if (known && pl_avro_long(metric(f, 110, 121, c->id), &entry) && entry != nulls)
        pl_iceberg__say(f->l, "parquet-nulls", f->place,
                        "'%s': column '%.*s' has %lld nulls, and its entry says %lld", f->key,
                        PL_FMT(c->name), (long long)nulls, (long long)entry);
}

// A bound of the footer as a value of the column; false: of a form not known here, or NaN.
static bool footer_value(pl_span bytes, int32_t physical, const lint_column *c, pl_value *ret)
{
    char turned[8];
    if (c->type.kind == PL_DECIMAL && physical != FIXED) { // Iceberg has them the other way round
        if ((physical != INT32 && physical != INT64) || bytes.bytes > sizeof turned) return false;
        for (size_t i = 0; i < bytes.bytes; i++) turned[i] = bytes.data[bytes.bytes - 1 - i];
        bytes.data = turned;
    }
    if (!pl_iceberg__bound(bytes, c, ret)) return false;
    return !(ret->kind == PL_FLOAT && isnan(ret->f32)) &&
           !(ret->kind == PL_DOUBLE && isnan(ret->f64));
}

// Writers differ in which zero they call the least.
static int compare(const pl_value *a, const pl_value *b)
{
    bool zeros = (a->kind == PL_FLOAT && a->f32 == 0 && b->f32 == 0) ||
                 (a->kind == PL_DOUBLE && a->f64 == 0 && b->f64 == 0);
    return zeros ? 0 : pl_value_compare(a, b);
}

static void lint_bound(const footer *f, uint32_t leaf, const lint_column *c, bool lower)
{
    pl_span bytes;
    pl_value bound, found;
    const pl_avro_value *value = lower ? metric(f, 125, 126, c->id) : metric(f, 128, 129, c->id);
    if (!value || !pl_avro_bytes(value, &bytes) || !pl_iceberg__bound(bytes, c, &bound)) return;
    for (uint32_t g = 0; g < f->facts.group_count; g++) {
        const pl_parquet_chunk *chunk = &f->facts.groups[g].chunks[leaf];
        if (!(lower ? chunk->has_min : chunk->has_max) ||
            !footer_value(lower ? chunk->min : chunk->max, f->facts.leaves[leaf].physical, c,
                          &found))
            continue;
        int order = compare(&found, &bound);
        if (lower ? order >= 0 : order <= 0) continue;
        pl_iceberg__say(f->l, "parquet-bounds", f->place,
                        "'%s': row group %u has values of column '%.*s' %s the %s bound of its "
                        "entry",
                        f->key, g, PL_FMT(c->name), lower ? "below" : "above",
                        lower ? "lower" : "upper");
        return;
    }
}

static const pl_json *order_of(const footer *f)
{
    int64_t id, other;
    const pl_json *orders = pl_json_get(f->l->root, "sort-orders");
    if (!pl_avro_long(pl_avro_field_of(f->file, 140, "sort_order_id"), &id) || id == 0) return NULL;
    for (const pl_json *o = orders ? orders->first : NULL; o; o = o->next)
        if (pl_json_get_long(o, "order-id", &other) && other == id) return o;
    return NULL;
}

// Does the group say that it is sorted as the order does? One that says nothing does, unless plumb
// wrote it.
static bool group_sorted(const footer *f, const pl_parquet_group *group, const pl_json *order)
{
    const pl_json *fields = pl_json_get(order, "fields");
    const pl_json *field = fields ? fields->first : NULL;
    if (!group->sorted_count) return !pl_span_starts(f->facts.created_by, PL_SPAN("plumb "));
    for (uint32_t i = 0; i < group->sorted_count && field; i++, field = field->next) {
        const pl_parquet_sorted *s = &group->sorted[i];
        pl_span transform, direction, nulls;
        int64_t source;
        if (!pl_json_get_text(field, "transform", &transform) ||
            !pl_json_get_long(field, "source-id", &source) ||
            !pl_json_get_text(field, "direction", &direction) ||
            !pl_json_get_text(field, "null-order", &nulls) || !pl_span_is(transform, "identity"))
            return true;
        if (f->facts.leaves[s->leaf].field_id != source ||
            s->descending != pl_span_is(direction, "desc") ||
            s->nulls_first != pl_span_is(nulls, "nulls-first"))
            return false;
    }
    return true;
}

static void lint_order(const footer *f)
{
    const pl_json *order = order_of(f);
    for (uint32_t g = 0; order && g < f->facts.group_count; g++) {
        if (group_sorted(f, &f->facts.groups[g], order)) continue;
        pl_iceberg__say(f->l, "parquet-sort-order", f->place,
                        "'%s': row group %u is not sorted as the sort order of its entry", f->key,
                        g);
        return;
    }
}

static void lint_all(const footer *f)
{
    lint_rows(f);
    lint_splits(f);
    lint_ids(f);
    lint_order(f);
    for (uint32_t i = 0; i < f->facts.leaf_count; i++) {
        const pl_parquet_leaf *leaf = &f->facts.leaves[i];
        const lint_column *c = leaf->field_id < 0 ? NULL : pl_iceberg__column(f->l, leaf->field_id);
        if (!c || !leaf->top || !c->top || !c->scalar) continue;
        lint_counts(f, i, c);
        lint_bound(f, i, c, true);
        lint_bound(f, i, c, false);
    }
}

void pl_iceberg__lint_footer(lint *l, const char *place, const char *key, uint64_t at,
                             uint32_t bytes, const pl_avro_value *file)
{
    footer f = {.l = l, .place = place, .key = key, .file = file};
    pl_arena arena = {0};
    plumb_error err = {0};
    size_t got = 0;
    const char *reason = "its footer is too large";
    if (bytes <= FOOTER_BYTES_MAX) {
        char *text = pl_arena_take(&arena, bytes);
        plumb_status st = pl_store_read(l->store, key, at, text, bytes, &got, &err);
        reason = st != PLUMB_OK ? err.message
                 : got != bytes
                     ? "it ends too early"
                     : pl_parquet_facts_read(pl_span_make(text, bytes), &arena, &f.facts);
    }
    if (reason)
        pl_iceberg__say(l, "parquet-footer", key, "its footer cannot be read: %s", reason);
    else
        lint_all(&f);
    pl_arena_done(&arena);
}
