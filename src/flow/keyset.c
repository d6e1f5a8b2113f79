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
    pl_buf_done(&set->key);
    *set = (pl_keyset){0};
}

static void forget(pl_keyset *set)
{
    if (set->count) memset(set->slots, 0, set->capacity * sizeof *set->slots);
    set->count = 0;
}

void pl_keyset_object(pl_keyset *set)
{
    forget(set);
    set->duplicates = 0;
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

void pl_keyset_row(pl_keyset *set, const pl_cell *cells)
{
    if (!set->column_count) return;
    pl_buf_reset(&set->key);
    for (uint32_t i = 0; i < set->column_count; i++) {
        const pl_value *value = &cells[set->columns[i]].value;
        // Length first, so that ("ab", "c") is not ("a", "bc"); NULL differs from every length.
        size_t mark = set->key.count;
        uint32_t bytes = UINT32_MAX;
        pl_buf_append(&set->key, &bytes, sizeof bytes);
        if (value->is_null) continue;
        pl_value_bytes(&set->key, value);
        bytes = (uint32_t)(set->key.count - mark - sizeof bytes);
        memcpy(set->key.data + mark, &bytes, sizeof bytes);
    }
    if (set->count >= PL_KEYS_MAX) forget(set);
    if (set->count * 2 >= set->capacity) grow(set);
    if (add(set->slots, set->capacity, pl_hash(pl_buf_view(&set->key)) | 1))
        set->count++;
    else
        set->duplicates++;
}
