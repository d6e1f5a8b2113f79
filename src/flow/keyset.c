// SPDX-License-Identifier: Apache-2.0
#include "flow/keyset.h"

#include <stdlib.h>

#include "base/hash.h"

enum { PROBES_MAX = 128 }; // more than keys need in a table half full, unless made for it

void pl_keyset_init(pl_keyset *set, const pl_contract *contract, const pl_schema *schema)
{
    *set = (pl_keyset){.column_count = contract->key_count};
    set->columns = pl_zalloc(contract->key_count, sizeof *set->columns);
    for (uint32_t i = 0; i < contract->key_count; i++)
        set->columns[i] = pl_schema_find(schema, contract->columns[contract->keys[i]].field.name);
}

void pl_keyset_done(pl_keyset *set)
{
    free(set->columns);
    free(set->slots);
    *set = (pl_keyset){0};
}

static void forget(pl_keyset *set)
{
    if (set->count) memset(set->slots, 0, set->capacity * sizeof *set->slots);
    set->count = 0;
}

// False if it was there. Of keys made to hash alike not all are taken in.
static bool add(uint64_t *slots, uint32_t capacity, uint64_t hash)
{
    for (uint64_t i = 0; i < PROBES_MAX; i++) {
        uint64_t *slot = &slots[(hash + i) & (capacity - 1)];
        if (*slot == hash) return false;
        if (*slot) continue;
        *slot = hash;
        break;
    }
    return true;
}

static void grow(pl_keyset *set)
{
    uint32_t capacity = set->capacity ? set->capacity * 2 : 1024;
    uint64_t *slots = pl_zalloc(capacity, sizeof *slots);
    for (uint32_t i = 0; i < set->capacity; i++)
        if (set->slots[i]) add(slots, capacity, set->slots[i]);
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
}

static void settle(pl_keyset *set)
{
    for (uint32_t i = 0; i < set->waiting_count; i++) {
        if (set->count >= PL_KEYS_MAX) forget(set);
        if (set->count * 2 >= set->capacity) grow(set);
        if (add(set->slots, set->capacity, set->waiting[i]))
            set->count++;
        else
            set->duplicates++;
    }
    set->waiting_count = 0;
}

void pl_keyset_object(pl_keyset *set)
{
    forget(set);
    set->waiting_count = 0;
    set->duplicates = 0;
}

uint64_t pl_keyset_duplicates(pl_keyset *set)
{
    settle(set);
    return set->duplicates;
}

static uint64_t value_hash(const pl_value *value)
{
    if (value->is_null) return UINT64_C(0x510e527fade682d1); // unlike any likely value
    switch (value->kind) {
    case PL_STRING:
    case PL_JSON:
        return pl_hash(value->text);
    case PL_DECIMAL:
        return pl_hash_join((uint64_t)value->i128, (uint64_t)(value->i128 >> 64));
    case PL_BOOLEAN:
        return value->boolean;
    case PL_INT:
    case PL_DATE:
    case PL_FLOAT:
        return (uint32_t)value->i32;
    default:
        return (uint64_t)value->i64;
    }
}

uint64_t pl_keyset_join(uint64_t hash, const pl_value *value)
{
    return pl_hash_join(hash, value_hash(value));
}

void pl_keyset_add(pl_keyset *set, uint64_t hash)
{
    if (!set->column_count) return;
    hash |= 1; // 0 is a free slot
    if (set->capacity) __builtin_prefetch(&set->slots[hash & (set->capacity - 1)]);
    set->waiting[set->waiting_count++] = hash;
    if (set->waiting_count == PL_COUNT(set->waiting)) settle(set);
}
