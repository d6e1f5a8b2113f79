// A task's result as a document: what goes in comes out, and nothing else is taken.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/taskdoc.h"
#include "unit.h"

#include <stdlib.h>

#include "temp.h"

static char *dir;
static pl_store *store;
static plumb_error err;
static pl_arena arena;
static pl_buf text;
static pl_task_result result;

static pl_field fields[] = {{.id = 1, .name = {"p", 1}, .type = {.kind = PL_STRING}},
                            {.id = 2, .name = {"at", 2}, .type = {.kind = PL_TIMESTAMP}}};
static const pl_schema schema = {.count = 2, .fields = fields};
static pl_partition_field parts[] = {
    {.id = 1000, .source_id = 1, .source = {"p", 1}, .name = {"p", 1}},
    {.id = 1001,
     .source_id = 2,
     .source = {"at", 2},
     .name = {"at_day", 6},
     .transform = {.kind = PL_DAY}}};
static const pl_partition_spec spec = {.count = 2, .fields = parts};
static const pl_work_object objects[] = {
    {.id = {"01J00000000000000000000001", 26}, .key = (char[]){"raw/a"}},
    {.id = {"01J00000000000000000000002", 26}, .key = (char[]){"raw/b"}}};
static const pl_contract contract = {.column_count = 2};
static pl_work_task task = {.id = "t1",
                            .run = "01J0000000000000000000000R",
                            .table_key = "tables/posts",
                            .contract = &contract,
                            .schema = &schema,
                            .spec = &spec,
                            .objects = objects,
                            .object_count = 2};

// Two records of an entity each.
static void observe(pl_shape *shape)
{
    pl_shape_init(shape);
    pl_shape_object(shape, 5);
    for (uint64_t entity = 1; entity <= 2; entity++) {
        pl_json *record;
        pl_span json = PL_SPAN("{\"a\":{\"n\":4.5},\"t\":[\"x\",null]}");
        if (pl_json_parse(json, &arena, &record, &err) != PLUMB_OK) return;
        pl_shape_record(shape, record);
        pl_shape_sample(shape, record, entity);
    }
    pl_shape_settle(shape);
}

static void write_shape(pl_buf *out, const pl_shape *shape)
{
    pl_json_writer w = pl_json_writer_on(out, 0);
    pl_shape_write(&w, shape);
}

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    if (pl_store_open_local(dir, true, &store, &err) != PLUMB_OK) return 1;
    task.store = store;
    pl_quarantine_range range = {.record_first = 3,
                                 .record_count = 2,
                                 .byte_first = 40,
                                 .byte_count = 9,
                                 .error_at = 41,
                                 .column = PL_SPAN("p"),
                                 .reason = (char[]){"is \"odd\""},
                                 .sample = (char[]){"x\n"}};
    pl_object_result made[] = {{.records = 9,
                                .rows = 5,
                                .quarantined = 2,
                                .filtered = 2,
                                .lost = 1,
                                .range_count = 1,
                                .ranges = &range},
                               {.damaged = "gzip breaks"}};
    static const pl_value values[] = {{.kind = PL_STRING, .text = {"a/b", 3}},
                                      {.kind = PL_DATE, .is_null = true}};
    pl_leaf_metrics leaf = {.field_id = 1,
                            .compressed_bytes = 70,
                            .values = 5,
                            .nans = -1,
                            .has_lower = true,
                            .lower = {"\0\xff", 2}};
    int64_t splits[] = {4, INT64_C(5000000000)};
    pl_part_file file = {
        .key = (char[]){"tables/posts/data/x/01J0000000000000000000000R-t1-0a-1.parquet"},
        .values = values,
        .objects = (char[]){"[[\"a\",\"b\"]]"},
        .sorted = true,
        .metrics = {.bytes = 700,
                    .rows = 5,
                    .leaf_count = 1,
                    .leaves = &leaf,
                    .split_count = 2,
                    .splits = splits}};
    uint64_t lost[] = {0, 7};
    uint64_t filled[] = {3, 1}, outside[] = {2, 0};
    pl_map_conflict conflicts[2] = {{0},
                                    {.rows = 3,
                                     .object = "01J0000000000000000000000A",
                                     .record = 9,
                                     .won = 1,
                                     .other = 2,
                                     .won_text = "\"a\"",
                                     .other_text = "5"}};
    pl_task_window window = {.count = 2, .tally = {4, 3, filled, lost, outside, conflicts}};
    observe(&window.shape);
    pl_task_result in = {.objects = made,
                         .object_count = 2,
                         .files = &file,
                         .file_count = 1,
                         .windows = &window,
                         .window_count = 1};
    pl_taskdoc_write(&text, &task, &in);
    pl_shape_done(&window.shape);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_task_result_done(&result);
    pl_store_close(store);
    pl_buf_done(&text);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

