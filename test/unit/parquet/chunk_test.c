// SPDX-License-Identifier: Apache-2.0
#include "parquet/chunk_int.h"

#include "temp.h"
#include "unit.h"

static char *dir;
static pl_store *store;
static pl_put *put;
static plumb_error err;
static pl_arena arena;
static pl_scratch scratch;
static pl_sink sink;
static pl_field field;
static pl_column column;
static pl_range range;

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    if (pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK) return 1;
    if (pl_put_begin(store, "chunk", &put, &err) != PLUMB_OK) return 1;
    sink = (pl_sink){.put = put};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_put_abort(put);
    pl_store_close(store);
    pl_column_done(&column);
    pl_scratch__done(&scratch);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static void column_of(const char *type)
{
    const char *reason;
    field = (pl_field){.id = 1, .name = PL_SPAN("c")};
    CHECK(pl_type_parse(pl_span_of(type), &arena, &field.type, &reason));
    pl_column_init(&column, &field.type);
}

static pl_chunk write_chunk(uint32_t page_bytes)
{
    pl_leaf leaf = pl_leaf__make(&field);
    pl_parquet_options options = {
        .page_rows = 20000, .page_bytes = page_bytes, .dictionary_bytes_max = 1024 * 1024};
    pl_chunk chunk;
    CHECK_OK(
        pl_chunk__write(&sink, &scratch, &leaf, &options, &column, &arena, &chunk, &range, &err),
        err);
    CHECK_INT(pl_put_bytes(put), sink.offset);
    CHECK_INT(chunk.offset + chunk.bytes, sink.offset);
    return chunk;
}

TEST(chunk_levels_of_lists_tell_null_from_empty)
{
    column_of("list(string)");
    pl_column_null(&column);
    pl_column_list(&column); // []
    pl_column_null(column.child);
    pl_column_list(&column); // [NULL]
    pl_column_text(column.child, PL_SPAN("a"));
    pl_column_text(column.child, PL_SPAN("b"));
    pl_column_list(&column); // ["a", "b"]
    pl_chunk chunk = write_chunk(1024);
    CHECK_INT(5, chunk.slots);
    CHECK_INT(3, chunk.nulls);
    CHECK_INT(5, scratch.rep.count);
    assert_memory_equal("\0\0\0\0\1", scratch.rep.data, 5);
    assert_memory_equal("\0\1\2\3\3", scratch.def.data, 5);
}

TEST(chunk_levels_of_nested_lists_count_both)
{
    column_of("list(list(int))");
    pl_column *inner = column.child, *leaf = inner->child;
    pl_column_append(leaf, &(pl_value){.kind = PL_INT, .i32 = 1});
    pl_column_append(leaf, &(pl_value){.kind = PL_INT, .i32 = 2});
    pl_column_list(inner);
    pl_column_null(inner);
    pl_column_list(inner);
    pl_column_null(leaf);
    pl_column_list(inner);
    pl_column_list(&column); // [[1, 2], NULL, [], [NULL]]
    pl_column_null(&column);
    pl_chunk chunk = write_chunk(1024);
    CHECK_INT(6, chunk.slots);
    CHECK_INT(4, chunk.nulls);
    assert_memory_equal("\0\2\1\1\1\0", scratch.rep.data, 6);
    assert_memory_equal("\5\5\2\3\4\0", scratch.def.data, 6);
}

TEST(chunk_pages_are_cut_by_bytes_and_rows_stay_whole)
{
    column_of("list(long)");
    for (int64_t row = 0; row < 100; row++) {
        for (int64_t i = 0; i < 10; i++)
            pl_column_append(column.child, &(pl_value){.kind = PL_LONG, .i64 = row * 100 + i});
        pl_column_list(&column);
    }
    // 80 bytes a row: the fourth passes 256, so 25 pages of four rows.
    pl_chunk chunk = write_chunk(256);
    CHECK(!chunk.has_dictionary);
    CHECK_INT(25, chunk.data_pages);
    CHECK_INT(chunk.offset, chunk.data_offset);
    CHECK_INT(0, range.min.i64);
    CHECK_INT(9909, range.max.i64);
}

TEST(chunk_page_may_hold_one_large_row)
{
    column_of("string");
    char *large = pl_alloc(100000);
    memset(large, 'x', 100000);
    for (int row = 0; row < 3; row++) {
        large[99999] = (char)('a' + row);
        pl_column_text(&column, pl_span_make(large, 100000));
    }
    free(large);
    CHECK_INT(3, write_chunk(1000).data_pages);
}

TEST(chunk_pages_are_bounded_in_rows)
{
    column_of("int");
    for (int32_t row = 0; row < 300000; row++)
        pl_column_append(&column, &(pl_value){.kind = PL_INT, .i32 = row % 3});
    pl_chunk chunk = write_chunk(1024 * 1024);
    CHECK(chunk.has_dictionary);
    CHECK(chunk.data_offset > chunk.offset);
    CHECK_INT(15, chunk.data_pages);
}

TEST(chunk_of_null_alone_has_no_range)
{
    column_of("decimal(38, 2)");
    for (int row = 0; row < 1000; row++) pl_column_null(&column);
    pl_chunk chunk = write_chunk(64);
    CHECK(!chunk.statistic.has && !chunk.has_dictionary && !range.has);
    CHECK_INT(1000, chunk.nulls);
}

TEST(chunk_statistics_cut_long_text_and_say_so)
{
    char text[66];
    memset(text, 'q', 66);
    column_of("string");
    pl_column_text(&column, pl_span_make(text, 64));
    pl_chunk chunk = write_chunk(1024);
    CHECK(chunk.statistic.has && chunk.statistic.min_exact && chunk.statistic.max_exact);
    CHECK_INT(64, chunk.statistic.max.text.bytes);

    pl_column_text(&column, pl_span_make(text, 65));
    chunk = write_chunk(1024);
    CHECK(chunk.statistic.has && chunk.statistic.min_exact && !chunk.statistic.max_exact);
    CHECK_INT(64, chunk.statistic.max.text.bytes);
    CHECK_INT('r', chunk.statistic.max.text.data[63]);

    pl_column_reset(&column);
    for (int i = 0; i < 64; i += 4) memcpy(text + i, "\xf4\x8f\xbf\xbf", 4);
    pl_column_text(&column, pl_span_make(text, 65));
    chunk = write_chunk(1024);
    CHECK(!chunk.statistic.has && range.has); // nothing of 64 bytes is above it
}

#define CHUNK(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS(
        "parquet/chunk", CHUNK(chunk_levels_of_lists_tell_null_from_empty),
        CHUNK(chunk_levels_of_nested_lists_count_both),
        CHUNK(chunk_pages_are_cut_by_bytes_and_rows_stay_whole),
        CHUNK(chunk_page_may_hold_one_large_row), CHUNK(chunk_pages_are_bounded_in_rows),
        CHUNK(chunk_of_null_alone_has_no_range), CHUNK(chunk_statistics_cut_long_text_and_say_so));
}
