// SPDX-License-Identifier: Apache-2.0
//
// Which entities do both sides know? Usually those the contract's key names. But the key's own path
// may have moved, or there is no contract at all and the entities are mere positions in a file. So
// every path whose values hardly repeat is tried as the key, on either side: the pair (old path,
// new path) under which the other paths agree best wins, and all values are keyed by it. Where the
// given entities agree well enough, they stay.
//
// Elements of arrays follow: the same position under another owner.
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "shape/drift_int.h"

enum {
    KEYS_MAX = 200, // paths tried on either side
    TRIALS = 8,     // pairs of them judged by all other paths
    WITNESSES = 64, // paths that judge
    DEPTH_MAX = PL_DRIFT_DEPTHS - 1,
    POSITIONS = 256,
    ROOM = 10,  // bits: long texts name an entity no better than short ids do
    BLIND = 16, // positions assumed where no scalar of that depth tells
};

typedef struct rekey { // ascending by `from`
    uint64_t from, to;
} rekey;

typedef struct table {
    rekey *items; // owned
    uint32_t count;
} table;

typedef struct trial {
    uint32_t before, after;
    double bits;
    bool chance; // so many values in common are no wonder
} trial;

static int by_from(const void *a, const void *b)
{
    const rekey *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static int by_to(const void *a, const void *b)
{
    const rekey *x = a, *y = b;
    if (x->to != y->to) return (x->to > y->to) - (x->to < y->to);
    return by_from(a, b);
}

int pl_drift_by_entity(const void *a, const void *b)
{
    uint64_t x = ((const pl_pair *)a)->entity, y = ((const pl_pair *)b)->entity;
    return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

uint32_t pl_drift_arrays(const pl_shape *shape, uint32_t path)
{
    uint32_t depth = 0;
    for (; path != PL_SHAPE_NONE; path = shape->paths[path].parent)
        depth += shape->paths[path].step == PL_SHAPE_ITEMS;
    return depth;
}

// An integer is an instant only among instants: a count may happen to be of that size.
static void settle_instants(pl_pair *pairs, uint32_t count)
{
    uint32_t instants = 0;
    for (uint32_t i = 0; i < count; i++)
        instants +=
            pairs[i].value.class >= PL_CLASS_EPOCH_S && pairs[i].value.class <= PL_CLASS_TIME;
    if (instants >= 0.95 * count) return;
    for (uint32_t i = 0; i < count; i++) {
        pl_shape_scalar *value = &pairs[i].value;
        if (value->class == PL_CLASS_EPOCH_MS) value->number *= 1e3;
        if (value->class == PL_CLASS_EPOCH_US) value->number *= 1e6;
        if (value->class >= PL_CLASS_EPOCH_S && value->class <= PL_CLASS_EPOCH_US)
            value->class = PL_CLASS_NUMBER;
    }
}

static void order(pl_drift_column *column, pl_arena *arena)
{
    column->numbers = PL_TAKE(arena, double, column->count + 1);
    column->hashes = PL_TAKE(arena, uint64_t, column->count + 1);
    for (uint32_t i = 0; i < column->count; i++) {
        column->hashes[i] = column->pairs[i].value.hash;
        double number = column->pairs[i].value.number;
        if (!isnan(number)) column->numbers[column->number_count++] = number;
    }
    if (!column->count) return;
    qsort(column->hashes, column->count, sizeof *column->hashes, by_value);
    if (column->number_count)
        qsort(column->numbers, column->number_count, sizeof *column->numbers, by_number);
}

// The values of a path, by the entities of the table; NULL: by the given ones.
static pl_drift_column keyed(const pl_shape_values *values, const table *by, pl_arena *arena)
{
    pl_drift_column column = {.values = values};
    if (!values || !values->pair_count) return column;
    pl_pair *pairs = PL_TAKE(arena, pl_pair, values->pair_count);
    for (uint32_t i = 0, j = 0; i < values->pair_count; i++) {
        pairs[column.count] = values->pairs[i];
        if (by) {
            while (j < by->count && by->items[j].from < values->pairs[i].entity) j++;
            if (j == by->count || by->items[j].from != values->pairs[i].entity) continue;
            pairs[column.count].entity = by->items[j].to;
        }
        column.count++;
    }
    if (by && column.count) qsort(pairs, column.count, sizeof *pairs, pl_drift_by_entity);
    settle_instants(pairs, column.count);
    column.pairs = pairs;
    order(&column, arena);
    return column;
}

pl_drift_column pl_drift_as_is(const pl_shape_values *values, pl_arena *arena)
{
    return keyed(values, NULL, arena);
}

// From the given entities to the values of a path; of those with the same value one stays.
static table table_of(const pl_shape_values *values)
{
    table made = {.items = pl_alloc(sizeof *made.items * (values->pair_count + 1))};
    for (uint32_t i = 0; i < values->pair_count; i++)
        made.items[i] = (rekey){values->pairs[i].entity, values->pairs[i].value.hash};
    qsort(made.items, values->pair_count, sizeof *made.items, by_to);
    for (uint32_t i = 0; i < values->pair_count; i++)
        if (i == 0 || made.items[i].to != made.items[i - 1].to || made.count == 0 ||
            made.items[made.count - 1].to != made.items[i].to)
            made.items[made.count++] = made.items[i];
    qsort(made.items, made.count, sizeof *made.items, by_from);
    return made;
}

// Every entity at this depth of arrays, ascending; they tell which positions there are.
static uint64_t *members(const pl_shape *shape, uint32_t depth, uint32_t *ret_count)
{
    uint32_t room = 0;
    for (uint32_t p = 0; p < shape->count; p++)
        if (shape->paths[p].values && pl_drift_arrays(shape, p) == depth)
            room += shape->paths[p].values->pair_count;
    uint64_t *all = pl_alloc(sizeof *all * (room + 1));
    uint32_t count = 0;
    for (uint32_t p = 0; p < shape->count; p++) {
        const pl_shape_values *values = shape->paths[p].values;
        if (!values || pl_drift_arrays(shape, p) != depth) continue;
        for (uint32_t i = 0; i < values->pair_count; i++) all[count++] = values->pairs[i].entity;
    }
    qsort(all, count, sizeof *all, by_value);
    *ret_count = count;
    return all;
}

static table descend(const table *owners, const pl_shape *shape, uint32_t depth)
{
    uint32_t known;
    uint64_t *all = members(shape, depth, &known);
    uint32_t positions = known ? POSITIONS : BLIND, capacity = 64;
    table made = {.items = pl_alloc(sizeof *made.items * capacity)};
    for (uint32_t i = 0; i < owners->count && made.count < 1u << 17; i++)
        for (uint32_t at = 0; at < positions; at++) {
            uint64_t from = pl_shape_element(owners->items[i].from, at);
            if (known && !bsearch(&from, all, known, sizeof *all, by_value)) {
                if (at >= BLIND) break;
                continue;
            }
            if (made.count == capacity)
                made.items = pl_realloc(made.items, sizeof *made.items * (capacity *= 2));
            made.items[made.count++] = (rekey){from, pl_shape_element(owners->items[i].to, at)};
        }
    qsort(made.items, made.count, sizeof *made.items, by_from);
    free(all);
    return made;
}

static void key_all(pl_drift_side *side, uint32_t key, pl_arena *arena)
{
    const pl_shape *shape = side->shape;
    table tables[DEPTH_MAX + 1] = {{0}};
    bool rekeyed = key != PL_SHAPE_NONE;
    if (rekeyed) {
        tables[0] = table_of(shape->paths[key].values);
        for (uint32_t d = 1; d <= DEPTH_MAX; d++) tables[d] = descend(&tables[d - 1], shape, d);
    }
    for (uint32_t p = 0; p < shape->count; p++) {
        uint32_t depth = pl_drift_arrays(shape, p);
        const table *by = rekeyed ? &tables[PL_MIN(depth, (uint32_t)DEPTH_MAX)] : NULL;
        side->columns[p] = keyed(shape->paths[p].values, by, arena);
    }
    for (uint32_t d = 0; d <= DEPTH_MAX; d++) free(tables[d].items);
}

typedef struct hearing {
    const pl_drift_work *work;
    table tables[2];
    bool rekeyed;
    pl_arena scratch;
    double bits;
    uint32_t shared;
} hearing;

static void hear(hearing *of, uint32_t before, uint32_t after)
{
    const pl_shape_values *old = of->work->before.shape->paths[before].values;
    const pl_shape_values *new = of->work->after.shape->paths[after].values;
    pl_drift_column a = keyed(old, of->rekeyed ? &of->tables[0] : NULL, &of->scratch);
    pl_drift_column b = keyed(new, of->rekeyed ? &of->tables[1] : NULL, &of->scratch);
    pl_evidence evidence = pl_drift_compare(&a, &b, 1, false, false);
    // Nearness goes up and down by chance, about 1.4 bits each time.
    double apart = (double)(evidence.shared - evidence.equal);
    bool near = evidence.near > 3 * 1.4427 * sqrt(apart);
    of->bits += near ? evidence.bits : evidence.bits - evidence.near;
    of->shared = PL_MAX(of->shared, (uint32_t)evidence.shared);
}

// How well other paths agree under a key, in bits: those that stayed, and the other pairs that
// might be keys. NULL: the given entities.
static double judge(const pl_drift_work *work, const trial *key, const trial *others,
                    uint32_t count, uint32_t *ret_shared)
{
    const pl_shape *old = work->before.shape, *new = work->after.shape;
    hearing of = {.work = work, .rekeyed = key != NULL};
    if (key) {
        of.tables[0] = table_of(old->paths[key->before].values);
        of.tables[1] = table_of(new->paths[key->after].values);
    }
    for (uint32_t p = 0, heard = 0; p < old->count && heard < WITNESSES; p++) {
        uint32_t q = work->before.same[p];
        if (q == PL_SHAPE_NONE || (key && (p == key->before || q == key->after))) continue;
        if (!old->paths[p].values || !new->paths[q].values || pl_drift_arrays(old, p)) continue;
        hear(&of, p, q);
        heard++;
    }
    for (uint32_t i = 0; i < count; i++)
        if (work->before.same[others[i].before] != others[i].after &&
            others[i].before != key->before && others[i].after != key->after)
            hear(&of, others[i].before, others[i].after);
    pl_arena_done(&of.scratch);
    free(of.tables[0].items);
    free(of.tables[1].items);
    *ret_shared = of.shared;
    return of.bits;
}

static uint32_t unique_paths(const pl_shape *shape, uint32_t *ret_paths)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < shape->count && count < KEYS_MAX; p++) {
        const pl_shape_values *values = shape->paths[p].values;
        if (!values || !values->pair_count || pl_drift_arrays(shape, p)) continue;
        if (values->pairs[0].value.class == PL_CLASS_BOOL) continue;
        table distinct = table_of(values);
        if (distinct.count >= 0.6 * values->pair_count) ret_paths[count++] = p;
        free(distinct.items);
    }
    return count;
}

