// relocate.c -- plumb relocate: the tables of a lake that was moved name its new place.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/relocate.h"
#include "cli/look.h"
#include "cli/run.h"
#include "contract/project.h"
#include "os/file.h"

static void json_report(pl_cli *cli, const pl_relocation *done, bool dry)
{
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_look_text(&w, "run", done->run);
    pl_look_text(&w, "state", !done->count ? "nothing" : dry ? "dry-run" : "relocated");
    pl_look_text(&w, "target_prefix", done->target);
    pl_json_key(&w, "tables"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < done->count; i++) {
        const pl_relocated *table = &done->tables[i];
        pl_json_begin(&w, '{');
        pl_look_text(&w, "table", table->table);
        pl_look_text(&w, "source_prefix", table->source);
        pl_look_int(&w, "snapshots", table->snapshots);
        pl_look_int(&w, "manifests", table->manifests);
        pl_look_int(&w, "files", (int64_t)table->files);
        pl_look_text(&w, "metadata", table->metadata);
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
}

static void print_report(pl_cli *cli, const pl_relocation *done, bool dry)
{
    if (!done->count) {
        pl_cli_print(cli, "nothing to relocate: every table names '%s'\n", done->target);
        return;
    }
    pl_grid grid = pl_grid_make("table|source prefix|snapshots>|manifests>|files>");
    for (uint32_t i = 0; i < done->count; i++) {
        const pl_relocated *table = &done->tables[i];
        pl_grid_text(&grid, table->table);
        pl_grid_text(&grid, table->source);
        pl_grid_count(&grid, table->snapshots);
        pl_grid_count(&grid, table->manifests);
        pl_grid_count(&grid, (int64_t)table->files);
    }
    pl_grid_print(cli, &grid);
    pl_cli_print(cli,
                 dry ? "\nnothing was changed: they would name '%s'\n"
                     : "\nrelocated: they name '%s' now\n",
                 done->target);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_relocation done = {0};
    int64_t wait_ms;
    bool dry = pl_cli_flag(cli, "dry-run");
    const char *from = pl_cli_value(cli, "from"), *to = pl_cli_value(cli, "to");
    if (!pl_run_read_wait(cli, &wait_ms)) return PL_EXIT_USAGE;
    for (int i = 0; i < 2; i++) {
        const char *place = i ? to : from;
        if (place && place[0] != '/' && strncmp(place, "file:///", 8) != 0)
            return pl_cli_usage(cli, "'%s' is not an absolute path", place);
    }
    if (pl_cli_open(cli, dry ? PL_CLI_REVIEW : PL_CLI_WRITE, &lake, &err))
        return pl_cli_fail(cli, &err);
    pl_relocate_options options = {.store = lake.store,
                                   .registry = lake.registry,
                                   .lock_path = lake.lock_path,
                                   .wait_ms = wait_ms,
                                   .source = from,
                                   .target = to,
                                   .dry = dry};
    plumb_status st = PLUMB_OK;
    done.target = lake.path;
    if (lake.store && lake.registry) st = pl_relocate(&options, &cli->arena, &done, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (cli->json)
        json_report(cli, &done, dry);
    else
        print_report(cli, &done, dry);
    return pl_cli_finish(cli);
}

static const pl_option options[] = {
    {.name = "from", .value = "OLD", .help = "only tables that name this lake (all that moved)"},
    {.name = "to", .value = "NEW", .help = "the lake to name (where it is)"},
    {.name = "dry-run", .help = "only say what would be rewritten"},
    PL_RUN_OPTION_WAIT,
    {0},
};

const pl_command pl_command_relocate = {
    .name = "relocate",
    .group = PL_GROUP_CARE,
    .usage = "[--from OLD] [--to NEW] [--dry-run]",
    .summary = "rewrite table metadata after the lake was moved or copied",
    .help =
        "Iceberg metadata names every file by its absolute path. After a move, `plumb verify` "
        "says\n"
        "that this is needed; commands that look go on with a warning, `plumb run` refuses, and\n"
        "other engines find nothing. This writes metadata.json, manifest lists and manifests of\n"
        "every snapshot anew: each path below the source prefix (OLD, the lake as it was named)\n"
        "becomes one below the target prefix (NEW). Catalog and books change in one transaction.\n"
        "\n"
        "Raw and data files are not touched, ids and history stay, old metadata files are left.\n"
        "Once more does nothing. Killed, it did all or nothing: run it again.\n"
        "\n"
        "OLD is found in the catalog. NEW is needed only for readers that see the lake under\n"
        "another path than plumb does; plumb then warns here until it is relocated back.\n"
        "\n"
        "JSON: {\"run\", \"state\", \"target_prefix\", \"tables\": [{\"table\", \"source_prefix\", "
        "\"snapshots\",\n"
        "\"manifests\", \"files\", \"metadata\"}]}.\n"
        "\n"
        "Example:\n"
        "  mv shop /srv/shop && cd /srv/shop && plumb relocate\n"
        "  plumb relocate --from /home/me/shop/lake --dry-run\n",
    .options = options,
    .json = true,
    .run = run,
};
