// SPDX-License-Identifier: Apache-2.0
#include "json/framer.h"

#include <stdio.h>
#include <stdlib.h>

enum { READ_BYTES = 256 * 1024 };

// A token cut by the end of the window can be reported this many bytes before it: the longest is
// an escaped surrogate pair.
enum { TOKEN_BYTES_MAX = 12 };

typedef enum framer_state {
    AT_START,
    IN_DOCUMENTS,
    IN_ENVELOPE, // inside the array of `envelope`
    AT_END,
    AT_FAILURE, // reported; it stays
} framer_state;

struct pl_framer {
    pl_framer_options options;
    pl_framer_read read;
    void *context;
    framer_state state;
    pl_buf window;       // bytes of the content from `base` on
    uint64_t base;       // content offset of window.data[0]
    size_t at;           // framed up to here, in the window
    bool ended;          // the content's end is in the window
    plumb_error failure; // what the read callback failed with, once the window is used up
    bool failed;
    uint64_t index; // records so far
    // The envelope being unpacked, as offsets into the window.
    size_t item, document_end; // next item; end of the document
    bool first_item;
    pl_json_error document_error; // of the whole document; reason NULL: it is valid
};

const char *pl_format_name(pl_format format)
{
    static const char *const names[] = {"ndjson", "array", "document"};
    return names[format];
}

bool pl_format_parse(pl_span name, pl_format *ret_format)
{
    for (int format = PL_FORMAT_NDJSON; format <= PL_FORMAT_DOCUMENT; format++)
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
    return framer;
}

