// SPDX-License-Identifier: Apache-2.0
#include "map/watch.h"

#include <stdlib.h>

#include "simd/stride.h"

// What is counted of a path: its kinds, keys that had no room, and whatever nobody asks for.
enum { OVERFLOWN = PL_SHAPE_KINDS, NOTHING, COUNTERS };

// What is known of a path of the shape beside the shape: where the next value may be.
typedef struct trail {
    uint32_t first, next, items; // the key that began it, that followed it, its elements' path
    uint32_t stamp;              // the object it was met in last
    uint32_t last_value;         // of those taken, not yet looked at
    bool elsewhere;              // it has a slot, which is counted
    bool walked;                 // the scanner went into it: only what it left to the rest counts
} trail;

// An object the scanner goes into and takes nothing of as a whole.
typedef struct walked {
    uint32_t node, path;
    uint64_t times;
} walked;

// A slot has had the same kind since a record.
typedef struct slot_run {
    uint64_t since;
    uint64_t items; // elements of its arrays that the scanner has counted
    uint32_t path;
} slot_run;

typedef struct found {
    uint32_t path, counter, times;
} found;

// A scalar of a sampled record. Many of one path are looked at together: what is known of a path
// lies far from that of the next, and is out of the cache by the next record.
typedef struct taken {
    uint32_t path, before; // of the same path
    size_t at, bytes;      // in the text taken
    uint64_t entity;
} taken;

enum { TAKEN_MAX = 2048, TAKEN_BYTES = 256 * 1024 };

typedef struct kept_record {
    size_t bytes;
    uint64_t entity;
    uint32_t window;
} kept_record;

struct pl_watch {
    const pl_scanner *scanner;
    pl_watch_task *task;
    const pl_watch_key *keys;
    uint32_t key_count;
    pl_shape seen;
    uint64_t records;  // of this object, counted here
    slot_run *runs;    // of the scanner's slots
    uint32_t *kinds;   // theirs, since then
    uint32_t *masks;   // and what tells them from others: true and false are one
    uint32_t *holders; // slots that are arrays or objects
    uint32_t holder_count;
    walked *walked;
    uint32_t walked_count;
    uint32_t *of_node; // path of each node of the scanner, once it was met
    uint32_t node_room;
    uint64_t (*counts)[COUNTERS]; // per path
    trail *trails;                // per path
    uint32_t path_room;
    uint32_t stamp;    // of objects walked here
    uint64_t instance; // of the scanner, before this record
    found *found;      // in what was walked
    uint32_t found_count, found_room;
    bool repeated; // a key in one object
    bool full;     // a path had no room
    // Sampling.
    bool sampling;   // values are taken, not counted
    uint64_t entity; // they are about
    taken *taken;    // [TAKEN_MAX]
    uint32_t taken_count;
    pl_buf taken_text;
    uint32_t window;
    pl_buf records_text; // kept
    kept_record *kept;
    uint32_t kept_count, kept_room;
    pl_buf unescaped;
    pl_arena scratch;
};

// By pl_slot_kind.
static const uint8_t counter_of[] = {NOTHING,         PL_SHAPE_NULL,  PL_SHAPE_BOOL,
                                     PL_SHAPE_BOOL,   PL_SHAPE_INT,   PL_SHAPE_FLOAT,
                                     PL_SHAPE_STRING, PL_SHAPE_ARRAY, PL_SHAPE_OBJECT};

// ---- paths -------------------------------------------------------------------------------------
static void grow_paths(pl_watch *w)
{
    if (w->seen.count <= w->path_room) return;
    uint32_t room = w->path_room ? w->path_room : 64;
    while (room < w->seen.count) room *= 2;
    w->counts = pl_realloc(w->counts, room * sizeof *w->counts);
    w->trails = pl_realloc(w->trails, room * sizeof *w->trails);
    memset(w->counts + w->path_room, 0, (room - w->path_room) * sizeof *w->counts);
    for (uint32_t i = w->path_room; i < room; i++)
        w->trails[i] =
            (trail){PL_SHAPE_NONE, PL_SHAPE_NONE, PL_SHAPE_NONE, 0, PL_SHAPE_NONE, false, false};
    w->path_room = room;
}

