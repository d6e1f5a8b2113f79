// SPDX-License-Identifier: Apache-2.0
#include "json/scanner.h"

#include <stdlib.h>

#include "base/number.h"
#include "unit.h"
#include "json/tree.h"

// The paths every scanner here wants: a scalar, two inside an object, an object with one inside,
// one three levels down, an odd key.
static const char *const wanted[][4] = {
    {"a"}, {"b", "a"}, {"b", "c"}, {"c"}, {"c", "a"}, {"d", "b", "a"}, {"e\""},
};
enum { WANTED = PL_COUNT(wanted) };

typedef struct kit {
    pl_paths paths;
    pl_scanner scanner;
} kit;

static void kit_open(kit *self)
{
    pl_paths_init(&self->paths);
    for (int i = 0; i < WANTED; i++) {
        pl_span keys[4];
        uint32_t count = 0;
        for (; count < 4 && wanted[i][count]; count++) keys[count] = pl_span_of(wanted[i][count]);
        CHECK_INT(i, pl_paths_want(&self->paths, keys, count));
    }
    pl_scanner_init(&self->scanner, &self->paths);
}

static void kit_close(kit *self)
{
    pl_scanner_done(&self->scanner);
    pl_paths_done(&self->paths);
}

// "slot=raw ..." of what is there, the rest, and the count of repeated keys.
static void check_scan(const char *record, const char *want)
{
    kit k;
    pl_buf got = {0};
    kit_open(&k);
    size_t end = pl_scan_record(&k.scanner, pl_span_of(record), 0);
    CHECK_INT(strlen(record), end);
    for (uint32_t i = 0; i < k.scanner.slot_count; i++)
        if (k.scanner.slots[i].kind)
            pl_buf_printf(&got, "%u=%.*s ", i, PL_FMT(k.scanner.slots[i].raw));
    pl_rest_write(&got, &k.paths, k.scanner.rest, k.scanner.rest_count);
    pl_buf_printf(&got, " %d", (int)k.scanner.duplicates);
    CHECK_STR(want, pl_buf_cstr(&got));
    pl_buf_done(&got);
    kit_close(&k);
}

TEST(scanner_fills_slots_and_lists_the_rest)
{
    check_scan("{}", " 0");
    check_scan("{ }", " 0");
    check_scan("{\"a\":1,\"z\":2}", "0=1 {\"z\":2} 0");
    check_scan("{ \"a\" : \"x\" , \"z\" : [ 1, 2 ] }", "0=x {\"z\":[1,2]} 0");
    check_scan("{\"b\":{\"a\":1,\"c\":2,\"x\":3},\"d\":{\"b\":{\"a\":4,\"q\":5},\"r\":6},\"z\":7}",
               "1=1 2=2 5=4 {\"b\":{\"x\":3},\"d\":{\"b\":{\"q\":5},\"r\":6},\"z\":7} 0");
    check_scan("{\"e\\\"\":1}", "6=1  0");
    check_scan("{\"\\u0065\\u0022\":1,\"\\u0062\":{\"\\u0061\":2}}", "1=2 6=1  0");
}

TEST(scanner_gives_a_wanted_object_whole_and_what_is_wanted_inside_it)
{
    check_scan("{\"c\":{\"a\":1,\"x\":2}}", "3={\"a\":1,\"x\":2} 4=1  0");
    check_scan("{\"c\":5}", "3=5  0");
    check_scan("{\"z\":1,\"c\":{\"x\":2},\"y\":3}", "3={\"x\":2} {\"z\":1,\"y\":3} 0");
}

TEST(scanner_keeps_another_kind_where_an_object_was_expected)
{
    check_scan("{\"b\":5,\"d\":{\"b\":[{\"a\":1}]}}", "{\"b\":5,\"d\":{\"b\":[{\"a\":1}]}} 0");
    check_scan("{\"b\":null,\"d\":\"x\"}", "{\"b\":null,\"d\":\"x\"} 0");
    check_scan("{\"b\":{},\"d\":{\"b\":{}}}", " 0");
}

