// bloom_int.h -- a split-block bloom filter: does a column chunk certainly not hold a value?
//
//     filter   blocks of 32 bytes, a power of two of them: eight 32-bit words, little-endian
//     value    its PLAIN bytes (text without its size), hashed by XXH64: the upper half picks the
//              block, the lower half one bit in each of its words
//     file     header (Thrift), then the filter
//
// A filter is begun large enough for as many distinct values as there are rows and, when it is
// full, folded: neighbouring blocks are united as long as the false positives that its own bits
// promise stay below PL_BLOOM_FALSE. So nobody has to guess how many values are distinct. One that
// folds to PL_BLOOM_BYTES_MIN has so few of them (below 900) that it is not worth its place.
//
// Format: parquet-format, BloomFilter.md, and BloomFilterHeader of parquet.thrift.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_BLOOM_INT_H
#define PL_PARQUET_BLOOM_INT_H

#include "parquet/leaf_int.h"

#define PL_BLOOM_FALSE 0.01

enum { PL_BLOOM_BYTES_MIN = 1024, PL_BLOOM_BYTES_MAX = 1024 * 1024, PL_BLOOM_BLOCK_BYTES = 32 };

// Kinds of which filters are made.
bool pl_bloom__fits(pl_kind kind);

// Make `filter` (its old content goes) one that holds rows[0..count) of `column`, or, with `rows`
// NULL, all of its rows that are not NULL. False: it would not pay.
bool pl_bloom__build(pl_buf *filter, const pl_leaf *leaf, const pl_column *column,
                     const uint32_t *rows, uint32_t count);
// Append it as it stands in the file.
void pl_bloom__write(pl_buf *out, pl_span filter);

// The filter at the start of `bytes`, borrowed: NULL, or why there is none.
const char *pl_bloom__read(pl_span bytes, pl_span *ret_filter);
// False: `value`, of the leaf's kind and not NULL, is certainly not in it.
bool pl_bloom__may_hold(pl_span filter, const pl_leaf *leaf, const pl_value *value);

#endif
