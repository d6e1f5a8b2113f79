// rows.h -- rows as bytes, one after the other, until a row group is due: no column buffers per
// partition.
//
//     NULL 0     value 1, then: scalar as in memory; text: size (4 bytes), bytes;
//                               list: count (4 bytes), its elements, each like a value
//
// The bytes never leave the process that made them. Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_ROWS_H
#define PL_FLOW_ROWS_H

#include "column/column.h"

// Append row `row` of each column.
void pl_rows_put(pl_buf *out, const pl_column *columns, uint32_t count, uint32_t row);
// Append the value at `at` to the column it was put from; returns where the next column's begins.
const char *pl_rows_take(const char *at, pl_column *column);

#endif
