// frames.c -- records handed on many at a time.
//
//     NDJSON      frames.text is the window: its whole lines are framed where they are, the rest of
//                 the last line moves to the framer's next window
//     otherwise   each record is copied to frames.text as it is framed
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "json/framer_int.h"

enum { ITEMS_MAX = 8192, BAD_MAX = 512, TEXT_KEPT = 1024 * 1024 };
enum { ITEMS_AROUND_MAX = 64 * 1024 }; // what is around them is copied once for all of these

typedef struct pl_frames_item {
    uint64_t offset;
    uint32_t at, bytes; // in the text
    uint32_t bad;       // number + 1 in `bad`; 0: it is good
    uint32_t around;    // number + 1 in `around`; 0: nothing wanted
} pl_frames_item;

typedef struct pl_frames_bad {
    uint64_t bytes, error_at;
    char reason[sizeof((pl_frame *)0)->reason];
} pl_frames_bad;

typedef struct pl_frames_around {
    size_t document, document_bytes, parent, parent_bytes; // in the text
    uint64_t serial;
} pl_frames_around;

void pl_frames_done(pl_frames *frames)
{
    pl_buf_done(&frames->text);
    free(frames->items);
    free(frames->bad);
    free(frames->around);
    free(frames->envelopes);
    pl_buf_done(&frames->outside);
    *frames = (pl_frames){0};
}

static void frames_reset(pl_frames *frames)
{
    frames->count = frames->bad_count = frames->around_count = 0;
    frames->envelope = 0;
    frames->envelope_count = 0;
    if (frames->outside.capacity > TEXT_KEPT) pl_buf_done(&frames->outside);
    pl_buf_reset(&frames->outside);
    if (frames->text.capacity > TEXT_KEPT) pl_buf_done(&frames->text);
    pl_buf_reset(&frames->text);
}

static size_t copy_text(pl_frames *frames, pl_span text)
{
    size_t at = frames->text.count;
    pl_buf_span(&frames->text, text);
    return at;
}

static uint32_t add_around(pl_frames *frames, const pl_frame *frame)
{
    if (!frame->envelope) return 0;
    if (frame->envelope != frames->envelope) {
        frames->envelope = frame->envelope;
        PL_GROW(frames->around, frames->around_count, frames->around_capacity);
        frames->around[frames->around_count++] =
            (pl_frames_around){.document = copy_text(frames, frame->document),
                               .document_bytes = frame->document.bytes,
                               .parent = copy_text(frames, frame->parent),
                               .parent_bytes = frame->parent.bytes,
                               .serial = ++frames->serial};
    }
    return frames->around_count;
}

static uint32_t add_bad(pl_frames *frames, const pl_frame *frame)
{
    PL_GROW(frames->bad, frames->bad_count, frames->bad_capacity);
    pl_frames_bad *bad = &frames->bad[frames->bad_count++];
    bad->bytes = frame->bytes;
    bad->error_at = frame->error_at;
    memcpy(bad->reason, frame->reason, sizeof bad->reason);
    return frames->bad_count;
}

// `at`: where its text is in frames->text; SIZE_MAX: nowhere yet.
static void add_frame(pl_frames *frames, const pl_frame *frame, size_t at)
{
    if (!frames->count) frames->first = frame->index;
    pl_frames_item item = {.offset = frame->offset};
    if (!frame->text.data) {
        item.bad = add_bad(frames, frame);
    } else {
        item.around = add_around(frames, frame);
        if (at == SIZE_MAX) at = copy_text(frames, frame->text);
        item.at = (uint32_t)at;
        item.bytes = (uint32_t)frame->text.bytes;
    }
    PL_GROW(frames->items, frames->count, frames->capacity);
    frames->items[frames->count++] = item;
}

