// SPDX-License-Identifier: Apache-2.0
#include "drill/rows.h"

#include <stdlib.h>

#include "base/hash.h"
#include "iceberg/table.h"
#include "parquet/reader.h"

typedef struct collector {
    pl_store *store;
    const pl_schema *schema;
    const int *fields; // [rows->columns] in the schema; -1: not there
    int object_field, record_field;
    const char *const *objects;
    uint32_t object_count;
    pl_arena *arena;
    pl_rows *rows;
    uint32_t capacity;
    pl_buf scratch;
} collector;

// 0 for NULL; the same for equal values of columns of one type.
static uint64_t hash_cell(collector *c, const pl_column *column, uint32_t row)
{
    if (!column->valid[row]) return 0;
    if (column->type.kind == PL_LIST) {
        uint64_t hash = column->offsets[row + 1] - column->offsets[row];
        for (uint32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++)
            hash = pl_hash_join(hash, hash_cell(c, column->child, i));
        return hash | 1;
    }
    pl_value value = pl_column_value(column, row);
    pl_buf_reset(&c->scratch);
    pl_value_bytes(&c->scratch, &value);
    return pl_hash(pl_buf_view(&c->scratch)) | 1;
}

static void make_room(collector *c)
{
    pl_rows *rows = c->rows;
    if (rows->count < c->capacity) return;
    c->capacity = c->capacity ? c->capacity * 2 : 256;
    pl_row_id *ids = PL_TAKE(c->arena, pl_row_id, c->capacity);
    uint64_t *cells = PL_TAKE(c->arena, uint64_t, (size_t)c->capacity * rows->columns + 1);
    if (rows->count) {
        memcpy(ids, rows->ids, rows->count * sizeof *ids);
        memcpy(cells, rows->cells, (size_t)rows->count * rows->columns * sizeof *cells);
    }
    rows->ids = ids;
    rows->cells = cells;
}

static void collect_row(collector *c, const pl_column *columns, uint32_t row)
{
    pl_rows *rows = c->rows;
    pl_span object = pl_column_span(&columns[c->object_field], row);
    uint32_t at = 0;
    while (at < c->object_count && !pl_span_is(object, c->objects[at])) at++;
    if (at == c->object_count) return;
    make_room(c);
    pl_value record = pl_column_value(&columns[c->record_field], row);
    rows->ids[rows->count] = (pl_row_id){at, (uint32_t)record.i64, rows->count};
    uint64_t *cells = rows->cells + (size_t)rows->count * rows->columns;
    for (uint32_t i = 0; i < rows->columns; i++)
        cells[i] = c->fields[i] < 0 ? 0 : hash_cell(c, &columns[c->fields[i]], row);
    rows->count++;
}

static plumb_status collect_file(collector *c, const char *key, plumb_error *err)
{
    pl_parquet_reader *reader;
    PL_TRY(pl_parquet_reader_open(c->store, key, c->schema, &reader, err));
    pl_column *columns = pl_alloc(c->schema->count * sizeof *columns);
    for (uint32_t i = 0; i < c->schema->count; i++)
        pl_column_init(&columns[i], &c->schema->fields[i].type);
    plumb_status st = PLUMB_OK;
    for (uint32_t g = 0; g < pl_parquet_reader_groups(reader) && st == PLUMB_OK; g++) {
        st = pl_parquet_read_group(reader, g, columns, err);
        for (uint32_t row = 0; st == PLUMB_OK && row < pl_parquet_group_rows(reader, g); row++)
            collect_row(c, columns, row);
    }
    for (uint32_t i = 0; i < c->schema->count; i++) pl_column_done(&columns[i]);
    free(columns);
    pl_parquet_reader_close(reader);
    return st;
}

static int by_place(const void *a, const void *b)
{
    const pl_row_id *x = a, *y = b;
    if (x->object != y->object) return x->object < y->object ? -1 : 1;
    return (x->record > y->record) - (x->record < y->record);
}

static plumb_status collect_files(collector *c, pl_ice_table *table, plumb_error *err)
{
    pl_ice_file *files;
    uint32_t count;
    plumb_status st = pl_ice_files(table, 0, c->arena, &files, &count, err);
    for (uint32_t i = 0; st == PLUMB_OK && i < count; i++) {
        const char *key = pl_store_key(c->store, pl_arena_cstr(c->arena, files[i].path));
        st = collect_file(c, key ? key : "", err);
    }
    if (c->rows->count) qsort(c->rows->ids, c->rows->count, sizeof *c->rows->ids, by_place);
    pl_buf_done(&c->scratch);
    return st;
}

static bool is_of_object(const pl_rule *rule)
{
    for (uint32_t i = 0; rule && i < rule->term_count; i++)
        if (rule->terms[i].kind == PL_TERM_OBJECT) return true;
    return false;
}

plumb_status pl_rows_read(pl_store *store, pl_registry *registry, const pl_mapping *mapping,
                          const char *const *objects, uint32_t object_count, pl_arena *arena,
                          pl_rows *ret_rows, plumb_error *err)
{
    const pl_contract *contract = mapping->contract;
    *ret_rows = (pl_rows){.columns = contract->column_count};
    pl_catalog catalog = pl_registry_catalog(registry);
    char *location;
    pl_ice_table *table;
    PL_TRY(
        catalog.load(catalog.self, pl_arena_cstr(arena, contract->table), arena, &location, err));
    if (!location) return PLUMB_OK;
    PL_TRY(pl_ice_load(store, location, arena, &table, err));
    const pl_schema *schema = pl_ice_current_schema(table);
    if (!schema) return pl_fail(err, PLUMB_E_MALFORMED, "cannot read a table of ours");
    int *fields = PL_TAKE(arena, int, contract->column_count + 1);
    for (uint32_t i = 0; i < contract->column_count; i++)
        fields[i] = is_of_object(pl_mapping_rule(mapping, i))
                        ? -1
                        : pl_schema_find(schema, contract->columns[i].field.name);
    collector c = {.store = store,
                   .schema = schema,
                   .fields = fields,
                   .object_field = pl_schema_find(schema, PL_SPAN("_object")),
                   .record_field = pl_schema_find(schema, PL_SPAN("_record")),
                   .objects = objects,
                   .object_count = object_count,
                   .arena = arena,
                   .rows = ret_rows};
    return collect_files(&c, table, err);
}

pl_rows_difference pl_rows_compare(const pl_rows *truth, const pl_rows *rows, uint32_t object)
{
    pl_rows_difference d = {0};
    uint32_t at = 0;
    for (uint32_t i = 0; i < truth->count; i++) {
        const pl_row_id *want = &truth->ids[i];
        if (want->object != object) continue;
        while (at < rows->count && by_place(&rows->ids[at], want) < 0) at++;
        if (at == rows->count || by_place(&rows->ids[at], want) != 0) {
            d.absent++;
            continue;
        }
        const uint64_t *is = rows->cells + (size_t)rows->ids[at].row * rows->columns;
        const uint64_t *should = truth->cells + (size_t)want->row * truth->columns;
        uint64_t before = d.wrong + d.nulls;
        for (uint32_t column = 0; column < truth->columns; column++) {
            d.nulls += should[column] && !is[column];
            d.wrong += is[column] && is[column] != should[column];
        }
        d.same += d.wrong + d.nulls == before;
    }
    return d;
}
