// transaction.h -- what every command that changes books and metadata alone has in common:
// rollback, expire, decisions, relocate. Such a command is a run of its own kind, without tasks.
//
//     begin     the run lock; the lake must be where its tables say; missing log entries are
//     written commit    one transaction of the registry: the run's row, what the command records,
//     the head follow    log entry, version-hint.text, metadata files nobody needs any more. The
//     commit
//               stands by then: what fails here is repaired by the next run
//     end       the lock goes
//
// A crash before the commit leaves the old state and files that nobody refers to.
//
// Threads: flow; one at a time (the run lock).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_TRANSACTION_H
#define PL_FLOW_TRANSACTION_H

#include "iceberg/table.h"
#include "registry/lock.h"
#include "registry/registry.h"

typedef struct pl_transaction_options {
    pl_store *store;
    pl_registry *registry;
    const char *lock_path;
    int64_t wait_ms;
    const char *command; // for the run's row and whoever waits for the lock
    bool dry;            // neither lock nor changes; commit must not be called
    bool anywhere;       // also of a lake that was moved
} pl_transaction_options;

typedef struct pl_transaction {
    pl_transaction_options with;
    char run[PL_ID_TEXT];
    int64_t now_us;
    pl_run_lock lock;
} pl_transaction;

// To be ended if it is OK.
PL_MUST_USE plumb_status pl_transaction_begin(const pl_transaction_options *options,
                                              pl_transaction *ret_transaction, plumb_error *err);
typedef plumb_status (*pl_transaction_record)(void *context, plumb_error *err);
// `record` writes what the command changes. PLUMB_E_CONFLICT comes from it alone: look again.
PL_MUST_USE plumb_status pl_transaction_commit(pl_transaction *transaction,
                                               pl_transaction_record record, void *context,
                                               plumb_error *err);
// `metadata`: the table's new head, NULL for none.
void pl_transaction_follow(pl_transaction *transaction, const char *metadata,
                           const pl_ice_commit *commit);
void pl_transaction_end(pl_transaction *transaction);

// Of a run that begins now.
void pl_run_id(int64_t now_us, char ret_run[PL_ID_TEXT]);
// The answer to a run's commit was lost, which `err` says: the run's own row tells whether it
// happened. PLUMB_E_UNAVAILABLE if not; PLUMB_E_UNKNOWN if the registry cannot be read now, and the
// next run finds out.
PL_MUST_USE plumb_status pl_run_settle(pl_registry *registry, const char *run, plumb_error *err);

#endif
