// work.c -- plumb work: one task of a plan.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/look.h"
#include "cli/run.h"
#include "contract/project.h"
#include "os/os.h"

static int tell(pl_cli *cli, const char *task, const pl_worked *worked)
{
    if (cli->json) {
        pl_json_writer w = pl_cli_json(cli);
        pl_json_begin(&w, '{');
        pl_look_text(&w, "task", task);
        pl_look_int(&w, "raw", (int64_t)worked->records);
        pl_look_int(&w, "curated", (int64_t)worked->rows);
        pl_look_int(&w, "quarantined", (int64_t)worked->quarantined);
        pl_look_int(&w, "filtered", (int64_t)worked->filtered);
        pl_look_int(&w, "damaged", (int64_t)worked->damaged);
        pl_look_int(&w, "files", (int64_t)worked->files);
        pl_json_end(&w, '}');
    } else {
        pl_human records, rows, files;
        pl_cli_print(cli, "task %s: %s records, %s rows in %s %s\n", task,
                     pl_human_count(records, (int64_t)worked->records),
                     pl_human_count(rows, (int64_t)worked->rows),
                     pl_human_count(files, (int64_t)worked->files),
                     pl_plural((int64_t)worked->files, "file", "files"));
    }
    return pl_cli_finish(cli);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_store *store = NULL;
    pl_worked worked;
    struct pl_project *project;
    const char *id = pl_look_id(cli, cli->args[0]), *task = cli->args[1];
    const char *lake = pl_cli_value(cli, "lake");
    if (!lake) {
        if (pl_cli_project(cli, false, &project, &err)) return pl_cli_fail(cli, &err);
        lake = project->lake_path;
    }
    pl_signals_install();
    plumb_status st = pl_store_open_local(lake, false, &store, &err);
    if (st == PLUMB_OK) st = pl_run_work(store, id, task, &cli->arena, &worked, &err);
    pl_store_close(store);
    if (st == PLUMB_E_CANCELLED) {
        fprintf(stderr, "plumb: %s\n", err.message);
        return PL_EXIT_CANCELLED;
    }
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    return tell(cli, task, &worked);
}

static const pl_option options[] = {
    {.name = "lake", .value = "DIR", .help = "the lake, where there is no project"},
    {0},
};

const pl_command pl_command_work = {
    .name = "work",
    .group = PL_GROUP_WORK,
    .usage = "RUN TASK [--lake DIR]",
    .summary = "do one task of a plan",
    .help =
        "Maps the raw objects of one task and puts data files and a result into the lake;\n"
        "nobody refers to them before `plumb commit`. It needs the lake alone: no registry, no\n"
        "lock, no project. Any number may work at once. Doing a task twice is harmless: one\n"
        "result is taken, and whoever comes second deletes its own files.\n"
        "\n"
        "JSON: {\"task\", \"raw\", \"curated\": rows, \"quarantined\", \"filtered\", \"damaged\", "
        "\"files\"}.\n"
        "\n"
        "Example:\n"
        "  plumb work 01KB3T0GZ8M6Q2C5W7X9Y1A3B4 t1 --lake /mnt/lake\n",
    .options = options,
    .args_min = 2,
    .args_max = 2,
    .json = true,
    .run = run,
};
