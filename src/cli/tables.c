// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "cli/look.h"
#include "contract/project.h"
#include "iceberg/table.h"

// ---- tables ------------------------------------------------------------------------------------
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
            "Example:\n"
            "  $ plumb tables\n"
            "  table         rows  files     size  snapshots  updated\n"
            "  post_metrics  12,000   24  1.4 MiB          6  2 minutes ago\n",
    .json = true,
    .run = run_tables,
};

// ---- history -----------------------------------------------------------------------------------
static pl_span pair(const pl_ice_snapshot *snapshot, const char *key)
{
    pl_span value = {0};
    pl_ice_pair_find(snapshot->summary, snapshot->summary_count, key, &value);
    return value;
}

static void history_json(pl_json_writer *json, const pl_ice_snapshot *s, bool current)
{
    pl_span run = pair(s, "plumb.run");
    pl_json_begin(json, '{');
    pl_look_snapshot(json, "snapshot", s->id);
    pl_look_snapshot(json, "parent", s->parent_id == PL_ICE_NO_SNAPSHOT ? 0 : s->parent_id);
    pl_look_time(json, "at", s->timestamp_ms * 1000);
    pl_look_span(json, "operation", s->operation);
    pl_look_int(json, "added_rows", total(s, "added-records"));
    pl_look_int(json, "deleted_rows", total(s, "deleted-records"));
    pl_look_int(json, "rows", total(s, "total-records"));
    pl_look_int(json, "files", total(s, "total-data-files"));
    pl_look_int(json, "bytes", total(s, "total-files-size"));
    pl_look_int(json, "schema", s->schema_id);
    pl_json_key(json, "run");
    if (run.bytes)
        pl_json_text(json, run);
    else
        pl_json_null(json); // another engine's snapshot
    pl_json_key(json, "current");
    pl_json_bool(json, current);
    pl_json_end(json, '}');
}

static void history_line(pl_cli *cli, pl_grid *grid, const pl_ice_snapshot *s, bool current)
{
    pl_human n;
    int64_t deleted = total(s, "deleted-records");
    (void)cli;
    pl_grid_printf(grid, "%lld", (long long)s->id);
    pl_grid_time(grid, s->timestamp_ms * 1000);
    pl_grid_printf(grid, "%.*s", PL_FMT(s->operation));
    pl_grid_printf(grid, "+%s", pl_human_count(n, total(s, "added-records")));
    pl_grid_printf(grid, "%s%s", deleted ? "-" : "", deleted ? pl_human_count(n, deleted) : "");
    pl_grid_count(grid, total(s, "total-records"));
    pl_grid_count(grid, total(s, "total-data-files"));
    pl_grid_printf(grid, "%.*s", PL_FMT(pair(s, "plumb.run")));
    pl_grid_text(grid, current ? "current" : "");
}

static int run_history(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_ice_table *table = NULL;
    int64_t limit = cli->json ? INT64_MAX : 20;
    pl_look_when when;
    const pl_ice_snapshot *newest = NULL;
    if (!pl_cli_integer(cli, "limit", 1, INT64_MAX, &limit) || !pl_look_at(cli, &when))
        return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);
    plumb_status st = pl_look_table(cli, &lake, cli->args[0], &err);
    if (st == PLUMB_OK) st = pl_look_load(cli, &lake, cli->args[0], &table, &err);
    if (st == PLUMB_OK && table && when.given)
        st = pl_look_snapshot_at(table, &when, &newest, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);

    const pl_ice_metadata *m = table ? table->metadata : NULL;
    pl_json_writer json = pl_cli_json(cli);
    pl_grid grid = pl_grid_make("snapshot>|at|operation|added>|deleted>|rows>|files>|run|");
    if (cli->json) pl_json_begin(&json, '[');
    for (uint32_t i = m ? m->snapshot_count : 0; i > 0 && limit > 0; i--) {
        const pl_ice_snapshot *s = &m->snapshots[i - 1];
        bool current = s->id == m->current_snapshot_id;
        if (newest && s->sequence > newest->sequence) continue;
        limit--;
        if (cli->json)
            history_json(&json, s, current);
        else
            history_line(cli, &grid, s, current);
    }
    if (cli->json)
        pl_json_end(&json, ']');
    else if (m && m->snapshot_count)
        pl_grid_print(cli, &grid);
    else
        pl_cli_print(cli, "Nothing is published in %s yet.\n", cli->args[0]);
    return pl_cli_finish(cli);
}

static const pl_option history_options[] = {
    {.name = "at", .value = "SNAPSHOT|TIME", .help = "begin with what was current then"},
    {.name = "limit", .value = "N", .help = "show at most N snapshots (20; with --json all)"},
    {0},
};

const pl_command pl_command_history = {
    .name = "history",
    .group = PL_GROUP_LOOK,
    .usage = "TABLE [--at SNAPSHOT|TIME] [--limit N] [--json]",
    .summary = "every snapshot of a table, and the run that made it",
    .help = "Newest first. A snapshot without a run was made by another engine.\n\n"
            "Example:\n"
            "  plumb history post_metrics --limit 3\n",
    .options = history_options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run_history,
};
