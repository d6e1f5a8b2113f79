// finding_doc.h -- a finding without its shapes: as it is kept, told and decided about.
//
// A finding (findings.h) points into two shapes, which are gone when somebody looks at it. Here it
// has paths as text, and can be written and read back as one JSON document:
//
//     {"fingerprint":"renamed $.likes $.like_count","class":"renamed","strength":"strong",
//      "before":"$.likes","after":"$.like_count","from":"int","to":"int","root":true,"beneath":0,
//      "confidence":0.99,"retype":null,"factor":1.0,"inverted":false,"bits":214.2,"shared":40,
//      "agreed":40,"missing":0,"rising":false,"likeness":0.0,"rival":null,"rival_before":false,
//      "rival_bits":0.0,"why":"...","against":"","before_values":"1, 2","after_values":"2, 3",
//      "proposal":"like_count | likes","type":""}
//
// The fingerprint says which finding of a source it is, however often it recurs and whatever its
// figures: class and paths, of a rescaled one the factor, of a retyped one the kinds, too.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SHAPE_FINDING_DOC_H
#define PL_SHAPE_FINDING_DOC_H

#include "shape/findings.h"

// As pl_finding; text is never NULL unless it says so.
typedef struct pl_finding_doc {
    const char *fingerprint;
    pl_drift_class class;
    pl_drift_strength strength;
    const char *before, *after; // NULL: not there
    const char *from, *to; // most frequent kinds there; of text with a format the class; or NULL
    bool root;
    uint32_t beneath;
    double confidence;
    pl_drift_strength retype;
    double factor;
    bool inverted;
    double bits;
    uint64_t shared, agreed, missing;
    bool rising;
    double likeness;
    const char *rival; // NULL: none
    bool rival_before;
    double rival_bits;
    const char *why, *against, *before_values, *after_values, *proposal, *type;
} pl_finding_doc;

// Of a finding of these two shapes; its texts are borrowed from the finding or in the arena.
pl_finding_doc pl_finding_doc_of(const pl_finding *finding, const pl_shape *before,
                                 const pl_shape *after, pl_arena *arena);

void pl_finding_write(pl_json_writer *writer, const pl_finding_doc *finding);
// The same without its brackets, for a document that has more to say.
void pl_finding_write_members(pl_json_writer *writer, const pl_finding_doc *finding);

// Texts are borrowed from the document's. A member that is not there is as if it said nothing, but
// "class" must be known. PLUMB_E_MALFORMED: a member is damaged.
PL_MUST_USE plumb_status pl_finding_read(const pl_json *document, pl_arena *arena,
                                         pl_finding_doc *ret_finding, plumb_error *err);

// ---- what happens by itself ---------------------------------------------------------------------

typedef enum pl_drift_action {
    PL_DRIFT_NOTE,        // nothing depends on it: it is only listed
    PL_DRIFT_AUTO,        // done at once; it can do no harm
    PL_DRIFT_PROVISIONAL, // done at once, rows are flagged, and a person may undo it
    PL_DRIFT_HELD,        // waits for a person
} pl_drift_action;

//                          guarded                            strict
//     added, widened       auto                               auto
//     retyped lossless     provisional                        held
//     renamed strong       provisional, critical: held        held
//     conflict             note                               note
//     all else             held                               held
//
// Renamed together with a lossy retype or another scale is as these are. `mapped`: a column is read
// from the path; without one, what is not added and no map is noted. `critical`: one of them is.
// Held is the finding: whether rows wait, too, is up to suspicions (suspect.h).
pl_drift_action pl_drift_action_of(const pl_finding_doc *finding, bool mapped, bool critical,
                                   bool strict);
const char *pl_drift_action_name(pl_drift_action action); // "provisional"

#endif
