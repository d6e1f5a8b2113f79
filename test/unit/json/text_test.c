// SPDX-License-Identifier: Apache-2.0
#include "json/text.h"

#include <stdlib.h>

#include "unit.h"

TEST(json_grammar_accepts_what_rfc_8259_allows)
{
    static const char *const good[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "10",
        "1.5",
        "-1.5e-10",
        "1E+5",
        "\"\"",
        "[]",
        "{}",
        " \t\r\n1 \t\r\n",
        "[1,[2,[3]]]",
        "{\"\":{}}",
        "{\"a\":1,\"a\":2}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uFFFF\"",
        "\"\\uD83D\\uDE00\"",
        "\"\x7F\"",
        "\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\"",
        "\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"",
        "[ 1 , 2 ]",
        "{ \"a\" : 1 , \"b\" : [ ] }"};
    for (size_t i = 0; i < PL_COUNT(good); i++) {
        pl_json_error error = pl_json_check(pl_span_of(good[i]));
        if (error.reason) fail_msg("%s: %s", good[i], error.reason);
    }
}

static const struct {
    const char *text;
    size_t offset;
    const char *reason;
} bad[] = {
    {"", 0, "the text ends where a value is expected"},
    {"  ", 2, "the text ends where a value is expected"},
    {"nul", 0, "a value is expected here"},
    {"nulL", 0, "a value is expected here"},
    {"True", 0, "a value is expected here"},
    {"NaN", 0, "a value is expected here"},
    {"'a'", 0, "a value is expected here"},
    {"+1", 0, "a value is expected here"},
    {".5", 0, "a value is expected here"},
    {"\xEF\xBB\xBF{}", 0, "a value is expected here"},
    {"1 2", 2, "text follows the value"},
    {"{}x", 2, "text follows the value"},
    {"nullx", 4, "text follows the value"},
    {"-", 1, "a number needs a digit here"},
    {"-x", 1, "a number needs a digit here"},
    {"1.", 2, "a number needs a digit here"},
    {"1.e5", 2, "a number needs a digit here"},
    {"1e", 2, "a number needs a digit here"},
    {"1e+", 3, "a number needs a digit here"},
    {"01", 0, "a number has a leading zero"},
    {"-012", 1, "a number has a leading zero"},
    {"\"", 1, "the text ends inside a string"},
    {"\"a", 2, "the text ends inside a string"},
    {"\"\\", 2, "the text ends inside a string"},
    {"\"\\\"", 3, "the text ends inside a string"},
    {"\"\\x\"", 2, "this escape does not exist"},
    {"\"\\U0041\"", 2, "this escape does not exist"},
    {"\"\\u12\"", 1, "\\u needs four hex digits"},
    {"\"\\u12G4\"", 1, "\\u needs four hex digits"},
    {"\"a\\uD800\"", 2, "a lone surrogate is not a character"},
    {"\"\\uD800\\u0041\"", 1, "a lone surrogate is not a character"},
    {"\"\\uDC00\\uD800\"", 1, "a lone surrogate is not a character"},
    {"\"\\uD800x\"", 1, "a lone surrogate is not a character"},
    {"\"a\nb\"", 2, "a control byte stands inside a string"},
    {"\"\x1F\"", 1, "a control byte stands inside a string"},
    {"\"\x80\"", 1, "these bytes are not UTF-8"},
    {"\"\xC0\xAF\"", 1, "these bytes are not UTF-8"},
    {"\"\xC1\xBF\"", 1, "these bytes are not UTF-8"},
    {"\"\xE0\x9F\xBF\"", 1, "these bytes are not UTF-8"},
    {"\"\xED\xA0\x80\"", 1, "these bytes are not UTF-8"},
    {"\"\xF0\x8F\xBF\xBF\"", 1, "these bytes are not UTF-8"},
    {"\"\xF4\x90\x80\x80\"", 1, "these bytes are not UTF-8"},
    {"\"\xF5\x80\x80\x80\"", 1, "these bytes are not UTF-8"},
    {"\"ab\xE2\x82\"", 3, "these bytes are not UTF-8"},
    {"\"\xE2\x82", 1, "these bytes are not UTF-8"},
    {"[", 1, "the text ends where a value is expected"},
    {"[1", 2, "the text ends inside an array"},
    {"[1,", 3, "the text ends where a value is expected"},
    {"[1,]", 3, "a value is expected here"},
    {"[,1]", 1, "a value is expected here"},
    {"[1 2]", 3, "a comma or ] is expected here"},
    {"[1}", 2, "a comma or ] is expected here"},
    {"[1;2]", 2, "a comma or ] is expected here"},
    {"{", 1, "the text ends inside an object"},
    {"{1:2}", 1, "a key in quotes is expected here"},
    {"{a:1}", 1, "a key in quotes is expected here"},
    {"{\"a\"", 4, "the text ends inside an object"},
    {"{\"a\"}", 4, "a colon is expected here"},
    {"{\"a\"=1}", 4, "a colon is expected here"},
    {"{\"a\":", 5, "the text ends where a value is expected"},
    {"{\"a\":}", 5, "a value is expected here"},
    {"{\"a\":1", 6, "the text ends inside an object"},
    {"{\"a\":1,", 7, "the text ends inside an object"},
    {"{\"a\":1,}", 7, "a key in quotes is expected here"},
    {"{\"a\":1]", 6, "a comma or } is expected here"},
    {"]", 0, "a value is expected here"},
    {"/* */1", 0, "a value is expected here"},
};

