// windows.h -- what the records of a task look like, in windows of its objects.
//
//     objects   0  1  2  3  4  5 ... 99        PL_WINDOWS_MAX windows of about equal bytes,
//     windows   \  0  /  \  1  /     /         or one for each object
//
// Every lane watches what it maps (map/watch.h). When it leaves an object, what it saw goes to the
// object's window; what several lanes saw of one object comes together first, so that it is one
// object there too. Merging leaves the same whatever the order, so windows do not depend on how
// many workers there were; unless a path has more keys than a shape holds: which of them it keeps
// is those it met first.
//
// Threads: whoever calls holds one lock; pl_windows_enter aside, which concerns its lane alone.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_WINDOWS_H
#define PL_FLOW_WINDOWS_H

#include "flow/work.h"

typedef struct pl_windows pl_windows;

// NULL of a task that does not observe, or of a retry; to all below NULL is a no-op.
pl_windows *pl_windows_new(const pl_work_task *task);
void pl_windows_free(pl_windows *windows);

// A lane's mapper is new; it reads an object; it has read its part of it, nobody reads it any more
// (`last`).
void pl_windows_observe(pl_windows *windows, pl_mapper *mapper);
void pl_windows_enter(const pl_windows *windows, uint32_t object, pl_mapper *mapper);
void pl_windows_leave(pl_windows *windows, uint32_t object, pl_mapper *mapper, bool last);

// All is read. For each lane: the values of its records, if the task's were few.
void pl_windows_few(pl_windows *windows, pl_mapper *mapper);
// A tally of so many columns, its counts in the arena.
pl_map_tally pl_windows_tally(const pl_map_tally *tally, uint32_t columns, pl_arena *arena);
// Then give the windows to the result.
void pl_windows_take(pl_windows *windows, pl_task_result *result);

#endif
