// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static pl_number parsed(const char *text)
{
    pl_number number;
    if (pl_number_parse(pl_span_of(text), &number) != PL_NUMBER_OK) fail_msg("no number: %s", text);
    return number;
}

TEST(number_grammar_is_that_of_json)
{
    static const char *const good[] = {"0",    "-0",   "0.0",  "-0.0e-0", "10",   "1.50", "1e5",
                                       "1E+5", "1e-5", "0e99", "1e00",    "12.3", "-7"};
    static const char *const bad[] = {
        "",    "-",        "+1",   "01",   "-01",   "00",   "1.",       ".5",  "1.e5", "1e",
        "1e+", "1e-",      " 1",   "1 ",   "1a",    "0x1",  "1,5",      "--1", "1-",   "NaN",
        "inf", "Infinity", "1e5.", "1.2.", "1_000", "1ee5", "\xD9\xA1", "1\n"};
    pl_number number;
    for (size_t i = 0; i < PL_COUNT(good); i++)
        CHECK_INT(PL_NUMBER_OK, pl_number_parse(pl_span_of(good[i]), &number));
    for (size_t i = 0; i < PL_COUNT(bad); i++)
        if (pl_number_parse(pl_span_of(bad[i]), &number) != PL_NUMBER_SYNTAX)
            fail_msg("accepted '%s'", bad[i]);
    CHECK_INT(PL_NUMBER_SYNTAX, pl_number_parse((pl_span){0}, &number));
    CHECK_INT(PL_NUMBER_SYNTAX, pl_number_parse(pl_span_make("1\0", 2), &number));
    CHECK_INT(PL_NUMBER_OK, pl_number_parse(pl_span_make("123", 2), &number));
    CHECK_INT(12, number.leading);
}

TEST(number_parts_have_no_leading_or_trailing_zeros)
{
    static const struct {
        const char *text;
        bool negative;
        uint64_t leading;
        uint32_t count;
        int64_t exponent;
    } cases[] = {
        {"0", false, 0, 0, 0},
        {"-0.000e7", true, 0, 0, 0},
        {"100", false, 1, 1, 2},
        {"1.50", false, 15, 2, -1},
        {"0.00120", false, 12, 2, -4},
        {"-1020.0", true, 102, 3, 1},
        {"1e-400", false, 1, 1, -400},
        {"9999999999999999999", false, UINT64_C(9999999999999999999), 19, 0},
        {"12345678901234567890123", false, UINT64_C(1234567890123456789), 23, 0},
        {"10000000000000000000000001", false, UINT64_C(1000000000000000000), 26, 0},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_number n = parsed(cases[i].text);
        CHECK_INT(cases[i].negative, n.negative);
        CHECK_INT(cases[i].leading, n.leading);
        CHECK_INT(cases[i].count, n.count);
        CHECK_INT(cases[i].exponent, n.exponent);
    }
}

TEST(number_exponents_of_any_length_neither_overflow_nor_wrap)
{
    pl_number n = parsed("1e99999999999999999999999999999999");
    int64_t i64;
    double f64;
    CHECK(n.exponent >= 1000000000);
    CHECK_INT(PL_NUMBER_RANGE, pl_number_long(&n, 0, &i64));
    CHECK_INT(PL_NUMBER_RANGE, pl_number_double(&n, 0, &f64));
    n = parsed("-1e-99999999999999999999999999999999");
    CHECK(n.exponent <= -1000000000);
    CHECK_INT(PL_NUMBER_INEXACT, pl_number_long(&n, 0, &i64));
    CHECK_INT(PL_NUMBER_TINY, pl_number_double(&n, 0, &f64));
    n = parsed("0e99999999999999999999999999999999");
    CHECK_INT(PL_NUMBER_OK, pl_number_long(&n, 0, &i64));
    CHECK_INT(0, i64);
}