TEST(json_grammar_refuses_the_rest_with_the_exact_byte)
{
    for (size_t i = 0; i < PL_COUNT(bad); i++) {
        // Exactly sized, so that ASan sees a read behind it.
        size_t bytes = strlen(bad[i].text);
        char *exact = malloc(bytes + !bytes);
        memcpy(exact, bad[i].text, bytes);
        pl_json_error error = pl_json_check(pl_span_make(exact, bytes));
        if (!error.reason || strcmp(bad[i].reason, error.reason) != 0 ||
            error.offset != bad[i].offset)
            fail_msg("%s: %s at %zu", bad[i].text, error.reason, error.offset);
        free(exact);
    }
    CHECK_STR("text follows the value", pl_json_check(pl_span_make("1\0", 2)).reason);
    CHECK_STR("a control byte stands inside a string",
              pl_json_check(pl_span_make("\"\0\"", 3)).reason);
    CHECK_STR("the text ends where a value is expected", pl_json_check((pl_span){0}).reason);
}

TEST(json_depth_is_bounded_exactly)
{
    for (int depth = PL_DEPTH_MAX; depth <= PL_DEPTH_MAX + 1; depth++) {
        pl_buf text = {0};
        for (int i = 0; i < depth; i++) pl_buf_text(&text, i % 2 ? "{\"k\":" : "[");
        pl_buf_char(&text, '0');
        for (int i = depth - 1; i >= 0; i--) pl_buf_char(&text, i % 2 ? '}' : ']');
        pl_json_error error = pl_json_check(pl_buf_view(&text));
        if (depth == PL_DEPTH_MAX)
            CHECK(!error.reason);
        else
            CHECK_STR("values are nested too deep", error.reason);
        pl_buf_done(&text);
    }
    pl_json_error error = {0};
    CHECK_INT(4, pl_json_skip(PL_SPAN("[[]]"), 0, PL_DEPTH_MAX - 2, &error));
    CHECK_INT(SIZE_MAX, pl_json_skip(PL_SPAN("[[]]"), 0, PL_DEPTH_MAX - 1, &error));
    CHECK_INT(1, error.offset);
    CHECK_INT(1, pl_json_skip(PL_SPAN("5"), 0, PL_DEPTH_MAX, &error));
}

TEST(json_skip_stops_right_behind_the_value)
{
    pl_json_error error = {0};
    bool flag;
    CHECK_INT(9, pl_json_skip(PL_SPAN("  {\"a\":1} , 2"), 2, 0, &error));
    CHECK_INT(4, pl_json_skip(PL_SPAN("12.5,"), 0, 0, &error));
    CHECK_INT(6, pl_json_skip_string(PL_SPAN("\"a\\nb\"x"), 0, &flag, &error));
    CHECK(flag);
    CHECK_INT(3, pl_json_skip_string(PL_SPAN("\"a\""), 0, &flag, &error));
    CHECK(!flag);
    CHECK_INT(2, pl_json_skip_number(PL_SPAN("12,"), 0, &flag, &error));
    CHECK(flag);
    CHECK_INT(3, pl_json_skip_number(PL_SPAN("1e2]"), 0, &flag, &error));
    CHECK(!flag);
}

