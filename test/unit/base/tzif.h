// tzif.h -- TZif files to test with, written as RFC 9636 lays them out.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_TZIF_H
#define PL_TEST_TZIF_H

#include "base/buf.h"

typedef struct tzif {
    const int64_t *changes; // UTC seconds
    const char *which;      // the local time from each change on: an index into offsets
    uint32_t count;
    const int32_t *offsets;
    uint32_t types;
    uint32_t leaps;
    const char *rule;
} tzif;

static inline void tzif_put(pl_buf *out, int64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) pl_buf_char(out, (char)((uint64_t)value >> 8 * i));
}

static inline void tzif_block(pl_buf *out, const tzif *zone, char version, int time_bytes)
{
    const uint32_t counts[] = {0, 0, zone->leaps, zone->count, zone->types, 4};
    pl_buf_text(out, "TZif");
    pl_buf_char(out, version);
    tzif_put(out, 0, 8), tzif_put(out, 0, 7);
    for (size_t i = 0; i < PL_COUNT(counts); i++) tzif_put(out, counts[i], 4);
    for (uint32_t i = 0; i < zone->count; i++) tzif_put(out, zone->changes[i], time_bytes);
    for (uint32_t i = 0; i < zone->count; i++) pl_buf_char(out, zone->which[i]);
    for (uint32_t i = 0; i < zone->types; i++)
        tzif_put(out, zone->offsets[i], 4), tzif_put(out, 0, 2);
    pl_buf_append(out, "ABC", 4);
    for (uint32_t i = 0; i < zone->leaps; i++) tzif_put(out, 0, time_bytes), tzif_put(out, 0, 4);
}

// Version 0: one block; '2' and later: one without changes, then one of 64 bits and the rule.
static inline void tzif_write(pl_buf *out, const tzif *zone, char version)
{
    static const int32_t utc[] = {0};
    static const tzif none = {.offsets = utc, .types = 1};
    tzif_block(out, version ? &none : zone, version, 4);
    if (!version) return;
    tzif_block(out, zone, version, 8);
    pl_buf_printf(out, "\n%s\n", zone->rule);
}

// Berlin up to 1916, and the rule since.
static const int64_t tzif_changes[] = {-2422054408, -1693706400, -1680483600};
static const int32_t tzif_offsets[] = {3208, 3600, 7200};
static const tzif tzif_berlin = {tzif_changes, "\1\2\1", 3, tzif_offsets, 3, 0, "CET-1"};

#endif
