// Records with NUL bytes between them, scanned one after the other: the scanner accepts what the
// tree and the second opinion accept, its slots are the leaves of the tree (of repeated keys the
// last), and its rest is everything else.
//
// SPDX-License-Identifier: Apache-2.0
#include "json/scanner.h"

#include "base/number.h"
#include "fuzz.h"
#include "json/tree.h"

enum { DEEP = 4 };
static const char *const wanted[][DEEP] = {
    {"a"}, {"b", "a"}, {"b", "c"}, {"c"}, {"c", "a"}, {"d", "b", "a"}, {"e\""}, {"long name"},
};
enum { WANTED = PL_COUNT(wanted) };

static uint32_t depth_of(const char *const path[DEEP])
{
    uint32_t depth = 0;
    while (depth < DEEP && path[depth]) depth++;
    return depth;
}

static const pl_json *leaf(const pl_json *record, const char *const path[DEEP])
{
    for (uint32_t i = 0; i < depth_of(path) && record; i++) record = pl_json_get(record, path[i]);
    return record;
}

// What the scanner read of a value beside its text.
static void check_read(const pl_scanner *scanner, const pl_slot *slot, const pl_json *want)
{
    int64_t value;
    pl_number number;
    pl_i128 unscaled;
    if (slot->has_long) FUZZ_CHECK(pl_json_long(want, &value) && value == slot->value);
    if (slot->fraction) {
        FUZZ_CHECK(pl_number_parse(want->raw, &number) == PL_NUMBER_OK);
        FUZZ_CHECK(pl_number_decimal(&number, 0, 38, slot->fraction, &unscaled) == PL_NUMBER_OK);
        FUZZ_CHECK(unscaled == slot->value);
    }
    if (!slot->has_items) return;
    FUZZ_CHECK(want->count == slot->items.count);
    const pl_span *item = scanner->items + slot->items.first;
    for (const pl_json *element = want->first; element; element = element->next, item++) {
        FUZZ_CHECK(element->kind == PL_JSON_STRING && item->data == element->raw.data + 1);
        FUZZ_CHECK(item->bytes == element->raw.bytes - 2);
        FUZZ_CHECK(!item->bytes || !memchr(item->data, '\\', item->bytes));
    }
}

static void check_slot(const pl_scanner *scanner, uint32_t index, const pl_json *want)
{
    const pl_slot *slot = &scanner->slots[index];
    static const pl_slot_kind kinds[] = {
        [PL_JSON_NULL] = PL_SLOT_NULL,     [PL_JSON_FALSE] = PL_SLOT_FALSE,
        [PL_JSON_TRUE] = PL_SLOT_TRUE,     [PL_JSON_NUMBER] = PL_SLOT_NUMBER,
        [PL_JSON_STRING] = PL_SLOT_STRING, [PL_JSON_ARRAY] = PL_SLOT_ARRAY,
        [PL_JSON_OBJECT] = PL_SLOT_OBJECT,
    };
    if (!want) {
        FUZZ_CHECK(slot->kind == PL_SLOT_ABSENT);
        return;
    }
    pl_slot_kind kind = kinds[want->kind];
    pl_span raw = want->raw;
    if (kind == PL_SLOT_NUMBER) kind = pl_slot_kind_of(raw);
    if (kind == PL_SLOT_STRING) raw = (pl_span){raw.data + 1, raw.bytes - 2};
    FUZZ_CHECK(slot->kind == kind);
    FUZZ_CHECK(slot->raw.data == raw.data && slot->raw.bytes == raw.bytes);
    if (kind == PL_SLOT_STRING)
        FUZZ_CHECK(slot->escaped == (raw.bytes && memchr(raw.data, '\\', raw.bytes)));
    check_read(scanner, slot, want);
}

// How a path of `depth` keys stands to the wanted ones.
typedef enum stand { OTHER, INSIDE, TAKEN } stand;

static stand stand_of(const pl_span *path, uint32_t depth)
{
    stand best = OTHER;
    for (uint32_t i = 0; i < WANTED; i++) {
        uint32_t same = 0;
        while (same < depth && same < depth_of(wanted[i]) &&
               pl_span_is(path[same], wanted[i][same]))
            same++;
        if (same < depth) continue;
        if (depth_of(wanted[i]) == depth) return TAKEN;
        best = INSIDE;
    }
    return best;
}

static const pl_json *last_of(const pl_json *object, pl_span key)
{
    const pl_json *found = NULL;
    for (const pl_json *m = object ? object->first : NULL; m; m = m->next)
        if (pl_span_equal(m->key, key)) found = m;
    return found;
}

