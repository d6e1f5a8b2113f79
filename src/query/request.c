// SPDX-License-Identifier: Apache-2.0
#include <strings.h>

#include "os/os.h"
#include "pipe/frame.h"
#include "query/request_int.h"
#include "query/sqltext.h"
#include "json/text.h"
#include "json/writer.h"

#define MEMORY_BYTES_DEFAULT (UINT64_C(1) << 30)
#define TIMEOUT_MS_DEFAULT   60000

static const char *const SYSTEM_COLUMNS[] = {"_object", "_record", "_mapping", "_flags", "_rest"};

static bool is_hidden(pl_span sql, pl_span name)
{
    for (size_t i = 0; i < PL_COUNT(SYSTEM_COLUMNS); i++)
        if (pl_span_is(name, SYSTEM_COLUMNS[i])) return !pl_sql_names(sql, name);
    return false;
}

// A column's type as DuckDB spells it.
static void type_text(const pl_type *type, pl_buf *out)
{
    static const char *const names[PL_KINDS] = {
        [PL_BOOLEAN] = "BOOLEAN",
        [PL_INT] = "INTEGER",
        [PL_LONG] = "BIGINT",
        [PL_FLOAT] = "FLOAT",
        [PL_DOUBLE] = "DOUBLE",
        [PL_DATE] = "DATE",
        [PL_TIMESTAMP] = "TIMESTAMP WITH TIME ZONE",
        [PL_STRING] = "VARCHAR",
        [PL_JSON] = "VARCHAR",
    };
    if (type->kind == PL_LIST) {
        type_text(type->element, out);
        pl_buf_text(out, "[]");
    } else if (type->kind == PL_DECIMAL) {
        pl_buf_printf(out, "DECIMAL(%d,%d)", type->precision, type->scale);
    } else {
        pl_buf_text(out, names[type->kind]);
    }
}

static void write_texts(pl_json_writer *json, const char *key, const char *const *texts,
                        uint32_t count)
{
    pl_json_key(json, key);
    pl_json_begin(json, '[');
    for (uint32_t i = 0; i < count; i++) pl_json_cstr(json, texts[i]);
    pl_json_end(json, ']');
}

static void write_table(pl_json_writer *json, pl_span sql, const pl_query_table *table)
{
    pl_json_begin(json, '{');
    pl_json_key(json, "name");
    pl_json_cstr(json, table->name);
    pl_json_key(json, "unresolved");
    pl_json_bool(json, table->columns_only);
    write_texts(json, "files", table->paths, table->columns_only ? 0 : table->path_count);
    pl_json_key(json, "columns");
    pl_json_begin(json, '[');
    for (uint32_t i = 0; i < table->schema->count; i++) {
        const pl_field *field = &table->schema->fields[i];
        pl_buf type = {0};
        if (is_hidden(sql, field->name)) continue;
        type_text(&field->type, &type);
        pl_json_begin(json, '{');
        pl_json_key(json, "id");
        pl_json_int(json, field->id);
        pl_json_key(json, "name");
        pl_json_text(json, field->name);
        pl_json_key(json, "type");
        pl_json_text(json, pl_buf_view(&type));
        pl_json_end(json, '}');
        pl_buf_done(&type);
    }
    pl_json_end(json, ']');
    pl_json_end(json, '}');
}

// Without roots, exactly the tables' files may be read.
static void write_roots(pl_json_writer *json, const pl_query_options *options)
{
    if (options->root_count) {
        write_texts(json, "roots", options->roots, options->root_count);
        return;
    }
    pl_json_key(json, "roots");
    pl_json_begin(json, '[');
    for (uint32_t i = 0; i < options->table_count; i++)
        for (uint32_t k = 0; k < options->tables[i].path_count; k++)
            pl_json_cstr(json, options->tables[i].paths[k]);
    pl_json_end(json, ']');
}

static plumb_status check_sql(pl_span sql, plumb_error *err)
{
    if (sql.bytes > PL_SQL_BYTES_MAX)
        return pl_fail(err, PLUMB_E_LIMIT, "cannot run query: %zu bytes of SQL, limit is %u",
                       sql.bytes, PL_SQL_BYTES_MAX);
    const char *nul = sql.bytes ? memchr(sql.data, 0, sql.bytes) : NULL;
    size_t broken = nul ? (size_t)(nul - sql.data) : pl_utf8_check(sql);
    if (broken == SIZE_MAX) return PLUMB_OK;
    pl_fail(err, PLUMB_E_CONFIG, "cannot run query: byte %zu is not text", broken);
    if (err) err->offset = (int64_t)broken;
    return PLUMB_E_CONFIG;
}

