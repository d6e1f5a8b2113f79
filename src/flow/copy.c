// SPDX-License-Identifier: Apache-2.0
#include "flow/copy.h"

#include <stdlib.h>

#include "column/order.h"
#include "parquet/reader.h"
#include "parquet/writer.h"
#include "json/writer.h"

enum { GROUP_BYTES_MIN = 8 * 1024 * 1024 };

// A row group of a file that is read: rows `first`, first + 1, ... of all that are kept.
typedef struct source_group {
    pl_parquet_reader *reader;
    uint32_t number;
    uint32_t first, count;
    uint32_t *rows; // which ones, owned; NULL: all
} source_group;

typedef struct copying {
    const pl_parts_options *options;
    const pl_copy_job *job;
    pl_arena *arena;
    pl_copied *out;
    int object_field;
    pl_parquet_reader **readers;
    source_group *groups;
    uint32_t group_count, group_room;
    uint32_t rows;  // that are kept
    pl_map objects; // with rows that are kept; their texts are in the arena
    pl_span *object_ids;
    uint32_t object_room;
    pl_column keys[PL_SORT_FIELDS_MAX];
    int key_fields[PL_SORT_FIELDS_MAX];
    uint32_t key_count;
    uint32_t *order;  // the kept rows as they will stand; NULL: as they do
    double row_bytes; // of one in memory, as seen so far
    // The row group being made: of which source groups its rows are, and which of theirs.
    uint32_t *touched, touched_count;
    uint32_t *counts, *ends; // [groups]: its rows, and where they end in `picked`
    uint32_t *picked;        // rows of the source groups, one group after the other
    uint32_t *places;        // row i of the new group is picked[places[i]]
    bool moved;              // places is not 0, 1, 2, ...
    pl_column part, gathered, sorted;
    pl_put *put;
    pl_parquet_writer *writer;
    pl_parquet_memory *memory;
} copying;

// ---- which rows --------------------------------------------------------------------------------
static int object_field(const pl_schema *schema)
{
    return pl_schema_find(schema, PL_SPAN("_object"));
}

static plumb_status no_objects(const char *key, plumb_error *err)
{
    return pl_fail(err, PLUMB_E_MALFORMED,
                   "cannot copy rows of '%s': they do not say of which object they are", key);
}

// The end of the stretch of one object's rows that begins at `row`.
static uint32_t stretch_end(const pl_column *objects, uint32_t row)
{
    pl_span object = pl_column_span(objects, row);
    uint32_t end = row + 1;
    while (end < objects->count && pl_span_equal(pl_column_span(objects, end), object)) end++;
    return end;
}

plumb_status pl_copy_look(pl_store *store, const char *key, const pl_schema *schema,
                          pl_copy_visit visit, void *context, plumb_error *err)
{
    pl_parquet_reader *reader;
    pl_column objects;
    int field = object_field(schema);
    if (field < 0) return no_objects(key, err);
    PL_TRY(pl_parquet_reader_open(store, key, schema, &reader, err));
    pl_column_init(&objects, &schema->fields[field].type);
    plumb_status st = PLUMB_OK;
    for (uint32_t g = 0; g < pl_parquet_reader_groups(reader) && st == PLUMB_OK; g++) {
        st = pl_parquet_read_column(reader, g, (uint32_t)field, &objects, err);
        if (st == PLUMB_OK && objects.nulls) st = no_objects(key, err);
        for (uint32_t row = 0, end; st == PLUMB_OK && row < objects.count; row = end) {
            end = stretch_end(&objects, row);
            visit(context, pl_column_span(&objects, row), end - row);
        }
    }
    pl_column_done(&objects);
    pl_parquet_reader_close(reader);
    return st;
}

static void note_object(copying *c, pl_span object)
{
    if (pl_map_get(&c->objects, object) != PL_MAP_NONE) return;
    pl_span copy = pl_arena_copy(c->arena, object);
    PL_GROW(c->object_ids, c->objects.count, c->object_room);
    c->object_ids[c->objects.count] = copy;
    pl_map_add(&c->objects, copy, c->objects.count);
}

static void append_keys(copying *c, const source_group *group, const pl_column *column, uint32_t k)
{
    if (group->rows) {
        pl_order_take(&c->keys[k], column, group->rows, group->count);
        return;
    }
    for (uint32_t row = 0; row < column->count; row++) pl_order_take(&c->keys[k], column, &row, 1);
}

