// footer_int.h -- a file's footer, read and checked: nothing in it contradicts the file or itself.
//
// What is checked: the columns are laid out as leaf_int.h says; every row group has one chunk per
// column, of that column; the chunks lie one behind the other between the magic and the footer, in
// the footer's order, and a group's bloom filters behind its chunks; sizes, counts and rows add up.
// What the pages hold is checked when they are read.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_FOOTER_INT_H
#define PL_PARQUET_FOOTER_INT_H

#include "base/arena.h"
#include "parquet/leaf_int.h"
#include "schema/sort.h"

typedef struct pl_footer_chunk {
    uint64_t offset, bytes, bytes_raw; // pages with their headers, in the file and before packing
    uint64_t data_offset;              // first data page; == offset without a dictionary
    int64_t slots;
    bool has_dictionary;
    int codec;
    uint64_t bloom; // its bloom filter; 0: none
    uint32_t bloom_bytes;
} pl_footer_chunk;

typedef struct pl_footer_group {
    uint32_t rows;
    pl_footer_chunk *chunks; // one per field
    pl_sort_order sort;      // of its rows; sources by id and name
} pl_footer_group;

typedef struct pl_footer {
    pl_schema schema;      // the file's; text columns are strings
    const pl_leaf *leaves; // one per field
    pl_footer_group *groups;
    uint32_t group_count;
    uint64_t rows;
} pl_footer;

// A refusal; of a page it names group and column, of the footer as far as it got.
typedef struct pl_fault {
    const char *reason; // static text; NULL: none
    uint64_t at;        // byte of the file
    int64_t group;      // -1: none
    pl_span column;     // "": none
} pl_fault;

// Read the Thrift bytes that stand at `at` in the file. Memory is in `arena`, names are borrowed
// from `bytes`. False: *ret_fault says why.
bool pl_footer__read(pl_span bytes, uint64_t at, pl_arena *arena, pl_footer *ret_footer,
                     pl_fault *ret_fault);

#endif
