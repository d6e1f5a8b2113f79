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

int main(void)
{
    return RUN_TESTS("codec/snappy", T(snappy_writes_a_block_with_its_size_in_front),
                     T(snappy_of_nothing_is_a_zero));
}
