// SPDX-License-Identifier: Apache-2.0
#include "query/format.h"

#include "unit.h"

#define NIL "\x01" // NULL in the tables below

static const pl_result_column COLUMNS[] = {
    {.name = {"id", 2}, .type = {"BIGINT", 6}, .kind = PL_CLASS_NUMBER},
    {.name = {"ratio", 5}, .type = {"DOUBLE", 6}, .kind = PL_CLASS_DOUBLE},
    {.name = {"ok", 2}, .type = {"BOOLEAN", 7}, .kind = PL_CLASS_BOOLEAN},
    {.name = {"tags", 4}, .type = {"VARCHAR[]", 9}, .kind = PL_CLASS_NESTED},
    {.name = {"text", 4}, .type = {"VARCHAR", 7}, .kind = PL_CLASS_TEXT},
    {.name = {"text", 4}, .type = {"VARCHAR", 7}, .kind = PL_CLASS_TEXT},
};
static const char *const ROWS[][6] = {
    {"9223372036854775807", "0.1", "true", "[\"a\",null]", "a, \"b\"", "x"},
    {"-1", "NaN", "false", "[]", "", "two\nlines"},
    {NIL, "-Infinity", NIL, NIL, NIL, "\x1b[31m\t\xc2\x9b"},
    {"0", "1e+300", NIL, "{}", "日本", "\xf0\x9f\x98\x80!"},
};

static plumb_status append(void *context, pl_span text, plumb_error *err)
{
    (void)err;
    pl_buf_span(context, text);
    return PLUMB_OK;
}

// What `row_count` of ROWS look like, each in a batch of its own.
static pl_buf render(pl_query_format_kind kind, uint32_t row_count, uint64_t rows_max)
{
    pl_buf text = {0}, payload = {0};
    plumb_error err;
    pl_query_format *format = pl_query_format_open(&(pl_query_format_options){
        .kind = kind, .rows_max = rows_max, .write = append, .context = &text});
    pl_query_sink sink = pl_query_format_sink(format);
    CHECK_OK(sink.columns(sink.context, COLUMNS, PL_COUNT(COLUMNS), &err), err);
    for (uint32_t r = 0; r < row_count; r++) {
        pl_rows rows;
        pl_buf_reset(&payload);
        size_t begun = pl_rows_begin(&payload);
        for (size_t i = 0; i < PL_COUNT(COLUMNS); i++) {
            if (strcmp(ROWS[r][i], NIL) == 0)
                pl_cell_write_null(&payload);
            else
                pl_cell_write(&payload, pl_span_of(ROWS[r][i]));
        }
        pl_rows_end(&payload, begun, 1);
        CHECK_OK(pl_rows_open(pl_buf_view(&payload), PL_COUNT(COLUMNS), &rows, &err), err);
        if (rows_max && r >= rows_max) {
            CHECK_INT(PLUMB_E_LIMIT, sink.rows(sink.context, &rows, &err));
            CHECK_STR("cannot return more than 1 rows", err.message);
            CHECK(pl_query_format_cut(format));
            continue;
        }
        CHECK_OK(sink.rows(sink.context, &rows, &err), err);
        CHECK(!pl_query_format_cut(format));
    }
    CHECK_OK(pl_query_format_finish(format, &err), err);
    pl_query_format_close(format);
    pl_buf_done(&payload);
    return text;
}

static void shows(pl_query_format_kind kind, uint32_t row_count, uint64_t rows_max,
                  const char *want)
{
    pl_buf text = render(kind, row_count, rows_max);
    CHECK_SPAN(want, pl_buf_view(&text));
    pl_buf_done(&text);
}

TEST(table_aligns_and_escapes)
{
    shows(PL_QUERY_FORMAT_TABLE, 4, 0,
          "                 id      ratio  ok     tags        text    text\n"
          "-------------------  ---------  -----  ----------  ------  --------------\n"
          "9223372036854775807        0.1  true   [\"a\",null]  a, \"b\"  x\n"
          "                 -1        NaN  false  []                  two\\nlines\n"
          "               NULL  -Infinity  NULL   NULL        NULL    \\x1b[31m\\t\\x9b\n"
          "                  0     1e+300  NULL   {}          日本    \xf0\x9f\x98\x80!\n");
}

TEST(table_without_rows_shows_its_columns)
{
    shows(PL_QUERY_FORMAT_TABLE, 0, 0,
          "id  ratio  ok  tags  text  text\n"
          "--  -----  --  ----  ----  ----\n");
}

TEST(csv_tells_null_from_empty)
{
    shows(PL_QUERY_FORMAT_CSV, 4, 0,
          "id,ratio,ok,tags,text,text\n"
          "9223372036854775807,0.1,true,\"[\"\"a\"\",null]\",\"a, \"\"b\"\"\",x\n"
          "-1,NaN,false,[],\"\",\"two\nlines\"\n"
          ",-Infinity,,,,\x1b[31m\t\xc2\x9b\n"
          "0,1e+300,,{},日本,\xf0\x9f\x98\x80!\n");
}

TEST(json_is_exact_and_has_unique_keys)
{
    shows(PL_QUERY_FORMAT_JSON, 3, 0,
          "[\n"
          " {\"id\": 9223372036854775807, \"ratio\": 0.1, \"ok\": true, \"tags\": [\"a\",null],"
          " \"text\": \"a, \\\"b\\\"\", \"text_2\": \"x\"},\n"
          " {\"id\": -1, \"ratio\": \"NaN\", \"ok\": false, \"tags\": [],"
          " \"text\": \"\", \"text_2\": \"two\\nlines\"},\n"
          " {\"id\": null, \"ratio\": \"-Infinity\", \"ok\": null, \"tags\": null,"
          " \"text\": null, \"text_2\": \"\\u001b[31m\\t\xc2\x9b\"}\n"
          "]\n");
    shows(PL_QUERY_FORMAT_JSON, 0, 0, "[]\n");
}

TEST(ndjson_is_one_object_per_line)
{
    shows(PL_QUERY_FORMAT_NDJSON, 1, 0,
          "{\"id\": 9223372036854775807, \"ratio\": 0.1, \"ok\": true, \"tags\": [\"a\",null],"
          " \"text\": \"a, \\\"b\\\"\", \"text_2\": \"x\"}\n");
    shows(PL_QUERY_FORMAT_NDJSON, 0, 0, "");
}

TEST(rows_max_stops_the_query)
{
    shows(PL_QUERY_FORMAT_JSON, 4, 1,
          "[\n"
          " {\"id\": 9223372036854775807, \"ratio\": 0.1, \"ok\": true, \"tags\": [\"a\",null],"
          " \"text\": \"a, \\\"b\\\"\", \"text_2\": \"x\"}\n"
          "]\n");
}

TEST(format_words)
{
    pl_query_format_kind kind = PL_QUERY_FORMAT_TABLE;
    CHECK(pl_query_format_parse(PL_SPAN("ndjson"), &kind) && kind == PL_QUERY_FORMAT_NDJSON);
    CHECK(!pl_query_format_parse(PL_SPAN("xml"), &kind) && kind == PL_QUERY_FORMAT_NDJSON);
}

int main(void)
{
    return RUN_TESTS("query/format", T(table_aligns_and_escapes),
                     T(table_without_rows_shows_its_columns), T(csv_tells_null_from_empty),
                     T(json_is_exact_and_has_unique_keys), T(ndjson_is_one_object_per_line),
                     T(rows_max_stops_the_query), T(format_words));
}
