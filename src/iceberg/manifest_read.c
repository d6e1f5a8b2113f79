// manifest_read.c -- manifests and manifest lists in, ours and other writers'.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "iceberg/manifest.h"

typedef struct input {
    const char *what; // "manifest", "manifest list"
    const char *name;
    pl_avro_reader avro;
    pl_arena head;   // owned: the file's header and schema
    pl_arena *arena; // what is returned
    plumb_error *err;
    pl_leaf_metrics *leaves; // owned scratch: the leaves of the current entry
    uint32_t leaf_count, leaf_capacity, leaf_hint;
} input;

static plumb_status bad(const input *in, const char *reason)
{
    return pl_fail(in->err, PLUMB_E_MALFORMED, "cannot read %s '%s': %s", in->what, in->name,
                   reason);
}

// The Avro reader gives bare reasons.
static plumb_status named(const input *in, plumb_status st)
{
    char reason[sizeof in->err->message];
    if (st == PLUMB_OK || !in->err) return st;
    snprintf(reason, sizeof reason, "%s", in->err->message);
    return pl_fail(in->err, st, "cannot read %s '%s': %.300s", in->what, in->name, reason);
}

static plumb_status open_input(input *in, pl_span file)
{
    return named(in, pl_avro_open(&in->avro, file, &in->head, in->err));
}

static void close_input(input *in)
{
    pl_avro_close(&in->avro);
    pl_arena_done(&in->head);
    free(in->leaves);
}

static plumb_status need_long(const input *in, const pl_avro_value *record, int32_t id,
                              const char *name, int64_t min, int64_t max, int64_t *ret)
{
    char reason[100];
    if (pl_avro_long(pl_avro_field_of(record, id, name), ret) && *ret >= min && *ret <= max)
        return PLUMB_OK;
    snprintf(reason, sizeof reason, "an entry has no valid '%s'", name);
    return bad(in, reason);
}

static plumb_status need_text(const input *in, const pl_avro_value *record, int32_t id,
                              const char *name, pl_span *ret)
{
    char reason[100];
    pl_span text;
    if (pl_avro_bytes(pl_avro_field_of(record, id, name), &text)) {
        *ret = pl_arena_copy(in->arena, text);
        return PLUMB_OK;
    }
    snprintf(reason, sizeof reason, "an entry has no valid '%s'", name);
    return bad(in, reason);
}

// A count under its name, or the name writers used before 2022.
static plumb_status need_count(const input *in, const pl_avro_value *record, int32_t id,
                               const char *name, const char *old_name, int64_t max, int64_t *ret)
{
    if (pl_avro_long(pl_avro_field_of(record, id, old_name), ret) && *ret >= 0 && *ret <= max)
        return PLUMB_OK;
    return need_long(in, record, id, name, 0, max, ret);
}

// An int or float written before its column became long or double.
static bool promoted(pl_span bytes, pl_value *ret_value, pl_kind kind)
{
    pl_value value = {.kind = kind};
    int32_t narrow;
    float single;
    memcpy(&narrow, bytes.data, 4);
    memcpy(&single, bytes.data, 4);
    if (kind == PL_LONG)
        value.i64 = narrow;
    else
        value.f64 = (double)single;
    *ret_value = value;
    return true;
}

bool pl_ice_value_read(pl_span bytes, const pl_type *type, pl_value *ret_value)
{
    pl_value value = {.kind = type->kind};
    switch (type->kind) {
    case PL_BOOLEAN:
        if (bytes.bytes != 1) return false;
        value.boolean = bytes.data[0] != 0;
        break;
    case PL_INT:
    case PL_DATE:
    case PL_FLOAT:
        if (bytes.bytes != 4) return false;
        memcpy(&value.i32, bytes.data, 4);
        break;
    case PL_LONG:
    case PL_DOUBLE:
        if (bytes.bytes == 4) return promoted(bytes, ret_value, type->kind);
        if (bytes.bytes != 8) return false;
        memcpy(&value.i64, bytes.data, 8);
        break;
    case PL_TIMESTAMP:
        if (bytes.bytes != 8) return false;
        memcpy(&value.i64, bytes.data, 8);
        break;
    case PL_DECIMAL: {
        if (bytes.bytes < 1 || bytes.bytes > 16) return false;
        pl_u128 bits = (uint8_t)bytes.data[0] & 0x80 ? ~(pl_u128)0 : 0;
        for (size_t i = 0; i < bytes.bytes; i++) bits = bits << 8 | (uint8_t)bytes.data[i];
        value.i128 = (pl_i128)bits;
        break;
    }
    case PL_STRING:
    case PL_JSON:
        value.text = bytes;
        break;
    default:
        return false;
    }
    *ret_value = value;
    return true;
}

