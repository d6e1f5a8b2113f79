// drift_told.c -- what is said of decisions that were made, or would be.
//
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/drift_decide.h"
#include "cli/look.h"
#include "cli/run.h"

static const char *what_of(deciding *d, const pl_finding_row *row)
{
    return pl_arena_printf(&d->cli->arena, "%s: %s, %s",
                           pl_drift_where(&d->cli->arena, row->source, row->table, row->column),
                           row->class, pl_drift_what(&d->cli->arena, row->before, row->after));
}

static void say_beside(deciding *d, pl_buf *out, const decided *one)
{
    const pl_decision *decision = &one->decision;
    const char *column = decision->row.column;
    const pl_gate *gate = decision->gate;
    if (gate && gate->word == PL_GATE_FAILED)
        pl_buf_printf(out, "Raw speaks against the new rule: %s. So it ",
                      pl_gate_reasons(gate, false, &d->cli->arena));
    else
        pl_buf_printf(out, "The new rule ");
    pl_buf_printf(out,
                  "%s tried in column %s, beside column %s, which keeps its own: NULL where that "
                  "cannot take a value. 'plumb drift promote %lld' gives column "
                  "%s the rule%s; 'plumb drift reject %lld' takes %s away.",
                  d->dry ? "would be" : "is", decision->beside, column, (long long)decision->row.id,
                  column, gate && gate->word == PL_GATE_PASSED ? "" : " once the gate is passed",
                  (long long)decision->row.id, decision->beside);
}

// What raw said of a rule that is taken.
static void say_gate(pl_buf *out, const decided *one)
{
    const pl_gate *gate = one->decision.gate;
    pl_human rows;
    if (!gate || one->decision.row.state == PL_FINDING_PARALLEL) return;
    pl_human_count(rows, (int64_t)gate->figures.rows);
    if (gate->word == PL_GATE_PASSED)
        pl_buf_printf(out, " It is proven on %s %s of raw.", rows,
                      pl_plural((int64_t)gate->figures.rows, "row", "rows"));
    else
        pl_buf_printf(out,
                      " %s %s of raw %s too little to prove it, and nothing in them speaks against "
                      "it: your word counts.",
                      rows, pl_plural((int64_t)gate->figures.rows, "row", "rows"),
                      pl_plural((int64_t)gate->figures.rows, "is", "are"));
}

static void say_reverted(pl_buf *out, const pl_finding_row *row)
{
    if (strcmp(row->class, "added") == 0)
        pl_buf_printf(out,
                      "No rule reads %s any more: _rest keeps it. The table keeps column %s, "
                      "NULL in new rows.",
                      row->after, row->column);
    else
        pl_buf_printf(out,
                      "The rule that read %s is taken back: column %s is NULL where %s is missing, "
                      "and _rest keeps what came.",
                      row->after, row->column, row->before);
}

static void say_accepted(const deciding *d, pl_buf *out, const pl_decision *decision)
{
    if (decision->mapping_file && !decision->changed && !d->dry)
        pl_buf_printf(out, "%s says now what the rule over it said, so no row changes.",
                      decision->mapping_file);
    else if (decision->mapping_file)
        pl_buf_printf(out, "%s%s%s %s changed; runs read it so from now on.",
                      decision->contract_file ? decision->contract_file : "",
                      decision->contract_file ? " and " : "", decision->mapping_file,
                      decision->contract_file ? (d->dry ? "would be" : "are")
                                              : (d->dry ? "would be" : "is"));
    else
        pl_buf_printf(out, "The files %s.",
                      decision->again ? "are as it was decided"
                                      : "stay as they are: rows are right as they come");
}

// Rows go on as they come.
static void say_rejected(deciding *d, pl_buf *out, const decided *one)
{
    const pl_decision *decision = &one->decision;
    const pl_finding_row *row = &decision->row;
    const char *column = row->column;
    if (decision->beside)
        pl_buf_printf(out,
                      "Column %s %s out of the files, and column %s keeps its rule: NULL where "
                      "it cannot take a value, which _rest keeps.",
                      decision->beside, d->dry ? "would be" : "is", column);
    else if (strcmp(row->before, "$") == 0)
        pl_buf_printf(out, "Documents without the array of records go to quarantine.");
    else if (!*column)
        pl_buf_printf(out, "Rows stay as they are.");
    else if (strcmp(row->class, "renamed") == 0 || strcmp(row->class, "removed") == 0)
        pl_buf_printf(out,
                      "Rows are published as they come: column%s %s %s in them, and _rest "
                      "keeps what no column takes.",
                      one->reads.several ? "s" : "", one->reads.columns, one->reads.without);
    else
        pl_buf_printf(out, "Rows are published as they come: column %s takes what it can.", column);
}

