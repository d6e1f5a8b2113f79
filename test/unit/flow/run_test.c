// The whole of a run on small projects: plan, work, parts, gate and publish have no other face.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/run.h"
#include "unit.h"

#include "flow/ingest.h"
#include "iceberg/table.h"
#include "os/file.h"
#include "os/os.h"
#include "parquet/reader.h"
#include "temp.h"

#define NOW INT64_C(1795316400000000) // 2026-11-22T03:00:00Z

static char *dir;
static pl_store *store;
static pl_registry *registry;
static pl_ulids ulids;
static plumb_error err;
static pl_arena arena;
static pl_buf buf;
static pl_run_report report;
static uint64_t memory_bytes; // 0: as a project has it
static uint32_t threads;

static const char contract_text[] = "table: posts\n"
                                    "key: [id]\n"
                                    "partition: [platform, day(at)]\n"
                                    "columns:\n"
                                    "  platform: string!\n"
                                    "  id: string!\n"
                                    "  at: timestamp\n"
                                    "  likes: int\n";
static const char mapping_text[] = "source: shop\n"
                                   "into: posts\n"
                                   "map:\n"
                                   "  platform: p\n"
                                   "  id: id\n"
                                   "  at: at\n"
                                   "  likes: likes\n";

static void put(const char *name, const char *text)
{
    temp_write(temp_path(dir, name), text, strlen(text));
}

static uint32_t objects_of_run;

static int set_up(void **state)
{
    (void)state;
    uint8_t entropy[32] = {1};
    threads = 2;
    dir = temp_make();
    ulids = pl_ulids_make(entropy);
    mkdir(temp_path(dir, "contracts"), 0755);
    mkdir(temp_path(dir, "sources"), 0755);
    put("plumb.yaml", "lake: ./lake\n");
    put("contracts/posts.yml", contract_text);
    put("sources/shop.yml", mapping_text);
    if (pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK) return 1;
    return pl_registry_open(temp_path(dir, "lake/plumb.db"), PL_REGISTRY_CREATE, &registry, &err) !=
           PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&pl_cancelled, false);
    memory_bytes = objects_of_run = 0;
    pl_registry_close(registry);
    pl_store_close(store);
    pl_arena_done(&arena);
    pl_buf_done(&buf);
    temp_remove(dir);
    return 0;
}

static pl_ingest_result land(const char *name, const char *text)
{
    pl_ingest_result result = {0};
    pl_ingest_options options = {.source = PL_SPAN("shop"), .now_us = NOW, .level = 1};
    put(name, text);
    const char *path = pl_arena_cstr(&arena, pl_span_of(temp_path(dir, name)));
    CHECK_OK(pl_ingest_file(store, registry, &ulids, path, &options, &arena, &result, &err), err);
    return result;
}

static plumb_status run(void)
{
    pl_problems problems = {0}, warnings = {0};
    pl_project *project;
    const char *root = pl_arena_cstr(&arena, pl_span_of(dir));
    CHECK_OK(pl_project_load(root, &arena, &project, &problems, &warnings, &err), err);
    if (memory_bytes) project->settings.memory_bytes = memory_bytes;
    pl_run_options options = {.project = project,
                              .store = store,
                              .registry = registry,
                              .lock_path = pl_arena_printf(&arena, "%s/lake/.plumb/run.lock", dir),
                              .threads = threads,
                              .objects = objects_of_run};
    plumb_status st = pl_run(&options, &arena, &report, &err);
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return st;
}

static bool show_ledger(void *context, const pl_ledger_row *row)
{
    pl_buf_printf(context, "%lld=%lld+%lld dup %lld lost %lld %s;", (long long)row->records,
                  (long long)row->curated, (long long)row->quarantined, (long long)row->duplicates,
                  (long long)row->lost, pl_object_state_name(row->state));
    return true;
}

static const char *ledger(void)
{
    pl_buf_reset(&buf);
    CHECK_OK(pl_registry_ledger(registry, NULL, NULL, 0, show_ledger, &buf, &err), err);
    return pl_buf_cstr(&buf);
}

static bool show_quarantine(void *context, const pl_quarantine_row *row)
{
    pl_buf_printf(context, "%lld+%lld @%lld+%lld !%lld %s|%s|%s;", (long long)row->record_first,
                  (long long)row->record_count, (long long)row->byte_first,
                  (long long)row->byte_count, (long long)row->byte, row->column, row->reason,
                  row->sample);
    return true;
}

