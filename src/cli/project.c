// SPDX-License-Identifier: Apache-2.0
#include "contract/project.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "flow/relocate.h"
#include "os/file.h"
#include "json/text.h"

static bool holds_project(pl_cli *cli, const char *folder)
{
    return pl_path_exists(pl_arena_printf(&cli->arena, "%s/plumb.yaml", folder));
}

plumb_status pl_cli_root(pl_cli *cli, const char **ret_root, plumb_error *err)
{
    if (cli->directory) {
        if (holds_project(cli, cli->directory)) {
            *ret_root = cli->directory;
            return PLUMB_OK;
        }
        pl_fail(err, PLUMB_E_CONFIG, "cannot open project '%s': no plumb.yaml in it",
                cli->directory);
        pl_hint(err, "Make one with 'plumb init %s'.", cli->directory);
        return PLUMB_E_CONFIG;
    }
    char *here = getcwd(NULL, 0);
    if (!here) return pl_fail_errno(err, errno, "cannot find the current folder");
    char *folder = pl_arena_cstr(&cli->arena, pl_span_of(here));
    char *start = pl_arena_cstr(&cli->arena, pl_span_of(here));
    free(here);
    for (int up = 0;; up++) {
        if (holds_project(cli, folder)) {
            *ret_root = up == 0 ? "." : folder;
            return PLUMB_OK;
        }
        char *slash = strrchr(folder, '/');
        if (!slash || folder[1] == '\0') break;
        slash[slash == folder] = '\0'; // keep the slash of the root itself
    }
    pl_fail(err, PLUMB_E_CONFIG, "cannot find a project: no plumb.yaml in '%s' or any folder above",
            start);
    pl_hint(err, "Make one with 'plumb init DIR', or name one with -C DIR.");
    return PLUMB_E_CONFIG;
}

plumb_status pl_cli_project(pl_cli *cli, bool warn, struct pl_project **ret_project,
                            plumb_error *err)
{
    const char *root = NULL;
    PL_TRY(pl_cli_root(cli, &root, err));
    pl_problems problems = {0}, warnings = {0};
    plumb_status st = pl_project_load(root, &cli->arena, ret_project, &problems, &warnings, err);
    for (uint32_t i = 0; i < problems.count; i++) pl_cli_fail(cli, &problems.items[i]);
    if (problems.dropped) pl_cli_warn("%u more mistakes are not shown", problems.dropped);
    // One mistake says everything: no count after it.
    if (st == PLUMB_E_CONFIG && problems.count == 1 && err) err->message[0] = '\0';
    for (uint32_t i = 0; warn && i < warnings.count; i++) {
        const plumb_error *w = &warnings.items[i];
        pl_cli_warn("%s:%u:%u: %s", w->file, w->line, w->column, w->message);
    }
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return st;
}

// A lake that has files had a registry: one made anew would know nothing of them, so what was there
// would land again, and tables begin once more.
static plumb_status check_lost(const pl_lake *lake, pl_arena *arena, plumb_error *err)
{
    static const char *const folders[] = {"raw", "log"};
    if (pl_path_exists(lake->project->state_path)) return PLUMB_OK;
    for (size_t i = 0; i < PL_COUNT(folders); i++) {
        if (!pl_path_exists(pl_arena_printf(arena, "%s/%s", lake->path, folders[i]))) continue;
        pl_fail(err, PLUMB_E_FAILED,
                "cannot open registry '%s': it is missing, but lake '%s' has files",
                lake->project->state_path, lake->path);
        pl_hint(err, "Make it again with 'plumb rebuild', or put back a backup of it made with "
                     "'plumb doctor --backup'.");
        return PLUMB_E_FAILED;
    }
    return PLUMB_OK;
}

static plumb_status open_parts(pl_cli *cli, pl_cli_mode mode, pl_lake *lake, plumb_error *err)
{
    lake->path = lake->project->lake_path;
    lake->lock_path = pl_arena_printf(&cli->arena, "%s/.plumb/run.lock", lake->path);
    PL_TRY(check_lost(lake, &cli->arena, err));
    if (mode == PL_CLI_WRITE || pl_path_exists(lake->path))
        PL_TRY(pl_store_open_local(lake->path, mode == PL_CLI_WRITE, &lake->store, err));
    // A registry that is new sees to its own folder, which is the lake unless `state:` says else.
    const char *state = lake->project->state_path;
    if (mode == PL_CLI_WRITE && !pl_path_exists(state) &&
        strncmp(state, lake->path, strlen(lake->path)) != 0)
        PL_TRY(pl_path_sync_up(lake->path, err));
    if (lake->store &&
        pl_utf8_check(pl_span_of(pl_store_path(lake->store, "", &cli->arena))) != SIZE_MAX) {
        // Table metadata is JSON and names every file by its absolute path.
        pl_fail(err, PLUMB_E_CONFIG, "cannot open lake '%s': its path is not UTF-8", lake->path);
        pl_hint(err, "Rename the folders on the way to it.");
        return PLUMB_E_CONFIG;
    }
    plumb_status st = pl_registry_open(lake->project->state_path,
                                       mode == PL_CLI_WRITE ? PL_REGISTRY_CREATE : PL_REGISTRY_READ,
                                       &lake->registry, err);
    return mode != PL_CLI_WRITE && st == PLUMB_E_NOT_FOUND ? PLUMB_OK : st;
}

// Looking works in a lake that was moved; its tables are found here all the same.
static void follow_move(pl_cli *cli, pl_lake *lake)
{
    const char *source = NULL;
    plumb_error ignored;
    if (!lake->store || !lake->registry ||
        pl_moved_from(lake->store, lake->registry, &cli->arena, &source, &ignored) != PLUMB_OK ||
        !source)
        return;
    pl_store_moved_from(lake->store, source);
    pl_cli_warn(
        "the lake was moved, and its tables still name '%s'; 'plumb relocate' rewrites them",
        source);
}

plumb_status pl_cli_open(pl_cli *cli, pl_cli_mode mode, pl_lake *ret_lake, plumb_error *err)
{
    pl_lake lake = {0};
    PL_TRY(pl_cli_project(cli, mode != PL_CLI_READ, &lake.project, err));
    plumb_status st = open_parts(cli, mode, &lake, err);
    if (st != PLUMB_OK) {
        pl_lake_close(&lake);
        return st;
    }
    if (mode != PL_CLI_WRITE) follow_move(cli, &lake);
    *ret_lake = lake;
    return PLUMB_OK;
}

void pl_lake_close(pl_lake *lake)
{
    pl_registry_close(lake->registry);
    pl_store_close(lake->store);
    *lake = (pl_lake){0};
}
