// SPDX-License-Identifier: Apache-2.0
#include "flow/reading.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow/keyset.h"
#include "flow/raw.h"
#include "json/tree.h"

#define NOT_ITSELF "another object lies in its place"

struct pl_reading {
    const pl_work_task *task;
    const pl_work_object *object;
    uint32_t number;
    // Reading: by one worker at a time.
    pthread_mutex_t turn;
    pl_raw *raw;
    pl_framer *framer;
    uint64_t delivered; // content bytes given to the framer
    uint64_t furthest;  // the most of them so far: it may go back
    uint64_t limit;     // content bytes that may be trusted
    uint64_t framed;    // records of the object
    bool cut;           // the content ended before its time
    bool is_itself;     // head and trailer are those of the object that landed
    char cut_reason[128];
    uint64_t taken;                                  // chunks
    bool ended;                                      // there are no more
    char unreadable[sizeof(plumb_error){0}.message]; // why; "" if it could be read
    // The books: by one worker at a time.
    pthread_mutex_t lock;
    pl_object_result *out;
    pl_keyset keys;
    pl_outcome *waiting; // given before their turn, in order; owned
    uint64_t given;      // chunks entered
    bool moved;          // of a retry: a record is not where it was
};

pl_reading *pl_reading_new(const pl_work_task *task)
{
    pl_reading *reading = pl_zalloc(1, sizeof *reading);
    reading->task = task;
    reading->turn = reading->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    pl_keyset_init(&reading->keys, task->contract, task->schema);
    return reading;
}

static void outcome_done(pl_outcome *outcome)
{
    free(outcome->ranges);
    free(outcome->keys);
}

static void forget_object(pl_reading *reading)
{
    pl_framer_free(reading->framer);
    pl_raw_close(reading->raw);
    reading->framer = NULL;
    reading->raw = NULL;
    while (reading->waiting) {
        pl_outcome *outcome = reading->waiting;
        reading->waiting = outcome->next;
        outcome_done(outcome);
        free(outcome);
    }
}

void pl_reading_free(pl_reading *reading)
{
    if (!reading) return;
    forget_object(reading);
    pl_keyset_done(&reading->keys);
    free(reading);
}

// ---- the content -------------------------------------------------------------------------------
// Is the payload of a broken object, from byte `at` of its file on, the one that landed?
static plumb_status check_broken(pl_reading *r, const pl_work_object *object, uint64_t at,
                                 plumb_error *err)
{
    char *buffer = pl_alloc(PL_GZIP_CHUNK), identity[PL_SHA256_TEXT];
    pl_sha256 *sha = pl_sha256_new();
    plumb_status st = PLUMB_OK;
    pl_sha256_add(sha, PL_SPAN("broken\n"));
    for (size_t got = 1; got && st == PLUMB_OK && !atomic_load(r->task->cancel); at += got) {
        st = pl_store_read(r->task->store, object->key, at, buffer, PL_GZIP_CHUNK, &got, err);
        if (st == PLUMB_OK) pl_sha256_add(sha, pl_span_make(buffer, got));
    }
    pl_sha256_hex(sha, identity);
    pl_sha256_free(sha);
    free(buffer);
    if (st == PLUMB_OK && !atomic_load(r->task->cancel) && strcmp(identity, object->sha256) != 0)
        return pl_fail(err, PLUMB_E_MALFORMED, NOT_ITSELF);
    return st;
}

// What of a broken object may be used: everything delivered when it was cut short; only complete
// members when a checksum or the stream itself was wrong.
static plumb_status trusted_bytes(pl_reading *r, const pl_work_object *object, plumb_error *err)
{
    pl_raw *raw;
    static const size_t CHUNK = PL_GZIP_CHUNK;
    PL_TRY(pl_raw_open(r->task->store, object->key, &raw, err));
    char *buffer = pl_alloc(CHUNK);
    plumb_status st;
    size_t got;
    do st = pl_raw_read(raw, buffer, CHUNK, &got, err);
    while (st == PLUMB_OK && got && !atomic_load(r->task->cancel));
    if (st == PLUMB_E_MALFORMED) st = PLUMB_OK; // that is what we came to see
    pl_gzip_state state = pl_raw_state(raw);
    r->limit = state.end == PL_GZIP_CORRUPT ? state.verified : state.content;
    free(buffer);
    if (st == PLUMB_OK) st = check_broken(r, object, state.head_bytes, err);
    pl_raw_close(raw);
    return st;
}