static void check_unescaped(const char *inside, pl_span want)
{
    pl_buf out = {0};
    pl_arena arena = {0};
    pl_json_unescape(&out, pl_span_of(inside));
    CHECK(pl_span_equal(want, pl_buf_view(&out)));
    CHECK(pl_span_equal(want, pl_json_unescaped(&arena, pl_span_of(inside))));
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

TEST(json_unescape_knows_every_escape)
{
    check_unescaped("", PL_SPAN(""));
    check_unescaped("plain \xC3\xA9", PL_SPAN("plain \xC3\xA9"));
    check_unescaped("\\\"\\\\\\/\\b\\f\\n\\r\\t", PL_SPAN("\"\\/\b\f\n\r\t"));
    check_unescaped("\\u0000x", pl_span_make("\0x", 2));
    check_unescaped("\\u0041\\u007f\\u0080\\u07ff\\u0800\\uffff",
                    PL_SPAN("A\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"));
    check_unescaped("\\ud800\\udc00\\uDBFF\\uDFFF", PL_SPAN("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
    check_unescaped("\\\\u0041", PL_SPAN("\\u0041"));
    pl_arena arena = {0};
    pl_span plain = PL_SPAN("plain");
    CHECK(pl_json_unescaped(&arena, plain).data == plain.data);
    CHECK_INT(0, arena.bytes);
}

TEST(json_compact_takes_white_space_between_tokens_only)
{
    static const struct {
        const char *text, *want;
    } cases[] = {{" { \"a b\" : [ 1 ,\t\"\\\" x\" ] }\r\n", "{\"a b\":[1,\"\\\" x\"]}"},
                 {"\"\\\\\" ", "\"\\\\\""},
                 {"[\"\\\\\", 1]", "[\"\\\\\",1]"},
                 {"", ""}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_buf out = {0};
        pl_json_compact(&out, pl_span_of(cases[i].text));
        CHECK_SPAN(cases[i].want, pl_buf_view(&out));
        pl_buf_done(&out);
    }
}

TEST(utf8_check_finds_the_first_bad_byte)
{
    CHECK_INT(SIZE_MAX, pl_utf8_check((pl_span){0}));
    CHECK_INT(SIZE_MAX, pl_utf8_check(PL_SPAN("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")));
    CHECK_INT(1, pl_utf8_check(PL_SPAN("a\xC3")));
    CHECK_INT(2, pl_utf8_check(PL_SPAN("ab\xF0\x9F\x98")));
    CHECK_INT(3, pl_utf8_check(PL_SPAN("\xE2\x82\xAC\xFF")));
}

TEST(utf8_check_agrees_with_a_slow_reader_on_all_short_sequences)
{
    for (uint32_t code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 251) {
        char text[4];
        size_t bytes;
        if (code < 0x80) {
            text[0] = (char)code, bytes = 1;
        } else if (code < 0x800) {
            text[0] = (char)(0xC0 | code >> 6), text[1] = (char)(0x80 | (code & 63)), bytes = 2;
        } else if (code < 0x10000) {
            text[0] = (char)(0xE0 | code >> 12), text[1] = (char)(0x80 | (code >> 6 & 63));
            text[2] = (char)(0x80 | (code & 63)), bytes = 3;
        } else {
            text[0] = (char)(0xF0 | code >> 18), text[1] = (char)(0x80 | (code >> 12 & 63));
            text[2] = (char)(0x80 | (code >> 6 & 63)), text[3] = (char)(0x80 | (code & 63));
            bytes = 4;
        }
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        CHECK_INT(surrogate ? 0 : SIZE_MAX, pl_utf8_check(pl_span_make(text, bytes)));
        for (size_t cut = 1; cut < bytes; cut++)
            CHECK_INT(0, pl_utf8_check(pl_span_make(text, cut)));
    }
}

int main(void)
{
    return RUN_TESTS("json/text", T(json_grammar_accepts_what_rfc_8259_allows),
                     T(json_grammar_refuses_the_rest_with_the_exact_byte),
                     T(json_depth_is_bounded_exactly), T(json_skip_stops_right_behind_the_value),
                     T(json_unescape_knows_every_escape),
                     T(json_compact_takes_white_space_between_tokens_only),
                     T(utf8_check_finds_the_first_bad_byte),
                     T(utf8_check_agrees_with_a_slow_reader_on_all_short_sequences));
}
