// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *pl_buf_reserve(pl_buf *buf, size_t bytes)
{
    if (bytes > SIZE_MAX / 4 - buf->count) pl_oom(bytes);
    if (!buf->data || buf->capacity - buf->count < bytes) {
        size_t need = buf->count + bytes;
        size_t capacity = buf->capacity ? buf->capacity : 64;
        while (capacity < need) capacity += capacity / 2 + 64;
        buf->data = pl_realloc(buf->data, capacity);
        buf->capacity = capacity;
    }
    return buf->data + buf->count;
}

void pl_buf_append(pl_buf *buf, const void *data, size_t bytes)
{
    if (!bytes) return;
    memcpy(pl_buf_reserve(buf, bytes), data, bytes);
    buf->count += bytes;
}

void pl_buf_text(pl_buf *buf, const char *text)
{
    pl_buf_append(buf, text, strlen(text));
}

void pl_buf_vprintf(pl_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, fmt, args);
    if (bytes > 0) {
        vsnprintf(pl_buf_reserve(buf, (size_t)bytes + 1), (size_t)bytes + 1, fmt, again);
        buf->count += (size_t)bytes;
    }
    va_end(again);
}

void pl_buf_printf(pl_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pl_buf_vprintf(buf, fmt, args);
    va_end(args);
}

const char *pl_buf_cstr(pl_buf *buf)
{
    *pl_buf_reserve(buf, 1) = '\0';
    return buf->data;
}

void pl_buf_done(pl_buf *buf)
{
    free(buf->data);
    *buf = (pl_buf){0};
}
