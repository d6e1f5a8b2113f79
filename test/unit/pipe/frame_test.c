// SPDX-License-Identifier: Apache-2.0
#include "pipe/frame.h"

#include "unit.h"

TEST(frame_is_eight_bytes_and_the_payload)
{
    pl_buf out = {0};
    pl_frame_append(&out, PL_FRAME_REQUEST, PL_SPAN("{}"));
    assert_int_equal(out.count, 10);
    assert_memory_equal(out.data, "\x02\x00\x00\x00\x02\x00\x00\x00{}", 10);
    pl_buf_done(&out);
}

TEST(frame_reader_takes_any_pieces)
{
    pl_buf out = {0};
    pl_frame_append(&out, PL_FRAME_HELLO, PL_SPAN("hello"));
    pl_frame_append(&out, PL_FRAME_DONE, PL_SPAN(""));
    pl_frame_append(&out, PL_FRAME_ROWS, PL_SPAN("some rows"));

    for (size_t piece = 1; piece <= out.count; piece++) {
        pl_frame_reader reader = {0};
        pl_buf seen = {0};
        plumb_error err;
        for (size_t at = 0; at < out.count; at += piece) {
            pl_frame_feed(&reader, pl_span_make(out.data + at, PL_MIN(piece, out.count - at)));
            for (;;) {
                pl_frame frame;
                bool found;
                CHECK_OK(pl_frame_next(&reader, &frame, &found, &err), err);
                if (!found) break;
                pl_buf_printf(&seen, "%d:%.*s;", frame.type, PL_FMT(frame.payload));
            }
        }
        CHECK_SPAN("1:hello;6:;4:some rows;", pl_buf_view(&seen));
        pl_buf_done(&seen);
        pl_frame_reader_done(&reader);
    }
    pl_buf_done(&out);
}

static void refused(const char *header, const char *message)
{
    pl_frame_reader reader = {0};
    pl_frame frame = {.type = PL_FRAME_DONE};
    bool found = true;
    plumb_error err;
    pl_frame_feed(&reader, pl_span_make(header, PL_FRAME_HEADER_BYTES));
    CHECK_INT(PLUMB_E_MALFORMED, pl_frame_next(&reader, &frame, &found, &err));
    CHECK_STR(message, err.message);
    CHECK(frame.type == PL_FRAME_DONE && found);
    pl_frame_reader_done(&reader);
}

TEST(frame_reader_refuses_what_is_no_frame)
{
    refused("\x00\x00\x00\x00\x00\x00\x00\x00", "cannot read frame: unknown type 0");
    refused("\x00\x00\x00\x00\x08\x00\x00\x00", "cannot read frame: unknown type 8");
    refused("\x00\x00\x00\x00\x02\x00\x01\x00", "cannot read frame: unknown type 2");
    refused("\x01\x00\x00\x04\x02\x00\x00\x00",
            "cannot read frame: 67108865 bytes, limit is 67108864");
    refused("\xff\xff\xff\xff\x02\x00\x00\x00",
            "cannot read frame: 4294967295 bytes, limit is 67108864");
}

int main(void)
{
    return RUN_TESTS("pipe/frame", T(frame_is_eight_bytes_and_the_payload),
                     T(frame_reader_takes_any_pieces), T(frame_reader_refuses_what_is_no_frame));
}
