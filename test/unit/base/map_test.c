// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"

#include "base/arena.h"
#include "unit.h"

TEST(map_finds_nothing_in_an_empty_map)
{
    pl_map map = {0};
    CHECK_INT(PL_MAP_NONE, pl_map_get(&map, PL_SPAN("a")));
    CHECK_INT(PL_MAP_NONE, pl_map_get(&map, (pl_span){0}));
    pl_map_done(&map);
    pl_map_done(&map);
}

TEST(map_keeps_the_first_value_of_a_key)
{
    pl_map map = {0};
    CHECK_INT(7, pl_map_add(&map, PL_SPAN("a"), 7));
    CHECK_INT(7, pl_map_add(&map, PL_SPAN("a"), 8));
    CHECK_INT(7, pl_map_get(&map, PL_SPAN("a")));
    CHECK_INT(1, map.count);
    pl_map_done(&map);
}

TEST(map_tells_the_empty_key_and_embedded_nul_bytes_apart)
{
    pl_map map = {0};
    pl_map_add(&map, (pl_span){0}, 1);
    pl_map_add(&map, pl_span_make("\0", 1), 2);
    pl_map_add(&map, pl_span_make("\0\0", 2), 3);
    pl_map_add(&map, pl_span_make("a\0", 2), 4);
    CHECK_INT(1, pl_map_get(&map, PL_SPAN("")));
    CHECK_INT(2, pl_map_get(&map, pl_span_make("\0", 1)));
    CHECK_INT(3, pl_map_get(&map, pl_span_make("\0\0", 2)));
    CHECK_INT(4, pl_map_get(&map, pl_span_make("a\0", 2)));
    CHECK_INT(PL_MAP_NONE, pl_map_get(&map, PL_SPAN("a")));
    pl_map_done(&map);
}

TEST(map_finds_all_of_many_keys_after_growing)
{
    pl_map map = {0};
    pl_arena arena = {0};
    for (uint32_t i = 0; i < 20000; i++)
        CHECK_INT(i, pl_map_add(&map, pl_span_of(pl_arena_printf(&arena, "key%u", i)), i));
    CHECK_INT(20000, map.count);
    for (uint32_t i = 0; i < 20000; i++)
        CHECK_INT(i, pl_map_get(&map, pl_span_of(pl_arena_printf(&arena, "key%u", i))));
    CHECK_INT(PL_MAP_NONE, pl_map_get(&map, PL_SPAN("key20000")));
    pl_map_done(&map);
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS("base/map", T(map_finds_nothing_in_an_empty_map),
                     T(map_keeps_the_first_value_of_a_key),
                     T(map_tells_the_empty_key_and_embedded_nul_bytes_apart),
                     T(map_finds_all_of_many_keys_after_growing));
}
