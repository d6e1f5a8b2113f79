// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <zlib.h>

#include "codec/gzip.h"

static plumb_error err;

// A source of bytes in steps of `step`; `fail_at` makes it fail there.
typedef struct feed {
    pl_span bytes;
    size_t at, step, fail_at;
} feed;

static plumb_status feed_read(void *context, void *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *error)
{
    feed *from = context;
    if (from->fail_at && from->at >= from->fail_at)
        return pl_fail(error, PLUMB_E_FAILED, "cannot read file 'x': bad sector");
    size_t n = PL_MIN(PL_MIN(bytes, from->step), from->bytes.bytes - from->at);
    memcpy(buffer, from->bytes.data + from->at, n);
    from->at += n;
    *ret_got = n;
    return PLUMB_OK;
}

// Inflate all of `bytes`, input in steps of `in_step`, output of `out_step`.
static pl_gzip_state inflate_all(pl_span bytes, size_t in_step, size_t out_step, pl_buf *out)
{
    feed from = {.bytes = bytes, .step = in_step};
    pl_gzip_reader *reader = pl_gzip_reader_new(feed_read, &from);
    size_t got;
    pl_buf_reset(out);
    do {
        char *to = pl_buf_reserve(out, out_step);
        CHECK_OK(pl_gzip_read(reader, to, out_step, &got, &err), err);
        out->count += got;
    } while (got == out_step);
    pl_gzip_state it = pl_gzip_reader_state(reader);
    CHECK(it.end != PL_GZIP_MORE);
    CHECK(it.content == out->count);
    CHECK(it.verified <= it.content);
    CHECK(it.compressed <= bytes.bytes);
    static char head[100000], trailer[400000]; // what they pointed to goes with the reader
    memcpy(head, it.head.data ? it.head.data : "", it.head.bytes);
    memcpy(trailer, it.trailer.data ? it.trailer.data : "", it.trailer.bytes);
    it.head.data = head;
    it.trailer.data = trailer;
    pl_gzip_reader_free(reader);
    return it;
}

// The same by zlib: complete (true) or broken, and the content it gave.
static bool reference(pl_span bytes, pl_buf *out)
{
    pl_buf_reset(out);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes.data, .avail_in = (uInt)bytes.bytes};
    if (inflateInit2(&z, 31) != Z_OK) abort();
    int result = Z_OK;
    bool complete = false;
    for (;;) {
        size_t room = 65536;
        z.next_out = (Bytef *)pl_buf_reserve(out, room);
        z.avail_out = (uInt)room;
        result = inflate(&z, Z_NO_FLUSH);
        out->count += room - z.avail_out;
        if (result == Z_STREAM_END) {
            if (z.avail_in == 0) {
                complete = true;
                break;
            }
            inflateReset(&z);
        } else if (result != Z_OK) {
            break;
        }
    }
    inflateEnd(&z);
    return complete;
}

static plumb_status to_buf(void *context, pl_span bytes, plumb_error *error)
{
    (void)error;
    pl_buf_span(context, bytes);
    return PLUMB_OK;
}

static void deflate_to(pl_buf *out, int level, pl_span bytes, size_t step)
{
    pl_gzip_writer *writer = pl_gzip_writer_new(level, to_buf, out);
    for (size_t at = 0; at < bytes.bytes; at += step)
        CHECK_OK(pl_gzip_write(writer,
                               pl_span_make(bytes.data + at, PL_MIN(step, bytes.bytes - at)), &err),
                 err);
    CHECK_OK(pl_gzip_finish(writer, &err), err);
    pl_gzip_writer_free(writer);
}

// JSON-like text, the same each time.
static void fill_text(pl_buf *out, size_t bytes)
{
    uint64_t seed = 7;
    while (out->count < bytes) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        pl_buf_printf(out, "{\"id\": %u, \"name\": \"post %u\"}\n", (unsigned)(seed >> 40),
                      (unsigned)(seed >> 60));
    }
    out->count = bytes;
}

