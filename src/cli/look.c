// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"

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

void pl_look_snapshot(pl_json_writer *json, const char *key, int64_t id)
{
    pl_json_key(json, key);
    if (id)
        pl_json_int(json, id);
    else
        pl_json_null(json);
}
