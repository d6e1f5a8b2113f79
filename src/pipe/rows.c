// SPDX-License-Identifier: Apache-2.0
#include "pipe/rows.h"

#include <assert.h>

#include "pipe/wire_int.h"

#define NULL_CELL UINT32_MAX

static void put_u32(pl_buf *out, uint32_t value)
{
    pl_wire_put_u32(pl_buf_reserve(out, 4), value);
    out->count += 4;
}

static bool take_u32(pl_span *rest, uint32_t *ret_value)
{
    if (rest->bytes < 4) return false;
    *ret_value = pl_wire_get_u32(rest->data);
    rest->data += 4;
    rest->bytes -= 4;
    return true;
}

static bool take_span(pl_span *rest, uint32_t bytes, pl_span *ret_span)
{
    if (rest->bytes < bytes) return false;
    *ret_span = pl_span_make(rest->data, bytes);
    rest->data += bytes;
    rest->bytes -= bytes;
    return true;
}

static bool take_text(pl_span *rest, pl_span *ret_text)
{
    uint32_t bytes;
    return take_u32(rest, &bytes) && take_span(rest, bytes, ret_text);
}

static bool take_column(pl_span *rest, pl_result_column *ret_column)
{
    pl_span kind;
    if (!take_span(rest, 1, &kind)) return false;
    if ((unsigned char)kind.data[0] >= PL_CLASSES) return false;
    ret_column->kind = (pl_class)kind.data[0];
    return take_text(rest, &ret_column->name) && take_text(rest, &ret_column->type);
}

void pl_columns_write(pl_buf *out, const pl_result_column *columns, uint32_t count)
{
    put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        pl_buf_char(out, (char)columns[i].kind);
        pl_cell_write(out, columns[i].name);
        pl_cell_write(out, columns[i].type);
    }
}

plumb_status pl_columns_read(pl_span payload, pl_arena *arena, pl_result_column **ret_columns,
                             uint32_t *ret_count, plumb_error *err)
{
    uint32_t count;
    if (!take_u32(&payload, &count))
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read result columns: no count");
    if (count > PL_RESULT_COLUMNS_MAX)
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read result columns: %u of them, limit %d",
                       (unsigned)count, PL_RESULT_COLUMNS_MAX);
    pl_result_column *columns = PL_TAKE(arena, pl_result_column, count + 1);
    for (uint32_t i = 0; i < count; i++)
        if (!take_column(&payload, &columns[i]))
            return pl_fail(err, PLUMB_E_MALFORMED, "cannot read result column %u: it is cut off",
                           (unsigned)i);
    if (payload.bytes)
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read result columns: %zu bytes too many",
                       payload.bytes);
    *ret_columns = columns;
    *ret_count = count;
    return PLUMB_OK;
}

size_t pl_rows_begin(pl_buf *out)
{
    return pl_cell_begin(out);
}

void pl_rows_end(pl_buf *out, size_t begun, uint32_t rows)
{
    pl_wire_put_u32(out->data + begun, rows);
}

size_t pl_cell_begin(pl_buf *out)
{
    put_u32(out, 0);
    return out->count - 4;
}

void pl_cell_end(pl_buf *out, size_t begun)
{
    size_t bytes = out->count - begun - 4;
    assert(bytes < NULL_CELL);
    pl_wire_put_u32(out->data + begun, (uint32_t)bytes);
}

void pl_cell_write(pl_buf *out, pl_span text)
{
    assert(text.bytes < NULL_CELL);
    put_u32(out, (uint32_t)text.bytes);
    pl_buf_span(out, text);
}

void pl_cell_write_null(pl_buf *out)
{
    put_u32(out, NULL_CELL);
}

plumb_status pl_rows_open(pl_span payload, uint32_t columns, pl_rows *ret_rows, plumb_error *err)
{
    uint32_t count;
    if (!take_u32(&payload, &count))
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read result rows: no count");
    // Rows without a byte each would cost nothing to promise and hours to count.
    if (count && !columns)
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read result rows: %u of no column",
                       (unsigned)count);
    *ret_rows = (pl_rows){.rest = payload, .columns = columns, .rows_left = count};
    return PLUMB_OK;
}

plumb_status pl_rows_next(pl_rows *rows, pl_cell *cells, bool *ret_found, plumb_error *err)
{
    if (rows->rows_left == 0) {
        if (rows->rest.bytes)
            return pl_fail(err, PLUMB_E_MALFORMED, "cannot read result rows: %zu bytes too many",
                           rows->rest.bytes);
        *ret_found = false;
        return PLUMB_OK;
    }
    for (uint32_t i = 0; i < rows->columns; i++) {
        uint32_t bytes;
        bool fits = take_u32(&rows->rest, &bytes);
        cells[i] = (pl_cell){.is_null = true};
        if (fits && bytes != NULL_CELL) {
            cells[i].is_null = false;
            fits = take_span(&rows->rest, bytes, &cells[i].text);
        }
        if (!fits)
            return pl_fail(err, PLUMB_E_MALFORMED,
                           "cannot read result rows: column %u is cut off, %u rows before the end",
                           (unsigned)i, (unsigned)rows->rows_left);
    }
    rows->rows_left--;
    *ret_found = true;
    return PLUMB_OK;
}
