// SPDX-License-Identifier: Apache-2.0
#include "parquet/dictionary_int.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "parquet/hybrid_int.h"

// 16 bytes and their number are a value itself if it has no more; of a longer text they are hashes.
// That a value is not fetched to be compared, and no table cleared, took dictionaries of 31,250
// posts from 117 M to 58 M instructions.
typedef struct key {
    uint64_t low, high;
    uint32_t bytes; // of a text, else 0
} key;

struct pl_dictionary_slot {
    uint64_t low, high;
    uint32_t bytes;
    uint32_t mark; // base + 1 + entry; free up to base
};

enum {
    WHOLE = sizeof(uint64_t) * 2, // a text of so many bytes is its own key
    SLOTS_MIN = 512,
    ENTRIES_MIN = 256,
    BLOCK = 128,      // keys made before they are looked up
    SAMPLE_SHARE = 4, // one entry in so many values, and more: a sample is taken
    SAMPLE_MIN = 128, // pairs of rows; of at most an eighth of them
    SAMPLE_MAX = 512,
    STEPS_MIN = 1000 * 1000,
    STEPS_PER_ROW = 32
};

typedef enum shape { TEXT, FOUR, EIGHT, SIXTEEN } shape;

static inline uint64_t load(const char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline key text_key(pl_span text, size_t readable)
{
    // From WHOLE - n on: a mask of n bytes.
    static const char masks[2 * WHOLE + 1] = "\xff\xff\xff\xff\xff\xff\xff\xff"
                                             "\xff\xff\xff\xff\xff\xff\xff\xff";
    key made = {.bytes = (uint32_t)text.bytes};
    if (text.bytes > WHOLE) {
        made.low = pl_hash(text);
        made.high = load(text.data + text.bytes - 8);
    } else if (readable >= WHOLE) {
        const char *mask = masks + WHOLE - text.bytes;
        made.low = load(text.data) & load(mask);
        made.high = load(text.data + 8) & load(mask + 8);
    } else {
        char room[WHOLE] = {0};
        memcpy(room, text.data, text.bytes);
        made.low = load(room);
        made.high = load(room + 8);
    }
    return made;
}

// `s` is a constant in every caller of these, so each shape gets a loop of its own: left to itself,
// gcc makes one for all that takes twice as long.
#define EACH __attribute__((always_inline)) static inline

EACH bool same(const struct pl_dictionary_slot *slot, key k, shape s)
{
    return slot->low == k.low && (s == FOUR || s == EIGHT || slot->high == k.high) &&
           (s != TEXT || slot->bytes == k.bytes);
}

// Field by field: copied as a whole, a key just made waits for its parts to reach memory.
EACH void set(struct pl_dictionary_slot *slot, key k, uint32_t mark)
{
    slot->low = k.low;
    slot->high = k.high;
    slot->bytes = k.bytes;
    slot->mark = mark;
}

EACH key row_key(const pl_column *column, uint32_t row, shape s)
{
    switch (s) {
    case FOUR:
        return (key){.low = (uint32_t)column->i32[row]};
    case EIGHT:
        return (key){.low = (uint64_t)column->i64[row]};
    case SIXTEEN:
        return (key){.low = (uint64_t)column->i128[row],
                     .high = (uint64_t)(column->i128[row] >> 64)};
    default:
        return text_key(pl_column_span(column, row), column->heap.count - column->offsets[row]);
    }
}

static inline uint32_t home_of(uint64_t low, uint64_t high)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = (low ^ high * UINT64_C(0xff51afd7ed558ccd)) * odd;
    hash ^= hash >> 32; // doubles of few digits differ in their high bits only
    return (uint32_t)(hash * odd >> 32);
}

// Make `spare` a table of `slots` free ones. Marks of earlier values are at most `base`.
static void table_room(pl_dictionary *d, uint32_t slots)
{
    if (slots <= d->spare_room) return;
    free(d->spare);
    d->spare = pl_zalloc(slots, sizeof *d->spare);
    d->spare_room = slots;
}

static void table_swap(pl_dictionary *d)
{
    struct pl_dictionary_slot *slots = d->slots;
    uint32_t room = d->slot_room;
    d->slots = d->spare;
    d->slot_room = d->spare_room;
    d->spare = slots;
    d->spare_room = room;
}

// A table of `slots`, with the entries that there are.
static void table_size(pl_dictionary *d, uint32_t slots)
{
    uint32_t old = d->slot_count;
    table_room(d, slots);
    table_swap(d);
    d->slot_count = slots;
    for (uint32_t i = 0; d->count && i < old; i++) {
        const struct pl_dictionary_slot *from = &d->spare[i];
        if (from->mark <= d->base) continue;
        uint32_t at = home_of(from->low, from->high) & (slots - 1);
        while (d->slots[at].mark > d->base) at = (at + 1) & (slots - 1);
        d->slots[at] = *from;
    }
}

