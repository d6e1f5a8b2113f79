// SPDX-License-Identifier: Apache-2.0
#include "codec/gzip.h"

#include <assert.h>
#include <isa-l.h>
#include <stdlib.h>

#define IN_BYTES    (128u * 1024)
#define OUT_BYTES   (256u * 1024)
#define EXTRA_BYTES 65535u // the largest extra field there can be

typedef enum reader_step {
    STEP_BEGIN,  // between members
    STEP_HEADER, // in a member's header
    STEP_BODY,   // in its deflate stream or trailer
    STEP_END,    // nothing more will come
} reader_step;

// How far ISA-L gets in a damaged member depends on the input and the room each call has. So it
// always has the same: a full `in` unless the input ends, and OUT_BYTES.
struct pl_gzip_reader {
    pl_read_fn read;
    void *context;
    reader_step step;
    bool input_done;       // `read` said so
    uint64_t in_end;       // input bytes handed to us so far
    uint64_t member_at;    // where the current member begins
    uint64_t member_first; // content before it
    pl_gzip_state state;   // `content` is what was inflated, delivered or not
    uint8_t *out;          // [OUT_BYTES] when a caller has had less room; owned
    size_t out_at, out_end;
    pl_buf head, trailer;
    struct isal_gzip_header header;
    struct inflate_state inflate;
    uint8_t extra[EXTRA_BYTES];
    uint8_t in[IN_BYTES];
};

pl_gzip_reader *pl_gzip_reader_new(pl_read_fn read, void *context)
{
    // 350 KiB, nearly all of them buffers: to clear them was a tenth of the time of tiny objects.
    pl_gzip_reader *reader = pl_alloc(sizeof *reader);
    memset(reader, 0, offsetof(pl_gzip_reader, inflate));
    reader->read = read;
    reader->context = context;
    isal_inflate_init(&reader->inflate);
    return reader;
}

pl_gzip_reader *pl_gzip_reader_copy(const pl_gzip_reader *reader, uint64_t *ret_input)
{
    pl_gzip_reader *copy = pl_alloc(sizeof *copy);
    *copy = *reader;
    copy->head = copy->trailer = (pl_buf){0};
    pl_buf_span(&copy->head, pl_buf_view(&reader->head));
    pl_buf_span(&copy->trailer, pl_buf_view(&reader->trailer));
    copy->header.extra = copy->extra;
    if (reader->inflate.next_in)
        copy->inflate.next_in = copy->in + (reader->inflate.next_in - reader->in);
    if (reader->out) {
        copy->out = pl_alloc(OUT_BYTES);
        memcpy(copy->out, reader->out, OUT_BYTES);
    }
    *ret_input = reader->in_end;
    return copy;
}

void pl_gzip_reader_free(pl_gzip_reader *reader)
{
    if (!reader) return;
    pl_buf_done(&reader->head);
    pl_buf_done(&reader->trailer);
    free(reader->out);
    free(reader);
}

static uint64_t input_at(const pl_gzip_reader *reader)
{
    return reader->in_end - reader->inflate.avail_in;
}

static void end(pl_gzip_reader *reader, pl_gzip_end how, const char *reason)
{
    reader->step = STEP_END;
    reader->state.end = how;
    reader->state.reason = reason;
    reader->state.compressed = input_at(reader);
}

// Make sure there are `least` bytes of input at hand, unless fewer are left.
static plumb_status fill(pl_gzip_reader *reader, uint32_t least, plumb_error *err)
{
    struct inflate_state *inflate = &reader->inflate;
    if (inflate->avail_in >= least || reader->input_done) return PLUMB_OK;
    size_t held = inflate->avail_in;
    if (held) memmove(reader->in, inflate->next_in, held);
    while (held < sizeof reader->in && !reader->input_done) {
        size_t got = 0, room = sizeof reader->in - held;
        PL_TRY(reader->read(reader->context, reader->in + held, room, &got, err));
        assert(got <= room);
        held += got;
        reader->in_end += got;
        reader->input_done = got == 0;
    }
    inflate->next_in = reader->in;
    inflate->avail_in = (uint32_t)held;
    return PLUMB_OK;
}

