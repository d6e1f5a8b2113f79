// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "shapes.h"

// Records of part `part`, each in another order of magnitude and with keys of its own.
static void fill(pl_shape *shape, int part, int records)
{
    pl_shape_init(shape);
    pl_shape_object(shape, 1000 + part);
    for (int i = 0; i < records; i++) {
        char json[256], entity[16];
        int id = part * 700 + i; // some of the next part's too
        snprintf(json, sizeof json,
                 "{\"id\":%d,\"v\":%d.%d,\"t\":\"%s%d\",\"only%d\":{\"x\":[%d,\"%d%%\",null]},"
                 "\"at\":\"2026-11-%02dT00:00:00Z\",\"deep\":{\"e\":1e%d}}",
                 id, i % 7 - 3, part, part ? "w" : "\\u00e9 ", i % 400, part, i, i, i % 28 + 1,
                 part * 90 + i % 80);
        snprintf(entity, sizeof entity, "%d", id);
        observe(shape, json, entity);
    }
    pl_shape_settle(shape);
}

static void merged(pl_shape *out, const pl_shape *a, const pl_shape *b)
{
    pl_shape_init(out);
    pl_shape_merge(out, a);
    pl_shape_merge(out, b);
}

TEST(merge_is_commutative_and_associative)
{
    static const int sizes[][3] = {{1, 1, 1}, {40, 300, 3}, {1000, 1500, 900}};
    for (size_t s = 0; s < PL_COUNT(sizes); s++) {
        pl_shape a, b, c, ab, ba, bc, ab_c, a_bc;
        fill(&a, 0, sizes[s][0]), fill(&b, 1, sizes[s][1]), fill(&c, 2, sizes[s][2]);
        merged(&ab, &a, &b), merged(&ba, &b, &a), merged(&bc, &b, &c);
        merged(&ab_c, &ab, &c), merged(&a_bc, &a, &bc);
        check_same(&ab, &ba);
        check_same(&ab_c, &a_bc);
        pl_shape_done(&a), pl_shape_done(&b), pl_shape_done(&c), pl_shape_done(&ab);
        pl_shape_done(&ba), pl_shape_done(&bc), pl_shape_done(&ab_c), pl_shape_done(&a_bc);
    }
}

TEST(merge_of_parts_is_the_shape_of_the_whole)
{
    pl_shape whole, parts, part;
    pl_shape_init(&whole);
    pl_shape_init(&parts);
    for (int p = 0; p < 10; p++) {
        pl_shape_init(&part);
        pl_shape_object(&part, 50 - p);
        pl_shape_object(&whole, 50 - p);
        for (int i = 0; i < 500; i++) {
            char json[64], entity[16];
            snprintf(json, sizeof json, "{\"a\":%d,\"b\":[{\"c%d\":\"x%d\"}]}", i * p, p, i % 3);
            snprintf(entity, sizeof entity, "%d", i + 100 * p);
            observe(&part, json, entity);
            observe(&whole, json, entity);
        }
        pl_shape_settle(&part);
        pl_shape_merge(&parts, &part);
        pl_shape_done(&part);
    }
    pl_shape_settle(&whole);
    check_same(&whole, &parts);
    pl_shape_done(&whole);
    pl_shape_done(&parts);
}

TEST(merge_with_an_empty_shape_changes_nothing)
{
    pl_shape a, empty, both;
    fill(&a, 0, 300);
    pl_shape_init(&empty);
    merged(&both, &empty, &a);
    check_same(&a, &both);
    pl_shape_merge(&a, &empty);
    check_same(&both, &a);
    pl_shape_done(&a), pl_shape_done(&empty), pl_shape_done(&both);
}

TEST(merge_counts_paths_without_room_as_overflow)
{
    pl_shape a, b;
    pl_shape_init(&a);
    pl_shape_init(&b);
    for (int i = 0; i < 1500; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"m\":{\"a%d\":1}}", i);
        observe(&a, json, NULL);
        snprintf(json, sizeof json, "{\"m\":{\"b%d\":{\"c\":[2]}}}", i);
        observe(&b, json, NULL);
    }
    pl_shape_merge(&a, &b);
    uint32_t m = path_at(&a, "$.m");
    CHECK_INT(PL_SHAPE_CHILDREN_MAX, a.paths[m].children);
    CHECK_INT(1000, a.paths[m].overflow);
    CHECK_INT(2 + 2000 + 2 * 500, a.count);
    pl_shape_done(&a), pl_shape_done(&b);
}

TEST(merge_joins_what_was_seen_of_one_raw_object)
{
    pl_shape whole, all, parts, part;
    pl_shape_init(&whole), pl_shape_init(&parts), pl_shape_init(&all);
    pl_shape_object(&whole, 7);
    for (int p = 0; p < 3; p++) {
        pl_shape_init(&part);
        pl_shape_object(&part, 7);
        for (int i = 0; i < 9; i++) {
            char json[64];
            snprintf(json, sizeof json, "{\"a\":%d,\"b%d\":null}", i * p, p);
            observe(&part, json, "e");
            observe(&whole, json, "e");
        }
        pl_shape_settle(&part);
        pl_shape_join(&parts, &part);
        pl_shape_done(&part);
    }
    pl_shape_settle(&whole);
    pl_shape_merge(&all, &whole); // whose paths are in this order, too
    check_same(&all, &parts);
    pl_shape_done(&whole), pl_shape_done(&parts), pl_shape_done(&all);
}

TEST(merge_takes_no_path_of_what_was_forgotten)
{
    pl_shape into, from;
    pl_shape_init(&into), pl_shape_init(&from);
    pl_shape_object(&from, 5);
    observe(&from, "{\"a\":{\"b\":1},\"c\":2}", "e");
    pl_shape_forget(&from);
    pl_shape_object(&from, 6);
    observe(&from, "{\"c\":2}", "e");
    pl_shape_settle(&from);
    pl_shape_merge(&into, &from);
    CHECK_INT(2, into.count);
    CHECK_INT(1, into.records);
    CHECK_INT(1, into.objects);
    CHECK_INT(6, into.first_us);
    CHECK_INT(1, into.paths[1].kinds[PL_SHAPE_INT]);
    CHECK_INT(1, into.paths[1].values->pair_count);
    pl_shape_done(&into), pl_shape_done(&from);
}

int main(void)
{
    return RUN_TESTS("shape/merge", T(merge_is_commutative_and_associative),
                     T(merge_of_parts_is_the_shape_of_the_whole),
                     T(merge_with_an_empty_shape_changes_nothing),
                     T(merge_counts_paths_without_room_as_overflow),
                     T(merge_joins_what_was_seen_of_one_raw_object),
                     T(merge_takes_no_path_of_what_was_forgotten));
}
