// SPDX-License-Identifier: Apache-2.0
#include "flow/shadow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow/keyset.h"
#include "flow/reading.h"
#include "map/mapper.h"

// What a column had so far on one side.
typedef struct cells {
    int at;        // in the side's schema; -1: it has none
    pl_keyset set; // of texts and truth values
    uint64_t values;
    bool any; // min and max are values
    pl_value min, max;
} cells;

// One mapping on its way through the objects.
typedef struct side {
    pl_schema schema;
    pl_work_task task;
    pl_reading *reading;
    pl_mapper *mapper;
    pl_frames frames;
    uint32_t next; // of the frames
    pl_object_result result;
    pl_live_rows live; // instead of a mapping
    uint32_t live_next;
    uint64_t record;
    uint32_t row; // of the batch
    bool more;    // there is a record, and this became of it
    pl_mapped mapped;
    pl_reject reject;       // why it is none
    const pl_column *batch; // its row, if it is one
    pl_shadow_side *out;
    cells *cells; // [columns]
} side;

typedef struct shadow {
    const pl_shadow_options *options;
    pl_arena *arena;
    pl_shadow_report *report;
    pl_work_object *objects;
    uint32_t number; // of the object
    side sides[2];
} shadow;

// ---- which objects ------------------------------------------------------------------------------

typedef struct ids {
    const char *first; // that shows it
    struct id {
        char text[PL_ID_TEXT];
        int64_t bytes; // as stored
    } * items;
    uint32_t count, capacity, older;
} ids;

static bool visit_object(void *context, const pl_object_row *row, pl_object_state state)
{
    ids *all = context;
    (void)state;
    PL_GROW(all->items, all->count, all->capacity);
    struct id *id = &all->items[all->count++];
    snprintf(id->text, sizeof id->text, "%s", row->id);
    id->bytes = row->stored_bytes;
    all->older += strcmp(row->id, all->first) < 0;
    return true;
}

static plumb_status take_object(shadow *s, const char *id, plumb_error *err)
{
    pl_object_row row;
    PL_TRY(pl_registry_object(s->options->registry, id, s->arena, &row, err));
    pl_work_object *object = &s->objects[s->report->objects++];
    *object = (pl_work_object){.id = pl_span_of(row.id),
                               .key = pl_arena_cstr(s->arena, pl_span_of(row.key)),
                               .format = PL_FORMAT_NDJSON,
                               .received_us = row.received_us,
                               .stored_bytes = row.stored_bytes,
                               .content_bytes = row.content_bytes,
                               .broken = row.broken,
                               .sha256 = pl_arena_cstr(s->arena, pl_span_of(row.sha256))};
    PL_IGNORE(pl_format_parse(pl_span_of(row.format), &object->format)); // ndjson if unknown
    return PLUMB_OK;
}

// How many of the `most` before item `end`, or from it on, are of so many bytes, or one.
static uint32_t within(const ids *all, uint32_t end, bool forward, uint32_t most, uint64_t bytes)
{
    uint64_t sum = 0;
    uint32_t count = 0;
    for (; count < most; count++) {
        sum += (uint64_t)all->items[forward ? end + count : end - 1 - count].bytes;
        if (bytes && sum > bytes && count) break;
    }
    return count;
}

