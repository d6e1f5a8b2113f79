// time.h -- calendar arithmetic and time text. UTC microseconds since 1970, proleptic Gregorian.
//
// Days follow Howard Hinnant's "chrono-compatible low-level date algorithms" (public description).
// Accepted instants: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z, which is what every
// reader of the table can show. A second of 60 is refused: UTC microseconds cannot hold it.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_TIME_H
#define PL_BASE_TIME_H

#include "base/zone.h"

#define PL_MICROS_PER_SECOND INT64_C(1000000)
#define PL_MICROS_PER_HOUR   (3600 * PL_MICROS_PER_SECOND)
#define PL_MICROS_PER_DAY    (86400 * PL_MICROS_PER_SECOND)
#define PL_TIME_MICROS_MIN   INT64_C(-62135596800000000) // 0001-01-01T00:00:00Z
#define PL_TIME_MICROS_MAX   INT64_C(253402300799999999) // 9999-12-31T23:59:59.999999Z

typedef struct pl_civil {
    int32_t year;
    int32_t month, day; // from 1
} pl_civil;

int64_t pl_days_from_civil(int32_t year, int32_t month, int32_t day); // days since 1970-01-01
pl_civil pl_civil_from_days(int64_t days);
bool pl_civil_valid(int32_t year, int32_t month, int32_t day);

static inline int64_t pl_floor_div(int64_t a, int64_t b)
{
    return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}

// ISO 8601 / RFC 3339 instant with an offset: "2026-11-22T03:04:05.123456+0100", 'T', 't' or ' ',
// offset "Z", "z", "+hh:mm", "+hhmm", "+hh"; seconds and fraction optional, at most 6 fractional
// digits that are not zero. Returns NULL on success, else why not ("has no UTC offset", ...), a
// static text that completes "<value> ...".
const char *pl_time_parse_iso(pl_span text, int64_t *ret_micros);

// "2026-11-22" and nothing else. Same return.
const char *pl_date_parse(pl_span text, int32_t *ret_days);

// `text` by a strptime-like `format`: %Y %m %d %H %M %S %f (1-6 fraction digits) %y %b %B %a %A %e
// %j %p %I %z %Z(only UTC, GMT, Z) %s %T %D %F %% and literal bytes; a space matches any run of
// spaces. Without %z, %Z and %s the text is local to `zone`, NULL for UTC. Same return; the reason
// may be one of the zone's.
const char *pl_time_parse_format(pl_span text, pl_span format, const pl_zone *zone,
                                 int64_t *ret_micros);
// NULL if `format` is usable, else what is wrong with it.
const char *pl_time_check_format(pl_span format);

// Forms in which platforms write instants, besides the two above: the most usual ones.
typedef struct pl_time_form {
    const char *format;
    bool zoned; // has its own offset
} pl_time_form;
#define PL_TIME_FORMS 9
extern const pl_time_form pl_time_forms[PL_TIME_FORMS];

// An instant or a day in any of these forms; without an offset it is UTC, a day is its midnight.
// False: none of them.
bool pl_time_guess(pl_span text, int64_t *ret_micros);

// ISO text, "2026-11-22T03:04:05.123456Z" (fraction only if not zero) and "2026-11-22".
// `out` needs 40 bytes; NUL-terminated; returns the bytes without NUL.
int pl_time_text(int64_t micros, char out[40]);
int pl_date_text(int32_t days, char out[40]);

#endif