typedef struct holder {
    uint64_t hash;
    uint32_t path; // of unique_paths
} holder;

static int by_holder(const void *a, const void *b)
{
    const holder *x = a, *y = b;
    if (x->hash != y->hash) return (x->hash > y->hash) - (x->hash < y->hash);
    return (x->path > y->path) - (x->path < y->path);
}

static holder *holders(const pl_shape *shape, const uint32_t *paths, uint32_t count,
                       uint32_t *ret_count)
{
    uint32_t room = 0, made = 0;
    for (uint32_t k = 0; k < count; k++) room += shape->paths[paths[k]].values->pair_count;
    holder *all = pl_alloc(sizeof *all * (room + 1));
    for (uint32_t k = 0; k < count; k++) {
        const pl_shape_values *values = shape->paths[paths[k]].values;
        for (uint32_t i = 0; i < values->pair_count; i++)
            all[made++] = (holder){values->pairs[i].value.hash, k};
    }
    qsort(all, made, sizeof *all, by_holder);
    *ret_count = 0;
    for (uint32_t i = 0; i < made; i++)
        if (i == 0 || by_holder(&all[i], &all[i - 1])) all[(*ret_count)++] = all[i];
    return all;
}

// In how many values each pair of paths agrees, whatever record they stand in.
static uint32_t *common_values(const pl_shape *old, const uint32_t *a, uint32_t a_count,
                               const pl_shape *new, const uint32_t *b, uint32_t b_count)
{
    uint32_t *common = pl_alloc(sizeof *common * ((size_t)a_count * b_count + 1));
    memset(common, 0, sizeof *common * ((size_t)a_count * b_count + 1));
    uint32_t x_count, y_count;
    holder *x = holders(old, a, a_count, &x_count), *y = holders(new, b, b_count, &y_count);
    for (uint32_t i = 0, j = 0; i < x_count && j < y_count;) {
        if (x[i].hash != y[j].hash) {
            if (x[i].hash < y[j].hash)
                i++;
            else
                j++;
            continue;
        }
        uint32_t end = j;
        while (end < y_count && y[end].hash == x[i].hash) end++;
        for (; i < x_count && x[i].hash == y[j].hash; i++)
            for (uint32_t k = j; k < end; k++) common[(size_t)x[i].path * b_count + y[k].path]++;
        j = end;
    }
    free(x);
    free(y);
    return common;
}

