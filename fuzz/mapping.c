// A contract and a mapping, or a mapping for a contract that is there, or settings: every text is
// either taken or has a mistake; what is taken is taken again, its paths and parsers written out
// read back as they were, and a rule replaced by itself is no change of meaning.
//
// The input is a mapping; with a NUL byte in it, "contract NUL mapping".
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
    pl_buf text = {0};
    pl_parser read;
    pl_parser_text(&text, parser);
    if (parser->kind == PL_PARSE_DEFAULT) {
        FUZZ_CHECK(text.count == 0);
    } else {
        FUZZ_CHECK(pl_parser_parse(pl_buf_view(&text), arena, &read, NULL) == PLUMB_OK);
        FUZZ_CHECK(read.kind == parser->kind && read.zone_seconds == parser->zone_seconds);
        FUZZ_CHECK(read.thousands == parser->thousands && read.decimal == parser->decimal);
        FUZZ_CHECK(pl_span_equal(read.format, parser->format));
    }
    pl_buf_done(&text);
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

void fuzz_one(pl_span input)
{
    pl_span contract = PL_SPAN(fixed), mapping = input;
    if (input.bytes && memchr(input.data, '\0', input.bytes)) {
        contract = fuzz_until(&mapping, '\0');
    } else if (input.bytes && input.data[0] == '%') {
        fuzz_byte(&input);
        check_settings(input);
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

void fuzz_seeds(void)
{
    static const char *const rules[] = {
        "likes: stats.likes | data[name=\"likes\"].values[0].value | = 0",
        "at: t parse(epoch_ms) | u parse(time(\"%d.%m.%Y %H:%M\", +02:00)) | $received",
        "rate: $[\"a.b\"].rate parse(percent) | x parse(number(\".\", \",\"))",
        "live: on parse(bool) | = true",
        "price: cost parse(compact) | = 12.50",
        "day: d parse(date) | = null",
        "extra: {path: raw, parse: json}",
        "tags: [a.tags, \"= null\"]",
        "small: {literal: 5}",
        "share: list[2] parse(duration) | $record",
    };
    for (size_t i = 0; i < PL_COUNT(rules); i++) {
        pl_buf seed = {0};
        pl_buf_printf(&seed,
                      "source: s\ninto: posts\nrecords: data.list[]\n"
                      "where: type == \"v\" and (n >= 1.5 or not (a.b is null)) or c exists\n"
                      "map:\n  platform: = \"tiktok\"\n  %s\nrest: keep\n",
                      rules[i]);
        fuzz_seed(pl_buf_view(&seed));
        pl_buf_done(&seed);
    }
    seed_pair("table: t\ndoc: text\nkey: [a, b]\npartition: [a, day(b), bucket(16, c)]\n"
              "columns:\n  a: string!\n  b: timestamp was(z)\n  c: long range(0, 1e6)\n"
              "  d: {type: decimal(9, 2), required: true, min: -5, max: 7.25, doc: x}\n"
              "  e: list(list(int))\ncritical: [a]\nchecks: {freshness: 90m, nulls: {c: 2%}}\n"
              "rest: drop\nduplicates: last\n",
              "source: s\ninto: t\nrecords: $[]\nmap: {a: x, b: y, d: z}\n");
    fuzz_seed_text("%lake: ./lake\nstate: ./s.db\nthreads: 2\nmemory: 512MiB\nraw: {level: 1}\n"
                   "query: {memory: 1GiB, timeout: 60s}\npolicy: strict\n"
                   "guard: {price_per_tb: 5.00, max_bytes: 10GiB}\n");
}
