// lint_avro.c -- the Avro schema of manifests and manifest lists against what Iceberg prescribes.
//
// Some readers find fields by id, some by name, some need unions or logical types to be exactly as
// prescribed; all of that is in the schema of the file, not in its values.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/lint_int.h"

typedef struct shape {
    int32_t id;
    const char *name, *old_name; // old_name: what writers used before 2022, or NULL
    const char *type;            // "map": an array of key and value, with that logical type
    bool required;
    int32_t inner_id; // element-id of an array; key id of a map; 0
} shape;

static const shape list_shapes[] = {
    {500, "manifest_path", NULL, "string", true, 0},
    {501, "manifest_length", NULL, "long", true, 0},
    {502, "partition_spec_id", NULL, "int", true, 0},
    {517, "content", NULL, "int", true, 0},
    {515, "sequence_number", NULL, "long", true, 0},
    {516, "min_sequence_number", NULL, "long", true, 0},
    {503, "added_snapshot_id", NULL, "long", true, 0},
    {504, "added_files_count", "added_data_files_count", "int", true, 0},
    {505, "existing_files_count", "existing_data_files_count", "int", true, 0},
    {506, "deleted_files_count", "deleted_data_files_count", "int", true, 0},
    {512, "added_rows_count", NULL, "long", true, 0},
    {513, "existing_rows_count", NULL, "long", true, 0},
    {514, "deleted_rows_count", NULL, "long", true, 0},
    {507, "partitions", NULL, "array", false, 508},
};
static const shape summary_shapes[] = {
    {509, "contains_null", NULL, "boolean", true, 0},
    {518, "contains_nan", NULL, "boolean", false, 0},
    {510, "lower_bound", NULL, "bytes", false, 0},
    {511, "upper_bound", NULL, "bytes", false, 0},
};
static const shape entry_shapes[] = {
    {0, "status", NULL, "int", true, 0},
    {1, "snapshot_id", NULL, "long", false, 0},
    {3, "sequence_number", NULL, "long", false, 0},
    {4, "file_sequence_number", NULL, "long", false, 0},
    {2, "data_file", NULL, "record", true, 0},
};
static const shape file_shapes[] = {
    {134, "content", NULL, "int", true, 0},
    {100, "file_path", NULL, "string", true, 0},
    {101, "file_format", NULL, "string", true, 0},
    {102, "partition", NULL, "record", true, 0},
    {103, "record_count", NULL, "long", true, 0},
    {104, "file_size_in_bytes", NULL, "long", true, 0},
    {108, "column_sizes", NULL, "map", false, 117},
    {109, "value_counts", NULL, "map", false, 119},
    {110, "null_value_counts", NULL, "map", false, 121},
    {137, "nan_value_counts", NULL, "map", false, 138},
    {125, "lower_bounds", NULL, "map", false, 126},
    {128, "upper_bounds", NULL, "map", false, 129},
    {132, "split_offsets", NULL, "array", false, 133},
    {140, "sort_order_id", NULL, "int", false, 0},
};
static const shape map_shapes[] = {{0, "key", NULL, "int", true, 0}};

typedef struct check {
    lint *l;
    const char *place;
    const char *of; // "manifest", "manifest list"
} check;

// ["null", T] -> T.
static const pl_json *unwrap(const pl_json *type, bool *ret_optional)
{
    *ret_optional = false;
    if (!type || type->kind != PL_JSON_ARRAY) return type;
    const pl_json *inner = NULL;
    for (const pl_json *b = type->first; b; b = b->next)
        if (b->kind == PL_JSON_STRING && pl_span_is(b->text, "null"))
            *ret_optional = true;
        else
            inner = b;
    return inner;
}

static pl_span type_word(const pl_json *type)
{
    pl_span word = PL_SPAN("");
    if (type && type->kind == PL_JSON_STRING) return type->text;
    const pl_json *inner = pl_json_get(type, "type");
    if (inner && inner->kind == PL_JSON_OBJECT) return type_word(inner);
    pl_json_get_text(type, "type", &word);
    return word;
}

static const pl_json *find_field(const pl_json *record, const shape *s, bool *ret_has_id)
{
    const pl_json *fields = pl_json_get(record, "fields"), *named = NULL;
    int64_t id;
    pl_span name;
    *ret_has_id = true;
    for (const pl_json *f = fields ? fields->first : NULL; f; f = f->next) {
        if (pl_json_get_long(f, "field-id", &id) && id == s->id) return f;
        if (pl_json_get_text(f, "name", &name) &&
            (pl_span_is(name, s->name) || (s->old_name && pl_span_is(name, s->old_name))))
            named = f;
    }
    *ret_has_id = false;
    return named;
}

static const pl_json *check_field(const check *c, const pl_json *record, const shape *s);

static void check_fields(const check *c, const pl_json *record, const shape *shapes, size_t count)
{
    for (size_t i = 0; i < count; i++) check_field(c, record, &shapes[i]);
}

static void check_map(const check *c, const pl_json *type, const shape *s)
{
    pl_span logical;
    shape key = map_shapes[0];
    key.id = s->inner_id;
    if (!pl_json_get_text(type, "logicalType", &logical) || !pl_span_is(logical, "map"))
        pl_iceberg__say(c->l, "avro-map", c->place, "'%s' of the %s lacks the logical type 'map'",
                        s->name, c->of);
    check_field(c, pl_json_get(type, "items"), &key);
    key = (shape){s->inner_id + 1, "value", NULL, "", true, 0};
    check_field(c, pl_json_get(type, "items"), &key);
}

