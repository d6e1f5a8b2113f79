// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/file.h"
#include "os/os.h"

plumb_status pl_path_info(const char *path, pl_file_info *ret_info, plumb_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0) return pl_fail_errno(err, errno, "cannot look at '%s'", path);
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

bool pl_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

plumb_status pl_path_real(const char *path, pl_arena *arena, char **ret_path, plumb_error *err)
{
    char *real = realpath(path, NULL);
    if (!real) return pl_fail_errno(err, errno, "cannot resolve path '%s'", path);
    *ret_path = pl_arena_cstr(arena, pl_span_of(real));
    free(real);
    return PLUMB_OK;
}

// The directory that holds `path` ("." if it names none), on the heap.
static char *path_parent(const char *path)
{
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/') bytes--;
    while (bytes > 0 && path[bytes - 1] != '/') bytes--;
    while (bytes > 1 && path[bytes - 1] == '/') bytes--;
    if (bytes == 0) path = ".", bytes = 1;
    char *parent = pl_alloc(bytes + 1);
    memcpy(parent, path, bytes);
    parent[bytes] = '\0';
    return parent;
}

// Make one directory whose parent exists; a directory that is there already is fine.
static plumb_status make_directory(const char *path, bool sync, plumb_error *err)
{
    if (mkdir(path, 0755) != 0) {
        int os_errno = errno;
        struct stat info;
        if (os_errno != EEXIST || stat(path, &info) != 0)
            return pl_fail_errno(err, os_errno, "cannot make directory '%s'", path);
        if (!S_ISDIR(info.st_mode))
            return pl_fail(err, PLUMB_E_FAILED,
                           "cannot make directory '%s': a file of that name exists", path);
    }
    if (!sync) return PLUMB_OK;
    // Also when another process was faster: it may not have synced yet.
    char *parent = path_parent(path);
    plumb_status st = pl_path_sync_directory(parent, err);
    free(parent);
    return st;
}

static plumb_status make_directories(const char *path, bool sync, plumb_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return PLUMB_OK;
    size_t bytes = strlen(path);
    char *part = pl_alloc(bytes + 1);
    plumb_status st = PLUMB_OK;
    for (size_t at = 1; at <= bytes && st == PLUMB_OK; at++) {
        if (path[at] != '/' && path[at] != '\0') continue;
        if (path[at - 1] == '/') continue; // "a//b", and a slash at the end
        memcpy(part, path, at);
        part[at] = '\0';
        if (stat(part, &info) == 0 && S_ISDIR(info.st_mode)) continue;
        st = make_directory(part, sync, err);
    }
    free(part);
    return st;
}

plumb_status pl_path_make_directories(const char *path, plumb_error *err)
{
    return make_directories(path, true, err);
}

plumb_status pl_path_make_way(const char *path, plumb_error *err)
{
    return make_directories(path, false, err);
}

plumb_status pl_path_make_scratch(const char *path, pl_arena *arena, char **ret_path,
                                  plumb_error *err)
{
    *ret_path = pl_arena_printf(arena, "%sXXXXXX", path);
    if (!mkdtemp(*ret_path))
        return pl_fail_errno(err, errno, "cannot make a directory '%sXXXXXX'", path);
    return PLUMB_OK;
}

static plumb_status remove_one(const char *path, plumb_error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? PLUMB_OK : pl_fail_errno(err, errno, "cannot look at '%s'", path);
    if (S_ISDIR(info.st_mode)) return pl_path_remove_all(path, err);
    return pl_path_unlink(path, err);
}

plumb_status pl_path_remove_all(const char *path, plumb_error *err)
{
    pl_arena arena = {0};
    char **names;
    uint32_t count = 0;
    plumb_status st = PLUMB_OK;
    if (pl_path_exists(path)) st = pl_path_list(path, &arena, &names, &count, err);
    for (uint32_t i = 0; i < count && st == PLUMB_OK; i++)
        st = remove_one(pl_arena_printf(&arena, "%s/%s", path, names[i]), err);
    pl_arena_done(&arena);
    if (st == PLUMB_OK) st = pl_path_remove_directory(path, err);
    return st;
}

plumb_status pl_path_sync_directory(const char *path, plumb_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return pl_fail_errno(err, errno, "cannot open directory '%s'", path);
    int result = fsync(fd);
    int os_errno = errno;
    close(fd);
    if (result != 0) return pl_fail_errno(err, os_errno, "cannot sync directory '%s'", path);
    return PLUMB_OK;
}

plumb_status pl_path_sync_up(const char *path, plumb_error *err)
{
    char *parent = path_parent(path);
    plumb_status st = PLUMB_OK;
    if (strcmp(parent, path) != 0 && pl_path_writable(parent)) {
        st = pl_path_sync_directory(parent, err);
        if (st == PLUMB_OK) st = pl_path_sync_up(parent, err);
    }
    free(parent);
    return st;
}

plumb_status pl_path_rename_new(const char *from, const char *to, plumb_error *err)
{
    int result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {
        // The file system cannot do it in one step; link() refuses an existing name as well.
        result = link(from, to);
        if (result == 0) result = unlink(from);
    }
    if (result != 0 && errno == EEXIST)
        return pl_fail(err, PLUMB_E_CONFLICT, "cannot create '%s': it exists already", to);
    if (result != 0) return pl_fail_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
    return PLUMB_OK;
}

plumb_status pl_path_rename_over(const char *from, const char *to, plumb_error *err)
{
    if (rename(from, to) != 0)
        return pl_fail_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
    return PLUMB_OK;
}

