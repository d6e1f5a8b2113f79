// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "base/number.h"
#include "base/time.h"
#include "schema/schema.h"

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

// Floating values in IEEE total order but with every NaN equal and last.
static int double_order(double a, double b)
{
    if (isnan(a) || isnan(b)) return ORDER(isnan(a) != 0, isnan(b) != 0);
    if (a == 0 && b == 0) return ORDER(signbit(b) != 0, signbit(a) != 0);
    return ORDER(a, b);
}

int pl_value_compare(const pl_value *a, const pl_value *b)
{
    switch (a->kind) {
    case PL_BOOLEAN:
        return ORDER(a->boolean, b->boolean);
    case PL_INT:
    case PL_DATE:
        return ORDER(a->i32, b->i32);
    case PL_LONG:
    case PL_TIMESTAMP:
        return ORDER(a->i64, b->i64);
    case PL_FLOAT:
        return double_order((double)a->f32, (double)b->f32);
    case PL_DOUBLE:
        return double_order(a->f64, b->f64);
    case PL_DECIMAL:
        return ORDER(a->i128, b->i128);
    default:
        return pl_span_compare(a->text, b->text);
    }
}

bool pl_value_equal(const pl_value *a, const pl_value *b)
{
    if (a->is_null || b->is_null) return a->is_null == b->is_null;
    return a->kind == b->kind && pl_value_compare(a, b) == 0;
}

void pl_value_text(pl_buf *out, const pl_value *value, const pl_type *type)
{
    char text[40];
    if (value->is_null) {
        pl_buf_text(out, "null");
        return;
    }
    switch (value->kind) {
    case PL_BOOLEAN:
        pl_buf_text(out, value->boolean ? "true" : "false");
        break;
    case PL_INT:
        pl_buf_printf(out, "%d", value->i32);
        break;
    case PL_LONG:
        pl_buf_printf(out, "%lld", (long long)value->i64);
        break;
    case PL_FLOAT:
        pl_buf_append(out, text, (size_t)pl_number_float_text(value->f32, text));
        break;
    case PL_DOUBLE:
        pl_buf_append(out, text, (size_t)pl_number_double_text(value->f64, text));
        break;
    case PL_DECIMAL:
        pl_decimal_text(out, value->i128, type->scale);
        break;
    case PL_DATE:
        pl_buf_append(out, text, (size_t)pl_date_text(value->i32, text));
        break;
    case PL_TIMESTAMP:
        pl_buf_append(out, text, (size_t)pl_time_text(value->i64, text));
        break;
    default:
        pl_buf_span(out, value->text);
    }
}

void pl_value_bytes(pl_buf *out, const pl_value *value)
{
    uint8_t bytes[16];
    if (value->is_null) return;
    switch (value->kind) {
    case PL_BOOLEAN:
        pl_buf_char(out, value->boolean ? 1 : 0);
        break;
    case PL_INT:
    case PL_DATE:
        pl_buf_append(out, &value->i32, 4);
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        pl_buf_append(out, &value->i64, 8);
        break;
    case PL_FLOAT:
        pl_buf_append(out, &value->f32, 4);
        break;
    case PL_DOUBLE:
        pl_buf_append(out, &value->f64, 8);
        break;
    case PL_DECIMAL:
        pl_buf_append(out, bytes, (size_t)pl_decimal_bytes(value->i128, bytes));
        break;
    default:
        pl_buf_span(out, value->text);
    }
}
