// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "registry/registry_int.h"

plumb_status pl_registry_run_start(pl_registry *registry, const pl_run_row *row, plumb_error *err)
{
    return pl_registry__write(
        registry, PL_DOING("start run", row->id),
        "INSERT INTO runs(id, state, started_us, finished_us, pid, command, counts)"
        " VALUES (?, 'working', ?, 0, ?, ?, '')",
        NULL, err, "tiit", row->id, row->started_us, row->pid, row->command);
}

plumb_status pl_registry_run_finish(pl_registry *registry, const char *id, const char *state,
                                    int64_t finished_us, const char *counts, plumb_error *err)
{
    int changes = 0;
    PL_TRY(pl_registry__write(registry, PL_DOING("finish run", id),
                              "UPDATE runs SET state = ?, finished_us = ?, counts = ?"
                              " WHERE id = ? AND state = 'working'",
                              &changes, err, "titt", state, finished_us, counts, id));
    if (changes == 1) {
        if (strcmp(state, "done") == 0) snprintf(registry->done, sizeof registry->done, "%s", id);
        return PLUMB_OK;
    }
    return pl_fail(err, PLUMB_E_CONFLICT,
                   "could not finish run '%s' in registry '%s': it is no longer working", id,
                   registry->path);
}

#define RUN_COLUMNS "id, state, started_us, finished_us, pid, command, counts"

static pl_run_row row_of(sqlite3_stmt *stmt)
{
    return (pl_run_row){
        .id = pl_registry__text(stmt, 0),
        .state = pl_registry__text(stmt, 1),
        .started_us = pl_registry__int(stmt, 2),
        .finished_us = pl_registry__int(stmt, 3),
        .pid = pl_registry__int(stmt, 4),
        .command = pl_registry__text(stmt, 5),
        .counts = pl_registry__text(stmt, 6),
    };
}

plumb_status pl_registry_run(pl_registry *registry, const char *id, pl_arena *arena,
                             pl_run_row *ret_row, bool *ret_found, plumb_error *err)
{
    pl_doing doing = PL_DOING("look up run", id);
    sqlite3_stmt *stmt = NULL;
    *ret_found = false;
    PL_TRY(pl_registry__start(registry, doing, "SELECT " RUN_COLUMNS " FROM runs WHERE id = ?",
                              &stmt, err, "t", id));
    plumb_status st = pl_registry__step(registry, doing, stmt, ret_found, err);
    if (st == PLUMB_OK && *ret_found) {
        *ret_row = row_of(stmt);
        ret_row->id = pl_arena_cstr(arena, pl_span_of(ret_row->id));
        ret_row->state = pl_arena_cstr(arena, pl_span_of(ret_row->state));
        ret_row->command = pl_arena_cstr(arena, pl_span_of(ret_row->command));
        ret_row->counts = pl_arena_cstr(arena, pl_span_of(ret_row->counts));
    }
    pl_registry__end(registry, stmt);
    return st;
}

typedef struct run_walk {
    pl_run_visit visit;
    void *context;
} run_walk;

static bool run_row(void *context, sqlite3_stmt *stmt)
{
    run_walk *walk = context;
    pl_run_row row = row_of(stmt);
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_runs(pl_registry *registry, const char *state, int64_t limit,
                              pl_run_visit visit, void *context, plumb_error *err)
{
    static const char sql[] = "SELECT " RUN_COLUMNS " FROM runs"
                              " WHERE ?1 IS NULL OR state = ?1 ORDER BY id DESC LIMIT ?2";
    pl_doing doing = PL_DOING("list runs of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "ti", state,
                              pl_registry__limit(limit)));
    run_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, run_row, &walk, err);
}

plumb_status pl_registry_task_add(pl_registry *registry, const char *run, const char *task,
                                  plumb_error *err)
{
    return pl_registry__write(registry, PL_DOING("record task", task),
                              "INSERT INTO tasks(run, task, result) VALUES (?, ?, NULL)", NULL, err,
                              "tt", run, task);
}

plumb_status pl_registry_task_done(pl_registry *registry, const char *run, const char *task,
                                   const char *result, plumb_error *err)
{
    int changes = 0;
    PL_TRY(pl_registry__write(
        registry, PL_DOING("take the result of task", task),
        "UPDATE tasks SET result = ? WHERE run = ? AND task = ? AND result IS NULL", &changes, err,
        "ttt", result, run, task));
    if (changes == 1) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_CONFLICT,
                   "could not take the result of task '%s' of run '%s': it was taken before", task,
                   run);
}

typedef struct task_walk {
    pl_task_visit visit;
    void *context;
} task_walk;

static bool task_row(void *context, sqlite3_stmt *stmt)
{
    task_walk *walk = context;
    return walk->visit(walk->context, pl_registry__text(stmt, 0), pl_registry__text(stmt, 1));
}

plumb_status pl_registry_tasks(pl_registry *registry, const char *run, pl_task_visit visit,
                               void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("list tasks of run", run);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT task, result FROM tasks WHERE run = ? ORDER BY task", &stmt,
                              err, "t", run));
    task_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, task_row, &walk, err);
}
