// runs.h -- rows of one partition as bytes, column by column, until a row group is due: no column
// buffers per partition, and no value is moved alone where many can be moved at once. A run is
// built where it stays, for its size is known before (a copy was 1.2 % of a run of posts).
//
//     run       rows, bytes of the columns (4 bytes each), then each column:
//     column    0: every row is NULL          1: none is, values follow
//               2: validity (a byte per row), values
//     values    scalar: as in memory, a place for NULLs, too
//               text: where each row ends (4 bytes per row), bytes
//               list: where each row ends (4 bytes per row), its elements as a column
//
// One partition's rows of a batch of records make a run, so with few partitions it is mostly whole
// columns that are copied, and with many it is no more than single rows would cost.
//
// The bytes never leave the process that made them. Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_RUNS_H
#define PL_FLOW_RUNS_H

#include "column/column.h"

// Write the rows `rows[0..row_count)`, which ascend, of each column to `to` as one run; returns its
// bytes. They are at most pl_runs_fixed of the columns and pl_runs_bytes of each row.
size_t pl_runs_put(char *to, const pl_column *columns, uint32_t count, const uint32_t *rows,
                   uint32_t row_count);
size_t pl_runs_fixed(const pl_column *columns, uint32_t count);
// Of rows [0, row_count): into `bytes`.
void pl_runs_bytes(const pl_column *columns, uint32_t count, uint32_t row_count, uint32_t *bytes);

// The run at `at`: how many rows it has, where its first column is, and where the next run begins.
typedef struct pl_run_head {
    uint32_t rows;
    const char *columns, *end;
} pl_run_head;
pl_run_head pl_runs_head(const char *at);

// Append the column at `at`, of a run of `rows` rows, to a column of the type it was put from;
// returns where the run's next one is.
const char *pl_runs_take(const char *at, pl_column *column, uint32_t rows);
// The same without reading it.
const char *pl_runs_skip(const char *at, const pl_type *type, uint32_t rows);

#endif
