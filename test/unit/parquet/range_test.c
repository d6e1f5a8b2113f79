// SPDX-License-Identifier: Apache-2.0
#include "parquet/range_int.h"

#include <math.h>

#include "unit.h"

#define MAX_POINT  "\xf4\x8f\xbf\xbf" // U+10FFFF
#define SIXTEEN(p) p p p p p p p p p p p p p p p p

static void check_raise(const char *from, const char *want)
{
    char room[80];
    size_t bytes = strlen(from);
    memcpy(room, from, bytes);
    bool raised = pl_text__raise(room, &bytes);
    CHECK_INT(want != NULL, raised);
    if (want) CHECK_SPAN(want, pl_span_make(room, bytes));
}

TEST(range_raises_the_last_code_point)
{
    check_raise("abc", "abd");
    check_raise("\x7f", "\xc2\x80");                 // one byte becomes two
    check_raise("\xdf\xbf", "\xe0\xa0\x80");         // U+07FF
    check_raise("\xef\xbf\xbf", "\xf0\x90\x80\x80"); // U+FFFF
    check_raise("a\xed\x9f\xbf", "a\xee\x80\x80");   // past the surrogates
    check_raise("a" MAX_POINT MAX_POINT, "b");       // carried
    check_raise(MAX_POINT, NULL);
    check_raise("", NULL);
}

TEST(range_raises_what_is_not_utf8_without_harm)
{
    check_raise("aa\x80", "b"); // what the stray byte follows goes with it
    check_raise("a\xff\xff", "b");
    check_raise("\x80\x80\x80\x80\x80\x80", NULL);
    check_raise("\xc0\x80", NULL); // overlong
}

TEST(range_counts_code_points)
{
    CHECK_INT(0, pl_text__points(PL_SPAN(""), 3));
    CHECK_INT(2, pl_text__points(PL_SPAN("ab"), 3));
    CHECK_INT(3, pl_text__points(PL_SPAN("abcd"), 3));
    CHECK_INT(5, pl_text__points(PL_SPAN("\xc3\xa9\xc3\xa9zz"), 3));
    CHECK_INT(8, pl_text__points(PL_SPAN("\x80\x80\x80\x80\x80\x80\x80\x80\x80"), 2));
}

TEST(range_cuts_between_code_points)
{
    CHECK_INT(2, pl_text__cut(PL_SPAN("ab"), 2));
    CHECK_INT(2, pl_text__cut(PL_SPAN("abc"), 2));
    CHECK_INT(1, pl_text__cut(PL_SPAN("a\xf0\x9f\x98\x80"), 4));
    CHECK_INT(5, pl_text__cut(PL_SPAN("a\xf0\x9f\x98\x80z"), 5));
}

static pl_range scan_doubles(pl_column *column, const double *values, unsigned count)
{
    pl_column_reset(column);
    for (unsigned i = 0; i < count; i++)
        pl_column_append(column, &(pl_value){.kind = PL_DOUBLE, .f64 = values[i]});
    pl_column_null(column);
    return pl_range__scan(column);
}

TEST(range_leaves_nan_out_and_spreads_zeros)
{
    pl_column column;
    pl_column_init(&column, &(pl_type){.kind = PL_DOUBLE});
    pl_range range = scan_doubles(&column, (double[]){(double)NAN, 0.0, (double)NAN}, 3);
    CHECK(range.has && range.nans == 2);
    CHECK(range.min.f64 == 0 && signbit(range.min.f64));
    CHECK(range.max.f64 == 0 && !signbit(range.max.f64));
    range = scan_doubles(&column, (double[]){-0.0, -1.5}, 2);
    CHECK(range.min.f64 == -1.5 && range.max.f64 == 0 && !signbit(range.max.f64));
    range = scan_doubles(&column, (double[]){(double)NAN}, 1);
    CHECK(!range.has && range.nans == 1);
    range = scan_doubles(&column, NULL, 0);
    CHECK(!range.has && range.nans == 0);
    pl_column_done(&column);
}

TEST(range_knows_both_booleans)
{
    pl_column column;
    pl_column_init(&column, &(pl_type){.kind = PL_BOOLEAN});
    pl_column_null(&column);
    CHECK(!pl_range__scan(&column).has);
    pl_column_append(&column, &(pl_value){.kind = PL_BOOLEAN, .boolean = true});
    pl_range range = pl_range__scan(&column);
    CHECK(range.has && range.min.boolean && range.max.boolean);
    pl_column_append(&column, &(pl_value){.kind = PL_BOOLEAN});
    range = pl_range__scan(&column);
    CHECK(!range.min.boolean && range.max.boolean);
    pl_column_done(&column);
}

static void merge_text(pl_bounds *bounds, const char *min, const char *max)
{
    pl_range range = {.has = true,
                      .min = {.kind = PL_STRING, .text = pl_span_of(min)},
                      .max = {.kind = PL_STRING, .text = pl_span_of(max)}};
    pl_bounds__merge(bounds, &range);
}

