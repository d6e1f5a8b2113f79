// manifest.c -- manifests and manifest lists out.
//
// Schemas are those of the Java library, field for field: some readers go by id, some by name,
// some by position, and all of them know that one.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define STRING "\"string\""
#define LONG   "\"long\""
#define INT    "\"int\""
#define BYTES  "\"bytes\""

static void json_name(pl_json_writer *w, const char *name)
{
    pl_json_key(w, "name"), pl_json_cstr(w, name);
}

// {"name":...,"type":T,"field-id":...}; `type` is JSON.
static void field(pl_json_writer *w, int id, const char *name, const char *type)
{
    pl_json_begin(w, '{');
    json_name(w, name);
    pl_json_key(w, "type"), pl_json_raw(w, pl_span_of(type));
    pl_json_key(w, "field-id"), pl_json_int(w, id);
    pl_json_end(w, '}');
}

// The same with the type ["null",T] and the default null; `more` is members to add, or "".
static void optional(pl_json_writer *w, int id, const char *name, const char *type)
{
    pl_json_begin(w, '{');
    json_name(w, name);
    pl_json_key(w, "type");
    pl_json_begin(w, '['), pl_json_cstr(w, "null"), pl_json_raw(w, pl_span_of(type));
    pl_json_end(w, ']');
    pl_json_key(w, "default"), pl_json_null(w);
    pl_json_key(w, "field-id"), pl_json_int(w, id);
    pl_json_end(w, '}');
}

// Iceberg's maps with int keys are Avro arrays of key and value.
static void optional_map(pl_json_writer *w, int id, const char *name, int key_id, int value_id,
                         const char *value)
{
    char type[300];
    snprintf(type, sizeof type,
             "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"k%d_v%d\",\"fields\":["
             "{\"name\":\"key\",\"type\":\"int\",\"field-id\":%d},"
             "{\"name\":\"value\",\"type\":%s,\"field-id\":%d}]},\"logicalType\":\"map\"}",
             key_id, value_id, key_id, value, value_id);
    optional(w, id, name, type);
}

static void optional_array(pl_json_writer *w, int id, const char *name, int element_id,
                           const char *element)
{
    char type[100];
    snprintf(type, sizeof type, "{\"type\":\"array\",\"items\":%s,\"element-id\":%d}", element,
             element_id);
    optional(w, id, name, type);
}

// Append a name Avro accepts: [A-Za-z_][A-Za-z0-9_]*; a digit in front becomes _5, anything else
// _xHH with the code point's hex digits.
static void sanitize(pl_buf *out, pl_span name)
{
    for (size_t i = 0; i < name.bytes; i++) {
        uint8_t c = (uint8_t)name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool digit = c >= '0' && c <= '9';
        if (letter || (digit && i > 0)) {
            pl_buf_char(out, (char)c);
        } else if (digit) {
            pl_buf_printf(out, "_%c", c);
        } else {
            int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
            uint32_t point = more ? c & (0x3fu >> more) : c;
            for (; more > 0 && i + 1 < name.bytes; more--)
                point = point << 6 | ((uint8_t)name.data[++i] & 0x3f);
            pl_buf_printf(out, "_x%X", point);
        }
    }
}

static void partition_type_write(pl_json_writer *w, const pl_type *type, bool defined)
{
    char name[40];
    switch (type->kind) {
    case PL_DATE:
        pl_json_raw(w, PL_SPAN("{\"type\":\"int\",\"logicalType\":\"date\"}"));
        return;
    case PL_TIMESTAMP:
        pl_json_raw(w, PL_SPAN("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\","
                               "\"adjust-to-utc\":true}"));
        return;
    case PL_DECIMAL:
        snprintf(name, sizeof name, "decimal_%d_%d", type->precision, type->scale);
        if (defined) { // Avro allows a name to be defined once
            pl_json_cstr(w, name);
            return;
        }
        pl_json_begin(w, '{');
        pl_json_key(w, "type"), pl_json_cstr(w, "fixed");
        json_name(w, name);
        pl_json_key(w, "size"), pl_json_int(w, pl_decimal_width(type->precision));
        pl_json_key(w, "logicalType"), pl_json_cstr(w, "decimal");
        pl_json_key(w, "precision"), pl_json_int(w, type->precision);
        pl_json_key(w, "scale"), pl_json_int(w, type->scale);
        pl_json_end(w, '}');
        return;
    case PL_STRING:
    case PL_JSON:
        pl_json_cstr(w, "string");
        return;
    default:
        pl_json_cstr(w, pl_kind_name(type->kind)); // boolean int long float double
    }
}

