// SPDX-License-Identifier: Apache-2.0
#include "shapes.h"

// The type of "v" in records with these values, of which every one is sampled.
static void check(const char *want, const char *const values[4])
{
    pl_shape shape;
    pl_buf type = {0}, record = {0};
    pl_shape_init(&shape);
    pl_shape_object(&shape, 1);
    for (int i = 0; i < 4 && values[i]; i++) {
        pl_buf_reset(&record);
        pl_buf_printf(&record, "{\"v\":%s}", values[i]);
        observe(&shape, pl_buf_cstr(&record), NULL);
    }
    pl_shape_settle(&shape);
    pl_shape_least_type(&type, &shape, path_at(&shape, "$.v"));
    CHECK_STR(want, pl_buf_cstr(&type));
    pl_buf_done(&type);
    pl_buf_done(&record);
    pl_shape_done(&shape);
}

TEST(least_type_takes_every_value_seen)
{
    static const struct {
        const char *want, *values[4];
    } cases[] = {
        {"long", {"1", "-20", "null"}},
        {"long", {"9223372036854774784", "-9223372036854774784"}},
        {"decimal(38, 0)", {"1", "18446744073709551615"}},
        {"double", {"1.5", "2e3"}},
        {"double", {"1", "2.5"}},
        {"double", {"9007199254740992", "2.5"}},
        {"json", {"9007199254740995", "2.5"}},
        {"boolean", {"true", "false", "null"}},
        {"string", {"\"a\"", "\"\""}},
        {"string", {"\"12\"", "\"2026-11-22T10:00:00Z\""}},
        {"json", {"\"12\"", "12"}},
        {"json", {"true", "1"}},
        {"json", {"true", "\"true\""}},
        {"json", {"{\"a\":1}", "null"}},
        {"json", {"{\"a\":1}", "1"}},
        {"", {"null"}},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) check(cases[i].want, cases[i].values);
}

TEST(least_type_of_arrays_is_a_list_of_one_type)
{
    static const struct {
        const char *want, *values[4];
    } cases[] = {
        {"list(string)", {"[\"a\"]", "[]", "null"}},
        {"list(long)", {"[1, null]", "[2]"}},
        {"list(double)", {"[1]", "[2.5]"}},
        {"list(list(boolean))", {"[[true], []]", "[[false, true]]"}},
        {"list(list(list(list(list(list(list(list(long))))))))", {"[[[[[[[[1]]]]]]]]"}},
        {"json", {"[[[[[[[[[1]]]]]]]]]"}},
        {"json", {"[]"}},
        {"json", {"[null]"}},
        {"json", {"[1]", "[\"a\"]"}},
        {"json", {"[1]", "1"}},
        {"json", {"[{\"a\":1}]"}},
        {"json", {"[[1], 2]"}},
        {"json", {"[1]", "{\"a\":1}"}},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) check(cases[i].want, cases[i].values);
}

int main(void)
{
    return RUN_TESTS("shape/least", T(least_type_takes_every_value_seen),
                     T(least_type_of_arrays_is_a_list_of_one_type));
}
