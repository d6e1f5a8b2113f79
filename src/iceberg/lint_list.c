// lint_list.c -- the rules of manifest lists, each row against the manifest it names.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/number.h"
#include "iceberg/lint_int.h"

static bool header_long(const pl_avro_reader *reader, const char *key, int64_t *ret)
{
    pl_span text;
    pl_number number;
    return pl_avro_header(reader, key, &text) && pl_number_parse(text, &number) == PL_NUMBER_OK &&
           pl_number_long(&number, 0, ret) == PL_NUMBER_OK;
}

static void lint_header(lint *l, const lint_snapshot *s, const char *place,
                        const pl_avro_reader *reader)
{
    int64_t number = -1;
    pl_span parent;
    if (!header_long(reader, "format-version", &number) || number != 2)
        pl_iceberg__say(l, "list-header", place, "its header does not say 'format-version' 2");
    if (!header_long(reader, "snapshot-id", &number) || number != s->id)
        pl_iceberg__say(l, "list-header", place, "its header does not say 'snapshot-id' %lld",
                        (long long)s->id);
    if (!header_long(reader, "sequence-number", &number) || number != s->sequence)
        pl_iceberg__say(l, "list-header", place, "its header does not say 'sequence-number' %lld",
                        (long long)s->sequence);
    if (!pl_avro_header(reader, "parent-snapshot-id", &parent))
        pl_iceberg__say(l, "list-header", place, "its header does not say 'parent-snapshot-id'");
}

// The manifest a row names, read if no list named it before.
static lint_manifest *manifest_of(lint *l, uint32_t snapshot, const pl_ice_manifest *row,
                                  const char *place)
{
    uint32_t index = pl_map_get(&l->manifest_map, row->path);
    if (index != PL_MAP_NONE) return &l->manifests[index];
    index = l->manifest_count;
    PL_GROW(l->manifests, l->manifest_count, l->manifest_capacity);
    lint_manifest *m = &l->manifests[l->manifest_count++];
    *m = (lint_manifest){.row = *row, .list = snapshot, .min_sequence = INT64_MAX};
    pl_map_add(&l->manifest_map, row->path, index);
    const char *fault = pl_iceberg__uri_fault(row->path);
    if (fault) pl_iceberg__say(l, "manifest-path", place, "'%.*s': %s", PL_FMT(row->path), fault);

    pl_arena scratch = {0};
    pl_span bytes;
    const char *key;
    if (pl_iceberg__read(l, "manifest-exists", place, row->path, &scratch, &key, &bytes)) {
        if ((int64_t)bytes.bytes != row->bytes)
            pl_iceberg__say(l, "manifest-length", place,
                            "'%s' has %zu bytes, and the list says %lld", key, bytes.bytes,
                            (long long)row->bytes);
        pl_iceberg__lint_entries(l, m, key, bytes);
    }
    pl_arena_done(&scratch);
    return m;
}

static void lint_counts(lint *l, const pl_ice_manifest *row, const lint_manifest *m,
                        const char *place)
{
    static const char *const words[] = {"existing", "added", "deleted"};
    const int64_t files[] = {row->existing_files, row->added_files, row->deleted_files};
    const int64_t rows[] = {row->existing_rows, row->added_rows, row->deleted_rows};
    for (int i = 0; i < 3; i++) {
        if (files[i] != m->files[i])
            pl_iceberg__say(l, "manifest-file-counts", place,
                            "'%.*s' has %lld %s files, and the list says %lld", PL_FMT(row->path),
                            (long long)m->files[i], words[i], (long long)files[i]);
        if (rows[i] != m->rows[i])
            pl_iceberg__say(l, "manifest-row-counts", place,
                            "'%.*s' has %lld %s rows, and the list says %lld", PL_FMT(row->path),
                            (long long)m->rows[i], words[i], (long long)rows[i]);
    }
    int64_t min = m->min_sequence == INT64_MAX ? row->sequence : m->min_sequence;
    if (row->min_sequence != min)
        pl_iceberg__say(
            l, "manifest-min-sequence", place,
            "'%.*s' has live files from sequence number %lld on, and the list says %lld",
            PL_FMT(row->path), (long long)min, (long long)row->min_sequence);
}

static bool bound_is(bool has, pl_span bytes, const lint_part *part, bool wanted,
                     const pl_value *value)
{
    pl_value found;
    if (!has || !wanted) return has == wanted;
    return pl_iceberg__bound(bytes, &part->result, &found) && pl_value_equal(&found, value);
}

static bool summary_is(const pl_ice_summary *s, const lint_part *part, const lint_range *r)
{
    return s->contains_null == r->has_null &&
           (s->contains_nan < 0 || s->contains_nan == r->has_nan) &&
           bound_is(s->has_lower, s->lower, part, r->has_bounds, &r->min) &&
           bound_is(s->has_upper, s->upper, part, r->has_bounds, &r->max);
}

