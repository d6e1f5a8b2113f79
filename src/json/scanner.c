// SPDX-License-Identifier: Apache-2.0
#include "json/scanner.h"

#include <stdlib.h>

#include "json/scanner_int.h"

void pl_scanner_init(pl_scanner *scanner, pl_paths *paths)
{
    *scanner = (pl_scanner){.paths = paths, .slot_count = paths->slot_count};
    uint32_t blocks = paths->slot_count / PL_SLOTS_BLOCK + 1;
    scanner->slots = pl_zalloc(blocks * PL_SLOTS_BLOCK, sizeof *scanner->slots);
    scanner->nodes = pl_zalloc(paths->slot_count, sizeof *scanner->nodes);
    PL_GROW(scanner->items, scanner->item_count, scanner->item_capacity); // none has a place, too
    for (uint32_t node = 0; node < paths->count; node++)
        if (paths->nodes[node].slot >= 0) scanner->nodes[paths->nodes[node].slot] = node;
}

void pl_scanner_done(pl_scanner *scanner)
{
    free(scanner->slots);
    free(scanner->nodes);
    free(scanner->items);
    free(scanner->rest);
    pl_buf_done(&scanner->key);
    *scanner = (pl_scanner){0};
}

static size_t fail_at(pl_scanner *s, size_t offset, const char *reason)
{
    s->error = (pl_json_error){reason, offset};
    return SIZE_MAX;
}

// The key of `node` met again in one object: forget what its value before left behind. Its rest
// entries stand together from `rest_from` on; they are only marked (no value), so that many
// repetitions stay linear.
static void forget(pl_scanner *s, uint32_t node)
{
    const pl_path_node *forgotten = &s->paths->nodes[node];
    s->duplicates++;
    if (forgotten->slot >= 0) s->slots[forgotten->slot].kind = PL_SLOT_ABSENT;
    for (uint32_t i = 0; forgotten->inside && i < s->slot_count; i++)
        if (s->slots[i].kind && pl_paths_below(s->paths, s->nodes[i], node))
            s->slots[i].kind = PL_SLOT_ABSENT;
    if (forgotten->slot >= 0) return; // a wanted value leaves no rest
    for (uint32_t i = forgotten->rest_from; i < s->rest_count; i++) {
        pl_rest_entry *entry = &s->rest[i];
        if (entry->node != node && !pl_paths_below(s->paths, entry->parent, node)) break;
        entry->value = (pl_span){0};
    }
}

static void drop_forgotten(pl_scanner *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->rest_count; i++)
        if (s->rest[i].value.data) s->rest[kept++] = s->rest[i];
    s->rest_count = kept;
}

// The node of the key that starts at text[at] (its quote); *ret_end is after its closing quote.
static uint32_t key_node(pl_scanner *s, pl_span text, size_t at, uint32_t parent, size_t *ret_end)
{
    bool escaped;
    *ret_end = pl_json_skip_string(text, at, &escaped, &s->error);
    if (*ret_end == SIZE_MAX) return PL_PATH_NONE;
    if (*ret_end - at > PL_KEY_BYTES_MAX) {
        *ret_end = fail_at(s, at, "a key is too long");
        return PL_PATH_NONE;
    }
    pl_span key = {text.data + at + 1, *ret_end - at - 2};
    if (escaped) {
        pl_buf_reset(&s->key);
        pl_json_unescape(&s->key, key);
        key = pl_buf_view(&s->key);
    }
    uint32_t node = pl_paths_child(s->paths, parent, key, true);
    if (node != PL_PATH_NONE && !s->paths->nodes[node].raw_bytes) {
        pl_span raw = {text.data + at, *ret_end - at};
        s->paths->nodes[node].raw = pl_arena_copy(&s->paths->arena, raw).data;
        s->paths->nodes[node].raw_bytes = (uint32_t)raw.bytes;
    }
    return node;
}

pl_slot_kind pl_slot_kind_of(pl_span value)
{
    switch (value.bytes ? value.data[0] : '\0') {
    case 'n':
        return PL_SLOT_NULL;
    case 'f':
        return PL_SLOT_FALSE;
    case 't':
        return PL_SLOT_TRUE;
    case '"':
        return PL_SLOT_STRING;
    case '[':
        return PL_SLOT_ARRAY;
    case '{':
        return PL_SLOT_OBJECT;
    case '\0':
        return PL_SLOT_ABSENT;
    default:
        for (size_t i = 0; i < value.bytes; i++)
            if (value.data[i] == '.' || (value.data[i] | 32) == 'e') return PL_SLOT_NUMBER;
        return PL_SLOT_INTEGER;
    }
}

static void rest_add(pl_scanner *s, uint32_t parent, uint32_t node, pl_span key, pl_span value)
{
    PL_GROW(s->rest, s->rest_count, s->rest_capacity);
    s->rest[s->rest_count++] = (pl_rest_entry){parent, node, key, value};
}

