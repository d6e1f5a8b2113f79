// mapper_int.h -- shared inside map/: paths bound to slots, and the condition of a mapping.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_MAP_MAPPER_INT_H
#define PL_MAP_MAPPER_INT_H

#include "map/mapper.h"

// A path bound to a slot; `behind` are the steps after the slot's value.
typedef struct pl_bound_path {
    pl_root root;
    uint32_t slot; // of $parent and $doc paths: which of the plan's outer values
    const pl_step *behind;
    uint32_t behind_count;
} pl_bound_path;

// Whether the condition holds; values[i] is what the path of its test i found.
bool pl_map__where(const pl_where *where, const pl_slot *values, pl_arena *scratch);

#endif
