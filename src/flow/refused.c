// refused.c -- what a person said no to, and is to be asked about again.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "flow/judge.h"

plumb_status pl_verdict__refused(run_state *run, const verdict *v, const char *column,
                                 pl_finding_row *ret_row, bool *ret_found, plumb_error *err)
{
    pl_finding_list rows = {0};
    const uint32_t states = PL_FINDING_IN(PL_FINDING_REJECTED) |
                            PL_FINDING_IN(PL_FINDING_REVERTED) | PL_FINDING_IN(PL_FINDING_HELD);
    plumb_status st = pl_run__findings(run, v->name, v->table, states, &rows, err);
    *ret_found = false;
    for (uint32_t i = 0; i < rows.count && st == PLUMB_OK && !*ret_found; i++) {
        *ret_row = rows.items[i];
        if (!ret_row->muted_until_us || strcmp(ret_row->class, "renamed") != 0 ||
            strcmp(ret_row->column, column) != 0)
            continue;
        uint32_t at = pl_shape_named(&v->wait.shape, ret_row->after);
        *ret_found = at != PL_SHAPE_NONE && pl_shape_seen(&v->wait.shape.paths[at]);
        ret_row->records = (int64_t)v->wait.shape.records;
    }
    free(rows.items);
    return st;
}
