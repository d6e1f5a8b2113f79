// A configuration file and one edit of it, from "byte, new value, line end, file": composing any
// text is safe, ranges lie inside the text and inside each other, and an edit that is made changes
// one node: every other byte and every other node stay.
//
// SPDX-License-Identifier: Apache-2.0
#include "contract/edit.h"

#include "fuzz.h"

static void check_node(const pl_yaml *node, uint32_t start, uint32_t end)
{
    FUZZ_CHECK(node->start >= start && node->start <= node->end && node->end <= end);
    FUZZ_CHECK(node->line >= 1 && node->column >= 1);
    uint32_t items = 0, line, column;
    if (node->kind == PL_YAML_SCALAR) {
        FUZZ_CHECK(!node->first);
        pl_yaml_place(node, node->text.bytes / 2, &line, &column);
        FUZZ_CHECK(line >= node->line && column >= 1);
    }
    for (const pl_yaml *item = node->first; item; item = item->next, items++) {
        FUZZ_CHECK((item->key != NULL) == (node->kind == PL_YAML_MAP));
        if (item->key) check_node(item->key, start, end);
        check_node(item, start, end);
    }
    FUZZ_CHECK(items == node->count);
}

// How many scalars of two trees of one shape differ; a large number if the shapes do.
static uint32_t differences(const pl_yaml *a, const pl_yaml *b)
{
    if (a->kind != b->kind || a->count != b->count || !a->key != !b->key) return 1000;
    if (a->key && !pl_span_equal(a->key->text, b->key->text)) return 1000;
    if (a->kind == PL_YAML_SCALAR) return !pl_span_equal(a->text, b->text);
    uint32_t sum = 0;
    const pl_yaml *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next) sum += differences(x, y);
    return sum;
}

static const pl_yaml *compose_again(const pl_buf *text, pl_arena *arena)
{
    pl_problems problems = {0};
    const pl_yaml *root = pl_yaml_compose("f.yml", pl_buf_view(text), arena, &problems);
    FUZZ_CHECK(root && problems.count == 0);
    pl_problems_done(&problems);
    return root;
}

static void check_set(const pl_edit *edit, const pl_yaml *root, const pl_yaml *entry)
{
    pl_buf out = {0};
    pl_arena arena = {0};
    if (pl_edit_set(edit, &out, NULL) == PLUMB_OK) {
        size_t before = entry->start, after = edit->text.bytes - entry->end;
        FUZZ_CHECK(out.count >= before + after);
        FUZZ_CHECK(memcmp(out.data, edit->text.data, before) == 0);
        FUZZ_CHECK(memcmp(out.data + out.count - after, edit->text.data + entry->end, after) == 0);
        bool same = pl_span_equal(entry->text, edit->value);
        FUZZ_CHECK(differences(root, compose_again(&out, &arena)) == !same);
    }
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

static void check_insert(const pl_edit *edit, const pl_yaml *section)
{
    pl_buf out = {0};
    pl_arena arena = {0};
    if (pl_edit_insert(edit, &out, NULL) == PLUMB_OK) {
        const pl_yaml *now = pl_yaml_get(compose_again(&out, &arena), edit->section);
        FUZZ_CHECK(now && now->count == section->count + 1);
        const pl_yaml *entry = pl_yaml_get(now, "inserted");
        FUZZ_CHECK(entry && pl_span_equal(entry->text, edit->value));
    }
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

void fuzz_one(pl_span input)
{
    unsigned which = fuzz_byte(&input);
    pl_span value = fuzz_until(&input, '\n');
    pl_arena arena = {0};
    pl_problems problems = {0};
    pl_buf quoted = {0};
    const pl_yaml *root = pl_yaml_compose("f.yml", input, &arena, &problems);
    if (root) check_node(root, 0, (uint32_t)input.bytes);
    if (!root) FUZZ_CHECK(problems.count > 0);
    const pl_yaml *section = pl_yaml_get(root, "map");
    if (section && section->kind == PL_YAML_MAP) {
        pl_edit edit = {.file = "f.yml", .text = input, .section = "map", .value = value};
        const pl_yaml *entry = section->first;
        for (unsigned i = which / 4; entry && i && entry->next; i--) entry = entry->next;
        if (entry && which % 4 < 3) {
            edit.name = entry->key->text;
            check_set(&edit, root, entry);
        }
        edit.after = entry && which % 2 ? entry->key->text : (pl_span){"", 0};
        edit.name = PL_SPAN("inserted");
        if (!pl_yaml_get(section, "inserted")) check_insert(&edit, section);
    }
    pl_yaml_quote(&quoted, value, which % 2);
    pl_buf_done(&quoted);
    pl_problems_done(&problems);
    pl_arena_done(&arena);
}

void fuzz_seeds(void)
{
    static const char *const files[] = {
        "source: a\nmap:\n  x:  y | z  # a comment\n  'q': \"d\\n\"\n  l: |\n    text\n    more\n",
        "map: {a: b, \"c\": 'd', e: [1, 2, {f: g}]}\nother: [x, y]\n",
        "# first\r\nmap:\r\n  a: 1\r\n  b: >-\r\n    folded\r\n    text\r\n\r\n  c: 'it''s'\r\n",
        "\xEF\xBB\xBFmap:\n  \xC3\xA9: \xE2\x82\xAC\n  b:\n    - c\n    - d: e\n  z: last",
        "map:\n  a: &x b\n  c: *x\n  ? [k]\n  : v\n--- \nb: !!str c\n",
        "map:\n\n  a:\n  b: \"\\u00e9\\x41\\\n    next\"\nmap: twice\n",
    };
    static const char *const values[] = {"plain", "a: b # c", "'quoted' \"both\"",
                                         "",      "- x",      "1e5"};
    for (size_t i = 0; i < PL_COUNT(files); i++)
        for (unsigned which = 0; which < 12; which += 2) {
            pl_buf seed = {0};
            pl_buf_char(&seed, (char)which);
            pl_buf_printf(&seed, "%s\n%s", values[which / 2], files[i]);
            fuzz_seed(pl_buf_view(&seed));
            pl_buf_done(&seed);
        }
}
