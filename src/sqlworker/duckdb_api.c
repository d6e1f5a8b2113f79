// SPDX-License-Identifier: Apache-2.0
#include "sqlworker/duckdb_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/process.h"

static bool readable(char *path, size_t bytes, const char *directory, const char *name)
{
    int n = snprintf(path, bytes, "%s%s", directory, name);
    return n > 0 && (size_t)n < bytes && access(path, R_OK) == 0;
}

static plumb_status locate(const char *given, char *path, size_t bytes, plumb_error *err)
{
    if (!given || !*given) given = getenv("PLUMB_DUCKDB_LIB");
    if (given && *given) {
        if (readable(path, bytes, "", given)) return PLUMB_OK;
        return pl_fail(err, PLUMB_E_UNAVAILABLE, "cannot load library '%s': no such file", given);
    }
    static const char *const places[] = {"../lib/plumb/", "", "../.deps/", "../../.deps/",
                                         "../../../.deps/"};
    char self[900];
    if (pl_process_self(self, sizeof self)) {
        char *slash = strrchr(self, '/');
        if (slash) slash[1] = 0;
        for (size_t i = 0; i < PL_COUNT(places); i++) {
            char name[64];
            snprintf(name, sizeof name, "%slibduckdb.so", places[i]);
            if (readable(path, bytes, self, name)) return PLUMB_OK;
        }
    }
    pl_fail(err, PLUMB_E_UNAVAILABLE, "cannot load library 'libduckdb.so': not found");
    pl_hint(err, "Run tools/get-duckdb.sh, or set PLUMB_DUCKDB_LIB to libduckdb.so %s.",
            PLUMB_DUCKDB_VERSION);
    return PLUMB_E_UNAVAILABLE;
}

static plumb_status resolve(void *library, pl_duckdb *duckdb, plumb_error *err)
{
    // POSIX says a function's address fits a void *; ISO C has no cast for it, hence the copy.
#define RESOLVE(type, name, arguments)                                                             \
    {                                                                                              \
        void *symbol = dlsym(library, "duckdb_" #name);                                            \
        if (!symbol)                                                                               \
            return pl_fail(err, PLUMB_E_UNAVAILABLE,                                               \
                           "cannot load library '%s': it has no function duckdb_%s", duckdb->path, \
                           #name);                                                                 \
        memcpy(&duckdb->name, &symbol, sizeof symbol);                                             \
    }
    PL_DUCK_FUNCTIONS(RESOLVE)
#undef RESOLVE
    return PLUMB_OK;
}

plumb_status pl_duckdb_load(const char *given, pl_duckdb *ret_duckdb, plumb_error *err)
{
    pl_duckdb duckdb = {0};
    char found[1024];
    PL_TRY(locate(given, found, sizeof found, err));
    char *real = realpath(found, NULL);
    snprintf(duckdb.path, sizeof duckdb.path, "%s", real ? real : found);
    free(real);
    // Everything is bound now: in the sandbox nothing more can be loaded.
    void *library = dlopen(duckdb.path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return pl_fail(err, PLUMB_E_UNAVAILABLE, "cannot load library '%s': %s", duckdb.path,
                       dlerror());
    PL_TRY(resolve(library, &duckdb, err));
    duckdb.version = duckdb.library_version();
    if (strcmp(duckdb.version, PLUMB_DUCKDB_VERSION) != 0) {
        pl_fail(err, PLUMB_E_UNAVAILABLE, "cannot use library '%s': version %s, expected %s",
                duckdb.path, duckdb.version, PLUMB_DUCKDB_VERSION);
        pl_hint(err, "Run tools/get-duckdb.sh to get the version this plumb was made for.");
        return PLUMB_E_UNAVAILABLE;
    }
    *ret_duckdb = duckdb;
    return PLUMB_OK;
}
