// SPDX-License-Identifier: Apache-2.0
#include "flow/spread.h"

#include <stdlib.h>

#include "base/hash.h"
#include "flow/raw.h"

enum { OBJECTS = 4, RECORDS = 512 };

typedef struct look {
    const pl_work_task *task;
    pl_mapper *mapper;
    uint64_t partitions[OBJECTS * RECORDS]; // hash of each row's
    uint32_t rows;
    uint64_t bytes; // of the content they came from
    pl_buf key;
} look;

// The mapper's row.
static void add_row(look *l)
{
    const pl_partition_spec *spec = l->task->spec;
    const pl_schema *schema = l->task->schema;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < spec->count; i++) {
        int source = pl_schema_find_id(schema, spec->fields[i].source_id);
        pl_value value = pl_mapper_value(l->mapper, (uint32_t)source);
        value =
            pl_transform_apply(&spec->fields[i].transform, &schema->fields[source].type, &value);
        pl_buf_reset(&l->key);
        pl_value_bytes(&l->key, &value);
        hash = pl_hash_join(hash, pl_hash(pl_buf_view(&l->key)) + value.is_null);
    }
    l->partitions[l->rows++] = hash;
}

static plumb_status look_at(look *l, const pl_work_object *object)
{
    pl_raw *raw = NULL;
    pl_framer_options framing;
    pl_frame frame;
    pl_reject reject;
    bool more = true;
    PL_TRY(pl_raw_open(l->task->store, object->key, &raw, NULL));
    pl_map_framing(l->task->plan, object->format, &framing);
    pl_framer *framer = pl_framer_new(&framing, pl_raw_framer_read, raw);
    pl_mapper_object(l->mapper, object->id, object->received_us);
    plumb_status st = PLUMB_OK;
    for (uint32_t i = 0; i < RECORDS && more && st == PLUMB_OK; i++) {
        st = pl_framer_next(framer, &frame, &more, NULL);
        if (st != PLUMB_OK || !more) continue;
        l->bytes += frame.bytes;
        if (pl_mapper_record(l->mapper, &frame, &reject) == PL_MAPPED_ROW) add_row(l);
    }
    pl_framer_free(framer);
    pl_raw_close(raw);
    return st;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

pl_spread pl_spread_guess(const pl_work_task *task)
{
    look *l = pl_zalloc(1, sizeof *l);
    l->task = task;
    l->mapper = pl_mapper_new(task->plan);
    uint64_t content = 0;
    for (uint32_t i = 0; i < task->object_count; i++)
        content += (uint64_t)PL_MAX(task->objects[i].content_bytes, task->objects[i].stored_bytes);
    uint32_t looks = PL_MIN((uint32_t)OBJECTS, task->object_count);
    for (uint32_t i = 0; i < looks; i++)
        PL_IGNORE(look_at(l, &task->objects[(uint64_t)i * task->object_count / looks]));
    pl_spread spread = {0};
    if (l->bytes) spread.rows = (uint64_t)((double)content / (double)l->bytes * l->rows);
    if (l->rows) qsort(l->partitions, l->rows, sizeof *l->partitions, by_hash);
    for (uint32_t i = 0; i < l->rows; i++)
        spread.partitions += !i || l->partitions[i] != l->partitions[i - 1];
    pl_mapper_free(l->mapper);
    pl_buf_done(&l->key);
    free(l);
    return spread;
}
