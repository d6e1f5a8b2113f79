// drill.c -- plumb drill: API upgrades, played on the user's own records before they happen.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/look.h"
#include "drill/cases.h"
#include "drill/drill.h"
#include "flow/mappings.h"
#include "os/file.h"
#include "os/os.h"

typedef struct played {
    pl_drill_report *reports;
    uint32_t count;
    uint32_t verdicts[PL_DRILL_VERDICTS]; // of the upgrades; of what did not change only an alarm
    uint32_t upgrades;
} played;

static void show_progress(void *context, const char *source, uint32_t done, uint32_t cases)
{
    (void)context;
    fprintf(stderr, "\r\033[K%s: %u of %u played", source, done, cases);
    fflush(stderr);
}

// ---- telling -----------------------------------------------------------------------------------

static const char *count_of(pl_cli *cli, uint64_t count, const char *one, const char *many)
{
    pl_human text;
    return pl_arena_printf(&cli->arena, "%s %s", pl_human_count(text, (int64_t)count),
                           pl_plural((int64_t)count, one, many));
}

static void add_part(pl_buf *out, const char *part)
{
    if (out->count) pl_buf_text(out, ", ");
    pl_buf_text(out, part);
}

// "800 rows wait; published: 0 wrong values, 0 NULLs"
static void print_outcome(pl_cli *cli, const pl_drill_result *r)
{
    pl_buf waits = {0}, text = {0};
    if (r->held) add_part(&waits, count_of(cli, r->held, "row waits", "rows wait"));
    if (r->quarantined)
        add_part(&waits,
                 count_of(cli, r->quarantined, "record in quarantine", "records in quarantine"));
    if (r->right) add_part(&text, count_of(cli, r->right, "row right", "rows right"));
    add_part(&text, count_of(cli, r->wrong, "wrong value", "wrong values"));
    add_part(&text, count_of(cli, r->nulls, "NULL", "NULLs"));
    if (r->absent) add_part(&text, count_of(cli, r->absent, "row missing", "rows missing"));
    pl_cli_print(cli, "               %s%spublished: %s\n", pl_buf_cstr(&waits),
                 waits.count ? "; " : "", pl_buf_cstr(&text));
    pl_buf_done(&waits);
    pl_buf_done(&text);
}

static void print_finding(pl_cli *cli, const pl_drill_finding *f)
{
    bool both = *f->path && *f->to_path && strcmp(f->path, f->to_path) != 0;
    pl_cli_print(cli, "               %sfound: %s %s%s%s (%s)%s\n", pl_cli_color(cli, PL_COLOR_DIM),
                 f->class, *f->path ? f->path : f->to_path, both ? " -> " : "",
                 both ? f->to_path : "", f->state, pl_cli_color(cli, PL_COLOR_OFF));
}

static pl_color color_of(pl_drill_verdict verdict)
{
    return verdict == PL_DRILL_MISSED || verdict == PL_DRILL_ALARM       ? PL_COLOR_RED
           : verdict == PL_DRILL_HELD || verdict == PL_DRILL_QUARANTINED ? PL_COLOR_YELLOW
                                                                         : PL_COLOR_GREEN;
}

static void print_result(pl_cli *cli, const pl_drill_result *r)
{
    bool missed = r->verdict == PL_DRILL_MISSED;
    pl_buf what = {0};
    pl_cli_escape(&what, pl_span_of(r->what));
    pl_cli_print(cli, "  %s%-11s%s  %s\n", pl_cli_color(cli, color_of(r->verdict)),
                 missed ? "MISSED" : pl_drill_verdict_name(r->verdict),
                 pl_cli_color(cli, PL_COLOR_OFF), pl_buf_cstr(&what));
    pl_buf_done(&what);
    print_outcome(cli, r);
    enum { FINDINGS_SHOWN = 4 };
    for (uint32_t i = 0; i < r->finding_count && i < FINDINGS_SHOWN; i++)
        print_finding(cli, &r->findings[i]);
    if (r->finding_count > FINDINGS_SHOWN)
        pl_cli_print(cli, "               %sand %u findings more%s\n",
                     pl_cli_color(cli, PL_COLOR_DIM), r->finding_count - FINDINGS_SHOWN,
                     pl_cli_color(cli, PL_COLOR_OFF));
}

static void print_report(pl_cli *cli, const pl_drill_report *report)
{
    pl_cli_print(cli, "%s%s%s: %s of %s; three fifths before the upgrade, the rest after it\n\n",
                 pl_cli_color(cli, PL_COLOR_BOLD), report->source, pl_cli_color(cli, PL_COLOR_OFF),
                 count_of(cli, report->records, "record", "records"),
                 count_of(cli, report->objects, "raw object", "raw objects"));
    for (uint32_t i = 0; i < report->count; i++) print_result(cli, &report->results[i]);
    pl_cli_print(cli, "\n");
}

