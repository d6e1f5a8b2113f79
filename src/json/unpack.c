// unpack.c -- the arrays of a document that is in the window.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "json/framer_int.h"

size_t pl_framer__find_array(pl_span text, size_t at, const pl_span *keys, uint32_t count,
                             bool valid, size_t *ret_holder)
{
    if (at >= text.bytes) return SIZE_MAX;
    if (!count) return text.data[at] == '[' ? at : SIZE_MAX;
    if (text.data[at] != '{') return SIZE_MAX;
    size_t found = SIZE_MAX, object = at;
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
            found = pl_framer__find_array(text, at, keys + 1, count - 1, valid, ret_holder);
            if (count == 1) *ret_holder = object;
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

pl_span pl_framer__object_at(pl_span text, size_t at)
{
    pl_json_error ignored;
    size_t end = at == SIZE_MAX ? SIZE_MAX : pl_json_skip(text, at, 0, &ignored);
    if (at == SIZE_MAX) return (pl_span){0};
    return pl_span_make(text.data + at, (end == SIZE_MAX ? text.bytes : end) - at);
}

static pl_framer_keys array_keys(const pl_framer *f, uint32_t array)
{
    if (array) return f->options.inner[array - 1];
    return (pl_framer_keys){f->options.keys, f->options.key_count};
}

// Look in [start, end) of the window for the array number `array` of the records path and enter it.
// False: it became one bad record.
static bool open_level(pl_framer *f, uint32_t array, size_t start, size_t end, int depth,
                       pl_json_error error, pl_frame *frame)
{
    pl_span text = {f->window.data + start, end - start};
    pl_framer_keys keys = array_keys(f, array);
    size_t holder = SIZE_MAX;
    size_t found = pl_framer__find_array(text, pl_json_space(text, 0), keys.keys, keys.count,
                                         !error.reason, &holder);
    if (found == SIZE_MAX) {
        char reason[160];
        snprintf(reason, sizeof reason, PL_FRAMER_NO_ARRAY "%s", f->options.records_text);
        pl_framer__bad(f, f->base + start, text.bytes, f->base + start + error.offset,
                       error.reason ? error.reason : reason, frame);
        return false;
    }
    error.offset += start;
    f->levels[f->level_count++] = (level){.start = start,
                                          .end = end,
                                          .array = start + found + 1,
                                          .item = start + found + 1,
                                          .number = f->envelope,
                                          .first = true,
                                          .depth = depth + (int)keys.count + 1,
                                          .error = error};
    f->envelope++;
    if (f->options.want_count)
        f->levels[f->level_count - 1].parent = pl_framer__object_at(text, holder);
    return true;
}

bool pl_framer__open_envelope(pl_framer *f, size_t start, size_t end, pl_frame *frame)
{
    pl_span text = {f->window.data + start, end - start};
    size_t at = pl_json_space(text, 0);
    f->document = pl_span_make(text.data + at, text.bytes - at);
    return open_level(f, f->first_array, start, end, 0, pl_json_check(text), frame);
}

bool pl_framer__take_item(pl_framer *f, uint32_t array, size_t at, size_t end, int depth,
                          pl_span parent, pl_frame *frame)
{
    if (array < f->options.inner_count)
        return !open_level(f, array + 1, at, end, depth, (pl_json_error){0}, frame);
    pl_framer__good(f, at, end, frame);
    if (f->options.want_count) {
        frame->document = f->document;
        frame->parent = parent;
        frame->envelope = f->envelope;
    }
    return true;
}

// Which array of the records path the innermost level is.
static uint32_t level_array(const pl_framer *f)
{
    return f->first_array + f->level_count - 1 + (f->state == IN_STREAM);
}

// What is around the items of this array, which ends at `close`.
static void give_envelope(pl_framer *f, const level *l, size_t close)
{
    pl_frames *frames = f->taking;
    const char *window = f->window.data;
    PL_GROW(frames->envelopes, frames->envelope_count, frames->envelope_capacity);
    pl_envelope *one = &frames->envelopes[frames->envelope_count++];
    *one = (pl_envelope){level_array(f), l->number, frames->outside.count, 0};
    pl_buf_span(&frames->outside, pl_span_make(window + l->start, l->array - l->start));
    pl_buf_span(&frames->outside, pl_span_make(window + close, l->end - close));
    one->bytes = frames->outside.count - one->at;
}

bool pl_framer__level_item(pl_framer *f, pl_frame *frame)
{
    level *l = &f->levels[f->level_count - 1];
    pl_span text = {f->window.data, l->end};
    size_t at = pl_json_space(text, l->item);
    bool first = l->first;
    l->first = false;
    bool more = at < text.bytes;
    char c = more ? text.data[at] : '\0';
    pl_json_error error = {"the text ends inside an array", at};
    size_t end = SIZE_MAX;
    if (c == ']') {
        error = l->error;
        if (!error.reason) {
            bool whole = f->state != IN_STREAM && !f->levels[0].error.reason;
            if (f->taking && whole) give_envelope(f, l, at);
            f->level_count--;
            return false;
        }
        at++; // the envelope is broken behind its array
    } else if (more && !first && c != ',') {
        error = (pl_json_error){"a comma or ] is expected here", at};
    } else if (more) {
        if (!first) at = pl_json_space(text, at + 1);
        // As deep as it lies, so that what the whole document refuses is refused here.
        end = pl_json_skip(text, at, l->depth, &error);
    }
    if (end != SIZE_MAX) {
        l->item = end;
        return pl_framer__take_item(f, level_array(f), at, end, l->depth, l->parent, frame);
    }
    pl_framer__bad(f, f->base + at, l->end - at, f->base + error.offset, error.reason, frame);
    f->level_count--;
    return true;
}
