// SPDX-License-Identifier: Apache-2.0
#include "shape/shape.h"

#include <stdlib.h>

#include "shape/shape_int.h"

// ---- paths --------------------------------------------------------------------------------------

// Where the child of this key is in its parent's order, or belongs. No hash: keys could be made to
// hash alike, and the key that follows is mostly known anyway (member_path).
static uint32_t place_of(const pl_shape *shape, uint32_t parent, pl_span key, bool *ret_found)
{
    const uint32_t *by_key = shape->paths[parent].by_key;
    uint32_t low = 0, high = shape->paths[parent].children;
    *ret_found = false;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = pl_span_compare(shape->paths[by_key[middle]].key, key);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert_child(pl_shape *shape, uint32_t parent, uint32_t id)
{
    bool found;
    uint32_t at = place_of(shape, parent, shape->paths[id].key, &found);
    pl_shape_path *path = &shape->paths[parent];
    // Room for 4, 8, 16 ...: a power of two is full.
    uint32_t n = path->children;
    if (n == 0 || (n >= 4 && (n & (n - 1)) == 0))
        path->by_key = pl_realloc(path->by_key, PL_MAX(n * 2, 4u) * sizeof *path->by_key);
    memmove(path->by_key + at + 1, path->by_key + at, (n - at) * sizeof *path->by_key);
    path->by_key[at] = id;
    path->children++;
}

uint32_t pl_shape__add(pl_shape *shape, uint32_t parent, pl_span key, pl_shape_step step)
{
    PL_GROW(shape->paths, shape->count, shape->capacity);
    uint32_t id = shape->count++;
    pl_shape_path *path = &shape->paths[id];
    *path = (pl_shape_path){.parent = parent, .step = step};
    path->next = path->elements = PL_SHAPE_NONE;
    path->key = pl_arena_copy(&shape->arena, key);
    if (parent == PL_SHAPE_NONE) return id;
    path->depth = shape->paths[parent].depth + 1;
    if (step == PL_SHAPE_ITEMS)
        shape->paths[parent].elements = id;
    else if (step == PL_SHAPE_AROUND)
        shape->around = id;
    else
        insert_child(shape, parent, id);
    return id;
}

void pl_shape_init(pl_shape *shape)
{
    *shape = (pl_shape){.entity_max = UINT64_MAX, .around = PL_SHAPE_NONE};
    pl_shape__add(shape, PL_SHAPE_NONE, PL_SPAN(""), PL_SHAPE_KEY);
}

void pl_shape_done(pl_shape *shape)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        pl_shape__values_free(shape->paths[i].values);
        free(shape->paths[i].by_key);
    }
    free(shape->paths);
    free(shape->visit);
    pl_arena_done(&shape->arena);
    *shape = (pl_shape){0};
}

void pl_shape_forget(pl_shape *shape)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        pl_shape_path *path = &shape->paths[i];
        pl_shape__values_free(path->values);
        path->values = NULL;
        memset(path->kinds, 0, sizeof path->kinds);
        path->overflow = path->objects = 0;
        path->first_us = path->last_us = 0;
    }
    shape->records = shape->sampled = shape->objects = shape->pair_total = 0;
    shape->first_us = shape->last_us = 0;
    shape->entity_max = UINT64_MAX;
}

size_t pl_shape_bytes(const pl_shape *shape)
{
    size_t bytes = shape->capacity * sizeof *shape->paths + shape->arena.bytes;
    for (uint32_t i = 0; i < shape->count; i++) {
        const pl_shape_values *values = shape->paths[i].values;
        bytes += shape->paths[i].children * sizeof *shape->paths[i].by_key;
        if (!values) continue;
        bytes += sizeof *values + values->pair_capacity * sizeof *values->pairs +
                 values->quantiles.capacity * sizeof *values->quantiles.buckets +
                 values->distinct.count * sizeof *values->distinct.hashes;
        bytes += values->distinct.registers ? (size_t)1 << PL_DISTINCT_BITS : 0;
    }
    return bytes;
}