TEST(number_long_is_exact_or_says_why_not)
{
    static const struct {
        const char *text;
        int shift;
        pl_number_verdict verdict;
        int64_t value;
    } cases[] = {
        {"0", 0, PL_NUMBER_OK, 0},
        {"-0", 0, PL_NUMBER_OK, 0},
        {"-0.000", 0, PL_NUMBER_OK, 0},
        {"5.0", 0, PL_NUMBER_OK, 5},
        {"5e0", 0, PL_NUMBER_OK, 5},
        {"1.5e1", 0, PL_NUMBER_OK, 15},
        {"9223372036854775807", 0, PL_NUMBER_OK, INT64_MAX},
        {"9223372036854775808", 0, PL_NUMBER_RANGE, 0},
        {"-9223372036854775808", 0, PL_NUMBER_OK, INT64_MIN},
        {"-9223372036854775809", 0, PL_NUMBER_RANGE, 0},
        {"9.223372036854775807e18", 0, PL_NUMBER_OK, INT64_MAX},
        {"92233720368547758070e-1", 0, PL_NUMBER_OK, INT64_MAX},
        {"18446744073709551616", 0, PL_NUMBER_RANGE, 0},
        {"1e18", 0, PL_NUMBER_OK, INT64_C(1000000000000000000)},
        {"1e19", 0, PL_NUMBER_RANGE, 0},
        {"5.5", 0, PL_NUMBER_INEXACT, 0},
        {"1e-1", 0, PL_NUMBER_INEXACT, 0},
        {"123456789012345678901234567890.5", 0, PL_NUMBER_INEXACT, 0},
        {"100", -2, PL_NUMBER_OK, 1},
        {"150", -2, PL_NUMBER_INEXACT, 0},
        {"0", -2, PL_NUMBER_OK, 0},
        {"1.5", 1, PL_NUMBER_OK, 15},
        {"1234.567", 6, PL_NUMBER_OK, 1234567000},
        // 2^128 and its neighbours: 39 digits, which an unsigned 128-bit sum would wrap to 0, 5.
        {"340282366920938463463374607431768211455", 0, PL_NUMBER_RANGE, 0},
        {"340282366920938463463374607431768211456", 0, PL_NUMBER_RANGE, 0},
        {"340282366920938463463374607431768211461", 0, PL_NUMBER_RANGE, 0},
        {"-340282366920938463463374607431768211461", 0, PL_NUMBER_RANGE, 0},
        {"680564733841876926926749214863536422913", 0, PL_NUMBER_RANGE, 0},
        {"3402823669209384634633746074317682114560000", 0, PL_NUMBER_RANGE, 0},
        {"1e38", 0, PL_NUMBER_RANGE, 0},
        {"99e37", 0, PL_NUMBER_RANGE, 0},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_number n = parsed(cases[i].text);
        int64_t value = 0;
        if (pl_number_long(&n, cases[i].shift, &value) != cases[i].verdict ||
            value != cases[i].value)
            fail_msg("%s: got %lld", cases[i].text, (long long)value);
    }
}

TEST(number_long_leaves_the_result_alone_when_it_fails)
{
    int64_t value = 77;
    pl_number n = parsed("1e30");
    CHECK_INT(PL_NUMBER_RANGE, pl_number_long(&n, 0, &value));
    n = parsed("0.5");
    CHECK_INT(PL_NUMBER_INEXACT, pl_number_long(&n, 0, &value));
    CHECK_INT(77, value);
}

