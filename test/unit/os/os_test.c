// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "os/os.h"

TEST(clock_goes_forward)
{
    int64_t before = pl_clock_monotonic();
    pl_sleep_ms(2);
    CHECK(pl_clock_monotonic() >= before + 1500);
    CHECK(pl_clock_micros() > 1700000000000000);
}

TEST(entropy_differs)
{
    uint64_t a[2] = {0}, b[2] = {0};
    pl_entropy(a, sizeof a);
    pl_entropy(b, sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
}

TEST(machine_facts_are_plausible)
{
    CHECK(pl_cpu_count() >= 1);
    CHECK(pl_memory_peak() > 256 * 1024);
    CHECK(!pl_is_terminal(-1));
}

static void count_one(void *context, uint32_t index)
{
    atomic_fetch_add((atomic_uint *)context, 1u << (index * 4));
}

TEST(threads_run_each_index_once)
{
    atomic_uint seen = 0;
    pl_threads_run(5, count_one, &seen);
    CHECK_INT(0x11111, seen);
    pl_threads_run(0, count_one, &seen);
    CHECK_INT(0x11111, seen);
}

typedef struct borrowing {
    pl_quota quota;
    atomic_int held;
    atomic_bool too_much;
} borrowing;

static void borrow(void *context, uint32_t index)
{
    borrowing *b = context;
    for (int i = 0; i < 200; i++) {
        size_t taken = pl_quota_take(&b->quota, index == 0 ? 1000 : 1 + index); // 1000 is all
        if (atomic_fetch_add(&b->held, (int)taken) + (int)taken > 10) b->too_much = true;
        atomic_fetch_sub(&b->held, (int)taken);
        pl_quota_give(&b->quota, taken);
    }
}

TEST(quota_is_never_exceeded_and_comes_back)
{
    borrowing b = {0};
    pl_quota_init(&b.quota, 10);
    pl_threads_run(6, borrow, &b);
    CHECK(!b.too_much);
    CHECK_INT(10, b.quota.left);
}

TEST(signal_first_cancels_then_ends)
{
    pid_t child = fork();
    if (child == 0) {
        pl_signals_install();
        raise(SIGTERM);
        if (!atomic_load(&pl_cancelled)) _exit(1);
        raise(SIGINT);
        _exit(2);
    }
    int result;
    CHECK_INT(child, waitpid(child, &result, 0));
    CHECK(WIFEXITED(result));
    CHECK_INT(130, WEXITSTATUS(result));
}

int main(void)
{
    return RUN_TESTS("os/os", T(clock_goes_forward), T(entropy_differs),
                     T(machine_facts_are_plausible), T(threads_run_each_index_once),
                     T(quota_is_never_exceeded_and_comes_back), T(signal_first_cancels_then_ends));
}
