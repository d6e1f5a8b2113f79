// framer_int.h -- the framer's parts: framer.c reads the formats, unpack.c the arrays of a document
// in the window, stream.c the array of one that is larger.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_FRAMER_INT_H
#define PL_JSON_FRAMER_INT_H

#include "json/survey_int.h"

typedef enum pl_framer_state {
    AT_START,
    IN_DOCUMENTS,
    IN_STREAM, // inside the array of a document that is not in the window
    AT_END,
    AT_FAILURE, // reported; it stays
} pl_framer_state;

// An array being unpacked, as offsets into the window.
typedef struct level {
    size_t start, end;  // what it was found in: a document, or an item of the level above
    size_t array, item; // behind its bracket; the next item
    uint64_t number;
    bool first;
    int depth;           // of its items
    pl_json_error error; // of the whole document; reason NULL: it is valid
    pl_span parent;
} level;

enum { LEVELS_MAX = PL_FRAMER_ARRAYS_MAX };

struct pl_framer {
    pl_framer_options options;
    pl_framer_read read;
    void *context;
    pl_framer_state state;
    pl_buf window;       // bytes of the content from `base` on
    uint64_t base;       // content offset of window.data[0]
    size_t at;           // framed up to here, in the window
    bool ended;          // the content's end is in the window
    plumb_error failure; // what the read callback failed with, once the window is used up
    bool failed;
    uint64_t index; // records so far
    level levels[LEVELS_MAX];
    uint32_t level_count;
    uint32_t first_array; // of the records path: 1 when the format has unpacked the first one
    pl_span document;     // for frames: the text in the window, or what was kept of it
    uint64_t envelope;
    pl_frames *taking; // where envelopes go; NULL: nobody asks
    uint64_t line_at;  // content offset of the line being read
    // The document being streamed.
    pl_survey survey;
    uint64_t stream_end;
    bool stream_first;
    pl_span stream_parent;
};

// Bytes of the window from `at` on.
static inline pl_span pl_framer__pending(const pl_framer *f)
{
    return (pl_span){f->window.data + f->at, f->window.count - f->at};
}

// How deep a value of the content, or of the array being streamed, already is.
static inline int pl_framer__depth(const pl_framer *f)
{
    if (f->state == IN_STREAM) return (int)f->options.key_count + 1;
    return f->options.format == PL_FORMAT_ARRAY;
}

// framer.c
// Read on: at least as much as is pending, so that retries over one long item stay linear however
// little the callback gives at a time.
plumb_status pl_framer__fill(pl_framer *f, plumb_error *err);
// Read some 256 KiB at a time.
enum { PL_FRAMER_READ_BYTES = 256 * 1024 };
// Fill in a frame: a record in the window, or a bad one by content offset.
void pl_framer__good(pl_framer *f, size_t start, size_t end, pl_frame *frame);
void pl_framer__bad(pl_framer *f, uint64_t offset, uint64_t bytes, uint64_t error_at,
                    const char *reason, pl_frame *frame);
// One bad record from content offset `offset` to the end of the content, which is read and dropped;
// or to where reading it fails, which the next call reports.
plumb_status pl_framer__bad_to_end(pl_framer *f, uint64_t offset, uint64_t error_at,
                                   const char *reason, pl_frame *frame);
// Go on to where a broken document among concatenated ones is taken to end: before the next line
// that begins with a bracket.
plumb_status pl_framer__pass_document(pl_framer *f, plumb_error *err);
// "a record is larger than 16 MiB"
void pl_framer__limit_reason(char reason[160], const char *what, size_t limit);

// unpack.c
// Offset of the array at `keys` inside the object or array at `at`, or SIZE_MAX; *ret_holder is
// that of the object whose member it is. In valid text the last of repeated keys counts; in broken
// text the first that is reached.
size_t pl_framer__find_array(pl_span text, size_t at, const pl_span *keys, uint32_t count,
                             bool valid, size_t *ret_holder);
// The object at `at`, as far as it goes; empty for SIZE_MAX.
pl_span pl_framer__object_at(pl_span text, size_t at);
// Enter the document [start, end). False: it became one bad record.
bool pl_framer__open_envelope(pl_framer *f, size_t start, size_t end, pl_frame *frame);
// An item [at, end) of array number `array` of the records path: a record, or a container of
// further ones, which is entered. False: no frame was made.
bool pl_framer__take_item(pl_framer *f, uint32_t array, size_t at, size_t end, int depth,
                          pl_span parent, pl_frame *frame);
// The next frame of the innermost level; false: the level was used up, or a new one entered.
bool pl_framer__level_item(pl_framer *f, pl_frame *frame);

// stream.c
// Enter the document at f->at, which does not fit into the window. *ret_made: it became one bad
// record.
plumb_status pl_framer__open_stream(pl_framer *f, pl_frame *frame, bool *ret_made,
                                    plumb_error *err);
// The value at f->at is complete in the window after this, up to *ret_end; or it is broken, then
// that is SIZE_MAX; or larger than `limit`, then there is no reason either.
plumb_status pl_framer__whole_item(pl_framer *f, size_t limit, size_t *ret_end,
                                   pl_json_error *ret_error, plumb_error *err);
// Pass the value at f->at, which is larger than a record may be, as one bad record. *ret_dropped
// false: it does not end well; f->at is then somewhere inside.
plumb_status pl_framer__drop_item(pl_framer *f, uint64_t error_at, const char *reason,
                                  pl_frame *frame, bool *ret_dropped, plumb_error *err);
// The next frame of the streamed document; *ret_made false: it is used up, or an item was entered.
plumb_status pl_framer__stream_item(pl_framer *f, pl_frame *frame, bool *ret_made,
                                    plumb_error *err);

#endif