TEST(number_decimal_keeps_scale_and_refuses_what_does_not_fit)
{
    static const struct {
        const char *text;
        int shift, precision, scale;
        pl_number_verdict verdict;
        const char *value; // as decimal text
    } cases[] = {
        {"0", 0, 1, 0, PL_NUMBER_OK, "0"},
        {"-0.0", 0, 5, 2, PL_NUMBER_OK, "0.00"},
        {"1.5", 0, 5, 2, PL_NUMBER_OK, "1.50"},
        {"-12.3", 0, 5, 2, PL_NUMBER_OK, "-12.30"},
        {"1.005", 0, 5, 2, PL_NUMBER_INEXACT, NULL},
        {"999.99", 0, 5, 2, PL_NUMBER_OK, "999.99"},
        {"-999.99", 0, 5, 2, PL_NUMBER_OK, "-999.99"},
        {"1000", 0, 5, 2, PL_NUMBER_RANGE, NULL},
        {"-1000.00", 0, 5, 2, PL_NUMBER_RANGE, NULL},
        {"1e3", 0, 5, 2, PL_NUMBER_RANGE, NULL},
        {"4.7", -2, 5, 3, PL_NUMBER_OK, "0.047"},
        {"1.2", 3, 9, 0, PL_NUMBER_OK, "1200"},
        {"99999999999999999999999999999999999999", 0, 38, 0, PL_NUMBER_OK,
         "99999999999999999999999999999999999999"},
        {"-99999999999999999999999999999999999999", 0, 38, 0, PL_NUMBER_OK,
         "-99999999999999999999999999999999999999"},
        {"100000000000000000000000000000000000000", 0, 38, 0, PL_NUMBER_RANGE, NULL},
        {"0.99999999999999999999999999999999999999", 0, 38, 38, PL_NUMBER_OK,
         "0.99999999999999999999999999999999999999"},
        {"1", 0, 38, 38, PL_NUMBER_RANGE, NULL},
        {"1e-38", 0, 38, 38, PL_NUMBER_OK, "0.00000000000000000000000000000000000001"},
        {"1e-39", 0, 38, 38, PL_NUMBER_INEXACT, NULL},
        {"12345678901234567890.123456789012345678", 0, 38, 18, PL_NUMBER_OK,
         "12345678901234567890.123456789012345678"},
        // 3.5e38 and friends are above 2^128: a product that wraps looks small again.
        {"3.5e38", 0, 38, 0, PL_NUMBER_RANGE, NULL},
        {"35e37", 0, 38, 0, PL_NUMBER_RANGE, NULL},
        {"-3.5e38", 0, 38, 0, PL_NUMBER_RANGE, NULL},
        {"3.5", 0, 38, 38, PL_NUMBER_RANGE, NULL},
        {"340282366920938463463374607431768211461", 0, 38, 0, PL_NUMBER_RANGE, NULL},
        {"700000000000000000000000000000000000001", 0, 38, 0, PL_NUMBER_RANGE, NULL},
        {"1e400", 0, 38, 0, PL_NUMBER_RANGE, NULL},
        {"1e-400", 0, 38, 38, PL_NUMBER_INEXACT, NULL},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_number n = parsed(cases[i].text);
        pl_i128 value = 0;
        pl_number_verdict verdict =
            pl_number_decimal(&n, cases[i].shift, cases[i].precision, cases[i].scale, &value);
        pl_buf text = {0};
        pl_decimal_text(&text, value, cases[i].scale);
        if (verdict != cases[i].verdict ||
            (cases[i].value && strcmp(cases[i].value, pl_buf_cstr(&text)) != 0))
            fail_msg("%s as decimal(%d, %d): verdict %d, %s", cases[i].text, cases[i].precision,
                     cases[i].scale, (int)verdict, pl_buf_cstr(&text));
        pl_buf_done(&text);
    }
}

