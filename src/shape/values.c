// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "shape/shape_int.h"

#define FRESH_MAX (PL_SHAPE_PAIRS / 2) // pairs put in order at once

pl_shape_values *pl_shape__values_new(void)
{
    pl_shape_values *values = pl_zalloc(1, sizeof *values);
    values->min = values->max = NAN;
    values->text_min = UINT32_MAX;
    return values;
}

void pl_shape__values_free(pl_shape_values *values)
{
    if (!values) return;
    free(values->quantiles.buckets);
    free(values->distinct.hashes);
    free(values->distinct.registers);
    free(values->pairs);
    free(values);
}

// ---- samples ------------------------------------------------------------------------------------

static inline bool is_inside(char c) // a character
{
    return ((uint8_t)c & 0xC0) == 0x80;
}

// The bytes of `raw` that are kept: whole characters, whole escapes.
static size_t cut(pl_span raw)
{
    if (raw.bytes <= PL_SHAPE_TEXT_MAX) return raw.bytes;
    size_t at = PL_SHAPE_TEXT_MAX;
    if (!memchr(raw.data, '\\', at)) { // as in most: it need not be read from the start
        while (at && is_inside(raw.data[at])) at--;
        return at;
    }
    for (at = 0;;) {
        size_t next = at + 1;
        if (raw.data[at] == '\\') next = raw.data[at + 1] == 'u' ? at + 6 : at + 2;
        while (next < raw.bytes && is_inside(raw.data[next])) next++;
        if (next > PL_SHAPE_TEXT_MAX) return at;
        at = next;
    }
}

// Order: by hash, then by bytes.
static int sample_compare(const pl_shape_values *values, uint32_t at, pl_span text, uint64_t hash)
{
    uint64_t other = values->sample_hashes[at];
    if (hash != other) return hash < other ? -1 : 1;
    return pl_span_compare(text, pl_span_of(values->samples[at]));
}

static void sample_keep(pl_shape_values *values, pl_span text, uint64_t hash)
{
    uint32_t at = values->sample_count;
    while (at > 0) {
        int order = sample_compare(values, at - 1, text, hash);
        if (order == 0) return;
        if (order > 0) break;
        at--;
    }
    if (at == PL_SHAPE_SAMPLES) return;
    if (values->sample_count < PL_SHAPE_SAMPLES) values->sample_count++;
    uint32_t behind = values->sample_count - at - 1;
    memmove(values->samples[at + 1], values->samples[at], behind * sizeof values->samples[0]);
    memmove(values->sample_hashes + at + 1, values->sample_hashes + at,
            behind * sizeof values->sample_hashes[0]);
    memcpy(values->samples[at], text.data, text.bytes);
    values->samples[at][text.bytes] = '\0';
    values->sample_hashes[at] = hash;
}

void pl_shape__sample_add(pl_shape_values *values, pl_span text)
{
    text.bytes = cut(text);
    uint64_t hash = pl_hash(text);
    bool full = values->sample_count == PL_SHAPE_SAMPLES; // soon
    if (full && hash > values->sample_hashes[PL_SHAPE_SAMPLES - 1]) return;
    sample_keep(values, text, hash);
}

// ---- pairs --------------------------------------------------------------------------------------

// Which value an entity keeps.
static bool better(const pl_shape_scalar *a, const pl_shape_scalar *b)
{
    if (isnan(a->number) != isnan(b->number)) return isnan(b->number);
    if (!isnan(a->number) && a->number != b->number) return a->number > b->number;
    if (a->hash != b->hash) return a->hash > b->hash;
    if (a->class != b->class) return a->class > b->class;
    return a->kind > b->kind;
}

