// SPDX-License-Identifier: Apache-2.0
#include "column/column.h"

#include <stdlib.h>

size_t pl_column_width(pl_kind kind)
{
    static const uint8_t widths[PL_KINDS] = {
        [PL_BOOLEAN] = 1, [PL_INT] = 4,      [PL_LONG] = 8, [PL_FLOAT] = 4,
        [PL_DOUBLE] = 8,  [PL_DECIMAL] = 16, [PL_DATE] = 4, [PL_TIMESTAMP] = 8,
    };
    return widths[kind];
}

void pl_column_init(pl_column *column, const pl_type *type)
{
    *column = (pl_column){.type = *type};
    if (type->kind != PL_LIST) return;
    column->child = pl_zalloc(1, sizeof *column->child);
    pl_column_init(column->child, type->element);
}

void pl_column_reset(pl_column *column)
{
    column->count = column->nulls = 0;
    pl_buf_reset(&column->heap);
    if (column->child) pl_column_reset(column->child);
}

void pl_column_done(pl_column *column)
{
    free(column->valid);
    free(column->values);
    free(column->offsets);
    pl_buf_done(&column->heap);
    if (column->child) pl_column_done(column->child);
    free(column->child);
    *column = (pl_column){0};
}

static void grow(pl_column *column, uint32_t capacity)
{
    size_t bytes = pl_column_width(column->type.kind);
    column->valid = pl_realloc(column->valid, capacity);
    if (bytes) {
        column->values = pl_realloc(column->values, capacity * bytes);
    } else {
        column->offsets = pl_realloc(column->offsets, ((size_t)capacity + 1) * sizeof(uint32_t));
        if (!column->capacity) column->offsets[0] = 0;
        pl_buf_reserve(&column->heap, 1); // so that rows without text have a place, too
    }
    column->capacity = capacity;
}

void pl_column_reserve(pl_column *column, uint32_t rows)
{
    uint32_t need = column->count + rows;
    if (need > column->capacity) grow(column, PL_MAX(need, column->capacity * 2));
}

// The index of a new row whose validity is set; its value or end offset is the caller's to write.
static uint32_t new_row(pl_column *column, bool valid)
{
    if (PL_UNLIKELY(column->count == column->capacity))
        grow(column, column->capacity ? column->capacity * 2 : 64);
    uint32_t row = column->count++;
    column->valid[row] = valid;
    column->nulls += !valid;
    return row;
}

static void close_offset(pl_column *column, uint32_t row)
{
    column->offsets[0] = 0;
    column->offsets[row + 1] = column->child ? column->child->count : (uint32_t)column->heap.count;
}

void pl_column_null(pl_column *column)
{
    uint32_t row = new_row(column, false);
    size_t bytes = pl_column_width(column->type.kind);
    if (bytes)
        memset((char *)column->values + row * bytes, 0, bytes);
    else
        close_offset(column, row);
}

void pl_column_text(pl_column *column, pl_span text)
{
    uint32_t row = new_row(column, true);
    pl_buf_span(&column->heap, text);
    close_offset(column, row);
}

void pl_column_list(pl_column *column)
{
    close_offset(column, new_row(column, true));
}

void pl_column_append(pl_column *column, const pl_value *value)
{
    if (value->is_null) {
        pl_column_null(column);
        return;
    }
    if (column->type.kind == PL_STRING || column->type.kind == PL_JSON) {
        pl_column_text(column, value->text);
        return;
    }
    uint32_t row = new_row(column, true);
    switch (column->type.kind) {
    case PL_BOOLEAN:
        column->u8[row] = value->boolean;
        break;
    case PL_INT:
    case PL_DATE:
        column->i32[row] = value->i32;
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        column->i64[row] = value->i64;
        break;
    case PL_FLOAT:
        column->f32[row] = value->f32;
        break;
    case PL_DOUBLE:
        column->f64[row] = value->f64;
        break;
    default:
        column->i128[row] = value->i128;
    }
}

pl_value pl_column_value(const pl_column *column, uint32_t row)
{
    pl_value value = {.kind = column->type.kind, .is_null = !column->valid[row]};
    if (value.is_null) return value;
    switch (column->type.kind) {
    case PL_BOOLEAN:
        value.boolean = column->u8[row];
        break;
    case PL_INT:
    case PL_DATE:
        value.i32 = column->i32[row];
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        value.i64 = column->i64[row];
        break;
    case PL_FLOAT:
        value.f32 = column->f32[row];
        break;
    case PL_DOUBLE:
        value.f64 = column->f64[row];
        break;
    case PL_DECIMAL:
        value.i128 = column->i128[row];
        break;
    default:
        value.text = pl_column_span(column, row);
    }
    return value;
}

size_t pl_column_bytes(const pl_column *column)
{
    size_t per_row = pl_column_width(column->type.kind);
    size_t bytes = (size_t)column->count * (1 + (per_row ? per_row : sizeof(uint32_t)));
    if (column->child) bytes += pl_column_bytes(column->child);
    return bytes + column->heap.count;
}