TEST(taskdoc_gives_back_what_was_written)
{
    CHECK_OK(pl_taskdoc_parse(&task, pl_buf_view(&text), "t1.json", &result, &err), err);
    CHECK_INT(2, result.object_count);
    const pl_object_result *object = &result.objects[0];
    CHECK(!object->damaged);
    CHECK_INT(9, object->records);
    CHECK_INT(5, object->rows);
    CHECK_INT(2, object->quarantined);
    CHECK_INT(2, object->filtered);
    CHECK_INT(1, object->lost);
    CHECK_INT(1, object->range_count);
    CHECK_INT(3, object->ranges[0].record_first);
    CHECK_INT(9, object->ranges[0].byte_count);
    CHECK_INT(41, object->ranges[0].error_at);
    CHECK_SPAN("p", object->ranges[0].column);
    CHECK_STR("is \"odd\"", object->ranges[0].reason);
    CHECK_STR("x\n", object->ranges[0].sample);
    CHECK_STR("gzip breaks", result.objects[1].damaged);
    CHECK_INT(1, result.file_count);
    const pl_part_file *file = &result.files[0];
    CHECK_SPAN(pl_store_uri(store, file->key, &arena), file->uri);
    CHECK_SPAN("a/b", file->values[0].text);
    CHECK(file->values[1].is_null && file->values[1].kind == PL_DATE);
    CHECK_STR("[[\"a\",\"b\"]]", file->objects);
    CHECK(file->sorted);
    CHECK_INT(5, file->metrics.rows);
    CHECK_INT(700, file->metrics.bytes);
    CHECK_INT(2, file->metrics.split_count);
    CHECK(file->metrics.splits[1] == INT64_C(5000000000));
    CHECK_INT(-1, file->metrics.leaves[0].nans);
    CHECK(file->metrics.leaves[0].has_lower && !file->metrics.leaves[0].has_upper);
    CHECK_INT(0, memcmp("\0\xff", file->metrics.leaves[0].lower.data, 2));
}

TEST(taskdoc_gives_back_what_records_looked_like)
{
    pl_buf want = {0}, got = {0};
    pl_shape shape;
    CHECK_OK(pl_taskdoc_parse(&task, pl_buf_view(&text), "t1.json", &result, &err), err);
    CHECK_INT(1, result.window_count);
    CHECK_INT(0, result.windows[0].first);
    CHECK_INT(2, result.windows[0].count);
    CHECK_INT(4, result.windows[0].tally.rows);
    CHECK_INT(3, result.windows[0].tally.flawed);
    CHECK_INT(3, result.windows[0].tally.filled[0]);
    CHECK_INT(2, result.windows[0].tally.outside[0]);
    CHECK_INT(1, result.windows[0].tally.filled[1]);
    CHECK_INT(0, result.windows[0].tally.lost[0]);
    CHECK_INT(7, result.windows[0].tally.lost[1]);
    CHECK_INT(0, result.windows[0].tally.conflicts[0].rows);
    const pl_map_conflict *conflict = &result.windows[0].tally.conflicts[1];
    CHECK_INT(3, conflict->rows);
    CHECK_STR("01J0000000000000000000000A", conflict->object);
    CHECK_INT(9, conflict->record);
    CHECK_INT(1, conflict->won);
    CHECK_INT(2, conflict->other);
    CHECK_STR("\"a\"", conflict->won_text);
    CHECK_STR("5", conflict->other_text);
    observe(&shape);
    write_shape(&want, &shape);
    write_shape(&got, &result.windows[0].shape);
    CHECK_STR(pl_buf_cstr(&want), pl_buf_cstr(&got));
    pl_shape_done(&shape);
    pl_buf_done(&want);
    pl_buf_done(&got);
}

// The document with `from` replaced by `to`, read: the message.
static const char *changed(const char *from, const char *to)
{
    const char *all = pl_buf_cstr(&text), *at = strstr(all, from);
    CHECK(at);
    pl_span out = pl_span_of(
        pl_arena_printf(&arena, "%.*s%s%s", (int)(at - all), all, to, at + strlen(from)));
    CHECK_INT(PLUMB_E_MALFORMED, pl_taskdoc_parse(&task, out, "t1.json", &result, &err));
    return err.message;
}

