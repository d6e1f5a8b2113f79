// SPDX-License-Identifier: Apache-2.0
#include "flow/runs.h"

#include <assert.h>
#include <stdlib.h>

enum { ALL_NULL, NO_NULL, SOME_NULL };

// Rows of a column: `rows[0..count)`, which ascend.
typedef struct selection {
    const uint32_t *rows;
    uint32_t count;
} selection;

// Whether they stand together, so that they can be copied in one piece.
static bool is_range(selection s)
{
    return s.count && s.rows[s.count - 1] - s.rows[0] == s.count - 1;
}

// Whether the rows have a value, a byte each; returns how many do.
static uint32_t put_valid(char *to, const pl_column *column, selection s)
{
    uint32_t valid = 0;
    for (uint32_t i = 0; i < s.count; i++) {
        to[i] = (char)column->valid[s.rows[i]];
        valid += column->valid[s.rows[i]];
    }
    return valid;
}

static inline void gather(char *to, const char *from, selection s, size_t width)
{
    for (uint32_t i = 0; i < s.count; i++) memcpy(to + i * width, from + s.rows[i] * width, width);
}

static char *put_scalars(char *to, const void *values, selection s, size_t width)
{
    const char *from = values;
    if (is_range(s))
        memcpy(to, from + s.rows[0] * width, s.count * width);
    else if (width == 8)
        gather(to, from, s, 8);
    else if (width == 4)
        gather(to, from, s, 4);
    else
        gather(to, from, s, width);
    return to + s.count * width;
}

static char *put_ends(char *to, const pl_column *column, selection s)
{
    uint32_t end = 0;
    for (uint32_t i = 0; i < s.count; i++, to += sizeof end) {
        end += column->offsets[s.rows[i] + 1] - column->offsets[s.rows[i]];
        memcpy(to, &end, sizeof end);
    }
    return to;
}

static char *put_texts(char *to, const pl_column *column, selection s)
{
    if (is_range(s)) {
        uint32_t first = column->offsets[s.rows[0]];
        size_t bytes = column->offsets[s.rows[s.count - 1] + 1] - first;
        memcpy(to, column->heap.data + first, bytes);
        return to + bytes;
    }
    for (uint32_t i = 0; i < s.count; i++) {
        pl_span text = pl_column_span(column, s.rows[i]);
        pl_copy(to, text.data, text.bytes);
        to += text.bytes;
    }
    return to;
}

static char *put_column(char *to, const pl_column *column, selection s);

// The elements of the rows selected.
static char *put_elements(char *to, const pl_column *column, selection s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s.count; i++)
        count += column->offsets[s.rows[i] + 1] - column->offsets[s.rows[i]];
    uint32_t *elements = pl_alloc(PL_MAX(count, 1u) * sizeof *elements), used = 0;
    for (uint32_t i = 0; i < s.count; i++)
        for (uint32_t e = column->offsets[s.rows[i]]; e < column->offsets[s.rows[i] + 1]; e++)
            elements[used++] = e;
    to = put_column(to, column->child, (selection){elements, count});
    free(elements);
    return to;
}

static char *put_column(char *to, const pl_column *column, selection s)
{
    char *kind = to++;
    uint32_t valid = column->nulls ? put_valid(to, column, s) : s.count;
    *kind = (char)(!valid ? ALL_NULL : valid == s.count ? NO_NULL : SOME_NULL);
    if (!valid) return to;
    if (valid < s.count) to += s.count;
    size_t width = pl_column_width(column->type.kind);
    if (width) return put_scalars(to, column->values, s, width);
    to = put_ends(to, column, s);
    return column->child ? put_elements(to, column, s) : put_texts(to, column, s);
}

size_t pl_runs_put(char *to, const pl_column *columns, uint32_t count, const uint32_t *rows,
                   uint32_t row_count)
{
    uint32_t head[2];
    char *end = to + sizeof head;
    for (uint32_t i = 0; i < count; i++)
        end = put_column(end, &columns[i], (selection){rows, row_count});
    assert((size_t)(end - to) <= UINT32_MAX); // a batch's text is less
    head[0] = row_count;
    head[1] = (uint32_t)((size_t)(end - to) - sizeof head);
    memcpy(to, head, sizeof head);
    return (size_t)(end - to);
}

