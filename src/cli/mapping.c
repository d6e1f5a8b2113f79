// mapping.c -- plumb mapping: how a source fills its tables, its versions, and which one is used.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/diff.h"
#include "cli/look.h"
#include "contract/edit.h"
#include "flow/mappings.h"
#include "flow/revert.h"
#include "os/os.h"

// The versions of one (source, table), and which of them the file is now.
typedef struct versions {
    pl_cli *cli;
    const pl_mapping *mapping;
    pl_json_writer *json;
    pl_grid grid;
    int64_t count;
    int64_t current;  // the version with the file's text, 0 if the file was edited since
    int64_t pinned;   // 0: none
    pl_span overlaid; // the file's text with what rules of drift put over it; "": they put nothing
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
        pl_json_key(all->json, "pinned");
        pl_json_bool(all->json, row->version == all->pinned);
        pl_json_end(all->json, '}');
        return true;
    }
    pl_grid_count(&all->grid, row->version);
    pl_grid_time(&all->grid, row->created_us);
    pl_grid_count(&all->grid, row->objects);
    bool pinned = row->version == all->pinned;
    bool overlaid = all->overlaid.bytes && pl_span_equal(row->text, all->overlaid);
    pl_grid_text(&all->grid, pinned     ? "pinned: runs use it, not the file"
                             : current  ? "the file as it is now"
                             : overlaid ? "in use: the file, and what a rule added (plumb drift)"
                                        : "");
    return true;
}

static plumb_status each_version(versions *all, const pl_lake *lake, plumb_error *err)
{
    if (!lake->registry) return PLUMB_OK;
    pl_arena *arena = &all->cli->arena;
    const char *source = pl_arena_cstr(arena, all->mapping->source);
    const char *table = pl_arena_cstr(arena, all->mapping->table);
    pl_mapping_use use;
    PL_TRY(pl_mapping_use_get(lake->registry, all->mapping, arena, &use, err));
    all->pinned = use.pinned;
    plumb_error ignored; // a file with mistakes has no text under an overlay
    if (use.overlay.bytes && pl_edit_overlay(all->mapping->file, all->mapping->text, use.overlay,
                                             arena, &all->overlaid, &ignored) != PLUMB_OK)
        all->overlaid = (pl_span){0};
    return pl_registry_mappings(lake->registry, source, table, visit, all, err);
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
    if (!all.current && !all.pinned)
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

// No file maps the source, or none of its files into the table of --table.
static int none_found(pl_cli *cli, const pl_project *project, const char *source)
{
    plumb_error err;
    if (pl_look_source(project, NULL, source, &err) == PLUMB_OK)
        pl_fail(&err, PLUMB_E_NOT_FOUND, "cannot find mapping of source '%s' into table '%s'",
                source, pl_cli_value(cli, "table"));
    return pl_cli_fail(cli, &err);
}

// ---- --diff and --use ---------------------------------------------------------------------------
// One of the source's mappings: the only one, or the one --table says. False: a mistake was printed
// and *ret_code is the exit code.
static bool choose(pl_cli *cli, const pl_project *project, const pl_mapping **ret_mapping,
                   int *ret_code)
{
    const char *source = cli->args[0], *table = pl_cli_value(cli, "table");
    int found = 0;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *mapping = project->mappings[i];
        if (!pl_span_is(mapping->source, source)) continue;
        if (table && !pl_span_is(mapping->table, table)) continue;
        *ret_mapping = mapping;
        found++;
    }
    if (found == 1) return true;
    *ret_code = found ? pl_cli_usage(cli,
                                     "source '%s' fills several tables: say which one with "
                                     "--table T",
                                     source)
                      : none_found(cli, project, source);
    return false;
}

// "file" or a version's number as typed; *ret_version 0 for the file, -1 if it is neither.
static int64_t version_of(const char *word)
{
    int64_t version = 0;
    if (strcmp(word, "file") == 0) return 0;
    for (const char *c = word; *c; c++) {
        if (*c < '0' || *c > '9' || version > 1000000000) return -1;
        version = version * 10 + (*c - '0');
    }
    return version ? version : -1;
}

typedef struct side {
    int64_t version; // 0: the file
    pl_span text;
} side;

static plumb_status side_get(pl_cli *cli, const pl_lake *lake, const pl_mapping *mapping,
                             int64_t version, side *ret_side, plumb_error *err)
{
    const char *source = pl_arena_cstr(&cli->arena, mapping->source);
    const char *table = pl_arena_cstr(&cli->arena, mapping->table);
    *ret_side = (side){version, mapping->text};
    if (!version) return PLUMB_OK;
    if (lake->registry)
        return pl_registry_mapping_text(lake->registry, source, table, version, &cli->arena,
                                        &ret_side->text, err);
    return pl_fail(err, PLUMB_E_NOT_FOUND,
                   "cannot find version %lld of the mapping of source '%s' into table '%s'",
                   (long long)version, source, table);
}

