// paths.h -- the path table: every key path the scanner knows, the wanted ones with a slot.
//
//     node 0 (the record) --"stats"--> node 1 --"likes"--> node 2, slot 7
//                         --"id"-----> node 3, slot 0
//
// A path is keys only; what an array holds is one value here. The caller wants paths before the
// scan; the scanner learns the others as it meets them, and on every node what followed its value:
// the exact bytes up to the next value, and which one that is. Records of one source repeat their
// key order, so an edge that was met once is the prediction for the next record, and a hit takes
// keys, colons, commas and brackets in one comparison:
//
//     likes --  },"created_at":  --> created_at
//
// (Literals on the edges between paths, not a whole record as one: optional keys do not multiply
// them. Mison, VLDB 2017, speculates on positions of fields instead.)
//
// Invariants
//   - Node ids are dense and stable; a node's parent has a smaller id.
//   - `inside` is true iff a node below has a slot.
//
// Limits: PL_PATHS_MAX nodes, PL_PATHS_BYTES_MAX of keys, PL_EDGES_MAX edges of a node, PL_FANS_MAX
// nodes with edges; past them unknown keys are scanned but
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

#define PL_EDGES_MAX  4
#define PL_FANS_MAX   4096u
#define PL_EDGE_BYTES 48

// From the end of one value to the start of another: closing brackets, comma, keys, colons. The
// spaces between them are part of it. One cache line.
typedef struct pl_path_edge {
    char literal[PL_EDGE_BYTES];
    uint32_t to;               // PL_PATH_ROOT: behind the record
    uint8_t bytes;             // of the literal
    uint8_t key_at, key_bytes; // of the last key in it, with its quotes
    uint8_t moves;             // 0: it stays in its object; else 1 + how many begin in it
    uint32_t opened[2];        // those, outermost first
} pl_path_edge;

typedef struct pl_path_node { // one cache line
    uint32_t parent;
    int32_t slot;        // of the wanted path, or -1
    uint64_t stamp;      // instance of its parent in which it was seen last
    uint64_t instance;   // of an object that is walked: its last one
    pl_path_edge *edges; // [PL_EDGES_MAX], in the order they were met; NULL until it has one
    const char *key;     // unescaped
    const char *raw;     // with its quotes, as it was met first
    uint32_t rest_from;  // rest entries before it when it was seen last
    uint32_t key_bytes;
    uint32_t raw_bytes; // 0 until it was met
    uint8_t edge_count;
    uint8_t misses; // of its edges, modulo 256
    bool inside;    // a wanted path lies below
} pl_path_node;

static inline pl_span pl_path_key(const pl_path_node *node)
{
    return (pl_span){node->key, node->key_bytes};
}

static inline pl_span pl_path_raw(const pl_path_node *node)
{
    return (pl_span){node->raw, node->raw_bytes};
}

typedef struct pl_paths {
    pl_arena arena; // keys
    pl_path_node *nodes;
    uint32_t count, capacity;
    pl_arena fans; // edges
    uint32_t fan_count;
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

// Remember an edge from `node`, in place of another when there are PL_EDGES_MAX and they often
// miss.
void pl_paths_learn(pl_paths *paths, uint32_t node, const pl_path_edge *edge);

bool pl_paths_below(const pl_paths *paths, uint32_t node, uint32_t ancestor); // or the same

#endif