plumb_status pl_path_unlink(const char *path, plumb_error *err)
{
    if (unlink(path) != 0) return pl_fail_errno(err, errno, "cannot remove '%s'", path);
    return PLUMB_OK;
}

plumb_status pl_path_remove_directory(const char *path, plumb_error *err)
{
    if (rmdir(path) == 0 || errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT)
        return PLUMB_OK;
    return pl_fail_errno(err, errno, "cannot remove directory '%s'", path);
}

plumb_status pl_path_read(const char *path, uint64_t bytes_max, pl_arena *arena, pl_span *ret_bytes,
                          plumb_error *err)
{
    pl_file file = {.fd = -1};
    pl_file_info info;
    PL_TRY(pl_file_open(&file, path, PL_OPEN_READ, err));
    plumb_status st = pl_file_info_get(&file, &info, err);
    if (st == PLUMB_OK && info.is_directory)
        st = pl_fail(err, PLUMB_E_FAILED, "cannot read file '%s': it is a directory", path);
    // A pipe has no size: it is read in growing steps until the limit. A file in one.
    char *data = NULL;
    size_t got = 0, room = info.is_regular ? (size_t)PL_MIN(info.bytes, bytes_max) + 1 : 65536;
    while (st == PLUMB_OK) {
        size_t more = 0;
        data = pl_realloc(data, room + 1);
        st = pl_file_read(&file, -1, data + got, room - got, &more, err);
        got += more;
        if (st != PLUMB_OK || got < room || got > bytes_max) break;
        room *= 2;
    }
    if (st == PLUMB_OK && got > bytes_max)
        st = pl_fail(err, PLUMB_E_LIMIT, "cannot read file '%s': more than %llu bytes", path,
                     (unsigned long long)bytes_max);
    if (st == PLUMB_OK) *ret_bytes = pl_arena_copy(arena, pl_span_make(data, got));
    free(data);
    pl_file_close(&file);
    return st;
}

plumb_status pl_path_write(const char *path, pl_span bytes, plumb_error *err)
{
    uint64_t random;
    pl_entropy(&random, sizeof random);
    char *parent = path_parent(path);
    size_t room = strlen(parent) + 32;
    char *hidden = pl_alloc(room);
    snprintf(hidden, room, "%s/.%016llx.tmp", parent, (unsigned long long)random);

    pl_file file = {.fd = -1};
    plumb_status st = pl_file_open(&file, hidden, PL_OPEN_CREATE, err);
    bool made = st == PLUMB_OK;
    if (st == PLUMB_OK) st = pl_file_write(&file, bytes, err);
    if (st == PLUMB_OK) st = pl_file_sync(&file, err);
    if (st == PLUMB_OK) st = pl_path_rename_over(hidden, path, err);
    if (st != PLUMB_OK && made) unlink(hidden);
    if (st == PLUMB_OK) st = pl_path_sync_directory(parent, err);
    pl_file_close(&file);
    free(hidden);
    free(parent);
    return st;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

plumb_status pl_path_list(const char *path, pl_arena *arena, char ***ret_names, uint32_t *ret_count,
                          plumb_error *err)
{
    DIR *directory = opendir(path);
    if (!directory) return pl_fail_errno(err, errno, "cannot list directory '%s'", path);
    char **names = NULL;
    uint32_t count = 0, capacity = 0;
    struct dirent *entry;
    while ((errno = 0, entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        PL_GROW(names, count, capacity);
        names[count++] = pl_arena_cstr(arena, pl_span_of(entry->d_name));
    }
    int os_errno = errno;
    closedir(directory);
    plumb_status st = PLUMB_OK;
    if (os_errno) {
        st = pl_fail_errno(err, os_errno, "cannot list directory '%s'", path);
    } else {
        if (count) qsort(names, count, sizeof *names, compare_names);
        *ret_names = PL_TAKE(arena, char *, count + 1); // a NULL ends it
        if (count) memcpy(*ret_names, names, count * sizeof *names);
        *ret_count = count;
    }
    free(names);
    return st;
}

const char *pl_path_network(const char *path)
{
    static const struct {
        uint32_t magic; // as in statfs(2) and linux/magic.h
        const char *name;
    } kinds[] = {
        {0x00006969, "nfs"},    {0x0000517b, "smb"},  {0xfe534d42, "smb2"},  {0xff534d42, "cifs"},
        {0x00c36400, "ceph"},   {0x73757245, "coda"}, {0x5346414f, "afs"},   {0x6b414653, "afs"},
        {0x0bd00bd0, "lustre"}, {0x47504653, "gpfs"}, {0x7461636f, "ocfs2"},
    };
    struct statfs info;
    if (statfs(path, &info) != 0) {
        if (errno != ENOENT) return NULL;
        // Not made yet: it will be where its parent is.
        char *parent = path_parent(path);
        const char *name = strcmp(parent, path) == 0 ? NULL : pl_path_network(parent);
        free(parent);
        return name;
    }
    for (size_t i = 0; i < PL_COUNT(kinds); i++)
        if ((uint32_t)info.f_type == kinds[i].magic) return kinds[i].name;
    return NULL;
}

bool pl_path_writable(const char *path)
{
    return access(path, W_OK) == 0;
}

uint64_t pl_path_space(const char *path)
{
    struct statfs info;
    if (statfs(path, &info) != 0) return 0;
    return (uint64_t)info.f_bavail * (uint64_t)info.f_bsize;
}
