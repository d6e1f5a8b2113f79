// drift_shadow.c -- plumb drift shadow: what the proposal would do to real rows.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/drift.h"
#include "cli/look.h"
#include "contract/edit.h"
#include "flow/mappings.h"
#include "flow/shadow.h"
#include "os/os.h"

enum { OBJECTS = 8 };

// ---- the two mappings ---------------------------------------------------------------------------

// A text as the mapping of these files; `contract_text` takes the contract's place if there is one.
static plumb_status parse(pl_cli *cli, const pl_project *project, const pl_mapping *file,
                          pl_span text, pl_span contract_text, const pl_mapping **ret_mapping,
                          plumb_error *err)
{
    pl_problems problems = {0}, warnings = {0};
    pl_contract **contracts = PL_TAKE(&cli->arena, pl_contract *, project->contract_count);
    for (uint32_t i = 0; i < project->contract_count; i++) {
        contracts[i] = project->contracts[i];
        if (!contract_text.bytes || contracts[i] != file->contract) continue;
        contracts[i] =
            pl_contract_parse(contracts[i]->file, contract_text, &cli->arena, &problems, &warnings);
    }
    *ret_mapping = NULL;
    if (!problems.count)
        *ret_mapping = pl_mapping_parse(file->file, text, contracts, project->contract_count,
                                        &cli->arena, &problems, &warnings);
    plumb_status st = PLUMB_OK;
    if (!*ret_mapping)
        st = pl_fail(err, PLUMB_E_CONFIG, "cannot use mapping '%s': %s", file->file,
                     problems.count ? problems.items[0].message : "it does not read");
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return st;
}

// As the proposal writes it, under the overlay there is, which is of other columns or says the
// same.
static plumb_status proposed(pl_cli *cli, const pl_lake *lake, const pl_drift_facts *facts,
                             const pl_mapping **ret_mapping, plumb_error *err)
{
    pl_mapping_use use;
    pl_span text = facts->change.mapping_text;
    PL_TRY(pl_mapping_use_get(lake->registry, facts->mapping, &cli->arena, &use, err));
    if (use.overlay.bytes && !use.pinned)
        PL_TRY(pl_edit_overlay(facts->file, text, use.overlay, &cli->arena, &text, err));
    return parse(cli, lake->project, facts->mapping, text, facts->change.contract_text, ret_mapping,
                 err);
}

// Then it is compared with how it would be without.
static bool is_in_use(const pl_drift_facts *facts)
{
    return facts->row.state == PL_FINDING_PROVISIONAL;
}

// As runs use it; of a change that is in use already the file, which lacks it.
static plumb_status in_use(pl_cli *cli, const pl_lake *lake, const pl_drift_facts *facts,
                           const pl_mapping **ret_mapping, plumb_error *err)
{
    const pl_project *project = lake->project;
    *ret_mapping = facts->mapping;
    if (is_in_use(facts)) return PLUMB_OK;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        pl_mapping_now now;
        if (project->mappings[i] != facts->mapping) continue;
        PL_TRY(pl_mapping_now_get(project, i, lake->registry, &cli->arena, &now, err));
        *ret_mapping = now.mapping;
    }
    return PLUMB_OK;
}

typedef struct newest {
    pl_arena *arena;
    pl_span text;
} newest;

static bool keep_newest(void *context, const pl_version_row *row)
{
    newest *kept = context;
    kept->text = pl_arena_copy(kept->arena, row->text);
    return true;
}

// Without a proposal: what somebody has written into the files since a run used them.
static plumb_status edited(pl_cli *cli, const pl_lake *lake, const pl_drift_facts *facts,
                           const pl_mapping *now, const pl_mapping **ret_before, plumb_error *err)
{
    newest last = {.arena = &cli->arena};
    PL_TRY(pl_registry_mappings(lake->registry, facts->row.source, facts->row.table, keep_newest,
                                &last, err));
    if (last.text.bytes && !pl_span_equal(last.text, now->text))
        return parse(cli, lake->project, facts->mapping, last.text, PL_SPAN(""), ret_before, err);
    pl_fail(err, PLUMB_E_NOT_FOUND, "cannot try finding %lld: no change of the files is proposed",
            (long long)facts->row.id);
    pl_hint(err, "Edit %s first ('plumb drift show %lld' says how): shadow then tries that.",
            facts->file, (long long)facts->row.id);
    return PLUMB_E_NOT_FOUND;
}

// ---- as JSON ------------------------------------------------------------------------------------

