// watch.h -- the shape of what a mapper maps, seen in the same pass.
//
//     pl_watch_new       for a mapper's scanner, with the key's paths
//     pl_watch_object    another raw object begins
//     pl_watch_record    right after the scanner took a record
//     pl_watch_around    a document, or an object inside, that held an array of records
//     pl_watch_seen      -> the shape of the object, as far as this mapper read it
//     pl_watch_few       in the end: the values of records that were few
//
// What the scanner has found out is only counted: a slot knows its path and the kind of its value,
// and so does an entry of the rest. Which kinds a record has in which slots is its pattern, and
// records of one source have few of them: each is counted as one, and told to the paths when the
// shape is asked for. Only arrays and objects that the scanner skipped whole are
// walked again; they are valid by then, and their keys mostly follow each other as they did in the
// last record, so that a key costs a comparison too.
//
// Records with repeated keys are rare: they take the way of pl_shape_record, which knows that the
// last one counts.
//
// Sampled are the entities that pl_shape_samples chooses; the text of other records is kept until
// it is known that they are too many for all of them to be sampled. A record that lacks its key is
// an entity of its own, so that whatever has the key's values now can be found by them.
//
// Documents around records are few, and are looked at as trees. Their values are of no entity;
// those of the first PL_WATCH_DOCUMENTS of a raw object are sampled, of later ones by the hash of
// the whole text.
//
// Threads: one, that of the mapper; `few` is shared by those of one task.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_MAP_WATCH_H
#define PL_MAP_WATCH_H

#include <stdatomic.h>

#include "shape/shape.h"
#include "json/framer.h"
#include "json/scanner.h"

typedef struct pl_watch pl_watch; // opaque

// One path of a key's column; a column may have several, of which the first that is there counts.
typedef struct pl_watch_key {
    uint32_t column, slot;
} pl_watch_key;

#define PL_WATCH_FEW_BYTES (16u * 1024 * 1024)

// Whether the records of a task are few: less than PL_SHAPE_SAMPLE_ALL of them, and those that are
// kept no more than PL_WATCH_FEW_BYTES. Zero-initialise it, or with the bytes that there are more
// than these.
typedef struct pl_watch_task {
    _Atomic uint64_t records, bytes;
} pl_watch_task;

// Scanner, its paths, `keys` (by column) and `task` are borrowed. No keys: nothing tells which
// records are about the same.
pl_watch *pl_watch_new(const pl_scanner *scanner, const pl_watch_key *keys, uint32_t key_count,
                       pl_watch_task *task);
void pl_watch_free(pl_watch *watch); // NULL is a no-op

// What was seen is forgotten. `window` is for pl_watch_few.
void pl_watch_object(pl_watch *watch, int64_t received_us, uint32_t window);

// The record the scanner scanned last, without what stands around it.
void pl_watch_record(pl_watch *watch, pl_span record);

// What stands around an array of records: `text` is the document without the array's items
// (framer.h: pl_envelope), or the object in array number `array` - 1 of the records path that holds
// the next one; `number` counts them in the raw object. `arrays`: keys to each of them.
#define PL_WATCH_DOCUMENTS 16u
void pl_watch_around(pl_watch *watch, const pl_framer_keys *arrays, uint32_t array, uint64_t number,
                     pl_span text);

// What was seen since pl_watch_object, settled, borrowed until the next record. It may be taken.
pl_shape *pl_watch_seen(pl_watch *watch);

// All records of the task were few: add the values of those of this window that are not sampled
// anyway. Not settled.
bool pl_watch_are_few(const pl_watch_task *task);
void pl_watch_few(pl_watch *watch, uint32_t window, pl_shape *into);

#endif
