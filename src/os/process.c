// SPDX-License-Identifier: Apache-2.0
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECEIVE_BYTES_MAX   (1024u * 1024)
#define COMPLAINT_BYTES_MAX 4096u

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

// In the child between fork and exec: only async-signal-safe calls.
static void child_run(const char *const *argv, const char *const *environment, int socket,
                      int complaint, int64_t parent)
{
    // Above the standard ones first: either may be 0, 1 or 2 if ours were closed.
    socket = fcntl(socket, F_DUPFD_CLOEXEC, 3);
    complaint = fcntl(complaint, F_DUPFD_CLOEXEC, 3);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (socket < 0 || complaint < 0 || null < 0) _exit(126);
    if (dup2(socket, 0) < 0 || dup2(null, 1) < 0 || dup2(complaint, 2) < 0) _exit(126);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0 && errno != ENOSYS) _exit(126);
#endif
    // The parent may have died before the signal was asked for.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(126);
    signal(SIGPIPE, SIG_DFL);
    execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
    _exit(127);
}

plumb_status pl_process_start(const char *const *argv, const char *const *environment,
                              pl_process *ret_process, plumb_error *err)
{
    int sockets[2] = {-1, -1}, pipes[2] = {-1, -1};
    plumb_status st = PLUMB_OK;
    int64_t parent = getpid();
    pid_t pid = -1;

    if (access(argv[0], X_OK) != 0)
        return pl_fail_errno(err, errno, "cannot start program '%s'", argv[0]);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0 &&
        pipe2(pipes, O_CLOEXEC) == 0)
        pid = fork();
    if (pid < 0) {
        st = pl_fail_errno(err, errno, "cannot start program '%s'", argv[0]);
        goto done;
    }
    if (pid == 0) child_run(argv, environment, sockets[1], pipes[1], parent);
    *ret_process = (pl_process){.pid = pid, .socket = sockets[0], .complaint = pipes[0]};
    sockets[0] = pipes[0] = -1;

done:
    close_fd(&sockets[0]);
    close_fd(&sockets[1]);
    close_fd(&pipes[0]);
    close_fd(&pipes[1]);
    return st;
}

plumb_status pl_process_send(pl_process *process, pl_span bytes, int wait_ms, size_t *ret_sent,
                             plumb_error *err)
{
    struct pollfd ready = {.fd = process->socket, .events = POLLOUT};
    size_t sent = 0;
    if (poll(&ready, 1, wait_ms) > 0) {
        ssize_t n = send(process->socket, bytes.data, bytes.bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return pl_fail(err, PLUMB_E_UNAVAILABLE, "cannot send to process %lld: %s",
                           (long long)process->pid, strerror(errno));
        if (n > 0) sent = (size_t)n;
    }
    *ret_sent = sent;
    return PLUMB_OK;
}

// Read what stands on the complaint pipe; the first bytes say most, so later ones are dropped.
static void receive_complaint(pl_process *process, pl_buf *complaint)
{
    char bytes[1024];
    ssize_t n = read(process->complaint, bytes, sizeof bytes);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close_fd(&process->complaint);
    if (n > 0 && complaint && complaint->count + (size_t)n <= COMPLAINT_BYTES_MAX)
        pl_buf_append(complaint, bytes, (size_t)n);
}

plumb_status pl_process_receive(pl_process *process, int wait_ms, pl_buf *out, pl_buf *complaint,
                                bool *ret_open, plumb_error *err)
{
    struct pollfd ready[2] = {{.fd = process->socket, .events = POLLIN},
                              {.fd = process->complaint, .events = POLLIN}};
    bool open = true;
    if (poll(ready, 2, wait_ms) > 0) {
        if (ready[1].revents) receive_complaint(process, complaint);
        if (ready[0].revents) {
            char *room = pl_buf_reserve(out, RECEIVE_BYTES_MAX);
            ssize_t n = recv(process->socket, room, RECEIVE_BYTES_MAX, MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNRESET)
                return pl_fail_errno(err, errno, "cannot receive from process %lld",
                                     (long long)process->pid);
            // A child that was killed with our bytes unread resets the connection: also an end.
            if (n == 0 || (n < 0 && errno == ECONNRESET)) open = false;
            if (n > 0) out->count += (size_t)n;
        }
    }
    // The child's last words may come after its socket closed.
    if (!open && process->complaint >= 0) {
        struct pollfd last = {.fd = process->complaint, .events = POLLIN};
        while (process->complaint >= 0 && poll(&last, 1, 100) > 0)
            receive_complaint(process, complaint);
    }
    *ret_open = open;
    return PLUMB_OK;
}

void pl_process_kill(pl_process *process)
{
    if (process->pid > 0) kill((pid_t)process->pid, SIGKILL);
}

pl_process_end pl_process_wait(pl_process *process)
{
    pl_process_end end = {0};
    if (process->pid <= 0) return end;
    close_fd(&process->socket);
    close_fd(&process->complaint);
    int status = 0;
    pid_t got;
    do {
        got = waitpid((pid_t)process->pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0 && WIFEXITED(status)) end.code = WEXITSTATUS(status);
    if (got > 0 && WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    process->pid = 0;
    return end;
}

bool pl_process_self(char *path, size_t bytes)
{
    ssize_t n = readlink("/proc/self/exe", path, bytes - 1);
    if (n <= 0) return false;
    path[n] = 0;
    return true;
}
