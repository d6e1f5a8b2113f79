// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

struct pl_map_slot {
    pl_span key; // data == NULL: free
    uint64_t hash;
    uint32_t value;
};

static struct pl_map_slot *slot_of(const pl_map *map, pl_span key, uint64_t hash)
{
    for (uint32_t i = (uint32_t)hash;; i++) {
        struct pl_map_slot *slot = &map->slots[i & (map->capacity - 1)];
        if (!slot->key.data || (slot->hash == hash && pl_span_equal(slot->key, key))) return slot;
    }
}

uint32_t pl_map_get(const pl_map *map, pl_span key)
{
    if (!map->count) return PL_MAP_NONE;
    const struct pl_map_slot *slot = slot_of(map, key, pl_hash(key));
    return slot->key.data ? slot->value : PL_MAP_NONE;
}

static void map_grow(pl_map *map)
{
    pl_map bigger = {.capacity = map->capacity ? map->capacity * 2 : 16, .count = map->count};
    bigger.slots = pl_zalloc(bigger.capacity, sizeof *bigger.slots);
    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key.data)
            *slot_of(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    free(map->slots);
    *map = bigger;
}

uint32_t pl_map_add(pl_map *map, pl_span key, uint32_t value)
{
    if (map->count * 2 >= map->capacity) map_grow(map);
    if (!key.data) key.data = "";
    uint64_t hash = pl_hash(key);
    struct pl_map_slot *slot = slot_of(map, key, hash);
    if (!slot->key.data) {
        *slot = (struct pl_map_slot){key, hash, value};
        map->count++;
    }
    return slot->value;
}

void pl_map_done(pl_map *map)
{
    free(map->slots);
    *map = (pl_map){0};
}
