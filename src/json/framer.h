// framer.h -- from a stream of bytes to records: where each one starts and ends.
//
// Four formats of content, and a path to the records inside a document:
//
//     ndjson        one document per line; blank lines are nothing
//     array         one top-level array; its items are the documents, streamed one by one
//     document      the whole content is one document
//     concatenated  documents one after another, on one line or over many
//
// Without a records path a document is a record. With one ("data.list[]") the documents are
// envelopes: the items of that array are the records. A path that leads to no array makes one bad
// record, never none; an empty array makes none.
//
// With several arrays in the path ("data[].comments[]") the items of the outer one are containers
// in which the inner one is looked for.
//
// A document up to PL_DOCUMENT_BYTES_MAX is looked at as a whole: of repeated keys the last counts,
// in broken text the first. A larger one is streamed in memory that does not grow with it, with the
// same result: read once to find its end and its array, then the array's items one by one. That
// needs a `seek`; without one a larger document is a bad record.
//
// What stands around the records, for whoever asks (`envelopes`), comes with frames that are taken
// many at a time: each document of an array of records without that array's items, once the array
// is read; and so each object that holds an inner array. Not of documents that are streamed, nor of
// broken ones.
//
// A bad record is a byte range and a reason: one line, or from a syntax error inside an array to
// the end of that array's document; in concatenated documents to the next line that begins with a
// bracket. It counts as one record, so that every byte is accounted for.
//
// Limits: PL_RECORD_BYTES_MAX, PL_DOCUMENT_BYTES_MAX.   Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_FRAMER_H
#define PL_JSON_FRAMER_H

#include "base/buf.h"
#include "json/text.h"

typedef enum pl_format {
    PL_FORMAT_NDJSON,
    PL_FORMAT_ARRAY,
    PL_FORMAT_DOCUMENT,
    PL_FORMAT_CONCATENATED,
    PL_FORMATS
} pl_format;

const char *pl_format_name(pl_format format); // "ndjson", "array", ...
bool pl_format_parse(pl_span name, pl_format *ret_format);

// Where bytes come from. *ret_got 0 means the end. An error status ends the framing: what was read
// before is framed as far as it is complete, then the caller learns it from pl_framer_next and
// decides what the rest of the object is. It is not called again after either.
typedef plumb_status (*pl_framer_read)(void *context, char *buffer, size_t bytes, size_t *ret_got,
                                       plumb_error *err);

// Go back, or on, to a byte of the content: the next read gives what follows it.
typedef plumb_status (*pl_framer_seek)(void *context, uint64_t offset, plumb_error *err);

// A member of the objects around the records that the caller will look at.
typedef struct pl_framer_want {
    uint32_t level; // 0: of the document, 1: of the object at the first key, ...
    pl_span key;
} pl_framer_want;

typedef struct pl_framer_keys {
    const pl_span *keys;
    uint32_t count;
} pl_framer_keys;

// How the reason of a bad record begins whose document has no array where the path leads.
#define PL_FRAMER_NO_ARRAY   "no array at "
#define PL_FRAMER_ARRAYS_MAX 4 // arrays of one records path

typedef struct pl_framer_options {
    pl_format format;
    bool has_records;    // a records path was given
    bool records_top;    // it is `$[]`: the documents themselves are the arrays
    const pl_span *keys; // else: keys to the array
    uint32_t key_count;
    const pl_framer_keys *inner; // arrays inside the items, outermost first
    uint32_t inner_count;
    const char *records_text;    // as written, for messages: "data.list"
    const pl_framer_want *wants; // any: frames carry the objects around them
    uint32_t want_count;
    bool envelopes;        // pl_framer_take gives them
    pl_framer_seek seek;   // NULL: large documents are bad records
    size_t document_bytes; // larger ones are streamed; 0: PL_DOCUMENT_BYTES_MAX
    size_t record_bytes;   // larger ones are bad records; 0: PL_RECORD_BYTES_MAX
} pl_framer_options;

typedef struct pl_frame {
    pl_span text;      // the record (valid until the next call); .data NULL: a bad record
    uint64_t offset;   // of its first byte in the content
    uint64_t bytes;    // of its range
    uint64_t index;    // records before it in this content, bad ones included
    uint64_t error_at; // bad: the exact byte in the content
    char reason[160];  // bad: why
    // With wants, of a record in an envelope: JSON of the document and of the object that holds the
    // record's array, as far as wanted, perhaps broken behind the array; empty if there is none.
    pl_span document, parent;
    uint64_t envelope; // another number whenever those two are others
} pl_frame;

typedef struct pl_framer pl_framer;

pl_framer *pl_framer_new(const pl_framer_options *options, pl_framer_read read, void *context);
void pl_framer_free(pl_framer *framer);

// The next record. *ret_more false: there is none (frame is then untouched). Fails only with what
// the read callback failed with, and then for good; what was framed before is complete, and the
// bytes from pl_framer_offset() on were not framed.
PL_MUST_USE plumb_status pl_framer_next(pl_framer *framer, pl_frame *ret_frame, bool *ret_more,
                                        plumb_error *err);

// ---- many at a time ----------------------------------------------------------------------------
// Records that live on while the framer goes on: so that one thread frames the next ones while
// another looks at these. Of NDJSON the window itself is handed over, of other formats the records
// are copied (256 KiB at a time: 2 % of what is done with them).
//
// A zero-initialised pl_frames is valid and may be used again and again.
// A document, or an object in the array before, with an empty array in place of its records.
typedef struct pl_envelope {
    uint32_t array;   // of the records path: 0 the first one
    uint64_t number;  // how many are before it in this content
    size_t at, bytes; // in frames->outside
} pl_envelope;

typedef struct pl_frames {
    pl_buf text; // owned, as all below
    struct pl_frames_item *items;
    uint32_t count, capacity;
    struct pl_frames_bad *bad;
    uint32_t bad_count, bad_capacity;
    struct pl_frames_around *around;
    uint32_t around_count, around_capacity;
    uint64_t first;    // index of the first record
    uint64_t serial;   // envelopes so far
    uint64_t envelope; // the last one, as the framer numbers them
    pl_buf outside;    // texts of the envelopes that ended
    pl_envelope *envelopes;
    uint32_t envelope_count, envelope_capacity;
} pl_frames;

// The next records, some 256 KiB of them, and the envelopes that ended; neither: there is none.
// Fails as pl_framer_next does, once there is nothing before the failure.
PL_MUST_USE plumb_status pl_framer_take(pl_framer *framer, pl_frames *frames, plumb_error *err);
// Record `i` of them, as pl_framer_next would have given it; but `envelope` is another number than
// that of any other records taken with these `frames`.
void pl_frames_get(const pl_frames *frames, uint32_t i, pl_frame *ret_frame);
void pl_frames_done(pl_frames *frames);

uint64_t pl_framer_offset(const pl_framer *framer);  // content bytes framed so far
uint64_t pl_framer_records(const pl_framer *framer); // records so far, bad ones included

#endif
