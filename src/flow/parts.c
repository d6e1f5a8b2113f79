// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "flow/parts_int.h"
#include "flow/runs.h"

// As little of PL_GROUP_BYTES as a small quota leaves.
enum { GROUP_BYTES_MIN = 8 * 1024 * 1024 };
// Fewer rows are not cut off as a run of their own to fill a block up: a run has its price.
enum { RUN_ROWS_MIN = 8 };

pl_column *pl_parts__columns_new(const pl_schema *schema)
{
    pl_column *columns = pl_zalloc(schema->count, sizeof *columns);
    for (uint32_t i = 0; i < schema->count; i++)
        pl_column_init(&columns[i], &schema->fields[i].type);
    return columns;
}

void pl_parts__columns_free(pl_column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) pl_column_done(&columns[i]);
    free(columns);
}

pl_parts *pl_parts_new(const pl_parts_options *options, pl_arena *arena)
{
    pl_parts *parts = pl_zalloc(1, sizeof *parts);
    parts->options = *options;
    parts->arena = arena;
    parts->sources = pl_zalloc(options->spec->count, sizeof *parts->sources);
    for (uint32_t i = 0; i < options->spec->count; i++)
        parts->sources[i] = pl_schema_find_id(options->schema, options->spec->fields[i].source_id);
    // The largest group is a bit more than two of them: see blocks_due.
    parts->group_bytes = PL_MIN(PL_MAX(options->quota->all * 2 / 5, (size_t)GROUP_BYTES_MIN),
                                (size_t)PL_GROUP_BYTES);
    pl_slabs_init(&parts->slabs, pl_store_path(options->store, options->spill_key, arena));
    parts->batch.touched = pl_zalloc(BATCH_ROWS, sizeof *parts->batch.touched);
    parts->batch.codes = pl_zalloc(BATCH_ROWS, options->spec->count * sizeof(uint64_t));
    parts->group = pl_parts__columns_new(options->schema);
    parts->lent = pl_zalloc(options->schema->count, sizeof *parts->lent);
    for (uint32_t i = 0, at; i < options->schema->count; i++) {
        for (at = 0; !pl_type_equal(&parts->group[at].type, &parts->group[i].type);) at++;
        parts->lent[i] = at;
    }
    parts->memory = pl_parquet_memory_new();
    for (uint32_t i = 0; i < pl_parts__sort_count(parts); i++) {
        int at = pl_schema_find_id(options->schema, options->sort->fields[i].source_id);
        parts->sort_sources[i] = at;
        pl_column_init(&parts->keys[i], &options->schema->fields[at].type);
    }
    return parts;
}

void pl_parts_free(pl_parts *parts)
{
    if (!parts) return;
    for (uint32_t i = 0; i < parts->count; i++) pl_parts__part_free(parts, parts->parts[i]);
    free(parts->batch.touched);
    free(parts->batch.codes);
    pl_parts__columns_free(parts->group, parts->options.schema->count);
    for (uint32_t i = 0; i < pl_parts__sort_count(parts); i++) pl_column_done(&parts->keys[i]);
    pl_parquet_memory_free(parts->memory);
    free(parts->runs);
    free(parts->lent);
    free(parts->order);
    pl_slabs_done(&parts->slabs);
    free(parts->parts);
    free(parts->sources);
    free(parts->files);
    free(parts->slots);
    free(parts);
}

static int by_held(const void *a, const void *b)
{
    size_t x = (*(part *const *)a)->rows.held, y = (*(part *const *)b)->rows.held;
    return (x < y) - (x > y);
}

// Spill the largest partitions until half of the pool is free.
static plumb_status spill_largest(pl_parts *parts, plumb_error *err)
{
    if (parts->slabs.spill.fd < 0) {
        const char *hidden = pl_store_path(parts->options.store, ".tmp", parts->arena);
        PL_TRY(pl_path_make_way(hidden, err));
    }
    part **largest = pl_alloc(parts->count * sizeof(part *));
    memcpy(largest, parts->parts, parts->count * sizeof(part *));
    qsort(largest, parts->count, sizeof(part *), by_held);
    plumb_status st = PLUMB_OK;
    for (uint32_t i = 0; i < parts->count && st == PLUMB_OK; i++) {
        if (parts->slabs.held <= parts->options.memory_bytes / 2) break;
        st = pl_slabs_spill(&parts->slabs, &largest[i]->rows, err);
    }
    free(largest);
    return st;
}

