// commit.c -- plumb commit: publish the results of a plan's tasks.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"
#include "cli/run.h"
#include "os/os.h"

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_run_options options = {0};
    if (!pl_run_read_wait(cli, &options.wait_ms)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_WRITE, &lake, &err)) return pl_cli_fail(cli, &err);
    pl_run_use(&lake, &options);
    pl_run_report report;
    int64_t since_us = pl_clock_micros();
    plumb_status st =
        pl_run_commit(&options, pl_look_id(cli, cli->args[0]), &cli->arena, &report, &err);
    if (st == PLUMB_OK) pl_run_adopt(&options, since_us, &cli->arena, &report);
    pl_lake_close(&lake);
    return pl_run_tell(cli, st, &report, &err);
}

static const pl_option options[] = {
    PL_RUN_OPTION_WAIT,
    {0},
};

const pl_command pl_command_commit = {
    .name = "commit",
    .group = PL_GROUP_WORK,
    .usage = "RUN",
    .summary = "check and publish the results of a plan",
    .help =
        "Takes the result of every task of the plan, checks that no record is missing, and\n"
        "publishes the rows of all tables at once, as `plumb run` does.\n"
        "\n"
        "It fails while results are missing and names them; do the work and commit again. A\n"
        "plan of which another run has published an object is stale: it is refused and its\n"
        "files are deleted; make a new one.\n"
        "\n"
        "If a source looks as if it had changed, nothing of the plan is published: the objects\n"
        "of that source wait (exit code 3, and \"again\" is true with --json), and a new plan\n"
        "has all others.\n"
        "\n"
        "JSON: as of `plumb run`.\n"
        "\n"
        "Example:\n"
        "  plumb commit 01KB3T0GZ8M6Q2C5W7X9Y1A3B4\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};
