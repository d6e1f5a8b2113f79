// SPDX-License-Identifier: Apache-2.0
#include "flow/baseline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/zstd.h"
#include "codec/zstd_block.h"
#include "flow/doc.h"
#include "json/framer.h"

void pl_baseline_init(pl_baseline *baseline)
{
    *baseline = (pl_baseline){0};
    pl_shape_init(&baseline->shape);
}

void pl_baseline_done(pl_baseline *baseline)
{
    pl_shape_done(&baseline->shape);
    pl_arena_done(&baseline->arena);
    free(baseline->columns);
    *baseline = (pl_baseline){0};
}

static pl_baseline_column *find(const pl_baseline *baseline, pl_span name)
{
    for (uint32_t i = 0; i < baseline->column_count; i++)
        if (pl_span_equal(baseline->columns[i].name, name)) return &baseline->columns[i];
    return NULL;
}

pl_column_counts pl_baseline_counts(const pl_baseline *baseline, pl_span column)
{
    const pl_baseline_column *found = find(baseline, column);
    return found ? found->counts : (pl_column_counts){0};
}

uint64_t pl_baseline_conflicts(const pl_baseline *baseline, pl_span name)
{
    const pl_baseline_column *found = find(baseline, name);
    return found ? found->conflicts : 0;
}

uint64_t pl_baseline_outside(const pl_baseline *baseline, pl_span column)
{
    const pl_baseline_column *found = find(baseline, column);
    return found ? found->outside : 0;
}

static void add_counts(pl_baseline *into, const pl_baseline_column *from)
{
    pl_baseline_column *column = find(into, from->name);
    if (!column) {
        PL_GROW(into->columns, into->column_count, into->column_capacity);
        column = &into->columns[into->column_count++];
        *column = (pl_baseline_column){.name = pl_arena_copy(&into->arena, from->name)};
    }
    column->counts.rows += from->counts.rows;
    column->counts.filled += from->counts.filled;
    column->counts.lost += from->counts.lost;
    column->outside += from->outside;
    column->conflicts += from->conflicts;
}

static void add_records(pl_baseline_records *into, const pl_baseline_records *from)
{
    into->objects += from->objects;
    into->records += from->records;
    into->rows += from->rows;
    into->quarantined += from->quarantined;
    into->filtered += from->filtered;
    into->flawed += from->flawed;
    into->repeated += from->repeated;
}

// The records are not where the mapping looks for them: nothing of the object was found but that.
// An array that is there and empty is a day without data.
static bool is_nowhere(const pl_object_result *object)
{
    const char reason[] = PL_FRAMER_NO_ARRAY;
    if (object->rows || object->filtered || !object->range_count) return false;
    for (uint32_t i = 0; i < object->range_count; i++)
        if (strncmp(object->ranges[i].reason, reason, sizeof reason - 1) != 0) return false;
    return true;
}

void pl_baseline_count(pl_baseline *into, const pl_work_task *task, const pl_task_result *result,
                       const pl_task_window *window)
{
    const pl_contract *contract = task->contract;
    const pl_map_tally *tally = &window->tally;
    for (uint32_t i = 0; i < contract->column_count; i++)
        add_counts(into,
                   &(pl_baseline_column){.name = contract->columns[i].field.name,
                                         .counts = {tally->rows, tally->filled[i], tally->lost[i]},
                                         .outside = tally->outside[i],
                                         .conflicts = tally->conflicts[i].rows});
    into->records.flawed += tally->flawed;
    for (uint32_t i = window->first; i < window->first + window->count; i++) {
        const pl_object_result *object = &result->objects[i];
        if (object->damaged) continue;
        add_records(&into->records, &(pl_baseline_records){.objects = 1,
                                                           .records = object->records,
                                                           .rows = object->rows,
                                                           .quarantined = object->quarantined,
                                                           .filtered = object->filtered,
                                                           .repeated = object->duplicates});
        bool empty = is_nowhere(&result->objects[i]);
        if (!empty && !result->objects[i].records) continue;
        into->objects++;
        into->empty += empty;
        into->empty_last = empty ? into->empty_last + 1 : 0;
    }
}

