// Raw objects. Any bytes as an object: refused, or read and verified without surprises. Any bytes
// as input: landed, then read back as what zlib or a plain copy makes of them, and verified.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/raw.h"

#include "fuzz.h"

#define ID "01ARYZ6S41TSV4RRFFQ69G5FAV"
enum { CONTENT_MAX = 4 << 20 };

static plumb_status read_all(pl_raw *raw, size_t step, pl_buf *out)
{
    size_t got = 1;
    while (got && out->count < CONTENT_MAX) {
        PL_TRY(pl_raw_framer_read(raw, pl_buf_reserve(out, step), step, &got, NULL));
        out->count += got;
    }
    FUZZ_CHECK(pl_raw_content_bytes(raw) == out->count);
    return PLUMB_OK;
}

// A line for the head's payload, none: no head; then anything.
static void read_object(pl_span input, size_t step)
{
    pl_buf object = {0}, content = {0};
    pl_span head = fuzz_until(&input, '\n');
    pl_raw *raw;
    pl_raw_info info;
    if (head.bytes)
        pl_gzip_append_head(&object, (pl_span){head.data, PL_MIN(head.bytes, PL_GZIP_EXTRA_MAX)});
    pl_buf_span(&object, input);
    fuzz_object("object", pl_buf_view(&object));
    plumb_status opened = pl_raw_open(fuzz_store(), "object", &raw, NULL);
    if (opened == PLUMB_OK) {
        FUZZ_CHECK(pl_raw_head_of(raw)->id && strlen(pl_raw_head_of(raw)->id) == 26);
        plumb_status st = read_all(raw, step, &content);
        FUZZ_CHECK(st == PLUMB_OK || st == PLUMB_E_MALFORMED);
        pl_raw_close(raw);
        // Whole or broken, it is no proof of anything without the sums in its trailer.
        if (content.count < CONTENT_MAX) {
            plumb_status sound = pl_raw_verify(fuzz_store(), "object", &info, NULL);
            FUZZ_CHECK(sound == PLUMB_OK || sound == PLUMB_E_MALFORMED);
            if (sound == PLUMB_OK) FUZZ_CHECK(info.broken == (st == PLUMB_E_MALFORMED));
        }
    } else {
        FUZZ_CHECK(opened == PLUMB_E_MALFORMED);
    }
    pl_buf_done(&object);
    pl_buf_done(&content);
}

static void land(pl_span input, unsigned how, size_t step)
{
    fuzz_feed feed = {input, step};
    pl_raw_options options = {
        .head = {.id = ID, .source = PL_SPAN("s"), .name = PL_SPAN("n"), .received_us = 1},
        .level = (int)(how % 4)};
    pl_arena arena = {0};
    pl_buf content = {0};
    pl_raw_info info, found;
    const char *key;
    pl_raw *raw;
    plumb_status st =
        pl_raw_write(fuzz_store(), &options, fuzz_read, &feed, &arena, &key, &info, NULL);
    if (st == PLUMB_OK) {
        FUZZ_CHECK(info.input_bytes == input.bytes);
        FUZZ_CHECK(pl_raw_open(fuzz_store(), key, &raw, NULL) == PLUMB_OK);
        st = read_all(raw, step, &content);
        FUZZ_CHECK(st == (info.broken ? PLUMB_E_MALFORMED : PLUMB_OK) ||
                   content.count >= CONTENT_MAX);
        pl_raw_close(raw);
        if (!pl_gzip_magic(input))
            FUZZ_CHECK(!info.broken && pl_span_equal(pl_buf_view(&content), input));
        if (content.count < CONTENT_MAX) {
            FUZZ_CHECK(pl_raw_verify(fuzz_store(), key, &found, NULL) == PLUMB_OK);
            FUZZ_CHECK(strcmp(found.identity, info.identity) == 0);
            FUZZ_CHECK(found.broken == info.broken && found.payload_bytes == info.payload_bytes);
            // How far a broken one inflates depends on the pieces it comes in.
            if (!found.broken) FUZZ_CHECK(found.content_bytes == info.content_bytes);
            FUZZ_CHECK(found.broken_at <= found.payload_bytes);
        }
        FUZZ_CHECK(pl_store_delete(fuzz_store(), key, NULL) == PLUMB_OK);
    } else {
        FUZZ_CHECK(st == PLUMB_E_MALFORMED);
    }
    pl_buf_done(&content);
    pl_arena_done(&arena);
}

void fuzz_one(pl_span input)
{
    unsigned how = fuzz_byte(&input);
    size_t step = fuzz_byte(&input) + 1u;
    if (how % 2)
        land(input, how / 2, step);
    else
        read_object(input, step);
}

void fuzz_seeds(void)
{
    static const char head[] = "{\"raw\":1,\"id\":\"" ID "\",\"source\":\"s\",\"name\":\"n\","
                               "\"received_us\":5,\"format\":\"ndjson\",\"again\":true}\n";
    pl_buf gzip = {0}, seed = {0};
    pl_gzip_writer *writer = pl_gzip_writer_new(1, fuzz_write, &gzip);
    FUZZ_CHECK(pl_gzip_write(writer, PL_SPAN("{\"a\":1}\n{\"a\":2}\n"), NULL) == PLUMB_OK);
    FUZZ_CHECK(pl_gzip_finish(writer, NULL) == PLUMB_OK);
    pl_gzip_writer_free(writer);
    for (unsigned how = 0; how < 4; how++) {
        pl_buf_reset(&seed);
        pl_buf_char(&seed, (char)how);
        pl_buf_char(&seed, (char)(how * 31));
        if (how % 2 == 0) pl_buf_text(&seed, head);
        if (how == 3)
            pl_buf_text(&seed, "[{\"a\":1},\n{\"a\":2}]");
        else
            pl_buf_span(&seed, pl_buf_view(&gzip));
        if (how == 2)
            pl_gzip_append_trailer(&seed, PL_SPAN("{\"payload\":{\"bytes\":1,\"sha256\":\"00\"}}"));
        fuzz_seed(pl_buf_view(&seed));
    }
    // An object as it is landed, with its true sums.
    pl_raw_options options = {
        .head = {.id = ID, .source = PL_SPAN("s"), .name = PL_SPAN("n"), .received_us = 1}};
    fuzz_feed feed = {PL_SPAN("{\"a\":1}"), SIZE_MAX};
    pl_arena arena = {0};
    pl_raw_info info;
    pl_span object;
    const char *key;
    FUZZ_CHECK(pl_raw_write(fuzz_store(), &options, fuzz_read, &feed, &arena, &key, &info, NULL) ==
               PLUMB_OK);
    FUZZ_CHECK(pl_store_get(fuzz_store(), key, 1 << 20, &arena, &object, NULL) == PLUMB_OK);
    FUZZ_CHECK(pl_store_delete(fuzz_store(), key, NULL) == PLUMB_OK);
    pl_buf_reset(&seed);
    pl_buf_append(&seed, "\0\x10\n", 3);
    pl_buf_span(&seed, object);
    fuzz_seed(pl_buf_view(&seed));
    pl_buf_done(&gzip);
    pl_buf_done(&seed);
    pl_arena_done(&arena);
}
