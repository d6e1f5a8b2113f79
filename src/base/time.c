// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <stdio.h>
#include <strings.h>

// Years are shifted to begin in March, so that the leap day is the last of a year; an era is the
// 400-year cycle of 146,097 days.
int64_t pl_days_from_civil(int32_t year, int32_t month, int32_t day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = pl_floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

pl_civil pl_civil_from_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = pl_floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    pl_civil civil = {.day = (int32_t)(doy - (153 * mp + 2) / 5 + 1),
                      .month = (int32_t)(mp < 10 ? mp + 3 : mp - 9)};
    civil.year = (int32_t)(yoe + era * 400 + (civil.month <= 2));
    return civil;
}

bool pl_civil_valid(int32_t year, int32_t month, int32_t day)
{
    static const int32_t last[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return false;
    if (day <= 28) return true;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= last[month - 1] + (month == 2 && leap);
}

// A reader over the text: each step consumes what it matched.
typedef struct cursor {
    const char *p, *end;
} cursor;

static bool take(cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted) return false;
    c->p++;
    return true;
}

// Between `least` and `most` digits as a number.
static bool digits(cursor *c, int least, int most, int32_t *ret_value)
{
    int32_t value = 0;
    int n = 0;
    for (; n < most && c->p < c->end && *c->p >= '0' && *c->p <= '9'; n++, c->p++)
        value = value * 10 + (*c->p - '0');
    *ret_value = value;
    return n >= least;
}

typedef struct moment {
    int32_t year, month, day, hour, minute, second, micros;
    int32_t offset;      // seconds east of UTC
    const pl_zone *zone; // NULL: offset says it
} moment;

static const char *moment_micros(const moment *m, int64_t *ret_micros)
{
    if (m->second == 60) return "has a leap second, which UTC microseconds cannot hold";
    if (!pl_civil_valid(m->year, m->month, m->day)) return "names a day that does not exist";
    if (m->hour > 23 || m->minute > 59 || m->second > 59) return "names a time that does not exist";
    int64_t days = pl_days_from_civil(m->year, m->month, m->day);
    int64_t seconds = days * 86400 + m->hour * 3600 + m->minute * 60 + m->second - m->offset;
    const char *why = m->zone ? pl_zone_utc(m->zone, seconds, &seconds) : NULL;
    if (why) return why;
    int64_t micros = seconds * PL_MICROS_PER_SECOND + m->micros;
    if (micros < PL_TIME_MICROS_MIN || micros > PL_TIME_MICROS_MAX)
        return "is outside the years 1 to 9999";
    *ret_micros = micros;
    return NULL;
}

// Fraction after the point: six digits count, further ones must be zero.
static const char *fraction(cursor *c, int32_t *ret_micros)
{
    int32_t micros = 0, scale = 100000;
    if (c->p == c->end || *c->p < '0' || *c->p > '9') return "has a point without a fraction";
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
        if (scale == 0 && *c->p != '0') return "is finer than a microsecond";
        micros += (*c->p - '0') * scale;
        scale /= 10;
    }
    *ret_micros = micros;
    return NULL;
}

static const char *offset(cursor *c, int32_t *ret_seconds)
{
    *ret_seconds = 0;
    if (take(c, 'Z') || take(c, 'z')) return NULL;
    int32_t sign = take(c, '+') ? 1 : take(c, '-') ? -1 : 0;
    if (!sign) return "has no UTC offset";
    int32_t hours = 0, minutes = 0;
    if (!digits(c, 2, 2, &hours)) return "has a malformed UTC offset";
    bool colon = take(c, ':');
    bool more = c->p < c->end && *c->p >= '0' && *c->p <= '9';
    if ((colon || more) && !digits(c, 2, 2, &minutes)) return "has a malformed UTC offset";
    if (hours > 23 || minutes > 59) return "has a malformed UTC offset";
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return NULL;
}

static bool iso_date(cursor *c, moment *m)
{
    return digits(c, 4, 4, &m->year) && take(c, '-') && digits(c, 2, 2, &m->month) &&
           take(c, '-') && digits(c, 2, 2, &m->day);
}

