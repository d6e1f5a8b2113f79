// SPDX-License-Identifier: Apache-2.0
#include "json/paths.h"

#include <stdlib.h>

#include "base/hash.h"

// More than keys need in a table half full, unless they were made for it.
enum { PROBES_MAX = 128 };

// Misses of a full fan for which one of its edges is given up: keys in random order would else
// learn at every step.
enum { MISSES_MAX = 16 };

_Static_assert(sizeof(pl_path_edge) == 64, "an edge is one cache line");
_Static_assert(sizeof(pl_path_node) == 64, "a node is one cache line");

// Of the key `key` in the object `parent`.
static pl_path_node node_of(uint32_t parent, pl_span key)
{
    return (pl_path_node){
        .parent = parent, .slot = -1, .key = key.data, .key_bytes = (uint32_t)key.bytes};
}

void pl_paths_init(pl_paths *paths)
{
    *paths = (pl_paths){.table_size = 256};
    paths->table = pl_zalloc(paths->table_size, sizeof *paths->table);
    PL_GROW(paths->nodes, paths->count, paths->capacity);
    paths->nodes[paths->count++] = node_of(PL_PATH_NONE, (pl_span){0});
}

void pl_paths_done(pl_paths *paths)
{
    pl_arena_done(&paths->arena);
    free(paths->nodes);
    pl_arena_done(&paths->fans);
    free(paths->table);
    *paths = (pl_paths){0};
}

// Place in the table where (parent, key) is, or where it belongs; NULL if neither is near. What was
// wanted was there first, so no learned path is in its way.
static uint32_t *place_of(const pl_paths *paths, uint32_t parent, pl_span key)
{
    uint32_t mask = paths->table_size - 1;
    uint32_t home = (uint32_t)pl_hash(key) + parent * 0x9e3779b1u;
    for (uint32_t i = 0;; i++) {
        uint32_t *place = &paths->table[(home + i) & mask];
        if (!*place) return place;
        const pl_path_node *node = &paths->nodes[*place - 1];
        if (node->parent == parent && pl_span_equal(pl_path_key(node), key)) return place;
        if (i >= PROBES_MAX && *place > paths->wanted) return NULL;
    }
}

static void table_grow(pl_paths *paths)
{
    free(paths->table);
    paths->table_size *= 2;
    paths->table = pl_zalloc(paths->table_size, sizeof *paths->table);
    for (uint32_t id = 1; id < paths->count; id++) {
        uint32_t *place = place_of(paths, paths->nodes[id].parent, pl_path_key(&paths->nodes[id]));
        if (place) *place = id + 1;
    }
}

static uint32_t child_make(pl_paths *paths, uint32_t parent, pl_span key)
{
    if (paths->count * 2 >= paths->table_size) table_grow(paths);
    uint32_t id = paths->count;
    uint32_t *place = place_of(paths, parent, key);
    if (!place) return PL_PATH_NONE;
    *place = id + 1;
    PL_GROW(paths->nodes, paths->count, paths->capacity);
    paths->nodes[paths->count++] = node_of(parent, pl_arena_copy(&paths->arena, key));
    return id;
}

uint32_t pl_paths_child(pl_paths *paths, uint32_t parent, pl_span key, bool learn)
{
    const uint32_t *place = place_of(paths, parent, key);
    if (!place) return PL_PATH_NONE;
    if (*place) return *place - 1;
    bool room = paths->count < PL_PATHS_MAX && paths->arena.bytes < PL_PATHS_BYTES_MAX;
    return learn && room ? child_make(paths, parent, key) : PL_PATH_NONE;
}

uint32_t pl_paths_want(pl_paths *paths, const pl_span *keys, uint32_t count)
{
    uint32_t node = PL_PATH_ROOT;
    for (uint32_t i = 0; i < count; i++) {
        paths->nodes[node].inside = true;
        paths->wanted = paths->count; // so that any distance counts as near
        uint32_t place = *place_of(paths, node, keys[i]);
        node = place ? place - 1 : child_make(paths, node, keys[i]);
    }
    paths->wanted = paths->count;
    pl_path_node *wanted = &paths->nodes[node];
    if (wanted->slot < 0) wanted->slot = (int32_t)paths->slot_count++;
    return (uint32_t)wanted->slot;
}

void pl_paths_learn(pl_paths *paths, uint32_t node, const pl_path_edge *edge)
{
    pl_path_node *from = &paths->nodes[node];
    if (!from->edges) {
        if (paths->fan_count == PL_FANS_MAX) return;
        paths->fan_count++;
        from->edges = PL_TAKE(&paths->fans, pl_path_edge, PL_EDGES_MAX);
    }
    if (from->edge_count < PL_EDGES_MAX)
        from->edges[from->edge_count++] = *edge;
    else if (++from->misses % MISSES_MAX == 0)
        from->edges[from->misses / MISSES_MAX % PL_EDGES_MAX] = *edge;
}

bool pl_paths_below(const pl_paths *paths, uint32_t node, uint32_t ancestor)
{
    while (node != ancestor && node != PL_PATH_NONE) node = paths->nodes[node].parent;
    return node == ancestor;
}
