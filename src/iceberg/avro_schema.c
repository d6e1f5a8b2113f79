// avro_schema.c -- an Avro schema's JSON into pl_avro_type, named types resolved.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"
#include "iceberg/avro_int.h"
#include "json/tree.h"

#define SCHEMA_DEPTH_MAX 32

typedef struct parser {
    pl_arena *arena;
    pl_map names;               // named type -> index
    const pl_avro_type **named; // owned
    uint32_t count, capacity;
    plumb_error *err;
} parser;

static plumb_status parse_type(parser *p, const pl_json *json, int depth,
                               const pl_avro_type **ret_type);

static const struct {
    const char *name;
    pl_avro_kind kind;
} primitives[] = {
    {"null", PL_AVRO_NULL},     {"boolean", PL_AVRO_BOOLEAN}, {"int", PL_AVRO_INT},
    {"long", PL_AVRO_LONG},     {"float", PL_AVRO_FLOAT},     {"double", PL_AVRO_DOUBLE},
    {"bytes", PL_AVRO_BYTES},   {"string", PL_AVRO_STRING},   {"fixed", PL_AVRO_FIXED},
    {"enum", PL_AVRO_ENUM},     {"array", PL_AVRO_ARRAY},     {"map", PL_AVRO_MAP},
    {"record", PL_AVRO_RECORD},
};

static bool kind_of(pl_span name, pl_avro_kind *ret_kind)
{
    for (size_t i = 0; i < PL_COUNT(primitives); i++) {
        if (!pl_span_is(name, primitives[i].name)) continue;
        *ret_kind = primitives[i].kind;
        return true;
    }
    return false;
}

// The parent is one higher than its highest child; names make schemas deeper than their text.
static plumb_status raise_above(parser *p, pl_avro_type *parent, const pl_avro_type *child)
{
    parent->height = PL_MAX(parent->height, child->height + 1);
    if (parent->height <= SCHEMA_DEPTH_MAX) return PLUMB_OK;
    return pl_fail(p->err, PLUMB_E_LIMIT, "its Avro schema is nested deeper than %d",
                   SCHEMA_DEPTH_MAX);
}

// "int", or the name of a type defined before.
static plumb_status parse_name(parser *p, pl_span name, const pl_avro_type **ret_type)
{
    pl_avro_kind kind;
    if (kind_of(name, &kind) && kind <= PL_AVRO_STRING) {
        pl_avro_type *type = PL_TAKE(p->arena, pl_avro_type, 1);
        type->kind = kind;
        *ret_type = type;
        return PLUMB_OK;
    }
    uint32_t index = pl_map_get(&p->names, name);
    if (index == PL_MAP_NONE)
        return pl_fail(p->err, PLUMB_E_MALFORMED, "its Avro schema has the unknown type '%.*s'",
                       PL_FMT(name));
    *ret_type = p->named[index];
    return PLUMB_OK;
}

static plumb_status parse_union(parser *p, const pl_json *json, int depth,
                                const pl_avro_type **ret_type)
{
    pl_avro_type *type = PL_TAKE(p->arena, pl_avro_type, 1);
    type->kind = PL_AVRO_UNION;
    type->branches = PL_TAKE(p->arena, const pl_avro_type *, json->count);
    for (const pl_json *item = json->first; item; item = item->next) {
        const pl_avro_type **branch = &type->branches[type->count];
        PL_TRY(parse_type(p, item, depth + 1, branch));
        if ((*branch)->kind == PL_AVRO_UNION)
            return pl_fail(p->err, PLUMB_E_MALFORMED, "its Avro schema has a union in a union");
        PL_TRY(raise_above(p, type, *branch));
        type->count++;
    }
    *ret_type = type;
    return PLUMB_OK;
}

// A type may only name itself once it is whole: no schema here is recursive, so records nest at
// most as deep as the text does.
static void define(parser *p, pl_avro_type *type, const pl_json *json)
{
    if (!pl_json_get_text(json, "name", &type->name)) return;
    PL_GROW(p->named, p->count, p->capacity);
    if (pl_map_add(&p->names, type->name, p->count) == p->count) p->named[p->count++] = type;
}

