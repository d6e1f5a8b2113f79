// chunk_read_int.h -- one column chunk back into a column: pages, levels, dictionary.
//
// Nothing the pages say is believed before it is checked, and no memory is taken that the bytes
// at hand, or the room the caller gives, do not warrant.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_CHUNK_READ_INT_H
#define PL_PARQUET_CHUNK_READ_INT_H

#include "parquet/footer_int.h"

// Memory that chunks use one after the other. Zero-initialise.
typedef struct pl_chunk_scratch {
    pl_buf page;          // one page, expanded
    pl_buf rep, def;      // a byte per slot of a page
    pl_buf indices;       // uint32_t
    pl_column dictionary; // its entries, in the type that is asked for
} pl_chunk_scratch;
void pl_chunk_scratch__done(pl_chunk_scratch *scratch);

// Append the chunk's `rows` rows to `column`, empty, of a type the leaf's field may be promoted to.
// `bytes` are the whole chunk. `*room` is what may still be taken for rows; it shrinks.
// False: *ret_fault has the reason and the byte of the file.
bool pl_chunk__read(pl_span bytes, const pl_leaf *leaf, const pl_footer_chunk *chunk, uint32_t rows,
                    size_t *room, pl_chunk_scratch *scratch, pl_column *column,
                    pl_fault *ret_fault);

#endif