TEST(range_text_bounds_have_sixteen_code_points)
{
    pl_arena arena = {0};
    pl_leaf_metrics leaf = {0};
    pl_bounds bounds = {0};
    merge_text(&bounds, SIXTEEN("\xc3\xa9"), SIXTEEN("\xc3\xa9"));
    pl_bounds__write(&bounds, &arena, &leaf);
    CHECK(leaf.has_lower && leaf.has_upper);
    CHECK_SPAN(SIXTEEN("\xc3\xa9"), leaf.lower);
    CHECK_SPAN(SIXTEEN("\xc3\xa9"), leaf.upper); // sixteen: whole

    // One more is cut, and the upper bound raised; the shorter minimum stays below.
    merge_text(&bounds, SIXTEEN("\xc3\xa9") "z", SIXTEEN("\xc3\xa9") "z");
    pl_bounds__write(&bounds, &arena, &leaf);
    CHECK_SPAN(SIXTEEN("\xc3\xa9"), leaf.lower);
    CHECK_SPAN("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
               "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xaa",
               leaf.upper);

    merge_text(&bounds, "", SIXTEEN(MAX_POINT) MAX_POINT MAX_POINT);
    pl_bounds__write(&bounds, &arena, &leaf);
    CHECK(leaf.has_lower && !leaf.has_upper);
    CHECK_SPAN("", leaf.lower);
    pl_arena_done(&arena);
}

TEST(range_bounds_span_row_groups)
{
    pl_arena arena = {0};
    pl_leaf_metrics leaf = {0};
    pl_bounds bounds = {0};
    pl_bounds__merge(&bounds, &(pl_range){0});
    pl_bounds__write(&bounds, &arena, &leaf);
    CHECK(!leaf.has_lower && !leaf.has_upper);
    for (int32_t i = 3; i >= -2; i--) {
        pl_range range = {
            .has = true, .min = {.kind = PL_INT, .i32 = i * 2}, .max = {.kind = PL_INT, .i32 = i}};
        pl_bounds__merge(&bounds, &range);
    }
    pl_bounds__write(&bounds, &arena, &leaf);
    CHECK_INT(4, leaf.lower.bytes);
    assert_memory_equal("\xfc\xff\xff\xff", leaf.lower.data, 4);
    assert_memory_equal("\x03\x00\x00\x00", leaf.upper.data, 4);
    pl_arena_done(&arena);
}

// Texts with long beginnings in common, NULLs between them, against comparing each with each.
TEST(range_of_texts_is_that_of_comparing_all)
{
    uint32_t random = 7;
    for (uint32_t round = 0; round < 400; round++) {
        pl_column column;
        pl_column_init(&column, &(pl_type){.kind = PL_STRING});
        pl_span min = {0}, max = {0};
        char texts[30][48];
        for (uint32_t row = 0; row < 1 + round % 30; row++) {
            memset(texts[row], 'a' + (int)(round % 2), sizeof texts[row]);
            random = random * 1664525u + 1013904223u;
            texts[row][(random >> 8) % 40] = (char)(random >> 16);
            pl_span text = pl_span_make(texts[row], (random >> 24) % 3 ? 40 : (random >> 12) % 48);
            if (random >> 29 == 0) {
                pl_column_null(&column);
                continue;
            }
            pl_column_text(&column, text);
            if (!min.data || pl_span_compare(text, min) < 0) min = text;
            if (!max.data || pl_span_compare(text, max) > 0) max = text;
        }
        pl_range range = pl_range__scan(&column);
        CHECK_INT(min.data != NULL, range.has);
        CHECK(pl_span_equal(min, range.min.text) && pl_span_equal(max, range.max.text));
        pl_column_done(&column);
    }
}

TEST(range_of_numbers_leaves_null_out)
{
    pl_column column;
    pl_column_init(&column, &(pl_type){.kind = PL_LONG});
    for (int64_t n = -3; n < 40; n++) {
        pl_value value = {.kind = PL_LONG, .is_null = n < 3 || n == 17, .i64 = n};
        pl_column_append(&column, &value); // the rows that are NULL hold 0
        pl_range range = pl_range__scan(&column);
        CHECK_INT(n >= 3, range.has);
        CHECK(n < 3 || (range.min.i64 == 3 && range.max.i64 == (n == 17 ? 16 : n)));
    }
    pl_column_done(&column);
}

int main(void)
{
    return RUN_TESTS("parquet/range", T(range_raises_the_last_code_point),
                     T(range_raises_what_is_not_utf8_without_harm), T(range_counts_code_points),
                     T(range_cuts_between_code_points), T(range_leaves_nan_out_and_spreads_zeros),
                     T(range_knows_both_booleans), T(range_text_bounds_have_sixteen_code_points),
                     T(range_bounds_span_row_groups), T(range_of_texts_is_that_of_comparing_all),
                     T(range_of_numbers_leaves_null_out));
}
