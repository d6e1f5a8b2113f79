// groups.c -- a partition's rows to row groups and files.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "column/order.h"
#include "flow/parts_int.h"
#include "flow/runs.h"
#include "json/writer.h"

// The memory of a row group's column is kept for the next one up to this: memory that is new costs
// more to touch than to fill (a tenth of a run when nothing is kept).
enum { COLUMN_KEPT = 8 * 1024 * 1024 };

void pl_parts__part_free(pl_parts *parts, part *p)
{
    pl_slabs_drop(&parts->slabs, &p->rows, p->rows.count);
    pl_parquet_close(p->writer);
    pl_put_abort(p->put);
    if (p->last) pl_parts__columns_free(p->last, pl_parts__sort_count(parts));
    free(p->ranges);
    free(p);
}

static int span_compare(pl_span a, pl_span b)
{
    int order = memcmp(a.data, b.data, PL_MIN(a.bytes, b.bytes));
    return order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

void pl_parts__add_range(part *p, object_range range)
{
    for (uint32_t i = p->range_count; i--;)
        if (span_compare(range.first, p->ranges[i].first) >= 0 &&
            span_compare(range.last, p->ranges[i].last) <= 0)
            return;
    if (p->range_count == PL_FILE_OBJECTS_MAX) { // capped: one wider range
        object_range *last = &p->ranges[p->range_count - 1];
        if (span_compare(range.first, last->first) < 0) last->first = range.first;
        if (span_compare(range.last, last->last) > 0) last->last = range.last;
        return;
    }
    PL_GROW(p->ranges, p->range_count, p->range_capacity);
    p->ranges[p->range_count++] = range;
}

void pl_parts__add_object(part *p, pl_span object)
{
    if (p->object == object.data) return;
    p->object = object.data;
    pl_parts__add_range(p, (object_range){object, object});
}

static int range_order(const void *a, const void *b)
{
    return span_compare(((const object_range *)a)->first, ((const object_range *)b)->first);
}

// In order, which is that of landing, whoever read them.
static char *ranges_json(part *p, pl_arena *arena)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    if (p->range_count) qsort(p->ranges, p->range_count, sizeof *p->ranges, range_order);
    pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < p->range_count; i++) {
        pl_json_begin(&w, '[');
        pl_json_text(&w, p->ranges[i].first);
        pl_json_text(&w, p->ranges[i].last);
        pl_json_end(&w, ']');
    }
    pl_json_end(&w, ']');
    char *json = pl_arena_cstr(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return json;
}

static plumb_status file_open(pl_parts *parts, part *p, plumb_error *err)
{
    const pl_parts_options *o = &parts->options;
    pl_buf key = {0};
    pl_buf_printf(&key, "%s/", o->data_prefix);
    size_t before = key.count;
    pl_partition_path(&key, o->spec, o->schema, p->values);
    pl_buf_printf(&key, "%s%s-%u.parquet", key.count > before ? "/" : "", o->name_prefix,
                  atomic_fetch_add(parts->options.file_number, 1) + 1);
    p->file_key = pl_arena_cstr(parts->arena, pl_buf_view(&key));
    pl_buf_done(&key);
    PL_TRY(pl_put_begin(o->store, p->file_key, &p->put, err));
    parts->open_files++;
    pl_parquet_options options = {.memory = parts->memory,
                                  .compact = o->compact,
                                  .codec = o->zstd ? PL_PARQUET_ZSTD : PL_PARQUET_SNAPPY,
                                  .sort = o->sort,
                                  .bloom_ids = o->bloom_ids,
                                  .bloom_count = o->bloom_count};
    return pl_parquet_open(o->schema, &options, p->put, &p->writer, err);
}

