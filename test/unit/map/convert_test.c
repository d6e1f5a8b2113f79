// SPDX-License-Identifier: Apache-2.0
#include "map/convert.h"

#include "converted.h"

#define NATURAL(type, json, want) CHECK_CONVERT(type, "", json, want)

TEST(convert_boolean_takes_true_false_and_their_exact_stand_ins)
{
    NATURAL("boolean", "true", "true");
    NATURAL("boolean", "false", "false");
    NATURAL("boolean", "\"true\"", "true (coerced)");
    NATURAL("boolean", "\"false\"", "false (coerced)");
    NATURAL("boolean", "\"tru\\u0065\"", "true (coerced)");
    NATURAL("boolean", "1", "true (coerced)");
    NATURAL("boolean", "0", "false (coerced)");
    static const char *const bad[] = {"\"True\"", "\"1\"", "2", "-0", "1.0", "\"\"", "[]", "{}"};
    for (size_t i = 0; i < PL_COUNT(bad); i++) NATURAL("boolean", bad[i], "! is not true or false");
}

TEST(convert_long_and_int_are_exact)
{
    NATURAL("long", "5", "5");
    NATURAL("long", "-0", "0");
    NATURAL("long", "5.0", "5 (coerced)");
    NATURAL("long", "5e0", "5 (coerced)");
    NATURAL("long", "\"5\"", "5 (coerced)");
    NATURAL("long", "\"5.0\"", "5 (coerced)");
    NATURAL("long", "999999999999999999", "999999999999999999");
    NATURAL("long", "9223372036854775807", "9223372036854775807");
    NATURAL("long", "-9223372036854775808", "-9223372036854775808");
    NATURAL("long", "9223372036854775808", "! is out of range");
    NATURAL("long", "\"9223372036854775808\"", "! is out of range");
    NATURAL("long", "340282366920938463463374607431768211461", "! is out of range");
    NATURAL("long", "5.5", "! has digits the type cannot hold");
    NATURAL("long", "\" 5\"", "! is not a number");
    NATURAL("long", "\"+5\"", "! is not a number");
    NATURAL("long", "\"05\"", "! is not a number");
    NATURAL("long", "\"\"", "! is not a number");
    NATURAL("long", "\"NaN\"", "! is not a number");
    NATURAL("long", "true", "! is not a number");
    NATURAL("long", "[1]", "! is not a number");
    NATURAL("long", "{}", "! is not a number");
    NATURAL("int", "2147483647", "2147483647");
    NATURAL("int", "-2147483648", "-2147483648");
    NATURAL("int", "2147483648", "! is out of range");
    NATURAL("int", "-2147483649", "! is out of range");
    NATURAL("int", "1e3", "1000 (coerced)");
}

TEST(convert_decimal_keeps_every_digit)
{
    NATURAL("decimal(6,2)", "5", "5.00");
    NATURAL("decimal(6,2)", "5.25", "5.25");
    NATURAL("decimal(6,2)", "525e-2", "5.25");
    NATURAL("decimal(6,2)", "\"5.25\"", "5.25 (coerced)");
    NATURAL("decimal(6,2)", "5.250", "5.25");
    NATURAL("decimal(6,2)", "5.255", "! has digits the type cannot hold");
    NATURAL("decimal(6,2)", "10000", "! is out of range");
    NATURAL("decimal(6,2)", "\"Infinity\"", "! is not a number");
    NATURAL("decimal(38,0)", "99999999999999999999999999999999999999",
            "99999999999999999999999999999999999999");
}

TEST(convert_double_and_float_take_the_nearest_and_names_of_what_json_cannot_say)
{
    NATURAL("double", "5", "5.0");
    NATURAL("double", "-0", "-0.0");
    NATURAL("double", "5.25", "5.25");
    NATURAL("double", "\"5.25\"", "5.25 (coerced)");
    NATURAL("double", "\"NaN\"", "NaN (coerced)");
    NATURAL("double", "\"Infinity\"", "Infinity (coerced)");
    NATURAL("double", "\"-Infinity\"", "-Infinity (coerced)");
    NATURAL("double", "\"nan\"", "! is not a number");
    NATURAL("double", "\"inf\"", "! is not a number");
    NATURAL("double", "1e400", "! is out of range");
    NATURAL("double", "1e-400", "! is not zero but too small for the type");
    NATURAL("double", "9007199254740993", "9007199254740992.0");
    NATURAL("float", "16777217", "16777216.0");
    NATURAL("float", "1e39", "! is out of range");
    NATURAL("float", "\"NaN\"", "NaN (coerced)");
    NATURAL("float", "\"-Infinity\"", "-Infinity (coerced)");
}

