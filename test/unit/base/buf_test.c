// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include "unit.h"

TEST(buf_holds_exactly_what_was_appended_however_it_grew)
{
    pl_buf buf = {0};
    char want[3000];
    for (size_t i = 0; i < sizeof want; i++) want[i] = (char)(i * 7);
    for (size_t at = 0, step = 0; at < sizeof want; at += step) {
        step = PL_MIN((at * 31 + 1) % 61, sizeof want - at);
        if (step == 1)
            pl_buf_char(&buf, want[at]);
        else
            pl_buf_append(&buf, want + at, step);
        if (step == 0) pl_buf_char(&buf, want[at++]);
    }
    CHECK_INT(sizeof want, buf.count);
    CHECK_INT(0, memcmp(want, buf.data, sizeof want));
    pl_buf_done(&buf);
    CHECK(!buf.data);
    CHECK_INT(0, buf.capacity);
}

TEST(buf_text_and_printf_append_behind_what_is_there)
{
    pl_buf buf = {0};
    pl_buf_text(&buf, "a");
    pl_buf_printf(&buf, "%s-%05d", "b", 42);
    pl_buf_printf(&buf, "%s", "");
    pl_buf_span(&buf, PL_SPAN("\"q\""));
    pl_buf_span(&buf, (pl_span){0});
    CHECK_SPAN("ab-00042\"q\"", pl_buf_view(&buf));
    pl_buf_printf(&buf, "%1000d", 1);
    CHECK_INT(1011, buf.count);
    CHECK_INT('1', buf.data[1010]);
    pl_buf_done(&buf);
}

TEST(buf_cstr_adds_a_nul_that_does_not_count)
{
    pl_buf buf = {0};
    CHECK_STR("", pl_buf_cstr(&buf));
    CHECK_INT(0, buf.count);
    for (int i = 0; i < 200; i++) {
        pl_buf_char(&buf, 'x');
        CHECK_INT(i + 1, strlen(pl_buf_cstr(&buf)));
        CHECK_INT(i + 1, buf.count);
    }
    pl_buf_reset(&buf);
    CHECK_INT(0, pl_buf_view(&buf).bytes);
    CHECK_STR("", pl_buf_cstr(&buf));
    pl_buf_done(&buf);
}

TEST(buf_reserve_gives_room_and_counts_nothing)
{
    pl_buf buf = {0};
    pl_buf_text(&buf, "ab");
    char *room = pl_buf_reserve(&buf, 1000);
    CHECK(room == buf.data + 2);
    CHECK_INT(2, buf.count);
    memset(room, 'z', 1000);
    buf.count += 1000;
    pl_buf_char(&buf, '!');
    CHECK_INT('b', buf.data[1]);
    CHECK_INT('z', buf.data[1001]);
    CHECK_INT('!', buf.data[1002]);
    pl_buf_done(&buf);
}

TEST(buf_done_and_reset_are_safe_on_a_zero_buffer)
{
    pl_buf buf = {0};
    pl_buf_append(&buf, NULL, 0);
    pl_buf_reset(&buf);
    CHECK_INT(0, pl_buf_view(&buf).bytes);
    pl_buf_done(&buf);
    pl_buf_done(&buf);
}

int main(void)
{
    return RUN_TESTS("base/buf", T(buf_holds_exactly_what_was_appended_however_it_grew),
                     T(buf_text_and_printf_append_behind_what_is_there),
                     T(buf_cstr_adds_a_nul_that_does_not_count),
                     T(buf_reserve_gives_room_and_counts_nothing),
                     T(buf_done_and_reset_are_safe_on_a_zero_buffer));
}
