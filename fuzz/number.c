// Number text: accepted as the second opinion accepts it; doubles and floats as libc rounds them;
// integers and decimals exact; what is written reads back, in as few digits as can be.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

#include <errno.h>
#include <math.h>

#include "fuzz.h"

static bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void check_double(const pl_number *number, const char *text)
{
    double got, want = strtod(text, NULL);
    switch (pl_number_double(number, 0, &got)) {
    case PL_NUMBER_OK:
        FUZZ_CHECK(same_double(got, want) || (got == 0 && want == 0 && number->count == 0));
        break;
    case PL_NUMBER_RANGE:
        FUZZ_CHECK(isinf(want));
        break;
    case PL_NUMBER_TINY:
        FUZZ_CHECK(want == 0 && number->count > 0);
        break;
    default:
        FUZZ_CHECK(false && "a verdict a double has");
    }
    float single, nearest = strtof(text, NULL);
    pl_number_verdict verdict = pl_number_float(number, 0, &single);
    if (verdict == PL_NUMBER_OK)
        FUZZ_CHECK(memcmp(&single, &nearest, sizeof single) == 0 ||
                   (single == 0 && nearest == 0 && number->count == 0));
    if (verdict == PL_NUMBER_RANGE) FUZZ_CHECK(isinf(nearest));
    if (verdict == PL_NUMBER_TINY) FUZZ_CHECK(nearest == 0);
}

static void check_long(const pl_number *number, const char *text)
{
    int64_t got;
    pl_number_verdict verdict = pl_number_long(number, 0, &got);
    if (verdict == PL_NUMBER_OK) {
        char again[32];
        pl_number back;
        snprintf(again, sizeof again, "%lld", (long long)got);
        FUZZ_CHECK(pl_number_parse(pl_span_of(again), &back) == PL_NUMBER_OK);
        FUZZ_CHECK(pl_number_compare(number, &back) == 0);
    }
    if (strpbrk(text, ".eE")) return;
    errno = 0;
    long long want = strtoll(text, NULL, 10);
    FUZZ_CHECK(verdict == (errno ? PL_NUMBER_RANGE : PL_NUMBER_OK));
    if (!errno) FUZZ_CHECK(got == want);
}

static void check_decimal(const pl_number *number, int precision, int scale)
{
    pl_i128 unscaled;
    if (pl_number_decimal(number, 0, precision, scale, &unscaled) != PL_NUMBER_OK) return;
    pl_buf text = {0};
    pl_number back;
    pl_decimal_text(&text, unscaled, scale);
    FUZZ_CHECK(fuzz_number(pl_buf_view(&text)));
    FUZZ_CHECK(pl_number_parse(pl_buf_view(&text), &back) == PL_NUMBER_OK);
    FUZZ_CHECK(pl_number_compare(number, &back) == 0);
    pl_i128 limit = pl_decimal_power(precision);
    FUZZ_CHECK(unscaled < limit && unscaled > -limit);
    uint8_t bytes[16];
    int width = pl_decimal_bytes(unscaled, bytes);
    FUZZ_CHECK(width >= 1 && width <= pl_decimal_width(precision));
    pl_u128 read = bytes[0] & 0x80 ? ~(pl_u128)0 : 0;
    for (int i = 0; i < width; i++) read = read << 8 | bytes[i];
    FUZZ_CHECK((pl_i128)read == unscaled);
    pl_buf_done(&text);
}

// The shortest text: no text of fewer digits reads back as this value.
static void check_text(double value)
{
    char text[33], shorter[64];
    int bytes = pl_number_double_text(value, text);
    FUZZ_CHECK(bytes > 0 && bytes <= 32);
    text[bytes] = '\0';
    if (isnan(value)) return;
    FUZZ_CHECK(same_double(strtod(text, NULL), value));
    if (isinf(value)) return;
    FUZZ_CHECK(fuzz_number(pl_span_of(text)));
    pl_number number;
    FUZZ_CHECK(pl_number_parse(pl_span_of(text), &number) == PL_NUMBER_OK);
    if (number.count > 1) {
        snprintf(shorter, sizeof shorter, "%.*e", (int)number.count - 2, value);
        FUZZ_CHECK(!same_double(strtod(shorter, NULL), value));
    }
    char single[33];
    bytes = pl_number_float_text((float)value, single);
    single[bytes] = '\0';
    if (isfinite((float)value)) FUZZ_CHECK(strtof(single, NULL) == (float)value);
}

void fuzz_one(pl_span input)
{
    double value = 0;
    int precision = (int)(fuzz_byte(&input) % 38) + 1;
    int scale = (int)fuzz_byte(&input) % (precision + 1);
    if (input.bytes >= sizeof value) {
        memcpy(&value, input.data, sizeof value);
        check_text(value);
    }
    pl_arena arena = {0};
    pl_span other = input, one = fuzz_until(&other, ' ');
    const char *text = pl_arena_cstr(&arena, one);
    pl_number number, second;
    bool accepted = pl_number_parse(one, &number) == PL_NUMBER_OK;
    FUZZ_CHECK(accepted == fuzz_number(one));
    if (accepted) {
        check_double(&number, text);
        check_long(&number, text);
        check_decimal(&number, precision, scale);
        check_text(strtod(text, NULL));
        FUZZ_CHECK(pl_number_compare(&number, &number) == 0);
        if (pl_number_parse(other, &second) == PL_NUMBER_OK) {
            int order = pl_number_compare(&number, &second);
            FUZZ_CHECK((order < 0) == (pl_number_compare(&second, &number) > 0));
            double a = strtod(text, NULL), b = strtod(pl_arena_cstr(&arena, other), NULL);
            if (a != b) FUZZ_CHECK((a < b) == (order < 0));
        }
    }
    pl_arena_done(&arena);
}

void fuzz_seeds(void)
{
    static const char *const texts[] = {
        "0",
        "-0.0",
        "1",
        "-12.50",
        "9223372036854775807",
        "-9223372036854775808",
        "1e308",
        "4.9406564584124654e-324",
        "2.2250738585072011e-308",
        "123456789012345678901234567890.12",
        "0.1 0.10",
        "1e-999999999999 1e999999999999",
        "1.7976931348623157e308 2e308",
        "9007199254740993 9007199254740992",
        "5e-1 0.5",
        "3.4028236e38 1e-45",
        "18446744073709551616",
    };
    for (size_t i = 0; i < PL_COUNT(texts); i++) {
        pl_buf seed = {0};
        pl_buf_char(&seed, (char)(i * 7));
        pl_buf_char(&seed, (char)(i * 3));
        pl_buf_text(&seed, texts[i]);
        fuzz_seed(pl_buf_view(&seed));
        pl_buf_done(&seed);
    }
}