// How many values two paths would have in common if they had nothing to do with each other: of
// integers that fill a range, many.
static double expected_common(const pl_shape_values *old, const pl_shape_values *new, double prior)
{
    double pairs = (double)old->pair_count * new->pair_count;
    bool integers = !old->fractions && !new->fractions && !isnan(old->min) && !isnan(new->min);
    if (integers) prior = log2(PL_MAX(old->max, new->max) - PL_MIN(old->min, new->min) + 1);
    return pairs * exp2(-prior);
}

static uint32_t find_trials(const pl_drift_work *work, trial trials[TRIALS])
{
    const pl_shape *old = work->before.shape, *new = work->after.shape;
    uint32_t a[KEYS_MAX], b[KEYS_MAX], count = 0;
    uint32_t a_count = unique_paths(old, a), b_count = unique_paths(new, b);
    uint32_t *common = common_values(old, a, a_count, new, b, b_count);
    for (uint32_t i = 0; i < a_count; i++)
        for (uint32_t j = 0; j < b_count; j++) {
            uint32_t values = common[(size_t)i * b_count + j];
            if (!values) continue;
            const pl_shape_values *of = old->paths[a[i]].values;
            uint32_t others = new->paths[b[j]].values->pair_count;
            double prior = pl_drift_prior_bits(&of->pairs[0].value, of);
            double each = PL_MIN(PL_MAX(prior - log2(others), 0), ROOM);
            trial made = {a[i], b[j], values * each, false};
            if (work->before.same[a[i]] == b[j])
                made.bits *= 1.5;
            else
                made.chance = values < 3 + 2 * expected_common(of, new->paths[b[j]].values, prior);
            if (made.bits < work->options->bits_min) continue;
            uint32_t at = PL_MIN(count, (uint32_t)TRIALS - 1);
            if (count == TRIALS && trials[at].bits >= made.bits) continue;
            count = PL_MIN(count + 1, (uint32_t)TRIALS);
            for (; at && trials[at - 1].bits < made.bits; at--) trials[at] = trials[at - 1];
            trials[at] = made;
        }
    free(common);
    return count;
}

