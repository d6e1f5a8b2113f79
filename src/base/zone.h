// zone.h -- time zones: which instant a local time names.
//
// A zone is either a fixed offset, {.seconds = 3600}, or read from a TZif file (RFC 9636, every
// version): a list of changes, and behind the last of them a rule for every year to come. A local
// time may name no instant (clocks were put forward over it) or two (clocks were put back); neither
// is guessed at.
//
// Refused: files that count leap seconds, since UTC microseconds cannot; offsets of 26 hours or
// more.
//
// Threads: any; a zone is immutable.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_ZONE_H
#define PL_BASE_ZONE_H

#include "base/arena.h"

// When in a year clocks change: seconds after the start of a day, by the clock before the change.
typedef struct pl_zone_day {
    char form;                // 'M', 'J' or 'D'
    int32_t month, week, day; // M: weekday (0 = Sunday) of a week, 5 the last; J: day of the year
                              // without 29 February, from 1; D: day of the year, from 0
    int32_t seconds;
} pl_zone_day;

typedef struct pl_zone {
    const char *name; // NULL: a fixed offset
    int32_t seconds;  // offset before the first change, east of UTC
    uint32_t count;
    const int64_t *changes; // UTC seconds since 1970, ascending
    const int32_t *offsets; // from that change on
    bool has_rule;          // from the last change on, or always if there is none
    bool has_summer;
    int32_t standard, summer; // offsets of the rule; summer lasts from `begin` to `end`
    pl_zone_day begin, end;
    const char *skipped, *twice; // why a local time is none, naming the zone
} pl_zone;

// Read a TZif file. NULL on success, else what is wrong with it: text that completes "<file> ...".
const char *pl_zone_read(const char *name, pl_span tzif, pl_arena *arena, pl_zone *ret_zone);

// The instant of a local time, both in seconds since 1970-01-01T00:00, years -1 to 10000. NULL on
// success, else why not: "is skipped by the clock change in Europe/Berlin", "happens twice in ...";
// it lives as long as the zone.
const char *pl_zone_utc(const pl_zone *zone, int64_t local, int64_t *ret_utc);

// What clocks show is `utc` + this.
int32_t pl_zone_offset(const pl_zone *zone, int64_t utc);

#endif
