// quarantine_retry.c -- plumb quarantine retry: quarantined records once more, by today's mapping.
//
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/look.h"
#include "cli/run.h"
#include "flow/retry.h"
#include "os/os.h"

// The ids given, in cli->arena; false: a mistake was printed.
static bool read_ids(pl_cli *cli, pl_retry_options *options)
{
    int64_t *ids = PL_TAKE(&cli->arena, int64_t, cli->arg_count);
    for (int i = 1; i < cli->arg_count; i++) {
        char *end;
        errno = 0;
        ids[i - 1] = strtoll(cli->args[i], &end, 10);
        if (errno == 0 && *end == '\0' && ids[i - 1] > 0) continue;
        (void)pl_cli_usage(cli, "'%s' is not the id of an entry", cli->args[i]);
        return false;
    }
    options->id_count = (uint32_t)(cli->arg_count - 1);
    options->ids = options->id_count ? ids : NULL;
    return true;
}

static void json_sources(pl_json_writer *w, const pl_run_report *run)
{
    pl_json_key(w, "sources"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < run->source_count; i++) {
        const pl_run_source *source = &run->sources[i];
        pl_json_begin(w, '{');
        pl_look_text(w, "source", source->source);
        pl_look_text(w, "table", source->table);
        pl_look_int(w, "objects", (int64_t)source->objects);
        pl_look_int(w, "damaged", (int64_t)source->damaged);
        pl_look_int(w, "records", (int64_t)source->records);
        pl_look_int(w, "curated", (int64_t)source->rows);
        pl_look_int(w, "quarantined", (int64_t)source->quarantined);
        pl_look_int(w, "filtered", (int64_t)source->filtered);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

static void json_report(pl_cli *cli, const pl_retry_report *report, bool dry)
{
    const pl_run_report *run = &report->run;
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_run_json_head(&w, run, dry);
    pl_look_int(&w, "entries", (int64_t)report->entries);
    pl_run_json_tables(&w, run);
    json_sources(&w, run);
    pl_json_key(&w, "records"), pl_json_begin(&w, '{');
    pl_look_int(&w, "retried", (int64_t)run->records);
    pl_look_int(&w, "curated", (int64_t)run->rows);
    pl_look_int(&w, "quarantined", (int64_t)run->quarantined);
    pl_look_int(&w, "filtered", (int64_t)run->filtered);
    pl_json_end(&w, '}');
    pl_json_key(&w, "refused"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->refusal_count; i++) {
        const pl_retry_refusal *refusal = &report->refusals[i];
        pl_json_begin(&w, '{');
        pl_look_text(&w, "object", refusal->object);
        pl_look_text(&w, "source", refusal->source);
        pl_look_text(&w, "table", refusal->table);
        pl_json_key(&w, "entry");
        if (refusal->entry)
            pl_json_int(&w, refusal->entry);
        else
            pl_json_null(&w);
        pl_look_int(&w, "records", (int64_t)refusal->records);
        pl_look_text(&w, "reason", refusal->why);
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_key(&w, "gone"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->gone_count; i++) pl_json_int(&w, report->gone[i]);
    pl_json_end(&w, ']');
    pl_json_key(&w, "seconds"), pl_json_double(&w, (double)run->micros / 1e6);
    pl_json_end(&w, '}');
}

static void print_sources(pl_cli *cli, const pl_run_report *run)
{
    pl_grid grid = pl_grid_make("source|table|objects>|records>|rows>|filtered>|quarantined>");
    for (uint32_t i = 0; i < run->source_count; i++) {
        const pl_run_source *source = &run->sources[i];
        pl_grid_text(&grid, source->source);
        pl_grid_text(&grid, source->table);
        pl_grid_count(&grid, (int64_t)source->objects);
        pl_grid_count(&grid, (int64_t)source->records);
        pl_grid_count(&grid, (int64_t)source->rows);
        pl_grid_count(&grid, (int64_t)source->filtered);
        pl_grid_count(&grid, (int64_t)source->quarantined);
    }
    if (run->source_count) {
        pl_grid_print(cli, &grid);
        pl_cli_print(cli, "\n");
    }
}

static void print_report(pl_cli *cli, const pl_retry_report *report, bool dry)
{
    const pl_run_report *run = &report->run;
    pl_run_print_resumed(cli, run);
    print_sources(cli, run);
    if (run->nothing && !run->source_count)
        pl_cli_print(cli, "nothing to retry\n");
    else if (run->nothing)
        pl_cli_print(cli, "nothing changes: they still cannot become rows\n");
    else if (dry)
        pl_cli_print(cli, "nothing was changed: this was only a look\n");
    else
        pl_run_print_tables(cli, run);
    pl_run_print_took(cli, run);
}

// What could not take part, for people; returns the exit code.
static int print_left_out(const pl_retry_report *report)
{
    for (uint32_t i = 0; i < report->gone_count; i++)
        pl_cli_warn("entry %lld does not stand in quarantine", (long long)report->gone[i]);
    for (uint32_t i = 0; i < report->refusal_count; i++) {
        const pl_retry_refusal *refusal = &report->refusals[i];
        char entry[40] = "";
        if (refusal->entry)
            snprintf(entry, sizeof entry, ", entry %lld", (long long)refusal->entry);
        fprintf(stderr, "plumb: cannot retry object '%s' for table '%s'%s: %s (%llu %s)\n",
                refusal->object, refusal->table, entry, refusal->why,
                (unsigned long long)refusal->records,
                pl_plural((int64_t)refusal->records, "record", "records"));
    }
    for (uint32_t i = 0; i < report->run.damage_count; i++)
        fprintf(stderr,
                "plumb: cannot map raw object '%s' of source '%s': %s\n"
                "  hint: The object landed whole and does not read now: restore its file from a "
                "backup. Its records stay in quarantine.\n",
                report->run.damages[i].object, report->run.damages[i].source,
                report->run.damages[i].why);
    if (report->run.damage_count) return PL_EXIT_FAILED;
    return report->refusal_count || report->gone_count ? PL_EXIT_WAITS : PL_EXIT_DONE;
}

static int tell(pl_cli *cli, plumb_status st, const pl_retry_report *report, bool dry,
                const plumb_error *err)
{
    if (st != PLUMB_OK) return pl_run_failed(cli, st, err);
    if (cli->json)
        json_report(cli, report, dry);
    else
        print_report(cli, report, dry);
    return pl_cli_finish_with(cli, print_left_out(report));
}

int pl_quarantine_retry(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_retry_options options = {
        .only = {.table = pl_cli_value(cli, "table"), .source = pl_cli_value(cli, "source")},
        .dry = pl_cli_flag(cli, "dry-run")};
    if (!read_ids(cli, &options)) return PL_EXIT_USAGE;
    if (!pl_run_read(cli, &options.run)) return PL_EXIT_USAGE;
    const char *object = pl_cli_value(cli, "object");
    if (object) options.only.object = pl_look_id(cli, object);
    if (pl_cli_open(cli, options.dry ? PL_CLI_REVIEW : PL_CLI_WRITE, &lake, &err))
        return pl_cli_fail(cli, &err);
    pl_run_use(&lake, &options.run);
    options.run.accept_checks = pl_cli_flag(cli, "accept-checks");
    pl_retry_report report = {.run = {.run = "", .nothing = true}};
    plumb_status st = pl_look_named(cli, &lake, options.only.source, options.only.table, &err);
    pl_signals_install();
    if (st == PLUMB_OK && lake.store && lake.registry)
        st = pl_retry(&options, &cli->arena, &report, &err);
    pl_run_watched(&options.run);
    pl_lake_close(&lake);
    return tell(cli, st, &report, options.dry, &err);
}
