// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "flow/raw.h"

#define SNIFF(text) pl_format_name(pl_raw_sniff(PL_SPAN(text), true))
#define CUT(text)   pl_format_name(pl_raw_sniff(PL_SPAN(text), false))

TEST(sniff_knows_arrays)
{
    CHECK_STR("array", SNIFF("[]"));
    CHECK_STR("array", SNIFF("\xef\xbb\xbf \r\n\t[{}]"));
    CHECK_STR("array", CUT("[{\"a\": 1},\n"));
}

TEST(sniff_knows_ndjson)
{
    CHECK_STR("ndjson", SNIFF(""));
    CHECK_STR("ndjson", SNIFF("{}"));
    CHECK_STR("ndjson", SNIFF("{\"a\": 1}\n"));
    CHECK_STR("ndjson", SNIFF("{\"a\": \"}{\\\"\"}\r\n{\"a\": [2]}\r\n"));
    CHECK_STR("ndjson", SNIFF("\n\n{\"a\": {\"b\": []}}\n\n{\"a\": 2}\n"));
    CHECK_STR("ndjson", SNIFF("1\n2\n"));
    CHECK_STR("ndjson", SNIFF("not json at all"));
    CHECK_STR("ndjson", CUT("{\"a\": 1}\n{\"a\": 2"));
    // One line as far as it is seen: as a line, what may follow it is not drawn into it.
    CHECK_STR("ndjson", CUT("{\"data\": [{\"id\": 1}, {\"id\":"));
}

TEST(sniff_knows_documents)
{
    CHECK_STR("document", SNIFF("{\n  \"a\": 1\n}\n"));
    CHECK_STR("document", SNIFF("{\"data\": [\n{\"id\": 1},\n{\"id\": 2}\n]}\n"));
    CHECK_STR("document", SNIFF("{\"data\":\n{\"id\": 1}}"));
    CHECK_STR("document", SNIFF("{\"data\": [\n{\"id\": 1}\n]}\n"));
}

TEST(sniff_knows_concatenated_documents)
{
    CHECK_STR("concatenated", SNIFF("{}{}"));
    CHECK_STR("concatenated", CUT("{\"a\": \"}\"} {\"a\": "));
    CHECK_STR("concatenated", SNIFF("{\"a\": 1}{\"a\": 2}\n{\"a\": 3}{\"a\": 4}\n"));
    CHECK_STR("concatenated", SNIFF("{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n"));
    // Whichever comes first: what is spread over lines, or what is not.
    CHECK_STR("concatenated", SNIFF("{\"a\": 1}\n{\n \"a\": 2\n}\n{\n \"a\": 3\n}\n"));
    CHECK_STR("concatenated", SNIFF("{\"a\": 1}\n{\"a\": 2}\n{\"a\": 3}\n{\n \"a\": 2\n}"));
    CHECK_STR("concatenated", SNIFF("{\n \"a\": 1\n}\n{\"a\": 2}\n{\"a\": 3}\n{\"a\": 4}\n"));
    // Lines stay lines although two records stand on one.
    CHECK_STR("ndjson", SNIFF("{\"a\": 1}{\"a\": 2}\n{\"a\": 3}\n{\"a\": 4}\n"));
    CHECK_STR("ndjson", SNIFF("{\"a\": 1}}\n{\"a\": 3}\n"));
}

TEST(sniff_is_not_misled_by_a_broken_first_line)
{
    CHECK_STR("ndjson", SNIFF("{\"a\": \n{\"a\": 2}\n{\"a\": 3}\n"));
    CHECK_STR("ndjson", SNIFF("{\"a\": 1\n{\"a\": 2}\n"));
    CHECK_STR("ndjson",
              SNIFF("{\"a\": \"x}\n{\"a\": \"y\"}\n{\"a\": 3}\n")); // no string holds a newline
    CHECK_STR("ndjson", SNIFF("{\"a\": 1}\nnonsense\nnonsense\n{\"a\": 3"));
    CHECK_STR("ndjson", SNIFF("{\"a\": 1")); // one line is one line
}

int main(void)
{
    return RUN_TESTS("flow/sniff", T(sniff_knows_arrays), T(sniff_knows_ndjson),
                     T(sniff_knows_documents), T(sniff_knows_concatenated_documents),
                     T(sniff_is_not_misled_by_a_broken_first_line));
}
