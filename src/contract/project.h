// project.h -- plumb.yaml, and a whole project folder read at once.
//
//     lake: ./lake
//     state: ./lake/plumb.db
//     threads: 0
//     memory: 512MiB
//     query: {memory: 1GiB, timeout: 60s}
//     guard: {price_per_tb: 5.00, max_bytes: 10GiB}
//     policy: guarded
//     drift: {limit: 90m, added_per_day: 20}
//     raw: {level: 1}
//
// Every key is optional. All mistakes of all files are in one list, sorted by file, line, column.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_PROJECT_H
#define PL_CONTRACT_PROJECT_H

#include "contract/mapping.h"

typedef struct pl_settings {
    pl_span lake;          // as written
    pl_span state;         // as written; "" if the file has none: plumb.db in the lake
    uint32_t threads;      // 0: every core
    uint64_t memory_bytes; // upper bound of a run
    uint64_t query_memory_bytes;
    int64_t query_timeout_us;
    bool has_guard;
    double guard_price_per_tb;
    uint64_t guard_bytes_max; // 0: no limit
    pl_drift_given drift;     // policy and drift
    uint32_t raw_level;       // 0 stored .. 3
} pl_settings;

// A mapping that is left out of a project as runs use it (flow/mappings.h).
typedef struct pl_unfit {
    const pl_mapping *file;
    plumb_error why;
} pl_unfit;

typedef struct pl_project {
    const char *dir; // as given
    pl_settings settings;
    const char *lake_path; // lake and state as paths that can be opened: joined to dir
    const char *state_path;
    uint32_t contract_count;
    pl_contract **contracts; // by file name
    uint32_t mapping_count;
    pl_mapping **mappings; // by file name
    uint32_t unfit_count;  // of files it is 0: they are read without a mistake
    pl_unfit *unfit;
} pl_project;

// Parse the text of plumb.yaml. false if it has a mistake.
bool pl_settings_parse(const char *file, pl_span text, pl_arena *arena, pl_settings *ret_settings,
                       pl_problems *problems, pl_problems *warnings);

// Read plumb.yaml, contracts/*.yml and sources/*.yml (*.yaml too) of `dir` and check them together.
// PLUMB_E_NOT_FOUND: no plumb.yaml in dir. PLUMB_E_CONFIG: `problems` holds every mistake, err the
// count. Everything returned lives in `arena`.
PL_MUST_USE plumb_status pl_project_load(const char *dir, pl_arena *arena, pl_project **ret_project,
                                         pl_problems *problems, pl_problems *warnings,
                                         plumb_error *err);

const pl_contract *pl_project_contract(const pl_project *project, pl_span table); // or NULL
const pl_mapping *pl_project_mapping(const pl_project *project, pl_span source, pl_span table);

// How drift of a mapping's source in its table is handled: defaults, under what plumb.yaml says,
// under what the mapping says.
pl_drift_policy pl_project_drift(const pl_project *project, const pl_mapping *mapping);
// The same for one column of the contract, under what the mapping says of it. `lost_share` is the
// column's, be it critical or not.
pl_drift_policy pl_project_drift_column(const pl_project *project, const pl_mapping *mapping,
                                        uint32_t column);

// "512MiB", "10GB", "64k", "4096": bytes, exact. "90m", "60s", "1h30m", "250ms", "2d":
// microseconds.
bool pl_size_parse(pl_span text, uint64_t *ret_bytes);
bool pl_duration_parse(pl_span text, int64_t *ret_us);

#endif
