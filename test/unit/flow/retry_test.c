// Retrying as a caller sees it: the entries and the ledger before and after, and what is refused.
// What readers see, and what dying does, is in test/e2e/test_retry.py.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/retry.h"
#include "unit.h"

#include "flow/ingest.h"
#include "os/file.h"
#include "temp.h"

#define NOW INT64_C(1795316400000000) // 2026-11-22T03:00:00Z

static char *dir;
static pl_store *store;
static pl_registry *registry;
static pl_ulids ulids;
static plumb_error err;
static pl_arena arena;
static pl_buf buf;
static pl_retry_options options;
static pl_retry_report report;

static const char contract_text[] = "table: posts\n"
                                    "columns:\n"
                                    "  id: string!\n"
                                    "  likes: int!\n";
#define MAPPING(likes)                                                                             \
    "source: shop\ninto: posts\nmap:\n"                                                            \
    "  id: id\n"                                                                                   \
    "  likes: " likes "\n"

static void put(const char *name, const char *text)
{
    temp_write(temp_path(dir, name), text, strlen(text));
}

static int set_up(void **state)
{
    (void)state;
    uint8_t entropy[32] = {1};
    dir = temp_make();
    ulids = pl_ulids_make(entropy);
    options = (pl_retry_options){0};
    mkdir(temp_path(dir, "contracts"), 0755);
    mkdir(temp_path(dir, "sources"), 0755);
    put("plumb.yaml", "lake: ./lake\n");
    put("contracts/posts.yml", contract_text);
    put("sources/shop.yml", MAPPING("likes"));
    if (pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK) return 1;
    return pl_registry_open(temp_path(dir, "lake/plumb.db"), PL_REGISTRY_CREATE, &registry, &err) !=
           PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_registry_close(registry);
    pl_store_close(store);
    pl_arena_done(&arena);
    pl_buf_done(&buf);
    temp_remove(dir);
    return 0;
}

static const char *land(const char *text)
{
    pl_ingest_result result = {0};
    pl_ingest_options how = {.source = PL_SPAN("shop"), .now_us = NOW, .level = 1};
    put("in.json", text);
    const char *path = pl_arena_cstr(&arena, pl_span_of(temp_path(dir, "in.json")));
    CHECK_OK(pl_ingest_file(store, registry, &ulids, path, &how, &arena, &result, &err), err);
    return pl_arena_cstr(&arena, pl_span_of(result.id));
}

static pl_run_options project(void)
{
    pl_problems problems = {0}, warnings = {0};
    pl_project *loaded;
    const char *root = pl_arena_cstr(&arena, pl_span_of(dir));
    CHECK_OK(pl_project_load(root, &arena, &loaded, &problems, &warnings, &err), err);
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return (pl_run_options){.project = loaded,
                            .store = store,
                            .registry = registry,
                            .lock_path = pl_arena_printf(&arena, "%s/lake/.plumb/run.lock", dir),
                            .threads = 2};
}

static void run(void)
{
    pl_run_report ran;
    pl_run_options how = project();
    CHECK_OK(pl_run(&how, &arena, &ran, &err), err);
}

static plumb_status retry(void)
{
    options.run = project();
    return pl_retry(&options, &arena, &report, &err);
}

static bool show_ledger(void *context, const pl_ledger_row *row)
{
    pl_buf_printf(context, "%lld=%lld+%lld+%lld dup %lld lost %lld;", (long long)row->records,
                  (long long)row->curated, (long long)row->quarantined, (long long)row->filtered,
                  (long long)row->duplicates, (long long)row->lost);
    return true;
}

static bool show_entry(void *context, const pl_quarantine_row *row)
{
    pl_buf_printf(context, " %lld:%lld+%lld %s%s", (long long)row->id, (long long)row->record_first,
                  (long long)row->record_count, row->column, row->sample);
    return true;
}

// Ledger and entries.
static const char *books(void)
{
    pl_quarantine_filter all = {0};
    pl_buf_reset(&buf);
    CHECK_OK(pl_registry_ledger(registry, NULL, NULL, 0, show_ledger, &buf, &err), err);
    CHECK_OK(pl_registry_quarantine(registry, &all, show_entry, &buf, &err), err);
    return pl_buf_cstr(&buf);
}

static const char mixed[] = "{\"id\":\"a\",\"likes\":1}\n" // 0
                            "{\"id\":\"b\",\"n\":2}\n"
                            "{\"id\":\"c\",\"n\":3}\n"
                            "{\"id\":\"d\",\"likes\":\"x\",\"n\":4}\n"
                            "{\"n\":5}\n" // 4
                            "{\"id\":\"f\",\"likes\":6}\n";

TEST(retry_moves_the_books_and_writes_nothing_when_nothing_changes)
{
    land(mixed);
    run();
    assert_string_equal(books(), "6=2+4+0 dup 0 lost 0; 1:1+2 likes 2:3+1 likesx 3:4+1 id");
    CHECK_OK(retry(), err);
    assert_true(report.run.nothing);
    assert_int_equal(report.entries, 3);
    assert_int_equal(report.run.records, 4);
    put("sources/shop.yml", MAPPING("n"));
    options.dry = true;
    CHECK_OK(retry(), err);
    assert_false(report.run.nothing);
    assert_string_equal(report.run.run, "");
    assert_string_equal(books(), "6=2+4+0 dup 0 lost 0; 1:1+2 likes 2:3+1 likesx 3:4+1 id");
    options.dry = false;
    CHECK_OK(retry(), err);
    assert_int_equal(report.run.rows, 3);
    assert_int_equal(report.run.tables[0].rows, 3);
    assert_string_equal(books(), "6=5+1+0 dup 0 lost 0; 4:4+1 id");
    CHECK_OK(retry(), err);
    assert_true(report.run.nothing);
    assert_string_equal(books(), "6=5+1+0 dup 0 lost 0; 4:4+1 id");
}

