// SPDX-License-Identifier: Apache-2.0
#include "flow/raw.h"

// Is `line` one object and nothing else? Only quotes and brackets are looked at: whether it is
// good JSON is judged when it is mapped.
static bool whole_object(pl_span line)
{
    line = pl_span_trim(line);
    if (line.bytes < 2 || line.data[0] != '{') return false;
    int64_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.bytes; i++) {
        char c = line.data[i];
        if (quoted) {
            if (c == '\\') i++;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) return i + 1 == line.bytes;
        }
    }
    return false;
}

pl_format pl_raw_sniff(pl_span content, bool whole)
{
    if (pl_span_starts(content, PL_SPAN("\xef\xbb\xbf"))) content.data += 3, content.bytes -= 3;
    size_t at = pl_json_space(content, 0);
    content.data += at;
    content.bytes -= at;
    if (content.bytes && content.data[0] == '[') return PL_FORMAT_ARRAY;
    if (!content.bytes || content.data[0] != '{') return PL_FORMAT_NDJSON;

    // Counting all lines, not only the first: a log whose first line is broken is still a log.
    uint64_t lines = 0, objects = 0;
    while (content.bytes) {
        const char *end = memchr(content.data, '\n', content.bytes);
        if (!end && !whole && lines) break; // cut off by the window
        pl_span line = {content.data, end ? (size_t)(end - content.data) : content.bytes};
        bool object = whole_object(line);
        // One line as far as one can see is one document either way.
        if (lines == 0 && (object || !end)) return PL_FORMAT_NDJSON;
        objects += object;
        lines += pl_span_trim(line).bytes > 0;
        size_t used = line.bytes + (end ? 1 : 0);
        content.data += used;
        content.bytes -= used;
    }
    return objects * 2 >= lines ? PL_FORMAT_NDJSON : PL_FORMAT_DOCUMENT;
}
