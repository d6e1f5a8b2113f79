// suspect_int.h -- what the rules of a suspicion share.
//
//   suspect.c         rows that lack a column, values that were lost, objects without records
//   suspect_values.c  values that are there and may mean something else
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SHAPE_SUSPECT_INT_H
#define PL_SHAPE_SUSPECT_INT_H

#include "shape/drift_int.h"
#include "shape/suspect.h"

// A path of now with values that the baseline never had, and how many objects it could have been
// in.
typedef struct pl_newcomer {
    uint32_t path;
    uint64_t room;
} pl_newcomer;

typedef struct pl_suspect_work {
    const pl_suspect_side *before, *now;
    const pl_suspect_column *columns;
    uint32_t column_count;
    const pl_suspect_options *options;
    pl_arena *arena; // of what is given back
    pl_arena *scratch;
    uint32_t *first; // [column_count + 1] of the paths below, of all columns one after the other
    uint32_t *old, *new; // of each path in either shape, or PL_SHAPE_NONE
    bool *mapped;        // by path of now's shape: a rule reads it
    uint32_t *same;      // by path of now's shape: the same before, or PL_SHAPE_NONE
    pl_newcomer *newcomers;
    uint32_t newcomer_count;
    pl_suspicion *items; // room for all there can be
    uint32_t count;
} pl_suspect_work;

// One more, with its sentence, whose memory `why` gives up.
void pl_suspect__add(pl_suspect_work *work, pl_suspicion_kind kind, uint32_t column, uint32_t path,
                     double chance, uint64_t records, pl_buf *why);
bool pl_suspect__muted(const pl_suspect_work *work, uint32_t column, pl_suspicion_kind kind);
uint64_t pl_suspect__values(const pl_shape *shape, uint32_t path); // that are not null; NONE: 0

// ---- suspect_values.c
// At most one suspicion. The findings are those between the two shapes.
void pl_suspect__changes(pl_suspect_work *work, uint32_t column, const pl_finding *findings,
                         uint32_t count);

// The chance that of so many rows no more have what a share has; 1 where none are missed.
static inline double pl_suspect__less_often(double rows, double have, double share)
{
    return have < share * rows ? pl_drift_tail(rows, have, share) : 1;
}

// suspect_words.c
// Whether elements that the column's word found are found by no word any more, and as many have
// one that was never said: by the pairs, of which each is an element.
bool pl_suspect__chosen_otherwise(const pl_suspect_work *work, const pl_suspect_column *asked,
                                  uint64_t missing);
// "; $.data[*].name says "hearts", which it never did"
void pl_suspect__put_words(pl_buf *why, const pl_suspect_work *work,
                           const pl_suspect_column *asked);

#endif
