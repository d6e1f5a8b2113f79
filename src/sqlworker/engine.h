// engine.h -- one in-memory DuckDB: opened and locked, one view per table, one query run.
//
// The engine's own locks come on top of the sandbox's, so that most of what is not allowed is
// refused with a sentence and not with "permission denied": no external access but to the tables'
// files, no extensions, no temporary files, no configuration. Errors are plumb's messages, with
// the byte of the SQL text they are about in err->offset.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SQLWORKER_ENGINE_H
#define PL_SQLWORKER_ENGINE_H

#include "sqlworker/duckdb_api.h"
#include "sqlworker/request.h"

typedef struct pl_engine {
    const pl_duckdb *duckdb; // borrowed
    pl_duck_database database;
    pl_duck_connection connection;
} pl_engine;

// Open the engine on the calling thread alone. It looks at the machine while it opens (cgroup
// files) and takes a refusal badly, so this comes before the sandbox, and everything that reads a
// file or starts a thread comes after.
PL_MUST_USE plumb_status pl_engine_open(const pl_duckdb *duckdb, const pl_request *request,
                                        pl_engine *ret_engine, plumb_error *err);
void pl_engine_close(pl_engine *engine);

// Start its threads, make the views, lock it.
PL_MUST_USE plumb_status pl_engine_prepare(pl_engine *engine, const pl_request *request,
                                           plumb_error *err);

// Check and start the one statement. *ret_result must be destroyed, and streams.
PL_MUST_USE plumb_status pl_engine_start(pl_engine *engine, const pl_request *request,
                                         pl_duck_result *ret_result, plumb_error *err);

// An error text of the engine's as ours: "cannot run query: …". `request` lists the tables for
// the hint.
plumb_status pl_engine_fail(const char *text, const pl_request *request, plumb_error *err);

#endif
