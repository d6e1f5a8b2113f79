// gate_raw.c -- the figures of a gate, from raw mapped by both rules.
//
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/gate.h"
#include "flow/keyset.h"
#include "map/mapper.h"

#define SLOTS        (1u << 18)
#define ENTITIES     (SLOTS / 2) // that are remembered
#define VALUES       100000      // of a sample
#define VALUES_LEAST 100         // for a distance
#define STEPS_LEAST  20          // for what is usual

// A step from one value to the next is the part of the larger one that it changes: 0 none, 0.5
// doubled or halved, 1 all of it. What is usual is what 95 of 100 steps stay below; three times
// that may be, and a doubling, since polls may have paused. Another unit is a factor of 10 and
// more.
#define STEP_LEAST 0.5
#define STEP_MOST  0.89

// Every so manieth value, more of them as more come.
typedef struct values {
    double *items;
    uint32_t count;
    uint64_t seen, stride;
} values;

typedef struct entity {
    uint64_t hash; // 0: free
    double last;   // before
    double first;  // since
    bool before, since;
} entity;

typedef struct asking {
    const pl_gate_options *options;
    pl_gate_figures *figures;
    int at[2];    // of the column: before, after
    int flags[2]; // of _flags
    const pl_contract *contract;
    char *lost; // "likes:lost"
    entity *entities;
    uint32_t entity_count;
    values steps, old, new;
} asking;

// ---- samples ------------------------------------------------------------------------------------

