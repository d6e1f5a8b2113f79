// SPDX-License-Identifier: Apache-2.0
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_micros(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t pl_clock_micros(void)
{
    return clock_micros(CLOCK_REALTIME);
}

int64_t pl_clock_monotonic(void)
{
    return clock_micros(CLOCK_MONOTONIC);
}

void pl_entropy(void *buffer, size_t bytes)
{
    char *to = buffer;
    while (bytes) {
        ssize_t n = getrandom(to, bytes, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            // Never silently predictable: ids and temporary names rest on it.
            fprintf(stderr, "plumb: cannot get random bytes from the system\n");
            _Exit(1);
        }
        to += n;
        bytes -= (size_t)n;
    }
}

int pl_cpu_count(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    return PL_MAX(count, 1);
}

uint64_t pl_memory_peak(void)
{
    // getrusage also counts what ran before exec in this process, so it is second choice.
    unsigned long long kib = 0;
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1) break;
    if (status) fclose(status);
    struct rusage usage;
    if (kib == 0 && getrusage(RUSAGE_SELF, &usage) == 0) kib = (unsigned long long)usage.ru_maxrss;
    return (uint64_t)kib * 1024;
}

int64_t pl_process_id(void)
{
    return getpid();
}

void pl_user_name(char out[PL_USER_NAME])
{
    struct passwd entry, *found = NULL;
    char room[4096];
    if (getpwuid_r(geteuid(), &entry, room, sizeof room, &found) == 0 && found)
        snprintf(out, PL_USER_NAME, "%s", entry.pw_name);
    else
        snprintf(out, PL_USER_NAME, "user %lld", (long long)geteuid());
}

bool pl_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

int pl_terminal_width(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void pl_sleep_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL); // a signal ends it early: callers look at their condition again
}

atomic_bool pl_cancelled;

static void on_signal(int number)
{
    if (number == SIGINT && atomic_load(&pl_cancelled)) _exit(130);
    atomic_store(&pl_cancelled, true);
}

void pl_standard_files(void)
{
    // The wrong way round, so that reading and writing still fail.
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY); // the lowest: fd itself
}

void pl_memory_trim(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20); // set, so that it does not grow by itself
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

void pl_signals_install(void)
{
    // No SA_RESTART: a read that waits for input must return.
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

typedef struct thread_start {
    void (*work)(void *context, uint32_t index);
    void *context;
    uint32_t index;
    pthread_t thread;
    bool started;
} thread_start;

static void *thread_main(void *argument)
{
    thread_start *start = argument;
    start->work(start->context, start->index);
    return NULL;
}

void pl_threads_run(uint32_t threads, void (*work)(void *context, uint32_t index), void *context)
{
    if (threads == 0) return;
    thread_start *starts = pl_zalloc(threads, sizeof *starts);
    for (uint32_t i = 1; i < threads; i++) {
        starts[i] = (thread_start){.work = work, .context = context, .index = i};
        starts[i].started = pthread_create(&starts[i].thread, NULL, thread_main, &starts[i]) == 0;
    }
    // The system gave no thread: its share is done here, only slower, and first, because the
    // caller's share may wait for it.
    for (uint32_t i = 1; i < threads; i++)
        if (!starts[i].started) work(context, i);
    work(context, 0);
    for (uint32_t i = 1; i < threads; i++)
        if (starts[i].started) pthread_join(starts[i].thread, NULL);
    free(starts);
}

void pl_quota_init(pl_quota *quota, size_t all)
{
    *quota = (pl_quota){.lock = PTHREAD_MUTEX_INITIALIZER,
                        .more = PTHREAD_COND_INITIALIZER,
                        .all = all,
                        .left = all};
}

size_t pl_quota_take(pl_quota *quota, size_t amount)
{
    amount = PL_MIN(amount, quota->all);
    pthread_mutex_lock(&quota->lock);
    while (quota->left < amount) pthread_cond_wait(&quota->more, &quota->lock);
    quota->left -= amount;
    pthread_mutex_unlock(&quota->lock);
    return amount;
}

void pl_quota_give(pl_quota *quota, size_t amount)
{
    pthread_mutex_lock(&quota->lock);
    quota->left += amount;
    pthread_cond_broadcast(&quota->more);
    pthread_mutex_unlock(&quota->lock);
}
