// SPDX-License-Identifier: Apache-2.0
#include "json/framer.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

// Content that comes in chunks and may fail behind its last byte.
typedef struct source {
    pl_span all, left;
    size_t chunk;
    bool fails;
} source;

static plumb_status source_read(void *context, char *buffer, size_t bytes, size_t *ret_got,
                                plumb_error *err)
{
    source *s = context;
    size_t got = PL_MIN(PL_MIN(bytes, s->left.bytes), s->chunk);
    CHECK(bytes > 0);
    if (!got && s->fails) return pl_fail(err, PLUMB_E_MALFORMED, "the gzip is cut");
    if (got) memcpy(buffer, s->left.data, got);
    s->left.data += got;
    s->left.bytes -= got;
    *ret_got = got;
    return PLUMB_OK;
}

static plumb_status source_seek(void *context, uint64_t offset, plumb_error *err)
{
    source *s = context;
    (void)err;
    CHECK(offset <= s->all.bytes);
    s->left = pl_span_make(s->all.data + offset, s->all.bytes - (size_t)offset);
    return PLUMB_OK;
}

static size_t document_bytes; // 0: no document is streamed
static size_t record_bytes;   // 0: the usual limit

// A records path of at most two keys, "a.b"; "$[]" for documents that are arrays; "a[].b" for an
// array in the items of one.
static void options_set(pl_framer_options *options, pl_format format, const char *records,
                        pl_span keys[2])
{
    *options = (pl_framer_options){
        .format = format, .keys = keys, .records_text = records, .record_bytes = record_bytes};
    if (!records) return;
    options->has_records = true;
    options->records_top = strcmp(records, "$[]") == 0;
    options->seek = document_bytes ? source_seek : NULL;
    options->document_bytes = document_bytes;
    if (options->records_top) return;
    static pl_framer_keys inner;
    const char *brackets = strstr(records, "[].");
    if (brackets) {
        keys[0] = pl_span_make(records, (size_t)(brackets - records));
        keys[1] = pl_span_of(brackets + 3);
        inner = (pl_framer_keys){&keys[1], 1};
        options->key_count = options->inner_count = 1;
        options->inner = &inner;
        return;
    }
    const char *dot = strchr(records, '.');
    keys[0] = pl_span_make(records, dot ? (size_t)(dot - records) : strlen(records));
    if (dot) keys[1] = pl_span_of(dot + 1);
    options->key_count = dot ? 2 : 1;
}

// The framer's next frame: by itself, or out of many.
typedef struct frame_source {
    pl_framer *framer;
    pl_frames frames;
    uint32_t at;
    bool many;
} frame_source;

static plumb_status next_frame(frame_source *from, pl_frame *frame, bool *ret_more,
                               plumb_error *err)
{
    if (!from->many) return pl_framer_next(from->framer, frame, ret_more, err);
    if (from->at == from->frames.count) {
        from->at = 0;
        PL_TRY(pl_framer_take(from->framer, &from->frames, err));
    }
    *ret_more = from->at < from->frames.count;
    if (*ret_more) pl_frames_get(&from->frames, from->at++, frame);
    return PLUMB_OK;
}

// One line per frame: "offset+bytes text" or "offset+bytes !byte reason". What holds of every
// frame is checked on the way: numbered in order, no overlap, the error inside, the very bytes.
static void frames_of(pl_buf *out, pl_format format, const char *records, pl_span content,
                      size_t chunk, bool fails, bool many)
{
    source s = {content, content, chunk, fails};
    pl_span keys[2];
    pl_framer_options options;
    pl_frame frame;
    plumb_error err;
    bool more;
    uint64_t end = 0, index = 0;
    options_set(&options, format, records, keys);
    pl_framer *framer = pl_framer_new(&options, source_read, &s);
    frame_source from = {.framer = framer, .many = many};
    for (;;) {
        if (next_frame(&from, &frame, &more, &err) != PLUMB_OK) {
            pl_buf_printf(out, "%llu failed: %s\n", (unsigned long long)pl_framer_offset(framer),
                          err.message);
            CHECK(pl_framer_offset(framer) >= end);
            CHECK_INT(PLUMB_E_MALFORMED, pl_framer_next(framer, &frame, &more, &err));
            break;
        }
        if (!more) break;
        CHECK_INT(index++, frame.index);
        CHECK(many || index == pl_framer_records(framer));
        CHECK(frame.offset >= end);
        end = frame.offset + frame.bytes;
        CHECK(end <= content.bytes);
        pl_buf_printf(out, "%llu+%llu ", (unsigned long long)frame.offset,
                      (unsigned long long)frame.bytes);
        if (frame.text.data) {
            CHECK_INT(frame.bytes, frame.text.bytes);
            CHECK_INT(0, memcmp(content.data + frame.offset, frame.text.data, frame.text.bytes));
            pl_buf_printf(out, "%.*s\n", (int)PL_MIN(frame.bytes, 100u), frame.text.data);
        } else {
            if (frame.error_at < frame.offset || frame.error_at > end)
                fail_msg("%.*s\nan error outside: %s%llu %s", PL_FMT(content), pl_buf_cstr(out),
                         (unsigned long long)frame.error_at, frame.reason);
            pl_buf_printf(out, "!%llu %s\n", (unsigned long long)frame.error_at, frame.reason);
        }
    }
    if (!fails) {
        CHECK_OK(pl_framer_next(framer, &frame, &more, &err), err);
        CHECK(!more);
        CHECK_INT(content.bytes, pl_framer_offset(framer));
        CHECK_INT(index, pl_framer_records(framer));
    }
    pl_frames_done(&from.frames);
    pl_framer_free(framer);
}

