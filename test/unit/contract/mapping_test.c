// SPDX-License-Identifier: Apache-2.0
#include "contract/mapping.h"

#include "mistakes.h"

static const char CONTRACT[] = "table: posts\n"
                               "columns:\n"
                               "  platform: string!\n"
                               "  id:       string!\n"
                               "  at:       timestamp\n"
                               "  day:      date\n"
                               "  likes:    long\n"
                               "  small:    int\n"
                               "  rate:     double\n"
                               "  price:    decimal(6,2)\n"
                               "  live:     boolean\n"
                               "  extra:    json\n"
                               "  tags:     list(string)\n";

typedef struct parsed {
    pl_arena arena;
    pl_problems problems;
    pl_contract *contract;
    pl_mapping *mapping;
} parsed;

static void parse(parsed *self, const char *text)
{
    *self = (parsed){0};
    self->contract =
        pl_contract_parse("c.yml", pl_span_of(CONTRACT), &self->arena, &self->problems, NULL);
    self->mapping = pl_mapping_parse("s.yml", pl_span_of(text), &self->contract, 1, &self->arena,
                                     &self->problems, NULL);
}

static void check_mapping(const char *text, const char *mistakes)
{
    parsed p;
    parse(&p, text);
    CHECK((p.mapping == NULL) == (p.problems.count > 0));
    CHECK_MISTAKES(mistakes, &p.problems);
    pl_arena_done(&p.arena);
}

// A mapping that is right but for one rule, which stands on line 6.
static void check_rule(const char *rule, const char *mistakes)
{
    pl_buf text = {0};
    pl_buf_printf(&text, "source: s\ninto: posts\nmap:\n  platform: $source\n  id: id\n  %s\n",
                  rule);
    check_mapping(pl_buf_cstr(&text), mistakes);
    pl_buf_done(&text);
}

static void print_path(pl_buf *out, const pl_path *path)
{
    for (uint32_t i = 0; i < path->count; i++) {
        const pl_step *step = &path->steps[i];
        if (step->kind == PL_STEP_KEY) pl_buf_printf(out, "<%.*s>", PL_FMT(step->key));
        if (step->kind == PL_STEP_INDEX) pl_buf_printf(out, "<#%d>", (int)step->index);
        if (step->kind == PL_STEP_LOOKUP)
            pl_buf_printf(out, "<%.*s=%.*s>", PL_FMT(step->lookup_key), PL_FMT(step->lookup_value));
    }
}

