// SPDX-License-Identifier: Apache-2.0
#include "map/mapper.h"

#include "mapping.h"

static const char CONTRACT[] = "table: posts\n"
                               "columns:\n"
                               "  id:    string!\n"
                               "  likes: long\n"
                               "  rate:  double\n"
                               "  price: decimal(6,2)\n"
                               "  at:    timestamp\n"
                               "  extra: json\n"
                               "  tags:  list(string)\n"
                               "  live:  boolean\n"
                               "critical: [likes]\n";

#define MAPPING "source: s\ninto: posts\nmap:\n  id: id\n"

// One rule beside `id: id`, one line of content and what becomes of it.
#define CHECK_RULE(rule, content, want)                                                            \
    CHECK_MAPPED(CONTRACT, MAPPING "  " rule "\n", content, want)

TEST(mapper_fills_a_row_and_keeps_what_no_column_took)
{
    CHECK_MAPPED(CONTRACT,
                 MAPPING "  likes: stats.likes\n  rate: stats.rate\n  tags: tags\n"
                         "  extra: extra\n  live: live\n",
                 "{\"id\":\"a\",\"stats\":{\"likes\":5,\"rate\":0.5,\"new\":[1, 2]},"
                 "\"tags\":[\"x\",\"y\"],\"extra\":{\"k\": [1, {}]},\"live\":true,\"z\":null}\n"
                 "{\"id\":\"b\"}\n",
                 "id=a likes=5 rate=0.5 extra={\"k\":[1,{}]} tags=[x,y] live=true "
                 "_rest={\"stats\":{\"new\":[1,2]},\"z\":null}\n"
                 "id=b\n");
}

TEST(mapper_takes_the_first_term_that_is_present_not_null_and_fits)
{
    CHECK_RULE("rate: a | b | c", "{\"id\":1,\"a\":1,\"b\":1,\"c\":1.0}\n",
               "id=1 rate=1.0 _flags=[id:coerced]\n");
    CHECK_RULE("rate: a | b", "{\"id\":\"i\",\"b\":2}\n{\"id\":\"i\",\"a\":null,\"b\":2}\n",
               "id=i rate=2.0\nid=i rate=2.0\n");
    CHECK_RULE("rate: a | b", "{\"id\":\"i\",\"b\":null,\"a\":null}\n", "id=i\n");
    CHECK_RULE("rate: a | = 7", "{\"id\":\"i\"}\n{\"id\":\"i\",\"a\":1}\n",
               "id=i rate=7.0\nid=i rate=1.0\n");
}

TEST(mapper_flags_a_later_term_with_another_value_as_conflict_and_keeps_it)
{
    CHECK_RULE("rate: a | b", "{\"id\":\"i\",\"b\":2,\"a\":1}\n",
               "id=i rate=1.0 _flags=[rate:conflict] _rest={\"b\":2}\n");
    // A later value that does not even fit is another value.
    CHECK_RULE("rate: a | b", "{\"id\":\"i\",\"a\":1,\"b\":\"x\"}\n",
               "id=i rate=1.0 _flags=[rate:conflict] _rest={\"b\":\"x\"}\n");
    // Equal in the column's type is equal.
    CHECK_RULE("rate: a | b", "{\"id\":\"i\",\"a\":1,\"b\":\"1.0\"}\n", "id=i rate=1.0\n");
    // Three terms, one conflict.
    CHECK_RULE("rate: a | b | c", "{\"id\":\"i\",\"a\":1,\"b\":2,\"c\":3}\n",
               "id=i rate=1.0 _flags=[rate:conflict] _rest={\"b\":2,\"c\":3}\n");
    CHECK_RULE("tags: a | b",
               "{\"id\":\"i\",\"a\":[\"x\"],\"b\":[\"x\"]}\n"
               "{\"id\":\"i\",\"a\":[\"x\"],\"b\":[\"x\",\"y\"]}\n"
               "{\"id\":\"i\",\"a\":[\"x\"],\"b\":[null]}\n",
               "id=i tags=[x]\n"
               "id=i tags=[x] _flags=[tags:conflict] _rest={\"b\":[\"x\",\"y\"]}\n"
               "id=i tags=[x] _flags=[tags:conflict] _rest={\"b\":[null]}\n");
}

