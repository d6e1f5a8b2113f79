// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <stdio.h>

#include "unit.h"

TEST(civil_days_agree_both_ways_over_every_day_of_ten_thousand_years)
{
    int32_t year = 0, month = 1, day = 1;
    int64_t first = pl_days_from_civil(0, 1, 1);
    CHECK_INT(-719528, first);
    for (int64_t days = first; year < 10001; days++) {
        pl_civil civil = pl_civil_from_days(days);
        if (civil.year != year || civil.month != month || civil.day != day ||
            pl_days_from_civil(year, month, day) != days)
            fail_msg("day %lld is not %d-%d-%d", (long long)days, year, month, day);
        if (pl_civil_valid(year, month, day + 1)) {
            day++;
        } else {
            day = 1;
            month = month == 12 ? 1 : month + 1;
            year += month == 1;
        }
    }
}

TEST(civil_validity_knows_leap_years_and_month_ends)
{
    CHECK(pl_civil_valid(2024, 2, 29) && !pl_civil_valid(2023, 2, 29));
    CHECK(pl_civil_valid(2000, 2, 29) && !pl_civil_valid(1900, 2, 29));
    CHECK(!pl_civil_valid(2024, 2, 30) && !pl_civil_valid(2024, 4, 31));
    CHECK(!pl_civil_valid(2024, 0, 1) && !pl_civil_valid(2024, 13, 1) &&
          !pl_civil_valid(2024, 1, 0) && !pl_civil_valid(2024, 1, 32));
}

// `want` is the instant written back, or the reason why there is none.
static void check_iso(const char *text, const char *want)
{
    int64_t micros = 0;
    char back[40];
    const char *why = pl_time_parse_iso(pl_span_of(text), &micros);
    if (!why) pl_time_text(micros, back);
    const char *got = why ? why : back;
    if (strcmp(want, got) != 0) fail_msg("%s\nwant: %s\n got: %s", text, want, got);
}

TEST(iso_time_reads_every_accepted_form)
{
    check_iso("2026-11-22T03:04:05Z", "2026-11-22T03:04:05Z");
    check_iso("2026-11-22t03:04:05z", "2026-11-22T03:04:05Z");
    check_iso("2026-11-22 03:04:05Z", "2026-11-22T03:04:05Z");
    check_iso("2026-11-22 03:04:05 +0100", "2026-11-22T02:04:05Z");
    check_iso("2026-11-22T03:04Z", "2026-11-22T03:04:00Z");
    check_iso("2026-11-22T03:04:05.1Z", "2026-11-22T03:04:05.1Z");
    check_iso("2026-11-22T03:04:05,123456Z", "2026-11-22T03:04:05.123456Z");
    check_iso("2026-11-22T03:04:05.1234560000Z", "2026-11-22T03:04:05.123456Z");
    check_iso("2026-11-22T03:04:05.000000Z", "2026-11-22T03:04:05Z");
    check_iso("2026-11-22T03:04:05+01:00", "2026-11-22T02:04:05Z");
    check_iso("2026-11-22T03:04:05-0530", "2026-11-22T08:34:05Z");
    check_iso("2026-11-22T03:04:05+14", "2026-11-21T13:04:05Z");
    check_iso("2026-11-22T03:04:05-00:00", "2026-11-22T03:04:05Z");
    check_iso("2024-02-29T23:59:59.999999-23:59", "2024-03-01T23:58:59.999999Z");
    check_iso("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z");
    check_iso("1600-02-29T00:00:00Z", "1600-02-29T00:00:00Z");
}