TEST(scanner_lets_the_last_of_repeated_keys_win)
{
    check_scan("{\"a\":1,\"a\":2,\"a\":3}", "0=3  2");
    check_scan("{\"z\":1,\"y\":0,\"z\":2}", "{\"y\":0,\"z\":2} 1");
    check_scan("{\"z\":1,\"\\u007a\":2}", "{\"\\u007a\":2} 1");
    check_scan("{\"\\u007a\":1,\"z\":2,\"z\":3}", "{\"z\":3} 2");
    check_scan("{\"a\":1,\"\\u0061\":null}", "0=null  1");
    check_scan("{\"b\":{\"a\":1,\"x\":1},\"b\":{\"c\":2}}", "2=2  1");
    check_scan("{\"b\":{\"a\":1,\"x\":1},\"b\":5}", "{\"b\":5} 1");
    check_scan("{\"b\":5,\"b\":{\"a\":1}}", "1=1  1");
    check_scan("{\"b\":{\"x\":1,\"x\":2},\"z\":0,\"b\":{\"x\":3,\"x\":4}}",
               "{\"z\":0,\"b\":{\"x\":4}} 3");
    check_scan("{\"d\":{\"b\":{\"x\":1},\"q\":1},\"d\":{\"r\":1}}", "{\"d\":{\"r\":1}} 1");
    check_scan("{\"c\":{\"a\":1,\"x\":2},\"c\":{\"a\":3,\"a\":4}}", "3={\"a\":3,\"a\":4} 4=4  2");
    check_scan("{\"c\":{\"a\":1},\"y\":1,\"c\":7}", "3=7 {\"y\":1} 1");
    // What is skipped whole stays as it stands.
    check_scan("{\"z\":{\"x\":1,\"x\":2}}", "{\"z\":{\"x\":1,\"x\":2}} 0");
}

TEST(scanner_converts_integers_of_at_most_18_digits)
{
    static const struct {
        const char *text;
        pl_slot_kind kind;
        bool has_long;
        int64_t value;
    } cases[] = {{"0", PL_SLOT_INTEGER, true, 0},
                 {"-0", PL_SLOT_INTEGER, true, 0},
                 {"-12", PL_SLOT_INTEGER, true, -12},
                 {"999999999999999999", PL_SLOT_INTEGER, true, INT64_C(999999999999999999)},
                 {"-999999999999999999", PL_SLOT_INTEGER, true, -INT64_C(999999999999999999)},
                 {"1000000000000000000", PL_SLOT_INTEGER, false, 0},
                 {"9999999999999999999", PL_SLOT_INTEGER, false, 0},
                 {"12345678", PL_SLOT_INTEGER, true, 12345678},
                 {"1234567", PL_SLOT_INTEGER, true, 1234567},
                 {"1.0", PL_SLOT_NUMBER, false, 10},
                 {"1e2", PL_SLOT_NUMBER, false, 0},
                 {"-1E2", PL_SLOT_NUMBER, false, 0},
                 {"true", PL_SLOT_TRUE, false, 0},
                 {"false", PL_SLOT_FALSE, false, 0},
                 {"null", PL_SLOT_NULL, false, 0},
                 {"[1]", PL_SLOT_ARRAY, false, 0},
                 {"{}", PL_SLOT_OBJECT, false, 0}};
    kit k;
    kit_open(&k);
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_buf record = {0};
        pl_buf_printf(&record, "{\"a\":%s}", cases[i].text);
        CHECK_INT(record.count, pl_scan_record(&k.scanner, pl_buf_view(&record), 0));
        pl_slot slot = k.scanner.slots[0];
        CHECK_INT(cases[i].kind, slot.kind);
        CHECK_INT(cases[i].has_long, slot.has_long);
        CHECK_INT(cases[i].value, slot.value);
        CHECK_SPAN(cases[i].text, slot.raw);
        CHECK_INT(cases[i].kind, pl_slot_kind_of(pl_span_of(cases[i].text)));
        pl_buf_done(&record);
    }
    CHECK_INT(PL_SLOT_STRING, pl_slot_kind_of(PL_SPAN("\"e\"")));
    CHECK_INT(PL_SLOT_ABSENT, pl_slot_kind_of((pl_span){0}));
    kit_close(&k);
}

