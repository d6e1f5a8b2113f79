// SPDX-License-Identifier: Apache-2.0
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

plumb_status pl_file_open(pl_file *ret_file, const char *path, pl_open_mode mode, plumb_error *err)
{
    int flags = O_CLOEXEC;
    switch (mode) {
    case PL_OPEN_READ:
        flags |= O_RDONLY;
        break;
    case PL_OPEN_CREATE:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
    case PL_OPEN_APPEND:
        flags |= O_WRONLY | O_CREAT | O_APPEND;
        break;
    case PL_OPEN_LOCK:
        flags |= O_RDWR | O_CREAT;
        break;
    }
    int fd;
    do {
        fd = open(path, flags, 0644);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0 && errno == EEXIST)
        return pl_fail(err, PLUMB_E_CONFLICT, "cannot create file '%s': it exists already", path);
    if (fd < 0)
        return pl_fail_errno(err, errno, "cannot %s file '%s'",
                             mode == PL_OPEN_CREATE ? "create" : "open", path);
    size_t bytes = strlen(path) + 1;
    *ret_file = (pl_file){.fd = fd, .path = memcpy(pl_alloc(bytes), path, bytes)};
    return PLUMB_OK;
}

void pl_file_close(pl_file *file)
{
    if (!file->path) return;
    if (file->fd >= 0) close(file->fd); // nothing unsynced is ever relied on, so nothing to check
    free(file->path);
    *file = (pl_file){.fd = -1};
}

plumb_status pl_file_write(pl_file *file, pl_span bytes, plumb_error *err)
{
    while (bytes.bytes) {
        ssize_t n = write(file->fd, bytes.data, bytes.bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return pl_fail_errno(err, errno, "cannot write file '%s'", file->path);
        bytes.data += n;
        bytes.bytes -= (size_t)n;
    }
    return PLUMB_OK;
}

plumb_status pl_file_read(pl_file *file, int64_t offset, void *buffer, size_t bytes,
                          size_t *ret_got, plumb_error *err)
{
    size_t got = 0;
    while (got < bytes) {
        char *to = (char *)buffer + got;
        ssize_t n = offset < 0 ? read(file->fd, to, bytes - got)
                               : pread(file->fd, to, bytes - got, (off_t)(offset + (int64_t)got));
        if (n < 0 && errno == EINTR) {
            // A read of a terminal or pipe may wait for ever: the first Ctrl-C ends it.
            if (atomic_load(&pl_cancelled))
                return pl_fail(err, PLUMB_E_CANCELLED, "cannot read file '%s': interrupted",
                               file->path);
            continue;
        }
        if (n < 0) return pl_fail_errno(err, errno, "cannot read file '%s'", file->path);
        if (n == 0) break;
        got += (size_t)n;
    }
    *ret_got = got;
    return PLUMB_OK;
}

plumb_status pl_file_sync(pl_file *file, plumb_error *err)
{
    if (fsync(file->fd) != 0)
        return pl_fail_errno(err, errno, "cannot sync file '%s' to disk", file->path);
    return PLUMB_OK;
}

plumb_status pl_file_mode(pl_file *file, unsigned mode, plumb_error *err)
{
    if (fchmod(file->fd, (mode_t)mode) != 0)
        return pl_fail_errno(err, errno, "cannot change mode of file '%s'", file->path);
    return PLUMB_OK;
}

plumb_status pl_file_truncate(pl_file *file, uint64_t bytes, plumb_error *err)
{
    if (ftruncate(file->fd, (off_t)bytes) != 0)
        return pl_fail_errno(err, errno, "cannot truncate file '%s'", file->path);
    return PLUMB_OK;
}

plumb_status pl_file_info_get(pl_file *file, pl_file_info *ret_info, plumb_error *err)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0)
        return pl_fail_errno(err, errno, "cannot look at file '%s'", file->path);
    *ret_info = (pl_file_info){
        .bytes = (uint64_t)info.st_size,
        .modified_us = (int64_t)info.st_mtim.tv_sec * 1000000 + info.st_mtim.tv_nsec / 1000,
        .is_directory = S_ISDIR(info.st_mode),
        .is_regular = S_ISREG(info.st_mode),
        .mode = (unsigned)info.st_mode & 07777,
        .links = (uint64_t)info.st_nlink,
    };
    return PLUMB_OK;
}

// Open-file-description locks: they belong to the descriptor, so closing another descriptor of
// the same file does not drop them, and threads of one process exclude each other too.
static plumb_status file_lock(pl_file *file, short type, int64_t wait_ms, plumb_error *err)
{
    int64_t until = pl_clock_monotonic() + wait_ms * 1000;
    int64_t pause_ms = 1;
    for (;;) {
        struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
        if (fcntl(file->fd, F_OFD_SETLK, &lock) == 0) return PLUMB_OK;
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return pl_fail_errno(err, errno, "cannot lock file '%s'", file->path);
        if (atomic_load(&pl_cancelled))
            return pl_fail(err, PLUMB_E_CANCELLED, "cannot lock file '%s': interrupted",
                           file->path);
        if (pl_clock_monotonic() >= until)
            return pl_fail(err, PLUMB_E_UNAVAILABLE,
                           "cannot lock file '%s': another process holds it", file->path);
        pl_sleep_ms(pause_ms);
        pause_ms = PL_MIN(pause_ms * 2, 50);
    }
}

plumb_status pl_file_lock(pl_file *file, int64_t wait_ms, plumb_error *err)
{
    return file_lock(file, F_WRLCK, wait_ms, err);
}

plumb_status pl_file_lock_shared(pl_file *file, int64_t wait_ms, plumb_error *err)
{
    return file_lock(file, F_RDLCK, wait_ms, err);
}
