// SPDX-License-Identifier: Apache-2.0
#include "flow/transaction.h"
#include "registry/drift.h"
#include "unit.h"

#include "temp.h"

static char *dir;
static pl_arena arena;
static pl_store *store;
static pl_registry *registry;
static plumb_error err;
static pl_transaction_options options;

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    options = (pl_transaction_options){.lock_path = temp_path(dir, "run.lock"), .command = "test"};
    if (pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK ||
        pl_registry_open(temp_path(dir, "plumb.db"), PL_REGISTRY_CREATE, &registry, &err) !=
            PLUMB_OK)
        return 1;
    options.store = store;
    options.registry = registry;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_registry_close(registry);
    pl_store_close(store);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static plumb_status add_event(void *context, plumb_error *error)
{
    (void)context;
    pl_event_row event = {.at_us = 1, .kind = "test", .who = "me", .table = "t", .text = "{}"};
    return pl_registry_event_add(registry, &event, error);
}

static plumb_status add_and_fail(void *context, plumb_error *error)
{
    CHECK_OK(add_event(context, error), *error);
    return pl_fail(error, PLUMB_E_CONFLICT, "another head");
}

static bool count_event(void *context, const pl_event_row *row)
{
    int *count = context;
    *count += strcmp(row->text, "{}") == 0;
    return true;
}

static int events(void)
{
    int count = 0;
    CHECK_OK(pl_registry_events_like(registry, "test", 0, count_event, &count, &err), err);
    return count;
}

static bool is_done(const char *run)
{
    pl_run_row row;
    bool found;
    CHECK_OK(pl_registry_run(registry, run, &arena, &row, &found, &err), err);
    return found && strcmp(row.state, "done") == 0 && strcmp(row.command, "test") == 0;
}

static bool logged(void *context, const char *key, uint64_t bytes)
{
    (void)bytes;
    *(bool *)context |= strstr(key, ".json") != NULL;
    return true;
}

static void what_is_recorded_is_a_run_that_is_done(void **state)
{
    (void)state;
    pl_transaction t;
    bool entry = false;
    CHECK_OK(pl_transaction_begin(&options, &t, &err), err);
    CHECK_OK(pl_transaction_commit(&t, add_event, NULL, &err), err);
    pl_transaction_follow(&t, NULL, NULL);
    pl_transaction_end(&t);
    assert_int_equal(events(), 1);
    assert_true(is_done(t.run));
    CHECK_OK(pl_store_list(store, "log", logged, &entry, &err), err);
    assert_true(entry);
}

static void what_fails_leaves_nothing(void **state)
{
    (void)state;
    pl_transaction t;
    CHECK_OK(pl_transaction_begin(&options, &t, &err), err);
    assert_int_equal(pl_transaction_commit(&t, add_and_fail, NULL, &err), PLUMB_E_CONFLICT);
    assert_int_equal(events(), 0);
    assert_false(is_done(t.run));
    CHECK_OK(pl_transaction_commit(&t, add_event, NULL, &err), err); // once more, as after a look
    pl_transaction_end(&t);
    assert_int_equal(events(), 1);
}

static void one_holds_the_lock(void **state)
{
    (void)state;
    pl_transaction t, other;
    CHECK_OK(pl_transaction_begin(&options, &t, &err), err);
    assert_int_equal(pl_transaction_begin(&options, &other, &err), PLUMB_E_UNAVAILABLE);
    pl_transaction_options dry = options;
    dry.dry = true;
    CHECK_OK(pl_transaction_begin(&dry, &other, &err), err);
    pl_transaction_end(&other);
    pl_transaction_end(&t);
}

static void a_lost_answer_is_looked_up(void **state)
{
    (void)state;
    pl_transaction t;
    CHECK_OK(pl_transaction_begin(&options, &t, &err), err);
    pl_fail(&err, PLUMB_E_UNKNOWN, "cannot commit");
    assert_int_equal(pl_run_settle(registry, t.run, &err), PLUMB_E_UNAVAILABLE);
    assert_string_equal(err.message, "cannot commit");
    assert_string_equal(err.hint, "Nothing was changed; try again once the cause is gone.");
    CHECK_OK(pl_transaction_commit(&t, add_event, NULL, &err), err);
    CHECK_OK(pl_run_settle(registry, t.run, &err), err);
    pl_transaction_end(&t);
}

int main(void)
{
#define R(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    return RUN_TESTS("flow/transaction", R(what_is_recorded_is_a_run_that_is_done),
                     R(what_fails_leaves_nothing), R(one_holds_the_lock),
                     R(a_lost_answer_is_looked_up));
}
