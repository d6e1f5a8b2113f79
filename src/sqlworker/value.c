// SPDX-License-Identifier: Apache-2.0
#include "sqlworker/value.h"

#include <inttypes.h>

#include "base/decimal.h"
#include "base/number.h"
#include "sqlworker/time_text.h"
#include "json/writer.h"

static const struct {
    pl_duck_kind kind;
    pl_class text; // what its text is
    const char *name;
} KINDS[] = {
    {PL_DUCK_BOOLEAN, PL_CLASS_BOOLEAN, "BOOLEAN"},
    {PL_DUCK_TINYINT, PL_CLASS_NUMBER, "TINYINT"},
    {PL_DUCK_SMALLINT, PL_CLASS_NUMBER, "SMALLINT"},
    {PL_DUCK_INTEGER, PL_CLASS_NUMBER, "INTEGER"},
    {PL_DUCK_BIGINT, PL_CLASS_NUMBER, "BIGINT"},
    {PL_DUCK_UTINYINT, PL_CLASS_NUMBER, "UTINYINT"},
    {PL_DUCK_USMALLINT, PL_CLASS_NUMBER, "USMALLINT"},
    {PL_DUCK_UINTEGER, PL_CLASS_NUMBER, "UINTEGER"},
    {PL_DUCK_UBIGINT, PL_CLASS_NUMBER, "UBIGINT"},
    {PL_DUCK_FLOAT, PL_CLASS_DOUBLE, "FLOAT"},
    {PL_DUCK_DOUBLE, PL_CLASS_DOUBLE, "DOUBLE"},
    {PL_DUCK_TIMESTAMP, PL_CLASS_TIME, "TIMESTAMP"},
    {PL_DUCK_DATE, PL_CLASS_TIME, "DATE"},
    {PL_DUCK_TIME, PL_CLASS_TIME, "TIME"},
    {PL_DUCK_INTERVAL, PL_CLASS_TIME, "INTERVAL"},
    {PL_DUCK_HUGEINT, PL_CLASS_NUMBER, "HUGEINT"},
    {PL_DUCK_VARCHAR, PL_CLASS_TEXT, "VARCHAR"},
    {PL_DUCK_BLOB, PL_CLASS_TEXT, "BLOB"},
    {PL_DUCK_DECIMAL, PL_CLASS_NUMBER, "DECIMAL"},
    {PL_DUCK_TIMESTAMP_S, PL_CLASS_TIME, "TIMESTAMP_S"},
    {PL_DUCK_TIMESTAMP_MS, PL_CLASS_TIME, "TIMESTAMP_MS"},
    {PL_DUCK_TIMESTAMP_NS, PL_CLASS_TIME, "TIMESTAMP_NS"},
    {PL_DUCK_ENUM, PL_CLASS_TEXT, "ENUM"},
    {PL_DUCK_LIST, PL_CLASS_NESTED, ""},
    {PL_DUCK_STRUCT, PL_CLASS_NESTED, "STRUCT"},
    {PL_DUCK_MAP, PL_CLASS_NESTED, "MAP"},
    {PL_DUCK_UUID, PL_CLASS_TEXT, "UUID"},
    {PL_DUCK_BIT, PL_CLASS_TEXT, "BIT"},
    {PL_DUCK_TIME_TZ, PL_CLASS_TIME, "TIME WITH TIME ZONE"},
    {PL_DUCK_TIMESTAMP_TZ, PL_CLASS_TIME, "TIMESTAMP WITH TIME ZONE"},
    {PL_DUCK_UHUGEINT, PL_CLASS_NUMBER, "UHUGEINT"},
    {PL_DUCK_ARRAY, PL_CLASS_NESTED, ""},
    {PL_DUCK_NULL, PL_CLASS_TEXT, "NULL"},
};

static int kind_index(int kind)
{
    for (size_t i = 0; i < PL_COUNT(KINDS); i++)
        if ((int)KINDS[i].kind == kind) return (int)i;
    return -1;
}

