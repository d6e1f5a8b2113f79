// lint_manifest.c -- the rules of a manifest: its header and each entry.
//
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "iceberg/lint_int.h"

typedef struct reading {
    lint *l;
    lint_manifest *m;
    const lint_spec *spec;
    const char *place;
    pl_buf live; // owned; uint32_t
    uint32_t entries;
} reading;

static bool header_is(const pl_avro_reader *reader, const char *key, int64_t want)
{
    pl_span text;
    pl_number number;
    int64_t found;
    return pl_avro_header(reader, key, &text) && pl_number_parse(text, &number) == PL_NUMBER_OK &&
           pl_number_long(&number, 0, &found) == PL_NUMBER_OK && found == want;
}

// The table's schema, of which every column is one the metadata knows under that id.
static void lint_header_schema(lint *l, const char *place, const pl_avro_reader *reader)
{
    pl_span text, type = {0};
    pl_json *json;
    int64_t id;
    if (!pl_avro_header(reader, "schema", &text) ||
        pl_json_parse(text, reader->arena, &json, NULL) != PLUMB_OK ||
        !pl_json_get_text(json, "type", &type) || !pl_span_is(type, "struct")) {
        pl_iceberg__say(l, "manifest-header-schema", place,
                        "its header has no 'schema' of the table");
        return;
    }
    const pl_json *fields = pl_json_get(json, "fields");
    for (const pl_json *f = fields ? fields->first : NULL; f; f = f->next)
        if (!pl_json_get_long(f, "id", &id) || !pl_iceberg__column(l, (int32_t)id)) {
            pl_iceberg__say(l, "manifest-header-schema", place,
                            "the 'schema' in its header has columns that are none of the table's");
            break;
        }
    if (pl_avro_header(reader, "schema-id", &text) && pl_json_get_long(json, "schema-id", &id) &&
        !header_is(reader, "schema-id", id))
        pl_iceberg__say(l, "manifest-header-schema", place,
                        "'schema-id' in its header is '%.*s', and its 'schema' has %lld",
                        PL_FMT(text), (long long)id);
}

static void lint_header_spec(lint *l, const char *place, const pl_avro_reader *reader,
                             const lint_spec *spec)
{
    pl_span text;
    pl_json *json;
    uint32_t i = 0;
    if (!header_is(reader, "partition-spec-id", spec->id))
        pl_iceberg__say(l, "manifest-header-spec", place,
                        "its header does not say 'partition-spec-id' %d", spec->id);
    bool same = pl_avro_header(reader, "partition-spec", &text) &&
                pl_json_parse(text, reader->arena, &json, NULL) == PLUMB_OK &&
                json->kind == PL_JSON_ARRAY && json->count == spec->count;
    for (const pl_json *f = same ? json->first : NULL; f; f = f->next, i++) {
        int64_t source;
        same &= pl_json_get_long(f, "source-id", &source) && source == spec->parts[i].source_id &&
                pl_json_get_text(f, "transform", &text) && pl_span_equal(text, spec->parts[i].word);
    }
    if (!same)
        pl_iceberg__say(l, "manifest-header-spec", place,
                        "'partition-spec' in its header is not the fields of spec %d", spec->id);
}

static void lint_header(reading *r, const pl_avro_reader *reader)
{
    pl_span content;
    const char *want = r->m->row.content ? "deletes" : "data";
    lint_header_schema(r->l, r->place, reader);
    lint_header_spec(r->l, r->place, reader, r->spec);
    if (!header_is(reader, "format-version", 2))
        pl_iceberg__say(r->l, "manifest-header-version", r->place,
                        "its header does not say 'format-version' 2");
    if (!pl_avro_header(reader, "content", &content) || !pl_span_is(content, want))
        pl_iceberg__say(r->l, "manifest-header-content", r->place,
                        "its header does not say 'content' '%s'", want);
}

