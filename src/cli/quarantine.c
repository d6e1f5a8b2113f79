// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "cli/look.h"

typedef struct listing {
    pl_cli *cli;
    pl_json_writer json;
    pl_grid grid;
    int64_t shown, records;
} listing;

void pl_quarantine_json(pl_json_writer *json, const pl_quarantine_row *row)
{
    pl_look_int(json, "id", row->id);
    pl_look_text(json, "object", row->object);
    pl_look_text(json, "source", row->source);
    pl_look_text(json, "table", row->table);
    pl_look_int(json, "record", row->record_first);
    pl_look_int(json, "records", row->record_count);
    pl_look_int(json, "byte", row->byte);
    pl_look_int(json, "byte_first", row->byte_first);
    pl_look_int(json, "byte_count", row->byte_count);
    pl_look_text(json, "column", row->column);
    pl_look_text(json, "reason", row->reason);
    pl_look_text(json, "sample", row->sample);
    pl_look_text(json, "run", row->run);
}

static bool visit(void *context, const pl_quarantine_row *row)
{
    listing *list = context;
    list->shown++;
    list->records += row->record_count;
    if (list->cli->json) {
        pl_json_begin(&list->json, '{');
        pl_quarantine_json(&list->json, row);
        pl_json_end(&list->json, '}');
        return true;
    }
    pl_grid *grid = &list->grid;
    pl_grid_printf(grid, "%lld", (long long)row->id);
    pl_grid_text(grid, row->source);
    pl_grid_text(grid, row->table);
    pl_grid_text(grid, row->object);
    if (row->record_count == 1 && row->record_first >= 0)
        pl_grid_printf(grid, "%lld", (long long)row->record_first);
    else if (row->record_first >= 0)
        pl_grid_printf(grid, "%lld+%lld", (long long)row->record_first,
                       (long long)row->record_count);
    else
        pl_grid_text(grid, "all");
    pl_grid_text(grid, row->column);
    pl_grid_text(grid, row->reason);
    pl_grid_printf(grid, "%.60s", row->sample);
    return true;
}

static int list_all(pl_cli *cli, pl_lake *lake)
{
    plumb_error err;
    pl_quarantine_filter filter = {.table = pl_cli_value(cli, "table"),
                                   .source = pl_cli_value(cli, "source"),
                                   .limit = cli->json ? 0 : 50};
    if (pl_cli_value(cli, "object")) filter.object = pl_look_id(cli, pl_cli_value(cli, "object"));
    if (!pl_cli_integer(cli, "limit", 1, INT64_MAX, &filter.limit)) return PL_EXIT_USAGE;

    listing list = {.cli = cli, .json = pl_cli_json(cli)};
    list.grid = pl_grid_make("id>|source|table|object|record>|column|reason|sample");
    if (cli->json) pl_json_begin(&list.json, '[');
    if (lake->registry && pl_registry_quarantine(lake->registry, &filter, visit, &list, &err))
        return pl_cli_fail(cli, &err);
    if (cli->json) {
        pl_json_end(&list.json, ']');
        return pl_cli_finish(cli);
    }
    if (!list.shown) {
        pl_cli_print(cli, "Nothing is quarantined.\n");
        return pl_cli_finish(cli);
    }
    pl_human n;
    pl_grid_print(cli, &list.grid);
    if (list.shown == filter.limit)
        pl_cli_print(cli, "\nThe first %s entries are shown; --limit shows more.\n",
                     pl_human_count(n, list.shown));
    pl_cli_print(cli, "\n'plumb quarantine show ID' prints the bytes as they came.\n");
    return pl_cli_finish(cli);
}

