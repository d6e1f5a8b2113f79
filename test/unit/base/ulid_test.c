// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "base/ulid.h"

static pl_ulids make(uint8_t seed)
{
    uint8_t entropy[32];
    memset(entropy, seed, sizeof entropy);
    return pl_ulids_make(entropy);
}

TEST(ulid_carries_its_time)
{
    pl_ulids ulids = make(1);
    char id[PL_ULID_TEXT];
    pl_ulid_next(&ulids, INT64_C(1469918176385) * 1000 + 999, id);
    CHECK_INT(26, strlen(id));
    CHECK(pl_span_starts(pl_span_of(id), PL_SPAN("01ARYZ6S41"))); // the example of the ULID text
    CHECK(pl_ulid_valid(pl_span_of(id)));
    CHECK(pl_ulid_micros(pl_span_of(id)) == INT64_C(1469918176385) * 1000);
}

TEST(ulid_rises_even_when_the_clock_does_not)
{
    pl_ulids ulids = make(2);
    char before[PL_ULID_TEXT] = "", id[PL_ULID_TEXT];
    for (int i = 0; i < 200000; i++) {
        pl_ulid_next(&ulids, 5000000 - i * 10, id);
        CHECK(strcmp(before, id) < 0);
        memcpy(before, id, sizeof id);
    }
    pl_ulids last = {.seed = {1}, .ms = 7, .high = 0xffff, .low = UINT64_MAX};
    pl_ulid_next(&last, 0, id);
    CHECK_INT(8000, pl_ulid_micros(pl_span_of(id)));
}

TEST(ulid_differs_by_seed_and_repeats_by_seed)
{
    pl_ulids a = make(3), b = make(4), c = make(3), zero = make(0);
    char ids[4][PL_ULID_TEXT];
    pl_ulid_next(&a, 1000, ids[0]);
    pl_ulid_next(&b, 1000, ids[1]);
    pl_ulid_next(&c, 1000, ids[2]);
    CHECK(strcmp(ids[0], ids[1]) != 0);
    CHECK_STR(ids[0], ids[2]);
    pl_ulid_next(&zero, 1000, ids[3]);
    CHECK(strcmp(ids[3] + 10, "0000000000000000") != 0);
    pl_ulid_next(&zero, -5, ids[3]);
    CHECK(pl_ulid_valid(pl_span_of(ids[3])));
}

TEST(ulid_valid_refuses_other_text)
{
    CHECK(pl_ulid_valid(PL_SPAN("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")));
    CHECK(!pl_ulid_valid(PL_SPAN("8ZZZZZZZZZZZZZZZZZZZZZZZZZ")));
    CHECK(!pl_ulid_valid(PL_SPAN("01ARYZ6S41TSV4RRFFQ69G5FA")));
    CHECK(!pl_ulid_valid(PL_SPAN("01ARYZ6S41TSV4RRFFQ69G5FAI")));
    CHECK(!pl_ulid_valid(PL_SPAN("01aryz6s41tsv4rrffq69g5fav")));
    CHECK(!pl_ulid_valid(PL_SPAN("01ARYZ6S41TSV4RRFFQ69G5F\0V")));
}

int main(void)
{
    return RUN_TESTS("base/ulid", T(ulid_carries_its_time),
                     T(ulid_rises_even_when_the_clock_does_not),
                     T(ulid_differs_by_seed_and_repeats_by_seed), T(ulid_valid_refuses_other_text));
}
