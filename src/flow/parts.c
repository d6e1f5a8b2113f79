// SPDX-License-Identifier: Apache-2.0
#include "flow/parts.h"

#include <stdlib.h>

#include "base/map.h"
#include "column/order.h"
#include "flow/runs.h"
#include "flow/slabs.h"
#include "parquet/writer.h"
#include "json/writer.h"

// A batch stays in the cache from the mapper's writing to the runs' reading (performance note:
// batches of some 256 KiB).
enum { BATCH_ROWS = 512, BATCH_BYTES = 192 * 1024 };

// The memory of a row group's column is kept for the next one up to this: memory that is new costs
// more to touch than to fill (a tenth of a run when nothing is kept).
enum { COLUMN_KEPT = 8 * 1024 * 1024 };

// As little of PL_GROUP_BYTES as a small quota leaves.
enum { GROUP_BYTES_MIN = 8 * 1024 * 1024 };

typedef struct object_range {
    pl_span first, last;
} object_range;

typedef struct part {
    pl_span key; // serialised partition values
    pl_value *values;
    pl_row_list rows; // not written yet
    // The file being written, if any.
    pl_put *put;
    pl_parquet_writer *writer;
    char *file_key;
    uint64_t touched; // order of the last row group, to close the oldest
    object_range *ranges;
    uint32_t range_count, range_capacity;
    uint32_t batch_rows, batch_first; // its rows of the batch, in the order they are moved
    pl_column *last;                  // sorted tables: the file's last row, its sort columns; owned
    bool unsorted;                    // the file, although its row groups are sorted
} part;

// Rows of all partitions, until there are enough to be moved column by column.
typedef struct batch {
    uint32_t rows;              // kept by the mapper
    uint32_t part[BATCH_ROWS];  // index of each row's partition
    pl_span object[BATCH_ROWS]; // each row's
    uint32_t order[BATCH_ROWS]; // rows by partition
    uint32_t *touched;          // partitions with rows here
    uint32_t touched_count;
} batch;

struct pl_parts {
    pl_parts_options options;
    pl_arena *arena;
    int *sources; // index in the schema of each spec field's source column
    part **parts;
    uint32_t count, capacity;
    pl_map by_key;
    uint32_t last; // index of the last row's partition
    pl_buf key;
    pl_slabs slabs;     // where the rows of all partitions are
    size_t group_bytes; // that make a row group
    batch batch;
    pl_buf run; // one, on its way to a slab
    // The row group being written. It is made of its runs column by column, so that only one is
    // there at a time, and in the cache.
    pl_run_head *runs; // owned
    uint32_t run_count, run_room;
    uint32_t *lent;   // per field: which of `group` it uses, that of the first field of its type
    pl_column *group; // the columns in use; memory is kept
    pl_column keys[PL_SORT_FIELDS_MAX];
    uint32_t *order; // its rows in the sort order; owned
    uint32_t order_room;
    pl_parquet_memory *memory;            // of the files' writers
    int sort_sources[PL_SORT_FIELDS_MAX]; // index in the schema of each sort field's column
    pl_batch *puts;                       // files on their way to the disk
    uint32_t open_files, file_number;
    uint64_t groups;
    pl_part_file *files;
    uint32_t file_count, file_capacity;
};

static uint32_t sort_count(const pl_parts *parts)
{
    return parts->options.sort ? parts->options.sort->count : 0;
}

static pl_column *columns_new(const pl_schema *schema)
{
    pl_column *columns = pl_zalloc(schema->count, sizeof *columns);
    for (uint32_t i = 0; i < schema->count; i++)
        pl_column_init(&columns[i], &schema->fields[i].type);
    return columns;
}

