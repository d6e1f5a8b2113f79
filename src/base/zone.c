// SPDX-License-Identifier: Apache-2.0
#include "base/zone.h"

#include "base/time.h"

enum {
    DAY = 86400,
    OFFSET_MAX = 26 * 3600, // any offset is nearer to UTC
    HEADER_BYTES = 44,
    TYPE_BYTES = 6,
};

static const char BROKEN[] = "breaks off", BAD_RULE[] = "has a malformed rule for later years",
                  BAD_OFFSET[] = "has an offset of 26 hours or more";

// --- the rule: "CET-1CEST,M3.5.0,M10.5.0/3" ------------------------------------------------------

static bool rule_take(pl_span *text, char wanted)
{
    if (!text->bytes || text->data[0] != wanted) return false;
    *text = (pl_span){text->data + 1, text->bytes - 1};
    return true;
}

static bool rule_digits(pl_span *text, int32_t least, int32_t most, int32_t *ret_value)
{
    int32_t value = 0, n = 0;
    for (; n < 3 && text->bytes && text->data[0] >= '0' && text->data[0] <= '9'; n++) {
        value = value * 10 + (text->data[0] - '0');
        *text = (pl_span){text->data + 1, text->bytes - 1};
    }
    *ret_value = value;
    return n > 0 && value >= least && value <= most;
}

// An abbreviation, which nobody needs: "CEST", "<+0330>".
static bool rule_name(pl_span *text)
{
    bool quoted = rule_take(text, '<');
    size_t n = 0;
    for (; n < text->bytes; n++) {
        char c = text->data[n];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'))) break;
    }
    *text = (pl_span){text->data + n, text->bytes - n};
    return n >= 3 && (!quoted || rule_take(text, '>'));
}

