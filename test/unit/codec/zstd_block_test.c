// SPDX-License-Identifier: Apache-2.0
#include "codec/zstd_block.h"

#include <stdlib.h>

#include "unit.h"

TEST(zstd_block_gives_back_what_was_packed)
{
    pl_zstd_packer *packer = pl_zstd_packer_new(PL_ZSTD_LEVEL);
    char in[5000], out[5000];
    for (size_t i = 0; i < sizeof in; i++) in[i] = (char)(i * i % 251);
    char *packed = pl_alloc(pl_zstd_bound(sizeof in));
    for (size_t bytes = 0; bytes <= sizeof in; bytes += 1 + bytes / 2) {
        size_t got = pl_zstd_pack(packer, pl_span_make(in, bytes), packed);
        CHECK(got <= pl_zstd_bound(bytes));
        CHECK(pl_zstd_expand(pl_span_make(packed, got), out, bytes));
        assert_memory_equal(in, out, bytes);
        CHECK(!pl_zstd_expand(pl_span_make(packed, got - 1), out, bytes));
        if (bytes) CHECK(!pl_zstd_expand(pl_span_make(packed, got), out, bytes - 1));
    }
    free(packed);
    pl_zstd_packer_free(packer);
    pl_zstd_packer_free(NULL);
}

TEST(zstd_block_refuses_a_smaller_content)
{
    pl_zstd_packer *packer = pl_zstd_packer_new(PL_ZSTD_LEVEL);
    char packed[100], out[10];
    size_t got = pl_zstd_pack(packer, PL_SPAN("abc"), packed);
    CHECK(!pl_zstd_expand(pl_span_make(packed, got), out, 4));
    CHECK(!pl_zstd_expand(PL_SPAN("no zstd at all"), out, 4));
    pl_zstd_packer_free(packer);
}

int main(void)
{
    return RUN_TESTS("codec/zstd_block", cmocka_unit_test(zstd_block_gives_back_what_was_packed),
                     cmocka_unit_test(zstd_block_refuses_a_smaller_content));
}
