// SPDX-License-Identifier: Apache-2.0
#include "map/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

// What the scanner wants here: scalars, an object with one inside that is wanted itself, one that
// is not, one three levels down.
static const char *const wanted[][4] = {
    {"a"}, {"b", "a"}, {"b", "c"}, {"c"}, {"c", "a"}, {"d", "b", "a"}, {"e\""}, {"l"},
};
enum { WANTED = PL_COUNT(wanted) };

typedef struct kit {
    pl_paths paths;
    pl_scanner scanner;
    pl_watch *watch;
    pl_watch_task task;
    pl_shape fast, slow; // by the watch, and the same records by the tree
    pl_arena arena;
} kit;

static void kit_open(kit *k)
{
    static const pl_watch_key key[] = {{0, 0}};
    *k = (kit){0};
    pl_paths_init(&k->paths);
    for (int i = 0; i < WANTED; i++) {
        pl_span keys[4];
        uint32_t count = 0;
        for (; count < 4 && wanted[i][count]; count++) keys[count] = pl_span_of(wanted[i][count]);
        pl_paths_want(&k->paths, keys, count);
    }
    pl_scanner_init(&k->scanner, &k->paths);
    k->watch = pl_watch_new(&k->scanner, key, 1, &k->task);
    pl_shape_init(&k->fast);
    pl_shape_init(&k->slow);
}

static void kit_close(kit *k)
{
    pl_watch_free(k->watch);
    pl_shape_done(&k->fast);
    pl_shape_done(&k->slow);
    pl_scanner_done(&k->scanner);
    pl_paths_done(&k->paths);
    pl_arena_done(&k->arena);
}

// What was seen of an object goes to the whole.
static void kit_take(kit *k)
{
    pl_shape_merge(&k->fast, pl_watch_seen(k->watch));
}

static void kit_object(kit *k, int64_t received_us)
{
    if (received_us > 1) kit_take(k);
    pl_watch_object(k->watch, received_us, 0);
    pl_shape_object(&k->slow, received_us);
}

