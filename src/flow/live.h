// live.h -- rows of chosen raw objects as they stand in a table's data files, read back.
//
//     pl_live_new      the files that hold them
//     pl_live_load     rows of these objects into memory, in place of those before
//     pl_live_rows     those of one of them, by record
//
// Every load reads the _object column of all files, and the others of row groups that hold some.
//
// Memory: the rows that are loaded, and one row group.   Threads: one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_LIVE_H
#define PL_FLOW_LIVE_H

#include "column/column.h"
#include "store/store.h"

typedef struct pl_live_row {
    uint64_t record; // _record
    uint32_t row;    // in the columns
} pl_live_row;

typedef struct pl_live_rows {
    const pl_column *columns; // [schema->count]
    const pl_live_row *rows;  // by record
    uint32_t count;
} pl_live_rows;

typedef struct pl_live pl_live; // opaque

// `schema` has the system columns; it, the store and the keys of the files must outlive it.
pl_live *pl_live_new(pl_store *store, const pl_schema *schema, const char *const *keys,
                     uint32_t key_count);
void pl_live_free(pl_live *live); // NULL is a no-op

// PLUMB_E_MALFORMED: a file is damaged, or not plumb's.
PL_MUST_USE plumb_status pl_live_load(pl_live *live, const char *const *ids, uint32_t count,
                                      plumb_error *err);
// False: it was not loaded. An object without rows has none. Borrowed until the next load.
bool pl_live_of(const pl_live *live, const char *id, pl_live_rows *ret_rows);

#endif
