// SPDX-License-Identifier: Apache-2.0
#include "converted.h"

TEST(parser_epoch_tells_the_unit_by_magnitude)
{
    CHECK_CONVERT("timestamp", "epoch", "0", "1970-01-01T00:00:00Z");
    CHECK_CONVERT("timestamp", "epoch", "1700000000", "2023-11-14T22:13:20Z");
    CHECK_CONVERT("timestamp", "epoch", "1700000000123", "2023-11-14T22:13:20.123Z");
    CHECK_CONVERT("timestamp", "epoch", "1700000000123456", "2023-11-14T22:13:20.123456Z");
    CHECK_CONVERT("timestamp", "epoch", "1700000000123456000", "2023-11-14T22:13:20.123456Z");
    CHECK_CONVERT("timestamp", "epoch", "1700000000123456789", "! is finer than a microsecond");
    CHECK_CONVERT("timestamp", "epoch", "1700000000.123456", "2023-11-14T22:13:20.123456Z");
    CHECK_CONVERT("timestamp", "epoch", "1700000000.1234567", "! is finer than a microsecond");
    CHECK_CONVERT("timestamp", "epoch", "1.7e9", "2023-11-14T22:13:20Z");
    CHECK_CONVERT("timestamp", "epoch", "-1", "1969-12-31T23:59:59Z");
    CHECK_CONVERT("timestamp", "epoch", "-0.5", "1969-12-31T23:59:59.5Z");
    CHECK_CONVERT("timestamp", "epoch", "99999999999", "5138-11-16T09:46:39Z");
    CHECK_CONVERT("timestamp", "epoch", "100000000000", "1973-03-03T09:46:40Z");
    CHECK_CONVERT("timestamp", "epoch", "\" 1700000000 \"", "2023-11-14T22:13:20Z");
    CHECK_CONVERT("timestamp", "epoch", "1e30", "! is outside the years 1 to 9999");
    CHECK_CONVERT("timestamp", "epoch", "\"\"", "! is not an epoch time");
    CHECK_CONVERT("timestamp", "epoch", "[]", "! is an array, not text");
    CHECK_CONVERT("timestamp", "epoch", "{}", "! is an object, not text");
    CHECK_CONVERT("date", "epoch", "1699920000", "2023-11-14");
    CHECK_CONVERT("date", "epoch", "-86400", "1969-12-31");
    CHECK_CONVERT("date", "epoch", "1700000000", "! has a time of day, which a date cannot hold");
}

TEST(parser_epoch_with_a_unit_never_guesses)
{
    CHECK_CONVERT("timestamp", "epoch(s)", "1700000000", "2023-11-14T22:13:20Z");
    CHECK_CONVERT("timestamp", "epoch(ms)", "1700000000", "1970-01-20T16:13:20Z");
    CHECK_CONVERT("timestamp", "epoch(us)", "1700000000", "1970-01-01T00:28:20Z");
    CHECK_CONVERT("timestamp", "epoch(ns)", "1700000000", "1970-01-01T00:00:01.7Z");
    CHECK_CONVERT("timestamp", "epoch(us)", "0.5", "! is finer than a microsecond");
    CHECK_CONVERT("timestamp", "epoch(s)", "1700000000000", "! is outside the years 1 to 9999");
    CHECK_CONVERT("timestamp", "epoch(s)", "-62135596800", "0001-01-01T00:00:00Z");
    CHECK_CONVERT("timestamp", "epoch(s)", "-62135596801", "! is outside the years 1 to 9999");
    CHECK_CONVERT("timestamp", "epoch(s)", "253402300799.999999", "9999-12-31T23:59:59.999999Z");
    CHECK_CONVERT("timestamp", "epoch(s)", "253402300800", "! is outside the years 1 to 9999");
}

