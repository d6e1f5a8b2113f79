// diff.h -- the lines in which two texts differ, for people and programs.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_DIFF_H
#define PL_CLI_DIFF_H

#include "cli/cli.h"
#include "contract/diff.h"

// Print lines that went and came as "  -   4  likes: a" and "  +   4  likes: b", escaped.
void pl_diff_print(pl_cli *cli, pl_span from, pl_span to);
// Append an array of {"op": "-", "line", "text"}.
void pl_diff_json(pl_json_writer *json, pl_span from, pl_span to);

#endif