static uint32_t child(pl_watch *w, uint32_t parent, pl_span key)
{
    uint32_t path = pl_shape_child(&w->seen, parent, key);
    grow_paths(w);
    w->full |= path == PL_SHAPE_NONE;
    return path;
}

// The path of a node, which the scanner may have learned just now.
static uint32_t path_of(pl_watch *w, uint32_t node)
{
    const pl_paths *paths = w->scanner->paths;
    if (node == PL_PATH_ROOT) return PL_SHAPE_ROOT;
    if (node >= w->node_room) {
        uint32_t room = PL_MAX(paths->count, 64u);
        w->of_node = pl_realloc(w->of_node, room * sizeof *w->of_node);
        for (uint32_t i = w->node_room; i < room; i++) w->of_node[i] = PL_SHAPE_NONE;
        w->node_room = room;
    }
    if (w->of_node[node] != PL_SHAPE_NONE) return w->of_node[node];
    uint32_t parent = path_of(w, paths->nodes[node].parent);
    if (parent == PL_SHAPE_NONE) return PL_SHAPE_NONE;
    return w->of_node[node] = child(w, parent, pl_path_key(&paths->nodes[node]));
}

// Paths for what the scanner knows.
static void begin_paths(pl_watch *w)
{
    const pl_paths *paths = w->scanner->paths;
    pl_shape_init(&w->seen);
    grow_paths(w);
    w->taken_count = 0;
    pl_buf_reset(&w->taken_text);
    w->full = false;
    w->walked_count = 0;
    for (uint32_t node = 1; node < paths->count; node++) {
        const pl_path_node *n = &paths->nodes[node];
        if (n->slot < 0 && !n->inside) continue;
        uint32_t path = path_of(w, node);
        if (path == PL_SHAPE_NONE) continue; // more than a shape holds
        if (n->slot >= 0)
            w->runs[n->slot].path = path;
        else
            w->walked[w->walked_count++] = (walked){node, path, 0};
        w->trails[path].elsewhere = n->slot >= 0;
        w->trails[path].walked = n->inside;
    }
}

static void end_paths(pl_watch *w)
{
    pl_shape_done(&w->seen);
    for (uint32_t i = 0; i < w->scanner->slot_count; i++) w->runs[i].path = PL_SHAPE_NONE;
    for (uint32_t i = 0; i < w->node_room; i++) w->of_node[i] = PL_SHAPE_NONE;
    free(w->counts);
    free(w->trails);
    w->counts = NULL;
    w->trails = NULL;
    w->path_room = 0;
}

static void begin_runs(pl_watch *w)
{
    w->records = 0;
    w->holder_count = 0;
    for (uint32_t i = 0; i < w->scanner->slot_count; i++) {
        w->kinds[i] = PL_SLOT_ABSENT;
        w->masks[i] = ~0u;
        w->runs[i].since = w->runs[i].items = 0;
    }
    for (uint32_t i = 0; i < w->walked_count; i++) w->walked[i].times = 0;
}

pl_watch *pl_watch_new(const pl_scanner *scanner, const pl_watch_key *keys, uint32_t key_count,
                       pl_watch_task *task)
{
    pl_watch *w = pl_zalloc(1, sizeof *w);
    w->scanner = scanner;
    w->task = task;
    w->keys = keys;
    w->key_count = key_count;
    w->runs = pl_zalloc(scanner->slot_count, sizeof *w->runs);
    w->kinds = pl_zalloc(scanner->slot_count, sizeof *w->kinds);
    w->masks = pl_zalloc(scanner->slot_count, sizeof *w->masks);
    w->holders = pl_zalloc(scanner->slot_count, sizeof *w->holders);
    w->taken = pl_zalloc(TAKEN_MAX, sizeof *w->taken);
    w->walked = pl_zalloc(scanner->paths->count, sizeof *w->walked);
    end_paths(w);
    begin_paths(w);
    begin_runs(w);
    return w;
}

