// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table.h"
#include "temp.h"
#include "unit.h"

typedef struct fixture {
    char *dir;
    pl_store *store;
    pl_arena arena;
    plumb_error err;
    pl_ice_table *table;
} fixture;

static pl_field fields[] = {
    {.name = {"p", 1}, .type = {.kind = PL_STRING}, .required = true, .doc = {"", 0}},
};
static const pl_schema schema = {.count = 1, .fields = fields};
static pl_partition_field parts[] = {
    {.source = {"p", 1}, .name = {"p", 1}, .transform = {.kind = PL_IDENTITY}},
};
static const pl_partition_spec spec = {.count = 1, .fields = parts};
static const pl_value one = {.kind = PL_STRING, .text = {"one", 3}};
static const pl_value two = {.kind = PL_STRING, .text = {"two", 3}};
static const pl_ice_data_file four[] = {
    {{"file:///data/a", 14}, &one, {.bytes = 100, .rows = 1}, false},
    {{"file:///data/b", 14}, &two, {.bytes = 200, .rows = 2}, false},
    {{"file:///data/c", 14}, &one, {.bytes = 400, .rows = 4}, false},
    {{"file:///data/d", 14}, &two, {.bytes = 800, .rows = 8}, false},
};
static const pl_span a = {"file:///data/a", 14}, b = {"file:///data/b", 14};
static const pl_span c = {"file:///data/c", 14}, d = {"file:///data/d", 14};

static pl_ice_commit commit_of(uint8_t seed, const pl_span *removed, uint32_t count)
{
    pl_ice_commit commit = {.snapshot_id = seed, .now_ms = 1000 + seed};
    commit.removed = removed;
    commit.removed_count = count;
    memset(commit.uuid, seed, 16);
    return commit;
}

static void load(fixture *f, const char *location)
{
    CHECK_OK(pl_ice_load(f->store, location, &f->arena, &f->table, &f->err), f->err);
}

static void append(fixture *f, pl_ice_commit commit, const pl_ice_data_file *files, uint32_t count)
{
    char *location;
    CHECK_OK(pl_ice_append(f->table, files, count, &commit, &location, &f->err), f->err);
    load(f, location);
}

// Snapshots 1 of a and b, 2 of c.
static void setup(fixture *f)
{
    *f = (fixture){.dir = temp_make()};
    CHECK_OK(pl_store_open_local(f->dir, false, &f->store, &f->err), f->err);
    pl_ice_new options = {.key = "tables/t", .schema = &schema, .spec = &spec, .now_ms = 1000};
    CHECK_OK(pl_ice_create(f->store, &options, &f->arena, &f->table, &f->err), f->err);
    append(f, commit_of(1, NULL, 0), four, 2);
    append(f, commit_of(2, NULL, 0), four + 2, 1);
}

static void teardown(fixture *f)
{
    pl_store_close(f->store);
    pl_arena_done(&f->arena);
    temp_remove(f->dir);
}

