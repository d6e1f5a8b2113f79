// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "map/mapper_int.h"
#include "map/parsers_int.h"
#include "json/tree.h"

static bool is_number(const pl_slot *slot)
{
    return slot->kind == PL_SLOT_INTEGER || slot->kind == PL_SLOT_NUMBER;
}

// The order of a value and a literal of the same kind; false: they have none.
static bool ordered(const pl_slot *value, const pl_json *literal, pl_arena *scratch, int *ret_order)
{
    if (literal->kind == PL_JSON_NUMBER && is_number(value)) {
        pl_number a, b;
        bool good = pl_number_parse(value->raw, &a) == PL_NUMBER_OK &&
                    pl_number_parse(literal->text, &b) == PL_NUMBER_OK;
        if (good) *ret_order = pl_number_compare(&a, &b);
        return good;
    }
    if (literal->kind != PL_JSON_STRING || value->kind != PL_SLOT_STRING) return false;
    // The order of UTF-8 bytes is the order of code points.
    *ret_order = pl_span_compare(pl_map__text(value, scratch), literal->text);
    return true;
}

static bool equal(const pl_slot *value, const pl_json *literal, pl_arena *scratch)
{
    if (literal->kind == PL_JSON_TRUE) return value->kind == PL_SLOT_TRUE;
    if (literal->kind == PL_JSON_FALSE) return value->kind == PL_SLOT_FALSE;
    int order;
    return ordered(value, literal, scratch, &order) && order == 0;
}

bool pl_map__where(const pl_where *where, const pl_slot *values, pl_arena *scratch)
{
    const pl_slot *value = &values[where->test];
    int order = 0;
    switch (where->kind) {
    case PL_WHERE_AND:
        return pl_map__where(where->left, values, scratch) &&
               pl_map__where(where->right, values, scratch);
    case PL_WHERE_OR:
        return pl_map__where(where->left, values, scratch) ||
               pl_map__where(where->right, values, scratch);
    case PL_WHERE_NOT:
        return !pl_map__where(where->left, values, scratch);
    case PL_WHERE_TRUE:
        return value->kind == PL_SLOT_TRUE;
    case PL_WHERE_NULL:
        return value->kind == PL_SLOT_ABSENT || value->kind == PL_SLOT_NULL;
    case PL_WHERE_EXISTS:
        return value->kind != PL_SLOT_ABSENT;
    case PL_WHERE_EQUAL:
        return equal(value, where->literal, scratch);
    case PL_WHERE_LESS:
        return ordered(value, where->literal, scratch, &order) && order < 0;
    case PL_WHERE_LESS_EQUAL:
        return ordered(value, where->literal, scratch, &order) && order <= 0;
    case PL_WHERE_MORE:
        return ordered(value, where->literal, scratch, &order) && order > 0;
    case PL_WHERE_MORE_EQUAL:
        return ordered(value, where->literal, scratch, &order) && order >= 0;
    }
    return false;
}
