// lock.h -- the run lock: one run at a time per lake, and a name for whoever holds it.
//
// The lock is a kernel lock on `lake/.plumb/run.lock`, so it goes with the process however that
// ends. The holder writes who it is into the file; that text is for messages only and proves
// nothing by itself.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_REGISTRY_LOCK_H
#define PL_REGISTRY_LOCK_H

#include "base/arena.h"
#include "base/error.h"
#include "os/file.h"

#define PL_LOCK_WAIT_MS 30000 // the default of --wait

typedef struct pl_run_lock {
    pl_file file;
    bool held;
} pl_run_lock;

typedef struct pl_lock_holder {
    bool held;           // somebody holds it right now
    int64_t pid;         // 0 if not known
    const char *command; // "" if not known
    int64_t since_us;    // 0 if not known
} pl_lock_holder;

// Take the lock at `path` (its folder is made), waiting up to wait_ms. PLUMB_E_UNAVAILABLE names
// the holder: pid, command and since when. `self` says who we are.
PL_MUST_USE plumb_status pl_run_lock_take(const char *path, int64_t wait_ms,
                                          const pl_lock_holder *self, pl_run_lock *ret_lock,
                                          plumb_error *err);
void pl_run_lock_release(pl_run_lock *lock); // safe on a zero lock

// Who holds it, without waiting; held is false when the lock is free or was never taken. Works
// without write permission. Texts in arena.
PL_MUST_USE plumb_status pl_run_lock_holder(const char *path, pl_arena *arena,
                                            pl_lock_holder *ret_holder, plumb_error *err);

#endif
