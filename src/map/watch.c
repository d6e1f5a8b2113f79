// SPDX-License-Identifier: Apache-2.0
#include "map/watch_int.h"

#include <stdlib.h>

#include "simd/stride.h"

// By pl_slot_kind.
static const uint8_t counter_of[] = {NOTHING,         PL_SHAPE_NULL,  PL_SHAPE_BOOL,
                                     PL_SHAPE_BOOL,   PL_SHAPE_INT,   PL_SHAPE_FLOAT,
                                     PL_SHAPE_STRING, PL_SHAPE_ARRAY, PL_SHAPE_OBJECT};

// Paths for what the scanner knows.
static void begin_paths(pl_watch *w)
{
    const pl_paths *paths = w->scanner->paths;
    pl_shape_init(&w->seen);
    pl_watch__grow(w);
    w->taken_count = 0;
    pl_buf_reset(&w->taken_text);
    w->full = false;
    w->walked_count = 0;
    for (uint32_t node = 1; node < paths->count; node++) {
        const pl_path_node *n = &paths->nodes[node];
        if (n->slot < 0 && !n->inside) continue;
        uint32_t path = pl_watch__path(w, node);
        if (path == PL_SHAPE_NONE) continue; // more than a shape holds
        if (n->slot >= 0)
            w->path_at[n->slot] = path;
        else
            w->walked[w->walked_count++] = (walked){node, path, 0};
        w->trails[path].elsewhere = n->slot >= 0;
        w->trails[path].walked = n->inside;
    }
}

static void end_paths(pl_watch *w)
{
    pl_shape_done(&w->seen);
    for (uint32_t i = 0; i < w->scanner->slot_count; i++) w->path_at[i] = PL_SHAPE_NONE;
    for (uint32_t i = 0; i < w->node_room; i++) w->of_node[i] = PL_SHAPE_NONE;
    free(w->counts);
    free(w->trails);
    w->counts = NULL;
    w->trails = NULL;
    w->path_room = 0;
}

static void begin_looks(pl_watch *w)
{
    for (look *l = w->looks; l < w->looks + LOOKS; l++) l->times = 0;
    memset(w->items, 0, w->scanner->slot_count * sizeof *w->items);
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
    w->key_slot = key_count == 1 ? keys[0].slot : scanner->slot_count;
    w->few = true;
    w->pattern_count = (scanner->slot_count / PL_SLOTS_BLOCK + 1) * PL_SLOTS_BLOCK;
    w->pattern = pl_zalloc(w->pattern_count, sizeof *w->pattern);
    size_t pattern_bytes = w->pattern_count * sizeof *w->pattern;
    w->patterns = pl_alloc(LOOKS * pattern_bytes);
    memset(w->patterns, 0xFF, LOOKS * pattern_bytes); // those of no record
    for (uint32_t i = 0; i < LOOKS; i++)
        w->looks[i].pattern = w->patterns + (size_t)i * w->pattern_count;
    w->walked = pl_zalloc(scanner->paths->count, sizeof *w->walked);
    w->marks = pl_zalloc(scanner->paths->count, sizeof *w->marks);
    w->path_at = pl_zalloc(scanner->slot_count, sizeof *w->path_at);
    w->items = pl_zalloc(scanner->slot_count, sizeof *w->items);
    w->taken = pl_zalloc(TAKEN_MAX, sizeof *w->taken);
    end_paths(w);
    begin_paths(w);
    return w;
}

void pl_watch_free(pl_watch *w)
{
    if (!w) return;
    end_paths(w);
    for (look *l = w->looks; l < w->looks + LOOKS; l++) free(l->holders);
    pl_buf_done(&w->records_text);
    free(w->kept);
    free(w->taken);
    pl_buf_done(&w->taken_text);
    pl_buf_done(&w->unescaped);
    pl_arena_done(&w->scratch);
    free(w->of_node);
    free(w->patterns);
    free(w->pattern);
    free(w->walked);
    free(w->marks);
    free(w->path_at);
    free(w->items);
    free(w->found);
    free(w);
}

// ---- counting ----------------------------------------------------------------------------------

