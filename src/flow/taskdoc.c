// SPDX-License-Identifier: Apache-2.0
#include "flow/taskdoc.h"

#include <stdio.h>
#include <stdlib.h>

#include "flow/doc.h"
#include "flow/windows.h"
#include "iceberg/manifest.h"

char *pl_taskdoc_key(const char *run, const char *task, pl_arena *arena)
{
    return pl_arena_printf(arena, ".plumb/runs/%s/%s.json", run, task);
}

// ---- writing -----------------------------------------------------------------------------------
static void count(pl_json_writer *w, const char *key, uint64_t value)
{
    pl_json_key(w, key), pl_json_int(w, (int64_t)value);
}

static void pair(pl_json_writer *w, const char *key, uint64_t first, uint64_t second)
{
    pl_json_key(w, key), pl_json_begin(w, '[');
    pl_json_int(w, (int64_t)first), pl_json_int(w, (int64_t)second);
    pl_json_end(w, ']');
}

static void write_object(pl_json_writer *w, pl_span id, const pl_object_result *object)
{
    pl_json_begin(w, '{');
    pl_json_key(w, "id"), pl_json_text(w, id);
    pl_json_key(w, "damaged"), pl_json_cstr(w, object->damaged);
    count(w, "records", object->records);
    count(w, "rows", object->rows);
    count(w, "quarantined", object->quarantined);
    count(w, "filtered", object->filtered);
    count(w, "lost", object->lost);
    count(w, "coerced", object->coerced);
    count(w, "conflicts", object->conflicts);
    count(w, "duplicates", object->duplicates);
    pl_json_key(w, "ranges"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < object->range_count; i++) {
        const pl_quarantine_range *range = &object->ranges[i];
        pl_json_begin(w, '{');
        pair(w, "records", range->record_first, range->record_count);
        pair(w, "bytes", range->byte_first, range->byte_count);
        count(w, "at", range->error_at);
        pl_json_key(w, "column"), pl_json_text(w, range->column);
        pl_json_key(w, "reason"), pl_json_cstr(w, range->reason);
        pl_json_key(w, "sample"), pl_json_cstr(w, range->sample);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
    pl_json_end(w, '}');
}

static void write_leaf(pl_json_writer *w, const pl_leaf_metrics *leaf)
{
    pl_json_begin(w, '{');
    pl_json_key(w, "id"), pl_json_int(w, leaf->field_id);
    pl_json_key(w, "bytes"), pl_json_int(w, leaf->compressed_bytes);
    pl_json_key(w, "values"), pl_json_int(w, leaf->values);
    pl_json_key(w, "nulls"), pl_json_int(w, leaf->nulls);
    pl_json_key(w, "nans"), pl_json_int(w, leaf->nans);
    pl_json_key(w, "lower");
    if (leaf->has_lower)
        pl_doc_write_hex(w, leaf->lower);
    else
        pl_json_null(w);
    pl_json_key(w, "upper");
    if (leaf->has_upper)
        pl_doc_write_hex(w, leaf->upper);
    else
        pl_json_null(w);
    pl_json_end(w, '}');
}

static void write_file(pl_json_writer *w, const pl_work_task *task, const pl_part_file *file)
{
    pl_buf bytes = {0};
    pl_json_begin(w, '{');
    pl_json_key(w, "key"), pl_json_cstr(w, file->key);
    pl_json_key(w, "partition"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < task->spec->count; i++) {
        pl_buf_reset(&bytes);
        pl_value_bytes(&bytes, &file->values[i]);
        if (file->values[i].is_null)
            pl_json_null(w);
        else
            pl_doc_write_hex(w, pl_buf_view(&bytes));
    }
    pl_json_end(w, ']');
    pl_json_key(w, "objects"), pl_json_raw(w, pl_span_of(file->objects));
    count(w, "rows", file->metrics.rows);
    count(w, "bytes", file->metrics.bytes);
    pl_json_key(w, "sorted"), pl_json_bool(w, file->sorted);
    pl_json_key(w, "splits"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < file->metrics.split_count; i++)
        pl_json_int(w, file->metrics.splits[i]);
    pl_json_end(w, ']');
    pl_json_key(w, "columns"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < file->metrics.leaf_count; i++) write_leaf(w, &file->metrics.leaves[i]);
    pl_json_end(w, ']');
    pl_json_end(w, '}');
    pl_buf_done(&bytes);
}

static void counts(pl_json_writer *w, const char *key, const uint64_t *values, uint32_t columns)
{
    pl_json_key(w, key), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < columns; i++) pl_json_int(w, (int64_t)values[i]);
    pl_json_end(w, ']');
}

