// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>

#include "shape/shape.h"
#include "unit.h"

static pl_shape_scalar of(const char *raw)
{
    return pl_shape_scalar_of(pl_span_of(raw));
}

TEST(scalars_say_a_class_a_kind_and_a_number)
{
    static const struct {
        const char *raw;
        pl_shape_kind kind;
        pl_value_class class;
        double number;
    } cases[] = {
        {"true", PL_SHAPE_BOOL, PL_CLASS_BOOL, 1},
        {"false", PL_SHAPE_BOOL, PL_CLASS_BOOL, 0},
        {"\"true\"", PL_SHAPE_STRING, PL_CLASS_BOOL, 1},
        {"\"True\"", PL_SHAPE_STRING, PL_CLASS_WORD, NAN},
        {"0", PL_SHAPE_INT, PL_CLASS_NUMBER, 0},
        {"-0", PL_SHAPE_INT, PL_CLASS_NUMBER, 0},
        {"-12", PL_SHAPE_INT, PL_CLASS_NUMBER, -12},
        {"5.0", PL_SHAPE_FLOAT, PL_CLASS_NUMBER, 5},
        {"5e0", PL_SHAPE_FLOAT, PL_CLASS_NUMBER, 5},
        {"-0.25", PL_SHAPE_FLOAT, PL_CLASS_NUMBER, -0.25},
        {"\"-4.70\"", PL_SHAPE_STRING, PL_CLASS_NUMBER, -4.7},
        {"9223372036854775808", PL_SHAPE_INT, PL_CLASS_NUMBER, 9223372036854775808.0},
        {"1e400", PL_SHAPE_FLOAT, PL_CLASS_NUMBER, NAN},
        {"1e-400", PL_SHAPE_FLOAT, PL_CLASS_NUMBER, NAN},
        {"\"4.7%\"", PL_SHAPE_STRING, PL_CLASS_PERCENT, 0.047},
        {"\"-12 %\"", PL_SHAPE_STRING, PL_CLASS_PERCENT, -0.12},
        {"\"%\"", PL_SHAPE_STRING, PL_CLASS_TEXT, NAN},
        {"978307199", PL_SHAPE_INT, PL_CLASS_NUMBER, 978307199},
        {"978307200", PL_SHAPE_INT, PL_CLASS_EPOCH_S, 978307200},
        {"4133980799", PL_SHAPE_INT, PL_CLASS_EPOCH_S, 4133980799},
        {"4133980800", PL_SHAPE_INT, PL_CLASS_NUMBER, 4133980800},
        {"1763805600", PL_SHAPE_INT, PL_CLASS_EPOCH_S, 1763805600},
        {"1.7638056e9", PL_SHAPE_FLOAT, PL_CLASS_EPOCH_S, 1763805600},
        {"\"1763805600\"", PL_SHAPE_STRING, PL_CLASS_EPOCH_S, 1763805600},
        {"1763805600.5", PL_SHAPE_FLOAT, PL_CLASS_NUMBER, 1763805600.5},
        {"-1763805600", PL_SHAPE_INT, PL_CLASS_NUMBER, -1763805600},
        {"978307199999", PL_SHAPE_INT, PL_CLASS_NUMBER, 978307199999},
        {"1763805600250", PL_SHAPE_INT, PL_CLASS_EPOCH_MS, 1763805600.25},
        {"1763805600250125", PL_SHAPE_INT, PL_CLASS_EPOCH_US, 1763805600.250125},
        {"\"2025-11-22T10:00:00Z\"", PL_SHAPE_STRING, PL_CLASS_TIME, 1763805600},
        {"\"2025-11-22T11:00:00.25+01:00\"", PL_SHAPE_STRING, PL_CLASS_TIME, 1763805600.25},
        {"\"2025-11-22 10:00:00\"", PL_SHAPE_STRING, PL_CLASS_TIME, 1763805600},
        {"\"Sat Nov 22 10:00:00 +0000 2025\"", PL_SHAPE_STRING, PL_CLASS_TIME, 1763805600},
        {"\"Sat, 22 Nov 2025 10:00:00 GMT\"", PL_SHAPE_STRING, PL_CLASS_TIME, 1763805600},
        {"\"2025-11-22\"", PL_SHAPE_STRING, PL_CLASS_TIME, 1763769600},
        {"\"2025-13-22\"", PL_SHAPE_STRING, PL_CLASS_WORD, NAN},
        {"\"9b2f0c1e-7a3d-4C5b-8e6f-001122334455\"", PL_SHAPE_STRING, PL_CLASS_UUID, NAN},
        {"\"9b2f0c1e-7a3d-4c5b-8e6f-00112233445g\"", PL_SHAPE_STRING, PL_CLASS_TEXT, NAN},
        {"\"https:\\/\\/example.org\\/a?b=1\"", PL_SHAPE_STRING, PL_CLASS_URL, NAN},
        {"\"https://example.org/a b\"", PL_SHAPE_STRING, PL_CLASS_TEXT, NAN},
        {"\"://\"", PL_SHAPE_STRING, PL_CLASS_TEXT, NAN},
        {"\"photo_album-2\"", PL_SHAPE_STRING, PL_CLASS_WORD, NAN},
        {"\"007\"", PL_SHAPE_STRING, PL_CLASS_WORD, NAN},
        {"\"abcdefghijklmnopqrstuvwxyz0123456\"", PL_SHAPE_STRING, PL_CLASS_TEXT, NAN},
        {"\"two words\"", PL_SHAPE_STRING, PL_CLASS_TEXT, NAN},
        {"\"\\u00e9\"", PL_SHAPE_STRING, PL_CLASS_TEXT, NAN},
        {"\"\"", PL_SHAPE_STRING, PL_CLASS_EMPTY, NAN},
        {"null", PL_SHAPE_NULL, PL_CLASS_EMPTY, NAN},
        {"[1]", PL_SHAPE_ARRAY, PL_CLASS_EMPTY, NAN},
        {"{}", PL_SHAPE_OBJECT, PL_CLASS_EMPTY, NAN},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_shape_scalar got = of(cases[i].raw);
        bool same = isnan(cases[i].number) ? isnan(got.number)
                                           : got.number == cases[i].number &&
                                                 !signbit(got.number) == !signbit(cases[i].number);
        if (got.kind != cases[i].kind || got.class != cases[i].class || !same)
            fail_msg("%s: %s %s %.17g", cases[i].raw, pl_shape_kind_name(got.kind),
                     pl_value_class_name(got.class), got.number);
    }
}

