// SPDX-License-Identifier: Apache-2.0
#include "schema/partition.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/time.h"

enum {
    ELEMENT_BYTES_MAX = 255, // of a file name on every file system we know
    PATH_BYTES_MAX = 640,    // of all elements, so that keys stay below the store's limit
};

static const char *const transform_names[] = {
    [PL_IDENTITY] = "identity", [PL_BUCKET] = "bucket", [PL_TRUNCATE] = "truncate",
    [PL_YEAR] = "year",         [PL_MONTH] = "month",   [PL_DAY] = "day",
    [PL_HOUR] = "hour",         [PL_VOID] = "void",
};

bool pl_transform_result(const pl_transform *transform, const pl_type *type, pl_kind *ret_kind)
{
    bool timed = type->kind == PL_TIMESTAMP, dated = type->kind == PL_DATE;
    if (type->kind == PL_LIST) return false;
    switch (transform->kind) {
    case PL_IDENTITY:
        *ret_kind = type->kind;
        return type->kind != PL_JSON;
    case PL_VOID:
        *ret_kind = type->kind;
        return true;
    case PL_BUCKET:
        *ret_kind = PL_INT;
        return transform->parameter > 0 && type->kind != PL_BOOLEAN && type->kind != PL_FLOAT &&
               type->kind != PL_DOUBLE && type->kind != PL_JSON;
    case PL_TRUNCATE:
        *ret_kind = type->kind;
        return transform->parameter > 0 && (type->kind == PL_INT || type->kind == PL_LONG ||
                                            type->kind == PL_DECIMAL || type->kind == PL_STRING);
    case PL_DAY:
        *ret_kind = PL_DATE;
        return timed || dated;
    case PL_YEAR:
    case PL_MONTH:
        *ret_kind = PL_INT;
        return timed || dated;
    case PL_HOUR:
        *ret_kind = PL_INT;
        return timed;
    }
    return false;
}

static int32_t bucket_of(const pl_value *value, int32_t buckets)
{
    uint8_t bytes[16];
    pl_span input = value->text;
    int64_t widened = 0;
    switch (value->kind) {
    case PL_INT:
    case PL_DATE:
        widened = value->i32;
        input = pl_span_make(&widened, 8);
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        input = pl_span_make(&value->i64, 8);
        break;
    case PL_DECIMAL:
        input = pl_span_make(bytes, (size_t)pl_decimal_bytes(value->i128, bytes));
        break;
    default:
        break;
    }
    return (int32_t)(pl_murmur3(input) & 0x7fffffffu) % buckets;
}

// The first `width` code points.
static pl_span text_prefix(pl_span text, int32_t width)
{
    size_t at = 0;
    while (at < text.bytes && width > 0) {
        at++;
        while (at < text.bytes && ((uint8_t)text.data[at] & 0xC0) == 0x80) at++;
        width--;
    }
    return (pl_span){text.data, at};
}

static pl_value truncated(const pl_value *value, int32_t width)
{
    pl_value result = *value;
    switch (value->kind) {
    case PL_INT: {
        int64_t v = value->i32 - (((int64_t)value->i32 % width) + width) % width;
        result.i32 = (int32_t)(uint32_t)(uint64_t)v;
        break;
    }
    case PL_LONG: {
        int64_t rest = ((value->i64 % width) + width) % width;
        result.i64 = (int64_t)((uint64_t)value->i64 - (uint64_t)rest);
        break;
    }
    case PL_DECIMAL:
        result.i128 = value->i128 - ((value->i128 % width) + width) % width;
        break;
    default:
        result.text = text_prefix(value->text, width);
    }
    return result;
}

