// SPDX-License-Identifier: Apache-2.0
#include "drill/sample.h"

#include "base/hash.h"
#include "drill/mutate.h"
#include "flow/raw.h"

// Objects looked at; so many are wanted, if there are as many: to see what is polled several times.
enum { OBJECTS_MAX = PL_DRILL_RECORDS_MAX, POLLS = 6 };
// Content read at most; and to find out how large records are.
enum { SCAN_BYTES = 32 * 1024 * 1024, PROBE_BYTES = 128 * 1024 };
enum { ENTITIES = 65536 };
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
typedef struct candidate {
    char *key;
    uint64_t bytes; // of its content
} candidate;

typedef struct newest {
    pl_arena *arena;
    candidate *items; // [OBJECTS_MAX], a ring
    uint64_t count;
} newest;

static bool note_object(void *context, const pl_object_row *row, pl_object_state state)
{
    newest *n = context;
    if (state == PL_STATE_STAGED) return true;
    int64_t bytes = row->content_bytes < 0 ? row->stored_bytes : row->content_bytes;
    n->items[n->count++ % OBJECTS_MAX] =
        (candidate){pl_arena_cstr(n->arena, pl_span_of(row->key)), (uint64_t)bytes};
    return true;
}

typedef struct reader {
    pl_store *store;
    pl_mapping *const *mappings;
    uint32_t mapping_count;
    pl_arena *arena;
    pl_drill_sample *sample;
    uint64_t share; // of the entities, of ENTITIES
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

// What a record is about: the key's columns without those of time; without a key, itself.
static uint64_t entity_of(const pl_mapping *mapping, pl_json *record)
{
    const pl_contract *contract = mapping->contract;
    uint64_t entity = 0;
    bool any = false;
    for (uint32_t i = 0; i < contract->key_count; i++) {
        pl_kind kind = contract->columns[contract->keys[i]].field.type.kind;
        const pl_rule *rule = pl_mapping_rule(mapping, contract->keys[i]);
        const pl_json *value = NULL;
        for (uint32_t t = 0; rule && t < rule->term_count && !value; t++)
            if (rule->terms[t].kind == PL_TERM_PATH && rule->terms[t].path.root == PL_ROOT_RECORD)
                value = pl_mutate_find(record, &rule->terms[t].path);
        if (!value || kind == PL_TIMESTAMP || kind == PL_DATE) continue;
        entity = pl_hash_join(entity, pl_hash(value->raw));
        any = true;
    }
    return any ? entity : pl_hash(record->raw);
}

static bool is_taken(const reader *r, pl_json *record)
{
    return (entity_of(r->mappings[0], record) >> 20) % ENTITIES < r->share;
}

// Leave only the records of the entities taken; false: there are none.
static bool thin_out(const reader *r, pl_json *document)
{
    pl_json *array = outer_array(document, r->mappings[0]);
    if (r->share == ENTITIES) return true;
    if (!array) return is_taken(r, document);
    for (pl_json **link = &array->first; *link;)
        if (is_taken(r, *link))
            link = &(*link)->next;
        else
            *link = (*link)->next, array->count--;
    return array->first != NULL;
}

static void take_document(reader *r, pl_span text)
{
    pl_arena arena = {0};
    pl_buf left = {0};
    pl_json *document;
    plumb_error ignored;
    if (pl_json_parse(text, &arena, &document, &ignored) == PLUMB_OK && thin_out(r, document)) {
        pl_mutate_write(&left, document);
        text = pl_arena_copy(r->arena, pl_buf_view(&left));
        if (pl_json_parse(text, r->arena, &document, &ignored) == PLUMB_OK)
            add_unit(r, document, most_records(r, document), text.bytes);
    }
    pl_buf_done(&left);
    pl_arena_done(&arena);
}

// What is taken of an object's first `bytes`. One of another form than those before is left out.
static plumb_status read_object(reader *r, const char *key, uint64_t bytes, plumb_error *err)
{
    pl_raw *raw;
    pl_drill_sample *s = r->sample;
    PL_TRY(pl_raw_open(r->store, key, &raw, err));
    pl_format format = pl_raw_head_of(raw)->format;
    pl_framer_options options = {.format = format};
    pl_framer *framer = pl_framer_new(&options, pl_raw_framer_read, raw);
    pl_frame frame;
    bool items = format == PL_FORMAT_ARRAY, more = !s->count || items == s->items;
    uint64_t before = s->records;
    s->items = more ? items : s->items;
    while (more && pl_framer_offset(framer) < bytes && s->records < PL_DRILL_RECORDS_MAX &&
           s->bytes < PL_DRILL_BYTES_MAX) {
        if (pl_framer_next(framer, &frame, &more, err) != PLUMB_OK || !more) break;
        if (frame.text.data) take_document(r, frame.text);
    }
    s->objects += s->records > before;
    pl_framer_free(framer);
    pl_raw_close(raw);
    return PLUMB_OK;
}

// Bytes that a record takes, by the first ones of an object.
static uint64_t record_size(const reader *r, const char *key)
{
    pl_arena arena = {0};
    pl_drill_sample some = {.units = NULL};
    reader look = *r;
    plumb_error ignored;
    look.arena = &arena;
    look.sample = &some;
    look.share = ENTITIES;
    PL_IGNORE(read_object(&look, key, PROBE_BYTES, &ignored));
    pl_arena_done(&arena);
    return some.records ? some.bytes / some.records + 1 : 1;
}

static void reverse(pl_drill_unit *units, uint32_t first, uint32_t end)
{
    for (; first + 1 < end; first++, end--) {
        pl_drill_unit kept = units[first];
        units[first] = units[end - 1];
        units[end - 1] = kept;
    }
}

// How many of the newest objects there are to be read, and the thinner the more they hold.
static uint64_t plan_reading(reader *r, const newest *n)
{
    uint64_t all = PL_MIN(n->count, (uint64_t)OBJECTS_MAX), objects = 0, bytes = 0;
    uint64_t size = 1;
    while (objects < all && bytes < SCAN_BYTES) {
        const candidate *c = &n->items[(n->count - ++objects) % OBJECTS_MAX];
        if (objects == 1) size = record_size(r, c->key);
        bytes += c->bytes;
        if (objects >= POLLS && bytes / size >= PL_DRILL_RECORDS_MAX) break;
    }
    bytes = PL_MIN(bytes, (uint64_t)SCAN_BYTES);
    uint64_t room = PL_MIN(PL_DRILL_RECORDS_MAX * size, (uint64_t)PL_DRILL_BYTES_MAX);
    r->share = bytes > room ? ENTITIES * room / bytes : ENTITIES;
    return objects;
}

static plumb_status read_objects(reader *r, pl_registry *registry, plumb_error *err)
{
    newest n = {.arena = r->arena, .items = PL_TAKE(r->arena, candidate, OBJECTS_MAX)};
    char *source = pl_arena_cstr(r->arena, r->mappings[0]->source);
    // What waits before a table has changed already; states are those before that table.
    char *table = pl_arena_cstr(r->arena, r->mappings[0]->contract->table);
    PL_TRY(pl_registry_objects(registry, source, table, note_object, &n, err));
    uint64_t objects = plan_reading(r, &n);
    pl_drill_sample *s = r->sample;
    for (uint64_t back = 1; back <= objects; back++) {
        uint32_t first = s->count;
        plumb_error ignored; // damaged, gone: `plumb verify` is there for that
        const char *key = n.items[(n.count - back) % OBJECTS_MAX].key;
        PL_IGNORE(read_object(r, key, SCAN_BYTES / objects, &ignored));
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
    reader r = {store, mappings, count, arena, ret_sample, ENTITIES};
    PL_TRY(read_objects(&r, registry, err));
    cut_all(&r);
    if (ret_sample->records >= PL_DRILL_RECORDS_MIN) return PLUMB_OK;
    pl_fail(err, PLUMB_E_NOT_FOUND,
            "cannot drill source '%.*s': its newest raw objects have %llu records to play with, and"
            " it takes %d",
            PL_FMT(mappings[0]->source), (unsigned long long)ret_sample->records,
            PL_DRILL_RECORDS_MIN);
    pl_hint(err, "Land more of it with 'plumb ingest %.*s FILE'.", PL_FMT(mappings[0]->source));
    return PLUMB_E_NOT_FOUND;
}
