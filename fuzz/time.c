// Times as text, from "format, line end, text": an instant that is read is written and read back
// as itself, and the C library agrees which instant the written text names.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <time.h>

#include "fuzz.h"

static void check_instant(int64_t micros)
{
    char text[40];
    int64_t again;
    struct tm civil = {0};
    FUZZ_CHECK(micros >= PL_TIME_MICROS_MIN && micros <= PL_TIME_MICROS_MAX);
    int bytes = pl_time_text(micros, text);
    FUZZ_CHECK(bytes > 0 && text[bytes] == '\0');
    FUZZ_CHECK(!pl_time_parse_iso(pl_span_of(text), &again) && again == micros);
    FUZZ_CHECK(sscanf(text, "%d-%d-%dT%d:%d:%d", &civil.tm_year, &civil.tm_mon, &civil.tm_mday,
                      &civil.tm_hour, &civil.tm_min, &civil.tm_sec) == 6);
    civil.tm_year -= 1900;
    civil.tm_mon -= 1;
    FUZZ_CHECK(timegm(&civil) == pl_floor_div(micros, PL_MICROS_PER_SECOND));
}

static void check_date(int32_t days)
{
    char text[40];
    int32_t again;
    pl_date_text(days, text);
    FUZZ_CHECK(!pl_date_parse(pl_span_of(text), &again) && again == days);
    pl_civil civil = pl_civil_from_days(days);
    FUZZ_CHECK(pl_civil_valid(civil.year, civil.month, civil.day));
    FUZZ_CHECK(pl_days_from_civil(civil.year, civil.month, civil.day) == days);
}

void fuzz_one(pl_span input)
{
    pl_span text = input, format = fuzz_until(&text, '\n');
    int64_t micros, shifted;
    int32_t days;
    if (!pl_time_parse_iso(text, &micros)) {
        check_instant(micros);
        // Half an hour further east, and what it was is half an hour earlier.
        pl_buf moved = {0};
        char out[40];
        if (micros < PL_TIME_MICROS_MAX - PL_MICROS_PER_HOUR) {
            pl_time_text(micros + PL_MICROS_PER_HOUR / 2, out);
            pl_buf_printf(&moved, "%.*s+00:30", (int)strlen(out) - 1, out);
            FUZZ_CHECK(!pl_time_parse_iso(pl_buf_view(&moved), &shifted) && shifted == micros);
        }
        pl_buf_done(&moved);
    }
    if (!pl_date_parse(text, &days)) check_date(days);
    if (pl_time_check_format(format)) return;
    if (pl_time_parse_format(text, format, NULL, &micros)) return;
    check_instant(micros);
    static const pl_zone east = {.seconds = 3600};
    if (!pl_time_parse_format(text, format, &east, &shifted))
        FUZZ_CHECK(shifted == micros || shifted == micros - PL_MICROS_PER_HOUR);
}

void fuzz_seeds(void)
{
    fuzz_seed_text("%Y-%m-%dT%H:%M:%S\n2026-11-22T03:04:05");
    fuzz_seed_text("%d %b %Y %I:%M %p %z\n22 Nov 2026 03:04 PM +0100");
    fuzz_seed_text("%a, %e %B %y %T.%f %Z\nSun,  1 November 26 03:04:05.123456 GMT");
    fuzz_seed_text("%F %H%%\n2024-02-29 23%");
    fuzz_seed_text("%Y %j %s %D\n2026 326 1795316645 11/22/26");
    fuzz_seed_text("%s\n1795316645");
    fuzz_seed_text("%Y%j\n2026326");
    fuzz_seed_text("\n2026-11-22T03:04:05.123456+0100");
    fuzz_seed_text("\n0001-01-01 00:00Z");
    fuzz_seed_text("\n9999-12-31t23:59:59.999999z");
    fuzz_seed_text("\n2026-11-22");
    fuzz_seed_text("\n2000-02-29T12:00:00-11");
}
