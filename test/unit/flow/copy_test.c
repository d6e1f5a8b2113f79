// Rows that are copied are the same to the bit, in order, and say whose they are.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/copy.h"

#include "os/pool.h"
#include "parquet/reader.h"
#include "parquet/writer.h"
#include "temp.h"
#include "unit.h"

enum { FILES = 3, GROUPS = 2, ROWS = 40, FIELDS = 5 };

static char *dir;
static pl_store *store;
static plumb_error err;
static pl_arena arena;
static pl_pool *pool;
static pl_quota quota;
static pl_type element = {.kind = PL_STRING};
static pl_field fields[FIELDS];
static pl_schema schema = {.count = FIELDS, .fields = fields};
static const pl_partition_spec spec = {0};
static pl_sort_field by_number = {.source_id = 1};
static const pl_sort_order sort = {.id = 1, .count = 1, .fields = &by_number};
static const char *keys[FILES];
static const char *const ids[] = {"01J00000000000000000000001", "01J00000000000000000000002",
                                  "01J00000000000000000000003"};
// Doubles that are easily made another one.
static const uint64_t odd[] = {0x7ff8000000000123, 0xfff0000000000000, 0x8000000000000000,
                               0x0000000000000001, 0x3ff0000000000000};

static void field(uint32_t at, const char *name, pl_type type)
{
    fields[at] = (pl_field){.id = (int32_t)at + 1, .name = pl_span_of(name), .type = type};
}

// The row with this number; every value follows from it.
static void append(pl_column *columns, uint32_t number)
{
    pl_value value = {.kind = PL_LONG, .i64 = number};
    pl_column_append(&columns[0], &value);
    value = (pl_value){.kind = PL_DOUBLE, .is_null = number % 7 == 0};
    memcpy(&value.f64, &odd[number % 5], sizeof value.f64);
    if (value.is_null) value.f64 = 0;
    pl_column_append(&columns[1], &value);
    value = (pl_value){.kind = PL_DECIMAL, .i128 = (pl_i128)number << 70};
    if (number % 2) value.i128 = -value.i128;
    pl_column_append(&columns[2], &value);
    if (number % 3 == 0) {
        pl_column_null(&columns[3]);
    } else {
        for (uint32_t i = 1; i < number % 3 + number % 2; i++)
            if (i % 2)
                pl_column_text(columns[3].child, PL_SPAN("a text"));
            else
                pl_column_null(columns[3].child);
        pl_column_list(&columns[3]);
    }
    pl_column_text(&columns[4], pl_span_of(ids[number % 3]));
}

static void columns_init(pl_column *columns)
{
    for (uint32_t i = 0; i < FIELDS; i++) pl_column_init(&columns[i], &fields[i].type);
}

static void columns_done(pl_column *columns)
{
    for (uint32_t i = 0; i < FIELDS; i++) pl_column_done(&columns[i]);
}

