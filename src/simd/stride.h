// stride.h -- the first four bytes of four structures that lie side by side, as one block.
//
// What most of a record says is a kind per slot; comparing four at a time takes half of what one
// after the other takes. Elsewhere than on x86-64 the scalar form, which is the specification.
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

// The specification of pl_simd_differ4.
static inline bool pl_scalar_differ4(const char *at, size_t stride, const uint32_t *than,
                                     const uint32_t *mask)
{
    uint32_t different = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t word;
        memcpy(&word, at + (size_t)i * stride, sizeof word);
        different |= (word ^ than[i]) & mask[i];
    }
    return different;
}

// Whether any of the words at `at`, `stride` apart, differs from than[i] in a bit of mask[i]. Of
// each structure eight bytes can be read.
static inline bool pl_simd_differ4(const char *at, size_t stride, const uint32_t *than,
                                   const uint32_t *mask)
{
#ifdef __SSE2__
    __m128i a = _mm_loadl_epi64((const __m128i *)(const void *)at);
    __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)(at + stride));
    __m128i c = _mm_loadl_epi64((const __m128i *)(const void *)(at + 2 * stride));
    __m128i d = _mm_loadl_epi64((const __m128i *)(const void *)(at + 3 * stride));
    __m128i words = _mm_unpacklo_epi64(_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
    __m128i others = _mm_loadu_si128((const __m128i *)(const void *)than);
    __m128i masks = _mm_loadu_si128((const __m128i *)(const void *)mask);
    __m128i different = _mm_and_si128(_mm_xor_si128(words, others), masks);
    return _mm_movemask_epi8(_mm_cmpeq_epi32(different, _mm_setzero_si128())) != 0xFFFF;
#else
    return pl_scalar_differ4(at, stride, than, mask);
#endif
}

#endif
