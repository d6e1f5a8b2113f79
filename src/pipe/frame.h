// frame.h -- the frames between plumb and plumb-sql: what crosses the socket, byte for byte.
//
// plumb starts the worker with one end of a stream socket as its descriptor 0; both directions
// carry frames:
//
//     offset 0  u32  payload bytes, little-endian, at most PL_FRAME_BYTES_MAX
//            4  u8   type (pl_frame_type)
//            5  u8x3 zero, reserved
//            8       payload
//
//     worker                                plumb
//       HELLO {"protocol","plumb"}     -->    refuses another protocol
//                                      <--    REQUEST {"kind","sql","tables",…}
//       COLUMNS                        -->
//       ROWS, ROWS, …                  -->
//       DONE {"rows",…}  or  ERROR {…} -->    always the last frame
//
// The layout of COLUMNS and ROWS is in rows.h; HELLO, REQUEST, DONE and ERROR are JSON objects.
// REQUEST's "kind" is "query" or "probe"; "price" and frame types 16 to 31 are kept for pricing a
// query before it runs.
//
// A frame that breaks these rules is PLUMB_E_MALFORMED; nothing after it is read.
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PIPE_FRAME_H
#define PL_PIPE_FRAME_H

#include "base/buf.h"
#include "base/error.h"

#define PL_PIPE_PROTOCOL      1
#define PL_FRAME_HEADER_BYTES 8
#define PL_FRAME_BYTES_MAX    (64u * 1024 * 1024)

typedef enum pl_frame_type {
    PL_FRAME_HELLO = 1,
    PL_FRAME_REQUEST = 2,
    PL_FRAME_COLUMNS = 3,
    PL_FRAME_ROWS = 4,
    PL_FRAME_PROGRESS = 5, // JSON; a reader that does not know its members ignores it
    PL_FRAME_DONE = 6,
    PL_FRAME_ERROR = 7,
} pl_frame_type;

typedef struct pl_frame {
    pl_frame_type type;
    pl_span payload; // borrowed from the reader until its next call
} pl_frame;

// Append one whole frame. The payload must be within PL_FRAME_BYTES_MAX.
void pl_frame_append(pl_buf *out, pl_frame_type type, pl_span payload);

// Build a payload in place: begin remembers where the header goes, end fills it in.
size_t pl_frame_begin(pl_buf *out, pl_frame_type type);
void pl_frame_end(pl_buf *out, size_t begun);

// Bytes come in any pieces, frames come out whole. Zero-initialise; done frees.
typedef struct pl_frame_reader {
    pl_buf bytes; // received, from `at` on not yet taken
    size_t at;
} pl_frame_reader;

// Where received bytes are to be appended; borrowed until the next call.
pl_buf *pl_frame_room(pl_frame_reader *reader);
void pl_frame_feed(pl_frame_reader *reader, pl_span bytes); // append a copy
// *ret_found tells whether a whole frame stood there; it is taken if so.
PL_MUST_USE plumb_status pl_frame_next(pl_frame_reader *reader, pl_frame *ret_frame,
                                       bool *ret_found, plumb_error *err);
void pl_frame_reader_done(pl_frame_reader *reader);

#endif
