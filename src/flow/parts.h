// parts.h -- rows to partitions to row groups to data files: the writing half of a task.
//
// The mapper's batch of rows is sorted by partition, and kept as bytes in blocks of their partition
// (flow/runs.h, flow/slabs.h) until a row group is due:
// when PL_GROUP_ROWS or PL_GROUP_BYTES have come twice over, the first half is written, and at the
// end the rest. So every row group has PL_GROUP_ROWS_MIN rows or all that its partition has in
// this task; but rows of which PL_GROUP_BYTES are fewer than that are written when so many bytes
// are there. When the rows of all partitions pass the memory given, the largest go to a file.
// What a group takes while it is written comes out of one quota for all tasks: a row group may be
// large where there are many threads, but then few are written at a time.
// The rows of a group are brought into the table's sort order, if it has one; a file is sorted as a
// whole when each of its groups begins where the one before it ends, or later.
// A data file is opened by its partition's first row group and finished at the end, or earlier
// when too many files are open: then the partition goes on in a next file. Finished files are
// synced by other threads while rows go on (store.h, pl_batch); an fsync that fails fails the task,
// and what it wrote is written again by the next run under other names.
//
//     tables/post_metrics/data/platform=tiktok/year=2026/month=11/day=22/
//         <run>-<task>-<nonce>-<n>.parquet
//
// Nobody refers to the files until a snapshot names them; the run in their names is what recovery
// deletes dead ones by.
//
// Limits: PL_GROUP_ROWS, PL_OPEN_FILES_MAX, the memory given.   Threads: one per task.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_PARTS_H
#define PL_FLOW_PARTS_H

#include <stdatomic.h>

#include "column/metrics.h"
#include "map/mapper.h"
#include "os/os.h"
#include "schema/partition.h"
#include "store/store.h"

#define PL_GROUP_ROWS       (128u * 1024)
#define PL_GROUP_ROWS_MIN   100000u
#define PL_GROUP_BYTES      (64u * 1024 * 1024) // less where the quota is small
#define PL_OPEN_FILES_MAX   20
#define PL_FILE_OBJECTS_MAX 64 // ranges of objects remembered per file

typedef struct pl_parts_options {
    pl_store *store;               // borrowed
    pl_mapper *mapper;             // whose rows are taken; borrowed
    const pl_schema *schema;       // the table's, ids set; borrowed
    const pl_partition_spec *spec; // the table's, ids set; borrowed
    const pl_sort_order *sort;     // the same; NULL: rows stay in the order they come
    const int32_t *bloom_ids;      // columns to make bloom filters of; borrowed
    uint32_t bloom_count;
    bool zstd;                 // pages are packed by zstd, not Snappy
    bool compact;              // delta encodings where they pay
    const char *data_prefix;   // "tables/post_metrics/data"
    const char *name_prefix;   // "<run>-<task>-<nonce>"
    size_t memory_bytes;       // for rows not yet written
    pl_quota *quota;           // of bytes, for the row groups being written; shared, borrowed
    const atomic_bool *cancel; // looked at per row group; may be NULL
} pl_parts_options;

typedef struct pl_part_file {
    pl_span uri;
    char *key;
    const pl_value *values; // partition values, one per spec field
    pl_file_metrics metrics;
    char *objects; // JSON: [["first ULID","last ULID"], ...]
    bool sorted;   // not only each row group but the whole file is in the sort order
} pl_part_file;

typedef struct pl_parts pl_parts; // opaque

// `arena` holds the files that finish returns; it must not be used by others meanwhile.
pl_parts *pl_parts_new(const pl_parts_options *options, pl_arena *arena);
// Take the mapper's current row; `object` is the ULID it came from (borrowed until free).
PL_MUST_USE plumb_status pl_parts_row(pl_parts *parts, pl_span object, plumb_error *err);
// Write what is left. Every file listed is durable.
PL_MUST_USE plumb_status pl_parts_finish(pl_parts *parts, pl_part_file **ret_files,
                                         uint32_t *ret_count, plumb_error *err);
void pl_parts_free(pl_parts *parts); // files not finished are given up; NULL is a no-op

#endif
