// Large pages through our own packer, expanded by libsnappy: texts with words, noise, runs, places
// where fragments meet, and inputs and outputs that end where nobody may read or write.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <sys/mman.h>

#include "codec/snappy.h"
#include "unit.h"

enum { PAGE = 4096, ROOM = 512 * PAGE };

// ROOM bytes before a page nobody may touch.
static char *area(void)
{
    char *made =
        mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(made != MAP_FAILED);
    CHECK_INT(0, mprotect(made + ROOM, PAGE, PROT_NONE));
    return made + ROOM;
}

static uint64_t seed = 1;

static uint32_t some(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static char *in_end, *out_end;
static pl_snappy_packer *packer;
static char *expanded;

// Packs the last `bytes` bytes before `in_end`, with no more room than said; how many they become.
static size_t pack(size_t bytes)
{
    size_t bound = pl_snappy_bound(bytes), says;
    char *out = out_end - bound;
    pl_span input = pl_span_make(in_end - bytes, bytes);
    size_t packed = pl_snappy_pack(packer, input, out);
    CHECK(packed <= bound);
    CHECK(pl_snappy_size(pl_span_make(out, packed), &says));
    CHECK_INT(bytes, says);
    CHECK(pl_snappy_expand(pl_span_make(out, packed), expanded));
    CHECK(memcmp(input.data, expanded, bytes) == 0);
    return packed;
}

static int set_up(void **state)
{
    (void)state;
    in_end = area();
    out_end = area();
    packer = pl_snappy_packer_new();
    expanded = pl_alloc(ROOM);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_snappy_packer_free(packer);
    free(expanded);
    return 0;
}

// Words of 2 to 9 letters out of `words`, so many of every 256 of them new.
static void fill_words(size_t bytes, uint32_t words, uint32_t fresh)
{
    char *to = in_end - bytes;
    while (to < in_end) {
        uint64_t word = some(256) < fresh ? some(1 << 30) : some(words);
        uint64_t letters = (word + 1) * UINT64_C(0x9e3779b97f4a7c15);
        for (uint64_t i = 2 + letters % 8; i && to < in_end; i--, letters >>= 5)
            *to++ = (char)('a' + letters % 26);
        if (to < in_end) *to++ = ' ';
    }
}

TEST(packed_text_expands_and_is_as_small_as_libsnappys)
{
    for (uint32_t words = 10; words <= 100000; words *= 10) {
        fill_words(300000, words, words % 7);
        char *theirs = pl_alloc(pl_snappy_bound(300000));
        size_t more = pl_snappy_compress(pl_span_make(in_end - 300000, 300000), theirs);
        CHECK(pack(300000) < more * 103 / 100);
        free(theirs);
    }
}

TEST(sizes_around_fragments_and_the_smallest)
{
    static const uint32_t around[] = {16 * 1024, 64 * 1024, 128 * 1024};
    for (size_t i = 0; i < PL_COUNT(around); i++)
        for (uint32_t more = 0; more < 160; more++) {
            fill_words(around[i] - 80 + more, 500, 20);
            pack(around[i] - 80 + more);
        }
    CHECK_INT(1, pack(0));
}

// Noise costs next to nothing, wherever text begins in it.
TEST(noise_is_left_as_it_is)
{
    for (int round = 0; round < 40; round++) {
        size_t bytes = 20000 + some(200000);
        for (size_t i = 1; i <= bytes; i++) in_end[-(ptrdiff_t)i] = (char)some(256);
        CHECK(pack(bytes) < bytes + bytes / 1000 + 20);
        size_t text = some((uint32_t)bytes);
        fill_words(text, 50, 0);
        CHECK(pack(bytes) < bytes - text / 3 + bytes / 1000 + 3000);
    }
}

// One byte, and periods of every length: matches that overlap themselves, of every length.
TEST(runs_and_periods)
{
    for (uint32_t period = 1; period < 200; period++) {
        size_t bytes = 16384 + some(70000);
        char *in = in_end - bytes;
        for (size_t i = 0; i < bytes; i++) in[i] = i < period ? (char)some(256) : in[i - period];
        CHECK(pack(bytes) < bytes / 15 + 400);
        for (uint32_t at = 0; at < bytes; at += some(300)) in[at] = (char)some(256);
        pack(bytes);
    }
}

// Copies of all lengths from near and far between literals of all lengths.
TEST(copies_and_literals_of_all_lengths)
{
    for (int round = 0; round < 300; round++) {
        size_t bytes = 16384 + some(180000);
        char *in = in_end - bytes;
        for (size_t at = 0; at < bytes;) {
            size_t fresh = some(some(10) ? 24 : 400), copy = some(some(10) ? 12 : 200);
            for (size_t i = 0; i < fresh && at < bytes; i++)
                in[at++] = (char)some(round % 3 ? 256 : 4);
            uint32_t back = 1 + some(some(2) ? 3000 : 70000);
            for (size_t i = 0; back <= at && i < copy && at < bytes; i++, at++)
                in[at] = in[at - back];
        }
        pack(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(packed_text_expands_and_is_as_small_as_libsnappys),
        T(sizes_around_fragments_and_the_smallest),
        T(noise_is_left_as_it_is),
        T(runs_and_periods),
        T(copies_and_literals_of_all_lengths),
    };
    return cmocka_run_group_tests_name("codec/snappy_pack", tests, set_up, tear_down);
}
