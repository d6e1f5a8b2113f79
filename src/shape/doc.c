// doc.c -- a shape as one JSON document, and back.
//
//     {"version": 2, "records": 3, "sampled": 3, "objects": 1, "first_us": 5, "last_us": 5,
//      "entities": BLOB,                        of all pairs, 8 bytes each, ascending
//      "paths": [{"kinds": [0, 0, 0, 0, 0, 0, 3], ...},        the record
//                {"in": 0, "key": "id", "kinds": [0, 0, 3, 0, 0, 0, 0], "values": {...}},
//                {"in": 1, "items": true, ...}]}
//
// A BLOB is base64. What is zero or empty is left out. A pair is the distance of its entity to the
// one before in "entities" less one (a varint), one byte of class, kind and form, and by form
//
//     0  no number: the hash, 8 bytes       2  a number, 8 bytes
//     1  an integer, as a zigzag varint     3  a number and its hash, 8 bytes each
//
// where the hash of 1 and 2 follows from the number. All little-endian.
//
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/base64.h"
#include "shape/doc_int.h"

// ---- writing ------------------------------------------------------------------------------------

enum { VARINT_MAX = 10, PAIR_MAX = VARINT_MAX + 1 + 16 }; // bytes

static char *put64(char *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) to[i] = (char)(uint8_t)(value >> (8 * i));
    return to + 8;
}

static char *put_varint(char *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *to++ = (char)(uint8_t)(value | 0x80);
    *to++ = (char)(uint8_t)value;
    return to;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void write_blob(pl_json_writer *w, const char *key, pl_span bytes)
{
    pl_buf text = {0};
    pl_buf_char(&text, '"');
    pl_base64_write(&text, bytes);
    pl_buf_char(&text, '"');
    pl_json_key(w, key);
    pl_json_raw(w, pl_buf_view(&text)); // nothing in it needs a look
    pl_buf_done(&text);
}

static void write_count(pl_json_writer *w, const char *key, uint64_t value)
{
    if (!value) return;
    pl_json_key(w, key);
    pl_json_int(w, (int64_t)value);
}

static void write_counts(pl_json_writer *w, const char *key, const uint64_t *counts, int n)
{
    pl_json_key(w, key);
    pl_json_begin(w, '[');
    for (int i = 0; i < n; i++) pl_json_int(w, (int64_t)counts[i]);
    pl_json_end(w, ']');
}

typedef struct entities {
    uint64_t *hashes; // ascending, one of each; owned
    uint32_t count;
} entities;

static void write_hashes(pl_json_writer *w, const char *key, const uint64_t *hashes, uint32_t count)
{
    pl_buf blob = {0};
    char *to = pl_buf_reserve(&blob, count * sizeof *hashes);
    for (uint32_t i = 0; i < count; i++) to = put64(to, hashes[i]);
    blob.count = count * sizeof *hashes;
    write_blob(w, key, pl_buf_view(&blob));
    pl_buf_done(&blob);
}

static bool has_all(const entities *all, const pl_shape_values *values)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < values->pair_count; i++) {
        while (at < all->count && all->hashes[at] < values->pairs[i].entity) at++;
        if (at == all->count || all->hashes[at] != values->pairs[i].entity) return false;
    }
    return true;
}

// Those of all paths: mostly each has the same ones.
static entities entities_of(const pl_shape *shape)
{
    entities all = {0};
    uint64_t *other = NULL;
    for (uint32_t p = 0; p < shape->count; p++) {
        const pl_shape_values *values = shape->paths[p].values;
        uint32_t more = values ? values->pair_count : 0, count = 0;
        if (!more || has_all(&all, values)) continue;
        other = pl_realloc(other, ((size_t)all.count + more) * sizeof *other);
        for (uint32_t i = 0, j = 0; i < all.count || j < more;) {
            uint64_t mine = i < all.count ? all.hashes[i] : UINT64_MAX;
            uint64_t theirs = j < more ? values->pairs[j].entity : UINT64_MAX;
            other[count++] = PL_MIN(mine, theirs);
            i += i < all.count && mine <= theirs;
            j += j < more && theirs <= mine;
        }
        uint64_t *was = all.hashes;
        all = (entities){other, count};
        other = was;
    }
    free(other);
    return all;
}

