// dig.c -- the steps of a path that lie behind an array: index, lookup, and keys after them.
//
// SPDX-License-Identifier: Apache-2.0
#include "map/convert.h"

pl_slot pl_slot_of(pl_span value)
{
    pl_slot slot = {.kind = pl_slot_kind_of(value), .raw = value};
    if (slot.kind == PL_SLOT_STRING) {
        slot.raw = (pl_span){value.data + 1, value.bytes - 2};
        slot.escaped = slot.raw.bytes && memchr(slot.raw.data, '\\', slot.raw.bytes) != NULL;
    }
    return slot;
}

// Walks the members of an object or the items of an array of JSON, as far as it is valid.
typedef struct walker {
    pl_span text;
    size_t at;
    bool object;
} walker;

static walker walk(pl_span value)
{
    return (walker){value, pl_json_space(value, 1), value.data[0] == '{'};
}

static bool walk_next(walker *w, pl_span *ret_key, pl_span *ret_value)
{
    pl_json_error ignored;
    bool escaped;
    if (w->at >= w->text.bytes) return false;
    char c = w->text.data[w->at];
    if (c == ']' || c == '}') return false;
    if (c == ',') w->at = pl_json_space(w->text, w->at + 1);
    if (w->object) {
        size_t end = pl_json_skip_string(w->text, w->at, &escaped, &ignored);
        if (end == SIZE_MAX) return false;
        *ret_key = (pl_span){w->text.data + w->at + 1, end - w->at - 2};
        w->at = pl_json_space(w->text, pl_json_space(w->text, end) + 1);
        if (w->at >= w->text.bytes) return false;
    }
    size_t end = pl_json_skip(w->text, w->at, 1, &ignored);
    if (end == SIZE_MAX) return false;
    *ret_value = (pl_span){w->text.data + w->at, end - w->at};
    w->at = pl_json_space(w->text, end);
    return true;
}

// The last member with this key; empty span if none.
static pl_span member(pl_span object, pl_span key, pl_arena *scratch)
{
    pl_span found = {0}, name = {0}, value;
    for (walker w = walk(object); walk_next(&w, &name, &value);)
        if (pl_span_equal(pl_json_unescaped(scratch, name), key)) found = value;
    return found;
}

static pl_span item(pl_span array, int64_t index)
{
    pl_span key, value;
    for (walker w = walk(array); walk_next(&w, &key, &value); index--)
        if (index == 0) return value;
    return (pl_span){0};
}

// First object of the array whose member `key` is the string, or the literal, `wanted`.
static pl_span lookup(pl_span array, const pl_step *step, pl_arena *scratch)
{
    pl_span key, value;
    for (walker w = walk(array); walk_next(&w, &key, &value);) {
        if (value.data[0] != '{') continue;
        pl_slot name = pl_slot_of(member(value, step->lookup_key, scratch));
        if (name.kind == PL_SLOT_ABSENT) continue;
        pl_span text = name.escaped ? pl_json_unescaped(scratch, name.raw) : name.raw;
        if (pl_span_equal(text, step->lookup_value)) return value;
    }
    return (pl_span){0};
}

pl_slot pl_dig(pl_span value, const pl_step *steps, uint32_t count, pl_arena *scratch)
{
    for (uint32_t i = 0; i < count && value.bytes; i++) {
        char wanted = steps[i].kind == PL_STEP_KEY ? '{' : '[';
        if (value.data[0] != wanted) return (pl_slot){0};
        switch (steps[i].kind) {
        case PL_STEP_KEY:
            value = member(value, steps[i].key, scratch);
            break;
        case PL_STEP_INDEX:
            value = item(value, steps[i].index);
            break;
        case PL_STEP_LOOKUP:
            value = lookup(value, &steps[i], scratch);
            break;
        }
    }
    return value.bytes ? pl_slot_of(value) : (pl_slot){0};
}