TEST(iso_time_covers_the_years_1_to_9999_to_the_microsecond)
{
    int64_t micros;
    CHECK(!pl_time_parse_iso(PL_SPAN("0001-01-01T00:00:00Z"), &micros));
    CHECK_INT(PL_TIME_MICROS_MIN, micros);
    CHECK(!pl_time_parse_iso(PL_SPAN("9999-12-31T23:59:59.999999Z"), &micros));
    CHECK_INT(PL_TIME_MICROS_MAX, micros);
    CHECK(!pl_time_parse_iso(PL_SPAN("1970-01-01T00:00:00Z"), &micros));
    CHECK_INT(0, micros);
    CHECK(!pl_time_parse_iso(PL_SPAN("1969-12-31T23:59:59.999999Z"), &micros));
    CHECK_INT(-1, micros);
    check_iso("0000-12-31T23:59:59Z", "is outside the years 1 to 9999");
    check_iso("0001-01-01T00:00:00+00:01", "is outside the years 1 to 9999");
    check_iso("0000-12-31T23:59:59-00:01", "0001-01-01T00:00:59Z");
    check_iso("9999-12-31T23:59:59-00:01", "is outside the years 1 to 9999");
    check_iso("10000-01-01T00:00:00Z", "is not an ISO 8601 time");
}

TEST(iso_time_says_why_not)
{
    check_iso("", "is not an ISO 8601 time");
    check_iso("yesterday", "is not an ISO 8601 time");
    check_iso("1700000000", "is not an ISO 8601 time");
    check_iso("2026-11-22", "is a date without a time");
    check_iso("2026-11-22T", "is not an ISO 8601 time");
    check_iso("2026-11-22T3:04:05Z", "is not an ISO 8601 time");
    check_iso("2026-1-22T03:04:05Z", "is not an ISO 8601 time");
    check_iso("+2026-11-22T03:04:05Z", "is not an ISO 8601 time");
    check_iso(" 2026-11-22T03:04:05Z", "is not an ISO 8601 time");
    check_iso("2026-11-22X03:04:05Z", "is not an ISO 8601 time");
    check_iso("2026-11-22T03:04:Z", "is not an ISO 8601 time");
    check_iso("2026-11-22T03:04:05", "has no UTC offset");
    check_iso("2026-11-22T03:04:05 Europe/Berlin", "has no UTC offset");
    check_iso("2026-11-22T03:04:05+1", "has a malformed UTC offset");
    check_iso("2026-11-22T03:04:05+01:0", "has a malformed UTC offset");
    check_iso("2026-11-22T03:04:05+24:00", "has a malformed UTC offset");
    check_iso("2026-11-22T03:04:05+01:60", "has a malformed UTC offset");
    check_iso("2026-11-22T03:04:05.Z", "has a point without a fraction");
    check_iso("2026-11-22T03:04:05.1234567Z", "is finer than a microsecond");
    check_iso("2026-11-22T03:04:05.0000000000001Z", "is finer than a microsecond");
    check_iso("2026-11-22T03:04:05Z ", "has text after the time");
    check_iso("2026-11-22T03:04:05+01:00x", "has text after the time");
    check_iso("2026-02-29T03:04:05Z", "names a day that does not exist");
    check_iso("2026-13-01T03:04:05Z", "names a day that does not exist");
    check_iso("2026-00-10T03:04:05Z", "names a day that does not exist");
    check_iso("2026-11-22T24:00:00Z", "names a time that does not exist");
    check_iso("2026-11-22T23:60:00Z", "names a time that does not exist");
    check_iso("2026-11-22T23:59:61Z", "names a time that does not exist");
    check_iso("2016-12-31T23:59:60Z", "has a leap second, which UTC microseconds cannot hold");
}

TEST(iso_time_refuses_every_prefix_of_a_good_text_without_reading_on)
{
    static const char text[] = "2026-11-22T03:04:05.123456+01:00";
    for (size_t bytes = 0; bytes < sizeof text - 1; bytes++) {
        int64_t micros = 77;
        char copy[sizeof text]; // so that a read behind the end meets garbage
        memset(copy, '7', sizeof copy);
        memcpy(copy, text, bytes);
        const char *why = pl_time_parse_iso(pl_span_make(copy, bytes), &micros);
        bool complete = bytes == sizeof text - 4; // "+01"
        CHECK((why == NULL) == complete);
        CHECK(complete || micros == 77);
    }
}