// One field against its shape; gives its type without the union.
static const pl_json *check_field(const check *c, const pl_json *record, const shape *s)
{
    bool has_id, optional;
    const pl_json *field = find_field(record, s, &has_id);
    if (!field) {
        if (s->required)
            pl_iceberg__say(c->l, "avro-field", c->place, "the schema of the %s lacks '%s'", c->of,
                            s->name);
        return NULL;
    }
    if (!has_id)
        pl_iceberg__say(c->l, "avro-field-id", c->place,
                        "'%s' of the %s does not have the field id %d", s->name, c->of, s->id);
    const pl_json *type = unwrap(pl_json_get(field, "type"), &optional);
    if (s->required && optional)
        pl_iceberg__say(c->l, "avro-required", c->place, "'%s' of the %s may be null", s->name,
                        c->of);
    pl_span word = type_word(type);
    bool map = strcmp(s->type, "map") == 0;
    if (*s->type && !pl_span_is(word, map ? "array" : s->type))
        pl_iceberg__say(c->l, "avro-type", c->place, "'%s' of the %s is '%.*s', and should be '%s'",
                        s->name, c->of, PL_FMT(word), map ? "array" : s->type);
    else if (map)
        check_map(c, type, s);
    return type;
}

// The Avro type of a partition value.
static const char *part_type(const lint_part *part)
{
    const lint_column *result = &part->result;
    switch (result->type.kind) {
    case PL_BOOLEAN:
        return "boolean";
    case PL_INT:
    case PL_DATE:
        return "int";
    case PL_LONG:
    case PL_TIMESTAMP:
        return "long";
    case PL_FLOAT:
        return "float";
    case PL_DOUBLE:
        return "double";
    case PL_DECIMAL:
        return "fixed";
    default:
        return result->text ? "string" : result->width ? "fixed" : "bytes";
    }
}

static void check_partition(const check *c, const pl_json *record, const lint_spec *spec)
{
    const pl_json *fields = pl_json_get(record, "fields");
    if (fields && fields->count != spec->count)
        pl_iceberg__say(c->l, "avro-partition", c->place,
                        "its partition has %u fields, and spec %d has %u", fields->count, spec->id,
                        spec->count);
    for (uint32_t i = 0; i < spec->count; i++) {
        const lint_part *part = &spec->parts[i];
        bool has_id, optional;
        const char *name = pl_arena_cstr(c->l->arena, part->name);
        shape s = {part->id, name, NULL, "", false, 0};
        const pl_json *field = find_field(record, &s, &has_id);
        if (!field || !has_id) {
            pl_iceberg__say(c->l, "avro-partition", c->place,
                            "its partition lacks a field with the id %d", part->id);
            continue;
        }
        const pl_json *type = unwrap(pl_json_get(field, "type"), &optional);
        pl_span word = type_word(type);
        bool named = type && type->kind == PL_JSON_STRING; // maybe a type defined before
        // A column promoted after the file was written is still narrower in it.
        bool narrow = (part->result.type.kind == PL_LONG && pl_span_is(word, "int")) ||
                      (part->result.type.kind == PL_DOUBLE && pl_span_is(word, "float"));
        bool fixed = named && strcmp(part_type(part), "fixed") == 0;
        if (part->known && !fixed && !narrow && !pl_span_is(word, part_type(part)))
            pl_iceberg__say(c->l, "avro-partition", c->place,
                            "partition field '%s' is '%.*s', and should be '%s'", name,
                            PL_FMT(word), part_type(part));
        // Some writers make it as required as its source.
        if (!optional && !(part->source && part->source->required))
            pl_iceberg__say(c->l, "avro-partition", c->place, "partition field '%s' cannot be null",
                            name);
    }
}

void pl_iceberg__lint_avro(lint *l, const char *place, const pl_avro_reader *reader,
                           const lint_spec *spec)
{
    pl_span text, name = {0};
    pl_json *schema;
    const char *root = spec ? "manifest_entry" : "manifest_file";
    check c = {l, place, spec ? "manifest" : "manifest list"};
    if (!pl_avro_header(reader, "avro.schema", &text) ||
        pl_json_parse(text, reader->arena, &schema, NULL) != PLUMB_OK)
        return; // the reader could not have opened it
    if (!pl_json_get_text(schema, "name", &name) || !pl_span_is(name, root))
        pl_iceberg__say(l, "avro-root", place, "its record is called '%.*s', and should be '%s'",
                        PL_FMT(name), root);
    if (!spec) {
        check_fields(&c, schema, list_shapes, PL_COUNT(list_shapes) - 1);
        const pl_json *array = check_field(&c, schema, &list_shapes[PL_COUNT(list_shapes) - 1]);
        if (array)
            check_fields(&c, pl_json_get(array, "items"), summary_shapes, PL_COUNT(summary_shapes));
        return;
    }
    check_fields(&c, schema, entry_shapes, PL_COUNT(entry_shapes) - 1);
    const pl_json *file = check_field(&c, schema, &entry_shapes[PL_COUNT(entry_shapes) - 1]);
    if (!file) return;
    check_fields(&c, file, file_shapes, PL_COUNT(file_shapes));
    bool has_id, optional;
    static const shape partition = {102, "partition", NULL, "record", true, 0};
    const pl_json *record = find_field(file, &partition, &has_id);
    if (record) check_partition(&c, unwrap(pl_json_get(record, "type"), &optional), spec);
}
