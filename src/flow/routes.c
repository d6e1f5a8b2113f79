// routes.c -- which partition a row goes to.
//
// A batch is looked at field by field: each value of the partition becomes 64 bits, a code, and a
// row's codes a hash, by which its partition is found. Row by row, with values built to be looked
// at, this took three times as long (2.6 % of a run of posts).
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "flow/parts_int.h"

enum { NULL_CODE = 1 };

static const pl_column *source_of(const pl_parts *parts, const pl_column *columns, uint32_t i)
{
    return &columns[parts->sources[i]];
}

static pl_value value_of(const pl_parts *parts, const pl_column *columns, uint32_t i, uint32_t row)
{
    const pl_column *source = source_of(parts, columns, i);
    pl_value value = pl_column_value(source, row);
    return pl_transform_apply(&parts->options.spec->fields[i].transform, &source->type, &value);
}

static bool is_text(pl_kind kind)
{
    return kind == PL_STRING || kind == PL_JSON;
}

// Numbers by their bits: 0.0 and -0.0 are two partitions.
static uint64_t code_of(const pl_value *value)
{
    uint64_t bits = 0;
    if (value->is_null) return NULL_CODE;
    switch (value->kind) {
    case PL_STRING:
    case PL_JSON:
        return pl_hash(value->text);
    case PL_DECIMAL:
        return (uint64_t)value->i128 ^ (uint64_t)((pl_u128)value->i128 >> 64);
    case PL_BOOLEAN:
        return value->boolean;
    case PL_INT:
    case PL_DATE:
    case PL_FLOAT:
        memcpy(&bits, &value->i32, sizeof value->i32);
        return bits;
    default:
        memcpy(&bits, &value->i64, sizeof value->i64);
        return bits;
    }
}

// Codes of field `i` of all rows, those of the usual fields in a loop of their own.
static void put_codes(const pl_parts *parts, const pl_column *columns, uint32_t i, uint64_t *codes)
{
    const pl_column *c = source_of(parts, columns, i);
    pl_transform_kind transform = parts->options.spec->fields[i].transform.kind;
    if (transform == PL_DAY && c->type.kind == PL_TIMESTAMP) {
        for (uint32_t row = 0; row < parts->batch.rows; row++)
            codes[row] = (uint32_t)(int32_t)pl_floor_div(c->i64[row], PL_MICROS_PER_DAY);
    } else if (transform == PL_IDENTITY && c->type.kind == PL_STRING) {
        for (uint32_t row = 0; row < parts->batch.rows; row++)
            codes[row] = pl_hash(pl_column_span(c, row));
    } else {
        for (uint32_t row = 0; row < parts->batch.rows; row++) {
            pl_value value = value_of(parts, columns, i, row);
            codes[row] = code_of(&value);
        }
        return;
    }
    for (uint32_t row = 0; c->nulls && row < parts->batch.rows; row++)
        if (!c->valid[row]) codes[row] = NULL_CODE;
}

// The row's value of field `i`, whose code is the partition's: is it that?
static bool same_value(const pl_parts *parts, const pl_column *columns, uint32_t i, uint32_t row,
                       const pl_value *known)
{
    const pl_column *c = source_of(parts, columns, i);
    pl_transform_kind transform = parts->options.spec->fields[i].transform.kind;
    if (known->is_null) return !c->valid[row] || value_of(parts, columns, i, row).is_null;
    if (!c->valid[row]) return false;
    if (!is_text(known->kind) && known->kind != PL_DECIMAL) return true; // the code is the value
    if (transform == PL_IDENTITY && known->kind == PL_STRING)
        return pl_span_equal(known->text, pl_column_span(c, row));
    pl_value value = value_of(parts, columns, i, row);
    return known->kind == PL_DECIMAL ? known->i128 == value.i128
                                     : pl_span_equal(known->text, value.text);
}

