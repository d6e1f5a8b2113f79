// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "flow/raw.h"
#include "json/tree.h"

enum { MARKS_MAX = 48, MARK_BYTES = 4 * 1024 * 1024 };

// A place in the content to go back to.
typedef struct mark {
    pl_gzip_reader *gzip;
    uint64_t content_bytes;
} mark;

struct pl_raw {
    pl_store *store;
    const char *key; // in arena
    uint64_t offset; // next byte of the object to read
    pl_gzip_reader *gzip;
    pl_arena arena;
    pl_raw_head head;
    char *first; // content inflated while the head was read
    size_t first_bytes, first_at;
    uint64_t content_bytes; // given
    mark marks[MARKS_MAX];  // in order
    uint32_t mark_count;
    bool marking;
};

static plumb_status object_read(void *context, void *buffer, size_t bytes, size_t *ret_got,
                                plumb_error *err)
{
    pl_raw *raw = context;
    PL_TRY(pl_store_read(raw->store, raw->key, raw->offset, buffer, bytes, ret_got, err));
    raw->offset += *ret_got;
    return PLUMB_OK;
}

static bool parse_head(pl_raw *raw, pl_span text)
{
    pl_json *json;
    pl_span id, format;
    int64_t version;
    // The tree borrows from its text, which must live as long as the head.
    text = pl_arena_copy(&raw->arena, text);
    if (pl_json_parse(text, &raw->arena, &json, NULL) != PLUMB_OK) return false;
    if (!pl_json_get_long(json, "raw", &version) || version != 1) return false;
    if (!pl_json_get_text(json, "id", &id) || !pl_ulid_valid(id)) return false;
    if (!pl_json_get_text(json, "source", &raw->head.source)) return false;
    if (!pl_json_get_text(json, "name", &raw->head.name)) return false;
    if (!pl_json_get_long(json, "received_us", &raw->head.received_us)) return false;
    if (!pl_json_get_text(json, "format", &format)) return false;
    raw->head.id = pl_arena_cstr(&raw->arena, id);
    const pl_json *again = pl_json_get(json, "again");
    raw->head.again = again && again->kind == PL_JSON_TRUE;
    return pl_format_parse(format, &raw->head.format);
}

// Inflate the first chunk.
static plumb_status begin(pl_raw *raw, plumb_error *err)
{
    raw->gzip = pl_gzip_reader_new(object_read, raw);
    raw->offset = raw->content_bytes = raw->first_at = 0;
    return pl_gzip_read(raw->gzip, raw->first, PL_GZIP_CHUNK, &raw->first_bytes, err);
}

plumb_status pl_raw_open(pl_store *store, const char *key, pl_raw **ret_raw, plumb_error *err)
{
    pl_raw *raw = pl_zalloc(1, sizeof *raw);
    raw->store = store;
    raw->key = pl_arena_cstr(&raw->arena, pl_span_of(key));
    raw->first = pl_alloc(PL_GZIP_CHUNK);
    plumb_status st = begin(raw, err);
    if (st == PLUMB_OK) {
        pl_gzip_state state = pl_gzip_reader_state(raw->gzip);
        if (!state.head_bytes || !parse_head(raw, state.head))
            st =
                pl_fail(err, PLUMB_E_MALFORMED,
                        "cannot read raw object '%s': it does not begin as plumb writes them", key);
    }
    if (st == PLUMB_OK)
        *ret_raw = raw;
    else
        pl_raw_close(raw);
    return st;
}

void pl_raw_close(pl_raw *raw)
{
    if (!raw) return;
    pl_gzip_reader_free(raw->gzip);
    for (uint32_t i = 0; i < raw->mark_count; i++) pl_gzip_reader_free(raw->marks[i].gzip);
    pl_arena_done(&raw->arena);
    free(raw->first);
    free(raw);
}

const pl_raw_head *pl_raw_head_of(const pl_raw *raw)
{
    return &raw->head;
}

uint64_t pl_raw_content_bytes(const pl_raw *raw)
{
    return raw->content_bytes;
}

pl_gzip_state pl_raw_state(const pl_raw *raw)
{
    return pl_gzip_reader_state(raw->gzip);
}