static const char *quarantine(void)
{
    pl_quarantine_filter filter = {0};
    pl_buf_reset(&buf);
    CHECK_OK(pl_registry_quarantine(registry, &filter, show_quarantine, &buf, &err), err);
    return pl_buf_cstr(&buf);
}

static bool show_object(void *context, const char *key, uint64_t bytes)
{
    (void)bytes;
    pl_buf_printf(context, "%s\n", key);
    return true;
}

static const char *objects(const char *prefix)
{
    pl_buf_reset(&buf);
    CHECK_OK(pl_store_list(store, prefix, show_object, &buf, &err), err);
    return pl_buf_cstr(&buf);
}

static pl_ice_table *table(void)
{
    pl_catalog catalog = pl_registry_catalog(registry);
    pl_ice_table *loaded;
    char *location;
    CHECK_OK(catalog.load(catalog.self, "posts", &arena, &location, &err), err);
    CHECK_OK(pl_ice_load(store, location, &arena, &loaded, &err), err);
    return loaded;
}

static uint64_t table_rows(uint32_t *ret_files)
{
    pl_ice_file *files;
    uint64_t rows = 0;
    CHECK_OK(pl_ice_files(table(), 0, &arena, &files, ret_files, &err), err);
    for (uint32_t i = 0; i < *ret_files; i++) rows += files[i].metrics.rows;
    return rows;
}

TEST(run_publishes_rows_by_partition_and_balances_the_ledger)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\",\"at\":\"2026-11-01T00:00:00Z\",\"likes\":1}\n"
                   "{\"p\":\"x\",\"id\":\"2\",\"at\":\"2026-11-02T00:00:00Z\",\"likes\":2}\n"
                   "{\"p\":\"a/b\",\"id\":\"3\"}\n"
                   "{\"p\":\"x\",\"id\":\"1\",\"at\":\"2026-11-01T05:00:00Z\"}\n");
    CHECK_OK(run(), err);
    CHECK_INT(4, report.rows);
    CHECK_STR("4=4+0 dup 1 lost 0 published;", ledger());
    uint32_t files;
    CHECK_INT(4, table_rows(&files));
    CHECK_INT(3, files);
    CHECK(strstr(objects("tables/posts/data"),
                 "data/platform=a%2Fb/year=__HIVE_DEFAULT_PARTITION__/"
                 "month=__HIVE_DEFAULT_PARTITION__/day=__HIVE_DEFAULT_PARTITION__/"));
    CHECK(strstr(objects("tables/posts/data"), "data/platform=x/year=2026/month=11/day=02/"));
}

TEST(run_quarantines_what_cannot_be_a_row_and_says_where_and_why)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\"}\n"
                   "{\"p\":\"x\",\"id\":\n"
                   "[1]\n"
                   "{\"id\":\"2\"}\n"
                   "{\"id\":\"3\"}\n"
                   "{\"p\":\"x\",\"id\":{},\"likes\":1}\n"
                   "{\"p\":\"x\",\"id\":\"4\",\"likes\":\"many\"}\n");
    CHECK_OK(run(), err);
    CHECK_STR("7=2+5 dup 0 lost 1 published;", ledger());
    CHECK_STR("1+1 @19+14 !33 |not JSON: the text ends where a value is expected|;"
              "2+1 @34+3 !34 |a record must be an object, found an array|;"
              "3+2 @38+21 !38 platform|is required, and no path of its rule has a value|;"
              "5+1 @60+27 !74 id|id is an object, not text|{};",
              quarantine());
}

TEST(run_with_nothing_new_writes_nothing)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\"}\n");
    CHECK_OK(run(), err);
    char *before = strdup(objects(""));
    CHECK_OK(run(), err);
    CHECK(report.nothing);
    CHECK_STR("", report.run);
    CHECK_STR(before, objects(""));
    free(before);
}

TEST(run_adds_and_promotes_columns_the_contract_gained)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\",\"likes\":5}\n");
    CHECK_OK(run(), err);
    put("contracts/posts.yml", "table: posts\n"
                               "key: [id]\n"
                               "partition: [platform, day(at)]\n"
                               "columns:\n"
                               "  platform: string!\n"
                               "  id: string!\n"
                               "  at: timestamp\n"
                               "  likes: long\n"
                               "  views: long\n");
    CHECK_OK(run(), err); // no new rows: the schema alone
    CHECK(!report.nothing);
    const pl_schema *schema = pl_ice_current_schema(table());
    int likes = pl_schema_find(schema, PL_SPAN("likes"));
    CHECK_INT(PL_LONG, schema->fields[likes].type.kind);
    CHECK(pl_schema_find(schema, PL_SPAN("views")) >= 0);
    land("b.json", "{\"p\":\"x\",\"id\":\"2\",\"likes\":5000000000}\n");
    CHECK_OK(run(), err);
    CHECK_STR("1=1+0 dup 0 lost 0 published;1=1+0 dup 0 lost 0 published;", ledger());
}

