// os.h -- clock, entropy, terminal, signals, threads: the rest of what only the system knows.
//
// Layers below flow never call these; they get time and randomness as parameters.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_OS_OS_H
#define PL_OS_OS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"
#include "base/error.h"

int64_t pl_clock_micros(void);    // wall clock, UTC, since 1970
int64_t pl_clock_monotonic(void); // microseconds, for durations
void pl_entropy(void *buffer, size_t bytes);
int pl_cpu_count(void);        // processors this process may use
uint64_t pl_memory_peak(void); // bytes, this process so far
int64_t pl_process_id(void);
#define PL_USER_NAME 64
void pl_user_name(char out[PL_USER_NAME]); // who runs this process: "ada", or "user 1000"
bool pl_is_terminal(int fd);
int pl_terminal_width(int fd); // in columns; 0: no terminal, or it does not say
void pl_sleep_ms(int64_t ms);

// Called first: a standard descriptor that came closed is filled, else the next file opened would
// get its number, and what is printed would be written into that file.
void pl_standard_files(void);

// Called first: what is freed goes back to the system. The C library keeps up to 64 MiB per thread
// in case they are wanted again.
void pl_memory_trim(void);

// Set by SIGINT and SIGTERM once pl_signals_install was called; checked per chunk of work.
extern atomic_bool pl_cancelled;
void pl_signals_install(void);

// Run work(context, i) for i in 0..threads-1 on that many threads (the caller's is one) and wait.
void pl_threads_run(uint32_t threads, void (*work)(void *context, uint32_t index), void *context);

// So many of something that threads take from and give back, and wait for when it is gone. Never
// held twice by one thread.
typedef struct pl_quota {
    pthread_mutex_t lock;
    pthread_cond_t more;
    size_t all, left;
} pl_quota;

void pl_quota_init(pl_quota *quota, size_t all); // nothing to be released
// Wait until `amount` is left, or all if that is less; returns what was taken, to be given back.
size_t pl_quota_take(pl_quota *quota, size_t amount);
void pl_quota_give(pl_quota *quota, size_t amount);

#endif
