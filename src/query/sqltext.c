// SPDX-License-Identifier: Apache-2.0
#include "query/sqltext.h"

#include <strings.h>

static bool is_word_first(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(unsigned char c)
{
    return is_word_first(c) || is_digit(c) || c == '$';
}

static unsigned char byte_at(pl_span sql, size_t at)
{
    return at < sql.bytes ? (unsigned char)sql.data[at] : 0;
}

static size_t word_end(pl_span sql, size_t at)
{
    while (at < sql.bytes && is_word((unsigned char)sql.data[at])) at++;
    return at;
}

// After the closing mark of a text whose opening mark is at `at`. A doubled mark stands for
// itself; with `escapes`, so does whatever follows a backslash.
static size_t quoted_end(pl_span sql, size_t at, bool escapes)
{
    char mark = sql.data[at++];
    while (at < sql.bytes) {
        if (escapes && sql.data[at] == '\\') {
            at += 2;
        } else if (sql.data[at] != mark) {
            at++;
        } else if (byte_at(sql, at + 1) == (unsigned char)mark) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    return sql.bytes;
}

// Comments of the form /* … */ nest.
static size_t comment_end(pl_span sql, size_t at)
{
    int depth = 0;
    while (at + 1 < sql.bytes) {
        if (sql.data[at] == '/' && sql.data[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (sql.data[at] == '*' && sql.data[at + 1] == '/') {
            at += 2;
            if (--depth == 0) return at;
        } else {
            at++;
        }
    }
    return sql.bytes;
}

// After the closing tag of $tag$…$tag$ at `at`, or `at` if none opens there ($1 is a parameter).
static size_t dollar_end(pl_span sql, size_t at)
{
    size_t tag_end = at + 1;
    if (is_digit(byte_at(sql, tag_end))) return at;
    while (tag_end < sql.bytes && sql.data[tag_end] != '$' &&
           is_word((unsigned char)sql.data[tag_end]))
        tag_end++;
    if (byte_at(sql, tag_end) != '$') return at;
    size_t tag_bytes = tag_end + 1 - at;
    for (size_t i = tag_end + 1; i + tag_bytes <= sql.bytes; i++)
        if (memcmp(sql.data + i, sql.data + at, tag_bytes) == 0) return i + tag_bytes;
    return sql.bytes;
}

static size_t skip_blank(pl_span sql, size_t at)
{
    for (;;) {
        unsigned char c = byte_at(sql, at);
        if (at < sql.bytes && c <= ' ') {
            at++;
        } else if (c == '-' && byte_at(sql, at + 1) == '-') {
            while (at < sql.bytes && sql.data[at] != '\n') at++;
        } else if (c == '/' && byte_at(sql, at + 1) == '*') {
            at = comment_end(sql, at);
        } else {
            return at;
        }
    }
}

bool pl_sql_next(pl_span sql, size_t *at, pl_sql_token *ret_token)
{
    size_t begin = skip_blank(sql, *at), end = begin + 1;
    if (begin >= sql.bytes) {
        *at = sql.bytes;
        return false;
    }
    unsigned char c = (unsigned char)sql.data[begin];
    pl_sql_kind kind = PL_SQL_BYTE;
    if (c == '\'') {
        kind = PL_SQL_STRING;
        end = quoted_end(sql, begin, false);
    } else if ((c == 'e' || c == 'E') && byte_at(sql, begin + 1) == '\'') {
        kind = PL_SQL_STRING;
        end = quoted_end(sql, begin + 1, true);
    } else if (c == '"') {
        kind = PL_SQL_QUOTED;
        end = quoted_end(sql, begin, false);
    } else if (c == '$' && dollar_end(sql, begin) > begin) {
        kind = PL_SQL_STRING;
        end = dollar_end(sql, begin);
    } else if (is_word_first(c)) {
        kind = PL_SQL_WORD;
        end = word_end(sql, begin);
    } else if (is_digit(c)) {
        kind = PL_SQL_NUMBER;
        end = word_end(sql, begin);
    }
    if (end > sql.bytes) end = sql.bytes;
    *ret_token = (pl_sql_token){.kind = kind, .text = {sql.data + begin, end - begin}};
    *at = end;
    return true;
}

static bool is_identifier(const pl_sql_token *token, pl_span identifier)
{
    pl_span text = token->text;
    if (token->kind == PL_SQL_QUOTED) {
        if (text.bytes < 2) return false;
        text.data++;
        text.bytes -= 2;
    } else if (token->kind != PL_SQL_WORD) {
        return false;
    }
    return text.bytes == identifier.bytes &&
           strncasecmp(text.data, identifier.data, identifier.bytes) == 0;
}

bool pl_sql_names(pl_span sql, pl_span identifier)
{
    pl_sql_token token;
    for (size_t at = 0; pl_sql_next(sql, &at, &token);)
        if (is_identifier(&token, identifier)) return true;
    return false;
}
