// reader.h -- a Parquet file that plumb wrote, back as column batches: for copying rows.
//
// Read is what parquet/writer.h writes and nothing else: data page v1; Snappy, zstd or no
// compression; PLAIN, RLE_DICTIONARY, and the delta encodings in the block size plumb has; RLE
// levels, three-level lists; the sort order and the bloom filters of a group. Files of other
// programs are for the SQL engine.
//
// Columns are found by field id. What the table's schema has and the file does not is NULL; what
// the file was written with before a promotion (int -> long, float -> double, a decimal's digits)
// comes out in the type asked for.
//
// The bytes may be anything: cut short, flipped, made to hurt. What does not add up is refused,
// with file, row group, column and byte; checksums of pages are verified. Text is not checked to
// be UTF-8.
//
//     cannot read Parquet file 'tables/t/data/x.parquet': row group 2, column 'views', byte 8013:
//     a page's checksum is wrong
//
// Memory: a column chunk as it is in the file, one page expanded, one dictionary; and the rows, of
// which no chunk that plumb wrote has more than PL_PARQUET_COLUMN_BYTES_MAX.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_READER_H
#define PL_PARQUET_READER_H

#include "column/column.h"
#include "schema/sort.h"
#include "store/store.h"

#define PL_PARQUET_COLUMN_BYTES_MAX (1u << 30) // of one chunk's rows in memory, roughly

typedef struct pl_parquet_reader pl_parquet_reader; // opaque

// Open a file and check its footer. `store` and `schema`, the columns to read, must outlive the
// reader. PLUMB_E_MALFORMED: not a file plumb wrote, or damaged; also if a column has a type that
// cannot be promoted to the schema's, or a required one is missing.
PL_MUST_USE plumb_status pl_parquet_reader_open(pl_store *store, const char *key,
                                                const pl_schema *schema,
                                                pl_parquet_reader **ret_reader, plumb_error *err);
void pl_parquet_reader_close(pl_parquet_reader *reader); // NULL is a no-op

uint64_t pl_parquet_reader_rows(const pl_parquet_reader *reader);
uint32_t pl_parquet_reader_groups(const pl_parquet_reader *reader);

uint32_t pl_parquet_group_rows(const pl_parquet_reader *reader, uint32_t group);
// The order the group's rows say they are in. Borrowed; column ids and names are the file's.
const pl_sort_order *pl_parquet_group_sort(const pl_parquet_reader *reader, uint32_t group);

// Ask a group's bloom filter for a value of schema->fields[field], of that kind and not NULL:
// *ret_may false says no row has it. True may mean anything, also that there is no filter, which
// *ret_asked (may be NULL) tells.
PL_MUST_USE plumb_status pl_parquet_may_hold(pl_parquet_reader *reader, uint32_t group,
                                             uint32_t field, const pl_value *value, bool *ret_may,
                                             bool *ret_asked, plumb_error *err);

// Rows of one group, schema->fields[field] of them: `column` has that type and is reset first.
// After a failure it may only be reset or freed.
PL_MUST_USE plumb_status pl_parquet_read_column(pl_parquet_reader *reader, uint32_t group,
                                                uint32_t field, pl_column *column,
                                                plumb_error *err);
// The same for all columns: columns[i] is of schema->fields[i].
PL_MUST_USE plumb_status pl_parquet_read_group(pl_parquet_reader *reader, uint32_t group,
                                               pl_column *columns, plumb_error *err);

#endif
