// SPDX-License-Identifier: Apache-2.0
#include "json/tree.h"

#include "unit.h"
#include "json/writer.h"

// A tree written back: kinds, order, unescaped texts, repeated members.
static void write_tree(pl_json_writer *w, const pl_json *node)
{
    switch (node->kind) {
    case PL_JSON_NULL:
        pl_json_null(w);
        break;
    case PL_JSON_FALSE:
    case PL_JSON_TRUE:
        pl_json_bool(w, node->kind == PL_JSON_TRUE);
        break;
    case PL_JSON_NUMBER:
        pl_json_raw(w, node->text);
        break;
    case PL_JSON_STRING:
        pl_json_text(w, node->text);
        break;
    default: {
        bool object = node->kind == PL_JSON_OBJECT;
        uint32_t count = 0;
        pl_json_begin(w, object ? '{' : '[');
        for (const pl_json *item = node->first; item; item = item->next, count++) {
            if (object) pl_json_key_span(w, item->key);
            write_tree(w, item);
        }
        CHECK_INT(node->count, count);
        pl_json_end(w, object ? '}' : ']');
    }
    }
}

static void check_tree(const char *text, const char *want)
{
    pl_arena arena = {0};
    pl_buf out = {0};
    pl_json *root;
    plumb_error err;
    CHECK_OK(pl_json_parse(pl_span_of(text), &arena, &root, &err), err);
    pl_json_writer w = pl_json_writer_on(&out, 0);
    write_tree(&w, root);
    CHECK_SPAN(want, pl_buf_view(&out));
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

TEST(tree_holds_every_kind_in_order)
{
    check_tree("null", "null");
    check_tree(" [ ] ", "[]");
    check_tree("{ }", "{}");
    check_tree(" [true , false,null,1.50,-0, \"x\\u0041\\n\"] ",
               "[true,false,null,1.50,-0,\"xA\\n\"]");
    check_tree("{\"b\":{\"a\":[{}]},\"a\":1,\"b\":2,\"\\u00e9\":[]}",
               "{\"b\":{\"a\":[{}]},\"a\":1,\"b\":2,\"\xC3\xA9\":[]}");
    check_tree("{\"\":\"\"}", "{\"\":\"\"}");
}

TEST(tree_raw_is_the_value_as_it_stood)
{
    pl_arena arena = {0};
    pl_json *root;
    plumb_error err;
    pl_span text = PL_SPAN(" {\"a\" : [1 , 2] ,\"b\":\"\\u0041\"} ");
    CHECK_OK(pl_json_parse(text, &arena, &root, &err), err);
    CHECK_SPAN("{\"a\" : [1 , 2] ,\"b\":\"\\u0041\"}", root->raw);
    CHECK_SPAN("[1 , 2]", pl_json_get(root, "a")->raw);
    CHECK_SPAN("\"\\u0041\"", pl_json_get(root, "b")->raw);
    CHECK(pl_json_get(root, "b")->raw.data > text.data);
    pl_arena_done(&arena);
}

TEST(tree_lookups_find_the_last_and_are_typed)
{
    pl_arena arena = {0};
    pl_json *root;
    plumb_error err;
    int64_t number = 77;
    pl_span word = {0};
    CHECK_OK(
        pl_json_parse(PL_SPAN("{\"n\":1,\"n\":9223372036854775807,\"f\":1.5,\"e\":1e3,"
                              "\"big\":9223372036854775808,\"s\":\"x\",\"q\":\"5\",\"z\":null}"),
                      &arena, &root, &err),
        err);
    CHECK(pl_json_get_long(root, "n", &number));
    CHECK_INT(INT64_MAX, number);
    CHECK(pl_json_get_long(root, "e", &number));
    CHECK_INT(1000, number);
    static const char *const no_long[] = {"f", "big", "s", "q", "z", "none"};
    for (size_t i = 0; i < PL_COUNT(no_long); i++)
        CHECK(!pl_json_get_long(root, no_long[i], &number));
    CHECK_INT(1000, number);
    CHECK(pl_json_get_text(root, "s", &word));
    CHECK_SPAN("x", word);
    CHECK(!pl_json_get_text(root, "n", &word) && !pl_json_get_text(root, "none", &word));
    CHECK(!pl_json_get(NULL, "x") && !pl_json_get(pl_json_get(root, "n"), "x"));
    CHECK(!pl_json_long(NULL, &number));
    pl_arena_done(&arena);
}

TEST(tree_refuses_what_the_grammar_refuses)
{
    pl_arena arena = {0};
    pl_json *root = NULL;
    plumb_error err;
    CHECK_INT(PLUMB_E_MALFORMED, pl_json_parse(PL_SPAN(" {\"a\":01}"), &arena, &root, &err));
    CHECK_STR("not JSON at byte 6: a number has a leading zero", err.message);
    CHECK_INT(6, err.offset);
    CHECK(!root);
    CHECK_INT(PLUMB_E_MALFORMED, pl_json_parse(PL_SPAN(""), &arena, &root, NULL));
    CHECK_INT(PLUMB_E_MALFORMED, pl_json_parse(PL_SPAN("{} {}"), &arena, &root, &err));
    CHECK_STR("not JSON at byte 3: text follows the value", err.message);
    pl_arena_done(&arena);
}

TEST(tree_as_deep_as_the_limit_is_built)
{
    pl_arena arena = {0};
    pl_buf text = {0};
    pl_json *root;
    plumb_error err;
    for (int i = 0; i < PL_DEPTH_MAX; i++) pl_buf_char(&text, '[');
    for (int i = 0; i < PL_DEPTH_MAX; i++) pl_buf_char(&text, ']');
    CHECK_OK(pl_json_parse(pl_buf_view(&text), &arena, &root, &err), err);
    int depth = 1;
    for (const pl_json *at = root; at->first; at = at->first) depth++;
    CHECK_INT(PL_DEPTH_MAX, depth);
    pl_buf_done(&text);
    pl_arena_done(&arena);
}

TEST(tree_of_the_top_leaves_its_parts_alone)
{
    pl_arena arena = {0};
    pl_json *root;
    plumb_error err;
    pl_span text = PL_SPAN("{\"a\": [{\"b\": [1]}, [], 7], \"c\": {}, \"d\": \"e\"}");
    CHECK_OK(pl_json_parse_top(text, 2, &arena, &root, &err), err);
    const pl_json *item = pl_json_get(root, "a")->first;
    CHECK(item->kind == PL_JSON_OBJECT && !item->first && item->count == 0);
    CHECK_SPAN("{\"b\": [1]}", item->raw);
    CHECK(item->next->kind == PL_JSON_ARRAY && item->next->next->kind == PL_JSON_NUMBER);
    CHECK(!item->next->next->next && pl_json_get(root, "c")->kind == PL_JSON_OBJECT);
    CHECK_SPAN("e", pl_json_get(root, "d")->text);
    CHECK_INT(PLUMB_E_MALFORMED, pl_json_parse_top(PL_SPAN("[[1,]]"), 1, &arena, &root, &err));
    CHECK_STR("not JSON at byte 4: a value is expected here", err.message);
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS(
        "json/tree", T(tree_holds_every_kind_in_order), T(tree_raw_is_the_value_as_it_stood),
        T(tree_lookups_find_the_last_and_are_typed), T(tree_refuses_what_the_grammar_refuses),
        T(tree_as_deep_as_the_limit_is_built), T(tree_of_the_top_leaves_its_parts_alone));
}