TEST(parser_iso_and_date_and_time_read_text)
{
    CHECK_CONVERT("timestamp", "iso", "\"2026-11-22T03:04:05Z\"", "2026-11-22T03:04:05Z");
    CHECK_CONVERT("date", "iso", "\"2026-11-22\"", "2026-11-22");
    CHECK_CONVERT("date", "iso", "\"2026-11-22T00:00:00Z\"", "2026-11-22");
    CHECK_CONVERT("date", "iso", "\"2026-11-22T03:04:05Z\"",
                  "! has a time of day, which a date cannot hold");
    CHECK_CONVERT("date", "date", "\"1969-12-31\"", "1969-12-31");
    CHECK_CONVERT("date", "date", "\"22.11.2026\"", "! is not a date (YYYY-MM-DD)");
    CHECK_CONVERT("date", "time(\"%d.%m.%Y\", UTC)", "\"22.11.2026\"", "2026-11-22");
    CHECK_CONVERT("timestamp", "time(\"%d.%m.%Y %H:%M\", +01:00)", "\"22.11.2026 03:04\"",
                  "2026-11-22T02:04:00Z");
    CHECK_CONVERT("timestamp", "time(\"%d.%m.%Y\", UTC)", "\"22/11/2026\"",
                  "! does not fit the format");
    CHECK_CONVERT("timestamp", "time(\"%Y%m%d\", UTC)", "20261122", "2026-11-22T00:00:00Z");
    CHECK_CONVERT("timestamp", "time(\"%d.%m.%Y\", UTC)", "\"2026-11-22T03:04:05Z\"",
                  "2026-11-22T03:04:05Z (coerced)");
}

TEST(parser_percent_divides_where_a_sign_says_so)
{
    CHECK_CONVERT("double", "percent", "\"4.7%\"", "0.047");
    CHECK_CONVERT("double", "percent", "\" 4.7 % \"", "0.047");
    CHECK_CONVERT("double", "percent", "\"0.047\"", "0.047");
    CHECK_CONVERT("double", "percent", "0.047", "0.047");
    CHECK_CONVERT("double", "percent", "\"-100%\"", "-1.0");
    CHECK_CONVERT("double", "percent", "\"29%\"", "0.29");
    CHECK_CONVERT("decimal(5,4)", "percent", "\"4.75%\"", "0.0475");
    CHECK_CONVERT("decimal(5,3)", "percent", "\"4.75%\"", "! has digits the type cannot hold");
    CHECK_CONVERT("double", "percent", "\"%\"", "! is not a percentage");
    CHECK_CONVERT("double", "percent", "\"4,7%\"", "! is not a percentage");
    CHECK_CONVERT("double", "percent", "\"4%%\"", "! is not a percentage");
    CHECK_CONVERT("double", "percent", "\"\"", "! is not a percentage");
    CHECK_CONVERT("double", "percent", "true", "! is not a percentage");
}

TEST(parser_number_reads_separators_where_they_belong)
{
    CHECK_CONVERT("long", "number", "\"1,234,567\"", "1234567");
    CHECK_CONVERT("double", "number", "\"1,234.5\"", "1234.5");
    CHECK_CONVERT("long", "number", "\"-1,234\"", "-1234");
    CHECK_CONVERT("long", "number", "\"1234\"", "1234");
    CHECK_CONVERT("long", "number", "\" 12 \"", "12");
    CHECK_CONVERT("double", "number(\"1.234,5\")", "\"1.234.567,89\"", "1234567.89");
    CHECK_CONVERT("double", "number(\"1234,5\")", "\"12,5\"", "12.5");
    CHECK_CONVERT("double", "number(\"1234,5\")", "\"1.5\"", "! is not a number");
    CHECK_CONVERT("double", "number(\"1 234,5\")", "\"1 234,5\"", "1234.5");
    CHECK_CONVERT("double", "number(\"1 234,5\")",
                  "\"1\xC2\xA0"
                  "234,5\"",
                  "1234.5");
    CHECK_CONVERT("double", "number(\"1 234,5\")",
                  "\"1\xE2\x80\xAF"
                  "234,5\"",
                  "1234.5");
    CHECK_CONVERT("double", "number(\"1'234.5\")", "\"1'234.5\"", "1234.5");
    static const char *const odd_groups[] = {"\"1,23\"",      "\"1,2345\"",   "\"1,234,56\"",
                                             "\"12,34.5\"",   "\"1,,234\"",   "\"1234,567\"",
                                             "\"12345,678\"", "\"1,23e5\"",   "\"1,234,\"",
                                             "\"1,\"",        "\"1,23a,456\""};
    for (size_t i = 0; i < PL_COUNT(odd_groups); i++)
        CHECK_CONVERT("double", "number", odd_groups[i], "! has a group that is not three digits");
    static const char *const no_numbers[] = {
        "\"\"",    "\",123\"", "\"-,123\"", "\"1.2.3\"", "\"0,123\"", "\"1,234.5,678\"",
        "\"abc\"", "\"1.\"",   "\".5\"",    "\"--1\"",   "\"1 234\"", "\"$5\""};
    for (size_t i = 0; i < PL_COUNT(no_numbers); i++)
        CHECK_CONVERT("double", "number", no_numbers[i], "! is not a number");
}

