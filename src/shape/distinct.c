// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "shape/shape_int.h"

#define REGISTERS (1u << PL_DISTINCT_BITS)

// Ids are sampled by their hashes, the smallest of them: what decides there must not decide here
// again, or the ids of a source would all be in a few registers. (The finalizer of MurmurHash3.)
static uint64_t mixed(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * UINT64_C(0xFF51AFD7ED558CCD);
    hash = (hash ^ hash >> 33) * UINT64_C(0xC4CEB9FE1A85EC53);
    return hash ^ hash >> 33;
}

static void to_register(pl_distinct *self, uint64_t hash)
{
    hash = mixed(hash);
    uint8_t *most = &self->registers[hash >> (64 - PL_DISTINCT_BITS)];
    uint64_t rest = hash << PL_DISTINCT_BITS | (REGISTERS >> 1); // the bit ends the run of zeros
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    *most = PL_MAX(*most, rank);
}

static void to_registers(pl_distinct *self)
{
    if (self->registers) return;
    self->registers = pl_zalloc(REGISTERS, 1);
    for (uint32_t i = 0; i < self->count; i++) to_register(self, self->hashes[i]);
    free(self->hashes);
    self->hashes = NULL;
    self->count = 0;
}

void pl_distinct__add(pl_distinct *self, uint64_t hash)
{
    if (self->registers) {
        to_register(self, hash);
        return;
    }
    uint32_t low = 0, high = self->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (self->hashes[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < self->count && self->hashes[low] == hash) return;
    if (self->count == PL_DISTINCT_EXACT) {
        to_registers(self);
        to_register(self, hash);
        return;
    }
    // Room for 8, 16, ... 256: a power of two is full.
    if (self->count == 0 || (self->count >= 8 && (self->count & (self->count - 1)) == 0))
        self->hashes = pl_realloc(self->hashes, PL_MAX(self->count * 2, 8u) * sizeof *self->hashes);
    memmove(self->hashes + low + 1, self->hashes + low, (self->count - low) * sizeof *self->hashes);
    self->hashes[low] = hash;
    self->count++;
}

void pl_distinct__merge(pl_distinct *into, const pl_distinct *from)
{
    for (uint32_t i = 0; i < from->count; i++) pl_distinct__add(into, from->hashes[i]);
    if (!from->registers) return;
    to_registers(into);
    for (uint32_t i = 0; i < REGISTERS; i++)
        into->registers[i] = PL_MAX(into->registers[i], from->registers[i]);
}

double pl_distinct_count(const pl_distinct *self)
{
    if (!self->registers) return self->count;
    double sum = 0;
    uint32_t empty = 0;
    for (uint32_t i = 0; i < REGISTERS; i++) {
        sum += ldexp(1, -self->registers[i]);
        empty += self->registers[i] == 0;
    }
    const double m = REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
    double estimate = alpha * m * m / sum;
    // Few values: how many registers stay empty says it better.
    return estimate <= 2.5 * m && empty ? m * log(m / empty) : estimate;
}
