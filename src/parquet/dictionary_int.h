// dictionary_int.h -- the distinct values of one column chunk, and each value's index among them.
//
// An open-addressing table of (key, mark). A key of 16 bytes is the value itself, whatever its
// type, so that almost nothing is compared where it is; of a longer text it is a hash, and the text
// is compared with the entry's. An entry is the first row that has the value: nothing is copied.
// Floats are told apart by their bits. Marks grow from chunk to chunk, so no table is cleared.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_DICTIONARY_INT_H
#define PL_PARQUET_DICTIONARY_INT_H

#include "parquet/leaf_int.h"

typedef struct pl_dictionary {
    struct pl_dictionary_slot *slots, *spare; // owned; a table grows, or is sampled, in `spare`
    uint32_t slot_count, slot_room, spare_room;
    uint32_t base;        // marks up to here are of earlier chunks
    uint32_t lasts[64];   // entries of the last chunk of a field: how large a table begins
    uint32_t count, room; // entries, in order of appearance
    uint32_t *rows;       // [count] first row with this value; owned
    uint32_t index_count, index_room;
    uint32_t *indices; // [index_count] entry of every value that is not NULL, in order; owned
    size_t bytes;      // of the entries in PLAIN form
    uint64_t steps;    // taken to look them up, beyond the first of each
} pl_dictionary;

// Whether a dictionary of at most `bytes_max` makes a chunk smaller that is `plain` bytes without
// one; if so it is in `d`.
// Memory is kept for the next call; start from a zero `d`.
bool pl_dictionary__build(pl_dictionary *d, const pl_leaf *leaf, const pl_column *column,
                          size_t bytes_max, size_t plain);
void pl_dictionary__done(pl_dictionary *d);

#endif
