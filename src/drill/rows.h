// rows.h -- a published table's rows, to be compared value by value with those of another lake.
//
// A row is known by the raw object it came from, by the place of that object in a list the caller
// has, and by its number there; so rows of two lakes meet in whatever order and files they lie.
// Compared are the columns of the contract, but none that a mapping fills with `$object`.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_DRILL_ROWS_H
#define PL_DRILL_ROWS_H

#include "contract/mapping.h"
#include "registry/registry.h"
#include "store/store.h"

typedef struct pl_row_id {
    uint32_t object, record;
    uint32_t row; // which of the cells
} pl_row_id;

typedef struct pl_rows {
    uint32_t count, columns;
    pl_row_id *ids;  // in order
    uint64_t *cells; // [count * columns] hashes of values; 0: NULL
} pl_rows;

// Rows of the mapping's table that were made of `objects`, as of its current snapshot; none if it
// has none. In arena.
PL_MUST_USE plumb_status pl_rows_read(pl_store *store, pl_registry *registry,
                                      const pl_mapping *mapping, const char *const *objects,
                                      uint32_t object_count, pl_arena *arena, pl_rows *ret_rows,
                                      plumb_error *err);

typedef struct pl_rows_difference {
    uint64_t same;   // rows that are equal
    uint64_t wrong;  // values that are others
    uint64_t nulls;  // values that are missing
    uint64_t absent; // rows that are missing
} pl_rows_difference;

// What `rows` have of object `object`, beside what they should be.
pl_rows_difference pl_rows_compare(const pl_rows *truth, const pl_rows *rows, uint32_t object);

#endif
