// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table.h"
#include "unit.h"

#include "temp.h"

typedef struct fixture {
    char *dir;
    pl_store *store;
    pl_arena arena;
    plumb_error err;
    pl_ice_table *table;
    pl_ice_file *files;
    uint32_t count;
} fixture;

static pl_field fields[] = {
    {.name = {"platform", 8}, .type = {.kind = PL_STRING}, .required = true, .doc = {"", 0}},
    {.name = {"at", 2}, .type = {.kind = PL_TIMESTAMP}, .doc = {"", 0}},
};
static const pl_schema schema = {.count = 2, .fields = fields};
static pl_partition_field parts[] = {
    {.source = {"platform", 8}, .name = {"platform", 8}, .transform = {.kind = PL_IDENTITY}},
    {.source = {"at", 2}, .name = {"at_day", 6}, .transform = {.kind = PL_DAY}},
};
static const pl_partition_spec spec = {.count = 2, .fields = parts};
static const pl_value tiktok[] = {{.kind = PL_STRING, .text = {"tiktok", 6}},
                                  {.kind = PL_DATE, .i32 = 20000}};
static const pl_value nothing[] = {{.kind = PL_STRING, .text = {"", 0}},
                                   {.kind = PL_DATE, .is_null = true}};
static const pl_ice_data_file two_files[] = {
    {{"file:///data/a.parquet", 22}, tiktok, {.bytes = 100, .rows = 3}, false},
    {{"file:///data/b.parquet", 22}, nothing, {.bytes = 200, .rows = 4}, false},
};

static void setup(fixture *f)
{
    *f = (fixture){.dir = temp_make()};
    CHECK_OK(pl_store_open_local(f->dir, false, &f->store, &f->err), f->err);
    pl_ice_new options = {.key = "tables/posts", .schema = &schema, .spec = &spec, .now_ms = 1000};
    CHECK_OK(pl_ice_create(f->store, &options, &f->arena, &f->table, &f->err), f->err);
}

static void teardown(fixture *f)
{
    pl_store_close(f->store);
    pl_arena_done(&f->arena);
    temp_remove(f->dir);
}

static pl_ice_commit commit_of(uint8_t seed)
{
    pl_ice_commit commit = {.snapshot_id = seed, .now_ms = 1000 + seed};
    memset(commit.uuid, seed, 16);
    return commit;
}

// Append and load what it made.
static char *append(fixture *f, uint8_t seed, uint32_t count)
{
    pl_ice_commit commit = commit_of(seed);
    char *location;
    CHECK_OK(pl_ice_append(f->table, two_files, count, &commit, &location, &f->err), f->err);
    CHECK_OK(pl_ice_load(f->store, location, &f->arena, &f->table, &f->err), f->err);
    return location;
}

static const char *read_text(fixture *f, const char *key)
{
    pl_span bytes;
    CHECK_OK(pl_store_get(f->store, key, 1 << 20, &f->arena, &bytes, &f->err), f->err);
    return pl_arena_cstr(&f->arena, bytes);
}

// `text` with the folder of this test written as DIR.
static const char *without_dir(fixture *f, const char *text)
{
    pl_buf out = {0};
    for (size_t bytes = strlen(f->dir); *text;) {
        if (strncmp(text, f->dir, bytes) == 0) {
            pl_buf_text(&out, "DIR");
            text += bytes;
        } else {
            pl_buf_char(&out, *text++);
        }
    }
    const char *copy = pl_arena_cstr(&f->arena, pl_buf_view(&out));
    pl_buf_done(&out);
    return copy;
}

