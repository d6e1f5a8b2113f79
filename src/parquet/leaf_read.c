// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "parquet/delta_int.h"
#include "parquet/leaf_int.h"

static const char short_of[] = "a page ends within its values";

static const char *read_booleans(pl_span in, uint32_t count, pl_column *to)
{
    if (in.bytes != ((size_t)count + 7) / 8) return short_of;
    for (uint32_t i = 0; i < count; i++)
        to->u8[to->count + i] = (uint8_t)in.data[i / 8] >> i % 8 & 1;
    return NULL;
}

static const char *read_texts(pl_span in, uint32_t count, pl_column *to)
{
    // What the texts need is known before any is copied, and less than the page.
    if (in.bytes < (size_t)count * 4) return short_of;
    size_t bytes = in.bytes - (size_t)count * 4;
    if (bytes > UINT32_MAX - to->heap.count) return "a column's text passes 4 GiB";
    pl_buf_reserve(&to->heap, bytes);
    if (to->count == 0) to->offsets[0] = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size;
        if (in.bytes - at < sizeof size) return short_of;
        memcpy(&size, in.data + at, sizeof size);
        at += sizeof size;
        if (in.bytes - at < size) return short_of;
        pl_buf_append(&to->heap, in.data + at, size);
        at += size;
        to->offsets[to->count + i + 1] = (uint32_t)to->heap.count;
    }
    return at == in.bytes ? NULL : "a page goes on after its values";
}

static pl_i128 get_decimal(const char *from, const pl_leaf *leaf)
{
    if (leaf->physical == PL_PHYSICAL_INT32) {
        int32_t value;
        memcpy(&value, from, sizeof value);
        return value;
    }
    if (leaf->physical == PL_PHYSICAL_INT64) {
        int64_t value;
        memcpy(&value, from, sizeof value);
        return value;
    }
    pl_u128 value = from[0] < 0 ? ~(pl_u128)0 : 0;
    for (uint32_t i = 0; i < leaf->width; i++) value = value << 8 | (uint8_t)from[i];
    return (pl_i128)value;
}

static const char *read_decimals(pl_span in, const pl_leaf *leaf, uint32_t count, pl_column *to)
{
    pl_i128 limit = pl_decimal_power(leaf->type->precision);
    for (uint32_t i = 0; i < count; i++) {
        pl_i128 value = get_decimal(in.data + (size_t)i * leaf->width, leaf);
        if (value >= limit || value <= -limit) return "a decimal has too many digits";
        to->i128[to->count + i] = value;
    }
    return NULL;
}

static void read_wider(pl_span in, uint32_t count, pl_column *to)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *from = in.data + (size_t)i * 4;
        if (to->type.kind == PL_LONG) {
            int32_t value;
            memcpy(&value, from, sizeof value);
            to->i64[to->count + i] = value;
        } else {
            float value;
            memcpy(&value, from, sizeof value);
            to->f64[to->count + i] = (double)value;
        }
    }
}

const char *pl_leaf__read_plain(const pl_leaf *leaf, pl_span in, uint32_t count, pl_column *to)
{
    const char *reason = NULL;
    if (leaf->width && in.bytes != (size_t)count * leaf->width)
        return in.bytes < (size_t)count * leaf->width ? short_of
                                                      : "a page goes on after its values";
    // Before memory is taken for `count` values, the bytes must be there.
    if (!leaf->width && in.bytes < (pl_leaf__is_text(leaf) ? (size_t)count * 4 : count / 8))
        return short_of;
    if (count == 0) return in.bytes ? "a page goes on after its values" : NULL;
    pl_column_reserve(to, count);
    if (leaf->physical == PL_PHYSICAL_BOOLEAN)
        reason = read_booleans(in, count, to);
    else if (pl_leaf__is_text(leaf))
        reason = read_texts(in, count, to);
    else if (leaf->type->kind == PL_DECIMAL)
        reason = read_decimals(in, leaf, count, to);
    else if (leaf->type->kind != to->type.kind)
        read_wider(in, count, to);
    else
        memcpy((char *)to->values + (size_t)to->count * leaf->width, in.data, in.bytes);
    if (reason) return reason;
    memset(to->valid + to->count, 1, count);
    to->count += count;
    return NULL;
}

