// scratch.h -- a fresh folder per test, and the rows the registry tests start from.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_REGISTRY_SCRATCH_H
#define PL_TEST_REGISTRY_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/registry.h"
#include "unit.h"

typedef struct scratch {
    char folder[64];
    char path[96]; // of the registry in it
} scratch;

static inline int scratch_unlink(const char *path, const struct stat *info, int kind,
                                 struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static inline scratch scratch_make(void)
{
    scratch it;
    const char *base = getenv("TMPDIR");
    snprintf(it.folder, sizeof it.folder, "%.40s/plumb-XXXXXX", base ? base : "/tmp");
    CHECK(mkdtemp(it.folder) != NULL);
    snprintf(it.path, sizeof it.path, "%s/plumb.db", it.folder);
    return it;
}

static inline void scratch_done(const scratch *it)
{
    chmod(it->folder, 0755);
    nftw(it->folder, scratch_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline pl_registry *scratch_open(const scratch *it, pl_registry_mode mode)
{
    pl_registry *registry = NULL;
    plumb_error err;
    CHECK_OK(pl_registry_open(it->path, mode, &registry, &err), err);
    return registry;
}

static inline pl_object_row scratch_object(const char *id, const char *source, const char *sha)
{
    static char key[128];
    snprintf(key, sizeof key, "raw/source=%s/%s.json.gz", source, id);
    return (pl_object_row){
        .id = id,
        .source = source,
        .key = key,
        .format = "ndjson",
        .name = "posts.jsonl",
        .sha256 = sha,
        .received_us = 1000,
        .landed_us = 2000,
        .stored_bytes = 100,
        .content_bytes = 400,
    };
}

#define ID_1 "01J00000000000000000000001"
#define ID_2 "01J00000000000000000000002"
#define ID_3 "01J00000000000000000000003"
#define RUN  "01JR0000000000000000000001"

#endif