static void partition_fields(pl_json_writer *w, const pl_ice_manifest_writer *m)
{
    pl_buf name = {0};
    pl_json_begin(w, '[');
    for (uint32_t i = 0; i < m->spec->count; i++) {
        const pl_partition_field *f = &m->spec->fields[i];
        bool defined = false;
        for (uint32_t k = 0; k < i; k++) defined |= pl_type_equal(&m->types[k], &m->types[i]);
        pl_buf_reset(&name);
        sanitize(&name, f->name);
        pl_json_begin(w, '{');
        pl_json_key(w, "name"), pl_json_text(w, pl_buf_view(&name));
        pl_json_key(w, "type");
        pl_json_begin(w, '['), pl_json_cstr(w, "null");
        partition_type_write(w, &m->types[i], defined);
        pl_json_end(w, ']');
        pl_json_key(w, "default"), pl_json_null(w);
        pl_json_key(w, "field-id"), pl_json_int(w, f->id);
        if (!pl_span_equal(pl_buf_view(&name), f->name))
            pl_json_key(w, "iceberg-field-name"), pl_json_text(w, f->name);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
    pl_buf_done(&name);
}

static void begin_record(pl_json_writer *w, const char *name)
{
    pl_json_begin(w, '{');
    pl_json_key(w, "type"), pl_json_cstr(w, "record");
    json_name(w, name);
    pl_json_key(w, "fields");
}

static void data_file_fields(pl_json_writer *w, const pl_ice_manifest_writer *m)
{
    pl_json_begin(w, '[');
    field(w, 134, "content", INT);
    field(w, 100, "file_path", STRING);
    field(w, 101, "file_format", STRING);
    pl_json_begin(w, '{');
    json_name(w, "partition");
    pl_json_key(w, "type");
    begin_record(w, "r102");
    partition_fields(w, m);
    pl_json_end(w, '}');
    pl_json_key(w, "field-id"), pl_json_int(w, 102);
    pl_json_end(w, '}');
    field(w, 103, "record_count", LONG);
    field(w, 104, "file_size_in_bytes", LONG);
    optional_map(w, 108, "column_sizes", 117, 118, LONG);
    optional_map(w, 109, "value_counts", 119, 120, LONG);
    optional_map(w, 110, "null_value_counts", 121, 122, LONG);
    optional_map(w, 137, "nan_value_counts", 138, 139, LONG);
    optional_map(w, 125, "lower_bounds", 126, 127, BYTES);
    optional_map(w, 128, "upper_bounds", 129, 130, BYTES);
    optional(w, 131, "key_metadata", BYTES);
    optional_array(w, 132, "split_offsets", 133, LONG);
    optional_array(w, 135, "equality_ids", 136, INT);
    optional(w, 140, "sort_order_id", INT);
    optional(w, 143, "referenced_data_file", STRING);
    pl_json_end(w, ']');
}

static void entry_schema(pl_buf *out, const pl_ice_manifest_writer *m)
{
    pl_json_writer w = pl_json_writer_on(out, 0);
    begin_record(&w, "manifest_entry");
    pl_json_begin(&w, '[');
    field(&w, 0, "status", INT);
    optional(&w, 1, "snapshot_id", LONG);
    optional(&w, 3, "sequence_number", LONG);
    optional(&w, 4, "file_sequence_number", LONG);
    pl_json_begin(&w, '{');
    json_name(&w, "data_file");
    pl_json_key(&w, "type");
    begin_record(&w, "r2");
    data_file_fields(&w, m);
    pl_json_end(&w, '}');
    pl_json_key(&w, "field-id"), pl_json_int(&w, 2);
    pl_json_end(&w, '}');
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
}

bool pl_ice_partition_type(const pl_schema *schema, const pl_partition_field *partition,
                           pl_type *ret_type)
{
    int source = pl_schema_find_id(schema, partition->source_id);
    pl_kind kind;
    if (source < 0 ||
        !pl_transform_result(&partition->transform, &schema->fields[source].type, &kind))
        return false;
    *ret_type = schema->fields[source].type;
    if (ret_type->kind != kind) *ret_type = (pl_type){.kind = kind};
    return true;
}

// What the values of one partition field span in this manifest.
typedef struct pl_ice_range {
    bool has_null, has_nan, has_bounds;
    pl_value min, max; // text borrowed from the entries
} range;

void pl_ice_manifest_begin(pl_ice_manifest_writer *m, pl_buf *out, const pl_ice_schema *schema,
                           const pl_partition_spec *spec, const uint8_t sync[16], pl_arena *arena)
{
    *m = (pl_ice_manifest_writer){
        .schema = &schema->schema, .spec = spec, .min_sequence = INT64_MAX, .arena = arena};
    m->types = PL_TAKE(arena, pl_type, spec->count);
    m->ranges = PL_TAKE(arena, range, spec->count);
    for (uint32_t i = 0; i < spec->count; i++) {
        bool known = pl_ice_partition_type(m->schema, &spec->fields[i], &m->types[i]);
        assert(known);
    }
    pl_buf avro = {0}, table = {0}, fields = {0};
    char schema_id[16], spec_id[16];
    snprintf(schema_id, sizeof schema_id, "%d", schema->schema.id);
    snprintf(spec_id, sizeof spec_id, "%d", spec->id);
    pl_json_compact(&table, schema->raw);
    pl_json_writer w = pl_json_writer_on(&fields, 0);
    pl_ice_spec_fields_write(&w, spec);
    entry_schema(&avro, m);
    const pl_avro_meta meta[] = {
        {"schema", pl_buf_view(&table)},          {"schema-id", pl_span_of(schema_id)},
        {"partition-spec", pl_buf_view(&fields)}, {"partition-spec-id", pl_span_of(spec_id)},
        {"format-version", PL_SPAN("2")},         {"content", PL_SPAN("data")},
    };
    pl_avro_begin(&m->avro, out, pl_buf_view(&avro), meta, PL_COUNT(meta), sync);
    pl_buf_done(&avro);
    pl_buf_done(&table);
    pl_buf_done(&fields);
}

static void put_decimal(pl_buf *out, pl_i128 unscaled, int width)
{
    for (int i = width - 1; i >= 0; i--) pl_buf_char(out, (char)(uint8_t)(unscaled >> (8 * i)));
}

static void put_partition_value(pl_buf *out, const pl_value *value, const pl_type *type)
{
    pl_avro_put_long(out, value->is_null ? 0 : 1); // the union's branch
    if (value->is_null) return;
    assert(value->kind == type->kind || (value->kind == PL_JSON && type->kind == PL_STRING));
    switch (value->kind) {
    case PL_BOOLEAN:
        pl_avro_put_boolean(out, value->boolean);
        break;
    case PL_INT:
    case PL_DATE:
        pl_avro_put_long(out, value->i32);
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        pl_avro_put_long(out, value->i64);
        break;
    case PL_FLOAT:
        pl_avro_put_float(out, value->f32);
        break;
    case PL_DOUBLE:
        pl_avro_put_double(out, value->f64);
        break;
    case PL_DECIMAL:
        put_decimal(out, value->i128, pl_decimal_width(type->precision));
        break;
    default:
        pl_avro_put_bytes(out, value->text);
    }
}

static void put_optional_long(pl_buf *out, bool present, int64_t value)
{
    pl_avro_put_long(out, present ? 1 : 0);
    if (present) pl_avro_put_long(out, value);
}

typedef enum leaf_map { SIZES, VALUES, NULLS, NANS, LOWER, UPPER } leaf_map;

static bool leaf_has(const pl_leaf_metrics *leaf, leaf_map map)
{
    switch (map) {
    case SIZES:
        return leaf->compressed_bytes >= 0;
    case VALUES:
        return leaf->values >= 0;
    case NULLS:
        return leaf->nulls >= 0;
    case NANS:
        return leaf->nans >= 0;
    case LOWER:
        return leaf->has_lower;
    case UPPER:
        return leaf->has_upper;
    }
    return false;
}

static void put_leaf_map(pl_buf *out, const pl_file_metrics *metrics, leaf_map map)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < metrics->leaf_count; i++) count += leaf_has(&metrics->leaves[i], map);
    pl_avro_put_long(out, 1); // the union's branch: present
    if (count) pl_avro_put_long(out, count);
    for (uint32_t i = 0; i < metrics->leaf_count; i++) {
        const pl_leaf_metrics *leaf = &metrics->leaves[i];
        if (!leaf_has(leaf, map)) continue;
        pl_avro_put_long(out, leaf->field_id);
        if (map == LOWER || map == UPPER)
            pl_avro_put_bytes(out, map == LOWER ? leaf->lower : leaf->upper);
        else
            pl_avro_put_long(out, map == SIZES    ? leaf->compressed_bytes
                                  : map == VALUES ? leaf->values
                                  : map == NULLS  ? leaf->nulls
                                                  : leaf->nans);
    }
    pl_avro_put_long(out, 0);
}

