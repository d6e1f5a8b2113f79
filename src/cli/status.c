// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "cli/checks.h"
#include "cli/look.h"
#include "contract/project.h"
#include "flow/checks.h"
#include "flow/freshness.h"
#include "registry/drift.h"

// Everything `status` shows, gathered before anything is printed.
typedef struct facts {
    pl_cli *cli;
    pl_lake lake;
    pl_counts *counts;  // one per mapping of the project
    pl_score *scores;   // the same
    pl_check_row *ages; // the same; check NULL: no freshness is asked for
    pl_counts total;
    pl_run_row last, working; // texts in cli->arena; id NULL if there is none
    pl_lock_holder holder;
    pl_hold_row *holds; // texts in cli->arena
    uint32_t hold_count, hold_capacity;
} facts;

static pl_run_row run_copy(pl_arena *arena, const pl_run_row *row)
{
    pl_run_row copy = *row;
    copy.id = pl_arena_cstr(arena, pl_span_of(row->id));
    copy.state = pl_arena_cstr(arena, pl_span_of(row->state));
    copy.command = pl_arena_cstr(arena, pl_span_of(row->command));
    copy.counts = "";
    return copy;
}

static bool last_run(void *context, const pl_run_row *row)
{
    facts *f = context;
    f->last = run_copy(&f->cli->arena, row);
    return false;
}

static bool add_hold(void *context, const pl_hold_row *row)
{
    facts *f = context;
    pl_hold_row copy = *row;
    const char **texts[] = {&copy.source, &copy.table,    &copy.first_object,
                            &copy.run,    &copy.released, &copy.why};
    for (size_t i = 0; i < PL_COUNT(texts); i++)
        *texts[i] = pl_arena_cstr(&f->cli->arena, pl_span_of(*texts[i]));
    PL_GROW(f->holds, f->hold_count, f->hold_capacity);
    f->holds[f->hold_count++] = copy;
    return true;
}

static plumb_status gather_checks(facts *f, uint32_t i, plumb_error *err)
{
    pl_arena *arena = &f->cli->arena;
    const pl_mapping *m = f->lake.project->mappings[i];
    bool asked;
    PL_TRY(pl_freshness(f->lake.registry, m, f->cli->now_us, arena, &asked, &f->ages[i], err));
    if (!asked) f->ages[i].check = NULL;
    return pl_checks_score(&f->lake, pl_arena_cstr(arena, m->source),
                           pl_arena_cstr(arena, m->table), &f->scores[i], err);
}

static plumb_status gather(facts *f, plumb_error *err)
{
    pl_registry *registry = f->lake.registry;
    const pl_project *project = f->lake.project;
    f->counts = PL_TAKE(&f->cli->arena, pl_counts, project->mapping_count);
    f->scores = PL_TAKE(&f->cli->arena, pl_score, project->mapping_count);
    f->ages = PL_TAKE(&f->cli->arena, pl_check_row, project->mapping_count);
    PL_TRY(pl_run_lock_holder(f->lake.lock_path, &f->cli->arena, &f->holder, err));
    if (!registry) return PLUMB_OK;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *m = project->mappings[i];
        pl_counts *c = &f->counts[i];
        PL_TRY(pl_registry_counts(registry, pl_arena_cstr(&f->cli->arena, m->source),
                                  pl_arena_cstr(&f->cli->arena, m->table), c, err));
        PL_TRY(gather_checks(f, i, err));
        f->total.fresh += c->fresh;
        f->total.staged += c->staged;
        f->total.withdrawn += c->withdrawn;
        f->total.quarantined += c->quarantined;
    }
    PL_TRY(pl_registry_holds(registry, add_hold, f, err));
    return pl_registry_runs(registry, NULL, 1, last_run, f, err);
}

static void print_json_holds(facts *f, pl_json_writer *json)
{
    pl_json_key(json, "holds");
    pl_json_begin(json, '[');
    for (uint32_t i = 0; i < f->hold_count; i++) {
        const pl_hold_row *hold = &f->holds[i];
        pl_json_begin(json, '{');
        pl_look_text(json, "source", hold->source);
        pl_look_text(json, "table", hold->table);
        pl_look_text(json, "why", hold->why);
        pl_look_time(json, "since", hold->since_us);
        pl_look_int(json, "objects", hold->objects);
        pl_look_int(json, "records", hold->records);
        pl_look_text(json, "first_object", hold->first_object);
        pl_json_key(json, "critical"), pl_json_bool(json, hold->critical);
        pl_json_key(json, "released"), pl_json_bool(json, *hold->released);
        pl_look_text(json, "kind", hold->checks ? "checks" : "drift");
        pl_json_end(json, '}');
    }
    pl_json_end(json, ']');
}

