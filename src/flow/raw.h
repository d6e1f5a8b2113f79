// raw.h -- the raw object: one input, whole and unchanged, self-describing, durable.
//
//     raw/source=tiktok/year=2026/month=11/day=22/hour=03/<ulid>.json.gz      0444
//
//     head     an empty gzip member: JSON with id, source, format, receipt time, original name
//     payload  gzip input verbatim; other input, zstd inflated, deflated anew
//     trailer  empty members: JSON with size and SHA-256 of payload and content; missing when the
//              payload is broken, because a reader would take what follows for data
//
// So `zcat` and every gzip reader see the content alone. The hour is that of the receipt time, UTC.
//
// An object's identity is a SHA-256: that of its content, however compressed it came. A broken
// payload has no whole content; its identity is the SHA-256 of the bytes "broken\n" followed by
// the payload, so that it never equals the identity of anything that inflates.
//
// Writing is in pieces, so that the registry's transactions fit between them:
//
//     pl_raw_begin    hidden name, locked       -> record the intent
//     pl_raw_fill     copy, inflate, hash
//     pl_raw_publish  fsync, final name, fsync  -> record the object
//                     (or pl_put_publish_all of many)
//     pl_raw_release, or pl_raw_abort, which removes what is there at any point
//
// Threads: one writer or reader by one thread.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_RAW_H
#define PL_FLOW_RAW_H

#include "base/ulid.h"
#include "codec/gzip.h"
#include "codec/sha256.h"
#include "store/store.h"
#include "json/framer.h"

#define PL_RAW_CONTENT_MAX   (UINT64_C(1) << 40) // bytes one object may inflate to
#define PL_RAW_NAME_MAX      1024                // bytes of the original name that are kept
#define PL_RAW_LEVEL_DEFAULT 1
#define PL_RAW_MODE          0444

typedef struct pl_raw_head {
    const char *id;      // ULID
    pl_span source;      // a name, checked by the caller
    pl_span name;        // original file name, "" if none
    int64_t received_us; // receipt time
    pl_format format;    // of the content
    bool again;          // landed on request although the content was known
} pl_raw_head;

typedef struct pl_raw_options {
    pl_raw_head head; // its format counts only with has_format, else it is sniffed
    bool has_format;
    int level; // for input that is not gzip: 0 stored ... PL_GZIP_LEVEL_MAX
    void (*progress)(void *context, uint64_t input_bytes); // per chunk; may be NULL
    void *progress_context;
} pl_raw_options;

typedef struct pl_raw_info {
    uint64_t stored_bytes;  // the file
    uint64_t payload_bytes; // between head and trailer
    uint64_t content_bytes; // inflated; as far as it went when broken
    uint64_t input_bytes;   // what was read
    char identity[PL_SHA256_TEXT];
    char payload_sha256[PL_SHA256_TEXT];
    pl_format format;
    bool broken;        // the payload did not inflate to its end
    const char *reason; // static; why, NULL if not broken
    uint64_t broken_at; // byte of the payload
} pl_raw_info;

// Append the store key of an object.
void pl_raw_key(const char *id, pl_span source, int64_t received_us, pl_buf *out);

typedef struct pl_raw_writer pl_raw_writer; // opaque

// `options` and what it points to must live as long as the writer.
PL_MUST_USE plumb_status pl_raw_begin(pl_store *store, const pl_raw_options *options,
                                      pl_raw_writer **ret_writer, plumb_error *err);
const char *pl_raw_writer_key(const pl_raw_writer *writer);
pl_put *pl_raw_writer_put(pl_raw_writer *writer); // to publish it with others; still the writer's
// Copy the whole input. PLUMB_E_MALFORMED for broken zstd and for compressions that are not read
// (bzip2, ...), PLUMB_E_LIMIT above PL_RAW_CONTENT_MAX, PLUMB_E_CANCELLED; else what read or store
// failed with.
PL_MUST_USE plumb_status pl_raw_fill(pl_raw_writer *writer, pl_read_fn read, void *context,
                                     pl_raw_info *ret_info, plumb_error *err);
PL_MUST_USE plumb_status pl_raw_publish(pl_raw_writer *writer, plumb_error *err);
void pl_raw_release(pl_raw_writer *writer); // keep the object; NULL is a no-op
void pl_raw_abort(pl_raw_writer *writer);   // remove it; NULL is a no-op

// All of it in one call, for callers without a registry. The key goes to arena.
PL_MUST_USE plumb_status pl_raw_write(pl_store *store, const pl_raw_options *options,
                                      pl_read_fn read, void *context, pl_arena *arena,
                                      const char **ret_key, pl_raw_info *ret_info,
                                      plumb_error *err);

// ---- reading -----------------------------------------------------------------------------------
typedef struct pl_raw pl_raw; // an open object, opaque

// PLUMB_E_NOT_FOUND, or PLUMB_E_MALFORMED if it has no head of ours.
PL_MUST_USE plumb_status pl_raw_open(pl_store *store, const char *key, pl_raw **ret_raw,
                                     plumb_error *err);
void pl_raw_close(pl_raw *raw);                       // NULL is a no-op
const pl_raw_head *pl_raw_head_of(const pl_raw *raw); // lives as long as `raw`
// The next content bytes, CRC-32 and length verified per member; *ret_got 0 at the end. Once all
// that could be inflated was given, a broken payload is PLUMB_E_MALFORMED with err->offset the byte
// of the payload.
PL_MUST_USE plumb_status pl_raw_read(pl_raw *raw, void *buffer, size_t bytes, size_t *ret_got,
                                     plumb_error *err);
// Go back to some place of the content at or before `offset`, which is behind what was read;
// pl_raw_content_bytes tells which. From the first time on places are remembered, the fewer the
// farther back: a way back costs no more than the way there did.
PL_MUST_USE plumb_status pl_raw_rewind(pl_raw *raw, uint64_t offset, plumb_error *err);
// The same as a pl_framer_read; `raw` is a pl_raw.
plumb_status pl_raw_framer_read(void *raw, char *buffer, size_t bytes, size_t *ret_got,
                                plumb_error *err);
uint64_t pl_raw_content_bytes(const pl_raw *raw); // given so far
// How the content ended; final after pl_raw_read gave 0 or PLUMB_E_MALFORMED. `verified` content
// bytes lie in members whose CRC-32 was right.
pl_gzip_state pl_raw_state(const pl_raw *raw);

// Read all of it and compare with head and trailer: PLUMB_E_MALFORMED says what differs. A payload
// that was broken when it landed is no difference: ret_info says so.
PL_MUST_USE plumb_status pl_raw_verify(pl_store *store, const char *key, pl_raw_info *ret_info,
                                       plumb_error *err);

// ---- formats -----------------------------------------------------------------------------------
// What the first bytes of content look like; `whole`: there is no more content than that.
//   [            array
//   { ...        ndjson if the first line, or at least half of all lines, is one whole object, or
//                if there is only one line; concatenated if another object begins where the first
//                one ends; else document
//   other        ndjson
pl_format pl_raw_sniff(pl_span content, bool whole);

#endif
