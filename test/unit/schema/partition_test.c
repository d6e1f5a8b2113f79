// SPDX-License-Identifier: Apache-2.0
#include "schema/partition.h"

#include "base/time.h"
#include "unit.h"

static pl_value applied(const char *transform_text, pl_kind kind, pl_value value)
{
    pl_transform transform;
    pl_type type = {.kind = kind, .precision = 38};
    value.kind = kind;
    if (!pl_transform_parse(pl_span_of(transform_text), &transform))
        fail_msg("no transform: %s", transform_text);
    return pl_transform_apply(&transform, &type, &value);
}

static void check_int(const char *transform, pl_kind kind, pl_value value, int32_t want)
{
    pl_value got = applied(transform, kind, value);
    CHECK(!got.is_null);
    if (got.i32 != want) fail_msg("%s: want %d, got %d", transform, want, got.i32);
}

#define LONG(v)                                                                                    \
    (pl_value)                                                                                     \
    {                                                                                              \
        .i64 = (v)                                                                                 \
    }
#define DAYS(v)                                                                                    \
    (pl_value)                                                                                     \
    {                                                                                              \
        .i32 = (v)                                                                                 \
    }
#define TEXT(v)                                                                                    \
    (pl_value)                                                                                     \
    {                                                                                              \
        .text = PL_SPAN(v)                                                                         \
    }
#define DECIM(v)                                                                                   \
    (pl_value)                                                                                     \
    {                                                                                              \
        .i128 = (v)                                                                                \
    }

TEST(bucket_matches_the_vectors_of_the_specification)
{
    // With the largest number of buckets nearly the whole hash shows.
    static const char bucket[] = "bucket[1000000009]";
    check_int(bucket, PL_LONG, LONG(34), 2017239379 % 1000000009);
    check_int(bucket, PL_INT, DAYS(34), 2017239379 % 1000000009);
    check_int(bucket, PL_DATE, DAYS(17486), (-653330422 & INT32_MAX) % 1000000009);
    check_int(bucket, PL_TIMESTAMP, LONG(INT64_C(1510871468000000)),
              (-2047944441 & INT32_MAX) % 1000000009);
    check_int(bucket, PL_STRING, TEXT("iceberg"), 1210000089 % 1000000009);
    check_int(bucket, PL_DECIMAL, DECIM(1420), (-500754589 & INT32_MAX) % 1000000009);
    check_int("bucket[16]", PL_LONG, LONG(34), 2017239379 % 16);
    check_int("bucket[1]", PL_STRING, TEXT(""), 0);
}

TEST(truncate_rounds_down_and_cuts_at_code_points)
{
    static const struct {
        int64_t value, want;
    } longs[] = {{1, 0},     {9, 0},     {10, 10}, {-1, -10},
                 {-10, -10}, {-11, -20}, {0, 0},   {INT64_MAX, INT64_MAX - 7}};
    for (size_t i = 0; i < PL_COUNT(longs); i++) {
        CHECK_INT(longs[i].want, applied("truncate[10]", PL_LONG, LONG(longs[i].value)).i64);
        if (longs[i].value < 100)
            check_int("truncate[10]", PL_INT, DAYS((int32_t)longs[i].value),
                      (int32_t)longs[i].want);
    }
    CHECK(applied("truncate[50]", PL_DECIMAL, DECIM(1065)).i128 == 1050);
    CHECK(applied("truncate[50]", PL_DECIMAL, DECIM(-1065)).i128 == -1100);
    CHECK_SPAN("ice", applied("truncate[3]", PL_STRING, TEXT("iceberg")).text);
    CHECK_SPAN("ic", applied("truncate[3]", PL_STRING, TEXT("ic")).text);
    CHECK_SPAN("", applied("truncate[3]", PL_STRING, TEXT("")).text);
    CHECK_SPAN("\xC3\xA9\xF0\x9F\x98\x80z",
               applied("truncate[3]", PL_STRING, TEXT("\xC3\xA9\xF0\x9F\x98\x80zz")).text);
}

