// What is usual of a source: windows come in, are kept as a document, and are counted by name.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/baseline.h"

#include <string.h>

#include "unit.h"

static plumb_error err;
static pl_arena arena;

static const char contract_text[] = "table: posts\n"
                                    "columns:\n"
                                    "  id: long\n"
                                    "  likes: int\n";

static const pl_contract *contract(void)
{
    pl_problems problems = {0}, warnings = {0};
    return pl_contract_parse("c", pl_span_of(contract_text), &arena, &problems, &warnings);
}

// A window of two objects, of which the second has no array of records.
static void add(pl_baseline *into, uint64_t rows, uint64_t likes, bool damaged)
{
    uint64_t filled[] = {rows, likes}, lost[] = {0, rows - likes}, outside[] = {0, 1};
    pl_map_conflict conflicts[2] = {{0}, {.rows = 3}};
    pl_quarantine_range nowhere = {.record_count = 1, .reason = "no array at data.list"};
    pl_object_result objects[] = {{.records = rows, .rows = rows},
                                  {.damaged = damaged ? "gone" : NULL,
                                   .records = 1,
                                   .quarantined = 1,
                                   .range_count = 1,
                                   .ranges = &nowhere}};
    pl_task_window window = {.count = 2, .tally = {rows, 2, filled, lost, outside, conflicts}};
    pl_task_result result = {.objects = objects, .object_count = 2};
    pl_work_task task = {.contract = contract()};
    pl_json *record;
    CHECK_OK(pl_json_parse(PL_SPAN("{\"id\":1,\"likes\":2}"), &arena, &record, &err), err);
    pl_shape_init(&window.shape);
    pl_shape_object(&window.shape, 1000);
    for (uint64_t i = 0; i < rows; i++) pl_shape_record(&window.shape, record);
    pl_shape_settle(&window.shape);
    pl_baseline_add(into, &task, &result, &window);
    pl_shape_done(&window.shape);
}

static void check_counts(const pl_baseline *baseline, const char *column, uint64_t rows,
                         uint64_t filled, uint64_t lost)
{
    pl_column_counts counts = pl_baseline_counts(baseline, pl_span_of(column));
    CHECK_INT(rows, counts.rows);
    CHECK_INT(filled, counts.filled);
    CHECK_INT(lost, counts.lost);
}

TEST(counts_add_up_by_column)
{
    pl_baseline baseline;
    pl_baseline_init(&baseline);
    add(&baseline, 5, 4, false);
    add(&baseline, 3, 3, true);
    check_counts(&baseline, "id", 8, 8, 0);
    check_counts(&baseline, "likes", 8, 7, 1);
    check_counts(&baseline, "shares", 0, 0, 0);
    CHECK_INT(8, baseline.shape.records);
    CHECK_INT(3, baseline.objects); // the damaged one was not read
    CHECK_INT(1, baseline.empty);
    CHECK_INT(0, baseline.empty_last);
    CHECK_INT(3, baseline.records.objects);
    CHECK_INT(9, baseline.records.records);
    CHECK_INT(1, baseline.records.quarantined);
    CHECK_INT(4, baseline.records.flawed);
    CHECK_INT(2, pl_baseline_outside(&baseline, PL_SPAN("likes")));
    CHECK_INT(0, pl_baseline_outside(&baseline, PL_SPAN("shares")));
    pl_baseline_done(&baseline);
}

TEST(later_windows_that_are_empty_are_the_last)
{
    pl_baseline all, later;
    pl_baseline_init(&all);
    pl_baseline_init(&later);
    add(&all, 5, 5, true);
    CHECK_INT(0, all.empty_last);
    add(&later, 0, 0, false); // its first object has an empty array: that says nothing
    CHECK_INT(1, later.objects);
    CHECK_INT(1, later.empty_last);
    pl_baseline_merge(&all, &later);
    CHECK_INT(1, all.empty_last);
    CHECK_INT(2, all.objects);
    add(&later, 1, 1, false);
    pl_baseline_merge(&all, &later);
    CHECK_INT(1, all.empty_last);
    pl_baseline_done(&all);
    pl_baseline_done(&later);
}

static void write(const pl_baseline *baseline, pl_buf *out)
{
    pl_buf_reset(out);
    pl_baseline_write(baseline, out);
}

TEST(document_says_all_of_it)
{
    pl_baseline baseline, again;
    pl_buf first = {0}, second = {0};
    pl_baseline_init(&baseline);
    add(&baseline, 5, 4, false);
    baseline.judged = UINT64_C(0x8000000000000001);
    write(&baseline, &first);
    CHECK_OK(pl_baseline_read(pl_buf_view(&first), "shop", &again, &err), err);
    check_counts(&again, "likes", 5, 4, 1);
    CHECK_INT(2, again.objects);
    CHECK_INT(1, again.empty);
    CHECK_INT(1, again.empty_last);
    CHECK(again.judged == baseline.judged);
    CHECK_INT(1, pl_baseline_outside(&again, PL_SPAN("likes")));
    CHECK_INT(3, pl_baseline_conflicts(&again, PL_SPAN("likes")));
    CHECK(memcmp(&again.records, &baseline.records, sizeof again.records) == 0);
    write(&again, &second);
    CHECK(pl_span_equal(pl_buf_view(&first), pl_buf_view(&second)));
    pl_baseline_done(&baseline);
    pl_baseline_done(&again);
    pl_buf_done(&first);
    pl_buf_done(&second);
}

TEST(damaged_document_is_refused)
{
    pl_baseline baseline, again;
    pl_buf document = {0};
    pl_baseline_init(&baseline);
    add(&baseline, 5, 4, false);
    write(&baseline, &document);
    CHECK_INT(PLUMB_E_MALFORMED, pl_baseline_read(PL_SPAN("none"), "shop", &again, &err));
    for (size_t i = 0; i < document.count; i++) {
        document.data[i] ^= 0x55;
        if (pl_baseline_read(pl_buf_view(&document), "shop", &again, &err) == PLUMB_OK)
            pl_baseline_done(&again); // zstd has no checksum by default: some bytes go unnoticed
        document.data[i] ^= 0x55;
    }
    for (size_t bytes = 1; bytes < document.count; bytes++)
        CHECK(pl_baseline_read(pl_span_make(document.data, bytes), "shop", &again, &err) !=
              PLUMB_OK);
    pl_baseline_done(&baseline);
    pl_buf_done(&document);
}

int main(void)
{
    return RUN_TESTS("flow/baseline", T(counts_add_up_by_column),
                     T(later_windows_that_are_empty_are_the_last), T(document_says_all_of_it),
                     T(damaged_document_is_refused));
}
