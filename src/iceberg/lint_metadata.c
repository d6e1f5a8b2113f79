// lint_metadata.c -- the rules of metadata.json beside its schemas: members, snapshots, refs, logs.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "iceberg/lint_int.h"

#define LOG_TOLERANCE_MS     60000
#define METADATA_LOG_DEFAULT 100

static const char *const kind_words[] = {
    [PL_JSON_NULL] = "null",        [PL_JSON_FALSE] = "a boolean", [PL_JSON_TRUE] = "a boolean",
    [PL_JSON_NUMBER] = "a number",  [PL_JSON_STRING] = "a string", [PL_JSON_ARRAY] = "an array",
    [PL_JSON_OBJECT] = "an object",
};

bool pl_iceberg__maybe(lint *l, const pl_json *object, const char *of, const char *key,
                       pl_json_kind kind, const pl_json **ret_value)
{
    const pl_json *value = pl_json_get(object, key);
    *ret_value = NULL;
    if (value && value->kind != kind) {
        pl_iceberg__say(l, "member-type", l->place, "'%s' of %s is %s, and should be %s", key, of,
                        kind_words[value->kind], kind_words[kind]);
        return false;
    }
    *ret_value = value;
    return true;
}

const pl_json *pl_iceberg__member(lint *l, const pl_json *object, const char *of, const char *key,
                                  pl_json_kind kind)
{
    const pl_json *value;
    if (pl_iceberg__maybe(l, object, of, key, kind, &value) && !value)
        pl_iceberg__say(l, "required-member", l->place, "%s has no '%s'", of, key);
    return value;
}

bool pl_iceberg__member_long(lint *l, const pl_json *object, const char *of, const char *key,
                             int64_t min, int64_t max, int64_t *ret_value)
{
    int64_t value;
    const pl_json *json = pl_iceberg__member(l, object, of, key, PL_JSON_NUMBER);
    if (!json) return false;
    if (pl_json_long(json, &value) && value >= min && value <= max) {
        *ret_value = value;
        return true;
    }
    pl_iceberg__say(l, "member-range", l->place, "'%s' of %s is %.*s", key, of, PL_FMT(json->text));
    return false;
}

// ---- snapshots ---------------------------------------------------------------------------------
static const char *const totals[] = {
    "total-records",      "total-files-size",       "total-data-files",
    "total-delete-files", "total-position-deletes", "total-equality-deletes",
};

static void lint_summary(lint *l, const pl_json *json, lint_snapshot *s)
{
    static const char *const operations[] = {"append", "replace", "overwrite", "delete"};
    pl_span word = {0};
    bool known = false;
    s->summary = pl_iceberg__member(l, json, "a snapshot", "summary", PL_JSON_OBJECT);
    if (!s->summary) return;
    for (const pl_json *m = s->summary->first; m; m = m->next)
        if (m->kind != PL_JSON_STRING)
            pl_iceberg__say(l, "summary-strings", l->place,
                            "snapshot %lld: '%.*s' in its summary is %s, and should be a string",
                            (long long)s->id, PL_FMT(m->key), kind_words[m->kind]);
    bool has = pl_json_get_text(s->summary, "operation", &word);
    for (size_t i = 0; i < PL_COUNT(operations); i++) known |= pl_span_is(word, operations[i]);
    if (!has || !known)
        pl_iceberg__say(l, "summary-operation", l->place,
                        "snapshot %lld: its operation is '%.*s', and should be append, replace, "
                        "overwrite or delete",
                        (long long)s->id, PL_FMT(word));
    for (size_t i = 0; i < PL_COUNT(totals); i++)
        if (!pl_json_get(s->summary, totals[i]))
            pl_iceberg__say(l, "summary-totals", l->place, "snapshot %lld: its summary has no '%s'",
                            (long long)s->id, totals[i]);
}