static plumb_status parse_fields(parser *p, const pl_json *json, int depth, pl_avro_type *type)
{
    const pl_json *fields = pl_json_get(json, "fields");
    if (!fields || fields->kind != PL_JSON_ARRAY)
        return pl_fail(p->err, PLUMB_E_MALFORMED, "its Avro schema has a record without fields");
    type->fields = PL_TAKE(p->arena, pl_avro_field, fields->count);
    for (const pl_json *item = fields->first; item; item = item->next) {
        pl_avro_field *field = &type->fields[type->count];
        int64_t id = 0;
        if (!pl_json_get_text(item, "name", &field->name))
            return pl_fail(p->err, PLUMB_E_MALFORMED, "its Avro schema has a field without a name");
        if (pl_json_get_long(item, "field-id", &id) && id > 0 && id <= INT32_MAX)
            field->id = (int32_t)id;
        PL_TRY(parse_type(p, pl_json_get(item, "type"), depth + 1, &field->type));
        PL_TRY(raise_above(p, type, field->type));
        type->count++;
    }
    return PLUMB_OK;
}

static plumb_status parse_object(parser *p, const pl_json *json, int depth,
                                 const pl_avro_type **ret_type)
{
    const pl_json *inner = pl_json_get(json, "type");
    pl_avro_kind kind;
    if (!inner || inner->kind != PL_JSON_STRING)
        return parse_type(p, inner, depth + 1, ret_type); // {"type": {...}} or {"type": [...]}
    if (!kind_of(inner->text, &kind)) return parse_name(p, inner->text, ret_type);
    pl_avro_type *type = PL_TAKE(p->arena, pl_avro_type, 1);
    type->kind = kind;
    if (kind == PL_AVRO_RECORD) {
        PL_TRY(parse_fields(p, json, depth, type));
    } else if (kind == PL_AVRO_ARRAY) {
        PL_TRY(parse_type(p, pl_json_get(json, "items"), depth + 1, &type->items));
    } else if (kind == PL_AVRO_MAP) {
        PL_TRY(parse_type(p, pl_json_get(json, "values"), depth + 1, &type->items));
    } else if (kind == PL_AVRO_FIXED) {
        int64_t size;
        if (!pl_json_get_long(json, "size", &size) || size < 0 || size > INT32_MAX)
            return pl_fail(p->err, PLUMB_E_MALFORMED, "its Avro schema has a fixed without a size");
        type->size = (uint32_t)size;
    }
    if (type->items) PL_TRY(raise_above(p, type, type->items));
    if (kind == PL_AVRO_RECORD || kind == PL_AVRO_FIXED || kind == PL_AVRO_ENUM)
        define(p, type, json);
    *ret_type = type;
    return PLUMB_OK;
}

static plumb_status parse_type(parser *p, const pl_json *json, int depth,
                               const pl_avro_type **ret_type)
{
    if (depth > SCHEMA_DEPTH_MAX)
        return pl_fail(p->err, PLUMB_E_LIMIT, "its Avro schema is nested deeper than %d",
                       SCHEMA_DEPTH_MAX);
    if (json && json->kind == PL_JSON_STRING) return parse_name(p, json->text, ret_type);
    if (json && json->kind == PL_JSON_ARRAY) return parse_union(p, json, depth, ret_type);
    if (json && json->kind == PL_JSON_OBJECT) return parse_object(p, json, depth, ret_type);
    return pl_fail(p->err, PLUMB_E_MALFORMED, "its Avro schema lacks a type");
}

plumb_status pl_iceberg__avro_schema(pl_span text, pl_arena *arena, const pl_avro_type **ret_type,
                                     plumb_error *err)
{
    parser p = {.arena = arena, .err = err};
    pl_json *json;
    plumb_error inner = {0};
    if (pl_json_parse(text, arena, &json, &inner) != PLUMB_OK)
        return pl_fail(err, PLUMB_E_MALFORMED, "its Avro schema is %s", inner.message);
    plumb_status st = parse_type(&p, json, 0, ret_type);
    pl_map_done(&p.names);
    free(p.named);
    return st;
}
