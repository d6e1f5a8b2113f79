// rewrite.c -- manifests written anew from entries of old ones: the files a commit removes are
// marked there, and merge.c gathers small manifests with it.
//
// Entries keep the snapshot and the sequence numbers they came with. A rewritten manifest belongs
// to one attempt of a commit: the next attempt looks at the list of another parent.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"
#include "iceberg/table_int.h"

static void begin(pl_iceberg__rewriter *w)
{
    const pl_ice_metadata *m = w->table->metadata;
    uint8_t sync[16];
    memcpy(sync, w->commit->uuid, 16);
    sync[0] ^= (uint8_t)w->commit->attempt;
    sync[1] ^= (uint8_t)w->letter;
    sync[2] ^= (uint8_t)w->number;
    sync[3] ^= (uint8_t)(w->number >> 8);
    pl_ice_manifest_begin(&w->writer, &w->out, pl_ice_schema_by_id(m, m->current_schema_id),
                          w->spec, sync, w->table->arena);
    w->open = true;
}

void pl_iceberg__rewrite_entry(pl_iceberg__rewriter *w, const pl_ice_entry *entry)
{
    if (!w->open) begin(w);
    pl_ice_manifest_add(&w->writer, entry);
}

plumb_status pl_iceberg__rewrite_flush(pl_iceberg__rewriter *w, int64_t bytes, plumb_error *err)
{
    char uuid[37];
    pl_arena *arena = w->table->arena;
    pl_ice_manifest row;
    if (!w->open || (int64_t)pl_ice_manifest_size(&w->writer) < bytes) return PLUMB_OK;
    w->open = false;
    pl_ice_manifest_finish(&w->writer, &row);
    pl_ice_uuid_text(w->commit->uuid, uuid);
    const char *key = pl_arena_printf(arena, "%s/metadata/%s-a%u-%c%u.avro", w->table->key, uuid,
                                      w->commit->attempt, w->letter, w->number++);
    row.snapshot_id = w->commit->snapshot_id;
    row.path = pl_span_of(pl_store_uri(w->table->store, key, arena));
    pl_buf_append(&w->rows, &row, sizeof row);
    plumb_status st = pl_store_put_unsettled(w->table->store, key, pl_buf_view(&w->out), err);
    pl_buf_reset(&w->out);
    pl_arena_reset(&w->scratch); // the writer borrowed from it
    return st;
}

void pl_iceberg__rewrite_done(pl_iceberg__rewriter *w)
{
    if (w->open) pl_avro_finish(&w->writer.avro);
    pl_buf_done(&w->out);
    pl_buf_done(&w->rows);
    pl_arena_done(&w->scratch);
}

// ---- the files that go
// ---------------------------------------------------------------------------
typedef struct removing {
    const pl_ice_table *table;
    pl_iceberg__rewriter writer;
    pl_map wanted; // URI -> index of commit->removed
    bool *seen;    // per index
    pl_iceberg__removal *removal;
    pl_buf partitions; // owned; pl_iceberg__partition
    plumb_error *err;
} removing;

static bool names_one(const removing *r, const pl_ice_entry *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (entries[i].status != PL_ICE_DELETED &&
            pl_map_get(&r->wanted, entries[i].path) != PL_MAP_NONE)
            return true;
    return false;
}

static void count_removed(removing *r, const pl_ice_entry *entry)
{
    const pl_partition_spec *spec = r->writer.spec;
    pl_buf key = {0};
    pl_iceberg__partition_key(&key, spec, entry->partition);
    pl_span copy = pl_arena_copy(r->table->arena, pl_buf_view(&key));
    pl_buf_append(&r->partitions, &copy, sizeof copy);
    pl_buf_done(&key);
    r->removal->files++;
    r->removal->rows += (int64_t)entry->metrics.rows;
    r->removal->bytes += (int64_t)entry->metrics.bytes;
}