// A partition value as the manifest's Avro schema gives it, as `type`.
static bool partition_value(input *in, const pl_avro_value *avro, const pl_type *type,
                            pl_value *ret)
{
    int64_t number;
    pl_span bytes;
    *ret = (pl_value){.kind = type->kind, .is_null = !avro};
    if (!avro) return true;
    switch (type->kind) {
    case PL_BOOLEAN:
        if (!pl_avro_long(avro, &number)) return false;
        ret->boolean = number != 0;
        return true;
    case PL_INT:
    case PL_DATE:
        if (!pl_avro_long(avro, &number) || number < INT32_MIN || number > INT32_MAX) return false;
        ret->i32 = (int32_t)number;
        return true;
    case PL_LONG:
    case PL_TIMESTAMP:
        return pl_avro_long(avro, &ret->i64);
    case PL_FLOAT:
    case PL_DOUBLE:
        if (avro->type->kind != PL_AVRO_FLOAT && avro->type->kind != PL_AVRO_DOUBLE) return false;
        if (type->kind == PL_FLOAT)
            ret->f32 = (float)avro->f64;
        else
            ret->f64 = avro->f64;
        return true;
    default:
        return pl_avro_bytes(avro, &bytes) &&
               pl_ice_value_read(pl_arena_copy(in->arena, bytes), type, ret);
    }
}

// The current entry's leaf with this id. Files list their columns in one order, so the leaf after
// the last one found is tried first.
static pl_leaf_metrics *leaf_of(input *in, int32_t id)
{
    for (uint32_t i = 0; i < in->leaf_count; i++) {
        uint32_t index = (in->leaf_hint + i) % in->leaf_count;
        if (in->leaves[index].field_id != id) continue;
        in->leaf_hint = index + 1;
        return &in->leaves[index];
    }
    PL_GROW(in->leaves, in->leaf_count, in->leaf_capacity);
    pl_leaf_metrics *leaf = &in->leaves[in->leaf_count++];
    *leaf = (pl_leaf_metrics){
        .field_id = id, .compressed_bytes = -1, .values = -1, .nulls = -1, .nans = -1};
    in->leaf_hint = in->leaf_count;
    return leaf;
}

// One of the maps of column id to long or bytes; absent is fine.
static plumb_status read_leaf_map(input *in, const pl_avro_value *file, int32_t id,
                                  const char *name, int32_t key_id)
{
    const pl_avro_value *map = pl_avro_field_of(file, id, name);
    in->leaf_hint = 0;
    if (!map) return PLUMB_OK;
    if (map->type->kind != PL_AVRO_ARRAY) return bad(in, "a map of column metrics is no array");
    for (uint32_t i = 0; i < map->count; i++) {
        const pl_avro_value *value = pl_avro_field_of(&map->items[i], key_id + 1, "value");
        int64_t key, number = -1;
        pl_span bytes = {0};
        PL_TRY(need_long(in, &map->items[i], key_id, "key", 0, INT32_MAX, &key));
        bool bound = id == 125 || id == 128;
        if (bound ? !pl_avro_bytes(value, &bytes) : !pl_avro_long(value, &number))
            return bad(in, "a column metric has no value");
        pl_leaf_metrics *leaf = leaf_of(in, (int32_t)key);
        if (id == 108) leaf->compressed_bytes = number;
        if (id == 109) leaf->values = number;
        if (id == 110) leaf->nulls = number;
        if (id == 137) leaf->nans = number;
        if (id == 125) leaf->has_lower = true, leaf->lower = pl_arena_copy(in->arena, bytes);
        if (id == 128) leaf->has_upper = true, leaf->upper = pl_arena_copy(in->arena, bytes);
    }
    return PLUMB_OK;
}

