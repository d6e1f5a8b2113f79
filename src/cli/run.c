// run.c -- plumb run: map what is new, publish it, say what happened.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/diff.h"
#include "cli/drift.h"
#include "cli/frame.h"
#include "cli/look.h"
#include "cli/run.h"
#include "flow/adopt.h"
#include "flow/checks.h"
#include "os/os.h"

void pl_run_print_resumed(pl_cli *cli, const pl_run_report *report)
{
    if (report->resumed) pl_cli_print(cli, "finished run %s, which had died\n", report->resumed);
}

void pl_run_print_took(pl_cli *cli, const pl_run_report *report)
{
    pl_human duration;
    if (*report->run)
        pl_cli_print(cli, "run %s took %s\n", report->run,
                     pl_human_duration(duration, report->micros));
}

static void progress(void *context, uint64_t content_bytes, uint64_t total, uint64_t records)
{
    pl_human bytes, all, count;
    (void)context;
    fprintf(stderr, "\r\033[K%s of %s, %s records", pl_human_bytes(bytes, (int64_t)content_bytes),
            pl_human_bytes(all, (int64_t)total), pl_human_count(count, (int64_t)records));
    fflush(stderr);
}

static bool is_pinned(const pl_run_report *report)
{
    for (uint32_t i = 0; i < report->mapping_count; i++)
        if (report->mappings[i].pinned) return true;
    return false;
}

static void print_sources(pl_cli *cli, const pl_run_report *report)
{
    if (!report->source_count) return;
    pl_grid grid = pl_grid_make(
        report->filtered
            ? "source|table|objects>|records>|rows>|quarantined>|filtered>|lost values>"
            : "source|table|objects>|records>|rows>|quarantined>|lost values>");
    for (uint32_t i = 0; i < report->source_count; i++) {
        const pl_run_source *source = &report->sources[i];
        pl_grid_text(&grid, source->source);
        pl_grid_text(&grid, source->table);
        pl_grid_count(&grid, (int64_t)source->objects);
        pl_grid_count(&grid, (int64_t)source->records);
        pl_grid_count(&grid, (int64_t)source->rows);
        pl_grid_count(&grid, (int64_t)source->quarantined);
        if (report->filtered) pl_grid_count(&grid, (int64_t)source->filtered);
        pl_grid_count(&grid, (int64_t)source->lost);
    }
    pl_grid_print(cli, &grid);
    pl_cli_print(cli, "\n");
}

void pl_run_print_tables(pl_cli *cli, const pl_run_report *report)
{
    pl_human rows, files;
    for (uint32_t i = 0; i < report->table_count; i++) {
        const pl_run_table *table = &report->tables[i];
        if (table->snapshot)
            pl_cli_print(cli, "published %s: %s %s in %s %s, snapshot %lld\n", table->table,
                         pl_human_count(rows, (int64_t)table->rows),
                         pl_plural((int64_t)table->rows, "row", "rows"),
                         pl_human_count(files, (int64_t)table->files),
                         pl_plural((int64_t)table->files, "file", "files"),
                         (long long)table->snapshot);
        else
            pl_cli_print(cli, "%s table %s, no rows\n", table->created ? "created" : "changed",
                         table->table);
        if (table->evolved && !table->created)
            pl_cli_print(cli, "  its metadata now follows the contract\n");
    }
}

static void print_mappings(pl_cli *cli, const pl_run_report *report)
{
    pl_human rows, objects;
    for (uint32_t i = 0; i < report->mapping_count; i++) {
        const pl_run_mapping *m = &report->mappings[i];
        if (m->pinned) {
            pl_cli_print(cli, "%s is not used for %s: version %lld is pinned. The file differs:\n",
                         m->file, m->table, (long long)m->pinned);
            pl_diff_print(cli, m->pinned_text, m->file_text);
            pl_cli_print(cli, "  plumb mapping %s --table %s --use file takes the file again\n",
                         m->source, m->table);
        }
        if (!m->rows) continue;
        pl_cli_print(cli, "%s %s of %s, of %s raw %s, %s made by other versions of %s\n",
                     pl_human_count(rows, m->rows), pl_plural(m->rows, "row", "rows"), m->table,
                     pl_human_count(objects, m->objects),
                     pl_plural(m->objects, "object", "objects"), m->rows == 1 ? "was" : "were",
                     m->file);
        pl_cli_print(cli, "  plumb replay %s --source %s --all maps them again\n", m->table,
                     m->source);
    }
}

