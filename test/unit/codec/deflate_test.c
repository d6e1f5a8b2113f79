// SPDX-License-Identifier: Apache-2.0
#include "codec/deflate.h"

#include "unit.h"

static const char sentence[] = "one manifest, two manifests, three manifests, four manifests";

TEST(what_was_deflated_inflates_to_itself)
{
    pl_buf packed = {0}, plain = {0};
    plumb_error err = {0};
    pl_deflate_raw(&packed, pl_span_of(sentence), 6);
    CHECK(packed.count < sizeof sentence);
    pl_buf_text(&plain, "before ");
    CHECK_OK(pl_inflate_raw(&plain, pl_buf_view(&packed), 1000, &err), err);
    CHECK_SPAN("before one manifest, two manifests, three manifests, four manifests",
               pl_buf_view(&plain));
    pl_buf_done(&packed);
    pl_buf_done(&plain);
}

TEST(nothing_deflates_to_a_whole_stream)
{
    pl_buf packed = {0}, plain = {0};
    plumb_error err = {0};
    pl_deflate_raw(&packed, PL_SPAN(""), 6);
    CHECK(packed.count > 0);
    CHECK_OK(pl_inflate_raw(&plain, pl_buf_view(&packed), 0, &err), err);
    CHECK_INT(0, plain.count);
    pl_buf_done(&packed);
    pl_buf_done(&plain);
}

TEST(a_bomb_stops_at_the_bound)
{
    pl_buf zeros = {0}, packed = {0}, plain = {0};
    plumb_error err = {0};
    size_t bytes = 1000000;
    memset(pl_buf_reserve(&zeros, bytes), 0, bytes);
    zeros.count = bytes;
    pl_deflate_raw(&packed, pl_buf_view(&zeros), 9);
    CHECK_INT(PLUMB_E_LIMIT, pl_inflate_raw(&plain, pl_buf_view(&packed), bytes - 1, &err));
    CHECK_STR("inflates to more than 999999 bytes", err.message);
    CHECK_INT(0, plain.count);
    CHECK_OK(pl_inflate_raw(&plain, pl_buf_view(&packed), bytes, &err), err);
    CHECK_INT(bytes, plain.count);
    pl_buf_done(&zeros);
    pl_buf_done(&packed);
    pl_buf_done(&plain);
}

TEST(every_cut_is_refused_and_a_tail_is_ignored)
{
    pl_buf packed = {0}, plain = {0};
    plumb_error err = {0};
    pl_deflate_raw(&packed, pl_span_of(sentence), 6);
    for (size_t bytes = 0; bytes < packed.count; bytes++) {
        pl_span cut = {packed.data, bytes};
        CHECK_INT(PLUMB_E_MALFORMED, pl_inflate_raw(&plain, cut, 1000, &err));
        CHECK_STR("is not a whole deflate stream", err.message);
    }
    pl_buf_char(&packed, 'x');
    CHECK_OK(pl_inflate_raw(&plain, pl_buf_view(&packed), 1000, &err), err);
    CHECK_SPAN(sentence, pl_buf_view(&plain));
    pl_buf_done(&packed);
    pl_buf_done(&plain);
}

int main(void)
{
    return RUN_TESTS("codec/deflate", T(what_was_deflated_inflates_to_itself),
                     T(nothing_deflates_to_a_whole_stream), T(a_bomb_stops_at_the_bound),
                     T(every_cut_is_refused_and_a_tail_is_ignored));
}
