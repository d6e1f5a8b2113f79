// power_recorder.c -- writes down what a program asks of the disk, for test/power.py to replay
// with the power failing at any point.
//
//     LD_PRELOAD=libpower_recorder.so POWER_ROOT=/project POWER_LOG=/elsewhere/log plumb run
//
// It stands between the program and libc, so what is recorded is the product itself: the very
// executable people run, with the SQLite it is linked to, down to the order of SQLite's own writes
// and syncs. A double inside src/os would record another program, would not see SQLite, and would
// have to be trusted about both.
//
// Every call that changes a file or folder below POWER_ROOT is appended to POWER_LOG once it has
// succeeded, with its data; a sync also with the chain of calls that led to it. One mutex is held
// around each call and its record, so the log is an order in which the calls may have happened.
//
// What it cannot see: stores into mapped memory (SQLite's -shm is that, and no power loss spares
// it), calls made by libc for its own (stdio, which plumb does not write files with), and system
// calls made without libc. test_power.py compares the replayed log with the folder, byte for byte,
// so that nothing of this kind goes unnoticed.
//
// POWER_KILL="op text" kills the process once an operation of that name was recorded whose path
// contains the text: a process that dies before the power fails. POWER_STOP stops it there.
//
// A record is a head, path, second path, call chain and data. All numbers as the machine has them.
//
// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define FRAMES 40

// In the order of OPS in test/power.py.
enum op {
    OP_CREATE,
    OP_WRITE,
    OP_SIZE,
    OP_MODE,
    OP_SYNC,
    OP_MKDIR,
    OP_RMDIR,
    OP_UNLINK,
    OP_RENAME,
    OP_LINK,
    OP_COUNT
};
static const char *const op_names[] = {"create", "write", "size",   "mode",   "sync",
                                       "mkdir",  "rmdir", "unlink", "rename", "link"};

typedef struct head {
    uint32_t op;
    uint32_t mode;
    uint64_t inode;
    uint64_t offset; // of a write; the new size
    uint32_t path_bytes, other_bytes, chain_bytes, data_bytes;
} head;

static char root[PATH_MAX];
static size_t root_bytes;
static int log_fd = -1;
static const char *kill_after, *stop_after; // "op text", or NULL
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

// The next definition of a function: libc's.
#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("POWER_ROOT"), *log = getenv("POWER_LOG");
    void *frames[2];
    backtrace(frames, 2); // its first call loads a library: now, and not within a recorded call
    if (!folder || !log || !realpath(folder, root)) return;
    root_bytes = strlen(root);
    kill_after = getenv("POWER_KILL");
    stop_after = getenv("POWER_STOP");
    log_fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

// ---- names -------------------------------------------------------------------------------------
// The part of an absolute path below the root ("" for the root itself), or NULL.
static const char *below_root(const char *path)
{
    if (log_fd < 0 || strncmp(path, root, root_bytes) != 0) return NULL;
    if (path[root_bytes] == '\0') return path + root_bytes;
    return path[root_bytes] == '/' ? path + root_bytes + 1 : NULL;
}

// Where `path` is, its folder resolved but not its last name: below the root, or NULL.
static const char *resolve(int folder, const char *path, char room[PATH_MAX])
{
    char full[PATH_MAX], link[64];
    if (log_fd < 0) return NULL;
    if (path[0] == '/') {
        if ((size_t)snprintf(full, sizeof full, "%s", path) >= sizeof full) return NULL;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t n = readlink(folder == AT_FDCWD ? "/proc/self/cwd" : link, full, sizeof full - 1);
        if (n < 0 || (size_t)n + strlen(path) + 2 > sizeof full) return NULL;
        full[n] = '/';
        memcpy(full + n + 1, path, strlen(path) + 1);
    }
    size_t end = strlen(full);
    while (end > 1 && full[end - 1] == '/') full[--end] = '\0';
    char *slash = strrchr(full, '/');
    *slash = '\0';
    if (!realpath(slash == full ? "/" : full, room)) return NULL;
    size_t at = strlen(room);
    if (at + strlen(slash + 1) + 2 > PATH_MAX) return NULL;
    room[at] = '/';
    memcpy(room + at + 1, slash + 1, strlen(slash + 1) + 1);
    return below_root(room);
}

// The name an open file has, below the root, or NULL.
static const char *name_of(int fd, char room[PATH_MAX])
{
    char link[64];
    if (log_fd < 0) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, room, PATH_MAX - 1);
    if (n < 0) return NULL;
    room[n] = '\0';
    return below_root(room);
}

static uint64_t inode_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? (uint64_t)info.st_ino : 0;
}

static uint64_t size_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0;
}

