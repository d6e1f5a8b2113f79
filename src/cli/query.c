// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/look.h"
#include "contract/project.h"
#include "iceberg/table.h"
#include "os/file.h"
#include "os/os.h"
#include "query/format.h"

#define SQL_BYTES_MAX (1024u * 1024)
#define CARET_BYTES   160 // a longer line of SQL is shown from near the mistake on

// One `plumb query`: what was asked for, and the tables it may name.
typedef struct asking {
    pl_cli *cli;
    pl_lake lake;
    pl_span sql;
    pl_look_when when;
    pl_query_table *tables;
    uint32_t count, capacity;
    plumb_error *err;
    plumb_status status;
} asking;

// ---- the tables --------------------------------------------------------------------------------

static plumb_status add_paths(asking *ask, pl_ice_table *table, int64_t snapshot,
                              pl_query_table *ret_table)
{
    pl_arena *arena = &ask->cli->arena;
    pl_ice_file *files;
    uint32_t count;
    PL_TRY(pl_ice_files(table, snapshot, arena, &files, &count, ask->err));
    const char **paths = PL_TAKE(arena, const char *, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *key = pl_store_key(ask->lake.store, pl_arena_cstr(arena, files[i].path));
        if (!key)
            return pl_fail(ask->err, PLUMB_E_FAILED,
                           "cannot read table '%s': its file '%.*s' is not in this lake",
                           ret_table->name, PL_FMT(files[i].path));
        paths[i] = pl_store_path(ask->lake.store, key, arena);
    }
    ret_table->paths = paths;
    ret_table->path_count = count;
    return PLUMB_OK;
}

// Files are looked up only for tables the query may read; the others can be listed and described.
static plumb_status add_table(asking *ask, const char *name)
{
    const pl_contract *contract = pl_project_contract(ask->lake.project, pl_span_of(name));
    bool read = pl_query_mentions(ask->sql, pl_span_of(name));
    pl_query_table table = {.name = name};
    pl_ice_table *head = NULL;
    PL_TRY(pl_look_load(ask->cli, &ask->lake, name, &head, ask->err));
    if (head) {
        const pl_ice_snapshot *snapshot = NULL;
        plumb_status st = pl_look_snapshot_at(head, &ask->when, &snapshot, ask->err);
        if (st != PLUMB_OK) return read ? st : PLUMB_OK;
        // What is read now has the columns of now, though the newest rows may lack the last ones.
        table.schema =
            ask->when.given ? pl_look_schema_at(head, snapshot) : pl_ice_current_schema(head);
        table.columns_only = !read;
        if (!table.schema && !read) return PLUMB_OK;
        if (!table.schema)
            return pl_fail(ask->err, PLUMB_E_FAILED,
                           "cannot read table '%s': another engine gave it types plumb does not "
                           "know",
                           name);
        if (read) PL_TRY(add_paths(ask, head, snapshot ? snapshot->id : 0, &table));
    } else if (contract && ask->when.given && read) {
        return pl_fail(ask->err, PLUMB_E_NOT_FOUND,
                       "cannot read table '%s': nothing is published in it yet", name);
    } else if (contract) { // declared, nothing published yet: empty
        table.schema = &contract->schema;
    } else {
        return PLUMB_OK;
    }
    if (table.schema->count == 0) return PLUMB_OK;
    PL_GROW(ask->tables, ask->count, ask->capacity);
    ask->tables[ask->count++] = table;
    return PLUMB_OK;
}

static bool add_undeclared(void *context, const pl_table_row *row)
{
    asking *ask = context;
    if (pl_project_contract(ask->lake.project, pl_span_of(row->name))) return true;
    ask->status = add_table(ask, pl_arena_cstr(&ask->cli->arena, pl_span_of(row->name)));
    return ask->status == PLUMB_OK;
}

static plumb_status find_tables(asking *ask)
{
    const pl_project *project = ask->lake.project;
    for (uint32_t i = 0; i < project->contract_count; i++)
        PL_TRY(add_table(ask, pl_arena_cstr(&ask->cli->arena, project->contracts[i]->table)));
    if (ask->lake.registry)
        PL_TRY(pl_registry_tables(ask->lake.registry, add_undeclared, ask, ask->err));
    return ask->status;
}

// ---- mistakes ----------------------------------------------------------------------------------

