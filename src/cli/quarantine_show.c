// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "cli/look.h"
#include "flow/raw.h"

#define SHOW_BYTES_MAX (64 * 1024) // of one entry; a range may be a whole object
#define CHUNK_BYTES    (64 * 1024)

typedef struct entry {
    pl_cli *cli;
    pl_quarantine_row row; // texts in cli->arena
    bool found;
} entry;

static bool keep(void *context, const pl_quarantine_row *row)
{
    entry *e = context;
    e->found = true;
    e->row = *row;
    const char **texts[] = {&e->row.object, &e->row.source, &e->row.table, &e->row.run,
                            &e->row.column, &e->row.reason, &e->row.sample};
    for (size_t i = 0; i < PL_COUNT(texts); i++)
        *texts[i] = pl_arena_cstr(&e->cli->arena, pl_span_of(*texts[i]));
    return false;
}

static plumb_status find(pl_cli *cli, const pl_lake *lake, const char *id, entry *ret_entry,
                         plumb_error *err)
{
    char *end;
    errno = 0;
    pl_quarantine_filter filter = {.id = strtoll(id, &end, 10), .limit = 1};
    bool number = errno == 0 && end != id && *end == '\0' && filter.id > 0;
    entry e = {.cli = cli};
    if (number && lake->registry)
        PL_TRY(pl_registry_quarantine(lake->registry, &filter, keep, &e, err));
    if (e.found) {
        *ret_entry = e;
        return PLUMB_OK;
    }
    pl_fail(err, PLUMB_E_NOT_FOUND, "cannot find quarantine entry '%s': no such id", id);
    pl_hint(err, "'plumb quarantine' lists them.");
    return PLUMB_E_NOT_FOUND;
}

// Append content bytes [first, first + count) of a raw object. What a broken payload cannot give
// is left out: the entry says why.
static plumb_status read_range(pl_raw *raw, uint64_t first, uint64_t count, pl_buf *out,
                               plumb_error *err)
{
    char *chunk = pl_alloc(CHUNK_BYTES);
    plumb_status st = PLUMB_OK;
    uint64_t at = 0, end = first + count;
    while (st == PLUMB_OK && at < end) {
        size_t got = 0;
        st = pl_raw_read(raw, chunk, CHUNK_BYTES, &got, err);
        if (st != PLUMB_OK || got == 0) break;
        uint64_t from = PL_MAX(at, first), to = PL_MIN(at + got, end);
        if (from < to) pl_buf_append(out, chunk + (from - at), (size_t)(to - from));
        at += got;
    }
    free(chunk);
    return st == PLUMB_E_MALFORMED ? PLUMB_OK : st;
}

static plumb_status read_bytes(pl_cli *cli, const pl_lake *lake, const pl_quarantine_row *row,
                               pl_buf *out, plumb_error *err)
{
    pl_object_row object;
    pl_raw *raw = NULL;
    PL_TRY(pl_registry_object(lake->registry, row->object, &cli->arena, &object, err));
    if (!lake->store)
        return pl_fail(err, PLUMB_E_NOT_FOUND, "cannot read raw object '%s': no lake at '%s'",
                       row->object, lake->path);
    PL_TRY(pl_raw_open(lake->store, object.key, &raw, err));
    uint64_t count = (uint64_t)PL_MIN(PL_MAX(row->byte_count, 0), SHOW_BYTES_MAX);
    plumb_status st = read_range(raw, (uint64_t)PL_MAX(row->byte_first, 0), count, out, err);
    pl_raw_close(raw);
    return st;
}

static void print_text(pl_cli *cli, const pl_quarantine_row *row, const pl_buf *bytes)
{
    pl_cli_print(cli, "object  %s of source %s, for table %s\n", row->object, row->source,
                 row->table);
    if (row->record_first < 0)
        pl_cli_print(cli, "record  the object as a whole\n");
    else if (row->record_count == 1)
        pl_cli_print(cli, "record  %lld\n", (long long)row->record_first);
    else
        pl_cli_print(cli, "record  %lld and the %lld after it\n", (long long)row->record_first,
                     (long long)row->record_count - 1);
    pl_cli_print(cli, "bytes   %lld from %lld", (long long)row->byte_count,
                 (long long)row->byte_first);
    if (row->byte >= 0) pl_cli_print(cli, ", wrong at %lld", (long long)row->byte);
    pl_cli_print(cli, "\nreason  %s%s", row->column, row->column[0] ? ": " : "");
    pl_cli_escape(&cli->out, pl_span_of(row->reason));
    if (row->sample[0]) {
        pl_cli_print(cli, ", found ");
        pl_cli_escape(&cli->out, pl_span_of(row->sample));
    }
    pl_cli_print(cli, "\n\n");
    pl_cli_escape(&cli->out, pl_buf_view(bytes));
    pl_cli_print(cli, "\n");
    if (row->byte_count > (int64_t)bytes->count)
        pl_cli_print(cli, "... %lld more bytes\n",
                     (long long)(row->byte_count - (int64_t)bytes->count));
}

int pl_quarantine_show(pl_cli *cli, const pl_lake *lake, const char *id)
{
    plumb_error err;
    entry e;
    pl_buf bytes = {0}, safe = {0};
    plumb_status st = find(cli, lake, id, &e, &err);
    if (st == PLUMB_OK) st = read_bytes(cli, lake, &e.row, &bytes, &err);
    if (st == PLUMB_OK && cli->json) {
        pl_json_writer json = pl_cli_json(cli);
        pl_json_begin(&json, '{');
        pl_quarantine_json(&json, &e.row);
        pl_cli_escape(&safe, pl_buf_view(&bytes));
        pl_look_span(&json, "bytes", pl_buf_view(&safe)); // escaped: raw need not be UTF-8
        pl_json_end(&json, '}');
    } else if (st == PLUMB_OK) {
        print_text(cli, &e.row, &bytes);
    }
    pl_buf_done(&bytes);
    pl_buf_done(&safe);
    return st == PLUMB_OK ? pl_cli_finish(cli) : pl_cli_fail(cli, &err);
}
