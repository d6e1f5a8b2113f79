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
    pl_ice_commit *commit;
    const pl_ice_schema *schema;
    const pl_partition_spec *spec;
    int64_t target;
    pl_buf out;       // owned: the manifest being written
    pl_arena scratch; // owned: its entries
    pl_ice_manifest_writer writer;
    bool open;
    pl_ice_manifest *rows; // in the table's arena
    uint32_t count;
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

static void begin(merging *g)
{
    uint8_t sync[16];
    memcpy(sync, g->commit->uuid, 16);
    sync[0] ^= (uint8_t)g->commit->attempt;
    sync[1] ^= 0x5a;
    sync[2] ^= (uint8_t)g->count;
    sync[3] ^= (uint8_t)(g->count >> 8);
    pl_ice_manifest_begin(&g->writer, &g->out, g->schema, g->spec, sync, g->table->arena);
    g->open = true;
}

static plumb_status finish(merging *g)
{
    char uuid[37];
    pl_arena *arena = g->table->arena;
    pl_ice_manifest *row = &g->rows[g->count];
    if (!g->open) return PLUMB_OK;
    g->open = false;
    pl_ice_manifest_finish(&g->writer, row);
    pl_ice_uuid_text(g->commit->uuid, uuid);
    const char *key = pl_arena_printf(arena, "%s/metadata/%s-a%u-m%u.avro", g->table->key, uuid,
                                      g->commit->attempt, g->count);
    row->snapshot_id = g->commit->snapshot_id;
    row->path = pl_span_of(pl_store_uri(g->table->store, key, arena));
    g->count++;
    plumb_status st = pl_store_put_unsettled(g->table->store, key, pl_buf_view(&g->out), g->err);
    pl_buf_reset(&g->out);
    pl_arena_reset(&g->scratch); // the writer borrowed from it
    return st;
}

static plumb_status merge_one(merging *g, const pl_ice_manifest *row)
{
    pl_ice_entry *entries;
    uint32_t count;
    PL_TRY(pl_iceberg__entries(g->table, row, &g->scratch, &entries, &count, g->err));
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].status == PL_ICE_DELETED) continue;
        if (!g->open) begin(g);
        entries[i].status = PL_ICE_EXISTING;
        pl_ice_manifest_add(&g->writer, &entries[i]);
    }
    return g->open && (int64_t)pl_ice_manifest_size(&g->writer) >= g->target ? finish(g) : PLUMB_OK;
}

static bool fits(const merging *g, const pl_ice_manifest *row)
{
    return row->content == 0 && row->spec_id == g->spec->id && row->bytes < g->target &&
           !row->has_key_metadata;
}

plumb_status pl_iceberg__merge(const pl_ice_table *table, pl_ice_commit *commit,
                               pl_ice_manifest *rows, uint32_t *count, plumb_error *err)
{
    const pl_ice_metadata *m = table->metadata;
    merging g = {.table = table, .commit = commit, .err = err};
    int64_t min = pl_iceberg__property(m, "commit.manifest.min-count-to-merge", COUNT_MIN_DEFAULT);
    pl_span enabled;
    uint32_t small = 0, kept = 0;
    plumb_status st = PLUMB_OK;
    g.target =
        pl_iceberg__property(m, "commit.manifest.target-size-bytes", PL_ICE_MANIFEST_BYTES_TARGET);
    g.schema = pl_ice_schema_by_id(m, m->current_schema_id);
    g.spec = pl_ice_current_spec(table);
    if (pl_ice_pair_find(m->properties, m->property_count, "commit.manifest-merge.enabled",
                         &enabled) &&
        pl_span_is(enabled, "false"))
        return PLUMB_OK;
    for (uint32_t i = 0; i < *count; i++) small += fits(&g, &rows[i]);
    if (small < 2 || (int64_t)small + commit->manifest_count < min) return PLUMB_OK;
    g.rows = PL_TAKE(table->arena, pl_ice_manifest, small);
    for (uint32_t i = *count; i > 0 && st == PLUMB_OK; i--) // oldest first
        if (fits(&g, &rows[i - 1])) st = merge_one(&g, &rows[i - 1]);
    if (st == PLUMB_OK) st = finish(&g);
    if (g.open) pl_avro_finish(&g.writer.avro);
    pl_buf_done(&g.out);
    pl_arena_done(&g.scratch);
    if (st != PLUMB_OK) return st;
    for (uint32_t i = 0; i < *count; i++)
        if (!fits(&g, &rows[i])) rows[kept++] = rows[i];
    if (g.count) memcpy(rows + kept, g.rows, g.count * sizeof *rows);
    *count = kept + g.count;
    return PLUMB_OK;
}