static void lint_snapshot_json(lint *l, const pl_json *json)
{
    lint_snapshot s = {.parent_id = PL_ICE_NO_SNAPSHOT, .schema_id = -1};
    const char *of = "a snapshot";
    int64_t schema_id;
    const pl_json *parent = pl_json_get(json, "parent-snapshot-id");
    const pl_json *list;
    if (!pl_iceberg__member_long(l, json, of, "snapshot-id", INT64_MIN, INT64_MAX, &s.id)) return;
    if (s.id <= 0)
        pl_iceberg__say(l, "snapshot-id", l->place, "snapshot id %lld is not positive",
                        (long long)s.id);
    if (pl_iceberg__snapshot(l, s.id))
        pl_iceberg__say(l, "snapshot-id", l->place, "two snapshots have the id %lld",
                        (long long)s.id);
    if (parent && (!pl_json_long(parent, &s.parent_id) || s.parent_id < 0))
        pl_iceberg__say(l, "snapshot-parent", l->place,
                        "snapshot %lld: its parent is '%.*s'; a first snapshot has no "
                        "'parent-snapshot-id'",
                        (long long)s.id, PL_FMT(parent->raw));
    pl_iceberg__member_long(l, json, of, "sequence-number", 0, INT64_MAX, &s.sequence);
    pl_iceberg__member_long(l, json, of, "timestamp-ms", 0, INT64_MAX, &s.timestamp_ms);
    if (s.sequence > l->last_sequence)
        pl_iceberg__say(l, "last-sequence-number", l->place,
                        "it is %lld, and snapshot %lld has the sequence number %lld",
                        (long long)l->last_sequence, (long long)s.id, (long long)s.sequence);
    for (uint32_t i = 0; i < l->snapshot_count; i++) {
        const lint_snapshot *other = &l->snapshots[i];
        if (s.sequence && other->sequence == s.sequence)
            pl_iceberg__say(l, "snapshot-sequence", l->place,
                            "snapshots %lld and %lld both have the sequence number %lld",
                            (long long)other->id, (long long)s.id, (long long)s.sequence);
    }
    list = pl_iceberg__member(l, json, of, "manifest-list", PL_JSON_STRING);
    if (list) s.list = list->text;
    if (!pl_json_get_long(json, "schema-id", &schema_id))
        pl_iceberg__say(l, "snapshot-schema-id", l->place, "snapshot %lld does not say its schema",
                        (long long)s.id);
    else if (!pl_iceberg__schema(l, schema_id))
        pl_iceberg__say(l, "snapshot-schema", l->place,
                        "snapshot %lld has the schema %lld, which does not exist", (long long)s.id,
                        (long long)schema_id);
    else
        s.schema_id = (int32_t)schema_id;
    lint_summary(l, json, &s);
    l->snapshots[l->snapshot_count++] = s;
}

static bool summary_long(const pl_json *summary, const char *key, int64_t *ret)
{
    pl_span text;
    pl_number number;
    return pl_json_get_text(summary, key, &text) &&
           pl_number_parse(text, &number) == PL_NUMBER_OK &&
           pl_number_long(&number, 0, ret) == PL_NUMBER_OK;
}

// Totals are the parent's and what the snapshot added and removed.
static void lint_totals(lint *l, const lint_snapshot *s)
{
    static const char *const sums[][3] = {
        {"total-records", "added-records", "deleted-records"},
        {"total-data-files", "added-data-files", "deleted-data-files"},
        {"total-files-size", "added-files-size", "removed-files-size"},
    };
    const lint_snapshot *parent = pl_iceberg__snapshot(l, s->parent_id);
    if (s->parent_id != PL_ICE_NO_SNAPSHOT && !parent) return;
    for (size_t i = 0; i < PL_COUNT(sums); i++) {
        int64_t before = 0, added = 0, removed = 0, total, want;
        if (!summary_long(s->summary, sums[i][0], &total)) continue;
        if (parent && !summary_long(parent->summary, sums[i][0], &before)) continue;
        if (!summary_long(s->summary, sums[i][1], &added)) added = 0;
        if (!summary_long(s->summary, sums[i][2], &removed)) removed = 0;
        if (__builtin_add_overflow(before, added, &want) ||
            __builtin_sub_overflow(want, removed, &want) || want != total)
            pl_iceberg__say(l, "summary-sum", l->place,
                            "snapshot %lld: '%s' is %lld, and its parent's %lld + %lld - %lld is "
                            "something else",
                            (long long)s->id, sums[i][0], (long long)total, (long long)before,
                            (long long)added, (long long)removed);
    }
}

