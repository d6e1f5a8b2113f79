// SPDX-License-Identifier: Apache-2.0
#include "parquet/range_int.h"

// One loop per C type, without a branch after the first value that counts: `rows` is NULL for all
// rows that are not NULL. `skip` is a condition on the value v that leaves it out, as comparing
// does by itself.
#define SCAN(name, ctype, member, skip)                                                            \
    static pl_range name(const pl_column *column, const uint32_t *rows, uint32_t count)            \
    {                                                                                              \
        pl_range range = {.min.kind = column->type.kind, .max.kind = column->type.kind};           \
        ctype min = 0, max = 0;                                                                    \
        uint32_t i = 0, nans = 0;                                                                  \
        for (; i < count && !range.has; i++) {                                                     \
            uint32_t row = rows ? rows[i] : i;                                                     \
            ctype v = column->member[row];                                                         \
            nans += column->valid[row] && (skip);                                                  \
            range.has = column->valid[row] && !(skip);                                             \
            min = max = v;                                                                         \
        }                                                                                          \
        bool nulls = column->nulls != 0;                                                           \
        for (; i < count; i++) {                                                                   \
            uint32_t row = rows ? rows[i] : i;                                                     \
            ctype v = column->member[row];                                                         \
            if (nulls) v = column->valid[row] ? v : min;                                           \
            nans += (skip);                                                                        \
            min = v < min ? v : min;                                                               \
            max = v > max ? v : max;                                                               \
        }                                                                                          \
        range.nans = nans;                                                                         \
        range.min.member = min;                                                                    \
        range.max.member = max;                                                                    \
        return range;                                                                              \
    }

SCAN(scan_i32, int32_t, i32, false)
SCAN(scan_i64, int64_t, i64, false)
SCAN(scan_i128, pl_i128, i128, false)
SCAN(scan_f32, float, f32, v != v)
SCAN(scan_f64, double, f64, v != v)

static pl_range scan_boolean(const pl_column *column, const uint32_t *rows, uint32_t count)
{
    bool seen[2] = {false, false};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows ? rows[i] : i;
        if (column->valid[row]) seen[column->u8[row] != 0] = true;
    }
    pl_range range = {.has = seen[0] || seen[1]};
    range.min = (pl_value){.kind = PL_BOOLEAN, .boolean = !seen[0]};
    range.max = (pl_value){.kind = PL_BOOLEAN, .boolean = seen[1]};
    return range;
}

// Eight bytes of a text as a number that orders as they do, filled up with zeros where it ends.
static inline uint64_t word_at(pl_span text, size_t at)
{
    uint64_t word = 0;
    if (text.bytes >= at + sizeof word)
        memcpy(&word, text.data + at, sizeof word);
    else if (text.bytes > at)
        memcpy(&word, text.data + at, text.bytes - at);
    return __builtin_bswap64(word);
}

// The smallest and the largest text so far, and the first word in which they differ: a text that
// has the words before it (ids and links are alike for long) is compared by that one.
typedef struct text_range {
    bool has;
    pl_span min, max;
    size_t at;
    uint64_t low, high;
} text_range;

// False: one word does not tell.
static inline bool take_word(text_range *range, pl_span text)
{
    if (!range->has || text.bytes < range->at + sizeof(uint64_t)) return false;
    for (size_t i = 0; i < range->at; i += sizeof(uint64_t))
        if (memcmp(text.data + i, range->min.data + i, sizeof(uint64_t)) != 0) return false;
    uint64_t word = word_at(text, range->at);
    if (word > range->low && word < range->high) return true;
    if (word == range->low || word == range->high) return false;
    if (word < range->low) {
        range->min = text;
        range->low = word;
    } else {
        range->max = text;
        range->high = word;
    }
    return true;
}

static void widen(text_range *range, pl_span text)
{
    bool below = !range->has || pl_span_compare(text, range->min) < 0;
    bool above = !range->has || pl_span_compare(text, range->max) > 0;
    if (!below && !above) return;
    if (below) range->min = text;
    if (above) range->max = text;
    range->has = true;
    size_t whole = PL_MIN(range->min.bytes, range->max.bytes) / sizeof(uint64_t);
    range->at = 0;
    while (whole-- && word_at(range->min, range->at) == word_at(range->max, range->at))
        range->at += sizeof(uint64_t);
    range->low = word_at(range->min, range->at);
    range->high = word_at(range->max, range->at);
}

static pl_range scan_text(const pl_column *column, const uint32_t *rows, uint32_t count)
{
    text_range all = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows ? rows[i] : i;
        if (!column->valid[row]) continue;
        pl_span text = pl_column_span(column, row);
        if (!take_word(&all, text)) widen(&all, text);
    }
    pl_range range = {.has = all.has, .min.kind = column->type.kind};
    range.max.kind = column->type.kind;
    range.min.text = all.min;
    range.max.text = all.max;
    return range;
}

static void spread_zeros(pl_range *range)
{
    if (range->min.kind == PL_FLOAT) {
        if (range->min.f32 == 0) range->min.f32 = -0.0f;
        if (range->max.f32 == 0) range->max.f32 = 0.0f;
    } else {
        if (range->min.f64 == 0) range->min.f64 = -0.0;
        if (range->max.f64 == 0) range->max.f64 = 0.0;
    }
}

