// range_int.h -- smallest and largest values: of a column chunk, and of the whole file.
//
// NULL and NaN do not count. A zero is -0.0 as smallest and +0.0 as largest, because the two are
// equal to a reader and both may be in the data.
//
// A long text is cut: the lower bound to a prefix, the upper bound to a prefix whose last code
// point is then raised by one (past the surrogates; U+10FFFF is dropped and the one before it
// raised instead), so that it stays above every text with that prefix, and both stay UTF-8.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_RANGE_INT_H
#define PL_PARQUET_RANGE_INT_H

#include "base/arena.h"
#include "column/column.h"
#include "column/metrics.h"

typedef struct pl_range {
    bool has;          // false: no value that counts
    pl_value min, max; // text is borrowed from the column
    int64_t nans;
} pl_range;

// Of the rows of `column` that are not NULL.
pl_range pl_range__scan(const pl_column *column);
// Of these rows of it, none of them NULL. Counts the NaNs among them, not in the column.
pl_range pl_range__scan_rows(const pl_column *column, const uint32_t *rows, uint32_t count);

enum {
    PL_BOUND_POINTS = 16, // code points of an Iceberg text bound
    // One code point more tells a text of 16 from a longer one; each has at most 4 bytes.
    PL_BOUND_BYTES = 4 * (PL_BOUND_POINTS + 1),
};

// The range of a leaf over all row groups; text is held inside, as far as bounds need it.
typedef struct pl_bounds {
    bool has;
    pl_value min, max;
    char min_text[PL_BOUND_BYTES], max_text[PL_BOUND_BYTES];
} pl_bounds;

// `bounds` must not move afterwards: min and max point into it.
void pl_bounds__merge(pl_bounds *bounds, const pl_range *range);
// Fill lower and upper of `ret` with Iceberg single values in `arena`.
void pl_bounds__write(const pl_bounds *bounds, pl_arena *arena, pl_leaf_metrics *ret);

// Bytes of the first `points` code points of `text`. Never more than 4 * points.
size_t pl_text__points(pl_span text, uint32_t points);
// Bytes of the longest prefix of whole code points that fits `bytes_max`.
size_t pl_text__cut(pl_span text, size_t bytes_max);
// Raise text[0..*bytes) to the next text that is no longer in code points and above everything
// that starts with it. False: there is none. The room must be a byte larger than *bytes.
bool pl_text__raise(char *text, size_t *bytes);

#endif
