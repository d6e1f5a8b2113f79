// scanner_int.h -- the forms that most values have, each taken at one look.
//
// pl_scan__value fills the slot and gives where the value ends, or NULL: look closer, at what may
// be valid all the same, or not. All of it is part of the scanner's inner loop, where a value takes
// half the instructions that the general grammar took.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_SCANNER_INT_H
#define PL_JSON_SCANNER_INT_H

#include "json/scanner.h"

static inline uint64_t pl_scan__word(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

// Up to eight digits within one register: how many there are, and their value. A loop over them
// ends in a branch that nobody can predict.
static inline uint32_t pl_scan__digit_count(uint64_t chunk)
{
    // The lowest byte that is no digit is found exactly: digits below it carry nothing.
    uint64_t others =
        ((chunk + UINT64_C(0x4646464646464646)) | (chunk - UINT64_C(0x3030303030303030))) &
        UINT64_C(0x8080808080808080);
    return others ? (uint32_t)__builtin_ctzll(others) / 8 : 8;
}

// Of the first `digits` of them, at least one.
static inline int64_t pl_scan__digits(uint64_t chunk, uint32_t digits)
{
    chunk = (chunk & UINT64_C(0x0F0F0F0F0F0F0F0F)) << (8 - digits) * 8;
    chunk = chunk * 10 + (chunk >> 8);
    chunk = ((chunk & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
             (chunk >> 16 & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
            32;
    return (int64_t)chunk;
}

static inline bool pl_scan__is_digit(char c)
{
    return (uint8_t)(c - '0') < 10;
}

// Whether a number goes on with `c`.
static inline bool pl_scan__goes_on(char c)
{
    return pl_scan__is_digit(c) || c == '.' || (c | 32) == 'e';
}

// At most 18 digits, perhaps with a point among them, no exponent.
static inline const char *pl_scan__longer_number(pl_slot *slot, const char *at, const char *end)
{
    bool negative = *at == '-';
    const char *first = at + negative, *i = first, *point = NULL;
    const char *most = end - first > 19 ? first + 19 : end; // with the point
    uint64_t value = 0;                                     // of at most 19 digits
    for (; i < most; i++) {
        if (pl_scan__is_digit(*i))
            value = value * 10 + (uint64_t)(*i - '0');
        else if (*i == '.' && !point)
            point = i;
        else
            break;
    }
    const char *whole = point ? point : i;
    if (whole == first || (*first == '0' && whole - first > 1)) return NULL;
    if (i == end || pl_scan__goes_on(*i) || point == i - 1 || i - first - (point != NULL) > 18)
        return NULL;
    *slot = (pl_slot){.kind = point ? PL_SLOT_NUMBER : PL_SLOT_INTEGER,
                      .has_long = !point,
                      .fraction = point ? (uint8_t)(i - point - 1) : 0,
                      .raw = {at, (size_t)(i - at)},
                      .value = negative ? -(int64_t)value : (int64_t)value};
    return i;
}

// Mostly an integer of at most seven digits, and another value behind it.
static inline const char *pl_scan__number(pl_slot *slot, const char *at, const char *end)
{
    bool negative = *at == '-';
    const char *first = at + negative;
    if (PL_UNLIKELY(end - first < 8)) return pl_scan__longer_number(slot, at, end);
    uint64_t chunk = pl_scan__word(first);
    uint32_t digits = pl_scan__digit_count(chunk);
    char behind = first[digits & 7];
    if (PL_UNLIKELY(digits - 1 > 6 || (behind != ',' && behind != '}') ||
                    (digits > 1 && *first == '0')))
        return pl_scan__longer_number(slot, at, end);
    int64_t value = pl_scan__digits(chunk, digits);
    *slot = (pl_slot){.kind = PL_SLOT_INTEGER,
                      .has_long = true,
                      .raw = {at, negative + (size_t)digits},
                      .value = negative ? -value : value};
    return first + digits;
}

// Its plain beginning ends at at[stop], which is no quote: escapes and what is not ASCII.
static inline const char *pl_scan__longer_string(pl_slot *slot, const char *at, size_t stop,
                                                 const char *end)
{
    bool escaped;
    pl_json_error ignored;
    size_t behind =
        pl_json_skip_inside((pl_span){at, (size_t)(end - at)}, stop, &escaped, &ignored);
    if (behind == SIZE_MAX) return NULL;
    *slot = (pl_slot){.kind = PL_SLOT_STRING, .escaped = escaped, .raw = {at + 1, behind - 2}};
    return at + behind;
}

static inline const char *pl_scan__string(pl_slot *slot, const char *at, const char *end)
{
    pl_span text = {at, (size_t)(end - at)};
    size_t stop = pl_simd_string_plain(text, 1);
    if (PL_UNLIKELY(stop == text.bytes || at[stop] != '"'))
        return pl_scan__longer_string(slot, at, stop, end);
    *slot = (pl_slot){.kind = PL_SLOT_STRING, .raw = {at + 1, stop - 1}};
    return at + stop + 1;
}

static inline const char *pl_scan__space(const char *at, const char *end)
{
    return at + pl_json_space((pl_span){at, (size_t)(end - at)}, 0);
}

// Of strings without escapes only.
static inline const char *pl_scan__array(pl_scanner *s, pl_slot *slot, const char *at,
                                         const char *end)
{
    uint32_t first = s->item_count, count = first;
    const char *i = pl_scan__space(at + 1, end);
    for (bool more = true; more && i < end && *i == '"'; count++) {
        pl_slot item;
        i = count < PL_ITEMS_MAX ? pl_scan__string(&item, i, end) : NULL;
        if (!i || item.escaped) return NULL;
        PL_GROW(s->items, count, s->item_capacity);
        s->items[count] = item.raw;
        i = pl_scan__space(i, end);
        more = i < end && *i == ',';
        if (more) i = pl_scan__space(i + 1, end);
        if (more && (i == end || *i != '"')) return NULL;
    }
    if (i == end || *i != ']') return NULL;
    *slot = (pl_slot){.kind = PL_SLOT_ARRAY,
                      .has_items = true,
                      .raw = {at, (size_t)(i + 1 - at)},
                      .items = {first, count - first}};
    s->item_count = count;
    return i + 1;
}

static inline const char *pl_scan__constant(pl_slot *slot, const char *at, const char *end)
{
    if (end - at < 5) return NULL;
    pl_slot_kind kind = memcmp(at, "true", 4) == 0                     ? PL_SLOT_TRUE
                        : memcmp(at, "null", 4) == 0                   ? PL_SLOT_NULL
                        : memcmp(at + 1, "alse", 4) == 0 && *at == 'f' ? PL_SLOT_FALSE
                                                                       : PL_SLOT_ABSENT;
    if (!kind) return NULL;
    size_t bytes = kind == PL_SLOT_FALSE ? 5 : 4;
    *slot = (pl_slot){.kind = kind, .raw = {at, bytes}};
    return at + bytes;
}

static inline const char *pl_scan__value(pl_scanner *s, pl_slot *slot, const char *at,
                                         const char *end)
{
    if (PL_UNLIKELY(at == end)) return NULL;
    if (*at == '"') return pl_scan__string(slot, at, end);
    if (*at == '-' || pl_scan__is_digit(*at)) return pl_scan__number(slot, at, end);
    if (*at == '[') return pl_scan__array(s, slot, at, end);
    return pl_scan__constant(slot, at, end);
}

#endif