static plumb_status read_metrics(input *in, const pl_avro_value *file, pl_file_metrics *metrics)
{
    int64_t rows, bytes;
    PL_TRY(need_long(in, file, 103, "record_count", 0, INT64_MAX, &rows));
    PL_TRY(need_long(in, file, 104, "file_size_in_bytes", 0, INT64_MAX, &bytes));
    metrics->rows = (uint64_t)rows;
    metrics->bytes = (uint64_t)bytes;
    in->leaf_count = 0;
    PL_TRY(read_leaf_map(in, file, 108, "column_sizes", 117));
    PL_TRY(read_leaf_map(in, file, 109, "value_counts", 119));
    PL_TRY(read_leaf_map(in, file, 110, "null_value_counts", 121));
    PL_TRY(read_leaf_map(in, file, 137, "nan_value_counts", 138));
    PL_TRY(read_leaf_map(in, file, 125, "lower_bounds", 126));
    PL_TRY(read_leaf_map(in, file, 128, "upper_bounds", 129));
    metrics->leaf_count = in->leaf_count;
    metrics->leaves = PL_TAKE(in->arena, pl_leaf_metrics, in->leaf_count);
    if (in->leaf_count) memcpy(metrics->leaves, in->leaves, in->leaf_count * sizeof *in->leaves);
    const pl_avro_value *splits = pl_avro_field_of(file, 132, "split_offsets");
    if (!splits || splits->type->kind != PL_AVRO_ARRAY) return PLUMB_OK;
    metrics->splits = PL_TAKE(in->arena, int64_t, splits->count);
    for (uint32_t i = 0; i < splits->count; i++)
        if (pl_avro_long(&splits->items[i], &metrics->splits[metrics->split_count]))
            metrics->split_count++;
    return PLUMB_OK;
}

static plumb_status read_partition(input *in, const pl_avro_value *file,
                                   const pl_ice_metadata *metadata, const pl_ice_spec *spec,
                                   const pl_value **ret_values)
{
    const pl_schema *schema = &pl_ice_schema_by_id(metadata, metadata->current_schema_id)->schema;
    const pl_avro_value *record = pl_avro_field_of(file, 102, "partition");
    pl_value *values = PL_TAKE(in->arena, pl_value, spec->spec.count);
    for (uint32_t i = 0; i < spec->spec.count; i++) {
        const pl_partition_field *field = &spec->spec.fields[i];
        const char *name = pl_arena_cstr(in->arena, field->name);
        pl_type type;
        if (!pl_ice_partition_type(schema, field, &type) ||
            !partition_value(in, pl_avro_field_of(record, field->id, name), &type, &values[i]))
            return bad(in, "a partition value does not fit its column");
    }
    *ret_values = values;
    return PLUMB_OK;
}

// A sequence number, or the row's for a new file (or any file of a table upgraded from version 1).
static plumb_status read_sequence(input *in, const pl_avro_value *record, int32_t id,
                                  const char *name, const pl_ice_manifest *row,
                                  pl_ice_status status, int64_t *ret)
{
    const pl_avro_value *value = pl_avro_field_of(record, id, name);
    if (value) return need_long(in, record, id, name, 0, INT64_MAX, ret);
    if (status != PL_ICE_ADDED && row->sequence != 0)
        return bad(in, "a file that is not new has no sequence number");
    *ret = row->sequence;
    return PLUMB_OK;
}