_Static_assert(offsetof(pl_slot, kind) == 0 && offsetof(pl_slot, has_items) == 1 &&
                   sizeof(pl_slot_kind) == 1,
               "collected as pairs");

// Each object that the scanner goes into and that a value of the pattern lies in is marked, and
// `times` more of them are counted. Returns how many there are.
static uint32_t count_opened(pl_watch *w, const uint16_t *pattern, uint64_t times)
{
    const pl_path_node *nodes = w->scanner->paths->nodes;
    uint32_t count = 0;
    w->mark++;
    for (uint32_t i = 0; i < w->scanner->slot_count; i++) {
        uint32_t kind = pattern[i] & 0xFF, node = w->scanner->nodes[i];
        if (kind == PL_SLOT_ABSENT || node == PL_PATH_ROOT) continue;
        if (kind != PL_SLOT_OBJECT || !nodes[node].inside) node = nodes[node].parent;
        for (; node != PL_PATH_ROOT && w->marks[node] != w->mark; node = nodes[node].parent) {
            w->marks[node] = w->mark;
            count++;
            if (nodes[node].slot < 0 && w->of_node[node] != PL_SHAPE_NONE)
                w->counts[w->of_node[node]][PL_SHAPE_OBJECT] += times;
        }
    }
    return count;
}

// Its records go to the counts of the paths.
static void reckon(pl_watch *w, look *l)
{
    if (!l->times) return;
    for (uint32_t i = 0; i < w->scanner->slot_count; i++)
        if (w->path_at[i] != PL_SHAPE_NONE)
            w->counts[w->path_at[i]][counter_of[l->pattern[i] & 0xFF]] += l->times;
    w->counts[PL_SHAPE_ROOT][PL_SHAPE_OBJECT] += l->times;
    count_opened(w, l->pattern, l->times);
    l->times = 0;
}

// The pattern of this record takes a place over.
__attribute__((noinline)) static void learn(pl_watch *w, look *l)
{
    const pl_scanner *s = w->scanner;
    reckon(w, l);
    memcpy(l->pattern, w->pattern, w->pattern_count * sizeof *w->pattern);
    l->holders = pl_realloc(l->holders, (s->slot_count + w->walked_count) * sizeof *l->holders);
    l->all = 0;
    for (uint32_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].kind == PL_SLOT_ARRAY && s->slots[i].has_items) l->holders[l->all++] = i;
    l->texts = l->all;
    for (uint32_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].kind == PL_SLOT_OBJECT ||
            (s->slots[i].kind == PL_SLOT_ARRAY && !s->slots[i].has_items))
            l->holders[l->all++] = i;
    l->opened = count_opened(w, l->pattern, 0);
    l->unsaid = 0;
    for (uint32_t i = 0; i < w->walked_count; i++)
        if (w->marks[w->walked[i].node] != w->mark) l->holders[l->all + l->unsaid++] = i;
}

static inline uint64_t word_at(const uint16_t *pattern)
{
    uint64_t word;
    memcpy(&word, pattern, sizeof word);
    return word;
}

// Where the pattern of this record belongs. No record is compared with the one before: whether
// those are alike nobody can predict, but that the pattern is known.
static inline look *look_of(pl_watch *w)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15); // 2^64 over the golden ratio
    const pl_slot *slot = w->scanner->slots;
    uint16_t *to = w->pattern, *const end = to + w->pattern_count;
    uint64_t hash = 0;
    do {
        pl_simd_collect8(to, (const char *)slot, sizeof *slot, PL_SLOT_TRUE);
        hash = ((hash + word_at(to)) * odd + word_at(to + 4)) * odd;
        slot += PL_SLOTS_BLOCK;
    } while ((to += PL_SLOTS_BLOCK) < end);
    return &w->looks[hash >> (64 - LOOK_BITS)];
}

static inline bool is_known(const pl_watch *w, const look *l)
{
    return pl_simd_same8(w->pattern, l->pattern, w->pattern_count / PL_SLOTS_BLOCK);
}

