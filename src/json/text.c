// SPDX-License-Identifier: Apache-2.0
#include "json/text.h"

#include "simd/text.h"

static size_t fail_at(pl_json_error *error, size_t offset, const char *reason)
{
    *error = (pl_json_error){reason, offset};
    return SIZE_MAX;
}

size_t pl_utf8_check(pl_span text)
{
    return pl_simd_utf8(text);
}

// What is wrong with the escape whose backslash is at `at`. Surrogates must come in pairs: alone
// they name no character and no UTF-8 can hold them.
static size_t fail_escape(pl_span text, size_t at, pl_json_error *error)
{
    if (text.bytes - at < 2) return fail_at(error, at + 1, "the text ends inside a string");
    if (text.data[at + 1] != 'u') return fail_at(error, at + 1, "this escape does not exist");
    bool unit = text.bytes - at >= 6 && pl_simd_hex4(text.data + at + 2) >= 0;
    return fail_at(error, at,
                   unit ? "a lone surrogate is not a character" : "\\u needs four hex digits");
}

size_t pl_json_skip_inside(pl_span text, size_t at, bool *ret_escaped, pl_json_error *ret_error)
{
    pl_simd_string found;
    size_t stop = pl_simd_best()->string(text, at, &found);
    *ret_escaped = found.escaped;
    if (PL_UNLIKELY(found.broken)) {
        size_t bad = pl_utf8_check((pl_span){text.data + at, stop - at});
        return fail_at(ret_error, at + bad, "these bytes are not UTF-8");
    }
    if (stop >= text.bytes) return fail_at(ret_error, stop, "the text ends inside a string");
    if (text.data[stop] == '"') return stop + 1;
    if (text.data[stop] == '\\') return fail_escape(text, stop, ret_error);
    return fail_at(ret_error, stop, "a control byte stands inside a string");
}

static size_t skip_digits(pl_span text, size_t at)
{
    while (at < text.bytes && text.data[at] >= '0' && text.data[at] <= '9') at++;
    return at;
}

size_t pl_json_skip_number(pl_span text, size_t at, bool *ret_integer, pl_json_error *ret_error)
{
    bool integer = true;
    if (text.data[at] == '-') at++;
    size_t first = at;
    at = skip_digits(text, at);
    if (at == first) return fail_at(ret_error, at, "a number needs a digit here");
    if (text.data[first] == '0' && at - first > 1)
        return fail_at(ret_error, first, "a number has a leading zero");
    if (at < text.bytes && text.data[at] == '.') {
        integer = false;
        first = ++at;
        at = skip_digits(text, at);
        if (at == first) return fail_at(ret_error, at, "a number needs a digit here");
    }
    if (at < text.bytes && (text.data[at] == 'e' || text.data[at] == 'E')) {
        integer = false;
        at++;
        if (at < text.bytes && (text.data[at] == '+' || text.data[at] == '-')) at++;
        first = at;
        at = skip_digits(text, at);
        if (at == first) return fail_at(ret_error, at, "a number needs a digit here");
    }
    *ret_integer = integer;
    return at;
}

static size_t skip_word(pl_span text, size_t at, pl_span word, pl_json_error *error)
{
    size_t common = 0;
    while (common < word.bytes && at + common < text.bytes &&
           text.data[at + common] == word.data[common])
        common++;
    if (common == word.bytes) return at + common;
    return fail_at(error, at, "a value is expected here");
}

static size_t skip_scalar(pl_span text, size_t at, pl_json_error *error)
{
    bool ignored;
    if (at >= text.bytes) return fail_at(error, at, "the text ends where a value is expected");
    char c = text.data[at];
    if (c == '-' || (c >= '0' && c <= '9')) return pl_json_skip_number(text, at, &ignored, error);
    switch (c) {
    case '"':
        return pl_json_skip_string(text, at, &ignored, error);
    case 't':
        return skip_word(text, at, PL_SPAN("true"), error);
    case 'f':
        return skip_word(text, at, PL_SPAN("false"), error);
    case 'n':
        return skip_word(text, at, PL_SPAN("null"), error);
    default:
        return fail_at(error, at, "a value is expected here");
    }
}

