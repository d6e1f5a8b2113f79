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
#endif

// The specification of pl_simd_string_stop.
static inline size_t pl_scalar_string_stop(pl_span text, size_t at, bool *high)
{
    for (; at < text.bytes; at++) {
        uint8_t c = (uint8_t)text.data[at];
        if (c == '"' || c == '\\' || c < 0x20) break;
        *high |= c >= 0x80;
    }
    return at;
}

// Offset of the first quote, backslash or control byte from `at` on, or text.bytes. *high becomes
// true if a byte before it is not ASCII; it is never made false.
static inline size_t pl_simd_string_stop(pl_span text, size_t at, bool *high)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                  control = _mm_set1_epi8(0x1F);
    for (; text.bytes - at >= 16; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text.data + at));
        __m128i stops = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
            _mm_cmpeq_epi8(_mm_min_epu8(block, control), block));
        unsigned stop = (unsigned)_mm_movemask_epi8(stops);
        unsigned not_ascii = (unsigned)_mm_movemask_epi8(block);
        if (stop) {
            unsigned first = (unsigned)__builtin_ctz(stop);
            *high |= (not_ascii & ((1u << first) - 1)) != 0;
            return at + first;
        }
        *high |= not_ascii != 0;
    }
#endif
    return pl_scalar_string_stop(text, at, high);
}

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

// Whether `text` has `literal` at `at`.
static inline bool pl_simd_has(pl_span text, size_t at, pl_span literal)
{
    if (text.bytes - at < literal.bytes) return false;
    const char *a = text.data + at, *b = literal.data;
    size_t left = literal.bytes;
#ifdef __SSE2__
    if (left >= 16) {
        // The last block may overlap the one before.
        for (size_t i = 0;; i = PL_MIN(i + 16, left - 16)) {
            __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(a + i));
            __m128i y = _mm_loadu_si128((const __m128i *)(const void *)(b + i));
            if (_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) != 0xFFFF) return false;
            if (i == left - 16) return true;
        }
    }
#endif
    if (left >= 16) return memcmp(a, b, left) == 0;
    if (left >= 8) { // two words, which may overlap, too
        uint64_t x[2], y[2];
        memcpy(&x[0], a, 8);
        memcpy(&y[0], b, 8);
        memcpy(&x[1], a + left - 8, 8);
        memcpy(&y[1], b + left - 8, 8);
        return x[0] == y[0] && x[1] == y[1];
    }
    for (size_t i = 0; i < left; i++)
        if (a[i] != b[i]) return false;
    return true;
}

#endif
