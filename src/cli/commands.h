// commands.h -- the table of commands, in the order help shows them inside their group.
//
// To add a command: one line here, one file with `const pl_command pl_command_NAME`, one line in
// meson.build.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_COMMANDS_H
#define PL_CLI_COMMANDS_H

#include "cli/cli.h"

// clang-format off
#define PL_COMMANDS(X) \
    X(init) \
    X(ingest) \
    X(run) \
    X(plan) \
    X(work) \
    X(commit) \
    X(query) \
    X(status) \
    X(tables) \
    X(describe) \
    X(history) \
    X(mapping) \
    X(runs) \
    X(ledger) \
    X(checks) \
    X(drift) \
    X(shape) \
    X(drill) \
    X(quarantine) \
    X(replay) \
    X(compact) \
    X(rollback) \
    X(expire) \
    X(verify) \
    X(rebuild) \
    X(relocate) \
    X(doctor) \
    X(completion) \
    X(help)
// clang-format on

#define PL_COMMAND_DECLARE(name) extern const pl_command pl_command_##name;
PL_COMMANDS(PL_COMMAND_DECLARE)

#endif
