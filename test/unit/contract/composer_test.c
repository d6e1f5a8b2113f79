// SPDX-License-Identifier: Apache-2.0
#include "contract/composer.h"

#include <stdlib.h>

#include "mistakes.h"

static void check_compose(const char *text, const char *mistakes)
{
    pl_arena arena = {0};
    pl_problems problems = {0};
    pl_yaml_compose("f.yml", pl_span_of(text), &arena, &problems);
    CHECK_MISTAKES(mistakes, &problems);
    pl_arena_done(&arena);
}

TEST(composer_keeps_the_byte_range_and_place_of_every_node)
{
    pl_arena arena = {0};
    pl_problems problems = {0};
    const char *text =
        "\xEF\xBB\xBF# \xE2\x82\xAC\r\n\"\xC3\xBC\": 'a''b' # c\r\nl: [ x,  {y: \"z\"} ]\r\n"
        "b:\r\n  - one\r\n  - two words   # end\r\n\r\n# last\r\n";
    pl_yaml *root = pl_yaml_compose("f.yml", pl_span_of(text), &arena, &problems);
    CHECK_MISTAKES("", &problems);
    CHECK_INT(PL_YAML_MAP, root->kind);
    CHECK_INT(3, root->count);
    const pl_yaml *quoted = pl_yaml_get(root, "\xC3\xBC");
    CHECK_SPAN("a'b", quoted->text);
    CHECK_SPAN("'a''b'", pl_span_make(text + quoted->start, quoted->end - quoted->start));
    CHECK_INT(2, quoted->line);
    CHECK_INT(7, quoted->column); // bytes, not characters
    const pl_yaml *list = pl_yaml_get(root, "l");
    CHECK_SPAN("[ x,  {y: \"z\"} ]", pl_span_make(text + list->start, list->end - list->start));
    CHECK_INT(PL_YAML_FLOW, list->style);
    const pl_yaml *block = pl_yaml_get(root, "b");
    CHECK_SPAN("- one\r\n  - two words",
               pl_span_make(text + block->start, block->end - block->start));
    CHECK_INT(6, block->first->next->line);
    CHECK_INT(5, block->first->next->column);
    pl_arena_done(&arena);
}

TEST(composer_resolves_nothing)
{
    pl_arena arena = {0};
    pl_problems problems = {0};
    pl_yaml *root = pl_yaml_compose(
        "f.yml", PL_SPAN("a: yes\nb: 0x10\nc:\nd: = \"x\"\ne: ~\nf: 1_000"), &arena, &problems);
    CHECK_MISTAKES("", &problems);
    CHECK_SPAN("yes", pl_yaml_get(root, "a")->text);
    CHECK_SPAN("0x10", pl_yaml_get(root, "b")->text);
    CHECK_SPAN("", pl_yaml_get(root, "c")->text);
    CHECK_SPAN("= \"x\"", pl_yaml_get(root, "d")->text);
    CHECK_SPAN("~", pl_yaml_get(root, "e")->text);
    CHECK_SPAN("1_000", pl_yaml_get(root, "f")->text);
    CHECK(pl_yaml_get(root, "g") == NULL);
    pl_arena_done(&arena);
}

TEST(composer_takes_an_empty_file_for_an_empty_map)
{
    pl_arena arena = {0};
    pl_problems problems = {0};
    pl_yaml *root = pl_yaml_compose("f.yml", PL_SPAN("# nothing\n"), &arena, &problems);
    CHECK_INT(PL_YAML_MAP, root->kind);
    CHECK_INT(0, root->count);
    root = pl_yaml_compose("f.yml", (pl_span){NULL, 0}, &arena, &problems);
    CHECK_INT(0, root->count);
    CHECK_MISTAKES("", &problems);
    pl_arena_done(&arena);
}

TEST(composer_reports_all_that_plain_yaml_does_not_need)
{
    check_compose("a: !!str 1\nb: &x 2\nc: *x\na: 3\n? [k]\n: v\n---\nd: 1\n",
                  "1:4 tags are not part of this format\n"
                  "  Put the text in quotes if it shall begin with '!'.\n"
                  "2:4 anchors are not part of this format\n"
                  "  Write the value out where it is used.\n"
                  "3:4 aliases are not part of this format\n"
                  "  Write the value out, or put the text in quotes if it shall begin with '*'.\n"
                  "5:3 a key must be plain text\n"
                  "4:1 duplicate key 'a', first on line 1\n"
                  "7:1 a second document in one file is not allowed\n");
}

