// metrics.h -- what a finished data file says about itself: the writer fills it, Iceberg's
// manifests carry it.
//
// One entry per leaf column (a list contributes its element). Bounds are Iceberg single values,
// already truncated to 16 code points (string) as the specification says; they exclude NULL and
// NaN, and are absent for lists and for leaves without any other value.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_COLUMN_METRICS_H
#define PL_COLUMN_METRICS_H

#include "base/base.h"

typedef struct pl_leaf_metrics {
    int32_t field_id;
    int64_t compressed_bytes; // column chunks in the file, page headers included
    int64_t values;           // NULLs included
    int64_t nulls;
    int64_t nans; // -1: not a floating type
    bool has_lower, has_upper;
    pl_span lower, upper; // in the arena given to the writer's finish
} pl_leaf_metrics;

typedef struct pl_file_metrics {
    uint64_t bytes; // of the file, exact
    uint64_t rows;
    uint32_t leaf_count;
    pl_leaf_metrics *leaves;
    uint32_t split_count;
    int64_t *splits; // offset of the first page of each row group, ascending
} pl_file_metrics;

#endif
