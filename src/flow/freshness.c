// SPDX-License-Identifier: Apache-2.0
#include "flow/freshness.h"

#include <string.h>

#include "flow/checks.h"
#include "json/writer.h"

#define EVERY_US (INT64_C(3600) * 1000000)

plumb_status pl_freshness(pl_registry *registry, const pl_mapping *mapping, int64_t now_us,
                          pl_arena *arena, bool *ret_asked, pl_check_row *ret_row, plumb_error *err)
{
    pl_counts counts = {0};
    *ret_asked = false;
    if (!mapping->contract->checks.freshness_us) return PLUMB_OK;
    const char *source = pl_arena_cstr(arena, mapping->source);
    const char *table = pl_arena_cstr(arena, mapping->table);
    PL_TRY(pl_registry_counts(registry, source, table, &counts, err));
    *ret_asked =
        pl_check_freshness(mapping->contract, counts.newest_received_us, now_us, arena, ret_row);
    ret_row->run = "";
    ret_row->source = source;
    ret_row->table = table;
    return PLUMB_OK;
}

typedef struct last_row {
    bool found, failed;
    int64_t at_us;
} last_row;

static bool take_last(void *context, const pl_check_row *row)
{
    last_row *last = context;
    *last = (last_row){true, row->outcome == PL_CHECK_FAILED, row->at_us};
    return false;
}

static plumb_status put_event(pl_registry *registry, const pl_check_row *row, pl_arena *arena,
                              plumb_error *err)
{
    pl_buf text = {0};
    pl_json_writer w = pl_json_writer_on(&text, 0);
    bool stale = row->outcome == PL_CHECK_FAILED;
    const char *what = pl_check_text(row, arena);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "source"), pl_json_cstr(&w, row->source);
    pl_json_key(&w, "note");
    pl_json_cstr(&w, pl_arena_printf(arena, "%s: %s", row->source, what));
    pl_json_key(&w, "severity"), pl_json_cstr(&w, row->critical ? "critical" : "warn");
    pl_json_key(&w, "age_us"), pl_json_int(&w, row->measured);
    pl_json_key(&w, "allowed"), pl_json_cstr(&w, row->allowed);
    pl_json_end(&w, '}');
    pl_event_row event = {.at_us = row->at_us,
                          .kind = stale ? "check.stale" : "check.fresh",
                          .who = "plumb",
                          .table = row->table,
                          .text = pl_buf_cstr(&text)};
    plumb_status st = pl_registry_event_add(registry, &event, err);
    pl_buf_done(&text);
    return st;
}

static plumb_status record(pl_registry *registry, const pl_check_row *row, pl_arena *arena,
                           plumb_error *err)
{
    last_row last = {0};
    pl_check_filter filter = {
        .table = row->table, .source = row->source, .check = "freshness", .limit = 1};
    bool failed = row->outcome == PL_CHECK_FAILED;
    PL_TRY(pl_registry_checks(registry, &filter, take_last, &last, err));
    bool changed = failed != last.failed;
    if (last.found && !changed && row->at_us - last.at_us < EVERY_US) return PLUMB_OK;
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = pl_registry_checks_thin(registry, row->source, row->table, row->at_us, err);
    if (st == PLUMB_OK) st = pl_registry_check_add(registry, row, err);
    if (st == PLUMB_OK && changed) st = put_event(registry, row, arena, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

plumb_status pl_freshness_record(const pl_run_options *options, int64_t now_us, plumb_error *err)
{
    const pl_project *project = options->project;
    pl_arena arena = {0};
    plumb_status st = PLUMB_OK;
    for (uint32_t i = 0; i < project->mapping_count && st == PLUMB_OK; i++) {
        const pl_mapping *mapping = project->mappings[i];
        pl_check_row row;
        bool asked;
        if (options->source && !pl_span_is(mapping->source, options->source)) continue;
        st = pl_freshness(options->registry, mapping, now_us, &arena, &asked, &row, err);
        if (st == PLUMB_OK && asked) st = record(options->registry, &row, &arena, err);
    }
    pl_arena_done(&arena);
    return st;
}