// Eight bytes of the form `form`, whose digits are zeros: in each byte the number that the digit
// there makes with the one behind it, where what is no digit counts as 0. *others is not zero if
// they have another form. `slack` has 0x76 where a digit is, else 0x7F: what is over 9, or not the
// form's, then carries into its byte's highest bit.
static inline uint64_t pairs_of(const char *text, const char *form, uint64_t slack,
                                uint64_t *others)
{
    uint64_t bytes, zeros;
    memcpy(&bytes, text, 8);
    memcpy(&zeros, form, 8);
    bytes ^= zeros;
    *others |= ((bytes + slack) | bytes) & UINT64_C(0x8080808080808080);
    return bytes * 10 + (bytes >> 8);
}

// Of the pairs of digits, each in the byte of its first one, that at `at`.
static inline int32_t pair(uint64_t pairs, int at)
{
    return (int32_t)(pairs >> 8 * at & 0xFF);
}

// The forms most machines write, 2026-11-22T03:04:05Z and with milliseconds, in three steps: a
// quarter of what it takes byte by byte. false: another form, or a wrong one.
static inline bool iso_usual(pl_span text, moment *m)
{
    uint64_t others = 0, rest;
    if (text.bytes != 20 && text.bytes != 24) return false;
    uint64_t date = pairs_of(text.data, "0000-00-", UINT64_C(0x7F76767F76767676), &others);
    uint64_t time = pairs_of(text.data + 8, "00T00:00", UINT64_C(0x76767F76767F7676), &others);
    if (text.bytes == 24)
        rest = pairs_of(text.data + 16, ":00.000Z", UINT64_C(0x7F7676767F76767F), &others);
    else
        rest = pairs_of(text.data + 12, "0:00:00Z", UINT64_C(0x7F76767F76767F76), &others) >> 32;
    if (others) return false;
    *m = (moment){.year = pair(date, 0) * 100 + pair(date, 2),
                  .month = pair(date, 5),
                  .day = pair(time, 0),
                  .hour = pair(time, 3),
                  .minute = pair(time, 6),
                  .second = pair(rest, 1),
                  .micros = (pair(rest, 4) * 100 + pair(rest, 6)) * 100};
    return true;
}

const char *pl_time_parse_iso(pl_span text, int64_t *ret_micros)
{
    cursor c = {text.data, text.data + text.bytes};
    moment m = {0};
    if (iso_usual(text, &m)) return moment_micros(&m, ret_micros);
    if (!iso_date(&c, &m)) return "is not an ISO 8601 time";
    if (c.p == c.end) return "is a date without a time";
    if (!take(&c, 'T') && !take(&c, 't') && !take(&c, ' ')) return "is not an ISO 8601 time";
    if (!digits(&c, 2, 2, &m.hour) || !take(&c, ':') || !digits(&c, 2, 2, &m.minute))
        return "is not an ISO 8601 time";
    if (take(&c, ':')) {
        if (!digits(&c, 2, 2, &m.second)) return "is not an ISO 8601 time";
        if (take(&c, '.') || take(&c, ',')) {
            const char *why = fraction(&c, &m.micros);
            if (why) return why;
        }
    }
    take(&c, ' ');
    const char *why = offset(&c, &m.offset);
    if (why) return why;
    if (c.p != c.end) return "has text after the time";
    return moment_micros(&m, ret_micros);
}

const char *pl_date_parse(pl_span text, int32_t *ret_days)
{
    cursor c = {text.data, text.data + text.bytes};
    moment m = {0};
    if (!iso_date(&c, &m) || c.p != c.end) return "is not a date (YYYY-MM-DD)";
    if (!pl_civil_valid(m.year, m.month, m.day)) return "names a day that does not exist";
    if (m.year < 1) return "is outside the years 1 to 9999";
    *ret_days = (int32_t)pl_days_from_civil(m.year, m.month, m.day);
    return NULL;
}

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

// One of `names`, full or its first three letters, any case. Index, or -1.
static int name_of(cursor *c, const char *const *names, int count)
{
    size_t left = (size_t)(c->end - c->p);
    for (int i = 0; i < count; i++) {
        size_t full = strlen(names[i]);
        size_t used = left >= full && strncasecmp(c->p, names[i], full) == 0 ? full
                      : left >= 3 && strncasecmp(c->p, names[i], 3) == 0     ? 3
                                                                             : 0;
        if (!used) continue;
        c->p += used;
        return i;
    }
    return -1;
}

typedef struct format_state {
    moment m;
    int32_t day_of_year; // -1: not given
    int afternoon;       // -1: not given, 0 AM, 1 PM
    int64_t epoch;       // %s
    bool has_epoch;
} format_state;

