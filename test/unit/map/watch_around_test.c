// SPDX-License-Identifier: Apache-2.0
#include "map/watch.h"

#include <stdio.h>

#include "../shape/shapes.h"

static void around(pl_watch *watch, uint32_t array, uint64_t number, const char *text)
{
    static const pl_span first[] = {{"data", 4}, {"list", 4}}, second[] = {{"posts", 5}};
    static const pl_framer_keys arrays[] = {{first, 2}, {second, 1}};
    pl_watch_around(watch, arrays, array, number, pl_span_of(text));
}

static pl_watch *watch_new(pl_paths *paths, pl_scanner *scanner, pl_watch_task *task)
{
    *task = (pl_watch_task){0};
    pl_paths_init(paths);
    pl_scanner_init(scanner, paths);
    return pl_watch_new(scanner, NULL, 0, task);
}

static void watch_free(pl_watch *watch, pl_paths *paths, pl_scanner *scanner)
{
    pl_watch_free(watch);
    pl_scanner_done(scanner);
    pl_paths_done(paths);
}

TEST(what_holds_records_is_counted_where_it_lies)
{
    pl_paths paths;
    pl_scanner scanner;
    pl_watch_task task;
    pl_watch *watch = watch_new(&paths, &scanner, &task);
    pl_shape sum;
    pl_shape_init(&sum);
    for (int object = 1; object <= 2; object++) {
        pl_watch_object(watch, object, 0);
        around(watch, 1, 1, "{\"name\":\"x\",\"posts\":[],\"name\":null}");
        around(watch, 1, 2, "{\"posts\":[]}");
        around(watch, 0, 0, "{\"data\":{\"list\":[]},\"at\":5,\"others\":[{\"id\":1}]}");
        around(watch, 0, 3, "{no json");
        pl_shape_merge(&sum, pl_watch_seen(watch));
    }
    check_counts("$ 0/0\n"
                 "$doc 2/2 object:2\n"
                 "$doc.data 2/2 object:2\n"
                 "$doc.data.list 2/2 array:2\n"
                 "$doc.data.list[*] 4/4 object:4\n"
                 "$doc.data.list[*].name 2/4 null:2\n"
                 "$doc.data.list[*].posts 4/4 array:4\n"
                 "$doc.at 2/2 int:2\n"
                 "$doc.others 2/2 array:2\n",
                 &sum);
    CHECK_INT(2, sum.paths[path_at(&sum, "$doc.at")].objects);
    pl_shape_done(&sum);
    watch_free(watch, &paths, &scanner);
}

TEST(values_are_of_the_first_documents_and_then_of_one_in_64)
{
    enum { DOCUMENTS = 6400 };
    pl_paths paths;
    pl_scanner scanner;
    pl_watch_task task;
    pl_watch *watch = watch_new(&paths, &scanner, &task);
    pl_watch_object(watch, 1, 0);
    for (int i = 0; i < DOCUMENTS; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"data\":{\"list\":[]},\"at\":%d}", i);
        around(watch, 0, (uint64_t)i, text);
    }
    const pl_shape *seen = pl_watch_seen(watch);
    const pl_shape_path *at = &seen->paths[path_at(seen, "$doc.at")];
    CHECK_INT(DOCUMENTS, pl_shape_seen(at));
    CHECK(at->values->min == 0 && at->values->count >= PL_WATCH_DOCUMENTS + 50 &&
          at->values->count <= PL_WATCH_DOCUMENTS + 150);
    CHECK_INT(0, at->values->pair_count);
    watch_free(watch, &paths, &scanner);
}

int main(void)
{
    return RUN_TESTS("map/watch_around", T(what_holds_records_is_counted_where_it_lies),
                     T(values_are_of_the_first_documents_and_then_of_one_in_64));
}
