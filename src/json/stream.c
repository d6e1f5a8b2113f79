// stream.c -- a document larger than the window, in two passes.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "json/framer_int.h"

// Make content byte `target` the next one, whichever way it lies.
static plumb_status move_to(pl_framer *f, uint64_t target, plumb_error *err)
{
    if (target < f->base) {
        PL_TRY(f->options.seek(f->context, target, err));
        f->base = target;
        f->window.count = f->at = 0;
        f->ended = f->failed = false;
    }
    while (target > f->base + f->window.count && !f->ended) {
        f->at = f->window.count;
        PL_TRY(pl_framer__fill(f, err));
    }
    f->at = (size_t)PL_MIN(target - f->base, (uint64_t)f->window.count);
    return PLUMB_OK;
}

// The bytes from f->at to the end of the streamed document, as far as they are in the window.
static pl_span stream_pending(const pl_framer *f, bool *ret_all)
{
    uint64_t end = f->base + f->window.count;
    *ret_all = f->ended || f->stream_end <= end;
    return pl_span_make(f->window.data + f->at,
                        (size_t)(PL_MIN(end, f->stream_end) - f->base - f->at));
}

// Run the survey over the document at f->at, which ends at f->stream_end at the latest. A line is a
// text of its own.
static plumb_status survey_run(pl_framer *f, bool with_tail, plumb_error *err)
{
    pl_survey *s = &f->survey;
    bool lines = f->options.format == PL_FORMAT_NDJSON, all;
    pl_survey__done(s);
    pl_survey__begin(s, &f->options, with_tail, (uint32_t)pl_framer__depth(f), f->base + f->at);
    for (;;) {
        pl_span rest = stream_pending(f, &all);
        const char *newline = lines && rest.bytes ? memchr(rest.data, '\n', rest.bytes) : NULL;
        if (newline) rest.bytes = (size_t)(newline - rest.data);
        f->at += pl_survey__feed(s, rest, newline || all);
        if (s->done) return PLUMB_OK;
        PL_TRY(pl_framer__fill(f, err));
    }
}

// Behind a survey that failed: to where the document is taken to end. Concatenated documents may
// end before the mistake: what is wrong with what is left is another one.
static plumb_status pass_broken(pl_framer *f, uint64_t start, plumb_error *err)
{
    if (f->options.format == PL_FORMAT_NDJSON) {
        for (;;) {
            pl_span rest = pl_framer__pending(f);
            const char *newline = rest.bytes ? memchr(rest.data, '\n', rest.bytes) : NULL;
            f->at += newline ? (size_t)(newline - rest.data) : rest.bytes;
            if (newline || f->ended) return PLUMB_OK;
            PL_TRY(pl_framer__fill(f, err));
        }
    }
    if (f->options.format == PL_FORMAT_CONCATENATED) {
        // The byte before the mistake may be the newline that the next document follows.
        PL_TRY(move_to(f, PL_MAX(f->survey.error_at, start + 1) - 1, err));
        PL_TRY(pl_framer__pass_document(f, err));
        f->stream_end = f->base + f->at;
        PL_TRY(move_to(f, start, err));
        PL_TRY(survey_run(f, true, err));
        return move_to(f, f->stream_end, err);
    }
    return move_to(f, UINT64_MAX, err);
}

plumb_status pl_framer__open_stream(pl_framer *f, pl_frame *frame, bool *ret_made, plumb_error *err)
{
    pl_survey *s = &f->survey;
    pl_format format = f->options.format;
    uint64_t start = format == PL_FORMAT_NDJSON ? f->line_at : f->base + f->at;
    f->stream_end = UINT64_MAX;
    plumb_status st =
        survey_run(f, format == PL_FORMAT_NDJSON || format == PL_FORMAT_DOCUMENT, err);
    *ret_made = st == PLUMB_OK && s->reason && format == PL_FORMAT_ARRAY;
    if (*ret_made) return pl_framer__bad_to_end(f, start, s->error_at, s->reason, frame);
    if (st == PLUMB_OK && s->reason) st = pass_broken(f, start, err);
    if (st != PLUMB_OK) { // nothing of it was framed
        f->base = start;
        f->window.count = f->at = 0;
        return st;
    }
    f->stream_end = f->base + f->at;
    *ret_made = s->array == PL_SURVEY_NOWHERE;
    if (*ret_made) {
        char reason[160];
        snprintf(reason, sizeof reason, PL_FRAMER_NO_ARRAY "%s", f->options.records_text);
        pl_framer__bad(f, start, f->stream_end - start, s->reason ? s->error_at : start,
                       s->reason ? s->reason : reason, frame);
        return PLUMB_OK;
    }
    PL_TRY(move_to(f, s->array + 1, err));
    f->document = pl_buf_view(&s->kept);
    f->stream_parent = (pl_span){0};
    if (f->options.want_count) {
        size_t holder = SIZE_MAX;
        pl_framer__find_array(f->document, 0, f->options.keys, f->options.key_count, !s->reason,
                              &holder);
        f->stream_parent = pl_framer__object_at(f->document, holder);
    }
    f->envelope++;
    f->stream_first = true;
    f->state = IN_STREAM;
    return PLUMB_OK;
}