TEST(mapper_keeps_a_lost_value_of_an_optional_column_as_it_stood)
{
    CHECK_RULE("rate: a", "{\"id\":\"i\",\"a\":\"n\\u00e4h\"}\n",
               "id=i _flags=[rate:lost] _rest={\"a\":\"n\\u00e4h\"}\n");
    CHECK_RULE("rate: a.b", "{\"id\":\"i\",\"a\":{\"c\":1,\"b\":[ 1, 2 ]}}\n",
               "id=i _flags=[rate:lost] _rest={\"a\":{\"c\":1,\"b\":[1,2]}}\n");
    CHECK_RULE("rate: a | b", "{\"id\":\"i\",\"a\":\"x\",\"b\":2}\n",
               "id=i rate=2.0 _flags=[rate:lost] _rest={\"a\":\"x\"}\n");
    CHECK_RULE("rate: a | b", "{\"id\":\"i\",\"a\":\"x\",\"b\":\"y\"}\n",
               "id=i _flags=[rate:lost] _rest={\"a\":\"x\",\"b\":\"y\"}\n");
    CHECK_RULE("rate: a | = 7", "{\"id\":\"i\",\"a\":\"x\"}\n",
               "id=i rate=7.0 _flags=[rate:lost] _rest={\"a\":\"x\"}\n");
    CHECK_RULE("price: a", "{\"id\":\"i\",\"a\":1.005}\n",
               "id=i _flags=[price:lost] _rest={\"a\":1.005}\n");
    CHECK_RULE("rate: a", "{\"id\":\"i\",\"a\":1e400}\n{\"id\":\"i\",\"a\":1e-400}\n",
               "id=i _flags=[rate:lost] _rest={\"a\":1e400}\n"
               "id=i _flags=[rate:lost] _rest={\"a\":1e-400}\n");
}

TEST(mapper_rejects_a_record_whose_required_column_has_no_value)
{
    CHECK_RULE("rate: a", "{\"a\":1}\n {\"id\":null}\n{\"id\":{\"x\":1}}\n{\"id\": [\"long\"]}\n",
               "! id@0: is required, and no path of its rule has a value\n"
               "! id@8: is required, and no path of its rule has a value\n"
               "! id@27: id is an object, not text <{\"x\":1}>\n"
               "! id@43: id is an array, not text <[\"long\"]>\n");
}

TEST(mapper_rejects_a_record_whose_critical_value_does_not_fit_and_keeps_an_absent_one_null)
{
    CHECK_RULE("likes: a.b | c",
               "{\"id\":\"i\"}\n"
               "{\"id\":\"i\",\"a\":{\"b\":null}}\n"
               "{\"id\":\"i\",\"a\":{\"b\":\"12x\"}}\n"
               "{\"id\":\"i\",\"c\":5.5}\n"
               "{\"id\":\"i\",\"a\":{\"b\":\"12x\"},\"c\":5}\n"
               "{\"id\":\"i\",\"a\":{\"b\":9223372036854775808}}\n",
               "id=i\n"
               "id=i\n"
               "! likes@56: a.b is not a number <12x>\n"
               "! likes@78: c has digits the type cannot hold <5.5>\n"
               "id=i likes=5 _flags=[likes:lost] _rest={\"a\":{\"b\":\"12x\"}}\n"
               "! likes@135: a.b is out of range <9223372036854775808>\n");
}

TEST(mapper_flags_exact_conversions_as_coerced)
{
    CHECK_RULE("likes: a",
               "{\"id\":\"i\",\"a\":\"5\"}\n{\"id\":\"i\",\"a\":5.0}\n"
               "{\"id\":7,\"a\":5e0}\n{\"id\":true,\"a\":5}\n",
               "id=i likes=5 _flags=[likes:coerced]\nid=i likes=5 _flags=[likes:coerced]\n"
               "id=7 likes=5 _flags=[id:coerced,likes:coerced]\n"
               "id=true likes=5 _flags=[id:coerced]\n");
}

TEST(mapper_reads_literals_and_builtins)
{
    CHECK_MAPPED("table: posts\ncolumns:\n  id: string\n  src: string\n  at: timestamp\n"
                 "  n: long\n  m: long\n  none: long\n  price: decimal(4,2)\n  live: boolean\n",
                 "source: s\ninto: posts\nmap:\n  id: $object\n  src: $source\n"
                 "  at: $received\n  n: $record\n  m: $record\n  none: = null\n"
                 "  price: = 1.5\n  live: = true\n",
                 "{}\nnope\n{}\n",
                 "id=01HF7YAT000000000000000000 src=s at=2023-11-14T22:13:20.123456Z n=0 m=0 "
                 "price=1.50 live=true\n"
                 "! @3: not JSON: a value is expected here\n"
                 "id=01HF7YAT000000000000000000 src=s at=2023-11-14T22:13:20.123456Z n=2 m=2 "
                 "price=1.50 live=true\n");
}