static void check_fails(const char *record, size_t offset, const char *reason)
{
    kit k;
    kit_open(&k);
    CHECK_INT(SIZE_MAX, pl_scan_record(&k.scanner, pl_span_of(record), 0));
    CHECK_STR(reason, k.scanner.error.reason);
    CHECK_INT(offset, k.scanner.error.offset);
    kit_close(&k);
}

TEST(scanner_reads_fractions_of_at_most_18_digits)
{
    static const struct {
        const char *text;
        int fraction;
        int64_t value;
    } cases[] = {{"0.5", 1, 5},
                 {"-0.0", 1, 0},
                 {"-12.50", 2, -1250},
                 {"52.926356", 6, 52926356},
                 {"12345678.901234567", 9, INT64_C(12345678901234567)},
                 {"9999999999999999999.5", 0, 0},
                 {"0.12345678901234567", 17, INT64_C(12345678901234567)},
                 {"123456789012345678.5", 0, 0},
                 {"1.123456789012345678", 0, 0},
                 {"1.5e1", 0, 0}};
    for (size_t i = 0; i < PL_COUNT(cases); i++)
        for (int more = 0; more < 2; more++) { // close to the end of the text, and not
            kit k;
            pl_buf record = {0};
            kit_open(&k);
            pl_buf_printf(&record, "{\"a\":%s%s}", cases[i].text,
                          more ? ",\"z\":\"zzzzzzzzz\"" : "");
            CHECK_INT(record.count, pl_scan_record(&k.scanner, pl_buf_view(&record), 0));
            CHECK_INT(PL_SLOT_NUMBER, k.scanner.slots[0].kind);
            CHECK_INT(cases[i].fraction, k.scanner.slots[0].fraction);
            CHECK_INT(cases[i].value, k.scanner.slots[0].value);
            CHECK(!k.scanner.slots[0].has_long);
            pl_buf_done(&record);
            kit_close(&k);
        }
}

TEST(scanner_lists_the_items_of_arrays_of_plain_strings)
{
    static const struct {
        const char *text;
        int items; // -1: none are given
    } cases[] = {{"[]", 0},
                 {"[ ]", 0},
                 {"[\"\"]", 1},
                 {"[\"a\",\"b\"]", 2},
                 {"[ \"a\" , \"\xC3\xA9\" ]", 2},
                 {"[\"a\\n\"]", -1},
                 {"[\"a\",1]", -1},
                 {"[null]", -1},
                 {"[[\"a\"]]", -1}};
    kit k;
    kit_open(&k);
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_buf record = {0};
        pl_buf_printf(&record, "{\"a\":%s,\"c\":[\"x\"]}", cases[i].text);
        CHECK_INT(record.count, pl_scan_record(&k.scanner, pl_buf_view(&record), 0));
        const pl_slot *slot = &k.scanner.slots[0];
        CHECK_INT(PL_SLOT_ARRAY, slot->kind);
        CHECK_SPAN(cases[i].text, slot->raw);
        CHECK_INT(cases[i].items >= 0, slot->has_items);
        if (slot->has_items) CHECK_INT(cases[i].items, slot->items.count);
        CHECK_SPAN("x", k.scanner.items[k.scanner.slots[3].items.first]);
        pl_buf_done(&record);
    }
    pl_buf many = {0};
    pl_buf_text(&many, "{\"a\":[\"\"");
    for (uint32_t i = 1; i < PL_ITEMS_MAX; i++) pl_buf_text(&many, ",\"\"");
    pl_buf_text(&many, "],\"c\":[\"x\"]}");
    CHECK_INT(many.count, pl_scan_record(&k.scanner, pl_buf_view(&many), 0));
    CHECK_INT(PL_ITEMS_MAX, k.scanner.slots[0].items.count);
    CHECK_INT(PL_SLOT_ARRAY, k.scanner.slots[3].kind);
    CHECK(!k.scanner.slots[3].has_items);
    pl_buf_done(&many);
    kit_close(&k);
    check_fails("{\"a\":[\"x\",]}", 10, "a value is expected here");
    check_fails("{\"a\":[\"x\" \"y\"]}", 10, "a comma or ] is expected here");
    check_fails("{\"a\":[\"\xFF\"]}", 7, "these bytes are not UTF-8");
}

