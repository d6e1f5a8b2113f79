// remedy.h -- what a finding proposes to do to the files: class by class, which of the changes of
// contract/propose.h, with which parser.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_REMEDY_H
#define PL_FLOW_REMEDY_H

#include "contract/project.h"
#include "contract/propose.h"
#include "registry/drift.h"
#include "shape/finding_doc.h"

// What a row's document says; as much as the row does if it does not read.
pl_finding_doc pl_drift_document(const pl_finding_row *row, pl_arena *arena);

// False: there is no change. ret->why_not says why, NULL if its class has none.
bool pl_remedy(const pl_finding_row *row, const pl_finding_doc *finding, const pl_proposing *with,
               pl_proposal *ret_change);

// Whether a term of the rule has this parser.
bool pl_reads_by(const pl_rule *rule, pl_parser_kind kind);
// Whether the column reads both of what was rescaled: by parse(epoch), s or ms, it goes by the size
// of each value; by parse(percent), "4.7%" or 0.047, by the sign.
bool pl_reads_any_unit(const pl_mapping *mapping, pl_span column, const pl_finding_doc *finding);
// Whether the rule of the column reads the path.
bool pl_reads_path(const pl_mapping *mapping, pl_span column, pl_span path, pl_arena *arena);
// Whether a term of the rule reads what is neither the path nor beneath it, or nothing.
bool pl_reads_elsewhere(const pl_mapping *mapping, const pl_rule *rule, pl_span path,
                        pl_arena *arena);
// Columns whose rules go when what a finding misses is gone for good: those that read it, or
// beneath it, and have no values from elsewhere; if there is none, the finding's. At least one.
void pl_remedy_retiring(const pl_finding_row *row, const pl_mapping *mapping, pl_arena *arena,
                        pl_span **ret_columns, uint32_t *ret_count);

// Whether another source of the project fills the column of the same table, so that it stays
// declared.
bool pl_fills_elsewhere(const pl_project *project, const pl_mapping *mapping, pl_span column);

// The path whose values changed.
pl_span pl_remedy_path(const pl_finding_row *row);
// Of a parallel finding: the columns beside those that it is about go, and their rules are taken or
// not (pl_propose_together).
bool pl_remedy_together(const pl_finding_row *row, const pl_project *project,
                        const pl_proposing *with, bool take, pl_proposal *ret_change);

#endif