// ---- making ------------------------------------------------------------------------------------

// Take over a type and a name the library made for us.
static plumb_status make_child(const pl_duckdb *duckdb, pl_duck_type type, const char *column,
                               pl_arena *arena, pl_reader *ret_reader, plumb_error *err)
{
    plumb_status st = pl_reader_make(duckdb, type, column, arena, ret_reader, err);
    duckdb->destroy_logical_type(&type);
    return st;
}

static pl_span take_text(const pl_duckdb *duckdb, char *text, pl_arena *arena)
{
    pl_span copy = pl_arena_copy(arena, pl_span_of(text ? text : ""));
    duckdb->free(text);
    return copy;
}

static plumb_status make_struct(const pl_duckdb *duckdb, pl_duck_type type, const char *column,
                                pl_arena *arena, pl_reader *reader, plumb_error *err)
{
    reader->child_count = (uint32_t)duckdb->struct_type_child_count(type);
    reader->children = PL_TAKE(arena, pl_reader, reader->child_count);
    reader->names = PL_TAKE(arena, pl_span, reader->child_count);
    for (uint32_t i = 0; i < reader->child_count; i++) {
        reader->names[i] = take_text(duckdb, duckdb->struct_type_child_name(type, i), arena);
        PL_TRY(make_child(duckdb, duckdb->struct_type_child_type(type, i), column, arena,
                          &reader->children[i], err));
    }
    return PLUMB_OK;
}

static plumb_status make_children(const pl_duckdb *duckdb, pl_duck_type type, const char *column,
                                  pl_arena *arena, pl_reader *reader, plumb_error *err)
{
    switch (reader->kind) {
    case PL_DUCK_LIST:
        reader->children = PL_TAKE(arena, pl_reader, 1);
        return make_child(duckdb, duckdb->list_type_child_type(type), column, arena,
                          reader->children, err);
    case PL_DUCK_ARRAY:
        reader->array_count = duckdb->array_type_array_size(type);
        reader->children = PL_TAKE(arena, pl_reader, 1);
        return make_child(duckdb, duckdb->array_type_child_type(type), column, arena,
                          reader->children, err);
    case PL_DUCK_MAP:
        reader->children = PL_TAKE(arena, pl_reader, 2);
        PL_TRY(make_child(duckdb, duckdb->map_type_key_type(type), column, arena,
                          &reader->children[0], err));
        return make_child(duckdb, duckdb->map_type_value_type(type), column, arena,
                          &reader->children[1], err);
    case PL_DUCK_STRUCT:
        return make_struct(duckdb, type, column, arena, reader, err);
    default:
        return PLUMB_OK;
    }
}

plumb_status pl_reader_make(const pl_duckdb *duckdb, pl_duck_type type, const char *column,
                            pl_arena *arena, pl_reader *ret_reader, plumb_error *err)
{
    int kind = duckdb->get_type_id(type);
    if (kind_index(kind) < 0) {
        pl_fail(err, PLUMB_E_CONFIG,
                "cannot return column '%s': its type (number %d) has no text form", column, kind);
        pl_hint(err, "Cast it in the query: CAST(%s AS VARCHAR).", column);
        return PLUMB_E_CONFIG;
    }
    pl_reader reader = {.kind = (pl_duck_kind)kind, .text = KINDS[kind_index(kind)].text};
    if (kind == PL_DUCK_DECIMAL) {
        reader.storage = duckdb->decimal_internal_type(type);
        reader.width = duckdb->decimal_width(type);
        reader.scale = duckdb->decimal_scale(type);
    }
    if (kind == PL_DUCK_ENUM) {
        reader.storage = duckdb->enum_internal_type(type);
        reader.word_count = duckdb->enum_dictionary_size(type);
        reader.words = PL_TAKE(arena, pl_span, reader.word_count);
        for (uint32_t i = 0; i < reader.word_count; i++)
            reader.words[i] = take_text(duckdb, duckdb->enum_dictionary_value(type, i), arena);
    }
    PL_TRY(make_children(duckdb, type, column, arena, &reader, err));
    *ret_reader = reader;
    return PLUMB_OK;
}

