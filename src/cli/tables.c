// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "cli/look.h"
#include "contract/project.h"
#include "iceberg/table.h"

typedef struct listing {
    pl_cli *cli;
    pl_lake lake;
    pl_json_writer json;
    pl_grid grid;
    int64_t shown;
    plumb_error *err;
    plumb_status status;
} listing;

static int64_t total(const pl_ice_snapshot *snapshot, const char *key)
{
    pl_span text;
    pl_number number;
    int64_t value = 0;
    if (!snapshot || !pl_ice_pair_find(snapshot->summary, snapshot->summary_count, key, &text))
        return 0;
    if (pl_number_parse(text, &number) != PL_NUMBER_OK) return 0;
    return pl_number_long(&number, 0, &value) == PL_NUMBER_OK ? value : 0;
}

static plumb_status add_table(listing *list, const char *name)
{
    pl_ice_table *table = NULL;
    PL_TRY(pl_look_load(list->cli, &list->lake, name, &table, list->err));
    const pl_ice_metadata *m = table ? table->metadata : NULL;
    const pl_ice_snapshot *head = m ? pl_ice_snapshot_by_id(m, m->current_snapshot_id) : NULL;
    int64_t updated_us = head ? head->timestamp_ms * 1000 : 0;
    list->shown++;
    if (!list->cli->json) {
        pl_grid_text(&list->grid, name);
        pl_grid_count(&list->grid, total(head, "total-records"));
        pl_grid_count(&list->grid, total(head, "total-data-files"));
        pl_grid_bytes(&list->grid, total(head, "total-files-size"));
        pl_grid_count(&list->grid, m ? m->snapshot_count : 0);
        pl_human ago;
        pl_grid_text(&list->grid, pl_human_ago(ago, list->cli->now_us, updated_us));
        return PLUMB_OK;
    }
    pl_json_writer *json = &list->json;
    pl_json_begin(json, '{');
    pl_look_text(json, "table", name);
    pl_look_int(json, "rows", total(head, "total-records"));
    pl_look_int(json, "files", total(head, "total-data-files"));
    pl_look_int(json, "bytes", total(head, "total-files-size"));
    pl_look_int(json, "snapshots", m ? m->snapshot_count : 0);
    pl_look_snapshot(json, "snapshot", head ? head->id : 0);
    pl_look_time(json, "updated", updated_us);
    pl_json_key(json, "location");
    if (m)
        pl_json_text(json, m->location);
    else
        pl_json_null(json);
    pl_look_text(json, "metadata", table ? table->metadata_location : NULL);
    pl_json_end(json, '}');
    return PLUMB_OK;
}

// A table of the catalog that no contract declares (any more).
static bool add_undeclared(void *context, const pl_table_row *row)
{
    listing *list = context;
    if (pl_project_contract(list->lake.project, pl_span_of(row->name))) return true;
    list->status = add_table(list, pl_arena_cstr(&list->cli->arena, pl_span_of(row->name)));
    return list->status == PLUMB_OK;
}

static plumb_status list_tables(listing *list)
{
    const pl_project *project = list->lake.project;
    for (uint32_t i = 0; i < project->contract_count; i++)
        PL_TRY(add_table(list, pl_arena_cstr(&list->cli->arena, project->contracts[i]->table)));
    if (list->lake.registry)
        PL_TRY(pl_registry_tables(list->lake.registry, add_undeclared, list, list->err));
    return list->status;
}

static int run_tables(pl_cli *cli)
{
    plumb_error err;
    listing list = {.cli = cli, .json = pl_cli_json(cli), .err = &err};
    list.grid = pl_grid_make("table|rows>|files>|size>|snapshots>|updated");
    if (pl_cli_open(cli, PL_CLI_READ, &list.lake, &err)) return pl_cli_fail(cli, &err);
    if (cli->json) pl_json_begin(&list.json, '[');
    plumb_status st = list_tables(&list);
    pl_lake_close(&list.lake);
    if (st != PLUMB_OK) {
        pl_buf_reset(&cli->out);
        return pl_cli_fail(cli, &err);
    }
    if (cli->json)
        pl_json_end(&list.json, ']');
    else if (list.shown)
        pl_grid_print(cli, &list.grid);
    else
        pl_cli_print(cli, "No tables yet: a table is declared by a file in contracts/.\n");
    return pl_cli_finish(cli);
}

const pl_command pl_command_tables = {
    .name = "tables",
    .group = PL_GROUP_LOOK,
    .usage = "[--json]",
    .summary = "tables, with rows, files, size and age",
    .help = "Numbers are those of the current snapshot. With --json also where each table's\n"
            "metadata is, for engines that take a path.\n\n"
            "JSON: [{\"table\", \"rows\", \"files\", \"bytes\", \"snapshots\", \"snapshot\", "
            "\"updated\", \"location\",\n"
            "\"metadata\"}].\n"
            "\n"
            "Example:\n"
            "  $ plumb tables\n"
            "  table         rows  files     size  snapshots  updated\n"
            "  post_metrics  12,000   24  1.4 MiB          6  2 minutes ago\n",
    .json = true,
    .run = run_tables,
};
