// run.h -- what the commands that map rows, and those that wait for them, share: their options,
// telling how a run goes and how it ended.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_RUN_H
#define PL_CLI_RUN_H

#include "cli/cli.h"
#include "flow/run.h"

#define PL_RUN_OPTION_THREADS                                                                      \
    {                                                                                              \
        .name = "threads", .value = "N", .help = "worker threads (plumb.yaml, else every core)"    \
    }
#define PL_RUN_OPTION_WAIT                                                                         \
    {                                                                                              \
        .name = "wait", .value = "TIME", .help = "how long to wait for another run (30s)"          \
    }

// What the options say; false: a mistake was printed.
bool pl_run_read_wait(pl_cli *cli, int64_t *ret_wait_ms);
bool pl_run_read(pl_cli *cli, pl_run_options *ret_options); // and what does not come of the lake
// Of an open lake. With progress if somebody watches: pl_run_watched ends its line.
void pl_run_use(const pl_lake *lake, pl_run_options *options);
void pl_run_watched(const pl_run_options *options);

// Print the report, or the error that `st` stands for; returns the exit code.
int pl_run_tell(pl_cli *cli, plumb_status st, const pl_run_report *report, const plumb_error *err);
int pl_run_failed(pl_cli *cli, plumb_status st, const plumb_error *err); // or was stopped

// After a run that began at since_us: new columns (flow/adopt.h). What goes wrong is only warned
// of.
void pl_run_adopt(const pl_run_options *options, int64_t since_us, pl_arena *arena,
                  pl_run_report *report);

// Its parts: what was published, as lines and as the member "tables"; the members "run", "state",
// "resumed"; the first line and the last one.
void pl_run_print_tables(pl_cli *cli, const pl_run_report *report);
void pl_run_json_tables(pl_json_writer *w, const pl_run_report *report);
void pl_run_json_report(pl_cli *cli, const pl_run_report *report); // all of it
void pl_run_json_head(pl_json_writer *w, const pl_run_report *report, bool dry);
void pl_run_print_resumed(pl_cli *cli, const pl_run_report *report);
// Sources whose mapping cannot be used, on stderr and as the member "unfit".
void pl_run_print_unfit(pl_cli *cli, const pl_unfit *unfit, uint32_t count);
void pl_run_json_unfit(pl_json_writer *w, const pl_unfit *unfit, uint32_t count);
void pl_run_print_took(pl_cli *cli, const pl_run_report *report);

#endif
