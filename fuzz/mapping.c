// A contract and a mapping, or a mapping for a contract that is there, or settings: every text is
// either taken or has a mistake; what is taken is taken again, its paths and parsers written out
// read back as they were, and a rule replaced by itself is no change of meaning.
//
// The input is a mapping; with a NUL byte in it, "contract NUL mapping"; behind a % settings,
// behind a / a path, behind a ( a parser.
//
// SPDX-License-Identifier: Apache-2.0
#include "contract/edit.h"
#include "contract/project.h"
#include "fuzz.h"

static const char fixed[] = "table: posts\n"
                            "columns:\n"
                            "  platform: string!\n"
                            "  at:       timestamp\n"
                            "  day:      date\n"
                            "  likes:    long min(0)\n"
                            "  small:    int\n"
                            "  rate:     double\n"
                            "  share:    float\n"
                            "  price:    decimal(6,2)\n"
                            "  live:     boolean\n"
                            "  extra:    json\n"
                            "  tags:     list(string)\n";

typedef struct parsed {
    pl_arena arena;
    pl_problems problems, warnings;
    pl_contract *contract;
    pl_mapping *mapping;
} parsed;

static void parse(parsed *self, pl_span contract, pl_span mapping)
{
    *self = (parsed){0};
    self->contract =
        pl_contract_parse("c.yml", contract, &self->arena, &self->problems, &self->warnings);
    FUZZ_CHECK((self->contract == NULL) == (self->problems.count > 0));
    if (!self->contract) return;
    self->mapping = pl_mapping_parse("m.yml", mapping, &self->contract, 1, &self->arena,
                                     &self->problems, &self->warnings);
    FUZZ_CHECK((self->mapping == NULL) == (self->problems.count > 0));
}

static void parsed_done(parsed *self)
{
    pl_problems_done(&self->problems);
    pl_problems_done(&self->warnings);
    pl_arena_done(&self->arena);
}

static void check_path(const pl_path *path, pl_arena *arena)
{
    pl_buf text = {0}, again = {0};
    pl_path read;
    pl_path_text(&text, path);
    FUZZ_CHECK(pl_path_parse(pl_buf_view(&text), arena, &read, NULL) == PLUMB_OK);
    FUZZ_CHECK(read.count == path->count);
    for (uint32_t i = 0; i < path->count; i++) {
        const pl_step *a = &path->steps[i], *b = &read.steps[i];
        FUZZ_CHECK(a->kind == b->kind && a->index == b->index && pl_span_equal(a->key, b->key));
        FUZZ_CHECK(pl_span_equal(a->lookup_key, b->lookup_key));
        FUZZ_CHECK(pl_span_equal(a->lookup_value, b->lookup_value));
    }
    pl_path_text(&again, &read);
    FUZZ_CHECK(pl_span_equal(pl_buf_view(&text), pl_buf_view(&again)));
    pl_buf_done(&text);
    pl_buf_done(&again);
}

static void check_parser(const pl_parser *parser, pl_arena *arena)
{
    pl_buf text = {0}, again = {0};
    pl_parser read;
    pl_parser_text(&text, parser);
    if (parser->kind == PL_PARSE_DEFAULT) {
        FUZZ_CHECK(text.count == 0);
    } else {
        FUZZ_CHECK(pl_parser_parse(pl_buf_view(&text), arena, &read, NULL) == PLUMB_OK);
        FUZZ_CHECK(read.kind == parser->kind);
        FUZZ_CHECK(read.thousands == parser->thousands && read.decimal == parser->decimal);
        FUZZ_CHECK(pl_span_equal(read.format, parser->format));
        pl_parser_text(&again, &read);
        FUZZ_CHECK(pl_span_equal(pl_buf_view(&text), pl_buf_view(&again)));
    }
    pl_buf_done(&text);
    pl_buf_done(&again);
}