void pl_watch_free(pl_watch *w)
{
    if (!w) return;
    end_paths(w);
    pl_buf_done(&w->records_text);
    free(w->kept);
    free(w->taken);
    pl_buf_done(&w->taken_text);
    pl_buf_done(&w->unescaped);
    pl_arena_done(&w->scratch);
    free(w->of_node);
    free(w->runs);
    free(w->kinds);
    free(w->masks);
    free(w->holders);
    free(w->walked);
    free(w->found);
    free(w);
}

// ---- values the scanner skipped whole ----------------------------------------------------------
static inline void find(pl_watch *w, uint32_t path, uint32_t counter, uint32_t times)
{
    PL_GROW(w->found, w->found_count, w->found_room);
    w->found[w->found_count++] = (found){path, counter, times};
}

// The path of a key that may have no room.
static uint32_t found_child(pl_watch *w, uint32_t parent, pl_span key)
{
    uint32_t path = child(w, parent, key);
    if (path == PL_SHAPE_NONE && !w->sampling) find(w, parent, OVERFLOWN, 1);
    return path;
}

static void look_at_values(pl_watch *w)
{
    for (uint32_t i = w->taken_count; i-- > 0;) {
        uint32_t path = w->taken[i].path, value = w->trails[path].last_value;
        w->trails[path].last_value = PL_SHAPE_NONE;
        for (; value != PL_SHAPE_NONE; value = w->taken[value].before) {
            const taken *one = &w->taken[value];
            pl_span raw = {w->taken_text.data + one->at, one->bytes};
            pl_shape_value(&w->seen, path, one->entity, raw);
        }
    }
    w->taken_count = 0;
    pl_buf_reset(&w->taken_text);
}

static void take_value(pl_watch *w, uint32_t path, pl_span raw)
{
    if (path == PL_SHAPE_NONE) return;
    if (w->taken_count == TAKEN_MAX || w->taken_text.count > TAKEN_BYTES) look_at_values(w);
    uint32_t *last = &w->trails[path].last_value;
    w->taken[w->taken_count] = (taken){path, *last, w->taken_text.count, raw.bytes, w->entity};
    *last = w->taken_count++;
    pl_buf_span(&w->taken_text, raw);
}

static uint32_t items_of(pl_watch *w, uint32_t path)
{
    if (path == PL_SHAPE_NONE) return PL_SHAPE_NONE;
    if (w->trails[path].items == PL_SHAPE_NONE) {
        uint32_t items = pl_shape_items(&w->seen, path);
        grow_paths(w);
        w->full |= items == PL_SHAPE_NONE;
        w->trails[path].items = items;
    }
    return w->trails[path].items;
}

// Behind the string whose quote is at `at`: the next quote that no backslash escapes.
static inline size_t string_end(pl_span text, size_t at)
{
    const char *first = text.data + at + 1, *quote = first;
    for (;; quote++) {
        quote = memchr(quote, '"', (size_t)(text.data + text.bytes - quote));
        const char *before = quote;
        while (before > first && before[-1] == '\\') before--;
        if ((quote - before) % 2 == 0) return (size_t)(quote + 1 - text.data);
    }
}

// Whether the key at `at` is that of `path`, of which none has an escape.
static inline bool is_key(const pl_watch *w, pl_span text, size_t at, uint32_t path)
{
    if (path == PL_SHAPE_NONE) return false;
    pl_span key = w->seen.paths[path].key;
    at++;
    return text.bytes - at > key.bytes && text.data[at + key.bytes] == '"' &&
           memcmp(text.data + at, key.data, key.bytes) == 0;
}

// The path of the key at `at` in an object; `last` is that of the key before, tried first is what
// stood behind it in the last such object.
static uint32_t key_path(pl_watch *w, pl_span text, size_t at, uint32_t parent, uint32_t last,
                         size_t *ret_end)
{
    if (parent != PL_SHAPE_NONE) {
        uint32_t guess = last == PL_SHAPE_NONE ? w->trails[parent].first : w->trails[last].next;
        if (is_key(w, text, at, guess)) {
            *ret_end = at + w->seen.paths[guess].key.bytes + 2;
            return guess;
        }
    }
    *ret_end = string_end(text, at);
    if (parent == PL_SHAPE_NONE) return PL_SHAPE_NONE;
    pl_span key = {text.data + at + 1, *ret_end - at - 2};
    bool escaped = key.bytes && memchr(key.data, '\\', key.bytes);
    if (escaped) {
        pl_buf_reset(&w->unescaped);
        pl_json_unescape(&w->unescaped, key);
        key = pl_buf_view(&w->unescaped);
    }
    uint32_t path = found_child(w, parent, key);
    if (escaped || path == PL_SHAPE_NONE) return path;
    *(last == PL_SHAPE_NONE ? &w->trails[parent].first : &w->trails[last].next) = path;
    return path;
}

