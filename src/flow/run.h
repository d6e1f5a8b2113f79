// run.h -- plan, work, gate, publish: one pass over new raw objects.
//
//     lock ─ recover ─ plan ──► work ×N ──► gate ──► publish ─ hint ─ checkpoint
//                      │         │           │        one SQLite transaction: the run is still
//                      │         │           │        working, objects still pending, swap of every
//                      │         │           │        table, states, ledger, quarantine
//                      │         │           └ conservation: framer = mapper = file footers
//                      │         └ data files nobody refers to yet
//                      └ (object, table) pairs that are new, cut into tasks by bytes
//
// Order on disk: data files (fsync) -> manifests, list, metadata.json (fsync) -> COMMIT -> hint. A
// crash anywhere leaves either the old state or the new one; the next run deletes the data files
// of the dead one by the run id in their names.
//
// A run with nothing to do writes nothing at all.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_RUN_H
#define PL_FLOW_RUN_H

#include "contract/project.h"
#include "flow/work.h"
#include "registry/registry.h"

typedef struct pl_run_options {
    const pl_project *project;
    pl_store *store;       // the lake
    pl_registry *registry; // open for writing
    const char *lock_path; // of the run lock
    const char *source;    // only this one; NULL: all
    uint32_t threads;      // 0: the project's setting, else every core
    int64_t wait_ms;       // for the run lock
    // Called from one thread about four times a second while tasks work; may be NULL.
    void (*progress)(void *context, uint64_t content_bytes, uint64_t content_bytes_total,
                     uint64_t records);
    void *progress_context;
} pl_run_options;

typedef struct pl_run_table {
    const char *table;
    int64_t snapshot; // 0: none was made
    uint64_t rows, files;
    bool created, evolved;
} pl_run_table;

typedef struct pl_run_source {
    const char *source, *table;
    uint64_t objects; // mapped and published
    uint64_t damaged; // left out: raw that no longer reads
    uint64_t records, rows, quarantined, filtered;
    uint64_t lost, coerced, conflicts;
} pl_run_source;

typedef struct pl_run_damage {
    const char *object, *source, *why;
} pl_run_damage;

typedef struct pl_run_report {
    const char *run; // "" when there was nothing to do
    bool nothing;
    pl_run_table *tables;
    uint32_t table_count;
    pl_run_source *sources;
    uint32_t source_count;
    pl_run_damage *damages;
    uint32_t damage_count;
    uint64_t records, rows, quarantined, filtered;
    uint64_t content_bytes;
    int64_t micros;
} pl_run_report;

// Run. The report lives in `arena`, complete on success only. PLUMB_E_UNAVAILABLE: another run
// holds the lock. Whatever fails, nothing of this run is published.
PL_MUST_USE plumb_status pl_run(const pl_run_options *options, pl_arena *arena,
                                pl_run_report *ret_report, plumb_error *err);

// What a run that died left behind: its data files go, its row says failed. The lock must be held.
PL_MUST_USE plumb_status pl_run_recover(pl_store *store, pl_registry *registry, int64_t now_us,
                                        plumb_error *err);

#endif