// What the word means for rows from now on.
static void say_effect(deciding *d, pl_buf *out, const decided *one)
{
    const pl_decision *decision = &one->decision;
    const pl_finding_row *row = &decision->row;
    const char *column = row->column;
    bool go = one->reads.several_go;
    pl_human at;
    const char *will = d->dry ? "would be" : "is";
    if (d->word == PL_DECISION_PROMOTE) {
        pl_buf_printf(out, "Column %s %s by the new rule from now on, and %s %s out of the files.",
                      column, d->dry ? "would be filled" : "is filled", decision->beside, will);
        return;
    }
    switch (row->state) {
    case PL_FINDING_ACCEPTED:
        say_accepted(d, out, decision);
        break;
    case PL_FINDING_PARALLEL:
        say_beside(d, out, one);
        break;
    case PL_FINDING_DEPRECATED:
        pl_buf_printf(out,
                      "Column%s %s %s in new rows. The table keeps the values of rows from before; "
                      "should %s come back, it is read again. From %s on 'plumb drift approve "
                      "%lld' takes the rule%s of column%s %s out.",
                      one->reads.several ? "s" : "", one->reads.columns, one->reads.without,
                      row->before, pl_human_time(at, decision->retire_us), (long long)row->id,
                      go ? "s" : "", go ? "s" : "", one->reads.going);
        break;
    case PL_FINDING_RETIRED:
        pl_buf_printf(out,
                      "Column%s %s %s no rule any more. The table keeps %s values; should "
                      "%s come back, that is a new finding.",
                      go ? "s" : "", one->reads.going, go ? "have" : "has",
                      go ? "them and their" : "it and its", row->before);
        break;
    case PL_FINDING_REVERTED:
        say_reverted(out, row);
        break;
    default:
        say_rejected(d, out, one);
    }
    if (decision->muted_until_us)
        pl_buf_printf(out,
                      " Nothing waits for it until %s, or until it shows in %d times as many "
                      "records.",
                      pl_human_time(at, decision->muted_until_us), PL_MUTED_GROWTH);
}

// What of its source goes on waiting; NULL: nothing.
static const pl_run_hold *still_held(const deciding *d, const pl_finding_row *row)
{
    for (uint32_t i = 0; i < d->report.hold_count && d->ran; i++)
        if (strcmp(d->report.holds[i].source, row->source) == 0 &&
            strcmp(d->report.holds[i].table, row->table) == 0)
            return &d->report.holds[i];
    return NULL;
}

static void say_published(deciding *d, pl_buf *out, const decided *one)
{
    const pl_finding_row *row = &one->decision.row;
    pl_human rows, records;
    if (d->dry) {
        if (one->decision.released)
            pl_buf_printf(out, " What waits before %s would be mapped so, and looked at anew.",
                          row->table);
        return;
    }
    const pl_run_hold *hold = still_held(d, row);
    if (hold) {
        pl_buf_printf(out, " Still %s %s of source %s %s: %s. ",
                      pl_human_count(records, hold->records),
                      pl_plural(hold->records, "record", "records"), row->source,
                      pl_plural(hold->records, "waits", "wait"), hold->why);
        if (hold->checks)
            pl_buf_printf(out,
                          "'plumb checks %s' says more; 'plumb checks accept %s --source %s' "
                          "publishes them as they are.",
                          row->table, row->table, row->source);
        else
            pl_buf_printf(out, "'plumb drift' lists what to decide.");
        return;
    }
    uint64_t count = 0;
    for (uint32_t i = 0; i < d->report.source_count && d->ran; i++)
        if (strcmp(d->report.sources[i].source, row->source) == 0 &&
            strcmp(d->report.sources[i].table, row->table) == 0)
            count += d->report.sources[i].rows;
    if (count)
        pl_buf_printf(out, " What waited is published: %s %s.",
                      pl_human_count(rows, (int64_t)count),
                      pl_plural((int64_t)count, "row", "rows"));
}

static void say_kept(pl_buf *out, const decided *one)
{
    const pl_finding_row *row = &one->decision.row;
    pl_human records, objects, bytes;
    int64_t count = one->stale.count;
    pl_buf_printf(out, " %s %s with %s %s, %s as stored, %s published before and %s the rows %s: ",
                  pl_human_count(objects, count), pl_plural(count, "object", "objects"),
                  pl_human_count(records, one->stale.records),
                  pl_plural(one->stale.records, "record", "records"),
                  pl_human_bytes(bytes, one->stale.stored_bytes), pl_plural(count, "was", "were"),
                  pl_plural(count, "keeps", "keep"), pl_plural(count, "it has", "they have"));
    if (one->refill == REFILL_REFUSED)
        pl_buf_printf(out,
                      "%s. The decision stands; once that is mended, 'plumb replay %s --finding "
                      "%lld' maps them anew, or as they are with --accept-checks.",
                      one->refused, row->table, (long long)row->id);
    else
        pl_buf_printf(out, "'plumb replay %s --finding %lld' maps them anew.", row->table,
                      (long long)row->id);
}

static void say_refill(deciding *d, pl_buf *out, const decided *one)
{
    pl_human objects, rows;
    int64_t count = one->stale.count;
    if (one->refill == REFILL_DONE)
        pl_buf_printf(out, " %s %s that %s published before %s mapped anew: %s %s.",
                      pl_human_count(objects, count), pl_plural(count, "object", "objects"),
                      pl_plural(count, "was", "were"), pl_plural(count, "is", "are"),
                      pl_human_count(rows, (int64_t)one->rows),
                      pl_plural((int64_t)one->rows, "row", "rows"));
    else if (one->refill != REFILL_NONE)
        say_kept(out, one);
    else if (!d->dry && !d->failed && !still_held(d, &one->decision.row) &&
             one->decision.row.state != PL_FINDING_PARALLEL)
        pl_buf_printf(out, " Nothing more has to be done.");
}

