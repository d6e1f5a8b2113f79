// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES_MIN = 16 * 1024, CHUNK_BYTES_MAX = 4 * 1024 * 1024 };

struct pl_arena_chunk {
    struct pl_arena_chunk *older;
    size_t bytes; // of the payload
};
#define HEAD_BYTES ((sizeof(struct pl_arena_chunk) + 15) & ~(size_t)15)

static void chunk_use(pl_arena *arena, struct pl_arena_chunk *chunk)
{
    arena->chunk = chunk;
    arena->next = (char *)chunk + HEAD_BYTES;
    arena->end = arena->next + chunk->bytes;
}

void *pl_arena_take(pl_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) pl_oom(bytes);
    size_t need = (bytes + 15) & ~(size_t)15;
    if (need == 0) need = 16;
    if (!arena->chunk || (size_t)(arena->end - arena->next) < need) {
        // Doubling keeps the number of chunks logarithmic; the cap keeps the waste bounded.
        size_t grow =
            PL_MIN(PL_MAX(arena->bytes, (size_t)CHUNK_BYTES_MIN), (size_t)CHUNK_BYTES_MAX);
        size_t size = PL_MAX(need, grow);
        struct pl_arena_chunk *chunk = pl_alloc(HEAD_BYTES + size);
        chunk->older = arena->chunk;
        chunk->bytes = size;
        arena->bytes += size;
        chunk_use(arena, chunk);
    }
    void *taken = arena->next;
    arena->next += need;
    memset(taken, 0, need);
    return taken;
}

pl_span pl_arena_copy(pl_arena *arena, pl_span text)
{
    char *copy = pl_arena_take(arena, text.bytes + 1);
    if (text.bytes) memcpy(copy, text.data, text.bytes);
    return (pl_span){copy, text.bytes};
}

char *pl_arena_cstr(pl_arena *arena, pl_span text)
{
    char *copy = pl_arena_take(arena, text.bytes + 1);
    if (text.bytes) memcpy(copy, text.data, text.bytes);
    return copy;
}

char *pl_arena_printf(pl_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = pl_arena_take(arena, (size_t)PL_MAX(bytes, 0) + 1);
    vsnprintf(text, (size_t)PL_MAX(bytes, 0) + 1, fmt, again);
    va_end(again);
    return text;
}

void pl_arena_reset(pl_arena *arena)
{
    struct pl_arena_chunk *largest = arena->chunk;
    for (struct pl_arena_chunk *c = arena->chunk; c; c = c->older)
        if (c->bytes > largest->bytes) largest = c;
    for (struct pl_arena_chunk *c = arena->chunk, *older; c; c = older) {
        older = c->older;
        if (c != largest) free(c);
    }
    if (!largest) return;
    largest->older = NULL;
    arena->bytes = largest->bytes;
    chunk_use(arena, largest);
}

void pl_arena_done(pl_arena *arena)
{
    for (struct pl_arena_chunk *c = arena->chunk, *older; c; c = older) {
        older = c->older;
        free(c);
    }
    *arena = (pl_arena){0};
}

void pl_arena_adopt(pl_arena *arena, pl_arena *from)
{
    if (!arena->chunk) {
        *arena = *from;
    } else if (from->chunk) {
        struct pl_arena_chunk *oldest = from->chunk;
        while (oldest->older) oldest = oldest->older;
        oldest->older = arena->chunk->older;
        arena->chunk->older = from->chunk;
        arena->bytes += from->bytes;
    }
    *from = (pl_arena){0};
}