static void check_frames_at(pl_format format, const char *records, pl_span content, bool fails,
                            const char *want, const char *file, int line)
{
    static const size_t chunks[] = {SIZE_MAX, 1, 2, 3, 7, 64};
    static const size_t sizes[] = {0, 1, 9};
    for (size_t n = 0; n < 2 * PL_COUNT(chunks) * PL_COUNT(sizes); n++) {
        pl_buf got = {0};
        size_t i = n / 2;
        document_bytes = sizes[i / PL_COUNT(chunks)];
        frames_of(&got, format, records, content, chunks[i % PL_COUNT(chunks)], fails, n % 2);
        document_bytes = 0;
        if (strcmp(want, pl_buf_cstr(&got)) != 0) {
            print_error("%s in chunks of %zd, streamed above %zu\nwant:\n%sgot:\n%s",
                        pl_format_name(format), (ssize_t)chunks[i % PL_COUNT(chunks)],
                        sizes[i / PL_COUNT(chunks)], want, got.data);
            _fail(file, line);
        }
        pl_buf_done(&got);
    }
}
#define CHECK_FRAMES(format, records, content, want)                                               \
    check_frames_at(format, records, pl_span_of(content), false, want, __FILE__, __LINE__)
#define CHECK_FAILING(format, records, content, want)                                              \
    check_frames_at(format, records, pl_span_of(content), true, want, __FILE__, __LINE__)

TEST(framer_ndjson_is_one_record_per_line_that_is_not_blank)
{
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "", "");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "\n\n \r\n\t\n", "");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "   ", "");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "{}\n[1]\n", "0+2 {}\n3+3 [1]\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "{}\n[1]", "0+2 {}\n3+3 [1]\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "\n{}\n\n\n5\n\n", "1+2 {}\n6+1 5\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "{}\r\n5\r\n", "0+3 {}\r\n4+2 5\r\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "  {} \n", "0+5   {} \n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "nonsense\n{\n", "0+8 nonsense\n9+1 {\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "{}\n  ", "0+2 {}\n");
}

TEST(framer_skips_one_byte_order_mark_at_the_start)
{
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "\xEF\xBB\xBF{}\n", "3+2 {}\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "\xEF\xBB\xBF", "");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "\xEF\xBB\xBF\xEF\xBB\xBF{}", "3+5 \xEF\xBB\xBF{}\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, NULL, "\xEF\xBB", "0+2 \xEF\xBB\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "\xEF\xBB\xBF[1]", "4+1 1\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "\xEF\xBB\xBF \n", "");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, NULL, "\xEF\xBB\xBF{}", "3+2 {}\n");
}

TEST(framer_array_streams_its_items)
{
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "", "");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, " \n ", "");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[]", "");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, " [ \n ] \n", "");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[ {\"a\":[1,2]} ,\n5,\"x]\",true,null,[] ]\n",
                 "2+11 {\"a\":[1,2]}\n16+1 5\n18+4 \"x]\"\n23+4 true\n28+4 null\n33+2 []\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[12345678901234567890,-1.5e10]",
                 "1+20 12345678901234567890\n22+7 -1.5e10\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[\"\\ud83d\\ude00\",\"\xF0\x9F\x98\x80\"]",
                 "1+14 \"\\ud83d\\ude00\"\n16+6 \"\xF0\x9F\x98\x80\"\n");
}

TEST(framer_array_is_one_bad_record_from_a_syntax_error_to_the_end)
{
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "{}", "0+2 !0 an array is expected here\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[", "1+0 !1 the text ends inside an array\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1", "1+1 1\n2+0 !2 the text ends inside an array\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1,", "1+1 1\n3+0 !3 the text ends inside an array\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1,]", "1+1 1\n3+1 !3 a value is expected here\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[,1]", "1+3 !1 a value is expected here\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1 2]", "1+1 1\n3+2 !3 a comma or ] is expected here\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1] x", "1+1 1\n4+1 !4 text follows the array\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1][2]", "1+1 1\n3+3 !3 text follows the array\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1,{\"a\":tru},2,3]",
                 "1+1 1\n3+14 !8 a value is expected here\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1,01,2]", "1+1 1\n3+5 !3 a number has a leading zero\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[1,\"\\ud83d\"]",
                 "1+1 1\n3+9 !4 a lone surrogate is not a character\n");
}

