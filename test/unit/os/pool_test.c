// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "unit.h"

#include "os/os.h"
#include "os/pool.h"

static _Atomic int done, inside, most;

static void work(void *job)
{
    int now = atomic_fetch_add(&inside, 1) + 1, seen = atomic_load(&most);
    while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now)) {
    }
    pl_sleep_ms(1);
    atomic_fetch_add(&done, *(int *)job);
    atomic_fetch_sub(&inside, 1);
}

TEST(pool_does_every_job_once_and_some_at_a_time)
{
    pl_pool *pool = pl_pool_new(4);
    int jobs[100], sum = 0;
    done = inside = most = 0;
    for (int i = 0; i < 100; i++) {
        sum += jobs[i] = i;
        pl_pool_add(pool, work, &jobs[i]);
    }
    pl_pool_wait(pool);
    CHECK_INT(sum, atomic_load(&done));
    CHECK(atomic_load(&most) >= 1 && atomic_load(&most) <= 4);
    pl_pool_add(pool, work, &jobs[7]); // freeing waits, too
    pl_pool_free(pool);
    CHECK_INT(sum + 7, atomic_load(&done));
}

TEST(pool_that_nobody_used_ends)
{
    pl_pool_free(pl_pool_new(2));
    pl_pool_free(NULL);
}

int main(void)
{
    return RUN_TESTS("os/pool", T(pool_does_every_job_once_and_some_at_a_time),
                     T(pool_that_nobody_used_ends));
}
