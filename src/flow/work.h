// work.h -- one task: raw objects in, data files and a task result out. Nothing shared is touched.
//
// Data files are named <run>-<task>-<nonce>-<n>.parquet: the run, so that recovery finds those of a
// dead one; the nonce, so that two who do the same task do not meet.
//
// A task is a group of objects of one (source, table). Its result says, per object, what became of
// every record: rows, ranges of quarantine, or left out by `where`; and which data files hold the
// rows. Until publish commits, nobody refers to anything a task made.
//
// Three counters are kept apart so that they can disagree (invariant I2): records as the framer
// counted them, rows and rejects as the mapper decided, rows as the finished files say.
//
// A raw object that does not read now, or is not the one that landed, is *damaged*: the task is
// done once more without all that are, and they stay new. Trusted is an object that inflates
// without a wrong CRC-32 to the length that landed, between a head of its id and a trailer of its
// SHA-256. One that was already broken when it landed gives the records before the break; the rest
// is one quarantine range.
//
// A task of a retry takes only the records of an object that could not become rows before. It reads
// and frames all of it, so that they keep their numbers; if they turn out to stand elsewhere or to
// be another number, the object is left out as *recounted*.
//
// Workers: who begins a task leads it. Others who have no task left come to help (pl_crew_help) and
// read its objects with it, each one another or all the same one (flow/reading.h); every worker has
// its own mapper and its own partitions, until all is read and the rests come together
// (flow/parts.h). What a task gives does not depend on how many they were, but for its files.
//
// Threads: tasks share the plan, the quota and the crew.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_WORK_H
#define PL_FLOW_WORK_H

#include <stdatomic.h>

#include "flow/parts.h"
#include "shape/shape.h"
#include "json/framer.h"

// Records of an object that were quarantined, as the registry has them.
typedef struct pl_work_range {
    uint64_t record_first, record_count;
    uint64_t byte_first, byte_count;
} pl_work_range;

typedef struct pl_work_retry {
    char *run;                   // that made the object's rows and entries
    uint64_t records;            // of the object, as they were counted
    bool whole;                  // nothing of it is a row or filtered: all of it is mapped anew
    const pl_work_range *ranges; // else these, in order
    uint32_t range_count;
    uint32_t room; // for places that are listed one by one
} pl_work_retry;

// The reason of the entry that stands for all places beyond PL_QUARANTINE_MAX.
extern const char pl_work_other_ranges[];

typedef struct pl_work_object {
    pl_span id; // ULID
    char *key;  // store key
    pl_format format;
    int64_t received_us;
    int64_t stored_bytes;
    int64_t content_bytes; // -1 when broken
    bool broken;           // as it landed
    char *sha256;          // identity
    pl_work_retry *retry;  // NULL: all its records are taken
    char *replaces;        // run that made what is there of it; NULL: it is new
} pl_work_object;

// Progress: added to per chunk by every task, read by whoever prints.
typedef struct pl_work_progress {
    _Atomic uint64_t content_bytes, records;
} pl_work_progress;

// Those who work for one run: each one enters, leads one task after the other, and when there is
// none left helps the others until none is being done. Before beginning a task a worker helps with
// those that are begun: so one is done after the other, and memory holds the rows of one.
typedef struct pl_crew pl_crew;
pl_crew *pl_crew_new(void);
void pl_crew_free(pl_crew *crew); // NULL is a no-op
void pl_crew_enter(pl_crew *crew);
void pl_crew_begin(pl_crew *crew); // help where help is wanted; then the next task may begin
void pl_crew_end(pl_crew *crew);   // it is done
void pl_crew_help(pl_crew *crew);

typedef struct pl_work_task {
    const char *id; // "t3"
    pl_store *store;
    const char *run;       // ULID
    const char *table_key; // "tables/post_metrics"
    const pl_map_plan *plan;
    const pl_contract *contract;
    const pl_schema *schema;
    const pl_partition_spec *spec;
    const pl_sort_order *sort; // NULL: none
    const pl_work_object *objects;
    uint32_t object_count;
    size_t memory_bytes;        // for rows not yet written, of each worker
    uint32_t workers;           // of the run at most; 0: one
    pl_crew *crew;              // who may help; NULL: nobody
    pl_quota *quota;            // for the row groups being written; of all tasks
    bool dry;                   // only find out: no files
    bool observe;               // the shapes of its records too
    pl_work_progress *progress; // may be NULL
    atomic_bool *cancel;        // checked per chunk
} pl_work_task;

typedef struct pl_quarantine_range {
    uint64_t record_first, record_count;
    uint64_t byte_first, byte_count; // of the content
    uint64_t error_at;
    pl_span column;
    const char *reason, *sample;
} pl_quarantine_range;

typedef struct pl_object_result {
    const char *damaged; // why the object was left out; NULL: it was mapped
    bool recounted;      // that was the reason
    uint64_t records;    // by the framer; of a retry those asked for
    uint64_t rows, quarantined, filtered;
    uint64_t lost, coerced, conflicts;
    uint64_t duplicates; // rows whose key stood in an earlier row of the object
    uint32_t range_count, range_capacity;
    pl_quarantine_range *ranges; // owned by the result
} pl_object_result;

#define PL_WINDOWS_MAX 16u // of a task

// Consecutive objects of the task, observed together: what their records look like, whatever became
// of them, and what columns could not take; a value for which its record was rejected is counted
// there too. Columns are in the contract's order.
typedef struct pl_task_window {
    uint32_t first, count; // in the task's objects
    pl_shape shape;        // settled; owned
    bool aside;            // it is none: it stands in the task's document (flow/taskdoc.h)
    pl_map_tally tally;    // of its records
} pl_task_window;

typedef struct pl_task_result {
    pl_arena arena;            // everything below but the ranges and the windows' shapes
    pl_object_result *objects; // as in the task
    uint32_t object_count;
    pl_part_file *files;
    uint32_t file_count;
    // In order of the objects: each one is of one window, and a damaged one adds nothing to it.
    // None of a task that does not observe.
    pl_task_window *windows;
    uint32_t window_count;
} pl_task_result;

PL_MUST_USE plumb_status pl_work(const pl_work_task *task, pl_task_result *ret_result,
                                 plumb_error *err);
void pl_task_result_done(pl_task_result *result);

// Of which columns a table's files have bloom filters: fills ids[contract->key_count].
uint32_t pl_work_bloom_ids(const pl_contract *contract, const pl_schema *schema,
                           const pl_sort_order *sort, int32_t *ids);

#endif