static void check_rules(const pl_mapping *mapping, pl_arena *arena)
{
    for (uint32_t i = 0; i < mapping->rule_count; i++) {
        const pl_rule *rule = &mapping->rules[i];
        FUZZ_CHECK(pl_mapping_rule(mapping, rule->column) == rule);
        for (uint32_t t = 0; t < rule->term_count; t++) {
            if (rule->terms[t].kind != PL_TERM_PATH) continue;
            check_path(&rule->terms[t].path, arena);
            check_parser(&rule->terms[t].parser, arena);
        }
    }
}

// Replace a column's rule by the text it has.
static void check_edit(const parsed *first, pl_span contract, pl_span mapping)
{
    pl_problems none = {0};
    pl_arena arena = {0};
    pl_buf out = {0};
    const pl_yaml *map = pl_yaml_get(pl_yaml_compose("m.yml", mapping, &arena, &none), "map");
    for (const pl_yaml *entry = map ? map->first : NULL; entry; entry = entry->next) {
        if (entry->kind != PL_YAML_SCALAR) continue;
        pl_edit edit = {"m.yml", mapping, "map", entry->key->text, entry->text, {"", 0}};
        pl_buf_reset(&out);
        if (pl_edit_set(&edit, &out, NULL) != PLUMB_OK) continue;
        parsed again;
        parse(&again, contract, pl_buf_view(&out));
        FUZZ_CHECK(again.mapping && again.mapping->rule_count == first->mapping->rule_count);
        parsed_done(&again);
    }
    pl_problems_done(&none);
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

static void check_settings(pl_span input)
{
    pl_arena arena = {0};
    pl_problems problems = {0}, warnings = {0};
    pl_settings settings;
    bool good = pl_settings_parse("plumb.yaml", input, &arena, &settings, &problems, &warnings);
    FUZZ_CHECK(good == (problems.count == 0));
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    pl_arena_done(&arena);
}

// One path or parser; what follows it is a mistake.
static void check_word(pl_span text, bool is_path)
{
    pl_arena arena = {0};
    pl_path path;
    pl_parser parser;
    if (is_path) {
        if (pl_path_parse(text, &arena, &path, NULL) == PLUMB_OK) check_path(&path, &arena);
    } else {
        if (pl_parser_parse(text, &arena, &parser, NULL) == PLUMB_OK) check_parser(&parser, &arena);
    }
    pl_arena_done(&arena);
}

void fuzz_one(pl_span input)
{
    pl_span contract = PL_SPAN(fixed), mapping = input;
    char first = input.bytes ? input.data[0] : '\0';
    if (input.bytes && memchr(input.data, '\0', input.bytes)) {
        contract = fuzz_until(&mapping, '\0');
    } else if (first == '%' || first == '/' || first == '(') {
        fuzz_byte(&input);
        if (first == '%')
            check_settings(input);
        else
            check_word(input, first == '/');
        return;
    }
    parsed p;
    parse(&p, contract, mapping);
    if (p.mapping) {
        check_rules(p.mapping, &p.arena);
        if (p.mapping->has_records && !p.mapping->records_top)
            check_path(&p.mapping->records, &p.arena);
        check_edit(&p, contract, mapping);
    }
    parsed_done(&p);
}

static void seed_pair(const char *contract, const char *mapping)
{
    pl_buf seed = {0};
    pl_buf_text(&seed, contract);
    pl_buf_char(&seed, '\0');
    pl_buf_text(&seed, mapping);
    fuzz_seed(pl_buf_view(&seed));
    pl_buf_done(&seed);
}

static void seed_rule(const char *rule)
{
    pl_buf seed = {0};
    pl_buf_printf(&seed,
                  "source: s\ninto: posts\nrecords: data.list[]\n"
                  "where: type == \"v\" and (n >= 1.5 or not (a.b is null)) or c exists\n"
                  "map:\n  platform: = \"tiktok\"\n  %s\nrest: keep\n",
                  rule);
    fuzz_seed(pl_buf_view(&seed));
    pl_buf_done(&seed);
}

static void seed_rules(void)
{
    static const char *const rules[] = {
        "likes: stats.likes | data[name=\"likes\"].values[0].value | = 0",
        "at: t parse(epoch(ms)) | u parse(time(\"%d.%m.%Y %H:%M\", +02:00)) | $received",
        "at: t parse(time(\"%Y %z\", UTC)) | v parse(time(\"%s\")) | = \"2024-01-01\"",
        "at: w parse(iso)",
        "rate: $[\"a.b\"].rate parse(percent) | x parse(number(\"1.234,5\")) | = 1.5",
        "live: on parse(bool) | = true",
        "price: cost parse(compact(\"1,234.5K\")) | n parse(number(\"1'234.5\")) | = 12.50",
        "day: d parse(date) | = \"2024-02-29\"",
        "day: = null",
        "extra: raw parse(json) | = {\"a\": [1]}",
        "tags: a.tags",
        "small: $index | = 5",
        "share: list[2] parse(duration) | = 0.25",
        "likes: $parent.n | $doc[\"x y\"].m",
        "platform: {path: a.b, parse: text}",
        // What is not taken.
        "small: a parse(epoch(weeks)) | b",
        "at: a parse(time(x)) | = 5",
        "at: a parse(time(\"%Q\"))",
        "at: a parse(time(\"%Y\"))",
        "at: a parse(time(\"%Y\", Europe/Berlin))",
        "at: a parse(time(\"%Y\", Europe/../Berlin))",
        "at: a parse(time(\"%Y\", +99:00))",
        "at: a parse(time(\"%Y\" UTC))",
        "rate: a parse(number(x))",
        "rate: a parse(number(\"abc\"))",
        "rate: a parse(bool(1))",
        "rate: a parse(percnt)",
        "likes: a parse()",
        "likes: a parse(epoch",
        "likes: a parse(percent x)",
        "likes: a parse(json) | | b",
        "likes: a[b=1] | c",
        "likes: a[b | c",
        "likes: a[\"b\\q\"]",
        "likes: a[\"b",
        "likes: $recieved",
        "likes: $doc",
        "likes: a x",
        "likes: = \"x\"",
        "likes: = nonsense",
        "small: = 3000000000",
        "price: = 1.005",
        "tags: = 5",
        "at: = \"x\"",
        "live: = 0",
        "likes:",
        "lkes: a\n  likes: [a]",
        "likes: a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g.h.i.j.k",
    };
    for (size_t i = 0; i < PL_COUNT(rules); i++) seed_rule(rules[i]);
}

static void seed_contracts(void)
{
    static const char columns[] = "columns:\n  a: string!\n  b: timestamp was(z)\n"
                                  "  c: long range(0, 1e6)\n  d: double min(0) max(1)\n  j: json\n"
                                  "  l: list(list(int))\n";
    static const char mapping[] = "source: s\ninto: t\nrecords: $[]\nmap: {a: x, b: y}\n";
    static const char *const contracts[] = {
        "doc: text\nkey: [a, b]\ncritical: [a]\nrest: drop\nduplicates: last\n",
        "partition: [a, day(b), 'bucket(16, c)', 'truncate(10, a)']\n",
        "partition: [year(b)]\nchecks: {freshness: 90m, nulls: {c: 2%, d: 0.5}}\n",
        "sort: [a, b desc, c asc]\ncompression: zstd\n",
        // What is not taken.
        "sort: [a up, zz, a, j, l desc x, {a: b}]\ncompression: gzip\n",
        "sort: a\ncompression: [zstd]\n",
        "key: [j, a, a, zz]\npartition: [bucket(16, a), dya(b), day(d), day(b), hour(b), "
        "day(zz)]\n",
        "partition: ['bucket(x, c)', 'bucket(3)', 'bucket(0, a)', month(b), {a: b}]\n",
        "partition: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]\n",
        "checks: {freshness: soon, nulls: {c: 3, zz: x}, x: y}\nrest: x\nduplicates: y\ncritical: "
        "q\n",
        "rest: [x]\nduplicates: {}\ndoc: []\nkey: {}\nunknown: 1\n",
    };
    static const char *const types[] = {
        "{type: decimal(9, 2), required: true, min: -5, max: 7.25, doc: x}",
        "{type: int, required: false, range: [1, 10], was: y}",
        "strng",
        "decimal(50,2)",
        "long min(x)",
        "long foo(1) min",
        "string min(1)",
        "long range(2, 1)",
        "long range(2)",
        "long min(0) range(0, 1)",
        "decimal(10",
        "[long]",
        "{type: lng, requird: true, required: maybe, range: [1], was: 1a}",
        "{required: true, range: 5}",
        "long was(Aa)\n  Aa: long\n  1b: int\n  c2: long was(c)\n  y1: int was(y)\n  y: int",
        "",
    };
    pl_buf text = {0};
    for (size_t i = 0; i < PL_COUNT(contracts) + PL_COUNT(types); i++) {
        size_t type = i - PL_COUNT(contracts);
        pl_buf_reset(&text);
        pl_buf_printf(&text, "table: t\n%s%s%s\n", i < PL_COUNT(contracts) ? contracts[i] : "",
                      columns, i < PL_COUNT(contracts) ? "" : "  more: ");
        if (i >= PL_COUNT(contracts)) text.count--, pl_buf_text(&text, types[type]);
        seed_pair(pl_buf_cstr(&text), mapping);
    }
    pl_buf_done(&text);
    seed_pair("columns: {}\n", mapping);
    seed_pair("table: T\n", mapping);
    seed_pair("table: t\nchecks: {freshness: *a}\ncolumns: {a: long}\n", mapping);
    seed_pair("table: t\ncolumns: {a: string!, day: date, day_day: int}\npartition: [day(day)]\n",
              "source: S S\ninto: u\nmap: {b: c}\nrest: x\n");
    seed_pair("table: t\ncolumns: {a: string!, b: int!}\n",
              "source: s\ninto: t\nwhere: $doc.x exists\nmap: {b: $parent.x}\nx: y\nversion: 2\n");
    seed_pair("table: t\ncolumns: {a: string!, b: int!}\n", "source: s\ninto: t\nmap: []\n");
}

void fuzz_seeds(void)
{
    static const char *const words[] = {
        "/a.b[0][\"c d\"][name=\"x\"].e",
        "/$doc.a",
        "/a.",
        "/a[-1]",
        "/a b",
        "/$[\"\"]",
        "(epoch(us)",
        "(time(\"%Y-%m-%d\", -01:30)",
        "(number(\"1 234,5\")",
        "(compact",
        "(iso x",
    };
    static const char *const wheres[] = {
        "a == 1 and b != \"x\" or c < 2.5 and d <= -1 or e > 0 and f >= 1e3",
        "not (a in [1, \"b\", true, null]) and b is not null",
        "a = 1",
        "a ==",
        "(a == 1",
        "a == 1 b",
        "and",
        "a exists not",
        "a in [1",
        "\"x\" == a",
    };
    seed_rules();
    seed_contracts();
    for (size_t i = 0; i < PL_COUNT(words); i++) fuzz_seed_text(words[i]);
    for (size_t i = 0; i < PL_COUNT(wheres); i++) {
        pl_buf seed = {0};
        pl_buf_printf(&seed, "source: s\ninto: posts\nwhere: %s\nmap:\n  platform: p\n", wheres[i]);
        fuzz_seed(pl_buf_view(&seed));
        pl_buf_done(&seed);
    }
    fuzz_seed_text("%lake: ./lake\nstate: ./s.db\nthreads: 2\nmemory: 512MiB\nraw: {level: 1}\n"
                   "query: {memory: 1GiB, timeout: 60s}\npolicy: strict\n"
                   "guard: {price_per_tb: 5.00, max_bytes: 10GiB}\n");
}
