// What every engine finds afterwards is in test/e2e/test_relocate.py; here: names, and refusals.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/relocate.h"
#include "unit.h"

#include "temp.h"

typedef struct fixture {
    char *dir;
    pl_store *store;
    pl_arena arena;
    plumb_error err;
    pl_ice_table *table;
    char *location;
    pl_ice_relocation made;
} fixture;

static pl_field fields[] = {{.name = {"n", 1}, .type = {.kind = PL_LONG}, .doc = {"", 0}}};
static const pl_schema schema = {.count = 1, .fields = fields};
static const pl_partition_spec spec = {0};

// A table with one snapshot of one data file at `path`.
static void setup(fixture *f, const char *path)
{
    *f = (fixture){.dir = temp_make()};
    CHECK_OK(pl_store_open_local(f->dir, false, &f->store, &f->err), f->err);
    pl_ice_pair folder = {PL_SPAN("write.data.path"),
                          pl_span_of(pl_store_uri(f->store, "tables/t/data", &f->arena))};
    pl_ice_new options = {.key = "tables/t",
                          .schema = &schema,
                          .spec = &spec,
                          .properties = &folder,
                          .property_count = 1,
                          .now_ms = 1000};
    CHECK_OK(pl_ice_create(f->store, &options, &f->arena, &f->table, &f->err), f->err);
    const char *uri = pl_store_uri(f->store, "tables/t/data/a.parquet", &f->arena);
    pl_ice_data_file file = {.path = pl_span_of(path ? path : uri),
                             .metrics = {.bytes = 100, .rows = 3}};
    pl_ice_commit commit = {.snapshot_id = 7, .now_ms = 1001};
    CHECK_OK(pl_ice_append(f->table, &file, 1, &commit, &f->location, &f->err), f->err);
    char *source = pl_store_uri(f->store, "x", &f->arena);
    source[strlen(source) - 1] = '\0';
    f->made = (pl_ice_relocation){
        .source = source, .target = "file:///new lake/", .key = "tables/t", .now_ms = 2000};
    memset(f->made.uuid, 5, 16);
}

static void teardown(fixture *f)
{
    pl_store_close(f->store);
    pl_arena_done(&f->arena);
    temp_remove(f->dir);
}

TEST(a_prefix_is_what_stands_before_the_key)
{
    pl_arena arena = {0};
    static const struct {
        const char *location, *prefix;
    } cases[] = {
        {"file:///a/lake/tables/t/metadata/0.metadata.json", "file:///a/lake/"},
        {"file:///tables/t/metadata/tables/t/metadata/0.json", "file:///tables/t/metadata/"},
        {"/tables/t/metadata/0.json", "/"},
        {"file:///a/lake/tables/tt/metadata/0.json", NULL},
        {"file:///a/laketables/t/metadata/0.json", NULL},
        {"file:///a/lake/tables/t/meta/0.json", NULL},
        {"tables/t/metadata/0.json", NULL},
        {"0.json", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        const char *prefix = pl_ice_prefix(cases[i].location, "tables/t", &arena);
        if (cases[i].prefix)
            CHECK_STR(cases[i].prefix, prefix);
        else
            CHECK(prefix == NULL);
    }
    pl_arena_done(&arena);
}

TEST(every_path_is_below_the_target_and_all_else_as_it_was)
{
    fixture f;
    pl_ice_table *old, *moved;
    pl_ice_file *files;
    pl_span value;
    uint32_t count;
    setup(&f, NULL);
    CHECK_OK(pl_ice_load(f.store, f.location, &f.arena, &old, &f.err), f.err);
    CHECK_OK(pl_ice_relocate(f.store, f.location, &f.arena, &f.made, &f.err), f.err);
    CHECK_INT(1, f.made.snapshots);
    CHECK_INT(1, f.made.manifests);
    CHECK_INT(1, f.made.files);
    CHECK_STR("file:///new lake/tables/t/metadata/"
              "00001-05050505-0505-0505-0505-050505050505.metadata.json",
              f.made.next);
    CHECK(pl_store_key(f.store, f.made.next) == NULL);
    pl_store_moved_from(f.store, "file:///new lake/"); // looked at as if it were there
    CHECK_OK(pl_ice_load(f.store, f.made.next, &f.arena, &moved, &f.err), f.err);
    CHECK_SPAN("file:///new lake/tables/t", moved->metadata->location);
    CHECK(pl_ice_pair_find(moved->metadata->properties, moved->metadata->property_count,
                           "write.data.path", &value));
    CHECK_SPAN("file:///new lake/tables/t/data", value);
    CHECK_SPAN("file:///new lake/tables/t/metadata/snap-7-1-05050505-0505-0505-0505-050505050505"
               ".avro",
               moved->metadata->snapshots[0].manifest_list);
    CHECK_INT(2000, moved->metadata->last_updated_ms);
    CHECK_INT(1, moved->metadata->metadata_log.count);
    CHECK_SPAN("file:///new lake/tables/t/metadata/"
               "00000-00000000-0000-0000-0000-000000000000.metadata.json",
               moved->metadata->metadata_log.items[0].name);
    CHECK_INT(old->metadata->last_sequence, moved->metadata->last_sequence);
    CHECK_INT(7, moved->metadata->current_snapshot_id);
    CHECK_OK(pl_ice_files(moved, 7, &f.arena, &files, &count, &f.err), f.err);
    CHECK_INT(1, count);
    CHECK_SPAN("file:///new lake/tables/t/data/a.parquet", files[0].path);
    CHECK_INT(3, files[0].metrics.rows);
    CHECK_INT(7, files[0].snapshot_id);
    teardown(&f);
}

static bool count_key(void *context, const char *key, uint64_t bytes)
{
    (void)key, (void)bytes;
    ++*(int *)context;
    return true;
}

TEST(a_dry_one_writes_nothing)
{
    fixture f;
    int before = 0, after = 0;
    setup(&f, NULL);
    CHECK_OK(pl_store_list(f.store, "", count_key, &before, &f.err), f.err);
    f.made.dry = true;
    CHECK_OK(pl_ice_relocate(f.store, f.location, &f.arena, &f.made, &f.err), f.err);
    CHECK_INT(1, f.made.files);
    CHECK(f.made.next == NULL);
    CHECK_OK(pl_store_list(f.store, "", count_key, &after, &f.err), f.err);
    CHECK_INT(before, after);
    teardown(&f);
}

TEST(a_file_elsewhere_is_refused_by_name)
{
    fixture f;
    char want[8192];
    setup(&f, "file:///else/a.parquet");
    CHECK_INT(PLUMB_E_FAILED, pl_ice_relocate(f.store, f.location, &f.arena, &f.made, &f.err));
    snprintf(want, sizeof want,
             "cannot relocate table 't': data file 'file:///else/a.parquet' is below neither '%s' "
             "nor 'file:///new lake/'",
             f.made.source);
    CHECK_STR(want, f.err.message);
    CHECK_INT(PLUMB_E_FAILED, pl_ice_relocate(f.store, "s3://b/v.json", &f.arena, &f.made, &f.err));
    teardown(&f);
}

int main(void)
{
    return RUN_TESTS("iceberg/relocate", T(a_prefix_is_what_stands_before_the_key),
                     T(every_path_is_below_the_target_and_all_else_as_it_was),
                     T(a_dry_one_writes_nothing), T(a_file_elsewhere_is_refused_by_name));
}
