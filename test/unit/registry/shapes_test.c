// SPDX-License-Identifier: Apache-2.0
#include "registry/drift.h"
#include "scratch.h"

typedef struct fixture {
    scratch at;
    pl_registry *registry;
    pl_arena arena;
    plumb_error err;
    char seen[4096];
} fixture;

static fixture *begin(void)
{
    fixture *f = pl_zalloc(1, sizeof *f);
    f->at = scratch_make();
    f->registry = scratch_open(&f->at, PL_REGISTRY_CREATE);
    CHECK_OK(pl_registry_begin(f->registry, &f->err), f->err);
    return f;
}

static void end(fixture *f)
{
    CHECK_OK(pl_registry_check(f->registry, &f->err), f->err);
    pl_registry_close(f->registry);
    pl_arena_done(&f->arena);
    scratch_done(&f->at);
    free(f);
}

static bool see_shape(void *context, const pl_shape_row *row)
{
    fixture *f = context;
    size_t used = strlen(f->seen);
    snprintf(f->seen + used, sizeof f->seen - used, "%s/%s %d %s %d-%d %d; ", row->source,
             row->table, (int)row->version, row->run, (int)(row->since_us / PL_SHAPE_VERSION_US),
             (int)(row->until_us / PL_SHAPE_VERSION_US), (int)row->records);
    CHECK_INT(0, row->document.bytes);
    return true;
}

static void put(fixture *f, const char *table, const char *run, int64_t at_us, pl_span document,
                int64_t want)
{
    pl_shape_row row = {.source = "shop",
                        .table = table,
                        .run = run,
                        .until_us = at_us,
                        .records = 10,
                        .document = document};
    int64_t version;
    CHECK_OK(pl_registry_shape_put(f->registry, &row, &version, &f->err), f->err);
    CHECK_INT(want, version);
}

TEST(each_run_leaves_a_version)
{
    fixture *f = begin();
    const int64_t hour = PL_SHAPE_VERSION_US;
    pl_shape_row row;
    put(f, "posts", "R1", 5 * hour, PL_SPAN("a"), 1);
    put(f, "posts", "R2", 6 * hour - 1, PL_SPAN("b\0c"), 2);
    put(f, "posts", "R3", 6 * hour, PL_SPAN(""), 3);
    put(f, "likes", "R3", 6 * hour, PL_SPAN("d"), 1);
    CHECK_OK(pl_registry_shapes(f->registry, NULL, NULL, see_shape, f, &f->err), f->err);
    CHECK_STR("shop/likes 1 R3 6-6 10; shop/posts 3 R3 6-6 10; shop/posts 2 R2 5-5 10; "
              "shop/posts 1 R1 5-5 10; ",
              f->seen);
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_shapes(f->registry, "shop", "likes", see_shape, f, &f->err), f->err);
    CHECK_OK(pl_registry_shapes(f->registry, "mail", NULL, see_shape, f, &f->err), f->err);
    CHECK_STR("shop/likes 1 R3 6-6 10; ", f->seen);
    CHECK_OK(pl_registry_shape(f->registry, "shop", "posts", 2, &f->arena, &row, &f->err), f->err);
    CHECK(pl_span_equal(PL_SPAN("b\0c"), row.document));
    CHECK_INT(6 * hour - 1, row.since_us);
    CHECK(!row.kept);
    CHECK_OK(pl_registry_shape(f->registry, "shop", "posts", 0, &f->arena, &row, &f->err), f->err);
    CHECK_INT(3, row.version);
    CHECK(row.kept);
    CHECK_INT(0, row.document.bytes);
    end(f);
}

static bool see_kept(void *context, const pl_shape_row *row)
{
    fixture *f = context;
    size_t used = strlen(f->seen);
    snprintf(f->seen + used, sizeof f->seen - used, "%d%s ", (int)row->version,
             row->kept ? "*" : "");
    return true;
}

TEST(newest_versions_are_kept_and_of_older_ones_one_an_hour)
{
    fixture *f = begin();
    pl_shape_row row = {.source = "shop", .table = "posts", .run = "R", .document = PL_SPAN("a")};
    int64_t version;
    for (int i = 1; i <= 20; i++) {
        row.until_us = PL_SHAPE_VERSION_US * 20 + (PL_SHAPE_VERSION_US / 4 + 1) * i;
        row.records = i == 11 ? 250 : 100 + i + (i > 11 ? 150 : 0); // twice what version 9 has
        row.kept = i == 2;
        CHECK_OK(pl_registry_shape_put(f->registry, &row, &version, &f->err), f->err);
    }
    CHECK_OK(pl_registry_shapes(f->registry, NULL, NULL, see_kept, f, &f->err), f->err);
    CHECK_STR("20 19* 18 17 16 15* 14 13 11* 10* 6* 2* 1* ", f->seen);
    end(f);
}

