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

static bool count_name(void *context, const char *key, uint64_t bytes)
{
    (void)key, (void)bytes;
    ++*(uint32_t *)context;
    return true;
}

static uint32_t count_named(const char *prefix)
{
    uint32_t count = 0;
    CHECK_OK(pl_store_list(store, prefix, count_name, &count, &err), err);
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

TEST(batch_of_objects_that_stay_locked)
{
    enum { MANY = 20 };
    pl_publishing items[MANY];
    memset(items, 0, sizeof items);
    CHECK_OK(pl_store_put(store, "b/7", PL_SPAN("was here"), &err), err);
    CHECK_OK(pl_store_put(store, "file", PL_SPAN("no directory"), &err), err);
    for (int i = 0; i < MANY; i++) {
        const char *in = i == 3 ? "file" : i % 2 ? "b" : "new/a";
        CHECK_OK(pl_put_begin_as(store, pl_arena_printf(&arena, "%s/%d", in, i),
                                 pl_arena_printf(&arena, "h%d", i), &items[i].put, &err),
                 err);
        items[i].mode = 0444;
    }
    pl_put_publish_all(store, pool, items, MANY);
    for (int i = 0; i < MANY; i++) {
        pl_writer_state writer;
        CHECK_INT(i == 7 ? PLUMB_E_CONFLICT : i == 3 ? PLUMB_E_FAILED : PLUMB_OK, items[i].status);
        CHECK_OK(pl_store_writer(store, pl_arena_printf(&arena, "%s/%d", i % 2 ? "b" : "new/a", i),
                                 &writer, &err),
                 err);
        CHECK_INT(i == 7 ? PL_WRITER_DEAD : i == 3 ? PL_WRITER_NOTHING : PL_WRITER_ALIVE, writer);
        if (items[i].status == PLUMB_OK)
            pl_put_release(items[i].put);
        else
            pl_put_abort(items[i].put);
    }
    CHECK_STR("cannot create object 'b/7': it exists already", items[7].err.message);
    CHECK_INT(MANY / 2, count_named("new"));
    pl_put_publish_all(store, pool, items, 0);
}

#define F(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("store/batch", F(batch_of_nothing_settles),
                     F(batch_gives_every_object_its_name), F(batch_tells_the_first_failure),
                     F(batch_that_is_not_settled_ends_well), F(batch_of_objects_that_stay_locked));
}
