// SPDX-License-Identifier: Apache-2.0
#include "sqlworker/engine.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "json/tree.h"

// ---- the engine's errors -----------------------------------------------------------------------

typedef struct engine_error {
    pl_span type, message, subtype, name, entry, candidates;
    int64_t position;
} engine_error;

// The engine was told to report errors as JSON, possibly after a prefix; other texts come from
// places that do not know.
static engine_error parse_error(const char *text, pl_arena *arena)
{
    engine_error e = {.message = pl_span_of(text), .position = -1};
    const char *brace = strchr(text, '{');
    pl_json *root;
    if (!brace || pl_json_parse(pl_span_of(brace), arena, &root, NULL) != PLUMB_OK) return e;
    pl_span position;
    if (!pl_json_get_text(root, "exception_message", &e.message)) return e;
    PL_IGNORE(pl_json_get_text(root, "exception_type", &e.type)); // absent members stay empty
    PL_IGNORE(pl_json_get_text(root, "error_subtype", &e.subtype));
    PL_IGNORE(pl_json_get_text(root, "name", &e.name));
    PL_IGNORE(pl_json_get_text(root, "type", &e.entry));
    PL_IGNORE(pl_json_get_text(root, "candidates", &e.candidates));
    if (pl_json_get_text(root, "position", &position) && position.bytes < 10) {
        e.position = 0;
        for (size_t i = 0; i < position.bytes; i++)
            e.position = e.position * 10 + (position.data[i] - '0');
    }
    return e;
}

static plumb_status status_of(pl_span type)
{
    static const char *const mistakes[] = {"Parser", "Binder",          "Catalog",
                                           "Syntax", "Not implemented", "Parameter Not Resolved"};
    for (size_t i = 0; i < PL_COUNT(mistakes); i++)
        if (pl_span_is(type, mistakes[i])) return PLUMB_E_CONFIG;
    return pl_span_is(type, "Out of Memory") ? PLUMB_E_LIMIT : PLUMB_E_FAILED;
}

// One line, lower case, no full stop: "syntax error at or near "form"".
static void tidy_reason(pl_span message, pl_buf *out)
{
    const char *newline = memchr(message.data, '\n', message.bytes);
    if (newline) message.bytes = (size_t)(newline - message.data);
    message = pl_span_trim(message);
    while (message.bytes && strchr("!.", message.data[message.bytes - 1])) message.bytes--;
    for (size_t i = 0; i < message.bytes; i++) {
        // A word in capitals (INTERVAL, HUGEINT) keeps them.
        bool first = i == 0 && !(message.bytes > 1 && isupper((unsigned char)message.data[1]));
        unsigned char c = (unsigned char)message.data[i];
        pl_buf_char(out, (char)(first ? tolower(c) : c < 32 ? ' ' : c));
    }
}

// "a,b" as "Did you mean a, b?"
static void append_candidates(pl_buf *out, pl_span candidates)
{
    pl_buf_text(out, "Did you mean ");
    for (size_t i = 0; i < PL_MIN(candidates.bytes, 200); i++) {
        pl_buf_char(out, candidates.data[i]);
        if (candidates.data[i] == ',') pl_buf_char(out, ' ');
    }
    pl_buf_char(out, '?');
}

static bool missing_function(const engine_error *e)
{
    static const char word[] = "Function"; // "Scalar Function", "Table Function", …
    size_t bytes = sizeof word - 1;
    return pl_span_is(e->subtype, "MISSING_ENTRY") && e->entry.bytes >= bytes &&
           memcmp(e->entry.data + e->entry.bytes - bytes, word, bytes) == 0;
}

static void hint_tables(const pl_request *request, pl_span candidates, plumb_error *err)
{
    pl_buf hint = {0};
    if (candidates.bytes) {
        append_candidates(&hint, candidates);
        pl_buf_char(&hint, ' ');
    }
    pl_buf_text(&hint, request->table_count ? "Tables: " : "There are no tables");
    for (uint32_t i = 0; i < request->table_count; i++) {
        if (hint.count > 400) {
            pl_buf_text(&hint, ", …");
            break;
        }
        pl_buf_printf(&hint, "%s%.*s", i ? ", " : "", PL_FMT(request->tables[i].name));
    }
    pl_hint(err, "%s.", pl_buf_cstr(&hint));
    pl_buf_done(&hint);
}