static size_t walk(pl_watch *w, pl_span text, size_t at, uint32_t path);

static size_t walk_object(pl_watch *w, pl_span text, size_t at, uint32_t path)
{
    uint32_t stamp = ++w->stamp, last = PL_SHAPE_NONE;
    for (at = pl_json_space(text, at + 1); text.data[at] == '"';) {
        last = key_path(w, text, at, path, last, &at);
        at = pl_json_space(text, at) + 1; // the colon
        at = pl_json_space(text, at);
        trail *t = last == PL_SHAPE_NONE ? NULL : &w->trails[last];
        if (t) w->repeated |= t->stamp == stamp;
        if (t) t->stamp = stamp;
        if (t && t->elsewhere)
            at = walk(w, text, at, PL_SHAPE_NONE);
        else if (t && t->walked && text.data[at] == '{')
            at = walk_object(w, text, at, last);
        else
            at = walk(w, text, at, last);
        at = pl_json_space(text, at);
        if (text.data[at] == ',') at = pl_json_space(text, at + 1);
    }
    return at + 1;
}

// Texts, as most arrays have, are counted without being told apart. Returns what follows them.
static size_t walk_texts(pl_watch *w, pl_span text, size_t at, uint32_t items)
{
    uint32_t count = 0;
    while (text.data[at] == '"') {
        count++;
        at = pl_json_space(text, string_end(text, at));
        if (text.data[at] == ',') at = pl_json_space(text, at + 1);
    }
    if (count && items != PL_SHAPE_NONE) find(w, items, PL_SHAPE_STRING, count);
    return at;
}

static size_t walk_array(pl_watch *w, pl_span text, size_t at, uint32_t path)
{
    uint32_t items = items_of(w, path);
    uint64_t entity = w->entity;
    at = pl_json_space(text, at + 1);
    if (!w->sampling) at = walk_texts(w, text, at, items);
    for (uint32_t i = 0; text.data[at] != ']'; i++) {
        w->entity = pl_shape_element(entity, i);
        at = pl_json_space(text, walk(w, text, at, items));
        if (text.data[at] == ',') at = pl_json_space(text, at + 1);
    }
    w->entity = entity;
    return at + 1;
}

static size_t number_end(pl_span text, size_t at, pl_shape_kind *ret_kind)
{
    *ret_kind = PL_SHAPE_INT;
    for (char c; c = text.data[at],
                 (uint8_t)(c - '0') < 10 || c == '-' || c == '+' || c == '.' || (c | 32) == 'e';
         at++)
        if (c == '.' || (c | 32) == 'e') *ret_kind = PL_SHAPE_FLOAT;
    return at;
}

// The value at `at`, which is valid and belongs to a container that is in `text` to its end.
// Nothing is counted of what has no path.
static size_t walk(pl_watch *w, pl_span text, size_t at, uint32_t path)
{
    pl_shape_kind kind;
    bool scalar = true;
    size_t end = at;
    switch (text.data[at]) {
    case '"':
        kind = PL_SHAPE_STRING;
        end = string_end(text, at);
        break;
    case '{':
        kind = PL_SHAPE_OBJECT;
        end = walk_object(w, text, at, path);
        scalar = false;
        break;
    case '[':
        kind = PL_SHAPE_ARRAY;
        end = walk_array(w, text, at, path);
        scalar = false;
        break;
    case 'n':
        kind = PL_SHAPE_NULL;
        end += 4;
        scalar = false;
        break;
    case 't':
        kind = PL_SHAPE_BOOL;
        end += 4;
        break;
    case 'f':
        kind = PL_SHAPE_BOOL;
        end += 5;
        break;
    default:
        end = number_end(text, at, &kind);
    }
    if (path == PL_SHAPE_NONE) return end;
    if (!w->sampling)
        find(w, path, (uint32_t)kind, 1);
    else if (scalar)
        take_value(w, path, (pl_span){text.data + at, end - at});
    return end;
}

