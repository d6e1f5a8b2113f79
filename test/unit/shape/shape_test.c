// SPDX-License-Identifier: Apache-2.0
#include "shape/shape.h"

#include <stdio.h>

#include "shapes.h"

TEST(shape_counts_presence_and_kinds_of_every_path)
{
    pl_shape shape;
    pl_shape_init(&shape);
    observe(&shape, "{\"id\":1,\"stats\":{\"likes\":5,\"rate\":0.5},\"tags\":[\"a\",null]}", NULL);
    observe(&shape, "{\"id\":2,\"stats\":{\"likes\":null},\"tags\":[]}", NULL);
    observe(&shape, "{\"id\":\"x\",\"stats\":null,\"gone\":true}", NULL);
    check_counts("$ 3/3 object:3\n"
                 "$.id 3/3 int:2 string:1\n"
                 "$.stats 3/3 null:1 object:2\n"
                 "$.tags 2/3 array:2\n"
                 "$.stats.likes 2/2 null:1 int:1\n"
                 "$.stats.rate 1/2 float:1\n"
                 "$.tags[*] 2/2 null:1 string:1\n"
                 "$.gone 1/3 bool:1\n",
                 &shape);
    CHECK_INT(3, shape.records);
    CHECK_INT(3, shape.sampled);
    pl_shape_done(&shape);
}

TEST(shape_counts_a_repeated_key_once_with_its_last_value)
{
    pl_shape shape;
    pl_shape_init(&shape);
    observe(&shape, "{\"a\":{\"b\":1},\"a\":[2],\"a\":\"x\",\"b\":1,\"\\u0062\":2}", NULL);
    observe(&shape, "{\"c\":[{\"k\":1,\"k\":null},{\"k\":\"2\",\"k\":3}]}", NULL);
    check_counts("$ 2/2 object:2\n"
                 "$.a 1/2 string:1\n"
                 "$.b 1/2 int:1\n"
                 "$.c 1/2 array:1\n"
                 "$.c[*] 2/2 object:2\n"
                 "$.c[*].k 2/2 null:1 int:1\n",
                 &shape);
    CHECK_STR("\"x\"", shape.paths[1].values->samples[0]);
    CHECK_STR("2", shape.paths[2].values->samples[0]);
    CHECK_STR("3", shape.paths[5].values->samples[0]);
    CHECK_INT(1, shape.paths[5].values->count);
    pl_shape_done(&shape);
}

TEST(shape_tells_arrays_in_arrays_and_records_that_are_no_objects)
{
    pl_shape shape;
    pl_shape_init(&shape);
    observe(&shape, "{\"m\":[[1,2],[],[{\"x\":1}]]}", NULL);
    observe(&shape, "[7]", NULL);
    observe(&shape, "null", NULL);
    check_counts("$ 3/3 null:1 array:1 object:1\n"
                 "$.m 1/1 array:1\n"
                 "$.m[*] 3/3 array:3\n"
                 "$.m[*][*] 3/3 int:2 object:1\n"
                 "$.m[*][*].x 1/1 int:1\n"
                 "$[*] 1/1 int:1\n",
                 &shape);
    pl_shape_done(&shape);
}

TEST(shape_writes_paths_with_any_key)
{
    pl_shape shape;
    pl_shape_init(&shape);
    observe(
        &shape,
        "{\"a.b\":{\"\":1},\"q\\\"\":2,\"_x-1\":3,\"1\":4,\"\\u00e9\":5,\"[*]\":[6],\"\\u0000\":7}",
        NULL);
    check_counts("$ 1/1 object:1\n"
                 "$[\"a.b\"] 1/1 object:1\n"
                 "$[\"q\\\"\"] 1/1 int:1\n"
                 "$._x-1 1/1 int:1\n"
                 "$[\"1\"] 1/1 int:1\n"
                 "$[\"\u00e9\"] 1/1 int:1\n"
                 "$[\"[*]\"] 1/1 array:1\n"
                 "$[\"\\u0000\"] 1/1 int:1\n"
                 "$[\"a.b\"][\"\"] 1/1 int:1\n"
                 "$[\"[*]\"][*] 1/1 int:1\n",
                 &shape);
    CHECK_INT(PL_SHAPE_NONE, pl_shape_find(&shape, PL_SHAPE_ROOT, PL_SPAN("zzz"), PL_SHAPE_KEY));
    CHECK_INT(9, pl_shape_find(&shape, 6, PL_SPAN("whatever"), PL_SHAPE_ITEMS));
    pl_shape_done(&shape);
}