// The line of SQL and a caret under the byte that is wrong.
static void print_caret(pl_span sql, size_t offset)
{
    size_t begin = offset, end = offset;
    while (begin > 0 && sql.data[begin - 1] != '\n') begin--;
    while (end < sql.bytes && sql.data[end] != '\n') end++;
    if (offset - begin > CARET_BYTES / 2) begin = offset - CARET_BYTES / 2;
    if (end - begin > CARET_BYTES) end = begin + CARET_BYTES;
    pl_buf before = {0}, line = {0};
    pl_cli_escape(&before, pl_span_make(sql.data + begin, offset - begin));
    pl_cli_escape(&line, pl_span_make(sql.data + begin, end - begin));
    int indent = 2;
    for (size_t i = 0; i < before.count; i++) // letters, not bytes
        indent += ((unsigned char)before.data[i] & 0xc0) != 0x80;
    fprintf(stderr, "  %s\n%*s^\n", pl_buf_cstr(&line), indent, "");
    pl_buf_done(&before);
    pl_buf_done(&line);
}

static int fail(asking *ask)
{
    plumb_error *err = ask->err;
    size_t offset = (size_t)err->offset;
    bool placed = err->offset >= 0 && offset <= ask->sql.bytes && ask->sql.bytes > 0;
    if (placed) {
        err->line = 1;
        err->column = 1;
        for (size_t i = 0; i < offset; i++) {
            err->column = ask->sql.data[i] == '\n' ? 1 : err->column + 1;
            err->line += ask->sql.data[i] == '\n';
        }
        snprintf(err->file, sizeof err->file, "sql");
    }
    int code = pl_cli_fail(ask->cli, err);
    if (placed) print_caret(ask->sql, offset);
    return code;
}

// ---- running -----------------------------------------------------------------------------------

static plumb_status write_out(void *context, pl_span text, plumb_error *err)
{
    pl_cli *cli = context;
    pl_buf_span(&cli->out, text);
    if (pl_cli_flush(cli) && !cli->closed) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_CANCELLED, "cannot write result: nobody reads it");
}

static plumb_status read_sql(pl_cli *cli, pl_span *ret_sql, plumb_error *err)
{
    *ret_sql = pl_span_trim(pl_span_of(cli->args[0]));
    if (!pl_span_is(*ret_sql, "-")) return PLUMB_OK;
    char path[] = "standard input";
    pl_file input = {.fd = STDIN_FILENO, .path = path};
    char *bytes = pl_arena_take(&cli->arena, SQL_BYTES_MAX + 1);
    size_t got;
    PL_TRY(pl_file_read(&input, -1, bytes, SQL_BYTES_MAX + 1, &got, err));
    *ret_sql = pl_span_trim(pl_span_make(bytes, got));
    return PLUMB_OK;
}

static bool read_options(pl_cli *cli, pl_query_options *query, pl_query_format_options *format)
{
    int64_t memory = 0, timeout_us = 0, rows_max = 0;
    const char *word = pl_cli_value(cli, "format");
    if (!pl_cli_bytes(cli, "memory", &memory) || !pl_cli_duration(cli, "timeout", &timeout_us) ||
        !pl_cli_integer(cli, "max-rows", 1, INT64_MAX, &rows_max))
        return false;
    format->kind = cli->json ? PL_QUERY_FORMAT_JSON : PL_QUERY_FORMAT_TABLE;
    if (word && !pl_query_format_parse(pl_span_of(word), &format->kind)) {
        pl_cli_usage(cli, "unknown format '%s': it is table, csv, json or ndjson", word);
        return false;
    }
    if (cli->json && format->kind != PL_QUERY_FORMAT_JSON) {
        pl_cli_usage(cli, "--json and --format %s contradict each other", word);
        return false;
    }
    format->rows_max = (uint64_t)rows_max;
    query->memory_bytes = (uint64_t)memory;
    query->timeout_ms = timeout_us ? PL_MAX(timeout_us / 1000, 1) : 0;
    query->no_sandbox = pl_cli_flag(cli, "no-sandbox");
    return true;
}