// The usual forms are read another way than the same with an offset in digits.
TEST(iso_time_reads_the_usual_forms_as_all_others)
{
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        int part[7];
        static const int below[] = {10000, 14, 33, 25, 61, 62, 1000};
        for (int i = 0; i < 7; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            part[i] = (int)((seed >> 33) % (uint64_t)below[i]);
        }
        char usual[64], other[64], millis[8] = "";
        if (round % 2) snprintf(millis, sizeof millis, ".%03d", part[6]);
        int bytes = snprintf(usual, sizeof usual, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", part[0],
                             part[1], part[2], part[3], part[4], part[5], millis);
        if (round % 3 == 0) usual[round / 3 % bytes] = "/:;0 x9\xB0"[round % 8]; // mostly damaged
        snprintf(other, sizeof other, "%.*s+00:00", bytes - 1, usual);
        if (usual[bytes - 1] != 'Z') continue;
        int64_t a = 77, b = 77;
        const char *why = pl_time_parse_iso(pl_span_of(usual), &a);
        const char *other_why = pl_time_parse_iso(pl_span_of(other), &b);
        CHECK_STR(other_why ? other_why : "", why ? why : "");
        CHECK_INT(b, a);
    }
}

TEST(date_reads_one_form_only)
{
    static const struct {
        const char *text, *why;
        int32_t days;
    } cases[] = {{"1970-01-01", NULL, 0},
                 {"1969-12-31", NULL, -1},
                 {"2024-02-29", NULL, 19782},
                 {"0001-01-01", NULL, -719162},
                 {"9999-12-31", NULL, 2932896},
                 {"0000-01-01", "is outside the years 1 to 9999", 0},
                 {"2023-02-29", "names a day that does not exist", 0},
                 {"2023-00-01", "names a day that does not exist", 0},
                 {"2023-1-01", "is not a date (YYYY-MM-DD)", 0},
                 {"20230101", "is not a date (YYYY-MM-DD)", 0},
                 {"2023-01-01T00:00:00Z", "is not a date (YYYY-MM-DD)", 0},
                 {"", "is not a date (YYYY-MM-DD)", 0}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        int32_t days = 0;
        const char *why = pl_date_parse(pl_span_of(cases[i].text), &days);
        CHECK_STR(cases[i].why ? cases[i].why : "fine", why ? why : "fine");
        CHECK_INT(cases[i].days, days);
        char back[40];
        if (why) continue;
        CHECK_INT(10, pl_date_text(days, back));
        CHECK_STR(cases[i].text, back);
    }
}

static void check_format(const char *format, const char *text, const char *want)
{
    int64_t micros = 0;
    char back[40];
    CHECK(!pl_time_check_format(pl_span_of(format)));
    static const pl_zone east = {.seconds = 3600};
    const char *why = pl_time_parse_format(pl_span_of(text), pl_span_of(format), &east, &micros);
    if (!why) pl_time_text(micros, back);
    const char *got = why ? why : back;
    if (strcmp(want, got) != 0) fail_msg("%s by %s\nwant: %s\n got: %s", text, format, want, got);
}

