// SPDX-License-Identifier: Apache-2.0
#include "column/order.h"

#include "unit.h"

static pl_column longs(const int64_t *values, uint32_t count)
{
    pl_column column;
    pl_column_init(&column, &(pl_type){.kind = PL_LONG});
    for (uint32_t i = 0; i < count; i++) // 99: NULL
        pl_column_append(
            &column, &(pl_value){.kind = PL_LONG, .is_null = values[i] == 99, .i64 = values[i]});
    return column;
}

static void check_order(const pl_sort_order *sort, const pl_column *const *keys, const char *want)
{
    uint32_t rows[64];
    pl_buf out = {0};
    bool moved = pl_order_rows(sort, keys, rows, keys[0]->count);
    bool same = true;
    for (uint32_t i = 0; i < keys[0]->count; i++) {
        pl_buf_printf(&out, "%s%u", i ? " " : "", rows[i]);
        same &= rows[i] == i;
    }
    CHECK_STR(want, pl_buf_cstr(&out));
    CHECK_INT(!same, moved);
    pl_buf_done(&out);
}

TEST(order_is_stable_and_puts_nulls_where_they_belong)
{
    pl_column column = longs((int64_t[]){5, 99, -3, 5, INT64_MIN, 99, INT64_MAX}, 7);
    const pl_column *keys[] = {&column};
    pl_sort_field up = {0}, down = {.descending = true, .nulls_last = true};
    check_order(&(pl_sort_order){.count = 1, .fields = &up}, keys, "1 5 4 2 0 3 6");
    check_order(&(pl_sort_order){.count = 1, .fields = &down}, keys, "6 0 3 2 4 1 5");
    pl_column_done(&column);
}

TEST(order_goes_on_to_further_columns)
{
    pl_column first = longs((int64_t[]){1, 1, 0, 1}, 4), second = longs((int64_t[]){7, 9, 8, 9}, 4);
    const pl_column *keys[] = {&first, &second};
    pl_sort_field fields[] = {{0}, {.descending = true, .nulls_last = true}};
    check_order(&(pl_sort_order){.count = 2, .fields = fields}, keys, "2 1 3 0");
    pl_column_done(&first);
    pl_column_done(&second);
}

TEST(order_of_floats_ends_with_nan_and_tells_zeros_apart)
{
    pl_column column;
    pl_column_init(&column, &(pl_type){.kind = PL_DOUBLE});
    double nan = (double)__builtin_nanf(""), inf = (double)__builtin_inff();
    double values[] = {nan, 0.0, -0.0, inf, -inf, -nan, -1.5, 1e300};
    for (int i = 0; i < 8; i++)
        pl_column_append(&column, &(pl_value){.kind = PL_DOUBLE, .f64 = values[i]});
    const pl_column *keys[] = {&column};
    pl_sort_field up = {0};
    check_order(&(pl_sort_order){.count = 1, .fields = &up}, keys, "4 6 2 1 7 3 0 5");
    pl_column_done(&column);
}

TEST(order_of_texts_looks_behind_the_first_eight_bytes)
{
    static const char *const texts[] = {"abcdefghz", "abcdefgh", "abcdefgha", "", "\xc3\xa9", "a"};
    pl_column column;
    pl_column_init(&column, &(pl_type){.kind = PL_STRING});
    for (int i = 0; i < 6; i++) pl_column_text(&column, pl_span_of(texts[i]));
    const pl_column *keys[] = {&column};
    pl_sort_field up = {0};
    check_order(&(pl_sort_order){.count = 1, .fields = &up}, keys, "3 5 1 2 0 4");
    pl_column_done(&column);
}

TEST(order_tells_null_from_the_least_value)
{
    pl_column column;
    pl_column_init(&column, &(pl_type){.kind = PL_STRING});
    pl_column_null(&column);
    pl_column_text(&column, PL_SPAN(""));
    pl_column_null(&column);
    const pl_column *keys[] = {&column};
    pl_sort_field up = {0}, down = {.descending = true, .nulls_last = true};
    check_order(&(pl_sort_order){.count = 1, .fields = &up}, keys, "0 2 1");
    check_order(&(pl_sort_order){.count = 1, .fields = &down}, keys, "1 0 2");
    pl_column_done(&column);
}

TEST(order_of_decimals_beyond_a_long)
{
    pl_column column;
    pl_column_init(&column, &(pl_type){.kind = PL_DECIMAL, .precision = 38});
    pl_i128 large = pl_decimal_power(30);
    pl_i128 values[] = {large + 1, -large, large, 0, -large - 1, 5};
    for (int i = 0; i < 6; i++)
        pl_column_append(&column, &(pl_value){.kind = PL_DECIMAL, .i128 = values[i]});
    const pl_column *keys[] = {&column};
    pl_sort_field up = {0};
    check_order(&(pl_sort_order){.count = 1, .fields = &up}, keys, "4 1 3 5 2 0");
    pl_column_done(&column);
}

TEST(order_notices_rows_that_are_in_order)
{
    pl_column column = longs((int64_t[]){99, 1, 1, 2}, 4), none = longs(NULL, 0);
    const pl_column *keys[] = {&column}, *empty[] = {&none};
    pl_sort_field up = {0};
    check_order(&(pl_sort_order){.count = 1, .fields = &up}, keys, "0 1 2 3");
    CHECK(!pl_order_rows(&(pl_sort_order){.count = 1, .fields = &up}, empty, NULL, 0));
    pl_column_done(&column);
}

TEST(order_takes_rows_with_their_lists)
{
    pl_type item = {.kind = PL_STRING}, list = {.kind = PL_LIST, .element = &item};
    pl_column from, to;
    pl_column_init(&from, &list);
    pl_column_init(&to, &list);
    pl_column_text(from.child, PL_SPAN("a"));
    pl_column_null(from.child);
    pl_column_list(&from);
    pl_column_null(&from);
    pl_column_text(from.child, PL_SPAN("b"));
    pl_column_list(&from);
    pl_order_take(&to, &from, (uint32_t[]){2, 1, 0, 2}, 4);
    CHECK_INT(4, to.count);
    CHECK_INT(1, to.nulls);
    CHECK_INT(4, to.child->count);
    CHECK_SPAN("b", pl_column_span(to.child, 0));
    CHECK_SPAN("a", pl_column_span(to.child, 1));
    CHECK(!to.child->valid[2] && to.offsets[3] == 3 && to.offsets[4] == 4);
    pl_column_done(&from);
    pl_column_done(&to);
}

int main(void)
{
    return RUN_TESTS("column/order",
                     cmocka_unit_test(order_is_stable_and_puts_nulls_where_they_belong),
                     cmocka_unit_test(order_goes_on_to_further_columns),
                     cmocka_unit_test(order_of_floats_ends_with_nan_and_tells_zeros_apart),
                     cmocka_unit_test(order_of_texts_looks_behind_the_first_eight_bytes),
                     cmocka_unit_test(order_tells_null_from_the_least_value),
                     cmocka_unit_test(order_of_decimals_beyond_a_long),
                     cmocka_unit_test(order_notices_rows_that_are_in_order),
                     cmocka_unit_test(order_takes_rows_with_their_lists));
}