TEST(parser_compact_reads_the_letter_and_the_separators)
{
    CHECK_CONVERT("long", "compact", "\"1.2K\"", "1200");
    CHECK_CONVERT("long", "compact", "\"1.2k\"", "1200");
    CHECK_CONVERT("long", "compact", "\"3M\"", "3000000");
    CHECK_CONVERT("long", "compact", "\"2.5B\"", "2500000000");
    CHECK_CONVERT("long", "compact", "\"2G\"", "2000000000");
    CHECK_CONVERT("long", "compact", "\"1T\"", "1000000000000");
    CHECK_CONVERT("long", "compact", "\"12 K\"", "12000");
    CHECK_CONVERT("long", "compact", "\"-1.5K\"", "-1500");
    CHECK_CONVERT("long", "compact", "\"999\"", "999");
    CHECK_CONVERT("long", "compact", "\"1,234\"", "1234");
    CHECK_CONVERT("long", "compact", "\"1,234.5K\"", "1234500");
    CHECK_CONVERT("long", "compact(\"1,2K\")", "\"1,2K\"", "1200");
    CHECK_CONVERT("long", "compact(\"1,2K\")", "\"1.2K\"", "! is not a number with K, M, B or T");
    CHECK_CONVERT("long", "compact", "1200", "1200");
    CHECK_CONVERT("double", "compact", "1.5", "1.5");
    CHECK_CONVERT("long", "compact", "\"1.2345K\"", "! has digits the type cannot hold");
    CHECK_CONVERT("int", "compact", "\"3B\"", "! is out of range");
    CHECK_CONVERT("long", "compact", "\"99999999T\"", "! is out of range");
    CHECK_CONVERT("long", "compact", "\"1,23K\"", "! has a group that is not three digits");
    static const char *const bad[] = {"\"K\"",    "\"\"",   "\"1.2KK\"",
                                      "\"1.2X\"", "\"K1\"", "\"1e3K5\""};
    for (size_t i = 0; i < PL_COUNT(bad); i++)
        CHECK_CONVERT("long", "compact", bad[i], "! is not a number with K, M, B or T");
}

TEST(parser_bool_reads_the_usual_words)
{
    static const char *const yes[] = {"\"true\"", "\"YES\"", "\"y\"", "\"T\"",
                                      "\"1\"",    "\"On\"",  "1",     "true"};
    static const char *const no[] = {"\"false\"", "\"no\"",  "\"N\"", "\"f\"",
                                     "\"0\"",     "\"OFF\"", "0",     "false"};
    static const char *const neither[] = {"\"\"", "\"ye\"", "\"yess\"", "\" yes\"",
                                          "2",    "\"2\"",  "1.0",      "-1"};
    for (size_t i = 0; i < PL_COUNT(yes); i++) CHECK_CONVERT("boolean", "bool", yes[i], "true");
    for (size_t i = 0; i < PL_COUNT(no); i++) CHECK_CONVERT("boolean", "bool", no[i], "false");
    for (size_t i = 0; i < PL_COUNT(neither); i++)
        CHECK_CONVERT("boolean", "bool", neither[i], "! is not a yes or no");
    CHECK_CONVERT("boolean", "bool", "[]", "! is not a yes or no");
}