static void write_conflicts(pl_json_writer *w, const pl_map_conflict *conflicts, uint32_t columns)
{
    bool any = false;
    for (uint32_t i = 0; i < columns; i++) {
        const pl_map_conflict *conflict = &conflicts[i];
        if (!conflict->rows) continue;
        if (!any) pl_json_key(w, "conflicts"), pl_json_begin(w, '[');
        any = true;
        pl_json_begin(w, '{');
        count(w, "column", i);
        count(w, "rows", conflict->rows);
        pl_json_key(w, "object"), pl_json_cstr(w, conflict->object);
        count(w, "record", conflict->record);
        pair(w, "terms", conflict->won, conflict->other);
        pl_json_key(w, "won"), pl_json_cstr(w, conflict->won_text);
        pl_json_key(w, "other"), pl_json_cstr(w, conflict->other_text);
        pl_json_end(w, '}');
    }
    if (any) pl_json_end(w, ']');
}

static void write_window(pl_json_writer *w, const pl_work_task *task, const pl_task_window *window)
{
    pl_json_begin(w, '{');
    pair(w, "objects", window->first, window->count);
    count(w, "rows", window->tally.rows);
    count(w, "flawed", window->tally.flawed);
    counts(w, "filled", window->tally.filled, task->contract->column_count);
    counts(w, "lost", window->tally.lost, task->contract->column_count);
    counts(w, "outside", window->tally.outside, task->contract->column_count);
    write_conflicts(w, window->tally.conflicts, task->contract->column_count);
    pl_json_key(w, "shape"), pl_shape_write(w, &window->shape);
    pl_json_end(w, '}');
}

// About what a shape takes for each of its pairs, so that the text is not moved as it grows.
enum { PAIR_BYTES = 16 };

// Returns how much of it is before the windows.
static size_t write_all(pl_buf *out, const pl_work_task *task, const pl_task_result *result)
{
    uint64_t pairs = 0;
    for (uint32_t i = 0; i < result->window_count; i++)
        pairs += result->windows[i].shape.pair_total;
    pl_buf_reserve(out, (size_t)pairs * PAIR_BYTES);
    pl_json_writer w = pl_json_writer_on(out, 0);
    pl_doc_begin(&w, "task");
    pl_json_key(&w, "run"), pl_json_cstr(&w, task->run);
    pl_json_key(&w, "task"), pl_json_cstr(&w, task->id);
    pl_json_key(&w, "objects"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < result->object_count; i++)
        write_object(&w, task->objects[i].id, &result->objects[i]);
    pl_json_end(&w, ']');
    pl_json_key(&w, "files"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < result->file_count; i++) write_file(&w, task, &result->files[i]);
    pl_json_end(&w, ']');
    size_t before = out->count;
    pl_json_key(&w, "windows"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < result->window_count; i++) write_window(&w, task, &result->windows[i]);
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
    pl_buf_char(out, '\n');
    return before;
}

void pl_taskdoc_write(pl_buf *out, const pl_work_task *task, const pl_task_result *result)
{
    write_all(out, task, result);
}

static plumb_status put(const pl_work_task *task, const pl_buf *text, plumb_error *err)
{
    pl_arena scratch = {0};
    const char *key = pl_taskdoc_key(task->run, task->id, &scratch);
    plumb_status st = pl_store_put_unsettled(task->store, key, pl_buf_view(text), err);
    pl_arena_done(&scratch);
    return st;
}

