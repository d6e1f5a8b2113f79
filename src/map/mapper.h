// mapper.h -- one record in, one row of columns out: the compiled mapping of a (source, table).
//
//     pl_map_compile     contract + mapping + the table's schema -> a plan, shared by all threads
//     pl_mapper_new      a plan's per-thread state: path table, scanner, scratch
//     pl_mapper_record   scan, choose, convert: a row, a reject with its reason, or filtered
//     pl_mapper_keep     the row is one of a batch of columns that have the table's schema
//
// Values go straight into the columns, behind the rows that are kept; a record that turns out bad
// is written over by the next.
//
// The rules of a value (product note, sections 3 and 6): terms of a rule are tried in file order
// and the first that is present, not null and fits wins. A present value that does not fit is
// *lost*: if the column is required or critical the record is rejected, else the column is NULL (or
// the next term's value), the row is flagged `column:lost` and the value kept in _rest. A later
// term that holds another value is a *conflict*: the first wins, the other is kept in _rest. An
// exact conversion is flagged `column:coerced`. A value outside of bounds that reject is one that
// does not fit. A path may stand several times with other parsers:
// its value is lost only if none of them fits. Required and absent is a reject; critical and
// absent is NULL.
//
// A record that the mapping's `where` does not keep is *filtered*: no row, no reject, but counted.
//
// System columns, filled here for every table that has them: _object, _record, _mapping, _flags,
// _rest.
//
// Threads: a plan by any; a mapper by one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_MAP_MAPPER_H
#define PL_MAP_MAPPER_H

#include "column/column.h"
#include "contract/mapping.h"
#include "map/convert.h"
#include "map/watch.h"
#include "json/framer.h"

// The system columns, in this order after a table's declared ones. Ids are 0.
#define PL_SYSTEM_COLUMNS 5
extern const pl_field pl_system_fields[PL_SYSTEM_COLUMNS];

// A contract's columns followed by the system columns, ids 0: what the table must look like.
pl_schema pl_map_schema(const pl_contract *contract, pl_arena *arena);

typedef struct pl_map_plan pl_map_plan; // opaque, immutable
typedef struct pl_mapper pl_mapper;     // opaque

// `schema` is the table's current schema (ids set); it, the contract and the mapping must outlive
// the plan. PLUMB_E_MISUSE if the schema lacks a column of the contract.
PL_MUST_USE plumb_status pl_map_compile(const pl_mapping *mapping, const pl_schema *schema,
                                        int32_t mapping_version, pl_arena *arena,
                                        pl_map_plan **ret_plan, plumb_error *err);
// How the framer finds the records of this mapping.
void pl_map_framing(const pl_map_plan *plan, pl_format format, pl_framer_options *ret_options);

pl_mapper *pl_mapper_new(const pl_map_plan *plan);
void pl_mapper_free(pl_mapper *mapper); // NULL is a no-op

// The raw object whose records follow. `object` is its ULID text, borrowed.
void pl_mapper_object(pl_mapper *mapper, pl_span object, int64_t received_us);

// Observe every record that is scanned from now on, whatever becomes of it (map/watch.h). Give the
// watch, which is the mapper's; of one that does not observe NULL.
pl_watch *pl_mapper_observe(pl_mapper *mapper, pl_watch_task *task);
pl_watch *pl_mapper_watch(const pl_mapper *mapper);
// Rows in which a later term of the column's rule holds another value than the one that won; of the
// first of them which terms, and what stands there.
typedef struct pl_map_conflict {
    uint64_t rows;
    char object[32]; // the first one's place
    uint64_t record;
    uint32_t won, other; // terms of the rule
    char won_text[48], other_text[48];
} pl_map_conflict;

// What became of records, by column of the contract.
typedef struct pl_map_tally {
    uint64_t rows;     // kept
    uint64_t flawed;   // of them those that lost a value, or have one outside of its bounds
    uint64_t *filled;  // [column_count] rows in which the column has a value
    uint64_t *lost;    // values it could not take, those included that records were rejected for
    uint64_t *outside; // rows in which its value is outside of its bounds
    pl_map_conflict *conflicts;
} pl_map_tally;
// Add one to another: the first place of both stays.
void pl_map_conflict_add(pl_map_conflict *into, const pl_map_conflict *from);
// Add what came since this was asked last.
void pl_mapper_tally(pl_mapper *mapper, pl_map_tally *into);

// Observe what stands around the records that were taken with these frames; without a watch a
// no-op.
void pl_mapper_envelopes(pl_mapper *mapper, const pl_frames *frames);

// Why a record cannot be a row.
typedef struct pl_reject {
    pl_span column;    // "" when the record as a whole is the problem
    char reason[192];  // without the value, so that equal causes are equal texts
    char sample[96];   // the offending text, cut at a code point; "" if none
    uint64_t error_at; // exact byte in the content
} pl_reject;

typedef struct pl_map_counts {
    uint64_t rows, rejected, filtered;
    uint64_t lost, coerced, conflicts; // values
    uint64_t duplicate_keys;           // JSON keys that were repeated
} pl_map_counts;

typedef enum pl_mapped {
    PL_MAPPED_ROW,      // the mapper's current row
    PL_MAPPED_REJECT,   // *ret_reject says why
    PL_MAPPED_FILTERED, // `where` does not keep it
} pl_mapped;

// Map one framed record. A row is the mapper's current one until the next call; pl_mapper_keep
// makes it one of the batch, else it is written over.
pl_mapped pl_mapper_record(pl_mapper *mapper, const pl_frame *frame, pl_reject *ret_reject);
// The current row's value in a column that is no list; text is borrowed until the next call.
pl_value pl_mapper_value(const pl_mapper *mapper, uint32_t field);

// Returns how many rows are kept; and how many bytes of text they have, about.
uint32_t pl_mapper_keep(pl_mapper *mapper);
size_t pl_mapper_text(const pl_mapper *mapper);
// Their columns, [schema->count], borrowed until the next record.
const pl_column *pl_mapper_batch(pl_mapper *mapper);
void pl_mapper_clear(pl_mapper *mapper); // forget them

const pl_map_counts *pl_mapper_counts(const pl_mapper *mapper); // since _new

#endif
