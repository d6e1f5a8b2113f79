// SPDX-License-Identifier: Apache-2.0
#include "flow/parts.h"

#include <stdlib.h>

#include "base/map.h"
#include "flow/rows.h"
#include "flow/slabs.h"
#include "parquet/writer.h"
#include "json/writer.h"

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
} part;

struct pl_parts {
    pl_parts_options options;
    pl_arena *arena;
    int *sources; // index in the schema of each spec field's source column
    part **parts;
    uint32_t count, capacity;
    pl_map by_key;
    part *last;
    pl_buf key;
    pl_slabs slabs;    // where the rows of all partitions are
    size_t pool_bytes; // that they may take
    pl_column *stage;  // one row, per column
    pl_buf row;        // the same as bytes
    const char **at;   // while a group is written: where the next column of each row begins
    uint32_t at_room;
    uint32_t open_files, file_number;
    uint64_t groups;
    pl_part_file *files;
    uint32_t file_count, file_capacity;
};

pl_parts *pl_parts_new(const pl_parts_options *options, pl_arena *arena)
{
    pl_parts *parts = pl_zalloc(1, sizeof *parts);
    parts->options = *options;
    parts->arena = arena;
    parts->sources = pl_zalloc(options->spec->count, sizeof *parts->sources);
    for (uint32_t i = 0; i < options->spec->count; i++)
        parts->sources[i] = pl_schema_find_id(options->schema, options->spec->fields[i].source_id);
    // What a row group takes to be written has its share of the memory.
    parts->pool_bytes =
        options->memory_bytes - PL_MIN(options->memory_bytes / 2, (size_t)PL_GROUP_BYTES);
    char *spill = pl_arena_printf(arena, ".tmp/%s.spill", options->name_prefix);
    pl_slabs_init(&parts->slabs, pl_store_path(options->store, spill, arena));
    parts->stage = pl_zalloc(options->schema->count, sizeof *parts->stage);
    for (uint32_t i = 0; i < options->schema->count; i++)
        pl_column_init(&parts->stage[i], &options->schema->fields[i].type);
    return parts;
}

static void part_free(pl_parts *parts, part *p)
{
    pl_slabs_drop(&parts->slabs, &p->rows, p->rows.count);
    pl_parquet_close(p->writer);
    pl_put_abort(p->put);
    free(p->ranges);
    free(p);
}

void pl_parts_free(pl_parts *parts)
{
    if (!parts) return;
    for (uint32_t i = 0; i < parts->count; i++) part_free(parts, parts->parts[i]);
    for (uint32_t i = 0; i < parts->options.schema->count; i++) pl_column_done(&parts->stage[i]);
    free(parts->stage);
    pl_buf_done(&parts->row);
    free(parts->at);
    pl_slabs_done(&parts->slabs);
    free(parts->parts);
    free(parts->sources);
    free(parts->files);
    pl_map_done(&parts->by_key);
    pl_buf_done(&parts->key);
    free(parts);
}

static pl_value partition_value(const pl_parts *parts, uint32_t i, const pl_cell *cells)
{
    const pl_field *field = &parts->options.schema->fields[parts->sources[i]];
    return pl_transform_apply(&parts->options.spec->fields[i].transform, &field->type,
                              &cells[parts->sources[i]].value);
}

static part *part_new(pl_parts *parts, const pl_value *values)
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
    parts->parts[parts->count++] = p;
    return p;
}

// The partition of the mapper's row. Rows of one partition come in runs, so the last one is tried
// first.
static part *part_of(pl_parts *parts, const pl_cell *cells)
{
    pl_value values[PL_PARTITION_FIELDS_MAX];
    pl_buf_reset(&parts->key);
    for (uint32_t i = 0; i < parts->options.spec->count; i++) {
        values[i] = partition_value(parts, i, cells);
        size_t mark = parts->key.count;
        uint32_t bytes = UINT32_MAX; // NULL, unlike any length
        pl_buf_append(&parts->key, &bytes, sizeof bytes);
        if (values[i].is_null) continue;
        pl_value_bytes(&parts->key, &values[i]);
        bytes = (uint32_t)(parts->key.count - mark - sizeof bytes);
        memcpy(parts->key.data + mark, &bytes, sizeof bytes);
    }
    pl_span key = pl_buf_view(&parts->key);
    if (parts->last && pl_span_equal(parts->last->key, key)) return parts->last;
    uint32_t index = pl_map_get(&parts->by_key, key);
    parts->last = index == PL_MAP_NONE ? part_new(parts, values) : parts->parts[index];
    return parts->last;
}

static void range_add(part *p, pl_span object)
{
    if (p->range_count && pl_span_equal(p->ranges[p->range_count - 1].last, object)) return;
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
    pl_partition_path(&key, o->spec, p->values);
    pl_buf_printf(&key, "%s%s-%u.parquet", key.count > before ? "/" : "", o->name_prefix,
                  ++parts->file_number);
    p->file_key = pl_arena_cstr(parts->arena, pl_buf_view(&key));
    pl_buf_done(&key);
    PL_TRY(pl_put_begin(o->store, p->file_key, &p->put, err));
    parts->open_files++;
    return pl_parquet_open(o->schema, NULL, p->put, &p->writer, err);
}

