// contract_int.h -- what contract.c, columns.c, checks.c and layout.c share while a contract file
// is read.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_CONTRACT_INT_H
#define PL_CONTRACT_CONTRACT_INT_H

#include "base/map.h"
#include "contract/contract.h"
#include "contract/words_int.h"

typedef struct pl_contract_reading {
    pl_reading base;
    pl_contract *contract;
    pl_map names;   // column name -> index
    pl_span *spans; // the names, for suggestions
} pl_contract_reading;

// Index of the column named by text of `node` at `offset`; -1 and a mistake if there is none.
int pl_contract__find(const pl_contract_reading *self, const pl_yaml *node, size_t offset,
                      pl_span name);
// Items of a list, or the one scalar that stands for a list of one.
const pl_yaml *pl_contract__items(const pl_contract_reading *self, const pl_yaml *node,
                                  const char *what, bool *ret_single);

// Read `sort:`, `compression:` and `encodings:`, how the table's files are laid out.
void pl_contract__layout(pl_contract_reading *self, const pl_yaml *root);

// Read `checks:`. Columns and which of them are critical are known.
void pl_contract__checks(pl_contract_reading *self, const pl_yaml *root);

// Read `columns:` into the contract, and the names for look-ups.
void pl_contract__columns(pl_contract_reading *self, const pl_yaml *root);

// pl_contract_parse, but a contract whose columns are sound is returned although something else in
// it is not (*ret_good false): mappings are then still checked against it.
pl_contract *pl_contract__parse(const char *file, pl_span text, pl_arena *arena,
                                pl_problems *problems, pl_problems *warnings, bool *ret_good);

#endif
