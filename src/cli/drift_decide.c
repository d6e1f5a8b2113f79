// drift_decide.c -- plumb drift approve, promote, reject: what a person says of findings, and what
// comes of it at once: files, what waited, what was published before.
//
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/drift.h"
#include "cli/look.h"
#include "cli/run.h"
#include "flow/replay.h"
#include "os/os.h"

// What became of the rows that were published before.
typedef enum refill_kind {
    REFILL_NONE,    // the mapping stays, or all rows are of the one in use
    REFILL_DONE,    //
    REFILL_PENDING, // too much to be done without being asked, or not wanted now
} refill_kind;

typedef struct decided {
    pl_decision decision;
    pl_drift_reads reads; // before it was decided
    refill_kind refill;
    pl_stale stale;
    uint64_t rows; // filled anew
} decided;

typedef struct deciding {
    pl_cli *cli;
    pl_lake lake;
    pl_decision_word word;
    pl_decision_form form;
    bool dry, no_replay;
    const char *why; // NULL: nothing was said
    char who[PL_USER_NAME];
    int64_t wait_ms;
    decided *done;
    uint32_t count;
    bool ran;
    pl_run_report report;
    bool failed;
} deciding;

// ---- doing it -----------------------------------------------------------------------------------

// The project as its files are now.
static plumb_status reload(deciding *d, plumb_error *err)
{
    return pl_cli_project(d->cli, false, &d->lake.project, err);
}

static pl_decision_options decision_options(deciding *d, int64_t finding)
{
    return (pl_decision_options){.project = d->lake.project,
                                 .store = d->lake.store,
                                 .registry = d->lake.registry,
                                 .lock_path = d->lake.lock_path,
                                 .wait_ms = d->wait_ms,
                                 .finding = finding,
                                 .word = d->word,
                                 .form = d->form,
                                 .who = d->who,
                                 .why = d->why,
                                 .dry = d->dry,
                                 .cancel = &pl_cancelled};
}

static plumb_status decide_one(deciding *d, const char *id, plumb_error *err)
{
    pl_finding_row row;
    PL_TRY(pl_drift_find(d->cli, &d->lake, id, &row, err));
    pl_decision_options options = decision_options(d, row.id);
    decided *one = &d->done[d->count];
    const pl_mapping *mapping =
        pl_project_mapping(d->lake.project, pl_span_of(row.source), pl_span_of(row.table));
    *one = (decided){.reads = pl_drift_reads_of(mapping, &row, &d->cli->arena)};
    PL_TRY(pl_decide(&options, &d->cli->arena, &one->decision, err));
    d->count++;
    return d->dry ? PLUMB_OK : reload(d, err);
}

static pl_run_options run_options(deciding *d)
{
    pl_run_options options = {.wait_ms = d->wait_ms};
    pl_run_use(&d->lake, &options);
    return options;
}

// The ordinary run, of the source if there is but one: what waited goes on.
static plumb_status run_on(deciding *d, plumb_error *err)
{
    bool released = false;
    pl_run_options options = run_options(d);
    options.source = d->count ? d->done[0].decision.row.source : NULL;
    for (uint32_t i = 0; i < d->count; i++) {
        const pl_decision *decision = &d->done[i].decision;
        released |= decision->released || decision->changed || decision->again;
        if (options.source && strcmp(options.source, decision->row.source) != 0)
            options.source = NULL;
    }
    if (!released) return PLUMB_OK;
    plumb_status st = pl_run(&options, &d->cli->arena, &d->report, err);
    pl_run_watched(&options);
    d->ran = st == PLUMB_OK;
    return st;
}

