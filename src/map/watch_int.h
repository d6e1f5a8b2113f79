// watch_int.h -- what the files of a watch share.
//
// watch.c counts records by their patterns and chooses those that are sampled; watch_walk.c goes
// through what the scanner skipped whole, to count it or to take its values.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_MAP_WATCH_INT_H
#define PL_MAP_WATCH_INT_H

#include "map/watch.h"

// What is counted of a path: its kinds, keys that had no room, and whatever nobody asks for.
enum { OVERFLOWN = PL_SHAPE_KINDS, NOTHING, COUNTERS };

// What is known of a path of the shape beside the shape: where the next value may be.
typedef struct trail {
    uint32_t first, next, items; // the key that began it, that followed it, its elements' path
    uint32_t stamp;              // the object it was met in last
    uint32_t last_value;         // of those taken, not yet looked at
    bool elsewhere;              // it has a slot, which is counted
    bool walked;                 // the scanner went into it: only what it left to the rest counts
} trail;

// A pattern of kinds that records had. Of most records nothing else counts but how many elements
// their texts have.
typedef struct look {
    uint64_t times;      // records since the last reckoning
    uint16_t *pattern;   // [pattern_count]
    uint32_t *holders;   // slots: those with texts, then those with other arrays and with objects
    uint32_t texts, all; // how many of them
    uint32_t unsaid;     // behind those: of `walked`, which may be there with nothing in them
    uint32_t opened;     // objects the scanner went into, as the values in them say
} look;

// A pattern has one place here; the next that belongs there takes it over, once the times of the
// one before are reckoned.
enum { LOOK_BITS = 6, LOOKS = 1 << LOOK_BITS };

// An object the scanner goes into and takes nothing of as a whole.
typedef struct walked {
    uint32_t node, path;
    uint64_t times; // it was there and the pattern did not say so
} walked;

typedef struct found {
    uint32_t path, counter, times;
} found;

// A scalar of a sampled record. Many of one path are looked at together: what is known of a path
// lies far from that of the next, and is out of the cache by the next record.
typedef struct taken {
    uint32_t path, before; // of the same path
    uint32_t at, bytes;    // in the text taken
    uint64_t entity;
} taken;

enum { TAKEN_MAX = 2048, TAKEN_BYTES = 256 * 1024, HELD_BYTES = 16 * 1024 };

typedef struct kept_record {
    size_t bytes;
    uint64_t entity;
    uint32_t window;
} kept_record;

struct pl_watch {
    const pl_scanner *scanner;
    pl_watch_task *task;
    const pl_watch_key *keys;
    uint32_t key_count;
    uint32_t key_slot; // of the only one; else one behind all, which is absent
    pl_shape seen;
    look looks[LOOKS];
    uint16_t *patterns;     // theirs
    uint16_t *pattern;      // of this record: by slot its kind, true and false alike, and has_items
    uint32_t pattern_count; // in whole blocks of slots
    walked *walked;
    uint32_t walked_count;
    uint32_t *marks; // of the scanner's wanted nodes: the last pattern that says they were there
    uint32_t mark;
    uint32_t *path_at; // by slot; PL_SHAPE_NONE: none
    uint64_t *items;   // by slot: elements of its texts
    uint32_t *of_node; // path of each node of the scanner, once it was met
    uint32_t node_room;
    uint64_t (*counts)[COUNTERS]; // per path
    trail *trails;                // per path
    uint32_t path_room;
    uint32_t stamp; // of objects walked here
    found *found;   // in what was walked of the record
    uint32_t found_count, found_room;
    bool repeated; // a key in one object
    bool full;     // a path had no room
    // Sampling.
    bool few;        // records, as far as is known
    bool sampling;   // values are taken, not counted
    uint64_t entity; // they are about
    taken *taken;    // [TAKEN_MAX]
    uint32_t taken_count;
    pl_buf taken_text;
    pl_span held;   // the record that is sampled, if its text was taken as a whole
    size_t held_at; // there
    uint32_t window;
    pl_buf records_text; // kept
    kept_record *kept;
    uint32_t kept_count, kept_room;
    pl_buf unescaped;
    pl_arena scratch;
};

// Room for what the shape has now.
void pl_watch__grow(pl_watch *watch);
// The path of a node, which the scanner may have learned just now; of the elements of arrays at a
// path. PL_SHAPE_NONE: no room, or no path above.
uint32_t pl_watch__path(pl_watch *watch, uint32_t node);
uint32_t pl_watch__items(pl_watch *watch, uint32_t path);

// The record as a tree, until the next one; NULL: it is none.
pl_json *pl_watch__tree(pl_watch *watch, pl_span record);

// Through an array or object in a slot, and through what has none: found are kinds, or, while
// sampling, values are taken.
void pl_watch__slot(pl_watch *watch, uint32_t slot);
void pl_watch__rest(pl_watch *watch);

// Scalars of `record` follow. Its text is taken at once, unless there is too much of it: copies of
// a few bytes each take half as many instructions again.
void pl_watch__hold(pl_watch *watch, pl_span record);
// A scalar as JSON, to be looked at together with others of its path.
void pl_watch__take(pl_watch *watch, uint32_t path, pl_span raw);
void pl_watch__look(pl_watch *watch); // at all that were taken

#endif
