// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/time.h"
#include "shape/shape_int.h"

#define ZEROS_MAX 64 // at the end of an integer that are written out

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static uint64_t hash_both(uint64_t a, uint64_t b)
{
    uint64_t both[] = {a, b};
    return pl_shape_entity_of_text((pl_span){(const char *)both, sizeof both});
}

// "-17", ending at `end`; returns where it begins.
static char *put_integer(char *end, int64_t value)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do *--end = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0) *--end = '-';
    return end;
}

// "e-17"; returns what is behind it.
static char *put_exponent(char *to, int64_t exponent)
{
    char text[20], *end = text + sizeof text, *at = put_integer(end, exponent);
    *to++ = 'e';
    memcpy(to, at, (size_t)(end - at));
    return to + (end - at);
}

// Of the shortest text that says the number, so that 5, 5.0 and 50e-1 are the same, and 2^53 and
// 2^53 + 1 are not. An integer's is what everybody writes.
static uint64_t hash_number(const pl_number *number, int shift)
{
    char few[160]; // of most numbers
    size_t room = number->count + ZEROS_MAX + 32;
    char *text = room <= sizeof few ? few : pl_alloc(room), *to = text;
    int64_t exponent = number->count ? number->exponent + shift : 0;
    if (number->negative && number->count) *to++ = '-';
    uint32_t digits = 0;
    for (size_t i = 0; digits < number->count; i++) {
        char c = number->text.data[i];
        if (!is_digit(c) || (c == '0' && !digits)) continue;
        *to++ = c;
        digits++;
    }
    if (!digits) *to++ = '0';
    if (exponent < 0 || exponent > ZEROS_MAX)
        to = put_exponent(to, exponent);
    else
        while (exponent-- > 0) *to++ = '0';
    uint64_t h = pl_shape_entity_of_text(pl_span_make(text, (size_t)(to - text)));
    if (text != few) free(text);
    return h;
}

// Of the number value * 10^-fraction, which has no shorter form.
static uint64_t hash_decimal(int64_t value, uint32_t fraction)
{
    char text[48], *digits = put_integer(text + 20, value), *end = text + 20;
    if (fraction) end = put_exponent(end, -(int64_t)fraction);
    return pl_shape_entity_of_text(pl_span_make(digits, (size_t)(end - digits)));
}

static uint64_t hash_integer(int64_t value)
{
    return hash_decimal(value, 0);
}

// That of 1 and of 0.
static uint64_t hash_truth(bool truth)
{
    return truth ? UINT64_C(0x4B86F0FF83F9CF4A) : UINT64_C(0x3C931FAEEAD86EEF);
}

// As the number of its seconds.
static uint64_t hash_instant(int64_t micros)
{
    uint32_t fraction = 6;
    for (; fraction && micros % 10 == 0; fraction--) micros /= 10;
    return hash_decimal(micros, fraction);
}

// NaN if no double is near.
static double number_of(const pl_number *number, int shift)
{
    double value;
    if (pl_number_double(number, shift, &value) != PL_NUMBER_OK) return NAN;
    return value == 0 ? 0 : value; // no -0
}

// Of the years 2001 to 2100: where numbers are seldom anything else, and a unit shows in the size.
// The hash is the caller's.
static bool is_epoch(int64_t value, pl_shape_scalar *scalar)
{
    static const int64_t first = 978307200, past = 4133980800;
    if (value < first) return false;
    int64_t unit = PL_MICROS_PER_SECOND; // in micros
    for (pl_value_class class = PL_CLASS_EPOCH_S; class <= PL_CLASS_EPOCH_US; class ++) {
        int64_t per_second = PL_MICROS_PER_SECOND / unit;
        if (value >= first * per_second && value < past * per_second) {
            scalar->class = class;
            scalar->derived = class != PL_CLASS_EPOCH_US; // those may be off by one
            scalar->number = (double)(value * unit) / (double)PL_MICROS_PER_SECOND;
            return true;
        }
        unit /= 1000;
    }
    return false;
}

static bool epoch_of(const pl_number *number, pl_shape_scalar *scalar)
{
    int64_t digits = number->count + number->exponent, value;
    if (number->negative || number->exponent < 0 || digits < 9 || digits > 16) return false;
    if (pl_number_long(number, 0, &value) != PL_NUMBER_OK || !is_epoch(value, scalar)) return false;
    scalar->hash = hash_integer(value);
    return true;
}

