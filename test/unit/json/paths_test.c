// SPDX-License-Identifier: Apache-2.0
#include "json/paths.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "unit.h"

TEST(paths_give_one_slot_per_wanted_path_in_order)
{
    pl_paths paths;
    pl_paths_init(&paths);
    pl_span a_b[] = {PL_SPAN("a"), PL_SPAN("b")}, a_c[] = {PL_SPAN("a"), PL_SPAN("c")};
    pl_span empty[] = {PL_SPAN("")};
    CHECK_INT(0, pl_paths_want(&paths, a_b, 2));
    CHECK_INT(1, pl_paths_want(&paths, a_c, 2));
    CHECK_INT(2, pl_paths_want(&paths, a_b, 1));
    CHECK_INT(0, pl_paths_want(&paths, a_b, 2));
    CHECK_INT(3, pl_paths_want(&paths, NULL, 0)); // the record itself
    CHECK_INT(4, pl_paths_want(&paths, empty, 1));
    CHECK_INT(5, paths.slot_count);
    CHECK_INT(5, paths.count); // root, a, a.b, a.c, ""
    CHECK_INT(3, paths.nodes[PL_PATH_ROOT].slot);
    pl_paths_done(&paths);
}

TEST(paths_know_where_wanted_paths_lie_inside)
{
    pl_paths paths;
    pl_paths_init(&paths);
    pl_span keys[] = {PL_SPAN("a"), PL_SPAN("b"), PL_SPAN("c")};
    pl_paths_want(&paths, keys, 3);
    uint32_t a = pl_paths_child(&paths, PL_PATH_ROOT, keys[0], false);
    uint32_t b = pl_paths_child(&paths, a, keys[1], false);
    uint32_t c = pl_paths_child(&paths, b, keys[2], false);
    uint32_t other = pl_paths_child(&paths, a, PL_SPAN("x"), true);
    CHECK(paths.nodes[PL_PATH_ROOT].inside && paths.nodes[a].inside && paths.nodes[b].inside);
    CHECK(!paths.nodes[c].inside && !paths.nodes[other].inside);
    CHECK_INT(-1, paths.nodes[b].slot);
    CHECK(pl_paths_below(&paths, c, a) && pl_paths_below(&paths, c, PL_PATH_ROOT));
    CHECK(pl_paths_below(&paths, a, a));
    CHECK(!pl_paths_below(&paths, a, c) && !pl_paths_below(&paths, other, b));
    pl_paths_done(&paths);
}

TEST(paths_tell_equal_keys_of_different_parents_apart)
{
    pl_paths paths;
    pl_paths_init(&paths);
    uint32_t a = pl_paths_child(&paths, PL_PATH_ROOT, PL_SPAN("a"), true);
    uint32_t a_a = pl_paths_child(&paths, a, PL_SPAN("a"), true);
    CHECK(a != a_a);
    CHECK_INT(a, pl_paths_child(&paths, PL_PATH_ROOT, PL_SPAN("a"), true));
    CHECK_INT(a_a, pl_paths_child(&paths, a, PL_SPAN("a"), false));
    CHECK_INT(PL_PATH_NONE, pl_paths_child(&paths, a_a, PL_SPAN("a"), false));
    CHECK_INT(PL_PATH_NONE, pl_paths_child(&paths, a, pl_span_make("a\0", 2), false));
    pl_paths_done(&paths);
}

TEST(paths_copy_what_they_learn)
{
    pl_paths paths;
    pl_paths_init(&paths);
    char key[] = "key";
    uint32_t node = pl_paths_child(&paths, PL_PATH_ROOT, pl_span_of(key), true);
    memset(key, 'x', 3);
    CHECK_SPAN("key", pl_path_key(&paths.nodes[node]));
    CHECK_INT(node, pl_paths_child(&paths, PL_PATH_ROOT, PL_SPAN("key"), false));
    pl_paths_done(&paths);
}

TEST(paths_stop_learning_at_their_limit_but_still_take_in_wanted_ones)
{
    pl_paths paths;
    pl_paths_init(&paths);
    char key[32];
    for (uint32_t i = 1; i < PL_PATHS_MAX; i++) {
        pl_span span = pl_span_make(key, (size_t)snprintf(key, sizeof key, "k%u", i));
        CHECK_INT(i, pl_paths_child(&paths, PL_PATH_ROOT, span, true));
    }
    CHECK_INT(PL_PATH_NONE, pl_paths_child(&paths, PL_PATH_ROOT, PL_SPAN("new"), true));
    CHECK_INT(7, pl_paths_child(&paths, PL_PATH_ROOT, PL_SPAN("k7"), true));
    CHECK_INT(PL_PATHS_MAX, paths.count);
    pl_span wanted[] = {PL_SPAN("new"), PL_SPAN("deep")};
    CHECK_INT(0, pl_paths_want(&paths, wanted, 2));
    CHECK_INT(PL_PATHS_MAX, pl_paths_child(&paths, PL_PATH_ROOT, PL_SPAN("new"), false));
    pl_paths_done(&paths);
}

