// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"

#include "base/number.h"
#include "base/time.h"
#include "contract/project.h"
#include "iceberg/table.h"

void pl_look_time(pl_json_writer *json, const char *key, int64_t micros)
{
    char text[40];
    pl_json_key(json, key);
    if (micros == 0) {
        pl_json_null(json);
        return;
    }
    pl_time_text(micros, text);
    pl_json_cstr(json, text);
}

const char *pl_look_id(pl_cli *cli, const char *text)
{
    char *id = pl_arena_cstr(&cli->arena, pl_span_of(text));
    for (char *p = id; *p; p++)
        if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A');
    return id;
}

typedef struct names {
    const char *wanted;
    bool found;
    pl_buf list; // "a, b, c"
} names;

static void name_seen(names *all, pl_span name)
{
    if (pl_span_is(name, all->wanted)) all->found = true;
    pl_buf_text(&all->list, all->list.count ? ", " : "");
    pl_buf_span(&all->list, name);
}

static bool table_seen(void *context, const pl_table_row *row)
{
    name_seen(context, pl_span_of(row->name));
    return true;
}

plumb_status pl_look_table(pl_cli *cli, const pl_lake *lake, const char *name, plumb_error *err)
{
    (void)cli;
    names all = {.wanted = name};
    plumb_status st = PLUMB_OK;
    if (lake->registry) st = pl_registry_tables(lake->registry, table_seen, &all, err);
    pl_buf_reset(&all.list); // contracts name what a person works with
    for (uint32_t i = 0; i < lake->project->contract_count; i++)
        name_seen(&all, lake->project->contracts[i]->table);
    if (st == PLUMB_OK && !all.found) {
        st = pl_fail(err, PLUMB_E_NOT_FOUND, "cannot find table '%s': no contract declares it",
                     name);
        if (all.list.count) pl_hint(err, "Declared are: %s.", pl_buf_cstr(&all.list));
    }
    pl_buf_done(&all.list);
    return st;
}

static bool source_seen(void *context, const pl_source_row *row)
{
    names *all = context;
    all->found |= strcmp(row->source, all->wanted) == 0;
    return !all->found;
}

plumb_status pl_look_source(const pl_project *project, const pl_lake *lake, const char *name,
                            plumb_error *err)
{
    names all = {.wanted = name};
    plumb_status st = PLUMB_OK;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        pl_span source = project->mappings[i]->source;
        if (!i || !pl_span_equal(source, project->mappings[i - 1]->source)) name_seen(&all, source);
    }
    if (!all.found && lake && lake->registry)
        st = pl_registry_sources(lake->registry, source_seen, &all, err);
    if (st == PLUMB_OK && !all.found) {
        st = pl_fail(err, PLUMB_E_NOT_FOUND,
                     "cannot find source '%s': no file in sources/ names it", name);
        if (all.list.count) pl_hint(err, "Named are: %s.", pl_buf_cstr(&all.list));
    }
    pl_buf_done(&all.list);
    return st;
}

plumb_status pl_look_named(pl_cli *cli, const pl_lake *lake, const char *source, const char *table,
                           plumb_error *err)
{
    if (source) PL_TRY(pl_look_source(lake->project, lake, source, err));
    return table ? pl_look_table(cli, lake, table, err) : PLUMB_OK;
}

plumb_status pl_look_load(pl_cli *cli, const pl_lake *lake, const char *name,
                          struct pl_ice_table **ret_table, plumb_error *err)
{
    char *location = NULL;
    *ret_table = NULL;
    if (!lake->registry || !lake->store) return PLUMB_OK;
    pl_catalog catalog = pl_registry_catalog(lake->registry);
    PL_TRY(catalog.load(catalog.self, name, &cli->arena, &location, err));
    if (!location) return PLUMB_OK;
    return pl_ice_load(lake->store, location, &cli->arena, ret_table, err);
}

bool pl_look_at(pl_cli *cli, pl_look_when *ret_when)
{
    const char *text = pl_cli_value(cli, "at");
    pl_number number;
    *ret_when = (pl_look_when){.given = text != NULL};
    if (!text) return true;
    if (strspn(text, "0123456789") != strlen(text) || !*text)
        return pl_cli_time(cli, "at", &ret_when->micros);
    if (pl_number_parse(pl_span_of(text), &number) == PL_NUMBER_OK &&
        pl_number_long(&number, 0, &ret_when->snapshot) == PL_NUMBER_OK && ret_when->snapshot > 0)
        return true;
    pl_cli_usage(cli, "'%s' is no snapshot: --at takes one of 'plumb history', or a time", text);
    return false;
}

plumb_status pl_look_snapshot_at(const pl_ice_table *table, const pl_look_when *when,
                                 const pl_ice_snapshot **ret_snapshot, plumb_error *err)
{
    char time[40];
    const pl_ice_metadata *m = table->metadata;
    if (!when->given) {
        *ret_snapshot = pl_ice_snapshot_by_id(m, m->current_snapshot_id);
        return PLUMB_OK;
    }
    const pl_ice_snapshot *found = when->snapshot
                                       ? pl_ice_snapshot_by_id(m, when->snapshot)
                                       : pl_ice_snapshot_at(m, pl_floor_div(when->micros, 1000));
    if (found) {
        *ret_snapshot = found;
        return PLUMB_OK;
    }
    if (when->snapshot) {
        pl_fail(err, PLUMB_E_NOT_FOUND, "cannot read table '%s': it has no snapshot %lld",
                table->name, (long long)when->snapshot);
    } else {
        pl_time_text(when->micros, time);
        pl_fail(err, PLUMB_E_NOT_FOUND, "cannot read table '%s': nothing was published in it by %s",
                table->name, time);
    }
    found = when->snapshot ? pl_ice_snapshot_rounded(m, when->snapshot) : NULL;
    if (found)
        pl_hint(err, PL_ICE_ROUNDED_HINT, (long long)found->id);
    else
        pl_hint(err, "'plumb history %s' lists what can be read.", table->name);
    return PLUMB_E_NOT_FOUND;
}

const pl_schema *pl_look_schema_at(const pl_ice_table *table, const pl_ice_snapshot *snapshot)
{
    const pl_ice_schema *schema =
        snapshot ? pl_ice_schema_by_id(table->metadata, snapshot->schema_id) : NULL;
    if (!schema) return pl_ice_current_schema(table);
    return schema->foreign ? NULL : &schema->schema;
}

void pl_look_snapshot(pl_json_writer *json, const char *key, int64_t id)
{
    pl_json_key(json, key);
    if (id)
        pl_json_int(json, id);
    else
        pl_json_null(json);
}
