// SPDX-License-Identifier: Apache-2.0
#include "registry/drift.h"
#include "scratch.h"

static bool see_hold(void *context, const pl_hold_row *row)
{
    char *seen = context;
    size_t used = strlen(seen);
    snprintf(seen + used, 256 - used, "%s/%s from %s: %d objects, %d records, %s%s; ", row->source,
             row->table, row->first_object + 25, (int)row->objects, (int)row->records, row->why,
             row->critical ? " (critical)" : "");
    CHECK_INT(0, row->document.bytes);
    CHECK_STR(row->critical ? ID_2 : "", row->released);
    return true;
}

TEST(source_waits_once_before_a_table)
{
    scratch at = scratch_make();
    pl_registry *registry = scratch_open(&at, PL_REGISTRY_CREATE);
    pl_arena arena = {0};
    plumb_error err;
    char seen[256] = "";
    bool found = true;
    CHECK_OK(pl_registry_begin(registry, &err), err);
    pl_object_row object = scratch_object(ID_1, "shop", "aa");
    CHECK_OK(pl_registry_object_add(registry, &object, false, NULL, &err), err);
    pl_hold_row row = {.source = "shop",
                       .table = "posts",
                       .first_object = ID_1,
                       .since_us = 7,
                       .run = RUN,
                       .objects = 1,
                       .records = 10,
                       .why = "renamed likes",
                       .document = PL_SPAN("x\0y")};
    pl_hold_row got;
    CHECK_OK(pl_registry_hold(registry, "shop", "posts", &arena, &got, &found, &err), err);
    CHECK(!found);
    CHECK_OK(pl_registry_hold_put(registry, &row, &err), err);
    row.table = "likes";
    CHECK_OK(pl_registry_hold_put(registry, &row, &err), err);
    row.objects = 2, row.records = 30, row.critical = row.checks = true, row.accepted = true,
    row.alerted_us = 9, row.released = ID_2;
    CHECK_OK(pl_registry_hold_put(registry, &row, &err), err);
    CHECK_OK(pl_registry_holds(registry, see_hold, seen, &err), err);
    CHECK_STR("shop/likes from 1: 2 objects, 30 records, renamed likes (critical); "
              "shop/posts from 1: 1 objects, 10 records, renamed likes; ",
              seen);
    CHECK_OK(pl_registry_hold(registry, "shop", "likes", &arena, &got, &found, &err), err);
    CHECK(found && got.critical);
    CHECK_STR(ID_1, got.first_object);
    CHECK_STR(ID_2, got.released);
    CHECK(got.checks && got.accepted);
    CHECK_INT(7, got.since_us);
    CHECK_INT(9, got.alerted_us);
    CHECK_STR(RUN, got.run);
    CHECK(pl_span_equal(PL_SPAN("x\0y"), got.document));
    CHECK_OK(pl_registry_hold_remove(registry, "shop", "likes", &err), err);
    CHECK_OK(pl_registry_hold_remove(registry, "shop", "likes", &err), err);
    seen[0] = '\0';
    CHECK_OK(pl_registry_holds(registry, see_hold, seen, &err), err);
    CHECK_STR("shop/posts from 1: 1 objects, 10 records, renamed likes; ", seen);
    pl_registry_close(registry);
    pl_arena_done(&arena);
    scratch_done(&at);
}

int main(void)
{
    return RUN_TESTS("registry/holds", T(source_waits_once_before_a_table));
}