void pl_drift_align(pl_drift_work *work)
{
    uint32_t shared;
    double given = judge(work, NULL, NULL, 0, &shared);
    trial best = {PL_SHAPE_NONE, PL_SHAPE_NONE, given, false};
    // Entities that agree this well need no search for others.
    if (given < 5 * work->options->bits_min || shared < 20) {
        trial trials[TRIALS];
        uint32_t count = find_trials(work, trials);
        for (uint32_t i = 0; i < count; i++) {
            double others = judge(work, &trials[i], trials, count, &shared);
            double bits = trials[i].bits + others;
            bool enough = (trials[i].chance ? others : bits) >= work->options->bits_min;
            bool better = given < work->options->bits_min || given < 0.5 * bits;
            if (!enough || !better || bits <= best.bits) continue;
            best = trials[i];
            best.bits = bits;
        }
    }
    key_all(&work->before, best.before, work->arena);
    key_all(&work->after, best.after, work->arena);
    const pl_shape *new = work->after.shape;
    for (uint32_t d = 0; d < PL_DRIFT_DEPTHS; d++) work->witness[d] = PL_SHAPE_NONE;
    for (uint32_t q = 0; q < new->count; q++) {
        uint32_t *most = &work->witness[PL_MIN(pl_drift_arrays(new, q), (uint32_t)DEPTH_MAX)];
        if (*most == PL_SHAPE_NONE ||
            work->after.columns[q].count > work->after.columns[*most].count)
            *most = q;
    }
    work->before_key = best.before;
    work->after_key = best.after;
}
