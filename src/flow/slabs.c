// SPDX-License-Identifier: Apache-2.0
#include "flow/slabs.h"

#include <stdlib.h>

void pl_slabs_init(pl_slabs *slabs, const char *path)
{
    *slabs = (pl_slabs){.path = path, .spill.fd = -1};
}

void pl_slabs_close(pl_slabs *slabs)
{
    for (uint32_t i = 0; i < slabs->spare_count; i++) free(slabs->spare[i]);
    slabs->spare_count = 0;
    slabs->closed = true;
}

void pl_slabs_done(pl_slabs *slabs)
{
    pl_slabs_close(slabs);
    free(slabs->spare);
    pl_file_close(&slabs->spill);
    pl_slabs_init(slabs, slabs->path);
}

static size_t block_bytes(const pl_block *block)
{
    return block->slab ? PL_SLAB_BYTES : block->bytes;
}

static void take(pl_slabs *slabs, pl_row_list *list, pl_block *block)
{
    if (block->slab && slabs->spare_count)
        block->data = slabs->spare[--slabs->spare_count];
    else
        block->data = pl_alloc(block_bytes(block));
    slabs->held += block_bytes(block);
    list->held += block_bytes(block);
}

static void give_back(pl_slabs *slabs, pl_row_list *list, pl_block *block)
{
    if (!block->data) return;
    slabs->held -= block_bytes(block);
    list->held -= block_bytes(block);
    if (block->slab && !slabs->closed) {
        PL_GROW(slabs->spare, slabs->spare_count, slabs->spare_capacity);
        slabs->spare[slabs->spare_count++] = block->data;
    } else {
        free(block->data);
    }
    block->data = NULL;
}

void pl_slabs_add(pl_slabs *slabs, pl_row_list *list, pl_span run, uint32_t rows)
{
    pl_block *last = list->count ? &list->blocks[list->count - 1] : NULL;
    if (!last || !last->data || !last->slab || last->bytes + run.bytes > PL_SLAB_BYTES ||
        last->rows + rows > PL_BLOCK_ROWS_MAX) {
        PL_GROW(list->blocks, list->count, list->capacity);
        last = &list->blocks[list->count++];
        *last = (pl_block){.slab = run.bytes <= PL_SLAB_BYTES};
        if (!last->slab) last->bytes = (uint32_t)run.bytes;
        take(slabs, list, last);
        last->bytes = 0;
    }
    memcpy(last->data + last->bytes, run.data, run.bytes);
    last->bytes += (uint32_t)run.bytes;
    last->rows += rows;
    list->rows += rows;
    list->bytes += run.bytes;
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
        block->slab = false; // comes back as large as it is, however little of the slab that was
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
