// SPDX-License-Identifier: Apache-2.0
#include "base/base.h"

#include "unit.h"

TEST(span_order_is_by_unsigned_bytes_then_by_length)
{
    CHECK(pl_span_compare(PL_SPAN("a"), PL_SPAN("b")) < 0);
    CHECK(pl_span_compare(PL_SPAN("b"), PL_SPAN("a")) > 0);
    CHECK(pl_span_compare(PL_SPAN("a"), PL_SPAN("aa")) < 0);
    CHECK(pl_span_compare(PL_SPAN("aa"), PL_SPAN("a")) > 0);
    CHECK(pl_span_compare(PL_SPAN("\x7F"), PL_SPAN("\x80")) < 0);
    CHECK(pl_span_compare((pl_span){0}, PL_SPAN("")) == 0);
    CHECK(pl_span_compare((pl_span){0}, PL_SPAN("a")) < 0);
    CHECK(pl_span_compare(PL_SPAN("é"), PL_SPAN("é")) == 0);
}

TEST(span_equality_needs_the_same_length)
{
    CHECK(pl_span_equal(PL_SPAN(""), (pl_span){0}));
    CHECK(!pl_span_equal(PL_SPAN("a"), PL_SPAN("ab")));
    CHECK(pl_span_is(PL_SPAN("ab"), "ab"));
    CHECK(!pl_span_is(pl_span_make("a\0", 2), "a"));
    CHECK(pl_span_starts(PL_SPAN("ab"), PL_SPAN("a")));
    CHECK(pl_span_starts(PL_SPAN("ab"), PL_SPAN("")));
    CHECK(!pl_span_starts(PL_SPAN("a"), PL_SPAN("ab")));
    CHECK_INT(0, pl_span_of(NULL).bytes);
}

TEST(span_trim_takes_white_space_and_nothing_else)
{
    CHECK_SPAN("a b", pl_span_trim(PL_SPAN(" \t\r\na b\n ")));
    CHECK_SPAN("", pl_span_trim(PL_SPAN("  ")));
    CHECK_SPAN("", pl_span_trim((pl_span){0}));
    pl_span kept = pl_span_trim(pl_span_make("\0a\0", 3));
    CHECK_INT(3, kept.bytes);
    CHECK_SPAN("\xC2\xA0", pl_span_trim(PL_SPAN("\xC2\xA0")));
}

int main(void)
{
    return RUN_TESTS("base/span", T(span_order_is_by_unsigned_bytes_then_by_length),
                     T(span_equality_needs_the_same_length),
                     T(span_trim_takes_white_space_and_nothing_else));
}
