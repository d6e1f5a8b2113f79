// SPDX-License-Identifier: Apache-2.0
#include "flow/raw.h"

// Where the object that begins the text ends, 0 if it does not. Only quotes, brackets and newlines
// in strings are looked at: whether it is good JSON is judged when it is mapped.
static size_t object_end(pl_span text)
{
    if (text.bytes < 2 || text.data[0] != '{') return 0;
    int64_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (quoted) {
            if (c == '\\') i++;
            if (c == '"') quoted = false;
            if (c == '\n') return 0;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) return i + 1;
        }
    }
    return 0;
}

// Is `line` one object and nothing else?
static bool whole_object(pl_span line)
{
    line = pl_span_trim(line);
    return line.bytes && object_end(line) == line.bytes;
}

// Does the text begin with two objects? *ret_spread: one of those that follow each other from its
// beginning lies on several lines.
static bool two_objects(pl_span text, bool *ret_spread)
{
    bool two = false, spread = false;
    for (;;) {
        size_t end = object_end(text);
        if (!end) break;
        spread = spread || memchr(text.data, '\n', end);
        size_t next = pl_json_space(text, end);
        if (next == text.bytes || text.data[next] != '{') break;
        two = true;
        text = pl_span_make(text.data + next, text.bytes - next);
        if (spread) break;
    }
    *ret_spread = two && spread;
    return two;
}

pl_format pl_raw_sniff(pl_span content, bool whole)
{
    if (pl_span_starts(content, PL_SPAN("\xef\xbb\xbf"))) content.data += 3, content.bytes -= 3;
    size_t at = pl_json_space(content, 0);
    content.data += at;
    content.bytes -= at;
    if (content.bytes && content.data[0] == '[') return PL_FORMAT_ARRAY;
    if (!content.bytes || content.data[0] != '{') return PL_FORMAT_NDJSON;

    bool spread, two = two_objects(content, &spread);
    if (spread) return PL_FORMAT_CONCATENATED;
    // Counting all lines, not only the first: a log whose first line is broken is still a log.
    uint64_t lines = 0, objects = 0;
    while (content.bytes) {
        const char *end = memchr(content.data, '\n', content.bytes);
        if (!end && !whole && lines) break; // cut off by the window
        pl_span line = {content.data, end ? (size_t)(end - content.data) : content.bytes};
        bool object = whole_object(line);
        // One line as far as one can see is one document either way.
        if (lines == 0 && (object || (!end && !two))) return PL_FORMAT_NDJSON;
        objects += object;
        lines += pl_span_trim(line).bytes > 0;
        size_t used = line.bytes + (end ? 1 : 0);
        content.data += used;
        content.bytes -= used;
    }
    if (lines && objects * 2 >= lines) return PL_FORMAT_NDJSON;
    return two ? PL_FORMAT_CONCATENATED : PL_FORMAT_DOCUMENT;
}
