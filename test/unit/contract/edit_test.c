// SPDX-License-Identifier: Apache-2.0
#include "contract/edit.h"

#include "mistakes.h"

#define MAPPING                                                                                    \
    "# head\n"                                                                                     \
    "source: s   # why\n"                                                                          \
    "map:\n"                                                                                       \
    "  id:      a | b\n"                                                                           \
    "  likes:   'x[\"a: b\"]'   # quoted\n"                                                        \
    "  # between\n"                                                                                \
    "  shares:  \"q\"\n"                                                                           \
    "  rate:    r parse(percent)    # \"4.7%\"\n"                                                  \
    "\n"                                                                                           \
    "# tail\n"                                                                                     \
    "rest: keep"

static void check(bool insert, const char *text, const char *section, const char *name,
                  const char *value, const char *after, const char *want)
{
    pl_edit edit = {.file = "f.yml",
                    .text = pl_span_of(text),
                    .section = section,
                    .name = pl_span_of(name),
                    .value = pl_span_of(value),
                    .after = pl_span_of(after)};
    pl_buf out = {0};
    plumb_error err;
    CHECK_OK(insert ? pl_edit_insert(&edit, &out, &err) : pl_edit_set(&edit, &out, &err), err);
    CHECK_STR(want, pl_buf_cstr(&out));
    pl_buf_done(&out);
}

static void check_refused(bool insert, const char *text, const char *name, const char *value,
                          plumb_status status, const char *message)
{
    pl_edit edit = {.file = "f.yml",
                    .text = pl_span_of(text),
                    .section = "map",
                    .name = pl_span_of(name),
                    .value = pl_span_of(value),
                    .after = PL_SPAN("")};
    pl_buf out = {0};
    plumb_error err;
    CHECK_INT(status, insert ? pl_edit_insert(&edit, &out, &err) : pl_edit_set(&edit, &out, &err));
    CHECK_STR(message, err.message);
    CHECK_INT(0, out.count);
    pl_buf_done(&out);
}

static void check_set(const char *name, const char *value, const char *from, const char *to)
{
    pl_buf want = {0};
    const char *text = MAPPING, *at = strstr(text, from);
    pl_buf_append(&want, text, (size_t)(at - text));
    pl_buf_text(&want, to);
    pl_buf_text(&want, at + strlen(from));
    check(false, text, "map", name, value, "", pl_buf_cstr(&want));
    pl_buf_done(&want);
}

TEST(edit_replaces_one_scalar_and_keeps_its_quotes)
{
    check_set("id", "item_id | a | b", "a | b", "item_id | a | b");
    check_set("likes", "it's[\"x\"]", "'x[\"a: b\"]'", "'it''s[\"x\"]'");
    check_set("shares", "a[\"b\"]", "\"q\"", "\"a[\\\"b\\\"]\"");
    check_set("rate", "x[\"a #b\"] parse(percent)", "r parse(percent)",
              "'x[\"a #b\"] parse(percent)'");
}

TEST(edit_inserts_a_line_that_looks_like_its_neighbour)
{
    check(true, MAPPING, "map", "views", "view_count", "likes",
          "# head\nsource: s   # why\nmap:\n  id:      a | b\n  likes:   'x[\"a: b\"]'   # quoted\n"
          "  views:   view_count\n  # between\n  shares:  \"q\"\n  rate:    r parse(percent)    # "
          "\"4.7%\"\n\n# tail\nrest: keep");
    // Behind the last one, before the comment that is not indented.
    check(true, MAPPING, "map", "a_long_name", "= \"x\"", "",
          "# head\nsource: s   # why\nmap:\n  id:      a | b\n  likes:   'x[\"a: b\"]'   # quoted\n"
          "  # between\n  shares:  \"q\"\n  rate:    r parse(percent)    # \"4.7%\"\n"
          "  a_long_name: = \"x\"\n\n# tail\nrest: keep");
    check(true, "map:\n  a: b", "map", "c", "d", "", "map:\n  a: b\n  c: d");
}

