// history.c -- plumb history: every snapshot of a table, and what people and programs did to it.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"
#include "base/number.h"
#include "cli/look.h"
#include "flow/follow.h"

// Something that happened to the table beside a snapshot: an event of the audit trail.
typedef struct happening {
    int64_t at_us, snapshot; // 0: it is about none
    const char *kind, *who, *why;
    const char *text; // JSON
    const char *note; // for people
} happening;

typedef struct listing {
    pl_cli *cli;
    const char *table;
    pl_ice_table *ice;
    const pl_ice_snapshot *newest; // of what is shown; NULL: all
    pl_ancestry line;              // of the head
    pl_map commands;               // run -> index of names
    pl_buf names;                  // const char *
    pl_buf happenings;             // newest first
    pl_json_writer json;
    pl_grid grid;
    int64_t limit;
} listing;

// ---- what happened -----------------------------------------------------------------------------
static bool is_told(const char *kind)
{
    static const char *const decisions[] = {"accepted", "rejected",   "promoted", "parallel",
                                            "reverted", "deprecated", "retired"};
    if (strncmp(kind, "drift.", 6) != 0) return true;
    for (size_t i = 0; i < PL_COUNT(decisions); i++)
        if (strcmp(kind + 6, decisions[i]) == 0) return true;
    return false;
}

// Which finding was decided, and what was said of it.
static const char *finding_note(pl_arena *arena, const pl_json *text, int64_t finding)
{
    pl_span source = PL_SPAN(""), class = PL_SPAN(""), column = PL_SPAN(""), note = PL_SPAN("");
    (void)pl_json_get_text(text, "source", &source);
    (void)pl_json_get_text(text, "class", &class);
    (void)pl_json_get_text(text, "column", &column);
    (void)pl_json_get_text(text, "note", &note);
    return pl_arena_printf(arena, "finding %lld, %.*s%s%.*s %.*s%s%.*s", (long long)finding,
                           PL_FMT(source), column.bytes ? "." : "", PL_FMT(column), PL_FMT(class),
                           note.bytes ? ": " : "", PL_FMT(note));
}

static const char *note_of(pl_arena *arena, const pl_json *text)
{
    int64_t withdrawn = 0, returned = 0, pinned = -1, snapshots = 0, from = 0, finding = 0;
    pl_span tag, source = PL_SPAN(""), note;
    if (pl_json_get_long(text, "finding", &finding)) return finding_note(arena, text, finding);
    if (pl_json_get_text(text, "note", &note)) return pl_arena_cstr(arena, note);
    if (pl_json_get_text(text, "failed", &note)) { // check.held, check.accepted
        (void)pl_json_get_text(text, "source", &source);
        return pl_arena_printf(arena, "%.*s: %.*s", PL_FMT(source), PL_FMT(note));
    }
    if (pl_json_get_long(text, "snapshots", &snapshots))
        return pl_arena_printf(arena, "%lld %s expired", (long long)snapshots,
                               pl_plural(snapshots, "snapshot", "snapshots"));
    (void)pl_json_get_text(text, "source", &source);
    if (pl_json_get_long(text, "pinned", &pinned))
        return pinned ? pl_arena_printf(arena, "%.*s: version %lld pinned", PL_FMT(source),
                                        (long long)pinned)
                      : pl_arena_printf(arena, "%.*s: the file is used", PL_FMT(source));
    (void)pl_json_get_long(text, "withdrawn", &withdrawn);
    (void)pl_json_get_long(text, "returned", &returned);
    (void)pl_json_get_long(text, "from", &from);
    const char *out = from ? pl_arena_printf(arena, "from %lld", (long long)from) : "";
    if (pl_json_get_text(text, "tag", &tag))
        out = pl_arena_printf(arena, "%s, tagged %.*s", out, PL_FMT(tag));
    if (withdrawn)
        out = pl_arena_printf(arena, "%s%s%lld %s withdrawn", out, *out ? ", " : "",
                              (long long)withdrawn, pl_plural(withdrawn, "object", "objects"));
    if (returned)
        out = pl_arena_printf(arena, "%s%s%lld %s published again", out, *out ? ", " : "",
                              (long long)returned, pl_plural(returned, "object", "objects"));
    return out;
}