TEST(scanner_begins_at_the_offset_it_is_given_and_stops_behind_the_object)
{
    kit k;
    kit_open(&k);
    pl_span text = PL_SPAN("  {\"a\":1} {\"a\":2}");
    CHECK_INT(9, pl_scan_record(&k.scanner, text, 2));
    CHECK_INT(17, pl_scan_record(&k.scanner, text, 10));
    CHECK_INT(2, k.scanner.slots[0].value);
    kit_close(&k);
}

TEST(scanner_reports_the_exact_byte_of_an_error)
{
    check_fails("{", 1, "the text ends inside an object");
    check_fails("{\"a\"", 4, "the text ends inside an object");
    check_fails("{\"a\":", 5, "the text ends where a value is expected");
    check_fails("{\"a\":1", 6, "the text ends inside an object");
    check_fails("{\"a\":1,", 7, "the text ends inside an object");
    check_fails("{\"a\":1,}", 7, "a key in quotes is expected here");
    check_fails("{\"a\" 1}", 5, "a colon is expected here");
    check_fails("{\"a\":1 \"b\":2}", 7, "a comma or } is expected here");
    check_fails("{\"a\":[1}", 7, "a comma or ] is expected here");
    check_fails("{\"a\":-}", 6, "a number needs a digit here");
    check_fails("{\"z\":01}", 5, "a number has a leading zero");
    check_fails("{\"b\":{\"a\":\"\\ud800\"}}", 11, "a lone surrogate is not a character");
    check_fails("{\"\xFF\":1}", 2, "these bytes are not UTF-8");
    check_fails("{\"a\":\"\n\"}", 6, "a control byte stands inside a string");
}

TEST(scanner_bounds_depth_and_key_length)
{
    kit k;
    kit_open(&k);
    for (int depth = PL_DEPTH_MAX - 1; depth <= PL_DEPTH_MAX; depth++) {
        pl_buf text = {0};
        pl_buf_text(&text, "{\"a\":");
        for (int i = 0; i < depth; i++) pl_buf_char(&text, '[');
        for (int i = 0; i < depth; i++) pl_buf_char(&text, ']');
        pl_buf_char(&text, '}');
        bool fits = depth < PL_DEPTH_MAX;
        CHECK_INT(fits ? text.count : SIZE_MAX, pl_scan_record(&k.scanner, pl_buf_view(&text), 0));
        if (!fits) CHECK_STR("values are nested too deep", k.scanner.error.reason);
        pl_buf_done(&text);
    }
    for (size_t extra = 0; extra < 2; extra++) {
        pl_buf text = {0};
        pl_buf_text(&text, "{\"");
        for (size_t i = 0; i < PL_KEY_BYTES_MAX - 2 + extra; i++) pl_buf_char(&text, 'k');
        pl_buf_text(&text, "\":1}");
        CHECK_INT(extra ? SIZE_MAX : text.count, pl_scan_record(&k.scanner, pl_buf_view(&text), 0));
        if (extra) CHECK_STR("a key is too long", k.scanner.error.reason);
        pl_buf_done(&text);
    }
    kit_close(&k);
}

TEST(scanner_takes_a_million_repetitions_in_its_stride)
{
    // 50,000 rest entries, then repetitions: forgetting must not look at all of them each time.
    kit k;
    pl_buf text = {0};
    kit_open(&k);
    pl_buf_char(&text, '{');
    for (int i = 0; i < 50000; i++) pl_buf_printf(&text, "\"k%d\":1,", i);
    for (int i = 0; i < 300000; i++) pl_buf_text(&text, "\"z\":1,\"b\":{\"x\":1},");
    pl_buf_text(&text, "\"a\":1}");
    CHECK_INT(text.count, pl_scan_record(&k.scanner, pl_buf_view(&text), 0));
    CHECK_INT(599998, k.scanner.duplicates);
    CHECK_INT(50002, k.scanner.rest_count);
    pl_buf_done(&text);
    kit_close(&k);
}

