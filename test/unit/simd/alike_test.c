// Every place where the two first differ, by every bit: the wide form says what the scalar form
// says.
//
// SPDX-License-Identifier: Apache-2.0
#include "simd/alike.h"

#include "guard.h"

TEST(bytes_are_alike_up_to_the_first_that_is_not)
{
    char *a = guarded(0, 32), *b = guarded(1, 32); // what is not read lies behind
    for (int i = 0; i < 32; i++) a[i] = b[i] = (char)(i * 7);
    CHECK_INT(32, pl_scalar_alike32(a, b));
    CHECK_INT(32, pl_simd_alike32(a, b));
    for (int i = 31; i >= 0; i--) // those behind differ, too
        for (int bit = 0; bit < 8; bit++) {
            b[i] = (char)(a[i] ^ 1 << bit);
            CHECK_INT(i, pl_scalar_alike32(a, b));
            CHECK_INT(i, pl_simd_alike32(a, b));
        }
}

int main(void)
{
    return RUN_TESTS("simd/alike", T(bytes_are_alike_up_to_the_first_that_is_not));
}
