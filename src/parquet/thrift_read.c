// SPDX-License-Identifier: Apache-2.0
#include "parquet/thrift_read_int.h"

enum { SKIP_DEPTH_MAX = 16 };

pl_thrift_in pl_thrift__over(pl_span bytes)
{
    return (pl_thrift_in){.bytes = bytes};
}

void pl_thrift__fault(pl_thrift_in *in, const char *reason)
{
    if (!in->reason) in->reason = reason;
}

bool pl_thrift__get_varint(pl_span bytes, size_t *at, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64 && *at < bytes.bytes; shift += 7) {
        uint64_t byte = (uint8_t)bytes.data[(*at)++];
        if (shift == 63 && byte > 1) return false;
        value |= (byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *ret = value;
        return value <= max;
    }
    return false;
}

static uint8_t get_byte(pl_thrift_in *in)
{
    if (in->at < in->bytes.bytes) return (uint8_t)in->bytes.data[in->at++];
    pl_thrift__fault(in, "it ends too early");
    return 0;
}

static uint64_t get_varint(pl_thrift_in *in, uint64_t max)
{
    uint64_t value;
    if (pl_thrift__get_varint(in->bytes, &in->at, max, &value)) return value;
    pl_thrift__fault(in, in->at < in->bytes.bytes ? "a number is too large" : "it ends too early");
    return 0;
}

static int64_t get_zigzag(pl_thrift_in *in, int64_t max)
{
    uint64_t value = get_varint(in, (uint64_t)max * 2 + 1);
    return (int64_t)(value >> 1 ^ -(value & 1));
}

static bool expect(pl_thrift_in *in, pl_thrift_type type)
{
    if (in->type != type) pl_thrift__fault(in, "a field has another type than the format's");
    return !in->reason;
}

bool pl_thrift__next(pl_thrift_in *in)
{
    uint8_t head = in->reason ? 0 : get_byte(in);
    if (in->reason) return false;
    if (head == 0) {
        in->depth--;
        return false;
    }
    int64_t id = head >> 4 ? in->last[in->depth] + (head >> 4) : get_zigzag(in, INT16_MAX);
    if (id < 0 || id > INT16_MAX) pl_thrift__fault(in, "a field's id is out of range");
    in->id = in->last[in->depth] = (int16_t)id;
    in->type = head & 0x0f;
    return !in->reason;
}

bool pl_thrift__get_bool(pl_thrift_in *in)
{
    if (in->type != PL_THRIFT_FALSE) expect(in, PL_THRIFT_TRUE);
    return !in->reason && in->type == PL_THRIFT_TRUE;
}

int32_t pl_thrift__get_i32(pl_thrift_in *in)
{
    if (in->type == PL_THRIFT_I16) return (int32_t)get_zigzag(in, INT16_MAX);
    return expect(in, PL_THRIFT_I32) ? (int32_t)get_zigzag(in, INT32_MAX) : 0;
}

int64_t pl_thrift__get_i64(pl_thrift_in *in)
{
    return expect(in, PL_THRIFT_I64) ? get_zigzag(in, INT64_MAX) : 0;
}

pl_span pl_thrift__get_text(pl_thrift_in *in)
{
    if (!expect(in, PL_THRIFT_TEXT)) return (pl_span){0};
    uint64_t bytes = get_varint(in, UINT32_MAX);
    if (bytes > in->bytes.bytes - in->at) pl_thrift__fault(in, "a text ends too early");
    if (in->reason) return (pl_span){0};
    in->at += bytes;
    return pl_span_make(in->bytes.data + in->at - bytes, bytes);
}

bool pl_thrift__enter(pl_thrift_in *in)
{
    if (!expect(in, PL_THRIFT_STRUCT)) return false;
    if (in->depth + 1 == PL_THRIFT_DEPTH_MAX) {
        pl_thrift__fault(in, "structs are nested too deep");
        return false;
    }
    in->last[++in->depth] = 0;
    return true;
}

static uint32_t get_list(pl_thrift_in *in)
{
    if (!expect(in, PL_THRIFT_LIST)) return 0;
    uint8_t head = get_byte(in);
    uint64_t count = head >> 4 == 15 ? get_varint(in, INT32_MAX) : head >> 4;
    if (count > in->bytes.bytes - in->at) pl_thrift__fault(in, "a list ends too early");
    in->type = head & 0x0f;
    return in->reason ? 0 : (uint32_t)count;
}

uint32_t pl_thrift__get_list(pl_thrift_in *in, pl_thrift_type type)
{
    uint32_t count = get_list(in);
    return (count == 0 || expect(in, type)) ? count : 0;
}

static void skip(pl_thrift_in *in, int depth)
{
    if (depth == SKIP_DEPTH_MAX) pl_thrift__fault(in, "structs are nested too deep");
    if (in->reason) return;
    uint8_t type = in->type;
    switch (type) {
    case PL_THRIFT_TRUE:
    case PL_THRIFT_FALSE:
        break;
    case 3: // a byte
        get_byte(in);
        break;
    case PL_THRIFT_I16:
    case PL_THRIFT_I32:
    case PL_THRIFT_I64:
        get_varint(in, UINT64_MAX);
        break;
    case PL_THRIFT_TEXT:
        pl_thrift__get_text(in);
        break;
    case PL_THRIFT_LIST: {
        uint32_t count = get_list(in);
        uint8_t element = in->type;
        for (uint32_t i = 0; i < count && !in->reason; i++) {
            in->type = element;
            if (element == PL_THRIFT_TRUE || element == PL_THRIFT_FALSE)
                get_byte(in); // in a list, each has a byte of its own
            else
                skip(in, depth + 1);
        }
        break;
    }
    case PL_THRIFT_STRUCT:
        if (!pl_thrift__enter(in)) break;
        while (pl_thrift__next(in)) skip(in, depth + 1);
        break;
    default: // double, set, map, uuid: nothing of Parquet has them
        pl_thrift__fault(in, "a field has a type the format does not use");
    }
}

void pl_thrift__skip(pl_thrift_in *in)
{
    skip(in, 0);
}