TEST(framer_array_cut_at_any_byte_keeps_what_was_complete)
{
    static const char text[] = "[{\"a\":\"x\"},-12.5e3,tru]";
    static const char *const reasons[] = {"the text ends inside a string",
                                          "the text ends inside an array"};
    for (size_t bytes = 1; bytes < sizeof text - 1; bytes++) {
        pl_buf first = {0};
        frames_of(&first, PL_FORMAT_ARRAY, NULL, pl_span_make(text, bytes), SIZE_MAX, false, false);
        for (size_t chunk = 1; chunk < 5; chunk++) {
            pl_buf got = {0};
            frames_of(&got, PL_FORMAT_ARRAY, NULL, pl_span_make(text, bytes), chunk, false, false);
            CHECK_STR(pl_buf_cstr(&first), pl_buf_cstr(&got));
            pl_buf_done(&got);
        }
        bool whole = strstr(pl_buf_cstr(&first), "1+9 {\"a\":\"x\"}\n") != NULL;
        CHECK_INT(bytes >= 10, whole);
        CHECK(strstr(first.data, " !") != NULL);
        if (bytes == 8) CHECK(strstr(first.data, reasons[0]));
        if (bytes == 10) CHECK(strstr(first.data, reasons[1]));
        pl_buf_done(&first);
    }
}

TEST(framer_document_is_one_record)
{
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, NULL, "", "");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, NULL, " \n", "");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, NULL, " {\n\"a\":1}\n", "1+9 {\n\"a\":1}\n\n");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, NULL, "{", "0+1 {\n");
}

TEST(framer_unpacks_the_array_at_the_records_path)
{
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "a", "{\"x\":[9],\"a\":[1, {} ,[2]],\"y\":0}",
                 "14+1 1\n17+2 {}\n21+3 [2]\n");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "a.b", "{ \"a\" : { \"b\" : [ 1 ] } }", "18+1 1\n");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "a.b", "{\"\\u0061\":{\"b\":[1]}}", "16+1 1\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1,2]}\n{\"a\":[]}\n\n{\"a\":[3]}\n",
                 "6+1 1\n8+1 2\n28+1 3\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "$[]", "[1,2]\n[]\n[3]", "1+1 1\n3+1 2\n10+1 3\n");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "$[]", " [1,\n2] ", "2+1 1\n5+1 2\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, "$[]", "[1,2]", "1+1 1\n3+1 2\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, "a", "[{\"a\":[1]},{\"a\":[]},{\"a\":[2,3]}]",
                 "7+1 1\n26+1 2\n28+1 3\n");
}

TEST(framer_makes_one_bad_record_of_a_document_without_the_array)
{
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a.b",
                 "{}\n{\"a\":{}}\n{\"a\":null}\n{\"a\":{\"b\":null}}\n{\"a\":{\"b\":5}}\n"
                 "{\"a\":{\"b\":{}}}\n{\"b\":[1]}\n[1]\n5\n{\"a\":[{\"b\":[1]}]}\n",
                 "0+2 !0 no array at a.b\n3+8 !3 no array at a.b\n12+10 !12 no array at a.b\n"
                 "23+16 !23 no array at a.b\n40+13 !40 no array at a.b\n54+14 !54 no array at a.b\n"
                 "69+9 !69 no array at a.b\n79+3 !79 no array at a.b\n83+1 !83 no array at a.b\n"
                 "85+17 !85 no array at a.b\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "$[]", "{}\n", "0+2 !0 no array at $[]\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, "a", "[5,{\"a\":[1]}]", "1+1 !1 no array at a\n9+1 1\n");
}

TEST(framer_lets_the_last_of_repeated_keys_on_the_path_win)
{
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1],\"a\":[2]}\n", "14+1 2\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1],\"\\u0061\":[2]}\n", "19+1 2\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1],\"a\":null}\n", "0+18 !0 no array at a\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a.b", "{\"a\":{\"b\":[1]},\"a\":{\"c\":[2]}}\n",
                 "0+29 !0 no array at a.b\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a.b", "{\"a\":{\"b\":[1]},\"a\":{\"b\":[2]}}\n", "25+1 2\n");
}

