// SPDX-License-Identifier: Apache-2.0
#include "parquet/thrift_int.h"

#include <assert.h>

void pl_thrift__varint(pl_buf *out, uint64_t value)
{
    while (value >= 0x80) {
        pl_buf_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    pl_buf_char(out, (char)value);
}

static void zigzag(pl_buf *out, int64_t value)
{
    pl_thrift__varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void field(pl_thrift *t, int16_t id, pl_thrift_type type)
{
    int delta = id - t->last[t->depth];
    if (delta >= 1 && delta <= 15) {
        pl_buf_char(t->out, (char)(delta << 4 | (int)type));
    } else {
        pl_buf_char(t->out, (char)type);
        zigzag(t->out, id);
    }
    t->last[t->depth] = id;
}

static void open(pl_thrift *t)
{
    assert(t->depth + 1 < PL_THRIFT_DEPTH_MAX);
    t->last[++t->depth] = 0;
}

pl_thrift pl_thrift__begin(pl_buf *out)
{
    return (pl_thrift){.out = out};
}

void pl_thrift__bool(pl_thrift *t, int16_t id, bool value)
{
    field(t, id, value ? PL_THRIFT_TRUE : PL_THRIFT_FALSE);
}

void pl_thrift__i16(pl_thrift *t, int16_t id, int16_t value)
{
    field(t, id, PL_THRIFT_I16);
    zigzag(t->out, value);
}

void pl_thrift__i32(pl_thrift *t, int16_t id, int32_t value)
{
    field(t, id, PL_THRIFT_I32);
    zigzag(t->out, value);
}

void pl_thrift__i64(pl_thrift *t, int16_t id, int64_t value)
{
    field(t, id, PL_THRIFT_I64);
    zigzag(t->out, value);
}

void pl_thrift__text(pl_thrift *t, int16_t id, pl_span text)
{
    field(t, id, PL_THRIFT_TEXT);
    pl_thrift__text_element(t, text);
}

void pl_thrift__struct(pl_thrift *t, int16_t id)
{
    field(t, id, PL_THRIFT_STRUCT);
    open(t);
}

void pl_thrift__struct_element(pl_thrift *t)
{
    open(t);
}

void pl_thrift__end(pl_thrift *t)
{
    pl_buf_char(t->out, 0);
    t->depth--;
}

void pl_thrift__list(pl_thrift *t, int16_t id, pl_thrift_type type, uint32_t count)
{
    field(t, id, PL_THRIFT_LIST);
    if (count < 15) {
        pl_buf_char(t->out, (char)(count << 4 | (uint32_t)type));
    } else {
        pl_buf_char(t->out, (char)(0xf0 | (int)type));
        pl_thrift__varint(t->out, count);
    }
}

void pl_thrift__bool_element(pl_thrift *t, bool value)
{
    pl_buf_char(t->out, value ? PL_THRIFT_TRUE : PL_THRIFT_FALSE);
}

void pl_thrift__i32_element(pl_thrift *t, int32_t value)
{
    zigzag(t->out, value);
}

void pl_thrift__i64_element(pl_thrift *t, int64_t value)
{
    zigzag(t->out, value);
}

void pl_thrift__text_element(pl_thrift *t, pl_span text)
{
    pl_thrift__varint(t->out, text.bytes);
    pl_buf_span(t->out, text);
}
