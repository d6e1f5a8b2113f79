// facts.h -- what the footer of a Parquet file says, whoever wrote it: to compare with what others
// say about the file.
//
// Unlike reader.h this takes any file of the format: every physical type and nesting, missing
// statistics, missing ids. Nothing is checked but that the Thrift can be read and that it describes
// as many chunks as there are leaf columns.
//
// Format: parquet-format, parquet.thrift: FileMetaData, SchemaElement, RowGroup, ColumnMetaData,
// Statistics, SortingColumn.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_FACTS_H
#define PL_PARQUET_FACTS_H

#include "base/arena.h"

// A leaf column, in the schema's order.
typedef struct pl_parquet_leaf {
    pl_span name;     // of the leaf alone: "element" in a list
    int32_t field_id; // -1: none
    int32_t physical; // Type
    bool top;         // not in a group: a column of the table itself
} pl_parquet_leaf;

typedef struct pl_parquet_chunk {
    int64_t offset; // of its first page
    int64_t values;
    int64_t nulls;         // -1: not said
    bool has_min, has_max; // exact ones, of the order all readers know
    pl_span min, max;      // PLAIN, text without its size
} pl_parquet_chunk;

typedef struct pl_parquet_sorted {
    int32_t leaf;
    bool descending, nulls_first;
} pl_parquet_sorted;

typedef struct pl_parquet_group {
    int64_t rows;
    pl_parquet_chunk *chunks; // one per leaf
    pl_parquet_sorted *sorted;
    uint32_t sorted_count;
} pl_parquet_group;

typedef struct pl_parquet_facts {
    int64_t rows;
    pl_span created_by; // "" if not said
    pl_parquet_leaf *leaves;
    pl_parquet_group *groups;
    uint32_t leaf_count, group_count;
} pl_parquet_facts;

// Read a footer, the bytes between its place and its size. Spans are borrowed from it, the rest is
// in `arena`. NULL, or why it cannot be read.
const char *pl_parquet_facts_read(pl_span footer, pl_arena *arena, pl_parquet_facts *ret_facts);

#endif
