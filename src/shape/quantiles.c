// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <math.h>

#include "shape/shape_int.h"

// Bounds of neighbouring buckets differ by this factor, so that the middle of one is within
// PL_QUANTILE_ERROR of every value in it.
#define GAMMA ((1 + PL_QUANTILE_ERROR) / (1 - PL_QUANTILE_ERROR))

// Where the bucket of `index` is, or belongs.
static uint32_t place_of(const pl_quantiles *self, int32_t index)
{
    uint32_t low = 0, high = self->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (self->buckets[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Buckets too far below the largest are one with the least that is kept. What the bound is follows
// from the largest alone, so any order of values and of merges leaves the same buckets.
static void clip(pl_quantiles *self)
{
    if (!self->count) return;
    int32_t least = self->buckets[self->count - 1].index - (int32_t)PL_QUANTILE_BUCKETS + 1;
    uint32_t below = place_of(self, least + 1); // the least itself among them
    if (below == 0 || self->buckets[0].index >= least) return;
    struct pl_bucket kept = {.index = least};
    for (uint32_t i = 0; i < below; i++) {
        kept.positive += self->buckets[i].positive;
        kept.negative += self->buckets[i].negative;
    }
    self->buckets[0] = kept;
    memmove(self->buckets + 1, self->buckets + below,
            (self->count - below) * sizeof *self->buckets);
    self->count -= below - 1;
}

static void bucket_add(pl_quantiles *self, struct pl_bucket more)
{
    if (self->count)
        more.index = PL_MAX(more.index, self->buckets[self->count - 1].index -
                                            (int32_t)PL_QUANTILE_BUCKETS + 1);
    uint32_t at = place_of(self, more.index);
    if (at < self->count && self->buckets[at].index == more.index) {
        self->buckets[at].positive += more.positive;
        self->buckets[at].negative += more.negative;
        return;
    }
    PL_GROW(self->buckets, self->count, self->capacity);
    memmove(self->buckets + at + 1, self->buckets + at, (self->count - at) * sizeof more);
    self->buckets[at] = more;
    self->count++;
    if (at + 1 == self->count) clip(self);
}

void pl_quantiles__add(pl_quantiles *self, double value)
{
    if (value == 0) {
        self->zero++;
        return;
    }
    struct pl_bucket one = {.index = (int32_t)ceil(log(fabs(value)) / log(GAMMA))};
    one.positive = value > 0;
    one.negative = value < 0;
    bucket_add(self, one);
}

void pl_quantiles__merge(pl_quantiles *into, const pl_quantiles *from)
{
    into->zero += from->zero;
    if (!into->count && from->count) {
        into->capacity = into->count = from->count;
        into->buckets = pl_realloc(into->buckets, from->count * sizeof *into->buckets);
        memcpy(into->buckets, from->buckets, from->count * sizeof *into->buckets);
        return;
    }
    for (uint32_t i = from->count; i-- > 0;) bucket_add(into, from->buckets[i]);
}

// The number whose relative distance to both bounds of the bucket is the same.
static double middle_of(const struct pl_bucket *bucket)
{
    return fmin(exp(bucket->index * log(GAMMA) + log(2 / (GAMMA + 1))), DBL_MAX);
}

double pl_quantiles_at(const pl_quantiles *self, double q)
{
    uint64_t negative = 0, positive = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        negative += self->buckets[i].negative;
        positive += self->buckets[i].positive;
    }
    uint64_t n = negative + self->zero + positive, passed = 0;
    if (!n) return NAN;
    double rank = q * (double)(n - 1);
    for (uint32_t i = self->count; i-- > 0;) {
        passed += self->buckets[i].negative;
        if ((double)passed > rank) return -middle_of(&self->buckets[i]);
    }
    passed += self->zero;
    if ((double)passed > rank) return 0;
    for (uint32_t i = 0; i < self->count; i++) {
        passed += self->buckets[i].positive;
        if ((double)passed > rank) return middle_of(&self->buckets[i]);
    }
    return positive ? middle_of(&self->buckets[self->count - 1]) : 0; // n beyond 2^53
}
