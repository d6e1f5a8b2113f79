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

#endif