static plumb_status read_entry(input *in, const pl_avro_value *record, const pl_ice_manifest *row,
                               const pl_ice_metadata *metadata, const pl_ice_spec *spec,
                               pl_ice_entry *entry)
{
    int64_t number;
    const pl_avro_value *file = pl_avro_field_of(record, 2, "data_file");
    PL_TRY(need_long(in, record, 0, "status", 0, 2, &number));
    entry->status = (pl_ice_status)number;
    if (!pl_avro_long(pl_avro_field_of(record, 1, "snapshot_id"), &entry->snapshot_id))
        entry->snapshot_id = row->snapshot_id;
    PL_TRY(read_sequence(in, record, 3, "sequence_number", row, entry->status, &entry->sequence));
    PL_TRY(read_sequence(in, record, 4, "file_sequence_number", row, entry->status,
                         &entry->file_sequence));
    if (pl_avro_long(pl_avro_field_of(file, 134, "content"), &number))
        entry->content = (int32_t)number;
    PL_TRY(need_text(in, file, 100, "file_path", &entry->path));
    PL_TRY(need_text(in, file, 101, "file_format", &entry->format));
    PL_TRY(read_partition(in, file, metadata, spec, &entry->partition));
    PL_TRY(read_metrics(in, file, &entry->metrics));
    entry->sort_order_id = -1;
    if (pl_avro_long(pl_avro_field_of(file, 140, "sort_order_id"), &number))
        entry->sort_order_id = (int32_t)number;
    return PLUMB_OK;
}

static plumb_status read_entries(input *in, pl_span file, const pl_ice_manifest *row,
                                 const pl_ice_metadata *metadata, const pl_ice_spec *spec,
                                 pl_buf *entries)
{
    const pl_avro_value *record;
    PL_TRY(open_input(in, file));
    for (;;) {
        pl_ice_entry entry = {0};
        PL_TRY(named(in, pl_avro_next(&in->avro, &record, in->err)));
        if (!record) return PLUMB_OK;
        PL_TRY(read_entry(in, record, row, metadata, spec, &entry));
        pl_buf_append(entries, &entry, sizeof entry);
    }
}

plumb_status pl_ice_manifest_read(pl_span file, const char *name, const pl_ice_manifest *row,
                                  const pl_ice_metadata *metadata, pl_arena *arena,
                                  pl_ice_entry **ret_entries, uint32_t *ret_count, plumb_error *err)
{
    input in = {.what = "manifest", .name = name, .arena = arena, .err = err};
    const pl_ice_spec *spec = pl_ice_spec_by_id(metadata, row->spec_id);
    pl_buf entries = {0};
    if (!spec) return bad(&in, "its partition spec does not exist");
    if (spec->foreign)
        return pl_fail(err, PLUMB_E_MALFORMED,
                       "cannot read manifest '%s': plumb cannot hold its "
                       "partition spec: %s",
                       name, spec->foreign);
    plumb_status st = read_entries(&in, file, row, metadata, spec, &entries);
    if (st == PLUMB_OK) {
        *ret_count = (uint32_t)(entries.count / sizeof(pl_ice_entry));
        *ret_entries = PL_TAKE(arena, pl_ice_entry, *ret_count);
        if (entries.count) memcpy(*ret_entries, entries.data, entries.count);
    }
    pl_buf_done(&entries);
    close_input(&in);
    return st;
}

static plumb_status read_summaries(input *in, const pl_avro_value *record, pl_ice_manifest *row)
{
    const pl_avro_value *array = pl_avro_field_of(record, 507, "partitions");
    if (!array) return PLUMB_OK;
    if (array->type->kind != PL_AVRO_ARRAY) return bad(in, "'partitions' is no array");
    row->has_partitions = true;
    row->partition_count = array->count;
    row->partitions = PL_TAKE(in->arena, pl_ice_summary, array->count);
    for (uint32_t i = 0; i < array->count; i++) {
        const pl_avro_value *item = &array->items[i];
        pl_ice_summary *summary = &row->partitions[i];
        int64_t flag;
        PL_TRY(need_long(in, item, 509, "contains_null", 0, 1, &flag));
        summary->contains_null = flag != 0;
        summary->contains_nan = -1;
        if (pl_avro_long(pl_avro_field_of(item, 518, "contains_nan"), &flag))
            summary->contains_nan = flag != 0;
        summary->has_lower =
            pl_avro_bytes(pl_avro_field_of(item, 510, "lower_bound"), &summary->lower);
        summary->has_upper =
            pl_avro_bytes(pl_avro_field_of(item, 511, "upper_bound"), &summary->upper);
        if (summary->has_lower) summary->lower = pl_arena_copy(in->arena, summary->lower);
        if (summary->has_upper) summary->upper = pl_arena_copy(in->arena, summary->upper);
    }
    return PLUMB_OK;
}

