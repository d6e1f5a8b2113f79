// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"

typedef struct listing {
    pl_cli *cli;
    pl_json_writer json;
    pl_grid grid;
    int64_t shown;
} listing;

static void add_json(pl_json_writer *json, const pl_ledger_row *row)
{
    pl_json_begin(json, '{');
    pl_look_text(json, "object", row->object);
    pl_look_text(json, "source", row->source);
    pl_look_text(json, "table", row->table);
    pl_look_int(json, "records", row->records);
    pl_look_int(json, "curated", row->curated);
    pl_look_int(json, "quarantined", row->quarantined);
    pl_look_int(json, "filtered", row->filtered);
    pl_look_text(json, "state", pl_object_state_name(row->state));
    pl_look_int(json, "duplicates", row->duplicates);
    pl_look_int(json, "lost", row->lost);
    pl_look_int(json, "coerced", row->coerced);
    pl_look_int(json, "conflicts", row->conflicts);
    pl_look_text(json, "run", row->run);
    pl_json_end(json, '}');
}

static bool visit(void *context, const pl_ledger_row *row)
{
    listing *list = context;
    list->shown++;
    if (list->cli->json) {
        add_json(&list->json, row);
        return true;
    }
    pl_grid_text(&list->grid, row->object);
    pl_grid_text(&list->grid, row->source);
    pl_grid_text(&list->grid, row->table);
    pl_grid_text(&list->grid, pl_object_state_name(row->state));
    const int64_t columns[] = {row->records,    row->curated, row->quarantined, row->filtered,
                               row->duplicates, row->lost,    row->coerced};
    for (size_t i = 0; i < PL_COUNT(columns); i++) pl_grid_count(&list->grid, columns[i]);
    return true;
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    const char *object = cli->arg_count ? pl_look_id(cli, cli->args[0]) : NULL;
    const char *table = pl_cli_value(cli, "table");
    int64_t limit = cli->json ? 0 : 50;
    if (!pl_cli_integer(cli, "limit", 1, INT64_MAX, &limit)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);

    listing list = {.cli = cli, .json = pl_cli_json(cli)};
    list.grid = pl_grid_make("object|source|table|state|records>|rows>|quarantined>|filtered>|"
                             "duplicates>|lost>|coerced>");
    if (cli->json) pl_json_begin(&list.json, '[');
    plumb_status st = table ? pl_look_table(cli, &lake, table, &err) : PLUMB_OK;
    if (st == PLUMB_OK && lake.registry)
        st = pl_registry_ledger(lake.registry, object, table, limit, visit, &list, &err);
    pl_lake_close(&lake);
    if (st == PLUMB_OK && object && !list.shown) {
        st = pl_fail(&err, PLUMB_E_NOT_FOUND,
                     "cannot find object '%s': no run mapped one with this id", object);
        pl_hint(&err, "'plumb ledger' lists them.");
    }
    if (st != PLUMB_OK) {
        pl_buf_reset(&cli->out);
        return pl_cli_fail(cli, &err);
    }
    if (cli->json)
        pl_json_end(&list.json, ']');
    else if (list.shown)
        pl_grid_print(cli, &list.grid);
    else
        pl_cli_print(cli, "Nothing was mapped yet: 'plumb run' maps what is new.\n");
    if (!cli->json && list.shown == limit)
        pl_cli_print(cli, "The newest %lld are shown; --limit shows more.\n", (long long)limit);
    return pl_cli_finish(cli);
}

static const pl_option options[] = {
    {.name = "table", .value = "T", .help = "only this table"},
    {.name = "limit", .value = "N", .help = "show at most N entries (50; with --json all)"},
    {0},
};

const pl_command pl_command_ledger = {
    .name = "ledger",
    .group = PL_GROUP_LOOK,
    .usage = "[OBJECT] [--table T] [--limit N] [--json]",
    .summary = "where every record of every raw object went",
    .help = "One line per raw object and table, newest object first:\n"
            "records = rows + quarantined + filtered. OBJECT may be the beginning of an id.\n\n"
            "JSON: [{\"object\", \"source\", \"table\", \"records\", \"curated\": rows, "
            "\"quarantined\", \"filtered\",\n"
            "\"state\", \"duplicates\", \"lost\", \"coerced\", \"conflicts\", \"run\"}].\n"
            "\n"
            "Example:\n"
            "  plumb ledger --table post_metrics --json\n",
    .options = options,
    .args_max = 1,
    .json = true,
    .run = run,
};
