// SPDX-License-Identifier: Apache-2.0
#include "contract/contract.h"

#include "mistakes.h"

static const char POSTS[] = "# one\n"
                            "table: post_metrics\n"
                            "doc: One row per post and observation.\n"
                            "key: [platform, post_id, observed_at]\n"
                            "partition: [platform, day(published_at), 'bucket(16, post_id)']\n"
                            "columns:\n"
                            "  platform:        string!\n"
                            "  post_id:         string!\n"
                            "  published_at:    timestamp!   # when\n"
                            "  observed_at:     timestamp!\n"
                            "  likes:           long       min(0) was(like_count)\n"
                            "  engagement_rate: double     range(0, 1)\n"
                            "  price:           decimal(10,2)!\n"
                            "  tags:            list(string)\n"
                            "  extra:           {type: json!, doc: What else came.}\n"
                            "  rank:            {type: int, required: true, range: [1, 10]}\n"
                            "critical: [post_id, likes]\n"
                            "checks: {freshness: 90m, nulls: {likes: 2%}}\n"
                            "rest: drop\n"
                            "duplicates: count\n"
                            "sort: [likes desc, post_id asc, observed_at]\n"
                            "compression: zstd\n"
                            "encodings: compact\n";

static void check_contract(const char *text, const char *mistakes)
{
    pl_arena arena = {0};
    pl_problems problems = {0}, warnings = {0};
    pl_contract *contract =
        pl_contract_parse("c.yml", pl_span_of(text), &arena, &problems, &warnings);
    CHECK((contract == NULL) == (problems.count > 0));
    CHECK_MISTAKES(mistakes, &problems);
    pl_problems_done(&warnings);
    pl_arena_done(&arena);
}

// A contract of one key and the columns given.
static void check_columns(const char *columns, const char *mistakes)
{
    pl_buf text = {0};
    pl_buf_printf(&text, "table: t\ncolumns:\n  %s\n", columns);
    check_contract(pl_buf_cstr(&text), mistakes);
    pl_buf_done(&text);
}

TEST(contract_reads_all_that_may_be_declared)
{
    pl_arena arena = {0};
    pl_problems problems = {0}, warnings = {0};
    pl_contract *c = pl_contract_parse("c.yml", pl_span_of(POSTS), &arena, &problems, &warnings);
    CHECK_MISTAKES("", &problems);
    CHECK_MISTAKES("", &warnings);
    CHECK_SPAN("post_metrics", c->table);
    CHECK_SPAN("One row per post and observation.", c->doc);
    CHECK_INT(3, c->sort.count);
    CHECK_SPAN("likes", c->sort.fields[0].source);
    CHECK(c->sort.fields[0].descending && c->sort.fields[0].nulls_last);
    CHECK_SPAN("post_id", c->sort.fields[1].source);
    CHECK(!c->sort.fields[1].descending && !c->sort.fields[1].nulls_last);
    CHECK_SPAN("observed_at", c->sort.fields[2].source);
    CHECK_STR("zstd", pl_compression_name(c->compression));
    CHECK(c->compact);
    CHECK_INT(10, c->column_count);
    CHECK_INT(10, c->schema.count);
    CHECK_INT(3, c->key_count);
    CHECK_INT(3, c->keys[2]);
    CHECK_INT(3, c->partition.count);
    CHECK_SPAN("platform", c->partition.fields[0].name);
    CHECK_SPAN("published_at_day", c->partition.fields[1].name);
    CHECK_SPAN("published_at", c->partition.fields[1].source);
    CHECK_INT(PL_DAY, c->partition.fields[1].transform.kind);
    CHECK_SPAN("post_id_bucket", c->partition.fields[2].name);
    CHECK_INT(16, c->partition.fields[2].transform.parameter);
    CHECK_INT(90 * 60 * INT64_C(1000000), c->checks.freshness_us);
    CHECK(c->drop_rest);
    pl_arena_done(&arena);
}

