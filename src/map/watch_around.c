// watch_around.c -- what stands around the records.
//
// SPDX-License-Identifier: Apache-2.0
#include "map/watch_int.h"

// Where the objects lie that hold this array. PL_SHAPE_NONE: no room.
static uint32_t holder_path(pl_shape *shape, const pl_framer_keys *arrays, uint32_t array)
{
    uint32_t path = pl_shape_around(shape);
    for (uint32_t a = 0; a < array && path != PL_SHAPE_NONE; a++) {
        for (uint32_t k = 0; k < arrays[a].count && path != PL_SHAPE_NONE; k++)
            path = pl_shape_child(shape, path, arrays[a].keys[k]);
        if (path != PL_SHAPE_NONE) path = pl_shape_items(shape, path);
    }
    return path;
}

void pl_watch_around(pl_watch *w, const pl_framer_keys *arrays, uint32_t array, uint64_t number,
                     pl_span text)
{
    uint32_t path = holder_path(&w->seen, arrays, array);
    const pl_json *tree = pl_watch__tree(w, text);
    w->full |= path == PL_SHAPE_NONE;
    if (tree && path != PL_SHAPE_NONE) {
        bool sampled =
            number < PL_WATCH_DOCUMENTS || pl_shape_samples(pl_shape_entity_of_text(text));
        pl_shape_document(&w->seen, path, tree, sampled);
    }
    pl_watch__grow(w);
}