// In order of their entities, into `out`. Those are hashes, so that one pass puts nearly each where
// it belongs, and insertion is left with little: a tenth of what qsort takes.
static void order_pairs(pl_pair *out, const pl_pair *pairs, uint32_t count)
{
    enum { BUCKET_BITS = 9, FEW = 32 };
    uint32_t ends[(1 << BUCKET_BITS) + 1];
    uint64_t most = 1;
    for (uint32_t i = 0; i < count; i++) most = PL_MAX(most, pairs[i].entity);
    int bits = 64 - __builtin_clzll(most), shift = PL_MAX(bits - BUCKET_BITS, 0);
    if (count <= FEW) {
        memcpy(out, pairs, count * sizeof *out);
    } else {
        memset(ends, 0, sizeof ends);
        for (uint32_t i = 0; i < count; i++) ends[(pairs[i].entity >> shift) + 1]++;
        for (uint32_t i = 1; i <= 1 << BUCKET_BITS; i++) ends[i] += ends[i - 1];
        for (uint32_t i = 0; i < count; i++) out[ends[pairs[i].entity >> shift]++] = pairs[i];
    }
    for (uint32_t i = 1; i < count; i++) {
        if (out[i - 1].entity <= out[i].entity) continue;
        pl_pair pair = out[i];
        uint32_t at = i;
        for (; at > 0 && out[at - 1].entity > pair.entity; at--) out[at] = out[at - 1];
        out[at] = pair;
    }
}

// Of ordered pairs one of each entity. Returns how many.
static uint32_t unite(pl_pair *pairs, uint32_t count)
{
    uint32_t kept = count ? 1 : 0;
    for (uint32_t i = 1; i < count; i++) {
        if (pairs[kept - 1].entity != pairs[i].entity)
            pairs[kept++] = pairs[i];
        else if (better(&pairs[i].value, &pairs[kept - 1].value))
            pairs[kept - 1].value = pairs[i].value;
    }
    return kept;
}

// Merge ordered pairs with the ordered ones, each with one of each entity; the PL_SHAPE_PAIRS
// first.
static void merge_pairs(pl_shape_values *values, const pl_pair *more, uint32_t more_count)
{
    uint32_t ordered = values->pair_count, all = ordered + more_count, count = 0, i = 0, j = 0;
    const pl_pair *mine = values->pairs;
    pl_pair *out = pl_alloc(all * sizeof *out);
    while (i < ordered && j < more_count && count < PL_SHAPE_PAIRS) {
        uint64_t a = mine[i].entity, b = more[j].entity;
        bool theirs = b < a || (b == a && better(&more[j].value, &mine[i].value));
        out[count++] = theirs ? more[j] : mine[i];
        i += a <= b;
        j += b <= a;
    }
    while (i < ordered && count < PL_SHAPE_PAIRS) out[count++] = mine[i++];
    while (j < more_count && count < PL_SHAPE_PAIRS) out[count++] = more[j++];
    free(values->pairs);
    values->pairs = out;
    values->pair_capacity = all;
    values->pair_count = count;
    values->pair_fresh = 0;
}

void pl_shape__pairs_settle(pl_shape_values *values, uint64_t entity_max)
{
    if (values->pair_fresh) {
        pl_pair *fresh = pl_alloc(values->pair_fresh * sizeof *fresh);
        order_pairs(fresh, values->pairs + values->pair_count, values->pair_fresh);
        uint32_t count = unite(fresh, values->pair_fresh); // less than PL_SHAPE_PAIRS
        if (values->pair_count) {
            merge_pairs(values, fresh, count);
            free(fresh);
        } else {
            free(values->pairs);
            values->pairs = fresh;
            values->pair_capacity = values->pair_fresh;
            values->pair_count = count;
            values->pair_fresh = 0;
        }
    }
    while (values->pair_count && values->pairs[values->pair_count - 1].entity > entity_max)
        values->pair_count--;
}

int64_t pl_shape__pair_add(pl_shape_values *values, const pl_pair *pair)
{
    uint32_t ordered = values->pair_count, all = ordered + values->pair_fresh;
    if (ordered == PL_SHAPE_PAIRS && pair->entity > values->pairs[ordered - 1].entity) return 0;
    PL_GROW(values->pairs, all, values->pair_capacity);
    values->pairs[all] = *pair;
    if (++values->pair_fresh < FRESH_MAX) return 1;
    pl_shape__pairs_settle(values, UINT64_MAX);
    return (int64_t)values->pair_count - all;
}

