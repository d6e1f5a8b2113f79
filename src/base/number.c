// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"

#define EXPONENT_CLAMP INT64_C(1000000000)

const char *pl_number_reason(pl_number_verdict verdict)
{
    switch (verdict) {
    case PL_NUMBER_OK:
        return "is fine";
    case PL_NUMBER_SYNTAX:
        return "is not a number";
    case PL_NUMBER_RANGE:
        return "is out of range";
    case PL_NUMBER_INEXACT:
        return "has digits the type cannot hold";
    case PL_NUMBER_TINY:
        return "is not zero but too small for the type";
    }
    return "is not a number";
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The digits of integer and fraction part as one run with the point left out, from the first that
// is not zero; the first 19 are collected (10^19 - 1 fits a uint64_t). Zeros at the end are
// significant only when others follow: run_end takes them off again, once, so that no digit asks.
typedef struct digit_run {
    uint64_t leading;
    uint32_t count;
    uint32_t zeros; // of them, the last ones
    int64_t point;  // digits seen in the fraction
} digit_run;

static inline void run_add(digit_run *run, char c)
{
    if (c == '0' && !run->count) return;
    run->zeros = c == '0' ? run->zeros + 1 : 0;
    if (run->count++ < 19) run->leading = run->leading * 10 + (uint64_t)(c - '0');
}

static void run_end(digit_run *run)
{
    uint32_t more = run->count - PL_MIN(run->count, 19u); // not collected
    for (uint32_t i = more; i < run->zeros; i++) run->leading /= 10;
    run->count -= run->zeros;
}

static size_t parse_exponent(pl_span text, size_t at, int64_t *ret_exponent)
{
    if (at >= text.bytes || (text.data[at] != 'e' && text.data[at] != 'E')) return at;
    at++;
    bool negative = false;
    if (at < text.bytes && (text.data[at] == '+' || text.data[at] == '-'))
        negative = text.data[at++] == '-';
    size_t first = at;
    int64_t exponent = 0;
    for (; at < text.bytes && is_digit(text.data[at]); at++)
        if (exponent < EXPONENT_CLAMP) exponent = exponent * 10 + (text.data[at] - '0');
    if (at == first) return SIZE_MAX;
    *ret_exponent = negative ? -exponent : exponent;
    return at;
}

pl_number_verdict pl_number_parse(pl_span text, pl_number *ret_number)
{
    pl_number number = {.text = text};
    digit_run run = {0};
    size_t at = 0;
    if (at < text.bytes && text.data[at] == '-') number.negative = true, at++;
    size_t first = at;
    for (; at < text.bytes && is_digit(text.data[at]); at++) run_add(&run, text.data[at]);
    if (at == first || (text.data[first] == '0' && at - first > 1)) return PL_NUMBER_SYNTAX;
    if (at < text.bytes && text.data[at] == '.') {
        size_t point = ++at;
        for (; at < text.bytes && is_digit(text.data[at]); at++) run_add(&run, text.data[at]);
        if (at == point) return PL_NUMBER_SYNTAX;
        run.point = (int64_t)(at - point);
    }
    int64_t exponent = 0;
    at = parse_exponent(text, at, &exponent);
    if (at != text.bytes) return PL_NUMBER_SYNTAX;
    run_end(&run);
    number.count = run.count;
    number.leading = run.leading;
    number.exponent = run.count ? exponent - run.point + (int64_t)run.zeros : 0;
    *ret_number = number;
    return PL_NUMBER_OK;
}

bool pl_number_plain(pl_span text, int64_t *ret_value, uint32_t *ret_fraction)
{
    const char *end = text.data + text.bytes, *first = text.data, *point = NULL;
    bool negative = text.bytes && *first == '-';
    int64_t value = 0;
    if (text.bytes > 18) return false;
    first += negative;
    for (const char *at = first; at < end; at++) {
        if (is_digit(*at))
            value = value * 10 + (*at - '0');
        else if (*at == '.' && !point)
            point = at;
        else
            return false;
    }
    const char *whole = point ? point : end;
    if (whole == first || point == end - 1 || (*first == '0' && whole - first > 1)) return false;
    if (!value && negative) return false;
    *ret_value = negative ? -value : value;
    *ret_fraction = point ? (uint32_t)(end - point - 1) : 0;
    return true;
}

// Walks the significant digits of a number, then zeros without end.
typedef struct digit_walk {
    pl_span text;
    size_t at;
    uint32_t left;
} digit_walk;

static digit_walk walk_of(const pl_number *number)
{
    digit_walk walk = {number->text, 0, number->count};
    while (walk.left && (!is_digit(walk.text.data[walk.at]) || walk.text.data[walk.at] == '0'))
        walk.at++;
    return walk;
}

static char walk_digit(digit_walk *walk)
{
    if (!walk->left) return '0';
    if (walk->text.data[walk->at] == '.') walk->at++;
    walk->left--;
    return walk->text.data[walk->at++];
}

int pl_number_compare(const pl_number *a, const pl_number *b)
{
    bool a_negative = a->negative && a->count, b_negative = b->negative && b->count;
    if (a_negative != b_negative) return a_negative ? -1 : 1;
    int larger = a_negative ? -1 : 1; // what the larger magnitude means
    if (!a->count || !b->count) return larger * ((a->count > 0) - (b->count > 0));
    // Powers of ten above the first digit.
    int64_t a_top = a->exponent + a->count, b_top = b->exponent + b->count;
    if (a_top != b_top) return a_top > b_top ? larger : -larger;
    digit_walk x = walk_of(a), y = walk_of(b);
    while (x.left || y.left) {
        char p = walk_digit(&x), q = walk_digit(&y);
        if (p != q) return p > q ? larger : -larger;
    }
    return 0;
}

// The digits as an unscaled integer times 10^`exponent` (exponent >= 0). Digits beyond the first
// 19 are read from the text again.
static pl_number_verdict unscaled(const pl_number *number, int64_t exponent, pl_i128 limit,
                                  pl_i128 *ret_value)
{
    if (number->count == 0) {
        *ret_value = 0;
        return PL_NUMBER_OK;
    }
    if (exponent < 0) return PL_NUMBER_INEXACT;
    // Every limit has at most 38 digits, and 10^38 - 1 is far from overflowing the sums below.
    if (exponent + number->count > PL_DECIMAL_DIGITS_MAX) return PL_NUMBER_RANGE;
    pl_u128 value = number->leading;
    if (number->count > 19) {
        value = 0;
        uint32_t left = number->count;
        bool started = false;
        for (size_t i = 0; left && i < number->text.bytes; i++) {
            char c = number->text.data[i];
            if (!is_digit(c)) continue;
            started = started || c != '0';
            if (started) value = value * 10 + (pl_u128)(c - '0'), left--;
        }
    }
    for (; exponent > 0; exponent--) value *= 10;
    if (value > (pl_u128)limit + (number->negative ? 1 : 0)) return PL_NUMBER_RANGE;
    *ret_value = number->negative ? -(pl_i128)value : (pl_i128)value;
    return PL_NUMBER_OK;
}

pl_number_verdict pl_number_long(const pl_number *number, int shift, int64_t *ret_value)
{
    pl_i128 value;
    pl_number_verdict verdict = unscaled(number, number->exponent + shift, INT64_MAX, &value);
    // A number that is too large and has a fraction, too, is called inexact.
    if (verdict == PL_NUMBER_OK) *ret_value = (int64_t)value;
    return verdict;
}

pl_number_verdict pl_number_decimal(const pl_number *number, int shift, int precision, int scale,
                                    pl_i128 *ret_unscaled)
{
    pl_i128 limit = pl_decimal_power(precision) - 1, value;
    pl_number_verdict verdict = unscaled(number, number->exponent + shift + scale, limit, &value);
    if (verdict != PL_NUMBER_OK) return verdict;
    if (value > limit || value < -limit) return PL_NUMBER_RANGE;
    *ret_unscaled = value;
    return PL_NUMBER_OK;
}

// Digits and exponent as text for the C library's correctly rounded conversion. All digits go in:
// dropping any could turn a tie.
static void number_text(const pl_number *number, int shift, char **ret_text, char stack[64])
{
    size_t need = number->count + 40;
    char *text = need <= 64 ? stack : pl_alloc(need);
    size_t used = 0;
    if (number->negative) text[used++] = '-';
    uint32_t left = number->count;
    bool started = false;
    for (size_t i = 0; left && i < number->text.bytes; i++) {
        char c = number->text.data[i];
        if (!is_digit(c)) continue;
        started = started || c != '0';
        if (started) text[used++] = c, left--;
    }
    if (!number->count) text[used++] = '0';
    snprintf(text + used, need - used, "e%lld", (long long)(number->exponent + shift));
    *ret_text = text;
}

static const double power10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool pl_number_quick(int64_t value, uint32_t digits, double *ret_value)
{
    if (value > INT64_C(1) << 53 || value < -(INT64_C(1) << 53) || digits > 22) return false;
    *ret_value = (double)value / power10[digits];
    return true;
}

// digits * 10^exponent for up to 19 digits and exponents of -19 to 19: exactly, as an integer of
// 128 bits or a quotient of more than 64 whose last bit says whether a rest remains, so that making
// it a double is the only rounding. Doubles written with 17 digits come this way, at a tenth of
// what the C library's conversion takes.
static double wide_double(uint64_t digits, int exponent)
{
    uint64_t power = 1;
    for (int i = exponent < 0 ? -exponent : exponent; i > 0; i--) power *= 10; // 10^19 < 2^64
    if (exponent >= 0) return (double)((pl_u128)digits * power);
    int up = __builtin_clzll(digits);
    pl_u128 dividend = (pl_u128)(digits << up) << 64, quotient = dividend / power;
    quotient |= quotient * power != dividend;
    return ldexp((double)quotient, -64 - up);
}

pl_number_verdict pl_number_double(const pl_number *number, int shift, double *ret_value)
{
    int64_t exponent = number->exponent + shift;
    // Clinger's fast path: both factors are exact doubles, so one rounding is the only one.
    if (number->count <= 19 && number->leading <= (UINT64_C(1) << 53) && exponent >= -22 &&
        exponent <= 22) {
        double value = (double)number->leading;
        value = exponent < 0 ? value / power10[-exponent] : value * power10[exponent];
        *ret_value = number->negative ? -value : value;
        return PL_NUMBER_OK;
    }
    if (number->count <= 19 && exponent >= -19 && exponent <= 19) {
        double value = wide_double(number->leading, (int)exponent);
        *ret_value = number->negative ? -value : value;
        return PL_NUMBER_OK;
    }
    char stack[64], *text;
    number_text(number, shift, &text, stack);
    double value = strtod(text, NULL);
    if (text != stack) free(text);
    if (isinf(value)) return PL_NUMBER_RANGE;
    if (value == 0 && number->count) return PL_NUMBER_TINY;
    *ret_value = value;
    return PL_NUMBER_OK;
}

pl_number_verdict pl_number_float(const pl_number *number, int shift, float *ret_value)
{
    char stack[64], *text;
    number_text(number, shift, &text, stack);
    float value = strtof(text, NULL); // straight to float: via double would round twice
    if (text != stack) free(text);
    if (isinf(value)) return PL_NUMBER_RANGE;
    if (value == 0 && number->count) return PL_NUMBER_TINY;
    *ret_value = value;
    return PL_NUMBER_OK;
}

static int special_text(double value, char out[32])
{
    return snprintf(out, 32, "%s", isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

int pl_number_double_text(double value, char out[32])
{
    if (!isfinite(value)) return special_text(value, out);
    int bytes = 0;
    // 15 digits survive a normal double, so %g finds every shorter text, too; not so subnormals.
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        bytes = snprintf(out, 32, "%.*g", digits, value);
        if (digits == 17 || strtod(out, NULL) == value) break;
    }
    if (!strpbrk(out, ".e")) bytes += snprintf(out + bytes, 32 - (size_t)bytes, ".0");
    return bytes;
}

int pl_number_float_text(float value, char out[32])
{
    if (!isfinite(value)) return special_text((double)value, out);
    int bytes = 0;
    for (int digits = fabsf(value) < FLT_MIN ? 1 : 6; digits <= 9; digits++) {
        bytes = snprintf(out, 32, "%.*g", digits, (double)value);
        if (digits == 9 || strtof(out, NULL) == value) break;
    }
    if (!strpbrk(out, ".e")) bytes += snprintf(out + bytes, 32 - (size_t)bytes, ".0");
    return bytes;
}
