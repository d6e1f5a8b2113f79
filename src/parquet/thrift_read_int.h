// thrift_read_int.h -- Thrift's compact protocol, reading: bytes that nobody vouches for.
//
//     while (pl_thrift__next(&in)) {
//         if (in.id == 1) version = pl_thrift__get_i32(&in);
//         else if (in.id == 2 && pl_thrift__enter(&in)) { while (pl_thrift__next(&in)) ... }
//         else pl_thrift__skip(&in);
//     }
//     if (in.reason) ...
//
// The first fault sticks: `reason` says what it is and `at` where; from then on there is no next
// field and every value is zero. A caller checks once, at the end, and believes nothing before.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_THRIFT_READ_INT_H
#define PL_PARQUET_THRIFT_READ_INT_H

#include "parquet/thrift_int.h"

typedef struct pl_thrift_in {
    pl_span bytes;                     // borrowed
    size_t at;                         // next byte
    const char *reason;                // static text; NULL: no fault so far
    int16_t id;                        // of the field just met
    uint8_t type;                      // its wire type, also of a list's elements
    int16_t last[PL_THRIFT_DEPTH_MAX]; // per open struct
    int depth;                         // open structs, the outermost excluded
} pl_thrift_in;

pl_thrift_in pl_thrift__over(pl_span bytes); // in the outermost struct

// The next field of the open struct; its value must then be read or skipped. False: the struct is
// closed, or a fault.
bool pl_thrift__next(pl_thrift_in *in);
void pl_thrift__skip(pl_thrift_in *in);

bool pl_thrift__get_bool(pl_thrift_in *in);
int32_t pl_thrift__get_i32(pl_thrift_in *in); // also of i16
int64_t pl_thrift__get_i64(pl_thrift_in *in);
pl_span pl_thrift__get_text(pl_thrift_in *in); // borrowed
// Open the struct that is the field's value; false on a fault.
bool pl_thrift__enter(pl_thrift_in *in);

// The field's value is a list of this type: how many elements follow, no more than there are
// bytes. Each element is then read like a field's value. 0 on a fault.
uint32_t pl_thrift__get_list(pl_thrift_in *in, pl_thrift_type type);

void pl_thrift__fault(pl_thrift_in *in, const char *reason); // the first one stays

// LEB128 at bytes[*at]; false: cut short, or above `max`.
bool pl_thrift__get_varint(pl_span bytes, size_t *at, uint64_t max, uint64_t *ret);

#endif
