// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"
#include "unit.h"

#define SECOND INT64_C(1000000)

TEST(bytes_have_a_binary_unit)
{
    pl_human out;
    CHECK_STR("0 B", pl_human_bytes(out, 0));
    CHECK_STR("1023 B", pl_human_bytes(out, 1023));
    CHECK_STR("1.0 KiB", pl_human_bytes(out, 1024));
    CHECK_STR("1.4 MiB", pl_human_bytes(out, 1468006));
    CHECK_STR("512 MiB", pl_human_bytes(out, 512 << 20));
    CHECK_STR("8.0 EiB", pl_human_bytes(out, INT64_MAX));
}

TEST(counts_have_commas)
{
    pl_human out;
    CHECK_STR("0", pl_human_count(out, 0));
    CHECK_STR("999", pl_human_count(out, 999));
    CHECK_STR("1,000", pl_human_count(out, 1000));
    CHECK_STR("-123", pl_human_count(out, -123));
    CHECK_STR("-1,234,567", pl_human_count(out, -1234567));
    CHECK_STR("9,223,372,036,854,775,807", pl_human_count(out, INT64_MAX));
}

TEST(durations_are_short)
{
    pl_human out;
    CHECK_STR("850 ms", pl_human_duration(out, 850000));
    CHECK_STR("12.4 s", pl_human_duration(out, 12 * SECOND + 400000));
    CHECK_STR("3 min 20 s", pl_human_duration(out, 200 * SECOND));
    CHECK_STR("2 h 5 min", pl_human_duration(out, 7500 * SECOND));
}

TEST(ages_name_their_largest_unit)
{
    pl_human out;
    CHECK_STR("never", pl_human_ago(out, 100 * SECOND, 0));
    CHECK_STR("just now", pl_human_ago(out, 100 * SECOND, 100 * SECOND));
    CHECK_STR("1 second ago", pl_human_ago(out, 100 * SECOND, 99 * SECOND));
    CHECK_STR("2 minutes ago", pl_human_ago(out, 200 * SECOND, 50 * SECOND));
    CHECK_STR("3 days ago", pl_human_ago(out, 4 * 86400 * SECOND, 86400 * SECOND));
    CHECK_STR("1970-01-01 00:00:09Z", pl_human_ago(out, SECOND, 9 * SECOND)); // not yet
}

TEST(times_are_utc)
{
    pl_human out;
    CHECK_STR("-", pl_human_time(out, 0));
    CHECK_STR("2026-11-22 03:04:05Z", pl_human_time(out, INT64_C(1795316645999999)));
}

TEST(data_cannot_drive_the_terminal)
{
    pl_buf out = {0};
    const char bytes[] = "a\tb\n\x1b[31m\x7f \xc3\xa9 \xff \xc2\x9b"
                         "2J \xe2\x82";
    pl_cli_escape(&out, pl_span_make(bytes, sizeof bytes - 1));
    CHECK_STR("a\\tb\\n\\x1b[31m\\x7f \xc3\xa9 \\xff \\xc2\\x9b2J \\xe2\\x82", pl_buf_cstr(&out));
    pl_buf_done(&out);
}

int main(void)
{
    return RUN_TESTS("cli/human", T(bytes_have_a_binary_unit), T(counts_have_commas),
                     T(durations_are_short), T(ages_name_their_largest_unit), T(times_are_utc),
                     T(data_cannot_drive_the_terminal));
}
