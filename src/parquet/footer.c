// SPDX-License-Identifier: Apache-2.0
#include "parquet/footer_int.h"

#include "base/limits.h"
#include "parquet/thrift_read_int.h"

enum {
    GROUP_ROWS_MAX = 1 << 24, // far above what is ever written
    ABSENT = -1,
};

// A schema element as it stands in the footer.
typedef struct element {
    int32_t type, width, repetition, children, converted, scale, precision, id;
    pl_span name;
} element;

typedef struct reading {
    pl_thrift_in in;
    uint64_t at; // of the footer in the file
    pl_arena *arena;
    pl_footer *footer;
    pl_fault *fault;
    uint64_t end; // where the next chunk must begin
    bool has_schema;
} reading;

static bool refuse(reading *r, const char *reason)
{
    pl_thrift__fault(&r->in, reason);
    return false;
}

// --- schema --------------------------------------------------------------------------------------

static element read_element(reading *r)
{
    pl_thrift_in *in = &r->in;
    element e = {ABSENT, 0, ABSENT, 0, ABSENT, 0, 0, 0, {0}};
    if (!pl_thrift__enter(in)) return e;
    int32_t *numbers[] = {NULL,        &e.type,      &e.width, &e.repetition, NULL,
                          &e.children, &e.converted, &e.scale, &e.precision,  &e.id};
    while (pl_thrift__next(in)) {
        if (in->id == 4)
            e.name = pl_thrift__get_text(in);
        else if (in->id >= 1 && in->id < (int)PL_COUNT(numbers))
            *numbers[in->id] = pl_thrift__get_i32(in);
        else
            pl_thrift__skip(in); // the logical type says what the converted type says
    }
    return e;
}

// The scalar type an element stands for; false: none that plumb writes.
static bool scalar_type(const element *e, pl_type *ret)
{
    static const struct {
        int type, converted;
        pl_kind kind;
    } known[] = {
        {PL_PHYSICAL_BOOLEAN, ABSENT, PL_BOOLEAN},
        {PL_PHYSICAL_INT32, ABSENT, PL_INT},
        {PL_PHYSICAL_INT32, PL_CONVERTED_DATE, PL_DATE},
        {PL_PHYSICAL_INT32, PL_CONVERTED_DECIMAL, PL_DECIMAL},
        {PL_PHYSICAL_INT64, ABSENT, PL_LONG},
        {PL_PHYSICAL_INT64, PL_CONVERTED_TIMESTAMP_MICROS, PL_TIMESTAMP},
        {PL_PHYSICAL_INT64, PL_CONVERTED_DECIMAL, PL_DECIMAL},
        {PL_PHYSICAL_FLOAT, ABSENT, PL_FLOAT},
        {PL_PHYSICAL_DOUBLE, ABSENT, PL_DOUBLE},
        {PL_PHYSICAL_BYTES, PL_CONVERTED_UTF8, PL_STRING},
        {PL_PHYSICAL_FIXED, PL_CONVERTED_DECIMAL, PL_DECIMAL},
    };
    for (unsigned i = 0; i < PL_COUNT(known); i++) {
        if (known[i].type != e->type || known[i].converted != e->converted) continue;
        *ret = (pl_type){.kind = known[i].kind};
        if (ret->kind != PL_DECIMAL) return true;
        ret->precision = (uint8_t)e->precision;
        ret->scale = (uint8_t)e->scale;
        return e->precision >= 1 && e->precision <= 38 && e->scale >= 0 && e->scale <= e->precision;
    }
    return false;
}

