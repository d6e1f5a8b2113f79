// SPDX-License-Identifier: Apache-2.0
#include "parquet/writer.h"

#include <assert.h>
#include <stdlib.h>

#include "parquet/chunk_int.h"

enum { DEFAULT_BYTES = 1024 * 1024, DEFAULT_PAGE_ROWS = 20000 };

// What Iceberg is told about a leaf, summed over row groups.
typedef struct column_sum {
    pl_bounds bounds;
    int64_t slots, nulls, nans;
    uint64_t bytes;
} column_sum;

typedef struct group {
    uint32_t rows;
    pl_chunk *chunks; // one per field, in the writer's arena
} group;

struct pl_parquet_memory {
    pl_scratch scratch;
};

struct pl_parquet_writer {
    const pl_schema *schema; // borrowed
    pl_parquet_options options;
    pl_sink sink;
    pl_arena arena;   // leaves, sums, chunks and their statistics
    pl_leaf *leaves;  // [schema->count]
    column_sum *sums; // [schema->count]
    group *groups;    // owned
    uint32_t group_count, group_capacity;
    uint32_t written; // columns of the group that is open
    uint64_t rows;
    pl_parquet_memory *memory, own; // `memory` is `own` where none was lent
};

pl_parquet_memory *pl_parquet_memory_new(void)
{
    return pl_zalloc(1, sizeof(pl_parquet_memory));
}

void pl_parquet_memory_free(pl_parquet_memory *memory)
{
    if (memory) pl_scratch__done(&memory->scratch);
    free(memory);
}

static void want_blooms(pl_parquet_writer *w)
{
    for (uint32_t i = 0; i < w->options.bloom_count; i++) {
        int at = pl_schema_find_id(w->schema, w->options.bloom_ids[i]);
        assert(at >= 0 && pl_bloom__fits(w->leaves[at].type->kind));
        w->leaves[at].bloom = true;
    }
}

plumb_status pl_parquet_open(const pl_schema *schema, const pl_parquet_options *options,
                             pl_put *put, pl_parquet_writer **ret_writer, plumb_error *err)
{
    assert(pl_put_bytes(put) == 0);
    pl_sink sink = {.put = put};
    PL_TRY(pl_sink__write(&sink, PL_SPAN("PAR1"), err));

    pl_parquet_writer *w = pl_zalloc(1, sizeof *w);
    w->schema = schema;
    if (options) w->options = *options;
    if (!w->options.page_rows) w->options.page_rows = DEFAULT_PAGE_ROWS;
    if (!w->options.page_bytes) w->options.page_bytes = DEFAULT_BYTES;
    if (!w->options.dictionary_bytes_max) w->options.dictionary_bytes_max = DEFAULT_BYTES;
    w->sink = sink;
    w->memory = w->options.memory ? w->options.memory : &w->own;
    w->leaves = PL_TAKE(&w->arena, pl_leaf, schema->count);
    w->sums = PL_TAKE(&w->arena, column_sum, schema->count);
    for (uint32_t i = 0; i < schema->count; i++) w->leaves[i] = pl_leaf__make(&schema->fields[i]);
    want_blooms(w);
    *ret_writer = w;
    return PLUMB_OK;
}

void pl_parquet_begin_group(pl_parquet_writer *writer, uint32_t rows)
{
    pl_parquet_writer *w = writer;
    assert(rows > 0 && (w->group_count == 0 || w->written == w->schema->count));
    PL_GROW(w->groups, w->group_count, w->group_capacity);
    w->groups[w->group_count++] = (group){rows, PL_TAKE(&w->arena, pl_chunk, w->schema->count)};
    w->rows += rows;
    w->written = 0;
}

// The group's chunks are written: its bloom filters behind them.
static plumb_status put_blooms(pl_parquet_writer *w, plumb_error *err)
{
    uint64_t offset = w->sink.offset;
    const group *g = &w->groups[w->group_count - 1];
    for (uint32_t i = 0; i < w->schema->count; i++) {
        if (!g->chunks[i].bloom_bytes) continue;
        g->chunks[i].bloom = offset;
        offset += g->chunks[i].bloom_bytes;
    }
    PL_TRY(pl_sink__write(&w->sink, pl_buf_view(&w->memory->scratch.blooms), err));
    pl_buf_reset(&w->memory->scratch.blooms);
    return PLUMB_OK;
}