pl_range pl_range__scan_rows(const pl_column *column, const uint32_t *rows, uint32_t count)
{
    pl_range range;
    switch (column->type.kind) {
    case PL_BOOLEAN:
        return scan_boolean(column, rows, count);
    case PL_INT:
    case PL_DATE:
        return scan_i32(column, rows, count);
    case PL_LONG:
    case PL_TIMESTAMP:
        return scan_i64(column, rows, count);
    case PL_FLOAT:
        range = scan_f32(column, rows, count);
        break;
    case PL_DOUBLE:
        range = scan_f64(column, rows, count);
        break;
    case PL_DECIMAL:
        return scan_i128(column, rows, count);
    default:
        return scan_text(column, rows, count);
    }
    spread_zeros(&range);
    return range;
}

pl_range pl_range__scan(const pl_column *column)
{
    return pl_range__scan_rows(column, NULL, column->count);
}

static bool is_continuation(char c)
{
    return ((uint8_t)c & 0xc0) == 0x80;
}

size_t pl_text__points(pl_span text, uint32_t points)
{
    size_t i = 0;
    for (; points && i < text.bytes; points--) {
        size_t end = PL_MIN(i + 4, text.bytes);
        do {
            i++;
        } while (i < end && is_continuation(text.data[i]));
    }
    return i;
}

size_t pl_text__cut(pl_span text, size_t bytes_max)
{
    if (text.bytes <= bytes_max) return text.bytes;
    size_t bytes = bytes_max;
    while (bytes > 0 && bytes_max - bytes < 3 && is_continuation(text.data[bytes])) bytes--;
    return bytes;
}

static size_t encode(uint32_t point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t bytes = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = bytes; i-- > 1; point >>= 6) to[i] = (char)(0x80 | (point & 0x3f));
    to[0] = (char)(lead[bytes] | point);
    return bytes;
}

// The code point in text[0..bytes), or 0x10FFFF (which nothing follows) if it is not one.
static uint32_t decode(const char *text, size_t bytes)
{
    static const uint8_t lead_bits[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = (uint8_t)text[0] & lead_bits[bytes];
    for (size_t i = 1; i < bytes; i++) point = point << 6 | ((uint8_t)text[i] & 0x3f);
    char again[4];
    bool whole = encode(point, again) == bytes && memcmp(again, text, bytes) == 0;
    return whole ? point : 0x10ffff;
}

bool pl_text__raise(char *text, size_t *bytes)
{
    size_t end = *bytes;
    while (end > 0) {
        size_t start = end - 1;
        while (start > 0 && end - start < 4 && is_continuation(text[start])) start--;
        uint32_t point = decode(text + start, end - start);
        if (point < 0x10ffff) {
            point = point == 0xd7ff ? 0xe000 : point + 1;
            *bytes = start + encode(point, text + start);
            return true;
        }
        end = start;
    }
    return false;
}

static bool is_text(pl_kind kind)
{
    return kind == PL_STRING || kind == PL_JSON;
}

static void take(pl_value *to, char *room, const pl_value *from)
{
    *to = *from;
    if (!is_text(from->kind)) return;
    to->text.bytes = pl_text__points(from->text, PL_BOUND_POINTS + 1);
    to->text.data = room;
    if (to->text.bytes) memcpy(room, from->text.data, to->text.bytes);
}

// Floats need no care here: ranges hold no NaN, and -0 < +0 to pl_value_compare.
void pl_bounds__merge(pl_bounds *bounds, const pl_range *range)
{
    if (!range->has) return;
    if (!bounds->has || pl_value_compare(&range->min, &bounds->min) < 0)
        take(&bounds->min, bounds->min_text, &range->min);
    if (!bounds->has || pl_value_compare(&range->max, &bounds->max) > 0)
        take(&bounds->max, bounds->max_text, &range->max);
    bounds->has = true;
}

void pl_bounds__write(const pl_bounds *bounds, pl_arena *arena, pl_leaf_metrics *ret)
{
    if (!bounds->has) return;
    pl_value lower = bounds->min, upper = bounds->max;
    char room[PL_BOUND_BYTES];
    ret->has_lower = ret->has_upper = true;
    if (is_text(lower.kind)) {
        lower.text.bytes = pl_text__points(lower.text, PL_BOUND_POINTS);
        size_t bytes = pl_text__points(upper.text, PL_BOUND_POINTS);
        if (bytes < upper.text.bytes) {
            memcpy(room, upper.text.data, bytes);
            ret->has_upper = pl_text__raise(room, &bytes);
            upper.text = pl_span_make(room, bytes);
        }
    }
    pl_buf out = {0};
    pl_value_bytes(&out, &lower);
    ret->lower = pl_arena_copy(arena, pl_buf_view(&out));
    pl_buf_reset(&out);
    pl_value_bytes(&out, &upper);
    if (ret->has_upper) ret->upper = pl_arena_copy(arena, pl_buf_view(&out));
    pl_buf_done(&out);
}
