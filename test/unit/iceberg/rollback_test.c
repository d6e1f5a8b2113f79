// SPDX-License-Identifier: Apache-2.0
#include "iceberg/lint.h"
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
static pl_field more_fields[] = {
    {.name = {"p", 1}, .type = {.kind = PL_STRING}, .required = true, .doc = {"", 0}},
    {.name = {"q", 1}, .type = {.kind = PL_LONG}, .doc = {"", 0}},
};
static const pl_schema more = {.count = 2, .fields = more_fields};
static pl_partition_field parts[] = {
    {.source = {"p", 1}, .name = {"p", 1}, .transform = {.kind = PL_IDENTITY}},
};
static const pl_partition_spec spec = {.count = 1, .fields = parts};
static const pl_value one = {.kind = PL_STRING, .text = {"one", 3}};
static const pl_value two = {.kind = PL_STRING, .text = {"two", 3}};
static const pl_ice_data_file three[] = {
    {{"file:///data/a", 14}, &one, {.bytes = 100, .rows = 1}, false},
    {{"file:///data/b", 14}, &two, {.bytes = 200, .rows = 2}, false},
    {{"file:///data/c", 14}, &one, {.bytes = 400, .rows = 4}, false},
};

static pl_ice_commit commit_of(uint8_t seed)
{
    pl_ice_commit commit = {.snapshot_id = seed, .now_ms = 1000 + seed};
    memset(commit.uuid, seed, 16);
    return commit;
}

static void load(fixture *f, const char *location)
{
    CHECK_OK(pl_ice_load(f->store, location, &f->arena, &f->table, &f->err), f->err);
}

static void append(fixture *f, uint8_t seed)
{
    pl_ice_commit commit = commit_of(seed);
    char *location;
    CHECK_OK(pl_ice_append(f->table, &three[(seed - 1) % 3], 1, &commit, &location, &f->err),
             f->err);
    load(f, location);
}

static void roll(fixture *f, uint8_t seed, pl_ice_move move)
{
    pl_ice_commit commit = commit_of(seed);
    char *location;
    CHECK_OK(pl_ice_rollback(f->table, &move, &commit, &location, &f->err), f->err);
    load(f, location);
}

// Snapshots 1, 2 and, with another column and sorted by it, 3.
static void setup(fixture *f)
{
    *f = (fixture){.dir = temp_make()};
    CHECK_OK(pl_store_open_local(f->dir, false, &f->store, &f->err), f->err);
    pl_ice_new options = {.key = "tables/t", .schema = &schema, .spec = &spec, .now_ms = 1000};
    CHECK_OK(pl_ice_create(f->store, &options, &f->arena, &f->table, &f->err), f->err);
    append(f, 1);
    append(f, 2);
    bool changed;
    pl_sort_field by[] = {{.source = {"q", 1}}};
    pl_sort_order sort = {.count = 1, .fields = by};
    CHECK_OK(pl_ice_evolve(f->table, &more, NULL, &changed, &f->err), f->err);
    pl_ice_lay_out(f->table, &sort, "snappy", &changed);
    append(f, 3);
}

static void teardown(fixture *f)
{
    pl_store_close(f->store);
    pl_arena_done(&f->arena);
    temp_remove(f->dir);
}

// "main 2, undone-1 3": refs in their order.
static const char *refs(fixture *f)
{
    const pl_ice_items *all = &f->table->metadata->refs;
    const char *text = "";
    for (uint32_t i = 0; i < all->count; i++)
        text = pl_arena_printf(&f->arena, "%s%s%.*s %d", text, i ? ", " : "",
                               PL_FMT(all->items[i].name), (int)all->items[i].id);
    return text;
}

