// An Avro file of any schema: every record comes out as values that lie inside the file, or the
// file is refused.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/avro.h"

#include "fuzz.h"

enum { RECORDS_MAX = 10000 }; // of one input

static uint64_t visit(const pl_avro_value *value, int depth)
{
    uint64_t sum = value->type->kind;
    FUZZ_CHECK(depth <= 33 && value->type->kind != PL_AVRO_UNION);
    switch (value->type->kind) {
    case PL_AVRO_BYTES:
    case PL_AVRO_STRING:
    case PL_AVRO_FIXED:
        for (size_t i = 0; i < value->bytes.bytes; i++) sum += (uint8_t)value->bytes.data[i];
        break;
    case PL_AVRO_RECORD:
        FUZZ_CHECK(value->count == value->type->count);
        for (uint32_t i = 0; i < value->count; i++) {
            const pl_avro_field *field = &value->type->fields[i];
            (void)pl_avro_field_of(value, field->id, "name");
            sum += visit(&value->items[i], depth + 1);
        }
        break;
    case PL_AVRO_ARRAY:
    case PL_AVRO_MAP: // keys and values in turn
        for (uint32_t i = 0; i < value->count; i++) sum += visit(&value->items[i], depth + 1);
        break;
    default: {
        int64_t number;
        if (pl_avro_long(value, &number)) sum += (uint64_t)number;
    }
    }
    return sum;
}

void fuzz_one(pl_span input)
{
    pl_arena arena = {0};
    pl_avro_reader reader;
    plumb_error err = {0};
    plumb_status st = pl_avro_open(&reader, input, &arena, &err);
    const pl_avro_value *record;
    for (int i = 0; st == PLUMB_OK && i < RECORDS_MAX; i++) {
        st = pl_avro_next(&reader, &record, &err);
        if (st != PLUMB_OK || !record) break;
        visit(record, 0);
    }
    if (st != PLUMB_OK) FUZZ_CHECK(err.message[0]);
    pl_avro_close(&reader);
    pl_arena_done(&arena);
}

static const char rich[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
    "{\"name\":\"l\",\"type\":\"long\",\"field-id\":1},"
    "{\"name\":\"s\",\"type\":[\"null\",\"string\"],\"default\":null,\"field-id\":2},"
    "{\"name\":\"d\",\"type\":\"double\"},{\"name\":\"f\",\"type\":\"float\"},"
    "{\"name\":\"b\",\"type\":\"boolean\"},"
    "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"four\",\"size\":4}},"
    "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"e1\",\"symbols\":[\"A\",\"B\"]}},"
    "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"int\",\"element-id\":5}},"
    "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"bytes\"}},"
    "{\"name\":\"q\",\"type\":{\"type\":\"record\",\"name\":\"in\",\"fields\":["
    "{\"name\":\"y\",\"type\":[\"four\",\"int\"]}]}}]}";

static void put_record(pl_buf *out, int i)
{
    pl_avro_put_long(out, i - 1);
    pl_avro_put_long(out, i % 2);
    if (i % 2) pl_avro_put_bytes(out, PL_SPAN("text"));
    pl_avro_put_double(out, i / 3.0);
    pl_avro_put_float(out, (float)i);
    pl_avro_put_boolean(out, i % 2);
    pl_buf_text(out, "four");
    pl_avro_put_long(out, i % 2);
    pl_avro_put_long(out, i % 2 ? -2 : 2); // a negative count has the bytes behind it
    if (i % 2) pl_avro_put_long(out, 2);
    pl_avro_put_long(out, 7);
    pl_avro_put_long(out, -8);
    pl_avro_put_long(out, 0);
    pl_avro_put_long(out, 1);
    pl_avro_put_bytes(out, PL_SPAN("key"));
    pl_avro_put_bytes(out, PL_SPAN("\1\2\3"));
    pl_avro_put_long(out, 0);
    pl_avro_put_long(out, i % 2);
    if (i % 2)
        pl_avro_put_long(out, 99);
    else
        pl_buf_text(out, "4444");
}

// The same records without compression, where a changed byte is a changed value.
static void seed_plain(const char *schema, int records)
{
    static const char sync[] = "0123456789abcdef";
    pl_buf file = {0}, block = {0};
    pl_buf_append(&file, "Obj\1", 4);
    pl_avro_put_long(&file, 2);
    pl_avro_put_bytes(&file, PL_SPAN("avro.schema"));
    pl_avro_put_bytes(&file, pl_span_of(schema));
    pl_avro_put_bytes(&file, PL_SPAN("avro.codec"));
    pl_avro_put_bytes(&file, PL_SPAN("null"));
    pl_avro_put_long(&file, 0);
    pl_buf_append(&file, sync, 16);
    for (int i = 0; i < records; i++) put_record(&block, i);
    pl_avro_put_long(&file, records);
    pl_avro_put_bytes(&file, pl_buf_view(&block));
    pl_buf_append(&file, sync, 16);
    fuzz_seed(pl_buf_view(&file));
    pl_buf_done(&file);
    pl_buf_done(&block);
}

void fuzz_seeds(void)
{
    static const pl_avro_meta meta[] = {{"format-version", {"2", 1}}};
    pl_buf file = {0};
    pl_avro_writer writer;
    pl_avro_begin(&writer, &file, PL_SPAN(rich), meta, 1, (const uint8_t *)"fedcba9876543210");
    for (int i = 0; i < 3; i++) {
        put_record(&writer.block, i);
        pl_avro_record(&writer);
    }
    pl_avro_finish(&writer);
    fuzz_seed(pl_buf_view(&file));
    pl_buf_done(&file);
    seed_plain(rich, 4);
    seed_plain("\"int\"", 0);
    seed_plain("{\"type\":\"record\",\"name\":\"a.b\",\"namespace\":\"n\",\"fields\":[{\"name\":"
               "\"x\",\"type\":[\"null\",\"b\",{\"type\":\"array\",\"items\":\"a.b\"}]}]}",
               1);
    seed_plain("{\"type\":\"array\",\"items\":\"null\"}", 1);
}