uint32_t pl_shape_find(const pl_shape *shape, uint32_t parent, pl_span key, pl_shape_step step)
{
    bool found;
    if (step == PL_SHAPE_ITEMS) return shape->paths[parent].elements;
    if (step == PL_SHAPE_AROUND) return shape->around;
    uint32_t at = place_of(shape, parent, key, &found);
    return found ? shape->paths[parent].by_key[at] : PL_SHAPE_NONE;
}

uint32_t pl_shape_child(pl_shape *shape, uint32_t parent, pl_span key)
{
    uint32_t path = pl_shape_find(shape, parent, key, PL_SHAPE_KEY);
    if (path != PL_SHAPE_NONE) return path;
    const pl_shape_path *above = &shape->paths[parent];
    if (shape->count >= PL_SHAPE_PATHS_MAX || above->children >= PL_SHAPE_CHILDREN_MAX ||
        shape->arena.bytes + key.bytes > PL_SHAPE_KEY_BYTES_MAX || above->depth >= PL_DEPTH_MAX)
        return PL_SHAPE_NONE;
    return pl_shape__add(shape, parent, key, PL_SHAPE_KEY);
}

uint32_t pl_shape_items(pl_shape *shape, uint32_t parent)
{
    uint32_t path = shape->paths[parent].elements;
    if (path != PL_SHAPE_NONE) return path;
    if (shape->count >= PL_SHAPE_PATHS_MAX || shape->paths[parent].depth >= PL_DEPTH_MAX)
        return PL_SHAPE_NONE;
    return pl_shape__add(shape, parent, PL_SPAN(""), PL_SHAPE_ITEMS);
}

uint32_t pl_shape_around(pl_shape *shape)
{
    if (shape->around != PL_SHAPE_NONE) return shape->around;
    if (shape->count >= PL_SHAPE_PATHS_MAX) return PL_SHAPE_NONE;
    return pl_shape__add(shape, PL_SHAPE_ROOT, PL_SPAN(""), PL_SHAPE_AROUND);
}

uint32_t pl_shape__below(pl_shape *shape, uint32_t parent, pl_span key, pl_shape_step step)
{
    if (step == PL_SHAPE_KEY) return pl_shape_child(shape, parent, key);
    return step == PL_SHAPE_ITEMS ? pl_shape_items(shape, parent) : pl_shape_around(shape);
}

// ---- observing ----------------------------------------------------------------------------------

static void widen(int64_t *first_us, int64_t *last_us, int64_t at_us)
{
    if (!at_us) return;
    *first_us = *first_us ? PL_MIN(*first_us, at_us) : at_us;
    *last_us = *last_us ? PL_MAX(*last_us, at_us) : at_us;
}

void pl_shape_object(pl_shape *shape, int64_t received_us)
{
    shape->object++;
    shape->objects++;
    shape->received_us = received_us;
    widen(&shape->first_us, &shape->last_us, received_us);
}

void pl_shape_count(pl_shape *shape, uint32_t id, pl_shape_kind kind, uint64_t times)
{
    pl_shape_path *path = &shape->paths[id];
    path->kinds[kind] += times;
    if (id == PL_SHAPE_ROOT) shape->records += times;
    if (path->object == shape->object || !times) return;
    path->object = shape->object;
    path->objects++;
    widen(&path->first_us, &path->last_us, shape->received_us);
}

void pl_shape_overflow(pl_shape *shape, uint32_t parent, uint64_t times)
{
    shape->paths[parent].overflow += times;
}