TEST(scalars_of_one_value_have_one_hash)
{
    static const char *const same[][6] = {
        {"5", "5.0", "\"5\"", "50e-1", "\"5.000\"", "0.5e1"},
        {"0", "-0", "0.0", "false", "\"false\"", "0e9"},
        {"1", "true", "\"true\"", "1.0", "\"1\"", "\"100%\""},
        {"0.047", "\"4.7%\"", "\"0.0470\"", "47e-3", "\"4.70 %\"", "0.47e-1"},
        {"1763805600", "\"1763805600\"", "1763805600.0", "\"2025-11-22T10:00:00Z\"",
         "\"2025-11-22T12:00:00+02:00\"", "\"2025-11-22 10:00:00\""},
        {"1763805600.25", "\"2025-11-22T10:00:00.25Z\"", "\"1763805600.250\"", "176380560025e-2",
         "\"2025-11-22 10:00:00.25\"", "1763805600250e-3"},
        {"123456789012345678901234567890", "\"123456789012345678901234567890\"",
         "12345678901234567890123456789e1", "123456789012345678901234567890.0",
         "1.2345678901234567890123456789e29", "1234567890123456789012345678900e-1"},
        {"\"a/b\"", "\"a\\/b\"", "\"a\\u002fb\"", "\"\\u0061/b\"", "\"a/\\u0062\"",
         "\"a\\/\\u0062\""},
    };
    for (size_t i = 0; i < PL_COUNT(same); i++)
        for (size_t j = 0; j < 6; j++)
            for (size_t k = 0; k < PL_COUNT(same); k++)
                if ((of(same[i][j]).hash == of(same[k][0]).hash) != (i == k))
                    fail_msg("%s and %s", same[i][j], same[k][0]);
}

