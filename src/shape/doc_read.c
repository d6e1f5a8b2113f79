// doc_read.c -- a shape out of its document (see doc.c). Documents are not trusted.
//
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/number.h"
#include "shape/doc_int.h"

typedef struct reader {
    pl_shape *shape;
    pl_span entities;  // as in the document, 8 bytes each
    const char *wrong; // what is damaged; NULL: nothing
} reader;

static uint64_t get64(const char *at)
{
    uint64_t value = 0;
    for (int i = 8; i-- > 0;) value = value << 8 | (uint8_t)at[i];
    return value;
}

static double number_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Absent is 0.
static uint64_t read_count(reader *r, const pl_json *object, const char *key, int64_t max)
{
    const pl_json *value = pl_json_get(object, key);
    int64_t count = 0;
    if (value && (!pl_json_long(value, &count) || count < 0 || count > max)) r->wrong = key;
    return (uint64_t)count;
}

static void read_counts(reader *r, const pl_json *object, const char *key, uint64_t *counts,
                        uint32_t n)
{
    const pl_json *array = pl_json_get(object, key);
    if (!array || array->kind != PL_JSON_ARRAY || array->count != n) {
        r->wrong = key;
        return;
    }
    for (const pl_json *item = array->first; item; item = item->next) {
        int64_t count;
        if (!pl_json_long(item, &count) || count < 0)
            r->wrong = key;
        else
            *counts++ = (uint64_t)count;
    }
}

// The bytes of a blob; of one that is absent none.
static bool read_blob(reader *r, const pl_json *object, const char *key, pl_buf *out)
{
    const pl_json *value = pl_json_get(object, key);
    if (!value) return false;
    if (value->kind != PL_JSON_STRING || !pl_base64_read(out, value->text)) {
        r->wrong = key;
        pl_buf_reset(out);
    }
    return true;
}

// ---- sketches -----------------------------------------------------------------------------------

static void read_buckets(reader *r, const pl_json *object, pl_quantiles *q)
{
    const pl_json *array = pl_json_get(object, "buckets"), *item;
    q->zero = read_count(r, object, "zero", INT64_MAX);
    if (!array) return;
    if (array->kind != PL_JSON_ARRAY || array->count % 3 != 0 ||
        array->count / 3 > PL_QUANTILE_BUCKETS) {
        r->wrong = "buckets";
        return;
    }
    q->capacity = array->count / 3;
    q->buckets = pl_zalloc(q->capacity + 1, sizeof *q->buckets);
    for (item = array->first; item; item = item->next->next->next) {
        int64_t index, positive, negative;
        bool good = pl_json_long(item, &index) && pl_json_long(item->next, &positive) &&
                    pl_json_long(item->next->next, &negative) && index >= -PL_SHAPE_INDEX_MAX &&
                    index <= PL_SHAPE_INDEX_MAX && positive >= 0 && negative >= 0 &&
                    (q->count == 0 || (index > q->buckets[q->count - 1].index &&
                                       index - q->buckets[0].index < PL_QUANTILE_BUCKETS));
        if (!good) {
            r->wrong = "buckets";
            return;
        }
        q->buckets[q->count++] =
            (struct pl_bucket){(int32_t)index, (uint64_t)positive, (uint64_t)negative};
    }
}

static void read_distinct(reader *r, const pl_json *object, pl_distinct *distinct)
{
    pl_buf bytes = {0};
    if (read_blob(r, object, "registers", &bytes)) {
        size_t all = (size_t)1 << PL_DISTINCT_BITS;
        bool good = bytes.count == all;
        for (size_t i = 0; good && i < all; i++)
            good = (uint8_t)bytes.data[i] <= 64 - PL_DISTINCT_BITS + 1;
        if (good) {
            distinct->registers = pl_alloc(all);
            memcpy(distinct->registers, bytes.data, all);
        } else {
            r->wrong = "registers";
        }
    } else if (read_blob(r, object, "distinct", &bytes)) {
        bool good = bytes.count % 8 == 0 && bytes.count / 8 <= PL_DISTINCT_EXACT;
        for (size_t i = 0; good && i < bytes.count; i += 8) {
            good = i == 0 || get64(bytes.data + i) > get64(bytes.data + i - 8);
            if (good) pl_distinct__add(distinct, get64(bytes.data + i));
        }
        if (!good) r->wrong = "distinct";
    }
    pl_buf_done(&bytes);
}

// ---- pairs --------------------------------------------------------------------------------------

typedef struct cursor {
    const char *at, *end;
    bool bad;
} cursor;

