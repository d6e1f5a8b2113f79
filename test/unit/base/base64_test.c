// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include "unit.h"

TEST(base64_writes_and_reads_every_length)
{
    // The examples of RFC 4648, without their padding.
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xef\xff", "++//"}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_buf text = {0}, back = {0};
        pl_base64_write(&text, pl_span_of(cases[i].bytes));
        CHECK_SPAN(cases[i].text, pl_buf_view(&text));
        CHECK(pl_base64_read(&back, pl_buf_view(&text)));
        CHECK_SPAN(cases[i].bytes, pl_buf_view(&back));
        pl_buf_done(&text);
        pl_buf_done(&back);
    }
}

TEST(base64_of_many_bytes_is_that_of_three_at_a_time)
{
    char bytes[3 * 256];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(uint8_t)(i * 167 + i / 256 * 13);
    for (size_t count = 0; count <= sizeof bytes; count++) {
        pl_buf text = {0}, parts = {0}, back = {0};
        pl_base64_write(&text, pl_span_make(bytes, count));
        for (size_t at = 0; at < count; at += 3)
            pl_base64_write(&parts, pl_span_make(bytes + at, PL_MIN(count - at, (size_t)3)));
        CHECK_SPAN(pl_buf_cstr(&parts), pl_buf_view(&text));
        CHECK(pl_base64_read(&back, pl_buf_view(&text)));
        CHECK(back.count == count && memcmp(pl_buf_view(&back).data, bytes, count) == 0);
        pl_buf_done(&text);
        pl_buf_done(&parts);
        pl_buf_done(&back);
    }
}

TEST(base64_refuses_what_it_would_not_write)
{
    static const char *const cases[] = {"Z",     "Zg==", "Zh",   "Zm9",
                                        "Zm9vY", "Zm-v", "Zm 8", "Zm9v\n"};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_buf back = {0};
        if (pl_base64_read(&back, pl_span_of(cases[i]))) fail_msg("%s", cases[i]);
        pl_buf_done(&back);
    }
}

int main(void)
{
    return RUN_TESTS("base/base64", T(base64_writes_and_reads_every_length),
                     T(base64_of_many_bytes_is_that_of_three_at_a_time),
                     T(base64_refuses_what_it_would_not_write));
}
