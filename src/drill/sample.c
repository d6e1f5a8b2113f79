// SPDX-License-Identifier: Apache-2.0
#include "drill/sample.h"

#include <stdlib.h>

#include "drill/mutate.h"
#include "flow/raw.h"

// Objects looked at; and so many give a share of the records each, if there are as many.
enum { OBJECTS_MAX = PL_DRILL_RECORDS_MAX, OBJECTS_SHARING = 4 };
// Documents a sample should have at least, so that there is something to divide.
enum { UNITS_MIN = 24 };

// ---- records -----------------------------------------------------------------------------------

static void each_inner(pl_json *item, const pl_mapping *mapping, uint32_t level,
                       pl_drill_visit visit, void *context)
{
    if (level == mapping->inner_count) {
        visit(context, item);
        return;
    }
    pl_json *array = pl_mutate_find(item, &mapping->inner[level]);
    if (!array || array->kind != PL_JSON_ARRAY) return;
    for (pl_json *inner = array->first; inner; inner = inner->next)
        each_inner(inner, mapping, level + 1, visit, context);
}

// The array of a document that holds its records, or NULL.
static pl_json *outer_array(pl_json *document, const pl_mapping *mapping)
{
    pl_json *array = mapping->has_records ? pl_mutate_find(document, &mapping->records) : NULL;
    return array && array->kind == PL_JSON_ARRAY ? array : NULL;
}

void pl_drill_each(pl_json *document, const pl_mapping *mapping, pl_drill_visit visit,
                   void *context)
{
    pl_json *array = outer_array(document, mapping);
    // An item of the array that a document is ($[]) stands for itself.
    if (!array && (!mapping->has_records || mapping->records_top))
        each_inner(document, mapping, 0, visit, context);
    for (pl_json *item = array ? array->first : NULL; item; item = item->next)
        each_inner(item, mapping, 0, visit, context);
}

static void count_one(void *context, pl_json *record)
{
    (void)record;
    ++*(uint32_t *)context;
}

static uint32_t count_records(pl_json *document, const pl_mapping *mapping)
{
    uint32_t count = 0;
    pl_drill_each(document, mapping, count_one, &count);
    return count;
}

// ---- reading -----------------------------------------------------------------------------------

typedef struct newest {
    pl_arena *arena;
    char **keys; // [OBJECTS_MAX], a ring
    uint64_t count;
} newest;

static bool note_object(void *context, const pl_object_row *row, pl_object_state state)
{
    newest *n = context;
    (void)state;
    n->keys[n->count++ % OBJECTS_MAX] = pl_arena_cstr(n->arena, pl_span_of(row->key));
    return true;
}

typedef struct reader {
    pl_store *store;
    pl_mapping *const *mappings;
    uint32_t mapping_count;
    pl_arena *arena;
    pl_drill_sample *sample;
    bool any; // something was read: it says whether documents are items
} reader;

static void add_unit(reader *r, pl_json *document, uint32_t records, size_t bytes)
{
    pl_drill_sample *s = r->sample;
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 64;
        pl_drill_unit *grown = PL_TAKE(r->arena, pl_drill_unit, s->capacity);
        if (s->count) memcpy(grown, s->units, s->count * sizeof *grown);
        s->units = grown;
    }
    s->units[s->count++] = (pl_drill_unit){document, records};
    s->records += records;
    s->bytes += bytes;
}

static uint32_t most_records(const reader *r, pl_json *document)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < r->mapping_count; i++) {
        uint32_t records = count_records(document, r->mappings[i]);
        most = PL_MAX(most, records);
    }
    return most;
}

// Forget all but the first records of a document; returns how many bytes of it that leaves, about.
static size_t shorten(const reader *r, pl_json *document, uint32_t share, size_t bytes)
{
    for (uint32_t i = 0; i < r->mapping_count; i++) {
        pl_json *array = outer_array(document, r->mappings[i]);
        if (!array || array->count <= share) continue;
        pl_json *last = array->first;
        for (uint32_t at = 1; at < share; at++) last = last->next;
        last->next = NULL;
        bytes = (size_t)((double)bytes * share / array->count);
        array->count = share;
    }
    return bytes;
}

// The first records of an object, `share` of them or a document more.
static plumb_status read_object(reader *r, const char *key, uint32_t share, plumb_error *err)
{
    pl_raw *raw;
    PL_TRY(pl_raw_open(r->store, key, &raw, err));
    pl_format format = pl_raw_head_of(raw)->format;
    bool items = format == PL_FORMAT_ARRAY;
    pl_framer_options options = {.format = format};
    pl_framer *framer = pl_framer_new(&options, pl_raw_framer_read, raw);
    uint64_t end = r->sample->records + share;
    pl_frame frame;
    bool more = !r->any || items == r->sample->items;
    r->sample->items = more ? items : r->sample->items;
    r->sample->objects += more;
    while (more && r->sample->records < end && r->sample->bytes < PL_DRILL_BYTES_MAX) {
        pl_json *document;
        if (pl_framer_next(framer, &frame, &more, err) != PLUMB_OK || !more) break;
        if (!frame.text.data) continue;
        pl_span text = pl_arena_copy(r->arena, frame.text);
        if (pl_json_parse(text, r->arena, &document, err) != PLUMB_OK) continue;
        size_t bytes = shorten(r, document, share, text.bytes);
        add_unit(r, document, most_records(r, document), bytes);
        r->any = true;
    }
    pl_framer_free(framer);
    pl_raw_close(raw);
    return PLUMB_OK;
}