TEST(framer_keeps_the_items_before_a_break_of_their_envelope)
{
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1,2", // both are whole, their array is not
                 "6+1 1\n8+1 2\n9+0 !9 the text ends inside an array\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1,x,2]}\n{\"a\":[3]}",
                 "6+1 1\n8+5 !8 a value is expected here\n20+1 3\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1,]}\n",
                 "6+1 1\n8+2 !8 a value is expected here\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1 2]}\n",
                 "6+1 1\n8+3 !8 a comma or ] is expected here\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1],\"b\":}\n{\"a\":[]}\n",
                 "6+1 1\n8+6 !13 a value is expected here\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[1]} x\n",
                 "6+1 1\n8+3 !10 text follows the value\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"x\":tru,\"a\":[1]}\n",
                 "0+17 !5 a value is expected here\n");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "a", "{\"a\":[{\"b\":1},{\"b\":",
                 "6+7 {\"b\":1}\n14+5 !19 the text ends where a value is expected\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a", "{\"a\":[\n{\"a\":[1]}\n",
                 "6+0 !6 the text ends inside an array\n13+1 1\n");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "a", "{\"a\":[", "6+0 !6 the text ends inside an array\n");
}

TEST(framer_document_cut_at_any_byte_is_accounted_for)
{
    static const char text[] =
        "{\"x\":{\"k\":[1,\"\\u00e9\"]},\"a\":{\"b\":[{\"i\":1},{\"i\":2}]},\"z\":null}";
    for (size_t bytes = 1; bytes < sizeof text - 1; bytes++) {
        pl_buf got = {0}, again = {0};
        frames_of(&got, PL_FORMAT_DOCUMENT, "a.b", pl_span_make(text, bytes), SIZE_MAX, false,
                  false);
        frames_of(&again, PL_FORMAT_DOCUMENT, "a.b", pl_span_make(text, bytes), 1, false, true);
        CHECK_STR(pl_buf_cstr(&got), pl_buf_cstr(&again));
        CHECK(strstr(got.data, " !") != NULL); // never silently complete
        CHECK_INT(bytes >= 41, strstr(got.data, "{\"i\":1}") != NULL);
        CHECK_INT(bytes >= 49, strstr(got.data, "{\"i\":2}") != NULL);
        pl_buf_done(&got);
        pl_buf_done(&again);
    }
}

TEST(framer_frames_what_came_before_reading_failed)
{
    CHECK_FAILING(PL_FORMAT_NDJSON, NULL, "{}\n{\"a\":", "0+2 {}\n3 failed: the gzip is cut\n");
    CHECK_FAILING(PL_FORMAT_NDJSON, NULL, "{}\n", "0+2 {}\n3 failed: the gzip is cut\n");
    CHECK_FAILING(PL_FORMAT_ARRAY, NULL, "[1,{\"a\":2},{\"a\"",
                  "1+1 1\n3+7 {\"a\":2}\n11 failed: the gzip is cut\n");
    CHECK_FAILING(PL_FORMAT_ARRAY, NULL, "[1 2,3,4", // the bad record ends where reading does
                  "1+1 1\n3+5 !3 a comma or ] is expected here\n8 failed: the gzip is cut\n");
    CHECK_FAILING(PL_FORMAT_DOCUMENT, "a", "{\"a\":[1,2]", "0 failed: the gzip is cut\n");
    CHECK_FAILING(PL_FORMAT_NDJSON, "a", "{\"a\":[1]}\n{\"a\":[2",
                  "6+1 1\n10 failed: the gzip is cut\n");
    CHECK_FAILING(PL_FORMAT_NDJSON, NULL, "", "0 failed: the gzip is cut\n");
}

TEST(framer_counts_nesting_from_the_document_on)
{
    // The deepest item that the whole document can hold, and one bracket more.
    for (int extra = 0; extra < 2; extra++) {
        pl_buf text = {0}, got = {0}, want = {0};
        pl_buf_text(&text, "{\"a\":{\"b\":[1,");
        int depth = PL_DEPTH_MAX - 3 + extra;
        for (int i = 0; i < depth; i++) pl_buf_char(&text, '[');
        for (int i = 0; i < depth; i++) pl_buf_char(&text, ']');
        pl_buf_text(&text, "]}}");
        frames_of(&got, PL_FORMAT_DOCUMENT, "a.b", pl_buf_view(&text), 64, false, false);
        if (extra)
            pl_buf_printf(&want, "11+1 1\n13+%d !%d values are nested too deep\n", 2 * depth + 3,
                          13 + depth - 1);
        else
            pl_buf_printf(&want, "11+1 1\n13+%d %.*s\n", 2 * depth, 100, text.data + 13);
        CHECK_STR(pl_buf_cstr(&want), pl_buf_cstr(&got));
        pl_buf_done(&text);
        pl_buf_done(&got);
        pl_buf_done(&want);
    }
}