TEST(contract_reads_short_and_long_forms_of_columns)
{
    pl_arena arena = {0};
    pl_problems problems = {0};
    pl_contract *c = pl_contract_parse("c.yml", pl_span_of(POSTS), &arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
    const pl_contract_column *likes = &c->columns[pl_contract_find(c, PL_SPAN("likes"))];
    CHECK_INT(PL_LONG, likes->field.type.kind);
    CHECK(!likes->field.required && likes->critical && likes->has_min && !likes->has_max);
    CHECK_SPAN("0", likes->min_text);
    CHECK_SPAN("like_count", likes->was);
    CHECK(likes->nulls.asked && likes->nulls.max == 0.02);
    CHECK_INT(PL_SEVERITY_CRITICAL, likes->nulls.severity);
    CHECK_INT(11, likes->line);
    const pl_contract_column *rank = &c->columns[pl_contract_find(c, PL_SPAN("rank"))];
    CHECK(rank->field.required && rank->has_min && rank->min == 1 && rank->max == 10);
    const pl_contract_column *price = &c->columns[pl_contract_find(c, PL_SPAN("price"))];
    CHECK(price->field.required);
    CHECK_INT(10, price->field.type.precision);
    CHECK_INT(2, price->field.type.scale);
    const pl_contract_column *extra = &c->columns[pl_contract_find(c, PL_SPAN("extra"))];
    CHECK(extra->field.required);
    CHECK_SPAN("What else came.", extra->field.doc);
    CHECK_INT(PL_LIST, c->columns[pl_contract_find(c, PL_SPAN("tags"))].field.type.kind);
    pl_arena_done(&arena);
}

TEST(contract_reports_mistakes_in_columns)
{
    check_columns("a: strng!",
                  "3:6 unknown type 'strng'\n"
                  "  Did you mean 'string'? Valid are boolean, int, long, float, "
                  "double, decimal(p,s), date, timestamp, string, json and list(T).\n");
    check_columns("a: decimal(50,2)", "3:6 type 'decimal(50,2)': decimal precision is 1 to 38\n");
    check_columns("a: long min(x)", "3:15 'x' is not a number\n");
    check_columns("a: long foo(1) min", "3:11 unknown word 'foo'\n"
                                        "  Valid are min, max, range and was.\n"
                                        "3:18 'min' needs a value in brackets\n");
    check_columns("a: string min(1)", "3:6 column 'a' has bounds but is no number\n");
    check_columns("a: long range(2, 1)", "3:6 column 'a': min 2 is above max 1\n");
    check_columns("a: long range(2)", "3:17 range needs two numbers, as in range(0, 1)\n");
    check_columns("a: long min(0) range(0, 1)", "3:24 min is given twice\n");
    check_columns("a: decimal(10", "3:6 unbalanced bracket in 'decimal(10'\n");
    check_columns("a:", "3:5 column 'a' has no type\n"
                        "  Valid are boolean, int, long, float, double, decimal(p,s), date, "
                        "timestamp, string, json and list(T).\n");
    check_columns("a: [long]", "3:6 a column must be a map, not a list\n");
    check_columns(
        "a: {type: long, requird: true}",
        "3:19 unknown key 'requird'\n"
        "  Did you mean 'required'? Valid are type, required, min, max, range, was and doc.\n");
    check_columns("_a: long", "3:3 column name '_a' begins with '_', which is kept for plumb's own "
                              "columns\n");
    check_columns("Aa: long", "3:3 column name 'Aa' may hold only a-z, 0-9 and _\n");
    check_columns("1a: long", "3:3 column name '1a' must begin with a letter\n");
    check_columns("a: long was(b)\n  b: long", "3:3 column 'a' was 'b', which is still a column of "
                                               "this table\n");
    check_columns("a: long\n  a: int", "4:3 duplicate key 'a', first on line 3\n");
}

TEST(contract_reports_mistakes_in_keys_and_partitions)
{
    check_contract("table: t\ncolumns: {a: string, b: double, t: timestamp, j: json}\n"
                   "key: [a, zz, a, j]\ncritical: q\n",
                   "3:10 unknown column 'zz'\n  Valid are a, b, t and j.\n"
                   "3:14 key names column 'a' twice\n"
                   "3:17 column 'j' cannot be a key: it is json\n"
                   "4:11 unknown column 'q'\n  Valid are a, b, t and j.\n");
    check_contract(
        "table: t\ncolumns: {a: string, b: double, t: timestamp, t_day: date}\n"
        "partition: [bucket(16, a), dya(t), day(b), day(t), hour(t), day(zz), 'bucket(0, a)']\n",
        "3:13 unbalanced bracket in 'bucket(16'\n"
        "  Inside a flow list an item with a comma needs quotes, as in [platform, "
        "\"bucket(16, user_id)\"].\n"
        "3:24 unbalanced bracket in 'a)'\n"
        "  Inside a flow list an item with a comma needs quotes, as in [platform, "
        "\"bucket(16, user_id)\"].\n"
        "3:28 unknown transform 'dya'\n"
        "  Did you mean 'day'? Valid are bucket, truncate, year, month, day and hour.\n"
        "3:36 cannot partition by 'day(b)': 'b' is double\n"
        "3:44 partition 'day(t)' makes the field 't_day', which is also a column\n"
        "3:52 column 't' is partitioned twice\n"
        "3:65 unknown column 'zz'\n"
        "  Valid are a, b, t and t_day.\n"
        "3:71 'bucket(0, a)' needs a number and a column\n"
        "  Write it as in \"bucket(16, user_id)\" or \"truncate(10, name)\".\n");
}

TEST(contract_reports_what_is_missing_or_unknown)
{
    check_contract("", "1:1 the contract names no table\n1:1 the contract declares no columns\n");
    check_contract("- a\n", "1:1 a contract must be a map, not a list\n");
    check_contract("table: T\ncolumns: {}\ncolums: 1\nrest: x\nduplicates: lst\nchecks: "
                   "{freshness: soon, nulls: {a: 200%}}\n",
                   "3:1 unknown key 'colums'\n"
                   "  Did you mean 'columns'? Valid are table, doc, key, partition, columns, "
                   "critical, checks, rest, duplicates, sort, compression and encodings.\n"
                   "1:8 table name 'T' may hold only a-z, 0-9 and _\n"
                   "2:10 the contract declares no columns\n"
                   "6:21 unknown word 'soon' in a check\n"
                   "  Valid are a duration as 90m, warn and critical.\n"
                   "6:35 unknown column 'a'\n"
                   "6:38 '200%' is not a share\n"
                   "  Write 2% or 0.02.\n"
                   "4:7 unknown rest 'x'\n"
                   "  Valid are keep and drop.\n"
                   "5:13 unknown duplicates 'lst'\n"
                   "  Did you mean 'last'? Valid are count, first and last.\n");
}

TEST(contract_refuses_what_is_not_done_by_this_version)
{
    check_contract("table: t\ncolumns: {a: string!}\nkey: [a]\nduplicates: last\n",
                   "4:13 duplicates: last is not done by this version: rows with one key are "
                   "counted, and all kept\n"
                   "  Leave it out, or write count. 'checks: {unique: key}' tells of rows that "
                   "repeat a key, and 'unique: key critical' keeps them from being published.\n");
}

TEST(contract_survives_damage)
{
    uint64_t seed = 7;
    for (int round = 0; round < 4000; round++) {
        char text[sizeof POSTS];
        memcpy(text, POSTS, sizeof POSTS);
        for (int i = 0; i < 1 + round % 3; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[(seed >> 33) % (sizeof POSTS - 1)] = " ()[]{},:!\"'#ax0\n\xC3"[(seed >> 28) % 19];
        }
        pl_arena arena = {0};
        pl_problems problems = {0};
        pl_contract *contract =
            pl_contract_parse("c.yml", pl_span_of(text), &arena, &problems, NULL);
        CHECK((contract == NULL) == (problems.count > 0));
        pl_problems_done(&problems);
        pl_arena_done(&arena);
    }
}

TEST(contract_refuses_what_is_no_layout)
{
    static const char HEAD[] = "table: t\ncolumns: {a: long, b: list(int), c: json, d: string}\n";
    static const struct {
        const char *text, *mistakes;
    } cases[] = {
        {"sort: [x]\n", "3:8 unknown column 'x'\n  Valid are a, b, c and d.\n"},
        {"sort: a down\n", "3:9 unknown direction 'down'\n  Valid are asc and desc.\n"},
        {"sort: [a, a desc]\n", "3:11 sort names column 'a' twice\n"},
        {"sort: [b, c]\n", "3:8 cannot sort by column 'b': it is a list\n"
                           "3:11 cannot sort by column 'c': it is json\n"},
        {"sort: {a: desc}\n", "3:7 sort must be a list, not a map\n"},
        {"compression: gzip\n", "3:14 unknown compression 'gzip'\n  Valid are snappy and zstd.\n"},
        {"encodings: delta\n", "3:12 unknown encodings 'delta'\n  Valid are safe and compact.\n"},
        {"encodings: {}\n", "3:12 encodings must be plain text, not a map\n"},
        {"compression: [zstd]\n", "3:14 compression must be plain text, not a list\n"},
    };
    for (unsigned i = 0; i < PL_COUNT(cases); i++) {
        char text[200];
        snprintf(text, sizeof text, "%s%s", HEAD, cases[i].text);
        check_contract(text, cases[i].mistakes);
    }
}

int main(void)
{
    return RUN_TESTS(
        "contract/contract", T(contract_reads_all_that_may_be_declared),
        T(contract_reads_short_and_long_forms_of_columns), T(contract_reports_mistakes_in_columns),
        T(contract_reports_mistakes_in_keys_and_partitions), T(contract_refuses_what_is_no_layout),
        T(contract_reports_what_is_missing_or_unknown),
        T(contract_refuses_what_is_not_done_by_this_version), T(contract_survives_damage));
}
