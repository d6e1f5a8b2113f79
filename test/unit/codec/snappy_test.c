// SPDX-License-Identifier: Apache-2.0
#include "codec/snappy.h"

#include "unit.h"

TEST(snappy_writes_a_block_with_its_size_in_front)
{
    char input[1000], out[4096];
    memset(input, 'a', sizeof input);
    CHECK(pl_snappy_bound(sizeof input) >= sizeof input);
    CHECK(pl_snappy_bound(sizeof input) <= sizeof out);
    size_t bytes = pl_snappy_compress(pl_span_make(input, sizeof input), out);
    CHECK(bytes > 2 && bytes < 100);
    assert_memory_equal("\xe8\x07", out, 2); // varint 1000
}

TEST(snappy_of_nothing_is_a_zero)
{
    char out[64];
    CHECK_INT(1, pl_snappy_compress(PL_SPAN(""), out));
    CHECK_INT(0, out[0]);
}

TEST(snappy_expands_what_it_wrote_and_refuses_the_rest)
{
    char input[1000], packed[4096], out[1000];
    size_t says;
    for (size_t i = 0; i < sizeof input; i++) input[i] = (char)(i * i % 91);
    size_t bytes = pl_snappy_compress(pl_span_make(input, sizeof input), packed);
    CHECK(pl_snappy_size(pl_span_make(packed, bytes), &says));
    CHECK_INT(sizeof input, says);
    CHECK(pl_snappy_expand(pl_span_make(packed, bytes), out));
    assert_memory_equal(input, out, sizeof input);
    CHECK(!pl_snappy_expand(pl_span_make(packed, bytes - 1), out));
    CHECK(!pl_snappy_size(PL_SPAN("\xff\xff\xff\xff\xff"), &says));
}

int main(void)
{
    return RUN_TESTS("codec/snappy", T(snappy_writes_a_block_with_its_size_in_front),
                     T(snappy_of_nothing_is_a_zero),
                     T(snappy_expands_what_it_wrote_and_refuses_the_rest));
}
