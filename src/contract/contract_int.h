// contract_int.h -- what contract.c and columns.c share while a contract file is read.
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

// Read `columns:` into the contract, and the names for look-ups.
void pl_contract__columns(pl_contract_reading *self, const pl_yaml *root);

// pl_contract_parse, but a contract whose columns are sound is returned although something else in
// it is not (*ret_good false): mappings are then still checked against it.
pl_contract *pl_contract__parse(const char *file, pl_span text, pl_arena *arena,
                                pl_problems *problems, pl_problems *warnings, bool *ret_good);

#endif
