// duckdb_api.h -- the part of DuckDB's C interface the worker uses, declared by us.
//
// No package ships a header for the shared library we take, so the functions are listed here once
// and found by name at run time; another library version is refused, because nothing but the
// version says that these declarations still fit. Every handle is an opaque pointer, made by one
// function and freed by the one named after it.
//
// The library is looked for, in this order: the path given; $PLUMB_DUCKDB_LIB; then relative to
// the directory of the executable: ../lib/plumb/, ./, ../.deps/, ../../.deps/, ../../../.deps/
// (the last ones are build trees inside the source tree).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SQLWORKER_DUCKDB_API_H
#define PL_SQLWORKER_DUCKDB_API_H

#include "base/error.h"

typedef struct pl_duck_database_ *pl_duck_database;
typedef struct pl_duck_connection_ *pl_duck_connection;
typedef struct pl_duck_config_ *pl_duck_config;
typedef struct pl_duck_statements_ *pl_duck_statements;
typedef struct pl_duck_prepared_ *pl_duck_prepared;
typedef struct pl_duck_pending_ *pl_duck_pending;
typedef struct pl_duck_chunk_ *pl_duck_chunk;
typedef struct pl_duck_vector_ *pl_duck_vector;
typedef struct pl_duck_type_ *pl_duck_type;

typedef enum pl_duck_state { PL_DUCK_OK = 0, PL_DUCK_ERROR = 1 } pl_duck_state;

// Passed by value to fetch_chunk; the first members are of no use any more.
typedef struct pl_duck_result {
    uint64_t unused_counts[3];
    void *unused_columns;
    char *unused_message;
    void *internal;
} pl_duck_result;

typedef struct pl_duck_string { // 16 bytes: short texts inline, longer ones by pointer
    union {
        struct {
            uint32_t bytes;
            char prefix[4];
            const char *data;
        } pointer;
        struct {
            uint32_t bytes;
            char data[12];
        } inlined;
    };
} pl_duck_string;

typedef struct pl_duck_list {
    uint64_t offset, count;
} pl_duck_list;

typedef struct pl_duck_interval {
    int32_t months, days;
    int64_t micros;
} pl_duck_interval;

typedef enum pl_duck_statement {
    PL_DUCK_SELECT = 1, // also DESCRIBE, SHOW, SUMMARIZE
    PL_DUCK_EXPLAIN = 4,
} pl_duck_statement;

typedef enum pl_duck_kind {
    PL_DUCK_BOOLEAN = 1,
    PL_DUCK_TINYINT = 2,
    PL_DUCK_SMALLINT = 3,
    PL_DUCK_INTEGER = 4,
    PL_DUCK_BIGINT = 5,
    PL_DUCK_UTINYINT = 6,
    PL_DUCK_USMALLINT = 7,
    PL_DUCK_UINTEGER = 8,
    PL_DUCK_UBIGINT = 9,
    PL_DUCK_FLOAT = 10,
    PL_DUCK_DOUBLE = 11,
    PL_DUCK_TIMESTAMP = 12,
    PL_DUCK_DATE = 13,
    PL_DUCK_TIME = 14,
    PL_DUCK_INTERVAL = 15,
    PL_DUCK_HUGEINT = 16,
    PL_DUCK_VARCHAR = 17,
    PL_DUCK_BLOB = 18,
    PL_DUCK_DECIMAL = 19,
    PL_DUCK_TIMESTAMP_S = 20,
    PL_DUCK_TIMESTAMP_MS = 21,
    PL_DUCK_TIMESTAMP_NS = 22,
    PL_DUCK_ENUM = 23,
    PL_DUCK_LIST = 24,
    PL_DUCK_STRUCT = 25,
    PL_DUCK_MAP = 26,
    PL_DUCK_UUID = 27,
    PL_DUCK_UNION = 28,
    PL_DUCK_BIT = 29,
    PL_DUCK_TIME_TZ = 30,
    PL_DUCK_TIMESTAMP_TZ = 31,
    PL_DUCK_UHUGEINT = 32,
    PL_DUCK_ARRAY = 33,
    PL_DUCK_NULL = 36,
} pl_duck_kind;

