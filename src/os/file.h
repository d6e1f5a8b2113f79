// file.h -- files and directories: the only place that makes these system calls.
//
// Every function names the file in its error. fsync that failed is never repeated: the caller
// gives the file up. Descriptors are close-on-exec. Reads and writes are whole: EINTR and short
// counts are handled here; a read that waits ends with PLUMB_E_CANCELLED when the user interrupts.
// Creating what exists is PLUMB_E_CONFLICT.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_OS_FILE_H
#define PL_OS_FILE_H

#include "base/arena.h"
#include "base/error.h"

typedef struct pl_file {
    int fd;     // -1: closed
    char *path; // owned, for messages
} pl_file;

typedef enum pl_open_mode {
    PL_OPEN_READ,
    PL_OPEN_CREATE, // O_CREAT|O_EXCL, read-write, 0644
    PL_OPEN_APPEND, // O_CREAT|O_APPEND, write
    PL_OPEN_LOCK,   // O_CREAT, read-write, 0644; for lock files
} pl_open_mode;

PL_MUST_USE plumb_status pl_file_open(pl_file *ret_file, const char *path, pl_open_mode mode,
                                      plumb_error *err);
void pl_file_close(pl_file *file); // safe on a closed file
PL_MUST_USE plumb_status pl_file_write(pl_file *file, pl_span bytes, plumb_error *err);
// *ret_got < bytes only at the end of the file. offset -1: at the current position.
PL_MUST_USE plumb_status pl_file_read(pl_file *file, int64_t offset, void *buffer, size_t bytes,
                                      size_t *ret_got, plumb_error *err);
PL_MUST_USE plumb_status pl_file_sync(pl_file *file, plumb_error *err);
PL_MUST_USE plumb_status pl_file_mode(pl_file *file, unsigned mode, plumb_error *err);
PL_MUST_USE plumb_status pl_file_truncate(pl_file *file, uint64_t bytes, plumb_error *err);

typedef struct pl_file_info {
    uint64_t bytes;
    int64_t modified_us; // since 1970
    bool is_directory;
    bool is_regular;
    unsigned mode;
    uint64_t links; // names the file has; 0 = unlinked while open
} pl_file_info;
PL_MUST_USE plumb_status pl_file_info_get(pl_file *file, pl_file_info *ret_info, plumb_error *err);
PL_MUST_USE plumb_status pl_path_info(const char *path, pl_file_info *ret_info, plumb_error *err);
bool pl_path_exists(const char *path);
// Absolute, symlinks resolved; the path must exist.
PL_MUST_USE plumb_status pl_path_real(const char *path, pl_arena *arena, char **ret_path,
                                      plumb_error *err);
// Make every missing directory on the way, one by one, fsyncing the parent of each one made.
PL_MUST_USE plumb_status pl_path_make_directories(const char *path, plumb_error *err);
// The same without any fsync: the caller sees to it for every directory on the way.
PL_MUST_USE plumb_status pl_path_make_way(const char *path, plumb_error *err);
PL_MUST_USE plumb_status pl_path_sync_directory(const char *path, plumb_error *err);
// fsync the directory that holds `path`, the one that holds that, and so on upwards as far as this
// process may write: so the way is durable also if who made it died before its fsync.
PL_MUST_USE plumb_status pl_path_sync_up(const char *path, plumb_error *err);
// Rename without replacing: PLUMB_E_CONFLICT if `to` exists.
PL_MUST_USE plumb_status pl_path_rename_new(const char *from, const char *to, plumb_error *err);
PL_MUST_USE plumb_status pl_path_rename_over(const char *from, const char *to, plumb_error *err);
PL_MUST_USE plumb_status pl_path_unlink(const char *path, plumb_error *err);
// Remove a directory if it is empty; one that is not, or is not there, is left without an error.
PL_MUST_USE plumb_status pl_path_remove_directory(const char *path, plumb_error *err);
// A new folder, for this user alone, whose name is `path` and six letters nobody has.
PL_MUST_USE plumb_status pl_path_make_scratch(const char *path, pl_arena *arena, char **ret_path,
                                              plumb_error *err);
// Remove a folder with everything in it; one that is not there is no error. Links are not followed.
PL_MUST_USE plumb_status pl_path_remove_all(const char *path, plumb_error *err);
// Whole small file into arena (NUL after it), at most bytes_max.
PL_MUST_USE plumb_status pl_path_read(const char *path, uint64_t bytes_max, pl_arena *arena,
                                      pl_span *ret_bytes, plumb_error *err);
// Write a whole file durably by temporary name, fsync, rename, directory fsync.
PL_MUST_USE plumb_status pl_path_write(const char *path, pl_span bytes, plumb_error *err);

// Names in a directory, sorted by bytes, "." and ".." left out; in arena.
PL_MUST_USE plumb_status pl_path_list(const char *path, pl_arena *arena, char ***ret_names,
                                      uint32_t *ret_count, plumb_error *err);

// Exclusive kernel lock on an open file; it goes with the descriptor and with the process.
// Waits up to wait_ms (0 = do not wait); PLUMB_E_UNAVAILABLE when still held by another.
PL_MUST_USE plumb_status pl_file_lock(pl_file *file, int64_t wait_ms, plumb_error *err);
// A shared lock: excludes the exclusive one, and works on a file opened for reading.
PL_MUST_USE plumb_status pl_file_lock_shared(pl_file *file, int64_t wait_ms, plumb_error *err);

// May this process write to the file or folder?
bool pl_path_writable(const char *path);
// Bytes free for this process on the file system of `path`; 0 if that cannot be told.
uint64_t pl_path_space(const char *path);
// Name of the file system type if it is a network one ("nfs", "cifs", ...), else NULL.
const char *pl_path_network(const char *path);

#endif