// Which rows of a group are kept, and what they are sorted by.
static plumb_status take_group(copying *c, pl_parquet_reader *reader, uint32_t number,
                               pl_column *column, plumb_error *err)
{
    const pl_schema *schema = c->options->schema;
    uint32_t all = pl_parquet_group_rows(reader, number);
    PL_TRY(pl_parquet_read_column(reader, number, (uint32_t)c->object_field, column, err));
    source_group group = {.reader = reader, .number = number, .first = c->rows};
    group.rows = pl_alloc(all * sizeof *group.rows + 1);
    for (uint32_t row = 0, end; row < column->count; row = end) {
        end = stretch_end(column, row);
        pl_span object = pl_column_span(column, row);
        if (c->job->without && pl_map_get(c->job->without, object) != PL_MAP_NONE) continue;
        note_object(c, object);
        for (uint32_t i = row; i < end; i++) group.rows[group.count++] = i;
    }
    c->out->rows_read += all;
    c->out->rows_left_out += all - group.count;
    if (group.count == all) free(group.rows), group.rows = NULL;
    if (!group.count || group.count > PL_COPY_ROWS_MAX - c->rows) {
        free(group.rows);
        if (!group.count) return PLUMB_OK;
        return pl_fail(err, PLUMB_E_LIMIT, "cannot copy more than %u rows at once",
                       PL_COPY_ROWS_MAX);
    }
    c->rows += group.count;
    PL_GROW(c->groups, c->group_count, c->group_room);
    c->groups[c->group_count++] = group;
    for (uint32_t k = 0; k < c->key_count; k++) {
        pl_column key;
        uint32_t field = (uint32_t)c->key_fields[k];
        pl_column_init(&key, &schema->fields[field].type);
        plumb_status st = pl_parquet_read_column(reader, number, field, &key, err);
        if (st == PLUMB_OK) append_keys(c, &group, &key, k);
        pl_column_done(&key);
        if (st != PLUMB_OK) return st;
    }
    return PLUMB_OK;
}

static plumb_status open_sources(copying *c, plumb_error *err)
{
    const pl_parts_options *o = c->options;
    pl_column column;
    plumb_status st = PLUMB_OK;
    c->object_field = object_field(o->schema);
    if (c->object_field < 0) return no_objects(c->job->keys[0], err);
    for (uint32_t k = 0; o->sort && k < o->sort->count; k++) {
        int at = c->key_fields[k] = pl_schema_find_id(o->schema, o->sort->fields[k].source_id);
        pl_column_init(&c->keys[c->key_count++], &o->schema->fields[at].type);
    }
    pl_column_init(&column, &o->schema->fields[c->object_field].type);
    for (uint32_t i = 0; i < c->job->key_count && st == PLUMB_OK; i++) {
        st = pl_parquet_reader_open(o->store, c->job->keys[i], o->schema, &c->readers[i], err);
        for (uint32_t g = 0; st == PLUMB_OK && g < pl_parquet_reader_groups(c->readers[i]); g++)
            st = take_group(c, c->readers[i], g, &column, err);
    }
    pl_column_done(&column);
    return st;
}

// ---- row groups --------------------------------------------------------------------------------
static void sort_rows(copying *c)
{
    const pl_column *keys[PL_SORT_FIELDS_MAX];
    for (uint32_t k = 0; k < c->key_count; k++) keys[k] = &c->keys[k];
    if (c->key_count && c->rows) {
        c->order = pl_alloc(c->rows * sizeof *c->order);
        if (!pl_order_rows(c->options->sort, keys, c->order, c->rows)) {
            free(c->order);
            c->order = NULL;
        }
    }
    for (uint32_t k = 0; k < c->key_count; k++) pl_column_done(&c->keys[k]);
    c->key_count = 0;
}

// What a row takes in memory, from the first group: later ones may be made of many.
static plumb_status weigh(copying *c, plumb_error *err)
{
    const source_group *group = &c->groups[0];
    size_t bytes = 0;
    for (uint32_t i = 0; i < c->options->schema->count; i++) {
        pl_column column;
        pl_column_init(&column, &c->options->schema->fields[i].type);
        plumb_status st = pl_parquet_read_column(group->reader, group->number, i, &column, err);
        bytes += pl_column_bytes(&column);
        pl_column_done(&column);
        if (st != PLUMB_OK) return st;
    }
    c->row_bytes = (double)bytes / pl_parquet_group_rows(group->reader, group->number);
    return PLUMB_OK;
}

