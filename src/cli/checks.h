// checks.h -- what other commands show of the contract's checks.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_CHECKS_H
#define PL_CLI_CHECKS_H

#include "cli/cli.h"
#include "registry/checks.h"

typedef struct pl_score {
    int64_t right, all; // records; all 0: nothing was checked
} pl_score;
// Add that of the newest run that published of a source into a table.
PL_MUST_USE plumb_status pl_checks_score(const pl_lake *lake, const char *source, const char *table,
                                         pl_score *score, plumb_error *err);

#endif