static bool visit_event(void *context, const pl_event_row *row)
{
    listing *list = context;
    pl_arena *arena = &list->cli->arena;
    pl_json *text;
    pl_span why = PL_SPAN("");
    if (strcmp(row->table, list->table) != 0 || !is_told(row->kind)) return true;
    happening one = {.at_us = row->at_us,
                     .kind = pl_arena_cstr(arena, pl_span_of(row->kind)),
                     .who = pl_arena_cstr(arena, pl_span_of(row->who)),
                     .text = pl_arena_cstr(arena, pl_span_of(row->text)),
                     .why = "",
                     .note = ""};
    if (pl_json_parse(pl_span_of(one.text), arena, &text, NULL) == PLUMB_OK) {
        (void)pl_json_get_text(text, "why", &why);
        (void)pl_json_get_long(text, "to", &one.snapshot);
        one.note = note_of(arena, text);
    } else {
        one.text = "null";
    }
    one.why = pl_arena_cstr(arena, why);
    pl_buf_append(&list->happenings, &one, sizeof one);
    return true;
}

static bool visit_run(void *context, const pl_run_row *row)
{
    listing *list = context;
    pl_arena *arena = &list->cli->arena;
    const char *command = pl_arena_cstr(arena, pl_span_of(row->command));
    pl_map_add(&list->commands, pl_arena_copy(arena, pl_span_of(row->id)),
               (uint32_t)(list->names.count / sizeof command));
    pl_buf_append(&list->names, &command, sizeof command);
    return true;
}

// ---- snapshots ---------------------------------------------------------------------------------
static int64_t total(const pl_ice_snapshot *snapshot, const char *key)
{
    pl_span text;
    pl_number number;
    int64_t value = 0;
    if (!pl_ice_pair_find(snapshot->summary, snapshot->summary_count, key, &text) ||
        pl_number_parse(text, &number) != PL_NUMBER_OK)
        return 0;
    return pl_number_long(&number, 0, &value) == PL_NUMBER_OK ? value : 0;
}

static pl_span run_of(const pl_ice_snapshot *snapshot)
{
    pl_span value = {0};
    pl_ice_pair_find(snapshot->summary, snapshot->summary_count, "plumb.run", &value);
    return value;
}

// "run", "replay", ...; "" of another engine's snapshot.
static const char *command_of(const listing *list, const pl_ice_snapshot *s)
{
    pl_span run = run_of(s);
    uint32_t at = run.bytes ? pl_map_get(&list->commands, run) : PL_MAP_NONE;
    const char *name;
    if (at == PL_MAP_NONE) return "";
    memcpy(&name, list->names.data + at * sizeof name, sizeof name);
    return name;
}

static void snapshot_json(listing *list, const pl_ice_snapshot *s)
{
    pl_json_writer *json = &list->json;
    const pl_ice_metadata *m = list->ice->metadata;
    pl_span run = run_of(s);
    const char *command = command_of(list, s);
    pl_json_begin(json, '{');
    pl_look_snapshot(json, "snapshot", s->id);
    pl_look_snapshot(json, "parent", s->parent_id == PL_ICE_NO_SNAPSHOT ? 0 : s->parent_id);
    pl_look_time(json, "at", s->timestamp_ms * 1000);
    pl_look_span(json, "operation", s->operation);
    pl_look_int(json, "added_rows", total(s, "added-records"));
    pl_look_int(json, "deleted_rows", total(s, "deleted-records"));
    pl_look_int(json, "rows", total(s, "total-records"));
    pl_look_int(json, "files", total(s, "total-data-files"));
    pl_look_int(json, "bytes", total(s, "total-files-size"));
    pl_look_int(json, "schema", s->schema_id);
    pl_json_key(json, "run");
    if (run.bytes)
        pl_json_text(json, run);
    else
        pl_json_null(json); // another engine's snapshot
    pl_look_text(json, "command", *command ? command : NULL);
    pl_json_key(json, "current");
    pl_json_bool(json, s->id == m->current_snapshot_id);
    pl_json_key(json, "undone");
    pl_json_bool(json, !pl_ancestry_has(&list->line, s->id));
    pl_json_key(json, "tags"), pl_json_begin(json, '[');
    for (uint32_t i = 0; i < m->refs.count; i++)
        if (m->refs.items[i].id == s->id && !pl_span_is(m->refs.items[i].name, "main"))
            pl_json_text(json, m->refs.items[i].name);
    pl_json_end(json, ']');
    pl_json_end(json, '}');
}

