// Gzip members, ours and others': the content is what zlib makes of the same bytes, whole exactly
// when zlib says whole, and independent of the pieces bytes come and go in.
//
// From "byte, steps, bytes": the bytes are the file; or the content of a member, with a head and a
// trailer around it, damaged at one place or not at all.
//
// SPDX-License-Identifier: Apache-2.0
#include "codec/gzip.h"

#include <zlib.h>

#include "fuzz.h"

enum { CONTENT_MAX = 4 << 20 }; // as far as one input is followed

static pl_gzip_state inflate_all(pl_span file, size_t in_step, size_t out_step, pl_buf *out,
                                 pl_buf *extra)
{
    fuzz_feed feed = {file, in_step};
    pl_gzip_reader *reader = pl_gzip_reader_new(fuzz_read, &feed);
    size_t got = 1;
    while (got && out->count < CONTENT_MAX) {
        char *room = pl_buf_reserve(out, out_step);
        FUZZ_CHECK(pl_gzip_read(reader, room, out_step, &got, NULL) == PLUMB_OK);
        out->count += got;
    }
    pl_gzip_state state = pl_gzip_reader_state(reader);
    FUZZ_CHECK(state.content == out->count && state.verified <= state.content);
    FUZZ_CHECK(state.compressed <= file.bytes);
    if (state.end == PL_GZIP_COMPLETE) FUZZ_CHECK(state.verified == state.content);
    FUZZ_CHECK((state.reason != NULL) ==
               (state.end == PL_GZIP_CORRUPT || state.end == PL_GZIP_TRUNCATED));
    pl_buf_printf(extra, "%d %llu %llu %llu %llu %llu\n", (int)state.end,
                  (unsigned long long)state.compressed, (unsigned long long)state.verified,
                  (unsigned long long)state.members, (unsigned long long)state.head_bytes,
                  (unsigned long long)state.trailer_at);
    pl_buf_span(extra, state.head);
    pl_buf_char(extra, '\n');
    pl_buf_span(extra, state.trailer);
    pl_gzip_reader_free(reader);
    return state;
}

// zlib's word: complete or not, and what it could inflate.
static bool reference(pl_span file, pl_buf *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)file.data, .avail_in = (uInt)file.bytes};
    FUZZ_CHECK(inflateInit2(&stream, 15 + 16) == Z_OK);
    int result = Z_OK;
    while (out->count < CONTENT_MAX) {
        stream.next_out = (Bytef *)pl_buf_reserve(out, 65536);
        stream.avail_out = 65536;
        result = inflate(&stream, Z_NO_FLUSH);
        out->count += 65536 - stream.avail_out;
        if (result == Z_STREAM_END && stream.avail_in) {
            FUZZ_CHECK(inflateReset(&stream) == Z_OK);
            continue;
        }
        if (result != Z_OK) break;
    }
    inflateEnd(&stream);
    return result == Z_STREAM_END;
}

static void make_object(pl_buf *out, unsigned how, pl_span *input)
{
    unsigned at = fuzz_byte(input), change = fuzz_byte(input);
    pl_span head = fuzz_until(input, '\n');
    pl_gzip_append_head(out, head);
    pl_gzip_writer *writer = pl_gzip_writer_new((int)(how / 4 % 4), fuzz_write, out);
    FUZZ_CHECK(pl_gzip_write(writer, *input, NULL) == PLUMB_OK);
    FUZZ_CHECK(pl_gzip_finish(writer, NULL) == PLUMB_OK);
    pl_gzip_writer_free(writer);
    pl_gzip_append_trailer(out, head);
    if (how & 2) out->data[out->count * at / 256] ^= (char)change;
}

void fuzz_one(pl_span input)
{
    unsigned how = fuzz_byte(&input), steps = fuzz_byte(&input);
    pl_buf object = {0}, content = {0}, pieces = {0}, want = {0}, notes = {0}, notes2 = {0};
    pl_span file = input;
    if (how & 1) {
        make_object(&object, how, &input);
        file = pl_buf_view(&object);
    }
    pl_gzip_state state = inflate_all(file, SIZE_MAX, PL_GZIP_CHUNK, &content, &notes);
    if (content.count < CONTENT_MAX) {
        inflate_all(file, steps % 16 + 1, steps / 16 * 7 + 1, &pieces, &notes2);
        FUZZ_CHECK(pl_span_equal(pl_buf_view(&content), pl_buf_view(&pieces)));
        FUZZ_CHECK(pl_span_equal(pl_buf_view(&notes), pl_buf_view(&notes2)));
        bool complete = reference(file, &want);
        FUZZ_CHECK(complete == (state.end == PL_GZIP_COMPLETE));
        // Of a broken file either may have got further.
        size_t common = PL_MIN(want.count, content.count);
        if (complete) FUZZ_CHECK(want.count == content.count);
        if (common) FUZZ_CHECK(memcmp(want.data, content.data, common) == 0);
    }
    if ((how & 3) == 1) FUZZ_CHECK(pl_span_equal(pl_buf_view(&content), input));
    pl_buf_done(&object);
    pl_buf_done(&content);
    pl_buf_done(&pieces);
    pl_buf_done(&want);
    pl_buf_done(&notes);
    pl_buf_done(&notes2);
}

void fuzz_seeds(void)
{
    pl_buf seed = {0};
    for (unsigned how = 1; how < 16; how += 2) {
        pl_buf_reset(&seed);
        pl_buf_char(&seed, (char)how);
        pl_buf_text(&seed, "\x23\x40\x04{\"head\":1}\nsome content, some content, some content");
        fuzz_seed(pl_buf_view(&seed));
        pl_span rest = {seed.data + 2, seed.count - 2};
        pl_buf file = {0};
        pl_buf_text(&file, "\x20\x11");
        file.data[0] = 0;
        make_object(&file, how, &rest);
        fuzz_seed(pl_buf_view(&file));
        pl_buf_done(&file);
    }
    static const char named[] = "\0\0\x1f\x8b\x08\x1e\0\0\0\0\2\3\6\0XY\2\0abname\0comment\0\0\0";
    fuzz_seed(pl_span_make(named, sizeof named - 1));
    pl_buf_done(&seed);
}