void pl_baseline_add(pl_baseline *into, const pl_work_task *task, const pl_task_result *result,
                     const pl_task_window *window)
{
    pl_shape_merge(&into->shape, &window->shape);
    pl_baseline_count(into, task, result, window);
}

void pl_baseline_merge(pl_baseline *into, const pl_baseline *from)
{
    pl_shape_merge(&into->shape, &from->shape);
    for (uint32_t i = 0; i < from->column_count; i++) add_counts(into, &from->columns[i]);
    add_records(&into->records, &from->records);
    bool full = from->empty < from->objects;
    into->empty_last = full ? from->empty_last : into->empty_last + from->empty;
    into->objects += from->objects;
    into->empty += from->empty;
}

// ---- the document ------------------------------------------------------------------------------
void pl_baseline_write(const pl_baseline *baseline, pl_buf *out)
{
    pl_buf text = {0};
    char judged[20];
    pl_buf_reserve(&text, (size_t)baseline->shape.pair_total * 16); // about what it takes
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_doc_begin(&w, "baseline");
    pl_json_key(&w, "objects"), pl_json_int(&w, (int64_t)baseline->objects);
    pl_json_key(&w, "empty"), pl_json_int(&w, (int64_t)baseline->empty);
    pl_json_key(&w, "empty_last"), pl_json_int(&w, (int64_t)baseline->empty_last);
    snprintf(judged, sizeof judged, "%016llx", (unsigned long long)baseline->judged);
    pl_json_key(&w, "judged"), pl_json_cstr(&w, judged);
    const pl_baseline_records *r = &baseline->records;
    const uint64_t records[] = {r->objects,  r->records, r->rows,    r->quarantined,
                                r->filtered, r->flawed,  r->repeated};
    pl_json_key(&w, "records"), pl_json_begin(&w, '[');
    for (size_t i = 0; i < PL_COUNT(records); i++) pl_json_int(&w, (int64_t)records[i]);
    pl_json_end(&w, ']');
    pl_json_key(&w, "columns"), pl_json_begin(&w, '{');
    for (uint32_t i = 0; i < baseline->column_count; i++) {
        const pl_baseline_column *column = &baseline->columns[i];
        pl_json_key_span(&w, column->name), pl_json_begin(&w, '[');
        pl_json_int(&w, (int64_t)column->counts.rows);
        pl_json_int(&w, (int64_t)column->counts.filled);
        pl_json_int(&w, (int64_t)column->counts.lost);
        pl_json_int(&w, (int64_t)column->outside);
        pl_json_int(&w, (int64_t)column->conflicts);
        pl_json_end(&w, ']');
    }
    pl_json_end(&w, '}');
    pl_json_key(&w, "shape"), pl_shape_write(&w, &baseline->shape);
    pl_json_end(&w, '}');
    // Half the work of the default level, for 2 % more bytes: pairs are hashes.
    pl_zstd_packer *packer = pl_zstd_packer_new(1);
    char *room = pl_buf_reserve(out, pl_zstd_bound(text.count));
    out->count += pl_zstd_pack(packer, pl_buf_view(&text), room);
    pl_zstd_packer_free(packer);
    pl_buf_done(&text);
}

static plumb_status read_packed(void *context, void *buffer, size_t bytes, size_t *ret_got,
                                plumb_error *err)
{
    pl_span *rest = context;
    (void)err;
    *ret_got = PL_MIN(bytes, rest->bytes);
    if (*ret_got) memcpy(buffer, rest->data, *ret_got);
    *rest = pl_span_make(rest->data + *ret_got, rest->bytes - *ret_got);
    return PLUMB_OK;
}

