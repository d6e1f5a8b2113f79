// SPDX-License-Identifier: Apache-2.0
#include "flow/work.h"

#include <stdio.h>
#include <stdlib.h>

#include "flow/keyset.h"
#include "flow/raw.h"
#include "os/os.h"
#include "json/tree.h"

#define NOT_ITSELF "another object lies in its place"

typedef struct attempt {
    const pl_work_task *task;
    pl_task_result *result;
    pl_mapper *mapper;
    pl_parts *parts;
    pl_keyset keys;
    // The object being read.
    pl_raw *raw;
    const pl_work_object *object;
    uint64_t delivered; // content bytes given to the framer
    uint64_t furthest;  // the most of them so far: it may go back
    uint64_t limit;     // content bytes that may be trusted
    uint64_t framed;    // records of the object
    uint32_t range;     // of a retry: the first that is not behind
    bool moved;         // of a retry: a record is not where it was
    bool cut;           // the content ended before its time
    bool is_itself;     // head and trailer are those of the object that landed
    char cut_reason[128];
} attempt;

// Is the payload of a broken object, from byte `at` of its file on, the one that landed?
static plumb_status check_broken(attempt *a, const pl_work_object *object, uint64_t at,
                                 plumb_error *err)
{
    char *buffer = pl_alloc(PL_GZIP_CHUNK), identity[PL_SHA256_TEXT];
    pl_sha256 *sha = pl_sha256_new();
    plumb_status st = PLUMB_OK;
    pl_sha256_add(sha, PL_SPAN("broken\n"));
    for (size_t got = 1; got && st == PLUMB_OK && !atomic_load(a->task->cancel); at += got) {
        st = pl_store_read(a->task->store, object->key, at, buffer, PL_GZIP_CHUNK, &got, err);
        if (st == PLUMB_OK) pl_sha256_add(sha, pl_span_make(buffer, got));
    }
    pl_sha256_hex(sha, identity);
    pl_sha256_free(sha);
    free(buffer);
    if (st == PLUMB_OK && !atomic_load(a->task->cancel) && strcmp(identity, object->sha256) != 0)
        return pl_fail(err, PLUMB_E_MALFORMED, NOT_ITSELF);
    return st;
}

// What of a broken object may be used: everything delivered when it was cut short; only complete
// members when a checksum or the stream itself was wrong.
static plumb_status trusted_bytes(attempt *a, const pl_work_object *object, plumb_error *err)
{
    pl_raw *raw;
    static const size_t CHUNK = PL_GZIP_CHUNK;
    PL_TRY(pl_raw_open(a->task->store, object->key, &raw, err));
    char *buffer = pl_alloc(CHUNK);
    plumb_status st;
    size_t got;
    do st = pl_raw_read(raw, buffer, CHUNK, &got, err);
    while (st == PLUMB_OK && got && !atomic_load(a->task->cancel));
    if (st == PLUMB_E_MALFORMED) st = PLUMB_OK; // that is what we came to see
    pl_gzip_state state = pl_raw_state(raw);
    a->limit = state.end == PL_GZIP_CORRUPT ? state.verified : state.content;
    free(buffer);
    if (st == PLUMB_OK) st = check_broken(a, object, state.head_bytes, err);
    pl_raw_close(raw);
    return st;
}

// The framer's source: chunks of content, with a break turned into the end.
static plumb_status read_content(void *context, char *buffer, size_t bytes, size_t *ret_got,
                                 plumb_error *err)
{
    attempt *a = context;
    if (atomic_load_explicit(a->task->cancel, memory_order_relaxed))
        return pl_fail(err, PLUMB_E_CANCELLED, "stopped on request");
    bytes = (size_t)PL_MIN((uint64_t)bytes, a->limit - a->delivered);
    *ret_got = 0;
    plumb_status st = bytes ? pl_raw_read(a->raw, buffer, bytes, ret_got, err) : PLUMB_OK;
    if (st == PLUMB_E_MALFORMED) {
        pl_gzip_state state = pl_raw_state(a->raw);
        a->cut = true;
        snprintf(a->cut_reason, sizeof a->cut_reason, "gzip breaks at byte %llu: %s",
                 (unsigned long long)state.compressed, state.reason ? state.reason : "corrupt");
        *ret_got = 0;
        return PLUMB_OK;
    }
    PL_TRY(st);
    a->delivered += *ret_got;
    if (a->task->progress && a->delivered > a->furthest)
        atomic_fetch_add(&a->task->progress->content_bytes, a->delivered - a->furthest);
    a->furthest = PL_MAX(a->furthest, a->delivered);
    return PLUMB_OK;
}