static plumb_status step_begin(pl_gzip_reader *reader, plumb_error *err)
{
    PL_TRY(fill(reader, 2, err)); // the magic of a member
    struct inflate_state *inflate = &reader->inflate;
    if (inflate->avail_in == 0) {
        if (reader->state.members)
            end(reader, PL_GZIP_COMPLETE, NULL);
        else
            end(reader, PL_GZIP_TRUNCATED, "empty, not even a header");
        return PLUMB_OK;
    }
    bool first = reader->state.members == 0;
    const uint8_t *in = inflate->next_in;
    if (in[0] != 0x1f || (inflate->avail_in > 1 && in[1] != 0x8b)) {
        end(reader, PL_GZIP_CORRUPT, first ? "no gzip header" : "garbage after a gzip member");
        return PLUMB_OK;
    }
    reader->member_at = input_at(reader);
    reader->member_first = reader->state.content;

    uint8_t *next = inflate->next_in;
    uint32_t avail = inflate->avail_in;
    isal_inflate_reset(inflate);
    inflate->crc_flag = ISAL_GZIP_NO_HDR_VER;
    inflate->next_in = next;
    inflate->avail_in = avail;
    isal_gzip_header_init(&reader->header);
    reader->header.extra = reader->extra;
    reader->header.extra_buf_len = EXTRA_BYTES;
    reader->header.extra_len = 0;
    reader->step = STEP_HEADER;
    return PLUMB_OK;
}

static plumb_status step_header(pl_gzip_reader *reader, plumb_error *err)
{
    PL_TRY(fill(reader, 1, err));
    if (reader->inflate.avail_in == 0) {
        end(reader, PL_GZIP_TRUNCATED, "truncated in a gzip header");
        return PLUMB_OK;
    }
    int result = isal_read_gzip_header(&reader->inflate, &reader->header);
    if (result == ISAL_END_INPUT) return PLUMB_OK;
    // RFC 1952 reserves three flags; ISA-L keeps the byte in `flags` and does not look at them.
    if (result != ISAL_DECOMP_OK || (reader->header.flags & 0xe0)) {
        end(reader, PL_GZIP_CORRUPT, "damaged gzip header");
        return PLUMB_OK;
    }
    // The checksum of the content starts anew after that of the header.
    reader->inflate.crc_flag = ISAL_GZIP_NO_HDR_VER;
    reader->step = STEP_BODY;
    return PLUMB_OK;
}

// Our subfield in the extra field of the member just read: its part and payload.
static bool find_extra(const pl_gzip_reader *reader, char *ret_part, pl_span *ret_payload)
{
    const uint8_t *extra = reader->extra;
    size_t bytes = PL_MIN(reader->header.extra_len, EXTRA_BYTES), at = 0;
    while (bytes - at >= 4) {
        size_t size = (size_t)extra[at + 2] | (size_t)extra[at + 3] << 8;
        if (size > bytes - at - 4) return false;
        if (extra[at] == 'P' && extra[at + 1] == 'L' && size >= 1) {
            *ret_part = (char)extra[at + 4];
            *ret_payload = pl_span_make(extra + at + 5, size - 1);
            return true;
        }
        at += 4 + size;
    }
    return false;
}

static void member_done(pl_gzip_reader *reader)
{
    pl_gzip_state *state = &reader->state;
    bool first = state->members++ == 0;
    bool empty = state->content == reader->member_first;
    state->verified = state->content;
    reader->step = STEP_BEGIN;
    char part = 0;
    pl_span payload = {0};
    if (!empty || !find_extra(reader, &part, &payload)) part = 0;
    if (first && part == 'H') {
        pl_buf_span(&reader->head, payload);
        state->head_bytes = input_at(reader);
    }
    if (part == 'T' || part != 't') {
        pl_buf_reset(&reader->trailer);
        state->trailer_at = 0;
    }
    if (part == 'T') state->trailer_at = reader->member_at;
    if (part == 'T' || (part == 't' && state->trailer_at)) pl_buf_span(&reader->trailer, payload);
}

