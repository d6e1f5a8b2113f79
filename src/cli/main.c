// main.c -- plumb: find the command, parse its options, run it. The commands are in commands.h.
//
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/frame.h"
#include "os/os.h"

#define COMMAND_ENTRY(name) &pl_command_##name,
const pl_command *const pl_commands[] = {PL_COMMANDS(COMMAND_ENTRY) NULL};

const pl_command *pl_command_find(const char *name)
{
    for (int i = 0; pl_commands[i]; i++)
        if (strcmp(pl_commands[i]->name, name) == 0) return pl_commands[i];
    return NULL;
}

static const char *command_name(void *context, int index)
{
    (void)context;
    return pl_commands[index] ? pl_commands[index]->name : NULL;
}

const char *pl_command_nearest(const char *name)
{
    return pl_cli_nearest(name, command_name, NULL);
}

static bool takes_color(void)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return pl_is_terminal(STDOUT_FILENO) && !(no && *no) && terminal &&
           strcmp(terminal, "dumb") != 0;
}

static int unknown(const char *kind, const char *word)
{
    pl_buf safe = {0};
    pl_cli_escape(&safe, pl_span_of(word));
    fprintf(stderr, "plumb: unknown %s '%s'\n", kind, pl_buf_cstr(&safe));
    pl_buf_done(&safe);
    const char *nearest = word[0] == '-' ? NULL : pl_command_nearest(word);
    if (nearest)
        fprintf(stderr, "  hint: Did you mean 'plumb %s'?\n", nearest);
    else
        fprintf(stderr, "  hint: 'plumb help' lists the commands.\n");
    return PL_EXIT_USAGE;
}

// What stands before the command. Returns -1, or the exit code when that was all.
static int before_command(pl_cli *cli, int *at, int argc, char **argv)
{
    for (; *at < argc && argv[*at][0] == '-'; (*at)++) {
        const char *word = argv[*at];
        if (word[1] == 'C') {
            int code = pl_cli_take_directory(cli, at, argc, argv);
            if (code >= 0) return code;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            pl_help_all(cli);
            return pl_cli_finish(cli);
        } else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
            pl_cli_print(cli, "plumb %s\n", PLUMB_VERSION);
            return pl_cli_finish(cli);
        } else {
            return unknown("option", word);
        }
    }
    if (*at < argc) return -1;
    pl_help_short(cli);
    return pl_cli_finish(cli);
}

static int run(pl_cli *cli, int argc, char **argv)
{
    int at = 1;
    int code = before_command(cli, &at, argc, argv);
    if (code >= 0) return code;
    cli->command = pl_command_find(argv[at]);
    if (!cli->command) return unknown("command", argv[at]);
    code = pl_cli_parse(cli, argc - at - 1, argv + at + 1);
    if (code >= 0) return code;
    if (cli->help) {
        pl_help_command(cli, cli->command);
        return pl_cli_finish(cli);
    }
    return cli->command->run(cli);
}

int main(int argc, char **argv)
{
    pl_standard_files();
    pl_memory_trim();
    signal(SIGPIPE, SIG_IGN); // a reader that went away shows as EPIPE, where it can be handled
    pl_signals_install();
    pl_cli cli = {.color = takes_color(), .now_us = pl_clock_micros()};
    int code = run(&cli, argc, argv);
    pl_buf_done(&cli.out);
    pl_arena_done(&cli.arena);
    return code;
}