TEST(run_refuses_another_partition_and_publishes_nothing)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\"}\n");
    CHECK_OK(run(), err);
    put("contracts/posts.yml",
        "table: posts\npartition: [platform]\ncolumns:\n"
        "  platform: string!\n  id: string!\n  at: timestamp\n  likes: int\n");
    land("b.json", "{\"p\":\"x\",\"id\":\"2\"}\n");
    CHECK_INT(PLUMB_E_CONFIG, run());
    CHECK_STR(
        "cannot change the partition of table 'posts' from [platform, day(at)] to [platform]: "
        "its files are laid out by the old one",
        err.message);
    uint32_t files;
    CHECK_INT(1, table_rows(&files));
}

TEST(run_leaves_out_an_object_that_no_longer_reads_and_publishes_the_others)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\"}\n");
    pl_ingest_result bad = land("b.json", "{\"p\":\"x\",\"id\":\"2\"}\n");
    const char *path = pl_arena_cstr(&arena, pl_span_of(pl_store_path(store, bad.key, &arena)));
    pl_span bytes;
    CHECK_OK(pl_path_read(path, 1 << 20, &arena, &bytes, &err), err);
    char *copy = pl_arena_cstr(&arena, bytes);
    copy[bytes.bytes / 2] ^= 1;
    unlink(path);
    temp_write(path, copy, bytes.bytes);
    CHECK_OK(run(), err);
    CHECK_INT(1, report.damage_count);
    CHECK_STR(bad.id, report.damages[0].object);
    CHECK_STR("1=1+0 dup 0 lost 0 published;", ledger());
    uint32_t files;
    CHECK_INT(1, table_rows(&files));
}

TEST(run_takes_what_a_truncated_gzip_holds_and_quarantines_the_rest)
{
    char line[200];
    pl_buf text = {0};
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof line, "{\"p\":\"x\",\"id\":\"%d-%d\"}\n", i, i * 7919 % 1000);
        pl_buf_text(&text, line);
    }
    put("a.json", pl_buf_cstr(&text));
    char command[600];
    snprintf(command, sizeof command, "cd %s && gzip a.json && head -c 3000 a.json.gz > cut.gz",
             dir);
    FILE *shell = popen(command, "r");
    CHECK(shell && pclose(shell) == 0);
    pl_ingest_result result;
    pl_ingest_options options = {.source = PL_SPAN("shop"), .now_us = NOW, .level = 1};
    const char *path = pl_arena_cstr(&arena, pl_span_of(temp_path(dir, "cut.gz")));
    CHECK_OK(pl_ingest_file(store, registry, &ulids, path, &options, &arena, &result, &err), err);
    CHECK(result.broken);
    CHECK_OK(run(), err);
    CHECK(report.rows > 100);
    CHECK(report.quarantined >= 1 && report.quarantined <= 2);
    CHECK_INT(report.records, report.rows + report.quarantined);
    CHECK(strstr(quarantine(), "|gzip "));
    pl_buf_done(&text);
}

TEST(run_of_many_objects_is_several_runs)
{
    char name[16], text[64];
    const char *damaged = NULL;
    put("contracts/notes.yml", "table: notes\nkey: [id]\ncolumns:\n  id: long!\n");
    put("sources/shop.notes.yml", "source: shop\ninto: notes\nmap:\n  id: id\n");
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "%d.json", i);
        snprintf(text, sizeof text, "{\"p\":\"x\",\"id\":\"%d\"}\n", i);
        pl_ingest_result result = land(name, text);
        if (i == 1) damaged = result.key;
    }
    const char *path = pl_arena_cstr(
        &arena, pl_span_of(temp_path(dir, pl_arena_printf(&arena, "lake/%s", damaged))));
    CHECK_INT(0, unlink(path));
    objects_of_run = 3;
    CHECK_OK(run(), err);
    CHECK_INT(12, report.rows); // six of seven, for two tables
    CHECK_INT(2, report.source_count);
    CHECK_INT(6, report.sources[0].objects);
    CHECK_INT(2, report.damage_count);
    CHECK_STR("shop", report.damages[1].source);
    CHECK_INT(6, report.table_count); // 3, 3, 1 and 2, 3, 2 objects: one run has some of both
    pl_counts counts;
    CHECK_OK(pl_registry_counts(registry, "shop", "notes", &counts, &err), err);
    CHECK_INT(6, counts.published);
    CHECK_INT(1, counts.fresh);
    CHECK_OK(pl_registry_check(registry, &err), err);
    CHECK_OK(run(), err); // the damaged one is tried again, by itself
    CHECK_INT(0, report.rows);
    land("7.json", "{\"p\":\"x\",\"id\":\"7\"}\n");
    CHECK_OK(run(), err);
    CHECK_INT(2, report.rows);
}

