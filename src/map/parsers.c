// parsers.c -- parse(epoch), parse(percent), ...: text forms that platforms use for typed values.
//
// All numbers go through base/number.h with a decimal shift, so "4.7%" is 47 * 10^-3, rounded once.
//
// SPDX-License-Identifier: Apache-2.0
#include <strings.h>

#include "base/time.h"
#include "map/parsers_int.h"

static bool is_scalar(const pl_slot *slot)
{
    return slot->kind == PL_SLOT_STRING || slot->kind == PL_SLOT_INTEGER ||
           slot->kind == PL_SLOT_NUMBER;
}

static const char *instant(int64_t micros, const pl_type *type, pl_value *out)
{
    out->kind = type->kind;
    if (type->kind == PL_TIMESTAMP) {
        out->i64 = micros;
        return NULL;
    }
    if (micros % PL_MICROS_PER_DAY != 0) return "has a time of day, which a date cannot hold";
    out->i32 = (int32_t)(micros / PL_MICROS_PER_DAY);
    return NULL;
}

// Digits of the integer part tell the unit: 10^11 s is the year 5138, 10^11 ms is 1973.
static int epoch_shift(const pl_number *number, pl_parser_kind kind)
{
    if (kind == PL_PARSE_EPOCH) {
        int64_t digits = number->count + number->exponent;
        return digits <= 11 ? 6 : digits <= 14 ? 3 : digits <= 17 ? 0 : -3;
    }
    return kind == PL_PARSE_EPOCH_S    ? 6
           : kind == PL_PARSE_EPOCH_MS ? 3
           : kind == PL_PARSE_EPOCH_US ? 0
                                       : -3;
}

static const char *epoch(pl_span text, const pl_type *type, pl_parser_kind kind, pl_value *out)
{
    pl_number number;
    int64_t micros;
    if (pl_number_parse(text, &number) != PL_NUMBER_OK) return "is not an epoch time";
    pl_number_verdict verdict = pl_number_long(&number, epoch_shift(&number, kind), &micros);
    if (verdict == PL_NUMBER_INEXACT) return "is finer than a microsecond";
    if (verdict != PL_NUMBER_OK || micros < PL_TIME_MICROS_MIN || micros > PL_TIME_MICROS_MAX)
        return "is outside the years 1 to 9999";
    return instant(micros, type, out);
}

static const char *dated(pl_span text, const pl_type *type, pl_value *out)
{
    int32_t days;
    const char *why = pl_date_parse(text, &days);
    return why ? why : instant(days * PL_MICROS_PER_DAY, type, out);
}

static const char *percent(pl_span text, const pl_type *type, pl_value *out)
{
    pl_number number;
    text = pl_span_trim(text);
    bool sign = text.bytes && text.data[text.bytes - 1] == '%';
    if (sign) text = pl_span_trim((pl_span){text.data, text.bytes - 1});
    if (pl_number_parse(text, &number) != PL_NUMBER_OK) return "is not a percentage";
    return pl_map__number(&number, sign ? -2 : 0, type, out);
}

// Bytes of the thousands separator at `text`: a declared space also matches a no-break space and
// its narrow form.
static size_t separator(pl_span text, char thousands)
{
    if (!thousands || !text.bytes) return 0;
    if (text.data[0] == thousands) return 1;
    if (thousands != ' ') return 0;
    if (pl_span_starts(text, PL_SPAN("\xC2\xA0"))) return 2;
    return pl_span_starts(text, PL_SPAN("\xE2\x80\xAF")) ? 3 : 0;
}

static const char NO_NUMBER[] = "is not a number",
                  ODD_GROUP[] = "has a group that is not three digits";

// `text` without its separators as a number. Nothing but digits, a sign and the declared marks is
// read, and marks only where groups of three digits leave no doubt: "1234,567" may be a fraction.
static const char *ungrouped(pl_span text, const pl_parser *parser, pl_arena *scratch,
                             pl_number *ret_number)
{
    char *plain = pl_arena_take(scratch, text.bytes + 1);
    size_t used = 0;
    uint32_t digits = 0, groups = 0; // digits of this group; groups before it
    bool fraction = false;
    while (text.bytes) {
        size_t skip = fraction ? 0 : separator(text, parser->thousands);
        char c = text.data[0];
        if (skip) {
            if (!digits && !groups) return NO_NUMBER;
            if (groups ? digits != 3 : digits > 3) return ODD_GROUP;
            groups++;
            digits = 0;
        } else if (c == parser->decimal && !fraction) {
            if (groups && digits != 3) return ODD_GROUP;
            fraction = true;
            plain[used++] = '.';
        } else if (c >= '0' && c <= '9') {
            digits += !fraction;
            plain[used++] = c;
        } else if ((c == 'e' || c == 'E') && !groups) {
            memcpy(plain + used, text.data, text.bytes); // an exponent, or no number
            used += text.bytes;
            break;
        } else if (c == '-' && !used) {
            plain[used++] = c;
        } else {
            return groups && digits != 3 ? ODD_GROUP : NO_NUMBER;
        }
        text.data += skip ? skip : 1;
        text.bytes -= skip ? skip : 1;
    }
    if (!fraction && groups && digits != 3) return ODD_GROUP;
    return pl_number_parse((pl_span){plain, used}, ret_number) == PL_NUMBER_OK ? NULL : NO_NUMBER;
}

