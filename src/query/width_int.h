// width_int.h -- how many terminal columns a text takes.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_QUERY_WIDTH_INT_H
#define PL_QUERY_WIDTH_INT_H

#include "base/base.h"

// Columns of UTF-8 `text`: 2 for wide letters and emoji, 0 for what combines with the letter
// before, 1 for everything else, broken bytes included.
size_t pl_query__width(pl_span text);

#endif