TEST(run_that_is_stopped_publishes_nothing_and_leaves_no_file)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\"}\n");
    atomic_store(&pl_cancelled, true);
    CHECK_INT(PLUMB_E_CANCELLED, run());
    CHECK_STR("stopped on request, nothing was published", err.message);
    CHECK_STR("", objects("tables"));
    atomic_store(&pl_cancelled, false);
    CHECK_OK(run(), err);
    CHECK_INT(1, report.rows);
}

TEST(run_deletes_the_files_of_a_run_that_died_and_nothing_else)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\"}\n");
    pl_run_row dead = {.id = "01HZZZZZZZZZZZZZZZZZZZZZZZ",
                       .state = "working",
                       .started_us = NOW,
                       .command = "run",
                       .counts = ""};
    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_OK(pl_registry_run_start(registry, &dead, &err), err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    static const char left[] =
        "tables/posts/data/platform=x/01HZZZZZZZZZZZZZZZZZZZZZZZ-t1-1.parquet";
    static const char other[] =
        "tables/posts/data/platform=x/01HYYYYYYYYYYYYYYYYYYYYYYY-t1-1.parquet";
    CHECK_OK(pl_store_put(store, left, PL_SPAN("x"), &err), err);
    CHECK_OK(pl_store_put(store, other, PL_SPAN("x"), &err), err);
    CHECK_OK(run(), err);
    CHECK(!strstr(objects("tables"), left));
    CHECK(strstr(objects("tables"), other));
}

TEST(run_repairs_a_version_hint_that_a_crash_left_behind)
{
    land("a.json", "{\"p\":\"x\",\"id\":\"1\"}\n");
    CHECK_OK(run(), err);
    static const char key[] = "tables/posts/metadata/version-hint.text";
    pl_span hint, repaired;
    CHECK_OK(pl_store_get(store, key, 1000, &arena, &hint, &err), err);
    CHECK_OK(pl_store_replace(store, key, PL_SPAN("00000-old"), &err), err);
    CHECK_OK(run(), err);
    CHECK(report.nothing);
    CHECK_OK(pl_store_get(store, key, 1000, &arena, &repaired, &err), err);
    CHECK(pl_span_equal(hint, repaired));
}

TEST(run_creates_the_table_even_when_no_record_becomes_a_row)
{
    land("a.json", "nonsense\n");
    CHECK_OK(run(), err);
    CHECK_STR("1=0+1 dup 0 lost 0 published;", ledger());
    uint32_t files;
    CHECK_INT(0, table_rows(&files));
}

static int read_likes(void *context, const char *key)
{
    int64_t *next = context; // per platform, the likes to come
    pl_field fields[] = {{.id = 1, .name = PL_SPAN("platform"), .type = {.kind = PL_STRING}},
                         {.id = 2, .name = PL_SPAN("id"), .type = {.kind = PL_STRING}},
                         {.id = 4, .name = PL_SPAN("likes"), .type = {.kind = PL_INT}}};
    pl_schema schema = {.count = 3, .fields = fields};
    pl_parquet_reader *reader;
    pl_column columns[3];
    for (int i = 0; i < 3; i++) pl_column_init(&columns[i], &fields[i].type);
    CHECK_OK(pl_parquet_reader_open(store, key, &schema, &reader, &err), err);
    CHECK_INT(1, pl_parquet_reader_groups(reader));
    CHECK_OK(pl_parquet_read_group(reader, 0, columns, &err), err);
    for (uint32_t row = 0; row < columns[0].count; row++) {
        int platform = pl_column_span(&columns[0], row).data[0] - 'a';
        CHECK_INT(next[platform], columns[2].i32[row]);
        CHECK_SPAN(pl_arena_printf(&arena, "id-%lld", (long long)next[platform]),
                   pl_column_span(&columns[1], row));
        next[platform] += 5;
    }
    int rows = (int)columns[0].count;
    for (int i = 0; i < 3; i++) pl_column_done(&columns[i]);
    pl_parquet_reader_close(reader);
    return rows;
}