static void print_footer(const pl_query_format *format, const pl_query_format_options *options,
                         const pl_query_stats *stats)
{
    uint64_t rows = pl_query_format_rows(format);
    if (pl_query_format_cut(format)) {
        pl_cli_warn("only the first %llu rows were written (--max-rows)",
                    (unsigned long long)options->rows_max);
    } else if (options->kind == PL_QUERY_FORMAT_TABLE && pl_is_terminal(STDOUT_FILENO)) {
        pl_human count, elapsed;
        fprintf(stderr, "(%s %s, %s)\n", pl_human_count(count, (int64_t)rows),
                pl_plural((int64_t)rows, "row", "rows"),
                pl_human_duration(elapsed, (int64_t)(stats->seconds * 1e6)));
    }
}

static int run_query(asking *ask, pl_query_options *query, pl_query_format_options *options)
{
    pl_cli *cli = ask->cli;
    const pl_settings *settings = &ask->lake.project->settings;
    pl_query_stats stats = {0};
    query->sql = ask->sql;
    query->tables = ask->tables;
    query->table_count = ask->count;
    if (!query->memory_bytes) query->memory_bytes = settings->query_memory_bytes;
    if (!query->timeout_ms) query->timeout_ms = settings->query_timeout_us / 1000;
    query->threads = settings->threads;
    options->write = write_out;
    options->context = cli;

    pl_query_format *format = pl_query_format_open(options);
    pl_query_sink sink = pl_query_format_sink(format);
    plumb_status st = pl_query_run(query, &sink, &stats, ask->err);
    if (pl_query_format_cut(format)) st = PLUMB_OK;
    if (st == PLUMB_OK) st = pl_query_format_finish(format, ask->err);
    if (st == PLUMB_OK) print_footer(format, options, &stats);
    pl_query_format_close(format);
    if (cli->closed) return pl_cli_finish(cli); // a reader that went away is no failure
    return st == PLUMB_OK ? pl_cli_finish(cli) : fail(ask);
}

static int run(pl_cli *cli)
{
    plumb_error err = {.offset = -1};
    asking ask = {.cli = cli, .err = &err};
    pl_query_options query = {0};
    pl_query_format_options format = {0};
    if (!read_options(cli, &query, &format) || !pl_look_at(cli, &ask.when)) return PL_EXIT_USAGE;
    if (read_sql(cli, &ask.sql, &err)) return pl_cli_fail(cli, &err);
    if (pl_cli_open(cli, PL_CLI_READ, &ask.lake, &err)) return pl_cli_fail(cli, &err);
    plumb_status st = find_tables(&ask);
    int code = st == PLUMB_OK ? run_query(&ask, &query, &format) : pl_cli_fail(cli, &err);
    pl_lake_close(&ask.lake);
    free(ask.tables);
    return code;
}

static const pl_option options[] = {
    {.name = "at", .value = "SNAPSHOT|TIME", .help = "read the tables as they were then"},
    {.name = "format", .value = "WORD", .help = "table (default), csv, json or ndjson"},
    {.name = "timeout", .value = "TIME", .help = "stop after so long (query: timeout:, 60s)"},
    {.name = "memory", .value = "BYTES", .help = "memory of the query (query: memory:, 1GiB)"},
    {.name = "max-rows", .value = "N", .help = "stop after N rows"},
    {.name = "no-sandbox", .help = "run although the kernel has no Landlock"},
    {0},
};

const pl_command pl_command_query = {
    .name = "query",
    .group = PL_GROUP_WORK,
    .usage = "'SQL'|- [--at SNAPSHOT|TIME] [--format WORD] [--max-rows N]",
    .summary = "ask the tables something, in SQL",
    .help =
        "One SELECT, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN, in DuckDB's SQL; '-'\n"
        "reads it from standard input. Every table is read at its current snapshot, or with --at\n"
        "at a snapshot of 'plumb history', or as it was at a time, columns included. SELECT *\n"
        "shows what the contract declares; _object, _record, _mapping, _flags and _rest are\n"
        "there when named anywhere in the text, then also in its '*'.\n\n"
        "The query runs in a process of its own that can read the tables' files and nothing\n"
        "else. In json and ndjson numbers keep every digit; NaN and Infinity are strings,\n"
        "columns of type json too. In csv NULL is an empty field and the empty text is \"\".\n\n"
        "Example:\n"
        "  $ plumb query 'SELECT platform, sum(likes) AS likes FROM post_metrics GROUP BY 1'\n"
        "  platform   likes\n"
        "  ---------  -----\n"
        "  tiktok     81234\n"
        "  instagram  70411\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};
