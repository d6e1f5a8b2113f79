// drift.c -- plumb drift: what changed in the data, what waits for it, and what was done about it.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/drift.h"

#include "cli/look.h"
#include "flow/decide.h"

const char *pl_drift_where(pl_arena *arena, const char *source, const char *table,
                           const char *column)
{
    return pl_arena_printf(arena, "%s -> %s%s%s", source, table, *column ? "." : "", column);
}

const char *pl_drift_what(pl_arena *arena, const char *before, const char *after)
{
    if (strcmp(before, "$") == 0 && !*after) return "no records";
    if (!*before || !*after || strcmp(before, after) == 0) return *before ? before : after;
    return pl_arena_printf(arena, "%s -> %s", before, after);
}

int64_t pl_drift_until(const pl_project *project, const pl_hold_row *hold)
{
    const pl_mapping *mapping =
        pl_project_mapping(project, pl_span_of(hold->source), pl_span_of(hold->table));
    if (hold->critical || !mapping) return 0;
    pl_drift_policy policy = pl_project_drift(project, mapping);
    return policy.strict ? 0 : hold->since_us + policy.limit_us;
}

// ---- JSON ---------------------------------------------------------------------------------------

static void nullable(pl_json_writer *json, const char *key, const char *text)
{
    pl_look_text(json, key, *text ? text : NULL);
}

void pl_drift_json(pl_json_writer *json, const pl_finding_row *row)
{
    pl_arena scratch = {0};
    pl_finding_doc finding = pl_drift_document(row, &scratch);
    pl_look_int(json, "id", row->id);
    pl_look_text(json, "source", row->source);
    pl_look_text(json, "table", row->table);
    pl_look_text(json, "class", row->class);
    nullable(json, "path", *row->before ? row->before : row->after);
    nullable(json, "to_path", *row->before ? row->after : "");
    nullable(json, "column", row->column);
    pl_json_key(json, "critical");
    pl_json_bool(json, row->critical);
    pl_look_text(json, "state", pl_finding_state_name(row->state));
    pl_json_key(json, "confidence");
    pl_json_double(json, finding.confidence);
    pl_json_key(json, "evidence");
    pl_finding_write(json, &finding);
    pl_look_int(json, "records", row->records);
    pl_look_time(json, "first_seen", row->first_us);
    pl_look_text(json, "first_object", row->first_object);
    pl_look_time(json, "opened", row->opened_us);
    pl_look_time(json, "changed", row->changed_us);
    pl_look_text(json, "run", row->run);
    pl_look_int(json, "flips", row->flips);
    pl_arena_done(&scratch);
}

void pl_drift_hold_json(pl_json_writer *json, const pl_hold_row *hold, int64_t until_us)
{
    pl_look_text(json, "source", hold->source);
    pl_look_text(json, "table", hold->table);
    pl_look_text(json, "first_object", hold->first_object);
    pl_look_time(json, "since", hold->since_us);
    pl_look_int(json, "objects", hold->objects);
    pl_look_int(json, "records", hold->records);
    pl_json_key(json, "critical");
    pl_json_bool(json, hold->critical);
    pl_look_time(json, "until", until_us);
    pl_json_key(json, "released");
    pl_json_bool(json, *hold->released);
    pl_look_text(json, "why", hold->why);
    pl_look_text(json, "kind", hold->checks ? "checks" : "drift");
}

// ---- lists --------------------------------------------------------------------------------------

#define OPEN_STATES                                                                                \
    (PL_FINDING_IN(PL_FINDING_OPEN) | PL_FINDING_IN(PL_FINDING_AUTO) |                             \
     PL_FINDING_IN(PL_FINDING_PROVISIONAL) | PL_FINDING_IN(PL_FINDING_HELD) |                      \
     PL_FINDING_IN(PL_FINDING_PARALLEL) | PL_FINDING_IN(PL_FINDING_DEPRECATED) |                   \
     PL_FINDING_IN(PL_FINDING_PROMOTED) | PL_FINDING_IN(PL_FINDING_FLAPPING))

typedef struct listing {
    pl_cli *cli;
    const pl_lake *lake;
    const char *source, *table; // only these; NULL: any
    pl_json_writer json;
    pl_grid grid;
    pl_buf todo; // lines behind it
    bool quiet;  // count holds, and say nothing of them
    int64_t shown, waiting;
} listing;

