// diff.h -- two texts line by line: which lines went and which came.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_DIFF_H
#define PL_CLI_DIFF_H

#include "cli/cli.h"

// Lines of `from` that went (came false, numbered as there) and of `to` that came, in the order of
// the text; line ends count. Texts whose different parts have more than 4 million pairs of lines
// differ as a whole.
typedef void (*pl_diff_visit)(void *context, bool came, uint32_t line, pl_span text);
void pl_diff(pl_span from, pl_span to, pl_diff_visit visit, void *context);

// Print them as "  -   4  likes: a" and "  +   4  likes: b", escaped.
void pl_diff_print(pl_cli *cli, pl_span from, pl_span to);
// Append an array of {"op": "-", "line", "text"}.
void pl_diff_json(pl_json_writer *json, pl_span from, pl_span to);

#endif