void pl_iceberg__lint_snapshots(lint *l)
{
    const pl_json *list, *current = pl_json_get(l->root, "current-snapshot-id");
    pl_iceberg__maybe(l, l->root, "the metadata", "snapshots", PL_JSON_ARRAY, &list);
    l->snapshots = PL_TAKE(l->arena, lint_snapshot, list ? list->count : 0);
    for (const pl_json *item = list ? list->first : NULL; item; item = item->next)
        lint_snapshot_json(l, item);
    for (uint32_t i = 0; i < l->snapshot_count; i++) {
        const lint_snapshot *s = &l->snapshots[i];
        const lint_snapshot *parent = pl_iceberg__snapshot(l, s->parent_id);
        if (s->parent_id == s->id || (parent && parent->sequence > s->sequence))
            pl_iceberg__say(l, "snapshot-parent", l->place,
                            "snapshot %lld is not newer than its parent %lld", (long long)s->id,
                            (long long)s->parent_id);
        lint_totals(l, s);
    }
    if (current && (!pl_json_long(current, &l->current_snapshot_id) ||
                    (l->current_snapshot_id != PL_ICE_NO_SNAPSHOT &&
                     !pl_iceberg__snapshot(l, l->current_snapshot_id))))
        pl_iceberg__say(l, "current-snapshot", l->place,
                        "'current-snapshot-id' is %.*s, which is neither a snapshot nor -1",
                        PL_FMT(current->raw));
}

// ---- refs and logs -----------------------------------------------------------------------------
static void lint_refs(lint *l)
{
    const pl_json *refs;
    pl_iceberg__maybe(l, l->root, "the metadata", "refs", PL_JSON_OBJECT, &refs);
    for (const pl_json *ref = refs ? refs->first : NULL; ref; ref = ref->next) {
        int64_t id = 0;
        pl_span type = {0};
        bool known = pl_json_get_long(ref, "snapshot-id", &id) && pl_iceberg__snapshot(l, id);
        if (!known)
            pl_iceberg__say(l, "ref-snapshot", l->place,
                            "ref '%.*s' names the snapshot %lld, which does not exist",
                            PL_FMT(ref->key), (long long)id);
        bool typed = pl_json_get_text(ref, "type", &type);
        if (!typed || (!pl_span_is(type, "branch") && !pl_span_is(type, "tag")))
            pl_iceberg__say(l, "ref-type", l->place,
                            "ref '%.*s' is a '%.*s', and should be a branch or a tag",
                            PL_FMT(ref->key), PL_FMT(type));
        if (pl_span_is(ref->key, "main") &&
            (id != l->current_snapshot_id || (typed && !pl_span_is(type, "branch"))))
            pl_iceberg__say(l, "ref-main", l->place,
                            "branch 'main' is at %lld, and 'current-snapshot-id' is %lld",
                            (long long)id, (long long)l->current_snapshot_id);
        if (pl_span_is(type, "tag") &&
            (pl_json_get(ref, "min-snapshots-to-keep") || pl_json_get(ref, "max-snapshot-age-ms")))
            pl_iceberg__say(l, "ref-type", l->place,
                            "tag '%.*s' has retention that only branches may have",
                            PL_FMT(ref->key));
    }
}

// Logs go forward in time, and none ends after the metadata was written.
static int64_t lint_time(lint *l, const pl_json *item, const char *log, int64_t last)
{
    int64_t at;
    if (!pl_iceberg__member_long(l, item, log, "timestamp-ms", 0, INT64_MAX, &at)) return last;
    if (at < last - LOG_TOLERANCE_MS)
        pl_iceberg__say(l, "log-order", l->place, "the %s is not in order of time at %lld", log,
                        (long long)at);
    if (!item->next && l->last_updated_ms < at - LOG_TOLERANCE_MS)
        pl_iceberg__say(l, "last-updated", l->place,
                        "'last-updated-ms' is %lld, before the end of the %s at %lld",
                        (long long)l->last_updated_ms, log, (long long)at);
    return at;
}