// A key of the object that is open now: met for the first time in it?
static inline void meet(pl_scanner *s, pl_path_node *nodes, uint32_t child)
{
    pl_path_node *met = &nodes[child];
    uint64_t instance = nodes[met->parent].instance;
    if (PL_UNLIKELY(met->stamp == instance)) forget(s, child);
    met->stamp = instance;
    met->rest_from = s->rest_count;
}

// An object below the record that a slot takes as a whole, although it is walked.
static bool is_taken_whole(const pl_scanner *s, uint32_t node)
{
    return s->paths->nodes[node].slot >= 0 && node != PL_PATH_ROOT;
}

static void open_object(pl_scanner *s, pl_span text, size_t at, uint32_t node)
{
    s->paths->nodes[node].instance = ++s->stamp;
    if (!is_taken_whole(s, node)) return;
    // Its slot notes where it began, and how much rest there was: inside there is none.
    s->slots[s->paths->nodes[node].slot] =
        (pl_slot){.raw = {text.data + at, 0}, .value = s->rest_count};
}

static void close_object(pl_scanner *s, pl_span text, size_t end, uint32_t node)
{
    if (!is_taken_whole(s, node)) return;
    pl_slot *slot = &s->slots[s->paths->nodes[node].slot];
    slot->kind = PL_SLOT_OBJECT;
    slot->raw.bytes = (size_t)(text.data + end - slot->raw.data);
    s->rest_count = (uint32_t)slot->value;
    slot->value = 0;
}

// Where the scan is: before the value of `child` in `container`, or behind it. `container` is kept
// only from step to step; an edge leaves it to be looked up as the parent of `from`.
typedef struct place {
    uint32_t container;
    uint32_t child; // PL_PATH_NONE: its key was not learned
    uint32_t from;  // the child whose edges lead on; PL_PATH_NONE: none yet in `container`
    pl_span key;    // of a child without slot, as it stands
    bool first;     // nothing stands before `at` in `container`
    bool ended;     // the record is over
    bool at_value;  // of `from`
} place;

// Key and colon, up to the value.
static size_t member(pl_scanner *s, pl_span text, size_t at, place *p)
{
    size_t key_end;
    if (at >= text.bytes) return fail_at(s, at, "the text ends inside an object");
    if (text.data[at] != '"') return fail_at(s, at, "a key in quotes is expected here");
    p->child = key_node(s, text, at, p->container, &key_end);
    if (key_end == SIZE_MAX) return SIZE_MAX;
    p->key = (pl_span){text.data + at, key_end - at};
    if (p->child != PL_PATH_NONE) meet(s, s->paths->nodes, p->child);
    at = pl_json_space(text, key_end);
    if (at >= text.bytes) return fail_at(s, at, "the text ends inside an object");
    if (text.data[at] != ':') return fail_at(s, at, "a colon is expected here");
    return pl_json_space(text, at + 1);
}

static bool is_walked(const pl_scanner *s, pl_span text, size_t at, uint32_t node)
{
    return node != PL_PATH_NONE && s->paths->nodes[node].inside && at < text.bytes &&
           text.data[at] == '{';
}

// Into the object at `at`, which is the value of `p->child`. Returns where its first key may be.
static size_t enter(pl_scanner *s, pl_span text, size_t at, place *p)
{
    open_object(s, text, at, p->child);
    p->container = p->child;
    p->from = PL_PATH_NONE;
    p->first = true;
    return at + 1;
}

// What lies between two values, byte by byte, up to the next one that is not walked. *edge is what
// can be learned of it: its `moves` is UINT8_MAX if nothing can.
static size_t step(pl_scanner *s, pl_span text, size_t at, place *p, pl_path_edge *edge)
{
    *edge = (pl_path_edge){.to = PL_PATH_ROOT};
    for (bool plain = true;; edge->moves = plain ? PL_MAX(edge->moves, 1) : UINT8_MAX) {
        at = pl_json_space(text, at);
        if (at >= text.bytes) return fail_at(s, at, "the text ends inside an object");
        if (text.data[at] == '}') {
            plain &= !is_taken_whole(s, p->container);
            close_object(s, text, ++at, p->container);
            p->ended = p->container == PL_PATH_ROOT;
            if (p->ended) {
                edge->moves = plain ? PL_MAX(edge->moves, 1) : UINT8_MAX;
                return at;
            }
            p->from = p->container;
            p->container = s->paths->nodes[p->container].parent;
            p->first = false;
            continue;
        }
        if (!p->first) {
            if (text.data[at] != ',') return fail_at(s, at, "a comma or } is expected here");
            at = pl_json_space(text, at + 1);
        }
        at = member(s, text, at, p);
        if (at == SIZE_MAX) return SIZE_MAX;
        p->first = false;
        if (!is_walked(s, text, at, p->child)) break;
        plain &= !is_taken_whole(s, p->child) && edge->moves < 1 + PL_COUNT(edge->opened);
        if (plain) {
            edge->moves = PL_MAX(edge->moves, 1);
            edge->opened[edge->moves++ - 1] = p->child;
        }
        at = enter(s, text, at, p);
    }
    if (p->child == PL_PATH_NONE) return at; // what was expected may still come
    edge->to = p->from = p->child;
    return at;
}