TEST(convert_times_take_iso_text_alone)
{
    NATURAL("timestamp", "\"2026-11-22T03:04:05Z\"", "2026-11-22T03:04:05Z");
    NATURAL("timestamp", "\"2026-11-22T03:04:05\\u002b01:00\"", "2026-11-22T02:04:05Z");
    NATURAL("timestamp", "\"2026-11-22\"", "! is a date without a time");
    NATURAL("timestamp", "\"2026-11-22T03:04:05\"", "! has no UTC offset");
    NATURAL("timestamp", "1700000000", "! is a number, which needs a parser such as parse(epoch)");
    NATURAL("timestamp", "true", "! is not a time");
    NATURAL("date", "\"2026-11-22\"", "2026-11-22");
    NATURAL("date", "\"2026-11-22T00:00:00Z\"", "! is not a date (YYYY-MM-DD)");
    NATURAL("date", "[]", "! is not a time");
    NATURAL("date", "20261122", "! is a number, which needs a parser such as parse(epoch)");
}

TEST(convert_string_takes_every_scalar_as_it_stands)
{
    NATURAL("string", "\"a\\n\\u00e9\\ud83d\\ude00\"", "a\n\xC3\xA9\xF0\x9F\x98\x80");
    NATURAL("string", "\"\"", "");
    NATURAL("string", "5", "5 (coerced)");
    NATURAL("string", "5.00", "5.00 (coerced)");
    NATURAL("string", "12345678901234567890123", "12345678901234567890123 (coerced)");
    NATURAL("string", "true", "true (coerced)");
    NATURAL("string", "[1]", "! is an array, not text");
    NATURAL("string", "{}", "! is an object, not text");
}

TEST(convert_json_takes_anything_without_its_white_space)
{
    NATURAL("json", "{\"a\" : [ 1,\t2 ] , \"b c\":\"d  e\"}", "{\"a\":[1,2],\"b c\":\"d  e\"}");
    NATURAL("json", "\"a \\\" b\"", "\"a \\\" b\"");
    NATURAL("json", "1.50", "1.50");
    NATURAL("json", "true", "true");
    NATURAL("json", "[]", "[]");
}

TEST(convert_list_converts_its_elements_and_fails_as_a_whole)
{
    NATURAL("list(long)", "[]", "[]");
    NATURAL("list(long)", "[ 1 , 2,null ]", "[1,2,null]");
    NATURAL("list(long)", "[1,\"2\"]", "[1,2] (coerced)");
    NATURAL("list(long)", "[1,\"x\"]", "! is not a number");
    NATURAL("list(long)", "[[1]]", "! is not a number");
    NATURAL("list(long)", "5", "! is not an array");
    NATURAL("list(long)", "{\"0\":1}", "! is not an array");
    NATURAL("list(string)", "[\"\\u0061\",\"\"]", "[a,]");
    NATURAL("list(list(long))", "[]", "[]");
    NATURAL("list(list(long))", "[[1,null],null,[],[\"2\"]]", "[[1,null],null,[],[2]] (coerced)");
    NATURAL("list(list(long))", "[[1],2]", "! is not an array");
    NATURAL("list(list(long))", "[[1],[[2]]]", "! is not a number");
    CHECK_CONVERT("list(list(timestamp))", "epoch(s)", "[[0],[1]]",
                  "[[1970-01-01T00:00:00Z],[1970-01-01T00:00:01Z]]");
    CHECK_CONVERT("list(double)", "percent", "[\"5%\",0.5,null]", "[0.05,0.5,null]");
    pl_buf json = {0}, want = {0};
    for (int i = 0; i < 1000; i++) pl_buf_printf(&json, "%s%d", i ? "," : "[", i);
    pl_buf_span(&want, pl_buf_view(&json));
    pl_buf_char(&json, ']');
    pl_buf_char(&want, ']');
    NATURAL("list(int)", pl_buf_cstr(&json), pl_buf_cstr(&want));
    pl_buf_done(&json);
    pl_buf_done(&want);
}

