// drift_words.h -- a finding told as a colleague would: what changed, how sure that is, what
// happens, what you can do, and what comes next if you do nothing.
//
// Every text is of a class and a state. Somebody who has never seen plumb must know from it what to
// do: no word of ours without what it means, and files, columns and commands by their names.
//
// drift_words.c makes all paragraphs but what you can do, which is drift_advice.c.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_DRIFT_WORDS_H
#define PL_CLI_DRIFT_WORDS_H

#include "cli/drift.h"

typedef struct words {
    pl_cli *cli;
    const pl_drift_facts *facts;
    const pl_finding_row *row;
    const pl_finding_doc *doc;
    pl_drift_class class;
    pl_buf out; // the paragraph
} words;

// Both add to the paragraph.
void pl_words__say(words *w, const char *fmt, ...) PL_PRINTF(2, 3);
void pl_words__count(words *w, int64_t count, const char *one, const char *many);

const char *pl_words__limit(const words *w); // how long what may go by itself waits: "90 minutes"
const char *pl_words__path(const words *w);  // that the column reads, or would
bool pl_words__empty(const words *w);        // raw objects came without any record
bool pl_words__waits(const words *w);        // raw objects wait for it
bool pl_words__over(const words *w);         // it is decided, or went away
bool pl_words__column(const words *w);       // a column was made of the new path

// drift_advice.c: the paragraphs before and behind the diff.
void pl_words__todo(words *w);
void pl_words__cost(words *w);

#endif
