// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "codec/xxh64.h"
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

// The bytes of `raw` that are kept: whole characters, whole escapes.
static size_t cut(pl_span raw)
{
    if (raw.bytes <= PL_SHAPE_TEXT_MAX) return raw.bytes;
    size_t at = 0;
    for (;;) {
        size_t next = at + 1;
        if (raw.data[at] == '\\') next = raw.data[at + 1] == 'u' ? at + 6 : at + 2;
        while (next < raw.bytes && ((uint8_t)raw.data[next] & 0xC0) == 0x80) next++;
        if (next > PL_SHAPE_TEXT_MAX) return at;
        at = next;
    }
}

// Order: by hash, then by bytes.
static int sample_compare(pl_span a, uint64_t a_hash, const char *b)
{
    pl_span text = pl_span_of(b);
    uint64_t b_hash = pl_xxh64(text);
    if (a_hash != b_hash) return a_hash < b_hash ? -1 : 1;
    return pl_span_compare(a, text);
}

void pl_shape__sample_add(pl_shape_values *values, pl_span text)
{
    text.bytes = cut(text);
    uint64_t hash = pl_xxh64(text);
    uint32_t at = values->sample_count;
    while (at > 0) {
        int order = sample_compare(text, hash, values->samples[at - 1]);
        if (order == 0) return;
        if (order > 0) break;
        at--;
    }
    if (at == PL_SHAPE_SAMPLES) return;
    if (values->sample_count < PL_SHAPE_SAMPLES) values->sample_count++;
    memmove(values->samples[at + 1], values->samples[at],
            (values->sample_count - at - 1) * sizeof values->samples[0]);
    memcpy(values->samples[at], text.data, text.bytes);
    values->samples[at][text.bytes] = '\0';
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

static int by_entity(const void *a, const void *b)
{
    const pl_pair *x = a, *y = b;
    return (x->entity > y->entity) - (x->entity < y->entity);
}

void pl_shape__pairs_settle(pl_shape_values *values, uint64_t entity_max)
{
    if (values->pair_fresh) {
        uint32_t ordered = values->pair_count, all = ordered + values->pair_fresh, count = 0;
        qsort(values->pairs + ordered, values->pair_fresh, sizeof *values->pairs, by_entity);
        pl_pair *out = pl_alloc(all * sizeof *out);
        for (uint32_t i = 0, j = ordered; i < ordered || j < all;) {
            bool first =
                j == all || (i < ordered && values->pairs[i].entity <= values->pairs[j].entity);
            const pl_pair *pair = &values->pairs[first ? i++ : j++];
            if (count && out[count - 1].entity == pair->entity) {
                if (better(&pair->value, &out[count - 1].value)) out[count - 1].value = pair->value;
            } else {
                out[count++] = *pair;
            }
        }
        free(values->pairs);
        values->pairs = out;
        values->pair_capacity = all;
        values->pair_count = PL_MIN(count, PL_SHAPE_PAIRS);
        values->pair_fresh = 0;
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
    values->min = fmin(values->min, x); // of a NaN and a number the number
    values->max = fmax(values->max, x);
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

void pl_shape__values_merge(pl_shape_values *into, const pl_shape_values *from)
{
    into->count += from->count;
    for (int i = 0; i < PL_CLASSES; i++) into->classes[i] += from->classes[i];
    into->min = fmin(into->min, from->min);
    into->max = fmax(into->max, from->max);
    into->text_min = PL_MIN(into->text_min, from->text_min);
    into->text_max = PL_MAX(into->text_max, from->text_max);
    into->fractions += from->fractions;
    pl_quantiles__merge(&into->quantiles, &from->quantiles);
    pl_distinct__merge(&into->distinct, &from->distinct);
    for (uint32_t i = 0; i < from->pair_count + from->pair_fresh; i++)
        pl_shape__pair_add(into, &from->pairs[i]);
    for (uint32_t i = 0; i < from->sample_count; i++)
        pl_shape__sample_add(into, pl_span_of(from->samples[i]));
}