TEST(parser_duration_is_seconds)
{
    CHECK_CONVERT("double", "duration", "\"PT1M30.5S\"", "90.5");
    CHECK_CONVERT("long", "duration", "\"PT1H\"", "3600");
    CHECK_CONVERT("long", "duration", "\"P1DT2H3M4S\"", "93784");
    CHECK_CONVERT("long", "duration", "\"P2W\"", "1209600");
    CHECK_CONVERT("long", "duration", "\"PT0.5H\"", "1800");
    CHECK_CONVERT("long", "duration", "\"-PT90S\"", "-90");
    CHECK_CONVERT("long", "duration", "\"1:30\"", "90");
    CHECK_CONVERT("long", "duration", "\"01:02:03\"", "3723");
    CHECK_CONVERT("double", "duration", "\"02:03.5\"", "123.5");
    CHECK_CONVERT("long", "duration", "\"-1:30\"", "-90");
    CHECK_CONVERT("long", "duration", "\"90\"", "90");
    CHECK_CONVERT("double", "duration", "\"90.25\"", "90.25");
    CHECK_CONVERT("long", "duration", "90", "90");
    CHECK_CONVERT("double", "duration", "0.1", "0.1");
    CHECK_CONVERT("decimal(9,3)", "duration", "\"PT1.001S\"", "1.001");
    CHECK_CONVERT("long", "duration", "\"PT1.5S\"", "! has digits the type cannot hold");
    CHECK_CONVERT("int", "duration", "\"P99999W\"", "! is out of range");
    static const char *const iso[] = {
        "\"P\"",    "\"PT\"",     "\"P1Y\"",   "\"P1M\"",   "\"PT1\"",    "\"P1S\"",  "\"PTS\"",
        "\"PT1D\"", "\"PT1M30\"", "\"PTT1S\"", "\"PT.5S\"", "\"PT1,5S\"", "\"P1DT\"", "\"PT-5S\""};
    for (size_t i = 0; i < PL_COUNT(iso); i++)
        CHECK_CONVERT("double", "duration", iso[i], "! is not a duration such as PT1M30S");
    static const char *const others[] = {"\"\"",       "\"1:2:3:4\"", "\":30\"",     "\"1:\"",
                                         "\"1:-3\"",   "\"--1\"",     "\"1h\"",      "\"pt1s\"",
                                         "\"1.5:30\"", "\"1:75\"",    "\"1:60:00\"", "\"+5\""};
    for (size_t i = 0; i < PL_COUNT(others); i++)
        CHECK_CONVERT("double", "duration", others[i],
                      "! is not a duration such as PT1M30S or 1:30");
}

TEST(parser_json_reads_json_inside_text)
{
    CHECK_CONVERT("json", "json", "\"{\\\"a\\\": [1, 2]}\"", "{\"a\":[1,2]}");
    CHECK_CONVERT("json", "json", "\" \\\"x\\\" \"", "\"x\"");
    CHECK_CONVERT("json", "json", "{\"a\": 1}", "{\"a\":1}");
    CHECK_CONVERT("json", "json", "\"{\"", "! is not JSON text");
    CHECK_CONVERT("json", "json", "\"\"", "! is not JSON text");
    CHECK_CONVERT("json", "json", "\"\\u0000\"", "! is not JSON text");
}

TEST(parser_text_takes_scalars_as_they_stand_without_a_flag)
{
    CHECK_CONVERT("string", "text", "5.00", "5.00");
    CHECK_CONVERT("string", "text", "true", "true");
    CHECK_CONVERT("string", "text", "\"\\u0061\"", "a");
    CHECK_CONVERT("string", "text", "[]", "! is an array, not text");
}

int main(void)
{
    return RUN_TESTS(
        "map/parsers", T(parser_epoch_tells_the_unit_by_magnitude),
        T(parser_epoch_with_a_unit_never_guesses), T(parser_iso_and_date_and_time_read_text),
        T(parser_percent_divides_where_a_sign_says_so),
        T(parser_number_reads_separators_where_they_belong),
        T(parser_compact_reads_the_letter_and_the_separators), T(parser_bool_reads_the_usual_words),
        T(parser_duration_is_seconds), T(parser_json_reads_json_inside_text),
        T(parser_text_takes_scalars_as_they_stand_without_a_flag));
}
