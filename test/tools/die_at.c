// die_at.c -- a library to preload: the process dies just before its n-th change to the files of a
// folder. test/dying.py sets it up.
//
//     DIE_UNDER  the folder, absolute and without links; only what is below it counts
//     DIE_LOG    append a line "<kind> <path below the folder>" per change that is about to be made
//     DIE_AT     n, from 1: before the n-th one ...
//     DIE_WITH   ... this signal (9); 19 stops the process, which may be woken up later
//
// Changes are calls that alter a file, a name or what is durable. SQLite's index is shared memory,
// changed without a call, and lives only as long as the processes that share it.
//
// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH = 4096 };

static _Atomic long count;

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : otherwise;
}

// The part of a path below the folder; NULL if it is elsewhere.
static const char *below(const char *path, char whole[PATH])
{
    const char *under = getenv("DIE_UNDER");
    size_t bytes = under ? strlen(under) : 0;
    while (strncmp(path, "./", 2) == 0) path += 2;
    if (*path == '/')
        snprintf(whole, PATH, "%s", path);
    else if (getcwd(whole, PATH / 2))
        snprintf(whole + strlen(whole), PATH / 2, "/%s", path);
    else
        return NULL;
    return bytes && strncmp(whole, under, bytes) == 0 && whole[bytes] == '/' ? whole + bytes + 1
                                                                             : NULL;
}

static void change(const char *kind, const char *path)
{
    char whole[PATH], line[PATH + 32];
    const char *name = below(path, whole), *log = getenv("DIE_LOG");
    if (!name) return;
    if (log) {
        long fd =
            syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        int bytes = snprintf(line, sizeof line, "%s %s\n", kind, name);
        if (fd < 0 || syscall(SYS_write, fd, line, bytes) != bytes) abort();
        syscall(SYS_close, fd);
    }
    if (atomic_fetch_add(&count, 1) + 1 == number("DIE_AT", 0))
        kill(getpid(), (int)number("DIE_WITH", SIGKILL));
}

static void change_file(const char *kind, int fd)
{
    char link[64], path[PATH];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, path, sizeof path - 1);
    if (bytes <= 0) return;
    path[bytes] = '\0';
    change(kind, path);
}

// The function itself, in the library behind this one.
#define NEXT(name, ...)                                                                            \
    __typeof__(&(name)) next;                                                                      \
    *(void **)&next = dlsym(RTLD_NEXT, #name);                                                     \
    return next(__VA_ARGS__)

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;                                  \
        va_end(more);                                                                              \
        if (flags & O_CREAT && access(path, F_OK) != 0) change("create", path);                    \
        NEXT(name, path, flags, mode);                                                             \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t bytes)
{
    change_file("write", fd);
    NEXT(write, fd, data, bytes);
}

#define PWRITE(name, offset_type)                                                                  \
    ssize_t name(int fd, const void *data, size_t bytes, offset_type at)                           \
    {                                                                                              \
        change_file("write", fd);                                                                  \
        NEXT(name, fd, data, bytes, at);                                                           \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, offset_type)                                                                \
    int name(int fd, offset_type bytes)                                                            \
    {                                                                                              \
        change_file("truncate", fd);                                                               \
        NEXT(name, fd, bytes);                                                                     \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int fsync(int fd)
{
    change_file("sync", fd);
    NEXT(fsync, fd);
}

int fdatasync(int fd)
{
    change_file("sync", fd);
    NEXT(fdatasync, fd);
}

int fchmod(int fd, mode_t mode)
{
    change_file("mode", fd);
    NEXT(fchmod, fd, mode);
}

int rename(const char *from, const char *to)
{
    change("rename", to);
    NEXT(rename, from, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    change("rename", to);
    NEXT(renameat2, from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to)
{
    change("link", to);
    NEXT(link, from, to);
}

int unlink(const char *path)
{
    change("remove", path);
    NEXT(unlink, path);
}

int mkdir(const char *path, mode_t mode)
{
    change("folder", path);
    NEXT(mkdir, path, mode);
}

int rmdir(const char *path)
{
    change("remove", path);
    NEXT(rmdir, path);
}