TEST(the_first_commit_is_this_text)
{
    fixture f;
    setup(&f);
    pl_ice_pair run = {PL_SPAN("plumb.run"), PL_SPAN("01J")};
    pl_ice_commit commit = commit_of(7);
    commit.summary = &run;
    commit.summary_count = 1;
    char *location;
    CHECK_OK(pl_ice_append(f.table, two_files, 2, &commit, &location, &f.err), f.err);
    const char *key = "tables/posts/metadata/"
                      "00000-07070707-0707-0707-0707-070707070707.metadata.json";
    CHECK_STR(pl_store_uri(f.store, key, &f.arena), location);
    CHECK_STR(
        "{\"format-version\":2,\"table-uuid\":\"00000000-0000-0000-0000-000000000000\","
        "\"location\":\"file://DIR/tables/posts\",\"last-sequence-number\":1,"
        "\"last-updated-ms\":1007,\"last-column-id\":2,\"current-schema-id\":0,\"schemas\":["
        "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"platform\","
        "\"required\":true,\"type\":\"string\"},{\"id\":2,\"name\":\"at\",\"required\":false,"
        "\"type\":\"timestamptz\"}]}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,"
        "\"fields\":[{\"name\":\"platform\",\"transform\":\"identity\",\"source-id\":1,"
        "\"field-id\":1000},{\"name\":\"at_day\",\"transform\":\"day\",\"source-id\":2,"
        "\"field-id\":1001}]}],\"last-partition-id\":1001,\"default-sort-order-id\":0,"
        "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"properties\":{"
        "\"write.metadata.delete-after-commit.enabled\":\"true\","
        "\"write.metadata.previous-versions-max\":\"100\"},\"current-snapshot-id\":7,"
        "\"refs\":{\"main\":{\"snapshot-id\":7,\"type\":\"branch\"}},\"snapshots\":["
        "{\"sequence-number\":1,\"snapshot-id\":7,\"timestamp-ms\":1007,\"summary\":{"
        "\"operation\":\"append\",\"added-data-files\":\"2\",\"deleted-data-files\":\"0\","
        "\"added-records\":\"7\",\"deleted-records\":\"0\",\"added-files-size\":\"300\","
        "\"removed-files-size\":\"0\",\"changed-partition-count\":\"2\",\"total-records\":\"7\","
        "\"total-files-size\":\"300\",\"total-data-files\":\"2\",\"total-delete-files\":\"0\","
        "\"total-position-deletes\":\"0\",\"total-equality-deletes\":\"0\",\"plumb.run\":\"01J\"},"
        "\"manifest-list\":\"file://DIR/tables/posts/metadata/"
        "snap-7-1-07070707-0707-0707-0707-070707070707.avro\",\"schema-id\":0}],"
        "\"statistics\":[],\"partition-statistics\":[],\"snapshot-log\":["
        "{\"timestamp-ms\":1007,\"snapshot-id\":7}],\"metadata-log\":[]}",
        without_dir(&f, read_text(&f, key)));
    teardown(&f);
}

TEST(commits_build_on_each_other)
{
    fixture f;
    setup(&f);
    append(&f, 1, 0); // the schema alone: no snapshot
    CHECK_INT(PL_ICE_NO_SNAPSHOT, f.table->metadata->current_snapshot_id);
    CHECK_OK(pl_ice_files(f.table, 0, &f.arena, &f.files, &f.count, &f.err), f.err);
    CHECK_INT(0, f.count);
    append(&f, 2, 2);
    append(&f, 3, 1);
    const pl_ice_metadata *m = f.table->metadata;
    CHECK_INT(2, m->last_sequence);
    CHECK_INT(2, m->snapshot_count);
    CHECK_INT(2, pl_ice_snapshot_by_id(m, 3)->parent_id);
    CHECK_INT(2, m->metadata_log.count);
    CHECK_INT(2, m->snapshot_log.count);
    pl_span total;
    const pl_ice_snapshot *head = pl_ice_snapshot_by_id(m, 3);
    CHECK(pl_ice_pair_find(head->summary, head->summary_count, "total-records", &total));
    CHECK_SPAN("10", total);
    CHECK_OK(pl_ice_files(f.table, 0, &f.arena, &f.files, &f.count, &f.err), f.err);
    CHECK_INT(3, f.count);
    CHECK(f.files[0].sequence == 2 && f.files[0].snapshot_id == 3);
    CHECK(f.files[1].sequence == 1 && f.files[1].snapshot_id == 2);
    CHECK_SPAN("tiktok", f.files[1].partition[0].text);
    CHECK_INT(20000, f.files[1].partition[1].i32);
    CHECK(f.files[2].partition[1].is_null);
    CHECK_INT(200, f.files[2].metrics.bytes);
    CHECK_OK(pl_ice_files(f.table, 2, &f.arena, &f.files, &f.count, &f.err), f.err);
    CHECK_INT(2, f.count); // time travel
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_ice_files(f.table, 99, &f.arena, &f.files, &f.count, &f.err));
    CHECK_STR("cannot read table 'posts': it has no snapshot 99", f.err.message);
    teardown(&f);
}

TEST(time_never_runs_backwards)
{
    fixture f;
    setup(&f);
    append(&f, 50, 1);
    append(&f, 2, 1);
    CHECK_INT(1050, f.table->metadata->last_updated_ms);
    CHECK_INT(1050, pl_ice_snapshot_by_id(f.table->metadata, 2)->timestamp_ms);
    teardown(&f);
}

