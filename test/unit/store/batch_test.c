// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "os/file.h"
#include "os/pool.h"
#include "store/store.h"
#include "temp.h"

static char *dir;
static pl_store *store;
static pl_pool *pool;
static pl_batch *batch;
static plumb_error err;
static pl_arena arena;

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    if (pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK) return 1;
    pool = pl_pool_new(PL_BATCH_AT_ONCE);
    batch = pl_batch_new(store, pool);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_batch_free(batch);
    pl_pool_free(pool);
    pl_store_close(store);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static void add(const char *key)
{
    pl_put *put;
    CHECK_OK(pl_put_begin(store, key, &put, &err), err);
    CHECK_OK(pl_put_write(put, pl_span_of(key), &err), err);
    pl_batch_add(batch, put);
}

static bool count_one(void *context, const char *key, uint64_t bytes)
{
    uint32_t *count = context;
    CHECK_INT(strlen(key), bytes);
    ++*count;
    return true;
}

static uint32_t count_in(const char *prefix)
{
    uint32_t count = 0;
    CHECK_OK(pl_store_list(store, prefix, count_one, &count, &err), err);
    return count;
}

TEST(batch_of_nothing_settles)
{
    CHECK_OK(pl_batch_settle(batch, &err), err);
}

TEST(batch_gives_every_object_its_name)
{
    for (int i = 0; i < 100; i++) add(pl_arena_printf(&arena, "t/a=%d/b=%d/x%d", i % 7, i % 3, i));
    add("top");
    CHECK_OK(pl_batch_settle(batch, &err), err);
    CHECK_INT(100, count_in("t"));
    CHECK_INT(101, count_in(""));
    char **names;
    uint32_t hidden;
    CHECK_OK(pl_path_list(temp_path(dir, "lake/.tmp"), &arena, &names, &hidden, &err), err);
    CHECK_INT(0, hidden);
}

TEST(batch_tells_the_first_failure)
{
    add("t/x");
    CHECK_OK(pl_batch_settle(batch, &err), err);
    add("t/x");
    CHECK_INT(PLUMB_E_CONFLICT, pl_batch_settle(batch, &err));
    CHECK_STR("cannot create object 't/x': it exists already", err.message);
    add("t/y"); // is given up at once
    err = (plumb_error){0};
    CHECK_INT(PLUMB_E_CONFLICT, pl_batch_settle(batch, &err));
    CHECK_STR("cannot create object 't/x': it exists already", err.message);
    CHECK_INT(1, count_in("t"));
}

TEST(batch_that_is_not_settled_ends_well)
{
    for (int i = 0; i < 20; i++) add(pl_arena_printf(&arena, "t/%d", i));
    pl_batch_free(batch);
    batch = NULL;
    CHECK_INT(20, count_in("t"));
}

#define F(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("store/batch", F(batch_of_nothing_settles),
                     F(batch_gives_every_object_its_name), F(batch_tells_the_first_failure),
                     F(batch_that_is_not_settled_ends_well));
}
