// SPDX-License-Identifier: Apache-2.0
#include "contract/infer.h"

#include <stdio.h>

#include "contract/mapping.h"
#include "mistakes.h"

typedef struct inferred {
    pl_arena arena;
    pl_buf contract, mapping;
    pl_infer_summary summary;
    pl_infer *infer;
    pl_mapping *parsed;
} inferred;

// Infer from documents, one per line, and parse what was written: it must hold no mistake.
static void infer(inferred *self, const char *lines)
{
    static const pl_infer_options options = {{"posts", 5}, {"shop", 4}};
    *self = (inferred){.infer = pl_infer_new(&options)};
    plumb_error err;
    while (*lines) {
        const char *end = strchr(lines, '\n');
        pl_json *document;
        CHECK_OK(pl_json_parse(pl_span_make(lines, (size_t)(end - lines)), &self->arena, &document,
                               &err),
                 err);
        CHECK(pl_infer_add(self->infer, document));
        lines = end + 1;
    }
    CHECK_OK(pl_infer_write(self->infer, &self->contract, &self->mapping, &self->summary, &err),
             err);
    pl_problems problems = {0};
    pl_contract *contract = pl_contract_parse("contracts/posts.yml", pl_buf_view(&self->contract),
                                              &self->arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
    self->parsed = pl_mapping_parse("sources/shop.yml", pl_buf_view(&self->mapping), &contract, 1,
                                    &self->arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
}

static void done(inferred *self)
{
    pl_infer_free(self->infer);
    pl_buf_done(&self->contract);
    pl_buf_done(&self->mapping);
    pl_arena_done(&self->arena);
}

// The type and rule of one column: "long! likes parse(number)", or "-" if there is none.
static void check_column(const inferred *self, const char *name, const char *want)
{
    pl_buf got = {0};
    int index = pl_contract_find(self->parsed->contract, pl_span_of(name));
    if (index < 0) {
        pl_buf_text(&got, "-");
    } else {
        const pl_field *field = &self->parsed->contract->columns[index].field;
        pl_type_text(&got, &field->type);
        const pl_rule *rule = pl_mapping_rule(self->parsed, (uint32_t)index);
        pl_buf_printf(&got, "%s %.*s", field->required ? "!" : "", PL_FMT(rule->terms[0].text));
    }
    CHECK_STR(want, pl_buf_cstr(&got));
    pl_buf_done(&got);
}

static void check_value(const char *value, const char *key, const char *column, const char *want)
{
    inferred self;
    pl_buf lines = {0};
    pl_buf_printf(&lines, "{\"id\":\"a\",%s:%s}\n{\"id\":\"b\"}\n", key, value);
    infer(&self, pl_buf_cstr(&lines));
    check_column(&self, column, want);
    done(&self);
    pl_buf_done(&lines);
}

TEST(infer_writes_both_files_with_evidence)
{
    inferred self;
    infer(&self,
          "{\"data\":{\"list\":[{\"item_id\":\"7001\",\"create_time\":1700000000,\"likes\":5,"
          "\"kind\":\"video\",\"tags\":[\"a\"],\"geo\":null},"
          "{\"item_id\":\"7002\",\"create_time\":1700090000,\"likes\":45,\"kind\":\"image\","
          "\"tags\":[],\"geo\":null},"
          "{\"item_id\":\"7003\",\"create_time\":1700090001,\"likes\":7,\"kind\":\"video\"}],"
          "\"cursor\":3}}\n");
    CHECK_STR("# contracts/posts.yml -- what table 'posts' holds.\n"
              "# Guessed by plumb init from 3 records; the evidence stands behind each line.\n"
              "# Change what is wrong. `!` is required: a record without it is quarantined.\n"
              "table: posts\n"
              "key: [item_id, create_time]  # item_id is different in all 3 records\n"
              "partition: [day(create_time)]  # 2 days\n"
              "columns:\n"
              "  item_id:     string!       # all 3, all different\n"
              "  create_time: timestamp!    # all 3, epoch numbers, 2023-11-14 to 2023-11-15\n"
              "  likes:       long          # all 3, 5 to 45\n"
              "  kind:        string        # all 3, \"video\" \"image\"\n"
              "  tags:        list(string)  # 2 of 3\n"
              "\n"
              "# Only null in the sample, so without a type yet:\n"
              "#   geo\n",
              pl_buf_cstr(&self.contract));
    CHECK_STR("# sources/shop.yml -- how source 'shop' fills table 'posts'.\n"
              "source: shop\n"
              "into: posts\n"
              "records: data.list[]  # the largest array of objects: 3 records in 1 document\n"
              "map:\n"
              "  item_id:     item_id\n"
              "  create_time: create_time parse(epoch)  # epoch numbers\n"
              "  likes:       likes\n"
              "  kind:        kind\n"
              "  tags:        tags\n",
              pl_buf_cstr(&self.mapping));
    CHECK_INT(5, self.summary.columns);
    CHECK_INT(1, self.summary.left_out);
    CHECK_INT(3, self.summary.records);
    CHECK_SPAN("data.list[]", self.summary.records_path);
    done(&self);
}

TEST(infer_falls_back_to_the_time_of_receipt)
{
    inferred self;
    infer(&self, "{\"a\":1,\"received_at\":\"x\"}\n{\"a\":2}\n");
    CHECK_STR("# contracts/posts.yml -- what table 'posts' holds.\n"
              "# Guessed by plumb init from 2 records; the evidence stands behind each line.\n"
              "# Change what is wrong. `!` is required: a record without it is quarantined.\n"
              "table: posts\n"
              "# key: [...]  # no id was in every record: name the columns that tell rows apart\n"
              "partition: [day(received_at)]  # no time of its own was in every record\n"
              "columns:\n"
              "  received_at:   timestamp!  # when the data was landed\n"
              "  a:             long        # all 2, 1 to 2\n"
              "  received_at_2: string      # 1 of 2, \"x\"\n",
              pl_buf_cstr(&self.contract));
    check_column(&self, "received_at", "timestamp! $received");
    check_column(&self, "received_at_2", "string received_at");
    done(&self);
}

TEST(infer_finds_the_least_type_of_a_value)
{
    check_value("5", "\"n\"", "n", "long n");
    check_value("5.5", "\"n\"", "n", "double n");
    check_value("123456789012345678901234567890", "\"n\"", "n", "string n parse(text)");
    check_value("true", "\"n\"", "n", "boolean n");
    check_value("\"12\"", "\"likes\"", "likes", "long likes parse(number)");
    check_value("\"012\"", "\"likes\"", "likes", "string likes");
    check_value("\"12\"", "\"user_id\"", "user_id", "string user_id");
    check_value("\"12\"", "\"zipCode\"", "zip_code", "string zipCode");
    check_value("\"19.90\"", "\"price\"", "price", "decimal(18, 2) price parse(number)");
    check_value("\"4.7%\"", "\"rate\"", "rate", "double rate parse(percent)");
    check_value("\"true\"", "\"on_sale\"", "on_sale", "boolean on_sale parse(bool)");
    check_value("\"\"", "\"n\"", "n", "string n");
    check_value("[1,2]", "\"n\"", "n", "list(long) n");
    check_value("[1,2.5]", "\"n\"", "n", "list(double) n");
    check_value("[\"a\",1]", "\"n\"", "n", "list(string) n");
    check_value("[]", "\"n\"", "n", "json n");
    check_value("[{\"a\":1}]", "\"n\"", "n", "json n");
    check_value("{}", "\"n\"", "n", "json n");
    check_value("null", "\"n\"", "n", "-");
    check_value("{\"a\":{\"b\":1}}", "\"n\"", "n_a_b", "long n.a.b");
}

TEST(infer_finds_times_by_form_or_by_name_and_magnitude)
{
    check_value("\"2026-11-22T03:04:05Z\"", "\"x\"", "x", "timestamp x");
    check_value("\"2026-11-22\"", "\"x\"", "x", "date x");
    check_value("\"2026-11-22 03:04:05\"", "\"x\"", "x",
                "timestamp x parse(time(\"%Y-%m-%d %H:%M:%S\", UTC))");
    check_value("\"Wed Aug 27 13:08:45 +0000 2008\"", "\"x\"", "x",
                "timestamp x parse(time(\"%a %b %d %H:%M:%S %z %Y\"))");
    check_value("1700000000", "\"createdAt\"", "created_at", "timestamp createdAt parse(epoch)");
    check_value("1700000000123", "\"ts\"", "ts", "timestamp ts parse(epoch)");
    check_value("\"1700000000\"", "\"ts\"", "ts", "timestamp ts parse(epoch)");
    check_value("1700000000", "\"views\"", "views", "long views");
    check_value("17", "\"time\"", "time", "long time");
}

TEST(infer_gives_one_json_column_to_what_varies)
{
    inferred self;
    infer(&self, "{\"m\":{\"a\":1},\"s\":1,\"d\":{\"2024-01-01\":1,\"2024-01-02\":2}}\n"
                 "{\"m\":3,\"s\":\"x\",\"d\":{\"2024-01-03\":1}}\n");
    check_column(&self, "m", "json m");
    check_column(&self, "s", "string s parse(text)");
    check_column(&self, "d", "json d");
    done(&self);
}

TEST(infer_takes_many_like_siblings_for_a_map)
{
    inferred self;
    pl_buf line = {0};
    pl_buf_text(&line, "{\"id\":\"x\",\"m\":{");
    for (int i = 0; i < 51; i++)
        pl_buf_printf(&line, "%s\"city_%c%c\":%d", i ? "," : "", 'a' + i / 10, 'a' + i % 10, i);
    pl_buf_text(&line, "}}\n");
    infer(&self, pl_buf_cstr(&line));
    check_column(&self, "m", "json m");
    done(&self);
    pl_buf_done(&line);
}

TEST(infer_declares_at_most_64_columns)
{
    inferred self;
    pl_buf line = {0};
    pl_buf_text(&line, "{\"deep\":{\"x\":1}");
    for (int i = 0; i < 70; i++) pl_buf_printf(&line, ",\"k%d\":%d", i, i);
    pl_buf_text(&line, ",\"id\":\"a\"}\n");
    infer(&self, pl_buf_cstr(&line));
    CHECK_INT(64, self.summary.columns);
    CHECK_INT(9, self.summary.left_out);
    check_column(&self, "id", "string! id");
    check_column(&self, "k61", "long k61");
    check_column(&self, "k62", "-");
    CHECK(strstr(pl_buf_cstr(&self.contract), "#   deep_x: long  # all 1\n") != NULL);
    CHECK(strstr(pl_buf_cstr(&self.mapping), "  # deep_x: deep.x\n") != NULL);
    done(&self);
    pl_buf_done(&line);
}

TEST(infer_makes_names_that_are_valid_unique_and_not_reserved)
{
    inferred self;
    infer(
        &self,
        "{\"createdBy\":1,\"created_by\":2,\"HTTPCode\":3,\"order\":4,\"1st\":5,\"_x\":6,"
        "\"\\u00fc\":7,\"a.b\":8,\"$oid\":9,\"\":10,\"a b\":{\"c: #d\":11},\"\\u2028\\\"\":12}\n");
    check_column(&self, "created_by", "long createdBy");
    check_column(&self, "created_by_2", "long created_by");
    check_column(&self, "http_code", "long HTTPCode");
    check_column(&self, "order_", "long order");
    check_column(&self, "n_1st", "long 1st");
    check_column(&self, "x", "long _x");
    check_column(&self, "column_", "long \xC3\xBC");
    check_column(&self, "a_b", "long $[\"a.b\"]");
    check_column(&self, "oid", "long $[\"$oid\"]");
    check_column(&self, "a_b_c_d", "long $[\"a b\"][\"c: #d\"]");
    done(&self);
}

TEST(infer_requires_only_what_every_record_has)
{
    inferred self;
    infer(&self, "{\"id\":1,\"created_at\":\"2024-01-01T00:00:00Z\",\"n\":1}\n"
                 "{\"id\":2,\"created_at\":null,\"n\":1}\n");
    check_column(&self, "id", "long! id");
    check_column(&self, "created_at", "timestamp created_at");
    check_column(&self, "n", "long n");
    CHECK_SPAN("received_at", self.parsed->contract->partition.fields[0].source);
    done(&self);
    // A repeated key must not make up for a record without it.
    infer(&self, "{\"id\":1,\"id\":2}\n{\"n\":2}\n");
    check_column(&self, "id", "long id");
    done(&self);
}

TEST(infer_tells_envelopes_from_records)
{
    static const struct {
        const char *lines, *records;
    } cases[] = {
        {"[{\"a\":1},{\"a\":2}]\n", "$[]"},
        {"{\"a\":1}\n", ""},
        {"{\"items\":[{\"a\":1,\"b\":\"some text\"},{\"a\":2}],\"next\":\"x\"}\n", "items[]"},
        {"{\"x y\":{\"z\":[{\"a\":1,\"b\":\"some text\"},{\"a\":2}]}}\n", "$[\"x y\"].z[]"},
        // Two documents with an id each and a small array: orders and their lines.
        {"{\"id\":1,\"lines\":[{\"sku\":\"some-long-sku-a\"},{\"sku\":\"some-long-sku-b\"}]}\n"
         "{\"id\":2,\"lines\":[{\"sku\":\"some-long-sku-c\"},{\"sku\":\"some-long-sku-d\"}]}\n",
         ""},
        // One document has no array: its record would be lost.
        {"{\"items\":[{\"a\":1},{\"a\":2}]}\n{\"error\":1}\n", ""},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        inferred self;
        infer(&self, cases[i].lines);
        CHECK_SPAN(cases[i].records, self.summary.records_path);
        done(&self);
    }
}

TEST(infer_needs_an_object)
{
    pl_infer_options options = {PL_SPAN("t"), PL_SPAN("s")};
    pl_infer *self = pl_infer_new(&options);
    pl_arena arena = {0};
    pl_buf contract = {0}, mapping = {0};
    pl_infer_summary summary;
    plumb_error err;
    pl_json *document;
    CHECK_OK(pl_json_parse(PL_SPAN("[1, 2]"), &arena, &document, &err), err);
    pl_infer_add(self, document);
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_infer_write(self, &contract, &mapping, &summary, &err));
    CHECK_STR("cannot infer a table from the sample: none of its 1 documents holds an object",
              err.message);
    CHECK_INT(0, contract.count);
    pl_infer_free(self);
    pl_arena_done(&arena);
}

// Random documents: what is inferred always parses.
static uint64_t next(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

static void random_value(pl_buf *out, uint64_t *seed, int depth)
{
    static const char *const keys[] = {"id",      "a",    "b c",     "x.y", "created_at",
                                       "\\u0001", "from", "\\ufeff", "N",   "2024-01-01",
                                       "it's: #", "",     "\\\\"};
    static const char *const values[] = {"null",           "1",          "-2.5",   "true", "\"x\"",
                                         "\"2024-01-01\"", "1700000000", "\"12\"", "\"\"", "1e400",
                                         "\"\\u0000\""};
    uint64_t what = next(seed, depth < 4 ? 14 : 10);
    if (what < 10) {
        pl_buf_text(out, values[next(seed, PL_COUNT(values))]);
        return;
    }
    bool object = what >= 11;
    pl_buf_char(out, object ? '{' : '[');
    for (uint64_t i = 0, count = next(seed, 6); i < count; i++) {
        if (i) pl_buf_char(out, ',');
        if (object) pl_buf_printf(out, "\"%s\":", keys[next(seed, PL_COUNT(keys))]);
        random_value(out, seed, depth + 1);
    }
    pl_buf_char(out, object ? '}' : ']');
}

TEST(infer_always_writes_files_that_parse)
{
    uint64_t seed = 11;
    for (int round = 0; round < 400; round++) {
        pl_buf lines = {0};
        for (uint64_t i = 0, count = 1 + next(&seed, 5); i < count; i++) {
            pl_buf_text(&lines, "{\"k\":");
            random_value(&lines, &seed, 0);
            pl_buf_text(&lines, ",\"l\":");
            random_value(&lines, &seed, 0);
            pl_buf_text(&lines, "}\n");
        }
        inferred self;
        infer(&self, pl_buf_cstr(&lines));
        done(&self);
        pl_buf_done(&lines);
    }
}

int main(void)
{
    return RUN_TESTS(
        "contract/infer", T(infer_writes_both_files_with_evidence),
        T(infer_falls_back_to_the_time_of_receipt), T(infer_finds_the_least_type_of_a_value),
        T(infer_finds_times_by_form_or_by_name_and_magnitude),
        T(infer_gives_one_json_column_to_what_varies), T(infer_takes_many_like_siblings_for_a_map),
        T(infer_declares_at_most_64_columns),
        T(infer_makes_names_that_are_valid_unique_and_not_reserved),
        T(infer_requires_only_what_every_record_has), T(infer_tells_envelopes_from_records),
        T(infer_needs_an_object), T(infer_always_writes_files_that_parse));
}
