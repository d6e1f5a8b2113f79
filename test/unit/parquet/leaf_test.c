// SPDX-License-Identifier: Apache-2.0
#include "parquet/leaf_int.h"

#include "unit.h"

static pl_leaf leaf_of(pl_field *field, const char *type, pl_arena *arena)
{
    const char *reason;
    *field = (pl_field){.id = 7, .name = PL_SPAN("c")};
    CHECK(pl_type_parse(pl_span_of(type), arena, &field->type, &reason));
    return pl_leaf__make(field);
}

TEST(leaf_decimals_take_the_least_width)
{
    static const struct {
        const char *type;
        pl_physical physical;
        int width;
    } cases[] = {
        {"decimal(1, 0)", PL_PHYSICAL_INT32, 4},   {"decimal(9, 2)", PL_PHYSICAL_INT32, 4},
        {"decimal(10, 2)", PL_PHYSICAL_INT64, 8},  {"decimal(18, 2)", PL_PHYSICAL_INT64, 8},
        {"decimal(19, 2)", PL_PHYSICAL_FIXED, 9},  {"decimal(21, 2)", PL_PHYSICAL_FIXED, 9},
        {"decimal(22, 2)", PL_PHYSICAL_FIXED, 10}, {"decimal(38, 2)", PL_PHYSICAL_FIXED, 16},
    };
    pl_arena arena = {0};
    pl_field field;
    for (unsigned i = 0; i < PL_COUNT(cases); i++) {
        pl_leaf leaf = leaf_of(&field, cases[i].type, &arena);
        CHECK_INT(cases[i].physical, leaf.physical);
        CHECK_INT(cases[i].width, leaf.width);
    }
    pl_arena_done(&arena);
}

TEST(leaf_levels_follow_the_nesting)
{
    pl_arena arena = {0};
    pl_field field;
    pl_leaf leaf = leaf_of(&field, "list(list(int))", &arena);
    CHECK_INT(2, leaf.rep_max);
    CHECK_INT(5, leaf.def_max);
    CHECK_INT(5, pl_leaf__schema_count(&leaf));
    field.required = true;
    CHECK_INT(4, pl_leaf__make(&field).def_max);
    leaf = leaf_of(&field, "int", &arena);
    CHECK_INT(1, leaf.def_max);
    field.required = true;
    CHECK_INT(0, pl_leaf__make(&field).def_max);
    pl_arena_done(&arena);
}

TEST(leaf_fixed_decimals_are_big_endian_and_small_ones_little)
{
    pl_arena arena = {0};
    pl_buf out = {0};
    pl_field field;
    pl_value value = {.kind = PL_DECIMAL, .i128 = -2};
    pl_leaf leaf = leaf_of(&field, "decimal(19, 0)", &arena);
    pl_leaf__statistic(&out, &leaf, &value);
    leaf = leaf_of(&field, "decimal(9, 0)", &arena);
    pl_leaf__statistic(&out, &leaf, &value);
    CHECK_INT(13, out.count);
    assert_memory_equal("\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xfe\xff\xff\xff", out.data, 13);
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

TEST(leaf_plain_skips_null)
{
    pl_arena arena = {0};
    pl_buf out = {0};
    pl_field field;
    pl_leaf leaf = leaf_of(&field, "boolean", &arena);
    pl_column column;
    pl_column_init(&column, &field.type);
    for (int i = 0; i < 12; i++) {
        pl_value value = {.kind = PL_BOOLEAN, .is_null = i == 1, .boolean = i % 3 == 0};
        pl_column_append(&column, &value);
    }
    pl_leaf__plain(&out, &leaf, &column, 0, 12); // T FTF FTF FTF F, lowest bit first
    CHECK_INT(2, out.count);
    assert_memory_equal("\x25\x01", out.data, 2);
    pl_column_done(&column);

    pl_buf_reset(&out);
    leaf = leaf_of(&field, "string", &arena);
    pl_column_init(&column, &field.type);
    pl_column_text(&column, PL_SPAN("ab"));
    pl_column_null(&column);
    pl_column_text(&column, PL_SPAN(""));
    pl_leaf__plain(&out, &leaf, &column, 0, 3);
    CHECK_INT(10, out.count);
    assert_memory_equal("\2\0\0\0ab\0\0\0\0", out.data, 10);
    pl_column_done(&column);
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS(
        "parquet/leaf", T(leaf_decimals_take_the_least_width), T(leaf_levels_follow_the_nesting),
        T(leaf_fixed_decimals_are_big_endian_and_small_ones_little), T(leaf_plain_skips_null));
}
