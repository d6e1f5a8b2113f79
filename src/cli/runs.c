// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "cli/look.h"
#include "json/tree.h"

typedef struct listing {
    pl_cli *cli;
    pl_json_writer json;
    pl_grid grid;
    int64_t shown;
} listing;

// A number of the counts document.
static int64_t count_of(const pl_json *counts, const char *name)
{
    int64_t value = 0;
    return pl_json_get_long(counts, name, &value) ? value : 0;
}

static void add_json(listing *list, const pl_run_row *row, const pl_json *counts)
{
    pl_json_writer *json = &list->json;
    pl_json_begin(json, '{');
    pl_look_text(json, "run", row->id);
    pl_look_text(json, "command", row->command);
    pl_look_text(json, "state", row->state);
    pl_look_time(json, "started", row->started_us);
    pl_look_time(json, "finished", row->finished_us);
    pl_look_int(json, "pid", row->pid);
    pl_json_key(json, "records");
    if (counts)
        pl_json_raw(json, pl_span_of(row->counts));
    else
        pl_json_null(json);
    pl_json_end(json, '}');
}

static void add_line(listing *list, const pl_run_row *row, const pl_json *counts)
{
    pl_human took;
    pl_grid_text(&list->grid, row->id);
    pl_grid_text(&list->grid, row->command);
    pl_grid_text(&list->grid, row->state);
    pl_grid_time(&list->grid, row->started_us);
    pl_grid_text(&list->grid, row->finished_us
                                  ? pl_human_duration(took, row->finished_us - row->started_us)
                                  : "-");
    pl_grid_count(&list->grid, count_of(counts, "raw"));
    pl_grid_count(&list->grid, count_of(counts, "curated"));
    pl_grid_count(&list->grid, count_of(counts, "quarantined"));
    pl_grid_count(&list->grid, count_of(counts, "filtered"));
}

static bool visit(void *context, const pl_run_row *row)
{
    listing *list = context;
    pl_arena scratch = {0};
    pl_json *counts = NULL;
    if (pl_json_parse(pl_span_of(row->counts), &scratch, &counts, NULL) != PLUMB_OK) counts = NULL;
    list->shown++;
    if (list->cli->json)
        add_json(list, row, counts);
    else
        add_line(list, row, counts);
    pl_arena_done(&scratch);
    return true;
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    int64_t limit = cli->json ? 0 : 20;
    if (!pl_cli_integer(cli, "limit", 1, INT64_MAX, &limit)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);

    listing list = {.cli = cli, .json = pl_cli_json(cli)};
    list.grid =
        pl_grid_make("run|command|state|started|took>|records>|rows>|quarantined>|filtered>");
    if (cli->json) pl_json_begin(&list.json, '[');
    plumb_status st = PLUMB_OK;
    if (lake.registry) st = pl_registry_runs(lake.registry, NULL, limit, visit, &list, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (cli->json)
        pl_json_end(&list.json, ']');
    else if (list.shown)
        pl_grid_print(cli, &list.grid);
    else
        pl_cli_print(cli, "Nothing was run yet: 'plumb run' maps what is new.\n");
    return pl_cli_finish(cli);
}

static const pl_option options[] = {
    {.name = "limit", .value = "N", .help = "show at most N runs (20; with --json all)"},
    {0},
};

const pl_command pl_command_runs = {
    .name = "runs",
    .group = PL_GROUP_LOOK,
    .usage = "[--limit N] [--json]",
    .summary = "what was run, when, and how it ended",
    .help = "Newest first. A run is working, done, held (something waits for a person) or failed;\n"
            "one that was cut off is found and cleaned up by the next.\n\n"
            "JSON: [{\"run\", \"command\", \"state\", \"started\", \"finished\", \"pid\", "
            "\"records\": {\"raw\", \"curated\",\n"
            "\"quarantined\", \"filtered\"}}].\n"
            "\n"
            "Example:\n"
            "  plumb runs --limit 5\n",
    .options = options,
    .json = true,
    .run = run,
};