// "d 3/3 b 1/1": live files in list order with the snapshot and the sequence that added them.
static const char *live(fixture *f)
{
    pl_ice_file *files;
    uint32_t count;
    pl_buf text = {0};
    CHECK_OK(pl_ice_files(f->table, 0, &f->arena, &files, &count, &f->err), f->err);
    for (uint32_t i = 0; i < count; i++)
        pl_buf_printf(&text, "%s%c %d/%d", i ? " " : "",
                      files[i].path.data[files[i].path.bytes - 1], (int)files[i].snapshot_id,
                      (int)files[i].sequence);
    const char *copy = pl_arena_cstr(&f->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

// The summary of the head, values alone: operation, then the others in their order.
static const char *summary(fixture *f)
{
    const pl_ice_metadata *m = f->table->metadata;
    const pl_ice_snapshot *head = pl_ice_snapshot_by_id(m, m->current_snapshot_id);
    pl_buf text = {0};
    pl_buf_span(&text, head->operation);
    for (uint32_t i = 0; i < head->summary_count; i++)
        pl_buf_printf(&text, " %.*s", PL_FMT(head->summary[i].value));
    const char *copy = pl_arena_cstr(&f->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

TEST(some_files_go_and_others_come)
{
    fixture f;
    setup(&f);
    append(&f, commit_of(3, &a, 1), four + 3, 1);
    CHECK_STR("d 3/3 b 1/1 c 2/2", live(&f));
    // operation; files +, -; rows +, -; bytes +, -; partitions; rows, bytes, files; no deletes
    CHECK_STR("overwrite 1 1 8 1 800 100 2 14 1400 3 0 0 0", summary(&f));
    append(&f, commit_of(4, &c, 1), NULL, 0);
    CHECK_STR("d 3/3 b 1/1", live(&f));
    CHECK_STR("delete 0 1 0 4 0 400 1 10 1000 2 0 0 0", summary(&f));
    teardown(&f);
}

TEST(everything_may_go)
{
    fixture f;
    const pl_span all[] = {c, a, b, a};
    setup(&f);
    append(&f, commit_of(3, all, 4), NULL, 0);
    CHECK_STR("", live(&f));
    CHECK_STR("delete 0 3 0 7 0 700 2 0 0 0 0 0 0", summary(&f));
    append(&f, commit_of(4, NULL, 0), four + 3, 1);
    CHECK_STR("d 4/4", live(&f));
    teardown(&f);
}

TEST(a_replacement_says_so)
{
    fixture f;
    const pl_span both[] = {a, c};
    setup(&f);
    pl_ice_commit commit = commit_of(3, both, 2);
    pl_ice_data_file merged = four[3];
    merged.metrics.rows = 5;
    commit.operation = "replace";
    append(&f, commit, &merged, 1);
    CHECK_STR("d 3/3 b 1/1", live(&f));
    CHECK_STR("replace 1 2 5 5 800 500 2 7 1000 2 0 0 0", summary(&f));
    teardown(&f);
}

TEST(a_file_that_is_gone_is_a_conflict)
{
    fixture f;
    setup(&f);
    const pl_span gone[] = {a, d};
    char *location;
    pl_ice_commit commit = commit_of(3, gone, 2);
    CHECK_INT(PLUMB_E_CONFLICT, pl_ice_append(f.table, four + 3, 1, &commit, &location, &f.err));
    CHECK_STR("cannot remove files of table 't': 'file:///data/d' is not in it any more",
              f.err.message);
    commit.removed_count = 1; // the caller looked again
    CHECK_OK(pl_ice_append(f.table, four + 3, 1, &commit, &location, &f.err), f.err);
    load(&f, location);
    CHECK_STR("d 3/3 b 1/1 c 2/2", live(&f));
    teardown(&f);
}

TEST(a_retry_rewrites_what_is_there_then)
{
    fixture f;
    setup(&f);
    char *location, *theirs;
    pl_ice_commit mine = commit_of(3, &a, 1), other = commit_of(4, &b, 1);
    CHECK_OK(pl_ice_append(f.table, four + 3, 1, &mine, &location, &f.err), f.err);
    CHECK_OK(pl_ice_append(f.table, NULL, 0, &other, &theirs, &f.err), f.err);
    load(&f, theirs);
    CHECK_OK(pl_ice_append(f.table, four + 3, 1, &mine, &location, &f.err), f.err);
    load(&f, location);
    CHECK_STR("d 3/4 c 2/2", live(&f));
    teardown(&f);
}

// A second partition spec, as another writer would add it, the new default.
static void add_spec(pl_ice_table *table, pl_arena *arena)
{
    pl_ice_metadata *m = table->metadata;
    pl_ice_spec *specs = PL_TAKE(arena, pl_ice_spec, 2);
    specs[0] = m->specs[0];
    specs[1] = (pl_ice_spec){.spec.id = 1, .raw = PL_SPAN("{\"spec-id\":1,\"fields\":[]}")};
    m->specs = specs;
    m->spec_count = 2;
    m->default_spec_id = 1;
}

TEST(manifests_of_several_specs_stay_apart)
{
    fixture f;
    const pl_span both[] = {a, d};
    setup(&f);
    add_spec(f.table, &f.arena);
    append(&f, commit_of(3, NULL, 0), four + 3, 1);
    CHECK_INT(1, f.table->metadata->default_spec_id);
    pl_ice_data_file last = {{"file:///data/e", 14}, NULL, {.bytes = 1, .rows = 1}, false};
    append(&f, commit_of(4, both, 2), &last, 1);
    CHECK_STR("e 4/4 b 1/1 c 2/2", live(&f));
    // The partitions 'one' of the old spec and the only one of the new.
    CHECK_STR("overwrite 1 2 1 9 1 900 2 7 601 3 0 0 0", summary(&f));
    teardown(&f);
}

int main(void)
{
    return RUN_TESTS("iceberg/rewrite", T(some_files_go_and_others_come), T(everything_may_go),
                     T(a_replacement_says_so), T(a_file_that_is_gone_is_a_conflict),
                     T(a_retry_rewrites_what_is_there_then),
                     T(manifests_of_several_specs_stay_apart));
}
