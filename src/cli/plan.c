// plan.c -- plumb plan: what there is to map, as tasks for `plumb work`.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"
#include "cli/run.h"

static void json_plan(pl_cli *cli, const pl_planned *planned)
{
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "run"), pl_json_cstr(&w, planned->run);
    pl_json_key(&w, "tasks"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < planned->task_count; i++) {
        const pl_planned_task *task = &planned->tasks[i];
        pl_json_begin(&w, '{');
        pl_json_key(&w, "task"), pl_json_cstr(&w, task->task);
        pl_json_key(&w, "source"), pl_json_cstr(&w, task->source);
        pl_json_key(&w, "table"), pl_json_cstr(&w, task->table);
        pl_json_key(&w, "objects"), pl_json_int(&w, task->objects);
        pl_json_key(&w, "stored_bytes"), pl_json_int(&w, task->stored_bytes);
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_run_json_unfit(&w, planned->unfit, planned->unfit_count);
    pl_json_end(&w, '}');
}

static void print_plan(pl_cli *cli, const pl_planned *planned)
{
    pl_human bytes;
    if (!planned->run) {
        pl_cli_print(cli, "nothing new to map\n");
        return;
    }
    pl_grid grid = pl_grid_make("task|source|table|objects>|stored>");
    for (uint32_t i = 0; i < planned->task_count; i++) {
        const pl_planned_task *task = &planned->tasks[i];
        pl_grid_text(&grid, task->task);
        pl_grid_text(&grid, task->source);
        pl_grid_text(&grid, task->table);
        pl_grid_count(&grid, task->objects);
        pl_grid_text(&grid, pl_human_bytes(bytes, task->stored_bytes));
    }
    pl_cli_print(cli, "run %s\n", planned->run);
    if (planned->task_count) {
        pl_grid_print(cli, &grid);
        pl_cli_print(cli, "then: plumb work %s %s\n", planned->run, planned->tasks[0].task);
    }
    pl_cli_print(cli, "%s plumb commit %s\n",
                 planned->task_count ? "and: " : "then:", planned->run);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    int64_t tasks = 0;
    pl_run_options options = {0};
    if (!pl_cli_integer(cli, "tasks", 1, 100000, &tasks)) return PL_EXIT_USAGE;
    if (!pl_run_read_wait(cli, &options.wait_ms)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_WRITE, &lake, &err)) return pl_cli_fail(cli, &err);
    const char *source = pl_cli_value(cli, "source");
    if (source && pl_look_source(lake.project, NULL, source, &err)) {
        pl_lake_close(&lake);
        return pl_cli_fail(cli, &err);
    }
    pl_run_use(&lake, &options);
    options.source = source;
    options.tasks = (uint32_t)tasks;
    options.no_shape = pl_cli_flag(cli, "no-shape");
    pl_planned planned;
    plumb_status st = pl_run_plan(&options, &cli->arena, &planned, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (cli->json)
        json_plan(cli, &planned);
    else
        print_plan(cli, &planned);
    pl_run_print_unfit(cli, planned.unfit, planned.unfit_count);
    return pl_cli_finish(cli); // the plan is good for the others; its commit exits as `run` does
}

static const pl_option options[] = {
    {.name = "source", .value = "S", .help = "only this source"},
    {.name = "tasks", .value = "N", .help = "tasks per source (as many as its bytes need)"},
    {.name = "no-shape", .help = "do not observe drift: only to measure what observing costs"},
    PL_RUN_OPTION_WAIT,
    {0},
};

const pl_command pl_command_plan = {
    .name = "plan",
    .group = PL_GROUP_WORK,
    .usage = "[--source S] [--tasks N]",
    .summary = "cut what is new into tasks, for plumb work",
    .help = "The first of three parts of `plumb run`, for a scheduler that spreads work over\n"
            "processes or machines: plan, then one `plumb work` per task, then `plumb commit`.\n"
            "The plan is written into the lake with all that a worker needs.\n"
            "\n"
            "A plan waits a day for its commit. `plumb run` does not wait for it: what that\n"
            "publishes meanwhile makes the plan stale, and its commit is refused.\n"
            "\n"
            "JSON: {\"run\", \"tasks\": [{\"task\", \"source\", \"table\", \"objects\", "
            "\"stored_bytes\"}], \"unfit\"}.\n"
            "\n"
            "Example:\n"
            "  run=$(plumb plan --json | jq -r .run)\n"
            "  plumb work $run t1\n"
            "  plumb commit $run\n",
    .options = options,
    .json = true,
    .run = run,
};
