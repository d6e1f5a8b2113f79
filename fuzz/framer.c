// Content in any format, with and without a path to the records: the frames are in order, do not
// overlap, hold the content's own bytes, and are the same whatever pieces the content comes in and
// whether its documents are looked at as a whole or streamed; with small limits, and when reading
// fails at the end, they are still the same in any pieces.
//
// SPDX-License-Identifier: Apache-2.0
#include "json/framer_int.h"

#include "fuzz.h"

// Of the JSON around a record, what the records of a mapping would take from it: the array "w".
static void note_wanted(pl_buf *out, pl_span around)
{
    static const pl_span key = {"w", 1};
    pl_json_error ignored;
    size_t holder;
    size_t at = pl_framer__find_array(around, pl_json_space(around, 0), &key, 1, true, &holder);
    size_t end = at == SIZE_MAX ? SIZE_MAX : pl_json_skip(around, at, 0, &ignored);
    pl_buf_char(out, ' ');
    if (end != SIZE_MAX) pl_json_compact(out, pl_span_make(around.data + at, end - at));
}

// One frame as text, so that two framings are compared as two texts.
static void note_frame(pl_buf *out, const pl_frame *frame, pl_span content, bool anew)
{
    pl_buf_printf(out, "%llu+%llu ", (unsigned long long)frame->offset,
                  (unsigned long long)frame->bytes);
    if (frame->text.data) {
        FUZZ_CHECK(frame->text.bytes == frame->bytes);
        FUZZ_CHECK(memcmp(content.data + frame->offset, frame->text.data, frame->bytes) == 0);
        if (anew) pl_buf_char(out, '*');
        note_wanted(out, frame->document);
        note_wanted(out, frame->parent);
    } else {
        FUZZ_CHECK(frame->error_at >= frame->offset);
        FUZZ_CHECK(frame->error_at <= frame->offset + frame->bytes);
        FUZZ_CHECK(frame->reason[0]);
        pl_buf_printf(out, "!%llu %s", (unsigned long long)frame->error_at, frame->reason);
    }
    pl_buf_char(out, '\n');
}

// Bytes that belong to no record: nothing but white space between lines; where documents are
// arrays, their brackets and commas, too.
static void check_between(const pl_framer_options *options, pl_span between)
{
    if (options->has_records && !options->records_top) return;
    bool arrays = options->has_records || options->format == PL_FORMAT_ARRAY;
    for (size_t i = 0; i < between.bytes; i++)
        FUZZ_CHECK(memchr(arrays ? " \t\r\n[],\xEF\xBB\xBF" : " \t\r\n\xEF\xBB\xBF",
                          between.data[i], arrays ? 10 : 7));
}

typedef struct source {
    pl_span content;
    fuzz_feed feed;
    bool fails; // behind the last byte
} source;

static plumb_status source_read(void *context, char *buffer, size_t bytes, size_t *ret_got,
                                plumb_error *err)
{
    source *s = context;
    if (s->fails && !s->feed.left.bytes)
        return pl_fail(err, PLUMB_E_FAILED, "cannot read file 'x': bad sector");
    return fuzz_read(&s->feed, buffer, bytes, ret_got, err);
}

static plumb_status source_seek(void *context, uint64_t offset, plumb_error *err)
{
    (void)err;
    source *s = context;
    FUZZ_CHECK(offset <= s->content.bytes);
    if (s->content.bytes)
        s->feed.left = (pl_span){s->content.data + offset, s->content.bytes - (size_t)offset};
    return PLUMB_OK;
}

static void frames_of(pl_buf *out, const pl_framer_options *options, pl_span content, size_t chunk,
                      bool fails)
{
    source s = {content, {content, chunk}, fails};
    pl_framer *framer = pl_framer_new(options, source_read, &s);
    uint64_t end = 0, index = 0, envelope = 0;
    for (;;) {
        pl_frame frame;
        bool more;
        plumb_status st = pl_framer_next(framer, &frame, &more, NULL);
        FUZZ_CHECK(st == PLUMB_OK || fails);
        if (st != PLUMB_OK) {
            FUZZ_CHECK(pl_framer_offset(framer) >= end);
            FUZZ_CHECK(pl_framer_next(framer, &frame, &more, NULL) == st);
            pl_buf_printf(out, "failed at %llu\n", (unsigned long long)pl_framer_offset(framer));
            pl_framer_free(framer);
            return;
        }
        if (!more) break;
        FUZZ_CHECK(frame.index == index++ && pl_framer_records(framer) == index);
        FUZZ_CHECK(frame.offset >= end);
        check_between(options, pl_span_make(content.data + end, (size_t)(frame.offset - end)));
        end = frame.offset + frame.bytes;
        FUZZ_CHECK(end <= content.bytes);
        note_frame(out, &frame, content, frame.envelope != envelope);
        if (frame.text.data) envelope = frame.envelope;
        bool checked = options->format == PL_FORMAT_ARRAY || options->has_records;
        if (checked && frame.text.data) FUZZ_CHECK(fuzz_json(frame.text));
    }
    if (content.bytes > end)
        check_between(options, pl_span_make(content.data + end, content.bytes - (size_t)end));
    FUZZ_CHECK(pl_framer_offset(framer) == content.bytes);
    pl_framer_free(framer);
}