static const char *grouped(pl_span text, const pl_type *type, const pl_parser *parser,
                           pl_arena *scratch, pl_value *out)
{
    pl_number number;
    const char *why = ungrouped(pl_span_trim(text), parser, scratch, &number);
    return why ? why : pl_map__number(&number, 0, type, out);
}

static const char *compact(const pl_slot *slot, pl_span text, const pl_type *type,
                           const pl_parser *parser, pl_arena *scratch, pl_value *out)
{
    static const struct {
        char letter;
        int shift;
    } units[] = {{'k', 3}, {'m', 6}, {'b', 9}, {'g', 9}, {'t', 12}};
    pl_number number;
    if (slot->kind != PL_SLOT_STRING) // a JSON number has its own separators
        return pl_number_parse(text, &number) == PL_NUMBER_OK
                   ? pl_map__number(&number, 0, type, out)
                   : NO_NUMBER;
    text = pl_span_trim(text);
    int shift = 0;
    for (size_t i = 0; text.bytes && i < PL_COUNT(units); i++)
        if ((text.data[text.bytes - 1] | 32) == units[i].letter) shift = units[i].shift;
    if (shift) text = pl_span_trim((pl_span){text.data, text.bytes - 1});
    const char *why = ungrouped(text, parser, scratch, &number);
    if (why) return why == NO_NUMBER ? "is not a number with K, M, B or T" : why;
    return pl_map__number(&number, shift, type, out);
}

static const char *boolean(pl_span text, pl_value *out)
{
    static const char *const words[][2] = {{"true", "false"}, {"yes", "no"}, {"y", "n"},
                                           {"t", "f"},        {"1", "0"},    {"on", "off"}};
    out->kind = PL_BOOLEAN;
    for (size_t i = 0; i < PL_COUNT(words); i++)
        for (int no = 0; no < 2; no++)
            if (text.bytes == strlen(words[i][no]) &&
                strncasecmp(text.data, words[i][no], text.bytes) == 0) {
                out->boolean = !no;
                return NULL;
            }
    return "is not a yes or no";
}

// One number of a duration from text[*at]; false if there is none.
static bool duration_number(pl_span text, size_t *at, pl_i128 *ret_micros)
{
    size_t start = *at;
    while (*at < text.bytes &&
           ((text.data[*at] >= '0' && text.data[*at] <= '9') || text.data[*at] == '.'))
        (*at)++;
    pl_number number;
    if (pl_number_parse((pl_span){text.data + start, *at - start}, &number) != PL_NUMBER_OK)
        return false;
    return pl_number_decimal(&number, 6, 24, 0, ret_micros) == PL_NUMBER_OK;
}

// ISO 8601 without years and months, whose length is not fixed: P1DT2H3M4.5S, PT90S, P2W.
static bool iso_duration(pl_span text, pl_i128 *ret_micros)
{
    static const char date_units[] = "WD", time_units[] = "HMS";
    static const int64_t date_seconds[] = {604800, 86400}, time_seconds[] = {3600, 60, 1};
    bool time = false, any = false;
    *ret_micros = 0;
    for (size_t at = 1; at < text.bytes;) {
        if (text.data[at] == 'T' && !time) {
            time = true;
            any = false; // a T promises a time
            at++;
            continue;
        }
        pl_i128 value;
        if (!duration_number(text, &at, &value) || at >= text.bytes) return false;
        const char *units = time ? time_units : date_units;
        const char *unit = text.data[at] ? strchr(units, text.data[at]) : NULL;
        if (!unit) return false;
        *ret_micros += value * (time ? time_seconds : date_seconds)[unit - units];
        at++;
        any = true;
    }
    return any;
}