void pl_framer_free(pl_framer *framer)
{
    if (!framer) return;
    pl_buf_done(&framer->window);
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

// Bytes of the window from `at` on.
static pl_span pending(const pl_framer *f)
{
    return (pl_span){f->window.data + f->at, f->window.count - f->at};
}

// Read on: at least as much as is pending, so that retries over one long item stay linear however
// little the callback gives at a time. A failure behind bytes that came is reported by the next
// call, so that what was read before it is framed first.
static plumb_status fill(pl_framer *f, plumb_error *err)
{
    size_t left = f->window.count - f->at;
    if (f->at) {
        if (left) memmove(f->window.data, f->window.data + f->at, left);
        f->window.count = left;
        f->base += f->at;
        f->at = 0;
    }
    size_t want = PL_MAX((size_t)READ_BYTES, left), total = 0, least = PL_MAX(left, (size_t)1);
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

static void good(pl_framer *f, size_t start, size_t end, pl_frame *frame)
{
    *frame = (pl_frame){.text = {f->window.data + start, end - start},
                        .offset = f->base + start,
                        .bytes = end - start,
                        .index = f->index++};
}

static void bad(pl_framer *f, uint64_t offset, uint64_t bytes, uint64_t error_at,
                const char *reason, pl_frame *frame)
{
    *frame =
        (pl_frame){.offset = offset, .bytes = bytes, .error_at = error_at, .index = f->index++};
    snprintf(frame->reason, sizeof frame->reason, "%s", reason);
}

// One bad record from content offset `offset` to the end of the content, which is read and dropped;
// or to where reading it fails, which the next call reports.
static plumb_status bad_to_end(pl_framer *f, uint64_t offset, uint64_t error_at, const char *reason,
                               pl_frame *frame)
{
    do f->at = f->window.count;
    while (!f->ended && fill(f, NULL) == PLUMB_OK);
    f->at = f->window.count;
    bad(f, offset, f->base + f->at - offset, error_at, reason, frame);
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
        PL_TRY(fill(f, err));
    }
}

static uint64_t document_limit(const pl_framer *f)
{
    return f->options.has_records ? PL_DOCUMENT_BYTES_MAX : PL_RECORD_BYTES_MAX;
}

static void limit_reason(const pl_framer *f, char reason[160])
{
    snprintf(reason, 160, "%s is larger than %u MiB",
             f->options.has_records ? "a document" : "a record",
             (unsigned)(document_limit(f) / (1024 * 1024)));
}

// A line longer than the limit: drop it up to its newline, or to where reading it fails.
static void long_line(pl_framer *f, pl_frame *frame)
{
    uint64_t offset = f->base + f->at;
    char reason[160];
    limit_reason(f, reason);
    for (;;) {
        pl_span rest = pending(f);
        const char *newline = rest.bytes ? memchr(rest.data, '\n', rest.bytes) : NULL;
        f->at += newline ? (size_t)(newline - rest.data) + 1 : rest.bytes;
        if (newline || f->ended || fill(f, NULL) != PLUMB_OK) break;
    }
    bad(f, offset, f->base + f->at - offset, offset + document_limit(f), reason, frame);
}

typedef enum step {
    STEP_DOCUMENT, // [*start, *end) of the window is a document
    STEP_FRAME,    // the frame was made (a bad record)
    STEP_END,
} step;

static plumb_status next_line(pl_framer *f, step *ret_step, size_t *start, size_t *end,
                              pl_frame *frame, plumb_error *err)
{
    size_t searched = 0;
    for (;;) {
        pl_span rest = pending(f);
        const char *newline = rest.bytes > searched
                                  ? memchr(rest.data + searched, '\n', rest.bytes - searched)
                                  : NULL;
        if (!newline && !f->ended) {
            if (rest.bytes > document_limit(f)) {
                *ret_step = STEP_FRAME;
                long_line(f, frame);
                return PLUMB_OK;
            }
            searched = rest.bytes;
            PL_TRY(fill(f, err));
            continue;
        }
        size_t bytes = newline ? (size_t)(newline - rest.data) : rest.bytes;
        if (bytes > document_limit(f)) {
            *ret_step = STEP_FRAME;
            long_line(f, frame);
            return PLUMB_OK;
        }
        *start = f->at;
        *end = f->at + bytes;
        f->at += bytes + (newline != NULL);
        searched = 0;
        pl_span line = {f->window.data + *start, bytes};
        bool blank = pl_json_space(line, 0) == bytes;
        *ret_step = blank ? STEP_END : STEP_DOCUMENT;
        if (!blank || (f->ended && f->at == f->window.count && !newline)) return PLUMB_OK;
    }
}

// The item at f->at is complete in the window after this, or it is an error: then end is SIZE_MAX.
// An item larger than the limit is an error wherever the window happens to end.
static plumb_status whole_item(pl_framer *f, size_t *ret_end, pl_json_error *ret_error,
                               plumb_error *err)
{
    const size_t limit = document_limit(f);
    for (;;) {
        pl_span rest = pending(f);
        *ret_error = (pl_json_error){0};
        size_t end = pl_json_skip(rest, 0, 1, ret_error);
        bool cut =
            end == SIZE_MAX ? ret_error->offset + TOKEN_BYTES_MAX >= rest.bytes : end == rest.bytes;
        bool large = end == SIZE_MAX ? ret_error->offset > limit : end > limit;
        if (large) *ret_error = (pl_json_error){NULL, limit};
        if (large || !cut || f->ended) {
            *ret_end = large || end == SIZE_MAX ? SIZE_MAX : f->at + end;
            return PLUMB_OK;
        }
        PL_TRY(fill(f, err));
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
        if (c != '[') return bad_to_end(f, here, here, "an array is expected here", frame);
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
        if (!c && more) return bad_to_end(f, here, here, "a value is expected here", frame);
    } else if (c != ']' && more) {
        return bad_to_end(f, here, here, "a comma or ] is expected here", frame);
    }
    if (!more) return bad_to_end(f, here, here, "the text ends inside an array", frame);
    if (c == ']') {
        f->at++;
        PL_TRY(skip_space(f, &more, err));
        here = f->base + f->at;
        if (more) return bad_to_end(f, here, here, "text follows the array", frame);
        *ret_step = STEP_END;
        return PLUMB_OK;
    }
    pl_json_error error;
    PL_TRY(whole_item(f, end, &error, err));
    if (*end == SIZE_MAX) {
        char reason[160];
        limit_reason(f, reason);
        here = f->base + f->at;
        return bad_to_end(f, here, here + error.offset, error.reason ? error.reason : reason,
                          frame);
    }
    *start = f->at;
    f->at = *end;
    *ret_step = STEP_DOCUMENT;
    return PLUMB_OK;
}

static plumb_status whole_document(pl_framer *f, step *ret_step, size_t *start, size_t *end,
                                   pl_frame *frame, plumb_error *err)
{
    for (;;) {
        if (f->window.count - f->at > document_limit(f)) {
            char reason[160];
            limit_reason(f, reason);
            uint64_t here = f->base + f->at;
            *ret_step = STEP_FRAME;
            return bad_to_end(f, here, here + document_limit(f), reason, frame);
        }
        if (f->ended) break;
        PL_TRY(fill(f, err));
    }
    *start = pl_json_space(pl_buf_view(&f->window), f->at);
    *end = f->at = f->window.count;
    *ret_step = *start == *end ? STEP_END : STEP_DOCUMENT;
    return PLUMB_OK;
}

// Offset of the array at `keys` inside the object or array at `at`, or SIZE_MAX. In valid text the
// last of duplicate keys counts; in broken text the first that is reached.
static size_t find_array(pl_span text, size_t at, const pl_span *keys, uint32_t count, bool valid)
{
    if (at >= text.bytes) return SIZE_MAX;
    if (!count) return text.data[at] == '[' ? at : SIZE_MAX;
    if (text.data[at] != '{') return SIZE_MAX;
    size_t found = SIZE_MAX;
    pl_buf key = {0};
    at = pl_json_space(text, at + 1);
    while (at < text.bytes && text.data[at] == '"') {
        bool escaped;
        pl_json_error ignored;
        size_t end = pl_json_skip_string(text, at, &escaped, &ignored);
        if (end == SIZE_MAX) break;
        pl_buf_reset(&key);
        pl_json_unescape(&key, (pl_span){text.data + at + 1, end - at - 2});
        at = pl_json_space(text, end);
        if (at >= text.bytes || text.data[at] != ':') break;
        at = pl_json_space(text, at + 1);
        if (pl_span_equal(pl_buf_view(&key), keys[0])) {
            found = find_array(text, at, keys + 1, count - 1, valid);
            if (!valid && found != SIZE_MAX) break;
        }
        at = pl_json_skip(text, at, 1, &ignored);
        if (at == SIZE_MAX) break;
        at = pl_json_space(text, at);
        if (at >= text.bytes || text.data[at] != ',') break;
        at = pl_json_space(text, at + 1);
    }
    pl_buf_done(&key);
    return found;
}

// Enter the envelope [start, end). False: it became one bad record.
static bool open_envelope(pl_framer *f, size_t start, size_t end, pl_frame *frame)
{
    pl_span text = {f->window.data + start, end - start};
    f->document_error = pl_json_check(text);
    bool valid = !f->document_error.reason;
    size_t array =
        find_array(text, pl_json_space(text, 0), f->options.keys, f->options.key_count, valid);
    if (array == SIZE_MAX) {
        char reason[160];
        snprintf(reason, sizeof reason, "no array at %s", f->options.records_text);
        bad(f, f->base + start, text.bytes, f->base + start + f->document_error.offset,
            valid ? reason : f->document_error.reason, frame);
        return false;
    }
    f->item = start + array + 1;
    f->document_end = end;
    f->first_item = true;
    f->document_error.offset += start;
    f->state = IN_ENVELOPE;
    return true;
}

// The next item of the open envelope; false: it is used up.
static bool envelope_item(pl_framer *f, pl_frame *frame)
{
    pl_span text = {f->window.data, f->document_end};
    size_t at = pl_json_space(text, f->item);
    bool first = f->first_item;
    f->first_item = false;
    bool more = at < text.bytes;
    char c = more ? text.data[at] : '\0';
    pl_json_error error = {"the text ends inside an array", at};
    size_t end = SIZE_MAX;
    if (c == ']') {
        f->state = IN_DOCUMENTS;
        if (!f->document_error.reason) return false;
        error = f->document_error; // the envelope is broken behind its array
        at++;
    } else if (more && !first && c != ',') {
        error = (pl_json_error){"a comma or ] is expected here", at};
    } else if (more) {
        if (!first) at = pl_json_space(text, at + 1);
        // As deep as it lies, so that what the whole document refuses is refused here.
        end = pl_json_skip(text, at, (int)f->options.key_count + 1, &error);
    }
    if (end != SIZE_MAX) {
        good(f, at, end, frame);
        f->item = end;
        return true;
    }
    bad(f, f->base + at, f->document_end - at, f->base + error.offset, error.reason, frame);
    f->state = IN_DOCUMENTS;
    return true;
}

static plumb_status skip_bom(pl_framer *f, plumb_error *err)
{
    while (!f->ended && f->window.count < 3) PL_TRY(fill(f, err));
    if (pl_span_starts(pending(f), PL_SPAN("\xEF\xBB\xBF"))) f->at += 3;
    return PLUMB_OK;
}

static plumb_status next_frame(pl_framer *f, pl_frame *ret_frame, bool *ret_more, plumb_error *err)
{
    *ret_more = true;
    if (f->state == AT_START && f->base + f->at == 0 && !f->ended) PL_TRY(skip_bom(f, err));
    for (;;) {
        if (f->state == IN_ENVELOPE && envelope_item(f, ret_frame)) return PLUMB_OK;
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
        }
        if (f->state == AT_START) f->state = IN_DOCUMENTS;
        if (what == STEP_FRAME) return PLUMB_OK;
        if (what == STEP_END) break;
        bool envelope = f->options.has_records &&
                        !(f->options.records_top && f->options.format == PL_FORMAT_ARRAY);
        if (!envelope) {
            good(f, start, end, ret_frame);
            return PLUMB_OK;
        }
        if (!open_envelope(f, start, end, ret_frame)) return PLUMB_OK;
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
