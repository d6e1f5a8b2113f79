// run.h -- what `plumb run`, `plumb commit` and `plumb quarantine retry` share: telling how a run
// goes and how it ended.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_RUN_H
#define PL_CLI_RUN_H

#include "cli/cli.h"
#include "flow/run.h"

// Print the report, or the error that `st` stands for; returns the exit code.
int pl_run_tell(pl_cli *cli, plumb_status st, const pl_run_report *report, const plumb_error *err);

// Its parts: what was published, as lines and as the member "tables".
void pl_run_print_tables(pl_cli *cli, const pl_run_report *report);
void pl_run_json_tables(pl_json_writer *w, const pl_run_report *report);
// For pl_run_options.progress: one line on stderr that writes over itself.
void pl_run_progress(void *context, uint64_t content_bytes, uint64_t total, uint64_t records);

#endif