plumb_status pl_taskdoc_put(const pl_work_task *task, const pl_task_result *result,
                            plumb_error *err)
{
    pl_buf text = {0};
    pl_taskdoc_write(&text, task, result);
    plumb_status st = put(task, &text, err);
    pl_buf_done(&text);
    return st;
}

// ---- reading -----------------------------------------------------------------------------------
static plumb_status read_pair(const pl_doc *doc, const pl_json *object, const char *key,
                              uint64_t *ret_first, uint64_t *ret_second)
{
    const pl_json *item;
    uint32_t items;
    int64_t first, second;
    PL_TRY(pl_doc_array(doc, object, key, &item, &items));
    if (items != 2 || !pl_json_long(item, &first) || !pl_json_long(item->next, &second) ||
        first < 0 || second < 0)
        return pl_doc_fail(doc, pl_json_get(object, key), "'%s' is not two counts", key);
    *ret_first = (uint64_t)first;
    *ret_second = (uint64_t)second;
    return PLUMB_OK;
}

static plumb_status read_range(const pl_doc *doc, const pl_json *json, pl_quarantine_range *range)
{
    PL_TRY(read_pair(doc, json, "records", &range->record_first, &range->record_count));
    PL_TRY(read_pair(doc, json, "bytes", &range->byte_first, &range->byte_count));
    PL_TRY(pl_doc_count(doc, json, "at", &range->error_at));
    PL_TRY(pl_doc_text(doc, json, "column", &range->column));
    range->column = pl_arena_copy(doc->arena, range->column);
    char *reason = NULL, *sample = NULL;
    PL_TRY(pl_doc_cstr(doc, json, "reason", false, &reason));
    PL_TRY(pl_doc_cstr(doc, json, "sample", false, &sample));
    range->reason = reason;
    range->sample = sample;
    return PLUMB_OK;
}

static plumb_status read_object(const pl_doc *doc, const pl_json *json, pl_span id,
                                pl_object_result *object)
{
    pl_span said;
    char *damaged;
    const pl_json *item;
    PL_TRY(pl_doc_text(doc, json, "id", &said));
    if (!pl_span_equal(said, id))
        return pl_doc_fail(doc, json, "the task has object %.*s here, not %.*s", PL_FMT(id),
                           PL_FMT(said));
    PL_TRY(pl_doc_cstr(doc, json, "damaged", true, &damaged));
    object->damaged = damaged;
    PL_TRY(pl_doc_count(doc, json, "records", &object->records));
    PL_TRY(pl_doc_count(doc, json, "rows", &object->rows));
    PL_TRY(pl_doc_count(doc, json, "quarantined", &object->quarantined));
    PL_TRY(pl_doc_count(doc, json, "filtered", &object->filtered));
    PL_TRY(pl_doc_count(doc, json, "lost", &object->lost));
    PL_TRY(pl_doc_count(doc, json, "coerced", &object->coerced));
    PL_TRY(pl_doc_count(doc, json, "conflicts", &object->conflicts));
    PL_TRY(pl_doc_count(doc, json, "duplicates", &object->duplicates));
    PL_TRY(pl_doc_array(doc, json, "ranges", &item, &object->range_capacity));
    if (!item) return PLUMB_OK;
    object->ranges = pl_zalloc(object->range_capacity, sizeof *object->ranges);
    for (; item; item = item->next)
        PL_TRY(read_range(doc, item, &object->ranges[object->range_count++]));
    return PLUMB_OK;
}

