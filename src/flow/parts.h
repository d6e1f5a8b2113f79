// parts.h -- rows to partitions to row groups to data files: the writing half of a task.
//
// Each worker has a pl_parts of its own, so a partition's rows may be with all of them. Once all
// rows are there (pl_parts_flush), what was not written goes to one pl_leftover, where the same
// partition's small rests come together, and the workers write it, one partition after another:
//
//     worker 1: pl_parts_row ... pl_parts_flush ─┐              ┌─ pl_leftover_write (worker 1)
//     worker 2: pl_parts_row ... pl_parts_flush ─┴─ pl_leftover_new ┴─ pl_leftover_write (worker 2)
//
// The mapper's batch of rows is sorted by partition, and kept as bytes in blocks of their partition
// (flow/runs.h, flow/slabs.h) until a row group is due:
// when PL_GROUP_ROWS or PL_GROUP_BYTES have come twice over, the first half is written, and at the
// end the rest. So every row group has PL_GROUP_ROWS_MIN rows or all that a worker has of its
// partition; but rows of which PL_GROUP_BYTES are fewer than that are written when so many bytes
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
// Limits: PL_GROUP_ROWS, the open files and the memory given.   Threads: one each; a rest: many.
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
#define PL_OPEN_FILES_MAX   40                  // being written, by all workers of a run
#define PL_FILE_OBJECTS_MAX 64                  // ranges of objects remembered per file

typedef struct pl_parts_options {
    pl_store *store;               // borrowed
    pl_mapper *mapper;             // whose rows are taken; borrowed
    const pl_schema *schema;       // the table's, ids set; borrowed
    const pl_partition_spec *spec; // the table's, ids set; borrowed
    const pl_sort_order *sort;     // the same; NULL: rows stay in the order they come
    const int32_t *bloom_ids;      // columns to make bloom filters of; borrowed
    uint32_t bloom_count;
    bool zstd;                     // pages are packed by zstd, not Snappy
    bool compact;                  // delta encodings where they pay
    const char *data_prefix;       // "tables/post_metrics/data"
    const char *name_prefix;       // "<run>-<task>-<nonce>"
    _Atomic uint32_t *file_number; // the last one given; shared, as all below, by who names alike
    pl_batch *batch;               // finished files go there
    const char *spill_key;         // of the file for rows that memory has no room for
    size_t memory_bytes;           // for rows not yet written
    uint32_t open_files_max;
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

// `arena` holds the files; it must not be used by others meanwhile.
pl_parts *pl_parts_new(const pl_parts_options *options, pl_arena *arena);
// Take the mapper's current row; `object` is the ULID it came from (borrowed until free).
PL_MUST_USE plumb_status pl_parts_row(pl_parts *parts, pl_span object, plumb_error *err);
// There are no more rows.
PL_MUST_USE plumb_status pl_parts_flush(pl_parts *parts, plumb_error *err);

// What `count` workers have not written, which must outlive it. Small rests of a partition are put
// together: all that is not more than a worker's share.
typedef struct pl_leftover pl_leftover;
pl_leftover *pl_leftover_new(pl_parts **parts, uint32_t count);
void pl_leftover_free(pl_leftover *rest); // NULL is a no-op
bool pl_leftover_left(pl_leftover *rest); // is there anything to begin?
// Write of it until nothing is left to begin. `by` is the worker's, or any other like those.
PL_MUST_USE plumb_status pl_leftover_write(pl_leftover *rest, pl_parts *by, plumb_error *err);

// The files that were finished; durable once their batch is settled.
const pl_part_file *pl_parts_files(const pl_parts *parts, uint32_t *ret_count);
void pl_parts_free(pl_parts *parts); // files not finished are given up; NULL is a no-op

#endif