static void put_data_file(pl_buf *out, const pl_ice_manifest_writer *m, const pl_ice_entry *entry)
{
    const pl_file_metrics *metrics = &entry->metrics;
    pl_avro_put_long(out, entry->content);
    pl_avro_put_bytes(out, entry->path);
    pl_avro_put_bytes(out, entry->format);
    for (uint32_t i = 0; i < m->spec->count; i++)
        put_partition_value(out, &entry->partition[i], &m->types[i]);
    pl_avro_put_long(out, (int64_t)metrics->rows);
    pl_avro_put_long(out, (int64_t)metrics->bytes);
    for (leaf_map map = SIZES; map <= UPPER; map++) put_leaf_map(out, metrics, map);
    pl_avro_put_long(out, 0); // key_metadata
    pl_avro_put_long(out, metrics->split_count ? 1 : 0);
    if (metrics->split_count) {
        pl_avro_put_long(out, metrics->split_count);
        for (uint32_t i = 0; i < metrics->split_count; i++)
            pl_avro_put_long(out, metrics->splits[i]);
        pl_avro_put_long(out, 0);
    }
    pl_avro_put_long(out, 0); // equality_ids
    put_optional_long(out, entry->sort_order_id >= 0, entry->sort_order_id);
    pl_avro_put_long(out, 0); // referenced_data_file
}

