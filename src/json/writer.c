// SPDX-License-Identifier: Apache-2.0
#include "json/writer.h"

#include <math.h>

#include "base/number.h"
#include "json/text.h"

pl_json_writer pl_json_writer_on(pl_buf *out, int indent)
{
    return (pl_json_writer){.out = out, .indent = indent};
}

static void new_line(pl_json_writer *w)
{
    if (!w->indent) return;
    pl_buf_char(w->out, '\n');
    for (int i = 0; i < w->depth * w->indent; i++) pl_buf_char(w->out, ' ');
}

// What stands before any value or key on this level.
static void before(pl_json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->comma) pl_buf_char(w->out, ',');
    if (w->depth) new_line(w);
    w->comma = true;
}

void pl_json_begin(pl_json_writer *w, char bracket)
{
    before(w);
    pl_buf_char(w->out, bracket);
    w->depth++;
    w->comma = false;
}

void pl_json_end(pl_json_writer *w, char bracket)
{
    w->depth--;
    if (w->comma) new_line(w);
    pl_buf_char(w->out, bracket);
    w->comma = true;
}

void pl_json_key_span(pl_json_writer *w, pl_span key)
{
    before(w);
    pl_json_quote(w->out, key);
    pl_buf_text(w->out, w->indent ? ": " : ":");
    w->after_key = true;
}

void pl_json_key(pl_json_writer *w, const char *key)
{
    pl_json_key_span(w, pl_span_of(key));
}

void pl_json_text(pl_json_writer *w, pl_span text)
{
    before(w);
    pl_json_quote(w->out, text);
}

void pl_json_cstr(pl_json_writer *w, const char *text)
{
    if (text)
        pl_json_text(w, pl_span_of(text));
    else
        pl_json_null(w);
}

void pl_json_int(pl_json_writer *w, int64_t value)
{
    char text[20], *at = text + sizeof text; // printf takes ten times as long
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0) *--at = '-';
    before(w);
    pl_buf_span(w->out, (pl_span){at, (size_t)(text + sizeof text - at)});
}

void pl_json_double(pl_json_writer *w, double value)
{
    char text[32];
    if (!isfinite(value)) {
        pl_json_null(w);
        return;
    }
    before(w);
    pl_buf_append(w->out, text, (size_t)pl_number_double_text(value, text));
}

void pl_json_bool(pl_json_writer *w, bool value)
{
    before(w);
    pl_buf_text(w->out, value ? "true" : "false");
}

void pl_json_null(pl_json_writer *w)
{
    before(w);
    pl_buf_text(w->out, "null");
}

void pl_json_raw(pl_json_writer *w, pl_span json)
{
    before(w);
    pl_buf_span(w->out, json);
}

static void quote_valid(pl_buf *out, pl_span text)
{
    static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    size_t plain = 0; // bytes before text.data[i] that stay as they are
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if ((uint8_t)c >= 0x20 && c != '"' && c != '\\') {
            plain++;
            continue;
        }
        pl_buf_span(out, (pl_span){text.data + i - plain, plain});
        plain = 0;
        const char *named = c ? strchr(names, c) : NULL;
        if (named) {
            pl_buf_char(out, '\\');
            pl_buf_char(out, letters[named - names]);
        } else {
            pl_buf_printf(out, "\\u%04x", (unsigned)(uint8_t)c);
        }
    }
    pl_buf_span(out, (pl_span){text.data + text.bytes - plain, plain});
}

void pl_json_quote(pl_buf *out, pl_span text)
{
    pl_buf_char(out, '"');
    for (;;) {
        size_t bad = pl_utf8_check(text);
        quote_valid(out, (pl_span){text.data, PL_MIN(bad, text.bytes)});
        if (bad == SIZE_MAX) break;
        pl_buf_text(out, "\xEF\xBF\xBD");
        text.data += bad + 1;
        text.bytes -= bad + 1;
    }
    pl_buf_char(out, '"');
}