static void side_json(pl_json_writer *json, const char *key, const pl_shadow_side *side)
{
    pl_json_key(json, key);
    pl_json_begin(json, '{');
    pl_look_int(json, "rows", (int64_t)side->rows);
    pl_look_int(json, "quarantined", (int64_t)side->quarantined);
    pl_look_int(json, "filtered", (int64_t)side->filtered);
    pl_look_int(json, "lost", (int64_t)side->lost);
    pl_look_int(json, "coerced", (int64_t)side->coerced);
    pl_look_int(json, "conflicts", (int64_t)side->conflicts);
    pl_json_end(json, '}');
}

static void cells_json(pl_json_writer *json, const char *key, const pl_shadow_cells *cells,
                       uint64_t rows)
{
    pl_json_key(json, key);
    if (!cells->there) {
        pl_json_null(json);
        return;
    }
    pl_json_begin(json, '{');
    pl_look_int(json, "filled", (int64_t)cells->filled);
    pl_look_int(json, "nulls", (int64_t)(rows - cells->filled));
    if (cells->has_sum) {
        pl_json_key(json, "sum");
        pl_json_double(json, cells->sum);
    }
    if (cells->min) {
        pl_look_text(json, "min", cells->min);
        pl_look_text(json, "max", cells->max);
    }
    if (cells->different) pl_look_int(json, "different", (int64_t)cells->different);
    pl_json_end(json, '}');
}

static void print_json(pl_cli *cli, const pl_drift_facts *facts, const pl_shadow_report *report)
{
    pl_json_writer json = pl_cli_json(cli);
    pl_json_begin(&json, '{');
    pl_look_int(&json, "finding", facts->row.id);
    pl_look_int(&json, "objects", report->objects);
    pl_look_int(&json, "objects_before", report->older);
    pl_look_int(&json, "objects_damaged", report->damaged);
    pl_look_int(&json, "records", (int64_t)report->records);
    pl_look_int(&json, "differ", (int64_t)report->differ);
    side_json(&json, "now", &report->before);
    side_json(&json, "proposed", &report->after);
    pl_json_key(&json, "columns");
    pl_json_begin(&json, '[');
    for (uint32_t i = 0; i < report->column_count; i++) {
        const pl_shadow_column *column = &report->columns[i];
        pl_json_begin(&json, '{');
        pl_look_span(&json, "column", column->name);
        pl_look_int(&json, "differ", (int64_t)column->differ);
        cells_json(&json, "now", &column->before, report->before.rows);
        cells_json(&json, "proposed", &column->after, report->after.rows);
        pl_json_end(&json, '}');
    }
    pl_json_end(&json, ']');
    pl_json_end(&json, '}');
}

// ---- for people ---------------------------------------------------------------------------------

static void add_count(pl_grid *grid, const char *name, uint64_t now, uint64_t then)
{
    pl_grid_text(grid, name);
    pl_grid_count(grid, (int64_t)now);
    pl_grid_count(grid, (int64_t)then);
}

static void print_records(pl_cli *cli, const pl_drift_facts *facts, const pl_shadow_report *report)
{
    const pl_shadow_side *now = &report->before, *then = &report->after;
    pl_grid grid =
        pl_grid_make(is_in_use(facts) ? "|without it>|with the change>" : "|now>|with the change>");
    add_count(&grid, "rows", now->rows, then->rows);
    add_count(&grid, "quarantined", now->quarantined, then->quarantined);
    if (now->filtered + then->filtered) add_count(&grid, "filtered", now->filtered, then->filtered);
    if (now->lost + then->lost) add_count(&grid, "values lost", now->lost, then->lost);
    if (now->coerced + then->coerced)
        add_count(&grid, "values converted", now->coerced, then->coerced);
    if (now->conflicts + then->conflicts)
        add_count(&grid, "values in conflict", now->conflicts, then->conflicts);
    pl_grid_print(cli, &grid);
}

static void nulls_text(pl_human out, const pl_shadow_cells *cells, uint64_t rows)
{
    if (!cells->there || !rows)
        snprintf(out, sizeof(pl_human), "-");
    else
        snprintf(out, sizeof(pl_human), "%.4g %%",
                 100 * (double)(rows - cells->filled) / (double)rows);
}

static void add_pair(pl_grid *grid, const char *what, const char *now, const char *then)
{
    pl_grid_text(grid, "");
    pl_grid_text(grid, what);
    pl_grid_text(grid, now ? now : "-");
    pl_grid_text(grid, then ? then : "-");
}