TEST(paths_stop_learning_when_their_keys_fill_the_memory_meant_for_them)
{
    pl_paths paths;
    pl_paths_init(&paths);
    char *key = malloc(PL_KEY_BYTES_MAX);
    memset(key, 'k', PL_KEY_BYTES_MAX);
    uint32_t learned = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        memcpy(key, &i, sizeof i);
        learned += pl_paths_child(&paths, PL_PATH_ROOT, pl_span_make(key, PL_KEY_BYTES_MAX),
                                  true) != PL_PATH_NONE;
    }
    CHECK(learned > 100 && learned < 400);
    CHECK(paths.arena.bytes < 2 * PL_PATHS_BYTES_MAX);
    free(key);
    pl_paths_done(&paths);
}

// One of any number of keys with one hash: its last word undoes whatever its first ones did.
static pl_span alike(char key[25], unsigned number)
{
    const uint64_t k1 = 0xbb67ae8584caa73bu;
    snprintf(key, 25, "%016u", number);
    memcpy(key + 16, &k1, 8);
    return pl_span_make(key, 24);
}

TEST(paths_learn_few_of_the_keys_made_to_hash_alike)
{
    char key[25];
    pl_paths paths;
    pl_paths_init(&paths);
    for (unsigned i = 0; i < 300; i++) {
        pl_span wanted = alike(key, i);
        CHECK_INT(i, pl_paths_want(&paths, &wanted, 1));
    }
    CHECK(pl_hash(alike(key, 1)) == pl_hash(alike(key, 2)));
    // All learned, these took minutes.
    for (unsigned i = 0; i < 60000; i++) pl_paths_child(&paths, 0, alike(key, i), true);
    CHECK(paths.count < 2000);
    for (unsigned i = 0; i < 300; i++)
        CHECK_INT(i + 1, pl_paths_child(&paths, 0, alike(key, i), false));
    unsigned others = 0; // are learned as ever, but for those that belong where the former lie
    for (unsigned i = 0; i < 10000; i++) {
        pl_span other = pl_span_make(key, (size_t)snprintf(key, sizeof key, "%u", i));
        others += pl_paths_child(&paths, 0, other, true) != PL_PATH_NONE;
    }
    CHECK(others > 9000);
    pl_paths_done(&paths);
}

// How many of the node's edges are `literal`.
static unsigned edges_of(const pl_paths *paths, uint32_t node, char literal)
{
    unsigned found = 0;
    for (uint8_t i = 0; i < paths->nodes[node].edge_count; i++)
        found += paths->nodes[node].edges[i].literal[0] == literal;
    return found;
}

TEST(paths_keep_four_edges_of_a_node_and_give_one_up_only_after_many_misses)
{
    pl_paths paths;
    pl_paths_init(&paths);
    CHECK(!paths.nodes[PL_PATH_ROOT].edges);
    for (char c = 'a'; c < 'a' + PL_EDGES_MAX; c++) {
        pl_paths_learn(&paths, PL_PATH_ROOT, &(pl_path_edge){.literal = {c}, .bytes = 1});
        CHECK_INT(1, edges_of(&paths, PL_PATH_ROOT, c));
    }
    for (int i = 0; i < 15; i++)
        pl_paths_learn(&paths, PL_PATH_ROOT, &(pl_path_edge){.literal = {'x'}, .bytes = 1});
    CHECK_INT(0, edges_of(&paths, PL_PATH_ROOT, 'x'));
    pl_paths_learn(&paths, PL_PATH_ROOT, &(pl_path_edge){.literal = {'x'}, .bytes = 1});
    CHECK_INT(1, edges_of(&paths, PL_PATH_ROOT, 'x'));
    CHECK_INT(PL_EDGES_MAX, paths.nodes[PL_PATH_ROOT].edge_count);
    pl_paths_done(&paths);
}

TEST(paths_give_edges_to_a_bounded_number_of_nodes)
{
    pl_paths paths;
    pl_paths_init(&paths);
    pl_path_edge edge = {.literal = ",", .bytes = 1};
    char key[16];
    for (unsigned i = 0; i < PL_FANS_MAX + 1; i++) {
        pl_span span = pl_span_make(key, (size_t)snprintf(key, sizeof key, "%u", i));
        pl_paths_learn(&paths, pl_paths_child(&paths, PL_PATH_ROOT, span, true), &edge);
    }
    CHECK_INT(PL_FANS_MAX, paths.fan_count);
    CHECK_INT(1, paths.nodes[PL_FANS_MAX].edge_count);
    CHECK_INT(0, paths.nodes[PL_FANS_MAX + 1].edge_count);
    pl_paths_done(&paths);
}

int main(void)
{
    return RUN_TESTS("json/paths", T(paths_give_one_slot_per_wanted_path_in_order),
                     T(paths_know_where_wanted_paths_lie_inside),
                     T(paths_tell_equal_keys_of_different_parents_apart),
                     T(paths_copy_what_they_learn),
                     T(paths_stop_learning_at_their_limit_but_still_take_in_wanted_ones),
                     T(paths_stop_learning_when_their_keys_fill_the_memory_meant_for_them),
                     T(paths_learn_few_of_the_keys_made_to_hash_alike),
                     T(paths_keep_four_edges_of_a_node_and_give_one_up_only_after_many_misses),
                     T(paths_give_edges_to_a_bounded_number_of_nodes));
}