// Which likes there are.
static void note_likes(const char *key, char *rows)
{
    pl_field fields[] = {{.id = 4, .name = PL_SPAN("likes"), .type = {.kind = PL_INT}}};
    pl_schema schema = {.count = 1, .fields = fields};
    pl_parquet_reader *reader;
    pl_column column;
    pl_column_init(&column, &fields[0].type);
    CHECK_OK(pl_parquet_reader_open(store, key, &schema, &reader, &err), err);
    for (uint32_t group = 0; group < pl_parquet_reader_groups(reader); group++) {
        pl_column_reset(&column);
        CHECK_OK(pl_parquet_read_group(reader, group, &column, &err), err);
        for (uint32_t row = 0; row < column.count; row++) {
            CHECK_INT('.', rows[column.i32[row]]);
            rows[column.i32[row]] = 'x';
        }
    }
    pl_column_done(&column);
    pl_parquet_reader_close(reader);
}

// 20,000 rows of five partitions in turn: one file and one row group each, and with one thread in
// the order they came.
static void check_whole_partitions(void)
{
    threads = 1;
    pl_buf text = {0};
    for (int i = 0; i < 20000; i++)
        pl_buf_printf(&text, "{\"p\": \"%c\", \"id\": \"id-%d\", \"likes\": %d}\n", 'a' + i % 5, i,
                      i);
    land("many.ndjson", pl_buf_cstr(&text));
    pl_buf_done(&text);
    CHECK_OK(run(), err);
    int64_t next[5] = {0, 1, 2, 3, 4};
    int rows = 0, files = 0;
    char *keys = pl_arena_cstr(&arena, pl_span_of(objects("tables/posts/data")));
    char *rest = NULL;
    for (char *key = strtok_r(keys, "\n", &rest); key; key = strtok_r(NULL, "\n", &rest), files++)
        rows += read_likes(next, key);
    CHECK_INT(20000, rows);
    CHECK_INT(5, files);
}

TEST(run_writes_whole_partitions)
{
    check_whole_partitions();
}

TEST(run_with_little_memory_writes_the_same)
{
    memory_bytes = 256 * 1024;
    check_whole_partitions();
}

// What a run says of 40,000 records in one object and some in small ones: bad ones alone and in a
// row, and keys that come again, soon or much later.
static const char *told_by(uint32_t workers, char **ret_rows)
{
    void *none = NULL;
    tear_down(&none);
    CHECK_INT(0, set_up(&none));
    threads = workers;
    pl_buf text = {0};
    for (int i = 0; i < 40000; i++) {
        if (i % 977 == 0 || (i > 12000 && i < 14000)) pl_buf_text(&text, "{\"p\": 5, \"id\": [");
        pl_buf_printf(&text, "{\"p\": \"%c\", \"id\": \"id-%d\", \"likes\": %d}\n", 'a' + i % 5,
                      i % 9 ? i : i % 900, i);
    }
    land("many.ndjson", pl_buf_cstr(&text));
    pl_buf_done(&text);
    for (int i = 0; i < 20; i++)
        land(pl_arena_printf(&arena, "%d.json", i),
             pl_arena_printf(&arena, "{\"p\":\"f\",\"id\":\"%d\",\"likes\":%d}\n", i, 50000 + i));
    CHECK_OK(run(), err);
    char *keys = pl_arena_cstr(&arena, pl_span_of(objects("tables/posts/data")));
    char *rest = NULL;
    *ret_rows = pl_zalloc(50021, 1);
    memset(*ret_rows, '.', 50020);
    uint32_t files = 0;
    for (char *key = strtok_r(keys, "\n", &rest); key; key = strtok_r(NULL, "\n", &rest), files++)
        note_likes(key, *ret_rows);
    CHECK_INT(6, files); // one for each partition, however many worked
    static char told[100000];
    snprintf(told, sizeof told, "%s\n", ledger());
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s", quarantine());
    return strdup(told);
}

