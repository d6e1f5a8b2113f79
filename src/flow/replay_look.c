// replay_look.c -- which rows a replay would change: what stands in the table, beside what the
// mapping makes of raw now. Of so many objects as fit into a budget, evenly over all of them.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "flow/replay.h"
#include "flow/run_int.h"
#include "os/os.h"

// So much content's rows are in memory at once.
#define CHUNK_BYTES (UINT64_C(64) << 20)
enum { SAMPLES = 20 };

typedef struct comparing {
    run_state *run;
    const run_source *source;
    const char **ids;
    uint64_t *bytes; // of content
    uint32_t count;
    uint64_t total;
    pl_live *live;
} comparing;

static void take_objects(comparing *c)
{
    uint32_t room = 0;
    for (uint32_t t = 0; t < c->run->task_count; t++)
        if (c->run->tasks[t].source == c->source) room += c->run->tasks[t].work.object_count;
    c->ids = PL_TAKE(c->run->arena, const char *, room);
    c->bytes = PL_TAKE(c->run->arena, uint64_t, room);
    for (uint32_t t = 0; t < c->run->task_count; t++) {
        const pl_work_task *work = &c->run->tasks[t].work;
        for (uint32_t i = 0; c->run->tasks[t].source == c->source && i < work->object_count; i++) {
            const pl_work_object *object = &work->objects[i];
            int64_t bytes = PL_MAX(object->content_bytes, object->stored_bytes);
            c->ids[c->count] = object->id.data;
            c->bytes[c->count++] = (uint64_t)bytes;
            c->total += (uint64_t)bytes;
        }
    }
}

// Evenly, from the first to the last; one at least.
static void thin(comparing *c, uint64_t budget)
{
    uint64_t total = 0;
    if (c->total <= budget || c->count < 2) return;
    double share = (double)budget / (double)c->total;
    uint32_t kept = (uint32_t)((double)c->count * share);
    kept = PL_MAX(kept, 1u);
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t from = (uint32_t)((uint64_t)i * c->count / kept);
        c->ids[i] = c->ids[from];
        c->bytes[i] = c->bytes[from];
        total += c->bytes[i];
    }
    c->count = kept;
    c->total = total;
}

// Rows of an object, and with it those of the ones behind it.
static plumb_status live_rows(void *context, uint32_t number, pl_live_rows *ret_rows,
                              plumb_error *err)
{
    comparing *c = context;
    if (pl_live_of(c->live, c->ids[number], ret_rows)) return PLUMB_OK;
    uint64_t bytes = 0;
    uint32_t count = 0;
    while (number + count < c->count && (!count || bytes + c->bytes[number + count] <= CHUNK_BYTES))
        bytes += c->bytes[number + count++];
    PL_TRY(pl_live_load(c->live, c->ids + number, count, err));
    (void)pl_live_of(c->live, c->ids[number], ret_rows); // it is loaded
    return PLUMB_OK;
}

static plumb_status compare_source(comparing *c, uint64_t budget, pl_replay_compared *out,
                                   plumb_error *err)
{
    run_state *run = c->run;
    const run_table *table = c->source->table;
    const char **keys = PL_TAKE(run->arena, const char *, table->swap.removed_count);
    take_objects(c);
    *out = (pl_replay_compared){.source = c->source->name, .of = c->count};
    thin(c, budget);
    out->objects = c->count;
    out->content_bytes = c->total;
    for (uint32_t i = 0; i < table->swap.removed_count; i++)
        keys[i] =
            pl_store_key(run->options->store, pl_arena_cstr(run->arena, table->swap.removed[i]));
    const pl_schema *schema = pl_ice_current_schema(table->table);
    pl_shadow_options options = {.store = run->options->store,
                                 .registry = run->options->registry,
                                 .before = c->source->mapping,
                                 .after = c->source->mapping,
                                 .first_object = "",
                                 .cancel = &pl_cancelled,
                                 .ids = c->ids,
                                 .id_count = c->count,
                                 .live = live_rows,
                                 .live_context = c,
                                 .live_schema = schema,
                                 .samples = SAMPLES};
    c->live = pl_live_new(run->options->store, schema, keys, table->swap.removed_count);
    plumb_status st = pl_shadow(&options, run->arena, &out->rows, err);
    pl_live_free(c->live);
    return st;
}

plumb_status pl_replay__compare(run_state *run, uint64_t budget, pl_replay_report *report,
                                plumb_error *err)
{
    report->compared = PL_TAKE(run->arena, pl_replay_compared, run->source_count);
    for (uint32_t i = 0; i < run->source_count && budget; i++) {
        comparing c = {.run = run, .source = &run->sources[i]};
        uint64_t share = budget == UINT64_MAX ? budget : budget / run->source_count;
        PL_TRY(compare_source(&c, share, &report->compared[i], err));
        report->compared_count++;
    }
    return PLUMB_OK;
}
