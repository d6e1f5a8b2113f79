// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "flow/raw.h"
#include "os/file.h"
#include "os/os.h"
#include "temp.h"

#define ID "01ARYZ6S41TSV4RRFFQ69G5FAV"

static char *dir;
static pl_store *store;
static plumb_error err;
static pl_arena arena;
static pl_buf buf;

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    return pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_store_close(store);
    pl_arena_done(&arena);
    pl_buf_done(&buf);
    temp_remove(dir);
    return 0;
}

typedef struct feed {
    pl_span bytes;
    size_t at, step;
} feed;

static plumb_status feed_read(void *context, void *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *error)
{
    (void)error;
    feed *from = context;
    size_t n = PL_MIN(bytes, from->bytes.bytes - from->at);
    if (from->step) n = PL_MIN(n, from->step);
    memcpy(buffer, from->bytes.data + from->at, n);
    from->at += n;
    *ret_got = n;
    return PLUMB_OK;
}

static plumb_status to_buf(void *context, pl_span bytes, plumb_error *error)
{
    (void)error;
    pl_buf_span(context, bytes);
    return PLUMB_OK;
}

static pl_span gzip(pl_span content)
{
    pl_buf out = {0};
    pl_gzip_writer *writer = pl_gzip_writer_new(2, to_buf, &out);
    CHECK_OK(pl_gzip_write(writer, content, &err), err);
    CHECK_OK(pl_gzip_finish(writer, &err), err);
    pl_gzip_writer_free(writer);
    pl_span copy = pl_arena_copy(&arena, pl_buf_view(&out));
    pl_buf_done(&out);
    return copy;
}

static pl_raw_options options(void)
{
    return (pl_raw_options){.head = {.id = ID,
                                     .source = PL_SPAN("tiktok"),
                                     .name = PL_SPAN("a \"b\".json"),
                                     .received_us = INT64_C(1795316400000000) + 123456},
                            .level = 1};
}

static const char *land_as(pl_span input, const char *id, size_t step, pl_raw_info *info)
{
    pl_raw_options opts = options();
    feed from = {.bytes = input, .step = step};
    const char *key;
    opts.head.id = id;
    CHECK_OK(pl_raw_write(store, &opts, feed_read, &from, &arena, &key, info, &err), err);
    return key;
}

// Read all content into buf; the status it ended with.
static plumb_status read_all(const char *key, size_t step)
{
    pl_raw *raw;
    size_t got = 1;
    plumb_status st = PLUMB_OK;
    pl_buf_reset(&buf);
    CHECK_OK(pl_raw_open(store, key, &raw, &err), err);
    while (got && st == PLUMB_OK) {
        char *to = pl_buf_reserve(&buf, step);
        st = pl_raw_framer_read(raw, to, step, &got, &err);
        if (st == PLUMB_OK) buf.count += got;
    }
    CHECK(pl_raw_content_bytes(raw) == buf.count);
    pl_raw_close(raw);
    return st;
}

TEST(raw_key_holds_the_hour_of_receipt)
{
    pl_raw_key(ID, PL_SPAN("shop"), 0, &buf);
    CHECK_STR("raw/source=shop/year=1970/month=01/day=01/hour=00/" ID ".json.gz",
              pl_buf_cstr(&buf));
    pl_buf_reset(&buf);
    pl_raw_key(ID, PL_SPAN("shop"), -1, &buf);
    CHECK_STR("raw/source=shop/year=1969/month=12/day=31/hour=23/" ID ".json.gz",
              pl_buf_cstr(&buf));
}

TEST(raw_plain_input_comes_back_with_its_head)
{
    pl_raw_info info, again;
    pl_span text = PL_SPAN("{\"a\": 1}\n{\"a\": 2}\n");
    const char *key = land_as(text, ID, 1, &info);
    CHECK_STR("raw/source=tiktok/year=2026/month=11/day=22/hour=03/" ID ".json.gz", key);
    CHECK_INT(text.bytes, info.content_bytes);
    CHECK_INT(text.bytes, info.input_bytes);
    CHECK_STR("ndjson", pl_format_name(info.format));
    CHECK(!info.broken);
    CHECK_STR("5b8f82d3cc66533038f4fdee4b09bc34e9b051ba8de538b8289eb52a425e3a79", info.identity);
    for (size_t step = 1; step < 100; step += 13) {
        CHECK_INT(PLUMB_OK, read_all(key, step));
        CHECK_SPAN("{\"a\": 1}\n{\"a\": 2}\n", pl_buf_view(&buf));
    }
    pl_raw *raw;
    CHECK_OK(pl_raw_open(store, key, &raw, &err), err);
    const pl_raw_head *head = pl_raw_head_of(raw);
    CHECK_STR(ID, head->id);
    CHECK_SPAN("tiktok", head->source);
    CHECK_SPAN("a \"b\".json", head->name);
    CHECK(head->received_us == INT64_C(1795316400123456));
    CHECK(head->format == PL_FORMAT_NDJSON && !head->again);
    pl_raw_close(raw);
    CHECK_OK(pl_raw_verify(store, key, &again, &err), err);
    CHECK_STR(info.identity, again.identity);
    CHECK_STR(info.payload_sha256, again.payload_sha256);
    CHECK(info.stored_bytes == again.stored_bytes);
    pl_file_info file;
    CHECK_OK(pl_path_info(pl_store_path(store, key, &arena), &file, &err), err);
    CHECK_INT(0444, file.mode);
    CHECK_INT(file.bytes, info.stored_bytes);
}