static void check_large(pl_format format, const char *records, const char *before, size_t bytes,
                        const char *behind, const char *want)
{
    static const size_t chunks[] = {SIZE_MAX, 65536, 1000003};
    pl_buf text = {0};
    pl_buf_text(&text, before);
    pl_buf_char(&text, '"');
    memset(pl_buf_reserve(&text, bytes - 2), 'x', bytes - 2);
    text.count += bytes - 2;
    pl_buf_char(&text, '"');
    pl_buf_text(&text, behind);
    for (size_t i = 0; i < PL_COUNT(chunks); i++) {
        pl_buf got = {0};
        frames_of(&got, format, records, pl_buf_view(&text), chunks[i], false, false);
        for (char *x; (x = strstr(pl_buf_cstr(&got), "\"xxxxx"));) { // 100 bytes of it
            memmove(x, x + strcspn(x, "\n"), strlen(x + strcspn(x, "\n")) + 1);
            got.count = strlen(got.data);
        }
        CHECK_STR(want, pl_buf_cstr(&got));
        pl_buf_done(&got);
    }
    pl_buf_done(&text);
}

TEST(framer_takes_a_record_at_the_limit_and_refuses_a_larger_one_by_name)
{
    const size_t limit = PL_RECORD_BYTES_MAX;
    check_large(PL_FORMAT_NDJSON, NULL, "1\n", limit, "\n2\n",
                "0+1 1\n2+16777216 \n16777219+1 2\n");
    check_large(PL_FORMAT_NDJSON, NULL, "1\n", limit + 1, "\n2\n",
                "0+1 1\n2+16777218 !16777218 a record is larger than 16 MiB\n16777220+1 2\n");
    check_large(PL_FORMAT_NDJSON, NULL, "1\n", limit + 1024 * 1024, "\n2\n",
                "0+1 1\n2+17825793 !16777218 a record is larger than 16 MiB\n17825795+1 2\n");
    check_large(PL_FORMAT_NDJSON, NULL, "1\n", 3 * limit, "",
                "0+1 1\n2+50331648 !16777218 a record is larger than 16 MiB\n");
    check_large(PL_FORMAT_ARRAY, NULL, "[1,", limit, ",2]", "1+1 1\n3+16777216 \n16777220+1 2\n");
    check_large(PL_FORMAT_ARRAY, NULL, "[1,", limit + 1, ",2]",
                "1+1 1\n3+16777217 !16777219 a record is larger than 16 MiB\n16777221+1 2\n");
    check_large(PL_FORMAT_ARRAY, NULL, "[1,", limit + 5000000, ",2]",
                "1+1 1\n3+21777216 !16777219 a record is larger than 16 MiB\n21777220+1 2\n");
    check_large(PL_FORMAT_DOCUMENT, NULL, "", limit, "", "0+16777216 \n");
    check_large(PL_FORMAT_DOCUMENT, NULL, "", limit, " ",
                "0+16777217 !16777216 a record is larger than 16 MiB\n");
}

TEST(framer_formats_have_names)
{
    pl_format format;
    for (int i = 0; i < PL_FORMATS; i++) {
        CHECK(pl_format_parse(pl_span_of(pl_format_name((pl_format)i)), &format));
        CHECK_INT(i, format);
    }
    CHECK(!pl_format_parse(PL_SPAN("csv"), &format));
    CHECK(!pl_format_parse(PL_SPAN(""), &format));
    pl_framer_free(NULL);
}

TEST(framer_takes_concatenated_documents_apart)
{
    const pl_format concatenated = PL_FORMAT_CONCATENATED;
    CHECK_FRAMES(concatenated, NULL, "", "");
    CHECK_FRAMES(concatenated, NULL, " \n ", "");
    CHECK_FRAMES(concatenated, NULL, "{}{}\n[1] 23\n\"x\"",
                 "0+2 {}\n2+2 {}\n5+3 [1]\n9+2 23\n12+3 \"x\"\n");
    CHECK_FRAMES(concatenated, NULL, "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n",
                 "0+11 {\n \"a\": 1\n}\n12+11 {\n \"a\": 2\n}\n");
    // A broken one reaches to the next line that begins with a bracket.
    CHECK_FRAMES(concatenated, NULL, "{\"a\" 1} {}\n {}\n{\"b\":2}",
                 "0+14 {\"a\" 1} {}\n {}\n15+7 {\"b\":2}\n");
    CHECK_FRAMES(concatenated, NULL, "{\"a\":\n{\"b\":2", "0+12 {\"a\":\n{\"b\":2\n");
    CHECK_FRAMES(concatenated, "a", "{\"a\":[1,2]}{\"a\":[3]}{\"b\":0}",
                 "6+1 1\n8+1 2\n17+1 3\n20+7 !20 no array at a\n");
    CHECK_FRAMES(concatenated, "a", "{\"a\":[1,,2]}{\"a\":[3]}\n{\"a\":[4]}",
                 "6+1 1\n8+13 !8 a value is expected here\n28+1 4\n");
}

