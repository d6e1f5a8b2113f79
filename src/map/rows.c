// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/number.h"
#include "base/time.h"
#include "map/mapper_int.h"

enum { ROOM_MIN = 64 };

enum { PIECE = 32, PIECES_MAX = 256 }; // texts up to here are copied without a call

column_fill *pl_map__fills(pl_mapper *m)
{
    column_fill *fills = pl_zalloc(m->plan->rule_count, sizeof *fills);
    for (uint32_t r = 0; r < m->plan->rule_count; r++) {
        const bound_rule *rule = &m->plan->rules[r];
        pl_column *column = &m->columns[rule->field];
        fills[r] = (column_fill){.column = column,
                                 .rule = rule,
                                 .slot = rule->slot,
                                 .width = (uint8_t)pl_column_width(column->type.kind),
                                 .required = rule->required,
                                 .kind = rule->fill};
    }
    return fills;
}

// The table's column for it, or NULL.
static inline pl_column *system_of(pl_mapper *m, system_column column)
{
    int32_t field = m->plan->system[column];
    return field < 0 ? NULL : &m->columns[field];
}

// Room for one more row. Columns that no rule fills stay as they begin here: NULL, and the mapping
// of every row the same.
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
    m->flaws = pl_realloc(m->flaws, room);
    pl_column *mapping = system_of(m, SYSTEM_MAPPING);
    for (uint32_t row = m->rows; mapping && row < room; row++) {
        mapping->valid[row] = 1;
        mapping->i32[row] = m->plan->version;
    }
    m->room = room;
}

void pl_map__row(pl_mapper *m, pl_span text)
{
    if (PL_UNLIKELY(m->rows == m->room)) grow(m);
    m->text_end = text.data + text.bytes;
    m->text_bytes = m->kept_bytes; // what was rejected takes no room
}

static inline void put_null(pl_column *c, uint32_t row, size_t width)
{
    c->valid[row] = 0;
    if (!width)
        c->offsets[row + 1] = c->offsets[row];
    else if (width == 8)
        c->i64[row] = 0;
    else
        memset((char *)c->values + row * width, 0, width);
}

static void put_text(pl_column *c, uint32_t row, pl_span text)
{
    c->valid[row] = 1;
    c->heap.count = c->offsets[row];
    pl_buf_span(&c->heap, text);
    c->offsets[row + 1] = (uint32_t)c->heap.count;
}

// The same of a text in a record that ends at `end`: copied in pieces of 32 bytes where there is
// room for it on both sides; the next row writes over what is too much.
static inline size_t put_record_text(pl_column *c, uint32_t row, pl_span text, const char *end)
{
    uint32_t at = c->offsets[row];
    size_t most = text.bytes + PIECE;
    if (PL_UNLIKELY(most > PIECES_MAX || c->heap.capacity - at < most ||
                    (size_t)(end - text.data) < most)) {
        put_text(c, row, text);
        return text.bytes;
    }
    char *to = c->heap.data + at;
    memcpy(to, text.data, PIECE);
    for (size_t i = PIECE; i < text.bytes; i += PIECE) memcpy(to + i, text.data + i, PIECE);
    c->valid[row] = 1;
    c->offsets[row + 1] = at + (uint32_t)text.bytes;
    return text.bytes;
}

