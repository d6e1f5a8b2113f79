// merge.c -- small manifests rewritten into few, so that a table of many commits stays quick to
// plan.
//
// Entries keep the snapshot and the sequence numbers they came with; those already deleted are
// left out. What another writer made is merged like our own, except manifests of deletes, of
// another partition spec, or encrypted ones.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "iceberg/table_int.h"

#define COUNT_MIN_DEFAULT 100 // as in the Java library

typedef struct merging {
    const pl_ice_table *table;
    pl_iceberg__rewriter writer;
    int64_t target;
    plumb_error *err;
} merging;

int64_t pl_iceberg__property(const pl_ice_metadata *m, const char *key, int64_t fallback)
{
    pl_number number;
    pl_span text;
    int64_t value;
    if (!pl_ice_pair_find(m->properties, m->property_count, key, &text) ||
        pl_number_parse(text, &number) != PL_NUMBER_OK ||
        pl_number_long(&number, 0, &value) != PL_NUMBER_OK || value < 1 || value > INT32_MAX)
        return fallback;
    return value;
}

static plumb_status merge_one(merging *g, const pl_ice_manifest *row)
{
    pl_ice_entry *entries;
    uint32_t count;
    PL_TRY(pl_iceberg__entries(g->table, row, &g->writer.scratch, &entries, &count, g->err));
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].status == PL_ICE_DELETED) continue;
        entries[i].status = PL_ICE_EXISTING;
        pl_iceberg__rewrite_entry(&g->writer, &entries[i]);
    }
    return pl_iceberg__rewrite_flush(&g->writer, g->target, g->err);
}

static bool fits(const merging *g, const pl_ice_manifest *row)
{
    return row->content == 0 && row->spec_id == g->writer.spec->id && row->bytes < g->target &&
           !row->has_key_metadata;
}

static plumb_status merge_all(merging *g, pl_ice_manifest *rows, uint32_t *count)
{
    uint32_t kept = 0;
    for (uint32_t i = *count; i > 0; i--) // oldest first
        if (fits(g, &rows[i - 1])) PL_TRY(merge_one(g, &rows[i - 1]));
    PL_TRY(pl_iceberg__rewrite_flush(&g->writer, 0, g->err));
    for (uint32_t i = 0; i < *count; i++)
        if (!fits(g, &rows[i])) rows[kept++] = rows[i];
    const pl_buf *made = &g->writer.rows; // fewer than it was made of
    if (made->count) memcpy(rows + kept, made->data, made->count);
    *count = kept + (uint32_t)(made->count / sizeof *rows);
    return PLUMB_OK;
}

plumb_status pl_iceberg__merge(const pl_ice_table *table, pl_ice_commit *commit,
                               pl_ice_manifest *rows, uint32_t *count, plumb_error *err)
{
    const pl_ice_metadata *m = table->metadata;
    merging g = {.table = table, .err = err};
    int64_t min = pl_iceberg__property(m, "commit.manifest.min-count-to-merge", COUNT_MIN_DEFAULT);
    pl_span enabled;
    uint32_t small = 0;
    g.writer = (pl_iceberg__rewriter){
        .table = table, .commit = commit, .spec = pl_ice_current_spec(table), .letter = 'm'};
    g.target =
        pl_iceberg__property(m, "commit.manifest.target-size-bytes", PL_ICE_MANIFEST_BYTES_TARGET);
    if (pl_ice_pair_find(m->properties, m->property_count, "commit.manifest-merge.enabled",
                         &enabled) &&
        pl_span_is(enabled, "false"))
        return PLUMB_OK;
    for (uint32_t i = 0; i < *count; i++) small += fits(&g, &rows[i]);
    if (small < 2 || (int64_t)small + commit->manifest_count < min) return PLUMB_OK;
    plumb_status st = merge_all(&g, rows, count);
    pl_iceberg__rewrite_done(&g.writer);
    return st;
}
