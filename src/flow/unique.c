// SPDX-License-Identifier: Apache-2.0
#include "flow/unique.h"

#include <stdlib.h>

#include "flow/keyset.h"
#include "iceberg/manifest.h"
#include "parquet/reader.h"

// A file whose keys are read.
typedef struct key_file {
    const char *key; // in the store
    uint64_t rows;
    bool counted; // of the source itself
    bool live;    // of the table as it is
} key_file;

typedef struct looking {
    run_state *run;
    const run_source *source;
    pl_arena arena;
    pl_keyset columns; // which ones; nothing is put in
    key_file *files;   // in the order in which keys come
    uint32_t file_count, room;
    uint64_t rows;                    // of all
    pl_map replaced;                  // objects that this run maps once more
    uint64_t *slots, capacity, count; // a table of hashes; 0 is free
    uint64_t pass, passes;            // hashes of this one are looked at
    uint64_t own_rows, repeated;
} looking;

// ---- which files -------------------------------------------------------------------------------
static void add_file(looking *l, const char *key, uint64_t rows, bool counted, bool live)
{
    PL_GROW(l->files, l->file_count, l->room);
    l->files[l->file_count++] = (key_file){key, rows, counted, live};
    l->rows += rows;
    if (counted) l->own_rows += rows;
}

static void add_made(looking *l, const run_source *source, bool counted)
{
    for (uint32_t t = 0; t < l->run->task_count; t++) {
        const run_task *task = &l->run->tasks[t];
        for (uint32_t i = 0; task->source == source && i < task->result.file_count; i++)
            add_file(l, task->result.files[i].key, task->result.files[i].metrics.rows, counted,
                     false);
    }
}

static const pl_leaf_metrics *leaf_of(const pl_file_metrics *metrics, int32_t id)
{
    for (uint32_t i = 0; i < metrics->leaf_count; i++)
        if (metrics->leaves[i].field_id == id) return &metrics->leaves[i];
    return NULL;
}

// May a value of the one be below, or as, one of the other? Bounds of a text are cut, and say less.
static bool reaches(const pl_leaf_metrics *low, const pl_leaf_metrics *high, const pl_type *type)
{
    pl_value lower, upper;
    if (!low->has_lower || !high->has_upper || !pl_ice_value_read(low->lower, type, &lower) ||
        !pl_ice_value_read(high->upper, type, &upper))
        return true;
    return pl_value_compare(&lower, &upper) <= 0;
}

// May the files have a row with the same key?
static bool may_share(const looking *l, const pl_part_file *made, const pl_ice_file *live)
{
    const run_table *table = l->source->table;
    for (uint32_t k = 0; k < l->columns.column_count; k++) {
        const pl_field *field = &table->schema->fields[l->columns.columns[k]];
        for (uint32_t p = 0; live->spec->id == table->spec->id && p < table->spec->count; p++)
            if (table->spec->fields[p].source_id == field->id &&
                !pl_value_equal(&made->values[p], &live->partition[p]))
                return false;
        const pl_leaf_metrics *one = leaf_of(&made->metrics, field->id);
        const pl_leaf_metrics *other = leaf_of(&live->metrics, field->id);
        if (one && other &&
            (!reaches(one, other, &field->type) || !reaches(other, one, &field->type)))
            return false;
    }
    return true;
}

static bool may_repeat(const looking *l, const pl_ice_file *live)
{
    for (uint32_t t = 0; t < l->run->task_count; t++) {
        const run_task *task = &l->run->tasks[t];
        for (uint32_t i = 0; task->source == l->source && i < task->result.file_count; i++)
            if (may_share(l, &task->result.files[i], live)) return true;
    }
    return false;
}