static inline void put_long(pl_column *c, uint32_t row, int64_t value)
{
    c->valid[row] = 1;
    c->i64[row] = value;
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

static void fill_texts(pl_mapper *m, pl_column *c, uint32_t row, const pl_slot *slot)
{
    const pl_span *item = m->scanner.items + slot->items.first, *end = item + slot->items.count;
    pl_column *texts = c->child;
    uint32_t at = texts->count = c->offsets[row];
    size_t bytes = slot->items.count;
    pl_column_reserve(texts, slot->items.count);
    for (; item < end; item++) bytes += put_record_text(texts, at++, *item, m->text_end);
    m->text_bytes += bytes;
    texts->count = at;
    c->valid[row] = 1;
    c->offsets[row + 1] = at;
}

static void fill_text(pl_mapper *m, pl_column *c, uint32_t row, const pl_slot *slot)
{
    if (PL_LIKELY(!slot->escaped)) {
        m->text_bytes += put_record_text(c, row, slot->raw, m->text_end);
        return;
    }
    uint32_t at = c->offsets[row];
    c->heap.count = at;
    pl_json_unescape(&c->heap, slot->raw);
    c->valid[row] = 1;
    c->offsets[row + 1] = (uint32_t)c->heap.count;
    m->text_bytes += c->heap.count - at;
}

static bool fill_double(pl_column *c, uint32_t row, const pl_slot *slot)
{
    bool read = slot->fraction || slot->has_long;
    if (!read || !pl_number_quick(slot->value, slot->fraction, &c->f64[row])) return false;
    if (!slot->value && slot->raw.data[0] == '-') c->f64[row] = -0.0;
    c->valid[row] = 1;
    return true;
}

// "4.7%" is 47 / 10^3: rounded once.
static bool fill_percent(pl_column *c, uint32_t row, const pl_slot *slot)
{
    int64_t value;
    uint32_t fraction;
    size_t bytes = slot->raw.bytes;
    if (slot->kind != PL_SLOT_STRING || !bytes || slot->raw.data[bytes - 1] != '%' ||
        !pl_number_plain((pl_span){slot->raw.data, bytes - 1}, &value, &fraction) ||
        !pl_number_quick(value, fraction + 2, &c->f64[row]))
        return false;
    c->valid[row] = 1;
    return true;
}

static bool fill_time(pl_column *c, uint32_t row, const pl_slot *slot)
{
    int64_t micros;
    if (slot->kind != PL_SLOT_STRING || slot->escaped || pl_time_parse_iso(slot->raw, &micros))
        return false;
    put_long(c, row, micros);
    return true;
}

static bool fill_converted(pl_mapper *m, const column_fill *fill, const pl_slot *slot)
{
    pl_cell cell;
    bool coerced;
    const bound_rule *rule = fill->rule;
    if (slot->kind <= PL_SLOT_NULL) return false;
    const char *why =
        pl_convert(slot, rule->type, &rule->terms[0].term->parser, &m->scratch, &cell, &coerced);
    if (why || coerced) return false;
    if (fill->width == 8 && !cell.value.is_null)
        put_long(fill->column, m->rows, cell.value.i64); // or the double of the same bytes
    else
        pl_map__put(m, rule->field, &cell);
    return true;
}

// What the slot mostly holds; false: something else.
static inline bool fill_value(pl_mapper *m, const column_fill *fill, uint32_t row,
                              const pl_slot *slot)
{
    pl_column *c = fill->column;
    switch (fill->kind) {
    case PL_FILL_TEXT:
        if (slot->kind != PL_SLOT_STRING) return false;
        fill_text(m, c, row, slot);
        return true;
    case PL_FILL_LONG:
        if (slot->kind != PL_SLOT_INTEGER || !slot->has_long) return false;
        put_long(c, row, slot->value);
        return true;
    case PL_FILL_DOUBLE:
        if (slot->kind != PL_SLOT_INTEGER && slot->kind != PL_SLOT_NUMBER) return false;
        return fill_double(c, row, slot) || fill_converted(m, fill, slot);
    case PL_FILL_BOOLEAN:
        if (slot->kind != PL_SLOT_TRUE && slot->kind != PL_SLOT_FALSE) return false;
        c->valid[row] = 1;
        c->u8[row] = slot->kind == PL_SLOT_TRUE;
        return true;
    case PL_FILL_PERCENT:
        return fill_percent(c, row, slot) || fill_converted(m, fill, slot);
    case PL_FILL_TIME:
        return fill_time(c, row, slot) || fill_converted(m, fill, slot);
    case PL_FILL_TEXTS:
        if (slot->kind != PL_SLOT_ARRAY || !slot->has_items) return false;
        fill_texts(m, c, row, slot);
        return true;
    case PL_FILL_CONVERTED:
        return fill_converted(m, fill, slot);
    case PL_FILL_RULE:
        break;
    }
    return false;
}

uint32_t pl_map__fill(pl_mapper *m, uint32_t from)
{
    const column_fill *fill = m->fills + from, *end = m->fills + m->plan->rule_count;
    const pl_slot *slots = m->scanner.slots;
    bool *taken = m->taken;
    uint32_t row = m->rows;
    for (; fill < end; fill++) {
        const pl_slot *slot = &slots[fill->slot];
        if (fill_value(m, fill, row, slot))
            taken[fill->slot] = true;
        else if (slot->kind <= PL_SLOT_NULL && fill->kind != PL_FILL_RULE && !fill->required)
            put_null(fill->column, row, fill->width);
        else
            break;
    }
    return (uint32_t)(fill - m->fills);
}

void pl_map__system(pl_mapper *m, uint64_t record)
{
    pl_column *c = system_of(m, SYSTEM_OBJECT);
    if (c) put_text(c, m->rows, m->object);
    if (c) m->text_bytes += m->object.bytes;
    c = system_of(m, SYSTEM_RECORD);
    if (c) put_long(c, m->rows, (int64_t)record);
    c = system_of(m, SYSTEM_REST);
    if (c && m->rest.count) {
        put_text(c, m->rows, pl_buf_view(&m->rest));
        m->text_bytes += m->rest.count;
    } else if (c) {
        put_null(c, m->rows, 0);
    }
    c = system_of(m, SYSTEM_FLAGS);
    if (c && m->flag_count)
        pl_map__put(
            m, (uint32_t)m->plan->system[SYSTEM_FLAGS],
            &(pl_cell){.value = {.kind = PL_LIST}, .elements = m->flags, .count = m->flag_count});
    else if (c)
        put_null(c, m->rows, 0);
}

pl_value pl_mapper_value(const pl_mapper *m, uint32_t field)
{
    return pl_column_value(&m->columns[field], m->rows);
}

uint32_t pl_mapper_keep(pl_mapper *m)
{
    m->kept_bytes = m->text_bytes;
    m->flaws[m->rows] = m->flawed;
    return ++m->rows;
}

size_t pl_mapper_text(const pl_mapper *m)
{
    return m->text_bytes;
}

// Of `count` bytes that are 0 or 1: eight to a word, and not so many words that a byte runs over.
static uint32_t count_ones(const uint8_t *bytes, uint32_t count)
{
    uint32_t ones = 0, i = 0;
    while (count - i >= 8) {
        uint64_t sums = 0, word;
        for (uint32_t left = PL_MIN((count - i) / 8, 31u); left; left--, i += 8) {
            memcpy(&word, bytes + i, 8);
            sums += word;
        }
        ones += (uint32_t)(sums * UINT64_C(0x0101010101010101) >> 56);
    }
    for (; i < count; i++) ones += bytes[i];
    return ones;
}

static void settle(pl_column *c, uint32_t rows)
{
    cut(c, rows);
    c->nulls = rows - count_ones(c->valid, rows);
    if (c->child) settle(c->child, c->capacity ? c->offsets[rows] : 0);
}

const pl_column *pl_mapper_batch(pl_mapper *m)
{
    for (uint32_t i = 0; i < m->plan->schema->count; i++) settle(&m->columns[i], m->rows);
    return m->columns;
}

void pl_map__tally(pl_mapper *m)
{
    const pl_contract_column *columns = m->plan->mapping->contract->columns;
    for (uint32_t r = 0; r < m->plan->rule_count; r++) {
        const bound_rule *rule = &m->plan->rules[r];
        const pl_column *column = &m->columns[rule->field];
        ptrdiff_t at = rule->column - columns;
        m->filled[at] += count_ones(column->valid + m->tallied, m->rows - m->tallied);
        if (rule->bounds.reason)
            m->outside[at] +=
                pl_map__count_outside(&rule->bounds, column, m->tallied, m->rows, m->flaws);
    }
    m->tallied_flawed += count_ones(m->flaws + m->tallied, m->rows - m->tallied);
    m->tallied_rows += m->rows - m->tallied;
    m->tallied = m->rows;
}

void pl_mapper_clear(pl_mapper *m)
{
    if (m->watch) pl_map__tally(m);
    m->tallied = 0;
    m->rows = 0;
    m->text_bytes = m->kept_bytes = 0;
}
