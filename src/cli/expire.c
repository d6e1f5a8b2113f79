// expire.c -- plumb expire: old snapshots of a table, and the files only they need.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/expire.h"

#include "cli/look.h"
#include "cli/run.h"
#include "os/os.h"
#include "registry/lock.h"

static void json_report(pl_cli *cli, const pl_expire_report *report, bool dry)
{
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_look_text(&w, "run", *report->run ? report->run : NULL);
    pl_look_text(&w, "table", cli->args[0]);
    pl_look_text(&w, "state", dry ? "dry-run" : *report->run ? "expired" : "nothing");
    pl_look_int(&w, "snapshots", report->snapshots);
    pl_look_int(&w, "snapshots_left", report->snapshots_left);
    pl_json_key(&w, "tags"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->tag_count; i++) pl_json_cstr(&w, report->tags[i]);
    pl_json_end(&w, ']');
    pl_look_int(&w, "data_files", report->doomed_files);
    pl_look_int(&w, "data_bytes", report->doomed_bytes);
    pl_look_int(&w, "deleted", report->deleted);
    pl_look_int(&w, "waiting", report->waiting);
    pl_look_int(&w, "orphans", report->orphans);
    pl_look_int(&w, "orphan_bytes", report->orphan_bytes);
    pl_json_end(&w, '}');
}

static void print_report(pl_cli *cli, const pl_expire_report *report, bool dry)
{
    pl_human n, left, bytes;
    if (!report->snapshots)
        pl_cli_print(cli, "no snapshot of %s is old enough\n", cli->args[0]);
    else
        pl_cli_print(cli, "%s%s %s of %s, %s %s left; %s data %s of %s %s needed by none of them\n",
                     dry ? "would expire " : "expired ", pl_human_count(n, report->snapshots),
                     pl_plural(report->snapshots, "snapshot", "snapshots"), cli->args[0],
                     pl_human_count(left, report->snapshots_left),
                     report->snapshots_left == 1 ? "is" : "are",
                     pl_human_count((pl_human){0}, report->doomed_files),
                     pl_plural(report->doomed_files, "file", "files"),
                     pl_human_bytes(bytes, report->doomed_bytes),
                     report->doomed_files == 1 ? "is" : "are");
    for (uint32_t i = 0; i < report->tag_count; i++)
        pl_cli_print(cli, "  %s tag %s\n", dry ? "would drop" : "dropped", report->tags[i]);
    if (report->deleted)
        pl_cli_print(cli, "%s %s %s\n", dry ? "would delete" : "deleted",
                     pl_human_count(n, report->deleted),
                     pl_plural(report->deleted, "file", "files"));
    if (report->orphans)
        pl_cli_print(cli, "%s %s %s (%s) that nothing leads to\n", dry ? "would delete" : "deleted",
                     pl_human_count(n, report->orphans),
                     pl_plural(report->orphans, "file", "files"),
                     pl_human_bytes(bytes, report->orphan_bytes));
    if (report->waiting)
        pl_cli_print(cli, "%s %s for readers that began before; a later expire deletes %s\n",
                     pl_human_count(n, report->waiting),
                     pl_plural(report->waiting, "file waits", "files wait"),
                     report->waiting == 1 ? "it" : "them");
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_expire_report report = {.run = ""};
    char who[PL_USER_NAME];
    pl_user_name(who);
    pl_expire_options o = {.table = cli->args[0],
                           .older_than_us = PL_EXPIRE_AGE_US,
                           .grace_us = PL_EXPIRE_GRACE_US,
                           .orphan_us = PL_EXPIRE_ORPHAN_US,
                           .who = who,
                           .dry = pl_cli_flag(cli, "dry-run")};
    if (!pl_cli_duration(cli, "older-than", &o.older_than_us) ||
        !pl_cli_duration(cli, "grace", &o.grace_us) ||
        !pl_cli_duration(cli, "orphans", &o.orphan_us) || !pl_run_read_wait(cli, &o.wait_ms))
        return PL_EXIT_USAGE;
    plumb_status st = pl_cli_open(cli, o.dry ? PL_CLI_READ : PL_CLI_WRITE, &lake, &err);
    if (st == PLUMB_OK) st = pl_look_table(cli, &lake, o.table, &err);
    o.store = lake.store;
    o.registry = lake.registry;
    o.lock_path = lake.lock_path;
    if (st == PLUMB_OK && lake.store && lake.registry)
        st = pl_expire(&o, &cli->arena, &report, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (cli->json)
        json_report(cli, &report, o.dry);
    else
        print_report(cli, &report, o.dry);
    return pl_cli_finish(cli);
}

static const pl_option options[] = {
    {.name = "older-than", .value = "TIME", .help = "since when they are not current (30d)"},
    {.name = "grace", .value = "TIME", .help = "how long readers of them have to end (1h)"},
    {.name = "orphans",
     .value = "TIME",
     .help = "how old files that nothing leads to must be (3d)"},
    {.name = "dry-run", .help = "only say what would go"},
    PL_RUN_OPTION_WAIT,
    {0},
};

const pl_command pl_command_expire = {
    .name = "expire",
    .group = PL_GROUP_CARE,
    .usage = "TABLE [--older-than 30d] [--grace 1h] [--orphans 3d] [--dry-run]",
    .summary = "old snapshots go, and the files that only they needed",
    .help =
        "Snapshots that have not been current for 30 days leave the table; what a branch or a\n"
        "tag names stays, tags of rollbacks for 90 days. Rows of the current snapshot are never\n"
        "touched, nor is raw: what is older can be mapped again.\n"
        "\n"
        "Files that no snapshot needs any more are deleted an hour later, by the next expire\n"
        "after that: readers that began before have that long to end. Killed at any time, the\n"
        "next one goes on.\n"
        "\n"
        "Data and metadata files in the table's folder that no snapshot leads to, left by a "
        "program\n"
        "that died, go when they are three days old: younger ones may be part of a commit to "
        "come.\n"
        "\n"
        "JSON: {\"run\", \"table\", \"state\", \"snapshots\", \"snapshots_left\", \"tags\", "
        "\"data_files\",\n"
        "\"data_bytes\", \"deleted\", \"waiting\", \"orphans\", \"orphan_bytes\"}.\n"
        "\n"
        "Example:\n"
        "  plumb expire post_metrics --dry-run\n"
        "  plumb expire post_metrics --older-than 7d\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};