// Rows that were published from the first object on that shows it, by the mapping as it is now.
static plumb_status refill(deciding *d, decided *one, plumb_error *err)
{
    const pl_finding_row *row = &one->decision.row;
    if (!one->decision.changed && !one->decision.again) return PLUMB_OK;
    if (row->state == PL_FINDING_RETIRED) return PLUMB_OK; // rows from before keep their values
    PL_TRY(pl_decision_stale(d->lake.project, d->lake.registry, row, &d->cli->arena, &one->stale,
                             err));
    if (!one->stale.count) return PLUMB_OK;
    one->refill = REFILL_PENDING;
    const pl_mapping *mapping =
        pl_project_mapping(d->lake.project, pl_span_of(row->source), pl_span_of(row->table));
    uint64_t most = pl_project_drift(d->lake.project, mapping).auto_replay_bytes;
    if (d->no_replay || (uint64_t)one->stale.stored_bytes > most ||
        one->stale.count > PL_REPLAY_OBJECTS_MAX)
        return PLUMB_OK;
    pl_replay_options options = {.run = run_options(d),
                                 .table = row->table,
                                 .objects = one->stale.objects,
                                 .object_count = one->stale.count,
                                 .since_us = INT64_MIN};
    pl_replay_report report = {.run = {.run = "", .nothing = true}};
    plumb_status st = pl_replay(&options, &d->cli->arena, &report, err);
    pl_run_watched(&options.run);
    if (st != PLUMB_OK) return st;
    for (uint32_t i = 0; i < report.refusal_count; i++)
        pl_cli_warn("object '%s' keeps its rows: %s", report.refusals[i].object,
                    report.refusals[i].why);
    one->rows = report.rows_after;
    one->refill = REFILL_DONE;
    return PLUMB_OK;
}

// ---- telling it ---------------------------------------------------------------------------------

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
    pl_human at;
    const char *will = d->dry ? "would be" : "is";
    if (d->word == PL_DECISION_PROMOTE) {
        pl_buf_printf(out, "Column %s %s by the new rule from now on, and %s %s out of the files.",
                      column, d->dry ? "would be filled" : "is filled", decision->beside, will);
        return;
    }
    switch (row->state) {
    case PL_FINDING_ACCEPTED:
        if (decision->mapping_file && !decision->changed && !d->dry)
            pl_buf_printf(out, "%s says now what the rule over it said, so no row changes.",
                          decision->mapping_file);
        else if (decision->mapping_file)
            pl_buf_printf(out, "%s%s%s %s changed; runs read it so from now on.",
                          decision->contract_file ? decision->contract_file : "",
                          decision->contract_file ? " and " : "", decision->mapping_file,
                          decision->contract_file ? (d->dry ? "would be" : "are") : will);
        else
            pl_buf_printf(out, "The files stay as they are: rows are right as they come.");
        break;
    case PL_FINDING_PARALLEL:
        say_beside(d, out, one);
        break;
    case PL_FINDING_DEPRECATED:
        pl_buf_printf(out,
                      "Column%s %s %s in new rows. The table keeps the values of rows from before; "
                      "should %s come back, it is read again. From %s on 'plumb drift approve "
                      "%lld' takes the rule of column %s out.",
                      one->reads.several ? "s" : "", one->reads.columns, one->reads.without,
                      row->before, pl_human_time(at, decision->retire_us), (long long)row->id,
                      column);
        break;
    case PL_FINDING_RETIRED:
        pl_buf_printf(out,
                      "Column %s has no rule any more. The table keeps it and its values; should "
                      "it come back, that is a new finding.",
                      column);
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
        pl_buf_printf(out,
                      " Still %s %s of source %s wait: %s. 'plumb drift' lists what to decide.",
                      pl_human_count(records, hold->records),
                      pl_plural(hold->records, "record", "records"), row->source, hold->why);
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

static void say_refill(deciding *d, pl_buf *out, const decided *one)
{
    const pl_finding_row *row = &one->decision.row;
    pl_human records, objects, bytes, rows;
    int64_t count = one->stale.count;
    if (one->refill == REFILL_DONE)
        pl_buf_printf(out, " %s %s that %s published before %s mapped anew: %s %s.",
                      pl_human_count(objects, count), pl_plural(count, "object", "objects"),
                      pl_plural(count, "was", "were"), pl_plural(count, "is", "are"),
                      pl_human_count(rows, (int64_t)one->rows),
                      pl_plural((int64_t)one->rows, "row", "rows"));
    else if (one->refill == REFILL_PENDING)
        pl_buf_printf(out,
                      " %s %s with %s %s, %s as stored, %s published before and %s the rows %s: "
                      "'plumb replay %s --finding %lld' maps them anew.",
                      pl_human_count(objects, count), pl_plural(count, "object", "objects"),
                      pl_human_count(records, one->stale.records),
                      pl_plural(one->stale.records, "record", "records"),
                      pl_human_bytes(bytes, one->stale.stored_bytes),
                      pl_plural(count, "was", "were"), pl_plural(count, "keeps", "keep"),
                      pl_plural(count, "it has", "they have"), row->table, (long long)row->id);
    else if (!d->dry && !still_held(d, row) && row->state != PL_FINDING_PARALLEL)
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
    static const char *const refills[] = {"none", "done", "pending"};
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
    pl_json_end(json, '}');
    pl_look_text(json, "text", text_of(d, one));
    pl_json_end(json, '}');
}

static int tell(deciding *d)
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
    bool waits = d->ran && d->report.hold_count;
    return pl_cli_finish_with(cli, waits ? PL_EXIT_WAITS : PL_EXIT_DONE);
}