plumb_status pl_parts__file_finish(pl_parts *parts, part *p, plumb_error *err)
{
    if (!p->put) return PLUMB_OK;
    pl_part_file file = {.key = p->file_key, .values = p->values};
    file.sorted = pl_parts__sort_count(parts) && !p->unsorted;
    p->unsorted = false;
    for (uint32_t i = 0; p->last && i < pl_parts__sort_count(parts); i++)
        pl_column_reset(&p->last[i]);
    PL_TRY(pl_parquet_finish(p->writer, parts->arena, &file.metrics, err));
    pl_parquet_close(p->writer);
    p->writer = NULL;
    pl_batch_add(parts->options.batch, p->put);
    p->put = NULL;
    parts->open_files--;
    file.uri = pl_span_of(pl_store_uri(parts->options.store, file.key, parts->arena));
    file.objects = ranges_json(p, parts->arena);
    if (!p->rows.rows) { // else the rows still held are of these objects, too
        p->range_count = 0;
        p->object = NULL;
    }
    PL_GROW(parts->files, parts->file_count, parts->file_capacity);
    parts->files[parts->file_count++] = file;
    return PLUMB_OK;
}

static plumb_status close_oldest(pl_parts *parts, plumb_error *err)
{
    part *oldest = NULL;
    for (uint32_t i = 0; i < parts->count; i++) {
        part *p = parts->parts[i];
        if (p->put && (!oldest || p->touched < oldest->touched)) oldest = p;
    }
    return oldest ? pl_parts__file_finish(parts, oldest, err) : PLUMB_OK;
}

// The runs of the first `blocks` blocks.
static plumb_status find_runs(pl_parts *parts, part *p, uint32_t blocks, plumb_error *err)
{
    PL_TRY(pl_slabs_load(&parts->slabs, &p->rows, blocks, err));
    parts->run_count = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        const pl_block *block = &p->rows.blocks[b];
        for (const char *at = block->data; at < block->data + block->bytes;) {
            pl_run_head run = pl_runs_head(at);
            PL_GROW(parts->runs, parts->run_count, parts->run_room);
            parts->runs[parts->run_count++] = run;
            at = run.end;
        }
    }
    return PLUMB_OK;
}

// The runs' next column, whose rows are `rows`, into `column`.
static void take_column(pl_parts *parts, pl_column *column, uint32_t rows)
{
    pl_column_reset(column);
    pl_column_reserve(column, rows);
    for (uint32_t i = 0; i < parts->run_count; i++) {
        pl_run_head *run = &parts->runs[i];
        run->columns = pl_runs_take(run->columns, column, run->rows);
    }
}

static void forget_column(pl_column *column)
{
    if (pl_column_bytes(column) <= COLUMN_KEPT) return;
    pl_type type = column->type;
    pl_column_done(column);
    pl_column_init(column, &type);
}

// Does the group go on where the file's last one ended? Remember where this one ends.
static void note_order(pl_parts *parts, part *p, uint32_t first, uint32_t last)
{
    const pl_sort_order *sort = parts->options.sort;
    int order = 0;
    if (!p->last) {
        p->last = pl_zalloc(sort->count, sizeof *p->last);
        for (uint32_t i = 0; i < sort->count; i++)
            pl_column_init(&p->last[i], &parts->keys[i].type);
    }
    for (uint32_t i = 0; i < sort->count && p->last[i].count && order == 0; i++) {
        pl_value before = pl_column_value(&p->last[i], 0);
        pl_value after = pl_column_value(&parts->keys[i], first);
        order = pl_order_compare(&sort->fields[i], &before, &after);
    }
    p->unsorted |= order > 0;
    for (uint32_t i = 0; i < sort->count; i++) {
        pl_column_reset(&p->last[i]);
        pl_order_take(&p->last[i], &parts->keys[i], &last, 1);
    }
}

// Take the columns to sort by out of the runs, without moving on in them.
static void take_keys(pl_parts *parts, uint32_t rows)
{
    const pl_schema *schema = parts->options.schema;
    for (uint32_t k = 0; k < pl_parts__sort_count(parts); k++) {
        pl_column_reset(&parts->keys[k]);
        pl_column_reserve(&parts->keys[k], rows);
    }
    for (uint32_t i = 0; i < parts->run_count; i++) {
        const char *at = parts->runs[i].columns;
        for (uint32_t c = 0; c < schema->count; c++) {
            for (uint32_t k = 0; k < pl_parts__sort_count(parts); k++)
                if (parts->sort_sources[k] == (int)c)
                    pl_runs_take(at, &parts->keys[k], parts->runs[i].rows);
            at = pl_runs_skip(at, &schema->fields[c].type, parts->runs[i].rows);
        }
    }
}