static void json_age(facts *f, pl_json_writer *json, const pl_check_row *age)
{
    pl_json_key(json, "freshness");
    if (!age->check) {
        pl_json_null(json);
        return;
    }
    pl_json_begin(json, '{');
    pl_look_text(json, "outcome", pl_check_outcome_name(age->outcome));
    pl_look_text(json, "severity", age->critical ? "critical" : "warn");
    pl_look_int(json, "age_us", age->measured);
    pl_look_text(json, "allowed", age->allowed);
    pl_look_text(json, "text", pl_check_text(age, &f->cli->arena));
    pl_json_end(json, '}');
}

static void print_json(facts *f)
{
    pl_json_writer json = pl_cli_json(f->cli);
    const pl_project *project = f->lake.project;
    pl_json_begin(&json, '{');
    pl_look_text(&json, "project", project->dir);
    pl_look_text(&json, "lake", f->lake.path);
    pl_json_key(&json, "sources");
    pl_json_begin(&json, '[');
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_counts *c = &f->counts[i];
        pl_json_begin(&json, '{');
        pl_look_span(&json, "source", project->mappings[i]->source);
        pl_look_span(&json, "table", project->mappings[i]->table);
        pl_look_int(&json, "objects", c->objects);
        pl_look_int(&json, "new", c->fresh);
        pl_look_int(&json, "staged", c->staged);
        pl_look_int(&json, "published", c->published);
        pl_look_int(&json, "withdrawn", c->withdrawn);
        pl_look_int(&json, "records", c->records);
        pl_look_int(&json, "curated", c->curated);
        pl_look_int(&json, "quarantined", c->quarantined);
        pl_look_int(&json, "filtered", c->filtered);
        pl_look_int(&json, "duplicates", c->duplicates);
        pl_look_int(&json, "lost", c->lost);
        pl_look_int(&json, "pending_bytes", c->pending_bytes);
        pl_look_time(&json, "newest_received", c->newest_received_us);
        pl_json_key(&json, "score");
        if (f->scores[i].all)
            pl_json_double(&json, (double)f->scores[i].right / (double)f->scores[i].all);
        else
            pl_json_null(&json);
        json_age(f, &json, &f->ages[i]);
        pl_json_end(&json, '}');
    }
    pl_json_end(&json, ']');
    print_json_holds(f, &json);
    pl_json_key(&json, "last_run");
    if (f->last.id) {
        pl_json_begin(&json, '{');
        pl_look_text(&json, "run", f->last.id);
        pl_look_text(&json, "state", f->last.state);
        pl_look_text(&json, "command", f->last.command);
        pl_look_time(&json, "started", f->last.started_us);
        pl_look_time(&json, "finished", f->last.finished_us);
        pl_json_end(&json, '}');
    } else {
        pl_json_null(&json);
    }
    pl_json_key(&json, "running");
    pl_json_bool(&json, f->holder.held);
    pl_json_key(&json, "waits"); // for a person
    pl_json_bool(&json, f->total.staged + f->total.withdrawn > 0);
    pl_json_end(&json, '}');
}

static void print_sources(facts *f)
{
    const pl_project *project = f->lake.project;
    pl_human ago;
    pl_grid grid = pl_grid_make("source|table|objects>|new>|staged>|published>|withdrawn>|"
                                "records>|rows>|quarantined>|filtered>|score>|newest");
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_counts *c = &f->counts[i];
        pl_grid_printf(&grid, "%.*s", PL_FMT(project->mappings[i]->source));
        pl_grid_printf(&grid, "%.*s", PL_FMT(project->mappings[i]->table));
        const int64_t columns[] = {c->objects,   c->fresh,       c->staged,
                                   c->published, c->withdrawn,   c->records,
                                   c->curated,   c->quarantined, c->filtered};
        for (size_t k = 0; k < PL_COUNT(columns); k++) pl_grid_count(&grid, columns[k]);
        if (f->scores[i].all)
            pl_grid_printf(&grid, "%.4g%%",
                           100 * (double)f->scores[i].right / (double)f->scores[i].all);
        else
            pl_grid_text(&grid, "-");
        pl_grid_text(&grid, pl_human_ago(ago, f->cli->now_us, c->newest_received_us));
    }
    pl_grid_print(f->cli, &grid);
}

static void print_run(facts *f)
{
    pl_cli *cli = f->cli;
    pl_human ago, took;
    const pl_run_row *last = &f->last;
    if (f->holder.held)
        pl_cli_print(cli, "\nRunning: process %lld (plumb %s), started %s.\n",
                     (long long)f->holder.pid, f->holder.command,
                     pl_human_ago(ago, cli->now_us, f->holder.since_us));
    else if (last->id && last->finished_us)
        pl_cli_print(cli, "\nLast run: %s, %s, took %s.\n", last->state,
                     pl_human_ago(ago, cli->now_us, last->finished_us),
                     pl_human_duration(took, last->finished_us - last->started_us));
    else if (last->id)
        pl_cli_print(cli, "\nLast run: started %s and was cut off; the next one continues it.\n",
                     pl_human_ago(ago, cli->now_us, last->started_us));
    else
        pl_cli_print(cli, "\nNothing was run yet.\n");
}

