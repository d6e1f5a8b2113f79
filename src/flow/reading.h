// reading.h -- one raw object of a task being read by several workers: the baton.
//
//     worker 1:  take chunk 0 │ map it                     │ take chunk 2 │ map it ...
//     worker 2:  (waits)      │ take chunk 1 │ map it                     │ take chunk 3 ...
//                                  give 0, give 1, ... : entered in the chunks' order
//
// To take a chunk is to inflate and frame it, one worker at a time: that is 40 % of the work, so
// two workers are hardly ever in each other's way. Records are numbered while they are framed, and
// what became of them is entered in the books of the object in the order of the chunks, however
// they come in: so rows, quarantine ranges and repeated keys are the same for any number of
// workers.
//
// When all is read and entered, the object is judged: is it still the one that landed?
//
// Threads: any number may take and give.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_READING_H
#define PL_FLOW_READING_H

#include "flow/work.h"

// What became of the records of one chunk.
typedef struct pl_outcome {
    uint64_t chunk;
    uint64_t records, rows, filtered; // of the records asked for
    uint64_t lost, coerced, conflicts;
    bool moved;                  // of a retry: a record is not where it was
    pl_quarantine_range *ranges; // owned; their texts live as long as the task's result
    uint32_t range_count, range_capacity;
    uint64_t *keys; // hashes of the rows' keys; owned
    uint32_t key_count, key_capacity;
    struct pl_outcome *next;
} pl_outcome;

typedef struct pl_reading pl_reading;

pl_reading *pl_reading_new(const pl_work_task *task);
void pl_reading_free(pl_reading *reading);

// Begin object number `object` of the task; its books are `out`. A reading may be used for one
// object after the other. That an object cannot be read is no failure: it ends there, damaged.
PL_MUST_USE plumb_status pl_reading_open(pl_reading *reading, uint32_t object,
                                         pl_object_result *out, plumb_error *err);
uint32_t pl_reading_object(const pl_reading *reading);
// The next records, for an outcome that was zero-initialised. *ret_more false: there are none.
PL_MUST_USE plumb_status pl_reading_take(pl_reading *reading, pl_frames *frames,
                                         pl_outcome *outcome, bool *ret_more, plumb_error *err);
// Enter what became of them; takes what the outcome owns.
void pl_reading_give(pl_reading *reading, const pl_outcome *outcome);
// All was taken and given: the last words. Marks the object damaged if it is; texts go to arena.
void pl_reading_close(pl_reading *reading, pl_arena *arena);

// For outcomes: a record that is quarantined; texts go to arena.
void pl_outcome_reject(pl_outcome *outcome, const pl_frame *frame, const pl_reject *reject,
                       pl_arena *arena);
// Is the record asked for? All are, but of a retry those in its ranges; the first and the last of a
// range must stand where they stood. *range is 0 before the chunk's first record.
bool pl_outcome_wants(pl_outcome *outcome, const pl_work_retry *retry, uint32_t *range,
                      const pl_frame *frame);
// Note the key of the mapper's row.
void pl_reading_key(const pl_reading *reading, const pl_mapper *mapper, pl_outcome *outcome);

#endif