TEST(edit_keeps_line_ends_byte_order_mark_and_flow_style)
{
    check(true, "\xEF\xBB\xBFmap:\r\n  a:  b # \xE2\x82\xAC\r\n  c:  d\r\n", "map", "x", "y", "a",
          "\xEF\xBB\xBFmap:\r\n  a:  b # \xE2\x82\xAC\r\n  x:  y\r\n  c:  d\r\n");
    check(true, "columns: {a: long, b: {type: int}}\n", "columns", "c", "decimal(10, 2)", "b",
          "columns: {a: long, b: {type: int}, c: 'decimal(10, 2)'}\n");
    check(false, "columns: {a: long,b: int}", "columns", "a", "decimal(10, 2)!", "",
          "columns: {a: 'decimal(10, 2)!',b: int}");
    check(true, "map: {}", "map", "a", "b", "", "map: {a: b}");
    check(false, "map:\n  a:\n  b: c\n", "map", "a", "x", "", "map:\n  a: x\n  b: c\n");
    check(false, "map:\n  a: one\n    | two   # c\n  b: c\n", "map", "a", "x", "",
          "map:\n  a: x   # c\n  b: c\n");
    check(false, "map:\n  a: >\n    one\n    | two\n  b: c\n", "map", "a", "x", "",
          "map:\n  a: x\n  b: c\n");
    check(true, "map:\n  a: {path: b}\n  c:\n    - d\n    # e\nrest: keep\n", "map", "x", "y", "c",
          "map:\n  a: {path: b}\n  c:\n    - d\n  x: y\n    # e\nrest: keep\n");
}

TEST(edit_inserts_behind_all_of_a_block_scalar)
{
    check(true, "map:\n a: >-\n  b\n   \n", "map", "x", "y", "", "map:\n a: >-\n  b\n   \n x: y\n");
    check(true, "map:\n a: |\n  b\n# c\nrest: keep\n", "map", "x", "y", "",
          "map:\n a: |\n  b\n x: y\n# c\nrest: keep\n");
    check(true, "map:\n a: >-\n  b", "map", "x", "y", "", "map:\n a: >-\n  b\n x: y");
}

TEST(edit_refuses_what_is_more_than_one_scalar)
{
    check_refused(false, "map:\n  a: {path: b}\n", "a", "x", PLUMB_E_FAILED,
                  "cannot edit 'a' in 'f.yml': it is written in the long form");
    check_refused(false, "map:\n  a: b\n", "c", "x", PLUMB_E_NOT_FOUND,
                  "cannot edit 'c' in 'f.yml': it has no such entry");
    check_refused(true, "map:\n  a: b\n", "a", "x", PLUMB_E_CONFLICT,
                  "cannot edit 'a' in 'f.yml': it is there already");
    check_refused(true, "map:\n  a: b\n", "A b", "x", PLUMB_E_MISUSE,
                  "cannot insert 'A b' in 'f.yml': the name may hold only a-z, 0-9 and _");
    check_refused(false, "x: 1\n", "a", "x", PLUMB_E_NOT_FOUND,
                  "cannot edit 'a' in 'f.yml': it has no map 'map'");
    check_refused(false, "map:\n  a: &x b\n", "a", "x", PLUMB_E_CONFIG,
                  "cannot edit 'a' in 'f.yml': anchors are not part of this format");
    check_refused(false, "map: [\n", "a", "x", PLUMB_E_CONFIG,
                  "cannot edit 'a' in 'f.yml': not YAML: did not find expected node content");
    check_refused(false, "map:\n  a: b\n", "a", "x\xFF", PLUMB_E_FAILED,
                  "cannot edit 'a' in 'f.yml': the file would not read back with this one change");
}

int main(void)
{
    return RUN_TESTS("contract/edit", T(edit_replaces_one_scalar_and_keeps_its_quotes),
                     T(edit_inserts_a_line_that_looks_like_its_neighbour),
                     T(edit_keeps_line_ends_byte_order_mark_and_flow_style),
                     T(edit_inserts_behind_all_of_a_block_scalar),
                     T(edit_refuses_what_is_more_than_one_scalar));
}
