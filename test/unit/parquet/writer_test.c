// SPDX-License-Identifier: Apache-2.0
#include "parquet/writer.h"

#include <signal.h>
#include <sys/resource.h>

#include "temp.h"
#include "unit.h"

static char *dir;
static pl_store *store;
static pl_put *put;
static plumb_error err;
static pl_arena arena;
static pl_parquet_writer *writer;
static pl_file_metrics metrics;
static pl_column columns[2];

static pl_field fields[] = {
    {.id = 3, .name = {"n", 1}, .type = {.kind = PL_LONG}, .required = true},
    {.id = 5, .name = {"x", 1}, .type = {.kind = PL_DOUBLE}},
};
static const pl_schema schema = {.count = 2, .fields = fields};

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    for (int i = 0; i < 2; i++) pl_column_init(&columns[i], &fields[i].type);
    if (pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK) return 1;
    if (pl_put_begin(store, "t.parquet", &put, &err) != PLUMB_OK) return 1;
    return pl_parquet_open(&schema, NULL, put, &writer, &err) != PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_parquet_close(writer);
    pl_put_abort(put);
    pl_store_close(store);
    for (int i = 0; i < 2; i++) pl_column_done(&columns[i]);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static plumb_status write_rows(int64_t first, int64_t count)
{
    for (int i = 0; i < 2; i++) pl_column_reset(&columns[i]);
    for (int64_t n = first; n < first + count; n++) {
        pl_value x = {.kind = PL_DOUBLE, .is_null = n % 10 == 0, .f64 = (double)n / 2};
        pl_column_append(&columns[0], &(pl_value){.kind = PL_LONG, .i64 = n});
        pl_column_append(&columns[1], &x);
    }
    return pl_parquet_write_group(writer, columns, &err);
}

static pl_span finish_and_read(void)
{
    pl_span file;
    CHECK_OK(pl_parquet_finish(writer, &arena, &metrics, &err), err);
    CHECK_OK(pl_put_finish(put, 0, &err), err);
    put = NULL;
    CHECK_OK(pl_store_get(store, "t.parquet", 1 << 20, &arena, &file, &err), err);
    CHECK_INT(file.bytes, metrics.bytes);
    return file;
}

TEST(writer_frames_the_file_with_its_magic)
{
    CHECK_OK(write_rows(0, 100), err);
    pl_span file = finish_and_read();
    CHECK_SPAN("PAR1", ((pl_span){file.data, 4}));
    CHECK_SPAN("PAR1", ((pl_span){file.data + file.bytes - 4, 4}));
    uint32_t footer;
    memcpy(&footer, file.data + file.bytes - 8, 4);
    // The indexes begin where the chunks end; the footer with version 1.
    uint64_t end = 4;
    for (int i = 0; i < 2; i++) end += (uint64_t)metrics.leaves[i].compressed_bytes;
    CHECK(file.bytes - 8 - footer > end);
    assert_memory_equal("\x19\x11", file.data + end, 2); // a list of one bool: null_pages
    assert_memory_equal("\x15\x02", file.data + file.bytes - 8 - footer, 2);
    CHECK(memmem(file.data, file.bytes, "plumb version " PLUMB_VERSION " (build 0)",
                 strlen("plumb version " PLUMB_VERSION " (build 0)")));
}

TEST(writer_sums_metrics_over_row_groups)
{
    CHECK_OK(write_rows(-5, 100), err);
    CHECK_OK(write_rows(1000, 7), err);
    finish_and_read();
    CHECK_INT(107, metrics.rows);
    CHECK_INT(2, metrics.split_count);
    CHECK_INT(4, metrics.splits[0]);
    CHECK(metrics.splits[1] > 4);
    CHECK_INT(2, metrics.leaf_count);
    const pl_leaf_metrics *n = &metrics.leaves[0], *x = &metrics.leaves[1];
    CHECK(n->field_id == 3 && n->values == 107 && n->nulls == 0 && n->nans == -1);
    CHECK(x->field_id == 5 && x->values == 107 && x->nulls == 11 && x->nans == 0);
    CHECK_INT(8, n->lower.bytes);
    assert_memory_equal("\xfb\xff\xff\xff\xff\xff\xff\xff", n->lower.data, 8);
    assert_memory_equal("\xee\x03\0\0\0\0\0\0", n->upper.data, 8); // 1006
}

TEST(writer_makes_a_file_without_rows)
{
    finish_and_read();
    CHECK_INT(0, metrics.rows);
    CHECK_INT(0, metrics.split_count);
    CHECK(!metrics.leaves[0].has_lower && metrics.leaves[0].values == 0);
}

TEST(writer_passes_on_what_the_store_says)
{
    struct rlimit old, small = {.rlim_cur = 2000};
    CHECK_INT(0, getrlimit(RLIMIT_FSIZE, &old));
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &small));
    plumb_status st = PLUMB_OK;
    for (int64_t i = 0; i < 1000 && st == PLUMB_OK; i++) st = write_rows(i * 10000, 10000);
    CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &old));
    CHECK_INT(PLUMB_E_FAILED, st);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("parquet/writer", FILE_TEST(writer_frames_the_file_with_its_magic),
                     FILE_TEST(writer_sums_metrics_over_row_groups),
                     FILE_TEST(writer_makes_a_file_without_rows),
                     FILE_TEST(writer_passes_on_what_the_store_says));
}
