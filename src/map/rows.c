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

void pl_map__row(pl_mapper *m, pl_span text)
{
    if (PL_UNLIKELY(m->rows == m->room)) grow(m);
    m->text_end = text.data + text.bytes;
    m->text_bytes = m->kept_bytes; // what was rejected takes no room
}

static inline void put_null(pl_column *c, uint32_t row)
{
    c->valid[row] = 0;
    size_t width = pl_column_width(c->type.kind);
    if (!width)
        c->offsets[row + 1] = c->offsets[row];
    else if (width == 8)
        c->i64[row] = 0;
    else
        memset((char *)c->values + row * width, 0, width);
}

static inline void put_text(pl_mapper *m, pl_column *c, pl_span text)
{
    c->valid[m->rows] = 1;
    c->heap.count = c->offsets[m->rows];
    pl_buf_span(&c->heap, text);
    c->offsets[m->rows + 1] = (uint32_t)c->heap.count;
    m->text_bytes += text.bytes;
}

// The same of a text in the record. A short one is copied as sixteen bytes, of which the next row
// writes over what is too much: no branch depends on its length.
static inline void put_record_text(pl_mapper *m, pl_column *c, pl_span text)
{
    uint32_t at = c->offsets[m->rows];
    if (text.bytes > 16 || c->heap.capacity - at < 16 || m->text_end - text.data < 16) {
        put_text(m, c, text);
        return;
    }
    c->valid[m->rows] = 1;
    memcpy(c->heap.data + at, text.data, 16);
    c->offsets[m->rows + 1] = at + (uint32_t)text.bytes;
    m->text_bytes += text.bytes;
}

static inline void put_long(pl_mapper *m, pl_column *c, int64_t value)
{
    c->valid[m->rows] = 1;
    c->i64[m->rows] = value;
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
    if (pl_column_width(rule->type->kind) == 8 && !cell.value.is_null)
        put_long(m, &m->columns[rule->field], cell.value.i64); // or the double of the same bytes
    else
        pl_map__put(m, rule->field, &cell);
    return true;
}

static inline bool fill(pl_mapper *m, const bound_rule *rule, const pl_slot *slot)
{
    pl_column *c = &m->columns[rule->field];
    if (slot->kind == PL_SLOT_ABSENT || slot->kind == PL_SLOT_NULL) {
        if (rule->fill == PL_FILL_RULE || rule->required) return false;
        put_null(c, m->rows);
        return true;
    }
    switch (rule->fill) {
    case PL_FILL_TEXT:
        if (slot->kind != PL_SLOT_STRING || slot->escaped) return false;
        put_record_text(m, c, slot->raw);
        break;
    case PL_FILL_LONG:
        if (!slot->has_long) return false;
        put_long(m, c, slot->value);
        break;
    case PL_FILL_BOOLEAN:
        if (slot->kind != PL_SLOT_TRUE && slot->kind != PL_SLOT_FALSE) return false;
        c->valid[m->rows] = 1;
        c->u8[m->rows] = slot->kind == PL_SLOT_TRUE;
        break;
    case PL_FILL_TEXTS:
        if (slot->kind != PL_SLOT_ARRAY || !fill_texts(m, c, slot->raw)) return false;
        break;
    case PL_FILL_CONVERTED:
        if (!fill_converted(m, rule, slot)) return false;
        break;
    case PL_FILL_RULE:
        return false;
    }
    m->taken[rule->slot] = true;
    return true;
}

uint32_t pl_map__fill(pl_mapper *m, uint32_t from)
{
    const pl_map_plan *plan = m->plan;
    while (from < plan->rule_count &&
           fill(m, &plan->rules[from], &m->scanner.slots[plan->rules[from].slot]))
        from++;
    return from;
}

// The table's column for it, or NULL.
static pl_column *system_of(pl_mapper *m, system_column column)
{
    int32_t field = m->plan->system[column];
    return field < 0 ? NULL : &m->columns[field];
}

void pl_map__system(pl_mapper *m, uint64_t record)
{
    pl_column *c = system_of(m, SYSTEM_OBJECT);
    if (c) put_text(m, c, m->object);
    c = system_of(m, SYSTEM_RECORD);
    if (c) put_long(m, c, (int64_t)record);
    c = system_of(m, SYSTEM_MAPPING);
    if (c) c->valid[m->rows] = 1, c->i32[m->rows] = m->plan->version;
    c = system_of(m, SYSTEM_REST);
    if (c && m->rest.count)
        put_text(m, c, pl_buf_view(&m->rest));
    else if (c)
        put_null(c, m->rows);
    c = system_of(m, SYSTEM_FLAGS);
    if (c && m->flag_count)
        pl_map__put(
            m, (uint32_t)m->plan->system[SYSTEM_FLAGS],
            &(pl_cell){.value = {.kind = PL_LIST}, .elements = m->flags, .count = m->flag_count});
    else if (c)
        put_null(c, m->rows);
}

pl_value pl_mapper_value(const pl_mapper *m, uint32_t field)
{
    return pl_column_value(&m->columns[field], m->rows);
}

uint32_t pl_mapper_keep(pl_mapper *m)
{
    m->kept_bytes = m->text_bytes;
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
    m->text_bytes = m->kept_bytes = 0;
}
