// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <isa-l.h>
#include <stdlib.h>

#include "codec/gzip.h"

#define OUT_BYTES    (128u * 1024)
#define STORED_BYTES 65535u // the largest stored block

struct pl_gzip_writer {
    pl_write_fn write;
    void *context;
    int level;
    bool finished;
    // level 0: stored blocks are made here, ISA-L has none on demand
    uint32_t crc, length; // modulo 2^32
    bool begun;
    // other levels
    struct isal_zstream stream;
    uint8_t *work; // ISA-L's buffer for the level
    uint8_t out[OUT_BYTES];
};

// Header of a member without name and time: the same content always gives the same bytes.
static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};

pl_gzip_writer *pl_gzip_writer_new(int level, pl_write_fn write, void *context)
{
    static const uint32_t work_bytes[] = {0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT,
                                          ISAL_DEF_LVL3_DEFAULT};
    assert(level >= 0 && level <= PL_GZIP_LEVEL_MAX);
    pl_gzip_writer *writer = pl_zalloc(1, sizeof *writer);
    writer->write = write;
    writer->context = context;
    writer->level = level;
    if (level > 0) {
        writer->work = pl_alloc(work_bytes[level]);
        isal_deflate_init(&writer->stream);
        writer->stream.gzip_flag = IGZIP_GZIP;
        writer->stream.level = (uint32_t)level;
        writer->stream.level_buf = writer->work;
        writer->stream.level_buf_size = work_bytes[level];
    }
    return writer;
}

void pl_gzip_writer_free(pl_gzip_writer *writer)
{
    if (!writer) return;
    free(writer->work);
    free(writer);
}

static plumb_status emit(pl_gzip_writer *writer, const void *data, size_t bytes, plumb_error *err)
{
    return writer->write(writer->context, pl_span_make(data, bytes), err);
}

static void put16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *to, uint32_t value)
{
    put16(to, value & 0xffff);
    put16(to + 2, value >> 16);
}

static plumb_status stored_begin(pl_gzip_writer *writer, plumb_error *err)
{
    if (writer->begun) return PLUMB_OK;
    writer->begun = true;
    return emit(writer, header, sizeof header, err);
}

static plumb_status stored_write(pl_gzip_writer *writer, pl_span bytes, plumb_error *err)
{
    PL_TRY(stored_begin(writer, err));
    writer->crc = pl_crc32(writer->crc, bytes);
    writer->length += (uint32_t)bytes.bytes;
    while (bytes.bytes) {
        uint32_t block = (uint32_t)PL_MIN(bytes.bytes, STORED_BYTES);
        uint8_t prefix[5] = {0};
        put16(prefix + 1, block);
        put16(prefix + 3, ~block & 0xffff);
        PL_TRY(emit(writer, prefix, sizeof prefix, err));
        PL_TRY(emit(writer, bytes.data, block, err));
        bytes.data += block;
        bytes.bytes -= block;
    }
    return PLUMB_OK;
}

static plumb_status stored_finish(pl_gzip_writer *writer, plumb_error *err)
{
    PL_TRY(stored_begin(writer, err));
    uint8_t tail[10] = {3, 0}; // an empty last block
    put32(tail + 2, writer->crc);
    put32(tail + 6, writer->length);
    return emit(writer, tail, sizeof tail, err);
}

static plumb_status deflate_run(pl_gzip_writer *writer, plumb_error *err)
{
    struct isal_zstream *stream = &writer->stream;
    do {
        stream->next_out = writer->out;
        stream->avail_out = OUT_BYTES;
        int result = isal_deflate(stream);
        assert(result == COMP_OK); // the others are misuse
        size_t made = OUT_BYTES - stream->avail_out;
        if (made) PL_TRY(emit(writer, writer->out, made, err));
    } while (stream->avail_out == 0);
    return PLUMB_OK;
}

plumb_status pl_gzip_write(pl_gzip_writer *writer, pl_span bytes, plumb_error *err)
{
    assert(!writer->finished);
    if (writer->level == 0) return stored_write(writer, bytes, err);
    while (bytes.bytes) {
        uint32_t part = (uint32_t)PL_MIN(bytes.bytes, (size_t)1 << 30);
        writer->stream.next_in = (uint8_t *)(uintptr_t)bytes.data; // read only
        writer->stream.avail_in = part;
        PL_TRY(deflate_run(writer, err));
        assert(writer->stream.avail_in == 0);
        bytes.data += part;
        bytes.bytes -= part;
    }
    return PLUMB_OK;
}

plumb_status pl_gzip_finish(pl_gzip_writer *writer, plumb_error *err)
{
    assert(!writer->finished);
    writer->finished = true;
    if (writer->level == 0) return stored_finish(writer, err);
    writer->stream.end_of_stream = 1;
    writer->stream.avail_in = 0;
    PL_TRY(deflate_run(writer, err));
    assert(writer->stream.internal_state.state == ZSTATE_END);
    return PLUMB_OK;
}

// 10 header bytes with FEXTRA, the extra field, an empty deflate block, CRC-32 and length zero.
static void append_member(pl_buf *out, char part, pl_span payload)
{
    assert(payload.bytes <= PL_GZIP_EXTRA_MAX);
    uint8_t fixed[17] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255};
    put16(fixed + 10, (uint32_t)payload.bytes + 5);
    fixed[12] = 'P';
    fixed[13] = 'L';
    put16(fixed + 14, (uint32_t)payload.bytes + 1);
    fixed[16] = (uint8_t)part;
    static const uint8_t tail[10] = {3, 0};
    pl_buf_append(out, fixed, sizeof fixed);
    pl_buf_span(out, payload);
    pl_buf_append(out, tail, sizeof tail);
}

void pl_gzip_append_head(pl_buf *out, pl_span payload)
{
    append_member(out, 'H', payload);
}

void pl_gzip_append_trailer(pl_buf *out, pl_span payload)
{
    char part = 'T';
    do {
        pl_span piece = {payload.data, PL_MIN(payload.bytes, PL_GZIP_EXTRA_MAX)};
        append_member(out, part, piece);
        part = 't';
        payload.data += piece.bytes;
        payload.bytes -= piece.bytes;
    } while (payload.bytes);
}
