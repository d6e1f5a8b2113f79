// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <stdio.h>

#include "unit.h"

static int32_t murmur(const void *bytes, size_t count)
{
    return (int32_t)pl_murmur3(pl_span_make(bytes, count));
}

TEST(murmur3_matches_the_vectors_of_the_iceberg_specification)
{
    int64_t number = 34, date = 17486, time = INT64_C(81068000000),
            timestamp = INT64_C(1510871468000000);
    CHECK_INT(2017239379, murmur(&number, 8));
    CHECK_INT(-653330422, murmur(&date, 8));
    CHECK_INT(-662762989, murmur(&time, 8));
    CHECK_INT(-2047944441, murmur(&timestamp, 8));
    CHECK_INT(-500754589, murmur("\x05\x8C", 2)); // decimal 14.20
    CHECK_INT(1210000089, murmur("iceberg", 7));
    CHECK_INT(1488055340,
              murmur("\xF7\x9C\x3E\x09\x67\x7C\x4B\xBD\xA4\x79\x3F\x34\x9C\xB7\x85\xE7", 16));
    CHECK_INT(-188683207, murmur("\0\1\2\3", 4));
    CHECK_INT(0, murmur(NULL, 0));
}

TEST(murmur3_reads_every_tail_length)
{
    // Reference values of the public algorithm for prefixes of one text.
    static const int32_t want[] = {0x3c2569b2, (int32_t)0x9bbfd75f, (int32_t)0xb3dd93fa, 0x43ed676a,
                                   (int32_t)0xe89b9af6};
    for (size_t i = 0; i < PL_COUNT(want); i++) CHECK_INT(want[i], murmur("abcde", i + 1));
}

TEST(hash_depends_on_every_byte_and_on_the_length)
{
    char text[41] = {0};
    for (size_t bytes = 0; bytes <= 40; bytes++) {
        uint64_t plain = pl_hash(pl_span_make(text, bytes));
        CHECK(bytes == 0 || plain != pl_hash(pl_span_make(text, bytes - 1)));
        for (size_t i = 0; i < bytes; i++) {
            text[i] = 1;
            CHECK(plain != pl_hash(pl_span_make(text, bytes)));
            text[i] = 0;
        }
    }
    CHECK(pl_hash((pl_span){0}) == pl_hash(PL_SPAN("")));
}

TEST(hash_is_the_same_in_every_version)
{
    // From an implementation of its own (test/shape_stored.py); each length has its way.
    static const struct {
        const char *text;
        uint64_t hash;
    } cases[] = {
        {"", 0x84a4568eee53e678},
        {"1", 0x4b86f0ff83f9cf4a},
        {"17", 0x5f6588fb4d0bea39},
        {"abcd", 0x9d1573db1071ad70},
        {"abcdefg", 0xdb9d798896e004f9},
        {"12345678", 0x2e86791fa257babc},
        {"7203457023459023", 0x9165d5a99a479c6d},
        {"72034570234590231", 0xf727240646e748c1},
        {"01JD8Z3V7Q0000000000000000", 0x85d327a670ff7f97},
        {"https://example.org/a?b=1&c=2", 0xcb07d12d75d524d3},
        {"https://example.org/a?b=1&c=2&d=3&e=4", 0xf8c3b93f47ef0778},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++)
        CHECK_INT((int64_t)cases[i].hash, (int64_t)pl_hash(pl_span_of(cases[i].text)));
}

// By chance 64 buckets of equal chances are further apart than `worst` once in 10^7 times.
enum { IDS = 64 * 300, BUCKETS = 64 };

static bool is_even(const uint32_t counts[BUCKETS])
{
    const double worst = 142, mean = (double)IDS / BUCKETS;
    double chi = 0;
    for (int i = 0; i < BUCKETS; i++) chi += (counts[i] - mean) * (counts[i] - mean) / mean;
    return chi < worst;
}

TEST(hash_spreads_ids_as_they_are_given_over_all_its_bits)
{
    static const struct {
        const char *before;
        int digits;
        const char *behind;
    } kinds[] = {{"", 1, ""},
                 {"", 10, ""},
                 {"post_", 1, ""},
                 {"", 1, "0000000000"},
                 {"7203457023", 9, ""},
                 {"00000000-0000-4000-8000-", 12, ""},
                 {"01JD8Z3V7Q000000000", 7, ""},
                 {"https://example.org/p/", 1, "?hl=en"}};
    for (size_t kind = 0; kind < PL_COUNT(kinds); kind++) {
        uint32_t counts[59][BUCKETS] = {0};
        for (unsigned i = 0; i < IDS; i++) {
            char id[64];
            snprintf(id, sizeof id, "%s%0*u%s", kinds[kind].before, kinds[kind].digits, i,
                     kinds[kind].behind);
            uint64_t hash = pl_hash(pl_span_of(id));
            for (int bit = 0; bit < 59; bit++) counts[bit][hash >> bit & (BUCKETS - 1)]++;
        }
        for (int bit = 0; bit < 59; bit++) CHECK(is_even(counts[bit]));
    }
}

int main(void)
{
    return RUN_TESTS("base/hash", T(murmur3_matches_the_vectors_of_the_iceberg_specification),
                     T(murmur3_reads_every_tail_length),
                     T(hash_depends_on_every_byte_and_on_the_length),
                     T(hash_is_the_same_in_every_version),
                     T(hash_spreads_ids_as_they_are_given_over_all_its_bits));
}
