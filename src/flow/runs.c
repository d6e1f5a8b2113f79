// SPDX-License-Identifier: Apache-2.0
#include "flow/runs.h"

#include <assert.h>
#include <stdlib.h>

enum { ALL_NULL, NO_NULL, SOME_NULL };
enum { PIECE = 32, PIECES_MAX = 256 }; // what texts up to PIECES_MAX are copied by

// Rows of a column, which ascend: each for itself, or ranges of them, as a list's elements are.
typedef struct range {
    uint32_t first, end;
} range;

typedef struct selection {
    const uint32_t *rows; // [count]; NULL: ranges
    const range *ranges;  // [range_count]
    uint32_t count;       // rows in all
    uint32_t range_count;
} selection;

// Whether the rows have a value, a byte each; returns how many do.
static uint32_t put_valid(char *to, const pl_column *column, selection s)
{
    uint32_t valid = 0;
    for (uint32_t i = 0; s.rows && i < s.count; i++) {
        to[i] = (char)column->valid[s.rows[i]];
        valid += column->valid[s.rows[i]];
    }
    for (uint32_t i = 0; i < s.range_count; i++) {
        for (uint32_t row = s.ranges[i].first; row < s.ranges[i].end; row++) {
            *to++ = (char)column->valid[row];
            valid += column->valid[row];
        }
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
    for (uint32_t i = 0, bytes; i < s.range_count; i++, to += bytes) {
        bytes = (s.ranges[i].end - s.ranges[i].first) * (uint32_t)width;
        memcpy(to, from + s.ranges[i].first * width, bytes);
    }
    if (!s.rows) return to;
    if (width == 8)
        gather(to, from, s, 8);
    else if (width == 4)
        gather(to, from, s, 4);
    else
        gather(to, from, s, width);
    return to + s.count * width;
}

// Where each row ends; returns where the last one does.
static uint32_t put_ends(char *to, const pl_column *column, selection s)
{
    uint32_t end = 0;
    const uint32_t *offsets = column->offsets;
    for (uint32_t i = 0; s.rows && i < s.count; i++) {
        end += offsets[s.rows[i] + 1] - offsets[s.rows[i]];
        memcpy(to + i * sizeof end, &end, sizeof end);
    }
    for (uint32_t i = 0; i < s.range_count; i++) {
        uint32_t base = end - offsets[s.ranges[i].first];
        for (uint32_t row = s.ranges[i].first; row < s.ranges[i].end; row++, to += sizeof end) {
            end = base + offsets[row + 1];
            memcpy(to, &end, sizeof end);
        }
    }
    return end;
}

// Texts are mostly short: a piece is copied whatever there is of it, where both sides have room.
// What is too much the next column writes over, and behind the last one a run has PIECE to spare.
static inline void put_text(char *to, const char *from, size_t bytes, bool pieces)
{
    if (PL_LIKELY(pieces && bytes <= PIECES_MAX)) {
        memcpy(to, from, PIECE);
        for (size_t i = PIECE; i < bytes; i += PIECE) memcpy(to + i, from + i, PIECE);
    } else if (bytes) {
        memcpy(to, from, bytes);
    }
}

// Ends and bytes of the rows together: 4 % of a run's instructions were 2 %.
static char *put_texts(char *to, const pl_column *column, selection s)
{
    const uint32_t *offsets = column->offsets;
    const char *heap = column->heap.data;
    bool pieces = column->heap.capacity - column->heap.count >= PIECE;
    char *text = to + s.count * sizeof(uint32_t);
    if (s.rows) {
        uint32_t at = 0;
        for (uint32_t i = 0; i < s.count; i++) {
            uint32_t first = offsets[s.rows[i]], bytes = offsets[s.rows[i] + 1] - first;
            put_text(text + at, heap + first, bytes, pieces);
            at += bytes;
            memcpy(to + i * sizeof at, &at, sizeof at);
        }
        return text + at;
    }
    put_ends(to, column, s);
    for (uint32_t i = 0, bytes; i < s.range_count; i++, text += bytes) {
        uint32_t first = offsets[s.ranges[i].first];
        bytes = offsets[s.ranges[i].end] - first;
        put_text(text, heap + first, bytes, pieces);
    }
    return text;
}

static char *put_column(char *to, const pl_column *column, selection s);

// The elements of the rows selected.
static char *put_elements(char *to, const pl_column *column, selection s)
{
    const uint32_t *offsets = column->offsets;
    uint32_t count = s.rows ? s.count : s.range_count;
    range *ranges = pl_alloc(count * sizeof *ranges);
    for (uint32_t i = 0; i < count; i++) {
        range of = s.rows ? (range){s.rows[i], s.rows[i] + 1} : s.ranges[i];
        ranges[i] = (range){offsets[of.first], offsets[of.end]};
    }
    uint32_t elements = put_ends(to, column, s);
    to = put_column(to + s.count * sizeof elements, column->child,
                    (selection){.ranges = ranges, .range_count = count, .count = elements});
    free(ranges);
    return to;
}

static char *put_column(char *to, const pl_column *column, selection s)
{
    char *kind = to++;
    uint32_t valid = column->nulls == 0              ? s.count
                     : column->nulls < column->count ? put_valid(to, column, s)
                                                     : 0;
    *kind = (char)(!valid ? ALL_NULL : valid == s.count ? NO_NULL : SOME_NULL);
    if (!valid) return to;
    if (valid < s.count) to += s.count;
    size_t width = pl_column_width(column->type.kind);
    if (width) return put_scalars(to, column->values, s, width);
    return column->child ? put_elements(to, column, s) : put_texts(to, column, s);
}

size_t pl_runs_put(char *to, const pl_column *columns, uint32_t count, const uint32_t *rows,
                   uint32_t row_count)
{
    uint32_t head[2];
    char *end = to + sizeof head;
    assert(row_count);
    range all = {rows[0], rows[row_count - 1] + 1};
    selection s = {.rows = rows, .count = row_count};
    if (all.end - all.first == row_count)
        s = (selection){.ranges = &all, .range_count = 1, .count = row_count};
    for (uint32_t i = 0; i < count; i++) end = put_column(end, &columns[i], s);
    assert((size_t)(end - to) <= UINT32_MAX); // a batch's text is less
    head[0] = row_count;
    head[1] = (uint32_t)((size_t)(end - to) - sizeof head);
    memcpy(to, head, sizeof head);
    return (size_t)(end - to);
}

size_t pl_runs_fixed(const pl_column *columns, uint32_t count)
{
    size_t bytes = 2 * sizeof(uint32_t) + PIECE;
    for (uint32_t i = 0; i < count; i++)
        for (const pl_column *c = &columns[i]; c; c = c->child) bytes++;
    return bytes;
}

// Of a row's values in `column`: where the rows begin, `starts[0..row_count]`, is that of the rows
// of a column above, NULL for its own.
static void add_bytes(const pl_column *column, const uint32_t *starts, uint32_t row_count,
                      uint32_t *bytes)
{
    if (!column->count) return; // lists without an element
    uint32_t width = (uint32_t)pl_column_width(column->type.kind);
    uint32_t fixed = (column->nulls != 0) + (width ? width : (uint32_t)sizeof(uint32_t));
    if (starts)
        for (uint32_t i = 0; i < row_count; i++) bytes[i] += fixed * (starts[i + 1] - starts[i]);
    else
        for (uint32_t i = 0; i < row_count; i++) bytes[i] += fixed;
    if (width) return;
    const uint32_t *offsets = column->offsets;
    uint32_t *below = NULL;
    if (starts) {
        below = pl_alloc((row_count + 1) * sizeof *below);
        for (uint32_t i = 0; i <= row_count; i++) below[i] = offsets[starts[i]];
        offsets = below;
    }
    if (column->child)
        add_bytes(column->child, offsets, row_count, bytes);
    else
        for (uint32_t i = 0; i < row_count; i++) bytes[i] += offsets[i + 1] - offsets[i];
    free(below);
}

void pl_runs_bytes(const pl_column *columns, uint32_t count, uint32_t row_count, uint32_t *bytes)
{
    memset(bytes, 0, row_count * sizeof *bytes);
    for (uint32_t i = 0; i < count; i++) add_bytes(&columns[i], NULL, row_count, bytes);
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
