// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table.h"

#include "temp.h"
#include "unit.h"

static char *dir;
static pl_store *store;
static pl_arena arena;
static plumb_error err;
static pl_ice_table *table;

static pl_field fields[] = {
    {.name = {"a", 1}, .type = {.kind = PL_LONG}, .doc = {"", 0}},
    {.name = {"b", 1}, .type = {.kind = PL_STRING}, .doc = {"", 0}},
};
static const pl_schema schema = {.count = 2, .fields = fields};

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    pl_ice_new options = {.key = "tables/t", .schema = &schema, .now_ms = 1000};
    return pl_store_open_local(dir, false, &store, &err) != PLUMB_OK ||
           pl_ice_create(store, &options, &arena, &table, &err) != PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_store_close(store);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static bool lay_out(pl_sort_field *sorted, uint32_t count, const char *codec)
{
    bool changed;
    pl_sort_order sort = {.count = count, .fields = sorted};
    pl_ice_lay_out(table, &sort, codec, &changed);
    return changed;
}

TEST(layout_of_a_plain_table_changes_nothing)
{
    CHECK(!lay_out(NULL, 0, "snappy"));
    CHECK_INT(1, table->metadata->sort_orders.count);
    CHECK_INT(0, pl_ice_current_sort(table).count);
}

TEST(layout_adds_a_sort_order_once)
{
    pl_sort_field up[] = {{.source = {"b", 1}}};
    pl_sort_field down[] = {{.source = {"b", 1}, .descending = true, .nulls_last = true},
                            {.source = {"a", 1}}};
    CHECK(lay_out(up, 1, "snappy"));
    CHECK(!lay_out(up, 1, "snappy"));
    CHECK(lay_out(down, 2, "snappy"));
    CHECK_INT(2, table->metadata->default_sort_order_id);
    CHECK_SPAN("{\"order-id\":2,\"fields\":[{\"transform\":\"identity\",\"source-id\":2,"
               "\"direction\":\"desc\",\"null-order\":\"nulls-last\"},{\"transform\":"
               "\"identity\",\"source-id\":1,\"direction\":\"asc\",\"null-order\":"
               "\"nulls-first\"}]}",
               table->metadata->sort_orders.items[2].raw);
    pl_sort_order sort = pl_ice_current_sort(table);
    CHECK_INT(2, sort.count);
    CHECK(sort.fields[0].source_id == 2 && sort.fields[0].descending && sort.fields[0].nulls_last);
    CHECK_SPAN("a", sort.fields[1].source);
    CHECK(lay_out(up, 1, "snappy"));
    CHECK_INT(1, table->metadata->default_sort_order_id);
    CHECK(lay_out(NULL, 0, "snappy"));
    CHECK_INT(0, table->metadata->default_sort_order_id);
    CHECK_INT(3, table->metadata->sort_orders.count);
}

TEST(layout_does_not_take_a_foreign_order_for_its_own)
{
    pl_ice_items *orders = &table->metadata->sort_orders;
    pl_ice_item items[] = {
        orders->items[0],
        {.id = 1,
         .raw = PL_SPAN("{\"order-id\":1,\"fields\":[{\"transform\":\"bucket[4]\",\"source-id\""
                        ":2,\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}")},
        {.id = 2,
         .raw = PL_SPAN("{\"order-id\":2,\"fields\":[{\"transform\":\"identity\",\"source-id\""
                        ":2,\"direction\":\"asc\",\"null-order\":\"nulls-last\"}]}")}};
    *orders = (pl_ice_items){items, 3};
    for (int id = 1; id <= 2; id++) {
        table->metadata->default_sort_order_id = id;
        CHECK_INT(0, pl_ice_current_sort(table).count);
    }
    pl_sort_field up[] = {{.source = {"b", 1}}};
    CHECK(lay_out(up, 1, "snappy"));
    CHECK_INT(3, table->metadata->default_sort_order_id);
    CHECK_INT(4, table->metadata->sort_orders.count);
}

TEST(layout_names_the_codec_when_it_is_not_the_first)
{
    pl_span codec;
    CHECK(lay_out(NULL, 0, "zstd"));
    CHECK(!lay_out(NULL, 0, "zstd"));
    CHECK(lay_out(NULL, 0, "snappy"));
    CHECK(!lay_out(NULL, 0, "snappy"));
    CHECK(pl_ice_pair_find(table->metadata->properties, table->metadata->property_count,
                           "write.parquet.compression-codec", &codec));
    CHECK_SPAN("snappy", codec);
}

#define LAID(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("iceberg/layout", LAID(layout_of_a_plain_table_changes_nothing),
                     LAID(layout_adds_a_sort_order_once),
                     LAID(layout_does_not_take_a_foreign_order_for_its_own),
                     LAID(layout_names_the_codec_when_it_is_not_the_first));
}