// What the scanner took as a whole, or left. False: a key was repeated in it.
__attribute__((noinline)) static bool count_inside(pl_watch *w, const look *l)
{
    w->found_count = 0;
    w->repeated = false;
    pl_watch__rest(w);
    for (uint32_t i = l->texts; i < l->all; i++) pl_watch__slot(w, l->holders[i]);
    if (w->repeated) return false;
    for (uint32_t i = 0; i < w->found_count; i++)
        w->counts[w->found[i].path][w->found[i].counter] += w->found[i].times;
    return true;
}

// Objects with nothing in them that has a slot.
static void count_unsaid(pl_watch *w, const look *l)
{
    const pl_path_node *nodes = w->scanner->paths->nodes;
    for (uint32_t i = 0; i < l->unsaid; i++) {
        walked *object = &w->walked[l->holders[l->all + i]];
        object->times += nodes[object->node].instance > nodes[PL_PATH_ROOT].instance;
    }
}

static inline uint64_t opened(const pl_scanner *s)
{
    return s->stamp - s->paths->nodes[PL_PATH_ROOT].instance;
}

static inline void count_known(pl_watch *w, look *l)
{
    l->times++;
    for (uint32_t i = 0; i < l->texts; i++)
        w->items[l->holders[i]] += w->scanner->slots[l->holders[i]].items.count;
}

// Whether the pattern of this record, which belongs to `l`, says all there is to count.
static inline bool is_plain(const pl_watch *w, const look *l)
{
    const pl_scanner *s = w->scanner;
    uint64_t more = s->duplicates | s->rest_count | (l->all ^ l->texts) | (opened(s) ^ l->opened);
    return PL_LIKELY(!more) && PL_LIKELY(is_known(w, l));
}

// Any other. False, and nothing is counted: a key was repeated.
static bool count_other(pl_watch *w, look *l)
{
    const pl_scanner *s = w->scanner;
    if (s->duplicates) return false;
    if (!is_known(w, l)) learn(w, l);
    if ((s->rest_count || l->all > l->texts) && !count_inside(w, l)) return false;
    if (opened(s) != l->opened) count_unsaid(w, l);
    count_known(w, l);
    return true;
}

// ---- one record --------------------------------------------------------------------------------

// With its quotes, if it is a text.
static pl_span whole(const pl_slot *slot)
{
    pl_span raw = slot->raw;
    return slot->kind == PL_SLOT_STRING ? (pl_span){raw.data - 1, raw.bytes + 2} : raw;
}

