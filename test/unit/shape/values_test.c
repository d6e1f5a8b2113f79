// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>

#include "shape/shape_int.h"
#include "shapes.h"

TEST(values_keep_classes_range_and_text_sizes)
{
    pl_shape shape;
    pl_shape_init(&shape);
    observe(&shape, "{\"v\":5}", NULL);
    observe(&shape, "{\"v\":\"-2.5\"}", NULL);
    observe(&shape, "{\"v\":\"50%\"}", NULL);
    observe(&shape, "{\"v\":null}", NULL);
    observe(&shape, "{\"v\":\"\\u00e9t\\u00e9\"}", NULL);
    observe(&shape, "{\"v\":1e999}", NULL);
    observe(&shape, "{\"v\":[9]}", NULL);
    pl_shape_settle(&shape);
    const pl_shape_values *v = shape.paths[path_at(&shape, "$.v")].values;
    CHECK_INT(5, v->count);
    CHECK_INT(3, v->classes[PL_CLASS_NUMBER]);
    CHECK_INT(1, v->classes[PL_CLASS_PERCENT]);
    CHECK_INT(1, v->classes[PL_CLASS_TEXT]);
    CHECK(v->min == -2.5 && v->max == 5 && v->fractions == 1);
    CHECK(v->text_min == 3 && v->text_max == 5);
    CHECK(pl_distinct_count(&v->distinct) == 5 && v->pair_count == 0);
    pl_shape_done(&shape);
}

TEST(values_without_numbers_or_texts_have_no_range_of_them)
{
    pl_shape shape;
    pl_shape_init(&shape);
    observe(&shape, "{\"n\":1,\"t\":\"\"}", NULL);
    const pl_shape_values *n = shape.paths[1].values, *t = shape.paths[2].values;
    CHECK(n->text_min > n->text_max && t->text_min == 0 && t->text_max == 0);
    CHECK(isnan(t->min) && isnan(t->max) && n->min == 1);
    pl_shape_done(&shape);
}

TEST(values_show_the_same_samples_whatever_their_order)
{
    pl_shape up, down;
    pl_shape_init(&up);
    pl_shape_init(&down);
    for (int i = 0; i < 60; i++) {
        char json[32];
        snprintf(json, sizeof json, "{\"v\":\"s%d\"}", i % 20);
        observe(&up, json, NULL);
        snprintf(json, sizeof json, "{\"v\":\"s%d\"}", 19 - i % 20);
        observe(&down, json, NULL);
    }
    CHECK_INT(4, up.paths[1].values->sample_count);
    check_same(&up, &down);
    pl_shape_done(&up);
    pl_shape_done(&down);
}

TEST(samples_are_cut_at_a_character_and_never_inside_an_escape)
{
    static const struct {
        const char *raw, *kept;
    } cases[] = {
        {"\"0123456789012345678901234567890123456789012345\"",
         "\"0123456789012345678901234567890123456789012345\""},
        {"\"01234567890123456789012345678901234567890123456\"",
         "\"01234567890123456789012345678901234567890123456"},
        {"\"0123456789012345678901234567890123456789012345\u00e9x\"",
         "\"0123456789012345678901234567890123456789012345"},
        {"\"012345678901234567890123456789012345678901\\u00e9x\"",
         "\"012345678901234567890123456789012345678901"},
        {"\"0123456789012345678901234567890123456789012345\\nx\"",
         "\"0123456789012345678901234567890123456789012345"},
        {"\"012345678901234567890123456789012345678901234\\\\x\"",
         "\"012345678901234567890123456789012345678901234\\\\"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_shape_values *values = pl_shape__values_new();
        pl_shape__sample_add(values, pl_span_of(cases[i].raw));
        CHECK_STR(cases[i].kept, values->samples[0]);
        pl_shape__values_free(values);
    }
}

static void pair_of(pl_shape *shape, uint64_t entity, const char *raw)
{
    pl_shape_value(shape, PL_SHAPE_ROOT, entity, pl_span_of(raw));
}

TEST(pairs_keep_the_greatest_value_of_an_entity)
{
    pl_shape shape;
    pl_shape_init(&shape);
    pair_of(&shape, 30, "3");
    pair_of(&shape, 10, "1");
    pair_of(&shape, 30, "4");
    pair_of(&shape, 30, "\"x\"");
    pl_shape_settle(&shape);
    pair_of(&shape, 10, "0.5");
    pair_of(&shape, 20, "\"y\"");
    pair_of(&shape, PL_SHAPE_NOBODY, "7");
    pl_shape_settle(&shape);
    const pl_shape_values *v = shape.paths[0].values;
    CHECK_INT(3, v->pair_count);
    CHECK(v->pairs[0].entity == 10 && v->pairs[0].value.number == 1);
    CHECK(v->pairs[1].entity == 20 && v->pairs[1].value.class == PL_CLASS_WORD);
    CHECK(v->pairs[2].entity == 30 && v->pairs[2].value.number == 4);
    CHECK_INT(3, shape.pair_total);
    pl_shape_done(&shape);
}

TEST(pairs_are_those_of_the_smallest_entities_in_any_order)
{
    pl_shape up, down;
    pl_shape_init(&up);
    pl_shape_init(&down);
    for (uint64_t i = 1; i <= 10000; i++) {
        pair_of(&up, i, "1");
        pair_of(&down, 10001 - i, "1");
    }
    pl_shape_settle(&up);
    pl_shape_settle(&down);
    CHECK_INT(PL_SHAPE_PAIRS, up.paths[0].values->pair_count);
    CHECK(up.paths[0].values->pairs[PL_SHAPE_PAIRS - 1].entity == PL_SHAPE_PAIRS);
    CHECK_INT(PL_SHAPE_PAIRS, down.pair_total);
    check_same(&up, &down);
    pl_shape_done(&up);
    pl_shape_done(&down);
}

TEST(pairs_of_many_paths_stay_within_their_limit)
{
    enum { PATHS = 1500, ENTITIES = 1600 }; // 2.4 million pairs
    pl_shape shape;
    pl_shape_init(&shape);
    for (uint32_t p = 0; p < PATHS; p++) {
        char key[16];
        pl_span span = {key, (size_t)snprintf(key, sizeof key, "k%u", p)};
        uint32_t path = pl_shape_child(&shape, PL_SHAPE_ROOT, span);
        for (uint32_t e = 0; e < ENTITIES; e++)
            pl_shape_value(&shape, path, pl_shape_element(1, e), PL_SPAN("1"));
    }
    pl_shape_settle(&shape);
    CHECK(shape.entity_max == UINT64_MAX / 4);
    CHECK(shape.pair_total <= PL_SHAPE_PAIRS_ALL && shape.pair_total > PL_SHAPE_PAIRS_ALL / 3);
    uint32_t each = shape.paths[1].values->pair_count;
    for (uint32_t p = 1; p <= PATHS; p++) CHECK_INT(each, shape.paths[p].values->pair_count);
    pl_shape_done(&shape);
}

int main(void)
{
    return RUN_TESTS("shape/values", T(values_keep_classes_range_and_text_sizes),
                     T(values_without_numbers_or_texts_have_no_range_of_them),
                     T(values_show_the_same_samples_whatever_their_order),
                     T(samples_are_cut_at_a_character_and_never_inside_an_escape),
                     T(pairs_keep_the_greatest_value_of_an_entity),
                     T(pairs_are_those_of_the_smallest_entities_in_any_order),
                     T(pairs_of_many_paths_stay_within_their_limit));
}
