// A second reader of JSON's grammar, to disagree with the first: plain, and with none of its code.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "fuzz.h"

typedef struct text {
    const unsigned char *at, *end;
} text;

static int peek(const text *t)
{
    return t->at < t->end ? *t->at : -1;
}

static bool take(text *t, int c)
{
    bool is = peek(t) == c;
    t->at += is;
    return is;
}

static bool between(const text *t, int low, int high)
{
    return peek(t) >= low && peek(t) <= high;
}

static void space(text *t)
{
    while (peek(t) == ' ' || peek(t) == '\t' || peek(t) == '\r' || peek(t) == '\n') t->at++;
}

static bool word(text *t, const char *letters)
{
    while (*letters)
        if (!take(t, *letters++)) return false;
    return true;
}

static bool digits(text *t)
{
    if (!between(t, '0', '9')) return false;
    while (between(t, '0', '9')) t->at++;
    return true;
}

static bool number(text *t)
{
    take(t, '-');
    if (!take(t, '0') && !digits(t)) return false;
    if (take(t, '.') && !digits(t)) return false;
    if (!take(t, 'e') && !take(t, 'E')) return true;
    if (!take(t, '+')) take(t, '-');
    return digits(t);
}

// Four hex digits, or -1.
static int hex4(text *t)
{
    int value = 0;
    for (int i = 0; i < 4; i++, t->at++) {
        int digit = between(t, '0', '9')   ? *t->at - '0'
                    : between(t, 'a', 'f') ? *t->at - 'a' + 10
                    : between(t, 'A', 'F') ? *t->at - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool escape(text *t)
{
    int c = peek(t);
    if (c < 0) return false;
    t->at++;
    if (c != 'u') return c && strchr("\"\\/bfnrt", c);
    int high = hex4(t);
    if (high < 0xd800 || high > 0xdfff) return high >= 0;
    if (high > 0xdbff || !take(t, '\\') || !take(t, 'u')) return false;
    int low = hex4(t);
    return low >= 0xdc00 && low <= 0xdfff;
}

// One character outside ASCII, by the code point it stands for.
static bool wide(text *t)
{
    unsigned lead = *t->at++;
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc0 || lead > 0xf7) return false;
    unsigned point = lead & (0x3fu >> more);
    for (int i = 0; i < more; i++) {
        if (!between(t, 0x80, 0xbf)) return false;
        point = point << 6 | (*t->at++ & 0x3fu);
    }
    static const unsigned least[] = {0, 0x80, 0x800, 0x10000};
    return point >= least[more] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

static bool string(text *t)
{
    if (!take(t, '"')) return false;
    for (;;) {
        if (take(t, '"')) return true;
        if (take(t, '\\')) {
            if (!escape(t)) return false;
        } else if (between(t, 0x80, 0xff)) {
            if (!wide(t)) return false;
        } else if (between(t, 0x20, 0x7f)) {
            t->at++;
        } else {
            return false;
        }
    }
}

static bool value(text *t, int depth);

static bool members(text *t, int depth, char closer)
{
    space(t);
    if (take(t, closer)) return true;
    do {
        space(t);
        if (closer == '}') {
            if (!string(t)) return false;
            space(t);
            if (!take(t, ':')) return false;
            space(t);
        }
        if (!value(t, depth)) return false;
        space(t);
    } while (take(t, ','));
    return take(t, closer);
}

static bool value(text *t, int depth)
{
    switch (peek(t)) {
    case '{':
    case '[':
        if (depth >= PL_DEPTH_MAX) return false;
        return members(t, depth + 1, *t->at++ == '{' ? '}' : ']');
    case '"':
        return string(t);
    case 't':
        return word(t, "true");
    case 'f':
        return word(t, "false");
    case 'n':
        return word(t, "null");
    default:
        return number(t);
    }
}

static text over(pl_span span)
{
    const unsigned char *start = (const unsigned char *)span.data;
    return (text){start, span.bytes ? start + span.bytes : start};
}

bool fuzz_json(pl_span span)
{
    text t = over(span);
    space(&t);
    if (!value(&t, 0)) return false;
    space(&t);
    return t.at == t.end;
}

bool fuzz_number(pl_span span)
{
    text t = over(span);
    return number(&t) && t.at == t.end;
}