TEST(run_tells_the_same_however_many_threads_read_one_object)
{
    char *rows, *again;
    const char *one = told_by(1, &rows);
    CHECK(!strstr(one, " dup 0 lost 0 published;\n"));
    for (uint32_t workers = 2; workers <= 5; workers += 3) {
        const char *more = told_by(workers, &again);
        CHECK_STR(one, more);
        CHECK_STR(rows, again);
        free((char *)(uintptr_t)more);
        free(again);
    }
    free((char *)(uintptr_t)one);
    free(rows);
}

TEST(run_publishes_no_row_of_an_object_that_turns_out_damaged_at_its_end)
{
    threads = 3;
    pl_buf text = {0};
    for (int i = 0; i < 40000; i++)
        pl_buf_printf(&text, "{\"p\": \"%c\", \"id\": \"id-%d\", \"likes\": 1}\n", 'a' + i % 5, i);
    land("good.json", "{\"p\":\"x\",\"id\":\"1\"}\n");
    pl_ingest_result bad = land("many.ndjson", pl_buf_cstr(&text));
    pl_buf_done(&text);
    const char *path = pl_arena_cstr(&arena, pl_span_of(pl_store_path(store, bad.key, &arena)));
    pl_span bytes;
    CHECK_OK(pl_path_read(path, 1 << 24, &arena, &bytes, &err), err);
    char *copy = pl_arena_cstr(&arena, bytes);
    // The trailer's content SHA-256, the last digit of it that is a 0: all records read well.
    char *digest = memmem(copy, bytes.bytes, bad.sha256, 64);
    char *last = NULL;
    for (char *at = digest; at;
         at = memmem(at + 1, bytes.bytes - (size_t)(at + 1 - copy), bad.sha256, 64))
        last = at;
    CHECK(last);
    last[63] = last[63] == '0' ? '1' : '0';
    unlink(path);
    temp_write(path, copy, bytes.bytes);
    CHECK_OK(run(), err);
    CHECK_INT(1, report.damage_count);
    CHECK_STR(bad.id, report.damages[0].object);
    CHECK_STR("1=1+0 dup 0 lost 0 published;", ledger());
    uint32_t files;
    CHECK_INT(1, table_rows(&files));
    CHECK_INT(1, files);
}

TEST(run_holds_and_frees_more_objects_than_it_takes_at_once)
{
    uint32_t files;
    objects_of_run = 2;
    for (int i = 0; i < 28; i++) {
        buf.count = 0;
        // Likes are gone, and come back so often that those are few.
        for (int id = i * 40; id < i * 40 + (i == 27 ? 5600 : 40); id++)
            pl_buf_printf(&buf, "{\"p\":\"x\",\"id\":\"%d\"%s}\n", id,
                          i < 20 || i > 26 ? ",\"likes\":7" : "");
        land(pl_arena_printf(&arena, "%d.json", i), pl_buf_cstr(&buf));
        if (i != 19 && i < 26) continue;
        CHECK_OK(run(), err);
        CHECK_INT(i == 26 ? 7 : 0, report.hold_count ? report.holds[0].objects : 0);
        CHECK_INT(i == 27 ? 6680 : 800, table_rows(&files));
    }
}

int main(void)
{
#define R(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    return RUN_TESTS("flow/run", R(run_publishes_rows_by_partition_and_balances_the_ledger),
                     R(run_quarantines_what_cannot_be_a_row_and_says_where_and_why),
                     R(run_with_nothing_new_writes_nothing),
                     R(run_adds_and_promotes_columns_the_contract_gained),
                     R(run_refuses_another_partition_and_publishes_nothing),
                     R(run_leaves_out_an_object_that_no_longer_reads_and_publishes_the_others),
                     R(run_takes_what_a_truncated_gzip_holds_and_quarantines_the_rest),
                     R(run_of_many_objects_is_several_runs),
                     R(run_holds_and_frees_more_objects_than_it_takes_at_once),
                     R(run_that_is_stopped_publishes_nothing_and_leaves_no_file),
                     R(run_deletes_the_files_of_a_run_that_died_and_nothing_else),
                     R(run_repairs_a_version_hint_that_a_crash_left_behind),
                     R(run_creates_the_table_even_when_no_record_becomes_a_row),
                     R(run_writes_whole_partitions), R(run_with_little_memory_writes_the_same),
                     R(run_tells_the_same_however_many_threads_read_one_object),
                     R(run_publishes_no_row_of_an_object_that_turns_out_damaged_at_its_end));
}
