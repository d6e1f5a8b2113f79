// What the gate says of figures, as it is told.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/gate.h"

#include "unit.h"

// All of it passed.
static pl_gate_figures good(void)
{
    return (pl_gate_figures){.rows_before = 2000,
                             .nulls_before = 20,
                             .rows = 1000,
                             .nulls = 10,
                             .values = 990,
                             .entities = 400,
                             .has_distance = true,
                             .distance = 0.02,
                             .both = 1980};
}

static void check(pl_gate_kind kind, pl_gate_figures figures, const char *want)
{
    pl_arena arena = {0};
    pl_gate gate;
    pl_gate_judge(&figures, &arena, &gate);
    const pl_gate_line *line = &gate.lines[kind];
    CHECK_STR(want,
              pl_arena_printf(&arena, "%s: %s", pl_gate_word_name(line->word), line->measured));
    pl_arena_done(&arena);
}

TEST(rows_are_open_until_there_are_a_thousand)
{
    pl_gate_figures f = good();
    check(PL_GATE_KIND_ROWS, f, "passed: 1,000");
    f.rows = 999;
    check(PL_GATE_KIND_ROWS, f, "open: 999");
    f.rows = 1234567;
    check(PL_GATE_KIND_ROWS, f, "passed: 1,234,567");
}

TEST(values_must_be_read)
{
    static const struct {
        uint64_t values, unread;
        const char *want;
    } cases[] = {
        {0, 0, "open: no value came yet"},
        {990, 0, "passed: 100 % of 990 values"},
        {1000, 5, "passed: 99.5 % of 1,000 values"},
        {1000, 6, "failed: 99.4 % of 1,000 values"},
        {10, 1, "open: 90 % of 10 values"}, // of 1,000 five may be
        {10, 5, "open: 50 % of 10 values"},
        {10, 6, "failed: 40 % of 10 values"},
        {1000000, 1, "passed: 99.99 % of 1,000,000 values"}, // not all of them
        {400, 400, "failed: 0 % of 400 values"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_gate_figures f = good();
        f.values = cases[i].values, f.unread = cases[i].unread;
        check(PL_GATE_KIND_PARSE, f, cases[i].want);
    }
}

TEST(as_many_rows_as_before_are_null)
{
    static const struct {
        uint64_t rows_before, nulls_before, rows, nulls;
        const char *want;
    } cases[] = {
        {2000, 20, 1000, 10, "passed: 1 % of rows before, 1 % since"},
        {2000, 20, 1000, 15, "passed: 1 % of rows before, 1.5 % since"},
        {2000, 20, 1000, 16, "failed: 1 % of rows before, 1.6 % since"},
        {2000, 20, 1000, 4, "failed: 1 % of rows before, 0.4 % since"}, // less is moved, too
        {2000, 0, 100, 5, "open: 0 % of rows before, 5 % since"},
        {2000, 0, 100, 6, "failed: 0 % of rows before, 6 % since"},
        {0, 0, 100, 6, "open: there are no rows from before"},
        {2000, 0, 0, 0, "open: there are no rows since then"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_gate_figures f = good();
        f.rows_before = cases[i].rows_before, f.nulls_before = cases[i].nulls_before;
        f.rows = cases[i].rows, f.nulls = cases[i].nulls;
        check(PL_GATE_KIND_NULLS, f, cases[i].want);
    }
}

TEST(entities_go_on_or_the_values_lie_where_they_did)
{
    static const struct {
        uint64_t entities, broken;
        double distance; // below 0: none
        const char *want;
    } cases[] = {
        {400, 0, 0.2, "passed: 100 % of 400 entities; distance 0.20"},
        {400, 8, 0.2, "passed: 98 % of 400 entities; distance 0.20"},
        {400, 9, 0.2, "failed: 97.75 % of 400 entities; distance 0.20"},
        {400, 9, 0.05, "passed: 97.75 % of 400 entities; distance 0.05"},
        {99, 0, 0.2, "open: 100 % of 99 entities; distance 0.20"},
        {99, 2, -1, "open: 97.98 % of 99 entities"}, // two of a hundred may be
        {99, 3, -1, "failed: 96.97 % of 99 entities"},
        {1, 1, -1, "open: 0 % of 1 entity"},
        {0, 0, -1, "open: no entity was there before and since"},
        {0, 0, 0.04, "passed: no entity was there before and since; distance 0.04"},
        {0, 0, 0.3, "open: no entity was there before and since; distance 0.30"},
        {0, 0, 0.9, "failed: no entity was there before and since; distance 0.90"},
        {50, 0, 0.9, "open: 100 % of 50 entities; distance 0.90"}, // new ones came
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_gate_figures f = good();
        f.entities = cases[i].entities, f.broken = cases[i].broken;
        f.has_distance = cases[i].distance >= 0, f.distance = cases[i].distance;
        check(PL_GATE_KIND_CONTINUITY, f, cases[i].want);
    }
}

TEST(one_value_that_is_not_the_same_is_too_many)
{
    pl_gate_figures f = good();
    check(PL_GATE_KIND_AGREEMENT, f, "passed: in 1,980 of 1,980 rows");
    f.differ = 1;
    check(PL_GATE_KIND_AGREEMENT, f, "failed: in 1,979 of 1,980 rows");
    f.both = f.differ = 0;
    check(PL_GATE_KIND_AGREEMENT, f, "open: no row has both values");
}

TEST(the_worst_line_is_the_word_and_what_is_not_passed_the_reason)
{
    pl_arena arena = {0};
    pl_gate gate;
    pl_gate_figures f = good();
    pl_gate_judge(&f, &arena, &gate);
    CHECK_INT(PL_GATE_PASSED, gate.word);
    CHECK_STR("", pl_gate_reasons(&gate, true, &arena));
    f.rows = 400, f.nulls = 4, f.values = 396;
    pl_gate_judge(&f, &arena, &gate);
    CHECK_INT(PL_GATE_OPEN, gate.word);
    CHECK_STR("", pl_gate_reasons(&gate, false, &arena));
    CHECK_STR("rows: 400, asked is 1,000 or more", pl_gate_reasons(&gate, true, &arena));
    f.unread = 100, f.differ = 2;
    pl_gate_judge(&f, &arena, &gate);
    CHECK_INT(PL_GATE_FAILED, gate.word);
    CHECK_STR("parse: 74.75 % of 396 values, asked is 99.5 % or more; agreement: in 1,978 of 1,980 "
              "rows, asked is in every row with both values",
              pl_gate_reasons(&gate, false, &arena));
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS("flow/gate", T(rows_are_open_until_there_are_a_thousand),
                     T(values_must_be_read), T(as_many_rows_as_before_are_null),
                     T(entities_go_on_or_the_values_lie_where_they_did),
                     T(one_value_that_is_not_the_same_is_too_many),
                     T(the_worst_line_is_the_word_and_what_is_not_passed_the_reason));
}