void pl_frames_get(const pl_frames *frames, uint32_t i, pl_frame *ret_frame)
{
    const pl_frames_item *item = &frames->items[i];
    ret_frame->offset = item->offset;
    ret_frame->index = frames->first + i;
    ret_frame->document = ret_frame->parent = (pl_span){0};
    ret_frame->envelope = 0;
    if (item->bad) {
        const pl_frames_bad *bad = &frames->bad[item->bad - 1];
        ret_frame->text = (pl_span){0};
        ret_frame->bytes = bad->bytes;
        ret_frame->error_at = bad->error_at;
        memcpy(ret_frame->reason, bad->reason, sizeof bad->reason);
        return;
    }
    ret_frame->text = (pl_span){frames->text.data + item->at, item->bytes};
    ret_frame->bytes = item->bytes;
    ret_frame->error_at = 0;
    ret_frame->reason[0] = '\0';
    if (item->around) {
        const pl_frames_around *around = &frames->around[item->around - 1];
        ret_frame->document =
            (pl_span){frames->text.data + around->document, around->document_bytes};
        ret_frame->parent = (pl_span){frames->text.data + around->parent, around->parent_bytes};
        ret_frame->envelope = around->serial;
    }
}

// The framer reads into what was the text of the records before these: one thread alone uses the
// same memory again and again, and it stays in its cache.
static void take_window(pl_framer *f, pl_frames *frames)
{
    pl_buf window = frames->text;
    window.count = 0;
    pl_buf_span(&window, pl_framer__pending(f));
    frames->text = f->window;
    f->window = window;
    f->base += f->at;
    f->at = 0;
}

// Documents on lines that are whole in the window, each one record: they are framed where they are.
static bool takes_lines(const pl_framer *f)
{
    return f->options.format == PL_FORMAT_NDJSON && !f->options.has_records;
}

// Whether the window has no further line that is whole. `last`: behind its last newline.
static bool is_used_up(const pl_framer *f, size_t last)
{
    return !f->ended && pl_json_space(pl_buf_view(&f->window), f->at) >= last;
}

static size_t last_newline(const pl_framer *f)
{
    const char *at = f->window.count ? memrchr(f->window.data, '\n', f->window.count) : NULL;
    return at ? (size_t)(at - f->window.data) + 1 : 0;
}

static plumb_status take_lines(pl_framer *f, pl_frames *frames, plumb_error *err)
{
    bool more;
    pl_frame frame;
    take_window(f, frames);
    // Only the first one may make the framer read on: what it reads takes the place of others.
    PL_TRY(pl_framer_next(f, &frame, &more, err));
    size_t last = last_newline(f);
    while (more) {
        size_t at = frame.text.data ? (size_t)(frame.text.data - f->window.data) : 0;
        add_frame(frames, &frame, at);
        if (is_used_up(f, last) || frames->bad_count >= BAD_MAX) break;
        PL_TRY(pl_framer_next(f, &frame, &more, err));
    }
    take_window(f, frames);
    return PLUMB_OK;
}

static bool is_enough(const pl_frames *frames)
{
    if (frames->bad_count >= BAD_MAX || frames->outside.count >= PL_FRAMER_READ_BYTES) return true;
    if (!frames->around_count)
        return frames->count >= ITEMS_MAX || frames->text.count >= PL_FRAMER_READ_BYTES;
    // Of what is around them there is as much as of them, at most.
    size_t around = 0;
    for (uint32_t i = 0; i < frames->around_count; i++)
        around += frames->around[i].document_bytes + frames->around[i].parent_bytes;
    return frames->count >= ITEMS_AROUND_MAX ||
           frames->text.count - around >= PL_MAX(around, (size_t)PL_FRAMER_READ_BYTES);
}

plumb_status pl_framer_take(pl_framer *f, pl_frames *frames, plumb_error *err)
{
    frames_reset(frames);
    if (takes_lines(f)) return take_lines(f, frames, err);
    pl_frame frame;
    plumb_status st = PLUMB_OK;
    f->taking = f->options.envelopes ? frames : NULL;
    for (bool more = true; !is_enough(frames);) {
        st = pl_framer_next(f, &frame, &more, err);
        if (st != PLUMB_OK || !more) break;
        add_frame(frames, &frame, SIZE_MAX);
    }
    f->taking = NULL;
    return frames->count || frames->envelope_count ? PLUMB_OK : st; // the next call tells
}