static int64_t at_hour(int64_t hour)
{
    return (INT64_C(490896) + hour) * PL_SHAPE_VERSION_US; // 2026-01-01T00:00Z and later
}

static bool see_hour(void *context, const pl_shape_row *row)
{
    fixture *f = context;
    size_t used = strlen(f->seen);
    snprintf(f->seen + used, sizeof f->seen - used, "%d ",
             (int)(row->since_us / PL_SHAPE_VERSION_US - 490896));
    return true;
}

static const char *hours(fixture *f)
{
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_shapes(f->registry, "shop", "posts", see_hour, f, &f->err), f->err);
    return f->seen;
}

// A version at each of these hours.
static void put_hours(fixture *f, int64_t first, int64_t last, int64_t step)
{
    pl_shape_row row = {.source = "shop", .table = "posts", .run = "R", .document = PL_SPAN("a")};
    int64_t version;
    for (int64_t hour = first; hour <= last; hour += step) {
        row.until_us = at_hour(hour);
        CHECK_OK(pl_registry_shape_put(f->registry, &row, &version, &f->err), f->err);
    }
}

TEST(versions_are_thinned_by_day_and_month)
{
    fixture *f = begin();
    put(f, "likes", "R", at_hour(0), PL_SPAN("a"), 1);
    put_hours(f, 0, 49, 7);
    CHECK_STR("49 42 35 28 21 14 7 0 ", hours(f)); // hour 0 is the last one before the two days
    put_hours(f, 56, 77, 7);
    CHECK_STR("77 70 63 56 49 42 35 28 21 ", hours(f)); // of day 0 the last, and of day 1
    put_hours(f, 84, 91 * 24, 12);
    const char *kept = hours(f);
    CHECK(strncmp("2184 2172 2160 2148 2136 2124 2100 2076 ", kept, 40) == 0);
    CHECK_STR(" 132 108 84 70 42 ", kept + strlen(kept) - strlen(" 132 108 84 70 42 "));
    put_hours(f, 92 * 24, 160 * 24, 24);
    kept = hours(f); // days, then the last of February and of January
    CHECK_STR(" 1716 1692 1404 732 ", kept + strlen(kept) - strlen(" 1716 1692 1404 732 "));
    put(f, "likes", "R", at_hour(9999), PL_SPAN("a"), 2); // another table's are its own
    end(f);
}

TEST(what_something_was_compared_with_is_kept)
{
    fixture *f = begin();
    pl_object_row object = scratch_object(ID_1, "shop", "aa");
    pl_hold_row hold = {.source = "shop",
                        .table = "posts",
                        .first_object = ID_1,
                        .since_us = at_hour(6),
                        .run = "R",
                        .released = "",
                        .why = "",
                        .document = PL_SPAN("a")};
    pl_finding_row finding = {.source = "shop",
                              .table = "posts",
                              .fingerprint = "removed $.likes",
                              .class = "removed",
                              .strength = "certain",
                              .before = "$.likes",
                              .after = "",
                              .column = "likes",
                              .state = PL_FINDING_RESOLVED,
                              .opened_us = at_hour(10) + 1,
                              .first_object = ID_1,
                              .run = "R",
                              .document = "{}"};
    int64_t id;
    CHECK_OK(pl_registry_object_add(f->registry, &object, false, NULL, &f->err), f->err);
    CHECK_OK(pl_registry_hold_put(f->registry, &hold, &f->err), f->err);
    CHECK_OK(pl_registry_finding_put(f->registry, &finding, "plumb", NULL, &id, &f->err), f->err);
    put_hours(f, 0, 24 * 5, 2);
    const char *kept = hours(f);
    CHECK_STR(" 46 22 10 4 ", kept + strlen(kept) - strlen(" 46 22 10 4 "));
    end(f);
}

TEST(missing_shape_is_named)
{
    fixture *f = begin();
    pl_shape_row row;
    put(f, "posts", "R1", 0, PL_SPAN("a"), 1);
    CHECK_INT(PLUMB_E_NOT_FOUND,
              pl_registry_shape(f->registry, "shop", "posts", 3, &f->arena, &row, &f->err));
    CHECK_STR("cannot find version 3 of the shape of source 'shop' for table 'posts'",
              f->err.message);
    CHECK_INT(PLUMB_E_NOT_FOUND,
              pl_registry_shape(f->registry, "mail", "posts", 0, &f->arena, &row, &f->err));
    CHECK_STR("cannot find the shape of source 'mail' for table 'posts': no run has seen it",
              f->err.message);
    CHECK_STR("'plumb run' looks at every record that it maps.", f->err.hint);
    end(f);
}

int main(void)
{
    return RUN_TESTS("registry/shapes", T(each_run_leaves_a_version),
                     T(newest_versions_are_kept_and_of_older_ones_one_an_hour),
                     T(versions_are_thinned_by_day_and_month),
                     T(what_something_was_compared_with_is_kept), T(missing_shape_is_named));
}