static void print_sum(pl_cli *cli, const played *p)
{
    pl_buf text = {0};
    for (pl_drill_verdict v = 0; v < PL_DRILL_VERDICTS; v++) {
        if (!p->verdicts[v] && v != PL_DRILL_MISSED) continue;
        add_part(&text,
                 pl_arena_printf(&cli->arena, "%u %s", p->verdicts[v], pl_drill_verdict_name(v)));
    }
    pl_cli_print(cli, "%s played: %s. Nothing of the project was touched.\n",
                 count_of(cli, p->upgrades, "upgrade", "upgrades"), pl_buf_cstr(&text));
    pl_buf_done(&text);
}

static void json_result(pl_json_writer *w, const pl_drill_report *report, const pl_drill_result *r)
{
    pl_json_begin(w, '{');
    pl_look_text(w, "source", report->source);
    pl_look_text(w, "table", r->table);
    pl_look_text(w, "kind", r->kind);
    pl_look_text(w, "change", r->what);
    pl_look_text(w, "verdict", pl_drill_verdict_name(r->verdict));
    pl_look_int(w, "rows", (int64_t)r->rows);
    pl_look_int(w, "right", (int64_t)r->right);
    pl_look_int(w, "held", (int64_t)r->held);
    pl_look_int(w, "quarantined", (int64_t)r->quarantined);
    pl_look_int(w, "wrong", (int64_t)r->wrong);
    pl_look_int(w, "nulls", (int64_t)r->nulls);
    pl_look_int(w, "absent", (int64_t)r->absent);
    pl_json_key(w, "findings"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < r->finding_count; i++) {
        const pl_drill_finding *f = &r->findings[i];
        pl_json_begin(w, '{');
        pl_look_text(w, "class", f->class);
        pl_look_text(w, "state", f->state);
        pl_look_text(w, "path", f->path);
        pl_look_text(w, "to_path", *f->to_path ? f->to_path : NULL);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
    pl_json_end(w, '}');
}

static void print_json(pl_cli *cli, const played *p, int64_t seed, int64_t micros)
{
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_look_int(&w, "seed", seed);
    pl_json_key(&w, "sources"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < p->count; i++) {
        pl_json_begin(&w, '{');
        pl_look_text(&w, "source", p->reports[i].source);
        pl_look_int(&w, "records", (int64_t)p->reports[i].records);
        pl_look_int(&w, "objects", (int64_t)p->reports[i].objects);
        pl_json_end(&w, '}');
    }
    pl_json_end(&w, ']');
    pl_json_key(&w, "cases"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < p->count; i++)
        for (uint32_t r = 0; r < p->reports[i].count; r++)
            json_result(&w, &p->reports[i], &p->reports[i].results[r]);
    pl_json_end(&w, ']');
    pl_look_int(&w, "missed", p->verdicts[PL_DRILL_MISSED]);
    pl_look_int(&w, "false_alarms", p->verdicts[PL_DRILL_ALARM]);
    pl_json_key(&w, "seconds"), pl_json_double(&w, (double)micros / 1e6);
    pl_json_end(&w, '}');
}

// ---- playing -----------------------------------------------------------------------------------

// A named source must be fit for it; of all sources, those that are not yet are left out.
static plumb_status play_source(pl_cli *cli, pl_drill_options *options, const char *source,
                                bool named, played *p, plumb_error *err)
{
    pl_drill_report *report = &p->reports[p->count];
    options->source = source;
    plumb_status st = pl_drill(options, &cli->arena, report, err);
    if (options->progress) fprintf(stderr, "\r\033[K");
    if (st == PLUMB_E_NOT_FOUND && !named) {
        pl_cli_warn("%s", err->message);
        return PLUMB_OK;
    }
    if (st != PLUMB_OK) return st;
    p->count++;
    for (uint32_t i = 0; i < report->count; i++) {
        bool upgrade = i > 0;
        p->upgrades += upgrade;
        if (upgrade || report->results[i].verdict == PL_DRILL_ALARM)
            p->verdicts[report->results[i].verdict]++;
    }
    return PLUMB_OK;
}

static plumb_status play_sources(pl_cli *cli, pl_drill_options *options, const char *source,
                                 played *p, plumb_error *err)
{
    const pl_project *project = options->project;
    p->reports = PL_TAKE(&cli->arena, pl_drill_report, project->mapping_count + 1);
    if (source) return play_source(cli, options, source, true, p, err);
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        bool known = false;
        for (uint32_t before = 0; before < i; before++)
            known |= pl_span_equal(project->mappings[before]->source, project->mappings[i]->source);
        if (known) continue;
        const char *name = pl_arena_cstr(&cli->arena, project->mappings[i]->source);
        PL_TRY(play_source(cli, options, name, false, p, err));
    }
    return PLUMB_OK;
}