static size_t step_and_learn(pl_scanner *s, pl_span text, size_t at, place *p)
{
    pl_path_edge edge;
    uint32_t from = p->from;
    uint64_t duplicates = s->duplicates;
    size_t end = step(s, text, at, p, &edge);
    if (end == SIZE_MAX || from == PL_PATH_NONE || end - at > PL_EDGE_BYTES ||
        edge.moves == UINT8_MAX || duplicates != s->duplicates ||
        (!p->ended && p->child == PL_PATH_NONE))
        return end;
    edge.bytes = (uint8_t)(end - at);
    memcpy(edge.literal, text.data + at, edge.bytes);
    if (!p->ended) {
        edge.key_at = (uint8_t)(p->key.data - (text.data + at));
        edge.key_bytes = (uint8_t)p->key.bytes;
    }
    pl_paths_learn(s->paths, from, &edge);
    return end;
}

static int depth_of(const pl_scanner *s, uint32_t container)
{
    int depth = 1;
    for (; container != PL_PATH_ROOT; depth++) container = s->paths->nodes[container].parent;
    return depth;
}

static size_t any_value(pl_scanner *s, uint32_t index, pl_span text, size_t at)
{
    pl_slot *slot = &s->slots[index];
    char c = at < text.bytes ? text.data[at] : '\0';
    bool number = c == '-' || (c >= '0' && c <= '9'), integer = false;
    size_t end;
    *slot = (pl_slot){0};
    if (number)
        end = pl_json_skip_number(text, at, &integer, &s->error);
    else if (c == '"')
        end = pl_json_skip_string(text, at, &slot->escaped, &s->error);
    else
        end =
            pl_json_skip(text, at, depth_of(s, s->paths->nodes[s->nodes[index]].parent), &s->error);
    if (end == SIZE_MAX) return SIZE_MAX;
    slot->raw = (pl_span){text.data + at, end - at};
    slot->kind = integer ? PL_SLOT_INTEGER : number ? PL_SLOT_NUMBER : pl_slot_kind_of(slot->raw);
    if (c == '"') slot->raw = (pl_span){text.data + at + 1, end - at - 2};
    return end;
}

// The value of `p->child`: into its slot, or one more rest entry.
static size_t value(pl_scanner *s, pl_span text, size_t at, const place *p)
{
    int32_t index = p->child == PL_PATH_NONE ? -1 : s->paths->nodes[p->child].slot;
    if (index < 0) {
        uint32_t parent =
            p->child == PL_PATH_NONE ? p->container : s->paths->nodes[p->child].parent;
        size_t end = pl_json_skip(text, at, depth_of(s, parent), &s->error);
        if (end != SIZE_MAX)
            rest_add(s, parent, p->child, p->key, (pl_span){text.data + at, end - at});
        return end;
    }
    return any_value(s, (uint32_t)index, text, at);
}

// Into the objects that begin in the edge.
static void move(pl_scanner *s, pl_path_node *nodes, const pl_path_edge *edge)
{
    for (uint32_t o = 0; o + 1 < edge->moves; o++) {
        meet(s, nodes, edge->opened[o]);
        nodes[edge->opened[o]].instance = ++s->stamp;
    }
}

// From a value, or from behind one, as far as learned edges lead and values are simple. An edge
// takes all between two values at one look: it was valid JSON once, from the same place, so it is
// now. Returns where it is: at a value again, or behind one. (One loop over edges and values, its
// place in registers: a fifth less than a call for each.)
static size_t follow(pl_scanner *s, pl_span text, size_t from_at, place *p)
{
    pl_path_node *nodes = s->paths->nodes, *from = &nodes[p->from];
    uint64_t instance = nodes[p->from == PL_PATH_ROOT ? PL_PATH_ROOT : from->parent].instance;
    const char *at = text.data + from_at, *end = text.data + text.bytes;
    pl_slot *slots = s->slots;
    for (bool at_value = p->at_value;; at_value = false) {
        if (!at_value) {
            const pl_path_edge *edge = from->edges;
            size_t bytes = (size_t)(end - at);
            uint32_t left = from->edge_count;
            for (; left && !pl_simd_begins(at, bytes, edge->literal, edge->bytes); left--) edge++;
            p->at_value = left > 0;
            if (!left) break;
            if (PL_UNLIKELY(edge->moves)) {
                if (edge->to == PL_PATH_ROOT) {
                    p->ended = true;
                    return (size_t)(at + edge->bytes - text.data);
                }
                move(s, nodes, edge);
                instance = nodes[nodes[edge->to].parent].instance;
            }
            from = &nodes[edge->to];
            if (PL_UNLIKELY(from->stamp == instance)) forget(s, edge->to);
            from->stamp = instance;
            const char *before = at;
            at += edge->bytes;
            if (PL_UNLIKELY(from->slot < 0)) {
                from->rest_from = s->rest_count;
                p->key = (pl_span){before + edge->key_at, edge->key_bytes};
                break;
            }
        }
        const char *behind = pl_scan__value(s, &slots[from->slot], at, end);
        if (PL_UNLIKELY(!behind)) break;
        at = behind;
    }
    p->from = (uint32_t)(from - nodes);
    p->child = p->from;
    return (size_t)(at - text.data);
}

