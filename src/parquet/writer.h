// writer.h -- one Parquet file from column batches: row groups, footer, and metrics for Iceberg.
//
// The file is what every reader of an Iceberg table understands: data page v1, Snappy or zstd,
// PLAIN or RLE_DICTIONARY, RLE levels, three-level lists, field ids on columns and list elements,
// logical and converted types, exact statistics, page index. Pages start on row boundaries and
// have at most 20,000 rows, as parquet-mr's do, so that the page index has something to skip. Every
// page has a checksum (CRC-32) in its header.
//
// Format: parquet-format, parquet.thrift, and what README.md, Encodings.md, Compression.md,
// PageIndex.md and BloomFilter.md say of it.
//
//     "PAR1"
//     row group 0:  chunk of column 0:  [dictionary page] data page, data page, ...
//                   chunk of column 1:  ...
//                   bloom filters of its columns, where asked for and worth it
//     row group 1:  ...
//     column indexes, offset indexes: of every data page its bounds, its place, its first row
//     footer (Thrift), its size as 4 bytes, "PAR1"
//
// With `options.compact` integers and times are DELTA_BINARY_PACKED and texts
// DELTA_LENGTH_BYTE_ARRAY where that is smaller than a dictionary (a page without a value is PLAIN:
// some readers know no empty differences), and a chunk of which the codec takes less than
// PL_PARQUET_GAIN_MIN percent is not compressed.
//
// A column chunk is either wholly dictionary-encoded or not at all. The rows of a group are all
// at hand, so its dictionary is built first and dropped when it outgrows its bound or would make
// the chunk larger (a column of unique values): no useless dictionary page stays in the file.
//
// Column chunks carry min and max of their values: text up to 64 bytes exactly, longer text cut by
// code point and marked inexact; NaN does not count; zero is -0.0 as min and +0.0 as max. The
// metrics carry the same for the whole file as Iceberg single values, text cut to 16 code points;
// list elements have counts but no bounds.
//
// Memory: one page, one dictionary, one chunk's levels and one group's bloom filters, kept from
// group to group, or from file to file with `options.memory`; and about 300 bytes per column chunk
// and 200 per page for the footer. A row group is written out when its last column is.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_WRITER_H
#define PL_PARQUET_WRITER_H

#include "column/column.h"
#include "column/metrics.h"
#include "schema/sort.h"
#include "store/store.h"

#define PL_PARQUET_GAIN_MIN 12

typedef enum pl_parquet_codec {
    PL_PARQUET_SNAPPY,
    PL_PARQUET_ZSTD,
} pl_parquet_codec;

// Buffers that writers of one thread use one after the other, a row group at a time: else every
// file of a few megabytes touches as much new memory again (5 % of a run).
typedef struct pl_parquet_memory pl_parquet_memory; // opaque
pl_parquet_memory *pl_parquet_memory_new(void);
void pl_parquet_memory_free(pl_parquet_memory *memory); // NULL is a no-op

typedef struct pl_parquet_options {
    pl_parquet_codec codec;
    bool compact;                  // delta encodings, and no codec where it gains little
    pl_parquet_memory *memory;     // outlives the writer; NULL: it has its own
    const pl_sort_order *sort;     // of the rows of every group, as its caller has them; or NULL
    const int32_t *bloom_ids;      // columns to make bloom filters of: int, long or text
    uint32_t bloom_count;          //   that repeat less than sort and dictionary can tell
    uint32_t page_rows;            // a data page has at most so many; 0 = 20,000
    uint32_t page_bytes;           // a data page is cut at the row that passes this; 0 = 1 MiB
    uint32_t dictionary_bytes_max; // PLAIN bytes of a chunk's dictionary; 0 = 1 MiB
} pl_parquet_options;

typedef struct pl_parquet_writer pl_parquet_writer; // opaque

// Begin a file of `schema`: every field and list element has its id. `schema` and what `options`
// points at must outlive the writer. `put` is borrowed and has no bytes yet: bytes go there, the
// caller finishes or aborts it afterwards. `options` may be NULL.
PL_MUST_USE plumb_status pl_parquet_open(const pl_schema *schema, const pl_parquet_options *options,
                                         pl_put *put, pl_parquet_writer **ret_writer,
                                         plumb_error *err);

// One row group: columns[i] belongs to schema->fields[i], all with the same count > 0. Text is
// valid UTF-8 and a required column has no NULL (the caller's duty). Fails only as pl_put_write
// does; after a failure the file is lost and only pl_parquet_close may follow.
PL_MUST_USE plumb_status pl_parquet_write_group(pl_parquet_writer *writer, const pl_column *columns,
                                                plumb_error *err);

// The same column by column: begin, then every column in the schema's order.
void pl_parquet_begin_group(pl_parquet_writer *writer, uint32_t rows);
PL_MUST_USE plumb_status pl_parquet_write_column(pl_parquet_writer *writer, const pl_column *column,
                                                 plumb_error *err);

// Write the footer. No group at all is a valid, empty file. The metrics' memory is in `arena`.
PL_MUST_USE plumb_status pl_parquet_finish(pl_parquet_writer *writer, pl_arena *arena,
                                           pl_file_metrics *ret_metrics, plumb_error *err);

void pl_parquet_close(pl_parquet_writer *writer); // frees; NULL is a no-op

#endif
