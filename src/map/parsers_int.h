// parsers_int.h -- shared inside map/: the parse(...) functions and what they build on.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_MAP_PARSERS_INT_H
#define PL_MAP_PARSERS_INT_H

#include "base/number.h"
#include "map/convert.h"

// Read a slot with an explicit parser (not PL_PARSE_DEFAULT). Same return as pl_convert.
const char *pl_map__parse(const pl_slot *slot, const pl_type *type, const pl_parser *parser,
                          pl_arena *scratch, pl_value *out);

// The unescaped text of a string slot; of any other slot its literal.
pl_span pl_map__text(const pl_slot *slot, pl_arena *scratch);

// number * 10^shift into a numeric column.
const char *pl_map__number(const pl_number *number, int shift, const pl_type *type, pl_value *out);

// Any value as JSON text.
const char *pl_map__json(const pl_slot *slot, pl_arena *scratch, pl_value *out);

#endif