void pl_shape_value(pl_shape *shape, uint32_t id, uint64_t entity, pl_span raw)
{
    size_t text_bytes;
    pl_shape_scalar scalar = pl_shape__scalar(raw, &text_bytes);
    if (scalar.kind == PL_SHAPE_NULL || scalar.kind >= PL_SHAPE_ARRAY) return;
    pl_shape_path *path = &shape->paths[id];
    if (!path->values) path->values = pl_shape__values_new();
    pl_shape__values_add(path->values, &scalar, raw, text_bytes);
    if (entity == PL_SHAPE_NOBODY || entity > shape->entity_max) return;
    pl_pair pair = {entity, scalar};
    shape->pair_total += (uint64_t)pl_shape__pair_add(path->values, &pair);
    // Half as many more before all are put in order, so that this is seldom.
    if (shape->pair_total > PL_SHAPE_PAIRS_ALL / 2 * 3) pl_shape__fit(shape);
}

static pl_shape_kind kind_of(const pl_json *value)
{
    switch (value->kind) {
    case PL_JSON_NULL:
        return PL_SHAPE_NULL;
    case PL_JSON_FALSE:
    case PL_JSON_TRUE:
        return PL_SHAPE_BOOL;
    case PL_JSON_NUMBER:
        for (size_t i = 0; i < value->text.bytes; i++)
            if (strchr(".eE", value->text.data[i])) return PL_SHAPE_FLOAT;
        return PL_SHAPE_INT;
    case PL_JSON_STRING:
        return PL_SHAPE_STRING;
    case PL_JSON_ARRAY:
        return PL_SHAPE_ARRAY;
    case PL_JSON_OBJECT:
        return PL_SHAPE_OBJECT;
    }
    return PL_SHAPE_NULL;
}

// A walk over a record, or what is around it: either counts, or takes values.
typedef struct walk {
    pl_shape *shape;
    bool counts;
    bool around;
} walk;

static void observe(const walk *w, uint32_t path, const pl_json *value, uint64_t entity);

// The path of a member. The one that followed the member before it the last time is asked first:
// records of one source repeat their key order.
static uint32_t member_path(pl_shape *shape, uint32_t parent, uint32_t before, pl_span key)
{
    uint32_t next = shape->paths[before].next;
    if (next != PL_SHAPE_NONE && shape->paths[next].parent == parent &&
        shape->paths[next].step == PL_SHAPE_KEY && pl_span_equal(shape->paths[next].key, key))
        return next;
    uint32_t path = pl_shape_child(shape, parent, key);
    if (path != PL_SHAPE_NONE) shape->paths[before].next = path;
    return path;
}

// Twice over the members, for a key may be repeated and its last member counts.
static void observe_object(const walk *w, uint32_t parent, const pl_json *object, uint64_t entity)
{
    pl_shape *shape = w->shape;
    uint64_t instance = ++shape->instance;
    uint32_t first = shape->visit_count, before = parent;
    for (const pl_json *member = object->first; member; member = member->next) {
        uint32_t path = member_path(shape, parent, before, member->key);
        if (path == PL_SHAPE_NONE) {
            shape->paths[parent].overflow += w->counts;
            continue;
        }
        before = path;
        shape->paths[path].winner = member;
        if (shape->paths[path].instance == instance) continue;
        shape->paths[path].instance = instance;
        PL_GROW(shape->visit, shape->visit_count, shape->visit_capacity);
        shape->visit[shape->visit_count++] = path;
    }
    uint32_t past = shape->visit_count;
    for (uint32_t i = first; i < past; i++) {
        uint32_t path = shape->visit[i];
        observe(w, path, shape->paths[path].winner, entity);
    }
    shape->visit_count = first;
}

static void observe(const walk *w, uint32_t path, const pl_json *value, uint64_t entity)
{
    pl_shape_kind kind = kind_of(value);
    if (w->counts) pl_shape_count(w->shape, path, kind, 1);
    if (kind == PL_SHAPE_OBJECT) {
        observe_object(w, path, value, entity);
    } else if (kind == PL_SHAPE_ARRAY) {
        if (w->around || !value->first) return;
        uint32_t items = pl_shape_items(w->shape, path), position = 0;
        for (const pl_json *item = value->first; item && items != PL_SHAPE_NONE; item = item->next)
            observe(w, items, item, pl_shape_element(entity, position++));
    } else if (!w->counts) {
        pl_shape_value(w->shape, path, entity, value->raw);
    }
}