static uint64_t settle_all(pl_shape *shape)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        pl_shape_values *values = shape->paths[i].values;
        if (!values) continue;
        pl_shape__pairs_settle(values, shape->entity_max);
        total += values->pair_count;
    }
    return total;
}

// Halved until it fits: whatever the order of merges, the result is the largest that does.
void pl_shape__fit(pl_shape *shape)
{
    while ((shape->pair_total = settle_all(shape)) > PL_SHAPE_PAIRS_ALL) shape->entity_max /= 2;
}

void pl_shape_settle(pl_shape *shape)
{
    pl_shape__fit(shape);
}

// ---- values -------------------------------------------------------------------------------------

static void add_number(pl_shape_values *values, const pl_shape_scalar *scalar)
{
    double x = scalar->number;
    if (isnan(x)) return;
    if (!(x >= values->min)) values->min = x; // NaN: there was none
    if (!(x <= values->max)) values->max = x;
    pl_quantiles__add(&values->quantiles, x);
    values->fractions += scalar->class == PL_CLASS_NUMBER && x != trunc(x);
}

void pl_shape__values_add(pl_shape_values *values, const pl_shape_scalar *scalar, pl_span raw,
                          size_t text_bytes)
{
    values->count++;
    values->classes[scalar->class]++;
    add_number(values, scalar);
    if (scalar->kind == PL_SHAPE_STRING) {
        uint32_t bytes = (uint32_t)PL_MIN(text_bytes, (size_t)UINT32_MAX - 1);
        values->text_min = PL_MIN(values->text_min, bytes);
        values->text_max = PL_MAX(values->text_max, bytes);
    }
    pl_distinct__add(&values->distinct, scalar->hash);
    pl_shape__sample_add(values, raw);
}

static void *copy(const void *from, size_t count, size_t room, size_t bytes)
{
    if (!count) return NULL;
    void *to = pl_alloc(room * bytes);
    memcpy(to, from, count * bytes);
    return to;
}

// What a window, or a baseline, begins with.
static void take_over(pl_shape_values *into, const pl_shape_values *from)
{
    const pl_distinct *distinct = &from->distinct;
    uint32_t room = 8; // as pl_distinct__add grows
    while (room < distinct->count) room *= 2;
    *into = *from;
    into->quantiles.buckets = copy(from->quantiles.buckets, from->quantiles.count,
                                   from->quantiles.count, sizeof *from->quantiles.buckets);
    into->quantiles.capacity = from->quantiles.count;
    into->distinct.hashes = copy(distinct->hashes, distinct->count, room, sizeof *distinct->hashes);
    if (distinct->registers)
        into->distinct.registers = copy(distinct->registers, (size_t)1 << PL_DISTINCT_BITS,
                                        (size_t)1 << PL_DISTINCT_BITS, 1);
    into->pairs = copy(from->pairs, from->pair_count, from->pair_count, sizeof *from->pairs);
    into->pair_capacity = from->pair_count;
}

void pl_shape__values_merge(pl_shape_values *into, const pl_shape_values *from)
{
    bool empty = !into->count && !into->pairs && !into->sample_count && !into->quantiles.buckets &&
                 !into->distinct.hashes && !into->distinct.registers;
    if (empty) {
        take_over(into, from);
        return;
    }
    into->count += from->count;
    for (int i = 0; i < PL_CLASSES; i++) into->classes[i] += from->classes[i];
    into->min = fmin(into->min, from->min);
    into->max = fmax(into->max, from->max);
    into->text_min = PL_MIN(into->text_min, from->text_min);
    into->text_max = PL_MAX(into->text_max, from->text_max);
    into->fractions += from->fractions;
    pl_quantiles__merge(&into->quantiles, &from->quantiles);
    pl_distinct__merge(&into->distinct, &from->distinct);
    if (from->pair_count) { // both are settled
        pl_shape__pairs_settle(into, UINT64_MAX);
        merge_pairs(into, from->pairs, from->pair_count);
    }
    for (uint32_t i = 0; i < from->sample_count; i++)
        pl_shape__sample_add(into, pl_span_of(from->samples[i]));
}