TEST(raw_gzip_input_is_kept_verbatim_and_has_the_identity_of_its_content)
{
    pl_raw_info plain, info;
    pl_span text = PL_SPAN("[{\"a\": 1}]");
    pl_span zipped = gzip(text), stored;
    land_as(text, "01ARYZ6S41TSV4RRFFQ69G5FA1", 0, &plain);
    const char *key = land_as(zipped, ID, 3, &info);
    CHECK_STR(plain.identity, info.identity);
    CHECK_STR("array", pl_format_name(info.format));
    CHECK_INT(zipped.bytes, info.payload_bytes);
    CHECK_OK(pl_store_get(store, key, 100000, &arena, &stored, &err), err);
    CHECK(memmem(stored.data, stored.bytes, zipped.data, zipped.bytes) != NULL);
    CHECK_INT(PLUMB_OK, read_all(key, 4));
    CHECK_SPAN("[{\"a\": 1}]", pl_buf_view(&buf));

    // A raw object ingested again is its content once more, head and trailer of its own aside.
    const char *twice = land_as(stored, "01ARYZ6S41TSV4RRFFQ69G5FA2", 5, &info);
    CHECK_STR(plain.identity, info.identity);
    CHECK_OK(pl_raw_verify(store, twice, &info, &err), err);
    CHECK_INT(stored.bytes, info.payload_bytes);
}

TEST(raw_truncated_gzip_lands_whole_at_every_cut)
{
    static char text[3000];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + i * i % 23);
    pl_span zipped = gzip((pl_span){text, sizeof text});
    char seen[2][PL_SHA256_TEXT] = {""};
    for (size_t cut = 2; cut < zipped.bytes; cut += 7) {
        pl_raw_info info, again;
        char id[PL_ULID_TEXT], want[200];
        snprintf(id, sizeof id, "01ARYZ6S41TSV4RRFFQ6900%03zu", cut % 1000);
        const char *key = land_as((pl_span){zipped.data, cut}, id, 100, &info);
        CHECK(info.broken);
        CHECK_INT(cut, info.payload_bytes);
        CHECK_INT(cut, info.broken_at);
        CHECK_INT(PLUMB_E_MALFORMED, read_all(key, 1000));
        snprintf(want, sizeof want, "gzip input is broken at byte %zu: %s", cut,
                 cut < 10 ? "truncated in a gzip header" : "truncated");
        CHECK_STR(want, err.message);
        CHECK_INT(cut, err.offset);
        CHECK(memcmp(buf.data, text, buf.count) == 0);
        CHECK_OK(pl_raw_verify(store, key, &again, &err), err);
        CHECK(again.broken);
        CHECK_STR(info.identity, again.identity);
        CHECK(strcmp(info.identity, seen[0]) != 0);
        memcpy(seen[0], info.identity, sizeof seen[0]);
    }
}

TEST(raw_garbage_after_gzip_is_broken_there_and_kept)
{
    pl_raw_info info;
    pl_span zipped = gzip(PL_SPAN("{}\n")), stored;
    pl_buf_span(&buf, zipped);
    pl_buf_text(&buf, "garbage");
    const char *key = land_as(pl_arena_copy(&arena, pl_buf_view(&buf)), ID, 0, &info);
    CHECK(info.broken);
    CHECK_STR("garbage after a gzip member", info.reason);
    CHECK_INT(zipped.bytes, info.broken_at);
    CHECK_OK(pl_store_get(store, key, 10000, &arena, &stored, &err), err);
    CHECK(memcmp(stored.data + stored.bytes - 7, "garbage", 7) == 0);
    CHECK_INT(PLUMB_E_MALFORMED, read_all(key, 100));
    CHECK_SPAN("{}\n", pl_buf_view(&buf));
}

TEST(raw_refuses_what_it_cannot_read_and_leaves_nothing)
{
    pl_raw_options opts = options();
    pl_raw_info info;
    const char *key;
    feed from = {.bytes = PL_SPAN("BZh9____")};
    CHECK_INT(PLUMB_E_MALFORMED,
              pl_raw_write(store, &opts, feed_read, &from, &arena, &key, &info, &err));
    CHECK_STR("bzip2 compression is not read yet", err.message);
    CHECK_STR("Decompress it, or compress it with gzip instead.", err.hint);
    atomic_store(&pl_cancelled, true);
    from = (feed){.bytes = PL_SPAN("{}")};
    CHECK_INT(PLUMB_E_CANCELLED,
              pl_raw_write(store, &opts, feed_read, &from, &arena, &key, &info, &err));
    atomic_store(&pl_cancelled, false);
    char **names;
    uint32_t count;
    CHECK_OK(pl_path_list(temp_path(dir, "lake/.tmp"), &arena, &names, &count, &err), err);
    CHECK_INT(0, count);
    CHECK(!pl_path_exists(temp_path(dir, "lake/raw")));
}

