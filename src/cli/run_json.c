// run_json.c -- the document of plumb run --json.
//
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/time.h"
#include "cli/diff.h"
#include "cli/look.h"
#include "cli/run.h"
#include "flow/checks.h"

void pl_run_json_head(pl_json_writer *w, const pl_run_report *report, bool dry)
{
    pl_look_text(w, "run", *report->run ? report->run : NULL);
    pl_look_text(w, "state", report->nothing ? "nothing" : dry ? "dry-run" : "published");
    pl_look_text(w, "resumed", report->resumed);
}

void pl_run_json_tables(pl_json_writer *w, const pl_run_report *report)
{
    pl_json_key(w, "tables"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->table_count; i++) {
        const pl_run_table *table = &report->tables[i];
        pl_json_begin(w, '{');
        pl_json_key(w, "table"), pl_json_cstr(w, table->table);
        pl_json_key(w, "snapshot");
        if (table->snapshot)
            pl_json_int(w, table->snapshot);
        else
            pl_json_null(w);
        pl_json_key(w, "rows"), pl_json_int(w, (int64_t)table->rows);
        pl_json_key(w, "files"), pl_json_int(w, (int64_t)table->files);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

static void json_mappings(pl_json_writer *w, const pl_run_report *report)
{
    pl_json_key(w, "mappings"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->mapping_count; i++) {
        const pl_run_mapping *m = &report->mappings[i];
        pl_json_begin(w, '{');
        pl_json_key(w, "source"), pl_json_cstr(w, m->source);
        pl_json_key(w, "table"), pl_json_cstr(w, m->table);
        pl_json_key(w, "file"), pl_json_cstr(w, m->file);
        pl_json_key(w, "version");
        if (m->version)
            pl_json_int(w, m->version);
        else
            pl_json_null(w); // no run has used this text yet
        pl_json_key(w, "pinned"), pl_json_bool(w, m->pinned != 0);
        pl_json_key(w, "other_rows"), pl_json_int(w, m->rows);
        pl_json_key(w, "other_objects"), pl_json_int(w, m->objects);
        pl_buf text = {0};
        pl_buf_printf(&text, "plumb replay %s --source %s --all", m->table, m->source);
        pl_json_key(w, "replay"), pl_json_cstr(w, m->rows ? pl_buf_cstr(&text) : NULL);
        pl_buf_done(&text);
        if (m->pinned) {
            pl_json_key(w, "diff");
            pl_diff_json(w, m->pinned_text, m->file_text);
        }
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

static void json_holds(pl_json_writer *w, const pl_run_report *report)
{
    pl_json_key(w, "holds"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->hold_count; i++) {
        const pl_run_hold *hold = &report->holds[i];
        char since[40], until[40];
        pl_json_begin(w, '{');
        pl_json_key(w, "source"), pl_json_cstr(w, hold->source);
        pl_json_key(w, "table"), pl_json_cstr(w, hold->table);
        pl_json_key(w, "objects"), pl_json_int(w, hold->objects);
        pl_json_key(w, "records"), pl_json_int(w, hold->records);
        pl_json_key(w, "why"), pl_json_cstr(w, hold->why);
        pl_time_text(hold->since_us, since);
        pl_time_text(hold->until_us, until);
        pl_json_key(w, "since"), pl_json_cstr(w, since);
        pl_json_key(w, "until"), pl_json_cstr(w, hold->until_us ? until : NULL);
        pl_json_key(w, "released"), pl_json_bool(w, hold->released);
        pl_json_key(w, "kind"), pl_json_cstr(w, hold->checks ? "checks" : "drift");
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

// Sources of which nothing was mapped, and why.
void pl_run_json_unfit(pl_json_writer *w, const pl_unfit *unfit, uint32_t count)
{
    pl_json_key(w, "unfit"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < count; i++, unfit++) {
        pl_json_begin(w, '{');
        pl_look_span(w, "source", unfit->file->source);
        pl_look_span(w, "table", unfit->file->table);
        pl_look_text(w, "error", unfit->why.message);
        pl_look_text(w, "hint", unfit->why.hint);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

static void json_withdrawn(pl_json_writer *w, const pl_run_report *report)
{
    pl_json_key(w, "withdrawn"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->withdrawn_count; i++) {
        pl_json_begin(w, '{');
        pl_json_key(w, "table"), pl_json_cstr(w, report->withdrawn[i].table);
        pl_json_key(w, "objects"), pl_json_int(w, report->withdrawn[i].objects);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

static void json_findings(pl_json_writer *w, const pl_run_report *report)
{
    pl_json_key(w, "findings"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->finding_count; i++) pl_json_int(w, report->findings[i].id);
    pl_json_end(w, ']');
}

static void json_columns(pl_json_writer *w, const pl_run_report *report)
{
    pl_json_key(w, "columns"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->column_count; i++) {
        const pl_run_column *c = &report->columns[i];
        pl_json_begin(w, '{');
        pl_json_key(w, "finding"), pl_json_int(w, c->finding);
        pl_json_key(w, "source"), pl_json_cstr(w, c->source);
        pl_json_key(w, "table"), pl_json_cstr(w, c->table);
        pl_json_key(w, "path"), pl_json_cstr(w, c->path);
        pl_json_key(w, "column"), pl_json_cstr(w, c->why_not ? NULL : c->column);
        pl_json_key(w, "type"), pl_json_cstr(w, c->type);
        pl_json_key(w, "why_not"), pl_json_cstr(w, c->why_not);
        pl_json_key(w, "objects"), pl_json_int(w, (int64_t)c->objects);
        pl_json_key(w, "rows"), pl_json_int(w, (int64_t)c->rows);
        pl_json_key(w, "replay"), pl_json_cstr(w, c->replay);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

static void json_checks(pl_json_writer *w, const pl_run_report *report)
{
    pl_arena scratch = {0};
    pl_json_key(w, "checks"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->check_count; i++) {
        const pl_check_row *row = &report->checks[i];
        pl_json_begin(w, '{');
        pl_json_key(w, "source"), pl_json_cstr(w, row->source);
        pl_json_key(w, "table"), pl_json_cstr(w, row->table);
        pl_json_key(w, "check"), pl_json_cstr(w, row->check);
        pl_json_key(w, "column"), pl_json_cstr(w, *row->column ? row->column : NULL);
        pl_json_key(w, "severity"), pl_json_cstr(w, row->critical ? "critical" : "warn");
        pl_json_key(w, "outcome"), pl_json_cstr(w, pl_check_outcome_name(row->outcome));
        pl_json_key(w, "text"), pl_json_cstr(w, pl_check_text(row, &scratch));
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
    pl_arena_done(&scratch);
}

static int64_t staged_of(const pl_run_report *report, const pl_run_source *source)
{
    for (uint32_t i = 0; i < report->hold_count; i++)
        if (strcmp(report->holds[i].source, source->source) == 0 &&
            strcmp(report->holds[i].table, source->table) == 0)
            return report->holds[i].objects;
    return 0;
}

void pl_run_json_report(pl_cli *cli, const pl_run_report *report)
{
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "run"), pl_json_cstr(&w, report->nothing ? NULL : report->run);
    pl_json_key(&w, "state");
    pl_json_cstr(&w, report->nothing ? report->hold_count ? "held" : "nothing"
                     : report->damage_count || report->unfit_count ? "partial"
                                                                   : "published");
    pl_json_key(&w, "resumed"), pl_json_cstr(&w, report->resumed);
    pl_run_json_tables(&w, report);
    pl_json_key(&w, "sources"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->source_count; i++) {
        const pl_run_source *source = &report->sources[i];
        pl_json_begin(&w, '{');
        pl_json_key(&w, "source"), pl_json_cstr(&w, source->source);
        pl_json_key(&w, "table"), pl_json_cstr(&w, source->table);
        pl_json_key(&w, "state"), pl_json_cstr(&w, source->damaged ? "partial" : "published");
        pl_json_key(&w, "objects"), pl_json_int(&w, (int64_t)source->objects);
        pl_json_key(&w, "staged"), pl_json_int(&w, staged_of(report, source));
        pl_json_key(&w, "damaged"), pl_json_int(&w, (int64_t)source->damaged);
        pl_json_key(&w, "records"), pl_json_int(&w, (int64_t)source->records);
        pl_json_key(&w, "curated"), pl_json_int(&w, (int64_t)source->rows);
        pl_json_key(&w, "quarantined"), pl_json_int(&w, (int64_t)source->quarantined);
        pl_json_key(&w, "filtered"), pl_json_int(&w, (int64_t)source->filtered);
        pl_json_key(&w, "lost"), pl_json_int(&w, (int64_t)source->lost);
        pl_json_key(&w, "coerced"), pl_json_int(&w, (int64_t)source->coerced);
        pl_json_key(&w, "conflicts"), pl_json_int(&w, (int64_t)source->conflicts);
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_key(&w, "records"), pl_json_begin(&w, '{');
    pl_json_key(&w, "raw"), pl_json_int(&w, (int64_t)report->records);
    pl_json_key(&w, "curated"), pl_json_int(&w, (int64_t)report->rows);
    pl_json_key(&w, "quarantined"), pl_json_int(&w, (int64_t)report->quarantined);
    pl_json_key(&w, "filtered"), pl_json_int(&w, (int64_t)report->filtered);
    pl_json_end(&w, '}');
    json_findings(&w, report);
    json_columns(&w, report);
    json_holds(&w, report);
    json_checks(&w, report);
    json_withdrawn(&w, report);
    pl_run_json_unfit(&w, report->unfit, report->unfit_count);
    pl_json_key(&w, "again"), pl_json_bool(&w, report->again);
    json_mappings(&w, report);
    pl_json_key(&w, "seconds"), pl_json_double(&w, (double)report->micros / 1e6);
    pl_json_end(&w, '}');
}
