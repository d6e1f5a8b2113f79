// Values published with the algorithm: seed 0, of nothing and of "a", "abc". Of every length up to
// 64 what the library says, all in one number.
//
// SPDX-License-Identifier: Apache-2.0
#include "codec/xxh64.h"

#include "unit.h"

TEST(xxh64_is_the_published_hash)
{
    CHECK(pl_xxh64(PL_SPAN("")) == UINT64_C(0xef46db3751d8e999));
    CHECK(pl_xxh64(PL_SPAN("a")) == UINT64_C(0xd24ec4f1a98c6e5b));
    CHECK(pl_xxh64(PL_SPAN("abc")) == UINT64_C(0x44bc2cf5ad770999));
}

TEST(xxh64_is_the_same_for_any_length)
{
    char bytes[64];
    uint64_t all = 0;
    for (int i = 0; i < 64; i++) bytes[i] = (char)(uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) all = all * 31 + pl_xxh64(pl_span_make(bytes, n));
    CHECK(all == UINT64_C(0x0e589a24d58d1c8a));
}

int main(void)
{
    return RUN_TESTS("codec/xxh64", T(xxh64_is_the_published_hash),
                     T(xxh64_is_the_same_for_any_length));
}
