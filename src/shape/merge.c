// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "shape/shape_int.h"

static void merge_times(int64_t *first_us, int64_t *last_us, int64_t other_first,
                        int64_t other_last)
{
    if (other_first) *first_us = *first_us ? PL_MIN(*first_us, other_first) : other_first;
    *last_us = PL_MAX(*last_us, other_last);
}

// `giver` is `from`, or NULL: it keeps its values.
static void merge_path(pl_shape_path *into, const pl_shape_path *from, pl_shape_path *giver)
{
    for (int i = 0; i < PL_SHAPE_KINDS; i++) into->kinds[i] += from->kinds[i];
    into->overflow += from->overflow;
    into->objects += from->objects;
    merge_times(&into->first_us, &into->last_us, from->first_us, from->last_us);
    if (!from->values) return;
    if (giver && !into->values) {
        into->values = giver->values;
        giver->values = NULL;
        return;
    }
    if (!into->values) into->values = pl_shape__values_new();
    pl_shape__values_merge(into->values, from->values);
}

// Whether each path was there, or one below it.
static bool *were_there(const pl_shape *shape)
{
    bool *there = pl_zalloc(shape->count, sizeof *there);
    for (uint32_t i = shape->count; i-- > 1;) {
        const pl_shape_path *path = &shape->paths[i];
        there[i] |= pl_shape_seen(path) || path->values;
        there[path->parent] |= there[i];
    }
    return there;
}

// `givers` are the paths of `from`, or NULL.
static void merge(pl_shape *into, const pl_shape *from, pl_shape_path *givers)
{
    bool *there = were_there(from);
    uint32_t *ids = pl_alloc(from->count * sizeof *ids); // of `from` to those of `into`
    into->records += from->records;
    into->sampled += from->sampled;
    into->objects += from->objects;
    merge_times(&into->first_us, &into->last_us, from->first_us, from->last_us);
    into->entity_max = PL_MIN(into->entity_max, from->entity_max);
    ids[0] = PL_SHAPE_ROOT;
    merge_path(&into->paths[0], &from->paths[0], givers);
    for (uint32_t i = 1; i < from->count; i++) {
        const pl_shape_path *path = &from->paths[i];
        uint32_t parent = ids[path->parent];
        ids[i] = PL_SHAPE_NONE;
        if (parent == PL_SHAPE_NONE || !there[i]) continue; // of what became overflow
        ids[i] = pl_shape__below(into, parent, path->key, path->step);
        if (ids[i] != PL_SHAPE_NONE)
            merge_path(&into->paths[ids[i]], path, givers ? &givers[i] : NULL);
        else if (path->step == PL_SHAPE_KEY)
            pl_shape_overflow(into, parent, pl_shape_seen(path));
    }
    free(ids);
    free(there);
    pl_shape__fit(into);
}

void pl_shape_merge(pl_shape *into, const pl_shape *from)
{
    merge(into, from, NULL);
}

void pl_shape_take(pl_shape *into, pl_shape *from)
{
    merge(into, from, from->paths);
}

void pl_shape_join(pl_shape *into, const pl_shape *from)
{
    pl_shape_merge(into, from);
    into->objects = PL_MIN(into->objects, (uint64_t)1);
    for (uint32_t i = 0; i < into->count; i++)
        into->paths[i].objects = PL_MIN(into->paths[i].objects, (uint64_t)1);
}