static const char *text_of(deciding *d, const decided *one)
{
    pl_buf out = {0};
    say_effect(d, &out, one);
    say_gate(&out, one);
    say_published(d, &out, one);
    say_refill(d, &out, one);
    const char *text = pl_arena_cstr(&d->cli->arena, pl_buf_view(&out));
    pl_buf_done(&out);
    return text;
}

static void print_one(deciding *d, const decided *one)
{
    pl_cli *cli = d->cli;
    const pl_decision *decision = &one->decision;
    const char *name = pl_finding_state_name(decision->row.state);
    pl_cli_print(cli, "%sfinding %lld%s %s %s%s: ", pl_cli_color(cli, PL_COLOR_BOLD),
                 (long long)decision->row.id, pl_cli_color(cli, PL_COLOR_OFF),
                 d->dry            ? "would be"
                 : decision->again ? "was"
                                   : "is",
                 name, decision->again ? " before" : "");
    pl_cli_escape(&cli->out, pl_span_of(what_of(d, &decision->row)));
    pl_cli_print(cli, "\n");
    pl_drift_print_diff(cli, decision->diff);
    if (decision->diff.bytes) pl_cli_print(cli, "\n");
    pl_cli_fold(cli, "  ", PL_DRIFT_WIDTH, text_of(d, one));
    if (decision->gate) pl_drift_print_gate(cli, decision->gate);
}

static void json_run(pl_json_writer *json, deciding *d)
{
    pl_json_key(json, "run");
    if (!d->ran || d->report.nothing) {
        pl_json_null(json);
        return;
    }
    pl_json_begin(json, '{');
    pl_look_text(json, "run", d->report.run);
    pl_run_json_tables(json, &d->report);
    pl_look_int(json, "records", (int64_t)d->report.records);
    pl_look_int(json, "rows", (int64_t)d->report.rows);
    pl_json_end(json, '}');
}

static void json_one(pl_json_writer *json, deciding *d, const decided *one)
{
    static const char *const refills[] = {"none", "done", "pending", "refused"};
    static const char *const words[] = {"approve", "reject", "promote"};
    const pl_decision *decision = &one->decision;
    pl_json_begin(json, '{');
    pl_look_int(json, "finding", decision->row.id);
    pl_look_text(json, "decision", words[d->word]);
    pl_look_text(json, "from", pl_finding_state_name(decision->from));
    pl_look_text(json, "to", pl_finding_state_name(decision->row.state));
    pl_json_key(json, "again"), pl_json_bool(json, decision->again);
    pl_look_text(json, "mapping", decision->mapping_file);
    pl_look_text(json, "contract", decision->contract_file);
    pl_json_key(json, "diff");
    if (decision->diff.bytes)
        pl_json_text(json, decision->diff);
    else
        pl_json_null(json);
    pl_look_time(json, "muted_until", decision->muted_until_us);
    pl_look_time(json, "retire_from", decision->retire_us);
    pl_look_text(json, "beside", decision->beside);
    pl_drift_json_gate(json, decision->gate);
    pl_json_key(json, "refill"), pl_json_begin(json, '{');
    pl_look_text(json, "state", refills[one->refill]);
    pl_look_int(json, "objects", one->stale.count);
    pl_look_int(json, "stored_bytes", one->stale.stored_bytes);
    pl_look_int(json, "rows", (int64_t)one->rows);
    pl_look_text(json, "refused", one->refused);
    pl_json_end(json, '}');
    pl_look_text(json, "text", text_of(d, one));
    pl_json_end(json, '}');
}

int pl_drift__tell(deciding *d)
{
    pl_cli *cli = d->cli;
    if (cli->json) {
        pl_json_writer json = pl_cli_json(cli);
        pl_json_begin(&json, '{');
        pl_look_text(&json, "state", d->dry ? "dry-run" : "decided");
        pl_json_key(&json, "decisions"), pl_json_begin(&json, '[');
        for (uint32_t i = 0; i < d->count; i++) json_one(&json, d, &d->done[i]);
        pl_json_end(&json, ']');
        json_run(&json, d);
        pl_look_int(&json, "held", d->ran ? d->report.hold_count : 0);
        pl_json_end(&json, '}');
    } else {
        for (uint32_t i = 0; i < d->count; i++) {
            if (i) pl_cli_print(cli, "\n");
            print_one(d, &d->done[i]);
        }
        if (d->dry && d->count) pl_cli_print(cli, "\nNothing was changed: this was only a look.\n");
    }
    if (d->failed) return pl_cli_finish_with(cli, PL_EXIT_FAILED);
    bool waits = d->refused || (d->ran && d->report.hold_count);
    return pl_cli_finish_with(cli, waits ? PL_EXIT_WAITS : PL_EXIT_DONE);
}