static void print_holds(facts *f)
{
    pl_cli *cli = f->cli;
    pl_human n, since;
    for (uint32_t i = 0; i < f->hold_count; i++) {
        const pl_hold_row *hold = &f->holds[i];
        pl_buf why = {0};
        pl_cli_escape(&why, pl_span_of(hold->why));
        pl_cli_print(cli, "%s: %s %s of %s for %s since %s (%.*s), %s.\n",
                     *hold->released ? "released" : "held", pl_human_count(n, hold->objects),
                     pl_plural(hold->objects, "object", "objects"), hold->source, hold->table,
                     pl_human_time(since, hold->since_us), PL_FMT(pl_buf_view(&why)),
                     *hold->released ? "'plumb run' publishes them"
                     : hold->checks
                         ? pl_arena_printf(&cli->arena, "see 'plumb checks %s'", hold->table)
                         : "see 'plumb drift ls'");
        pl_buf_done(&why);
    }
}

static bool is_stale(const pl_check_row *age)
{
    return age->check && age->outcome == PL_CHECK_FAILED;
}

static void print_advice(facts *f)
{
    pl_cli *cli = f->cli;
    const pl_counts *t = &f->total;
    pl_human n;
    print_holds(f);
    for (uint32_t i = 0; i < f->lake.project->mapping_count; i++)
        if (is_stale(&f->ages[i]))
            pl_cli_print(cli, "%s: %s -> %s: %s.\n", f->ages[i].critical ? "stale" : "warning",
                         f->ages[i].source, f->ages[i].table,
                         pl_check_text(&f->ages[i], &cli->arena));
    for (uint32_t i = 0; i < f->lake.project->mapping_count; i++) {
        const pl_mapping *mapping = f->lake.project->mappings[i];
        int64_t withdrawn = f->counts[i].withdrawn;
        if (!withdrawn) continue;
        pl_cli_print(cli,
                     "%s %s of %.*s withdrawn from %.*s by a rollback: 'plumb replay %.*s "
                     "--withdrawn'.\n",
                     pl_human_count(n, withdrawn), pl_plural(withdrawn, "object", "objects"),
                     PL_FMT(mapping->source), PL_FMT(mapping->table), PL_FMT(mapping->table));
    }
    if (t->quarantined)
        pl_cli_print(cli, "%s %s could not become rows: 'plumb quarantine'.\n",
                     pl_human_count(n, t->quarantined),
                     pl_plural(t->quarantined, "record", "records"));
    if (t->fresh)
        pl_cli_print(cli, "%s new %s for 'plumb run'.\n", pl_human_count(n, t->fresh),
                     pl_plural(t->fresh, "object waits", "objects wait"));
}

static int run(pl_cli *cli)
{
    plumb_error err;
    facts f = {.cli = cli};
    if (pl_cli_open(cli, PL_CLI_READ, &f.lake, &err)) return pl_cli_fail(cli, &err);
    if (gather(&f, &err)) {
        pl_lake_close(&f.lake);
        free(f.holds);
        return pl_cli_fail(cli, &err);
    }
    if (cli->json) {
        print_json(&f);
    } else if (f.lake.project->mapping_count == 0) {
        pl_cli_print(cli, "No sources yet: write one in sources/, see 'plumb help init'.\n");
    } else {
        print_sources(&f);
        print_run(&f);
        print_advice(&f);
    }
    pl_lake_close(&f.lake);
    free(f.holds);
    return pl_cli_finish(cli);
}

const pl_command pl_command_status = {
    .name = "status",
    .group = PL_GROUP_LOOK,
    .usage = "[--json]",
    .summary = "what is landed, published, held back and quarantined, per source",
    .help =
        "One line per source and table: how many raw objects are new, staged (held back),\n"
        "published or withdrawn by a rollback, and what became of their records.\n"
        "records = rows + quarantined + filtered, always. The score is how many of the\n"
        "records published last are right ('plumb help checks').\n"
        "\n"
        "JSON: {\"project\", \"lake\", \"sources\": [{\"source\", \"table\", \"objects\", "
        "\"new\",\n"
        "\"staged\", \"published\", \"withdrawn\", \"records\", \"curated\": rows, "
        "\"quarantined\",\n"
        "\"filtered\", \"duplicates\", \"lost\", \"pending_bytes\", \"newest_received\", "
        "\"score\",\n"
        "\"freshness\"}], \"holds\", \"last_run\": {\"run\", \"state\", \"command\", \"started\",\n"
        "\"finished\"} or null, \"running\", \"waits\": something waits for a person}.\n"
        "\n"
        "Example:\n"
        "  $ plumb status\n"
        "  source  table         objects  new  staged  published  ...\n"
        "  tiktok  post_metrics       12    1       0         11  ...\n",
    .json = true,
    .run = run,
};
