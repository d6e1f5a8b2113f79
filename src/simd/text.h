// text.h -- what is done to long texts, at the widest level this processor has.
//
// Levels: scalar, which is the specification, SSE4.2 and AVX2. text.c holds the scalar form, and
// text_tmpl.h the wide one, written once and compiled for each. Nothing is initialised and nothing
// can be changed: pl_simd_best asks what libgcc learned of the processor before main, three
// instructions, and answers with a table of constants. Short ASCII strings need none of this:
// string.h looks at them in place.
//
// What it brings: a run over natural text takes 10 % fewer instructions with SSE4.2 than with the
// scalar forms, 11 % with AVX2, and 5 % less user time. On its captions (91 bytes, not all ASCII)
// `string` takes 214, 51 and 44 ns, `unescape` (187 bytes) 112, 62 and 63: AVX2 is worth little.
//
//     stop = pl_simd_best()->string(text, at, &found);
//     end = pl_simd_best()->unescape(out, inside);
//
// All levels give the same answers to every input and read nothing outside what they are given;
// the unit test compares them, and test/unit/simd/mutants.py shows that it notices a kernel gone
// wrong. To see the whole program at a lower level, compile it with -DPL_SIMD_FORCED=pl_simd_scalar
// (or pl_simd_sse42).
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SIMD_TEXT_H
#define PL_SIMD_TEXT_H

#include "base/base.h"

// What was met on the way; the kernel writes both.
// What was met on the way; the kernel writes both.
typedef struct pl_simd_string {
    bool escaped; // an escape
    bool broken;  // bytes that are not UTF-8
} pl_simd_string;

typedef struct pl_simd {
    const char *name;

    // The inside of a JSON string from `at` on: offset of the quote, control byte, or backslash
    // that begins no escape, which comes first; text.bytes if none does. A surrogate is an escape
    // only together with its other half. *ret_found is about the bytes from `at` to there.
    size_t (*string)(pl_span text, size_t at, pl_simd_string *ret_found);

    // Write what the inside of a valid JSON string stands for; returns the end of it. There must
    // be room for inside.bytes, all of which may be written to; `out` is apart from `inside`.
    char *(*unescape)(char *out, pl_span inside);
} pl_simd;

extern const pl_simd pl_simd_scalar;
#ifdef __x86_64__
extern const pl_simd pl_simd_sse42, pl_simd_avx2;
#endif

// The level to use here.
static inline const pl_simd *pl_simd_best(void)
{
#ifdef PL_SIMD_FORCED
    return &PL_SIMD_FORCED;
#else
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) return &pl_simd_avx2;
    if (__builtin_cpu_supports("sse4.2")) return &pl_simd_sse42;
#endif
    return &pl_simd_scalar;
#endif
}

// What the byte behind a backslash stands for; 0: the two are no escape, or begin \uXXXX.
extern const char pl_simd_letters[256];

// The value of four hex digits, or -1.
int32_t pl_simd_hex4(const char *digits);

// Offset of the first byte that is not valid UTF-8, or SIZE_MAX. One level only: where speed
// matters, `string` has looked already.
size_t pl_simd_utf8(pl_span text);

#endif
