// SPDX-License-Identifier: Apache-2.0
#include "parquet/delta_int.h"

#include <stdlib.h>

#include "unit.h"

static bool get_all(pl_span in, int64_t *to, uint32_t count, bool narrow)
{
    pl_delta_in delta;
    if (!pl_delta__over(in, count, narrow, &delta)) return false;
    for (uint32_t now; delta.left; to += now) {
        int64_t values[PL_DELTA_BLOCK];
        if (!pl_delta__get(&delta, values, &now)) return false;
        memcpy(to, values, now * sizeof *values);
    }
    return delta.at == in.bytes;
}

static void check_round_trip(const int64_t *values, uint32_t count, bool narrow)
{
    pl_buf out = {0};
    int64_t *got = pl_alloc((count + 1) * sizeof *got);
    pl_delta__put(&out, values, count, narrow);
    CHECK(get_all(pl_buf_view(&out), got, count, narrow));
    CHECK(count == 0 || memcmp(values, got, count * sizeof *got) == 0);
    size_t bytes = pl_delta__bytes(values, count, narrow);
    CHECK(out.count <= bytes && bytes <= out.count + 24 + PL_DELTA_BLOCK * 8);
    // Cut anywhere it is refused, from a copy that ends there.
    for (size_t end = 0; end < out.count; end += end < 40 ? 1 : 37) {
        char *cut = pl_alloc(end + 1);
        memcpy(cut, out.data, end);
        CHECK(!get_all(pl_span_make(cut, end), got, count, narrow));
        free(cut);
    }
    free(got);
    pl_buf_done(&out);
}

TEST(delta_gives_back_every_count_and_width)
{
    int64_t values[1000];
    uint64_t random = 1;
    for (int bits = 0; bits <= 64; bits++) {
        for (uint32_t i = 0; i < PL_COUNT(values); i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            values[i] = bits ? (int64_t)(random >> (64 - bits)) : 7;
        }
        static const uint32_t counts[] = {0, 1, 2, 32, 33, 34, 127, 128, 129, 130, 257, 1000};
        for (size_t i = 0; i < PL_COUNT(counts); i++) {
            check_round_trip(values, counts[i], false);
            if (bits <= 31) check_round_trip(values, counts[i], true);
        }
    }
}

TEST(delta_wraps_in_the_width_of_the_type)
{
    int64_t edges[300];
    for (uint32_t i = 0; i < PL_COUNT(edges); i++) edges[i] = i % 3 ? INT64_MAX : INT64_MIN;
    check_round_trip(edges, PL_COUNT(edges), false);
    for (uint32_t i = 0; i < PL_COUNT(edges); i++) edges[i] = i % 3 ? INT32_MAX : INT32_MIN;
    check_round_trip(edges, PL_COUNT(edges), true);
    pl_buf out = {0};
    pl_delta__put(&out, edges, PL_COUNT(edges), true);
    CHECK(out.count < 110); // differences of two bits, -1 to 1, not of 33
    pl_buf_done(&out);
}

// The example of Encodings.md: 1 to 5, whose differences are all alike.
TEST(delta_is_what_the_format_says)
{
    static const int64_t values[] = {1, 2, 3, 4, 5}, uneven[] = {7, 5, 3, 1, 2, 3, 4, 5};
    static const uint8_t want[] = {0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0};
    static const uint8_t want_uneven[] = {0x80, 1,    4,    8, 14, 3, 2, 0, 0,
                                          0,    0xc0, 0x3f, 0, 0,  0, 0, 0, 0};
    pl_buf out = {0};
    pl_delta__put(&out, values, PL_COUNT(values), true);
    CHECK_INT(sizeof want, out.count);
    assert_memory_equal(want, out.data, sizeof want);
    pl_buf_reset(&out);
    pl_delta__put(&out, uneven, PL_COUNT(uneven), true);
    CHECK_INT(sizeof want_uneven, out.count);
    assert_memory_equal(want_uneven, out.data, sizeof want_uneven);
    pl_buf_done(&out);
}

TEST(delta_refuses_what_plumb_does_not_write)
{
    static const char *const bad[] = {
        "\x80\x02\x04\x01\x02",                     // blocks of 256
        "\x80\x01\x02\x01\x02",                     // two widths
        "\x80\x01\x04\x02\x02\x02\x41\x01\x01\x01", // 65 bits
        "\x80\x01\x04\x02\x02\x02\x01\x01\x01\x01", // widths of what is not there
    };
    int64_t got[4];
    for (size_t i = 0; i < PL_COUNT(bad); i++)
        for (uint32_t count = 1; count <= 2; count++)
            CHECK(!get_all(pl_span_of(bad[i]), got, count, false));
}

int main(void)
{
    return RUN_TESTS("parquet/delta", T(delta_gives_back_every_count_and_width),
                     T(delta_wraps_in_the_width_of_the_type), T(delta_is_what_the_format_says),
                     T(delta_refuses_what_plumb_does_not_write));
}
