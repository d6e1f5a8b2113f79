// sandbox.h -- what the worker may do from here on, enforced by the kernel.
//
//   files     read-only below the roots; no listing of directories, nothing else at all (Landlock)
//   network   no TCP (Landlock, where the kernel can: ABI 4)
//   signals   none to processes outside, no abstract sockets (ABI 6)
//   writing   no file may grow (RLIMIT_FSIZE 0), no core dumps
//   memory    address space bounded (RLIMIT_AS)
//   time      processor seconds bounded (RLIMIT_CPU)
//   rights    never more than now (no_new_privs)
//
// Landlock binds the calling thread and the threads it starts later. So the sandbox is entered
// before the engine starts its own threads, and refuses to be entered by a process that has any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SQLWORKER_SANDBOX_H
#define PL_SQLWORKER_SANDBOX_H

#include "base/error.h"

typedef struct pl_sandbox {
    const char *const *roots; // directories or files that may be read
    uint32_t root_count;
    uint64_t memory_bytes; // address space beyond what is mapped now
    uint64_t cpu_seconds;  // 0: no bound
    bool landlock;         // false: only the limits
} pl_sandbox;

// ABI version of the kernel's Landlock, 0 if there is none.
int pl_sandbox_landlock(void);

// There is no way out again.
PL_MUST_USE plumb_status pl_sandbox_enter(const pl_sandbox *sandbox, plumb_error *err);

#endif
