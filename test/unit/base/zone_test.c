// SPDX-License-Identifier: Apache-2.0
#include "base/zone.h"

#include <stdlib.h>

#include "base/time.h"
#include "base/tzif.h"
#include "unit.h"

static const char *read_tzif(const tzif *file, char version, pl_arena *arena, pl_zone *ret_zone)
{
    pl_buf bytes = {0};
    tzif_write(&bytes, file, version);
    pl_span kept = pl_arena_copy(arena, pl_buf_view(&bytes));
    pl_buf_done(&bytes);
    return pl_zone_read("Here", kept, arena, ret_zone);
}

// `want` is an instant, "skipped" or "twice".
static void check_local(const pl_zone *zone, const char *about, const char *local, const char *want)
{
    int64_t micros = 0;
    char text[40];
    const char *why = pl_time_parse_format(pl_span_of(local), PL_SPAN("%F %T"), zone, &micros);
    if (strcmp(want, "skipped") == 0) want = "is skipped by the clock change in Here";
    if (strcmp(want, "twice") == 0) want = "happens twice in Here";
    if (!why) pl_time_text(micros, text);
    const char *got = why ? why : text;
    if (strcmp(want, got) != 0) fail_msg("%s in %s\nwant: %s\n got: %s", local, about, want, got);
}

// Instants are what Python's zoneinfo says, and glibc where a rule names a day from 0.
TEST(zone_rule_is_followed_in_every_form_it_has)
{
    static const int32_t utc[] = {0};
    static const char *const cases[][3] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-01-01 00:00:00", "2039-12-31T23:00:00Z"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25 01:59:59", "2040-03-25T00:59:59Z"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25 02:00:00", "skipped"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25 02:59:59", "skipped"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25 03:00:00", "2040-03-25T01:00:00Z"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28 01:59:59", "2040-10-27T23:59:59Z"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28 02:00:00", "twice"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28 02:59:59", "twice"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28 03:00:00", "2040-10-28T02:00:00Z"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "9999-12-31 23:59:59", "9999-12-31T22:59:59Z"},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2040-01-01 12:00:00", "2040-01-01T12:00:00Z"},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2040-07-01 12:00:00", "2040-07-01T11:00:00Z"},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2040-03-25 01:30:00", "skipped"},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2040-10-28 01:30:00", "twice"},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2040-01-01 12:00:00", "2040-01-01T01:00:00Z"},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2040-07-01 12:00:00", "2040-07-01T01:30:00Z"},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2040-10-07 02:15:00", "skipped"},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2040-04-01 01:45:00", "twice"},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-24 22:30:00", "2040-03-25T00:30:00Z"},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-24 23:30:00", "skipped"},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-10-27 23:30:00", "twice"},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2040-03-23 01:59:59", "2040-03-22T23:59:59Z"},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2040-03-23 02:30:00", "skipped"},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2040-10-28 01:30:00", "twice"},
        {"EST5EDT4,59,299", "2039-03-01 01:30:00", "2039-03-01T06:30:00Z"},
        {"EST5EDT4,59,299", "2039-03-01 02:30:00", "skipped"},
        {"EST5EDT4,59,299", "2040-02-29 02:30:00", "skipped"},
        {"EST5EDT4,59,299", "2040-10-26 01:30:00", "twice"},
        {"EST5EDT,J60/2:30:15,J300", "2039-03-01 02:30:14", "2039-03-01T07:30:14Z"},
        {"EST5EDT,J60/2:30:15,J300", "2040-03-01 02:30:15", "skipped"},
        {"EST5EDT,J60/2:30:15,J300", "2040-10-27 01:30:00", "twice"},
        {"XXX3EDT4,0/0,J365/23", "2040-01-01 00:00:00", "2040-01-01T04:00:00Z"},
        {"XXX3EDT4,0/0,J365/23", "2040-07-01 12:00:00", "2040-07-01T16:00:00Z"},
        {"XXX3EDT4,0/0,J365/23", "2040-12-31 23:30:00", "2041-01-01T03:30:00Z"},
        {"<+0545>-5:45", "2040-07-01 12:00:00", "2040-07-01T06:15:00Z"},
        {"<-1130>+11:30:30", "2040-07-01 12:00:00", "2040-07-01T23:30:30Z"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_arena arena = {0};
        pl_zone zone;
        tzif file = {.offsets = utc, .types = 1, .rule = cases[i][0]};
        const char *why = read_tzif(&file, '3', &arena, &zone);
        if (why) fail_msg("%s: %s", cases[i][0], why);
        check_local(&zone, cases[i][0], cases[i][1], cases[i][2]);
        pl_arena_done(&arena);
    }
}

TEST(zone_changes_are_followed_in_every_version)
{
    static const char *const cases[][2] = {
        {"1800-01-01 00:00:00", "1799-12-31T23:06:32Z"},
        {"1893-03-31 23:59:59", "1893-03-31T23:06:31Z"},
        {"1893-04-01 00:03:00", "skipped"},
        {"1893-04-01 00:06:32", "1893-03-31T23:06:32Z"},
        {"1910-06-01 12:00:00", "1910-06-01T11:00:00Z"},
        {"1916-04-30 22:59:59", "1916-04-30T21:59:59Z"},
        {"1916-04-30 23:30:00", "skipped"},
        {"1916-06-01 12:00:00", "1916-06-01T10:00:00Z"},
        {"1916-10-01 00:30:00", "twice"},
        {"1916-10-01 01:00:00", "1916-10-01T00:00:00Z"},
    };
    static const char versions[] = {'2', '3', '4'};
    for (size_t v = 0; v < PL_COUNT(versions); v++) {
        pl_arena arena = {0};
        pl_zone zone;
        CHECK(!read_tzif(&tzif_berlin, versions[v], &arena, &zone));
        for (size_t i = 0; i < PL_COUNT(cases); i++)
            check_local(&zone, "Berlin", cases[i][0], cases[i][1]);
        pl_arena_done(&arena);
    }
}