// Go back and drop what stands before `offset`.
static plumb_status seek_content(void *context, uint64_t offset, plumb_error *err)
{
    attempt *a = context;
    PL_TRY(pl_raw_rewind(a->raw, offset, err));
    a->delivered = pl_raw_content_bytes(a->raw);
    a->cut = false;
    char *buffer = pl_alloc(PL_GZIP_CHUNK);
    plumb_status st = PLUMB_OK;
    size_t got = 1;
    while (st == PLUMB_OK && got && a->delivered < offset) {
        size_t bytes = (size_t)PL_MIN(offset - a->delivered, (uint64_t)PL_GZIP_CHUNK);
        st = read_content(a, buffer, bytes, &got, err);
    }
    free(buffer);
    return st;
}

const char pl_work_other_ranges[] =
    "among the records from here on; more places in one object are not listed";

static void range_add(attempt *a, pl_object_result *object, const pl_frame *frame,
                      const pl_reject *reject)
{
    pl_arena *arena = &a->result->arena;
    const pl_work_retry *retry = a->object->retry;
    uint32_t room = retry ? retry->room : PL_QUARANTINE_MAX;
    object->quarantined++;
    bool full = object->range_count > room; // the last one takes what follows
    if (object->range_count) {
        pl_quarantine_range *last = &object->ranges[object->range_count - 1];
        if (full || (last->record_first + last->record_count == frame->index &&
                     pl_span_equal(last->column, reject->column) &&
                     strcmp(last->reason, reject->reason) == 0)) {
            last->record_count++;
            last->byte_count = frame->offset + frame->bytes - last->byte_first;
            return;
        }
    }
    pl_reject rest = {.error_at = reject->error_at};
    snprintf(rest.reason, sizeof rest.reason, "%s", pl_work_other_ranges);
    if (object->range_count == room) reject = &rest;
    PL_GROW(object->ranges, object->range_count, object->range_capacity);
    object->ranges[object->range_count++] =
        (pl_quarantine_range){.record_first = frame->index,
                              .record_count = 1,
                              .byte_first = frame->offset,
                              .byte_count = frame->bytes,
                              .error_at = reject->error_at,
                              .column = reject->column,
                              .reason = pl_arena_cstr(arena, pl_span_of(reject->reason)),
                              .sample = pl_arena_cstr(arena, pl_span_of(reject->sample))};
}

// Is the record asked for? All are, but of a retry those in its ranges; the first and the last of a
// range must stand where they stood.
static bool asked_for(attempt *a, const pl_frame *frame)
{
    const pl_work_retry *retry = a->object->retry;
    if (!retry || retry->whole) return true;
    const pl_work_range *range = retry->ranges + a->range,
                        *end = retry->ranges + retry->range_count;
    while (range < end && frame->index >= range->record_first + range->record_count) range++;
    a->range = (uint32_t)(range - retry->ranges);
    if (range == end || frame->index < range->record_first) return false;
    if (frame->index == range->record_first && frame->offset != range->byte_first) a->moved = true;
    if (frame->index + 1 == range->record_first + range->record_count &&
        frame->offset + frame->bytes != range->byte_first + range->byte_count)
        a->moved = true;
    return true;
}

static void note_key(attempt *a)
{
    for (uint32_t i = 0; i < a->keys.column_count; i++) {
        pl_value value = pl_mapper_value(a->mapper, (uint32_t)a->keys.columns[i]);
        pl_keyset_value(&a->keys, &value);
    }
    pl_keyset_row(&a->keys);
}

static plumb_status map_frames(attempt *a, const pl_work_object *object, pl_object_result *out,
                               pl_framer *framer, plumb_error *err)
{
    pl_frame frame;
    bool more;
    uint64_t counted = 0;
    for (;;) {
        PL_TRY(pl_framer_next(framer, &frame, &more, err));
        if (!more) break;
        if (!asked_for(a, &frame)) continue;
        out->records++;
        pl_reject reject;
        switch (pl_mapper_record(a->mapper, &frame, &reject)) {
        case PL_MAPPED_ROW:
            note_key(a);
            if (!a->task->dry) PL_TRY(pl_parts_row(a->parts, object->id, err));
            out->rows++;
            break;
        case PL_MAPPED_REJECT:
            range_add(a, out, &frame, &reject);
            break;
        case PL_MAPPED_FILTERED:
            out->filtered++;
            break;
        }
        if (a->task->progress && ++counted % 1024 == 0)
            atomic_fetch_add(&a->task->progress->records, 1024);
    }
    if (a->task->progress) atomic_fetch_add(&a->task->progress->records, counted % 1024);
    a->framed = pl_framer_records(framer);
    if (!object->retry) out->records = a->framed; // a count of its own: invariant I2
    return PLUMB_OK;
}