static void lint_snapshot_log(lint *l)
{
    const pl_json *log;
    int64_t last = 0, id = PL_ICE_NO_SNAPSHOT;
    pl_iceberg__maybe(l, l->root, "the metadata", "snapshot-log", PL_JSON_ARRAY, &log);
    for (const pl_json *item = log ? log->first : NULL; item; item = item->next) {
        last = lint_time(l, item, "snapshot log", last);
        if (pl_iceberg__member_long(l, item, "the snapshot log", "snapshot-id", INT64_MIN,
                                    INT64_MAX, &id) &&
            !pl_iceberg__snapshot(l, id))
            pl_iceberg__say(l, "snapshot-log-snapshot", l->place,
                            "the snapshot log names the snapshot %lld, which does not exist",
                            (long long)id);
    }
    if (log && log->count && id != l->current_snapshot_id)
        pl_iceberg__say(l, "snapshot-log-end", l->place,
                        "the snapshot log ends with %lld, and the current snapshot is %lld",
                        (long long)id, (long long)l->current_snapshot_id);
}

static int64_t log_max(const lint *l)
{
    int64_t max = METADATA_LOG_DEFAULT;
    const pl_json *properties = pl_json_get(l->root, "properties");
    if (!summary_long(properties, "write.metadata.previous-versions-max", &max) || max < 1)
        max = METADATA_LOG_DEFAULT;
    return max;
}

static void lint_metadata_log(lint *l)
{
    const pl_json *log;
    int64_t last = 0;
    uint64_t bytes;
    pl_iceberg__maybe(l, l->root, "the metadata", "metadata-log", PL_JSON_ARRAY, &log);
    for (const pl_json *item = log ? log->first : NULL; item; item = item->next) {
        pl_span file;
        last = lint_time(l, item, "metadata log", last);
        if (!pl_json_get_text(item, "metadata-file", &file)) {
            pl_iceberg__say(l, "required-member", l->place,
                            "the metadata log has no 'metadata-file'");
            continue;
        }
        const char *uri = pl_arena_cstr(l->arena, file);
        const char *key = pl_store_key(l->store, uri);
        if (key && strcmp(key, l->place) == 0)
            pl_iceberg__say(l, "metadata-log-self", l->place,
                            "the metadata log names its own file");
        if (key && pl_store_size(l->store, key, &bytes, NULL) == PLUMB_E_NOT_FOUND)
            pl_iceberg__say(l, "metadata-log-file", l->place,
                            "the metadata log names '%s', which does not exist", key);
    }
    if (log && log->count > log_max(l))
        pl_iceberg__say(l, "metadata-log-length", l->place,
                        "the metadata log has %u entries, and keeps at most %lld", log->count,
                        (long long)log_max(l));
}

static void lint_statistics(lint *l, const char *key)
{
    const pl_json *list;
    pl_iceberg__maybe(l, l->root, "the metadata", key, PL_JSON_ARRAY, &list);
    for (const pl_json *item = list ? list->first : NULL; item; item = item->next) {
        int64_t id = 0;
        if (!pl_json_get_long(item, "snapshot-id", &id) || !pl_iceberg__snapshot(l, id))
            pl_iceberg__say(l, "statistics-snapshot", l->place,
                            "'%s' are about snapshot %lld, which does not exist", key,
                            (long long)id);
    }
}

void pl_iceberg__lint_logs(lint *l)
{
    lint_refs(l);
    lint_snapshot_log(l);
    lint_metadata_log(l);
    lint_statistics(l, "statistics");
    lint_statistics(l, "partition-statistics");
}

