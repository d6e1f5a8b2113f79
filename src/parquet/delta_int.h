// delta_int.h -- integers as differences of neighbours, and texts as lengths and bytes.
//
//     DELTA_BINARY_PACKED      128, 4, count (varints), the first value (zigzag), then blocks of
//     128
//                              differences: the least of them (zigzag), four bit widths (a byte
//                              each), four times 32 differences less the least, bit-packed
//     DELTA_LENGTH_BYTE_ARRAY  lengths in that form, then all bytes
//
// Differences wrap in the type's width, 32 or 64 bits. The last 32 are filled up with zeros; widths
// of what is not there at all are 0 and nothing follows them.
//
// Format: parquet-format, Encodings.md, "Delta Encoding" and "Delta-length byte array".
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_DELTA_INT_H
#define PL_PARQUET_DELTA_INT_H

#include "base/buf.h"

enum { PL_DELTA_BLOCK = 128 };

// Append `count` values; `narrow`: of 32 bits.
void pl_delta__put(pl_buf *out, const int64_t *values, uint32_t count, bool narrow);
// The bytes that appends, or up to a block's more.
size_t pl_delta__bytes(const int64_t *values, uint32_t count, bool narrow);

// A reader of them, a block at a time.
typedef struct pl_delta_in {
    pl_span in;
    size_t at;
    uint32_t left; // values to come
    bool narrow, begun;
    uint64_t last;
} pl_delta_in;

// False: not `count` values in the form above.
bool pl_delta__over(pl_span in, uint32_t count, bool narrow, pl_delta_in *ret_delta);
// The next values, at most PL_DELTA_BLOCK and not 0 while `left`. False: they are damaged.
bool pl_delta__get(pl_delta_in *delta, int64_t values[PL_DELTA_BLOCK], uint32_t *ret_count);

#endif
