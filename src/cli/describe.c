// SPDX-License-Identifier: Apache-2.0
#include "cli/checks.h"
#include "cli/look.h"
#include "contract/project.h"
#include "iceberg/table.h"

// What describe shows: the table as it is, or as its contract will make it.
typedef struct subject {
    pl_cli *cli;
    const char *name;
    pl_lake lake;
    pl_look_when when;
    pl_ice_table *table;         // NULL: not created yet
    const pl_contract *contract; // NULL: no longer declared
    const pl_schema *schema;
    const pl_partition_spec *spec;
    pl_score score; // of the newest run of each source
} subject;

static const char *type_text(pl_cli *cli, const pl_type *type)
{
    pl_buf text = {0};
    pl_type_text(&text, type);
    const char *copy = pl_arena_cstr(&cli->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

static const char *partition_text(pl_cli *cli, const pl_partition_field *field)
{
    pl_buf text = {0};
    pl_partition_field_text(&text, field);
    const char *copy = pl_arena_cstr(&cli->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

static bool in_key(const subject *s, pl_span column)
{
    for (uint32_t i = 0; s->contract && i < s->contract->key_count; i++)
        if (pl_span_equal(s->contract->columns[s->contract->keys[i]].field.name, column))
            return true;
    return false;
}

static const pl_contract_column *declared(const subject *s, pl_span column)
{
    int at = s->contract ? pl_contract_find(s->contract, column) : -1;
    return at < 0 ? NULL : &s->contract->columns[at];
}

static void column_json(subject *s, pl_json_writer *json, const pl_field *field)
{
    const pl_contract_column *c = declared(s, field->name);
    pl_json_begin(json, '{');
    pl_look_span(json, "name", field->name);
    pl_look_text(json, "type", type_text(s->cli, &field->type));
    pl_json_key(json, "required");
    pl_json_bool(json, field->required);
    pl_json_key(json, "key");
    pl_json_bool(json, in_key(s, field->name));
    pl_json_key(json, "critical");
    pl_json_bool(json, c && c->critical);
    pl_json_key(json, "declared");
    pl_json_bool(json, c != NULL);
    if (s->table) pl_look_int(json, "id", field->id);
    if (field->doc.bytes) pl_look_span(json, "doc", field->doc);
    pl_json_end(json, '}');
}

static void print_json(subject *s)
{
    pl_json_writer json = pl_cli_json(s->cli);
    const pl_project *project = s->lake.project;
    pl_json_begin(&json, '{');
    pl_look_text(&json, "table", s->name);
    if (s->contract && s->contract->doc.bytes) pl_look_span(&json, "doc", s->contract->doc);
    pl_look_text(&json, "contract", s->contract ? s->contract->file : NULL);
    pl_json_key(&json, "location");
    if (s->table)
        pl_json_text(&json, s->table->metadata->location);
    else
        pl_json_null(&json);
    pl_look_text(&json, "metadata", s->table ? s->table->metadata_location : NULL);
    pl_json_key(&json, "columns");
    pl_json_begin(&json, '[');
    for (uint32_t i = 0; s->schema && i < s->schema->count; i++)
        column_json(s, &json, &s->schema->fields[i]);
    pl_json_end(&json, ']');
    pl_json_key(&json, "partition");
    pl_json_begin(&json, '[');
    for (uint32_t i = 0; s->spec && i < s->spec->count; i++)
        pl_json_cstr(&json, partition_text(s->cli, &s->spec->fields[i]));
    pl_json_end(&json, ']');
    pl_json_key(&json, "sources");
    pl_json_begin(&json, '[');
    for (uint32_t i = 0; i < project->mapping_count; i++)
        if (pl_span_is(project->mappings[i]->table, s->name))
            pl_json_text(&json, project->mappings[i]->source);
    pl_json_end(&json, ']');
    pl_json_key(&json, "score");
    if (s->score.all)
        pl_json_double(&json, (double)s->score.right / (double)s->score.all);
    else
        pl_json_null(&json);
    pl_json_end(&json, '}');
}

static void column_line(subject *s, pl_grid *grid, const pl_field *field)
{
    const pl_contract_column *c = declared(s, field->name);
    pl_buf notes = {0};
    const char *comma = "";
    struct {
        bool holds;
        const char *word;
    } words[] = {{in_key(s, field->name), "key"},
                 {c && c->critical, "critical"},
                 {s->contract && !c && field->name.data[0] != '_', "deprecated"}};
    for (size_t i = 0; i < PL_COUNT(words); i++) {
        if (!words[i].holds) continue;
        pl_buf_printf(&notes, "%s%s", comma, words[i].word);
        comma = ", ";
    }
    pl_grid_printf(grid, "%.*s", PL_FMT(field->name));
    pl_grid_printf(grid, "%s%s", type_text(s->cli, &field->type), field->required ? "!" : "");
    pl_grid_text(grid, notes.count ? pl_buf_cstr(&notes) : "");
    pl_grid_printf(grid, "%.*s", PL_FMT(field->doc));
    pl_buf_done(&notes);
}

static void print_text(subject *s)
{
    pl_cli *cli = s->cli;
    const pl_project *project = s->lake.project;
    pl_cli_print(cli, "%s%s%s", pl_cli_color(cli, PL_COLOR_BOLD), s->name,
                 pl_cli_color(cli, PL_COLOR_OFF));
    if (s->contract && s->contract->doc.bytes)
        pl_cli_print(cli, ": %.*s", PL_FMT(s->contract->doc));
    pl_cli_print(cli, "\n\n");
    pl_grid grid = pl_grid_make("column|type||doc");
    for (uint32_t i = 0; s->schema && i < s->schema->count; i++)
        column_line(s, &grid, &s->schema->fields[i]);
    pl_grid_print(cli, &grid);

    pl_cli_print(cli, "\npartition  ");
    for (uint32_t i = 0; s->spec && i < s->spec->count; i++)
        pl_cli_print(cli, "%s%s", i ? ", " : "", partition_text(cli, &s->spec->fields[i]));
    pl_cli_print(cli, "%s\nsources    ", s->spec && s->spec->count ? "" : "none");
    const char *comma = "";
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        if (!pl_span_is(project->mappings[i]->table, s->name)) continue;
        pl_cli_print(cli, "%s%.*s", comma, PL_FMT(project->mappings[i]->source));
        comma = ", ";
    }
    pl_cli_print(cli, "%s\n", *comma ? "" : "none");
    if (s->score.all)
        pl_cli_print(cli, "score      %.4g%%: of %lld records published last %lld are right\n",
                     100 * (double)s->score.right / (double)s->score.all, (long long)s->score.all,
                     (long long)s->score.right);
    if (s->table)
        pl_cli_print(cli, "location   %.*s\nmetadata   %s\n", PL_FMT(s->table->metadata->location),
                     s->table->metadata_location);
    else
        pl_cli_print(cli, "Not created yet: the first 'plumb run' with rows does it.\n");
}

static plumb_status find(subject *s, plumb_error *err)
{
    PL_TRY(pl_look_table(s->cli, &s->lake, s->name, err));
    PL_TRY(pl_look_load(s->cli, &s->lake, s->name, &s->table, err));
    s->contract = pl_project_contract(s->lake.project, pl_span_of(s->name));
    for (uint32_t i = 0; i < s->lake.project->mapping_count; i++)
        if (pl_span_is(s->lake.project->mappings[i]->table, s->name))
            PL_TRY(pl_checks_score(
                &s->lake, pl_arena_cstr(&s->cli->arena, s->lake.project->mappings[i]->source),
                s->name, &s->score, err));
    if (s->table) {
        const pl_ice_snapshot *snapshot;
        PL_TRY(pl_look_snapshot_at(s->table, &s->when, &snapshot, err));
        s->schema =
            s->when.given ? pl_look_schema_at(s->table, snapshot) : pl_ice_current_schema(s->table);
        s->spec = pl_ice_current_spec(s->table);
        if (!s->schema)
            return pl_fail(err, PLUMB_E_FAILED,
                           "cannot describe table '%s': another engine gave it types plumb does "
                           "not know",
                           s->name);
    } else if (s->contract) {
        s->schema = &s->contract->schema;
        s->spec = &s->contract->partition;
    }
    return PLUMB_OK;
}

static int run(pl_cli *cli)
{
    plumb_error err;
    subject s = {.cli = cli, .name = cli->args[0]};
    if (!pl_look_at(cli, &s.when)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, PL_CLI_READ, &s.lake, &err)) return pl_cli_fail(cli, &err);
    plumb_status st = find(&s, &err);
    if (st == PLUMB_OK && cli->json) print_json(&s);
    if (st == PLUMB_OK && !cli->json) print_text(&s);
    pl_lake_close(&s.lake);
    return st == PLUMB_OK ? pl_cli_finish(cli) : pl_cli_fail(cli, &err);
}

static const pl_option options[] = {
    {.name = "at", .value = "SNAPSHOT|TIME", .help = "the columns as they were then"},
    {0},
};

const pl_command pl_command_describe = {
    .name = "describe",
    .group = PL_GROUP_LOOK,
    .usage = "TABLE [--at SNAPSHOT|TIME] [--json]",
    .summary = "columns, partition, sources and place of a table",
    .help =
        "Columns are those of the table as every engine sees it; '!' is required. Columns that\n"
        "begin with '_' are plumb's own. With --json also the field ids.\n\n"
        "JSON: {\"table\", \"contract\", \"location\", \"metadata\", \"columns\": [{\"name\", "
        "\"type\", \"required\",\n"
        "\"key\", \"critical\", \"declared\", \"id\"}], \"partition\", \"sources\", \"score\"}; "
        "\"doc\" where there is one.\n"
        "\n"
        "Example:\n"
        "  plumb describe post_metrics\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};