static void value_words(pl_buf *out, bool has, const pl_value *value, const lint_part *part)
{
    if (has)
        pl_value_text(out, value, &part->result.type);
    else
        pl_buf_text(out, "nothing");
}

// Exact, over all entries or (as some writers do it) over the live ones.
static void lint_summaries(lint *l, const pl_ice_manifest *row, const lint_manifest *m,
                           const lint_spec *spec, const char *place)
{
    if (!row->has_partitions || !spec->known) return;
    if (row->partition_count != spec->count) {
        pl_iceberg__say(l, "summary-fields", place,
                        "'%.*s' has %u partition summaries, and spec %d has %u fields",
                        PL_FMT(row->path), row->partition_count, spec->id, spec->count);
        return;
    }
    for (uint32_t i = 0; i < spec->count; i++) {
        const pl_ice_summary *s = &row->partitions[i];
        const lint_part *part = &spec->parts[i];
        const lint_range *r = &m->all[i];
        pl_buf low = {0}, high = {0};
        if (summary_is(s, part, r) || summary_is(s, part, &m->live[i])) continue;
        if (s->contains_null != r->has_null)
            pl_iceberg__say(
                l, "summary-null", place, "'%.*s': 'contains_null' of '%.*s' is %s, which is wrong",
                PL_FMT(row->path), PL_FMT(part->name), s->contains_null ? "true" : "false");
        if (s->contains_nan >= 0 && s->contains_nan != r->has_nan)
            pl_iceberg__say(
                l, "summary-nan", place, "'%.*s': 'contains_nan' of '%.*s' is %s, which is wrong",
                PL_FMT(row->path), PL_FMT(part->name), s->contains_nan ? "true" : "false");
        value_words(&low, r->has_bounds, &r->min, part);
        value_words(&high, r->has_bounds, &r->max, part);
        if (!bound_is(s->has_lower, s->lower, part, r->has_bounds, &r->min))
            pl_iceberg__say(l, "summary-lower", place,
                            "'%.*s': the lower bound of '%.*s' should be %.100s", PL_FMT(row->path),
                            PL_FMT(part->name), pl_buf_cstr(&low));
        if (!bound_is(s->has_upper, s->upper, part, r->has_bounds, &r->max))
            pl_iceberg__say(l, "summary-upper", place,
                            "'%.*s': the upper bound of '%.*s' should be %.100s", PL_FMT(row->path),
                            PL_FMT(part->name), pl_buf_cstr(&high));
        pl_buf_done(&low);
        pl_buf_done(&high);
    }
}

static void lint_row(lint *l, uint32_t snapshot, const pl_ice_manifest *row, const char *place)
{
    const lint_snapshot *s = &l->snapshots[snapshot];
    const lint_spec *spec = pl_iceberg__spec(l, row->spec_id);
    const lint_manifest *m = manifest_of(l, snapshot, row, place);
    const pl_ice_manifest *first = &m->row;
    bool own = row->snapshot_id == s->id;
    if (row->sequence > s->sequence || (own && row->sequence != s->sequence))
        pl_iceberg__say(l, "manifest-sequence", place,
                        "'%.*s' has the sequence number %lld, and the snapshot %lld",
                        PL_FMT(row->path), (long long)row->sequence, (long long)s->sequence);
    if (!own && row->sequence == s->sequence)
        pl_iceberg__say(l, "manifest-snapshot", place,
                        "'%.*s' is as new as snapshot %lld, and was added by %lld",
                        PL_FMT(row->path), (long long)s->id, (long long)row->snapshot_id);
    if (row->sequence != first->sequence || row->snapshot_id != first->snapshot_id ||
        row->spec_id != first->spec_id || row->content != first->content ||
        row->bytes != first->bytes)
        pl_iceberg__say(l, "manifest-same", place,
                        "'%.*s' is described in another way by the list of snapshot %lld",
                        PL_FMT(row->path), (long long)l->snapshots[m->list].id);
    if (!spec) {
        pl_iceberg__say(l, "manifest-spec", place,
                        "'%.*s' names partition spec %d, which does not exist", PL_FMT(row->path),
                        row->spec_id);
        return;
    }
    if (!m->read) return;
    lint_counts(l, row, m, place);
    lint_summaries(l, row, m, spec, place);
}

typedef struct snapshot_sums {
    int64_t added_files, added_rows, added_bytes, deleted_files, deleted_rows;
    int64_t files, rows, bytes; // live
    bool whole;
} snapshot_sums;

