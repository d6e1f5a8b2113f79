// casefile.h -- case files: what they are made of, whatever rules they state.
//
// A line at the margin is the head of a block, indented lines are its text; empty lines and lines
// that begin with '#' say nothing. "case SENTENCE" begins a case; a file without is one case.
//
//     FILE...        checks; prints what differs and "N passed, N failed"
//     --show FILE    prints the file as it should be, from what really happens
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_CASEFILE_H
#define PL_TEST_CASEFILE_H

#include "base/buf.h"

enum { CASE_BLOCKS = 24 };

typedef struct case_block {
    pl_span head, text; // text: with its indentation
} case_block;

typedef struct case_text {
    pl_span sentence;
    case_block blocks[CASE_BLOCKS];
    int count;
} case_text;

char *case_read(const char *path); // the whole file, to be freed; ends the process if it cannot
bool case_next(pl_span *text, case_text *ret_case); // false: no more
pl_span case_line(pl_span *text);                   // takes the next line off
// Whether a head begins with this word or words; what stands behind them.
bool case_head(pl_span head, const char *name, pl_span *ret_rest);

// The main of a runner whose cases say what is found in blocks of that head: `play` appends to
// found[i] what the i-th of them should say.
int case_main(int argc, char **argv, const char *head,
              void (*play)(const case_text *one, pl_buf *found));

#endif
