// SPDX-License-Identifier: Apache-2.0
#include "os/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct pl_pool {
    pthread_mutex_t lock;
    pthread_cond_t given, taken; // a job waits for a thread; a job is done
    pthread_t *threads;          // owned
    uint32_t count, most;
    uint32_t under_way;
    void (*work)(void *job); // the job that waits, if any
    void *job;
    bool ended;
};

static void *pool_thread(void *argument)
{
    pl_pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->work && !pool->ended) pthread_cond_wait(&pool->given, &pool->lock);
        if (!pool->work) break;
        void (*work)(void *job) = pool->work;
        void *job = pool->job;
        pool->work = NULL;
        pthread_cond_broadcast(&pool->taken);
        pthread_mutex_unlock(&pool->lock);
        work(job);
        pthread_mutex_lock(&pool->lock);
        pool->under_way--;
        pthread_cond_broadcast(&pool->taken);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

pl_pool *pl_pool_new(uint32_t threads)
{
    pl_pool *pool = pl_zalloc(1, sizeof *pool);
    *pool = (pl_pool){.lock = PTHREAD_MUTEX_INITIALIZER,
                      .given = PTHREAD_COND_INITIALIZER,
                      .taken = PTHREAD_COND_INITIALIZER,
                      .threads = pl_zalloc(threads, sizeof *pool->threads),
                      .most = threads};
    return pool;
}

void pl_pool_add(pl_pool *pool, void (*work)(void *job), void *job)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->under_way == pool->count && pool->count < pool->most &&
        pthread_create(&pool->threads[pool->count], NULL, pool_thread, pool) == 0)
        pool->count++;
    if (!pool->count) {
        pthread_mutex_unlock(&pool->lock);
        work(job);
        return;
    }
    while (pool->work || pool->under_way >= pool->count)
        pthread_cond_wait(&pool->taken, &pool->lock);
    pool->under_way++;
    pool->work = work;
    pool->job = job;
    pthread_cond_signal(&pool->given);
    pthread_mutex_unlock(&pool->lock);
}

void pl_pool_wait(pl_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->under_way) pthread_cond_wait(&pool->taken, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void pl_pool_free(pl_pool *pool)
{
    if (!pool) return;
    pl_pool_wait(pool);
    pthread_mutex_lock(&pool->lock);
    pool->ended = true;
    pthread_cond_broadcast(&pool->given);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->count; i++) pthread_join(pool->threads[i], NULL);
    free(pool->threads);
    free(pool);
}
