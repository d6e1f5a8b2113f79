// request.h -- what plumb asks the worker for: the REQUEST frame, read into a struct.
//
//     {"kind": "query", "sql": "SELECT …",
//      "tables": [{"name": "post_metrics", "unresolved": false, "files": ["/…/x.parquet", …],
//                  "columns": [{"id": 1, "name": "platform", "type": "VARCHAR"}, …]}, …],
//      "roots": ["/…/lake/tables"], "memory_bytes": 1073741824, "threads": 2,
//      "cpu_seconds": 120, "sandbox": true, "library": "/…/libduckdb.so"}
//
// "library" may be absent. "type" is a DuckDB type name; the request is trusted, only "sql" is
// not. An unresolved table can be described and not read. {"kind": "probe"} asks for facts alone.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SQLWORKER_REQUEST_H
#define PL_SQLWORKER_REQUEST_H

#include "base/arena.h"
#include "base/error.h"

typedef struct pl_request_column {
    int64_t id;
    pl_span name, type;
} pl_request_column;

typedef struct pl_request_table {
    pl_span name;
    bool unresolved;
    pl_request_column *columns;
    const char **files;
    uint32_t column_count, file_count;
} pl_request_table;

typedef struct pl_request {
    bool probe;
    pl_span sql; // NUL after it
    pl_request_table *tables;
    const char **roots;
    uint32_t table_count, root_count;
    int64_t memory_bytes, threads, cpu_seconds;
    bool sandbox;
    const char *library; // NULL: look for it
} pl_request;

PL_MUST_USE plumb_status pl_request_read(pl_span json, pl_arena *arena, pl_request *ret_request,
                                         plumb_error *err);

#endif
