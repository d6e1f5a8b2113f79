// cases.h -- which upgrades an API might see next, made from what a sample's records hold; pure.
//
// A case changes only what a mapping reads, and is chosen by its values: a rescaling needs a
// number, another unit of time an epoch, new words a column with few of them. Kinds that nothing in
// the sample is fit for are left out, so there may be fewer cases than asked for.
//
// The same sample, mappings and seed give the same cases.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_DRILL_CASES_H
#define PL_DRILL_CASES_H

#include "drill/mutate.h"
#include "drill/sample.h"

#define PL_DRILL_CHANGES_MAX 8

typedef struct pl_drill_case {
    const char *kind; // "renamed", "moved", "retyped", "rescaled", "removed", "meaning", "added"
    const char *what; // "renamed stats.likes -> stats.like_count"
    const pl_mapping *mapping; // whose records are changed
    bool envelope;             // changed is the document around them
    bool gradual;              // by and by: first some records, then more, then all
    pl_change changes[PL_DRILL_CHANGES_MAX];
    uint32_t count;
} pl_drill_case;

// One of each kind there is: what is played unless somebody asks for another number.
#define PL_DRILL_CASES_DEFAULT 16

void pl_drill_cases(const pl_drill_sample *sample, pl_mapping *const *mappings, uint32_t count,
                    uint64_t seed, uint32_t wanted, pl_arena *arena, pl_drill_case **ret_cases,
                    uint32_t *ret_count);

// Do all of a case's changes to one document, or to some of its records: to `percent` of a hundred,
// by what they are.
void pl_drill_change(const pl_drill_case *upgrade, pl_json *document, uint32_t percent,
                     pl_arena *arena);

#endif