// The framer's source: chunks of content, with a break turned into the end.
static plumb_status read_content(void *context, char *buffer, size_t bytes, size_t *ret_got,
                                 plumb_error *err)
{
    pl_reading *r = context;
    if (atomic_load_explicit(r->task->cancel, memory_order_relaxed))
        return pl_fail(err, PLUMB_E_CANCELLED, "stopped on request");
    bytes = (size_t)PL_MIN((uint64_t)bytes, r->limit - r->delivered);
    *ret_got = 0;
    plumb_status st = bytes ? pl_raw_read(r->raw, buffer, bytes, ret_got, err) : PLUMB_OK;
    if (st == PLUMB_E_MALFORMED) {
        pl_gzip_state state = pl_raw_state(r->raw);
        r->cut = true;
        snprintf(r->cut_reason, sizeof r->cut_reason, "gzip breaks at byte %llu: %s",
                 (unsigned long long)state.compressed, state.reason ? state.reason : "corrupt");
        *ret_got = 0;
        return PLUMB_OK;
    }
    PL_TRY(st);
    r->delivered += *ret_got;
    if (r->task->progress && r->delivered > r->furthest)
        atomic_fetch_add(&r->task->progress->content_bytes, r->delivered - r->furthest);
    r->furthest = PL_MAX(r->furthest, r->delivered);
    return PLUMB_OK;
}

// Go back and drop what stands before `offset`.
static plumb_status seek_content(void *context, uint64_t offset, plumb_error *err)
{
    pl_reading *r = context;
    PL_TRY(pl_raw_rewind(r->raw, offset, err));
    r->delivered = pl_raw_content_bytes(r->raw);
    r->cut = false;
    char *buffer = pl_alloc(PL_GZIP_CHUNK);
    plumb_status st = PLUMB_OK;
    size_t got = 1;
    while (st == PLUMB_OK && got && r->delivered < offset) {
        size_t bytes = (size_t)PL_MIN(offset - r->delivered, (uint64_t)PL_GZIP_CHUNK);
        st = read_content(r, buffer, bytes, &got, err);
    }
    free(buffer);
    return st;
}

// What is wrong with the object is no failure of who reads it.
static plumb_status unreadable(pl_reading *r, plumb_status st, const plumb_error *err)
{
    if (st != PLUMB_E_NOT_FOUND && st != PLUMB_E_MALFORMED) return st;
    snprintf(r->unreadable, sizeof r->unreadable, "%s", err->message);
    r->ended = true;
    return PLUMB_OK;
}

plumb_status pl_reading_open(pl_reading *r, uint32_t object, pl_object_result *out,
                             plumb_error *err)
{
    r->object = &r->task->objects[object];
    r->number = object;
    r->out = out;
    r->limit = UINT64_MAX;
    r->delivered = r->furthest = r->framed = r->taken = r->given = 0;
    r->cut = r->moved = r->is_itself = r->ended = false;
    r->unreadable[0] = '\0';
    pl_keyset_object(&r->keys);
    plumb_status st = PLUMB_OK;
    if (r->object->broken) st = trusted_bytes(r, r->object, err);
    if (st == PLUMB_OK) st = pl_raw_open(r->task->store, r->object->key, &r->raw, err);
    if (st != PLUMB_OK) return unreadable(r, st, err);
    pl_framer_options framing;
    pl_map_framing(r->task->plan, r->object->format, &framing);
    framing.seek = seek_content;
    framing.envelopes = r->task->observe;
    r->framer = pl_framer_new(&framing, read_content, r);
    return PLUMB_OK;
}

uint32_t pl_reading_object(const pl_reading *reading)
{
    return reading->number;
}

