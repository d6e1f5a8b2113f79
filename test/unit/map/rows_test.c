// SPDX-License-Identifier: Apache-2.0
#include "mapping.h"

#define CONTRACT                                                                                   \
    "table: posts\ncolumns:\n  id: string!\n  likes: long\n  live: boolean\n  rate: double\n"      \
    "  tags: list(string)\n  deep: list(list(long))\n  never: string\n  n: long!\n"
#define MAPPING                                                                                    \
    "source: s\ninto: posts\nmap:\n  id: id\n  likes: likes\n  live: live\n  rate: rate\n"         \
    "  tags: tags\n  deep: deep\n  n: n\n"

TEST(rows_of_a_batch_hold_nothing_of_the_records_that_were_rejected_between_them)
{
    mapped self;
    pl_buf content = {0};
    mapped_open(&self, CONTRACT, MAPPING, false);
    for (int i = 0; i < 500; i++) {
        // Everything fits but the last column.
        pl_buf_printf(&content,
                      "{\"id\":\"gone%d\",\"likes\":%d,\"live\":true,\"rate\":0.5,\"tags\":"
                      "[\"x\",\"y\\n\",\"z\"],\"deep\":[[1],[2,3]],\"n\":\"none\"}\n",
                      i, i);
        if (i % 3 == 0)
            pl_buf_printf(&content, "{\"id\":\"a%d\",\"tags\":[],\"n\":%d}\n", i, i);
        else if (i % 3 == 1)
            pl_buf_printf(&content,
                          "{\"id\":\"b%d\",\"likes\":-%d,\"tags\":[\"t%d\",\"u\"],\"n\":%d}\n", i,
                          i, i, i);
        else
            pl_buf_printf(&content,
                          "{\"id\":\"c%d\",\"live\":false,\"rate\":%d.25,\"tags\":[\"\\u0041\"],"
                          "\"deep\":[[%d],[]],\"n\":%d}\n",
                          i, i, i, i);
    }
    mapped_run(&self, PL_FORMAT_NDJSON, pl_buf_view(&content), SIZE_MAX);
    const pl_column *columns = pl_mapper_batch(self.mapper);
    CHECK_INT(500, columns[0].count);
    CHECK_INT(500, columns[6].nulls);
    CHECK_INT(0, columns[0].nulls);
    CHECK_INT(333, columns[1].nulls);
    CHECK_INT(2 * 167 + 166, columns[4].child->count);
    for (uint32_t row = 0; row < 500; row++) {
        char id[16];
        snprintf(id, sizeof id, "%c%u", "abc"[row % 3], row);
        CHECK_SPAN(id, pl_column_span(&columns[0], row));
        CHECK_INT(row % 3 == 1, columns[1].valid[row]);
        CHECK_INT(row % 3 == 1 ? -(int64_t)row : 0, columns[1].i64[row]);
        CHECK_INT(row % 3 == 2, columns[2].valid[row]);
        CHECK_INT(0, columns[2].u8[row]);
        CHECK(columns[3].f64[row] == (row % 3 == 2 ? row + 0.25 : 0));
        CHECK_INT(row % 3 == 0   ? 0
                  : row % 3 == 1 ? 2
                                 : 1,
                  columns[4].offsets[row + 1] - columns[4].offsets[row]);
        CHECK_INT(row % 3 == 2, columns[5].valid[row]);
        CHECK_INT(row, columns[7].i64[row]);
        if (row % 3 == 2)
            CHECK_SPAN("A", pl_column_span(columns[4].child, columns[4].offsets[row]));
    }
    CHECK_INT(columns[5].offsets[500], columns[5].child->count);
    CHECK_INT(166, columns[5].child->child->count);
    pl_mapper_clear(self.mapper);
    CHECK_INT(0, pl_mapper_batch(self.mapper)[0].count);
    CHECK_INT(0, pl_mapper_batch(self.mapper)[4].child->count);
    pl_buf_done(&content);
    mapped_close(&self);
}

TEST(rows_tell_about_how_much_text_they_have)
{
    mapped self;
    mapped_open(&self, CONTRACT, MAPPING, false);
    mapped_run(&self, PL_FORMAT_NDJSON, PL_SPAN("{\"id\":\"12345\",\"n\":1}\n"), SIZE_MAX);
    size_t one = pl_mapper_text(self.mapper);
    CHECK(one >= 5);
    mapped_run(&self, PL_FORMAT_NDJSON,
               PL_SPAN("{\"id\":\"1234567890\",\"tags\":[\"1234567890\"],\"n\":1}\n"), SIZE_MAX);
    CHECK(pl_mapper_text(self.mapper) >= 2 * one + 15);
    size_t kept = pl_mapper_text(self.mapper);
    pl_mapper_clear(self.mapper);
    for (int i = 0; i < 9; i++) // rejected: takes no room
        mapped_run(&self, PL_FORMAT_NDJSON, PL_SPAN("{\"id\":\"12345\",\"n\":\"x\"}\n"), SIZE_MAX);
    mapped_run(&self, PL_FORMAT_NDJSON, PL_SPAN("{\"id\":\"12345\",\"n\":1}\n"), SIZE_MAX);
    CHECK_INT(one, pl_mapper_text(self.mapper));
    CHECK(one < kept);
    pl_mapper_clear(self.mapper);
    CHECK_INT(0, pl_mapper_text(self.mapper));
    mapped_close(&self);
}

