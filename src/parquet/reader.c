// SPDX-License-Identifier: Apache-2.0
#include "parquet/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "parquet/bloom_int.h"
#include "parquet/chunk_read_int.h"

enum { TAIL_BYTES = 8 }; // footer size, magic

struct pl_parquet_reader {
    pl_store *store; // borrowed
    char *key;
    const pl_schema *schema; // asked for; borrowed
    pl_arena arena;          // the footer and all below
    pl_footer footer;
    int *sources; // column of the file for each field asked for; -1: not there
    pl_buf bytes; // of one chunk
    pl_chunk_scratch scratch;
};

static plumb_status fail(const pl_parquet_reader *r, const pl_fault *fault, plumb_error *err)
{
    char place[256] = "";
    int n = 0;
    if (fault->group >= 0)
        n = snprintf(place, sizeof place, "row group %" PRId64 ", ", fault->group);
    if (fault->column.bytes)
        snprintf(place + n, sizeof place - (size_t)n, "column '%.*s', ", PL_FMT(fault->column));
    pl_fail(err, PLUMB_E_MALFORMED, "cannot read Parquet file '%s': %sbyte %" PRIu64 ": %s", r->key,
            place, fault->at, fault->reason);
    if (err) err->offset = (int64_t)fault->at;
    return PLUMB_E_MALFORMED;
}

static plumb_status read_exactly(pl_parquet_reader *r, uint64_t at, void *to, size_t bytes,
                                 plumb_error *err)
{
    size_t got;
    PL_TRY(pl_store_read(r->store, r->key, at, to, bytes, &got, err));
    if (got == bytes) return PLUMB_OK;
    pl_fault cut = {"the file ends here, it was longer when it was opened", at + got, -1, {0}};
    return fail(r, &cut, err);
}

static plumb_status read_footer(pl_parquet_reader *r, plumb_error *err)
{
    uint64_t size;
    char head[4], tail[TAIL_BYTES];
    PL_TRY(pl_store_size(r->store, r->key, &size, err));
    pl_fault fault = {"it is too short for a Parquet file", size, -1, {0}};
    if (size < sizeof head + TAIL_BYTES) return fail(r, &fault, err);
    PL_TRY(read_exactly(r, 0, head, sizeof head, err));
    PL_TRY(read_exactly(r, size - TAIL_BYTES, tail, TAIL_BYTES, err));
    fault = (pl_fault){"it does not begin with 'PAR1'", 0, -1, {0}};
    if (memcmp(head, "PAR1", 4) != 0) return fail(r, &fault, err);
    fault = (pl_fault){"it does not end with 'PAR1'", size - 4, -1, {0}};
    if (memcmp(tail + 4, "PAR1", 4) != 0) return fail(r, &fault, err);
    uint32_t bytes;
    memcpy(&bytes, tail, sizeof bytes);
    fault = (pl_fault){"the footer is larger than the file", size - TAIL_BYTES, -1, {0}};
    if (bytes > size - sizeof head - TAIL_BYTES) return fail(r, &fault, err);
    char *footer = pl_arena_take(&r->arena, bytes);
    uint64_t at = size - TAIL_BYTES - bytes;
    PL_TRY(read_exactly(r, at, footer, bytes, err));
    if (!pl_footer__read(pl_span_make(footer, bytes), at, &r->arena, &r->footer, &fault))
        return fail(r, &fault, err);
    return PLUMB_OK;
}

static bool same_ids(const pl_type *a, const pl_type *b)
{
    for (; a->kind == PL_LIST && b->kind == PL_LIST; a = a->element, b = b->element)
        if (a->element_id != b->element_id) return false;
    return true;
}

static plumb_status match_columns(pl_parquet_reader *r, plumb_error *err)
{
    r->sources = PL_TAKE(&r->arena, int, r->schema->count);
    for (uint32_t i = 0; i < r->schema->count; i++) {
        const pl_field *want = &r->schema->fields[i];
        r->sources[i] = pl_schema_find_id(&r->footer.schema, want->id);
        if (r->sources[i] < 0) {
            if (!want->required) continue;
            return pl_fail(err, PLUMB_E_MALFORMED,
                           "cannot read Parquet file '%s': it has no column %d, and '%.*s' is "
                           "required",
                           r->key, want->id, PL_FMT(want->name));
        }
        const pl_field *have = &r->footer.schema.fields[r->sources[i]];
        if (pl_type_promotes(&have->type, &want->type) && same_ids(&have->type, &want->type))
            continue;
        pl_buf types = {0};
        pl_type_text(&types, &have->type);
        pl_buf_text(&types, ", not ");
        pl_type_text(&types, &want->type);
        pl_fail(err, PLUMB_E_MALFORMED, "cannot read Parquet file '%s': column '%.*s' holds %s",
                r->key, PL_FMT(want->name), pl_buf_cstr(&types));
        pl_buf_done(&types);
        return PLUMB_E_MALFORMED;
    }
    return PLUMB_OK;
}