TEST(number_double_is_the_nearest_and_never_a_false_zero_or_infinity)
{
    static const struct {
        const char *text;
        int shift;
        pl_number_verdict verdict;
        double value;
    } cases[] = {
        {"0", 0, PL_NUMBER_OK, 0.0},
        {"0.1", 0, PL_NUMBER_OK, 0.1},
        {"-5.25", 0, PL_NUMBER_OK, -5.25},
        {"4.7", -2, PL_NUMBER_OK, 0.047},
        {"0.29", -2, PL_NUMBER_OK, 0.0029},
        {"9007199254740993", 0, PL_NUMBER_OK, 9007199254740992.0}, // 2^53 + 1: a tie, to even
        {"9007199254740995", 0, PL_NUMBER_OK, 9007199254740996.0},
        {"9007199254740993.0000000000000000000000000000001", 0, PL_NUMBER_OK, 9007199254740994.0},
        {"1.7976931348623157e308", 0, PL_NUMBER_OK, 1.7976931348623157e308},
        {"1.7976931348623158e308", 0, PL_NUMBER_OK, 1.7976931348623157e308},
        {"1.7976931348623159e308", 0, PL_NUMBER_RANGE, 0},
        {"1e400", 0, PL_NUMBER_RANGE, 0},
        {"-1e400", 0, PL_NUMBER_RANGE, 0},
        {"5e-324", 0, PL_NUMBER_OK, 5e-324},
        {"3e-324", 0, PL_NUMBER_OK, 5e-324},
        {"2e-324", 0, PL_NUMBER_TINY, 0},
        {"1e-400", 0, PL_NUMBER_TINY, 0},
        {"0e-400", 0, PL_NUMBER_OK, 0.0},
        {"2.2250738585072011e-308", 0, PL_NUMBER_OK, 2.2250738585072011e-308},
        {"123456789012345678901234567890", 0, PL_NUMBER_OK, 1.2345678901234568e29},
        {"1e22", 0, PL_NUMBER_OK, 1e22},
        {"1e23", 0, PL_NUMBER_OK, 1e23},
        {"8.5", 307, PL_NUMBER_OK, 8.5e307},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_number n = parsed(cases[i].text);
        double value = 0;
        if (pl_number_double(&n, cases[i].shift, &value) != cases[i].verdict ||
            value != cases[i].value)
            fail_msg("%s: got %.17g", cases[i].text, value);
    }
    double zero = 1;
    pl_number n = parsed("-0");
    CHECK_INT(PL_NUMBER_OK, pl_number_double(&n, 0, &zero));
    CHECK(zero == 0 && signbit(zero));
}

TEST(number_double_agrees_with_the_c_library_on_random_texts)
{
    uint64_t seed = 11;
    for (int round = 0; round < 200000; round++) {
        char text[64];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t digits = seed >> (seed >> 58);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int exponent = (int)((seed >> 33) % 80) - 45;
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, exponent);
        pl_number n = parsed(text);
        double got = 0;
        CHECK_INT(PL_NUMBER_OK, pl_number_double(&n, 0, &got));
        if (got != strtod(text, NULL)) fail_msg("%s: got %.17g", text, got);
    }
}

TEST(number_float_rounds_once)
{
    static const struct {
        const char *text;
        pl_number_verdict verdict;
        float value;
    } cases[] = {
        {"0.1", PL_NUMBER_OK, 0.1F},
        {"16777217", PL_NUMBER_OK, 16777216.0F}, // 2^24 + 1: a tie, to even
        {"16777219", PL_NUMBER_OK, 16777220.0F},
        // Above the tie by less than a double can say: through a double it would go to even.
        {"16777217.000000000000001", PL_NUMBER_OK, 16777218.0F},
        {"3.4028235e38", PL_NUMBER_OK, 3.4028235e38F},
        {"3.4028236e38", PL_NUMBER_RANGE, 0},
        {"1e39", PL_NUMBER_RANGE, 0},
        {"1e-45", PL_NUMBER_OK, 1e-45F},
        {"1e-46", PL_NUMBER_TINY, 0},
        {"-7", PL_NUMBER_OK, -7.0F},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_number n = parsed(cases[i].text);
        float value = 0;
        if (pl_number_float(&n, 0, &value) != cases[i].verdict || value != cases[i].value)
            fail_msg("%s: got %.9g", cases[i].text, (double)value);
    }
}