// Of three marks in a row the middle one goes when they lie closer together than what has been read
// since: their distances double on the way back, and their number is the logarithm of the content.
static void mark_here(pl_raw *raw)
{
    uint32_t count = raw->mark_count;
    uint64_t last = count ? raw->marks[count - 1].content_bytes : 0;
    if (!raw->marking || raw->content_bytes - last < MARK_BYTES || count == MARKS_MAX) return;
    mark here = {.content_bytes = raw->content_bytes};
    here.gzip = pl_gzip_reader_copy(raw->gzip, &raw->offset); // where it is already
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t before = kept ? raw->marks[kept - 1].content_bytes : 0;
        uint64_t after = i + 1 < count ? raw->marks[i + 1].content_bytes : here.content_bytes;
        if (i + 1 < count && after - before < here.content_bytes - after)
            pl_gzip_reader_free(raw->marks[i].gzip);
        else
            raw->marks[kept++] = raw->marks[i];
    }
    raw->marks[kept] = here;
    raw->mark_count = kept + 1;
}

plumb_status pl_raw_rewind(pl_raw *raw, uint64_t offset, plumb_error *err)
{
    raw->marking = true;
    while (raw->mark_count && raw->marks[raw->mark_count - 1].content_bytes > offset)
        pl_gzip_reader_free(raw->marks[--raw->mark_count].gzip);
    pl_gzip_reader_free(raw->gzip);
    raw->gzip = NULL;
    if (!raw->mark_count) return begin(raw, err);
    const mark *to = &raw->marks[raw->mark_count - 1];
    raw->gzip = pl_gzip_reader_copy(to->gzip, &raw->offset);
    raw->content_bytes = to->content_bytes;
    raw->first_at = raw->first_bytes;
    return PLUMB_OK;
}

plumb_status pl_raw_read(pl_raw *raw, void *buffer, size_t bytes, size_t *ret_got, plumb_error *err)
{
    size_t got = PL_MIN(bytes, raw->first_bytes - raw->first_at);
    if (got) {
        memcpy(buffer, raw->first + raw->first_at, got);
        raw->first_at += got;
    } else {
        mark_here(raw);
        PL_TRY(pl_gzip_read(raw->gzip, buffer, bytes, &got, err));
    }
    if (got == 0 && bytes) {
        pl_gzip_state state = pl_gzip_reader_state(raw->gzip);
        if (state.end != PL_GZIP_COMPLETE) {
            uint64_t at = state.compressed - state.head_bytes;
            pl_fail(err, PLUMB_E_MALFORMED, "gzip input is broken at byte %llu: %s",
                    (unsigned long long)at, state.reason);
            if (err) err->offset = (int64_t)at;
            return PLUMB_E_MALFORMED;
        }
    }
    raw->content_bytes += got;
    *ret_got = got;
    return PLUMB_OK;
}

plumb_status pl_raw_framer_read(void *raw, char *buffer, size_t bytes, size_t *ret_got,
                                plumb_error *err)
{
    return pl_raw_read(raw, buffer, bytes, ret_got, err);
}

// ---- verify ------------------------------------------------------------------------------------
static plumb_status hash_content(pl_raw *raw, char out[PL_SHA256_TEXT], plumb_error *err)
{
    char *buffer = pl_alloc(PL_GZIP_CHUNK);
    pl_sha256 *sha = pl_sha256_new();
    plumb_status st = PLUMB_OK;
    size_t got = 1;
    while (got && st == PLUMB_OK) {
        st = pl_raw_read(raw, buffer, PL_GZIP_CHUNK, &got, err);
        if (st == PLUMB_OK) pl_sha256_add(sha, pl_span_make(buffer, got));
    }
    pl_sha256_hex(sha, out);
    pl_sha256_free(sha);
    free(buffer);
    return st;
}

// Hash the payload: bytes [from, to) of the object; `prefix` before them.
static plumb_status hash_payload(pl_raw *raw, uint64_t from, uint64_t to, pl_span prefix,
                                 char out[PL_SHA256_TEXT], plumb_error *err)
{
    char *buffer = pl_alloc(PL_GZIP_CHUNK);
    pl_sha256 *sha = pl_sha256_new();
    pl_sha256_add(sha, prefix);
    plumb_status st = PLUMB_OK;
    size_t got = 1;
    while (got && from < to && st == PLUMB_OK) {
        size_t want = (size_t)PL_MIN(to - from, PL_GZIP_CHUNK);
        st = pl_store_read(raw->store, raw->key, from, buffer, want, &got, err);
        if (st == PLUMB_OK) pl_sha256_add(sha, pl_span_make(buffer, got));
        from += got;
    }
    pl_sha256_hex(sha, out);
    pl_sha256_free(sha);
    free(buffer);
    return st;
}

