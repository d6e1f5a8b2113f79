// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include "unit.h"

static bool all_zero(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i]) return false;
    return true;
}

TEST(arena_hands_out_zeroed_memory_aligned_to_16_bytes_of_any_size)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 16 * 1024, 16 * 1024 + 1, 5000000};
    pl_arena arena = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < PL_COUNT(sizes); i++) {
            char *taken = pl_arena_take(&arena, sizes[i]);
            CHECK_INT(0, (uintptr_t)taken % 16);
            CHECK(all_zero(taken, sizes[i]));
            memset(taken, 0xAA, sizes[i]); // dirties what the next round is given
        }
        pl_arena_reset(&arena);
    }
    pl_arena_done(&arena);
}

TEST(arena_never_gives_the_same_bytes_twice_before_reset)
{
    pl_arena arena = {0};
    unsigned char *taken[2000];
    for (int i = 0; i < 2000; i++) {
        taken[i] = pl_arena_take(&arena, (size_t)(i % 97) + 1);
        memset(taken[i], i & 0xFF, (size_t)(i % 97) + 1);
    }
    for (int i = 0; i < 2000; i++)
        for (int b = 0; b < i % 97 + 1; b++) CHECK_INT(i & 0xFF, taken[i][b]);
    pl_arena_done(&arena);
}

TEST(arena_reset_keeps_one_chunk_the_largest_and_done_keeps_nothing)
{
    pl_arena arena = {0};
    pl_arena_reset(&arena); // a zero arena is a valid one
    CHECK_INT(0, arena.bytes);
    pl_arena_take(&arena, 100);
    pl_arena_take(&arena, 1000000);
    pl_arena_take(&arena, 1000000);
    pl_arena_reset(&arena);
    size_t kept = arena.bytes;
    CHECK(kept >= 1000000 && kept < 1100000);
    pl_arena_take(&arena, 1000000);
    CHECK_INT(kept, arena.bytes);
    pl_arena_done(&arena);
    CHECK_INT(0, arena.bytes);
    CHECK(!arena.chunk);
    pl_arena_done(&arena);
}

TEST(arena_copies_are_terminated_and_keep_embedded_nul_bytes)
{
    pl_arena arena = {0};
    pl_span copy = pl_arena_copy(&arena, pl_span_make("a\0b", 3));
    CHECK_INT(3, copy.bytes);
    CHECK_INT(0, memcmp(copy.data, "a\0b", 4));
    CHECK_STR("", pl_arena_copy(&arena, (pl_span){0}).data);
    CHECK_STR("", pl_arena_cstr(&arena, (pl_span){0}));
    CHECK_STR("abc", pl_arena_cstr(&arena, pl_span_make("abcdef", 3)));
    CHECK_STR("7 rows of x", pl_arena_printf(&arena, "%d rows of %s", 7, "x"));
    CHECK_STR("", pl_arena_printf(&arena, "%s", ""));
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS("base/arena", T(arena_hands_out_zeroed_memory_aligned_to_16_bytes_of_any_size),
                     T(arena_never_gives_the_same_bytes_twice_before_reset),
                     T(arena_reset_keeps_one_chunk_the_largest_and_done_keeps_nothing),
                     T(arena_copies_are_terminated_and_keep_embedded_nul_bytes));
}
