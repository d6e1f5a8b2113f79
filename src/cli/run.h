// run.h -- what `plumb run` and `plumb commit` share: telling how a run ended.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_RUN_H
#define PL_CLI_RUN_H

#include "cli/cli.h"
#include "flow/run.h"

// Print the report, or the error that `st` stands for; returns the exit code.
int pl_run_tell(pl_cli *cli, plumb_status st, const pl_run_report *report, const plumb_error *err);

#endif