static bool visit_hold(void *context, const pl_hold_row *hold)
{
    listing *list = context;
    pl_cli *cli = list->cli;
    pl_human objects, records, since, until;
    if ((list->source && strcmp(list->source, hold->source) != 0) ||
        (list->table && strcmp(list->table, hold->table) != 0))
        return true;
    int64_t until_us = pl_drift_until(list->lake->project, hold);
    list->waiting++;
    if (list->quiet) return true;
    list->shown++;
    if (cli->json) {
        pl_json_begin(&list->json, '{');
        pl_drift_hold_json(&list->json, hold, until_us);
        pl_json_end(&list->json, '}');
        return true;
    }
    pl_cli_print(
        cli, "%s%s%s: %s -> %s, %s %s, %s %s since %s: ", pl_cli_color(cli, PL_COLOR_YELLOW),
        *hold->released ? "going on" : "held", pl_cli_color(cli, PL_COLOR_OFF), hold->source,
        hold->table, pl_human_count(objects, hold->objects),
        pl_plural(hold->objects, "object", "objects"), pl_human_count(records, hold->records),
        pl_plural(hold->records, "record", "records"), pl_human_time(since, hold->since_us));
    pl_cli_escape(&cli->out, pl_span_of(hold->why));
    if (*hold->released)
        pl_cli_print(cli, "; 'plumb run' publishes them\n");
    else if (hold->checks)
        pl_cli_print(cli, "; 'plumb checks %s' says more\n", hold->table);
    else if (until_us)
        pl_cli_print(cli, "; published as they are from %s on\n", pl_human_time(until, until_us));
    else
        pl_cli_print(cli, "; they wait for you\n");
    return true;
}

static bool visit_finding(void *context, const pl_finding_row *row)
{
    listing *list = context;
    pl_arena scratch = {0};
    list->shown++;
    list->waiting += row->state == PL_FINDING_HELD;
    if (list->cli->json) {
        pl_json_begin(&list->json, '{');
        pl_drift_json(&list->json, row);
        pl_json_end(&list->json, '}');
        return true;
    }
    pl_grid *grid = &list->grid;
    pl_grid_printf(grid, "%lld", (long long)row->id);
    pl_human until;
    if (row->state == PL_FINDING_DEPRECATED)
        pl_grid_printf(grid, "deprecated to %.10s",
                       pl_human_time(until, row->changed_us + PL_DEPRECATED_US));
    else
        pl_grid_text(grid, pl_finding_state_name(row->state));
    if (row->state == PL_FINDING_PROMOTED)
        pl_buf_printf(&list->todo,
                      "finding %lld is promoted, but not for all rows from before:\n"
                      "  plumb replay %s --finding %lld maps them anew\n",
                      (long long)row->id, row->table, (long long)row->id);
    pl_grid_time(grid, row->first_us);
    pl_grid_text(grid, row->class);
    pl_grid_text(grid, pl_drift_where(&scratch, row->source, row->table, row->column));
    pl_grid_text(grid, pl_drift_what(&scratch, row->before, row->after));
    pl_grid_count(grid, row->records);
    pl_grid_printf(grid, "%.0f %%", pl_drift_document(row, &scratch).confidence * 100);
    pl_arena_done(&scratch);
    return true;
}

static bool begin_list(pl_cli *cli, const pl_lake *lake, listing *list)
{
    *list = (listing){.cli = cli, .lake = lake, .json = pl_cli_json(cli)};
    list->source = pl_cli_value(cli, "source");
    list->table = pl_cli_value(cli, "table");
    if (cli->json) pl_json_begin(&list->json, '[');
    return lake->registry != NULL;
}

static int end_list(listing *list)
{
    if (list->cli->json) pl_json_end(&list->json, ']');
    return pl_cli_finish_with(list->cli, list->waiting ? PL_EXIT_WAITS : PL_EXIT_DONE);
}

