// scanner.h -- one JSON record in, the values of the wanted paths out, everything else as rest.
//
// The scanner validates the whole record (text.h is the grammar) and leaves values as spans of the
// input: numbers stay text, except that a short one is read while it is in the cache, and so are
// the elements of an array of plain strings. What no wanted path covers is listed as rest entries
// in document order, so that nothing is lost.
//
//     pl_paths_want(&paths, ...);            once per wanted path
//     pl_scanner_init(&scanner, &paths);
//     end = pl_scan_record(&scanner, text, at);   per record
//     scanner.slots[slot], scanner.rest[0..rest_count), scanner.duplicates
//
// Duplicate keys: the last wins, earlier values (and rest entries) of that key are forgotten, and
// `duplicates` counts them. Only keys of the record and of objects with wanted paths inside are
// looked at; what is skipped whole stays as it stands.
//
// Limits: PL_DEPTH_MAX, PL_KEY_BYTES_MAX, PL_ITEMS_MAX.   Threads: one scanner and its paths per
// thread.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_SCANNER_H
#define PL_JSON_SCANNER_H

#include "json/paths.h"
#include "json/text.h"

typedef enum __attribute__((packed)) pl_slot_kind {
    PL_SLOT_ABSENT = 0, // nothing else says anything
    PL_SLOT_NULL,
    PL_SLOT_FALSE,
    PL_SLOT_TRUE,
    PL_SLOT_INTEGER, // no fraction, no exponent
    PL_SLOT_NUMBER,
    PL_SLOT_STRING,
    PL_SLOT_ARRAY,
    PL_SLOT_OBJECT,
} pl_slot_kind;

typedef struct pl_slot {
    pl_slot_kind kind; // one byte
    bool has_items;    // array of strings without escapes: `items` are they
    bool escaped;      // string: has a backslash
    bool has_long;     // integer of at most 18 digits: `value` is it
    uint8_t fraction;  // number: `value` is it without its point, behind which are so many digits
    pl_span raw;       // the value as it stands in the record; string: without its quotes
    union {
        int64_t value;
        struct {
            uint32_t first, count; // in the scanner's items
        } items;
    };
} pl_slot;

// A member no wanted path covers: raw key with quotes and raw value.
typedef struct pl_rest_entry {
    uint32_t parent; // node of the object it is a member of
    uint32_t node;   // its own, PL_PATH_NONE if its key was not learned
    pl_span key, value;
} pl_rest_entry;

#define PL_SLOTS_BLOCK 8u // slots are in whole blocks, so that they can be looked at by these

#define PL_ITEMS_MAX 4096u // of a record; arrays past it are given as text alone

typedef struct pl_scanner {
    pl_paths *paths; // borrowed
    pl_slot *slots;  // [paths->slot_count], and up to PL_SLOTS_BLOCK - 1 absent ones; owned
    uint32_t *nodes; // [paths->slot_count], the paths of the slots; owned
    uint32_t slot_count;
    pl_span *items; // elements of arrays of strings, without their quotes; owned
    uint32_t item_count, item_capacity;
    pl_rest_entry *rest; // owned
    uint32_t rest_count, rest_capacity;
    uint64_t duplicates; // keys met again in one object, this record
    uint64_t stamp;      // object instances so far
    pl_buf key;          // scratch: an unescaped key
    pl_json_error error; // of the last record that failed
} pl_scanner;

void pl_scanner_init(pl_scanner *scanner, pl_paths *paths); // after all paths are wanted
void pl_scanner_done(pl_scanner *scanner);

// Scan the object that starts at text[at] == '{'. Returns the offset after it, or SIZE_MAX with
// scanner->error set (slots and rest are then meaningless).
size_t pl_scan_record(pl_scanner *scanner, pl_span text, size_t at);

// The kind of a value by its first byte, for values the scanner left as text.
pl_slot_kind pl_slot_kind_of(pl_span value);

// Append the entries as one JSON object; nothing if there are none.
void pl_rest_write(pl_buf *out, const pl_paths *paths, const pl_rest_entry *entries,
                   uint32_t count);

#endif