static void add_manifest(lint *l, uint32_t snapshot, const pl_ice_manifest *row,
                         const lint_manifest *m, snapshot_sums *sums, const char *place)
{
    sums->whole &= m->read;
    sums->bytes += m->bytes[PL_ICE_ADDED] + m->bytes[PL_ICE_EXISTING];
    if (row->content == 0) {
        sums->files += m->files[PL_ICE_ADDED] + m->files[PL_ICE_EXISTING];
        sums->rows += m->rows[PL_ICE_ADDED] + m->rows[PL_ICE_EXISTING];
        if (row->snapshot_id == l->snapshots[snapshot].id) {
            sums->added_files += m->files[PL_ICE_ADDED];
            sums->added_rows += m->rows[PL_ICE_ADDED];
            sums->deleted_files += m->files[PL_ICE_DELETED];
            sums->deleted_rows += m->rows[PL_ICE_DELETED];
        }
    }
    if (row->snapshot_id == l->snapshots[snapshot].id) sums->added_bytes += m->bytes[PL_ICE_ADDED];
    for (uint32_t i = 0; i < m->live_count; i++) {
        lint_file *file = &l->files[m->live_files[i]];
        if (file->seen == snapshot + 1)
            pl_iceberg__say(l, "file-once", place, "'%.*s' is live twice", PL_FMT(file->path));
        file->seen = snapshot + 1;
    }
}

static void compare(lint *l, const lint_snapshot *s, const char *key, int64_t want)
{
    pl_span text;
    pl_number number;
    int64_t found = 0;
    bool total = key[0] == 't';
    bool has = pl_json_get_text(s->summary, key, &text);
    if (!has && total) return; // said elsewhere
    if (has && (pl_number_parse(text, &number) != PL_NUMBER_OK ||
                pl_number_long(&number, 0, &found) != PL_NUMBER_OK))
        found = -1;
    if (found != want)
        pl_iceberg__say(l, "summary-counts", l->place,
                        "snapshot %lld: '%s' is '%.*s', and its manifests have %lld",
                        (long long)s->id, key, has ? (int)PL_MIN(text.bytes, 40) : 0,
                        has ? text.data : "", (long long)want);
}

static void compare_summary(lint *l, const lint_snapshot *s, const snapshot_sums *sums)
{
    if (!s->summary || !sums->whole) return;
    compare(l, s, "total-data-files", sums->files);
    compare(l, s, "total-records", sums->rows);
    compare(l, s, "total-files-size", sums->bytes);
    compare(l, s, "added-data-files", sums->added_files);
    compare(l, s, "added-records", sums->added_rows);
    compare(l, s, "added-files-size", sums->added_bytes);
    compare(l, s, "deleted-data-files", sums->deleted_files);
    compare(l, s, "deleted-records", sums->deleted_rows);
}

void pl_iceberg__lint_list(lint *l, uint32_t snapshot)
{
    const lint_snapshot *s = &l->snapshots[snapshot];
    plumb_error err = {0};
    pl_arena head = {0};
    pl_avro_reader reader;
    pl_ice_manifest *rows;
    pl_span bytes;
    const char *place;
    uint32_t count;
    snapshot_sums sums = {.whole = true};
    if (!s->list.bytes) return;
    const char *fault = pl_iceberg__uri_fault(s->list);
    if (fault)
        pl_iceberg__say(l, "list-path", l->place, "snapshot %lld: '%.*s': %s", (long long)s->id,
                        PL_FMT(s->list), fault);
    if (!pl_iceberg__read(l, "list-exists", l->place, s->list, &head, &place, &bytes)) {
        pl_arena_done(&head);
        return;
    }
    if (pl_avro_open(&reader, bytes, &head, &err) == PLUMB_OK) {
        lint_header(l, s, place, &reader);
        pl_iceberg__lint_avro(l, place, &reader, NULL);
    }
    pl_avro_close(&reader);
    if (pl_ice_list_read(bytes, place, l->arena, &rows, &count, &err) != PLUMB_OK) {
        pl_iceberg__say(l, "list-readable", place, "%s", err.message);
        count = 0;
        sums.whole = false;
    }
    for (uint32_t i = 0; i < count; i++) {
        lint_row(l, snapshot, &rows[i], place);
        lint_manifest *m = &l->manifests[pl_map_get(&l->manifest_map, rows[i].path)];
        bool twice = m->seen == snapshot + 1;
        m->seen = snapshot + 1;
        if (twice)
            pl_iceberg__say(l, "manifest-once", place, "'%.*s' is listed twice",
                            PL_FMT(rows[i].path));
        if (!twice) add_manifest(l, snapshot, &rows[i], m, &sums, place);
    }
    compare_summary(l, s, &sums);
    pl_arena_done(&head);
}