static const char *verb_name(void *context, int index)
{
    static const char *const names[] = {"ls", "show", "retry", NULL};
    (void)context;
    return names[index];
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    const char *verb = cli->arg_count ? cli->args[0] : "ls";
    bool show = strcmp(verb, "show") == 0;
    if (strcmp(verb, "retry") == 0) {
        if (pl_cli_value(cli, "limit")) return pl_cli_usage(cli, "--limit is not for retry");
        return pl_quarantine_retry(cli);
    }
    if (!show && strcmp(verb, "ls") != 0) return pl_cli_unknown_verb(cli, verb, verb_name);
    static const char *const of_retry[] = {"dry-run", "accept-checks", "threads", "wait"};
    for (size_t i = 0; i < PL_COUNT(of_retry); i++)
        if (pl_cli_flag(cli, of_retry[i]))
            return pl_cli_usage(cli, "--%s is only for retry", of_retry[i]);
    if (show && cli->arg_count < 2) return pl_cli_usage(cli, "show needs the ID of an entry");
    if (cli->arg_count > 1 + show)
        return pl_cli_usage(cli, "unexpected argument '%s'", cli->args[1 + show]);
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);
    int code =
        pl_look_named(cli, &lake, pl_cli_value(cli, "source"), pl_cli_value(cli, "table"), &err)
            ? pl_cli_fail(cli, &err)
        : show ? pl_quarantine_show(cli, &lake, cli->args[1])
               : list_all(cli, &lake);
    pl_lake_close(&lake);
    return code;
}

static const pl_option options[] = {
    {.name = "table", .value = "T", .help = "only records for this table"},
    {.name = "source", .value = "S", .help = "only records of this source"},
    {.name = "object", .value = "ID", .help = "only records of this raw object"},
    {.name = "limit", .value = "N", .help = "show at most N entries (50; with --json all)"},
    {.name = "dry-run", .help = "retry: only say what would become of the records"},
    {.name = "accept-checks",
     .help = "retry: take the rows also if a critical check of the contract fails"},
    {.name = "threads",
     .value = "N",
     .help = "retry: worker threads (plumb.yaml, else every core)"},
    {.name = "wait", .value = "TIME", .help = "retry: how long to wait for another run (30s)"},
    {0},
};

const pl_command pl_command_quarantine = {
    .name = "quarantine",
    .group = PL_GROUP_LOOK,
    .usage =
        "[ls] [--table T] [--source S] [--object ID] [--limit N] | show ID\n"
        "       plumb quarantine retry [ID...] [--table T] [--source S] [--object ID] [--dry-run]",
    .summary = "records that could not become rows, and why; map them again",
    .help =
        "An entry points into the raw object and copies nothing: which records, which bytes,\n"
        "which column, what was wrong. 'show' prints those bytes as they came.\n"
        "\n"
        "'retry' maps the records again, with the contract and mapping of today: all, or those\n"
        "the options and ids select. What becomes a row is appended, in one snapshot per table,\n"
        "and leaves the quarantine in the same transaction; what still cannot stays, with\n"
        "today's reason. Rows that are there are not touched. Once more changes nothing.\n"
        "\n"
        "An object of which today's mapping counts the records otherwise (another 'records')\n"
        "is refused by name, unless nothing of it is a row yet. So is, of an object with more\n"
        "than 50,000 entries, the last one: it does not say which records it means.\n"
        "\n"
        "The contract's checks are asked of what becomes rows, but for the number of rows: if a\n"
        "critical one fails nothing is changed, unless --accept-checks is said.\n"
        "\n"
        "Exit codes of retry: 0 done; 3 done, but something was refused or an ID does not stand "
        "in\n"
        "quarantine; 1 failed.\n"
        "\n"
        "JSON: [{\"id\", \"object\", \"source\", \"table\", \"record\", \"records\", \"byte\", "
        "\"byte_first\",\n"
        "\"byte_count\", \"column\", \"reason\", \"sample\", \"run\"}].\n"
        "\n"
        "Example:\n"
        "  $ plumb quarantine\n"
        "  id  source  table         object      record  column  reason           sample\n"
        "   7  tiktok  post_metrics  01J4QZK...       3  likes   is not a number  \"many\"\n"
        "  $ plumb quarantine show 7\n"
        "  $ plumb quarantine retry --source tiktok --dry-run   # after the mapping was mended\n"
        "  $ plumb quarantine retry --source tiktok\n",
    .options = options,
    .args_max = -1,
    .json = true,
    .run = run,
};