TEST(shape_has_what_stands_around_records_apart_from_them)
{
    static const char *const documents[] = {
        "{\"page\":{\"next\":\"x\"},\"users\":[{\"id\":1}],\"list\":[]}",
        "{\"page\":{\"next\":null},\"list\":[]}"};
    pl_shape shape, sum;
    pl_arena arena = {0};
    plumb_error err;
    pl_json *tree;
    pl_shape_init(&shape);
    pl_shape_init(&sum);
    observe(&shape, "{\"doc\":1,\"page\":2}", NULL);
    for (size_t i = 0; i < PL_COUNT(documents); i++) {
        CHECK_OK(pl_json_parse(pl_span_of(documents[i]), &arena, &tree, &err), err);
        pl_shape_document(&shape, pl_shape_around(&shape), tree, i == 0);
    }
    pl_shape_merge(&sum, &shape);
    check_counts("$ 1/1 object:1\n"
                 "$.doc 1/1 int:1\n"
                 "$.page 1/1 int:1\n"
                 "$doc 2/2 object:2\n"
                 "$doc.page 2/2 object:2\n"
                 "$doc.users 1/2 array:1\n"
                 "$doc.list 2/2 array:2\n"
                 "$doc.page.next 2/2 null:1 string:1\n",
                 &sum);
    CHECK_INT(1, sum.records);
    CHECK_INT(1, sum.sampled);
    uint32_t page = pl_shape_find(&sum, sum.around, PL_SPAN("page"), PL_SHAPE_KEY);
    const pl_shape_values *next =
        sum.paths[pl_shape_find(&sum, page, PL_SPAN("next"), PL_SHAPE_KEY)].values;
    CHECK_STR("\"x\"", next->samples[0]);
    CHECK_INT(0, next->pair_count);
    pl_shape_done(&sum);
    pl_shape_done(&shape);
    pl_arena_done(&arena);
}

TEST(shape_counts_keys_without_room_as_overflow)
{
    pl_shape shape;
    pl_shape_init(&shape);
    for (int i = 0; i < 2500; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"map\":{\"k%d\":{\"v\":1}}}", i);
        observe(&shape, json, NULL);
    }
    uint32_t map = path_at(&shape, "$.map");
    CHECK_INT(2000, shape.paths[map].children);
    CHECK_INT(500, shape.paths[map].overflow);
    CHECK_INT(2 + 2 * 2000, shape.count);
    pl_shape_done(&shape);
}

TEST(shape_has_no_more_paths_than_its_limit)
{
    pl_shape shape;
    pl_shape_init(&shape);
    for (int i = 0; i < 15; i++) {
        pl_buf json = {0};
        pl_buf_printf(&json, "{\"o%d\":{\"a\":[1]", i);
        for (int j = 0; j < 1500; j++) pl_buf_printf(&json, ",\"k%d\":0", j);
        pl_buf_text(&json, "}}");
        observe(&shape, pl_buf_cstr(&json), NULL);
        pl_buf_done(&json);
    }
    CHECK_INT(PL_SHAPE_PATHS_MAX, shape.count);
    uint64_t seen = 0, lost = 0;
    for (uint32_t i = 0; i < shape.count; i++) {
        seen += pl_shape_seen(&shape.paths[i]);
        lost += shape.paths[i].overflow;
    }
    CHECK_INT(PL_SHAPE_PATHS_MAX + 14, seen); // the root is there 15 times
    CHECK_INT(1501 - 459 + 1, lost);          // of the 14th object, and the 15th
    pl_shape_done(&shape);
}