TEST(number_of_a_million_digits_is_read_exactly)
{
    size_t count = 1000000;
    char *text = malloc(count + 2);
    memset(text, '0', count);
    text[0] = '1';
    text[count] = '1'; // 10^1000000 + 1
    pl_number n;
    int64_t i64;
    double f64;
    CHECK_INT(PL_NUMBER_OK, pl_number_parse(pl_span_make(text, count + 1), &n));
    CHECK_INT(count + 1, n.count);
    CHECK_INT(PL_NUMBER_RANGE, pl_number_long(&n, 0, &i64));
    CHECK_INT(PL_NUMBER_RANGE, pl_number_double(&n, 0, &f64));
    text[1] = '.';
    text[count] = '0';
    CHECK_INT(PL_NUMBER_OK, pl_number_parse(pl_span_make(text, count + 1), &n));
    CHECK_INT(PL_NUMBER_OK, pl_number_long(&n, 0, &i64));
    CHECK_INT(1, i64);
    free(text);
}

TEST(number_double_text_is_short_reads_back_and_is_json)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.0, "0.0"},
                 {-0.0, "-0.0"},
                 {1, "1.0"},
                 {-12, "-12.0"},
                 {0.1, "0.1"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1e15, "1e+15"},
                 {123456789012345.0, "123456789012345.0"},
                 {1e22, "1e+22"},
                 {1e-7, "1e-07"},
                 {9007199254740993.0, "9007199254740992.0"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {5e-324, "5e-324"},
                 {-1e-320, "-1e-320"},
                 {(double)NAN, "NaN"},
                 {(double)INFINITY, "Infinity"},
                 {-(double)INFINITY, "-Infinity"}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        char text[32];
        int bytes = pl_number_double_text(cases[i].value, text);
        CHECK_SPAN(cases[i].text, pl_span_make(text, (size_t)bytes));
    }
    uint64_t bits = 99;
    for (int round = 0; round < 50000; round++) {
        double value;
        char text[32];
        pl_number n;
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        memcpy(&value, &bits, 8);
        if (!isfinite(value)) continue;
        double back = 0;
        pl_span span = pl_span_make(text, (size_t)pl_number_double_text(value, text));
        CHECK_INT(PL_NUMBER_OK, pl_number_parse(span, &n));
        CHECK_INT(PL_NUMBER_OK, pl_number_double(&n, 0, &back));
        CHECK(back == value);
    }
}

TEST(number_float_text_is_short_and_reads_back)
{
    static const struct {
        float value;
        const char *text;
    } cases[] = {{0.1F, "0.1"},
                 {5, "5.0"},
                 {16777216.0F, "16777216.0"},
                 {3.4028235e38F, "3.4028235e+38"},
                 {1e-45F, "1e-45"},
                 {-0.0F, "-0.0"},
                 {(float)NAN, "NaN"},
                 {-(float)INFINITY, "-Infinity"}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        char text[32];
        int bytes = pl_number_float_text(cases[i].value, text);
        CHECK_SPAN(cases[i].text, pl_span_make(text, (size_t)bytes));
    }
}

TEST(number_reasons_complete_a_sentence)
{
    CHECK_STR("is not a number", pl_number_reason(PL_NUMBER_SYNTAX));
    CHECK_STR("is out of range", pl_number_reason(PL_NUMBER_RANGE));
    CHECK_STR("has digits the type cannot hold", pl_number_reason(PL_NUMBER_INEXACT));
    CHECK_STR("is not zero but too small for the type", pl_number_reason(PL_NUMBER_TINY));
}

static void check_order(const char *smaller, const char *larger, int want)
{
    pl_number a, b;
    CHECK_INT(PL_NUMBER_OK, pl_number_parse(pl_span_of(smaller), &a));
    CHECK_INT(PL_NUMBER_OK, pl_number_parse(pl_span_of(larger), &b));
    CHECK_INT(want, pl_number_compare(&a, &b));
    CHECK_INT(-want, pl_number_compare(&b, &a));
}