pl_value pl_transform_apply(const pl_transform *transform, const pl_type *type,
                            const pl_value *value)
{
    pl_value result = {.is_null = value->is_null || transform->kind == PL_VOID};
    if (!pl_transform_result(transform, type, &result.kind)) result.is_null = true;
    if (result.is_null) return result;
    if (transform->kind == PL_IDENTITY) return *value;
    if (transform->kind == PL_TRUNCATE) return truncated(value, transform->parameter);
    if (transform->kind == PL_BUCKET) {
        result.i32 = bucket_of(value, transform->parameter);
        return result;
    }
    int64_t days =
        value->kind == PL_DATE ? value->i32 : pl_floor_div(value->i64, PL_MICROS_PER_DAY);
    pl_civil civil;
    switch (transform->kind) {
    case PL_YEAR:
        result.i32 = pl_civil_from_days(days).year - 1970;
        break;
    case PL_MONTH:
        civil = pl_civil_from_days(days);
        result.i32 = (civil.year - 1970) * 12 + civil.month - 1;
        break;
    case PL_HOUR:
        result.i32 = (int32_t)pl_floor_div(value->i64, PL_MICROS_PER_HOUR);
        break;
    default:
        result.i32 = (int32_t)days;
    }
    return result;
}

void pl_transform_text(pl_buf *out, const pl_transform *transform)
{
    pl_buf_text(out, transform_names[transform->kind]);
    if (transform->kind == PL_BUCKET || transform->kind == PL_TRUNCATE)
        pl_buf_printf(out, "[%d]", transform->parameter);
}

bool pl_transform_parse(pl_span text, pl_transform *ret_transform)
{
    for (size_t kind = 0; kind < PL_COUNT(transform_names); kind++) {
        pl_span name = pl_span_of(transform_names[kind]);
        if (!pl_span_starts(text, name)) continue;
        pl_transform transform = {.kind = (pl_transform_kind)kind};
        bool takes = kind == PL_BUCKET || kind == PL_TRUNCATE;
        if (!takes) {
            if (text.bytes != name.bytes) continue;
            *ret_transform = transform;
            return true;
        }
        size_t at = name.bytes;
        if (at + 2 >= text.bytes || text.data[at] != '[' || text.data[text.bytes - 1] != ']')
            return false;
        for (at++; at < text.bytes - 1; at++) {
            if (text.data[at] < '0' || text.data[at] > '9' || transform.parameter > 100000000)
                return false;
            transform.parameter = transform.parameter * 10 + (text.data[at] - '0');
        }
        *ret_transform = transform;
        return transform.parameter > 0;
    }
    return false;
}

// The value of a path element of at most `room` bytes. A longer one is cut and ends in a hash: a
// directory may hold several values, but every file system must be able to hold the directory.
static void encode_element(pl_buf *out, pl_span text, size_t room)
{
    static const char plain[] = "-_.~";
    enum { HASH_BYTES = 9 };
    size_t start = out->count, cut = start; // `cut`: where the last piece that leaves room ends
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c && strchr(plain, c));
        // A value that is "." or ".." must not become a directory of that meaning.
        if (c == '.' && text.bytes <= 2) keep = false;
        if (keep)
            pl_buf_char(out, c);
        else
            pl_buf_printf(out, "%%%02X", (unsigned)(uint8_t)c);
        if (out->count - start <= room - HASH_BYTES) cut = out->count;
        if (out->count - start <= room) continue;
        out->count = cut;
        pl_buf_printf(out, "~%08x", (unsigned)pl_murmur3(text));
        return;
    }
}

// year=/month=/day=/hour= elements of one time field, as deep as its transform.
static void time_elements(pl_buf *out, const pl_partition_field *field, const pl_value *value,
                          bool prefixed)
{
    static const char *const names[] = {"year", "month", "day", "hour"};
    int levels = field->transform.kind == PL_YEAR    ? 1
                 : field->transform.kind == PL_MONTH ? 2
                 : field->transform.kind == PL_DAY   ? 3
                                                     : 4;
    int64_t days = value->i32, hour = 0;
    if (field->transform.kind == PL_YEAR) days = pl_days_from_civil(1970 + value->i32, 1, 1);
    if (field->transform.kind == PL_MONTH)
        days = pl_days_from_civil(1970 + (int32_t)pl_floor_div(value->i32, 12),
                                  (int32_t)(value->i32 - pl_floor_div(value->i32, 12) * 12) + 1, 1);
    if (field->transform.kind == PL_HOUR) {
        days = pl_floor_div(value->i32, 24);
        hour = value->i32 - days * 24;
    }
    pl_civil civil = pl_civil_from_days(days);
    int64_t parts[] = {civil.year, civil.month, civil.day, hour};
    for (int level = 0; level < levels; level++) {
        if (out->count && out->data[out->count - 1] != '/') pl_buf_char(out, '/');
        if (prefixed) pl_buf_printf(out, "%.*s_", PL_FMT(field->source));
        pl_buf_printf(out, "%s=", names[level]);
        if (value->is_null)
            pl_buf_text(out, "__HIVE_DEFAULT_PARTITION__");
        else
            pl_buf_printf(out, level == 0 ? "%04lld" : "%02lld", (long long)parts[level]);
    }
}