static void add_column(pl_grid *grid, const pl_shadow_report *report,
                       const pl_shadow_column *column)
{
    const pl_shadow_cells *now = &column->before, *then = &column->after;
    pl_human a, b;
    nulls_text(a, now, report->before.rows);
    nulls_text(b, then, report->after.rows);
    pl_grid_printf(grid, "%.*s", PL_FMT(column->name));
    pl_grid_text(grid, "NULL");
    pl_grid_text(grid, a);
    pl_grid_text(grid, b);
    if (now->has_sum || then->has_sum) {
        snprintf(a, sizeof a, "%.15g", now->sum);
        snprintf(b, sizeof b, "%.15g", then->sum);
        add_pair(grid, "sum", now->there ? a : NULL, then->there ? b : NULL);
    }
    if (now->min || then->min) {
        add_pair(grid, "least", now->min, then->min);
        add_pair(grid, "most", now->max, then->max);
    }
    if (now->different || then->different) {
        pl_human_count(a, (int64_t)now->different);
        pl_human_count(b, (int64_t)then->different);
        add_pair(grid, "different values", now->there ? a : NULL, then->there ? b : NULL);
    }
    pl_human_count(a, (int64_t)column->differ);
    add_pair(grid, "rows that differ", "", a);
}

static void print_text(pl_cli *cli, const pl_drift_facts *facts, const pl_shadow_report *report)
{
    pl_human objects, older, records, differ;
    uint32_t same = 0;
    pl_cli_print(cli, "Finding %lld, tried on %s raw %s, %s of them from before it: %s %s.\n\n",
                 (long long)facts->row.id, pl_human_count(objects, report->objects),
                 pl_plural(report->objects, "object", "objects"),
                 pl_human_count(older, report->older),
                 pl_human_count(records, (int64_t)report->records),
                 pl_plural((int64_t)report->records, "record", "records"));
    if (report->damaged)
        pl_cli_print(cli, "%u of the objects cannot be read to the end now: 'plumb verify'.\n\n",
                     report->damaged);
    print_records(cli, facts, report);
    pl_grid grid = pl_grid_make(is_in_use(facts) ? "column||without it>|with the change>"
                                                 : "column||now>|with the change>");
    for (uint32_t i = 0; i < report->column_count; i++) {
        const pl_shadow_column *column = &report->columns[i];
        same += !column->differ;
        if (column->differ) add_column(&grid, report, column);
    }
    pl_cli_print(cli, "\n");
    if (grid.count) {
        pl_grid_print(cli, &grid);
        pl_cli_print(cli, "\n");
    }
    if (same)
        pl_cli_print(cli, "%u %s the same in every row. ", same,
                     pl_plural(same, "column is", "columns are"));
    if (report->differ)
        pl_cli_print(cli, "%s of %s %s another row, or a row on one side only.\n",
                     pl_human_count(differ, (int64_t)report->differ), records,
                     pl_plural((int64_t)report->records, "record becomes", "records become"));
    else
        pl_cli_print(cli, "No record becomes anything else.\n");
    pl_cli_print(cli, "Nothing was written; the change is in 'plumb drift show %lld'.\n",
                 (long long)facts->row.id);
}

// ---- the command --------------------------------------------------------------------------------

static plumb_status compare(pl_cli *cli, const pl_lake *lake, const pl_drift_facts *facts,
                            int64_t objects, pl_shadow_report *ret_report, plumb_error *err)
{
    pl_shadow_options options = {.store = lake->store,
                                 .registry = lake->registry,
                                 .first_object = facts->row.first_object,
                                 .objects = (uint32_t)objects,
                                 .cancel = &pl_cancelled};
    if (!facts->mapping)
        return pl_fail(
            err, PLUMB_E_NOT_FOUND,
            "cannot try finding %lld: no file in sources/ sends source '%s' to table '%s'",
            (long long)facts->row.id, facts->row.source, facts->row.table);
    if (!lake->store)
        return pl_fail(err, PLUMB_E_NOT_FOUND, "cannot read raw objects: no lake at '%s'",
                       lake->path);
    PL_TRY(in_use(cli, lake, facts, &options.before, err));
    if (facts->change.mapping_text.bytes) {
        PL_TRY(proposed(cli, lake, facts, &options.after, err));
    } else {
        options.after = options.before;
        PL_TRY(edited(cli, lake, facts, options.after, &options.before, err));
    }
    return pl_shadow(&options, &cli->arena, ret_report, err);
}

int pl_drift_shadow(pl_cli *cli, const pl_lake *lake, const char *id)
{
    plumb_error err;
    pl_drift_facts facts;
    pl_shadow_report report;
    int64_t objects = OBJECTS;
    if (!pl_cli_integer(cli, "objects", 1, UINT32_MAX, &objects)) return PL_EXIT_USAGE;
    if (pl_cli_flag(cli, "all")) {
        if (pl_cli_value(cli, "objects"))
            return pl_cli_usage(cli, "--objects and --all do not go together");
        objects = 0;
    }
    plumb_status st = pl_drift_facts_get(cli, lake, id, &facts, &err);
    if (st == PLUMB_OK) st = compare(cli, lake, &facts, objects, &report, &err);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (cli->json)
        print_json(cli, &facts, &report);
    else
        print_text(cli, &facts, &report);
    return pl_cli_finish(cli);
}
