// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "shapes.h"

static void write_shape(pl_buf *out, const pl_shape *shape)
{
    pl_json_writer writer = pl_json_writer_on(out, 0);
    pl_shape_write(&writer, shape);
}

static plumb_status read_shape(pl_span text, pl_shape *ret_shape, plumb_error *err)
{
    pl_arena arena = {0};
    pl_json *document;
    plumb_status st = pl_json_parse(text, &arena, &document, err);
    if (st == PLUMB_OK) st = pl_shape_read(document, ret_shape, err);
    pl_arena_done(&arena);
    return st;
}

static void check_round_trip(const pl_shape *shape)
{
    pl_buf once = {0}, twice = {0};
    pl_shape back;
    plumb_error err;
    write_shape(&once, shape);
    CHECK_OK(read_shape(pl_buf_view(&once), &back, &err), err);
    check_same(shape, &back);
    write_shape(&twice, &back);
    CHECK(pl_span_equal(pl_buf_view(&once), pl_buf_view(&twice)));
    // What is read takes in more, as what was observed does.
    observe(&back, "{\"id\":5,\"new\":[1,{\"b\":2}],\"n\":1e-300}", "77");
    pl_shape_settle(&back);
    pl_shape_done(&back);
    pl_buf_done(&once);
    pl_buf_done(&twice);
}

TEST(doc_of_an_empty_shape_is_small)
{
    pl_shape shape;
    pl_buf text = {0};
    pl_shape_init(&shape);
    write_shape(&text, &shape);
    CHECK_SPAN("{\"version\":2,\"entities\":\"\",\"paths\":[{\"kinds\":[0,0,0,0,0,0,0]}]}",
               pl_buf_view(&text));
    check_round_trip(&shape);
    pl_buf_done(&text);
    pl_shape_done(&shape);
}

TEST(doc_says_what_a_small_shape_holds)
{
    pl_shape shape;
    pl_buf text = {0};
    pl_shape_init(&shape);
    pl_shape_object(&shape, 5);
    observe(&shape, "{\"a.b\":[7]}", NULL);
    pl_shape_settle(&shape);
    write_shape(&text, &shape);
    CHECK_SPAN(
        "{\"version\":2,\"records\":1,\"sampled\":1,\"objects\":1,\"first_us\":5,\"last_us\":5,"
        "\"entities\":\"\",\"paths\":["
        "{\"kinds\":[0,0,0,0,0,0,1],\"objects\":1,\"first_us\":5,\"last_us\":5},"
        "{\"in\":0,\"key\":\"a.b\",\"kinds\":[0,0,0,0,0,1,0],\"objects\":1,\"first_us\":5,"
        "\"last_us\":5},"
        "{\"in\":1,\"items\":true,\"kinds\":[0,0,1,0,0,0,0],\"objects\":1,\"first_us\":5,"
        "\"last_us\":5,\"values\":{\"count\":1,\"classes\":[0,1,0,0,0,0,0,0,0,0,0,0],"
        "\"range\":[7.0,7.0],\"buckets\":[98,1,0],\"distinct\":\"x6uoxvY2O7Y\",\"samples\":[\"7\"]}"
        "}]}",
        pl_buf_view(&text));
    pl_buf_done(&text);
    pl_shape_done(&shape);
}

static void document(pl_shape *shape, const char *json)
{
    pl_arena arena = {0};
    pl_json *tree;
    plumb_error err;
    CHECK_OK(pl_json_parse(pl_span_of(json), &arena, &tree, &err), err);
    pl_shape_document(shape, pl_shape_around(shape), tree, true);
    pl_arena_done(&arena);
}

TEST(doc_is_read_back_byte_for_byte)
{
    static const char *const values[] = {"1",
                                         "-5",
                                         "4.75",
                                         "1e-7",
                                         "1e300",
                                         "1e999",
                                         "\"12\"",
                                         "\"4.7%\"",
                                         "true",
                                         "\"false\"",
                                         "1763805600",
                                         "1763805600123",
                                         "1763805600123456",
                                         "\"2026-11-22\"",
                                         "\"2026-11-22T10:00:00.123456Z\"",
                                         "\"1850-01-01T00:00:00.5Z\"",
                                         "\"w\"",
                                         "\"\"",
                                         "null",
                                         "9007199254740993",
                                         "123456789012345678901234567890",
                                         "\"a \\u0000 \\ud83d\\ude00\"",
                                         "0.1",
                                         "1e15",
                                         "9007199254740992",
                                         "-0.0"};
    for (int records = 1; records <= 3000; records = records * 3 + 1) {
        pl_shape shape;
        pl_shape_init(&shape);
        for (int i = 0; i < records; i++) {
            char json[512], entity[16];
            if (i % 100 == 0) pl_shape_object(&shape, 1000000 - i);
            snprintf(json, sizeof json,
                     "{\"id\":%d,\"v\":%s,\"w\":[%s,{\"x y\":%s}],\"\":{\"z\":%d.5}}", i,
                     values[(size_t)i % PL_COUNT(values)], values[(size_t)i % 7],
                     values[(size_t)i % 11], i % 600);
            snprintf(entity, sizeof entity, "%d", i);
            observe(&shape, json, i % 10 ? entity : NULL);
            if (i % 50 == 7) document(&shape, json);
        }
        shape.entity_max = UINT64_MAX / 2;
        pl_shape_settle(&shape);
        check_round_trip(&shape);
        pl_shape_done(&shape);
    }
}

