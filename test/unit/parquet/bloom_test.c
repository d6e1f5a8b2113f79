// SPDX-License-Identifier: Apache-2.0
#include "parquet/bloom_int.h"

#include "unit.h"

static const pl_field field = {.id = 1, .name = {"k", 1}, .type = {.kind = PL_LONG}};

static pl_column fill(uint32_t rows, uint32_t distinct)
{
    pl_column column;
    pl_column_init(&column, &field.type);
    for (uint32_t i = 0; i < rows; i++)
        pl_column_append(&column, &(pl_value){.kind = PL_LONG, .i64 = i % distinct});
    return column;
}

static size_t filter_bytes(uint32_t rows, uint32_t distinct)
{
    pl_buf filter = {0};
    pl_leaf leaf = pl_leaf__make(&field);
    pl_column column = fill(rows, distinct);
    size_t bytes = pl_bloom__build(&filter, &leaf, &column, NULL, 0) ? filter.count : 0;
    for (int64_t i = 0; bytes && i < distinct; i++)
        CHECK(pl_bloom__may_hold(pl_buf_view(&filter), &leaf,
                                 &(pl_value){.kind = PL_LONG, .i64 = i}));
    int found = 0;
    for (int64_t i = 0; bytes && i < 10000; i++)
        found += pl_bloom__may_hold(pl_buf_view(&filter), &leaf,
                                    &(pl_value){.kind = PL_LONG, .i64 = -1 - i});
    CHECK(found <= 140); // 1 % of them, and four standard deviations
    pl_column_done(&column);
    pl_buf_done(&filter);
    return bytes;
}

TEST(bloom_is_as_large_as_its_distinct_values_need)
{
    CHECK_INT(0, filter_bytes(500, 500));
    CHECK_INT(0, filter_bytes(50000, 500));
    CHECK_INT(2048, filter_bytes(1500, 1500));
    CHECK_INT(2048, filter_bytes(50000, 1500));
    CHECK_INT(16384, filter_bytes(20000, 10000));
    CHECK_INT(65536, filter_bytes(50000, 50000));
}

TEST(bloom_of_chosen_rows_holds_no_others)
{
    pl_buf filter = {0};
    pl_leaf leaf = pl_leaf__make(&field);
    pl_column column = fill(4000, 4000);
    uint32_t rows[2000];
    for (uint32_t i = 0; i < 2000; i++) rows[i] = 2 * i;
    CHECK(pl_bloom__build(&filter, &leaf, &column, rows, 2000));
    int found = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        bool may =
            pl_bloom__may_hold(pl_buf_view(&filter), &leaf, &(pl_value){.kind = PL_LONG, .i64 = i});
        if (i % 2 == 0) CHECK(may);
        found += i % 2 && may;
    }
    CHECK(found <= 40);
    pl_column_done(&column);
    pl_buf_done(&filter);
}

TEST(bloom_reads_what_it_writes_and_nothing_else)
{
    pl_buf filter = {0}, file = {0};
    pl_leaf leaf = pl_leaf__make(&field);
    pl_column column = fill(4000, 4000);
    pl_span got;
    CHECK(pl_bloom__build(&filter, &leaf, &column, NULL, 0));
    pl_bloom__write(&file, pl_buf_view(&filter));
    CHECK(!pl_bloom__read(pl_buf_view(&file), &got));
    CHECK(pl_span_equal(pl_buf_view(&filter), got));
    CHECK_STR("a bloom filter has another size than its place",
              pl_bloom__read(pl_span_make(file.data, file.count - 1), &got));
    CHECK_STR("a bloom filter's header is damaged",
              pl_bloom__read(pl_span_make(file.data, 5), &got));
    file.data[file.count - filter.count - 5] ^= 1;
    CHECK(pl_bloom__read(pl_buf_view(&file), &got));
    pl_column_done(&column);
    pl_buf_done(&filter);
    pl_buf_done(&file);
}

int main(void)
{
    return RUN_TESTS("parquet/bloom",
                     cmocka_unit_test(bloom_is_as_large_as_its_distinct_values_need),
                     cmocka_unit_test(bloom_of_chosen_rows_holds_no_others),
                     cmocka_unit_test(bloom_reads_what_it_writes_and_nothing_else));
}
