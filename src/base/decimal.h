// decimal.h -- exact decimals as a 128-bit unscaled integer: value = unscaled / 10^scale.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_DECIMAL_H
#define PL_BASE_DECIMAL_H

#include "base/base.h"
#include "base/buf.h"

__extension__ typedef __int128 pl_i128;
__extension__ typedef unsigned __int128 pl_u128;

#define PL_I128_TEXT_BYTES 48 // enough for sign, 39 digits, point and NUL

// Append unscaled / 10^scale: "-12.30" for (-1230, 2). Scale 0..38; all `scale` digits are written.
void pl_decimal_text(pl_buf *out, pl_i128 unscaled, int scale);

// 10^exponent for exponent 0..38.
pl_i128 pl_decimal_power(int exponent);

// Big-endian two's complement in the fewest bytes that hold it (Iceberg single-value form, Avro
// and Parquet FIXED take a fixed width instead). Returns the number of bytes, 1..16.
int pl_decimal_bytes(pl_i128 unscaled, uint8_t out[16]);

// The bytes a decimal of `precision` digits needs at most: 1..16.
int pl_decimal_width(int precision);

#endif