// Does the trailer say of `part` what was found?
static plumb_status compare(const pl_raw *raw, const pl_json *trailer, const char *part,
                            uint64_t bytes, const char *sha256, plumb_error *err)
{
    const pl_json *said = pl_json_get(trailer, part);
    int64_t said_bytes;
    pl_span said_sha;
    if (!pl_json_get_long(said, "bytes", &said_bytes) ||
        !pl_json_get_text(said, "sha256", &said_sha))
        return pl_fail(err, PLUMB_E_MALFORMED,
                       "cannot verify raw object '%s': its trailer does not describe its %s",
                       raw->key, part);
    if ((uint64_t)said_bytes != bytes)
        return pl_fail(err, PLUMB_E_MALFORMED,
                       "cannot verify raw object '%s': expected %llu bytes of %s, found %llu",
                       raw->key, (unsigned long long)said_bytes, part, (unsigned long long)bytes);
    if (!pl_span_is(said_sha, sha256))
        return pl_fail(err, PLUMB_E_MALFORMED,
                       "cannot verify raw object '%s': expected SHA-256 %.*s of its %s, found %s",
                       raw->key, PL_FMT(said_sha), part, sha256);
    return PLUMB_OK;
}

// What is wrong with the content was found by reading it; here everything else.
static plumb_status verify_sums(pl_raw *raw, const char *content_sha, pl_raw_info *info,
                                plumb_error *err)
{
    pl_gzip_state state = pl_gzip_reader_state(raw->gzip);
    uint64_t size;
    PL_TRY(pl_store_size(raw->store, raw->key, &size, err));
    info->format = raw->head.format;
    info->stored_bytes = size;
    info->content_bytes = raw->content_bytes;
    info->broken = state.end != PL_GZIP_COMPLETE;
    uint64_t end = size;
    if (info->broken) {
        info->reason = state.reason;
        info->broken_at = state.compressed - state.head_bytes;
        PL_TRY(hash_payload(raw, state.head_bytes, end, PL_SPAN("broken\n"), info->identity, err));
    } else {
        if (!state.trailer.bytes)
            return pl_fail(err, PLUMB_E_MALFORMED,
                           "cannot verify raw object '%s': it has no trailer", raw->key);
        end = state.trailer_at;
        memcpy(info->identity, content_sha, PL_SHA256_TEXT);
    }
    info->payload_bytes = end - state.head_bytes;
    PL_TRY(hash_payload(raw, state.head_bytes, end, PL_SPAN(""), info->payload_sha256, err));
    if (info->broken) return PLUMB_OK;
    pl_json *trailer;
    plumb_error inner;
    if (pl_json_parse(state.trailer, &raw->arena, &trailer, &inner) != PLUMB_OK)
        return pl_fail(err, PLUMB_E_MALFORMED, "cannot verify raw object '%s': trailer is %s",
                       raw->key, inner.message);
    PL_TRY(compare(raw, trailer, "payload", info->payload_bytes, info->payload_sha256, err));
    return compare(raw, trailer, "content", info->content_bytes, info->identity, err);
}

plumb_status pl_raw_verify(pl_store *store, const char *key, pl_raw_info *ret_info,
                           plumb_error *err)
{
    pl_raw *raw;
    pl_raw_info info = {0};
    char content_sha[PL_SHA256_TEXT];
    PL_TRY(pl_raw_open(store, key, &raw, err));
    plumb_status st = hash_content(raw, content_sha, err);
    // A broken payload ends the reading with PLUMB_E_MALFORMED; its state says what it was.
    if (st == PLUMB_E_MALFORMED && pl_raw_state(raw).end != PL_GZIP_MORE) st = PLUMB_OK;
    if (st == PLUMB_OK) st = verify_sums(raw, content_sha, &info, err);
    if (st == PLUMB_OK) *ret_info = info;
    pl_raw_close(raw);
    return st;
}
