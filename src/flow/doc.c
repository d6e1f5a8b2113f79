// SPDX-License-Identifier: Apache-2.0
#include "flow/doc.h"

#include <stdio.h>

void pl_doc_begin(pl_json_writer *writer, const char *kind)
{
    pl_json_begin(writer, '{');
    pl_json_key(writer, "plumb"), pl_json_cstr(writer, kind);
    pl_json_key(writer, "version"), pl_json_int(writer, PL_DOC_VERSION);
}

plumb_status pl_doc_fail(const pl_doc *doc, const pl_json *at, const char *fmt, ...)
{
    char reason[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    int64_t byte = at && at->raw.data ? at->raw.data - doc->text.data : 0;
    pl_fail(doc->err, PLUMB_E_MALFORMED, "cannot read %s '%s': %s at byte %lld", doc->what,
            doc->name, reason, (long long)byte);
    if (doc->err) doc->err->offset = byte;
    return PLUMB_E_MALFORMED;
}

plumb_status pl_doc_parse(const pl_doc *doc, const char *kind, const pl_json **ret_root)
{
    return pl_doc_parse_top(doc, kind, UINT32_MAX, ret_root);
}

plumb_status pl_doc_parse_top(const pl_doc *doc, const char *kind, uint32_t levels,
                              const pl_json **ret_root)
{
    pl_json *root;
    plumb_error inner = {0};
    pl_span said;
    int64_t version;
    if (pl_json_parse_top(doc->text, levels, doc->arena, &root, &inner) != PLUMB_OK)
        return pl_fail(doc->err, PLUMB_E_MALFORMED, "cannot read %s '%s': %s", doc->what, doc->name,
                       inner.message);
    if (!pl_json_get_text(root, "plumb", &said) || !pl_span_is(said, kind))
        return pl_doc_fail(doc, root, "it is not a document of plumb");
    PL_TRY(pl_doc_long(doc, root, "version", &version));
    if (version != PL_DOC_VERSION)
        return pl_doc_fail(doc, pl_json_get(root, "version"),
                           "it has version %lld, and this plumb knows version %d",
                           (long long)version, PL_DOC_VERSION);
    *ret_root = root;
    return PLUMB_OK;
}

plumb_status pl_doc_part(const pl_doc *doc, const pl_json *part, pl_arena *arena,
                         const pl_json **ret_part)
{
    pl_json *tree;
    if (pl_json_parse(part->raw, arena, &tree, NULL) != PLUMB_OK)
        return pl_doc_fail(doc, part, "it is not JSON any more"); // it was when the whole was read
    *ret_part = tree;
    return PLUMB_OK;
}

static plumb_status member(const pl_doc *doc, const pl_json *object, const char *key,
                           const pl_json **ret_member)
{
    if (object->kind != PL_JSON_OBJECT) return pl_doc_fail(doc, object, "not an object");
    *ret_member = pl_json_get(object, key);
    return *ret_member ? PLUMB_OK : pl_doc_fail(doc, object, "no '%s' in the object", key);
}

plumb_status pl_doc_text(const pl_doc *doc, const pl_json *object, const char *key,
                         pl_span *ret_text)
{
    const pl_json *value;
    PL_TRY(member(doc, object, key, &value));
    if (value->kind != PL_JSON_STRING) return pl_doc_fail(doc, value, "'%s' is not text", key);
    *ret_text = value->text;
    return PLUMB_OK;
}

plumb_status pl_doc_cstr(const pl_doc *doc, const pl_json *object, const char *key, bool nullable,
                         char **ret_text)
{
    const pl_json *value;
    PL_TRY(member(doc, object, key, &value));
    if (nullable && value->kind == PL_JSON_NULL) {
        *ret_text = NULL;
        return PLUMB_OK;
    }
    pl_span text;
    PL_TRY(pl_doc_text(doc, object, key, &text));
    if (text.bytes && memchr(text.data, '\0', text.bytes))
        return pl_doc_fail(doc, value, "'%s' holds a NUL", key);
    *ret_text = pl_arena_cstr(doc->arena, text);
    return PLUMB_OK;
}

plumb_status pl_doc_long(const pl_doc *doc, const pl_json *object, const char *key,
                         int64_t *ret_value)
{
    const pl_json *value;
    PL_TRY(member(doc, object, key, &value));
    if (!pl_json_long(value, ret_value))
        return pl_doc_fail(doc, value, "'%s' is not a whole number", key);
    return PLUMB_OK;
}

plumb_status pl_doc_count(const pl_doc *doc, const pl_json *object, const char *key,
                          uint64_t *ret_value)
{
    int64_t value;
    PL_TRY(pl_doc_long(doc, object, key, &value));
    if (value < 0) return pl_doc_fail(doc, pl_json_get(object, key), "'%s' is negative", key);
    *ret_value = (uint64_t)value;
    return PLUMB_OK;
}

plumb_status pl_doc_bool(const pl_doc *doc, const pl_json *object, const char *key, bool *ret_value)
{
    const pl_json *value;
    PL_TRY(member(doc, object, key, &value));
    if (value->kind != PL_JSON_TRUE && value->kind != PL_JSON_FALSE)
        return pl_doc_fail(doc, value, "'%s' is neither true nor false", key);
    *ret_value = value->kind == PL_JSON_TRUE;
    return PLUMB_OK;
}

plumb_status pl_doc_array(const pl_doc *doc, const pl_json *object, const char *key,
                          const pl_json **ret_first, uint32_t *ret_count)
{
    const pl_json *value;
    PL_TRY(member(doc, object, key, &value));
    if (value->kind != PL_JSON_ARRAY) return pl_doc_fail(doc, value, "'%s' is not an array", key);
    *ret_first = value->first;
    *ret_count = value->count;
    return PLUMB_OK;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

plumb_status pl_doc_hex(const pl_doc *doc, const pl_json *value, bool *ret_has, pl_span *ret_bytes)
{
    *ret_has = value->kind != PL_JSON_NULL;
    if (!*ret_has) return PLUMB_OK;
    if (value->kind != PL_JSON_STRING || value->text.bytes % 2)
        return pl_doc_fail(doc, value, "a value is not hex digits");
    size_t count = value->text.bytes / 2;
    char *bytes = PL_TAKE(doc->arena, char, count);
    for (size_t i = 0; i < count; i++) {
        int high = nibble(value->text.data[2 * i]), low = nibble(value->text.data[2 * i + 1]);
        if (high < 0 || low < 0) return pl_doc_fail(doc, value, "a value is not hex digits");
        bytes[i] = (char)(high << 4 | low);
    }
    *ret_bytes = pl_span_make(bytes, count);
    return PLUMB_OK;
}

void pl_doc_write_hex(pl_json_writer *writer, pl_span bytes)
{
    static const char digits[] = "0123456789abcdef";
    pl_buf text = {0};
    for (size_t i = 0; i < bytes.bytes; i++) {
        pl_buf_char(&text, digits[(unsigned char)bytes.data[i] >> 4]);
        pl_buf_char(&text, digits[bytes.data[i] & 15]);
    }
    pl_json_text(writer, pl_span_of(pl_buf_cstr(&text)));
    pl_buf_done(&text);
}
