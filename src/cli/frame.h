// frame.h -- the parts of the frame that main.c, options.c and help.c share; commands use cli.h.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_FRAME_H
#define PL_CLI_FRAME_H

#include "cli/cli.h"

typedef struct pl_cli_given {
    const pl_option *option;
    const char *value; // NULL for a flag
} pl_cli_given;

extern const pl_command *const pl_commands[];        // ends with NULL
const pl_command *pl_command_find(const char *name); // or NULL
const char *pl_command_nearest(const char *name);    // or NULL

// Fill args and given. Returns -1, or the exit code of a mistake that was printed.
int pl_cli_parse(pl_cli *cli, int argc, char **argv);
int pl_cli_take_directory(pl_cli *cli, int *at, int argc, char **argv);

void pl_help_short(pl_cli *cli);                              // `plumb` alone
void pl_help_all(pl_cli *cli);                                // `plumb help`
void pl_help_command(pl_cli *cli, const pl_command *command); // `plumb help NAME`

// A context for pl_cli_nearest; what is behind it is not written to.
static inline void *pl_cli_unconst(const void *pointer)
{
    return (void *)(uintptr_t)pointer;
}

#endif
