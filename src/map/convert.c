// SPDX-License-Identifier: Apache-2.0
#include "map/convert.h"

#include <math.h>
#include <strings.h>

#include "base/number.h"
#include "base/time.h"
#include "map/parsers_int.h"

static bool is_number(const pl_slot *slot)
{
    return slot->kind == PL_SLOT_INTEGER || slot->kind == PL_SLOT_NUMBER;
}

pl_span pl_map__text(const pl_slot *slot, pl_arena *scratch)
{
    return slot->escaped ? pl_json_unescaped(scratch, slot->raw) : slot->raw;
}

const char *pl_map__number(const pl_number *number, int shift, const pl_type *type, pl_value *out)
{
    pl_number_verdict verdict = PL_NUMBER_SYNTAX;
    int64_t wide;
    out->kind = type->kind;
    switch (type->kind) {
    case PL_INT:
    case PL_LONG:
        verdict = pl_number_long(number, shift, &wide);
        if (verdict != PL_NUMBER_OK) break;
        if (type->kind == PL_LONG)
            out->i64 = wide;
        else if (wide >= INT32_MIN && wide <= INT32_MAX)
            out->i32 = (int32_t)wide;
        else
            verdict = PL_NUMBER_RANGE;
        break;
    case PL_FLOAT:
        verdict = pl_number_float(number, shift, &out->f32);
        break;
    case PL_DOUBLE:
        verdict = pl_number_double(number, shift, &out->f64);
        break;
    case PL_DECIMAL:
        verdict = pl_number_decimal(number, shift, type->precision, type->scale, &out->i128);
        break;
    default:
        break;
    }
    return verdict == PL_NUMBER_OK ? NULL : pl_number_reason(verdict);
}

static const char *number_text(pl_span text, const pl_type *type, pl_value *out)
{
    pl_number number;
    if (pl_number_parse(text, &number) != PL_NUMBER_OK) return pl_number_reason(PL_NUMBER_SYNTAX);
    return pl_map__number(&number, 0, type, out);
}

// "NaN" and the infinities, which JSON numbers cannot say.
static bool not_finite(pl_span text, const pl_type *type, pl_value *out)
{
    double value = pl_span_is(text, "NaN")         ? (double)NAN
                   : pl_span_is(text, "Infinity")  ? (double)INFINITY
                   : pl_span_is(text, "-Infinity") ? -(double)INFINITY
                                                   : 0;
    if (value == 0 || (type->kind != PL_DOUBLE && type->kind != PL_FLOAT)) return false;
    out->kind = type->kind;
    if (type->kind == PL_DOUBLE)
        out->f64 = value;
    else
        out->f32 = (float)value;
    return true;
}

static const char *to_number(const pl_slot *slot, const pl_type *type, pl_arena *scratch,
                             pl_value *out, bool *coerced)
{
    if (slot->has_long && type->kind == PL_LONG) {
        out->kind = PL_LONG;
        out->i64 = slot->value;
        return NULL;
    }
    if (is_number(slot)) {
        *coerced = slot->kind == PL_SLOT_NUMBER && (type->kind == PL_INT || type->kind == PL_LONG);
        return number_text(slot->raw, type, out);
    }
    if (slot->kind != PL_SLOT_STRING) return "is not a number";
    *coerced = true;
    pl_span text = pl_map__text(slot, scratch);
    return not_finite(text, type, out) ? NULL : number_text(text, type, out);
}

static const char *to_boolean(const pl_slot *slot, pl_arena *scratch, pl_value *out, bool *coerced)
{
    pl_span word = pl_map__text(slot, scratch);
    out->kind = PL_BOOLEAN;
    out->boolean = slot->kind == PL_SLOT_TRUE;
    if (slot->kind == PL_SLOT_TRUE || slot->kind == PL_SLOT_FALSE) return NULL;
    *coerced = true;
    bool text = slot->kind == PL_SLOT_STRING, integer = slot->kind == PL_SLOT_INTEGER;
    bool yes = (text && pl_span_is(word, "true")) || (integer && pl_span_is(word, "1"));
    bool no = (text && pl_span_is(word, "false")) || (integer && pl_span_is(word, "0"));
    out->boolean = yes;
    return yes || no ? NULL : "is not true or false";
}

static const char *to_string(const pl_slot *slot, pl_arena *scratch, pl_value *out, bool *coerced)
{
    out->kind = PL_STRING;
    if (slot->kind == PL_SLOT_ARRAY) return "is an array, not text";
    if (slot->kind == PL_SLOT_OBJECT) return "is an object, not text";
    *coerced = slot->kind != PL_SLOT_STRING;
    out->text = pl_map__text(slot, scratch);
    return NULL;
}

