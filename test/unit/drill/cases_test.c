// SPDX-License-Identifier: Apache-2.0
#include "drill/cases.h"

#include "unit.h"

static const char CONTRACT[] = "table: posts\n"
                               "key: [id, seen]\n"
                               "columns:\n"
                               "  id:    string!\n"
                               "  seen:  timestamp!\n"
                               "  at:    timestamp\n"
                               "  kind:  string\n"
                               "  likes: long\n"
                               "  views: long\n"
                               "  rate:  double\n"
                               "  ok:    boolean\n"
                               "  never: long\n";
static const char MAPPING[] = "source: shop\n"
                              "into: posts\n"
                              "records: data.list[]\n"
                              "map:\n"
                              "  id: id\n"
                              "  seen: $received\n"
                              "  at: at parse(epoch)\n"
                              "  kind: kind\n"
                              "  likes: stats.likes\n"
                              "  views: stats.views\n"
                              "  rate: rate\n"
                              "  ok: ok\n"
                              "  never: never\n";

typedef struct fixture {
    pl_arena arena;
    pl_mapping *mapping;
    pl_drill_sample sample;
    pl_drill_case *cases;
    uint32_t count;
} fixture;

static void begin(fixture *f, uint32_t documents)
{
    pl_problems problems = {0};
    plumb_error err;
    *f = (fixture){.count = 0};
    pl_contract *contract =
        pl_contract_parse("c.yml", pl_span_of(CONTRACT), &f->arena, &problems, NULL);
    CHECK(contract);
    f->mapping =
        pl_mapping_parse("s.yml", pl_span_of(MAPPING), &contract, 1, &f->arena, &problems, NULL);
    CHECK(f->mapping);
    f->sample.units = PL_TAKE(&f->arena, pl_drill_unit, documents);
    for (uint32_t i = 0; i < documents; i++) {
        const char *text = pl_arena_printf(
            &f->arena,
            "{\"data\": {\"list\": [{\"id\": \"p%u\", \"at\": %u, \"kind\": \"%s\", \"ok\": %s,"
            " \"rate\": 0.%u, \"stats\": {\"likes\": %u, \"views\": %u}}]}}",
            i, 1700000000 + i, i % 3 ? "video" : "photo", i % 2 ? "true" : "false", 100 + i, i,
            1000 + i * 10);
        CHECK_OK(pl_json_parse(pl_span_of(text), &f->arena, &f->sample.units[i].document, &err),
                 err);
        f->sample.units[i].records = 1;
    }
    f->sample.count = documents;
    f->sample.records = documents;
}

static void make(fixture *f, uint64_t seed, uint32_t wanted)
{
    pl_drill_cases(&f->sample, &f->mapping, 1, seed, wanted, &f->arena, &f->cases, &f->count);
}

static const pl_drill_case *find_case(const fixture *f, const char *part)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (strstr(f->cases[i].what, part)) return &f->cases[i];
    fail_msg("no case has '%s'", part);
    return NULL;
}

TEST(cases_one_of_each_kind)
{
    fixture f;
    begin(&f, 40);
    make(&f, 1, PL_DRILL_CASES_DEFAULT);
    CHECK_INT(PL_DRILL_CASES_DEFAULT, f.count);
    CHECK_STR("at: seconds -> milliseconds", find_case(&f, "milliseconds")->what);
    CHECK_STR("rate: 0.047 -> \"4.7%\"", find_case(&f, "4.7%")->what);
    CHECK(find_case(&f, "where the records are")->envelope);
    find_case(&f, "renamed object stats -> ");
    find_case(&f, "other words");
    find_case(&f, "stats.views: 1234 -> \"1.2K\""); // the only one with large numbers
    CHECK(strncmp(find_case(&f, "removed ")->what, "removed never", 13) != 0);
    pl_arena_done(&f.arena);
}

TEST(cases_follow_from_the_seed)
{
    fixture a, b;
    bool other = false;
    begin(&a, 40);
    begin(&b, 40);
    make(&a, 7, 30);
    make(&b, 7, 30);
    CHECK_INT(a.count, b.count);
    for (uint32_t i = 0; i < a.count; i++) CHECK_STR(a.cases[i].what, b.cases[i].what);
    make(&b, 8, 30);
    for (uint32_t i = 0; i < PL_MIN(a.count, b.count); i++)
        other |= strcmp(a.cases[i].what, b.cases[i].what) != 0;
    CHECK(other);
    pl_arena_done(&a.arena);
    pl_arena_done(&b.arena);
}

TEST(cases_are_never_twice_the_same_and_end)
{
    fixture f;
    begin(&f, 40);
    make(&f, 1, 500);
    CHECK(f.count > 30 && f.count <= 500);
    for (uint32_t i = 0; i < f.count; i++)
        for (uint32_t k = 0; k < i; k++) CHECK(strcmp(f.cases[i].what, f.cases[k].what) != 0);
    pl_arena_done(&f.arena);
}

TEST(cases_change_what_they_say)
{
    fixture f;
    begin(&f, 40);
    make(&f, 1, PL_DRILL_CASES_DEFAULT);
    for (uint32_t i = 0; i < f.count; i++) {
        pl_buf before = {0}, after = {0};
        pl_json *copy = pl_mutate_copy(f.sample.units[39].document, &f.arena);
        pl_mutate_write(&before, copy);
        pl_drill_change(&f.cases[i], copy, 100, &f.arena);
        pl_mutate_write(&after, copy);
        if (pl_span_equal(pl_buf_view(&before), pl_buf_view(&after)))
            fail_msg("'%s' changed nothing", f.cases[i].what);
        pl_buf_done(&before);
        pl_buf_done(&after);
    }
    pl_arena_done(&f.arena);
}

TEST(cases_change_some_records_by_and_by)
{
    fixture f;
    uint32_t changed[101] = {0};
    begin(&f, 200);
    make(&f, 1, PL_DRILL_CASES_DEFAULT);
    const pl_drill_case *one = find_case(&f, "by and by");
    CHECK(one->gradual);
    for (uint32_t percent = 0; percent <= 100; percent += 25)
        for (uint32_t i = 0; i < f.sample.count; i++) {
            pl_buf before = {0}, after = {0};
            pl_json *copy = pl_mutate_copy(f.sample.units[i].document, &f.arena);
            pl_mutate_write(&before, copy);
            pl_drill_change(one, copy, percent, &f.arena);
            pl_mutate_write(&after, copy);
            changed[percent] += !pl_span_equal(pl_buf_view(&before), pl_buf_view(&after));
            pl_buf_done(&before);
            pl_buf_done(&after);
        }
    CHECK_INT(0, changed[0]);
    CHECK(changed[25] > 30 && changed[25] < changed[50] && changed[50] < changed[75]);
    CHECK_INT(200, changed[100]);
    pl_arena_done(&f.arena);
}

TEST(cases_of_nothing_are_none)
{
    fixture f;
    begin(&f, 0);
    f.mapping->has_records = false;
    make(&f, 1, 5);
    CHECK_INT(0, f.count);
    pl_arena_done(&f.arena);
}

int main(void)
{
    return RUN_TESTS("drill/cases", T(cases_one_of_each_kind), T(cases_follow_from_the_seed),
                     T(cases_are_never_twice_the_same_and_end), T(cases_change_what_they_say),
                     T(cases_change_some_records_by_and_by), T(cases_of_nothing_are_none));
}
