// SPDX-License-Identifier: Apache-2.0
#include "json/framer_int.h"

#include <stdio.h>
#include <stdlib.h>

const char *pl_format_name(pl_format format)
{
    static const char *const names[] = {"ndjson", "array", "document", "concatenated"};
    return names[format];
}

bool pl_format_parse(pl_span name, pl_format *ret_format)
{
    for (int format = PL_FORMAT_NDJSON; format < PL_FORMATS; format++)
        if (pl_span_is(name, pl_format_name((pl_format)format))) {
            *ret_format = (pl_format)format;
            return true;
        }
    return false;
}

pl_framer *pl_framer_new(const pl_framer_options *options, pl_framer_read read, void *context)
{
    pl_framer *framer = pl_zalloc(1, sizeof *framer);
    framer->options = *options;
    framer->read = read;
    framer->context = context;
    framer->first_array = options->records_top && options->format == PL_FORMAT_ARRAY;
    if (!framer->options.document_bytes) framer->options.document_bytes = PL_DOCUMENT_BYTES_MAX;
    if (!framer->options.record_bytes) framer->options.record_bytes = PL_RECORD_BYTES_MAX;
    return framer;
}

void pl_framer_free(pl_framer *framer)
{
    if (!framer) return;
    pl_buf_done(&framer->window);
    pl_survey__done(&framer->survey);
    free(framer);
}

uint64_t pl_framer_offset(const pl_framer *framer)
{
    return framer->base + framer->at;
}

uint64_t pl_framer_records(const pl_framer *framer)
{
    return framer->index;
}

// Read on: at least as much as is pending, so that retries over one long item stay linear however
// little the callback gives at a time. A failure behind bytes that came is reported by the next
// call, so that what was read before it is framed first.
plumb_status pl_framer__fill(pl_framer *f, plumb_error *err)
{
    size_t left = f->window.count - f->at;
    if (f->at) {
        if (left) memmove(f->window.data, f->window.data + f->at, left);
        f->window.count = left;
        f->base += f->at;
        f->at = 0;
    }
    size_t want = PL_MAX((size_t)PL_FRAMER_READ_BYTES, left), total = 0,
           least = PL_MAX(left, (size_t)1);
    char *room = pl_buf_reserve(&f->window, want);
    while (total < least && !f->ended && !f->failed) {
        size_t got = 0;
        f->failed = f->read(f->context, room + total, want - total, &got, &f->failure) != PLUMB_OK;
        if (f->failed) break;
        f->ended = got == 0;
        total += got;
    }
    f->window.count += total;
    if (!f->failed || total) return PLUMB_OK;
    if (err) *err = f->failure;
    return f->failure.status;
}

void pl_framer__good(pl_framer *f, size_t start, size_t end, pl_frame *frame)
{
    *frame = (pl_frame){.text = {f->window.data + start, end - start},
                        .offset = f->base + start,
                        .bytes = end - start,
                        .index = f->index++};
}

void pl_framer__bad(pl_framer *f, uint64_t offset, uint64_t bytes, uint64_t error_at,
                    const char *reason, pl_frame *frame)
{
    *frame =
        (pl_frame){.offset = offset, .bytes = bytes, .error_at = error_at, .index = f->index++};
    snprintf(frame->reason, sizeof frame->reason, "%s", reason);
}

plumb_status pl_framer__bad_to_end(pl_framer *f, uint64_t offset, uint64_t error_at,
                                   const char *reason, pl_frame *frame)
{
    do f->at = f->window.count;
    while (!f->ended && pl_framer__fill(f, NULL) == PLUMB_OK);
    f->at = f->window.count;
    pl_framer__bad(f, offset, f->base + f->at - offset, error_at, reason, frame);
    f->state = f->failed ? IN_DOCUMENTS : AT_END;
    return PLUMB_OK;
}

// Skip white space, reading on as needed. *ret_more false: only the end is left.
static plumb_status skip_space(pl_framer *f, bool *ret_more, plumb_error *err)
{
    for (;;) {
        f->at = pl_json_space(pl_buf_view(&f->window), f->at);
        *ret_more = f->at < f->window.count;
        if (*ret_more || f->ended) return PLUMB_OK;
        PL_TRY(pl_framer__fill(f, err));
    }
}

// Whether documents are containers of records.
static bool has_envelopes(const pl_framer *f)
{
    return f->options.has_records && f->first_array <= f->options.inner_count;
}