// ---- the head ----------------------------------------------------------------------------------
static bool is_uuid(pl_span text)
{
    if (text.bytes != 36) return false;
    for (size_t i = 0; i < 36; i++) {
        char c = text.data[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !hex) return false;
    }
    return true;
}

// NNNNN-<uuid>.metadata.json, or vN.metadata.json of a catalog in the file system.
static bool good_name(const char *place)
{
    const char *slash = strrchr(place, '/');
    const char *at = slash ? slash + 1 : place;
    bool hadoop = *at == 'v';
    at += hadoop;
    if (*at < '0' || *at > '9') return false;
    while (*at >= '0' && *at <= '9') at++;
    if (!hadoop && (*at != '-' || strlen(at) < 37 || !is_uuid((pl_span){at + 1, 36}))) return false;
    return strcmp(hadoop ? at : at + 37, ".metadata.json") == 0;
}

static void lint_location(lint *l)
{
    const pl_json *location =
        pl_iceberg__member(l, l->root, "the metadata", "location", PL_JSON_STRING);
    if (!location) return;
    const char *fault = pl_iceberg__uri_fault(location->text);
    l->location = location->text;
    if (!fault && location->text.data[location->text.bytes - 1] == '/')
        fault = "it ends with a slash";
    if (fault)
        pl_iceberg__say(l, "location", l->place, "'location' is '%.*s': %s", PL_FMT(location->text),
                        fault);
    else if (!pl_store_key(l->store, pl_arena_cstr(l->arena, location->text)))
        pl_iceberg__say(l, "location-in-lake", l->place,
                        "'location' is '%.*s', which is outside the lake", PL_FMT(location->text));
}

static void lint_properties(lint *l)
{
    const pl_json *properties;
    pl_iceberg__maybe(l, l->root, "the metadata", "properties", PL_JSON_OBJECT, &properties);
    for (const pl_json *m = properties ? properties->first : NULL; m; m = m->next)
        if (m->kind != PL_JSON_STRING)
            pl_iceberg__say(l, "properties-strings", l->place,
                            "property '%.*s' is %s, and should be a string", PL_FMT(m->key),
                            kind_words[m->kind]);
}

static void lint_duplicates(lint *l)
{
    for (const pl_json *m = l->root->first; m; m = m->next)
        for (const pl_json *o = l->root->first; o != m; o = o->next)
            if (pl_span_equal(o->key, m->key))
                pl_iceberg__say(l, "duplicate-member", l->place, "it has '%.*s' twice",
                                PL_FMT(m->key));
}

bool pl_iceberg__lint_metadata(lint *l)
{
    int64_t version = 0;
    const char *of = "the metadata";
    if (!pl_iceberg__member_long(l, l->root, of, "format-version", INT64_MIN, INT64_MAX, &version))
        return false;
    if (version != 2) {
        pl_iceberg__say(l, "format-version", l->place,
                        "'format-version' is %lld, and plumb knows version 2", (long long)version);
        return false;
    }
    lint_duplicates(l);
    if (!good_name(l->place))
        pl_iceberg__say(l, "metadata-name", l->place,
                        "the file is not called NNNNN-<uuid>.metadata.json");
    const pl_json *uuid = pl_iceberg__member(l, l->root, of, "table-uuid", PL_JSON_STRING);
    if (uuid && !is_uuid(uuid->text))
        pl_iceberg__say(l, "table-uuid", l->place, "'table-uuid' is '%.*s', which is no UUID",
                        PL_FMT(uuid->text));
    lint_location(l);
    if (!pl_iceberg__member_long(l, l->root, of, "last-sequence-number", 0, INT64_MAX,
                                 &l->last_sequence))
        l->last_sequence = INT64_MAX;
    if (!pl_iceberg__member_long(l, l->root, of, "last-updated-ms", 0, INT64_MAX,
                                 &l->last_updated_ms))
        l->last_updated_ms = INT64_MAX;
    lint_properties(l);
    pl_iceberg__lint_schemas(l);
    pl_iceberg__lint_snapshots(l);
    pl_iceberg__lint_logs(l);
    return true;
}
