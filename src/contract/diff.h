// diff.h -- two texts line by line: which lines went and which came.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_DIFF_H
#define PL_CONTRACT_DIFF_H

#include "base/buf.h"

// Lines of `from` that went (came false, numbered as there) and of `to` that came, in the order of
// the text; line ends count. Texts whose different parts have more than 4 million pairs of lines
// differ as a whole.
typedef void (*pl_diff_visit)(void *context, bool came, uint32_t line, pl_span text);
void pl_diff(pl_span from, pl_span to, pl_diff_visit visit, void *context);

// Append the unified diff of one file, without lines that stay: as diff -U 0 writes it and
// git apply -p0 --unidiff-zero takes it. Nothing if the texts are equal.
void pl_diff_unified(pl_buf *out, const char *file, pl_span from, pl_span to);

#endif