static plumb_status unpack(pl_span document, const char *name, pl_buf *text, plumb_error *err)
{
    pl_zstd_reader *reader = pl_zstd_reader_new(read_packed, &document);
    plumb_status st = PLUMB_OK;
    size_t got = 1;
    while (st == PLUMB_OK && got) {
        char *room = pl_buf_reserve(text, PL_GZIP_CHUNK);
        st = pl_zstd_read(reader, room, PL_GZIP_CHUNK, &got, err);
        text->count += got;
        if (st == PLUMB_OK && text->count > PL_DOC_BYTES_MAX)
            st =
                pl_fail(err, PLUMB_E_MALFORMED, "cannot read baseline '%s': it is too large", name);
    }
    pl_zstd_reader_free(reader);
    return st;
}

// Counts of a list that may have fewer: they joined it later. False: it is no such list.
static bool read_counts(const pl_json *list, uint64_t *counts, size_t least, size_t most)
{
    if (list->kind != PL_JSON_ARRAY) return false;
    size_t count = 0;
    for (const pl_json *item = list->first; item; item = item->next) {
        int64_t value;
        if (count == most || !pl_json_long(item, &value) || value < 0) return false;
        counts[count++] = (uint64_t)value;
    }
    return count >= least;
}

static plumb_status read_columns(const pl_doc *doc, const pl_json *root, pl_baseline *baseline)
{
    const pl_json *columns = pl_json_get(root, "columns");
    if (!columns || columns->kind != PL_JSON_OBJECT)
        return pl_doc_fail(doc, root, "no 'columns' in the object");
    for (const pl_json *item = columns->first; item; item = item->next) {
        uint64_t counts[5] = {0};
        if (!read_counts(item, counts, 3, PL_COUNT(counts)))
            return pl_doc_fail(doc, item, "a column has not three counts");
        add_counts(baseline, &(pl_baseline_column){.name = item->key,
                                                   .counts = {counts[0], counts[1], counts[2]},
                                                   .outside = counts[3],
                                                   .conflicts = counts[4]});
    }
    return PLUMB_OK;
}

static plumb_status read_records(const pl_doc *doc, const pl_json *root, pl_baseline *baseline)
{
    const pl_json *records = pl_json_get(root, "records");
    uint64_t c[7] = {0};
    if (records && !read_counts(records, c, PL_COUNT(c), PL_COUNT(c)))
        return pl_doc_fail(doc, records, "'records' is not seven counts");
    baseline->records = (pl_baseline_records){c[0], c[1], c[2], c[3], c[4], c[5], c[6]};
    return PLUMB_OK;
}

static plumb_status read_text(const pl_doc *doc, pl_baseline *baseline)
{
    const pl_json *root;
    char *judged;
    PL_TRY(pl_doc_parse(doc, "baseline", &root));
    PL_TRY(pl_doc_count(doc, root, "objects", &baseline->objects));
    PL_TRY(pl_doc_count(doc, root, "empty", &baseline->empty));
    PL_TRY(pl_doc_count(doc, root, "empty_last", &baseline->empty_last));
    PL_TRY(pl_doc_cstr(doc, root, "judged", false, &judged));
    baseline->judged = strtoull(judged, NULL, 16);
    PL_TRY(read_columns(doc, root, baseline));
    PL_TRY(read_records(doc, root, baseline));
    const pl_json *shape = pl_json_get(root, "shape");
    if (!shape) return pl_doc_fail(doc, root, "no 'shape' in the object");
    pl_shape_done(&baseline->shape);
    baseline->shape = (pl_shape){0};
    return pl_shape_read(shape, &baseline->shape, doc->err);
}

plumb_status pl_baseline_read(pl_span document, const char *name, pl_baseline *ret_baseline,
                              plumb_error *err)
{
    pl_buf text = {0};
    pl_arena arena = {0};
    pl_baseline_init(ret_baseline);
    plumb_status st = unpack(document, name, &text, err);
    pl_doc doc = {"baseline", name, pl_buf_view(&text), &arena, err};
    if (st == PLUMB_OK) st = read_text(&doc, ret_baseline);
    if (st != PLUMB_OK) pl_baseline_done(ret_baseline);
    pl_arena_done(&arena);
    pl_buf_done(&text);
    return st;
}