void pl_reader_type_text(const pl_reader *reader, pl_buf *out)
{
    switch (reader->kind) {
    case PL_DUCK_DECIMAL:
        pl_buf_printf(out, "DECIMAL(%u,%u)", reader->width, reader->scale);
        break;
    case PL_DUCK_LIST:
        pl_reader_type_text(reader->children, out);
        pl_buf_text(out, "[]");
        break;
    case PL_DUCK_ARRAY:
        pl_reader_type_text(reader->children, out);
        pl_buf_printf(out, "[%" PRIu64 "]", reader->array_count);
        break;
    case PL_DUCK_MAP:
        pl_buf_text(out, "MAP(");
        pl_reader_type_text(&reader->children[0], out);
        pl_buf_text(out, ", ");
        pl_reader_type_text(&reader->children[1], out);
        pl_buf_char(out, ')');
        break;
    case PL_DUCK_STRUCT:
        pl_buf_text(out, "STRUCT(");
        for (uint32_t i = 0; i < reader->child_count; i++) {
            if (i) pl_buf_text(out, ", ");
            pl_buf_span(out, reader->names[i]);
            pl_buf_char(out, ' ');
            pl_reader_type_text(&reader->children[i], out);
        }
        pl_buf_char(out, ')');
        break;
    default:
        pl_buf_text(out, KINDS[kind_index(reader->kind)].name);
    }
}

// ---- reading -----------------------------------------------------------------------------------

void pl_reader_bind(const pl_duckdb *duckdb, pl_reader *reader, pl_duck_vector vector)
{
    reader->data = duckdb->vector_get_data(vector);
    reader->validity = duckdb->vector_get_validity(vector);
    switch (reader->kind) {
    case PL_DUCK_LIST:
        pl_reader_bind(duckdb, reader->children, duckdb->list_vector_get_child(vector));
        break;
    case PL_DUCK_ARRAY:
        pl_reader_bind(duckdb, reader->children, duckdb->array_vector_get_child(vector));
        break;
    case PL_DUCK_MAP: { // a list of two-member structs
        pl_duck_vector pairs = duckdb->list_vector_get_child(vector);
        pl_reader_bind(duckdb, &reader->children[0], duckdb->struct_vector_get_child(pairs, 0));
        pl_reader_bind(duckdb, &reader->children[1], duckdb->struct_vector_get_child(pairs, 1));
        break;
    }
    case PL_DUCK_STRUCT:
        for (uint32_t i = 0; i < reader->child_count; i++)
            pl_reader_bind(duckdb, &reader->children[i],
                           duckdb->struct_vector_get_child(vector, i));
        break;
    default:
        break;
    }
}

bool pl_reader_is_null(const pl_reader *reader, uint64_t row)
{
    if (reader->kind == PL_DUCK_NULL) return true;
    return reader->validity && !(reader->validity[row / 64] >> (row % 64) & 1);
}

// The value at `row` as a type of ours; vectors are aligned for it.
#define AT(type) (((const type *)reader->data)[row])

static pl_i128 signed_at(const pl_reader *reader, int kind, uint64_t row)
{
    switch (kind) {
    case PL_DUCK_TINYINT:
        return AT(int8_t);
    case PL_DUCK_SMALLINT:
        return AT(int16_t);
    case PL_DUCK_INTEGER:
        return AT(int32_t);
    case PL_DUCK_BIGINT:
        return AT(int64_t);
    case PL_DUCK_UTINYINT:
        return AT(uint8_t);
    case PL_DUCK_USMALLINT:
        return AT(uint16_t);
    case PL_DUCK_UINTEGER:
        return AT(uint32_t);
    case PL_DUCK_UBIGINT:
        return AT(uint64_t);
    default: { // HUGEINT: low half first; only 8-byte aligned
        pl_i128 value;
        memcpy(&value, (const char *)reader->data + row * sizeof value, sizeof value);
        return value;
    }
    }
}

