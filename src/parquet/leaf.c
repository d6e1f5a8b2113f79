// SPDX-License-Identifier: Apache-2.0
#include "parquet/leaf_int.h"

#include <assert.h>

#include "base/limits.h"
#include "parquet/delta_int.h"

// PLAIN is little-endian and so is every machine plumb runs on: values are copied as they are.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "PLAIN values are copied");

static void set_physical(pl_leaf *leaf)
{
    static const struct {
        uint8_t physical, width;
    } kinds[PL_KINDS] = {
        [PL_BOOLEAN] = {PL_PHYSICAL_BOOLEAN, 0}, [PL_INT] = {PL_PHYSICAL_INT32, 4},
        [PL_LONG] = {PL_PHYSICAL_INT64, 8},      [PL_FLOAT] = {PL_PHYSICAL_FLOAT, 4},
        [PL_DOUBLE] = {PL_PHYSICAL_DOUBLE, 8},   [PL_DATE] = {PL_PHYSICAL_INT32, 4},
        [PL_TIMESTAMP] = {PL_PHYSICAL_INT64, 8}, [PL_STRING] = {PL_PHYSICAL_BYTES, 0},
        [PL_JSON] = {PL_PHYSICAL_BYTES, 0},
    };
    if (leaf->type->kind != PL_DECIMAL) {
        leaf->physical = (pl_physical)kinds[leaf->type->kind].physical;
        leaf->width = kinds[leaf->type->kind].width;
        return;
    }
    int precision = leaf->type->precision;
    leaf->physical = precision <= 9    ? PL_PHYSICAL_INT32
                     : precision <= 18 ? PL_PHYSICAL_INT64
                                       : PL_PHYSICAL_FIXED;
    leaf->width = (uint8_t)(precision <= 9 ? 4 : precision <= 18 ? 8 : pl_decimal_width(precision));
}

pl_leaf pl_leaf__make(const pl_field *field)
{
    pl_leaf leaf = {.field = field, .type = &field->type, .field_id = field->id};
    leaf.def_max = field->required ? 0 : 1;
    while (leaf.type->kind == PL_LIST) {
        assert(leaf.rep_max < PL_LIST_DEPTH_MAX);
        leaf.field_id = leaf.type->element_id;
        leaf.type = leaf.type->element;
        leaf.rep_max++;
        leaf.def_max = (uint8_t)(leaf.def_max + 2); // the repeated group, the optional element
    }
    set_physical(&leaf);
    return leaf;
}

const pl_column *pl_leaf__column(const pl_leaf *leaf, const pl_column *column)
{
    for (uint32_t depth = leaf->rep_max; depth; depth--) column = column->child;
    return column;
}

static inline void put_decimal(char *to, const pl_leaf *leaf, pl_i128 unscaled)
{
    if (leaf->physical == PL_PHYSICAL_FIXED) { // big-endian
        for (int i = leaf->width; i-- > 0; unscaled >>= 8) to[i] = (char)unscaled;
    } else {
        memcpy(to, &unscaled, leaf->width);
    }
}

enum { AT_ONCE = 16 }; // bytes that a short text is copied by, whatever its length

// A text with its size; `to` has room for AT_ONCE bytes more. Returns where it ends.
static inline char *put_text(char *to, const pl_column *column, uint32_t row)
{
    pl_span text = pl_column_span(column, row);
    uint32_t bytes = (uint32_t)text.bytes;
    memcpy(to, &bytes, sizeof bytes);
    to += sizeof bytes;
    if (bytes <= AT_ONCE && column->heap.count - column->offsets[row] >= AT_ONCE)
        memcpy(to, text.data, AT_ONCE);
    else
        pl_copy(to, text.data, bytes);
    return to + bytes;
}

static void plain_texts(pl_buf *out, const pl_column *column, uint32_t first, uint32_t end)
{
    size_t sizes = (size_t)(end - first) * sizeof(uint32_t);
    size_t bytes = sizes + (column->offsets[end] - column->offsets[first]);
    char *from = pl_buf_reserve(out, bytes + AT_ONCE), *to = from;
    for (uint32_t row = first; row < end; row++)
        if (column->valid[row]) to = put_text(to, column, row);
    out->count += (size_t)(to - from);
}

static void plain_text_rows(pl_buf *out, const pl_column *column, const uint32_t *rows,
                            uint32_t count)
{
    size_t bytes = count * sizeof(uint32_t);
    for (uint32_t i = 0; i < count; i++) bytes += pl_column_span(column, rows[i]).bytes;
    char *to = pl_buf_reserve(out, bytes + AT_ONCE);
    for (uint32_t i = 0; i < count; i++) to = put_text(to, column, rows[i]);
    out->count += bytes;
}

