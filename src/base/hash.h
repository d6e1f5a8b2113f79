// hash.h -- hashes for tables in memory, for what a record is about, and for Iceberg buckets.
//
// pl_hash is stored, as the entities and the values of shapes: it is the same in every version of
// plumb. All its bits are as good as the others. Whoever chooses what is hashed can make it
// collide.
// pl_hash_join is for hash tables only: it may change and is never stored.
// pl_murmur3 is Murmur3 x86 32-bit, seed 0, as the Iceberg specification demands for bucket[N].
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_HASH_H
#define PL_BASE_HASH_H

#include "base/base.h"

uint64_t pl_hash(pl_span bytes);
// The hash of two things in this order, of their hashes.
uint64_t pl_hash_join(uint64_t first, uint64_t second);
uint32_t pl_murmur3(pl_span bytes);

#endif
