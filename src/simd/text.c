// SPDX-License-Identifier: Apache-2.0
#include "simd/text.h"

const char pl_simd_letters[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

// 16 + the value of a hex digit; 0: none.
static const uint8_t hex[256] = {
    ['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21, ['6'] = 22, ['7'] = 23,
    ['8'] = 24, ['9'] = 25, ['a'] = 26, ['b'] = 27, ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
    ['A'] = 26, ['B'] = 27, ['C'] = 28, ['D'] = 29, ['E'] = 30, ['F'] = 31,
};

static inline int32_t hex4(const char *digits)
{
    const uint8_t *d = (const uint8_t *)digits;
    int32_t a = hex[d[0]], b = hex[d[1]], c = hex[d[2]], e = hex[d[3]];
    if (!(a & b & c & e)) return -1;
    return (a & 15) << 12 | (b & 15) << 8 | (c & 15) << 4 | (e & 15);
}

int32_t pl_simd_hex4(const char *digits)
{
    return hex4(digits);
}

// Bytes of the valid UTF-8 sequence that starts at p (p < end), or 0. The ranges are table 3-7 of
// the Unicode standard.
static size_t utf8_sequence(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p);
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    if (left < 2 || (p[1] & 0xC0) != 0x80) return 0;
    if (p[0] < 0xE0) return 2;
    if (left < 3 || (p[2] & 0xC0) != 0x80) return 0;
    if (p[0] < 0xF0) {
        if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
        if (p[0] == 0xED && p[1] > 0x9F) return 0; // surrogates
        return 3;
    }
    if (left < 4 || (p[3] & 0xC0) != 0x80) return 0;
    if (p[0] == 0xF0 && p[1] < 0x90) return 0;
    if (p[0] == 0xF4 && p[1] > 0x8F) return 0;
    return 4;
}

size_t pl_simd_utf8(pl_span text)
{
    if (!text.bytes) return SIZE_MAX;
    const uint8_t *p = (const uint8_t *)text.data, *end = p + text.bytes;
    while (p < end) {
        uint64_t eight; // ASCII in one step
        if (end - p >= 8 && (memcpy(&eight, p, 8), !(eight & UINT64_C(0x8080808080808080)))) {
            p += 8;
            continue;
        }
        size_t bytes = utf8_sequence(p, end);
        if (!bytes) return (size_t)(p - (const uint8_t *)text.data);
        p += bytes;
    }
    return SIZE_MAX;
}

// Bytes of the escape that begins with the backslash at `at`; 0: it begins none.
static inline size_t escape_bytes(pl_span text, size_t at)
{
    const char *p = text.data + at;
    size_t left = text.bytes - at;
    if (left < 2) return 0;
    if (pl_simd_letters[(uint8_t)p[1]]) return 2;
    if (p[1] != 'u' || left < 6) return 0;
    int32_t unit = hex4(p + 2);
    if (unit < 0xD800 || unit > 0xDFFF) return unit < 0 ? 0 : 6;
    if (unit > 0xDBFF || left < 12 || p[6] != '\\' || p[7] != 'u') return 0;
    int32_t low = hex4(p + 8);
    return low >= 0xDC00 && low <= 0xDFFF ? 12 : 0;
}

static inline char *utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | (code >> 6));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | (code >> 12));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | (code >> 18));
        *out++ = (char)(0x80 | ((code >> 12) & 0x3F));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

// Write what the escape at *from stands for; *from moves behind it.
static inline char *put_escape(char *out, const char **from)
{
    const char *p = *from;
    char letter = pl_simd_letters[(uint8_t)p[1]];
    if (letter) {
        *from = p + 2;
        *out = letter;
        return out + 1;
    }
    uint32_t code = (uint32_t)hex4(p + 2);
    *from = p + 6;
    if (code >= 0xD800 && code <= 0xDBFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)hex4(p + 8) - 0xDC00);
        *from = p + 12;
    }
    return utf8_put(out, code);
}

static size_t string_scalar(pl_span text, size_t at, pl_simd_string *ret_found)
{
    size_t start = at;
    bool high = false;
    *ret_found = (pl_simd_string){0};
    for (size_t bytes; at < text.bytes; at += bytes) {
        uint8_t c = (uint8_t)text.data[at];
        bytes = c == '\\' ? escape_bytes(text, at) : 1;
        if (c == '"' || c < 0x20 || !bytes) break;
        ret_found->escaped |= c == '\\';
        high |= c >= 0x80;
    }
    if (high)
        ret_found->broken = pl_simd_utf8((pl_span){text.data + start, at - start}) != SIZE_MAX;
    return at;
}

static char *unescape_scalar(char *out, pl_span inside)
{
    const char *from = inside.data, *end = from + inside.bytes;
    while (from < end) {
        if (*from == '\\')
            out = put_escape(out, &from);
        else
            *out++ = *from++;
    }
    return out;
}

