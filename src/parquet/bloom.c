// SPDX-License-Identifier: Apache-2.0
#include "parquet/bloom_int.h"

#include "codec/xxh64.h"
#include "parquet/thrift_read_int.h"

enum { WORDS = 8, DISTINCT_BITS = 10 }; // bits per distinct value for about 1 % false positives

// The bit of each word of a block.
static const uint32_t salts[WORDS] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                      0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

typedef struct block {
    uint32_t words[WORDS];
} block;
_Static_assert(sizeof(block) == PL_BLOOM_BLOCK_BYTES, "a block is as it stands in the file");

bool pl_bloom__fits(pl_kind kind)
{
    return kind == PL_STRING || kind == PL_LONG || kind == PL_INT;
}

static inline size_t block_of(uint64_t hash, size_t blocks)
{
    return (size_t)((hash >> 32) * blocks >> 32);
}

static inline uint32_t bit_of(uint64_t hash, int word)
{
    return UINT32_C(1) << ((uint32_t)hash * salts[word] >> 27);
}

static inline void insert(block *blocks, size_t count, pl_span value)
{
    uint64_t hash = pl_xxh64(value);
    block *to = &blocks[block_of(hash, count)];
    for (int w = 0; w < WORDS; w++) to->words[w] |= bit_of(hash, w);
}

static inline pl_span plain(const pl_leaf *leaf, const pl_column *column, uint32_t row)
{
    if (pl_leaf__is_text(leaf)) return pl_column_span(column, row);
    return pl_span_make((const char *)column->values + (size_t)row * leaf->width, leaf->width);
}

// __builtin_popcount is a call where the processor may lack the instruction.
static inline uint32_t bits_in(uint32_t word)
{
    word -= word >> 1 & 0x55555555;
    word = (word & 0x33333333) + (word >> 2 & 0x33333333);
    return ((word + (word >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

// The share of values not in the filter that would be found in it.
static double false_share(const block *blocks, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double share = 1;
        for (int w = 0; w < WORDS; w++) share *= bits_in(blocks[i].words[w]) / 32.0;
        sum += share;
    }
    return sum / (double)count;
}

// Half as many blocks: the upper half of a hash names block 2n or 2n + 1 where it now names n.
static void fold(const block *from, block *to, size_t count)
{
    for (size_t i = 0; i < count / 2; i++)
        for (int w = 0; w < WORDS; w++)
            to[i].words[w] = from[2 * i].words[w] | from[2 * i + 1].words[w];
}

bool pl_bloom__build(pl_buf *filter, const pl_leaf *leaf, const pl_column *column,
                     const uint32_t *rows, uint32_t count)
{
    uint32_t values = rows ? count : column->count - column->nulls;
    size_t bytes = PL_BLOOM_BYTES_MIN;
    while (bytes < PL_BLOOM_BYTES_MAX && bytes * 8 / DISTINCT_BITS < values) bytes *= 2;
    if (bytes == PL_BLOOM_BYTES_MIN) return false;
    pl_buf_reset(filter);
    block *blocks = (block *)(void *)pl_buf_reserve(filter, bytes + bytes / 2);
    size_t blocks_count = bytes / sizeof *blocks;
    memset(blocks, 0, bytes);
    if (rows)
        for (uint32_t i = 0; i < count; i++)
            insert(blocks, blocks_count, plain(leaf, column, rows[i]));
    else
        for (uint32_t row = 0; row < column->count; row++)
            if (column->valid[row]) insert(blocks, blocks_count, plain(leaf, column, row));

    block *half = blocks + blocks_count;
    for (;;) {
        fold(blocks, half, blocks_count);
        if (false_share(half, blocks_count / 2) > PL_BLOOM_FALSE) break;
        blocks_count /= 2;
        memcpy(blocks, half, blocks_count * sizeof *half);
        half = blocks + blocks_count;
        if (blocks_count * sizeof *blocks == PL_BLOOM_BYTES_MIN) return false;
    }
    filter->count = blocks_count * sizeof *blocks;
    return true;
}

void pl_bloom__write(pl_buf *out, pl_span filter)
{
    pl_thrift t = pl_thrift__begin(out);
    pl_thrift__i32(&t, 1, (int32_t)filter.bytes);
    for (int16_t id = 2; id <= 4; id++) { // split-block, XXH64, not compressed: unions of one
        pl_thrift__struct(&t, id);
        pl_thrift__struct(&t, 1);
        pl_thrift__end(&t);
        pl_thrift__end(&t);
    }
    pl_thrift__end(&t);
    pl_buf_span(out, filter);
}

const char *pl_bloom__read(pl_span bytes, pl_span *ret_filter)
{
    pl_thrift_in in = pl_thrift__over(bytes);
    int32_t size = 0;
    int known = 0;
    while (pl_thrift__next(&in)) {
        if (in.id == 1) {
            size = pl_thrift__get_i32(&in);
        } else if (in.id <= 4 && pl_thrift__enter(&in)) {
            while (pl_thrift__next(&in)) {
                known += in.id == 1;
                pl_thrift__skip(&in);
            }
        } else {
            pl_thrift__skip(&in);
        }
    }
    if (in.reason) return "a bloom filter's header is damaged";
    if (known != 3) return "a bloom filter is not of the one kind there is";
    if (size < PL_BLOOM_BLOCK_BYTES || (size & (size - 1)) || (size_t)size != bytes.bytes - in.at)
        return "a bloom filter has another size than its place";
    *ret_filter = pl_span_make(bytes.data + in.at, (size_t)size);
    return NULL;
}

bool pl_bloom__may_hold(pl_span filter, const pl_leaf *leaf, const pl_value *value)
{
    pl_buf bytes = {0};
    block have;
    bool all = true;
    pl_leaf__statistic(&bytes, leaf, value); // PLAIN, but text without its size
    uint64_t hash = pl_xxh64(pl_buf_view(&bytes));
    size_t at = block_of(hash, filter.bytes / sizeof have);
    memcpy(&have, filter.data + at * sizeof have, sizeof have);
    for (int w = 0; w < WORDS; w++) all &= (have.words[w] & bit_of(hash, w)) != 0;
    pl_buf_done(&bytes);
    return all;
}
