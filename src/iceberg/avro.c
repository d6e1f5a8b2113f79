// avro.c -- the container: encoders of single values and the block writer.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/avro.h"

#include "codec/deflate.h"

// Java cuts blocks at 64,000 bytes; smaller ones compress worse, larger ones cost the reader
// memory.
#define BLOCK_BYTES   64000
#define DEFLATE_LEVEL 6

void pl_avro_put_long(pl_buf *out, int64_t value)
{
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; rest >= 0x80; rest >>= 7) pl_buf_char(out, (char)(rest | 0x80));
    pl_buf_char(out, (char)rest);
}

void pl_avro_put_bytes(pl_buf *out, pl_span bytes)
{
    pl_avro_put_long(out, (int64_t)bytes.bytes);
    pl_buf_span(out, bytes);
}

void pl_avro_put_boolean(pl_buf *out, bool value)
{
    pl_buf_char(out, value ? 1 : 0);
}

static void put_little_endian(pl_buf *out, uint64_t bits, int bytes)
{
    for (int i = 0; i < bytes; i++) pl_buf_char(out, (char)(bits >> (8 * i)));
}

void pl_avro_put_float(pl_buf *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_little_endian(out, bits, 4);
}

void pl_avro_put_double(pl_buf *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_little_endian(out, bits, 8);
}

static void put_items(pl_buf *out, const pl_avro_type *type, const pl_avro_value *value)
{
    static const pl_avro_type text = {.kind = PL_AVRO_STRING};
    bool map = type->kind == PL_AVRO_MAP;
    if (value->count) pl_avro_put_long(out, map ? value->count / 2 : value->count);
    for (uint32_t i = 0; i < value->count; i++)
        pl_avro_put_value(out, map && i % 2 == 0 ? &text : type->items, &value->items[i]);
    pl_avro_put_long(out, 0);
}

static void put_branch(pl_buf *out, const pl_avro_type *type, const pl_avro_value *value)
{
    uint32_t branch = 0; // a value's type is that of the branch it was read as
    while (branch + 1 < type->count && type->branches[branch] != value->type) branch++;
    pl_avro_put_long(out, branch);
    pl_avro_put_value(out, type->branches[branch], value);
}

void pl_avro_put_value(pl_buf *out, const pl_avro_type *type, const pl_avro_value *value)
{
    switch (type->kind) {
    case PL_AVRO_NULL:
        break;
    case PL_AVRO_BOOLEAN:
        pl_avro_put_boolean(out, value->i64 != 0);
        break;
    case PL_AVRO_INT:
    case PL_AVRO_LONG:
    case PL_AVRO_ENUM:
        pl_avro_put_long(out, value->i64);
        break;
    case PL_AVRO_FLOAT:
        pl_avro_put_float(out, (float)value->f64);
        break;
    case PL_AVRO_DOUBLE:
        pl_avro_put_double(out, value->f64);
        break;
    case PL_AVRO_BYTES:
    case PL_AVRO_STRING:
        pl_avro_put_bytes(out, value->bytes);
        break;
    case PL_AVRO_FIXED:
        pl_buf_span(out, value->bytes);
        break;
    case PL_AVRO_ARRAY:
    case PL_AVRO_MAP:
        put_items(out, type, value);
        break;
    case PL_AVRO_RECORD:
        for (uint32_t i = 0; i < type->count; i++)
            pl_avro_put_value(out, type->fields[i].type, &value->items[i]);
        break;
    case PL_AVRO_UNION:
        put_branch(out, type, value);
        break;
    }
}

void pl_avro_begin(pl_avro_writer *writer, pl_buf *out, pl_span schema, const pl_avro_meta *meta,
                   uint32_t meta_count, const uint8_t sync[16])
{
    *writer = (pl_avro_writer){.out = out};
    memcpy(writer->sync, sync, 16);
    pl_buf_reset(out);
    pl_buf_append(out, "Obj\1", 4);
    pl_avro_put_long(out, (int64_t)meta_count + 2);
    for (uint32_t i = 0; i < meta_count; i++) {
        pl_avro_put_bytes(out, pl_span_of(meta[i].key));
        pl_avro_put_bytes(out, meta[i].value);
    }
    pl_avro_put_bytes(out, PL_SPAN("avro.codec"));
    pl_avro_put_bytes(out, PL_SPAN("deflate"));
    pl_avro_put_bytes(out, PL_SPAN("avro.schema"));
    pl_avro_put_bytes(out, schema);
    pl_avro_put_long(out, 0);
    pl_buf_append(out, sync, 16);
}

static void flush(pl_avro_writer *writer)
{
    if (writer->records == 0) return;
    pl_buf_reset(&writer->packed);
    pl_deflate_raw(&writer->packed, pl_buf_view(&writer->block), DEFLATE_LEVEL);
    pl_avro_put_long(writer->out, writer->records);
    pl_avro_put_bytes(writer->out, pl_buf_view(&writer->packed));
    pl_buf_append(writer->out, writer->sync, 16);
    pl_buf_reset(&writer->block);
    writer->records = 0;
}

void pl_avro_record(pl_avro_writer *writer)
{
    writer->records++;
    if (writer->block.count >= BLOCK_BYTES) flush(writer);
}

void pl_avro_finish(pl_avro_writer *writer)
{
    flush(writer);
    pl_buf_done(&writer->block);
    pl_buf_done(&writer->packed);
}
