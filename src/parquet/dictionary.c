// SPDX-License-Identifier: Apache-2.0
#include "parquet/dictionary_int.h"

#include <stdlib.h>

#include "base/hash.h"
#include "parquet/hybrid_int.h"

struct pl_dictionary_slot {
    uint32_t hash;
    uint32_t entry; // 1-based; 0: free
};

enum {
    SAMPLE_MIN = 512,  // pairs of rows: less cannot tell a column that repeats little from one
    SAMPLE_MAX = 2048, //   that does not
    SAMPLE_STEPS = 64,
    SLOTS_MIN = 1024,
    BLOCK = 128, // values hashed before they are looked up
    STEPS_MIN = 1000 * 1000,
    STEPS_PER_ROW = 32
};

typedef enum shape { TEXT, FOUR, EIGHT, SIXTEEN } shape;

// `s` is a constant in every caller of these two, so each shape gets a loop of its own.
static inline uint32_t row_hash(const pl_column *column, uint32_t row, shape s)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash;
    switch (s) {
    case FOUR:
        hash = (uint32_t)column->i32[row] * odd;
        break;
    case EIGHT:
        hash = (uint64_t)column->i64[row] * odd;
        hash ^= hash >> 29; // doubles of few digits differ in their high bits only
        hash *= odd;
        break;
    case SIXTEEN:
        hash = ((uint64_t)column->i128[row] ^ (uint64_t)(column->i128[row] >> 64) * 31) * odd;
        break;
    default:
        hash = pl_hash(pl_column_span(column, row));
    }
    return (uint32_t)(hash >> 32);
}

static inline uint64_t load(const char *at, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, at, bytes); // a constant in every caller
    return value;
}

// As pl_span_equal, without a call: most values of a dictionary are short.
static inline bool text_equal(pl_span a, pl_span b)
{
    size_t bytes = a.bytes;
    if (bytes != b.bytes) return false;
    if (bytes > 64) return pl_span_equal(a, b);
    if (bytes >= 8) { // words, of which the last may overlap the one before
        for (size_t at = 0; at < bytes - 8; at += 8)
            if (load(a.data + at, 8) != load(b.data + at, 8)) return false;
        return load(a.data + bytes - 8, 8) == load(b.data + bytes - 8, 8);
    }
    if (bytes >= 4)
        return load(a.data, 4) == load(b.data, 4) &&
               load(a.data + bytes - 4, 4) == load(b.data + bytes - 4, 4);
    return !bytes || (a.data[0] == b.data[0] && a.data[bytes / 2] == b.data[bytes / 2] &&
                      a.data[bytes - 1] == b.data[bytes - 1]);
}

static inline bool row_equal(const pl_column *column, uint32_t a, uint32_t b, shape s)
{
    switch (s) {
    case FOUR:
        return column->i32[a] == column->i32[b];
    case EIGHT:
        return column->i64[a] == column->i64[b];
    case SIXTEEN:
        return column->i128[a] == column->i128[b];
    default:
        return text_equal(pl_column_span(column, a), pl_column_span(column, b));
    }
}

static void table_size(pl_dictionary *d, uint32_t slots)
{
    if (slots > d->slot_room) {
        free(d->slots);
        d->slots = pl_alloc(slots * sizeof *d->slots);
        d->slot_room = slots;
    }
    d->slot_count = slots;
    memset(d->slots, 0, slots * sizeof *d->slots);
    for (uint32_t entry = 0; entry < d->count; entry++) {
        uint32_t at = d->hashes[entry] & (slots - 1);
        while (d->slots[at].entry) at = (at + 1) & (slots - 1);
        d->slots[at] = (struct pl_dictionary_slot){d->hashes[entry], entry + 1};
    }
}

static uint32_t add_entry(pl_dictionary *d, uint32_t row, uint32_t hash)
{
    if (d->count == d->room) {
        d->room = d->room ? d->room * 2 : SLOTS_MIN / 2;
        d->rows = pl_realloc(d->rows, d->room * sizeof *d->rows);
        d->hashes = pl_realloc(d->hashes, d->room * sizeof *d->hashes);
    }
    d->rows[d->count] = row;
    d->hashes[d->count] = hash;
    return ++d->count;
}