// The rows in the table's order, in `parts->order`. False: they are in it as they come.
static bool sort_rows(pl_parts *parts, part *p, uint32_t rows)
{
    const pl_column *keys[PL_SORT_FIELDS_MAX];
    for (uint32_t i = 0; i < pl_parts__sort_count(parts); i++) keys[i] = &parts->keys[i];
    if (rows > parts->order_room) {
        free(parts->order);
        parts->order = pl_zalloc(rows, sizeof *parts->order);
        parts->order_room = rows;
    }
    take_keys(parts, rows);
    bool moved = pl_order_rows(parts->options.sort, keys, parts->order, rows);
    note_order(parts, p, parts->order[0], parts->order[rows - 1]);
    for (uint32_t i = 0; i < pl_parts__sort_count(parts); i++) forget_column(&parts->keys[i]);
    return moved;
}

static plumb_status write_sorted(pl_parts *parts, part *p, const pl_column *column,
                                 plumb_error *err)
{
    pl_column sorted;
    pl_column_init(&sorted, &column->type);
    pl_column_reserve(&sorted, column->count);
    pl_order_take(&sorted, column, parts->order, column->count);
    plumb_status st = pl_parquet_write_column(p->writer, &sorted, err);
    pl_column_done(&sorted);
    return st;
}

// The first `blocks` blocks of an open file's rows.
static plumb_status write_blocks(pl_parts *parts, part *p, uint32_t blocks, uint32_t rows,
                                 plumb_error *err)
{
    PL_TRY(find_runs(parts, p, blocks, err));
    bool moved = pl_parts__sort_count(parts) && sort_rows(parts, p, rows);
    pl_parquet_begin_group(p->writer, rows);
    for (uint32_t i = 0; i < parts->options.schema->count; i++) {
        pl_column *column = &parts->group[parts->lent[i]];
        take_column(parts, column, rows);
        if (moved)
            PL_TRY(write_sorted(parts, p, column, err));
        else
            PL_TRY(pl_parquet_write_column(p->writer, column, err));
        forget_column(column);
    }
    pl_slabs_drop(&parts->slabs, &p->rows, blocks);
    return PLUMB_OK;
}

// A row group of the first `blocks` blocks.
plumb_status pl_parts__write_group(pl_parts *parts, part *p, uint32_t blocks, plumb_error *err)
{
    if (!blocks) return PLUMB_OK;
    if (parts->options.cancel && atomic_load(parts->options.cancel))
        return pl_fail(err, PLUMB_E_CANCELLED, "stopped on request");
    if (!p->put) {
        if (parts->open_files >= parts->options.open_files_max) PL_TRY(close_oldest(parts, err));
        PL_TRY(file_open(parts, p, err));
    }
    uint32_t rows = 0;
    size_t bytes = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        rows += p->rows.blocks[b].rows;
        bytes += p->rows.blocks[b].bytes;
    }
    size_t taken = pl_quota_take(parts->options.quota, bytes);
    plumb_status st = write_blocks(parts, p, blocks, rows, err);
    pl_quota_give(parts->options.quota, taken);
    p->touched = ++parts->groups;
    return st;
}

// How many blocks make the row group that is due now; 0: none is. Half of what is held is written,
// so that what remains is a row group of its own; unless rows are so wide that PL_GROUP_BYTES are
// fewer than PL_GROUP_ROWS_MIN of them.
uint32_t pl_parts__blocks_due(const pl_row_list *list, size_t group_bytes)
{
    bool large = list->bytes >= group_bytes;
    if (large && list->rows < PL_GROUP_ROWS_MIN) return list->count;
    // Halves differ by a block at most.
    uint64_t two_groups = 2 * (PL_GROUP_ROWS_MIN + PL_BLOCK_ROWS_MAX);
    // Rows all of one width never get here; but they may begin narrow and become wide.
    bool heavy = list->bytes > two_groups * group_bytes / PL_GROUP_ROWS_MIN;
    if (!heavy && list->rows < (large ? two_groups : 2 * PL_GROUP_ROWS)) return 0;
    uint64_t rows = 0, bytes = 0;
    uint32_t blocks = 0;
    while (heavy ? bytes < group_bytes : rows < list->rows / 2) {
        bytes += list->blocks[blocks].bytes;
        rows += list->blocks[blocks++].rows;
    }
    return blocks;
}