static int list_holds(pl_cli *cli, const pl_lake *lake)
{
    plumb_error err;
    listing list;
    if (begin_list(cli, lake, &list) && pl_registry_holds(lake->registry, visit_hold, &list, &err))
        return pl_cli_fail(cli, &err);
    if (!list.shown && !cli->json) pl_cli_print(cli, "Nothing is held.\n");
    return end_list(&list);
}

static int list_findings(pl_cli *cli, const pl_lake *lake)
{
    plumb_error err;
    listing list;
    plumb_status st = PLUMB_OK;
    bool all = pl_cli_flag(cli, "all");
    if (begin_list(cli, lake, &list)) {
        // A document has findings only; what is held has one of its own.
        pl_finding_filter filter = {.source = list.source, .table = list.table};
        if (!all) filter.states = OPEN_STATES;
        list.quiet = cli->json;
        st = pl_registry_holds(lake->registry, visit_hold, &list, &err);
        if (list.shown && !cli->json) pl_cli_print(cli, "\n");
        list.shown = 0;
        list.grid =
            pl_grid_make("id>|state|since|class|source -> table.column|what|records>|sure>");
        if (st == PLUMB_OK)
            st = pl_registry_findings(lake->registry, &filter, visit_finding, &list, &err);
    }
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    if (!cli->json && list.shown) {
        size_t start = cli->out.count;
        pl_grid_print(cli, &list.grid);
        pl_cli_fit(cli, start, pl_cli_width());
        if (list.todo.count) pl_cli_print(cli, "\n%s", pl_buf_cstr(&list.todo));
        pl_buf_done(&list.todo);
        pl_cli_print(cli, "\n'plumb drift show ID' explains one, and says what you can do.\n");
    } else if (!cli->json) {
        pl_cli_print(cli, all ? "Nothing was found yet.\n" : "No findings are open.\n");
    }
    return end_list(&list);
}

// ---- events -------------------------------------------------------------------------------------

const char *pl_drift_event_words(pl_finding_state to)
{
    static const char *const words[PL_FINDING_STATES] = {
        [PL_FINDING_SEEN] = "noticed, too little yet to say more",
        [PL_FINDING_OPEN] = "found; nothing waits for it",
        [PL_FINDING_AUTO] = "taken care of by a rule, nobody is needed",
        [PL_FINDING_PROVISIONAL] = "taken care of by a rule, until a person looks at it",
        [PL_FINDING_HELD] = "its source waits, a person is needed",
        [PL_FINDING_ACCEPTED] = "accepted",
        [PL_FINDING_REJECTED] = "rejected",
        [PL_FINDING_REVERTED] = "taken back",
        [PL_FINDING_PARALLEL] = "a second column is filled beside the old one",
        [PL_FINDING_PROMOTED] = "the second column has taken the old one's place",
        [PL_FINDING_DEPRECATED] = "its column is NULL from now on, and on its way out",
        [PL_FINDING_RETIRED] = "its column is out of the contract",
        [PL_FINDING_RESOLVED] = "over: it does not show any more",
        [PL_FINDING_FLAPPING] = "it comes and goes",
    };
    return words[to];
}

static const char *text_of(const pl_json *object, const char *key, pl_arena *arena)
{
    pl_span text;
    return pl_json_get_text(object, key, &text) ? pl_arena_cstr(arena, text) : "";
}

static void event_json(pl_json_writer *json, const pl_event_row *row, const pl_json *doc)
{
    static const char *const members[] = {"finding", "source",   "class",   "before",
                                          "after",   "column",   "from",    "to",
                                          "note",    "decision", "mapping", "diff"};
    pl_json_begin(json, '{');
    pl_look_int(json, "id", row->id);
    pl_look_time(json, "at", row->at_us);
    pl_look_text(json, "kind", row->kind);
    pl_look_text(json, "who", row->who);
    pl_look_text(json, "table", row->table);
    for (size_t i = 0; i < PL_COUNT(members); i++) {
        const pl_json *value = pl_json_get(doc, members[i]);
        pl_json_key(json, members[i]);
        pl_json_raw(json, value ? value->raw : PL_SPAN("null"));
    }
}

