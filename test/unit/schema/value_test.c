// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "schema/schema.h"
#include "unit.h"

TEST(values_of_each_kind_are_ordered_as_iceberg_orders_them)
{
    // Ascending within each kind; neighbours of another kind are not compared.
    const pl_value ascending[] = {
        {.kind = PL_BOOLEAN, .boolean = false},
        {.kind = PL_BOOLEAN, .boolean = true},
        {.kind = PL_INT, .i32 = INT32_MIN},
        {.kind = PL_INT, .i32 = -1},
        {.kind = PL_INT, .i32 = INT32_MAX},
        {.kind = PL_LONG, .i64 = INT64_MIN},
        {.kind = PL_LONG, .i64 = 0},
        {.kind = PL_LONG, .i64 = INT64_MAX},
        {.kind = PL_DATE, .i32 = -1},
        {.kind = PL_DATE, .i32 = 0},
        {.kind = PL_TIMESTAMP, .i64 = -1},
        {.kind = PL_TIMESTAMP, .i64 = 1},
        {.kind = PL_FLOAT, .f32 = -(float)INFINITY},
        {.kind = PL_FLOAT, .f32 = -0.0F},
        {.kind = PL_FLOAT, .f32 = 0.0F},
        {.kind = PL_FLOAT, .f32 = (float)NAN},
        {.kind = PL_DOUBLE, .f64 = -(double)INFINITY},
        {.kind = PL_DOUBLE, .f64 = -1.5},
        {.kind = PL_DOUBLE, .f64 = -0.0},
        {.kind = PL_DOUBLE, .f64 = 0.0},
        {.kind = PL_DOUBLE, .f64 = 5e-324},
        {.kind = PL_DOUBLE, .f64 = (double)INFINITY},
        {.kind = PL_DOUBLE, .f64 = (double)NAN},
        {.kind = PL_DECIMAL, .i128 = -((pl_i128)1 << 100)},
        {.kind = PL_DECIMAL, .i128 = -1},
        {.kind = PL_DECIMAL, .i128 = (pl_i128)1 << 100},
        {.kind = PL_STRING, .text = {NULL, 0}},
        {.kind = PL_STRING, .text = PL_SPAN("a")},
        {.kind = PL_STRING, .text = PL_SPAN("ab")},
        {.kind = PL_STRING, .text = PL_SPAN("b")},
        {.kind = PL_STRING, .text = PL_SPAN("\xC3\xA9")},
        {.kind = PL_STRING, .text = PL_SPAN("\xEF\xBF\xBD")},
        {.kind = PL_STRING, .text = PL_SPAN("\xF0\x9F\x98\x80")},
    };
    for (size_t a = 0; a < PL_COUNT(ascending); a++)
        for (size_t b = 0; b < PL_COUNT(ascending); b++) {
            if (ascending[a].kind != ascending[b].kind) {
                CHECK(!pl_value_equal(&ascending[a], &ascending[b]));
                continue;
            }
            int order = pl_value_compare(&ascending[a], &ascending[b]);
            CHECK_INT((a > b) - (a < b), (order > 0) - (order < 0));
            CHECK_INT(a == b, pl_value_equal(&ascending[a], &ascending[b]));
        }
}

TEST(values_null_equals_null_and_nothing_else)
{
    pl_value null = {.kind = PL_LONG, .is_null = true}, zero = {.kind = PL_LONG};
    pl_value other = {.kind = PL_STRING, .is_null = true};
    CHECK(pl_value_equal(&null, &null) && pl_value_equal(&null, &other));
    CHECK(!pl_value_equal(&null, &zero) && !pl_value_equal(&zero, &null));
    pl_value nan = {.kind = PL_DOUBLE, .f64 = (double)NAN},
             minus_nan = {.kind = PL_DOUBLE, .f64 = -(double)NAN};
    CHECK(pl_value_equal(&nan, &minus_nan));
}

static void check_value(pl_value value, pl_type type, const char *text, const char *hex)
{
    pl_buf out = {0}, bytes = {0}, got = {0};
    value.kind = type.kind;
    pl_value_text(&out, &value, &type);
    CHECK_SPAN(text, pl_buf_view(&out));
    pl_value_bytes(&bytes, &value);
    for (size_t i = 0; i < bytes.count; i++)
        pl_buf_printf(&got, "%02X", (unsigned)(uint8_t)bytes.data[i]);
    CHECK_STR(hex, pl_buf_cstr(&got));
    pl_buf_done(&out);
    pl_buf_done(&bytes);
    pl_buf_done(&got);
}

TEST(values_have_a_readable_text_and_the_bytes_of_iceberg)
{
    check_value((pl_value){.boolean = true}, (pl_type){.kind = PL_BOOLEAN}, "true", "01");
    check_value((pl_value){.boolean = false}, (pl_type){.kind = PL_BOOLEAN}, "false", "00");
    check_value((pl_value){.i32 = -2}, (pl_type){.kind = PL_INT}, "-2", "FEFFFFFF");
    check_value((pl_value){.i64 = 258}, (pl_type){.kind = PL_LONG}, "258", "0201000000000000");
    check_value((pl_value){.f32 = 0.5F}, (pl_type){.kind = PL_FLOAT}, "0.5", "0000003F");
    check_value((pl_value){.f64 = -2}, (pl_type){.kind = PL_DOUBLE}, "-2.0", "00000000000000C0");
    check_value((pl_value){.f64 = (double)NAN}, (pl_type){.kind = PL_DOUBLE}, "NaN",
                "000000000000F87F");
    check_value((pl_value){.i32 = -1}, (pl_type){.kind = PL_DATE}, "1969-12-31", "FFFFFFFF");
    check_value((pl_value){.i64 = -1}, (pl_type){.kind = PL_TIMESTAMP},
                "1969-12-31T23:59:59.999999Z", "FFFFFFFFFFFFFFFF");
    check_value((pl_value){.i128 = 1420}, (pl_type){.kind = PL_DECIMAL, .precision = 9, .scale = 2},
                "14.20", "058C");
    check_value((pl_value){.i128 = -128}, (pl_type){.kind = PL_DECIMAL, .precision = 9, .scale = 0},
                "-128", "80");
    check_value((pl_value){.text = PL_SPAN("\xC3\xA9")}, (pl_type){.kind = PL_STRING}, "\xC3\xA9",
                "C3A9");
    check_value((pl_value){.text = {NULL, 0}}, (pl_type){.kind = PL_STRING}, "", "");
    check_value((pl_value){.text = PL_SPAN("[1]")}, (pl_type){.kind = PL_JSON}, "[1]", "5B315D");
    check_value((pl_value){.is_null = true}, (pl_type){.kind = PL_LONG}, "null", "");
}

int main(void)
{
    return RUN_TESTS("schema/value", T(values_of_each_kind_are_ordered_as_iceberg_orders_them),
                     T(values_null_equals_null_and_nothing_else),
                     T(values_have_a_readable_text_and_the_bytes_of_iceberg));
}