TEST(mapper_fills_the_system_columns)
{
    mapped self;
    mapped_open(&self, CONTRACT, MAPPING, true);
    mapped_run(&self, PL_FORMAT_NDJSON, PL_SPAN("{\"id\":\"a\"}\n[]\n{\"id\":\"b\"}\n"), 3);
    const pl_column *system = pl_mapper_batch(self.mapper) + self.contract->column_count;
    for (uint32_t row = 0; row < 2; row++) {
        CHECK_SPAN(OBJECT_ID, pl_column_span(&system[0], row));
        CHECK_INT(2 * row, system[1].i64[row]);
        CHECK_INT(4, system[2].i32[row]);
        CHECK(!system[3].valid[row] && !system[4].valid[row]);
    }
    CHECK_INT(2, system[3].nulls);
    CHECK_INT(2, pl_mapper_counts(self.mapper)->rows);
    CHECK_INT(1, pl_mapper_counts(self.mapper)->rejected);
    mapped_close(&self);
}

TEST(mapper_counts_values_of_rows_only)
{
    mapped self;
    mapped_open(&self, CONTRACT, MAPPING "  rate: a | b\n  likes: c\n", false);
    mapped_run(&self, PL_FORMAT_NDJSON,
               PL_SPAN("{\"id\":1,\"a\":\"x\",\"c\":1,\"q\":1,\"q\":2,\"q\":3}\n"
                       "{\"id\":\"b\",\"a\":1,\"b\":2,\"c\":1}\n"
                       "{\"id\":2,\"a\":\"x\",\"b\":2,\"c\":\"bad\",\"q\":1,\"q\":1}\n"),
               SIZE_MAX);
    const pl_map_counts *counts = pl_mapper_counts(self.mapper);
    CHECK_INT(2, counts->rows);
    CHECK_INT(1, counts->rejected);
    CHECK_INT(1, counts->lost);
    CHECK_INT(1, counts->coerced);
    CHECK_INT(1, counts->conflicts);
    CHECK_INT(2, counts->duplicate_keys);
    mapped_close(&self);
}

TEST(mapper_reads_index_and_lookup_paths_and_keeps_their_arrays_in_rest)
{
    CHECK_RULE("likes: 'data[name=\"likes\"].values[0].value'",
               "{\"id\":\"i\",\"data\":[{\"name\":\"x\"},{\"name\":\"likes\","
               "\"values\":[{\"value\":9}]}]}\n"
               "{\"id\":\"i\",\"data\":{\"name\":\"likes\"}}\n"
               "{\"id\":\"i\",\"data\":5}\n"
               "{\"id\":\"i\",\"data\":[{\"name\":\"likes\",\"values\":[]}]}\n",
               "id=i likes=9 _rest={\"data\":[{\"name\":\"x\"},{\"name\":\"likes\","
               "\"values\":[{\"value\":9}]}]}\n"
               "id=i _rest={\"data\":{\"name\":\"likes\"}}\n"
               "id=i _rest={\"data\":5}\n"
               "id=i _rest={\"data\":[{\"name\":\"likes\",\"values\":[]}]}\n");
}

TEST(mapper_drop_keeps_only_lost_values_in_rest)
{
    static const char drop[] = "source: s\ninto: posts\nrest: drop\nmap:\n  id: id\n"
                               "  rate: a | b\n";
    CHECK_MAPPED(CONTRACT, drop,
                 "{\"id\":\"i\",\"a\":1,\"z\":2}\n"
                 "{\"id\":\"i\",\"a\":\"x\",\"z\":2}\n"
                 "{\"id\":\"i\",\"a\":1,\"b\":2,\"z\":2}\n",
                 "id=i rate=1.0\n"
                 "id=i _flags=[rate:lost] _rest={\"a\":\"x\"}\n"
                 "id=i rate=1.0 _flags=[rate:conflict] _rest={\"b\":2}\n");
}

TEST(mapper_rest_never_says_one_key_twice)
{
    // The object and a member of it are both wanted, and neither fits.
    CHECK_RULE("rate: a | a.b", "{\"id\":\"i\",\"a\":{\"b\":\"x\",\"c\":1}}\n",
               "id=i _flags=[rate:lost] _rest={\"a\":{\"b\":\"x\",\"c\":1}}\n");
    // The object is taken as JSON, its member lost.
    CHECK_MAPPED(
        CONTRACT, MAPPING "  extra: a\n  rate: a.b\n",
        "{\"id\":\"i\",\"a\":{\"b\":\"x\",\"c\":1}}\n",
        "id=i extra={\"b\":\"x\",\"c\":1} _flags=[rate:lost] _rest={\"a\":{\"b\":\"x\"}}\n");
    // Repeated keys, under two spellings.
    CHECK_RULE("rate: a", "{\"id\":\"i\",\"z\":1,\"\\u007a\":2,\"y\":{\"k\":1},\"y\":3}\n",
               "id=i _rest={\"\\u007a\":2,\"y\":3}\n");
}