static bool visit_event(void *context, const pl_event_row *row)
{
    listing *list = context;
    pl_arena scratch = {0};
    pl_json *doc = NULL;
    pl_finding_state to = PL_FINDING_OPEN;
    if (pl_json_parse(pl_span_of(row->text), &scratch, &doc, NULL) != PLUMB_OK) doc = NULL;
    const char *state = text_of(doc, "to", &scratch), *note = text_of(doc, "note", &scratch);
    bool known = pl_finding_state_parse(pl_span_of(state), &to);
    const char *words = known ? pl_drift_event_words(to) : "";
    list->shown++;
    if (list->cli->json) {
        event_json(&list->json, row, doc);
        pl_look_text(&list->json, "text", words);
        pl_json_end(&list->json, '}');
    } else {
        int64_t id = 0;
        pl_grid *grid = &list->grid;
        pl_grid_time(grid, row->at_us);
        pl_grid_printf(grid, "%lld", (long long)(pl_json_get_long(doc, "finding", &id) ? id : 0));
        pl_grid_text(grid, state);
        pl_grid_text(grid, text_of(doc, "class", &scratch));
        pl_grid_text(grid, pl_drift_where(&scratch, text_of(doc, "source", &scratch), row->table,
                                          text_of(doc, "column", &scratch)));
        pl_grid_text(grid, pl_drift_what(&scratch, text_of(doc, "before", &scratch),
                                         text_of(doc, "after", &scratch)));
        pl_grid_text(grid, row->who);
        pl_grid_text(grid, *note ? note : words);
    }
    pl_arena_done(&scratch);
    return true;
}

static int list_events(pl_cli *cli, const pl_lake *lake)
{
    plumb_error err;
    listing list;
    int64_t limit = cli->json ? 0 : 50;
    if (!pl_cli_integer(cli, "limit", 1, INT64_MAX, &limit)) return PL_EXIT_USAGE;
    bool any = begin_list(cli, lake, &list);
    list.grid = pl_grid_make("at|finding>|state|class|source -> table.column|what|by|note");
    if (any && pl_registry_events_like(lake->registry, "drift.", limit, visit_event, &list, &err))
        return pl_cli_fail(cli, &err);
    if (!cli->json && list.shown) {
        size_t start = cli->out.count;
        pl_grid_print(cli, &list.grid);
        pl_cli_fit(cli, start, pl_cli_width());
    } else if (!cli->json) {
        pl_cli_print(cli, "Nothing was found yet.\n");
    }
    return end_list(&list);
}

// ---- the command --------------------------------------------------------------------------------

static const struct verb {
    const char *name;
    int ids;              // it takes: 2 means one or more
    const char *given[6]; // options it takes
} verbs[] = {
    {"ls", 0, {"source", "table", "all"}},
    {"holds", 0, {"source", "table"}},
    {"events", 0, {"limit"}},
    {"show", 1, {0}},
    {"shadow", 1, {"objects", "all"}},
    {"approve", 2, {"why", "no-replay", "dry-run", "wait", "now", "parallel"}},
    {"promote", 2, {"why", "no-replay", "dry-run", "wait", "now"}},
    {"reject", 2, {"why", "no-replay", "dry-run", "wait"}},
};

static const pl_option options[] = {
    {.name = "source", .value = "S", .help = "ls, holds: only of this source"},
    {.name = "table", .value = "T", .help = "ls, holds: only what concerns this table"},
    {.name = "all", .help = "ls: closed findings, too; shadow: every object"},
    {.name = "limit", .value = "N", .help = "events: at most N (50; with --json all)"},
    {.name = "objects", .value = "N", .help = "shadow: so many raw objects (8)"},
    {.name = "parallel", .help = "approve: try the rule in a column beside the old one"},
    {.name = "now", .help = "approve, promote: in one step, without asking the gate"},
    {.name = "why", .value = "TEXT", .help = "approve, promote, reject: kept with the decision"},
    {.name = "no-replay", .help = "the same: leave rows that are published as they are"},
    {.name = "dry-run", .help = "the same: only say what would be done"},
    {.name = "wait", .value = "TIME", .help = "the same: how long to wait for a run (30s)"},
    {0},
};

static const char *verb_name(void *context, int index)
{
    (void)context;
    return (size_t)index < PL_COUNT(verbs) ? verbs[index].name : NULL;
}

