// SPDX-License-Identifier: Apache-2.0
#include "sqlworker/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Rights by the ABI that brought them; the system's header may be older than its kernel.
#define FS_ABI_1    ((UINT64_C(1) << 13) - 1) // execute .. make_sym
#define FS_REFER    (UINT64_C(1) << 13)       // ABI 2
#define FS_TRUNCATE (UINT64_C(1) << 14)       // ABI 3
#define FS_IOCTL    (UINT64_C(1) << 15)       // ABI 5
#define NET_TCP     UINT64_C(3)               // ABI 4: bind, connect
#define SCOPE_ALL   UINT64_C(3)               // ABI 6: abstract sockets, signals

struct ruleset { // struct landlock_ruleset_attr as of ABI 6
    uint64_t fs, net, scoped;
};

int pl_sandbox_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

static uint32_t count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    uint32_t count = 0;
    if (!tasks) return 0;
    for (struct dirent *entry; (entry = readdir(tasks));) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static plumb_status allow_read(int ruleset, const char *path, plumb_error *err)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return pl_fail_errno(err, errno, "cannot open '%s' for the query", path);
    long failed = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int os_errno = errno;
    close(rule.parent_fd);
    if (failed) return pl_fail_errno(err, os_errno, "cannot allow reading '%s'", path);
    return PLUMB_OK;
}

static plumb_status restrict_files(const pl_sandbox *sandbox, plumb_error *err)
{
    int abi = pl_sandbox_landlock();
    if (abi == 0) {
        pl_fail(err, PLUMB_E_UNAVAILABLE,
                "cannot sandbox the SQL worker: this kernel has no Landlock");
        pl_hint(err, "Use --no-sandbox only if you trust every query: it could then read any file "
                     "that you can read.");
        return PLUMB_E_UNAVAILABLE;
    }
    uint32_t threads = count_threads();
    if (threads != 1)
        return pl_fail(err, PLUMB_E_FAILED, "cannot sandbox the SQL worker: it has %u threads",
                       (unsigned)threads);

    struct ruleset attr = {.fs = FS_ABI_1};
    if (abi >= 2) attr.fs |= FS_REFER;
    if (abi >= 3) attr.fs |= FS_TRUNCATE;
    if (abi >= 4) attr.net = NET_TCP;
    if (abi >= 5) attr.fs |= FS_IOCTL;
    if (abi >= 6) attr.scoped = SCOPE_ALL;
    // An older kernel takes a longer struct as long as what it does not know is zero.
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0) return pl_fail_errno(err, errno, "cannot sandbox the SQL worker");

    plumb_status st = PLUMB_OK;
    for (uint32_t i = 0; i < sandbox->root_count && st == PLUMB_OK; i++)
        st = allow_read(ruleset, sandbox->roots[i], err);
    if (st == PLUMB_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        st = pl_fail_errno(err, errno, "cannot sandbox the SQL worker");
    close(ruleset);
    return st;
}

// Pages mapped now, the library's 70 MB among them, do not count against the query.
static uint64_t mapped_bytes(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        if (fscanf(file, "%llu", &pages) != 1) pages = 0;
        fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static plumb_status bound(int resource, const char *what, uint64_t value, plumb_error *err)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0)
        return pl_fail_errno(err, errno, "cannot read the limit of %s", what);
    if (limit.rlim_max == RLIM_INFINITY || value < limit.rlim_max) limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(resource, &limit) != 0) return pl_fail_errno(err, errno, "cannot limit %s", what);
    return PLUMB_OK;
}

plumb_status pl_sandbox_enter(const pl_sandbox *sandbox, plumb_error *err)
{
    PL_TRY(bound(RLIMIT_CORE, "core dumps", 0, err));
    PL_TRY(bound(RLIMIT_FSIZE, "file size", 0, err));
    PL_TRY(bound(RLIMIT_AS, "memory", mapped_bytes() + sandbox->memory_bytes, err));
    if (sandbox->cpu_seconds)
        PL_TRY(bound(RLIMIT_CPU, "processor time", sandbox->cpu_seconds, err));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return pl_fail_errno(err, errno, "cannot give up privileges");
    if (sandbox->landlock) PL_TRY(restrict_files(sandbox, err));
    return PLUMB_OK;
}