static plumb_status file_finish(pl_parts *parts, part *p, plumb_error *err)
{
    if (!p->put) return PLUMB_OK;
    pl_part_file file = {.key = p->file_key, .values = p->values};
    PL_TRY(pl_parquet_finish(p->writer, parts->arena, &file.metrics, err));
    pl_parquet_close(p->writer);
    p->writer = NULL;
    pl_put *put = p->put;
    p->put = NULL;
    parts->open_files--;
    PL_TRY(pl_put_finish(put, 0, err));
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

// Point parts->at at every row of the first `blocks` blocks; returns their number.
static uint32_t find_rows(pl_parts *parts, const part *p, uint32_t blocks)
{
    uint32_t rows = 0;
    for (uint32_t b = 0; b < blocks; b++) rows += p->rows.blocks[b].rows;
    if (rows > parts->at_room) {
        free(parts->at);
        parts->at = pl_zalloc(rows, sizeof *parts->at);
        parts->at_room = rows;
    }
    uint32_t row = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        const char *next = p->rows.blocks[b].data;
        for (uint32_t n = 0; n < p->rows.blocks[b].rows; n++) {
            uint32_t bytes;
            memcpy(&bytes, next, sizeof bytes);
            parts->at[row++] = next + sizeof bytes;
            next += sizeof bytes + bytes;
        }
    }
    return rows;
}

// Column by column, so that only one of them exists as a column.
static plumb_status write_columns(pl_parts *parts, part *p, uint32_t rows, plumb_error *err)
{
    pl_parquet_begin_group(p->writer, rows);
    for (uint32_t i = 0; i < parts->options.schema->count; i++) {
        pl_column column;
        pl_column_init(&column, &parts->options.schema->fields[i].type);
        pl_column_reserve(&column, rows);
        for (uint32_t row = 0; row < rows; row++)
            parts->at[row] = pl_rows_take(parts->at[row], &column);
        plumb_status st = pl_parquet_write_column(p->writer, &column, err);
        pl_column_done(&column);
        PL_TRY(st);
    }
    return PLUMB_OK;
}

// A row group of the first `blocks` blocks.
static plumb_status write_group(pl_parts *parts, part *p, uint32_t blocks, plumb_error *err)
{
    if (!blocks) return PLUMB_OK;
    if (!p->put) {
        if (parts->open_files >= PL_OPEN_FILES_MAX) PL_TRY(close_oldest(parts, err));
        PL_TRY(file_open(parts, p, err));
    }
    PL_TRY(pl_slabs_load(&parts->slabs, &p->rows, blocks, err));
    PL_TRY(write_columns(parts, p, find_rows(parts, p, blocks), err));
    pl_slabs_drop(&parts->slabs, &p->rows, blocks);
    p->touched = ++parts->groups;
    return PLUMB_OK;
}

// How many blocks make the row group that is due now; 0: none is. Half of what is held is written,
// so that what remains is a row group of its own; unless rows are so wide that PL_GROUP_BYTES are
// fewer than PL_GROUP_ROWS_MIN of them.
static uint32_t blocks_due(const pl_row_list *list)
{
    bool large = list->bytes >= PL_GROUP_BYTES;
    if (large && list->rows < PL_GROUP_ROWS_MIN) return list->count;
    // Halves differ by a block at most.
    uint64_t two_groups = 2 * (PL_GROUP_ROWS_MIN + PL_SLAB_BYTES / sizeof(uint32_t));
    if (list->rows < (large ? two_groups : 2 * PL_GROUP_ROWS)) return 0;
    uint64_t rows = 0;
    uint32_t blocks = 0;
    while (rows < list->rows / 2) rows += list->blocks[blocks++].rows;
    return blocks;
}

// Spill the largest partitions until half of the pool is free.
static plumb_status spill_largest(pl_parts *parts, plumb_error *err)
{
    if (parts->slabs.spill.fd < 0) {
        const char *hidden = pl_store_path(parts->options.store, ".tmp", parts->arena);
        PL_TRY(pl_path_make_directories(hidden, err));
    }
    while (parts->slabs.held > parts->pool_bytes / 2) {
        part *largest = parts->parts[0];
        for (uint32_t i = 1; i < parts->count; i++)
            if (parts->parts[i]->rows.held > largest->rows.held) largest = parts->parts[i];
        PL_TRY(pl_slabs_spill(&parts->slabs, &largest->rows, err));
    }
    return PLUMB_OK;
}

static void stage_row(pl_parts *parts, const pl_mapper *mapper)
{
    uint32_t count = parts->options.schema->count, bytes = 0;
    for (uint32_t i = 0; i < count; i++) pl_column_reset(&parts->stage[i]);
    pl_mapper_append(mapper, parts->stage);
    pl_buf_reset(&parts->row);
    pl_buf_append(&parts->row, &bytes, sizeof bytes);
    pl_rows_put(&parts->row, parts->stage, count, 0);
    bytes = (uint32_t)(parts->row.count - sizeof bytes);
    memcpy(parts->row.data, &bytes, sizeof bytes);
}

plumb_status pl_parts_row(pl_parts *parts, const pl_mapper *mapper, pl_span object,
                          plumb_error *err)
{
    part *p = part_of(parts, pl_mapper_cells(mapper));
    stage_row(parts, mapper);
    pl_slabs_add(&parts->slabs, &p->rows, pl_buf_view(&parts->row));
    range_add(p, object);
    PL_TRY(write_group(parts, p, blocks_due(&p->rows), err));
    if (parts->slabs.held <= parts->pool_bytes) return PLUMB_OK;
    return spill_largest(parts, err);
}

plumb_status pl_parts_finish(pl_parts *parts, pl_part_file **ret_files, uint32_t *ret_count,
                             plumb_error *err)
{
    for (uint32_t i = 0; i < parts->count; i++) {
        PL_TRY(write_group(parts, parts->parts[i], parts->parts[i]->rows.count, err));
        PL_TRY(file_finish(parts, parts->parts[i], err));
    }
    *ret_files = PL_TAKE(parts->arena, pl_part_file, parts->file_count);
    if (parts->file_count) memcpy(*ret_files, parts->files, parts->file_count * sizeof **ret_files);
    *ret_count = parts->file_count;
    return PLUMB_OK;
}
