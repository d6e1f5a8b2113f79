// doc_int.h -- what doc.c writes and doc_read.c reads: the format, see doc.c.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SHAPE_DOC_INT_H
#define PL_SHAPE_DOC_INT_H

#include "shape/shape_int.h"

#define PL_SHAPE_VERSION   2
#define PL_SHAPE_INDEX_MAX 40000 // of a bucket: beyond every double

// How a value of a pair is written.
typedef enum pl_pair_form {
    PL_FORM_HASH,
    PL_FORM_INTEGER,
    PL_FORM_NUMBER,
    PL_FORM_BOTH
} pl_pair_form;

#endif