// The part of a broken object that cannot be read is one more record, quarantined.
static void add_cut(attempt *a, pl_object_result *out)
{
    pl_frame frame = {.index = a->framed++, .offset = a->delivered, .error_at = a->delivered};
    pl_reject reject = {.error_at = a->delivered};
    if (!asked_for(a, &frame)) return;
    snprintf(reject.reason, sizeof reject.reason, "%s", a->cut_reason);
    range_add(a, out, &frame, &reject);
    out->records++;
}

// Does the object say of itself what the registry knows of it? Another valid one may lie there.
static bool is_itself(const pl_raw *raw, const pl_work_object *object)
{
    pl_arena scratch = {0};
    pl_json *trailer;
    pl_span sha256;
    bool same = pl_span_is(object->id, pl_raw_head_of(raw)->id) &&
                pl_json_parse(pl_raw_state(raw).trailer, &scratch, &trailer, NULL) == PLUMB_OK &&
                pl_json_get_text(pl_json_get(trailer, "content"), "sha256", &sha256) &&
                pl_span_is(sha256, object->sha256);
    pl_arena_done(&scratch);
    return same;
}

static plumb_status map_object(attempt *a, const pl_work_object *object, pl_object_result *out,
                               plumb_error *err)
{
    a->limit = UINT64_MAX;
    a->delivered = a->furthest = 0;
    a->object = object;
    a->range = 0;
    a->cut = a->moved = false;
    if (object->broken) PL_TRY(trusted_bytes(a, object, err));
    PL_TRY(pl_raw_open(a->task->store, object->key, &a->raw, err));
    pl_framer_options framing;
    pl_map_framing(a->task->plan, object->format, &framing);
    framing.seek = seek_content;
    pl_framer *framer = pl_framer_new(&framing, read_content, a);
    pl_map_counts before = *pl_mapper_counts(a->mapper);
    pl_mapper_object(a->mapper, object->id, object->received_us);
    pl_keyset_object(&a->keys);
    plumb_status st = map_frames(a, object, out, framer, err);
    pl_framer_free(framer);
    a->is_itself = st == PLUMB_OK && !object->broken && !a->cut && is_itself(a->raw, object);
    pl_raw_close(a->raw);
    a->raw = NULL;
    if (st != PLUMB_OK) return st;
    if (object->broken && !a->cut && a->delivered == a->limit) {
        a->cut = true;
        snprintf(a->cut_reason, sizeof a->cut_reason,
                 "gzip is broken after byte %llu of the content", (unsigned long long)a->limit);
    }
    if (a->cut) add_cut(a, out);
    const pl_map_counts *after = pl_mapper_counts(a->mapper);
    out->lost = after->lost - before.lost;
    out->coerced = after->coerced - before.coerced;
    out->conflicts = after->conflicts - before.conflicts;
    out->duplicates = pl_keyset_duplicates(&a->keys);
    return PLUMB_OK;
}

// Why an object that landed whole cannot be trusted now; NULL if it can.
static const char *damage(const attempt *a, const pl_work_object *object)
{
    if (object->broken) return NULL;
    if (a->cut) return a->cut_reason;
    if (object->content_bytes >= 0 && a->delivered != (uint64_t)object->content_bytes)
        return "its content has another length than when it landed";
    return a->is_itself ? NULL : NOT_ITSELF;
}

static bool recounted(const attempt *a, const pl_work_object *object)
{
    const pl_work_retry *retry = object->retry;
    return retry && !retry->whole && (a->moved || a->framed != retry->records);
}

