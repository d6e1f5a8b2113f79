// mappings.h -- which mapping runs use for a (source, table).
//
//     the file                        as people write it
//     the file under an overlay       changes made without a person: registry, mapping_uses
//     a pinned version                until a person lets go of it: plumb mapping SOURCE --use file
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

// The project with every mapping as runs use it. Contracts and settings are shared.
PL_MUST_USE plumb_status pl_mappings_in_use(const pl_project *project, pl_registry *registry,
                                            pl_arena *arena, pl_project **ret_project,
                                            plumb_error *err);

#endif