static plumb_status read_counts(input *in, const pl_avro_value *record, pl_ice_manifest *row)
{
    static const struct {
        const char *name, *old_name;
        int32_t id;
    } files[] = {
        {"added_files_count", "added_data_files_count", 504},
        {"existing_files_count", "existing_data_files_count", 505},
        {"deleted_files_count", "deleted_data_files_count", 506},
    };
    int64_t counts[3];
    for (int i = 0; i < 3; i++)
        PL_TRY(need_count(in, record, files[i].id, files[i].name, files[i].old_name, INT32_MAX,
                          &counts[i]));
    row->added_files = (int32_t)counts[0];
    row->existing_files = (int32_t)counts[1];
    row->deleted_files = (int32_t)counts[2];
    PL_TRY(need_long(in, record, 512, "added_rows_count", 0, INT64_MAX, &row->added_rows));
    PL_TRY(need_long(in, record, 513, "existing_rows_count", 0, INT64_MAX, &row->existing_rows));
    return need_long(in, record, 514, "deleted_rows_count", 0, INT64_MAX, &row->deleted_rows);
}

static plumb_status read_row(input *in, const pl_avro_value *record, pl_ice_manifest *row)
{
    int64_t number;
    PL_TRY(need_text(in, record, 500, "manifest_path", &row->path));
    PL_TRY(need_long(in, record, 501, "manifest_length", 0, INT64_MAX, &row->bytes));
    PL_TRY(need_long(in, record, 502, "partition_spec_id", 0, INT32_MAX, &number));
    row->spec_id = (int32_t)number;
    if (pl_avro_field_of(record, 517, "content"))
        PL_TRY(need_long(in, record, 517, "content", 0, 1, &number));
    else
        number = 0;
    row->content = (int32_t)number;
    if (pl_avro_field_of(record, 515, "sequence_number"))
        PL_TRY(need_long(in, record, 515, "sequence_number", 0, INT64_MAX, &row->sequence));
    if (pl_avro_field_of(record, 516, "min_sequence_number"))
        PL_TRY(need_long(in, record, 516, "min_sequence_number", 0, INT64_MAX, &row->min_sequence));
    PL_TRY(
        need_long(in, record, 503, "added_snapshot_id", INT64_MIN, INT64_MAX, &row->snapshot_id));
    PL_TRY(read_counts(in, record, row));
    PL_TRY(read_summaries(in, record, row));
    row->has_key_metadata =
        pl_avro_bytes(pl_avro_field_of(record, 519, "key_metadata"), &row->key_metadata);
    if (row->has_key_metadata) row->key_metadata = pl_arena_copy(in->arena, row->key_metadata);
    return PLUMB_OK;
}

static plumb_status read_rows(input *in, pl_span file, pl_buf *rows)
{
    const pl_avro_value *record;
    PL_TRY(open_input(in, file));
    for (;;) {
        pl_ice_manifest row = {0};
        PL_TRY(named(in, pl_avro_next(&in->avro, &record, in->err)));
        if (!record) return PLUMB_OK;
        PL_TRY(read_row(in, record, &row));
        pl_buf_append(rows, &row, sizeof row);
    }
}

plumb_status pl_ice_list_read(pl_span file, const char *name, pl_arena *arena,
                              pl_ice_manifest **ret_rows, uint32_t *ret_count, plumb_error *err)
{
    input in = {.what = "manifest list", .name = name, .arena = arena, .err = err};
    pl_buf rows = {0};
    plumb_status st = read_rows(&in, file, &rows);
    if (st == PLUMB_OK) {
        *ret_count = (uint32_t)(rows.count / sizeof(pl_ice_manifest));
        *ret_rows = PL_TAKE(arena, pl_ice_manifest, *ret_count);
        if (rows.count) memcpy(*ret_rows, rows.data, rows.count);
    }
    pl_buf_done(&rows);
    close_input(&in);
    return st;
}
