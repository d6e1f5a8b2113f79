// The windows of a task: whatever works on it, and however many, they are the same.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/windows.h"

#include <stdio.h>

#include "flow/raw.h"
#include "os/os.h"
#include "temp.h"
#include "unit.h"

enum { OBJECTS_MAX = 64 };

static char *dir;
static pl_store *store;
static plumb_error err;
static pl_arena arena;
static pl_schema schema;
static pl_work_object objects[OBJECTS_MAX];
static pl_quota quota;
static atomic_bool cancel;
static pl_task_result result;
static pl_work_task task = {.id = "t1",
                            .run = "01J0000000000000000000000R",
                            .table_key = "tables/posts",
                            .memory_bytes = 1 << 20,
                            .quota = &quota,
                            .cancel = &cancel,
                            .dry = true,
                            .objects = objects};

static const char contract_text[] = "table: posts\n"
                                    "key: [id]\n"
                                    "critical: score\n"
                                    "partition: [day(at)]\n"
                                    "columns:\n"
                                    "  id: long!\n"
                                    "  at: timestamp\n"
                                    "  likes: int\n"
                                    "  score: int\n";
static const char mapping_text[] = "source: shop\n"
                                   "into: posts\n"
                                   "map:\n"
                                   "  id: id\n"
                                   "  at: at\n"
                                   "  likes: likes\n"
                                   "  score: score\n"
                                   "where: not ad\n";

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
    pl_quota_init(&quota, 64 << 20);
    task.store = store;
    task.plan = plan;
    task.schema = &schema;
    task.spec = &contract->partition;
    task.contract = contract;
    task.object_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_task_result_done(&result);
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
    char id[PL_ULID_TEXT];
    snprintf(id, sizeof id, "01J%023u", task.object_count + 1);
    pl_raw_options options = {
        .head = {.id = id, .source = PL_SPAN("shop"), .format = PL_FORMAT_NDJSON},
        .has_format = true,
        .level = 1};
    source s = {text, 0};
    const char *key;
    pl_raw_info info;
    CHECK_OK(pl_raw_write(store, &options, read_text, &s, &arena, &key, &info, &err), err);
    objects[task.object_count++] =
        (pl_work_object){.id = pl_arena_copy(&arena, pl_span_of(id)),
                         .key = pl_arena_cstr(&arena, pl_span_of(key)),
                         .format = PL_FORMAT_NDJSON,
                         .received_us = task.object_count,
                         .stored_bytes = (int64_t)info.stored_bytes,
                         .content_bytes = (int64_t)info.content_bytes,
                         .sha256 = pl_arena_cstr(&arena, pl_span_of(info.identity))};
}

// `records` of them from number `first` on; every seventh has another key, every tenth likes that
// are no number.
static void land_records(uint32_t first, uint32_t records)
{
    pl_buf text = {0};
    for (uint32_t i = first; i < first + records; i++) {
        pl_buf_printf(&text, "{\"id\": %u, \"at\": \"2026-11-22T00:00:00Z\", \"likes\": ", i);
        pl_buf_text(&text, i % 10 ? "" : "\"many ");
        pl_buf_printf(&text, "%u%s", i * 7 % 1000, i % 10 ? "" : "\"");
        if (i % 7 == 0) pl_buf_printf(&text, ", \"more\": [{\"k%u\": %u}]", i % 2, i % 100);
        pl_buf_text(&text, "}\n");
    }
    land(pl_buf_view(&text));
    pl_buf_done(&text);
}

// ---- working -----------------------------------------------------------------------------------
typedef struct job {
    pl_crew *crew;
    plumb_status status;
} job;

static void worker(void *context, uint32_t index)
{
    job *j = context;
    if (index == 0) {
        pl_crew_begin(j->crew);
        j->status = pl_work(&task, &result, &err);
        pl_crew_end(j->crew);
    }
    pl_crew_help(j->crew);
}

static void work(uint32_t workers)
{
    pl_task_result_done(&result);
    job j = {.crew = pl_crew_new()};
    task.crew = j.crew;
    task.workers = workers;
    task.observe = true;
    for (uint32_t i = 0; i < workers; i++) pl_crew_enter(j.crew);
    pl_threads_run(workers, worker, &j);
    pl_crew_free(j.crew);
    CHECK_OK(j.status, err);
}