// 1:02:03, 02:03.5: hours, minutes and seconds from the right; only the first may exceed 59, only
// the last may have a fraction.
static bool clock_duration(pl_span text, pl_i128 *ret_micros)
{
    int parts = 0;
    *ret_micros = 0;
    for (size_t at = 0; parts < 3; at++) {
        pl_i128 value;
        size_t start = at;
        // A leading zero is usual here and no JSON number.
        while (at + 1 < text.bytes && text.data[at] == '0' && text.data[at + 1] >= '0' &&
               text.data[at + 1] <= '9')
            at++;
        if (!duration_number(text, &at, &value) || at == start) return false;
        if (parts && value >= 60 * PL_MICROS_PER_SECOND) return false;
        if (at < text.bytes && value % PL_MICROS_PER_SECOND != 0) return false;
        *ret_micros = *ret_micros * 60 + value;
        parts++;
        if (at == text.bytes) return parts > 1;
        if (text.data[at] != ':') return false;
    }
    return false;
}

// Seconds: ISO 8601, a clock, or a bare number of seconds.
static const char *duration(pl_span text, const pl_type *type, pl_arena *scratch, pl_value *out)
{
    pl_i128 micros;
    pl_number number;
    text = pl_span_trim(text);
    bool negative = text.bytes && text.data[0] == '-';
    pl_span rest = {text.data + negative, text.bytes - negative};
    if (rest.bytes && rest.data[0] == 'P') {
        if (!iso_duration(rest, &micros)) return "is not a duration such as PT1M30S";
    } else if (!clock_duration(rest, &micros)) {
        size_t at = 0;
        if (!duration_number(rest, &at, &micros) || at != rest.bytes)
            return "is not a duration such as PT1M30S or 1:30";
    }
    pl_buf digits = {0};
    pl_decimal_text(&digits, negative ? -micros : micros, 6);
    pl_span seconds = pl_arena_copy(scratch, pl_buf_view(&digits));
    pl_buf_done(&digits);
    if (pl_number_parse(seconds, &number) != PL_NUMBER_OK) return "is not a duration";
    return pl_map__number(&number, 0, type, out);
}

static const char *json_text(const pl_slot *slot, const pl_type *type, pl_arena *scratch,
                             pl_value *out)
{
    if (slot->kind == PL_SLOT_STRING) {
        pl_span text = pl_map__text(slot, scratch);
        if (pl_json_check(text).reason) return "is not JSON text";
        pl_slot inner = pl_slot_of(pl_span_trim(text));
        pl_map__json(&inner, scratch, out);
    } else {
        pl_map__json(slot, scratch, out);
    }
    out->kind = type->kind;
    return NULL;
}

const char *pl_map__parse(const pl_slot *slot, const pl_type *type, const pl_parser *parser,
                          pl_arena *scratch, pl_value *out)
{
    int64_t micros;
    if (parser->kind == PL_PARSE_JSON) return json_text(slot, type, scratch, out);
    if (parser->kind == PL_PARSE_BOOL && !is_scalar(slot)) {
        out->kind = PL_BOOLEAN;
        out->boolean = slot->kind == PL_SLOT_TRUE;
        return slot->kind == PL_SLOT_TRUE || slot->kind == PL_SLOT_FALSE ? NULL
                                                                         : "is not a yes or no";
    }
    if (slot->kind == PL_SLOT_ARRAY) return "is an array, not text";
    if (slot->kind == PL_SLOT_OBJECT) return "is an object, not text";
    pl_span text = pl_map__text(slot, scratch);
    const char *why;
    switch (parser->kind) {
    case PL_PARSE_EPOCH:
    case PL_PARSE_EPOCH_S:
    case PL_PARSE_EPOCH_MS:
    case PL_PARSE_EPOCH_US:
    case PL_PARSE_EPOCH_NS:
        return epoch(pl_span_trim(text), type, parser->kind, out);
    case PL_PARSE_ISO:
        if (type->kind == PL_DATE && text.bytes == 10) return dated(text, type, out);
        why = pl_time_parse_iso(text, &micros);
        return why ? why : instant(micros, type, out);
    case PL_PARSE_TIME:
        why = pl_time_parse_format(text, parser->format, parser->zone, &micros);
        return why ? why : instant(micros, type, out);
    case PL_PARSE_DATE:
        return dated(text, type, out);
    case PL_PARSE_PERCENT:
        return percent(text, type, out);
    case PL_PARSE_NUMBER:
        return grouped(text, type, parser, scratch, out);
    case PL_PARSE_COMPACT:
        return compact(slot, text, type, parser, scratch, out);
    case PL_PARSE_BOOL:
        return boolean(text, out);
    case PL_PARSE_DURATION:
        return duration(text, type, scratch, out);
    case PL_PARSE_TEXT:
        out->kind = type->kind;
        out->text = text;
        return NULL;
    default:
        return "has no parser";
    }
}
