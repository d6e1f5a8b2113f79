// mutate.h -- what the owners of an API do to their records, done to a JSON tree; pure.
//
//     rename   stats.likes -> stats.like_count    {"stats": {"like_count": 5}}
//     move     likes -> metrics.likes             {"metrics": {"likes": 5}}
//     remove   likes                              {}
//     text     5 -> "5", and "5" -> 5
//     wrap     5 -> {"value": 5}
//     words    1234 -> "1.2K", or 5 -> "5 likes"
//     shift    0.047 -> 4.7, "12" -> "1200"       numbers move by powers of ten, as text: exact
//     percent  0.047 -> "4.7%"
//     fraction "4.7%" -> 0.047
//     values   "video" -> "KIND_VIDEO", true -> false: the same said in other words
//     add      a new key behind one that is there, with values of the same kind
//
// A value that a change cannot be done to (null, a word that is no number) stays as it is, as does
// a record without the path. Numbers keep their text.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_DRILL_MUTATE_H
#define PL_DRILL_MUTATE_H

#include "base/buf.h"
#include "contract/mapping.h"
#include "json/tree.h"

typedef enum pl_change_kind {
    PL_CHANGE_RENAME,
    PL_CHANGE_MOVE,
    PL_CHANGE_REMOVE,
    PL_CHANGE_TEXT,
    PL_CHANGE_WRAP,
    PL_CHANGE_WORDS,
    PL_CHANGE_SHIFT,
    PL_CHANGE_PERCENT,
    PL_CHANGE_FRACTION,
    PL_CHANGE_VALUES,
    PL_CHANGE_ADD,
    PL_CHANGE_KINDS
} pl_change_kind;

// Where `path` ends in a lookup (data[name="likes"]), a renaming is that of the name it looks for;
// no other change can be done there, nor to a path that ends in an index.
typedef struct pl_change {
    pl_change_kind kind;
    pl_path path; // its root does not matter: it begins at the tree's
    pl_span name; // rename: the new key; move: the object that is put around it; wrap, add: the new
                  // key; words: a unit, "" for 1.2K; values: what stands before the old ones
    int digits;   // shift: powers of ten
} pl_change;

// A copy of all of a tree: what a change may be done to. Texts are borrowed.
pl_json *pl_mutate_copy(const pl_json *tree, pl_arena *arena);

// Do it, in place. False: nothing was changed.
bool pl_mutate(pl_json *tree, const pl_change *change, pl_arena *arena);

// The value at a path of keys, indexes and lookups, or NULL.
pl_json *pl_mutate_find(pl_json *tree, const pl_path *path);

// Append the tree as JSON on one line; numbers and texts that were not changed as they stood.
void pl_mutate_write(pl_buf *out, const pl_json *tree);

#endif