// Whether the finding is told as a column.
static bool is_column(const pl_run_report *report, int64_t finding)
{
    for (uint32_t i = 0; i < report->column_count; i++)
        if (report->columns[i].finding == finding) return true;
    return false;
}

static void print_column(pl_cli *cli, const pl_run_column *c)
{
    pl_human rows;
    if (c->why_not) {
        pl_cli_print(cli, "new in %s: %s, no column of %s by itself: %s\n", c->source, c->path,
                     c->table, c->why_not);
        pl_cli_print(cli, "  plumb drift approve %lld makes it one, reject %lld says no\n",
                     (long long)c->finding, (long long)c->finding);
        return;
    }
    pl_cli_print(cli, "new column %s.%s (%s) from %s of %s", c->table, c->column,
                 *c->type ? c->type : "json", c->path, c->source);
    if (c->rows)
        pl_cli_print(cli, ", %s %s from before mapped anew", pl_human_count(rows, (int64_t)c->rows),
                     pl_plural((int64_t)c->rows, "row", "rows"));
    pl_cli_print(cli, "\n  plumb drift reject %lld takes it back\n", (long long)c->finding);
    if (c->replay) pl_cli_print(cli, "  %s fills it in rows from before\n", c->replay);
}

static void print_columns(pl_cli *cli, const pl_run_report *report)
{
    for (uint32_t i = 0; i < report->column_count; i++) print_column(cli, &report->columns[i]);
}

// Those that nothing waits for: the others stand behind what waits.
static void print_findings(pl_cli *cli, const pl_run_report *report)
{
    const uint32_t lines_max = 10;
    uint32_t lines = 0;
    for (uint32_t i = 0; i < report->finding_count; i++) {
        const pl_run_finding *f = &report->findings[i];
        if (f->state == PL_FINDING_HELD || is_column(report, f->id) || ++lines > lines_max)
            continue;
        pl_cli_print(cli, "finding %lld: %s %s, %s: %s\n", (long long)f->id,
                     pl_drift_where(&cli->arena, f->source, f->table, f->column), f->class,
                     pl_drift_what(&cli->arena, f->before, f->after),
                     pl_drift_event_words(f->state));
    }
    if (lines > lines_max)
        pl_cli_print(cli, "  and %u more findings\n", (unsigned)(lines - lines_max));
    if (lines) pl_cli_print(cli, "  plumb drift ls lists them, plumb drift show ID tells of one\n");
}

static void print_holds(pl_cli *cli, const pl_run_report *report)
{
    for (uint32_t i = 0; i < report->hold_count; i++) {
        const pl_run_hold *hold = &report->holds[i];
        pl_human objects, records, until;
        pl_cli_print(cli, "held: %s %s of %s %s before %s, %s %s: %s\n",
                     pl_human_count(objects, hold->objects),
                     pl_plural(hold->objects, "object", "objects"), hold->source,
                     pl_plural(hold->objects, "waits", "wait"), hold->table,
                     pl_human_count(records, hold->records),
                     pl_plural(hold->records, "record", "records"), hold->why);
        if (hold->released)
            pl_cli_print(cli, "  they may go on: the next plan or run takes them\n");
        else if (hold->checks)
            pl_cli_print(cli,
                         "  plumb checks %s says more; they wait until the check passes or the "
                         "contract is edited;\n"
                         "  plumb checks accept %s --source %s publishes them as they are\n",
                         hold->table, hold->table, hold->source);
        else if (hold->until_us)
            pl_cli_print(cli, "  plumb drift ls says more; published as they are after %s\n",
                         pl_human_time(until, hold->until_us));
        else
            pl_cli_print(
                cli, "  plumb drift ls says more; plumb drift approve ID, or reject ID, decides\n");
    }
    if (report->again)
        pl_cli_print(cli, "this plan is over: plumb plan makes a new one of all that may go on\n");
}

// What holds something stands behind that.
static void print_checks(pl_cli *cli, const pl_run_report *report)
{
    const uint32_t lines_max = 10;
    uint32_t lines = 0;
    pl_arena scratch = {0};
    for (uint32_t i = 0; i < report->check_count; i++) {
        const pl_check_row *row = &report->checks[i];
        if (pl_check_holds(row) || ++lines > lines_max) continue;
        pl_cli_print(cli, "check %s: %s -> %s: %s\n", pl_check_outcome_name(row->outcome),
                     row->source, row->table, pl_check_text(row, &scratch));
    }
    if (lines > lines_max)
        pl_cli_print(cli, "  and %u more: plumb checks lists them\n",
                     (unsigned)(lines - lines_max));
    pl_arena_done(&scratch);
}

