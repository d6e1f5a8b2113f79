// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/frame.h"

static const struct {
    pl_command_group group;
    const char *title;
} groups[] = {
    {PL_GROUP_START, "Start"},
    {PL_GROUP_WORK, "Work"},
    {PL_GROUP_LOOK, "Look"},
    {PL_GROUP_CARE, "Care"},
};

void pl_help_short(pl_cli *cli)
{
    const char *bold = pl_cli_color(cli, PL_COLOR_BOLD), *off = pl_cli_color(cli, PL_COLOR_OFF);
    pl_cli_print(cli,
                 "plumb turns JSON into tables: raw kept as it came, rows in Iceberg and Parquet, "
                 "answers in SQL.\n\n"
                 "To begin, with a file of your own:\n\n"
                 "  %splumb init shop --from events.jsonl%s   a project, written from a sample\n"
                 "  %splumb -C shop run%s                     map what is new and publish it\n"
                 "  %splumb -C shop query 'SELECT ...'%s      ask\n\n"
                 "'plumb help' lists every command, 'plumb help COMMAND' explains one.\n",
                 bold, off, bold, off, bold, off);
}

void pl_help_all(pl_cli *cli)
{
    pl_cli_print(cli, "Usage: plumb [-C DIR] COMMAND ...\n");
    for (size_t g = 0; g < PL_COUNT(groups); g++) {
        bool any = false;
        for (int i = 0; pl_commands[i]; i++) {
            if (pl_commands[i]->group != groups[g].group) continue;
            if (!any)
                pl_cli_print(cli, "\n%s%s%s\n", pl_cli_color(cli, PL_COLOR_BOLD), groups[g].title,
                             pl_cli_color(cli, PL_COLOR_OFF));
            any = true;
            pl_cli_print(cli, "  %-12s %s\n", pl_commands[i]->name, pl_commands[i]->summary);
        }
    }
    pl_cli_print(cli,
                 "\nOptions of every command\n"
                 "  -C DIR       the project's folder; else the nearest parent with plumb.yaml\n"
                 "  --json       on commands that print data: one JSON document, nothing else\n"
                 "  -h, --help   what the command does, with an example\n"
                 "  --version    (of plumb itself)\n"
                 "\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done and\n"
                 "something waits for a person, 130 interrupted.\n");
}

static void print_option(pl_cli *cli, const char *name, const char *value, const char *help)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", name, value ? " " : "", value ? value : "");
    pl_cli_print(cli, "  %-20s %s\n", left, help);
}

void pl_help_command(pl_cli *cli, const pl_command *command)
{
    const char *bold = pl_cli_color(cli, PL_COLOR_BOLD), *off = pl_cli_color(cli, PL_COLOR_OFF);
    pl_cli_print(cli, "%splumb %s%s: %s\n\nUsage: plumb %s%s%s\n\n%s\n%sOptions%s\n", bold,
                 command->name, off, command->summary, command->name, command->usage[0] ? " " : "",
                 command->usage, command->help, bold, off);
    for (const pl_option *o = command->options; o && o->name; o++)
        print_option(cli, o->name, o->value, o->help);
    if (command->json) print_option(cli, "json", NULL, "one JSON document, nothing else");
    pl_cli_print(cli, "  %-20s %s\n  %-20s %s\n", "-C DIR",
                 "the project's folder; else the nearest parent with plumb.yaml", "-h, --help",
                 "this text");
}

static int run(pl_cli *cli)
{
    if (cli->arg_count == 0) {
        pl_help_all(cli);
        return pl_cli_finish(cli);
    }
    const pl_command *command = pl_command_find(cli->args[0]);
    if (!command) {
        const char *nearest = pl_command_nearest(cli->args[0]);
        if (!nearest) return pl_cli_usage(cli, "there is no command '%s'", cli->args[0]);
        return pl_cli_usage(cli, "there is no command '%s'; did you mean '%s'?", cli->args[0],
                            nearest);
    }
    pl_help_command(cli, command);
    return pl_cli_finish(cli);
}

const pl_command pl_command_help = {
    .name = "help",
    .group = PL_GROUP_CARE,
    .usage = "[COMMAND]",
    .summary = "list the commands, or explain one",
    .help = "Example:\n  plumb help quarantine\n",
    .args_max = 1,
    .run = run,
};