TEST(gzip_round_trips_at_every_level_and_size)
{
    static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 1000003};
    pl_buf text = {0}, zipped = {0}, again = {0}, back = {0};
    fill_text(&text, 1000003);
    for (int level = 0; level <= PL_GZIP_LEVEL_MAX; level++) {
        for (size_t i = 0; i < PL_COUNT(sizes); i++) {
            pl_span want = {text.data, sizes[i]};
            pl_buf_reset(&zipped);
            pl_buf_reset(&again);
            deflate_to(&zipped, level, want, 99991);
            deflate_to(&again, level, want, 99991);
            CHECK(pl_span_equal(pl_buf_view(&zipped), pl_buf_view(&again)));
            CHECK(reference(pl_buf_view(&zipped), &back));
            CHECK(pl_span_equal(want, pl_buf_view(&back)));
            pl_gzip_state it = inflate_all(pl_buf_view(&zipped), 4096, 70001, &back);
            CHECK_INT(PL_GZIP_COMPLETE, it.end);
            CHECK(pl_span_equal(want, pl_buf_view(&back)));
            CHECK(it.verified == want.bytes && it.members == 1);
            CHECK(it.compressed == zipped.count);
            if (level > 0 && sizes[i] > 60000) CHECK(zipped.count < sizes[i] / 2);
        }
    }
    pl_buf_done(&text), pl_buf_done(&zipped), pl_buf_done(&again), pl_buf_done(&back);
}