static const char MISMATCH[] = "does not fit the format";

static const char *format_clock(cursor *c, format_state *s)
{
    return digits(c, 2, 2, &s->m.hour) && take(c, ':') && digits(c, 2, 2, &s->m.minute) &&
                   take(c, ':') && digits(c, 2, 2, &s->m.second)
               ? NULL
               : MISMATCH;
}

static const char *format_zone_name(cursor *c, format_state *s)
{
    static const char *const zones[] = {"UTC", "GMT", "Z"};
    for (size_t i = 0; i < PL_COUNT(zones); i++) {
        size_t n = strlen(zones[i]);
        if ((size_t)(c->end - c->p) >= n && strncasecmp(c->p, zones[i], n) == 0) {
            c->p += n;
            s->m.offset = 0;
            s->m.zone = NULL;
            return NULL;
        }
    }
    return "names a time zone other than UTC";
}

static const char *format_epoch(cursor *c, format_state *s)
{
    bool negative = take(c, '-');
    const char *first = c->p;
    s->epoch = 0; // a format may say %s twice: the last counts
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9' && c->p - first < 15; c->p++)
        s->epoch = s->epoch * 10 + (*c->p - '0');
    if (c->p == first) return MISMATCH;
    if (negative) s->epoch = -s->epoch;
    s->has_epoch = true;
    return NULL;
}

static const char *format_two(cursor *c, int32_t *ret_value)
{
    take(c, ' '); // %e and friends pad with a space
    return digits(c, 1, 2, ret_value) ? NULL : MISMATCH;
}

static const char *format_one(char directive, cursor *c, format_state *s)
{
    int32_t n;
    int index;
    switch (directive) {
    case 'Y':
        return digits(c, 4, 4, &s->m.year) ? NULL : MISMATCH;
    case 'y':
        if (!digits(c, 2, 2, &n)) return MISMATCH;
        s->m.year = n < 69 ? 2000 + n : 1900 + n; // POSIX pivot
        return NULL;
    case 'm':
        return format_two(c, &s->m.month);
    case 'd':
    case 'e':
        return format_two(c, &s->m.day);
    case 'H':
    case 'I':
        return format_two(c, &s->m.hour);
    case 'M':
        return format_two(c, &s->m.minute);
    case 'S':
        return format_two(c, &s->m.second);
    case 'f':
        return fraction(c, &s->m.micros);
    case 'j':
        return digits(c, 3, 3, &s->day_of_year) ? NULL : MISMATCH;
    case 'b':
    case 'B':
        index = name_of(c, month_names, 12);
        s->m.month = index + 1;
        return index >= 0 ? NULL : MISMATCH;
    case 'a':
    case 'A':
        return name_of(c, day_names, 7) >= 0 ? NULL : MISMATCH;
    case 'p':
        if (c->end - c->p < 2 || (c->p[1] | 32) != 'm') return MISMATCH;
        s->afternoon = (c->p[0] | 32) == 'p' ? 1 : (c->p[0] | 32) == 'a' ? 0 : -1;
        c->p += 2;
        return s->afternoon >= 0 ? NULL : MISMATCH;
    case 'z':
        s->m.zone = NULL;
        return offset(c, &s->m.offset);
    case 'Z':
        return format_zone_name(c, s);
    case 's':
        return format_epoch(c, s);
    case 'T':
        return format_clock(c, s);
    case 'F':
        return iso_date(c, &s->m) ? NULL : MISMATCH;
    case 'D':
        if (!digits(c, 2, 2, &s->m.month) || !take(c, '/') || !digits(c, 2, 2, &s->m.day) ||
            !take(c, '/'))
            return MISMATCH;
        return format_one('y', c, s);
    case '%':
        return take(c, '%') ? NULL : MISMATCH;
    default:
        return MISMATCH;
    }
}

const char *pl_time_check_format(pl_span format)
{
    bool any = false;
    for (size_t i = 0; i < format.bytes; i++) {
        if (format.data[i] != '%') continue;
        if (++i == format.bytes) return "ends in a single %";
        if (!format.data[i] || !strchr("YymdeHIMSfjbBaApzZsTFD%", format.data[i]))
            return "has an unknown directive";
        any = true;
    }
    return any ? NULL : "has no directive";
}

