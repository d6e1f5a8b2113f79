// SPDX-License-Identifier: Apache-2.0
#include "json/tree.h"

#include "base/number.h"

// Build from text that pl_json_check accepted: no error can occur any more, depth is bounded.
typedef struct builder {
    pl_span text;
    size_t at;
    pl_arena *arena;
    uint32_t levels; // still to be looked into
} builder;

static pl_span take_string(builder *b)
{
    bool escaped;
    pl_json_error ignored;
    size_t start = b->at;
    b->at = pl_json_skip_string(b->text, start, &escaped, &ignored);
    pl_span inside = {b->text.data + start + 1, b->at - start - 2};
    return escaped ? pl_json_unescaped(b->arena, inside) : inside;
}

static void build(builder *b, pl_json *node);

static void build_members(builder *b, pl_json *node)
{
    char closer = node->kind == PL_JSON_OBJECT ? '}' : ']';
    pl_json **link = &node->first;
    if (!b->levels) {
        pl_json_error ignored;
        b->at = pl_json_skip(b->text, b->at, 0, &ignored);
        return;
    }
    b->levels--;
    b->at = pl_json_space(b->text, b->at + 1);
    while (b->text.data[b->at] != closer) {
        pl_json *item = PL_TAKE(b->arena, pl_json, 1);
        if (closer == '}') {
            item->key = take_string(b);
            b->at = pl_json_space(b->text, b->at);
            b->at = pl_json_space(b->text, b->at + 1);
        }
        build(b, item);
        *link = item;
        link = &item->next;
        node->count++;
        b->at = pl_json_space(b->text, b->at);
        if (b->text.data[b->at] == ',') b->at = pl_json_space(b->text, b->at + 1);
    }
    b->at++;
    b->levels++;
}

static void build(builder *b, pl_json *node)
{
    size_t start = b->at;
    pl_json_error ignored;
    bool integer;
    switch (b->text.data[start]) {
    case '{':
        node->kind = PL_JSON_OBJECT;
        build_members(b, node);
        break;
    case '[':
        node->kind = PL_JSON_ARRAY;
        build_members(b, node);
        break;
    case '"':
        node->kind = PL_JSON_STRING;
        node->text = take_string(b);
        break;
    case 't':
        node->kind = PL_JSON_TRUE, b->at += 4;
        break;
    case 'f':
        node->kind = PL_JSON_FALSE, b->at += 5;
        break;
    case 'n':
        node->kind = PL_JSON_NULL, b->at += 4;
        break;
    default:
        node->kind = PL_JSON_NUMBER;
        b->at = pl_json_skip_number(b->text, start, &integer, &ignored);
        node->text = (pl_span){b->text.data + start, b->at - start};
    }
    node->raw = (pl_span){b->text.data + start, b->at - start};
}

plumb_status pl_json_parse(pl_span text, pl_arena *arena, pl_json **ret_root, plumb_error *err)
{
    return pl_json_parse_top(text, UINT32_MAX, arena, ret_root, err);
}

plumb_status pl_json_parse_top(pl_span text, uint32_t levels, pl_arena *arena, pl_json **ret_root,
                               plumb_error *err)
{
    pl_json_error error = pl_json_check(text);
    if (error.reason) {
        pl_fail(err, PLUMB_E_MALFORMED, "not JSON at byte %zu: %s", error.offset, error.reason);
        if (err) err->offset = (int64_t)error.offset;
        return PLUMB_E_MALFORMED;
    }
    builder b = {text, pl_json_space(text, 0), arena, levels};
    *ret_root = PL_TAKE(arena, pl_json, 1);
    build(&b, *ret_root);
    return PLUMB_OK;
}

const pl_json *pl_json_get(const pl_json *object, const char *key)
{
    const pl_json *found = NULL;
    if (!object || object->kind != PL_JSON_OBJECT) return NULL;
    for (const pl_json *m = object->first; m; m = m->next)
        if (pl_span_is(m->key, key)) found = m;
    return found;
}

bool pl_json_long(const pl_json *value, int64_t *ret_value)
{
    pl_number number;
    return value && value->kind == PL_JSON_NUMBER &&
           pl_number_parse(value->text, &number) == PL_NUMBER_OK &&
           pl_number_long(&number, 0, ret_value) == PL_NUMBER_OK;
}

bool pl_json_get_long(const pl_json *object, const char *key, int64_t *ret_value)
{
    return pl_json_long(pl_json_get(object, key), ret_value);
}

bool pl_json_get_text(const pl_json *object, const char *key, pl_span *ret_value)
{
    const pl_json *value = pl_json_get(object, key);
    if (!value || value->kind != PL_JSON_STRING) return false;
    *ret_value = value->text;
    return true;
}
