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
