// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"
#include "contract/project.h"

// The versions of one (source, table), and which of them the file is now.
typedef struct versions {
    pl_cli *cli;
    const pl_mapping *mapping;
    pl_json_writer *json;
    pl_grid grid;
    int64_t count;
    int64_t current; // the version with the file's text, 0 if the file was edited since
} versions;

static bool visit(void *context, const pl_version_row *row)
{
    versions *all = context;
    all->count++;
    bool current = pl_span_equal(row->text, all->mapping->text);
    if (current) all->current = row->version;
    if (all->json) {
        pl_json_begin(all->json, '{');
        pl_look_int(all->json, "version", row->version);
        pl_look_time(all->json, "created", row->created_us);
        pl_look_int(all->json, "objects", row->objects);
        pl_json_key(all->json, "file");
        pl_json_bool(all->json, current);
        pl_json_end(all->json, '}');
        return true;
    }
    pl_grid_count(&all->grid, row->version);
    pl_grid_time(&all->grid, row->created_us);
    pl_grid_count(&all->grid, row->objects);
    pl_grid_text(&all->grid, current ? "the file as it is now" : "");
    return true;
}

static plumb_status each_version(versions *all, const pl_lake *lake, plumb_error *err)
{
    if (!lake->registry) return PLUMB_OK;
    pl_arena *arena = &all->cli->arena;
    return pl_registry_mappings(lake->registry, pl_arena_cstr(arena, all->mapping->source),
                                pl_arena_cstr(arena, all->mapping->table), visit, all, err);
}

static plumb_status print_json(pl_cli *cli, const pl_lake *lake, const pl_mapping *mapping,
                               pl_json_writer *json, plumb_error *err)
{
    versions all = {.cli = cli, .mapping = mapping, .json = json};
    pl_json_begin(json, '{');
    pl_look_span(json, "source", mapping->source);
    pl_look_span(json, "table", mapping->table);
    pl_look_text(json, "file", mapping->file);
    pl_json_key(json, "versions");
    pl_json_begin(json, '[');
    PL_TRY(each_version(&all, lake, err));
    pl_json_end(json, ']');
    pl_json_key(json, "version");
    if (all.current)
        pl_json_int(json, all.current);
    else
        pl_json_null(json); // given by the next run
    pl_look_span(json, "text", mapping->text);
    pl_json_end(json, '}');
    return PLUMB_OK;
}

static plumb_status print_text(pl_cli *cli, const pl_lake *lake, const pl_mapping *mapping,
                               plumb_error *err)
{
    versions all = {.cli = cli, .mapping = mapping};
    all.grid = pl_grid_make("version>|since|objects>|");
    PL_TRY(each_version(&all, lake, err));
    pl_cli_print(cli, "%s%s%s: source %.*s into table %.*s\n", pl_cli_color(cli, PL_COLOR_BOLD),
                 mapping->file, pl_cli_color(cli, PL_COLOR_OFF), PL_FMT(mapping->source),
                 PL_FMT(mapping->table));
    if (all.count) pl_grid_print(cli, &all.grid);
    if (!all.current)
        pl_cli_print(cli, "The file as it is now becomes version %lld with the next run.\n",
                     (long long)(all.count + 1));
    pl_cli_print(cli, "\n");
    // Line by line and escaped, so that the file cannot drive the terminal.
    for (size_t at = 0; at < mapping->text.bytes;) {
        const char *line = mapping->text.data + at;
        const char *end = memchr(line, '\n', mapping->text.bytes - at);
        size_t bytes = end ? (size_t)(end - line) : mapping->text.bytes - at;
        pl_cli_print(cli, "  ");
        pl_cli_escape(&cli->out, pl_span_make(line, bytes));
        pl_cli_print(cli, "\n");
        at += bytes + 1;
    }
    return PLUMB_OK;
}

// A source that no file maps: say which ones there are.
static int unknown_source(pl_cli *cli, const pl_project *project, const char *source)
{
    plumb_error err;
    pl_buf list = {0};
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        pl_span name = project->mappings[i]->source;
        if (i && pl_span_equal(name, project->mappings[i - 1]->source)) continue;
        pl_buf_printf(&list, "%s%.*s", list.count ? ", " : "", PL_FMT(name));
    }
    pl_fail(&err, PLUMB_E_NOT_FOUND, "cannot find source '%s': no file in sources/ names it",
            source);
    if (list.count) pl_hint(&err, "Named are: %s.", pl_buf_cstr(&list));
    pl_buf_done(&list);
    return pl_cli_fail(cli, &err);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    plumb_status st = pl_cli_open(cli, PL_CLI_REVIEW, &lake, &err);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    const char *table = pl_cli_value(cli, "table");
    pl_json_writer json = pl_cli_json(cli);
    int shown = 0;
    if (cli->json) pl_json_begin(&json, '[');
    for (uint32_t i = 0; st == PLUMB_OK && i < lake.project->mapping_count; i++) {
        const pl_mapping *mapping = lake.project->mappings[i];
        if (!pl_span_is(mapping->source, cli->args[0])) continue;
        if (table && !pl_span_is(mapping->table, table)) continue;
        if (shown++ && !cli->json) pl_cli_print(cli, "\n");
        st = cli->json ? print_json(cli, &lake, mapping, &json, &err)
                       : print_text(cli, &lake, mapping, &err);
    }
    const pl_project *project = lake.project; // lives in cli->arena
    pl_lake_close(&lake);
    if (st == PLUMB_OK && shown) {
        if (cli->json) pl_json_end(&json, ']');
        return pl_cli_finish(cli);
    }
    pl_buf_reset(&cli->out);
    return st == PLUMB_OK ? unknown_source(cli, project, cli->args[0]) : pl_cli_fail(cli, &err);
}

static const pl_option options[] = {
    {.name = "table", .value = "T", .help = "only the mapping into this table"},
    {0},
};

const pl_command pl_command_mapping = {
    .name = "mapping",
    .group = PL_GROUP_LOOK,
    .usage = "SOURCE [--table T] [--json]",
    .summary = "how a source fills its tables, and every version of that so far",
    .help = "Each text a run has used is a version; rows say which one made them (_mapping).\n"
            "Mistakes and warnings of the file are printed with file:line:column.\n\n"
            "Example:\n"
            "  plumb mapping tiktok\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};
