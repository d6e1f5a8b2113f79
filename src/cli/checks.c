// checks.c -- plumb checks: what came of the contract's checks, now and over time; and letting
// through what they hold.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/checks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "cli/look.h"
#include "cli/run.h"
#include "contract/project.h"
#include "flow/accept.h"
#include "flow/checks.h"
#include "flow/freshness.h"
#include "os/os.h"

typedef struct listing {
    pl_cli *cli;
    const pl_lake *lake;
    const char *table, *source, *check; // only these; NULL: any
    bool history;
    pl_json_writer json;
    pl_grid grid;
    int64_t shown;
    bool waits; // something is held, or a critical table is stale
    pl_score score;
} listing;

// ---- one result --------------------------------------------------------------------------------
static void check_json(pl_json_writer *json, const pl_check_row *row)
{
    pl_arena scratch = {0};
    bool score = strcmp(row->check, "score") == 0;
    pl_json_begin(json, '{');
    pl_look_text(json, "table", row->table);
    pl_look_text(json, "source", row->source);
    pl_look_text(json, "check", row->check);
    pl_look_text(json, "column", *row->column ? row->column : NULL);
    pl_look_text(json, "severity", score ? NULL : row->critical ? "critical" : "warn");
    pl_look_text(json, "outcome", score ? NULL : pl_check_outcome_name(row->outcome));
    pl_look_int(json, "measured", row->measured);
    pl_look_int(json, "total", row->total);
    pl_look_text(json, "allowed", *row->allowed ? row->allowed : NULL);
    pl_look_text(json, "text", pl_check_text(row, &scratch));
    pl_look_time(json, "at", row->at_us);
    pl_look_text(json, "run", *row->run ? row->run : NULL);
    pl_json_end(json, '}');
    pl_arena_done(&scratch);
}

static void check_line(listing *list, const pl_check_row *row)
{
    pl_grid *grid = &list->grid;
    pl_arena scratch = {0};
    bool score = strcmp(row->check, "score") == 0;
    pl_grid_text(grid, score ? "" : pl_check_outcome_name(row->outcome));
    pl_grid_text(grid, score ? "" : row->critical ? "critical" : "warn");
    pl_grid_text(grid, row->check);
    pl_grid_printf(grid, "%s -> %s%s%s", row->source, row->table, *row->column ? "." : "",
                   row->column);
    pl_grid_text(grid, pl_check_text(row, &scratch));
    pl_grid_time(grid, row->at_us);
    pl_arena_done(&scratch);
}

static bool is_wanted(const listing *list, const pl_check_row *row)
{
    return (!list->table || strcmp(list->table, row->table) == 0) &&
           (!list->source || strcmp(list->source, row->source) == 0) &&
           (!list->check || strcmp(list->check, row->check) == 0);
}

static void show(listing *list, const pl_check_row *row)
{
    list->shown++;
    if (list->cli->json)
        check_json(&list->json, row);
    else
        check_line(list, row);
}

// ---- listing -----------------------------------------------------------------------------------
static bool visit(void *context, const pl_check_row *row)
{
    listing *list = context;
    // What the contracts do not ask for any more is history, and how old data is is asked now.
    const pl_project *project = list->lake->project;
    bool current = pl_project_mapping(project, pl_span_of(row->source), pl_span_of(row->table)) &&
                   strcmp(row->check, "freshness") != 0;
    if (list->history || current) show(list, row);
    return true;
}

static bool find_hold(void *context, const pl_hold_row *hold)
{
    listing *list = context;
    if (hold->checks && (!list->table || strcmp(list->table, hold->table) == 0) &&
        (!list->source || strcmp(list->source, hold->source) == 0))
        list->waits = true;
    return true;
}

// How old the data is, and how much of it is right.
static plumb_status ask_now(listing *list, plumb_error *err)
{
    const pl_project *project = list->lake->project;
    pl_arena *arena = &list->cli->arena;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        pl_check_row row;
        bool asked;
        PL_TRY(pl_freshness(list->lake->registry, project->mappings[i], list->cli->now_us, arena,
                            &asked, &row, err));
        const char *source = pl_arena_cstr(arena, project->mappings[i]->source);
        const char *table = pl_arena_cstr(arena, project->mappings[i]->table);
        if ((!list->table || strcmp(list->table, table) == 0) &&
            (!list->source || strcmp(list->source, source) == 0))
            PL_TRY(pl_checks_score(list->lake, source, table, &list->score, err));
        if (!asked || !is_wanted(list, &row)) continue;
        list->waits |= row.critical && row.outcome == PL_CHECK_FAILED;
        show(list, &row);
    }
    return PLUMB_OK;
}

