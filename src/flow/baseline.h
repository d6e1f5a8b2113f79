// baseline.h -- what a source's records usually look like, as one table's mapping sees them.
//
// A baseline is the shape of all records that were published, and per column in how many rows it
// had a value. It advances window by window, in landing order, by what a run publishes; the window
// under test and objects that wait are never part of it (an anomaly must not be its own measure).
// What waits before a table is kept in the same form.
//
// As a document: zstd over one line of JSON,
//
//     {"plumb": "baseline", "version": 1, "objects": 12, "empty": 0, "empty_last": 0,
//      "judged": "9f...", "records": [objects, records, rows, quarantined, filtered, flawed,
//      repeated],
//      "columns": {"likes": [rows, filled, lost, outside, conflicts]}, "shape": {...}}
//
// Columns are known by name: a contract may gain and lose some. `judged` says by which mapping and
// contract, as a hash of their texts.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_BASELINE_H
#define PL_FLOW_BASELINE_H

#include "flow/work.h"
#include "shape/suspect.h"

typedef struct pl_baseline_column {
    pl_span name;
    pl_column_counts counts;
    uint64_t outside;   // rows in which its value is outside of its bounds
    uint64_t conflicts; // rows in which paths of its rule hold different values
} pl_baseline_column;

// What became of records. Of what was published before plumb counted them: zeros.
typedef struct pl_baseline_records {
    uint64_t objects; // with or without anything in them
    uint64_t records, rows, quarantined, filtered;
    uint64_t flawed;   // rows that lost a value, or have one outside of its bounds
    uint64_t repeated; // rows whose key stood in an earlier row of their object
} pl_baseline_records;

typedef struct pl_baseline {
    pl_shape shape;
    pl_arena arena;              // of the names
    pl_baseline_column *columns; // owned
    uint32_t column_count, column_capacity;
    pl_baseline_records records;
    // Raw objects with anything in them; those in which the array of records is not where the
    // mapping looks for it; of those the ones after the last in which it was.
    uint64_t objects, empty, empty_last;
    uint64_t judged; // 0: nobody did
} pl_baseline;

void pl_baseline_init(pl_baseline *baseline);
void pl_baseline_done(pl_baseline *baseline);

// The counts of a column; zeros if it has none.
pl_column_counts pl_baseline_counts(const pl_baseline *baseline, pl_span column);
uint64_t pl_baseline_outside(const pl_baseline *baseline, pl_span column);
uint64_t pl_baseline_conflicts(const pl_baseline *baseline, pl_span column);

// Add a window of a task, but not its shape: to count it is cheap.
void pl_baseline_count(pl_baseline *into, const pl_work_task *task, const pl_task_result *result,
                       const pl_task_window *window);
// Add a window of a task: its columns are those of the task's contract.
void pl_baseline_add(pl_baseline *into, const pl_work_task *task, const pl_task_result *result,
                     const pl_task_window *window);
// Add another one, of later objects.
void pl_baseline_merge(pl_baseline *into, const pl_baseline *from);

// The document is appended to `out`.
void pl_baseline_write(const pl_baseline *baseline, pl_buf *out);
// PLUMB_E_MALFORMED: damaged. PLUMB_E_CONFLICT: of another version of plumb; begin a new one.
// `name` is for messages. On failure there is nothing to be done away with.
PL_MUST_USE plumb_status pl_baseline_read(pl_span document, const char *name,
                                          pl_baseline *ret_baseline, plumb_error *err);

#endif
