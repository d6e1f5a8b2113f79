// look.h -- small things the look commands share: a project opened for reading, one table of it.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_LOOK_H
#define PL_CLI_LOOK_H

#include "cli/cli.h"

// Column names of a grid and members of a JSON document are the same words.
static inline void pl_look_text(pl_json_writer *json, const char *key, const char *value)
{
    pl_json_key(json, key);
    pl_json_cstr(json, value);
}

static inline void pl_look_int(pl_json_writer *json, const char *key, int64_t value)
{
    pl_json_key(json, key);
    pl_json_int(json, value);
}

static inline void pl_look_span(pl_json_writer *json, const char *key, pl_span value)
{
    pl_json_key(json, key);
    pl_json_text(json, value);
}

// "2026-11-22T03:04:05.123456Z", or null for 0.
void pl_look_time(pl_json_writer *json, const char *key, int64_t micros);

// A ULID as a person may type it, in capitals; in cli->arena.
const char *pl_look_id(pl_cli *cli, const char *text);

// One table of the contracts or the catalog, or a message that names the ones there are.
PL_MUST_USE plumb_status pl_look_table(pl_cli *cli, const pl_lake *lake, const char *name,
                                       plumb_error *err);

// A source that a file in sources/ names, or, with the lake, that has landed something once; or a
// message that names those of the files.
PL_MUST_USE plumb_status pl_look_source(const struct pl_project *project, const pl_lake *lake,
                                        const char *name, plumb_error *err);
// Both, as far as they are not NULL: a typing mistake must not look like an empty list.
PL_MUST_USE plumb_status pl_look_named(pl_cli *cli, const pl_lake *lake, const char *source,
                                       const char *table, plumb_error *err);

// The table at the head of the catalog, in cli->arena; *ret_table NULL while it was not created.
struct pl_ice_table;
PL_MUST_USE plumb_status pl_look_load(pl_cli *cli, const pl_lake *lake, const char *name,
                                      struct pl_ice_table **ret_table, plumb_error *err);
// --at SNAPSHOT|TIME, in its two forms.
typedef struct pl_look_when {
    bool given;
    int64_t snapshot; // 0: `micros` is meant
    int64_t micros;
} pl_look_when;
// False: a mistake was printed; return PL_EXIT_USAGE.
bool pl_look_at(pl_cli *cli, pl_look_when *ret_when);
// The snapshot of a table that `when` means; the current one when it was not given, NULL if there
// is none yet. PLUMB_E_NOT_FOUND if the table had no such snapshot.
struct pl_ice_snapshot;
PL_MUST_USE plumb_status pl_look_snapshot_at(const struct pl_ice_table *table,
                                             const pl_look_when *when,
                                             const struct pl_ice_snapshot **ret_snapshot,
                                             plumb_error *err);
// The schema a snapshot is read with: the one it was written with. NULL if plumb cannot hold it.
struct pl_schema;
const struct pl_schema *pl_look_schema_at(const struct pl_ice_table *table,
                                          const struct pl_ice_snapshot *snapshot);

// A snapshot id, or null for 0.
void pl_look_snapshot(pl_json_writer *json, const char *key, int64_t id);

// The members of one quarantine entry, without brackets.
void pl_quarantine_json(pl_json_writer *json, const pl_quarantine_row *row);
// `quarantine show ID`; returns the exit code.
int pl_quarantine_show(pl_cli *cli, const pl_lake *lake, const char *id);
// `quarantine retry`; returns the exit code.
int pl_quarantine_retry(pl_cli *cli);

#endif