static void unsigned_text(pl_u128 value, pl_buf *out)
{
    char digits[40];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value);
    pl_buf_append(out, digits + at, sizeof digits - at);
}

static pl_span string_at(const pl_reader *reader, uint64_t row)
{
    const pl_duck_string *string = &((const pl_duck_string *)reader->data)[row];
    uint32_t bytes = string->inlined.bytes;
    if (bytes <= sizeof string->inlined.data) return pl_span_make(string->inlined.data, bytes);
    return pl_span_make(string->pointer.data, bytes);
}

static void blob_text(pl_span bytes, pl_buf *out)
{
    pl_buf_text(out, "\\x");
    for (size_t i = 0; i < bytes.bytes; i++)
        pl_buf_printf(out, "%02x", (unsigned char)bytes.data[i]);
}

// First byte: how many bits of the second are padding.
static void bit_text(pl_span bytes, pl_buf *out)
{
    if (bytes.bytes == 0) return;
    for (size_t i = 8 + (size_t)(unsigned char)bytes.data[0]; i < bytes.bytes * 8; i++)
        pl_buf_char(out, (char)('0' + ((unsigned char)bytes.data[i / 8] >> (7 - i % 8) & 1)));
}

// Stored as an integer whose order is the text's order, so the top bit is flipped.
static void uuid_text(pl_i128 stored, pl_buf *out)
{
    pl_u128 value = (pl_u128)stored ^ ((pl_u128)1 << 127);
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    pl_buf_printf(out, "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(high >> 32),
                  (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
                  low & UINT64_C(0xffffffffffff));
}

static void time_kind_text(const pl_reader *reader, uint64_t row, pl_buf *out)
{
    switch (reader->kind) {
    case PL_DUCK_DATE:
        pl_time_text_date(AT(int32_t), out);
        break;
    case PL_DUCK_TIME:
        pl_time_text_day(AT(int64_t), out);
        break;
    case PL_DUCK_TIME_TZ:
        pl_time_text_day_tz(AT(uint64_t), out);
        break;
    case PL_DUCK_TIMESTAMP_S:
        pl_time_text_instant(AT(int64_t), 0, false, out);
        break;
    case PL_DUCK_TIMESTAMP_MS:
        pl_time_text_instant(AT(int64_t), 3, false, out);
        break;
    case PL_DUCK_TIMESTAMP_NS:
        pl_time_text_instant(AT(int64_t), 9, false, out);
        break;
    case PL_DUCK_TIMESTAMP:
    case PL_DUCK_TIMESTAMP_TZ:
        pl_time_text_instant(AT(int64_t), 6, reader->kind == PL_DUCK_TIMESTAMP_TZ, out);
        break;
    default: {
        const pl_duck_interval *interval = &((const pl_duck_interval *)reader->data)[row];
        pl_time_text_interval(interval->months, interval->days, interval->micros, out);
    }
    }
}

static void nested_text(const pl_reader *reader, uint64_t row, pl_buf *out);

void pl_reader_text(const pl_reader *reader, uint64_t row, pl_buf *out)
{
    char text[32];
    switch (reader->text) {
    case PL_CLASS_BOOLEAN:
        pl_buf_text(out, AT(uint8_t) ? "true" : "false");
        break;
    case PL_CLASS_NUMBER:
        if (reader->kind == PL_DUCK_UHUGEINT)
            unsigned_text((pl_u128)signed_at(reader, reader->kind, row), out);
        else if (reader->kind == PL_DUCK_DECIMAL)
            pl_decimal_text(out, signed_at(reader, reader->storage, row), reader->scale);
        else
            pl_decimal_text(out, signed_at(reader, reader->kind, row), 0);
        break;
    case PL_CLASS_DOUBLE:
        pl_buf_append(out, text,
                      (size_t)(reader->kind == PL_DUCK_FLOAT
                                   ? pl_number_float_text(AT(float), text)
                                   : pl_number_double_text(AT(double), text)));
        break;
    case PL_CLASS_TIME:
        time_kind_text(reader, row, out);
        break;
    case PL_CLASS_NESTED:
        nested_text(reader, row, out);
        break;
    default:
        if (reader->kind == PL_DUCK_VARCHAR) {
            pl_buf_span(out, string_at(reader, row));
        } else if (reader->kind == PL_DUCK_BLOB) {
            blob_text(string_at(reader, row), out);
        } else if (reader->kind == PL_DUCK_BIT) {
            bit_text(string_at(reader, row), out);
        } else if (reader->kind == PL_DUCK_UUID) {
            uuid_text(signed_at(reader, PL_DUCK_HUGEINT, row), out);
        } else if (reader->kind == PL_DUCK_ENUM) {
            pl_i128 word = signed_at(reader, reader->storage, row);
            if (word >= 0 && word < (pl_i128)reader->word_count)
                pl_buf_span(out, reader->words[(size_t)word]);
        }
    }
}

// ---- nested values as JSON ---------------------------------------------------------------------

static void json_value(const pl_reader *reader, uint64_t row, pl_buf *out)
{
    if (pl_reader_is_null(reader, row)) {
        pl_buf_text(out, "null");
        return;
    }
    pl_class kind = reader->text;
    if (kind == PL_CLASS_BOOLEAN || kind == PL_CLASS_NUMBER || kind == PL_CLASS_NESTED) {
        pl_reader_text(reader, row, out);
        return;
    }
    if (reader->kind == PL_DUCK_VARCHAR) {
        pl_json_quote(out, string_at(reader, row));
        return;
    }
    pl_buf text = {0};
    pl_reader_text(reader, row, &text);
    bool number = kind == PL_CLASS_DOUBLE && !strpbrk(pl_buf_cstr(&text), "NI");
    if (number)
        pl_buf_span(out, pl_buf_view(&text));
    else
        pl_json_quote(out, pl_buf_view(&text));
    pl_buf_done(&text);
}

static void json_list(const pl_reader *element, uint64_t offset, uint64_t count, pl_buf *out)
{
    pl_buf_char(out, '[');
    for (uint64_t i = 0; i < count; i++) {
        if (i) pl_buf_char(out, ',');
        json_value(element, offset + i, out);
    }
    pl_buf_char(out, ']');
}

static void json_map(const pl_reader *reader, uint64_t offset, uint64_t count, pl_buf *out)
{
    pl_buf key = {0};
    pl_buf_char(out, '{');
    for (uint64_t i = 0; i < count; i++) {
        if (i) pl_buf_char(out, ',');
        pl_buf_reset(&key);
        pl_reader_text(&reader->children[0], offset + i, &key); // a map's key is never NULL
        pl_json_quote(out, pl_buf_view(&key));
        pl_buf_char(out, ':');
        json_value(&reader->children[1], offset + i, out);
    }
    pl_buf_char(out, '}');
    pl_buf_done(&key);
}

static void nested_text(const pl_reader *reader, uint64_t row, pl_buf *out)
{
    switch (reader->kind) {
    case PL_DUCK_LIST:
        json_list(reader->children, AT(pl_duck_list).offset, AT(pl_duck_list).count, out);
        break;
    case PL_DUCK_ARRAY:
        json_list(reader->children, row * reader->array_count, reader->array_count, out);
        break;
    case PL_DUCK_MAP:
        json_map(reader, AT(pl_duck_list).offset, AT(pl_duck_list).count, out);
        break;
    default:
        pl_buf_char(out, '{');
        for (uint32_t i = 0; i < reader->child_count; i++) {
            if (i) pl_buf_char(out, ',');
            pl_json_quote(out, reader->names[i]);
            pl_buf_char(out, ':');
            json_value(&reader->children[i], row, out);
        }
        pl_buf_char(out, '}');
    }
}
