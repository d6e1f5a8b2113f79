// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <math.h>

#include "base/number.h"
#include "map/mapper_int.h"

// A bound as a whole number in units of 10^-scale: the nearest one inside. Texts that have more
// digits than that are rounded by their doubles.
static pl_i128 whole_bound(pl_span text, double value, int scale, bool upper)
{
    const double largest = 1e38;
    pl_number number;
    pl_i128 exact;
    if (pl_number_parse(text, &number) == PL_NUMBER_OK &&
        pl_number_decimal(&number, 0, 38, scale, &exact) == PL_NUMBER_OK)
        return exact;
    value *= pow(10, scale);
    value = upper ? floor(value) : ceil(value);
    return (pl_i128)PL_MAX(PL_MIN(value, largest), -largest);
}

static int64_t long_bound(pl_i128 value)
{
    return (int64_t)PL_MAX(PL_MIN(value, (pl_i128)INT64_MAX), (pl_i128)INT64_MIN);
}

static const char *reason_of(const pl_contract_column *column, pl_arena *arena)
{
    if (column->has_min && column->has_max)
        return pl_arena_printf(arena, "is not between %.*s and %.*s", PL_FMT(column->min_text),
                               PL_FMT(column->max_text));
    return column->has_min
               ? pl_arena_printf(arena, "is not %.*s or more", PL_FMT(column->min_text))
               : pl_arena_printf(arena, "is not %.*s or less", PL_FMT(column->max_text));
}

pl_map_bounds pl_map__bounds(const pl_contract_column *column, const pl_type *type, pl_arena *arena)
{
    pl_map_bounds bounds = {.kind = type->kind};
    int scale = type->kind == PL_DECIMAL ? type->scale : 0;
    if (!column->has_min && !column->has_max) return bounds;
    bounds.reason = reason_of(column, arena);
    bounds.rejects = column->rejects;
    switch (type->kind) {
    case PL_INT:
    case PL_LONG:
    case PL_DECIMAL:
        bounds.low = -((pl_i128)1 << 126);
        bounds.high = (pl_i128)1 << 126;
        if (column->has_min) bounds.low = whole_bound(column->min_text, column->min, scale, false);
        if (column->has_max) bounds.high = whole_bound(column->max_text, column->max, scale, true);
        bounds.long_low = long_bound(bounds.low);
        bounds.long_high = long_bound(bounds.high);
        break;
    default: // as a float is, so is its bound rounded
        bounds.double_low = column->has_min ? column->min : -INFINITY;
        bounds.double_high = column->has_max ? column->max : INFINITY;
        if (type->kind != PL_FLOAT) break;
        bounds.double_low = (double)(float)PL_MAX(bounds.double_low, (double)-FLT_MAX);
        bounds.double_high = (double)(float)PL_MIN(bounds.double_high, (double)FLT_MAX);
    }
    return bounds;
}

bool pl_map__is_outside(const pl_map_bounds *bounds, const pl_value *value)
{
    switch (bounds->kind) {
    case PL_INT:
        return value->i32 < bounds->long_low || value->i32 > bounds->long_high;
    case PL_LONG:
        return value->i64 < bounds->long_low || value->i64 > bounds->long_high;
    case PL_DECIMAL:
        return value->i128 < bounds->low || value->i128 > bounds->high;
    case PL_FLOAT:
        return !(value->f32 >= bounds->double_low && value->f32 <= bounds->double_high);
    default: // NaN is nowhere
        return !(value->f64 >= bounds->double_low && value->f64 <= bounds->double_high);
    }
}

// No branches, so that a row costs a few instructions.
#define COUNT_OUTSIDE(array, low, high)                                                            \
    for (uint32_t row = from; row < to; row++) {                                                   \
        uint8_t out = (uint8_t)(column->valid[row] & !((column->array[row] >= (low)) &             \
                                                       (column->array[row] <= (high))));           \
        flaws[row] |= out;                                                                         \
        outside += out;                                                                            \
    }

uint64_t pl_map__count_outside(const pl_map_bounds *bounds, const pl_column *column, uint32_t from,
                               uint32_t to, uint8_t *flaws)
{
    uint64_t outside = 0;
    switch (bounds->kind) {
    case PL_INT:
        COUNT_OUTSIDE(i32, bounds->long_low, bounds->long_high)
        break;
    case PL_LONG:
        COUNT_OUTSIDE(i64, bounds->long_low, bounds->long_high)
        break;
    case PL_DECIMAL:
        COUNT_OUTSIDE(i128, bounds->low, bounds->high)
        break;
    case PL_FLOAT:
        COUNT_OUTSIDE(f32, bounds->double_low, bounds->double_high)
        break;
    default:
        COUNT_OUTSIDE(f64, bounds->double_low, bounds->double_high)
    }
    return outside;
}