static bool is_timed(const pl_partition_field *field)
{
    return field->transform.kind >= PL_YEAR && field->transform.kind <= PL_HOUR;
}

void pl_partition_path(pl_buf *out, const pl_partition_spec *spec, const pl_schema *schema,
                       const pl_value *values)
{
    pl_buf text = {0}, path = {0};
    int timed = 0;
    for (uint32_t i = 0; i < spec->count; i++) timed += is_timed(&spec->fields[i]);
    for (uint32_t i = 0; i < spec->count; i++) {
        const pl_partition_field *field = &spec->fields[i];
        if (is_timed(field)) {
            time_elements(&path, field, &values[i], timed > 1);
            continue;
        }
        if (path.count) pl_buf_char(&path, '/');
        size_t start = path.count;
        pl_buf_printf(&path, "%.*s=", PL_FMT(field->name));
        pl_buf_reset(&text);
        pl_type type = {.kind = values[i].kind};
        if (type.kind == PL_DECIMAL) { // identity or truncate: of the source's own type
            int source = pl_schema_find(schema, field->source);
            if (source >= 0) type = schema->fields[source].type;
        }
        pl_value_text(&text, &values[i], &type);
        if (values[i].is_null)
            pl_buf_text(&path, "__HIVE_DEFAULT_PARTITION__");
        else
            encode_element(&path, pl_buf_view(&text), ELEMENT_BYTES_MAX - (path.count - start));
    }
    if (path.count > PATH_BYTES_MAX) { // many long values: a hash of them all stands for them
        uint64_t hash = pl_hash(pl_buf_view(&path));
        pl_buf_reset(&path);
        pl_buf_printf(&path, "partition=%016llx", (unsigned long long)hash);
    }
    pl_buf_span(out, pl_buf_view(&path));
    pl_buf_done(&text);
    pl_buf_done(&path);
}

void pl_partition_field_text(pl_buf *out, const pl_partition_field *field)
{
    const pl_transform *t = &field->transform;
    if (t->kind == PL_IDENTITY)
        pl_buf_span(out, field->source);
    else if (t->kind == PL_BUCKET || t->kind == PL_TRUNCATE)
        pl_buf_printf(out, "%s(%d, %.*s)", transform_names[t->kind], t->parameter,
                      PL_FMT(field->source));
    else
        pl_buf_printf(out, "%s(%.*s)", transform_names[t->kind], PL_FMT(field->source));
}

void pl_partition_spec_text(pl_buf *out, const pl_partition_spec *spec)
{
    for (uint32_t i = 0; i < spec->count; i++) {
        if (i) pl_buf_text(out, ", ");
        pl_partition_field_text(out, &spec->fields[i]);
    }
}

void pl_partition_value_text(pl_buf *out, const pl_partition_field *field, const pl_value *value)
{
    if (value->is_null || !is_timed(field)) {
        pl_type type = {.kind = value->kind};
        pl_value_text(out, value, &type);
        return;
    }
    char text[40];
    int64_t hour = value->i32;
    switch (field->transform.kind) {
    case PL_YEAR:
        pl_buf_printf(out, "%04d", 1970 + value->i32);
        break;
    case PL_MONTH: {
        int32_t years = (int32_t)pl_floor_div(value->i32, 12);
        pl_buf_printf(out, "%04d-%02d", 1970 + years, (int)(value->i32 - years * 12 + 1));
        break;
    }
    case PL_DAY:
        pl_buf_append(out, text, (size_t)pl_date_text(value->i32, text));
        break;
    default:
        pl_buf_append(out, text, (size_t)pl_date_text((int32_t)pl_floor_div(hour, 24), text));
        pl_buf_printf(out, "T%02d", (int)(hour - pl_floor_div(hour, 24) * 24));
    }
}
