// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "shape/shape_int.h"
#include "unit.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check_all(double *values, uint32_t n)
{
    pl_quantiles q = {0};
    for (uint32_t i = 0; i < n; i++) pl_quantiles__add(&q, values[i]);
    qsort(values, n, sizeof *values, compare);
    for (int i = 0; i <= 100; i++) {
        double want = values[(uint32_t)(i / 100.0 * (n - 1))], got = pl_quantiles_at(&q, i / 100.0);
        if (!(fabs(got - want) <= fabs(want) * PL_QUANTILE_ERROR * 1.000001))
            fail_msg("%d %%: %.17g instead of %.17g", i, got, want);
    }
    free(q.buckets);
}

TEST(quantiles_of_any_values_are_within_their_error)
{
    enum { N = 5000 };
    double values[N];
    uint64_t random = 7;
    for (int round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < N; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            double x = (double)(random >> 33) / 2147483648.0;
            values[i] = round == 0   ? floor(x * 1000)
                        : round == 1 ? (x - 0.5) * 1e-9
                        : round == 2 ? exp(x * 50) / 1e6
                                     : floor(x * 5) - 2;
        }
        check_all(values, N);
    }
}

TEST(quantiles_of_few_values_are_those_values)
{
    pl_quantiles q = {0};
    CHECK(isnan(pl_quantiles_at(&q, 0.5)));
    pl_quantiles__add(&q, 0);
    CHECK(pl_quantiles_at(&q, 0) == 0 && pl_quantiles_at(&q, 1) == 0);
    pl_quantiles__add(&q, DBL_MAX);
    CHECK(pl_quantiles_at(&q, 1) <= DBL_MAX && pl_quantiles_at(&q, 1) >= DBL_MAX * 0.99);
    pl_quantiles__add(&q, -DBL_MAX);
    CHECK(pl_quantiles_at(&q, 0) <= -DBL_MAX * 0.99 && pl_quantiles_at(&q, 0.5) == 0);
    free(q.buckets);
}

TEST(quantiles_have_no_more_buckets_than_their_limit_in_any_order)
{
    pl_quantiles up = {0}, down = {0};
    for (int e = -1000; e <= 1000; e++) {
        pl_quantiles__add(&up, ldexp(1, e));
        pl_quantiles__add(&down, ldexp(-1, -e));
        pl_quantiles__add(&down, ldexp(1, -e));
    }
    CHECK(up.count < PL_QUANTILE_BUCKETS && up.count == down.count);
    for (uint32_t i = 0; i < up.count; i++) {
        CHECK_INT(up.buckets[i].index, down.buckets[i].index);
        CHECK_INT(up.buckets[i].positive, down.buckets[i].positive);
        CHECK_INT(up.buckets[i].positive, down.buckets[i].negative);
    }
    CHECK(up.buckets[up.count - 1].index - up.buckets[0].index == PL_QUANTILE_BUCKETS - 1);
    CHECK(up.buckets[0].positive > 1900); // the small ones, together
    free(up.buckets);
    free(down.buckets);
}

int main(void)
{
    return RUN_TESTS("shape/quantiles", T(quantiles_of_any_values_are_within_their_error),
                     T(quantiles_of_few_values_are_those_values),
                     T(quantiles_have_no_more_buckets_than_their_limit_in_any_order));
}
