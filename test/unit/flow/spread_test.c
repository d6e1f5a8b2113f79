// How many partitions are met, and how many rows there are, from a look at a few records.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/raw.h"
#include "flow/spread.h"
#include "temp.h"
#include "unit.h"

static char *dir;
static pl_store *store;
static plumb_error err;
static pl_arena arena;
static pl_schema schema;
static pl_work_object objects[8];
static pl_work_task task = {.objects = objects};

static const char contract_text[] = "table: posts\n"
                                    "key: [id]\n"
                                    "partition: [day(at)]\n"
                                    "columns:\n"
                                    "  id: long!\n"
                                    "  at: timestamp\n";
static const char mapping_text[] = "source: shop\n"
                                   "into: posts\n"
                                   "map:\n"
                                   "  id: id\n"
                                   "  at: at\n";

static int set_up(void **state)
{
    (void)state;
    pl_problems problems = {0}, warnings = {0};
    dir = temp_make();
    if (pl_store_open_local(dir, true, &store, &err) != PLUMB_OK) return 1;
    pl_contract *contract =
        pl_contract_parse("c", pl_span_of(contract_text), &arena, &problems, &warnings);
    if (!contract) return 1;
    const pl_mapping *mapping =
        pl_mapping_parse("m", pl_span_of(mapping_text), &contract, 1, &arena, &problems, &warnings);
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    schema = pl_map_schema(contract, &arena);
    for (uint32_t i = 0; i < schema.count; i++) schema.fields[i].id = (int32_t)i + 1;
    contract->partition.fields[0].source_id = 2;
    pl_map_plan *plan;
    if (pl_map_compile(mapping, &schema, 0, &arena, &plan, &err) != PLUMB_OK) return 1;
    task.store = store;
    task.plan = plan;
    task.schema = &schema;
    task.spec = &contract->partition;
    task.object_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_store_close(store);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

typedef struct source {
    pl_span text;
    size_t at;
} source;

static plumb_status read_text(void *context, void *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *ignored)
{
    source *s = context;
    (void)ignored;
    *ret_got = PL_MIN(bytes, s->text.bytes - s->at);
    memcpy(buffer, s->text.data + s->at, *ret_got);
    s->at += *ret_got;
    return PLUMB_OK;
}

static void land(pl_span text)
{
    static const char *const ids[] = {"01J00000000000000000000001", "01J00000000000000000000002",
                                      "01J00000000000000000000003", "01J00000000000000000000004",
                                      "01J00000000000000000000005", "01J00000000000000000000006"};
    pl_raw_options options = {.head = {.id = ids[task.object_count],
                                       .source = PL_SPAN("shop"),
                                       .format = PL_FORMAT_NDJSON},
                              .has_format = true,
                              .level = 1};
    source s = {text, 0};
    const char *key;
    pl_raw_info info;
    CHECK_OK(pl_raw_write(store, &options, read_text, &s, &arena, &key, &info, &err), err);
    objects[task.object_count++] = (pl_work_object){.id = pl_span_of(options.head.id),
                                                    .key = pl_arena_cstr(&arena, pl_span_of(key)),
                                                    .format = PL_FORMAT_NDJSON,
                                                    .stored_bytes = (int64_t)info.stored_bytes,
                                                    .content_bytes = (int64_t)info.content_bytes};
}

// Records of `days` days, one after another; each 10th is no row.
static void land_days(uint32_t records, uint32_t first, uint32_t days)
{
    pl_buf text = {0};
    for (uint32_t i = 0; i < records; i++) {
        uint32_t day = first + i % days;
        pl_buf_printf(&text, "{\"id\": %s, \"at\": \"2026-%02u-%02uT00:00:00Z\"}\n",
                      i % 10 ? "1234" : "null", day / 28 + 1, day % 28 + 1);
    }
    land(pl_buf_view(&text));
    pl_buf_done(&text);
}

TEST(spread_counts_what_it_sees)
{
    land_days(1000, 0, 7);
    land_days(3000, 100, 11);
    pl_spread spread = pl_spread_guess(&task);
    CHECK_INT(18, spread.partitions);
    CHECK(spread.rows > 3500 && spread.rows < 3700); // 9 of 10 of 4000
}

TEST(spread_looks_at_objects_evenly_apart)
{
    for (uint32_t i = 0; i < 6; i++) land_days(30, 20 * i, 1); // one day each
    CHECK_INT(4, pl_spread_guess(&task).partitions);
}

TEST(spread_of_nothing_readable_is_nothing)
{
    land(PL_SPAN(""));
    land(PL_SPAN("no JSON\n"));
    pl_spread spread = pl_spread_guess(&task);
    CHECK(spread.partitions == 0 && spread.rows == 0);
    land_days(10, 0, 3);
    objects[0].key = (char[]){"raw/gone"};
    CHECK_INT(3, pl_spread_guess(&task).partitions);
}

#define PROJECT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("flow/spread", PROJECT_TEST(spread_counts_what_it_sees),
                     PROJECT_TEST(spread_looks_at_objects_evenly_apart),
                     PROJECT_TEST(spread_of_nothing_readable_is_nothing));
}