// Rewrite one manifest if it names a file that goes; *ret_gone says so.
static plumb_status remove_from(removing *r, const pl_ice_manifest *row, bool *ret_gone)
{
    pl_iceberg__rewriter *w = &r->writer;
    const pl_partition_spec *spec = &pl_ice_spec_by_id(r->table->metadata, row->spec_id)->spec;
    pl_ice_entry *entries;
    uint32_t count;
    if (w->spec != spec) PL_TRY(pl_iceberg__rewrite_flush(w, 0, r->err));
    w->spec = spec;
    PL_TRY(pl_iceberg__entries(r->table, row, &w->scratch, &entries, &count, r->err));
    *ret_gone = names_one(r, entries, count);
    for (uint32_t i = 0; i < count && *ret_gone; i++) {
        if (entries[i].status == PL_ICE_DELETED) continue;
        uint32_t index = pl_map_get(&r->wanted, entries[i].path);
        entries[i].status = index == PL_MAP_NONE ? PL_ICE_EXISTING : PL_ICE_DELETED;
        if (index != PL_MAP_NONE) {
            r->seen[index] = true;
            entries[i].snapshot_id = w->commit->snapshot_id;
            count_removed(r, &entries[i]);
        }
        pl_iceberg__rewrite_entry(w, &entries[i]);
    }
    if (!w->open) pl_arena_reset(&w->scratch);
    return pl_iceberg__rewrite_flush(w, PL_ICE_MANIFEST_BYTES_TARGET, r->err);
}

static plumb_status remove_all(removing *r, pl_ice_manifest *rows, uint32_t *count)
{
    const pl_ice_commit *commit = r->writer.commit;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        bool gone = false;
        if (rows[i].content != 0)
            return pl_fail(r->err, PLUMB_E_FAILED,
                           "cannot remove files of table '%s': another writer deleted rows in it "
                           "by delete files, which plumb does not apply",
                           r->table->name);
        if (rows[i].has_key_metadata)
            return pl_fail(r->err, PLUMB_E_FAILED,
                           "cannot remove files of table '%s': it has encrypted manifests",
                           r->table->name);
        PL_TRY(remove_from(r, &rows[i], &gone));
        if (!gone) rows[kept++] = rows[i];
    }
    PL_TRY(pl_iceberg__rewrite_flush(&r->writer, 0, r->err));
    *count = kept;
    for (uint32_t i = 0; i < commit->removed_count; i++)
        if (!r->seen[pl_map_get(&r->wanted, commit->removed[i])])
            return pl_fail(r->err, PLUMB_E_CONFLICT,
                           "cannot remove files of table '%s': '%.*s' is not in it any more",
                           r->table->name, PL_FMT(commit->removed[i]));
    return PLUMB_OK;
}

plumb_status pl_iceberg__remove(const pl_ice_table *table, pl_ice_commit *commit,
                                pl_ice_manifest *rows, uint32_t *count,
                                pl_iceberg__removal *ret_removal, plumb_error *err)
{
    removing r = {.table = table, .removal = ret_removal, .err = err};
    *ret_removal = (pl_iceberg__removal){0};
    if (!commit->removed_count) return PLUMB_OK;
    r.writer = (pl_iceberg__rewriter){.table = table, .commit = commit, .letter = 'r'};
    r.seen = PL_TAKE(table->arena, bool, commit->removed_count);
    for (uint32_t i = 0; i < commit->removed_count; i++)
        pl_map_add(&r.wanted, commit->removed[i], i);
    plumb_status st = remove_all(&r, rows, count);
    ret_removal->row_count = (uint32_t)(r.writer.rows.count / sizeof(pl_ice_manifest));
    ret_removal->manifests = PL_TAKE(table->arena, pl_ice_manifest, ret_removal->row_count);
    if (ret_removal->row_count)
        memcpy(ret_removal->manifests, r.writer.rows.data, r.writer.rows.count);
    ret_removal->partition_count = (uint32_t)(r.partitions.count / sizeof(pl_span));
    ret_removal->partitions = PL_TAKE(table->arena, pl_span, ret_removal->partition_count);
    if (ret_removal->partition_count)
        memcpy(ret_removal->partitions, r.partitions.data, r.partitions.count);
    pl_iceberg__rewrite_done(&r.writer);
    pl_buf_done(&r.partitions);
    pl_map_done(&r.wanted);
    return st;
}
