// hybrid_int.h -- Parquet's RLE/bit-packing hybrid: levels and dictionary indices.
//
//     run of one value    varint(count << 1), the value in ceil(width / 8) bytes, little-endian
//     literals            varint(groups << 1 | 1), groups of 8 values in `width` bytes each,
//                         lowest bit first; the last group is filled up with zeros
//
// Format: parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_HYBRID_INT_H
#define PL_PARQUET_HYBRID_INT_H

#include "base/buf.h"

// Bits to hold 0..max; at least 1.
uint32_t pl_hybrid__width(uint32_t max);

void pl_hybrid__levels(pl_buf *out, const uint8_t *values, uint32_t count, uint32_t width);
void pl_hybrid__indices(pl_buf *out, const uint32_t *values, uint32_t count, uint32_t width);
// `count` times the same value.
void pl_hybrid__run(pl_buf *out, uint32_t value, uint32_t count, uint32_t width);

// Read exactly `count` values of at most `max` from in.data[*at..]; false: cut short, or out of
// bounds. Literals may fill up their last group, a run may not pass `count`.
bool pl_hybrid__get_levels(pl_span in, size_t *at, uint32_t width, uint32_t max, uint8_t *out,
                           uint32_t count);
bool pl_hybrid__get_indices(pl_span in, size_t *at, uint32_t width, uint32_t max, uint32_t *out,
                            uint32_t count);

#endif
