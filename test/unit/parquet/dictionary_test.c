// SPDX-License-Identifier: Apache-2.0
#include "parquet/dictionary_int.h"

#include "unit.h"

static pl_field field_of(pl_kind kind)
{
    return (pl_field){.id = 1, .name = PL_SPAN("c"), .type = {.kind = kind}};
}

// A dictionary of at most `bytes_max` against PLAIN values.
static bool build(pl_dictionary *d, const pl_leaf *leaf, const pl_column *column, size_t bytes_max)
{
    uint32_t values = column->count - column->nulls;
    size_t plain = leaf->width ? (size_t)values * leaf->width : values * 4 + column->heap.count;
    return pl_dictionary__build(d, leaf, column, bytes_max, plain);
}

TEST(dictionary_numbers_values_as_they_appear)
{
    pl_field field = field_of(PL_STRING);
    pl_leaf leaf = pl_leaf__make(&field);
    pl_dictionary d = {0};
    pl_column column;
    pl_column_init(&column, &field.type);
    static const char *const words[] = {"banana", "apple", NULL, "banana", "", "apple", "banana"};
    for (int round = 0; round < 3; round++)
        for (unsigned i = 0; i < PL_COUNT(words); i++) {
            if (words[i])
                pl_column_text(&column, pl_span_of(words[i]));
            else
                pl_column_null(&column);
        }
    CHECK(build(&d, &leaf, &column, 1000));
    CHECK_INT(3, d.count);
    CHECK_INT(3 * 4 + 6 + 5, d.bytes);
    CHECK_INT(18, d.index_count);
    const uint32_t want[] = {0, 1, 0, 2, 1, 0};
    for (unsigned i = 0; i < 18; i++) CHECK_INT(want[i % 6], d.indices[i]);
    CHECK_INT(4, d.rows[2]);
    CHECK(!build(&d, &leaf, &column, 22)); // one byte short
    pl_column_done(&column);
    pl_dictionary__done(&d);
}

// 100,000 rows of `kind` with `distinct` different values.
static bool pays(pl_kind kind, uint8_t precision, uint32_t distinct, uint32_t *ret_count)
{
    pl_field field = field_of(kind);
    field.type.precision = precision;
    pl_leaf leaf = pl_leaf__make(&field);
    pl_dictionary d = {0};
    pl_column column;
    pl_column_init(&column, &field.type);
    for (uint32_t row = 0; row < 100000; row++) {
        uint32_t n = row % distinct;
        pl_value value = {.kind = kind};
        if (kind == PL_INT) value.i32 = (int32_t)n - 50000;
        if (kind == PL_LONG) value.i64 = (int64_t)n << 40;
        if (kind == PL_DOUBLE) value.f64 = n / 100.0;
        if (kind == PL_DECIMAL) value.i128 = (pl_i128)n << 90;
        if (kind == PL_BOOLEAN) value.boolean = n & 1;
        pl_column_append(&column, &value);
    }
    bool built = build(&d, &leaf, &column, 1024 * 1024);
    *ret_count = d.count;
    pl_column_done(&column);
    pl_dictionary__done(&d);
    return built;
}

TEST(dictionary_is_dropped_when_values_are_unique)
{
    uint32_t count;
    CHECK(!pays(PL_INT, 0, 100000, &count));
    CHECK(!pays(PL_LONG, 0, 100000, &count));
    CHECK(!pays(PL_DOUBLE, 0, 100000, &count));
    CHECK(!pays(PL_DECIMAL, 38, 100000, &count));
    CHECK(!pays(PL_BOOLEAN, 0, 2, &count));
}

TEST(dictionary_grows_to_what_pays)
{
    uint32_t count;
    CHECK(pays(PL_INT, 0, 20000, &count));
    CHECK_INT(20000, count);
    CHECK(pays(PL_LONG, 0, 20000, &count));
    CHECK_INT(20000, count);
    CHECK(pays(PL_DOUBLE, 0, 1, &count));
    CHECK_INT(1, count);
    CHECK(pays(PL_DECIMAL, 38, 50000, &count));
    CHECK_INT(50000, count);
}

TEST(dictionary_of_no_value_is_none)
{
    pl_field field = field_of(PL_STRING);
    pl_leaf leaf = pl_leaf__make(&field);
    pl_dictionary d = {0};
    pl_column column;
    pl_column_init(&column, &field.type);
    pl_column_null(&column);
    CHECK(!build(&d, &leaf, &column, 1000));
    pl_column_done(&column);
    pl_dictionary__done(&d);
}

TEST(dictionary_is_dropped_when_its_values_were_made_to_hash_alike)
{
    pl_field field = field_of(PL_LONG);
    pl_leaf leaf = pl_leaf__make(&field);
    pl_dictionary d = {0};
    pl_column column;
    pl_column_init(&column, &field.type);
    const uint64_t inverse = UINT64_C(0xf1de83e19937733d); // of the hash's odd factor
    for (uint32_t row = 0; row < 200000; row++) {
        uint64_t hash = (UINT64_C(7) << 32 | row % 50000) * inverse;
        hash = (hash ^ hash >> 32) * inverse;
        pl_column_append(&column, &(pl_value){.kind = PL_LONG, .i64 = (int64_t)hash});
    }
    CHECK(!build(&d, &leaf, &column, 1024 * 1024));
    CHECK(d.count < 5000);
    pl_column_done(&column);
    pl_dictionary__done(&d);
}

// Texts of 0 to 39 bytes, many of them the beginning of another or different in one byte only, one
// column after the other in the same tables.
TEST(dictionary_finds_every_text_where_it_appeared_first)
{
    pl_field field = field_of(PL_STRING);
    pl_leaf leaf = pl_leaf__make(&field);
    pl_dictionary d = {0};
    uint32_t random = 1;
    for (uint32_t round = 0; round < 60; round++) {
        pl_column column;
        pl_column_init(&column, &field.type);
        uint32_t rows = round < 50 ? 1 + round * 7 : 3000, distinct = 1 + round % 7 * 40;
        for (uint32_t row = 0; row < rows; row++) {
            char text[40] = {0};
            uint32_t n = (random = random * 1664525u + 1013904223u) >> 16;
            n %= distinct;
            if (n % 40) text[n / 40 % (n % 40)] = (char)(n / 40);
            if (n == 5)
                pl_column_null(&column);
            else
                pl_column_text(&column, pl_span_make(text, n % 40));
        }
        if (!pl_dictionary__build(&d, &leaf, &column, 1 << 20, 1 << 20)) {
            CHECK_INT(column.count, column.nulls);
            continue;
        }
        uint32_t index = 0, entries = 0;
        for (uint32_t row = 0; row < rows; row++) {
            if (!column.valid[row]) continue;
            uint32_t first = 0;
            while (!column.valid[first] ||
                   !pl_span_equal(pl_column_span(&column, first), pl_column_span(&column, row)))
                first++;
            entries += first == row;
            CHECK_INT(first, d.rows[d.indices[index++]]);
        }
        CHECK_INT(entries, d.count);
        pl_column_done(&column);
    }
    pl_dictionary__done(&d);
}

int main(void)
{
    return RUN_TESTS("parquet/dictionary", T(dictionary_numbers_values_as_they_appear),
                     T(dictionary_is_dropped_when_values_are_unique),
                     T(dictionary_grows_to_what_pays), T(dictionary_of_no_value_is_none),
                     T(dictionary_is_dropped_when_its_values_were_made_to_hash_alike),
                     T(dictionary_finds_every_text_where_it_appeared_first));
}