static void snapshot_line(listing *list, const pl_ice_snapshot *s)
{
    pl_human n;
    pl_buf note = {0};
    const pl_ice_metadata *m = list->ice->metadata;
    pl_grid *grid = &list->grid;
    int64_t deleted = total(s, "deleted-records");
    const char *command = command_of(list, s);
    bool plain = !*command || strcmp(command, "run") == 0 || strcmp(command, "plan") == 0;
    pl_grid_printf(grid, "%lld", (long long)s->id);
    pl_grid_time(grid, s->timestamp_ms * 1000);
    pl_grid_printf(grid, "%.*s%s%s", PL_FMT(s->operation), plain ? "" : ", ", plain ? "" : command);
    pl_grid_printf(grid, "+%s", pl_human_count(n, total(s, "added-records")));
    pl_grid_printf(grid, "%s%s", deleted ? "-" : "", deleted ? pl_human_count(n, deleted) : "");
    pl_grid_count(grid, total(s, "total-records"));
    pl_grid_count(grid, total(s, "total-data-files"));
    pl_grid_printf(grid, "%.*s", PL_FMT(run_of(s)));
    if (s->id == m->current_snapshot_id)
        pl_buf_text(&note, "current");
    else if (!pl_ancestry_has(&list->line, s->id))
        pl_buf_text(&note, "undone");
    for (uint32_t i = 0; i < m->refs.count; i++)
        if (m->refs.items[i].id == s->id && !pl_span_is(m->refs.items[i].name, "main"))
            pl_buf_printf(&note, "%s%.*s", note.count ? ", " : "", PL_FMT(m->refs.items[i].name));
    pl_grid_text(grid, pl_buf_cstr(&note));
    pl_buf_done(&note);
}

static void happening_json(listing *list, const happening *h)
{
    pl_json_writer *json = &list->json;
    pl_json_begin(json, '{');
    pl_look_snapshot(json, "snapshot", h->snapshot);
    pl_look_time(json, "at", h->at_us);
    pl_look_text(json, "operation", h->kind);
    pl_look_text(json, "who", *h->who ? h->who : NULL);
    pl_look_text(json, "why", *h->why ? h->why : NULL);
    pl_json_key(json, "detail");
    pl_json_raw(json, pl_span_of(h->text));
    pl_json_end(json, '}');
}

static void happening_line(listing *list, const happening *h)
{
    pl_grid *grid = &list->grid;
    if (h->snapshot)
        pl_grid_printf(grid, "%lld", (long long)h->snapshot);
    else
        pl_grid_text(grid, "");
    pl_grid_time(grid, h->at_us);
    pl_grid_text(grid, h->kind);
    for (int i = 0; i < 5; i++) pl_grid_text(grid, "");
    pl_grid_printf(grid, "%s%s%s%s%s", *h->who ? "by " : "", h->who,
                   *h->who && *h->note ? ": " : "", h->note,
                   *h->why ? pl_arena_printf(&list->cli->arena, " (%s)", h->why) : "");
}

