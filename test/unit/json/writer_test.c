// SPDX-License-Identifier: Apache-2.0
#include "json/writer.h"

#include <math.h>

#include "unit.h"
#include "json/text.h"

static void write_sample(pl_json_writer *w)
{
    pl_json_begin(w, '{');
    pl_json_key(w, "rows");
    pl_json_int(w, INT64_MIN);
    pl_json_key(w, "none");
    pl_json_begin(w, '[');
    pl_json_end(w, ']');
    pl_json_key(w, "empty");
    pl_json_begin(w, '{');
    pl_json_end(w, '}');
    pl_json_key_span(w, PL_SPAN("a\"b"));
    pl_json_begin(w, '[');
    pl_json_bool(w, true);
    pl_json_bool(w, false);
    pl_json_null(w);
    pl_json_double(w, 0.5);
    pl_json_raw(w, PL_SPAN("{\"x\":1}"));
    pl_json_begin(w, '[');
    pl_json_text(w, PL_SPAN("t"));
    pl_json_end(w, ']');
    pl_json_cstr(w, "c");
    pl_json_cstr(w, NULL);
    pl_json_end(w, ']');
    pl_json_end(w, '}');
}

TEST(writer_puts_commas_where_they_belong)
{
    pl_buf out = {0};
    pl_json_writer w = pl_json_writer_on(&out, 0);
    write_sample(&w);
    CHECK_SPAN("{\"rows\":-9223372036854775808,\"none\":[],\"empty\":{},"
               "\"a\\\"b\":[true,false,null,0.5,{\"x\":1},[\"t\"],\"c\",null]}",
               pl_buf_view(&out));
    CHECK(!pl_json_check(pl_buf_view(&out)).reason);
    pl_buf_done(&out);
}

TEST(writer_indents_by_level_and_leaves_empty_brackets_closed)
{
    pl_buf out = {0};
    pl_json_writer w = pl_json_writer_on(&out, 2);
    write_sample(&w);
    CHECK_SPAN("{\n  \"rows\": -9223372036854775808,\n  \"none\": [],\n  \"empty\": {},\n"
               "  \"a\\\"b\": [\n    true,\n    false,\n    null,\n    0.5,\n    {\"x\":1},\n"
               "    [\n      \"t\"\n    ],\n    \"c\",\n    null\n  ]\n}",
               pl_buf_view(&out));
    pl_buf_done(&out);
}

TEST(writer_writes_what_is_not_finite_as_null)
{
    pl_buf out = {0};
    pl_json_writer w = pl_json_writer_on(&out, 0);
    pl_json_begin(&w, '[');
    pl_json_double(&w, (double)NAN);
    pl_json_double(&w, -(double)INFINITY);
    pl_json_double(&w, -0.0);
    pl_json_double(&w, 1e300);
    pl_json_end(&w, ']');
    CHECK_SPAN("[null,null,-0.0,1e+300]", pl_buf_view(&out));
    pl_buf_done(&out);
}

static void check_quoted(pl_span text, const char *want)
{
    pl_buf out = {0};
    pl_json_quote(&out, text);
    CHECK_SPAN(want, pl_buf_view(&out));
    CHECK(!pl_json_check(pl_buf_view(&out)).reason);
    pl_buf_done(&out);
}

TEST(writer_quotes_any_bytes_as_valid_json)
{
    check_quoted((pl_span){0}, "\"\"");
    check_quoted(PL_SPAN("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    check_quoted(PL_SPAN("\b\f\n\r\t\x01\x1F\x7F"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\"");
    check_quoted(pl_span_make("a\0b", 3), "\"a\\u0000b\"");
    check_quoted(PL_SPAN("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    check_quoted(PL_SPAN("a\xFF"), "\"a\xEF\xBF\xBD\"");
    check_quoted(PL_SPAN("\xE2\x82z"), "\"\xEF\xBF\xBD\xEF\xBF\xBDz\"");
    check_quoted(PL_SPAN("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(writer_and_unescape_are_inverse_for_all_valid_text)
{
    uint64_t seed = 3;
    for (int round = 0; round < 3000; round++) {
        pl_buf text = {0}, quoted = {0}, back = {0};
        for (int i = round % 40; i > 0; i--) {
            static const char *const pieces[] = {"a",    "\"",           "\\",
                                                 "\n",   "\x01",         "\xC3\xA9",
                                                 "/",    "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                                 "u0041"};
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            pl_buf_text(&text, pieces[(seed >> 33) % PL_COUNT(pieces)]);
        }
        pl_json_quote(&quoted, pl_buf_view(&text));
        pl_json_unescape(&back, (pl_span){quoted.data + 1, quoted.count - 2});
        CHECK(pl_span_equal(pl_buf_view(&text), pl_buf_view(&back)));
        pl_buf_done(&text);
        pl_buf_done(&quoted);
        pl_buf_done(&back);
    }
}

int main(void)
{
    return RUN_TESTS("json/writer", T(writer_puts_commas_where_they_belong),
                     T(writer_indents_by_level_and_leaves_empty_brackets_closed),
                     T(writer_writes_what_is_not_finite_as_null),
                     T(writer_quotes_any_bytes_as_valid_json),
                     T(writer_and_unescape_are_inverse_for_all_valid_text));
}