// The newest ones, half of them from before the change if there are so many.
static plumb_status pick_objects(shadow *s, const char *source, plumb_error *err)
{
    ids all = {.first = s->options->first_object};
    uint32_t room = s->options->objects ? s->options->objects : UINT32_MAX;
    plumb_status st =
        pl_registry_objects(s->options->registry, source, NULL, visit_object, &all, err);
    if (st == PLUMB_OK && !all.count)
        st = pl_fail(err, PLUMB_E_NOT_FOUND, "cannot map objects of source '%s': it has none",
                     source);
    uint32_t newer = PL_MIN(all.count - all.older, room - PL_MIN(all.older, room / 2));
    uint32_t older = PL_MIN(all.older, room - newer);
    uint64_t bytes = s->options->bytes, each = s->options->first_too ? bytes / 2 : bytes;
    uint32_t first =
        s->options->first_too ? within(&all, all.older, true, newer - newer / 2, each) : 0;
    newer = within(&all, all.count, false, newer - first, each);
    older = within(&all, all.older, false, older, bytes);
    s->objects = PL_TAKE(s->arena, pl_work_object, newer + first + older);
    s->report->older = older;
    for (uint32_t i = all.older - older; st == PLUMB_OK && i < all.older + first; i++)
        st = take_object(s, all.items[i].text, err);
    for (uint32_t i = all.count - newer; st == PLUMB_OK && i < all.count; i++)
        st = take_object(s, all.items[i].text, err);
    free(all.items);
    return st;
}

static plumb_status take_given(shadow *s, plumb_error *err)
{
    s->objects = PL_TAKE(s->arena, pl_work_object, s->options->id_count);
    for (uint32_t i = 0; i < s->options->id_count; i++)
        PL_TRY(take_object(s, s->options->ids[i], err));
    return PLUMB_OK;
}

// ---- columns ------------------------------------------------------------------------------------

static pl_shadow_cells *cells_out(pl_shadow_column *column, int which)
{
    return which ? &column->after : &column->before;
}

static bool is_number(pl_kind kind)
{
    return kind == PL_INT || kind == PL_LONG || kind == PL_FLOAT || kind == PL_DOUBLE ||
           kind == PL_DECIMAL;
}

static void add_columns(shadow *s, const pl_schema *schema)
{
    pl_shadow_report *report = s->report;
    for (uint32_t i = 0; i < schema->count; i++) {
        pl_span name = schema->fields[i].name;
        if (name.data[0] == '_') continue; // of the system
        bool known = false;
        for (uint32_t k = 0; k < report->column_count; k++)
            known |= pl_span_equal(report->columns[k].name, name);
        if (!known) report->columns[report->column_count++].name = name;
    }
}

static double number_of(const pl_value *value, const pl_type *type)
{
    switch (value->kind) {
    case PL_INT:
        return value->i32;
    case PL_LONG:
        return (double)value->i64;
    case PL_FLOAT:
        return (double)value->f32;
    case PL_DOUBLE:
        return value->f64;
    default:
        return (double)value->i128 / pow(10, type->scale);
    }
}

static void add_cell(const side *s, cells *have, pl_shadow_cells *out)
{
    const pl_column *column = &s->batch[have->at];
    if (!column->valid[s->row]) return;
    out->filled++;
    pl_kind kind = column->type.kind;
    if (kind == PL_LIST) return;
    pl_value value = pl_column_value(column, s->row);
    if (kind == PL_STRING || kind == PL_JSON || kind == PL_BOOLEAN) {
        have->values++;
        pl_keyset_add(&have->set, pl_keyset_join(0, &value));
        return;
    }
    if (is_number(kind)) out->sum += number_of(&value, &column->type);
    if (!have->any || pl_value_compare(&value, &have->min) < 0) have->min = value;
    if (!have->any || pl_value_compare(&value, &have->max) > 0) have->max = value;
    have->any = true;
}

static bool same_cell(const pl_column *a, uint32_t i, const pl_column *b, uint32_t k)
{
    if (!a->valid[i] || !b->valid[k]) return !a->valid[i] && !b->valid[k];
    if (a->type.kind != b->type.kind) return false;
    if (a->type.kind != PL_LIST) {
        pl_value left = pl_column_value(a, i), right = pl_column_value(b, k);
        return pl_value_equal(&left, &right);
    }
    uint32_t count = a->offsets[i + 1] - a->offsets[i];
    if (count != b->offsets[k + 1] - b->offsets[k]) return false;
    for (uint32_t n = 0; n < count; n++)
        if (!same_cell(a->child, a->offsets[i] + n, b->child, b->offsets[k] + n)) return false;
    return true;
}