static bool can_stream(const pl_framer *f)
{
    return has_envelopes(f) && !f->first_array && f->options.seek;
}

static uint64_t document_limit(const pl_framer *f)
{
    return has_envelopes(f) ? f->options.document_bytes : f->options.record_bytes;
}

void pl_framer__limit_reason(char reason[160], const char *what, size_t limit)
{
    snprintf(reason, 160, "%s is larger than %u MiB", what, (unsigned)(limit / (1024 * 1024)));
}

static void limit_reason(const pl_framer *f, char reason[160])
{
    pl_framer__limit_reason(reason, has_envelopes(f) ? "a document" : "a record",
                            document_limit(f));
}

// A line longer than the limit: drop it up to its newline, or to where reading it fails.
static void long_line(pl_framer *f, pl_frame *frame)
{
    uint64_t offset = f->line_at;
    char reason[160];
    limit_reason(f, reason);
    for (;;) {
        pl_span rest = pl_framer__pending(f);
        const char *newline = rest.bytes ? memchr(rest.data, '\n', rest.bytes) : NULL;
        f->at += newline ? (size_t)(newline - rest.data) + 1 : rest.bytes;
        if (newline || f->ended || pl_framer__fill(f, NULL) != PLUMB_OK) break;
    }
    pl_framer__bad(f, offset, f->base + f->at - offset, offset + document_limit(f), reason, frame);
}

typedef enum step {
    STEP_DOCUMENT, // [*start, *end) of the window is a document
    STEP_FRAME,    // the frame was made (a bad record)
    STEP_STREAM,   // a document larger than the window begins at f->at
    STEP_END,
} step;

// Next line that is not blank. Of one that begins with much white space this is passed by.
static plumb_status next_line(pl_framer *f, step *ret_step, size_t *start, size_t *end,
                              pl_frame *frame, plumb_error *err)
{
    const size_t limit = document_limit(f);
    size_t searched = 0;
    f->line_at = f->base + f->at;
    for (;;) {
        pl_span rest = pl_framer__pending(f);
        const char *newline = rest.bytes > searched
                                  ? memchr(rest.data + searched, '\n', rest.bytes - searched)
                                  : NULL;
        bool whole = newline || f->ended;
        size_t bytes = newline ? (size_t)(newline - rest.data) : rest.bytes;
        bool large = f->base + f->at + bytes - f->line_at > limit;
        bool blank = (whole || large) && pl_json_space(pl_span_make(rest.data, bytes), 0) == bytes;
        searched = bytes;
        if (!whole && (blank || !large)) {
            f->at += blank ? bytes : 0;
            searched -= blank ? bytes : 0;
            PL_TRY(pl_framer__fill(f, err));
            continue;
        }
        if (blank) {
            f->at += bytes + (newline != NULL);
            f->line_at = f->base + f->at;
            searched = 0;
            *ret_step = STEP_END;
            if (!newline) return PLUMB_OK;
            continue;
        }
        if (large) {
            *ret_step = can_stream(f) ? STEP_STREAM : STEP_FRAME;
            if (!can_stream(f)) long_line(f, frame);
            return PLUMB_OK;
        }
        *ret_step = STEP_DOCUMENT;
        *start = f->at;
        *end = f->at + bytes;
        f->at += bytes + (newline != NULL);
        return PLUMB_OK;
    }
}