static void widen(range *r, const pl_value *value)
{
    if (value->is_null) {
        r->has_null = true;
        return;
    }
    if ((value->kind == PL_FLOAT && isnan(value->f32)) ||
        (value->kind == PL_DOUBLE && isnan(value->f64))) {
        r->has_nan = true;
        return;
    }
    if (!r->has_bounds || pl_value_compare(value, &r->min) < 0) r->min = *value;
    if (!r->has_bounds || pl_value_compare(value, &r->max) > 0) r->max = *value;
    r->has_bounds = true;
}

static void count_entry(pl_ice_manifest_writer *m, const pl_ice_entry *entry)
{
    int64_t rows = (int64_t)entry->metrics.rows;
    switch (entry->status) {
    case PL_ICE_ADDED:
        m->row.added_files++, m->row.added_rows += rows;
        break;
    case PL_ICE_EXISTING:
        m->row.existing_files++, m->row.existing_rows += rows;
        break;
    case PL_ICE_DELETED:
        m->row.deleted_files++, m->row.deleted_rows += rows;
        return;
    }
    if (entry->sequence != PL_ICE_INHERIT)
        m->min_sequence = PL_MIN(m->min_sequence, entry->sequence);
}

void pl_ice_manifest_add(pl_ice_manifest_writer *m, const pl_ice_entry *entry)
{
    pl_buf *out = &m->avro.block;
    bool inherits = entry->sequence == PL_ICE_INHERIT;
    assert(inherits == (entry->status == PL_ICE_ADDED)); // only new files wait for a number
    pl_avro_put_long(out, entry->status);
    put_optional_long(out, true, entry->snapshot_id);
    put_optional_long(out, !inherits, entry->sequence);
    put_optional_long(out, !inherits, entry->file_sequence);
    put_data_file(out, m, entry);
    pl_avro_record(&m->avro);
    for (uint32_t i = 0; i < m->spec->count; i++) widen(&m->ranges[i], &entry->partition[i]);
    count_entry(m, entry);
}

