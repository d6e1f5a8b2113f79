// drift_facts.c -- what is known of a finding: its row, what waits for it, what it concerns, and
// the change of the files that would settle it.
//
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/drift.h"
#include "flow/mappings.h"

#define RUNS_LOOKED_AT 20 // for how long mapping takes

plumb_status pl_drift_find(pl_cli *cli, const pl_lake *lake, const char *id,
                           pl_finding_row *ret_row, plumb_error *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(id, &end, 10);
    plumb_status st = PLUMB_E_NOT_FOUND;
    if (lake->registry && errno == 0 && end != id && *end == '\0' && number > 0)
        st = pl_registry_finding(lake->registry, number, &cli->arena, ret_row, err);
    if (st != PLUMB_E_NOT_FOUND) return st;
    pl_fail(err, st, "cannot find finding '%s': no such id", id);
    pl_hint(err, "'plumb drift ls --all' lists them.");
    return st;
}

// ---- what it concerns ---------------------------------------------------------------------------

typedef struct counting {
    pl_drift_facts *facts;
    const pl_lake *lake;
    plumb_status status;
    plumb_error *err;
    int64_t records, micros, least; // of recent runs
} counting;

static bool count_waiting(void *context, const pl_object_row *row, pl_object_state state)
{
    counting *c = context;
    (void)state;
    if (strcmp(row->id, c->facts->row.first_object) < 0) return true;
    c->facts->objects++;
    c->facts->waiting++;
    c->facts->bytes += row->stored_bytes;
    return true;
}

// Newest first, so that only what it concerns is looked at.
static bool count_published(void *context, const pl_ledger_row *row)
{
    counting *c = context;
    pl_drift_facts *facts = c->facts;
    pl_arena scratch = {0};
    pl_object_row object;
    if (strcmp(row->object, facts->row.first_object) < 0) return false;
    if (strcmp(row->source, facts->row.source) != 0) return true;
    if (row->state != PL_STATE_PUBLISHED) return true;
    c->status = pl_registry_object(c->lake->registry, row->object, &scratch, &object, c->err);
    if (c->status == PLUMB_OK) {
        facts->objects++;
        facts->bytes += object.stored_bytes;
        facts->records += row->records;
    }
    pl_arena_done(&scratch);
    return c->status == PLUMB_OK;
}

static bool count_run(void *context, const pl_run_row *row)
{
    counting *c = context;
    pl_arena scratch = {0};
    pl_json *counts = NULL;
    int64_t raw = 0, took = row->finished_us - row->started_us;
    if (pl_json_parse(pl_span_of(row->counts), &scratch, &counts, NULL) == PLUMB_OK &&
        pl_json_get_long(counts, "raw", &raw) && raw > 0 && took > 0) {
        c->records += raw;
        c->micros += took;
        c->least = c->least ? PL_MIN(c->least, took) : took;
    }
    pl_arena_done(&scratch);
    return true;
}

static bool count_held(void *context, const pl_finding_row *row)
{
    pl_drift_facts *facts = context;
    facts->others += row->id != facts->row.id && pl_finding_waits(row, &facts->hold);
    return true;
}

static plumb_status count(pl_drift_facts *facts, const pl_lake *lake, plumb_error *err)
{
    const pl_finding_row *row = &facts->row;
    counting c = {.facts = facts, .lake = lake, .err = err};
    PL_TRY(pl_registry_objects_pending(lake->registry, row->source, row->table, "", count_waiting,
                                       &c, err));
    PL_TRY(pl_registry_ledger(lake->registry, NULL, row->table, 0, count_published, &c, err));
    PL_TRY(c.status);
    if (facts->held) {
        const uint32_t waiting =
            PL_FINDING_IN(PL_FINDING_HELD) | PL_FINDING_IN(PL_FINDING_FLAPPING);
        pl_finding_filter filter = {row->source, row->table, waiting, 0};
        PL_TRY(pl_registry_findings(lake->registry, &filter, count_held, facts, err));
        facts->records += facts->hold.records;
    }
    PL_TRY(pl_registry_runs(lake->registry, "done", RUNS_LOOKED_AT, count_run, &c, err));
    facts->micros = -1;
    if (c.records)
        facts->micros = PL_MAX(
            c.least, (int64_t)((double)c.micros / (double)c.records * (double)facts->records));
    return PLUMB_OK;
}

