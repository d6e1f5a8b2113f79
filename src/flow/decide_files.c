// decide_files.c -- the project's files, as decisions write them.
//
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "flow/decide_int.h"
#include "os/file.h"

// Where the file is, links followed, so that a link stays one.
static plumb_status place(const deciding *d, const char *file, char **ret_path, plumb_error *err)
{
    const char *path = pl_arena_printf(d->arena, "%s/%s", d->options->project->dir, file);
    return pl_path_real(path, d->arena, ret_path, err);
}

plumb_status pl_decide__check_file(const deciding *d, const char *file, pl_span text,
                                   plumb_error *err)
{
    char *path;
    pl_span there = PL_SPAN("");
    pl_file_info info;
    PL_TRY(place(d, file, &path, err));
    PL_TRY(pl_path_info(path, &info, err));
    if (info.bytes == text.bytes) PL_TRY(pl_path_read(path, info.bytes, d->arena, &there, err));
    if (!pl_span_equal(there, text)) {
        pl_decide__refuse(d, PLUMB_E_CONFLICT, err, "%s was edited meanwhile", file);
        pl_hint(err, "Decide once more: the change is then made of what the file says now.");
        return PLUMB_E_CONFLICT;
    }
    if (pl_path_writable(path) && (info.mode & 0222)) return PLUMB_OK;
    pl_decide__refuse(d, PLUMB_E_FAILED, err, "%s may not be written", file);
    pl_hint(err,
            "Let plumb write it, or change it by hand ('plumb drift show %lld' says how) and "
            "run 'plumb run'.",
            (long long)d->row.id);
    return PLUMB_E_FAILED;
}

plumb_status pl_decide__write_file(const deciding *d, const char *file, pl_span text,
                                   plumb_error *err)
{
    char *path;
    pl_file_info info;
    PL_TRY(place(d, file, &path, err));
    PL_TRY(pl_path_info(path, &info, err));
    PL_TRY(pl_path_write(path, text, err));
    pl_file opened;
    PL_TRY(pl_file_open(&opened, path, PL_OPEN_READ, err));
    plumb_status st = pl_file_mode(&opened, info.mode & 07777, err);
    pl_file_close(&opened);
    return st;
}

// ".<16 hex digits>.tmp", as pl_path_write names what it has not finished.
static bool is_hidden(const char *name)
{
    return name[0] == '.' && strspn(name + 1, "0123456789abcdef") == 16 &&
           strcmp(name + 17, ".tmp") == 0;
}

plumb_status pl_decide__sweep(const deciding *d, plumb_error *err)
{
    static const char *const folders[] = {"contracts", "sources"};
    for (size_t n = 0; n < PL_COUNT(folders); n++) {
        const char *folder =
            pl_arena_printf(d->arena, "%s/%s", d->options->project->dir, folders[n]);
        char **names;
        uint32_t count;
        if (!pl_path_exists(folder)) continue;
        PL_TRY(pl_path_list(folder, d->arena, &names, &count, err));
        for (uint32_t i = 0; i < count; i++)
            if (is_hidden(names[i]))
                PL_IGNORE(
                    pl_path_unlink(pl_arena_printf(d->arena, "%s/%s", folder, names[i]), NULL));
    }
    return PLUMB_OK;
}
