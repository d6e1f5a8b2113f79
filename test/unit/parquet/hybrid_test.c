// SPDX-License-Identifier: Apache-2.0
#include "parquet/hybrid_int.h"

#include <stdlib.h>

#include "unit.h"

// An independent reading of the format: `count` values from `in`, all of which must be used.
static void decode(const pl_buf *in, uint32_t width, uint32_t *values, uint32_t count)
{
    const uint8_t *p = (const uint8_t *)in->data, *end = p + in->count;
    for (uint32_t done = 0; done < count;) {
        uint64_t head = 0;
        for (unsigned shift = 0;; shift += 7) {
            CHECK(p < end);
            head |= (uint64_t)(*p & 0x7f) << shift;
            if (!(*p++ & 0x80)) break;
        }
        if (head & 1) {
            uint64_t slots = (head >> 1) * 8;
            CHECK(p + slots * width / 8 <= end);
            for (uint64_t i = 0; i < slots; i++) {
                uint32_t value = 0;
                for (uint32_t b = 0; b < width; b++) {
                    uint64_t bit = i * width + b;
                    value |= (uint32_t)(p[bit / 8] >> (bit % 8) & 1) << b;
                }
                if (done < count)
                    values[done++] = value;
                else
                    CHECK_INT(0, value);
            }
            p += slots * width / 8;
        } else {
            uint32_t value = 0;
            for (uint32_t b = 0; b < width; b += 8) value |= (uint32_t)*p++ << b;
            CHECK((head >> 1) > 0 && (head >> 1) <= count - done);
            for (uint64_t i = 0; i < head >> 1; i++) values[done++] = value;
        }
    }
    CHECK(p == end);
}

static void check_round_trip(const uint32_t *values, uint32_t count, uint32_t width)
{
    pl_buf out = {0};
    uint32_t *got = pl_alloc(count * sizeof *got);
    pl_hybrid__indices(&out, values, count, width);
    decode(&out, width, got, count);
    assert_memory_equal(values, got, count * sizeof *got);
    // Never more than literals alone, beside a run's few bytes.
    CHECK(out.count <= (size_t)(count + 7) / 8 * width + 16 + count / 32);
    free(got);
    pl_buf_done(&out);
}

TEST(hybrid_width_holds_the_largest_value)
{
    CHECK_INT(1, pl_hybrid__width(0));
    CHECK_INT(1, pl_hybrid__width(1));
    CHECK_INT(2, pl_hybrid__width(2));
    CHECK_INT(8, pl_hybrid__width(255));
    CHECK_INT(9, pl_hybrid__width(256));
    CHECK_INT(32, pl_hybrid__width(UINT32_MAX));
}

TEST(hybrid_writes_runs_as_count_and_value)
{
    pl_buf out = {0};
    pl_hybrid__run(&out, 0x123, 200, 9);
    CHECK_INT(4, out.count);
    assert_memory_equal("\x90\x03\x23\x01", out.data, 4);
    pl_buf_done(&out);
}

TEST(hybrid_packs_literals_lowest_bit_first)
{
    // The example of parquet-format: 0..7 in 3 bits.
    const uint32_t values[] = {0, 1, 2, 3, 4, 5, 6, 7};
    pl_buf out = {0};
    pl_hybrid__indices(&out, values, 8, 3);
    CHECK_INT(4, out.count);
    assert_memory_equal("\x03\x88\xc6\xfa", out.data, 4);
    pl_buf_done(&out);
}

TEST(hybrid_levels_are_the_same_as_indices)
{
    uint8_t levels[100];
    uint32_t values[100];
    for (int i = 0; i < 100; i++) values[i] = levels[i] = (uint8_t)(i < 40 ? 3 : i % 4);
    pl_buf a = {0}, b = {0};
    pl_hybrid__levels(&a, levels, 100, 2);
    pl_hybrid__indices(&b, values, 100, 2);
    CHECK_INT(a.count, b.count);
    assert_memory_equal(a.data, b.data, a.count);
    pl_buf_done(&a);
    pl_buf_done(&b);
}

TEST(hybrid_reads_back_at_every_width_and_length)
{
    uint32_t values[300], seed = 1;
    for (uint32_t width = 1; width <= 32; width++) {
        uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
        for (uint32_t count = 1; count <= 300; count += count < 40 ? 1 : 37) {
            for (uint32_t i = 0; i < count; i++) {
                seed = seed * 1664525 + 1013904223;
                // Runs of up to 63 values, as often as single ones.
                bool again = i > 0 && (seed >> 20 & 63) > (i / 50) * 12;
                values[i] = again ? values[i - 1] : (seed ^ seed >> 13) & mask;
            }
            check_round_trip(values, count, width);
        }
        for (uint32_t i = 0; i < 300; i++) values[i] = mask; // every bit set
        check_round_trip(values, 300, width);
    }
}

int main(void)
{
    return RUN_TESTS(
        "parquet/hybrid", T(hybrid_width_holds_the_largest_value),
        T(hybrid_writes_runs_as_count_and_value), T(hybrid_packs_literals_lowest_bit_first),
        T(hybrid_levels_are_the_same_as_indices), T(hybrid_reads_back_at_every_width_and_length));
}
