// findings.h -- two shapes of one source compared: what changed, how sure that is, and why.
//
// Pure functions: what to do about a finding, when to open one and who decides are not known here.
//
//   added      a path that was not there                removed   one that is there no more
//   retyped    another kind of value, lossless (text of numbers for numbers, ISO text for
//              instants, id numbers for text ...) or lossy (a word in a number, an object for a
//              scalar)
//   rescaled   the same entities, all by one factor: powers of ten, 60, 3600, 86400, percent for
//              fractions, epoch seconds for milliseconds
//   renamed    one path gone, one come, and the same entities continue (strong); or no entity is
//              shared, but class, distribution and name agree (medium)
//   meaning    same path and kind, but the set of values is another one, or opposite
//   map        keys that are data: one path for all of them
//   conflict   two paths of one column's rule hold different values: counted while mapping, and
//              never found by comparing shapes
//
// Evidence for a rename is counted in bits: an entity whose values agree is worth
// -log2(probability that two values of this path agree by chance), so four records whose ten-digit
// ids agree prove more than four hundred equal truth values; one that disagrees speaks against it.
// Below `bits_min`, or by one entity alone, nobody is called renamed. Each path is renamed to one
// at most and from one at most: the assignment is made over all of them at once, and a pair counts
// only if each is the other's best by a margin. Siblings that stayed are witnesses: a new path that
// is the copy of one continues nothing.
//
// Entities are those the shapes' pairs have. Where they agree badly (the key's own path was
// renamed, nobody named one), every path whose values hardly repeat is tried as the key. Entities
// must not be equal by accident: a position in a file is none, unless the file's name is part of
// it.
//
// The rules themselves are the case files in test/cases/drift/: each says before, after, expected.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SHAPE_FINDINGS_H
#define PL_SHAPE_FINDINGS_H

#include "shape/shape.h"

typedef enum pl_drift_class {
    PL_DRIFT_ADDED,
    PL_DRIFT_REMOVED,
    PL_DRIFT_WIDENED,
    PL_DRIFT_RETYPED,
    PL_DRIFT_RESCALED,
    PL_DRIFT_RENAMED,
    PL_DRIFT_MEANING,
    PL_DRIFT_MAP,
    PL_DRIFT_CONFLICT,
    PL_DRIFT_CLASSES
} pl_drift_class;

typedef enum pl_drift_strength {
    PL_DRIFT_CERTAIN,  // a matter of counts, not of judgement
    PL_DRIFT_LOSSLESS, // retyped
    PL_DRIFT_LOSSY,
    PL_DRIFT_STRONG, // renamed, rescaled, meaning: the same entities say so
    PL_DRIFT_MEDIUM, // renamed, meaning: only distributions do
} pl_drift_strength;

// Frozen defaults: pl_drift_defaults. Where they come from stands beside each in findings.c.
typedef struct pl_drift_options {
    double removed_chance; // (1 - p0)^n below which absence is no accident
    uint64_t added_min;    // values of a new path
    double retyped_share;  // of the values, of a kind not seen before
    uint64_t retyped_min;
    double bits_min;       // of evidence for a rename
    double margin;         // by which the best match is better than the next, 0 to 1
    double agreement_min;  // share of shared entities that continue, constants
    double overlap_max;    // share of the other's records in which old or new still stands
    double factor_decades; // how near a ratio must be to a known factor
    uint32_t map_keys;     // siblings of one shape that are a map
    uint64_t rescaled_min; // entities that moved by the same factor
    bool nulls;            // a path with nothing but nulls is there all the same
} pl_drift_options;

pl_drift_options pl_drift_defaults(void);
// The same without minimum counts, a key with a null a key: two files of a few records each.
pl_drift_options pl_drift_as_given(void);

// A change can be several at once: likes renamed to like_count, text for number, is one finding of
// class renamed with retype lossless.
typedef struct pl_finding {
    pl_drift_class class;
    pl_drift_strength strength;
    uint32_t before, after; // paths in either shape; PL_SHAPE_NONE: not there
    double confidence;      // 0 to 1

    // False: part of the change of a path above it (the one rename of an object, the one new
    // object), listed for whoever needs every path. True findings come with how many are beneath.
    bool root;
    uint32_t beneath;

    pl_drift_strength retype; // certain: none
    double factor;            // new / old; 1: none
    bool inverted;            // true for false

    double bits;             // evidence less counter-evidence, by entities; 0: none counted
    uint64_t shared, agreed; // entities with a value on both sides, and those that continue;
                             // retyped: values looked at, and those read without loss
    uint64_t missing;        // entities seen on both sides that had the old path and lack the new
    bool rising;             // hardly any value fell: a counter
    double likeness;         // medium: of the distributions, 0 to 1
    uint32_t rival;          // the next best path in place of `after` (or `before`), or none;
                             // removed: what seems to continue it, and is not proven to
    bool rival_before;
    double rival_bits;

    // All in the arena, "" if there is nothing to say.
    const char *why;           // one sentence, figures included
    const char *against;       // what speaks against it, one sentence
    const char *before_values; // samples as written in JSON, ", " between them
    const char *after_values;
    const char *proposal; // the extractor of a column that read `before`, as a mapping writes it
    const char
        *type; // added, map: of a column that takes every value seen, as a contract writes it
} pl_finding;

// What changed from `before` to `after`, most important first; in the arena.
void pl_drift_findings(const pl_shape *before, const pl_shape *after,
                       const pl_drift_options *options, pl_arena *arena, pl_finding **ret_findings,
                       uint32_t *ret_count);

const char *pl_drift_class_name(pl_drift_class class);
const char *pl_drift_strength_name(pl_drift_strength strength);

#endif
