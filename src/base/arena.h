// arena.h -- memory with one lifetime: take many, free all at once.
//
// An arena is a chain of chunks; taking is a pointer bump, reset keeps the largest chunk for the
// next round. Three lifetimes exist in plumb (process, task, scratch) and the parameter's name
// says which. Nothing taken needs freeing; nothing taken survives reset or done.
//
// Invariants
//   - What is taken is zeroed and aligned to 16 bytes.
//   - A zero-initialised pl_arena is a valid empty arena.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_ARENA_H
#define PL_BASE_ARENA_H

#include "base/base.h"
#include "base/error.h"

typedef struct pl_arena {
    struct pl_arena_chunk *chunk; // newest first; owned
    char *next, *end;             // free part of the newest chunk
    size_t bytes;                 // sum of all chunks
} pl_arena;

// Zeroed memory for `bytes`; never NULL.
void *pl_arena_take(pl_arena *arena, size_t bytes) __attribute__((returns_nonnull));
#define PL_TAKE(arena, type, count) ((type *)pl_arena_take((arena), (size_t)(count) * sizeof(type)))

// A copy of `text` with a NUL after it (not counted), so .data is also a C string.
pl_span pl_arena_copy(pl_arena *arena, pl_span text);
char *pl_arena_cstr(pl_arena *arena, pl_span text);
char *pl_arena_printf(pl_arena *arena, const char *fmt, ...) PL_PRINTF(2, 3);

void pl_arena_reset(pl_arena *arena); // forget everything taken; keep one chunk
void pl_arena_done(pl_arena *arena);  // free everything; safe on a zero arena
// What was taken from `from` now belongs to `arena`, where it is; `from` is empty afterwards.
void pl_arena_adopt(pl_arena *arena, pl_arena *from);

#endif