static bool seen_visit(void *context, const char *key, uint64_t bytes)
{
    (void)bytes;
    pl_buf_printf(context, "%s\n", strrchr(key, '/') + 1);
    return true;
}

TEST(a_retry_on_a_newer_head_reuses_its_manifests)
{
    fixture f;
    setup(&f);
    append(&f, 1, 0);
    const char *base = f.table->metadata_location;
    char *theirs = append(&f, 2, 1), *mine;
    CHECK_OK(pl_ice_load(f.store, base, &f.arena, &f.table, &f.err), f.err);
    pl_ice_commit commit = commit_of(3);
    CHECK_OK(pl_ice_append(f.table, two_files, 2, &commit, &mine, &f.err), f.err);
    CHECK_OK(pl_ice_load(f.store, theirs, &f.arena, &f.table, &f.err), f.err);
    CHECK_OK(pl_ice_append(f.table, two_files, 2, &commit, &mine, &f.err), f.err);
    CHECK_OK(pl_ice_load(f.store, mine, &f.arena, &f.table, &f.err), f.err);
    CHECK_INT(2, pl_ice_snapshot_by_id(f.table->metadata, 3)->parent_id);
    CHECK_OK(pl_ice_files(f.table, 0, &f.arena, &f.files, &f.count, &f.err), f.err);
    CHECK_INT(3, f.count);
    CHECK_INT(2, f.files[0].sequence);
    pl_buf names = {0};
    CHECK_OK(pl_store_list(f.store, "tables/posts/metadata/", seen_visit, &names, &f.err), f.err);
    CHECK_STR("00000-01010101-0101-0101-0101-010101010101.metadata.json\n"
              "00001-02020202-0202-0202-0202-020202020202.metadata.json\n"
              "00001-03030303-0303-0303-0303-030303030303.metadata.json\n"
              "00002-03030303-0303-0303-0303-030303030302.metadata.json\n"
              "02020202-0202-0202-0202-020202020202-m0.avro\n"
              "03030303-0303-0303-0303-030303030303-m0.avro\n"
              "snap-2-1-02020202-0202-0202-0202-020202020202.avro\n"
              "snap-3-1-03030303-0303-0303-0303-030303030303.avro\n"
              "snap-3-2-03030303-0303-0303-0303-030303030303.avro\n",
              pl_buf_cstr(&names));
    pl_buf_done(&names);
    teardown(&f);
}

TEST(old_metadata_leaves_the_log_at_its_bound)
{
    fixture f;
    pl_ice_pair bound = {PL_SPAN("write.metadata.previous-versions-max"), PL_SPAN("2")};
    pl_ice_new options = {
        .key = "t", .schema = &schema, .now_ms = 1, .properties = &bound, .property_count = 1};
    setup(&f);
    CHECK_OK(pl_ice_create(f.store, &options, &f.arena, &f.table, &f.err), f.err);
    for (uint8_t i = 1; i <= 4; i++) append(&f, i, 0);
    const pl_ice_items *log = &f.table->metadata->metadata_log;
    CHECK_INT(2, log->count);
    CHECK_STR("file://DIR/t/metadata/00001-02020202-0202-0202-0202-020202020202.metadata.json",
              without_dir(&f, pl_arena_cstr(&f.arena, log->items[0].name)));
    teardown(&f);
}

TEST(a_commit_of_many_files_is_split_over_manifests)
{
    enum { FILES = 300, BOUND = 64 * 1024 };
    fixture f;
    setup(&f);
    static char noise[BOUND]; // does not compress
    static pl_ice_data_file many[FILES];
    pl_leaf_metrics leaf = {.field_id = 1, .has_lower = true, .lower = {noise, BOUND}};
    uint64_t number = 1;
    for (size_t i = 0; i < BOUND; i++) {
        number = number * UINT64_C(6364136223846793005) + 1442695040888963407u;
        noise[i] = (char)(number >> 56);
    }
    for (int i = 0; i < FILES; i++) {
        many[i] = two_files[0];
        many[i].metrics.leaf_count = 1;
        many[i].metrics.leaves = &leaf;
    }
    pl_ice_commit commit = commit_of(1);
    char *location;
    CHECK_OK(pl_ice_append(f.table, many, FILES, &commit, &location, &f.err), f.err);
    CHECK_INT(3, commit.manifest_count);
    for (uint32_t i = 0; i < commit.manifest_count; i++)
        CHECK(commit.manifests[i].bytes < PL_ICE_MANIFEST_BYTES_TARGET + 2 * BOUND);
    CHECK_OK(pl_ice_load(f.store, location, &f.arena, &f.table, &f.err), f.err);
    CHECK_OK(pl_ice_files(f.table, 0, &f.arena, &f.files, &f.count, &f.err), f.err);
    CHECK_INT(FILES, f.count);
    teardown(&f);
}