// ---- records ------------------------------------------------------------------------------------

// The side's next record.
static plumb_status advance(side *s, plumb_error *err)
{
    pl_frame frame;
    while (s->more && s->next == s->frames.count) {
        pl_outcome outcome = {0}; // what became of the records is counted here
        PL_TRY(pl_reading_take(s->reading, &s->frames, &outcome, &s->more, err));
        if (s->more) pl_reading_give(s->reading, &outcome);
        s->next = 0;
    }
    if (!s->more) return PLUMB_OK;
    pl_frames_get(&s->frames, s->next++, &frame);
    s->record = frame.index;
    pl_mapper_clear(s->mapper);
    s->mapped = pl_mapper_record(s->mapper, &frame, &s->reject);
    s->out->rows += s->mapped == PL_MAPPED_ROW;
    s->out->quarantined += s->mapped == PL_MAPPED_REJECT;
    s->out->filtered += s->mapped == PL_MAPPED_FILTERED;
    if (s->mapped == PL_MAPPED_ROW) {
        pl_mapper_keep(s->mapper);
        s->batch = pl_mapper_batch(s->mapper);
    }
    return PLUMB_OK;
}

static void show(shadow *s, bool older)
{
    pl_shadow_pair pair = {.older = older};
    for (int n = 0; n < 2; n++) {
        const side *one = &s->sides[n];
        if (one->more && one->mapped == PL_MAPPED_ROW) pair.rows[n] = one->batch;
        if (one->more && one->mapped == PL_MAPPED_REJECT) pair.rejected[n] = one->reject.column;
    }
    s->options->visit(s->options->context, &pair);
}

static const char *cell_text(shadow *s, const side *one, int at)
{
    pl_buf text = {0};
    if (at < 0 || !one->batch[at].valid[one->row]) return NULL;
    const pl_column *column = &one->batch[at];
    if (column->type.kind == PL_LIST) {
        uint32_t first = column->offsets[one->row];
        pl_buf_printf(&text, "a list of %u", (unsigned)(column->offsets[one->row + 1] - first));
    } else {
        pl_value value = pl_column_value(column, one->row);
        pl_value_text(&text, &value, &column->type);
    }
    size_t bytes = PL_MIN(text.count, (size_t)80);
    while (bytes && bytes < text.count && ((uint8_t)text.data[bytes] & 0xC0) == 0x80) bytes--;
    const char *copy = pl_arena_printf(s->arena, "%.*s%s", (int)bytes, pl_buf_cstr(&text),
                                       bytes < text.count ? "..." : "");
    pl_buf_done(&text);
    return copy;
}

// The first of every column, and the second of those that have room.
static void take_sample(shadow *s, const pl_shadow_column *column, uint32_t number)
{
    pl_shadow_report *report = s->report;
    const side *a = &s->sides[0], *b = &s->sides[1];
    if (column->differ > 2 || report->sample_count == s->options->samples) return;
    if (!report->samples)
        report->samples = PL_TAKE(s->arena, pl_shadow_sample, s->options->samples);
    report->samples[report->sample_count++] =
        (pl_shadow_sample){.object = s->objects[s->number].id.data,
                           .record = b->record,
                           .column = column->name,
                           .before = cell_text(s, a, a->cells[number].at),
                           .after = cell_text(s, b, b->cells[number].at)};
}

static bool is_row(const side *one)
{
    return one->more && one->mapped == PL_MAPPED_ROW;
}

static bool has_cell(const side *one, uint32_t number)
{
    int at = one->cells[number].at;
    return at >= 0 && one->batch[at].valid[one->row];
}