static void check_path(const char *text, const char *steps, const char *canonical)
{
    pl_arena arena = {0};
    pl_buf out = {0};
    pl_path path;
    plumb_error err;
    CHECK_OK(pl_path_parse(pl_span_of(text), &arena, &path, &err), err);
    print_path(&out, &path);
    CHECK_STR(steps, pl_buf_cstr(&out));
    pl_buf_reset(&out);
    pl_path_text(&out, &path);
    CHECK_STR(canonical, pl_buf_cstr(&out));
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

static void check_parser(const char *text, const char *canonical)
{
    pl_arena arena = {0};
    pl_buf out = {0};
    pl_parser parser;
    plumb_error err;
    CHECK_OK(pl_parser_parse(pl_span_of(text), &arena, &parser, &err), err);
    pl_parser_text(&out, &parser);
    CHECK_STR(canonical, pl_buf_cstr(&out));
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

static void check_parser_fails(const char *text, uint32_t column, const char *message,
                               const char *hint)
{
    pl_arena arena = {0};
    pl_parser parser;
    plumb_error err;
    CHECK_INT(PLUMB_E_CONFIG, pl_parser_parse(pl_span_of(text), &arena, &parser, &err));
    CHECK_STR(message, err.message);
    CHECK_STR(hint, err.hint);
    CHECK_INT(column, err.column);
    pl_arena_done(&arena);
}

TEST(mapping_reads_rules_term_by_term)
{
    parsed p;
    parse(&p, "source: tiktok\ninto: posts\nrecords: data.list[]\nmap:\n"
              "  platform: = \"tik tok\"\n"
              "  id:       item_id | $[\"a.b\"].id\n"
              "  at:       create_time parse(epoch(ms)) | $received\n"
              "  likes:    data[name=\"likes\"].values[0].value | = 0\n"
              "  extra:    '= {\"a\": [1, 2]}'\n"
              "rest: drop\n");
    CHECK_MISTAKES("", &p.problems);
    const pl_mapping *m = p.mapping;
    CHECK_SPAN("tiktok", m->source);
    CHECK_SPAN("posts", m->table);
    CHECK(m->contract == p.contract && m->has_records && !m->records_top && m->drop_rest);
    CHECK_INT(2, m->records.count);
    CHECK_SPAN("data.list[]", m->records_text);
    CHECK_INT(5, m->rule_count);
    CHECK_INT(PL_TERM_LITERAL, m->rules[0].terms[0].kind);
    CHECK_SPAN("tik tok", m->rules[0].terms[0].literal.text);
    const pl_rule *id = pl_mapping_rule(m, 1);
    CHECK_INT(2, id->term_count);
    CHECK_SPAN("a.b", id->terms[1].path.steps[0].key);
    CHECK_INT(6, id->terms[1].line);
    CHECK_INT(23, id->terms[1].column);
    CHECK_SPAN("$[\"a.b\"].id", id->terms[1].text);
    const pl_rule *at = pl_mapping_rule(m, 2);
    CHECK_INT(PL_PARSE_EPOCH_MS, at->terms[0].parser.kind);
    CHECK_INT(PL_TERM_RECEIVED, at->terms[1].kind);
    const pl_rule *likes = pl_mapping_rule(m, 4);
    CHECK_INT(5, likes->terms[0].path.count);
    CHECK_INT(PL_LONG, likes->terms[1].literal.kind);
    CHECK_SPAN("{\"a\":[1,2]}", pl_mapping_rule(m, 9)->terms[0].literal.text);
    CHECK(pl_mapping_rule(m, 5) == NULL);
    pl_arena_done(&p.arena);
}

TEST(mapping_reads_long_forms)
{
    parsed p;
    parse(&p, "source: s\ninto: posts\nrecords: $[]\nmap:\n"
              "  platform: {literal: '\"x\"'}\n"
              "  id: [a, {path: b.c}, 'd | e']\n"
              "  at: {path: t, parse: 'time(\"%Y-%m-%d\", +01:00)'}\n");
    CHECK_MISTAKES("", &p.problems);
    CHECK(p.mapping->records_top);
    CHECK_SPAN("x", p.mapping->rules[0].terms[0].literal.text);
    CHECK_INT(4, p.mapping->rules[1].term_count);
    CHECK_INT(3600, p.mapping->rules[2].terms[0].parser.zone->seconds);
    CHECK_SPAN("%Y-%m-%d", p.mapping->rules[2].terms[0].parser.format);
    pl_arena_done(&p.arena);
    check_rule(
        "at: {path: t, parse: epch}",
        "6:24 unknown parser 'epch'\n"
        "  Did you mean 'epoch'? Valid are epoch, iso, time, date, percent, number, compact, "
        "bool, duration, json and text.\n");
    check_rule("at: {parse: epoch}", "6:7 a term needs a path, or else a literal\n");
}

TEST(mapping_literals_are_checked_against_their_column)
{
    parsed p;
    parse(&p, "source: s\ninto: posts\nmap:\n  platform: = \"x\"\n  id: = \"\\u00e9\"\n"
              "  at: = \"2026-11-22T00:00:00Z\"\n  day: = \"1970-01-02\"\n  likes: = "
              "9223372036854775807\n  small: = -5\n  rate: = 1.5e0\n  price: = -12.30\n"
              "  live: = true\n  extra: = null\n");
    CHECK_MISTAKES("", &p.problems);
    CHECK_SPAN("\xC3\xA9", p.mapping->rules[1].terms[0].literal.text);
    CHECK_INT(1, p.mapping->rules[3].terms[0].literal.i32);
    CHECK(p.mapping->rules[4].terms[0].literal.i64 == INT64_MAX);
    CHECK(p.mapping->rules[6].terms[0].literal.f64 == 1.5);
    CHECK(p.mapping->rules[7].terms[0].literal.i128 == -1230);
    CHECK(p.mapping->rules[8].terms[0].literal.boolean);
    CHECK_SPAN("null", p.mapping->rules[9].terms[0].literal.text);
    pl_arena_done(&p.arena);
    check_rule(
        "likes: = 1.5",
        "6:12 literal 1.5 does not fit column 'likes' (long): has digits the type cannot hold\n");
    check_rule("small: = 3000000000",
               "6:12 literal 3000000000 does not fit column 'small' (int): is out of range\n");
    check_rule("live: = 1",
               "6:11 literal 1 does not fit column 'live' (boolean): is not true or false\n");
    check_rule("likes: = \"x\"",
               "6:12 literal \"x\" does not fit column 'likes' (long): is not a number\n");
    check_rule("tags: = 1",
               "6:11 literal 1 does not fit column 'tags' (list(string)): cannot fill a list\n");
    check_rule("at: = soon", "6:9 'soon' is not a literal\n"
                             "  Write = \"text\", = 12, = 1.5, = true or = null.\n");
    check_rule("likes: = 1 | a", "6:16 nothing behind '= 1' is ever used\n");
}

TEST(mapping_reads_every_kind_of_path)
{
    check_path("likes", "<likes>", "likes");
    check_path("a.b-c.d_2", "<a><b-c><d_2>", "a.b-c.d_2");
    check_path("$[\"a.b\"].c", "<a.b><c>", "$[\"a.b\"].c");
    check_path("$[\"$oid\"]", "<$oid>", "$[\"$oid\"]");
    check_path("x[\"a b\"][0]", "<x><a b><#0>", "x[\"a b\"][0]");
    check_path("x[\"plain\"]", "<x><plain>", "x.plain");
    check_path("$.a.b", "<a><b>", "a.b");
    check_path("data[name=\"likes\"].values[0].value", "<data><name=likes><values><#0><value>",
               "data[name=\"likes\"].values[0].value");
    check_path("$[\"q\\\"\\u00e9\"]", "<q\"\xC3\xA9>", "$[\"q\\\"\xC3\xA9\"]");
    check_path("\xC3\xBC.1", "<\xC3\xBC><1>", "\xC3\xBC.1");
}

TEST(mapping_reports_mistakes_in_paths)
{
    check_rule("likes: a..b", "6:12 a key is missing\n"
                              "  Keys with other characters than letters, digits, _ and - are "
                              "written as in $[\"a.b\"].\n");
    check_rule("likes: a[x]", "6:12 '[x' is no index, key or look-up\n"
                              "  Write [0], [\"key\"] or [name=\"value\"].\n");
    check_rule("likes: a[-1]", "6:12 '[-1' is no index, key or look-up\n"
                               "  Write [0], [\"key\"] or [name=\"value\"].\n");
    check_rule("likes: a[0", "6:11 a [ is not closed\n");
    check_rule("likes: a[name=x]", "6:17 a look-up needs a quoted value, as in [name=\"likes\"]\n");
    check_rule("likes: 'a[\"x]'", "6:13 a \" is not closed\n");
    check_rule("likes: a b", "6:12 'b' does not belong to a rule\n"
                             "  A rule is path parse(...) | path | = literal.\n");
    check_rule("likes: a |", "6:13 a path is missing beside '|'\n");
    check_rule("likes: a | | b", "6:14 a path is missing beside '|'\n");
    check_rule("likes:", "6:9 the rule is empty\n");
    check_rule("likes: []", "6:10 the rule is empty\n");
    check_rule("likes: a parse(epoch", "6:17 a ( is not closed\n");
}

TEST(mapping_reads_every_parser)
{
    check_parser("epoch", "epoch");
    check_parser("epoch(us)", "epoch(us)");
    check_parser("iso", "iso");
    check_parser("time(\"%d.%m.%Y %H:%M\", UTC)", "time(\"%d.%m.%Y %H:%M\", UTC)");
    check_parser("time(\"%Y\", -05:30)", "time(\"%Y\", -05:30)");
    check_parser("percent", "percent");
    check_parser("number", "number");
    check_parser("number(\"1,234.5\")", "number");
    check_parser("number(\"1.234,5\")", "number(\"1.234,5\")");
    check_parser("number(\"1 234,5\")", "number(\"1 234,5\")");
    check_parser("number(\"1234,5\")", "number(\"1234,5\")");
    check_parser("number(\"1.234\")", "number(\"1.234,5\")");
    check_parser("compact(\"1.2K\")", "compact(\"1234.5K\")");
    check_parser("text", "text");
    check_parser_fails("percnt", 1, "unknown parser 'percnt'",
                       "Did you mean 'percent'? Valid are epoch, iso, time, date, percent, number, "
                       "compact, bool, duration, json and text.");
    check_parser_fails("epoch(m)", 7, "unknown unit 'm'", "Valid are s, ms, us and ns.");
    check_parser_fails("iso(1)", 4, "parser 'iso' takes nothing in brackets", "");
    check_parser_fails("time(\"%Y-%m-%d\")", 6,
                       "time format \"%Y-%m-%d\" has no %z and no zone is given",
                       "Write time(\"%Y-%m-%d\", UTC) if the text is UTC.");
    check_parser("time(\"%Y\", Europe/Berlin)", "time(\"%Y\", Europe/Berlin)");
    check_parser("time(\"%Y\", \"Etc/GMT+5\")", "time(\"%Y\", Etc/GMT+5)");
    static const char *const unknown[] = {
        "Europe/Berlni", "Europe", "Europe/Berlin/x", "/etc/passwd", "Europe//Berlin", "Europe/",
        "zone.tab",      "..",     "a/../b"};
    for (size_t i = 0; i < PL_COUNT(unknown); i++) {
        char text[64], message[64];
        snprintf(text, sizeof text, "time(\"%%Y\", %s)", unknown[i]);
        snprintf(message, sizeof message, "unknown time zone '%s'", unknown[i]);
        check_parser_fails(text, 12, message,
                           "Write a name such as Europe/Berlin, UTC, or an offset such as +01:00.");
    }
    check_parser_fails("time(\"%Y\", +1)", 12, "'+1' is no offset from UTC",
                       "Write UTC or an offset such as +01:00.");
    check_parser_fails("time", 5, "time needs a format in double quotes",
                       "Write it as in time(\"%Y-%m-%d %H:%M:%S\", UTC).");
    check_parser_fails("number(\"x\")", 8, "\"x\" shows no separators",
                       "Write how 1234.5 looks, as in number(\"1,234.5\") or number(\"1.234,5\").");
}

TEST(mapping_checks_parsers_and_builtins_against_the_column)
{
    check_rule("live: a parse(epoch)",
               "6:17 parser 'epoch' does not fit column 'live' (boolean)\n");
    check_rule("likes: a parse(percent)",
               "6:18 parser 'percent' does not fit column 'likes' (long)\n");
    check_rule("rate: a parse(percent)", "");
    check_rule("day: a parse(date)", "");
    check_rule("likes: $received",
               "6:10 $received is a timestamp and does not fit column 'likes' (long)\n");
    check_rule("likes: $record", "");
    check_rule(
        "likes: $recieved",
        "6:10 unknown built-in '$recieved'\n"
        "  Did you mean '$received'? Valid are $received, $object, $record and $source. A key "
        "of that name is $[\"$recieved\"].\n");
    check_rule("likes: $parent", "6:10 $parent needs a key, as in $parent.id\n");
    check_rule("likes: a | $doc.x",
               "6:14 $parent and $doc need records: without it the document is the record\n");
    check_rule("rate: engagement_rate parse(percnt)",
               "6:31 unknown parser 'percnt'\n"
               "  Did you mean 'percent'? Valid are epoch, iso, time, date, percent, number, "
               "compact, bool, duration, json and text.\n");
}

TEST(mapping_reports_mistakes_of_the_file)
{
    check_mapping("", "1:1 the mapping has no 'source'\n1:1 the mapping has no 'into'\n"
                      "1:1 the mapping has no 'map'\n");
    check_mapping("source: S!\ninto: post\nrecords: data\nwhere: x\nmap:\n  likes: a\nmapp: 1\n",
                  "7:1 unknown key 'mapp'\n"
                  "  Did you mean 'map'? Valid are source, into, records, where, map, rest, policy "
                  "and drift.\n"
                  "1:9 source name 'S!' may hold only a-z, 0-9 and _\n"
                  "2:7 no contract declares table 'post'\n"
                  "  Did you mean 'posts'? Valid is posts.\n"
                  "3:10 records 'data' does not end in []\n"
                  "  Write records: data.list[], or $[] for documents that are arrays.\n");
    check_mapping("source: s\ninto: posts\nrecords: a[].b[0].c[]\nmap:\n  likes: a\n  likez: b\n",
                  "3:14 an index or look-up in records is not supported by this version\n"
                  "6:3 table 'posts' has no column 'likez'\n"
                  "  Did you mean 'likes'? Valid are platform, id, at, day, likes, small, rate, "
                  "price, live, extra and tags.\n"
                  "4:1 required columns without a rule: platform, id\n");
}

static void check_where(const char *where, const char *want)
{
    char text[1024];
    snprintf(text, sizeof text, "source: s\ninto: posts\nwhere: %s\nmap: {platform: a, id: b}\n",
             where);
    check_mapping(text, want);
}

TEST(mapping_places_mistakes_of_a_condition)
{
    static const char joins[] =
        "  A test is path == literal (or != < <= > >=), path is null, path exists or a path alone; "
        "tests are joined by and, or, not and brackets.\n";
    char want[512];
    check_where("a", "");
    check_where("a.b[0] == 1.5e3 and not (c is not null or $[\"not\"] exists)", "");
    check_where("d[n=\"x\"].v != \"y\"", "");
    check_where("'(a)or(b)'", "");
    check_where("not not a < 3", "");
    check_where("'(a'", "3:9 a ( is not closed\n");
    snprintf(want, sizeof want, "3:11 ')' does not belong to a condition\n%s", joins);
    check_where("'a )'", want);
    snprintf(want, sizeof want, "3:10 '&& b' does not belong to a condition\n%s", joins);
    check_where("a && b", want);
    snprintf(want, sizeof want, "3:10 'b' does not belong to a condition\n%s", joins);
    check_where("a b", want);
    check_where("a and", "3:13 a path is missing\n"
                         "  A key of the name of a word is written as in $[\"is\"].\n");
    check_where("a and or b", "3:14 a path is missing\n"
                              "  A key of the name of a word is written as in $[\"is\"].\n");
    check_where("a is 3", "3:13 null is missing behind 'is'\n");
    check_where("a == video", "3:13 a literal is missing\n"
                              "  Compare with \"text\", 12, 1.5, true or false.\n");
    check_where("a == null", "3:13 null is equal to nothing\n  Write is null or is not null.\n");
    check_where("a == [1]", "3:13 a path can be compared with one value only\n");
    check_where("a < true", "3:12 only a number or a text has an order\n");
    check_where("''", "3:9 a path is missing\n"
                      "  A key of the name of a word is written as in $[\"is\"].\n");
    check_where("[a]", "3:8 where must be plain text, not a list\n");
}

TEST(mapping_survives_damage)
{
    check_mapping("source: s\ninto: posts\nrecords: a.x[].b[]\nwhere: $doc.a == 1\nmap:\n"
                  "  platform: $doc.a.b | $parent.c[0]\n  id: $parent[\"x\"]\n",
                  "");
    check_mapping("source: s\ninto: posts\nrecords: $[].b[][]\nmap: {platform: a, id: b}\n", "");
    static const char good[] = "source: s\ninto: posts\nrecords: a.b[]\n"
                               "where: not a.b and (c == \"x\" or d <= 3 or e is null)\nmap:\n"
                               "  platform: '= \"x\"'\n  id: a | $[\"b\"].c[0] | d[n=\"v\"]\n"
                               "  at: t parse(time(\"%Y %z\", UTC)) | $received\n"
                               "  likes: n parse(number(\"1,234.5\")) | = 0\n";
    uint64_t seed = 3;
    for (int round = 0; round < 4000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int i = 0; i < 1 + round % 3; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[(seed >> 33) % (sizeof good - 1)] = " ()[]{},:|$\"'=.a0\n\\"[(seed >> 28) % 19];
        }
        if (round % 5 == 0) text[(seed >> 40) % sizeof good] = '\0';
        parsed p;
        parse(&p, text);
        CHECK((p.mapping == NULL) == (p.problems.count > 0));
        pl_problems_done(&p.problems);
        pl_arena_done(&p.arena);
    }
}

int main(void)
{
    return RUN_TESTS(
        "contract/mapping", T(mapping_reads_rules_term_by_term), T(mapping_reads_long_forms),
        T(mapping_literals_are_checked_against_their_column), T(mapping_reads_every_kind_of_path),
        T(mapping_reports_mistakes_in_paths), T(mapping_reads_every_parser),
        T(mapping_checks_parsers_and_builtins_against_the_column),
        T(mapping_reports_mistakes_of_the_file), T(mapping_places_mistakes_of_a_condition),
        T(mapping_survives_damage));
}