// ---- the verbs ----------------------------------------------------------------------------------

// Rows from before; once all of what was promoted have the rule's values, it is settled.
static plumb_status finish(deciding *d, decided *one, plumb_error *err)
{
    PL_TRY(refill(d, one, err));
    if (one->decision.row.state != PL_FINDING_PROMOTED || one->refill == REFILL_PENDING)
        return PLUMB_OK;
    pl_decision_options options = decision_options(d, one->decision.row.id);
    options.why = NULL; // that was why it was promoted
    return pl_decision_settle(&options, &d->cli->arena, &one->decision.row, err);
}

static plumb_status go_on(deciding *d, plumb_error *err)
{
    if (d->dry) return PLUMB_OK;
    PL_TRY(run_on(d, err));
    for (uint32_t i = 0; i < d->count; i++) PL_TRY(finish(d, &d->done[i], err));
    return PLUMB_OK;
}

// ---- without a person ---------------------------------------------------------------------------

typedef struct proving {
    deciding *d;
    const pl_run_report *report;
    pl_run_finding *found;
    uint32_t count;
} proving;

// Counted first, then kept.
static bool find_parallel(void *context, const pl_finding_row *row)
{
    proving *p = context;
    pl_arena *arena = &p->d->cli->arena;
    const pl_project *project = p->d->lake.project;
    const pl_mapping *mapping =
        pl_project_mapping(project, pl_span_of(row->source), pl_span_of(row->table));
    bool published = false;
    for (uint32_t i = 0; i < p->report->source_count; i++)
        published |= p->report->sources[i].rows &&
                     strcmp(p->report->sources[i].source, row->source) == 0 &&
                     strcmp(p->report->sources[i].table, row->table) == 0;
    if (!published || !mapping || !pl_project_drift(project, mapping).auto_promote) return true;
    if (p->found)
        p->found[p->count] =
            (pl_run_finding){.id = row->id,
                             .source = pl_arena_cstr(arena, pl_span_of(row->source)),
                             .table = pl_arena_cstr(arena, pl_span_of(row->table)),
                             .class = pl_arena_cstr(arena, pl_span_of(row->class)),
                             .before = pl_arena_cstr(arena, pl_span_of(row->before)),
                             .after = pl_arena_cstr(arena, pl_span_of(row->after)),
                             .column = pl_arena_cstr(arena, pl_span_of(row->column)),
                             .state = PL_FINDING_PROMOTED};
    p->count++;
    return true;
}