TEST(times_count_from_1970_and_round_down_before_it)
{
    const int64_t before = -1, hour = PL_MICROS_PER_HOUR;
    const int64_t spec = INT64_C(1510871468000000); // 2017-11-16T22:31:08Z
    check_int("year", PL_TIMESTAMP, LONG(spec), 47);
    check_int("month", PL_TIMESTAMP, LONG(spec), 574);
    check_int("day", PL_TIMESTAMP, LONG(spec), 17486);
    check_int("hour", PL_TIMESTAMP, LONG(spec), 419686);
    check_int("year", PL_DATE, DAYS(17486), 47);
    check_int("month", PL_DATE, DAYS(17486), 574);
    check_int("day", PL_DATE, DAYS(17486), 17486);
    static const char *const words[] = {"year", "month", "day", "hour"};
    for (size_t i = 0; i < PL_COUNT(words); i++) {
        check_int(words[i], PL_TIMESTAMP, LONG(0), 0);
        check_int(words[i], PL_TIMESTAMP, LONG(before), -1);
    }
    check_int("hour", PL_TIMESTAMP, LONG(-hour), -1);
    check_int("hour", PL_TIMESTAMP, LONG(-hour - 1), -2);
    check_int("day", PL_TIMESTAMP, LONG(-24 * hour), -1);
    check_int("month", PL_DATE, DAYS(-32), -2); // 1969-11-30
    check_int("year", PL_DATE, DAYS(-366), -2); // 1968-12-31
    check_int("year", PL_TIMESTAMP, LONG(PL_TIME_MICROS_MIN), -1969);
    check_int("month", PL_TIMESTAMP, LONG(PL_TIME_MICROS_MAX), 96359);
    check_int("hour", PL_TIMESTAMP, LONG(PL_TIME_MICROS_MAX), 70389527);
}

TEST(transforms_of_null_and_void_are_null)
{
    static const char *const all[] = {"identity", "bucket[4]", "truncate[4]", "void"};
    for (size_t i = 0; i < PL_COUNT(all); i++)
        CHECK(applied(all[i], PL_STRING, (pl_value){.is_null = true}).is_null);
    CHECK(applied("day", PL_DATE, (pl_value){.is_null = true}).is_null);
    CHECK(applied("void", PL_STRING, TEXT("x")).is_null);
    CHECK_SPAN("x", applied("identity", PL_STRING, TEXT("x")).text);
    CHECK_INT(-5, applied("identity", PL_LONG, LONG(-5)).i64);
}

TEST(transforms_fit_the_types_of_the_specification_alone)
{
    // One letter per kind of pl_kind up to json: what the transform gives, or '-'.
    static const char *const rows[][2] = {
        {"identity", "*********-"}, {"bucket[2]", "-ii--iiii-"}, {"truncate[2]", "-il--D--s-"},
        {"year", "------ii--"},     {"month", "------ii--"},     {"day", "------dd--"},
        {"hour", "-------i--"},
    };
    for (size_t r = 0; r < PL_COUNT(rows); r++)
        for (int kind = PL_BOOLEAN; kind <= PL_JSON; kind++) {
            pl_transform transform;
            pl_kind result;
            pl_type type = {.kind = (pl_kind)kind};
            CHECK(pl_transform_parse(pl_span_of(rows[r][0]), &transform));
            bool fits = pl_transform_result(&transform, &type, &result);
            char want = rows[r][1][kind];
            CHECK_INT(want != '-', fits);
            if (!fits) continue;
            pl_kind kinds[] = {PL_INT, PL_LONG, PL_DECIMAL, PL_STRING, PL_DATE};
            const char *letter = strchr("ilDsd", want);
            CHECK_INT(r == 0 ? (pl_kind)kind : kinds[letter - "ilDsd"], result);
        }
    pl_type list = {.kind = PL_LIST};
    pl_transform identity = {.kind = PL_IDENTITY}, bad = {.kind = PL_BUCKET, .parameter = 0};
    pl_kind result;
    CHECK(!pl_transform_result(&identity, &list, &result));
    CHECK(!pl_transform_result(&bad, &(pl_type){.kind = PL_LONG}, &result));
}

TEST(transforms_are_written_as_iceberg_writes_them)
{
    static const char *const good[] = {"identity", "bucket[16]", "truncate[10]", "year",
                                       "month",    "day",        "hour",         "void"};
    static const char *const bad[] = {"",
                                      "bucket",
                                      "bucket[]",
                                      "bucket[0]",
                                      "bucket[-1]",
                                      "bucket[1",
                                      "bucket[1]x",
                                      "truncate[x]",
                                      "days",
                                      "Day",
                                      "day[1]",
                                      "identity ",
                                      "bucket[99999999999999999999]"};
    pl_transform transform;
    for (size_t i = 0; i < PL_COUNT(good); i++) {
        pl_buf out = {0};
        CHECK(pl_transform_parse(pl_span_of(good[i]), &transform));
        pl_transform_text(&out, &transform);
        CHECK_SPAN(good[i], pl_buf_view(&out));
        pl_buf_done(&out);
    }
    for (size_t i = 0; i < PL_COUNT(bad); i++)
        if (pl_transform_parse(pl_span_of(bad[i]), &transform)) fail_msg("accepted %s", bad[i]);
}