static const char *defect(int result)
{
    switch (result) {
    case ISAL_INVALID_BLOCK:
        return "damaged: invalid deflate block";
    case ISAL_INVALID_SYMBOL:
        return "damaged: invalid deflate symbol";
    case ISAL_INVALID_LOOKBACK:
        return "damaged: deflate distance too far back";
    case ISAL_INCORRECT_CHECKSUM:
        return "damaged: wrong CRC-32 or length";
    default:
        return "damaged";
    }
}

// Inflate into OUT_BYTES of room; *got is what came.
static plumb_status step_body(pl_gzip_reader *reader, uint8_t *room, size_t *got, plumb_error *err)
{
    struct inflate_state *inflate = &reader->inflate;
    PL_TRY(fill(reader, 1, err));
    uint32_t avail = inflate->avail_in;
    inflate->next_out = room;
    inflate->avail_out = OUT_BYTES;
    int result = isal_inflate(inflate);
    *got = OUT_BYTES - inflate->avail_out;
    // ISA-L may count bits it only looked ahead for: a defect at the end leaves less than nothing.
    if (inflate->avail_in > avail) inflate->avail_in = 0;
    reader->state.content += *got;
    if (result < 0 || result == ISAL_NEED_DICT) {
        end(reader, PL_GZIP_CORRUPT, defect(result));
    } else if (inflate->block_state == ISAL_BLOCK_FINISH) {
        member_done(reader);
    } else if (*got == 0 && avail == 0) {
        // ISA-L calls truncated input a success: only its state tells.
        end(reader, PL_GZIP_TRUNCATED, "truncated");
    }
    return PLUMB_OK;
}

// Inflate straight into the buffer when it has the room, else into ours, from where it is taken.
static plumb_status inflate_some(pl_gzip_reader *reader, char *buffer, size_t bytes, size_t *got,
                                 plumb_error *err)
{
    if (bytes >= OUT_BYTES) return step_body(reader, (uint8_t *)buffer, got, err);
    if (!reader->out) reader->out = pl_alloc(OUT_BYTES);
    reader->out_at = 0;
    return step_body(reader, reader->out, &reader->out_end, err);
}

plumb_status pl_gzip_read(pl_gzip_reader *reader, void *buffer, size_t bytes, size_t *ret_got,
                          plumb_error *err)
{
    size_t got = 0;
    while (got < bytes) {
        char *to = (char *)buffer + got;
        size_t more = PL_MIN(reader->out_end - reader->out_at, bytes - got);
        if (more) {
            memcpy(to, reader->out + reader->out_at, more);
            reader->out_at += more;
        } else if (reader->step == STEP_BEGIN) {
            PL_TRY(step_begin(reader, err));
        } else if (reader->step == STEP_HEADER) {
            PL_TRY(step_header(reader, err));
        } else if (reader->step == STEP_BODY) {
            // What is left of a large buffer is not worth a copy (a fortieth of a run's time).
            if (got && bytes >= OUT_BYTES && bytes - got < OUT_BYTES) break;
            PL_TRY(inflate_some(reader, to, bytes - got, &more, err));
        } else {
            break;
        }
        got += more;
    }
    *ret_got = got;
    return PLUMB_OK;
}

pl_gzip_state pl_gzip_reader_state(const pl_gzip_reader *reader)
{
    pl_gzip_state state = reader->state;
    size_t held = reader->out_end - reader->out_at;
    if (held) {
        state.end = PL_GZIP_MORE;
        state.reason = NULL;
        state.content -= held;
        state.verified = PL_MIN(state.verified, state.content);
    }
    if (state.end == PL_GZIP_MORE) state.compressed = input_at(reader);
    state.head = pl_buf_view(&reader->head);
    state.trailer = pl_buf_view(&reader->trailer);
    return state;
}

uint32_t pl_crc32(uint32_t crc, pl_span bytes)
{
    // ISA-L wants a pointer to bytes it may not write: a cast is all it takes.
    return crc32_gzip_refl(crc, (unsigned char *)(uintptr_t)bytes.data, bytes.bytes);
}