static plumb_status read_leaf(const pl_doc *doc, const pl_json *json, pl_leaf_metrics *leaf)
{
    int64_t id;
    const pl_json *lower, *upper;
    PL_TRY(pl_doc_long(doc, json, "id", &id));
    if (id < 1 || id > INT32_MAX) return pl_doc_fail(doc, json, "'id' is no column id");
    leaf->field_id = (int32_t)id;
    PL_TRY(pl_doc_long(doc, json, "bytes", &leaf->compressed_bytes));
    PL_TRY(pl_doc_long(doc, json, "values", &leaf->values));
    PL_TRY(pl_doc_long(doc, json, "nulls", &leaf->nulls));
    PL_TRY(pl_doc_long(doc, json, "nans", &leaf->nans));
    lower = pl_json_get(json, "lower"), upper = pl_json_get(json, "upper");
    if (!lower || !upper) return pl_doc_fail(doc, json, "no bounds in the object");
    PL_TRY(pl_doc_hex(doc, lower, &leaf->has_lower, &leaf->lower));
    return pl_doc_hex(doc, upper, &leaf->has_upper, &leaf->upper);
}

static plumb_status read_partition(const pl_doc *doc, const pl_json *json, const pl_work_task *task,
                                   const pl_value **ret_values)
{
    const pl_json *item;
    uint32_t items;
    PL_TRY(pl_doc_array(doc, json, "partition", &item, &items));
    if (items != task->spec->count)
        return pl_doc_fail(doc, json, "%u partition values, the table has %u", items,
                           task->spec->count);
    pl_value *values = PL_TAKE(doc->arena, pl_value, items);
    for (uint32_t i = 0; i < items; i++, item = item->next) {
        pl_type type;
        pl_span bytes;
        bool has;
        PL_TRY(pl_doc_hex(doc, item, &has, &bytes));
        if (!pl_ice_partition_type(task->schema, &task->spec->fields[i], &type))
            return pl_doc_fail(doc, item, "a partition field has no type");
        values[i] = (pl_value){.kind = type.kind, .is_null = !has};
        if (has && !pl_ice_value_read(bytes, &type, &values[i]))
            return pl_doc_fail(doc, item, "a partition value is no %s", pl_kind_name(type.kind));
    }
    *ret_values = values;
    return PLUMB_OK;
}

static plumb_status read_metrics(const pl_doc *doc, const pl_json *json, pl_file_metrics *metrics)
{
    const pl_json *item;
    PL_TRY(pl_doc_count(doc, json, "rows", &metrics->rows));
    PL_TRY(pl_doc_count(doc, json, "bytes", &metrics->bytes));
    PL_TRY(pl_doc_array(doc, json, "splits", &item, &metrics->split_count));
    metrics->splits = PL_TAKE(doc->arena, int64_t, metrics->split_count);
    for (uint32_t i = 0; item; item = item->next, i++)
        if (!pl_json_long(item, &metrics->splits[i]))
            return pl_doc_fail(doc, item, "a split is not a whole number");
    uint32_t leaves;
    PL_TRY(pl_doc_array(doc, json, "columns", &item, &leaves));
    metrics->leaves = PL_TAKE(doc->arena, pl_leaf_metrics, leaves);
    for (; item; item = item->next)
        PL_TRY(read_leaf(doc, item, &metrics->leaves[metrics->leaf_count++]));
    return PLUMB_OK;
}

// A task's files are below its table's data, named by its run and itself.
static bool key_fits(const pl_work_task *task, const char *key)
{
    char want[128];
    const char *name = strrchr(key, '/');
    size_t prefix = strlen(task->table_key);
    snprintf(want, sizeof want, "%s-%s-", task->run, task->id);
    return name && strncmp(key, task->table_key, prefix) == 0 &&
           strncmp(key + prefix, "/data/", 6) == 0 && strncmp(name + 1, want, strlen(want)) == 0;
}

static plumb_status read_file(const pl_doc *doc, const pl_json *json, const pl_work_task *task,
                              pl_part_file *file)
{
    const pl_json *objects;
    uint32_t ignored;
    PL_TRY(pl_doc_cstr(doc, json, "key", false, &file->key));
    if (!key_fits(task, file->key))
        return pl_doc_fail(doc, json, "file '%s' is not of this task", file->key);
    PL_TRY(read_partition(doc, json, task, &file->values));
    PL_TRY(pl_doc_array(doc, json, "objects", &objects, &ignored));
    file->objects = pl_arena_cstr(doc->arena, pl_json_get(json, "objects")->raw);
    file->uri = pl_span_of(pl_store_uri(task->store, file->key, doc->arena));
    PL_TRY(pl_doc_bool(doc, json, "sorted", &file->sorted));
    return read_metrics(doc, json, &file->metrics);
}

