// gzip.h -- streaming gzip: members one after another, verified, with our own extra subfield.
//
// A gzip file is a chain of members (RFC 1952); its content is what they inflate to, joined.
// CRC-32 and length of every member are verified as it ends. A member may carry an extra field;
// ours is the subfield with id "PL":
//
//     'P' 'L' | bytes, 2, little-endian | part, 1 | payload
//     part: 'H' head;  'T' first, 't' further part of a trailer
//
// Members that carry it are empty (they inflate to nothing), so other readers do not notice them.
// The head counts only in the very first member, the trailer only at the very end: what a payload
// that was itself made by us brings along is passed over.
//
// The reader delivers the bytes that were inflated before a defect, then reports the defect with
// its place. How much of a damaged member comes out is a matter of the file's bytes alone, whatever
// pieces they are read and asked for in. `verified` says how much of what was delivered lies in
// members that were complete.
//
// Threads: one reader or writer by one thread at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CODEC_GZIP_H
#define PL_CODEC_GZIP_H

#include "base/buf.h"

// Up to `bytes` into `buffer`; *ret_got is 0 only at the end.
typedef plumb_status (*pl_read_fn)(void *context, void *buffer, size_t bytes, size_t *ret_got,
                                   plumb_error *err);
typedef plumb_status (*pl_write_fn)(void *context, pl_span bytes, plumb_error *err);

#define PL_GZIP_CHUNK     (256u * 1024) // good size for the buffer given to pl_gzip_read
#define PL_GZIP_EXTRA_MAX (60u * 1024)  // payload of one member's subfield
#define PL_GZIP_LEVEL_MAX 3

// Do the bytes (2 are enough) begin as gzip does?
static inline bool pl_gzip_magic(pl_span bytes)
{
    return bytes.bytes >= 2 && bytes.data[0] == '\x1f' && bytes.data[1] == '\x8b';
}

typedef enum pl_gzip_end {
    PL_GZIP_MORE,      // not at the end yet
    PL_GZIP_COMPLETE,  // every member inflated to its end
    PL_GZIP_TRUNCATED, // the input ends inside a member
    PL_GZIP_CORRUPT,   // not deflate, wrong CRC-32 or length, or no member where one must begin
} pl_gzip_end;

typedef struct pl_gzip_reader pl_gzip_reader; // opaque

// What is known so far; final once `end` is not PL_GZIP_MORE.
typedef struct pl_gzip_state {
    pl_gzip_end end;
    const char *reason;  // static; "truncated", "wrong CRC-32 or length", ...; NULL unless broken
    uint64_t compressed; // bytes of input consumed; where it broke
    uint64_t content;    // bytes delivered
    uint64_t verified;   // of them in members that ended as they should
    uint64_t members;    // complete ones, empty ones included
    pl_span head;        // payload of the first member's 'H' part; borrowed, empty if none
    uint64_t head_bytes; // size of that member; the rest of the input is not ours
    pl_span trailer;     // payload of the trailing 'T', 't'... parts, empty if none
    uint64_t trailer_at; // where the first of those members begins
} pl_gzip_state;

pl_gzip_reader *pl_gzip_reader_new(pl_read_fn read, void *context);
// A second reader that goes on from where this one is, once its `read` gives the same bytes again
// from input byte *ret_input on; about 350 KiB.
pl_gzip_reader *pl_gzip_reader_copy(const pl_gzip_reader *reader, uint64_t *ret_input);
void pl_gzip_reader_free(pl_gzip_reader *reader); // NULL is a no-op
// Inflate up to `bytes`; *ret_got is 0 only when nothing more will come: then look at the state's
// `end`. A defect is no failure here; failures are those of `read`, passed on.
PL_MUST_USE plumb_status pl_gzip_read(pl_gzip_reader *reader, void *buffer, size_t bytes,
                                      size_t *ret_got, plumb_error *err);
pl_gzip_state pl_gzip_reader_state(const pl_gzip_reader *reader);

typedef struct pl_gzip_writer pl_gzip_writer; // opaque: one member

// A member at `level`: 0 stored, 1 fast ... PL_GZIP_LEVEL_MAX. Same bytes in, same bytes out.
pl_gzip_writer *pl_gzip_writer_new(int level, pl_write_fn write, void *context);
PL_MUST_USE plumb_status pl_gzip_write(pl_gzip_writer *writer, pl_span bytes, plumb_error *err);
PL_MUST_USE plumb_status pl_gzip_finish(pl_gzip_writer *writer, plumb_error *err);
void pl_gzip_writer_free(pl_gzip_writer *writer); // NULL is a no-op

// Append empty members that carry `payload`: one as a head (at most PL_GZIP_EXTRA_MAX, asserted),
// or as many as a trailer needs.
void pl_gzip_append_head(pl_buf *out, pl_span payload);
void pl_gzip_append_trailer(pl_buf *out, pl_span payload);

// CRC-32 of gzip: start with 0, feed the result on.
uint32_t pl_crc32(uint32_t crc, pl_span bytes);

#endif