TEST(raw_never_replaces_an_object)
{
    pl_raw_options opts = options();
    pl_raw_info info;
    feed from = {.bytes = PL_SPAN("{}")};
    const char *key = land_as(PL_SPAN("first"), ID, 0, &info);
    CHECK_INT(PLUMB_E_CONFLICT,
              pl_raw_write(store, &opts, feed_read, &from, &arena, &key, &info, &err));
    CHECK_INT(PLUMB_OK, read_all(key, 100));
    CHECK_SPAN("first", pl_buf_view(&buf));
}

TEST(raw_empty_input_is_an_object)
{
    pl_raw_info info;
    const char *key = land_as(PL_SPAN(""), ID, 0, &info);
    CHECK_INT(0, info.content_bytes);
    CHECK(!info.broken);
    CHECK_STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", info.identity);
    CHECK_INT(PLUMB_OK, read_all(key, 100));
    CHECK_INT(0, buf.count);
}

TEST(raw_verify_finds_any_changed_byte)
{
    pl_raw_info info, found;
    pl_span bytes;
    const char *key = land_as(PL_SPAN("{\"a\": 1}\n{\"a\": 2}\n"), ID, 0, &info);
    const char *path = pl_store_path(store, key, &arena);
    CHECK_OK(pl_store_get(store, key, 10000, &arena, &bytes, &err), err);
    char *copy = pl_arena_cstr(&arena, bytes);
    unsigned missed = 0;
    for (size_t i = 0; i < bytes.bytes; i++) {
        copy[i] ^= 4;
        unlink(path);
        temp_write(path, copy, bytes.bytes);
        plumb_status st = pl_raw_verify(store, key, &found, &err);
        // What is left broken, or with another identity, the registry's row tells.
        if (st == PLUMB_OK && strcmp(found.identity, info.identity) == 0) missed++;
        copy[i] ^= 4;
    }
    // Bytes of our own two members that mean nothing (time, flags for the curious, system) and the
    // text of the head, which has no sum but its own members' registry row.
    CHECK(missed < bytes.bytes / 2);
    CHECK(missed > 0);
}

TEST(raw_rewinds_to_any_place_at_no_more_than_the_way_there)
{
    enum { WORDS = 10 * 1024 * 1024, STEP = 1 << 20 };
    pl_raw_info info;
    uint64_t *content = pl_alloc(WORDS * sizeof *content), seed = 1;
    static uint64_t back[STEP / 8];
    for (uint64_t i = 0; i < WORDS; i++) content[i] = i;
    const char *key = land_as(pl_span_make(content, WORDS * 8), ID, 65536, &info);
    pl_raw *raw;
    CHECK_OK(pl_raw_open(store, key, &raw, &err), err);
    for (int round = 0; round < 60; round++) {
        uint64_t at = pl_raw_content_bytes(raw), target = at;
        size_t got = 1;
        for (int n = 0; n < round % 13 && got; n++) {
            CHECK_OK(pl_raw_read(raw, back, STEP, &got, &err), err);
            CHECK_INT(0, got ? memcmp((const char *)content + at, back, got) : 0);
            at += got;
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        target = (seed >> 33) % (at + 1);
        CHECK_OK(pl_raw_rewind(raw, target, &err), err);
        CHECK(pl_raw_content_bytes(raw) <= target);
        if (round > 30) CHECK(target - pl_raw_content_bytes(raw) <= at - target + 8 * STEP);
    }
    pl_raw_close(raw);
    free(content);
}

TEST(raw_foreign_gzip_is_no_raw_object)
{
    pl_raw *raw;
    CHECK_OK(pl_store_put(store, "x.gz", gzip(PL_SPAN("{}")), &err), err);
    CHECK_INT(PLUMB_E_MALFORMED, pl_raw_open(store, "x.gz", &raw, &err));
    CHECK_STR("cannot read raw object 'x.gz': it does not begin as plumb writes them", err.message);
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_raw_open(store, "y.gz", &raw, &err));
    CHECK_STR("cannot read object 'y.gz': no such object", err.message);
}

#define F(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("flow/raw", F(raw_rewinds_to_any_place_at_no_more_than_the_way_there),
                     F(raw_key_holds_the_hour_of_receipt),
                     F(raw_plain_input_comes_back_with_its_head),
                     F(raw_gzip_input_is_kept_verbatim_and_has_the_identity_of_its_content),
                     F(raw_truncated_gzip_lands_whole_at_every_cut),
                     F(raw_garbage_after_gzip_is_broken_there_and_kept),
                     F(raw_refuses_what_it_cannot_read_and_leaves_nothing),
                     F(raw_never_replaces_an_object), F(raw_empty_input_is_an_object),
                     F(raw_verify_finds_any_changed_byte), F(raw_foreign_gzip_is_no_raw_object));
}