static void compare_rows(shadow *s)
{
    side *a = &s->sides[0], *b = &s->sides[1];
    bool rows[] = {is_row(a), is_row(b)};
    bool differs = rows[0] != rows[1];
    s->report->came += rows[1] && !rows[0];
    s->report->went += rows[0] && !rows[1];
    for (uint32_t i = 0; i < s->report->column_count; i++) {
        pl_shadow_column *column = &s->report->columns[i];
        for (int n = 0; n < 2; n++)
            if (rows[n] && s->sides[n].cells[i].at >= 0)
                add_cell(&s->sides[n], &s->sides[n].cells[i], cells_out(column, n));
        if (!rows[0] || !rows[1]) continue;
        int left = a->cells[i].at, right = b->cells[i].at;
        bool was = has_cell(a, i), is = has_cell(b, i);
        bool differ =
            was != is || (was && !same_cell(&a->batch[left], a->row, &b->batch[right], b->row));
        column->differ += differ;
        column->filled += is && !was;
        column->emptied += was && !is;
        if (differ) take_sample(s, column, i);
        differs |= differ;
    }
    s->report->differ += differs;
}

// The live row of this record, if there is one: it stands beside what is mapped.
static void take_live(shadow *s, uint64_t record)
{
    side *a = &s->sides[0], *b = &s->sides[1];
    bool more = b->more;
    for (; a->live_next < a->live.count; a->live_next++) {
        const pl_live_row *row = &a->live.rows[a->live_next];
        if (row->record > record) break;
        a->row = row->row;
        a->more = true;
        a->mapped = PL_MAPPED_ROW;
        a->out->rows++;
        if (row->record == record && more) {
            a->live_next++;
            return;
        }
        b->more = false; // no record is it any more
        compare_rows(s);
        b->more = more;
    }
    a->more = false;
}

static bool is_live(const shadow *s, int which)
{
    return !which && s->options->live;
}

static plumb_status map_object(shadow *s, uint32_t number, plumb_error *err)
{
    const pl_work_object *object = &s->objects[number];
    s->number = number;
    for (int n = 0; n < 2; n++) {
        side *one = &s->sides[n];
        if (is_live(s, n)) {
            one->live_next = 0;
            PL_TRY(s->options->live(s->options->live_context, number, &one->live, err));
            one->batch = one->live.columns;
            continue;
        }
        one->result = (pl_object_result){0};
        one->more = true;
        one->next = one->frames.count = 0;
        PL_TRY(pl_reading_open(one->reading, number, &one->result, err));
        pl_mapper_object(one->mapper, object->id, object->received_us);
    }
    for (;;) {
        for (int n = 0; n < 2; n++)
            if (!is_live(s, n)) PL_TRY(advance(&s->sides[n], err));
        if (is_live(s, 0) && s->sides[1].more) take_live(s, s->sides[1].record);
        if (!s->sides[1].more && (is_live(s, 0) || !s->sides[0].more)) break;
        compare_rows(s);
        if (s->options->visit) show(s, number < s->report->older);
    }
    for (int n = 0; n < 2; n++) {
        side *one = &s->sides[n];
        if (is_live(s, n)) continue;
        pl_reading_close(one->reading, s->arena);
        one->out->quarantined += one->result.quarantined; // the part that cannot be read
        free(one->result.ranges);
        one->result.ranges = NULL;
    }
    if (is_live(s, 0) && !s->sides[1].result.damaged) take_live(s, UINT64_MAX);
    const pl_object_result *read = &s->sides[is_live(s, 0)].result;
    s->report->records += read->records;
    s->report->damaged += read->damaged != NULL;
    return PLUMB_OK;
}

// ---- all of it ----------------------------------------------------------------------------------

