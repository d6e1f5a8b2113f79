// SPDX-License-Identifier: Apache-2.0
#include "pipe/frame.h"

#include <assert.h>

#include "pipe/wire_int.h"

size_t pl_frame_begin(pl_buf *out, pl_frame_type type)
{
    size_t begun = out->count;
    char header[PL_FRAME_HEADER_BYTES] = {0};
    header[4] = (char)type;
    pl_buf_append(out, header, sizeof header);
    return begun;
}

void pl_frame_end(pl_buf *out, size_t begun)
{
    size_t bytes = out->count - begun - PL_FRAME_HEADER_BYTES;
    assert(bytes <= PL_FRAME_BYTES_MAX);
    pl_wire_put_u32(out->data + begun, (uint32_t)bytes);
}

void pl_frame_append(pl_buf *out, pl_frame_type type, pl_span payload)
{
    size_t begun = pl_frame_begin(out, type);
    pl_buf_span(out, payload);
    pl_frame_end(out, begun);
}

pl_buf *pl_frame_room(pl_frame_reader *reader)
{
    // Taken bytes are dropped here and not in next, so that a frame stays where it was given.
    if (reader->at > 0) {
        size_t left = reader->bytes.count - reader->at;
        if (left) memmove(reader->bytes.data, reader->bytes.data + reader->at, left);
        reader->bytes.count = left;
        reader->at = 0;
    }
    return &reader->bytes;
}

void pl_frame_feed(pl_frame_reader *reader, pl_span bytes)
{
    pl_buf_span(pl_frame_room(reader), bytes);
}

plumb_status pl_frame_next(pl_frame_reader *reader, pl_frame *ret_frame, bool *ret_found,
                           plumb_error *err)
{
    size_t left = reader->bytes.count - reader->at;
    if (left < PL_FRAME_HEADER_BYTES) {
        *ret_found = false;
        return PLUMB_OK;
    }
    const char *header = reader->bytes.data + reader->at;
    uint32_t bytes = pl_wire_get_u32(header);
    unsigned type = (unsigned char)header[4];
    if (type < PL_FRAME_HELLO || type > PL_FRAME_ERROR || header[5] || header[6] || header[7])
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read frame: unknown type %u", type);
    if (bytes > PL_FRAME_BYTES_MAX)
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read frame: %u bytes, limit is %u",
                       (unsigned)bytes, PL_FRAME_BYTES_MAX);
    if (left < PL_FRAME_HEADER_BYTES + (size_t)bytes) {
        *ret_found = false;
        return PLUMB_OK;
    }
    *ret_frame = (pl_frame){.type = (pl_frame_type)type,
                            .payload = pl_span_make(header + PL_FRAME_HEADER_BYTES, bytes)};
    *ret_found = true;
    reader->at += PL_FRAME_HEADER_BYTES + bytes;
    return PLUMB_OK;
}

void pl_frame_reader_done(pl_frame_reader *reader)
{
    pl_buf_done(&reader->bytes);
    *reader = (pl_frame_reader){0};
}