TEST(mapper_lists_keep_null_elements_and_are_lost_whole)
{
    CHECK_RULE("tags: a",
               "{\"id\":\"i\",\"a\":[]}\n{\"id\":\"i\",\"a\":[null, \"x\" ,null]}\n"
               "{\"id\":\"i\",\"a\":[\"x\",5,true]}\n{\"id\":\"i\",\"a\":[\"x\",[\"y\"]]}\n"
               "{\"id\":\"i\",\"a\":[{}]}\n{\"id\":\"i\",\"a\":\"x\"}\n",
               "id=i tags=[]\nid=i tags=[null,x,null]\nid=i tags=[x,5,true] _flags=[tags:coerced]\n"
               "id=i _flags=[tags:lost] _rest={\"a\":[\"x\",[\"y\"]]}\n"
               "id=i _flags=[tags:lost] _rest={\"a\":[{}]}\n"
               "id=i _flags=[tags:lost] _rest={\"a\":\"x\"}\n");
}

TEST(mapper_json_columns_hold_any_value_whole)
{
    CHECK_RULE(
        "extra: a",
        "{\"id\":\"i\",\"a\":{\"x\": {\"y\" :[ 1 , \"a b\" ]}}}\n"
        "{\"id\":\"i\",\"a\":[]}\n{\"id\":\"i\",\"a\":\"q\\\"\\u00e9\"}\n"
        "{\"id\":\"i\",\"a\":12e400}\n{\"id\":\"i\",\"a\":false}\n{\"id\":\"i\",\"a\":null}\n",
        "id=i extra={\"x\":{\"y\":[1,\"a b\"]}}\n"
        "id=i extra=[]\nid=i extra=\"q\\\"\\u00e9\"\n"
        "id=i extra=12e400\nid=i extra=false\nid=i\n");
    CHECK_MAPPED("table: posts\ncolumns:\n  id: string\n  parts: list(json)\n",
                 "source: s\ninto: posts\nmap:\n  id: id\n  parts: p\n",
                 "{\"id\":\"i\",\"p\":[{\"a\": 1}, \"x\", null, [2]]}\n",
                 "id=i parts=[{\"a\":1},\"x\",null,[2]]\n");
}

TEST(mapper_rejects_what_is_no_object_with_the_exact_byte)
{
    CHECK_RULE("rate: a",
               " [1]\n5\n\"x\"\nnull\ntrue\n{\"id\":\"i\"\n{\"id\":\"i\"} x\n{\"id\" 1}\n{'id':1}\n"
               "{\"id\":01}\n{\"id\":\"\\x\"}\n{\"id\":\"i\",}\n{\"id\":tru}\nx\n",
               "! @1: a record must be an object, found an array\n"
               "! @5: a record must be an object, found a number\n"
               "! @7: a record must be an object, found a text\n"
               "! @11: a record must be an object, found null\n"
               "! @16: a record must be an object, found true\n"
               "! @30: not JSON: the text ends inside an object\n"
               "! @42: not JSON: text follows the value\n"
               "! @50: not JSON: a colon is expected here\n"
               "! @54: not JSON: a key in quotes is expected here\n"
               "! @68: not JSON: a number has a leading zero\n"
               "! @80: not JSON: this escape does not exist\n"
               "! @94: not JSON: a key in quotes is expected here\n"
               "! @102: not JSON: a value is expected here\n"
               "! @107: not JSON: a value is expected here\n");
}

TEST(mapper_samples_are_cut_at_a_code_point)
{
    pl_buf content = {0}, want = {0}, word = {0};
    pl_buf_char(&word, 'x');
    for (int i = 0; i < 50; i++) pl_buf_text(&word, "\xC3\xA9");
    pl_buf_printf(&content, "{\"id\":\"i\",\"a\":\"%s\"}\n", pl_buf_cstr(&word));
    pl_buf_printf(&want, "! likes@14: a is not a number <%.79s...>\n", pl_buf_cstr(&word));
    CHECK_RULE("likes: a", pl_buf_cstr(&content), pl_buf_cstr(&want));
    pl_buf_done(&content);
    pl_buf_done(&want);
    pl_buf_done(&word);
}