static size_t scan_object(pl_scanner *s, pl_span text, size_t at)
{
    place p = {.from = PL_PATH_ROOT, .child = PL_PATH_NONE, .first = true};
    open_object(s, text, at++, PL_PATH_ROOT);
    for (;;) {
        if (p.from != PL_PATH_NONE) at = follow(s, text, at, &p);
        if (p.ended) return at;
        if (!p.at_value) {
            if (p.from != PL_PATH_NONE && p.from != PL_PATH_ROOT) {
                p.container = s->paths->nodes[p.from].parent;
                p.first = false;
            }
            at = step_and_learn(s, text, at, &p);
            if (at == SIZE_MAX || p.ended) return at;
            p.at_value = p.child != PL_PATH_NONE && s->paths->nodes[p.child].slot >= 0;
            if (p.at_value) continue;
        }
        size_t behind = pl_json_space(text, at); // more of it than there was
        bool again = p.at_value && behind != at && s->paths->nodes[p.child].slot >= 0;
        at = behind;
        if (again) continue;
        p.at_value = false;
        // Another kind of value may stand behind an edge than did before.
        if (is_walked(s, text, at, p.child))
            at = enter(s, text, at, &p);
        else
            at = value(s, text, at, &p);
        if (at == SIZE_MAX) return SIZE_MAX;
    }
}

size_t pl_scan_record(pl_scanner *scanner, pl_span text, size_t at)
{
    // A block at a time: a third of the instructions.
    pl_slot *block = scanner->slots, *end_slot = block + scanner->slot_count;
    for (; block < end_slot; block += PL_SLOTS_BLOCK)
        for (uint32_t i = 0; i < PL_SLOTS_BLOCK; i++) block[i].kind = PL_SLOT_ABSENT;
    scanner->rest_count = scanner->item_count = 0;
    scanner->duplicates = 0;
    scanner->error = (pl_json_error){0};
    int32_t slot = scanner->paths->nodes[PL_PATH_ROOT].slot;
    size_t end = scan_object(scanner, text, at);
    if (scanner->duplicates) drop_forgotten(scanner);
    if (end != SIZE_MAX && slot >= 0)
        scanner->slots[slot] = (pl_slot){.kind = PL_SLOT_OBJECT, .raw = {text.data + at, end - at}};
    return end;
}

// The child of `ancestor` on the way down to `node`.
static uint32_t step_below(const pl_paths *paths, uint32_t ancestor, uint32_t node)
{
    while (paths->nodes[node].parent != ancestor) node = paths->nodes[node].parent;
    return node;
}

// Entries of one object stand together after this: those of deeper objects are written where the
// first of them stood.
static void rest_object(pl_buf *out, const pl_paths *paths, const pl_rest_entry *entries,
                        uint32_t count, bool *done, uint32_t node)
{
    bool comma = false;
    pl_buf_char(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (done[i] || !pl_paths_below(paths, entries[i].parent, node)) continue;
        if (comma) pl_buf_char(out, ',');
        comma = true;
        if (entries[i].parent == node) {
            pl_buf_span(out, entries[i].key);
            pl_buf_char(out, ':');
            pl_json_compact(out, entries[i].value);
            done[i] = true;
        } else {
            uint32_t child = step_below(paths, node, entries[i].parent);
            pl_buf_span(out, pl_path_raw(&paths->nodes[child]));
            pl_buf_char(out, ':');
            rest_object(out, paths, entries, count, done, child);
        }
    }
    pl_buf_char(out, '}');
}

void pl_rest_write(pl_buf *out, const pl_paths *paths, const pl_rest_entry *entries, uint32_t count)
{
    if (!count) return;
    bool few[64] = {false};
    bool *done = count <= PL_COUNT(few) ? few : pl_zalloc(count, sizeof *done);
    rest_object(out, paths, entries, count, done, PL_PATH_ROOT);
    if (done != few) free(done);
}