TEST(composer_reports_what_is_not_yaml)
{
    check_compose("a: [1, 2\nb: 3\n", "2:2 not YAML: did not find expected ',' or ']'\n"
                                      "  It was parsing a flow sequence that began on line 1.\n");
    check_compose("a: \"x\n", "2:1 not YAML: found unexpected end of stream\n"
                              "  It was scanning a quoted scalar that began on line 1.\n");
    check_compose("a: b: c\n", "1:5 not YAML: mapping values are not allowed in this context\n"
                               "  Put text that holds ': ' in single quotes.\n");
    check_compose("a: @b\n", "1:4 not YAML: found character that cannot start any token\n"
                             "  Indent with spaces, and put text that begins with such a character "
                             "in single quotes.\n");
    check_compose("a: \xFF\n", "1:4 not YAML: invalid leading UTF-8 octet\n");
    check_compose("a: 1\n\xEF\xBF\xBF: 2\n", "2:1 not YAML: control characters are not allowed\n");
}

TEST(composer_bounds_size_and_depth)
{
    pl_buf text = {0};
    pl_buf_text(&text, "a: ");
    for (int i = 0; i < 2000; i++) pl_buf_char(&text, '[');
    check_compose(pl_buf_cstr(&text), "1:35 lists and maps are nested deeper than 32\n"
                                      "1:2004 not YAML: did not find expected node content\n");
    pl_buf_reset(&text);
    while (text.count <= PL_CONFIG_BYTES_MAX) pl_buf_text(&text, "# a long comment\n");
    check_compose(pl_buf_cstr(&text), "0:0 is 1048577 bytes, more than the 1048576 allowed\n");
    pl_buf_done(&text);
}

static void check_quoted(const char *text, const char *want, bool rule)
{
    pl_buf out = {0};
    pl_yaml_quote(&out, pl_span_of(text), rule);
    CHECK_STR(want, pl_buf_cstr(&out));
    // It reads back as itself, alone and (other text than rules) in flow style.
    pl_buf line = {0};
    pl_buf_printf(&line, rule ? "k: %s" : "k: [%s]", pl_buf_cstr(&out));
    pl_arena arena = {0};
    pl_problems problems = {0};
    pl_yaml *root = pl_yaml_compose("f.yml", pl_buf_view(&line), &arena, &problems);
    CHECK_MISTAKES("", &problems);
    CHECK_SPAN(text, rule ? root->first->text : root->first->first->text);
    pl_arena_done(&arena);
    pl_buf_done(&line);
    pl_buf_done(&out);
}

TEST(composer_quotes_only_what_needs_it)
{
    check_quoted("post_id", "post_id", false);
    check_quoted("day(published_at)", "day(published_at)", false);
    check_quoted("bucket(16, user_id)", "'bucket(16, user_id)'", false);
    check_quoted("true", "'true'", false);
    check_quoted("12", "'12'", false);
    check_quoted("", "''", false);
    check_quoted("= \"tiktok\"", "= \"tiktok\"", true);
    check_quoted("$[\"a.b\"].c | d[0]", "$[\"a.b\"].c | d[0]", true);
    check_quoted("x[\"a: b\"]", "'x[\"a: b\"]'", true);
    check_quoted("x[\"a #b's\"]", "'x[\"a #b''s\"]'", true);
    check_quoted("a\nb\xE2\x80\xA8\x7F\"\\", "\"a\\x0Ab\\u2028\\x7F\\\"\\\\\"", true);
}

// Damaged text leads to mistakes or to a tree, never further.
TEST(composer_survives_damage)
{
    static const char good[] =
        "a: {b: [1, 'x', \"y\\n\"], c: |\n  t\n}\nd: &e !f g\n? h\n: *e\n- i\n";
    uint64_t seed = 42;
    for (int round = 0; round < 3000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t bytes = (size_t)(seed >> 33) % sizeof good;
        for (int i = 0; i < round % 4; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            if (bytes) text[(seed >> 40) % bytes] = (char)(seed >> 32);
        }
        char *exact = pl_alloc(bytes + 1); // so that ASan sees a read behind the end
        memcpy(exact, text, bytes);
        exact = pl_realloc(exact, bytes ? bytes : 1);
        pl_arena arena = {0};
        pl_problems problems = {0};
        pl_yaml *root = pl_yaml_compose("f.yml", pl_span_make(exact, bytes), &arena, &problems);
        CHECK(root || problems.count);
        pl_problems_done(&problems);
        pl_arena_done(&arena);
        free(exact);
    }
}

int main(void)
{
    return RUN_TESTS("contract/composer", T(composer_keeps_the_byte_range_and_place_of_every_node),
                     T(composer_resolves_nothing), T(composer_takes_an_empty_file_for_an_empty_map),
                     T(composer_reports_all_that_plain_yaml_does_not_need),
                     T(composer_reports_what_is_not_yaml), T(composer_bounds_size_and_depth),
                     T(composer_quotes_only_what_needs_it), T(composer_survives_damage));
}