// Head, two members (one by zlib's best, one stored), an empty one, and a trailer.
static void make_object(pl_buf *out, pl_buf *content)
{
    pl_gzip_append_head(out, PL_SPAN("{\"head\":1}"));
    size_t before = content->count;
    fill_text(content, before + 700);
    pl_span part = {content->data + before, 700};
    z_stream z = {.next_in = (Bytef *)(uintptr_t)part.data, .avail_in = 700};
    if (deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    z.next_out = (Bytef *)pl_buf_reserve(out, 4096);
    z.avail_out = 4096;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    out->count += 4096 - z.avail_out;
    deflateEnd(&z);
    pl_buf_text(content, "stored {}\n");
    deflate_to(out, 0, PL_SPAN("stored {}\n"), 3);
    deflate_to(out, 1, PL_SPAN(""), 1);
    pl_gzip_append_trailer(out, PL_SPAN("{\"sha\":2}"));
}

TEST(gzip_reads_head_and_trailer_around_any_chunking)
{
    pl_buf zipped = {0}, content = {0}, back = {0};
    make_object(&zipped, &content);
    static const size_t steps[] = {1, 2, 3, 5, 13, 100, 1000000};
    for (size_t i = 0; i < PL_COUNT(steps); i++) {
        for (size_t o = 0; o < PL_COUNT(steps); o++) {
            pl_gzip_state it = inflate_all(pl_buf_view(&zipped), steps[i], steps[o], &back);
            CHECK_INT(PL_GZIP_COMPLETE, it.end);
            CHECK(it.reason == NULL);
            CHECK(pl_span_equal(pl_buf_view(&content), pl_buf_view(&back)));
            CHECK_INT(5, it.members);
            CHECK_SPAN("{\"head\":1}", it.head);
            CHECK_INT(17 + 10 + 10, it.head_bytes);
            CHECK_SPAN("{\"sha\":2}", it.trailer);
            CHECK_INT(zipped.count - 17 - 9 - 10, it.trailer_at);
        }
    }
    pl_buf_done(&zipped), pl_buf_done(&content), pl_buf_done(&back);
}

TEST(gzip_truncated_at_every_byte_says_so)
{
    pl_buf zipped = {0}, content = {0}, back = {0}, ref = {0};
    make_object(&zipped, &content);
    unsigned complete = 0;
    for (size_t cut = 0; cut < zipped.count; cut++) {
        pl_span part = {zipped.data, cut};
        for (size_t step = 1; step < 2000; step += 1998) {
            pl_gzip_state it = inflate_all(part, step, 64, &back);
            bool whole = reference(part, &ref);
            CHECK_INT(whole ? PL_GZIP_COMPLETE : PL_GZIP_TRUNCATED, it.end);
            CHECK_INT(cut, it.compressed);
            CHECK(back.count == ref.count);
            CHECK(back.count == 0 || memcmp(back.data, content.data, back.count) == 0);
            CHECK_INT(0, it.trailer.bytes);
            complete += whole;
        }
    }
    CHECK_INT(2 * 4, complete); // the cuts between members
    pl_buf_done(&zipped), pl_buf_done(&content), pl_buf_done(&back), pl_buf_done(&ref);
}

TEST(gzip_any_flipped_bit_is_judged_as_zlib_judges)
{
    pl_buf zipped = {0}, content = {0}, back = {0}, ref = {0};
    make_object(&zipped, &content);
    for (size_t bit = 0; bit < zipped.count * 8; bit++) {
        zipped.data[bit / 8] = (char)(zipped.data[bit / 8] ^ (1 << bit % 8));
        pl_gzip_state it = inflate_all(pl_buf_view(&zipped), 100000, 100000, &back);
        bool whole = reference(pl_buf_view(&zipped), &ref);
        if (whole != (it.end == PL_GZIP_COMPLETE))
            fail_msg("bit %zu: zlib %d, here %s", bit, whole, it.reason);
        if (whole) CHECK(pl_span_equal(pl_buf_view(&ref), pl_buf_view(&back)));
        zipped.data[bit / 8] = (char)(zipped.data[bit / 8] ^ (1 << bit % 8));
    }
    pl_buf_done(&zipped), pl_buf_done(&content), pl_buf_done(&back), pl_buf_done(&ref);
}

TEST(gzip_a_damaged_member_gives_the_same_however_it_is_read)
{
    static const size_t steps[] = {1, 2, 7, 64, 1000};
    pl_buf zipped = {0}, content = {0}, want = {0}, back = {0};
    make_object(&zipped, &content);
    for (size_t bit = 0; bit < zipped.count * 8; bit++) {
        zipped.data[bit / 8] = (char)(zipped.data[bit / 8] ^ (1 << bit % 8));
        pl_gzip_state first = inflate_all(pl_buf_view(&zipped), 100000, 300000, &want);
        for (size_t i = 0; i < PL_COUNT(steps) * PL_COUNT(steps); i++) {
            size_t in = steps[i / PL_COUNT(steps)], out = steps[i % PL_COUNT(steps)];
            pl_gzip_state it = inflate_all(pl_buf_view(&zipped), in, out, &back);
            if (!pl_span_equal(pl_buf_view(&want), pl_buf_view(&back)) ||
                it.compressed != first.compressed || it.end != first.end)
                fail_msg("bit %zu in steps of %zu and %zu: %zu bytes to %llu, want %zu to %llu: %s",
                         bit, in, out, back.count, (unsigned long long)it.compressed, want.count,
                         (unsigned long long)first.compressed, it.reason);
        }
        zipped.data[bit / 8] = (char)(zipped.data[bit / 8] ^ (1 << bit % 8));
    }
    pl_buf_done(&zipped), pl_buf_done(&content), pl_buf_done(&want), pl_buf_done(&back);
}

TEST(gzip_defects_have_a_reason_and_a_place)
{
    pl_buf zipped = {0}, back = {0};
    pl_gzip_state it = inflate_all(PL_SPAN(""), 10, 10, &back);
    CHECK_INT(PL_GZIP_TRUNCATED, it.end);
    CHECK_STR("empty, not even a header", it.reason);
    it = inflate_all(PL_SPAN("{\"a\":1}"), 10, 10, &back);
    CHECK_INT(PL_GZIP_CORRUPT, it.end);
    CHECK_STR("no gzip header", it.reason);
    CHECK_INT(0, it.compressed);
    it = inflate_all(PL_SPAN("\x1f\x8b\x07"), 1, 10, &back);
    CHECK_STR("truncated in a gzip header", it.reason);

    static const char *const tails[] = {"x", "\n", "\x1f", "\x1f\x8c", "garbage"};
    deflate_to(&zipped, 1, PL_SPAN("hello"), 9);
    size_t bytes = zipped.count;
    for (size_t i = 0; i < PL_COUNT(tails); i++) {
        pl_buf_text(&zipped, tails[i]);
        for (size_t step = 1; step < 100; step += 98) {
            it = inflate_all(pl_buf_view(&zipped), step, 100, &back);
            CHECK_INT(5, it.verified);
            if (strcmp(tails[i], "\x1f") == 0) {
                CHECK_INT(PL_GZIP_TRUNCATED, it.end);
            } else {
                CHECK_INT(PL_GZIP_CORRUPT, it.end);
                CHECK_STR("garbage after a gzip member", it.reason);
                CHECK_INT(bytes, it.compressed);
            }
        }
        zipped.count = bytes;
    }
    pl_buf_append(&zipped, "\0\0\0", 3); // padding is not ours either
    it = inflate_all(pl_buf_view(&zipped), 7, 100, &back);
    CHECK_STR("garbage after a gzip member", it.reason);
    zipped.count = bytes;
    zipped.data[bytes - 1] ^= 1;
    it = inflate_all(pl_buf_view(&zipped), 7, 100, &back);
    CHECK_STR("damaged: wrong CRC-32 or length", it.reason);
    CHECK_INT(5, it.content);
    CHECK_INT(0, it.verified);
    pl_buf_done(&zipped), pl_buf_done(&back);
}

TEST(gzip_a_defect_at_the_end_of_a_step_is_not_behind_it)
{
    static const char bytes[] = "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x0f\0\x01\x23\x40\x04{\"hea?\":1}"
                                "ncn\xfft\0(e\0\xff\xff` \0\x01"
                                "7^some";
    pl_buf back = {0};
    for (size_t step = 1; step < 50; step++) { // that it is inside is checked there
        pl_gzip_state it = inflate_all(pl_span_make(bytes, sizeof bytes - 1), step, 8, &back);
        CHECK_INT(PL_GZIP_CORRUPT, it.end);
    }
    pl_buf_done(&back);
}

TEST(gzip_reads_headers_with_every_field)
{
    // FTEXT, FHCRC, FEXTRA with a foreign subfield before ours, FNAME, FCOMMENT.
    pl_buf zipped = {0}, back = {0};
    pl_buf_append(&zipped, "\x1f\x8b\x08\x1f\0\0\0\0\0\x03", 10);
    pl_buf_append(&zipped, "\x0d\0ZZ\x02\0..PL\x03\0Hab", 15);
    pl_buf_append(&zipped, "name.json\0comment", 18);
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)zipped.data, (uInt)zipped.count);
    CHECK_INT(crc, pl_crc32(0, pl_buf_view(&zipped)));
    char check[2] = {(char)crc, (char)(crc >> 8)};
    pl_buf_append(&zipped, check, 2);
    pl_buf_append(&zipped, "\x03\0\0\0\0\0\0\0\0\0", 10);
    for (size_t step = 1; step < 60; step++) {
        pl_gzip_state it = inflate_all(pl_buf_view(&zipped), step, 9, &back);
        CHECK_INT(PL_GZIP_COMPLETE, it.end);
        CHECK_SPAN("ab", it.head);
    }
    pl_buf_done(&zipped), pl_buf_done(&back);
}