plumb_status pl_engine_fail(const char *text, const pl_request *request, plumb_error *err)
{
    pl_arena arena = {0};
    pl_buf reason = {0};
    engine_error e = parse_error(text ? text : "the engine gave no reason", &arena);
    plumb_status st = status_of(e.type);
    tidy_reason(e.message, &reason);
    if (pl_span_is(e.subtype, "MISSING_ENTRY") && pl_span_is(e.entry, "Table")) {
        pl_fail(err, st, "cannot run query: no table '%.*s'", PL_FMT(e.name));
        hint_tables(request, e.candidates, err);
    } else if (pl_span_is(e.subtype, "COLUMN_NOT_FOUND") || missing_function(&e)) {
        pl_fail(err, st, "cannot run query: no %s '%.*s'",
                missing_function(&e) ? "function" : "column", PL_FMT(e.name));
        pl_buf_reset(&reason);
        if (e.candidates.bytes) append_candidates(&reason, e.candidates);
        pl_hint(err, "%s", pl_buf_cstr(&reason));
    } else if (st == PLUMB_E_LIMIT) {
        pl_fail(err, st, "cannot run query: out of memory at %" PRId64 " MiB",
                request->memory_bytes >> 20);
        pl_hint(err, "Raise --memory (query: memory: in plumb.yaml), or select less.");
    } else {
        pl_fail(err, st, "cannot run query: %.*s", PL_FMT(pl_buf_view(&reason)));
    }
    if (err) err->offset = e.position;
    pl_buf_done(&reason);
    pl_arena_done(&arena);
    return st;
}

// ---- opening -----------------------------------------------------------------------------------

static void quote(pl_buf *out, pl_span text, char mark)
{
    pl_buf_char(out, mark);
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == mark) pl_buf_char(out, mark);
        pl_buf_char(out, text.data[i]);
    }
    pl_buf_char(out, mark);
}

static plumb_status execute(pl_engine *engine, const pl_request *request, const char *sql,
                            plumb_error *err)
{
    pl_duck_result result = {0};
    plumb_status st = PLUMB_OK;
    if (engine->duckdb->query(engine->connection, sql, &result) != PL_DUCK_OK)
        st = pl_engine_fail(engine->duckdb->result_error(&result), request, err);
    engine->duckdb->destroy_result(&result);
    return st;
}

static void list_files(pl_buf *sql, const pl_request_table *table, bool *comma)
{
    for (uint32_t i = 0; i < table->file_count; i++) {
        if (*comma) pl_buf_char(sql, ',');
        *comma = true;
        quote(sql, pl_span_of(table->files[i]), '\'');
    }
}

// Columns are found by field id, so files older than a column or a promotion read right.
static void select_files(pl_buf *sql, const pl_request_table *table)
{
    bool comma = false;
    pl_buf_text(sql, "SELECT * FROM read_parquet([");
    list_files(sql, table, &comma);
    pl_buf_text(sql, "], schema=MAP{");
    for (uint32_t i = 0; i < table->column_count; i++) {
        const pl_request_column *column = &table->columns[i];
        pl_buf_printf(sql, "%s%" PRId64 ": {name: ", i ? ", " : "", column->id);
        quote(sql, column->name, '\'');
        pl_buf_text(sql, ", type: ");
        quote(sql, column->type, '\'');
        pl_buf_text(sql, ", default_value: NULL}");
    }
    pl_buf_text(sql, "})");
}

// The columns without rows; reading an unresolved table is an error, never an empty result.
static void select_columns(pl_buf *sql, const pl_request_table *table)
{
    pl_buf_text(sql, "SELECT ");
    for (uint32_t i = 0; i < table->column_count; i++) {
        pl_buf_printf(sql, "%sCAST(NULL AS %.*s) AS ", i ? ", " : "",
                      PL_FMT(table->columns[i].type));
        quote(sql, table->columns[i].name, '"');
    }
    if (!table->unresolved) {
        pl_buf_text(sql, " WHERE false");
        return;
    }
    pl_buf text = {0};
    pl_buf_printf(&text, "table '%.*s' is not spelled out in the query's text",
                  PL_FMT(table->name));
    pl_buf_text(sql, " WHERE error(");
    quote(sql, pl_buf_view(&text), '\'');
    pl_buf_text(sql, ") IS NULL");
    pl_buf_done(&text);
}