TEST(framer_unpacks_an_array_in_the_items_of_an_array)
{
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "a[].b", "{\"a\":[{\"b\":[1,2]},{\"b\":[]},{\"b\":[3]}]}",
                 "12+1 1\n14+1 2\n33+1 3\n");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "a[].b", "{\"a\":[{\"b\":[1]},{\"c\":0},7]}\n{\"a\":[]}\n",
                 "12+1 1\n16+7 !16 no array at a[].b\n24+1 !24 no array at a[].b\n");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "a[].b", "{\"a\":[{\"b\":[1]},{\"b\":[2,]}]}",
                 "12+1 1\n16+12 !24 a value is expected here\n");
}

TEST(framer_gives_the_objects_around_a_record)
{
    static const char text[] =
        "{\"v\":1,\"z\":[{\"q\":0}],\"d\":{\"n\":2,\"l\":[5,6],\"m\":{\"x\":[3]}},\"t\":4}";
    static const pl_span keys[] = {{"d", 1}, {"l", 1}};
    static const pl_framer_want wants[] = {
        {0, {"t", 1}}, {0, {"z", 1}}, {1, {"m", 1}}, {1, {"n", 1}}};
    for (int streamed = 0; streamed < 2; streamed++) {
        source s = {PL_SPAN(text), PL_SPAN(text), 3, false};
        pl_framer_options options = {.format = PL_FORMAT_DOCUMENT,
                                     .has_records = true,
                                     .keys = keys,
                                     .key_count = 2,
                                     .records_text = "d.l",
                                     .wants = wants,
                                     .want_count = 4,
                                     .seek = source_seek,
                                     .document_bytes = streamed ? 1 : 0};
        pl_framer *framer = pl_framer_new(&options, source_read, &s);
        pl_frame frame;
        plumb_error err;
        bool more;
        CHECK_OK(pl_framer_next(framer, &frame, &more, &err), err);
        CHECK(more && frame.text.bytes == 1);
        char got[200];
        snprintf(got, sizeof got, "%.*s %.*s", PL_FMT(frame.document), PL_FMT(frame.parent));
        char want[200];
        snprintf(want, sizeof want, "%s {\"n\":2,\"l\":[5,6],\"m\":{\"x\":[3]}}", text);
        CHECK_STR(streamed ? "{\"z\":[{\"q\":0}],\"d\":{\"n\":2,\"l\":[],\"m\":{\"x\":[3]}},"
                             "\"t\":4} {\"n\":2,\"l\":[],\"m\":{\"x\":[3]}}"
                           : want,
                  got);
        uint64_t envelope = frame.envelope;
        CHECK_OK(pl_framer_next(framer, &frame, &more, &err), err);
        CHECK(more && frame.envelope == envelope);
        pl_framer_free(framer);
    }
}

// "array.number text" of every envelope, a line each.
static void check_envelopes(pl_format format, const char *records, const char *content,
                            const char *want)
{
    static const size_t chunks[] = {SIZE_MAX, 1, 7};
    for (size_t i = 0; i < PL_COUNT(chunks); i++) {
        source s = {pl_span_of(content), pl_span_of(content), chunks[i], false};
        pl_span keys[2];
        pl_framer_options options;
        plumb_error err;
        pl_frames frames = {0};
        pl_buf got = {0};
        options_set(&options, format, records, keys);
        options.envelopes = true;
        pl_framer *framer = pl_framer_new(&options, source_read, &s);
        do {
            CHECK_OK(pl_framer_take(framer, &frames, &err), err);
            for (uint32_t e = 0; e < frames.envelope_count; e++) {
                const pl_envelope *one = &frames.envelopes[e];
                pl_buf_printf(&got, "%u.%llu %.*s\n", one->array, (unsigned long long)one->number,
                              (int)one->bytes, frames.outside.data + one->at);
            }
        } while (frames.count || frames.envelope_count);
        CHECK_STR(want, got.count ? pl_buf_cstr(&got) : "");
        pl_buf_done(&got);
        pl_frames_done(&frames);
        pl_framer_free(framer);
    }
}

TEST(framer_gives_documents_without_their_records)
{
    check_envelopes(PL_FORMAT_NDJSON, "d.l",
                    "{\"n\": 1, \"d\": {\"l\": [{\"a\": 1}, {\"a\": 2}], \"z\": [3]}}\n"
                    " {\"d\": {\"l\": []}, \"n\": null}\n",
                    "0.0 {\"n\": 1, \"d\": {\"l\": [], \"z\": [3]}}\n"
                    "0.1  {\"d\": {\"l\": []}, \"n\": null}\n");
    // Inner arrays: the object that holds each ends before the one around it.
    check_envelopes(PL_FORMAT_DOCUMENT, "a[].b", "{\"a\": [{\"b\": [{}], \"c\": 1}, {\"b\": []}]}",
                    "1.1 {\"b\": [], \"c\": 1}\n1.2 {\"b\": []}\n0.0 {\"a\": []}\n");
    check_envelopes(PL_FORMAT_ARRAY, "a", "[{\"a\": [{}], \"x\": 1}, {\"a\": [{}]}]",
                    "0.0 {\"a\": [], \"x\": 1}\n0.1 {\"a\": []}\n");
}

