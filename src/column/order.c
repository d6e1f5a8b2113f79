// SPDX-License-Identifier: Apache-2.0
#include "column/order.h"

#include <stdlib.h>

// A row and its first key as a number that never contradicts the order: most pairs of rows are
// told apart by it, without looking at a column.
typedef struct entry {
    uint64_t prefix;
    uint32_t row;
} entry;

typedef struct sorting {
    const pl_sort_order *sort;
    const pl_column *const *keys;
} sorting;

int pl_order_compare(const pl_sort_field *field, const pl_value *a, const pl_value *b)
{
    if (a->is_null || b->is_null) {
        int first = (int)b->is_null - (int)a->is_null; // as if NULL came first
        return field->nulls_last ? -first : first;
    }
    int order = pl_value_compare(a, b);
    return field->descending ? -order : order;
}

static uint64_t signed_prefix(int64_t value)
{
    return (uint64_t)value ^ UINT64_C(1) << 63;
}

static uint64_t double_prefix(double value)
{
    uint64_t bits;
    if (value != value) return UINT64_MAX;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t text_prefix(pl_span text)
{
    uint64_t prefix = 0;
    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < text.bytes ? (uint8_t)text.data[i] : 0);
    return prefix;
}

static uint64_t prefix_of(const pl_sort_field *field, const pl_value *value)
{
    uint64_t prefix;
    if (value->is_null) return field->nulls_last ? UINT64_MAX : 0;
    switch (value->kind) {
    case PL_BOOLEAN:
        prefix = value->boolean;
        break;
    case PL_INT:
    case PL_DATE:
        prefix = signed_prefix(value->i32);
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        prefix = signed_prefix(value->i64);
        break;
    case PL_FLOAT:
        prefix = double_prefix((double)value->f32);
        break;
    case PL_DOUBLE:
        prefix = double_prefix(value->f64);
        break;
    case PL_DECIMAL: // beyond a long all are alike
        prefix = value->i128 > INT64_MAX   ? UINT64_MAX
                 : value->i128 < INT64_MIN ? 0
                                           : signed_prefix((int64_t)value->i128);
        break;
    default:
        prefix = text_prefix(value->text);
    }
    return field->descending ? ~prefix : prefix;
}

static int compare(const sorting *s, const entry *a, const entry *b)
{
    if (a->prefix != b->prefix) return a->prefix < b->prefix ? -1 : 1;
    for (uint32_t i = 0; i < s->sort->count; i++) {
        pl_value left = pl_column_value(s->keys[i], a->row);
        pl_value right = pl_column_value(s->keys[i], b->row);
        int order = pl_order_compare(&s->sort->fields[i], &left, &right);
        if (order) return order;
    }
    return 0;
}

// Merge runs of `width` entries of `from` into runs of twice that in `to`.
static void merge(const sorting *s, const entry *from, entry *to, uint32_t count, uint32_t width)
{
    for (uint32_t first = 0; first < count; first += PL_MIN(2 * width, count - first)) {
        uint32_t middle = first + PL_MIN(width, count - first);
        uint32_t end = middle + PL_MIN(width, count - middle);
        uint32_t a = first, b = middle;
        for (uint32_t i = first; i < end; i++) {
            bool left = b == end || (a < middle && compare(s, &from[a], &from[b]) <= 0);
            to[i] = left ? from[a++] : from[b++];
        }
    }
}

bool pl_order_rows(const pl_sort_order *sort, const pl_column *const *keys, uint32_t *rows,
                   uint32_t count)
{
    sorting s = {sort, keys};
    entry *entries = pl_alloc(2 * (size_t)count * sizeof *entries + 1), *spare = entries + count;
    bool moved = false;
    for (uint32_t row = 0; row < count; row++) {
        pl_value value = pl_column_value(keys[0], row);
        entries[row] = (entry){prefix_of(&sort->fields[0], &value), row};
        rows[row] = row;
        moved = moved || (row && compare(&s, &entries[row - 1], &entries[row]) > 0);
    }
    entry *all = entries;
    for (uint32_t width = 1; moved && width < count; width *= 2) {
        merge(&s, all, spare, count, width);
        entry *done = spare;
        spare = all;
        all = done;
    }
    for (uint32_t row = 0; moved && row < count; row++) rows[row] = all[row].row;
    free(entries);
    return moved;
}

void pl_order_take(pl_column *to, const pl_column *from, const uint32_t *rows, uint32_t count)
{
    if (!from->child) {
        for (uint32_t i = 0; i < count; i++) {
            pl_value value = pl_column_value(from, rows[i]);
            pl_column_append(to, &value);
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows[i], first = from->offsets[row], end = from->offsets[row + 1];
        if (!from->valid[row]) {
            pl_column_null(to);
            continue;
        }
        for (uint32_t item = first; item < end; item++)
            pl_order_take(to->child, from->child, &item, 1);
        pl_column_list(to);
    }
}