// What `how` says: a format, and no path, `$[]`, or one to a level of arrays; and whether the
// records take anything from around them.
static pl_framer_options options_of(unsigned how)
{
    static const pl_span keys[] = {{"a", 1}, {"b", 1}};
    static const pl_framer_keys inner[] = {{keys + 1, 1}};
    static const char *const texts[] = {NULL, "a[]", "a.b[]", "$[]", "a[].b[]"};
    static const pl_framer_want wants[] = {{0, {"w", 1}}, {1, {"w", 1}}};
    unsigned path = how / PL_FORMATS % PL_COUNT(texts);
    pl_framer_options options = {.format = (pl_format)(how % PL_FORMATS),
                                 .has_records = path > 0,
                                 .records_top = path == 3,
                                 .keys = keys,
                                 .key_count = path == 2 ? 2 : path == 1 || path == 4,
                                 .inner = inner,
                                 .inner_count = path == 4,
                                 .records_text = texts[path],
                                 .wants = wants,
                                 .want_count = how / (PL_FORMATS * PL_COUNT(texts)) % 2 ? 2 : 0};
    pl_format same;
    const char *name = pl_format_name(options.format);
    FUZZ_CHECK(pl_format_parse(pl_span_of(name), &same) && same == options.format);
    return options;
}

// In pieces of one size or another, the frames are these.
static void check_pieces(const pl_framer_options *options, pl_span input, size_t chunk, bool fails,
                         const pl_buf *want)
{
    pl_buf got = {0};
    frames_of(&got, options, input, chunk, fails);
    if (!pl_span_equal(pl_buf_view(want), pl_buf_view(&got)))
        fprintf(stderr, "want\n%.*sgot\n%.*s", PL_FMT(pl_buf_view(want)),
                PL_FMT(pl_buf_view(&got)));
    FUZZ_CHECK(pl_span_equal(pl_buf_view(want), pl_buf_view(&got)));
    pl_buf_done(&got);
}

void fuzz_one(pl_span input)
{
    unsigned how = fuzz_byte(&input), pieces = fuzz_byte(&input);
    size_t chunk = pieces % 64 + 1, small = pieces / 64 * 8 + 8;
    pl_framer_options options = options_of(how);
    pl_buf want = {0};
    frames_of(&want, &options, input, SIZE_MAX, false);
    check_pieces(&options, input, chunk, false, &want);
    options.seek = source_seek;
    options.document_bytes = small;
    check_pieces(&options, input, chunk, false, &want);
    options.record_bytes = small;
    for (unsigned round = 0; round < 4; round++) {
        options.seek = round & 1 ? source_seek : NULL;
        pl_buf_reset(&want);
        frames_of(&want, &options, input, SIZE_MAX, round & 2);
        check_pieces(&options, input, chunk, round & 2, &want);
    }
    pl_buf_done(&want);
}

void fuzz_seeds(void)
{
    static const char *const contents[] = {
        "{\"id\":1}\n\n{\"id\":2,\"x\":[1,2]}\r\nnonsense\n{\"id\":3}",
        "\xEF\xBB\xBF[{\"id\":1}, \"two\" ,3.5e1,null,[4],{\"a\":\"\\ud83d\\ude00\"}]\n",
        "[{\"id\":1},{\"id\":}, 5",
        "[{\"uda\":\"\\u",
        "[{\"id\":{\"a::[]a\":[]}\n{ \n{\"a\":'}[{\"id\":di\"}, 5",
        "{\"a\":[1,{\"x\":2},[3]],\"c\":0}\n{\"a\":[]}\n{\"a\":5}\n{\"a\":[1,",
        "{\"a\":{\"b\":[{\"id\":1},{\"id\":2}],\"c\":{}},\"a\":{\"b\":[7]}} ",
        "{\"w\":[0,[1]],\"a\":[{\"b\":[1],\"w\":[]},{\"b\":[2]}],\"x\":{}}\n{\"a\":{\"w\":[2,{"
        "\"x\":\"\"}],"
        "\"b\":[3]}}\n[{\"a\":[1],\"w\":[4]}]",
        "[[1,2],[3],{\"a\":{\"b\":[4,5]}}] x",
    };
    for (size_t i = 0; i < PL_COUNT(contents); i++)
        for (unsigned how = 0; how < 10 * PL_FORMATS; how++) {
            pl_buf seed = {0};
            pl_buf_char(&seed, (char)how);
            pl_buf_char(&seed, (char)(how % 5));
            pl_buf_text(&seed, contents[i]);
            fuzz_seed(pl_buf_view(&seed));
            pl_buf_done(&seed);
        }
}
