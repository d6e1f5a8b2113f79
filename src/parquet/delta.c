// SPDX-License-Identifier: Apache-2.0
#include "parquet/delta_int.h"

#include "parquet/thrift_int.h"
#include "parquet/thrift_read_int.h"

enum { MINIS = 4, MINI = PL_DELTA_BLOCK / MINIS };

typedef struct block {
    uint64_t deltas[PL_DELTA_BLOCK]; // less `least`; zeros behind `count` of them
    int64_t least;
    uint8_t widths[MINIS];
} block;

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

// The difference as a signed number of the type's width.
static inline int64_t difference(int64_t to, int64_t from, bool narrow)
{
    uint64_t wraps = (uint64_t)to - (uint64_t)from;
    return narrow ? (int32_t)(uint32_t)wraps : (int64_t)wraps;
}

// The differences of values[1..count] to those before them.
static inline void analyse(block *b, const int64_t *values, uint32_t count, bool narrow)
{
    uint64_t mask = narrow ? UINT32_MAX : UINT64_MAX;
    b->least = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        int64_t delta = difference(values[i + 1], values[i], narrow);
        b->deltas[i] = (uint64_t)delta;
        b->least = PL_MIN(b->least, delta);
    }
    for (uint32_t i = 0; i < count; i++) b->deltas[i] = (b->deltas[i] - (uint64_t)b->least) & mask;
    for (uint32_t i = count; i < PL_DELTA_BLOCK; i++) b->deltas[i] = 0;
    for (uint32_t m = 0; m < MINIS; m++) {
        uint64_t all = 0;
        for (uint32_t i = 0; i < MINI; i++) all |= b->deltas[m * MINI + i];
        b->widths[m] = (uint8_t)(all ? 64 - __builtin_clzll(all) : 0);
    }
}

static void pack(pl_buf *out, const uint64_t *values, uint32_t width)
{
    char *to = pl_buf_reserve(out, MINI / 8 * width + sizeof(uint64_t));
    uint64_t bits = 0;
    uint32_t held = 0; // bits held back, < 64
    for (uint32_t i = 0; i < MINI; i++) {
        bits |= values[i] << held;
        held += width;
        if (held < 64) continue;
        memcpy(to, &bits, sizeof bits);
        to += sizeof bits;
        held -= 64;
        bits = held ? values[i] >> (width - held) : 0;
    }
    memcpy(to, &bits, sizeof bits); // 32 values end on a byte: what is held, and room beyond
    out->count += MINI / 8 * width;
}

static size_t bytes_of(const block *b)
{
    size_t bytes = MINIS;
    for (uint32_t m = 0; m < MINIS; m++) bytes += b->widths[m] * (size_t)(MINI / 8);
    return bytes;
}

void pl_delta__put(pl_buf *out, const int64_t *values, uint32_t count, bool narrow)
{
    pl_thrift__varint(out, PL_DELTA_BLOCK);
    pl_thrift__varint(out, MINIS);
    pl_thrift__varint(out, count);
    pl_thrift__varint(out, zigzag(count ? values[0] : 0));
    block b;
    for (uint32_t first = 0, now; first + 1 < count; first += now) {
        now = PL_MIN(count - 1 - first, (uint32_t)PL_DELTA_BLOCK);
        analyse(&b, values + first, now, narrow);
        pl_thrift__varint(out, zigzag(b.least));
        pl_buf_append(out, b.widths, MINIS);
        for (uint32_t m = 0; m * MINI < now; m++)
            if (b.widths[m]) pack(out, b.deltas + m * MINI, b.widths[m]);
    }
}

size_t pl_delta__bytes(const int64_t *values, uint32_t count, bool narrow)
{
    size_t bytes = 20;
    block b;
    for (uint32_t first = 0, now; first + 1 < count; first += now) {
        now = PL_MIN(count - 1 - first, (uint32_t)PL_DELTA_BLOCK);
        analyse(&b, values + first, now, narrow);
        bytes += bytes_of(&b) + (64 - (size_t)__builtin_clzll(zigzag(b.least) | 1) + 6) / 7;
    }
    return bytes;
}

bool pl_delta__over(pl_span in, uint32_t count, bool narrow, pl_delta_in *ret_delta)
{
    pl_delta_in delta = {.in = in, .left = count, .narrow = narrow};
    uint64_t head[4];
    for (int i = 0; i < 4; i++)
        if (!pl_thrift__get_varint(in, &delta.at, UINT64_MAX, &head[i])) return false;
    if (head[0] != PL_DELTA_BLOCK || head[1] != MINIS || head[2] != count) return false;
    delta.last = head[3] >> 1 ^ -(head[3] & 1);
    *ret_delta = delta;
    return true;
}

static void unpack(const uint8_t *from, uint32_t width, uint64_t values[MINI])
{
    uint64_t mask = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
    for (uint32_t i = 0; i < MINI; i++) {
        // A value may lie in 9 bytes, the last of them the chunk's last: gathered one by one.
        uint32_t at = i * width;
        uint64_t bits = from[at / 8] >> at % 8;
        for (uint32_t have = 8 - at % 8, byte = at / 8 + 1; have < width; have += 8, byte++)
            bits |= (uint64_t)from[byte] << have;
        values[i] = bits & mask;
    }
}

bool pl_delta__get(pl_delta_in *delta, int64_t values[PL_DELTA_BLOCK], uint32_t *ret_count)
{
    pl_delta_in *d = delta;
    uint64_t deltas[PL_DELTA_BLOCK] = {0}, least;
    uint8_t widths[MINIS];
    if (!d->begun) { // the first value is not a difference
        d->begun = true;
        values[0] = d->narrow ? (int32_t)(uint32_t)d->last : (int64_t)d->last;
        *ret_count = d->left ? 1 : 0;
        d->left -= *ret_count;
        return true;
    }
    uint32_t count = PL_MIN(d->left, (uint32_t)PL_DELTA_BLOCK);
    if (!pl_thrift__get_varint(d->in, &d->at, UINT64_MAX, &least)) return false;
    least = least >> 1 ^ -(least & 1);
    if (d->in.bytes - d->at < MINIS) return false;
    memcpy(widths, d->in.data + d->at, MINIS);
    d->at += MINIS;
    for (uint32_t m = 0; m < MINIS; m++) {
        size_t bytes = (size_t)widths[m] * (MINI / 8);
        if (widths[m] > (d->narrow ? 32 : 64) || (m * MINI >= count && widths[m])) return false;
        if (d->in.bytes - d->at < bytes) return false;
        if (bytes) unpack((const uint8_t *)d->in.data + d->at, widths[m], deltas + m * MINI);
        d->at += bytes;
    }
    for (uint32_t i = 0; i < count; i++) {
        d->last += least + deltas[i];
        values[i] = d->narrow ? (int32_t)(uint32_t)d->last : (int64_t)d->last;
    }
    d->left -= count;
    *ret_count = count;
    return true;
}
