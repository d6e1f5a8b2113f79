// SPDX-License-Identifier: Apache-2.0
#include "iceberg/avro.h"

#include "unit.h"

static const uint8_t sync_bytes[16] = "0123456789abcdef";

#define CHECK_BYTES(literal, buf)                                                                  \
    do {                                                                                           \
        CHECK_INT(sizeof(literal) - 1, (buf).count);                                               \
        CHECK(memcmp((literal), (buf).data, (buf).count) == 0);                                    \
        pl_buf_reset(&(buf));                                                                      \
    } while (0)

TEST(longs_are_zigzag_varints)
{
    pl_buf out = {0};
    static const struct {
        int64_t value;
        const char *bytes;
    } cases[] = {
        {0, "\0"},
        {-1, "\1"},
        {1, "\2"},
        {-2, "\3"},
        {63, "\x7e"},
        {-64, "\x7f"},
        {64, "\x80\x01"},
        {8192, "\x80\x80\x01"},
        {INT64_MAX, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
        {INT64_MIN, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_buf_reset(&out);
        pl_avro_put_long(&out, cases[i].value);
        size_t bytes = i == 0 ? 1 : strlen(cases[i].bytes);
        CHECK_INT(bytes, out.count);
        CHECK(memcmp(out.data, cases[i].bytes, bytes) == 0);
    }
    pl_buf_done(&out);
}

TEST(the_other_values_are_as_avro_says)
{
    pl_buf out = {0};
    pl_avro_put_bytes(&out, PL_SPAN("foo"));
    CHECK_BYTES("\6foo", out);
    pl_avro_put_boolean(&out, true);
    pl_avro_put_boolean(&out, false);
    CHECK_BYTES("\1\0", out);
    pl_avro_put_float(&out, 1.5f);
    CHECK_BYTES("\0\0\xc0\x3f", out);
    pl_avro_put_double(&out, -2.0);
    CHECK_BYTES("\0\0\0\0\0\0\0\xc0", out);
    pl_buf_done(&out);
}

TEST(a_file_is_header_blocks_and_sync)
{
    pl_buf out = {0};
    pl_avro_writer writer;
    const pl_avro_meta meta[] = {{"content", PL_SPAN("data")}};
    pl_avro_begin(&writer, &out, PL_SPAN("\"long\""), meta, 1, sync_bytes);
    pl_avro_put_long(&writer.block, 5);
    pl_avro_record(&writer);
    pl_avro_finish(&writer);
    // Three header entries, one block of one record: deflate holds the byte 0x0a.
    CHECK_BYTES("Obj\1"
                "\6"
                "\16content\10data"
                "\24avro.codec\16deflate"
                "\26avro.schema\14\"long\""
                "\0"
                "0123456789abcdef"
                "\2\6\xe3\2\0"
                "0123456789abcdef",
                out);
    pl_buf_done(&out);
}

// A file by hand: codec null, `blocks` after the header.
static void file_of(pl_buf *out, const char *schema, const char *blocks, size_t bytes)
{
    pl_buf_append(out, "Obj\1", 4);
    pl_avro_put_long(out, -1); // one header entry, its block's size given
    pl_avro_put_long(out, (int64_t)(strlen(schema) + 13 + (strlen(schema) > 63)));
    pl_avro_put_bytes(out, PL_SPAN("avro.schema"));
    pl_avro_put_bytes(out, pl_span_of(schema));
    pl_avro_put_long(out, 0);
    pl_buf_append(out, sync_bytes, 16);
    pl_buf_append(out, blocks, bytes);
}

#define FILE_OF(out, schema, blocks) file_of(out, schema, blocks, sizeof(blocks) - 1)
#define SYNC                         "0123456789abcdef"

TEST(another_writers_file_is_read_by_its_own_schema)
{
    // Fields in any order, null last in the union, a negative array block, a map, a name used
    // twice, and a field nobody knows.
    pl_buf file = {0};
    FILE_OF(&file,
            "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
            "{\"name\":\"later\",\"type\":[\"long\",\"null\"],\"field-id\":7},"
            "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"int\"},\"field-id\":8},"
            "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"boolean\"}},"
            "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"two\",\"size\":2}},"
            "{\"name\":\"g\",\"type\":[\"null\",\"two\"]}]}",
            "\2\46"          // one record of 19 bytes
            "\0\24"          // later: branch 0, 10
            "\3\4\2\4\2\6\0" // a: -2 items in 2 bytes: 1 2; 1 item: 3; end
            "\2\2k\1\0"      // m: {"k": true}
            "xy"             // f
            "\2zw" SYNC);    // g: branch 1
    plumb_error err = {0};
    pl_arena arena = {0};
    pl_avro_reader reader;
    const pl_avro_value *record;
    int64_t number;
    pl_span bytes;
    CHECK_OK(pl_avro_open(&reader, pl_buf_view(&file), &arena, &err), err);
    CHECK_OK(pl_avro_next(&reader, &record, &err), err);
    CHECK(pl_avro_long(pl_avro_field_of(record, 7, "x"), &number));
    CHECK_INT(10, number);
    const pl_avro_value *array = pl_avro_field_of(record, 8, NULL);
    CHECK_INT(3, array->count);
    CHECK_INT(3, array->items[2].i64);
    const pl_avro_value *map = pl_avro_field_of(record, 99, "m");
    CHECK_INT(2, map->count);
    CHECK_SPAN("k", map->items[0].bytes);
    CHECK_INT(1, map->items[1].i64);
    CHECK(pl_avro_bytes(pl_avro_field_of(record, 0, "g"), &bytes));
    CHECK_SPAN("zw", bytes);
    CHECK(!pl_avro_field_of(record, 0, "later")); // it has an id, so it has no name
    pl_buf again = {0};
    pl_avro_put_value(&again, reader.schema, record);
    CHECK_BYTES("\0\24"
                "\6\2\4\6\0" // the array in one block now
                "\2\2k\1\0"
                "xy"
                "\2zw",
                again);
    pl_buf_done(&again);
    CHECK_OK(pl_avro_next(&reader, &record, &err), err);
    CHECK(record == NULL);
    pl_avro_close(&reader);
    pl_arena_done(&arena);
    pl_buf_done(&file);
}

static plumb_status read_all(pl_span file, plumb_error *err)
{
    pl_arena arena = {0};
    pl_avro_reader reader;
    const pl_avro_value *record = NULL;
    plumb_status st = pl_avro_open(&reader, file, &arena, err);
    while (st == PLUMB_OK) {
        st = pl_avro_next(&reader, &record, err);
        if (st == PLUMB_OK && !record) break;
    }
    pl_avro_close(&reader);
    pl_arena_done(&arena);
    return st;
}

static void check_refused(const char *reason, const char *schema, const char *blocks, size_t bytes)
{
    pl_buf file = {0};
    plumb_error err = {0};
    file_of(&file, schema, blocks, bytes);
    CHECK(read_all(pl_buf_view(&file), &err) != PLUMB_OK);
    CHECK_STR(reason, err.message);
    pl_buf_done(&file);
}
#define REFUSED(reason, schema, blocks) check_refused(reason, schema, blocks, sizeof(blocks) - 1)

TEST(damage_is_named)
{
    const char *damaged = "its Avro data ends early or is damaged";
    plumb_error err = {0};
    CHECK_INT(PLUMB_E_MALFORMED, read_all(PL_SPAN(""), &err));
    CHECK_STR("is not an Avro file", err.message);
    CHECK_INT(PLUMB_E_MALFORMED, read_all(PL_SPAN("PAR1 no manifest"), &err));
    CHECK_STR("is not an Avro file", err.message);
    REFUSED("its Avro schema is not JSON at byte 0: the text ends where a value is expected", "",
            "");
    REFUSED("its Avro schema has the unknown type 'lang'", "\"lang\"", "");
    REFUSED("its Avro schema lacks a type", "{\"type\":\"array\"}", "");
    REFUSED("its Avro schema has a record without fields", "{\"type\":\"record\"}", "");
    REFUSED("its Avro schema has a union in a union", "[\"null\",[\"int\"]]", "");
    REFUSED("its Avro schema has a fixed without a size", "{\"type\":\"fixed\",\"name\":\"f\"}",
            "");
    REFUSED(damaged, "\"long\"",
            "\2\2\2"
            "0123456789abcdeX");                           // another file's sync
    REFUSED(damaged, "\"long\"", "\4\2\2" SYNC);           // two records promised
    REFUSED(damaged, "\"long\"", "\2\4\2\2" SYNC);         // bytes left over
    REFUSED(damaged, "\"string\"", "\2\2\4" SYNC);         // a text longer than the block
    REFUSED(damaged, "[\"null\",\"int\"]", "\2\2\4" SYNC); // no such branch
    REFUSED(damaged, "\"null\"", "\2\2x" SYNC);            // records of no bytes never end
    REFUSED(damaged, "\"long\"", "\1\2\2" SYNC);           // a negative number of records
}

TEST(small_files_cannot_ask_for_much_memory)
{
    // 2^40 items announced in a few bytes; a name that doubles itself twenty times.
    pl_buf schema = {0};
    REFUSED("its Avro data ends early or is damaged", "{\"type\":\"array\",\"items\":\"null\"}",
            "\2\x0c\x80\x80\x80\x80\x80\x40" SYNC);
    pl_buf_text(&schema,
                "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"f0\",\"type\":"
                "{\"type\":\"record\",\"name\":\"n0\",\"fields\":[]}}");
    for (int i = 1; i <= 25; i++)
        pl_buf_printf(
            &schema,
            ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":\"n%d\",\"fields\":["
            "{\"name\":\"a\",\"type\":\"n%d\"},{\"name\":\"b\",\"type\":\"n%d\"}]}}",
            i, i, i - 1, i - 1);
    pl_buf_text(&schema, "]}");
    REFUSED("one Avro record has more than 1048576 values", pl_buf_cstr(&schema), "\2\2x" SYNC);
    pl_buf_reset(&schema);
    for (int i = 0; i < 40; i++) pl_buf_text(&schema, "{\"type\":\"array\",\"items\":");
    pl_buf_text(&schema, "\"int\"");
    for (int i = 0; i < 40; i++) pl_buf_text(&schema, "}");
    REFUSED("its Avro schema is nested deeper than 32", pl_buf_cstr(&schema), "");
    pl_buf_done(&schema);
}

TEST(unknown_codecs_are_refused)
{
    plumb_error err = {0};
    CHECK_INT(PLUMB_E_MALFORMED, read_all(PL_SPAN("Obj\1\2\24avro.codec\14snappy\0" SYNC), &err));
    CHECK_STR("its Avro codec 'snappy' is not supported", err.message);
    CHECK_INT(PLUMB_E_MALFORMED, read_all(PL_SPAN("Obj\1\2\24avro.codec\10null\0" SYNC), &err));
    CHECK_STR("its Avro header has no schema", err.message);
}

int main(void)
{
    return RUN_TESTS("iceberg/avro", T(longs_are_zigzag_varints),
                     T(the_other_values_are_as_avro_says), T(a_file_is_header_blocks_and_sync),
                     T(another_writers_file_is_read_by_its_own_schema), T(damage_is_named),
                     T(small_files_cannot_ask_for_much_memory), T(unknown_codecs_are_refused));
}