static bool is_part(const pl_parts *parts, const part *p, const pl_column *columns, uint32_t row,
                    uint64_t hash)
{
    if (p->hash != hash) return false;
    for (uint32_t i = 0; i < parts->options.spec->count; i++)
        if (p->codes[i] != parts->batch.codes[(size_t)i * BATCH_ROWS + row] ||
            !same_value(parts, columns, i, row, &p->values[i]))
            return false;
    return true;
}

// Serialised partition values.
static pl_span part_key(pl_parts *parts, const pl_value *values)
{
    pl_buf key = {0};
    for (uint32_t i = 0; i < parts->options.spec->count; i++) {
        size_t mark = key.count;
        uint32_t bytes = UINT32_MAX; // NULL, unlike any length
        pl_buf_append(&key, &bytes, sizeof bytes);
        if (values[i].is_null) continue;
        pl_value_bytes(&key, &values[i]);
        bytes = (uint32_t)(key.count - mark - sizeof bytes);
        memcpy(key.data + mark, &bytes, sizeof bytes);
    }
    pl_span copy = pl_arena_copy(parts->arena, pl_buf_view(&key));
    pl_buf_done(&key);
    return copy;
}

static uint32_t part_new(pl_parts *parts, const pl_column *columns, uint32_t row, uint64_t hash)
{
    part *p = pl_zalloc(1, sizeof *p);
    p->hash = hash;
    p->values = PL_TAKE(parts->arena, pl_value, parts->options.spec->count);
    p->codes = PL_TAKE(parts->arena, uint64_t, parts->options.spec->count);
    for (uint32_t i = 0; i < parts->options.spec->count; i++) {
        p->values[i] = value_of(parts, columns, i, row);
        p->codes[i] = parts->batch.codes[(size_t)i * BATCH_ROWS + row];
        if (!p->values[i].is_null && is_text(p->values[i].kind))
            p->values[i].text = pl_arena_copy(parts->arena, p->values[i].text);
    }
    p->key = part_key(parts, p->values);
    PL_GROW(parts->parts, parts->count, parts->capacity);
    parts->parts[parts->count] = p;
    return parts->count++;
}

static uint32_t *slot_at(pl_parts *parts, uint64_t hash, uint32_t step)
{
    return &parts->slots[((uint32_t)(hash >> 32) + step) & (parts->slot_count - 1)];
}

static void more_slots(pl_parts *parts)
{
    free(parts->slots);
    parts->slot_count = PL_MAX(parts->slot_count * 2, 64u);
    parts->slots = pl_zalloc(parts->slot_count, sizeof *parts->slots);
    for (uint32_t i = 0; i < parts->count; i++) {
        uint32_t step = 0;
        while (*slot_at(parts, parts->parts[i]->hash, step)) step++;
        *slot_at(parts, parts->parts[i]->hash, step) = i + 1;
    }
}

static uint32_t part_of(pl_parts *parts, const pl_column *columns, uint32_t row, uint64_t hash)
{
    if (parts->count * 2 >= parts->slot_count) more_slots(parts);
    for (uint32_t step = 0;; step++) {
        uint32_t *slot = slot_at(parts, hash, step);
        if (!*slot) return (*slot = part_new(parts, columns, row, hash) + 1) - 1;
        if (is_part(parts, parts->parts[*slot - 1], columns, row, hash)) return *slot - 1;
    }
}

void pl_parts__route(pl_parts *parts, const pl_column *columns)
{
    row_batch *b = &parts->batch;
    const uint32_t fields = parts->options.spec->count;
    for (uint32_t i = 0; i < fields; i++)
        put_codes(parts, columns, i, b->codes + (size_t)i * BATCH_ROWS);
    for (uint32_t row = 0; row < b->rows; row++) {
        uint64_t hash = 0;
        for (uint32_t i = 0; i < fields; i++)
            hash = pl_hash_join(hash, b->codes[(size_t)i * BATCH_ROWS + row]);
        uint32_t index = part_of(parts, columns, row, hash);
        if (!parts->parts[index]->batch_rows++) b->touched[b->touched_count++] = index;
        b->part[row] = index;
    }
}