static void plain_booleans(pl_buf *out, const pl_column *column, uint32_t first, uint32_t end)
{
    uint32_t held = 0, byte = 0;
    for (uint32_t row = first; row < end; row++) {
        if (!column->valid[row]) continue;
        byte |= (uint32_t)(column->u8[row] != 0) << held;
        if (++held == 8) {
            pl_buf_char(out, (char)byte);
            held = byte = 0;
        }
    }
    if (held) pl_buf_char(out, (char)byte);
}

static void plain_decimals(pl_buf *out, const pl_leaf *leaf, const pl_column *column,
                           uint32_t first, uint32_t end)
{
    char *to = pl_buf_reserve(out, (size_t)(end - first) * leaf->width), *from = to;
    for (uint32_t row = first; row < end; row++) {
        if (!column->valid[row]) continue;
        put_decimal(to, leaf, column->i128[row]);
        to += leaf->width;
    }
    out->count += (size_t)(to - from);
}

// Every value is copied, and what comes after a NULL goes over it: no branch to guess.
static inline size_t compact(char *to, const pl_column *column, uint32_t first, uint32_t end,
                             size_t width)
{
    size_t bytes = 0;
    const char *values = column->values;
    for (uint32_t row = first; row < end; row++) {
        memcpy(to + bytes, values + (size_t)row * width, width);
        bytes += column->valid[row] * width;
    }
    return bytes;
}

static void plain_numbers(pl_buf *out, const pl_leaf *leaf, const pl_column *column, uint32_t first,
                          uint32_t end)
{
    if (column->nulls == 0) {
        const char *values = column->values;
        pl_buf_append(out, values + (size_t)first * leaf->width,
                      (size_t)(end - first) * leaf->width);
        return;
    }
    char *to = pl_buf_reserve(out, (size_t)(end - first) * leaf->width);
    out->count +=
        leaf->width == 4 ? compact(to, column, first, end, 4) : compact(to, column, first, end, 8);
}

void pl_leaf__plain(pl_buf *out, const pl_leaf *leaf, const pl_column *column, uint32_t first,
                    uint32_t end)
{
    if (first == end) return;
    switch (leaf->type->kind) {
    case PL_BOOLEAN:
        plain_booleans(out, column, first, end);
        break;
    case PL_STRING:
    case PL_JSON:
        plain_texts(out, column, first, end);
        break;
    case PL_DECIMAL:
        plain_decimals(out, leaf, column, first, end);
        break;
    default:
        plain_numbers(out, leaf, column, first, end);
        break;
    }
}

void pl_leaf__plain_rows(pl_buf *out, const pl_leaf *leaf, const pl_column *column,
                         const uint32_t *rows, uint32_t count)
{
    if (pl_leaf__is_text(leaf)) {
        plain_text_rows(out, column, rows, count);
        return;
    }
    char *to = pl_buf_reserve(out, (size_t)count * leaf->width);
    out->count += (size_t)count * leaf->width;
    if (leaf->type->kind == PL_DECIMAL)
        for (uint32_t i = 0; i < count; i++, to += leaf->width)
            put_decimal(to, leaf, column->i128[rows[i]]);
    else if (leaf->width == 4)
        for (uint32_t i = 0; i < count; i++, to += 4) memcpy(to, &column->i32[rows[i]], 4);
    else
        for (uint32_t i = 0; i < count; i++, to += 8) memcpy(to, &column->i64[rows[i]], 8);
}

static inline int64_t integer_of(const pl_column *column, uint32_t row)
{
    switch (column->type.kind) {
    case PL_INT:
    case PL_DATE:
        return column->i32[row];
    case PL_DECIMAL:
        return (int64_t)column->i128[row];
    case PL_STRING:
    case PL_JSON:
        return column->offsets[row + 1] - column->offsets[row];
    default:
        return column->i64[row];
    }
}

uint32_t pl_leaf__integers(const pl_leaf *leaf, const pl_column *column, uint32_t first,
                           uint32_t end, int64_t *to)
{
    assert(pl_leaf__delta_encoding(leaf) != PL_PLAIN);
    uint32_t count = 0;
    for (uint32_t row = first; row < end; row++) {
        to[count] = integer_of(column, row);
        count += column->valid[row];
    }
    return count;
}

void pl_leaf__delta(pl_buf *out, const pl_leaf *leaf, const pl_column *column, uint32_t first,
                    uint32_t end, pl_buf *scratch)
{
    pl_buf_reset(scratch);
    int64_t *values =
        (int64_t *)(void *)pl_buf_reserve(scratch, (end - first + 1) * sizeof *values);
    uint32_t count = pl_leaf__integers(leaf, column, first, end, values);
    pl_delta__put(out, values, count, leaf->physical != PL_PHYSICAL_INT64);
    if (!pl_leaf__is_text(leaf)) return;
    // A NULL has no bytes, so that the texts stand one after the other.
    pl_buf_append(out, column->heap.data + column->offsets[first],
                  column->offsets[end] - column->offsets[first]);
}