static plumb_status list_all(listing *list, int64_t limit, plumb_error *err)
{
    pl_registry *registry = list->lake->registry;
    pl_check_filter filter = {.table = list->table,
                              .source = list->source,
                              .check = list->check,
                              .latest = !list->history,
                              .limit = list->history ? limit : 0};
    if (!registry) return PLUMB_OK;
    PL_TRY(pl_registry_checks(registry, &filter, visit, list, err));
    if (!list->history) PL_TRY(ask_now(list, err));
    return pl_registry_holds(registry, find_hold, list, err);
}

static int list_checks(pl_cli *cli, const char *table)
{
    plumb_error err;
    pl_lake lake = {0};
    int64_t limit = cli->json ? 0 : 50;
    listing list = {.cli = cli,
                    .lake = &lake,
                    .table = table,
                    .source = pl_cli_value(cli, "source"),
                    .check = pl_cli_value(cli, "check"),
                    .history = pl_cli_flag(cli, "history"),
                    .json = pl_cli_json(cli)};
    if (!pl_cli_integer(cli, "limit", 1, INT64_MAX, &limit)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);
    list.grid = pl_grid_make("result|severity|check|source -> table.column|what|at");
    if (cli->json) pl_json_begin(&list.json, '[');
    plumb_status st = pl_look_named(cli, &lake, list.source, table, &err);
    if (st == PLUMB_OK) st = list_all(&list, limit, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) {
        pl_buf_reset(&cli->out);
        return pl_cli_fail(cli, &err);
    }
    if (cli->json) {
        pl_json_end(&list.json, ']');
    } else if (list.shown) {
        size_t start = cli->out.count;
        pl_grid_print(cli, &list.grid);
        pl_cli_fit(cli, start, pl_cli_width());
        if (list.score.all)
            pl_cli_print(cli, "\nScore: %.4g%% of the records published last are right.\n",
                         100 * (double)list.score.right / (double)list.score.all);
    } else {
        pl_cli_print(cli, list.check ? "There is no result of such a check: 'plumb checks' lists "
                                       "those that there are.\n"
                                     : "Nothing was checked yet: 'plumb run' does.\n");
    }
    return pl_cli_finish_with(cli, list.waits ? PL_EXIT_WAITS : PL_EXIT_DONE);
}

// ---- for the other commands --------------------------------------------------------------------
static bool take_score(void *context, const pl_check_row *row)
{
    pl_score *score = context;
    if (row->outcome == PL_CHECK_FAILED) return true; // of what is held
    score->right += row->measured;
    score->all += row->total;
    return false;
}

plumb_status pl_checks_score(const pl_lake *lake, const char *source, const char *table,
                             pl_score *score, plumb_error *err)
{
    pl_check_filter filter = {.table = table, .source = source, .check = "score"};
    if (!lake->registry) return PLUMB_OK;
    return pl_registry_checks(lake->registry, &filter, take_score, score, err);
}

// ---- accept ------------------------------------------------------------------------------------
typedef struct waiting {
    const char *table, *source; // the source is looked for if it is NULL
    char found[256];
    int count;
} waiting;

static bool find_waiting(void *context, const pl_hold_row *hold)
{
    waiting *w = context;
    if (!hold->checks || strcmp(hold->table, w->table) != 0) return true;
    w->count++;
    snprintf(w->found, sizeof w->found, "%s", hold->source);
    return true;
}

// The only one that waits, unless one was named.
static plumb_status find_source(const pl_lake *lake, waiting *w, plumb_error *err)
{
    if (w->source) return PLUMB_OK;
    PL_TRY(pl_registry_holds(lake->registry, find_waiting, w, err));
    if (w->count == 1) {
        w->source = w->found;
        return PLUMB_OK;
    }
    if (!w->count) {
        pl_fail(err, PLUMB_E_NOT_FOUND,
                "cannot accept table '%s': no check holds anything before it", w->table);
        pl_hint(err, "What waits for another reason is listed by 'plumb drift'.");
        return PLUMB_E_NOT_FOUND;
    }
    pl_fail(err, PLUMB_E_MISUSE, "cannot accept table '%s': %d sources wait before it", w->table,
            w->count);
    pl_hint(err, "Name one with --source; 'plumb status' lists them.");
    return PLUMB_E_MISUSE;
}