// The elements of one field from `*at` on.
static bool read_field(reading *r, const element *elements, uint32_t count, uint32_t *at,
                       pl_field *field)
{
    const element *e = &elements[*at];
    if (e->repetition != PL_REQUIRED && e->repetition != PL_OPTIONAL)
        return refuse(r, "a column is neither required nor optional");
    *field = (pl_field){.id = e->id, .name = e->name, .required = e->repetition == PL_REQUIRED};
    pl_type *type = &field->type;
    for (int depth = 0; e->converted == PL_CONVERTED_LIST; depth++) {
        if (depth == PL_LIST_DEPTH_MAX) return refuse(r, "lists are nested too deep");
        if (count - *at < 3 || e->children != 1 || e[1].repetition != PL_REPEATED ||
            e[1].children != 1 || !pl_span_is(e[1].name, "list") ||
            e[2].repetition != PL_OPTIONAL || !pl_span_is(e[2].name, "element"))
            return refuse(r, "a list has not the three levels it should have");
        pl_type *item = PL_TAKE(r->arena, pl_type, 1);
        *type = (pl_type){.kind = PL_LIST, .element = item, .element_id = e[2].id};
        type = item;
        *at += 2;
        e += 2;
    }
    *at += 1;
    if (e->children != 0 || !scalar_type(e, type))
        return refuse(r, "a column has a type that is not of a table");
    pl_leaf leaf = pl_leaf__make(field);
    if ((int)leaf.physical != e->type ||
        (leaf.physical == PL_PHYSICAL_FIXED && leaf.width != e->width))
        return refuse(r, "a decimal has another width than its precision needs");
    return true;
}

static void read_schema(reading *r)
{
    uint32_t count = pl_thrift__get_list(&r->in, PL_THRIFT_STRUCT);
    element *elements = PL_TAKE(r->arena, element, count);
    for (uint32_t i = 0; i < count && !r->in.reason; i++) {
        r->in.type = PL_THRIFT_STRUCT;
        elements[i] = read_element(r);
    }
    if (r->in.reason) return;
    pl_schema *schema = &r->footer->schema;
    if (count == 0 || elements[0].children < 0 || (uint32_t)elements[0].children > count - 1) {
        refuse(r, "the schema has no root");
        return;
    }
    schema->count = (uint32_t)elements[0].children;
    schema->fields = PL_TAKE(r->arena, pl_field, schema->count);
    pl_leaf *leaves = PL_TAKE(r->arena, pl_leaf, schema->count);
    uint32_t at = 1;
    for (uint32_t i = 0; i < schema->count; i++) {
        if (at == count) refuse(r, "the schema ends too early");
        if (r->in.reason || !read_field(r, elements, count, &at, &schema->fields[i])) return;
        leaves[i] = pl_leaf__make(&schema->fields[i]);
    }
    if (at != count) refuse(r, "the schema has more columns than its root says");
    r->footer->leaves = leaves;
    r->has_schema = true;
}

// --- row groups ----------------------------------------------------------------------------------

static bool path_is(reading *r, const pl_leaf *leaf)
{
    uint32_t count = pl_thrift__get_list(&r->in, PL_THRIFT_TEXT);
    bool same = count == pl_leaf__schema_count(leaf);
    for (uint32_t i = 0; i < count; i++) {
        r->in.type = PL_THRIFT_TEXT;
        pl_span want = i == 0 ? leaf->field->name : i & 1 ? PL_SPAN("list") : PL_SPAN("element");
        same &= pl_span_equal(pl_thrift__get_text(&r->in), want);
    }
    return same;
}

