// SPDX-License-Identifier: Apache-2.0
#include "registry/lock.h"

#include <sys/wait.h>

#include "scratch.h"

static const pl_lock_holder self = {
    .pid = 4242, .command = "run", .since_us = INT64_C(1795316645000000)};

TEST(lock_names_its_holder)
{
    scratch it = scratch_make();
    char path[128], want[512];
    snprintf(path, sizeof path, "%s/.plumb/run.lock", it.folder);
    pl_run_lock first = {0}, second = {0};
    pl_arena arena = {0};
    pl_lock_holder holder;
    plumb_error err;
    CHECK_OK(pl_run_lock_holder(path, &arena, &holder, &err), err);
    CHECK(!holder.held && holder.pid == 0);

    CHECK_OK(pl_run_lock_take(path, 0, &self, &first, &err), err);
    CHECK_INT(PLUMB_E_UNAVAILABLE, pl_run_lock_take(path, 0, &self, &second, &err));
    snprintf(want, sizeof want,
             "could not take run lock '%s': process 4242 (plumb run) has held it since "
             "2026-11-22T03:04:05Z, waited 0 s",
             path);
    CHECK_STR(want, err.message);
    CHECK_STR("Wait for it to end, or wait longer with --wait.", err.hint);
    CHECK_OK(pl_run_lock_holder(path, &arena, &holder, &err), err);
    CHECK(holder.held && holder.pid == 4242);
    CHECK_STR("run", holder.command);

    pl_run_lock_release(&first);
    CHECK_OK(pl_run_lock_holder(path, &arena, &holder, &err), err);
    CHECK(!holder.held);
    CHECK_OK(pl_run_lock_take(path, 0, &self, &second, &err), err);
    pl_run_lock_release(&second);
    pl_run_lock_release(&second);
    pl_arena_done(&arena);
    scratch_done(&it);
}

TEST(lock_goes_with_its_process)
{
    scratch it = scratch_make();
    char path[128];
    snprintf(path, sizeof path, "%s/.plumb/run.lock", it.folder);
    pid_t child = fork();
    if (child == 0) {
        pl_run_lock lock = {0};
        plumb_error err;
        _exit(pl_run_lock_take(path, 0, &self, &lock, &err) ? 1 : 0); // never released
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 0);
    pl_run_lock lock = {0};
    plumb_error err;
    CHECK_OK(pl_run_lock_take(path, 0, &self, &lock, &err), err);
    pl_run_lock_release(&lock);
    scratch_done(&it);
}

int main(void)
{
    return RUN_TESTS("registry/lock", T(lock_names_its_holder), T(lock_goes_with_its_process));
}