TEST(retry_takes_the_entries_it_is_told_and_keeps_the_others_as_they_were)
{
    static const int64_t ids[] = {2, 77, 2};
    land(mixed);
    run();
    put("sources/shop.yml", MAPPING("n"));
    options.ids = ids;
    options.id_count = 3;
    CHECK_OK(retry(), err);
    assert_int_equal(report.gone_count, 1);
    assert_int_equal(report.gone[0], 77);
    assert_int_equal(report.run.records, 1);
    assert_string_equal(books(), "6=3+3+0 dup 0 lost 0; 4:1+2 likes 5:4+1 id");
    options.only.source = "mall";
    options.ids = NULL;
    CHECK_OK(retry(), err);
    assert_int_equal(report.entries, 0);
}

static bool keep_state(void *context, const pl_run_row *row)
{
    pl_buf_printf(context, "%s %s,", row->command, row->state);
    return true;
}

TEST(retry_refuses_what_is_withdrawn_and_what_no_mapping_sends)
{
    const char *id = land(mixed);
    run();
    put("sources/shop.yml", "source: mall\ninto: posts\nmap:\n  id: id\n  likes: n\n");
    CHECK_OK(retry(), err);
    assert_true(report.run.nothing);
    assert_int_equal(report.refusal_count, 1);
    assert_string_equal(report.refusals[0].object, id);
    assert_string_equal(report.refusals[0].why,
                        "no mapping in sources/ sends its source to the table");
    assert_int_equal(report.refusals[0].records, 4);
    put("sources/shop.yml", MAPPING("n"));
    pl_state_row moved = {.object = id, .table = "posts", .state = PL_STATE_WITHDRAWN};
    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_OK(pl_registry_state_move(registry, &moved, PL_FROM(PL_STATE_PUBLISHED), &err), err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    CHECK_OK(retry(), err);
    assert_string_equal(report.refusals[0].why, "the object is withdrawn");
    pl_buf_reset(&buf);
    CHECK_OK(pl_registry_runs(registry, NULL, 0, keep_state, &buf, &err), err);
    assert_string_equal(pl_buf_cstr(&buf), "run done,");
}

TEST(retry_refuses_records_that_stand_elsewhere_but_takes_an_object_without_rows_whole)
{
    const char *some = land("{\"id\":\"a\",\"likes\":1}\n{\"l\":[{\"id\":\"b\",\"likes\":2}]}\n");
    land("{\"l\":[{\"id\":\"c\",\"likes\":3},{\"id\":\"d\",\"likes\":4},{\"id\":\"e\"}]}");
    run();
    assert_string_equal(books(), "1=0+1+0 dup 0 lost 0;2=1+1+0 dup 0 lost 0; 1:1+1 id 2:0+1 id");
    put("sources/shop.yml",
        "source: shop\ninto: posts\nrecords: l[]\nmap:\n  id: id\n  likes: likes\n");
    CHECK_OK(retry(), err);
    assert_int_equal(report.refusal_count, 1);
    assert_string_equal(report.refusals[0].object, some);
    assert_string_equal(report.refusals[0].why, "today's mapping counts its records otherwise");
    assert_string_equal(books(), "3=2+1+0 dup 0 lost 0;2=1+1+0 dup 0 lost 0; 1:1+1 id 3:2+1 likes");
    CHECK_OK(retry(), err);
    assert_true(report.run.nothing);
}

TEST(retry_of_too_many_entries_is_refused)
{
    const char *id = land(mixed);
    run();
    pl_state_row moved;
    CHECK_OK(pl_registry_state(registry, id, "posts", &arena, &moved, &err), err);
    pl_quarantine_row row = {.object = id,
                             .table = "posts",
                             .run = moved.run,
                             .record_count = 1,
                             .column = "",
                             .reason = "",
                             .sample = ""};
    CHECK_OK(pl_registry_begin(registry, &err), err);
    for (int i = 0; i < PL_RETRY_MAX; i++)
        CHECK_OK(pl_registry_quarantine_add(registry, &row, &err), err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    assert_int_equal(retry(), PLUMB_E_LIMIT);
    assert_string_equal(err.message, "cannot retry more than 250000 entries at once");
}

int main(void)
{
#define S(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    return RUN_TESTS(
        "flow/retry", S(retry_moves_the_books_and_writes_nothing_when_nothing_changes),
        S(retry_takes_the_entries_it_is_told_and_keeps_the_others_as_they_were),
        S(retry_refuses_what_is_withdrawn_and_what_no_mapping_sends),
        S(retry_refuses_records_that_stand_elsewhere_but_takes_an_object_without_rows_whole),
        S(retry_of_too_many_entries_is_refused));
}