// Store integers as values of the leaf: any of them are in its type's range, but not decimals.
static bool store(const pl_leaf *leaf, const int64_t *values, uint32_t count, pl_column *to,
                  uint32_t row)
{
    pl_i128 limit = leaf->type->kind == PL_DECIMAL ? pl_decimal_power(leaf->type->precision) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (limit && (values[i] >= limit || values[i] <= -limit)) return false;
        if (to->type.kind == PL_DECIMAL)
            to->i128[row + i] = values[i];
        else if (pl_column_width(to->type.kind) == 4)
            to->i32[row + i] = (int32_t)values[i];
        else
            to->i64[row + i] = values[i];
    }
    return true;
}

// Lengths, of which `from` is at the first, then the bytes of all.
static const char *read_delta_texts(pl_delta_in *from, uint32_t count, pl_column *to)
{
    int64_t lengths[PL_DELTA_BLOCK];
    uint64_t bytes = 0;
    if (to->count == 0) to->offsets[0] = 0;
    uint32_t *ends = to->offsets + to->count + 1;
    for (uint32_t row = 0, now; row < count; row += now) {
        if (!pl_delta__get(from, lengths, &now)) return "a page's differences are damaged";
        for (uint32_t i = 0; i < now; i++) {
            if (lengths[i] < 0) return "a text has fewer than no bytes";
            bytes += (uint64_t)lengths[i];
            if (bytes > UINT32_MAX - to->heap.count) return "a column's text passes 4 GiB";
            ends[row + i] = (uint32_t)(to->heap.count + bytes);
        }
    }
    size_t left = from->in.bytes - from->at;
    if (bytes != left) return bytes > left ? short_of : "a page goes on after its values";
    pl_buf_append(&to->heap, from->in.data + from->at, left);
    return NULL;
}

const char *pl_leaf__read_delta(const pl_leaf *leaf, pl_span in, uint32_t count, pl_column *to)
{
    pl_delta_in from;
    bool narrow = leaf->physical != PL_PHYSICAL_INT64;
    // Before memory is taken for `count` values: 128 of them are 5 bytes at least.
    if (in.bytes < count / PL_DELTA_BLOCK * 5u || !pl_delta__over(in, count, narrow, &from))
        return "a page's differences are damaged";
    pl_column_reserve(to, count);
    if (pl_leaf__is_text(leaf)) {
        const char *reason = read_delta_texts(&from, count, to);
        if (reason) return reason;
    } else {
        int64_t values[PL_DELTA_BLOCK];
        for (uint32_t row = to->count, now; from.left; row += now) {
            if (!pl_delta__get(&from, values, &now)) return "a page's differences are damaged";
            if (!store(leaf, values, now, to, row)) return "a decimal has too many digits";
        }
        if (from.at != in.bytes) return "a page goes on after its values";
    }
    if (count) memset(to->valid + to->count, 1, count);
    to->count += count;
    return NULL;
}

// As pl_column_append for `valid` of `column` rows taken from `from`; width 0 is text.
static inline void scatter(pl_column *to, const pl_column *from, const uint32_t *rows,
                           const uint8_t *valid, uint32_t count, size_t width)
{
    uint32_t next = 0;
    char *values = to->values;
    for (uint32_t i = 0, row = to->count; i < count; i++, row++) {
        bool is = !valid || valid[i];
        to->valid[row] = is;
        uint32_t at = !is ? 0 : rows ? rows[next] : next;
        next += is;
        if (width && is)
            memcpy(values + row * width, (const char *)from->values + at * width, width);
        else if (width)
            memset(values + row * width, 0, width);
        else {
            if (is) pl_buf_span(&to->heap, pl_column_span(from, at));
            to->offsets[row + 1] = (uint32_t)to->heap.count;
        }
    }
    to->nulls += count - next;
    to->count += count;
}

void pl_leaf__scatter(pl_column *to, const pl_column *from, const uint32_t *rows,
                      const uint8_t *valid, uint32_t count)
{
    pl_column_reserve(to, count);
    switch (to->type.kind) {
    case PL_BOOLEAN:
        scatter(to, from, rows, valid, count, 1);
        break;
    case PL_INT:
    case PL_DATE:
    case PL_FLOAT:
        scatter(to, from, rows, valid, count, 4);
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
    case PL_DOUBLE:
        scatter(to, from, rows, valid, count, 8);
        break;
    case PL_DECIMAL:
        scatter(to, from, rows, valid, count, 16);
        break;
    default:
        if (to->count == 0) to->offsets[0] = 0;
        scatter(to, from, rows, valid, count, 0);
    }
}
