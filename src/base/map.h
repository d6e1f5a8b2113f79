// map.h -- text to number: a small open-addressing hash table.
//
// Keys are borrowed: the caller keeps their bytes alive and unmoved. Values are whatever index
// means to the caller. There is no removal.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_MAP_H
#define PL_BASE_MAP_H

#include "base/base.h"

typedef struct pl_map {
    struct pl_map_slot *slots; // owned; a power of two, or NULL
    uint32_t capacity, count;
} pl_map;

#define PL_MAP_NONE UINT32_MAX

uint32_t pl_map_get(const pl_map *map, pl_span key); // the value, or PL_MAP_NONE
// Set key to value unless it is there; returns the value that is there afterwards.
uint32_t pl_map_add(pl_map *map, pl_span key, uint32_t value);
void pl_map_done(pl_map *map);

#endif
