// SPDX-License-Identifier: Apache-2.0
#include "contract/propose.h"

#include "contract/edit.h"
#include "mistakes.h"

static const char CONTRACT[] = "table: posts\n"
                               "columns:\n"
                               "  id:    string!\n"
                               "  likes: long\n"
                               "  views: long\n"
                               "  saves: long\n"
                               "  at:    timestamp\n"
                               "  rate:  double\n"
                               "  owner: string\n"
                               "  extra: json\n"
                               "  sort:  long\n"
                               "  whole: long\n";

static const char MAPPING[] = "source: s\n"
                              "into: posts\n"
                              "records: data.list[]\n"
                              "where: kind == \"post\"\n"
                              "map:\n"
                              "  id:    item_id | id    # either\n"
                              "  likes: stats.likes\n"
                              "  views: data[name=\"views\"].values[0].value | stats.views | = 0\n"
                              "  saves: counts[1].n|counts[2].n\n"
                              "  at:    'stats.time parse(time(\"%d.%m.%Y %H:%M\", UTC))'\n"
                              "  rate:  $[\"a.b\"].rate  parse(percent) | rate\n"
                              "  owner: $parent.owner.id | $doc.owner\n"
                              "  extra: more\n"
                              "  sort:  {path: order}\n"
                              "  whole: n | new\n";

typedef struct fixture {
    pl_arena arena;
    pl_contract *contract;
    pl_mapping *file, *now;
    pl_span overlay;
    pl_proposal made;
} fixture;

