// Values published with the algorithm: seed 0, of nothing and of "a", "abc".
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

int main(void)
{
    return RUN_TESTS("codec/xxh64", cmocka_unit_test(xxh64_is_the_published_hash));
}