// Twice the same column: filled in place, and by a rule of two terms, which is applied in full.
#define PAIR(name, type)    "  " name ": " type "\n  " name "_: " type "\n"
#define RULES(name, parser) "  " name ": v" parser "\n  " name "_: v" parser " | none\n"

static bool same_cell(const pl_column *a, const pl_column *b, uint32_t i, uint32_t j)
{
    if (a->valid[i] != b->valid[j]) return false;
    size_t width = pl_column_width(a->type.kind);
    if (width)
        return memcmp((char *)a->values + i * width, (char *)b->values + j * width, width) == 0;
    if (!a->child) return pl_span_equal(pl_column_span(a, i), pl_column_span(b, j));
    uint32_t count = a->offsets[i + 1] - a->offsets[i];
    if (count != b->offsets[j + 1] - b->offsets[j]) return false;
    for (uint32_t e = 0; e < count; e++)
        if (!same_cell(a->child, b->child, a->offsets[i] + e, b->offsets[j] + e)) return false;
    return true;
}

static const char *const values[] = {"0",
                                     "-0",
                                     "-0.0",
                                     "1.5",
                                     "-12.25",
                                     "0.1",
                                     "9007199254740993",
                                     "-9007199254740993.0",
                                     "123456789012345678",
                                     "1234567890123456789",
                                     "1.00000000000000000001",
                                     "1e3",
                                     "1.0",
                                     "null",
                                     "true",
                                     "false",
                                     "\"\"",
                                     "\"x\"",
                                     "\"4.7%\"",
                                     "\"-0%\"",
                                     "\"8.87%\"",
                                     "\"100%\"",
                                     "\" 5 %\"",
                                     "\"%\"",
                                     "\"5\"",
                                     "\"1e2%\"",
                                     "\"123456789012345678%\"",
                                     "\"01%\"",
                                     "\"0.00000000000000001%\"",
                                     "\"\\u0035%\"",
                                     "\"2026-11-22T03:04:05Z\"",
                                     "\"2026-11-22T03:04:05.678Z\"",
                                     "\"2026-11-22T03:04:05.678901+01:00\"",
                                     "\"2026-02-30T03:04:05Z\"",
                                     "\"2026-11-22T03:04:05\\u005a\"",
                                     "\"a\\nb\"",
                                     "\"\\u00e9\\ud83d\\ude00\"",
                                     "\"\xC3\xA9\"",
                                     "[]",
                                     "[\"a\"]",
                                     "[ \"a\" , \"\xC3\xA9\" ]",
                                     "[\"a\\n\"]",
                                     "[\"a\",1]",
                                     "[null]",
                                     "[[\"a\"]]",
                                     "[1]",
                                     "{}",
                                     "{\"v\":1}"};

TEST(rows_filled_in_place_hold_what_rules_applied_in_full_give)
{
    static const char contract[] =
        "table: posts\ncolumns:\n" PAIR("d", "double") PAIR("p", "double") PAIR("t", "timestamp")
            PAIR("i", "timestamp") PAIR("s", "string") PAIR("l", "list(string)") PAIR("n", "long")
                PAIR("b", "boolean") PAIR("k", "int") PAIR("m", "decimal(9,2)");
    static const char mapping[] = "source: s\ninto: posts\nmap:\n" RULES("d", "")
        RULES("p", " parse(percent)") RULES("t", "") RULES("i", " parse(iso)") RULES("s", "")
            RULES("l", "") RULES("n", "") RULES("b", "") RULES("k", "") RULES("m", "");
    mapped self;
    pl_buf content = {0};
    for (size_t i = 0; i < PL_COUNT(values); i++)
        pl_buf_printf(&content, "{\"v\":%s}\n{\"v\":%s,\"w\":\"%0100d\"}\n", values[i], values[i],
                      0);
    for (int bytes = 1; bytes < 400; bytes += bytes < 70 ? 1 : 31)
        pl_buf_printf(&content, "{\"v\":\"%0*d\"}\n{\"v\":[\"%0*d\"],\"w\":\"%0400d\"}\n", bytes, 7,
                      bytes, 8, 0);
    mapped_open(&self, contract, mapping, false);
    mapped_run(&self, PL_FORMAT_NDJSON, pl_buf_view(&content), SIZE_MAX);
    const pl_column *columns = pl_mapper_batch(self.mapper);
    CHECK(columns[0].count > 2 * PL_COUNT(values));
    for (uint32_t row = 0; row < columns[0].count; row++)
        for (uint32_t c = 0; c < 20; c += 2)
            if (!same_cell(&columns[c], &columns[c + 1], row, row))
                fail_msg("row %u, column %u", row, c);
    pl_buf_done(&content);
    mapped_close(&self);
}

int main(void)
{
    return RUN_TESTS("map/rows",
                     T(rows_of_a_batch_hold_nothing_of_the_records_that_were_rejected_between_them),
                     T(rows_tell_about_how_much_text_they_have),
                     T(rows_filled_in_place_hold_what_rules_applied_in_full_give));
}
