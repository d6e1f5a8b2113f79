// leftover.c -- what several workers have left of the same partitions.
//
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdlib.h>

#include "flow/parts_int.h"

// Rests of a partition that are together no more than this are always put together.
enum { SMALL_ROWS = 8192 };

struct pl_leftover {
    pl_parts *shape; // any of them, for what is the same of all
    pl_slabs slabs;  // all rows
    part **parts;
    uint32_t count, capacity;
    pthread_mutex_t lock; // of what follows, and of moves out of the slabs
    uint32_t next;        // to be written
};

static uint64_t rows_of(pl_parts **parts, uint32_t count)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t p = 0; p < parts[i]->count; p++) rows += parts[i]->parts[p]->rows.rows;
    return rows;
}

// The rows of `from`, and its file if `into` has none.
static void join(part *into, part *from)
{
    pl_slabs_join(&into->rows, &from->rows);
    for (uint32_t i = 0; i < from->range_count; i++) pl_parts__add_range(into, from->ranges[i]);
    if (into->put || !from->put) return;
    into->put = from->put;
    into->writer = from->writer;
    into->file_key = from->file_key;
    into->last = from->last;
    into->unsorted = from->unsorted;
    from->put = NULL;
    from->writer = NULL;
    from->last = NULL;
}

static void add(pl_leftover *rest, part *p)
{
    PL_GROW(rest->parts, rest->count, rest->capacity);
    rest->parts[rest->count++] = p;
}

// Take a worker's partition over. `by_key` knows one rest of each partition.
static void take(pl_leftover *rest, pl_parts *from, part *p, pl_map *by_key, uint64_t share)
{
    pl_slabs_move(&rest->slabs, &from->slabs, &p->rows);
    uint32_t at = pl_map_add(by_key, p->key, rest->count);
    if (at < rest->count && rest->parts[at]->rows.rows + p->rows.rows <= share) {
        join(rest->parts[at], p);
        if (p->put) { // each has a file
            add(rest, p);
        } else {
            pl_parts__part_free(from, p);
        }
    } else {
        add(rest, p);
    }
}

static int by_rows(const void *a, const void *b)
{
    uint64_t x = (*(part *const *)a)->rows.rows, y = (*(part *const *)b)->rows.rows;
    return (x < y) - (x > y);
}

pl_leftover *pl_leftover_new(pl_parts **parts, uint32_t count)
{
    pl_leftover *rest = pl_zalloc(1, sizeof *rest);
    pl_map by_key = {0};
    *rest = (pl_leftover){.shape = parts[0], .lock = PTHREAD_MUTEX_INITIALIZER};
    pl_slabs_init(&rest->slabs, "");
    uint64_t share = PL_MAX(rows_of(parts, count) / count, (uint64_t)SMALL_ROWS);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t p = 0; p < parts[i]->count; p++)
            take(rest, parts[i], parts[i]->parts[p], &by_key, share);
        parts[i]->count = parts[i]->open_files = 0;
        pl_slabs_close(&parts[i]->slabs);
    }
    pl_map_done(&by_key);
    // The largest first, so that nobody begins one when all others are done.
    if (rest->count) qsort(rest->parts, rest->count, sizeof *rest->parts, by_rows);
    return rest;
}

void pl_leftover_free(pl_leftover *rest)
{
    if (!rest) return;
    for (uint32_t i = rest->next; i < rest->count; i++) {
        pl_slabs_drop(&rest->slabs, &rest->parts[i]->rows, rest->parts[i]->rows.count);
        pl_parts__part_free(rest->shape, rest->parts[i]);
    }
    pl_slabs_done(&rest->slabs);
    free(rest->parts);
    free(rest);
}

static part *next_part(pl_leftover *rest, pl_parts *by)
{
    part *p = NULL;
    pthread_mutex_lock(&rest->lock);
    if (rest->next < rest->count) {
        p = rest->parts[rest->next++];
        pl_slabs_move(&by->slabs, &rest->slabs, &p->rows);
    }
    pthread_mutex_unlock(&rest->lock);
    return p;
}

plumb_status pl_leftover_write(pl_leftover *rest, pl_parts *by, plumb_error *err)
{
    plumb_status st = PLUMB_OK;
    for (part *p; st == PLUMB_OK && (p = next_part(rest, by));) {
        while (st == PLUMB_OK && p->rows.count) {
            uint32_t due = pl_parts__blocks_due(&p->rows, by->group_bytes);
            st = pl_parts__write_group(by, p, due ? due : p->rows.count, err);
        }
        if (st == PLUMB_OK) st = pl_parts__file_finish(by, p, err);
        by->open_files = 0; // those of the rest are not this worker's
        pl_parts__part_free(by, p);
    }
    return st;
}

bool pl_leftover_left(pl_leftover *rest)
{
    pthread_mutex_lock(&rest->lock);
    bool left = rest->next < rest->count;
    pthread_mutex_unlock(&rest->lock);
    return left;
}
