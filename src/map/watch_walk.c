// SPDX-License-Identifier: Apache-2.0
#include "map/watch_int.h"

// ---- paths -------------------------------------------------------------------------------------
void pl_watch__grow(pl_watch *w)
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
    pl_watch__grow(w);
    w->full |= path == PL_SHAPE_NONE;
    return path;
}

uint32_t pl_watch__path(pl_watch *w, uint32_t node)
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
    uint32_t parent = pl_watch__path(w, paths->nodes[node].parent);
    if (parent == PL_SHAPE_NONE) return PL_SHAPE_NONE;
    return w->of_node[node] = child(w, parent, pl_path_key(&paths->nodes[node]));
}

uint32_t pl_watch__items(pl_watch *w, uint32_t path)
{
    if (path == PL_SHAPE_NONE) return PL_SHAPE_NONE;
    if (w->trails[path].items == PL_SHAPE_NONE) {
        uint32_t items = pl_shape_items(&w->seen, path);
        pl_watch__grow(w);
        w->full |= items == PL_SHAPE_NONE;
        w->trails[path].items = items;
    }
    return w->trails[path].items;
}

// ---- values that are taken ----------------------------------------------------------------------
void pl_watch__look(pl_watch *w)
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

void pl_watch__hold(pl_watch *w, pl_span record)
{
    if (w->taken_text.count > TAKEN_BYTES) pl_watch__look(w);
    w->held = record.bytes <= HELD_BYTES ? record : (pl_span){0};
    w->held_at = w->taken_text.count;
    pl_buf_span(&w->taken_text, w->held);
}

// Where a value is in the text taken.
static inline uint32_t place_taken(pl_watch *w, pl_span raw)
{
    if (PL_LIKELY(w->held.data)) return (uint32_t)(w->held_at + (size_t)(raw.data - w->held.data));
    pl_buf_span(&w->taken_text, raw);
    return (uint32_t)(w->taken_text.count - raw.bytes);
}

void pl_watch__take(pl_watch *w, uint32_t path, pl_span raw)
{
    if (path == PL_SHAPE_NONE) return;
    if (PL_UNLIKELY(w->taken_count == TAKEN_MAX ||
                    w->taken_text.count > TAKEN_BYTES + HELD_BYTES)) {
        pl_watch__look(w);
        pl_watch__hold(w, w->held);
    }
    uint32_t *last = &w->trails[path].last_value;
    w->taken[w->taken_count] =
        (taken){path, *last, place_taken(w, raw), (uint32_t)raw.bytes, w->entity};
    *last = w->taken_count++;
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
    uint32_t items = pl_watch__items(w, path);
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
        pl_watch__take(w, path, (pl_span){text.data + at, end - at});
    return end;
}

// ---- what the record left ----------------------------------------------------------------------
// The path of a member whose key the scanner did not learn.
static uint32_t unlearned(pl_watch *w, const pl_rest_entry *entry)
{
    uint32_t parent = pl_watch__path(w, entry->parent);
    if (parent == PL_SHAPE_NONE) return PL_SHAPE_NONE;
    pl_buf_reset(&w->unescaped);
    pl_json_unescape(&w->unescaped, (pl_span){entry->key.data + 1, entry->key.bytes - 2});
    return found_child(w, parent, pl_buf_view(&w->unescaped));
}

// The same of a member whose key it learned: without room it is asked for each time.
static uint32_t learned(pl_watch *w, const pl_rest_entry *entry)
{
    uint32_t path = pl_watch__path(w, entry->node);
    if (path != PL_SHAPE_NONE || w->sampling) return path;
    uint32_t parent = pl_watch__path(w, entry->parent);
    if (parent != PL_SHAPE_NONE) find(w, parent, OVERFLOWN, 1);
    return PL_SHAPE_NONE;
}

void pl_watch__rest(pl_watch *w)
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

void pl_watch__slot(pl_watch *w, uint32_t index)
{
    const pl_slot *slot = &w->scanner->slots[index];
    uint32_t path = w->path_at[index];
    if (path == PL_SHAPE_NONE) return;
    if (slot->kind == PL_SLOT_OBJECT) {
        walk_object(w, slot->raw, 0, path);
    } else {
        walk_array(w, slot->raw, 0, path);
    }
}
