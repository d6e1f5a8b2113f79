// Rows put into blocks, spilled and loaded again, are the rows that were put.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/slabs.h"

#include "flow/runs.h"
#include "temp.h"
#include "unit.h"

static char *dir;
static plumb_error err;
static pl_slabs slabs;

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    pl_slabs_init(&slabs, strdup(temp_path(dir, "spill")));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char *path = (char *)(uintptr_t)slabs.path;
    pl_slabs_done(&slabs);
    free(path);
    temp_remove(dir);
    return 0;
}

static void add(pl_row_list *list, char letter, size_t bytes)
{
    if (pl_slabs_room(list, 1) < bytes) pl_slabs_grow(&slabs, list, bytes, 0);
    memset(pl_slabs_end(list), letter, bytes);
    pl_slabs_added(list, bytes, 1);
}

TEST(slabs_hold_rows_in_blocks)
{
    pl_row_list list = {0};
    CHECK_INT(0, pl_slabs_room(&list, 1));
    for (int i = 0; i < 40; i++) add(&list, 'a', 1000);
    for (uint32_t i = 0; i < 5; i++) CHECK_INT(2048, list.blocks[i].room);
    CHECK(list.blocks[5].room == 4096 && list.blocks[list.count - 1].room == 16384);
    CHECK(list.rows == 40 && list.bytes == 40000 && list.held == slabs.held);
    CHECK(list.held < list.bytes * 3 / 2); // not much more than the rows
    uint32_t before = list.count;
    size_t held = list.held;
    add(&list, 'b', 100000); // larger than a block: one of its own
    add(&list, 'c', 10);
    CHECK_INT(before + 2, list.count);
    CHECK_INT(held + 100000 + 64 * 1024, slabs.held); // 'c' comes to a list that is large now
    pl_slabs_drop(&slabs, &list, before);
    CHECK(list.count == 2 && list.rows == 2 && list.blocks[0].data[0] == 'b');
    pl_slabs_drop(&slabs, &list, 2);
    CHECK(slabs.held == 0 && list.held == 0 && !list.blocks);
}

static uint32_t spares(uint32_t *ret_blocks)
{
    uint32_t bytes = 0;
    *ret_blocks = 0;
    for (uint32_t i = 0; i < PL_BLOCK_SIZES; i++) {
        *ret_blocks += slabs.spare[i].count;
        bytes += slabs.spare[i].count * (PL_BLOCK_BYTES_MIN << i);
    }
    return bytes;
}

TEST(slabs_use_blocks_again)
{
    pl_row_list list = {0};
    uint32_t blocks;
    for (int i = 0; i < 8; i++) add(&list, 'a', PL_BLOCK_BYTES_MIN / 2);
    pl_slabs_drop(&slabs, &list, list.count);
    CHECK_INT(4 * PL_BLOCK_BYTES_MIN, spares(&blocks));
    CHECK_INT(4, blocks);
    add(&list, 'b', PL_BLOCK_BYTES_MIN); // one of the four
    CHECK_INT(3 * PL_BLOCK_BYTES_MIN, spares(&blocks));
    add(&list, 'c', PL_BLOCK_BYTES_MIN * 2); // two of the others make way
    CHECK_INT(PL_BLOCK_BYTES_MIN, spares(&blocks));
    pl_slabs_close(&slabs);
    pl_slabs_drop(&slabs, &list, list.count);
    CHECK(spares(&blocks) == 0 && blocks == 0 && slabs.held == 0);
}

TEST(slabs_cut_lists_near_any_row)
{
    pl_row_list list = {0};
    for (uint32_t i = 0; i < 2 * PL_BLOCK_ROWS_MAX; i++) {
        if (pl_slabs_room(&list, 1) < 1) pl_slabs_grow(&slabs, &list, 1, PL_BLOCK_BYTES_MAX);
        pl_slabs_added(&list, 1, 1);
    }
    CHECK(list.count == 2 && list.blocks[0].rows == PL_BLOCK_ROWS_MAX);
    pl_slabs_drop(&slabs, &list, 2);
}

