// keyset.h -- counts rows whose key was seen before in the same raw object.
//
// The key's values are hashed to 64 bits; equal hashes count as equal keys (one wrong count in some
// 10^7 objects of a million rows). The set starts anew for each object, and within an object when
// PL_KEYS_MAX are in it, so memory is bounded and the count is then a lower bound. So it is of keys
// made to lie close together in the table: not all of them are remembered.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_KEYSET_H
#define PL_FLOW_KEYSET_H

#include "contract/contract.h"

#define PL_KEYS_MAX (1024u * 1024) // 16 MiB

typedef struct pl_keyset {
    int *columns; // index in the schema of each key column; owned
    uint32_t column_count;
    uint64_t *slots; // owned; 0: free
    uint32_t capacity, count;
    uint64_t duplicates;  // of this object, but for those who wait
    uint64_t waiting[16]; // hashes whose slots are on their way from memory
    uint32_t waiting_count;
} pl_keyset;

void pl_keyset_init(pl_keyset *set, const pl_contract *contract, const pl_schema *schema);
void pl_keyset_done(pl_keyset *set);
void pl_keyset_object(pl_keyset *set); // a new object begins
// One row of it. Its hash is 0 joined with the values of the key columns in their order.
void pl_keyset_add(pl_keyset *set, uint64_t hash);
uint64_t pl_keyset_join(uint64_t hash, const pl_value *value);
uint64_t pl_keyset_duplicates(pl_keyset *set); // among its rows so far

#endif
