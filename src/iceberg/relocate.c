// SPDX-License-Identifier: Apache-2.0
#include "iceberg/relocate.h"

#include <stdlib.h>

#include "base/map.h"
#include "iceberg/table_int.h"

// A JSON text, and what stands there instead.
typedef struct edit {
    pl_span old; // with its quotes, in the metadata's text
    pl_span text;
} edit;

// A manifest that was rewritten.
typedef struct copy {
    pl_span uri;
    int64_t bytes;
} copy;

typedef struct relocating {
    pl_store *store;
    pl_arena *arena;
    pl_ice_relocation *out;
    plumb_error *err;
    edit *edits;
    uint32_t edit_count, edit_capacity;
    pl_map done; // URI of a manifest -> index of its copy
    copy *copies;
    uint32_t copy_count, copy_capacity;
    uint32_t synced;
} relocating;

const char *pl_ice_prefix(const char *location, const char *key, pl_arena *arena)
{
    const char *name = strrchr(location, '/');
    static const char folder[] = "/metadata";
    size_t key_bytes = strlen(key), tail = key_bytes + sizeof folder - 1;
    if (!name || (size_t)(name - location) <= tail) return NULL;
    const char *at = name - tail;
    if (at[-1] != '/' || strncmp(at, key, key_bytes) != 0 ||
        strncmp(at + key_bytes, folder, sizeof folder - 1) != 0)
        return NULL;
    return pl_arena_cstr(arena, (pl_span){location, (size_t)(at - location)});
}

// ---- names -------------------------------------------------------------------------------------
static pl_span path_of(pl_span uri)
{
    static const char *const schemes[] = {"file://", "file:"};
    for (size_t i = 0; i < PL_COUNT(schemes); i++)
        if (pl_span_starts(uri, pl_span_of(schemes[i])))
            return (pl_span){uri.data + strlen(schemes[i]), uri.bytes - strlen(schemes[i])};
    return uri;
}

static bool key_below(const char *prefix, pl_span uri, pl_span *ret_key)
{
    pl_span path = path_of(uri), root = path_of(pl_span_of(prefix));
    if (!pl_span_starts(path, root)) return false;
    *ret_key = (pl_span){path.data + root.bytes, path.bytes - root.bytes};
    return true;
}

static bool key_of(const relocating *r, pl_span uri, pl_span *ret_key)
{
    return key_below(r->out->source, uri, ret_key) || key_below(r->out->target, uri, ret_key);
}

static pl_span target_uri(const relocating *r, pl_span key, pl_arena *arena)
{
    return pl_span_of(pl_arena_printf(arena, "%s%.*s", r->out->target, PL_FMT(key)));
}

static plumb_status neither(const relocating *r, const char *what, pl_span uri)
{
    pl_fail(r->err, PLUMB_E_FAILED,
            "cannot relocate table '%s': %s '%.*s' is below neither '%s' "
            "nor '%s'",
            strrchr(r->out->key, '/') + 1, what, PL_FMT(uri), r->out->source, r->out->target);
    pl_hint(r->err, "Another program put it there; a table must lie in one place.");
    return PLUMB_E_FAILED;
}

static plumb_status cannot(const relocating *r, const char *why)
{
    return pl_fail(r->err, PLUMB_E_FAILED, "cannot relocate table '%s': %s",
                   strrchr(r->out->key, '/') + 1, why);
}

// ---- Avro files --------------------------------------------------------------------------------
// The fields of a record, to be changed.
static pl_avro_value *editable(pl_arena *arena, const pl_avro_value *record,
                               pl_avro_value *ret_copy)
{
    *ret_copy = *record;
    ret_copy->items = PL_TAKE(arena, pl_avro_value, record->count);
    memcpy(ret_copy->items, record->items, record->count * sizeof *record->items);
    return ret_copy->items;
}

// The place of a field in a record; -1 if it has none or holds null.
static int place_of(const pl_avro_value *record, int32_t id, const char *name)
{
    const pl_avro_value *field = pl_avro_field_of(record, id, name);
    return field ? (int)(field - record->items) : -1;
}

