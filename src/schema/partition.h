// partition.h -- partition fields: transforms of a column's value, and the Hive path they make.
//
// Transforms and their results follow the Iceberg specification ("Partition Transforms"); NULL
// stays NULL. `year`, `month` and `hour` count from 1970, `day` is a date.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SCHEMA_PARTITION_H
#define PL_SCHEMA_PARTITION_H

#include "base/limits.h"
#include "schema/schema.h"

typedef enum pl_transform_kind {
    PL_IDENTITY,
    PL_BUCKET,   // parameter: number of buckets
    PL_TRUNCATE, // parameter: width
    PL_YEAR,
    PL_MONTH,
    PL_DAY,
    PL_HOUR,
    PL_VOID,
} pl_transform_kind;

typedef struct pl_transform {
    pl_transform_kind kind;
    int32_t parameter;
} pl_transform;

typedef struct pl_partition_field {
    int32_t id;        // 1000..; 0 until assigned
    int32_t source_id; // field id of the source column; 0 until assigned
    pl_span source;    // name of the source column
    pl_span name;      // "platform", "published_at_day", "user_id_bucket"
    pl_transform transform;
} pl_partition_field;

typedef struct pl_partition_spec {
    int32_t id;
    uint32_t count; // 0: unpartitioned
    pl_partition_field *fields;
} pl_partition_spec;

// Kind of the transform's result on a source of type `type`; false if the pair is not allowed.
bool pl_transform_result(const pl_transform *transform, const pl_type *type, pl_kind *ret_kind);

// Apply to one value (of type `type`). Text results borrow from `value`.
pl_value pl_transform_apply(const pl_transform *transform, const pl_type *type,
                            const pl_value *value);

// "identity", "bucket[16]", "truncate[10]", "day", ... as Iceberg writes them.
void pl_transform_text(pl_buf *out, const pl_transform *transform);
bool pl_transform_parse(pl_span text, pl_transform *ret_transform); // the same words

// Append "platform=tiktok/year=2026/month=11/day=22" for one file's values: one path element per
// field, values percent-encoded (everything but A-Z a-z 0-9 - _ . ~ is %XX of its UTF-8), NULL as
// __HIVE_DEFAULT_PARTITION__, an empty text as nothing ("platform=", which every reader keeps). An
// element of more than 255 bytes is cut and ends in "~" and a hash: the value is in the metadata.
// day(x) writes year=, month=, day= (zero-padded); hour adds hour=; month: year=, month=; when two
// time fields exist, elements are prefixed with the column's name. Nothing for an empty spec.
// `schema` has the fields' sources by name: a decimal's text needs its scale.
void pl_partition_path(pl_buf *out, const pl_partition_spec *spec, const pl_schema *schema,
                       const pl_value *values);

// "platform, day(published_at), bucket(16, user_id)": as a contract writes them.
void pl_partition_field_text(pl_buf *out, const pl_partition_field *field);
void pl_partition_spec_text(pl_buf *out, const pl_partition_spec *spec);

// Readable form of one partition value: "2026-11-22" for day, "2026-11" month, "2026-11-22T05"
// hour.
void pl_partition_value_text(pl_buf *out, const pl_partition_field *field, const pl_value *value);

#endif
