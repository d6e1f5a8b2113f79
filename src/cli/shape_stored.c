// shape_stored.c -- plumb shape SOURCE: what runs have seen of a source, and how that changed.
//
// A stored shape is of all records published so far: version 3 holds those of version 2, too. So
// versions are compared as what was there up to the first one, and what came since.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"
#include "cli/shapes.h"
#include "contract/project.h"
#include "flow/baseline.h"
#include "registry/drift.h"

typedef struct stored {
    pl_cli *cli;
    pl_lake lake;
    const char *source, *table;
} stored;

// ---- which source -------------------------------------------------------------------------------

static bool is_source(const pl_project *project, const char *name)
{
    for (uint32_t i = 0; i < project->mapping_count; i++)
        if (pl_span_is(project->mappings[i]->source, name)) return true;
    return false;
}

bool pl_shapes_names_source(pl_cli *cli, const char *name)
{
    plumb_error err;
    const char *root = NULL;
    pl_project *project = NULL;
    pl_problems problems = {0}, warnings = {0};
    if (pl_cli_root(cli, &root, &err) != PLUMB_OK) return false;
    plumb_status st = pl_project_load(root, &cli->arena, &project, &problems, &warnings, &err);
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return st == PLUMB_OK && is_source(project, name);
}

// The table: the one asked for, or the only one the source fills. False: a mistake was printed.
static bool choose_table(stored *s)
{
    const pl_project *project = s->lake.project;
    pl_buf list = {0};
    uint32_t count = 0;
    s->table = pl_cli_value(s->cli, "table");
    for (uint32_t i = 0; i < project->mapping_count && !pl_cli_value(s->cli, "table"); i++) {
        const pl_mapping *mapping = project->mappings[i];
        if (!pl_span_is(mapping->source, s->source)) continue;
        s->table = pl_arena_cstr(&s->cli->arena, mapping->table);
        pl_buf_printf(&list, "%s%s", count++ ? ", " : "", s->table);
    }
    if (count > 1)
        pl_cli_usage(s->cli, "source '%s' fills several tables: say which one with --table T (%s)",
                     s->source, pl_buf_cstr(&list));
    pl_buf_done(&list);
    return count <= 1;
}

// ---- versions -----------------------------------------------------------------------------------

static plumb_status read_version(stored *s, int64_t version, pl_shape_row *ret_row,
                                 pl_baseline *ret_baseline, plumb_error *err)
{
    plumb_status st = PLUMB_E_NOT_FOUND;
    if (s->lake.registry)
        st = pl_registry_shape(s->lake.registry, s->source, s->table, version, &s->cli->arena,
                               ret_row, err);
    if (st == PLUMB_E_NOT_FOUND && version) {
        pl_fail(err, st, "cannot find version %lld of the shape of source '%s' for table '%s'",
                (long long)version, s->source, s->table);
        pl_hint(err, "'plumb shape %s --table %s --versions' lists them.", s->source, s->table);
    } else if (st == PLUMB_E_NOT_FOUND) {
        pl_fail(err, st, "cannot show the shape of source '%s' for table '%s': no run has seen any",
                s->source, s->table);
        pl_hint(err, "'plumb run' keeps one of what it publishes.");
    }
    PL_TRY(st);
    const char *name = pl_arena_printf(&s->cli->arena, "%s -> %s, version %lld", s->source,
                                       s->table, (long long)ret_row->version);
    return pl_baseline_read(ret_row->document, name, ret_baseline, err);
}

typedef struct version_list {
    pl_cli *cli;
    pl_json_writer json;
    pl_grid grid;
    int64_t count;
} version_list;

static void version_json(pl_json_writer *json, const pl_shape_row *row)
{
    pl_look_text(json, "source", row->source);
    pl_look_text(json, "table", row->table);
    pl_look_int(json, "version", row->version);
    pl_look_time(json, "since", row->since_us);
    pl_look_time(json, "until", row->until_us);
    pl_look_text(json, "run", row->run);
}

