// SPDX-License-Identifier: Apache-2.0
#include "flow/windows.h"

#include <stdlib.h>

struct pl_windows {
    const pl_work_task *task;
    pl_watch_task watched;
    uint32_t *window_of; // [object_count]
    pl_shape **shared;   // [object_count], what lanes that left it saw; NULL: no other did
    pl_task_window *windows;
    uint32_t count;
};

static void share_free(pl_shape **shape)
{
    if (!*shape) return;
    pl_shape_done(*shape);
    free(*shape);
    *shape = NULL;
}

// The three arrays of counts are one.
static pl_map_tally new_tally(uint32_t columns)
{
    uint64_t *counts = pl_zalloc(columns, 3 * sizeof *counts);
    return (pl_map_tally){.filled = counts,
                          .lost = counts + columns,
                          .outside = counts + 2 * (size_t)columns,
                          .conflicts = pl_zalloc(columns, sizeof(pl_map_conflict))};
}

static void tally_free(pl_map_tally *tally)
{
    free(tally->filled);
    free(tally->conflicts);
}

pl_map_tally pl_windows_tally(const pl_map_tally *tally, uint32_t columns, pl_arena *arena)
{
    pl_map_tally copy = *tally;
    uint64_t **counts[] = {&copy.filled, &copy.lost, &copy.outside};
    for (size_t i = 0; i < PL_COUNT(counts); i++) {
        uint64_t *room = PL_TAKE(arena, uint64_t, columns);
        memcpy(room, *counts[i], columns * sizeof *room);
        *counts[i] = room;
    }
    copy.conflicts = PL_TAKE(arena, pl_map_conflict, columns);
    memcpy(copy.conflicts, tally->conflicts, columns * sizeof *copy.conflicts);
    return copy;
}

// An object goes where the middle of its bytes does; no window is without one.
static void cut(pl_windows *w)
{
    const pl_work_task *task = w->task;
    double total = 0, before = 0;
    for (uint32_t i = 0; i < task->object_count; i++)
        total += (double)task->objects[i].stored_bytes + 1;
    for (uint32_t i = 0; i < task->object_count; i++) {
        double bytes = (double)task->objects[i].stored_bytes + 1;
        double middle = (before + bytes / 2) / total * PL_WINDOWS_MAX;
        bool begins = task->object_count <= PL_WINDOWS_MAX || !w->count ||
                      (uint32_t)middle > w->window_of[i - 1];
        before += bytes;
        if (begins && w->count < PL_WINDOWS_MAX) {
            w->windows[w->count] = (pl_task_window){.first = i};
            pl_shape_init(&w->windows[w->count].shape);
            w->windows[w->count++].tally = new_tally(task->contract->column_count);
        }
        w->window_of[i] = w->count - 1;
        w->windows[w->count - 1].count++;
    }
}

pl_windows *pl_windows_new(const pl_work_task *task)
{
    if (!task->observe || !task->object_count) return NULL;
    pl_windows *w = pl_zalloc(1, sizeof *w);
    w->task = task;
    w->window_of = pl_zalloc(task->object_count, sizeof *w->window_of);
    w->shared = pl_zalloc(task->object_count, sizeof *w->shared);
    w->windows = pl_zalloc(PL_WINDOWS_MAX, sizeof *w->windows);
    cut(w);
    // So much content is not few records: none need be kept to know it.
    uint64_t content = 0;
    for (uint32_t i = 0; i < task->object_count; i++)
        content += (uint64_t)PL_MAX(task->objects[i].content_bytes, INT64_C(0));
    if (content > PL_WATCH_FEW_BYTES) w->watched.bytes = content;
    return w;
}

void pl_windows_free(pl_windows *w)
{
    if (!w) return;
    for (uint32_t i = 0; i < w->task->object_count; i++) share_free(&w->shared[i]);
    for (uint32_t i = 0; i < w->count; i++) {
        pl_shape_done(&w->windows[i].shape);
        tally_free(&w->windows[i].tally);
    }
    free(w->windows);
    free(w->shared);
    free(w->window_of);
    free(w);
}

void pl_windows_observe(pl_windows *w, pl_mapper *mapper)
{
    if (w) pl_mapper_observe(mapper, &w->watched);
}

void pl_windows_enter(const pl_windows *w, uint32_t object, pl_mapper *mapper)
{
    if (!w) return;
    pl_watch_object(pl_mapper_watch(mapper), w->task->objects[object].received_us,
                    w->window_of[object]);
}

void pl_windows_leave(pl_windows *w, uint32_t object, pl_mapper *mapper, bool last)
{
    if (!w) return;
    pl_task_window *window = &w->windows[w->window_of[object]];
    pl_shape **shared = &w->shared[object];
    pl_shape *seen = pl_watch_seen(pl_mapper_watch(mapper));
    pl_mapper_tally(mapper, &window->tally);
    if (!last || *shared) {
        if (!*shared) {
            *shared = pl_alloc(sizeof **shared);
            pl_shape_init(*shared);
        }
        pl_shape_join(*shared, seen);
        seen = *shared;
    }
    if (!last) return;
    pl_shape_take(&window->shape, seen);
    share_free(shared);
}

void pl_windows_few(pl_windows *w, pl_mapper *mapper)
{
    if (!w || !pl_watch_are_few(&w->watched)) return;
    for (uint32_t i = 0; i < w->count; i++)
        pl_watch_few(pl_mapper_watch(mapper), i, &w->windows[i].shape);
}

void pl_windows_take(pl_windows *w, pl_task_result *result)
{
    if (!w) return;
    uint32_t columns = w->task->contract->column_count;
    result->windows = PL_TAKE(&result->arena, pl_task_window, w->count);
    result->window_count = w->count;
    for (uint32_t i = 0; i < w->count; i++) {
        pl_task_window *window = &result->windows[i];
        *window = w->windows[i];
        pl_shape_settle(&window->shape);
        window->tally = pl_windows_tally(&w->windows[i].tally, columns, &result->arena);
        tally_free(&w->windows[i].tally);
    }
    w->count = 0; // they are the result's
}
