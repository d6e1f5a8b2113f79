// SPDX-License-Identifier: Apache-2.0
#include "parquet/hybrid_int.h"

#include "parquet/thrift_read_int.h"

uint32_t pl_hybrid__width(uint32_t max)
{
    return max == 0 ? 1 : 32 - (uint32_t)__builtin_clz(max);
}

void pl_hybrid__run(pl_buf *out, uint32_t value, uint32_t count, uint32_t width)
{
    pl_thrift__varint(out, (uint64_t)count << 1);
    for (uint32_t bit = 0; bit < width; bit += 8) pl_buf_char(out, (char)(value >> bit));
}

// One body for both element sizes; `narrow` is a constant in each caller.
static inline uint32_t at(const void *values, uint32_t index, bool narrow)
{
    return narrow ? ((const uint8_t *)values)[index] : ((const uint32_t *)values)[index];
}

static inline uint64_t load(const void *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

// How many values from `first` on are the same.
static inline uint32_t run_from(const void *values, uint32_t first, uint32_t end, bool narrow)
{
    uint32_t value = at(values, first, narrow), i = first + 1;
    for (; narrow && end - i >= 8; i += 8) // most levels stand in long runs
        if (load((const uint8_t *)values + i) != value * UINT64_C(0x0101010101010101)) break;
    while (i < end && at(values, i, narrow) == value) i++;
    return i - first;
}

// Eight values of up to 16 bits, as two words of four: no branch, no loop. Writes up to 8 bytes
// more than it fills. With runs looked for eight
// values at a time, half the instructions of levels and indices: 15.6 M to 7.4 M of 31,250 posts.
static inline void pack_eight(uint8_t *to, const uint64_t v[8], uint32_t width)
{
    uint64_t low = v[0] | v[1] << width | (v[2] | v[3] << width) << 2 * width;
    uint64_t high = v[4] | v[5] << width | (v[6] | v[7] << width) << 2 * width;
    if (width & 1) high = high << 4 | low >> (4 * width - 4);
    memcpy(to, &low, sizeof low);
    memcpy(to + width / 2, &high, sizeof high);
}

static inline void pack_wide(uint8_t *to, const uint64_t v[8], uint32_t width)
{
    uint64_t bits = 0;
    uint32_t held = 0; // bits held back, < 8 between values, so that 8 + 32 always fit
    for (uint32_t i = 0; i < 8; i++) {
        bits |= v[i] << held;
        for (held += width; held >= 8; held -= 8, bits >>= 8) *to++ = (uint8_t)bits;
    }
}

static inline void pack(pl_buf *out, const void *values, uint32_t first, uint32_t end,
                        uint32_t width, bool narrow)
{
    uint32_t groups = (end - first + 7) / 8;
    pl_thrift__varint(out, (uint64_t)groups << 1 | 1);
    size_t bytes = (size_t)groups * width;
    uint8_t *to = (uint8_t *)pl_buf_reserve(out, bytes + 8);
    for (; first < end; first += 8, to += width) {
        if (narrow && width == 1 && end - first >= 8) { // each byte's low bit to its place
            *to = (uint8_t)(load((const uint8_t *)values + first) * UINT64_C(0x0102040810204080) >>
                            56);
            continue;
        }
        uint64_t v[8] = {0};
        uint32_t count = PL_MIN(end - first, 8u);
        if (PL_LIKELY(count == 8))
            for (uint32_t i = 0; i < 8; i++) v[i] = at(values, first + i, narrow);
        else
            for (uint32_t i = 0; i < count; i++) v[i] = at(values, first + i, narrow);
        if (width <= 16)
            pack_eight(to, v, width);
        else
            pack_wide(to, v, width);
    }
    out->count += bytes;
}

// Whether a run of `run_min` values starts at `first`: mostly not, as eight of them tell at once.
static inline bool run_at(const void *values, uint32_t first, uint32_t end, uint32_t run_min,
                          bool narrow)
{
    if (end - first < run_min) return false;
    uint64_t differs;
    if (narrow) {
        uint64_t all = load((const uint8_t *)values + first);
        differs = all ^ (all & 0xff) * UINT64_C(0x0101010101010101);
    } else {
        const uint32_t *v = (const uint32_t *)values + first;
        uint64_t two = load(v);
        differs = (v[0] ^ v[1]) | (two ^ load(v + 2)) | (two ^ load(v + 4)) | (two ^ load(v + 6));
    }
    return !differs && run_from(values, first, first + run_min, narrow) >= run_min;
}

static inline void encode(pl_buf *out, const void *values, uint32_t count, uint32_t width,
                          bool narrow)
{
    // A run costs up to 3 bytes beside the literals around it: only worth it past 24 bits or so.
    uint32_t run_min = width == 1 ? 32 : width <= 3 ? 16 : 8;
    uint32_t first = 0;
    while (first < count) {
        uint32_t run = run_from(values, first, count, narrow);
        if (run >= run_min || run == count - first) {
            pl_hybrid__run(out, at(values, first, narrow), run, width);
            first += run;
            continue;
        }
        // Literals come in whole groups of 8, so a run can only be taken up at a group's start.
        uint32_t end = first;
        do {
            end += 8;
        } while (end < count && !run_at(values, end, count, run_min, narrow));
        end = PL_MIN(end, count);
        pack(out, values, first, end, width, narrow);
        first = end;
    }
}

void pl_hybrid__levels(pl_buf *out, const uint8_t *values, uint32_t count, uint32_t width)
{
    encode(out, values, count, width, true);
}

void pl_hybrid__indices(pl_buf *out, const uint32_t *values, uint32_t count, uint32_t width)
{
    encode(out, values, count, width, false);
}

static inline void set(void *out, uint32_t index, uint32_t value, bool narrow)
{
    if (narrow)
        ((uint8_t *)out)[index] = (uint8_t)value;
    else
        ((uint32_t *)out)[index] = value;
}

static inline bool unpack(const uint8_t *from, uint32_t width, uint32_t max, void *out,
                          uint32_t first, uint32_t end, bool narrow)
{
    uint64_t bits = 0, mask = (UINT64_C(1) << width) - 1;
    uint32_t held = 0; // bits at hand, < 32 before a byte is added
    for (uint32_t i = first; i < end; i++, bits >>= width, held -= width) {
        for (; held < width; held += 8) bits |= (uint64_t)*from++ << held;
        if ((bits & mask) > max) return false;
        set(out, i, (uint32_t)(bits & mask), narrow);
    }
    return true;
}

static inline bool decode(pl_span in, size_t *at, uint32_t width, uint32_t max, void *out,
                          uint32_t count, bool narrow)
{
    uint32_t first = 0;
    while (first < count) {
        uint64_t head;
        if (!pl_thrift__get_varint(in, at, UINT32_MAX, &head)) return false;
        size_t left = in.bytes - *at;
        const uint8_t *from = (const uint8_t *)in.data + *at;
        uint64_t run = head >> 1;
        if (head & 1) { // literals, in groups of 8
            if (run == 0 || run * width > left || run * 8 - 7 > count - first) return false;
            uint32_t end = (uint32_t)PL_MIN(first + run * 8, (uint64_t)count);
            if (!unpack(from, width, max, out, first, end, narrow)) return false;
            *at += run * width;
            first = end;
            continue;
        }
        uint32_t bytes = (width + 7) / 8, value = 0;
        if (run == 0 || run > count - first || bytes > left) return false;
        for (uint32_t i = 0; i < bytes; i++) value |= (uint32_t)from[i] << 8 * i;
        if (value > max) return false;
        for (uint32_t end = first + (uint32_t)run; first < end; first++)
            set(out, first, value, narrow);
        *at += bytes;
    }
    return true;
}

bool pl_hybrid__get_levels(pl_span in, size_t *at, uint32_t width, uint32_t max, uint8_t *out,
                           uint32_t count)
{
    return decode(in, at, width, max, out, count, true);
}

bool pl_hybrid__get_indices(pl_span in, size_t *at, uint32_t width, uint32_t max, uint32_t *out,
                            uint32_t count)
{
    return decode(in, at, width, max, out, count, false);
}
