// plandoc.c -- the plan document, .plumb/runs/<run>/plan.json: all a worker needs that sees only
// the lake.
//
//     {"plumb": "plan", "version": 1, "run", "command", "source", "memory", "observe",
//     "accepts", "regains", "created_us",
//      "tables":  [{"table", "file", "contract": text, "head": location, "metadata": {...}}],
//      "sources": [{"source", "table": index, "file", "mapping": text, "mapping_version",
//                   "picked", "joins", "released": object | null}],
//      "tasks":   [{"task", "source": index, "objects": [{"id", "key", ...}]}]}
//
// An object of a retry also has "retry": {"run", "records", "whole", "room", "ranges": [[first
// record, records, first byte, bytes]]}, and one of a replay "replaces": run.
//
// A table's metadata is Iceberg's own, without snapshots: schema and partition spec with their ids.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/ulid.h"
#include "flow/checks.h"
#include "flow/doc.h"
#include "flow/run_int.h"
#include "flow/taskdoc.h"

// ---- writing -----------------------------------------------------------------------------------
static void write_table(pl_json_writer *w, const run_table *table)
{
    pl_buf text = {0};
    pl_ice_metadata bare = *table->table->metadata;
    bare.current_snapshot_id = PL_ICE_NO_SNAPSHOT;
    bare.snapshot_count = 0;
    bare.refs.count = bare.statistics.count = bare.partition_statistics.count = 0;
    bare.snapshot_log.count = bare.metadata_log.count = bare.unknown.count = 0;
    pl_ice_metadata_write(&text, &bare);
    pl_json_begin(w, '{');
    pl_json_key(w, "table"), pl_json_cstr(w, table->name);
    pl_json_key(w, "file"), pl_json_cstr(w, table->contract->file);
    pl_json_key(w, "contract"), pl_json_text(w, table->contract->text);
    pl_json_key(w, "head"), pl_json_cstr(w, table->expected);
    pl_json_key(w, "metadata"), pl_json_raw(w, pl_span_trim(pl_buf_view(&text)));
    pl_json_end(w, '}');
    pl_buf_done(&text);
}

static void write_retry(pl_json_writer *w, const pl_work_retry *retry)
{
    pl_json_key(w, "retry"), pl_json_begin(w, '{');
    pl_json_key(w, "run"), pl_json_cstr(w, retry->run);
    pl_json_key(w, "records"), pl_json_int(w, (int64_t)retry->records);
    pl_json_key(w, "whole"), pl_json_bool(w, retry->whole);
    pl_json_key(w, "room"), pl_json_int(w, retry->room);
    pl_json_key(w, "ranges"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < retry->range_count; i++) {
        pl_json_begin(w, '[');
        pl_json_int(w, (int64_t)retry->ranges[i].record_first);
        pl_json_int(w, (int64_t)retry->ranges[i].record_count);
        pl_json_int(w, (int64_t)retry->ranges[i].byte_first);
        pl_json_int(w, (int64_t)retry->ranges[i].byte_count);
        pl_json_end(w, ']');
    }
    pl_json_end(w, ']');
    pl_json_end(w, '}');
}

static void write_object(pl_json_writer *w, const pl_work_object *object)
{
    pl_json_begin(w, '{');
    pl_json_key(w, "id"), pl_json_text(w, object->id);
    pl_json_key(w, "key"), pl_json_cstr(w, object->key);
    pl_json_key(w, "format"), pl_json_cstr(w, pl_format_name(object->format));
    pl_json_key(w, "received_us"), pl_json_int(w, object->received_us);
    pl_json_key(w, "stored_bytes"), pl_json_int(w, object->stored_bytes);
    pl_json_key(w, "content_bytes"), pl_json_int(w, object->content_bytes);
    pl_json_key(w, "broken"), pl_json_bool(w, object->broken);
    pl_json_key(w, "sha256"), pl_json_cstr(w, object->sha256);
    if (object->retry) write_retry(w, object->retry);
    if (object->replaces) pl_json_key(w, "replaces"), pl_json_cstr(w, object->replaces);
    pl_json_end(w, '}');
}