// A count for each column of the contract.
static plumb_status read_counts(const pl_doc *doc, const pl_json *json, const char *key,
                                const pl_work_task *task, uint64_t **ret_counts)
{
    const pl_json *item;
    uint32_t columns;
    PL_TRY(pl_doc_array(doc, json, key, &item, &columns));
    if (columns != task->contract->column_count)
        return pl_doc_fail(doc, json, "'%s' has %u columns, the contract has %u", key, columns,
                           task->contract->column_count);
    *ret_counts = PL_TAKE(doc->arena, uint64_t, columns);
    for (uint32_t i = 0; item; item = item->next, i++) {
        int64_t value;
        if (!pl_json_long(item, &value) || value < 0)
            return pl_doc_fail(doc, item, "'%s' has something that is no count", key);
        (*ret_counts)[i] = (uint64_t)value;
    }
    return PLUMB_OK;
}

// Of the columns that have some.
static plumb_status read_conflicts(const pl_doc *doc, const pl_json *json, const pl_work_task *task,
                                   pl_map_conflict **ret_conflicts)
{
    const pl_json *item = NULL;
    uint32_t items;
    uint64_t column, won, other;
    *ret_conflicts = PL_TAKE(doc->arena, pl_map_conflict, task->contract->column_count);
    if (pl_json_get(json, "conflicts")) PL_TRY(pl_doc_array(doc, json, "conflicts", &item, &items));
    for (; item; item = item->next) {
        char *object, *won_text, *other_text;
        PL_TRY(pl_doc_count(doc, item, "column", &column));
        if (column >= task->contract->column_count)
            return pl_doc_fail(doc, item, "a conflict is of no column");
        pl_map_conflict *conflict = &(*ret_conflicts)[column];
        PL_TRY(pl_doc_count(doc, item, "rows", &conflict->rows));
        PL_TRY(pl_doc_cstr(doc, item, "object", false, &object));
        PL_TRY(pl_doc_count(doc, item, "record", &conflict->record));
        PL_TRY(read_pair(doc, item, "terms", &won, &other));
        PL_TRY(pl_doc_cstr(doc, item, "won", false, &won_text));
        PL_TRY(pl_doc_cstr(doc, item, "other", false, &other_text));
        conflict->won = (uint32_t)PL_MIN(won, UINT32_MAX);
        conflict->other = (uint32_t)PL_MIN(other, UINT32_MAX);
        snprintf(conflict->object, sizeof conflict->object, "%s", object);
        snprintf(conflict->won_text, sizeof conflict->won_text, "%s", won_text);
        snprintf(conflict->other_text, sizeof conflict->other_text, "%s", other_text);
    }
    return PLUMB_OK;
}

static plumb_status read_window(const pl_doc *doc, const pl_json *json, const pl_work_task *task,
                                pl_task_window *window)
{
    const pl_json *shape = pl_json_get(json, "shape");
    uint64_t first, count;
    plumb_error why;
    PL_TRY(read_pair(doc, json, "objects", &first, &count));
    if (first != window->first || !count || count > task->object_count - first)
        return pl_doc_fail(doc, json, "a window's objects are not those behind the one before");
    window->count = (uint32_t)count;
    PL_TRY(pl_doc_count(doc, json, "rows", &window->tally.rows));
    PL_TRY(pl_doc_count(doc, json, "flawed", &window->tally.flawed));
    PL_TRY(read_counts(doc, json, "filled", task, &window->tally.filled));
    PL_TRY(read_counts(doc, json, "lost", task, &window->tally.lost));
    PL_TRY(read_counts(doc, json, "outside", task, &window->tally.outside));
    PL_TRY(read_conflicts(doc, json, task, &window->tally.conflicts));
    if (!shape) return pl_doc_fail(doc, json, "no 'shape' in the object");
    if (pl_shape_read(shape, &window->shape, &why) != PLUMB_OK)
        return pl_doc_fail(doc, shape, "%s", why.message);
    return PLUMB_OK;
}