void pl_leaf__statistic(pl_buf *out, const pl_leaf *leaf, const pl_value *value)
{
    if (leaf->type->kind == PL_DECIMAL) {
        put_decimal(pl_buf_reserve(out, leaf->width), leaf, value->i128);
        out->count += leaf->width;
    } else {
        pl_value_bytes(out, value); // Iceberg's and Parquet's forms differ for decimals only
    }
}

// Converted and logical type, and the field id between them.
static void annotate(pl_thrift *t, const pl_type *type, int32_t field_id)
{
    static const struct {
        int8_t converted, logical;
    } kinds[PL_KINDS] = {
        [PL_DECIMAL] = {PL_CONVERTED_DECIMAL, PL_LOGICAL_DECIMAL},
        [PL_DATE] = {PL_CONVERTED_DATE, PL_LOGICAL_DATE},
        [PL_TIMESTAMP] = {PL_CONVERTED_TIMESTAMP_MICROS, PL_LOGICAL_TIMESTAMP},
        [PL_STRING] = {PL_CONVERTED_UTF8, PL_LOGICAL_STRING},
        [PL_JSON] = {PL_CONVERTED_UTF8, PL_LOGICAL_STRING}, // Iceberg knows no JSON
    };
    bool annotated = kinds[type->kind].logical != 0;
    if (annotated) pl_thrift__i32(t, 6, kinds[type->kind].converted);
    if (type->kind == PL_DECIMAL) {
        pl_thrift__i32(t, 7, type->scale);
        pl_thrift__i32(t, 8, type->precision);
    }
    pl_thrift__i32(t, 9, field_id);
    if (!annotated) return;

    pl_thrift__struct(t, 10);
    pl_thrift__struct(t, kinds[type->kind].logical);
    if (type->kind == PL_DECIMAL) {
        pl_thrift__i32(t, 1, type->scale);
        pl_thrift__i32(t, 2, type->precision);
    } else if (type->kind == PL_TIMESTAMP) {
        pl_thrift__bool(t, 1, true); // isAdjustedToUTC
        pl_thrift__struct(t, 2);     // unit
        pl_thrift__struct(t, 2);     // micros
        pl_thrift__end(t);
        pl_thrift__end(t);
    }
    pl_thrift__end(t);
    pl_thrift__end(t);
}

static void schema_leaf(pl_thrift *t, const pl_leaf *leaf, pl_span name, int repetition)
{
    pl_thrift__struct_element(t);
    pl_thrift__i32(t, 1, (int32_t)leaf->physical);
    if (leaf->physical == PL_PHYSICAL_FIXED) pl_thrift__i32(t, 2, leaf->width);
    pl_thrift__i32(t, 3, repetition);
    pl_thrift__text(t, 4, name);
    annotate(t, leaf->type, leaf->field_id);
    pl_thrift__end(t);
}

// The list's group and the repeated group inside it.
static void schema_list(pl_thrift *t, pl_span name, int repetition, int32_t field_id)
{
    pl_thrift__struct_element(t);
    pl_thrift__i32(t, 3, repetition);
    pl_thrift__text(t, 4, name);
    pl_thrift__i32(t, 5, 1);
    pl_thrift__i32(t, 6, PL_CONVERTED_LIST);
    pl_thrift__i32(t, 9, field_id);
    pl_thrift__struct(t, 10);
    pl_thrift__struct(t, PL_LOGICAL_LIST);
    pl_thrift__end(t);
    pl_thrift__end(t);
    pl_thrift__end(t);

    pl_thrift__struct_element(t);
    pl_thrift__i32(t, 3, PL_REPEATED);
    pl_thrift__text(t, 4, PL_SPAN("list"));
    pl_thrift__i32(t, 5, 1);
    pl_thrift__end(t);
}

uint32_t pl_leaf__schema_count(const pl_leaf *leaf)
{
    return 1 + 2u * leaf->rep_max;
}

void pl_leaf__schema(pl_thrift *t, const pl_leaf *leaf)
{
    pl_span name = leaf->field->name;
    int repetition = leaf->field->required ? PL_REQUIRED : PL_OPTIONAL;
    int32_t field_id = leaf->field->id;
    for (const pl_type *type = &leaf->field->type; type->kind == PL_LIST; type = type->element) {
        schema_list(t, name, repetition, field_id);
        name = PL_SPAN("element");
        repetition = PL_OPTIONAL;
        field_id = type->element_id;
    }
    schema_leaf(t, leaf, name, repetition);
}

void pl_leaf__path(pl_thrift *t, int16_t id, const pl_leaf *leaf)
{
    pl_thrift__list(t, id, PL_THRIFT_TEXT, pl_leaf__schema_count(leaf));
    pl_thrift__text_element(t, leaf->field->name);
    for (uint32_t depth = 0; depth < leaf->rep_max; depth++) {
        pl_thrift__text_element(t, PL_SPAN("list"));
        pl_thrift__text_element(t, PL_SPAN("element"));
    }
}