TEST(numbers_are_compared_by_value)
{
    check_order("1", "1.0", 0);
    check_order("100", "1e2", 0);
    check_order("0", "-0.0e9", 0);
    check_order("0.00120", "12e-4", 0);
    check_order("-1", "0", -1);
    check_order("-2", "-1", -1);
    check_order("-1", "1", -1);
    check_order("0", "1e-400", -1);
    check_order("9", "10", -1);
    check_order("1e400", "2e400", -1);
    check_order("9007199254740992", "9007199254740993", -1);
    check_order("123456789012345678901234567890.1", "123456789012345678901234567890.11", -1);
    check_order("1234567890123456789012345678900", "123456789012345678901234567890e1", 0);
    check_order("0.1000000000000000055", "0.1", 1);
}

TEST(number_plain_and_quick_agree_with_the_long_way)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "-0.0",
                                        "0.0",
                                        "7",
                                        "-7",
                                        "10",
                                        "1.50",
                                        "-12.25",
                                        "0.001",
                                        "9007199254740992",
                                        "9007199254740993",
                                        "123456789012345678",
                                        "1234567890123456789",
                                        "0.1234567890123456",
                                        "0.123456789012345678",
                                        "",
                                        "-",
                                        "+1",
                                        "01",
                                        "-01",
                                        "00.5",
                                        "1.",
                                        ".5",
                                        "-.5",
                                        "1.2.3",
                                        "1e5",
                                        "1 ",
                                        " 1",
                                        "1a",
                                        "--1",
                                        "1-",
                                        "1.-5",
                                        ".",
                                        "-."};
    for (size_t i = 0; i < PL_COUNT(texts); i++) {
        pl_number number;
        pl_span text = pl_span_of(texts[i]);
        bool is = pl_number_parse(text, &number) == PL_NUMBER_OK;
        int64_t value;
        uint32_t fraction;
        if (!pl_number_plain(text, &value, &fraction)) {
            CHECK(!is || text.bytes > 18 || strchr(texts[i], 'e') ||
                  (text.data[0] == '-' && !number.count));
            continue;
        }
        CHECK(is);
        for (int shift = 0; shift <= 2; shift++) {
            double quick, slow;
            bool done = pl_number_quick(value, fraction + (uint32_t)shift, &quick);
            CHECK_INT(value <= INT64_C(1) << 53, done);
            CHECK_INT(PL_NUMBER_OK, pl_number_double(&number, -shift, &slow));
            if (done) CHECK(memcmp(&quick, &slow, sizeof slow) == 0);
        }
    }
    double ignored;
    CHECK(!pl_number_quick(1, 23, &ignored));
    CHECK(!pl_number_quick(-(INT64_C(1) << 53) - 1, 0, &ignored));
}

int main(void)
{
    return RUN_TESTS("base/number", T(number_grammar_is_that_of_json),
                     T(number_parts_have_no_leading_or_trailing_zeros),
                     T(number_exponents_of_any_length_neither_overflow_nor_wrap),
                     T(number_long_is_exact_or_says_why_not),
                     T(number_long_leaves_the_result_alone_when_it_fails),
                     T(number_decimal_keeps_scale_and_refuses_what_does_not_fit),
                     T(number_double_is_the_nearest_and_never_a_false_zero_or_infinity),
                     T(number_double_agrees_with_the_c_library_on_random_texts),
                     T(number_float_rounds_once), T(number_of_a_million_digits_is_read_exactly),
                     T(number_double_text_is_short_reads_back_and_is_json),
                     T(number_float_text_is_short_and_reads_back),
                     T(number_reasons_complete_a_sentence), T(numbers_are_compared_by_value),
                     T(number_plain_and_quick_agree_with_the_long_way));
}
