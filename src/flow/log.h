// log.h -- log/ in the lake: one small JSON document per published run, so that raw zone, table
// metadata and log together can make plumb.db again.
//
//     log/<time>-<run>.json      every row of the books the run made, and the heads of the tables
//     log/texts/<sha-256>.yml    each text of a mapping or contract, once
//     log/texts/<run>-<hash of source and table>.zst
//                                a source's shape as the run left it: of an hour the first
//
// Of shapes the books keep fewer the older they are (drift.h); the run that begins a version
// removes the texts of those that went.
//
// An entry is written after the commit and before version-hint.text; what a crash left out is
// written by the next run from the registry.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_LOG_H
#define PL_FLOW_LOG_H

#include "registry/registry.h"
#include "store/store.h"

// Write the entry of a run that is done; one that is there is left as it is.
PL_MUST_USE plumb_status pl_log_write(pl_store *store, pl_registry *registry, const char *run,
                                      plumb_error *err);
// Write the missing entries of the newest runs.
PL_MUST_USE plumb_status pl_log_repair(pl_store *store, pl_registry *registry, plumb_error *err);

typedef struct pl_rebuilt {
    uint64_t runs;       // restored from the log
    uint64_t objects;    // in the raw zone
    uint64_t fresh;      // of those, not in the log: new
    uint64_t unreadable; // files in the raw zone that are no whole object; left where they are
    uint64_t repeated;   // files whose content another object has
    uint32_t tables;
    const char *first_unreadable; // key, NULL if none
} pl_rebuilt;

// Fill an empty registry from the lake, in one transaction. PLUMB_E_MALFORMED when log and tables
// do not fit together: a snapshot whose run has no entry.
PL_MUST_USE plumb_status pl_rebuild(pl_store *store, pl_registry *registry, pl_arena *arena,
                                    pl_rebuilt *ret_rebuilt, plumb_error *err);

#endif
