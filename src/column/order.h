// order.h -- rows in a sort order: which row stands where, and columns made in that order.
//
// Threads: any; a column, one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_COLUMN_ORDER_H
#define PL_COLUMN_ORDER_H

#include "column/column.h"
#include "schema/sort.h"

// Order of two values of a sort field's column, NULLs included: <0, 0, >0.
int pl_order_compare(const pl_sort_field *field, const pl_value *a, const pl_value *b);

// Fill rows[0..count) with the rows of the keys' columns in order: keys[i] is the column of
// sort->fields[i], with `count` rows. Rows that are equal stay in the order they came. False: they
// are all in order as they stand.
bool pl_order_rows(const pl_sort_order *sort, const pl_column *const *keys, uint32_t *rows,
                   uint32_t count);

// Append these rows of `from` to `to`, a column of the same type.
void pl_order_take(pl_column *to, const pl_column *from, const uint32_t *rows, uint32_t count);

#endif
