// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "flow/keyset.h"
#include "unit.h"

#include <stdio.h>

static pl_contract_column columns[] = {{.field = {.name = {"a", 1}, .type = {.kind = PL_STRING}}},
                                       {.field = {.name = {"b", 1}, .type = {.kind = PL_STRING}}}};
static uint32_t keys[] = {0, 1};
static pl_field fields[] = {{.name = {"b", 1}, .type = {.kind = PL_STRING}},
                            {.name = {"a", 1}, .type = {.kind = PL_STRING}}};
static const pl_schema schema = {.count = 2, .fields = fields};

static pl_keyset make(uint32_t key_count)
{
    pl_contract contract = {.columns = columns, .key_count = key_count, .keys = keys};
    pl_keyset set;
    pl_keyset_init(&set, &contract, &schema);
    pl_keyset_object(&set);
    return set;
}

static uint64_t join(uint64_t hash, const char *text)
{
    pl_value value = {.kind = PL_STRING, .is_null = !text, .text = pl_span_of(text)};
    return pl_keyset_join(hash, &value);
}

static void row(pl_keyset *set, const char *a, const char *b)
{
    uint64_t hash = join(0, a);
    pl_keyset_add(set, set->column_count > 1 ? join(hash, b) : hash);
}

TEST(keyset_counts_rows_whose_whole_key_was_seen)
{
    pl_keyset set = make(2);
    row(&set, "1", "x");
    row(&set, "1", "y");
    row(&set, "1", "x");
    row(&set, "1", "x");
    CHECK_INT(2, pl_keyset_duplicates(&set));
    pl_keyset_done(&set);
}

TEST(keyset_keeps_the_borders_of_values_apart)
{
    pl_keyset set = make(2);
    row(&set, "ab", "c");
    row(&set, "a", "bc");
    row(&set, NULL, "abc");
    row(&set, "", "abc");
    CHECK_INT(0, pl_keyset_duplicates(&set));
    pl_keyset_done(&set);
}

TEST(keyset_starts_anew_with_each_object)
{
    pl_keyset set = make(1);
    row(&set, "1", "x");
    row(&set, "1", "x");
    CHECK_INT(1, pl_keyset_duplicates(&set));
    pl_keyset_object(&set);
    row(&set, "1", "x");
    CHECK_INT(0, pl_keyset_duplicates(&set));
    pl_keyset_done(&set);
}

TEST(keyset_stays_exact_while_it_grows)
{
    pl_keyset set = make(1);
    char text[16];
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < 50000; i++) {
            snprintf(text, sizeof text, "%d", i);
            row(&set, text, "");
        }
    CHECK_INT(50000, pl_keyset_duplicates(&set));
    pl_keyset_done(&set);
}

TEST(keyset_of_a_table_without_a_key_counts_nothing)
{
    pl_keyset set = make(0);
    row(&set, "1", "x");
    row(&set, "1", "x");
    CHECK_INT(0, pl_keyset_duplicates(&set));
    pl_keyset_done(&set);
}

// Insert the first `count` texts whose keys begin their search at one place of the first table.
static void rows_close_together(pl_keyset *set, unsigned count)
{
    for (unsigned number = 0; count; number++) {
        char key[16];
        snprintf(key, sizeof key, "%u", number);
        if ((pl_hash_join(0, pl_hash(pl_span_of(key))) & 1022) != 6) continue;
        row(set, key, "");
        count--;
    }
}

TEST(keyset_does_not_remember_all_keys_made_to_lie_close_together)
{
    pl_keyset set = make(1);
    rows_close_together(&set, 300);
    CHECK_INT(0, pl_keyset_duplicates(&set));
    rows_close_together(&set, 300);
    CHECK_INT(128, pl_keyset_duplicates(&set));
    pl_keyset_done(&set);
}

int main(void)
{
    return RUN_TESTS("flow/keyset", T(keyset_counts_rows_whose_whole_key_was_seen),
                     T(keyset_keeps_the_borders_of_values_apart),
                     T(keyset_starts_anew_with_each_object), T(keyset_stays_exact_while_it_grows),
                     T(keyset_of_a_table_without_a_key_counts_nothing),
                     T(keyset_does_not_remember_all_keys_made_to_lie_close_together));
}