// What begins with one of these is refused here: the engine, bound to files it may not write, would
// only say so less clearly. Whatever else is not a query the worker refuses by its kind.
static plumb_status check_verb(pl_span sql, plumb_error *err)
{
    static const char *const verbs[] = {
        "alter",   "analyze",  "attach",   "begin",  "call",    "checkpoint", "commit",
        "copy",    "create",   "delete",   "detach", "drop",    "export",     "import",
        "insert",  "install",  "load",     "merge",  "prepare", "reset",      "set",
        "execute", "rollback", "truncate", "update", "use",     "vacuum",
    };
    pl_sql_token token;
    size_t at = 0;
    if (!pl_sql_next(sql, &at, &token)) {
        pl_fail(err, PLUMB_E_CONFIG, "cannot run query: its text is empty");
        return PLUMB_E_CONFIG;
    }
    for (size_t i = 0; i < PL_COUNT(verbs); i++) {
        if (strlen(verbs[i]) != token.text.bytes ||
            strncasecmp(verbs[i], token.text.data, token.text.bytes) != 0)
            continue;
        pl_fail(err, PLUMB_E_CONFIG, "cannot run query: '%.*s' is not a query", PL_FMT(token.text));
        pl_hint(err, "Only SELECT, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE and EXPLAIN are run; "
                     "nothing here changes data.");
        if (err) err->offset = token.text.data - sql.data;
        return PLUMB_E_CONFIG;
    }
    return PLUMB_OK;
}

static void write_options(pl_json_writer *json, const pl_query_options *options)
{
    int64_t timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT;
    int64_t threads = options->threads ? (int64_t)options->threads : pl_cpu_count();
    pl_json_key(json, "memory_bytes");
    pl_json_int(json,
                (int64_t)(options->memory_bytes ? options->memory_bytes : MEMORY_BYTES_DEFAULT));
    pl_json_key(json, "threads");
    pl_json_int(json, threads);
    // Only a second wall behind the clock we watch ourselves.
    pl_json_key(json, "cpu_seconds");
    pl_json_int(json, timeout_ms < 0 ? 0 : (timeout_ms / 1000 + 5) * threads);
    pl_json_key(json, "sandbox");
    pl_json_bool(json, !options->no_sandbox);
    if (options->library) {
        pl_json_key(json, "library");
        pl_json_cstr(json, options->library);
    }
}

plumb_status pl_query__request(const pl_query_options *options, pl_buf *out, plumb_error *err)
{
    PL_TRY(check_sql(options->sql, err));
    PL_TRY(check_verb(options->sql, err));
    pl_buf payload = {0};
    pl_json_writer json = pl_json_writer_on(&payload, 0);
    pl_json_begin(&json, '{');
    pl_json_key(&json, "kind");
    pl_json_cstr(&json, "query");
    pl_json_key(&json, "sql");
    pl_json_text(&json, options->sql);
    pl_json_key(&json, "tables");
    pl_json_begin(&json, '[');
    for (uint32_t i = 0; i < options->table_count; i++)
        write_table(&json, options->sql, &options->tables[i]);
    pl_json_end(&json, ']');
    write_roots(&json, options);
    write_options(&json, options);
    pl_json_end(&json, '}');

    plumb_status st = PLUMB_OK;
    if (payload.count <= PL_FRAME_BYTES_MAX)
        pl_frame_append(out, PL_FRAME_REQUEST, pl_buf_view(&payload));
    else
        st = pl_fail(err, PLUMB_E_LIMIT, "cannot run query: its tables have too many files");
    pl_buf_done(&payload);
    return st;
}

void pl_query__probe(const char *library, pl_buf *out)
{
    size_t begun = pl_frame_begin(out, PL_FRAME_REQUEST);
    pl_json_writer json = pl_json_writer_on(out, 0);
    pl_json_begin(&json, '{');
    pl_json_key(&json, "kind");
    pl_json_cstr(&json, "probe");
    if (library) {
        pl_json_key(&json, "library");
        pl_json_cstr(&json, library);
    }
    pl_json_end(&json, '}');
    pl_frame_end(out, begun);
}

bool pl_query_mentions(pl_span sql, pl_span table)
{
    for (size_t at = 0; at + table.bytes <= sql.bytes; at++)
        if (strncasecmp(sql.data + at, table.data, table.bytes) == 0) return true;
    return false;
}