TEST(time_format_reads_every_directive_local_to_the_given_offset)
{
    check_format("%Y-%m-%d %H:%M:%S", "2026-11-22 03:04:05", "2026-11-22T02:04:05Z");
    check_format("%Y-%m-%d", "2026-11-22", "2026-11-21T23:00:00Z");
    check_format("%F %T", "2026-11-22 03:04:05", "2026-11-22T02:04:05Z");
    check_format("%F   %T", "2026-11-22 03:04:05", "does not fit the format");
    check_format("%F %T", "2026-11-22    03:04:05", "2026-11-22T02:04:05Z");
    check_format("%F %T", "2026-11-2203:04:05", "does not fit the format");
    check_format("%FT%T%z", "2026-11-22T03:04:05-02:00", "2026-11-22T05:04:05Z");
    check_format("%FT%T%Z", "2026-11-22T03:04:05gmt", "2026-11-22T03:04:05Z");
    check_format("%FT%T %Z", "2026-11-22T03:04:05 CET", "names a time zone other than UTC");
    check_format("%D %T", "11/22/26 03:04:05", "2026-11-22T02:04:05Z");
    check_format("%D %T", "11/22/69 03:04:05", "1969-11-22T02:04:05Z");
    check_format("%d %b %y", "5 Mar 68", "2068-03-04T23:00:00Z");
    check_format("%e. %B %Y", " 5. march 2026", "2026-03-04T23:00:00Z");
    check_format("%a %b %d %T %z %Y", "Sun Nov 22 03:04:05 +0000 2026", "2026-11-22T03:04:05Z");
    check_format("%A, %d %B %Y", "Sunday, 22 November 2026", "2026-11-21T23:00:00Z");
    check_format("%Y%m%d%H%M%S%f", "20261122030405123", "2026-11-22T02:04:05.123Z");
    check_format("%F %I:%M %p", "2026-11-22 12:30 am", "2026-11-21T23:30:00Z");
    check_format("%F %I:%M %p", "2026-11-22 12:30 PM", "2026-11-22T11:30:00Z");
    check_format("%F %I:%M%p", "2026-11-22 1:05pm", "2026-11-22T12:05:00Z");
    check_format("%Y-%j", "2024-366", "2024-12-30T23:00:00Z");
    check_format("%s", "1700000000", "2023-11-14T22:13:20Z");
    check_format("%s%s", "777777777777777777777777777777", "is outside the years 1 to 9999");
    check_format("%s %s", "5 7", "1970-01-01T00:00:07Z");
    check_format("%s.%f", "-1.5", "1969-12-31T23:59:59.5Z");
    check_format("%F%%%H", "2026-11-22%03", "2026-11-22T02:00:00Z");
}

TEST(time_format_says_why_not)
{
    check_format("%F", "2026-11-22x", "has text after the time");
    check_format("%F", "", "does not fit the format");
    check_format("%F %T", "2026-11-22", "does not fit the format");
    check_format("%F", "2026-02-30", "names a day that does not exist");
    check_format("%Y-%j", "2023-366", "names a day that does not exist");
    check_format("%Y-%j", "2023-000", "names a day that does not exist");
    check_format("%F %T", "2026-11-22 24:00:00", "names a time that does not exist");
    check_format("%F %T", "2026-11-22 23:59:60",
                 "has a leap second, which UTC microseconds cannot hold");
    check_format("%F %I %p", "2026-11-22 0 am", "names a time that does not exist");
    check_format("%F %I %p", "2026-11-22 13 pm", "names a time that does not exist");
    check_format("%F %I %p", "2026-11-22 1 xm", "does not fit the format");
    check_format("%F %T.%f", "2026-11-22 03:04:05.", "has a point without a fraction");
    check_format("%F %T.%f", "2026-11-22 03:04:05.1234567", "is finer than a microsecond");
    check_format("%b", "Foo", "does not fit the format");
    check_format("%s", "999999999999999", "is outside the years 1 to 9999");
    check_format("%s", "99999999999999999999999", "has text after the time");
    check_format("%s", "-", "does not fit the format");
    check_format("%FT%T%z", "2026-11-22T03:04:05", "has no UTC offset");
    check_format("%Y", "0000", "is outside the years 1 to 9999");
    check_format("%Y", "0001", "is outside the years 1 to 9999"); // an hour east of UTC
    check_format("%Y", "9999", "9998-12-31T23:00:00Z");
}

TEST(time_format_itself_is_checked)
{
    CHECK(!pl_time_check_format(PL_SPAN("%Y %m %d %e %H %I %M %S %f %j %b %B %a %A %p %z %Z %s")));
    CHECK_STR("has no directive", pl_time_check_format(PL_SPAN("")));
    CHECK_STR("has no directive", pl_time_check_format(PL_SPAN("today")));
    CHECK_STR("ends in a single %", pl_time_check_format(PL_SPAN("%Y%")));
    CHECK_STR("has an unknown directive", pl_time_check_format(PL_SPAN("%Q")));
    CHECK_STR("has an unknown directive", pl_time_check_format(pl_span_make("%\0", 2)));
}

