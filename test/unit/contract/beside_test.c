// Columns that go, that are filled beside another, and that are made one again.
//
// SPDX-License-Identifier: Apache-2.0
#include "contract/edit.h"
#include "contract/propose.h"
#include "mistakes.h"

static const char CONTRACT[] = "table: posts\n"
                               "critical: [views]\n"
                               "columns:\n"
                               "  id:    string!\n"
                               "  likes: long min(0)  # of all\n"
                               "  views: long\n"
                               "  both:  long\n";

static const char MAPPING[] = "source: s\n"
                              "into: posts\n"
                              "map:\n"
                              "  id:    id\n"
                              "  likes: stats.likes   # since May\n"
                              "  views: stats.views\n"
                              "  both:  sum | stats.likes\n";

typedef struct fixture {
    pl_arena arena;
    pl_contract *contract;
    pl_mapping *file;
    pl_proposal change, made;
    pl_proposing with;
} fixture;

static void begin(fixture *f, pl_span contract, pl_span mapping, const char *overlay)
{
    pl_problems problems = {0};
    f->contract = pl_contract_parse("c.yml", contract, &f->arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
    f->file = pl_mapping_parse("s.yml", mapping, &f->contract, 1, &f->arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
    f->with = (pl_proposing){.file = f->file, .overlay = pl_span_of(overlay), .arena = &f->arena};
}

static void retype(fixture *f, const char *path)
{
    CHECK(pl_propose_retype(&f->with, pl_span_of(path), PL_SPAN("compact"), &f->change));
}

TEST(a_rule_is_tried_beside_the_old_one_and_takes_its_place)
{
    fixture f = {0};
    begin(&f, PL_SPAN(CONTRACT), PL_SPAN(MAPPING), "views: v | stats.views\n");
    retype(&f, "$.stats.likes");
    CHECK(pl_propose_beside(&f.with, &f.change, &f.made));
    CHECK_SPAN("table: posts\n"
               "critical: [views]\n"
               "columns:\n"
               "  id:    string!\n"
               "  likes: long min(0)  # of all\n"
               "  likes__next: long\n"
               "  views: long\n"
               "  both:  long\n"
               "  both__next: long\n",
               f.made.contract_text);
    CHECK_SPAN("source: s\n"
               "into: posts\n"
               "map:\n"
               "  id:    id\n"
               "  likes: stats.likes   # since May\n"
               "  views: stats.views\n"
               "  both:  sum | stats.likes\n"
               "  likes__next: stats.likes parse(compact) | stats.likes\n"
               "  both__next:  sum | stats.likes parse(compact) | stats.likes\n",
               f.made.mapping_text);
    CHECK_SPAN("views: v | stats.views\n"
               "likes__next: stats.likes parse(compact) | stats.likes\n"
               "both__next: sum | stats.likes parse(compact) | stats.likes\n",
               f.made.overlay);
    // And back, once it is proven.
    uint32_t *columns, count;
    begin(&f, f.made.contract_text, f.made.mapping_text, "views: v | stats.views\n");
    pl_mapping_beside(f.file, PL_SPAN("$.stats.likes"), &f.arena, &columns, &count);
    CHECK_INT(2, count);
    CHECK(pl_propose_together(&f.with, PL_SPAN("$.stats.likes"), true, true, &f.made));
    CHECK_SPAN(CONTRACT, f.made.contract_text);
    CHECK_SPAN("source: s\n"
               "into: posts\n"
               "map:\n"
               "  id:    id\n"
               "  likes: stats.likes parse(compact) | stats.likes   # since May\n"
               "  views: stats.views\n"
               "  both:  sum | stats.likes parse(compact) | stats.likes\n",
               f.made.mapping_text);
    CHECK_SPAN("views: v | stats.views\n"
               "likes: stats.likes parse(compact) | stats.likes\n"
               "both: sum | stats.likes parse(compact) | stats.likes\n",
               f.made.overlay);
    // Another source still tries it: the declaration stays.
    CHECK(pl_propose_together(&f.with, PL_SPAN("$.stats.likes"), true, false, &f.made));
    CHECK_SPAN("", f.made.contract_text);
    // Or not.
    CHECK(pl_propose_together(&f.with, PL_SPAN("$.stats.likes"), false, true, &f.made));
    CHECK_SPAN(CONTRACT, f.made.contract_text);
    CHECK_SPAN(MAPPING, f.made.mapping_text);
    CHECK_SPAN("views: v | stats.views\n", f.made.overlay);
    pl_arena_done(&f.arena);
}

TEST(what_was_written_in_part_is_finished)
{
    fixture f = {0};
    begin(&f, PL_SPAN(CONTRACT), PL_SPAN(MAPPING), "");
    retype(&f, "$.stats.likes");
    CHECK(pl_propose_beside(&f.with, &f.change, &f.made));
    pl_span declared = f.made.contract_text, mapping = f.made.mapping_text;
    // The contract was written, the mapping was not.
    begin(&f, declared, PL_SPAN(MAPPING), "");
    retype(&f, "$.stats.likes");
    CHECK(pl_propose_beside(&f.with, &f.change, &f.made));
    CHECK_SPAN("", f.made.contract_text);
    CHECK_SPAN(pl_arena_cstr(&f.arena, mapping), f.made.mapping_text);
    // The other way round.
    CHECK(pl_propose_together(&f.with, PL_SPAN("$.stats.likes"), true, true, &f.made));
    CHECK_SPAN("", f.made.mapping_text);
    CHECK_SPAN(CONTRACT, f.made.contract_text);
    // All of it is.
    begin(&f, PL_SPAN(CONTRACT), PL_SPAN(MAPPING), "");
    CHECK(!pl_propose_together(&f.with, PL_SPAN("$.stats.likes"), true, true, &f.made));
    CHECK_STR("the files say so already", f.made.why_not);
    pl_arena_done(&f.arena);
}

TEST(what_has_no_column_beside_it_says_why)
{
    fixture f = {0};
    begin(&f, PL_SPAN(CONTRACT), PL_SPAN(MAPPING), "");
    retype(&f, "$.stats.views");
    CHECK(!pl_propose_beside(&f.with, &f.change, &f.made));
    CHECK_STR("column 'views' is critical, so a record whose value it does not take is no row",
              f.made.why_not);
    begin(&f, PL_SPAN("table: posts\ncolumns:\n  likes: long\n  likes__next: double\n"),
          PL_SPAN("source: s\ninto: posts\nmap:\n  likes: likes\n"), "");
    retype(&f, "$.likes");
    CHECK(!pl_propose_beside(&f.with, &f.change, &f.made));
    CHECK_STR("column 'likes__next' is there already", f.made.why_not);
    pl_arena_done(&f.arena);
}

TEST(names_beside_others)
{
    pl_arena arena = {0};
    CHECK_SPAN("likes__next", pl_beside_name(PL_SPAN("likes"), &arena));
    CHECK(pl_is_beside(PL_SPAN("likes__next"), PL_SPAN("likes")));
    CHECK(!pl_is_beside(PL_SPAN("likes__next"), PL_SPAN("like")));
    CHECK(!pl_is_beside(PL_SPAN("likes"), PL_SPAN("likes")));
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS("contract/beside", T(a_rule_is_tried_beside_the_old_one_and_takes_its_place),
                     T(what_was_written_in_part_is_finished),
                     T(what_has_no_column_beside_it_says_why), T(names_beside_others));
}
