// SPDX-License-Identifier: Apache-2.0
#include "sqlworker/request.h"

#include "json/tree.h"

static plumb_status wrong(plumb_error *err, const char *member)
{
    return pl_fail(err, PLUMB_E_MALFORMED,
                   "cannot read request: '%s' is missing or of a wrong kind", member);
}

static plumb_status read_texts(const pl_json *array, pl_arena *arena, const char ***ret_texts,
                               uint32_t *ret_count, plumb_error *err)
{
    if (!array || array->kind != PL_JSON_ARRAY) return wrong(err, "files");
    const char **texts = PL_TAKE(arena, const char *, array->count + 1);
    uint32_t count = 0;
    for (const pl_json *item = array->first; item; item = item->next) {
        if (item->kind != PL_JSON_STRING) return wrong(err, "files");
        texts[count++] = pl_arena_cstr(arena, item->text);
    }
    *ret_texts = texts;
    *ret_count = count;
    return PLUMB_OK;
}

static plumb_status read_table(const pl_json *json, pl_arena *arena, pl_request_table *table,
                               plumb_error *err)
{
    if (!pl_json_get_text(json, "name", &table->name)) return wrong(err, "name");
    const pl_json *unresolved = pl_json_get(json, "unresolved");
    table->unresolved = unresolved && unresolved->kind == PL_JSON_TRUE;
    PL_TRY(read_texts(pl_json_get(json, "files"), arena, &table->files, &table->file_count, err));
    const pl_json *columns = pl_json_get(json, "columns");
    if (!columns || columns->kind != PL_JSON_ARRAY || columns->count == 0)
        return wrong(err, "columns");
    table->columns = PL_TAKE(arena, pl_request_column, columns->count);
    for (const pl_json *item = columns->first; item; item = item->next) {
        pl_request_column *column = &table->columns[table->column_count++];
        if (!pl_json_get_long(item, "id", &column->id) ||
            !pl_json_get_text(item, "name", &column->name) ||
            !pl_json_get_text(item, "type", &column->type))
            return wrong(err, "columns");
    }
    return PLUMB_OK;
}

static plumb_status read_query(const pl_json *root, pl_arena *arena, pl_request *request,
                               plumb_error *err)
{
    if (!pl_json_get_text(root, "sql", &request->sql)) return wrong(err, "sql");
    request->sql = pl_arena_copy(arena, request->sql);
    const pl_json *tables = pl_json_get(root, "tables");
    if (!tables || tables->kind != PL_JSON_ARRAY) return wrong(err, "tables");
    request->tables = PL_TAKE(arena, pl_request_table, tables->count);
    for (const pl_json *item = tables->first; item; item = item->next)
        PL_TRY(read_table(item, arena, &request->tables[request->table_count++], err));
    PL_TRY(
        read_texts(pl_json_get(root, "roots"), arena, &request->roots, &request->root_count, err));
    if (!pl_json_get_long(root, "memory_bytes", &request->memory_bytes) ||
        request->memory_bytes <= 0)
        return wrong(err, "memory_bytes");
    if (!pl_json_get_long(root, "threads", &request->threads) || request->threads <= 0)
        return wrong(err, "threads");
    if (!pl_json_get_long(root, "cpu_seconds", &request->cpu_seconds) || request->cpu_seconds < 0)
        return wrong(err, "cpu_seconds");
    const pl_json *sandbox = pl_json_get(root, "sandbox");
    if (!sandbox || (sandbox->kind != PL_JSON_TRUE && sandbox->kind != PL_JSON_FALSE))
        return wrong(err, "sandbox");
    request->sandbox = sandbox->kind == PL_JSON_TRUE;
    return PLUMB_OK;
}

plumb_status pl_request_read(pl_span json, pl_arena *arena, pl_request *ret_request,
                             plumb_error *err)
{
    pl_json *root;
    pl_request request = {0};
    pl_span kind, library;
    PL_TRY(pl_json_parse(json, arena, &root, err));
    if (!pl_json_get_text(root, "kind", &kind)) return wrong(err, "kind");
    if (pl_json_get_text(root, "library", &library))
        request.library = pl_arena_cstr(arena, library);
    if (pl_span_is(kind, "probe"))
        request.probe = true;
    else if (pl_span_is(kind, "query"))
        PL_TRY(read_query(root, arena, &request, err));
    else
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot read request: unknown kind '%.*s'",
                       PL_FMT(kind));
    *ret_request = request;
    return PLUMB_OK;
}
