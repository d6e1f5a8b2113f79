// SPDX-License-Identifier: Apache-2.0
#include "flow/sample.h"
#include "unit.h"

#include "temp.h"

static pl_arena arena;

TEST(sample_name_comes_from_the_file_without_dates_and_endings)
{
    CHECK_STR("orders", pl_sample_name("/in/orders.json", &arena));
    CHECK_STR("shop_orders", pl_sample_name("Shop Orders-2026-11-22.jsonl.gz", &arena));
    CHECK_STR("search_v1", pl_sample_name("search-v1_2010.jsonl", &arena));
    CHECK_STR("v2_export", pl_sample_name("2026-v2-export.json", &arena));
    CHECK_STR("events", pl_sample_name("20261122.json", &arena));
    pl_arena_done(&arena);
}

static pl_sample feed(const char *text, pl_infer *infer)
{
    char *dir = temp_make();
    plumb_error err;
    pl_sample sample = {0};
    temp_write(temp_path(dir, "a.json"), text, strlen(text));
    CHECK_OK(pl_sample_file(temp_path(dir, "a.json"), infer, &sample, &err), err);
    temp_remove(dir);
    return sample;
}

TEST(sample_reads_each_format_as_run_would)
{
    pl_infer_options options = {PL_SPAN("t"), PL_SPAN("s")};
    pl_infer *infer = pl_infer_new(&options);
    pl_sample lines = feed("{\"a\":1}\nnot json\n{\"a\":2}\n", infer);
    CHECK_INT(PL_FORMAT_NDJSON, lines.format);
    CHECK_INT(2, lines.documents);
    CHECK_INT(1, lines.broken);
    CHECK_STR("not JSON at byte 0: a value is expected here", lines.reason);
    pl_sample array = feed("[{\"a\":1},{\"a\":2},\n{\"a\":3}]", infer);
    CHECK_INT(PL_FORMAT_ARRAY, array.format);
    CHECK_INT(3, array.documents);
    pl_sample document = feed("{\n \"data\": [{\"a\":1}]\n}\n", infer);
    CHECK_INT(PL_FORMAT_DOCUMENT, document.format);
    CHECK_INT(1, document.documents);
    pl_infer_free(infer);
}

TEST(sample_names_a_file_that_is_not_there)
{
    plumb_error err;
    pl_sample sample = {0};
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_sample_file("/nowhere/x.json", NULL, &sample, &err));
    CHECK(strstr(err.message, "/nowhere/x.json"));
}

TEST(sample_names_a_file_that_is_broken)
{
    char *dir = temp_make();
    const char *path = temp_path(dir, "a.zst");
    plumb_error err;
    pl_sample sample = {0};
    temp_write(path, "\x28\xb5\x2f\xfd", 4);
    CHECK_INT(PLUMB_E_MALFORMED, pl_sample_file(path, NULL, &sample, &err));
    CHECK(strstr(err.message, "cannot read sample '/") == err.message);
    CHECK(strstr(err.message, "/a.zst': zstd input is broken at byte 4"));
    temp_remove(dir);
}

int main(void)
{
    return RUN_TESTS("flow/sample", T(sample_name_comes_from_the_file_without_dates_and_endings),
                     T(sample_reads_each_format_as_run_would),
                     T(sample_names_a_file_that_is_not_there),
                     T(sample_names_a_file_that_is_broken));
}