// False: it stays as it is, the gate is not passed.
static plumb_status promote_proven(deciding *d, int64_t id, bool *ret_promoted, plumb_error *err)
{
    decided one = {0};
    pl_decision_options options = decision_options(d, id);
    plumb_status st = pl_decide(&options, &d->cli->arena, &one.decision, err);
    *ret_promoted = false;
    if (st == PLUMB_E_FAILED && one.decision.gate && one.decision.gate->word != PL_GATE_PASSED)
        return PLUMB_OK;
    if (st == PLUMB_OK) st = reload(d, err);
    if (st == PLUMB_OK) st = finish(d, &one, err);
    *ret_promoted = !one.decision.again || one.decision.row.state == PL_FINDING_ACCEPTED;
    return st;
}

plumb_status pl_drift_promote_proven(pl_cli *cli, const pl_lake *lake, int64_t wait_ms,
                                     pl_run_report *report, plumb_error *err)
{
    deciding d = {.cli = cli,
                  .lake = *lake,
                  .word = PL_DECISION_PROMOTE,
                  .wait_ms = wait_ms,
                  .why = "the gate is passed",
                  .who = "plumb"};
    proving p = {.d = &d, .report = report};
    // One that is promoted was not finished: somebody was killed, or there is too much raw.
    pl_finding_filter filter = {.states = PL_FINDING_IN(PL_FINDING_PARALLEL) |
                                          PL_FINDING_IN(PL_FINDING_PROMOTED)};
    PL_TRY(pl_registry_findings(lake->registry, &filter, find_parallel, &p, err));
    if (!p.count) return PLUMB_OK;
    PL_TRY(reload(&d, err)); // columns may have come with the run
    uint32_t kept = report->finding_count;
    p.found = PL_TAKE(&cli->arena, pl_run_finding, kept + p.count);
    for (uint32_t i = 0; i < kept; i++) p.found[i] = report->findings[i];
    p.count = kept;
    PL_TRY(pl_registry_findings(lake->registry, &filter, find_parallel, &p, err));
    for (uint32_t i = kept; i < p.count; i++) {
        bool promoted;
        PL_TRY(promote_proven(&d, p.found[i].id, &promoted, err));
        if (promoted) p.found[kept++] = p.found[i];
    }
    report->findings = p.found;
    report->finding_count = kept;
    return PLUMB_OK;
}

// ---- with one -----------------------------------------------------------------------------------

int pl_drift_decide(pl_cli *cli, pl_decision_word word)
{
    plumb_error err;
    deciding d = {.cli = cli,
                  .word = word,
                  .dry = pl_cli_flag(cli, "dry-run"),
                  .no_replay = pl_cli_flag(cli, "no-replay"),
                  .why = pl_cli_value(cli, "why")};
    bool now = pl_cli_flag(cli, "now"), parallel = pl_cli_flag(cli, "parallel");
    if (now && parallel) return pl_cli_usage(cli, "--now and --parallel do not go together");
    d.form = now ? PL_DECISION_NOW : parallel ? PL_DECISION_PARALLEL : PL_DECISION_ANY;
    if (!pl_run_read_wait(cli, &d.wait_ms)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, d.dry ? PL_CLI_REVIEW : PL_CLI_WRITE, &d.lake, &err))
        return pl_cli_fail(cli, &err);
    pl_user_name(d.who);
    pl_signals_install();
    d.done = PL_TAKE(&cli->arena, decided, cli->arg_count);
    for (int i = 1; i < cli->arg_count; i++) {
        if (decide_one(&d, cli->args[i], &err) == PLUMB_OK) continue;
        (void)pl_cli_fail(cli, &err); // the others are decided all the same
        d.failed = true;
    }
    if (go_on(&d, &err) != PLUMB_OK) {
        (void)pl_cli_fail(cli, &err);
        if (d.count)
            fprintf(stderr, "  hint: The decision stands; 'plumb run' goes on with what waited.\n");
        d.failed = true;
    }
    pl_lake_close(&d.lake);
    return tell(&d);
}
