// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "base/limits.h"
#include "shape/shape.h"

#define EXACT_MAX 9007199254740992.0    // 2^53: a double has every integer up to it
#define LONGS_MAX 9223372036854774784.0 // the largest double below 2^63

// Whether the sampled numbers lie within the bound; what was not sampled cannot be asked.
static bool within(const pl_shape_path *path, double bound)
{
    const pl_shape_values *values = path->values;
    if (!values || isnan(values->min)) return true;
    return values->min >= -bound && values->max <= bound;
}

static const char *scalar_type(const pl_shape_path *path)
{
    const uint64_t *kinds = path->kinds;
    uint64_t numbers = kinds[PL_SHAPE_INT] + kinds[PL_SHAPE_FLOAT];
    bool bools = kinds[PL_SHAPE_BOOL] > 0, texts = kinds[PL_SHAPE_STRING] > 0;
    if (bools + texts + (numbers > 0) != 1) return "json";
    if (bools) return "boolean";
    if (texts) return "string";
    if (!kinds[PL_SHAPE_FLOAT]) return within(path, LONGS_MAX) ? "long" : "decimal(38, 0)";
    return !kinds[PL_SHAPE_INT] || within(path, EXACT_MAX) ? "double" : "json";
}

void pl_shape_least_type(pl_buf *out, const pl_shape *shape, uint32_t id)
{
    const pl_shape_path *path = &shape->paths[id];
    const char *type = "";
    uint32_t lists = 0;
    for (;; path = &shape->paths[path->elements], lists++) {
        bool arrays = path->kinds[PL_SHAPE_ARRAY] > 0, objects = path->kinds[PL_SHAPE_OBJECT] > 0;
        uint64_t scalars = pl_shape_seen(path) - path->kinds[PL_SHAPE_NULL] -
                           path->kinds[PL_SHAPE_ARRAY] - path->kinds[PL_SHAPE_OBJECT];
        if (!arrays && !objects && !scalars && !lists) return; // nothing but null
        bool list = arrays && !objects && !scalars && path->elements != PL_SHAPE_NONE &&
                    lists < PL_LIST_DEPTH_MAX;
        if (list) continue;
        type = arrays || objects || !scalars ? "json" : scalar_type(path);
        break;
    }
    if (strcmp(type, "json") == 0) lists = 0; // all of it is
    for (uint32_t i = 0; i < lists; i++) pl_buf_text(out, "list(");
    pl_buf_text(out, type);
    for (uint32_t i = 0; i < lists; i++) pl_buf_char(out, ')');
}