static void read_chunk_metadata(reading *r, const pl_leaf *leaf, pl_footer_chunk *chunk)
{
    pl_thrift_in *in = &r->in;
    int32_t type = ABSENT;
    int64_t raw = ABSENT, bytes = ABSENT, data = ABSENT, dictionary = ABSENT, bloom = 0;
    int32_t bloom_bytes = 0;
    bool path = false;
    chunk->slots = chunk->codec = ABSENT;
    while (pl_thrift__next(in)) {
        switch (in->id) {
        case 1:
            type = pl_thrift__get_i32(in);
            break;
        case 3:
            path = path_is(r, leaf);
            break;
        case 4:
            chunk->codec = pl_thrift__get_i32(in);
            break;
        case 5:
            chunk->slots = pl_thrift__get_i64(in);
            break;
        case 6:
            raw = pl_thrift__get_i64(in);
            break;
        case 7:
            bytes = pl_thrift__get_i64(in);
            break;
        case 9:
            data = pl_thrift__get_i64(in);
            break;
        case 11:
            dictionary = pl_thrift__get_i64(in);
            break;
        case 14:
            bloom = pl_thrift__get_i64(in);
            break;
        case 15:
            bloom_bytes = pl_thrift__get_i32(in);
            break;
        default:
            pl_thrift__skip(in); // statistics and encodings: the pages say it themselves
        }
    }
    chunk->has_dictionary = dictionary != ABSENT;
    chunk->offset = r->end;
    if (type != (int32_t)leaf->physical || !path)
        refuse(r, "a column chunk is not of its column");
    else if (bytes <= 0 || raw <= 0 || (uint64_t)bytes > r->at - r->end)
        refuse(r, "a column chunk does not fit into the file");
    else if ((chunk->has_dictionary ? dictionary : data) != (int64_t)r->end ||
             data < (int64_t)r->end || data >= (int64_t)r->end + bytes)
        refuse(r, "a column chunk does not begin where the one before it ends");
    else if (bloom < 0 || bloom_bytes < 0 || (bloom == 0) != (bloom_bytes == 0))
        refuse(r, "a bloom filter has a place without a size, or none of both");
    if (in->reason) return;
    chunk->bloom = (uint64_t)bloom;
    chunk->bloom_bytes = (uint32_t)bloom_bytes;
    chunk->bytes = (uint64_t)bytes;
    chunk->bytes_raw = (uint64_t)raw;
    chunk->data_offset = (uint64_t)data;
    r->end += chunk->bytes;
}

static void read_chunk(reading *r, const pl_leaf *leaf, pl_footer_chunk *chunk)
{
    r->fault->column = leaf->field->name;
    r->in.type = PL_THRIFT_STRUCT;
    bool has_metadata = false;
    if (!pl_thrift__enter(&r->in)) return;
    while (pl_thrift__next(&r->in)) {
        if (r->in.id == 3 && !has_metadata && pl_thrift__enter(&r->in)) {
            has_metadata = true;
            read_chunk_metadata(r, leaf, chunk);
        } else {
            pl_thrift__skip(&r->in);
        }
    }
    if (!has_metadata) refuse(r, "a column chunk has no description");
    if (r->in.reason) return;
    r->fault->column = (pl_span){0};
}

static void read_chunks(reading *r, pl_footer_group *group)
{
    const pl_footer *footer = r->footer;
    uint32_t count = pl_thrift__get_list(&r->in, PL_THRIFT_STRUCT);
    if (count != footer->schema.count || group->chunks)
        refuse(r, "a row group has not one chunk per column");
    if (r->in.reason) return;
    group->chunks = PL_TAKE(r->arena, pl_footer_chunk, count);
    for (uint32_t i = 0; i < count && !r->in.reason; i++)
        read_chunk(r, &footer->leaves[i], &group->chunks[i]);
}

// The group's chunks have been read, its bloom filters follow.
static void place_blooms(reading *r, const pl_footer_group *group)
{
    for (uint32_t i = 0; i < r->footer->schema.count; i++) {
        const pl_footer_chunk *chunk = &group->chunks[i];
        if (!chunk->bloom) continue;
        if (chunk->bloom != r->end || chunk->bloom_bytes > r->at - r->end)
            refuse(r, "a bloom filter is not behind its row group");
        r->end += chunk->bloom_bytes;
    }
}

static pl_sort_field read_sort_field(reading *r)
{
    pl_thrift_in *in = &r->in;
    int32_t column = ABSENT;
    bool nulls_first = true;
    pl_sort_field field = {0};
    in->type = PL_THRIFT_STRUCT;
    if (!pl_thrift__enter(in)) return field;
    while (pl_thrift__next(in)) {
        if (in->id == 1)
            column = pl_thrift__get_i32(in);
        else if (in->id == 2)
            field.descending = pl_thrift__get_bool(in);
        else if (in->id == 3)
            nulls_first = pl_thrift__get_bool(in);
        else
            pl_thrift__skip(in);
    }
    field.nulls_last = !nulls_first;
    if (column < 0 || (uint32_t)column >= r->footer->schema.count) {
        refuse(r, "a row group is sorted by a column it does not have");
        return field;
    }
    field.source = r->footer->schema.fields[column].name;
    field.source_id = r->footer->schema.fields[column].id;
    return field;
}

