// deflate.c -- zlib with negative window bits: a bare deflate stream.
//
// SPDX-License-Identifier: Apache-2.0
#include "codec/deflate.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

#define WINDOW_RAW (-15)
#define STEP_BYTES ((size_t)64 * 1024) // least room offered to zlib at a time

static Bytef *input_of(pl_span bytes)
{
    return (Bytef *)(uintptr_t)bytes.data; // zlib reads it only; its type lacks const
}

void pl_deflate_raw(pl_buf *out, pl_span bytes, int level)
{
    assert(bytes.bytes <= UINT_MAX / 2);
    z_stream stream = {0};
    int rc = deflateInit2(&stream, level, Z_DEFLATED, WINDOW_RAW, 8, Z_DEFAULT_STRATEGY);
    if (rc != Z_OK) pl_oom(0); // the arguments are right, so only memory is left
    size_t bound = deflateBound(&stream, (uLong)bytes.bytes);
    stream.next_in = input_of(bytes);
    stream.avail_in = (uInt)bytes.bytes;
    stream.next_out = (Bytef *)pl_buf_reserve(out, bound);
    stream.avail_out = (uInt)bound;
    rc = deflate(&stream, Z_FINISH);
    assert(rc == Z_STREAM_END);
    out->count += stream.total_out;
    deflateEnd(&stream);
}

plumb_status pl_inflate_raw(pl_buf *out, pl_span compressed, size_t bytes_max, plumb_error *err)
{
    size_t before = out->count;
    z_stream stream = {0};
    if (inflateInit2(&stream, WINDOW_RAW) != Z_OK) pl_oom(0);
    stream.next_in = input_of(compressed);
    stream.avail_in = (uInt)PL_MIN(compressed.bytes, (size_t)UINT_MAX);
    int rc = Z_OK;
    while (rc == Z_OK) {
        size_t made = out->count - before;
        size_t room = PL_MIN(bytes_max - made + 1, PL_MAX(made, STEP_BYTES)); // + 1: see the excess
        stream.next_out = (Bytef *)pl_buf_reserve(out, room);
        stream.avail_out = (uInt)PL_MIN(room, (size_t)UINT_MAX);
        uInt offered = stream.avail_out;
        rc = inflate(&stream, Z_NO_FLUSH);
        out->count += offered - stream.avail_out;
        if (out->count - before > bytes_max) break;
    }
    inflateEnd(&stream);
    if (out->count - before > bytes_max) {
        out->count = before;
        return pl_fail(err, PLUMB_E_LIMIT, "inflates to more than %zu bytes", bytes_max);
    }
    if (rc != Z_STREAM_END) {
        out->count = before;
        return pl_fail(err, PLUMB_E_MALFORMED, "is not a whole deflate stream");
    }
    return PLUMB_OK;
}
