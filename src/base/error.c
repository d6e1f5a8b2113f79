// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void error_set(plumb_error *err, plumb_status status, int os_errno)
{
    err->status = status;
    err->os_errno = os_errno;
    err->line = err->column = 0;
    err->offset = -1;
    err->file[0] = err->hint[0] = '\0';
}

plumb_status pl_fail(plumb_error *err, plumb_status status, const char *fmt, ...)
{
    if (!err) return status;
    error_set(err, status, 0);
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    return status;
}

plumb_status pl_fail_errno(plumb_error *err, int os_errno, const char *fmt, ...)
{
    plumb_status status = PLUMB_E_FAILED;
    if (os_errno == ENOSPC || os_errno == EDQUOT || os_errno == EINTR || os_errno == EAGAIN)
        status = PLUMB_E_UNAVAILABLE;
    if (os_errno == ENOENT) status = PLUMB_E_NOT_FOUND;
    if (!err) return status;
    error_set(err, status, os_errno);
    va_list args;
    va_start(args, fmt);
    int used = vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    size_t at = PL_MIN((size_t)PL_MAX(used, 0), sizeof err->message - 1);
    char text[128];
    snprintf(err->message + at, sizeof err->message - at, ": %s",
             strerror_r(os_errno, text, sizeof text));
    if (os_errno == ENOSPC || os_errno == EDQUOT) pl_hint(err, PL_HINT_DISK_FULL);
    return status;
}

void pl_hint(plumb_error *err, const char *fmt, ...)
{
    if (!err) return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->hint, sizeof err->hint, fmt, args);
    va_end(args);
}

void pl_place(plumb_error *err, const char *file, uint32_t line, uint32_t column)
{
    if (!err) return;
    snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->column = column;
}

void pl_context(plumb_error *err, const char *fmt, ...)
{
    if (!err) return;
    char before[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    int used = vsnprintf(before, sizeof before, fmt, args);
    va_end(args);
    size_t at = PL_MIN((size_t)PL_MAX(used, 0), sizeof before - 1);
    pl_span parts[] = {PL_SPAN(": "), pl_span_of(err->message)};
    for (size_t i = 0; i < PL_COUNT(parts); i++) {
        size_t bytes = PL_MIN(parts[i].bytes, sizeof before - 1 - at);
        memcpy(before + at, parts[i].data, bytes);
        at += bytes;
    }
    before[at] = '\0';
    memcpy(err->message, before, at + 1);
}

plumb_error *pl_problem(pl_problems *list, const char *file, uint32_t line, uint32_t column,
                        const char *fmt, ...)
{
    static _Thread_local plumb_error overflow; // written past the bound, never read
    plumb_error *item = &overflow;
    if (list->count < PL_PROBLEMS_MAX) {
        PL_GROW(list->items, list->count, list->capacity);
        item = &list->items[list->count++];
    } else {
        list->dropped++;
    }
    error_set(item, PLUMB_E_CONFIG, 0);
    pl_place(item, file, line, column);
    va_list args;
    va_start(args, fmt);
    vsnprintf(item->message, sizeof item->message, fmt, args);
    va_end(args);
    return item;
}

void pl_problems_done(pl_problems *list)
{
    free(list->items);
    *list = (pl_problems){0};
}

void pl_oom(size_t bytes)
{
    fprintf(stderr, "plumb: cannot allocate %zu bytes: out of memory\n", bytes);
    _Exit(1);
}

void *pl_alloc(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) pl_oom(bytes);
    return memory;
}

void *pl_zalloc(size_t count, size_t bytes)
{
    void *memory = calloc(count ? count : 1, bytes ? bytes : 1);
    if (!memory) pl_oom(count * bytes);
    return memory;
}

void *pl_realloc(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory) pl_oom(bytes);
    return memory;
}
