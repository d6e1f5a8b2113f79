// mappings.h -- which mapping runs use for a (source, table).
//
//     the file                        as people write it
//     the file under an overlay       changes made without a person: registry, mapping_uses
//     a pinned version                until a person lets go of it: plumb mapping SOURCE --use file
//
// An overlay's rule for a column that the contract does not have any more is none: who took the
// column out meant it.
//
// What is in use was checked when it was new; the contract may have changed since. A mapping that
// does not fit it any more is left out, and the others are used.
//
// A version is the text that comes of it, whichever way: a change approved into the file is the
// version it was before.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_MAPPINGS_H
#define PL_FLOW_MAPPINGS_H

#include "contract/project.h"
#include "registry/registry.h"

typedef struct pl_mapping_now {
    const pl_mapping *file; // the project's
    pl_mapping *mapping;    // what runs use; its text is the version's
    const char *source, *table;
    int64_t version;       // of that text; 0: no run has used it yet
    int64_t pinned;        // that version is pinned and file and overlay say otherwise; else 0
    int64_t rows, objects; // published, and made by other versions
} pl_mapping_now;

// Of project->mappings[index]. PLUMB_E_CONFIG: the text in use has a mistake under the contract as
// it is now; the error names the place.
PL_MUST_USE plumb_status pl_mapping_now_get(const pl_project *project, uint32_t index,
                                            pl_registry *registry, pl_arena *arena,
                                            pl_mapping_now *ret_now, plumb_error *err);

// Does a version's text fit the contracts as they are? PLUMB_E_CONFIG: no, and the message is the
// first mistake.
PL_MUST_USE plumb_status pl_mapping_fits(const pl_project *project, const pl_mapping *file,
                                         int64_t version, pl_span text, pl_arena *arena,
                                         plumb_error *err);

// Which one it is, the overlay without what is none.
PL_MUST_USE plumb_status pl_mapping_use_get(pl_registry *registry, const pl_mapping *file,
                                            pl_arena *arena, pl_mapping_use *ret_use,
                                            plumb_error *err);

// Why the mapping is left out of a project as runs use it; NULL: it is not.
const plumb_error *pl_mapping_unfit(const pl_project *project, pl_span source, pl_span table);

// The project with every mapping as runs use it, but for those that do not fit. Contracts and
// settings are shared.
PL_MUST_USE plumb_status pl_mappings_in_use(const pl_project *project, pl_registry *registry,
                                            pl_arena *arena, pl_project **ret_project,
                                            plumb_error *err);

#endif