TEST(scalars_beyond_every_double_differ_by_their_digits)
{
    CHECK(of("9007199254740993").hash != of("9007199254740992").hash);
    CHECK(of("12345678901234567890").hash != of("12345678901234567891").hash);
    CHECK(of("1e400").hash != of("1e401").hash && of("1e400").hash != of("-1e400").hash);
    CHECK(of("1e400").hash == of("10e399").hash);
    CHECK(of("null").hash != of("\"\"").hash);
}

static uint64_t entity(const char *scalar)
{
    pl_span span = pl_span_of(scalar);
    return pl_shape_entity(&span, 1);
}

TEST(entities_are_the_hashes_of_what_names_them_and_never_change)
{
    CHECK(entity("17") == entity("\"17\"") && entity("17") == of("17").hash);
    CHECK(entity("\"a\\u0062\"") == entity("ab") && entity("ab") == of("\"ab\"").hash);
    CHECK(entity("\"\"") == entity("") && entity("") != PL_SHAPE_NOBODY);
    CHECK(entity("1763805600123") == of("1763805600123").hash);
    CHECK(entity("12345678901234567890123") == of("\"12345678901234567890123\"").hash);
    pl_span ab[] = {PL_SPAN("\"a\""), PL_SPAN("b")}, ba[] = {PL_SPAN("b"), PL_SPAN("a")};
    CHECK(pl_shape_entity(ab, 2) != pl_shape_entity(ba, 2));
    CHECK(pl_shape_entity(ab, 0) == PL_SHAPE_NOBODY);
    // Kept in shapes: another value would part all entities from what is known of them. These are
    // pl_hash of 17, of the digits, and of that of a and that of b side by side.
    CHECK_INT(UINT64_C(0x5f6588fb4d0bea39), entity("17"));
    CHECK_INT(UINT64_C(0x9165d5a99a479c6d), entity("\"7203457023459023\""));
    CHECK_INT(UINT64_C(0x6cebdcd90add17eb), pl_shape_entity(ab, 2));
    CHECK_INT(UINT64_C(0x5f6588fb4d0bea39), pl_shape_entity_of_text(PL_SPAN("17")));
}

TEST(entities_of_elements_differ_by_position_and_are_nobody_of_nobody)
{
    uint64_t owner = entity("17");
    CHECK(pl_shape_element(owner, 0) != pl_shape_element(owner, 1));
    CHECK(pl_shape_element(owner, 0) != owner);
    CHECK(pl_shape_element(owner, 1) != pl_shape_element(entity("18"), 1));
    CHECK(pl_shape_element(PL_SHAPE_NOBODY, 3) == PL_SHAPE_NOBODY);
}

TEST(one_entity_of_sixty_four_is_sampled)
{
    int sampled = 0;
    for (int i = 0; i < 640000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        sampled += pl_shape_samples(entity(text));
    }
    CHECK(sampled > 9700 && sampled < 10300); // 10,000, within three standard deviations
}

int main(void)
{
    return RUN_TESTS("shape/scalar", T(scalars_say_a_class_a_kind_and_a_number),
                     T(scalars_of_one_value_have_one_hash),
                     T(scalars_beyond_every_double_differ_by_their_digits),
                     T(entities_are_the_hashes_of_what_names_them_and_never_change),
                     T(entities_of_elements_differ_by_position_and_are_nobody_of_nobody),
                     T(one_entity_of_sixty_four_is_sampled));
}
