// suspect.h -- hold first, classify later: may a window of a source be published?
//
// A window (consecutive raw objects) is laid beside its source's baseline: the shapes of both, and
// per column of the table in how many rows it was filled. Classes of drift (findings.h) want
// minimum counts before they speak; a suspicion does not, for whoever waits for twenty records has
// published nineteen. It costs an hour's delay where it is wrong, so it may be wrong more often
// than a finding. Nothing is decided here: suspicions say why to wait.
//
//   absent     a column filled in a share p0 of the baseline's rows, and in none of n rows now, by
//              chance once in a million times: (1 - p0)^n. Filled in every row: one is enough. But
//              where its key is still there and says null, or what holds it does, or arrays are
//              empty, nothing was renamed: one more such row before is assumed.
//   continued  too few rows for that, but a path came that no rule reads and that could be the
//              column's under another name: of a class that reads as its own, within as many
//              arrays, about as often, and new by a key that the baseline's objects had room for.
//              Or some rows lack it: in a window in which the source was upgraded half-way such a
//               path is there in as many rows as lack a column that all had, or, of one that not
//               all had, in none before the last that has it, or in turn with it while entities go
//               on, or while it is rarer than chance allows. A source that went back left such
//               rows, too. Or elements are found by a word, and as many have one never said.
//   lost       values that the column could not take: beyond a share of all, more than twice as
//              many as before, and by accident in one of 1,000 windows, unless it is critical; or a
//              finding says that they are of a new kind. Required ones that are missing count.
//   rescaled   another unit: a finding says so; or entities that the window has in common with
//              the baseline moved by the same known factor: one of them, or three if their values
//              are small and no multiples of it; or instants, percentages or fractions written in
//              another way; or all are multiples of a factor, as by chance none would be, and as
//              much larger; or no entity is in common, and every value is far beyond all before.
//   meaning    a finding says so, or finds objects where scalars were, and the column takes them.
//   empty      raw objects in which the array of records is not where the mapping looks for it, up
//              to the last one, where it always was. An array that is there and empty is none.
//
// Windows grow: what arrives while a source waits is merged in, and all is asked again. So a
// suspicion goes by itself when the column is filled in 95 % of its old share of what waits, when
// values that fit thin out those that do not, when an object has records again.
// A column that is coalesced from two paths is absent only when both are; what look-ups, parents
// and documents gave it counts as filled. So every rule about absence counts rows, not paths.
// The rules themselves are the case files in test/cases/hold/. Threads: any.
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SHAPE_SUSPECT_H
#define PL_SHAPE_SUSPECT_H

#include "shape/findings.h"

typedef enum pl_suspicion_kind {
    PL_SUSPECT_ABSENT,
    PL_SUSPECT_CONTINUED,
    PL_SUSPECT_LOST,
    PL_SUSPECT_RESCALED,
    PL_SUSPECT_MEANING,
    PL_SUSPECT_EMPTY,
    PL_SUSPECT_KINDS
} pl_suspicion_kind;

typedef struct pl_column_counts {
    uint64_t rows;   // records that became rows
    uint64_t filled; // rows in which the column is not NULL
    uint64_t lost;   // values it could not take, those of records rejected for it included
} pl_column_counts;

typedef struct pl_suspect_column {
    pl_span name;
    bool critical;
    bool waits;        // what waits already was suspect of its absence
    bool epochs;       // read by parse(epoch): the unit of an instant is in its size
    bool percents;     // read by parse(percent), with and without its sign: somebody said so
    double lost_share; // instead of the options'; 0: theirs
    uint32_t muted;    // 1 << kind of what a person has decided or a limit let through
    // Of its rule's terms those that are plain paths of the record, as pl_shape_path_write writes
    // them: "$.stats.likes"; look-ups and positions in arrays as "$.data[*].value".
    const char *const *paths;
    uint32_t path_count;
    // Of terms that find an element of an array by a word: where the words stand, as paths are
    // written ("$.data[*].name"), and their hashes (pl_shape_scalar). NULL: no term does.
    const char *chooser;
    const uint64_t *words;
    uint32_t word_count;
    pl_column_counts before, now;
} pl_suspect_column;

typedef struct pl_suspect_side {
    const pl_shape *shape; // of the records, settled
    uint64_t objects;      // raw objects with anything in them
    uint64_t empty;        // of them without the array of records
    uint64_t empty_last;   // of those: after the last object that has it, in landing order
} pl_suspect_side;

typedef struct pl_suspect_options {
    double absent_chance;       // below which absence is no accident
    double lost_share;          // of a column's values
    double lost_share_critical; // the same of a critical column
    uint64_t baseline_min;      // records; fewer make no baseline, and nothing is suspect
    uint64_t objects_min;       // raw objects; fewer make none for `empty`
    uint64_t values_min;        // of the baseline before its range says anything
    double grown; // decades that entities may have grown while they waited in another unit
    pl_drift_options drift; // of the findings
} pl_suspect_options;

pl_suspect_options pl_suspect_defaults(void);

typedef struct pl_suspicion {
    pl_suspicion_kind kind;
    uint32_t column;  // of those asked about; PL_SHAPE_NONE: the whole source
    uint32_t path;    // of now's shape: who may continue it, what is rescaled; or PL_SHAPE_NONE
    double chance;    // absent, continued, empty: that it is an accident; 0 elsewhere
    uint64_t records; // rows, values or objects that speak for it
    const char *why;  // one sentence with figures, without a full stop; in the arena
} pl_suspicion;

// By column, `empty` first; in the arena. Returns how many; none: publish.
uint32_t pl_drift_suspects(const pl_suspect_side *before, const pl_suspect_side *now,
                           const pl_suspect_column *columns, uint32_t count,
                           const pl_suspect_options *options, pl_arena *arena,
                           pl_suspicion **ret_suspicions);

const char *pl_suspicion_name(pl_suspicion_kind kind); // "absent"

#endif