static void lint_snapshot_id(reading *r, const pl_avro_value *record, int64_t status)
{
    int64_t id;
    const pl_avro_value *value = pl_avro_field_of(record, 1, "snapshot_id");
    if (!value) {
        if (status != PL_ICE_ADDED)
            pl_iceberg__say(r->l, "entry-snapshot", r->place,
                            "entry %u is not new and has no 'snapshot_id'", r->entries);
    } else if (!pl_avro_long(value, &id) ||
               (status != PL_ICE_EXISTING && id != r->m->row.snapshot_id)) {
        pl_iceberg__say(r->l, "entry-snapshot", r->place,
                        "entry %u does not have the 'snapshot_id' %lld of its manifest", r->entries,
                        (long long)r->m->row.snapshot_id);
    }
}

// The data sequence number, its own or inherited.
static int64_t lint_sequence(reading *r, const pl_avro_value *record, int64_t status)
{
    int64_t row = r->m->row.sequence, data = row, file = row;
    const pl_avro_value *first = pl_avro_field_of(record, 3, "sequence_number");
    const pl_avro_value *second = pl_avro_field_of(record, 4, "file_sequence_number");
    if (status != PL_ICE_ADDED && row != 0 && (!first || !second))
        pl_iceberg__say(r->l, "entry-sequence", r->place,
                        "entry %u is not new and has no sequence numbers", r->entries);
    if ((first && (!pl_avro_long(first, &data) || data < 0 || data > row)) ||
        (second && (!pl_avro_long(second, &file) || file < 0 || file > row)))
        pl_iceberg__say(r->l, "entry-sequence", r->place,
                        "entry %u has the sequence numbers %lld and %lld, and its manifest %lld",
                        r->entries, (long long)data, (long long)file, (long long)row);
    else if (status == PL_ICE_ADDED && second && file != row)
        pl_iceberg__say(r->l, "entry-sequence", r->place,
                        "entry %u is new and has the file sequence number %lld of an older commit",
                        r->entries, (long long)file);
    return data;
}

static void widen(lint *l, lint_range *range, const pl_value *value)
{
    pl_value copy = *value;
    if (value->is_null) {
        range->has_null = true;
        return;
    }
    if ((value->kind == PL_FLOAT && isnan(value->f32)) ||
        (value->kind == PL_DOUBLE && isnan(value->f64))) {
        range->has_nan = true;
        return;
    }
    bool lower = !range->has_bounds || pl_value_compare(value, &range->min) < 0;
    bool upper = !range->has_bounds || pl_value_compare(value, &range->max) > 0;
    range->has_bounds = true;
    if (!lower && !upper) return;
    if (value->kind == PL_STRING) copy.text = pl_arena_copy(l->arena, value->text);
    if (lower) range->min = copy;
    if (upper) range->max = copy;
}

// The partition's values; false when they could not be read.
static bool lint_partition(reading *r, const pl_avro_value *file, int64_t status, pl_value *values)
{
    const pl_avro_value *record = pl_avro_field_of(file, 102, "partition");
    for (uint32_t i = 0; i < r->spec->count; i++) {
        const lint_part *part = &r->spec->parts[i];
        if (!pl_iceberg__avro_value(pl_avro_field_of(record, part->id, ""), &part->result,
                                    &values[i])) {
            pl_iceberg__say(r->l, "partition-value", r->place,
                            "entry %u: the value of '%.*s' does not fit its type", r->entries,
                            PL_FMT(part->name));
            return false;
        }
    }
    for (uint32_t i = 0; i < r->spec->count; i++) {
        widen(r->l, &r->m->all[i], &values[i]);
        if (status != PL_ICE_DELETED) widen(r->l, &r->m->live[i], &values[i]);
    }
    return true;
}

