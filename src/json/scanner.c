// SPDX-License-Identifier: Apache-2.0
#include "json/scanner.h"

#include <stdlib.h>

#include "simd/string.h"

void pl_scanner_init(pl_scanner *scanner, pl_paths *paths)
{
    *scanner = (pl_scanner){.paths = paths, .slot_count = paths->slot_count};
    scanner->slots = pl_zalloc(paths->slot_count, sizeof *scanner->slots);
}

void pl_scanner_done(pl_scanner *scanner)
{
    free(scanner->slots);
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
        if (s->slots[i].kind && pl_paths_below(s->paths, s->slots[i].node, node))
            s->slots[i].kind = PL_SLOT_ABSENT;
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
// `predicted` is tried first: equal raw bytes need neither validation nor a lookup.
static uint32_t key_node(pl_scanner *s, pl_span text, size_t at, uint32_t parent,
                         uint32_t predicted, size_t *ret_end)
{
    if (predicted != PL_PATH_NONE) {
        pl_span raw = s->paths->nodes[predicted].raw;
        if (pl_simd_has(text, at, raw)) {
            *ret_end = at + raw.bytes;
            return predicted;
        }
    }
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
    if (node != PL_PATH_NONE && !s->paths->nodes[node].raw.bytes)
        s->paths->nodes[node].raw =
            pl_arena_copy(&s->paths->arena, (pl_span){text.data + at, *ret_end - at});
    return node;
}

static void integer_value(pl_slot *slot)
{
    bool negative = slot->raw.data[0] == '-';
    size_t digits = slot->raw.bytes - negative;
    slot->has_long = digits <= 18;
    if (!slot->has_long) return;
    int64_t value = 0;
    for (size_t i = negative; i < slot->raw.bytes; i++)
        value = value * 10 + (slot->raw.data[i] - '0');
    slot->value = negative ? -value : value;
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

static size_t scan_object(pl_scanner *s, pl_span text, size_t at, uint32_t node, int depth);

// A wanted value: fill its slot. Objects with wanted paths inside are walked, too.
static size_t scan_wanted(pl_scanner *s, pl_span text, size_t at, uint32_t node, int depth)
{
    pl_slot slot = {.node = node};
    bool integer = false;
    char c = at < text.bytes ? text.data[at] : '\0';
    size_t end;
    if (c == '{' && s->paths->nodes[node].inside) {
        uint32_t rest_before = s->rest_count; // the slot takes the whole object: no rest inside
        end = scan_object(s, text, at, node, depth);
        s->rest_count = rest_before;
    } else if (c == '"')
        end = pl_json_skip_string(text, at, &slot.escaped, &s->error);
    else if (c == '-' || (c >= '0' && c <= '9'))
        end = pl_json_skip_number(text, at, &integer, &s->error);
    else
        end = pl_json_skip(text, at, depth, &s->error);
    if (end == SIZE_MAX) return SIZE_MAX;
    slot.raw = (pl_span){text.data + at, end - at};
    if (c == '"') {
        slot.kind = PL_SLOT_STRING;
        slot.raw = (pl_span){text.data + at + 1, end - at - 2};
    } else if (integer) {
        slot.kind = PL_SLOT_INTEGER;
        integer_value(&slot);
    } else {
        slot.kind = c == '-' || (c >= '0' && c <= '9') ? PL_SLOT_NUMBER : pl_slot_kind_of(slot.raw);
    }
    s->slots[s->paths->nodes[node].slot] = slot;
    return end;
}

static void rest_add(pl_scanner *s, uint32_t parent, uint32_t node, pl_span key, pl_span value)
{
    PL_GROW(s->rest, s->rest_count, s->rest_capacity);
    s->rest[s->rest_count++] = (pl_rest_entry){parent, node, key, value};
}

// The value of a member whose key stood at [key_at, key_end) and named `child`.
static size_t scan_member(pl_scanner *s, pl_span text, pl_span key, size_t at, uint32_t parent,
                          uint32_t child, int depth)
{
    const pl_path_node *node = child == PL_PATH_NONE ? NULL : &s->paths->nodes[child];
    if (node && node->slot >= 0) return scan_wanted(s, text, at, child, depth);
    if (node && node->inside && at < text.bytes && text.data[at] == '{')
        return scan_object(s, text, at, child, depth);
    size_t end = pl_json_skip(text, at, depth, &s->error);
    if (end == SIZE_MAX) return SIZE_MAX;
    rest_add(s, parent, child, key, (pl_span){text.data + at, end - at});
    return end;
}

// The next record's prediction: `child` comes after `previous`, or first in the object `node`.
static void expect(pl_scanner *s, uint32_t node, uint32_t previous, uint32_t child)
{
    if (previous == PL_PATH_NONE)
        s->paths->nodes[node].first_next = child;
    else
        s->paths->nodes[previous].next = child;
}

static void meet(pl_scanner *s, uint32_t child, uint64_t stamp)
{
    pl_path_node *met = &s->paths->nodes[child];
    if (met->stamp == stamp) forget(s, child);
    met->stamp = stamp;
    met->rest_from = s->rest_count;
}

static size_t scan_object(pl_scanner *s, pl_span text, size_t at, uint32_t node, int depth)
{
    if (depth >= PL_DEPTH_MAX) return fail_at(s, at, "values are nested too deep");
    uint64_t stamp = ++s->stamp;
    uint32_t previous = PL_PATH_NONE, predicted = s->paths->nodes[node].first_next;
    at = pl_json_space(text, at + 1);
    if (at < text.bytes && text.data[at] == '}') return at + 1;
    for (;;) {
        if (at >= text.bytes) return fail_at(s, at, "the text ends inside an object");
        if (text.data[at] != '"') return fail_at(s, at, "a key in quotes is expected here");
        size_t key_at = at, key_end;
        uint32_t child = key_node(s, text, at, node, predicted, &key_end);
        if (key_end == SIZE_MAX) return SIZE_MAX;
        if (child != PL_PATH_NONE) {
            if (child != predicted) expect(s, node, previous, child);
            meet(s, child, stamp);
        }
        at = pl_json_space(text, key_end);
        if (at >= text.bytes) return fail_at(s, at, "the text ends inside an object");
        if (text.data[at] != ':') return fail_at(s, at, "a colon is expected here");
        at = pl_json_space(text, at + 1);
        pl_span key = {text.data + key_at, key_end - key_at};
        at = scan_member(s, text, key, at, node, child, depth + 1);
        if (at == SIZE_MAX) return SIZE_MAX;
        at = pl_json_space(text, at);
        if (at >= text.bytes) return fail_at(s, at, "the text ends inside an object");
        if (text.data[at] == '}') return at + 1;
        if (text.data[at] != ',') return fail_at(s, at, "a comma or } is expected here");
        at = pl_json_space(text, at + 1);
        if (child == PL_PATH_NONE) continue; // not learned: what was expected may still come
        previous = child;
        predicted = s->paths->nodes[child].next;
    }
}

size_t pl_scan_record(pl_scanner *scanner, pl_span text, size_t at)
{
    memset(scanner->slots, 0, scanner->slot_count * sizeof *scanner->slots);
    scanner->rest_count = 0;
    scanner->duplicates = 0;
    scanner->error = (pl_json_error){0};
    int32_t slot = scanner->paths->nodes[PL_PATH_ROOT].slot;
    size_t end = scan_object(scanner, text, at, PL_PATH_ROOT, 0);
    if (scanner->duplicates) drop_forgotten(scanner);
    if (end != SIZE_MAX && slot >= 0)
        scanner->slots[slot] = (pl_slot){
            .kind = PL_SLOT_OBJECT, .raw = {text.data + at, end - at}, .node = PL_PATH_ROOT};
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
            pl_buf_span(out, paths->nodes[child].raw);
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
