// SPDX-License-Identifier: Apache-2.0
#include "out.h"

#include <stdlib.h>
#include <string.h>

#define FLUSH_BYTES (1u << 20)

// Room for n more bytes. Samples are made by a tool: without memory it stops.
static char *room(out *o, size_t n)
{
    if (o->bytes + n > o->capacity) {
        o->capacity = (o->bytes + n) * 2;
        o->data = realloc(o->data, o->capacity);
        o->spare = realloc(o->spare, o->capacity);
        if (!o->data || !o->spare) {
            fputs("plumb-samples: out of memory\n", stderr);
            exit(1);
        }
    }
    return o->data + o->bytes;
}

static void put(out *o, const char *text, size_t bytes)
{
    memcpy(room(o, bytes), text, bytes);
    o->bytes += bytes;
}

void out_init(out *o, FILE *file, out_style style, uint64_t seed)
{
    *o = (out){.file = file, .style = style, .chance = rng_for(seed, 77, 0, 0)};
    room(o, 2 * FLUSH_BYTES);
}

static void comma(out *o)
{
    if (o->depth > 0 && o->level[o->depth - 1].count++ > 0)
        put(o, ", ", o->style == OUT_SPACED ? 2 : 1);
}

// Between elements of an array; a member of an object got its comma from its key.
static void before_value(out *o)
{
    if (o->depth > 0 && !o->level[o->depth - 1].object) comma(o);
}

static void open_level(out *o, bool object)
{
    before_value(o);
    if (o->depth == OUT_DEPTH) abort();
    put(o, object ? "{" : "[", 1);
    o->level[o->depth].object = object;
    o->level[o->depth].count = 0;
    o->level[o->depth].start = o->bytes;
    o->depth++;
}

void out_object(out *o)
{
    open_level(o, true);
}

void out_array(out *o)
{
    open_level(o, false);
}

// Put the members of the innermost object into an order of chance. Members are cut at their
// commas, so their bytes are moved and never read.
static void shuffle(out *o)
{
    size_t *member = o->level[o->depth - 1].member;
    uint32_t count = o->level[o->depth - 1].count, order[OUT_MEMBERS];
    size_t start = o->level[o->depth - 1].start, used = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = rng_below(&o->chance, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t m = order[i];
        size_t end = m + 1 < count ? member[m + 1] - 1 : o->bytes;
        if (i > 0) o->spare[used++] = ',';
        memcpy(o->spare + used, o->data + member[m], end - member[m]);
        used += end - member[m];
    }
    memcpy(o->data + start, o->spare, used);
}

void out_end(out *o)
{
    bool object = o->level[o->depth - 1].object;
    if (object && o->style == OUT_SHUFFLE) shuffle(o);
    put(o, object ? "}" : "]", 1);
    o->depth--;
}

void out_key(out *o, const char *key)
{
    comma(o);
    uint32_t count = o->level[o->depth - 1].count;
    if (count > OUT_MEMBERS) abort();
    o->level[o->depth - 1].member[count - 1] = o->bytes;
    put(o, "\"", 1);
    put(o, key, strlen(key));
    put(o, "\": ", o->style == OUT_SPACED ? 3 : 2);
}

// The digits of value at the end of 24 bytes.
static char *digits(char buffer[24], uint64_t value)
{
    char *at = buffer + 24;
    do *--at = (char)('0' + value % 10);
    while (value /= 10);
    return at;
}

void out_int(out *o, int64_t value)
{
    char buffer[24], *at = digits(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    before_value(o);
    if (value < 0) put(o, "-", 1);
    put(o, at, (size_t)(buffer + 24 - at));
}

void out_fixed(out *o, int64_t value, int decimals)
{
    uint64_t scale = 1, size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (int i = 0; i < decimals; i++) scale *= 10;
    char buffer[24], *at = digits(buffer, size / scale);
    before_value(o);
    if (value < 0) put(o, "-", 1);
    put(o, at, (size_t)(buffer + 24 - at));
    put(o, ".", 1);
    at = digits(buffer, size % scale + scale); // a leading 1 keeps the zeros
    put(o, at + 1, (size_t)(buffer + 24 - at - 1));
}

void out_bool(out *o, bool value)
{
    out_raw(o, value ? "true" : "false");
}

void out_null(out *o)
{
    out_raw(o, "null");
}

void out_raw(out *o, const char *json)
{
    before_value(o);
    put(o, json, strlen(json));
}

// \uXXXX for the character at *text (UTF-8, trusted), as one unit or a surrogate pair.
static size_t escape_wide(const unsigned char *text, char *to)
{
    size_t bytes = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    uint32_t code = text[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) code = code << 6 | (text[i] & 0x3fu);
    if (code < 0x10000)
        snprintf(to, 13, "\\u%04x", code);
    else
        snprintf(to, 13, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                 0xdc00 + ((code - 0x10000) & 0x3ff));
    return bytes;
}

void out_text(out *o, const char *text)
{
    before_value(o);
    size_t bytes = strlen(text);
    char *to = room(o, 6 * bytes + 16), *first = to;
    bool escaped = o->style == OUT_ESCAPED;

    *to++ = '"';
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        if (escaped && *c >= 0x80) {
            c += escape_wide(c, to);
            to += strlen(to);
            continue;
        }
        if (*c == '"' || *c == '\\' || (escaped && *c == '/')) *to++ = '\\';
        if (*c == '\n') {
            *to++ = '\\';
            *to++ = 'n';
        } else {
            *to++ = (char)*c;
        }
        c++;
    }
    *to++ = '"';
    o->bytes += (size_t)(to - first);
}

void out_line(out *o)
{
    put(o, "\n", 1);
    // Inside an object, members may still move.
    for (int i = 0; i < o->depth; i++)
        if (o->level[i].object) return;
    if (o->bytes < FLUSH_BYTES) return;
    fwrite(o->data, 1, o->bytes, o->file);
    o->bytes = 0;
}

bool out_finish(out *o)
{
    fwrite(o->data, 1, o->bytes, o->file);
    o->bytes = 0;
    free(o->data);
    free(o->spare);
    o->data = o->spare = NULL;
    return fflush(o->file) == 0 && !ferror(o->file);
}
