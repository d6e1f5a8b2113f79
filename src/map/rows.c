// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "map/mapper_int.h"
#include "simd/string.h"

enum { ROOM_MIN = 64 };

// Room for one more row. Columns that no rule fills stay as they begin here: NULL.
static void grow(pl_mapper *m)
{
    uint32_t room = m->room ? m->room * 2 : ROOM_MIN;
    for (uint32_t i = 0; i < m->plan->schema->count; i++) {
        pl_column *c = &m->columns[i];
        size_t width = pl_column_width(c->type.kind);
        c->count = m->rows;
        pl_column_reserve(c, room - m->rows);
        memset(c->valid + m->rows, 0, room - m->rows);
        if (width)
            memset((char *)c->values + m->rows * width, 0, (room - m->rows) * width);
        else
            for (uint32_t row = m->rows; row < room; row++)
                c->offsets[row + 1] = c->offsets[m->rows];
    }
    m->room = room;
}

void pl_map__row(pl_mapper *m)
{
    if (PL_UNLIKELY(m->rows == m->room)) grow(m);
}

static inline void put_null(pl_column *c, uint32_t row)
{
    c->valid[row] = 0;
    size_t width = pl_column_width(c->type.kind);
    if (width == 8)
        c->i64[row] = 0;
    else if (width)
        memset((char *)c->values + row * width, 0, width);
    else
        c->offsets[row + 1] = c->offsets[row];
}

static inline void put_text(pl_mapper *m, pl_column *c, pl_span text)
{
    uint32_t row = m->rows;
    c->valid[row] = 1;
    c->heap.count = c->offsets[row];
    pl_buf_span(&c->heap, text);
    c->offsets[row + 1] = (uint32_t)c->heap.count;
    m->text_bytes += text.bytes;
}

// Forget all rows from `rows` on.
static void cut(pl_column *c, uint32_t rows)
{
    c->count = rows;
    if (pl_column_width(c->type.kind)) return;
    uint32_t end = c->capacity ? c->offsets[rows] : 0;
    if (c->child)
        cut(c->child, end);
    else
        c->heap.count = end;
}

static void append_cell(pl_column *c, const pl_cell *cell)
{
    if (!c->child || cell->value.is_null) {
        pl_column_append(c, &cell->value);
        return;
    }
    for (uint32_t i = 0; i < cell->count; i++) append_cell(c->child, &cell->elements[i]);
    pl_column_list(c);
}

static size_t text_of(const pl_column *c)
{
    return c->child ? c->child->count + text_of(c->child) : c->heap.count;
}

void pl_map__put(pl_mapper *m, uint32_t field, const pl_cell *cell)
{
    pl_column *c = &m->columns[field];
    cut(c, m->rows);
    size_t before = text_of(c);
    append_cell(c, cell);
    m->text_bytes += text_of(c) - before;
}

// The array's elements, when all are strings without escapes: what most arrays of text are.
static bool fill_texts(pl_mapper *m, pl_column *c, pl_span array)
{
    size_t at = pl_json_space(array, 1);
    cut(c, m->rows);
    while (array.data[at] == '"') {
        bool ignored = false;
        size_t stop = pl_simd_string_stop(array, at + 1, &ignored);
        if (array.data[stop] != '"') return false;
        pl_column_text(c->child, (pl_span){array.data + at + 1, stop - at - 1});
        m->text_bytes += stop - at;
        at = pl_json_space(array, stop + 1);
        if (array.data[at] == ',') at = pl_json_space(array, at + 1);
    }
    if (array.data[at] != ']') return false;
    c->valid[m->rows] = 1;
    c->offsets[m->rows + 1] = c->child->count;
    return true;
}

static bool fill_converted(pl_mapper *m, const bound_rule *rule, const pl_slot *slot)
{
    pl_cell cell;
    bool coerced;
    const char *why =
        pl_convert(slot, rule->type, &rule->terms[0].term->parser, &m->scratch, &cell, &coerced);
    if (why || coerced) return false;
    pl_map__put(m, rule->field, &cell);
    return true;
}

static inline bool fill(pl_mapper *m, const bound_rule *rule, const pl_slot *slot)
{
    pl_column *c = &m->columns[rule->field];
    uint32_t row = m->rows;
    switch (rule->fill) {
    case PL_FILL_TEXT:
        if (slot->kind != PL_SLOT_STRING || slot->escaped) return false;
        put_text(m, c, slot->raw);
        return true;
    case PL_FILL_LONG:
        if (!slot->has_long) return false;
        c->valid[row] = 1;
        c->i64[row] = slot->value;
        return true;
    case PL_FILL_BOOLEAN:
        if (slot->kind != PL_SLOT_TRUE && slot->kind != PL_SLOT_FALSE) return false;
        c->valid[row] = 1;
        c->u8[row] = slot->kind == PL_SLOT_TRUE;
        return true;
    case PL_FILL_TEXTS:
        return slot->kind == PL_SLOT_ARRAY && fill_texts(m, c, slot->raw);
    default:
        return fill_converted(m, rule, slot);
    }
}

bool pl_map__fill(pl_mapper *m, const bound_rule *rule)
{
    if (rule->fill == PL_FILL_RULE) return false;
    const pl_slot *slot = &m->scanner.slots[rule->slot];
    if (slot->kind == PL_SLOT_ABSENT || slot->kind == PL_SLOT_NULL) {
        if (rule->required) return false;
        put_null(&m->columns[rule->field], m->rows);
        return true;
    }
    if (!fill(m, rule, slot)) return false;
    m->taken[rule->slot] = true;
    return true;
}

pl_value pl_mapper_value(const pl_mapper *m, uint32_t field)
{
    return pl_column_value(&m->columns[field], m->rows);
}

uint32_t pl_mapper_keep(pl_mapper *m)
{
    return ++m->rows;
}

size_t pl_mapper_text(const pl_mapper *m)
{
    return m->text_bytes;
}

static void settle(pl_column *c, uint32_t rows)
{
    cut(c, rows);
    c->nulls = rows;
    for (uint32_t i = 0; i < rows; i++) c->nulls -= c->valid[i];
    if (c->child) settle(c->child, c->capacity ? c->offsets[rows] : 0);
}

const pl_column *pl_mapper_batch(pl_mapper *m)
{
    for (uint32_t i = 0; i < m->plan->schema->count; i++) settle(&m->columns[i], m->rows);
    return m->columns;
}

void pl_mapper_clear(pl_mapper *m)
{
    m->rows = 0;
    m->text_bytes = 0;
}
