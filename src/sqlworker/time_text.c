// SPDX-License-Identifier: Apache-2.0
#include "sqlworker/time_text.h"

#include <inttypes.h>

#include "base/time.h"

#define OFFSET_SECONDS_MAX (16 * 3600 - 1)

static void fraction_text(int64_t ticks, int digits, pl_buf *out)
{
    if (ticks == 0) return;
    while (ticks % 10 == 0) ticks /= 10, digits--;
    pl_buf_printf(out, ".%0*" PRId64, digits, ticks);
}

static void clock_text(int64_t seconds, pl_buf *out)
{
    pl_buf_printf(out, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                  (int)(seconds % 60));
}

static void civil_text(int64_t days, pl_buf *out)
{
    pl_civil civil = pl_civil_from_days(days);
    bool plain = civil.year >= 0 && civil.year <= 9999;
    pl_buf_printf(out, plain ? "%04d-%02d-%02d" : "%+05d-%02d-%02d", civil.year, civil.month,
                  civil.day);
}

void pl_time_text_date(int32_t days, pl_buf *out)
{
    if (days == INT32_MAX)
        pl_buf_text(out, "infinity");
    else if (days == -INT32_MAX)
        pl_buf_text(out, "-infinity");
    else
        civil_text(days, out);
}

void pl_time_text_instant(int64_t ticks, int digits, bool zulu, pl_buf *out)
{
    if (ticks == INT64_MAX || ticks == -INT64_MAX) {
        pl_buf_text(out, ticks > 0 ? "infinity" : "-infinity");
        return;
    }
    int64_t per_second = 1;
    for (int i = 0; i < digits; i++) per_second *= 10;
    int64_t seconds = pl_floor_div(ticks, per_second);
    int64_t fraction = ticks % per_second;
    if (fraction < 0) fraction += per_second;
    int64_t days = pl_floor_div(seconds, 86400);
    civil_text(days, out);
    pl_buf_char(out, 'T');
    clock_text(seconds - days * 86400, out);
    fraction_text(fraction, digits, out);
    if (zulu) pl_buf_char(out, 'Z');
}

void pl_time_text_day(int64_t micros, pl_buf *out)
{
    clock_text(micros / PL_MICROS_PER_SECOND, out);
    fraction_text(micros % PL_MICROS_PER_SECOND, 6, out);
}

void pl_time_text_day_tz(uint64_t bits, pl_buf *out)
{
    pl_time_text_day((int64_t)(bits >> 24), out);
    int32_t offset = OFFSET_SECONDS_MAX - (int32_t)(bits & 0xffffff);
    pl_buf_char(out, offset < 0 ? '-' : '+');
    if (offset < 0) offset = -offset;
    pl_buf_printf(out, "%02d:%02d", offset / 3600, offset / 60 % 60);
    if (offset % 60) pl_buf_printf(out, ":%02d", offset % 60);
}

static void part_text(int64_t value, char unit, pl_buf *out)
{
    if (value) pl_buf_printf(out, "%" PRId64 "%c", value, unit);
}

void pl_time_text_interval(int32_t months, int32_t days, int64_t micros, pl_buf *out)
{
    if (months == 0 && days == 0 && micros == 0) {
        pl_buf_text(out, "PT0S");
        return;
    }
    pl_buf_char(out, 'P');
    part_text(months / 12, 'Y', out);
    part_text(months % 12, 'M', out);
    part_text(days, 'D', out);
    if (micros == 0) return;
    pl_buf_char(out, 'T');
    part_text(micros / PL_MICROS_PER_HOUR, 'H', out);
    int64_t rest = micros % PL_MICROS_PER_HOUR;
    part_text(rest / (60 * PL_MICROS_PER_SECOND), 'M', out);
    rest %= 60 * PL_MICROS_PER_SECOND;
    if (rest == 0) return;
    if (rest < 0) pl_buf_char(out, '-');
    if (rest < 0) rest = -rest;
    pl_buf_printf(out, "%" PRId64, rest / PL_MICROS_PER_SECOND);
    fraction_text(rest % PL_MICROS_PER_SECOND, 6, out);
    pl_buf_char(out, 'S');
}
