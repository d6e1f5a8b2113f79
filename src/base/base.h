// base.h -- attributes and the span, the words every other header is written in.
//
// A span is a borrowed run of bytes: pointer and size, passed by value. No function in plumb
// depends on a terminating NUL; those that need one say so.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_BASE_H
#define PL_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PL_MUST_USE     __attribute__((warn_unused_result))
#define PL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define PL_NORETURN     __attribute__((noreturn))
#define PL_LIKELY(x)    __builtin_expect(!!(x), 1)
#define PL_UNLIKELY(x)  __builtin_expect(!!(x), 0)

// Ignore a must-use result on purpose; say why in a comment beside it.
#define PL_IGNORE(call)                                                                            \
    do {                                                                                           \
        if (call) {                                                                                \
        }                                                                                          \
    } while (0)

#define PL_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PL_MIN(a, b)    ((a) < (b) ? (a) : (b))
#define PL_MAX(a, b)    ((a) > (b) ? (a) : (b))

typedef struct pl_span {
    const char *data; // borrowed
    size_t bytes;
} pl_span;

// A span over a string literal, usable in initialisers.
#define PL_SPAN(literal)                                                                           \
    (pl_span)                                                                                      \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

// For printf: "%.*s", PL_FMT(span).
#define PL_FMT(span) (int)PL_MIN((span).bytes, (size_t)0x7fffffff), (span).data

static inline pl_span pl_span_of(const char *text)
{
    return (pl_span){text, text ? strlen(text) : 0};
}

static inline pl_span pl_span_make(const void *data, size_t bytes)
{
    return (pl_span){(const char *)data, bytes};
}

// memcpy for bytes that are mostly few, where calling it would take longer than copying.
static inline void pl_copy(char *to, const char *from, size_t bytes)
{
    if (bytes > 32) {
        memcpy(to, from, bytes);
    } else if (bytes >= 16) { // two pieces, which may overlap
        char a[16], b[16];
        memcpy(a, from, 16);
        memcpy(b, from + bytes - 16, 16);
        memcpy(to, a, 16);
        memcpy(to + bytes - 16, b, 16);
    } else if (bytes >= 8) {
        char a[8], b[8];
        memcpy(a, from, 8);
        memcpy(b, from + bytes - 8, 8);
        memcpy(to, a, 8);
        memcpy(to + bytes - 8, b, 8);
    } else {
        for (size_t i = 0; i < bytes; i++) to[i] = from[i];
    }
}

static inline bool pl_span_equal(pl_span a, pl_span b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

static inline bool pl_span_is(pl_span a, const char *text)
{
    return pl_span_equal(a, pl_span_of(text));
}

static inline bool pl_span_starts(pl_span a, pl_span prefix)
{
    return a.bytes >= prefix.bytes && memcmp(a.data, prefix.data, prefix.bytes) == 0;
}

// Order by unsigned bytes, as Parquet and Iceberg order strings.
static inline int pl_span_compare(pl_span a, pl_span b)
{
    size_t common = PL_MIN(a.bytes, b.bytes);
    int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order != 0) return order;
    return (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

// `text` without white space (space, tab, CR, LF) at both ends.
static inline pl_span pl_span_trim(pl_span text)
{
    while (text.bytes && strchr(" \t\r\n", text.data[0]) && text.data[0]) text.data++, text.bytes--;
    while (text.bytes && strchr(" \t\r\n", text.data[text.bytes - 1]) && text.data[text.bytes - 1])
        text.bytes--;
    return text;
}

#endif
