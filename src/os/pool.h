// pool.h -- a few threads that wait for the disk, while those who compute go on.
//
//     pl_pool_add ─► at most `threads` jobs under way, each on a thread of its own ─► pl_pool_wait
//
// Threads are started when they are first needed. Where the system gives none, pl_pool_add does the
// job itself.
//
// Threads: any may add and wait.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_OS_POOL_H
#define PL_OS_POOL_H

#include "base/error.h"

typedef struct pl_pool pl_pool; // opaque

pl_pool *pl_pool_new(uint32_t threads);
void pl_pool_free(pl_pool *pool); // waits; NULL is a no-op
// Have `work(job)` done. Waits while as many jobs as there may be threads are under way.
void pl_pool_add(pl_pool *pool, void (*work)(void *job), void *job);
void pl_pool_wait(pl_pool *pool); // until none is

#endif