size_t pl_ice_manifest_size(const pl_ice_manifest_writer *m)
{
    return m->avro.out->count + m->avro.block.count + 64; // a block's frame is at most that
}

static pl_span value_span(pl_arena *arena, const pl_value *value)
{
    pl_buf bytes = {0};
    pl_value_bytes(&bytes, value);
    pl_span copy = pl_arena_copy(arena, pl_buf_view(&bytes));
    pl_buf_done(&bytes);
    return copy;
}

void pl_ice_manifest_finish(pl_ice_manifest_writer *m, pl_ice_manifest *ret_row)
{
    pl_ice_manifest *row = &m->row;
    pl_avro_finish(&m->avro);
    row->bytes = (int64_t)m->avro.out->count;
    row->spec_id = m->spec->id;
    row->sequence = PL_ICE_INHERIT;
    row->min_sequence = m->min_sequence == INT64_MAX ? PL_ICE_INHERIT : m->min_sequence;
    row->has_partitions = true;
    row->partition_count = m->spec->count;
    row->partitions = PL_TAKE(m->arena, pl_ice_summary, m->spec->count);
    for (uint32_t i = 0; i < m->spec->count; i++) {
        const range *r = &m->ranges[i];
        pl_ice_summary *summary = &row->partitions[i];
        *summary = (pl_ice_summary){.contains_null = r->has_null,
                                    .contains_nan = r->has_nan,
                                    .has_lower = r->has_bounds,
                                    .has_upper = r->has_bounds};
        if (!r->has_bounds) continue;
        summary->lower = value_span(m->arena, &r->min);
        summary->upper = value_span(m->arena, &r->max);
    }
    *ret_row = *row;
}

static void list_schema(pl_buf *out)
{
    pl_json_writer w = pl_json_writer_on(out, 0);
    pl_buf summary = {0};
    pl_json_writer s = pl_json_writer_on(&summary, 0);
    pl_json_begin(&s, '{');
    pl_json_key(&s, "type"), pl_json_cstr(&s, "array");
    pl_json_key(&s, "items");
    begin_record(&s, "r508");
    pl_json_begin(&s, '[');
    field(&s, 509, "contains_null", "\"boolean\"");
    optional(&s, 518, "contains_nan", "\"boolean\"");
    optional(&s, 510, "lower_bound", BYTES);
    optional(&s, 511, "upper_bound", BYTES);
    pl_json_end(&s, ']');
    pl_json_end(&s, '}');
    pl_json_key(&s, "element-id"), pl_json_int(&s, 508);
    pl_json_end(&s, '}');
    begin_record(&w, "manifest_file");
    pl_json_begin(&w, '[');
    field(&w, 500, "manifest_path", STRING);
    field(&w, 501, "manifest_length", LONG);
    field(&w, 502, "partition_spec_id", INT);
    field(&w, 517, "content", INT);
    field(&w, 515, "sequence_number", LONG);
    field(&w, 516, "min_sequence_number", LONG);
    field(&w, 503, "added_snapshot_id", LONG);
    field(&w, 504, "added_files_count", INT);
    field(&w, 505, "existing_files_count", INT);
    field(&w, 506, "deleted_files_count", INT);
    field(&w, 512, "added_rows_count", LONG);
    field(&w, 513, "existing_rows_count", LONG);
    field(&w, 514, "deleted_rows_count", LONG);
    optional(&w, 507, "partitions", pl_buf_cstr(&summary));
    optional(&w, 519, "key_metadata", BYTES);
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
    pl_buf_done(&summary);
}