TEST(the_hint_names_the_metadata_without_a_newline)
{
    fixture f;
    setup(&f);
    char *location = append(&f, 1, 0);
    CHECK_OK(pl_ice_write_hint(f.store, location, &f.err), f.err);
    CHECK_STR("00000-01010101-0101-0101-0101-010101010101",
              read_text(&f, "tables/posts/metadata/version-hint.text"));
    teardown(&f);
}

TEST(the_spec_is_compared_by_sources_and_transforms)
{
    fixture f;
    setup(&f);
    pl_partition_field other[2] = {parts[0], parts[1]};
    pl_partition_spec wanted = {.count = 2, .fields = other};
    CHECK(pl_ice_spec_matches(f.table, &wanted));
    other[1].transform.kind = PL_MONTH;
    CHECK(!pl_ice_spec_matches(f.table, &wanted));
    wanted.count = 1;
    CHECK(!pl_ice_spec_matches(f.table, &wanted));
    teardown(&f);
}

TEST(what_is_not_there_or_damaged_is_named)
{
    fixture f;
    pl_ice_table *table;
    setup(&f);
    append(&f, 1, 2);
    CHECK_INT(PLUMB_E_FAILED,
              pl_ice_load(f.store, "s3://b/t/metadata/v.json", &f.arena, &table, &f.err));
    CHECK_STR("cannot read table metadata 's3://b/t/metadata/v.json': it is outside the lake",
              f.err.message);
    CHECK_STR(
        "Table metadata holds absolute paths: if the lake was moved, 'plumb relocate' rewrites "
        "them.",
        f.err.hint);
    const char *path =
        temp_path(f.dir, "tables/posts/metadata/01010101-0101-0101-0101-010101010101-m0.avro");
    CHECK_INT(0, truncate(path, 100));
    CHECK_INT(PLUMB_E_MALFORMED, pl_ice_files(f.table, 0, &f.arena, &f.files, &f.count, &f.err));
    CHECK(strstr(f.err.message, "cannot read manifest 'tables/posts/metadata/01010101-0101-0101-"
                                "0101-010101010101-m0.avro': expected ") == f.err.message);
    CHECK(strstr(f.err.message, " bytes, found 100") != NULL);
    pl_ice_commit commit = commit_of(1);
    char *location;
    CHECK_INT(PLUMB_E_MISUSE, pl_ice_append(f.table, two_files, 2, &commit, &location, &f.err));
    CHECK_STR("cannot append to table 'posts': snapshot id 1 is taken", f.err.message);
    teardown(&f);
}

TEST(partitions_that_cannot_be_are_refused)
{
    fixture f;
    setup(&f);
    pl_partition_field other = {
        .source = PL_SPAN("platform"), .name = PL_SPAN("p"), .transform = {.kind = PL_DAY}};
    pl_partition_spec wanted = {.count = 1, .fields = &other};
    pl_ice_new options = {.key = "tables/x", .schema = &schema, .spec = &wanted};
    CHECK_INT(PLUMB_E_CONFIG, pl_ice_create(f.store, &options, &f.arena, &f.table, &f.err));
    CHECK_STR("cannot create table 'x': partition field 'p' is not possible on a column of type "
              "string",
              f.err.message);
    other.source = PL_SPAN("none");
    CHECK_INT(PLUMB_E_CONFIG, pl_ice_create(f.store, &options, &f.arena, &f.table, &f.err));
    CHECK_STR("cannot create table 'x': partition field 'p' has no column 'none'", f.err.message);
    teardown(&f);
}

int main(void)
{
    return RUN_TESTS(
        "iceberg/table", T(the_first_commit_is_this_text), T(commits_build_on_each_other),
        T(time_never_runs_backwards), T(a_retry_on_a_newer_head_reuses_its_manifests),
        T(old_metadata_leaves_the_log_at_its_bound),
        T(a_commit_of_many_files_is_split_over_manifests),
        T(the_hint_names_the_metadata_without_a_newline),
        T(the_spec_is_compared_by_sources_and_transforms), T(what_is_not_there_or_damaged_is_named),
        T(partitions_that_cannot_be_are_refused));
}