// X(return type, name, arguments): the library's symbol is duckdb_<name>.
#define PL_DUCK_FUNCTIONS(X)                                                                       \
    X(const char *, library_version, (void))                                                       \
    X(void, free, (void *))                                                                        \
    X(pl_duck_state, create_config, (pl_duck_config *))                                            \
    X(pl_duck_state, set_config, (pl_duck_config, const char *, const char *))                     \
    X(void, destroy_config, (pl_duck_config *))                                                    \
    X(pl_duck_state, open_ext, (const char *, pl_duck_database *, pl_duck_config, char **))        \
    X(void, close, (pl_duck_database *))                                                           \
    X(pl_duck_state, connect, (pl_duck_database, pl_duck_connection *))                            \
    X(void, disconnect, (pl_duck_connection *))                                                    \
    X(pl_duck_state, query, (pl_duck_connection, const char *, pl_duck_result *))                  \
    X(void, destroy_result, (pl_duck_result *))                                                    \
    X(const char *, result_error, (pl_duck_result *))                                              \
    X(uint64_t, extract_statements, (pl_duck_connection, const char *, pl_duck_statements *))      \
    X(const char *, extract_statements_error, (pl_duck_statements))                                \
    X(void, destroy_extracted, (pl_duck_statements *))                                             \
    X(pl_duck_state, prepare_extracted_statement,                                                  \
      (pl_duck_connection, pl_duck_statements, uint64_t, pl_duck_prepared *))                      \
    X(const char *, prepare_error, (pl_duck_prepared))                                             \
    X(int, prepared_statement_type, (pl_duck_prepared))                                            \
    X(uint64_t, nparams, (pl_duck_prepared))                                                       \
    X(void, destroy_prepare, (pl_duck_prepared *))                                                 \
    X(pl_duck_state, pending_prepared_streaming, (pl_duck_prepared, pl_duck_pending *))            \
    X(const char *, pending_error, (pl_duck_pending))                                              \
    X(pl_duck_state, execute_pending, (pl_duck_pending, pl_duck_result *))                         \
    X(void, destroy_pending, (pl_duck_pending *))                                                  \
    X(uint64_t, column_count, (pl_duck_result *))                                                  \
    X(const char *, column_name, (pl_duck_result *, uint64_t))                                     \
    X(pl_duck_type, column_logical_type, (pl_duck_result *, uint64_t))                             \
    X(pl_duck_chunk, fetch_chunk, (pl_duck_result))                                                \
    X(uint64_t, data_chunk_get_size, (pl_duck_chunk))                                              \
    X(pl_duck_vector, data_chunk_get_vector, (pl_duck_chunk, uint64_t))                            \
    X(void, destroy_data_chunk, (pl_duck_chunk *))                                                 \
    X(void *, vector_get_data, (pl_duck_vector))                                                   \
    X(uint64_t *, vector_get_validity, (pl_duck_vector))                                           \
    X(pl_duck_vector, list_vector_get_child, (pl_duck_vector))                                     \
    X(pl_duck_vector, struct_vector_get_child, (pl_duck_vector, uint64_t))                         \
    X(pl_duck_vector, array_vector_get_child, (pl_duck_vector))                                    \
    X(int, get_type_id, (pl_duck_type))                                                            \
    X(void, destroy_logical_type, (pl_duck_type *))                                                \
    X(uint8_t, decimal_width, (pl_duck_type))                                                      \
    X(uint8_t, decimal_scale, (pl_duck_type))                                                      \
    X(int, decimal_internal_type, (pl_duck_type))                                                  \
    X(int, enum_internal_type, (pl_duck_type))                                                     \
    X(uint32_t, enum_dictionary_size, (pl_duck_type))                                              \
    X(char *, enum_dictionary_value, (pl_duck_type, uint64_t))                                     \
    X(pl_duck_type, list_type_child_type, (pl_duck_type))                                          \
    X(pl_duck_type, array_type_child_type, (pl_duck_type))                                         \
    X(uint64_t, array_type_array_size, (pl_duck_type))                                             \
    X(pl_duck_type, map_type_key_type, (pl_duck_type))                                             \
    X(pl_duck_type, map_type_value_type, (pl_duck_type))                                           \
    X(uint64_t, struct_type_child_count, (pl_duck_type))                                           \
    X(char *, struct_type_child_name, (pl_duck_type, uint64_t))                                    \
    X(pl_duck_type, struct_type_child_type, (pl_duck_type, uint64_t))

typedef struct pl_duckdb {
#define PL_DUCK_MEMBER(type, name, arguments) type(*name) arguments;
    PL_DUCK_FUNCTIONS(PL_DUCK_MEMBER)
#undef PL_DUCK_MEMBER
    char path[1024];     // of the library
    const char *version; // "v1.5.5"
} pl_duckdb;

// Load the library and find every function. `given` may be NULL. The library stays loaded.
// PLUMB_E_UNAVAILABLE if there is none, or another version.
PL_MUST_USE plumb_status pl_duckdb_load(const char *given, pl_duckdb *ret_duckdb, plumb_error *err);

#endif