static char *put_pair(char *to, const pl_pair *pair)
{
    double x = pair->value.number;
    uint64_t hash = 0;
    int form = PL_FORM_HASH;
    if (!isnan(x)) {
        // Of an integer in JSON there is only one text, so that its hash need not be tried.
        bool plain = pair->value.class == PL_CLASS_NUMBER && pair->value.kind == PL_SHAPE_INT &&
                     fabs(x) < 9e15;
        bool derived = plain || pair->value.derived ||
                       (pl_shape__derive(pair->value.class, x, &hash) && hash == pair->value.hash);
        bool integer = derived && fabs(x) < 9e15 && x == trunc(x);
        form = integer ? PL_FORM_INTEGER : derived ? PL_FORM_NUMBER : PL_FORM_BOTH;
    }
    int kind = pair->value.kind - PL_SHAPE_BOOL;
    *to++ = (char)(uint8_t)(form << 6 | kind << 4 | (int)pair->value.class);
    if (form == PL_FORM_INTEGER) {
        int64_t value = (int64_t)x;
        return put_varint(to, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
    }
    if (form != PL_FORM_HASH) to = put64(to, bits_of(x));
    if (form != PL_FORM_NUMBER) to = put64(to, pair->value.hash);
    return to;
}

static void write_pairs(pl_json_writer *w, const pl_shape_values *values, const entities *all)
{
    pl_buf blob = {0};
    uint32_t next = 0, index = 0; // the least entity that can come; the one that does
    assert(!values->pair_fresh);
    char *to = pl_buf_reserve(&blob, (size_t)values->pair_count * PAIR_MAX);
    for (uint32_t i = 0; i < values->pair_count; i++) {
        while (all->hashes[index] != values->pairs[i].entity) index++;
        to = put_varint(to, index - next);
        next = index + 1;
        to = put_pair(to, &values->pairs[i]);
    }
    if (values->pair_count) blob.count = (size_t)(to - blob.data);
    if (blob.count) write_blob(w, "pairs", pl_buf_view(&blob));
    pl_buf_done(&blob);
}

static void write_sketches(pl_json_writer *w, const pl_shape_values *values)
{
    const pl_quantiles *q = &values->quantiles;
    write_count(w, "zero", q->zero);
    if (q->count) {
        pl_json_key(w, "buckets");
        pl_json_begin(w, '[');
        for (uint32_t i = 0; i < q->count; i++) {
            pl_json_int(w, q->buckets[i].index);
            pl_json_int(w, (int64_t)q->buckets[i].positive);
            pl_json_int(w, (int64_t)q->buckets[i].negative);
        }
        pl_json_end(w, ']');
    }
    if (values->distinct.registers) {
        write_blob(w, "registers",
                   pl_span_make(values->distinct.registers, (size_t)1 << PL_DISTINCT_BITS));
        return;
    }
    write_hashes(w, "distinct", values->distinct.hashes, values->distinct.count);
}

static void write_values(pl_json_writer *w, const pl_shape_values *values, const entities *all)
{
    pl_json_key(w, "values");
    pl_json_begin(w, '{');
    pl_json_key(w, "count");
    pl_json_int(w, (int64_t)values->count);
    write_counts(w, "classes", values->classes, PL_CLASSES);
    if (!isnan(values->min)) {
        pl_json_key(w, "range");
        pl_json_begin(w, '[');
        pl_json_double(w, values->min);
        pl_json_double(w, values->max);
        pl_json_end(w, ']');
    }
    if (values->text_min <= values->text_max) {
        uint64_t bytes[2] = {values->text_min, values->text_max};
        write_counts(w, "text", bytes, 2);
    }
    write_count(w, "fractions", values->fractions);
    write_sketches(w, values);
    write_pairs(w, values, all);
    pl_json_key(w, "samples");
    pl_json_begin(w, '[');
    for (uint32_t i = 0; i < values->sample_count; i++) pl_json_cstr(w, values->samples[i]);
    pl_json_end(w, ']');
    pl_json_end(w, '}');
}

// `parent` is as written.
static void write_path(pl_json_writer *w, const pl_shape_path *path, uint32_t parent,
                       const entities *all)
{
    pl_json_begin(w, '{');
    if (path->parent != PL_SHAPE_NONE) {
        pl_json_key(w, "in");
        pl_json_int(w, parent);
        static const char *const steps[] = {"key", "items", "around"};
        pl_json_key(w, steps[path->step]);
        if (path->step == PL_SHAPE_KEY)
            pl_json_text(w, path->key);
        else
            pl_json_bool(w, true);
    }
    write_counts(w, "kinds", path->kinds, PL_SHAPE_KINDS);
    write_count(w, "overflow", path->overflow);
    write_count(w, "objects", path->objects);
    write_count(w, "first_us", (uint64_t)path->first_us);
    write_count(w, "last_us", (uint64_t)path->last_us);
    if (path->values) write_values(w, path->values, all);
    pl_json_end(w, '}');
}

// Level by level, in each object by key: what is written does not tell what was met first. (Levels
// are those of a queue, which is what has been written.)
static void write_paths(pl_json_writer *w, const pl_shape *shape, const entities *all)
{
    uint32_t *queue = pl_alloc(shape->count * sizeof *queue), count = 1;
    uint32_t *written = pl_alloc(shape->count * sizeof *written); // each path's place there
    queue[0] = written[0] = PL_SHAPE_ROOT;
    for (uint32_t i = 0; i < count; i++) {
        const pl_shape_path *path = &shape->paths[queue[i]];
        written[queue[i]] = i;
        write_path(w, path, path->parent == PL_SHAPE_NONE ? 0 : written[path->parent], all);
        for (uint32_t k = 0; k < path->children; k++) queue[count++] = path->by_key[k];
        if (path->elements != PL_SHAPE_NONE) queue[count++] = path->elements;
        if (i == 0 && shape->around != PL_SHAPE_NONE) queue[count++] = shape->around;
    }
    free(queue);
    free(written);
}

void pl_shape_write(pl_json_writer *w, const pl_shape *shape)
{
    entities all = entities_of(shape);
    pl_json_begin(w, '{');
    pl_json_key(w, "version");
    pl_json_int(w, PL_SHAPE_VERSION);
    write_count(w, "records", shape->records);
    write_count(w, "sampled", shape->sampled);
    write_count(w, "objects", shape->objects);
    write_count(w, "first_us", (uint64_t)shape->first_us);
    write_count(w, "last_us", (uint64_t)shape->last_us);
    if (shape->entity_max != UINT64_MAX) write_hashes(w, "entity_max", &shape->entity_max, 1);
    write_hashes(w, "entities", all.hashes, all.count);
    pl_json_key(w, "paths");
    pl_json_begin(w, '[');
    write_paths(w, shape, &all);
    pl_json_end(w, ']');
    pl_json_end(w, '}');
    free(all.hashes);
}