// The file itself: there, as large as said, and Parquet at both ends.
static void lint_stored(reading *r, pl_span path, int64_t bytes, bool parquet,
                        const pl_avro_value *file)
{
    lint *l = r->l;
    plumb_error err = {0};
    uint64_t size = 0;
    char ends[12];
    size_t head, tail;
    const char *key = pl_store_key(l->store, pl_arena_cstr(l->arena, path));
    if (!key) {
        pl_iceberg__say(l, "file-exists", r->place, "'%.*s' is outside the lake", PL_FMT(path));
    } else if (pl_store_size(l->store, key, &size, &err) != PLUMB_OK) {
        pl_iceberg__say(l, "file-exists", r->place, "%s", err.message);
    } else if ((int64_t)size != bytes) {
        pl_iceberg__say(l, "file-size", r->place, "'%s' has %lld bytes, and its entry says %lld",
                        key, (long long)size, (long long)bytes);
    } else if (parquet) {
        uint64_t last = size > 8 ? size - 8 : 0;
        bool whole = size > 12 &&
                     pl_store_read(l->store, key, 0, ends, 4, &head, NULL) == PLUMB_OK &&
                     pl_store_read(l->store, key, last, ends + 4, 8, &tail, NULL) == PLUMB_OK &&
                     head == 4 && tail == 8;
        uint32_t footer = 0;
        if (whole) memcpy(&footer, ends + 4, 4);
        if (!whole || memcmp(ends, "PAR1", 4) != 0 || memcmp(ends + 8, "PAR1", 4) != 0 ||
            footer > size - 12)
            pl_iceberg__say(l, "file-parquet", r->place, "'%s' is no whole Parquet file", key);
        else if (!r->m->row.content)
            pl_iceberg__lint_footer(l, r->place, key, last - footer, footer, file);
    }
}

static void lint_path(reading *r, const pl_avro_value *file, int64_t status, int64_t bytes)
{
    lint *l = r->l;
    pl_span path = {0}, format = {0};
    pl_avro_bytes(pl_avro_field_of(file, 100, "file_path"), &path);
    const char *fault = pl_iceberg__uri_fault(path);
    if (fault)
        pl_iceberg__say(l, "file-path", r->place, "entry %u: '%.*s': %s", r->entries, PL_FMT(path),
                        fault);
    pl_avro_bytes(pl_avro_field_of(file, 101, "file_format"), &format);
    bool parquet = pl_span_is(format, "PARQUET");
    if (!parquet && !pl_span_is(format, "AVRO") && !pl_span_is(format, "ORC"))
        pl_iceberg__say(l, "file-format", r->place,
                        "entry %u: its format is '%.*s', and should be 'PARQUET'", r->entries,
                        PL_FMT(format));
    if (status == PL_ICE_DELETED) return;
    uint32_t index = pl_map_get(&l->file_map, path);
    if (index == PL_MAP_NONE) {
        index = l->file_count;
        PL_GROW(l->files, l->file_count, l->file_capacity);
        path = pl_arena_copy(l->arena, path);
        l->files[l->file_count++] = (lint_file){.path = path, .bytes = bytes};
        pl_map_add(&l->file_map, path, index);
        lint_stored(r, path, bytes, parquet, file);
    } else if (l->files[index].bytes != bytes) {
        pl_iceberg__say(l, "file-size", r->place,
                        "'%.*s' has %lld bytes here, and %lld in another manifest", PL_FMT(path),
                        (long long)bytes, (long long)l->files[index].bytes);
    }
    pl_buf_append(&r->live, &index, sizeof index);
}

static void lint_splits(reading *r, const pl_avro_value *file, int64_t bytes)
{
    const pl_avro_value *splits = pl_avro_field_of(file, 132, "split_offsets");
    int64_t last = 0, at;
    for (uint32_t i = 0; splits && splits->type->kind == PL_AVRO_ARRAY && i < splits->count; i++) {
        if (!pl_avro_long(&splits->items[i], &at) || at <= last || at >= bytes) {
            pl_iceberg__say(r->l, "split-offsets", r->place,
                            "entry %u: its split offsets do not rise within the file's %lld bytes",
                            r->entries, (long long)bytes);
            return;
        }
        last = at;
    }
}

static void lint_sort_order(reading *r, const pl_avro_value *file)
{
    int64_t id, other;
    const pl_json *orders = pl_json_get(r->l->root, "sort-orders");
    if (!pl_avro_long(pl_avro_field_of(file, 140, "sort_order_id"), &id)) return;
    for (const pl_json *o = orders ? orders->first : NULL; o; o = o->next)
        if (pl_json_get_long(o, "order-id", &other) && other == id) return;
    pl_iceberg__say(r->l, "file-sort-order", r->place,
                    "entry %u: it names the sort order %lld, which does not exist", r->entries,
                    (long long)id);
}

