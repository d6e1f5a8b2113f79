// decide_files.c -- the project's files, as decisions write them.
//
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "flow/decide_int.h"
#include "iceberg/table.h"
#include "map/mapper.h"
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

plumb_status pl_decide__check_table(const deciding *d, plumb_error *err)
{
    const pl_contract *old = d->file->contract;
    pl_catalog catalog = pl_registry_catalog(d->options->registry);
    pl_problems problems = {0}, warnings = {0};
    char *location;
    pl_ice_table *table;
    bool changed;
    plumb_error why;
    PL_TRY(catalog.load(catalog.self, d->row.table, d->arena, &location, err));
    if (!location || !d->change.contract_text.bytes) return PLUMB_OK;
    PL_TRY(pl_ice_load(d->options->store, location, d->arena, &table, err));
    pl_contract *contract =
        pl_contract_parse(old->file, d->change.contract_text, d->arena, &problems, &warnings);
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    if (!contract) return PLUMB_OK; // then it would not have been proposed
    pl_schema wanted = pl_map_schema(contract, d->arena);
    pl_span *was = PL_TAKE(d->arena, pl_span, wanted.count);
    for (uint32_t i = 0; i < contract->column_count; i++) was[i] = contract->columns[i].was;
    if (pl_ice_evolve(table, &wanted, was, &changed, &why) == PLUMB_OK) return PLUMB_OK;
    pl_decide__refuse(d, PLUMB_E_FAILED, err, "the table could not take it: %s", why.message);
    pl_hint(err, "Declare a column for it by hand, under another name.");
    return PLUMB_E_FAILED;
}