static const char *side_name(pl_cli *cli, const pl_mapping *mapping, const side *which)
{
    return which->version ? pl_arena_printf(&cli->arena, "version %lld", (long long)which->version)
                          : mapping->file;
}

static bool newest(void *context, const pl_version_row *row)
{
    *(int64_t *)context = row->version;
    return true;
}

// Without A and B: the newest version against the file.
static int diff(pl_cli *cli, pl_lake *lake, const pl_mapping *mapping)
{
    plumb_error err;
    int64_t from = 0, to = 0;
    side a = {0}, b = {0};
    plumb_status st = PLUMB_OK;
    if (cli->arg_count == 3) {
        from = version_of(cli->args[1]);
        to = version_of(cli->args[2]);
        if (from < 0 || to < 0)
            return pl_cli_usage(cli,
                                "--diff compares versions, as in 'plumb mapping %s --diff 1 "
                                "file'",
                                cli->args[0]);
    } else if (lake->registry) {
        st = pl_registry_mappings(lake->registry, pl_arena_cstr(&cli->arena, mapping->source),
                                  pl_arena_cstr(&cli->arena, mapping->table), newest, &from, &err);
    }
    if (st == PLUMB_OK) st = side_get(cli, lake, mapping, from, &a, &err);
    if (st == PLUMB_OK) st = side_get(cli, lake, mapping, to, &b, &err);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    bool same = pl_span_equal(a.text, b.text);
    if (cli->json) {
        pl_json_writer json = pl_cli_json(cli);
        pl_json_begin(&json, '{');
        pl_look_span(&json, "source", mapping->source);
        pl_look_span(&json, "table", mapping->table);
        pl_look_text(&json, "from", side_name(cli, mapping, &a));
        pl_look_text(&json, "to", side_name(cli, mapping, &b));
        pl_json_key(&json, "diff");
        pl_diff_json(&json, a.text, b.text);
        pl_json_end(&json, '}');
        return pl_cli_finish(cli);
    }
    pl_cli_print(cli, "%s and %s %s\n", side_name(cli, mapping, &a), side_name(cli, mapping, &b),
                 same ? "are the same" : "differ:");
    pl_diff_print(cli, a.text, b.text);
    return pl_cli_finish(cli);
}

// What a rollback reverted holds again once the file is used that came of it.
static plumb_status return_findings(pl_cli *cli, const pl_lake *lake, const char *source,
                                    const char *table, plumb_error *err)
{
    pl_reverted *list;
    uint32_t count;
    char who[PL_USER_NAME];
    pl_user_name(who);
    PL_TRY(
        pl_revert_look(lake->registry, source, table, INT64_MAX, &cli->arena, &list, &count, err));
    return pl_revert_record(lake->registry, list, count, who, "the mapping file is used again",
                            cli->now_us, err);
}

static plumb_status pin(pl_cli *cli, const pl_lake *lake, const pl_mapping *mapping,
                        int64_t version, plumb_error *err)
{
    const char *source = pl_arena_cstr(&cli->arena, mapping->source);
    const char *table = pl_arena_cstr(&cli->arena, mapping->table);
    pl_mapping_use use;
    pl_event_row event = {.at_us = cli->now_us, .kind = "mapping", .who = "", .table = table};
    event.text = pl_arena_printf(&cli->arena, "{\"source\":\"%s\",\"pinned\":%lld}", source,
                                 (long long)version);
    PL_TRY(pl_registry_begin(lake->registry, err));
    plumb_status st =
        pl_registry_mapping_use(lake->registry, source, table, &cli->arena, &use, err);
    if (st == PLUMB_OK && use.pinned && !version)
        st = return_findings(cli, lake, source, table, err);
    use.pinned = version;
    if (st == PLUMB_OK)
        st = pl_registry_mapping_use_set(lake->registry, source, table, &use, cli->now_us, err);
    if (st == PLUMB_OK) st = pl_registry_event_add(lake->registry, &event, err);
    if (st == PLUMB_OK) st = pl_registry_commit(lake->registry, err);
    if (st != PLUMB_OK) pl_registry_rollback(lake->registry);
    return st;
}