// ---- the log -----------------------------------------------------------------------------------
// One line per call, innermost first: the file of code and the offset in it to which it returns.
static size_t call_chain(char *out, size_t room)
{
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);
    size_t used = 0;
    Dl_info self, at;
    dladdr((void *)(uintptr_t)call_chain, &self);
    for (int i = 0; i < count && used < room; i++) {
        if (!dladdr(frames[i], &at) || at.dli_fbase == self.dli_fbase) continue;
        used += (size_t)snprintf(out + used, room - used, "%s+0x%zx\n", at.dli_fname,
                                 (size_t)((char *)frames[i] - (char *)at.dli_fbase));
    }
    return used < room ? used : room - 1;
}

static void die_if_asked(const char *asked, int signal, const char *op, const char *path)
{
    size_t bytes = strlen(op);
    if (asked && strncmp(asked, op, bytes) == 0 && asked[bytes] == ' ' &&
        strstr(path, asked + bytes + 1))
        kill(getpid(), signal);
}

static void record(head it, const char *path, const char *other, const void *data)
{
    char chain[FRAMES * 120];
    int os_errno = errno;
    it.path_bytes = (uint32_t)strlen(path);
    it.other_bytes = other ? (uint32_t)strlen(other) : 0;
    it.chain_bytes = it.op == OP_SYNC ? (uint32_t)call_chain(chain, sizeof chain) : 0;
    struct iovec parts[] = {{&it, sizeof it},
                            {(char *)(uintptr_t)path, it.path_bytes},
                            {(char *)(uintptr_t)other, it.other_bytes},
                            {chain, it.chain_bytes},
                            {(char *)(uintptr_t)data, it.data_bytes}};
    REAL(writev);
    size_t total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) total += parts[i].iov_len;
    if (real(log_fd, parts, sizeof parts / sizeof *parts) != (ssize_t)total) abort();
    for (int i = 0; i < 2; i++) {
        const char *name = i ? other : path;
        if (!name) continue;
        die_if_asked(kill_after, SIGKILL, op_names[it.op], name);
        die_if_asked(stop_after, SIGSTOP, op_names[it.op], name);
    }
    errno = os_errno;
}

// ---- calls on names ----------------------------------------------------------------------------
static int opened(int folder, const char *path, int flags, mode_t mode,
                  int (*call)(int, const char *, int, ...))
{
    char room[PATH_MAX];
    const char *name = flags & (O_CREAT | O_TRUNC) ? resolve(folder, path, room) : NULL;
    if (!name) return call(folder, path, flags, mode);
    pthread_mutex_lock(&turn);
    struct stat info;
    bool was = stat(room, &info) == 0;
    int fd = call(folder, path, flags, mode);
    if (fd >= 0 && fstat(fd, &info) == 0) {
        head it = {.op = was ? OP_SIZE : OP_CREATE,
                   .inode = (uint64_t)info.st_ino,
                   .mode = info.st_mode & 07777};
        if (!was || flags & O_TRUNC) record(it, name, NULL, NULL);
    }
    pthread_mutex_unlock(&turn);
    return fd;
}

#define OPEN(name, at_name, parameters, folder)                                                    \
    EXPORT int name parameters                                                                     \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                    \
        va_end(more);                                                                              \
        REAL(at_name);                                                                             \
        return opened(folder, path, flags, mode, real);                                            \
    }
OPEN(open, openat, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, openat64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, openat, (int folder, const char *path, int flags, ...), folder)
OPEN(openat64, openat64, (int folder, const char *path, int flags, ...), folder)

// A call on a name, and on another one unless that is "": recorded if one is below the root.
#define ON_NAMES(the_op, folder, path, other_folder, other, the_mode, call)                        \
    char room[PATH_MAX], other_room[PATH_MAX];                                                     \
    const char *name = resolve(folder, path, room), *other_name = NULL;                            \
    if ((other)[0]) other_name = resolve(other_folder, other, other_room);                         \
    if (!name && !other_name) return call;                                                         \
    pthread_mutex_lock(&turn);                                                                     \
    int result = call;                                                                             \
    if (result == 0) {                                                                             \
        struct stat info;                                                                          \
        head it = {.op = the_op, .mode = the_mode};                                                \
        if (stat(other_name ? other_room : room, &info) == 0) it.inode = (uint64_t)info.st_ino;    \
        record(it, name ? name : "", other_name, NULL);                                            \
    }                                                                                              \
    pthread_mutex_unlock(&turn);                                                                   \
    return result

EXPORT int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    ON_NAMES(OP_MKDIR, AT_FDCWD, path, 0, "", mode, real(path, mode));
}

EXPORT int mkdirat(int folder, const char *path, mode_t mode)
{
    REAL(mkdirat);
    ON_NAMES(OP_MKDIR, folder, path, 0, "", mode, real(folder, path, mode));
}

EXPORT int rmdir(const char *path)
{
    REAL(rmdir);
    ON_NAMES(OP_RMDIR, AT_FDCWD, path, 0, "", 0, real(path));
}

EXPORT int unlink(const char *path)
{
    REAL(unlink);
    ON_NAMES(OP_UNLINK, AT_FDCWD, path, 0, "", 0, real(path));
}

