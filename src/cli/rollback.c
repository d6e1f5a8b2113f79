// rollback.c -- plumb rollback: a table as it was, or forward again.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/rollback.h"

#include "cli/frame.h"
#include "cli/look.h"
#include "cli/run.h"
#include "os/os.h"
#include "registry/lock.h"

static void json_steps(pl_json_writer *w, const char *key, const pl_rollback_step *steps,
                       uint32_t count)
{
    pl_json_key(w, key), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < count; i++) {
        pl_json_begin(w, '{');
        pl_look_snapshot(w, "snapshot", steps[i].snapshot);
        pl_look_time(w, "at", steps[i].at_us);
        pl_look_text(w, "operation", steps[i].operation);
        pl_look_int(w, "rows", steps[i].rows);
        pl_look_int(w, "files", steps[i].files);
        pl_look_text(w, "run", *steps[i].run ? steps[i].run : NULL);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

static void json_count(pl_json_writer *w, const char *key, int64_t value)
{
    pl_json_key(w, key);
    if (value < 0)
        pl_json_null(w);
    else
        pl_json_int(w, value);
}

static void json_report(pl_cli *cli, const pl_rollback_report *report, bool dry)
{
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_look_text(&w, "run", *report->run ? report->run : NULL);
    pl_look_text(&w, "table", cli->args[0]);
    pl_look_text(&w, "state", report->nothing ? "nothing" : dry ? "dry-run" : "rolled back");
    pl_look_snapshot(&w, "from", report->from);
    pl_look_snapshot(&w, "to", report->to);
    pl_look_time(&w, "to_time", report->to_us);
    pl_look_text(&w, "tag", report->tag ? report->tag : report->known_as);
    json_count(&w, "rows_before", report->rows_before);
    json_count(&w, "rows", report->rows);
    json_steps(&w, "undone", report->undone, report->undone_count);
    json_steps(&w, "returned", report->returned, report->returned_count);
    pl_json_key(&w, "objects"), pl_json_begin(&w, '{');
    pl_look_int(&w, "withdrawn", report->withdrawn);
    pl_look_int(&w, "published_again", report->published_again);
    pl_look_int(&w, "moved", report->moved);
    pl_json_end(&w, '}');
    pl_json_key(&w, "schema_changed"), pl_json_bool(&w, report->schema_changed);
    pl_json_key(&w, "mappings"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->pin_count; i++) {
        pl_json_begin(&w, '{');
        pl_look_text(&w, "source", report->pins[i].source);
        pl_look_text(&w, "file", report->pins[i].file);
        pl_look_int(&w, "version", report->pins[i].version);
        pl_json_key(&w, "pinned"), pl_json_bool(&w, report->pins[i].pinned);
        if (report->pins[i].why_not) pl_look_text(&w, "why_not", report->pins[i].why_not);
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_key(&w, "findings"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->finding_count; i++) {
        pl_json_begin(&w, '{');
        pl_look_int(&w, "id", report->findings[i].row.id);
        pl_look_text(&w, "source", report->findings[i].row.source);
        pl_look_text(&w, "from", pl_finding_state_name(report->findings[i].row.state));
        pl_look_text(&w, "to", pl_finding_state_name(report->findings[i].to));
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_key(&w, "baselines"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->baseline_count; i++) {
        const pl_rewound *to = &report->baselines[i];
        pl_json_begin(&w, '{');
        pl_look_text(&w, "source", to->source);
        json_count(&w, "version", to->version ? to->version : -1);
        pl_look_time(&w, "at", to->at_us);
        pl_json_key(&w, "exact"), pl_json_bool(&w, to->exact);
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
}

static void print_steps(pl_cli *cli, const char *word, const pl_rollback_step *steps,
                        uint32_t count)
{
    pl_human n;
    pl_grid grid = pl_grid_make("|snapshot>|at|operation|rows>|files>|run");
    if (!count) return;
    for (uint32_t i = 0; i < count && i < 10; i++) {
        const char *sign = steps[i].rows < 0 ? "-" : "+";
        int64_t rows = steps[i].rows < 0 ? -steps[i].rows : steps[i].rows;
        pl_grid_text(&grid, word);
        pl_grid_printf(&grid, "%lld", (long long)steps[i].snapshot);
        pl_grid_time(&grid, steps[i].at_us);
        pl_grid_text(&grid, steps[i].operation);
        pl_grid_printf(&grid, "%s%s", sign, pl_human_count(n, rows));
        pl_grid_printf(&grid, "%+lld", (long long)steps[i].files);
        pl_grid_text(&grid, steps[i].run);
    }
    pl_grid_print(cli, &grid);
    if (count > 10) pl_cli_print(cli, "  and %u more\n", count - 10);
}

// Runs would stop at that version; what is not known is whether the contract is right as it is.
static void print_unfit(pl_cli *cli, const pl_rollback_pin *pin, bool dry)
{
    const char *table = cli->args[0];
    pl_cli_print(
        cli,
        "%s: version %lld made these rows, and %s pinned, for it does not fit the "
        "contract:\n"
        "  %s\n"
        "  runs use the file, and what was decided about drift of %s stays\n"
        "  plumb mapping %s --table %s --use %lld pins it once the contract is as it was\n",
        pin->file, (long long)pin->version, dry ? "would not be" : "is not", pin->why_not,
        pin->source, pin->source, table, (long long)pin->version);
}

static void print_pins(pl_cli *cli, const pl_rollback_report *report, bool dry)
{
    for (uint32_t i = 0; i < report->pin_count; i++) {
        const pl_rollback_pin *pin = &report->pins[i];
        if (pin->pinned)
            pl_cli_print(cli,
                         "%s: version %lld made these rows and is pinned\n"
                         "  plumb mapping %s --table %s --use file takes the file again\n",
                         pin->file, (long long)pin->version, pin->source, cli->args[0]);
        else if (pin->why_not)
            print_unfit(cli, pin, dry);
        else
            pl_cli_print(cli, "%s: the file is used again, it made these rows\n", pin->file);
    }
}

// What was decided is of the rows that came of it.
static void print_findings(pl_cli *cli, const pl_rollback_report *report, bool dry)
{
    for (uint32_t i = 0; i < report->finding_count; i++) {
        const pl_reverted *f = &report->findings[i];
        pl_cli_print(cli, "finding %lld (%s, %s) %s %s, it was %s\n", (long long)f->row.id,
                     f->row.source, f->row.class, dry ? "would be" : "is",
                     pl_finding_state_name(f->to), pl_finding_state_name(f->row.state));
    }
}

// What is usual for a source follows the table; told is only where it cannot do so quite.
static void print_baselines(pl_cli *cli, const pl_rollback_report *report)
{
    pl_human time;
    for (uint32_t i = 0; i < report->baseline_count; i++) {
        const pl_rewound *to = &report->baselines[i];
        if (to->exact) continue;
        if (to->version)
            pl_cli_print(cli,
                         "what is usual for %s is known as of %s: of older runs not every one's is "
                         "kept\n",
                         to->source, pl_human_time(time, to->at_us));
        else
            pl_cli_print(cli, "what is usual for %s stays as it is: nothing is kept from then\n",
                         to->source);
    }
}

static void print_objects(pl_cli *cli, const pl_rollback_report *report)
{
    pl_human n;
    if (report->withdrawn) {
        pl_cli_print(cli, "%s raw %s withdrawn: runs leave %s alone\n",
                     pl_human_count(n, report->withdrawn),
                     pl_plural(report->withdrawn, "object is", "objects are"),
                     report->withdrawn == 1 ? "it" : "them");
        if (pl_command_find("replay"))
            pl_cli_print(cli, "  plumb replay %s --withdrawn maps %s again\n", cli->args[0],
                         report->withdrawn == 1 ? "it" : "them");
    }
    if (report->published_again)
        pl_cli_print(cli, "%s raw %s published again\n", pl_human_count(n, report->published_again),
                     pl_plural(report->published_again, "object is", "objects are"));
    if (report->moved)
        pl_cli_print(cli, "%s raw %s of another run now\n", pl_human_count(n, report->moved),
                     pl_plural(report->moved, "object counts as", "objects count as"));
}

static void print_report(pl_cli *cli, const pl_rollback_report *report, bool dry)
{
    pl_human time, rows, before;
    const char *table = cli->args[0];
    if (report->nothing) {
        pl_cli_print(cli, "nothing to roll back: %s is at snapshot %lld\n", table,
                     (long long)report->to);
        return;
    }
    print_steps(cli, "undone", report->undone, report->undone_count);
    print_steps(cli, "returned", report->returned, report->returned_count);
    pl_cli_print(cli, "%s%s %s at snapshot %lld of %s", report->undone_count ? "\n" : "", table,
                 dry ? "would be" : "is", (long long)report->to,
                 pl_human_time(time, report->to_us));
    if (report->rows >= 0 && report->rows_before >= 0)
        pl_cli_print(cli, ": %s %s, there were %s", pl_human_count(rows, report->rows),
                     pl_plural(report->rows, "row", "rows"),
                     pl_human_count(before, report->rows_before));
    pl_cli_print(cli, "\n");
    if (report->schema_changed)
        pl_cli_print(cli,
                     "its columns are those of then; the next run follows the contract again\n");
    print_objects(cli, report);
    print_pins(cli, report, dry);
    print_findings(cli, report, dry);
    print_baselines(cli, report);
    const char *tag = report->tag ? report->tag : report->known_as;
    if (dry)
        pl_cli_print(cli, "nothing was changed\n");
    else if (tag)
        pl_cli_print(cli, "forward again: plumb rollback %s --to %s\n", table, tag);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_rollback_report report = {.run = "", .nothing = true};
    bool dry = pl_cli_flag(cli, "dry-run");
    const char *to = pl_cli_value(cli, "to"), *why = pl_cli_value(cli, "why");
    char who[PL_USER_NAME];
    pl_user_name(who);
    if (!to) return pl_cli_usage(cli, "where to? --to takes SNAPSHOT, TIME, TAG or previous");
    pl_rollback_options o = {.to = to, .who = who, .why = why ? why : "", .dry = dry};
    o.table = cli->args[0];
    // A time has colons and dashes between digits: "2026-11-22", "2026-11-22T03:04:05Z", "now".
    bool time = strcmp(to, "now") == 0 ||
                (strspn(to, "0123456789") == 4 && to[4] == '-' && to[5] >= '0' && to[5] <= '9');
    if (time && !pl_cli_time(cli, "to", &o.at_us)) return PL_EXIT_USAGE;
    if (time) o.to = NULL;
    if (!pl_run_read_wait(cli, &o.wait_ms)) return PL_EXIT_USAGE;
    plumb_status st = pl_cli_open(cli, dry ? PL_CLI_READ : PL_CLI_WRITE, &lake, &err);
    if (st == PLUMB_OK) st = pl_look_table(cli, &lake, o.table, &err);
    o.project = lake.project;
    o.store = lake.store;
    o.registry = lake.registry;
    o.lock_path = lake.lock_path;
    if (st == PLUMB_OK && (!lake.store || !lake.registry))
        st = pl_fail(&err, PLUMB_E_NOT_FOUND,
                     "cannot roll back table '%s': nothing was published in it", o.table);
    if (st == PLUMB_OK) st = pl_rollback(&o, &cli->arena, &report, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (cli->json)
        json_report(cli, &report, dry);
    else
        print_report(cli, &report, dry);
    return pl_cli_finish(cli);
}

static const pl_option options[] = {
    {.name = "to",
     .value = "SNAPSHOT|TIME|TAG|previous",
     .help = "what the table is to be: previous is the one before the current"},
    {.name = "dry-run", .help = "only say what would be undone"},
    {.name = "why", .value = "TEXT", .help = "kept with the rollback in `plumb history`"},
    PL_RUN_OPTION_WAIT,
    {0},
};

const pl_command pl_command_rollback = {
    .name = "rollback",
    .group = PL_GROUP_CARE,
    .usage = "TABLE --to SNAPSHOT|TIME|TAG|previous [--dry-run] [--why TEXT]",
    .summary = "a table as it was: data, schema and mapping in one commit",
    .help =
        "Makes another snapshot the current one. It takes about a second whatever the table's\n"
        "size, for no data is touched: readers see what was before or what is after.\n"
        "\n"
        "What is left is tagged for 90 days: the last line says how to go forward again. Raw\n"
        "objects that only undone snapshots published are withdrawn: `plumb run` leaves them "
        "alone.\n"
        "The mapping version that made the rows is pinned, so that the next objects are mapped as\n"
        "those were, unless the contract has changed so that it does not fit; `plumb run` exits\n"
        "with 3 and shows what the file says instead until\n"
        "`plumb mapping SOURCE --use file` lets go of it. What was decided about drift since then "
        "is\n"
        "reverted: should it show again, it waits again.\n"
        "\n"
        "TIME is what was current then. `plumb history TABLE` lists snapshots and tags.\n"
        "\n"
        "JSON: {\"run\", \"table\", \"state\", \"from\", \"to\", \"to_time\", \"tag\", "
        "\"rows_before\", \"rows\",\n"
        "\"undone\": [{\"snapshot\", \"at\", \"operation\", \"rows\", \"files\", \"run\"}], "
        "\"returned\", \"objects\":\n"
        "{\"withdrawn\", \"published_again\", \"moved\"}, \"schema_changed\", \"mappings\": "
        "[{\"source\", \"file\",\n"
        "\"version\", \"pinned\"}], \"findings\", \"baselines\": [{\"source\", \"version\", "
        "\"at\", \"exact\"}]}.\n"
        "\n"
        "Example:\n"
        "  plumb rollback post_metrics --to previous --dry-run\n"
        "  plumb rollback post_metrics --to 2026-11-22T06:00:00Z --why 'likes were in thousands'\n"
        "  plumb rollback post_metrics --to before-rollback-1\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};
