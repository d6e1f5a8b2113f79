// paths.h -- the path table: every key path the scanner knows, the wanted ones with a slot.
//
//     node 0 (the record) --"stats"--> node 1 --"likes"--> node 2, slot 7
//                         --"id"-----> node 3, slot 0
//
// A path is keys only; what an array holds is one value here. The caller wants paths before the
// scan; the scanner learns the others as it meets them, and on every node the key that followed it
// last time: records of one source repeat their key order, so that edge is the prediction for the
// next record and a hit is one comparison of raw bytes (inline cache; performance note, "shape
// speculation"). The same edges are what drift detection will count.
//
// Invariants
//   - Node ids are dense and stable; a node's parent has a smaller id.
//   - `inside` is true iff a node below has a slot.
//
// Limits: PL_PATHS_MAX nodes, PL_PATHS_BYTES_MAX of keys; past them unknown keys are scanned but
// not learned, so their repetitions go unnoticed; so are keys made to hash alike, which would make
// every look into the table a long one. Wanted paths are always taken in, before any is learned.
// Threads: one table per thread.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_PATHS_H
#define PL_JSON_PATHS_H

#include "base/arena.h"
#include "base/limits.h"

#define PL_PATH_ROOT 0u
#define PL_PATH_NONE UINT32_MAX

typedef struct pl_path_node { // one cache line: the order leaves no holes
    uint32_t parent;
    int32_t slot;        // of the wanted path, or -1
    pl_span key;         // unescaped
    pl_span raw;         // with its quotes, as it was met first; .bytes 0 until then
    uint32_t first_next; // predicted first key of an object here
    uint32_t next;       // predicted key after this one in its object
    uint64_t stamp;      // object instance in which it was seen last
    uint32_t rest_from;  // rest entries before it then
    bool inside;         // a wanted path lies below
} pl_path_node;

typedef struct pl_paths {
    pl_arena arena; // keys
    pl_path_node *nodes;
    uint32_t count, capacity;
    uint32_t *table; // open addressing over (parent, key); node id + 1, 0 = free
    uint32_t table_size;
    uint32_t slot_count;
    uint32_t wanted; // nodes that were wanted have smaller ids
} pl_paths;

void pl_paths_init(pl_paths *paths);
void pl_paths_done(pl_paths *paths);

// The slot of the path `keys[0..count)`, made if new. count 0 is the record itself.
uint32_t pl_paths_want(pl_paths *paths, const pl_span *keys, uint32_t count);

// Child of `parent` by unescaped key; learned if unknown and there is room, else PL_PATH_NONE.
uint32_t pl_paths_child(pl_paths *paths, uint32_t parent, pl_span key, bool learn);

bool pl_paths_below(const pl_paths *paths, uint32_t node, uint32_t ancestor); // or the same

#endif
