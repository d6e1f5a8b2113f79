// copy.h -- rows of live data files into new ones, as they are: without those of some raw objects,
// or many small files of a partition as one.
//
//     pl_copy_look    which objects have how many rows in a file
//     pl_copy_files   files of one partition -> one new file there, in the table's sort order
//
// Every value goes through as it is, system columns too; what the table gained since a file was
// written is NULL, what it promoted is promoted (parquet/reader.h). The new file is named, packed
// and laid out as those of a task (flow/parts.h), and nobody refers to it yet. It is sorted as a
// whole, however its parts were.
//
// The rows' order is found first, from the columns to sort by alone; then row groups are made
// column by column. Parts that follow one another are read once; a row group that needs rows of
// many reads them all, one column of one at a time.
//
// Memory: 40 bytes a row and the columns to sort by, one column of a row group twice and of a part
// once; of that, what is written, out of the quota.
//
// Threads: any; options may be shared.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_COPY_H
#define PL_FLOW_COPY_H

#include "base/map.h"
#include "flow/parts.h"

#define PL_COPY_ROWS_MAX (1u << 30) // of one call

// So many more rows of `object`, borrowed; the same one may come again.
typedef void (*pl_copy_visit)(void *context, pl_span object, uint64_t rows);
// PLUMB_E_MALFORMED: damaged, or not plumb's.
PL_MUST_USE plumb_status pl_copy_look(pl_store *store, const char *key, const pl_schema *schema,
                                      pl_copy_visit visit, void *context, plumb_error *err);

typedef struct pl_copy_job {
    const char *const *keys; // of the files, in which order equal rows stay
    uint32_t key_count;
    const pl_value *partition; // all of them are of it
    const pl_map *without;     // rows of these objects stay behind; NULL: none
} pl_copy_job;

typedef struct pl_copied {
    bool made; // false: no row is left, and there is no file
    pl_part_file file;
    uint64_t rows_read, rows_left_out;
} pl_copied;

// Of `options` mapper, spill_key, memory_bytes and open_files_max are not looked at. The file's
// memory is in `arena`.
PL_MUST_USE plumb_status pl_copy_files(const pl_parts_options *options, const pl_copy_job *job,
                                       pl_arena *arena, pl_copied *ret_copied, plumb_error *err);

#endif
