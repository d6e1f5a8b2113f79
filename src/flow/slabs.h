// slabs.h -- rows of many partitions in one pool of fixed memory, the surplus in a file.
//
// A list holds runs of rows (flow/runs.h) in the order they came, in blocks that are the larger the
// more it holds, so that thousands of partitions of few rows take little more than the rows, and
// those of many are not cut small. When the pool is full the caller spills the largest lists: their
// blocks are appended to one file, which has no name any more, and loaded again when the rows are
// wanted.
//
//     list     block (spilled at 0) - block (spilled at 16100) - block (in memory)
//
// Threads: one per pool.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_SLABS_H
#define PL_FLOW_SLABS_H

#include "base/base.h"
#include "os/file.h"

// Of a block, a power of two; one whose rows are larger is as large as they are.
#define PL_BLOCK_BYTES_MIN (2u * 1024)
#define PL_BLOCK_BYTES_MAX (64u * 1024)
#define PL_BLOCK_SIZES     6
#define PL_BLOCK_ROWS_MAX  4096u // so that a list can be cut near any row

typedef struct pl_block {
    char *data; // NULL: spilled at `at`
    uint64_t at;
    pl_file *file; // that it was spilled to
    uint32_t bytes, rows;
    uint32_t room; // bytes there are, or will be once it is loaded
} pl_block;

// Zero-initialise.
typedef struct pl_row_list {
    pl_block *blocks; // owned
    uint32_t count, capacity;
    uint64_t rows, bytes; // of all blocks
    size_t held;          // bytes taken from the pool
} pl_row_list;

typedef struct pl_slabs {
    size_t held;      // by all lists
    const char *path; // of the spill file; borrowed
    pl_file spill;
    uint64_t spilled; // bytes written to it
    struct pl_spares {
        char **blocks; // given back; owned
        uint32_t count, capacity;
    } spare[PL_BLOCK_SIZES]; // by size
    bool closed;             // nothing is added any more: what is given back is freed
} pl_slabs;

// The spill file is made at `path` when it is first needed, and its name removed at once.
void pl_slabs_init(pl_slabs *slabs, const char *path);
void pl_slabs_done(pl_slabs *slabs);

// Bytes that are free in the list's last block, if it may have `rows` rows more.
size_t pl_slabs_room(const pl_row_list *list, uint32_t rows);
// A new last block, of at least `least` bytes; `wanted` are to come next.
void pl_slabs_grow(pl_slabs *slabs, pl_row_list *list, size_t least, size_t wanted);
// Where the next run is to be written; and it was: `bytes` of `rows` rows.
char *pl_slabs_end(const pl_row_list *list);
void pl_slabs_added(pl_row_list *list, size_t bytes, uint32_t rows);
// Everything the list has in memory goes to the file.
PL_MUST_USE plumb_status pl_slabs_spill(pl_slabs *slabs, pl_row_list *list, plumb_error *err);
// The first `count` blocks are in memory.
PL_MUST_USE plumb_status pl_slabs_load(pl_slabs *slabs, pl_row_list *list, uint32_t count,
                                       plumb_error *err);
// Nothing will be added any more: memory that is given back is freed.
void pl_slabs_close(pl_slabs *slabs);
// The list goes to another pool, which this one must outlive if it spilled. The two pools are of
// different threads, so the caller sees to it that neither is used meanwhile.
void pl_slabs_move(pl_slabs *to, pl_slabs *from, pl_row_list *list);
// Append the rows of `more`, which is in the same pool; it is empty afterwards.
void pl_slabs_join(pl_row_list *list, pl_row_list *more);
// Forget the first `count` blocks.
void pl_slabs_drop(pl_slabs *slabs, pl_row_list *list, uint32_t count);

#endif