TEST(doc_that_is_damaged_is_refused_by_name)
{
#define PATH0 "{\"kinds\":[0,0,0,0,0,0,1]}"
#define HEAD  "{\"version\":2,\"entities\":\"AQAAAAAAAAA\",\"paths\":[" PATH0
#define VALUE                                                                                      \
    HEAD ",{\"in\":0,\"key\":\"k\",\"kinds\":[0,0,1,0,0,0,0],\"values\":{\"count\":1,"             \
         "\"classes\":[0,1,0,0,0,0,0,0,0,0,0,0],\"samples\":[],"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"7", "cannot read shape: it has no version"},
        {"{\"version\":9}", "cannot read shape: it is of version 9, this plumb reads version 2"},
        {"{\"version\":2,\"paths\":[" PATH0 "]}",
         "cannot read shape: \"entities\" of path 0 is damaged"},
        {"{\"version\":2,\"entities\":\"\",\"paths\":[]}",
         "cannot read shape: \"paths\" of path 0 is damaged"},
        {"{\"version\":2,\"records\":-1,\"entities\":\"\",\"paths\":[" PATH0 "]}",
         "cannot read shape: \"records\" of path 0 is damaged"},
        {"{\"version\":2,\"entities\":\"AgAAAAAAAAABAAAAAAAAAA\",\"paths\":[" PATH0 "]}",
         "cannot read shape: \"entities\" of path 0 is damaged"},
        {HEAD ",{\"in\":1,\"key\":\"k\",\"kinds\":[0,0,0,0,0,0,0]}]}",
         "cannot read shape: \"in\" of path 0 is damaged"},
        {HEAD ",{\"in\":0,\"kinds\":[0,0,0,0,0,0,0]}]}",
         "cannot read shape: \"key\" of path 0 is damaged"},
        {HEAD ",{\"in\":0,\"key\":\"k\",\"kinds\":[0,0,0,0,0,0,0]},{\"in\":0,\"key\":\"k\","
              "\"kinds\":[0,0,0,0,0,0,0]}]}",
         "cannot read shape: \"key\" of path 1 is damaged"},
        {HEAD ",{\"in\":0,\"key\":\"k\",\"kinds\":[0,0,0,0,0,0]}]}",
         "cannot read shape: \"kinds\" of path 1 is damaged"},
        {VALUE "\"range\":[1]}}]}", "cannot read shape: \"range\" of path 1 is damaged"},
        {VALUE "\"text\":[5,4]}}]}", "cannot read shape: \"text\" of path 1 is damaged"},
        {VALUE "\"buckets\":[1,1,0,1,1,0]}}]}",
         "cannot read shape: \"buckets\" of path 1 is damaged"},
        {VALUE "\"buckets\":[1,1]}}]}", "cannot read shape: \"buckets\" of path 1 is damaged"},
        {VALUE "\"buckets\":[99999,1,0]}}]}",
         "cannot read shape: \"buckets\" of path 1 is damaged"},
        {VALUE "\"distinct\":\"AAAA\"}}]}", "cannot read shape: \"distinct\" of path 1 is damaged"},
        {VALUE "\"registers\":\"AAAA\"}}]}",
         "cannot read shape: \"registers\" of path 1 is damaged"},
        {VALUE "\"pairs\":\"AA\"}}]}", "cannot read shape: \"pairs\" of path 1 is damaged"},
        {VALUE "\"pairs\":\"AVEC\"}}]}", "cannot read shape: \"pairs\" of path 1 is damaged"},
        {VALUE "\"samples\":[1]}}]}", "cannot read shape: \"samples\" of path 1 is damaged"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_shape shape;
        plumb_error err;
        plumb_status st = read_shape(pl_span_of(cases[i].text), &shape, &err);
        CHECK_INT(i == 1 ? PLUMB_E_CONFLICT : PLUMB_E_MALFORMED, st);
        CHECK_STR(cases[i].message, err.message);
    }
}

int main(void)
{
    return RUN_TESTS("shape/doc", T(doc_of_an_empty_shape_is_small),
                     T(doc_says_what_a_small_shape_holds), T(doc_is_read_back_byte_for_byte),
                     T(doc_that_is_damaged_is_refused_by_name));
}
