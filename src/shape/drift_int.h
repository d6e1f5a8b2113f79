// drift_int.h -- shared inside the classifier: two shapes made comparable, and what two paths
// prove.
//
//   key.c      which entities the two sides have in common
//   compare.c  what the values of two paths say: bits for and against
//   rename.c   candidates, assignment, moves of whole objects
//   retype.c   changes of a path that stayed: kinds, scale, meaning
//   findings.c what came and went, maps, order
//   explain.c  all of it in words
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SHAPE_DRIFT_INT_H
#define PL_SHAPE_DRIFT_INT_H

#include "shape/findings.h"

#define PL_DRIFT_DEPTHS 5u

// The values of one path by entity, and ordered for questions about their distribution.
typedef struct pl_drift_column {
    const pl_pair *pairs; // ascending by entity
    uint32_t count;
    double *numbers; // ascending
    uint32_t number_count;
    uint64_t *hashes; // ascending
    const pl_shape_values *values;
} pl_drift_column;

typedef struct pl_drift_side {
    const pl_shape *shape;
    pl_drift_column *columns; // of each path
    uint32_t *same;           // the same path in the other shape, or PL_SHAPE_NONE
    bool *there;              // occurs at all
    bool *moved;              // gone or come: the other side does not have it
    bool *judged;             // gone or come beyond accident: may open a finding
    bool *asked;              // gone, more likely than not: who continues it?
    bool *boxed;              // has scalars here, but only objects or arrays on the other side
    uint32_t *partner;        // renamed to or from
    bool *covered;            // part of the change of a path above
} pl_drift_side;

typedef enum pl_drift_doubt {
    PL_DOUBT_BITS,    // too few
    PL_DOUBT_TIE,     // another pair has as good a claim
    PL_DOUBT_MISSING, // most entities have no value there
    PL_DOUBT_SIBLING, // a path that stayed contradicts
} pl_drift_doubt;

typedef struct pl_drift_work {
    uint32_t before_key, after_key; // the paths that name the entities; none: as given
    pl_drift_side before, after;
    uint32_t witness[PL_DRIFT_DEPTHS]; // by depth of arrays the path of `after` with most values
    uint32_t *hints;        // by path of `before`: who has its values, proven or not; 0: nobody
    pl_drift_doubt *doubts; // by the same: why that is no rename
    const bool *wanted;     // by the same: whose changes are asked for; NULL: all
    const pl_drift_options *options;
    pl_arena *arena;
    pl_finding *findings;
    uint32_t count, capacity;
} pl_drift_work;

// What the entities on both sides say about one path continuing another.
typedef struct pl_evidence {
    uint64_t shared, agreed, equal, rising;
    uint64_t missing; // entities that are on both sides, but have only the old path
    double bits;
    double near;   // of them by numbers that are only near
    double factor; // by which old values were multiplied before comparing
    bool numeric, inverted;
    bool steady; // numeric: pl_drift_steady
} pl_evidence;

// ---- key.c
void pl_drift_align(pl_drift_work *work);                                       // fills the columns
pl_drift_column pl_drift_as_is(const pl_shape_values *values, pl_arena *arena); // one of them
int pl_drift_by_entity(const void *a, const void *b);           // of two pairs, for qsort
uint32_t pl_drift_arrays(const pl_shape *shape, uint32_t path); // how many it is within

// ---- compare.c
// Hasty: ends where the first entities leave no hope; counts are of those seen then.
pl_evidence pl_drift_compare(const pl_drift_column *before, const pl_drift_column *after,
                             double factor, bool inverted, bool hasty);
// Whether numbers that moved, moved little: against each other within a tenth of how far apart
// entities are. What merely goes with a metric, as shares do with likes, moves more.
bool pl_drift_steady(const pl_drift_column *before, const pl_drift_column *after, double factor);
// The chance that of n records k or more (or fewer) have what a share p has, by Chernoff's bound.
double pl_drift_tail(double n, double k, double p);
// The known factor by which all entities moved, or 1.
double pl_drift_factor(const pl_drift_column *before, const pl_drift_column *after,
                       const pl_drift_options *options, uint64_t *ret_shared, uint64_t *ret_near);
double pl_drift_prior_bits(const pl_shape_scalar *value, const pl_shape_values *values);
// The common mass of two sets of values, whatever they are.
double pl_drift_overlap(const pl_drift_column *before, const pl_drift_column *after);
// 1: distributions are the same; by quantiles of numbers, by hashes of anything else.
double pl_drift_likeness(const pl_drift_column *before, const pl_drift_column *after);
double pl_drift_name_likeness(pl_span a, pl_span b);

// ---- rename.c
void pl_drift_renames(pl_drift_work *work);

// ---- retype.c
void pl_drift_changes(pl_drift_work *work);
// Whether it can find any between two paths, from what is known without ordering their values.
bool pl_drift_may_change(const pl_shape_path *before, const pl_shape_path *after,
                         const pl_drift_options *options);
// Whether every value of `after` that is of another kind says what one of `before` could.
pl_drift_strength pl_drift_retype(const pl_drift_work *work, uint32_t before, uint32_t after);

// ---- findings.c
pl_finding *pl_drift_add(pl_drift_work *work, pl_drift_class class, pl_drift_strength strength,
                         uint32_t before, uint32_t after);
// Values at a path; with options.nulls, nulls too.
uint64_t pl_drift_seen(const pl_drift_work *work, const pl_shape *shape, uint32_t path);

// What pl_drift_findings says of paths that stayed, by the given entities, and only of these paths
// of `before`: in the time that a look takes, unless there is something to find.
void pl_drift_changed(const pl_shape *before, const pl_shape *after, const bool *paths,
                      const pl_drift_options *options, pl_arena *arena, pl_finding **ret_findings,
                      uint32_t *ret_count);

// ---- explain.c
void pl_drift_explain(const pl_drift_work *work, pl_finding *finding);
void pl_drift_count_write(pl_buf *out, uint64_t count); // "12,345"

#endif