static void put_optional_bytes(pl_buf *out, bool present, pl_span bytes)
{
    pl_avro_put_long(out, present ? 1 : 0);
    if (present) pl_avro_put_bytes(out, bytes);
}

static void put_summaries(pl_buf *out, const pl_ice_manifest *row)
{
    pl_avro_put_long(out, row->has_partitions ? 1 : 0);
    if (!row->has_partitions) return;
    if (row->partition_count) pl_avro_put_long(out, row->partition_count);
    for (uint32_t i = 0; i < row->partition_count; i++) {
        const pl_ice_summary *summary = &row->partitions[i];
        pl_avro_put_boolean(out, summary->contains_null);
        pl_avro_put_long(out, summary->contains_nan >= 0 ? 1 : 0);
        if (summary->contains_nan >= 0) pl_avro_put_boolean(out, summary->contains_nan);
        put_optional_bytes(out, summary->has_lower, summary->lower);
        put_optional_bytes(out, summary->has_upper, summary->upper);
    }
    pl_avro_put_long(out, 0);
}

static void put_row(pl_buf *out, const pl_ice_manifest *row, int64_t sequence)
{
    pl_avro_put_bytes(out, row->path);
    pl_avro_put_long(out, row->bytes);
    pl_avro_put_long(out, row->spec_id);
    pl_avro_put_long(out, row->content);
    pl_avro_put_long(out, row->sequence == PL_ICE_INHERIT ? sequence : row->sequence);
    pl_avro_put_long(out, row->min_sequence == PL_ICE_INHERIT ? sequence : row->min_sequence);
    pl_avro_put_long(out, row->snapshot_id);
    pl_avro_put_long(out, row->added_files);
    pl_avro_put_long(out, row->existing_files);
    pl_avro_put_long(out, row->deleted_files);
    pl_avro_put_long(out, row->added_rows);
    pl_avro_put_long(out, row->existing_rows);
    pl_avro_put_long(out, row->deleted_rows);
    put_summaries(out, row);
    put_optional_bytes(out, row->has_key_metadata, row->key_metadata);
}

void pl_ice_list_write(pl_buf *out, const pl_ice_list_head *head, const pl_ice_manifest *rows,
                       uint32_t count)
{
    char snapshot[24], parent[24] = "null", sequence[24];
    pl_buf schema = {0};
    pl_avro_writer avro;
    list_schema(&schema);
    snprintf(snapshot, sizeof snapshot, "%lld", (long long)head->snapshot_id);
    snprintf(sequence, sizeof sequence, "%lld", (long long)head->sequence);
    if (head->parent_id != PL_ICE_NO_SNAPSHOT)
        snprintf(parent, sizeof parent, "%lld", (long long)head->parent_id);
    const pl_avro_meta meta[] = {
        {"snapshot-id", pl_span_of(snapshot)},
        {"parent-snapshot-id", pl_span_of(parent)},
        {"sequence-number", pl_span_of(sequence)},
        {"format-version", PL_SPAN("2")},
    };
    pl_avro_begin(&avro, out, pl_buf_view(&schema), meta, PL_COUNT(meta), head->sync);
    for (uint32_t i = 0; i < count; i++) {
        put_row(&avro.block, &rows[i], head->sequence);
        pl_avro_record(&avro);
    }
    pl_avro_finish(&avro);
    pl_buf_done(&schema);
}