plumb_status pl_parquet_write_column(pl_parquet_writer *writer, const pl_column *column,
                                     plumb_error *err)
{
    pl_parquet_writer *w = writer;
    uint32_t i = w->written;
    assert(w->group_count && i < w->schema->count);
    const group *g = &w->groups[w->group_count - 1];
    const pl_leaf *leaf = &w->leaves[i];
    assert(column->count == g->rows && column->type.kind == leaf->field->type.kind);
    assert(column->nulls == 0 || !leaf->field->required);
    pl_chunk *chunk = &g->chunks[i];
    pl_range range;
    PL_TRY(pl_chunk__write(&w->sink, &w->memory->scratch, leaf, &w->options, column, &w->arena,
                           chunk, &range, err));
    column_sum *sum = &w->sums[i];
    sum->slots += chunk->slots;
    sum->nulls += chunk->nulls;
    sum->nans += range.nans;
    sum->bytes += chunk->bytes;
    if (!leaf->rep_max) pl_bounds__merge(&sum->bounds, &range);
    w->written++;
    return w->written == w->schema->count && w->memory->scratch.blooms.count ? put_blooms(w, err)
                                                                             : PLUMB_OK;
}

plumb_status pl_parquet_write_group(pl_parquet_writer *writer, const pl_column *columns,
                                    plumb_error *err)
{
    assert(writer->schema->count);
    pl_parquet_begin_group(writer, columns[0].count);
    for (uint32_t i = 0; i < writer->schema->count; i++)
        PL_TRY(pl_parquet_write_column(writer, &columns[i], err));
    return PLUMB_OK;
}

static void put_schema(const pl_parquet_writer *w, pl_thrift *t)
{
    uint32_t elements = 1;
    for (uint32_t i = 0; i < w->schema->count; i++)
        elements += pl_leaf__schema_count(&w->leaves[i]);
    pl_thrift__list(t, 2, PL_THRIFT_STRUCT, elements);
    pl_thrift__struct_element(t);
    pl_thrift__text(t, 4, PL_SPAN("table"));
    pl_thrift__i32(t, 5, (int32_t)w->schema->count);
    pl_thrift__end(t);
    for (uint32_t i = 0; i < w->schema->count; i++) pl_leaf__schema(t, &w->leaves[i]);
}

static void put_sorting(const pl_parquet_writer *w, pl_thrift *t)
{
    const pl_sort_order *sort = w->options.sort;
    if (!sort || !sort->count) return;
    pl_thrift__list(t, 4, PL_THRIFT_STRUCT, sort->count);
    for (uint32_t i = 0; i < sort->count; i++) { // every field has one leaf: they count alike
        pl_thrift__struct_element(t);
        pl_thrift__i32(t, 1, pl_schema_find_id(w->schema, sort->fields[i].source_id));
        pl_thrift__bool(t, 2, sort->fields[i].descending);
        pl_thrift__bool(t, 3, !sort->fields[i].nulls_last);
        pl_thrift__end(t);
    }
}

static void put_group(const pl_parquet_writer *w, pl_thrift *t, uint32_t index)
{
    const group *g = &w->groups[index];
    uint64_t bytes = 0, bytes_raw = 0;
    pl_thrift__struct_element(t);
    pl_thrift__list(t, 1, PL_THRIFT_STRUCT, w->schema->count);
    for (uint32_t i = 0; i < w->schema->count; i++) {
        pl_chunk__footer(t, &w->leaves[i], &g->chunks[i]);
        bytes += g->chunks[i].bytes;
        bytes_raw += g->chunks[i].bytes_raw;
    }
    pl_thrift__i64(t, 2, (int64_t)bytes_raw);
    pl_thrift__i64(t, 3, g->rows);
    put_sorting(w, t);
    pl_thrift__i64(t, 5, (int64_t)g->chunks[0].offset);
    pl_thrift__i64(t, 6, (int64_t)bytes);
    // Readers find a group by its place; the number is optional and only 16 bits wide.
    if (index <= INT16_MAX) pl_thrift__i16(t, 7, (int16_t)index);
    pl_thrift__end(t);
}

