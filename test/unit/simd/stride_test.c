// Every bit of each of the four words: the wide form says what the scalar form says.
//
// SPDX-License-Identifier: Apache-2.0
#include "simd/stride.h"

#include "guard.h"

TEST(words_differ_where_the_scalar_form_says_so)
{
    enum { STRIDE = 32 };
    char *at = guarded(0, 3 * STRIDE + 8); // what is not read lies behind
    uint32_t than[4] = {1, 0x80000000, 7, 0}, mask[4] = {~0u, ~0u, ~1u, ~0u};
    memset(at, 0x55, 3 * STRIDE + 8);
    for (int i = 0; i < 4; i++) memcpy(at + i * STRIDE, &than[i], sizeof than[i]);
    CHECK(!pl_simd_differ4(at, STRIDE, than, mask));
    for (int i = 0; i < 4; i++)
        for (int bit = 0; bit < 32; bit++) {
            at[i * STRIDE + bit / 8] ^= (char)(1 << bit % 8);
            CHECK_INT(!(i == 2 && bit == 0), pl_scalar_differ4(at, STRIDE, than, mask));
            CHECK_INT(!(i == 2 && bit == 0), pl_simd_differ4(at, STRIDE, than, mask));
            at[i * STRIDE + bit / 8] ^= (char)(1 << bit % 8);
        }
}

int main(void)
{
    return RUN_TESTS("simd/stride", T(words_differ_where_the_scalar_form_says_so));
}
