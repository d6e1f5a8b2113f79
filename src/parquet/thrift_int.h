// thrift_int.h -- Thrift's compact protocol, writing only: what Parquet's headers and footer are.
//
//     field    delta << 4 | type            delta = id - previous id of this struct, 1..15
//              type, zigzag varint id       otherwise
//     list     count << 4 | type            count < 15
//              0xF0 | type, varint count    otherwise
//     integer  zigzag varint;  text: varint size and bytes;  bool: in the field's type
//     struct   its fields, then 0x00
//
// Fields of a struct must be written in ascending order for the short form; any order is valid.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_THRIFT_INT_H
#define PL_PARQUET_THRIFT_INT_H

#include "base/buf.h"

enum { PL_THRIFT_DEPTH_MAX = 8 }; // the footer needs 6

typedef enum pl_thrift_type {
    PL_THRIFT_TRUE = 1,
    PL_THRIFT_FALSE = 2,
    PL_THRIFT_I16 = 4,
    PL_THRIFT_I32 = 5,
    PL_THRIFT_I64 = 6,
    PL_THRIFT_TEXT = 8,
    PL_THRIFT_LIST = 9,
    PL_THRIFT_STRUCT = 12,
} pl_thrift_type;

typedef struct pl_thrift {
    pl_buf *out;                       // borrowed
    int16_t last[PL_THRIFT_DEPTH_MAX]; // last field id written, per open struct
    int depth;                         // open structs, the outermost excluded
} pl_thrift;

// Start the outermost struct; pl_thrift__end closes it.
pl_thrift pl_thrift__begin(pl_buf *out);

void pl_thrift__bool(pl_thrift *t, int16_t id, bool value);
void pl_thrift__i16(pl_thrift *t, int16_t id, int16_t value);
void pl_thrift__i32(pl_thrift *t, int16_t id, int32_t value);
void pl_thrift__i64(pl_thrift *t, int16_t id, int64_t value);
void pl_thrift__text(pl_thrift *t, int16_t id, pl_span text);

// Open a struct as a field, or as the next element of a list; pl_thrift__end closes both.
void pl_thrift__struct(pl_thrift *t, int16_t id);
void pl_thrift__struct_element(pl_thrift *t);
void pl_thrift__end(pl_thrift *t);

// Announce a list; `count` elements of `type` must follow.
void pl_thrift__list(pl_thrift *t, int16_t id, pl_thrift_type type, uint32_t count);
void pl_thrift__bool_element(pl_thrift *t, bool value); // of a list of PL_THRIFT_TRUE
void pl_thrift__i32_element(pl_thrift *t, int32_t value);
void pl_thrift__i64_element(pl_thrift *t, int64_t value);
void pl_thrift__text_element(pl_thrift *t, pl_span text);

void pl_thrift__varint(pl_buf *out, uint64_t value); // LEB128, also used by the RLE hybrid

#endif
