// shape_int.h -- what the files of this folder share: one path's values, and its sketches.
//
// shape.c walks records and counts, values.c keeps what sampled records say at one path, scalar.c
// knows what a scalar says, quantiles.c and distinct.c are the sketches, merge.c and doc.c work on
// whole shapes.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SHAPE_SHAPE_INT_H
#define PL_SHAPE_SHAPE_INT_H

#include "shape/shape.h"

// A scalar, and of a text its bytes (0 of anything else).
pl_shape_scalar pl_shape__scalar(pl_span raw, size_t *ret_text_bytes);
// The hash of any value of this class that says this number; false: only the value itself tells.
bool pl_shape__derive(pl_value_class class, double number, uint64_t *ret_hash);

// A new path at the end; `key` is "" but of a member. No limits are asked.
uint32_t pl_shape__add(pl_shape *shape, uint32_t parent, pl_span key, pl_shape_step step);
// The path one step below; made if new. PL_SHAPE_NONE: no room.
uint32_t pl_shape__below(pl_shape *shape, uint32_t parent, pl_span key, pl_shape_step step);

// ---- the values of one path ---------------------------------------------------------------------
pl_shape_values *pl_shape__values_new(void);
void pl_shape__values_free(pl_shape_values *values); // NULL is fine
void pl_shape__values_add(pl_shape_values *values, const pl_shape_scalar *scalar, pl_span raw,
                          size_t text_bytes);
void pl_shape__values_merge(pl_shape_values *into, const pl_shape_values *from);
// One more pair, behind the ordered ones. Returns by how many pairs there are more: 1, or what
// putting them in order has left, which may be less than nothing.
int64_t pl_shape__pair_add(pl_shape_values *values, const pl_pair *pair);
// Put the pairs in order, without those of entities above `entity_max`.
void pl_shape__pairs_settle(pl_shape_values *values, uint64_t entity_max);
// Keep `text` if it is among the samples with the smallest hashes.
void pl_shape__sample_add(pl_shape_values *values, pl_span text);
// Less entities until all pairs are few enough; everything is settled.
void pl_shape__fit(pl_shape *shape);

// ---- sketches -----------------------------------------------------------------------------------
void pl_quantiles__add(pl_quantiles *quantiles, double value); // a finite number
void pl_quantiles__merge(pl_quantiles *into, const pl_quantiles *from);
void pl_distinct__add(pl_distinct *distinct, uint64_t hash);
void pl_distinct__merge(pl_distinct *into, const pl_distinct *from);

#endif
