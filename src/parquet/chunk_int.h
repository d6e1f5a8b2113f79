// chunk_int.h -- one column chunk: levels, dictionary, pages, statistics.
//
//     data page body:  [size, repetition levels]  lists only
//                      [size, definition levels]  not for required columns
//                      values: PLAIN, delta, or the index width in a byte and the indices
//
// A list's levels say where rows and lists begin and end (Dremel). For `optional list`, element
// optional, as all of ours are, with one level of nesting:
//
//     NULL        []          [NULL]      [a, b]
//     rep 0       rep 0       rep 0       rep 0, 1
//     def 0       def 1       def 2       def 3, 3
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_CHUNK_INT_H
#define PL_PARQUET_CHUNK_INT_H

#include "codec/snappy.h"
#include "codec/zstd_block.h"
#include "parquet/bloom_int.h"
#include "parquet/dictionary_int.h"
#include "parquet/page_index_int.h"
#include "parquet/writer.h"

// Where bytes go.
typedef struct pl_sink {
    pl_put *put;     // borrowed
    uint64_t offset; // of the next byte in the file
} pl_sink;

plumb_status pl_sink__write(pl_sink *sink, pl_span bytes, plumb_error *err);

// What the footer says about a chunk.
typedef struct pl_chunk {
    uint64_t offset;      // of its first page: the dictionary's, if it has one
    uint64_t data_offset; // of its first data page
    uint64_t bytes;       // in the file, page headers included
    uint64_t bytes_raw;   // before compression, page headers included
    uint32_t data_pages;
    uint32_t empty_pages; // of them, PLAIN whatever `encoding` is
    int32_t encoding;     // of data pages
    int32_t codec;        // CompressionCodec
    bool has_dictionary;
    int64_t slots; // level pairs: values, NULLs and empty lists
    int64_t nulls; // slots without a value
    pl_statistic statistic;
    const pl_page *pages;                // [data_pages] in the writer's arena
    uint64_t column_index, offset_index; // where they stand in the file; 0: not there
    uint32_t column_index_bytes, offset_index_bytes;
    uint64_t bloom; // its filter's place; 0: none
    uint32_t bloom_bytes;
} pl_chunk;

// Memory that chunks use one after the other. Zero-initialise.
typedef struct pl_scratch {
    pl_dictionary dictionary;
    pl_buf rep, def; // a byte per slot; lists only
    pl_buf page;     // one page before compression
    pl_buf packed;   // its header and compressed bytes
    pl_buf head;
    pl_buf integers;          // of a page in delta encoding
    pl_buf filter;            // one bloom filter
    pl_buf blooms;            // the open group's as they go out; the writer empties it
    pl_snappy_packer *snappy; // NULL until it is needed, as the next
    pl_zstd_packer *zstd;
    pl_page *pages; // owned
    uint32_t page_count, page_room;
} pl_scratch;
void pl_scratch__done(pl_scratch *scratch);

// Write one chunk; its bloom filter, if it has one, is left at the end of `scratch->blooms`.
// `options` has no zeros. `ret_range` borrows from `column`.
PL_MUST_USE plumb_status pl_chunk__write(pl_sink *sink, pl_scratch *scratch, const pl_leaf *leaf,
                                         const pl_parquet_options *options, const pl_column *column,
                                         pl_arena *arena, pl_chunk *ret_chunk, pl_range *ret_range,
                                         plumb_error *err);

// The chunk as the footer's ColumnChunk, an element of an open list.
void pl_chunk__footer(pl_thrift *t, const pl_leaf *leaf, const pl_chunk *chunk);

#endif
