// lint.h -- is this table what the Iceberg specification says, for every reader there is?
//
// Reading (metadata.h, manifest.h) stops at the first thing it cannot use and looks over what it
// does not need. The lint looks at everything and reports all of it: engines differ in which
// mistake they stumble over, and most of them give wrong rows in silence.
//
// Looked at: the metadata file, every manifest list of its snapshots, every manifest in them, the
// size and the footer of every data file, version-hint.text. A manifest shared by many snapshots is
// read once. Partition summaries, counts and totals are computed again and compared; so are rows,
// row groups, column ids, counts, bounds and sort order between a Parquet file and its entry.
//
// A finding names its rule ("manifest-length"), the file, and what was expected and found. Broken
// input of any kind makes findings, never a failure; a file that cannot be read at all is one.
//
// Bounds: PL_ICE_FINDINGS_PER_RULE findings of one rule are kept, the others only counted.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_LINT_H
#define PL_ICEBERG_LINT_H

#include "base/arena.h"
#include "store/store.h"

#define PL_ICE_FINDINGS_PER_RULE 20

typedef struct pl_ice_finding {
    const char *rule;  // static: "current-schema"
    const char *place; // key of the file in the store, or its URI
    const char *what;  // "'current-schema-id' is 7, and no schema has that id"
} pl_ice_finding;

typedef struct pl_ice_lint {
    pl_ice_finding *findings; // in the arena given, as all text
    uint32_t count;
    uint64_t dropped; // more of a rule than are kept
    uint32_t snapshots, manifests, files;
} pl_ice_lint;

// Lint the table whose metadata is at `location` (a URI, as the catalog has it).
void pl_ice_lint_table(pl_store *store, const char *location, pl_arena *arena,
                       pl_ice_lint *ret_lint);

#endif