const pl_simd pl_simd_scalar = {"scalar", string_scalar, unescape_scalar};

#ifdef __x86_64__
#include <immintrin.h>

// UTF-8 after Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2021):
// what can be wrong with two neighbours shows in three of their half bytes. Each table says which
// faults its half allows; a fault that all three allow is one.
enum {
    CUT = 1,        // a lead, and nothing that continues it
    STRAY = 2,      // ASCII, and something that continues it
    OVER_2 = 4,     // C0, C1: would fit in one byte
    OVER_3 = 8,     // E0 80-9F: would fit in two
    OVER_4 = 16,    // F0 80-8F: would fit in three; and F5-FF 80-8F
    SURROGATE = 32, // ED A0-BF
    BEYOND = 64,    // F4-FF 90-BF: beyond U+10FFFF
    LONG = 128,     // two that continue: right where the second is the third or fourth of four
    ANY = CUT | STRAY | LONG, // what the lower half of the first byte does not tell
    ANY_F = ANY | BEYOND | OVER_4
};
// clang-format off
static const uint8_t first_high[16] = {
    STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, LONG, LONG, LONG, LONG,
    CUT | OVER_2, CUT, CUT | OVER_3 | SURROGATE, CUT | OVER_4 | BEYOND};
static const uint8_t first_low[16] = {
    ANY | OVER_2 | OVER_3 | OVER_4, ANY | OVER_2, ANY, ANY, ANY | BEYOND, ANY_F, ANY_F, ANY_F,
    ANY_F, ANY_F, ANY_F, ANY_F, ANY_F, ANY_F | SURROGATE, ANY_F, ANY_F};
static const uint8_t second_high[16] = {
    CUT, CUT, CUT, CUT, CUT, CUT, CUT, CUT,
    STRAY | LONG | OVER_2 | OVER_3 | OVER_4, STRAY | LONG | OVER_2 | OVER_3 | BEYOND,
    STRAY | LONG | OVER_2 | SURROGATE | BEYOND, STRAY | LONG | OVER_2 | SURROGATE | BEYOND,
    CUT, CUT, CUT, CUT};
// clang-format on

#define K(x)                  x##_sse42
#define TARGET                __attribute__((target("sse4.2")))
#define VEC                   16
#define vec                   __m128i
#define LOAD(p)               _mm_loadu_si128((const void *)(p))
#define STORE(p, v)           _mm_storeu_si128((void *)(p), v)
#define SPLAT(c)              _mm_set1_epi8((char)(c))
#define TABLE(t)              LOAD(t)
#define EQ(a, b)              _mm_cmpeq_epi8(a, b)
#define OR(a, b)              _mm_or_si128(a, b)
#define AND(a, b)             _mm_and_si128(a, b)
#define XOR(a, b)             _mm_xor_si128(a, b)
#define MIN(a, b)             _mm_min_epu8(a, b)
#define LESS(a, b)            _mm_subs_epu8(a, b)
#define LOOKUP(t, i)          _mm_shuffle_epi8(t, i)
#define HIGH(v)               AND(_mm_srli_epi16(v, 4), SPLAT(0x0F))
#define BEFORE(v, earlier, n) _mm_alignr_epi8(v, earlier, 16 - (n))
#define MASK(v)               ((uint32_t)_mm_movemask_epi8(v))
#include "simd/text_tmpl.h"
const pl_simd pl_simd_sse42 = {"sse4.2", string_sse42, unescape_sse42};

#define K(x)         x##_avx2
#define TARGET       __attribute__((target("avx2")))
#define VEC          32
#define vec          __m256i
#define LOAD(p)      _mm256_loadu_si256((const void *)(p))
#define STORE(p, v)  _mm256_storeu_si256((void *)(p), v)
#define SPLAT(c)     _mm256_set1_epi8((char)(c))
#define TABLE(t)     _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(t)))
#define EQ(a, b)     _mm256_cmpeq_epi8(a, b)
#define OR(a, b)     _mm256_or_si256(a, b)
#define AND(a, b)    _mm256_and_si256(a, b)
#define XOR(a, b)    _mm256_xor_si256(a, b)
#define MIN(a, b)    _mm256_min_epu8(a, b)
#define LESS(a, b)   _mm256_subs_epu8(a, b)
#define LOOKUP(t, i) _mm256_shuffle_epi8(t, i)
#define HIGH(v)      AND(_mm256_srli_epi16(v, 4), SPLAT(0x0F))
#define BEFORE(v, earlier, n)                                                                      \
    _mm256_alignr_epi8(v, _mm256_permute2x128_si256(earlier, v, 0x21), 16 - (n))
#define MASK(v) ((uint32_t)_mm256_movemask_epi8(v))
#include "simd/text_tmpl.h"
const pl_simd pl_simd_avx2 = {"avx2", string_avx2, unescape_avx2};
#endif