TEST(shape_takes_the_deepest_record)
{
    pl_buf json = {0};
    for (int i = 0; i < PL_DEPTH_MAX - 1; i++) pl_buf_text(&json, i % 2 ? "[" : "{\"a\":");
    pl_buf_text(&json, "{\"a\":1}");
    for (int i = PL_DEPTH_MAX - 1; i-- > 0;) pl_buf_char(&json, i % 2 ? ']' : '}');
    pl_shape shape;
    pl_shape_init(&shape);
    observe(&shape, pl_buf_cstr(&json), "e");
    CHECK_INT(PL_DEPTH_MAX + 1, shape.count);
    CHECK_INT(PL_DEPTH_MAX, shape.paths[PL_DEPTH_MAX].depth);
    CHECK_INT(1, shape.paths[PL_DEPTH_MAX].values->pair_count +
                     shape.paths[PL_DEPTH_MAX].values->pair_fresh);
    pl_buf path = {0};
    pl_shape_path_write(&path, &shape, PL_DEPTH_MAX);
    CHECK_INT(1 + 257 * 2 + 255 * 3, path.count); // .a and [*]
    pl_buf_done(&path);
    pl_buf_done(&json);
    pl_shape_done(&shape);
}

TEST(shape_notes_raw_objects_and_when_each_path_came)
{
    pl_shape shape;
    pl_shape_init(&shape);
    pl_shape_object(&shape, 500);
    observe(&shape, "{\"a\":1}", NULL);
    observe(&shape, "{\"a\":1,\"b\":2}", NULL);
    pl_shape_object(&shape, 300);
    observe(&shape, "{\"a\":1}", NULL);
    pl_shape_object(&shape, 900);
    observe(&shape, "{\"b\":1}", NULL);
    const pl_shape_path *a = &shape.paths[1], *b = &shape.paths[2];
    CHECK_INT(3, shape.objects);
    CHECK(shape.first_us == 300 && shape.last_us == 900);
    CHECK(a->objects == 2 && a->first_us == 300 && a->last_us == 500);
    CHECK(b->objects == 2 && b->first_us == 500 && b->last_us == 900);
    pl_shape_done(&shape);
}

TEST(shape_counts_many_at_once_as_the_mapping_does)
{
    pl_shape shape;
    pl_shape_init(&shape);
    pl_shape_object(&shape, 1);
    uint32_t a = pl_shape_child(&shape, PL_SHAPE_ROOT, PL_SPAN("a"));
    uint32_t items = pl_shape_items(&shape, a);
    CHECK_INT(a, pl_shape_child(&shape, PL_SHAPE_ROOT, PL_SPAN("a")));
    CHECK_INT(items, pl_shape_items(&shape, a));
    pl_shape_count(&shape, PL_SHAPE_ROOT, PL_SHAPE_OBJECT, 1000);
    pl_shape_count(&shape, a, PL_SHAPE_ARRAY, 900);
    pl_shape_count(&shape, a, PL_SHAPE_NULL, 50);
    pl_shape_count(&shape, items, PL_SHAPE_INT, 0);
    pl_shape_overflow(&shape, PL_SHAPE_ROOT, 7);
    check_counts("$ 1000/1000 object:1000 overflow:7\n"
                 "$.a 950/1000 null:50 array:900\n"
                 "$.a[*] 0/0\n",
                 &shape);
    CHECK_INT(1000, shape.records);
    CHECK(shape.paths[a].objects == 1 && shape.paths[items].objects == 0);
    pl_shape_done(&shape);
}

int main(void)
{
    return RUN_TESTS(
        "shape/shape", T(shape_counts_presence_and_kinds_of_every_path),
        T(shape_counts_a_repeated_key_once_with_its_last_value),
        T(shape_tells_arrays_in_arrays_and_records_that_are_no_objects),
        T(shape_writes_paths_with_any_key), T(shape_has_what_stands_around_records_apart_from_them),
        T(shape_counts_keys_without_room_as_overflow), T(shape_has_no_more_paths_than_its_limit),
        T(shape_takes_the_deepest_record), T(shape_notes_raw_objects_and_when_each_path_came),
        T(shape_counts_many_at_once_as_the_mapping_does));
}