// The values of all scalars.
__attribute__((noinline)) static void sample(pl_watch *w, pl_span record, uint64_t entity)
{
    const pl_scanner *s = w->scanner;
    pl_watch__hold(w, record);
    w->sampling = true;
    w->entity = entity;
    w->seen.sampled++;
    for (uint32_t i = 0; i < s->slot_count; i++) {
        pl_slot_kind kind = s->slots[i].kind;
        if (kind >= PL_SLOT_ARRAY)
            pl_watch__slot(w, i);
        else if (kind > PL_SLOT_NULL)
            pl_watch__take(w, w->path_at[i], whole(&s->slots[i]));
    }
    pl_watch__rest(w);
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
static bool entity_of(const pl_watch *w, uint64_t *ret_entity)
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

pl_json *pl_watch__tree(pl_watch *w, pl_span record)
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

// While the records of the task are few; once they are not, they never are again.
__attribute__((noinline)) static void keep(pl_watch *w, pl_span record, uint64_t entity,
                                           bool sampled)
{
    w->few = pl_watch_are_few(w->task);
    if (!w->few) {
        pl_buf_done(&w->records_text);
        w->kept_count = 0;
        return;
    }
    atomic_fetch_add(&w->task->records, 1);
    if (sampled) return;
    atomic_fetch_add(&w->task->bytes, record.bytes);
    PL_GROW(w->kept, w->kept_count, w->kept_room);
    w->kept[w->kept_count++] = (kept_record){record.bytes, entity, w->window};
    pl_buf_span(&w->records_text, record);
}

// A record in which keys repeat.
__attribute__((noinline)) static void by_tree(pl_watch *w, pl_span record, uint64_t entity,
                                              bool sampled)
{
    const pl_json *tree = pl_watch__tree(w, record);
    if (!tree) return;
    pl_shape_record(&w->seen, tree);
    if (sampled) pl_shape_sample(&w->seen, tree, entity);
    pl_watch__grow(w);
}

__attribute__((noinline)) static void see_other(pl_watch *w, pl_span record, uint64_t entity,
                                                bool sampled)
{
    if (!count_other(w, look_of(w)))
        by_tree(w, record, entity, sampled);
    else if (sampled)
        sample(w, record, entity);
}

__attribute__((noinline)) static void see_any(pl_watch *w, pl_span record)
{
    uint64_t entity;
    bool known = entity_of(w, &entity);
    if (!known) entity = pl_shape_entity(&record, 1);
    bool sampled = pl_shape_samples(entity);
    // A record that lacks its key is one of its own: its values may tell what the key is called
    // now.
    if (!known && !w->key_count) entity = PL_SHAPE_NOBODY;
    if (w->few) keep(w, record, entity, sampled);
    see_other(w, record, entity, sampled);
}

// Of many records, and mostly one plain text says what each is about: 260 instructions where all
// ways in one took 370 (a post of 24,000).
void pl_watch_record(pl_watch *w, pl_span record)
{
    const pl_slot *key = &w->scanner->slots[w->key_slot];
    if (PL_UNLIKELY(w->few || key->kind != PL_SLOT_STRING || key->escaped)) {
        see_any(w, record);
        return;
    }
    uint64_t entity = pl_shape_entity_of_text(key->raw);
    look *l = look_of(w);
    if (PL_UNLIKELY(!is_plain(w, l))) {
        see_other(w, record, entity, pl_shape_samples(entity));
        return;
    }
    count_known(w, l);
    if (PL_UNLIKELY(pl_shape_samples(entity))) sample(w, record, entity);
}

void pl_watch_object(pl_watch *w, int64_t received_us, uint32_t window)
{
    w->window = window;
    pl_watch__look(w); // to be forgotten
    if (w->full) {     // with what this object does not have
        end_paths(w);
        begin_paths(w);
    }
    begin_looks(w);
    memset(w->counts, 0, w->seen.count * sizeof *w->counts);
    pl_shape_forget(&w->seen);
    pl_shape_object(&w->seen, received_us);
}

// What was counted here goes to the shape.
pl_shape *pl_watch_seen(pl_watch *w)
{
    for (look *l = w->looks; l < w->looks + LOOKS; l++) reckon(w, l);
    for (uint32_t i = 0; i < w->scanner->slot_count; i++) {
        uint32_t items = w->items[i] ? pl_watch__items(w, w->path_at[i]) : PL_SHAPE_NONE;
        if (items != PL_SHAPE_NONE) w->counts[items][PL_SHAPE_STRING] += w->items[i];
    }
    for (uint32_t i = 0; i < w->walked_count; i++)
        w->counts[w->walked[i].path][PL_SHAPE_OBJECT] += w->walked[i].times;
    begin_looks(w);
    for (uint32_t path = 0; path < w->seen.count; path++) {
        for (uint32_t kind = 0; kind < PL_SHAPE_KINDS; kind++)
            pl_shape_count(&w->seen, path, (pl_shape_kind)kind, w->counts[path][kind]);
        pl_shape_overflow(&w->seen, path, w->counts[path][OVERFLOWN]);
    }
    memset(w->counts, 0, w->seen.count * sizeof *w->counts);
    pl_watch__look(w);
    pl_shape_settle(&w->seen);
    return &w->seen;
}

void pl_watch_few(pl_watch *w, uint32_t window, pl_shape *into)
{
    size_t at = 0;
    for (uint32_t i = 0; i < w->kept_count; at += w->kept[i++].bytes) {
        if (w->kept[i].window != window) continue;
        const pl_json *tree =
            pl_watch__tree(w, (pl_span){w->records_text.data + at, w->kept[i].bytes});
        if (tree) pl_shape_sample(into, tree, w->kept[i].entity);
    }
}
