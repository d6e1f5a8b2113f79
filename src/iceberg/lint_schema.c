// lint_schema.c -- the rules of schemas, partition specs and sort orders.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "iceberg/lint_int.h"

#define COLUMN_ID_MAX 2147483447 // above are the ids of reserved columns
#define TYPE_DEPTH    64

static const struct {
    const char *word;
    pl_kind kind;
    uint32_t width;
    bool text;
} scalars[] = {
    {"boolean", PL_BOOLEAN, 0, false}, {"int", PL_INT, 0, false},
    {"long", PL_LONG, 0, false},       {"float", PL_FLOAT, 0, false},
    {"double", PL_DOUBLE, 0, false},   {"date", PL_DATE, 0, false},
    {"time", PL_LONG, 0, false},       {"timestamp", PL_TIMESTAMP, 0, false},
    {"string", PL_STRING, 0, true},    {"timestamptz", PL_TIMESTAMP, 0, false},
    {"uuid", PL_STRING, 16, false},    {"binary", PL_STRING, 0, false},
};

static bool scalar_type(pl_span word, lint_column *column)
{
    char text[40], again[40];
    int precision, scale;
    unsigned width;
    column->word = word;
    column->scalar = true;
    for (size_t i = 0; i < PL_COUNT(scalars); i++) {
        if (!pl_span_is(word, scalars[i].word)) continue;
        column->type.kind = scalars[i].kind;
        column->width = scalars[i].width;
        column->text = scalars[i].text;
        return true;
    }
    if (word.bytes >= sizeof text) return column->scalar = false;
    memcpy(text, word.data, word.bytes);
    text[word.bytes] = 0;
    if (sscanf(text, "decimal(%2d, %2d)", &precision, &scale) == 2 && precision >= 1 &&
        precision <= 38 && scale >= 0 && scale <= precision) {
        snprintf(again, sizeof again, "decimal(%d, %d)", precision, scale);
        column->type =
            (pl_type){.kind = PL_DECIMAL, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
        if (strcmp(text, again) == 0) return true; // comma and space, as readers expect it
    }
    if (sscanf(text, "fixed[%9u]", &width) == 1 && width > 0) {
        snprintf(again, sizeof again, "fixed[%u]", width);
        column->type.kind = PL_STRING;
        column->width = width;
        if (strcmp(text, again) == 0) return true;
    }
    return column->scalar = false;
}

typedef struct gather {
    lint *l;
    pl_buf columns; // owned; lint_column
    int64_t schema_id;
    pl_arena *arena;
} gather;

static void gather_type(gather *g, const pl_json *type, lint_column column, int depth);

static void add_column(gather *g, const pl_json *json, const char *key, lint_column column,
                       const pl_json *type, int depth)
{
    int64_t id;
    if (!pl_json_get_long(json, key, &id) || id < 1 || id > COLUMN_ID_MAX) {
        pl_iceberg__say(g->l, "column-id", g->l->place,
                        "schema %lld: column '%.*s' has no valid '%s'", (long long)g->schema_id,
                        PL_FMT(column.name), key);
        id = 0;
    }
    column.id = (int32_t)id;
    gather_type(g, type, column, depth);
}

static void gather_fields(gather *g, const pl_json *fields, bool top, bool repeated, int depth)
{
    lint *l = g->l;
    for (const pl_json *item = fields->first; item; item = item->next) {
        lint_column column = {.top = top, .repeated = repeated};
        const pl_json *required = pl_json_get(item, "required");
        if (!pl_json_get_text(item, "name", &column.name) || !column.name.bytes)
            pl_iceberg__say(l, "column-name", l->place, "schema %lld: a column has no name",
                            (long long)g->schema_id);
        for (const pl_json *other = fields->first; other != item; other = other->next) {
            pl_span name;
            if (column.name.bytes && pl_json_get_text(other, "name", &name) &&
                pl_span_equal(name, column.name))
                pl_iceberg__say(l, "column-name", l->place, "schema %lld: two columns are '%.*s'",
                                (long long)g->schema_id, PL_FMT(name));
        }
        if (!required || (required->kind != PL_JSON_TRUE && required->kind != PL_JSON_FALSE))
            pl_iceberg__say(l, "column-required", l->place,
                            "schema %lld: column '%.*s' does not say whether it is required",
                            (long long)g->schema_id, PL_FMT(column.name));
        column.required = required && required->kind == PL_JSON_TRUE;
        add_column(g, item, "id", column, pl_json_get(item, "type"), depth);
    }
}

static void gather_nested(gather *g, const pl_json *type, const lint_column *column, int depth)
{
    pl_span kind = {0};
    const pl_json *fields = pl_json_get(type, "fields");
    lint_column inner = {.name = column->name, .repeated = true};
    if (depth > TYPE_DEPTH || !pl_json_get_text(type, "type", &kind)) kind = PL_SPAN("?");
    if (pl_span_is(kind, "struct") && fields && fields->kind == PL_JSON_ARRAY) {
        gather_fields(g, fields, false, column->repeated, depth + 1);
    } else if (pl_span_is(kind, "list")) {
        add_column(g, type, "element-id", inner, pl_json_get(type, "element"), depth + 1);
    } else if (pl_span_is(kind, "map")) {
        add_column(g, type, "key-id", inner, pl_json_get(type, "key"), depth + 1);
        add_column(g, type, "value-id", inner, pl_json_get(type, "value"), depth + 1);
    } else {
        pl_iceberg__say(g->l, "column-type", g->l->place,
                        "schema %lld: column '%.*s' has no valid type", (long long)g->schema_id,
                        PL_FMT(column->name));
    }
}

static void gather_type(gather *g, const pl_json *type, lint_column column, int depth)
{
    if (type && type->kind == PL_JSON_STRING && !scalar_type(type->text, &column))
        pl_iceberg__say(g->l, "column-type", g->l->place,
                        "schema %lld: column '%.*s' has the unknown type '%.*s'",
                        (long long)g->schema_id, PL_FMT(column.name), PL_FMT(type->text));
    pl_buf_append(&g->columns, &column, sizeof column);
    if (!type || type->kind != PL_JSON_STRING) gather_nested(g, type, &column, depth);
}

static int by_id(const void *a, const void *b)
{
    const lint_column *x = *(const lint_column *const *)a, *y = *(const lint_column *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

static void lint_ids(lint *l, const lint_schema *schema, int64_t last_column_id)
{
    const lint_column **sorted = pl_alloc((schema->count + 1) * sizeof *sorted);
    for (uint32_t i = 0; i < schema->count; i++) sorted[i] = &schema->columns[i];
    qsort(sorted, schema->count, sizeof *sorted, by_id);
    for (uint32_t i = 1; i < schema->count; i++)
        if (sorted[i]->id && sorted[i]->id == sorted[i - 1]->id)
            pl_iceberg__say(l, "column-id-unique", l->place,
                            "schema %d: two columns have the id %d", schema->id, sorted[i]->id);
    if (schema->count && sorted[schema->count - 1]->id > last_column_id)
        pl_iceberg__say(l, "last-column-id", l->place,
                        "it is %lld, and schema %d has a column with the id %d",
                        (long long)last_column_id, schema->id, sorted[schema->count - 1]->id);
    free(sorted);
}

static void lint_identifiers(lint *l, const pl_json *json, const lint_schema *schema)
{
    const pl_json *ids;
    if (!pl_iceberg__maybe(l, json, "a schema", "identifier-field-ids", PL_JSON_ARRAY, &ids) ||
        !ids)
        return;
    for (const pl_json *item = ids->first; item; item = item->next) {
        int64_t id = 0;
        const lint_column *column = NULL;
        bool number = pl_json_long(item, &id);
        for (uint32_t i = 0; number && i < schema->count; i++)
            if (schema->columns[i].id == id) column = &schema->columns[i];
        if (!column || !column->scalar || !column->required || column->repeated ||
            column->type.kind == PL_FLOAT || column->type.kind == PL_DOUBLE)
            pl_iceberg__say(l, "identifier-column", l->place,
                            "schema %d: identifier %lld is not a required column of a type that "
                            "can identify rows",
                            schema->id, (long long)id);
    }
}

static void lint_schema_json(lint *l, const pl_json *json, int64_t last_column_id)
{
    lint_schema *schema = &l->schemas[l->schema_count];
    const pl_json *type = pl_iceberg__member(l, json, "a schema", "type", PL_JSON_STRING);
    const pl_json *fields = pl_iceberg__member(l, json, "a schema", "fields", PL_JSON_ARRAY);
    int64_t id;
    if (type && !pl_span_is(type->text, "struct"))
        pl_iceberg__say(l, "schema-struct", l->place, "a schema is a '%.*s' and no struct",
                        PL_FMT(type->text));
    if (!pl_iceberg__member_long(l, json, "a schema", "schema-id", 0, INT32_MAX, &id)) return;
    if (pl_iceberg__schema(l, id))
        pl_iceberg__say(l, "schema-id-unique", l->place, "two schemas have the id %lld",
                        (long long)id);
    schema->id = (int32_t)id;
    gather g = {.l = l, .schema_id = id};
    if (fields) gather_fields(&g, fields, true, false, 0);
    schema->count = (uint32_t)(g.columns.count / sizeof(lint_column));
    schema->columns = PL_TAKE(l->arena, lint_column, schema->count);
    if (schema->count) memcpy(schema->columns, g.columns.data, g.columns.count);
    pl_buf_done(&g.columns);
    lint_ids(l, schema, last_column_id);
    lint_identifiers(l, json, schema);
    l->schema_count++;
}

// One id is one column for ever; its type may only have been widened.
static void lint_history(lint *l)
{
    for (uint32_t i = 1; i < l->schema_count; i++) {
        for (uint32_t k = 0; k < l->schemas[i].count; k++) {
            const lint_column *now = &l->schemas[i].columns[k], *old = NULL;
            for (uint32_t c = 0; c < l->schemas[i - 1].count && !old; c++)
                if (l->schemas[i - 1].columns[c].id == now->id) old = &l->schemas[i - 1].columns[c];
            if (!old || !now->id || pl_span_equal(old->word, now->word)) continue;
            bool both = old->scalar && now->scalar && old->width == now->width &&
                        old->text == now->text && old->type.kind != PL_TIMESTAMP;
            if (both && (pl_type_promotes(&old->type, &now->type) ||
                         pl_type_promotes(&now->type, &old->type)))
                continue;
            pl_iceberg__say(l, "column-type-change", l->place,
                            "column id %d is '%.*s' in schema %d and '%.*s' in schema %d", now->id,
                            PL_FMT(old->word), l->schemas[i - 1].id, PL_FMT(now->word),
                            l->schemas[i].id);
        }
    }
}

static void lint_schema_list(lint *l)
{
    int64_t last = INT32_MAX, current = -1;
    const pl_json *list = pl_iceberg__member(l, l->root, "the metadata", "schemas", PL_JSON_ARRAY);
    pl_iceberg__member_long(l, l->root, "the metadata", "last-column-id", 0, INT32_MAX, &last);
    if (list && !list->count)
        pl_iceberg__say(l, "schemas-not-empty", l->place, "'schemas' is empty");
    l->schemas = PL_TAKE(l->arena, lint_schema, list ? list->count : 0);
    for (const pl_json *item = list ? list->first : NULL; item; item = item->next)
        lint_schema_json(l, item, last);
    lint_history(l);
    l->current_schema_id = -1;
    if (!pl_iceberg__member_long(l, l->root, "the metadata", "current-schema-id", 0, INT32_MAX,
                                 &current))
        return;
    l->current_schema_id = (int32_t)current;
    if (list && list->count && !pl_iceberg__schema(l, current))
        pl_iceberg__say(l, "current-schema", l->place,
                        "'current-schema-id' is %lld, and no schema has that id",
                        (long long)current);
}

// The type of a partition field's values.
static bool part_result(lint_part *part)
{
    pl_kind kind;
    const lint_column *source = part->source;
    bool bytes = source->scalar && source->type.kind == PL_STRING && !source->text;
    bool time = pl_span_is(source->word, "time");
    if (!source->scalar || source->repeated) return false;
    if (!pl_transform_result(&part->transform, &source->type, &kind)) return false;
    if (time && part->transform.kind != PL_IDENTITY && part->transform.kind != PL_BUCKET &&
        part->transform.kind != PL_VOID)
        return false;
    if (bytes && source->width && part->transform.kind == PL_TRUNCATE) return false;
    part->result = *source;
    if (part->transform.kind == PL_TRUNCATE) part->result.width = 0;
    if (kind != source->type.kind) part->result = (lint_column){.type = {.kind = kind}};
    if (kind == PL_INT && part->transform.kind == PL_BUCKET)
        part->result = (lint_column){.type = {.kind = PL_INT}};
    part->result.scalar = true;
    return true;
}

static void lint_part_json(lint *l, const pl_json *json, lint_spec *spec, bool current)
{
    lint_part *part = &spec->parts[spec->count++];
    const char *of = "a partition field";
    int64_t id = 0, source = 0;
    const pl_json *name = pl_iceberg__member(l, json, of, "name", PL_JSON_STRING);
    const pl_json *transform = pl_iceberg__member(l, json, of, "transform", PL_JSON_STRING);
    pl_iceberg__member_long(l, json, of, "source-id", 1, INT32_MAX, &source);
    if (pl_iceberg__member_long(l, json, of, "field-id", INT32_MIN, INT32_MAX, &id) && id < 1000)
        pl_iceberg__say(l, "partition-field-id", l->place,
                        "spec %d: partition field id %lld is below 1000", spec->id, (long long)id);
    *part = (lint_part){.id = (int32_t)id,
                        .source_id = (int32_t)source,
                        .name = name ? name->text : PL_SPAN(""),
                        .word = transform ? transform->text : PL_SPAN("")};
    for (uint32_t i = 0; i + 1 < spec->count; i++) {
        if (spec->parts[i].id == part->id)
            pl_iceberg__say(l, "partition-field-id", l->place,
                            "spec %d: two partition fields have the id %d", spec->id, part->id);
        if (pl_span_equal(spec->parts[i].name, part->name))
            pl_iceberg__say(l, "partition-field-name", l->place,
                            "spec %d: two partition fields are '%.*s'", spec->id,
                            PL_FMT(part->name));
    }
    part->source = pl_iceberg__column(l, part->source_id);
    if (!pl_transform_parse(part->word, &part->transform))
        pl_iceberg__say(l, "partition-transform", l->place, "spec %d: unknown transform '%.*s'",
                        spec->id, PL_FMT(part->word));
    else if (!part->source)
        pl_iceberg__say(l, "partition-source", l->place,
                        "spec %d: the source of '%.*s', column id %d, is in no schema", spec->id,
                        PL_FMT(part->name), part->source_id);
    else if (!part_result(part))
        pl_iceberg__say(l, "partition-transform", l->place,
                        "spec %d: transform '%.*s' cannot be applied to column '%.*s'", spec->id,
                        PL_FMT(part->word), PL_FMT(part->source->name));
    else
        part->known = true;
    const lint_schema *schema = pl_iceberg__schema(l, l->current_schema_id);
    for (uint32_t i = 0; current && schema && i < schema->count; i++) {
        const lint_column *column = &schema->columns[i];
        bool own = column->id == part->source_id &&
                   (part->transform.kind == PL_IDENTITY || part->transform.kind == PL_VOID);
        if (column->top && pl_span_equal(column->name, part->name) && !own)
            pl_iceberg__say(l, "partition-field-name", l->place,
                            "spec %d: partition field '%.*s' has the name of another column",
                            spec->id, PL_FMT(part->name));
    }
    spec->known &= part->known;
}

// An id means the same field in every spec.
static void lint_part_ids(lint *l)
{
    for (uint32_t s = 0; s < l->spec_count; s++)
        for (uint32_t i = 0; i < l->specs[s].count; i++)
            for (uint32_t o = 0; o < s; o++)
                for (uint32_t k = 0; k < l->specs[o].count; k++) {
                    const lint_part *a = &l->specs[s].parts[i], *b = &l->specs[o].parts[k];
                    bool gone = a->transform.kind == PL_VOID || b->transform.kind == PL_VOID;
                    if (a->id != b->id || gone) continue;
                    if (a->source_id != b->source_id || !pl_span_equal(a->word, b->word))
                        pl_iceberg__say(l, "partition-field-id", l->place,
                                        "partition field id %d means different fields in specs %d "
                                        "and %d",
                                        a->id, l->specs[o].id, l->specs[s].id);
                }
}

static void lint_spec_list(lint *l)
{
    int64_t current = -1, last = INT32_MAX;
    const pl_json *list =
        pl_iceberg__member(l, l->root, "the metadata", "partition-specs", PL_JSON_ARRAY);
    bool has = pl_iceberg__member_long(l, l->root, "the metadata", "default-spec-id", 0, INT32_MAX,
                                       &current);
    pl_iceberg__member_long(l, l->root, "the metadata", "last-partition-id", 0, INT32_MAX, &last);
    if (list && !list->count)
        pl_iceberg__say(l, "specs-not-empty", l->place, "'partition-specs' is empty");
    l->specs = PL_TAKE(l->arena, lint_spec, list ? list->count : 0);
    for (const pl_json *item = list ? list->first : NULL; item; item = item->next) {
        lint_spec *spec = &l->specs[l->spec_count];
        int64_t id;
        const pl_json *fields =
            pl_iceberg__member(l, item, "a partition spec", "fields", PL_JSON_ARRAY);
        if (!pl_iceberg__member_long(l, item, "a partition spec", "spec-id", 0, INT32_MAX, &id))
            continue;
        if (pl_iceberg__spec(l, id))
            pl_iceberg__say(l, "spec-id-unique", l->place, "two partition specs have the id %lld",
                            (long long)id);
        *spec = (lint_spec){.id = (int32_t)id, .known = fields != NULL};
        l->spec_count++;
        spec->parts = PL_TAKE(l->arena, lint_part, fields ? fields->count : 0);
        for (const pl_json *f = fields ? fields->first : NULL; f; f = f->next)
            lint_part_json(l, f, spec, id == current);
        for (uint32_t i = 0; i < spec->count; i++)
            if (spec->parts[i].id > last)
                pl_iceberg__say(l, "last-partition-id", l->place,
                                "it is %lld, and spec %d has the partition field id %d",
                                (long long)last, spec->id, spec->parts[i].id);
    }
    lint_part_ids(l);
    if (has && list && list->count && !pl_iceberg__spec(l, current))
        pl_iceberg__say(l, "default-spec", l->place,
                        "'default-spec-id' is %lld, and no partition spec has that id",
                        (long long)current);
}

static void lint_sort_field(lint *l, const pl_json *json, int64_t order, bool current)
{
    pl_span word = {0};
    int64_t source = 0;
    pl_transform transform;
    if (!pl_json_get_text(json, "transform", &word) || !pl_transform_parse(word, &transform) ||
        !pl_json_get_long(json, "source-id", &source))
        pl_iceberg__say(l, "sort-field", l->place, "sort order %lld: unknown transform '%.*s'",
                        (long long)order, PL_FMT(word));
    else if (current && !pl_iceberg__column(l, (int32_t)source))
        pl_iceberg__say(l, "sort-field", l->place, "sort order %lld: no column has the id %lld",
                        (long long)order, (long long)source);
    if (!pl_json_get_text(json, "direction", &word) ||
        (!pl_span_is(word, "asc") && !pl_span_is(word, "desc")))
        pl_iceberg__say(l, "sort-field", l->place,
                        "sort order %lld: the direction is neither 'asc' nor 'desc'",
                        (long long)order);
    if (!pl_json_get_text(json, "null-order", &word) ||
        (!pl_span_is(word, "nulls-first") && !pl_span_is(word, "nulls-last")))
        pl_iceberg__say(l, "sort-field", l->place,
                        "sort order %lld: the null order is neither 'nulls-first' nor 'nulls-last'",
                        (long long)order);
}

static void lint_sort_orders(lint *l)
{
    int64_t current = -1, id;
    bool found = false;
    const pl_json *list =
        pl_iceberg__member(l, l->root, "the metadata", "sort-orders", PL_JSON_ARRAY);
    bool has = pl_iceberg__member_long(l, l->root, "the metadata", "default-sort-order-id", 0,
                                       INT32_MAX, &current);
    if (list && !list->count)
        pl_iceberg__say(l, "sort-orders-not-empty", l->place, "'sort-orders' is empty");
    for (const pl_json *item = list ? list->first : NULL; item; item = item->next) {
        const pl_json *fields =
            pl_iceberg__member(l, item, "a sort order", "fields", PL_JSON_ARRAY);
        if (!pl_iceberg__member_long(l, item, "a sort order", "order-id", 0, INT32_MAX, &id) ||
            !fields)
            continue;
        found |= id == current;
        if ((id == 0) != (fields->count == 0))
            pl_iceberg__say(l, "sort-order-id", l->place,
                            "sort order %lld has %u fields: only 0 is unsorted", (long long)id,
                            fields->count);
        for (const pl_json *f = fields->first; f; f = f->next)
            lint_sort_field(l, f, id, id == current);
        int64_t other;
        for (const pl_json *o = list->first; o != item; o = o->next)
            if (pl_json_get_long(o, "order-id", &other) && other == id)
                pl_iceberg__say(l, "sort-order-id", l->place, "two sort orders have the id %lld",
                                (long long)id);
    }
    if (has && list && list->count && !found)
        pl_iceberg__say(l, "default-sort-order", l->place,
                        "'default-sort-order-id' is %lld, and no sort order has that id",
                        (long long)current);
}

void pl_iceberg__lint_schemas(lint *l)
{
    lint_schema_list(l);
    lint_spec_list(l);
    lint_sort_orders(l);
}