// Both kinds in order of time, newest first.
static void list_all(listing *list)
{
    const pl_ice_metadata *m = list->ice ? list->ice->metadata : NULL;
    size_t event = 0, events = list->happenings.count / sizeof(happening);
    for (uint32_t i = m ? m->snapshot_count : 0; (i > 0 || event < events) && list->limit > 0;) {
        const pl_ice_snapshot *s = i > 0 ? &m->snapshots[i - 1] : NULL;
        happening h = {0};
        if (event < events) memcpy(&h, list->happenings.data + event * sizeof h, sizeof h);
        bool first = event < events && (!s || h.at_us >= s->timestamp_ms * 1000);
        event += first;
        i -= !first;
        if (list->newest && (first ? h.at_us > list->newest->timestamp_ms * 1000 + 999
                                   : s->sequence > list->newest->sequence))
            continue;
        list->limit--;
        if (first && list->cli->json) happening_json(list, &h);
        if (first && !list->cli->json) happening_line(list, &h);
        if (!first && list->cli->json) snapshot_json(list, s);
        if (!first && !list->cli->json) snapshot_line(list, s);
    }
}

static plumb_status read_all(listing *list, const pl_lake *lake, const pl_look_when *when,
                             plumb_error *err)
{
    pl_cli *cli = list->cli;
    PL_TRY(pl_look_table(cli, lake, list->table, err));
    PL_TRY(pl_look_load(cli, lake, list->table, &list->ice, err));
    if (!list->ice) return PLUMB_OK;
    if (when->given) PL_TRY(pl_look_snapshot_at(list->ice, when, &list->newest, err));
    PL_TRY(pl_ancestry_of(lake->registry, list->table, list->ice->metadata,
                          list->ice->metadata->current_snapshot_id, &cli->arena, &list->line, err));
    PL_TRY(pl_registry_runs(lake->registry, NULL, 0, visit_run, list, err));
    return pl_registry_events(lake->registry, 0, visit_event, list, err);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    listing list = {.cli = cli, .table = cli->args[0], .limit = cli->json ? INT64_MAX : 20};
    pl_look_when when;
    if (!pl_cli_integer(cli, "limit", 1, INT64_MAX, &list.limit) || !pl_look_at(cli, &when))
        return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);
    plumb_status st = read_all(&list, &lake, &when, &err);
    pl_lake_close(&lake);
    if (st == PLUMB_OK) {
        list.json = pl_cli_json(cli);
        list.grid = pl_grid_make("snapshot>|at|operation|added>|deleted>|rows>|files>|run|");
        if (cli->json) pl_json_begin(&list.json, '[');
        list_all(&list);
        if (cli->json)
            pl_json_end(&list.json, ']');
        else if (list.ice && list.ice->metadata->snapshot_count)
            pl_grid_print(cli, &list.grid);
        else
            pl_cli_print(cli, "Nothing is published in %s yet.\n", list.table);
    }
    pl_map_done(&list.commands);
    pl_buf_done(&list.names);
    pl_buf_done(&list.happenings);
    return st == PLUMB_OK ? pl_cli_finish(cli) : pl_cli_fail(cli, &err);
}

static const pl_option options[] = {
    {.name = "at", .value = "SNAPSHOT|TIME", .help = "begin with what was current then"},
    {.name = "limit", .value = "N", .help = "show at most N lines (20; with --json all)"},
    {0},
};

const pl_command pl_command_history = {
    .name = "history",
    .group = PL_GROUP_LOOK,
    .usage = "TABLE [--at SNAPSHOT|TIME] [--limit N] [--json]",
    .summary = "every snapshot of a table, and what was decided about it",
    .help = "Newest first: snapshots with the run that made them, and between them rollbacks,\n"
            "decisions, pinned mappings and expiries, with who and why. A snapshot without a run\n"
            "was made by another engine; one that is undone is no part of the table any more, and\n"
            "can be had back by its tag.\n\n"
            "JSON: [{\"snapshot\", \"parent\", \"at\", \"operation\", \"added_rows\", "
            "\"deleted_rows\", \"rows\",\n"
            "\"files\", \"bytes\", \"schema\", \"run\", \"command\", \"current\", \"undone\", "
            "\"tags\": [TAG]}], and between\n"
            "them [{\"snapshot\", \"at\", \"operation\", \"who\", \"why\", \"detail\"}].\n"
            "\n"
            "Example:\n"
            "  plumb history post_metrics --limit 3\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};