static const char *name_some(const pl_span *names, uint32_t count, pl_arena *arena)
{
    enum { NAMED_MAX = 4 };
    pl_buf text = {0};
    uint32_t named = count > NAMED_MAX ? NAMED_MAX - 1 : count;
    for (uint32_t i = 0; i < named; i++) {
        const char *between = !i ? "" : i + 1 < count ? ", " : " and ";
        pl_buf_printf(&text, "%s%.*s", between, PL_FMT(names[i]));
    }
    if (named < count) pl_buf_printf(&text, " and %u more", (unsigned)(count - named));
    const char *some = pl_arena_cstr(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return some;
}

pl_drift_reads pl_drift_reads_of(const pl_mapping *mapping, const pl_finding_row *row,
                                 pl_arena *arena)
{
    uint32_t *columns, count = 0, going;
    pl_span path = pl_span_of(row->before), *names;
    if (mapping && path.bytes) pl_mapping_columns_of(mapping, path, arena, &columns, &count);
    pl_drift_reads reads = {.columns = row->column, .several = count > 1};
    names = PL_TAKE(arena, pl_span, count + 1);
    bool elsewhere = false;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = mapping->contract->columns[columns[i]].field.name;
        elsewhere |= pl_reads_elsewhere(mapping, pl_mapping_rule(mapping, columns[i]), path, arena);
    }
    if (count) reads.columns = name_some(names, count, arena); // none: the mapping was changed
    if (elsewhere)
        reads.without =
            reads.several ? "are left to their other terms" : "is left to its other terms";
    else
        reads.without = reads.several ? "are NULL" : "is NULL";
    pl_remedy_retiring(row, mapping, arena, &names, &going);
    reads.going = name_some(names, going, arena);
    reads.several_go = going > 1;
    return reads;
}

// What mapping and contract say of the column.
static void look_up_column(pl_drift_facts *facts, pl_arena *arena)
{
    const pl_mapping *mapping = facts->mapping;
    pl_span column = pl_span_of(facts->row.column);
    facts->column = pl_contract_find(mapping->contract, column);
    if (facts->column < 0) return;
    facts->required = mapping->contract->columns[facts->column].field.required;
    facts->reads_after = pl_reads_path(mapping, column, pl_span_of(facts->row.after), arena);
    facts->any_unit = pl_reads_any_unit(mapping, column, &facts->finding);
}

plumb_status pl_drift_facts_get(pl_cli *cli, const pl_lake *lake, const char *id,
                                pl_drift_facts *ret_facts, plumb_error *err)
{
    pl_drift_facts *facts = ret_facts;
    const pl_project *project = lake->project;
    *facts = (pl_drift_facts){.file = "", .now_us = cli->now_us};
    PL_TRY(pl_drift_find(cli, lake, id, &facts->row, err));
    facts->finding = pl_drift_document(&facts->row, &cli->arena);
    facts->mapping =
        pl_project_mapping(project, pl_span_of(facts->row.source), pl_span_of(facts->row.table));
    facts->policy = pl_drift_policy_default();
    facts->reads = pl_drift_reads_of(facts->mapping, &facts->row, &cli->arena);
    if (facts->mapping) {
        facts->file = facts->mapping->file;
        facts->policy = pl_project_drift(project, facts->mapping);
        look_up_column(facts, &cli->arena);
    }
    pl_mapping_use use = {0};
    if (facts->mapping)
        PL_TRY(pl_mapping_use_get(lake->registry, facts->mapping, &cli->arena, &use, err));
    facts->overlaid = use.overlay.bytes > 0;
    PL_TRY(pl_registry_hold(lake->registry, facts->row.source, facts->row.table, &cli->arena,
                            &facts->hold, &facts->held, err));
    if (facts->row.state == PL_FINDING_PROMOTED)
        PL_TRY(pl_decision_stale(project, lake->registry, &facts->row, &cli->arena, &facts->stale,
                                 err));
    if (facts->held) facts->until_us = pl_drift_until(project, &facts->hold);
    PL_TRY(count(facts, lake, err));
    pl_proposing with = {.file = facts->mapping, .arena = &cli->arena};
    if (facts->mapping && facts->row.state == PL_FINDING_PARALLEL)
        pl_remedy_together(&facts->row, project, &with, true, &facts->change);
    else if (facts->mapping)
        pl_remedy(&facts->row, &facts->finding, &with, &facts->change);
    return PLUMB_OK;
}
