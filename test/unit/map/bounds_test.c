// Values outside of their columns' bounds: counted in rows that are kept, or not taken.
//
// SPDX-License-Identifier: Apache-2.0
#include "mapping.h"

#define CONTRACT                                                                                   \
    "table: posts\ncolumns:\n  id: string!\n  i: int range(-1, 2.5)\n  l: long "                   \
    "min(9007199254740993)\n  d: decimal(5, 2) range(0.005, 1.10)\n  f: float max(0.1)\n"          \
    "  r: double range(0, 1)\n"
#define MAPPING "source: s\ninto: posts\nmap:\n  id: id\n"

// How many values of a column are outside; the content has only that beside the id.
static void check_outside(const char *column, const char *values, uint64_t outside, uint64_t flawed)
{
    mapped self;
    pl_buf mapping = {0}, content = {0};
    uint64_t counts[3][6] = {{0}};
    pl_map_tally tally = {.filled = counts[0], .lost = counts[1], .outside = counts[2]};
    pl_buf_printf(&mapping, MAPPING "  %s: v\n", column);
    for (const char *from = values, *end; *from; from = *end ? end + 1 : end) {
        end = from + strcspn(from, " ");
        pl_buf_printf(&content, "{\"id\":\"x\",\"v\":%.*s}\n", (int)(end - from), from);
    }
    mapped_open(&self, CONTRACT, pl_buf_cstr(&mapping), false);
    mapped_run(&self, PL_FORMAT_NDJSON, pl_buf_view(&content), SIZE_MAX);
    pl_mapper_tally(self.mapper, &tally);
    int at = pl_contract_find(self.contract, pl_span_of(column));
    CHECK_INT(outside, counts[2][at]);
    CHECK_INT(flawed, tally.flawed);
    pl_mapper_tally(self.mapper, &tally); // nothing new
    CHECK_INT(outside, counts[2][at]);
    mapped_close(&self);
    pl_buf_done(&mapping);
    pl_buf_done(&content);
}

TEST(values_at_a_bound_are_inside)
{
    check_outside("i", "-1 2 0 null", 0, 0);
    check_outside("l", "9007199254740993 9223372036854775807", 0, 0);
    check_outside("d", "0.01 1.1 1.10", 0, 0);
    check_outside("f", "0.1 -3e38 0", 0, 0);
    check_outside("r", "0 1 0.5 -0.0 null", 0, 0);
}

TEST(values_beyond_a_bound_are_outside)
{
    check_outside("i", "-2 3 2147483647 0", 3, 3);
    check_outside("l", "9007199254740992 -9223372036854775808 9007199254740993", 2, 2);
    check_outside("d", "0.00 1.11 -0.01 1", 3, 3);
    check_outside("f", "0.11 3e38", 2, 2);
    check_outside("r", "-0.001 1.001 \"NaN\" \"Infinity\" 1", 4, 4);
}

TEST(lost_values_are_flaws_of_their_rows_too)
{
    check_outside("r", "\"much\" 2 0.5", 1, 2);
}

#define REJECTING                                                                                  \
    "table: posts\ncolumns:\n  id: string!\n  likes: long min(0)\n  rate: double range(0, 1)\n"    \
    "critical: [likes]\nchecks: {ranges: {likes: reject, rate: reject}}\n"

TEST(rejected_values_do_not_fit)
{
    CHECK_MAPPED(
        REJECTING, MAPPING "  rate: a | b\n",
        "{\"id\":\"i\",\"a\":2}\n{\"id\":\"i\",\"a\":2,\"b\":0.5}\n{\"id\":\"i\",\"a\":1}\n",
        "id=i _flags=[rate:lost] _rest={\"a\":2}\n"
        "id=i rate=0.5 _flags=[rate:lost] _rest={\"a\":2}\n"
        "id=i rate=1.0\n");
    CHECK_MAPPED(REJECTING, MAPPING "  likes: n\n", "{\"id\":\"i\",\"n\":-1}\n{\"id\":\"i\"}\n",
                 "! likes@14: n is not 0 or more <-1>\nid=i\n");
}

int main(void)
{
    return RUN_TESTS("map/bounds", T(values_at_a_bound_are_inside),
                     T(values_beyond_a_bound_are_outside),
                     T(lost_values_are_flaws_of_their_rows_too), T(rejected_values_do_not_fit));
}