static void write_task(pl_json_writer *w, const run_state *run, const run_task *task)
{
    pl_json_begin(w, '{');
    pl_json_key(w, "task"), pl_json_cstr(w, task->work.id);
    pl_json_key(w, "source"), pl_json_int(w, task->source - run->sources);
    pl_json_key(w, "objects"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < task->work.object_count; i++) write_object(w, &task->work.objects[i]);
    pl_json_end(w, ']');
    pl_json_end(w, '}');
}

// Records once more are not judged: they are observed if their columns are asked something, or a
// baseline learns from them.
static bool observes(const run_state *run)
{
    bool asked = (!run->find && !run->swap) || run->regains;
    for (uint32_t i = 0; i < run->source_count; i++)
        asked |= pl_checks_hold_columns(run->sources[i].mapping->contract);
    return asked && !run->options->no_shape;
}

void pl_run__plan_write(const run_state *run, pl_buf *out)
{
    pl_json_writer w = pl_json_writer_on(out, 0);
    pl_doc_begin(&w, "plan");
    pl_json_key(&w, "run"), pl_json_cstr(&w, run->run);
    pl_json_key(&w, "command"), pl_json_cstr(&w, run->command);
    pl_json_key(&w, "source"), pl_json_cstr(&w, run->only);
    pl_json_key(&w, "memory"), pl_json_int(&w, (int64_t)run->memory_bytes);
    pl_json_key(&w, "observe"), pl_json_bool(&w, observes(run));
    pl_json_key(&w, "accepts"), pl_json_bool(&w, run->options->accept_checks);
    pl_json_key(&w, "regains"), pl_json_bool(&w, run->regains);
    pl_json_key(&w, "created_us"), pl_json_int(&w, run->now_us);
    pl_json_key(&w, "tables"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < run->table_count; i++) write_table(&w, &run->tables[i]);
    pl_json_end(&w, ']');
    pl_json_key(&w, "sources"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < run->source_count; i++) {
        const run_source *source = &run->sources[i];
        pl_json_begin(&w, '{');
        pl_json_key(&w, "source"), pl_json_cstr(&w, source->name);
        pl_json_key(&w, "table"), pl_json_int(&w, source->table - run->tables);
        pl_json_key(&w, "file"), pl_json_cstr(&w, source->mapping->file);
        pl_json_key(&w, "mapping"), pl_json_text(&w, source->mapping->text);
        pl_json_key(&w, "mapping_version"), pl_json_int(&w, source->version);
        pl_json_key(&w, "picked"), pl_json_bool(&w, source->picked);
        pl_json_key(&w, "joins"), pl_json_bool(&w, source->joins);
        pl_json_key(&w, "released"), pl_json_cstr(&w, source->released);
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_key(&w, "tasks"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < run->task_count; i++) write_task(&w, run, &run->tasks[i]);
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
    pl_buf_char(out, '\n');
}

// ---- reading -----------------------------------------------------------------------------------
// A contract or mapping that was checked when the plan was made has no mistakes but of another
// version of plumb.
static plumb_status first_problem(const pl_doc *doc, const pl_json *at, pl_problems *problems)
{
    plumb_status st = problems->count ? pl_doc_fail(doc, at, "%s", problems->items[0].message)
                                      : pl_doc_fail(doc, at, "a file is wrong");
    pl_problems_done(problems);
    return st;
}

static plumb_status read_table(const pl_doc *doc, const pl_json *json, run_state *run,
                               run_table *table)
{
    char *file;
    pl_span text;
    pl_problems problems = {0}, warnings = {0};
    PL_TRY(pl_doc_cstr(doc, json, "table", false, &table->name));
    table->key = pl_arena_printf(doc->arena, "tables/%s", table->name);
    PL_TRY(pl_doc_cstr(doc, json, "file", false, &file));
    PL_TRY(pl_doc_text(doc, json, "contract", &text));
    table->contract = pl_contract_parse(file, text, doc->arena, &problems, &warnings);
    pl_problems_done(&warnings);
    if (!table->contract) return first_problem(doc, json, &problems);
    pl_problems_done(&problems);
    if (!pl_span_is(table->contract->table, table->name))
        return pl_doc_fail(doc, json, "the contract is not of table '%s'", table->name);
    const pl_json *metadata = pl_json_get(json, "metadata");
    if (!metadata) return pl_doc_fail(doc, json, "no 'metadata' in the object");
    PL_TRY(pl_ice_metadata_parse(metadata->raw, doc->name, doc->arena, &table->planned, doc->err));
    pl_ice_table planned = {.store = run->options->store,
                            .arena = doc->arena,
                            .key = table->key,
                            .name = table->name,
                            .metadata = table->planned};
    table->schema = pl_ice_current_schema(&planned);
    table->spec = pl_ice_current_spec(&planned);
    table->sort = pl_ice_current_sort(&planned);
    if (!table->schema || !table->spec)
        return pl_doc_fail(doc, metadata, "table '%s' is not one plumb can write", table->name);
    return PLUMB_OK;
}

static plumb_status index_of(const pl_doc *doc, const pl_json *json, const char *key,
                             uint32_t limit, uint32_t *ret_index)
{
    uint64_t value;
    PL_TRY(pl_doc_count(doc, json, key, &value));
    if (value >= limit) return pl_doc_fail(doc, json, "'%s' names nothing", key);
    *ret_index = (uint32_t)value;
    return PLUMB_OK;
}

static plumb_status read_source(const pl_doc *doc, const pl_json *json, run_state *run,
                                run_source *source)
{
    char *file;
    pl_span text;
    uint32_t table = 0;
    pl_problems problems = {0}, warnings = {0};
    PL_TRY(pl_doc_cstr(doc, json, "source", false, &source->name));
    PL_TRY(index_of(doc, json, "table", run->table_count, &table));
    source->table = &run->tables[table];
    PL_TRY(pl_doc_cstr(doc, json, "file", false, &file));
    PL_TRY(pl_doc_text(doc, json, "mapping", &text));
    PL_TRY(pl_doc_long(doc, json, "mapping_version", &source->version));
    PL_TRY(pl_doc_bool(doc, json, "picked", &source->picked));
    PL_TRY(pl_doc_bool(doc, json, "joins", &source->joins));
    PL_TRY(pl_doc_cstr(doc, json, "released", true, &source->released));
    // The mapping's table is its contract; parsing takes a list that may be changed by nobody.
    pl_contract **contracts = PL_TAKE(doc->arena, pl_contract *, 1);
    memcpy(contracts, &source->table->contract, sizeof *contracts);
    source->mapping = pl_mapping_parse(file, text, contracts, 1, doc->arena, &problems, &warnings);
    pl_problems_done(&warnings);
    if (!source->mapping) return first_problem(doc, json, &problems);
    pl_problems_done(&problems);
    return pl_map_compile(source->mapping, source->table->schema, (int32_t)source->version,
                          doc->arena, &source->plan, doc->err);
}

static plumb_status read_range(const pl_doc *doc, const pl_json *json, uint64_t after,
                               pl_work_range *range)
{
    uint64_t *const into[] = {&range->record_first, &range->record_count, &range->byte_first,
                              &range->byte_count};
    const pl_json *item = json->kind == PL_JSON_ARRAY ? json->first : NULL;
    for (size_t i = 0; i < PL_COUNT(into); i++) {
        int64_t value;
        if (!pl_json_long(item, &value) || value < 0)
            return pl_doc_fail(doc, json, "a range is not four counts");
        *into[i] = (uint64_t)value;
        item = item->next;
    }
    if (item || range->record_first < after || !range->record_count)
        return pl_doc_fail(doc, json, "the ranges are not in order");
    return PLUMB_OK;
}

static plumb_status read_retry(const pl_doc *doc, const pl_json *json, pl_work_retry **ret_retry)
{
    const pl_json *item;
    uint32_t count;
    uint64_t after = 0, room;
    pl_work_retry *retry = PL_TAKE(doc->arena, pl_work_retry, 1);
    *retry = (pl_work_retry){0};
    PL_TRY(pl_doc_cstr(doc, json, "run", false, &retry->run));
    PL_TRY(pl_doc_count(doc, json, "records", &retry->records));
    PL_TRY(pl_doc_bool(doc, json, "whole", &retry->whole));
    PL_TRY(pl_doc_count(doc, json, "room", &room));
    PL_TRY(pl_doc_array(doc, json, "ranges", &item, &count));
    pl_work_range *ranges = PL_TAKE(doc->arena, pl_work_range, count);
    for (uint32_t i = 0; item; item = item->next, i++) {
        PL_TRY(read_range(doc, item, after, &ranges[i]));
        after = ranges[i].record_first + ranges[i].record_count;
    }
    retry->room = (uint32_t)PL_MIN(room, (uint64_t)PL_QUARANTINE_MAX);
    retry->ranges = ranges;
    retry->range_count = count;
    *ret_retry = retry;
    return PLUMB_OK;
}

static plumb_status read_object(const pl_doc *doc, const pl_json *json, pl_work_object *object)
{
    char *id;
    pl_span format;
    PL_TRY(pl_doc_cstr(doc, json, "id", false, &id));
    object->id = pl_span_of(id);
    if (!pl_ulid_valid(object->id)) return pl_doc_fail(doc, json, "'%s' is no object's id", id);
    PL_TRY(pl_doc_cstr(doc, json, "key", false, &object->key));
    PL_TRY(pl_doc_text(doc, json, "format", &format));
    if (!pl_format_parse(format, &object->format))
        return pl_doc_fail(doc, json, "unknown format '%.*s'", PL_FMT(format));
    PL_TRY(pl_doc_long(doc, json, "received_us", &object->received_us));
    PL_TRY(pl_doc_long(doc, json, "stored_bytes", &object->stored_bytes));
    PL_TRY(pl_doc_long(doc, json, "content_bytes", &object->content_bytes));
    PL_TRY(pl_doc_bool(doc, json, "broken", &object->broken));
    const pl_json *retry = pl_json_get(json, "retry");
    object->retry = NULL;
    if (retry) PL_TRY(read_retry(doc, retry, &object->retry));
    object->replaces = NULL;
    if (pl_json_get(json, "replaces"))
        PL_TRY(pl_doc_cstr(doc, json, "replaces", false, &object->replaces));
    return pl_doc_cstr(doc, json, "sha256", false, &object->sha256);
}

static plumb_status read_task(const pl_doc *doc, const pl_json *json, run_state *run,
                              run_task *task)
{
    char *id;
    const pl_json *item;
    uint32_t source = 0, count;
    PL_TRY(pl_doc_cstr(doc, json, "task", false, &id));
    PL_TRY(index_of(doc, json, "source", run->source_count, &source));
    PL_TRY(pl_doc_array(doc, json, "objects", &item, &count));
    task->source = &run->sources[source];
    pl_work_object *objects = PL_TAKE(doc->arena, pl_work_object, count);
    for (uint32_t i = 0; item; item = item->next, i++) {
        PL_TRY(read_object(doc, item, &objects[i]));
        if (objects[i].content_bytes > 0) run->content_total += (uint64_t)objects[i].content_bytes;
    }
    task->source->count += count;
    if (count) {
        if (!task->source->first) task->source->first = objects[0].id.data;
        task->source->last = objects[count - 1].id.data;
    }
    task->work = (pl_work_task){.id = id,
                                .store = run->options->store,
                                .run = run->run,
                                .table_key = task->source->table->key,
                                .plan = task->source->plan,
                                .contract = task->source->table->contract,
                                .schema = task->source->table->schema,
                                .spec = task->source->table->spec,
                                .sort = &task->source->table->sort,
                                .objects = objects,
                                .object_count = count,
                                .dry = run->dry || task->source->joins,
                                .observe = run->observe,
                                .progress = &run->progress,
                                .quota = &run->quota,
                                .cancel = &run->stop};
    return PLUMB_OK;
}

static uint64_t shapes_share(const run_state *run)
{
    return run->memory_bytes / 8;
}

// A fixed part for code, catalog and registry, and that of shapes; of the rest half is rows, each
// worker its share, and half is row groups being written.
size_t pl_run__half_of_memory(const run_state *run)
{
    uint64_t memory = run->memory_bytes, fixed = (UINT64_C(96) << 20) + shapes_share(run);
    return (size_t)((memory > fixed * 2 ? memory - fixed : memory / 2) / 2);
}

void pl_run__keep_shapes(run_state *run, run_task *task)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < task->result.window_count; i++)
        bytes += pl_shape_bytes(&task->result.windows[i].shape);
    if (atomic_fetch_add(&run->shape_bytes, bytes) + bytes <= shapes_share(run)) return;
    atomic_fetch_sub(&run->shape_bytes, bytes);
    pl_taskdoc_set_aside(&task->result);
}