static void print_withdrawn(pl_cli *cli, const pl_run_report *report)
{
    pl_human n;
    for (uint32_t i = 0; i < report->withdrawn_count; i++) {
        const pl_run_withdrawn *w = &report->withdrawn[i];
        pl_cli_print(cli, "%s %s withdrawn from %s by a rollback\n", pl_human_count(n, w->objects),
                     pl_plural(w->objects, "object is", "objects are"), w->table);
        if (pl_command_find("replay"))
            pl_cli_print(cli, "  plumb replay %s --withdrawn maps %s again\n", w->table,
                         w->objects == 1 ? "it" : "them");
    }
}

static void print_report(pl_cli *cli, const pl_run_report *report)
{
    pl_human count;
    if (report->nothing) {
        pl_cli_print(cli, report->hold_count ? "nothing was published\n" : "nothing new to map\n");
        print_holds(cli, report);
        print_checks(cli, report);
        print_withdrawn(cli, report);
        print_columns(cli, report);
        print_findings(cli, report);
        print_mappings(cli, report);
        return;
    }
    pl_run_print_resumed(cli, report);
    print_sources(cli, report);
    pl_run_print_tables(cli, report);
    if (report->quarantined)
        pl_cli_print(cli, "%s %s could not become rows: plumb quarantine shows why\n",
                     pl_human_count(count, (int64_t)report->quarantined),
                     pl_plural((int64_t)report->quarantined, "record", "records"));
    print_holds(cli, report);
    print_checks(cli, report);
    print_withdrawn(cli, report);
    print_columns(cli, report);
    print_findings(cli, report);
    print_mappings(cli, report);
    pl_run_print_took(cli, report);
}

void pl_run_print_unfit(pl_cli *cli, const pl_unfit *unfit, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, unfit++) {
        (void)pl_cli_fail(cli, &unfit->why);
        fprintf(stderr, "  Nothing of source '%.*s' is mapped for table '%.*s' until then.\n",
                PL_FMT(unfit->file->source), PL_FMT(unfit->file->table));
    }
}

// What went wrong with single objects and sources; the exit code.
static int print_failures(pl_cli *cli, const pl_run_report *report)
{
    pl_run_print_unfit(cli, report->unfit, report->unfit_count);
    for (uint32_t i = 0; i < report->damage_count; i++)
        fprintf(stderr,
                "plumb: cannot map raw object '%s' of source '%s': %s\n"
                "  hint: Its file is not what landed: restore it from a backup. The object stays "
                "new; nothing of it was published.\n",
                report->damages[i].object, report->damages[i].source, report->damages[i].why);
    if (report->damage_count) return PL_EXIT_FAILED;
    if (report->unfit_count) return PL_EXIT_USAGE;
    return report->hold_count || report->withdrawn_count || is_pinned(report) ? PL_EXIT_WAITS
                                                                              : PL_EXIT_DONE;
}

int pl_run_failed(pl_cli *cli, plumb_status st, const plumb_error *err)
{
    if (st != PLUMB_E_CANCELLED) return pl_cli_fail(cli, err);
    fprintf(stderr, "plumb: %s\n", err->message);
    return PL_EXIT_CANCELLED;
}

int pl_run_tell(pl_cli *cli, plumb_status st, const pl_run_report *report, const plumb_error *err)
{
    if (st != PLUMB_OK) return pl_run_failed(cli, st, err);
    if (cli->json)
        pl_run_json_report(cli, report);
    else
        print_report(cli, report);
    return pl_cli_finish_with(cli, print_failures(cli, report));
}

bool pl_run_read_wait(pl_cli *cli, int64_t *ret_wait_ms)
{
    int64_t wait_us = INT64_C(1000) * PL_LOCK_WAIT_MS;
    bool read = pl_cli_duration(cli, "wait", &wait_us);
    *ret_wait_ms = wait_us / 1000;
    return read;
}

bool pl_run_read(pl_cli *cli, pl_run_options *ret_options)
{
    int64_t threads = 0;
    *ret_options = (pl_run_options){0};
    if (!pl_cli_integer(cli, "threads", 1, 256, &threads)) return false;
    ret_options->threads = (uint32_t)threads;
    return pl_run_read_wait(cli, &ret_options->wait_ms);
}

void pl_run_use(const pl_lake *lake, pl_run_options *options)
{
    options->project = lake->project;
    options->store = lake->store;
    options->registry = lake->registry;
    options->lock_path = lake->lock_path;
    options->progress = pl_is_terminal(STDERR_FILENO) ? progress : NULL;
}

