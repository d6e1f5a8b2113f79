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
                     T(signal_first_cancels_then_ends));
}