// Mostly it is an integer of few digits, written as everybody does.
static bool say_integer(pl_span text, pl_shape_scalar *scalar)
{
    bool negative = text.data[0] == '-';
    size_t digits = text.bytes - negative;
    const char *at = text.data + negative;
    int64_t value = 0;
    if (digits - 1 > 14 || (*at == '0' && text.bytes > 1)) return false;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(at[i])) return false;
        value = value * 10 + (at[i] - '0');
    }
    scalar->hash = pl_shape_entity_of_text(text);
    if (!negative && is_epoch(value, scalar)) return true;
    scalar->class = PL_CLASS_NUMBER;
    scalar->derived = true;
    scalar->number = (double)(negative ? -value : value);
    return true;
}

// Whether a double tells the number: of fifteen digits it always does.
static bool is_told(const pl_number *number, int shift)
{
    int64_t exponent = number->exponent + shift;
    return number->count > 0 && number->count <= 15 && exponent <= 0 && exponent >= -15;
}

static bool say_number(pl_span text, pl_shape_scalar *scalar)
{
    pl_number number;
    if (say_integer(text, scalar)) return true;
    if (pl_number_parse(text, &number) != PL_NUMBER_OK) return false;
    if (epoch_of(&number, scalar)) return true;
    scalar->class = PL_CLASS_NUMBER;
    bool plain = number.count > 0 && number.exponent >= 0 && number.exponent <= ZEROS_MAX;
    for (size_t i = number.negative; plain && i < text.bytes; i++) plain = is_digit(text.data[i]);
    scalar->hash =
        plain ? pl_shape_entity_of_text(text) : hash_number(&number, 0); // the same, with less work
    scalar->number = number_of(&number, 0);
    scalar->derived = is_told(&number, 0);
    return true;
}

static bool say_percent(pl_span text, pl_shape_scalar *scalar)
{
    pl_number number;
    if (text.data[text.bytes - 1] != '%') return false;
    text = pl_span_trim(pl_span_make(text.data, text.bytes - 1));
    if (pl_number_parse(text, &number) != PL_NUMBER_OK) return false;
    scalar->class = PL_CLASS_PERCENT;
    scalar->hash = hash_number(&number, -2);
    scalar->number = number_of(&number, -2);
    scalar->derived = is_told(&number, -2);
    return true;
}

#define MICROS_TOLD INT64_C(2000000000000000) // as a double of seconds, and as micros again

static bool say_time(pl_span text, pl_shape_scalar *scalar)
{
    int64_t micros;
    if (!pl_time_guess(text, &micros)) return false;
    scalar->class = PL_CLASS_TIME;
    scalar->hash = hash_instant(micros);
    scalar->number = (double)micros / (double)PL_MICROS_PER_SECOND;
    scalar->derived = micros > -MICROS_TOLD && micros < MICROS_TOLD;
    return true;
}

static void say_truth(bool truth, pl_shape_scalar *scalar)
{
    scalar->class = PL_CLASS_BOOL;
    scalar->hash = hash_truth(truth);
    scalar->number = truth;
}

static bool is_uuid(pl_span text)
{
    if (text.bytes != 36) return false;
    for (size_t i = 0; i < 36; i++) {
        char c = text.data[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = is_digit(c) || (is_letter(c) && (c | 32) <= 'f');
        if (dash ? c != '-' : !hex) return false;
    }
    return true;
}

// A scheme of at most 16 letters, "://", and neither spaces nor control characters behind it.
static bool is_url(pl_span text)
{
    size_t at = 0;
    while (at < text.bytes && at < 16 && is_letter(text.data[at])) at++;
    if (at == 0 || !pl_span_starts(pl_span_make(text.data + at, text.bytes - at), PL_SPAN("://")))
        return false;
    for (at += 3; at < text.bytes; at++)
        if ((unsigned char)text.data[at] <= ' ') return false;
    return true;
}

static bool is_word(pl_span text)
{
    if (text.bytes > 32) return false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (!is_letter(c) && !is_digit(c) && c != '_' && c != '-') return false;
    }
    return true;
}

static void say_text(pl_span text, pl_shape_scalar *scalar)
{
    if (text.bytes && text.bytes <= 64) {
        char first = text.data[0];
        if ((is_digit(first) || first == '-') && say_number(text, scalar)) return;
        if (say_percent(text, scalar) || say_time(text, scalar)) return;
        bool truth = pl_span_is(text, "true");
        if (truth || pl_span_is(text, "false")) {
            say_truth(truth, scalar);
            return;
        }
    }
    scalar->hash = pl_shape_entity_of_text(text);
    scalar->class = !text.bytes     ? PL_CLASS_EMPTY
                    : is_uuid(text) ? PL_CLASS_UUID
                    : is_url(text)  ? PL_CLASS_URL
                    : is_word(text) ? PL_CLASS_WORD
                                    : PL_CLASS_TEXT;
}