static plumb_status move_path(relocating *r, pl_arena *scratch, pl_avro_value *value)
{
    pl_span uri, key;
    if (!pl_avro_bytes(value, &uri)) return cannot(r, "a path in a manifest is no text");
    if (!key_of(r, uri, &key)) return neither(r, "data file", uri);
    value->bytes = target_uri(r, key, scratch);
    return PLUMB_OK;
}

static plumb_status copy_manifest(relocating *r, pl_span uri, copy *ret_copy);

// One row of a manifest list: where its manifest is, and how long.
static plumb_status edit_row(relocating *r, pl_arena *scratch, const pl_avro_value *record,
                             pl_avro_value *ret_copy)
{
    int64_t content = 0;
    pl_span uri;
    copy made;
    pl_avro_value *items = editable(scratch, record, ret_copy);
    int path = place_of(record, 500, "manifest_path");
    int length = place_of(record, 501, "manifest_length");
    if (pl_avro_long(pl_avro_field_of(record, 517, "content"), &content) && content != 0)
        return cannot(r, "another writer deleted rows in it by delete files, which hold paths");
    if (pl_avro_field_of(record, 519, "key_metadata")) return cannot(r, "a manifest is encrypted");
    if (path < 0 || length < 0 || !pl_avro_bytes(&items[path], &uri))
        return cannot(r, "a manifest list has no paths or lengths");
    PL_TRY(copy_manifest(r, uri, &made));
    items[path].bytes = made.uri;
    items[length].i64 = made.bytes;
    return PLUMB_OK;
}

static plumb_status edit_entry(relocating *r, pl_arena *scratch, const pl_avro_value *record,
                               pl_avro_value *ret_copy)
{
    pl_avro_value *items = editable(scratch, record, ret_copy);
    int data_file = place_of(record, 2, "data_file");
    if (data_file < 0 || items[data_file].type->kind != PL_AVRO_RECORD)
        return cannot(r, "a manifest has no data files");
    const pl_avro_value *file = &record->items[data_file];
    int path = place_of(file, 100, "file_path"), other = place_of(file, 143, NULL);
    if (path < 0) return cannot(r, "a manifest has no file paths");
    pl_avro_value *members = editable(scratch, file, &items[data_file]);
    r->out->files++;
    PL_TRY(move_path(r, scratch, &members[path]));
    return other < 0 ? PLUMB_OK : move_path(r, scratch, &members[other]);
}

typedef plumb_status (*edit_record)(relocating *r, pl_arena *scratch, const pl_avro_value *record,
                                    pl_avro_value *ret_copy);

static plumb_status copy_records(relocating *r, pl_avro_reader *reader, edit_record edit_one,
                                 pl_buf *out)
{
    uint8_t sync[16];
    pl_span schema;
    pl_avro_writer writer;
    pl_arena scratch = {0}, one = {0}; // of the file, of a record
    pl_avro_meta *meta = PL_TAKE(&scratch, pl_avro_meta, reader->meta_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < reader->meta_count; i++)
        if (strcmp(reader->meta[i].key, "avro.codec") != 0 &&
            strcmp(reader->meta[i].key, "avro.schema") != 0)
            meta[count++] = reader->meta[i];
    memcpy(sync, r->out->uuid, 16);
    r->synced++;
    for (int i = 0; i < 4; i++) sync[i] ^= (uint8_t)(r->synced >> (8 * i));
    if (!pl_avro_header(reader, "avro.schema", &schema)) schema = PL_SPAN("");
    pl_avro_begin(&writer, out, schema, meta, count, sync);
    plumb_status st = PLUMB_OK;
    while (st == PLUMB_OK) {
        const pl_avro_value *record;
        pl_avro_value edited;
        pl_arena_reset(&one);
        st = pl_avro_next(reader, &record, r->err);
        if (st != PLUMB_OK || !record) break;
        if (record->type->kind != PL_AVRO_RECORD) st = cannot(r, "its Avro files hold no records");
        if (st == PLUMB_OK) st = edit_one(r, &one, record, &edited);
        if (st != PLUMB_OK) break;
        pl_avro_put_value(&writer.block, reader->schema, &edited);
        pl_avro_record(&writer);
    }
    pl_avro_finish(&writer);
    pl_arena_done(&one);
    pl_arena_done(&scratch);
    return st;
}

