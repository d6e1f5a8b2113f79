// string.h -- the inside of JSON strings and keys, sixteen bytes at a time.
//
// SSE2 is part of every x86-64, so there is nothing to detect; elsewhere the scalar form, which is
// the specification, does the work. Strings of real records are mostly shorter than 32 bytes:
// wider registers won nothing over these, and cost a call through a pointer.
//
// Neither function reads outside what it is given. Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SIMD_STRING_H
#define PL_SIMD_STRING_H

#include "base/base.h"

#ifdef __SSE2__
#include <immintrin.h>

static inline __m128i pl_simd__same(const char *a, const char *b)
{
    return _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
                          _mm_loadu_si128((const __m128i *)(const void *)b));
}
#endif

// The specification of pl_simd_string_plain.
static inline size_t pl_scalar_string_plain(pl_span text, size_t at)
{
    for (; at < text.bytes; at++) {
        uint8_t c = (uint8_t)text.data[at];
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80) break;
    }
    return at;
}

// Offset of the first byte from `at` on that is none of plain ASCII inside a string, or text.bytes.
static inline size_t pl_simd_string_plain(pl_span text, size_t at)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                  space = _mm_set1_epi8(' ');
    for (; text.bytes - at >= 16; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text.data + at));
        // Bytes from 0x80 on are negative: one comparison finds them and the control bytes.
        __m128i stops = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
            _mm_cmplt_epi8(block, space));
        unsigned stop = (unsigned)_mm_movemask_epi8(stops);
        if (stop) return at + (unsigned)__builtin_ctz(stop);
    }
#endif
    return pl_scalar_string_plain(text, at);
}

// Whether the `left` bytes at `text` begin with the first `bytes` of `literal`, which is 1 to 48
// bytes long in at least 48 that can be read. One block says it of most, two of nearly all: without
// a loop this takes a third of the instructions.
static inline bool pl_simd_begins(const char *text, size_t left, const char *literal, size_t bytes)
{
    if (left < bytes) return false;
#ifdef __SSE2__
    if (PL_LIKELY(left >= 16)) {
        __m128i same = pl_simd__same(text, literal);
        if (bytes <= 16)
            return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(same)) >= (unsigned)bytes;
        same = _mm_and_si128(same, pl_simd__same(text + bytes - 16, literal + bytes - 16));
        if (bytes > 32) same = _mm_and_si128(same, pl_simd__same(text + 16, literal + 16));
        return _mm_movemask_epi8(same) == 0xFFFF;
    }
#endif
    for (size_t i = 0; i < bytes; i++) // in the last 16 bytes of a text only
        if (text[i] != literal[i]) return false;
    return true;
}

#endif