// Each file's rows are in order, and the files' lie between one another's.
static void write_file(uint32_t file)
{
    pl_put *put;
    pl_parquet_writer *writer;
    pl_column columns[FIELDS];
    pl_file_metrics metrics;
    keys[file] = pl_arena_printf(&arena, "data/%u.parquet", file);
    CHECK_OK(pl_put_begin(store, keys[file], &put, &err), err);
    CHECK_OK(pl_parquet_open(&schema, NULL, put, &writer, &err), err);
    columns_init(columns);
    for (uint32_t g = 0; g < GROUPS; g++) {
        for (uint32_t i = 0; i < FIELDS; i++) pl_column_reset(&columns[i]);
        for (uint32_t i = 0; i < ROWS; i++) append(columns, (g * ROWS + i) * FILES + file + i % 2);
        CHECK_OK(pl_parquet_write_group(writer, columns, &err), err);
    }
    columns_done(columns);
    CHECK_OK(pl_parquet_finish(writer, &arena, &metrics, &err), err);
    pl_parquet_close(writer);
    CHECK_OK(pl_put_finish(put, 0, &err), err);
}

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    field(0, "number", (pl_type){.kind = PL_LONG});
    field(1, "odd", (pl_type){.kind = PL_DOUBLE});
    field(2, "price", (pl_type){.kind = PL_DECIMAL, .precision = 38, .scale = 3});
    field(3, "tags", (pl_type){.kind = PL_LIST, .element = &element, .element_id = 9});
    field(4, "_object", (pl_type){.kind = PL_STRING});
    pl_quota_init(&quota, 64u << 20);
    pool = pl_pool_new(2);
    if (pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK) return 1;
    for (uint32_t i = 0; i < FILES; i++) write_file(i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_store_close(store);
    pl_pool_free(pool);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static pl_copied copied(uint32_t count, const pl_map *without)
{
    static _Atomic uint32_t number;
    pl_copied made;
    pl_batch *batch = pl_batch_new(store, pool);
    pl_parts_options options = {.store = store,
                                .schema = &schema,
                                .spec = &spec,
                                .sort = &sort,
                                .data_prefix = "new",
                                .name_prefix = "copy",
                                .file_number = &number,
                                .batch = batch,
                                .quota = &quota};
    pl_copy_job job = {.keys = keys, .key_count = count, .without = without};
    CHECK_OK(pl_copy_files(&options, &job, &arena, &made, &err), err);
    CHECK_OK(pl_batch_settle(batch, &err), err);
    pl_batch_free(batch);
    return made;
}

static bool same_bits(const pl_column *a, uint32_t i, const pl_column *b, uint32_t k)
{
    if (!a->valid[i] || !b->valid[k]) return !a->valid[i] && !b->valid[k];
    size_t width = pl_column_width(a->type.kind);
    if (width)
        return memcmp((char *)a->values + i * width, (char *)b->values + k * width, width) == 0;
    if (!a->child) return pl_span_equal(pl_column_span(a, i), pl_column_span(b, k));
    uint32_t count = a->offsets[i + 1] - a->offsets[i];
    if (count != b->offsets[k + 1] - b->offsets[k]) return false;
    for (uint32_t n = 0; n < count; n++)
        if (!same_bits(a->child, a->offsets[i] + n, b->child, b->offsets[k] + n)) return false;
    return true;
}

// Its rows are in order, and each is what its number says. Rows there are.
static uint32_t check_rows(const pl_copied *made)
{
    pl_parquet_reader *reader;
    pl_column got[FIELDS], want[FIELDS];
    uint32_t rows = 0;
    int64_t last = -1;
    columns_init(got);
    columns_init(want);
    CHECK_OK(pl_parquet_reader_open(store, made->file.key, &schema, &reader, &err), err);
    for (uint32_t g = 0; g < pl_parquet_reader_groups(reader); g++) {
        CHECK_OK(pl_parquet_read_group(reader, g, got, &err), err);
        for (uint32_t row = 0; row < got[0].count; row++, rows++) {
            CHECK(got[0].i64[row] >= last);
            last = got[0].i64[row];
            for (uint32_t i = 0; i < FIELDS; i++) pl_column_reset(&want[i]);
            append(want, (uint32_t)last);
            for (uint32_t i = 0; i < FIELDS; i++) CHECK(same_bits(&got[i], row, &want[i], 0));
        }
    }
    pl_parquet_reader_close(reader);
    columns_done(got);
    columns_done(want);
    return rows;
}

TEST(copy_puts_files_together_in_order)
{
    pl_copied made = copied(FILES, NULL);
    CHECK(made.made && made.file.sorted);
    CHECK_INT(FILES * GROUPS * ROWS, made.rows_read);
    CHECK_INT(0, made.rows_left_out);
    CHECK_INT(FILES * GROUPS * ROWS, made.file.metrics.rows);
    CHECK_INT(FILES * GROUPS * ROWS, check_rows(&made));
    CHECK_STR("[[\"01J00000000000000000000001\",\"01J00000000000000000000001\"],"
              "[\"01J00000000000000000000002\",\"01J00000000000000000000002\"],"
              "[\"01J00000000000000000000003\",\"01J00000000000000000000003\"]]",
              made.file.objects);
}

TEST(copy_leaves_objects_out)
{
    pl_map without = {0};
    pl_map_add(&without, pl_span_of(ids[1]), 0);
    pl_copied made = copied(1, &without);
    CHECK_INT(GROUPS * ROWS, made.rows_read);
    CHECK_INT(GROUPS * ROWS / 2, made.rows_left_out); // every other row of the first file
    CHECK_INT(GROUPS * ROWS / 2, check_rows(&made));
    CHECK_STR("[[\"01J00000000000000000000001\",\"01J00000000000000000000001\"]]",
              made.file.objects);
    pl_map_add(&without, pl_span_of(ids[0]), 0);
    made = copied(1, &without);
    CHECK(!made.made);
    CHECK_INT(GROUPS * ROWS, made.rows_left_out);
    pl_map_done(&without);
}

TEST(copy_refuses_what_is_no_file_of_ours)
{
    pl_copied made;
    const char *key = "data/text.parquet";
    CHECK_OK(pl_store_put(store, key, PL_SPAN("PAR1 this is no file PAR1"), &err), err);
    pl_parts_options options = {.store = store, .schema = &schema, .spec = &spec};
    pl_copy_job job = {.keys = &key, .key_count = 1};
    CHECK_INT(PLUMB_E_MALFORMED, pl_copy_files(&options, &job, &arena, &made, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(copy_puts_files_together_in_order),
                                       T(copy_leaves_objects_out),
                                       T(copy_refuses_what_is_no_file_of_ours)};
    return cmocka_run_group_tests_name("flow/copy", tests, set_up, tear_down);
}