static uint64_t take64(cursor *c)
{
    if (c->end - c->at < 8) {
        c->bad = true;
        return 0;
    }
    c->at += 8;
    return get64(c->at - 8);
}

static uint64_t take_varint(cursor *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t byte = (uint8_t)*c->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    c->bad = true;
    return 0;
}

static pl_shape_scalar take_scalar(cursor *c)
{
    pl_shape_scalar scalar = {.number = NAN};
    if (c->at == c->end) {
        c->bad = true;
        return scalar;
    }
    uint8_t byte = (uint8_t)*c->at++;
    int form = byte >> 6;
    scalar.class = (pl_value_class)(byte & 15);
    scalar.kind = (pl_shape_kind)((byte >> 4 & 3) + PL_SHAPE_BOOL);
    if (form == PL_FORM_INTEGER) {
        uint64_t zigzag = take_varint(c);
        scalar.number = (double)((int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1));
    } else if (form != PL_FORM_HASH) {
        scalar.number = number_of(take64(c));
    }
    if (form == PL_FORM_HASH || form == PL_FORM_BOTH) {
        scalar.hash = take64(c);
    } else {
        scalar.derived = pl_shape__derive(scalar.class, scalar.number, &scalar.hash);
        c->bad |= !scalar.derived;
    }
    bool finite = form == PL_FORM_HASH || fabs(scalar.number) <= 1.7976931348623157e308;
    c->bad |= scalar.class >= PL_CLASSES || !finite;
    return scalar;
}

static void read_pairs(reader *r, const pl_json *object, pl_shape_values *values)
{
    pl_buf bytes = {0};
    uint64_t next = 0, all = r->entities.bytes / 8;
    PL_IGNORE(read_blob(r, object, "pairs", &bytes)); // none are none
    const char *first = bytes.count ? bytes.data : "";
    cursor c = {first, first + bytes.count, false};
    while (!c.bad && c.at < c.end) {
        uint64_t skip = take_varint(&c);
        pl_pair pair = {.value = take_scalar(&c)};
        if (c.bad || values->pair_count == PL_SHAPE_PAIRS || skip >= all - next) {
            c.bad = true;
            break;
        }
        pair.entity = get64(r->entities.data + (next + skip) * 8);
        next += skip + 1;
        c.bad = pair.entity > r->shape->entity_max;
        PL_GROW(values->pairs, values->pair_count, values->pair_capacity);
        values->pairs[values->pair_count++] = pair;
    }
    r->shape->pair_total += values->pair_count;
    if (c.bad) r->wrong = "pairs";
    pl_buf_done(&bytes);
}

// ---- values and paths ---------------------------------------------------------------------------

static void read_range(reader *r, const pl_json *object, pl_shape_values *values)
{
    const pl_json *range = pl_json_get(object, "range");
    pl_number number;
    if (!range) return;
    const pl_json *min = range->kind == PL_JSON_ARRAY && range->count == 2 ? range->first : NULL;
    bool good = min && pl_number_parse(min->text, &number) == PL_NUMBER_OK &&
                pl_number_double(&number, 0, &values->min) == PL_NUMBER_OK &&
                pl_number_parse(min->next->text, &number) == PL_NUMBER_OK &&
                pl_number_double(&number, 0, &values->max) == PL_NUMBER_OK;
    if (!good) r->wrong = "range";
}

static void read_samples(reader *r, const pl_json *object, pl_shape_values *values)
{
    const pl_json *array = pl_json_get(object, "samples");
    bool good = array && array->kind == PL_JSON_ARRAY && array->count <= PL_SHAPE_SAMPLES;
    for (const pl_json *item = good ? array->first : NULL; item; item = item->next) {
        good = good && item->kind == PL_JSON_STRING && item->text.bytes <= PL_SHAPE_TEXT_MAX &&
               (!item->text.bytes || !memchr(item->text.data, 0, item->text.bytes));
        if (good) pl_shape__sample_add(values, item->text);
    }
    if (!good) r->wrong = "samples";
}

static pl_shape_values *read_values(reader *r, const pl_json *object)
{
    pl_shape_values *values = pl_shape__values_new();
    values->count = read_count(r, object, "count", INT64_MAX);
    read_counts(r, object, "classes", values->classes, PL_CLASSES);
    if (pl_json_get(object, "text")) {
        uint64_t bytes[2] = {0};
        read_counts(r, object, "text", bytes, 2);
        if (bytes[0] > bytes[1] || bytes[1] >= UINT32_MAX) r->wrong = "text";
        values->text_min = (uint32_t)bytes[0];
        values->text_max = (uint32_t)bytes[1];
    }
    values->fractions = read_count(r, object, "fractions", INT64_MAX);
    read_range(r, object, values);
    read_buckets(r, object, &values->quantiles);
    read_distinct(r, object, &values->distinct);
    read_pairs(r, object, values);
    read_samples(r, object, values);
    return values;
}