static void find_cells(shadow *s, int which, const pl_contract *contract)
{
    side *one = &s->sides[which];
    one->cells = PL_TAKE(s->arena, cells, s->report->column_count);
    for (uint32_t i = 0; i < s->report->column_count; i++) {
        cells *have = &one->cells[i];
        have->set.column_count = 1; // of no row's key: of values
        pl_span name = s->report->columns[i].name;
        bool known = is_live(s, which) || pl_contract_find(contract, name) >= 0;
        have->at = known ? pl_schema_find(&one->schema, name) : -1;
        cells_out(&s->report->columns[i], which)->there = have->at >= 0;
    }
}

static plumb_status side_begin(shadow *s, int which, const pl_mapping *mapping, atomic_bool *cancel,
                               plumb_error *err)
{
    side *one = &s->sides[which];
    pl_map_plan *plan;
    one->out = which ? &s->report->after : &s->report->before;
    one->schema =
        is_live(s, which) ? *s->options->live_schema : pl_map_schema(mapping->contract, s->arena);
    find_cells(s, which, mapping->contract);
    if (is_live(s, which)) return PLUMB_OK;
    PL_TRY(pl_map_compile(mapping, &one->schema, 0, s->arena, &plan, err));
    one->task = (pl_work_task){.store = s->options->store,
                               .plan = plan,
                               .contract = mapping->contract,
                               .schema = &one->schema,
                               .objects = s->objects,
                               .object_count = s->report->objects,
                               .dry = true,
                               .cancel = cancel};
    one->reading = pl_reading_new(&one->task);
    one->mapper = pl_mapper_new(plan);
    return PLUMB_OK;
}

static const char *value_text(shadow *s, const pl_value *value, const pl_type *type)
{
    pl_buf text = {0};
    pl_value_text(&text, value, type);
    const char *copy = pl_arena_cstr(s->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

static void side_end(shadow *s, int which)
{
    side *one = &s->sides[which];
    if (one->mapper) {
        const pl_map_counts *counts = pl_mapper_counts(one->mapper);
        one->out->lost = counts->lost;
        one->out->coerced = counts->coerced;
        one->out->conflicts = counts->conflicts;
    }
    for (uint32_t i = 0; one->cells && i < s->report->column_count; i++) {
        cells *have = &one->cells[i];
        pl_shadow_cells *out = cells_out(&s->report->columns[i], which);
        if (have->at < 0) continue;
        const pl_type *type = &one->schema.fields[have->at].type;
        out->has_sum = is_number(type->kind);
        out->different = have->values - pl_keyset_duplicates(&have->set);
        if (have->any) {
            out->min = value_text(s, &have->min, type);
            out->max = value_text(s, &have->max, type);
        }
        pl_keyset_done(&have->set);
    }
    free(one->result.ranges);
    pl_frames_done(&one->frames);
    pl_mapper_free(one->mapper);
    pl_reading_free(one->reading);
}

plumb_status pl_shadow(const pl_shadow_options *options, pl_arena *arena,
                       pl_shadow_report *ret_report, plumb_error *err)
{
    *ret_report = (pl_shadow_report){0};
    shadow s = {.options = options, .arena = arena, .report = ret_report};
    const pl_mapping *mappings[] = {options->before, options->after};
    ret_report->columns =
        PL_TAKE(arena, pl_shadow_column,
                mappings[0]->contract->column_count + mappings[1]->contract->column_count +
                    (options->live ? options->live_schema->count : 0));
    for (int n = 0; n < 2; n++) add_columns(&s, &mappings[n]->contract->schema);
    if (options->live) add_columns(&s, options->live_schema);
    PL_TRY(options->ids ? take_given(&s, err)
                        : pick_objects(&s, pl_arena_cstr(arena, options->before->source), err));
    plumb_status st = PLUMB_OK;
    for (int n = 0; n < 2 && st == PLUMB_OK; n++)
        st = side_begin(&s, n, mappings[n], options->cancel, err);
    for (uint32_t i = 0; i < ret_report->objects && st == PLUMB_OK; i++)
        st = map_object(&s, i, err);
    for (int n = 0; n < 2; n++) side_end(&s, n);
    return st;
}