static bool visit_version(void *context, const pl_shape_row *row)
{
    version_list *list = context;
    list->count++;
    if (list->cli->json) {
        pl_json_begin(&list->json, '{');
        version_json(&list->json, row);
        pl_look_int(&list->json, "records", row->records);
        pl_json_end(&list->json, '}');
        return true;
    }
    pl_grid_text(&list->grid, row->table);
    pl_grid_count(&list->grid, row->version);
    pl_grid_time(&list->grid, row->since_us);
    pl_grid_time(&list->grid, row->until_us);
    pl_grid_count(&list->grid, row->records);
    pl_grid_text(&list->grid, row->run);
    return true;
}

static int list_versions(stored *s)
{
    plumb_error err;
    pl_cli *cli = s->cli;
    version_list list = {.cli = cli, .json = pl_cli_json(cli)};
    list.grid = pl_grid_make("table|version>|since|until|records>|run");
    if (cli->json) pl_json_begin(&list.json, '[');
    if (s->lake.registry &&
        pl_registry_shapes(s->lake.registry, s->source, pl_cli_value(cli, "table"), visit_version,
                           &list, &err))
        return pl_cli_fail(cli, &err);
    if (cli->json)
        pl_json_end(&list.json, ']');
    else if (list.count) {
        pl_grid_print(cli, &list.grid);
        pl_cli_print(cli,
                     "The newest %d versions are kept, then one of an hour for 2 days, then a "
                     "day's last one for 90 days, then a month's last one.\n",
                     PL_SHAPE_NEWEST);
    } else
        pl_cli_print(cli, "No run has seen records of source %s yet.\n", s->source);
    return pl_cli_finish(cli);
}

// ---- one version --------------------------------------------------------------------------------

static void columns_json(pl_json_writer *json, const pl_baseline *baseline)
{
    pl_json_key(json, "columns");
    pl_json_begin(json, '{');
    for (uint32_t i = 0; i < baseline->column_count; i++) {
        const pl_column_counts *counts = &baseline->columns[i].counts;
        pl_json_key_span(json, baseline->columns[i].name);
        pl_json_begin(json, '{');
        pl_look_int(json, "rows", (int64_t)counts->rows);
        pl_look_int(json, "filled", (int64_t)counts->filled);
        pl_look_int(json, "lost", (int64_t)counts->lost);
        pl_json_end(json, '}');
    }
    pl_json_end(json, '}');
}

static void print_columns(pl_cli *cli, const pl_baseline *baseline)
{
    pl_grid grid = pl_grid_make("column|filled>|of rows>|lost>");
    for (uint32_t i = 0; i < baseline->column_count; i++) {
        const pl_column_counts *counts = &baseline->columns[i].counts;
        pl_grid_printf(&grid, "%.*s", PL_FMT(baseline->columns[i].name));
        pl_grid_count(&grid, (int64_t)counts->filled);
        pl_grid_count(&grid, (int64_t)counts->rows);
        pl_grid_count(&grid, (int64_t)counts->lost);
    }
    pl_cli_print(cli, "\n");
    pl_grid_print(cli, &grid);
}

static int show_version(stored *s, int64_t version)
{
    plumb_error err;
    pl_cli *cli = s->cli;
    pl_shape_row row;
    pl_baseline baseline;
    if (read_version(s, version, &row, &baseline, &err)) return pl_cli_fail(cli, &err);
    if (cli->json) {
        pl_json_writer json = pl_cli_json(cli);
        pl_json_begin(&json, '{');
        version_json(&json, &row);
        pl_look_int(&json, "objects", (int64_t)baseline.objects);
        columns_json(&json, &baseline);
        pl_shapes_json(&json, cli, &baseline.shape);
        pl_json_end(&json, '}');
    } else {
        pl_human since, until, objects;
        pl_cli_print(cli, "%s -> %s, version %lld, of %s %s (%s to %s)\n", s->source, s->table,
                     (long long)row.version, pl_human_count(objects, (int64_t)baseline.objects),
                     pl_plural((int64_t)baseline.objects, "raw object", "raw objects"),
                     pl_human_time(since, baseline.shape.first_us),
                     pl_human_time(until, baseline.shape.last_us));
        pl_shapes_tree(cli, &baseline.shape, pl_cli_flag(cli, "all"));
        print_columns(cli, &baseline);
    }
    pl_baseline_done(&baseline);
    return pl_cli_finish(cli);
}