EXPORT int unlinkat(int folder, const char *path, int flags)
{
    REAL(unlinkat);
    ON_NAMES(flags & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK, folder, path, 0, "", 0,
             real(folder, path, flags));
}

EXPORT int rename(const char *from, const char *to)
{
    REAL(rename);
    ON_NAMES(OP_RENAME, AT_FDCWD, from, AT_FDCWD, to, 0, real(from, to));
}

EXPORT int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    REAL(renameat);
    ON_NAMES(OP_RENAME, from_folder, from, to_folder, to, 0,
             real(from_folder, from, to_folder, to));
}

EXPORT int renameat2(int from_folder, const char *from, int to_folder, const char *to,
                     unsigned flags)
{
    REAL(renameat2);
    if (flags & RENAME_EXCHANGE) abort(); // nothing here models it
    ON_NAMES(OP_RENAME, from_folder, from, to_folder, to, 0,
             real(from_folder, from, to_folder, to, flags));
}

EXPORT int link(const char *from, const char *to)
{
    REAL(link);
    ON_NAMES(OP_LINK, AT_FDCWD, from, AT_FDCWD, to, 0, real(from, to));
}

// ---- calls on open files -----------------------------------------------------------------------
// A write of `bytes` bytes; offset -1: where the file stands.
#define WRITING(the_data, the_offset, call)                                                        \
    char room[PATH_MAX];                                                                           \
    const char *name = name_of(fd, room);                                                          \
    if (!name) return call;                                                                        \
    pthread_mutex_lock(&turn);                                                                     \
    ssize_t done = call;                                                                           \
    if (done > 0) {                                                                                \
        int64_t at = the_offset;                                                                   \
        if (at < 0) at = lseek(fd, 0, SEEK_CUR) - done;                                            \
        head it = {.op = OP_WRITE,                                                                 \
                   .inode = inode_of(fd),                                                          \
                   .offset = (uint64_t)at,                                                         \
                   .data_bytes = (uint32_t)done};                                                  \
        record(it, name, NULL, the_data);                                                          \
    }                                                                                              \
    pthread_mutex_unlock(&turn);                                                                   \
    return done

EXPORT ssize_t write(int fd, const void *data, size_t bytes)
{
    REAL(write);
    WRITING(data, -1, real(fd, data, bytes));
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    REAL(pwrite);
    WRITING(data, offset, real(fd, data, bytes, offset));
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
    REAL(pwrite64);
    WRITING(data, offset, real(fd, data, bytes, offset));
}

// As one write of the first part: writing less than was asked is allowed.
EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    char room[PATH_MAX];
    REAL(writev);
    if (count < 1 || !name_of(fd, room)) return real(fd, parts, count);
    return write(fd, parts[0].iov_base, parts[0].iov_len);
}

// A call that may change size or mode, or syncs.
#define ON_FILE(the_op, call)                                                                      \
    char room[PATH_MAX];                                                                           \
    const char *name = name_of(fd, room);                                                          \
    if (!name) return call;                                                                        \
    pthread_mutex_lock(&turn);                                                                     \
    int result = call;                                                                             \
    struct stat info;                                                                              \
    if (result == 0 && fstat(fd, &info) == 0) {                                                    \
        head it = {.op = the_op, .inode = inode_of(fd), .offset = size_of(fd)};                    \
        it.mode = info.st_mode & 07777;                                                            \
        record(it, name, NULL, NULL);                                                              \
    }                                                                                              \
    pthread_mutex_unlock(&turn);                                                                   \
    return result

EXPORT int ftruncate(int fd, off_t bytes)
{
    REAL(ftruncate);
    ON_FILE(OP_SIZE, real(fd, bytes));
}

EXPORT int ftruncate64(int fd, off64_t bytes)
{
    REAL(ftruncate64);
    ON_FILE(OP_SIZE, real(fd, bytes));
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t bytes)
{
    REAL(fallocate);
    ON_FILE(OP_SIZE, real(fd, mode, offset, bytes));
}

EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t bytes)
{
    REAL(fallocate64);
    ON_FILE(OP_SIZE, real(fd, mode, offset, bytes));
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t bytes)
{
    REAL(posix_fallocate);
    ON_FILE(OP_SIZE, real(fd, offset, bytes));
}

EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t bytes)
{
    REAL(posix_fallocate64);
    ON_FILE(OP_SIZE, real(fd, offset, bytes));
}

EXPORT int fchmod(int fd, mode_t mode)
{
    REAL(fchmod);
    ON_FILE(OP_MODE, real(fd, mode));
}

EXPORT int fsync(int fd)
{
    REAL(fsync);
    ON_FILE(OP_SYNC, real(fd));
}

EXPORT int fdatasync(int fd)
{
    REAL(fdatasync);
    ON_FILE(OP_SYNC, real(fd));
}
