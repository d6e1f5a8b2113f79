// deflate.h -- raw deflate (RFC 1951) over whole buffers, as Avro's `deflate` codec wants it.
//
// No zlib or gzip frame around it. Output is bounded, so a small bomb cannot fill the memory.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CODEC_DEFLATE_H
#define PL_CODEC_DEFLATE_H

#include "base/buf.h"

// Append the compressed form of `bytes` to `out`. `level` 1..9.
void pl_deflate_raw(pl_buf *out, pl_span bytes, int level);

// Append what the stream at the start of `compressed` inflates to, at most `bytes_max` bytes. Bytes
// after its end are ignored: PyIceberg's Avro files keep three of a zlib checksum there.
// PLUMB_E_MALFORMED if the stream is damaged or ends early, PLUMB_E_LIMIT above the bound; `out`
// keeps its old content then.
PL_MUST_USE plumb_status pl_inflate_raw(pl_buf *out, pl_span compressed, size_t bytes_max,
                                        plumb_error *err);

#endif
