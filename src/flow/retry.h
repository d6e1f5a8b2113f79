// retry.h -- records that could not become rows, mapped once more with today's mapping.
//
// Entries of the quarantine are selected, and the records they point to are mapped from raw again.
// It is a run of its own kind: plan, work, gate, publish, with the lock, the fence and the recovery
// of any run. What is published, all of it or nothing:
//
//     rows         appended, one snapshot per table; _object and _record as ever, _mapping today's
//     quarantine   entries that map are gone; those that do not are kept with today's reason
//     ledger       curated += rows, filtered += what `where` keeps out, quarantined -= both
//
// Rows that are there are not touched: that is a replay's business. So a record keeps its number,
// and an object of which today's mapping counts the records otherwise is refused, unless nothing of
// it is a row or filtered yet: then all of it is mapped anew.
//
// It looks first: everything is mapped without writing, and only objects for which something
// changes take part in the run. So a retry that changes nothing writes nothing.
//
// Entries of an object that takes part have new ids afterwards; the old ones belong to the run that
// made them, as a rollback will need them.
//
// Refused by name, everything else goes on:
//     - the entry that stands for the places beyond PL_QUARANTINE_MAX: it does not say which
//     records
//       it means (unless all of the object is mapped anew)
//     - objects that are staged or withdrawn, or that no mapping of today sends to the table
//
// Limits: PL_RETRY_MAX entries at once.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_RETRY_H
#define PL_FLOW_RETRY_H

#include "flow/run.h"

typedef struct pl_retry_options {
    pl_run_options run;        // its source is not looked at
    pl_quarantine_filter only; // table, source, object
    const int64_t *ids;        // of these only those with one of these ids; NULL: all
    uint32_t id_count;
    bool dry; // only look: needs neither lock nor write permission
} pl_retry_options;

typedef struct pl_retry_refusal {
    const char *object, *source, *table;
    int64_t entry; // 0: all entries of the object that were asked for
    uint64_t records;
    const char *why;
} pl_retry_refusal;

typedef struct pl_retry_report {
    pl_run_report run;   // counts of the records that were tried; run.nothing: nothing changed
    uint64_t entries;    // asked for
    const int64_t *gone; // ids asked for that do not stand
    uint32_t gone_count;
    pl_retry_refusal *refusals;
    uint32_t refusal_count;
} pl_retry_report;

// PLUMB_E_LIMIT: too many entries; else as pl_run.
PL_MUST_USE plumb_status pl_retry(const pl_retry_options *options, pl_arena *arena,
                                  pl_retry_report *ret_report, plumb_error *err);

#endif
