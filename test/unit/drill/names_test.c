// SPDX-License-Identifier: Apache-2.0
#include "drill/names.h"

#include "unit.h"

// Every name that some seed gives, between bars.
static const char *all_names(const char *key, bool object, pl_arena *arena)
{
    const char *all = "|";
    for (uint64_t seed = 0; seed < 200; seed++) {
        pl_chance chance = {seed};
        pl_span name = pl_names_other(pl_span_of(key), object, &chance, arena);
        const char *marked = pl_arena_printf(arena, "|%.*s|", PL_FMT(name));
        if (!strstr(all, marked)) all = pl_arena_printf(arena, "%s%s", all, marked + 1);
    }
    return all;
}

static void check_among(const char *key, bool object, const char *wanted)
{
    pl_arena arena = {0};
    const char *all = all_names(key, object, &arena);
    if (!strstr(all, pl_arena_printf(&arena, "|%s|", wanted)))
        fail_msg("'%s' is never '%s', only %s", key, wanted, all);
    pl_arena_done(&arena);
}

TEST(names_change_as_those_of_apis_do)
{
    check_among("likes", false, "like_count");
    check_among("likes", false, "reactions");
    check_among("comment_count", false, "comments");
    check_among("reply_count", false, "replies");
    check_among("play_count", false, "plays");
    check_among("favorite_count", false, "favorites");
    check_among("searches", false, "search_count");
    check_among("stories", false, "story_count");
    check_among("created_at", false, "created_time");
    check_among("id", false, "item_id");
    check_among("statistics", true, "metrics");
    check_among("zip", true, "zip_info");
}

TEST(names_keep_their_style)
{
    check_among("viewCount", false, "playCount");
    check_among("viewCount", false, "views");
    check_among("createdAt", false, "createdTime");
    check_among("view-count", false, "play-count");
    check_among("zip", false, "zip_v2");
}

TEST(names_follow_from_the_seed)
{
    pl_arena arena = {0};
    for (uint64_t seed = 0; seed < 20; seed++) {
        pl_chance a = {seed}, b = {seed};
        pl_span one = pl_names_other(PL_SPAN("likes"), false, &a, &arena);
        pl_span two = pl_names_other(PL_SPAN("likes"), false, &b, &arena);
        CHECK(pl_span_equal(one, two));
    }
    pl_chance first = {1};
    CHECK(pl_chance_next(&first) == UINT64_C(0x910a2dec89025cc1)); // the same in every version
    CHECK_INT(0, pl_chance_below(&first, 0));
    pl_arena_done(&arena);
}

TEST(names_of_odd_keys)
{
    static const char *const odd[] = {"", "_", "a.b", "\xc3\xa9t\xc3\xa9", "A", "__x__"};
    pl_arena arena = {0};
    for (size_t i = 0; i < PL_COUNT(odd); i++) {
        pl_chance chance = {i};
        CHECK(pl_names_other(pl_span_of(odd[i]), false, &chance, &arena).bytes > 0);
        CHECK(pl_names_beside(pl_span_of(odd[i]), &chance, &arena).bytes > 0);
    }
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS("drill/names", T(names_change_as_those_of_apis_do), T(names_keep_their_style),
                     T(names_follow_from_the_seed), T(names_of_odd_keys));
}