TEST(framer_gives_nothing_around_records_that_stand_alone_or_are_broken)
{
    check_envelopes(PL_FORMAT_NDJSON, NULL, "{\"a\": [1]}\n", "");
    check_envelopes(PL_FORMAT_NDJSON, "a", "{\"b\": []}\n{\"a\": [{}], \"b\": }\n", "");
    check_envelopes(PL_FORMAT_DOCUMENT, "a", "{\"a\": [{}, {}", "");
    check_envelopes(PL_FORMAT_DOCUMENT, "a[].b", "{\"a\": [{\"b\": [{}], \"c\": 1}], \"x\": }", "");
}

TEST(framer_survives_damage_and_accounts_for_it_alike_in_every_chunking)
{
    static const struct {
        pl_format format;
        const char *records, *text;
    } cases[] = {
        {PL_FORMAT_NDJSON, NULL, "{\"a\":1}\r\n\n[2]\n\"\\u00e9\"\n"},
        {PL_FORMAT_NDJSON, "a.b", "{\"a\":{\"b\":[1,2]}}\n{\"a\":{\"b\":[]},\"z\":0}\n{\"a\":1}\n"},
        {PL_FORMAT_ARRAY, NULL, "[{\"a\":[1,2]},\"x\\ud83d\\ude00\",tru,-1.5e3,null]"},
        {PL_FORMAT_ARRAY, "a", "[{\"a\":[1,{\"a\":2}]},{\"a\":[]},{\"b\":0,\"a\":[3]}]"},
        {PL_FORMAT_DOCUMENT, "a", "{\"n\":{\"a\":[0]},\"a\":[{\"x\":1},{\"x\":2}],\"end\":true}"},
        {PL_FORMAT_DOCUMENT, "$[]", "[1, [2], {\"x\":[3]}]"},
        {PL_FORMAT_CONCATENATED, NULL, "{\"a\":1}{\"b\":[2]}\n{\n \"c\": 3\n}\n5 6"},
        {PL_FORMAT_CONCATENATED, "a.b", "{\"a\":{\"b\":[1,2]}}{\"a\":{\"b\":[]}}\n{\"a\":1}\n"},
        {PL_FORMAT_DOCUMENT, "a[].b", "{\"a\":[{\"b\":[1,2]},{\"b\":[3]},{\"c\":0}],\"z\":1}"},
        {PL_FORMAT_NDJSON, "a[].b", "{\"a\":[{\"b\":[1,2]},{\"b\":[]}]}\n{\"a\":[{\"b\":[3]}]}"},
        {PL_FORMAT_ARRAY, "a[].b", "[{\"a\":[{\"b\":[1]},5]},{\"a\":[]},{\"a\":[{\"b\":[2]}]}]"},
    };
    uint64_t seed = 5;
    for (int round = 0; round < 12000; round++) {
        const char *text = cases[round % (int)PL_COUNT(cases)].text;
        pl_buf content = {0}, whole = {0}, chunked = {0};
        pl_buf_text(&content, text);
        for (int i = 0; i < 1 + round % 4; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            content.data[(seed >> 33) % content.count] =
                "\"{}[],:\\ud8a0-1 \xC3\n\0t"[(seed >> 28) % 21];
        }
        if (round % 3 == 0) content.count = (seed >> 40) % content.count;
        bool fails = round % 5 == 0;
        pl_format format = cases[round % (int)PL_COUNT(cases)].format;
        const char *records = cases[round % (int)PL_COUNT(cases)].records;
        frames_of(&whole, format, records, pl_buf_view(&content), SIZE_MAX, fails, false);
        // Near a failure the two ways may be sure of a mistake at different bytes, and of a broken
        // document among concatenated ones they may give different reasons for the same byte.
        bool alike = !fails && format != PL_FORMAT_CONCATENATED;
        document_bytes = round % 2 && alike ? 1 + (seed >> 45) % 20 : 0;
        frames_of(&chunked, format, records, pl_buf_view(&content), 1 + (seed >> 50) % 5, fails,
                  true);
        document_bytes = 0;
        if (!pl_span_equal(pl_buf_view(&whole), pl_buf_view(&chunked)))
            fail_msg("%.*s\n%s---\n%s", PL_FMT(pl_buf_view(&content)), pl_buf_cstr(&whole),
                     pl_buf_cstr(&chunked));
        pl_buf_done(&content);
        pl_buf_done(&whole);
        pl_buf_done(&chunked);
    }
}