// How many of every 1024 rows repeat an earlier one, judged by pairs of neighbours spread over all
// of them at uneven distances, so that a group whose second half repeats its first one is not taken
// for unique, nor one whose equals stand together. Equal hashes count as equal values. 1024 where
// there are too few to judge.
static inline uint32_t repeats(pl_dictionary *d, const pl_column *column, shape s)
{
    uint32_t pairs = PL_MIN(column->count / 8, (uint32_t)SAMPLE_MAX);
    if (pairs < SAMPLE_MIN) return 1024;
    uint32_t distance = column->count / pairs, seen = 0, again = 0, jump = 1;
    table_size(d, 4 * SAMPLE_MAX);
    for (uint32_t row = 0; row < column->count - 1; row += distance / 2 + (jump >> 16) % distance) {
        jump = jump * 1664525u + 1013904223u; // a linear congruence: any would do
        if (seen >= 2 * pairs) break;
        for (uint32_t r = row; r < row + 2; r++) {
            if (!column->valid[r]) continue;
            uint32_t hash = row_hash(column, r, s), at = hash & (d->slot_count - 1), steps = 0;
            while (d->slots[at].entry && d->slots[at].hash != hash && ++steps < SAMPLE_STEPS)
                at = (at + 1) & (d->slot_count - 1);
            again += d->slots[at].entry != 0;
            d->slots[at] = (struct pl_dictionary_slot){hash, 1};
            seen++;
        }
    }
    return seen < SAMPLE_MIN ? 1024 : again * 1024 / seen;
}

// The entry of the value in `row`, a new one if need be. False: too many bytes, or too many steps.
static inline bool look_up(pl_dictionary *d, const pl_column *column, uint32_t row, uint32_t hash,
                           size_t width, size_t bytes_max, shape s)
{
    uint32_t at = hash & (d->slot_count - 1);
    for (; d->slots[at].entry; at = (at + 1) & (d->slot_count - 1), d->steps++)
        if (d->slots[at].hash == hash && row_equal(column, d->rows[d->slots[at].entry - 1], row, s))
            break;
    uint32_t entry = d->slots[at].entry;
    if (!entry) {
        if (d->steps > STEPS_MIN && d->steps / STEPS_PER_ROW > row) return false;
        d->bytes += s == TEXT ? 4 + pl_column_span(column, row).bytes : width;
        if (d->bytes > bytes_max) return false;
        entry = add_entry(d, row, hash);
        d->slots[at] = (struct pl_dictionary_slot){hash, entry};
        if (entry > d->slot_count / 2) table_size(d, d->slot_count * 2);
    }
    d->indices[d->index_count++] = entry - 1;
    return true;
}

// False as soon as the entries pass `bytes_max`, or when looking them up takes as long as only
// values made for it do. A value that is the one before it once more, as often in what plumb adds,
// is not even hashed; hashes of the others are made a block ahead of the looking up, which then
// does not wait for them.
static inline bool build(pl_dictionary *d, const pl_column *column, size_t width, size_t bytes_max,
                         shape s)
{
    uint32_t share = repeats(d, column, s), slots = SLOTS_MIN;
    if (share < 2) return false; // unique: a dictionary would be built only to be dropped
    while (share < 768 && slots < column->count) slots *= 2; // it will grow that far
    table_size(d, slots);
    d->steps = 0;
    uint32_t rows[BLOCK], hashes[BLOCK];
    bool again[BLOCK];
    uint32_t last = UINT32_MAX; // the last row that is not NULL
    for (uint32_t row = 0; row < column->count;) {
        uint32_t count = 0;
        for (; row < column->count && count < BLOCK; row++) {
            if (!column->valid[row]) continue;
            again[count] = last != UINT32_MAX && row_equal(column, last, row, s);
            if (!again[count]) hashes[count] = row_hash(column, row, s);
            rows[count++] = last = row;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (again[i]) {
                d->indices[d->index_count] = d->indices[d->index_count - 1];
                d->index_count++;
            } else if (!look_up(d, column, rows[i], hashes[i], width, bytes_max, s)) {
                return false;
            }
        }
    }
    return true;
}

static bool build_any(pl_dictionary *d, const pl_column *column, size_t width, size_t bytes_max)
{
    switch (column->type.kind) {
    case PL_INT:
    case PL_DATE:
    case PL_FLOAT:
        return build(d, column, width, bytes_max, FOUR);
    case PL_LONG:
    case PL_TIMESTAMP:
    case PL_DOUBLE:
        return build(d, column, width, bytes_max, EIGHT);
    case PL_DECIMAL:
        return build(d, column, width, bytes_max, SIXTEEN);
    default:
        return build(d, column, width, bytes_max, TEXT);
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
    d->count = d->index_count = 0;
    d->bytes = 0;

    if (!build_any(d, column, leaf->width, PL_MIN(bytes_max, plain))) return false;
    // Runs can only make the indices smaller than this.
    size_t packed = ((size_t)values * pl_hybrid__width(d->count - 1) + 7) / 8;
    return d->bytes + packed < plain;
}

void pl_dictionary__done(pl_dictionary *d)
{
    free(d->slots);
    free(d->rows);
    free(d->hashes);
    free(d->indices);
    *d = (pl_dictionary){0};
}