static void add_value(values *v, double value)
{
    if (!v->items) v->items = pl_alloc(VALUES * sizeof *v->items);
    if (!v->stride) v->stride = 1;
    if (v->seen++ % v->stride != 0) return;
    if (v->count == VALUES) {
        for (uint32_t i = 0; i < VALUES / 2; i++) v->items[i] = v->items[2 * i];
        v->count = VALUES / 2;
        v->stride *= 2;
        if ((v->seen - 1) % v->stride != 0) return;
    }
    v->items[v->count++] = value;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort_values(values *v)
{
    if (v->count) qsort(v->items, v->count, sizeof *v->items, by_value);
}

// The largest gap between the shares of both that are no larger than a value.
static double distance(values *a, values *b)
{
    double gap = 0;
    uint32_t i = 0, k = 0;
    sort_values(a);
    sort_values(b);
    while (i < a->count && k < b->count) {
        double value = PL_MIN(a->items[i], b->items[k]);
        while (i < a->count && a->items[i] <= value) i++;
        while (k < b->count && b->items[k] <= value) k++;
        gap = PL_MAX(gap, fabs((double)i / a->count - (double)k / b->count));
    }
    return gap;
}

// ---- values -------------------------------------------------------------------------------------

static bool is_text(pl_kind kind)
{
    return kind == PL_STRING || kind == PL_JSON;
}

// A number that is equal for equal values, and of what has an order as far apart as they are.
static double number_of(const pl_value *value, const pl_type *type)
{
    switch (value->kind) {
    case PL_BOOLEAN:
        return value->boolean;
    case PL_INT:
    case PL_DATE:
        return value->i32;
    case PL_LONG:
    case PL_TIMESTAMP:
        return (double)value->i64;
    case PL_FLOAT:
        return (double)value->f32;
    case PL_DOUBLE:
        return value->f64;
    case PL_DECIMAL:
        return (double)value->i128 / pow(10, type->scale);
    default:
        return (double)(pl_keyset_join(0, value) >> 12);
    }
}

static double step(double from, double to, bool text)
{
    if (text) return from == to ? 0 : 1;
    double larger = PL_MAX(fabs(from), fabs(to));
    return larger > 0 ? fabs(to - from) / larger : 0;
}

// The row's entity, or NULL: there is no key, a part of it is NULL, or there are too many.
static entity *entity_of(asking *a, const pl_column *row)
{
    const pl_contract *contract = a->contract;
    uint64_t hash = 0;
    uint32_t parts = 0;
    for (uint32_t i = 0; i < contract->key_count; i++) {
        const pl_column *cell = &row[contract->keys[i]];
        pl_kind kind = cell->type.kind;
        if (kind == PL_TIMESTAMP || kind == PL_DATE || kind == PL_LIST) continue;
        if ((int)contract->keys[i] == a->at[1]) continue;
        if (!cell->valid[0]) return NULL;
        pl_value value = pl_column_value(cell, 0);
        hash = pl_keyset_join(hash, &value);
        parts++;
    }
    if (!parts) return NULL;
    hash |= 1;
    uint32_t slot = (uint32_t)(hash >> 20) & (SLOTS - 1);
    for (; a->entities[slot].hash; slot = (slot + 1) & (SLOTS - 1))
        if (a->entities[slot].hash == hash) return &a->entities[slot];
    if (a->entity_count == ENTITIES) return NULL;
    a->entity_count++;
    a->entities[slot].hash = hash;
    return &a->entities[slot];
}

static void count_value(asking *a, const pl_column *row, const pl_column *cell, bool older)
{
    if (cell->type.kind == PL_LIST) return;
    bool text = is_text(cell->type.kind);
    pl_value value = pl_column_value(cell, 0);
    double number = number_of(&value, &cell->type);
    if (!text) add_value(older ? &a->old : &a->new, number);
    entity *e = entity_of(a, row);
    if (!e) return;
    if (older) {
        if (e->before) add_value(&a->steps, step(e->last, number, text));
        e->last = number;
        e->before = true;
    } else if (!e->since) {
        e->first = number;
        e->since = true;
    }
}

// Whether the column was given a value that it could not take.
static bool is_lost(const asking *a, const pl_column *row, int side)
{
    const pl_column *flags = &row[a->flags[side]];
    if (!flags->valid[0]) return false;
    for (uint32_t i = flags->offsets[0]; i < flags->offsets[1]; i++)
        if (pl_span_is(pl_column_span(flags->child, i), a->lost)) return true;
    return false;
}

static void compare(asking *a, const pl_column *before, const pl_column *after)
{
    if (!before->valid[0] || !after->valid[0] || before->type.kind == PL_LIST) return;
    pl_value left = pl_column_value(before, 0), right = pl_column_value(after, 0);
    a->figures->both++;
    a->figures->differ += left.kind != right.kind || !pl_value_equal(&left, &right);
}

// ---- rows ---------------------------------------------------------------------------------------

static void look(void *context, const pl_shadow_pair *pair)
{
    asking *a = context;
    pl_gate_figures *f = a->figures;
    const pl_column *before = pair->rows[0], *after = pair->rows[1];
    if (before && after && (pair->older || !a->options->other_unit))
        compare(a, &before[a->at[0]], &after[a->at[1]]);
    if (pair->older) {
        if (!before) return;
        f->rows_before++;
        f->nulls_before += !before[a->at[0]].valid[0];
        if (before[a->at[0]].valid[0]) count_value(a, before, &before[a->at[0]], true);
        return;
    }
    if (!after) { // a record that is no row for it
        bool for_it = pl_span_equal(pair->rejected[1], a->options->column);
        f->values += for_it;
        f->unread += for_it;
        return;
    }
    bool filled = after[a->at[1]].valid[0], lost = !filled && is_lost(a, after, 1);
    f->rows++;
    f->nulls += !filled;
    f->values += filled || lost;
    f->unread += lost;
    if (filled) count_value(a, after, &after[a->at[1]], false);
}

static void add_up(asking *a)
{
    pl_gate_figures *f = a->figures;
    double usual = STEP_MOST;
    if (a->steps.count >= STEPS_LEAST) {
        sort_values(&a->steps);
        usual = 3 * a->steps.items[(uint64_t)a->steps.count * 95 / 100];
        usual = PL_MIN(PL_MAX(usual, STEP_LEAST), STEP_MOST);
    }
    bool text = is_text(a->contract->columns[a->at[1]].field.type.kind);
    for (uint32_t i = 0; i < SLOTS; i++) {
        const entity *e = &a->entities[i];
        if (!e->before || !e->since) continue;
        f->entities++;
        f->broken += step(e->last, e->first, text) > usual;
    }
    f->has_distance = a->old.count >= VALUES_LEAST && a->new.count >= VALUES_LEAST;
    if (f->has_distance) f->distance = distance(&a->old, &a->new);
}

static void find_columns(asking *a, int side, const pl_mapping *mapping, pl_arena *arena)
{
    pl_schema schema = pl_map_schema(mapping->contract, arena);
    a->at[side] = pl_schema_find(&schema, a->options->column);
    a->flags[side] = pl_schema_find(&schema, PL_SPAN("_flags"));
}

plumb_status pl_gate_ask(const pl_gate_options *options, pl_arena *arena, pl_gate *ret_gate,
                         plumb_error *err)
{
    pl_gate_figures figures = {0};
    pl_shadow_report report;
    atomic_bool never = false;
    asking a = {.options = options, .figures = &figures, .contract = options->after->contract};
    find_columns(&a, 0, options->before, arena);
    find_columns(&a, 1, options->after, arena);
    a.lost = pl_arena_printf(arena, "%.*s:lost", PL_FMT(options->column));
    a.entities = pl_alloc(SLOTS * sizeof *a.entities);
    memset(a.entities, 0, SLOTS * sizeof *a.entities);
    pl_shadow_options shadow = {.store = options->store,
                                .registry = options->registry,
                                .before = options->before,
                                .after = options->after,
                                .first_object = options->first_object,
                                .objects = 2 * PL_GATE_OBJECTS,
                                .bytes = PL_GATE_BYTES,
                                .first_too = true,
                                .visit = look,
                                .context = &a,
                                .cancel = options->cancel ? options->cancel : &never};
    plumb_status st = pl_shadow(&shadow, arena, &report, err);
    if (st == PLUMB_OK) {
        add_up(&a);
        figures.objects = report.objects;
        figures.objects_before = report.older;
        pl_gate_judge(&figures, arena, ret_gate);
    }
    free(a.entities);
    free(a.steps.items);
    free(a.old.items);
    free(a.new.items);
    return st;
}