TEST(gzip_long_trailer_is_split_and_joined)
{
    pl_buf zipped = {0}, payload = {0}, back = {0};
    fill_text(&payload, 3 * PL_GZIP_EXTRA_MAX + 17);
    pl_gzip_append_head(&zipped, (pl_span){payload.data, PL_GZIP_EXTRA_MAX});
    pl_gzip_append_trailer(&zipped, PL_SPAN("that of a payload made by us"));
    deflate_to(&zipped, 1, PL_SPAN("x"), 1);
    pl_gzip_append_trailer(&zipped, pl_buf_view(&payload));
    pl_gzip_state it = inflate_all(pl_buf_view(&zipped), 1000, 9, &back);
    CHECK_INT(PL_GZIP_COMPLETE, it.end);
    CHECK(pl_span_equal(pl_buf_view(&payload), it.trailer));
    CHECK_INT(PL_GZIP_EXTRA_MAX, it.head.bytes);
    CHECK_INT(1 + 1 + 1 + 4, it.members);
    CHECK(reference(pl_buf_view(&zipped), &back));
    CHECK_SPAN("x", pl_buf_view(&back));
    pl_buf_done(&zipped), pl_buf_done(&payload), pl_buf_done(&back);
}

TEST(gzip_bomb_takes_no_memory)
{
    // 200 MiB of zeros in 0.2 % of that: only the caller's buffer holds content.
    pl_buf zipped = {0};
    static char zeros[1 << 20];
    pl_gzip_writer *writer = pl_gzip_writer_new(3, to_buf, &zipped);
    for (int i = 0; i < 200; i++)
        CHECK_OK(pl_gzip_write(writer, (pl_span){zeros, sizeof zeros}, &err), err);
    CHECK_OK(pl_gzip_finish(writer, &err), err);
    pl_gzip_writer_free(writer);
    CHECK(zipped.count < 1000000);
    feed from = {.bytes = pl_buf_view(&zipped), .step = 100000};
    pl_gzip_reader *reader = pl_gzip_reader_new(feed_read, &from);
    static char out[PL_GZIP_CHUNK];
    size_t got = 1;
    while (got) CHECK_OK(pl_gzip_read(reader, out, sizeof out, &got, &err), err);
    CHECK_INT(200u << 20, pl_gzip_reader_state(reader).verified);
    pl_gzip_reader_free(reader);
    pl_buf_done(&zipped);
}