static void reverse(pl_drill_unit *units, uint32_t first, uint32_t end)
{
    for (; first + 1 < end; first++, end--) {
        pl_drill_unit kept = units[first];
        units[first] = units[end - 1];
        units[end - 1] = kept;
    }
}

static plumb_status read_objects(reader *r, pl_registry *registry, plumb_error *err)
{
    newest n = {.arena = r->arena, .keys = PL_TAKE(r->arena, char *, OBJECTS_MAX)};
    char *source = pl_arena_cstr(r->arena, r->mappings[0]->source);
    PL_TRY(pl_registry_objects(registry, source, NULL, note_object, &n, err));
    uint64_t objects = PL_MIN(n.count, (uint64_t)OBJECTS_MAX);
    uint32_t share = PL_DRILL_RECORDS_MAX;
    if (objects) share /= (uint32_t)PL_MIN(objects, (uint64_t)OBJECTS_SHARING);
    pl_drill_sample *s = r->sample;
    for (uint64_t back = 1; back <= objects; back++) {
        uint32_t first = s->count;
        plumb_error ignored; // damaged, gone: `plumb verify` is there for that
        if (s->records >= PL_DRILL_RECORDS_MAX || s->bytes >= PL_DRILL_BYTES_MAX) break;
        PL_IGNORE(read_object(r, n.keys[(n.count - back) % OBJECTS_MAX], share, &ignored));
        reverse(s->units, first, s->count);
    }
    reverse(s->units, 0, s->count);
    return PLUMB_OK;
}

// ---- cutting -----------------------------------------------------------------------------------

// Give the records of one document to several that have the same envelope.
static void cut(reader *r, pl_json *document, const pl_mapping *by, uint32_t size)
{
    pl_json *array = outer_array(document, by);
    pl_json *item = array ? array->first : NULL;
    if (!array || array->count <= size) {
        add_unit(r, document, most_records(r, document), 0);
        return;
    }
    array->first = NULL;
    while (item) {
        pl_json *slice = pl_mutate_copy(document, r->arena);
        pl_json *some = pl_mutate_find(slice, &by->records), **link = &some->first;
        for (some->count = 0; item && some->count < size; some->count++) {
            *link = item;
            link = &item->next;
            item = item->next;
        }
        *link = NULL;
        add_unit(r, slice, most_records(r, slice), 0);
    }
}

static void cut_all(reader *r)
{
    pl_drill_sample whole = *r->sample;
    const pl_mapping *by = NULL;
    uint64_t most = 0;
    for (uint32_t m = 0; m < r->mapping_count; m++) {
        uint64_t records = 0;
        for (uint32_t i = 0; i < whole.count; i++)
            records += count_records(whole.units[i].document, r->mappings[m]);
        if (records <= most || !r->mappings[m]->has_records) continue;
        by = r->mappings[m];
        most = records;
    }
    if (!by) return;
    *r->sample =
        (pl_drill_sample){.items = whole.items, .objects = whole.objects, .bytes = whole.bytes};
    uint64_t size = PL_MIN(most, (uint64_t)PL_DRILL_RECORDS_MAX) / UNITS_MIN;
    for (uint32_t i = 0; i < whole.count && r->sample->records < PL_DRILL_RECORDS_MAX; i++)
        cut(r, whole.units[i].document, by, (uint32_t)PL_MAX(size, 1u));
}

plumb_status pl_drill_sample_read(pl_store *store, pl_registry *registry,
                                  pl_mapping *const *mappings, uint32_t count, pl_arena *arena,
                                  pl_drill_sample *ret_sample, plumb_error *err)
{
    *ret_sample = (pl_drill_sample){.units = NULL};
    reader r = {store, mappings, count, arena, ret_sample, false};
    PL_TRY(read_objects(&r, registry, err));
    cut_all(&r);
    if (ret_sample->records >= PL_DRILL_RECORDS_MIN) return PLUMB_OK;
    pl_fail(err, PLUMB_E_NOT_FOUND,
            "cannot drill source '%.*s': its raw zone has %llu records, and it takes %d",
            PL_FMT(mappings[0]->source), (unsigned long long)ret_sample->records,
            PL_DRILL_RECORDS_MIN);
    pl_hint(err, "Land more of it with 'plumb ingest %.*s FILE'.", PL_FMT(mappings[0]->source));
    return PLUMB_E_NOT_FOUND;
}