static void read_sort(reading *r, pl_sort_order *sort)
{
    sort->count = pl_thrift__get_list(&r->in, PL_THRIFT_STRUCT);
    sort->fields = PL_TAKE(r->arena, pl_sort_field, sort->count);
    for (uint32_t i = 0; i < sort->count && !r->in.reason; i++)
        sort->fields[i] = read_sort_field(r);
}

static void read_group(reading *r, pl_footer_group *group)
{
    pl_thrift_in *in = &r->in;
    uint64_t start = r->end;
    int64_t rows = ABSENT, offset = ABSENT, bytes = ABSENT, ordinal = r->fault->group;
    in->type = PL_THRIFT_STRUCT;
    if (!pl_thrift__enter(in)) return;
    while (pl_thrift__next(in)) {
        if (in->id == 1)
            read_chunks(r, group);
        else if (in->id == 3)
            rows = pl_thrift__get_i64(in);
        else if (in->id == 4)
            read_sort(r, &group->sort);
        else if (in->id == 5)
            offset = pl_thrift__get_i64(in);
        else if (in->id == 6)
            bytes = pl_thrift__get_i64(in);
        else if (in->id == 7)
            ordinal = pl_thrift__get_i32(in);
        else
            pl_thrift__skip(in);
    }
    if (in->reason) return;
    if (!group->chunks)
        refuse(r, "a row group has no column chunks");
    else if (rows <= 0 || rows > GROUP_ROWS_MAX)
        refuse(r, "a row group's count of rows is out of range");
    else if (offset != (int64_t)start || bytes != (int64_t)(r->end - start))
        refuse(r, "a row group is not where and as large as its chunks are");
    else if (ordinal != r->fault->group)
        refuse(r, "a row group has another number than its place");
    for (uint32_t i = 0; i < r->footer->schema.count && !in->reason; i++) {
        const pl_footer_chunk *chunk = &group->chunks[i];
        bool list = r->footer->leaves[i].rep_max > 0;
        if (chunk->slots < rows || (!list && chunk->slots > rows))
            refuse(r, "a column chunk has another count of values than its row group");
    }
    if (!in->reason) place_blooms(r, group);
    group->rows = (uint32_t)rows;
}

static void read_groups(reading *r)
{
    pl_footer *footer = r->footer;
    if (!r->has_schema || footer->groups) refuse(r, "row groups stand before the schema");
    uint32_t count = pl_thrift__get_list(&r->in, PL_THRIFT_STRUCT);
    if (r->in.reason) return;
    footer->groups = PL_TAKE(r->arena, pl_footer_group, count);
    for (r->fault->group = 0; r->fault->group < count; r->fault->group++) {
        read_group(r, &footer->groups[r->fault->group]);
        if (r->in.reason) return;
        footer->rows += footer->groups[r->fault->group].rows;
    }
    footer->group_count = count;
    r->fault->group = -1;
}

bool pl_footer__read(pl_span bytes, uint64_t at, pl_arena *arena, pl_footer *ret_footer,
                     pl_fault *ret_fault)
{
    pl_footer footer = {0};
    *ret_fault = (pl_fault){.group = -1};
    reading r = {.in = pl_thrift__over(bytes),
                 .at = at,
                 .arena = arena,
                 .footer = &footer,
                 .fault = ret_fault,
                 .end = 4};
    int64_t rows = ABSENT;
    while (pl_thrift__next(&r.in)) {
        if (r.in.id == 2 && !r.has_schema)
            read_schema(&r);
        else if (r.in.id == 3)
            rows = pl_thrift__get_i64(&r.in);
        else if (r.in.id == 4)
            read_groups(&r);
        else
            pl_thrift__skip(&r.in);
    }
    if (!r.has_schema) refuse(&r, "it has no schema");
    if (rows != (int64_t)footer.rows) refuse(&r, "its row groups have not as many rows as it says");
    if (r.in.at != bytes.bytes) refuse(&r, "it goes on after its end");
    *ret_fault = (pl_fault){r.in.reason, at + r.in.at, ret_fault->group, ret_fault->column};
    *ret_footer = footer;
    return !r.in.reason;
}
