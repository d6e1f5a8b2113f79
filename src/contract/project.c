// SPDX-License-Identifier: Apache-2.0
#include "contract/project.h"

#include <stdlib.h>

#include "contract/contract_int.h"
#include "contract/mapping_int.h"
#include "os/file.h"

typedef struct loading {
    pl_project *project;
    pl_arena *arena;
    pl_problems *problems, *warnings;
    plumb_error *err;
    bool contract_mistakes; // some contract is missing because it has mistakes
} loading;

static char *join(pl_arena *arena, const char *dir, pl_span path)
{
    if (path.bytes && path.data[0] == '/') return pl_arena_cstr(arena, path);
    if (pl_span_starts(path, PL_SPAN("./"))) path.data += 2, path.bytes -= 2;
    return pl_arena_printf(arena, "%s/%.*s", dir, PL_FMT(path));
}

static plumb_status load_settings(loading *self)
{
    pl_project *project = self->project;
    const char *path = join(self->arena, project->dir, PL_SPAN("plumb.yaml"));
    pl_span text;
    if (!pl_path_exists(path)) {
        plumb_status st = pl_fail(self->err, PLUMB_E_NOT_FOUND,
                                  "cannot open project '%s': it has no plumb.yaml", project->dir);
        pl_hint(self->err, "Make one with 'plumb init DIR', or name the folder with -C DIR.");
        return st;
    }
    PL_TRY(pl_path_read(path, PL_CONFIG_BYTES_MAX, self->arena, &text, self->err));
    if (!pl_settings_parse("plumb.yaml", text, self->arena, &project->settings, self->problems,
                           self->warnings))
        return PLUMB_OK;
    project->lake_path = join(self->arena, project->dir, project->settings.lake);
    project->state_path = project->settings.state.bytes
                              ? join(self->arena, project->dir, project->settings.state)
                              : pl_arena_printf(self->arena, "%s/plumb.db", project->lake_path);
    return PLUMB_OK;
}

static bool is_yaml_name(const char *name)
{
    size_t bytes = strlen(name);
    return name[0] != '.' && ((bytes > 4 && strcmp(name + bytes - 4, ".yml") == 0) ||
                              (bytes > 5 && strcmp(name + bytes - 5, ".yaml") == 0));
}

static void take_contract(loading *self, const char *file, pl_span text)
{
    pl_project *project = self->project;
    bool good;
    pl_contract *contract =
        pl_contract__parse(file, text, self->arena, self->problems, self->warnings, &good);
    self->contract_mistakes = self->contract_mistakes || !good;
    if (!contract) return;
    for (uint32_t i = 0; i < project->contract_count; i++)
        if (pl_span_equal(project->contracts[i]->table, contract->table))
            pl_problem(self->problems, file, 1, 1, "table '%.*s' is declared in %s already",
                       PL_FMT(contract->table), project->contracts[i]->file);
    project->contracts[project->contract_count++] = contract;
}

static void take_mapping(loading *self, const char *file, pl_span text)
{
    pl_project *project = self->project;
    pl_reading reading = {file, self->arena, self->problems, self->warnings};
    pl_mapping *mapping = pl_contract__mapping(&reading, text, project->contracts,
                                               project->contract_count, self->contract_mistakes);
    if (!mapping) return;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *other = project->mappings[i];
        if (pl_span_equal(other->source, mapping->source) &&
            pl_span_equal(other->table, mapping->table))
            pl_problem(self->problems, file, 1, 1,
                       "source '%.*s' is mapped into '%.*s' in %s already", PL_FMT(mapping->source),
                       PL_FMT(mapping->table), other->file);
    }
    project->mappings[project->mapping_count++] = mapping;
}

// Every YAML file of dir/folder, by name.
static plumb_status load_folder(loading *self, const char *folder,
                                void (*take)(loading *, const char *, pl_span), bool mappings)
{
    const char *dir = join(self->arena, self->project->dir, pl_span_of(folder));
    char **names = NULL;
    uint32_t count = 0;
    if (pl_path_exists(dir)) PL_TRY(pl_path_list(dir, self->arena, &names, &count, self->err));
    if (mappings)
        self->project->mappings = PL_TAKE(self->arena, pl_mapping *, count);
    else
        self->project->contracts = PL_TAKE(self->arena, pl_contract *, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_yaml_name(names[i])) continue;
        const char *file = pl_arena_printf(self->arena, "%s/%s", folder, names[i]);
        pl_span text;
        PL_TRY(pl_path_read(join(self->arena, self->project->dir, pl_span_of(file)),
                            PL_CONFIG_BYTES_MAX, self->arena, &text, self->err));
        take(self, file, text);
    }
    return PLUMB_OK;
}

static int by_place(const void *a, const void *b)
{
    const plumb_error *x = a, *y = b;
    int order = strcmp(x->file, y->file);
    if (order) return order;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

plumb_status pl_project_load(const char *dir, pl_arena *arena, pl_project **ret_project,
                             pl_problems *problems, pl_problems *warnings, plumb_error *err)
{
    pl_project *project = PL_TAKE(arena, pl_project, 1);
    project->dir = pl_arena_cstr(arena, pl_span_of(dir));
    loading self = {project, arena, problems, warnings, err, false};
    PL_TRY(load_settings(&self));
    PL_TRY(load_folder(&self, "contracts", take_contract, false));
    PL_TRY(load_folder(&self, "sources", take_mapping, true));
    if (problems->count > 1)
        qsort(problems->items, problems->count, sizeof *problems->items, by_place);
    if (warnings && warnings->count > 1)
        qsort(warnings->items, warnings->count, sizeof *warnings->items, by_place);
    uint32_t mistakes = problems->count + problems->dropped;
    if (mistakes)
        return pl_fail(err, PLUMB_E_CONFIG, "cannot use project '%s': %u mistake%s in its files",
                       dir, mistakes, mistakes == 1 ? "" : "s");
    *ret_project = project;
    return PLUMB_OK;
}

const pl_contract *pl_project_contract(const pl_project *project, pl_span table)
{
    for (uint32_t i = 0; i < project->contract_count; i++)
        if (pl_span_equal(project->contracts[i]->table, table)) return project->contracts[i];
    return NULL;
}

const pl_mapping *pl_project_mapping(const pl_project *project, pl_span source, pl_span table)
{
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        const pl_mapping *mapping = project->mappings[i];
        if (pl_span_equal(mapping->source, source) && pl_span_equal(mapping->table, table))
            return mapping;
    }
    return NULL;
}
