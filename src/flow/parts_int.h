// parts_int.h -- shared by parts.c, rows to partitions, routes.c, which row to which, and groups.c,
// partitions to files.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_PARTS_INT_H
#define PL_FLOW_PARTS_INT_H

#include "base/map.h"
#include "flow/parts.h"
#include "flow/runs.h"
#include "flow/slabs.h"
#include "parquet/writer.h"

// A batch stays in the cache from the mapper's writing to the runs' reading; the larger it is, the
// longer are the runs (twice 512 rows took 3 % less CPU, four times as many nothing more).
enum { BATCH_ROWS = 1024, BATCH_BYTES = 384 * 1024 };

typedef struct object_range {
    pl_span first, last;
} object_range;

typedef struct part {
    pl_span key; // serialised partition values
    pl_value *values;
    uint64_t *codes;  // of each value: its bits, or a hash of them
    uint64_t hash;    // of the codes
    pl_row_list rows; // not written yet
    // The file being written, if any.
    pl_put *put;
    pl_parquet_writer *writer;
    char *file_key;
    uint64_t touched;   // order of the last row group, to close the oldest
    const char *object; // the last row's
    object_range *ranges;
    uint32_t range_count, range_capacity;
    uint32_t batch_rows, batch_first; // its rows of the batch, in the order they are moved
    pl_column *last;                  // sorted tables: the file's last row, its sort columns; owned
    bool unsorted;                    // the file, although its row groups are sorted
} part;

// Rows of all partitions, until there are enough to be moved column by column.
typedef struct row_batch {
    uint32_t rows;              // kept by the mapper
    uint32_t part[BATCH_ROWS];  // index of each row's partition
    pl_span object[BATCH_ROWS]; // each row's
    uint32_t order[BATCH_ROWS]; // rows by partition
    uint32_t bytes[BATCH_ROWS]; // of each row in a run, at most
    uint64_t *codes;            // [spec fields][BATCH_ROWS]: of each row's partition values
    uint32_t *touched;          // partitions with rows here
    uint32_t touched_count;
} row_batch;

struct pl_parts {
    pl_parts_options options;
    pl_arena *arena;
    int *sources; // index in the schema of each spec field's source column
    part **parts;
    uint32_t count, capacity;
    uint32_t *slots; // hash table of the partitions: index + 1; owned
    uint32_t slot_count;
    pl_slabs slabs;     // where the rows of all partitions are
    size_t group_bytes; // that make a row group
    row_batch batch;
    // The row group being written. It is made of its runs column by column, so that only one is
    // there at a time, and in the cache.
    pl_run_head *runs; // owned
    uint32_t run_count, run_room;
    uint32_t *lent;   // per field: which of `group` it uses, that of the first field of its type
    pl_column *group; // the columns in use; memory is kept
    pl_column keys[PL_SORT_FIELDS_MAX];
    uint32_t *order; // its rows in the sort order; owned
    uint32_t order_room;
    pl_parquet_memory *memory;            // of the files' writers
    int sort_sources[PL_SORT_FIELDS_MAX]; // index in the schema of each sort field's column
    uint32_t open_files;
    uint64_t groups;
    pl_part_file *files;
    uint32_t file_count, file_capacity;
};

static inline uint32_t pl_parts__sort_count(const pl_parts *parts)
{
    return parts->options.sort ? parts->options.sort->count : 0;
}

// parts.c
pl_column *pl_parts__columns_new(const pl_schema *schema);
void pl_parts__columns_free(pl_column *columns, uint32_t count);

// routes.c
// To which partitions the rows of the batch go: its `part`, `touched` and their `batch_rows`.
void pl_parts__route(pl_parts *parts, const pl_column *columns);

// groups.c
void pl_parts__part_free(pl_parts *parts, part *p);
// A row of `p` came from `object`.
void pl_parts__add_object(part *p, pl_span object);
void pl_parts__add_range(part *p, object_range range);
// How many blocks make the row group that is due now; 0: none is.
uint32_t pl_parts__blocks_due(const pl_row_list *list, size_t group_bytes);
// A row group of the first `blocks` blocks.
plumb_status pl_parts__write_group(pl_parts *parts, part *p, uint32_t blocks, plumb_error *err);
plumb_status pl_parts__file_finish(pl_parts *parts, part *p, plumb_error *err);

#endif
