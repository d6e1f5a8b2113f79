// SPDX-License-Identifier: Apache-2.0
#include "os/process.h"

#include <signal.h>

#include "unit.h"

static const char *const ENVIRONMENT[] = {"WORD=given", NULL};

// Start /bin/sh with `script`; its descriptor 0 is the socket.
static pl_process shell(const char *script)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    pl_process process;
    plumb_error err;
    CHECK_OK(pl_process_start(argv, ENVIRONMENT, &process, &err), err);
    return process;
}

static void receive_all(pl_process *process, pl_buf *out, pl_buf *complaint)
{
    plumb_error err;
    for (bool open = true; open;)
        CHECK_OK(pl_process_receive(process, 1000, out, complaint, &open, &err), err);
}

TEST(process_talks_over_one_socket)
{
    pl_process process = shell("read word; echo \"got $word $WORD\" >&0; echo gone; exit 7");
    pl_buf out = {0}, complaint = {0};
    plumb_error err;
    size_t sent;
    CHECK_OK(pl_process_send(&process, PL_SPAN("hello\n"), 1000, &sent, &err), err);
    CHECK_INT(6, sent);
    receive_all(&process, &out, &complaint);
    CHECK_SPAN("got hello given\n", pl_buf_view(&out)); // stdout went to /dev/null
    CHECK_SPAN("", pl_buf_view(&complaint));
    pl_process_end end = pl_process_wait(&process);
    CHECK_INT(7, end.code);
    CHECK_INT(0, end.signal);
    pl_buf_done(&out);
    pl_buf_done(&complaint);
}

TEST(process_complaints_are_kept_and_bounded)
{
    pl_process process = shell("i=0; while [ $i -lt 2000 ]; do echo 0123456789 >&2; i=$((i+1)); "
                               "done");
    pl_buf out = {0}, complaint = {0};
    receive_all(&process, &out, &complaint);
    CHECK(complaint.count > 2000 && complaint.count <= 4096);
    CHECK_INT(0, pl_process_wait(&process).code);
    pl_buf_done(&out);
    pl_buf_done(&complaint);
}

TEST(process_killed_says_by_what)
{
    pl_process process = shell("read word");
    pl_process_kill(&process);
    CHECK_INT(SIGKILL, pl_process_wait(&process).signal);
    CHECK_INT(0, pl_process_wait(&process).signal); // waited for once
    pl_process_kill(&process);                      // no-op
}

TEST(process_receive_waits_no_longer_than_told)
{
    pl_process process = shell("read word");
    pl_buf out = {0};
    bool open = false;
    plumb_error err;
    CHECK_OK(pl_process_receive(&process, 10, &out, NULL, &open, &err), err);
    CHECK(open && out.count == 0);
    pl_process_kill(&process);
    CHECK_INT(SIGKILL, pl_process_wait(&process).signal);
    pl_buf_done(&out);
}

TEST(process_that_is_not_there_is_an_error)
{
    const char *const argv[] = {"/nowhere/plumb-sql", NULL};
    pl_process process = {.pid = 0, .socket = -1, .complaint = -1};
    plumb_error err;
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_process_start(argv, ENVIRONMENT, &process, &err));
    CHECK_STR("cannot start program '/nowhere/plumb-sql': No such file or directory", err.message);
    CHECK_INT(0, pl_process_wait(&process).code);
}

int main(void)
{
    return RUN_TESTS("os/process", T(process_talks_over_one_socket),
                     T(process_complaints_are_kept_and_bounded), T(process_killed_says_by_what),
                     T(process_receive_waits_no_longer_than_told),
                     T(process_that_is_not_there_is_an_error));
}
