// temp.h -- a fresh directory per test, removed with all it holds afterwards.
//
//     char *dir = temp_make();  ...temp_path(dir, "a/b")...  temp_remove(dir);
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_TEMP_H
#define PL_TEST_TEMP_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static inline char *temp_make(void)
{
    const char *base = getenv("TMPDIR");
    char *path = pl_alloc(4096);
    snprintf(path, 4096, "%s/plumb-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path)) abort();
    char *real = realpath(path, NULL);
    free(path);
    return real;
}

// "dir/name" in one of eight buffers used in turn (borrowed until eight calls later).
static inline const char *temp_path(const char *dir, const char *name)
{
    static char *paths[8];
    static unsigned turn;
    char **path = &paths[turn++ % 8];
    size_t bytes = strlen(dir) + strlen(name) + 2;
    char *made = pl_alloc(bytes);
    snprintf(made, bytes, "%s/%s", dir, name);
    free(*path);
    return *path = made;
}

static inline int temp_remove_one(const char *path, const struct stat *info, int kind,
                                  struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static inline void temp_remove(char *dir)
{
    nftw(dir, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

static inline void temp_write(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file) != 0) abort();
}

#endif
