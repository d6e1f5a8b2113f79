// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

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

int main(void)
{
    return RUN_TESTS("base/hash", T(murmur3_matches_the_vectors_of_the_iceberg_specification),
                     T(murmur3_reads_every_tail_length),
                     T(hash_depends_on_every_byte_and_on_the_length));
}