TEST(scanner_past_the_path_limit_still_finds_everything)
{
    kit k;
    pl_buf text = {0}, rest = {0};
    kit_open(&k);
    pl_buf_char(&text, '{');
    for (uint32_t i = 0; i < PL_PATHS_MAX; i++) pl_buf_printf(&text, "\"k%u\":1,", i);
    pl_buf_text(&text, "\"a\":1}");
    CHECK_INT(text.count, pl_scan_record(&k.scanner, pl_buf_view(&text), 0));
    CHECK_INT(PL_PATHS_MAX, k.scanner.rest_count);
    CHECK_INT(PL_PATHS_MAX, k.paths.count);
    pl_span late = PL_SPAN("{\"new\":1,\"a\":2,\"newer\":3,\"b\":{\"newest\":4,\"a\":5}}");
    for (int round = 0; round < 3; round++) {
        CHECK_INT(late.bytes, pl_scan_record(&k.scanner, late, 0));
        CHECK_INT(2, k.scanner.slots[0].value);
        CHECK_INT(5, k.scanner.slots[1].value);
        pl_buf_reset(&rest);
        pl_rest_write(&rest, &k.paths, k.scanner.rest, k.scanner.rest_count);
        CHECK_SPAN("{\"new\":1,\"newer\":3,\"b\":{\"newest\":4}}", pl_buf_view(&rest));
    }
    pl_buf_done(&text);
    pl_buf_done(&rest);
    kit_close(&k);
}

// --- generated records: a warm scanner, a fresh one and the tree must agree ---------------------

static uint64_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static void generate(pl_buf *out, int depth);

static void generate_object(pl_buf *out, int depth)
{
    static const char *const keys[] = {"a",       "b",       "c", "d", "e\\\"", "z", "\\u0061",
                                       "\\u0062", "\\u007a", "",  "x", "c",     "b"};
    static const char *const spaces[] = {"", "", "", " ", "\n\t"};
    uint32_t count = pick(6);
    pl_buf_char(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i) pl_buf_char(out, ',');
        pl_buf_text(out, spaces[pick(5)]);
        pl_buf_printf(out, "\"%s\"%s:%s", keys[pick(PL_COUNT(keys))], spaces[pick(5)],
                      spaces[pick(5)]);
        generate(out, depth + 1);
        pl_buf_text(out, spaces[pick(5)]);
    }
    pl_buf_char(out, '}');
}

static void generate(pl_buf *out, int depth)
{
    static const char *const scalars[] = {"null",
                                          "true",
                                          "false",
                                          "0",
                                          "-12",
                                          "1.5e3",
                                          "\"\"",
                                          "\"t\\\"x\"",
                                          "\"a: }\"",
                                          "12345678901234567890",
                                          "-0.25",
                                          "[\"\", \"b\"]",
                                          "[\"\\n\"]",
                                          "\"\xC3\xA9\"",
                                          "[ \"\xC3\xA9\",\"ccccccccccccccccc\" ]"};
    if (depth < 4 && pick(3) == 0) {
        generate_object(out, depth);
    } else if (depth < 4 && pick(6) == 0) {
        pl_buf_char(out, '[');
        for (uint32_t i = pick(3); i > 0; i--) {
            generate(out, depth + 1);
            if (i > 1) pl_buf_char(out, ',');
        }
        pl_buf_char(out, ']');
    } else {
        pl_buf_text(out, scalars[pick(PL_COUNT(scalars))]);
    }
}

static bool is_last(const pl_json *member)
{
    for (const pl_json *other = member->next; other; other = other->next)
        if (pl_span_equal(other->key, member->key)) return false;
    return true;
}