// NULL: a mistake was printed.
static const struct verb *verb_of(pl_cli *cli)
{
    const char *name = cli->arg_count ? cli->args[0] : "ls";
    const struct verb *verb = NULL;
    for (size_t i = 0; i < PL_COUNT(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0) verb = &verbs[i];
    if (!verb) {
        (void)pl_cli_unknown_verb(cli, name, verb_name);
        return NULL;
    }
    for (const pl_option *option = options; option->name; option++) {
        bool takes = !pl_cli_flag(cli, option->name);
        for (size_t i = 0; i < PL_COUNT(verb->given) && verb->given[i]; i++)
            takes |= strcmp(verb->given[i], option->name) == 0;
        if (takes) continue;
        pl_cli_usage(cli, "--%s is not for %s", option->name, name);
        return NULL;
    }
    if (verb->ids && cli->arg_count < 2) {
        pl_cli_usage(cli, "%s needs the ID of a finding", name);
        return NULL;
    }
    if (verb->ids < 2 && cli->arg_count > 1 + verb->ids) {
        pl_cli_usage(cli, "unexpected argument '%s'", cli->args[1 + verb->ids]);
        return NULL;
    }
    return verb;
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    const struct verb *verb = verb_of(cli);
    if (!verb) return PL_EXIT_USAGE;
    if (verb->ids == 2)
        return pl_drift_decide(cli, *verb->name == 'a'   ? PL_DECISION_APPROVE
                                    : *verb->name == 'p' ? PL_DECISION_PROMOTE
                                                         : PL_DECISION_REJECT);
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);
    int code;
    if (pl_look_named(cli, &lake, pl_cli_value(cli, "source"), pl_cli_value(cli, "table"), &err))
        code = pl_cli_fail(cli, &err);
    else if (strcmp(verb->name, "ls") == 0)
        code = list_findings(cli, &lake);
    else if (strcmp(verb->name, "holds") == 0)
        code = list_holds(cli, &lake);
    else if (strcmp(verb->name, "events") == 0)
        code = list_events(cli, &lake);
    else if (strcmp(verb->name, "show") == 0)
        code = pl_drift_show(cli, &lake, cli->args[1]);
    else
        code = pl_drift_shadow(cli, &lake, cli->args[1]);
    pl_lake_close(&lake);
    return code;
}