_Static_assert(offsetof(pl_slot, kind) == 0 && sizeof(pl_slot_kind) == 4, "compared as words");

// ---- one record --------------------------------------------------------------------------------

// With its quotes, if it is a text.
static pl_span whole(const pl_slot *slot)
{
    pl_span raw = slot->raw;
    return slot->kind == PL_SLOT_STRING ? (pl_span){raw.data - 1, raw.bytes + 2} : raw;
}

// The path of a member whose key the scanner did not learn.
static uint32_t unlearned(pl_watch *w, const pl_rest_entry *entry)
{
    uint32_t parent = path_of(w, entry->parent);
    if (parent == PL_SHAPE_NONE) return PL_SHAPE_NONE;
    pl_buf_reset(&w->unescaped);
    pl_json_unescape(&w->unescaped, (pl_span){entry->key.data + 1, entry->key.bytes - 2});
    return found_child(w, parent, pl_buf_view(&w->unescaped));
}

// The same of a member whose key it learned: without room it is asked for each time.
static uint32_t learned(pl_watch *w, const pl_rest_entry *entry)
{
    uint32_t path = path_of(w, entry->node);
    if (path != PL_SHAPE_NONE || w->sampling) return path;
    uint32_t parent = path_of(w, entry->parent);
    if (parent != PL_SHAPE_NONE) find(w, parent, OVERFLOWN, 1);
    return PL_SHAPE_NONE;
}

static void walk_rest(pl_watch *w)
{
    const pl_scanner *s = w->scanner;
    for (uint32_t i = 0; i < s->rest_count; i++) {
        const pl_rest_entry *entry = &s->rest[i];
        uint32_t path = entry->node == PL_PATH_NONE ? unlearned(w, entry) : learned(w, entry);
        if (path == PL_SHAPE_NONE) continue;
        if (entry->value.data[0] == '"' && !w->sampling)
            find(w, path, PL_SHAPE_STRING, 1); // whatever it says
        else
            walk(w, entry->value, 0, path);
    }
}

static void walk_slot(pl_watch *w, uint32_t index)
{
    const pl_slot *slot = &w->scanner->slots[index];
    uint32_t path = w->runs[index].path;
    if (path == PL_SHAPE_NONE) return;
    if (slot->kind == PL_SLOT_OBJECT) {
        walk_object(w, slot->raw, 0, path);
    } else {
        walk_array(w, slot->raw, 0, path);
    }
}

// Count the run of a slot that ends before this record.
static inline void end_run(pl_watch *w, uint32_t slot)
{
    slot_run *run = &w->runs[slot];
    if (run->path != PL_SHAPE_NONE)
        w->counts[run->path][counter_of[w->kinds[slot]]] += w->records - run->since;
    run->since = w->records;
}

// The slot may have another kind than before. Returns whether it was or is an array or an object.
static inline bool compare_kind(pl_watch *w, uint32_t slot)
{
    uint32_t kind = w->scanner->slots[slot].kind, was = w->kinds[slot];
    if (!((kind ^ was) & w->masks[slot])) return false;
    end_run(w, slot);
    w->kinds[slot] = kind;
    w->masks[slot] = kind == PL_SLOT_FALSE || kind == PL_SLOT_TRUE ? ~1u : ~0u;
    return kind >= PL_SLOT_ARRAY || was >= PL_SLOT_ARRAY;
}