static void lint_entry(reading *r, const pl_avro_value *record, pl_value *values)
{
    lint *l = r->l;
    lint_manifest *m = r->m;
    int64_t status, content = 0, rows, bytes;
    const pl_avro_value *file = pl_avro_field_of(record, 2, "data_file");
    r->entries++;
    if (!pl_avro_long(pl_avro_field_of(record, 0, "status"), &status) || status < 0 || status > 2) {
        pl_iceberg__say(l, "entry-status", r->place, "entry %u has no valid 'status'", r->entries);
        m->read = false;
        return;
    }
    lint_snapshot_id(r, record, status);
    int64_t sequence = lint_sequence(r, record, status);
    if (!pl_avro_long(pl_avro_field_of(file, 103, "record_count"), &rows) || rows < 0 ||
        !pl_avro_long(pl_avro_field_of(file, 104, "file_size_in_bytes"), &bytes) || bytes < 0) {
        pl_iceberg__say(l, "file-counts", r->place,
                        "entry %u has no valid 'record_count' or 'file_size_in_bytes'", r->entries);
        m->read = false;
        return;
    }
    pl_avro_long(pl_avro_field_of(file, 134, "content"), &content);
    if (m->row.content ? content != 1 && content != 2 : content != 0)
        pl_iceberg__say(l, "file-content", r->place,
                        "entry %u has the content %lld in a manifest of %s", r->entries,
                        (long long)content, m->row.content ? "deletes" : "data");
    if (!m->row.content && pl_avro_field_of(file, 135, "equality_ids"))
        pl_iceberg__say(l, "file-equality-ids", r->place,
                        "entry %u is a data file and has 'equality_ids'", r->entries);
    m->files[status]++;
    m->rows[status] += rows;
    m->bytes[status] += bytes;
    if (status != PL_ICE_DELETED) m->min_sequence = PL_MIN(m->min_sequence, sequence);
    lint_path(r, file, status, bytes);
    lint_splits(r, file, bytes);
    lint_sort_order(r, file);
    bool partition = r->spec->known && lint_partition(r, file, status, values);
    if (!m->row.content)
        pl_iceberg__lint_metrics(l, r->place, file, r->spec, partition ? values : NULL);
}

static void lint_records(reading *r, pl_avro_reader *reader)
{
    plumb_error err = {0};
    const pl_avro_value *record;
    pl_value *values = PL_TAKE(r->l->arena, pl_value, r->spec->count);
    for (;;) {
        if (pl_avro_next(reader, &record, &err) != PLUMB_OK) {
            pl_iceberg__say(r->l, "manifest-readable", r->place, "after entry %u: %s", r->entries,
                            err.message);
            r->m->read = false;
            return;
        }
        if (!record) break;
        if (record->type->kind == PL_AVRO_RECORD) lint_entry(r, record, values);
    }
    if (!r->entries) pl_iceberg__say(r->l, "manifest-not-empty", r->place, "it has no entries");
}

void pl_iceberg__lint_entries(lint *l, lint_manifest *m, const char *place, pl_span bytes)
{
    pl_arena head = {0};
    pl_avro_reader reader;
    plumb_error err = {0};
    const lint_spec *spec = pl_iceberg__spec(l, m->row.spec_id);
    reading r = {.l = l, .m = m, .spec = spec, .place = place};
    if (pl_avro_open(&reader, bytes, &head, &err) != PLUMB_OK) {
        pl_iceberg__say(l, "manifest-readable", place, "%s", err.message);
    } else if (spec) {
        m->read = true;
        m->all = PL_TAKE(l->arena, lint_range, spec->count);
        m->live = PL_TAKE(l->arena, lint_range, spec->count);
        lint_header(&r, &reader);
        pl_iceberg__lint_avro(l, place, &reader, spec);
        lint_records(&r, &reader);
    }
    m->live_count = (uint32_t)(r.live.count / sizeof(uint32_t));
    m->live_files = PL_TAKE(l->arena, uint32_t, m->live_count);
    if (m->live_count) memcpy(m->live_files, r.live.data, r.live.count);
    pl_buf_done(&r.live);
    pl_avro_close(&reader);
    pl_arena_done(&head);
}
