// random.h -- a small seeded generator: the same seed gives the same samples on every machine.
//
// A generator is one 64-bit word (splitmix64), so a post, an account or a day can have its own,
// derived from what it is: nothing depends on the order in which things are made.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SAMPLES_RANDOM_H
#define PL_SAMPLES_RANDOM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct rng {
    uint64_t state;
} rng;

static inline uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t rng_next(rng *r)
{
    return rng_mix(r->state += 0x9e3779b97f4a7c15u);
}

// A generator of its own for the thing that a, b and c name.
static inline rng rng_for(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
    return (rng){rng_mix(rng_mix(rng_mix(seed + 1) ^ (a + 1)) ^ (b << 20)) ^ rng_mix(c + 3)};
}

// Evenly in [0, n). The bias of n / 2^32 does not matter here.
static inline uint32_t rng_below(rng *r, uint32_t n)
{
    return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

// Evenly in [0, 1).
static inline double rng_unit(rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

static inline bool rng_chance(rng *r, double odds)
{
    return rng_unit(r) < odds;
}

// Around 0 with deviation 1: the sum of twelve even numbers, near enough to normal.
static inline double rng_normal(rng *r)
{
    double sum = -6;
    for (int i = 0; i < 6; i++) {
        uint64_t word = rng_next(r);
        sum += (double)(uint32_t)word * 0x1p-32 + (double)(word >> 32) * 0x1p-32;
    }
    return sum;
}

// Log-normal: half of all values are below `median`; sigma 1 spreads them over two magnitudes.
static inline double rng_lognormal(rng *r, double median, double sigma)
{
    return median * exp(sigma * rng_normal(r));
}

// A rank in [1, n], rank k with a weight of 1/k (Zipf).
static inline uint32_t rng_zipf(rng *r, uint32_t n)
{
    return (uint32_t)exp(rng_unit(r) * log((double)n + 1));
}

#endif
