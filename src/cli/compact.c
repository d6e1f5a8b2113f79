// compact.c -- plumb compact: small data files of a partition as few large, sorted ones.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/compact.h"

#include <stdio.h>

#include "cli/look.h"
#include "cli/run.h"
#include "os/os.h"

static void json_report(pl_cli *cli, const pl_compact_options *options,
                        const pl_compact_report *report)
{
    const pl_run_report *run = &report->run;
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_run_json_head(&w, run, options->dry);
    pl_look_text(&w, "table", options->table);
    pl_look_int(&w, "rows", (int64_t)report->rows);
    pl_json_key(&w, "files"), pl_json_begin(&w, '{');
    pl_look_int(&w, "live", (int64_t)report->files_live);
    pl_look_int(&w, "before", (int64_t)report->files_before);
    pl_look_int(&w, "after", (int64_t)report->files_after);
    pl_look_int(&w, "foreign", (int64_t)report->files_foreign);
    pl_json_end(&w, '}');
    pl_json_key(&w, "bytes"), pl_json_begin(&w, '{');
    pl_look_int(&w, "before", (int64_t)report->bytes_before);
    pl_json_key(&w, "after");
    if (options->dry)
        pl_json_null(&w);
    else
        pl_json_int(&w, (int64_t)report->bytes_after);
    pl_json_end(&w, '}');
    pl_json_key(&w, "partitions"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->partition_count; i++) pl_json_cstr(&w, report->partitions[i]);
    pl_json_end(&w, ']');
    pl_run_json_tables(&w, run);
    pl_json_key(&w, "seconds"), pl_json_double(&w, (double)run->micros / 1e6);
    pl_json_end(&w, '}');
}

static void print_report(pl_cli *cli, const pl_compact_options *options,
                         const pl_compact_report *report)
{
    const pl_run_report *run = &report->run;
    pl_human before, bytes, partitions, after, size;
    pl_run_print_resumed(cli, run);
    if (report->files_foreign)
        pl_cli_print(cli, "%s small %s of other programs %s as %s\n",
                     pl_human_count(before, (int64_t)report->files_foreign),
                     pl_plural((int64_t)report->files_foreign, "file", "files"),
                     report->files_foreign == 1 ? "stays" : "stay",
                     report->files_foreign == 1 ? "it is" : "they are");
    if (run->nothing) {
        pl_cli_print(cli, "nothing to put together: no partition of %s has two small files\n",
                     options->table);
        return;
    }
    pl_cli_print(cli, "%s data files (%s) in %s %s %s %s",
                 pl_human_count(before, (int64_t)report->files_before),
                 pl_human_bytes(bytes, (int64_t)report->bytes_before),
                 pl_human_count(partitions, report->partition_count),
                 pl_plural(report->partition_count, "partition", "partitions"),
                 options->dry ? "would become" : "became",
                 pl_human_count(after, (int64_t)report->files_after));
    if (options->dry) {
        pl_cli_print(cli, "\nnothing was changed: this was only a look\n");
        return;
    }
    pl_cli_print(cli, " (%s)\n", pl_human_bytes(size, (int64_t)report->bytes_after));
    pl_run_print_tables(cli, run);
    pl_run_print_took(cli, run);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_compact_options options = {.table = cli->args[0], .dry = pl_cli_flag(cli, "dry-run")};
    if (!pl_run_read(cli, &options.run)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, options.dry ? PL_CLI_REVIEW : PL_CLI_WRITE, &lake, &err))
        return pl_cli_fail(cli, &err);
    pl_run_use(&lake, &options.run);
    pl_compact_report report = {.run = {.run = "", .nothing = true}};
    plumb_status st = pl_look_table(cli, &lake, options.table, &err);
    pl_signals_install();
    if (st == PLUMB_OK && lake.store && lake.registry)
        st = pl_compact(&options, &cli->arena, &report, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_run_failed(cli, st, &err);
    if (cli->json)
        json_report(cli, &options, &report);
    else
        print_report(cli, &options, &report);
    return pl_cli_finish(cli);
}

static const pl_option options[] = {
    {"dry-run", NULL, "say what would be put together, and do nothing", false},
    PL_RUN_OPTION_THREADS,
    PL_RUN_OPTION_WAIT,
    {0},
};

const pl_command pl_command_compact = {
    .name = "compact",
    .group = PL_GROUP_CARE,
    .usage = "TABLE [--dry-run]",
    .summary = "put small data files together",
    .help = "Data files of less than 128 MiB that share a partition become one of up to 512 MiB, "
            "or as\n"
            "large as memory can sort, in the table's sort order. The rows stay the same: one "
            "snapshot\n"
            "whose operation is 'replace'. The old files stay until their snapshots expire. Files "
            "that\n"
            "other programs wrote are left as they are.\n"
            "\n"
            "Example:\n"
            "  $ plumb compact posts --dry-run\n"
            "  48 data files (31.0 MiB) in 4 partitions would become 4\n"
            "  nothing was changed: this was only a look\n"
            "  $ plumb compact posts\n"
            "\n"
            "--json prints {\"run\", \"state\": \"published\"|\"dry-run\"|\"nothing\", "
            "\"resumed\", \"table\",\n"
            "\"rows\", \"files\": {\"live\", \"before\", \"after\", \"foreign\"}, \"bytes\": "
            "{\"before\", "
            "\"after\"},\n"
            "\"partitions\", \"tables\", \"seconds\"}.\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};
