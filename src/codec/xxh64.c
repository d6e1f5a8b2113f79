// SPDX-License-Identifier: Apache-2.0
#include "codec/xxh64.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

static inline uint64_t rotated(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

// Less than 32 bytes, as nearly all that is hashed: without the library's tests of what it is given
// it takes a fifth less.
uint64_t pl_xxh64(pl_span bytes)
{
    size_t left = bytes.bytes;
    if (PL_UNLIKELY(left >= 32)) return XXH64(bytes.data, left, 0);
    const char *at = bytes.data;
    uint64_t hash = PRIME_5 + left, word;
    uint32_t half;
    for (; left >= 8; left -= 8, at += 8) {
        memcpy(&word, at, sizeof word);
        hash ^= rotated(word * PRIME_2, 31) * PRIME_1;
        hash = rotated(hash, 27) * PRIME_1 + PRIME_4;
    }
    if (left >= 4) {
        memcpy(&half, at, sizeof half);
        hash = rotated(hash ^ half * PRIME_1, 23) * PRIME_2 + PRIME_3;
        left -= 4, at += 4;
    }
    for (; left; left--) hash = rotated(hash ^ (uint8_t)*at++ * PRIME_5, 11) * PRIME_1;
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