// One line per leaf that no wanted path covers, "/b/x=1": of a record, or of a written rest.
static void rest_lines(pl_buf *lines, const pl_paths *paths, uint32_t node, const char *prefix,
                       const pl_json *object)
{
    for (const pl_json *m = object->first; m; m = m->next) {
        if (!is_last(m)) continue;
        pl_paths *table = (pl_paths *)(uintptr_t)paths; // not learned: a look only
        uint32_t child =
            node == PL_PATH_NONE ? PL_PATH_NONE : pl_paths_child(table, node, m->key, false);
        const pl_path_node *known = child == PL_PATH_NONE ? NULL : &paths->nodes[child];
        if (known && known->slot >= 0) continue;
        pl_buf name = {0};
        pl_buf_printf(&name, "%s/%.*s", prefix, PL_FMT(m->key));
        if (known && known->inside && m->kind == PL_JSON_OBJECT) {
            rest_lines(lines, paths, child, pl_buf_cstr(&name), m);
        } else {
            pl_buf_printf(lines, "%s=", pl_buf_cstr(&name));
            pl_json_compact(lines, m->raw);
            pl_buf_char(lines, '\n');
        }
        pl_buf_done(&name);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The lines in order of their bytes.
static void sort_lines(pl_buf *lines)
{
    char *items[512], *copy = strdup(pl_buf_cstr(lines)), *save = NULL;
    size_t count = 0;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        items[count++] = line;
    qsort(items, count, sizeof *items, by_text);
    pl_buf_reset(lines);
    for (size_t i = 0; i < count; i++) pl_buf_printf(lines, "%s\n", items[i]);
    free(copy);
}

// What the scanner read of a value beside its text.
static void check_read(const pl_scanner *scanner, const pl_slot *slot, const pl_json *value)
{
    if (slot->fraction) {
        pl_number number;
        pl_i128 unscaled;
        CHECK_INT(PL_NUMBER_OK, pl_number_parse(value->raw, &number));
        CHECK_INT(PL_NUMBER_OK, pl_number_decimal(&number, 0, 38, slot->fraction, &unscaled));
        CHECK(unscaled == slot->value);
    }
    if (!slot->has_items) return;
    CHECK_INT(value->count, slot->items.count);
    const pl_span *item = scanner->items + slot->items.first;
    for (const pl_json *element = value->first; element; element = element->next, item++) {
        CHECK_INT(PL_JSON_STRING, element->kind);
        CHECK(item->data == element->raw.data + 1 && item->bytes == element->raw.bytes - 2);
        CHECK(!item->bytes || !memchr(item->data, '\\', item->bytes));
    }
}

static void check_slots(const kit *k, const pl_json *root)
{
    for (int i = 0; i < WANTED; i++) {
        const pl_json *value = root;
        for (int step = 0; step < 4 && wanted[i][step]; step++)
            value = pl_json_get(value, wanted[i][step]);
        pl_slot slot = k->scanner.slots[i];
        if (!value) {
            CHECK_INT(PL_SLOT_ABSENT, slot.kind);
            continue;
        }
        bool string = value->kind == PL_JSON_STRING;
        CHECK_INT(pl_slot_kind_of(value->raw), slot.kind);
        CHECK(slot.raw.data == value->raw.data + string);
        CHECK_INT(value->raw.bytes - (string ? 2 : 0), slot.raw.bytes);
        bool escaped = string && slot.raw.bytes && memchr(slot.raw.data, '\\', slot.raw.bytes);
        CHECK_INT(escaped, slot.escaped);
        check_read(&k->scanner, &slot, value);
    }
}

static void check_against_tree(kit *k, pl_span record, const pl_json *root)
{
    pl_arena arena = {0};
    pl_buf rest = {0}, want = {0}, got = {0};
    check_slots(k, root);
    pl_rest_write(&rest, &k->paths, k->scanner.rest, k->scanner.rest_count);
    rest_lines(&want, &k->paths, PL_PATH_ROOT, "", root);
    if (rest.count) {
        pl_json *written;
        plumb_error err;
        CHECK_OK(pl_json_parse(pl_buf_view(&rest), &arena, &written, &err), err);
        rest_lines(&got, &k->paths, PL_PATH_ROOT, "", written);
    }
    sort_lines(&want);
    sort_lines(&got);
    if (!pl_span_equal(pl_buf_view(&want), pl_buf_view(&got)))
        fail_msg("record %.*s\nrest: %s\nwant:\n%sgot:\n%s", PL_FMT(record), pl_buf_cstr(&rest),
                 pl_buf_cstr(&want), pl_buf_cstr(&got));
    pl_buf_done(&rest);
    pl_buf_done(&want);
    pl_buf_done(&got);
    pl_arena_done(&arena);
}

TEST(scanner_warm_fresh_and_tree_agree_on_generated_records)
{
    kit warm;
    kit_open(&warm);
    seed = 1;
    for (int round = 0; round < 30000; round++) {
        pl_arena arena = {0};
        pl_buf text = {0};
        kit fresh;
        pl_json *root;
        plumb_error err;
        generate_object(&text, 0);
        pl_span record = pl_buf_view(&text);
        kit_open(&fresh);
        CHECK_INT(record.bytes, pl_scan_record(&warm.scanner, record, 0));
        CHECK_INT(record.bytes, pl_scan_record(&fresh.scanner, record, 0));
        CHECK_OK(pl_json_parse(record, &arena, &root, &err), err);
        check_against_tree(&warm, record, root);
        check_against_tree(&fresh, record, root);
        CHECK_INT(fresh.scanner.duplicates, warm.scanner.duplicates);
        CHECK_INT(fresh.scanner.rest_count, warm.scanner.rest_count);
        for (int i = 0; i < WANTED; i++) {
            if (!fresh.scanner.slots[i].kind) continue;
            CHECK_INT(fresh.scanner.slots[i].has_long, warm.scanner.slots[i].has_long);
            CHECK_INT(fresh.scanner.slots[i].value, warm.scanner.slots[i].value);
            CHECK_INT(fresh.scanner.slots[i].fraction, warm.scanner.slots[i].fraction);
            CHECK_INT(fresh.scanner.slots[i].has_items, warm.scanner.slots[i].has_items);
        }
        kit_close(&fresh);
        pl_buf_done(&text);
        pl_arena_done(&arena);
    }
    kit_close(&warm);
}

TEST(scanner_warm_fresh_and_grammar_agree_on_damaged_records)
{
    kit warm;
    kit_open(&warm);
    seed = 2;
    for (int round = 0; round < 30000; round++) {
        pl_buf text = {0};
        kit fresh;
        generate_object(&text, 0);
        for (uint32_t i = pick(3) + 1; i > 0; i--)
            text.data[1 + pick((uint32_t)text.count - 1)] = "\"{}[],:\\u0e-1 \xC3\n"[pick(17)];
        // Exactly sized, so that ASan sees a read behind it.
        size_t bytes = 1 + pick((uint32_t)text.count);
        char *exact = malloc(bytes);
        memcpy(exact, text.data, bytes);
        pl_span record = {exact, bytes};
        pl_json_error error = {0};
        kit_open(&fresh);
        size_t want = pl_json_skip(record, 0, 0, &error);
        CHECK_INT(want, pl_scan_record(&warm.scanner, record, 0));
        CHECK_INT(want, pl_scan_record(&fresh.scanner, record, 0));
        if (want == SIZE_MAX) {
            CHECK_STR(error.reason, warm.scanner.error.reason);
            CHECK_STR(error.reason, fresh.scanner.error.reason);
            CHECK_INT(error.offset, warm.scanner.error.offset);
            CHECK_INT(error.offset, fresh.scanner.error.offset);
        }
        kit_close(&fresh);
        free(exact);
        pl_buf_done(&text);
    }
    kit_close(&warm);
}

int main(void)
{
    return RUN_TESTS("json/scanner", T(scanner_fills_slots_and_lists_the_rest),
                     T(scanner_gives_a_wanted_object_whole_and_what_is_wanted_inside_it),
                     T(scanner_keeps_another_kind_where_an_object_was_expected),
                     T(scanner_lets_the_last_of_repeated_keys_win),
                     T(scanner_converts_integers_of_at_most_18_digits),
                     T(scanner_reads_fractions_of_at_most_18_digits),
                     T(scanner_lists_the_items_of_arrays_of_plain_strings),
                     T(scanner_begins_at_the_offset_it_is_given_and_stops_behind_the_object),
                     T(scanner_reports_the_exact_byte_of_an_error),
                     T(scanner_bounds_depth_and_key_length),
                     T(scanner_takes_a_million_repetitions_in_its_stride),
                     T(scanner_past_the_path_limit_still_finds_everything),
                     T(scanner_warm_fresh_and_tree_agree_on_generated_records),
                     T(scanner_warm_fresh_and_grammar_agree_on_damaged_records));
}
