// edit.h -- change one entry of a contract or mapping file and nothing else.
//
// An edit splices bytes at one node: comments, order, spacing, line ends and the quotes of every
// other node stay as they are. The result is composed again and compared with the original tree:
// it must differ in that one entry only, or the edit is refused and nothing is written.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_EDIT_H
#define PL_CONTRACT_EDIT_H

#include "contract/composer.h"

typedef struct pl_edit {
    const char *file;    // for messages
    pl_span text;        // the whole file as it is
    const char *section; // top-level map that holds the entry: "map" or "columns"
    pl_span name;        // the entry: a column
    pl_span value;       // its new scalar, unquoted: a rule or a declaration
    pl_span after;       // insert: the entry to stand behind; "" or unknown: at the end
} pl_edit;

// Replace the scalar of an entry that exists. The whole new file is appended to `out`.
PL_MUST_USE plumb_status pl_edit_set(const pl_edit *edit, pl_buf *out, plumb_error *err);

// Insert an entry that does not exist: PLUMB_E_CONFLICT if it does.
PL_MUST_USE plumb_status pl_edit_insert(const pl_edit *edit, pl_buf *out, plumb_error *err);

// Remove an entry, with the comment behind it and nothing else: PLUMB_E_NOT_FOUND if there is none.
// The last one of a section stays.
PL_MUST_USE plumb_status pl_edit_remove(const pl_edit *edit, pl_buf *out, plumb_error *err);

// A mapping's text under an overlay: a YAML map of column to rule. Each entry takes the place of
// the file's, or joins them at the end. The new text is in `arena`.
PL_MUST_USE plumb_status pl_edit_overlay(const char *file, pl_span text, pl_span overlay,
                                         pl_arena *arena, pl_span *ret_text, plumb_error *err);

// What is left of an overlay over this text: entries that the file does not have word for word. In
// `arena`; "" if nothing is.
PL_MUST_USE plumb_status pl_edit_overlay_left(const char *file, pl_span text, pl_span overlay,
                                              pl_arena *arena, pl_span *ret_left, plumb_error *err);

// The overlay with another rule for a column; "" leaves it to the file. In `arena`; "" if that was
// all.
PL_MUST_USE plumb_status pl_edit_overlay_set(const char *file, pl_span overlay, pl_span name,
                                             pl_span rule, pl_arena *arena, pl_span *ret_overlay,
                                             plumb_error *err);

// The overlay's entries of those columns that `keep` wants. In `arena`; "" if nothing is left.
PL_MUST_USE plumb_status pl_edit_overlay_of(const char *file, pl_span overlay,
                                            bool (*keep)(const void *context, pl_span name),
                                            const void *context, pl_arena *arena,
                                            pl_span *ret_overlay, plumb_error *err);

#endif