static void check_path(const pl_partition_field *fields, uint32_t count, const pl_value *values,
                       const char *want)
{
    pl_partition_spec spec = {.count = count, .fields = (pl_partition_field *)(uintptr_t)fields};
    pl_buf out = {0};
    pl_buf_text(&out, "data/");
    pl_field cash = {.name = PL_SPAN("cash"),
                     .type = {.kind = PL_DECIMAL, .precision = 20, .scale = 2}};
    pl_partition_path(&out, &spec, &(pl_schema){.count = 1, .fields = &cash}, values);
    CHECK_SPAN(want, pl_buf_view(&out));
    pl_buf_done(&out);
}

static void check_text_path(pl_span text, const char *want)
{
    const pl_partition_field field = {.source = PL_SPAN("p"), .name = PL_SPAN("p")};
    const pl_value value = {.kind = PL_STRING, .text = text};
    check_path(&field, 1, &value, want);
}

TEST(hive_path_encodes_every_byte_that_is_not_plain)
{
    check_text_path(PL_SPAN("tiktok"), "data/p=tiktok");
    check_text_path(PL_SPAN("a-b_c.d~E9"), "data/p=a-b_c.d~E9");
    check_text_path(PL_SPAN("a/b%c=d:e f"), "data/p=a%2Fb%25c%3Dd%3Ae%20f");
    check_text_path(PL_SPAN("\xF0\x9F\x98\x80"), "data/p=%F0%9F%98%80");
    check_text_path(pl_span_make("a\0\n\xFF", 4), "data/p=a%00%0A%FF");
    check_text_path(PL_SPAN("."), "data/p=%2E");
    check_text_path(PL_SPAN(".."), "data/p=%2E%2E");
    check_text_path(PL_SPAN("..."), "data/p=...");
    check_text_path(PL_SPAN("../../etc"), "data/p=..%2F..%2Fetc");
    check_text_path(PL_SPAN(""), "data/p=");
    check_text_path(PL_SPAN("__HIVE_DEFAULT_PARTITION__"), "data/p=__HIVE_DEFAULT_PARTITION__");
}

TEST(hive_path_of_a_decimal_has_its_point)
{
    pl_partition_field field = {.source = PL_SPAN("cash"), .name = PL_SPAN("cash")};
    const pl_value values[] = {{.kind = PL_DECIMAL, .i128 = 1230},
                               {.kind = PL_DECIMAL, .i128 = -5},
                               {.kind = PL_DECIMAL, .i128 = 0},
                               {.kind = PL_DECIMAL, .is_null = true}};
    check_path(&field, 1, &values[0], "data/cash=12.30");
    check_path(&field, 1, &values[1], "data/cash=-0.05");
    check_path(&field, 1, &values[2], "data/cash=0.00");
    check_path(&field, 1, &values[3], "data/cash=__HIVE_DEFAULT_PARTITION__");
    field.name = PL_SPAN("cash_trunc");
    field.transform = (pl_transform){.kind = PL_TRUNCATE, .parameter = 10};
    check_path(&field, 1, &values[0], "data/cash_trunc=12.30");
}

TEST(hive_path_of_a_long_value_stays_a_legal_file_name)
{
    char text[1000];
    memset(text, 'x', sizeof text);
    pl_partition_field field = {.source = PL_SPAN("p"), .name = PL_SPAN("p")};
    pl_partition_spec spec = {.count = 1, .fields = &field};
    pl_buf paths[3] = {{0}, {0}, {0}};
    for (int i = 0; i < 3; i++) {
        pl_value value = {.kind = PL_STRING, .text = {text, sizeof text - (size_t)(i == 1)}};
        if (i == 2) memset(text, (char)0xFF, sizeof text);
        pl_partition_path(&paths[i], &spec, &(pl_schema){0}, &value);
        CHECK(paths[i].count <= 255);
        CHECK(paths[i].count > 100);
    }
    CHECK(!pl_span_equal(pl_buf_view(&paths[0]), pl_buf_view(&paths[1])));
    CHECK(pl_span_starts(pl_buf_view(&paths[2]), PL_SPAN("p=%FF%FF")));
    for (size_t i = 2; i + 9 < paths[2].count; i += 3) CHECK_INT('%', paths[2].data[i]);
    for (int i = 0; i < 3; i++) pl_buf_done(&paths[i]);
}