// Next item of a top-level array.
static plumb_status next_item(pl_framer *f, step *ret_step, size_t *start, size_t *end,
                              pl_frame *frame, plumb_error *err)
{
    bool more;
    *ret_step = STEP_FRAME;
    PL_TRY(skip_space(f, &more, err));
    uint64_t here = f->base + f->at;
    char c = more ? f->window.data[f->at] : '\0';
    if (f->state == AT_START) {
        if (c != '[')
            return pl_framer__bad_to_end(f, here, here, "an array is expected here", frame);
        f->state = IN_DOCUMENTS;
        f->at++;
        PL_TRY(skip_space(f, &more, err));
        here = f->base + f->at;
        c = more ? f->window.data[f->at] : '\0';
    } else if (c == ',') {
        f->at++;
        PL_TRY(skip_space(f, &more, err));
        here = f->base + f->at;
        c = more && f->window.data[f->at] != ']' ? f->window.data[f->at] : '\0';
        if (!c && more)
            return pl_framer__bad_to_end(f, here, here, "a value is expected here", frame);
    } else if (c != ']' && more) {
        return pl_framer__bad_to_end(f, here, here, "a comma or ] is expected here", frame);
    }
    if (!more) return pl_framer__bad_to_end(f, here, here, "the text ends inside an array", frame);
    if (c == ']') {
        f->at++;
        PL_TRY(skip_space(f, &more, err));
        here = f->base + f->at;
        if (more) return pl_framer__bad_to_end(f, here, here, "text follows the array", frame);
        *ret_step = STEP_END;
        return PLUMB_OK;
    }
    pl_json_error error;
    PL_TRY(pl_framer__whole_item(f, document_limit(f), end, &error, err));
    if (*end == SIZE_MAX && !error.reason && can_stream(f)) {
        *ret_step = STEP_STREAM;
        return PLUMB_OK;
    }
    here = f->base + f->at;
    if (*end == SIZE_MAX && !error.reason) {
        char reason[160];
        bool dropped;
        limit_reason(f, reason);
        PL_TRY(pl_framer__drop_item(f, here + error.offset, reason, frame, &dropped, err));
        if (dropped) return PLUMB_OK;
        return pl_framer__bad_to_end(f, here, here + error.offset, reason, frame);
    }
    if (*end == SIZE_MAX)
        return pl_framer__bad_to_end(f, here, here + error.offset, error.reason, frame);
    *start = f->at;
    f->at = *end;
    *ret_step = STEP_DOCUMENT;
    return PLUMB_OK;
}

static plumb_status whole_document(pl_framer *f, step *ret_step, size_t *start, size_t *end,
                                   pl_frame *frame, plumb_error *err)
{
    bool more;
    *ret_step = STEP_END;
    PL_TRY(skip_space(f, &more, err));
    if (!more) return PLUMB_OK;
    while (f->window.count - f->at <= document_limit(f)) {
        if (f->ended) {
            *ret_step = STEP_DOCUMENT;
            *start = f->at;
            *end = f->at = f->window.count;
            return PLUMB_OK;
        }
        PL_TRY(pl_framer__fill(f, err));
    }
    if (can_stream(f)) {
        *ret_step = STEP_STREAM;
        return PLUMB_OK;
    }
    char reason[160];
    limit_reason(f, reason);
    uint64_t here = f->base + f->at;
    *ret_step = STEP_FRAME;
    return pl_framer__bad_to_end(f, here, here + document_limit(f), reason, frame);
}

// Where the first line behind the start of `text` + `from` begins that begins with a bracket: its
// newline. SIZE_MAX: there is none.
static size_t next_start(pl_span text, size_t from)
{
    while (from + 1 < text.bytes) {
        const char *newline = memchr(text.data + from, '\n', text.bytes - 1 - from);
        if (!newline) break;
        if (newline[1] == '{' || newline[1] == '[') return (size_t)(newline - text.data);
        from = (size_t)(newline - text.data) + 1;
    }
    return SIZE_MAX;
}

plumb_status pl_framer__pass_document(pl_framer *f, plumb_error *err)
{
    for (;;) {
        pl_span rest = pl_framer__pending(f);
        size_t start = next_start(rest, 0);
        if (start != SIZE_MAX || f->ended) {
            f->at += PL_MIN(start, rest.bytes);
            return PLUMB_OK;
        }
        f->at += rest.bytes - (rest.bytes > 0); // the newline may be the last byte
        PL_TRY(pl_framer__fill(f, err));
    }
}

// The same, of the document at f->at with a mistake `from` bytes in, when it is no larger than the
// limit: it is in the window up to *ret_end, else that is SIZE_MAX.
static plumb_status broken_end(pl_framer *f, size_t from, size_t *ret_end, plumb_error *err)
{
    const size_t limit = document_limit(f);
    for (;;) {
        pl_span rest = pl_framer__pending(f);
        size_t bytes = next_start(rest, from);
        if (bytes == SIZE_MAX && f->ended) bytes = rest.bytes;
        if (bytes != SIZE_MAX || rest.bytes > limit + 1) {
            *ret_end = bytes > limit ? SIZE_MAX : f->at + bytes;
            return PLUMB_OK;
        }
        PL_TRY(pl_framer__fill(f, err));
    }
}

