// SPDX-License-Identifier: Apache-2.0
#include "iceberg/lint.h"
#include "iceberg/table.h"
#include "parquet/writer.h"
#include "unit.h"

#include "temp.h"

typedef struct fixture {
    char *dir;
    pl_store *store;
    pl_arena arena;
    plumb_error err;
    char *location;
} fixture;

static pl_field fields[] = {
    {.name = {"platform", 8}, .type = {.kind = PL_STRING}, .required = true, .doc = {"", 0}},
    {.name = {"n", 1}, .type = {.kind = PL_LONG}, .doc = {"", 0}},
};
static const pl_schema schema = {.count = 2, .fields = fields};
static pl_partition_field part = {
    .source = {"platform", 8}, .name = {"platform", 8}, .transform = {.kind = PL_IDENTITY}};
static const pl_partition_spec spec = {.count = 1, .fields = &part};
static const pl_value tiktok = {.kind = PL_STRING, .text = {"tiktok", 6}};

// A data file of three rows.
static void put_rows(fixture *f, const char *key, const pl_schema *columns,
                     pl_file_metrics *ret_metrics)
{
    pl_put *put;
    pl_parquet_writer *writer;
    pl_column rows[2];
    CHECK_OK(pl_put_begin(f->store, key, &put, &f->err), f->err);
    CHECK_OK(pl_parquet_open(columns, NULL, put, &writer, &f->err), f->err);
    for (int i = 0; i < 2; i++) pl_column_init(&rows[i], &columns->fields[i].type);
    for (int i = 0; i < 3; i++) {
        pl_column_append(&rows[0], &tiktok);
        pl_column_null(&rows[1]);
    }
    CHECK_OK(pl_parquet_write_group(writer, rows, &f->err), f->err);
    CHECK_OK(pl_parquet_finish(writer, &f->arena, ret_metrics, &f->err), f->err);
    pl_parquet_close(writer);
    CHECK_OK(pl_put_finish(put, 0, &f->err), f->err);
    for (int i = 0; i < 2; i++) pl_column_done(&rows[i]);
}

// A table with two commits of one file each.
static void setup(fixture *f)
{
    *f = (fixture){.dir = temp_make()};
    CHECK_OK(pl_store_open_local(f->dir, false, &f->store, &f->err), f->err);
    pl_ice_new options = {.key = "tables/posts", .schema = &schema, .spec = &spec, .now_ms = 1000};
    pl_ice_table *table;
    CHECK_OK(pl_ice_create(f->store, &options, &f->arena, &table, &f->err), f->err);
    for (uint8_t i = 1; i <= 2; i++) {
        char *key = pl_arena_printf(&f->arena, "tables/posts/data/%d.parquet", i);
        pl_ice_data_file file = {.path = pl_span_of(pl_store_uri(f->store, key, &f->arena)),
                                 .partition = &tiktok};
        put_rows(f, key, pl_ice_current_schema(table), &file.metrics);
        pl_ice_commit commit = {.snapshot_id = i, .now_ms = 1000 + i};
        memset(commit.uuid, i, 16);
        CHECK_OK(pl_ice_append(table, &file, 1, &commit, &f->location, &f->err), f->err);
        CHECK_OK(pl_ice_load(f->store, f->location, &f->arena, &table, &f->err), f->err);
    }
}

static void teardown(fixture *f)
{
    pl_store_close(f->store);
    pl_arena_done(&f->arena);
    temp_remove(f->dir);
}

static pl_ice_lint lint(fixture *f)
{
    pl_ice_lint found;
    pl_ice_lint_table(f->store, f->location, &f->arena, &found);
    return found;
}

TEST(a_table_of_ours_has_no_findings)
{
    fixture f;
    setup(&f);
    pl_ice_lint found = lint(&f);
    CHECK_STR("", found.count ? found.findings[0].what : "");
    CHECK_INT(2, found.snapshots);
    CHECK_INT(2, found.manifests);
    CHECK_INT(2, found.files);
    teardown(&f);
}

TEST(a_finding_has_rule_place_and_reason)
{
    fixture f;
    setup(&f);
    CHECK_OK(pl_store_delete(f.store, "tables/posts/data/1.parquet", &f.err), f.err);
    pl_ice_lint found = lint(&f);
    CHECK_INT(1, found.count);
    CHECK_STR("file-exists", found.findings[0].rule);
    CHECK_STR("tables/posts/metadata/01010101-0101-0101-0101-010101010101-m0.avro",
              found.findings[0].place);
    CHECK_STR("cannot read object 'tables/posts/data/1.parquet': no such object",
              found.findings[0].what);
    teardown(&f);
}

// In place and not durable: thousands of times.
static void overwrite(fixture *f, const char *key, pl_span bytes)
{
    FILE *file = fopen(pl_store_path(f->store, key, &f->arena), "r+b");
    CHECK(file != NULL);
    CHECK_INT(bytes.bytes, fwrite(bytes.data, 1, bytes.bytes, file));
    fclose(file);
}

typedef struct keys {
    pl_arena *arena;
    char *list[16];
    uint32_t count;
} keys;

static bool add_key(void *context, const char *key, uint64_t bytes)
{
    keys *all = context;
    (void)bytes;
    all->list[all->count++] = pl_arena_cstr(all->arena, pl_span_of(key));
    return all->count < PL_COUNT(all->list);
}

// Whatever byte of whatever file is wrong: it is survived, and mostly noticed.
TEST(every_byte_damaged_is_survived)
{
    fixture f;
    setup(&f);
    keys all = {.arena = &f.arena};
    CHECK_OK(pl_store_list(f.store, "tables/posts/metadata", add_key, &all, &f.err), f.err);
    CHECK_INT(6, all.count);
    for (uint32_t k = 0; k < all.count; k++) {
        pl_span whole;
        uint32_t noticed = 0;
        CHECK_OK(pl_store_get(f.store, all.list[k], 1 << 20, &f.arena, &whole, &f.err), f.err);
        for (size_t at = 0; at < whole.bytes; at++) {
            pl_arena scratch = {0};
            pl_ice_lint found;
            pl_buf copy = {0};
            pl_buf_span(&copy, whole);
            copy.data[at] = (char)(copy.data[at] ^ (1 << at % 8));
            overwrite(&f, all.list[k], pl_buf_view(&copy));
            pl_ice_lint_table(f.store, f.location, &scratch, &found);
            noticed += found.count > 0;
            pl_buf_done(&copy);
            pl_arena_done(&scratch);
        }
        overwrite(&f, all.list[k], whole);
        // The first metadata is only named by the second.
        bool old = strstr(all.list[k], "/00000-") != NULL;
        CHECK(old ? noticed == 0 : noticed > whole.bytes / 2);
    }
    teardown(&f);
}

int main(void)
{
    return RUN_TESTS("iceberg/lint", T(a_table_of_ours_has_no_findings),
                     T(a_finding_has_rule_place_and_reason), T(every_byte_damaged_is_survived));
}