static plumb_status make_view(pl_engine *engine, const pl_request *request,
                              const pl_request_table *table, plumb_error *err)
{
    pl_buf sql = {0};
    pl_buf_text(&sql, "CREATE VIEW public.");
    quote(&sql, table->name, '"');
    pl_buf_text(&sql, " AS ");
    if (table->file_count && !table->unresolved)
        select_files(&sql, table);
    else
        select_columns(&sql, table);
    plumb_status st = execute(engine, request, pl_buf_cstr(&sql), err);
    if (st != PLUMB_OK) {
        if (err) err->offset = -1; // a byte in our text, not in the user's
        pl_context(err, "cannot open table '%.*s'", PL_FMT(table->name));
    }
    pl_buf_done(&sql);
    return st;
}

// From here on the engine opens the tables' files and nothing else, and takes no setting.
static plumb_status lock(pl_engine *engine, const pl_request *request, plumb_error *err)
{
    pl_buf sql = {0};
    bool comma = false;
    pl_buf_text(&sql, "SET allowed_paths=[");
    for (uint32_t i = 0; i < request->table_count; i++)
        if (!request->tables[i].unresolved) list_files(&sql, &request->tables[i], &comma);
    pl_buf_text(&sql, "]");
    plumb_status st = comma ? execute(engine, request, pl_buf_cstr(&sql), err) : PLUMB_OK;
    pl_buf_done(&sql);
    if (st == PLUMB_OK) st = execute(engine, request, "SET search_path='memory.public'", err);
    if (st == PLUMB_OK) st = execute(engine, request, "SET enable_external_access=false", err);
    if (st == PLUMB_OK) st = execute(engine, request, "SET lock_configuration=true", err);
    return st;
}

