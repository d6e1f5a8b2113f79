// stride.h -- the first two bytes of eight structures that lie side by side, as one block.
//
// What most of a record says is a kind per slot; collected, they can be compared with those of
// another record at one look. Elsewhere than on x86-64 the scalar form, which is the specification.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SIMD_STRIDE_H
#define PL_SIMD_STRIDE_H

#include "base/base.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

static inline uint16_t pl_simd__pair(const char *at)
{
    uint16_t pair;
    memcpy(&pair, at, sizeof pair);
    return pair;
}

// The specification of pl_simd_collect8.
static inline void pl_scalar_collect8(uint16_t out[8], const char *at, size_t stride, uint16_t twin)
{
    for (size_t i = 0; i < 8; i++) {
        uint16_t pair = pl_simd__pair(at + i * stride);
        out[i] = pair == twin ? (uint16_t)(pair - 1) : pair;
    }
}

// The pairs at `at`, `stride` apart; one that is `twin` is given as one less.
static inline void pl_simd_collect8(uint16_t out[8], const char *at, size_t stride, uint16_t twin)
{
#ifdef __SSE2__
    __m128i pairs = _mm_cvtsi32_si128(pl_simd__pair(at));
    pairs = _mm_insert_epi16(pairs, pl_simd__pair(at + stride), 1);
    pairs = _mm_insert_epi16(pairs, pl_simd__pair(at + 2 * stride), 2);
    pairs = _mm_insert_epi16(pairs, pl_simd__pair(at + 3 * stride), 3);
    pairs = _mm_insert_epi16(pairs, pl_simd__pair(at + 4 * stride), 4);
    pairs = _mm_insert_epi16(pairs, pl_simd__pair(at + 5 * stride), 5);
    pairs = _mm_insert_epi16(pairs, pl_simd__pair(at + 6 * stride), 6);
    pairs = _mm_insert_epi16(pairs, pl_simd__pair(at + 7 * stride), 7);
    __m128i twins = _mm_cmpeq_epi16(pairs, _mm_set1_epi16((short)twin)); // -1 where it is
    _mm_storeu_si128((__m128i *)(void *)out, _mm_add_epi16(pairs, twins));
#else
    pl_scalar_collect8(out, at, stride, twin);
#endif
}

// Whether two rows of `blocks` such blocks are the same.
static inline bool pl_simd_same8(const uint16_t *a, const uint16_t *b, size_t blocks)
{
#ifdef __SSE2__
    __m128i same = _mm_set1_epi16(-1);
    for (; blocks; blocks--, a += 8, b += 8)
        same =
            _mm_and_si128(same, _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(const void *)a),
                                                _mm_loadu_si128((const __m128i *)(const void *)b)));
    return _mm_movemask_epi8(same) == 0xFFFF;
#else
    return memcmp(a, b, blocks * 8 * sizeof *a) == 0;
#endif
}

#endif