plumb_status pl_parquet_reader_open(pl_store *store, const char *key, const pl_schema *schema,
                                    pl_parquet_reader **ret_reader, plumb_error *err)
{
    pl_parquet_reader *r = pl_zalloc(1, sizeof *r);
    r->store = store;
    r->key = pl_arena_cstr(&r->arena, pl_span_of(key));
    r->schema = schema;
    plumb_status st = read_footer(r, err);
    if (st == PLUMB_OK) st = match_columns(r, err);
    if (st == PLUMB_OK)
        *ret_reader = r;
    else
        pl_parquet_reader_close(r);
    return st;
}

void pl_parquet_reader_close(pl_parquet_reader *reader)
{
    if (!reader) return;
    pl_chunk_scratch__done(&reader->scratch);
    pl_buf_done(&reader->bytes);
    pl_arena_done(&reader->arena);
    free(reader);
}

uint64_t pl_parquet_reader_rows(const pl_parquet_reader *reader)
{
    return reader->footer.rows;
}

uint32_t pl_parquet_reader_groups(const pl_parquet_reader *reader)
{
    return reader->footer.group_count;
}

uint32_t pl_parquet_group_rows(const pl_parquet_reader *reader, uint32_t group)
{
    return reader->footer.groups[group].rows;
}

const pl_sort_order *pl_parquet_group_sort(const pl_parquet_reader *reader, uint32_t group)
{
    return &reader->footer.groups[group].sort;
}

// The value in the type the file's column has; false: no value of that type equals it.
static bool as_stored(const pl_leaf *leaf, const pl_value *value, pl_value *ret)
{
    *ret = *value;
    if (leaf->type->kind != PL_INT || value->kind != PL_LONG) return true;
    ret->kind = PL_INT;
    ret->i32 = (int32_t)value->i64;
    return value->i64 >= INT32_MIN && value->i64 <= INT32_MAX;
}

plumb_status pl_parquet_may_hold(pl_parquet_reader *reader, uint32_t group, uint32_t field,
                                 const pl_value *value, bool *ret_may, bool *ret_asked,
                                 plumb_error *err)
{
    pl_parquet_reader *r = reader;
    int source = r->sources[field];
    const pl_footer_chunk *chunk = source < 0 ? NULL : &r->footer.groups[group].chunks[source];
    const pl_leaf *leaf = source < 0 ? NULL : &r->footer.leaves[source];
    bool asked = chunk && chunk->bloom && pl_bloom__fits(leaf->type->kind);
    if (ret_asked) *ret_asked = asked;
    *ret_may = true;
    if (!asked) return PLUMB_OK;
    pl_value stored;
    pl_span filter;
    pl_buf_reset(&r->bytes);
    char *bytes = pl_buf_reserve(&r->bytes, chunk->bloom_bytes);
    PL_TRY(read_exactly(r, chunk->bloom, bytes, chunk->bloom_bytes, err));
    const char *reason = pl_bloom__read(pl_span_make(bytes, chunk->bloom_bytes), &filter);
    pl_fault fault = {reason, chunk->bloom, group, r->schema->fields[field].name};
    if (reason) return fail(r, &fault, err);
    *ret_may = as_stored(leaf, value, &stored) && pl_bloom__may_hold(filter, leaf, &stored);
    return PLUMB_OK;
}

static plumb_status read_chunk(pl_parquet_reader *r, uint32_t group, uint32_t field,
                               pl_column *column, plumb_error *err)
{
    const pl_field *want = &r->schema->fields[field];
    const pl_footer_group *g = &r->footer.groups[group];
    const pl_footer_chunk *chunk = &g->chunks[r->sources[field]];
    const pl_leaf *leaf = &r->footer.leaves[r->sources[field]];
    size_t room = PL_PARQUET_COLUMN_BYTES_MAX;
    pl_fault fault = {0};
    pl_buf_reset(&r->bytes);
    char *bytes = pl_buf_reserve(&r->bytes, chunk->bytes);
    PL_TRY(read_exactly(r, chunk->offset, bytes, chunk->bytes, err));
    if (!pl_chunk__read(pl_span_make(bytes, chunk->bytes), leaf, chunk, g->rows, &room, &r->scratch,
                        column, &fault)) {
        fault.group = group;
        fault.column = want->name;
        return fail(r, &fault, err);
    }
    if (!want->required || column->nulls == 0) return PLUMB_OK;
    fault = (pl_fault){"a required column has NULLs", chunk->offset, group, want->name};
    return fail(r, &fault, err);
}

plumb_status pl_parquet_read_column(pl_parquet_reader *reader, uint32_t group, uint32_t field,
                                    pl_column *column, plumb_error *err)
{
    if (group >= reader->footer.group_count || field >= reader->schema->count)
        return pl_fail(err, PLUMB_E_MISUSE,
                       "cannot read Parquet file '%s': no row group %u with a column %u",
                       reader->key, group, field);
    pl_column_reset(column);
    if (reader->sources[field] >= 0) return read_chunk(reader, group, field, column, err);
    for (uint32_t row = 0; row < reader->footer.groups[group].rows; row++) pl_column_null(column);
    return PLUMB_OK;
}

plumb_status pl_parquet_read_group(pl_parquet_reader *reader, uint32_t group, pl_column *columns,
                                   plumb_error *err)
{
    for (uint32_t i = 0; i < reader->schema->count; i++)
        PL_TRY(pl_parquet_read_column(reader, group, i, &columns[i], err));
    return PLUMB_OK;
}