// After '{' or ',': key and colon, up to the member's value.
static size_t skip_key(pl_span text, size_t at, pl_json_error *error)
{
    bool ignored;
    if (at >= text.bytes || text.data[at] != '"')
        return fail_at(error, at,
                       at >= text.bytes ? "the text ends inside an object"
                                        : "a key in quotes is expected here");
    size_t start = at;
    at = pl_json_skip_string(text, at, &ignored, error);
    if (at == SIZE_MAX) return SIZE_MAX;
    if (at - start > PL_KEY_BYTES_MAX) return fail_at(error, start, "a key is too long");
    at = pl_json_space(text, at);
    if (at >= text.bytes || text.data[at] != ':')
        return fail_at(error, at,
                       at >= text.bytes ? "the text ends inside an object"
                                        : "a colon is expected here");
    return pl_json_space(text, at + 1);
}

// long: one loop over an explicit stack of brackets; recursion would let input choose our stack.
size_t pl_json_skip(pl_span text, size_t at, int depth, pl_json_error *ret_error)
{
    char closers[PL_DEPTH_MAX]; // the bracket that ends each open container
    int open = 0;
    for (;;) {
        // At the start of a value.
        char c = at < text.bytes ? text.data[at] : '\0';
        if (c == '{' || c == '[') {
            if (depth + open >= PL_DEPTH_MAX)
                return fail_at(ret_error, at, "values are nested too deep");
            char closer = c == '{' ? '}' : ']';
            at = pl_json_space(text, at + 1);
            if (at >= text.bytes || text.data[at] != closer) {
                closers[open++] = closer;
                if (closer == '}') at = skip_key(text, at, ret_error);
                if (at == SIZE_MAX) return SIZE_MAX;
                continue;
            }
            at++;
        } else {
            at = skip_scalar(text, at, ret_error);
            if (at == SIZE_MAX) return SIZE_MAX;
        }
        // After a value: close containers until a comma asks for the next value.
        for (;;) {
            if (!open) return at;
            at = pl_json_space(text, at);
            if (at >= text.bytes)
                return fail_at(ret_error, at,
                               closers[open - 1] == '}' ? "the text ends inside an object"
                                                        : "the text ends inside an array");
            if (text.data[at] == ',') break;
            if (text.data[at] != closers[open - 1])
                return fail_at(ret_error, at,
                               closers[open - 1] == '}' ? "a comma or } is expected here"
                                                        : "a comma or ] is expected here");
            at++;
            open--;
        }
        at = pl_json_space(text, at + 1);
        if (closers[open - 1] == '}') at = skip_key(text, at, ret_error);
        if (at == SIZE_MAX) return SIZE_MAX;
    }
}

pl_json_error pl_json_check(pl_span text)
{
    pl_json_error error = {0};
    size_t at = pl_json_skip(text, pl_json_space(text, 0), 0, &error);
    if (at == SIZE_MAX) return error;
    at = pl_json_space(text, at);
    if (at != text.bytes) return (pl_json_error){"text follows the value", at};
    return (pl_json_error){0};
}

void pl_json_unescape(pl_buf *out, pl_span inside)
{
    char *room = pl_buf_reserve(out, inside.bytes);
    out->count += (size_t)(pl_simd_best()->unescape(room, inside) - room);
}

pl_span pl_json_unescaped(pl_arena *arena, pl_span inside)
{
    if (!inside.bytes || !memchr(inside.data, '\\', inside.bytes)) return inside;
    char *copy = pl_arena_take(arena, inside.bytes);
    return (pl_span){copy, (size_t)(pl_simd_best()->unescape(copy, inside) - copy)};
}

void pl_json_compact(pl_buf *out, pl_span value)
{
    bool escaped;
    pl_json_error ignored;
    size_t kept = 0; // what is before it was copied or left out
    for (size_t at = 0; at < value.bytes;) {
        size_t behind = pl_json_space(value, at);
        if (value.data[at] == '"') { // what is in it stays
            at = PL_MIN(pl_json_skip_string(value, at, &escaped, &ignored), value.bytes);
        } else if (behind == at) {
            at++;
        } else {
            pl_buf_span(out, (pl_span){value.data + kept, at - kept});
            kept = at = behind;
        }
    }
    pl_buf_span(out, (pl_span){value.data + kept, value.bytes - kept});
}
