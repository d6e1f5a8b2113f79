// page_index_int.h -- where the pages of a chunk are and what values they hold, for readers that
// skip pages: OffsetIndex and ColumnIndex, between the last row group and the footer.
//
// A page of NULLs has empty bounds. A chunk has no ColumnIndex when a page has values but no
// bounds (NaNs alone, a text that has no upper bound): readers could not tell it from NULLs.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_PAGE_INDEX_INT_H
#define PL_PARQUET_PAGE_INDEX_INT_H

#include "parquet/leaf_int.h"
#include "parquet/range_int.h"

enum { PL_STATISTIC_BYTES = 64 }; // longer text is cut

// A range as the footer and the index carry it.
typedef struct pl_statistic {
    bool has; // readers take min and max only together
    bool min_exact, max_exact;
    pl_value min, max; // text in the arena given
} pl_statistic;

pl_statistic pl_statistic__make(const pl_leaf *leaf, const pl_range *range, pl_arena *arena);

// A data page. `row` is its first row, in its row group.
typedef struct pl_page {
    uint64_t offset;
    uint32_t bytes; // header included
    uint32_t row;
    int64_t values, nulls;
    pl_statistic statistic;
} pl_page;

// The rows [first, end) of a column, as a range of their own. No lists.
pl_range pl_page__range(const pl_leaf *leaf, const pl_column *column, uint32_t first, uint32_t end);

// Append the index structs of a chunk's `count` pages. False: there is no ColumnIndex.
bool pl_page_index__columns(pl_buf *out, const pl_leaf *leaf, const pl_page *pages, uint32_t count);
void pl_page_index__offsets(pl_buf *out, const pl_page *pages, uint32_t count);

#endif