// Mostly each slot has the kind it had.
static inline void compare_kinds(pl_watch *w)
{
    const pl_slot *slots = w->scanner->slots;
    const uint32_t *kinds = w->kinds, *masks = w->masks;
    uint32_t count = w->scanner->slot_count, i = 0;
    bool held = false;
    for (; i + 4 <= count; i += 4)
        if (PL_UNLIKELY(
                pl_simd_differ4((const char *)&slots[i], sizeof *slots, kinds + i, masks + i)))
            for (uint32_t slot = i; slot < i + 4; slot++) held |= compare_kind(w, slot);
    for (; i < count; i++) held |= compare_kind(w, i);
    if (!held) return;
    w->holder_count = 0;
    for (i = 0; i < count; i++)
        if (w->kinds[i] >= PL_SLOT_ARRAY) w->holders[w->holder_count++] = i;
}

// Arrays of plain texts need no look. Their elements are counted last: nothing takes them back.
static inline void count_holders(pl_watch *w)
{
    const pl_slot *slots = w->scanner->slots;
    const uint32_t *holder = w->holders, *end = holder + w->holder_count;
    for (; holder < end; holder++)
        if (PL_UNLIKELY(!slots[*holder].has_items)) walk_slot(w, *holder);
    if (PL_UNLIKELY(w->repeated)) return;
    for (holder = w->holders; holder < end; holder++)
        if (slots[*holder].has_items) w->runs[*holder].items += slots[*holder].items.count;
}

// False, and nothing is counted: a key was repeated.
static bool count_record(pl_watch *w)
{
    const pl_scanner *s = w->scanner;
    if (s->duplicates) return false;
    compare_kinds(w);
    w->found_count = 0;
    w->repeated = false;
    if (s->rest_count) walk_rest(w);
    count_holders(w);
    if (w->repeated) return false;
    w->records++;
    const pl_path_node *nodes = s->paths->nodes;
    uint64_t instance = w->instance;
    for (walked *object = w->walked, *end = object + w->walked_count; object < end; object++)
        object->times += nodes[object->node].instance > instance;
    for (uint32_t i = 0; i < w->found_count; i++)
        w->counts[w->found[i].path][w->found[i].counter] += w->found[i].times;
    return true;
}

// The values of all scalars.
static void sample(pl_watch *w, uint64_t entity)
{
    const pl_scanner *s = w->scanner;
    w->sampling = true;
    w->entity = entity;
    w->seen.sampled++;
    for (uint32_t i = 0; i < s->slot_count; i++) {
        pl_slot_kind kind = s->slots[i].kind;
        if (kind >= PL_SLOT_ARRAY)
            walk_slot(w, i);
        else if (kind > PL_SLOT_NULL)
            take_value(w, w->runs[i].path, whole(&s->slots[i]));
    }
    walk_rest(w);
    w->sampling = false;
}

// As it names an entity.
static inline pl_span named(const pl_slot *slot)
{
    return slot->escaped ? whole(slot) : slot->raw;
}

static inline bool is_scalar(const pl_slot *slot)
{
    return slot->kind >= PL_SLOT_FALSE && slot->kind <= PL_SLOT_STRING;
}

// What the record is about; false: it does not say.
static bool entity_of_many(const pl_watch *w, uint64_t *ret_entity)
{
    pl_span values[PL_SHAPE_KEYS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->key_count && count < PL_COUNT(values);) {
        uint32_t column = w->keys[i].column;
        const pl_slot *value = NULL;
        for (; i < w->key_count && w->keys[i].column == column; i++) {
            const pl_slot *slot = &w->scanner->slots[w->keys[i].slot];
            if (!value && is_scalar(slot)) value = slot;
        }
        if (!value) return false;
        values[count++] = named(value);
    }
    if (count) *ret_entity = pl_shape_entity(values, count);
    return count != 0;
}

// Mostly one path says it.
static inline bool entity_of(const pl_watch *w, uint64_t *ret_entity)
{
    if (w->key_count != 1) return entity_of_many(w, ret_entity);
    const pl_slot *slot = &w->scanner->slots[w->keys[0].slot];
    if (!is_scalar(slot)) return false;
    pl_span value = named(slot);
    *ret_entity = pl_shape_entity(&value, 1);
    return true;
}

static pl_json *tree_of(pl_watch *w, pl_span record)
{
    pl_json *tree = NULL;
    plumb_error err;
    pl_arena_reset(&w->scratch);
    return pl_json_parse(record, &w->scratch, &tree, &err) == PLUMB_OK ? tree : NULL;
}

