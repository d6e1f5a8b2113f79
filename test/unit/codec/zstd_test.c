// SPDX-License-Identifier: Apache-2.0
#include "codec/zstd.h"

#include "unit.h"

// "{\"a\": 1}\n" with its checksum, as the zstd tool writes it.
#define FRAME                                                                                      \
    "\050\265\057\375\044\011\111\000\000\173\042\141\042\072\040\061\175\012\063\207\337\303"
#define TEXT "{\"a\": 1}\n"

typedef struct feed {
    pl_span left;
    size_t chunk;
} feed;

static plumb_status feed_read(void *context, void *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *err)
{
    feed *from = context;
    (void)err;
    *ret_got = PL_MIN(PL_MIN(bytes, from->left.bytes), from->chunk);
    if (*ret_got) memcpy(buffer, from->left.data, *ret_got);
    from->left.data += *ret_got;
    from->left.bytes -= *ret_got;
    return PLUMB_OK;
}

static plumb_status read_all(pl_span input, size_t chunk, size_t step, pl_buf *out,
                             plumb_error *err)
{
    feed from = {input, chunk};
    pl_zstd_reader *reader = pl_zstd_reader_new(feed_read, &from);
    plumb_status st = PLUMB_OK;
    char buffer[64];
    pl_buf_reset(out);
    for (size_t got = 1; got && st == PLUMB_OK;) {
        got = 0;
        st = pl_zstd_read(reader, buffer, step, &got, err);
        if (st == PLUMB_OK) pl_buf_append(out, buffer, got);
    }
    pl_zstd_reader_free(reader);
    return st;
}

TEST(zstd_reads_frames_one_after_another)
{
    pl_buf out = {0};
    plumb_error err;
    CHECK(pl_zstd_magic(PL_SPAN(FRAME)));
    CHECK(!pl_zstd_magic(PL_SPAN("{}")));
    static const size_t sizes[] = {1, 3, 64};
    for (size_t i = 0; i < PL_COUNT(sizes); i++) {
        CHECK_OK(read_all(PL_SPAN(FRAME FRAME), sizes[i], 64, &out, &err), err);
        CHECK_SPAN(TEXT TEXT, pl_buf_view(&out));
        CHECK_OK(read_all(PL_SPAN(FRAME), 64, sizes[i], &out, &err), err);
        CHECK_SPAN(TEXT, pl_buf_view(&out));
    }
    pl_buf_done(&out);
}

TEST(zstd_cut_or_changed_anywhere_is_an_error)
{
    pl_buf out = {0};
    plumb_error err;
    pl_span frame = PL_SPAN(FRAME);
    for (size_t bytes = 1; bytes < frame.bytes; bytes++) {
        CHECK_INT(PLUMB_E_MALFORMED, read_all(pl_span_make(frame.data, bytes), 7, 64, &out, &err));
        CHECK_INT(bytes, err.offset);
        CHECK(strstr(err.message, "truncated"));
    }
    for (size_t at = 5; at < frame.bytes; at++) { // bit 4 of byte 4 means nothing in zstd
        char bad[sizeof FRAME];
        memcpy(bad, FRAME, sizeof FRAME);
        bad[at] ^= 0x10;
        plumb_status st = read_all(pl_span_make(bad, frame.bytes), 64, 64, &out, &err);
        CHECK_INT(PLUMB_E_MALFORMED, st);
    }
    CHECK_INT(PLUMB_E_MALFORMED, read_all(PL_SPAN(FRAME "junk"), 64, 64, &out, &err));
    pl_buf_done(&out);
}

int main(void)
{
    return RUN_TESTS("codec/zstd", T(zstd_reads_frames_one_after_another),
                     T(zstd_cut_or_changed_anywhere_is_an_error));
}
