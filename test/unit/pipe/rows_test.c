// SPDX-License-Identifier: Apache-2.0
#include "pipe/rows.h"

#include "unit.h"

static const pl_result_column COLUMNS[] = {
    {.name = {"id", 2}, .type = {"BIGINT", 6}, .kind = PL_CLASS_NUMBER},
    {.name = {"", 0}, .type = {"VARCHAR", 7}, .kind = PL_CLASS_TEXT},
};

static pl_buf two_rows(void)
{
    pl_buf out = {0};
    pl_buf_append(&out, "\x02\x00\x00\x00", 4);
    pl_cell_write(&out, PL_SPAN("9223372036854775807"));
    pl_cell_write_null(&out);
    pl_cell_write(&out, PL_SPAN("-1"));
    pl_cell_write(&out, PL_SPAN(""));
    return out;
}

TEST(columns_come_back_as_written)
{
    pl_buf out = {0};
    pl_arena arena = {0};
    pl_result_column *columns;
    uint32_t count;
    plumb_error err;
    pl_columns_write(&out, COLUMNS, 2);
    CHECK_OK(pl_columns_read(pl_buf_view(&out), &arena, &columns, &count, &err), err);
    CHECK_INT(2, count);
    CHECK_SPAN("id", columns[0].name);
    CHECK_SPAN("BIGINT", columns[0].type);
    CHECK_INT(PL_CLASS_NUMBER, columns[0].kind);
    CHECK_SPAN("", columns[1].name);
    CHECK_INT(PL_CLASS_TEXT, columns[1].kind);
    pl_arena_done(&arena);
    pl_buf_done(&out);
}

TEST(columns_cut_anywhere_are_refused)
{
    pl_buf out = {0};
    pl_arena arena = {0};
    pl_result_column *columns;
    uint32_t count;
    plumb_error err;
    pl_columns_write(&out, COLUMNS, 2);
    for (size_t bytes = 0; bytes < out.count; bytes++)
        CHECK_INT(PLUMB_E_MALFORMED,
                  pl_columns_read(pl_span_make(out.data, bytes), &arena, &columns, &count, &err));
    pl_buf_char(&out, 'x');
    CHECK_INT(PLUMB_E_MALFORMED,
              pl_columns_read(pl_buf_view(&out), &arena, &columns, &count, &err));
    CHECK_STR("cannot read result columns: 1 bytes too many", err.message);
    out.data[4] = PL_CLASSES;
    CHECK_INT(PLUMB_E_MALFORMED,
              pl_columns_read(pl_buf_view(&out), &arena, &columns, &count, &err));
    CHECK_STR("cannot read result column 0: it is cut off", err.message);
    CHECK_INT(PLUMB_E_MALFORMED,
              pl_columns_read(PL_SPAN("\xff\xff\xff\xff"), &arena, &columns, &count, &err));
    CHECK_STR("cannot read result columns: 4294967295 of them, limit 10000", err.message);
    pl_arena_done(&arena);
    pl_buf_done(&out);
}

TEST(rows_come_back_as_written_and_null_is_not_empty)
{
    pl_buf out = two_rows();
    pl_rows rows;
    pl_cell cells[2];
    bool found;
    plumb_error err;
    CHECK_OK(pl_rows_open(pl_buf_view(&out), 2, &rows, &err), err);
    CHECK_OK(pl_rows_next(&rows, cells, &found, &err), err);
    CHECK(found && !cells[0].is_null && cells[1].is_null);
    CHECK_SPAN("9223372036854775807", cells[0].text);
    CHECK_OK(pl_rows_next(&rows, cells, &found, &err), err);
    CHECK(found && !cells[0].is_null && !cells[1].is_null);
    CHECK_SPAN("-1", cells[0].text);
    CHECK_SPAN("", cells[1].text);
    CHECK_OK(pl_rows_next(&rows, cells, &found, &err), err);
    CHECK(!found);
    pl_buf_done(&out);
}

static plumb_status walk(pl_span payload, plumb_error *err)
{
    pl_rows rows;
    pl_cell cells[2];
    bool found;
    PL_TRY(pl_rows_open(payload, 2, &rows, err));
    do {
        PL_TRY(pl_rows_next(&rows, cells, &found, err));
    } while (found);
    return PLUMB_OK;
}

TEST(rows_without_columns_are_refused)
{
    pl_rows rows;
    plumb_error err;
    CHECK_OK(pl_rows_open(PL_SPAN("\0\0\0\0"), 0, &rows, &err), err);
    CHECK_INT(PLUMB_E_MALFORMED, pl_rows_open(PL_SPAN("\xff\xff\xff\xff"), 0, &rows, &err));
    CHECK_STR("cannot read result rows: 4294967295 of no column", err.message);
}

TEST(rows_cut_anywhere_are_refused)
{
    pl_buf out = two_rows();
    plumb_error err;
    for (size_t bytes = 0; bytes < out.count; bytes++)
        CHECK_INT(PLUMB_E_MALFORMED, walk(pl_span_make(out.data, bytes), &err));
    CHECK_STR("cannot read result rows: column 1 is cut off, 1 rows before the end", err.message);
    pl_buf_char(&out, 'x');
    CHECK_INT(PLUMB_E_MALFORMED, walk(pl_buf_view(&out), &err));
    CHECK_STR("cannot read result rows: 1 bytes too many", err.message);
    pl_buf_done(&out);
}

int main(void)
{
    return RUN_TESTS("pipe/rows", T(columns_come_back_as_written),
                     T(columns_cut_anywhere_are_refused),
                     T(rows_come_back_as_written_and_null_is_not_empty),
                     T(rows_cut_anywhere_are_refused), T(rows_without_columns_are_refused));
}