static plumb_status open_database(pl_engine *engine, const pl_request *request, plumb_error *err)
{
    char memory[32];
    snprintf(memory, sizeof memory, "%" PRId64 "B", request->memory_bytes);
    const char *const settings[][2] = {
        {"memory_limit", memory},
        {"threads", "1"}, // no thread of its own before the sandbox
        {"temp_directory", ""},
        {"max_temp_directory_size", "0B"},
        {"autoload_known_extensions", "false"},
        {"autoinstall_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"allow_persistent_secrets", "false"},
        {"errors_as_json", "true"},
    };
    const pl_duckdb *duckdb = engine->duckdb;
    pl_duck_config config = NULL;
    char *text = NULL;
    plumb_status st = PLUMB_OK;
    if (duckdb->create_config(&config) != PL_DUCK_OK)
        return pl_fail(err, PLUMB_E_FAILED, "cannot open query engine: no configuration");
    for (size_t i = 0; i < PL_COUNT(settings) && st == PLUMB_OK; i++)
        if (duckdb->set_config(config, settings[i][0], settings[i][1]) != PL_DUCK_OK)
            st = pl_fail(err, PLUMB_E_FAILED, "cannot open query engine: no setting '%s'",
                         settings[i][0]);
    if (st == PLUMB_OK &&
        duckdb->open_ext(":memory:", &engine->database, config, &text) != PL_DUCK_OK) {
        st = pl_fail(err, PLUMB_E_FAILED, "cannot open query engine: %s", text ? text : "");
        duckdb->free(text);
    }
    duckdb->destroy_config(&config);
    if (st == PLUMB_OK && duckdb->connect(engine->database, &engine->connection) != PL_DUCK_OK)
        st = pl_fail(err, PLUMB_E_FAILED, "cannot open query engine: no connection");
    return st;
}

plumb_status pl_engine_open(const pl_duckdb *duckdb, const pl_request *request,
                            pl_engine *ret_engine, plumb_error *err)
{
    pl_engine engine = {.duckdb = duckdb};
    plumb_status st = open_database(&engine, request, err);
    if (st == PLUMB_OK)
        *ret_engine = engine;
    else
        pl_engine_close(&engine);
    return st;
}

plumb_status pl_engine_prepare(pl_engine *engine, const pl_request *request, plumb_error *err)
{
    char threads[64];
    snprintf(threads, sizeof threads, "SET threads=%" PRId64, request->threads);
    PL_TRY(execute(engine, request, threads, err));
    PL_TRY(execute(engine, request, "SET TimeZone='UTC'", err));
    PL_TRY(execute(engine, request, "CREATE SCHEMA public", err));
    for (uint32_t i = 0; i < request->table_count; i++)
        PL_TRY(make_view(engine, request, &request->tables[i], err));
    return lock(engine, request, err);
}

void pl_engine_close(pl_engine *engine)
{
    if (engine->connection) engine->duckdb->disconnect(&engine->connection);
    if (engine->database) engine->duckdb->close(&engine->database);
    *engine = (pl_engine){0};
}

// ---- the query ---------------------------------------------------------------------------------

static plumb_status check(const pl_duckdb *duckdb, pl_duck_prepared prepared, plumb_error *err)
{
    int kind = duckdb->prepared_statement_type(prepared);
    if (kind != PL_DUCK_SELECT && kind != PL_DUCK_EXPLAIN) {
        pl_fail(err, PLUMB_E_CONFIG, "cannot run query: it is not a query");
        pl_hint(err, "Only SELECT, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE and EXPLAIN are run; "
                     "nothing here changes data.");
        return PLUMB_E_CONFIG;
    }
    if (duckdb->nparams(prepared) > 0)
        return pl_fail(err, PLUMB_E_CONFIG, "cannot run query: it has parameters without values");
    return PLUMB_OK;
}

static plumb_status run(pl_engine *engine, const pl_request *request, pl_duck_prepared prepared,
                        pl_duck_result *ret_result, plumb_error *err)
{
    const pl_duckdb *duckdb = engine->duckdb;
    pl_duck_pending pending = NULL;
    pl_duck_result result = {0};
    plumb_status st = PLUMB_OK;
    if (duckdb->pending_prepared_streaming(prepared, &pending) != PL_DUCK_OK) {
        st = pl_engine_fail(duckdb->pending_error(pending), request, err);
    } else if (duckdb->execute_pending(pending, &result) != PL_DUCK_OK) {
        st = pl_engine_fail(duckdb->result_error(&result), request, err);
        duckdb->destroy_result(&result);
    } else {
        *ret_result = result;
    }
    duckdb->destroy_pending(&pending);
    return st;
}

plumb_status pl_engine_start(pl_engine *engine, const pl_request *request,
                             pl_duck_result *ret_result, plumb_error *err)
{
    const pl_duckdb *duckdb = engine->duckdb;
    pl_duck_statements statements = NULL;
    pl_duck_prepared prepared = NULL;
    plumb_status st;
    uint64_t count = duckdb->extract_statements(engine->connection, request->sql.data, &statements);
    const char *text = statements ? duckdb->extract_statements_error(statements) : NULL;
    if (count == 0 && text) {
        st = pl_engine_fail(text, request, err);
    } else if (count != 1) {
        st = pl_fail(err, PLUMB_E_CONFIG,
                     "cannot run query: expected one statement, found %" PRIu64, count);
        if (count > 1 && strcasestr(request->sql.data, "pivot"))
            pl_hint(err, "A PIVOT without IN (…) counts as two statements: list its values.");
    } else if (duckdb->prepare_extracted_statement(engine->connection, statements, 0, &prepared) !=
               PL_DUCK_OK) {
        st = pl_engine_fail(duckdb->prepare_error(prepared), request, err);
    } else {
        st = check(duckdb, prepared, err);
        if (st == PLUMB_OK) st = run(engine, request, prepared, ret_result, err);
    }
    duckdb->destroy_prepare(&prepared);
    duckdb->destroy_extracted(&statements);
    return st;
}
