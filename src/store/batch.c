// Objects made durable together: a batch, whose objects nobody else knows of, or many that are
// recorded elsewhere and stay locked (pl_put_publish_all).
//
//     add ─► pool: fsync of the file, rename ─┐
//     add ─► pool: ...                        ├─► settle: fsync of every directory on the way, once
//     add ─► pool: ...                        ┘
//
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "os/pool.h"
#include "store/store_int.h"

struct pl_batch {
    pl_store *store;
    pl_pool *pool;
    pthread_mutex_t lock; // of all below
    pthread_cond_t changed;
    uint32_t under_way;
    pl_arena arena;
    pl_map on_way; // directories and objects that lead to the objects added: by their holders once
    char **ways;   // one name in each directory; owned array
    uint32_t way_count, way_capacity;
    plumb_status status; // the first failure
    plumb_error failure;
};

typedef struct job {
    pl_batch *batch;
    pl_put *put;     // of adding
    const char *way; // of settling
} job;

pl_batch *pl_batch_new(pl_store *store, pl_pool *pool)
{
    pl_batch *batch = pl_zalloc(1, sizeof *batch);
    *batch = (pl_batch){.store = store,
                        .pool = pool,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER};
    return batch;
}

static void wait_for_all(pl_batch *batch)
{
    pthread_mutex_lock(&batch->lock);
    while (batch->under_way) pthread_cond_wait(&batch->changed, &batch->lock);
    pthread_mutex_unlock(&batch->lock);
}

void pl_batch_free(pl_batch *batch)
{
    if (!batch) return;
    wait_for_all(batch);
    pl_map_done(&batch->on_way);
    pl_arena_done(&batch->arena);
    free(batch->ways);
    free(batch);
}

// A job is done.
static void note(pl_batch *batch, plumb_status st, const plumb_error *err)
{
    pthread_mutex_lock(&batch->lock);
    if (st != PLUMB_OK && batch->status == PLUMB_OK) {
        batch->status = st;
        batch->failure = *err;
    }
    if (!--batch->under_way) pthread_cond_broadcast(&batch->changed);
    pthread_mutex_unlock(&batch->lock);
}

static void add_job(void *context)
{
    job *own = context;
    plumb_error err;
    plumb_status st = pl_put__name(own->put, &err);
    if (st == PLUMB_OK)
        pl_put_release(own->put);
    else
        pl_put_abort(own->put);
    note(own->batch, st, &err);
    free(own);
}

static void settle_job(void *context)
{
    job *own = context;
    plumb_error err;
    note(own->batch, pl_store_settle(own->batch->store, own->way, &err), &err);
    free(own);
}

static void give(pl_batch *batch, void (*work)(void *), job of)
{
    job *own = pl_zalloc(1, sizeof *own);
    *own = of;
    pthread_mutex_lock(&batch->lock);
    batch->under_way++;
    pthread_mutex_unlock(&batch->lock);
    pl_pool_add(batch->pool, work, own);
}

// Remember one name in each directory from the object's up to the store's own.
static void note_way(pl_batch *batch, const char *key)
{
    char *way = pl_arena_cstr(&batch->arena, pl_span_of(key));
    for (;;) {
        char *slash = strrchr(way, '/');
        pl_span holder = {way, slash ? (size_t)(slash - way) : 0};
        if (pl_map_get(&batch->on_way, holder) != PL_MAP_NONE) return;
        holder = pl_arena_copy(&batch->arena, holder);
        pl_map_add(&batch->on_way, holder, 0);
        PL_GROW(batch->ways, batch->way_count, batch->way_capacity);
        batch->ways[batch->way_count++] = way;
        if (!slash) return;
        way = pl_arena_cstr(&batch->arena, holder);
    }
}

void pl_batch_add(pl_batch *batch, pl_put *put)
{
    pthread_mutex_lock(&batch->lock);
    note_way(batch, pl_put__key(put));
    bool failed = batch->status != PLUMB_OK;
    pthread_mutex_unlock(&batch->lock);
    if (failed)
        pl_put_abort(put);
    else
        give(batch, add_job, (job){batch, .put = put});
}

plumb_status pl_batch_settle(pl_batch *batch, plumb_error *err)
{
    wait_for_all(batch);
    for (uint32_t i = 0; i < batch->way_count && batch->status == PLUMB_OK; i++)
        give(batch, settle_job, (job){batch, .way = batch->ways[i]});
    wait_for_all(batch);
    if (batch->status != PLUMB_OK && err) *err = batch->failure;
    return batch->status;
}

// ---- many that stay locked ---------------------------------------------------------------------
static void publish_job(void *context)
{
    pl_publishing *item = context;
    item->status = pl_put__mode(item->put, item->mode, &item->err);
    if (item->status == PLUMB_OK) item->status = pl_put__name(item->put, &item->err);
}

typedef struct directory {
    pl_store *store;
    pl_publishing *first; // in it
    plumb_status status;
    plumb_error err;
} directory;

static void sync_job(void *context)
{
    directory *own = context;
    own->status = pl_store_settle(own->store, pl_put__key(own->first->put), &own->err);
}

static void fail(pl_publishing *item, const directory *in)
{
    if (item->status != PLUMB_OK || in->status == PLUMB_OK) return;
    item->status = in->status;
    item->err = in->err;
}

void pl_put_publish_all(pl_store *store, pl_pool *pool, pl_publishing *items, uint32_t count)
{
    pl_map known = {0};
    uint32_t *in = pl_alloc(PL_MAX(count, 1u) * sizeof *in), directories = 0;
    directory *list = pl_zalloc(PL_MAX(count, 1u), sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        const char *key = pl_put__key(items[i].put), *slash = strrchr(key, '/');
        pl_span name = {key, slash ? (size_t)(slash - key) : 0};
        in[i] = pl_map_add(&known, name, directories);
        if (in[i] < directories) continue;
        list[directories] = (directory){.store = store, .first = &items[i]};
        list[directories].status = pl_put__make_directory(items[i].put, &list[directories].err);
        directories++;
    }
    for (uint32_t i = 0; i < count; i++) {
        items[i].status = PLUMB_OK;
        fail(&items[i], &list[in[i]]);
        if (items[i].status == PLUMB_OK) pl_pool_add(pool, publish_job, &items[i]);
    }
    pl_pool_wait(pool);
    for (uint32_t i = 0; i < directories; i++)
        if (list[i].status == PLUMB_OK) pl_pool_add(pool, sync_job, &list[i]);
    pl_pool_wait(pool);
    for (uint32_t i = 0; i < count; i++) fail(&items[i], &list[in[i]]);
    pl_map_done(&known);
    free(in);
    free(list);
}