// Copy the Avro file at `uri` to `key`, each record edited.
static plumb_status copy_file(relocating *r, const char *what, pl_span uri, const char *key,
                              edit_record edit_one, copy *ret_copy)
{
    pl_arena scratch = {0};
    pl_buf out = {0};
    pl_span from, file;
    pl_avro_reader reader = {0};
    if (!key_of(r, uri, &from)) return neither(r, what, uri);
    const char *name = pl_arena_cstr(&scratch, from);
    plumb_status st =
        pl_store_get(r->store, name, PL_ICE_MANIFEST_BYTES_MAX, &scratch, &file, r->err);
    if (st == PLUMB_OK) {
        st = pl_avro_open(&reader, file, &scratch, r->err);
        if (st == PLUMB_OK) st = copy_records(r, &reader, edit_one, &out);
        pl_avro_close(&reader);
        if (st == PLUMB_E_MALFORMED || st == PLUMB_E_LIMIT)
            pl_context(r->err, "cannot read %s '%s'", what, name);
    }
    if (st == PLUMB_OK && !r->out->dry) // settled by the metadata, put last into the same directory
        st = pl_store_put_unsettled(r->store, key, pl_buf_view(&out), r->err);
    ret_copy->uri = target_uri(r, pl_span_of(key), r->arena);
    ret_copy->bytes = (int64_t)out.count;
    pl_buf_done(&out);
    pl_arena_done(&scratch);
    return st;
}

static const char *uuid_text(const relocating *r)
{
    char *text = pl_arena_take(r->arena, 37);
    pl_ice_uuid_text(r->out->uuid, text);
    return text;
}

static plumb_status copy_manifest(relocating *r, pl_span uri, copy *ret_copy)
{
    uint32_t at = pl_map_get(&r->done, uri);
    if (at == PL_MAP_NONE) {
        at = r->copy_count;
        const char *key =
            pl_arena_printf(r->arena, "%s/metadata/%s-m%u.avro", r->out->key, uuid_text(r), at);
        PL_GROW(r->copies, r->copy_count, r->copy_capacity);
        PL_TRY(copy_file(r, "manifest", uri, key, edit_entry, &r->copies[at]));
        r->copy_count++;
        r->out->manifests++;
        pl_map_add(&r->done, pl_arena_copy(r->arena, uri), at);
    }
    *ret_copy = r->copies[at];
    return PLUMB_OK;
}

// ---- metadata.json -----------------------------------------------------------------------------
static void add_edit(relocating *r, const pl_json *value, pl_span text)
{
    PL_GROW(r->edits, r->edit_count, r->edit_capacity);
    r->edits[r->edit_count++] = (edit){value->raw, text};
}

// A member that names a file: moved if it is below the source prefix.
static void edit_member(relocating *r, const pl_json *object, const char *key)
{
    pl_span below;
    const pl_json *value = object ? pl_json_get(object, key) : NULL;
    if (value && value->kind == PL_JSON_STRING && key_below(r->out->source, value->text, &below))
        add_edit(r, value, target_uri(r, below, r->arena));
}

static void edit_each(relocating *r, const pl_json *root, const char *list, const char *key)
{
    const pl_json *items = pl_json_get(root, list);
    if (!items || items->kind != PL_JSON_ARRAY) return;
    for (const pl_json *item = items->first; item; item = item->next) edit_member(r, item, key);
}

static void edit_properties(relocating *r, const pl_json *properties)
{
    pl_span below;
    if (!properties || properties->kind != PL_JSON_OBJECT) return;
    for (const pl_json *item = properties->first; item; item = item->next)
        if (item->kind == PL_JSON_STRING && key_below(r->out->source, item->text, &below))
            add_edit(r, item, target_uri(r, below, r->arena));
}

static plumb_status edit_snapshots(relocating *r, const pl_json *root)
{
    const pl_json *list = pl_json_get(root, "snapshots");
    for (const pl_json *item = list ? list->first : NULL; item; item = item->next) {
        int64_t id = 0;
        copy made;
        const pl_json *file = pl_json_get(item, "manifest-list");
        if (!file || file->kind != PL_JSON_STRING || !pl_json_get_long(item, "snapshot-id", &id))
            return cannot(r, "a snapshot has no manifest list");
        const char *key = pl_arena_printf(r->arena, "%s/metadata/snap-%lld-1-%s.avro", r->out->key,
                                          (long long)id, uuid_text(r));
        PL_TRY(copy_file(r, "manifest list", file->text, key, edit_row, &made));
        add_edit(r, file, made.uri);
        r->out->snapshots++;
    }
    return PLUMB_OK;
}