TEST(slabs_come_back_from_the_spill_file)
{
    pl_row_list one = {0}, two = {0};
    for (int i = 0; i < 100; i++) {
        add(&one, (char)('a' + i % 26), 500);
        add(&two, (char)('A' + i % 26), 70);
        if (i == 40) CHECK_OK(pl_slabs_spill(&slabs, &one, &err), err);
        if (i == 60) CHECK_OK(pl_slabs_spill(&slabs, &two, &err), err);
        if (i == 80) CHECK_OK(pl_slabs_spill(&slabs, &one, &err), err);
    }
    CHECK(access(slabs.path, F_OK) != 0); // it has no name
    CHECK_INT(81 * 500 + 61 * 70, slabs.spilled);
    CHECK_OK(pl_slabs_load(&slabs, &one, one.count, &err), err);
    CHECK_OK(pl_slabs_load(&slabs, &two, two.count, &err), err);
    int row = 0;
    for (uint32_t b = 0; b < one.count; b++)
        for (uint32_t at = 0; at < one.blocks[b].bytes; at += 500, row++)
            CHECK(one.blocks[b].data[at] == 'a' + row % 26);
    CHECK_INT(100, row);
    row = 0;
    for (uint32_t b = 0; b < two.count; b++)
        for (uint32_t at = 0; at < two.blocks[b].bytes; at += 70, row++)
            CHECK(two.blocks[b].data[at] == 'A' + row % 26);
    CHECK_INT(100, row);
    pl_slabs_drop(&slabs, &one, one.count);
    pl_slabs_drop(&slabs, &two, two.count);
    CHECK_INT(0, slabs.held);
}

TEST(runs_are_columns_again)
{
    pl_arena arena = {0};
    pl_type types[2];
    const char *reason;
    CHECK(pl_type_parse(PL_SPAN("decimal(38, 2)"), &arena, &types[0], &reason));
    CHECK(pl_type_parse(PL_SPAN("list(list(string))"), &arena, &types[1], &reason));
    pl_column was[2], now[2];
    for (int i = 0; i < 2; i++) {
        pl_column_init(&was[i], &types[i]);
        pl_column_init(&now[i], &types[i]);
    }
    pl_column_append(&was[0], &(pl_value){.kind = PL_DECIMAL, .i128 = -7});
    pl_column_null(&was[0]);
    pl_column_text(was[1].child->child, PL_SPAN("a"));
    pl_column_null(was[1].child->child);
    pl_column_list(was[1].child);
    pl_column_null(was[1].child);
    pl_column_list(was[1].child); // []
    pl_column_list(&was[1]);      // [["a", null], null, []]
    pl_column_null(&was[1]);
    for (uint32_t row = 0; row < 2; row++) {
        uint32_t each[2];
        pl_runs_bytes(was, 2, 2, each);
        size_t most = pl_runs_fixed(was, 2) + each[row];
        char *bytes = pl_alloc(most);
        size_t used = pl_runs_put(bytes, was, 2, &row, 1);
        pl_run_head run = pl_runs_head(bytes);
        CHECK(run.rows == 1 && run.end == bytes + used && used <= most);
        const char *skip = run.columns;
        for (int i = 0; i < 2; i++) {
            skip = pl_runs_skip(skip, &types[i], run.rows);
            run.columns = pl_runs_take(run.columns, &now[i], run.rows);
            CHECK(run.columns == skip);
        }
        CHECK(run.columns == run.end);
        free(bytes);
    }
    CHECK(now[0].count == 2 && now[0].i128[0] == -7 && !now[0].valid[1] && now[0].nulls == 1);
    CHECK(now[1].count == 2 && now[1].valid[0] && !now[1].valid[1]);
    const pl_column *inner = now[1].child;
    CHECK(inner->count == 3 && inner->nulls == 1 && !inner->valid[1]);
    CHECK(inner->offsets[1] == 2 && inner->offsets[2] == 2 && inner->offsets[3] == 2);
    CHECK_SPAN("a", pl_column_span(inner->child, 0));
    CHECK(!inner->child->valid[1]);
    for (int i = 0; i < 2; i++) {
        pl_column_done(&was[i]);
        pl_column_done(&now[i]);
    }
    pl_arena_done(&arena);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("flow/slabs", FILE_TEST(slabs_hold_rows_in_blocks),
                     FILE_TEST(slabs_use_blocks_again), FILE_TEST(slabs_cut_lists_near_any_row),
                     FILE_TEST(slabs_come_back_from_the_spill_file),
                     FILE_TEST(runs_are_columns_again));
}