static plumb_status next_value(pl_framer *f, step *ret_step, size_t *start, size_t *end,
                               pl_frame *frame, plumb_error *err)
{
    bool more;
    pl_json_error error;
    PL_TRY(skip_space(f, &more, err));
    *ret_step = more ? STEP_DOCUMENT : STEP_END;
    if (!more) return PLUMB_OK;
    PL_TRY(pl_framer__whole_item(f, document_limit(f), end, &error, err));
    // The byte before the mistake may be the newline that the next document follows.
    size_t mistake = error.reason && error.offset ? error.offset - 1 : 0;
    if (*end == SIZE_MAX && error.reason) // an envelope still gives what stands before the break
        PL_TRY(broken_end(f, mistake, end, err));
    if (*end == SIZE_MAX && can_stream(f)) {
        *ret_step = STEP_STREAM;
        return PLUMB_OK;
    }
    if (*end == SIZE_MAX) {
        char reason[160];
        bool dropped = false;
        uint64_t offset = f->base + f->at, error_at = offset + error.offset;
        limit_reason(f, reason);
        *ret_step = STEP_FRAME;
        if (!error.reason) PL_TRY(pl_framer__drop_item(f, error_at, reason, frame, &dropped, err));
        if (dropped) return PLUMB_OK;
        f->at += mistake;
        if (pl_framer__pass_document(f, NULL) != PLUMB_OK) f->at = f->window.count;
        pl_framer__bad(f, offset, f->base + f->at - offset, error_at,
                       error.reason ? error.reason : reason, frame);
        return PLUMB_OK;
    }
    *start = f->at;
    f->at = *end;
    return PLUMB_OK;
}

static plumb_status skip_bom(pl_framer *f, plumb_error *err)
{
    while (!f->ended && f->window.count < 3) PL_TRY(pl_framer__fill(f, err));
    if (pl_span_starts(pl_framer__pending(f), PL_SPAN("\xEF\xBB\xBF"))) f->at += 3;
    return PLUMB_OK;
}

static plumb_status next_frame(pl_framer *f, pl_frame *ret_frame, bool *ret_more, plumb_error *err)
{
    *ret_more = true;
    if (f->state == AT_START && f->base + f->at == 0 && !f->ended) PL_TRY(skip_bom(f, err));
    for (;;) {
        bool made;
        if (f->level_count) {
            if (pl_framer__level_item(f, ret_frame)) return PLUMB_OK;
            continue;
        }
        if (f->state == IN_STREAM) {
            PL_TRY(pl_framer__stream_item(f, ret_frame, &made, err));
            if (made) return PLUMB_OK;
            continue;
        }
        if (f->state == AT_END) break;
        step what = STEP_END;
        size_t start = 0, end = 0;
        switch (f->options.format) {
        case PL_FORMAT_NDJSON:
            PL_TRY(next_line(f, &what, &start, &end, ret_frame, err));
            break;
        case PL_FORMAT_ARRAY:
            if (f->state == AT_START) {
                bool more; // an empty content is no record, not a broken one
                PL_TRY(skip_space(f, &more, err));
                if (!more) break;
            }
            PL_TRY(next_item(f, &what, &start, &end, ret_frame, err));
            break;
        case PL_FORMAT_DOCUMENT:
            PL_TRY(whole_document(f, &what, &start, &end, ret_frame, err));
            break;
        case PL_FORMAT_CONCATENATED:
            PL_TRY(next_value(f, &what, &start, &end, ret_frame, err));
            break;
        case PL_FORMATS:
            break;
        }
        if (f->state == AT_START) f->state = IN_DOCUMENTS;
        if (what == STEP_FRAME) return PLUMB_OK;
        if (what == STEP_END) break;
        if (what == STEP_STREAM) {
            PL_TRY(pl_framer__open_stream(f, ret_frame, &made, err));
            if (made) return PLUMB_OK;
            continue;
        }
        if (!has_envelopes(f)) {
            pl_framer__good(f, start, end, ret_frame);
            return PLUMB_OK;
        }
        if (!pl_framer__open_envelope(f, start, end, ret_frame)) return PLUMB_OK;
    }
    f->state = AT_END;
    *ret_more = false;
    return PLUMB_OK;
}

plumb_status pl_framer_next(pl_framer *framer, pl_frame *ret_frame, bool *ret_more,
                            plumb_error *err)
{
    if (framer->state == AT_FAILURE) {
        if (err) *err = framer->failure;
        return framer->failure.status;
    }
    plumb_status st = next_frame(framer, ret_frame, ret_more, err);
    if (st != PLUMB_OK) framer->state = AT_FAILURE;
    return st;
}