TEST(the_head_goes_back_with_its_schema)
{
    fixture f;
    setup(&f);
    const pl_ice_metadata *m = f.table->metadata;
    CHECK_INT(1, m->current_schema_id);
    CHECK_INT(1, m->default_sort_order_id);
    roll(&f, 9, (pl_ice_move){.snapshot = 2, .tag = "undone-1", .tag_age_ms = 90});
    m = f.table->metadata;
    CHECK_INT(2, m->current_snapshot_id);
    CHECK_STR("main 2, undone-1 3", refs(&f));
    CHECK_SPAN("{\"snapshot-id\":3,\"type\":\"tag\",\"max-ref-age-ms\":90}", m->refs.items[1].raw);
    CHECK_INT(0, m->current_schema_id);
    CHECK_INT(0, m->default_sort_order_id); // by a column that is not there now
    CHECK_INT(2, m->last_column_id);
    CHECK_INT(3, m->last_sequence);
    CHECK_INT(3, m->snapshot_count);
    CHECK_INT(4, m->snapshot_log.count);
    CHECK_INT(2, m->snapshot_log.items[3].id);
    CHECK_INT(1009, m->snapshot_log.items[3].timestamp_ms);
    CHECK_INT(1009, m->last_updated_ms);
    CHECK_INT(2, pl_ice_snapshot_at(m, 2000)->id);
    CHECK_INT(3, pl_ice_snapshot_at(m, 1005)->id);
    teardown(&f);
}

TEST(what_comes_after_is_built_on_it)
{
    fixture f;
    pl_ice_file *files;
    uint32_t count;
    setup(&f);
    roll(&f, 9, (pl_ice_move){.snapshot = 1, .tag = "undone-1", .tag_age_ms = 90});
    append(&f, 10);
    const pl_ice_snapshot *s = pl_ice_snapshot_by_id(f.table->metadata, 10);
    CHECK_INT(1, s->parent_id);
    CHECK_INT(4, s->sequence);
    CHECK_STR("main 10, undone-1 3", refs(&f));
    CHECK_OK(pl_ice_files(f.table, 0, &f.arena, &files, &count, &f.err), f.err);
    CHECK_INT(2, count);
    CHECK_OK(pl_ice_files(f.table, 3, &f.arena, &files, &count, &f.err), f.err);
    CHECK_INT(3, count);
    teardown(&f);
}

TEST(forward_again_drops_the_tag)
{
    fixture f;
    setup(&f);
    roll(&f, 9, (pl_ice_move){.snapshot = 1, .tag = "undone-1", .tag_age_ms = 90});
    roll(&f, 10, (pl_ice_move){.snapshot = 3, .untag = "undone-1"});
    CHECK_STR("main 3", refs(&f));
    CHECK_INT(1, f.table->metadata->current_schema_id);
    teardown(&f);
}

TEST(the_lint_finds_nothing_new)
{
    fixture f;
    pl_ice_lint lint;
    setup(&f);
    roll(&f, 9, (pl_ice_move){.snapshot = 1, .tag = "undone-1", .tag_age_ms = 90});
    pl_ice_lint_table(f.store, f.table->metadata_location, &f.arena, &lint);
    for (uint32_t i = 0; i < lint.count; i++) // the data files of this test do not exist
        CHECK_STR("file-exists", lint.findings[i].rule);
    teardown(&f);
}

TEST(a_snapshot_that_is_not_there_is_refused)
{
    fixture f;
    setup(&f);
    pl_ice_move move = {.snapshot = 7};
    pl_ice_commit commit = commit_of(9);
    char *location;
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_ice_rollback(f.table, &move, &commit, &location, &f.err));
    CHECK_STR("cannot roll back table 't': it has no snapshot 7", f.err.message);
    teardown(&f);
}

int main(void)
{
    return RUN_TESTS("iceberg/rollback", T(the_head_goes_back_with_its_schema),
                     T(what_comes_after_is_built_on_it), T(forward_again_drops_the_tag),
                     T(the_lint_finds_nothing_new), T(a_snapshot_that_is_not_there_is_refused));
}
