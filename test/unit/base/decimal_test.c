// SPDX-License-Identifier: Apache-2.0
#include "base/decimal.h"

#include "unit.h"

#define E19   ((pl_i128)INT64_C(1000000000000000000) * 10)
#define MAX38 (E19 * E19 - 1) // 38 nines

static void check_text(const char *want, pl_i128 unscaled, int scale)
{
    pl_buf out = {0};
    pl_decimal_text(&out, unscaled, scale);
    CHECK_SPAN(want, pl_buf_view(&out));
    pl_buf_done(&out);
}

TEST(decimal_text_writes_every_digit_of_the_scale)
{
    check_text("0", 0, 0);
    check_text("0.00", 0, 2);
    check_text("7", 7, 0);
    check_text("-7", -7, 0);
    check_text("-12.30", -1230, 2);
    check_text("0.01", 1, 2);
    check_text("-0.01", -1, 2);
    check_text("-0.10", -10, 2);
    check_text("1.00", 100, 2);
    check_text("9223372036854775808", (pl_i128)INT64_MAX + 1, 0);
    check_text("99999999999999999999999999999999999999", MAX38, 0);
    check_text("-0.99999999999999999999999999999999999999", -MAX38, 38);
    check_text("0.00000000000000000000000000000000000001", 1, 38);
    pl_i128 least = -((pl_i128)1 << 126) * 2;
    check_text("-170141183460469231731687303715884105728", least, 0);
}

TEST(decimal_power_is_exact_up_to_38)
{
    CHECK(pl_decimal_power(0) == 1);
    CHECK(pl_decimal_power(1) == 10);
    CHECK(pl_decimal_power(19) == E19);
    CHECK(pl_decimal_power(38) == MAX38 + 1);
}

static void check_bytes(const char *want_hex, pl_i128 unscaled)
{
    uint8_t bytes[16];
    pl_buf hex = {0};
    int count = pl_decimal_bytes(unscaled, bytes);
    for (int i = 0; i < count; i++) pl_buf_printf(&hex, "%02X", bytes[i]);
    CHECK_STR(want_hex, pl_buf_cstr(&hex));
    pl_buf_done(&hex);
}

TEST(decimal_bytes_are_big_endian_and_as_few_as_hold_the_sign)
{
    check_bytes("00", 0);
    check_bytes("01", 1);
    check_bytes("FF", -1);
    check_bytes("7F", 127);
    check_bytes("0080", 128);
    check_bytes("80", -128);
    check_bytes("FF7F", -129);
    check_bytes("04D2", 1234);
    check_bytes("FB2E", -1234);
    check_bytes("00FFFF", 65535);
    check_bytes("8000", -32768);
    check_bytes("058C", 1420);
    check_bytes("7FFFFFFFFFFFFFFF", INT64_MAX);
    check_bytes("008000000000000000", (pl_i128)INT64_MAX + 1);
    check_bytes("4B3B4CA85A86C47A098A223FFFFFFFFF", MAX38);
    check_bytes("B4C4B357A5793B85F675DDC000000001", -MAX38);
}

TEST(decimal_width_is_what_the_parquet_specification_lists)
{
    static const int widths[] = {1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,  6,
                                 6,  7,  7,  8,  8,  9,  9,  9,  10, 10, 11, 11, 11,
                                 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};
    for (int precision = 1; precision <= 38; precision++)
        CHECK_INT(widths[precision - 1], pl_decimal_width(precision));
}

int main(void)
{
    return RUN_TESTS("base/decimal", T(decimal_text_writes_every_digit_of_the_scale),
                     T(decimal_power_is_exact_up_to_38),
                     T(decimal_bytes_are_big_endian_and_as_few_as_hold_the_sign),
                     T(decimal_width_is_what_the_parquet_specification_lists));
}
