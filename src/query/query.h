// query.h -- run one SQL query over tables whose live files the caller knows.
//
// The query runs in a child process, plumb-sql: an in-memory DuckDB that is locked, sandboxed and
// thrown away after one query. What it may read is decided by the operating system (Landlock,
// read-only, `roots` and nothing else), not by the engine; its memory and time are bounded from
// outside. So the worst a query can do is fail.
//
// A table is a view in schema `public` over exactly the files given, read by field id: files
// written before a column was added, or while it was still an int, read as the schema says. A
// query sees one snapshot from start to end.
//
// System columns (_object, _record, _mapping, _flags, _rest) are part of a table's view only if
// the query's text names them: SELECT * shows what the contract declares.
//
// Result values are exact text with a class (pipe/rows.h) and are streamed: memory does not grow
// with the number of rows.
//
// Threads: one query per call; calls are independent.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_QUERY_QUERY_H
#define PL_QUERY_QUERY_H

#include "pipe/rows.h"
#include "schema/schema.h"

typedef struct pl_query_table {
    const char *name;
    const pl_schema *schema;  // field ids assigned; system columns included
    const char *const *paths; // absolute local paths of the live files
    uint32_t path_count;      // 0: an empty table
    bool columns_only;        // files were not looked up: reading it is an error, describing not
} pl_query_table;

typedef struct pl_query_options {
    pl_span sql; // one statement
    const pl_query_table *tables;
    uint32_t table_count;
    const char *const *roots; // directories the worker may read (the lake's tables directory)
    uint32_t root_count;
    uint64_t memory_bytes; // 0: 1 GiB
    int64_t timeout_ms;    // 0: 60 s; negative: none
    uint32_t threads;      // 0: every core
    bool no_sandbox;       // run although the kernel offers no Landlock
    const char *worker;    // path of plumb-sql; NULL: pl_query_worker_path
    const char *library;   // path of libduckdb.so; NULL: the worker looks for it
} pl_query_options;

// What a query's rows go to. Returning another status than PLUMB_OK stops the query with it.
// `columns` is called once, before any rows, also for an empty result.
typedef struct pl_query_sink {
    void *context;
    plumb_status (*columns)(void *context, const pl_result_column *columns, uint32_t count,
                            plumb_error *err);
    plumb_status (*rows)(void *context, pl_rows *rows, plumb_error *err);
} pl_query_sink;

typedef struct pl_query_stats {
    uint64_t rows;
    double seconds; // from the call to the last row
} pl_query_stats;

// Run it. Fails with
//   PLUMB_E_CONFIG       the SQL is wrong, or not a query: err->offset is the byte in it, if known
//   PLUMB_E_LIMIT        out of memory, or the time is up
//   PLUMB_E_CANCELLED    pl_cancelled was set
//   PLUMB_E_UNAVAILABLE  the worker, its library or the sandbox is missing
//   PLUMB_E_FAILED       the query failed while running
PL_MUST_USE plumb_status pl_query_run(const pl_query_options *options, const pl_query_sink *sink,
                                      pl_query_stats *ret_stats, plumb_error *err);

// Whether `sql` may name `table` at all (spelled anywhere in its text, in any case). A caller
// need not look up the files of a table for which this is false: give it as columns_only.
bool pl_query_mentions(pl_span sql, pl_span table);

// What the worker runs on, for `plumb doctor`.
typedef struct pl_query_facts {
    char library[1024]; // path of libduckdb.so
    char duckdb[32];    // "v1.5.5"
    int landlock;       // ABI of the kernel, 0: none
} pl_query_facts;
PL_MUST_USE plumb_status pl_query_probe(const char *worker, const char *library,
                                        pl_query_facts *ret_facts, plumb_error *err);

// Where plumb-sql is: beside the running executable, or in ../sqlworker/ of a build tree.
bool pl_query_worker_path(char *path, size_t bytes);

#endif