// ---- two versions -------------------------------------------------------------------------------

// Take what `before` holds out of the counts of `after`, which holds it, too; its sketches stay of
// both. False, and nothing changes: it does not hold it, they have nothing to do with each other.
static bool subtract(pl_shape *after, const pl_shape *before, uint32_t *there)
{
    if (after->records <= before->records || after->objects < before->objects) return false;
    there[PL_SHAPE_ROOT] = PL_SHAPE_ROOT;
    for (uint32_t i = 0; i < before->count; i++) {
        const pl_shape_path *path = &before->paths[i];
        if (i)
            there[i] = there[path->parent] == PL_SHAPE_NONE
                           ? PL_SHAPE_NONE
                           : pl_shape_find(after, there[path->parent], path->key, path->step);
        if (there[i] == PL_SHAPE_NONE) return false;
        for (int k = 0; k < PL_SHAPE_KINDS; k++)
            if (after->paths[there[i]].kinds[k] < path->kinds[k]) return false;
    }
    for (uint32_t i = 0; i < before->count; i++) {
        pl_shape_path *path = &after->paths[there[i]];
        for (int k = 0; k < PL_SHAPE_KINDS; k++) path->kinds[k] -= before->paths[i].kinds[k];
        path->objects -= PL_MIN(path->objects, before->paths[i].objects);
    }
    after->records -= before->records;
    after->objects -= before->objects;
    return true;
}

static int diff_versions(stored *s, int64_t from, int64_t to)
{
    plumb_error err;
    pl_cli *cli = s->cli;
    pl_shape_row rows[2];
    pl_baseline before, after;
    if (read_version(s, from, &rows[0], &before, &err)) return pl_cli_fail(cli, &err);
    if (read_version(s, to, &rows[1], &after, &err)) {
        pl_baseline_done(&before);
        return pl_cli_fail(cli, &err);
    }
    uint32_t *there = PL_TAKE(&cli->arena, uint32_t, before.shape.count);
    bool since = subtract(&after.shape, &before.shape, there);
    pl_shapes_side sides[] = {
        {.shape = &before.shape, .version = rows[0].version},
        {.shape = &after.shape, .version = rows[1].version, .since = since},
    };
    pl_shapes_diff(cli, &sides[0], &sides[1], true);
    pl_baseline_done(&before);
    pl_baseline_done(&after);
    return pl_cli_finish(cli);
}

// A version's number as typed; -1: it is none.
static int64_t version_of(const char *word)
{
    int64_t version = 0;
    for (const char *c = word; *c; c++) {
        if (*c < '0' || *c > '9' || version > 1000000000) return -1;
        version = version * 10 + (*c - '0');
    }
    return version ? version : -1;
}

int pl_shapes_stored(pl_cli *cli, const char *source, const char *const *diff)
{
    plumb_error err;
    stored s = {.cli = cli, .source = source};
    bool versions = pl_cli_flag(cli, "versions");
    int64_t version = 0, from = 0, to = 0;
    if (!pl_cli_integer(cli, "version", 1, INT64_MAX, &version)) return PL_EXIT_USAGE;
    if ((diff != NULL) + versions + (version > 0) > 1)
        return pl_cli_usage(cli, "--diff, --versions and --version do not go together");
    if (diff) from = version_of(diff[0]), to = version_of(diff[1]);
    if (from < 0 || to < 0)
        return pl_cli_usage(cli, "--diff compares versions, as in 'plumb shape %s --diff 1 3'",
                            s.source);
    if (pl_cli_open(cli, PL_CLI_READ, &s.lake, &err)) return pl_cli_fail(cli, &err);
    int code = PL_EXIT_USAGE;
    if (pl_look_source(s.lake.project, NULL, s.source, &err)) {
        code = pl_cli_fail(cli, &err);
    } else if (versions) {
        code = list_versions(&s);
    } else if (choose_table(&s)) {
        code = diff ? diff_versions(&s, from, to) : show_version(&s, version);
    }
    pl_lake_close(&s.lake);
    return code;
}