TEST(mapper_of_an_envelope_counts_bytes_in_the_content)
{
    CHECK_MAPPED(CONTRACT,
                 "source: s\ninto: posts\nrecords: d.list[]\nmap:\n  id: id\n  likes: n\n",
                 "{\"d\":{\"list\":[{\"id\":\"a\"}, {\"id\":\"b\",\"n\":\"x\"},7]}}\n"
                 "{\"d\":{\"list\":[]}}\n{\"d\":{}}\n{\"d\":{\"list\":[{\"id\":\"c\"}",
                 "id=a\n"
                 "! likes@40: n is not a number <x>\n"
                 "! @45: a record must be an object, found a number\n"
                 "! @68: no array at d.list\n"
                 "id=c\n"
                 "! @101: the text ends inside an array\n");
}

TEST(mapper_refuses_a_schema_that_lacks_a_column)
{
    mapped self;
    plumb_error err;
    pl_map_plan *plan;
    mapped_open(&self, CONTRACT, MAPPING "  rate: a\n", false);
    pl_schema other = pl_schema_copy(&self.arena, &self.schema);
    other.fields[2].name = PL_SPAN("other");
    CHECK_INT(PLUMB_E_MISUSE, pl_map_compile(self.mapping, &other, 1, &self.arena, &plan, &err));
    CHECK_STR("cannot map column 'rate': table 'posts' lacks it", err.message);
    mapped_close(&self);
    pl_mapper_free(NULL);
}

TEST(mapper_tells_of_the_first_conflict_of_a_column)
{
    mapped self;
    uint64_t counts[3][8] = {{0}};
    pl_map_conflict conflicts[8] = {0}, earlier = {.rows = 1, .object = "01", .record = 0};
    pl_map_tally tally = {0, 0, counts[0], counts[1], counts[2], conflicts};
    mapped_open(&self, CONTRACT, MAPPING "  likes: a parse(compact) | b | c\n", false);
    mapped_run(&self, PL_FORMAT_NDJSON,
               PL_SPAN("{\"id\":\"1\",\"a\":5,\"b\":5}\n"
                       "{\"b\":1,\"c\":2}\n" // no row: it has no id
                       "{\"id\":\"2\",\"a\":\"1.2K\",\"b\":1200,\"c\":7}\n"
                       "{\"id\":\"3\",\"a\":1,\"b\":\"many\"}\n"),
               SIZE_MAX);
    pl_mapper_tally(self.mapper, &tally);
    CHECK_INT(0, conflicts[0].rows);
    CHECK_INT(2, conflicts[1].rows);
    CHECK_INT(2, conflicts[1].record);
    CHECK_INT(0, conflicts[1].won);
    CHECK_INT(2, conflicts[1].other);
    CHECK_STR("\"1.2K\"", conflicts[1].won_text);
    CHECK_STR("7", conflicts[1].other_text);
    pl_mapper_tally(self.mapper, &tally); // nothing new
    CHECK_INT(2, conflicts[1].rows);
    snprintf(conflicts[1].object, sizeof conflicts[1].object, "02");
    pl_map_conflict_add(&conflicts[1], &earlier);
    CHECK_INT(3, conflicts[1].rows);
    CHECK_STR("01", conflicts[1].object);
    mapped_close(&self);
}

int main(void)
{
    return RUN_TESTS(
        "map/mapper", T(mapper_fills_a_row_and_keeps_what_no_column_took),
        T(mapper_takes_the_first_term_that_is_present_not_null_and_fits),
        T(mapper_flags_a_later_term_with_another_value_as_conflict_and_keeps_it),
        T(mapper_tells_of_the_first_conflict_of_a_column),
        T(mapper_keeps_a_lost_value_of_an_optional_column_as_it_stood),
        T(mapper_rejects_a_record_whose_required_column_has_no_value),
        T(mapper_rejects_a_record_whose_critical_value_does_not_fit_and_keeps_an_absent_one_null),
        T(mapper_flags_exact_conversions_as_coerced), T(mapper_reads_literals_and_builtins),
        T(mapper_fills_the_system_columns), T(mapper_counts_values_of_rows_only),
        T(mapper_reads_index_and_lookup_paths_and_keeps_their_arrays_in_rest),
        T(mapper_drop_keeps_only_lost_values_in_rest), T(mapper_rest_never_says_one_key_twice),
        T(mapper_lists_keep_null_elements_and_are_lost_whole),
        T(mapper_json_columns_hold_any_value_whole),
        T(mapper_rejects_what_is_no_object_with_the_exact_byte),
        T(mapper_samples_are_cut_at_a_code_point),
        T(mapper_of_an_envelope_counts_bytes_in_the_content),
        T(mapper_refuses_a_schema_that_lacks_a_column));
}
