// SPDX-License-Identifier: Apache-2.0
#include "schema/schema.h"

#include "base/limits.h"

static const char *const kind_names[PL_KINDS] = {
    [PL_BOOLEAN] = "boolean", [PL_INT] = "int",
    [PL_LONG] = "long",       [PL_FLOAT] = "float",
    [PL_DOUBLE] = "double",   [PL_DECIMAL] = "decimal",
    [PL_DATE] = "date",       [PL_TIMESTAMP] = "timestamp",
    [PL_STRING] = "string",   [PL_JSON] = "json",
    [PL_LIST] = "list",
};

const char *pl_kind_name(pl_kind kind)
{
    return kind_names[kind];
}

bool pl_type_equal(const pl_type *a, const pl_type *b)
{
    if (a->kind != b->kind) return false;
    if (a->kind == PL_DECIMAL) return a->precision == b->precision && a->scale == b->scale;
    if (a->kind == PL_LIST) return pl_type_equal(a->element, b->element);
    return true;
}

bool pl_type_promotes(const pl_type *from, const pl_type *to)
{
    if (pl_type_equal(from, to)) return true;
    switch (from->kind) {
    case PL_INT:
        return to->kind == PL_LONG;
    case PL_FLOAT:
        return to->kind == PL_DOUBLE;
    case PL_DECIMAL:
        return to->kind == PL_DECIMAL && to->scale == from->scale &&
               to->precision >= from->precision;
    case PL_STRING:
        return to->kind == PL_JSON;
    case PL_JSON:
        return to->kind == PL_STRING;
    case PL_LIST:
        return to->kind == PL_LIST && pl_type_promotes(from->element, to->element);
    default:
        return false;
    }
}

void pl_type_text(pl_buf *out, const pl_type *type)
{
    pl_buf_text(out, kind_names[type->kind]);
    if (type->kind == PL_DECIMAL) pl_buf_printf(out, "(%d, %d)", type->precision, type->scale);
    if (type->kind == PL_LIST) {
        pl_buf_char(out, '(');
        pl_type_text(out, type->element);
        pl_buf_char(out, ')');
    }
}

// "10, 2" -> 10 and 2; false if it is anything else.
static bool two_numbers(pl_span text, int *ret_first, int *ret_second)
{
    int values[2] = {0, 0};
    const char *comma = text.bytes ? memchr(text.data, ',', text.bytes) : NULL;
    if (!comma) return false;
    size_t before = (size_t)(comma - text.data);
    pl_span parts[] = {{text.data, before}, {comma + 1, text.bytes - before - 1}};
    for (int part = 0; part < 2; part++) {
        pl_span digits = pl_span_trim(parts[part]);
        if (digits.bytes < 1 || digits.bytes > 3) return false;
        for (size_t i = 0; i < digits.bytes; i++) {
            if (digits.data[i] < '0' || digits.data[i] > '9') return false;
            values[part] = values[part] * 10 + (digits.data[i] - '0');
        }
    }
    *ret_first = values[0];
    *ret_second = values[1];
    return true;
}

static bool parse_decimal(pl_span arguments, pl_type *type, const char **ret_reason)
{
    int precision, scale;
    if (!two_numbers(arguments, &precision, &scale)) {
        *ret_reason = "decimal needs a precision and a scale, as in decimal(10, 2)";
        return false;
    }
    if (precision < 1 || precision > PL_DECIMAL_DIGITS_MAX) {
        *ret_reason = "decimal precision is 1 to 38";
        return false;
    }
    if (scale > precision) {
        *ret_reason = "decimal scale is 0 to its precision";
        return false;
    }
    type->precision = (uint8_t)precision;
    type->scale = (uint8_t)scale;
    return true;
}

static bool type_parse(pl_span text, pl_arena *arena, int depth, pl_type *ret_type,
                       const char **ret_reason)
{
    pl_type type = {0};
    text = pl_span_trim(text);
    const char *open = text.bytes ? memchr(text.data, '(', text.bytes) : NULL;
    pl_span name = {text.data, open ? (size_t)(open - text.data) : text.bytes};
    name = pl_span_trim(name);
    int kind = 0;
    while (kind < PL_KINDS && !pl_span_is(name, kind_names[kind])) kind++;
    *ret_reason = "unknown type";
    if (kind == PL_KINDS) return false;
    type.kind = (pl_kind)kind;
    bool takes = kind == PL_DECIMAL || kind == PL_LIST;
    pl_span arguments = {0};
    if (open) {
        if (text.data[text.bytes - 1] != ')') {
            *ret_reason = "a closing ) is missing";
            return false;
        }
        arguments = (pl_span){open + 1, (size_t)(text.data + text.bytes - open) - 2};
    }
    if (open && !takes) {
        *ret_reason = "this type takes no arguments";
        return false;
    }
    if (kind == PL_DECIMAL && !parse_decimal(arguments, &type, ret_reason)) return false;
    if (kind == PL_LIST) {
        if (depth >= PL_LIST_DEPTH_MAX) {
            *ret_reason = "lists nest at most 8 deep";
            return false;
        }
        pl_type *element = PL_TAKE(arena, pl_type, 1);
        if (!open) {
            *ret_reason = "list needs an element type, as in list(string)";
            return false;
        }
        if (!type_parse(arguments, arena, depth + 1, element, ret_reason)) return false;
        type.element = element;
    }
    *ret_type = type;
    return true;
}

bool pl_type_parse(pl_span text, pl_arena *arena, pl_type *ret_type, const char **ret_reason)
{
    return type_parse(text, arena, 0, ret_type, ret_reason);
}

int pl_schema_find(const pl_schema *schema, pl_span name)
{
    for (uint32_t i = 0; i < schema->count; i++)
        if (pl_span_equal(schema->fields[i].name, name)) return (int)i;
    return -1;
}

int pl_schema_find_id(const pl_schema *schema, int32_t id)
{
    for (uint32_t i = 0; i < schema->count; i++)
        if (schema->fields[i].id == id) return (int)i;
    return -1;
}

static void type_copy(pl_arena *arena, pl_type *type)
{
    if (type->kind != PL_LIST) return;
    pl_type *element = PL_TAKE(arena, pl_type, 1);
    *element = *type->element;
    type_copy(arena, element);
    type->element = element;
}

pl_schema pl_schema_copy(pl_arena *arena, const pl_schema *schema)
{
    pl_schema copy = *schema;
    copy.fields = PL_TAKE(arena, pl_field, schema->count);
    for (uint32_t i = 0; i < schema->count; i++) {
        copy.fields[i] = schema->fields[i];
        copy.fields[i].name = pl_arena_copy(arena, schema->fields[i].name);
        copy.fields[i].doc = pl_arena_copy(arena, schema->fields[i].doc);
        type_copy(arena, &copy.fields[i].type);
    }
    return copy;
}