TEST(hive_path_pads_times_and_names_null)
{
    const pl_partition_field day = {
        .source = PL_SPAN("t"), .name = PL_SPAN("t_day"), .transform = {PL_DAY, 0}};
    const pl_partition_field month = {
        .source = PL_SPAN("t"), .name = PL_SPAN("t_month"), .transform = {PL_MONTH, 0}};
    const pl_partition_field year = {
        .source = PL_SPAN("t"), .name = PL_SPAN("t_year"), .transform = {PL_YEAR, 0}};
    const pl_partition_field hour = {
        .source = PL_SPAN("t"), .name = PL_SPAN("t_hour"), .transform = {PL_HOUR, 0}};
    pl_value v = {.kind = PL_DATE, .i32 = 0};
    check_path(&day, 1, &v, "data/year=1970/month=01/day=01");
    v.i32 = -1;
    check_path(&day, 1, &v, "data/year=1969/month=12/day=31");
    v.i32 = -719162;
    check_path(&day, 1, &v, "data/year=0001/month=01/day=01");
    v.kind = PL_INT;
    v.i32 = -1;
    check_path(&hour, 1, &v, "data/year=1969/month=12/day=31/hour=23");
    check_path(&month, 1, &v, "data/year=1969/month=12");
    check_path(&year, 1, &v, "data/year=1969");
    v.i32 = 13;
    check_path(&month, 1, &v, "data/year=1971/month=02");
    v.is_null = true;
    check_path(&month, 1, &v,
               "data/year=__HIVE_DEFAULT_PARTITION__/month=__HIVE_DEFAULT_PARTITION__");
    check_path(&day, 0, &v, "data/");
}

TEST(hive_path_of_several_fields)
{
    const pl_partition_field two[] = {
        {.source = PL_SPAN("platform"), .name = PL_SPAN("platform")},
        {.source = PL_SPAN("id"), .name = PL_SPAN("id_bucket"), .transform = {PL_BUCKET, 16}},
        {.source = PL_SPAN("at"), .name = PL_SPAN("at_day"), .transform = {PL_DAY, 0}},
        {.source = PL_SPAN("seen"), .name = PL_SPAN("seen_month"), .transform = {PL_MONTH, 0}}};
    const pl_value values[] = {{.kind = PL_STRING, .is_null = true},
                               {.kind = PL_INT, .i32 = 7},
                               {.kind = PL_DATE, .i32 = 20779},
                               {.kind = PL_INT, .i32 = 682}};
    check_path(two, 3, values,
               "data/platform=__HIVE_DEFAULT_PARTITION__/id_bucket=7/year=2026/month=11/day=22");
    check_path(two, 4, values,
               "data/platform=__HIVE_DEFAULT_PARTITION__/id_bucket=7/"
               "at_year=2026/at_month=11/at_day=22/seen_year=2026/seen_month=11");
    const pl_partition_field others[] = {{.source = PL_SPAN("b"), .name = PL_SPAN("b")},
                                         {.source = PL_SPAN("n"), .name = PL_SPAN("n")},
                                         {.source = PL_SPAN("t"), .name = PL_SPAN("t")}};
    const pl_value more[] = {{.kind = PL_BOOLEAN, .boolean = true},
                             {.kind = PL_LONG, .i64 = -5},
                             {.kind = PL_TIMESTAMP, .i64 = -1}};
    check_path(others, 3, more, "data/b=true/n=-5/t=1969-12-31T23%3A59%3A59.999999Z");
}

TEST(partition_values_have_a_readable_text)
{
    static const struct {
        pl_transform_kind transform;
        pl_value value;
        const char *text;
    } cases[] = {{PL_DAY, {.kind = PL_DATE, .i32 = -1}, "1969-12-31"},
                 {PL_MONTH, {.kind = PL_INT, .i32 = -1}, "1969-12"},
                 {PL_YEAR, {.kind = PL_INT, .i32 = -1}, "1969"},
                 {PL_HOUR, {.kind = PL_INT, .i32 = -1}, "1969-12-31T23"},
                 {PL_HOUR, {.kind = PL_INT, .i32 = 5}, "1970-01-01T05"},
                 {PL_BUCKET, {.kind = PL_INT, .i32 = 5}, "5"},
                 {PL_IDENTITY, {.kind = PL_STRING, .text = {"a/b", 3}}, "a/b"},
                 {PL_DAY, {.kind = PL_DATE, .is_null = true}, "null"}};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_buf out = {0};
        pl_partition_field field = {.transform = {cases[i].transform, 8}};
        pl_partition_value_text(&out, &field, &cases[i].value);
        CHECK_SPAN(cases[i].text, pl_buf_view(&out));
        pl_buf_done(&out);
    }
}

int main(void)
{
    return RUN_TESTS(
        "schema/partition", T(bucket_matches_the_vectors_of_the_specification),
        T(truncate_rounds_down_and_cuts_at_code_points),
        T(times_count_from_1970_and_round_down_before_it), T(transforms_of_null_and_void_are_null),
        T(transforms_fit_the_types_of_the_specification_alone),
        T(transforms_are_written_as_iceberg_writes_them),
        T(hive_path_encodes_every_byte_that_is_not_plain), T(hive_path_of_a_decimal_has_its_point),
        T(hive_path_of_a_long_value_stays_a_legal_file_name),
        T(hive_path_pads_times_and_names_null), T(hive_path_of_several_fields),
        T(partition_values_have_a_readable_text));
}