static plumb_status play(pl_cli *cli, const pl_lake *lake, pl_drill_options *options, played *p,
                         plumb_error *err)
{
    const char *source = cli->arg_count ? cli->args[0] : NULL;
    const char *temporary = getenv("TMPDIR");
    char *scratch;
    pl_project *project;
    if (!lake->store || !lake->registry) {
        pl_fail(err, PLUMB_E_NOT_FOUND, "cannot drill: nothing was landed yet");
        pl_hint(err, "Land some of it with 'plumb ingest SOURCE FILE'.");
        return PLUMB_E_NOT_FOUND;
    }
    PL_TRY(pl_mappings_in_use(lake->project, lake->registry, &cli->arena, &project, err));
    if (project->unfit_count) {
        *err = project->unfit[0].why;
        return err->status;
    }
    options->project = project;
    options->store = lake->store;
    options->registry = lake->registry;
    temporary = temporary && *temporary ? temporary : "/tmp";
    PL_TRY(pl_path_make_scratch(pl_arena_printf(&cli->arena, "%s/plumb-drill-", temporary),
                                &cli->arena, &scratch, err));
    options->scratch = scratch;
    plumb_status st = play_sources(cli, options, source, p, err);
    plumb_error ignored;
    plumb_status removed = pl_path_remove_all(scratch, st == PLUMB_OK ? err : &ignored);
    return st == PLUMB_OK ? removed : st;
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    int64_t seed = 1, cases = PL_DRILL_CASES_DEFAULT, began = pl_clock_monotonic();
    if (!pl_cli_integer(cli, "seed", 0, INT64_MAX, &seed)) return PL_EXIT_USAGE;
    if (!pl_cli_integer(cli, "cases", 1, 1000, &cases)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);
    pl_drill_options options = {.seed = (uint64_t)seed,
                                .cases = (uint32_t)cases,
                                .now_us = cli->now_us,
                                .blind = pl_cli_flag(cli, "no-shape"),
                                .progress = pl_is_terminal(STDERR_FILENO) ? show_progress : NULL};
    played p = {0};
    pl_signals_install();
    plumb_status st = play(cli, &lake, &options, &p, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (cli->json) {
        print_json(cli, &p, seed, pl_clock_monotonic() - began);
    } else {
        for (uint32_t i = 0; i < p.count; i++) print_report(cli, &p.reports[i]);
        print_sum(cli, &p);
    }
    bool bad = p.verdicts[PL_DRILL_MISSED] || p.verdicts[PL_DRILL_ALARM];
    return pl_cli_finish_with(cli, bad ? PL_EXIT_WAITS : PL_EXIT_DONE);
}

static const pl_option options[] = {
    {.name = "seed", .value = "N", .help = "other upgrades: which keys, which names (1)"},
    {.name = "cases", .value = "N", .help = "upgrades per source (16: one of each kind)"},
    {.name = "no-shape", .help = "do not look for drift: what goes wrong without"},
    {0},
};

const pl_command pl_command_drill = {
    .name = "drill",
    .group = PL_GROUP_LOOK,
    .usage = "[SOURCE] [--seed N] [--cases N] [--json]",
    .summary = "play API upgrades on your own records, and see what would be published",
    .help =
        "Takes the newest records of a source from raw (up to 2,000, or 4 MiB), lands them in a\n"
        "lake that is thrown away afterwards, and changes those that come later as an API's next\n"
        "version might: keys and objects renamed, numbers become text, objects or \"1.2K\", units\n"
        "changed, keys removed or added, other words for the same values, the array of records\n"
        "renamed; at once, or in more and more records. `run` is let loose on them, with your\n"
        "contracts, mappings and settings of drift. What it published is compared, value by "
        "value,\n"
        "with what the unchanged records give.\n"
        "\n"
        "  published    all of it, and right: the change does no harm\n"
        "  healed       the same, after the mapping was changed by itself\n"
        "  held         waits for a person, or as long as `drift: {limit: ...}` says\n"
        "  quarantined  records could not become rows; nothing wrong was published\n"
        "  MISSED       wrong values, NULLs in place of values, or too few rows were published\n"
        "  false alarm  nothing was changed, and it was held all the same\n"
        "\n"
        "The same seed plays the same upgrades. Nothing of the project is touched; the scratch\n"
        "lake is in $TMPDIR, or /tmp.\n"
        "\n"
        "Exit codes: 0 nothing was missed; 3 something was missed, or a false alarm; 1 failed;\n"
        "2 a mistake in the project's files; 130 stopped by Ctrl-C.\n"
        "\n"
        "Example:\n"
        "  plumb drill tiktok\n"
        "  plumb drill --seed 7 --json | jq '.cases[] | select(.verdict == \"missed\")'\n"
        "  plumb drill tiktok --no-shape\n",
    .options = options,
    .args_max = 1,
    .json = true,
    .run = run,
};
