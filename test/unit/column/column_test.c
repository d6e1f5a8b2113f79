// SPDX-License-Identifier: Apache-2.0
#include "column/column.h"

#include "unit.h"

static void check_rows(const pl_column *column, const char *want)
{
    pl_buf out = {0};
    for (uint32_t row = 0; row < column->count; row++) {
        pl_value value = pl_column_value(column, row);
        CHECK_INT(column->type.kind, value.kind);
        if (row) pl_buf_char(&out, ' ');
        pl_value_text(&out, &value, &column->type);
    }
    CHECK_STR(want, pl_buf_cstr(&out));
    pl_buf_done(&out);
}

TEST(column_keeps_every_kind_and_null_in_order)
{
    static const struct {
        pl_type type;
        pl_value first, second;
        const char *rows;
    } cases[] = {
        {{.kind = PL_BOOLEAN}, {.boolean = true}, {.boolean = false}, "true null false null"},
        {{.kind = PL_INT}, {.i32 = INT32_MIN}, {.i32 = 7}, "-2147483648 null 7 null"},
        {{.kind = PL_LONG}, {.i64 = INT64_MAX}, {.i64 = -7}, "9223372036854775807 null -7 null"},
        {{.kind = PL_FLOAT}, {.f32 = 0.5F}, {.f32 = -0.0F}, "0.5 null -0.0 null"},
        {{.kind = PL_DOUBLE}, {.f64 = 0.1}, {.f64 = 1e300}, "0.1 null 1e+300 null"},
        {{.kind = PL_DECIMAL, .precision = 38, .scale = 2},
         {.i128 = (pl_i128)INT64_MAX * 10},
         {.i128 = -1},
         "922337203685477580.70 null -0.01 null"},
        {{.kind = PL_DATE}, {.i32 = -1}, {.i32 = 0}, "1969-12-31 null 1970-01-01 null"},
        {{.kind = PL_TIMESTAMP},
         {.i64 = 1},
         {.i64 = 0},
         "1970-01-01T00:00:00.000001Z null 1970-01-01T00:00:00Z null"},
        {{.kind = PL_STRING}, {.text = {"ab", 2}}, {.text = {"", 0}}, "ab null  null"},
        {{.kind = PL_JSON}, {.text = {"[1]", 3}}, {.text = {"{}", 2}}, "[1] null {} null"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_column column;
        pl_value null = {.kind = cases[i].type.kind, .is_null = true};
        pl_column_init(&column, &cases[i].type);
        pl_column_append(&column, &cases[i].first);
        pl_column_append(&column, &null);
        pl_column_append(&column, &cases[i].second);
        pl_column_null(&column);
        check_rows(&column, cases[i].rows);
        CHECK_INT(4, column.count);
        CHECK_INT(2, column.nulls);
        pl_column_done(&column);
        CHECK_INT(0, column.count);
    }
}

TEST(column_values_of_null_rows_are_zero)
{
    static const pl_type types[] = {{.kind = PL_LONG}, {.kind = PL_DECIMAL, .precision = 5}};
    for (size_t i = 0; i < PL_COUNT(types); i++) {
        pl_column column;
        pl_value ones = {.i128 = -1};
        pl_column_init(&column, &types[i]);
        for (int row = 0; row < 100; row++) pl_column_append(&column, &ones);
        pl_column_reset(&column);
        for (int row = 0; row < 100; row++) pl_column_null(&column);
        const char *bytes = column.values;
        for (size_t b = 0; b < 100 * (i ? 16u : 8u); b++) CHECK_INT(0, bytes[b]);
        pl_column_done(&column);
    }
}

TEST(column_grows_over_many_rows)
{
    pl_column numbers, texts;
    pl_type number = {.kind = PL_LONG}, text = {.kind = PL_STRING};
    pl_column_init(&numbers, &number);
    pl_column_init(&texts, &text);
    for (int64_t i = 0; i < 10000; i++) {
        char word[16];
        memset(word, 'a' + (int)(i % 26), sizeof word);
        pl_column_append(&numbers, &(pl_value){.kind = PL_LONG, .is_null = i % 7 == 0, .i64 = i});
        pl_column_text(&texts, pl_span_make(word, (size_t)(i % 16)));
    }
    for (uint32_t i = 0; i < 10000; i++) {
        pl_value value = pl_column_value(&numbers, i);
        CHECK_INT(i % 7 == 0, value.is_null);
        if (!value.is_null) CHECK_INT(i, value.i64);
        pl_span word = pl_column_span(&texts, i);
        CHECK_INT(i % 16, word.bytes);
        for (size_t b = 0; b < word.bytes; b++) CHECK_INT('a' + (int)(i % 26), word.data[b]);
    }
    CHECK_INT(1429, numbers.nulls);
    pl_column_done(&numbers);
    pl_column_done(&texts);
}

TEST(column_lists_are_ranges_of_their_child)
{
    pl_type text = {.kind = PL_STRING}, type = {.kind = PL_LIST, .element = &text};
    pl_column column;
    pl_column_init(&column, &type);
    for (int round = 0; round < 2; round++) {
        pl_column_list(&column); // []
        pl_column_text(column.child, PL_SPAN("a"));
        pl_column_null(column.child);
        pl_column_list(&column); // [a, null]
        pl_column_null(&column);
        pl_column_append(&column, &(pl_value){.kind = PL_LIST, .is_null = true});
        pl_column_text(column.child, PL_SPAN("b"));
        pl_column_list(&column); // [b]
        static const uint32_t offsets[] = {0, 0, 2, 2, 2, 3};
        static const uint8_t valid[] = {1, 1, 0, 0, 1};
        CHECK_INT(5, column.count);
        CHECK_INT(2, column.nulls);
        CHECK_INT(0, memcmp(offsets, column.offsets, sizeof offsets));
        CHECK_INT(0, memcmp(valid, column.valid, sizeof valid));
        check_rows(column.child, "a null b");
        pl_column_reset(&column);
        CHECK_INT(0, column.child->count);
    }
    pl_column_done(&column);
}

TEST(column_reset_keeps_memory_and_forgets_rows)
{
    pl_type type = {.kind = PL_STRING};
    pl_column column;
    pl_column_init(&column, &type);
    CHECK_INT(0, pl_column_bytes(&column));
    for (int i = 0; i < 1000; i++) pl_column_text(&column, PL_SPAN("abc"));
    uint32_t capacity = column.capacity;
    CHECK(pl_column_bytes(&column) >= 3000);
    pl_column_reset(&column);
    CHECK_INT(0, pl_column_bytes(&column));
    CHECK_INT(capacity, column.capacity);
    pl_column_null(&column);
    pl_column_text(&column, PL_SPAN("x"));
    check_rows(&column, "null x");
    pl_column_done(&column);
    pl_column_done(&column);
}

TEST(column_texts_that_are_all_empty_need_no_heap)
{
    pl_type type = {.kind = PL_STRING};
    pl_column column;
    pl_column_init(&column, &type);
    pl_column_text(&column, (pl_span){0});
    pl_column_null(&column);
    CHECK_INT(0, pl_column_span(&column, 0).bytes);
    CHECK_INT(0, pl_column_span(&column, 1).bytes);
    check_rows(&column, " null");
    pl_column_done(&column);
}

int main(void)
{
    return RUN_TESTS("column/column", T(column_keeps_every_kind_and_null_in_order),
                     T(column_values_of_null_rows_are_zero), T(column_grows_over_many_rows),
                     T(column_lists_are_ranges_of_their_child),
                     T(column_reset_keeps_memory_and_forgets_rows),
                     T(column_texts_that_are_all_empty_need_no_heap));
}
