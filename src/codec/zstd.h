// zstd.h -- streaming zstd, reading only: frames one after another, checksums verified by libzstd.
//
// Limits: a frame's window is at most 128 MiB.   Threads: one reader by one thread at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CODEC_ZSTD_H
#define PL_CODEC_ZSTD_H

#include "codec/gzip.h"

// Do the bytes (4 are enough) begin as zstd does?
static inline bool pl_zstd_magic(pl_span bytes)
{
    return pl_span_starts(bytes, PL_SPAN("\x28\xb5\x2f\xfd"));
}

typedef struct pl_zstd_reader pl_zstd_reader; // opaque

pl_zstd_reader *pl_zstd_reader_new(pl_read_fn read, void *context);
void pl_zstd_reader_free(pl_zstd_reader *reader); // NULL is a no-op
// Inflate up to `bytes`; *ret_got is 0 only at the end. PLUMB_E_MALFORMED: broken or truncated,
// with err->offset the byte of the input, after all that could be inflated was given. Other
// failures are those of `read`.
PL_MUST_USE plumb_status pl_zstd_read(pl_zstd_reader *reader, void *buffer, size_t bytes,
                                      size_t *ret_got, plumb_error *err);

#endif