const pl_command pl_command_drift = {
    .name = "drift",
    .group = PL_GROUP_LOOK,
    .usage = "[ls] [--source S] [--table T] [--all] | show ID | shadow ID [--objects N|--all]\n"
             "       plumb drift approve ID... [--now|--parallel] [--why TEXT] [--no-replay] "
             "[--dry-run]\n"
             "       plumb drift promote ID... [--now] | reject ID... [--why TEXT] [--no-replay] "
             "[--dry-run]\n"
             "       plumb drift holds [--source S] [--table T] | events [--limit N]",
    .summary = "what changed in the data, what waits for it, and what you can do",
    .help =
        "'plumb run' compares what came with what a source used to send, before it publishes.\n"
        "What changed is a finding: renamed, removed, added, retyped, rescaled, meaning, map. If\n"
        "rows would be wrong or NULL by it, the source waits (is held) before that table, and\n"
        "everything else goes on.\n"
        "\n"
        "'ls' lists the findings that are open, below what is held. 'show' explains one: what\n"
        "changed, since when, how sure that is and why, what happens now, the change of the\n"
        "mapping that would settle it, and what comes next if nobody does anything. 'shadow'\n"
        "maps raw objects of before and after with that change and without, compares the rows\n"
        "and writes nothing. 'events' lists every change of state, newest first.\n"
        "\n"
        "'approve' says yes: the change that 'show' proposes is written into mapping and "
        "contract,\n"
        "line by line, with all else in them as it is; what waited is published by the run that\n"
        "follows, and rows that were published before are mapped anew, up to auto_replay of raw\n"
        "(plumb.yaml, drift: {auto_replay: 1GiB}). Values that mean something else are taken as\n"
        "they come. A column that is gone is NULL in new rows; approved once more 30 days later,\n"
        "its rule is taken out. 'reject' says no: rows are published as they come, and nothing\n"
        "waits for it for 30 days, or until it shows in ten times as many records. What a rule\n"
        "did by itself is taken back. Either is kept with who said it, when and why.\n"
        "\n"
        "A rule for values of another kind or unit is tried on raw first, the gate: 1,000 rows,\n"
        "99.5 % of values read, NULL moved by 0.5 points at most, 98 % of 100 entities going on\n"
        "or the same distribution, old rule and new nowhere at odds. If raw speaks against it, or\n"
        "with --parallel, it fills a new column COLUMN__next beside the old one, and what waited\n"
        "is published; else, too little raw included, it is done in one step. 'promote' asks\n"
        "again and, passed, gives the column the rule; 'reject' takes COLUMN__next away.\n"
        "--now asks nothing. With drift: {auto_promote: true} 'plumb run' promotes.\n"
        "\n"
        "Exit codes: 3 while something waits (ls, holds), or a check refuses old rows, else 0;\n"
        "1 if a finding could not be decided, or the gate is not passed.\n"
        "\n"
        "JSON: ls gives [{\"id\", \"source\", \"table\", \"class\", \"path\", \"to_path\",\n"
        "\"column\", \"critical\", \"state\", \"confidence\", \"evidence\": {...}, \"records\",\n"
        "\"first_seen\", \"first_object\", \"opened\", \"changed\", \"run\", \"flips\"}]; show "
        "the\n"
        "same of one, and \"held\", \"concerns\": {\"objects\", \"not_published\",\n"
        "\"stored_bytes\", \"records\", \"seconds\"}, \"proposal\": {\"overlay\", \"diff\"} or\n"
        "null, \"gate\": {\"word\": passed, open or failed, \"criteria\": [{\"name\", \"asked\", "
        "\"measured\", \"word\"}],\n"
        "\"figures\"}, \"text\": {\"changed\", \"since\", \"sure\", \"now\", \"todo\",\n"
        "\"cost\", \"later\"}; holds [{\"source\", \"table\", \"first_object\", \"since\", "
        "\"objects\",\n"
        "\"records\", \"critical\", \"until\", \"released\", \"why\",\n"
        "\"kind\": drift or checks}]; events [{\"id\", \"at\",\n"
        "\"finding\", \"source\", \"table\", \"class\", \"before\", \"after\", \"column\",\n"
        "\"from\", \"to\", \"who\", \"note\", \"decision\", \"mapping\", \"diff\", \"text\"}];\n"
        "approve, promote, reject {\"state\", \"decisions\": [{\"finding\", \"decision\", "
        "\"from\",\n"
        "\"to\", \"again\", \"mapping\", \"contract\", \"diff\", \"muted_until\",\n"
        "\"retire_from\", \"beside\", \"gate\", \"refill\": {\"state\", \"objects\", "
        "\"stored_bytes\", \"rows\"},\n"
        "\"text\"}], \"run\": {...} or null, \"held\"}; shadow {\"finding\", \"objects\",\n"
        "\"objects_before\", \"objects_damaged\", \"records\", \"differ\", \"now\": {\"rows\",\n"
        "\"quarantined\", \"filtered\", \"lost\", \"coerced\", \"conflicts\"}, \"proposed\": the\n"
        "same, \"columns\": [{\"column\", \"differ\", \"now\": {\"filled\", \"nulls\", \"sum\",\n"
        "\"min\", \"max\", \"different\"} or null, \"proposed\"}]}.\n"
        "\n"
        "Example:\n"
        "  $ plumb drift\n"
        "  held: tiktok -> post_metrics, 12 objects, 4,210 records since 2026-11-22 10:05:00Z:\n"
        "  likes is NULL in all of 4,210 rows, before in 3 of 90,000; they wait for you\n"
        "\n"
        "  id  state  since                 class    source -> table.column        what  ...\n"
        "   7  held   2026-11-22 10:05:00Z  renamed  tiktok -> post_metrics.likes  $.likes -> ...\n"
        "  $ plumb drift show 7\n"
        "  $ plumb drift shadow 7\n"
        "  $ plumb drift approve 7 --why 'their changelog says so'\n"
        "  finding 7 is accepted: tiktok -> post_metrics.likes: renamed, $.likes -> ...\n",
    .options = options,
    .args_max = -1,
    .json = true,
    .run = run,
};