const char *pl_map__json(const pl_slot *slot, pl_arena *scratch, pl_value *out)
{
    pl_span raw = slot->raw;
    if (slot->kind == PL_SLOT_STRING) raw = (pl_span){raw.data - 1, raw.bytes + 2};
    pl_buf compact = {0};
    pl_json_compact(&compact, raw);
    out->kind = PL_JSON;
    out->text = pl_arena_copy(scratch, pl_buf_view(&compact));
    pl_buf_done(&compact);
    return NULL;
}

static const char *to_time(const pl_slot *slot, const pl_type *type, pl_arena *scratch,
                           pl_value *out)
{
    out->kind = type->kind;
    if (slot->kind != PL_SLOT_STRING)
        return is_number(slot) ? "is a number, which needs a parser such as parse(epoch)"
                               : "is not a time";
    pl_span text = pl_map__text(slot, scratch);
    return type->kind == PL_DATE ? pl_date_parse(text, &out->i32)
                                 : pl_time_parse_iso(text, &out->i64);
}

static const char *natural(const pl_slot *slot, const pl_type *type, pl_arena *scratch,
                           pl_value *out, bool *coerced)
{
    *coerced = false;
    switch (type->kind) {
    case PL_BOOLEAN:
        return to_boolean(slot, scratch, out, coerced);
    case PL_DATE:
    case PL_TIMESTAMP:
        return to_time(slot, type, scratch, out);
    case PL_STRING:
        return to_string(slot, scratch, out, coerced);
    case PL_JSON:
        return pl_map__json(slot, scratch, out);
    default:
        return to_number(slot, type, scratch, out, coerced);
    }
}

static const char *scalar(const pl_slot *slot, const pl_type *type, const pl_parser *parser,
                          pl_arena *scratch, pl_value *out, bool *coerced)
{
    if (parser->kind == PL_PARSE_DEFAULT) return natural(slot, type, scratch, out, coerced);
    *coerced = false;
    // "1.234" may be grouped text, the JSON number 1.234 never is.
    bool plain = parser->kind == PL_PARSE_NUMBER && is_number(slot);
    const char *why = plain ? "" : pl_map__parse(slot, type, parser, scratch, out);
    if (!why) return NULL;
    // Text that a text parser refused is not tried again: that would be a guess. ISO text is none.
    bool timed = type->kind == PL_TIMESTAMP || type->kind == PL_DATE;
    if (slot->kind == PL_SLOT_STRING && !timed) return why;
    const char *natural_why = natural(slot, type, scratch, out, coerced);
    if (natural_why) return plain ? natural_why : why;
    *coerced = true;
    return NULL;
}

static pl_cell *add_element(pl_cell *list, uint32_t *capacity, pl_arena *scratch)
{
    if (list->count == *capacity) {
        pl_cell *bigger = PL_TAKE(scratch, pl_cell, *capacity ? *capacity * 2 : 8);
        if (*capacity) memcpy(bigger, list->elements, *capacity * sizeof *bigger);
        list->elements = bigger;
        *capacity = *capacity ? *capacity * 2 : 8;
    }
    return &list->elements[list->count++];
}

static const char *list(const pl_slot *slot, const pl_type *type, const pl_parser *parser,
                        pl_arena *scratch, pl_cell *out, bool *coerced)
{
    if (slot->kind != PL_SLOT_ARRAY) return "is not an array";
    uint32_t capacity = 0;
    size_t at = pl_json_space(slot->raw, 1);
    while (at < slot->raw.bytes && slot->raw.data[at] != ']') {
        pl_json_error ignored;
        if (slot->raw.data[at] == ',') at = pl_json_space(slot->raw, at + 1);
        size_t end = pl_json_skip(slot->raw, at, 1, &ignored);
        pl_slot item = pl_slot_of((pl_span){slot->raw.data + at, end - at});
        pl_cell *element = add_element(out, &capacity, scratch);
        if (item.kind == PL_SLOT_NULL) {
            *element = (pl_cell){.value = {.kind = type->element->kind, .is_null = true}};
        } else {
            bool one;
            const char *why = pl_convert(&item, type->element, parser, scratch, element, &one);
            if (why) return why;
            *coerced = *coerced || one;
        }
        at = pl_json_space(slot->raw, end);
    }
    return NULL;
}

const char *pl_convert(const pl_slot *slot, const pl_type *type, const pl_parser *parser,
                       pl_arena *scratch, pl_cell *ret_cell, bool *ret_coerced)
{
    *ret_cell = (pl_cell){.value = {.kind = type->kind}};
    *ret_coerced = false;
    if (type->kind == PL_LIST) return list(slot, type, parser, scratch, ret_cell, ret_coerced);
    return scalar(slot, type, parser, scratch, &ret_cell->value, ret_coerced);
}

bool pl_cell_equal(const pl_cell *a, const pl_cell *b)
{
    if (a->value.is_null || b->value.is_null) return a->value.is_null == b->value.is_null;
    if (a->value.kind != PL_LIST) return pl_value_equal(&a->value, &b->value);
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!pl_cell_equal(&a->elements[i], &b->elements[i])) return false;
    return true;
}