TEST(gzip_a_copy_goes_on_from_where_its_original_is)
{
    pl_buf zipped = {0}, content = {0}, back = {0}, again = {0};
    make_object(&zipped, &content);
    fill_text(&content, content.count + 300000);
    deflate_to(&zipped, 1, pl_span_make(content.data + content.count - 300000, 300000), 1000);
    pl_gzip_append_trailer(&zipped, PL_SPAN("the end"));
    static const size_t steps[] = {1, 300, 100000, 200000};
    for (size_t i = 0; i < PL_COUNT(steps); i++) {
        feed from = {.bytes = pl_buf_view(&zipped), .step = 777};
        pl_gzip_reader *reader = pl_gzip_reader_new(feed_read, &from);
        size_t got = 1;
        uint64_t input;
        for (int n = 0; n < 2; n++) {
            CHECK_OK(pl_gzip_read(reader, pl_buf_reserve(&back, steps[i]), steps[i], &got, &err),
                     err);
            back.count += got;
        }
        pl_gzip_reader *copy = pl_gzip_reader_copy(reader, &input);
        pl_buf_span(&again, pl_buf_view(&back));
        CHECK_INT(from.at, input);
        for (pl_gzip_reader *r = reader;; r = copy) {
            pl_buf *out = r == reader ? &back : &again;
            for (got = 1; got; out->count += got)
                CHECK_OK(pl_gzip_read(r, pl_buf_reserve(out, 5000), 5000, &got, &err), err);
            CHECK(pl_span_equal(pl_buf_view(&content), pl_buf_view(out)));
            pl_gzip_state it = pl_gzip_reader_state(r);
            CHECK_INT(PL_GZIP_COMPLETE, it.end);
            CHECK_SPAN("{\"head\":1}", it.head);
            CHECK_SPAN("the end", it.trailer);
            pl_gzip_reader_free(r);
            if (r == copy) break;
            from.at = (size_t)input;
        }
        pl_buf_reset(&back), pl_buf_reset(&again);
    }
    pl_buf_done(&zipped), pl_buf_done(&content), pl_buf_done(&back), pl_buf_done(&again);
}

TEST(gzip_passes_on_a_failure_of_its_input)
{
    pl_buf zipped = {0}, content = {0};
    fill_text(&content, 300000);
    deflate_to(&zipped, 0, pl_buf_view(&content), 300000);
    feed from = {.bytes = pl_buf_view(&zipped), .step = 1000, .fail_at = 200000};
    pl_gzip_reader *reader = pl_gzip_reader_new(feed_read, &from);
    char *out = pl_alloc(400000);
    size_t got;
    CHECK_INT(PLUMB_E_FAILED, pl_gzip_read(reader, out, 400000, &got, &err));
    CHECK_STR("cannot read file 'x': bad sector", err.message);
    pl_gzip_reader_free(reader);
    free(out);
    pl_buf_done(&zipped), pl_buf_done(&content);
}

int main(void)
{
    return RUN_TESTS(
        "codec/gzip", T(gzip_round_trips_at_every_level_and_size),
        T(gzip_reads_head_and_trailer_around_any_chunking), T(gzip_truncated_at_every_byte_says_so),
        T(gzip_any_flipped_bit_is_judged_as_zlib_judges),
        T(gzip_a_damaged_member_gives_the_same_however_it_is_read),
        T(gzip_defects_have_a_reason_and_a_place), T(gzip_reads_headers_with_every_field),
        T(gzip_long_trailer_is_split_and_joined), T(gzip_bomb_takes_no_memory),
        T(gzip_passes_on_a_failure_of_its_input), T(gzip_a_copy_goes_on_from_where_its_original_is),
        T(gzip_a_defect_at_the_end_of_a_step_is_not_behind_it));
}