void pl_run_watched(const pl_run_options *options)
{
    if (options->progress) fprintf(stderr, "\r\033[K");
}

void pl_run_adopt(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                  pl_run_report *report)
{
    plumb_error err;
    plumb_status st = pl_adopt(options, since_us, arena, report, &err);
    pl_run_watched(options);
    if (st != PLUMB_OK)
        pl_cli_warn("what is published stands, but new columns wait for the next run: %s",
                    err.message);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_run_options options;
    if (!pl_run_read(cli, &options)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_WRITE, &lake, &err)) return pl_cli_fail(cli, &err);
    const char *source = pl_cli_value(cli, "source");
    if (source && pl_look_source(lake.project, NULL, source, &err)) {
        pl_lake_close(&lake);
        return pl_cli_fail(cli, &err);
    }
    pl_run_use(&lake, &options);
    options.source = source;
    options.no_shape = pl_cli_flag(cli, "no-shape");
    pl_run_report report;
    int64_t since_us = pl_clock_micros();
    pl_signals_install();
    plumb_status st = pl_run(&options, &cli->arena, &report, &err);
    if (st == PLUMB_OK)
        pl_run_adopt(&options, since_us, &cli->arena, &report);
    else
        pl_run_watched(&options);
    if (st == PLUMB_OK && !report.nothing &&
        pl_drift_promote_proven(cli, &lake, options.wait_ms, &report, &err) != PLUMB_OK)
        pl_cli_warn("%s", err.message); // what the run did stands
    pl_lake_close(&lake);
    return pl_run_tell(cli, st, &report, &err);
}

static const pl_option options[] = {
    {.name = "source", .value = "S", .help = "only this source"},
    PL_RUN_OPTION_THREADS,
    {.name = "no-shape", .help = "do not observe drift: only to measure what observing costs"},
    PL_RUN_OPTION_WAIT,
    {0},
};

const pl_command pl_command_run = {
    .name = "run",
    .group = PL_GROUP_WORK,
    .usage = "[--source S]",
    .summary = "map what is new, check it, publish it",
    .help =
        "Takes every raw object that has not been mapped for a table yet, maps its records by\n"
        "sources/*.yml, and publishes the rows of all tables at once. Records that cannot become\n"
        "rows are quarantined: kept in raw, counted, and listed by `plumb quarantine`.\n"
        "\n"
        "One run at a time works on a lake. A run that is stopped, killed or out of disk space\n"
        "publishes nothing. The next one finishes what a killed one had begun: only the tasks it\n"
        "had not done are done again.\n"
        "\n"
        "Exit codes: 0 done, also when records were quarantined or nothing was new; 1 failed;\n"
        "2 a mistake in the project's files, or the mapping in use does not fit its contract any\n"
        "more: then all other sources are published; 3 done, but objects of a source are held or "
        "were\n"
        "withdrawn by a rollback, or a mapping is pinned that differs from its file; 130 stopped "
        "by Ctrl-C.\n"
        "\n"
        "Held is what looks as if the source had changed: a column that was filled is empty now, "
        "a\n"
        "unit is another one. Its objects wait, in order; every other source is published. So do\n"
        "those of which a critical check of the contract fails (plumb help checks); others that\n"
        "fail are told.\n"
        "\n"
        "A key that is new and stays becomes a column: declared in the contract, filled by the\n"
        "mapping, back to its first record; both files are edited in place, and `plumb drift\n"
        "reject ID` takes it back. `drift: {added: hold}` in plumb.yaml leaves that to people.\n"
        "\n"
        "An edit of a mapping is for new objects: rows that other versions made stay, and are "
        "told.\n"
        "\n"
        "JSON: {\"run\": null if nothing was done, \"state\": published, partial, held or "
        "nothing,\n"
        "\"resumed\", \"tables\": [{\"table\", \"snapshot\", \"rows\", \"files\"}], \"sources\":\n"
        "[{\"source\", \"table\", \"state\", \"objects\", \"staged\", \"damaged\", \"records\", "
        "\"curated\":\n"
        "rows, \"quarantined\", \"filtered\", \"lost\", \"coerced\", \"conflicts\"}], \"records\": "
        "{\"raw\",\n"
        "\"curated\", \"quarantined\", \"filtered\"}, \"findings\": [ID], \"columns\", \"holds\",\n"
        "\"checks\", \"withdrawn\", \"unfit\", \"again\", \"mappings\", \"seconds\"}.\n"
        "\n"
        "Example:\n"
        "  plumb run\n"
        "  plumb run --source tiktok --json | jq .records\n",
    .options = options,
    .json = true,
    .run = run,
};