void pl_shape_record(pl_shape *shape, const pl_json *record)
{
    observe(&(walk){.shape = shape, .counts = true}, PL_SHAPE_ROOT, record, PL_SHAPE_NOBODY);
}

void pl_shape_sample(pl_shape *shape, const pl_json *record, uint64_t entity)
{
    shape->sampled++;
    observe(&(walk){.shape = shape}, PL_SHAPE_ROOT, record, entity);
}

void pl_shape_document(pl_shape *shape, uint32_t path, const pl_json *document, bool sampled)
{
    walk w = {.shape = shape, .counts = true, .around = true};
    observe(&w, path, document, PL_SHAPE_NOBODY);
    w.counts = false;
    if (sampled) observe(&w, path, document, PL_SHAPE_NOBODY);
}

// ---- looking ------------------------------------------------------------------------------------

uint64_t pl_shape_seen(const pl_shape_path *path)
{
    uint64_t sum = 0;
    for (int i = 0; i < PL_SHAPE_KINDS; i++) sum += path->kinds[i];
    return sum;
}

uint64_t pl_shape_chances(const pl_shape *shape, uint32_t id)
{
    const pl_shape_path *path = &shape->paths[id];
    if (path->step != PL_SHAPE_KEY || path->parent == PL_SHAPE_NONE) return pl_shape_seen(path);
    return shape->paths[path->parent].kinds[PL_SHAPE_OBJECT];
}

static bool is_bare(pl_span key)
{
    for (size_t i = 0; i < key.bytes; i++) {
        char c = key.data[i], lower = (char)(c | 32);
        bool letter = (lower >= 'a' && lower <= 'z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-'))) return false;
    }
    return key.bytes > 0;
}

void pl_shape_path_write(pl_buf *out, const pl_shape *shape, uint32_t id)
{
    uint32_t steps[PL_DEPTH_MAX + 1], count = 0;
    for (; shape->paths[id].parent != PL_SHAPE_NONE; id = shape->paths[id].parent)
        steps[count++] = id;
    pl_buf_char(out, '$');
    while (count > 0) {
        const pl_shape_path *path = &shape->paths[steps[--count]];
        if (path->step == PL_SHAPE_ITEMS) {
            pl_buf_text(out, "[*]");
        } else if (path->step == PL_SHAPE_AROUND) {
            pl_buf_text(out, "doc");
        } else if (is_bare(path->key)) {
            pl_buf_char(out, '.');
            pl_buf_span(out, path->key);
        } else {
            pl_buf_char(out, '[');
            pl_json_quote(out, path->key);
            pl_buf_char(out, ']');
        }
    }
}

uint32_t pl_shape_named(const pl_shape *shape, const char *path)
{
    pl_buf text = {0};
    uint32_t found = PL_SHAPE_NONE;
    for (uint32_t i = 0; i < shape->count && found == PL_SHAPE_NONE; i++) {
        text.count = 0;
        pl_shape_path_write(&text, shape, i);
        if (pl_span_is(pl_buf_view(&text), path)) found = i;
    }
    pl_buf_done(&text);
    return found;
}

const char *pl_shape_kind_name(pl_shape_kind kind)
{
    static const char *const names[PL_SHAPE_KINDS] = {"null",   "bool",  "int",   "float",
                                                      "string", "array", "object"};
    return names[kind];
}

const char *pl_value_class_name(pl_value_class class)
{
    static const char *const names[PL_CLASSES] = {"bool",     "number",   "percent", "epoch s",
                                                  "epoch ms", "epoch us", "time",    "uuid",
                                                  "url",      "word",     "text",    "empty"};
    return names[class];
}
