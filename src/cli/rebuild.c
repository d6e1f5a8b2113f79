// rebuild.c -- plumb rebuild: plumb.db again, from the lake.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"
#include "contract/project.h"
#include "flow/log.h"
#include "os/file.h"
#include "os/os.h"

static int tell(pl_cli *cli, const pl_rebuilt *rebuilt)
{
    if (cli->json) {
        pl_json_writer w = pl_cli_json(cli);
        pl_json_begin(&w, '{');
        pl_look_int(&w, "runs", (int64_t)rebuilt->runs);
        pl_look_int(&w, "tables", rebuilt->tables);
        pl_look_int(&w, "objects", (int64_t)rebuilt->objects);
        pl_look_int(&w, "new", (int64_t)rebuilt->fresh);
        pl_look_int(&w, "repeated", (int64_t)rebuilt->repeated);
        pl_look_int(&w, "unreadable", (int64_t)rebuilt->unreadable);
        pl_json_end(&w, '}');
    } else {
        pl_human runs, tables, objects, fresh;
        pl_cli_print(cli, "rebuilt from the lake: %s %s, %s %s, %s raw %s, of them %s new\n",
                     pl_human_count(runs, (int64_t)rebuilt->runs),
                     pl_plural((int64_t)rebuilt->runs, "run", "runs"),
                     pl_human_count(tables, rebuilt->tables),
                     pl_plural(rebuilt->tables, "table", "tables"),
                     pl_human_count(objects, (int64_t)rebuilt->objects),
                     pl_plural((int64_t)rebuilt->objects, "object", "objects"),
                     pl_human_count(fresh, (int64_t)rebuilt->fresh));
    }
    if (!rebuilt->unreadable) return pl_cli_finish(cli);
    pl_cli_warn("%llu %s in raw/ no whole object of plumb, the first is '%s'",
                (unsigned long long)rebuilt->unreadable,
                rebuilt->unreadable == 1 ? "file is" : "files are", rebuilt->first_unreadable);
    return pl_cli_finish_with(cli, PL_EXIT_FAILED);
}

static void remove_files(pl_cli *cli, const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < PL_COUNT(suffixes); i++)
        PL_IGNORE(pl_path_unlink(pl_arena_printf(&cli->arena, "%s%s", path, suffixes[i]), NULL));
}

// The log of a registry that is lost must not be taken for that of the new one, nor may a program
// that still has it open share its memory.
static plumb_status remove_log(pl_cli *cli, const char *path, plumb_error *err)
{
    const char *log = pl_arena_printf(&cli->arena, "%s-wal", path);
    if (!pl_path_exists(log)) return PLUMB_OK;
    PL_TRY(pl_path_unlink(log, err));
    remove_files(cli, path);
    return pl_path_sync_up(path, err);
}

// A registry that is filled in part must never be taken for one: it is made under another name.
static plumb_status rebuild(pl_cli *cli, const struct pl_project *project, pl_store *store,
                            pl_rebuilt *rebuilt, plumb_error *err)
{
    pl_registry *registry = NULL;
    const char *hidden = pl_arena_printf(&cli->arena, "%s.rebuilding", project->state_path);
    remove_files(cli, hidden); // of one that died
    plumb_status st = pl_registry_open(hidden, PL_REGISTRY_CREATE, &registry, err);
    if (st == PLUMB_OK) st = pl_rebuild(store, registry, &cli->arena, rebuilt, err);
    if (st == PLUMB_OK) st = remove_log(cli, project->state_path, err);
    if (st == PLUMB_OK) st = pl_registry_backup(registry, project->state_path, err);
    pl_registry_close(registry);
    remove_files(cli, hidden);
    if (st != PLUMB_OK) return st;
    registry = NULL; // it gets its log, without which who may not write cannot read
    st = pl_registry_open(project->state_path, PL_REGISTRY_WRITE, &registry, err);
    pl_registry_close(registry);
    return st;
}

static int run(pl_cli *cli)
{
    plumb_error err;
    struct pl_project *project;
    pl_store *store = NULL;
    pl_rebuilt rebuilt;
    pl_run_lock lock = {0};
    if (pl_cli_project(cli, true, &project, &err)) return pl_cli_fail(cli, &err);
    if (pl_path_exists(project->state_path)) {
        pl_fail(&err, PLUMB_E_FAILED, "cannot rebuild registry '%s': it exists",
                project->state_path);
        pl_hint(&err, "Move it away, with its -wal and -shm neighbours, if it is to be made anew.");
        return pl_cli_fail(cli, &err);
    }
    if (!pl_path_exists(project->lake_path)) {
        pl_fail(&err, PLUMB_E_FAILED, "cannot rebuild registry '%s': there is no lake '%s'",
                project->state_path, project->lake_path);
        return pl_cli_fail(cli, &err);
    }
    const char *path = pl_arena_printf(&cli->arena, "%s/.plumb/run.lock", project->lake_path);
    pl_lock_holder self = {.pid = pl_process_id(), .command = "rebuild", .since_us = cli->now_us};
    plumb_status st = pl_run_lock_take(path, PL_LOCK_WAIT_MS, &self, &lock, &err);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    st = pl_store_open_local(project->lake_path, true, &store, &err);
    if (st == PLUMB_OK) st = rebuild(cli, project, store, &rebuilt, &err);
    pl_store_close(store);
    pl_run_lock_release(&lock);
    return st == PLUMB_OK ? tell(cli, &rebuilt) : pl_cli_fail(cli, &err);
}

const pl_command pl_command_rebuild = {
    .name = "rebuild",
    .group = PL_GROUP_CARE,
    .usage = "",
    .summary = "make plumb.db again from the lake",
    .help =
        "For when plumb.db is lost: makes it from the raw zone, the metadata of the tables and\n"
        "log/, the lake's record of every published run. Afterwards all commands answer as\n"
        "before, but for runs that published nothing. Raw objects of which the log knows\n"
        "nothing are read whole and become new, so the next run maps them.\n"
        "\n"
        "It refuses to touch a plumb.db that exists.\n"
        "\n"
        "Example:\n"
        "  mv lake/plumb.db* /tmp && plumb rebuild\n",
    .json = true,
    .run = run,
};