// The path's place in the tree.
static uint32_t read_place(reader *r, const pl_json *object)
{
    pl_shape *shape = r->shape;
    uint32_t parent = (uint32_t)read_count(r, object, "in", shape->count - 1);
    const pl_json *key = pl_json_get(object, "key");
    pl_shape_step step = pl_json_get(object, "items")    ? PL_SHAPE_ITEMS
                         : pl_json_get(object, "around") ? PL_SHAPE_AROUND
                                                         : PL_SHAPE_KEY;
    bool has_key = key && key->kind == PL_JSON_STRING;
    pl_span text = has_key ? key->text : PL_SPAN("");
    uint32_t count = shape->count;
    if (r->wrong) return PL_SHAPE_ROOT;
    if (!pl_json_get(object, "in") || (step == PL_SHAPE_KEY && !has_key) ||
        (step == PL_SHAPE_AROUND && parent != PL_SHAPE_ROOT)) {
        r->wrong = "key";
        return PL_SHAPE_ROOT;
    }
    uint32_t path = pl_shape__below(shape, parent, text, step);
    if (path != count) r->wrong = "key"; // there already, or too many
    return r->wrong ? PL_SHAPE_ROOT : path;
}

static void read_path(reader *r, const pl_json *object, bool first)
{
    uint32_t id = first ? PL_SHAPE_ROOT : read_place(r, object);
    const pl_json *values = pl_json_get(object, "values");
    if (r->wrong) return;
    pl_shape_path *path = &r->shape->paths[id];
    read_counts(r, object, "kinds", path->kinds, PL_SHAPE_KINDS);
    path->overflow = read_count(r, object, "overflow", INT64_MAX);
    path->objects = read_count(r, object, "objects", INT64_MAX);
    path->first_us = (int64_t)read_count(r, object, "first_us", INT64_MAX);
    path->last_us = (int64_t)read_count(r, object, "last_us", INT64_MAX);
    if (values) path->values = read_values(r, values);
}

static void read_all(reader *r, const pl_json *document, pl_buf *entities)
{
    pl_shape *shape = r->shape;
    pl_buf most = {0};
    const pl_json *paths = pl_json_get(document, "paths");
    shape->records = read_count(r, document, "records", INT64_MAX);
    shape->sampled = read_count(r, document, "sampled", INT64_MAX);
    shape->objects = read_count(r, document, "objects", INT64_MAX);
    shape->first_us = (int64_t)read_count(r, document, "first_us", INT64_MAX);
    shape->last_us = (int64_t)read_count(r, document, "last_us", INT64_MAX);
    if (read_blob(r, document, "entity_max", &most)) {
        if (most.count == 8)
            shape->entity_max = get64(most.data);
        else
            r->wrong = "entity_max";
    }
    pl_buf_done(&most);
    bool good = read_blob(r, document, "entities", entities) && entities->count % 8 == 0;
    for (size_t i = 8; good && i < entities->count; i += 8)
        good = get64(entities->data + i) > get64(entities->data + i - 8);
    if (!good) r->wrong = "entities";
    r->entities = pl_buf_view(entities);
    if (!paths || paths->kind != PL_JSON_ARRAY || !paths->count) r->wrong = "paths";
    for (const pl_json *path = r->wrong ? NULL : paths->first; path && !r->wrong; path = path->next)
        read_path(r, path, path == paths->first);
    if (!r->wrong) pl_shape__fit(shape);
}

plumb_status pl_shape_read(const pl_json *document, pl_shape *ret_shape, plumb_error *err)
{
    int64_t version;
    pl_shape shape;
    pl_buf entities = {0};
    if (!pl_json_get_long(document, "version", &version))
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read shape: it has no version");
    if (version != PL_SHAPE_VERSION)
        return pl_fail(err, PLUMB_E_CONFLICT,
                       "cannot read shape: it is of version %lld, this plumb reads version %d",
                       (long long)version, PL_SHAPE_VERSION);
    pl_shape_init(&shape);
    reader r = {.shape = &shape};
    read_all(&r, document, &entities);
    pl_buf_done(&entities);
    if (r.wrong) {
        plumb_status st =
            pl_fail(err, PLUMB_E_MALFORMED, "cannot read shape: \"%s\" of path %u is damaged",
                    r.wrong, shape.count - 1);
        pl_shape_done(&shape);
        return st;
    }
    *ret_shape = shape;
    return PLUMB_OK;
}
