// process.h -- one child process that talks over one socket.
//
// The child gets a stream socket as its descriptor 0 (read and write), /dev/null as 1, a pipe to
// us as 2, and no other descriptor; its environment is exactly what the caller says. It dies with
// the thread that started it (PR_SET_PDEATHSIG), so a killed parent leaves nothing behind.
//
// Nothing here blocks without a bound: send and receive wait at most the time given.
//
// Threads: one at a time; the starting thread must outlive the child.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_OS_PROCESS_H
#define PL_OS_PROCESS_H

#include "base/buf.h"
#include "base/error.h"

typedef struct pl_process {
    int64_t pid;   // 0: none
    int socket;    // ours; -1: closed
    int complaint; // what the child writes to its descriptor 2; -1: closed
} pl_process;

// argv and environment end with NULL; argv[0] is the path of the program.
PL_MUST_USE plumb_status pl_process_start(const char *const *argv, const char *const *environment,
                                          pl_process *ret_process, plumb_error *err);

// Send as much of `bytes` as goes within wait_ms; *ret_sent tells how much. PLUMB_E_UNAVAILABLE
// when the child closed its end.
PL_MUST_USE plumb_status pl_process_send(pl_process *process, pl_span bytes, int wait_ms,
                                         size_t *ret_sent, plumb_error *err);

// Append what arrives within wait_ms (at most 1 MiB) to `out`, and what the child complained to
// `complaint` (kept below 4 KiB; NULL to drop it). *ret_open false when the child closed its end
// and everything was read.
PL_MUST_USE plumb_status pl_process_receive(pl_process *process, int wait_ms, pl_buf *out,
                                            pl_buf *complaint, bool *ret_open, plumb_error *err);

typedef struct pl_process_end {
    int code;   // exit code, if signal is 0
    int signal; // what killed it
} pl_process_end;

void pl_process_kill(pl_process *process); // SIGKILL; no-op without a child
// Close our ends and wait for the child's end. Safe on a process never started (code 0).
pl_process_end pl_process_wait(pl_process *process);

// Path of the running program's own executable, in a static-size buffer; false if unknown.
bool pl_process_self(char *path, size_t bytes);

#endif