static pl_mapping *parse(fixture *f, pl_span text, pl_contract *contract)
{
    pl_problems problems = {0};
    pl_mapping *mapping = pl_mapping_parse("s.yml", text, &contract, 1, &f->arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
    return mapping;
}

static void begin(fixture *f, const char *mapping, const char *overlay)
{
    pl_problems problems = {0};
    plumb_error err;
    *f = (fixture){.overlay = pl_span_of(overlay)};
    f->contract = pl_contract_parse("c.yml", pl_span_of(CONTRACT), &f->arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
    f->file = parse(f, pl_span_of(mapping), f->contract);
    pl_span text = f->file->text;
    if (f->overlay.bytes)
        CHECK_OK(pl_edit_overlay("s.yml", f->file->text, f->overlay, &f->arena, &text, &err), err);
    f->now = parse(f, text, f->contract);
}

static pl_proposing with(fixture *f)
{
    return (pl_proposing){
        .file = f->file, .now = f->now, .overlay = f->overlay, .arena = &f->arena};
}

// Every rule of either mapping as text.
static void rules_text(pl_buf *out, const pl_mapping *mapping)
{
    for (uint32_t c = 0; c < mapping->contract->column_count; c++) {
        const pl_rule *rule = pl_mapping_rule(mapping, c);
        pl_buf_printf(out, "%u:", c);
        for (uint32_t t = 0; rule && t < rule->term_count; t++) {
            pl_buf_printf(out, " <%.*s", PL_FMT(rule->terms[t].text));
            pl_parser_text(out, &rule->terms[t].parser);
            pl_buf_char(out, '>');
        }
    }
}

// Without changes that lay over the file before, the file under the overlay and the file proposed
// have the same rules.
static void check_same_rules(fixture *f)
{
    pl_contract *contract = f->contract;
    pl_problems problems = {0};
    plumb_error err;
    if (f->made.contract_text.bytes)
        contract = pl_contract_parse("c.yml", f->made.contract_text, &f->arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
    pl_span under;
    CHECK_OK(pl_edit_overlay("s.yml", f->file->text, f->made.overlay, &f->arena, &under, &err),
             err);
    pl_buf a = {0}, b = {0};
    rules_text(&a, parse(f, under, contract));
    rules_text(&b, parse(f, f->made.mapping_text, contract));
    CHECK_STR(pl_buf_cstr(&a), pl_buf_cstr(&b));
    pl_buf_done(&a);
    pl_buf_done(&b);
}

// `want` is the overlay, or why there is none.
static void check(fixture *f, bool good, const char *want)
{
    CHECK(good == !f->made.why_not);
    CHECK_SPAN(want, good ? f->made.overlay : pl_span_of(f->made.why_not));
    CHECK(good == (f->made.column_count > 0));
    if (good && !f->overlay.bytes) check_same_rules(f);
    if (!good) CHECK(!f->made.overlay.bytes && !f->made.mapping_text.bytes && !f->made.diff.bytes);
}

static void check_rename(const char *before, const char *after, const char *extractor,
                         const char *want)
{
    fixture f;
    begin(&f, MAPPING, "");
    pl_proposing p = with(&f);
    bool good = pl_propose_rename(&p, pl_span_of(before), pl_span_of(after), pl_span_of(extractor),
                                  &f.made);
    check(&f, good, want);
    pl_arena_done(&f.arena);
}

TEST(a_new_name_stands_in_front_of_the_old_one)
{
    static const struct {
        const char *before, *after, *extractor, *want;
    } cases[] = {
        {"$.stats.likes", "$.metrics.like_count", "", "likes: metrics.like_count | stats.likes\n"},
        {"$.stats.likes", "$.likes", "", "likes: likes | stats.likes\n"},
        {"$.stats.likes", "$[\"x.y\"].z", "", "likes: $[\"x.y\"].z | stats.likes\n"},
        {"$.stats.likes", "$[\"1st\"]", "", "likes: 1st | stats.likes\n"},
        {"$.stats.likes", "$[\"$oid\"]", "", "likes: $[\"$oid\"] | stats.likes\n"},
        {"$.stats.likes", "$.like count", "", "likes: $[\"like count\"] | stats.likes\n"},
        {"$.stats.likes", "$[\"\\u00fc\"]", "", "likes: '\xC3\xBC | stats.likes'\n"},
        {"$.stats.likes", "$.n", "n parse(compact) | stats.likes",
         "likes: n parse(compact) | stats.likes\n"},
        {"$.stats.likes", "$.n", "n | stats.likes", "likes: n | stats.likes\n"},
        {"$.id", "$.pid", "", "id: item_id | pid | id\n"},
        {"$.item_id", "$.pid", "", "id: pid | item_id | id\n"},
        // Objects: all that is read below them.
        {"$.stats", "$.metrics", "",
         "likes: metrics.likes | stats.likes\n"
         "views: data[name=\"views\"].values[0].value | metrics.views | stats.views | = 0\n"
         "at: metrics.time parse(time(\"%d.%m.%Y %H:%M\", UTC)) | stats.time "
         "parse(time(\"%d.%m.%Y %H:%M\", UTC))\n"},
        {"$.stats", "$.a.b", "a.b",
         "likes: a.b.likes | stats.likes\n"
         "views: data[name=\"views\"].values[0].value | a.b.views | stats.views | = 0\n"
         "at: a.b.time parse(time(\"%d.%m.%Y %H:%M\", UTC)) | stats.time "
         "parse(time(\"%d.%m.%Y %H:%M\", UTC))\n"},
        // Parsers stay with the term, unless the new values need another.
        {"$.stats.time", "$.when", "",
         "at: when parse(time(\"%d.%m.%Y %H:%M\", UTC)) | stats.time "
         "parse(time(\"%d.%m.%Y %H:%M\", UTC))\n"},
        {"$.stats.time", "$.when", "when parse(epoch(ms))",
         "at: when parse(epoch(ms)) | stats.time parse(time(\"%d.%m.%Y %H:%M\", UTC))\n"},
        {"$[\"a.b\"].rate", "$.r", "",
         "rate: r  parse(percent) | $[\"a.b\"].rate  parse(percent) | rate\n"},
        {"$[\"a.b\"]", "$.ab", "",
         "rate: ab.rate  parse(percent) | $[\"a.b\"].rate  parse(percent) | rate\n"},
        {"$.rate", "$.ratio", "ratio parse(percent)",
         "rate: $[\"a.b\"].rate  parse(percent) | ratio parse(percent) | rate\n"},
        // Elements stay chosen as they were.
        {"$.counts[*].n", "$.counts[*].number", "",
         "saves: counts[1].number | counts[1].n|counts[2].number | counts[2].n\n"},
        {"$.counts", "$.sums", "", "saves: sums[1].n | counts[1].n|sums[2].n | counts[2].n\n"},
        {"$.counts[*]", "$.c.sums[*].of", "",
         "saves: c.sums[1].of.n | counts[1].n|c.sums[2].of.n | counts[2].n\n"},
        {"$.data[*].values[*].value", "$.data[*].points[*].v", "",
         "views: data[name=\"views\"].points[0].v | data[name=\"views\"].values[0].value | "
         "stats.views | = 0\n"},
        {"$.data", "$.items", "",
         "views: items[name=\"views\"].values[0].value | data[name=\"views\"].values[0].value | "
         "stats.views | = 0\n"},
        {"$.data[*].name", "$.data[*].title", "",
         "views: data[title=\"views\"].values[0].value | data[name=\"views\"].values[0].value | "
         "stats.views | = 0\n"},
        {"$.data[*].name", "$.data[*][\"the key\"]", "",
         "views: data[\"the key\"=\"views\"].values[0].value | "
         "data[name=\"views\"].values[0].value | stats.views | = 0\n"},
        // Around the record.
        {"$parent.owner", "$parent.user", "",
         "owner: $parent.user.id | $parent.owner.id | $doc.owner\n"},
        {"$doc.owner", "$doc.meta.owner", "",
         "owner: $parent.owner.id | $doc.meta.owner | $doc.owner\n"},
        {"$doc.owner", "$.owner", "", "owner: $parent.owner.id | owner | $doc.owner\n"},
        {"$.more", "$.rest", "", "extra: rest | more\n"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++)
        check_rename(cases[i].before, cases[i].after, cases[i].extractor, cases[i].want);
}

TEST(a_new_name_that_cannot_be_written_says_why)
{
    static const struct {
        const char *before, *after, *extractor, *want;
    } cases[] = {
        {"$.stats.clicks", "$.clicks", "", "no rule of s.yml has to change for $.stats.clicks"},
        {"$.n", "$.new", "", "no rule of s.yml has to change for $.n"},
        {"$.more.deep", "$.more.deeper", "", "no rule of s.yml has to change for $.more.deep"},
        {"$.kind", "$.type", "", "s.yml keeps records by $.kind, in where: change that by hand"},
        {"$doc.data.list", "$doc.data.items", "",
         "s.yml takes records from data.list[], which reads $doc.data.list: change that by hand"},
        {"$.order", "$.position", "",
         "the rule of 'sort' in s.yml is written in the long form: change it by hand"},
        {"$.counts[*].n", "$.n", "",
         "which element takes the place of 'counts[1].n' is not known: change it by hand"},
        {"$.stats.likes", "$.likes[*]", "",
         "which element takes the place of 'stats.likes' is not known: change it by hand"},
        {"$.data[*].name", "$.name", "",
         "'data[name=\"views\"].values[0].value' finds its element by a key that is no longer "
         "beside it: change it by hand"},
        {"stats.likes", "$.n", "", "'stats.likes' is no path"},
        {"$.stats.likes", "$.", "", "'$.' is no path"},
        {"$", "$.data", "", "a record has no other name"},
        {"$.stats.likes", "$.n", "n parse(epoch)",
         "s.yml would not be a mapping: line 7: parser 'epoch' does not fit column 'likes' (long)"},
        {"$.stats.likes", "$.n", "n parse(percents)",
         "s.yml would not be a mapping: line 7: unknown parser 'percents'"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++)
        check_rename(cases[i].before, cases[i].after, cases[i].extractor, cases[i].want);
}

TEST(a_diff_has_the_lines_of_the_rules_alone)
{
    fixture f;
    begin(&f, MAPPING, "");
    pl_proposing p = with(&f);
    CHECK(pl_propose_rename(&p, PL_SPAN("$.stats"), PL_SPAN("$.metrics"), PL_SPAN(""), &f.made));
    CHECK_SPAN(
        "--- s.yml\n"
        "+++ s.yml\n"
        "@@ -7,2 +7,2 @@\n"
        "-  likes: stats.likes\n"
        "-  views: data[name=\"views\"].values[0].value | stats.views | = 0\n"
        "+  likes: metrics.likes | stats.likes\n"
        "+  views: data[name=\"views\"].values[0].value | metrics.views | stats.views | = 0\n"
        "@@ -10 +10 @@\n"
        "-  at:    'stats.time parse(time(\"%d.%m.%Y %H:%M\", UTC))'\n"
        "+  at:    'metrics.time parse(time(\"%d.%m.%Y %H:%M\", UTC)) | stats.time "
        "parse(time(\"%d.%m.%Y %H:%M\", UTC))'\n",
        f.made.diff);
    CHECK_INT(3, f.made.column_count);
    CHECK_INT(1, f.made.columns[0]);
    CHECK_INT(4, f.made.columns[2]);
    CHECK_INT(0, f.made.contract_text.bytes);
    CHECK(pl_propose_rename(&p, PL_SPAN("$.id"), PL_SPAN("$.pid"), PL_SPAN(""), &f.made));
    CHECK_SPAN("--- s.yml\n+++ s.yml\n@@ -6 +6 @@\n-  id:    item_id | id    # either\n"
               "+  id:    item_id | pid | id    # either\n",
               f.made.diff);
    pl_arena_done(&f.arena);
}

TEST(what_lies_over_the_file_already_is_kept)
{
    fixture f;
    begin(&f, MAPPING, "likes: like_count | stats.likes\nid: 'pid | item_id | id'\n");
    pl_proposing p = with(&f);
    // The rule that was changed once is changed again; the file is shown with both.
    CHECK(pl_propose_rename(&p, PL_SPAN("$.like_count"), PL_SPAN("$.num_likes"), PL_SPAN(""),
                            &f.made));
    CHECK_SPAN("id: pid | item_id | id\n"
               "likes: num_likes | like_count | stats.likes\n",
               f.made.overlay);
    CHECK_SPAN("--- s.yml\n+++ s.yml\n@@ -7 +7 @@\n-  likes: stats.likes\n"
               "+  likes: num_likes | like_count | stats.likes\n",
               f.made.diff);
    // Another rule joins them.
    CHECK(pl_propose_rename(&p, PL_SPAN("$.counts"), PL_SPAN("$.c"), PL_SPAN(""), &f.made));
    CHECK_SPAN("likes: like_count | stats.likes\n"
               "id: pid | item_id | id\n"
               "saves: c[1].n | counts[1].n|c[2].n | counts[2].n\n",
               f.made.overlay);
    pl_arena_done(&f.arena);
    // A rule that only the overlay has.
    begin(&f, "source: s\ninto: posts\nmap:\n  id: id\n", "likes: n\n");
    p = with(&f);
    CHECK(pl_propose_rename(&p, PL_SPAN("$.n"), PL_SPAN("$.m"), PL_SPAN(""), &f.made));
    CHECK_SPAN("likes: m | n\n", f.made.overlay);
    CHECK_SPAN("--- s.yml\n+++ s.yml\n@@ -4,0 +5 @@\n+  likes: m | n\n", f.made.diff);
    pl_arena_done(&f.arena);
    begin(&f, MAPPING, "");
    p = with(&f);
    p.overlay = PL_SPAN("[a]");
    CHECK(!pl_propose_rename(&p, PL_SPAN("$.counts"), PL_SPAN("$.c"), PL_SPAN(""), &f.made));
    CHECK_STR("the changes over s.yml are no map", f.made.why_not);
    pl_arena_done(&f.arena);
}

static void check_parser(bool replace, const char *path, const char *parser, const char *want)
{
    fixture f;
    begin(&f, MAPPING, "");
    pl_proposing p = with(&f);
    bool good = replace ? pl_propose_rescale(&p, pl_span_of(path), pl_span_of(parser), &f.made)
                        : pl_propose_retype(&p, pl_span_of(path), pl_span_of(parser), &f.made);
    check(&f, good, want);
    pl_arena_done(&f.arena);
}

TEST(other_values_are_read_by_another_parser)
{
    check_parser(false, "$.stats.likes", "compact",
                 "likes: stats.likes parse(compact) | stats.likes\n");
    check_parser(false, "$.stats.time", "iso",
                 "at: stats.time parse(iso) | stats.time parse(time(\"%d.%m.%Y %H:%M\", UTC))\n");
    check_parser(false, "$.counts[*].n", "number(\"1.234,5\")",
                 "saves: counts[1].n parse(number(\"1.234,5\")) | counts[1].n|counts[2].n "
                 "parse(number(\"1.234,5\")) | counts[2].n\n");
    check_parser(false, "$.rate", "percent",
                 "rate: $[\"a.b\"].rate  parse(percent) | rate parse(percent) | rate\n");
    check_parser(true, "$.rate", "percent",
                 "rate: $[\"a.b\"].rate  parse(percent) | rate parse(percent)\n");
    check_parser(true, "$.stats.time", "epoch", "at: stats.time parse(epoch)\n");
    check_parser(true, "$.counts[*].n", "compact",
                 "saves: counts[1].n parse(compact)|counts[2].n parse(compact)\n");
    check_parser(true, "$.stats", "compact", "no rule of s.yml has to change for $.stats");
    check_parser(true, "$.kind", "text",
                 "s.yml keeps records by $.kind, in where: change that by hand");
    check_parser(true, "$.order", "compact",
                 "the rule of 'sort' in s.yml is written in the long form: change it by hand");
    check_parser(false, "$.stats.likes", "epoch",
                 "s.yml would not be a mapping: line 7: parser 'epoch' does not fit column "
                 "'likes' (long)");
}

static void check_added(const char *path, const char *type, const char *parser, const char *want)
{
    fixture f;
    begin(&f, MAPPING, "");
    pl_proposing p = with(&f);
    bool good =
        pl_propose_added(&p, pl_span_of(path), pl_span_of(type), pl_span_of(parser), &f.made);
    check(&f, good, want);
    pl_arena_done(&f.arena);
}

TEST(a_new_path_is_a_new_column)
{
    check_added("$.shares", "long", "", "shares: shares\n");
    check_added("$.stats.shares", "long", "", "shares: stats.shares\n");
    check_added("$.stats.shareCount", "long", "", "share_count: stats.shareCount\n");
    check_added("$.other.likes", "long", "", "other_likes: other.likes\n");
    check_added("$.likes", "long", "", "likes_2: likes\n");
    check_added("$.Sort", "long", "", "sort_2: Sort\n");
    check_added("$.select", "string", "", "select_2: select\n");
    check_added("$.a.order", "long", "", "a_order: a.order\n");
    check_added("$[\"2fa on\"]", "boolean", "", "n_2fa_on: $[\"2fa on\"]\n");
    check_added("$[\"\xE2\x82\xAC\"]", "double", "", "field: '\xE2\x82\xAC'\n");
    check_added("$.tags", "list(string)", "", "tags: tags\n");
    check_added("$.created", "timestamp", "epoch", "created: created parse(epoch)\n");
    check_added("$doc.page", "long", "", "page: $doc.page\n");
    check_added("$.stats.likes", "long", "", "a rule of s.yml reads $.stats.likes already");
    check_added("$.more.new", "long", "", "a rule of s.yml reads $.more.new already");
    check_added("$.tags[*].name", "string", "",
                "$.tags[*].name is in an array, and which element is meant nobody said");
    check_added("$.x", "lang", "", "c.yml would not be a contract: line 13: unknown type 'lang'");
    check_added("$.x", "long", "epoch",
                "s.yml would not be a mapping: line 16: parser 'epoch' does not fit column 'x' "
                "(long)");
    check_added("x", "long", "", "'x' is no path");
}

TEST(a_new_column_is_a_line_in_both_files)
{
    fixture f;
    begin(&f, MAPPING, "");
    pl_proposing p = with(&f);
    CHECK(pl_propose_added(&p, PL_SPAN("$.shares"), PL_SPAN("long"), PL_SPAN(""), &f.made));
    CHECK_SPAN("--- c.yml\n+++ c.yml\n@@ -12,0 +13 @@\n+  shares: long\n"
               "--- s.yml\n+++ s.yml\n@@ -15,0 +16 @@\n+  shares: shares\n",
               f.made.diff);
    CHECK_INT(1, f.made.column_count);
    CHECK_INT(10, f.made.columns[0]);
    pl_arena_done(&f.arena);
}

int main(void)
{
    return RUN_TESTS(
        "contract/propose", T(a_new_name_stands_in_front_of_the_old_one),
        T(a_new_name_that_cannot_be_written_says_why), T(a_diff_has_the_lines_of_the_rules_alone),
        T(what_lies_over_the_file_already_is_kept), T(other_values_are_read_by_another_parser),
        T(a_new_path_is_a_new_column), T(a_new_column_is_a_line_in_both_files));
}