bool pl_watch_are_few(const pl_watch_task *task)
{
    return atomic_load_explicit(&task->records, memory_order_relaxed) < PL_SHAPE_SAMPLE_ALL &&
           atomic_load_explicit(&task->bytes, memory_order_relaxed) <= PL_WATCH_FEW_BYTES;
}

static void keep(pl_watch *w, pl_span record, uint64_t entity, bool sampled)
{
    atomic_fetch_add(&w->task->records, 1);
    if (sampled) return;
    atomic_fetch_add(&w->task->bytes, record.bytes);
    PL_GROW(w->kept, w->kept_count, w->kept_room);
    w->kept[w->kept_count++] = (kept_record){record.bytes, entity, w->window};
    pl_buf_span(&w->records_text, record);
}

static void drop_kept(pl_watch *w)
{
    pl_buf_done(&w->records_text);
    w->kept_count = 0;
}

// A record in which keys repeat.
static void by_tree(pl_watch *w, pl_span record, uint64_t entity, bool sampled)
{
    const pl_json *tree = tree_of(w, record);
    if (!tree) return;
    pl_shape_record(&w->seen, tree);
    if (sampled) pl_shape_sample(&w->seen, tree, entity);
    grow_paths(w);
}

void pl_watch_record(pl_watch *w, pl_span record)
{
    uint64_t entity;
    bool known = entity_of(w, &entity);
    bool sampled = pl_shape_samples(known ? entity : pl_shape_entity(&record, 1));
    if (!known) entity = PL_SHAPE_NOBODY;
    if (pl_watch_are_few(w->task))
        keep(w, record, entity, sampled);
    else if (w->kept_count)
        drop_kept(w);
    if (!count_record(w))
        by_tree(w, record, entity, sampled);
    else if (sampled)
        sample(w, entity);
    w->instance = w->scanner->stamp;
}

void pl_watch_object(pl_watch *w, int64_t received_us, uint32_t window)
{
    w->window = window;
    look_at_values(w); // to be forgotten
    if (w->full) {     // with what this object does not have
        end_paths(w);
        begin_paths(w);
    }
    begin_runs(w);
    memset(w->counts, 0, w->seen.count * sizeof *w->counts);
    pl_shape_forget(&w->seen);
    pl_shape_object(&w->seen, received_us);
}

// What was counted here goes to the shape.
const pl_shape *pl_watch_seen(pl_watch *w)
{
    for (uint32_t i = 0; i < w->scanner->slot_count; i++) {
        slot_run *run = &w->runs[i];
        end_run(w, i);
        uint32_t items = run->items ? items_of(w, run->path) : PL_SHAPE_NONE;
        if (items != PL_SHAPE_NONE) w->counts[items][PL_SHAPE_STRING] += run->items;
    }
    for (uint32_t i = 0; i < w->walked_count; i++)
        w->counts[w->walked[i].path][PL_SHAPE_OBJECT] += w->walked[i].times;
    w->counts[PL_SHAPE_ROOT][PL_SHAPE_OBJECT] += w->records;
    begin_runs(w);
    for (uint32_t path = 0; path < w->seen.count; path++) {
        for (uint32_t kind = 0; kind < PL_SHAPE_KINDS; kind++)
            pl_shape_count(&w->seen, path, (pl_shape_kind)kind, w->counts[path][kind]);
        pl_shape_overflow(&w->seen, path, w->counts[path][OVERFLOWN]);
    }
    memset(w->counts, 0, w->seen.count * sizeof *w->counts);
    look_at_values(w);
    pl_shape_settle(&w->seen);
    return &w->seen;
}

void pl_watch_few(pl_watch *w, uint32_t window, pl_shape *into)
{
    size_t at = 0;
    for (uint32_t i = 0; i < w->kept_count; at += w->kept[i++].bytes) {
        if (w->kept[i].window != window) continue;
        const pl_json *tree = tree_of(w, (pl_span){w->records_text.data + at, w->kept[i].bytes});
        if (tree) pl_shape_sample(into, tree, w->kept[i].entity);
    }
}
