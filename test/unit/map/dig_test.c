// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "map/convert.h"
#include "unit.h"

static void check_dig(const char *path, const char *value, const char *want)
{
    pl_arena arena = {0};
    plumb_error err;
    pl_path parsed;
    CHECK_OK(pl_path_parse(pl_span_of(path), &arena, &parsed, &err), err);
    pl_slot slot = pl_dig(pl_span_of(value), parsed.steps, parsed.count, &arena);
    if (slot.kind == PL_SLOT_ABSENT)
        CHECK_STR(want, "absent");
    else
        CHECK_SPAN(want, slot.raw);
    pl_arena_done(&arena);
}

TEST(dig_indexes_arrays_from_zero)
{
    check_dig("$[0]", "[ 10 , 20 ]", "10");
    check_dig("$[1]", "[ 10 , 20 ]", "20");
    check_dig("$[2]", "[ 10 , 20 ]", "absent");
    check_dig("$[0]", "[]", "absent");
    check_dig("$[9223372036854775807]", "[1]", "absent");
    check_dig("$[1][0].a", "[[], [{\"a\" : {\"b\": 1}}], 3]", "{\"b\": 1}");
    check_dig("$[0]", "{\"0\":1}", "absent");
    check_dig("$[0]", "\"text\"", "absent");
    check_dig("$[0]", "5", "absent");
}

TEST(dig_takes_the_last_of_repeated_keys_and_compares_them_unescaped)
{
    check_dig("a", "{\"a\":1,\"b\":2,\"a\":3}", "3");
    check_dig("a", "{\"\\u0061\":1}", "1");
    check_dig("$[\"a.b\"].c", "{\"a.b\":{\"c\":[1]}}", "[1]");
    check_dig("$[\"\"]", "{\"\":1}", "1");
    check_dig("a", "{\"A\":1}", "absent");
    check_dig("a", "{}", "absent");
    check_dig("a", "[{\"a\":1}]", "absent");
    check_dig("a.b", "{\"a\":{\"b\":1},\"a\":{}}", "absent");
    check_dig("a.b", "{\"a\":null}", "absent");
}

TEST(dig_looks_up_the_first_object_with_that_member)
{
    check_dig("$[name=\"likes\"].v", "[{\"name\":\"x\",\"v\":1},{\"name\":\"likes\",\"v\":2}]",
              "2");
    check_dig("$[name=\"likes\"].v", "[{\"name\":\"likes\",\"v\":1},{\"name\":\"likes\",\"v\":2}]",
              "1");
    check_dig("$[name=\"likes\"].v", "[7,null,[],\"likes\",{},{\"name\":\"lik\\u0065s\",\"v\":2}]",
              "2");
    check_dig("$[name=\"a\"].v", "[{\"name\":\"b\",\"name\":\"a\",\"v\":1}]", "1");
    check_dig("$[name=\"b\"].v", "[{\"name\":\"b\",\"name\":\"a\",\"v\":1}]", "absent");
    check_dig("$[id=\"5\"].v", "[{\"id\":5,\"v\":1}]", "1");
    check_dig("$[name=\"x\"]", "[{\"name\":\"x\"}]", "{\"name\":\"x\"}");
    check_dig("$[name=\"x\"]", "{\"name\":\"x\"}", "absent");
    check_dig("$[name=\"\"].v", "[{\"v\":1},{\"name\":\"\",\"v\":2}]", "2");
    // Only the first match counts, even where it has no such member.
    check_dig("$[name=\"x\"].v", "[{\"name\":\"x\"},{\"name\":\"x\",\"v\":2}]", "absent");
}

TEST(dig_leaves_null_and_kinds_to_the_caller)
{
    pl_arena arena = {0};
    pl_step step = {.kind = PL_STEP_INDEX, .index = 0};
    static const struct {
        const char *value;
        pl_slot_kind kind;
        bool escaped;
        const char *raw;
    } cases[] = {
        {"[null]", PL_SLOT_NULL, false, "null"},    {"[true]", PL_SLOT_TRUE, false, "true"},
        {"[false]", PL_SLOT_FALSE, false, "false"}, {"[-1]", PL_SLOT_INTEGER, false, "-1"},
        {"[1e5]", PL_SLOT_NUMBER, false, "1e5"},    {"[1.0]", PL_SLOT_NUMBER, false, "1.0"},
        {"[\"\"]", PL_SLOT_STRING, false, ""},      {"[\"a\\n\"]", PL_SLOT_STRING, true, "a\\n"},
        {"[[1]]", PL_SLOT_ARRAY, false, "[1]"},     {"[{}]", PL_SLOT_OBJECT, false, "{}"}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_slot slot = pl_dig(pl_span_of(cases[i].value), &step, 1, &arena);
        CHECK_INT(cases[i].kind, slot.kind);
        CHECK_INT(cases[i].escaped, slot.escaped);
        CHECK_SPAN(cases[i].raw, slot.raw);
    }
    CHECK_INT(PL_SLOT_ARRAY, pl_dig(PL_SPAN("[1]"), NULL, 0, &arena).kind);
    CHECK_INT(PL_SLOT_ABSENT, pl_dig((pl_span){0}, &step, 1, &arena).kind);
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS("map/dig", T(dig_indexes_arrays_from_zero),
                     T(dig_takes_the_last_of_repeated_keys_and_compares_them_unescaped),
                     T(dig_looks_up_the_first_object_with_that_member),
                     T(dig_leaves_null_and_kinds_to_the_caller));
}