TEST(framer_says_of_a_broken_document_what_is_wrong_inside_its_range)
{
    // It ends before a line that begins with a bracket, even when that is before the mistake.
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, "a", "{\"a\":[1,2],\"b\":\"\n{\"a\":[3]}",
                 "6+1 1\n8+1 2\n10+6 !16 the text ends inside a string\n23+1 3\n");
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, "a", "{\"a\":[1,2\n{\"a\":[3]}",
                 "6+1 1\n8+1 2\n9+0 !9 the text ends inside an array\n16+1 3\n");
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, "a", "[{\"id\":{\"a::[]\":[]}\n{ \n{\"a\":'}[5",
                 "0+19 !19 the text ends inside an object\n"
                 "20+2 !22 the text ends inside an object\n23+9 !28 a value is expected here\n");
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, "a", "{\"b\":\"\\ud83d\n{\"a\":[3]}",
                 "0+12 !6 a lone surrogate is not a character\n19+1 3\n");
}

TEST(framer_finds_one_end_of_what_is_too_large_in_any_pieces)
{
    record_bytes = 8;
    // A mistake inside the limit, and the next document beyond it.
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, NULL, "[\n[\nx            \n[2]",
                 "0+17 !4 a value is expected here\n18+3 [2]\n");
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, NULL, "[\n[\nx            ",
                 "0+17 !4 a value is expected here\n");
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, NULL, "[\n[\nx  \n[2]", "0+7 [\n[\nx  \n8+3 [2]\n");
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, NULL, "[\"12345678\"]\n[2]",
                 "0+12 !8 a record is larger than 0 MiB\n13+3 [2]\n");
    // A mistake at the limit that only more text tells from a cut.
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[\"234567\\u", "1+9 !8 \\u needs four hex digits\n");
    CHECK_FRAMES(PL_FORMAT_ARRAY, NULL, "[\"2345678\\u", "1+10 !9 \\u needs four hex digits\n");
    // Longer than what is passed by at once: a text of twice the limit.
    document_bytes = 8;
    static const char *const texts[] = {"{\"a\":[1,\"23456789012345\",2]}",
                                        "{\"a\":[1,\"234567890123456\",2]}"};
    static const char *const wants[] = {"6+1 1\n8+16 !16 a record is larger than 0 MiB\n25+1 2\n",
                                        "6+1 1\n8+21 !16 a text is larger than 16 MiB\n"};
    for (size_t i = 0; i < 2; i++)
        for (size_t chunk = 1; chunk < 40; chunk++) {
            pl_buf got = {0};
            frames_of(&got, PL_FORMAT_DOCUMENT, "a", pl_span_of(texts[i]), chunk, false, false);
            CHECK_STR(wants[i], pl_buf_cstr(&got));
            pl_buf_done(&got);
        }
    record_bytes = document_bytes = 0;
}

TEST(framer_passes_by_white_space_of_any_length)
{
    static const char space[] = "[1]\n                              \n[2]";
    CHECK_FRAMES(PL_FORMAT_NDJSON, "$[]", space, "1+1 1\n36+1 2\n");
    CHECK_FRAMES(PL_FORMAT_CONCATENATED, "$[]", space, "1+1 1\n36+1 2\n");
    CHECK_FRAMES(PL_FORMAT_DOCUMENT, "$[]", "                   ", "");
    CHECK_FRAMES(PL_FORMAT_NDJSON, "$[]", "[1]\n                    5\n[2]",
                 "1+1 1\n4+21 !4 no array at $[]\n27+1 2\n");
}

int main(void)
{
    return RUN_TESTS(
        "json/framer", T(framer_ndjson_is_one_record_per_line_that_is_not_blank),
        T(framer_skips_one_byte_order_mark_at_the_start), T(framer_array_streams_its_items),
        T(framer_array_is_one_bad_record_from_a_syntax_error_to_the_end),
        T(framer_array_cut_at_any_byte_keeps_what_was_complete), T(framer_document_is_one_record),
        T(framer_unpacks_the_array_at_the_records_path),
        T(framer_makes_one_bad_record_of_a_document_without_the_array),
        T(framer_lets_the_last_of_repeated_keys_on_the_path_win),
        T(framer_keeps_the_items_before_a_break_of_their_envelope),
        T(framer_document_cut_at_any_byte_is_accounted_for),
        T(framer_frames_what_came_before_reading_failed),
        T(framer_counts_nesting_from_the_document_on),
        T(framer_takes_a_record_at_the_limit_and_refuses_a_larger_one_by_name),
        T(framer_formats_have_names), T(framer_takes_concatenated_documents_apart),
        T(framer_unpacks_an_array_in_the_items_of_an_array),
        T(framer_gives_the_objects_around_a_record),
        T(framer_gives_documents_without_their_records),
        T(framer_gives_nothing_around_records_that_stand_alone_or_are_broken),
        T(framer_survives_damage_and_accounts_for_it_alike_in_every_chunking),
        T(framer_says_of_a_broken_document_what_is_wrong_inside_its_range),
        T(framer_finds_one_end_of_what_is_too_large_in_any_pieces),
        T(framer_passes_by_white_space_of_any_length));
}