// Marks of values to come stay above all there are, so that no table has to be cleared.
static void table_begin(pl_dictionary *d, uint32_t slots)
{
    d->base += d->count + 1; // one for the sample
    d->count = d->index_count = 0;
    d->bytes = 0;
    d->steps = 0;
    if (d->base > UINT32_MAX / 2) {
        if (d->slots) memset(d->slots, 0, d->slot_room * sizeof *d->slots);
        if (d->spare) memset(d->spare, 0, d->spare_room * sizeof *d->spare);
        d->base = 1;
    }
    d->slot_count = slots;
    if (slots > d->slot_room) table_size(d, slots);
}

static void add_entry(pl_dictionary *d, uint32_t row)
{
    if (d->count == d->room) {
        d->room = d->room ? d->room * 2 : ENTRIES_MIN;
        d->rows = pl_realloc(d->rows, d->room * sizeof *d->rows);
    }
    d->rows[d->count++] = row;
}

// Enough of a text to tell it from most others.
static inline key sample_key(const pl_column *column, uint32_t row)
{
    pl_span text = pl_column_span(column, row);
    if (text.bytes <= WHOLE) return row_key(column, row, TEXT);
    return (key){load(text.data + text.bytes / 2), load(text.data + text.bytes - 8),
                 (uint32_t)text.bytes};
}

// How many distinct values `values` of them have, judged by `pairs` of neighbours spread over all
// rows at uneven distances, so that a group whose second half repeats its first one is not taken
// for unique, nor one whose equals stand together. Rather too few than too many: of values that are
// not equally frequent, and within what chance may do.
EACH double distinct(pl_dictionary *d, const pl_column *column, uint32_t values, uint32_t pairs,
                     shape s)
{
    uint32_t distance = column->count / pairs, jump = 1;
    double seen = 0, again = 0;
    uint32_t slots = 4 * SAMPLE_MAX, mark = d->base; // free to what is looked up later
    table_room(d, slots);
    for (uint32_t row = 0; row < column->count - 1; row += distance / 2 + (jump >> 16) % distance) {
        jump = jump * 1664525u + 1013904223u; // a linear congruence: any would do
        if (seen >= 2 * pairs) break;
        for (uint32_t r = row; r < row + 2; r++) {
            if (!column->valid[r]) continue;
            key k = s == TEXT ? sample_key(column, r) : row_key(column, r, s);
            uint32_t at = home_of(k.low, k.high) & (slots - 1);
            while (d->spare[at].mark == mark && !same(&d->spare[at], k, s))
                at = (at + 1) & (slots - 1);
            again += d->spare[at].mark == mark;
            set(&d->spare[at], k, mark);
            seen++;
        }
    }
    again += 2 * sqrt(again) + 2;
    double all = seen * seen / (2 * again); // equally frequent ones that would repeat so often
    return all * (1 - exp(-(double)values / all));
}

// Whether a dictionary looks like being smaller than `plain`; if so the table is made as large as
// it is going to be.
EACH bool promising(pl_dictionary *d, const pl_column *column, size_t width, size_t bytes_max,
                    size_t plain, shape s)
{
    uint32_t values = column->count - column->nulls;
    double count = distinct(d, column, values, PL_MIN(values / 8, (uint32_t)SAMPLE_MAX), s);
    double each = s == TEXT ? 4 + (double)column->heap.count / values : (double)width;
    double indices = (double)values * pl_hybrid__width((uint32_t)count) / 8;
    if (count * each > (double)bytes_max || count * each + indices > (double)plain) return false;
    uint32_t slots = d->slot_count;
    while (slots < 3 * count) slots *= 2;
    if (slots > d->slot_count) table_size(d, slots);
    return true;
}

// The entry of the value in `row`, a new one if need be. False: too many bytes, or too many steps.
EACH bool look_up(pl_dictionary *d, const pl_column *column, uint32_t row, key k, uint32_t home,
                  size_t width, size_t bytes_max, shape s)
{
    uint32_t mask = d->slot_count - 1;
    struct pl_dictionary_slot *slot = &d->slots[home & mask];
    for (; slot->mark > d->base; slot = &d->slots[++home & mask], d->steps++) {
        if (!same(slot, k, s)) continue;
        uint32_t entry = slot->mark - d->base - 1;
        if (s == TEXT && PL_UNLIKELY(k.bytes > WHOLE) &&
            !pl_span_equal(pl_column_span(column, d->rows[entry]), pl_column_span(column, row)))
            continue;
        d->indices[d->index_count++] = entry;
        return true;
    }
    if (d->steps > STEPS_MIN && d->steps / STEPS_PER_ROW > row) return false;
    d->bytes += s == TEXT ? 4 + (size_t)k.bytes : width;
    if (d->bytes > bytes_max) return false;
    d->indices[d->index_count++] = d->count;
    add_entry(d, row);
    set(slot, k, d->base + d->count);
    if (d->count > d->slot_count / 2) table_size(d, d->slot_count * 4);
    return true;
}