static plumb_status check_fits(pl_cli *cli, const pl_lake *lake, const pl_mapping *mapping,
                               const side *taken, plumb_error *err)
{
    plumb_status st =
        pl_mapping_fits(lake->project, mapping, taken->version, taken->text, &cli->arena, err);
    if (st != PLUMB_OK)
        pl_hint(err, "It was made for another contract. Change %s first; runs go on as before.",
                mapping->contract->file);
    return st;
}

static int use(pl_cli *cli, pl_lake *lake, const pl_mapping *mapping, const char *word)
{
    plumb_error err;
    side taken;
    int64_t version = version_of(word);
    if (version < 0) return pl_cli_usage(cli, "--use takes 'file' or the number of a version");
    plumb_status st = side_get(cli, lake, mapping, version, &taken, &err);
    if (st == PLUMB_OK && version) st = check_fits(cli, lake, mapping, &taken, &err);
    if (st == PLUMB_OK) st = pin(cli, lake, mapping, version, &err);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (cli->json) {
        pl_json_writer json = pl_cli_json(cli);
        pl_json_begin(&json, '{');
        pl_look_span(&json, "source", mapping->source);
        pl_look_span(&json, "table", mapping->table);
        pl_json_key(&json, "pinned");
        if (version)
            pl_json_int(&json, version);
        else
            pl_json_null(&json);
        pl_json_key(&json, "diff");
        pl_diff_json(&json, taken.text, mapping->text);
        pl_json_end(&json, '}');
        return pl_cli_finish(cli);
    }
    pl_cli_print(cli, "runs use %s for new objects of source %s into table %.*s\n",
                 side_name(cli, mapping, &taken), cli->args[0], PL_FMT(mapping->table));
    if (!pl_span_equal(taken.text, mapping->text)) {
        pl_cli_print(cli, "%s differs:\n", mapping->file);
        pl_diff_print(cli, taken.text, mapping->text);
    }
    return pl_cli_finish(cli);
}

static int change(pl_cli *cli, bool compares, const char *version)
{
    plumb_error err;
    pl_lake lake = {0};
    const pl_mapping *mapping = NULL;
    int code = PL_EXIT_DONE;
    if (compares && version) return pl_cli_usage(cli, "--diff and --use do not go together");
    if (compares && cli->arg_count == 2)
        return pl_cli_usage(cli, "--diff compares two versions, or none is named");
    if (version && cli->arg_count > 1) return pl_cli_usage(cli, "--use takes one version");
    if (pl_cli_open(cli, version ? PL_CLI_WRITE : PL_CLI_REVIEW, &lake, &err))
        return pl_cli_fail(cli, &err);
    if (choose(cli, lake.project, &mapping, &code))
        code = version ? use(cli, &lake, mapping, version) : diff(cli, &lake, mapping);
    pl_lake_close(&lake);
    return code;
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    if (pl_cli_flag(cli, "diff") || pl_cli_value(cli, "use"))
        return change(cli, pl_cli_flag(cli, "diff"), pl_cli_value(cli, "use"));
    if (cli->arg_count > 1)
        return pl_cli_usage(cli, "only --diff takes versions behind the source");
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
    return st == PLUMB_OK ? none_found(cli, project, cli->args[0]) : pl_cli_fail(cli, &err);
}

static const pl_option options[] = {
    {.name = "table", .value = "T", .help = "only the mapping into this table"},
    {.name = "diff", .help = "lines that differ between versions A and B (newest and file)"},
    {.name = "use", .value = "file|N", .help = "runs take the file, or version N whatever it says"},
    {0},
};

const pl_command pl_command_mapping = {
    .name = "mapping",
    .group = PL_GROUP_LOOK,
    .usage = "SOURCE [--table T] [--diff [A B] | --use file|N] [--json]",
    .summary = "how a source fills its tables, and every version of that so far",
    .help = "Each text a run has used is a version; rows say which one made them (_mapping).\n"
            "Mistakes and warnings of the file are printed with file:line:column.\n\n"
            "An edit of the file is the next version, for new objects only. --use N pins version\n"
            "N: runs take it in place of the file, and exit with 3 as long as the file says\n"
            "something else. --use file lets go of it.\n\n"
            "JSON: [{\"source\", \"table\", \"file\", \"versions\": [{\"version\", \"created\", "
            "\"objects\", \"file\",\n"
            "\"pinned\"}], \"version\", \"text\"}].\n"
            "\n"
            "Example:\n"
            "  plumb mapping tiktok\n"
            "  plumb mapping tiktok --diff 1 file\n"
            "  plumb mapping tiktok --use 1\n",
    .options = options,
    .args_min = 1,
    .args_max = 3,
    .json = true,
    .run = run,
};
