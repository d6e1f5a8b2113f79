// sample.h -- the user's own records, as trees: what a drill changes and lands again.
//
// Taken are the newest raw objects of a source, but not those that wait before its first table:
// they have changed already. Where they hold more than a sample may, only some entities (the key's
// columns without those of time) are taken, and of those all records: what was polled several times
// is seen several times, and that is what proves a rename. A document that holds many records is
// cut into several with the same envelope.
//
//     raw objects, newest first ──► documents, thinned out ──► units, in landing order
//
// Threads: one at a time; the registry's.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_DRILL_SAMPLE_H
#define PL_DRILL_SAMPLE_H

#include "contract/project.h"
#include "registry/registry.h"
#include "store/store.h"
#include "json/tree.h"

#define PL_DRILL_RECORDS_MIN 30
#define PL_DRILL_RECORDS_MAX 2000
#define PL_DRILL_BYTES_MAX   (4u * 1024 * 1024)

// A document, or some of the records of one in its envelope.
typedef struct pl_drill_unit {
    pl_json *document;
    uint32_t records; // of the mapping that has most of them
} pl_drill_unit;

typedef struct pl_drill_sample {
    bool items; // the documents are items of one top-level array
    pl_drill_unit *units;
    uint32_t count, capacity;
    uint32_t objects; // raw objects they are of
    uint64_t records, bytes;
} pl_drill_sample;

// The records of a document as a mapping finds them.
typedef void (*pl_drill_visit)(void *context, pl_json *record);
void pl_drill_each(pl_json *document, const pl_mapping *mapping, pl_drill_visit visit,
                   void *context);

// Read a source's sample; `mappings` are all of that source. Raw objects that do not read are left
// out. PLUMB_E_NOT_FOUND: fewer than PL_DRILL_RECORDS_MIN records; the message says how many.
PL_MUST_USE plumb_status pl_drill_sample_read(pl_store *store, pl_registry *registry,
                                              pl_mapping *const *mappings, uint32_t count,
                                              pl_arena *arena, pl_drill_sample *ret_sample,
                                              plumb_error *err);

#endif