static plumb_status read_all(const pl_doc *doc, const pl_json *root, run_state *run)
{
    const pl_json *item;
    uint32_t count;
    PL_TRY(pl_doc_array(doc, root, "tables", &item, &count));
    run->tables = PL_TAKE(doc->arena, run_table, count);
    for (; item; item = item->next)
        PL_TRY(read_table(doc, item, run, &run->tables[run->table_count++]));
    PL_TRY(pl_doc_array(doc, root, "sources", &item, &count));
    run->sources = PL_TAKE(doc->arena, run_source, count);
    for (; item; item = item->next)
        PL_TRY(read_source(doc, item, run, &run->sources[run->source_count++]));
    size_t half = pl_run__half_of_memory(run);
    pl_quota_init(&run->quota, half);
    PL_TRY(pl_doc_array(doc, root, "tasks", &item, &count));
    run->tasks = PL_TAKE(doc->arena, run_task, count);
    for (; item; item = item->next) {
        PL_TRY(read_task(doc, item, run, &run->tasks[run->task_count]));
        run->tasks[run->task_count++].work.memory_bytes = half / PL_MAX(run->options->threads, 1);
    }
    return PLUMB_OK;
}

plumb_status pl_run__plan_parse(run_state *run, pl_span text, const char *name, plumb_error *err)
{
    pl_doc doc = {"plan", name, text, run->arena, err};
    const pl_json *root;
    pl_span id;
    char *command;
    PL_TRY(pl_doc_parse(&doc, "plan", &root));
    PL_TRY(pl_doc_text(&doc, root, "run", &id));
    if (!pl_span_is(id, run->run))
        return pl_doc_fail(&doc, root, "it is the plan of run %.*s", PL_FMT(id));
    PL_TRY(pl_doc_cstr(&doc, root, "command", false, &command));
    run->command = command;
    if (strcmp(command, "replay") == 0) run->swap = pl_run__swap_objects;
    PL_TRY(pl_doc_cstr(&doc, root, "source", true, &run->only));
    PL_TRY(pl_doc_count(&doc, root, "memory", &run->memory_bytes));
    PL_TRY(pl_doc_bool(&doc, root, "observe", &run->observe));
    PL_TRY(pl_doc_bool(&doc, root, "accepts", &run->accepts));
    PL_TRY(pl_doc_bool(&doc, root, "regains", &run->regains));
    run->table_count = run->source_count = run->task_count = 0;
    run->content_total = 0;
    return read_all(&doc, root, run);
}

plumb_status pl_run__plan_get(run_state *run, plumb_error *err)
{
    pl_span text;
    const char *key = pl_taskdoc_key(run->run, "plan", run->arena);
    PL_TRY(pl_store_get(run->options->store, key, PL_DOC_BYTES_MAX, run->arena, &text, err));
    return pl_run__plan_parse(run, text, key, err);
}