static uint32_t group_of(const copying *c, uint32_t row)
{
    uint32_t low = 0, high = c->group_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (c->groups[middle].first <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// How many rows make the group that begins with row `at`: whole groups of the sources if their
// rows follow one another, so that each is read once.
static uint32_t rows_due(const copying *c, uint32_t at)
{
    size_t bytes = PL_MIN(PL_MAX(c->options->quota->all * 2 / 5, (size_t)GROUP_BYTES_MIN),
                          (size_t)PL_GROUP_BYTES);
    double fit = c->row_bytes > 0 ? (double)bytes / c->row_bytes : PL_GROUP_ROWS;
    uint32_t room = fit < 1 ? 1 : fit < PL_GROUP_ROWS ? (uint32_t)fit : PL_GROUP_ROWS;
    uint32_t left = c->rows - at;
    if (c->order) {
        uint32_t pieces = (left + room - 1) / room; // as large as each other
        return (left + pieces - 1) / pieces;
    }
    uint32_t rows = 0;
    for (uint32_t g = group_of(c, at); g < c->group_count; g++) {
        if (rows && rows + c->groups[g].count > room) break;
        rows += c->groups[g].count;
    }
    return rows;
}

static uint32_t kept_row(const copying *c, uint32_t at)
{
    return c->order ? c->order[at] : at;
}

// Of which source groups the next `count` rows are.
static void pick(copying *c, uint32_t at, uint32_t count)
{
    uint32_t end = 0;
    c->touched_count = 0;
    c->moved = false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t g = c->places[i] = group_of(c, kept_row(c, at + i));
        if (!c->counts[g]++) c->touched[c->touched_count++] = g;
    }
    for (uint32_t t = 0; t < c->touched_count; t++) {
        c->ends[c->touched[t]] = end;
        end += c->counts[c->touched[t]];
    }
    for (uint32_t i = 0; i < count; i++) {
        const source_group *group = &c->groups[c->places[i]];
        uint32_t place = c->ends[c->places[i]]++, row = kept_row(c, at + i) - group->first;
        c->picked[place] = group->rows ? group->rows[row] : row;
        c->places[i] = place;
        c->moved |= place != i;
    }
}

static void init_columns(copying *c, const pl_type *type)
{
    pl_column_init(&c->part, type);
    pl_column_init(&c->gathered, type);
    pl_column_init(&c->sorted, type);
}

static void done_columns(copying *c)
{
    pl_column_done(&c->part);
    pl_column_done(&c->gathered);
    pl_column_done(&c->sorted);
}

static plumb_status write_column(copying *c, uint32_t field, uint32_t count, plumb_error *err)
{
    const source_group *first = &c->groups[c->touched[0]];
    // All rows of one group, as they stand.
    if (c->touched_count == 1 && !first->rows && !c->moved && first->count == count) {
        PL_TRY(pl_parquet_read_column(first->reader, first->number, field, &c->gathered, err));
        return pl_parquet_write_column(c->writer, &c->gathered, err);
    }
    pl_column_reserve(&c->gathered, count);
    for (uint32_t t = 0; t < c->touched_count; t++) {
        const source_group *group = &c->groups[c->touched[t]];
        uint32_t rows = c->counts[c->touched[t]], end = c->ends[c->touched[t]];
        PL_TRY(pl_parquet_read_column(group->reader, group->number, field, &c->part, err));
        pl_order_take(&c->gathered, &c->part, c->picked + end - rows, rows);
    }
    if (!c->moved) return pl_parquet_write_column(c->writer, &c->gathered, err);
    pl_column_done(&c->part); // there is another one to come
    pl_column_init(&c->part, &c->gathered.type);
    pl_column_reserve(&c->sorted, count);
    pl_order_take(&c->sorted, &c->gathered, c->places, count);
    return pl_parquet_write_column(c->writer, &c->sorted, err);
}

static plumb_status write_group(copying *c, uint32_t at, uint32_t count, plumb_error *err)
{
    const pl_schema *schema = c->options->schema;
    plumb_status st = PLUMB_OK;
    size_t bytes = 0;
    pick(c, at, count);
    pl_parquet_begin_group(c->writer, count);
    for (uint32_t i = 0; i < schema->count && st == PLUMB_OK; i++) {
        init_columns(c, &schema->fields[i].type);
        st = write_column(c, i, count, err);
        bytes += pl_column_bytes(&c->gathered);
        done_columns(c);
    }
    c->row_bytes = PL_MAX(c->row_bytes, (double)bytes / count);
    for (uint32_t t = 0; t < c->touched_count; t++) c->counts[c->touched[t]] = 0;
    return st;
}

static plumb_status write_groups(copying *c, plumb_error *err)
{
    const pl_parts_options *o = c->options;
    uint32_t room = 0;
    plumb_status st = PLUMB_OK;
    c->touched = pl_zalloc(c->group_count, sizeof *c->touched);
    c->counts = pl_zalloc(c->group_count, sizeof *c->counts);
    c->ends = pl_zalloc(c->group_count, sizeof *c->ends);
    for (uint32_t at = 0, count; at < c->rows && st == PLUMB_OK; at += count) {
        if (o->cancel && atomic_load(o->cancel))
            return pl_fail(err, PLUMB_E_CANCELLED, "stopped on request");
        count = rows_due(c, at);
        if (count > room) {
            free(c->picked);
            free(c->places);
            c->picked = pl_zalloc(count, sizeof *c->picked);
            c->places = pl_zalloc(count, sizeof *c->places);
            room = count;
        }
        size_t taken = pl_quota_take(o->quota, (size_t)((double)count * c->row_bytes));
        st = write_group(c, at, count, err);
        pl_quota_give(o->quota, taken);
    }
    return st;
}

// ---- the file ----------------------------------------------------------------------------------
static int by_id(const void *a, const void *b)
{
    const pl_span *left = a, *right = b;
    int order = memcmp(left->data, right->data, PL_MIN(left->bytes, right->bytes));
    return order ? order : (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

// The objects as ranges, capped.
static char *ranges_json(copying *c)
{
    uint32_t count = c->objects.count, ranges = PL_MIN(count, (uint32_t)PL_FILE_OBJECTS_MAX);
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    if (count) qsort(c->object_ids, count, sizeof *c->object_ids, by_id);
    pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < ranges; i++) {
        uint64_t first = (uint64_t)count * i / ranges, end = (uint64_t)count * (i + 1) / ranges;
        pl_json_begin(&w, '[');
        pl_json_text(&w, c->object_ids[first]);
        pl_json_text(&w, c->object_ids[end - 1]);
        pl_json_end(&w, ']');
    }
    pl_json_end(&w, ']');
    char *json = pl_arena_cstr(c->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return json;
}

static plumb_status open_file(copying *c, plumb_error *err)
{
    const pl_parts_options *o = c->options;
    pl_buf key = {0};
    pl_buf_printf(&key, "%s/", o->data_prefix);
    size_t before = key.count;
    pl_partition_path(&key, o->spec, o->schema, c->job->partition);
    pl_buf_printf(&key, "%s%s-%u.parquet", key.count > before ? "/" : "", o->name_prefix,
                  atomic_fetch_add(o->file_number, 1) + 1);
    c->out->file.key = pl_arena_cstr(c->arena, pl_buf_view(&key));
    pl_buf_done(&key);
    PL_TRY(pl_put_begin(o->store, c->out->file.key, &c->put, err));
    c->memory = pl_parquet_memory_new();
    pl_parquet_options options = {.memory = c->memory,
                                  .compact = o->compact,
                                  .codec = o->zstd ? PL_PARQUET_ZSTD : PL_PARQUET_SNAPPY,
                                  .sort = o->sort,
                                  .bloom_ids = o->bloom_ids,
                                  .bloom_count = o->bloom_count};
    return pl_parquet_open(o->schema, &options, c->put, &c->writer, err);
}

static plumb_status write_file(copying *c, plumb_error *err)
{
    const pl_parts_options *o = c->options;
    pl_part_file *file = &c->out->file;
    sort_rows(c);
    if (!c->rows) return PLUMB_OK;
    if (c->group_count > 1) PL_TRY(weigh(c, err));
    PL_TRY(open_file(c, err));
    PL_TRY(write_groups(c, err));
    PL_TRY(pl_parquet_finish(c->writer, c->arena, &file->metrics, err));
    pl_parquet_close(c->writer);
    c->writer = NULL;
    pl_batch_add(o->batch, c->put);
    c->put = NULL;
    file->values = c->job->partition;
    file->uri = pl_span_of(pl_store_uri(o->store, file->key, c->arena));
    file->objects = ranges_json(c);
    file->sorted = o->sort && o->sort->count;
    c->out->made = true;
    return PLUMB_OK;
}

plumb_status pl_copy_files(const pl_parts_options *options, const pl_copy_job *job, pl_arena *arena,
                           pl_copied *ret_copied, plumb_error *err)
{
    *ret_copied = (pl_copied){0};
    copying c = {.options = options, .job = job, .arena = arena, .out = ret_copied};
    c.readers = pl_zalloc(job->key_count, sizeof(pl_parquet_reader *));
    plumb_status st = open_sources(&c, err);
    if (st == PLUMB_OK) st = write_file(&c, err);
    for (uint32_t k = 0; k < c.key_count; k++) pl_column_done(&c.keys[k]);
    pl_parquet_close(c.writer);
    pl_put_abort(c.put);
    pl_parquet_memory_free(c.memory);
    for (uint32_t i = 0; i < job->key_count; i++) pl_parquet_reader_close(c.readers[i]);
    for (uint32_t g = 0; g < c.group_count; g++) free(c.groups[g].rows);
    pl_map_done(&c.objects);
    free(c.object_ids);
    free(c.readers);
    free(c.groups);
    free(c.order);
    free(c.touched);
    free(c.counts);
    free(c.ends);
    free(c.picked);
    free(c.places);
    return st;
}