// [+-]hh[:mm[:ss]]
static bool rule_time(pl_span *text, int32_t hours_max, int32_t *ret_seconds)
{
    int32_t hours, minutes = 0, seconds = 0;
    int32_t sign = rule_take(text, '-') ? -1 : 1;
    if (sign == 1) rule_take(text, '+');
    if (!rule_digits(text, 0, hours_max, &hours)) return false;
    if (rule_take(text, ':')) {
        if (!rule_digits(text, 0, 59, &minutes)) return false;
        if (rule_take(text, ':') && !rule_digits(text, 0, 59, &seconds)) return false;
    }
    *ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool rule_day(pl_span *text, pl_zone_day *ret_day)
{
    *ret_day = (pl_zone_day){.form = 'D', .seconds = 2 * 3600};
    bool good;
    if (!rule_take(text, ',')) return false;
    if (rule_take(text, 'M')) {
        ret_day->form = 'M';
        good = rule_digits(text, 1, 12, &ret_day->month) && rule_take(text, '.') &&
               rule_digits(text, 1, 5, &ret_day->week) && rule_take(text, '.') &&
               rule_digits(text, 0, 6, &ret_day->day);
    } else if (rule_take(text, 'J')) {
        ret_day->form = 'J';
        good = rule_digits(text, 1, 365, &ret_day->day);
    } else {
        good = rule_digits(text, 0, 365, &ret_day->day);
    }
    if (good && rule_take(text, '/')) good = rule_time(text, 167, &ret_day->seconds);
    return good;
}

// An empty rule says nothing of later years: the last offset stays.
static const char *read_rule(pl_span text, pl_zone *zone)
{
    if (!text.bytes) return NULL;
    zone->has_rule = true;
    if (!rule_name(&text) || !rule_time(&text, 24, &zone->standard)) return BAD_RULE;
    zone->standard = -zone->standard; // it is written west of UTC
    if (!text.bytes) return NULL;
    zone->has_summer = true;
    if (!rule_name(&text)) return BAD_RULE;
    zone->summer = zone->standard + 3600;
    if (text.bytes && text.data[0] != ',') {
        if (!rule_time(&text, 24, &zone->summer)) return BAD_RULE;
        zone->summer = -zone->summer;
    }
    if (!rule_day(&text, &zone->begin) || !rule_day(&text, &zone->end) || text.bytes)
        return BAD_RULE;
    return NULL;
}

// --- the file ------------------------------------------------------------------------------------

static int64_t big_endian(const char *at, uint32_t bytes)
{
    uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;
    for (uint32_t i = 0; i < bytes; i++) value = value << 8 | (unsigned char)at[i];
    return (int64_t)value;
}

typedef struct block {
    uint64_t ut_marks, standard_marks, leaps, changes, types, name_bytes; // as the header has them
    uint32_t time_bytes; // of one time: 4, or 8 in the second block
    char version;
} block;

static const char *read_header(pl_span *left, uint32_t time_bytes, block *ret_block)
{
    if (left->bytes < 4 || memcmp(left->data, "TZif", 4) != 0) return "is no TZif file";
    if (left->bytes < HEADER_BYTES) return BROKEN;
    uint64_t counts[6];
    for (size_t i = 0; i < PL_COUNT(counts); i++)
        counts[i] = (uint64_t)big_endian(left->data + 20 + 4 * i, 4) & UINT32_MAX;
    *ret_block = (block){counts[0], counts[1], counts[2],  counts[3],
                         counts[4], counts[5], time_bytes, left->data[4]};
    *left = (pl_span){left->data + HEADER_BYTES, left->bytes - HEADER_BYTES};
    return NULL;
}

static uint64_t block_bytes(const block *b)
{
    return b->changes * (b->time_bytes + 1) + b->types * TYPE_BYTES + b->name_bytes +
           b->leaps * (b->time_bytes + 4) + b->standard_marks + b->ut_marks;
}

static const char *read_block(const char *data, const block *b, pl_arena *arena, pl_zone *zone)
{
    if (b->leaps) return "counts leap seconds";
    if (!b->types || b->types > 256) return "has no local time, or too many";
    const char *which = data + b->changes * b->time_bytes, *types = which + b->changes;
    int32_t offsets[256];
    for (uint64_t i = 0; i < b->types; i++) {
        int64_t offset = big_endian(types + i * TYPE_BYTES, 4);
        if (offset <= -OFFSET_MAX || offset >= OFFSET_MAX) return BAD_OFFSET;
        offsets[i] = (int32_t)offset;
    }
    int64_t *changes = PL_TAKE(arena, int64_t, b->changes);
    int32_t *later = PL_TAKE(arena, int32_t, b->changes);
    for (uint64_t i = 0; i < b->changes; i++) {
        changes[i] = big_endian(data + i * b->time_bytes, b->time_bytes);
        if (i && changes[i] <= changes[i - 1]) return "has changes out of order";
        unsigned char type = (unsigned char)which[i];
        if (type >= b->types) return "names a local time that it does not have";
        later[i] = offsets[type];
    }
    zone->seconds = offsets[0];
    zone->count = (uint32_t)b->changes;
    zone->changes = changes;
    zone->offsets = later;
    return NULL;
}

const char *pl_zone_read(const char *name, pl_span tzif, pl_arena *arena, pl_zone *ret_zone)
{
    pl_zone zone = {.name = name};
    pl_span left = tzif;
    block b;
    const char *why = read_header(&left, 4, &b);
    if (why) return why;
    if (block_bytes(&b) > left.bytes) return BROKEN;
    bool second = b.version != '\0'; // with times of 64 bits, and a rule behind it
    if (second) {
        left = (pl_span){left.data + block_bytes(&b), left.bytes - block_bytes(&b)};
        why = read_header(&left, 8, &b);
        if (why) return why;
        if (block_bytes(&b) > left.bytes) return BROKEN;
    }
    why = read_block(left.data, &b, arena, &zone);
    if (why) return why;
    if (second) {
        left = (pl_span){left.data + block_bytes(&b), left.bytes - block_bytes(&b)};
        bool opened = rule_take(&left, '\n');
        const char *end = left.bytes ? memchr(left.data, '\n', left.bytes) : NULL;
        if (!opened || !end) return BROKEN;
        why = read_rule((pl_span){left.data, (size_t)(end - left.data)}, &zone);
        if (why) return why;
    }
    zone.skipped = pl_arena_printf(arena, "is skipped by the clock change in %s", name);
    zone.twice = pl_arena_printf(arena, "happens twice in %s", name);
    *ret_zone = zone;
    return NULL;
}

// --- what time it is -----------------------------------------------------------------------------

// When in `year` the day begins, in seconds since 1970, plus its seconds: still by a local clock.
static int64_t day_in(const pl_zone_day *day, int32_t year)
{
    int64_t days;
    if (day->form == 'M') {
        bool december = day->month == 12;
        int64_t next = pl_days_from_civil(year + december, december ? 1 : day->month + 1, 1);
        days = pl_days_from_civil(year, day->month, 1);
        int64_t weekday = (days + 4) - pl_floor_div(days + 4, 7) * 7; // 1970 began on a Thursday
        days += (day->day - weekday + 7) % 7 + (day->week - 1) * 7;
        if (days >= next) days -= 7;
    } else {
        days = pl_days_from_civil(year, 1, 1) + day->day;
        if (day->form == 'J') days -= !(day->day >= 60 && pl_civil_valid(year, 2, 29));
    }
    return days * DAY + day->seconds;
}

// The last such change at or before `utc`. It may be a week off its day, so the search begins in
// the year to come and may end two years ago.
static int64_t newest(const pl_zone_day *day, int32_t offset, int32_t year, int64_t utc)
{
    int64_t change;
    do change = day_in(day, year--) - offset;
    while (change > utc);
    return change;
}

// A summer that ends when the next begins has no end.
static int32_t rule_offset(const pl_zone *zone, int64_t utc)
{
    if (!zone->has_summer) return zone->standard;
    int32_t next = pl_civil_from_days(pl_floor_div(utc, DAY)).year + 1;
    bool summer = newest(&zone->begin, zone->standard, next, utc) >=
                  newest(&zone->end, zone->summer, next, utc);
    return summer ? zone->summer : zone->standard;
}

// How many changes are at or before `utc`.
static uint32_t changes_until(const pl_zone *zone, int64_t utc)
{
    uint32_t low = 0, high = zone->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->changes[middle] <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t pl_zone_offset(const pl_zone *zone, int64_t utc)
{
    uint32_t until = changes_until(zone, utc);
    if (until == zone->count && zone->has_rule) return rule_offset(zone, utc);
    return until ? zone->offsets[until - 1] : zone->seconds;
}

// An offset is right if it is the one of the instant that it gives.
static void try_offset(const pl_zone *zone, int64_t local, int32_t offset, int64_t found[2],
                       int *count)
{
    int64_t utc = local - offset;
    if (*count == 2 || (*count == 1 && found[0] == utc)) return;
    if (pl_zone_offset(zone, utc) == offset) found[(*count)++] = utc;
}

const char *pl_zone_utc(const pl_zone *zone, int64_t local, int64_t *ret_utc)
{
    int64_t found[2];
    int count = 0;
    if (!zone->name) {
        *ret_utc = local - zone->seconds;
        return NULL;
    }
    // The offsets that are in force anywhere near.
    uint32_t last = changes_until(zone, local + OFFSET_MAX);
    for (uint32_t i = changes_until(zone, local - OFFSET_MAX); i <= last; i++) {
        if (i < zone->count || !zone->has_rule) {
            try_offset(zone, local, i ? zone->offsets[i - 1] : zone->seconds, found, &count);
            continue;
        }
        try_offset(zone, local, zone->standard, found, &count);
        if (zone->has_summer) try_offset(zone, local, zone->summer, found, &count);
    }
    if (count != 1) return count ? zone->twice : zone->skipped;
    *ret_utc = found[0];
    return NULL;
}
