// names.h -- what a key might be called after the next upgrade; pure.
//
// likes -> like_count, favorite_count -> favorites, createdAt -> creationTime: the ways names
// change in the changelogs of real APIs, in the style of the old one (snake_case, camelCase).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_DRILL_NAMES_H
#define PL_DRILL_NAMES_H

#include "base/arena.h"

// Numbers that follow from a seed, the same in every version: an own mix (Steele, Lea and Flood,
// "SplitMix", OOPSLA 2014).
typedef struct pl_chance {
    uint64_t state;
} pl_chance;
uint64_t pl_chance_next(pl_chance *chance);
uint32_t pl_chance_below(pl_chance *chance, uint32_t limit); // 0 if limit is 0

// Another name for a key; `object`: of an object that holds others.
pl_span pl_names_other(pl_span key, bool object, pl_chance *chance, pl_arena *arena);
// A name for something new that might stand beside a key.
pl_span pl_names_beside(pl_span key, pl_chance *chance, pl_arena *arena);

#endif
