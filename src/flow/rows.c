// SPDX-License-Identifier: Apache-2.0
#include "flow/rows.h"

static inline size_t width_of(pl_kind kind)
{
    static const uint8_t widths[PL_KINDS] = {
        [PL_BOOLEAN] = 1, [PL_INT] = 4,      [PL_LONG] = 8, [PL_FLOAT] = 4,
        [PL_DOUBLE] = 8,  [PL_DECIMAL] = 16, [PL_DATE] = 4, [PL_TIMESTAMP] = 8,
    };
    return widths[kind];
}

static void put(pl_buf *out, const pl_column *column, uint32_t row)
{
    bool valid = column->valid[row];
    pl_buf_char(out, valid);
    if (!valid) return;
    size_t width = width_of(column->type.kind);
    if (width) {
        pl_buf_append(out, (const char *)column->values + row * width, width);
        return;
    }
    uint32_t first = column->offsets[row], count = column->offsets[row + 1] - first;
    pl_buf_append(out, &count, sizeof count);
    if (!column->child) {
        if (count) pl_buf_append(out, column->heap.data + first, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) put(out, column->child, first + i);
}

void pl_rows_put(pl_buf *out, const pl_column *columns, uint32_t count, uint32_t row)
{
    for (uint32_t i = 0; i < count; i++) put(out, &columns[i], row);
}

const char *pl_rows_take(const char *at, pl_column *column)
{
    if (*at++ == 0) {
        pl_column_null(column);
        return at;
    }
    size_t width = width_of(column->type.kind);
    if (width) {
        pl_column_reserve(column, 1);
        memcpy((char *)column->values + column->count * width, at, width);
        column->valid[column->count++] = 1;
        return at + width;
    }
    uint32_t count;
    memcpy(&count, at, sizeof count);
    at += sizeof count;
    if (!column->child) {
        pl_column_text(column, pl_span_make(at, count));
        return at + count;
    }
    for (uint32_t i = 0; i < count; i++) at = pl_rows_take(at, column->child);
    pl_column_list(column);
    return at;
}
