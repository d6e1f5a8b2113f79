// SPDX-License-Identifier: Apache-2.0
#include "flow/live.h"

#include <stdlib.h>

#include "base/map.h"
#include "column/order.h"
#include "parquet/reader.h"

typedef struct place {
    uint32_t object;
    pl_live_row at;
} place;

struct pl_live {
    pl_store *store;
    const pl_schema *schema;
    const char *const *keys;
    uint32_t key_count;
    pl_map objects; // id -> its number
    uint32_t object_count;
    pl_column *columns;
    uint32_t rows;
    place *places; // of the rows
    uint32_t place_room;
    pl_live_row *sorted;
    uint32_t *begins; // [object_count + 1] in `sorted`
};

static void forget(pl_live *live)
{
    pl_map_done(&live->objects);
    live->objects = (pl_map){0};
    for (uint32_t i = 0; i < live->schema->count; i++) pl_column_done(&live->columns[i]);
    for (uint32_t i = 0; i < live->schema->count; i++)
        pl_column_init(&live->columns[i], &live->schema->fields[i].type);
    free(live->sorted);
    free(live->begins);
    live->sorted = NULL;
    live->begins = NULL;
    live->rows = live->object_count = 0;
}

pl_live *pl_live_new(pl_store *store, const pl_schema *schema, const char *const *keys,
                     uint32_t key_count)
{
    pl_live *live = pl_zalloc(1, sizeof *live);
    *live = (pl_live){.store = store, .schema = schema, .keys = keys, .key_count = key_count};
    live->columns = pl_zalloc(schema->count, sizeof *live->columns);
    for (uint32_t i = 0; i < schema->count; i++)
        pl_column_init(&live->columns[i], &schema->fields[i].type);
    return live;
}

void pl_live_free(pl_live *live)
{
    if (!live) return;
    forget(live);
    for (uint32_t i = 0; i < live->schema->count; i++) pl_column_done(&live->columns[i]);
    free(live->columns);
    free(live->places);
    free(live);
}

// Which rows of a group are theirs; `picked` has room for all.
static plumb_status pick_rows(pl_live *live, pl_parquet_reader *reader, uint32_t group,
                              uint32_t *picked, uint32_t *ret_count, plumb_error *err)
{
    int field = pl_schema_find(live->schema, PL_SPAN("_object"));
    pl_column ids;
    *ret_count = 0;
    pl_column_init(&ids, &live->schema->fields[field].type);
    plumb_status st = pl_parquet_read_column(reader, group, (uint32_t)field, &ids, err);
    for (uint32_t row = 0; st == PLUMB_OK && row < ids.count; row++) {
        uint32_t object = pl_map_get(&live->objects, pl_column_span(&ids, row));
        if (object == PL_MAP_NONE) continue;
        PL_GROW(live->places, live->rows + *ret_count, live->place_room);
        live->places[live->rows + *ret_count].object = object;
        picked[(*ret_count)++] = row;
    }
    pl_column_done(&ids);
    return st;
}

static plumb_status take_group(pl_live *live, pl_parquet_reader *reader, uint32_t group,
                               plumb_error *err)
{
    uint32_t count, *picked = pl_zalloc(pl_parquet_group_rows(reader, group), sizeof *picked);
    plumb_status st = pick_rows(live, reader, group, picked, &count, err);
    for (uint32_t i = 0; st == PLUMB_OK && count && i < live->schema->count; i++) {
        pl_column column;
        pl_column_init(&column, &live->schema->fields[i].type);
        st = pl_parquet_read_column(reader, group, i, &column, err);
        if (st == PLUMB_OK) pl_order_take(&live->columns[i], &column, picked, count);
        pl_column_done(&column);
    }
    if (st == PLUMB_OK) live->rows += count;
    free(picked);
    return st;
}

static int by_object_and_record(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->object != y->object) return x->object < y->object ? -1 : 1;
    return (x->at.record > y->at.record) - (x->at.record < y->at.record);
}

static void sort_rows(pl_live *live)
{
    const pl_column *records = &live->columns[pl_schema_find(live->schema, PL_SPAN("_record"))];
    for (uint32_t row = 0; row < live->rows; row++)
        live->places[row].at = (pl_live_row){(uint64_t)pl_column_value(records, row).i64, row};
    if (live->rows) qsort(live->places, live->rows, sizeof *live->places, by_object_and_record);
    live->sorted = pl_zalloc(live->rows, sizeof *live->sorted);
    live->begins = pl_zalloc(live->object_count + 1, sizeof *live->begins);
    for (uint32_t i = 0; i < live->rows; i++) {
        live->sorted[i] = live->places[i].at;
        live->begins[live->places[i].object + 1]++;
    }
    for (uint32_t i = 0; i < live->object_count; i++) live->begins[i + 1] += live->begins[i];
}

plumb_status pl_live_load(pl_live *live, const char *const *ids, uint32_t count, plumb_error *err)
{
    plumb_status st = PLUMB_OK;
    forget(live);
    for (uint32_t i = 0; i < count; i++) pl_map_add(&live->objects, pl_span_of(ids[i]), i);
    live->object_count = count;
    for (uint32_t k = 0; k < live->key_count && st == PLUMB_OK; k++) {
        pl_parquet_reader *reader;
        st = pl_parquet_reader_open(live->store, live->keys[k], live->schema, &reader, err);
        if (st != PLUMB_OK) break;
        for (uint32_t g = 0; g < pl_parquet_reader_groups(reader) && st == PLUMB_OK; g++)
            st = take_group(live, reader, g, err);
        pl_parquet_reader_close(reader);
    }
    if (st == PLUMB_OK)
        sort_rows(live);
    else
        forget(live);
    return st;
}

bool pl_live_of(const pl_live *live, const char *id, pl_live_rows *ret_rows)
{
    uint32_t object = pl_map_get(&live->objects, pl_span_of(id));
    if (object == PL_MAP_NONE || !live->begins) return false;
    uint32_t begin = live->begins[object], end = live->begins[object + 1];
    *ret_rows = (pl_live_rows){live->columns, live->sorted + begin, end - begin};
    return true;
}
