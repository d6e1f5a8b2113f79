// query_tool.c -- run one query over files named in a JSON document on stdin: the SQL door alone,
// without a lake, for test_worker.py.
//
//     {"sql": "…", "format": "json", "tables": [{"name", "columns": [{"id", "name", "type"}],
//      "files": […], "columns_only": false}], "roots": […], "memory_bytes", "timeout_ms",
//      "threads", "no_sandbox", "rows_max", "library"}
//
// Prints the result; on failure one JSON line {"status", "message", "hint", "offset"} on stderr
// and exit code 1 (130 when interrupted).
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/os.h"
#include "query/format.h"
#include "json/tree.h"
#include "json/writer.h"

static const char *text_of(const pl_json *json, const char *key, pl_arena *arena)
{
    pl_span text;
    return pl_json_get_text(json, key, &text) ? pl_arena_cstr(arena, text) : NULL;
}

static const char *const *texts_of(const pl_json *json, const char *key, pl_arena *arena,
                                   uint32_t *ret_count)
{
    const pl_json *array = pl_json_get(json, key);
    const char **texts = PL_TAKE(arena, const char *, array ? array->count + 1 : 1);
    *ret_count = 0;
    for (const pl_json *item = array ? array->first : NULL; item; item = item->next)
        texts[(*ret_count)++] = pl_arena_cstr(arena, item->text);
    return texts;
}

static int64_t long_of(const pl_json *json, const char *key)
{
    int64_t value = 0;
    return pl_json_get_long(json, key, &value) ? value : 0;
}

static bool true_of(const pl_json *json, const char *key)
{
    const pl_json *value = pl_json_get(json, key);
    return value && value->kind == PL_JSON_TRUE;
}

static pl_schema *schema_of(const pl_json *columns, pl_arena *arena)
{
    pl_schema *schema = PL_TAKE(arena, pl_schema, 1);
    schema->fields = PL_TAKE(arena, pl_field, columns->count);
    for (const pl_json *item = columns->first; item; item = item->next) {
        pl_field *field = &schema->fields[schema->count++];
        const char *reason;
        pl_span type;
        field->id = (int32_t)long_of(item, "id");
        if (!pl_json_get_text(item, "name", &field->name) ||
            !pl_json_get_text(item, "type", &type) ||
            !pl_type_parse(type, arena, &field->type, &reason))
            exit(2);
    }
    return schema;
}

static plumb_status write_out(void *context, pl_span text, plumb_error *err)
{
    (void)context;
    if (fwrite(text.data, 1, text.bytes, stdout) == text.bytes && fflush(stdout) == 0)
        return PLUMB_OK;
    return pl_fail(err, PLUMB_E_FAILED, "cannot write result");
}

static int complain(const plumb_error *err)
{
    pl_buf line = {0};
    pl_json_writer json = pl_json_writer_on(&line, 0);
    pl_json_begin(&json, '{');
    pl_json_key(&json, "status");
    pl_json_int(&json, err->status);
    pl_json_key(&json, "message");
    pl_json_cstr(&json, err->message);
    pl_json_key(&json, "hint");
    pl_json_cstr(&json, err->hint);
    pl_json_key(&json, "offset");
    pl_json_int(&json, err->offset);
    pl_json_end(&json, '}');
    fprintf(stderr, "%s\n", pl_buf_cstr(&line));
    pl_buf_done(&line);
    return err->status == PLUMB_E_CANCELLED ? 130 : 1;
}

static int probe(void)
{
    pl_query_facts facts;
    plumb_error err = {0};
    if (pl_query_probe(NULL, NULL, &facts, &err) != PLUMB_OK) return complain(&err);
    printf("{\"library\": \"%s\", \"duckdb\": \"%s\", \"landlock\": %d}\n", facts.library,
           facts.duckdb, facts.landlock);
    return 0;
}

static int run(const pl_json *spec, pl_arena *arena)
{
    const pl_json *list = pl_json_get(spec, "tables");
    pl_query_table *tables = PL_TAKE(arena, pl_query_table, list ? list->count : 0);
    pl_query_options options = {.tables = tables};
    for (const pl_json *item = list ? list->first : NULL; item; item = item->next) {
        pl_query_table *table = &tables[options.table_count++];
        table->name = text_of(item, "name", arena);
        table->schema = schema_of(pl_json_get(item, "columns"), arena);
        table->paths = texts_of(item, "files", arena, &table->path_count);
        table->columns_only = true_of(item, "columns_only");
    }
    PL_IGNORE(pl_json_get_text(spec, "sql", &options.sql)); // absent: empty
    options.roots = texts_of(spec, "roots", arena, &options.root_count);
    options.memory_bytes = (uint64_t)long_of(spec, "memory_bytes");
    options.timeout_ms = long_of(spec, "timeout_ms");
    options.threads = (uint32_t)long_of(spec, "threads");
    options.no_sandbox = true_of(spec, "no_sandbox");
    options.library = text_of(spec, "library", arena);

    pl_query_format_options format_options = {.write = write_out,
                                              .rows_max = (uint64_t)long_of(spec, "rows_max")};
    const char *word = text_of(spec, "format", arena);
    if (!pl_query_format_parse(pl_span_of(word ? word : "json"), &format_options.kind)) return 2;
    pl_query_format *format = pl_query_format_open(&format_options);
    pl_query_sink sink = pl_query_format_sink(format);
    pl_query_stats stats;
    plumb_error err = {0};
    plumb_status st = pl_query_run(&options, &sink, &stats, &err);
    if (pl_query_format_cut(format)) st = PLUMB_OK;
    if (st == PLUMB_OK) st = pl_query_format_finish(format, &err);
    pl_query_format_close(format);
    return st == PLUMB_OK ? 0 : complain(&err);
}

int main(void)
{
    pl_arena arena = {0};
    pl_buf input = {0};
    pl_json *spec;
    plumb_error err = {0};
    pl_signals_install();
    for (ssize_t n = 1; n > 0;) {
        char *room = pl_buf_reserve(&input, 1 << 16);
        n = read(0, room, 1 << 16);
        if (n > 0) input.count += (size_t)n;
    }
    if (pl_json_parse(pl_buf_view(&input), &arena, &spec, &err) != PLUMB_OK) return complain(&err);
    int code = pl_json_get(spec, "sql") ? run(spec, &arena) : probe();
    pl_arena_done(&arena);
    pl_buf_done(&input);
    return code;
}
