// SPDX-License-Identifier: Apache-2.0
#include "parquet/facts.h"

#include <stdlib.h>

#include "parquet/writer.h"
#include "temp.h"
#include "unit.h"

static char *dir;
static pl_store *store;
static pl_arena arena;
static plumb_error err;
static pl_type item = {.kind = PL_LONG};
static pl_field fields[3];
static const pl_schema schema = {.count = 3, .fields = fields};

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    fields[0] = (pl_field){.id = 3, .name = PL_SPAN("n"), .type = {.kind = PL_LONG}};
    fields[1] = (pl_field){.id = 5,
                           .name = PL_SPAN("l"),
                           .type = {.kind = PL_LIST, .element = &item, .element_id = 6}};
    fields[2] = (pl_field){.id = 4, .name = PL_SPAN("t"), .type = {.kind = PL_STRING}};
    return pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_store_close(store);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

// The footer of two groups of ten rows; row 3 of each is NULL.
static pl_span footer_of_file(void)
{
    pl_put *put;
    pl_parquet_writer *writer;
    pl_file_metrics metrics;
    pl_span file;
    uint32_t bytes;
    pl_column columns[3];
    char text[100];
    pl_sort_field sorted = {.source_id = 4, .descending = true, .nulls_last = true};
    pl_sort_order sort = {.count = 1, .fields = &sorted};
    pl_parquet_options options = {.sort = &sort};
    CHECK_OK(pl_put_begin(store, "t.parquet", &put, &err), err);
    CHECK_OK(pl_parquet_open(&schema, &options, put, &writer, &err), err);
    for (int i = 0; i < 3; i++) pl_column_init(&columns[i], &fields[i].type);
    for (int64_t row = 0; row < 20; row++) {
        pl_value n = {.kind = PL_LONG, .is_null = row % 10 == 3, .i64 = row};
        pl_column_append(&columns[0], &n);
        pl_column_list(&columns[1]);
        snprintf(text, sizeof text, "%0*lld", row < 10 ? 3 : 90, (long long)row);
        pl_column_text(&columns[2], pl_span_of(text));
        if (row % 10 != 9) continue;
        CHECK_OK(pl_parquet_write_group(writer, columns, &err), err);
        for (int i = 0; i < 3; i++) pl_column_reset(&columns[i]);
    }
    CHECK_OK(pl_parquet_finish(writer, &arena, &metrics, &err), err);
    pl_parquet_close(writer);
    CHECK_OK(pl_put_finish(put, 0, &err), err);
    for (int i = 0; i < 3; i++) pl_column_done(&columns[i]);
    CHECK_OK(pl_store_get(store, "t.parquet", 1 << 20, &arena, &file, &err), err);
    memcpy(&bytes, file.data + file.bytes - 8, sizeof bytes);
    return pl_span_make(file.data + file.bytes - 8 - bytes, bytes);
}

TEST(facts_are_what_the_writer_said)
{
    pl_parquet_facts facts;
    CHECK(!pl_parquet_facts_read(footer_of_file(), &arena, &facts));
    CHECK_INT(20, facts.rows);
    CHECK_INT(3, facts.leaf_count);
    CHECK_INT(2, facts.group_count);
    CHECK(pl_span_starts(facts.created_by, PL_SPAN("plumb version ")));
    CHECK_SPAN("n", facts.leaves[0].name);
    CHECK(facts.leaves[0].top && facts.leaves[0].field_id == 3);
    CHECK_SPAN("element", facts.leaves[1].name);
    CHECK(!facts.leaves[1].top && facts.leaves[1].field_id == 6);
    CHECK(facts.leaves[2].top && facts.leaves[2].field_id == 4);
    const pl_parquet_group *group = &facts.groups[1];
    CHECK_INT(10, group->rows);
    CHECK_INT(4, facts.groups[0].chunks[0].offset);
    CHECK(group->chunks[0].offset > 4 && group->chunks[0].values == 10);
    CHECK_INT(1, group->chunks[0].nulls);
    CHECK(group->chunks[0].has_min && group->chunks[0].min.data[0] == 10);
    CHECK(facts.groups[0].chunks[2].has_max && !group->chunks[2].has_max); // cut, so not exact
    CHECK_INT(1, group->sorted_count);
    CHECK(group->sorted[0].leaf == 2 && group->sorted[0].descending &&
          !group->sorted[0].nulls_first);
}

TEST(facts_survive_damage)
{
    pl_parquet_facts facts;
    pl_span footer = footer_of_file();
    char *bad = pl_alloc(footer.bytes);
    for (size_t i = 0; i < footer.bytes; i++) {
        pl_arena scratch = {0};
        memcpy(bad, footer.data, footer.bytes);
        CHECK(pl_parquet_facts_read(pl_span_make(bad, i), &scratch, &facts));
        bad[i] ^= (char)(1 << i % 8);
        if (!pl_parquet_facts_read(pl_span_make(bad, footer.bytes), &scratch, &facts))
            for (uint32_t g = 0; g < facts.group_count; g++)
                CHECK(facts.groups[g].chunks || !facts.leaf_count);
        pl_arena_done(&scratch);
    }
    free(bad);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("parquet/facts", FILE_TEST(facts_are_what_the_writer_said),
                     FILE_TEST(facts_survive_damage));
}