static int by_place(const void *a, const void *b)
{
    const edit *left = a, *right = b;
    return (left->old.data > right->old.data) - (left->old.data < right->old.data);
}

static pl_span edited_text(relocating *r, pl_span text)
{
    pl_buf out = {0};
    const char *at = text.data;
    if (r->edit_count) qsort(r->edits, r->edit_count, sizeof *r->edits, by_place);
    for (uint32_t i = 0; i < r->edit_count; i++) {
        const edit *e = &r->edits[i];
        pl_buf_append(&out, at, (size_t)(e->old.data - at));
        pl_json_writer w = pl_json_writer_on(&out, 0);
        pl_json_text(&w, e->text);
        at = e->old.data + e->old.bytes;
    }
    pl_buf_append(&out, at, (size_t)(text.data + text.bytes - at));
    pl_span copied = pl_arena_copy(r->arena, pl_buf_view(&out));
    pl_buf_done(&out);
    return copied;
}

static plumb_status edit_metadata(relocating *r, pl_span text, const char *name, pl_span *ret_text)
{
    pl_json *root;
    pl_span key;
    const pl_json *location;
    plumb_status st = pl_json_parse(text, r->arena, &root, r->err);
    if (st != PLUMB_OK) pl_context(r->err, "cannot read table metadata '%s'", name);
    PL_TRY(st);
    location = pl_json_get(root, "location");
    if (!location || location->kind != PL_JSON_STRING || !key_of(r, location->text, &key))
        return neither(r, "its location", location ? location->text : PL_SPAN(""));
    edit_member(r, root, "location");
    edit_each(r, root, "metadata-log", "metadata-file");
    edit_each(r, root, "statistics", "statistics-path");
    edit_each(r, root, "partition-statistics", "statistics-path");
    edit_properties(r, pl_json_get(root, "properties"));
    PL_TRY(edit_snapshots(r, root));
    *ret_text = edited_text(r, text);
    return PLUMB_OK;
}

static plumb_status relocate(relocating *r, const char *location)
{
    pl_span text, moved, key;
    if (!key_of(r, pl_span_of(location), &key))
        return neither(r, "its metadata", pl_span_of(location));
    const char *file = pl_arena_cstr(r->arena, key);
    PL_TRY(pl_store_get(r->store, file, PL_ICE_METADATA_BYTES_MAX, r->arena, &text, r->err));
    PL_TRY(edit_metadata(r, text, file, &moved));
    if (r->out->dry) return PLUMB_OK;
    pl_ice_table table = {.store = r->store,
                          .arena = r->arena,
                          .key = pl_arena_cstr(r->arena, pl_span_of(r->out->key)),
                          .metadata_location =
                              pl_arena_cstr(r->arena, target_uri(r, key, r->arena))};
    table.name = strrchr(table.key, '/') + 1;
    PL_TRY(pl_ice_metadata_parse(moved, file, r->arena, &table.metadata, r->err));
    char *made;
    pl_ice_commit commit = {.now_ms = r->out->now_ms};
    memcpy(commit.uuid, r->out->uuid, 16);
    PL_TRY(pl_iceberg__commit_metadata(&table, &commit, &made, r->err));
    r->out->next = target_uri(r, pl_span_of(pl_store_key(r->store, made)), r->arena).data;
    r->out->outdated = commit.outdated;
    r->out->outdated_count = commit.outdated_count;
    return PLUMB_OK;
}

plumb_status pl_ice_relocate(pl_store *store, const char *location, pl_arena *arena,
                             pl_ice_relocation *relocation, plumb_error *err)
{
    plumb_error local;
    relocating r = {.store = store, .arena = arena, .out = relocation, .err = err ? err : &local};
    plumb_status st = relocate(&r, location);
    free(r.edits);
    free(r.copies);
    pl_map_done(&r.done);
    return st;
}
