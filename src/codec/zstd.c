// SPDX-License-Identifier: Apache-2.0
#include "codec/zstd.h"

#include <stdlib.h>
#include <zstd.h>

enum { WINDOW_LOG_MAX = 27 };

struct pl_zstd_reader {
    pl_read_fn read;
    void *context;
    ZSTD_DStream *stream;
    char *buffer; // PL_GZIP_CHUNK bytes of input
    ZSTD_inBuffer in;
    uint64_t before; // bytes of input before the buffer
    bool ended;      // the input
    bool inside;     // a frame
};

pl_zstd_reader *pl_zstd_reader_new(pl_read_fn read, void *context)
{
    pl_zstd_reader *reader = pl_zalloc(1, sizeof *reader);
    reader->read = read;
    reader->context = context;
    reader->stream = ZSTD_createDStream();
    reader->buffer = pl_alloc(PL_GZIP_CHUNK);
    reader->in.src = reader->buffer;
    if (!reader->stream) abort();
    ZSTD_DCtx_setParameter(reader->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return reader;
}

void pl_zstd_reader_free(pl_zstd_reader *reader)
{
    if (!reader) return;
    ZSTD_freeDStream(reader->stream);
    free(reader->buffer);
    free(reader);
}

static plumb_status broken(const pl_zstd_reader *reader, const char *reason, plumb_error *err)
{
    uint64_t at = reader->before + reader->in.pos;
    pl_fail(err, PLUMB_E_MALFORMED, "zstd input is broken at byte %llu: %s", (unsigned long long)at,
            reason);
    if (err) err->offset = (int64_t)at;
    return PLUMB_E_MALFORMED;
}

plumb_status pl_zstd_read(pl_zstd_reader *reader, void *buffer, size_t bytes, size_t *ret_got,
                          plumb_error *err)
{
    ZSTD_outBuffer out = {buffer, bytes, 0};
    while (out.pos == 0 && bytes) {
        if (reader->in.pos == reader->in.size && !reader->ended) {
            size_t got = 0;
            PL_TRY(reader->read(reader->context, reader->buffer, PL_GZIP_CHUNK, &got, err));
            reader->before += reader->in.size;
            reader->in = (ZSTD_inBuffer){reader->buffer, got, 0};
            reader->ended = got == 0;
        }
        if (reader->ended && !reader->inside) break;
        size_t hint = ZSTD_decompressStream(reader->stream, &out, &reader->in);
        if (ZSTD_isError(hint)) return broken(reader, ZSTD_getErrorName(hint), err);
        reader->inside = hint != 0;
        // At the end of the input only what is held back may still come.
        if (reader->ended && reader->inside && out.pos == 0)
            return broken(reader, "truncated", err);
    }
    *ret_got = out.pos;
    return PLUMB_OK;
}