static plumb_status read_windows(const pl_doc *doc, const pl_json *root, const pl_work_task *task,
                                 pl_arena *scratch, pl_task_result *result)
{
    const pl_json *item, *part;
    uint32_t items, objects = 0;
    PL_TRY(pl_doc_array(doc, root, "windows", &item, &items));
    if (items > PL_WINDOWS_MAX) return pl_doc_fail(doc, item, "there are %u windows", items);
    result->windows = PL_TAKE(doc->arena, pl_task_window, items);
    for (; item; item = item->next) {
        pl_task_window window = {.first = objects};
        pl_arena_reset(scratch);
        PL_TRY(pl_doc_part(doc, item, scratch, &part));
        PL_TRY(read_window(doc, part, task, &window));
        result->windows[result->window_count++] = window;
        objects += window.count;
    }
    if (items && objects != task->object_count)
        return pl_doc_fail(doc, pl_json_get(root, "windows"),
                           "windows of %u objects, the task has %u", objects, task->object_count);
    return PLUMB_OK;
}

// What was written a moment ago need not be made of text again: it would be the same.
static void move_windows(const pl_work_task *task, pl_task_result *from, pl_task_result *to)
{
    uint32_t columns = task->contract->column_count;
    to->windows = PL_TAKE(&to->arena, pl_task_window, from->window_count);
    to->window_count = from->window_count;
    from->window_count = 0;
    for (uint32_t i = 0; i < to->window_count; i++) {
        to->windows[i] = from->windows[i];
        pl_task_window *window = &to->windows[i];
        window->tally = pl_windows_tally(&window->tally, columns, &to->arena);
    }
}

// One tree at a time in `scratch`: that of all files would be several times what is kept of them.
// `made` is the result whose document this is, if anybody has it: then windows are not read.
static plumb_status read_all(const pl_doc *doc, const pl_work_task *task, pl_arena *scratch,
                             pl_task_result *made, pl_task_result *result)
{
    const pl_json *root, *item, *part;
    pl_span run, id;
    uint32_t items;
    PL_TRY(pl_doc_parse_top(doc, "task", 2, &root));
    PL_TRY(pl_doc_text(doc, root, "run", &run));
    PL_TRY(pl_doc_text(doc, root, "task", &id));
    if (!pl_span_is(run, task->run) || !pl_span_is(id, task->id))
        return pl_doc_fail(doc, root, "it is the result of task %.*s of run %.*s", PL_FMT(id),
                           PL_FMT(run));
    PL_TRY(pl_doc_array(doc, root, "objects", &item, &items));
    if (items != task->object_count)
        return pl_doc_fail(doc, pl_json_get(root, "objects"), "%u objects, the task has %u", items,
                           task->object_count);
    result->objects = PL_TAKE(doc->arena, pl_object_result, items);
    result->object_count = items;
    for (uint32_t i = 0; item; item = item->next, i++) {
        pl_arena_reset(scratch);
        PL_TRY(pl_doc_part(doc, item, scratch, &part));
        PL_TRY(read_object(doc, part, task->objects[i].id, &result->objects[i]));
    }
    PL_TRY(pl_doc_array(doc, root, "files", &item, &items));
    result->files = PL_TAKE(doc->arena, pl_part_file, items);
    for (; item; item = item->next) {
        pl_arena_reset(scratch);
        PL_TRY(pl_doc_part(doc, item, scratch, &part));
        PL_TRY(read_file(doc, part, task, &result->files[result->file_count++]));
    }
    if (!made) return read_windows(doc, root, task, scratch, result);
    move_windows(task, made, result);
    return PLUMB_OK;
}