void pl_reading_key(const pl_reading *reading, const pl_mapper *mapper, pl_outcome *outcome)
{
    const pl_keyset *keys = &reading->keys;
    if (!keys->column_count) return;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < keys->column_count; i++) {
        pl_value value = pl_mapper_value(mapper, (uint32_t)keys->columns[i]);
        hash = pl_keyset_join(hash, &value);
    }
    PL_GROW(outcome->keys, outcome->key_count, outcome->key_capacity);
    outcome->keys[outcome->key_count++] = hash;
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

// The framer has come to the end.
static void note_end(pl_reading *r)
{
    r->framed = pl_framer_records(r->framer);
    r->is_itself = !r->object->broken && !r->cut && is_itself(r->raw, r->object);
    if (r->object->broken && !r->cut && r->delivered == r->limit) {
        r->cut = true;
        snprintf(r->cut_reason, sizeof r->cut_reason,
                 "gzip is broken after byte %llu of the content", (unsigned long long)r->limit);
    }
}

plumb_status pl_reading_take(pl_reading *r, pl_frames *frames, pl_outcome *outcome, bool *ret_more,
                             plumb_error *err)
{
    plumb_status st = PLUMB_OK;
    *ret_more = false;
    pthread_mutex_lock(&r->turn);
    if (!r->ended) {
        st = pl_framer_take(r->framer, frames, err);
        *ret_more = st == PLUMB_OK && (frames->count || frames->envelope_count);
        outcome->chunk = r->taken;
        r->taken += *ret_more;
        r->ended = !*ret_more;
        if (st != PLUMB_OK)
            st = unreadable(r, st, err);
        else if (r->ended)
            note_end(r);
    }
    pthread_mutex_unlock(&r->turn);
    return st;
}

// ---- the books ---------------------------------------------------------------------------------
const char pl_work_other_ranges[] =
    "among the records from here on; more places in one object are not listed";

// Add a range behind the others: one with what is before it if it only goes on, and the last of
// all if there is no room.
static void add_range(pl_quarantine_range **ranges, uint32_t *count, uint32_t *capacity,
                      uint32_t room, const pl_quarantine_range *range)
{
    bool full = *count > room; // the last one takes what follows
    if (*count) {
        pl_quarantine_range *last = &(*ranges)[*count - 1];
        if (full || (last->record_first + last->record_count == range->record_first &&
                     pl_span_equal(last->column, range->column) &&
                     strcmp(last->reason, range->reason) == 0)) {
            last->record_count += range->record_count;
            last->byte_count = range->byte_first + range->byte_count - last->byte_first;
            return;
        }
    }
    bool others = *count == room;
    PL_GROW(*ranges, *count, *capacity);
    pl_quarantine_range *added = &(*ranges)[(*count)++];
    *added = *range;
    if (!others) return;
    added->column = (pl_span){0};
    added->reason = pl_work_other_ranges;
    added->sample = "";
}

void pl_outcome_reject(pl_outcome *outcome, const pl_frame *frame, const pl_reject *reject,
                       pl_arena *arena)
{
    pl_quarantine_range range = {.record_first = frame->index,
                                 .record_count = 1,
                                 .byte_first = frame->offset,
                                 .byte_count = frame->bytes,
                                 .error_at = reject->error_at,
                                 .column = reject->column,
                                 .reason = reject->reason};
    uint32_t count = outcome->range_count;
    add_range(&outcome->ranges, &outcome->range_count, &outcome->range_capacity, UINT32_MAX,
              &range);
    if (outcome->range_count == count) return;
    pl_quarantine_range *added = &outcome->ranges[count];
    added->reason = pl_arena_cstr(arena, pl_span_of(reject->reason));
    added->sample = pl_arena_cstr(arena, pl_span_of(reject->sample));
}

