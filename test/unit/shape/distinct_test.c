// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shape/shape_int.h"
#include "unit.h"

static uint64_t hash_of(int i)
{
    char text[16];
    return pl_shape_scalar_of(pl_span_make(text, (size_t)snprintf(text, sizeof text, "%d", i)))
        .hash;
}

static void done(pl_distinct *distinct)
{
    free(distinct->hashes);
    free(distinct->registers);
}

TEST(distinct_is_exact_up_to_its_limit)
{
    pl_distinct distinct = {0};
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < (int)PL_DISTINCT_EXACT; i++) pl_distinct__add(&distinct, hash_of(i));
    CHECK(pl_distinct_count(&distinct) == PL_DISTINCT_EXACT && !distinct.registers);
    for (uint32_t i = 1; i < distinct.count; i++)
        CHECK(distinct.hashes[i - 1] < distinct.hashes[i]);
    pl_distinct__add(&distinct, hash_of(-1));
    CHECK(distinct.registers && !distinct.hashes);
    CHECK(fabs(pl_distinct_count(&distinct) - 257) < 257 * 0.066);
    done(&distinct);
}

TEST(distinct_is_near_beyond_it)
{
    pl_distinct distinct = {0};
    int next = 1000;
    for (int i = 0; i < 1000000; i++) {
        pl_distinct__add(&distinct, hash_of(i));
        if (i + 1 != next) continue;
        if (fabs(pl_distinct_count(&distinct) - next) > next * 0.1) // three standard errors
            fail_msg("%d: %.0f", next, pl_distinct_count(&distinct));
        next *= 10;
    }
    done(&distinct);
}

TEST(distinct_merges_to_what_all_values_together_make)
{
    static const int splits[][3] = {{0, 5, 9},       {0, 200, 400},  {0, 256, 256},
                                    {0, 2000, 2010}, {0, 100, 5000}, {0, 5000, 9000}};
    for (size_t s = 0; s < PL_COUNT(splits); s++) {
        pl_distinct a = {0}, b = {0}, ab = {0}, ba = {0}, all = {0};
        for (int i = 0; i < splits[s][1]; i++) pl_distinct__add(&a, hash_of(i));
        for (int i = splits[s][1] / 2; i < splits[s][2]; i++) pl_distinct__add(&b, hash_of(i));
        for (int i = 0; i < splits[s][2]; i++) pl_distinct__add(&all, hash_of(i));
        pl_distinct__merge(&ab, &a);
        pl_distinct__merge(&ab, &b);
        pl_distinct__merge(&ba, &b);
        pl_distinct__merge(&ba, &a);
        CHECK(ab.count == all.count && ba.count == all.count);
        CHECK(!ab.registers == !all.registers && !ba.registers == !all.registers);
        if (all.registers) {
            CHECK(memcmp(ab.registers, all.registers, 1 << PL_DISTINCT_BITS) == 0);
            CHECK(memcmp(ba.registers, all.registers, 1 << PL_DISTINCT_BITS) == 0);
        } else {
            CHECK(memcmp(ab.hashes, all.hashes, all.count * sizeof *all.hashes) == 0);
            CHECK(memcmp(ba.hashes, all.hashes, all.count * sizeof *all.hashes) == 0);
        }
        done(&a), done(&b), done(&ab), done(&ba), done(&all);
    }
}

// Those of sampled entities are small ones.
TEST(distinct_is_near_of_hashes_that_were_chosen_by_their_size)
{
    pl_distinct distinct = {0};
    int count = 0;
    for (int i = 0; count < 5000; i++) {
        if (!pl_shape_samples(hash_of(i))) continue;
        pl_distinct__add(&distinct, hash_of(i));
        count++;
    }
    CHECK(fabs(pl_distinct_count(&distinct) - 5000) < 5000 * 0.1);
    done(&distinct);
}

int main(void)
{
    return RUN_TESTS("shape/distinct", T(distinct_is_exact_up_to_its_limit),
                     T(distinct_is_near_beyond_it),
                     T(distinct_merges_to_what_all_values_together_make),
                     T(distinct_is_near_of_hashes_that_were_chosen_by_their_size));
}