static int accept(pl_cli *cli, const char *table)
{
    plumb_error err;
    pl_lake lake = {0};
    waiting w = {.table = table, .source = pl_cli_value(cli, "source")};
    const char *why = pl_cli_value(cli, "why");
    if (pl_cli_open(cli, PL_CLI_WRITE, &lake, &err)) return pl_cli_fail(cli, &err);
    pl_run_options options = {.wait_ms = PL_LOCK_WAIT_MS};
    pl_run_use(&lake, &options);
    pl_accepted accepted = {0};
    pl_run_report report = {0};
    pl_human n, records;
    plumb_status st = pl_look_table(cli, &lake, table, &err);
    if (st == PLUMB_OK) st = find_source(&lake, &w, &err);
    char who[PL_USER_NAME];
    pl_user_name(who);
    pl_accepting accepting = {w.source, table, who, why ? why : ""};
    if (st == PLUMB_OK) st = pl_accept(&options, &accepting, &cli->arena, &accepted, &err);
    if (st != PLUMB_OK) {
        pl_lake_close(&lake);
        return pl_cli_fail(cli, &err);
    }
    if (!cli->json)
        pl_cli_print(cli, "accepted: %s %s of %s, %s %s, although %s\n\n",
                     pl_human_count(n, accepted.objects),
                     pl_plural(accepted.objects, "object", "objects"), w.source,
                     pl_human_count(records, accepted.records),
                     pl_plural(accepted.records, "record", "records"), accepted.failed);
    options.source = w.source;
    pl_signals_install();
    st = pl_run(&options, &cli->arena, &report, &err);
    pl_run_watched(&options);
    pl_lake_close(&lake);
    return pl_run_tell(cli, st, &report, &err);
}

static int run(pl_cli *cli)
{
    static const char *const listing_only[] = {"history", "limit", "check"};
    if (!cli->arg_count || strcmp(cli->args[0], "accept") != 0) {
        if (cli->arg_count > 1) return pl_cli_usage(cli, "unexpected argument '%s'", cli->args[1]);
        if (pl_cli_value(cli, "why")) return pl_cli_usage(cli, "--why is for accept");
        return list_checks(cli, cli->arg_count ? cli->args[0] : NULL);
    }
    if (cli->arg_count < 2) return pl_cli_usage(cli, "accept needs the name of a table");
    for (size_t i = 0; i < PL_COUNT(listing_only); i++)
        if (pl_cli_flag(cli, listing_only[i]))
            return pl_cli_usage(cli, "--%s is not for accept", listing_only[i]);
    return accept(cli, cli->args[1]);
}

static const pl_option options[] = {
    {.name = "source", .value = "S", .help = "only what this source sends"},
    {.name = "check", .value = "NAME", .help = "only this one: nulls, score, ..."},
    {.name = "history", .help = "every result that is kept, newest first"},
    {.name = "limit", .value = "N", .help = "history: at most N (50; with --json all)"},
    {.name = "why", .value = "TEXT", .help = "accept: the reason, for the books"},
    {0},
};

const pl_command pl_command_checks = {
    .name = "checks",
    .group = PL_GROUP_LOOK,
    .usage = "[TABLE] [--source S] [--check NAME] [--history [--limit N]]\n"
             "       plumb checks accept TABLE [--source S] [--why TEXT]",
    .summary = "what came of the contract's checks, and how many records are right",
    .help =
        "A contract says under checks: how many NULLs a column may have, how many values outside\n"
        "of its bounds, how many rows a run brings, whether a key may come twice, how old the\n"
        "newest data may be. 'plumb run' asks them of what each source is about to add. One that\n"
        "fails is told; if it is critical, the source waits before that table, and everything\n"
        "else is published. It goes on by itself when what waits passes together with what came\n"
        "later, or when the files were edited.\n"
        "\n"
        "Listed is the newest result of every check; how old the data is, is asked now: freshness\n"
        "never makes anything wait, since what is there is the freshest there is. 'accept'\n"
        "publishes what checks hold before a table as it is: what lands later is asked again.\n"
        "\n"
        "Score: records that became rows without a lost value, without one out of bounds, and\n"
        "without being what a failed check is about, of all records that 'where' keeps.\n"
        "\n"
        "Exit codes: 3 while checks hold something, or a table is older than a critical\n"
        "freshness allows; else 0.\n"
        "\n"
        "JSON: [{\"table\", \"source\", \"check\", \"column\", \"severity\", \"outcome\": passed,\n"
        "failed, accepted or skipped, \"measured\", \"total\", \"allowed\", \"text\", \"at\",\n"
        "\"run\"}]; of a score severity and outcome are null, and measured of total are right.\n"
        "Of freshness measured is microseconds.\n"
        "\n"
        "Example:\n"
        "  $ plumb checks\n"
        "  result  severity  check  source -> table.column        what\n"
        "  failed  critical  nulls  tiktok -> post_metrics.likes  likes is NULL in 12 of 400 ...\n"
        "  passed  warn      rows   tiktok -> post_metrics        400 rows in 2 objects, ...\n"
        "  $ plumb checks post_metrics --history --check score\n"
        "  $ plumb checks accept post_metrics --why 'the platform hides likes of minors'\n",
    .options = options,
    .args_max = 2,
    .json = true,
    .run = run,
};