// All windows as text.
static const char *windows(void)
{
    pl_buf text = {0};
    for (uint32_t i = 0; i < result.window_count; i++) {
        const pl_task_window *window = &result.windows[i];
        const pl_map_tally *tally = &window->tally;
        pl_buf_printf(&text, "%u+%u rows %d filled %d lost %d ", window->first, window->count,
                      (int)tally->rows, (int)(tally->filled[0] * 1000 + tally->filled[2]),
                      (int)(tally->lost[2] * 1000 + tally->lost[3]));
        pl_json_writer w = pl_json_writer_on(&text, 0);
        pl_shape_write(&w, &window->shape);
        pl_buf_char(&text, '\n');
    }
    const char *copy = pl_arena_cstr(&arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

static void check_any_workers(void)
{
    work(1);
    const char *want = windows();
    static const uint32_t others[] = {2, 5};
    for (size_t i = 0; i < PL_COUNT(others); i++) {
        work(others[i]);
        CHECK_STR(want, windows());
    }
}

TEST(windows_are_the_same_for_any_number_of_workers)
{
    for (uint32_t i = 0; i < 5; i++) land_records(i * 2000, 2000);
    check_any_workers();
    CHECK_INT(5, result.window_count);
    CHECK_INT(2000, result.windows[4].shape.records);
    CHECK_INT(200, result.windows[4].tally.lost[2]);
    CHECK_INT(2000, result.windows[4].tally.rows);
    CHECK_INT(2000, result.windows[4].tally.filled[0]);
    CHECK_INT(1800, result.windows[4].tally.filled[2]);
    CHECK_INT(0, result.windows[4].tally.filled[3]);
    CHECK_INT(5, result.windows[4].shape.last_us);
}

TEST(windows_of_one_object_that_several_read_count_it_once)
{
    land_records(0, 60000);
    check_any_workers();
    CHECK_INT(1, result.window_count);
    const pl_shape *shape = &result.windows[0].shape;
    CHECK_INT(60000, shape->records);
    CHECK_INT(1, shape->objects);
    for (uint32_t i = 0; i < shape->count; i++) CHECK_INT(1, shape->paths[i].objects);
    CHECK(shape->sampled > 60000 / 64 / 2 && shape->sampled < 60000 / 64 * 2);
}

TEST(windows_sample_every_record_of_a_task_with_few)
{
    for (uint32_t i = 0; i < 3; i++) land_records(i * 1365, 1365); // 4,095 in all
    check_any_workers();
    for (uint32_t i = 0; i < 3; i++) CHECK_INT(1365, result.windows[i].shape.sampled);
    land_records(4095, 1);
    check_any_workers();
    uint64_t sampled = 0;
    for (uint32_t i = 0; i < 4; i++) sampled += result.windows[i].shape.sampled;
    CHECK(sampled > 32 && sampled < 128);
}

TEST(windows_are_at_most_so_many_of_consecutive_objects)
{
    land_records(0, 3000); // of more bytes than the others together
    for (uint32_t i = 1; i < 40; i++) land_records(3000 + i, 1);
    check_any_workers();
    CHECK(result.window_count > 1 && result.window_count <= PL_WINDOWS_MAX);
    uint32_t next = 0;
    uint64_t raw = 0;
    for (uint32_t i = 0; i < result.window_count; i++) {
        CHECK_INT(next, result.windows[i].first);
        next += result.windows[i].count;
        raw += result.windows[i].shape.objects;
        CHECK_INT(result.windows[i].count, result.windows[i].shape.objects);
    }
    CHECK_INT(40, next);
    CHECK_INT(40, raw);
}

TEST(windows_hold_what_is_filtered_and_rejected_but_not_what_is_no_json)
{
    land(PL_SPAN("{\"id\":1,\"ad\":true}\n{\"id\":null}\n{\"id\":\n[1]\n"
                 "{\"id\":2,\"score\":\"high\"}\n{\"id\":3,\"likes\":\"low\"}\n"));
    check_any_workers();
    CHECK_INT(1, result.objects[0].rows);
    CHECK_INT(4, result.objects[0].quarantined);
    CHECK_INT(4, result.windows[0].shape.records);
    CHECK_INT(4, result.windows[0].shape.sampled);
    CHECK_INT(1, result.windows[0].tally.lost[2]);
    CHECK_INT(1, result.windows[0].tally.lost[3]); // its record was rejected for it
}

TEST(windows_have_nothing_of_a_damaged_object)
{
    land_records(0, 10);
    land_records(10, 10);
    objects[0].content_bytes++;
    check_any_workers();
    CHECK(result.objects[0].damaged);
    CHECK_INT(2, result.window_count);
    CHECK_INT(0, result.windows[0].shape.records);
    CHECK_INT(0, result.windows[0].shape.objects);
    CHECK_INT(10, result.windows[1].shape.sampled);
}

TEST(windows_are_none_without_observing)
{
    land_records(0, 10);
    work(1);
    CHECK_INT(1, result.window_count);
    pl_task_result_done(&result);
    task.observe = false;
    task.crew = NULL;
    CHECK_OK(pl_work(&task, &result, &err), err);
    CHECK_INT(0, result.window_count);
}

#define S(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    return RUN_TESTS("flow/windows", S(windows_are_the_same_for_any_number_of_workers),
                     S(windows_of_one_object_that_several_read_count_it_once),
                     S(windows_sample_every_record_of_a_task_with_few),
                     S(windows_are_at_most_so_many_of_consecutive_objects),
                     S(windows_hold_what_is_filtered_and_rejected_but_not_what_is_no_json),
                     S(windows_have_nothing_of_a_damaged_object),
                     S(windows_are_none_without_observing));
}