static void columns_free(pl_column *columns, uint32_t count)
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
    char *spill = pl_arena_printf(arena, ".tmp/%s.spill", options->name_prefix);
    pl_slabs_init(&parts->slabs, pl_store_path(options->store, spill, arena));
    parts->puts = pl_batch_new(options->store);
    parts->batch.touched = pl_zalloc(BATCH_ROWS, sizeof *parts->batch.touched);
    parts->group = columns_new(options->schema);
    parts->lent = pl_zalloc(options->schema->count, sizeof *parts->lent);
    for (uint32_t i = 0, at; i < options->schema->count; i++) {
        for (at = 0; !pl_type_equal(&parts->group[at].type, &parts->group[i].type);) at++;
        parts->lent[i] = at;
    }
    parts->memory = pl_parquet_memory_new();
    for (uint32_t i = 0; i < sort_count(parts); i++) {
        int at = pl_schema_find_id(options->schema, options->sort->fields[i].source_id);
        parts->sort_sources[i] = at;
        pl_column_init(&parts->keys[i], &options->schema->fields[at].type);
    }
    return parts;
}

static void part_free(pl_parts *parts, part *p)
{
    pl_slabs_drop(&parts->slabs, &p->rows, p->rows.count);
    pl_parquet_close(p->writer);
    pl_put_abort(p->put);
    if (p->last) columns_free(p->last, sort_count(parts));
    free(p->ranges);
    free(p);
}

void pl_parts_free(pl_parts *parts)
{
    if (!parts) return;
    for (uint32_t i = 0; i < parts->count; i++) part_free(parts, parts->parts[i]);
    pl_batch_free(parts->puts);
    free(parts->batch.touched);
    columns_free(parts->group, parts->options.schema->count);
    for (uint32_t i = 0; i < sort_count(parts); i++) pl_column_done(&parts->keys[i]);
    pl_parquet_memory_free(parts->memory);
    free(parts->runs);
    free(parts->lent);
    free(parts->order);
    pl_buf_done(&parts->run);
    pl_slabs_done(&parts->slabs);
    free(parts->parts);
    free(parts->sources);
    free(parts->files);
    pl_map_done(&parts->by_key);
    pl_buf_done(&parts->key);
    free(parts);
}

static pl_value partition_value(const pl_parts *parts, uint32_t i)
{
    uint32_t source = (uint32_t)parts->sources[i];
    pl_value value = pl_mapper_value(parts->options.mapper, source);
    return pl_transform_apply(&parts->options.spec->fields[i].transform,
                              &parts->options.schema->fields[source].type, &value);
}

static uint32_t part_new(pl_parts *parts, const pl_value *values)
{
    part *p = pl_zalloc(1, sizeof *p);
    p->key = pl_arena_copy(parts->arena, pl_buf_view(&parts->key));
    p->values = PL_TAKE(parts->arena, pl_value, parts->options.spec->count);
    for (uint32_t i = 0; i < parts->options.spec->count; i++) {
        p->values[i] = values[i];
        if (!values[i].is_null && (values[i].kind == PL_STRING || values[i].kind == PL_JSON))
            p->values[i].text = pl_arena_copy(parts->arena, values[i].text);
    }
    PL_GROW(parts->parts, parts->count, parts->capacity);
    pl_map_add(&parts->by_key, p->key, parts->count);
    parts->parts[parts->count] = p;
    return parts->count++;
}

// Index of the partition of the mapper's row. Rows of one partition come in runs, so the last one
// is tried first.
static uint32_t part_of(pl_parts *parts)
{
    pl_value values[PL_PARTITION_FIELDS_MAX];
    pl_buf_reset(&parts->key);
    for (uint32_t i = 0; i < parts->options.spec->count; i++) {
        values[i] = partition_value(parts, i);
        size_t mark = parts->key.count;
        uint32_t bytes = UINT32_MAX; // NULL, unlike any length
        pl_buf_append(&parts->key, &bytes, sizeof bytes);
        if (values[i].is_null) continue;
        pl_value_bytes(&parts->key, &values[i]);
        bytes = (uint32_t)(parts->key.count - mark - sizeof bytes);
        memcpy(parts->key.data + mark, &bytes, sizeof bytes);
    }
    pl_span key = pl_buf_view(&parts->key);
    if (parts->count && pl_span_equal(parts->parts[parts->last]->key, key)) return parts->last;
    uint32_t index = pl_map_get(&parts->by_key, key);
    parts->last = index == PL_MAP_NONE ? part_new(parts, values) : index;
    return parts->last;
}