// False as soon as the entries pass `bytes_max`, or when looking them up takes as long as only
// values made for it do. Keys are made a block ahead of the looking up, which then does not wait
// for them or for the table.
EACH bool build(pl_dictionary *d, const pl_column *column, size_t width, size_t bytes_max,
                size_t plain, shape s)
{
    bool judged = column->count - column->nulls < 8 * SAMPLE_MIN; // too few to tell
    uint64_t low[BLOCK], high[BLOCK];
    uint32_t bytes[BLOCK], rows[BLOCK], homes[BLOCK];
    for (uint32_t row = 0; row < column->count;) {
        uint32_t count = 0, end = row + PL_MIN(column->count - row, (uint32_t)BLOCK);
        for (; row < end; row++) {
            key k = row_key(column, row, s);
            low[count] = k.low;
            high[count] = k.high;
            bytes[count] = k.bytes;
            homes[count] = home_of(k.low, k.high);
            __builtin_prefetch(&d->slots[homes[count] & (d->slot_count - 1)]);
            rows[count] = row;
            count += column->valid[row]; // no branch to guess: the next goes over a NULL
        }
        for (uint32_t i = 0; i < count; i++) {
            key k = {low[i], high[i], bytes[i]};
            if (!look_up(d, column, rows[i], k, homes[i], width, bytes_max, s)) return false;
        }
        if (judged || d->index_count < BLOCK) continue;
        judged = true;
        if (d->count * SAMPLE_SHARE > d->index_count &&
            !promising(d, column, width, bytes_max, plain, s))
            return false;
    }
    return true;
}

// What plumb adds often is one value all over: no key is made of it.
static bool constant(const pl_column *column)
{
    if (column->nulls) return false;
    size_t width = pl_column_width(column->type.kind), rows = column->count;
    const char *values = column->values;
    if (width) return memcmp(values, values + width, (rows - 1) * width) == 0;
    size_t bytes = column->offsets[1], all = column->offsets[rows];
    if (bytes * rows != all) return false;
    if (memcmp(column->heap.data, column->heap.data + bytes, all - bytes) != 0) return false;
    for (size_t row = 1; row < rows; row++)
        if (column->offsets[row] != row * bytes) return false;
    return true;
}

static bool build_any(pl_dictionary *d, const pl_column *column, size_t width, size_t bytes_max,
                      size_t plain)
{
    switch (column->type.kind) {
    case PL_INT:
    case PL_DATE:
    case PL_FLOAT:
        return build(d, column, width, bytes_max, plain, FOUR);
    case PL_LONG:
    case PL_TIMESTAMP:
    case PL_DOUBLE:
        return build(d, column, width, bytes_max, plain, EIGHT);
    case PL_DECIMAL:
        return build(d, column, width, bytes_max, plain, SIXTEEN);
    default:
        return build(d, column, width, bytes_max, plain, TEXT);
    }
}

bool pl_dictionary__build(pl_dictionary *d, const pl_leaf *leaf, const pl_column *column,
                          size_t bytes_max, size_t plain)
{
    uint32_t values = column->count - column->nulls;
    if (leaf->type->kind == PL_BOOLEAN || values == 0) return false;
    if (values > d->index_room) {
        free(d->indices);
        d->indices = pl_alloc(values * sizeof *d->indices);
        d->index_room = values;
    }
    uint32_t *last = &d->lasts[(uint32_t)leaf->field_id % PL_COUNT(d->lasts)];
    uint32_t slots = SLOTS_MIN;
    while (slots < 2 * PL_MIN(*last, values)) slots *= 2;
    table_begin(d, slots);
    bytes_max = PL_MIN(bytes_max, plain);
    bool built = true;
    if (constant(column)) {
        add_entry(d, 0);
        d->bytes = leaf->width ? leaf->width : 4 + (size_t)column->offsets[1];
        d->index_count = values;
        memset(d->indices, 0, values * sizeof *d->indices);
    } else {
        built = build_any(d, column, leaf->width, bytes_max, plain);
    }
    *last = d->count;
    if (!built || d->bytes > bytes_max) return false;
    // Runs can only make the indices smaller than this.
    size_t packed = ((size_t)values * pl_hybrid__width(d->count - 1) + 7) / 8;
    return d->bytes + packed < plain;
}

void pl_dictionary__done(pl_dictionary *d)
{
    free(d->slots);
    free(d->spare);
    free(d->rows);
    free(d->indices);
    *d = (pl_dictionary){0};
}
