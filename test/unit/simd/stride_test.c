// Every value of every byte that is collected: the wide form says what the scalar form says.
//
// SPDX-License-Identifier: Apache-2.0
#include "simd/stride.h"

#include "guard.h"

TEST(pairs_are_collected_as_the_scalar_form_does)
{
    enum { STRIDE = 40 };
    uint16_t scalar[8], wide[8];
    char *at = guarded(0, 7 * STRIDE + 2); // what is not read lies behind
    memset(at, 0x55, 7 * STRIDE + 2);
    for (int i = 0; i < 8; i++)
        for (int pair = 0; pair < 1 << 16; pair += pair < 1024 ? 1 : 251) {
            uint16_t value = (uint16_t)pair;
            memcpy(at + i * STRIDE, &value, sizeof value);
            pl_scalar_collect8(scalar, at, STRIDE, 3);
            pl_simd_collect8(wide, at, STRIDE, 3);
            CHECK_INT(value == 3 ? 2 : value, scalar[i]);
            CHECK(memcmp(scalar, wide, sizeof wide) == 0);
        }
}

TEST(rows_are_the_same_if_all_their_pairs_are)
{
    enum { BLOCKS = 3, PAIRS = BLOCKS * 8 };
    uint16_t *a = (void *)guarded(0, sizeof(uint16_t) * PAIRS), b[PAIRS];
    for (int i = 0; i < PAIRS; i++) a[i] = b[i] = (uint16_t)(i * 257);
    CHECK(pl_simd_same8(a, b, 0));
    CHECK(pl_simd_same8(a, b, BLOCKS));
    for (int i = 0; i < PAIRS; i++)
        for (int bit = 0; bit < 16; bit++) {
            b[i] = (uint16_t)(b[i] ^ 1u << bit);
            CHECK(!pl_simd_same8(a, b, BLOCKS));
            CHECK(pl_simd_same8(a, b, (size_t)i / 8));
            b[i] = a[i];
        }
}

int main(void)
{
    return RUN_TESTS("simd/stride", T(pairs_are_collected_as_the_scalar_form_does),
                     T(rows_are_the_same_if_all_their_pairs_are));
}