TEST(time_text_writes_negative_and_fractional_instants)
{
    static const struct {
        int64_t micros;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00Z"},
                 {-1, "1969-12-31T23:59:59.999999Z"},
                 {1, "1970-01-01T00:00:00.000001Z"},
                 {-1000000, "1969-12-31T23:59:59Z"},
                 {100000, "1970-01-01T00:00:00.1Z"},
                 {PL_TIME_MICROS_MIN, "0001-01-01T00:00:00Z"},
                 {PL_TIME_MICROS_MAX, "9999-12-31T23:59:59.999999Z"}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        char text[40];
        CHECK_INT(strlen(cases[i].text), pl_time_text(cases[i].micros, text));
        CHECK_STR(cases[i].text, text);
    }
}

TEST(floor_division_rounds_down_on_both_sides_of_zero)
{
    CHECK_INT(-1, pl_floor_div(-1, 24));
    CHECK_INT(-1, pl_floor_div(-24, 24));
    CHECK_INT(-2, pl_floor_div(-25, 24));
    CHECK_INT(0, pl_floor_div(23, 24));
    CHECK_INT(1, pl_floor_div(24, 24));
}

TEST(time_guess_knows_the_usual_forms_and_nothing_else)
{
    static const struct {
        const char *text;
        int64_t micros; // INT64_MIN: none
    } cases[] = {{"2025-11-22T10:00:00Z", 1763805600000000},
                 {"2025-11-22 10:00", INT64_MIN},
                 {"2025-11-22 11:00+01", 1763805600000000},
                 {"2025-11-22T10:00:00", 1763805600000000},
                 {"2025-11-22T10:00:00.25", 1763805600250000},
                 {"2025-11-22 10:00:00", 1763805600000000},
                 {"2025-11-22 10:00:00.000001", 1763805600000001},
                 {"2025-11-22 10:00:00 +0000", 1763805600000000},
                 {"2025-11-22 10:00:00 UTC", 1763805600000000},
                 {"Sat Nov 22 11:00:00 +0100 2025", 1763805600000000},
                 {"Sat, 22 Nov 2025 10:00:00 GMT", 1763805600000000},
                 {"Sat, 22 Nov 2025 05:00:00 -0500", 1763805600000000},
                 {"2025-11-22", 1763769600000000},
                 {"1969-12-31", -86400000000},
                 {"2025-02-30", INT64_MIN},
                 {"2025-11-2", INT64_MIN},
                 {"2025-11-22T10:00:00.0000001Z", INT64_MIN},
                 {"12345-67-89", INT64_MIN},
                 {"Sat, not a time at all", INT64_MIN},
                 {"", INT64_MIN}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        int64_t micros = INT64_MIN;
        bool is = pl_time_guess(pl_span_of(cases[i].text), &micros);
        if (is != (cases[i].micros != INT64_MIN) || (is && micros != cases[i].micros))
            fail_msg("%s: %lld", cases[i].text, (long long)micros);
    }
}

int main(void)
{
    return RUN_TESTS(
        "base/time", T(civil_days_agree_both_ways_over_every_day_of_ten_thousand_years),
        T(civil_validity_knows_leap_years_and_month_ends), T(iso_time_reads_every_accepted_form),
        T(iso_time_covers_the_years_1_to_9999_to_the_microsecond), T(iso_time_says_why_not),
        T(iso_time_refuses_every_prefix_of_a_good_text_without_reading_on),
        T(iso_time_reads_the_usual_forms_as_all_others), T(date_reads_one_form_only),
        T(time_format_reads_every_directive_local_to_the_given_offset), T(time_format_says_why_not),
        T(time_format_itself_is_checked), T(time_guess_knows_the_usual_forms_and_nothing_else),
        T(time_text_writes_negative_and_fractional_instants),
        T(floor_division_rounds_down_on_both_sides_of_zero));
}
