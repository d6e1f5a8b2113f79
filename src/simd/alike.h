// alike.h -- how far two places of memory hold the same bytes, 32 at a time.
//
// Compared as two blocks of 16 there is one branch, and it is guessed right: word by word the last
// one is not. Elsewhere than on x86-64 the scalar form, which is the specification.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SIMD_ALIKE_H
#define PL_SIMD_ALIKE_H

#include "base/base.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

// The specification of pl_simd_alike32.
static inline uint32_t pl_scalar_alike32(const char *a, const char *b)
{
    for (uint32_t i = 0; i < 32; i += 8) {
        uint64_t left, right;
        memcpy(&left, a + i, sizeof left);
        memcpy(&right, b + i, sizeof right);
        if (left != right) return i + (uint32_t)__builtin_ctzll(left ^ right) / 8;
    }
    return 32;
}

// Of the 32 bytes at `a`, how many are those at `b` before the first that is not.
static inline uint32_t pl_simd_alike32(const char *a, const char *b)
{
#ifdef __SSE2__
    __m128i first = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
                                   _mm_loadu_si128((const __m128i *)(const void *)b));
    __m128i second = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(a + 16)),
                                    _mm_loadu_si128((const __m128i *)(const void *)(b + 16)));
    uint32_t same = (uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(second) << 16;
    return PL_LIKELY(~same) ? (uint32_t)__builtin_ctz(~same) : 32;
#else
    return pl_scalar_alike32(a, b);
#endif
}

#endif