static plumb_status parse(const pl_work_task *task, pl_span text, const char *name,
                          pl_task_result *made, pl_task_result *ret_result, plumb_error *err)
{
    pl_task_result result = {0};
    pl_arena scratch = {0};
    pl_doc doc = {"task result", name, text, &result.arena, err};
    plumb_status st = read_all(&doc, task, &scratch, made, &result);
    pl_arena_done(&scratch);
    if (st == PLUMB_OK)
        *ret_result = result;
    else
        pl_task_result_done(&result);
    return st;
}

plumb_status pl_taskdoc_parse(const pl_work_task *task, pl_span text, const char *name,
                              pl_task_result *ret_result, plumb_error *err)
{
    return parse(task, text, name, NULL, ret_result, err);
}

plumb_status pl_taskdoc_get(const pl_work_task *task, pl_task_result *ret_result, plumb_error *err)
{
    pl_arena text_arena = {0};
    pl_span text;
    const char *key = pl_taskdoc_key(task->run, task->id, &text_arena);
    plumb_status st = pl_store_get(task->store, key, PL_DOC_BYTES_MAX, &text_arena, &text, err);
    if (st == PLUMB_OK) st = pl_taskdoc_parse(task, text, key, ret_result, err);
    pl_arena_done(&text_arena);
    return st;
}

// What was put a moment ago, if it is there still. `text` is what is before its windows, which are
// nearly all of it: they are taken from `made`.
static plumb_status take_made(const pl_work_task *task, pl_buf *text, pl_task_result *made,
                              pl_task_result *ret_result, plumb_error *err)
{
    pl_arena scratch = {0};
    uint64_t bytes;
    const char *key = pl_taskdoc_key(task->run, task->id, &scratch);
    plumb_status st = pl_store_size(task->store, key, &bytes, err);
    pl_buf_char(text, '}');
    if (st == PLUMB_OK) st = parse(task, pl_buf_view(text), key, made, ret_result, err);
    pl_arena_done(&scratch);
    return st;
}

void pl_taskdoc_set_aside(pl_task_result *result)
{
    for (uint32_t i = 0; i < result->window_count; i++) {
        pl_shape_done(&result->windows[i].shape);
        result->windows[i].aside = true;
    }
}

plumb_status pl_taskdoc_recall(const pl_work_task *task, pl_task_result *result, plumb_error *err)
{
    pl_task_result again = {0};
    PL_TRY(pl_taskdoc_get(task, &again, err));
    for (uint32_t i = 0; i < result->window_count && i < again.window_count; i++) {
        if (!result->windows[i].aside) continue;
        result->windows[i].shape = again.windows[i].shape;
        result->windows[i].aside = false;
        again.windows[i].shape = (pl_shape){0};
    }
    pl_task_result_done(&again);
    return PLUMB_OK;
}

plumb_status pl_taskdoc_do(const pl_work_task *task, pl_task_result *ret_result, plumb_error *err)
{
    pl_task_result made = {0};
    pl_buf text = {0};
    plumb_status st = pl_taskdoc_get(task, ret_result, err);
    if (st != PLUMB_E_NOT_FOUND) return st;
    PL_TRY(pl_work(task, &made, err));
    size_t before_windows = write_all(&text, task, &made);
    st = put(task, &text, err);
    if (st == PLUMB_E_CONFLICT) { // somebody was faster
        st = PLUMB_OK;
        for (uint32_t i = 0; i < made.file_count && st == PLUMB_OK; i++)
            st = pl_store_delete(task->store, made.files[i].key, err);
        if (st == PLUMB_OK) st = pl_taskdoc_get(task, ret_result, err);
    } else if (st == PLUMB_OK) {
        text.count = before_windows;
        st = take_made(task, &text, &made, ret_result, err);
    }
    pl_buf_done(&text);
    pl_task_result_done(&made);
    if (st == PLUMB_E_NOT_FOUND) // we slept, and another process has ended the run
        st = pl_fail(err, PLUMB_E_FAILED, "cannot publish run '%s': it is no longer working",
                     task->run);
    return st;
}
