// propose.h -- a change of the data as a change of the files: what a finding proposes.
//
// Which columns read a path of a shape ("$.stats.likes", "$.tags[*]", "$[\"a.b\"]"), and what the
// mapping and the contract would say if a path was renamed, has other values, or is new. An index
// or a look-up of a rule is "[*]" in a shape: any element. Paths of a document around the records
// begin with $doc or $parent.
//
// A proposal puts the new path right in front of the term that read the old one, which is the front
// of the rule where that was the first, and keeps everything else: what won before still wins, and
// history is still read. It is made only if the result is a mapping without mistakes; otherwise the
// reason is a sentence for people.
//
// Pure. Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_PROPOSE_H
#define PL_CONTRACT_PROPOSE_H

#include "contract/mapping.h"

// ---- reading -----------------------------------------------------------------------------------

typedef struct pl_rule_path {
    pl_span path;  // as a shape writes it
    uint32_t term; // of the rule
} pl_rule_path;

// What the terms of a rule read, in their order; what stands around the record from $doc on.
// Literals and built-ins read nothing.
void pl_rule_shape_paths(const pl_mapping *mapping, const pl_rule *rule, pl_arena *arena,
                         pl_rule_path **ret_paths, uint32_t *ret_count);

// Of terms that find an element of an array in the record by a word, `data[name="likes"].value`:
// where the words stand, "$.data[*].name", and the words, all in the arena; those of the first such
// place. 0: no term does.
uint32_t pl_rule_words(const pl_rule *rule, pl_arena *arena, pl_span *ret_path,
                       pl_span **ret_words);

// Columns whose rule reads the path, something below it, or finds an element by it: each once,
// ascending. None if the text is no path.
void pl_mapping_columns_of(const pl_mapping *mapping, pl_span path, pl_arena *arena,
                           uint32_t **ret_columns, uint32_t *ret_count);

// Whether some rule takes an array or object that the path is in, whole: a json or list column
// has what is new there already.
bool pl_mapping_takes_whole(const pl_mapping *mapping, pl_span path, pl_arena *arena);

// Whether the mapping's `where` or `records` reads the path or something below it: then a change of
// it changes which records there are.
bool pl_mapping_selects_by(const pl_mapping *mapping, pl_span path, pl_arena *arena);

// ---- proposing ---------------------------------------------------------------------------------

typedef struct pl_proposing {
    const pl_mapping *file; // the project's
    const pl_mapping *now;  // as runs use it; NULL: the same
    pl_span overlay;        // what lies over the file already; "": nothing
    pl_span name;           // of a new column, where it had one; "": by its path
    pl_arena *arena;        // of everything returned
} pl_proposing;

typedef struct pl_proposal {
    const char *why_not;   // NULL, or why there is none: one sentence without its full stop
    uint32_t column_count; // of the contract, whose rules change
    uint32_t *columns;
    pl_span overlay;       // the one that lies over the file and these rules: pl_edit_overlay
    pl_span mapping_text;  // the mapping's file with these rules
    pl_span contract_text; // the contract's file; "" if it stays
    pl_span diff;          // unified, of the files that change
    pl_span added;         // the name of the new column; "" if none is
    bool written;          // there is none, because the rules say it already
} pl_proposal;

// None yet, under the overlay there is.
pl_proposal pl_proposal_none(pl_span overlay);

// `before` is called `after` now. `extractor` is pl_finding.proposal, or "": the parser behind its
// first path is what the new values need. Of an object that was renamed, all that is read below it.
// false: there is none; ret->why_not says why.
bool pl_propose_rename(const pl_proposing *with, pl_span before, pl_span after, pl_span extractor,
                       pl_proposal *ret_proposal);

// The values at `path` are read by `parser` ("compact", "epoch(ms)") from now on, and by what the
// rule has if that does not fit.
bool pl_propose_retype(const pl_proposing *with, pl_span path, pl_span parser,
                       pl_proposal *ret_proposal);

// The same, but `parser` takes the place of the rule's: what read the old unit would read the new
// one wrongly. It must read both: epoch, percent.
bool pl_propose_rescale(const pl_proposing *with, pl_span path, pl_span parser,
                        pl_proposal *ret_proposal);

// A new column for `path`: its declaration behind the contract's others, its rule behind the
// mapping's. `type` as a contract writes it, `parser` "" for that of the type. Its name is the
// path's last key as names may be, with more of the path if that is taken: a column of this name
// and type that the mapping does not fill is not taken, and the contract stays.
bool pl_propose_added(const pl_proposing *with, pl_span path, pl_span type, pl_span parser,
                      pl_proposal *ret_proposal);

// ---- whole columns -----------------------------------------------------------------------------

// The columns' rules go out of the mapping; with `contract` their declarations, too. The columns
// stay in the table. What is out already is fine, unless that is all.
bool pl_propose_retired(const pl_proposing *with, const pl_span *columns, uint32_t count,
                        bool contract, pl_proposal *ret_proposal);

// "likes__next", of likes: where a rule that is not proven yet is tried beside the old one.
pl_span pl_beside_name(pl_span column, pl_arena *arena);
// Whether `name` is that of the column beside `column`.
bool pl_is_beside(pl_span name, pl_span column);
// Columns that have one that the mapping fills, and whose rule reads the path: ascending.
void pl_mapping_beside(const pl_mapping *mapping, pl_span path, pl_arena *arena,
                       uint32_t **ret_columns, uint32_t *ret_count);

// The rules of `change`, a proposal made of the same files, each in a new column beside the one it
// is of, of its type and never required; that one keeps its own. A required or critical column
// cannot: records that it does not take are no rows.
bool pl_propose_beside(const pl_proposing *with, const pl_proposal *change,
                       pl_proposal *ret_proposal);

// The other way round: the columns beside those that read the path go out of the mapping, and with
// `contract` out of that. With `take` the columns have their rules from then on. What is out
// already is fine, unless that is all. The mapping must be written before the contract: it may not
// name a column that is not there.
bool pl_propose_together(const pl_proposing *with, pl_span path, bool take, bool contract,
                         pl_proposal *ret_proposal);

#endif