size_t pl_runs_fixed(const pl_column *columns, uint32_t count)
{
    size_t bytes = 2 * sizeof(uint32_t);
    for (uint32_t i = 0; i < count; i++)
        for (const pl_column *c = &columns[i]; c; c = c->child) bytes++;
    return bytes;
}

// Of a row's values in `column` and, as many as the row has, in the columns below it.
static void add_bytes(const pl_column *column, uint32_t row_count, uint32_t *bytes)
{
    uint32_t width = (uint32_t)pl_column_width(column->type.kind);
    uint32_t fixed = (column->nulls != 0) + (width ? width : (uint32_t)sizeof(uint32_t));
    for (uint32_t i = 0; i < row_count; i++) bytes[i] += fixed;
    if (width) return;
    const uint32_t *offsets = column->offsets;
    if (!column->child) {
        for (uint32_t i = 0; i < row_count; i++) bytes[i] += offsets[i + 1] - offsets[i];
        return;
    }
    uint32_t elements = column->child->count;
    uint32_t *below = pl_zalloc(PL_MAX(elements, 1u), sizeof *below);
    add_bytes(column->child, elements, below);
    for (uint32_t i = 0; i < row_count; i++)
        for (uint32_t e = offsets[i]; e < offsets[i + 1]; e++) bytes[i] += below[e];
    free(below);
}

void pl_runs_bytes(const pl_column *columns, uint32_t count, uint32_t row_count, uint32_t *bytes)
{
    memset(bytes, 0, row_count * sizeof *bytes);
    for (uint32_t i = 0; i < count; i++) add_bytes(&columns[i], row_count, bytes);
}

// Read where each row ends into the column's offsets, moved by `base`; returns the last one's end.
static uint32_t take_ends(const char *at, pl_column *column, uint32_t rows, uint32_t base)
{
    uint32_t *offsets = column->offsets + column->count, end = 0;
    offsets[0] = base;
    for (uint32_t i = 0; i < rows; i++) {
        memcpy(&end, at + i * sizeof end, sizeof end);
        offsets[i + 1] = base + end;
    }
    return end;
}

static void take_nulls(pl_column *column, uint32_t rows, size_t width)
{
    memset(column->valid + column->count, 0, rows);
    column->nulls += rows;
    if (width) {
        memset((char *)column->values + column->count * width, 0, rows * width);
        return;
    }
    uint32_t end = column->child ? column->child->count : (uint32_t)column->heap.count;
    for (uint32_t i = 0; i <= rows; i++) column->offsets[column->count + i] = end;
}

const char *pl_runs_take(const char *at, pl_column *column, uint32_t rows)
{
    char nulls = *at++;
    if (!rows) return at;
    size_t width = pl_column_width(column->type.kind);
    pl_column_reserve(column, rows);
    if (nulls == ALL_NULL) {
        take_nulls(column, rows, width);
    } else {
        if (nulls == NO_NULL) {
            memset(column->valid + column->count, 1, rows);
        } else {
            memcpy(column->valid + column->count, at, rows);
            for (uint32_t i = 0; i < rows; i++) column->nulls += !at[i];
            at += rows;
        }
        if (width) {
            memcpy((char *)column->values + column->count * width, at, rows * width);
            at += rows * width;
        } else {
            const char *ends = at;
            at += rows * sizeof(uint32_t);
            uint32_t base = column->child ? column->child->count : (uint32_t)column->heap.count;
            uint32_t bytes = take_ends(ends, column, rows, base);
            if (column->child) {
                at = pl_runs_take(at, column->child, bytes);
            } else {
                if (bytes) pl_buf_append(&column->heap, at, bytes);
                at += bytes;
            }
        }
    }
    column->count += rows;
    return at;
}

pl_run_head pl_runs_head(const char *at)
{
    uint32_t head[2];
    memcpy(head, at, sizeof head);
    at += sizeof head;
    return (pl_run_head){head[0], at, at + head[1]};
}

const char *pl_runs_skip(const char *at, const pl_type *type, uint32_t rows)
{
    char nulls = *at++;
    if (!rows || nulls == ALL_NULL) return at;
    if (nulls == SOME_NULL) at += rows;
    size_t width = pl_column_width(type->kind);
    if (width) return at + rows * width;
    uint32_t end;
    at += rows * sizeof end;
    memcpy(&end, at - sizeof end, sizeof end);
    return type->kind == PL_LIST ? pl_runs_skip(at, type->element, end) : at + end;
}