static void range_add(part *p, pl_span object)
{
    const pl_span *last = p->range_count ? &p->ranges[p->range_count - 1].last : NULL;
    if (last && (last->data == object.data || pl_span_equal(*last, object))) return;
    if (p->range_count == PL_FILE_OBJECTS_MAX) { // capped: one wider range
        p->ranges[p->range_count - 1].last = object;
        return;
    }
    PL_GROW(p->ranges, p->range_count, p->range_capacity);
    p->ranges[p->range_count++] = (object_range){object, object};
}

static char *ranges_json(const part *p, pl_arena *arena)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
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
                  ++parts->file_number);
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

static plumb_status file_finish(pl_parts *parts, part *p, plumb_error *err)
{
    if (!p->put) return PLUMB_OK;
    pl_part_file file = {.key = p->file_key, .values = p->values};
    file.sorted = sort_count(parts) && !p->unsorted;
    p->unsorted = false;
    for (uint32_t i = 0; p->last && i < sort_count(parts); i++) pl_column_reset(&p->last[i]);
    PL_TRY(pl_parquet_finish(p->writer, parts->arena, &file.metrics, err));
    pl_parquet_close(p->writer);
    p->writer = NULL;
    pl_batch_add(parts->puts, p->put);
    p->put = NULL;
    parts->open_files--;
    file.uri = pl_span_of(pl_store_uri(parts->options.store, file.key, parts->arena));
    file.objects = ranges_json(p, parts->arena);
    if (!p->rows.rows) p->range_count = 0; // else the rows still held are of these objects, too
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
    return oldest ? file_finish(parts, oldest, err) : PLUMB_OK;
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
    for (uint32_t k = 0; k < sort_count(parts); k++) {
        pl_column_reset(&parts->keys[k]);
        pl_column_reserve(&parts->keys[k], rows);
    }
    for (uint32_t i = 0; i < parts->run_count; i++) {
        const char *at = parts->runs[i].columns;
        for (uint32_t c = 0; c < schema->count; c++) {
            for (uint32_t k = 0; k < sort_count(parts); k++)
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
    for (uint32_t i = 0; i < sort_count(parts); i++) keys[i] = &parts->keys[i];
    if (rows > parts->order_room) {
        free(parts->order);
        parts->order = pl_zalloc(rows, sizeof *parts->order);
        parts->order_room = rows;
    }
    take_keys(parts, rows);
    bool moved = pl_order_rows(parts->options.sort, keys, parts->order, rows);
    note_order(parts, p, parts->order[0], parts->order[rows - 1]);
    for (uint32_t i = 0; i < sort_count(parts); i++) forget_column(&parts->keys[i]);
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
    bool moved = sort_count(parts) && sort_rows(parts, p, rows);
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
static plumb_status write_group(pl_parts *parts, part *p, uint32_t blocks, plumb_error *err)
{
    if (!blocks) return PLUMB_OK;
    if (parts->options.cancel && atomic_load(parts->options.cancel))
        return pl_fail(err, PLUMB_E_CANCELLED, "stopped on request");
    if (!p->put) {
        if (parts->open_files >= PL_OPEN_FILES_MAX) PL_TRY(close_oldest(parts, err));
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
static uint32_t blocks_due(const pl_row_list *list, size_t group_bytes)
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

// Spill the largest partitions until half of the pool is free.
static plumb_status spill_largest(pl_parts *parts, plumb_error *err)
{
    if (parts->slabs.spill.fd < 0) {
        const char *hidden = pl_store_path(parts->options.store, ".tmp", parts->arena);
        PL_TRY(pl_path_make_way(hidden, err));
    }
    while (parts->slabs.held > parts->options.memory_bytes / 2) {
        part *largest = parts->parts[0];
        for (uint32_t i = 1; i < parts->count; i++)
            if (parts->parts[i]->rows.held > largest->rows.held) largest = parts->parts[i];
        PL_TRY(pl_slabs_spill(&parts->slabs, &largest->rows, err));
    }
    return PLUMB_OK;
}

// How many rows of `row_bytes` each make a run that fits into what is left of the last slab, or
// into a new one.
static uint32_t rows_that_fit(const pl_row_list *list, size_t row_bytes)
{
    const pl_block *last = list->count ? &list->blocks[list->count - 1] : NULL;
    size_t room = last && last->data && last->slab ? PL_SLAB_BYTES - last->bytes : 0;
    if (room < row_bytes) room = PL_SLAB_BYTES;
    return (uint32_t)PL_MAX(room / row_bytes, (size_t)1);
}

// Move one partition's rows of the batch to its blocks. `row_bytes` is the mean of the batch.
static void move_rows(pl_parts *parts, part *p, const pl_column *columns, size_t row_bytes)
{
    const batch *b = &parts->batch;
    const uint32_t *rows = b->order + p->batch_first;
    for (uint32_t left = p->batch_rows, now; left; left -= now, rows += now) {
        now = PL_MIN(left, rows_that_fit(&p->rows, row_bytes));
        pl_buf_reset(&parts->run);
        pl_runs_put(&parts->run, columns, parts->options.schema->count, rows, now);
        pl_slabs_add(&parts->slabs, &p->rows, pl_buf_view(&parts->run), now);
        for (uint32_t i = 0; i < now; i++) range_add(p, b->object[rows[i]]);
    }
}

// Order the batch's rows by partition (a counting sort).
static void sort_batch(pl_parts *parts)
{
    batch *b = &parts->batch;
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
static plumb_status flush_batch(pl_parts *parts, plumb_error *err)
{
    batch *b = &parts->batch;
    if (!b->rows) return PLUMB_OK;
    sort_batch(parts);
    const pl_column *columns = pl_mapper_batch(parts->options.mapper);
    size_t bytes = 0;
    for (uint32_t i = 0; i < parts->options.schema->count; i++)
        bytes += pl_column_bytes(&columns[i]);
    for (uint32_t i = 0; i < b->touched_count; i++) {
        part *p = parts->parts[b->touched[i]];
        move_rows(parts, p, columns, bytes / b->rows + 1);
        p->batch_rows = 0;
        PL_TRY(write_group(parts, p, blocks_due(&p->rows, parts->group_bytes), err));
    }
    pl_mapper_clear(parts->options.mapper);
    b->rows = b->touched_count = 0;
    return parts->slabs.held > parts->options.memory_bytes ? spill_largest(parts, err) : PLUMB_OK;
}

plumb_status pl_parts_row(pl_parts *parts, pl_span object, plumb_error *err)
{
    batch *b = &parts->batch;
    uint32_t index = part_of(parts);
    if (!parts->parts[index]->batch_rows++) b->touched[b->touched_count++] = index;
    b->part[b->rows] = index;
    b->object[b->rows] = object;
    b->rows = pl_mapper_keep(parts->options.mapper);
    if (b->rows < BATCH_ROWS && pl_mapper_text(parts->options.mapper) < BATCH_BYTES)
        return PLUMB_OK;
    return flush_batch(parts, err);
}

plumb_status pl_parts_finish(pl_parts *parts, pl_part_file **ret_files, uint32_t *ret_count,
                             plumb_error *err)
{
    PL_TRY(flush_batch(parts, err));
    for (uint32_t i = 0; i < parts->count; i++) {
        PL_TRY(write_group(parts, parts->parts[i], parts->parts[i]->rows.count, err));
        PL_TRY(file_finish(parts, parts->parts[i], err));
    }
    PL_TRY(pl_batch_settle(parts->puts, err));
    *ret_files = PL_TAKE(parts->arena, pl_part_file, parts->file_count);
    if (parts->file_count) memcpy(*ret_files, parts->files, parts->file_count * sizeof **ret_files);
    *ret_count = parts->file_count;
    return PLUMB_OK;
}
