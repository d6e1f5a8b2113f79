// sort.h -- the order a table's rows are written in: Iceberg's sort order, identity fields only.
//
// NULLs stand where Iceberg puts them by default: first when ascending, last when descending. NaN
// is above every number, -0.0 below +0.0, text goes by its bytes.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SCHEMA_SORT_H
#define PL_SCHEMA_SORT_H

#include "base/base.h"

#define PL_SORT_FIELDS_MAX 8

typedef struct pl_sort_field {
    int32_t source_id; // field id of the column; 0 until assigned
    pl_span source;    // its name
    bool descending;
    bool nulls_last;
} pl_sort_field;

typedef struct pl_sort_order {
    int32_t id;
    uint32_t count; // 0: unsorted
    pl_sort_field *fields;
} pl_sort_order;

#endif