// Map every object that is not marked damaged. PLUMB_E_CONFLICT: more were found damaged and
// marked, all that are; what was written is void.
static plumb_status try_objects(attempt *a, plumb_error *err)
{
    const pl_work_task *task = a->task;
    bool clean = true;
    for (uint32_t i = 0; i < task->object_count; i++) {
        pl_object_result *out = &a->result->objects[i];
        if (out->damaged) continue;
        plumb_status st = map_object(a, &task->objects[i], out, err);
        const char *why = st == PLUMB_OK ? damage(a, &task->objects[i])
                          : st == PLUMB_E_NOT_FOUND || st == PLUMB_E_MALFORMED ? err->message
                                                                               : NULL;
        if (st == PLUMB_OK && !why && recounted(a, &task->objects[i])) {
            out->recounted = true;
            why = "today's mapping counts its records otherwise";
        }
        if (!why && st != PLUMB_OK) return st;
        if (!why) continue;
        out->damaged = pl_arena_cstr(&a->result->arena, pl_span_of(why));
        clean = false;
    }
    if (!clean) return pl_fail(err, PLUMB_E_CONFLICT, "raw objects of the task are damaged");
    return pl_parts_finish(a->parts, &a->result->files, &a->result->file_count, err);
}

static void objects_reset(pl_task_result *result)
{
    for (uint32_t i = 0; i < result->object_count; i++) {
        pl_object_result *object = &result->objects[i];
        free(object->ranges);
        *object = (pl_object_result){.damaged = object->damaged, .recounted = object->recounted};
    }
}

// Key columns that are looked up by value: of these a filter tells which row groups to skip, but
// for the column the rows are sorted by, where minimum and maximum tell it better.
static uint32_t bloom_ids(const pl_work_task *task, int32_t *ids)
{
    uint32_t count = 0;
    const pl_contract *contract = task->contract;
    for (uint32_t i = 0; i < contract->key_count; i++) {
        pl_span name = contract->columns[contract->keys[i]].field.name;
        int at = pl_schema_find(task->schema, name);
        if (at < 0) continue;
        const pl_field *field = &task->schema->fields[at];
        bool sorted =
            task->sort && task->sort->count && task->sort->fields[0].source_id == field->id;
        pl_kind kind = field->type.kind;
        if (!sorted && (kind == PL_STRING || kind == PL_LONG || kind == PL_INT))
            ids[count++] = field->id;
    }
    return count;
}

static plumb_status attempt_once(const pl_work_task *task, pl_task_result *result, plumb_error *err)
{
    attempt a = {.task = task, .result = result};
    pl_arena *arena = &result->arena;
    uint32_t nonce; // two processes may do the same task at once, and one again what another began
    pl_entropy(&nonce, sizeof nonce);
    pl_parts_options options = {
        .store = task->store,
        .schema = task->schema,
        .spec = task->spec,
        .sort = task->sort,
        .zstd = task->contract->compression == PL_COMPRESSION_ZSTD,
        .compact = task->contract->compact,
        .data_prefix = pl_arena_printf(arena, "%s/data", task->table_key),
        .name_prefix = pl_arena_printf(arena, "%s-%s-%08x", task->run, task->id, nonce),
        .memory_bytes = task->memory_bytes,
        .quota = task->quota,
        .cancel = task->cancel};
    int32_t *ids = PL_TAKE(arena, int32_t, task->contract->key_count);
    options.bloom_ids = ids;
    options.bloom_count = bloom_ids(task, ids);
    a.mapper = options.mapper = pl_mapper_new(task->plan);
    a.parts = pl_parts_new(&options, arena);
    pl_keyset_init(&a.keys, task->contract, task->schema);
    plumb_status st = try_objects(&a, err);
    pl_keyset_done(&a.keys);
    pl_parts_free(a.parts);
    pl_mapper_free(a.mapper);
    pl_raw_close(a.raw);
    return st;
}

plumb_status pl_work(const pl_work_task *task, pl_task_result *ret_result, plumb_error *err)
{
    *ret_result = (pl_task_result){.object_count = task->object_count};
    ret_result->objects = PL_TAKE(&ret_result->arena, pl_object_result, task->object_count);
    plumb_status st = PLUMB_E_CONFLICT;
    plumb_error local;
    if (!err) err = &local;
    for (uint32_t number = 0; st == PLUMB_E_CONFLICT && number <= task->object_count; number++) {
        objects_reset(ret_result);
        ret_result->file_count = 0;
        st = attempt_once(task, ret_result, err);
    }
    if (st != PLUMB_OK) pl_task_result_done(ret_result);
    return st;
}

void pl_task_result_done(pl_task_result *result)
{
    for (uint32_t i = 0; i < result->object_count; i++) free(result->objects[i].ranges);
    pl_arena_done(&result->arena);
    pl_arena_done(&result->text);
    *result = (pl_task_result){0};
}