TEST(taskdoc_that_is_not_ours_names_the_place)
{
    CHECK_STR("cannot read task result 't1.json': it is not a document of plumb at byte 0",
              changed("\"task\",\"version\"", "\"plan\",\"version\""));
    CHECK_STR("cannot read task result 't1.json': it has version 2, and this plumb knows version 1 "
              "at byte 26",
              changed("\"version\":1", "\"version\":2"));
    CHECK_STR("cannot read task result 't1.json': it is the result of task t2 of run "
              "01J0000000000000000000000R at byte 0",
              changed("\"task\":\"t1\"", "\"task\":\"t2\""));
    CHECK(strstr(changed("00000001\"", "00000003\""), "the task has object "
                                                      "01J00000000000000000000001 here, not "
                                                      "01J00000000000000000000003 at byte "));
    CHECK(strstr(changed("\"rows\":5", "\"rows\":-5"), "'rows' is negative at byte "));
    CHECK(strstr(changed("\"rows\":5", "\"rows\":\"5\""), "'rows' is not a whole number at byte "));
    CHECK(strstr(changed("\"lost\":1,", ""), "no 'lost' in the object at byte "));
    CHECK(strstr(changed("[3,2]", "[3]"), "'records' is not two counts at byte "));
    CHECK(strstr(changed("\"00ff\"", "\"00f\""), "a value is not hex digits at byte "));
    CHECK(strstr(changed("\"00ff\"", "\"00FF\""), "a value is not hex digits at byte "));
    CHECK(strstr(changed("612f62\",null", "612f62\",\"01\""), "a partition value is no date at"));
    CHECK(strstr(changed("612f62\",null", "612f62\""), "1 partition values, the table has 2 at"));
    CHECK(strstr(changed("tables/posts/", "tables/other/"), "is not of this task at byte "));
    CHECK(strstr(changed("0R-t1-", "0R-t2-"), "is not of this task at byte "));
    CHECK(strstr(changed("[0,2]", "[1,1]"), "a window's objects are not those behind the one"));
    CHECK(strstr(changed("[0,2]", "[0,3]"), "a window's objects are not those behind the one"));
    CHECK(strstr(changed("[0,2]", "[0,1]"), "windows of 1 objects, the task has 2 at byte "));
    CHECK(strstr(changed("[0,7]", "[0]"), "'lost' has 1 columns, the contract has 2 at byte "));
    CHECK(strstr(changed("[0,7]", "[0,-7]"), "'lost' has something that is no count at byte "));
    CHECK(strstr(changed("\"shape\":{\"version\":2", "\"shape\":{\"version\":1"), "version"));
    CHECK(strstr(changed("\"shape\"", "\"form\""), "no 'shape' in the object at byte "));
}

TEST(taskdoc_cut_or_damaged_anywhere_is_refused_or_read_never_worse)
{
    char *copy = pl_arena_cstr(&arena, pl_buf_view(&text));
    size_t bytes = text.count;
    for (size_t i = 0; i + 2 < bytes; i++)
        CHECK_INT(PLUMB_E_MALFORMED,
                  pl_taskdoc_parse(&task, (pl_span){copy, i}, "x", &result, &err));
    for (size_t i = 0; i < bytes; i++)
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (char)(1 << bit);
            if (pl_taskdoc_parse(&task, (pl_span){copy, bytes}, "x", &result, &err) == PLUMB_OK)
                pl_task_result_done(&result);
            copy[i] ^= (char)(1 << bit);
        }
}

TEST(taskdoc_keeps_shapes_that_were_set_aside)
{
    pl_buf want = {0}, got = {0};
    pl_task_result again;
    CHECK_OK(pl_taskdoc_parse(&task, pl_buf_view(&text), "t1.json", &result, &err), err);
    write_shape(&want, &result.windows[0].shape);
    CHECK(pl_shape_bytes(&result.windows[0].shape) > sizeof(pl_shape_path));
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_taskdoc_recall(&task, &result, &err)); // no document yet
    CHECK_OK(pl_taskdoc_put(&task, &result, &err), err);
    pl_taskdoc_set_aside(&result);
    CHECK(result.windows[0].aside);
    CHECK_INT(0, result.windows[0].shape.count);
    CHECK_INT(3, result.windows[0].tally.filled[0]);
    CHECK_OK(pl_taskdoc_recall(&task, &result, &err), err);
    CHECK(!result.windows[0].aside);
    write_shape(&got, &result.windows[0].shape);
    CHECK_STR(pl_buf_cstr(&want), pl_buf_cstr(&got));
    // Of a task that observes nothing there is nothing.
    again = (pl_task_result){0};
    pl_taskdoc_set_aside(&again);
    pl_buf_done(&want);
    pl_buf_done(&got);
}

TEST(taskdoc_is_put_once)
{
    pl_object_result made[2] = {{.records = 1, .rows = 1}, {0}};
    pl_task_result in = {.objects = made, .object_count = 2};
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_taskdoc_get(&task, &result, &err));
    CHECK_OK(pl_taskdoc_put(&task, &in, &err), err);
    made[0].rows = 0;
    CHECK_INT(PLUMB_E_CONFLICT, pl_taskdoc_put(&task, &in, &err));
    CHECK_OK(pl_taskdoc_do(&task, &result, &err), err); // done: theirs is taken
    CHECK_INT(1, result.objects[0].rows);
}

#define S(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    return RUN_TESTS("flow/taskdoc", S(taskdoc_gives_back_what_was_written),
                     S(taskdoc_gives_back_what_records_looked_like),
                     S(taskdoc_that_is_not_ours_names_the_place),
                     S(taskdoc_cut_or_damaged_anywhere_is_refused_or_read_never_worse),
                     S(taskdoc_keeps_shapes_that_were_set_aside), S(taskdoc_is_put_once));
}
