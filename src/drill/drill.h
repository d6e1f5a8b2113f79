// drill.h -- how would we fare, were the API upgraded tomorrow? Played, not guessed.
//
// Per case a lake of its own, with the project's contracts and mappings as they are in use:
//
//     before ─ ingest ─ run ─► baseline          the user's own records
//     rest, changed ─ 3 x (ingest, run) ─►       the same as after an upgrade
//                     published, held, quarantined
//
// The truth is the rest unchanged, mapped by the same mapping. What was published of the changed
// rest and is not what the truth says, is *missed*: a wrong value, a NULL in place of a value, a
// row that is not there. What is held back, or in quarantine, is not: nobody reads it.
//
// The first case changes nothing: if that is held, it is a false alarm.
//
// The project's lake and registry are only read. What is made is below the scratch folder and is
// removed again, case by case.
//
// Threads: one; runs have their own.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_DRILL_DRILL_H
#define PL_DRILL_DRILL_H

#include "contract/project.h"
#include "registry/registry.h"
#include "store/store.h"

typedef struct pl_drill_options {
    const pl_project *project; // its mappings as they are in use
    pl_store *store;           // the project's lake, to read
    pl_registry *registry;     // the project's, to read
    const char *source;        // which has landed something
    const char *scratch;       // an empty folder
    uint64_t seed;
    uint32_t cases;
    int64_t now_us; // the last batch is received then
    bool blind;     // runs do not look for drift
    // Called before each case; may be NULL.
    void (*progress)(void *context, const char *source, uint32_t done, uint32_t cases);
    void *progress_context;
} pl_drill_options;

typedef enum pl_drill_verdict {
    PL_DRILL_PUBLISHED,   // all of it, and right
    PL_DRILL_HEALED,      // the same, after the mapping was changed without a person
    PL_DRILL_HELD,        // some wait for a person; what was published is right
    PL_DRILL_QUARANTINED, // records could not become rows; what was published is right
    PL_DRILL_MISSED,      // something wrong was published
    PL_DRILL_ALARM,       // nothing was changed, and it was held
    PL_DRILL_VERDICTS
} pl_drill_verdict;
const char *pl_drill_verdict_name(pl_drill_verdict verdict); // "published", "healed", ...

typedef struct pl_drill_finding {
    const char *class, *state, *path, *to_path; // to_path "" if there is none
} pl_drill_finding;

typedef struct pl_drill_result {
    const char *table, *kind, *what;
    pl_drill_verdict verdict;
    uint64_t rows;        // that should be published of what came after the upgrade
    uint64_t right;       // published, and equal to them
    uint64_t held;        // rows that wait
    uint64_t quarantined; // records
    uint64_t wrong, nulls, absent;
    const pl_drill_finding *findings;
    uint32_t finding_count;
} pl_drill_result;

typedef struct pl_drill_report {
    const char *source;
    uint64_t records; // of the sample
    uint32_t objects; // raw objects they are of
    pl_drill_result *results;
    uint32_t count;
    uint32_t missed, alarms;
} pl_drill_report;

// Play one source. PLUMB_E_NOT_FOUND: no mapping has it, or it has landed too little.
PL_MUST_USE plumb_status pl_drill(const pl_drill_options *options, pl_arena *arena,
                                  pl_drill_report *ret_report, plumb_error *err);

#endif
