// drift_decide.c -- plumb drift approve, promote, reject: what a person says of findings, and what
// comes of it at once: files, what waited, what was published before.
//
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/drift_decide.h"
#include "cli/look.h"
#include "cli/run.h"
#include "flow/replay.h"
#include "os/os.h"

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
    if (st == PLUMB_E_FAILED) { // what was decided stands all the same
        one->refill = REFILL_REFUSED;
        one->refused = pl_arena_cstr(&d->cli->arena, pl_span_of(err->message));
        d->refused = true;
        return PLUMB_OK;
    }
    if (st != PLUMB_OK) return st;
    for (uint32_t i = 0; i < report.refusal_count; i++)
        pl_cli_warn("object '%s' keeps its rows: %s", report.refusals[i].object,
                    report.refusals[i].why);
    one->rows = report.rows_after;
    one->refill = REFILL_DONE;
    return PLUMB_OK;
}

// ---- the verbs ----------------------------------------------------------------------------------

// Rows from before; once all of what was promoted have the rule's values, it is settled.
static plumb_status finish(deciding *d, decided *one, plumb_error *err)
{
    PL_TRY(refill(d, one, err));
    if (one->decision.row.state != PL_FINDING_PROMOTED || one->refill >= REFILL_PENDING)
        return PLUMB_OK;
    pl_decision_options options = decision_options(d, one->decision.row.id);
    options.why = NULL; // that was why it was promoted
    return pl_decision_settle(&options, &d->cli->arena, &one->decision.row, err);
}

// What fails now does not undo what was decided, nor does it stop the rest.
static void stands(deciding *d, const plumb_error *err, const char *later)
{
    (void)pl_cli_fail(d->cli, err);
    fprintf(stderr, "  The decision stands; %s.\n", later);
    d->failed = true;
}

static void go_on(deciding *d)
{
    plumb_error err;
    if (d->dry || !d->count) return;
    if (run_on(d, &err) != PLUMB_OK) {
        stands(d, &err, "'plumb run' goes on with what waited");
        d->no_replay = true;
    }
    for (uint32_t i = 0; i < d->count; i++)
        if (finish(d, &d->done[i], &err) != PLUMB_OK)
            stands(d, &err,
                   pl_arena_printf(&d->cli->arena,
                                   "'plumb replay %s --finding %lld' maps anew what was published "
                                   "before",
                                   d->done[i].decision.row.table,
                                   (long long)d->done[i].decision.row.id));
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
    go_on(&d);
    pl_lake_close(&d.lake);
    return pl_drift__tell(&d);
}
