// ulid.h -- identifiers that sort by time: 26 characters, 48 bits of milliseconds, 80 random bits.
//
// Crockford's base 32 in upper case (no I, L, O, U), most significant first, so that text order is
// time order. One generator gives strictly rising ids, also when the clock stands still or goes
// back: the random part of the previous one is then counted up. The seed comes from the caller
// (from the system's entropy; fixed in tests).
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_ULID_H
#define PL_BASE_ULID_H

#include "base/base.h"

#define PL_ULID_TEXT 27 // 26 characters and a NUL

typedef struct pl_ulids {
    uint64_t seed[4]; // xoshiro256** state
    uint64_t ms;      // of the last id
    uint64_t high;    // its upper 16 random bits
    uint64_t low;     // its lower 64
} pl_ulids;

pl_ulids pl_ulids_make(const uint8_t entropy[32]);
// The next id for the time `now_us` (since 1970; before is taken as 1970).
void pl_ulid_next(pl_ulids *ulids, int64_t now_us, char out[PL_ULID_TEXT]);

bool pl_ulid_valid(pl_span text);
int64_t pl_ulid_micros(pl_span text); // the time in a valid id

#endif
