// SPDX-License-Identifier: Apache-2.0
#include "flow/slabs.h"

#include <assert.h>
#include <stdlib.h>

void pl_slabs_init(pl_slabs *slabs, const char *path)
{
    *slabs = (pl_slabs){.path = path, .spill.fd = -1};
}

void pl_slabs_close(pl_slabs *slabs)
{
    for (uint32_t size = 0; size < PL_BLOCK_SIZES; size++) {
        struct pl_spares *spare = &slabs->spare[size];
        for (uint32_t i = 0; i < spare->count; i++) free(spare->blocks[i]);
        spare->count = 0;
    }
    slabs->closed = true;
}

void pl_slabs_done(pl_slabs *slabs)
{
    pl_slabs_close(slabs);
    for (uint32_t size = 0; size < PL_BLOCK_SIZES; size++) free(slabs->spare[size].blocks);
    pl_file_close(&slabs->spill);
    pl_slabs_init(slabs, slabs->path);
}

// Where blocks of `room` bytes wait to be used again; NULL: they do not.
static struct pl_spares *spares_of(pl_slabs *slabs, uint32_t room)
{
    uint32_t size = 0;
    while (size < PL_BLOCK_SIZES && PL_BLOCK_BYTES_MIN << size < room) size++;
    return size < PL_BLOCK_SIZES && PL_BLOCK_BYTES_MIN << size == room ? &slabs->spare[size] : NULL;
}

// What waits in another size makes way, so that spares are never more than was held once.
static void free_spares(pl_slabs *slabs, size_t bytes)
{
    size_t freed = 0;
    for (uint32_t size = PL_BLOCK_SIZES; size-- && freed < bytes;)
        for (struct pl_spares *spare = &slabs->spare[size]; spare->count && freed < bytes;
             freed += PL_BLOCK_BYTES_MIN << size)
            free(spare->blocks[--spare->count]);
}

static void take(pl_slabs *slabs, pl_row_list *list, pl_block *block)
{
    struct pl_spares *spare = spares_of(slabs, block->room);
    if (spare && spare->count) {
        block->data = spare->blocks[--spare->count];
    } else {
        free_spares(slabs, block->room);
        block->data = pl_alloc(block->room);
    }
    slabs->held += block->room;
    list->held += block->room;
}

static void give_back(pl_slabs *slabs, pl_row_list *list, pl_block *block)
{
    if (!block->data) return;
    slabs->held -= block->room;
    list->held -= block->room;
    struct pl_spares *spare = slabs->closed ? NULL : spares_of(slabs, block->room);
    if (spare) {
        PL_GROW(spare->blocks, spare->count, spare->capacity);
        spare->blocks[spare->count++] = block->data;
    } else {
        free(block->data);
    }
    block->data = NULL;
}

size_t pl_slabs_room(const pl_row_list *list, uint32_t rows)
{
    const pl_block *last = list->count ? &list->blocks[list->count - 1] : NULL;
    if (!last || !last->data || last->rows + rows > PL_BLOCK_ROWS_MAX) return 0;
    return last->room - last->bytes;
}

void pl_slabs_grow(pl_slabs *slabs, pl_row_list *list, size_t least, size_t wanted)
{
    // A quarter of what is held at most is room for what does not come.
    size_t good = PL_MIN(PL_MAX(PL_MAX(list->held / 4, wanted), least), PL_BLOCK_BYTES_MAX);
    size_t room = PL_BLOCK_BYTES_MIN;
    while (room < good) room *= 2;
    assert(least <= UINT32_MAX);
    PL_GROW(list->blocks, list->count, list->capacity);
    pl_block *block = &list->blocks[list->count++];
    *block = (pl_block){.room = (uint32_t)PL_MAX(room, least)};
    take(slabs, list, block);
}

char *pl_slabs_end(const pl_row_list *list)
{
    const pl_block *last = &list->blocks[list->count - 1];
    return last->data + last->bytes;
}

void pl_slabs_added(pl_row_list *list, size_t bytes, uint32_t rows)
{
    pl_block *last = &list->blocks[list->count - 1];
    assert(bytes <= last->room - last->bytes);
    last->bytes += (uint32_t)bytes;
    last->rows += rows;
    list->rows += rows;
    list->bytes += bytes;
}

plumb_status pl_slabs_spill(pl_slabs *slabs, pl_row_list *list, plumb_error *err)
{
    if (slabs->spill.fd < 0) {
        PL_TRY(pl_file_open(&slabs->spill, slabs->path, PL_OPEN_CREATE, err));
        PL_TRY(pl_path_unlink(slabs->path, err));
    }
    for (uint32_t i = 0; i < list->count; i++) {
        pl_block *block = &list->blocks[i];
        if (!block->data) continue;
        PL_TRY(pl_file_write(&slabs->spill, pl_span_make(block->data, block->bytes), err));
        block->file = &slabs->spill;
        block->at = slabs->spilled;
        slabs->spilled += block->bytes;
        give_back(slabs, list, block);
        block->room = block->bytes; // comes back as large as it is, however little of it that was
    }
    return PLUMB_OK;
}

plumb_status pl_slabs_load(pl_slabs *slabs, pl_row_list *list, uint32_t count, plumb_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        pl_block *block = &list->blocks[i];
        if (block->data) continue;
        size_t got;
        take(slabs, list, block);
        PL_TRY(pl_file_read(block->file, (int64_t)block->at, block->data, block->bytes, &got, err));
        if (got != block->bytes)
            return pl_fail(err, PLUMB_E_FAILED, "cannot read file '%s': it lost its end",
                           block->file->path);
    }
    return PLUMB_OK;
}

void pl_slabs_move(pl_slabs *to, pl_slabs *from, pl_row_list *list)
{
    from->held -= list->held;
    to->held += list->held;
}

void pl_slabs_join(pl_row_list *list, pl_row_list *more)
{
    for (uint32_t i = 0; i < more->count; i++) {
        PL_GROW(list->blocks, list->count, list->capacity);
        list->blocks[list->count++] = more->blocks[i];
    }
    list->rows += more->rows;
    list->bytes += more->bytes;
    list->held += more->held;
    free(more->blocks);
    *more = (pl_row_list){0};
}

void pl_slabs_drop(pl_slabs *slabs, pl_row_list *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        pl_block *block = &list->blocks[i];
        list->rows -= block->rows;
        list->bytes -= block->bytes;
        give_back(slabs, list, block);
    }
    list->count -= count;
    if (list->count) {
        memmove(list->blocks, list->blocks + count, list->count * sizeof *list->blocks);
        return;
    }
    free(list->blocks); // a partition may never come again
    list->blocks = NULL;
    list->capacity = 0;
}