static void kit_record(kit *k, const char *record)
{
    pl_json *tree;
    plumb_error err;
    pl_span text = pl_span_of(record);
    if (pl_scan_record(&k->scanner, text, 0) != text.bytes) fail_msg("not scanned: %s", record);
    pl_watch_record(k->watch, text);
    CHECK_OK(pl_json_parse(text, &k->arena, &tree, &err), err);
    pl_shape_record(&k->slow, tree);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// "path null bool int float string array object of objects" of every path that was there, sorted.
static void list(pl_buf *out, const pl_shape *shape)
{
    char **lines = pl_zalloc(shape->count, sizeof *lines);
    uint32_t count = 0;
    for (uint32_t p = 0; p < shape->count; p++) {
        const pl_shape_path *path = &shape->paths[p];
        if (!pl_shape_seen(path)) continue;
        pl_buf line = {0};
        pl_shape_path_write(&line, shape, p);
        for (int kind = 0; kind < PL_SHAPE_KINDS; kind++)
            pl_buf_printf(&line, " %d", (int)path->kinds[kind]);
        pl_buf_printf(&line, " of %d", (int)path->objects);
        pl_buf_char(&line, '\0');
        lines[count++] = line.data;
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (uint32_t i = 0; i < count; i++) {
        pl_buf_printf(out, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
}

static void check_equal(kit *k)
{
    pl_buf slow = {0}, fast = {0};
    list(&fast, &k->fast);
    list(&slow, &k->slow);
    CHECK_STR(pl_buf_cstr(&slow), pl_buf_cstr(&fast));
    pl_buf_done(&slow);
    pl_buf_done(&fast);
}

static void check_records(const char *const *records, const char *want)
{
    kit k;
    pl_buf got = {0};
    kit_open(&k);
    kit_object(&k, 1);
    for (; *records; records++) kit_record(&k, *records);
    kit_take(&k);
    list(&got, &k.fast);
    CHECK_STR(want, pl_buf_cstr(&got));
    check_equal(&k);
    pl_buf_done(&got);
    kit_close(&k);
}

#define CHECK_RECORDS(want, ...) check_records((const char *const[]){__VA_ARGS__, NULL}, want)

TEST(watch_counts_wanted_paths_by_kind)
{
    CHECK_RECORDS("$ 0 0 0 0 0 0 6 of 1\n"
                  "$.a 1 1 1 1 1 0 0 of 1\n",
                  "{\"a\":null}", "{\"a\":true}", "{\"a\":-12}", "{\"a\":1e3}", "{\"a\":\"x\"}",
                  "{}");
}

TEST(watch_counts_what_no_rule_wants_and_what_lies_inside_it)
{
    CHECK_RECORDS("$ 0 0 0 0 0 0 2 of 1\n"
                  "$.z 0 0 0 0 0 1 1 of 1\n"
                  "$.z.y 1 0 0 0 0 0 0 of 1\n"
                  "$.z[*] 0 0 2 0 0 0 1 of 1\n"
                  "$.z[*].q 0 0 0 0 1 0 0 of 1\n",
                  "{\"z\":{\"y\":null}}", "{\"z\":[1, 2 ,{ \"q\" : \"\\\"\" }]}");
}

TEST(watch_counts_objects_on_the_way_to_wanted_paths)
{
    CHECK_RECORDS("$ 0 0 0 0 0 0 4 of 1\n"
                  "$.b 1 0 0 0 0 0 2 of 1\n"
                  "$.b.a 0 0 1 0 0 0 0 of 1\n"
                  "$.b.x 0 0 1 0 0 0 0 of 1\n"
                  "$.d 0 0 0 0 0 1 0 of 1\n"
                  "$.d[*] 0 0 0 0 0 0 1 of 1\n"
                  "$.d[*].b 0 0 1 0 0 0 0 of 1\n",
                  "{\"b\":{\"a\":1,\"x\":2}}", "{\"b\":{}}", "{\"b\":null}", "{\"d\":[{\"b\":1}]}");
}

TEST(watch_counts_inside_an_object_that_is_wanted_whole)
{
    CHECK_RECORDS("$ 0 0 0 0 0 0 2 of 1\n"
                  "$.c 0 0 0 0 0 0 2 of 1\n"
                  "$.c.a 0 0 1 0 0 0 1 of 1\n"
                  "$.c.a.x 0 0 1 0 0 0 0 of 1\n"
                  "$.c.y 0 0 0 0 0 1 0 of 1\n",
                  "{\"c\":{\"a\":1,\"y\":[]}}", "{\"c\":{\"a\":{\"x\":1}}}");
}

TEST(watch_counts_a_repeated_key_once_with_its_last_value)
{
    CHECK_RECORDS("$ 0 0 0 0 0 0 3 of 1\n"
                  "$.a 0 0 1 0 0 0 0 of 1\n"
                  "$.b 1 0 0 0 0 0 0 of 1\n"
                  "$.z 0 0 0 0 0 0 1 of 1\n"
                  "$.z.k 0 1 0 0 0 0 0 of 1\n",
                  "{\"a\":\"x\",\"a\":1}", "{\"b\":{\"a\":1},\"b\":null}",
                  "{\"z\":{\"k\":[1],\"k\":false}}");
}

TEST(watch_counts_objects_a_path_was_in)
{
    kit k;
    pl_buf got = {0};
    kit_open(&k);
    kit_object(&k, 1);
    kit_record(&k, "{\"a\":1,\"z\":[]}");
    kit_object(&k, 2);
    kit_record(&k, "{\"a\":1}");
    kit_record(&k, "{\"a\":1}");
    kit_take(&k);
    list(&got, &k.fast);
    CHECK_STR("$ 0 0 0 0 0 0 3 of 2\n"
              "$.a 0 0 3 0 0 0 0 of 2\n"
              "$.z 0 0 0 0 0 1 0 of 1\n",
              pl_buf_cstr(&got));
    check_equal(&k);
    pl_buf_done(&got);
    kit_close(&k);
}

// ---- any records -------------------------------------------------------------------------------
static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % below;
}

static void any_value(pl_buf *out, uint64_t *state, int depth)
{
    static const char *const scalars[] = {"null", "true", "1", "-2.5", "\"x\"", "\"\\\\\"", "1E2"};
    static const char *const keys[] = {"a", "b", "c", "d", "l", "e\\\"", "z", "y\\u0041", "", "yA"};
    uint32_t what = depth ? draw(state, 10) : 9;
    if (depth > 4 || what < 7) {
        pl_buf_text(out, scalars[draw(state, PL_COUNT(scalars))]);
        return;
    }
    uint32_t count = draw(state, 5), once = draw(state, 8), first = draw(state, 10);
    pl_buf_char(out, what == 7 ? '[' : '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i) pl_buf_text(out, draw(state, 4) ? "," : " , ");
        uint32_t key = once ? (first + i) % 10 : draw(state, 10); // mostly no key repeats
        if (what != 7) pl_buf_printf(out, "\"%s\":%s", keys[key], draw(state, 4) ? "" : " ");
        any_value(out, state, depth + 1);
    }
    pl_buf_char(out, what == 7 ? ']' : '}');
}

// In half of the rounds there are many of them: then they take a shorter way.
TEST(watch_sees_of_any_records_what_the_tree_sees)
{
    kit k;
    pl_buf record = {0};
    uint64_t seed = 7;
    for (int round = 0; round < 20; round++) {
        kit_open(&k);
        if (round % 2) k.task.bytes = PL_WATCH_FEW_BYTES + 1;
        for (int i = 0; i < 300; i++) {
            if (i % 50 == 0) kit_object(&k, i + 1);
            pl_buf_reset(&record);
            any_value(&record, &seed, 0);
            kit_record(&k, pl_buf_cstr(&record));
        }
        kit_take(&k);
        check_equal(&k);
        kit_close(&k);
    }
    pl_buf_done(&record);
}

TEST(watch_takes_a_record_that_is_no_json_for_nothing)
{
    static const char text[] = "{\"a\": \"x\", \"d\": {\"b\": {\"a\": 1}}, 7}";
    kit k;
    kit_open(&k);
    kit_object(&k, 1);
    for (int i = 0; i < 3; i++) {
        CHECK(pl_scan_record(&k.scanner, pl_span_of(text), 0) == SIZE_MAX);
        kit_record(&k, i == 1 ? "{\"a\":\"y\",\"d\":{\"b\":{}}}" : "{\"a\":\"y\"}");
    }
    kit_take(&k);
    check_equal(&k);
    kit_close(&k);
}

static void put_values(pl_buf *out, const pl_shape *shape, uint32_t path)
{
    pl_shape_path_write(out, shape, path);
    const pl_shape_values *values = shape->paths[path].values;
    if (!values) return;
    pl_buf_printf(out, " %d: %g to %g,", (int)values->count, values->min, values->max);
    for (uint32_t i = 0; i < values->sample_count; i++)
        pl_buf_printf(out, " %s", values->samples[i]);
    uint64_t pairs = values->pair_count;
    for (uint32_t i = 0; i < values->pair_count; i++)
        pairs = pairs * 31 + values->pairs[i].value.hash + values->pairs[i].entity;
    pl_buf_printf(out, " %llx\n", (unsigned long long)pairs);
}

// So much of one record that its values are looked at before it ends, and so much text that it is
// not taken as a whole.
TEST(watch_takes_values_of_records_of_any_size)
{
    kit k;
    pl_buf record = {0}, fast = {0}, slow = {0};
    kit_open(&k);
    k.task.bytes = PL_WATCH_FEW_BYTES + 1;
    kit_object(&k, 1);
    uint32_t sampled = 0;
    for (int i = 0; sampled < 12; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        uint64_t entity = pl_shape_entity_of_text(pl_span_of(id));
        if (!pl_shape_samples(entity)) continue;
        pl_buf_reset(&record);
        pl_buf_printf(&record, "{\"a\":\"%s\",\"l\":[", id);
        for (int j = 0; j < (sampled % 3 == 1 ? 3000 : 4); j++)
            pl_buf_printf(&record, "%s%d", j ? "," : "", j * i);
        pl_buf_text(&record, "],\"z\":\"");
        for (int j = 0; j < (sampled % 3 == 2 ? 150000 : 10); j++) pl_buf_char(&record, 'x');
        pl_buf_text(&record, "\"}");
        kit_record(&k, pl_buf_cstr(&record));
        pl_json *tree;
        plumb_error err;
        CHECK_OK(pl_json_parse(pl_buf_view(&record), &k.arena, &tree, &err), err);
        pl_shape_sample(&k.slow, tree, entity);
        sampled++;
    }
    kit_take(&k);
    check_equal(&k);
    pl_shape_settle(&k.slow);
    CHECK_INT(k.slow.sampled, k.fast.sampled);
    for (uint32_t p = 0; p < k.slow.count; p++) {
        const pl_shape_path *path = &k.slow.paths[p];
        uint32_t other = PL_SHAPE_ROOT;
        if (path->step == PL_SHAPE_ITEMS) // of "l", as the only one
            other = pl_shape_find(&k.fast,
                                  pl_shape_find(&k.fast, PL_SHAPE_ROOT, PL_SPAN("l"), PL_SHAPE_KEY),
                                  PL_SPAN(""), PL_SHAPE_ITEMS);
        else if (p != PL_SHAPE_ROOT)
            other = pl_shape_find(&k.fast, PL_SHAPE_ROOT, path->key, PL_SHAPE_KEY);
        put_values(&slow, &k.slow, p);
        put_values(&fast, &k.fast, other);
    }
    CHECK_STR(pl_buf_cstr(&slow), pl_buf_cstr(&fast));
    pl_buf_done(&record);
    pl_buf_done(&slow);
    pl_buf_done(&fast);
    kit_close(&k);
}

int main(void)
{
    return RUN_TESTS("map/watch", T(watch_counts_wanted_paths_by_kind),
                     T(watch_counts_what_no_rule_wants_and_what_lies_inside_it),
                     T(watch_counts_objects_on_the_way_to_wanted_paths),
                     T(watch_counts_inside_an_object_that_is_wanted_whole),
                     T(watch_counts_a_repeated_key_once_with_its_last_value),
                     T(watch_counts_objects_a_path_was_in),
                     T(watch_sees_of_any_records_what_the_tree_sees),
                     T(watch_takes_a_record_that_is_no_json_for_nothing),
                     T(watch_takes_values_of_records_of_any_size));
}
