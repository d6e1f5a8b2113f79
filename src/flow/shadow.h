// shadow.h -- two mappings of one source over the same raw objects, row by row: what would change.
// Or a mapping, and the rows that stand in the table.
//
// Every record is mapped twice, and the two rows are compared as they stand in memory. Nothing is
// written, neither in the lake nor beside it; needs neither lock nor write permission.
//
// Columns are those of both contracts, by name; system columns are left out. Records are paired by
// their number in the object: of a mapping with other `records` they are others.
//
// Memory: what two mappers have, and 16 MiB a text column and side for the different values; beyond
// a million of them their number is only about right.
//
// Threads: one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_SHADOW_H
#define PL_FLOW_SHADOW_H

#include <stdatomic.h>

#include "column/column.h"
#include "contract/mapping.h"
#include "flow/live.h"
#include "registry/registry.h"
#include "store/store.h"

// One record on both sides.
typedef struct pl_shadow_pair {
    bool older;               // its object is from before the first one
    const pl_column *rows[2]; // before, after: one row, pl_map_schema of its contract; NULL: none
    pl_span rejected[2];      // the column it is no row for; "": none, or not for one
} pl_shadow_pair;

typedef struct pl_shadow_options {
    pl_store *store;
    pl_registry *registry;
    const pl_mapping *before, *after; // with their contracts; of one source and table
    const char *first_object;         // the first one that shows the change
    uint32_t objects;                 // so many, half of them from before it; 0: all of the source
    uint64_t bytes;                   // as stored, of either half, but one object at least; 0: any
    bool first_too;                   // of those since, half are the first ones
    void (*visit)(void *context, const pl_shadow_pair *pair); // NULL: nobody looks
    void *context;
    atomic_bool *cancel; // looked at now and then
    // Instead of the newest ones these, in this order; NULL: those.
    const char *const *ids;
    uint32_t id_count;
    // Instead of what `before` makes: rows as they stand, asked for object by object; NULL: that.
    // `before` is then what `after` is. Of their schema, system columns are left out.
    plumb_status (*live)(void *context, uint32_t number, pl_live_rows *ret_rows, plumb_error *err);
    void *live_context;
    const pl_schema *live_schema;
    uint32_t samples; // most of them in the report
} pl_shadow_options;

// What one mapping made of the records.
typedef struct pl_shadow_side {
    uint64_t rows, quarantined, filtered;
    uint64_t lost, coerced, conflicts; // values
} pl_shadow_side;

typedef struct pl_shadow_cells {
    bool there; // the contract has the column
    uint64_t filled;
    uint64_t different;    // values; 0: not counted for this type
    bool has_sum;          // numbers
    double sum;            // exact to some 15 digits
    const char *min, *max; // as text; NULL: of nothing, or of a type without an order
} pl_shadow_cells;

typedef struct pl_shadow_column {
    pl_span name;
    uint64_t differ;          // of the records that are rows on both sides
    uint64_t filled, emptied; // of those: NULL before, or after
    pl_shadow_cells before, after;
} pl_shadow_column;

// A value that differs.
typedef struct pl_shadow_sample {
    const char *object;
    uint64_t record;
    pl_span column;
    const char *before, *after; // NULL is NULL
} pl_shadow_sample;

typedef struct pl_shadow_report {
    uint32_t objects, older; // looked at; of them from before the first one
    uint32_t damaged;        // of them: their raw does not read now, they may be missing in part
    uint64_t records;
    uint64_t differ;           // records that become another row, or are a row on one side only
    uint64_t came, went;       // of those: a row after alone, or before alone
    pl_shadow_sample *samples; // no more than one or two of a column, as long as others differ
    uint32_t sample_count;
    pl_shadow_side before, after;
    pl_shadow_column *columns;
    uint32_t column_count;
} pl_shadow_report;

// The report is in `arena`. PLUMB_E_NOT_FOUND: the source has no objects. PLUMB_E_CANCELLED.
PL_MUST_USE plumb_status pl_shadow(const pl_shadow_options *options, pl_arena *arena,
                                   pl_shadow_report *ret_report, plumb_error *err);

#endif
