// SPDX-License-Identifier: Apache-2.0
#include "registry/checks.h"
#include "scratch.h"

static const int64_t hour_us = INT64_C(3600) * 1000000;

typedef struct seen {
    char text[2048];
    int count;
} seen;

static bool see(void *context, const pl_check_row *row)
{
    seen *s = context;
    size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%s/%s %s%s%s %s %lld/%lld %s; ", row->source,
             row->table, row->check, *row->column ? "." : "", row->column,
             pl_check_outcome_name(row->outcome), (long long)row->measured, (long long)row->total,
             row->allowed);
    s->count++;
    return true;
}

static void add(pl_registry *registry, const char *source, const char *check,
                pl_check_outcome outcome, int64_t measured, int64_t at_us)
{
    plumb_error err;
    pl_check_row row = {.run = RUN,
                        .table = "posts",
                        .source = source,
                        .check = check,
                        .column = strcmp(check, "nulls") == 0 ? "likes" : "",
                        .critical = true,
                        .outcome = outcome,
                        .measured = measured,
                        .total = 100,
                        .allowed = "2%",
                        .at_us = at_us};
    CHECK_OK(pl_registry_checks_thin(registry, source, "posts", at_us, &err), err);
    CHECK_OK(pl_registry_check_add(registry, &row, &err), err);
}

static seen list(pl_registry *registry, const pl_check_filter *filter)
{
    plumb_error err;
    seen s = {.text = ""};
    CHECK_OK(pl_registry_checks(registry, filter, see, &s, &err), err);
    return s;
}

TEST(results_are_listed_newest_first_and_the_latest_by_name)
{
    scratch at = scratch_make();
    pl_registry *registry = scratch_open(&at, PL_REGISTRY_CREATE);
    plumb_error err;
    CHECK_OK(pl_registry_begin(registry, &err), err);
    add(registry, "shop", "score", PL_CHECK_PASSED, 90, 1);
    add(registry, "shop", "nulls", PL_CHECK_FAILED, 3, 1);
    add(registry, "shop", "score", PL_CHECK_PASSED, 95, 2);
    add(registry, "shop", "nulls", PL_CHECK_ACCEPTED, 4, 2);
    add(registry, "mall", "change", PL_CHECK_SKIPPED, 5, 2);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    // A run that was judged has a score; what others asked of a source is no more.
    CHECK_STR("shop/posts nulls.likes accepted 4/100 2%; shop/posts score passed 95/100 2%; ",
              list(registry, &(pl_check_filter){.latest = true}).text);
    CHECK_STR("shop/posts nulls.likes accepted 4/100 2%; shop/posts nulls.likes failed 3/100 2%; ",
              list(registry, &(pl_check_filter){.check = "nulls"}).text);
    CHECK_STR(
        "shop/posts score passed 95/100 2%; ",
        list(registry,
             &(pl_check_filter){.table = "posts", .source = "shop", .check = "score", .limit = 1})
            .text);
    CHECK_INT(3, list(registry, &(pl_check_filter){.since_us = 2}).count);
    CHECK_INT(0, list(registry, &(pl_check_filter){.table = "likes"}).count);
    pl_registry_close(registry);
    scratch_done(&at);
}

TEST(old_results_are_thinned)
{
    scratch at = scratch_make();
    pl_registry *registry = scratch_open(&at, PL_REGISTRY_CREATE);
    plumb_error err;
    CHECK_OK(pl_registry_begin(registry, &err), err);
    // Every half an hour of four days, and once a warning.
    for (int i = 0; i < 4 * 48; i++)
        add(registry, "shop", "score", PL_CHECK_PASSED, i, i * hour_us / 2);
    add(registry, "shop", "nulls", PL_CHECK_FAILED, 1, 0);
    add(registry, "mall", "score", PL_CHECK_PASSED, 1, 0);
    // Asked last at 95 hours: of the first 47 one each is left, of the other 98 halves all.
    pl_check_filter scores = {.source = "shop", .check = "score"};
    CHECK_INT(47 + 98, list(registry, &scores).count);
    // After forty days each of the four has one.
    add(registry, "shop", "score", PL_CHECK_PASSED, 7, 40 * 24 * hour_us);
    CHECK_INT(4 + 1, list(registry, &scores).count);
    CHECK_INT(1, list(registry, &(pl_check_filter){.check = "nulls"}).count);
    CHECK_INT(1, list(registry, &(pl_check_filter){.source = "mall"}).count);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    pl_registry_close(registry);
    scratch_done(&at);
}

int main(void)
{
    return RUN_TESTS("registry/checks", T(results_are_listed_newest_first_and_the_latest_by_name),
                     T(old_results_are_thinned));
}