TEST(convert_tries_the_natural_rules_where_a_parser_cannot_read_the_value)
{
    CHECK_CONVERT("timestamp", "epoch", "\"2026-11-22T03:04:05Z\"",
                  "2026-11-22T03:04:05Z (coerced)");
    CHECK_CONVERT("date", "epoch", "\"2026-11-22\"", "2026-11-22 (coerced)");
    CHECK_CONVERT("timestamp", "epoch", "\"soon\"", "! is not an epoch time");
    CHECK_CONVERT("timestamp", "iso", "1700000000", "! is not an ISO 8601 time");
    CHECK_CONVERT("timestamp", "epoch", "true", "! is not an epoch time");
    // Text that a text parser refused is not tried again: that would be a guess.
    CHECK_CONVERT("double", "number(\"1.234,5\")", "\"1.23\"",
                  "! has a group that is not three digits");
    CHECK_CONVERT("json", "json", "\"not json\"", "! is not JSON text");
    // The JSON number 1.234 is never grouped text.
    CHECK_CONVERT("double", "number(\"1.234,5\")", "1.234", "1.234 (coerced)");
    CHECK_CONVERT("long", "number", "1234", "1234 (coerced)");
    CHECK_CONVERT("long", "number", "1.5", "! has digits the type cannot hold");
    CHECK_CONVERT("boolean", "bool", "true", "true");
}

static bool equal_cells(const char *type_text, const char *a, const char *b)
{
    pl_arena arena = {0};
    pl_type type;
    pl_parser parser = {0};
    pl_cell cells[2];
    const char *texts[] = {a, b}, *reason;
    bool coerced;
    CHECK(pl_type_parse(pl_span_of(type_text), &arena, &type, &reason));
    for (int i = 0; i < 2; i++) {
        pl_slot slot = pl_slot_of(pl_span_of(texts[i]));
        CHECK(!pl_convert(&slot, &type, &parser, &arena, &cells[i], &coerced));
    }
    bool equal = pl_cell_equal(&cells[0], &cells[1]);
    CHECK_INT(equal, pl_cell_equal(&cells[1], &cells[0]));
    pl_arena_done(&arena);
    return equal;
}

TEST(convert_cells_are_equal_by_value_not_by_text)
{
    CHECK(equal_cells("double", "1", "\"1.0\""));
    CHECK(equal_cells("double", "\"NaN\"", "\"NaN\""));
    CHECK(!equal_cells("double", "0", "-0"));
    CHECK(equal_cells("decimal(4,2)", "1.5", "1.50"));
    CHECK(equal_cells("string", "\"a\"", "\"\\u0061\""));
    CHECK(!equal_cells("string", "\"a\"", "\"b\""));
    CHECK(equal_cells("timestamp", "\"2026-11-22T03:04:05Z\"", "\"2026-11-22T04:04:05+01:00\""));
    CHECK(equal_cells("list(long)", "[1,null]", "[1.0,null]"));
    CHECK(!equal_cells("list(long)", "[1,null]", "[1,0]"));
    CHECK(!equal_cells("list(long)", "[1]", "[1,2]"));
    CHECK(equal_cells("list(long)", "[]", "[]"));
    CHECK(equal_cells("list(list(long))", "[[1],[],null]", "[[1],[],null]"));
    CHECK(!equal_cells("list(list(long))", "[[1],[]]", "[[1],null]"));
    CHECK(!equal_cells("list(list(long))", "[[1,2]]", "[[1],[2]]"));
}

int main(void)
{
    return RUN_TESTS("map/convert", T(convert_boolean_takes_true_false_and_their_exact_stand_ins),
                     T(convert_long_and_int_are_exact), T(convert_decimal_keeps_every_digit),
                     T(convert_double_and_float_take_the_nearest_and_names_of_what_json_cannot_say),
                     T(convert_times_take_iso_text_alone),
                     T(convert_string_takes_every_scalar_as_it_stands),
                     T(convert_json_takes_anything_without_its_white_space),
                     T(convert_list_converts_its_elements_and_fails_as_a_whole),
                     T(convert_tries_the_natural_rules_where_a_parser_cannot_read_the_value),
                     T(convert_cells_are_equal_by_value_not_by_text));
}
