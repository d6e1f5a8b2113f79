// SPDX-License-Identifier: Apache-2.0
#include "flow/mappings.h"
#include "unit.h"

#include "temp.h"

static const char CONTRACT[] =
    "table: posts\ncolumns:\n  id: long!\n  likes: long\n  note: string\n";
static const char MAPPING[] = "source: shop\ninto: posts\nmap:\n  id: id\n  likes: likes # n\n";

static char *dir;
static pl_arena arena;
static pl_registry *registry;
static plumb_error err;
static pl_project project;

static int set_up(void **state)
{
    (void)state;
    pl_problems problems = {0}, warnings = {0};
    dir = temp_make();
    project = (pl_project){.contract_count = 1, .mapping_count = 1};
    project.contracts = PL_TAKE(&arena, pl_contract *, 1);
    project.mappings = PL_TAKE(&arena, pl_mapping *, 1);
    project.contracts[0] =
        pl_contract_parse("posts.yml", PL_SPAN(CONTRACT), &arena, &problems, &warnings);
    project.mappings[0] = pl_mapping_parse("shop.yml", PL_SPAN(MAPPING), project.contracts, 1,
                                           &arena, &problems, &warnings);
    return !project.mappings[0] || pl_registry_open(temp_path(dir, "plumb.db"), PL_REGISTRY_CREATE,
                                                    &registry, &err) != PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_registry_close(registry);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static void use(int64_t pinned, const char *overlay)
{
    pl_mapping_use now = {pinned, pl_span_of(overlay)};
    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_OK(pl_registry_mapping_use_set(registry, "shop", "posts", &now, 9, &err), err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
}

static int64_t record(const char *text)
{
    int64_t version;
    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_OK(
        pl_registry_mapping_version(registry, "shop", "posts", pl_span_of(text), 9, &version, &err),
        err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    return version;
}

static pl_mapping_now now_get(void)
{
    pl_mapping_now now;
    CHECK_OK(pl_mapping_now_get(&project, 0, registry, &arena, &now, &err), err);
    return now;
}

TEST(without_pin_and_overlay_the_file_is_used)
{
    pl_mapping_now now = now_get();
    CHECK(now.mapping == project.mappings[0]);
    CHECK_INT(0, now.version);
    CHECK_INT(1, record(MAPPING));
    now = now_get();
    CHECK_INT(1, now.version);
    CHECK_INT(0, now.pinned);
}

TEST(an_overlay_lies_over_the_file_and_is_the_version_the_file_becomes)
{
    static const char made[] = "source: shop\ninto: posts\nmap:\n  id: id\n"
                               "  likes: count | likes # n\n  note:  text\n";
    use(0, "likes: count | likes\nnote: text\n");
    pl_mapping_now now = now_get();
    CHECK_SPAN(made, now.mapping->text);
    CHECK_INT(2, now.mapping->rules[1].term_count);
    CHECK_INT(0, now.pinned);
    CHECK_INT(1, record(made)); // a run under the overlay, then the file itself
    CHECK_INT(1, now_get().version);
    pl_project *used;
    CHECK_OK(pl_mappings_in_use(&project, registry, &arena, &used, &err), err);
    CHECK_SPAN(made, used->mappings[0]->text);
    CHECK(used->contracts[0] == project.contracts[0]);
}

TEST(an_overlay_that_is_none_is_refused)
{
    pl_mapping_now now;
    const char *const bad[] = {"- likes\n", "likes: {path: a}\n", "likes: 'a\n", "likes"};
    for (size_t i = 0; i < PL_COUNT(bad); i++) {
        use(0, bad[i]);
        CHECK_INT(PLUMB_E_MALFORMED, pl_mapping_now_get(&project, 0, registry, &arena, &now, &err));
        CHECK_STR("cannot lay changes over mapping 'shop.yml': they are not a map of rules",
                  err.message);
    }
}

TEST(a_pinned_version_takes_the_place_of_file_and_overlay)
{
    static const char old[] = "source: shop\ninto: posts\nmap: {id: id}\n";
    CHECK_INT(1, record(old));
    CHECK_INT(2, record(MAPPING));
    use(1, "note: text\n");
    pl_mapping_now now = now_get();
    CHECK_SPAN(old, now.mapping->text);
    CHECK_INT(1, now.version);
    CHECK_INT(1, now.pinned);
    use(2, ""); // the file says the same: nothing waits
    now = now_get();
    CHECK_INT(2, now.version);
    CHECK_INT(0, now.pinned);
    CHECK(now.mapping == now.file);
}

TEST(a_pinned_version_must_fit_the_contract_of_today)
{
    pl_mapping_now now;
    CHECK_INT(1, record("source: shop\ninto: posts\nmap:\n  id: id\n  gone: x\n"));
    use(1, "");
    CHECK_INT(PLUMB_E_CONFIG, pl_mapping_now_get(&project, 0, registry, &arena, &now, &err));
    CHECK_STR("cannot use mapping 'shop.yml (version 1)': line 5: table 'posts' has no column "
              "'gone'",
              err.message);
    CHECK_STR(
        "Change posts.yml back, or take the file: plumb mapping shop --table posts --use file",
        err.hint);
    pl_project *used; // without it
    CHECK_OK(pl_mappings_in_use(&project, registry, &arena, &used, &err), err);
    CHECK_INT(0, used->mapping_count);
    CHECK_INT(1, used->unfit_count);
    const plumb_error *why = pl_mapping_unfit(used, PL_SPAN("shop"), PL_SPAN("posts"));
    CHECK(why && strstr(why->message, "has no column 'gone'"));
    CHECK(!pl_mapping_unfit(used, PL_SPAN("mall"), PL_SPAN("posts")));
    CHECK(!pl_mapping_unfit(&project, PL_SPAN("shop"), PL_SPAN("posts")));
}

TEST(an_overlay_says_nothing_of_columns_that_the_contract_has_no_more)
{
    pl_mapping_use left;
    use(0, "gone: x\nlikes: count | likes\n");
    CHECK_OK(pl_mapping_use_get(registry, project.mappings[0], &arena, &left, &err), err);
    CHECK_SPAN("likes: count | likes\n", left.overlay);
    CHECK_INT(2, now_get().mapping->rules[1].term_count);
    use(0, "gone: x\n");
    CHECK(now_get().mapping == project.mappings[0]);
}

TEST(a_file_that_nothing_can_be_laid_over_is_unfit)
{
    pl_project *used;
    use(0, "likes: likes parse(percent) parse(int)\n");
    CHECK_OK(pl_mappings_in_use(&project, registry, &arena, &used, &err), err);
    CHECK_INT(1, used->unfit_count);
    CHECK_STR("A rule lies over shop.yml that does not go with it any more: change the file back, "
              "or take the rule away: 'plumb drift' names the finding.",
              used->unfit[0].why.hint);
}

TEST(only_versions_there_are_can_be_pinned)
{
    pl_mapping_use seven = {7, PL_SPAN("")};
    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_INT(PLUMB_E_NOT_FOUND,
              pl_registry_mapping_use_set(registry, "shop", "posts", &seven, 9, &err));
    CHECK_STR("cannot find version 7 of the mapping of source 'shop' into table 'posts'",
              err.message);
    pl_registry_rollback(registry);
}

int main(void)
{
#define R(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    return RUN_TESTS("flow/mappings", R(without_pin_and_overlay_the_file_is_used),
                     R(an_overlay_lies_over_the_file_and_is_the_version_the_file_becomes),
                     R(an_overlay_that_is_none_is_refused),
                     R(a_pinned_version_takes_the_place_of_file_and_overlay),
                     R(a_pinned_version_must_fit_the_contract_of_today),
                     R(an_overlay_says_nothing_of_columns_that_the_contract_has_no_more),
                     R(a_file_that_nothing_can_be_laid_over_is_unfit),
                     R(only_versions_there_are_can_be_pinned));
}