static plumb_status add_live(looking *l, plumb_error *err)
{
    char *location;
    pl_ice_table *table;
    pl_ice_file *files;
    uint32_t count;
    pl_store *store = l->run->options->store;
    pl_catalog catalog = pl_registry_catalog(l->run->options->registry);
    PL_TRY(catalog.load(catalog.self, l->source->table->name, &l->arena, &location, err));
    if (!location) return PLUMB_OK;
    PL_TRY(pl_ice_load(store, location, &l->arena, &table, err));
    PL_TRY(pl_ice_files(table, 0, &l->arena, &files, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        const char *key = pl_store_key(store, pl_arena_cstr(&l->arena, files[i].path));
        if (key && may_repeat(l, &files[i])) add_file(l, key, files[i].metrics.rows, false, true);
    }
    return PLUMB_OK;
}

static plumb_status find_files(looking *l, plumb_error *err)
{
    for (uint32_t t = 0; t < l->run->task_count; t++) {
        const pl_work_task *work = &l->run->tasks[t].work;
        for (uint32_t i = 0; i < work->object_count; i++)
            if (work->objects[i].replaces) pl_map_add(&l->replaced, work->objects[i].id, 0);
    }
    PL_TRY(add_live(l, err));
    for (uint32_t i = 0; i < l->run->source_count; i++) {
        const run_source *other = &l->run->sources[i];
        if (other == l->source) break;
        if (other->table == l->source->table && !other->joins) add_made(l, other, false);
    }
    add_made(l, l->source, true);
    return PLUMB_OK;
}

// ---- keys --------------------------------------------------------------------------------------
// False if it was there.
static bool put(uint64_t *slots, uint64_t capacity, uint64_t hash)
{
    uint64_t at = hash & (capacity - 1);
    for (; slots[at]; at = (at + 1) & (capacity - 1))
        if (slots[at] == hash) return false;
    slots[at] = hash;
    return true;
}

static void make_room(looking *l)
{
    if (l->capacity && l->count < l->capacity / 4 * 3) return;
    uint64_t capacity = l->capacity ? l->capacity * 2 : 1024;
    uint64_t *slots = pl_zalloc(capacity, sizeof *slots);
    for (uint64_t i = 0; i < l->capacity; i++)
        if (l->slots[i]) put(slots, capacity, l->slots[i]);
    free(l->slots);
    l->slots = slots;
    l->capacity = capacity;
}

static void take_key(looking *l, uint64_t hash, bool counted)
{
    if (((hash >> 32) * l->passes) >> 32 != l->pass) return;
    make_room(l);
    if (put(l->slots, l->capacity, hash | 1))
        l->count++;
    else if (counted)
        l->repeated++;
}

// The hashes of a row group's keys; those of rows that do not count are 0.
static plumb_status hash_group(looking *l, const key_file *file, pl_parquet_reader *reader,
                               uint32_t group, uint64_t *hashes, plumb_error *err)
{
    const pl_schema *schema = l->source->table->schema;
    uint32_t rows = pl_parquet_group_rows(reader, group);
    int object = pl_schema_find(schema, PL_SPAN("_object"));
    plumb_status st = PLUMB_OK;
    memset(hashes, 0, rows * sizeof *hashes);
    for (uint32_t k = 0; k < l->columns.column_count && st == PLUMB_OK; k++) {
        pl_column column;
        uint32_t field = (uint32_t)l->columns.columns[k];
        pl_column_init(&column, &schema->fields[field].type);
        st = pl_parquet_read_column(reader, group, field, &column, err);
        for (uint32_t row = 0; row < column.count && st == PLUMB_OK; row++) {
            pl_value value = pl_column_value(&column, row);
            hashes[row] = pl_keyset_join(hashes[row], &value);
        }
        pl_column_done(&column);
    }
    for (uint32_t row = 0; row < rows; row++) hashes[row] |= 1;
    if (st != PLUMB_OK || !file->live || !l->replaced.count || object < 0) return st;
    pl_column ids;
    pl_column_init(&ids, &schema->fields[object].type);
    st = pl_parquet_read_column(reader, group, (uint32_t)object, &ids, err);
    for (uint32_t row = 0; row < ids.count && st == PLUMB_OK; row++)
        if (pl_map_get(&l->replaced, pl_column_span(&ids, row)) != PL_MAP_NONE) hashes[row] = 0;
    pl_column_done(&ids);
    return st;
}

static plumb_status read_file(looking *l, const key_file *file, plumb_error *err)
{
    pl_parquet_reader *reader;
    PL_TRY(pl_parquet_reader_open(l->run->options->store, file->key, l->source->table->schema,
                                  &reader, err));
    plumb_status st = PLUMB_OK;
    for (uint32_t g = 0; g < pl_parquet_reader_groups(reader) && st == PLUMB_OK; g++) {
        uint32_t rows = pl_parquet_group_rows(reader, g);
        uint64_t *hashes = pl_alloc(rows * sizeof *hashes + 1);
        st = hash_group(l, file, reader, g, hashes, err);
        for (uint32_t row = 0; row < rows && st == PLUMB_OK; row++)
            if (hashes[row]) take_key(l, hashes[row], file->counted);
        free(hashes);
        if (st == PLUMB_OK && atomic_load(&l->run->stop))
            st = pl_fail(err, PLUMB_E_CANCELLED, "stopped on request, nothing was published");
    }
    pl_parquet_reader_close(reader);
    return st;
}

static plumb_status count_all(looking *l, plumb_error *err)
{
    uint64_t keys = pl_run__half_of_memory(l->run) / 32; // a table that doubles
    l->passes = 1 + l->rows / PL_MAX(keys, UINT64_C(1024));
    for (l->pass = 0; l->pass < l->passes; l->pass++) {
        if (l->capacity) memset(l->slots, 0, l->capacity * sizeof *l->slots);
        l->count = 0;
        for (uint32_t i = 0; i < l->file_count; i++) {
            plumb_status st = read_file(l, &l->files[i], err);
            if (st == PLUMB_E_MALFORMED && l->files[i].live) continue; // of another program
            if (st != PLUMB_OK) return st;
        }
    }
    return PLUMB_OK;
}

plumb_status pl_run__repeated(run_state *run, const run_source *source, uint64_t *ret_rows,
                              uint64_t *ret_repeated, plumb_error *err)
{
    looking l = {.run = run, .source = source};
    const run_table *table = source->table;
    *ret_rows = *ret_repeated = 0;
    if (source->joins || !table->contract->key_count) return PLUMB_OK;
    pl_keyset_init(&l.columns, table->contract, table->schema);
    plumb_status st = find_files(&l, err);
    if (st == PLUMB_OK && l.own_rows) st = count_all(&l, err);
    *ret_rows = l.own_rows;
    *ret_repeated = l.repeated;
    pl_keyset_done(&l.columns);
    pl_map_done(&l.replaced);
    pl_arena_done(&l.arena);
    free(l.files);
    free(l.slots);
    return st;
}