pl_shape_scalar pl_shape__scalar(pl_span raw, size_t *ret_text_bytes)
{
    pl_shape_scalar scalar = {.class = PL_CLASS_EMPTY, .kind = PL_SHAPE_NULL, .number = NAN};
    *ret_text_bytes = 0;
    char first = raw.bytes ? raw.data[0] : 'n';
    if (first == '"') {
        pl_span inside = {raw.data + 1, raw.bytes - 2};
        pl_buf plain = {0};
        if (inside.bytes && memchr(inside.data, '\\', inside.bytes)) {
            pl_json_unescape(&plain, inside);
            inside = pl_buf_view(&plain);
        }
        scalar.kind = PL_SHAPE_STRING;
        *ret_text_bytes = inside.bytes;
        say_text(inside, &scalar);
        pl_buf_done(&plain);
    } else if (first == 't' || first == 'f') {
        scalar.kind = PL_SHAPE_BOOL;
        say_truth(first == 't', &scalar);
    } else if (is_digit(first) || first == '-') {
        scalar.kind = PL_SHAPE_INT;
        for (size_t i = 0; i < raw.bytes; i++)
            if (!is_digit(raw.data[i]) && (i || raw.data[i] != '-')) scalar.kind = PL_SHAPE_FLOAT;
        say_number(raw, &scalar);
    } else {
        scalar.kind = first == '['   ? PL_SHAPE_ARRAY
                      : first == '{' ? PL_SHAPE_OBJECT
                                     : PL_SHAPE_NULL;
        scalar.hash = hash_both((uint8_t)first, 0);
    }
    return scalar;
}

pl_shape_scalar pl_shape_scalar_of(pl_span raw)
{
    size_t ignored;
    return pl_shape__scalar(raw, &ignored);
}

// Of the decimal with the fewest digits that is this number, if they are at most fifteen.
static bool derive_number(double number, uint64_t *ret_hash)
{
    static const double powers[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    for (uint32_t fraction = 0; fraction < PL_COUNT(powers); fraction++) {
        double digits = rint(number * powers[fraction]);
        if (!(fabs(digits) < 9e15)) return false;
        if (digits / powers[fraction] != number)
            continue; // both exact, so the division rounds once
        *ret_hash = hash_decimal((int64_t)digits, fraction);
        return true;
    }
    return false;
}

bool pl_shape__derive(pl_value_class class, double number, uint64_t *ret_hash)
{
    if (!(fabs(number) < DBL_MAX)) return false;
    bool instant = class >= PL_CLASS_EPOCH_S && class <= PL_CLASS_TIME;
    if (instant && !(fabs(number) < 1e12)) return false;
    switch (class) {
    case PL_CLASS_BOOL:
        *ret_hash = hash_truth(number != 0);
        return number == 0 || number == 1;
    case PL_CLASS_NUMBER:
    case PL_CLASS_PERCENT:
        return derive_number(number, ret_hash);
    case PL_CLASS_EPOCH_S:
        *ret_hash = hash_integer(llround(number));
        return true;
    case PL_CLASS_EPOCH_MS:
        *ret_hash = hash_integer(llround(number * 1e3));
        return true;
    case PL_CLASS_EPOCH_US:
        *ret_hash = hash_integer(llround(number * 1e6));
        return true;
    case PL_CLASS_TIME:
        *ret_hash = hash_instant(llround(number * 1e6));
        return true;
    default:
        return false;
    }
}

// ---- entities -----------------------------------------------------------------------------------

// Of a text in quotes.
static uint64_t hash_quoted(pl_span scalar)
{
    pl_span inside = {scalar.data + 1, scalar.bytes - 2};
    if (!inside.bytes || !memchr(inside.data, '\\', inside.bytes))
        return pl_shape_entity_of_text(inside);
    pl_buf plain = {0};
    pl_json_unescape(&plain, inside);
    uint64_t h = pl_shape_entity_of_text(pl_buf_view(&plain));
    pl_buf_done(&plain);
    return h;
}

static inline uint64_t hash_named(pl_span scalar)
{
    return scalar.bytes && scalar.data[0] == '"' ? hash_quoted(scalar)
                                                 : pl_shape_entity_of_text(scalar);
}

uint64_t pl_shape_entity(const pl_span *scalars, uint32_t count)
{
    if (!count) return PL_SHAPE_NOBODY;
    uint64_t h = hash_named(scalars[0]);
    for (uint32_t i = 1; i < count; i++) h = hash_both(h, hash_named(scalars[i]));
    return h;
}

uint64_t pl_shape_element(uint64_t entity, uint32_t position)
{
    return entity == PL_SHAPE_NOBODY ? entity : hash_both(entity, position);
}
