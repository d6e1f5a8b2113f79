// shapes.h -- shapes from JSON lines, and as text to compare.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_SHAPES_H
#define PL_TEST_SHAPES_H

#include <stdlib.h>

#include "shape/shape.h"
#include "unit.h"

// One record to `shape`: counted and sampled. NULL `entity`: of nobody.
static inline void observe(pl_shape *shape, const char *json, const char *entity)
{
    pl_arena arena = {0};
    pl_json *record;
    plumb_error err;
    CHECK_OK(pl_json_parse(pl_span_of(json), &arena, &record, &err), err);
    pl_span scalar = pl_span_of(entity);
    pl_shape_record(shape, record);
    pl_shape_sample(shape, record, entity ? pl_shape_entity(&scalar, 1) : PL_SHAPE_NOBODY);
    pl_arena_done(&arena);
}

static inline uint32_t path_at(const pl_shape *shape, const char *text)
{
    pl_buf path = {0};
    uint32_t found = PL_SHAPE_NONE;
    for (uint32_t i = 0; i < shape->count; i++) {
        pl_buf_reset(&path);
        pl_shape_path_write(&path, shape, i);
        if (pl_span_is(pl_buf_view(&path), text)) found = i;
    }
    pl_buf_done(&path);
    if (found == PL_SHAPE_NONE) fail_msg("no path %s", text);
    return found;
}

// Times there / times it could have been, then each kind that came: "$.a 2/3 null:1 int:1".
static inline void counts_text(pl_buf *out, const pl_shape *shape, uint32_t id)
{
    const pl_shape_path *path = &shape->paths[id];
    pl_shape_path_write(out, shape, id);
    pl_buf_printf(out, " %llu/%llu", (unsigned long long)pl_shape_seen(path),
                  (unsigned long long)pl_shape_chances(shape, id));
    for (int i = 0; i < PL_SHAPE_KINDS; i++)
        if (path->kinds[i])
            pl_buf_printf(out, " %s:%llu", pl_shape_kind_name((pl_shape_kind)i),
                          (unsigned long long)path->kinds[i]);
    if (path->overflow) pl_buf_printf(out, " overflow:%llu", (unsigned long long)path->overflow);
}

// All of them, a line each, in the order of their appearance.
static inline void check_counts(const char *want, const pl_shape *shape)
{
    pl_buf out = {0};
    for (uint32_t i = 0; i < shape->count; i++) {
        counts_text(&out, shape, i);
        pl_buf_char(&out, '\n');
    }
    CHECK_SPAN(want, pl_buf_view(&out));
    pl_buf_done(&out);
}

// Everything known of a path's values.
static inline void values_text(pl_buf *out, const pl_shape_values *v)
{
    pl_buf_printf(out, "%llu", (unsigned long long)v->count);
    for (int i = 0; i < PL_CLASSES; i++)
        if (v->classes[i])
            pl_buf_printf(out, " %s:%llu", pl_value_class_name((pl_value_class)i),
                          (unsigned long long)v->classes[i]);
    pl_buf_printf(out, " [%.17g %.17g] text [%u %u] fractions %llu distinct %.17g zero %llu",
                  v->min, v->max, v->text_min, v->text_max, (unsigned long long)v->fractions,
                  pl_distinct_count(&v->distinct), (unsigned long long)v->quantiles.zero);
    for (uint32_t i = 0; i < v->quantiles.count; i++)
        pl_buf_printf(out, " %d:+%llu-%llu", v->quantiles.buckets[i].index,
                      (unsigned long long)v->quantiles.buckets[i].positive,
                      (unsigned long long)v->quantiles.buckets[i].negative);
    pl_buf_text(out, " samples");
    for (uint32_t i = 0; i < v->sample_count; i++) pl_buf_printf(out, " %s", v->samples[i]);
    for (uint32_t i = 0; i < v->pair_count; i++)
        pl_buf_printf(out, "\n  %016llx %d %d %016llx %.17g",
                      (unsigned long long)v->pairs[i].entity, v->pairs[i].value.class,
                      v->pairs[i].value.kind, (unsigned long long)v->pairs[i].value.hash,
                      v->pairs[i].value.number);
}

static inline int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The whole shape, its paths in order of their text: the same of equal shapes.
static inline char *shape_text(const pl_shape *shape)
{
    char **lines = pl_zalloc(shape->count, sizeof *lines);
    pl_buf out = {0};
    for (uint32_t i = 0; i < shape->count; i++) {
        pl_buf line = {0};
        const pl_shape_path *path = &shape->paths[i];
        counts_text(&line, shape, i);
        pl_buf_printf(&line, " objects %llu %lld-%lld children %u",
                      (unsigned long long)path->objects, (long long)path->first_us,
                      (long long)path->last_us, path->children);
        if (path->values) {
            CHECK_INT(0, path->values->pair_fresh);
            pl_buf_text(&line, "\n  ");
            values_text(&line, path->values);
        }
        pl_buf_char(&line, '\n');
        pl_buf_cstr(&line);
        lines[i] = line.data;
    }
    qsort(lines, shape->count, sizeof *lines, by_text);
    pl_buf_printf(&out, "%llu records %llu sampled %llu objects %lld-%lld entities to %016llx\n",
                  (unsigned long long)shape->records, (unsigned long long)shape->sampled,
                  (unsigned long long)shape->objects, (long long)shape->first_us,
                  (long long)shape->last_us, (unsigned long long)shape->entity_max);
    for (uint32_t i = 0; i < shape->count; i++) {
        pl_buf_text(&out, lines[i]);
        free(lines[i]);
    }
    free(lines);
    pl_buf_cstr(&out);
    return out.data;
}

static inline void check_same(const pl_shape *want, const pl_shape *got)
{
    char *a = shape_text(want), *b = shape_text(got);
    CHECK_STR(a, b);
    free(a);
    free(b);
}

#endif