bool pl_outcome_wants(pl_outcome *outcome, const pl_work_retry *retry, uint32_t *range,
                      const pl_frame *frame)
{
    if (!retry || retry->whole) return true;
    const pl_work_range *at = retry->ranges + *range, *end = retry->ranges + retry->range_count;
    while (at < end && frame->index >= at->record_first + at->record_count) at++;
    *range = (uint32_t)(at - retry->ranges);
    if (at == end || frame->index < at->record_first) return false;
    if (frame->index == at->record_first && frame->offset != at->byte_first) outcome->moved = true;
    if (frame->index + 1 == at->record_first + at->record_count &&
        frame->offset + frame->bytes != at->byte_first + at->byte_count)
        outcome->moved = true;
    return true;
}

static void enter(pl_reading *r, const pl_outcome *outcome)
{
    pl_object_result *out = r->out;
    const pl_work_retry *retry = r->object->retry;
    uint32_t room = retry ? retry->room : PL_QUARANTINE_MAX;
    out->records += outcome->records;
    out->rows += outcome->rows;
    out->filtered += outcome->filtered;
    out->lost += outcome->lost;
    out->coerced += outcome->coerced;
    out->conflicts += outcome->conflicts;
    r->moved |= outcome->moved;
    for (uint32_t i = 0; i < outcome->range_count; i++) {
        out->quarantined += outcome->ranges[i].record_count;
        add_range(&out->ranges, &out->range_count, &out->range_capacity, room, &outcome->ranges[i]);
    }
    for (uint32_t i = 0; i < outcome->key_count; i++) pl_keyset_add(&r->keys, outcome->keys[i]);
    r->given++;
}

void pl_reading_give(pl_reading *r, const pl_outcome *outcome)
{
    pl_outcome own = *outcome;
    pthread_mutex_lock(&r->lock);
    if (own.chunk == r->given) {
        enter(r, &own);
        outcome_done(&own);
        while (r->waiting && r->waiting->chunk == r->given) {
            pl_outcome *next = r->waiting;
            r->waiting = next->next;
            enter(r, next);
            outcome_done(next);
            free(next);
        }
    } else {
        pl_outcome **at = &r->waiting, *kept = pl_alloc(sizeof *kept);
        while (*at && (*at)->chunk < own.chunk) at = &(*at)->next;
        *kept = own;
        kept->next = *at;
        *at = kept;
    }
    pthread_mutex_unlock(&r->lock);
}

// The part of a broken object that cannot be read is one more record, quarantined.
static void add_cut(pl_reading *r, pl_arena *arena)
{
    pl_frame frame = {.index = r->framed++, .offset = r->delivered, .error_at = r->delivered};
    pl_reject reject = {.error_at = r->delivered};
    pl_outcome outcome = {.records = 1};
    uint32_t range = 0;
    if (!pl_outcome_wants(&outcome, r->object->retry, &range, &frame)) return;
    snprintf(reject.reason, sizeof reject.reason, "%s", r->cut_reason);
    pl_outcome_reject(&outcome, &frame, &reject, arena);
    enter(r, &outcome);
    outcome_done(&outcome);
}

// Why an object that landed whole cannot be trusted now; NULL if it can.
static const char *damage(const pl_reading *r)
{
    const pl_work_object *object = r->object;
    if (object->broken) return NULL;
    if (r->cut) return r->cut_reason;
    if (object->content_bytes >= 0 && r->delivered != (uint64_t)object->content_bytes)
        return "its content has another length than when it landed";
    return r->is_itself ? NULL : NOT_ITSELF;
}

void pl_reading_close(pl_reading *r, pl_arena *arena)
{
    const pl_work_retry *retry = r->object->retry;
    pl_object_result *out = r->out;
    const char *why = *r->unreadable ? r->unreadable : NULL;
    if (!why) {
        if (!retry) out->records = r->framed; // a count of its own: invariant I2
        if (r->cut) add_cut(r, arena);
        out->duplicates = pl_keyset_duplicates(&r->keys);
        why = damage(r);
    }
    if (!why && retry && !retry->whole && (r->moved || r->framed != retry->records)) {
        why = "today's mapping counts its records otherwise";
        out->recounted = true;
    }
    if (why) out->damaged = pl_arena_cstr(arena, pl_span_of(why));
    forget_object(r);
}