TEST(zone_without_a_rule_keeps_its_last_offset)
{
    static const int64_t changes[] = {-1693706400, -1680483600};
    static const int32_t offsets[] = {3600, 7200};
    for (int version = '2'; version >= 0; version -= '2') {
        pl_arena arena = {0};
        pl_zone zone;
        tzif file = {changes, "\1\0", 2, offsets, 2, 0, ""};
        CHECK(!read_tzif(&file, (char)version, &arena, &zone));
        check_local(&zone, "a zone", "1800-01-01 00:00:00", "1799-12-31T23:00:00Z");
        check_local(&zone, "a zone", "1916-06-01 12:00:00", "1916-06-01T10:00:00Z");
        check_local(&zone, "a zone", "2040-07-01 12:00:00", "2040-07-01T11:00:00Z");
        pl_arena_done(&arena);
    }
}

TEST(zone_counts_for_text_that_names_no_offset_only)
{
    pl_arena arena = {0};
    pl_zone zone;
    int64_t micros;
    tzif file = tzif_berlin;
    file.rule = "CET-1CEST,M3.5.0,M10.5.0/3";
    CHECK(!read_tzif(&file, '2', &arena, &zone));
    CHECK(!pl_time_parse_format(PL_SPAN("2040-03-25 02:30 +0500"), PL_SPAN("%F %H:%M %z"), &zone,
                                &micros));
    CHECK_INT(INT64_C(2216237400000000), micros);
    CHECK(!pl_time_parse_format(PL_SPAN("2040-03-25 02:30 UTC"), PL_SPAN("%F %H:%M %Z"), &zone,
                                &micros));
    CHECK_INT(INT64_C(2216255400000000), micros);
    CHECK(!pl_time_parse_format(PL_SPAN("5"), PL_SPAN("%s"), &zone, &micros));
    CHECK_INT(5000000, micros);
    check_local(&zone, "Berlin", "2040-02-30 00:00:00", "names a day that does not exist");
    check_local(&zone, "Berlin", "0001-01-01 00:00:00", "is outside the years 1 to 9999");
    pl_arena_done(&arena);
}

static void check_refused(const tzif *file, const char *reason)
{
    pl_arena arena = {0};
    pl_zone zone;
    const char *why = read_tzif(file, '2', &arena, &zone);
    CHECK_STR(reason, why ? why : "taken");
    pl_arena_done(&arena);
}

TEST(zone_says_what_is_wrong_with_a_file)
{
    static const char *const rules[] = {
        "C-1",
        "CET",
        "CET-25",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J300",
        "CET-1CEST,366,300",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "<+01-1",
        "CET-1:60",
    };
    static const int64_t backwards[] = {5, 5};
    static const int32_t far[] = {93600};
    tzif file = tzif_berlin;
    for (size_t i = 0; i < PL_COUNT(rules); i++) {
        file.rule = rules[i];
        check_refused(&file, "has a malformed rule for later years");
    }
    file = tzif_berlin, file.which = "\1\2\3";
    check_refused(&file, "names a local time that it does not have");
    file = tzif_berlin, file.changes = backwards, file.count = 2;
    check_refused(&file, "has changes out of order");
    file = tzif_berlin, file.leaps = 1;
    check_refused(&file, "counts leap seconds");
    file = tzif_berlin, file.offsets = far, file.types = 1;
    check_refused(&file, "has an offset of 26 hours or more");
    file = tzif_berlin, file.types = 0;
    check_refused(&file, "has no local time, or too many");
    pl_zone zone;
    CHECK_STR("is no TZif file", pl_zone_read("Here", PL_SPAN("TZi"), NULL, &zone));
    CHECK_STR("is no TZif file", pl_zone_read("Here", PL_SPAN("# a table of zones"), NULL, &zone));
}

TEST(zone_that_breaks_off_anywhere_is_refused)
{
    pl_buf bytes = {0};
    tzif_write(&bytes, &tzif_berlin, '2');
    for (size_t cut = 0; cut < bytes.count; cut++) {
        pl_arena arena = {0};
        pl_zone zone;
        char *exact = pl_alloc(cut + 1); // so that a sanitizer sees a step too far
        memcpy(exact + 1, bytes.data, cut);
        CHECK(pl_zone_read("Here", (pl_span){exact + 1, cut}, &arena, &zone));
        free(exact);
        pl_arena_done(&arena);
    }
    pl_buf_done(&bytes);
}

int main(void)
{
    return RUN_TESTS(
        "base/zone", T(zone_rule_is_followed_in_every_form_it_has),
        T(zone_changes_are_followed_in_every_version), T(zone_without_a_rule_keeps_its_last_offset),
        T(zone_counts_for_text_that_names_no_offset_only), T(zone_says_what_is_wrong_with_a_file),
        T(zone_that_breaks_off_anywhere_is_refused));
}