static void check_rest(const pl_json *object, const pl_json *rest, pl_span *path, uint32_t depth)
{
    uint32_t expected = 0;
    for (const pl_json *m = object->first; m; m = m->next) {
        if (last_of(object, m->key) != m) continue;
        path[depth] = m->key;
        stand is = stand_of(path, depth + 1);
        const pl_json *kept = last_of(rest, m->key);
        if (is == TAKEN) {
            FUZZ_CHECK(!kept);
        } else if (is == INSIDE && m->kind == PL_JSON_OBJECT) {
            FUZZ_CHECK(!kept || (kept->kind == PL_JSON_OBJECT && kept->count));
            check_rest(m, kept, path, depth + 1);
        } else {
            pl_buf compact = {0};
            FUZZ_CHECK(kept);
            pl_json_compact(&compact, m->raw);
            FUZZ_CHECK(pl_span_equal(pl_buf_view(&compact), kept->raw));
            pl_buf_done(&compact);
        }
        expected += kept != NULL;
    }
    FUZZ_CHECK(expected == (rest ? rest->count : 0));
}

static void check_record(pl_scanner *scanner, pl_span text, pl_arena *arena)
{
    pl_json *record, *rest = NULL;
    pl_buf written = {0};
    pl_span path[DEEP + 1];
    pl_arena_reset(arena);
    bool accepted = pl_json_parse(text, arena, &record, NULL) == PLUMB_OK;
    FUZZ_CHECK(accepted == fuzz_json(text));
    size_t start = pl_json_space(text, 0);
    if (start == text.bytes || text.data[start] != '{') return;
    size_t end = pl_scan_record(scanner, text, start);
    FUZZ_CHECK(accepted == (end != SIZE_MAX && pl_json_space(text, end) == text.bytes));
    if (!accepted) {
        FUZZ_CHECK(end != SIZE_MAX ||
                   (scanner->error.reason && scanner->error.offset <= text.bytes));
        return;
    }
    for (uint32_t i = 0; i < WANTED; i++) check_slot(scanner, i, leaf(record, wanted[i]));
    pl_rest_write(&written, scanner->paths, scanner->rest, scanner->rest_count);
    if (written.count)
        FUZZ_CHECK(pl_json_parse(pl_buf_view(&written), arena, &rest, NULL) == PLUMB_OK);
    check_rest(record, rest, path, 0);
    pl_buf_done(&written);
}

void fuzz_one(pl_span input)
{
    pl_paths paths;
    pl_scanner scanner;
    pl_arena arena = {0};
    pl_paths_init(&paths);
    for (uint32_t i = 0; i < WANTED; i++) {
        pl_span keys[DEEP];
        for (uint32_t k = 0; k < depth_of(wanted[i]); k++) keys[k] = pl_span_of(wanted[i][k]);
        FUZZ_CHECK(pl_paths_want(&paths, keys, depth_of(wanted[i])) == i);
    }
    pl_scanner_init(&scanner, &paths);
    while (input.bytes) check_record(&scanner, fuzz_until(&input, '\0'), &arena);
    pl_scanner_done(&scanner);
    pl_paths_done(&paths);
    pl_arena_done(&arena);
}

void fuzz_seeds(void)
{
    fuzz_seed_text("{\"a\":1,\"b\":{\"a\":-2,\"c\":\"x\\u00e9\\ud83d\\ude00\"},\"z\":[1,2.5e-3]}");
    fuzz_seed_text("{\"c\":{\"a\":true,\"x\":null},\"d\":{\"b\":{\"a\":[],\"y\":{}}},\"e\\\"\":0}");
    fuzz_seed_text("{\"a\":1,\"\\u0061\":2,\"b\":{\"q\":1},\"b\":5,\"b\":{\"a\":\"\"}}");
    fuzz_seed_text(" { \"long name\" : 123456789012345678 , \"\xC3\xA9\":\"\xF0\x9F\x98\x80\" } ");
    fuzz_seed_text("[[[[[[{\"a\":[{\"b\":[]}]}]]]]]]");
    fuzz_seed_text(
        "{\"d\":{\"b\":{\"x\":1},\"q\":1},\"d\":{\"r\":1,\"b\":false},\"k\":\"\\/\\b\"}");
    static const char two[] = "{\"a\":1,\"z\":2}\0{\"a\":3,\"z\":4,\"y\":{\"a\":1E+5}}\0{\"z\":1}";
    fuzz_seed(pl_span_make(two, sizeof two - 1));
}