static const char *format_finish(format_state *s, int64_t *ret_micros)
{
    moment *m = &s->m;
    if (s->has_epoch) {
        int64_t micros;
        if (__builtin_mul_overflow(s->epoch, PL_MICROS_PER_SECOND, &micros) ||
            micros < PL_TIME_MICROS_MIN || micros > PL_TIME_MICROS_MAX)
            return "is outside the years 1 to 9999";
        *ret_micros = micros + m->micros;
        return NULL;
    }
    if (s->afternoon >= 0) {
        if (m->hour < 1 || m->hour > 12) return "names a time that does not exist";
        m->hour = m->hour % 12 + 12 * s->afternoon;
    }
    if (s->day_of_year >= 0) {
        int64_t days = pl_days_from_civil(m->year, 1, 1) + s->day_of_year - 1;
        pl_civil civil = pl_civil_from_days(days);
        if (civil.year != m->year) return "names a day that does not exist";
        m->month = civil.month;
        m->day = civil.day;
    }
    return moment_micros(m, ret_micros);
}

const char *pl_time_parse_format(pl_span text, pl_span format, const pl_zone *zone,
                                 int64_t *ret_micros)
{
    cursor c = {text.data, text.data + text.bytes};
    format_state s = {.m = {.year = 1970, .month = 1, .day = 1, .zone = zone},
                      .day_of_year = -1,
                      .afternoon = -1};
    for (size_t i = 0; i < format.bytes; i++) {
        if (format.data[i] == '%' && i + 1 < format.bytes) {
            const char *why = format_one(format.data[++i], &c, &s);
            if (why) return why;
        } else if (format.data[i] == ' ') {
            if (!take(&c, ' ')) return MISMATCH;
            while (take(&c, ' ')) {
            }
        } else if (!take(&c, format.data[i])) {
            return MISMATCH;
        }
    }
    if (c.p != c.end) return "has text after the time";
    return format_finish(&s, ret_micros);
}

const pl_time_form pl_time_forms[PL_TIME_FORMS] = {
    {"%Y-%m-%dT%H:%M:%S", false},       {"%Y-%m-%dT%H:%M:%S.%f", false},
    {"%Y-%m-%d %H:%M:%S", false},       {"%Y-%m-%d %H:%M:%S.%f", false},
    {"%a %b %d %H:%M:%S %z %Y", true},  {"%a, %d %b %Y %H:%M:%S %z", true},
    {"%a, %d %b %Y %H:%M:%S %Z", true}, {"%Y-%m-%d %H:%M:%S %z", true},
    {"%Y-%m-%d %H:%M:%S %Z", true},
};

bool pl_time_guess(pl_span text, int64_t *ret_micros)
{
    // Most text is told apart by its size and its first bytes; the rest is tried form by form.
    bool year = text.bytes >= 10 && text.data[4] == '-' && text.data[7] == '-';
    bool weekday = text.bytes >= 20 && (text.data[3] == ' ' || text.data[3] == ',');
    int32_t days;
    if ((!year && !weekday) || text.bytes > 64) return false;
    if (text.bytes == 10 && !pl_date_parse(text, &days)) {
        *ret_micros = days * PL_MICROS_PER_DAY;
        return true;
    }
    if (year && !pl_time_parse_iso(text, ret_micros)) return true;
    for (int i = 0; i < PL_TIME_FORMS; i++)
        if (!pl_time_parse_format(text, pl_span_of(pl_time_forms[i].format), NULL, ret_micros))
            return true;
    return false;
}

int pl_date_text(int32_t days, char out[40])
{
    pl_civil civil = pl_civil_from_days(days);
    return snprintf(out, 40, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
}

int pl_time_text(int64_t micros, char out[40])
{
    int64_t days = pl_floor_div(micros, PL_MICROS_PER_DAY);
    int64_t rest = micros - days * PL_MICROS_PER_DAY;
    int64_t seconds = rest / PL_MICROS_PER_SECOND;
    int32_t fraction_us = (int32_t)(rest % PL_MICROS_PER_SECOND);
    int used = pl_date_text((int32_t)days, out);
    used += snprintf(out + used, 40 - (size_t)used, "T%02d:%02d:%02d", (int)(seconds / 3600),
                     (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (fraction_us) {
        used += snprintf(out + used, 40 - (size_t)used, ".%06d", fraction_us);
        while (out[used - 1] == '0') used--;
    }
    out[used++] = 'Z';
    out[used] = '\0';
    return used;
}