// Move one partition's rows of the batch to its blocks.
static void move_rows(pl_parts *parts, part *p, const pl_column *columns)
{
    const row_batch *b = &parts->batch;
    const uint32_t *rows = b->order + p->batch_first;
    const uint32_t count = parts->options.schema->count;
    size_t fixed = pl_runs_fixed(columns, count), wanted = fixed;
    for (uint32_t i = 0; i < p->batch_rows; i++) wanted += b->bytes[rows[i]];
    for (uint32_t left = p->batch_rows, now; left; left -= now, rows += now) {
        size_t room = pl_slabs_room(&p->rows, left), bytes = fixed;
        for (now = 0; now < left && bytes + b->bytes[rows[now]] <= room; now++)
            bytes += b->bytes[rows[now]];
        if (now < left && now < RUN_ROWS_MIN) { // too few to be worth it
            for (; now < left && now < RUN_ROWS_MIN; now++) bytes += b->bytes[rows[now]];
            pl_slabs_grow(&parts->slabs, &p->rows, bytes, wanted);
            now = 0;
            continue;
        }
        wanted -= bytes - fixed;
        bytes = pl_runs_put(pl_slabs_end(&p->rows), columns, count, rows, now);
        pl_slabs_added(&p->rows, bytes, now);
        for (uint32_t i = 0; i < now; i++) pl_parts__add_object(p, b->object[rows[i]]);
    }
}

// Order the batch's rows by partition (a counting sort).
static void sort_batch(pl_parts *parts)
{
    row_batch *b = &parts->batch;
    uint32_t first = 0;
    for (uint32_t i = 0; i < b->touched_count; i++) {
        part *p = parts->parts[b->touched[i]];
        p->batch_first = first;
        first += p->batch_rows;
        p->batch_rows = 0;
    }
    for (uint32_t row = 0; row < b->rows; row++) {
        part *p = parts->parts[b->part[row]];
        b->order[p->batch_first + p->batch_rows++] = row;
    }
}

// Everything in the batch goes to its partitions; row groups that are due are written.
plumb_status pl_parts_flush(pl_parts *parts, plumb_error *err)
{
    row_batch *b = &parts->batch;
    if (!b->rows) return PLUMB_OK;
    const pl_column *columns = pl_mapper_batch(parts->options.mapper);
    pl_parts__route(parts, columns);
    sort_batch(parts);
    pl_runs_bytes(columns, parts->options.schema->count, b->rows, b->bytes);
    for (uint32_t i = 0; i < b->touched_count; i++) {
        part *p = parts->parts[b->touched[i]];
        move_rows(parts, p, columns);
        p->batch_rows = 0;
        PL_TRY(pl_parts__write_group(parts, p, pl_parts__blocks_due(&p->rows, parts->group_bytes),
                                     err));
    }
    pl_mapper_clear(parts->options.mapper);
    b->rows = b->touched_count = 0;
    return parts->slabs.held > parts->options.memory_bytes ? spill_largest(parts, err) : PLUMB_OK;
}

plumb_status pl_parts_row(pl_parts *parts, pl_span object, plumb_error *err)
{
    row_batch *b = &parts->batch;
    b->object[b->rows] = object;
    b->rows = pl_mapper_keep(parts->options.mapper);
    if (b->rows < BATCH_ROWS && pl_mapper_text(parts->options.mapper) < BATCH_BYTES)
        return PLUMB_OK;
    return pl_parts_flush(parts, err);
}

const pl_part_file *pl_parts_files(const pl_parts *parts, uint32_t *ret_count)
{
    *ret_count = parts->file_count;
    return parts->files;
}
