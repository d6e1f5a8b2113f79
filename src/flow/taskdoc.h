// taskdoc.h -- a task's result as one JSON document: .plumb/runs/<run>/<task>.json in the lake.
//
//     {"plumb": "task", "version": 1, "run": "01...", "task": "t3",
//      "objects": [{"id", "damaged", "records", "rows", ..., "ranges": [...]}],
//      "files": [{"key", "partition": ["hex" | null], "objects": [["first", "last"]],
//                 "rows", "bytes", "sorted", "splits", "columns": [{"id", ..., "lower": "hex"}]}],
//      "windows": [{"objects": [first, count], "rows", "flawed", "filled": [per column], "lost",
//                   "outside", "conflicts": [{"column": index, "rows", "object", "record",
//                   "terms": [won, other], "won", "other"}], "shape": {...}}]}
//
// It is put once and durable before the result counts. Threads and processes hand results over in
// no other way, so a resumed run and `plumb work` are one path: whoever puts the document first has
// done the task, and the other deletes the files it made.
//
// Files are named by store key: a worker may see the lake under another path.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_TASKDOC_H
#define PL_FLOW_TASKDOC_H

#include "flow/work.h"

// Store keys, in arena. `task` may be "plan".
char *pl_taskdoc_key(const char *run, const char *task, pl_arena *arena);

void pl_taskdoc_write(pl_buf *out, const pl_work_task *task, const pl_task_result *result);

// Put the result of `task`. PLUMB_E_CONFLICT: there is one already.
PL_MUST_USE plumb_status pl_taskdoc_put(const pl_work_task *task, const pl_task_result *result,
                                        plumb_error *err);
// Do the task, unless somebody has done it: work, put the document, read the one that counts.
// Files made for nothing are deleted.
PL_MUST_USE plumb_status pl_taskdoc_do(const pl_work_task *task, pl_task_result *ret_result,
                                       plumb_error *err);
// Read it: PLUMB_E_NOT_FOUND, or PLUMB_E_MALFORMED for what is no result of this very task, names
// the place. Everything is checked but the files themselves.
PL_MUST_USE plumb_status pl_taskdoc_get(const pl_work_task *task, pl_task_result *ret_result,
                                        plumb_error *err);
// Let go of the shapes of its windows, and get them again from the document.
void pl_taskdoc_set_aside(pl_task_result *result);
PL_MUST_USE plumb_status pl_taskdoc_recall(const pl_work_task *task, pl_task_result *result,
                                           plumb_error *err);
// A document as text; `name` is for messages.
PL_MUST_USE plumb_status pl_taskdoc_parse(const pl_work_task *task, pl_span text, const char *name,
                                          pl_task_result *ret_result, plumb_error *err);

#endif