static void put_footer(const pl_parquet_writer *w, pl_buf *out)
{
    // Without the words "version" and "build", readers distrust statistics of text.
    static const char created_by[] = "plumb version " PLUMB_VERSION " (build 0)";
    pl_thrift t = pl_thrift__begin(out);
    pl_thrift__i32(&t, 1, 1); // version
    put_schema(w, &t);
    pl_thrift__i64(&t, 3, (int64_t)w->rows);
    pl_thrift__list(&t, 4, PL_THRIFT_STRUCT, w->group_count);
    for (uint32_t i = 0; i < w->group_count; i++) put_group(w, &t, i);
    pl_thrift__text(&t, 6, PL_SPAN(created_by));
    pl_thrift__list(&t, 7, PL_THRIFT_STRUCT, w->schema->count);
    for (uint32_t i = 0; i < w->schema->count; i++) { // column_orders: TYPE_ORDER for all
        pl_thrift__struct_element(&t);
        pl_thrift__struct(&t, 1);
        pl_thrift__end(&t);
        pl_thrift__end(&t);
    }
    pl_thrift__end(&t);
}

static pl_file_metrics take_metrics(const pl_parquet_writer *w, pl_arena *arena)
{
    pl_file_metrics metrics = {
        .bytes = w->sink.offset,
        .rows = w->rows,
        .leaf_count = w->schema->count,
        .leaves = PL_TAKE(arena, pl_leaf_metrics, w->schema->count),
        .split_count = w->group_count,
        .splits = PL_TAKE(arena, int64_t, w->group_count),
    };
    for (uint32_t i = 0; i < w->schema->count; i++) {
        const column_sum *sum = &w->sums[i];
        pl_kind kind = w->leaves[i].type->kind;
        metrics.leaves[i] = (pl_leaf_metrics){
            .field_id = w->leaves[i].field_id,
            .compressed_bytes = (int64_t)sum->bytes,
            .values = sum->slots,
            .nulls = sum->nulls,
            .nans = kind == PL_FLOAT || kind == PL_DOUBLE ? sum->nans : -1,
        };
        pl_bounds__write(&sum->bounds, arena, &metrics.leaves[i]);
    }
    for (uint32_t i = 0; i < w->group_count; i++)
        metrics.splits[i] = (int64_t)w->groups[i].chunks[0].offset;
    return metrics;
}

// One kind of index, chunk after chunk.
static plumb_status put_indexes(pl_parquet_writer *w, bool columns, plumb_error *err)
{
    pl_buf out = {0};
    for (uint32_t at = 0; at < w->group_count * w->schema->count; at++) {
        uint32_t field = at % w->schema->count;
        pl_chunk *chunk = &w->groups[at / w->schema->count].chunks[field];
        uint64_t offset = w->sink.offset + out.count;
        size_t before = out.count;
        if (!columns)
            pl_page_index__offsets(&out, chunk->pages, chunk->data_pages);
        else if (!pl_page_index__columns(&out, &w->leaves[field], chunk->pages, chunk->data_pages))
            continue;
        uint32_t bytes = (uint32_t)(out.count - before);
        *(columns ? &chunk->column_index : &chunk->offset_index) = offset;
        *(columns ? &chunk->column_index_bytes : &chunk->offset_index_bytes) = bytes;
    }
    plumb_status st = pl_sink__write(&w->sink, pl_buf_view(&out), err);
    pl_buf_done(&out);
    return st;
}

plumb_status pl_parquet_finish(pl_parquet_writer *writer, pl_arena *arena,
                               pl_file_metrics *ret_metrics, plumb_error *err)
{
    pl_buf footer = {0};
    PL_TRY(put_indexes(writer, true, err));
    PL_TRY(put_indexes(writer, false, err));
    put_footer(writer, &footer);
    uint32_t bytes = (uint32_t)footer.count;
    pl_buf_append(&footer, &bytes, sizeof bytes);
    pl_buf_text(&footer, "PAR1");
    plumb_status st = pl_sink__write(&writer->sink, pl_buf_view(&footer), err);
    pl_buf_done(&footer);
    if (st == PLUMB_OK) *ret_metrics = take_metrics(writer, arena);
    return st;
}

void pl_parquet_close(pl_parquet_writer *writer)
{
    if (!writer) return;
    pl_scratch__done(&writer->own.scratch);
    // A group that failed may have left its filters.
    pl_buf_reset(&writer->memory->scratch.blooms);
    pl_arena_done(&writer->arena);
    free(writer->groups);
    free(writer);
}
