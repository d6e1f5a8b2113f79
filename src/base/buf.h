// buf.h -- a byte buffer that grows: for text and encoded bytes whose size is not known before.
//
// Invariants
//   - data[0..count) is what was appended; a zero-initialised pl_buf is empty and valid.
//   - pl_buf_cstr appends a NUL that is not counted.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_BUF_H
#define PL_BASE_BUF_H

#include <stdarg.h>

#include "base/base.h"
#include "base/error.h"

typedef struct pl_buf {
    char *data; // owned
    size_t count, capacity;
} pl_buf;

// Make room for `bytes` more and return where they go; add to count what was written.
char *pl_buf_reserve(pl_buf *buf, size_t bytes);
void pl_buf_append(pl_buf *buf, const void *data, size_t bytes);
static inline void pl_buf_span(pl_buf *buf, pl_span text)
{
    if (PL_UNLIKELY(!text.bytes || buf->capacity - buf->count < text.bytes)) {
        pl_buf_append(buf, text.data, text.bytes);
        return;
    }
    pl_copy(buf->data + buf->count, text.data, text.bytes);
    buf->count += text.bytes;
}
static inline void pl_buf_char(pl_buf *buf, char c)
{
    if (PL_UNLIKELY(buf->count == buf->capacity)) pl_buf_reserve(buf, 1);
    buf->data[buf->count++] = c;
}
void pl_buf_text(pl_buf *buf, const char *text);
void pl_buf_vprintf(pl_buf *buf, const char *fmt, va_list args) PL_PRINTF(2, 0);
void pl_buf_printf(pl_buf *buf, const char *fmt, ...) PL_PRINTF(2, 3);

static inline pl_span pl_buf_view(const pl_buf *buf)
{
    return (pl_span){buf->data, buf->count};
}
const char *pl_buf_cstr(pl_buf *buf); // borrowed until the next append
static inline void pl_buf_reset(pl_buf *buf)
{
    buf->count = 0;
}
void pl_buf_done(pl_buf *buf);

#endif