static plumb_status stream_space(pl_framer *f, bool *ret_more, plumb_error *err)
{
    for (;;) {
        bool all;
        pl_span rest = stream_pending(f, &all);
        size_t at = pl_json_space(rest, 0);
        f->at += at;
        *ret_more = at < rest.bytes;
        if (*ret_more || all) return PLUMB_OK;
        PL_TRY(pl_framer__fill(f, err));
    }
}

plumb_status pl_framer__whole_item(pl_framer *f, size_t limit, size_t *ret_end,
                                   pl_json_error *ret_error, plumb_error *err)
{
    if (f->state != IN_STREAM) f->stream_end = UINT64_MAX;
    for (;;) {
        bool all;
        pl_span rest = stream_pending(f, &all);
        switch (pl_survey__skip(rest, pl_framer__depth(f), all, limit, ret_end, ret_error)) {
        case PL_SURVEY_MORE:
            break;
        case PL_SURVEY_LARGE:
            *ret_end = SIZE_MAX;
            *ret_error = (pl_json_error){NULL, limit};
            return PLUMB_OK;
        case PL_SURVEY_DONE:
            if (*ret_end != SIZE_MAX) *ret_end += f->at;
            return PLUMB_OK;
        }
        PL_TRY(pl_framer__fill(f, err));
    }
}

plumb_status pl_framer__drop_item(pl_framer *f, uint64_t error_at, const char *reason,
                                  pl_frame *frame, bool *ret_dropped, plumb_error *err)
{
    uint64_t start = f->base + f->at;
    pl_framer_options none = {.record_bytes = f->options.record_bytes};
    pl_survey item;
    plumb_status st = PLUMB_OK;
    pl_survey__begin(&item, &none, false, (uint32_t)pl_framer__depth(f), start);
    if (f->state != IN_STREAM) f->stream_end = UINT64_MAX;
    while (st == PLUMB_OK && !item.done) {
        bool all;
        pl_span rest = stream_pending(f, &all);
        f->at += pl_survey__feed(&item, rest, all);
        if (!item.done) st = pl_framer__fill(f, err);
    }
    *ret_dropped = st == PLUMB_OK && item.done && !item.reason;
    pl_survey__done(&item);
    if (*ret_dropped) pl_framer__bad(f, start, f->base + f->at - start, error_at, reason, frame);
    return st;
}

plumb_status pl_framer__stream_item(pl_framer *f, pl_frame *frame, bool *ret_made, plumb_error *err)
{
    bool more, first = f->stream_first;
    PL_TRY(stream_space(f, &more, err));
    char c = more ? f->window.data[f->at] : '\0';
    uint64_t here = f->base + f->at, error_at = here;
    const char *reason = "the text ends inside an array";
    *ret_made = true;
    if (c == ']') {
        here++, f->at++;
        reason = f->survey.reason;
        error_at = f->survey.error_at;
        if (!reason) {
            f->state = IN_DOCUMENTS;
            *ret_made = false;
            return move_to(f, f->stream_end, err);
        }
    } else if (more && !first && c != ',') {
        reason = "a comma or ] is expected here";
    } else if (more) {
        pl_json_error error;
        size_t end;
        f->at += !first;
        PL_TRY(stream_space(f, &more, err));
        PL_TRY(pl_framer__whole_item(f, f->options.record_bytes, &end, &error, err));
        here = f->base + f->at;
        if (end == SIZE_MAX && !error.reason) {
            char large[160];
            f->stream_first = false;
            pl_framer__limit_reason(large, "a record", f->options.record_bytes);
            PL_TRY(pl_framer__drop_item(f, here + error.offset, large, frame, &more, err));
            if (more) return PLUMB_OK;
            error.reason = "a text is larger than 16 MiB";
        }
        if (end != SIZE_MAX) {
            f->stream_first = false;
            size_t at = f->at;
            f->at = end;
            *ret_made =
                pl_framer__take_item(f, 0, at, end, pl_framer__depth(f), f->stream_parent, frame);
            return PLUMB_OK;
        }
        error_at = here + error.offset;
        reason = error.reason;
    }
    f->state = IN_DOCUMENTS;
    PL_TRY(move_to(f, f->stream_end, err));
    pl_framer__bad(f, here, f->stream_end - here, error_at, reason, frame);
    return PLUMB_OK;
}
